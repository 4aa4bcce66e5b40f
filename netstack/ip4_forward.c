/* ip4_forward.c - a packet on its way through.
 *
 * The order is part of the semantics: TTL, then size, then the decrement, then the redirect, and only then
 * FORWARD: rules see the decremented TTL and never see a packet that expired or was too big; a redirect goes
 * out even if FORWARD drops.
 *
 * Linux parity: net/ipv4/ip_forward.c (ip_forward, ip_exceeds_mtu, ip_forward_finish).
 */
#include "netstack/checksum.h"
#include "netstack/gso.h"
#include "netstack/icmp.h"
#include "netstack/ip4.h"
#include "netstack/netstack_int.h"

#include <arpa/inet.h>

/* exceeds_mtu: whether a packet that must not be fragmented is too long for the way out. A super-packet
 * counts by its segments; a reassembled one by the longest fragment, if that had DF. */
static bool exceeds_mtu(const struct pkt *p, uint32_t mtu)
{
	if (p->len <= mtu || !(ip4_hdr(p)->frag & htons(IP4_DF)))
		return false;
	if (p->max_frag > mtu)
		return true;
	if (p->defragmented)
		return false;
	return !p->gso || gso_segment_len(p) > mtu;
}

/* decrement_ttl: one less, the header checksum adjusted (RFC 1141). */
static void decrement_ttl(struct pkt *p)
{
	struct ip4_hdr *ip = ip4_hdr(p);
	uint32_t sum = (uint32_t)ip->checksum + htons(0x0100);

	ip->checksum = (uint16_t)(sum + (sum >= 0xffff));
	p->hdr.ttl = --ip->ttl;
}

void ip4_forward(struct netstack *ns, struct pkt *p)
{
	uint32_t mtu = p->out->mtu;

	if (__builtin_expect(p->type != PKT_HOST, 0)) {
		netstack_drop(ns, p, DROP_IP_NOT_FORWARDABLE);
		return;
	}
	if (ip4_hdr(p)->ttl <= 1) {
		SNMP_INC(ns, IpInHdrErrors);
		icmp_send_error(ns, p, ICMP_TIME_EXCEEDED, ICMP_TTL_EXCEEDED, 0);
		netstack_drop(ns, p, DROP_IP_TTL_EXPIRED);
		return;
	}
	SNMP_INC(ns, IpForwDatagrams);
	p->forwarded = true;
	if (p->len > mtu && exceeds_mtu(p, mtu)) {
		SNMP_INC(ns, IpFragFails);
		icmp_send_error(ns, p, ICMP_UNREACHABLE, ICMP_FRAG_NEEDED, mtu);
		netstack_drop(ns, p, DROP_IP_NEED_FRAGMENT);
		return;
	}
	decrement_ttl(p);
	if (__builtin_expect(p->redirect, 0) && !p->opts.srr)
		icmp_send_redirect(ns, p, p->next_hop.word[0]);
	if (hooks_run(ns, HOOK_FORWARD, p, p->in, p->out) != VERDICT_ACCEPT)
		return;
	if (__builtin_expect(p->hdr.has_options, 0))
		ip4_options_forward(ns, p);
	ip4_output(ns, p);
}
