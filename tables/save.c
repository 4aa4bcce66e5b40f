/* save.c - rules as text that reads back: iptables-save, iptables -S.
 *
 * Linux parity: iptables.c print_rule4, iptables-save.c of 1.8.9. Deliberate difference: "! -i +", which fits
 * no packet, is printed, where 1.8.9 leaves it out and so turns it into a rule that fits all.
 */
#include <stdio.h>

#include "tables/tables_int.h"

/* put_addr: " -s A/LEN" unless it fits all (save_ipv4_addr). */
static void put_addr(struct text *out, const char *option, uint32_t addr, uint32_t mask, bool invert)
{
	uint32_t host = __builtin_bswap32(mask);

	if (!mask && !addr && !invert)
		return;
	text_printf(out, "%s %s ", invert ? " !" : "", option);
	put_ip4(out, addr);
	text_puts(out, "/");
	if (~host & (~host + 1)) /* not a row of ones from the left */
		put_ip4(out, mask);
	else
		text_printf(out, "%d", __builtin_popcount(mask));
}

/* put_iface: " -i NAME" unless it fits all. */
static void put_iface(struct text *out, const char *option, const char *name, bool invert)
{
	if (!name[0] || (!strcmp(name, "+") && !invert))
		return;
	text_printf(out, "%s %s %s", invert ? " !" : "", option, name);
}

/* put_spec: the rule's own part. */
static void put_spec(const struct tables *t, const struct rule_spec *s, struct text *out)
{
	const char *name = proto_name(t, (uint8_t)s->proto);

	put_addr(out, "-s", s->src, s->src_mask, s->invert & INV_SRC);
	put_addr(out, "-d", s->dst, s->dst_mask, s->invert & INV_DST);
	put_iface(out, "-i", s->in, s->invert & INV_IN);
	put_iface(out, "-o", s->out, s->invert & INV_OUT);
	if (s->proto) {
		text_puts(out, s->invert & INV_PROTO ? " ! -p " : " -p ");
		if (name)
			text_puts(out, name);
		else
			text_printf(out, "%u", s->proto);
	}
	if (s->fragment)
		text_puts(out, s->invert & INV_FRAG ? " ! -f" : " -f");
}

/* put_jump: " -j ..." or " -g ...", if there is any. */
static void put_jump(const struct rule_entry *e, struct text *out)
{
	const struct rule *r = e->rule;

	if (r->kind == KIND_TARGET) {
		text_printf(out, " -j %s", r->target->name);
		if (r->target->save)
			r->target->save(r->target_data, out);
	} else if (e->jump) {
		text_printf(out, " -%c %s", r->kind == KIND_GOTO ? 'g' : 'j', e->jump->name);
	} else if (r->kind != KIND_NONE) {
		text_printf(out, " -j %s", kind_name((enum rule_kind)r->kind));
	}
}

void rule_save(const struct tables *t, const struct rule_entry *e, bool counters, struct text *out)
{
	const struct rule *r = e->rule;

	put_spec(t, &r->spec, out);
	for (unsigned i = 0; i < r->match_count; i++) {
		text_printf(out, " -m %s", r->match[i].ops->name);
		if (r->match[i].ops->save)
			r->match[i].ops->save(r->match[i].data, out);
	}
	if (counters)
		text_printf(out, " -c %llu %llu", (unsigned long long)entry_packets(e),
			    (unsigned long long)entry_bytes(e));
	put_jump(e, out);
}

/* policy_name: "ACCEPT", "DROP", or "-" for a user chain. */
static const char *policy_name(const struct chain *c)
{
	return c->hook < 0 ? "-" : kind_name((enum rule_kind)c->policy);
}

/* save_chain_line: ":CHAIN POLICY [P:B]". */
void save_chain_line(const struct chain *c, struct text *out)
{
	text_printf(out, ":%s %s [%llu:%llu]\n", c->name, policy_name(c), (unsigned long long)c->packets,
		    (unsigned long long)c->bytes);
}

/* list_rules_head: the line of -S that says a chain exists. */
void list_rules_head(const struct chain *c, bool counters, struct text *out)
{
	text_printf(out, c->hook < 0 ? "-N %s" : "-P %s %s", c->name, policy_name(c));
	if (counters && c->hook >= 0)
		text_printf(out, " -c %llu %llu", (unsigned long long)c->packets,
			    (unsigned long long)c->bytes);
	text_puts(out, "\n");
}

/* --- all at once ------------------------------------------------------------------------------------------------------ */

void tables_save(const struct tables *t, enum table_id id, bool counters, const char *stamp, struct text *out)
{
	struct listing_how how = { .kind = LISTING_SAVE, .id = id, .counters = counters };

	snprintf(how.stamp, sizeof how.stamp, "%s", stamp ? stamp : "");
	ruleset_print(t, t->live, &how, out);
}

/* list: -L, all of it or of a chain or one rule of that. Return: 0 or -ENOENT. */
static int list(const struct tables *t, enum table_id id, const char *chain, unsigned num, unsigned flags, struct text *out)
{
	struct listing_how how = { .kind = LISTING_TABLE, .id = id, .one = chain, .num = num, .flags = flags };

	snprintf(how.chain, sizeof how.chain, "%s", chain ? chain : "");
	return ruleset_print(t, t->live, &how, out);
}

int tables_list(const struct tables *t, enum table_id id, const char *chain, unsigned flags, struct text *out)
{
	return list(t, id, chain, 0, flags, out);
}

int tables_list_rule(const struct tables *t, enum table_id id, const char *chain, unsigned num, unsigned flags, struct text *out)
{
	struct text none = { 0 };
	int result = list(t, id, chain, num, flags, num ? out : &none);

	text_free(&none);
	return result;
}

int tables_list_rules(const struct tables *t, enum table_id id, const char *chain, unsigned num, bool counters, struct text *out)
{
	struct listing_how how = { .kind = LISTING_RULES, .id = id, .one = chain, .num = num, .counters = counters };

	snprintf(how.chain, sizeof how.chain, "%s", chain ? chain : "");
	return ruleset_print(t, t->live, &how, out);
}
