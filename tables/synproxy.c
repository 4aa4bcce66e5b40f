/* synproxy.c - see synproxy.h.
 *
 * Life-cycle of a connection
 *   client SYN -> SYN-ACK with a cookie, nothing remembered; client ACK with the cookie -> SYN to the server, its number of
 *   acknowledgement telling conntrack_confirm (through synproxy_follow) what the client was promised; server SYN-ACK -> ACK
 *   to the server, window update to the client, and from then on the numbers and timestamps of the server are shifted to
 *   what the client was promised.
 *
 * Ownership: packets made here are consumed by ip4_send_local; of a packet seen, only synproxy_follow may consume.
 *
 * Linux parity: net/netfilter/nf_synproxy_core.c.
 */
#include "tables/synproxy.h"

#include <arpa/inet.h>

#include "conntrack/helper.h"
#include "conntrack/proto.h"
#include "netstack/checksum.h"
#include "netstack/ip4.h"
#include "netstack/netstack.h"
#include "tables/syncookie.h"

enum {
	MSS_LEN = 4,
	WSCALE_LEN = 3,
	SACK_PERM_LEN = 2,
	TIMESTAMP_LEN = 10,
	WSCALE_MAX = 14,
	OPTIONS_MAX = 24
};

/* read32: a number of a header, big endian, at any address. */
static uint32_t read32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* parse_one: the option of @len bytes at @at; a known one with a wrong length is not there. */
static void parse_one(const uint8_t *at, uint8_t len, struct synproxy_options *o)
{
	if (at[0] == TCP_OPT_MSS && len == MSS_LEN) {
		o->mss = (uint16_t)(at[2] << 8 | at[3]);
		o->options |= SYNPROXY_MSS;
	} else if (at[0] == TCP_OPT_WSCALE && len == WSCALE_LEN) {
		o->wscale = at[2] > WSCALE_MAX ? WSCALE_MAX : at[2];
		o->options |= SYNPROXY_WSCALE;
	} else if (at[0] == TCP_OPT_TIMESTAMP && len == TIMESTAMP_LEN) {
		o->tsval = read32(at + 2);
		o->tsecr = read32(at + 6);
		o->options |= SYNPROXY_TIMESTAMP;
	} else if (at[0] == TCP_OPT_SACK_PERM && len == SACK_PERM_LEN) {
		o->options |= SYNPROXY_SACK_PERM;
	}
}

/* option_len: of the option at @i of @len bytes. Return: 0 where the walk ends. */
static uint8_t option_len(const uint8_t *options, uint32_t i, uint32_t len)
{
	if (options[i] == TCP_OPT_NOP)
		return 1;
	if (options[i] == TCP_OPT_END || len - i < 2 || options[i + 1] < 2 || options[i + 1] > len - i)
		return 0;
	return options[i + 1];
}

const struct tcp_hdr *synproxy_parse(const struct pkt *p, struct synproxy_options *o)
{
	const struct tcp_hdr *th = pkt_l4(p, sizeof *th);
	uint32_t header = th ? (th->offset >> 4) * 4u : 0, len;
	const uint8_t *options;
	uint8_t step;

	*o = (struct synproxy_options){ 0 };
	if (header < sizeof *th || !pkt_l4(p, header))
		return NULL;
	options = (const uint8_t *)(th + 1);
	len = header - (uint32_t)sizeof *th;
	for (uint32_t i = 0; i < len && (step = option_len(options, i, len)) != 0; i += step)
		if (options[i] != TCP_OPT_NOP)
			parse_one(options + i, step, o);
	return th;
}

/* put32: a number, big endian. Return: behind it. */
static uint8_t *put32(uint8_t *at, uint32_t value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof value);
	return at + sizeof value;
}

