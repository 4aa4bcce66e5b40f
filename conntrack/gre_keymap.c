/* gre_keymap.c - which call ids of PPTP belong together.
 *
 * Overview
 *   A GRE packet of version 1 carries the call id of its receiver alone (RFC 2637). The PPTP helper sees both ids on the
 *   control connection and keeps for each direction a tuple with both. gre_tuple then finds the source key of a packet
 *   by what the packet does say: the addresses and the destination key.
 *
 * Invariants
 *   1. A map hangs in the chain of its key and at its master's help part; none outlives that.
 *   2. Of two maps of one key, the elder answers.
 *
 * Ownership: the table's. They go with the first GRE connection of their master, or with the master.
 *
 * Linux parity: nf_ct_gre_keymap_add, nf_ct_gre_keymap_destroy, gre_keymap_lookup, destroy_gre_conntrack.
 */
#include "conntrack/conntrack_int.h"
#include "conntrack/siphash.h"

#include <errno.h>
#include <stdlib.h>

enum { KEYMAP_BUCKETS = 256 };

struct ct_gre_keymap {
	struct ct_gre_keymap *next;
	struct ct_tuple tuple;
};

struct ct_gre_keymaps {
	struct ct_arena pool;
	struct ct_gre_keymap *bucket[KEYMAP_BUCKETS];
};

int ct_gre_keymaps_create(struct conntrack *ctk)
{
	ctk->gre_keymaps = calloc(1, sizeof *ctk->gre_keymaps);
	return ctk->gre_keymaps ? ct_arena_create(&ctk->gre_keymaps->pool, sizeof(struct ct_gre_keymap), CT_GRE_KEYMAPS_MAX,
						  CT_GRE_KEYMAPS_MAX)
				: -ENOMEM;
}

void ct_gre_keymaps_destroy(struct conntrack *ctk)
{
	if (ctk->gre_keymaps)
		ct_arena_destroy(&ctk->gre_keymaps->pool);
	free(ctk->gre_keymaps);
	ctk->gre_keymaps = NULL;
}

/* bucket_of: the chain of what a packet says. */
static struct ct_gre_keymap **bucket_of(const struct conntrack *ctk, const struct ct_tuple *t)
{
	uint64_t key[2], word[5];

	memcpy(key, ctk->hash_key, sizeof key);
	memcpy(word, &t->src, sizeof t->src);
	memcpy(word + 2, &t->dst, sizeof t->dst);
	word[4] = (uint64_t)t->family << 16 | t->dst_key;
	return &ctk->gre_keymaps->bucket[siphash_words(key, word, 5) % KEYMAP_BUCKETS];
}

/* fits: whether a map is about packets with @t, whose source key does not count. */
static bool fits(const struct ct_gre_keymap *km, const struct ct_tuple *t)
{
	return km->tuple.family == t->family && km->tuple.proto == t->proto && km->tuple.dst_key == t->dst_key &&
	       addr_equal(&km->tuple.src, &t->src) && addr_equal(&km->tuple.dst, &t->dst);
}

uint16_t ct_gre_keymap_find(const struct conntrack *ctk, const struct ct_tuple *t)
{
	if (!ctk->gre_keymaps->pool.in_use)
		return 0;
	for (const struct ct_gre_keymap *km = *bucket_of(ctk, t); km; km = km->next)
		if (fits(km, t))
			return km->tuple.src_key;
	return 0;
}

int ct_gre_keymap_add(struct conntrack *ctk, struct ct_entry *master, enum ct_dir dir, const struct ct_tuple *t)
{
	struct ct_help *help = ct_get_help(ctk, master);
	struct ct_gre_keymap **at, *km;

	if (!help)
		return -ENOMEM;
	if (help->keymap[dir]) /* the helper saw the message again, or a second call */
		return fits(help->keymap[dir], t) ? 0 : -EEXIST;
	km = ct_arena_get(&ctk->gre_keymaps->pool);
	if (!km)
		return -ENOMEM;
	km->tuple = *t;
	at = bucket_of(ctk, t);
	while (*at)
		at = &(*at)->next;
	*at = help->keymap[dir] = km;
	return 0;
}

void ct_gre_keymap_destroy(struct conntrack *ctk, struct ct_entry *master)
{
	struct ct_help *help = ct_help(master);

	for (unsigned dir = 0; help && dir < CT_DIRS; dir++) {
		struct ct_gre_keymap *km = help->keymap[dir], **at;

		if (!km)
			continue;
		at = bucket_of(ctk, &km->tuple);
		while (*at != km)
			at = &(*at)->next;
		*at = km->next;
		help->keymap[dir] = NULL;
		ct_arena_put(&ctk->gre_keymaps->pool, km);
	}
}

uint32_t ct_gre_keymap_count(const struct conntrack *ctk)
{
	return ctk->gre_keymaps->pool.in_use;
}
