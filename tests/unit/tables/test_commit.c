/* test_commit.c - rules that go live, and are printed, a few at a time, with packets and other people's commands in between. */
#include <string.h>

#include "tables/set.h"
#include "tests/unit/tables/scene.h"

static const char after[] = "*filter\n:FORWARD DROP [0:0]\n:one - [0:0]\n:two - [0:0]\n-A FORWARD -p tcp -j two\n"
			    "-A FORWARD -s 10.1.0.1 -j ACCEPT\n-A one -j two\n-A two -j RETURN\nCOMMIT\n";
static const char prepare[] = "*filter\n:FORWARD ACCEPT [0:0]\n:one - [0:0]\n-A FORWARD -s 10.1.0.1 -j ACCEPT\n"
			      "-A FORWARD -m limit --limit 1/min --limit-burst 1000 -j one\nCOMMIT\n"
			      "*mangle\n-A FORWARD -j MARK --set-mark 1\nCOMMIT\n";

/* pass: a UDP packet through mangle and filter at FORWARD. */
static void pass(struct scene *s)
{
	const struct hook_state st = { .hook = HOOK_FORWARD, .in = s->lan, .out = s->wan };
	const struct craft c = { .src = "10.1.0.1", .dst = "10.2.0.1", .sport = 1, .dport = 2 };
	struct pkt *p = craft_packet(s->ns->pool, &c);

	assert_int_equal(tables_mangle(s->t, p, &st), VERDICT_ACCEPT);
	assert_int_equal(tables_filter(s->t, p, &st), VERDICT_ACCEPT);
	pkt_free(p);
}

/* packets: what the one rule with @part in its text has counted. */
static unsigned packets(struct scene *s, const char *part)
{
	struct text out = scene_save(s, true);
	char *at = strstr(out.data, part);
	unsigned n = 0;

	assert_non_null(at);
	while (at > out.data && at[-1] != '\n')
		at--;
	assert_int_equal(sscanf(at, "[%u:", &n), 1);
	text_free(&out);
	return n;
}

/* text_of: -S of the table filter. Return: the caller's. */
static char *text_of(struct scene *s)
{
	struct text out = { 0 };
	char *copy;

	assert_int_equal(tables_list_rules(s->t, TABLE_FILTER, NULL, 0, false, &out), 0);
	copy = strdup(text_cstr(&out));
	text_free(&out);
	return copy;
}

/* run: a whole restore, a line or a few rules at each step, @between called after each. Return: its result. */
static int run(struct scene *s, const char *text, bool noflush, void (*between)(struct scene *s, unsigned step))
{
	const struct restore_options o = { .noflush = noflush };
	struct text said = { 0 };
	char *copy = strdup(text);
	struct restore *r = restore_start(s->t, copy, &o);
	unsigned step = 0;
	int result;

	assert_non_null(r);
	while ((result = restore_go(r, 1, &said, &said, &s->err)) > 0) {
		assert_true(step < 1000);
		if (between)
			between(s, step++);
	}
	restore_end(r);
	free(copy);
	text_free(&said);
	return result;
}

static unsigned passed;
static void count(struct scene *s, unsigned step)
{
	(void)step;
	pass(s);
	passed++;
}

/* Every packet that passes while the rules are exchanged is counted in the rules that stay, those of the other table included. */
static void test_counters(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	assert_int_equal(scene_restore(s, prepare, false, false, false), 0);
	passed = 0;
	assert_int_equal(run(s, after, false, count), 0);
	assert_true(passed > 10);
	assert_int_equal(packets(s, "-s 10.1.0.1/32 -j ACCEPT"), passed);
	assert_int_equal(packets(s, "-j MARK"), passed);
	assert_int_equal(run(s, "*filter\n-I FORWARD -p sctp -j DROP\nCOMMIT\n", true, count), 0);
	assert_int_equal(packets(s, "-s 10.1.0.1/32 -j ACCEPT"), passed);
	pass(s);
	assert_int_equal(packets(s, "-s 10.1.0.1/32 -j ACCEPT"), passed + 1);
	scene_close(s);
}

/* The budget: one call does no more than it was asked to, however many rules there are; a table that is not named costs
 * nothing. */
static void test_budget(void **state)
{
	enum { RULES = 3000, BUDGET = 100 };
	struct scene *s = scene_open();
	struct text text = { 0 };
	struct ruleset *rs;
	unsigned calls = 0;
	int result;

	(void)state;
	text_puts(&text, "*filter\n");
	for (unsigned i = 0; i < RULES; i++)
		text_printf(&text, "-A FORWARD -s 10.0.%u.%u -j DROP\n", i >> 8, i & 255);
	text_puts(&text, "COMMIT\n");
	rs = tables_begin(s->t, false);
	assert_int_equal(ruleset_restore(s->t, rs, text.data, "t", false, false, &s->err), 0);
	while ((result = tables_commit_some(s->t, rs, BUDGET, &s->err)) == 1)
		calls++;
	assert_int_equal(result, 0);
	assert_true(calls >= 3 * RULES / BUDGET && calls < 8 * RULES / BUDGET);
	rs = tables_begin(s->t, true);
	assert_int_equal(ruleset_line(s->t, rs, TABLE_NAT, "-A POSTROUTING -p udp", false, &s->err), 0);
	assert_int_equal(tables_commit_some(s->t, rs, BUDGET, &s->err), 0);
	assert_false(tables_rest(s->t, BUDGET)); /* of the old ruleset nothing is left but the table that changed */
	for (calls = 0; tables_rest(s->t, BUDGET); calls++)
		;
	assert_int_equal(scene_restore(s, "*filter\nCOMMIT\n", true, false, false), 0);
	text_free(&text);
	scene_close(s);
}

