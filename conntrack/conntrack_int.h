/* conntrack_int.h - what the files of conntrack/ share with each other. */
#ifndef CONNTRACK_CONNTRACK_INT_H
#define CONNTRACK_CONNTRACK_INT_H

#include "conntrack/arena.h"
#include "conntrack/conntrack.h"
#include "conntrack/helper.h"
#include "conntrack/proto.h"
#include "conntrack/timer.h"
#include "netstack/netstack.h"

#define NS_PER_SECOND 1000000000ull

enum {
	CT_ENTRIES_CEILING = 1 << 26, /* address space kept for entries; the highest nf_conntrack_max */
	CT_ENTRIES_SLACK = 1024,      /* templates, and dying entries that somebody still refers to */
	CT_EXPECT_CEILING = 1 << 20,
	CT_BUCKETS_CEILING = 1 << 27,
	CT_BUCKETS_STEP = 512, /* Linux rounds the bucket count up to a page of list heads */
	CACHE_LINE = 64,
	CT_HEADS = 2,          /* chains of a bucket: half as long as Linux's in the same memory */
	CT_SWEEPS_MAX = 64,    /* at once */
};

/* What one conntrack_tick does at most, so that packets do not wait long: places of the table looked at. A kill touches
 * entries anywhere in memory: about half a microsecond each where the table is big. */
enum { CT_SWEEP_BUDGET = 256, CT_GC_BUDGET = 256, CT_RESIZE_BUDGET = 512 };

/* The heads of the chains: node number of the first, 0 = empty. */
struct ct_heads {
	uint32_t *head;
	uint32_t count;
};

/* The table: entries, their rarely present parts, hash heads, the wheel. */
struct ct_table {
	struct ct_arena entries, help, extra;
	struct ct_heads heads, old; /* old: what is left of those before a resize; NULL: none */
	uint32_t moved;             /* chains of old that were moved to heads */
	uint32_t wanted;            /* buckets that there will be when all resizing has ended */
	struct ct_wheel wheel;
	struct ct_cursor gc; /* how far the emergency scan is */
	bool gc_running;
	struct ct_tuple asked; /* what ct_tuple_taken was asked for last: most likely what is confirmed next */
	uint32_t asked_hash;
	struct ct_sweep sweep[CT_SWEEPS_MAX];
	unsigned sweeps;
};

/* Rarely set parts of the hash key: which directions a lookup may find. */
enum { CT_FIND_ORIGINAL = 1, CT_FIND_REPLY = 2, CT_FIND_ANY = 3 };

/* --- table.c --- */

/* ct_table_create, ct_table_destroy: arenas, buckets and wheel of @ctk. Return: 0 or -ENOMEM. */
int ct_table_create(struct conntrack *ctk, const struct ct_limits *limits);
void ct_table_destroy(struct conntrack *ctk);

/* ct_table_set_max: makes room for conf.max entries. Return: 0 or -ENOMEM (old room stays). */
int ct_table_set_max(struct conntrack *ctk);

/* ct_table_resize: a new number of buckets, rounded up as Linux does. What is in the table moves part by part in
 * ct_resize_step; a resize that still goes on ends first. Return: 0, or -ENOMEM: the chains stay as they are, and the caller
 * takes back what was wanted. */
int ct_table_resize(struct conntrack *ctk, uint32_t buckets);

/* ct_resize_step: moves a bounded part of the old chains. */
void ct_resize_step(struct conntrack *ctk);

/* ct_table_buckets: their number. ct_table_moves: whether a resize goes on. */
static inline uint32_t ct_table_buckets(const struct ct_table *table) { return table->heads.count / CT_HEADS; }
static inline bool ct_table_moves(const struct ct_table *table)
{
	return table->old.head || table->wanted != ct_table_buckets(table);
}

/* ct_hash: keyed hash of a tuple with its zone. */
uint32_t ct_hash(const struct conntrack *ctk, const struct ct_tuple *t);

/* ct_hash_words: the hash of an IPv4 tuple by what ct_flow_words makes of it: two words say it all, the addresses, and the
 * keys with family, protocol and zone. */
