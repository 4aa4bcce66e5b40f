/* match_physdev.c - the bridge ports a packet took (net/netfilter/xt_physdev.c). Routed packets took none: a rule all of
 * whose conditions are negated fits them, any other does not. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_IN, O_OUT, O_IS_IN, O_IS_OUT, O_BRIDGED, OPTION_COUNT };
enum { NAME_LEN = PORT_NAME_MAX - 1 };

struct physdev_data {
	char in[PORT_NAME_MAX], out[PORT_NAME_MAX];
	uint8_t asks, invert; /* bits of O_* */
};

#define ROW(word, bit, kind)                                                \
	{                                                                   \
		.name = word, .id = bit, .type = kind, .flags = OPTF_INVERT \
	}

static const struct opt_row rows[] = {
	ROW("physdev-in", O_IN, OPT_CUSTOM),
	ROW("physdev-out", O_OUT, OPT_CUSTOM),
	ROW("physdev-is-in", O_IS_IN, OPT_NONE),
	ROW("physdev-is-out", O_IS_OUT, OPT_NONE),
	ROW("physdev-is-bridged", O_BRIDGED, OPT_NONE),
};

static int physdev_parse(struct opt_call *c)
{
	struct physdev_data *d = c->data;

	d->asks |= (uint8_t)(1u << c->row->id);
	if (c->invert)
		d->invert |= (uint8_t)(1u << c->row->id);
	if (!c->arg)
		return 0;
	if (strlen(c->arg) > NAME_LEN)
		return rule_fail(c->err, "interface name `%s' must be shorter than IFNAMSIZ (%d)", c->arg,
				 NAME_LEN);
	opt_warn_name(c->warn, c->arg);
	memcpy(c->row->id == O_IN ? d->in : d->out, c->arg, strlen(c->arg) + 1);
	return 0;
}

static int physdev_check(struct opt_call *c)
{
	return c->seen ? 0 : rule_fail(c->err, "PHYSDEV: no physdev option specified");
}

/* physdev_hooks: at OUTPUT no bridge port is known yet, but for what will be bridged. */
static uint8_t physdev_hooks(const void *data)
{
	const struct physdev_data *d = data;
	bool out = d->asks & (1u << O_OUT | 1u << O_IS_OUT);
	bool bridged = d->asks & ~d->invert & 1u << O_BRIDGED;

	return out && !bridged ? HOOK_BIT_ALL & (uint8_t)~HOOK_BIT(OUTPUT) : HOOK_BIT_ALL;
}

static void physdev_save(const void *data, struct text *out)
{
	static const uint8_t order[OPTION_COUNT] = { O_IS_IN, O_IN, O_IS_OUT, O_OUT, O_BRIDGED };
	const struct physdev_data *d = data;

	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		uint8_t id = order[i];

		if (!(d->asks & 1u << id))
			continue;
		put_not(out, d->invert & 1u << id);
		text_printf(out, " --%s", rows[id].name);
		if (id == O_IN || id == O_OUT)
			text_printf(out, " %s", id == O_IN ? d->in : d->out);
	}
}

static void physdev_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " PHYSDEV match");
	physdev_save(data, out);
}

static bool physdev_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct physdev_data *d = data;

	(void)p;
	(void)env;
	return d->asks == d->invert;
}

const struct match_ops match_physdev = {
	.name = "physdev",
	.size = sizeof(struct physdev_data),
	OPT_ROWS(rows),
	.parse = physdev_parse,
	.check = physdev_check,
	.hooks_for = physdev_hooks,
	.print = physdev_print,
	.save = physdev_save,
	.match = physdev_match,
};
