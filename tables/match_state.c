/* match_state.c - --state: how the packet stands to its connection (net/netfilter/xt_conntrack.c with the old name). */
#include "tables/ct_state.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_STATE };

struct state_data {
	uint8_t states;
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "state", .id = O_STATE, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MANDATORY },
};

static int state_parse(struct opt_call *c)
{
	struct state_data *d = c->data;
	const char *list = c->arg;
	uint8_t bit;

	d->invert = c->invert;
	for (const char *comma; (comma = strchr(list, ',')); list = comma + 1) {
		bit = comma == list ? 0 : ct_state_parse(list, (size_t)(comma - list), false);
		if (!bit)
			return rule_fail(c->err, "Bad state \"%s\"", list);
		d->states |= bit;
	}
	if (!*list)
		return rule_fail(c->err, "\"--state\" requires a list of states with no spaces, e.g. "
					 "ESTABLISHED,RELATED");
	bit = ct_state_parse(list, strlen(list), false);
	if (!bit)
		return rule_fail(c->err, "Bad state \"%s\"", list);
	d->states |= bit;
	return 0;
}

static void state_print(const void *data, bool numeric, struct text *out)
{
	const struct state_data *d = data;

	(void)numeric;
	put_not(out, d->invert);
	text_puts(out, " state");
	ct_state_print(out, d->states);
}

static void state_save(const void *data, struct text *out)
{
	const struct state_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --state");
	ct_state_print(out, d->states);
}

static bool state_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct state_data *d = data;

	(void)env;
	return !(ct_state_of(p) & d->states) == d->invert;
}

const struct match_ops match_state = {
	.name = "state",
	.size = sizeof(struct state_data),
	OPT_ROWS(rows),
	.parse = state_parse,
	.print = state_print,
	.save = state_save,
	.match = state_match,
};
