/* apply_rules.c - the sets, accounting objects and rules of a configuration as one transaction, in pieces between which packets
 * pass.
 *
 * Life-cycle of a change
 *
 *     objects, sets of the file -> in place -> rules file -> policies, names of chains -> rules -> commit up to the switch
 *        ^                                                                     |                          |
 *        |  another commit, or a command that moves sets, came between         |  a mistake               v
 *        '------------------------------- give up <----------------------------'      rules_switch -> rules_rest -> rules_end
 *
 * Invariants
 *   1. Between two pieces the router is as before: new sets are hidden (set_file.h), objects that no live rule names may be there.
 *   2. Who comes between is not held up: the change begins again, and after some times is done in one piece.
 */
#include "router/apply.h"

#include "tables/nfacct_file.h"
#include "tables/set_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	RULES_PER_LINE = 4, /* that are checked, compiled, freed ... in the time of reading a line */
	AGAIN_MAX = 3,      /* others may come between so often before it is done in one piece */
};

struct rules_change {
	const struct config *c;
	struct tables *t;
	unsigned count; /* rule.N lines to take */
	enum { STAGING, PLACING, READING, NAMING, RULING, COMMITTING, READY, LEAVING, LIVE } step;
	struct set_change *sets;
	struct nfacct_change *objects;
	struct ruleset *rs;
	struct restore *file; /* the rules file, while it is read */
	unsigned at;          /* the next line of the configuration */
	unsigned before;      /* problems there were */
	bool trying;          /* nobody wants to know whose fault it is */
	bool failed;          /* a mistake was found; while LEAVING: do not begin again */
	unsigned again;       /* how often it began again */
};

/* add_policies: all policy.CHAIN lines. */
static void add_policies(const struct config *c, struct ruleset *rs, struct problems *ps)
{
	struct rule_error err;

	for (unsigned i = 0; i < c->policies; i++) {
		const struct config_policy *p = &c->policy[i];
		char key[64];

		if (!ruleset_set_policy(rs, p->table, p->chain, p->verdict, &err))
			continue;
		snprintf(key, sizeof key, "policy.%s", p->chain);
		problem_add(ps, c->file, p->line, table_name(p->table), key, "%s", err.text);
	}
}

/* add_rules: up to @lines of the rule.N lines. Return: whether there are more. */
static bool add_rules(struct rules_change *x, unsigned lines, struct problems *ps)
{
	struct rule_error err;

	for (; x->at < x->count; x->at++) {
		const struct config_rule *r = &x->c->rule[x->at];

		if (!lines--)
			return true;
		if (ruleset_line(x->t, x->rs, r->table, r->text, true, &err))
			problem_add(ps, x->c->file, r->line, table_name(r->table), r->key, "%s", err.text);
	}
	return false;
}

/* name_chains: the chains of up to @lines of the rule.N lines, also of those left out: the order of rules does not matter to
 * jumps. Return: whether there are more. */
static bool name_chains(struct rules_change *x, unsigned lines)
{
	for (; x->at < x->c->rules_count; x->at++) {
		if (!lines--)
			return true;
		(void)ruleset_name_chain(x->t, x->rs, x->c->rule[x->at].table, x->c->rule[x->at].text);
	}
	return false;
}

/* blame_file: reports what is wrong with a file. @line: 0: not with one line. */
static void blame_file(const struct config *c, const struct config_file *f, unsigned line, const char *text, struct problems *ps)
{
	char message[CONFIG_PATH_MAX + 1024 + 16], number[16] = "";

	if (line)
		snprintf(number, sizeof number, ":%u", line);
	snprintf(message, sizeof message, "%s%s: %s", f->path ? f->path : c->file, number, text);
	problem_add_line(ps, message);
}

/* start: a change that takes the first @count rule.N lines. @before: problems there are. NULL without memory. */
static struct rules_change *start(const struct config *c, struct tables *t, unsigned count, unsigned before)
{
	struct rules_change *x = calloc(1, sizeof *x);

	if (!x)
		return NULL;
	x->c = c;
	x->t = t;
	x->count = count;
	x->before = before;
	return x;
}

/* --- whose fault it is ------------------------------------------------------------------------------------------------ */

/* commits: whether the configuration with only its first @count rules could be made live. @t: of a scratch engine, which stays
 * as it is. */
