/* checksum.h - the Internet checksum (RFC 1071), incremental updates (RFC 1624) and CRC32c (RFC 9260 appendix A).
 *
 * A "sum" is an unfolded 32-bit one's complement sum in network byte order of 16-bit words; csum_fold makes the
 * complemented 16-bit field of it.
 */
#ifndef NETSTACK_CHECKSUM_H
#define NETSTACK_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pkt;

/* csum_add_bytes: adds @len bytes (any alignment, odd length = padded with zero) to @sum. */
uint32_t csum_add_bytes(uint32_t sum, const void *bytes, size_t len);

/* csum_fold: the complemented 16-bit checksum of a sum. */
static inline uint16_t csum_fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* csum_bytes: the checksum field value of @len bytes. */
static inline uint16_t csum_bytes(const void *bytes, size_t len)
{
	return csum_fold(csum_add_bytes(0, bytes, len));
}

/* csum_ip4_header: csum_bytes for an IPv4 header of @len bytes (20..60, a multiple of 4): what every packet pays. */
static inline uint16_t csum_ip4_header(const void *header, size_t len)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < len; i += 4) {
		uint32_t word;

		memcpy(&word, (const uint8_t *)header + i, sizeof word);
		sum += word;
	}
	sum = (sum & 0xffffffff) + (sum >> 32);
	return csum_fold((uint32_t)((sum & 0xffff) + (sum >> 16)));
}

/* csum_pseudo4: sum of the IPv4 pseudo header. @src, @dst in network order, @len = L4 length in host order. */
uint32_t csum_pseudo4(uint32_t src, uint32_t dst, uint8_t proto, uint32_t len);

/* csum_replace16, csum_replace32: update the checksum field at @field for a word that changed (network order). */
void csum_replace16(uint16_t *field, uint16_t from, uint16_t to);
void csum_replace32(uint16_t *field, uint32_t from, uint32_t to);

/* csum_l4_replace16, csum_l4_replace32: the same for the L4 checksum at @field of a packet, right in each csum state.
 * @pseudo: the word is part of the pseudo header (an address, the length): then a partial checksum holds it
 * uncomplemented; a word of the payload or L4 header is not in a partial checksum at all.
 * The UDP rule "0 stays 0, a computed 0 becomes 0xffff" is the caller's. */
void csum_l4_replace16(const struct pkt *p, uint16_t *field, uint16_t from, uint16_t to, bool pseudo);
void csum_l4_replace32(const struct pkt *p, uint16_t *field, uint32_t from, uint32_t to, bool pseudo);

/* csum_l4_verify: whether the TCP, UDP, UDPLITE or ICMP checksum of a whole packet is right. CSUM_OK and
 * CSUM_PARTIAL count as right; a verified packet becomes CSUM_OK. Needs hdr; a UDP checksum of 0 is right. */
bool csum_l4_verify(struct pkt *p);

/* csum_hook_verify: the same for TCP, UDP and ICMP as netfilter sees it at its hooks (nf_ip_checksum): over the packet as long
 * as it is, whatever UDP's length says, and with the IP header in the sum: an ICMP message of zeros is right. */
bool csum_hook_verify(struct pkt *p);

/* csum_l4_fill: computes and writes the full L4 checksum of a TCP, UDP or ICMP packet; csum becomes CSUM_OK. Used
 * for packets made here, and after a payload change. Return: 0, or -EINVAL for a header that is not all there. */
int csum_l4_fill(struct pkt *p);

/* csum_complete: turns CSUM_PARTIAL into a full checksum (CSUM_OK). No-op otherwise. Return: 0, or -EINVAL when
 * csum_start/offset do not lie within the packet. */
int csum_complete(struct pkt *p);

/* ip4_csum_fill: computes and writes the IPv4 header checksum. */
void ip4_csum_fill(struct pkt *p);

/* crc32c: CRC32c of @len bytes, as SCTP puts it (host order of the little-endian field). @crc: 0 to start. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t len);

#endif
