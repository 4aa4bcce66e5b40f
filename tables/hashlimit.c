/* hashlimit.c - token buckets by key (net/netfilter/xt_hashlimit.c).
 *
 * Overview
 *   A table is shared by all rules that name it; the first one decides what makes a key, its rate and its limits. A key
 *   gets a bucket with its first packet, and loses it when it was idle for `expire`, at the next sweep, which is every
 *   `gc_interval`. When there are `max` keys, packets of new ones are dropped.
 *
 * Invariants
 *   1. The entries below `used` are in a chain of the hash and on the list by age, or on the free list.
 *   2. The list by age is in the order of expires: each packet sets it to now + expire and moves its entry to the end.
 *   3. Before a key is looked up, the last sweep that was due has been done, as if a timer had done it at its time.
 *
 * Linux parity: the kernel's arithmetic bit for bit at HZ = 250 (revision 3), the union of its two kinds of state
 *   included. All storage is reserved when the first rule names the table (pages are touched on first use); without
 *   --hashlimit-htable-size there are 8192 buckets, as on a machine with more than 1 GiB.
 */
#include <errno.h>
#include <stdlib.h>

#include "netstack/netstack.h"
#include "tables/hashlimit_int.h"
#include "tables/options.h"
#include "tables/shared.h"
#include "tables/tables_int.h"

enum { SIZE_DEFAULT = 8192, KEYS_PER_BUCKET = 8 };
#define CREDITS_PER_JIFFY ((uint64_t)1 << 39)     /* largest power of two that lets a day's credit fit 64 bits */
#define BYTE_CREDITS_PER_JIFFY ((uint64_t)1 << 24) /* ... a second's credit fit 32 bits */
#define BYTE_CREDIT_MAX (BYTE_CREDITS_PER_JIFFY * JIFFIES_PER_S)

struct key {
	uint32_t src, dst;
	uint16_t sport, dport;
};

struct entry {
	struct key key;
	uint32_t chain;       /* next in the hash chain, + 1; 0 = end. On the free list: the next free one */
	uint32_t older, newer; /* neighbours by age, + 1 */
	uint64_t expires;     /* jiffy */
	uint64_t prev;        /* jiffy of the last change */
	union {
		struct {
			uint64_t credit, cap, cost;
		};
		struct { /* --hashlimit-rate-match */
			uint32_t interval, prev_window;
			uint64_t current_rate, rate;
			int64_t burst;
		};
	};
};

struct hashlimit_table {
	struct shared shared;
	struct hashlimit_conf conf;
	uint32_t seed;
	uint32_t count, used, free; /* keys; entries ever used; free list, + 1 */
	uint32_t oldest, newest;    /* + 1 */
	uint64_t sweep;             /* jiffy of the next one */
	uint32_t *bucket;           /* conf.size, entry + 1 */
	struct entry *entry;        /* conf.max */
};

static const char kind;

/* --- rates -------------------------------------------------------------------------------------------------------- */

/* credits: what a time in 1 / RATE_SCALE s is worth (user2credits). */
static uint64_t credits(uint64_t period)
{
	return period * (JIFFIES_PER_S * CREDITS_PER_JIFFY / RATE_SCALE);
}

/* byte_credits: user2credits_byte. */
static uint64_t byte_credits(uint64_t avg)
{
	return (uint32_t)(((uint64_t)(uint32_t)avg * BYTE_CREDIT_MAX) >> 32);
}

/* byte_rate: user2rate_bytes: bytes in a second. */
static uint64_t byte_rate(uint64_t avg)
{
	uint32_t cost = (uint32_t)avg;

	return ((uint64_t)(cost ? UINT32_MAX / cost : UINT32_MAX) - 1) << BYTE_SHIFT;
}

