/* reload.c - see reload.h.
 *
 * Life-cycle of one reload
 *
 *     LOADING -> TRYING ... -> BUILDING ... -> SWITCHING -> FREEING ... -> (the next, if somebody waits)
 *                      |         ^    |            |
 *                      |         '----+------------' others changed rules or sets meanwhile
 *                      '--------------+-> a mistake: nothing has changed
 *
 *   TRYING does in a scratch engine what BUILDING does beside the live rules: there, rules find only what the configuration
 *   itself makes, as at a start.
 */
#include "router/reload.h"

#include "router/apply.h"
#include "router/request.h"
#include "router/router.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Lines read between two looks at the time: some 50 microseconds. */
enum { LINES_AT_ONCE = 32 };

/* A client that waits for a reload. */
struct waiter {
	struct request *rq;
	struct waiter *next;
	struct router *router;
	bool served; /* by the reload that runs */
	bool over;
};

struct reload {
	struct router *r;
	struct event *again;
	struct waiter *waiters;
	bool signal_waits, signal_served;
	enum { IDLE, LOADING, TRYING, BUILDING, SWITCHING, FREEING } step;
	struct config *now, *old; /* .now until the switch, .old from then on */
	struct engine *trial;       /* while TRYING */
	struct rules_change *rules; /* in .trial, or the router's own */
	struct problems ps;
	int error;
};

