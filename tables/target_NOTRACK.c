/* target_NOTRACK.c - the packet is not tracked (net/netfilter/xt_CT.c notrack_tg). */
#include "tables/extensions.h"
#include "tables/options.h"

static void notrack_print(const void *data, bool numeric, struct text *out)
{
	(void)data;
	(void)numeric;
	text_puts(out, " NOTRACK");
}

static enum rule_verdict notrack_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)env;
	if (!p->ct)
		p->ct_info = CT_UNTRACKED;
	return RULE_CONTINUE;
}

const struct target_ops target_NOTRACK = {
	.name = "NOTRACK",
	.kernel_name = "CT",
	.tables = TABLE_BIT(RAW),
	.print = notrack_print,
	.target = notrack_target,
};
