/* craft.h - packets and a fake world for unit tests.
 *
 * craft_packet builds one IPv4 packet from a row of fields; whatever is left 0 gets a sensible value and right checksums.
 * struct world is the other side of netstack_ops: it keeps what was transmitted and logged, and its random numbers repeat.
 */
#ifndef TESTS_UNIT_CRAFT_H
#define TESTS_UNIT_CRAFT_H

#include "netstack/netstack.h"

struct craft {
	const char *src, *dst; /* dotted */
	uint8_t proto;         /* 0: TCP if tcp_flags, ICMP if icmp_type/icmp set, else UDP */
	uint8_t ttl, tos;      /* ttl 0: 64 */
	uint16_t id, frag;     /* frag: host order, IP4_DF | IP4_MF | offset / 8 */
	uint16_t sport, dport;
	uint8_t tcp_flags;
	uint32_t seq, ack;
	uint16_t window; /* 0: 5840 */
	const uint8_t *tcp_options; /* multiple of 4 */
	unsigned tcp_options_len;
	const uint8_t *ip_options; /* multiple of 4 */
	unsigned ip_options_len;
	bool icmp;
	uint8_t icmp_type, icmp_code;
	uint16_t icmp_id, icmp_seq;
	uint32_t icmp_word; /* host order, instead of id and seq, if not 0 */
	const void *payload;
	unsigned payload_len;    /* with payload NULL: that many bytes 'x' */
	bool bad_l4_checksum, bad_ip_checksum;
};

/* craft_packet: data at the IP header, hdr parsed. Fails the test if the pool is empty. Caller owns. */
struct pkt *craft_packet(struct pkt_pool *pool, const struct craft *c);

/* craft_frame: the same with an Ethernet header in front (data at it), as a port would read it. */
struct pkt *craft_frame(struct pkt_pool *pool, const char *src_mac, const char *dst_mac, const struct craft *c);

/* craft_arp: an ARP frame. Addresses dotted. */
struct pkt *craft_arp(struct pkt_pool *pool, const char *frame_dst, uint16_t op, const char *sender_mac,
		      const char *sender_ip, const char *target_mac, const char *target_ip);

enum { WORLD_KEEP = 256, WORLD_LOG_LINES = 64 };

struct world_frame {
	struct port *port;
	uint32_t len;
	uint8_t csum, gso;
	uint16_t gso_size;
	uint8_t *bytes; /* from the Ethernet header; malloc'ed */
};

struct world {
	struct world_frame sent[WORLD_KEEP];
	unsigned count;
	char log[WORLD_LOG_LINES][1024];
	unsigned log_count;
	uint64_t seed;
	int transmit_result; /* what transmit answers; 0 */
};

extern const struct netstack_ops world_ops;

/* world_clear: forgets and frees what was sent and logged. */
void world_clear(struct world *w);

#endif
