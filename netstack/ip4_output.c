/* ip4_output.c - from the routing decision to the neighbour: POSTROUTING, cutting, checksums; and packets
 * made here.
 *
 * Overview
 *   ip4_output walks POSTROUTING; ip4_finish_output then makes of the packet what the port can take: a
 *   super-packet stays whole where the port has the offload and its segments fit the MTU; a partial checksum
 *   stays partial where the port completes checksums.
 *   A packet made here whose destination is one of our own addresses is looped back: PREROUTING and INPUT,
 *   with the port that has the address as its in port (Linux uses lo).
 *
 * Linux parity: net/ipv4/ip_output.c (__ip_local_out, ip_output, __ip_finish_output, ip_finish_output_gso).
 */
#include "netstack/checksum.h"
#include "netstack/gso.h"
#include "netstack/ip4.h"
#include "netstack/neigh.h"
#include "netstack/netstack_int.h"

#include <arpa/inet.h>

/* port_takes: whether the port takes the super-packet as it is. */
static bool port_takes(const struct port *port, const struct pkt *p)
{
	uint32_t need = PORT_TX_CSUM | (p->gso == GSO_TCP4 ? PORT_TX_TSO4 : PORT_TX_USO4);

	return (port->offloads & need) == need;
}

/* send_piece: a packet that is no super-packet any more, to the neighbour, in fragments if it must be;
 * consumes. */
static void send_piece(struct netstack *ns, struct pkt *p)
{
	uint32_t mtu = p->out->mtu;

	if (p->len > mtu || p->max_frag) {
		ip4_fragment(ns, p, mtu);
		return;
	}
	if (p->csum == CSUM_PARTIAL && !(p->out->offloads & PORT_TX_CSUM)) {
		p->out->stats.tx_csum_completed++;
		(void)csum_complete(p);
	}
	SNMP_INC(ns, IpOutTransmits);
	SNMP_ADD(ns, IpExtOutOctets, p->len);
	neigh_output(ns, p);
}

/* send_cut: cuts a super-packet and sends its segments; consumes. */
static void send_cut(struct netstack *ns, struct pkt *p)
{
	unsigned count;
	struct pkt *seg = gso_segment(p, &count);

	if (!seg) {
		netstack_drop(ns, p, DROP_OUT_GSO_FAILED);
		return;
	}
	p->out->stats.tx_gso_cut++;
	ns->balance.split += count - 1;
	pkt_free(p);
	while (seg) {
		struct pkt *next = seg->next;

		seg->next = NULL;
		send_piece(ns, seg);
		seg = next;
	}
}

/* loop_back: a packet made here for one of our own addresses; consumes. */
static void loop_back(struct netstack *ns, struct pkt *p)
{
	p->in = p->out;
	p->out = NULL;
	p->type = PKT_HOST;
	p->has_mac = false;
	p->own_socket = false;
	if (p->csum == CSUM_PARTIAL)
		(void)csum_complete(p);
	if (hooks_run(ns, HOOK_PREROUTING, p, p->in, NULL) != VERDICT_ACCEPT)
		return;
	ip4_local_deliver(ns, p);
}

void ip4_finish_output(struct netstack *ns, struct pkt *p)
{
	if (__builtin_expect(p->route_type == ROUTE_LOCAL, 0)) {
		loop_back(ns, p);
		return;
	}
	if (!p->gso)
		send_piece(ns, p);
	else if (port_takes(p->out, p) && gso_segment_len(p) <= p->out->mtu) {
		SNMP_INC(ns, IpOutTransmits);
		SNMP_ADD(ns, IpExtOutOctets, p->len);
		neigh_output(ns, p);
	} else
		send_cut(ns, p);
}

/* loop_broadcast: the router hears its own broadcasts: a copy, with its connection, through POSTROUTING and back in
 * (net/ipv4/ip_output.c ip_mc_output). */
static void loop_broadcast(struct netstack *ns, const struct pkt *p)
{
	struct pkt *copy = pkt_clone(p);

	if (!copy)
		return;
	ns->balance.made++;
	copy->ct_info = p->ct_info;
	copy->ct = p->ct;
	if (p->ct && ns->notify.ct_hold)
		ns->notify.ct_hold(ns->notify.ctx, p->ct);
	if (hooks_run(ns, HOOK_POSTROUTING, copy, NULL, copy->out) == VERDICT_ACCEPT)
		loop_back(ns, copy);
}

void ip4_output(struct netstack *ns, struct pkt *p)
{
	if (__builtin_expect(p->route_type == ROUTE_BROADCAST && !p->in, 0))
		loop_broadcast(ns, p);
	if (hooks_run(ns, HOOK_POSTROUTING, p, p->in, p->out) == VERDICT_ACCEPT)
		ip4_finish_output(ns, p);
}

/* route_made: routes a packet made here and fills in its source. Return: false if there is no way. */
static bool route_made(struct netstack *ns, struct pkt *p)
{
	struct ip4_hdr *ip = ip4_hdr(p);
	const struct route_key key = { .dst = ip->dst, .src = ip->src, .mark = p->mark, .tos = ip->tos };
	struct route_result res;

	if (ip4_is_zeronet(ip->dst))
		return false;
	route_lookup(ns, &key, &res);
	if (res.type != ROUTE_UNICAST && res.type != ROUTE_LOCAL && res.type != ROUTE_BROADCAST)
		return false;
	p->out = res.port;
	p->next_hop = addr_ip4(res.next_hop);
	p->route_type = (uint8_t)res.type;
	if (!ip->src)
		ip->src = res.src ? res.src : ip4_source_toward(ns, res.port, res.next_hop);
	return true;
}

/* send_out: OUTPUT, then what any routed packet goes through; consumes. */
static void send_out(struct netstack *ns, struct pkt *p)
{
	ip4_csum_fill(p);
	if (hooks_run(ns, HOOK_OUTPUT, p, NULL, p->out) == VERDICT_ACCEPT)
		ip4_output(ns, p);
}

void ip4_send_routed(struct netstack *ns, struct pkt *p)
{
	ns->balance.made++;
	SNMP_INC(ns, IpOutRequests);
	p->in = NULL;
	send_out(ns, p);
}

void ip4_send_local(struct netstack *ns, struct pkt *p)
{
	struct ip4_hdr *ip = ip4_hdr(p);

	ns->balance.made++;
	SNMP_INC(ns, IpOutRequests);
	p->in = NULL;
	if (!route_made(ns, p)) {
		SNMP_INC(ns, IpOutNoRoutes);
		netstack_drop(ns, p, DROP_IP_NO_ROUTE);
		return;
	}
	if (!(ip->frag & htons(IP4_DF)))
		ip->id = htons((uint16_t)ns->ip_id++);
	send_out(ns, p);
}
