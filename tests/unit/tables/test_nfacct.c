/* test_nfacct.c - accounting objects: the text of rules that name them, quotas, references, lists in pieces, what restore
 * takes beyond the real tool. All else that nfacct(8) prints is compared with it by tests/functional/test_nfacct.py. */
#include <errno.h>

#include "tables/nfacct.h"
#include "tests/unit/tables/rule_text.h"

#define LONGEST "0123456789012345678901234567890"

static void add(struct bench *b, const char *name, uint8_t flags, uint64_t quota)
{
	const struct nfacct_counts counts = { .flags = flags, .quota = quota };

	assert_int_equal(nfacct_add(b->tables->nfaccts, name, &counts), 0);
}

/* --- rules as text ---------------------------------------------------------------------------------------------------- */

#define ROW(text)                                                                                   \
	.save = "-A FORWARD -m nfacct --nfacct-name  " text,                                        \
	.list = "           0    --  0.0.0.0/0            0.0.0.0/0            nfacct-name  " text, \
	.names = "           all  --  anywhere             anywhere             nfacct-name  " text

/* Recorded from iptables 1.8.9; the two blanks are its own. */
static const struct text_row rule_rows[] = {
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name web", ROW("web") },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name=web", ROW("web") },
	{ TABLE_RAW, "PREROUTING", "-m nfacct --nfacct-n web",
	  .save = "-A PREROUTING -m nfacct --nfacct-name  web",
	  .list = "           0    --  0.0.0.0/0            0.0.0.0/0            nfacct-name  web",
	  .names = "           all  --  anywhere             anywhere             nfacct-name  web" },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name \"two words\"", ROW("\"two words\"") },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name \"it's\"", ROW("\"it\\'s\"") },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name " LONGEST, ROW(LONGEST) },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name " LONGEST "123", ROW(LONGEST) },
	{ TABLE_FILTER, "FORWARD", "-m nfacct", .code = 2, .blank = true,
	  .error = "nfacct: option \"--nfacct-name\" must be specified" },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name", .code = 2,
	  .error = "option \"--nfacct-name\" requires an argument" },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name ''", .code = 2, .blank = true,
	  .error = "Argument must have a minimum length of 1 characters" },
	{ TABLE_FILTER, "FORWARD", "-m nfacct ! --nfacct-name web", .code = 2, .blank = true,
	  .error = "nfacct: option \"--nfacct-name\" cannot be inverted." },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name web --nfacct-name web", .code = 2, .blank = true,
	  .error = "nfacct: option \"--nfacct-name\" can only be used once." },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name 'a\nb'", .code = 2,
	  .error = "Newlines not allowed in --nfacct-name" },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name nope", .code = 1,
	  .error = "No chain/target/match by that name." },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name Web", .code = 1,
	  .error = "No chain/target/match by that name." },
	{ TABLE_FILTER, "FORWARD", "-m nfacct --nfacct-name web -m nfacct --nfacct-name nope", .code = 1,
	  .error = "No chain/target/match by that name." },
};

static void test_rule_text(void **state)
{
	static const char *const names[] = { "web", "two words", "it's", LONGEST };
	struct bench b;
	unsigned bad = 0;

	(void)state;
	bench_begin(&b);
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		add(&b, names[i], 0, 0);
	for (unsigned i = 0; i < sizeof rule_rows / sizeof *rule_rows; i++)
		bad += check_row(&b, &rule_rows[i]);
	assert_int_equal(bad, 0);
	bench_clear(&b);
	for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
		assert_int_equal(nfacct_delete(b.tables->nfaccts, names[i]),
				 0); /* no refused rule kept one */
	bench_end(&b);
}

/* --- counting --------------------------------------------------------------------------------------------------------- */

/* Packets of 40 bytes through `-m nfacct -j MARK`: which of them the rule fits, after which one it is over its quota
 * (from 1; 0: never), and how often that is told. */
