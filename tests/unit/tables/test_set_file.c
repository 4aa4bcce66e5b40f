/* test_set_file.c - sets of a file: what a second file does to what the first made and to what was changed live, also where
 * rules and lists refer to it; and that a mistake, or rules that are refused, leave everything as it was. */
#include <stdlib.h>

#include "tables/set_file.h"
#include "tests/unit/tables/rule_text.h"

/* One history: a file, commands, rules in force, a second file; then what is there. */
static const struct history {
	const char *name, *first, *live, *rule, *second;
	const char *error; /* of the second file, with its line before it; NULL: taken */
	const char *then;  /* all sets as `save -sorted` shows them, without options of create; with @error the same as before */
} histories[] = {
	{ "sets of a file", "create a hash:ip\nadd a 10.0.0.1\n", "", NULL, "create a hash:ip\nadd a 10.0.0.1\n", NULL,
	  "a hash:ip: 10.0.0.1\n" },
	{ "other entries", "create a hash:ip\nadd a 10.0.0.1\nadd a 10.0.0.2\n", "", NULL,
	  "create a hash:ip\nadd a 10.0.0.2\nadd a 10.0.0.3\n", NULL, "a hash:ip: 10.0.0.2 10.0.0.3\n" },
	{ "the same lines: live entries stay", "create a hash:ip\nadd a 10.0.0.1\n", "add a 10.0.0.9\ndel a 10.0.0.1\n", NULL,
	  "create a hash:ip\nadd a 10.0.0.1\n", NULL, "a hash:ip: 10.0.0.9\n" },
	{ "the same in another order, with remarks", "create a hash:ip\nadd a 10.0.0.1\nadd a 10.0.0.2\n", "add a 10.0.0.9\n",
	  NULL, "# x\n\ncreate a hash:ip\nadd a 10.0.0.2\nadd a 10.0.0.1", NULL, "a hash:ip: 10.0.0.1 10.0.0.2 10.0.0.9\n" },
	{ "other lines: live entries go", "create a hash:ip\nadd a 10.0.0.1\n", "add a 10.0.0.9\n", NULL,
	  "create a hash:ip\nadd a 10.0.0.2\n", NULL, "a hash:ip: 10.0.0.2\n" },
	{ "one set changed, one not", "create a hash:ip\ncreate b hash:ip\n", "add a 10.0.0.1\nadd b 10.0.0.1\n", NULL,
	  "create a hash:ip\ncreate b hash:ip\nadd b 10.0.0.2\n", NULL, "a hash:ip: 10.0.0.1\nb hash:ip: 10.0.0.2\n" },
	{ "an option changed", "create a hash:ip\n", "add a 10.0.0.1\n", NULL, "create a hash:ip counters\n", NULL,
	  "a hash:ip:\n" },
	{ "a timeout of an element changed", "create a hash:ip timeout 9\nadd a 10.0.0.1 timeout 5\n", "add a 10.0.0.2\n", NULL,
	  "create a hash:ip timeout 9\nadd a 10.0.0.1 timeout 6\n", NULL, "a hash:ip: 10.0.0.1\n" },
	{ "a comment of an element changed", "create a hash:ip comment\nadd a 10.0.0.1 comment x\n", "add a 10.0.0.2\n", NULL,
	  "create a hash:ip comment\nadd a 10.0.0.1 comment y\n", NULL, "a hash:ip: 10.0.0.1\n" },
	{ "sets of no file stay", "create a hash:ip\n", "create mine hash:net\nadd mine 10.0.0.0/8\n", NULL,
	  "create b hash:ip\n", NULL, "mine hash:net: 10.0.0.0/8\nb hash:ip:\n" },
	{ "one that was made live becomes the file's", "", "create a hash:ip\nadd a 10.0.0.9\n", NULL,
	  "create a hash:ip\nadd a 10.0.0.1\n", NULL, "a hash:ip: 10.0.0.1\n" },
	{ "made anew live: the file's again", "create a hash:ip\nadd a 10.0.0.1\n", "destroy a\ncreate a hash:ip\n", NULL,
	  "create a hash:ip\nadd a 10.0.0.1\n", NULL, "a hash:ip: 10.0.0.1\n" },
	{ "swapped live: what is in stays", "create a hash:ip\nadd a 10.0.0.1\n",
	  "create t hash:ip\nadd t 10.0.0.9\nswap t a\ndestroy t\n", NULL, "create a hash:ip\nadd a 10.0.0.1\n", NULL,
	  "a hash:ip: 10.0.0.9\n" },
	{ "a file no more: its sets go", "create a hash:ip\ncreate l list:set\nadd l a\n", "create mine hash:ip\n", NULL, "", NULL,
	  "mine hash:ip:\n" },
	{ "no more in the file, but a live list has it", "create a hash:ip\ncreate b hash:ip\n", "create l list:set\nadd l a\n",
	  NULL, "", NULL, "a hash:ip:\nl list:set: a\n" },
	{ "under a rule", "create a hash:ip\nadd a 10.0.0.1\n", "", "-m set --match-set a src -j DROP",
	  "create z hash:ip\ncreate a hash:ip\nadd a 10.0.0.2\n", NULL, "a hash:ip: 10.0.0.2\nz hash:ip:\n" },
	{ "another type under a rule", "create a hash:ip\n", "", "-m set --match-set a src -j DROP",
	  "create a hash:net\nadd a 10.0.0.0/8\n", NULL, "a hash:net: 10.0.0.0/8\n" },
	{ "under a rule that adds", "create a hash:ip maxelem 9\n", "", "-j SET --add-set a src",
	  "create a hash:ip maxelem 8\nadd a 10.0.0.2\n", NULL, "a hash:ip: 10.0.0.2\n" },
	{ "lists, places of their own", "create a hash:ip\ncreate b hash:ip\ncreate l list:set\nadd l b\nadd l a\n", "", NULL,
	  "create x hash:ip\ncreate b hash:ip\ncreate a hash:ip\nadd a 10.0.0.1\ncreate l list:set\nadd l a\nadd l b\nadd l x\n",
	  NULL, "a hash:ip: 10.0.0.1\nb hash:ip:\nx hash:ip:\nl list:set: a b x\n" },
	{ "the order of a list", "create a hash:ip\ncreate b hash:ip\ncreate l list:set\nadd l b\nadd l a\n", "", NULL,
	  "create a hash:ip\ncreate b hash:ip\ncreate l list:set\nadd l a\nadd l b\n", NULL,
	  "a hash:ip:\nb hash:ip:\nl list:set: a b\n" },
	{ "a live list follows its set", "create a hash:ip\n", "create l list:set\nadd l a\n", NULL,
	  "create a hash:ip\nadd a 10.0.0.1\n", NULL, "a hash:ip: 10.0.0.1\nl list:set: a\n" },
	{ "a swap within the file", "", "", NULL,
	  "create a hash:ip\ncreate t hash:ip\nadd t 10.0.0.1\nswap a t\ndestroy t\n", NULL, "a hash:ip: 10.0.0.1\n" },
	{ "quit at the end", "", "", NULL, "create a hash:ip\nquit\n \n", NULL, "a hash:ip:\n" },
	{ "a test that holds", "", "", NULL, "create a hash:ip\nadd a 10.0.0.1\ntest a 10.0.0.1\n", NULL,
	  "a hash:ip: 10.0.0.1\n" },

	{ "unknown command", "create a hash:ip\nadd a 10.0.0.1\n", "", NULL, "create b hash:ip\n\nmake c hash:ip\n",
	  "3: No command specified: unknown argument make", NULL },
	{ "unknown type", "create a hash:ip\n", "", NULL, "create b hash:fish\n",
	  "1: Syntax error: typename 'hash:fish' is unknown", NULL },
	{ "no such set, though the router has it", "", "create mine hash:ip\n", NULL, "# x\nadd mine 10.0.0.1\n",
	  "2: The set with the given name does not exist", NULL },
	{ "twice", "create a hash:ip\n", "", NULL, "create b hash:ip\nadd b 10.0.0.1\nadd b 10.0.0.1\n",
	  "3: Element cannot be added to the set: it's already added", NULL },
	{ "a bad element", "create a hash:ip\n", "add a 10.0.0.9\n", NULL, "create a hash:ip\nadd a 10.0.0.300\n",
	  "2: Syntax error: cannot parse 10.0.0.300: resolving to IPv4 address failed", NULL },
	{ "quiet or not", "create a hash:ip\n", "", NULL, "create -q b hash:ip\ncreate -q b hash:ip\n",
	  "2: Set cannot be created: set with the same name already exists", NULL },
	{ "a test that fails", "create a hash:ip\n", "", NULL, "create a hash:ip\ntest a 10.0.0.1\n",
	  "2: 10.0.0.1 is NOT in set a.", NULL },
	{ "lines behind quit", "create a hash:ip\n", "", NULL, "create b hash:ip\nquit\ncreate c hash:ip\n",
	  "2: nothing behind this line is read: remove the line", NULL },
	{ "a listing", "create a hash:ip\n", "", NULL, "create a hash:ip\nlist a\n",
	  "2: prints something that nobody reads: remove the line", NULL },
	{ "a list for a set that a live list holds", "create a hash:ip\n", "create l list:set\nadd l a\n", NULL,
	  "create b hash:ip\ncreate a list:set\nadd a b\n",
	  "0: a set of this file becomes a list:set, but the list l, which is not of this file, holds it: take it out there first",
	  NULL },
};

