/* compile.c - makes of a checked table what the walk reads: code arrays, interface rows, stack. */
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

/* compile_fail: @error as iptables says it. Return: -1. */
static int compile_fail(int error, struct rule_error *err)
{
	if (error == -ENOSPC)
		return rule_fail_code(err, 4, "too many different interface names in -i and -o (at most %d)",
				      RULESET_PATTERNS_MAX);
	return rule_fail_errno(err, ENOMEM);
}

/* compile_begin: the stack of a table, and pattern 0. A path never visits a chain twice, so that its user chains bound the
 * depth. Return: 0, or -1 with @err. */
int compile_begin(struct table *tb, struct rule_error *err)
{
	int result;

	free(tb->stack);
	tb->stack_size = (tb->count - tb->base_count + 1) * WALKS_NESTED;
	tb->stack_used = 0;
	tb->stack = malloc(tb->stack_size * sizeof *tb->stack);
	tb->pattern_count = 0;
	memset(tb->pattern_head, 0, sizeof tb->pattern_head);
	result = tb->stack ? iface_intern(tb, "", false) : -ENOMEM;
	return result < 0 ? compile_fail(result, err) : 0;
}

/* compile_chain: room for the code of a chain. Return: 0, or -1 with @err. */
int compile_chain(struct chain *c, struct rule_error *err)
{
	free(c->code);
	free(c->windows);
	c->code = NULL;
	c->windows = NULL;
	if (!c->count)
		return 0;
	c->code = aligned_alloc(64, ((size_t)c->count * sizeof *c->code + 63) & ~(size_t)63);
	c->windows = malloc(c->count * sizeof *c->windows);
	return c->code && c->windows ? 0 : compile_fail(-ENOMEM, err);
}

/* compile_rule: one rule of a chain. Return: 0, or -1 with @err. */
int compile_rule(struct table *tb, struct chain *c, uint32_t index, struct rule_error *err)
{
	struct rule *r = c->entries[index].rule;
	const struct rule_spec *s = &r->spec;
	int in = iface_intern(tb, s->in, s->in[0] && s->invert & INV_IN);
	int out = iface_intern(tb, s->out, s->out[0] && s->invert & INV_OUT);
	bool not_src = s->invert & INV_SRC, not_dst = s->invert & INV_DST;

	if (in < 0 || out < 0)
		return compile_fail(in < 0 ? in : out, err);
	c->windows[index] = (struct port_window){ 0 };
	c->code[index] = (struct rule_code){
		.addr = { not_src ? 0 : s->src, not_dst ? 0 : s->dst },
		.mask = { not_src ? 0 : s->src_mask, not_dst ? 0 : s->dst_mask },
		.in = (uint16_t)in,
		.out = (uint16_t)out,
		.proto = (uint8_t)s->proto,
		.proto_mask = s->proto ? 0xff : 0,
		.bits = code_bits(r) | (compile_ports(r, &c->windows[index]) ? CODE_PORTS : 0),
		.kind = r->kind,
		.rule = r,
	};
	return 0;
}

/* compile_end: once all rules are compiled. Return: 0, or -1 with @err. */
int compile_end(struct table *tb, struct rule_error *err)
{
	int result = iface_rows_alloc(tb);

	return result ? compile_fail(result, err) : 0;
}
