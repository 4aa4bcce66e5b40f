/* match_helper.c - --helper: connections that a helper expected (net/netfilter/xt_helper.c).
 *
 * It looks at the helper of the master: only expected (RELATED) connections fit, not the control connection.
 */
#include "conntrack/helper.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_HELPER };
enum { NAME_MAX_LEN = 29 };

struct helper_data {
	char name[NAME_MAX_LEN + 1]; /* "" = any helper */
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "helper", .id = O_HELPER, .type = OPT_STRING, .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE,
	  .max = NAME_MAX_LEN, .offset = offsetof(struct helper_data, name) },
};

static int helper_parse(struct opt_call *c)
{
	((struct helper_data *)c->data)->invert = c->invert;
	return 0;
}

static void helper_print(const void *data, bool numeric, struct text *out)
{
	const struct helper_data *d = data;

	(void)numeric;
	text_puts(out, " helper match");
	put_not(out, d->invert);
	text_printf(out, " \"%s\"", d->name);
}

static void helper_save(const void *data, struct text *out)
{
	const struct helper_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --helper");
	put_word(out, d->name);
}

static bool helper_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct helper_data *d = data;
	const struct ct_entry *master = p->ct && !(p->ct->status & CT_ST_TEMPLATE) ? ct_master(p->ct) : NULL;
	const struct ct_helper *helper = master && ct_help(master) ? ct_help(master)->helper : NULL;

	(void)env;
	if (!helper)
		return d->invert;
	return (!*d->name || !strncmp(helper->name, d->name, strlen(helper->name))) != d->invert;
}

const struct match_ops match_helper = {
	.name = "helper",
	.size = sizeof(struct helper_data),
	OPT_ROWS(rows),
	.parse = helper_parse,
	.print = helper_print,
	.save = helper_save,
	.match = helper_match,
};
