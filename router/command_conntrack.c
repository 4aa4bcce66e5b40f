/* command_conntrack.c - the conntrack command, as conntrack-tools 1.4.7 carry it out: who does what, and walks over the table.
 * conntrack_query.h names the other files.
 *
 * Linux parity: what the tool prints. A walk is made in bounded steps, also where it changes or deletes.
 */
#include "router/conntrack_query.h"
#include "router/command.h"
#include "router/router.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TOOL CONNTRACK_TOOL

void conntrack_put(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_entry *ct, unsigned flags,
		   bool *xml, struct text *out)
{
	struct ct_print how = { .flags = q->print | flags, .label = q->names ? q->names->name : NULL };

	if (q->print & CT_PRINT_XML && !*xml) {
		text_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<conntrack>\n");
		*xml = true;
	}
	ct_print_as(ctk, ct, &how, out);
	text_puts(out, "\n");
}

/* clear_counters: -z. */
static void clear_counters(struct ct_entry *ct)
{
	if (ct->extra && ct->extra->has_acct)
		memset(ct->extra->acct, 0, sizeof ct->extra->acct);
}

/* put_deleted: an entry that goes: the tool prints it without labels and times, and XML without a head. */
static void put_deleted(struct conntrack_walk *w, const struct ct_entry *ct)
{
	static const unsigned shown = CT_PRINT_XML | CT_PRINT_SAVE | CT_PRINT_EXTENDED | CT_PRINT_ID;
	const struct conntrack *ctk = w->rq->router->engine->ctk;
	struct ct_print how = { .flags = (w->q.print & shown) | CT_PRINT_DELETED };

	ct_print_as(ctk, ct, &how, &w->rq->out);
	text_puts(&w->rq->out, "\n");
}

/* walk_entry: ct_each's callback: one entry of the table. */
static void walk_entry(void *ctx, struct ct_entry *ct)
{
	struct conntrack_walk *w = ctx;
	struct conntrack *ctk = w->rq->router->engine->ctk;

	if (ct_is_dying(ct))
		return;
	if (w->q.command == 'U') {
		if (conntrack_match_update(ctk, &w->q, ct))
			conntrack_update(w->rq, &w->q, ct, &w->count);
		return;
	}
	if (!conntrack_match(ctk, &w->q, ct, 0))
		return;
	w->count++;
	switch (w->q.command) {
	case 'L':
		conntrack_put(ctk, &w->q, ct, 0, &w->xml, &w->rq->out);
		if (conntrack_has(&w->q, CTO_ZERO))
			clear_counters(ct);
		break;
	case 'D':
		put_deleted(w, ct);
		ct_kill(ctk, ct);
		break;
	default:
		ct_kill(ctk, ct);
		break;
	}
}

bool conntrack_walk_step(struct conntrack_walk *w)
{
	struct conntrack *ctk = w->rq->router->engine->ctk;
	bool more;

	do
		more = ct_each(ctk, &w->cursor, walk_entry, w);
	while (more && !request_enough(w->rq));
	return more;
}

int conntrack_walk_end(struct conntrack_walk *w)
{
	struct request *rq = w->rq;

	if (w->q.command == 'F') {
		text_puts(&rq->err, TOOL ": connection tracking table has been emptied.\n");
		return 0;
	}
	if (w->xml)
		text_puts(&rq->out, "</conntrack>\n");
	text_printf(&rq->err, TOOL ": %u flow entries have been %s.\n", w->count,
		    w->q.command == 'L'	  ? "shown"
		    : w->q.command == 'U' ? "updated"
					  : "deleted");
	return w->q.command != 'L' && !w->count ? CONNTRACK_OTHER : 0;
}

/* walk_step: request.step. */
static bool walk_step(struct request *rq)
{
	bool more;

	rq->router->acting = rq;
	more = conntrack_walk_step(rq->state);
	rq->router->acting = NULL;
	if (!more)
		rq->code = conntrack_walk_end(rq->state);
	return more;
}

