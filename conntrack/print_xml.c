/* print_xml.c - a connection as `conntrack -o xml` prints it.
 *
 * Linux parity: libnetfilter_conntrack's snprintf_xml.c, as conntrack-tools 1.4.7 use it. Attributes without a place in the
 * schema there (ICMP types) are left out here too.
 */
#include "conntrack/print.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <time.h>

void ct_put_layer4_xml(const struct ct_tuple *t, struct text *out)
{
	switch (t->proto) {
	case IP_PROTO_TCP:
	case IP_PROTO_UDP:
	case IP_PROTO_UDPLITE:
	case IP_PROTO_SCTP:
	case IP_PROTO_DCCP:
		text_printf(out, "<sport>%u</sport><dport>%u</dport>", ntohs(t->src_key), ntohs(t->dst_key));
		break;
	case IP_PROTO_GRE:
		text_printf(out, "<srckey>0x%x</srckey><dstkey>0x%x</dstkey>", ntohs(t->src_key), ntohs(t->dst_key));
		break;
	default:
		break;
	}
}

void ct_put_when_xml(const struct conntrack *ctk, struct text *out)
{
	time_t now = (time_t)((ctk->ns->now + (uint64_t)ctk->wall_offset) / NS_PER_SECOND);
	struct tm tm;

	if (!localtime_r(&now, &tm))
		return;
	text_printf(out,
		    "<when><hour>%d</hour><min>%02d</min><sec>%02d</sec><wday>%d</wday><day>%d</day>"
		    "<month>%d</month><year>%d</year></when>",
		    tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_wday + 1, tm.tm_mday, tm.tm_mon + 1, 1900 + tm.tm_year);
}

/* put_direction: <meta direction=...> of a tuple. */
static void put_direction(const struct ct_entry *ct, enum ct_dir dir, unsigned flags, struct text *out)
{
	const struct ct_tuple *t = &ct->tuple[dir];
	uint16_t zone = ct_shown_zone(ct, dir == CT_ORIGINAL ? CT_ZONE_ORIG : CT_ZONE_REPLY);
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	text_printf(out,
		    "<meta direction=\"%s\"><layer3 protonum=\"%u\" protoname=\"%s\"><src>%s</src><dst>%s</dst>"
		    "</layer3><layer4 protonum=\"%u\" protoname=\"%s\">",
		    dir == CT_ORIGINAL ? "original" : "reply", t->family, t->family == FAMILY_IP6 ? "ipv6" : "ipv4",
		    addr_format(&t->src, t->family, src), addr_format(&t->dst, t->family, dst), t->proto,
		    ct_proto_name(t->proto));
	ct_put_layer4_xml(t, out);
	text_puts(out, "</layer4>");
	if (zone)
		text_printf(out, "<zone>%u</zone>", zone);
	if (ct_shows_counters(ct, flags))
		text_printf(out, "<counters><packets>%" PRIu64 "</packets><bytes>%" PRIu64 "</bytes></counters>",
			    ct->extra->acct[dir].packets, ct->extra->acct[dir].bytes);
	text_puts(out, "</meta>");
}

/* put_labels: <labels> with what has a name; nothing without any. */
static void put_labels(const struct ct_entry *ct, const struct ct_print *how, struct text *out)
{
	bool any = false;

	for (unsigned i = 0; i < CT_LABELS; i++) {
		const char *name = ct_shown_label(ct, how, i);

		if (!name)
			continue;
		text_printf(out, "%s<label>%s</label>", any ? "" : "<labels>", name);
		any = true;
	}
	if (any)
		text_puts(out, "</labels>");
}

/* put_times: <timestamp> if asked for, and the age: here the tool subtracts first, where there is an end. */
static void put_times(const struct conntrack *ctk, const struct ct_entry *ct, unsigned flags, struct text *out)
{
	uint64_t now = (ctk->ns->now + (uint64_t)ctk->wall_offset) / NS_PER_SECOND;
	uint64_t start = ct->extra->start / NS_PER_SECOND, age = now > start ? now - start : 0;

	if (ct->extra->stop)
		age = ct->extra->stop > ct->extra->start ? (ct->extra->stop - ct->extra->start) / NS_PER_SECOND : 0;
	if (flags & CT_PRINT_TIMESTAMP) {
		text_printf(out, "<timestamp><start>%" PRIu64 "</start>", ct->extra->start);
		if (ct->extra->stop)
			text_printf(out, "<stop>%" PRIu64 "</stop>", ct->extra->stop);
		text_puts(out, "</timestamp>");
	}
	text_printf(out, "<deltatime>%" PRIu64 "</deltatime>", age);
}

/* state_of: the state; the tool looks up the number of any protocol's state among the names of TCP's. NULL: none. */
static const char *state_of(const struct ct_entry *ct, unsigned flags)
{
	if (!ct_shown_state(ct, flags))
		return NULL;
	switch (ct->tuple[CT_ORIGINAL].proto) {
	case IP_PROTO_SCTP:
		return ct_tcp_state_name(ct->sctp.state);
	case IP_PROTO_DCCP:
		return ct_tcp_state_name(ct->dccp.state);
	default:
		return ct_tcp_state_name(ct->tcp.state);
	}
}

/* put_meta: <meta direction="independent">. */
static void put_meta(const struct conntrack *ctk, const struct ct_entry *ct, const struct ct_print *how,
		     struct text *out)
{
	const char *state = state_of(ct, how->flags);
	uint16_t zone = ct_shown_zone(ct, CT_ZONE_BOTH);
	unsigned flags = how->flags;

	text_puts(out, "<meta direction=\"independent\">");
	if (state)
		text_printf(out, "<state>%s</state>", state);
	if (ct_shows_timeout(ctk, ct, flags))
		text_printf(out, "<timeout>%u</timeout>", ct_seconds_left(ctk, ct));
	if (ct_shows_mark(ct, flags))
		text_printf(out, "<mark>%u</mark>", ct->mark);
	put_labels(ct, how, out);
	if (zone)
		text_printf(out, "<zone>%u</zone>", zone);
	if (!(flags & CT_LESS_USE))
		text_printf(out, "<use>%u</use>", ct_shown_use(ct, flags));
	text_printf(out, "<id>%u</id>", ct_id(ctk, ct)); /* asked for or not */
	if (ct->status & CT_ST_ASSURED)
		text_puts(out, "<assured/>");
	if (!(ct->status & CT_ST_SEEN_REPLY))
		text_puts(out, "<unreplied/>");
	if (!(flags & CT_LESS_TIMES) && ct_has_start(ct))
		put_times(ctk, ct, flags, out);
	text_puts(out, "</meta>");
}

void ct_print_xml(const struct conntrack *ctk, const struct ct_entry *ct, const struct ct_print *how, struct text *out)
{
	const struct ct_helper *helper = ct_shown_helper(ct, how->flags);

	text_puts(out, how->flags & CT_PRINT_NEW       ? "<flow type=\"new\">"
		       : how->flags & CT_PRINT_UPDATE  ? "<flow type=\"update\">"
		       : how->flags & CT_PRINT_DESTROY ? "<flow type=\"destroy\">"
						       : "<flow>");
	put_direction(ct, CT_ORIGINAL, how->flags, out);
	put_direction(ct, CT_REPLY, how->flags, out);
	put_meta(ctk, ct, how, out);
	if (how->flags & CT_PRINT_WHEN)
		ct_put_when_xml(ctk, out);
	if (helper)
		text_printf(out, "<helper>%s</helper>", helper->name);
	text_puts(out, "</flow>");
}