uint32_t ct_hash_words(const struct conntrack *ctk, const uint64_t words[2]);
static inline void ct_flow_words(const struct ct_tuple *t, uint64_t words[2])
{
	words[0] = (uint64_t)t->src.word[0] << 32 | t->dst.word[0];
	memcpy(&words[1], &t->src_key, sizeof words[1]);
}
_Static_assert(sizeof(struct ct_tuple) - offsetof(struct ct_tuple, src_key) == 8, "the keys and the rest are one word");

/* ct_table_hash: the same, without computing it where the last ct_tuple_taken of this instance asked for that tuple. */
uint32_t ct_table_hash(const struct conntrack *ctk, const struct ct_tuple *t);

/* ct_table_find: the live entry with @t in one of the directions @find. Reaps it if it has expired. */
struct ct_entry *ct_table_find(struct conntrack *ctk, const struct ct_tuple *t, uint32_t hash, unsigned find,
			       enum ct_dir *dir);

/* ct_table_link: puts one direction of an entry at the head of its chain. */
void ct_table_link(struct conntrack *ctk, struct ct_entry *ct, enum ct_dir dir, uint32_t hash);

/* ct_table_unlink: takes both directions out of their chains (one that is not there is passed over). */
void ct_table_unlink(struct conntrack *ctk, struct ct_entry *ct);

/* ct_table_chain: length of the chain of @hash up to where it has @t in one of the directions @find: *clash gets that
 * entry (NULL: none). */
uint32_t ct_table_chain(struct conntrack *ctk, const struct ct_tuple *t, uint32_t hash, unsigned find,
			struct ct_entry **clash);

/* ct_head_number: which of so many chains a hash value belongs to. */
static inline uint32_t ct_head_number(const struct ct_heads *heads, uint32_t hash)
{
	return (uint32_t)((uint64_t)hash * heads->count >> 32);
}

/* ct_head_of: the head of the chain of a hash value: an old one as long as that was not moved. */
static inline uint32_t *ct_head_of(const struct ct_table *table, uint32_t hash)
{
	if (__builtin_expect(table->old.head != NULL, 0)) {
		uint32_t number = ct_head_number(&table->old, hash);

		if (number >= table->moved)
			return &table->old.head[number];
	}
	return &table->heads.head[ct_head_number(&table->heads, hash)];
}

/* ct_node_entry: entry of a node number (not 0); *dir gets its direction. */
static inline struct ct_entry *ct_node_entry(const struct ct_table *table, uint32_t node, enum ct_dir *dir)
{
	*dir = (enum ct_dir)((node - 1) & 1);
	return ct_arena_at(&table->entries, (node - 1) >> 1);
}

/* ct_sweep_step: goes on with the sweeps. */
void ct_sweep_step(struct conntrack *ctk);

/* --- entry.c --- */

/* ct_entry_new: an unconfirmed entry (refs 1, counted), early-dropping others if the table is full.
 * @hash: of the original tuple. Return: NULL when the table is full (logged). */
struct ct_entry *ct_entry_new(struct conntrack *ctk, const struct ct_tuple *orig, const struct ct_tuple *reply,
			      uint32_t hash);

/* ct_is_expired: a confirmed entry whose time is over. */
static inline bool ct_is_expired(const struct conntrack *ctk, const struct ct_entry *ct)
{
	return ct->expires <= ctk->ns->now;
}

/* ct_events_flush: reports what was gathered on a confirmed entry. */
void ct_events_flush(struct conntrack *ctk, struct ct_entry *ct);

/* ct_account: counts a packet in its direction, if the entry has counters. */
void ct_account(struct ct_entry *ct, const struct pkt *p);

/* ct_extend: the rare parts a new entry begins with: counters, timestamps, labels; a template's policy and event masks. */
void ct_extend(struct conntrack *ctk, struct ct_entry *ct, const struct ct_template *tmpl);

/* --- early_drop.c --- */

/* ct_early_drop: kills entries that are not ASSURED near @hash. Return: whether it killed any. */
bool ct_early_drop(struct conntrack *ctk, uint32_t hash);

/* ct_gc_start, ct_gc_step: the scan that helps a full table; a step looks at CT_GC_BUDGET places. */
void ct_gc_start(struct conntrack *ctk);
void ct_gc_step(struct conntrack *ctk);

/* --- icmp_error.c --- */

/* ct_icmp_error: relates an ICMP error to the connection it quotes (sets ct and ct_info).
 * Return: 1 not an error: go on; 0 done (related); -1 INVALID. */
