/* print.c - connections and expectations as text, byte for byte as the kernel's files have them. What conntrack(8) makes of
 * them is in print_tool.c, print_xml.c, print_save.c and print_expect.c.
 *
 * Linux parity: ct_seq_show, exp_seq_show, ct_cpu_seq_show.
 */
#include "conntrack/print.h"

#include <inttypes.h>

const char *ct_state_name(const struct ct_entry *ct)
{
	switch (ct->tuple[CT_ORIGINAL].proto) {
	case IP_PROTO_TCP:
		return ct_tcp_state_name(ct->tcp.state);
	case IP_PROTO_SCTP:
		return ct_sctp_state_name(ct->sctp.state);
	case IP_PROTO_DCCP:
		return ct_dccp_state_name(ct->dccp.state);
	default:
		return NULL;
	}
}

unsigned ct_seconds_left(const struct conntrack *ctk, const struct ct_entry *ct)
{
	return (unsigned)(ct_remaining(ctk, ct) / NS_PER_SECOND);
}

void ct_put_l3(const struct ct_entry *ct, struct text *out)
{
	uint8_t family = ct->tuple[CT_ORIGINAL].family;

	text_printf(out, "%-8s %u ", family == FAMILY_IP6 ? "ipv6" : "ipv4", family);
}

/* put_direction: one direction: tuple, its zone where it counts for this direction only, counters; [UNREPLIED] between. */
static void put_direction(const struct ct_entry *ct, enum ct_dir dir, struct text *out)
{
	ct_tuple_print(&ct->tuple[dir], out);
	if (ct->zone_dir == (dir == CT_ORIGINAL ? CT_ZONE_ORIG : CT_ZONE_REPLY))
		text_printf(out, dir == CT_ORIGINAL ? "zone-orig=%u " : "zone-reply=%u ", ct_zone(ct));
	if (ct->extra && ct->extra->has_acct)
		text_printf(out, "packets=%" PRIu64 " bytes=%" PRIu64 " ", ct->extra->acct[dir].packets,
			    ct->extra->acct[dir].bytes);
	if (dir == CT_ORIGINAL && !(ct->status & CT_ST_SEEN_REPLY))
		text_puts(out, "[UNREPLIED] ");
}

/* delta_seconds: age in whole seconds by the wall clock; 0 if that went backwards. */
static uint64_t delta_seconds(const struct conntrack *ctk, const struct ct_entry *ct)
{
	uint64_t now = ctk->ns->now + (uint64_t)ctk->wall_offset;

	return now > ct->extra->start ? (now - ct->extra->start) / NS_PER_SECOND : 0;
}

bool ct_has_start(const struct ct_entry *ct)
{
	return ct->extra && ct->extra->has_timestamp && ct->extra->start;
}

void ct_print_proc(const struct conntrack *ctk, const struct ct_entry *ct, bool old, struct text *out)
{
	const struct ct_proto *proto = ct_proto_find(ct->tuple[CT_ORIGINAL].proto);

	if (!old)
		ct_put_l3(ct, out);
	text_printf(out, "%-8s %u %u ", proto->name, ct->tuple[CT_ORIGINAL].proto, ct_seconds_left(ctk, ct));
	if (proto->print_state)
		proto->print_state(ct, out);
	put_direction(ct, CT_ORIGINAL, out);
	put_direction(ct, CT_REPLY, out);
	if (ct->status & CT_ST_ASSURED)
		text_puts(out, "[ASSURED] ");
	text_printf(out, "mark=%u ", ct->mark);
	if (ct->zone_dir == CT_ZONE_BOTH)
		text_printf(out, "zone=%u ", ct_zone(ct));
	if (ct_has_start(ct))
		text_printf(out, "delta-time=%" PRIu64 " ", delta_seconds(ctk, ct));
	text_printf(out, "use=%u\n", ct->refs); /* Linux counts the reader's too: here the walk's */
}

void ct_print_stat(const struct conntrack *ctk, struct text *out)
{
	const struct ct_stats *s = &ctk->stats;
	const uint64_t column[] = {
		ctk->count, s->clash_resolve, s->found, 0, s->invalid, 0, 0, s->chain_too_long, s->insert,
		s->insert_failed, s->drop, s->early_drop, s->error, s->expect_new, s->expect_create,
		s->expect_delete, s->search_restart,
	};
	enum { COLUMNS = sizeof column / sizeof *column };

	text_puts(out, "entries  clashres found new invalid ignore delete chainlength insert insert_failed drop "
		       "early_drop icmp_error  expect_new expect_create expect_delete search_restart\n");
	for (unsigned i = 0; i < COLUMNS; i++)
		text_printf(out, "%08x%s", (uint32_t)column[i],
			    i == COLUMNS - 1 ? "\n" : i == 0 || i == 12 ? "  " : " ");
}

unsigned ct_expect_seconds(const struct conntrack *ctk, const struct ct_expect *x)
{
	return x->expires > ctk->ns->now ? (unsigned)((x->expires - ctk->ns->now) / NS_PER_SECOND) : 0;
}

void ct_put_expect_flags(const struct ct_expect *x, struct text *out)
{
	static const char *const names[] = { "PERMANENT", "INACTIVE", "USERSPACE" };
	const char *comma = "";

	for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
		if (!(x->flags >> i & 1))
			continue;
		text_printf(out, "%s%s", comma, names[i]);
		comma = ",";
	}
	if (*comma)
		text_puts(out, " ");
}

const struct ct_helper *ct_expect_helper(const struct ct_expect *x)
{
	return ct_help(x->master) ? ct_help(x->master)->helper : NULL;
}

void ct_expect_print_proc(const struct conntrack *ctk, const struct ct_expect *x, struct text *out)
{
	const struct ct_helper *helper = ct_expect_helper(x);

	text_printf(out, "%u l3proto = %u proto=%u ", ct_expect_seconds(ctk, x), x->tuple.family, x->tuple.proto);
	ct_tuple_print(&x->tuple, out);
	ct_put_expect_flags(x, out);
	if (helper) {
		const char *class = helper->policy[x->class].name;

		text_printf(out, "%s%s%s", helper->name, class && *class ? "/" : "", class ? class : "");
	} else {
		text_trim(out, 1);
	}
	text_puts(out, "\n");
}