/* log_text: each line of @text. */
static void log_text(const struct router *r, int level, const struct text *text)
{
	const char *line = text_cstr(text);

	while (*line) {
		size_t len = strcspn(line, "\n");

		log_line(&r->log, level, "%.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* --- the steps ------------------------------------------------------------------------------------------------------- */

/* warn_fixed: what a reload cannot change. */
static void warn_fixed(const struct config *old, const struct config *now, struct problems *ps)
{
	static const char why[] = "warning: takes effect with the next start";

	if (strcmp(old->socket, now->socket))
		problem_add(ps, now->file, 0, "router", "socket", why);
	if (strcmp(old->proc_mount, now->proc_mount))
		problem_add(ps, now->file, 0, "router", "proc_mount", why);
	if (old->packets_large != now->packets_large || old->packets_small != now->packets_small ||
	    old->routes_max != now->routes_max)
		problem_add(ps, now->file, 0, "router", "packets_large, packets_small, routes_max", why);
}

/* begin: a reload for all who wait. */
static void begin(struct reload *rl)
{
	char state[64];

	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%llu", (unsigned long long)(router_now() / 1000));
	log_notify(state);
	for (struct waiter *w = rl->waiters; w; w = w->next)
		w->served = true;
	rl->signal_served = rl->signal_waits;
	rl->signal_waits = false;
	rl->error = -1;
	rl->step = LOADING;
}

/* end: tells those whose reload it was. */
static void end(struct reload *rl)
{
	struct router *r = rl->r;

	if (rl->error)
		log_line(&r->log, LOG_ERROR, "reload: nothing changed: %u mistake(s) in %s", rl->ps.count, r->config->file);
	else
		log_line(&r->log, LOG_NOTICE, "reloaded");
	if (rl->signal_served)
		log_text(r, rl->error ? LOG_ERROR : LOG_WARN, &rl->ps.text);
	for (struct waiter *w = rl->waiters; w; w = w->next) {
		if (!w->served || w->over)
			continue;
		w->over = true;
		text_put(&w->rq->err, text_cstr(&rl->ps.text), rl->ps.text.len);
		w->rq->code = rl->error ? 1 : 0;
		request_wake(w->rq);
	}
	log_notify("READY=1");
}

/* clean: gives back what a reload holds, wherever it is. */
static void clean(struct reload *rl)
{
	rules_end(rl->rules);
	engine_destroy(rl->trial);
	config_free(rl->now);
	config_free(rl->old);
	problems_free(&rl->ps);
	rl->rules = NULL;
	rl->trial = NULL;
	rl->now = rl->old = NULL;
	rl->step = IDLE;
}

/* switched: the new configuration is in force. */
static void switched(struct reload *rl)
{
	struct router *r = rl->r;

	rl->error = 0;
	warn_fixed(r->config, rl->now, &rl->ps);
	config_lint(rl->now, &rl->ps);
	rl->old = r->config;
	r->config = rl->now;
	rl->now = NULL;
	r->log.level = r->config->log;
}

/* try: goes on with the trial. Return: whether the reload goes on. */
static bool try(struct reload *rl)
{
	int result;

	if (!rl->trial) {
		rl->trial = apply_trial_start(rl->now, &rl->ps);
		return rl->trial;
	}
	if (!rl->rules)
		rl->rules = rules_start(rl->now, rl->trial->tables, &rl->ps);
	if (!rl->rules)
		return false;
	result = rules_go(rl->rules, LINES_AT_ONCE, &rl->ps);
	if (!result)
		rules_give_up(rl->rules); /* they are right: freed in pieces, too */
	if (result >= 0)
		return true;
	rules_end(rl->rules);
	engine_destroy(rl->trial);
	rl->rules = NULL;
	rl->trial = NULL;
	rl->step = BUILDING;
	return !rl->ps.count;
}

/* build: goes on with sets and rules. Return: whether the reload goes on. */
static bool build(struct reload *rl)
{
	int result;

	if (!rl->rules)
		rl->rules = rules_start(rl->now, rl->r->engine->tables, &rl->ps);
	result = rl->rules ? rules_go(rl->rules, LINES_AT_ONCE, &rl->ps) : -1;
	if (!result)
		rl->step = SWITCHING;
	return result >= 0;
}

/* change: the switch. Return: true: the reload goes on, if only to give up what was built. */
static bool change(struct reload *rl)
{
	int result = apply_switch(rl->r, rl->now, rl->rules, &rl->ps);

	if (!result)
		switched(rl);
	if (result < 0)
		rules_give_up(rl->rules);
	rl->step = result ? BUILDING : FREEING;
	return true;
}

/* piece: one bounded part. Return: whether the reload goes on. */
static bool piece(struct reload *rl)
{
	switch (rl->step) {
	case LOADING:
		rl->now = config_load(rl->r->config->file, false, &rl->ps);
		rl->step = TRYING;
		return rl->now;
	case TRYING:
		return try(rl);
	case BUILDING:
		return build(rl) && (rl->step != SWITCHING || change(rl));
	case SWITCHING:
		return change(rl);
	default:
		return rules_rest(rl->rules, LINES_AT_ONCE);
	}
}

/* work: pieces for the time of a slice. Return: whether there is more to do. */
static bool work(struct reload *rl)
{
	bool more;

	if (rl->step == IDLE)
		begin(rl);
	do
		more = piece(rl);
	while (more && !background_enough(&rl->r->background, router_now()));
	if (more)
		return true;
	problems_sort(&rl->ps);
	if (rl->error == 0)
		config_applied(rl->r->config);
	end(rl);
	clean(rl);
	for (const struct waiter *w = rl->waiters; w; w = w->next)
		more |= !w->served;
	return more || rl->signal_waits;
}

/* on_again: libevent's callback: a slice, if packets leave the time; and the next one at a later turn of the loop. */
static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct reload *rl = arg;
	struct background *b = &rl->r->background;
	uint64_t wait = background_wait(b, router_now());
	struct timeval later = { 0, (suseconds_t)((wait + 999) / 1000) };
	bool more = true;

	(void)fd;
	(void)what;
	if (!wait) {
		router_enter(rl->r);
		background_begin(b, rl->r->engine->ns->now);
		more = work(rl);
		background_end(b, router_now());
		router_leave(rl->r);
	}
	if (more)
		event_add(rl->again, &later);
}

/* --- doors ----------------------------------------------------------------------------------------------------------- */

/* ready: the reloads of @r, made with the first. NULL without memory. */
static struct reload *ready(struct router *r)
{
	struct reload *rl = r->reload ? r->reload : calloc(1, sizeof *rl);

	if (r->reload || !rl)
		return rl;
	rl->r = r;
	rl->again = event_new(r->base, -1, 0, on_again, rl);
	if (!rl->again) {
		free(rl);
		return NULL;
	}
	r->reload = rl;
	return rl;
}

/* ask: sees to it that a reload begins, if none runs. */
static void ask(struct reload *rl)
{
	const struct timeval at_once = { 0, 0 };

	if (rl->step == IDLE)
		event_add(rl->again, &at_once);
}

/* request_over: request.step, when it is awake again: nothing more to do. */
static bool request_over(struct request *rq)
{
	(void)rq;
	return false;
}

/* request_done: request.done: it waits no longer. */
static void request_done(struct request *rq)
{
	struct waiter *w = rq->state, **at;

	for (at = w->router->reload ? &w->router->reload->waiters : NULL; at && *at; at = &(*at)->next)
		if (*at == w) {
			*at = w->next;
			break;
		}
	free(w);
}

int reload_request(struct request *rq)
{
	struct reload *rl = ready(rq->router);
	struct waiter *w = rl ? calloc(1, sizeof *w) : NULL;

	if (!w)
		return request_fail(rq, 1, "out of memory");
	*w = (struct waiter){ .rq = rq, .next = rl->waiters, .router = rq->router };
	rl->waiters = w;
	rq->state = w;
	rq->step = request_over;
	rq->done = request_done;
	rq->asleep = true;
	ask(rl);
	return 0;
}

void reload_signal(struct router *r)
{
	struct reload *rl = ready(r);

	if (!rl) {
		log_line(&r->log, LOG_ERROR, "reload: nothing changed: out of memory");
		return;
	}
	rl->signal_waits = true;
	ask(rl);
}

void reload_stop(struct reload *rl)
{
	if (!rl)
		return;
	clean(rl);
	rl->r->reload = NULL;
	event_free(rl->again);
	free(rl);
}
