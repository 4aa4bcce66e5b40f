/* rates.h - what went through the ports lately: figures per second.
 *
 * Overview
 *   No timer: an idle router sleeps. Who handles a batch of packets says so (rates_note), and once a second of traffic a
 *   sample of the totals is kept; who asks compares the totals of now with a sample that is half a second old or older.
 */
#ifndef ROUTER_RATES_H
#define ROUTER_RATES_H

#include "netstack/port.h"

struct netstack;

/* Totals over all ports at one time. */
struct rates_sample {
	uint64_t time; /* ns */
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, drops;
};

/* Per second. */
struct rates_now {
	double rx_packets, rx_bits, tx_packets, tx_bits, drops;
};

/* Two samples, a second or more apart. */
struct rates {
	struct rates_sample before, last;
};

/* rates_start: the samples of a router that has just begun. @ns: its time is set. */
void rates_start(struct rates *rates, const struct netstack *ns);

/* rates_sample: keeps a sample. For rates_note. */
void rates_sample(struct rates *rates, const struct netstack *ns, uint64_t now);

/* rates_note: after each batch of packets. @now: ns. */
static inline void rates_note(struct rates *rates, const struct netstack *ns, uint64_t now)
{
	if (now - rates->last.time >= 1000000000u)
		rates_sample(rates, ns, now);
}

/* rates_get: rates over the last half to two seconds, at ns->now. */
struct rates_now rates_get(const struct rates *rates, const struct netstack *ns);

#endif
