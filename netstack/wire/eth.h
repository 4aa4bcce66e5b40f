/* eth.h - Ethernet II and ARP as they are on the wire (IEEE 802.3, RFC 826). All fields in network order. */
#ifndef NETSTACK_WIRE_ETH_H
#define NETSTACK_WIRE_ETH_H

#include <stdint.h>

enum { ETH_HLEN = 14, ETH_ADDR_LEN = 6 };
enum { ETHERTYPE_IP4 = 0x0800, ETHERTYPE_ARP = 0x0806, ETHERTYPE_VLAN = 0x8100, ETHERTYPE_IP6 = 0x86dd };

struct eth_hdr {
	uint8_t dst[ETH_ADDR_LEN];
	uint8_t src[ETH_ADDR_LEN];
	uint16_t type;
} __attribute__((packed));

enum { ARP_REQUEST = 1, ARP_REPLY = 2, ARP_HTYPE_ETHERNET = 1 };

struct arp_ip4 {
	uint16_t htype, ptype;
	uint8_t hlen, plen;
	uint16_t op;
	uint8_t sender_mac[ETH_ADDR_LEN];
	uint32_t sender_ip;
	uint8_t target_mac[ETH_ADDR_LEN];
	uint32_t target_ip;
} __attribute__((packed));

#endif
