/* tcp_reset.c - a RST in answer to a segment: for -j REJECT --reject-with tcp-reset, and for segments to this
 * router.
 *
 * Linux parity: net/ipv4/netfilter/nf_reject_ipv4.c (nf_send_reset), tcp_ipv4.c (tcp_v4_send_reset): id 0,
 * DF, default TTL, window 0; the TOS of the segment is reflected only by the router's own, without its ECN bits.
 */
#include "netstack/checksum.h"
#include "netstack/ip4.h"
#include "netstack/netstack_int.h"

#include <arpa/inet.h>

enum { TOS_ECN = 3, TCP_OPT_MD5 = 19, TCP_OPT_MD5_LEN = 18 };

/* signed_or_broken: whether a segment with these options gets no answer of the router's own: one does not fit, or it is signed
 * (RFC 2385), with a key that nobody here has. Linux looks while so much is left as a signature takes
 * (tcp_do_parse_auth_options). */
static bool signed_or_broken(const struct pkt *p, const struct tcp_hdr *tcp)
{
	uint32_t left = (uint32_t)(tcp->offset >> 4) * 4 - (uint32_t)sizeof *tcp;
	const uint8_t *o = pkt_at(p, p->hdr.l4 + (uint32_t)sizeof *tcp, left);

	while (o && left >= TCP_OPT_MD5_LEN && *o != TCP_OPT_END) {
		uint32_t len = *o == TCP_OPT_NOP ? 1 : o[1];

		if (*o != TCP_OPT_NOP && (len < 2 || len > left || *o == TCP_OPT_MD5))
			return true;
		o += len;
		left -= len;
	}
	return false;
}

/* may_reset: whether a segment may be answered. *tcp: its header. */
static bool may_reset(struct pkt *p, bool from_rule, const struct tcp_hdr **tcp)
{
	if (p->hdr.family != FAMILY_IP4 || p->hdr.proto != IP_PROTO_TCP || p->hdr.frag_off)
		return false;
	*tcp = pkt_l4(p, sizeof **tcp);
	if (!*tcp || ((*tcp)->flags & TCP_RST))
		return false;
	if (from_rule)
		return p->route_type != ROUTE_BROADCAST && p->route_type != ROUTE_MULTICAST && csum_l4_verify(p);
	return p->route_type == ROUTE_LOCAL && !signed_or_broken(p, *tcp);
}

/* fill: the RST that answers @in (RFC 9293 3.10.7.1). @len: TCP length of the segment, header included. */
static void fill(struct tcp_hdr *rst, const struct tcp_hdr *in, uint32_t len)
{
	uint32_t data = len - (uint32_t)(in->offset >> 4) * 4;

	*rst = (struct tcp_hdr){ .sport = in->dport, .dport = in->sport, .offset = 5 << 4, .flags = TCP_RST };
	if (in->flags & TCP_ACK) {
		rst->seq = in->ack;
		return;
	}
	rst->flags |= TCP_ACK;
	rst->ack = htonl(ntohl(in->seq) + !!(in->flags & TCP_SYN) + !!(in->flags & TCP_FIN) + data);
}

bool tcp_send_reset(struct netstack *ns, struct pkt *offender, bool from_rule)
{
	const struct ip4_hdr *ip = ip4_hdr(offender);
	const struct tcp_hdr *in;
	struct tcp_hdr *rst;
	struct pkt *p;

	if (!may_reset(offender, from_rule, &in))
		return false;
	p = pkt_alloc(ns->pool, PKT_SMALL);
	rst = p ? ip4_prepare(p, IP_PROTO_TCP, ip->dst, ip->src, ns->conf.ip_default_ttl,
			      from_rule ? 0 : (uint8_t)(ip->tos & ~TOS_ECN), sizeof *rst) : NULL;
	if (!rst) {
		pkt_free(p);
		return false;
	}
	ip4_hdr(p)->frag = htons(IP4_DF);
	p->hdr.dont_frag = true;
	fill(rst, in, pkt_l4_len(offender));
	(void)csum_l4_fill(p);
	p->mark = ns->conf.fwmark_reflect ? offender->mark : 0;
	p->own_socket = !from_rule;
	if (from_rule && ns->notify.ct_attach)
		ns->notify.ct_attach(ns->notify.ctx, p, offender);
	ip4_send_local(ns, p);
	return true;
}