/* build_options: as words of four bytes. Return: how many bytes. */
static uint32_t build_options(uint8_t *at, const struct synproxy_options *o)
{
	const uint8_t *begin = at;
	bool sack = o->options & SYNPROXY_SACK_PERM;

	if (o->options & SYNPROXY_MSS)
		at = put32(at, (uint32_t)TCP_OPT_MSS << 24 | MSS_LEN << 16 | o->mss);
	if (o->options & SYNPROXY_TIMESTAMP) {
		at = put32(at, (sack ? TCP_OPT_SACK_PERM << 24 | SACK_PERM_LEN << 16
				     : TCP_OPT_NOP << 24 | TCP_OPT_NOP << 16) |
				       TCP_OPT_TIMESTAMP << 8 | TIMESTAMP_LEN);
		at = put32(put32(at, o->tsval), o->tsecr);
	} else if (sack) {
		at = put32(at,
			   TCP_OPT_NOP << 24 | TCP_OPT_NOP << 16 | TCP_OPT_SACK_PERM << 8 | SACK_PERM_LEN);
	}
	if (o->options & SYNPROXY_WSCALE)
		at = put32(at, TCP_OPT_NOP << 24 | TCP_OPT_WSCALE << 16 | WSCALE_LEN << 8 | o->wscale);
	return (uint32_t)(at - begin);
}

/* What a made segment says; numbers in network order. */
struct segment {
	bool back; /* to the sender of the packet seen */
	uint8_t flags;
	uint16_t window;
	uint32_t seq, ack;
};

/* make: a segment of the connection of @p. Return: the packet, without a connection, or NULL. */
static struct pkt *make(struct tables *t, const struct pkt *p, const struct segment *s,
			const struct synproxy_options *o)
{
	const struct ip4_hdr *ih = ip4_hdr(p);
	const struct tcp_hdr *in = pkt_l4(p, sizeof *in);
	struct pkt *made = pkt_alloc(t->ns->pool, PKT_SMALL);
	uint8_t options[OPTIONS_MAX];
	uint32_t len = build_options(options, o);
	struct tcp_hdr *th = NULL;

	if (made && in)
		th = ip4_prepare(made, IP_PROTO_TCP, s->back ? ih->dst : ih->src, s->back ? ih->src : ih->dst,
				 t->ns->conf.ip_default_ttl, 0, (uint32_t)sizeof *th + len);
	if (!th || !in) {
		pkt_free(made);
		return NULL;
	}
	ip4_hdr(made)->frag = htons(IP4_DF);
	made->hdr.dont_frag = true;
	*th = (struct tcp_hdr){ .sport = s->back ? in->dport : in->sport,
				.dport = s->back ? in->sport : in->dport,
				.seq = s->seq,
				.ack = s->ack,
				.offset = (uint8_t)((sizeof *th + len) / 4 << 4),
				.flags = s->flags,
				.window = s->window };
	memcpy(th + 1, options, len);
	(void)csum_l4_fill(made);
	return made;
}

/* send_untied: sends a made segment, whose connection OUTPUT will find. @made NULL: nothing. */
static void send_untied(struct tables *t, struct pkt *made)
{
	if (made)
		ip4_send_local(t->ns, made);
}

/* send_as_reply: gives a made segment the connection of @p, if it has one, and sends it. @made NULL: nothing. */
static void send_as_reply(struct tables *t, struct pkt *made, const struct pkt *p)
{
	if (!made)
		return;
	if (p->ct) {
		ct_hold(p->ct);
		made->ct = p->ct;
		made->ct_info = CT_ESTABLISHED_REPLY;
	}
	ip4_send_local(t->ns, made);
}

void synproxy_send_synack(struct tables *t, const struct pkt *p, const struct tcp_hdr *th,
			  const struct synproxy_options *o)
{
	const struct segment s = {
		.back = true,
		.flags = (uint8_t)(TCP_SYN | TCP_ACK | (o->options & SYNPROXY_ECN ? TCP_ECE : 0)),
		.seq = htonl(syncookie_make(t->ctk, p, th, o->mss_seen)),
		.ack = htonl(ntohl(th->seq) + 1),
	};

	send_as_reply(t, make(t, p, &s, o), p);
}

