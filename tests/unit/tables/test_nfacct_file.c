/* test_nfacct_file.c - accounting objects of a file: what a second file does to what the first made and to what was changed
 * live, also where rules name it; and that a mistake, or rules that are refused, leave everything as it was. The mistakes
 * themselves are rows of tests/functional/test_nfacct.py. */
#include "tables/nfacct_file.h"
#include "tests/unit/tables/rule_text.h"

#define A(n)  "{ pkts = " n ", bytes = 0 } = a;\n"
#define B     "{ pkts = 1, bytes = 2, quota = 3, mode = byte } = b;\n"
#define BIG   "{ pkts = 1, bytes = 2, quota = 9, mode = packet } = b;\n"
#define WRONG "{ pkts = 1 } = c;\n"

/* One history: a file, what is made, deleted (NULL: nothing) and counted (a packet of 100 bytes) live, the name in a rule in
 * force, a second file; then what is there: name, packets, bytes, quota. */
static const struct history {
	const char *name, *first, *made, *deleted, *counted, *rule, *second, *then; /* .then NULL: refused */
} histories[] = {
	{ "objects of a file", "", NULL, NULL, NULL, NULL, A("1") B, "a 1 0 0, b 1 2 3" },
	{ "the same file: what was counted stays", A("1") B, NULL, NULL, "a", NULL, "# x\n\n" B A("1"),
	  "a 2 100 0, b 1 2 3" },
	{ "the same file without the last newline", B, NULL, NULL, "b", NULL,
	  "{pkts=1,bytes=2,quota=3,mode=byte }= b;", "b 2 102 3" },
	{ "other counters", A("1"), NULL, NULL, "a", NULL, A("7"), "a 7 0 0" },
	{ "another quota", B, NULL, NULL, "b", NULL, BIG, "b 1 2 9" },
	{ "no longer in the file", A("1") B, NULL, NULL, NULL, NULL, B, "b 1 2 3" },
	{ "no longer in the file, but a rule names it", A("1") B, NULL, NULL, NULL, "a", B,
	  "a 1 0 0, b 1 2 3" },
	{ "under a rule", A("1"), NULL, NULL, "a", "a", A("5") B, "a 5 0 0, b 1 2 3" },
	{ "deleted live: made again", A("1") B, NULL, "a", NULL, NULL, A("1") B, "b 1 2 3, a 1 0 0" },
	{ "deleted and made anew live: the file's again", A("1"), "a", "a", "a", NULL, A("1"), "a 1 0 0" },
	{ "made live: stays", A("1"), "l", NULL, "l", NULL, B, "l 1 100 0, b 1 2 3" },
	{ "made live: becomes the file's", "", "a", NULL, "a", NULL, A("4"), "a 4 0 0" },
	{ "no file", A("1") B, "l", NULL, NULL, NULL, "", "l 0 0 0" },
	{ "a mistake", A("1"), "l", NULL, "a", "a", A("2") B WRONG, NULL },
	{ "a mistake in the first line", A("1"), NULL, NULL, NULL, NULL, WRONG A("2"), NULL },
};

/* shown: all objects, in their order. */
static void shown(const struct bench *b, struct text *out)
{
	for (const struct nfacct *a = b->tables->nfaccts->first; a; a = a->next)
		text_printf(out, "%s%s %u %u %u", out->len ? ", " : "", a->name, (unsigned)a->counts.packets,
			    (unsigned)a->counts.bytes, (unsigned)a->counts.quota);
}

static struct nfacct_change *begin(struct bench *b, const char *text, struct nfacct_file_error *err)
{
	return nfacct_file_begin(b->tables->nfaccts, text, strlen(text), err);
}

/* prepare: the history up to the second file. */
static void prepare(struct bench *b, const struct history *h)
{
	static const struct nfacct_counts none = { 0 };
	struct nfaccts *all = b->tables->nfaccts;
	struct nfacct_file_error file_error;
	struct nfacct_change *ch = begin(b, h->first, &file_error);
	struct rule_error err;
	char line[128];

	assert_non_null(ch);
	nfacct_file_commit(ch);
	if (h->deleted)
		assert_int_equal(nfacct_delete(all, h->deleted), 0);
	if (h->made)
		assert_int_equal(nfacct_add(all, h->made, &none), 0);
	if (h->counted)
		nfacct_count(all, nfacct_find(all, h->counted), 100);
	snprintf(line, sizeof line, "-A FORWARD -m nfacct --nfacct-name %s", h->rule ? h->rule : "");
	if (h->rule)
		assert_int_equal(bench_load(b, TABLE_MANGLE, line, false, &err), 0);
}

