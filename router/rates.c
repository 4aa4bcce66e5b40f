/* rates.c - see rates.h. */
#include "router/rates.h"

#include "netstack/netstack.h"

#define SECOND 1000000000u

/* take: the totals at @now. */
static struct rates_sample take(const struct netstack *ns, uint64_t now)
{
	struct rates_sample s = { .time = now };

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

void rates_start(struct rates *rates, const struct netstack *ns)
{
	rates->before = rates->last = take(ns, ns->now);
}

void rates_sample(struct rates *rates, const struct netstack *ns, uint64_t now)
{
	rates->before = rates->last;
	rates->last = take(ns, now);
	/* After a pause nothing had changed until a moment ago: the totals of then are those of a second ago. */
	if (now - rates->before.time > 2 * (uint64_t)SECOND)
		rates->before.time = now - SECOND;
}

/* per_second: a difference of counters as a rate; a counter that went back (its port went away) gives 0. */
static double per_second(uint64_t from, uint64_t to, double seconds)
{
	return to > from ? (double)(to - from) / seconds : 0;
}

struct rates_now rates_get(const struct rates *rates, const struct netstack *ns)
{
	struct rates_sample b = take(ns, ns->now);
	const struct rates_sample *a = b.time - rates->last.time >= SECOND / 2 ? &rates->last : &rates->before;
	double seconds = (double)(b.time - a->time) / SECOND;

	/* A sample as old as this was followed by a second of traffic at most, and that is over. */
	if (b.time <= a->time || b.time - a->time > 3 * (uint64_t)SECOND)
		return (struct rates_now){ 0 };
	return (struct rates_now){
		per_second(a->rx_packets, b.rx_packets, seconds), 8 * per_second(a->rx_bytes, b.rx_bytes, seconds),
		per_second(a->tx_packets, b.tx_packets, seconds), 8 * per_second(a->tx_bytes, b.tx_bytes, seconds),
		per_second(a->drops, b.drops, seconds),
	};
}
