/* command_conntrack.c - conntrack -L, -D, -F, -C, -S as conntrack-tools 1.4.7 carry them out. The words are conntrack_query.c's,
 * -E is conntrack_events.c's.
 *
 * Linux parity: what the tool prints. A walk over the table is made in bounded steps, also where it deletes.
 */
#include "conntrack/helper.h"
#include "router/conntrack_query.h"
#include "router/router.h"

#include <stdlib.h>
#include <string.h>

#define TOOL CONNTRACK_TOOL

/* A walk on its way: request.state. */
struct walk {
	struct conntrack *ctk;
	struct text *out;
	struct ct_cursor cursor;
	struct conntrack_query q;
	unsigned count;
};

/* clear_counters: -z. */
static void clear_counters(struct ct_entry *ct)
{
	if (ct->extra && ct->extra->has_acct)
		memset(ct->extra->acct, 0, sizeof ct->extra->acct);
}

/* walk_entry: ct_each's callback: lists, deletes, or both. */
static void walk_entry(void *ctx, struct ct_entry *ct)
{
	struct walk *w = ctx;

	if (ct_is_dying(ct) || !conntrack_match(w->ctk, &w->q, ct))
		return;
	if (w->q.command != 'F')
		ct_print_tool(w->ctk, ct, w->q.print, w->out);
	if (w->q.zero)
		clear_counters(ct);
	if (w->q.command != 'L')
		ct_kill(w->ctk, ct);
	w->count++;
}

/* walk_end: what the tool says at the end. */
static void walk_end(struct request *rq, const struct walk *w)
{
	if (w->q.command == 'F') {
		text_puts(&rq->err, TOOL ": connection tracking table has been emptied.\n");
		return;
	}
	text_printf(&rq->err, TOOL ": %u flow entries have been %s.\n", w->count,
		    w->q.command == 'L' ? "shown" : "deleted");
	rq->code = w->q.command == 'D' && !w->count ? CONNTRACK_OTHER : 0;
}

/* walk_step: request.step: a bounded part of the table. */
static bool walk_step(struct request *rq)
{
	struct walk *w = rq->state;
	bool more;

	do
		more = ct_each(w->ctk, &w->cursor, walk_entry, w);
	while (more && !request_enough(rq));
	if (!more)
		walk_end(rq, w);
	return more;
}

/* walk_done: request.done. */
static void walk_done(struct request *rq)
{
	free(rq->state);
	rq->state = NULL;
}

/* walk_start: begins -L, -D, -F. Return: exit status. */
static int walk_start(struct request *rq, const struct conntrack_query *q)
{
	struct walk *w = calloc(1, sizeof *w);

	if (!w)
		return request_fail(rq, CONNTRACK_OTHER, "out of memory");
	*w = (struct walk){ .ctk = rq->router->engine->ctk, .out = &rq->out, .q = *q };
	rq->state = w;
	rq->step = walk_step;
	rq->done = walk_done;
	return 0;
}

/* --- expectations: their table is small (nf_conntrack_expect_max) --------------------------------------------------- */

/* print_expect: ct_expect_each's callback. */
static void print_expect(void *ctx, struct ct_expect *x)
{
	struct walk *w = ctx;

	ct_expect_print_tool(w->ctk, x, w->out);
	w->count++;
}

/* list_expect: -L expect. Return: exit status. */
static int list_expect(struct request *rq, const struct conntrack_query *q)
{
	struct walk w = { .ctk = rq->router->engine->ctk, .out = &rq->out };

	if (!q->ipv6)
		ct_expect_each(w.ctk, print_expect, &w);
	text_printf(&rq->err, TOOL ": %u expectations have been shown.\n", w.count);
	return 0;
}

/* Expectations gathered for removal: a walk may not change the table. */
struct doomed {
	struct ct_expect **item;
	unsigned count, max;
};

/* gather_expect: ct_expect_each's callback. */
static void gather_expect(void *ctx, struct ct_expect *x)
{
	struct doomed *d = ctx;

	if (d->count < d->max)
		d->item[d->count++] = x;
}

/* flush_expect: -F expect. Return: exit status. */
static int flush_expect(struct request *rq)
{
	struct conntrack *ctk = rq->router->engine->ctk;
	struct doomed d = { .max = ct_expect_count(ctk) };

	d.item = calloc(d.max + 1u, sizeof *d.item);
	if (!d.item)
		return request_fail(rq, CONNTRACK_OTHER, "out of memory");
	ct_expect_each(ctk, gather_expect, &d);
	for (unsigned i = 0; i < d.count; i++)
		ct_expect_remove(ctk, d.item[i]);
	free(d.item);
	text_puts(&rq->err, TOOL ": expectation table has been emptied.\n");
	return 0;
}

/* on_expect: a command on the table of expectations. Return: exit status. */
static int on_expect(struct request *rq, const struct conntrack_query *q)
{
	const struct conntrack *ctk = rq->router->engine->ctk;

	switch (q->command) {
	case 'L':
		return list_expect(rq, q);
	case 'F':
		return flush_expect(rq);
	case 'C':
		text_printf(&rq->out, "%u\n", ct_expect_count(ctk));
		return 0;
	case 'S':
		text_printf(&rq->out, "cpu=0   \texpect_new=%u expect_create=%u expect_delete=%u \n",
			    (uint32_t)ctk->stats.expect_new, (uint32_t)ctk->stats.expect_create,
			    (uint32_t)ctk->stats.expect_delete);
		return 0;
	default:
		return conntrack_later(rq, "this command for expectations");
	}
}

/* on_connections: a command on the table of connections. Return: exit status. */
static int on_connections(struct request *rq, const struct conntrack_query *q)
{
	struct conntrack *ctk = rq->router->engine->ctk;

	switch (q->command) {
	case 'L':
	case 'D':
	case 'F':
		return walk_start(rq, q);
	case 'E':
		return conntrack_events(rq, q);
	case 'C':
		text_printf(&rq->out, "%u\n", ctk->count);
		return 0;
	case 'S':
		ct_print_tool_stat(ctk, &rq->out);
		return 0;
	default: {
		const char name[] = { '-', (char)q->command, 0 };

		return conntrack_later(rq, name);
	}
	}
}

int command_conntrack(struct request *rq)
{
	struct conntrack_query q = { 0 };
	int code = conntrack_parse(rq, &q);

	if (code)
		return code < 0 ? 0 : code;
	switch (q.command) {
	case 'V':
		text_puts(&rq->out, TOOL "\n");
		return 0;
	case 'h':
	case 0:
		text_puts(
			&rq->out,
			"Usage: conntrack -L|-D|-F|-E|-C|-S [conntrack|expect] [options]: see conntrack(8), "
			"`tapgate help conntrack`\n");
		return 0;
	default:
		break;
	}
	if (!strcmp(q.table, "dying") || !strcmp(q.table, "unconfirmed")) {
		/* No entry waits in such a list here between two packets. */
		if (q.command != 'L')
			return conntrack_later(rq, q.table);
		text_puts(&rq->err, TOOL ": 0 flow entries have been shown.\n");
		return 0;
	}
	return strcmp(q.table, "expect") ? on_connections(rq, &q) : on_expect(rq, &q);
}
