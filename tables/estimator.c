/* estimator.c - see estimator.h. Intervals that are over are made up for when somebody counts or reads. */
#include <errno.h>
#include <stdlib.h>

#include "tables/estimator.h"

static const char kind;

/* one_interval: what happens at the end of an interval. Return: whether anything changed. */
static bool one_interval(struct estimator *e)
{
	uint64_t bytes = (e->bytes - e->last_bytes) << (10 - e->interval_log);
	uint64_t packets = (e->packets - e->last_packets) << (10 - e->interval_log);
	uint64_t more_bytes = (bytes >> e->ewma_log) - (e->avg_bytes >> e->ewma_log);
	uint64_t more_packets = (packets >> e->ewma_log) - (e->avg_packets >> e->ewma_log);
	bool counted = bytes || packets;

	e->last_bytes = e->bytes;
	e->last_packets = e->packets;
	e->avg_bytes += more_bytes;
	e->avg_packets += more_packets;
	return counted || more_bytes || more_packets;
}

/* catch_up: ends all intervals that are over. */
static void catch_up(const struct tables *t, struct estimator *e)
{
	uint64_t now = tables_jiffies(t), length = (uint64_t)(JIFFIES_PER_S / 4) << e->interval_log;
	bool changing = true;

	if (now < e->next)
		return;
	for (uint64_t n = (now - e->next) / length + 1; n && changing; n--)
		changing = one_interval(e);
	e->next += ((now - e->next) / length + 1) * length;
}

struct estimator *estimator_find(struct tables *t, const char *name)
{
	struct estimator *e = (struct estimator *)shared_find(t, &kind, name);

	if (e)
		e->shared.refs++;
	return e;
}

struct estimator *estimator_get(struct tables *t, const char *name, uint8_t interval_log, uint8_t ewma_log, int *error)
{
	struct estimator *e = estimator_find(t, name);

	if (e) {
		if (e->interval_log == interval_log && e->ewma_log == ewma_log)
			return e;
		estimator_put(t, e);
		*error = EINVAL;
		return NULL;
	}
	e = calloc(1, sizeof *e);
	*error = ENOMEM;
	if (!e)
		return NULL;
	e->interval_log = interval_log;
	e->ewma_log = ewma_log;
	e->next = tables_jiffies(t) + ((uint64_t)(JIFFIES_PER_S / 4) << interval_log);
	shared_add(t, &e->shared, &kind, name);
	return e;
}

void estimator_put(struct tables *t, struct estimator *e)
{
	if (shared_put(t, &e->shared))
		free(e);
}

void estimator_count(const struct tables *t, struct estimator *e, uint32_t len)
{
	catch_up(t, e);
	e->bytes += len;
	e->packets++;
}

struct estimator_rate estimator_read(const struct tables *t, struct estimator *e)
{
	catch_up(t, e);
	return (struct estimator_rate){ e->avg_bytes >> 8, e->avg_packets >> 8 };
}
