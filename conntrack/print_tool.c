/* print_tool.c - a connection as conntrack(8) prints it: what it shows, and its ordinary line.
 *
 * Overview
 *   The tool prints the attributes that a message of the kernel has. A listing has them all; an event has those that fit
 *   it: no counters before the end, the state of a TCP connection only where it changed, and so on. CT_LESS_* say what a
 *   message lacks.
 *
 * Linux parity: ctnetlink_fill_info and ctnetlink_conntrack_event decide what is shown; libnetfilter_conntrack's
 * snprintf_default.c, as conntrack-tools 1.4.7 use it, the text.
 */
#include "conntrack/print.h"

#include <inttypes.h>
#include <time.h>

unsigned ct_event_print(uint32_t events)
{
	unsigned flags = CT_LESS_USE | CT_LESS_MARK;

	if (!(events & CT_EV_LABEL))
		flags |= CT_LESS_LABELS;
	if (events & CT_EV_MARK)
		flags &= ~(unsigned)CT_LESS_MARK;
	if (events & CT_EV_DESTROY)
		return flags | CT_PRINT_DESTROY | CT_LESS_TIMEOUT | CT_LESS_HELPER | CT_LESS_LABELS;
	if (!(events & CT_EV_PROTO))
		flags |= CT_LESS_STATE;
	flags |= events & (CT_EV_NEW | CT_EV_RELATED) ? CT_PRINT_NEW : CT_PRINT_UPDATE;
	return flags | CT_LESS_COUNTERS | CT_LESS_TIMES;
}

bool ct_shows_timeout(const struct conntrack *ctk, const struct ct_entry *ct, unsigned flags)
{
	return !(flags & CT_LESS_TIMEOUT) || ct_seconds_left(ctk, ct);
}

bool ct_shows_mark(const struct ct_entry *ct, unsigned flags)
{
	return !(flags & CT_LESS_MARK) || ct->mark;
}

bool ct_shows_counters(const struct ct_entry *ct, unsigned flags)
{
	return !(flags & CT_LESS_COUNTERS) && ct->extra && ct->extra->has_acct;
}

const char *ct_shown_state(const struct ct_entry *ct, unsigned flags)
{
	return flags & CT_LESS_STATE ? NULL : ct_state_name(ct);
}

const struct ct_helper *ct_shown_helper(const struct ct_entry *ct, unsigned flags)
{
	return !(flags & CT_LESS_HELPER) && ct_help(ct) ? ct_help(ct)->helper : NULL;
}

const char *ct_shown_label(const struct ct_entry *ct, const struct ct_print *how, unsigned bit)
{
	if (how->flags & CT_LESS_LABELS || !how->label || !ct->extra || !ct->extra->has_labels ||
	    !(ct->extra->labels[bit / 64] >> (bit & 63) & 1))
		return NULL;
	return how->label[bit];
}

uint16_t ct_shown_zone(const struct ct_entry *ct, uint8_t zone_dir)
{
	return ct->zone_dir == zone_dir ? ct_zone(ct) : 0;
}

unsigned ct_shown_use(const struct ct_entry *ct, unsigned flags)
{
	/* The caller holds one reference: the one that the kernel's answer to a GET counts and that of a listing does not. */
	return ct->refs - (flags & CT_PRINT_GET || ct->refs < 2 ? 0 : 1);
}

