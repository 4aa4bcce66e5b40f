/* command_nfacct.c - nfacct(8) on the live objects: the words are tables/nfacct_command.c's; this file makes long lists and
 * restores in pieces between packets, and lets `nfacct monitor` wait.
 *
 * Invariants
 *   1. A monitor that nobody reads loses lines, not the router memory.
 */
#include "router/command.h"
#include "router/router.h"
#include "tables/nfacct.h"

#include <stdlib.h>
#include <string.h>

/* Objects and lines of one step; bytes that may wait for a monitor. */
enum { OBJECTS_PER_STEP = 1024, LINES_PER_STEP = 512, WAITING_MAX = 1 << 20 };

/* A command under way: request.state. */
struct nfacct_run {
	struct nfacct_run *next; /* of the monitors */
	struct request *rq;
	struct nfacct_session session;
	const char *at; /* of restore: what is not read yet */
	size_t left;
	struct text waiting; /* of monitor */
	bool missed;
};

bool nfacct_reads_input(int argc, char **argv)
{
	return argc > 1 && nfacct_verb(argv[1]) == NFACCT_RESTORE;
}

/* run_done: request.done. */
static void run_done(struct request *rq)
{
	struct nfacct_run *run = rq->state;

	text_free(&run->waiting);
	free(run);
	rq->state = NULL;
}

/* list_step: request.step: some objects more. */
static bool list_step(struct request *rq)
{
	struct nfacct_run *run = rq->state;

	run->session.out = &rq->out;
	return nfacct_list(&run->session, OBJECTS_PER_STEP);
}

/* restore_step: request.step: some lines more. */
static bool restore_step(struct request *rq)
{
	struct nfacct_run *run = rq->state;

	run->session.err = &rq->err;
	rq->code = nfacct_restore(&run->session, &run->at, &run->left, LINES_PER_STEP);
	return run->left && !rq->code;
}

/* on_over: struct nfaccts.on_over: a line for each monitor. */
static void on_over(void *ctx, const struct nfacct *a)
{
	struct router *r = ctx;

	for (struct nfacct_run *run = r->nfacct_monitors; run; run = run->next) {
		if (run->waiting.len >= WAITING_MAX)
			run->missed = true;
		else
			nfacct_event(a, &run->waiting);
		request_wake(run->rq);
	}
}

/* monitor_step: request.step: hands over what has gathered; never the last. */
static bool monitor_step(struct request *rq)
{
	struct nfacct_run *run = rq->state;

	text_put(&rq->out, text_cstr(&run->waiting), run->waiting.len);
	text_free(&run->waiting);
	if (run->missed)
		text_puts(&rq->err, "nfacct: the output is read too slowly: lines are lost\n");
	run->missed = false;
	rq->asleep = true;
	return true;
}

/* monitor_done: request.done: takes the monitor away. */
static void monitor_done(struct request *rq)
{
	struct nfacct_run **at = &rq->router->nfacct_monitors;

	while (*at != rq->state)
		at = &(*at)->next;
	*at = (*at)->next;
	if (!rq->router->nfacct_monitors)
		rq->router->engine->tables->nfaccts->on_over = NULL;
	run_done(rq);
}

/* begin: the work that goes on behind the words. Return: exit status so far. */
static int begin(struct request *rq, const struct nfacct_session *session, enum nfacct_verb verb)
{
	struct nfacct_run *run = calloc(1, sizeof *run);

	if (!run)
		return request_fail(rq, 1, "no memory");
	*run = (struct nfacct_run){ .rq = rq, .session = *session, .at = rq->input, .left = rq->input_len };
	rq->state = run;
	rq->done = run_done;
	rq->step = verb == NFACCT_LIST ? list_step : restore_step;
	if (verb == NFACCT_MONITOR) {
		run->next = rq->router->nfacct_monitors;
		rq->router->nfacct_monitors = run;
		session->all->ctx = rq->router;
		session->all->on_over = on_over;
		rq->step = monitor_step;
		rq->done = monitor_done;
	}
	return 0;
}

int command_nfacct(struct request *rq)
{
	struct nfacct_session session = { .all = rq->router->engine->tables->nfaccts,
					  .out = &rq->out,
					  .err = &rq->err };
	enum nfacct_verb verb;
	int code = nfacct_command(&session, rq->argc, rq->argv, &verb);

	if (code || (verb != NFACCT_LIST && verb != NFACCT_RESTORE && verb != NFACCT_MONITOR))
		return code;
	return begin(rq, &session, verb);
}