/* walk_done: request.done. */
static void walk_done(struct request *rq)
{
	struct conntrack_walk *w = rq->state;

	conntrack_query_free(&w->q);
	free(w);
	rq->state = NULL;
}

/* walk_start: begins -L, -D, -U, -F; takes what @q owns. Return: exit status. */
static int walk_start(struct request *rq, struct conntrack_query *q)
{
	struct conntrack_walk *w = calloc(1, sizeof *w);

	if (!w)
		return conntrack_failed(rq, "out of memory");
	*w = (struct conntrack_walk){ .rq = rq, .q = *q };
	q->names = NULL;
	rq->state = w;
	rq->step = walk_step;
	rq->done = walk_done;
	return 0;
}

/* create: -I, -A. Return: exit status. */
static int create(struct request *rq, const struct conntrack_query *q)
{
	bool made;
	int code = conntrack_add(rq, q, &made);

	if (!code)
		text_printf(&rq->err, TOOL ": %u flow entries have been %s.\n", made, q->command == 'I' ? "created" : "added");
	return code;
}

/* on_connections: a command on the table of connections; takes what @q owns. Return: exit status. */
static int on_connections(struct request *rq, struct conntrack_query *q)
{
	struct conntrack *ctk = rq->router->engine->ctk;

	switch (q->command) {
	case 'L':
	case 'D':
	case 'U':
	case 'F':
		return walk_start(rq, q);
	case 'I':
	case 'A':
		return create(rq, q);
	case 'G':
		return conntrack_get(rq, q);
	case 'E':
		return conntrack_events(rq, q);
	case 'C':
		text_printf(&rq->out, "%u\n", ctk->count);
		return 0;
	default:
		ct_print_tool_stat(ctk, &rq->out);
		return 0;
	}
}

/* run: carries out what was parsed; takes what @q owns. Return: exit status. */
static int run(struct request *rq, struct conntrack_query *q)
{
	switch (q->command) {
	case 'V':
		text_puts(&rq->out, TOOL "\n");
		return 0;
	case 'h':
	case 0:
		conntrack_help(&rq->out);
		if (conntrack_has(q, CTO_PROTO))
			conntrack_protocol_help(q, &rq->out);
		return 0;
	default:
		break;
	}
	if (q->table == CONNTRACK_EXPECT)
		return q->command == 'E' ? conntrack_events(rq, q) : conntrack_expect(rq, q);
	if (q->table == CONNTRACK_ENTRIES)
		return on_connections(rq, q);
	/* No entry waits in such a list here between two packets. */
	text_puts(&rq->err, TOOL ": 0 flow entries have been shown.\n");
	return 0;
}

/* loads_file: whether the words are those of -R. */
static bool loads_file(int argc, char **argv)
{
	return argc > 2 && (!strcmp(argv[1], "-R") || !strcmp(argv[1], "--load-file"));
}

int command_conntrack(struct request *rq)
{
	struct conntrack_query q = { 0 };
	int code;

	if (loads_file(rq->argc, rq->argv))
		return conntrack_load(rq);
	rq->router->acting = rq;
	code = conntrack_parse(rq, rq->argc, rq->argv, &q);
	if (!code)
		code = run(rq, &q);
	rq->router->acting = NULL;
	conntrack_query_free(&q);
	return code;
}

int conntrack_prepare(int argc, char **argv)
{
	int fd;

	if (!loads_file(argc, argv) || !strcmp(argv[2], "-"))
		return 0;
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && dup2(fd, STDIN_FILENO) >= 0) {
		close(fd);
		return 0;
	}
	fprintf(stderr,
		TOOL ": Failed to open file %s for reading\n"
		     "Try `conntrack -h' or 'conntrack --help' for more information.\n",
		argv[2]);
	return CONNTRACK_USAGE;
}

bool conntrack_reads_input(int argc, char **argv)
{
	return loads_file(argc, argv);
}
