/* conntrack_events.c - conntrack -E: what happens to connections and expectations, as it happens.
 *
 * Overview
 *   Each -E is a listener in a list of the router; while the list is empty, connection tracking reports nothing, and entries
 *   that are made then stay silent (nf_conntrack_events 2). An event is written as a line into the listener's text, and its
 *   request is woken.
 *
 * Invariants
 *   1. A listener that does not keep up loses events, not the router memory: its text has a limit (-b). Once it is full, all is
 *      lost until the reader has taken what waits; it is told so at once, and how many they were when it goes on.
 *   2. The packet path never waits for a listener.
 *
 * Linux parity: ctnetlink_conntrack_event, ctnetlink_expect_event; the socket buffer of conntrack -E, and its words. Who caused
 * an event is the process behind the control socket.
 */
#include "conntrack/helper.h"
#include "router/conntrack_query.h"
#include "router/router.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { WAITING_DEFAULT = 1 << 20, WAITING_MIN = 2304, WAITING_MAX = 64 << 20 };

struct conntrack_listener {
	struct conntrack_listener *next;
	struct request *rq;
	struct conntrack_query q; /* owned */
	struct text waiting;
	size_t taken; /* bytes of @waiting that were handed over */
	size_t waiting_max;
	unsigned shown, lost;
	bool congested; /* events are lost until @waiting is empty */
	bool warn;      /* that is still to be said */
	bool xml;       /* the head of an XML listing was printed */
};

/* put_time: "[seconds.microseconds]" before a line. */
static void put_time(struct text *out)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	text_printf(out, "[%" PRId64 ".%06ld]\t", (int64_t)ts.tv_sec, ts.tv_nsec / 1000);
}

/* wants: whether the listener asked for this kind of event of this table, and has room for it. */
static bool wants(struct conntrack_listener *l, enum conntrack_table table, unsigned kind)
{
	if (l->q.table != table || (l->q.events && !(l->q.events & kind)))
		return false;
	if (!l->congested && l->waiting.len - l->taken < l->waiting_max && !l->waiting.failed)
		return true;
	l->warn |= !l->congested;
	l->congested = true;
	l->lost++;
	return false;
}

/* said: one event was written. */
static void said(struct conntrack_listener *l)
{
	l->shown++;
	request_wake(l->rq);
}

/* kind_of: CONNTRACK_EV_* of what happened. */
static unsigned kind_of(uint32_t events)
{
	return events & CT_EV_DESTROY		      ? CONNTRACK_EV_DESTROY
	       : events & (CT_EV_NEW | CT_EV_RELATED) ? CONNTRACK_EV_NEW
						      : CONNTRACK_EV_UPDATE;
}

/* put_event: an event's line. */
static void put_event(const struct router *r, struct conntrack_listener *l, const struct ct_entry *ct, unsigned flags)
{
	if (l->q.timestamp && !(l->q.print & CT_PRINT_XML))
		put_time(&l->waiting);
	conntrack_put(r->engine->ctk, &l->q, ct, flags | (l->q.timestamp ? CT_PRINT_WHEN : 0), &l->xml, &l->waiting);
	if (!r->acting)
		return;
	text_trim(&l->waiting, 1);
	text_printf(&l->waiting, " [USERSPACE] portid=%u progname=%s\n", r->acting->portid, r->acting->argv[0]);
}

/* on_event: conntrack's notify.event: to each listener that asked for it. */
static void on_event(void *ctx, struct ct_entry *ct, uint32_t events)
{
	struct router *r = ctx;
	unsigned flags = ct_event_print(events);

	for (struct conntrack_listener *l = r->listeners; l; l = l->next) {
		if (l->q.table != CONNTRACK_ENTRIES || !conntrack_match(r->engine->ctk, &l->q, ct, flags) ||
		    !wants(l, CONNTRACK_ENTRIES, kind_of(events)))
			continue;
		put_event(r, l, ct, flags);
		said(l);
	}
}

