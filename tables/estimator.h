/* estimator.h - rates of bytes and packets, measured by -j RATEEST and asked for by -m rateest
 * (net/netfilter/xt_RATEEST.c, net/core/gen_estimator.c).
 *
 * An estimator is shared by name and lives while a rule refers to it. Every interval, (1 << interval_log) quarters of a
 * second, it takes what was counted since the last one into an average that moves by 1 / 2^ewma_log.
 */
#ifndef TABLES_ESTIMATOR_H
#define TABLES_ESTIMATOR_H

#include "tables/shared.h"

enum { ESTIMATOR_NAME_LEN = 15 };

struct estimator {
	struct shared shared;
	uint8_t interval_log, ewma_log;
	uint64_t bytes, packets;           /* counted */
	uint64_t last_bytes, last_packets; /* at the last interval */
	uint64_t avg_bytes, avg_packets;   /* a second, times 256 */
	uint64_t next;                     /* jiffy of the next interval */
};

struct estimator_rate { uint64_t bps, pps; };

/* estimator_find: by name, with a reference taken; NULL if there is none. estimator_get: the same, made if there is
 * none: @interval_log and @ewma_log must be those of one that is there. Return: NULL, with *error = EINVAL or ENOMEM.
 * estimator_put gives a reference back. */
struct estimator *estimator_find(struct tables *t, const char *name);
struct estimator *estimator_get(struct tables *t, const char *name, uint8_t interval_log, uint8_t ewma_log, int *error);
void estimator_put(struct tables *t, struct estimator *e);

/* estimator_count: one packet of @len bytes. estimator_read: the rates now. */
void estimator_count(const struct tables *t, struct estimator *e, uint32_t len);
struct estimator_rate estimator_read(const struct tables *t, struct estimator *e);

#endif