static bool commits(const struct config *c, struct tables *t, unsigned count)
{
	struct problems none = { 0 };
	struct rules_change *x = start(c, t, count, 0);
	bool good = false;

	if (x) {
		x->trying = true;
		good = !rules_go(x, UINT_MAX, &none);
	}
	rules_end(x);
	problems_free(&none);
	return good;
}

/* blame: reports @err at the first rule with which the whole does not commit any more (adding rules never heals it). */
static void blame(const struct config *c, const struct rule_error *err, struct problems *ps)
{
	const struct engine_limits limits = { { 64, 32, 64 }, { 64, 64, 16 } };
	struct engine *e = c->rules_count ? engine_create(&apply_silent_ops, NULL, &limits, 1) : NULL;
	unsigned good = 0, bad = c->rules_count;

	if (!e || !commits(c, e->tables, 0)) {
		problem_add(ps, c->rules.path ? c->rules.path : c->file, 0, NULL, NULL, "%s", err->text);
		engine_destroy(e);
		return;
	}
	while (bad - good > 1) {
		unsigned middle = good + (bad - good) / 2;

		if (commits(c, e->tables, middle))
			good = middle;
		else
			bad = middle;
	}
	engine_destroy(e);
	problem_add(ps, c->file, c->rule[bad - 1].line, table_name(c->rule[bad - 1].table), c->rule[bad - 1].key, "%s",
		    err->text);
}

/* --- the steps: each returns 1 to be called again, 0 done, -1 a mistake, which is in @ps ------------------------------- */

/* stage: the objects of the file, and its sets, alone. */
static int stage(struct rules_change *x, unsigned lines, struct problems *ps)
{
	struct set_file_error err = { .text = "out of memory for the sets" };
	struct nfacct_file_error object_error;
	int result = -1;

	if (!x->sets) {
		x->objects = nfacct_file_begin(x->t->nfaccts, text_cstr(&x->c->accounting.text), x->c->accounting.text.len,
					       &object_error);
		if (!x->objects)
			blame_file(x->c, &x->c->accounting, object_error.line, object_error.text, ps);
		x->sets = sets_file_start(x->t->sets, text_cstr(&x->c->sets.text), x->c->sets.text.len);
	}
	if (x->sets)
		result = sets_file_read(x->sets, lines, &err);
	if (result < 0)
		blame_file(x->c, &x->c->sets, err.line, err.text, ps);
	return !result && !x->objects ? -1 : result;
}

/* place: the sets where rules find them, and a transaction for the rules. */
static int place(struct rules_change *x, struct problems *ps)
{
	const struct config *c = x->c;
	struct set_file_error error;

	if (sets_file_place(x->sets, &error)) {
		blame_file(c, &c->sets, error.line, error.text, ps);
		return -1;
	}
	x->rs = tables_begin(x->t, false);
	if (x->rs && c->rules.text.len)
		x->file = restore_into(x->t, x->rs, c->rules.text.data, c->rules.path);
	if (x->rs && (x->file || !c->rules.text.len))
		return 0;
	problem_add(ps, c->file, 0, NULL, NULL, "out of memory for the rules");
	return -1;
}

/* read_file: the rules file, up to its end or first mistake, and the policies. Mistakes stand in @ps. */
static int read_file(struct rules_change *x, unsigned lines, struct problems *ps)
{
	struct rule_error err;
	int result = x->file ? restore_read(x->file, lines, &err) : 0;

	if (result > 0)
		return 1;
	if (result < 0)
		problem_add_line(ps, err.text);
	restore_end(x->file);
	x->file = NULL;
	add_policies(x->c, x->rs, ps);
	return 0;
}

/* prepare: the commit up to the switch; where others came between, the change begins again. */
static int prepare(struct rules_change *x, unsigned lines, struct problems *ps)
{
	struct rule_error err;
	int result = tables_prepare(x->t, x->rs, lines < UINT_MAX / RULES_PER_LINE ? lines * RULES_PER_LINE : UINT_MAX, &err);

	if (result == TABLES_OVERTAKEN) {
		x->step = LEAVING;
		return 1;
	}
	if (result < 0 && !x->trying)
		blame(x->c, &err, ps);
	return result;
}

