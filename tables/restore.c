/* restore.c - a whole iptables-save text into a transaction, at once or in pieces.
 *
 * Overview
 *   Line by line: "*TABLE" opens a table (and empties it unless --noflush), ":CHAIN POLICY [P:B]" declares a
 *   chain, "[P:B] -A ..." or any other command changes it, "COMMIT" closes it after the checks that a commit makes.
 *
 *   ruleset_restore, and in pieces restore_into .. restore_end, reads a text into a transaction of the caller's. restore_start
 *   .. restore_end is iptables-restore(8) itself on the live rules. A number of lines at each call, so that packets
 *   pass in between.
 *
 * Life-cycle of a restore in pieces
 *
 *     restore_start -> restore_go ... -> all read: commit, in pieces -> what is left to do behind it -> done
 *                        |    ^  \          another changed the rules meanwhile: reads again from the top
 *                        |    |   mistake in line N: what was closed by COMMIT before it is read again and made live
 *                        '----'
 *
 * Linux parity: iptables-restore.c of 1.8.9. Deliberate differences: all tables of a text become live at one packet
 * boundary; rules whose text did not change keep their counters without -c; the last line needs no newline.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "tables/command_int.h"

enum {
	RULES_PER_LINE = 4, /* that are copied, checked, ... in the time of reading a line */
	AGAIN_MAX = 3,      /* others may come first so often before it is done in one piece */
};

struct restore {
	struct tables *t;
	struct ruleset *rs;
	struct rule_error *err;
	struct restore_options o;
	struct text *out, *warn; /* NULL: nothing is printed */
	bool open; /* between "*TABLE" and COMMIT */
	bool other; /* in a table that o.only leaves out */
	bool stop; /* -V, -h in a line */
	enum table_id id;
	enum { NOTHING, COPYING, CHECKING } pending; /* what a line began */
	unsigned line;
	char *at; /* the text not yet read */

	/* Of a restore on the live rules: */
	char *text;          /* the caller's; NULL: into a transaction of the caller's */
	char *closed;        /* behind the last COMMIT */
	uint32_t generation; /* of the live rules that rs began from */
	struct text said_out, said_warn;
	struct text unheard; /* what is printed then, again */
	bool salvage; /* reading only as far as .closed, for the tables before a mistake */
	unsigned again; /* how often it was read from the top because others were faster */
	enum { READING, COMMITTING, RESTING } step;
	int result; /* while RESTING: what restore_go is to return */
	struct rule_error mistake;
};

/* fail_named: puts "NAME:LINE: " before the message, with the line of the rule that is wrong if that is known, and beside it
 * the line at which reading ends: the same, or the COMMIT that checks the rule. Return: -1. */
static int fail_named(const struct restore *r)
{
	struct rule_error *err = r->err;
	char message[sizeof err->text];
	struct text text;

	memcpy(message, err->text, sizeof message);
	text = text_over(err->text, sizeof err->text);
	if (r->o.name)
		text_printf(&text, "%.255s:%u: ", r->o.name, err->tag ? err->tag : r->line);
	err->message = (uint16_t)text.len;
	text_puts(&text, message);
	err->line = r->line;
	return -1;
}

/* say: what -v prints about a chain. */
static void say(const struct restore *r, const char *doing, const struct chain *c)
{
	if (r->o.verbose && r->out)
		text_printf(r->out, "%s chain `%s'\n", doing, c->name);
}

