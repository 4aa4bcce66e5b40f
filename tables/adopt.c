/* adopt.c - rules of a new ruleset that were live already go on living: with their counters and their state.
 *
 * Overview
 *   For each chain, each new rule takes over the first rule of the live chain of that name that says the same
 * and is not in the new ruleset yet: the new object is thrown away and the old one put in its place. So a
 * reload keeps the counters and buckets of every rule whose text did not change, wherever in its chain it
 * stands now.
 *
 *   The commit calls it for one chain after the other: adopt_begin, adopt_index_more until the free rules of the live chain
 * are indexed by hash, adopt_rule for each rule. The ruleset means the same before and after.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables/tables_int.h"

enum { BUCKETS_MIN = 16 };

/* adopt_begin: the index for the rules of @c. Return: 0, or -1 with @err. */
int adopt_begin(struct tables *t, enum table_id id, const struct chain *c, struct adopt_index *x, struct rule_error *err)
{
	const struct chain *old = chain_find(&t->live->table[id], c->name);
	uint32_t buckets = BUCKETS_MIN;

	x->old = old && old->count && c->count ? old : NULL;
	x->left = x->old ? old->count : 0;
	if (!x->old)
		return 0;
	while (buckets < old->count)
		buckets *= 2;
	if (buckets > x->size) {
		adopt_end(x);
		x->old = old;
		x->left = old->count;
		x->head = malloc(buckets * sizeof *x->head);
		x->next = malloc(buckets * sizeof *x->next);
		x->size = buckets;
		if (!x->head || !x->next)
			return rule_fail_errno(err, ENOMEM);
	}
	x->mask = buckets - 1;
	memset(x->head, 0, buckets * sizeof *x->head);
	return 0;
}

/* adopt_index_more: more of the live chain's rules into the index, from its end on, so that lists are in the order of the
 * chain. Return: whether there are more. */
bool adopt_index_more(struct adopt_index *x, unsigned *budget)
{
	for (; x->left && *budget; x->left--, --*budget) {
		const struct rule *r = x->old->entries[x->left - 1].rule;
		uint32_t *head = &x->head[r->hash & x->mask];

		x->next[x->left - 1] = *head;
		*head = x->left;
	}
	return x->left;
}

/* has_state: whether a match or the target of the rule remembers something from packet to packet. */
static bool has_state(const struct rule *r)
{
	for (unsigned i = 0; i < r->match_count; i++)
		if (r->match[i].ops->state_size)
			return true;
	return r->target && r->target->state_size;
}

/* adopt_rule: puts the first free live rule that says the same as @e in its place; rules that the new ruleset has already
 * carry its serial. Where a rule gets counters of its own and has no state, there is nothing to take over. */
void adopt_rule(struct tables *t, struct adopt_index *x, struct rule_entry *e)
{
	uint32_t *at;

	if (e->rule->started || !x->old || (e->counted && !has_state(e->rule)))
		return;
	at = &x->head[e->rule->hash & x->mask];
	while (*at) {
		const struct rule_entry *o = &x->old->entries[*at - 1];

		if (o->rule->seen == t->serial) {
			*at = x->next[*at - 1];
			continue;
		}
		if (entry_equal(o, e)) {
			*at = x->next[*at - 1];
			o->rule->seen = t->serial;
			rule_put(t, e->rule);
			e->rule = rule_hold(o->rule);
			return;
		}
		at = &x->next[*at - 1];
	}
}

/* adopt_end: gives back the index. */
void adopt_end(struct adopt_index *x)
{
	free(x->head);
	free(x->next);
	*x = (struct adopt_index){ 0 };
}
