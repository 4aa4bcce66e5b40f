/* expect.c - connections that helpers announce before they come.
 *
 * Overview
 *   An expectation is found by protocol, destination address and port exactly, and by source under a mask. It lives until
 *   it is fulfilled (unless PERMANENT), its time is over, or its master dies. Kept in a hash by destination, in a list
 *   of its master (newest first), and in a heap by expiry.
 *
 * Invariants
 *   1. An expectation in the table is in all three; expecting[class] of the master counts it.
 *   2. count <= nf_conntrack_expect_max; heap[x->timer_slot] == x.
 *
 * Ownership: the caller's between ct_expect_alloc and ct_expect_insert or _discard; the table's afterwards.
 *
 * Linux parity: nf_conntrack_expect.c.
 */
#include "conntrack/conntrack_int.h"
#include "conntrack/siphash.h"

#include <errno.h>
#include <stdlib.h>

enum { EXPECT_BUCKETS = 1024, EXPECT_SLACK = 64 };

struct ct_expect_table {
	struct ct_arena pool;
	struct ct_expect **heap; /* by expires, soonest first */
	uint32_t heap_size;
	uint32_t count;
	struct ct_expect *bucket[EXPECT_BUCKETS];
};

/* heap_room: a heap for so many. Return: 0 or -ENOMEM. */
static int heap_room(struct ct_expect_table *t, uint32_t size)
{
	struct ct_expect **heap;

	if (size <= t->heap_size)
		return 0;
	heap = realloc(t->heap, size * sizeof(struct ct_expect *));
	if (!heap)
		return -ENOMEM;
	t->heap = heap;
	t->heap_size = size;
	return 0;
}

int ct_expects_create(struct conntrack *ctk, uint32_t max)
{
	struct ct_expect_table *t = calloc(1, sizeof *t);

	if (!t)
		return -ENOMEM;
	ctk->expects = t;
	if (heap_room(t, max + 1))
		return -ENOMEM;
	return ct_arena_create(&t->pool, sizeof(struct ct_expect), CT_EXPECT_CEILING, max + EXPECT_SLACK);
}

int ct_expects_set_max(struct conntrack *ctk)
{
	uint32_t max = (uint32_t)ctk->conf.expect_max;

	if (heap_room(ctk->expects, max + 1))
		return -ENOMEM;
	return ct_arena_grow(&ctk->expects->pool, max + EXPECT_SLACK);
}

void ct_expects_destroy(struct conntrack *ctk)
{
	if (!ctk->expects)
		return;
	ct_arena_destroy(&ctk->expects->pool);
	free(ctk->expects->heap);
	free(ctk->expects);
	ctk->expects = NULL;
}

/* heap_set: puts an expectation at a place of the heap. */
static void heap_set(struct ct_expect_table *t, uint32_t at, struct ct_expect *x)
{
	t->heap[at] = x;
	x->timer_slot = at;
}

