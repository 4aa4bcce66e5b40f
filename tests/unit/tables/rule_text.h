/* rule_text.h - rows that say how iptables saves, lists or refuses a rule, and the test that runs them. */
#ifndef TESTS_UNIT_TABLES_RULE_TEXT_H
#define TESTS_UNIT_TABLES_RULE_TEXT_H

#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "conntrack/helper.h"
#include "netstack/text.h"
#include "tables/tables.h"
#include "tests/unit/craft.h"

struct text_row {
	enum table_id table;
	const char *chain, *rule;
	const char *save;  /* line of -S */
	const char *list;  /* line of -nL */
	const char *names; /* line of -L */
	int code;          /* exit status where it is refused */
	bool blank;
	const char *error;
	bool once; /* iptables saves it as something else, so it is not read again */
};

struct bench {
	struct world world;
	struct netstack *ns;
	struct conntrack *ctk;
	struct tables *tables;
	const char *before; /* iptables-save text of rules that are there besides; NULL: none */
};

static enum verdict no_help(void *instance, struct conntrack *ctk, struct pkt *p, struct ct_entry *ct)
{
	(void)instance;
	(void)ctk;
	(void)p;
	(void)ct;
	return VERDICT_ACCEPT;
}

static inline void bench_begin(struct bench *b)
{
	static const struct netstack_limits limits = { 64, 8, 64 };
	static const struct ct_limits ct_limits = { 64, 64, 8 };
	static const struct ct_helper ftp = { .name = "ftp", .family = FAMILY_IP4, .proto = IP_PROTO_TCP,
					      .classes = 1, .help = no_help };

	memset(b, 0, sizeof *b);
	b->ns = netstack_create(&world_ops, &b->world, NULL, &limits);
	assert_non_null(b->ns);
	b->ns->now = 1000000000000ull;
	b->ctk = conntrack_create(b->ns, &ct_limits);
	assert_non_null(b->ctk);
	assert_int_equal(ct_helper_register(b->ctk, &ftp, NULL), 0);
	b->tables = tables_create(b->ns, b->ctk);
	assert_non_null(b->tables);
}

static inline void bench_end(struct bench *b)
{
	world_clear(&b->world);
	tables_destroy(b->tables);
	conntrack_destroy(b->ctk);
	assert_int_equal(netstack_destroy(b->ns), 0);
}

/* bench_load: replaces the live rules by one line, quoted as in a shell or (@saved) as in iptables-save.
 * Return: 0, or -1 with @err. */
static inline int bench_load(struct bench *b, enum table_id table, const char *line, bool saved,
			     struct rule_error *err)
{
	struct ruleset *rs = tables_begin(b->tables, false);
	char all[4096];
	int bad;

	*err = (struct rule_error){ 0 };
	assert_non_null(rs);
	snprintf(all, sizeof all, "*%s\n%s\nCOMMIT\n", table_name(table), line);
	if (b->before)
		assert_int_equal(ruleset_restore(b->tables, rs, b->before, "before", false, false, err), 0);
	bad = saved ? ruleset_restore(b->tables, rs, all, "saved", b->before, false, err)
		    : ruleset_line(b->tables, rs, table, line, false, err);
	if (!bad && !tables_commit(b->tables, rs, err))
		return 0;
	tables_abort(b->tables, rs);
	return -1;
}

/* bench_clear: no rules any more, so that nothing they share lives on. */
static inline void bench_clear(struct bench *b)
{
	struct ruleset *rs = tables_begin(b->tables, false);
	struct rule_error err;

	assert_non_null(rs);
	assert_int_equal(tables_commit(b->tables, rs, &err), 0);
}

/* line_of: line @n of a text, from 0. */
static inline const char *line_of(const struct text *t, unsigned n, char *buf, size_t size)
{
	const char *at = text_cstr(t);

	for (; n && at; n--)
		at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL;
	snprintf(buf, size, "%.*s", at ? (int)strcspn(at, "\n") : 0, at ? at : "");
	return buf;
}

/* expect_text: counts and tells a difference. */
static inline unsigned expect_text(const struct text_row *r, const char *what, const char *got, const char *want)
{
	if (!strcmp(got, want))
		return 0;
	print_message("%s: %s\n  got  [%s]\n  want [%s]\n", r->rule, what, got, want);
	return 1;
}

/* check_lists: -nL and -L of the one rule. */
static inline unsigned check_lists(struct bench *b, const struct text_row *r)
{
	bool services = getservbyname("http", "tcp") != NULL;
	struct text t = { 0 };
	char line[2048];
	unsigned bad;

	tables_list(b->tables, r->table, r->chain, LIST_NUMERIC, &t);
	bad = expect_text(r, "-nL", line_of(&t, 2, line, sizeof line), r->list);
	text_free(&t);
	tables_list(b->tables, r->table, r->chain, 0, &t);
	if (services) /* without a list of services there are no names to print */
		bad += expect_text(r, "-L", line_of(&t, 2, line, sizeof line), r->names);
	text_free(&t);
	return bad;
}

/* check_texts: -S and the lists of what is live. Return: differences. */
static inline unsigned check_texts(struct bench *b, const struct text_row *r)
{
	struct text t = { 0 };
	char line[2048];
	unsigned bad;

	tables_list_rules(b->tables, r->table, r->chain, 1, false, &t);
	bad = expect_text(r, "-S", line_of(&t, 0, line, sizeof line), r->save);
	text_free(&t);
	return bad + check_lists(b, r);
}

/* check_row: one row; what it saves is read again and gives the same. Return: differences. */
static inline unsigned check_row(struct bench *b, const struct text_row *r)
{
	struct rule_error err;
	char line[2048];
	unsigned bad;

	bench_clear(b);
	snprintf(line, sizeof line, "-A %s %s", r->chain, r->rule);
	if (bench_load(b, r->table, line, false, &err)) {
		bad = expect_text(r, "error", err.text, r->error ? r->error : "(none)");
		if (err.code != r->code || err.blank != r->blank)
			bad += expect_text(r, "code and blank", "other", "right");
		return bad;
	}
	if (r->error)
		return expect_text(r, "error", "(taken)", r->error);
	bad = check_texts(b, r);
	if (r->once)
		return bad;
	if (bench_load(b, r->table, r->save, true, &err))
		return bad + expect_text(r, "saved and read again", err.text, "(taken)");
	return bad + check_texts(b, r);
}

/* check_rows: all rows. check_rows_after: with other rules there. */
static inline void check_rows_after(const char *before, const struct text_row *rows, size_t count)
{
	struct bench b;
	unsigned bad = 0;

	bench_begin(&b);
	b.before = before;
	for (size_t i = 0; i < count; i++)
		bad += check_row(&b, &rows[i]);
	bench_end(&b);
	assert_int_equal(bad, 0);
}
static inline void check_rows(const struct text_row *rows, size_t count)
{
	check_rows_after(NULL, rows, count);
}

#endif
