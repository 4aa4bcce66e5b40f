/* target_TRACE.c - from here on each rule that the packet hits is logged (net/netfilter/xt_TRACE.c). */
#include "tables/extensions.h"

static enum rule_verdict trace_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)env;
	p->traced = true;
	return RULE_CONTINUE;
}

const struct target_ops target_TRACE = {
	.name = "TRACE",
	.tables = TABLE_BIT(RAW),
	.target = trace_target,
};
