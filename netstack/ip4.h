/* ip4.h - IPv4 in, forward, out.
 *
 *   ip4_input -> PREROUTING -> ip4_route_input -> ip4_deliver | ip4_forward -> FORWARD -> ip4_output
 *   ip4_send_local -> OUTPUT -> ip4_output -> POSTROUTING -> ip4_finish_output (cut, fragment) -> neigh_output
 */
#ifndef NETSTACK_IP4_H
#define NETSTACK_IP4_H

#include "netstack/pkt.h"

struct netstack;

/* ip4_input: a frame's IPv4 payload at p->data, p->in set; consumes. */
void ip4_input(struct netstack *ns, struct pkt *p);

/* ip4_send_local: sends a packet made here: complete IPv4 header but for id, checksum (and source if 0) which are
 * filled in; routes it (by p->mark, tos), walks OUTPUT and POSTROUTING; consumes. Counts it as made. */
void ip4_send_local(struct netstack *ns, struct pkt *p);

/* ip4_send_routed: the same for a packet whose out, next_hop and route_type are set and whose header lacks only the right
 * checksum: a copy that -j TEE makes. */
void ip4_send_routed(struct netstack *ns, struct pkt *p);

/* ip4_output: a routed packet (out, next_hop set) through POSTROUTING to the wire; consumes. */
void ip4_output(struct netstack *ns, struct pkt *p);

/* ip4_prepare: lays a 20-byte IPv4 header at the front of an empty packet that will carry @payload bytes (the data
 * length becomes 20 + payload, payload undefined) and sets hdr. Addresses in network order. Return: pointer to the
 * payload, or NULL if it does not fit. */
void *ip4_prepare(struct pkt *p, uint8_t proto, uint32_t src, uint32_t dst, uint8_t ttl, uint8_t tos, uint32_t payload);

/* tcp_send_reset: answers @offender (not consumed) with a RST as Linux's ipt_REJECT / tcp_v4_send_reset would: see
 * semantics of -j REJECT --reject-with tcp-reset. @from_rule: REJECT (id 0, DF, checks the checksum, OUTPUT and
 * POSTROUTING walked); else for a segment to the router itself. Return: whether a RST was sent. */
bool tcp_send_reset(struct netstack *ns, struct pkt *offender, bool from_rule);

#endif
