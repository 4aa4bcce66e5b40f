/* match_mark.c - --mark: the packet's mark (net/netfilter/xt_mark.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_MARK };

struct mark_data {
	uint32_t mark, mask;
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "mark", .id = O_MARK, .type = OPT_MARKMASK, .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct mark_data, mark) },
};

static int mark_parse(struct opt_call *c)
{
	((struct mark_data *)c->data)->invert = c->invert;
	return 0;
}

static void mark_print(const void *data, bool numeric, struct text *out)
{
	const struct mark_data *d = data;

	(void)numeric;
	text_puts(out, " mark match");
	put_not(out, d->invert);
	put_mark(out, d->mark, d->mask);
}

static void mark_save(const void *data, struct text *out)
{
	const struct mark_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --mark");
	put_mark(out, d->mark, d->mask);
}

static bool mark_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct mark_data *d = data;

	(void)env;
	return ((p->mark & d->mask) == d->mark) != d->invert;
}

const struct match_ops match_mark = {
	.name = "mark",
	.revision = 1,
	.size = sizeof(struct mark_data),
	OPT_ROWS(rows),
	.parse = mark_parse,
	.print = mark_print,
	.save = mark_save,
	.match = mark_match,
};
