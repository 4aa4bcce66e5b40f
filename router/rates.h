/* rates.h - what went through the ports lately: figures per second, sampled once a second. */
#ifndef ROUTER_RATES_H
#define ROUTER_RATES_H

#include "netstack/port.h"

struct event;
struct router;

/* Totals over all ports at one time. */
struct rates_sample {
	uint64_t time; /* ns; 0 = not taken yet */
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, drops;
};

/* Per second. */
struct rates_now {
	double rx_packets, rx_bits, tx_packets, tx_bits, drops;
};

struct rates {
	struct router *router;
	struct event *event;
	struct rates_sample before, last;
};

/* rates_start: begins to sample. Return: owned by the caller; NULL without memory. rates_stop: NULL is allowed. */
struct rates *rates_start(struct router *r);
void rates_stop(struct rates *rates);

/* rates_get: rates over the last sampled second; all 0 before there is one. */
struct rates_now rates_get(const struct rates *rates);

#endif
