/* rates.c - see rates.h. */
#include "router/rates.h"

#include "router/router.h"

#include <event2/event.h>
#include <stdlib.h>

/* take: the totals now. */
static struct rates_sample take(const struct router *r)
{
	struct rates_sample s = { .time = router_now() };
	const struct netstack *ns = r->engine->ns;

	for (unsigned i = 0; i < PORTS_MAX; i++) {
		if (!ns->port[i])
			continue;
		s.rx_packets += ns->port[i]->stats.rx_packets;
		s.rx_bytes += ns->port[i]->stats.rx_bytes;
		s.tx_packets += ns->port[i]->stats.tx_packets;
		s.tx_bytes += ns->port[i]->stats.tx_bytes;
	}
	for (unsigned d = 0; d < DROP_COUNT; d++)
		s.drops += ns->balance.drops[d];
	return s;
}

/* on_second: libevent's callback. */
static void on_second(evutil_socket_t fd, short what, void *arg)
{
	struct rates *rates = arg;

	(void)fd;
	(void)what;
	rates->before = rates->last;
	rates->last = take(rates->router);
}

struct rates *rates_start(struct router *r)
{
	struct rates *rates = calloc(1, sizeof *rates);
	const struct timeval second = { 1, 0 };

	if (!rates)
		return NULL;
	rates->router = r;
	rates->last = take(r);
	rates->event = event_new(r->base, -1, EV_PERSIST, on_second, rates);
	if (rates->event && !event_add(rates->event, &second))
		return rates;
	rates_stop(rates);
	return NULL;
}

void rates_stop(struct rates *rates)
{
	if (!rates)
		return;
	if (rates->event)
		event_free(rates->event);
	free(rates);
}

/* per_second: a difference of counters as a rate; a counter that went back (its port went away) gives 0. */
static double per_second(uint64_t from, uint64_t to, double seconds)
{
	return to > from ? (double)(to - from) / seconds : 0;
}

struct rates_now rates_get(const struct rates *rates)
{
	const struct rates_sample *a = &rates->before, *b = &rates->last;
	double seconds = (double)(b->time - a->time) / 1e9;

	if (!a->time || seconds <= 0)
		return (struct rates_now){ 0 };
	return (struct rates_now){
		per_second(a->rx_packets, b->rx_packets, seconds), 8 * per_second(a->rx_bytes, b->rx_bytes, seconds),
		per_second(a->tx_packets, b->tx_packets, seconds), 8 * per_second(a->tx_bytes, b->tx_bytes, seconds),
		per_second(a->drops, b->drops, seconds),
	};
}
