/* print.c - connections and expectations as text, byte for byte as the kernel's files and the conntrack tool have them.
 *
 * Linux parity: ct_seq_show, exp_seq_show, ct_cpu_seq_show; libnetfilter_conntrack's snprintf_default.c as the tool
 * (conntrack-tools 1.4.7) uses it.
 */
#include "conntrack/proto_common.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <time.h>

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

/* seconds_left: whole seconds until it expires. */
static unsigned seconds_left(const struct conntrack *ctk, const struct ct_entry *ct)
{
	return (unsigned)(ct_remaining(ctk, ct) / NS_PER_SECOND);
}

/* put_l3: "ipv4     2 ". */
static void put_l3(const struct ct_entry *ct, struct text *out)
{
	uint8_t family = ct->tuple[CT_ORIGINAL].family;

	text_printf(out, "%-8s %u ", family == FAMILY_IP6 ? "ipv6" : "ipv4", family);
}

/* put_direction: one direction: tuple, its zone where it counts for this direction only, @counters; [UNREPLIED] between. */
static void put_direction(const struct ct_entry *ct, enum ct_dir dir, bool tool, bool counters, struct text *out)
{
	const struct ct_tuple *t = &ct->tuple[dir];

	ct_tuple_print(t, out);
	if (ct->zone_dir == (dir == CT_ORIGINAL ? CT_ZONE_ORIG : CT_ZONE_REPLY) && (!tool || ct_zone(ct)))
		text_printf(out, dir == CT_ORIGINAL ? "zone-orig=%u " : "zone-reply=%u ", ct_zone(ct));
	if (counters && ct->extra && ct->extra->has_acct)
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

/* has_start: whether there is a time of birth to show. */
static bool has_start(const struct ct_entry *ct)
{
	return ct->extra && ct->extra->has_timestamp && ct->extra->start;
}

void ct_print_proc(const struct conntrack *ctk, const struct ct_entry *ct, bool old, struct text *out)
{
	const struct ct_proto *proto = ct_proto_find(ct->tuple[CT_ORIGINAL].proto);

	if (!old)
		put_l3(ct, out);
	text_printf(out, "%-8s %u %u ", proto->name, ct->tuple[CT_ORIGINAL].proto, seconds_left(ctk, ct));
	if (proto->print_state)
		proto->print_state(ct, out);
	put_direction(ct, CT_ORIGINAL, false, true, out);
	put_direction(ct, CT_REPLY, false, true, out);
	if (ct->status & CT_ST_ASSURED)
		text_puts(out, "[ASSURED] ");
	text_printf(out, "mark=%u ", ct->mark);
	if (ct->zone_dir == CT_ZONE_BOTH)
		text_printf(out, "zone=%u ", ct_zone(ct));
	if (has_start(ct))
		text_printf(out, "delta-time=%" PRIu64 " ", delta_seconds(ctk, ct));
	text_printf(out, "use=%u\n", ct->refs); /* Linux counts the reader's too: here the walk's */
}

/* put_time: "[start=Fri Nov 20 17:27:47 2026] ", local time as the tool has it. */
static void put_time(const char *label, uint64_t wall_ns, struct text *out)
{
	time_t when = (time_t)(wall_ns / NS_PER_SECOND);
	struct tm tm;
	char buf[64];

	if (localtime_r(&when, &tm) && strftime(buf, sizeof buf, "%a %b %e %H:%M:%S %Y", &tm))
		text_printf(out, "[%s=%s] ", label, buf);
}

/* put_times: age, and the times of birth and death if asked for. */
static void put_times(const struct conntrack *ctk, const struct ct_entry *ct, bool absolute, struct text *out)
{
	if (!has_start(ct))
		return;
	text_printf(out, "delta-time=%" PRIu64 " ", delta_seconds(ctk, ct));
	if (!absolute)
		return;
	put_time("start", ct->extra->start, out);
	if (ct->extra->stop)
		put_time("stop", ct->extra->stop, out);
}

/* put_labels: the numbers of the labels that are set, as where no connlabel.conf names them. */
static void put_labels(const struct ct_entry *ct, struct text *out)
{
	bool first = true;

	if (!ct->extra || !ct->extra->has_labels)
		return;
	for (unsigned i = 0; i < 128; i++) {
		if (!(ct->extra->labels[i / 64] >> (i & 63) & 1))
			continue;
		text_printf(out, "%s%u", first ? "labels=" : ",", i);
		first = false;
	}
	if (!first)
		text_puts(out, " ");
}

void ct_print_tool(const struct conntrack *ctk, const struct ct_entry *ct, unsigned flags, struct text *out)
{
	bool event = flags & (CT_PRINT_EVENT | CT_PRINT_DESTROY);
	const char *state = ct_state_name(ct);

	if (flags & CT_PRINT_EXTENDED)
		put_l3(ct, out);
	text_printf(out, "%-8s %u ", ct_proto_name(ct->tuple[CT_ORIGINAL].proto), ct->tuple[CT_ORIGINAL].proto);
	if (!(flags & CT_PRINT_DESTROY) || ct_remaining(ctk, ct))
		text_printf(out, "%u ", seconds_left(ctk, ct));
	if (state)
		text_printf(out, "%s ", state);
	put_direction(ct, CT_ORIGINAL, true, !(flags & CT_PRINT_EVENT), out);
	put_direction(ct, CT_REPLY, true, !(flags & CT_PRINT_EVENT), out);
	if (ct->status & CT_ST_ASSURED)
		text_puts(out, "[ASSURED] ");
	if (!event || ct->mark || flags & CT_PRINT_MARK)
		text_printf(out, "mark=%u ", ct->mark);
	if (ct_zone(ct) && ct->zone_dir == CT_ZONE_BOTH)
		text_printf(out, "zone=%u ", ct_zone(ct));
	if (!(flags & CT_PRINT_EVENT))
		put_times(ctk, ct, flags & CT_PRINT_TIMESTAMP, out);
	if (ct_help(ct) && ct_help(ct)->helper)
		text_printf(out, "helper=%s ", ct_help(ct)->helper->name);
	if (!event)
		text_printf(out, "use=%u ", ct->refs > 1 ? ct->refs - 1 : 1); /* without the walk's */
	if (flags & CT_PRINT_ID)
		text_printf(out, "id=%u ", ct_id(ctk, ct));
	if (flags & CT_PRINT_LABELS)
		put_labels(ct, out);
	text_trim(out, 1);
	text_puts(out, "\n");
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

void ct_print_tool_stat(const struct conntrack *ctk, struct text *out)
{
	const struct ct_stats *s = &ctk->stats;

	text_printf(out,
		    "cpu=0   \tfound=%u invalid=%u insert=%u insert_failed=%u drop=%u early_drop=%u error=%u "
		    "search_restart=%u clash_resolve=%u chaintoolong=%u \n",
		    (uint32_t)s->found, (uint32_t)s->invalid, (uint32_t)s->insert, (uint32_t)s->insert_failed,
		    (uint32_t)s->drop, (uint32_t)s->early_drop, (uint32_t)s->error, (uint32_t)s->search_restart,
		    (uint32_t)s->clash_resolve, (uint32_t)s->chain_too_long);
}

/* expect_seconds: whole seconds until an expectation expires. */
static unsigned expect_seconds(const struct conntrack *ctk, const struct ct_expect *x)
{
	return x->expires > ctk->ns->now ? (unsigned)((x->expires - ctk->ns->now) / NS_PER_SECOND) : 0;
}

/* put_expect_flags: "PERMANENT,INACTIVE " as they are set; nothing without. */
static void put_expect_flags(const struct ct_expect *x, struct text *out)
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

/* helper_of: the helper that made an expectation; NULL if its master has none any more. */
static const struct ct_helper *helper_of(const struct ct_expect *x)
{
	return ct_help(x->master) ? ct_help(x->master)->helper : NULL;
}

void ct_expect_print_proc(const struct conntrack *ctk, const struct ct_expect *x, struct text *out)
{
	const struct ct_helper *helper = helper_of(x);

	text_printf(out, "%u l3proto = %u proto=%u ", expect_seconds(ctk, x), x->tuple.family, x->tuple.proto);
	ct_tuple_print(&x->tuple, out);
	put_expect_flags(x, out);
	if (helper) {
		const char *class = helper->policy[x->class].name;

		text_printf(out, "%s%s%s", helper->name, class && *class ? "/" : "", class ? class : "");
	} else {
		text_trim(out, 1);
	}
	text_puts(out, "\n");
}

void ct_expect_print_tool(const struct conntrack *ctk, const struct ct_expect *x, struct text *out)
{
	const struct ct_tuple *master = &x->master->tuple[CT_ORIGINAL];
	const struct ct_helper *helper = helper_of(x);
	struct ct_tuple mask = x->tuple;
	char text[2][ADDR_TEXT_MAX];

	mask.src = x->mask_src;
	memset(&mask.dst, 0xff, x->tuple.family == FAMILY_IP6 ? 16 : 4);
	text_printf(out, "%u proto=%u ", expect_seconds(ctk, x), x->tuple.proto);
	ct_tuple_print(&x->tuple, out);
	text_printf(out, "mask-src=%s mask-dst=%s sport=%u dport=%u ",
		    addr_format(&mask.src, mask.family, text[0]), addr_format(&mask.dst, mask.family, text[1]),
		    ntohs(x->mask_src_key), 0xffff);
	text_printf(out, "master-src=%s master-dst=%s sport=%u dport=%u class=%u ",
		    addr_format(&master->src, master->family, text[0]),
		    addr_format(&master->dst, master->family, text[1]), ntohs(master->src_key), ntohs(master->dst_key),
		    x->class);
	put_expect_flags(x, out);
	if (helper)
		text_printf(out, "helper=%s ", helper->name);
	text_trim(out, 1);
	text_puts(out, "\n");
}
