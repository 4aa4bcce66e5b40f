/* rewrite.h - changes to the IPv4 header that targets make: checksum incrementally (RFC 1624), pkt.hdr kept right. */
#ifndef TABLES_REWRITE_H
#define TABLES_REWRITE_H

#include "netstack/checksum.h"
#include "netstack/pkt.h"

/* rewrite_ttl: sets the TTL. */
static inline void rewrite_ttl(struct pkt *p, uint8_t ttl)
{
	struct ip4_hdr *ih = ip4_hdr(p);
	uint16_t sum = ih->checksum;

	if (ttl == ih->ttl)
		return;
	csum_replace16(&sum, __builtin_bswap16((uint16_t)(ih->ttl << 8)), __builtin_bswap16((uint16_t)(ttl << 8)));
	ih->checksum = sum;
	ih->ttl = p->hdr.ttl = ttl;
}

/* rewrite_tos: sets all 8 bits of the type of service field. */
static inline void rewrite_tos(struct pkt *p, uint8_t tos)
{
	struct ip4_hdr *ih = ip4_hdr(p);
	uint16_t sum = ih->checksum;

	if (tos == ih->tos)
		return;
	csum_replace16(&sum, __builtin_bswap16(ih->tos), __builtin_bswap16(tos));
	ih->checksum = sum;
	ih->tos = p->hdr.tos = tos;
}

#endif
