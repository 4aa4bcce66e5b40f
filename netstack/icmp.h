/* icmp.h - ICMP: what the router answers and the errors it sends. */
#ifndef NETSTACK_ICMP_H
#define NETSTACK_ICMP_H

#include "netstack/pkt.h"

struct netstack;

/* icmp_send_error: sends an ICMP error about @offender (not consumed), with Linux's content, source address and rate
 * limit (net/ipv4/icmp.c __icmp_send). Silent when the offender must not be answered: ICMP error, fragment, broadcast,
 * multicast, bad source. @info in host order: next-hop MTU for ICMP_FRAG_NEEDED (low 16 bits), gateway for a redirect,
 * pointer << 24 for a parameter problem. */
void icmp_send_error(struct netstack *ns, const struct pkt *offender, uint8_t type, uint8_t code, uint32_t info);

/* icmp_input: local delivery of an ICMP packet; consumes. */
void icmp_input(struct netstack *ns, struct pkt *p);

/* icmp_send_redirect: tells the sender of a packet that leaves by the port it came from, where policy allows
 * (net/ipv4/route.c ip_rt_send_redirect: per-source back-off). @gateway in network order. */
void icmp_send_redirect(struct netstack *ns, const struct pkt *p, uint32_t gateway);

#endif