static const struct quota_row {
	uint8_t flags;
	uint64_t quota;
	const char *fits;
	unsigned over;
} quota_rows[] = {
	{ 0, 0, "1111", 0 },
	{ NFACCT_QUOTA_PACKETS, 0, "1111", 1 },
	{ NFACCT_QUOTA_PACKETS, 1, "0111", 1 },
	{ NFACCT_QUOTA_PACKETS, 3, "0001", 3 },
	{ NFACCT_QUOTA_PACKETS, 4, "0000", 4 },
	{ NFACCT_QUOTA_PACKETS, 5, "0000", 0 },
	{ NFACCT_QUOTA_PACKETS, UINT64_MAX, "0000", 0 },
	{ NFACCT_QUOTA_BYTES, 0, "1111", 1 },
	{ NFACCT_QUOTA_BYTES, 79, "0111", 2 },
	{ NFACCT_QUOTA_BYTES, 80, "0011", 2 },
	{ NFACCT_QUOTA_BYTES, 81, "0011", 3 },
	{ NFACCT_QUOTA_BYTES, 161, "0000", 0 },
};

static const struct craft tcp_packet = {
	.src = "10.1.0.1", .dst = "203.0.113.1", .tcp_flags = 2, .sport = 4000, .dport = 80
};

static void load(struct bench *b, const char *rule)
{
	struct rule_error err;
	char line[256];

	snprintf(line, sizeof line, "-A PREROUTING %s", rule);
	if (bench_load(b, TABLE_MANGLE, line, false, &err))
		fail_msg("%s: %s %s", rule, err.text, err.detail);
}

/* walk: one packet through mangle PREROUTING. Return: whether the rule fitted. */
static bool walk(struct bench *b)
{
	const struct hook_state st = { .hook = HOOK_PREROUTING, .ns = b->ns };
	struct pkt *p = craft_packet(b->ns->pool, &tcp_packet);
	bool marked;

	assert_int_equal(tables_walk(b->tables, TABLE_MANGLE, p, &st), VERDICT_ACCEPT);
	marked = p->mark;
	pkt_free(p);
	return marked;
}

/* on_over: struct nfaccts.on_over: counts. */
static void on_over(void *ctx, const struct nfacct *a)
{
	assert_string_equal(a->name, "q");
	assert_true(a->counts.flags & NFACCT_OVER);
	++*(unsigned *)ctx;
}

static void test_quotas(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof quota_rows / sizeof *quota_rows; i++) {
		const struct quota_row *r = &quota_rows[i];
		unsigned over = 0, told = 0;
		struct nfacct_counts c;
		struct nfacct *a;
		struct bench b;

		bench_begin(&b);
		add(&b, "q", r->flags, r->quota);
		a = nfacct_find(b.tables->nfaccts, "q");
		load(&b, "-m nfacct --nfacct-name q -j MARK --set-mark 1");
		b.tables->nfaccts->on_over = on_over;
		b.tables->nfaccts->ctx = &told;
		for (unsigned n = 0; n < 4; n++) {
			assert_int_equal(walk(&b), r->fits[n] == '1');
			if (!over && a->counts.flags & NFACCT_OVER)
				over = n + 1;
		}
		assert_int_equal(over, r->over);
		assert_int_equal(told, r->over != 0);
		c = nfacct_read(a, true);
		assert_int_equal(c.packets, 4);
		assert_int_equal(c.bytes, 160);
		assert_int_equal(c.flags, r->flags | (r->over ? NFACCT_OVER : 0));
		c = nfacct_read(a, false);
		assert_int_equal(c.packets + c.bytes, 0);
		assert_int_equal(c.flags, r->flags);
		assert_int_equal(walk(&b), r->fits[0] == '1');
		assert_int_equal(told, (r->over != 0) + (r->over == 1));
		bench_end(&b);
	}
}

/* --- references ------------------------------------------------------------------------------------------------------- */