/* shown: all sets, one line each, elements sorted. */
static void shown(const struct bench *b, struct text *out)
{
	const struct set_list_how how = { .output = SET_OUT_SAVE, .sorted = true };
	struct text saved = { 0 };
	char *line, *rest, name[64], word[64];

	assert_int_equal(set_list(b->tables->sets, NULL, &how, &saved), 0);
	rest = strdup(text_cstr(&saved));
	for (char *at = rest; (line = strsep(&at, "\n")) && *line;) {
		if (sscanf(line, "create %63s %63s", name, word) == 2)
			text_printf(out, "%s%s %s:", out->len ? "\n" : "", name, word);
		else if (sscanf(line, "add %63s %63s", name, word) == 2)
			text_printf(out, " %s", word);
		else
			fail_msg("unexpected: %s", line);
	}
	text_puts(out, out->len ? "\n" : "");
	free(rest);
	text_free(&saved);
}

/* references: those that each set says it has, and those that there are, must be equal: destroying what nobody uses and no
 * other set works. */
static void check_references(const struct bench *b, const char *row)
{
	for (unsigned i = 0; i < b->tables->sets->size; i++) {
		const struct set *s = b->tables->sets->slot[i];

		if (s && s->refs)
			fail_msg("%s: %s: %u references are left", row, s->name, s->refs);
	}
}

