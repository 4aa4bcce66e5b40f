/* table.c - the hash table of connections.
 *
 * Overview
 *   Entries live in one arena and are linked by 32-bit node numbers: entry number * 2 + direction + 1, so that both
 *   directions of an entry hang in chains without a node of their own, and 0 ends a chain. A chain's number is the hash
 *   scaled to how many there are, CT_HEADS of them to a bucket.
 *   After a resize the old chains are moved one after the other, a bounded part at a time; until its chain was moved, an
 *   entry is looked for, put in and taken out there (ct_head_of).
 *   Walks do not follow chains: they go over the arena from its first place to the last that was ever used.
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

enum {
	HEADS_SMALL = 4 << 20,      /* bytes: fewer are not worth big pages */
	HEADS_UNMAPPED = 128 << 10, /* chains moved between two looks at what memory can be given back: whole pages */
};

/* heads_map: zeroed memory for so many chain heads, touched on first use. Return: false without memory. */
static bool heads_map(struct ct_heads *heads, uint32_t buckets)
{
	size_t bytes = (size_t)buckets * CT_HEADS * sizeof(uint32_t);
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (mem == MAP_FAILED)
		return false;
	if (bytes > HEADS_SMALL)
		madvise(mem, bytes, MADV_HUGEPAGE);
	*heads = (struct ct_heads){ mem, buckets * CT_HEADS };
	return true;
}

/* heads_unmap: gives them back from the @from-th on. */
static void heads_unmap(struct ct_heads *heads, uint32_t from)
{
	if (heads->head && from < heads->count)
		munmap(heads->head + from, (size_t)(heads->count - from) * sizeof(uint32_t));
	*heads = (struct ct_heads){ 0 };
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
	if (!heads_map(&t->heads, buckets_round(limits->buckets ? limits->buckets : 1)))
		return -ENOMEM;
	t->wanted = ct_table_buckets(t);
	ctk->conf.buckets = (int32_t)t->wanted;
	if (ct_arena_create(&t->entries, sizeof(struct ct_entry), CT_ENTRIES_CEILING, capacity) ||
	    ct_arena_create(&t->help, sizeof(struct ct_help), CT_ENTRIES_CEILING, capacity) ||
	    ct_arena_create(&t->extra, sizeof(struct ct_extra), CT_ENTRIES_CEILING, capacity))
		return -ENOMEM;
	ctk->entries = (struct ct_entry *)(void *)t->entries.base;
	return 0;
}

void ct_table_destroy(struct conntrack *ctk)
{
	struct ct_table *t = ctk->table;

	if (!t)
		return;
	ct_arena_destroy(&t->entries);
	ct_arena_destroy(&t->help);
	ct_arena_destroy(&t->extra);
	heads_unmap(&t->heads, 0);
	heads_unmap(&t->old, t->moved / HEADS_UNMAPPED * HEADS_UNMAPPED);
	free(t);
	ctk->table = NULL;
}

int ct_table_set_max(struct conntrack *ctk)
{
	struct ct_table *t = ctk->table;
	uint32_t capacity = capacity_for(ctk->conf.max);

	/* The entries last: each must find its parts. */
	if (ct_arena_grow(&t->help, capacity) || ct_arena_grow(&t->extra, capacity) ||
	    ct_arena_grow(&t->entries, capacity))
		return -ENOMEM;
	return 0;
}

int ct_table_resize(struct conntrack *ctk, uint32_t buckets)
{
	struct ct_table *t = ctk->table;
	struct ct_heads fresh;

	buckets = buckets_round(buckets);
	t->wanted = buckets;
	if (buckets == ct_table_buckets(t) || t->old.head)
		return 0; /* the end of the resize that goes on begins the next */
	if (!heads_map(&fresh, buckets))
		return -ENOMEM;
	t->old = t->heads;
	t->moved = 0;
	t->heads = fresh;
	ct_resize_step(ctk);
	return 0;
}

/* move_chain: moves one old chain to where its entries belong now. Return: how many there were. */
static unsigned move_chain(struct conntrack *ctk, uint32_t number)
{
	struct ct_table *t = ctk->table;
	unsigned count = 0;

	for (uint32_t node = t->old.head[number]; node; count++) {
		enum ct_dir dir;
		struct ct_entry *ct = ct_node_entry(t, node, &dir);

		node = ct->next[dir];
		ct_table_link(ctk, ct, dir, ct_hash(ctk, &ct->tuple[dir]));
	}
	return count;
}

void ct_resize_step(struct conntrack *ctk)
{
	struct ct_table *t = ctk->table;

	if (!t->old.head && ct_table_moves(t) && ct_table_resize(ctk, t->wanted))
		t->wanted = ct_table_buckets(t); /* no memory: it stays as it is */
	/* An empty chain costs an eighth of an entry. */
	for (unsigned left = CT_RESIZE_BUDGET * 8; t->old.head && left;) {
		uint32_t number = t->moved++; /* first: ct_table_link puts its entries into the new chains */
		unsigned cost = move_chain(ctk, number) * 8 + 1;

		left -= cost < left ? cost : left;
		if (t->moved == t->old.count)
			heads_unmap(&t->old, number / HEADS_UNMAPPED * HEADS_UNMAPPED);
		else if (t->moved % HEADS_UNMAPPED == 0)
			munmap(t->old.head + t->moved - HEADS_UNMAPPED, HEADS_UNMAPPED * sizeof(uint32_t));
	}
}

uint32_t ct_hash_words(const struct conntrack *ctk, const uint64_t words[2])
{
	uint64_t key[2];

	memcpy(key, ctk->hash_key, sizeof key);
	return (uint32_t)(siphash_words(key, words, 2) >> 32);
}

