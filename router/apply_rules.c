/* apply_rules.c - the sets, accounting objects and rules of a configuration as one transaction. */
#include "router/apply.h"

#include "tables/nfacct_file.h"
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

/* What the files beside the rules make; both or none. */
struct beside {
	struct set_change *sets;
	struct nfacct_change *objects;
};

/* blame_file: reports what is wrong with a file. @line: 0: not with one line. */
static void blame_file(const struct config *c, const struct config_file *f, unsigned line, const char *text, struct problems *ps)
{
	char message[CONFIG_PATH_MAX + 1024 + 16], number[16] = "";

	if (line)
		snprintf(number, sizeof number, ":%u", line);
	snprintf(message, sizeof message, "%s%s: %s", f->path ? f->path : c->file, number, text);
	problem_add_line(ps, message);
}

/* begin_beside: puts the sets and objects of the files in place. Return: false with problems, nothing being changed. */
static bool begin_beside(const struct config *c, struct tables *t, struct beside *b, struct problems *ps)
{
	struct nfacct_file_error object_error;
	struct set_file_error set_error;

	b->sets = sets_file_begin(t->sets, text_cstr(&c->sets.text), c->sets.text.len, &set_error);
	b->objects = nfacct_file_begin(t->nfaccts, text_cstr(&c->accounting.text), c->accounting.text.len, &object_error);
	if (!b->sets)
		blame_file(c, &c->sets, set_error.line, set_error.text, ps);
	if (!b->objects)
		blame_file(c, &c->accounting, object_error.line, object_error.text, ps);
	if (b->sets && b->objects)
		return true;
	if (b->sets)
		sets_file_abort(b->sets);
	if (b->objects)
		nfacct_file_abort(b->objects);
	return false;
}

/* commit_beside: keeps what begin_beside did. */
static void commit_beside(struct beside *b)
{
	sets_file_commit(b->sets);
	nfacct_file_commit(b->objects);
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
	unsigned good = 0, bad = c->rules_count;
	struct beside b;
	bool begun = e && begin_beside(c, e->tables, &b, ps);

	if (begun)
		commit_beside(&b);
	if (!begun || !bad || !commits(c, e->tables, 0)) {
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
	struct rule_error err;
	struct ruleset *rs;
	struct beside b;

	if (!begin_beside(c, t, &b, ps))
		return -1;
	rs = build(c, t, c->rules_count, ps);
	if (rs && !tables_commit(t, rs, &err)) {
		commit_beside(&b);
		return 0;
	}
	if (rs)
		tables_abort(t, rs); /* first: its rules may hold objects */
	sets_file_abort(b.sets);
	nfacct_file_abort(b.objects);
	if (rs)
		blame(c, &err, ps);
	return -1;
}
