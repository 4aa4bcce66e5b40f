/* scene.h - one instance of tables for a test, with ports, and short ways to give it rules and read them back. */
#ifndef TESTS_UNIT_TABLES_SCENE_H
#define TESTS_UNIT_TABLES_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "netstack/text.h"
#include "tables/extension.h"
#include "tests/unit/craft.h"

struct scene {
	struct world world;
	struct netstack *ns;
	struct tables *t;
	struct port *lan, *wan;
	struct rule_error err;
};

static inline struct scene *scene_open(void)
{
	static const uint8_t mac[MAC_LEN] = { 2, 0, 0, 0, 0, 1 };
	struct scene *s = calloc(1, sizeof *s);

	assert_non_null(s);
	s->ns = netstack_create(&world_ops, &s->world, NULL, NULL);
	assert_non_null(s->ns);
	s->t = tables_create(s->ns, NULL);
	assert_non_null(s->t);
	s->lan = port_add(s->ns, "lan", mac, 1500);
	s->wan = port_add(s->ns, "wan0", mac, 1500);
	assert_non_null(s->wan);
	return s;
}

static inline void scene_close(struct scene *s)
{
	tables_destroy(s->t);
	assert_int_equal(netstack_destroy(s->ns), 0);
	world_clear(&s->world);
	free(s);
}

/* scene_restore: an iptables-save text into a new or the live ruleset, committed. Return: 0, or -1 with s->err. */
static inline int scene_restore(struct scene *s, const char *text, bool from_live, bool noflush, bool counters)
{
	struct ruleset *rs = tables_begin(s->t, from_live);

	assert_non_null(rs);
	if (!ruleset_restore(s->t, rs, text, "test", noflush, counters, &s->err) && !tables_commit(s->t, rs, &s->err))
		return 0;
	tables_abort(s->t, rs);
	return -1;
}

/* scene_line: one command line in a transaction of its own. "-t TABLE" may stand first. Return: 0 or -1 with s->err. */
static inline int scene_line(struct scene *s, const char *line, bool make_chains)
{
	struct ruleset *rs = tables_begin(s->t, true);
	enum table_id id = TABLE_FILTER;
	char table[32];
	int used = 0;

	assert_non_null(rs);
	if (sscanf(line, "-t %31s%n", table, &used) == 1)
		id = table_find(table);
	if (!ruleset_line(s->t, rs, id, line + used, make_chains, &s->err) && !tables_commit(s->t, rs, &s->err))
		return 0;
	tables_abort(s->t, rs);
	return -1;
}

/* scene_save: iptables-save [-c] without stamps. Caller frees with text_free. */
static inline struct text scene_save(struct scene *s, bool counters)
{
	struct text out = { 0 };

	tables_save(s->t, TABLE_COUNT, counters, NULL, &out);
	return out;
}

#endif