uint32_t ct_hash(const struct conntrack *ctk, const struct ct_tuple *t)
{
	uint64_t key[2], word[5];

	if (t->family == FAMILY_IP4) {
		ct_flow_words(t, word);
		return ct_hash_words(ctk, word);
	}
	memcpy(key, ctk->hash_key, sizeof key);
	memcpy(word, t, sizeof word);
	return (uint32_t)(siphash_words(key, word, 5) >> 32);
}

uint32_t ct_table_hash(const struct conntrack *ctk, const struct ct_tuple *t)
{
	return ct_tuple_equal(&ctk->table->asked, t) ? ctk->table->asked_hash : ct_hash(ctk, t);
}

struct ct_entry *ct_table_find(struct conntrack *ctk, const struct ct_tuple *tuple, uint32_t hash, unsigned find,
			       enum ct_dir *dir_out)
{
	struct ct_table *t = ctk->table;

	for (uint32_t node = *ct_head_of(t, hash); node;) {
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
	uint32_t *head = ct_head_of(t, hash);

	ct->next[dir] = *head;
	*head = ct_arena_number(&t->entries, ct) * 2 + dir + 1;
}

/* unlink_dir: takes one direction out of its chain; nothing happens if it is not there. */
static void unlink_dir(struct conntrack *ctk, struct ct_entry *ct, enum ct_dir dir)
{
	struct ct_table *t = ctk->table;
	uint32_t self = ct_arena_number(&t->entries, ct) * 2 + dir + 1;
	uint32_t *link = ct_head_of(t, ct_hash(ctk, &ct->tuple[dir]));

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
	for (uint32_t node = *ct_head_of(t, hash); node; length++) {
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
		t.zone = ignore->tuple[CT_REPLY].zone;
		find = ct_find_for(ignore, CT_REPLY);
	}
	ctk->table->asked = t;
	ctk->table->asked_hash = ct_hash(ctk, &t);
	ct = ct_table_find(ctk, &t, ctk->table->asked_hash, find, &dir);
	if (!ct || ct == ignore)
		return false;
	if (ignore && ct_tuple_equal(&ignore->tuple[CT_ORIGINAL], &ct->tuple[CT_ORIGINAL]))
		return false;
	ctk->stats.found++;
	return true;
}

/* visit: what a walk does with the place @number: calls @fn with the live entry there, held meanwhile. */
static void visit(struct conntrack *ctk, uint32_t number, void (*fn)(void *ctx, struct ct_entry *ct), void *ctx)
{
	struct ct_entry *ct = ct_at(ctk, number);

	if ((ct->status & (CT_ST_CONFIRMED | CT_ST_DYING)) != CT_ST_CONFIRMED)
		return;
	if (ct_is_expired(ctk, ct)) {
		ct_kill(ctk, ct);
		return;
	}
	ct_hold(ct);
	fn(ctx, ct);
	ct_release(ctk, ct);
}

/* What ct_each hands to its visits. */
struct each {
	void (*fn)(void *ctx, struct ct_entry *ct);
	void *ctx;
};

/* each_one: an entry of a walk. Those that only answers find (NAT_CLASH) are not shown: Linux walks the original direction. */
static void each_one(void *ctx, struct ct_entry *ct)
{
	const struct each *e = ctx;

	if (!(ct->status & CT_ST_NAT_CLASH))
		e->fn(e->ctx, ct);
}

/* walk: visits the next @count places. Return: false at the end. */
static bool walk(struct conntrack *ctk, struct ct_cursor *cursor, uint32_t count,
		 void (*fn)(void *ctx, struct ct_entry *ct), void *ctx)
{
	const struct ct_arena *a = &ctk->table->entries;

	for (; count && cursor->number < a->fresh; count--)
		visit(ctk, cursor->number++, fn, ctx);
	return cursor->number < a->fresh;
}

bool ct_each(struct conntrack *ctk, struct ct_cursor *cursor, void (*fn)(void *ctx, struct ct_entry *ct), void *ctx)
{
	struct each e = { fn, ctx };

	return walk(ctk, cursor, CT_EACH_STEP, each_one, &e);
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

	while (walk(ctk, &cursor, UINT32_MAX, flush_one, &f))
		;
	return f.killed;
}

/* What a sweep hands to its walk. */
struct sweeping {
	struct conntrack *ctk;
	const struct ct_sweep *sweep;
};

/* sweep_one: kills an entry that a sweep is after. */
static void sweep_one(void *ctx, struct ct_entry *ct)
{
	const struct sweeping *s = ctx;

	if (s->sweep->match(s->sweep, ct))
		ct_kill(s->ctk, ct);
}

/* sweep_part: the next @count places of the first sweep; at its end it is taken away. */
static void sweep_part(struct conntrack *ctk, uint32_t count)
{
	struct ct_table *t = ctk->table;
	struct sweeping s = { ctk, &t->sweep[0] };

	if (!walk(ctk, &t->sweep[0].cursor, count, sweep_one, &s))
		memmove(&t->sweep[0], &t->sweep[1], --t->sweeps * sizeof t->sweep[0]);
}

void ct_sweep(struct conntrack *ctk, const struct ct_sweep *sweep)
{
	struct ct_table *t = ctk->table;

	if (t->sweeps == CT_SWEEPS_MAX) /* more ports and addresses went in one moment than anybody has */
		sweep_part(ctk, UINT32_MAX);
	t->sweep[t->sweeps] = *sweep;
	t->sweep[t->sweeps++].cursor = (struct ct_cursor){ 0 };
	if (t->sweeps == 1)
		sweep_part(ctk, CT_SWEEP_BUDGET);
}

void ct_sweep_step(struct conntrack *ctk)
{
	if (ctk->table->sweeps)
		sweep_part(ctk, CT_SWEEP_BUDGET);
}
