/* local.c - what is addressed to this router. There are no listeners: ICMP is answered, the rest refused.
 *
 * Linux parity: net/ipv4/ip_input.c (ip_local_deliver, ip_protocol_deliver_rcu), udp.c (__udp4_lib_rcv:
 * length and checksum before port unreachable), tcp_ipv4.c (tcp_v4_rcv). Fragments that no hook put together
 * are put together here.
 */
#include "netstack/checksum.h"
#include "netstack/icmp.h"
#include "netstack/ip4.h"
#include "netstack/netstack_int.h"

#include <arpa/inet.h>

/* udp_input: no socket: port unreachable, if the datagram is good. What follows it in the packet is cut off, and a checksum
 * that a hook found right over all is looked at anew. Return: why it ends. */
static enum drop_reason udp_input(struct netstack *ns, struct pkt *p)
{
	const struct udp_hdr *udp = pkt_l4(p, sizeof *udp);
	uint32_t len = udp ? ntohs(udp->len) : 0;

	if (!udp || len < sizeof *udp || len > pkt_l4_len(p))
		return DROP_LOCAL_BAD_CHECKSUM;
	if (len < pkt_l4_len(p) && p->hdr.proto == IP_PROTO_UDP) {
		p->len = p->hdr.l4 + len;
		if (p->csum == CSUM_OK)
			p->csum = CSUM_NONE;
	}
	if (!csum_l4_verify(p))
		return DROP_LOCAL_BAD_CHECKSUM;
	pkt_ct_drop(p); /* nf_reset_ct: what the error belongs to is found from what it quotes */
	icmp_send_error(ns, p, ICMP_UNREACHABLE, ICMP_PORT_UNREACH, 0);
	return DROP_LOCAL_NO_LISTENER;
}

/* tcp_input: no socket: RST, if the segment is good. Return: why it ends. */
static enum drop_reason tcp_input(struct netstack *ns, struct pkt *p)
{
	const struct tcp_hdr *tcp = pkt_l4(p, sizeof *tcp);
	uint32_t hlen = tcp ? (uint32_t)(tcp->offset >> 4) * 4 : 0;

	if (hlen < sizeof *tcp || !pkt_l4(p, hlen) || !csum_l4_verify(p))
		return DROP_LOCAL_BAD_CHECKSUM;
	(void)tcp_send_reset(ns, p, false);
	return DROP_LOCAL_NO_LISTENER;
}

/* deliver: to the protocol; consumes. */
static void deliver(struct netstack *ns, struct pkt *p)
{
	bool to_many = p->route_type != ROUTE_LOCAL || p->type != PKT_HOST;
	enum drop_reason reason;

	SNMP_INC(ns, IpInDelivers);
	switch (p->hdr.proto) {
	case IP_PROTO_ICMP:
		icmp_input(ns, p);
		return;
	case IP_PROTO_IGMP:
		netstack_delivered(ns, p);
		return;
	case IP_PROTO_TCP:
		reason = to_many ? DROP_LOCAL_BROADCAST : tcp_input(ns, p);
		break;
	case IP_PROTO_UDP:
	case IP_PROTO_UDPLITE:
		reason = to_many ? DROP_LOCAL_BROADCAST : udp_input(ns, p);
		break;
	default:
		SNMP_INC(ns, IpInUnknownProtos);
		icmp_send_error(ns, p, ICMP_UNREACHABLE, ICMP_PROTO_UNREACH, 0);
		reason = to_many ? DROP_LOCAL_BROADCAST : DROP_LOCAL_NO_LISTENER;
	}
	netstack_drop(ns, p, reason);
}

void ip4_local_deliver(struct netstack *ns, struct pkt *p)
{
	if (p->hdr.more_frags || p->hdr.frag_off) {
		switch (defrag_gather(ns, p, DEFRAG_LOCAL)) {
		case VERDICT_STOLEN:
			return;
		case VERDICT_DROP:
			netstack_drop(ns, p, p->drop);
			return;
		case VERDICT_ACCEPT:
			break;
		}
	}
	if (hooks_run(ns, HOOK_INPUT, p, p->in, NULL) == VERDICT_ACCEPT)
		deliver(ns, p);
}
