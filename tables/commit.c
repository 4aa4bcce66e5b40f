/* commit.c - a transaction becomes the live ruleset, in pieces between which packets pass.
 *
 * Life-cycle
 *
 *     check    loops, hooks, tables, protocols
 *     mark     live rules that the transaction shares
 *     adopt    live rules in the place of new ones that say the same; user chains into the order of their names
 *     compile  what the walk reads
 *     attach   what rules share with others: can be refused
 *     start    new rules get their counters and begin their state
 *     ---- swap: one step, which does not depend on how many rules there are ----
 *     settle   live rules get other counters, where the transaction says so
 *     free     what is not live any more
 *
 *   Up to the swap a commit can fail or be given up and leaves the live ruleset as it was: what it has done so far is in the
 *   new ruleset and in rules that are not live. What comes behind cannot fail; it is done by whoever asks for it with
 *   tables_rest, at the latest by the next transaction.
 *
 * Invariants
 *   1. Packets are counted in the rules that are live when they pass; a rule that stays is the same object before and after.
 *      Only a rule to which the transaction gives counters loses those of packets between swap and settle.
 *   2. Two commits never go on side by side: the marks of adopt would mix. One that was overtaken begins anew.
 *
 * Linux parity: ip_tables.c do_replace, which checks and builds beside the live table, too.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "netstack/netstack.h"
#include "tables/tables_int.h"

/* What one pass over the tables, chains and rules of a transaction does. Each may be NULL. Return of each: 0, or -1 with @err;
 * chain: also 1: call it again. */
struct pass {
	int (*table)(struct tables *t, struct ruleset *rs, struct table *tb, struct rule_error *err);
	int (*chain)(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, unsigned *budget,
		     struct rule_error *err);
	int (*rule)(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, uint32_t index,
		    struct rule_error *err);
	int (*end)(struct tables *t, struct ruleset *rs, struct table *tb, struct rule_error *err);
	bool (*skip)(const struct ruleset *rs, const struct table *tb);
};

/* id_of: which table of its ruleset @tb is. */
static enum table_id id_of(const struct ruleset *rs, const struct table *tb)
{
	return (enum table_id)(tb - rs->table);
}

/* --- the passes ------------------------------------------------------------------------------------------------------ */

static int check_table(struct tables *t, struct ruleset *rs, struct table *tb, struct rule_error *err)
{
	(void)t;
	(void)rs;
	return table_search(tb, err);
}
static int check_rule(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, uint32_t index,
		      struct rule_error *err)
{
	(void)t;
	return rule_check(id_of(rs, tb), c, index, err);
}
static int check_end(struct tables *t, struct ruleset *rs, struct table *tb, struct rule_error *err)
{
	(void)t;
	(void)rs;
	(void)err;
	tb->checked = true;
	return 0;
}
static bool check_skip(const struct ruleset *rs, const struct table *tb)
{
	(void)rs;
	return tb->checked;
}

static bool mark_skip(const struct ruleset *rs, const struct table *tb)
{
	(void)rs;
	return !tb->shares;
}
static int mark_rule(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, uint32_t index,
		     struct rule_error *err)
{
	(void)rs;
	(void)tb;
	(void)err;
	c->entries[index].rule->seen = t->serial;
	return 0;
}

static int adopt_table(struct tables *t, struct ruleset *rs, struct table *tb, struct rule_error *err)
{
	(void)t;
	(void)rs;
	(void)err;
	table_sort(tb);
	return 0;
}
static int adopt_chain(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, unsigned *budget,
		       struct rule_error *err)
{
	if (!rs->at.entry && adopt_begin(t, id_of(rs, tb), c, &rs->index, err))
		return -1;
	rs->at.entry = 1; /* the index has begun; set back when the rules do */
	return adopt_index_more(&rs->index, budget);
}
static int adopt_one(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, uint32_t index,
		     struct rule_error *err)
{
	(void)tb;
	(void)err;
	adopt_rule(t, &rs->index, &c->entries[index]);
	return 0;
}

static int compile_table_begin(struct tables *t, struct ruleset *rs, struct table *tb, struct rule_error *err)
{
	(void)t;
	(void)rs;
	tb->trace = false;
	return compile_begin(tb, err);
}
static int compile_one_chain(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, unsigned *budget,
			     struct rule_error *err)
{
	(void)t;
	(void)rs;
	(void)tb;
	(void)budget;
	return compile_chain(c, err);
}
static int compile_one(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, uint32_t index,
		       struct rule_error *err)
{
	(void)t;
	(void)rs;
	return compile_rule(tb, c, index, err);
}
static int compile_table_end(struct tables *t, struct ruleset *rs, struct table *tb, struct rule_error *err)
{
	(void)t;
	(void)rs;
	return compile_end(tb, err);
}