static void test_references(void **state)
{
	static const struct nfacct_counts none = { 0 };
	struct rule_error err;
	struct nfaccts *all;
	struct ruleset *rs;
	struct nfacct *a;
	struct bench b;

	(void)state;
	bench_begin(&b);
	all = b.tables->nfaccts;
	add(&b, "a", 0, 0);
	add(&b, "free", 0, 0);
	a = nfacct_find(all, "a");
	assert_int_equal(nfacct_add(all, "a", &none), -EBUSY);
	assert_int_equal(nfacct_add(all, "", &none), -EINVAL);
	assert_int_equal(nfacct_delete(all, "b"), -ENOENT);
	load(&b, "-m nfacct --nfacct-name a -j MARK --set-mark 1");
	assert_int_equal(nfacct_delete(all, "a"), -EBUSY);
	assert_true(walk(&b));

	/* Rules that are refused, also behind one that is right, hold nothing and change nothing. */
	assert_int_equal(bench_load(&b, TABLE_MANGLE,
				    "*mangle\n-A PREROUTING -m nfacct --nfacct-name free\n"
				    "-A PREROUTING -m nfacct --nfacct-name nope\nCOMMIT\n",
				    true, &err),
			 -1);
	assert_int_equal(nfacct_find(all, "free")->refs, 0);
	assert_int_equal(a->refs, 1);
	assert_true(walk(&b));

	/* An unfinished transaction holds nothing either; one that names the object once more does not begin it anew. */
	rs = tables_begin(b.tables, true);
	assert_int_equal(
		ruleset_line(b.tables, rs, TABLE_MANGLE, "-A FORWARD -m nfacct --nfacct-name a", false, &err),
		0);
	assert_int_equal(a->refs, 1);
	assert_int_equal(tables_commit(b.tables, rs, &err), 0);
	assert_int_equal(a->refs, 2);
	load(&b, "-p tcp -m nfacct --nfacct-name a -j MARK --set-mark 1");
	assert_int_equal(a->refs, 1);
	assert_true(walk(&b));
	assert_int_equal(a->counts.packets, 3);

	nfacct_flush(all);
	assert_null(nfacct_find(all, "free"));
	assert_ptr_equal(nfacct_find(all, "a"), a);
	bench_clear(&b);
	assert_int_equal(nfacct_delete(all, "a"), 0);
	assert_int_equal(all->count, 0);
	bench_end(&b);
}

/* --- texts ------------------------------------------------------------------------------------------------------------ */

/* list_all: what `nfacct list @word` prints, @step objects at a time. Return: the caller's to free. */
static struct text list_all(struct bench *b, const char *word, unsigned step)
{
	char list[] = "list", how[16], *words[] = { list, list, how, NULL };
	struct text out = { 0 };
	struct nfacct_session x = { .all = b->tables->nfaccts, .out = &out, .err = &out };
	enum nfacct_verb verb;

	snprintf(how, sizeof how, "%s", word ? word : "");
	assert_int_equal(nfacct_command(&x, word ? 3 : 2, words, &verb), 0);
	assert_int_equal(verb, NFACCT_LIST);
	while (nfacct_list(&x, step))
		;
	return out;
}

static void expect_list(struct bench *b, const char *word, unsigned step, const char *want)
{
	struct text got = list_all(b, word, step);

	assert_string_equal(text_cstr(&got), want);
	text_free(&got);
}

/* restore: lines, @step at a time. Return: exit status. */
static int restore(struct bench *b, const char *lines, unsigned step, struct text *said)
{
	struct nfacct_session x = { .all = b->tables->nfaccts, .out = said, .err = said };
	size_t len = strlen(lines);
	int code = 0;

	while (len && !code)
		code = nfacct_restore(&x, &lines, &len, step);
	return code;
}

#define PLAIN "{ pkts = 00000000000000000001, bytes = 00000000000000000002 } = "
#define QUOTA(mode, over)                                                                                         \
	"{ pkts = 00000000000000000001, bytes = 00000000000000000002, quota = 00000000000000000003, mode = " mode \
	", overquota = " over " } = "

/* What restore makes of a line beyond what nfacct 1.0.2 reads: what list prints, and nothing else. NULL: refused. */
static const struct {
	const char *line, *want;
} line_rows[] = {
	{ QUOTA("packet", "no") "a;\n", QUOTA("packet", "no") "a;\n" },
	{ QUOTA("byte", "no") "a;\n", QUOTA("byte", "no") "a;\n" },
	{ QUOTA("byte", "yes") "a;\n", QUOTA("byte", "yes") "a;\n" },
	{ PLAIN "quota;\n", PLAIN "quota;\n" },
	{ QUOTA("packet", "yes") "overquota;\n", QUOTA("packet", "yes") "overquota;\n" },
	{ QUOTA("packet", "maybe") "a;\n", NULL },
	{ QUOTA("packet", "") "a;\n", NULL },
	{ QUOTA("pack", "no") "a;\n", NULL },
	{ QUOTA("packet", "no") ";\n", NULL },
	{ "{ pkts = 1, bytes = 2, quota = 3, mode = byte, overquota no } = a;\n", NULL },
	{ "{ pkts = 1, bytes = 2, quota = 3, mode = byte, overquota = no = a;\n", NULL },
	{ "{ pkts = 1, bytes = 2, overquota = no } = a;\n", NULL },
};

