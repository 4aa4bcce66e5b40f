/* match_devgroup.c - --src-group, --dst-group: the group of the port a packet came in or leaves by
 * (net/netfilter/xt_devgroup.c). Ports have no groups of their own: they are all in group 0, where a Linux link begins. */
#include "tables/extensions.h"
#include "tables/named_value.h"
#include "tables/options.h"

enum { O_SRC, O_DST };
enum { THE_GROUP = 0 };
static const char groups[] = "/etc/iproute2/group";

struct devgroup_data {
	uint32_t group[2][2]; /* by O_SRC, O_DST: value, mask */
	uint8_t given, invert; /* bits 1 << O_SRC, 1 << O_DST */
};

static const struct opt_row rows[] = {
	{ .name = "src-group", .id = O_SRC, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "dst-group", .id = O_DST, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
};

static int devgroup_parse(struct opt_call *c)
{
	struct devgroup_data *d = c->data;

	d->given |= (uint8_t)(1u << c->row->id);
	if (c->invert)
		d->invert |= (uint8_t)(1u << c->row->id);
	return named_value_parse(c, groups, d->group[c->row->id]);
}

static int devgroup_check(struct opt_call *c)
{
	if (c->seen)
		return 0;
	return rule_fail(c->err, "devgroup match: You must specify either '--src-group' or '--dst-group'");
}

static uint8_t devgroup_hooks(const void *data)
{
	const struct devgroup_data *d = data;
	uint8_t hooks = HOOK_BIT_ALL;

	if (d->given & 1u << O_SRC)
		hooks &= HOOK_BIT(PREROUTING) | HOOK_BIT(INPUT) | HOOK_BIT(FORWARD);
	if (d->given & 1u << O_DST)
		hooks &= HOOK_BIT(FORWARD) | HOOK_BIT(OUTPUT) | HOOK_BIT(POSTROUTING);
	return hooks;
}

/* dump: the options; @dashes: "--" or "". @path: where names are; NULL: none. */
static void dump(const struct devgroup_data *d, const char *dashes, const char *path, struct text *out)
{
	for (unsigned id = O_SRC; id <= O_DST; id++) {
		if (!(d->given & 1u << id))
			continue;
		put_not(out, d->invert & 1u << id);
		text_printf(out, " %s%s", dashes, rows[id].name);
		named_value_put(out, path, d->group[id]);
	}
}

static void devgroup_print(const void *data, bool numeric, struct text *out)
{
	dump(data, "", numeric ? NULL : groups, out);
}

static void devgroup_save(const void *data, struct text *out)
{
	dump(data, "--", groups, out);
}

static bool devgroup_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct devgroup_data *d = data;

	(void)p;
	(void)env;
	for (unsigned id = O_SRC; id <= O_DST; id++) {
		bool differs = (d->group[id][0] ^ THE_GROUP) & d->group[id][1];

		if (d->given & 1u << id && differs == !(d->invert & 1u << id))
			return false;
	}
	return true;
}

const struct match_ops match_devgroup = {
	.name = "devgroup",
	.size = sizeof(struct devgroup_data),
	OPT_ROWS(rows),
	.parse = devgroup_parse,
	.check = devgroup_check,
	.hooks_for = devgroup_hooks,
	.print = devgroup_print,
	.save = devgroup_save,
	.match = devgroup_match,
};