/* attach_one: in the order of the kernel's table. What was taken goes with the ruleset. */
static int attach_one(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, uint32_t index,
		      struct rule_error *err)
{
	(void)rs;
	(void)tb;
	if (!rule_attach(t, c->entries[index].rule, err))
		return 0;
	err->tag = c->entries[index].tag;
	return -1;
}

static int start_one(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, uint32_t index,
		     struct rule_error *err)
{
	struct rule_entry *e = &c->entries[index];
	struct rule *r = e->rule;

	(void)err;
	if (r->target && !strcmp(r->target->name, "TRACE"))
		tb->trace = true;
	if (r->started) {
		rs->late |= e->counted;
		return 0;
	}
	if (e->counted) {
		r->packets = e->packets;
		r->bytes = e->bytes;
	}
	e->counted = false;
	rule_start(t, r);
	return 0;
}

static const struct pass passes[] = {
	{ .table = check_table, .rule = check_rule, .end = check_end, .skip = check_skip },
	{ .rule = mark_rule, .skip = mark_skip },
	{ .table = adopt_table, .chain = adopt_chain, .rule = adopt_one },
	{ .table = compile_table_begin, .chain = compile_one_chain, .rule = compile_one, .end = compile_table_end },
	{ .rule = attach_one },
	{ .rule = start_one },
};
enum { PASSES = sizeof passes / sizeof *passes };

/* pass_chain: one chain of a pass. Return: 1 to go on with the next call, 0 done, -1 with @err. */
static int pass_chain(struct tables *t, struct ruleset *rs, struct table *tb, const struct pass *p, unsigned *budget,
		      struct rule_error *err)
{
	struct chain *c = tb->chains[rs->at.chain];
	int result = 0;

	if (!*budget)
		return 1;
	if (!rs->at.in_chain)
		--*budget;
	while (!rs->at.in_chain && p->chain && (result = p->chain(t, rs, tb, c, budget, err)) > 0)
		if (!*budget)
			return 1;
	if (result < 0)
		return -1;
	if (!rs->at.in_chain)
		rs->at.entry = 0;
	rs->at.in_chain = true;
	for (; p->rule && rs->at.entry < c->count; rs->at.entry++, --*budget) {
		if (!*budget)
			return 1;
		if (p->rule(t, rs, tb, c, rs->at.entry, err))
			return -1;
	}
	rs->at.entry = 0;
	rs->at.in_chain = false;
	return 0;
}

/* pass_table: one table of a pass. Return: as pass_chain. */
static int pass_table(struct tables *t, struct ruleset *rs, struct table *tb, const struct pass *p, unsigned *budget,
		      struct rule_error *err)
{
	if (!rs->at.in_table && p->table && p->table(t, rs, tb, err))
		return -1;
	rs->at.in_table = true;
	for (; rs->at.chain < tb->count; rs->at.chain++) {
		int result = pass_chain(t, rs, tb, p, budget, err);

		if (result)
			return result;
	}
	rs->at.chain = 0;
	rs->at.in_table = false;
	return p->end ? p->end(t, rs, tb, err) : 0;
}

/* pass_all: a pass over all tables of the transaction. Return: as pass_chain. */
static int pass_all(struct tables *t, struct ruleset *rs, const struct pass *p, unsigned *budget, struct rule_error *err)
{
	for (; rs->at.table < TABLE_COUNT; rs->at.table++) {
		struct table *tb = &rs->table[rs->at.table];
		int result = 0;

		if (tb->own && !(p->skip && p->skip(rs, tb)))
			result = pass_table(t, rs, tb, p, budget, err);
		if (result)
			return result;
	}
	rs->at = (struct rule_cursor){ 0 };
	return 0;
}

/* table_check: everything the kernel checks when a table is replaced, @budget rules at most. Return: 1 call again; 0; -1
 * with @err. */
int table_check(struct tables *t, struct ruleset *rs, enum table_id id, unsigned *budget, struct rule_error *err)
{
	int result = pass_table(t, rs, &rs->table[id], &passes[0], budget, err);

	if (result <= 0)
		rs->at = (struct rule_cursor){ 0 };
	return result;
}

/* --- swap and after -------------------------------------------------------------------------------------------------- */

/* note_used: puts the tables that @rs names, in the order in which it did, into the order of ip_tables_names.
 */
static void note_used(struct tables *t, struct ruleset *rs)
{
	for (uint32_t touch = 1; touch <= rs->touches; touch++)
		for (int id = 0; id < TABLE_COUNT; id++)
			if (rs->table[id].touched == touch)
				tables_use(t, (enum table_id)id);
}

