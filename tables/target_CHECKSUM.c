/* target_CHECKSUM.c - completes a checksum that was left to the hardware (net/netfilter/xt_CHECKSUM.c). A super-packet is
 * left alone: its segments get theirs when it is cut. */
#include "netstack/checksum.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_FILL };

static const struct opt_row rows[] = {
	{ .name = "checksum-fill", .id = O_FILL, .type = OPT_NONE, .flags = OPTF_MANDATORY },
};

static void checksum_print(const void *data, bool numeric, struct text *out)
{
	(void)data;
	(void)numeric;
	text_puts(out, " CHECKSUM fill");
}

static void checksum_save(const void *data, struct text *out)
{
	(void)data;
	text_puts(out, " --checksum-fill");
}

static enum rule_verdict checksum_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)env;
	if (!p->gso)
		(void)csum_complete(p);
	return RULE_CONTINUE;
}

const struct target_ops target_CHECKSUM = {
	.name = "CHECKSUM",
	.tables = TABLE_BIT(MANGLE),
	OPT_ROWS(rows),
	.print = checksum_print,
	.save = checksum_save,
	.target = checksum_target,
};
