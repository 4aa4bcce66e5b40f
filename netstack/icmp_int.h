/* icmp_int.h - what the two ICMP files share: making a message. */
#ifndef NETSTACK_ICMP_INT_H
#define NETSTACK_ICMP_INT_H

#include "netstack/netstack_int.h"

/* A message to be made. Addresses in network order. */
struct icmp_draft {
	uint32_t src, dst;
	uint8_t type, code, tos;
	const uint8_t *options; /* of the IP header */
	uint32_t options_len;
	uint32_t payload; /* bytes behind the ICMP header */
};

/* icmp_prepare: lays IP and ICMP header into a new packet, *made. Return: the ICMP header; NULL without a
 * buffer. */
struct icmp_hdr *icmp_prepare(struct netstack *ns, const struct icmp_draft *d, struct pkt **made);

/* icmp_count_out: the counters of a message sent. */
void icmp_count_out(struct netstack *ns, uint8_t type);

/* icmp_transmit: sends a complete message of @type; consumes @made. While it is on its way, errors about anything are not
 * sent: no ICMP because of ICMP (the kernel finds its ICMP socket locked, icmp_xmit_lock). */
void icmp_transmit(struct netstack *ns, struct pkt *made, uint8_t type);

/* icmp_is_error: whether a type is an error (RFC 1122 3.2.2). */
bool icmp_is_error(uint8_t type);

#endif
