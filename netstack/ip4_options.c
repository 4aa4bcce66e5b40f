/* ip4_options.c - the options of the IPv4 header (RFC 791 3.1, RFC 1812 5.2.4).
 *
 * Overview
 *   compile walks the options of a received packet once, refuses malformed ones with a parameter problem that
 *   points at the byte, refuses source routes where policy says so, and already takes this router's slot in
 *   record route and timestamp. forward fills the slot with the address of the port the packet leaves by.
 *   echo makes the options of an answer.
 *
 * Linux parity: net/ipv4/ip_options.c (__ip_options_compile, ip_forward_options, __ip_options_echo,
 * ip_options_fragment), ip_input.c (ip_rcv_options). CIPSO is refused as by a kernel without a DOI
 * definition. A source route that policy admits but whose next address is this router is not followed: it is
 * refused too.
 */
#include "netstack/checksum.h"
#include "netstack/icmp.h"
#include "netstack/ip4.h"
#include "netstack/netstack_int.h"

#include <arpa/inet.h>

enum { TS_ONLY = 0, TS_AND_ADDRESS = 1, TS_PRESPEC = 3, OPT_COPIED = 0x80 };

/* The walk: one option at a time. */
struct walk {
	struct netstack *ns;
	struct pkt *p;
	uint8_t *opt; /* this option */
	uint8_t len;  /* its length */
};

enum { FINE = -1 };

/* at: offset of the option from the IP header: what a parameter problem points at. */
static int at(const struct walk *w)
{
	return (int)(w->opt - w->p->data);
}

/* put_time: writes the time of day into a timestamp slot. */
static void put_time(const struct netstack *ns, uint8_t *slot)
{
	uint32_t ms = htonl(netstack_midnight_ms(ns));

	memcpy(slot, &ms, 4);
}

/* record_route: RFC 791: this router's slot. Return: FINE, or the offset of what is wrong (as all below). */
static int record_route(struct walk *w)
{
	struct pkt *p = w->p;
	uint32_t address;

	if (p->opts.rr)
		return at(w);
	if (w->len < 3)
		return at(w) + 1;
	if (w->opt[2] < 4)
		return at(w) + 2;
	if (w->opt[2] <= w->len) {
		if (w->opt[2] + 3 > w->len)
			return at(w) + 2;
		address = ip4_spec_dst(w->ns, p);
		memcpy(&w->opt[w->opt[2] - 1], &address, 4);
		w->opt[2] = (uint8_t)(w->opt[2] + 4);
		p->opts.flags |= PKT_OPT_RR_NEEDS_ADDR | PKT_OPT_CHANGED;
	}
	p->opts.rr = (uint8_t)at(w);
	return FINE;
}

/* timestamp_slot: takes this router's slot of a timestamp option that is not full. */
static int timestamp_slot(struct walk *w)
{
	struct pkt *p = w->p;
	uint8_t *slot = &w->opt[w->opt[2] - 1];
	uint32_t address;

	if (w->opt[2] + 3 > w->len)
		return at(w) + 2;
	switch (w->opt[3] & 15) {
	case TS_ONLY:
		p->opts.flags |= PKT_OPT_TS_NEEDS_TIME | PKT_OPT_CHANGED;
		put_time(w->ns, slot);
		w->opt[2] = (uint8_t)(w->opt[2] + 4);
		return FINE;
	case TS_AND_ADDRESS:
		if (w->opt[2] + 7 > w->len)
			return at(w) + 2;
		address = ip4_spec_dst(w->ns, p);
		memcpy(slot, &address, 4);
		p->opts.flags |= PKT_OPT_TS_NEEDS_ADDR | PKT_OPT_TS_NEEDS_TIME | PKT_OPT_CHANGED;
		break;
	case TS_PRESPEC:
		if (w->opt[2] + 7 > w->len)
			return at(w) + 2;
		memcpy(&address, slot, 4);
		if (route_addr_type(w->ns, address, NULL) == ROUTE_UNICAST)
			return FINE;
		p->opts.flags |= PKT_OPT_TS_NEEDS_TIME | PKT_OPT_CHANGED;
		break;
	default:
		return FINE;
	}
	put_time(w->ns, slot + 4);
	w->opt[2] = (uint8_t)(w->opt[2] + 8);
	return FINE;
}

/* timestamp: the timestamp option: a slot, or one more in its overflow count. */
static int timestamp(struct walk *w)
{
	struct pkt *p = w->p;
	int wrong;

	if (p->opts.ts)
		return at(w);
	if (w->len < 4)
		return at(w) + 1;
	if (w->opt[2] < 5)
		return at(w) + 2;
	if (w->opt[2] <= w->len) {
		wrong = timestamp_slot(w);
		if (wrong != FINE)
			return wrong;
	} else if ((w->opt[3] & 15) != TS_PRESPEC) {
		if (w->opt[3] >> 4 == 15)
			return at(w) + 3;
		w->opt[3] = (uint8_t)(w->opt[3] + 0x10);
		p->opts.flags |= PKT_OPT_CHANGED;
	}
	p->opts.ts = (uint8_t)at(w);
	return FINE;
}

