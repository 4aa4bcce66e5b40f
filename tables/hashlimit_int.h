/* hashlimit_int.h - what the two halves of -m hashlimit share: the options of a rule (match_hashlimit.c) and the tables with
 * their buckets (hashlimit.c). */
#ifndef TABLES_HASHLIMIT_INT_H
#define TABLES_HASHLIMIT_INT_H

#include "tables/hashlimit.h"

struct pkt;

/* By what packets are told apart, and how a rate is kept (uapi xt_hashlimit.h). */
enum hashlimit_mode {
	MODE_DST = 1, MODE_DPORT = 2, MODE_SRC = 4, MODE_SPORT = 8, MODE_INVERT = 16, MODE_BYTES = 32, MODE_RATE = 64,
	MODE_KEYS = 15,
};
enum {
	RATE_SCALE = 1000000, /* a rate of packets is kept as the time between two, 1/1000000 s */
	BYTE_SHIFT = 4,       /* a rate of bytes as what 16 of them cost of 2^32 */
	HASHLIMIT_NAME_LEN = 254,
	TABLE_SIZE_MAX = 1048576, /* buckets, and keys, that Linux takes */
};

struct hashlimit_conf {
	uint64_t avg;   /* of packets: between two of them, 1 / RATE_SCALE s; of bytes: what 16 cost */
	uint64_t burst; /* packets; of bytes: refills */
	uint32_t mode;  /* enum hashlimit_mode */
	uint32_t size, max; /* buckets, keys; 0 = choose */
	uint32_t gc_interval, expire; /* ms */
	uint32_t interval; /* s, of --hashlimit-rate-match */
	uint8_t src_plen, dst_plen;
};

struct hashlimit_table;

/* hashlimit_check: what the kernel asks of the options. Return: 0, or -1 with @err. */
int hashlimit_check_conf(const struct hashlimit_conf *c, const char *name, struct rule_error *err);

/* hashlimit_shares: whether a rule with these options may use the table of that name, as far as there is one: rules with and
 * without --hashlimit-rate-match do not go together. */
bool hashlimit_shares(struct tables *t, const char *name, const struct hashlimit_conf *c);

/* hashlimit_get: the table of that name, made by @c if there is none yet. Return: a reference, or NULL without memory.
 * hashlimit_put gives it back. */
struct hashlimit_table *hashlimit_get(struct tables *t, const char *name, const struct hashlimit_conf *c);
void hashlimit_put(struct tables *t, struct hashlimit_table *h);

/* hashlimit_hit: counts a packet for its key. @mode: of the rule. *hotdrop is set where the packet has no key or there is
 * no room for it. Return: whether it is within the limit. */
bool hashlimit_hit(struct tables *t, struct hashlimit_table *h, uint32_t mode, const struct pkt *p, bool *hotdrop);

#endif
