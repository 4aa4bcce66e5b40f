/* conntrack_events.c - conntrack -E: what happens to connections, as it happens.
 *
 * Overview
 *   Each -E is a listener in a list of the router; while the list is empty, connection tracking reports nothing. An event is
 *   written as a line into the listener's text, and its request is woken.
 *
 * Invariants
 *   1. A listener that does not keep up loses events, not the router memory: what it missed is said, as the tool says ENOBUFS.
 *
 * Linux parity: ctnetlink_conntrack_event; deliberately without the portid of who deleted an entry.
 */
#include "router/conntrack_query.h"
#include "router/router.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITING_MAX = 1 << 20, STEP_BYTES = 64 << 10 };

struct conntrack_listener {
	struct conntrack_listener *next;
	struct request *rq;
	struct conntrack_query q;
	struct text waiting;
	bool missed;
};

/* put_event: the line of an event. */
static void put_event(const struct conntrack *ctk, struct conntrack_listener *l, const struct ct_entry *ct,
		      uint32_t events)
{
	unsigned print = l->q.print | (events & CT_EV_DESTROY ? CT_PRINT_DESTROY : CT_PRINT_EVENT) |
			 (events & CT_EV_MARK ? CT_PRINT_MARK : 0);
	struct timespec ts;

	if (l->q.timestamp) {
		clock_gettime(CLOCK_REALTIME, &ts);
		text_printf(&l->waiting, "[%" PRId64 ".%06ld]\t", (int64_t)ts.tv_sec, ts.tv_nsec / 1000);
	}
	text_puts(&l->waiting, events & CT_EV_DESTROY                 ? "[DESTROY] "
			       : events & (CT_EV_NEW | CT_EV_RELATED) ? "    [NEW] "
								      : " [UPDATE] ");
	ct_print_tool(ctk, ct, print, &l->waiting);
}

/* on_event: conntrack's notify.event: to each listener that asked for it. */
static void on_event(void *ctx, struct ct_entry *ct, uint32_t events)
{
	struct router *r = ctx;
	uint32_t kind = events & CT_EV_DESTROY                 ? CT_EV_DESTROY
			: events & (CT_EV_NEW | CT_EV_RELATED) ? CT_EV_NEW
							       : CT_EV_REPLY;

	for (struct conntrack_listener *l = r->listeners; l; l = l->next) {
		if ((l->q.events && !(l->q.events & kind)) || !conntrack_match(r->engine->ctk, &l->q, ct))
			continue;
		if (l->waiting.len >= WAITING_MAX)
			l->missed = true;
		else
			put_event(r->engine->ctk, l, ct, events);
		request_wake(l->rq);
	}
}

/* events_step: request.step: hands over what has gathered; never the last. */
static bool events_step(struct request *rq)
{
	struct conntrack_listener *l = rq->state;
	size_t len = l->waiting.len < STEP_BYTES ? l->waiting.len : STEP_BYTES;

	text_put(&rq->out, text_cstr(&l->waiting), len);
	if (len == l->waiting.len) {
		text_free(&l->waiting);
	} else {
		memmove(l->waiting.data, l->waiting.data + len, l->waiting.len - len);
		text_trim(&l->waiting, len);
	}
	if (l->missed && !l->waiting.len) {
		l->missed = false;
		text_puts(&rq->err, "WARNING: We have hit ENOBUFS! We are losing events.\n");
	}
	rq->asleep = !l->waiting.len;
	return true;
}

/* events_done: request.done: takes the listener away. */
static void events_done(struct request *rq)
{
	struct conntrack_listener *l = rq->state;
	struct router *r = rq->router;

	for (struct conntrack_listener **at = &r->listeners; *at; at = &(*at)->next)
		if (*at == l) {
			*at = l->next;
			break;
		}
	if (!r->listeners)
		r->engine->ctk->notify.event = NULL;
	text_free(&l->waiting);
	free(l);
}

int conntrack_events(struct request *rq, const struct conntrack_query *q)
{
	struct conntrack_listener *l = calloc(1, sizeof *l);
	struct router *r = rq->router;

	if (!l)
		return request_fail(rq, CONNTRACK_OTHER, "out of memory");
	*l = (struct conntrack_listener){ .next = r->listeners, .rq = rq, .q = *q };
	r->listeners = l;
	r->engine->ctk->notify.ctx = r;
	r->engine->ctk->notify.event = on_event;
	rq->state = l;
	rq->step = events_step;
	rq->done = events_done;
	return 0;
}