int hashlimit_check_conf(const struct hashlimit_conf *c, const char *name, struct rule_error *err)
{
	if (!c->gc_interval || !c->expire)
		return rule_invalid(err, "match hashlimit: no time to sweep or to expire");
	if (c->src_plen > 32 || c->dst_plen > 32)
		return rule_invalid(err, "match hashlimit: a mask longer than an address");
	if (c->mode & MODE_RATE) {
		if (!c->avg || c->avg > UINT32_MAX)
			return rule_fail_code(err, 1, "Numerical result out of range.");
		if (!c->interval)
			return rule_invalid(err, "match hashlimit: no interval");
	} else if (c->mode & MODE_BYTES) {
		if (!byte_credits(c->avg))
			return rule_invalid(err, "match hashlimit: overflow, rate too high");
	} else if (!c->burst || credits(c->avg * c->burst) < credits(c->avg)) {
		return rule_fail_code(err, 1, "Numerical result out of range.");
	}
	if (!shared_name_ok(name))
		return rule_invalid(err, "match hashlimit: \"%s\" cannot be the name of a file", name);
	return 0;
}

/* rate_init: a new key's state. */
static void rate_init(struct entry *e, const struct hashlimit_conf *c, uint64_t now)
{
	e->prev = now;
	if (c->mode & MODE_RATE) {
		e->interval = c->interval;
		e->prev_window = 0;
		e->current_rate = 0;
		e->rate = c->mode & MODE_BYTES ? byte_rate(c->avg) : RATE_SCALE / c->avg;
		if (!(c->mode & MODE_BYTES))
			e->burst = (int64_t)(c->burst + e->rate);
		else
			e->burst = (int64_t)(c->burst ? c->burst * e->rate : e->rate);
	} else if (c->mode & MODE_BYTES) {
		e->credit = BYTE_CREDIT_MAX;
		e->cap = c->burst;
		e->cost = byte_credits(c->avg);
	} else {
		e->credit = e->cap = credits(c->avg * c->burst);
		e->cost = credits(c->avg);
	}
}

/* rate_grow: what time has brought since the last change (rateinfo_recalc). @mode: of the table. */
static void rate_grow(struct entry *e, uint32_t mode, uint64_t now)
{
	uint64_t passed = now - e->prev, cap = e->cap, before = e->credit;

	if (!passed)
		return;
	if (mode & MODE_RATE) {
		uint64_t window = (uint64_t)e->interval * JIFFIES_PER_S;

		if (passed < window)
			return;
		e->prev = now;
		e->prev_window = e->current_rate * window > passed * e->rate;
		e->current_rate = 0;
		return;
	}
	e->prev = now;
	if (mode & MODE_BYTES) {
		cap = BYTE_CREDIT_MAX;
		e->credit += BYTE_CREDITS_PER_JIFFY * passed;
		if (before >= e->credit)
			e->credit = cap;
	} else {
		e->credit += CREDITS_PER_JIFFY * passed;
	}
	if (e->credit > cap)
		e->credit = cap;
}

/* byte_cost: what @len bytes cost; a refill is taken for them if need be and there is one. */
static uint64_t byte_cost(struct entry *e, uint32_t len)
{
	uint64_t cost = ((uint64_t)(len >> BYTE_SHIFT) + 1) * e->cost;

	if (cost > BYTE_CREDIT_MAX)
		cost = BYTE_CREDIT_MAX;
	if (e->credit < cost && e->cap) {
		e->cap--;
		e->credit = BYTE_CREDIT_MAX;
	}
	return (uint32_t)cost;
}

/* --- tables ------------------------------------------------------------------------------------------------------- */

/* table_free: frees a table that nobody knows. */
static void table_free(struct hashlimit_table *h)
{
	free(h->bucket);
	free(h->entry);
	free(h);
}

bool hashlimit_shares(struct tables *t, const char *name, const struct hashlimit_conf *c)
{
	const struct hashlimit_table *h = (const struct hashlimit_table *)shared_find(t, &kind, name);

	return !h || !((h->conf.mode ^ c->mode) & MODE_RATE);
}

struct hashlimit_table *hashlimit_get(struct tables *t, const char *name, const struct hashlimit_conf *c)
{
	struct hashlimit_table *h = (struct hashlimit_table *)shared_find(t, &kind, name);