static void interfere(struct scene *s, unsigned step)
{
	char line[64];

	snprintf(line, sizeof line, "-A two -m mark --mark %u", step);
	if (step % 5 == 4 && step < 40)
		assert_int_equal(scene_line(s, step == 4 ? "-N two" : line, false), 0);
}

/* Others change the rules between any two steps: both ends are there, in the order in which they came. */
static void test_overtaken(void **state)
{
	struct scene *s = scene_open();
	char *text;

	(void)state;
	assert_int_equal(scene_restore(s, prepare, false, false, false), 0);
	assert_int_equal(run(s, "*filter\n-A FORWARD -p udp -j DROP\n-A FORWARD -p tcp -j DROP\nCOMMIT\n", true, interfere), 0);
	text = text_of(s);
	assert_non_null(strstr(text, "-A FORWARD -p udp -j DROP\n-A FORWARD -p tcp -j DROP\n"));
	assert_non_null(strstr(text, "-A two -m mark --mark 0x9\n"));
	assert_null(strstr(strstr(text, "-p udp -j DROP") + 1, "-p udp -j DROP"));
	free(text);
	scene_close(s);
}

/* Two commits in pieces at once: the second waits; one that comes at once goes first and the other is told. */
static void test_two_commits(void **state)
{
	struct scene *s = scene_open();
	struct ruleset *a, *b;
	int result;

	(void)state;
	assert_int_equal(scene_restore(s, prepare, false, false, false), 0);
	a = tables_begin(s->t, true);
	b = tables_begin(s->t, true);
	assert_int_equal(ruleset_line(s->t, a, TABLE_FILTER, "-A FORWARD -p 50", false, &s->err), 0);
	assert_int_equal(ruleset_line(s->t, b, TABLE_FILTER, "-A FORWARD -p 51", false, &s->err), 0);
	assert_int_equal(tables_commit_some(s->t, a, 2, &s->err), 1);
	for (unsigned i = 0; i < 50; i++)
		assert_int_equal(tables_commit_some(s->t, b, 2, &s->err), 1);
	assert_int_equal(scene_line(s, "-A FORWARD -p 52", false), 0);
	assert_int_equal(tables_commit_some(s->t, a, 2, &s->err), TABLES_OVERTAKEN);
	tables_abort_later(s->t, a);
	while ((result = tables_commit_some(s->t, b, 2, &s->err)) == 1)
		;
	assert_int_equal(result, 0);
	scene_close(s);
}

/* Given up at every step: what was live stays, and nothing keeps a hold on what the rules would have used. */
static void test_given_up(void **state)
{
	static const char text[] = "*filter\n-A FORWARD -m set --match-set x src -j SET --add-set x dst\n"
				   "-A FORWARD -m hashlimit --hashlimit-upto 5/sec --hashlimit-name h\nCOMMIT\n";
	const struct restore_options o = { 0 };
	struct scene *s = scene_open();
	struct set_create c = { 0 };
	char *was, *is;
	bool live = false;

	(void)state;
	assert_int_equal(scene_restore(s, prepare, false, false, false), 0);
	assert_int_equal(set_make(s->t->sets, "x", set_type_find("hash:ip"), &c, false), 0);
	was = text_of(s);
	for (unsigned steps = 0; !live; steps++) {
		struct text said = { 0 };
		char *copy = strdup(text);
		struct restore *r = restore_start(s->t, copy, &o);
		uint32_t generation = s->t->generation;

		assert_true(steps < 1000);
		for (unsigned i = 0; i < steps && restore_go(r, 1, &said, &said, &s->err) > 0; i++)
			;
		live = s->t->generation != generation;
		restore_end(r);
		free(copy);
		text_free(&said);
		is = text_of(s);
		assert_int_equal(!strcmp(was, is), !live);
		assert_int_equal(set_find(s->t->sets, "x")->refs, live ? 2 : 0);
		free(is);
		pass(s);
	}
	free(was);
	scene_close(s);
}

