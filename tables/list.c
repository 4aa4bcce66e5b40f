/* list.c - rules as a table to look at: iptables -L.
 *
 * Linux parity: iptables.c print_firewall, print_header, libxtables xtables_print_num of 1.8.9: widths, the
 * blanks at ends of lines, K M G T, and numbers instead of protocol names with -n. Deliberate difference:
 * without -n addresses are not turned into host names (no name service in the core).
 */
#include <stdio.h>

#include "tables/tables_int.h"

/* put_count: a counter as iptables prints it. @exact: -x. @bare: in a chain's head, without width. */
static void put_count(struct text *out, uint64_t n, bool exact, bool bare)
{
	static const char units[] = "KMGT";
	unsigned long long value = n;
	const char *unit = units;

	if (exact || value <= 99999) {
		text_printf(out, bare ? "%llu " : exact ? "%8llu " : "%5llu ", value);
		return;
	}
	value = (value + 500) / 1000;
	for (; value > 9999 && unit[1]; unit++)
		value = (value + 500) / 1000;
	text_printf(out, bare ? "%llu%c " : "%4llu%c ", value, *unit);
}

/* list_chain_head: "Chain NAME (policy ...)" or "(N references)", and the line of column names. */
void list_chain_head(const struct chain *c, unsigned flags, struct text *out)
{
	text_printf(out, "Chain %s", c->name);
	if (c->hook < 0) {
		text_printf(out, " (%u references)\n", c->refs);
	} else {
		text_printf(out, " (policy %s", kind_name((enum rule_kind)c->policy));
		if (flags & LIST_VERBOSE) {
			text_puts(out, " ");
			put_count(out, c->packets, flags & LIST_EXACT, true);
			text_puts(out, "packets, ");
			put_count(out, c->bytes, flags & LIST_EXACT, true);
			text_puts(out, "bytes");
		}
		text_puts(out, ")\n");
	}
	if (flags & LIST_LINE_NUMBERS)
		text_puts(out, "num  ");
	if (flags & LIST_VERBOSE)
		text_puts(out, flags & LIST_EXACT ? "    pkts      bytes " : " pkts bytes ");
	text_puts(out, "target     prot opt");
	if (flags & LIST_VERBOSE)
		text_puts(out, " in     out    ");
	text_printf(out, " %-19s  %-19s \n", "source", "destination");
}

/* put_iface_column: a name, or what stands for all of them. */
static void put_iface_column(const char *name, bool invert, unsigned flags, struct text *out)
{
	char text[PORT_NAME_MAX + 2];

	snprintf(text, sizeof text, "%s%s", invert ? "!" : "",
		 name[0]                ? name
		 : flags & LIST_NUMERIC ? "*"
					: "any");
	text_printf(out, "%-6s ", text);
}

/* put_addr_column: an address with its mask. */
static void put_addr_column(uint32_t addr, uint32_t mask, bool invert, unsigned flags, struct text *out)
{
	char buf[64];
	struct text text = text_over(buf, sizeof buf);

	if (!mask && !(flags & LIST_NUMERIC))
		text_puts(&text, "anywhere");
	else
		put_ip4_mask(&text, addr, mask);
	text_printf(out, "%c%-19s ", invert ? '!' : ' ', buf);
}

/* put_proto_column: " tcp  ": number with -n, else the name. */
static void put_proto_column(const struct tables *t, const struct rule_spec *s, unsigned flags,
			     struct text *out)
{
	const char *name = flags & LIST_NUMERIC ? NULL : s->proto ? proto_name(t, (uint8_t)s->proto) : "all";

	text_puts(out, s->invert & INV_PROTO ? "!" : " ");
	if (name)
		text_printf(out, "%-4s ", name);
	else
		text_printf(out, "%-4u ", s->proto);
	text_printf(out, "%c%c ", s->invert & INV_FRAG ? '!' : '-', s->fragment ? 'f' : '-');
}

/* target_column: the name that stands in the target column. */
static const char *target_column(const struct rule_entry *e)
{
	const struct target_ops *target = e->rule->target;

	if (e->jump)
		return e->jump->name;
	if (!target)
		return kind_name((enum rule_kind)e->rule->kind);
	return target->kernel_name ? target->kernel_name : target->name;
}

/* put_extensions: what the matches and the target say. */
static void put_extensions(const struct rule *r, bool numeric, struct text *out)
{
	for (unsigned i = 0; i < r->match_count; i++)
		if (r->match[i].ops->print)
			r->match[i].ops->print(r->match[i].data, numeric, out);
	if (r->target && r->target->print)
		r->target->print(r->target_data, numeric, out);
}

/* list_rule: one line. @num: the rule's number, from 1. */
void list_rule(const struct tables *t, const struct rule_entry *e, unsigned num, unsigned flags, struct text *out)
{
	const struct rule *r = e->rule;
	const struct rule_spec *s = &r->spec;

	if (flags & LIST_LINE_NUMBERS)
		text_printf(out, "%-4u ", num);
	if (flags & LIST_VERBOSE) {
		put_count(out, entry_packets(e), flags & LIST_EXACT, false);
		put_count(out, entry_bytes(e), flags & LIST_EXACT, false);
	}
	text_printf(out, "%-9s ", target_column(e));
	put_proto_column(t, s, flags, out);
	if (flags & LIST_VERBOSE) {
		text_puts(out, " ");
		put_iface_column(s->in, s->in[0] && s->invert & INV_IN, flags, out);
		put_iface_column(s->out, s->out[0] && s->invert & INV_OUT, flags, out);
	}
	put_addr_column(s->src, s->src_mask, s->invert & INV_SRC, flags, out);
	put_addr_column(s->dst, s->dst_mask, s->invert & INV_DST, flags, out);
	if (r->kind == KIND_GOTO)
		text_puts(out, "[goto] ");
	put_extensions(r, flags & LIST_NUMERIC, out);
	text_puts(out, "\n");
}

/* put_iface_word: an interface of rule_line. */
static void put_iface_word(const char *what, const char *name, bool invert, struct text *out)
{
	text_printf(out, "%s %s%s ", what, name[0] && invert ? "!" : "", name[0] ? name : "*");
}

/* rule_line: the line that -v prints of a rule that is added, deleted or looked for. */
void rule_line(const struct rule_entry *e, struct text *out)
{
	const struct rule *r = e->rule;
	const struct rule_spec *s = &r->spec;
	const char *name = s->proto ? proto_own_name((uint8_t)s->proto) : "all";

	text_printf(out, "%s %c", target_column(e), s->invert & INV_PROTO ? '!' : ' ');
	if (name)
		text_puts(out, name);
	else
		text_printf(out, "%u", s->proto);
	text_printf(out, " opt %c%c ", s->invert & INV_FRAG ? '!' : '-', s->fragment ? 'f' : '-');
	put_iface_word("in", s->in, s->invert & INV_IN, out);
	put_iface_word("out", s->out, s->invert & INV_OUT, out);
	text_puts(out, s->invert & INV_SRC ? "!" : " ");
	put_ip4_mask(out, s->src, s->src_mask);
	text_printf(out, " %c-> ", s->invert & INV_DST ? '!' : ' ');
	put_ip4_mask(out, s->dst, s->dst_mask);
	text_puts(out, "  ");
	if (r->kind == KIND_GOTO)
		text_puts(out, "[goto] ");
	put_extensions(r, true, out);
	text_puts(out, "\n");
}
