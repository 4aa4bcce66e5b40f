/* restore.c - a whole iptables-save text into a transaction.
 *
 * Overview
 *   Line by line: "*TABLE" opens a table (and empties it unless --noflush), ":CHAIN POLICY [P:B]" declares a
 * chain,
 *   "[P:B] -A ..." or any other command changes it, "COMMIT" closes it after the checks that a commit makes.
 * A mistake anywhere ends it with the line, and nothing becomes live, tables closed before included.
 *
 * Linux parity: iptables-restore.c of 1.8.9. Deliberate differences: all tables of a text are one
 * transaction; the last line needs no newline.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tables/tables_int.h"

struct restore {
	struct tables *t;
	struct ruleset *rs;
	struct rule_error *err;
	const char *name;
	bool noflush, with_counters;
	bool open; /* between "*TABLE" and COMMIT */
	enum table_id id;
	unsigned line;
};

/* fail_named: puts "NAME:LINE: " before the message and the line beside it. Return: -1. */
static int fail_named(const struct restore *r)
{
	struct rule_error *err = r->err;
	char message[sizeof err->text];
	struct text text;

	memcpy(message, err->text, sizeof message);
	text = text_over(err->text, sizeof err->text);
	text_printf(&text, "%.255s:%u: ", r->name, r->line);
	err->message = (uint16_t)text.len;
	text_puts(&text, message);
	err->line = r->line;
	return -1;
}

/* table_clear: what iptables-restore does first: no rules, no user chains; policies stay, as Linux leaves
 * them. */
static void table_clear(const struct restore *r, struct table *tb)
{
	for (uint32_t i = 0; i < tb->count; i++)
		chain_flush(r->t, tb->chains[i]);
	while (tb->count > tb->base_count)
		chain_remove(r->t, tb, tb->chains[tb->count - 1]);
}

/* line_table: "*TABLE". Return: 0 or -1. */
static int line_table(struct restore *r, const struct words *w)
{
	if (!w->argc)
		return rule_fail(r->err, "iptables-restore: line %u table name invalid", r->line);
	r->id = table_find(w->argv[0]);
	if (r->id == TABLE_COUNT)
		return rule_fail(r->err, "iptables-restore: unable to initialize table '%s'", w->argv[0]);
	r->open = true;
	table_touch(r->rs, r->id);
	if (!r->noflush)
		table_clear(r, &r->rs->table[r->id]);
	return 0;
}

/* declare: a chain named by a ":" line exists from here on, and is empty if it is a user's. Return: 0 or -1.
 */
static int declare(struct restore *r, const char *name)
{
	struct table *tb = &r->rs->table[r->id];
	struct chain *c = chain_find(tb, name);

	if (strlen(name) > CHAIN_NAME_LEN)
		return rule_fail(r->err, "Invalid chain name `%s' (%u chars max)", name, CHAIN_NAME_LEN);
	if (c && c->hook >= 0)
		return 0;
	if (c && r->noflush) {
		chain_flush(r->t, c);
		return 0;
	}
	if (c)
		return rule_fail(r->err, "error creating chain '%s':File exists", name);
	c = chain_add(tb, name, -1);
	if (!c)
		return rule_fail_errno(r->err, ENOMEM);
	c->tag = r->rs->tag;
	return 0;
}

/* parse_pair: "P:B" up to @end. Return: whether it is well formed. */
static bool parse_pair(const char *text, char last, uint64_t out[2])
{
	const char *at;

	return opt_number(text, &at, 0, UINT64_MAX, &out[0]) == 0 && at != text && *at == ':' &&
	       opt_number(at + 1, &at, 0, UINT64_MAX, &out[1]) == 0 && *at == last;
}

/* line_chain: ":CHAIN POLICY [P:B]". Return: 0 or -1. */
static int line_chain(struct restore *r, const struct words *w)
{
	uint64_t pair[2] = { 0 };
	struct chain *c;

	if (w->argc < 1)
		return rule_fail(r->err, "iptables-restore: line %u chain name invalid", r->line);
	if (declare(r, w->argv[0]))
		return -1;
	if (w->argc < 2)
		return rule_fail(r->err, "iptables-restore: line %u policy invalid", r->line);
	if (!strcmp(w->argv[1], "-"))
		return 0;
	if (r->with_counters &&
	    (w->argc < 3 || w->argv[2][0] != '[' || !parse_pair(w->argv[2] + 1, ']', pair)))
		return rule_fail(r->err, "invalid policy counters for chain '%s'", w->argv[0]);
	if (ruleset_set_policy(r->rs, r->id, w->argv[0], w->argv[1], r->err)) {
		char reason[64];

		snprintf(reason, sizeof reason, "%.*s", (int)strcspn(r->err->text, "."), r->err->text);
		return rule_fail_code(r->err, 1, "Can't set policy `%s' on `%s' line %u: %s", w->argv[1],
				      w->argv[0], r->line, reason);
	}
	c = chain_find(&r->rs->table[r->id], w->argv[0]);
	if (r->with_counters) {
		c->packets = pair[0];
		c->bytes = pair[1];
		c->counted = true;
	}
	return 0;
}

