/* match_ttl.c - --ttl-eq, --ttl-lt, --ttl-gt (net/netfilter/xt_hl.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_EQ, O_LT, O_GT };

struct ttl_data {
	uint8_t ttl;
	uint8_t mode; /* O_* */
	bool invert;  /* of O_EQ */
};

#define ALL (1u << O_LT | 1u << O_GT | 1u << O_EQ)
#define TTL(word, bit, more) \
	{ .name = word, .id = bit, .type = OPT_U8, .flags = OPTF_STORE | (more), .excludes = ALL & ~(1u << (bit)) }

static const struct opt_row rows[] = {
	TTL("ttl-lt", O_LT, 0),
	TTL("ttl-gt", O_GT, 0),
	TTL("ttl-eq", O_EQ, OPTF_INVERT),
	TTL("ttl", O_EQ, OPTF_INVERT),
};

static int ttl_parse(struct opt_call *c)
{
	struct ttl_data *d = c->data;

	d->mode = c->row->id;
	d->invert = c->invert;
	return 0;
}

static int ttl_check(struct opt_call *c)
{
	if (c->seen)
		return 0;
	return rule_fail(c->err, "TTL match: You must specify one of `--ttl-eq', `--ttl-lt', `--ttl-gt");
}

static void ttl_print(const void *data, bool numeric, struct text *out)
{
	const struct ttl_data *d = data;
	const char *op = d->mode == O_LT ? "<" : d->mode == O_GT ? ">" : d->invert ? "!=" : "==";

	(void)numeric;
	text_printf(out, " TTL match TTL %s %u", op, d->ttl);
}

static void ttl_save(const void *data, struct text *out)
{
	const struct ttl_data *d = data;

	put_not(out, d->invert);
	text_printf(out, " --%s %u", (d->mode == O_LT ? "ttl-lt" : d->mode == O_GT ? "ttl-gt" : "ttl-eq"), d->ttl);
}

static bool ttl_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct ttl_data *d = data;
	uint8_t ttl = p->hdr.ttl;

	(void)env;
	if (d->mode == O_LT)
		return ttl < d->ttl;
	if (d->mode == O_GT)
		return ttl > d->ttl;
	return (ttl == d->ttl) != d->invert;
}

const struct match_ops match_ttl = {
	.name = "ttl",
	.size = sizeof(struct ttl_data),
	OPT_ROWS(rows),
	.parse = ttl_parse,
	.check = ttl_check,
	.print = ttl_print,
	.save = ttl_save,
	.match = ttl_match,
};