/* leave: gives up what there is. Return: 1 call again, 0 gone. */
static int leave(struct rules_change *x, unsigned lines)
{
	unsigned budget = lines < UINT_MAX / RULES_PER_LINE ? lines * RULES_PER_LINE : UINT_MAX;

	restore_end(x->file);
	x->file = NULL;
	if (x->rs && tables_abort_some(x->t, x->rs, budget)) /* first: its rules refer to sets and objects */
		return 1;
	x->rs = NULL;
	if (x->sets)
		sets_file_abort(x->sets);
	if (x->objects)
		nfacct_file_abort(x->objects);
	x->sets = NULL;
	x->objects = NULL;
	return 0;
}

/* step: goes on where it is. Return: 1 call again, 0 ready for the switch, -1 given up. */
static int step(struct rules_change *x, unsigned lines, struct problems *ps)
{
	static const unsigned after[] = { [STAGING] = PLACING, [PLACING] = READING,     [READING] = NAMING,
					  [NAMING] = RULING,   [RULING] = COMMITTING, [COMMITTING] = READY };
	unsigned was = x->step;
	int result = 0;

	switch (x->step) {
	case STAGING:
		result = stage(x, lines, ps);
		break;
	case PLACING:
		result = place(x, ps);
		break;
	case READING:
		result = read_file(x, lines, ps);
		break;
	case NAMING:
		result = name_chains(x, lines);
		break;
	case RULING:
		result = add_rules(x, lines, ps);
		if (!result && ps->count > x->before)
			result = -1;
		break;
	case COMMITTING:
		result = prepare(x, lines, ps);
		break;
	case LEAVING:
		if (leave(x, lines))
			return 1;
		if (x->failed)
			return -1;
		x->again++;
		x->step = STAGING;
		return 1;
	default:
		return 0;
	}
	if (!result) {
		x->step = after[was];
		x->at = 0;
	}
	x->failed = result < 0;
	if (x->failed)
		x->step = LEAVING;
	return x->step != READY;
}

/* --- doors ----------------------------------------------------------------------------------------------------------- */

struct rules_change *rules_start(const struct config *c, struct tables *t, struct problems *ps)
{
	struct rules_change *x = start(c, t, c->rules_count, ps->count);

	if (!x)
		problem_add(ps, c->file, 0, NULL, NULL, "out of memory for the rules");
	return x;
}

int rules_go(struct rules_change *x, unsigned lines, struct problems *ps)
{
	int result;

	if (x->again > AGAIN_MAX)
		lines = UINT_MAX;
	if (x->sets)
		sets_file_show(x->sets);
	do
		result = step(x, lines, ps);
	while (result > 0 && lines == UINT_MAX);
	if (x->sets)
		sets_file_hide(x->sets);
	return result;
}

bool rules_switch(struct rules_change *x)
{
	sets_file_show(x->sets);
	if (!tables_prepared(x->t, x->rs) || !sets_file_fits(x->sets)) {
		sets_file_hide(x->sets);
		x->step = LEAVING;
		return false;
	}
	tables_go_live(x->t, x->rs);
	x->rs = NULL;
	sets_file_keep(x->sets);
	nfacct_file_commit(x->objects);
	x->objects = NULL;
	x->step = LIVE;
	return true;
}

void rules_give_up(struct rules_change *x)
{
	x->failed = true;
	x->step = LEAVING;
}

bool rules_rest(struct rules_change *x, unsigned lines)
{
	return tables_rest(x->t, lines < UINT_MAX / RULES_PER_LINE ? lines * RULES_PER_LINE : UINT_MAX);
}

void rules_end(struct rules_change *x)
{
	if (!x)
		return;
	if (x->step == LIVE) {
		tables_rest_all(x->t);
		nfacct_file_end(x->t->nfaccts);
		sets_file_end(x->sets);
	} else {
		if (x->sets)
			sets_file_show(x->sets);
		while (leave(x, UINT_MAX))
			;
	}
	free(x);
}

int apply_commit_rules(const struct config *c, struct tables *t, struct problems *ps)
{
	struct rules_change *x = rules_start(c, t, ps);
	int error = x ? rules_go(x, UINT_MAX, ps) : -1;

	if (!error)
		(void)rules_switch(x); /* nobody came between */
	rules_end(x);
	return error;
}
