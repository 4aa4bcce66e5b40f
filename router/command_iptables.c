/* command_iptables.c - iptables(8) on the live rules: tables/tool.c does it, this file says how it went. */
#include "router/iptables.h"

#include "router/request.h"
#include "router/router.h"

#include <string.h>

enum { RULES_AT_ONCE = 256 };

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

/* save_step: some more lines. Return: whether there are more. */
static bool save_step(struct request *rq)
{
	do
		if (!listing_go(rq->state, &rq->out))
			return false;
	while (!request_enough(rq));
	return true;
}

/* save_done: the request ends, also when the client went away: what the listing held is freed. */
static void save_done(struct request *rq)
{
	listing_end(rq->state);
	tables_rest_all(rq->router->engine->tables);
}

int iptables_print(struct request *rq, struct listing *l)
{
	rq->state = l;
	rq->step = save_step;
	rq->done = save_done;
	rq->eager = true;
	return 0;
}

/* failed: says what is wrong. Return: exit status. */
static int failed(struct request *rq, const struct rule_error *err)
{
	if ((err->code != IPTABLES_OTHER || err->told) && err->code != IPTABLES_RESOURCE)
		return iptables_report(&rq->err, "iptables", err, -1);
	text_printf(&rq->err, "iptables: %s\n", err->text);
	return err->code;
}

/* tool_step: more of a change or a listing. Return: whether there is more. */
static bool tool_step(struct request *rq)
{
	struct rule_error err;
	int result;

	do
		result = tool_go(rq->state, RULES_AT_ONCE, &rq->out, &rq->err, &err);
	while (result == 1 && !request_enough(rq));
	if (result < 0)
		rq->code = failed(rq, &err);
	return result == 1;
}

static void tool_done(struct request *rq)
{
	tool_end(rq->state);
}

int command_iptables(struct request *rq)
{
	struct rule_error err;

	rq->state = tool_start(rq->router->engine->tables, rq->argc - 1, rq->argv + 1, &rq->out, &rq->err, &err);
	if (!rq->state)
		return failed(rq, &err);
	rq->step = tool_step;
	rq->done = tool_done;
	rq->eager = true;
	return 0;
}