/* begin: the door under test, with a text. */
static struct set_change *begin(struct bench *b, const char *text, struct text *error)
{
	struct set_file_error err;
	struct set_change *ch = sets_file_begin(b->tables->sets, text, strlen(text), &err);

	if (!ch)
		text_printf(error, "%u: %s", err.line, err.text);
	return ch;
}

/* prepare: the history up to the second file. */
static void prepare(struct bench *b, const struct history *h)
{
	struct text said = { 0 };
	struct set_session x = { .sets = b->tables->sets, .out = &said, .err = &said };
	struct set_change *ch = begin(b, h->first, &said);
	char *live = strdup(h->live), line[256];
	struct rule_error err;

	assert_non_null(ch);
	sets_file_commit(ch);
	assert_int_equal(set_restore_text(&x, live), 0);
	free(live);
	text_free(&said);
	snprintf(line, sizeof line, "-A FORWARD %s", h->rule ? h->rule : "");
	if (h->rule)
		assert_int_equal(bench_load(b, TABLE_MANGLE, line, false, &err), 0);
}

/* test_history: each row with the change taken; then taken back, and then all is as before. */
static void test_history(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2 * sizeof histories / sizeof *histories; i++) {
		const struct history *h = &histories[i / 2];
		struct text before = { 0 }, after = { 0 }, error = { 0 };
		struct set_change *ch;
		struct bench b;

		bench_begin(&b);
		prepare(&b, h);
		shown(&b, &before);
		ch = begin(&b, h->second, &error);
		if (!ch != !!h->error || (h->error && strcmp(text_cstr(&error), h->error)))
			fail_msg("%s: said '%s'", h->name, text_cstr(&error));
		if (ch && i % 2)
			sets_file_abort(ch);
		else if (ch)
			sets_file_commit(ch);
		shown(&b, &after);
		if (strcmp(text_cstr(&after), ch && !(i % 2) ? h->then : text_cstr(&before)))
			fail_msg("%s (%s): there is\n%s", h->name, i % 2 ? "taken back" : "taken", text_cstr(&after));
		bench_clear(&b);
		assert_int_equal(set_flush(b.tables->sets, NULL), 0);
		check_references(&b, h->name);
		text_free(&before);
		text_free(&after);
		text_free(&error);
		bench_end(&b);
	}
}

