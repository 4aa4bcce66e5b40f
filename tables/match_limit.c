/* match_limit.c - --limit: a token bucket for each rule (net/netfilter/xt_limit.c).
 *
 * The kernel's arithmetic is kept bit for bit: credit grows by 128 a jiffy at HZ = 250, a packet costs what its rate says,
 * the bucket holds --limit-burst packets and is full when the rule begins to live.
 */
#include <stdlib.h>
#include <strings.h>

#include "tables/extensions.h"
#include "tables/options.h"
#include "netstack/netstack.h"

enum { O_LIMIT, O_BURST };
enum {
	SCALE = 10000, /* a period is in 1/10000 s */
	KERNEL_HZ = 250,
	NS_PER_JIFFY = 1000000000 / KERNEL_HZ,
	CREDITS_PER_JIFFY = 128, /* largest power of two that lets a day's credit fit 32 bits */
	BURST_DEFAULT = 5,
};

struct limit_data {
	uint32_t period; /* between two packets, 1/10000 s */
	uint32_t burst;
	uint32_t cost, cap; /* of one packet, of the full bucket */
	/* run-time state */
	uint64_t last; /* jiffy */
	uint64_t credit;
};

static const struct opt_row rows[] = {
	{ .name = "limit", .id = O_LIMIT, .type = OPT_CUSTOM },
	{ .name = "limit-burst", .id = O_BURST, .type = OPT_U32, .flags = OPTF_STORE, .min = 0, .max = 10000,
	  .offset = offsetof(struct limit_data, burst) },
};

static const struct opt_name units[] = {
	{ "second", 1 }, { "minute", 60 }, { "hour", 60 * 60 }, { "day", 24 * 60 * 60 }, { NULL, 0 },
};

/* credits: what a time in 1/10000 s is worth; 32-bit arithmetic with its overflows, as user2credits does it. */
static uint32_t credits(uint32_t period)
{
	const uint32_t per_second = KERNEL_HZ * CREDITS_PER_JIFFY;

	if (period > UINT32_MAX / per_second)
		return period / SCALE * per_second;
	return period * per_second / SCALE;
}

static void limit_init(void *data)
{
	struct limit_data *d = data;

	d->period = SCALE * 60u * 60u / 3;
	d->burst = BURST_DEFAULT;
}

static int limit_parse(struct opt_call *c)
{
	struct limit_data *d = c->data;
	const char *slash;
	uint32_t seconds = 1, rate;

	if (c->row->id != O_LIMIT)
		return 0;
	slash = strchr(c->arg, '/');
	if (slash) {
		const struct opt_name *unit = opt_name_find(units, slash + 1, strlen(slash + 1), false);

		if (!unit)
			return rule_fail(c->err, "bad rate \"%s\"'", c->arg);
		seconds = unit->value;
	}
	rate = (uint32_t)strtol(c->arg, NULL, 10);
	if (!rate)
		return rule_fail(c->err, "bad rate \"%s\"'", c->arg);
	if (rate / seconds > SCALE || SCALE * seconds / rate == 0)
		return rule_fail(c->err, "Rate too fast \"%s\"", c->arg);
	d->period = SCALE * seconds / rate;
	return 0;
}

static int limit_check(struct opt_call *c)
{
	struct limit_data *d = c->data;

	if (!d->burst || credits(d->period * d->burst) < credits(d->period)) {
		rule_fail_code(c->err, 1, "Numerical result out of range.");
		return -1;
	}
	d->cap = credits(d->period * d->burst);
	d->cost = credits(d->period);
	return 0;
}

static void limit_start(struct tables *t, void *data)
{
	struct limit_data *d = data;

	d->last = t->ns->now / NS_PER_JIFFY;
	d->credit = d->cap;
}

/* put_rate: " 5/sec" in the largest unit that names the period without loss. */
static void put_rate(struct text *out, uint32_t period)
{
	static const struct opt_name rates[] = {
		{ "day", SCALE * 24 * 60 * 60 }, { "hour", SCALE * 60 * 60 }, { "min", SCALE * 60 }, { "sec", SCALE },
	};
	unsigned i;

	for (i = 1; i < sizeof rates / sizeof rates[0]; i++)
		if (period > rates[i].value || rates[i].value / period < rates[i].value % period)
			break;
	text_printf(out, " %u/%s", rates[i - 1].value / period, rates[i - 1].name);
}

static void limit_print(const void *data, bool numeric, struct text *out)
{
	const struct limit_data *d = data;

	(void)numeric;
	text_puts(out, " limit: avg");
	put_rate(out, d->period);
	text_printf(out, " burst %u", d->burst);
}

static void limit_save(const void *data, struct text *out)
{
	const struct limit_data *d = data;

	text_puts(out, " --limit");
	put_rate(out, d->period);
	if (d->burst != BURST_DEFAULT)
		text_printf(out, " --limit-burst %u", d->burst);
}

static bool limit_match(void *data, struct pkt *p, struct rule_env *env)
{
	struct limit_data *d = data;
	uint64_t now = env->tables->ns->now / NS_PER_JIFFY;

	(void)p;
	d->credit += (now - d->last) * CREDITS_PER_JIFFY;
	d->last = now;
	if (d->credit > d->cap)
		d->credit = d->cap;
	if (d->credit < d->cost)
		return false;
	d->credit -= d->cost;
	return true;
}

const struct match_ops match_limit = {
	.name = "limit",
	.size = sizeof(struct limit_data),
	.state = true,
	.state_size = sizeof(struct limit_data) - offsetof(struct limit_data, last),
	OPT_ROWS(rows),
	.init = limit_init,
	.parse = limit_parse,
	.check = limit_check,
	.start = limit_start,
	.print = limit_print,
	.save = limit_save,
	.match = limit_match,
};