/* say_cleared: what -v prints of a table that is emptied. */
static void say_cleared(const struct restore *r, const struct table *tb)
{
	for (uint32_t i = 0; i < tb->count; i++)
		say(r, "Flushing", tb->chains[i]);
	for (uint32_t i = tb->base_count; i < tb->count; i++)
		say(r, "Deleting", tb->chains[i]);
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

/* open_table: the table r->id as the lines that follow are to find it. Return: 0 or -1. */
static int open_table(struct restore *r)
{
	struct table *tb = &r->rs->table[r->id];
	bool fresh = !tb->own;

	if (!r->o.noflush)
		say_cleared(r, fresh ? &r->t->live->table[r->id] : tb);
	if (fresh && table_begin(r->t, r->rs, r->id, !r->o.noflush))
		return rule_fail_errno(r->err, ENOMEM);
	if (table_touch(r->t, r->rs, r->id))
		return rule_fail_errno(r->err, ENOMEM);
	if (fresh && r->o.noflush)
		r->pending = COPYING;
	if (fresh)
		return 0;
	table_sort(tb);
	if (!r->o.noflush)
		table_clear(r, tb);
	return 0;
}

/* line_table: "*TABLE". Return: 0 or -1. */
static int line_table(struct restore *r, const struct words *w)
{
	if (!w->argc)
		return rule_fail(r->err, "iptables-restore: line %u table name invalid", r->line);
	r->other = r->o.only && strcmp(r->o.only, w->argv[0]);
	if (r->other)
		return 0;
	r->id = table_find(w->argv[0]);
	if (r->id == TABLE_COUNT)
		return rule_fail(r->err, "iptables-restore: unable to initialize table '%s'", w->argv[0]);
	r->open = true;
	if (r->text)
		tables_use(r->t, r->id);
	return open_table(r);
}

/* standard_verdict: whether it is the name of a verdict, which libiptc allows no chain to have. */
static bool standard_verdict(const char *name)
{
	for (enum rule_kind k = KIND_ACCEPT; k <= KIND_RETURN; k++)
		if (!strcmp(name, kind_name(k)))
			return true;
	return false;
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
	if (c && r->o.noflush) {
		say(r, "Flushing", c);
		c->announced = true;
		chain_flush(r->t, c);
		return 0;
	}
	if (c || standard_verdict(name))
		return rule_fail(r->err, "error creating chain '%s':File exists", name);
	c = chain_add(tb, name, -1);
	if (!c)
		return rule_fail_errno(r->err, ENOMEM);
	c->tag = r->rs->tag;
	c->announced = true;
	return 0;
}

/* parse_pair: "P:B" with whatever behind. Return: whether it is well formed. */
static bool parse_pair(const char *text, uint64_t out[2])
{
	const char *at;

	return opt_number(text, &at, 0, UINT64_MAX, &out[0]) == 0 && at != text && *at == ':' &&
	       opt_number(at + 1, &at, 0, UINT64_MAX, &out[1]) == 0;
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
	if (r->o.counters &&
	    (w->argc < 3 || w->argv[2][0] != '[' || !parse_pair(w->argv[2] + 1, pair)))
		return rule_fail(r->err, "invalid policy counters for chain '%s'", w->argv[0]);
	if (ruleset_set_policy(r->rs, r->id, w->argv[0], w->argv[1], r->err)) {
		char reason[64];

		snprintf(reason, sizeof reason, "%.*s", (int)strcspn(r->err->text, "."), r->err->text);
		rule_fail_code(r->err, 1, "Can't set policy `%s' on `%s' line %u: %s", w->argv[1],
			       w->argv[0], r->line, reason);
		r->err->told = true;
		return -1;
	}
	c = chain_find(&r->rs->table[r->id], w->argv[0]);
	if (r->o.counters) {
		c->packets = pair[0];
		c->bytes = pair[1];
		c->counted = true;
	}
	return 0;
}

/* The "[P:B]" before a rule, as the two values of -c. */
struct pair {
	char packets[24], bytes[24];
	bool given;
};

/* counter_words: reads the "[P:B]" that @line may begin with; *rest is set behind it. Return: 0 or -1. */
static int counter_words(struct restore *r, char *line, struct pair *pair, char **rest)
{
	const char *close = strchr(line, ']'), *colon;

	*rest = line;
	if (line[0] != '[')
		return 0;
	if (!close)
		return rule_fail(r->err, "Bad line %u: need ]", r->line);
	colon = memchr(line + 1, ':', (size_t)(close - line - 1));
	if (!colon || colon == line + 1)
		return rule_fail(r->err, "Bad line %u: need ]", r->line);
	snprintf(pair->packets, sizeof pair->packets, "%.*s", (int)(colon - line - 1), line + 1);
	snprintf(pair->bytes, sizeof pair->bytes, "%.*s", (int)(close - colon - 1), colon + 1);
	pair->given = r->o.counters;
	*rest = line + (close - line) + 1;
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

/* run_command: one command line of the text. Return: 0 or -1. */
static int run_command(struct restore *r, int argc, char **argv)
{
	struct command c;
	int result;

	*r->err = (struct rule_error){ .tag = r->rs->tag };
	command_begin(&c, r->t, r->id, argc, argv, r->err);
	c.rs = r->rs;
	c.words.announced = &r->rs->table[r->id];
	c.mode = COMMAND_RESTORE;
	c.out = r->out;
	c.warn = r->warn;
	c.verbose = r->o.verbose;
	c.flags = r->o.verbose ? LIST_VERBOSE : 0;
	result = command_read(&c);
	if (!result && !c.stop)
		result = command_apply(&c);
	r->stop = c.stop && !memchr(c.given, '6', c.given_count);
	command_end(&c);
	return result;
}

/* run_words: carries out a rule line's words, with its counters put in front if they count. Return: 0 or -1.
 */
static int run_words(struct restore *r, const struct words *w, struct pair *pair)
{
	static char option[] = "--set-counters";
	char **argv = malloc(((size_t)w->argc + 4) * sizeof *argv);
	int argc = 0, result;

	if (!argv)
		return rule_fail_errno(r->err, ENOMEM);
	if (pair->given) {
		argv[argc++] = option;
		argv[argc++] = pair->packets;
		argv[argc++] = pair->bytes;
	}
	for (int i = 0; i < w->argc; i++)
		argv[argc++] = w->argv[i];
	argv[argc] = NULL;
	result = run_command(r, argc, argv);
	free(argv);
	return result;
}

/* line_rule: a command line, counters before it or not. Return: 0 or -1. */
static int line_rule(struct restore *r, char *line)
{
	struct pair pair = { 0 };
	struct words w;
	int result;

	if (counter_words(r, line, &pair, &line))
		return -1;
	if (words_split(line, strlen(line), WORDS_RESTORE, &w, r->err))
		return -1;
	if (names_table(&w)) {
		result = rule_fail(r->err, "The -t option cannot be used in iptables-restore.");
		r->err->blank = true;
	} else {
		result = run_words(r, &w, &pair);
	}
	words_free(&w);
	return result;
}

/* line_commit: "COMMIT": begins the checks of a commit, so that what is wrong is found at this line. Return: 0 or
 * -1. */
static int line_commit(struct restore *r)
{
	r->open = false;
	if (r->o.test)
		r->closed = r->at;
	else
		r->pending = CHECKING;
	return 0;
}

/* go_on: goes on with what the last line began, about @budget rules. Return: 1 call again, 0 done, -1 with r->err. */
static int go_on(struct restore *r, unsigned *budget)
{
	int result = 0;

	if (r->pending == COPYING && (result = table_copy(r->t, r->rs, r->id, budget)) < 0)
		rule_fail_errno(r->err, ENOMEM);
	if (r->pending == CHECKING)
		result = table_check(r->t, r->rs, r->id, budget, r->err);
	if (!result && r->pending == CHECKING)
		r->closed = r->at;
	if (result <= 0)
		r->pending = NOTHING;
	return result < 0 ? fail_named(r) : result;
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

/* one_line: @line without its newline. Return: 0 or -1. */
static int one_line(struct restore *r, char *line)
{
	if (line[0] == '#' && r->o.comments && r->out)
		text_printf(r->out, "%s\n", line);
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
	if (r->other || r->o.only)
		return 0;
	return rule_fail_code(r->err, 1, "a table must be opened with *NAME first");
}

/* next_line: reads the line at r->at, which is as before afterwards. Return: 0 or -1. */
static int next_line(struct restore *r)
{
	char *line = r->at, *newline = strchr(line, '\n');
	int result;

	if (newline)
		*newline = '\0';
	r->at = newline ? newline + 1 : line + strlen(line);
	r->line++;
	ruleset_tag(r->rs, r->line);
	*r->err = (struct rule_error){ 0 };
	result = one_line(r, line);
	if (newline)
		*newline = '\n';
	return result ? fail_named(r) : 0;
}

/* at_end: after the last line. Return: 0 or -1. */
static int at_end(struct restore *r)
{
	if (!r->open || r->stop)
		return 0;
	r->line++;
	*r->err = (struct rule_error){ 0 };
	rule_fail_code(r->err, 1, "COMMIT expected at line %u", r->line);
	r->err->commit_missing = true;
	return fail_named(r);
}

/* --- in pieces ---------------------------------------------------------------------------------------------------- */

/* from_top: begins to read with a transaction on what is live now. Return: 0 or -1. */
static int from_top(struct restore *r)
{
	tables_abort_later(r->t, r->rs);
	r->rs = tables_begin(r->t, true);
	if (!r->rs)
		return rule_fail_errno(r->err, ENOMEM);
	r->rs->from_live = false; /* rules that are the same keep their counters */
	r->generation = r->t->generation;
	r->at = r->text;
	r->line = 0;
	r->step = READING;
	r->pending = NOTHING;
	r->open = r->other = r->stop = false;
	if (r->salvage)
		return 0;
	text_free(&r->said_out);
	text_free(&r->said_warn);
	r->closed = NULL;
	return 0;
}

struct restore *restore_start(struct tables *t, char *text, const struct restore_options *o)
{
	struct restore *r = calloc(1, sizeof *r);
	struct rule_error err;

	if (!r)
		return NULL;
	r->t = t;
	r->o = *o;
	r->err = &err;
	r->out = &r->said_out;
	r->warn = &r->said_warn;
	r->text = text;
	if (!from_top(r))
		return r;
	restore_end(r);
	return NULL;
}

void restore_end(struct restore *r)
{
	if (!r)
		return;
	if (r->text) {
		tables_abort(r->t, r->rs);
		tables_rest_all(r->t);
	}
	text_free(&r->said_out);
	text_free(&r->said_warn);
	text_free(&r->unheard);
	free(r);
}

/* begin_salvage: after a mistake: the tables closed before it are to become live, as iptables-restore has made them by
 * then. Return: 1 or -1. */
static int begin_salvage(struct restore *r)
{
	r->mistake = *r->err;
	if (r->o.test || !r->closed || r->salvage)
		return -1;
	r->salvage = true;
	r->out = r->warn = &r->unheard;
	return from_top(r) ? -1 : 1;
}

/* read_again: others have changed the rules meanwhile. Return: 1 or -1. */
static int read_again(struct restore *r)
{
	r->again++;
	return from_top(r) ? -1 : 1;
}

/* read_some: up to *lines lines, and what they begin. Return: 1 there are more, 0 all read, -1 a mistake. */
static int read_some(struct restore *r, unsigned lines, unsigned budget)
{
	int result = 0;

	while (!result && !r->stop && (r->pending || *r->at) && !(r->salvage && !r->pending && r->at >= r->closed)) {
		if (!lines || !budget)
			return 1;
		if (!r->pending) {
			result = next_line(r);
			lines--;
		} else if (r->text && r->generation != r->t->generation) {
			return read_again(r); /* the table that is copied is gone */
		} else {
			result = go_on(r, &budget);
		}
	}
	return result;
}

/* read_end: what follows reading: @result 0 all read, -1 a mistake. Return: 1 to go on, 0 done, -1 a mistake. */
static int read_end(struct restore *r, int result)
{
	if (!result && !r->salvage)
		result = at_end(r);
	if (!result && r->stop && !r->salvage) { /* -V or -h in a line ends it all, as a mistake does */
		r->err->code = 0;
		return r->closed ? begin_salvage(r) : 0;
	}
	if (result)
		return begin_salvage(r);
	if (r->o.test)
		return 0;
	for (int id = 0; id < TABLE_COUNT; id++)
		if (r->rs->table[id].touched)
			table_zero_policies(&r->rs->table[id]);
	r->step = COMMITTING;
	return 1;
}

/* commit_line: the line of the COMMIT behind line @line of a text. */
static unsigned commit_line(const char *text, unsigned line)
{
	unsigned at = 1;

	for (const char *next; (next = strchr(text, '\n')) != NULL; text = next + 1, at++)
		if (at > line && !strncmp(text, "COMMIT\n", 7))
			break;
	return at;
}

/* make_live: goes on with the commit. Return: 1 to go on, 0 done, -1 a mistake. */
static int make_live(struct restore *r, unsigned budget)
{
	int result = r->generation == r->t->generation ? tables_commit_some(r->t, r->rs, budget, r->err) : TABLES_OVERTAKEN;

	if (result == 1)
		return 1;
	if (result == TABLES_OVERTAKEN)
		return read_again(r);
	if (result < 0) {
		r->line = commit_line(r->text, r->err->tag);
		return fail_named(r);
	}
	r->rs = NULL;
	if (!r->salvage)
		return 0;
	*r->err = r->mistake;
	return r->mistake.code ? -1 : 0;
}

/* finish: what is said at the end; the rest is freed before restore_go returns @result. */
static void finish(struct restore *r, int result, struct text *out, struct text *warn)
{
	text_put(out, text_cstr(&r->said_out), r->said_out.len);
	text_put(warn, text_cstr(&r->said_warn), r->said_warn.len);
	r->mistake = *r->err;
	r->result = result;
	r->step = RESTING;
	tables_abort_later(r->t, r->rs);
	r->rs = NULL;
}

int restore_go(struct restore *r, unsigned lines, struct text *out, struct text *warn, struct rule_error *err)
{
	bool hurry = r->again > AGAIN_MAX;
	unsigned budget = hurry ? UINT_MAX : lines * RULES_PER_LINE;
	int result = 1;

	r->err = err;
	if (r->step == READING) {
		result = read_some(r, hurry ? UINT_MAX : lines, budget);
		if (result <= 0)
			result = read_end(r, result);
	} else if (r->step == COMMITTING) {
		result = make_live(r, budget);
	}
	if (r->step != RESTING && result <= 0)
		finish(r, result, out, warn);
	if (r->step != RESTING || tables_rest(r->t, budget))
		return 1;
	*err = r->mistake;
	return r->result;
}

/* --- into a transaction of the caller's --------------------------------------------------------------------------- */

/* into: begins to read @text. Return: owned by the caller, NULL without memory. */
static struct restore *into(struct tables *t, struct ruleset *rs, char *text, const struct restore_options *o)
{
	struct restore *r = calloc(1, sizeof *r);

	if (!r)
		return NULL;
	r->t = t;
	r->rs = rs;
	r->o = *o;
	r->at = text;
	return r;
}

struct restore *restore_into(struct tables *t, struct ruleset *rs, char *text, const char *name)
{
	return into(t, rs, text, &(struct restore_options){ .name = name });
}

int restore_read(struct restore *r, unsigned lines, struct rule_error *err)
{
	int result;

	r->err = err;
	result = read_some(r, lines, lines < UINT_MAX / RULES_PER_LINE ? lines * RULES_PER_LINE : UINT_MAX);
	if (result)
		return result;
	if (!r->stop)
		return at_end(r);
	rule_fail(err, "-h and -V print and have no place among rules"); /* the rest would be left out */
	return fail_named(r);
}

int ruleset_restore(struct tables *t, struct ruleset *rs, const char *text, const char *name, bool noflush,
		    bool with_counters, struct rule_error *err)
{
	const struct restore_options o = { .name = name, .noflush = noflush, .counters = with_counters };
	char *copy = strdup(text);
	struct restore *r = copy ? into(t, rs, copy, &o) : NULL;
	int result = r ? 1 : rule_fail_errno(err, ENOMEM);

	while (result > 0)
		result = restore_read(r, UINT_MAX, err);
	restore_end(r);
	free(copy);
	return result;
}
