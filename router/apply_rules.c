/* apply_rules.c - the sets and rules of a configuration as one transaction. */
#include "router/apply.h"

#include "tables/set_file.h"

#include <stdio.h>

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

/* add_rules: the first @count rule.N lines. */
static void add_rules(const struct config *c, struct tables *t, struct ruleset *rs, unsigned count, struct problems *ps)
{
	struct rule_error err;

	/* All chains first, also those of rules left out: the order of rules does not matter to jumps. */
	for (unsigned i = 0; i < c->rules_count; i++)
		(void)ruleset_name_chain(t, rs, c->rule[i].table, c->rule[i].text);
	for (unsigned i = 0; i < count; i++) {
		const struct config_rule *r = &c->rule[i];

		if (ruleset_line(t, rs, r->table, r->text, true, &err))
			problem_add(ps, c->file, r->line, table_name(r->table), r->key, "%s", err.text);
	}
}

/* build: a transaction with the rules file, policies, and the first @count rules. NULL with problems. */
static struct ruleset *build(const struct config *c, struct tables *t, unsigned count, struct problems *ps)
{
	struct ruleset *rs = tables_begin(t, false);
	unsigned before = ps->count;
	struct rule_error err;

	if (!rs) {
		problem_add(ps, c->file, 0, NULL, NULL, "out of memory for the rules");
		return NULL;
	}
	if (c->rules.path && ruleset_restore(t, rs, text_cstr(&c->rules.text), c->rules.path, false, false, &err))
		problem_add_line(ps, err.text);
	add_policies(c, rs, ps);
	add_rules(c, t, rs, count, ps);
	if (ps->count == before)
		return rs;
	tables_abort(t, rs);
	return NULL;
}

/* begin_sets: puts the sets of the file in place. Return: NULL with a problem. */
static struct set_change *begin_sets(const struct config *c, struct tables *t, struct problems *ps)
{
	struct set_file_error err;
	struct set_change *ch = sets_file_begin(t->sets, text_cstr(&c->sets.text), c->sets.text.len, &err);
	char line[CONFIG_PATH_MAX + sizeof err.text + 16], number[16] = "";

	if (ch)
		return ch;
	if (err.line)
		snprintf(number, sizeof number, ":%u", err.line);
	snprintf(line, sizeof line, "%s%s: %s", c->sets.path ? c->sets.path : c->file, number, err.text);
	problem_add_line(ps, line);
	return NULL;
}

/* commits: whether the configuration with only its first @count rules could be made live. Makes it so where it can:
 * for a scratch engine. */
static bool commits(const struct config *c, struct tables *t, unsigned count)
{
	struct problems none = { 0 };
	struct ruleset *rs = build(c, t, count, &none);
	struct rule_error err;
	bool good = rs && !tables_commit(t, rs, &err);

	if (rs && !good)
		tables_abort(t, rs);
	problems_free(&none);
	return good;
}

/* blame: reports @err at the first rule with which the whole does not commit any more (adding rules never heals it). */
static void blame(const struct config *c, const struct rule_error *err, struct problems *ps)
{
	const struct engine_limits limits = { { 64, 32, 64 }, { 64, 64, 16 } };
	struct engine *e = engine_create(&apply_silent_ops, NULL, &limits, 1);
	struct set_change *sets = e ? begin_sets(c, e->tables, ps) : NULL;
	unsigned good = 0, bad = c->rules_count;

	if (sets)
		sets_file_commit(sets);
	if (!sets || !bad || !commits(c, e->tables, 0)) {
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

int apply_commit_rules(const struct config *c, struct tables *t, struct problems *ps)
{
	struct set_change *sets = begin_sets(c, t, ps);
	struct ruleset *rs = sets ? build(c, t, c->rules_count, ps) : NULL;
	struct rule_error err;

	if (rs && !tables_commit(t, rs, &err)) {
		sets_file_commit(sets);
		return 0;
	}
	if (sets)
		sets_file_abort(sets);
	if (rs) {
		tables_abort(t, rs);
		blame(c, &err, ps);
	}
	return -1;
}
