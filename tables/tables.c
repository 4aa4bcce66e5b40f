/* tables.c - the instance: create, register, transactions.
 *
 * Life-cycle of a transaction
 *
 *     tables_begin -> ruleset_command... -> tables_commit (commit.c)
 *                                        \-> tables_abort
 *
 * Linux parity: libiptc, ip_tables.c do_replace. Deliberate differences: counters of policies survive a change elsewhere
 *   in the table (libiptc loses them); run-time state of matches survives as counters do; a reload (a transaction not
 *   begun from the live ruleset) keeps the counters of rules whose text did not change, where iptables-restore starts
 *   at 0.
 */
#include <errno.h>
#include <stdlib.h>

#include "netstack/netstack.h"
#include "tables/nfacct.h"
#include "tables/set.h"
#include "tables/tables_int.h"

static const char *const table_names[TABLE_COUNT] = {
#define X(id, name, drop) [TABLE_##id] = name,
	TABLES(X)
#undef X
};

enum table_id table_find(const char *name)
{
	int id = 0;

	while (id < TABLE_COUNT && strcmp(table_names[id], name))
		id++;
	return (enum table_id)id;
}

const char *table_name(enum table_id id)
{
	return table_names[id];
}

/* list_length: entries of a NULL-terminated list of pointers. */
static size_t list_length(const void *const *list)
{
	size_t n = 0;

	while (list[n])
		n++;
	return n;
}

/* list_copy: an allocated copy with room for @extra more. Return: NULL without memory. */
static void *list_copy(const void *const *list, size_t extra)
{
	size_t n = list_length(list);
	const void **copy = calloc(n + extra + 1, sizeof *copy);

	if (copy)
		memcpy(copy, list, n * sizeof *copy);
	return copy;
}

/* live_compile: the first ruleset, which has no rules. Return: 0 or -1. */
static int live_compile(struct tables *t, struct rule_error *err)
{
	for (int id = 0; id < TABLE_COUNT; id++)
		if (compile_begin(&t->live->table[id], err) || compile_end(&t->live->table[id], err))
			return -1;
	return 0;
}

struct tables *tables_create(struct netstack *ns, struct conntrack *ctk)
{
	struct tables *t = calloc(1, sizeof *t);
	struct rule_error err = { 0 };

	if (!t)
		return NULL;
	t->ns = ns;
	t->ctk = ctk;
	t->matches = list_copy((const void *const *)match_ops_all, 0);
	t->targets = list_copy((const void *const *)target_ops_all, 0);
	t->live = ruleset_new(t);
	t->sets = sets_create(t, ns);
	t->nfaccts = nfaccts_create(ns);
	proto_names_load(t);
	if (!t->matches || !t->targets || !t->live || !t->sets || !t->nfaccts || live_compile(t, &err)) {
		tables_destroy(t);
		return NULL;
	}
	return t;
}

void tables_destroy(struct tables *t)
{
	if (!t)
		return;
	tables_rest_all(t);
	ruleset_free(t, t->live);
	free(t->matches);
	free(t->targets);
	sets_destroy(t->sets);
	nfaccts_destroy(t->nfaccts);
	free(t->proto_names);
	free(t);
}

int tables_register_match(struct tables *t, const struct match_ops *ops)
{
	const struct match_ops **more;
	size_t n = list_length((const void *const *)t->matches);

	if (match_ops_find(t, ops->name))
		return -EEXIST;
	more = list_copy((const void *const *)t->matches, 1);
	if (!more)
		return -ENOMEM;
	more[n] = ops;
	free(t->matches);
	t->matches = more;
	return 0;
}

int tables_register_target(struct tables *t, const struct target_ops *ops)
{
	const struct target_ops **more;
	size_t n = list_length((const void *const *)t->targets);

	if (target_ops_find(t, ops->name))
		return -EEXIST;
	more = list_copy((const void *const *)t->targets, 1);
	if (!more)
		return -ENOMEM;
	more[n] = ops;
	free(t->targets);
	t->targets = more;
	return 0;
}

struct ruleset *tables_begin(struct tables *t, bool from_live)
{
	struct ruleset *rs = from_live ? calloc(1, sizeof *rs) : ruleset_new(t);

	tables_settle_all(t); /* what is copied must be what it will be */
	if (rs)
		rs->from_live = from_live;
	if (rs)
		rs->owner = t;
	return rs;
}

void tables_abort(struct tables *t, struct ruleset *rs)
{
	if (rs && t->committing == rs)
		t->committing = NULL;
	ruleset_free(t, rs);
}

void tables_abort_later(struct tables *t, struct ruleset *rs)
{
	if (!rs)
		return;
	if (t->committing == rs)
		t->committing = NULL;
	rs->next_dead = t->dead;
	t->dead = rs;
}

void ruleset_tag(struct ruleset *rs, uint32_t tag)
{
	rs->tag = tag;
}

void tables_use(struct tables *t, enum table_id id)
{
	if (memchr(t->init_order, id, t->init_count))
		return;
	t->init_order[t->init_count++] = (uint8_t)id;
	t->used |= (uint8_t)(1u << id);
}

void tables_names(const struct tables *t, struct text *out)
{
	for (int i = t->init_count; i-- > 0;)
		text_printf(out, "%s\n", table_names[t->init_order[i]]);
}
