/* tuple.h - what identifies one direction of a connection. */
#ifndef CONNTRACK_TUPLE_H
#define CONNTRACK_TUPLE_H

#include "netstack/pkt.h"

struct conntrack;
struct text;

enum ct_dir { CT_ORIGINAL, CT_REPLY, CT_DIRS };

/* All fields in network order except zone. Compared and hashed as 40 plain bytes: every byte is always set.
 * Keys: TCP, UDP, UDPLITE, SCTP: ports. ICMP: src_key = id, dst_key = type then code in memory order.
 * GRE version 1: src_key, dst_key = call ids. Anything else: 0. */
struct ct_tuple {
	struct addr src, dst;
	uint16_t src_key, dst_key;
	uint8_t family;
	uint8_t proto;
	uint16_t zone; /* the zone as it counts for this direction; 0 where it does not */
};
_Static_assert(sizeof(struct ct_tuple) == 40, "a tuple has no padding");

/* ct_tuple_equal: whether two tuples are the same, zone included. Five words, no call: it is on the hot path. */
static inline bool ct_tuple_equal(const struct ct_tuple *a, const struct ct_tuple *b)
{
	uint64_t x[5], y[5];

	memcpy(x, a, sizeof x);
	memcpy(y, b, sizeof y);
	return !((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]));
}

/* ct_tuple_from_pkt: the tuple of a whole packet with a parsed header whose network header is at data. @zone is put in
 * unchanged. Return: false where it has none (fragment, short header). */
bool ct_tuple_from_pkt(struct conntrack *ctk, const struct pkt *p, uint16_t zone, struct ct_tuple *out);

/* ct_tuple_from_bytes: the same for an IPv4 packet quoted in an ICMP error: @len bytes at @ip, of which the header and what
 * the protocol's tuple is made of must be there: four bytes with ports, eight of ICMP. */
bool ct_tuple_from_bytes(struct conntrack *ctk, const uint8_t *ip, uint32_t len, uint16_t zone, struct ct_tuple *out);

/* ct_tuple_invert: the tuple of the opposite direction; zone copied. Return: false if the type cannot be inverted
 * (ICMP types without an answer). */
bool ct_tuple_invert(const struct ct_tuple *t, struct ct_tuple *out);

/* ct_tuple_print: "src=... dst=... sport=... dport=... " as /proc prints it, trailing blank included. */
void ct_tuple_print(const struct ct_tuple *t, struct text *out);

#endif