	if (h) {
		h->shared.refs++;
		return h;
	}
	h = calloc(1, sizeof *h);
	if (!h)
		return NULL;
	h->conf = *c;
	h->conf.size = c->size ? c->size : SIZE_DEFAULT;
	if (!c->max)
		h->conf.max = KEYS_PER_BUCKET * h->conf.size;
	else if (c->max < h->conf.size)
		h->conf.max = h->conf.size;
	h->bucket = calloc(h->conf.size, sizeof *h->bucket);
	h->entry = calloc(h->conf.max, sizeof *h->entry);
	if (!h->bucket || !h->entry) {
		table_free(h);
		return NULL;
	}
	h->seed = netstack_random32(t->ns);
	h->sweep = tables_jiffies(t) + jiffies_of_ms(c->gc_interval);
	shared_add(t, &h->shared, &kind, name);
	return h;
}

void hashlimit_put(struct tables *t, struct hashlimit_table *h)
{
	if (shared_put(t, &h->shared))
		table_free(h);
}

/* bucket_of: where a key is hashed to. */
static uint32_t *bucket_of(struct hashlimit_table *h, const struct key *k)
{
	return &h->bucket[(uint64_t)hash_bytes(h->seed, k, sizeof *k) * h->conf.size >> 32];
}

/* age_take, age_append: off and onto the end of the list by age. */
static void age_take(struct hashlimit_table *h, struct entry *e)
{
	*(e->older ? &h->entry[e->older - 1].newer : &h->oldest) = e->newer;
	*(e->newer ? &h->entry[e->newer - 1].older : &h->newest) = e->older;
}

static void age_append(struct hashlimit_table *h, struct entry *e)
{
	uint32_t number = (uint32_t)(e - h->entry) + 1;

	e->older = h->newest;
	e->newer = 0;
	*(h->newest ? &h->entry[h->newest - 1].newer : &h->oldest) = number;
	h->newest = number;
}

/* entry_remove: forgets a key. */
static void entry_remove(struct hashlimit_table *h, struct entry *e)
{
	uint32_t number = (uint32_t)(e - h->entry) + 1, *at = bucket_of(h, &e->key);

	while (*at != number)
		at = &h->entry[*at - 1].chain;
	*at = e->chain;
	age_take(h, e);
	e->chain = h->free;
	h->free = number;
	h->count--;
}

/* sweep: does the last sweep that was due: forgets what had expired then. */
static void sweep(struct hashlimit_table *h, uint64_t now)
{
	uint64_t interval = jiffies_of_ms(h->conf.gc_interval), last;

	if (now < h->sweep)
		return;
	last = now - (now - h->sweep) % interval;
	h->sweep = last + interval;
	while (h->oldest && h->entry[h->oldest - 1].expires <= last)
		entry_remove(h, &h->entry[h->oldest - 1]);
}

/* entry_find: NULL if the key has no bucket. */
static struct entry *entry_find(struct hashlimit_table *h, const struct key *k)
{
	for (uint32_t at = *bucket_of(h, k); at; at = h->entry[at - 1].chain)
		if (!memcmp(&h->entry[at - 1].key, k, sizeof *k))
			return &h->entry[at - 1];
	return NULL;
}

/* entry_add: a new key. Return: NULL if there is no room. */
static struct entry *entry_add(struct hashlimit_table *h, const struct key *k)
{
	uint32_t *bucket = bucket_of(h, k), number = h->free;
	struct entry *e;

