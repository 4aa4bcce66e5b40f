/* target_MARK.c - sets bits of the packet's mark: mark = (mark & ~mask) ^ value (net/netfilter/xt_mark.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SET_MARK, O_SET_XMARK, O_AND, O_OR, O_XOR };
#define ALL (1u << O_SET_MARK | 1u << O_SET_XMARK | 1u << O_AND | 1u << O_OR | 1u << O_XOR)

struct mark_data {
	uint32_t mark, mask;
};

#define ACTION(word, bit, kind) \
	{ .name = word, .id = bit, .type = kind, .flags = OPTF_STORE, .offset = offsetof(struct mark_data, mark), \
	  .excludes = ALL & ~(1u << (bit)) }

static const struct opt_row rows[] = {
	ACTION("set-xmark", O_SET_XMARK, OPT_MARKMASK), ACTION("set-mark", O_SET_MARK, OPT_MARKMASK),
	ACTION("and-mark", O_AND, OPT_U32),             ACTION("or-mark", O_OR, OPT_U32),
	ACTION("xor-mark", O_XOR, OPT_U32),
};

static int mark_parse(struct opt_call *c)
{
	struct mark_data *d = c->data;

	switch (c->row->id) {
	case O_SET_MARK: /* zeroes the mask, then ORs the value */
		d->mask |= d->mark;
		break;
	case O_AND:
		d->mask = ~d->mark;
		d->mark = 0;
		break;
	case O_OR:
		d->mask = d->mark;
		break;
	case O_XOR:
		d->mask = 0;
		break;
	default:
		break;
	}
	return 0;
}

static int mark_check(struct opt_call *c)
{
	if (c->seen)
		return 0;
	return rule_fail(c->err, "MARK: One of the --set-xmark, --{and,or,xor,set}-mark options is required");
}

static void mark_print(const void *data, bool numeric, struct text *out)
{
	const struct mark_data *d = data;

	(void)numeric;
	text_puts(out, " MARK");
	put_mark_action(out, d->mark, d->mask);
}

static void mark_save(const void *data, struct text *out)
{
	const struct mark_data *d = data;

	text_printf(out, " --set-xmark 0x%x/0x%x", d->mark, d->mask);
}

static enum rule_verdict mark_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct mark_data *d = data;

	(void)env;
	p->mark = (p->mark & ~d->mask) ^ d->mark;
	return RULE_CONTINUE;
}

const struct target_ops target_MARK = {
	.name = "MARK",
	.revision = 2,
	.size = sizeof(struct mark_data),
	OPT_ROWS(rows),
	.parse = mark_parse,
	.check = mark_check,
	.print = mark_print,
	.save = mark_save,
	.target = mark_target,
};
