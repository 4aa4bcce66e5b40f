/* ruleset.c - the building blocks of a transaction: tables, chains and their entries, without any meaning
 * yet.
 *
 * All of it is off the packet path: what the walk reads is made by the commit.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "netstack/netstack.h"
#include "tables/tables_int.h"

enum { BUCKETS_FIRST = 16 };

/* Which hooks each table has a chain at: that is all that tells tables apart. */
static const uint8_t hooks_of[TABLE_COUNT] = {
	[TABLE_RAW] = HOOK_BIT(PREROUTING) | HOOK_BIT(OUTPUT),
	[TABLE_MANGLE] = HOOK_BIT(PREROUTING) | HOOK_BIT(INPUT) | HOOK_BIT(FORWARD) | HOOK_BIT(OUTPUT) |
			 HOOK_BIT(POSTROUTING),
	[TABLE_NAT] = HOOK_BIT(PREROUTING) | HOOK_BIT(INPUT) | HOOK_BIT(OUTPUT) | HOOK_BIT(POSTROUTING),
	[TABLE_FILTER] = HOOK_BIT(INPUT) | HOOK_BIT(FORWARD) | HOOK_BIT(OUTPUT),
	[TABLE_SECURITY] = HOOK_BIT(INPUT) | HOOK_BIT(FORWARD) | HOOK_BIT(OUTPUT),
};

/* bucket_of: where a chain of this name is in the hash of @tb, which has buckets. */
static struct chain **bucket_of(const struct table *tb, const char *name)
{
	return &tb->buckets[hash_bytes(0, name, strlen(name)) & (tb->bucket_count - 1)];
}

/* rehash: doubles the hash when there are more chains than buckets. Return: false without memory. */
static bool rehash(struct table *tb)
{
	uint32_t want = tb->bucket_count ? tb->bucket_count * 2 : BUCKETS_FIRST;
	struct chain **buckets, **at;

	if (tb->bucket_count > tb->count)
		return true;
	buckets = calloc(want, sizeof(struct chain *));
	if (!buckets)
		return false;
	free(tb->buckets);
	tb->buckets = buckets;
	tb->bucket_count = want;
	for (uint32_t i = 0; i < tb->count; i++) {
		at = bucket_of(tb, tb->chains[i]->name);
		tb->chains[i]->hash_next = *at;
		*at = tb->chains[i];
	}
	return true;
}

/* chain_find: by name. Return: borrowed, NULL if there is none. */
struct chain *chain_find(const struct table *tb, const char *name)
{
	struct chain *c = tb->bucket_count ? *bucket_of(tb, name) : NULL;

	while (c && strcmp(c->name, name))
		c = c->hash_next;
	return c;
}

/* chain_add: a new empty chain; @name is new and at most CHAIN_NAME_LEN characters, @hook -1 for a user's.
 * Return: borrowed, NULL without memory. */
struct chain *chain_add(struct table *tb, const char *name, int hook)
{
	struct chain *c, **at;

	if (tb->count == tb->size) {
		uint32_t size = tb->size ? tb->size * 2 : 8;
		struct chain **chains = realloc(tb->chains, size * sizeof(struct chain *));

		if (!chains)
			return NULL;
		tb->chains = chains;
		tb->size = size;
	}
	c = calloc(1, sizeof *c);
	if (!c || !rehash(tb)) {
		free(c);
		return NULL;
	}
	strncpy(c->name, name, sizeof c->name - 1);
	c->hook = (int8_t)hook;
	c->policy = KIND_ACCEPT;
	c->index = tb->count;
	tb->chains[tb->count++] = c;
	if (hook >= 0) {
		tb->base[hook] = c;
		tb->base_count++;
	}
	at = bucket_of(tb, c->name);
	c->hash_next = *at;
	*at = c;
	return c;
}

/* unhash: takes a chain out of the hash. */
static void unhash(struct table *tb, struct chain *c)
{
	struct chain **at = bucket_of(tb, c->name);

	while (*at != c)
		at = &(*at)->hash_next;
	*at = c->hash_next;
}

/* chain_free: gives back a chain with its rules. It is in no list any more. */
static void chain_free(struct tables *t, struct chain *c)
{
	for (uint32_t i = 0; i < c->count; i++)
		rule_put(t, c->entries[i].rule);
	free(c->entries);
	free(c->code);
	free(c->windows);
	free(c);
}

/* chain_remove: takes away a user chain that nothing jumps to. The last chain takes its place in the order;
 * commit sorts. */
void chain_remove(struct tables *t, struct table *tb, struct chain *c)
{
	unhash(tb, c);
	chain_flush(t, c);
	tb->chains[c->index] = tb->chains[--tb->count];
	tb->chains[c->index]->index = c->index;
	chain_free(t, c);
}