/* put_direction: one direction: tuple, its zone, counters; [UNREPLIED] between. */
static void put_direction(const struct ct_entry *ct, enum ct_dir dir, unsigned flags, struct text *out)
{
	uint16_t zone = ct_shown_zone(ct, dir == CT_ORIGINAL ? CT_ZONE_ORIG : CT_ZONE_REPLY);

	ct_tuple_print(&ct->tuple[dir], out);
	if (zone)
		text_printf(out, dir == CT_ORIGINAL ? "zone-orig=%u " : "zone-reply=%u ", zone);
	if (ct_shows_counters(ct, flags))
		text_printf(out, "packets=%" PRIu64 " bytes=%" PRIu64 " ", ct->extra->acct[dir].packets,
			    ct->extra->acct[dir].bytes);
	if (dir == CT_ORIGINAL && !(ct->status & CT_ST_SEEN_REPLY))
		text_puts(out, "[UNREPLIED] ");
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

/* put_times: age, and the times of birth and death if asked for. The tool subtracts whole seconds. */
static void put_times(const struct conntrack *ctk, const struct ct_entry *ct, unsigned flags, struct text *out)
{
	uint64_t now = ct->extra->stop ? ct->extra->stop : ctk->ns->now + (uint64_t)ctk->wall_offset;
	uint64_t start = ct->extra->start / NS_PER_SECOND;

	now /= NS_PER_SECOND;
	text_printf(out, "delta-time=%" PRIu64 " ", now > start ? now - start : 0);
	if (!(flags & CT_PRINT_TIMESTAMP))
		return;
	put_time("start", ct->extra->start, out);
	if (ct->extra->stop)
		put_time("stop", ct->extra->stop, out);
}

/* put_labels: "labels=one,two "; labels without a name are passed over. */
static void put_labels(const struct ct_entry *ct, const struct ct_print *how, struct text *out)
{
	const char *lead = "labels=";

	for (unsigned i = 0; i < CT_LABELS; i++) {
		const char *name = ct_shown_label(ct, how, i);

		if (!name)
			continue;
		text_printf(out, "%s%s", lead, name);
		lead = ",";
	}
	if (*lead == ',')
		text_puts(out, " ");
}

/* print_default: the line without its newline. */
static void print_default(const struct conntrack *ctk, const struct ct_entry *ct, const struct ct_print *how,
			  struct text *out)
{
	const char *state = ct_shown_state(ct, how->flags);
	const struct ct_helper *helper = ct_shown_helper(ct, how->flags);
	unsigned flags = how->flags;
	uint16_t zone = ct_shown_zone(ct, CT_ZONE_BOTH);

	if (flags & (CT_PRINT_NEW | CT_PRINT_UPDATE | CT_PRINT_DESTROY))
		text_puts(out, flags & CT_PRINT_DESTROY  ? "[DESTROY] "
			       : flags & CT_PRINT_UPDATE ? " [UPDATE] "
							 : "    [NEW] ");
	if (flags & CT_PRINT_EXTENDED)
		ct_put_l3(ct, out);
	text_printf(out, "%-8s %u ", ct_proto_name(ct->tuple[CT_ORIGINAL].proto), ct->tuple[CT_ORIGINAL].proto);
	if (ct_shows_timeout(ctk, ct, flags))
		text_printf(out, "%u ", ct_seconds_left(ctk, ct));
	if (state)
		text_printf(out, "%s ", state);
	put_direction(ct, CT_ORIGINAL, flags, out);
	put_direction(ct, CT_REPLY, flags, out);
	if (ct->status & CT_ST_ASSURED)
		text_puts(out, "[ASSURED] ");
	if (ct_shows_mark(ct, flags))
		text_printf(out, "mark=%u ", ct->mark);
	if (zone)
		text_printf(out, "zone=%u ", zone);
	if (!(flags & CT_LESS_TIMES) && ct_has_start(ct))
		put_times(ctk, ct, flags, out);
	if (helper)
		text_printf(out, "helper=%s ", helper->name);
	if (!(flags & CT_LESS_USE))
		text_printf(out, "use=%u ", ct_shown_use(ct, flags));
	if (flags & CT_PRINT_ID)
		text_printf(out, "id=%u ", ct_id(ctk, ct));
	put_labels(ct, how, out);
	text_trim(out, 1);
}

void ct_print_as(const struct conntrack *ctk, const struct ct_entry *ct, const struct ct_print *how, struct text *out)
{
	if (how->flags & CT_PRINT_SAVE)
		ct_print_save(ctk, ct, how, out);
	else if (how->flags & CT_PRINT_XML)
		ct_print_xml(ctk, ct, how, out);
	else
		print_default(ctk, ct, how, out);
}

void ct_print_tool(const struct conntrack *ctk, const struct ct_entry *ct, unsigned flags, struct text *out)
{
	ct_print_as(ctk, ct, &(struct ct_print){ .flags = flags }, out);
	text_puts(out, "\n");
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
