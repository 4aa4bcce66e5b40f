/* target_CONNSECMARK.c - copies the security mark between packet and connection (net/netfilter/xt_CONNSECMARK.c).
 *
 * Linux parity: both directions copy a mark only where there is one. Here, as on a Linux without a security module, nothing
 * can give a packet one (see target_SECMARK.c), so there is never anything to copy.
 */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SAVE, O_RESTORE };

struct connsecmark_data {
	uint8_t mode; /* O_* */
};

static const struct opt_row rows[] = {
	{ .name = "save", .id = O_SAVE, .type = OPT_NONE, .excludes = 1u << O_RESTORE },
	{ .name = "restore", .id = O_RESTORE, .type = OPT_NONE, .excludes = 1u << O_SAVE },
};

static int connsecmark_parse(struct opt_call *c)
{
	((struct connsecmark_data *)c->data)->mode = c->row->id;
	return 0;
}

static int connsecmark_check(struct opt_call *c)
{
	return c->seen ? 0 : rule_fail(c->err, "CONNSECMARK target: parameter required");
}

static void connsecmark_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_printf(out, " CONNSECMARK %s", rows[((const struct connsecmark_data *)data)->mode].name);
}

static void connsecmark_save(const void *data, struct text *out)
{
	text_printf(out, " --%s", rows[((const struct connsecmark_data *)data)->mode].name);
}

static enum rule_verdict connsecmark_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)p;
	(void)env;
	return RULE_CONTINUE;
}

const struct target_ops target_CONNSECMARK = {
	.name = "CONNSECMARK",
	.tables = TABLE_BIT(MANGLE) | TABLE_BIT(SECURITY),
	.size = sizeof(struct connsecmark_data),
	OPT_ROWS(rows),
	.parse = connsecmark_parse,
	.check = connsecmark_check,
	.print = connsecmark_print,
	.save = connsecmark_save,
	.target = connsecmark_target,
};
