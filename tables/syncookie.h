/* syncookie.h - the sequence number of a SYN that is not remembered, and back (D. J. Bernstein; net/ipv4/syncookies.c). */
#ifndef TABLES_SYNCOOKIE_H
#define TABLES_SYNCOOKIE_H

#include "conntrack/conntrack.h"

/* syncookie_make: the number with which to answer the SYN in @p (its header at @th): it holds the minute and which of
 * a few segment sizes fits below @mss. */
uint32_t syncookie_make(const struct conntrack *ctk, const struct pkt *p, const struct tcp_hdr *th,
			uint16_t mss);

/* syncookie_check: whether the segment acknowledges such a number, not older than two minutes.
 * Return: the segment size, 0 if not. */
uint16_t syncookie_check(const struct conntrack *ctk, const struct pkt *p, const struct tcp_hdr *th);

#endif