/* test_history: each row with the change taken; then taken back, and then all is as before. */
static void test_history(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * sizeof histories / sizeof *histories; i++) {
		const struct history *h = &histories[i / 2];
		struct text before = { 0 }, after = { 0 };
		struct nfacct_file_error err;
		struct nfacct_change *ch;
		struct bench b;

		bench_begin(&b);
		prepare(&b, h);
		shown(&b, &before);
		ch = begin(&b, h->second, &err);
		if (!ch != !h->then)
			fail_msg("%s: said '%s'", h->name, err.text);
		if (ch && i % 2)
			nfacct_file_abort(ch);
		else if (ch)
			nfacct_file_commit(ch);
		shown(&b, &after);
		if (strcmp(text_cstr(&after), ch && !(i % 2) ? h->then : text_cstr(&before)))
			fail_msg("%s (%s): there is %s", h->name, i % 2 ? "taken back" : "taken",
				 text_cstr(&after));
		text_free(&before);
		text_free(&after);
		bench_end(&b);
	}
}

/* test_third: a file taken after one that was taken back or refused is compared with the one in force. */
static void test_third(void **state)
{
	struct nfacct_file_error err;
	struct text now = { 0 };
	struct bench b;

	(void)state;
	bench_begin(&b);
	prepare(&b, &(struct history){ .first = A("1"), .counted = "a" });
	nfacct_file_abort(begin(&b, A("9") B, &err));
	assert_null(begin(&b, A("9") WRONG, &err));
	assert_int_equal(err.line, 2);
	nfacct_file_commit(begin(&b, A("1"), &err));
	shown(&b, &now);
	assert_string_equal(text_cstr(&now), "a 2 100 0");
	text_free(&now);
	bench_end(&b);
}

/* test_rules: rules read between begin and commit find the new objects; those of refused rules hold none. */
static void test_rules(void **state)
{
	struct nfacct_file_error file_error;
	struct nfacct_change *ch;
	struct rule_error err;
	struct bench b;

	(void)state;
	bench_begin(&b);
	ch = begin(&b, A("1"), &file_error);
	assert_int_equal(bench_load(&b, TABLE_FILTER,
				    "-A FORWARD -m nfacct --nfacct-name a -m nfacct --nfacct-name b", false,
				    &err),
			 -1);
	nfacct_file_abort(ch);
	assert_int_equal(b.tables->nfaccts->count, 0);
	ch = begin(&b, A("1") B, &file_error);
	assert_int_equal(bench_load(&b, TABLE_FILTER,
				    "-A FORWARD -m nfacct --nfacct-name a -m nfacct --nfacct-name b", false,
				    &err),
			 0);
	nfacct_file_commit(ch);
	assert_int_equal(nfacct_find(b.tables->nfaccts, "a")->refs, 1);
	nfacct_file_commit(begin(&b, "", &file_error));
	assert_int_equal(b.tables->nfaccts->count, 2);
	bench_clear(&b);
	nfacct_file_commit(begin(&b, "", &file_error));
	assert_int_equal(b.tables->nfaccts->count, 2); /* they are no file's any more */
	nfacct_flush(b.tables->nfaccts);
	bench_end(&b);
}

/* test_full: no room for all of them: none is made. */
static void test_full(void **state)
{
	static const struct nfacct_counts none = { 0 };
	struct nfacct_file_error err;
	char name[16];
	struct bench b;

	(void)state;
	bench_begin(&b);
	for (unsigned i = 0; i + 1 < NFACCT_MAX; i++) {
		snprintf(name, sizeof name, "o%u", i);
		assert_int_equal(nfacct_add(b.tables->nfaccts, name, &none), 0);
	}
	assert_null(begin(&b, A("1") B, &err));
	assert_int_equal(err.line, 0);
	assert_string_equal(err.text, "no memory, or with the objects that are there more than 65536");
	assert_int_equal(b.tables->nfaccts->count, NFACCT_MAX - 1);
	assert_null(nfacct_find(b.tables->nfaccts, "a"));
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_third),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
