/* match_rateest.c - compares rates that -j RATEEST measures with figures or with each other (net/netfilter/xt_rateest.c).
 *
 * The words are as libxt_rateest.c reads them, by hand: the value behind --rateest-bps and its kin may be left out.
 */
#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "tables/estimator.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/tables_int.h"

enum { O_RATEEST1, O_RATEEST2, O_BPS1, O_PPS1, O_BPS2, O_PPS2, O_DELTA, O_LT, O_GT, O_EQ };

struct rateest_data {
	char name[2][ESTIMATOR_NAME_LEN + 1];
	uint32_t bps[2], pps[2];
	uint8_t mode; /* O_LT, O_GT, O_EQ; 0 = none */
	bool use_bps, use_pps, delta, relative, invert;
	uint16_t given; /* options while they are read; then 0 */
	/* run-time state */
	struct estimator *estimator[2];
};

#define WORD(word, bit, kind) { .name = word, .id = bit, .type = kind, .flags = OPTF_INVERT | OPTF_MULTI }

static const struct opt_row rows[] = {
	WORD("rateest1", O_RATEEST1, OPT_CUSTOM),  WORD("rateest", O_RATEEST1, OPT_CUSTOM),
	WORD("rateest2", O_RATEEST2, OPT_CUSTOM),  WORD("rateest-bps1", O_BPS1, OPT_NONE),
	WORD("rateest-pps1", O_PPS1, OPT_NONE),    WORD("rateest-bps2", O_BPS2, OPT_NONE),
	WORD("rateest-bps", O_BPS2, OPT_NONE),     WORD("rateest-pps2", O_PPS2, OPT_NONE),
	WORD("rateest-pps", O_PPS2, OPT_NONE),     WORD("rateest-delta", O_DELTA, OPT_NONE),
	WORD("rateest-lt", O_LT, OPT_NONE),        WORD("rateest-gt", O_GT, OPT_NONE),
	WORD("rateest-eq", O_EQ, OPT_NONE),
};

/* --- options ------------------------------------------------------------------------------------------------------ */

/* parse_rate: bits in a second, with a unit ("kbit", "mibit", "kbps" = 1000 bytes) -> bytes. Return: 0 or -EINVAL. */
static int parse_rate(const char *text, uint32_t *bytes)
{
	static const struct {
		const char *name;
		double bits;
	} units[] = {
		{ "", 1 },         { "bit", 1 },        { "kibit", 1024. },    { "kbit", 1e3 },
		{ "mibit", 1024. * 1024 },              { "mbit", 1e6 },       { "gibit", 1024. * 1024 * 1024 },
		{ "gbit", 1e9 },   { "tibit", 1024. * 1024 * 1024 * 1024 },    { "tbit", 1e12 },
		{ "bps", 8 },      { "kibps", 8 * 1024. },                     { "kbps", 8e3 },
		{ "mibps", 8 * 1024. * 1024 },          { "mbps", 8e6 },       { "gibps", 8 * 1024. * 1024 * 1024 },
		{ "gbps", 8e9 },   { "tibps", 8 * 1024. * 1024 * 1024 * 1024 }, { "tbps", 8e12 },
	};
	char *end;
	double value = strtod(text, &end);

	if (end == text)
		return -EINVAL;
	for (unsigned i = 0; i < sizeof units / sizeof units[0]; i++)
		if (!strcasecmp(units[i].name, end)) {
			*bytes = (uint32_t)(int64_t)(value * units[i].bits / 8);
			return 0;
		}
	return -EINVAL;
}

/* parse_figure: the figure behind the option, if there is one. @bytes: a rate of bytes, else of packets. */
static int parse_figure(struct opt_call *c, bool bytes, uint32_t *out)
{
	const char *text = c->more_count ? c->more[0] : NULL;
	uint64_t value;

	if (!text || *text == '-' || *text == '!')
		return 0;
	c->more_used = 1;
	if (bytes)
		return parse_rate(text, out) ? rule_fail(c->err, "rateest: could not parse rate `%s'", text) : 0;
	if (opt_number(text, NULL, 0, UINT32_MAX, &value))
		return rule_fail(c->err, "rateest: could not parse pps `%s'", text);
	*out = (uint32_t)value;
	return 0;
}

