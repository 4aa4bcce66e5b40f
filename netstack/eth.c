/* eth.c - Ethernet in and out (IEEE 802.3): to whom a frame is addressed, what it carries, and the frame that
 * leaves.
 *
 * Linux parity: net/ethernet/eth.c (eth_type_trans). Frames for other hosts are counted and dropped here, as
 * ip_rcv and arp_rcv would. IPv6 and VLAN frames are dropped under their own names.
 */
#include "netstack/gso.h"
#include "netstack/ip4.h"
#include "netstack/neigh.h"
#include "netstack/netstack_int.h"

#include <arpa/inet.h>
#include <errno.h>

/* destination_type: what the destination address of a frame means to a port. */
static enum pkt_type destination_type(const struct port *port, const uint8_t dst[ETH_ADDR_LEN])
{
	static const uint8_t broadcast[ETH_ADDR_LEN] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	if (!memcmp(dst, port->mac, ETH_ADDR_LEN))
		return PKT_HOST;
	if (!(dst[0] & 1))
		return PKT_OTHERHOST;
	return memcmp(dst, broadcast, ETH_ADDR_LEN) ? PKT_MULTICAST : PKT_BROADCAST;
}

/* count_rx: the counters of a received frame of @len bytes. */
static void count_rx(struct port_stats *s, const struct pkt *p)
{
	s->rx_packets++;
	s->rx_bytes += p->len;
	if (p->len > s->rx_max)
		s->rx_max = p->len;
	if (p->csum == CSUM_PARTIAL)
		s->rx_csum_partial++;
	if (p->gso) {
		s->rx_gso++;
		s->rx_gso_bytes += p->len;
	}
}

/* refuse: drops a received frame and counts it at its port. */
static void refuse(struct netstack *ns, struct port *port, struct pkt *p, enum drop_reason reason)
{
	port->stats.rx_dropped++;
	netstack_drop(ns, p, reason);
}

void eth_input(struct netstack *ns, struct port *port, struct pkt *p)
{
	const struct eth_hdr *eth = pkt_at(p, 0, sizeof *eth);
	uint16_t type;

	if (!port->up) {
		refuse(ns, port, p, DROP_PORT_DOWN);
		return;
	}
	if (!eth || p->data - p->buf < PKT_MIN_HEAD - ETH_HLEN) {
		port->stats.rx_errors++;
		netstack_drop(ns, p, DROP_ETH_SHORT);
		return;
	}
	count_rx(&port->stats, p);
	type = ntohs(eth->type);
	p->in = port;
	p->type = (uint8_t)destination_type(port, eth->dst);
	p->has_mac = true;
	port->stats.rx_multicast += p->type == PKT_MULTICAST;
	p->data += ETH_HLEN;
	p->len -= ETH_HLEN;
	if (p->type == PKT_OTHERHOST)
		refuse(ns, port, p, DROP_ETH_OTHER_HOST);
	else if (type == ETHERTYPE_IP4)
		ip4_input(ns, p);
	else if (type == ETHERTYPE_ARP)
		arp_input(ns, p);
	else if (type == ETHERTYPE_IP6)
		refuse(ns, port, p, DROP_ETH_IP6_UNSUPPORTED);
	else if (type == ETHERTYPE_VLAN)
		refuse(ns, port, p, DROP_ETH_VLAN_UNSUPPORTED);
	else
		refuse(ns, port, p, DROP_ETH_UNKNOWN_TYPE);
}

/* count_tx: the counters of a frame that was handed out. */
static void count_tx(struct port_stats *s, const struct pkt *p)
{
	s->tx_packets++;
	s->tx_bytes += p->len;
	if (p->len > s->tx_max)
		s->tx_max = p->len;
	if (p->gso) {
		s->tx_gso++;
		s->tx_gso_bytes += p->len;
	}
}

void eth_send(struct netstack *ns, struct port *port, struct pkt *p, const uint8_t dst[MAC_LEN], uint16_t type)
{
	struct eth_hdr *eth;
	int err;

	if (!port->up || pkt_push(p, ETH_HLEN)) {
		port->stats.tx_dropped++;
		netstack_drop(ns, p, DROP_PORT_DOWN);
		return;
	}
	eth = (struct eth_hdr *)p->data;
	memcpy(eth->dst, dst, ETH_ADDR_LEN);
	memcpy(eth->src, port->mac, ETH_ADDR_LEN);
	eth->type = htons(type);
	err = ns->ops->transmit(ns->user, port, p);
	if (err) {
		port->stats.tx_dropped++;
		port->stats.tx_errors += err != -EAGAIN;
		netstack_drop(ns, p, err == -EAGAIN ? DROP_TX_FULL : DROP_TX_ERROR);
		return;
	}
	count_tx(&port->stats, p);
	ns->balance.tx++;
	pkt_free(p);
}