/* source_route: loose or strict; noted, policy is applied later. */
static int source_route(struct walk *w)
{
	if (w->len < 3)
		return at(w) + 1;
	if (w->opt[2] < 4)
		return at(w) + 2;
	if (w->p->opts.srr)
		return at(w);
	w->p->opts.srr = (uint8_t)at(w);
	if (w->opt[0] == IP4_OPT_SSRR)
		w->p->opts.flags |= PKT_OPT_STRICT;
	return FINE;
}

/* one_option: an option with a length. */
static int one_option(struct walk *w)
{
	switch (w->opt[0]) {
	case IP4_OPT_SSRR:
	case IP4_OPT_LSRR:
		return source_route(w);
	case IP4_OPT_RR:
		return record_route(w);
	case IP4_OPT_TIMESTAMP:
		return timestamp(w);
	case IP4_OPT_ROUTER_ALERT:
		if (w->len < 4)
			return at(w) + 1;
		if (!w->opt[2] && !w->opt[3])
			w->p->opts.flags |= PKT_OPT_ALERT;
		return FINE;
	case IP4_OPT_CIPSO:
		if (w->p->opts.cipso)
			return at(w);
		w->p->opts.cipso = (uint8_t)at(w);
		return w->len < 6 ? at(w) + 1 : at(w) + 2;
	default:
		return FINE;
	}
}

/* clear_rest: what follows the end of the options must be zero (RFC 1812 5.2.4): makes it so. */
static void clear_rest(struct walk *w, const uint8_t *end)
{
	for (uint8_t *o = w->opt + 1; o < end; o++) {
		if (*o) {
			*o = IP4_OPT_END;
			w->p->opts.flags |= PKT_OPT_CHANGED;
		}
	}
}

/* walk_options: all options. Return: FINE or the offset of what is wrong. */
static int walk_options(struct walk *w)
{
	const uint8_t *end = w->p->data + w->p->hdr.l4;

	for (w->opt = w->p->data + IP4_HLEN; w->opt < end; w->opt += w->len) {
		long left = end - w->opt;
		int wrong;

		if (*w->opt == IP4_OPT_END) {
			clear_rest(w, end);
			break;
		}
		w->len = 1;
		if (*w->opt == IP4_OPT_NOP)
			continue;
		if (left < 2 || w->opt[1] < 2 || w->opt[1] > left)
			return at(w);
		w->len = w->opt[1];
		wrong = one_option(w);
		if (wrong != FINE)
			return wrong;
	}
	return FINE;
}

/* source_route_allowed: net.ipv4.conf accept_source_route of all and of the port. */
static bool source_route_allowed(const struct netstack *ns, const struct pkt *p)
{
	return ns->conf.all.accept_source_route && p->in && p->in->conf.accept_source_route;
}

enum drop_reason ip4_options_compile(struct netstack *ns, struct pkt *p)
{
	struct walk w = { .ns = ns, .p = p };
	int wrong;

	p->opts = (struct pkt_opts){ 0 };
	wrong = walk_options(&w); /* what it writes is summed up when the packet leaves; an error quotes the old sum */
	if (wrong != FINE) {
		SNMP_INC(ns, IpInHdrErrors);
		icmp_send_error(ns, p, ICMP_PARAMETER, 0, (uint32_t)wrong << 24);
		return DROP_IP_BAD_OPTIONS;
	}
	if (!p->opts.srr)
		return DROP_NONE;
	if (!source_route_allowed(ns, p) || p->type != PKT_HOST)
		return DROP_IP_SOURCE_ROUTE;
	/* A route that still has hops and has reached this router would have to be followed. */
	if (p->route_type == ROUTE_LOCAL && p->data[p->opts.srr + 2] <= p->data[p->opts.srr + 1])
		return DROP_IP_SOURCE_ROUTE;
	/* Strict: the next hop must be the destination itself. */
	if ((p->opts.flags & PKT_OPT_STRICT) && p->route_type == ROUTE_UNICAST &&
	    p->next_hop.word[0] != ip4_hdr(p)->dst) {
		icmp_send_error(ns, p, ICMP_UNREACHABLE, ICMP_SR_FAILED, 0);
		return DROP_IP_SOURCE_ROUTE;
	}
	return DROP_NONE;
}