/* send_server_syn: the client has proved itself: to the server with its number; the acknowledgement field tells
 * synproxy_follow what the client was promised. */
static void send_server_syn(struct tables *t, const struct pkt *p, const struct tcp_hdr *th,
			    const struct synproxy_options *o, uint32_t seq)
{
	const struct segment s = {
		.flags = (uint8_t)(TCP_SYN | (o->options & SYNPROXY_ECN ? TCP_ECE | TCP_CWR : 0)),
		.window = th->window,
		.seq = htonl(seq - 1),
		.ack = htonl(ntohl(th->ack) - 1),
	};
	struct pkt *made = make(t, p, &s, o);

	if (made)
		made->synproxy = true;
	send_untied(t, made);
}

/* read_timestamp: what synproxy_target hid in the timestamp that the client echoes. */
static void read_timestamp(struct synproxy_options *o)
{
	o->wscale = o->tsecr & SYNPROXY_NO_WSCALE;
	if (o->wscale != SYNPROXY_NO_WSCALE)
		o->options |= SYNPROXY_WSCALE;
	if (o->tsecr & SYNPROXY_COOKIE_SACK)
		o->options |= SYNPROXY_SACK_PERM;
	if (o->tsecr & SYNPROXY_COOKIE_ECN)
		o->options |= SYNPROXY_ECN;
}

bool synproxy_take_ack(struct tables *t, const struct pkt *p, const struct tcp_hdr *th,
		       struct synproxy_options *o, uint32_t seq)
{
	uint16_t mss = syncookie_check(t->ctk, p, th);

	if (!mss)
		return false;
	o->mss = mss;
	o->options |= SYNPROXY_MSS;
	if (o->options & SYNPROXY_TIMESTAMP)
		read_timestamp(o);
	send_server_syn(t, p, th, o, seq);
	return true;
}

/* --- once there is a connection ------------------------------------------------------------------------------------- */

/* consume: the packet has done its work here. */
static enum verdict consume(struct tables *t, struct pkt *p)
{
	t->ns->balance.delivered++;
	pkt_free(p);
	return VERDICT_STOLEN;
}

/* drop: the packet is not one that may pass. */
static enum verdict drop(struct pkt *p)
{
	p->drop = DROP_SYNPROXY;
	return VERDICT_DROP;
}

/* swap_times: the timestamps of an answer to @o's segment. */
static void swap_times(struct synproxy_options *o)
{
	uint32_t val = o->tsval;

	o->tsval = o->tsecr;
	o->tsecr = val;
}

/* connected: the server's SYN-ACK: acknowledged, and told to the client as a window update. */
static enum verdict connected(struct tables *t, struct pkt *p, struct ct_entry *ct)
{
	struct ct_synproxy *own = &ct->extra->synproxy;
	struct synproxy_options o;
	const struct tcp_hdr *th = synproxy_parse(p, &o);
	uint32_t window = ct->tcp.seen[CT_ORIGINAL].td_maxwin;
	struct segment s;

	if (!th)
		return drop(p);
	if (o.options & SYNPROXY_TIMESTAMP)
		own->time_offset = o.tsval - own->time;
	o.options &= (uint8_t) ~(SYNPROXY_MSS | SYNPROXY_WSCALE | SYNPROXY_SACK_PERM);
	swap_times(&o);
	s = (struct segment){ .back = true,
			      .flags = TCP_ACK,
			      .window = htons((uint16_t)window),
			      .seq = th->ack,
			      .ack = htonl(ntohl(th->seq) + 1) };
	send_untied(t, make(t, p, &s, &o));
	ct_seqadj_init(ct, ct_dir_of(p->ct_info), (int32_t)(own->promised - ntohl(th->seq)));
	swap_times(&o);
	s = (struct segment){ .flags = TCP_ACK,
			      .window = htons((uint16_t)(ntohs(th->window) >> o.wscale)),
			      .seq = htonl(ntohl(th->seq) + 1),
			      .ack = th->ack };
	send_as_reply(t, make(t, p, &s, &o), p);
	return consume(t, p);
}

