/* match_realm.c - --realm: the realm of the packet's route (net/netfilter/xt_realm.c). Routes have no realms: the realm is
 * 0, as that of a Linux route to which nobody gave one. */
#include "tables/extensions.h"
#include "tables/named_value.h"
#include "tables/options.h"

enum { O_REALM };
enum { THE_REALM = 0 };
static const char realms[] = "/etc/iproute2/rt_realms";

struct realm_data {
	uint32_t realm[2]; /* value, mask */
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "realm", .id = O_REALM, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MANDATORY },
};

static int realm_parse(struct opt_call *c)
{
	struct realm_data *d = c->data;

	d->invert = c->invert;
	return named_value_parse(c, realms, d->realm);
}

static void realm_print(const void *data, bool numeric, struct text *out)
{
	const struct realm_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " realm");
	named_value_put(out, numeric ? NULL : realms, d->realm);
}

static void realm_save(const void *data, struct text *out)
{
	const struct realm_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --realm");
	named_value_put(out, realms, d->realm);
}

static bool realm_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct realm_data *d = data;

	(void)p;
	(void)env;
	return (d->realm[0] == (THE_REALM & d->realm[1])) != d->invert;
}

const struct match_ops match_realm = {
	.name = "realm",
	.hooks = HOOK_BIT(INPUT) | HOOK_BIT(FORWARD) | HOOK_BIT(OUTPUT) | HOOK_BIT(POSTROUTING),
	.size = sizeof(struct realm_data),
	OPT_ROWS(rows),
	.parse = realm_parse,
	.print = realm_print,
	.save = realm_save,
	.match = realm_match,
};
