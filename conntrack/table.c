/* table.c - the hash table of connections.
 *
 * Overview
 *   Entries live in one arena and are linked by 32-bit node numbers: entry number * 2 + direction + 1, so that both
 *   directions of an entry hang in chains without a node of their own, and 0 ends a chain. The bucket is the hash
 *   scaled to the number of buckets: a walk in bucket order is a walk in hash order whatever their number is.
 *
 * Invariants
 *   1. A confirmed entry is in two chains (one with NAT_CLASH: the reply direction only).
 *   2. A tuple with its zone is in the table once.
 *
 * Linux parity: nf_conntrack_core.c; the key is random per instance, expired entries are reaped by who meets them.
 */
#include "conntrack/conntrack_int.h"
#include "conntrack/siphash.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* buckets_map: zeroed memory for so many chain heads, touched on first use. NULL without memory. */
static uint32_t *buckets_map(uint32_t buckets)
{
	void *mem = mmap(NULL, (size_t)buckets * sizeof(uint32_t), PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

/* buckets_unmap: gives them back. */
static void buckets_unmap(uint32_t *bucket, uint32_t buckets)
{
	if (bucket)
		munmap(bucket, (size_t)buckets * sizeof(uint32_t));
}

/* buckets_round: the number Linux would use: full pages of list heads. */
static uint32_t buckets_round(uint32_t buckets)
{
	if (buckets > CT_BUCKETS_CEILING)
		buckets = CT_BUCKETS_CEILING;
	return (buckets + CT_BUCKETS_STEP - 1) / CT_BUCKETS_STEP * CT_BUCKETS_STEP;
}

/* capacity_for: elements the arenas must hold for a limit; 0 means no limit but the ceiling. */
static uint32_t capacity_for(int32_t max)
{
	if (max <= 0 || (uint32_t)max > CT_ENTRIES_CEILING - CT_ENTRIES_SLACK)
		return CT_ENTRIES_CEILING;
	return (uint32_t)max + CT_ENTRIES_SLACK;
}

int ct_table_create(struct conntrack *ctk, const struct ct_limits *limits)
{
	struct ct_table *t = calloc(1, sizeof *t);
	uint32_t capacity = capacity_for((int32_t)limits->max);

	if (!t)
		return -ENOMEM;
	ctk->table = t;
	t->wheel.now = ctk->ns->now >> CT_TICK_SHIFT;
	t->buckets = buckets_round(limits->buckets ? limits->buckets : 1);
	t->bucket = buckets_map(t->buckets);
	ctk->conf.buckets = (int32_t)t->buckets;
	if (!t->bucket || ct_arena_create(&t->entries, sizeof(struct ct_entry), CT_ENTRIES_CEILING, capacity) ||
	    ct_arena_create(&t->nat, sizeof(struct ct_nat), CT_ENTRIES_CEILING, capacity) ||
	    ct_arena_create(&t->help, sizeof(struct ct_help), CT_ENTRIES_CEILING, capacity) ||
	    ct_arena_create(&t->extra, sizeof(struct ct_extra), CT_ENTRIES_CEILING, capacity))
		return -ENOMEM;
	return 0;
}

void ct_table_destroy(struct conntrack *ctk)
{
	struct ct_table *t = ctk->table;

	if (!t)
		return;
	ct_arena_destroy(&t->entries);
	ct_arena_destroy(&t->nat);
	ct_arena_destroy(&t->help);
	ct_arena_destroy(&t->extra);
	buckets_unmap(t->bucket, t->buckets);
	free(t);
	ctk->table = NULL;
}

int ct_table_set_max(struct conntrack *ctk)
{
	struct ct_table *t = ctk->table;
	uint32_t capacity = capacity_for(ctk->conf.max);

	if (ct_arena_grow(&t->entries, capacity) || ct_arena_grow(&t->nat, capacity) ||
	    ct_arena_grow(&t->help, capacity) || ct_arena_grow(&t->extra, capacity))
		return -ENOMEM;
	return 0;
}

int ct_table_resize(struct conntrack *ctk, uint32_t buckets)
{
	struct ct_table *t = ctk->table;
	uint32_t *old = t->bucket, old_buckets = t->buckets;
	uint32_t *fresh;

	buckets = buckets_round(buckets);
	if (buckets == old_buckets)
		return 0;
	fresh = buckets_map(buckets);
	if (!fresh)
		return -ENOMEM;
	t->bucket = fresh;
	t->buckets = buckets;
	t->gc_bucket = 0;
	for (uint32_t b = 0; b < old_buckets; b++) {
		for (uint32_t node = old[b]; node;) {
			enum ct_dir dir;
			struct ct_entry *ct = ct_node_entry(t, node, &dir);

			node = ct->next[dir];
			ct_table_link(ctk, ct, dir, ct_hash(ctk, &ct->tuple[dir]));
		}
	}
	buckets_unmap(old, old_buckets);
	return 0;
}

uint32_t ct_hash(const struct conntrack *ctk, const struct ct_tuple *t)
{
	uint64_t key[2], word[5];

	memcpy(key, ctk->hash_key, sizeof key);
	memcpy(word, t, sizeof word);
	if (t->family != FAMILY_IP4)
		return (uint32_t)(siphash_words(key, word, 5) >> 32);
	/* Two words say it all: the addresses, and the keys with family, protocol and zone. */
	word[0] = (uint64_t)t->src.word[0] << 32 | t->dst.word[0];
	word[1] = word[4];
	return (uint32_t)(siphash_words(key, word, 2) >> 32);
}

struct ct_entry *ct_table_find(struct conntrack *ctk, const struct ct_tuple *tuple, uint32_t hash, unsigned find,
			       enum ct_dir *dir_out)
{
	struct ct_table *t = ctk->table;

	for (uint32_t node = t->bucket[ct_bucket_of(t, hash)]; node;) {
		enum ct_dir dir;
		struct ct_entry *ct = ct_node_entry(t, node, &dir);

		node = ct->next[dir];
		if (!ct_tuple_equal(&ct->tuple[dir], tuple) || !(find & 1u << dir))
			continue;
		if (ct_is_expired(ctk, ct)) {
			ct_kill(ctk, ct);
			return NULL;
		}
		*dir_out = dir;
		return ct;
	}
	return NULL;
}

void ct_table_link(struct conntrack *ctk, struct ct_entry *ct, enum ct_dir dir, uint32_t hash)
{
	struct ct_table *t = ctk->table;
	uint32_t *head = &t->bucket[ct_bucket_of(t, hash)];

	ct->next[dir] = *head;
	*head = ct_arena_number(&t->entries, ct) * 2 + dir + 1;
}

/* unlink_dir: takes one direction out of its chain; nothing happens if it is not there. */
static void unlink_dir(struct conntrack *ctk, struct ct_entry *ct, enum ct_dir dir)
{
	struct ct_table *t = ctk->table;
	uint32_t self = ct_arena_number(&t->entries, ct) * 2 + dir + 1;
	uint32_t *link = &t->bucket[ct_bucket_of(t, ct_hash(ctk, &ct->tuple[dir]))];

	while (*link && *link != self) {
		enum ct_dir other;
		struct ct_entry *in_front = ct_node_entry(t, *link, &other);

		link = &in_front->next[other];
	}
	if (*link)
		*link = ct->next[dir];
}

void ct_table_unlink(struct conntrack *ctk, struct ct_entry *ct)
{
	unlink_dir(ctk, ct, CT_ORIGINAL);
	unlink_dir(ctk, ct, CT_REPLY);
}

uint32_t ct_table_chain(struct conntrack *ctk, const struct ct_tuple *tuple, uint32_t hash, unsigned find,
			struct ct_entry **clash)
{
	struct ct_table *t = ctk->table;
	uint32_t length = 0;

	*clash = NULL;
	for (uint32_t node = t->bucket[ct_bucket_of(t, hash)]; node; length++) {
		enum ct_dir dir;
		struct ct_entry *ct = ct_node_entry(t, node, &dir);

		node = ct->next[dir];
		if (!ct_tuple_equal(&ct->tuple[dir], tuple) || !(find & 1u << dir))
			continue;
		if (ct_is_expired(ctk, ct)) {
			ct_kill(ctk, ct);
			return length;
		}
		*clash = ct;
		break;
	}
	return length;
}

struct ct_entry *ct_lookup(struct conntrack *ctk, const struct ct_tuple *t, enum ct_dir *dir)
{
	enum ct_dir found;
	struct ct_entry *ct = ct_table_find(ctk, t, ct_hash(ctk, t), CT_FIND_ANY, &found);

	if (ct && dir)
		*dir = found;
	return ct;
}

struct ct_entry *ct_lookup_zone(struct conntrack *ctk, struct ct_tuple *t, uint16_t zone, uint8_t zone_dir,
				enum ct_dir *dir, uint32_t *hash)
{
	uint16_t orig = ct_zone_of(zone, zone_dir, CT_ORIGINAL), reply = ct_zone_of(zone, zone_dir, CT_REPLY);
	struct ct_entry *ct;

	t->zone = orig;
	*hash = ct_hash(ctk, t);
	ct = ct_table_find(ctk, t, *hash, orig == reply ? CT_FIND_ANY : CT_FIND_ORIGINAL, dir);
	if (ct || orig == reply)
		return ct;
	t->zone = reply;
	ct = ct_table_find(ctk, t, ct_hash(ctk, t), CT_FIND_REPLY, dir);
	if (!ct)
		t->zone = orig;
	return ct;
}

bool ct_tuple_taken(struct conntrack *ctk, const struct ct_tuple *tuple, const struct ct_entry *ignore)
{
	struct ct_tuple t = *tuple;
	unsigned find = CT_FIND_ANY;
	enum ct_dir dir;
	struct ct_entry *ct;

	if (ignore) {
		t.zone = ct_zone_of(ignore->zone, ignore->zone_dir, CT_REPLY);
		find = ct_find_for(ignore, CT_REPLY);
	}
	ct = ct_table_find(ctk, &t, ct_hash(ctk, &t), find, &dir);
	if (!ct || ct == ignore)
		return false;
	if (ignore && ct_tuple_equal(&ignore->tuple[CT_ORIGINAL], &ct->tuple[CT_ORIGINAL]))
		return false;
	ctk->stats.found++;
	return true;
}

/* Entries of one bucket seen by a walk: chains are bounded at confirm, resizing can make them a little longer. */
enum { WALK_BATCH = 64 };

/* walk_bucket: calls @fn for the live entries whose direction @wanted hangs in a bucket, from the *@skip-th on, at most
 * WALK_BATCH of them. Each is held while @fn runs, so @fn may kill any. *@skip moves on by those that still hang there.
 * Return: how many there were. */
static uint32_t walk_bucket(struct conntrack *ctk, uint32_t bucket, uint32_t *skip, enum ct_dir wanted,
			    void (*fn)(void *ctx, struct ct_entry *ct), void *ctx)
{
	struct ct_table *t = ctk->table;
	struct ct_entry *batch[WALK_BATCH];
	uint32_t n = 0, before = *skip;

	for (uint32_t node = t->bucket[bucket]; node && n < WALK_BATCH;) {
		enum ct_dir dir;
		struct ct_entry *ct = ct_node_entry(t, node, &dir);

		node = ct->next[dir];
		if (dir != wanted)
			continue;
		if (before) {
			before--;
			continue;
		}
		ct_hold(ct);
		batch[n++] = ct;
	}
	for (uint32_t i = 0; i < n; i++) {
		if (!ct_is_dying(batch[i]) && ct_is_expired(ctk, batch[i]))
			ct_kill(ctk, batch[i]);
		else if (!ct_is_dying(batch[i]))
			fn(ctx, batch[i]);
	}
	for (uint32_t i = 0; i < n; i++) {
		*skip += !ct_is_dying(batch[i]);
		ct_release(ctk, batch[i]);
	}
	return n;
}

/* each_dir: ct_each over the entries as their direction @wanted hangs in the table. */
static bool each_dir(struct conntrack *ctk, struct ct_cursor *cursor, enum ct_dir wanted,
		     void (*fn)(void *ctx, struct ct_entry *ct), void *ctx)
{
	struct ct_table *t = ctk->table;
	uint32_t n, skip = 0;

	/* cursor->generation is the number of buckets at the last step: after a resize the walk goes on at the same hash. */
	if (cursor->generation && cursor->generation != t->buckets)
		cursor->bucket = (uint32_t)((uint64_t)cursor->bucket * t->buckets / cursor->generation);
	cursor->generation = t->buckets;
	while (cursor->bucket < t->buckets && !t->bucket[cursor->bucket])
		cursor->bucket++;
	if (cursor->bucket >= t->buckets)
		return false;
	do
		n = walk_bucket(ctk, cursor->bucket, &skip, wanted, fn, ctx);
	while (n == WALK_BATCH);
	return ++cursor->bucket < t->buckets;
}

bool ct_each(struct conntrack *ctk, struct ct_cursor *cursor, void (*fn)(void *ctx, struct ct_entry *ct), void *ctx)
{
	return each_dir(ctk, cursor, CT_ORIGINAL, fn, ctx);
}

/* What ct_flush hands to its walk. */
struct flush {
	struct conntrack *ctk;
	bool (*match)(void *ctx, const struct ct_entry *ct);
	void *ctx;
	uint32_t killed;
};

/* flush_one: kills an entry if the caller wants it. */
static void flush_one(void *ctx, struct ct_entry *ct)
{
	struct flush *f = ctx;

	if (!f->match || f->match(f->ctx, ct))
		f->killed += ct_kill(f->ctk, ct);
}

uint32_t ct_flush(struct conntrack *ctk, bool (*match)(void *ctx, const struct ct_entry *ct), void *ctx)
{
	struct flush f = { ctk, match, ctx, 0 };
	struct ct_cursor cursor = { 0 };

	/* By the reply, the one direction that all have: NAT_CLASH entries hang in no other (get_next_corpse). */
	while (each_dir(ctk, &cursor, CT_REPLY, flush_one, &f))
		;
	return f.killed;
}