/* check_word: that an option stands there once and not inverted, with the texts of libxt_rateest. */
static int check_word(struct opt_call *c, bool again)
{
	static const char *const once[] = { "--rateest1", "--rateest2", "--rateest-bps1", "--rateest-pps1", "--rateest-bps2",
					    "--rateest-pps2", "--rateest-delta", "lt/gt/eq", "lt/gt/eq", "lt/gt/eq" };
	static const char *const kept[] = { "rateest", "rateest", "rateest-bps", "rateest-pps", "rateest-bps", "rateest-pps",
					    "rateest-delta" };

	if (c->invert && c->row->id < O_LT)
		return rule_fail(c->err, "rateest: %s can't be inverted", kept[c->row->id]);
	if (again)
		return rule_fail(c->err, "rateest: can't specify %s twice", once[c->row->id]);
	return 0;
}

/* take_name: the name of an estimator. */
static int take_name(struct opt_call *c, char name[ESTIMATOR_NAME_LEN + 1])
{
	memcpy(name, c->arg, strnlen(c->arg, ESTIMATOR_NAME_LEN));
	return 0;
}

static int rateest_parse(struct opt_call *c)
{
	struct rateest_data *d = c->data;

	if (check_word(c, d->given >> c->row->id & 1))
		return -1;
	d->given |= (uint16_t)(1u << c->row->id);
	switch (c->row->id) {
	case O_RATEEST1:
		return take_name(c, d->name[0]);
	case O_RATEEST2:
		d->relative = true;
		return take_name(c, d->name[1]);
	case O_BPS1:
	case O_BPS2:
		d->use_bps = true;
		return parse_figure(c, true, &d->bps[c->row->id == O_BPS2]);
	case O_PPS1:
	case O_PPS2:
		d->use_pps = true;
		return parse_figure(c, false, &d->pps[c->row->id == O_PPS2]);
	case O_DELTA:
		d->delta = true;
		return 0;
	default:
		d->mode = c->row->id;
		d->invert = d->invert || c->invert;
		return 0;
	}
}

static int rateest_check(struct opt_call *c)
{
	((struct rateest_data *)c->data)->given = 0;
	return 0;
}

/* rateest_attach: what the kernel asks of the options, and the estimators, which some -j RATEEST has made. */
static int rateest_attach(struct tables *t, void *data, struct rule_error *err)
{
	struct rateest_data *d = data;

	if (!d->use_bps && !d->use_pps)
		return rule_invalid(err, "match rateest: nothing to compare");
	if (!d->mode)
		return rule_invalid(err, "match rateest: no way to compare");
	d->estimator[0] = estimator_find(t, d->name[0]);
	if (!d->estimator[0])
		return rule_fail_errno(err, ENOENT);
	d->estimator[1] = d->relative ? estimator_find(t, d->name[1]) : NULL;
	if (!d->relative || d->estimator[1])
		return 0;
	estimator_put(t, d->estimator[0]);
	return rule_fail_errno(err, ENOENT);
}

