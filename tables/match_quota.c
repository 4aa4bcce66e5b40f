/* match_quota.c - --quota: bytes that a rule lets pass (net/netfilter/xt_quota.c). The first packet that is longer than
 * what is left ends it, for smaller ones too. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_QUOTA };

struct quota_data {
	uint64_t quota;
	bool invert;
	/* run-time state */
	uint64_t left;
};

static const struct opt_row rows[] = {
	{ .name = "quota", .id = O_QUOTA, .type = OPT_U64, .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct quota_data, quota) },
};

static int quota_parse(struct opt_call *c)
{
	((struct quota_data *)c->data)->invert = c->invert;
	return 0;
}

static void quota_start(struct tables *t, void *data)
{
	struct quota_data *d = data;

	(void)t;
	d->left = d->quota;
}

static void quota_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_printf(out, " quota: %llu bytes", (unsigned long long)((const struct quota_data *)data)->quota);
}

static void quota_save(const void *data, struct text *out)
{
	const struct quota_data *d = data;

	put_not(out, d->invert);
	text_printf(out, " --quota %llu", (unsigned long long)d->quota);
}

static bool quota_match(void *data, struct pkt *p, struct rule_env *env)
{
	struct quota_data *d = data;

	(void)env;
	if (d->left >= p->len) {
		d->left -= p->len;
		return !d->invert;
	}
	d->left = 0;
	return d->invert;
}

const struct match_ops match_quota = {
	.name = "quota",
	.size = sizeof(struct quota_data),
	.state = true,
	.state_size = sizeof(struct quota_data) - offsetof(struct quota_data, left),
	OPT_ROWS(rows),
	.parse = quota_parse,
	.start = quota_start,
	.print = quota_print,
	.save = quota_save,
	.match = quota_match,
};