/* connecting: the SYN to the server: notes what it tells; a keep-alive of the client: sends the SYN again.
 * Return: VERDICT_ACCEPT to go on. */
static enum verdict connecting(struct tables *t, struct pkt *p, struct ct_entry *ct)
{
	struct ct_synproxy *own = &ct->extra->synproxy;
	struct synproxy_options o;
	const struct tcp_hdr *th = synproxy_parse(p, &o);

	if (!th)
		return drop(p);
	if (!(th->flags & TCP_SYN) && th->flags & TCP_ACK && ct_dir_of(p->ct_info) == CT_ORIGINAL)
		return synproxy_take_ack(t, p, th, &o, ntohl(th->seq) + 1) ? consume(t, p) : drop(p);
	own->promised = ntohl(th->ack);
	if (o.options & SYNPROXY_TIMESTAMP)
		own->time = o.tsecr;
	return VERDICT_ACCEPT;
}

/* closed: a RST of the server that refuses, or a SYN that opens the connection again. */
static enum verdict closed(struct tables *t, struct pkt *p, struct ct_entry *ct, const struct tcp_hdr *th)
{
	struct ct_synproxy *own = &ct->extra->synproxy;
	enum ct_dir dir = ct_dir_of(p->ct_info);

	if (th->flags & TCP_RST && dir != CT_ORIGINAL) {
		ct_seqadj_init(ct, dir, (int32_t)(own->promised - ntohl(th->seq) + 1));
		return VERDICT_ACCEPT;
	}
	if (!(th->flags & TCP_SYN) || th->flags & TCP_ACK || dir != CT_ORIGINAL)
		return VERDICT_ACCEPT;
	own->time_offset = 0;
	return connecting(t, p, ct);
}

/* shift_times: the server's clock as the client was told it. */
static void shift_times(struct pkt *p, struct ct_entry *ct)
{
	uint32_t offset = ct->extra->synproxy.time_offset, len, from, to;
	struct tcp_hdr *th = pkt_l4(p, sizeof *th);
	bool reply = ct_dir_of(p->ct_info) == CT_REPLY;
	uint8_t *options, step;

	if (!offset || !th || (th->offset >> 4) * 4u < sizeof *th || !pkt_l4(p, (th->offset >> 4) * 4u))
		return;
	options = (uint8_t *)(th + 1);
	len = (th->offset >> 4) * 4u - (uint32_t)sizeof *th;
	for (uint32_t i = 0; i < len && (step = option_len(options, i, len)) != 0; i += step)
		if (options[i] == TCP_OPT_TIMESTAMP && step == TIMESTAMP_LEN) {
			uint8_t *at = options + i + (reply ? 2 : 6);

			from = htonl(read32(at));
			to = htonl(reply ? read32(at) - offset : read32(at) + offset);
			memcpy(at, &to, sizeof to);
			if ((at - (uint8_t *)th) & 1) {
				from = from >> 8 | from << 24;
				to = to >> 8 | to << 24;
			}
			csum_l4_replace32(p, &th->checksum, from, to, false);
			return;
		}
}

enum verdict synproxy_follow(void *tables, struct pkt *p)
{
	struct ct_entry *ct = p->ct;
	const struct tcp_hdr *th = pkt_l4(p, sizeof *th);
	enum verdict v = VERDICT_ACCEPT;

	if (p->hdr.proto != IP_PROTO_TCP)
		return VERDICT_ACCEPT;
	if (!th)
		return drop(p);
	switch (ct->tcp.state) {
	case CT_TCP_CLOSE:
		v = closed(tables, p, ct, th);
		break;
	case CT_TCP_SYN_SENT:
		v = connecting(tables, p, ct);
		break;
	case CT_TCP_SYN_RECV:
		if (th->flags & TCP_SYN && th->flags & TCP_ACK)
			return connected(tables, p, ct);
		break;
	default:
		break;
	}
	if (v == VERDICT_ACCEPT)
		shift_times(p, ct);
	return v;
}
