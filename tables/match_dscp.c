/* match_dscp.c - --dscp, --dscp-class (net/netfilter/xt_dscp.c). */
#include "tables/dscp.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_DSCP, O_CLASS };

struct dscp_data {
	uint8_t dscp;
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "dscp", .id = O_DSCP, .type = OPT_U8, .flags = OPTF_INVERT | OPTF_STORE, .max = DSCP_MAX,
	  .excludes = 1u << O_CLASS, .offset = offsetof(struct dscp_data, dscp) },
	{ .name = "dscp-class", .id = O_CLASS, .type = OPT_CUSTOM, .flags = OPTF_INVERT, .excludes = 1u << O_DSCP },
};

static int dscp_parse(struct opt_call *c)
{
	struct dscp_data *d = c->data;

	d->invert = c->invert;
	return c->row->id == O_CLASS ? dscp_parse_class(c, &d->dscp) : 0;
}

static int dscp_check(struct opt_call *c)
{
	return c->seen ? 0 : rule_fail(c->err, "DSCP match: Parameter --dscp is required");
}

static void dscp_print(const void *data, bool numeric, struct text *out)
{
	const struct dscp_data *d = data;

	(void)numeric;
	text_printf(out, " DSCP match %s0x%02x", d->invert ? "!" : "", d->dscp);
}

static void dscp_save(const void *data, struct text *out)
{
	const struct dscp_data *d = data;

	put_not(out, d->invert);
	text_printf(out, " --dscp 0x%02x", d->dscp);
}

static bool dscp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct dscp_data *d = data;

	(void)env;
	return (p->hdr.tos >> DSCP_SHIFT == d->dscp) != d->invert;
}

const struct match_ops match_dscp = {
	.name = "dscp",
	.size = sizeof(struct dscp_data),
	OPT_ROWS(rows),
	.parse = dscp_parse,
	.check = dscp_check,
	.print = dscp_print,
	.save = dscp_save,
	.match = dscp_match,
};
