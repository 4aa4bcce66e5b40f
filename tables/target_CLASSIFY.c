/* target_CLASSIFY.c - sets the packet's priority, a traffic class MAJOR:MINOR (net/netfilter/xt_CLASSIFY.c). */
#include <stdio.h>

#include "tables/extensions.h"
#include "tables/options.h"

enum { O_CLASS };

struct classify_data {
	uint32_t priority;
};

static const struct opt_row rows[] = {
	{ .name = "set-class", .id = O_CLASS, .type = OPT_CUSTOM, .flags = OPTF_MANDATORY },
};

static int classify_parse(struct opt_call *c)
{
	struct classify_data *d = c->data;
	unsigned major, minor;

	if (sscanf(c->arg, "%x:%x", &major, &minor) != 2)
		return rule_fail(c->err, "Bad class value \"%s\"", c->arg);
	d->priority = major << 16 | (minor & 0xffff);
	return 0;
}

static void classify_print(const void *data, bool numeric, struct text *out)
{
	uint32_t priority = ((const struct classify_data *)data)->priority;

	(void)numeric;
	text_printf(out, " CLASSIFY set %x:%x", priority >> 16, priority & 0xffff);
}

static void classify_save(const void *data, struct text *out)
{
	uint32_t priority = ((const struct classify_data *)data)->priority;

	text_printf(out, " --set-class %04x:%04x", priority >> 16, priority & 0xffff);
}

static enum rule_verdict classify_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)env;
	p->priority = ((const struct classify_data *)data)->priority;
	return RULE_CONTINUE;
}

const struct target_ops target_CLASSIFY = {
	.name = "CLASSIFY",
	.hooks = HOOK_BIT(FORWARD) | HOOK_BIT(OUTPUT) | HOOK_BIT(POSTROUTING),
	.size = sizeof(struct classify_data),
	OPT_ROWS(rows),
	.parse = classify_parse,
	.print = classify_print,
	.save = classify_save,
	.target = classify_target,
};