/* present: whether the option noted at @off is still whole within the header. */
static bool present(const struct pkt *p, uint8_t off)
{
	return off >= IP4_HLEN && off + 2u <= p->hdr.l4 && p->data[off + 1] >= 2 &&
	       off + (unsigned)p->data[off + 1] <= p->hdr.l4;
}

/* slot_taken: whether the option at @off still has its pointer behind a slot of @size bytes (compile put it there). */
static bool slot_taken(const struct pkt *p, uint8_t off, unsigned size)
{
	return present(p, off) && p->data[off + 1] >= size + 3 && p->data[off + 2] >= size + 4 &&
	       p->data[off + 2] <= p->data[off + 1] + 1u;
}

/* out_address: the address recorded when a packet leaves (ip_rt_get_source). */
static uint32_t out_address(struct netstack *ns, const struct pkt *p)
{
	const struct route_key key = { .dst = ip4_hdr(p)->dst, .src = ip4_hdr(p)->src, .oif = p->out };
	struct route_result res;

	route_lookup(ns, &key, &res);
	return res.src ? res.src : ip4_source_toward(ns, p->out, p->next_hop.word[0]);
}

void ip4_options_forward(struct netstack *ns, struct pkt *p)
{
	const struct pkt_opts *o = &p->opts;
	uint32_t address;

	if (!(o->flags & (PKT_OPT_RR_NEEDS_ADDR | PKT_OPT_TS_NEEDS_ADDR | PKT_OPT_CHANGED)))
		return;
	address = out_address(ns, p);
	if ((o->flags & PKT_OPT_RR_NEEDS_ADDR) && slot_taken(p, o->rr, 4))
		memcpy(&p->data[o->rr + p->data[o->rr + 2] - 5], &address, 4);
	if ((o->flags & PKT_OPT_TS_NEEDS_ADDR) && slot_taken(p, o->ts, 8))
		memcpy(&p->data[o->ts + p->data[o->ts + 2] - 9], &address, 4);
	ip4_csum_fill(p);
}

/* echo_record: record route in an answer: our own address once more. Return: bytes written. */
static unsigned echo_record(const struct pkt *p, uint8_t *out, uint32_t src)
{
	const uint8_t *from = p->data + p->opts.rr;
	unsigned len = from[1], next = from[2];

	memcpy(out, from, len);
	if ((p->opts.flags & PKT_OPT_RR_NEEDS_ADDR) && next >= 4 && next + 3 <= len) {
		out[2] = (uint8_t)(next + 4);
		memcpy(&out[next - 1], &src, 4);
	}
	return len;
}

/* echo_timestamp: the timestamp option in an answer: one more slot where there is room. Return: bytes
 * written. */
static unsigned echo_timestamp(const struct netstack *ns, const struct pkt *p, uint8_t *out, uint32_t src)
{
	const uint8_t *from = p->data + p->opts.ts;
	unsigned len = from[1], next = from[2];
	bool with_address = p->opts.flags & PKT_OPT_TS_NEEDS_ADDR;
	unsigned need = with_address ? 8 : 4;

	memcpy(out, from, len);
	if (!(p->opts.flags & PKT_OPT_TS_NEEDS_TIME) || next < 5 || next + need - 1 > len ||
	    (from[3] & 15) == TS_PRESPEC)
		return len;
	if (with_address)
		memcpy(&out[next - 1], &src, 4);
	put_time(ns, &out[next - 1 + need - 4]);
	out[2] = (uint8_t)(next + need);
	return len;
}

unsigned ip4_options_echo(struct netstack *ns, const struct pkt *p, uint8_t *out, uint32_t src)
{
	unsigned len = 0;

	if (present(p, p->opts.rr) && p->data[p->opts.rr] == IP4_OPT_RR)
		len += echo_record(p, out + len, src);
	if (present(p, p->opts.ts) && p->data[p->opts.ts] == IP4_OPT_TIMESTAMP)
		len += echo_timestamp(ns, p, out + len, src);
	if (present(p, p->opts.cipso) && p->data[p->opts.cipso] == IP4_OPT_CIPSO) {
		memcpy(out + len, p->data + p->opts.cipso, p->data[p->opts.cipso + 1]);
		len += p->data[p->opts.cipso + 1];
	}
	while (len & 3)
		out[len++] = IP4_OPT_END;
	return len;
}

void ip4_options_fragment(uint8_t *options, unsigned len)
{
	for (unsigned i = 0; i < len;) {
		unsigned size = options[i] == IP4_OPT_NOP ? 1 : i + 1 < len ? options[i + 1] : 0;

		if (options[i] == IP4_OPT_END || !size || size > len - i || (size < 2 && options[i] != IP4_OPT_NOP))
			return;
		if (!(options[i] & OPT_COPIED))
			memset(options + i, IP4_OPT_NOP, size);
		i += size;
	}
}