/* test_rules: rules read between begin and commit find the new sets; the rule that stays keeps its counter and asks the new
 * content. */
static void test_rules(void **state)
{
	static const char rule[] = "-A FORWARD -m set --match-set a src -j ACCEPT";
	struct text error = { 0 }, out = { 0 };
	struct set_change *ch;
	struct rule_error err;
	struct bench b;

	(void)state;
	bench_begin(&b);
	ch = begin(&b, "create a hash:ip\n", &error);
	assert_non_null(ch);
	assert_int_equal(bench_load(&b, TABLE_FILTER, rule, false, &err), 0);
	sets_file_commit(ch);
	ch = begin(&b, "create new hash:ip\ncreate a hash:net\nadd a 10.0.0.0/8\n", &error);
	assert_non_null(ch);
	b.before = "*filter\n-A FORWARD -m set --match-set a src -j ACCEPT\nCOMMIT\n";
	assert_int_equal(bench_load(&b, TABLE_FILTER, "-A FORWARD -m set --match-set new src -j DROP", false, &err), 0);
	sets_file_commit(ch);
	assert_int_equal(set_find(b.tables->sets, "a")->refs, 1);
	assert_int_equal(set_find(b.tables->sets, "new")->refs, 1);
	assert_int_equal(set_destroy(b.tables->sets, "a"), -SET_E_BUSY);
	bench_clear(&b);
	assert_int_equal(set_destroy(b.tables->sets, NULL), 0);
	text_free(&out);
	text_free(&error);
	bench_end(&b);
}

/* test_many: more sets than there are places for, once free ones are counted: nothing changes. */
static void test_many(void **state)
{
	struct text file = { 0 }, error = { 0 };
	struct bench b;
	struct set_change *ch;

	(void)state;
	bench_begin(&b);
	for (unsigned n = 0; n < 300; n++)
		text_printf(&file, "create s%u hash:ip\n", n);
	ch = begin(&b, text_cstr(&file), &error);
	assert_non_null(ch);
	sets_file_commit(ch);
	b.tables->sets->size = SETS_MAX; /* as if all places were taken */
	b.tables->sets->slot = realloc(b.tables->sets->slot, SETS_MAX * sizeof(struct set *));
	for (unsigned n = 300; n < SETS_MAX; n++)
		b.tables->sets->slot[n] = b.tables->sets->slot[0];
	ch = begin(&b, "create other hash:ip\n", &error);
	assert_null(ch);
	assert_string_equal(text_cstr(&error),
			    "0: Kernel error received: maximal number of sets reached, cannot create more.");
	b.tables->sets->size = 300;
	assert_non_null(set_find(b.tables->sets, "s299"));
	text_free(&file);
	text_free(&error);
	bench_end(&b);
}

