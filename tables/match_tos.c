/* match_tos.c - --tos: the type of service field (net/netfilter/xt_dscp.c tos_mt). */
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/tos.h"

enum { O_TOS };

struct tos_data {
	struct tos_value tos;
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "tos", .id = O_TOS, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MANDATORY },
};

static int tos_parse_option(struct opt_call *c)
{
	struct tos_data *d = c->data;

	d->invert = c->invert;
	return tos_parse(c, &d->tos);
}

static void tos_print(const void *data, bool numeric, struct text *out)
{
	const struct tos_data *d = data;
	const char *name = numeric ? NULL : tos_name(&d->tos);

	text_printf(out, " tos match%s", d->invert ? "!" : "");
	if (name)
		text_printf(out, " %s", name);
	else
		text_printf(out, "0x%02x/0x%02x", d->tos.value, d->tos.mask);
}

static void tos_save(const void *data, struct text *out)
{
	const struct tos_data *d = data;

	put_not(out, d->invert);
	text_printf(out, " --tos 0x%02x/0x%02x", d->tos.value, d->tos.mask);
}

static bool tos_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct tos_data *d = data;

	(void)env;
	return ((p->hdr.tos & d->tos.mask) == d->tos.value) != d->invert;
}

const struct match_ops match_tos = {
	.name = "tos",
	.revision = 1,
	.size = sizeof(struct tos_data),
	OPT_ROWS(rows),
	.parse = tos_parse_option,
	.print = tos_print,
	.save = tos_save,
	.match = tos_match,
};
