/* tcp_rewrite.h - changes to the TCP header that targets make, the checksum kept right in each state (RFC 1624). */
#ifndef TABLES_TCP_REWRITE_H
#define TABLES_TCP_REWRITE_H

#include "netstack/checksum.h"
#include "netstack/pkt.h"

/* tcp_option_step: bytes from the option at @i of the @len bytes at @o to the next one: at least 1, so that a walk over
 * broken options ends (net/netfilter/xt_TCPMSS.c optlen). */
static inline uint32_t tcp_option_step(const uint8_t *o, uint32_t i, uint32_t len)
{
	return o[i] <= TCP_OPT_NOP || i + 1 >= len || !o[i + 1] ? 1 : o[i + 1];
}

/* tcp_set_word: replaces the 16-bit word at even offset @at of the TCP header @th. @value in network order. */
static inline void tcp_set_word(const struct pkt *p, struct tcp_hdr *th, uint32_t at, uint16_t value)
{
	uint8_t *word = (uint8_t *)th + at;
	uint16_t old;

	memcpy(&old, word, sizeof old);
	memcpy(word, &value, sizeof value);
	csum_l4_replace16(p, &th->checksum, old, value, false);
}

#endif