/* on_expect_event: conntrack's notify.expect_event. */
static void on_expect_event(void *ctx, struct ct_expect *x, uint32_t events)
{
	struct router *r = ctx;
	unsigned flags = events & CT_EV_DESTROY ? CT_PRINT_DESTROY : CT_PRINT_NEW;

	for (struct conntrack_listener *l = r->listeners; l; l = l->next) {
		if (!wants(l, CONNTRACK_EXPECT, kind_of(events)))
			continue;
		conntrack_expect_put(r->engine->ctk, &l->q, x, flags, &l->xml, &l->waiting);
		said(l);
	}
}

/* hear: connection tracking reports what somebody listens to. */
static void hear(struct router *r)
{
	struct ct_notify *notify = &r->engine->ctk->notify;

	notify->ctx = r;
	notify->event = NULL;
	notify->expect_event = NULL;
	for (const struct conntrack_listener *l = r->listeners; l; l = l->next)
		if (l->q.table == CONNTRACK_EXPECT)
			notify->expect_event = on_expect_event;
		else
			notify->event = on_event;
}

/* say_lost: what the tool says when its socket's buffer was full; and how many, once it goes on. */
static void say_lost(struct conntrack_listener *l)
{
	if (l->warn)
		text_puts(&l->rq->err, "WARNING: We have hit ENOBUFS! We are losing events.\n"
				       "This message means that the current netlink socket buffer size is too small.\n"
				       "Please, check --buffer-size in conntrack(8) manpage.\n");
	l->warn = false;
	if (!l->congested || l->waiting.len)
		return;
	text_printf(&l->rq->err, "NOTICE: %u events have been lost.\n", l->lost);
	l->congested = false;
	l->lost = 0;
}

/* take_over: hands over at most @max bytes of what has gathered. */
static void take_over(struct conntrack_listener *l, size_t max)
{
	size_t left = l->waiting.len - l->taken, len = left < max ? left : max;

	text_put(&l->rq->out, text_cstr(&l->waiting) + l->taken, len);
	l->taken += len;
	if (len == left) {
		text_free(&l->waiting);
		l->taken = 0;
	} else if (l->taken > l->waiting.len / 2) {
		memmove(l->waiting.data, l->waiting.data + l->taken, left - len);
		text_trim(&l->waiting, l->taken);
		l->taken = 0;
	}
}

/* events_step: request.step: hands over a piece; never the last. */
static bool events_step(struct request *rq)
{
	struct conntrack_listener *l = rq->state;

	take_over(l, REQUEST_PIECE);
	say_lost(l);
	rq->asleep = !l->waiting.len;
	return true;
}

/* events_interrupt: request.interrupt: the reader wants no more: the rest, the end of XML, and how many they were. */
static void events_interrupt(struct request *rq)
{
	struct conntrack_listener *l = rq->state;
	bool expect = l->q.table == CONNTRACK_EXPECT;

	take_over(l, SIZE_MAX);
	say_lost(l);
	if (l->xml)
		text_puts(&rq->out, expect ? "</expect>\n" : "</conntrack>\n");
	text_printf(&rq->err, CONNTRACK_TOOL ": %u %s events have been shown.\n", l->shown, expect ? "expectation" : "flow");
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
	hear(r);
	conntrack_query_free(&l->q);
	text_free(&l->waiting);
	free(l);
}

/* buffer_of: what -b asks for, as a socket would get it: twice as much, and not too little. Bytes. */
static size_t buffer_of(struct request *rq, const struct conntrack_query *q)
{
	size_t size = (size_t)q->buffer * 2;

	if (!conntrack_has(q, CTO_BUFFER))
		return WAITING_DEFAULT;
	size = size < WAITING_MIN ? WAITING_MIN : size > WAITING_MAX ? WAITING_MAX : size;
	text_printf(&rq->err, "NOTICE: Netlink socket buffer size has been set to %zu bytes.\n", size);
	return size;
}

int conntrack_events(struct request *rq, struct conntrack_query *q)
{
	struct conntrack_listener *l = calloc(1, sizeof *l);
	struct router *r = rq->router;

	if (!l)
		return conntrack_failed(rq, "out of memory");
	*l = (struct conntrack_listener){ .next = r->listeners, .rq = rq, .q = *q };
	l->waiting_max = buffer_of(rq, q);
	q->names = NULL;
	r->listeners = l;
	hear(r);
	rq->state = l;
	rq->step = events_step;
	rq->interrupt = events_interrupt;
	rq->done = events_done;
	return 0;
}
