/* target_CONNMARK.c - the connection's mark: set, save from the packet, restore to it (net/netfilter/xt_connmark.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SET_MARK, O_SAVE, O_RESTORE, O_AND, O_OR, O_XOR, O_SET_XMARK, O_CTMASK, O_NFMASK, O_MASK, O_LEFT, O_RIGHT };
enum { MODE_SET, MODE_SAVE, MODE_RESTORE };
enum { SHIFT_LEFT, SHIFT_RIGHT, SHIFT_END = 32 };

#define BIT(id) (1u << (id))
#define ACTIONS (BIT(O_SET_MARK) | BIT(O_SAVE) | BIT(O_RESTORE) | BIT(O_AND) | BIT(O_OR) | BIT(O_XOR) | BIT(O_SET_XMARK))

struct connmark_data {
	uint32_t mark, ctmask, nfmask;
	uint8_t mode;      /* MODE_* */
	uint8_t direction; /* SHIFT_* */
	uint8_t shift;     /* bits */
};

/* What a word stores first; .parse then makes the algebra of it. */
#define VALUE(word, bit, kind) \
	{ .name = word, .id = bit, .type = kind, .flags = OPTF_STORE, .offset = offsetof(struct connmark_data, mark), \
	  .excludes = ACTIONS & ~BIT(bit) }
#define FLAG(word, bit) { .name = word, .id = bit, .type = OPT_NONE, .excludes = ACTIONS & ~BIT(bit) }
#define SHIFT(word, bit) \
	{ .name = word, .id = bit, .type = OPT_U8, .flags = OPTF_STORE, .max = SHIFT_END, \
	  .offset = offsetof(struct connmark_data, shift) }

static const struct opt_row rows[] = {
	VALUE("set-xmark", O_SET_XMARK, OPT_MARKMASK),
	VALUE("set-mark", O_SET_MARK, OPT_MARKMASK),
	VALUE("and-mark", O_AND, OPT_U32),
	VALUE("or-mark", O_OR, OPT_U32),
	VALUE("xor-mark", O_XOR, OPT_U32),
	FLAG("save-mark", O_SAVE),
	FLAG("restore-mark", O_RESTORE),
	SHIFT("left-shift-mark", O_LEFT),
	SHIFT("right-shift-mark", O_RIGHT),
	{ .name = "ctmask", .id = O_CTMASK, .type = OPT_U32, .flags = OPTF_STORE, .excludes = BIT(O_MASK),
	  .offset = offsetof(struct connmark_data, ctmask) },
	{ .name = "nfmask", .id = O_NFMASK, .type = OPT_U32, .flags = OPTF_STORE, .excludes = BIT(O_MASK),
	  .offset = offsetof(struct connmark_data, nfmask) },
	{ .name = "mask", .id = O_MASK, .type = OPT_U32, .flags = OPTF_STORE, .excludes = BIT(O_CTMASK) | BIT(O_NFMASK),
	  .offset = offsetof(struct connmark_data, ctmask) },
};

static void connmark_init(void *data)
{
	struct connmark_data *d = data;

	d->ctmask = d->nfmask = UINT32_MAX;
}

static int connmark_parse(struct opt_call *c)
{
	struct connmark_data *d = c->data;

	switch (c->row->id) {
	case O_SET_MARK: /* zeroes the mask, then ORs the value */
		d->ctmask |= d->mark;
		break;
	case O_AND:
		d->ctmask = ~d->mark;
		d->mark = 0;
		break;
	case O_OR:
		d->ctmask = d->mark;
		break;
	case O_XOR:
		d->ctmask = 0;
		break;
	case O_SAVE:
		d->mode = MODE_SAVE;
		break;
	case O_RESTORE:
		d->mode = MODE_RESTORE;
		break;
	case O_MASK:
		d->nfmask = d->ctmask;
		break;
	case O_LEFT:
	case O_RIGHT: /* the later one counts */
		d->direction = c->row->id == O_LEFT ? SHIFT_LEFT : SHIFT_RIGHT;
		break;
	default:
		break;
	}
	return 0;
}

static int connmark_check(struct opt_call *c)
{
	const struct connmark_data *d = c->data;

	if (!(c->seen & ACTIONS))
		return rule_fail(c->err, "CONNMARK target: No operation specified");
	if (d->shift >= SHIFT_END)
		return rule_invalid(c->err, "CONNMARK target: cannot shift by %u bits", d->shift);
	return 0;
}

/* put_shift: " left-shift-mark 4", nothing without a shift. */
static void put_shift(struct text *out, const struct connmark_data *d, const char *dashes)
{
	if (d->shift)
		text_printf(out, " %s%s-shift-mark %u", dashes, d->direction == SHIFT_LEFT ? "left" : "right",
			    d->shift);
}

static void connmark_print(const void *data, bool numeric, struct text *out)
{
	const struct connmark_data *d = data;
	bool save = d->mode == MODE_SAVE;

	(void)numeric;
	text_puts(out, " CONNMARK");
	if (d->mode == MODE_SET) {
		put_mark_action(out, d->mark, d->ctmask);
		put_shift(out, d, "");
		return;
	}
	text_puts(out, save ? " save" : " restore");
	if (d->nfmask != d->ctmask)
		text_printf(out, " %smask 0x%x %smask ~0x%x", save ? "nf" : "ct", save ? d->nfmask : d->ctmask,
			    save ? "ct" : "nf", save ? d->ctmask : d->nfmask);
	else if (d->nfmask != UINT32_MAX)
		text_printf(out, " mask 0x%x", d->nfmask);
	put_shift(out, d, "");
}

static void connmark_save(const void *data, struct text *out)
{
	const struct connmark_data *d = data;

	if (d->mode == MODE_SET)
		text_printf(out, " --set-xmark 0x%x/0x%x", d->mark, d->ctmask);
	else
		text_printf(out, " --%s-mark --nfmask 0x%x --ctmask 0x%x", d->mode == MODE_SAVE ? "save" : "restore",
			    d->nfmask, d->ctmask);
	put_shift(out, d, "--");
}

/* shifted: @mark shifted as the rule says. */
static uint32_t shifted(const struct connmark_data *d, uint32_t mark)
{
	return d->direction == SHIFT_RIGHT ? mark >> d->shift : mark << d->shift;
}

static enum rule_verdict connmark_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct connmark_data *d = data;
	struct ct_entry *ct = p->ct;

	(void)env;
	if (!ct)
		return RULE_CONTINUE;
	if (d->mode == MODE_SET)
		ct_set_mark(ct, shifted(d, (ct->mark & ~d->ctmask) ^ d->mark));
	else if (d->mode == MODE_SAVE)
		ct_set_mark(ct, (ct->mark & ~d->ctmask) ^ shifted(d, p->mark & d->nfmask));
	else
		p->mark = (p->mark & ~d->nfmask) ^ shifted(d, ct->mark & d->ctmask);
	return RULE_CONTINUE;
}

const struct target_ops target_CONNMARK = {
	.name = "CONNMARK",
	.revision = 2,
	.size = sizeof(struct connmark_data),
	OPT_ROWS(rows),
	.init = connmark_init,
	.parse = connmark_parse,
	.check = connmark_check,
	.print = connmark_print,
	.save = connmark_save,
	.target = connmark_target,
};
