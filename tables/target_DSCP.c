/* target_DSCP.c - sets the DiffServ code point, keeps the ECN bits (net/netfilter/xt_DSCP.c). */
#include "tables/dscp.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/rewrite.h"

enum { O_SET, O_CLASS };

struct dscp_data {
	uint8_t dscp;
};

static const struct opt_row rows[] = {
	{ .name = "set-dscp", .id = O_SET, .type = OPT_U8, .flags = OPTF_STORE, .max = DSCP_MAX,
	  .excludes = 1u << O_CLASS, .offset = offsetof(struct dscp_data, dscp) },
	{ .name = "set-dscp-class", .id = O_CLASS, .type = OPT_CUSTOM, .excludes = 1u << O_SET },
};

static int dscp_parse(struct opt_call *c)
{
	return c->row->id == O_CLASS ? dscp_parse_class(c, &((struct dscp_data *)c->data)->dscp) : 0;
}

static int dscp_check(struct opt_call *c)
{
	return c->seen ? 0 : rule_fail(c->err, "DSCP target: Parameter --set-dscp is required");
}

static void dscp_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_printf(out, " DSCP set 0x%02x", ((const struct dscp_data *)data)->dscp);
}

static void dscp_save(const void *data, struct text *out)
{
	text_printf(out, " --set-dscp 0x%02x", ((const struct dscp_data *)data)->dscp);
}

static enum rule_verdict dscp_target(void *data, struct pkt *p, struct rule_env *env)
{
	uint8_t dscp = ((const struct dscp_data *)data)->dscp;

	(void)env;
	rewrite_tos(p, (uint8_t)(dscp << DSCP_SHIFT | (p->hdr.tos & DSCP_ECN_BITS)));
	return RULE_CONTINUE;
}

const struct target_ops target_DSCP = {
	.name = "DSCP",
	.tables = TABLE_BIT(MANGLE),
	.size = sizeof(struct dscp_data),
	OPT_ROWS(rows),
	.parse = dscp_parse,
	.check = dscp_check,
	.print = dscp_print,
	.save = dscp_save,
	.target = dscp_target,
};
