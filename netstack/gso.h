/* gso.h - super-packets: vnet header in and out, and cutting them in software. */
#ifndef NETSTACK_GSO_H
#define NETSTACK_GSO_H

#include "netstack/pkt.h"
#include "netstack/wire/vnet.h"

/* gso_from_vnet: takes over the offload state of a received frame. p->data is the Ethernet header, p->len the frame.
 * Checks everything a hostile header could lie about. Return: 0, or -EINVAL (caller drops: DROP_RX_BAD_OFFLOAD). */
int gso_from_vnet(struct pkt *p, const struct vnet_hdr *vh);

/* gso_to_vnet: writes the vnet header for a frame to send (p->data at the Ethernet header). */
void gso_to_vnet(const struct pkt *p, struct vnet_hdr *vh);

/* gso_segment: cuts a super-packet (IPv4 TCP or UDP_L4; p->data at the IP header) into packets of at most gso_size
 * payload each with complete headers (ids counted up, FIN/PSH on the last, CWR on the first, full checksums).
 * Return: list linked by ->next, each with the metadata of @p; NULL on failure. Does not consume @p. */
struct pkt *gso_segment(const struct pkt *p, unsigned *count);

/* gso_segment_len: length of the longest IP packet that cutting @p would give. */
uint32_t gso_segment_len(const struct pkt *p);

#endif