	if (h->count >= h->conf.max)
		return NULL;
	if (number)
		h->free = h->entry[number - 1].chain;
	else
		number = ++h->used;
	e = &h->entry[number - 1];
	e->key = *k;
	e->chain = *bucket;
	*bucket = number;
	age_append(h, e);
	h->count++;
	return e;
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

/* ports_at: where the ports of a protocol are, behind the start of its header (proto_ports_offset); -1: it has none. */
static int ports_at(uint8_t proto)
{
	switch (proto) {
	case IP_PROTO_TCP:
	case IP_PROTO_UDP:
	case IP_PROTO_DCCP:
	case IP_PROTO_ESP:
	case IP_PROTO_SCTP:
	case IP_PROTO_UDPLITE:
		return 0;
	case IP_PROTO_AH:
		return 4;
	default:
		return -1;
	}
}

/* key_of: the key of a packet. Return: false if it is too short for one. */
static bool key_of(const struct hashlimit_conf *c, const struct pkt *p, struct key *k)
{
	uint16_t ports[2] = { 0, 0 };
	int at;

	memset(k, 0, sizeof *k);
	if (c->mode & MODE_SRC)
		k->src = ip4_hdr(p)->src & ip4_mask(c->src_plen);
	if (c->mode & MODE_DST)
		k->dst = ip4_hdr(p)->dst & ip4_mask(c->dst_plen);
	if (!(c->mode & (MODE_SPORT | MODE_DPORT)))
		return true;
	at = ports_at(p->hdr.proto);
	if (at >= 0) {
		const void *from = pkt_at(p, p->hdr.l4 + (uint32_t)at, sizeof ports);

		if (!from)
			return false;
		memcpy(ports, from, sizeof ports);
	}
	k->sport = c->mode & MODE_SPORT ? ports[0] : 0;
	k->dport = c->mode & MODE_DPORT ? ports[1] : 0;
	return true;
}

/* touch: the entry of a key, its state brought up to @now. Return: NULL if there is no room for a new one. */
static struct entry *touch(struct hashlimit_table *h, const struct key *k, uint64_t now)
{
	struct entry *e = entry_find(h, k);

	if (e) {
		rate_grow(e, h->conf.mode, now);
		age_take(h, e);
		age_append(h, e);
	} else {
		e = entry_add(h, k);
		if (!e)
			return NULL;
		rate_init(e, &h->conf, now);
	}
	e->expires = now + jiffies_of_ms(h->conf.expire);
	return e;
}

bool hashlimit_hit(struct tables *t, struct hashlimit_table *h, uint32_t mode, const struct pkt *p, bool *hotdrop)
{
	uint64_t now = tables_jiffies(t), cost;
	struct entry *e = NULL;
	struct key k;

	sweep(h, now);
	if (key_of(&h->conf, p, &k))
		e = touch(h, &k, now);
	if (!e) {
		*hotdrop = true;
		return false;
	}
	if (mode & MODE_RATE) {
		e->current_rate += mode & MODE_BYTES ? p->len : 1;
		return !e->prev_window && e->current_rate <= (uint64_t)e->burst;
	}
	cost = mode & MODE_BYTES ? byte_cost(e, p->len) : e->cost;
	if (e->credit < cost)
		return false;
	e->credit -= cost;
	return true;
}

/* --- the status tree ---------------------------------------------------------------------------------------------- */

void hashlimit_names(const struct tables *t, void (*fn)(void *ctx, const char *name), void *ctx)
{
	for (struct shared *s = NULL; (s = shared_next(t, &kind, s));)
		fn(ctx, s->name);
}

int hashlimit_print(const struct tables *t, const char *name, struct text *out)
{
	struct hashlimit_table *h = (struct hashlimit_table *)shared_find(t, &kind, name);
	uint64_t now = tables_jiffies(t);

	if (!h)
		return -ENOENT;
	sweep(h, now);
	for (uint32_t at = h->oldest; at; at = h->entry[at - 1].newer) {
		struct entry *e = &h->entry[at - 1];

		rate_grow(e, h->conf.mode, now);
		text_printf(out, "%lld ", (long long)((int64_t)(e->expires - now) / JIFFIES_PER_S));
		put_ip4(out, e->key.src);
		text_printf(out, ":%u->", __builtin_bswap16(e->key.sport));
		put_ip4(out, e->key.dst);
		text_printf(out, ":%u %llu %llu %llu\n", __builtin_bswap16(e->key.dport), (unsigned long long)e->credit,
			    (unsigned long long)e->cap, (unsigned long long)e->cost);
	}
	return 0;
}
