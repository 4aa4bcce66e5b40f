/* adopt.c - rules of a new ruleset that were live already go on living: with their counters and their state.
 *
 * Overview
 *   For each chain, each new rule takes over the first rule of the live chain of that name that says the same
 * and is not in the new ruleset yet: the new object is thrown away and the old one put in its place. So a
 * reload keeps the counters and buckets of every rule whose text did not change, wherever in its chain it
 * stands now.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables/tables_int.h"

/* An index of the live chain's free rules by hash: lists in the order of the chain. Numbers are position + 1.
 */
struct index {
	uint32_t *head, *next;
	uint32_t mask;
	uint32_t size; /* rules there is room for */
};

/* index_alloc: room for chains of up to @count rules. Return: 0 or -ENOMEM. */
static int index_alloc(struct index *x, uint32_t count)
{
	uint32_t buckets = 16;

	while (buckets < count)
		buckets *= 2;
	x->head = malloc(buckets * sizeof *x->head);
	x->next = malloc((count + 1) * sizeof *x->next);
	x->size = count;
	return x->head && x->next ? 0 : -ENOMEM;
}

/* index_build: the rules of @old that the new ruleset does not have. */
static void index_build(struct index *x, const struct chain *old, uint32_t serial)
{
	uint32_t buckets = 16;

	while (buckets < old->count)
		buckets *= 2;
	x->mask = buckets - 1;
	memset(x->head, 0, buckets * sizeof *x->head);
	for (uint32_t i = old->count; i-- > 0;) {
		uint32_t *head = &x->head[old->entries[i].rule->hash & x->mask];

		if (old->entries[i].rule->seen == serial)
			continue;
		x->next[i] = *head;
		*head = i + 1;
	}
}

/* index_take: the first free rule that says the same as @e. Return: NULL if there is none. */
static struct rule *index_take(struct index *x, const struct chain *old, const struct rule_entry *e)
{
	uint32_t *at = &x->head[e->rule->hash & x->mask];

	for (; *at; at = &x->next[*at - 1]) {
		const struct rule_entry *o = &old->entries[*at - 1];

		if (!entry_equal(o, e))
			continue;
		*at = x->next[*at - 1];
		return o->rule;
	}
	return NULL;
}

/* adopt_chain: the rules of one chain that were not live. */
static void adopt_chain(struct tables *t, struct index *x, struct chain *c, const struct chain *old)
{
	bool built = false;

	for (uint32_t i = 0; i < c->count; i++) {
		struct rule_entry *e = &c->entries[i];
		struct rule *same;

		if (e->rule->started)
			continue;
		if (!built)
			index_build(x, old, t->serial);
		built = true;
		same = index_take(x, old, e);
		if (!same)
			continue;
		same->seen = t->serial;
		rule_put(t, e->rule);
		e->rule = rule_hold(same);
	}
}

/* mark_shared: marks the live rules that the new ruleset already holds. */
static void mark_shared(struct tables *t, const struct ruleset *rs)
{
	for (int id = 0; id < TABLE_COUNT; id++)
		for (uint32_t i = 0; i < rs->table[id].count; i++) {
			const struct chain *c = rs->table[id].chains[i];

			for (uint32_t k = 0; k < c->count; k++)
				c->entries[k].rule->seen = t->serial;
		}
}

/* longest_chain: rules of the longest chain. */
static uint32_t longest_chain(const struct ruleset *rs)
{
	uint32_t most = 0;

	for (int id = 0; id < TABLE_COUNT; id++)
		for (uint32_t i = 0; i < rs->table[id].count; i++)
			if (rs->table[id].chains[i]->count > most)
				most = rs->table[id].chains[i]->count;
	return most;
}

/* ruleset_adopt: puts live rules in the place of new ones that say the same. The ruleset means the same
 * before and after. Return: 0, or -1 with @err. */
int ruleset_adopt(struct tables *t, struct ruleset *rs, struct rule_error *err)
{
	struct index x = { 0 };
	int result = index_alloc(&x, longest_chain(t->live));

	t->serial++;
	mark_shared(t, rs);
	for (int id = 0; id < TABLE_COUNT && !result; id++)
		for (uint32_t i = 0; i < rs->table[id].count; i++) {
			struct chain *c = rs->table[id].chains[i];
			const struct chain *old = chain_find(&t->live->table[id], c->name);

			if (old)
				adopt_chain(t, &x, c, old);
		}
	free(x.head);
	free(x.next);
	return result ? rule_fail_errno(err, ENOMEM) : 0;
}