/* counter_words: the "[P:B]" before a rule as the two values of -c, inside @line which is changed.
 * *rest is set behind it. Return: 0 or -1. */
static int counter_words(struct restore *r, char *line, char *pair[2], char **rest)
{
	char *close = strchr(line, ']'), *colon;

	*rest = line;
	if (line[0] != '[')
		return 0;
	if (!close)
		return rule_fail(r->err, "Bad line %u: need ]", r->line);
	*close = '\0';
	colon = strchr(line + 1, ':');
	if (!colon || colon == line + 1)
		return rule_fail(r->err, "Bad line %u: need :", r->line);
	*colon = '\0';
	if (!colon[1])
		return rule_fail(r->err, "Bad line %u: need ]", r->line);
	pair[0] = line + 1;
	pair[1] = colon + 1;
	*rest = close + 1;
	return 0;
}

/* names_table: whether the words have -t or --table, which iptables-restore refuses with words of its own. */
static bool names_table(const struct words *w)
{
	for (int i = 0; i < w->argc; i++)
		if ((!strncmp(w->argv[i], "-t", 2) || !strncmp(w->argv[i], "--table", 7)) &&
		    (i == 0 || w->argv[i - 1][0] != '-'))
			return true;
	return false;
}

/* run_words: carries out a rule line's words, with its counters put in front if they count. Return: 0 or -1.
 */
static int run_words(struct restore *r, const struct words *w, char *const pair[2])
{
	static char option[] = "--set-counters";
	char **argv = malloc(((size_t)w->argc + 4) * sizeof *argv);
	int argc = 0, result;

	if (!argv)
		return rule_fail_errno(r->err, ENOMEM);
	if (pair[0] && r->with_counters) {
		argv[argc++] = option;
		argv[argc++] = pair[0];
		argv[argc++] = pair[1];
	}
	for (int i = 0; i < w->argc; i++)
		argv[argc++] = w->argv[i];
	argv[argc] = NULL;
	result = ruleset_command(r->t, r->rs, r->id, argc, argv, false, r->err);
	free(argv);
	return result;
}

/* line_rule: a command line, counters before it or not. Return: 0 or -1. */
static int line_rule(struct restore *r, char *line)
{
	char *pair[2] = { NULL, NULL };
	struct words w;
	int result;

	if (counter_words(r, line, pair, &line))
		return -1;
	if (words_split(line, strlen(line), WORDS_RESTORE, &w, r->err))
		return -1;
	if (names_table(&w)) {
		result = rule_fail(r->err, "The -t option cannot be used in iptables-restore.");
		r->err->blank = true;
	} else {
		result = run_words(r, &w, pair);
	}
	words_free(&w);
	return result;
}

/* line_commit: "COMMIT": the checks of a commit, so that what is wrong is found at this line. Return: 0 or
 * -1. */
static int line_commit(struct restore *r)
{
	r->open = false;
	return table_check(r->rs, r->id, r->err);
}

/* with_split: runs a line handler that wants words. Return: 0 or -1. */
static int with_split(struct restore *r, const char *text, int (*fn)(struct restore *, const struct words *))
{
	struct words w;
	int result;

	if (words_split(text, strlen(text), WORDS_RESTORE, &w, r->err))
		return -1;
	result = fn(r, &w);
	words_free(&w);
	return result;
}

/* one_line: @line without its newline; changed. Return: 0 or -1. */
static int one_line(struct restore *r, char *line)
{
	if (!line[0] || line[0] == '#')
		return 0;
	if (!strcmp(line, "COMMIT") && r->open)
		return line_commit(r);
	if (line[0] == '*' && !r->open)
		return with_split(r, line + 1, line_table);
	if (line[0] == ':' && r->open)
		return with_split(r, line + 1, line_chain);
	if (r->open)
		return line_rule(r, line);
	return rule_fail_code(r->err, 1, "a table must be opened with *NAME first");
}

/* all_lines: @text is changed. Return: 0 or -1. */
static int all_lines(struct restore *r, char *text)
{
	char *next;

	for (; text && *text; text = next) {
		next = strchr(text, '\n');
		if (next)
			*next++ = '\0';
		r->line++;
		ruleset_tag(r->rs, r->line);
		*r->err = (struct rule_error){ 0 };
		if (one_line(r, text))
			return fail_named(r);
	}
	if (!r->open)
		return 0;
	r->line++;
	rule_fail_code(r->err, 1, "COMMIT expected at line %u", r->line);
	return fail_named(r);
}

int ruleset_restore(struct tables *t, struct ruleset *rs, const char *text, const char *name, bool noflush,
		    bool with_counters, struct rule_error *err)
{
	struct restore r = {
		.t = t, .rs = rs, .err = err, .name = name, .noflush = noflush, .with_counters = with_counters
	};
	char *copy = strdup(text);
	int result;

	if (!copy)
		return rule_fail_errno(err, ENOMEM);
	result = all_lines(&r, copy);
	free(copy);
	return result;
}
