/* vnet.h - the header that a TAP with IFF_VNET_HDR puts before each frame (virtio 1.2, 5.1.6).
 *
 * Kept here, not taken from linux/virtio_net.h: the core includes no kernel header. Fields are little-endian on the
 * hosts Tapgate runs on unless the TAP was told otherwise; the port sets TUNSETVNETLE.
 */
#ifndef NETSTACK_WIRE_VNET_H
#define NETSTACK_WIRE_VNET_H

#include <stdint.h>

enum { VNET_HLEN = 12 };
enum { VNET_F_NEEDS_CSUM = 1, VNET_F_DATA_VALID = 2 };
enum { VNET_GSO_NONE = 0, VNET_GSO_TCP4 = 1, VNET_GSO_UDP = 3, VNET_GSO_TCP6 = 4, VNET_GSO_UDP_L4 = 5, VNET_GSO_ECN = 0x80 };

struct vnet_hdr {
	uint8_t flags;
	uint8_t gso_type;
	uint16_t hdr_len;
	uint16_t gso_size;
	uint16_t csum_start;  /* from the start of the frame */
	uint16_t csum_offset; /* from csum_start */
	uint16_t num_buffers;
} __attribute__((packed));

#endif