/* A mistake behind a COMMIT, a loop, a rule the kernel refuses: found in pieces as at once. */
static void test_mistakes(void **state)
{
	static const struct {
		const char *text;
		unsigned line;
	} rows[] = {
		{ "*filter\n:a - [0:0]\n:b - [0:0]\n-A FORWARD -j a\n-A a -j b\n-A b -j a\nCOMMIT\n", 7 },
		{ "*filter\n-A FORWARD -j DROP\nCOMMIT\n*nat\n-A POSTROUTING -j NOPE\nCOMMIT\n", 5 },
		{ "*filter\n-A FORWARD -j DSCP --set-dscp 1\nCOMMIT\n", 3 },
		{ "*filter\n-A FORWARD -j DROP\n", 3 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene *s = scene_open();

		assert_int_equal(scene_restore(s, prepare, false, false, false), 0);
		assert_int_equal(run(s, rows[i].text, false, NULL), -1);
		if (s->err.line != rows[i].line)
			fail_msg("row %zu: line %u: %s", i, s->err.line, s->err.text);
		scene_close(s);
	}
}

/* Counters that the transaction gives to rules that stay, with and without state of their own. */
static void test_given_counters(void **state)
{
	const struct restore_options o = { .counters = true };
	struct scene *s = scene_open();
	struct text said = { 0 };
	char text[] = "*filter\n:FORWARD ACCEPT [5:6]\n:one - [0:0]\n[7:8] -A FORWARD -s 10.1.0.1 -j ACCEPT\n"
		      "[9:10] -A FORWARD -m limit --limit 1/min --limit-burst 1000 -j one\nCOMMIT\n";
	struct restore *r;

	(void)state;
	assert_int_equal(scene_restore(s, prepare, false, false, false), 0);
	pass(s);
	r = restore_start(s->t, text, &o);
	while (restore_go(r, 1, &said, &said, &s->err) > 0)
		;
	restore_end(r);
	assert_int_equal(packets(s, "-s 10.1.0.1/32"), 7);
	assert_int_equal(packets(s, "-m limit"), 9);
	assert_int_equal(packets(s, "-j MARK"), 1);
	text_free(&said);
	scene_close(s);
}

/* A listing that holds its table prints what was there, whatever goes live and dies meanwhile. */
static void test_listing(void **state)
{
	static const enum listing_kind kinds[] = { LISTING_TABLE, LISTING_RULES, LISTING_SAVE };
	struct text big = { 0 };

	(void)state;
	text_puts(&big, "*filter\n:x - [0:0]\n");
	for (unsigned i = 0; i < 200; i++)
		text_printf(&big, "-A %s -s 10.0.0.%u -j DROP\n", i % 2 ? "FORWARD" : "x", i);
	text_puts(&big, "COMMIT\n");
	for (size_t k = 0; k < 2 * sizeof kinds / sizeof *kinds; k++) {
		const struct listing_how how = { .kind = kinds[k / 2], .id = k % 2 ? TABLE_FILTER : TABLE_COUNT,
						 .flags = LIST_VERBOSE | LIST_NUMERIC };
		struct listing_how fixed = how;
		struct scene *s = scene_open();
		struct text whole = { 0 }, pieces = { 0 };
		struct listing *l;

		if (how.kind != LISTING_SAVE)
			fixed.id = TABLE_FILTER;
		assert_int_equal(scene_restore(s, big.data, false, false, false), 0);
		l = listing_start(s->t, &fixed);
		while (listing_go(l, &whole))
			;
		listing_end(l);
		l = listing_start(s->t, &fixed);
		for (unsigned step = 0; listing_go(l, &pieces); step++)
			if (step == 3)
				assert_int_equal(scene_restore(s, prepare, false, false, false), 0);
			else if (step == 5)
				assert_int_equal(scene_line(s, "-t mangle -A FORWARD -p udp", false), 0);
		assert_string_equal(text_cstr(&pieces), text_cstr(&whole));
		assert_non_null(s->t->dead);
		listing_end(l);
		tables_rest_all(s->t);
		assert_null(s->t->dead);
		text_free(&whole);
		text_free(&pieces);
		scene_close(s);
	}
	text_free(&big);
}

/* One that holds nothing says that the rules changed, and never looks at what is gone. */
static void test_loose_listing(void **state)
{
	const struct listing_how how = { .kind = LISTING_SAVE, .id = TABLE_FILTER };
	struct scene *s = scene_open();
	struct text out = { 0 };
	struct listing *l;

	(void)state;
	assert_int_equal(scene_restore(s, prepare, false, false, false), 0);
	l = listing_loose(s->t, &how);
	assert_true(listing_go(l, &out));
	assert_int_equal(scene_restore(s, after, false, false, false), 0);
	assert_false(listing_go(l, &out));
	assert_string_equal(text_cstr(&out), "*filter\n# The rules changed while they were read: read them again.\n");
	free(l);
	text_free(&out);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters), cmocka_unit_test(test_budget), cmocka_unit_test(test_overtaken),
		cmocka_unit_test(test_two_commits), cmocka_unit_test(test_given_up), cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_given_counters), cmocka_unit_test(test_listing), cmocka_unit_test(test_loose_listing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