/* heap_fix: moves what is at @at up or down to its right place. */
static void heap_fix(struct ct_expect_table *t, uint32_t at)
{
	struct ct_expect *x = t->heap[at];

	while (at && t->heap[(at - 1) / 2]->expires > x->expires) {
		heap_set(t, at, t->heap[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	for (;;) {
		uint32_t child = at * 2 + 1;

		if (child + 1 < t->count && t->heap[child + 1]->expires < t->heap[child]->expires)
			child++;
		if (child >= t->count || t->heap[child]->expires >= x->expires)
			break;
		heap_set(t, at, t->heap[child]);
		at = child;
	}
	heap_set(t, at, x);
}

/* bucket_of: by what must match exactly: destination and protocol. */
static uint32_t bucket_of(const struct conntrack *ctk, const struct ct_tuple *t)
{
	uint64_t key[2], word[3];

	memcpy(key, ctk->hash_key, sizeof key);
	memcpy(word, &t->dst, sizeof t->dst);
	word[2] = (uint64_t)t->proto << 32 | (uint64_t)t->family << 16 | t->dst_key;
	return (uint32_t)siphash_words(key, word, 3) % EXPECT_BUCKETS;
}

/* report: tells the listener. */
static void report(struct conntrack *ctk, struct ct_expect *x, uint32_t event)
{
	uint32_t mask = x->master->extra ? x->master->extra->expect_event_mask : 0;

	if (!x->master->silent && ctk->notify.expect_event && (!mask || mask & event))
		ctk->notify.expect_event(ctk->notify.ctx, x, event);
}

struct ct_expect *ct_expect_alloc(struct conntrack *ctk, struct ct_entry *master)
{
	struct ct_expect *x = ct_arena_get(&ctk->expects->pool);

	if (x)
		x->master = master;
	return x;
}

void ct_expect_discard(struct conntrack *ctk, struct ct_expect *x)
{
	ct_arena_put(&ctk->expects->pool, x);
}

void ct_expect_init(struct ct_expect *x, uint8_t class, uint8_t family, const struct addr *src, const struct addr *dst,
		    uint8_t proto, const uint16_t *src_key, uint16_t dst_key)
{
	x->class = class;
	x->flags = 0;
	x->helper = NULL;
	x->on_child = NULL;
	x->tuple = (struct ct_tuple){ .dst = *dst, .dst_key = dst_key, .family = family, .proto = proto };
	x->mask_src = (struct addr){ 0 };
	x->mask_src_key = 0;
	if (src) {
		x->tuple.src = *src;
		memset(&x->mask_src, 0xff, family == FAMILY_IP6 ? 16 : 4);
	}
	if (src_key) {
		x->tuple.src_key = *src_key;
		x->mask_src_key = 0xffff;
	}
}

/* differs: whether two sources differ within a mask. */
static bool differs(const struct ct_tuple *a, const struct ct_tuple *b, const struct addr *mask, uint16_t mask_key)
{
	for (int i = 0; i < 4; i++)
		if ((a->src.word[i] ^ b->src.word[i]) & mask->word[i])
			return true;
	return (a->src_key ^ b->src_key) & mask_key;
}

/* same_target: what must agree exactly. */
static bool same_target(const struct ct_tuple *a, const struct ct_tuple *b)
{
	return a->family == b->family && a->proto == b->proto && a->dst_key == b->dst_key &&
	       addr_equal(&a->dst, &b->dst);
}

/* fits: whether a new connection with @t in @zone is what @x waits for. */
static bool fits(const struct ct_expect *x, const struct ct_tuple *t, uint16_t zone)
{
	return !(x->flags & CT_EXPECT_INACTIVE) && ct_zone(x->master) == zone && same_target(&x->tuple, t) &&
	       !differs(&x->tuple, t, &x->mask_src, x->mask_src_key);
}

/* find: the newest one that fits and has not expired. */
static struct ct_expect *find(struct conntrack *ctk, const struct ct_tuple *t, uint16_t zone)
{
	for (struct ct_expect *x = ctk->expects->bucket[bucket_of(ctk, t)]; x; x = x->hash_next)
		if (fits(x, t, zone) && x->expires > ctk->ns->now)
			return x;
	return NULL;
}

struct ct_expect *ct_expect_find(struct conntrack *ctk, const struct ct_tuple *t)
{
	return find(ctk, t, t->zone);
}

/* unlink_from: takes @x out of a singly linked list through the given link field. */
#define UNLINK(head, x, field) \
	do { \
		struct ct_expect **link_ = (head); \
		while (*link_ != (x)) \
			link_ = &(*link_)->field; \
		*link_ = (x)->field; \
	} while (0)

/* take_out: out of the table, with its event; not freed. */
static void take_out(struct conntrack *ctk, struct ct_expect *x)
{
	struct ct_expect_table *t = ctk->expects;
	struct ct_help *help = ct_help(x->master);
	uint32_t at = x->timer_slot;

	UNLINK(&t->bucket[bucket_of(ctk, &x->tuple)], x, hash_next);
	UNLINK(&help->expects, x, master_next);
	help->expecting[x->class]--;
	if (at < --t->count) {
		heap_set(t, at, t->heap[t->count]);
		heap_fix(t, at);
	}
	ctk->stats.expect_delete++;
	report(ctk, x, CT_EV_DESTROY);
}

void ct_expect_remove(struct conntrack *ctk, struct ct_expect *x)
{
	take_out(ctk, x);
	ct_expect_discard(ctk, x);
}

struct ct_expect *ct_expect_take(struct conntrack *ctk, const struct ct_tuple *t, uint16_t zone, bool *gone)
{
	struct ct_expect *x = find(ctk, t, zone);

	*gone = false;
	if (!x || !ct_is_confirmed(x->master) || ct_is_dying(x->master))
		return NULL;
	if (!(x->flags & CT_EXPECT_PERMANENT)) {
		take_out(ctk, x);
		*gone = true;
	}
	return x;
}

void ct_expects_remove_of(struct conntrack *ctk, struct ct_entry *master)
{
	while (ct_help(master) && ct_help(master)->expects)
		ct_expect_remove(ctk, ct_help(master)->expects);
}

/* identical: the same in every respect that counts. */
static bool identical(const struct ct_expect *a, const struct ct_expect *b)
{
	return a->master == b->master && ct_tuple_equal(&a->tuple, &b->tuple) &&
	       addr_equal(&a->mask_src, &b->mask_src) && a->mask_src_key == b->mask_src_key;
}

/* overlaps: whether one connection could fit both. */
static bool overlaps(const struct ct_expect *a, const struct ct_expect *b)
{
	struct addr mask;

	for (int i = 0; i < 4; i++)
		mask.word[i] = a->mask_src.word[i] & b->mask_src.word[i];
	return ct_zone(a->master) == ct_zone(b->master) && same_target(&a->tuple, &b->tuple) &&
	       !differs(&a->tuple, &b->tuple, &mask, a->mask_src_key & b->mask_src_key);
}

/* clash: what stands in the way of @x: removes an identical one. Return: 0, -EBUSY, or -EALREADY (its twin belongs to
 * another class). */
static int clash(struct conntrack *ctk, struct ct_expect *x)
{
	struct ct_expect *next;

	for (struct ct_expect *i = ctk->expects->bucket[bucket_of(ctk, &x->tuple)]; i; i = next) {
		next = i->hash_next;
		if (identical(i, x)) {
			if (i->class != x->class)
				return -EALREADY;
			ct_expect_remove(ctk, i);
			return 0;
		}
		if (overlaps(i, x))
			return -EBUSY;
	}
	return 0;
}

/* evict_oldest: removes the oldest expectation of a class of a master. */
static void evict_oldest(struct conntrack *ctk, struct ct_help *help, uint8_t class)
{
	struct ct_expect *last = NULL;

	for (struct ct_expect *i = help->expects; i; i = i->master_next)
		if (i->class == class)
			last = i;
	if (last)
		ct_expect_remove(ctk, last);
}

int ct_expect_check(struct conntrack *ctk, struct ct_expect *x)
{
	struct ct_help *help = ct_help(x->master);
	uint8_t max;
	int r;

	if (!help || x->class >= CT_HELPER_CLASSES)
		return -ESHUTDOWN;
	r = clash(ctk, x);
	if (r)
		return r;
	max = help->helper ? help->helper->policy[x->class].max_expected : 0;
	if (max && help->expecting[x->class] >= max) {
		evict_oldest(ctk, help, x->class);
		if (help->expecting[x->class] >= max)
			return -EMFILE;
	}
	if (ctk->expects->count < (uint32_t)ctk->conf.expect_max)
		return 0;
	if (ratelimit_ok(&ctk->expect_log, ctk->ns->now))
		netstack_log(ctk->ns, LOG_LEVEL_WARNING, "nf_conntrack: nf_conntrack: expectation table full");
	return -ENFILE;
}

int ct_expect_insert(struct conntrack *ctk, struct ct_expect *x)
{
	struct ct_expect_table *t = ctk->expects;
	struct ct_help *help = ct_help(x->master);
	struct ct_expect **bucket;
	int r = ct_expect_check(ctk, x);

	if (r)
		return r;
	x->expires = ctk->ns->now;
	if (help->helper)
		x->expires += help->helper->policy[x->class].timeout * NS_PER_SECOND;
	bucket = &t->bucket[bucket_of(ctk, &x->tuple)];
	x->hash_next = *bucket;
	*bucket = x;
	x->master_next = help->expects;
	help->expects = x;
	help->expecting[x->class]++;
	heap_set(t, t->count++, x);
	heap_fix(t, x->timer_slot);
	ctk->stats.expect_create++;
	report(ctk, x, CT_EV_NEW);
	return 0;
}

uint32_t ct_expect_count(const struct conntrack *ctk)
{
	return ctk->expects->count;
}

void ct_expect_each(struct conntrack *ctk, void (*fn)(void *ctx, struct ct_expect *x), void *ctx)
{
	for (unsigned b = 0; b < EXPECT_BUCKETS; b++)
		for (struct ct_expect *x = ctk->expects->bucket[b]; x; x = x->hash_next)
			fn(ctx, x);
}

void ct_expects_tick(struct conntrack *ctk)
{
	struct ct_expect_table *t = ctk->expects;

	while (t->count && t->heap[0]->expires <= ctk->ns->now)
		ct_expect_remove(ctk, t->heap[0]);
}

uint64_t ct_expects_deadline(const struct conntrack *ctk)
{
	return ctk->expects->count ? ctk->expects->heap[0]->expires : UINT64_MAX;
}