static void test_restore(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof line_rows / sizeof *line_rows; i++) {
		const char *want = line_rows[i].want;
		struct text said = { 0 };
		struct bench b;

		bench_begin(&b);
		assert_int_equal(restore(&b, line_rows[i].line, 1, &said), want ? 0 : 1);
		assert_string_equal(text_cstr(&said), want ? "" : "nfacct v1.0.2: error reading input\n");
		expect_list(&b, NULL, 1, want ? want : "");
		text_free(&said);
		bench_end(&b);
	}
}

/* A list in pieces is the list in one; what is deleted or added between two pieces does no harm. */
static void test_pieces(void **state)
{
	static const char *const words[] = { NULL, "xml", "json", "counters", "pkts-quota" };
	struct text said = { 0 }, one, pieces;
	struct nfacct_session x = { 0 };
	char line[256];
	struct bench b;

	(void)state;
	bench_begin(&b);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(line, sizeof line, i % 3 ? PLAIN "o%u;\n" : QUOTA("packet", "no") "o%u;\n", i);
		assert_int_equal(restore(&b, line, 1, &said), 0);
	}
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		one = list_all(&b, words[i], 1000);
		assert_true(one.len > 200);
		for (unsigned step = 1; step <= 21; step++) {
			pieces = list_all(&b, words[i], step);
			assert_string_equal(text_cstr(&pieces), text_cstr(&one));
			text_free(&pieces);
		}
		text_free(&one);
	}
	x = (struct nfacct_session){ .all = b.tables->nfaccts, .out = &said, .err = &said };
	assert_true(nfacct_list(&x, 19));
	assert_int_equal(nfacct_delete(x.all, "o18"), 0);
	assert_int_equal(nfacct_delete(x.all, "o19"), 0);
	add(&b, "last", 0, 0);
	text_free(&said);
	assert_false(nfacct_list(&x, 19));
	assert_string_equal(text_cstr(&said),
			    "{ pkts = 00000000000000000000, bytes = 00000000000000000000 } = last;\n");
	text_free(&said);
	bench_end(&b);
}

/* The time of a list as JSON is the wall clock. */
static void test_json_time(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	add(&b, "q", NFACCT_QUOTA_BYTES, 9);
	b.ns->now = 5999999999ull;
	b.ns->wall_offset = 1700000000000000000ll;
	expect_list(
		&b, "json", 1,
		"{ \"timestamp\" : 1700000005, \n  \"nfacct_counters\" : [\n"
		"  { \"pkts\" : 0, \"bytes\" : 0, \"quota\" : 9, \"mode\" = \"byte\", \"overquota\" = 0, \"name\" : \"q\" }\n"
		"] }\n");
	bench_end(&b);
}

static void test_limit(void **state)
{
	static const struct nfacct_counts none = { 0 };
	struct nfaccts *all;
	char name[16];
	struct bench b;

	(void)state;
	bench_begin(&b);
	all = b.tables->nfaccts;
	for (unsigned i = 0; i < NFACCT_MAX; i++) {
		snprintf(name, sizeof name, "o%u", i);
		assert_int_equal(nfacct_add(all, name, &none), 0);
	}
	assert_int_equal(nfacct_add(all, "more", &none), -ENOMEM);
	assert_int_equal(nfacct_delete(all, "o77"), 0);
	assert_int_equal(nfacct_add(all, "more", &none), 0);
	assert_non_null(nfacct_find(all, "o65535"));
	assert_null(nfacct_find(all, "o77"));
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_text),  cmocka_unit_test(test_quotas),
		cmocka_unit_test(test_references), cmocka_unit_test(test_restore),
		cmocka_unit_test(test_pieces),     cmocka_unit_test(test_json_time),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
