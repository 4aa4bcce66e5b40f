/* match_connmark.c - --mark: the connection's mark (net/netfilter/xt_connmark.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_MARK };

struct connmark_data {
	uint32_t mark, mask;
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "mark", .id = O_MARK, .type = OPT_MARKMASK, .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct connmark_data, mark) },
};

static int connmark_parse(struct opt_call *c)
{
	((struct connmark_data *)c->data)->invert = c->invert;
	return 0;
}

static void connmark_print(const void *data, bool numeric, struct text *out)
{
	const struct connmark_data *d = data;

	(void)numeric;
	text_printf(out, " connmark match %s", d->invert ? "!" : "");
	put_mark(out, d->mark, d->mask);
}

static void connmark_save(const void *data, struct text *out)
{
	const struct connmark_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --mark");
	put_mark(out, d->mark, d->mask);
}

static bool connmark_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct connmark_data *d = data;

	(void)env;
	return p->ct && ((p->ct->mark & d->mask) == d->mark) != d->invert;
}

const struct match_ops match_connmark = {
	.name = "connmark",
	.revision = 1,
	.size = sizeof(struct connmark_data),
	OPT_ROWS(rows),
	.parse = connmark_parse,
	.print = connmark_print,
	.save = connmark_save,
	.match = connmark_match,
};