static void rateest_detach(struct tables *t, void *data)
{
	struct rateest_data *d = data;

	estimator_put(t, d->estimator[0]);
	if (d->estimator[1])
		estimator_put(t, d->estimator[1]);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* put_mode: " gt", " ! --rateest-gt". */
static void put_mode(const struct rateest_data *d, const char *dashes, struct text *out)
{
	put_not(out, d->invert);
	text_printf(out, " %s%s", dashes, d->mode == O_LT ? "lt" : d->mode == O_GT ? "gt" : "eq");
}

/* put_figure: a rate of bytes in bits ("1000Kbit"), or of packets or @plain as it is. */
static void put_figure(struct text *out, bool plain, uint32_t figure)
{
	double bits = 8.0 * figure;

	if (plain)
		text_printf(out, " %u", figure);
	else if (bits >= 1e9)
		text_printf(out, " %.0fMbit", bits / 1e6);
	else if (bits >= 1e6)
		text_printf(out, " %.0fKbit", bits / 1e3);
	else
		text_printf(out, " %.0fbit", bits);
}

static void rateest_print(const void *data, bool numeric, struct text *out)
{
	const struct rateest_data *d = data;

	text_printf(out, " rateest match %s%s", d->name[0], d->delta ? " delta" : "");
	if (d->use_bps)
		text_puts(out, " bps");
	if (d->use_bps && d->delta)
		put_figure(out, numeric, d->bps[0]);
	if (d->use_bps && !d->relative) {
		put_figure(out, numeric, d->bps[1]);
		put_mode(d, "", out);
	}
	if (d->use_pps)
		text_puts(out, " pps");
	if (d->use_pps && d->delta)
		text_printf(out, " %u", d->pps[0]);
	if (d->use_pps && !d->relative) {
		put_mode(d, "", out);
		text_printf(out, " %u", d->pps[1]);
	}
	if (!d->relative)
		return;
	put_mode(d, "", out);
	text_printf(out, " %s", d->name[1]);
	if (d->use_bps)
		text_puts(out, " bps");
	if (d->use_bps && d->delta)
		put_figure(out, numeric, d->bps[1]);
	if (d->use_pps)
		text_puts(out, " pps");
	if (d->use_pps && d->delta)
		text_printf(out, " %u", d->pps[1]);
}

/* save_figures: the options of one unit. @unit: "bps" or "pps". */
static void save_figures(const struct rateest_data *d, const char *unit, const uint32_t figure[2], struct text *out)
{
	bool bytes = *unit == 'b';

	if (d->delta) {
		text_printf(out, " --rateest-%s1", unit);
		put_figure(out, !bytes, figure[0]);
	}
	put_mode(d, "--rateest-", out);
	text_printf(out, " --rateest-%s%s", unit, d->delta ? "2" : "");
	if (d->delta || !d->relative)
		put_figure(out, !bytes, figure[1]);
}

static void rateest_save(const void *data, struct text *out)
{
	const struct rateest_data *d = data;

	if (d->delta)
		text_puts(out, " --rateest-delta");
	text_printf(out, " --rateest%s %s", d->relative ? "1" : "", d->name[0]);
	if (d->use_bps)
		save_figures(d, "bps", d->bps, out);
	if (d->use_pps)
		save_figures(d, "pps", d->pps, out);
	if (d->relative)
		text_printf(out, " --rateest2 %s", d->name[1]);
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

/* side: one side of the comparison: a figure, a rate, or with --rateest-delta how far the rate is below the figure. */
static uint64_t side(const struct rateest_data *d, unsigned i, uint32_t figure, uint64_t rate)
{
	if (i && !d->relative)
		return figure;
	if (!d->delta)
		return rate;
	return figure >= rate ? figure - rate : 0;
}

/* fits: whether the two sides stand as the rule asks. */
static bool fits(const struct rateest_data *d, uint64_t left, uint64_t right)
{
	return d->mode == O_LT ? left < right : d->mode == O_GT ? left > right : left == right;
}

static bool rateest_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct rateest_data *d = data;
	struct estimator_rate rate[2] = { { 0 }, { 0 } };
	bool hit = true;

	(void)p;
	for (unsigned i = 0; i < 2; i++)
		if (d->estimator[i])
			rate[i] = estimator_read(env->tables, d->estimator[i]);
	if (d->use_bps)
		hit = fits(d, side(d, 0, d->bps[0], rate[0].bps), side(d, 1, d->bps[1], rate[1].bps));
	if (d->use_pps)
		hit = hit && fits(d, side(d, 0, d->pps[0], rate[0].pps), side(d, 1, d->pps[1], rate[1].pps));
	return hit != d->invert;
}

const struct match_ops match_rateest = {
	.name = "rateest",
	.size = sizeof(struct rateest_data),
	.state = true,
	.state_size = sizeof(struct rateest_data) - offsetof(struct rateest_data, estimator),
	OPT_ROWS(rows),
	.parse = rateest_parse,
	.check = rateest_check,
	.attach = rateest_attach,
	.detach = rateest_detach,
	.print = rateest_print,
	.save = rateest_save,
	.match = rateest_match,
};
