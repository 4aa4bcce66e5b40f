/* command_iptables.c - iptables(8) on the live rules: tables_tool does it, this file says how it went. */
#include "router/iptables.h"

#include "router/request.h"
#include "router/router.h"

#include <string.h>

/* try_help: where to find help. */
static void try_help(struct text *to, const char *name, int line)
{
	if (line >= 0)
		text_printf(to, "Error occurred at line: %d\n", line);
	text_printf(to, "Try `%s -h' or '%s --help' for more information.\n", name, name);
}

int iptables_report(struct text *to, const char *name, const struct rule_error *err, int line)
{
	const char *text = err->text + err->message;

	if (*text && err->bare)
		text_printf(to, "%s\n", text);
	else if (err->framed)
		text_printf(to, "%s " IPTABLES_VERSION ": \n%s\n\n\n", name, text);
	else if (*text)
		text_printf(to, "%s " IPTABLES_VERSION ": %s\n", name, text);
	if (err->blank)
		text_puts(to, "\n");
	if (err->code == IPTABLES_USAGE)
		try_help(to, name, line);
	if (err->code == IPTABLES_VERSION_PROBLEM)
		text_printf(to, "Perhaps %s or your kernel needs to be upgraded.\n", name);
	return err->code;
}

/* listing_step: some more lines. Return: whether there are more. */
static bool listing_step(struct request *rq)
{
	do
		if (!listing_go(rq->state, &rq->out))
			return false;
	while (!request_enough(rq));
	return true;
}

/* listing_done: the request ends, also when the client went away: what the listing held is freed. */
static void listing_done(struct request *rq)
{
	listing_end(rq->state);
	tables_rest_all(rq->router->engine->tables);
}

int iptables_print(struct request *rq, struct listing *l)
{
	rq->state = l;
	rq->step = listing_step;
	rq->done = listing_done;
	rq->eager = true;
	return 0;
}

int command_iptables(struct request *rq)
{
	struct listing *l = NULL;
	struct rule_error err;

	if (!tables_tool_begin(rq->router->engine->tables, rq->argc - 1, rq->argv + 1, &rq->out, &rq->err, &err, &l))
		return l ? iptables_print(rq, l) : 0;
	if ((err.code != IPTABLES_OTHER || err.told) && err.code != IPTABLES_RESOURCE)
		return iptables_report(&rq->err, "iptables", &err, -1);
	text_printf(&rq->err, "iptables: %s\n", err.text);
	return err.code;
}
