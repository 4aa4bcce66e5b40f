/* arp.c - ARP for IPv4 over Ethernet (RFC 826, RFC 5227 where Linux follows it).
 *
 * Overview
 *   A request for one of our addresses is answered and teaches us the asker; anything else only refreshes an
 *   entry that exists already, unless arp_accept allows more. A reply that nobody asked for therefore creates
 *   nothing, and an address that changed within the last second does not change again.
 *
 * Linux parity: net/ipv4/arp.c (arp_process, arp_ignore, arp_filter, arp_accept, arp_is_garp, arp_solicit).
 * Difference: proxied requests are answered at once, without the random proxy_delay.
 */
#include "netstack/netstack_int.h"

#include <arpa/inet.h>

enum { ARP_HTYPE_IEEE802 = 6 };

/* arp_send: one ARP frame. @dst: link address of the frame, NULL = broadcast; @target_mac NULL = zeros. */
static void arp_send(struct netstack *ns, struct port *port, uint16_t op, uint32_t sender, uint32_t target,
		     const uint8_t *dst, const uint8_t *target_mac)
{
	static const uint8_t broadcast[MAC_LEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct pkt *p = netstack_made(ns, PKT_SMALL);
	struct arp_ip4 *arp;

	if (!p)
		return;
	p->len = sizeof *arp;
	arp = (struct arp_ip4 *)p->data;
	*arp = (struct arp_ip4){ .htype = htons(ARP_HTYPE_ETHERNET), .ptype = htons(ETHERTYPE_IP4),
				 .hlen = ETH_ADDR_LEN, .plen = 4, .op = htons(op), .sender_ip = sender,
				 .target_ip = target };
	memcpy(arp->sender_mac, port->mac, MAC_LEN);
	if (target_mac)
		memcpy(arp->target_mac, target_mac, MAC_LEN);
	p->out = port;
	p->type = PKT_OUTGOING;
	eth_send(ns, port, p, dst ? dst : broadcast, ETHERTYPE_ARP);
}

/* on_subnet: whether two addresses share a subnet of the port. */
static bool on_subnet(const struct port *port, uint32_t a, uint32_t b)
{
	for (unsigned i = 0; i < port->naddrs; i++) {
		uint32_t mask = ip4_mask(port->addr[i].plen), net = port->addr[i].addr.word[0];

		if (!((net ^ a) & mask) && !((net ^ b) & mask))
			return true;
	}
	return false;
}

/* max_conf: the larger of two settings. */
static int32_t max_conf(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

void arp_solicit(struct netstack *ns, struct port *port, uint32_t target, const uint8_t *mac, const struct pkt *trigger)
{
	int32_t announce = max_conf(ns->conf.all.arp_announce, port->conf.arp_announce);
	uint32_t sender = 0;

	if (trigger && announce < 2) {
		uint32_t src = ip4_hdr(trigger)->src;

		if (route_addr_type(ns, src, NULL) == ROUTE_LOCAL && (!announce || on_subnet(port, src, target)))
			sender = src;
	}
	if (!sender)
		sender = ip4_source_toward(ns, port, target);
	arp_send(ns, port, ARP_REQUEST, sender, target, mac, mac);
}

void arp_announce(struct netstack *ns, struct port *port)
{
	for (unsigned i = 0; i < port->naddrs; i++)
		arp_send(ns, port, ARP_REQUEST, port->addr[i].addr.word[0], port->addr[i].addr.word[0], NULL, NULL);
}

/* ignored: whether arp_ignore forbids to answer @asker about @target on @port. */
static bool ignored(struct netstack *ns, const struct port *port, uint32_t asker, uint32_t target)
{
	switch (max_conf(ns->conf.all.arp_ignore, port->conf.arp_ignore)) {
	case 0:
		return false;
	case 1: /* only addresses of this port */
		return route_addr_type(ns, target, port) != ROUTE_LOCAL;
	case 2: /* ... and the asker in the same subnet */
		return route_addr_type(ns, target, port) != ROUTE_LOCAL || !on_subnet(port, asker, target);
	case 3: /* no addresses of scope host: ours are all global */
		return false;
	case 8:
		return true;
	default:
		return false;
	}
}

/* filtered: arp_filter: answer only where a packet to the asker would leave by this port. */
static bool filtered(struct netstack *ns, const struct port *port, uint32_t asker, uint32_t target)
{
	const struct route_key key = { .dst = asker, .src = target };
	struct route_result res;

	if (!ns->conf.all.arp_filter && !port->conf.arp_filter)
		return false;
	route_lookup(ns, &key, &res);
	return res.type == ROUTE_NONE || res.port != port;
}

/* martian_sender: whether the routing decision would refuse a packet with this sender: then no answer. */
static bool martian_sender(struct netstack *ns, const struct port *port, uint32_t sender)
{
	const struct route_key key = { .dst = sender };
	struct route_result res;
	int32_t rpf = max_conf(ns->conf.all.rp_filter, port->conf.rp_filter);

	if (ip4_is_multicast(sender) || ip4_is_limited_broadcast(sender) || ip4_is_loopback(sender))
		return true;
	if (route_addr_type(ns, sender, NULL) == ROUTE_LOCAL)
		return !port->conf.accept_local && !ns->conf.all.accept_local;
	if (!rpf)
		return false;
	route_lookup(ns, &key, &res);
	return res.type != ROUTE_UNICAST || (rpf == 1 && res.port != port);
}

/* proxied: whether this port answers for @target, which is reached over another port (arp_fwd_proxy). */
static bool proxied(struct netstack *ns, const struct port *port, uint32_t target)
{
	const struct route_key key = { .dst = target };
	struct route_result res;

	if (!port->conf.forwarding || (!ns->conf.all.proxy_arp && !port->conf.proxy_arp))
		return false;
	route_lookup(ns, &key, &res);
	return res.type == ROUTE_UNICAST && res.port != port;
}

/* learn: what a request that we answer says of its sender (neigh_event_ns). */
static void learn(struct netstack *ns, struct port *port, const struct arp_ip4 *arp)
{
	struct neigh *n = neigh_find(ns, port, arp->sender_ip, true);

	if (n)
		neigh_update(ns, n, arp->sender_mac, NEIGH_STALE, NEIGH_UPDATE_OVERRIDE);
}

/* answer: replies to a request. */
static void answer(struct netstack *ns, struct port *port, const struct arp_ip4 *arp)
{
	arp_send(ns, port, ARP_REPLY, arp->target_ip, arp->sender_ip, arp->sender_mac, arp->sender_mac);
}

/* Whether a request was handled, and how. */
enum request_result { REQUEST_ANSWERED, REQUEST_REFUSED, REQUEST_NOT_OURS };

/* request: a request; answers where it is due. */
static enum request_result request(struct netstack *ns, struct port *port, const struct arp_ip4 *arp)
{
	bool probe = !arp->sender_ip; /* RFC 5227 address probe */

	if (!probe && martian_sender(ns, port, arp->sender_ip))
		return REQUEST_NOT_OURS;
	if (route_addr_type(ns, arp->target_ip, NULL) == ROUTE_LOCAL || ip4_is_loopback(arp->target_ip)) {
		if (ignored(ns, port, arp->sender_ip, arp->target_ip) ||
		    (!probe && filtered(ns, port, arp->sender_ip, arp->target_ip)))
			return REQUEST_REFUSED;
	} else if (probe || !proxied(ns, port, arp->target_ip)) {
		return REQUEST_NOT_OURS;
	}
	if (!probe)
		learn(ns, port, arp);
	answer(ns, port, arp);
	return REQUEST_ANSWERED;
}

/* gratuitous: whether a message announces its own sender (arp_is_garp). */
static bool gratuitous(struct netstack *ns, const struct arp_ip4 *arp)
{
	bool own = arp->sender_ip == arp->target_ip;

	if (own && arp->op == htons(ARP_REPLY))
		own = !memcmp(arp->sender_mac, arp->target_mac, MAC_LEN);
	return own && route_addr_type(ns, arp->sender_ip, NULL) == ROUTE_UNICAST;
}

/* accepts: whether arp_accept lets a message make an entry. 2 = only for senders on a subnet of the port. */
static bool accepts(struct netstack *ns, const struct port *port, uint32_t sender)
{
	switch (max_conf(ns->conf.all.arp_accept, port->conf.arp_accept)) {
	case 1:
		return true;
	case 2:
		return on_subnet(port, sender, sender);
	default:
		return false;
	}
}

/* refresh: what any message says of a sender that we know, or may learn. */
static void refresh(struct netstack *ns, struct port *port, const struct arp_ip4 *arp, enum pkt_type type)
{
	struct neigh *n = neigh_find(ns, port, arp->sender_ip, false);
	bool reply = arp->op == htons(ARP_REPLY), garp = gratuitous(ns, arp);

	if (!n && accepts(ns, port, arp->sender_ip) &&
	    (garp || (reply && route_addr_type(ns, arp->sender_ip, NULL) == ROUTE_UNICAST)))
		n = neigh_find(ns, port, arp->sender_ip, true);
	if (n)
		neigh_update(ns, n, arp->sender_mac, reply && type == PKT_HOST ? NEIGH_REACHABLE : NEIGH_STALE,
			     !neigh_locked(ns, n) || garp ? NEIGH_UPDATE_OVERRIDE : 0);
}

/* well_formed: whether it is an IPv4 over Ethernet message of a kind we know. */
static bool well_formed(const struct arp_ip4 *arp)
{
	return arp && (arp->htype == htons(ARP_HTYPE_ETHERNET) || arp->htype == htons(ARP_HTYPE_IEEE802)) &&
	       arp->ptype == htons(ETHERTYPE_IP4) && arp->hlen == ETH_ADDR_LEN && arp->plen == 4 &&
	       (arp->op == htons(ARP_REQUEST) || arp->op == htons(ARP_REPLY));
}

/* unacceptable: addresses and settings for which a message is not looked at. */
static bool unacceptable(const struct netstack *ns, const struct port *port, const struct arp_ip4 *arp)
{
	const struct port_conf *all = &ns->conf.all, *c = &port->conf;

	return ip4_is_multicast(arp->target_ip) ||
	       (ip4_is_loopback(arp->target_ip) && !all->route_localnet && !c->route_localnet) ||
	       (arp->sender_ip == arp->target_ip && (all->drop_gratuitous_arp || c->drop_gratuitous_arp));
}

void arp_input(struct netstack *ns, struct pkt *p)
{
	const struct arp_ip4 *arp = pkt_at(p, 0, sizeof *arp);
	struct port *port = p->in;
	enum request_result result = REQUEST_NOT_OURS;

	if (!well_formed(arp)) {
		netstack_drop(ns, p, DROP_ARP_MALFORMED);
		return;
	}
	if (unacceptable(ns, port, arp)) {
		netstack_drop(ns, p, DROP_ARP_FILTERED);
		return;
	}
	if (arp->op == htons(ARP_REQUEST))
		result = request(ns, port, arp);
	if (result == REQUEST_REFUSED) {
		netstack_drop(ns, p, DROP_ARP_FILTERED);
		return;
	}
	if (result == REQUEST_NOT_OURS && arp->sender_ip)
		refresh(ns, port, arp, p->type);
	if (result == REQUEST_ANSWERED || arp->op == htons(ARP_REPLY))
		netstack_delivered(ns, p);
	else
		netstack_drop(ns, p, DROP_ARP_CONSUMED);
}
