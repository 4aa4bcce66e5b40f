/* compile.c - makes of a checked ruleset what the walk reads: code arrays, interface rows, stacks. */
#include <errno.h>
#include <stdlib.h>

#include "tables/tables_int.h"

enum {
	WALKS_NESTED = 4
}; /* walks of one table at once: REJECT's answer passes OUTPUT while the first one waits */

/* code_bits: the flags of a rule's own part (ip_tables.c ip_packet_match). */
static uint8_t code_bits(const struct rule *r)
{
	const struct rule_spec *s = &r->spec;
	uint8_t bits = r->match_count ? CODE_MATCHES : 0;

	bits |= s->invert & INV_SRC ? CODE_NOT_SRC : 0;
	bits |= s->invert & INV_DST ? CODE_NOT_DST : 0;
	bits |= s->invert & INV_PROTO ? CODE_NOT_PROTO : 0;
	if (!s->fragment)
		return bits | CODE_WHOLE | CODE_FRAGMENT;
	return bits | (s->invert & INV_FRAG ? CODE_WHOLE : CODE_FRAGMENT);
}

/* compile_ports: the ports that the first match wants; a later one may not be asked before those in front of
 * it, which may have state. Return: whether there is such a window. */
static bool compile_ports(const struct rule *r, struct port_window *window)
{
	uint16_t w[4];

	if (!r->match_count || !r->match[0].ops->ports || !r->match[0].ops->ports(r->match[0].data, w))
		return false;
	*window = (struct port_window){ w[0], w[1], w[2], w[3] };
	return true;
}

/* compile_rule: one rule. Return: 0, -ENOMEM, -ENOSPC. */
static int compile_rule(struct ruleset *rs, struct rule *r, struct rule_code *code,
			struct port_window *window)
{
	const struct rule_spec *s = &r->spec;
	int in = iface_intern(rs, s->in, s->in[0] && s->invert & INV_IN);
	int out = iface_intern(rs, s->out, s->out[0] && s->invert & INV_OUT);
	bool not_src = s->invert & INV_SRC, not_dst = s->invert & INV_DST;

	if (in < 0 || out < 0)
		return in < 0 ? in : out;
	*code = (struct rule_code){
		.addr = { not_src ? 0 : s->src, not_dst ? 0 : s->dst },
		.mask = { not_src ? 0 : s->src_mask, not_dst ? 0 : s->dst_mask },
		.in = (uint16_t)in,
		.out = (uint16_t)out,
		.proto = (uint8_t)s->proto,
		.proto_mask = s->proto ? 0xff : 0,
		.bits = code_bits(r) | (compile_ports(r, window) ? CODE_PORTS : 0),
		.kind = r->kind,
		.rule = r,
	};
	return 0;
}

/* compile_chain: the code array of a chain. Return: 0, -ENOMEM, -ENOSPC. */
static int compile_chain(struct ruleset *rs, struct chain *c)
{
	int result = 0;

	free(c->code);
	free(c->windows);
	c->code = NULL;
	c->windows = NULL;
	if (!c->count)
		return 0;
	c->code = aligned_alloc(64, ((size_t)c->count * sizeof *c->code + 63) & ~(size_t)63);
	c->windows = calloc(c->count, sizeof *c->windows);
	if (!c->code || !c->windows)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->count && !result; i++)
		result = compile_rule(rs, c->entries[i].rule, &c->code[i], &c->windows[i]);
	return result;
}

/* compile_table: all chains and the stack of a table. A path never visits a chain twice, so that its user
 * chains bound the depth. Return: 0, -ENOMEM, -ENOSPC. */
static int compile_table(struct ruleset *rs, struct table *tb)
{
	int result = 0;

	free(tb->stack);
	tb->stack_size = (tb->count - tb->base_count + 1) * WALKS_NESTED;
	tb->stack_used = 0;
	tb->stack = malloc(tb->stack_size * sizeof *tb->stack);
	if (!tb->stack)
		return -ENOMEM;
	for (uint32_t i = 0; i < tb->count && !result; i++)
		result = compile_chain(rs, tb->chains[i]);
	return result;
}

/* ruleset_compile: everything the walk needs. May be done again after a failure. Return: 0, or -1 with @err.
 */
int ruleset_compile(struct ruleset *rs, struct rule_error *err)
{
	int result;

	rs->pattern_count = 0;
	memset(rs->pattern_head, 0, sizeof rs->pattern_head);
	result = iface_intern(rs, "", false); /* pattern 0 */
	for (int id = 0; id < TABLE_COUNT && result >= 0; id++)
		result = compile_table(rs, &rs->table[id]);
	if (result >= 0)
		result = iface_rows_alloc(rs);
	if (result == -ENOSPC)
		return rule_fail_code(err, 4, "too many different interface names in -i and -o (at most %d)",
				      RULESET_PATTERNS_MAX);
	return result < 0 ? rule_fail_errno(err, ENOMEM) : 0;
}