/* swap_table: a table goes live: the counters of its policies, unless the transaction sets them, are those of the old one. */
static void swap_table(struct table *tb, const struct table *old)
{
	for (uint32_t i = 0; i < tb->base_count; i++) {
		struct chain *c = tb->chains[i];

		if (!c->counted) {
			c->packets = old->chains[i]->packets;
			c->bytes = old->chains[i]->bytes;
		}
		c->counted = false;
	}
}

/* swap: makes @rs the live ruleset. Cannot fail. The old one is dead. */
static void swap(struct tables *t, struct ruleset *rs)
{
	struct ruleset *old = t->live;

	note_used(t, rs);
	t->trace_used = false;
	for (int id = 0; id < TABLE_COUNT; id++) {
		struct table *tb = &rs->table[id];

		if (tb->own) {
			swap_table(tb, &old->table[id]);
		} else {
			*tb = old->table[id];
			old->table[id] = (struct table){ 0 };
		}
		t->trace_used |= tb->trace;
		tb->touched = 0;
	}
	rs->at = (struct rule_cursor){ 0 };
	t->live = rs;
	t->generation++;
	t->committing = NULL;
	tables_abort_later(t, old);
}

/* settle_one: other counters for a rule that was live before. */
static int settle_one(struct tables *t, struct ruleset *rs, struct table *tb, struct chain *c, uint32_t index,
		      struct rule_error *err)
{
	struct rule_entry *e = &c->entries[index];

	(void)t, (void)rs, (void)tb, (void)err;
	if (e->counted) {
		e->rule->packets = e->packets;
		e->rule->bytes = e->bytes;
	}
	e->counted = false;
	return 0;
}

/* settle: the pass over the live ruleset that gives counters. Return: whether there is more to do. */
static bool settle(struct tables *t, unsigned *budget)
{
	static const struct pass pass = { .rule = settle_one };
	struct rule_error err;

	if (t->live->late && pass_all(t, t->live, &pass, budget, &err))
		return true;
	t->live->late = false;
	return false;
}

void tables_settle_all(struct tables *t)
{
	unsigned all = UINT_MAX;

	while (settle(t, &all))
		all = UINT_MAX;
}

/* held: whether a listing still prints a table of it. */
static bool held(const struct ruleset *rs)
{
	for (int id = 0; id < TABLE_COUNT; id++)
		if (rs->table[id].holds)
			return true;
	return false;
}

bool tables_rest(struct tables *t, unsigned budget)
{
	if (settle(t, &budget))
		return true;
	for (struct ruleset **at = &t->dead; *at;) {
		struct ruleset *dead = *at, *next = dead->next_dead;

		if (held(dead)) { /* until the listing ends */
			at = &dead->next_dead;
			continue;
		}
		if (ruleset_free_some(t, dead, &budget))
			return true;
		*at = next;
	}
	return false;
}

void tables_rest_all(struct tables *t)
{
	while (tables_rest(t, UINT_MAX))
		;
}

int tables_prepare(struct tables *t, struct ruleset *rs, unsigned budget, struct rule_error *err)
{
	int result;

	*err = (struct rule_error){ 0 };
	if (!rs->phase) {
		if (t->committing && budget != UINT_MAX)
			return 1;
		t->committing = rs;
		rs->serial = ++t->serial;
		rs->at = (struct rule_cursor){ 0 };
		rs->phase = 1;
	}
	if (rs->serial != t->serial)
		return TABLES_OVERTAKEN;
	while (rs->phase <= PASSES) {
		result = pass_all(t, rs, &passes[rs->phase - 1], &budget, err);
		if (result < 0 && t->committing == rs)
			t->committing = NULL;
		if (result)
			return result;
		rs->phase++;
	}
	adopt_end(&rs->index);
	return 0;
}

bool tables_prepared(const struct tables *t, const struct ruleset *rs)
{
	return rs->phase > PASSES && rs->serial == t->serial && t->committing == rs;
}

void tables_go_live(struct tables *t, struct ruleset *rs)
{
	tables_settle_all(t);
	swap(t, rs);
}

bool tables_abort_some(struct tables *t, struct ruleset *rs, unsigned budget)
{
	if (t->committing == rs)
		t->committing = NULL;
	return ruleset_free_some(t, rs, &budget);
}

int tables_commit_some(struct tables *t, struct ruleset *rs, unsigned budget, struct rule_error *err)
{
	int result = tables_prepare(t, rs, budget, err);

	if (!result)
		tables_go_live(t, rs);
	return result;
}

int tables_commit(struct tables *t, struct ruleset *rs, struct rule_error *err)
{
	int result;

	rs->phase = 0;
	result = tables_commit_some(t, rs, UINT_MAX, err);
	if (result)
		return -1;
	tables_rest_all(t);
	return 0;
}
