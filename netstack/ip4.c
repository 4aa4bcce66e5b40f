/* ip4.c - IPv4 on its way in: the header checked once, PREROUTING, the routing decision, onward or to
 * ourselves.
 *
 * Overview
 *   What fails the checks of RFC 1122 3.2.1 never reaches a hook. After PREROUTING the packet is routed by
 *   the addresses it then has; options are looked at after that, as Linux does, so that a recorded route
 *   names the right address.
 *
 * Linux parity: net/ipv4/ip_input.c (ip_rcv_core, ip_rcv_finish_core).
 */
#include "netstack/ip4.h"

#include "netstack/checksum.h"
#include "netstack/netstack_int.h"

#include <arpa/inet.h>
#include <errno.h>

int ip4_parse(struct pkt *p)
{
	const struct ip4_hdr *ip = pkt_at(p, 0, sizeof *ip);
	uint32_t hlen, total;
	uint16_t frag;

	if (!ip || ip->version_ihl >> 4 != 4)
		return -EINVAL;
	hlen = (uint32_t)(ip->version_ihl & 15) * 4;
	total = ntohs(ip->total_len);
	if (hlen < IP4_HLEN || total < hlen || total > p->len)
		return -EINVAL;
	frag = ntohs(ip->frag);
	p->hdr = (struct pkt_hdr){ .family = FAMILY_IP4, .proto = ip->proto, .tos = ip->tos, .ttl = ip->ttl,
				   .l4 = (uint16_t)hlen, .frag_off = (uint16_t)((frag & IP4_OFFSET) * 8),
				   .more_frags = frag & IP4_MF, .dont_frag = frag & IP4_DF,
				   .has_options = hlen > IP4_HLEN };
	return 0;
}

/* bad_header: why the header of a received packet is not acceptable; DROP_NONE if it is. Trims what follows
 * the packet. */
static enum drop_reason bad_header(struct netstack *ns, struct pkt *p)
{
	const struct ip4_hdr *ip = pkt_at(p, 0, sizeof *ip);
	uint32_t hlen, total;

	if (!ip)
		return DROP_IP_SHORT;
	if (ip->version_ihl >> 4 != 4)
		return DROP_IP_BAD_VERSION;
	hlen = (uint32_t)(ip->version_ihl & 15) * 4;
	if (hlen < IP4_HLEN || !pkt_at(p, 0, hlen))
		return DROP_IP_BAD_HEADER_LENGTH;
	if (csum_ip4_header(ip, hlen)) {
		SNMP_INC(ns, IpExtInCsumErrors);
		return DROP_IP_BAD_CHECKSUM;
	}
	total = ntohs(ip->total_len);
	if (total > p->len) {
		SNMP_INC(ns, IpExtInTruncatedPkts);
		return DROP_IP_BAD_TOTAL_LENGTH;
	}
	if (total < hlen)
		return DROP_IP_BAD_TOTAL_LENGTH;
	p->len = total;
	return ip4_parse(p) ? DROP_IP_BAD_HEADER_LENGTH : DROP_NONE;
}

/* bad_offload: whether trimming cut off what the offload state points at, or hooks left it pointing
 * nowhere. */
static bool bad_offload(const struct pkt *p)
{
	return p->csum == CSUM_PARTIAL && !pkt_at(p, (uint32_t)p->csum_start + p->csum_offset, 2);
}

/* after_routing: what remains to be checked of a routed packet (ip_rcv_finish_core). */
static enum drop_reason after_routing(struct netstack *ns, struct pkt *p)
{
	if (p->hdr.has_options) {
		enum drop_reason reason = ip4_options_compile(ns, p);

		if (reason)
			return reason;
	}
	if (p->route_type == ROUTE_MULTICAST) {
		SNMP_INC(ns, IpExtInMcastPkts);
		SNMP_ADD(ns, IpExtInMcastOctets, p->len);
	} else if (p->route_type == ROUTE_BROADCAST) {
		SNMP_INC(ns, IpExtInBcastPkts);
		SNMP_ADD(ns, IpExtInBcastOctets, p->len);
	} else if (p->type != PKT_HOST && (ns->conf.all.drop_unicast_in_l2_multicast ||
					 p->in->conf.drop_unicast_in_l2_multicast))
		return DROP_IP_UNICAST_IN_L2_MULTICAST;
	return DROP_NONE;
}

void ip4_input(struct netstack *ns, struct pkt *p)
{
	enum drop_reason reason;

	SNMP_INC(ns, IpInReceives);
	SNMP_ADD(ns, IpExtInOctets, p->len);
	reason = bad_header(ns, p);
	if (reason || bad_offload(p)) {
		SNMP_INC(ns, IpInHdrErrors);
		p->in->stats.rx_errors++;
		netstack_drop(ns, p, reason ? reason : DROP_RX_BAD_OFFLOAD);
		return;
	}
	ns->snmp[SNMP_IpExtInNoECTPkts + (p->hdr.tos & 3)] += p->gso ? p->gso_segs : 1;
	if (hooks_run(ns, HOOK_PREROUTING, p, p->in, NULL) != VERDICT_ACCEPT)
		return;
	reason = ip4_route_input(ns, p);
	if (!reason && (p->hdr.has_options || p->type != PKT_HOST || p->route_type != ROUTE_UNICAST))
		reason = after_routing(ns, p);
	if (reason)
		netstack_drop(ns, p, reason);
	else if (p->route_type == ROUTE_UNICAST || (p->route_type == ROUTE_BROADCAST && p->forwarded))
		ip4_forward(ns, p);
	else
		ip4_local_deliver(ns, p);
}

void *ip4_prepare(struct pkt *p, uint8_t proto, uint32_t src, uint32_t dst, uint8_t ttl, uint8_t tos, uint32_t payload)
{
	uint32_t total = IP4_HLEN + payload;
	struct ip4_hdr *ip;

	if (payload > PKT_MAX_IP - IP4_HLEN || p->data + total > p->buf + p->size)
		return NULL;
	p->len = total;
	ip = ip4_hdr(p);
	*ip = (struct ip4_hdr){ .version_ihl = 0x45, .tos = tos, .total_len = htons((uint16_t)total), .ttl = ttl,
				.proto = proto, .src = src, .dst = dst };
	p->hdr = (struct pkt_hdr){ .family = FAMILY_IP4, .proto = proto, .tos = tos, .ttl = ttl, .l4 = IP4_HLEN };
	return p->data + IP4_HLEN;
}
