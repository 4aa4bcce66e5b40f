/* target_RATEEST.c - measures rates of packets and bytes for -m rateest (net/netfilter/xt_RATEEST.c). */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "tables/estimator.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/tables_int.h"

enum { O_NAME, O_INTERVAL, O_EWMALOG };
enum { US_PER_S = 1000000, INTERVAL_LOG_MAX = 5, EWMA_LOG_MAX = 31 };

struct rateest_data {
	char name[ESTIMATOR_NAME_LEN + 1];
	uint8_t interval_log, ewma_log;
	uint32_t interval, ewma; /* as given, us; zeroed once the logarithms are known */
	/* run-time state */
	struct estimator *estimator;
};

static const struct opt_row rows[] = {
	{ .name = "rateest-name", .id = O_NAME, .type = OPT_STRING, .flags = OPTF_MANDATORY | OPTF_STORE,
	  .max = ESTIMATOR_NAME_LEN, .offset = offsetof(struct rateest_data, name) },
	{ .name = "rateest-interval", .id = O_INTERVAL, .type = OPT_CUSTOM, .flags = OPTF_MANDATORY },
	{ .name = "rateest-ewmalog", .id = O_EWMALOG, .type = OPT_CUSTOM, .flags = OPTF_MANDATORY },
};

/* parse_time: "250ms", "1.5s", "100us", "100" (us). Return: 0 or -EINVAL. */
static int parse_time(const char *text, uint32_t *us)
{
	static const struct opt_name units[] = {
		{ "s", US_PER_S }, { "sec", US_PER_S }, { "secs", US_PER_S }, { "ms", 1000 }, { "msec", 1000 },
		{ "msecs", 1000 }, { "us", 1 },         { "usec", 1 },        { "usecs", 1 }, { "", 1 },
		{ NULL, 0 },
	};
	const struct opt_name *unit = units;
	char *end;
	double value = strtod(text, &end);

	while (unit->name && strcasecmp(unit->name, end))
		unit++;
	if (end == text || !unit->name)
		return -EINVAL;
	*us = (uint32_t)(int64_t)(value * unit->value);
	return 0;
}

static int rateest_parse(struct opt_call *c)
{
	struct rateest_data *d = c->data;

	if (c->row->id == O_INTERVAL && parse_time(c->arg, &d->interval))
		return rule_fail(c->err, "RATEEST: bad interval value \"%s\"", c->arg);
	if (c->row->id == O_EWMALOG && parse_time(c->arg, &d->ewma))
		return rule_fail(c->err, "RATEEST: bad ewmalog value \"%s\"", c->arg);
	return 0;
}

/* decay: -ln(1 - 2^-log), by its series. */
static double decay(unsigned log)
{
	double x = 1.0 / (double)(1u << log), power = x, sum = 0;

	for (unsigned n = 1; n <= 64; n++, power *= x)
		sum += power / n;
	return sum;
}

/* rateest_check: both times as powers of two: the interval rounded up, the average's time down. */
static int rateest_check(struct opt_call *c)
{
	struct rateest_data *d = c->data;
	unsigned log = 0;

	while (log <= INTERVAL_LOG_MAX && d->interval > ((uint32_t)US_PER_S / 4) << log)
		log++;
	if (log > INTERVAL_LOG_MAX)
		return rule_fail(c->err, "RATEEST: interval value is too large");
	d->interval_log = (uint8_t)log;
	for (log = 1; log <= EWMA_LOG_MAX; log++)
		if (d->interval / decay(log) > d->ewma)
			break;
	log--;
	if (!log || log >= EWMA_LOG_MAX)
		return rule_fail(c->err, "RATEEST: ewmalog value is out of range");
	d->ewma_log = (uint8_t)log;
	d->interval = d->ewma = 0;
	return 0;
}

static int rateest_attach(struct tables *t, void *data, struct rule_error *err)
{
	struct rateest_data *d = data;
	int error;

	d->estimator = estimator_get(t, d->name, d->interval_log, d->ewma_log, &error);
	return d->estimator ? 0 : rule_fail_errno(err, error);
}

static void rateest_detach(struct tables *t, void *data)
{
	estimator_put(t, ((struct rateest_data *)data)->estimator);
}

/* put_time: "250.0ms", "2.0s". */
static void put_time(struct text *out, uint64_t us)
{
	if (us >= US_PER_S)
		text_printf(out, "%.1fs", (double)us / US_PER_S);
	else
		text_printf(out, "%.1fms", (double)us / 1000);
}

/* dump: the options; @dashes: "--rateest-" or "". */
static void dump(const struct rateest_data *d, const char *dashes, struct text *out)
{
	uint64_t interval = (uint64_t)(US_PER_S / 4) << d->interval_log;

	text_printf(out, " %sname %s %sinterval ", dashes, d->name, dashes);
	put_time(out, interval);
	text_printf(out, " %sewmalog ", dashes);
	put_time(out, (uint64_t)(uint32_t)(interval << d->ewma_log));
}

static void rateest_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	dump(data, "", out);
}

static void rateest_save(const void *data, struct text *out)
{
	dump(data, "--rateest-", out);
}

static enum rule_verdict rateest_target(void *data, struct pkt *p, struct rule_env *env)
{
	estimator_count(env->tables, ((struct rateest_data *)data)->estimator, p->len);
	return RULE_CONTINUE;
}

const struct target_ops target_RATEEST = {
	.name = "RATEEST",
	.size = sizeof(struct rateest_data),
	.state_size = sizeof(struct rateest_data) - offsetof(struct rateest_data, estimator),
	OPT_ROWS(rows),
	.parse = rateest_parse,
	.check = rateest_check,
	.attach = rateest_attach,
	.detach = rateest_detach,
	.print = rateest_print,
	.save = rateest_save,
	.target = rateest_target,
};
