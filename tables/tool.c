/* tool.c - one run of iptables(8) on the live rules: read, carried out in a transaction, made live, in pieces between which
 * packets pass.
 *
 * Life-cycle
 *
 *     tool_start: read -> (a listing) tool_go: lines ... -> done
 *                     \-> (a change)  tool_go: copy of the table ... -> carried out -> commit ... -> what is left ... -> done
 *                                        ^                                               |
 *                                        '---- others changed the rules meanwhile -------'
 *
 * Linux parity: iptables-standalone.c, iptables.c do_command4 of 1.8.9. A command that only lists needs no transaction;
 * naming a table is enough to put it in use, as loading it is in Linux. The counters of a changed table's policies
 * begin at 0 again: libiptc loses them, and what is compared with iptables should not differ there.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "tables/command_int.h"

enum { AGAIN_MAX = 8 }; /* others may come first so often before it is done in one piece */

struct tool {
	struct tables *t;
	struct command c;
	struct listing *listing;
	struct rule_error err;
	struct text said_out, said_warn; /* by carrying it out; what others make it begin anew is not told */
	enum { LISTING, COPYING, COMMITTING, RESTING } step;
	uint32_t generation; /* of the rules that the transaction began from */
	unsigned again;
	int result; /* while RESTING */
};

/* begin_change: a transaction with a copy of the table, to be filled. Return: 0 or -1. */
static int begin_change(struct tool *x)
{
	tables_abort_later(x->t, x->c.rs);
	x->err = (struct rule_error){ 0 };
	text_free(&x->said_out);
	text_free(&x->said_warn);
	x->step = COPYING;
	x->generation = x->t->generation;
	x->c.out = &x->said_out;
	x->c.warn = &x->said_warn;
	x->c.rs = tables_begin(x->t, true);
	if (!x->c.rs || table_begin(x->t, x->c.rs, x->c.id, false))
		return rule_fail_errno(&x->err, ENOMEM);
	return 0;
}

/* read_words: all the words; a command that only looks is carried out or its listing begun. Return: 0 or -1. */
static int read_words(struct tool *x)
{
	struct command *c = &x->c;

	if (command_read(c))
		return -1;
	x->step = RESTING;
	if (c->stop)
		return 0;
	tables_use(x->t, c->id);
	if (!command_reads(c)) {
		c->rs = NULL;
		return begin_change(x);
	}
	c->listing = &x->listing;
	if (command_apply(c))
		return -1;
	x->step = x->listing ? LISTING : RESTING;
	return 0;
}

struct tool *tool_start(struct tables *t, int argc, char **argv, struct text *out, struct text *warn, struct rule_error *err)
{
	struct tool *x = calloc(1, sizeof *x);
	int result;

	*err = (struct rule_error){ 0 };
	if (!x) {
		rule_fail_errno(err, ENOMEM);
		return NULL;
	}
	x->t = t;
	command_begin(&x->c, t, TABLE_FILTER, argc, argv, &x->err);
	x->c.mode = COMMAND_TOOL;
	x->c.out = out;
	x->c.warn = warn;
	x->c.rs = t->live;
	result = read_words(x);
	if (x->c.rs == t->live)
		x->c.rs = NULL; /* was only looked at */
	if (!result)
		return x;
	*err = x->err;
	tool_end(x);
	return NULL;
}

void tool_end(struct tool *x)
{
	if (!x)
		return;
	listing_end(x->listing);
	tables_abort(x->t, x->c.rs);
	tables_rest_all(x->t);
	command_end(&x->c);
	text_free(&x->said_out);
	text_free(&x->said_warn);
	free(x);
}

/* finish: the change is made or refused. Return: 1, as there may be something left to do. */
static int finish(struct tool *x, int result, struct text *out, struct text *warn)
{
	text_put(out, text_cstr(&x->said_out), x->said_out.len);
	text_put(warn, text_cstr(&x->said_warn), x->said_warn.len);
	tables_abort_later(x->t, x->c.rs);
	x->c.rs = NULL;
	x->result = result;
	x->step = RESTING;
	return 1;
}

/* carry_out: the table is there: does what the words say. -C changes nothing and is thrown away. Return: 1 to go on with the
 * commit, else as command_apply. */
static int carry_out(struct tool *x)
{
	struct command *c = &x->c;

	if (table_touch(x->t, c->rs, c->id))
		return rule_fail_errno(&x->err, ENOMEM);
	if (command_apply(c) || c->cmd == 'C')
		return x->err.code ? -1 : 0;
	table_zero_policies(&c->rs->table[c->id]);
	x->step = COMMITTING;
	return 1;
}

/* change: goes on with a change. Return: 1 call again; 0 made; -1 refused; TABLES_OVERTAKEN. */
static int change(struct tool *x, unsigned budget)
{
	int result;

	if (x->generation != x->t->generation)
		return TABLES_OVERTAKEN;
	if (x->step == COPYING) {
		result = table_copy(x->t, x->c.rs, x->c.id, &budget);
		if (result < 0)
			return rule_fail_errno(&x->err, ENOMEM);
		return result ? 1 : carry_out(x);
	}
	result = tables_commit_some(x->t, x->c.rs, budget, &x->err);
	if (!result)
		x->c.rs = NULL; /* it is live */
	return result;
}

int tool_go(struct tool *x, unsigned budget, struct text *out, struct text *warn, struct rule_error *err)
{
	int result;

	*err = (struct rule_error){ 0 };
	if (x->step == LISTING)
		return listing_go(x->listing, out);
	if (x->step == RESTING) {
		if (tables_rest(x->t, budget))
			return 1;
		*err = x->err;
		return x->result;
	}
	result = change(x, x->again > AGAIN_MAX ? UINT_MAX : budget);
	if (result == 1)
		return 1;
	if (result != TABLES_OVERTAKEN)
		return finish(x, result, out, warn);
	x->again++;
	return begin_change(x) ? finish(x, -1, out, warn) : 1;
}