/* chain_rename: gives a user chain another, free name; jumps follow since they hold the chain. */
void chain_rename(struct table *tb, struct chain *c, const char *name)
{
	struct chain **at;

	unhash(tb, c);
	memset(c->name, 0, sizeof c->name);
	strncpy(c->name, name, sizeof c->name - 1);
	at = bucket_of(tb, c->name);
	c->hash_next = *at;
	*at = c;
}

/* chain_flush: takes all rules out of a chain. */
void chain_flush(struct tables *t, struct chain *c)
{
	for (uint32_t i = 0; i < c->count; i++) {
		if (c->entries[i].jump)
			c->entries[i].jump->refs--;
		rule_put(t, c->entries[i].rule);
	}
	c->count = c->jumps = 0;
}

/* chain_insert: puts a copy of @entry at position @at <= count; takes over its reference on the rule.
 * Return: 0, or -1 without memory (the reference stays the caller's). */
int chain_insert(struct chain *c, uint32_t at, const struct rule_entry *entry)
{
	if (c->count == c->size) {
		uint32_t size = c->size ? c->size * 2 : 4;
		struct rule_entry *entries = realloc(c->entries, size * sizeof *entries);

		if (!entries)
			return -1;
		c->entries = entries;
		c->size = size;
	}
	memmove(c->entries + at + 1, c->entries + at, (c->count - at) * sizeof *c->entries);
	c->entries[at] = *entry;
	c->count++;
	if (entry->jump) {
		entry->jump->refs++;
		c->jumps++;
	}
	return 0;
}

/* chain_delete: takes away the rule at position @at < count. */
void chain_delete(struct tables *t, struct chain *c, uint32_t at)
{
	if (c->entries[at].jump) {
		c->entries[at].jump->refs--;
		c->jumps--;
	}
	rule_put(t, c->entries[at].rule);
	c->count--;
	memmove(c->entries + at, c->entries + at + 1, (c->count - at) * sizeof *c->entries);
}

/* by_name: order of user chains: libiptc keeps them sorted by name. */
static int by_name(const void *a, const void *b)
{
	return strcmp((*(struct chain *const *)a)->name, (*(struct chain *const *)b)->name);
}

/* table_sort: brings the user chains into the order in which iptables shows them. */
void table_sort(struct table *tb)
{
	qsort(tb->chains + tb->base_count, tb->count - tb->base_count, sizeof(struct chain *), by_name);
	for (uint32_t i = 0; i < tb->count; i++)
		tb->chains[i]->index = i;
}

/* table_touch: the transaction names a table: it is in use once that is committed, and the ruleset has it, as a copy of the
 * live one where it had not. Return: 0, or -1 without memory. */
int table_touch(struct tables *t, struct ruleset *rs, enum table_id id)
{
	unsigned all = UINT_MAX;

	if (!rs->table[id].touched)
		rs->table[id].touched = ++rs->touches;
	rs->table[id].checked = false;
	if (rs->table[id].own)
		return 0;
	return table_begin(t, rs, id, false) || table_copy(t, rs, id, &all) ? -1 : 0;
}

/* table_zero_policies: the counters of the policies of a table that a command of iptables changed begin at 0, but for
 * those that the command has set: libiptc loses them. */
void table_zero_policies(struct table *tb)
{
	for (uint32_t i = 0; i < tb->base_count; i++) {
		struct chain *c = tb->chains[i];

		if (!c->counted)
			c->packets = c->bytes = 0;
		c->counted = true;
	}
}

/* base_chains: the built-in chains of a table, empty, policies ACCEPT. Return: false without memory. */
static bool base_chains(struct table *tb, enum table_id id)
{
	tb->own = true;
	for (int hook = 0; hook < HOOK_COUNT; hook++)
		if ((hooks_of[id] >> hook & 1) && !chain_add(tb, hook_name(hook), hook))
			return false;
	return true;
}

/* ruleset_new: all tables with their built-in chains, empty, policies ACCEPT. Return: owned, NULL without
 * memory. */
struct ruleset *ruleset_new(struct tables *t)
{
	struct ruleset *rs = calloc(1, sizeof *rs);

	if (!rs)
		return NULL;
	rs->owner = t;
	for (int id = 0; id < TABLE_COUNT; id++)
		if (!base_chains(&rs->table[id], (enum table_id)id)) {
			ruleset_free(t, rs);
			return NULL;
		}
	return rs;
}

/* table_begin: a table of the live ruleset in a transaction that does not have it: its policies and, unless @empty, its
 * chains, which table_copy fills. Return: 0, or -1 without memory. */
