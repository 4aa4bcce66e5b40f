/* neigh.h - neighbours: ARP now (RFC 826), neighbour discovery later. States as Linux's NUD. */
#ifndef NETSTACK_NEIGH_H
#define NETSTACK_NEIGH_H

#include "netstack/pkt.h"

struct netstack;

enum { NEIGH_MAX = 8192 }; /* entries reserved at creation: the bound of gc_thresh3 */

enum neigh_state { NEIGH_NONE, NEIGH_INCOMPLETE, NEIGH_REACHABLE, NEIGH_STALE, NEIGH_DELAY, NEIGH_PROBE, NEIGH_FAILED,
		   NEIGH_PERMANENT };

struct neigh_info {
	struct addr addr;
	struct port *port;
	uint8_t mac[MAC_LEN];
	uint8_t state; /* enum neigh_state */
};

/* neigh_output: sends an IP packet (out, next_hop set, data at the IP header) to its neighbour, or keeps it while the
 * address is resolved; consumes. */
void neigh_output(struct netstack *ns, struct pkt *p);

/* arp_input: an ARP frame (data at the ARP header, Ethernet header before it); consumes. */
void arp_input(struct netstack *ns, struct pkt *p);

/* arp_announce: gratuitous ARP for each address of a port. */
void arp_announce(struct netstack *ns, struct port *port);

/* neigh_each: calls @fn for each neighbour. */
void neigh_each(const struct netstack *ns, void (*fn)(void *ctx, const struct neigh_info *n), void *ctx);

/* neigh_flush: forgets all neighbours of a port (NULL: all ports); packets waiting are dropped by name. */
void neigh_flush(struct netstack *ns, struct port *port);

#endif
