/* tables.c - the instance: create, register, transactions.
 *
 * Life-cycle of a transaction
 *
 *     tables_begin -> ruleset_command... -> tables_commit: check, sort, adopt, compile
 *                                        |                 | settle, swap, free the old ruleset
 *                                        \-> tables_abort
 *
 *   The first row of a commit can fail and leaves the live ruleset as it was; the second cannot fail.
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
	if (!t->matches || !t->targets || !t->live || !t->sets || !t->nfaccts || ruleset_compile(t->live, &err)) {
		tables_destroy(t);
		return NULL;
	}
	return t;
}

void tables_destroy(struct tables *t)
{
	if (!t)
		return;
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
	struct ruleset *rs = from_live ? ruleset_clone(t, t->live) : ruleset_new(t);

	if (rs)
		rs->from_live = from_live;
	return rs;
}

void tables_abort(struct tables *t, struct ruleset *rs)
{
	ruleset_free(t, rs);
}

void ruleset_tag(struct ruleset *rs, uint32_t tag)
{
	rs->tag = tag;
}

/* settle_chain: the counters as the transaction wants them, jumps into the new ruleset, state begun. Cannot
 * fail. */
static void settle_chain(struct tables *t, struct chain *c, const struct chain *old)
{
	for (uint32_t i = 0; i < c->count; i++) {
		struct rule_entry *e = &c->entries[i];

		if (e->counted) {
			e->rule->packets = e->packets;
			e->rule->bytes = e->bytes;
		}
		e->counted = false;
		e->rule->jump = e->jump;
		rule_start(t, e->rule);
		if (e->rule->target && !strcmp(e->rule->target->name, "TRACE"))
			t->trace_used = true;
	}
	if (!c->counted && old) {
		c->packets = old->packets;
		c->bytes = old->bytes;
	}
	c->counted = false;
}

void tables_use(struct tables *t, enum table_id id)
{
	if (memchr(t->init_order, id, t->init_count))
		return;
	t->init_order[t->init_count++] = (uint8_t)id;
	t->used |= (uint8_t)(1u << id);
}

/* note_used: puts the tables that @rs names, in the order in which it did, into the order of ip_tables_names.
 */
static void note_used(struct tables *t, struct ruleset *rs)
{
	for (uint32_t touch = 1; touch <= rs->touches; touch++)
		for (int id = 0; id < TABLE_COUNT; id++)
			if (rs->table[id].touched == touch)
				tables_use(t, (enum table_id)id);
}

/* settle: makes @rs the live ruleset. Cannot fail. */
static void settle(struct tables *t, struct ruleset *rs)
{
	struct ruleset *old = t->live;

	t->trace_used = false;
	for (int id = 0; id < TABLE_COUNT; id++) {
		struct table *tb = &rs->table[id];

		for (uint32_t i = 0; i < tb->count; i++)
			settle_chain(t, tb->chains[i], chain_find(&old->table[id], tb->chains[i]->name));
	}
	note_used(t, rs);
	t->live = rs;
	t->generation++;
	ruleset_free(t, old);
}

/* attach_rules: lets the rules of @rs take what they share, in the order of the kernel's table. Return: 0, or -1 with
 * @err; what was taken goes with the ruleset. */
static int attach_rules(struct tables *t, struct ruleset *rs, struct rule_error *err)
{
	for (int id = 0; id < TABLE_COUNT; id++)
		for (uint32_t i = 0; i < rs->table[id].count; i++) {
			const struct chain *c = rs->table[id].chains[i];

			for (uint32_t k = 0; k < c->count; k++) {
				if (!rule_attach(t, c->entries[k].rule, err))
					continue;
				err->tag = c->entries[k].tag;
				return -1;
			}
		}
	return 0;
}

int tables_commit(struct tables *t, struct ruleset *rs, struct rule_error *err)
{
	*err = (struct rule_error){ 0 };
	for (int id = 0; id < TABLE_COUNT; id++) {
		if (table_check(rs, (enum table_id)id, err))
			return -1;
		table_sort(&rs->table[id]);
	}
	if (ruleset_adopt(t, rs, err) || ruleset_compile(rs, err) || attach_rules(t, rs, err))
		return -1;
	settle(t, rs);
	return 0;
}

void tables_names(const struct tables *t, struct text *out)
{
	for (int i = t->init_count; i-- > 0;)
		text_printf(out, "%s\n", table_names[t->init_order[i]]);
}
