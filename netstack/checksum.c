/* checksum.c - see checksum.h.
 *
 * Linux parity: lib/checksum.c, net/core/utils.c (inet_proto_csum_replace4): a partial checksum holds the
 * uncomplemented pseudo-header sum, so an address change is applied to it with the opposite sign convention.
 */
#include "netstack/checksum.h"

#include "netstack/pkt.h"

#include <arpa/inet.h>
#include <errno.h>

/* fold32: a 64-bit one's complement sum to 32 bits. */
static uint32_t fold32(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	return (uint32_t)sum;
}

uint32_t csum_add_bytes(uint32_t start, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint64_t sum = start;

	for (; len >= 32; len -= 32, b += 32) {
		uint64_t w[4];

		memcpy(w, b, sizeof w);
		sum += (w[0] & 0xffffffff) + (w[0] >> 32) + (w[1] & 0xffffffff) + (w[1] >> 32) + (w[2] & 0xffffffff) +
		       (w[2] >> 32) + (w[3] & 0xffffffff) + (w[3] >> 32);
	}
	for (; len >= 4; len -= 4, b += 4) {
		uint32_t w;

		memcpy(&w, b, sizeof w);
		sum += w;
	}
	if (len) {
		uint8_t last[4] = { 0 };
		uint32_t w;

		memcpy(last, b, len);
		memcpy(&w, last, sizeof w);
		sum += w;
	}
	return fold32(sum);
}

uint32_t csum_pseudo4(uint32_t src, uint32_t dst, uint8_t proto, uint32_t len)
{
	return fold32((uint64_t)src + dst + htons(proto) + htonl(len));
}

void csum_replace16(uint16_t *field, uint16_t from, uint16_t to)
{
	*field = csum_fold((uint32_t)(uint16_t)~*field + (uint16_t)~from + to);
}

void csum_replace32(uint16_t *field, uint32_t from, uint32_t to)
{
	*field = csum_fold(fold32((uint64_t)(uint16_t)~*field + (uint32_t)~from + to));
}

void csum_l4_replace16(const struct pkt *p, uint16_t *field, uint16_t from, uint16_t to, bool pseudo)
{
	if (p->csum != CSUM_PARTIAL)
		csum_replace16(field, from, to);
	else if (pseudo)
		*field = (uint16_t)~csum_fold((uint32_t)*field + (uint16_t)~from + to);
}

void csum_l4_replace32(const struct pkt *p, uint16_t *field, uint32_t from, uint32_t to, bool pseudo)
{
	if (p->csum != CSUM_PARTIAL)
		csum_replace32(field, from, to);
	else if (pseudo)
		*field = (uint16_t)~csum_fold(fold32((uint64_t)*field + (uint32_t)~from + to));
}

/* pseudo_of: the pseudo-header sum of a packet's L4 protocol; ICMP has none. */
static uint32_t pseudo_of(const struct pkt *p, uint32_t len)
{
	return p->hdr.proto == IP_PROTO_ICMP ? 0 : csum_pseudo4(ip4_hdr(p)->src, ip4_hdr(p)->dst, p->hdr.proto, len);
}

/* field_of: offset of the checksum in the L4 header; -1 for protocols without one that we know. */
static int field_of(uint8_t proto)
{
	switch (proto) {
	case IP_PROTO_TCP:
		return offsetof(struct tcp_hdr, checksum);
	case IP_PROTO_UDP:
	case IP_PROTO_UDPLITE:
		return offsetof(struct udp_hdr, checksum);
	case IP_PROTO_ICMP:
		return offsetof(struct icmp_hdr, checksum);
	default:
		return -1;
	}
}

/* covered: bytes that the L4 checksum covers: all; for UDP what its length says; for UDPLITE its coverage (RFC 3828). */
static uint32_t covered(const struct pkt *p)
{
	uint32_t all = pkt_l4_len(p);
	const struct udp_hdr *udp;
	uint32_t len;

	if (p->hdr.proto != IP_PROTO_UDP && p->hdr.proto != IP_PROTO_UDPLITE)
		return all;
	udp = pkt_l4(p, sizeof *udp);
	len = udp ? ntohs(udp->len) : 0;
	return len >= sizeof *udp && len <= all ? len : all;
}

bool csum_l4_verify(struct pkt *p)
{
	int at = field_of(p->hdr.proto);
	uint32_t len = pkt_l4_len(p), cover = covered(p);
	const uint16_t *field;

	if (p->csum != CSUM_NONE || at < 0)
		return true;
	field = pkt_l4(p, (uint32_t)at + 2) ? (const uint16_t *)(const void *)(p->data + p->hdr.l4 + at) : NULL;
	if (!field)
		return false;
	if (p->hdr.proto == IP_PROTO_UDP) {
		if (!*field)
			return true;
		len = cover; /* the pseudo header of UDP counts the length field */
	}
	if (csum_fold(csum_add_bytes(pseudo_of(p, len), p->data + p->hdr.l4, cover)) != 0)
		return false;
	p->csum = CSUM_OK;
	return true;
}

bool csum_hook_verify(struct pkt *p)
{
	const struct udp_hdr *udp;
	uint32_t len, sum;

	if (p->csum != CSUM_NONE || field_of(p->hdr.proto) < 0)
		return true;
	if (p->hdr.l4 > p->len)
		return false;
	if (p->hdr.proto == IP_PROTO_UDP) {
		udp = pkt_l4(p, sizeof *udp);
		if (udp && !udp->checksum)
			return true;
	}
	len = pkt_l4_len(p);
	sum = p->hdr.proto == IP_PROTO_ICMP ? 0xffff : pseudo_of(p, len); /* 0xffff: a right IP header's sum */
	if (csum_fold(csum_add_bytes(sum, p->data + p->hdr.l4, len)) != 0)
		return false;
	p->csum = CSUM_OK;
	return true;
}

int csum_l4_fill(struct pkt *p)
{
	int at = field_of(p->hdr.proto);
	uint32_t cover = covered(p);
	uint16_t *field = at < 0 ? NULL : pkt_at(p, p->hdr.l4 + (uint32_t)at, 2);
	uint16_t sum;

	if (!field)
		return -EINVAL;
	*field = 0;
	sum = csum_fold(csum_add_bytes(pseudo_of(p, p->hdr.proto == IP_PROTO_UDP ? cover : pkt_l4_len(p)),
				       p->data + p->hdr.l4, cover));
	if (!sum && (p->hdr.proto == IP_PROTO_UDP || p->hdr.proto == IP_PROTO_UDPLITE))
		sum = 0xffff;
	*field = sum;
	p->csum = CSUM_OK;
	return 0;
}

int csum_complete(struct pkt *p)
{
	uint16_t *field;

	if (p->csum != CSUM_PARTIAL)
		return 0;
	field = pkt_at(p, (uint32_t)p->csum_start + p->csum_offset, 2);
	if (!field)
		return -EINVAL;
	/* The field holds the pseudo-header sum, so summing everything from csum_start gives the whole. */
	*field = csum_bytes(p->data + p->csum_start, p->len - p->csum_start);
	if (!*field && p->csum_offset == offsetof(struct udp_hdr, checksum))
		*field = 0xffff;
	p->csum = CSUM_OK;
	return 0;
}

void ip4_csum_fill(struct pkt *p)
{
	struct ip4_hdr *ip = ip4_hdr(p);

	ip->checksum = 0;
	ip->checksum = csum_ip4_header(ip, p->hdr.l4);
}

uint32_t crc32c(uint32_t crc, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;

	crc = ~crc;
	while (len--) {
		crc ^= *b++;
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1));
	}
	return ~crc;
}
