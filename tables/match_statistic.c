/* match_statistic.c - --mode random, --mode nth (net/netfilter/xt_statistic.c). */
#include <stdlib.h>

#include "netstack/netstack.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_MODE, O_PROBABILITY, O_EVERY, O_PACKET };
enum { MODE_RANDOM, MODE_NTH };
static const uint32_t ONE = 0x80000000; /* probability 1 */

struct statistic_data {
	uint32_t probability; /* in 1 / ONE */
	uint32_t every;
	uint32_t packet; /* where the count begins */
	uint8_t mode;    /* MODE_* */
	bool invert;
	/* run-time state */
	uint32_t count;
};

static const struct opt_row rows[] = {
	{ .name = "mode", .id = O_MODE, .type = OPT_CUSTOM, .flags = OPTF_MANDATORY },
	{ .name = "probability", .id = O_PROBABILITY, .type = OPT_CUSTOM, .flags = OPTF_INVERT,
	  .excludes = 1u << O_EVERY | 1u << O_PACKET },
	{ .name = "every", .id = O_EVERY, .type = OPT_U32, .flags = OPTF_INVERT | OPTF_STORE, .min = 1,
	  .max = UINT32_MAX, .excludes = 1u << O_PROBABILITY, .also = 1u << O_PACKET,
	  .offset = offsetof(struct statistic_data, every) },
	{ .name = "packet", .id = O_PACKET, .type = OPT_U32, .flags = OPTF_STORE, .excludes = 1u << O_PROBABILITY,
	  .also = 1u << O_EVERY, .offset = offsetof(struct statistic_data, packet) },
};

/* parse_probability: a decimal fraction 0..1. */
static int parse_probability(struct opt_call *c, struct statistic_data *d)
{
	char *end;
	double p = strtod(c->arg, &end);

	if (end == c->arg || *end || !(p >= 0 && p <= 1)) {
		rule_fail(c->err, "%s: bad value for option \"--%s\", or out of range (0-1).", c->ext, c->row->name);
		c->err->blank = true;
		return -1;
	}
	d->probability = (uint32_t)(p * ONE + 0.5);
	d->every = d->probability + 1;
	return 0;
}

static void statistic_init(void *data)
{
	((struct statistic_data *)data)->every = 1;
}

/* statistic_parse: in iptables --probability and N - 1 of --every share one place, which the later option fills. */
static int statistic_parse(struct opt_call *c)
{
	struct statistic_data *d = c->data;

	d->invert = d->invert || c->invert;
	if (c->row->id == O_PROBABILITY)
		return parse_probability(c, d);
	if (c->row->id == O_EVERY)
		d->probability = d->every - 1;
	if (c->row->id != O_MODE)
		return 0;
	if (strcmp(c->arg, "random") && strcmp(c->arg, "nth"))
		return rule_fail(c->err, "Bad mode \"%s\"", c->arg);
	d->mode = *c->arg == 'r' ? MODE_RANDOM : MODE_NTH;
	return 0;
}

static int statistic_check(struct opt_call *c)
{
	const struct statistic_data *d = c->data;
	const uint32_t nth = 1u << O_EVERY | 1u << O_PACKET;

	if (d->mode == MODE_RANDOM && !(c->seen & 1u << O_PROBABILITY))
		return rule_fail(c->err, "--probability must be specified when using random mode");
	if (d->mode == MODE_NTH && !(c->seen & nth))
		return rule_fail(c->err, "--every and --packet must be specified when using nth mode");
	if (d->packet > d->every - 1)
		return rule_fail(c->err, "the --packet p must be 0 <= p <= n-1");
	return 0;
}

static void statistic_start(struct tables *t, void *data)
{
	struct statistic_data *d = data;

	(void)t;
	d->count = d->every - 1 - d->packet; /* libxt_statistic.c: the packet that is named is the first to fit */
}

/* dump: the options; @dashes: "--" or "". */
static void dump(const struct statistic_data *d, const char *dashes, struct text *out)
{
	text_printf(out, " %smode %s", dashes, d->mode == MODE_RANDOM ? "random" : "nth");
	put_not(out, d->invert);
	if (d->mode == MODE_RANDOM)
		text_printf(out, " %sprobability %.11f", dashes, d->probability / (double)ONE);
	else
		text_printf(out, " %severy %u", dashes, d->every);
	if (d->mode == MODE_NTH && (d->packet || *dashes))
		text_printf(out, " %spacket %u", dashes, d->packet);
}

static void statistic_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " statistic");
	dump(data, "", out);
}

static void statistic_save(const void *data, struct text *out)
{
	dump(data, "--", out);
}

static bool statistic_match(void *data, struct pkt *p, struct rule_env *env)
{
	struct statistic_data *d = data;
	bool hit;

	(void)p;
	if (d->mode == MODE_RANDOM) {
		hit = (netstack_random32(env->st->ns) & (ONE - 1)) < d->probability;
	} else {
		d->count = d->count + 1 >= d->every ? 0 : d->count + 1;
		hit = !d->count;
	}
	return hit != d->invert;
}

const struct match_ops match_statistic = {
	.name = "statistic",
	.size = sizeof(struct statistic_data),
	.state = true,
	.state_size = sizeof(struct statistic_data) - offsetof(struct statistic_data, count),
	OPT_ROWS(rows),
	.init = statistic_init,
	.parse = statistic_parse,
	.check = statistic_check,
	.start = statistic_start,
	.print = statistic_print,
	.save = statistic_save,
	.match = statistic_match,
};