int ct_icmp_error(struct conntrack *ctk, struct pkt *p, const struct hook_state *st, uint16_t zone, uint8_t zone_dir);

/* ct_zone_of: the zone id as it counts for a direction. */
static inline uint16_t ct_zone_of(uint16_t zone, uint8_t zone_dir, enum ct_dir dir)
{
	return zone_dir & (dir == CT_ORIGINAL ? CT_ZONE_ORIG : CT_ZONE_REPLY) ? zone : 0;
}

/* ct_find_for: the directions of other entries in which the tuple that @ct has in direction @dir would clash with it: a
 * zone that counts for one direction only is compared with that direction only (nf_ct_zone_equal). */
static inline unsigned ct_find_for(const struct ct_entry *ct, enum ct_dir dir)
{
	return ct->tuple[CT_ORIGINAL].zone == ct->tuple[CT_REPLY].zone ?
		CT_FIND_ANY : 1u << dir;
}

/* --- confirm.c --- */

/* ct_insert: puts an unconfirmed entry into the table. Return: VERDICT_ACCEPT, or DROP with p->drop set. */
enum verdict ct_insert(struct conntrack *ctk, struct pkt *p);

/* ct_insert_made: the same for an entry that no packet made: no clash is resolved. Return: 0; -EEXIST; -ENOSPC: a chain is
 * too long. */
int ct_insert_made(struct conntrack *ctk, struct ct_entry *ct);

/* --- expect.c, helper.c --- */

int ct_expects_create(struct conntrack *ctk, uint32_t max);
void ct_expects_destroy(struct conntrack *ctk);
int ct_expects_set_max(struct conntrack *ctk);

/* ct_expect_take: the expectation that @t fulfils in @zone, for a new connection: taken out of the table unless
 * PERMANENT. *gone tells that the caller must discard it. NULL if none. */
struct ct_expect *ct_expect_take(struct conntrack *ctk, const struct ct_tuple *t, uint16_t zone, bool *gone);

/* ct_expects_remove_of: removes all expectations of a master. */
void ct_expects_remove_of(struct conntrack *ctk, struct ct_entry *master);

/* ct_expects_tick, ct_expects_deadline: timeouts. */
void ct_expects_tick(struct conntrack *ctk);
uint64_t ct_expects_deadline(const struct conntrack *ctk);

/* ct_helper_assign: gives a new (or re-addressed) unconfirmed entry its helper: the template's, else by port. */
void ct_helper_assign(struct conntrack *ctk, struct ct_entry *ct, const struct ct_template *tmpl);

/* ct_help_set: sets the helper of an entry. Return: 0 or -ENOMEM. */
int ct_help_set(struct conntrack *ctk, struct ct_entry *ct, const struct ct_helper *helper);

void ct_helpers_destroy(struct conntrack *ctk);

/* --- gre_keymap.c --- */

/* ct_gre_keymaps_create, ct_gre_keymaps_destroy: their table. Return: 0 or -ENOMEM. */
int ct_gre_keymaps_create(struct conntrack *ctk);
void ct_gre_keymaps_destroy(struct conntrack *ctk);

/* ct_gre_keymap_find: the source key of packets with the addresses and the destination key of @t; 0 if nobody said. */
uint16_t ct_gre_keymap_find(const struct conntrack *ctk, const struct ct_tuple *t);

/* --- for trackers --- */

/* ct_timeouts_of: the timeout policy of an entry, or @own. */
static inline const uint64_t *ct_timeouts_of(const struct ct_entry *ct, const uint64_t *own)
{
	return ct->extra && ct->extra->timeouts ? ct->extra->timeouts : own;
}

/* ct_assure: sets ASSURED, with its event the first time. */
static inline void ct_assure(struct ct_entry *ct)
{
	if (!(ct->status & CT_ST_ASSURED)) {
		ct->status |= CT_ST_ASSURED;
		ct_event_add(ct, CT_EV_ASSURED);
	}
}

/* ct_checksum_wanted: whether the checksum of a packet must be verified here. */
static inline bool ct_checksum_wanted(const struct conntrack *ctk, const struct pkt *p, const struct hook_state *st)
{
	return p->csum == CSUM_NONE && ctk->conf.checksum && st->hook == HOOK_PREROUTING;
}

#endif
