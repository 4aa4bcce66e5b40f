/* check.c - whether a table may go live: no loops, nothing outside the hooks, tables and protocols it is made
 * for.
 *
 * Linux parity: ip_tables.c mark_source_chains (only what a hook reaches is looked at: a loop that no hook
 * reaches stays unnoticed until something jumps there) and x_tables.c xt_check_match, xt_check_target.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables/tables_int.h"

/* One chain on the path of the depth-first search. */
struct step {
	struct chain *chain;
	uint32_t index;
};

/* The marks of a search: which hooks reach a chain; whether it is on the path, whether it was finished. */
static void marks_clear(struct table *tb)
{
	for (uint32_t i = 0; i < tb->count; i++) {
		tb->chains[i]->hook_mask = 0;
		tb->chains[i]->on_path = tb->chains[i]->done = false;
	}
}

/* next_jump: the next chain that the one on top of the path jumps to. Return: NULL at its end. */
static struct chain *next_jump(struct step *s)
{
	while (s->chain->jumps && s->index < s->chain->count) {
		struct chain *to = s->chain->entries[s->index++].jump;

		if (to)
			return to;
	}
	return NULL;
}

/* loop_fail: says where the loop closes. Return: -1. */
static int loop_fail(const struct step *s, const struct chain *to, struct rule_error *err)
{
	rule_fail_errno(err, ELOOP);
	err->tag = s->chain->entries[s->index - 1].tag;
	return rule_fail_detail(err, "rule %u of chain %s jumps back into %s", s->index, s->chain->name,
				to->name);
}

/* find_loop: a depth-first search from one built-in chain. @path: room for all chains. Return: 0, or -1 with
 * @err. */
static int find_loop(struct chain *from, struct step *path, struct rule_error *err)
{
	uint32_t depth = 1;

	path[0] = (struct step){ from, 0 };
	from->on_path = true;
	while (depth) {
		struct chain *to = next_jump(&path[depth - 1]);

		if (!to) {
			path[--depth].chain->on_path = false;
			path[depth].chain->done = true;
		} else if (to->on_path) {
			return loop_fail(&path[depth - 1], to, err);
		} else if (!to->done) {
			to->on_path = true;
			path[depth++] = (struct step){ to, 0 };
		}
	}
	return 0;
}

/* mark_reached: notes in all chains reached from @from that @hook reaches them. There are no loops. */
static void mark_reached(struct chain *from, int hook, struct step *path)
{
	uint32_t depth = 1;

	path[0] = (struct step){ from, 0 };
	from->hook_mask |= (uint8_t)(1u << hook);
	while (depth) {
		struct chain *to = next_jump(&path[depth - 1]);

		if (!to) {
			depth--;
		} else if (!(to->hook_mask >> hook & 1)) {
			to->hook_mask |= (uint8_t)(1u << hook);
			path[depth++] = (struct step){ to, 0 };
		}
	}
}

/* What xt_check_match and xt_check_target look at, of either. */
struct limits {
	const char *what, *name;
	uint8_t proto, hooks, tables;
};

/* hooks_text: the names of the hooks in @mask, blanks between. */
static const char *hooks_text(uint8_t mask, char *buf, size_t size)
{
	struct text out = text_over(buf, size);

	for (int h = 0; h < HOOK_COUNT; h++)
		if (mask >> h & 1)
			text_printf(&out, "%s%s", out.len ? " " : "", hook_name((enum hook)h));
	return text_cstr(&out);
}

/* check_limits: whether a match or target may stand in this rule of this chain. Return: 0, or -1 with @err.
 */
static int check_limits(const struct limits *l, enum table_id id, const struct chain *c, uint32_t index,
			struct rule_error *err)
{
	const struct rule_entry *e = &c->entries[index];
	const struct rule_spec *spec = &e->rule->spec;
	uint8_t wrong = l->hooks ? c->hook_mask & (uint8_t)~l->hooks : 0;
	char has[64], may[64];

	if (!(l->tables && !(l->tables >> id & 1)) && !wrong &&
	    !(l->proto && (l->proto != spec->proto || spec->invert & INV_PROTO)))
		return 0;
	rule_fail_errno(err, EINVAL);
	err->tag = e->tag;
	if (l->tables && !(l->tables >> id & 1))
		return rule_fail_detail(err, "%s %s in rule %u of chain %s: not allowed in table %s", l->what,
					l->name, index + 1, c->name, table_name(id));
	if (wrong)
		return rule_fail_detail(
			err, "%s %s in rule %u of chain %s: used from %s, but only valid from %s", l->what,
			l->name, index + 1, c->name, hooks_text(wrong, has, sizeof has),
			hooks_text(l->hooks, may, sizeof may));
	return rule_fail_detail(err, "%s %s in rule %u of chain %s: needs -p with protocol %u", l->what,
				l->name, index + 1, c->name, l->proto);
}

/* check_neighbours: what a target asks of the rest of its rule. Return: 0, or -1 with @err. */
static int check_neighbours(const struct chain *c, uint32_t index, struct rule_error *err)
{
	const struct rule *r = c->entries[index].rule;
	const char *wrong = r->target->check_rule ? r->target->check_rule(r) : NULL;

	if (!wrong)
		return 0;
	rule_fail_errno(err, EINVAL);
	err->tag = c->entries[index].tag;
	return rule_fail_detail(err, "target %s in rule %u of chain %s: %s", r->target->name, index + 1, c->name, wrong);
}

/* rule_check: what was put off until now, then all matches and the target of a rule. Return: 0, or -1 with @err. */
int rule_check(enum table_id id, const struct chain *c, uint32_t index, struct rule_error *err)
{
	const struct rule *r = c->entries[index].rule;

	if (r->refusal) {
		*err = *r->refusal;
		err->tag = c->entries[index].tag;
		return -1;
	}
	for (unsigned i = 0; i < r->match_count; i++) {
		const struct match_ops *m = r->match[i].ops;
		const struct limits l = { "match", m->name, m->proto, match_hooks(m, r->match[i].data),
					  m->tables };

		if (check_limits(&l, id, c, index, err))
			return -1;
	}
	if (r->target) {
		const struct limits l = { "target", r->target->name, r->target->proto,
					  target_hooks(r->target, r->target_data), r->target->tables };

		return check_limits(&l, id, c, index, err) ? -1 : check_neighbours(c, index, err);
	}
	return 0;
}

/* search: loops first, then reachability. Return: 0, or -1 with @err. */
static int search(struct table *tb, struct step *path, struct rule_error *err)
{
	for (int h = 0; h < HOOK_COUNT; h++)
		if (tb->base[h] && find_loop(tb->base[h], path, err))
			return -1;
	for (int h = 0; h < HOOK_COUNT; h++)
		if (tb->base[h])
			mark_reached(tb->base[h], h, path);
	return 0;
}

/* table_search: loops, and which hooks reach which chain, which rule_check looks at. Return: 0, or -1 with @err. */
int table_search(struct table *tb, struct rule_error *err)
{
	struct step *path = malloc((tb->count + 1) * sizeof *path);
	int result;

	if (!path)
		return rule_fail_errno(err, ENOMEM);
	marks_clear(tb);
	result = search(tb, path, err);
	free(path);
	return result;
}