int table_begin(struct tables *t, struct ruleset *rs, enum table_id id, bool empty)
{
	const struct table *from = &t->live->table[id];
	struct table *to = &rs->table[id];

	if (!base_chains(to, id))
		return -1;
	for (uint32_t i = 0; i < to->base_count; i++) {
		to->chains[i]->policy = from->chains[i]->policy;
		to->chains[i]->packets = from->chains[i]->packets;
		to->chains[i]->bytes = from->chains[i]->bytes;
	}
	for (uint32_t i = from->base_count; i < from->count && !empty; i++)
		if (!chain_add(to, from->chains[i]->name, -1))
			return -1;
	to->shares = !empty;
	rs->at = (struct rule_cursor){ 0 };
	return 0;
}

/* copy_chain: more entries of @from into @to, whose chains have the order of the live table. Return: 1 there are more, 0 done,
 * -1 without memory. */
static int copy_chain(const struct table *tb, struct chain *to, const struct chain *from, unsigned *budget)
{
	if (!to->entries && from->count) {
		to->entries = malloc(from->count * sizeof *to->entries);
		if (!to->entries)
			return -1;
		to->size = from->count;
	}
	to->tag = from->tag;
	to->refs = from->refs;
	to->jumps = from->jumps;
	for (; to->count < from->count; to->count++, --*budget) {
		const struct rule_entry *e = &from->entries[to->count];

		if (!*budget)
			return 1;
		to->entries[to->count] = (struct rule_entry){
			.rule = rule_hold(e->rule),
			.jump = e->jump ? tb->chains[e->jump->index] : NULL,
			.tag = e->tag,
		};
	}
	return 0;
}

/* table_copy: fills a table begun with table_begin, @budget rules at most, which shares the rules. The live ruleset may not
 * change until it is done. Return: 1 call again, 0 done, -1 without memory. */
int table_copy(struct tables *t, struct ruleset *rs, enum table_id id, unsigned *budget)
{
	const struct table *from = &t->live->table[id];
	struct table *to = &rs->table[id];

	for (; rs->at.chain < from->count; rs->at.chain++) {
		int result = copy_chain(to, to->chains[rs->at.chain], from->chains[rs->at.chain], budget);

		if (result)
			return result;
	}
	rs->at = (struct rule_cursor){ 0 };
	return 0;
}

/* table_free_some: gives back a table's rules and chains, from their ends on. Return: whether there are more. */
static bool table_free_some(struct tables *t, struct table *tb, unsigned *budget)
{
	for (; tb->count; tb->count--) {
		struct chain *c = tb->chains[tb->count - 1];

		for (; c->count; c->count--) {
			if (!*budget)
				return true;
			--*budget;
			rule_put(t, c->entries[c->count - 1].rule);
		}
		chain_free(t, c);
	}
	free(tb->chains);
	free(tb->buckets);
	free(tb->stack);
	free(tb->patterns);
	free(tb->row_bytes);
	*tb = (struct table){ 0 };
	return false;
}

/* ruleset_free_some: gives back a ruleset with all in it, @budget rules at most. Return: whether there are more: call again. */
bool ruleset_free_some(struct tables *t, struct ruleset *rs, unsigned *budget)
{
	for (int id = 0; id < TABLE_COUNT; id++)
		if (table_free_some(t, &rs->table[id], budget))
			return true;
	adopt_end(&rs->index);
	free(rs);
	return false;
}

/* ruleset_free: the same at once. NULL is allowed. */
void ruleset_free(struct tables *t, struct ruleset *rs)
{
	unsigned all = UINT_MAX;

	while (rs && ruleset_free_some(t, rs, &all))
		all = UINT_MAX;
}

/* policy_set: sets the policy of a built-in chain. @counters: two numbers to set, NULL: they stay (in a copy
 * of the live ruleset) or move over. Return: 0 or -1. */
int policy_set(struct ruleset *rs, enum table_id id, const char *name, const char *verdict,
	       const uint64_t counters[2], struct rule_error *err)
{
	struct chain *chain = chain_find(&rs->table[id], name);
	bool accept = !strcmp(verdict, "ACCEPT");

	if (!chain || chain->hook < 0)
		return rule_fail_code(err, 1, "Bad built-in chain name.");
	if (!accept && strcmp(verdict, "DROP"))
		return rule_fail_code(err, 1, "Bad policy name. Run `dmesg' for more information.");
	chain->policy = accept ? KIND_ACCEPT : KIND_DROP;
	chain->counted = counters || rs->from_live;
	chain->packets = counters ? counters[0] : 0;
	chain->bytes = counters ? counters[1] : 0;
	return 0;
}

int ruleset_set_policy(struct ruleset *rs, enum table_id id, const char *chain, const char *verdict,
		       struct rule_error *err)
{
	if (table_touch(rs->owner, rs, id))
		return rule_fail_errno(err, ENOMEM);
	return policy_set(rs, id, chain, verdict, NULL, err);
}