/* What others do while a change is hidden, and whether it may be kept then. */
static const struct between {
	const char *name, *lines;
	bool fits;
} betweens[] = {
	{ "nothing", "", true },
	{ "an element more", "add live 192.0.2.1\nadd same 192.0.2.2\n", true },
	{ "a set more", "create more hash:ip\n", false },
	{ "a set of a name to come", "create new hash:ip\n", false },
	{ "a set less", "destroy live\n", false },
	{ "a set less that is to be another", "destroy other\n", false },
	{ "sets swapped", "swap live same\n", false },
	{ "a name changed", "rename live more\n", false },
	{ "twenty sets more",
	  "create 1 hash:ip\ncreate 2 hash:ip\ncreate 3 hash:ip\ncreate 4 hash:ip\ncreate 5 hash:ip\ncreate 6 hash:ip\n"
	  "create 7 hash:ip\ncreate 8 hash:ip\ncreate 9 hash:ip\ncreate 10 hash:ip\ncreate 11 hash:ip\ncreate 12 hash:ip\n"
	  "create 13 hash:ip\ncreate 14 hash:ip\ncreate 15 hash:ip\ncreate 16 hash:ip\ncreate 17 hash:ip\n", false },
};

/* live: lines of a user's. */
static void live(struct bench *b, const char *lines, const char *row)
{
	struct text said = { 0 };
	struct set_session x = { .sets = b->tables->sets, .out = &said, .err = &said };
	char *copy = strdup(lines);

	if (set_restore_text(&x, copy))
		fail_msg("%s: %s", row, text_cstr(&said));
	free(copy);
	text_free(&said);
}

/* test_hidden: while a change is hidden all is as before, others may change sets, and either end leaves no reference. */
static void test_hidden(void **state)
{
	static const char first[] = "create same hash:ip\ncreate other hash:ip\ncreate kept hash:ip\n";
	static const char second[] = "create same hash:ip\ncreate other hash:net\nadd other 10.0.0.0/8\ncreate kept hash:net\n"
				     "create new hash:ip\ncreate all list:set\nadd all same\nadd all kept\n";

	(void)state;
	for (unsigned i = 0; i < 2 * sizeof betweens / sizeof *betweens; i++) {
		const struct between *row = &betweens[i / 2];
		struct text before = { 0 }, after = { 0 }, error = { 0 };
		struct rule_error err;
		struct set_change *ch;
		struct bench b;
		bool fits;

		bench_begin(&b);
		sets_file_commit(begin(&b, first, &error));
		live(&b, "create live hash:ip\n", row->name);
		assert_int_equal(bench_load(&b, TABLE_MANGLE, "-A FORWARD -m set --match-set kept src", false, &err), 0);
		ch = begin(&b, second, &error);
		assert_non_null(ch);
		sets_file_hide(ch);
		assert_null(set_find(b.tables->sets, "new"));
		assert_string_equal(set_find(b.tables->sets, "other")->type->name, "hash:ip");
		assert_int_equal(set_destroy(b.tables->sets, "kept"), -SET_E_BUSY);
		live(&b, row->lines, row->name);
		shown(&b, &before);
		sets_file_show(ch);
		fits = sets_file_fits(ch);
		if (fits != row->fits)
			fail_msg("%s: it %s", row->name, fits ? "fits" : "does not fit");
		if (fits && i % 2)
			sets_file_commit(ch);
		else
			sets_file_abort(ch);
		shown(&b, &after);
		if (fits && i % 2)
			assert_string_equal(set_find(b.tables->sets, "kept")->type->name, "hash:net");
		else if (strcmp(text_cstr(&before), text_cstr(&after)))
			fail_msg("%s: there is\n%s", row->name, text_cstr(&after));
		assert_int_equal(set_find(b.tables->sets, "kept")->refs, fits && i % 2 ? 2 : 1);
		bench_clear(&b);
		assert_int_equal(set_flush(b.tables->sets, NULL), 0);
		check_references(&b, row->name);
		text_free(&before);
		text_free(&after);
		text_free(&error);
		bench_end(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_history),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_hidden),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
