/* syncookie.c - see syncookie.h.
 *
 * Linux parity: layout and segment sizes of net/ipv4/syncookies.c, so that what a kernel takes and refuses is the same; the
 * keyed hash is the connection table's.
 */
#include "tables/syncookie.h"

#include <arpa/inet.h>

#include "conntrack/siphash.h"
#include "netstack/netstack.h"

enum { COOKIE_BITS = 24, COOKIE_MASK = 0xffffff, AGE_MAX = 2, COUNT_MASK = 0xff, SECONDS = 60 };
#define NS_PER_COUNT (1000000000ull * SECONDS)

/* Segment sizes that a cookie can hold, ascending. */
static const uint16_t sizes[] = { 536, 1300, 1440, 1460 };
enum { SIZE_COUNT = sizeof sizes / sizeof sizes[0] };

/* minutes: the clock of the cookies. */
static uint32_t minutes(const struct conntrack *ctk)
{
	return (uint32_t)(ctk->ns->now / NS_PER_COUNT);
}

/* keyed: a hash of the connection and @count. @round tells the two uses apart. */
static uint32_t keyed(const struct conntrack *ctk, const struct pkt *p, const struct tcp_hdr *th,
		      uint32_t count, uint32_t round)
{
	uint64_t key[2], word[3] = { (uint64_t)ip4_hdr(p)->src << 32 | ip4_hdr(p)->dst,
				     (uint64_t)th->sport << 16 | th->dport, (uint64_t)count << 32 | round };

	memcpy(key, ctk->hash_key, sizeof key);
	key[1] = ~key[1]; /* not the hashes of the table */
	return (uint32_t)siphash_words(key, word, 3);
}

uint32_t syncookie_make(const struct conntrack *ctk, const struct pkt *p, const struct tcp_hdr *th,
			uint16_t mss)
{
	uint32_t count = minutes(ctk), index = SIZE_COUNT - 1;

	while (index && mss < sizes[index])
		index--;
	return keyed(ctk, p, th, 0, 0) + ntohl(th->seq) + (count << COOKIE_BITS) +
	       ((keyed(ctk, p, th, count, 1) + index) & COOKIE_MASK);
}

uint16_t syncookie_check(const struct conntrack *ctk, const struct pkt *p, const struct tcp_hdr *th)
{
	uint32_t count = minutes(ctk), cookie = ntohl(th->ack) - 1, age, index;

	cookie -= keyed(ctk, p, th, 0, 0) + ntohl(th->seq) - 1;
	age = (count - (cookie >> COOKIE_BITS)) & COUNT_MASK;
	if (age >= AGE_MAX)
		return 0;
	index = (cookie - keyed(ctk, p, th, count - age, 1)) & COOKIE_MASK;
	return index < SIZE_COUNT ? sizes[index] : 0;
}
