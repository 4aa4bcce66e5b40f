/* match_connlabel.c - --label, --set: bits of a connection (net/netfilter/xt_connlabel.c).
 *
 * Connections have labels when they were made while there was a rule with this match; the others have none and get none.
 */
#include "netstack/netstack.h"
#include "tables/extensions.h"
#include "tables/named_value.h"
#include "tables/options.h"

enum { O_LABEL, O_SET };
enum { LABELS = 128 };
static const char names[] = "/etc/xtables/connlabel.conf";

struct connlabel_data {
	uint16_t label;
	bool set, invert;
};

static const struct opt_row rows[] = {
	{ .name = "label", .id = O_LABEL, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MANDATORY },
	{ .name = "set", .id = O_SET, .type = OPT_NONE },
};

static int connlabel_parse(struct opt_call *c)
{
	struct connlabel_data *d = c->data;
	uint32_t named;
	uint64_t value;

	if (c->row->id == O_SET) {
		d->set = true;
		return 0;
	}
	d->invert = c->invert;
	if (!*c->arg) {
		rule_fail(c->err, "Argument must have a minimum length of 1 characters");
		c->err->blank = true;
		return -1;
	}
	if (named_value_of(names, c->arg, &named))
		value = named;
	else if (opt_number(c->arg, NULL, 0, UINT16_MAX, &value))
		return rule_fail(c->err, "label '%s' not found or invalid value", c->arg);
	d->label = (uint16_t)value;
	return 0;
}

/* connlabel_attach: Linux finds no room for a label of a higher number. */
static int connlabel_attach(struct tables *t, void *data, struct rule_error *err)
{
	const struct connlabel_data *d = data;

	if (d->label >= LABELS)
		return rule_fail_code(err, 1, "Numerical result out of range.");
	if (t->ctk)
		t->ctk->labels_used++;
	return 0;
}

static void connlabel_detach(struct tables *t, void *data)
{
	(void)data;
	if (t->ctk)
		t->ctk->labels_used--;
}

/* put_label: its name or number. */
static void put_label(const struct connlabel_data *d, struct text *out)
{
	char name[NAMED_VALUE_LEN];

	if (named_value_name(names, d->label, name))
		text_puts(out, name);
	else
		text_printf(out, "%u", d->label);
}

static void connlabel_print(const void *data, bool numeric, struct text *out)
{
	const struct connlabel_data *d = data;

	(void)numeric;
	text_puts(out, " connlabel");
	put_not(out, d->invert);
	text_puts(out, " ");
	put_label(d, out);
	if (d->set)
		text_puts(out, " set");
}

static void connlabel_save(const void *data, struct text *out)
{
	const struct connlabel_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --label \"");
	put_label(d, out);
	text_puts(out, d->set ? "\" --set" : "\"");
}

static bool connlabel_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct connlabel_data *d = data;
	struct ct_extra *extra = p->ct && !(p->ct->status & CT_ST_TEMPLATE) ? p->ct->extra : NULL;
	uint64_t *word, bit = (uint64_t)1 << (d->label & 63);

	(void)env;
	if (!extra || !extra->has_labels)
		return d->invert;
	word = &extra->labels[d->label / 64];
	if (*word & bit)
		return !d->invert;
	if (!d->set)
		return d->invert;
	*word |= bit;
	ct_event_add(p->ct, CT_EV_LABEL);
	return !d->invert;
}

const struct match_ops match_connlabel = {
	.name = "connlabel",
	.size = sizeof(struct connlabel_data),
	OPT_ROWS(rows),
	.parse = connlabel_parse,
	.attach = connlabel_attach,
	.detach = connlabel_detach,
	.print = connlabel_print,
	.save = connlabel_save,
	.match = connlabel_match,
};
