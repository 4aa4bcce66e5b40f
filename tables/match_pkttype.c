/* match_pkttype.c - --pkt-type: to whom the frame was addressed on its link (net/netfilter/xt_pkttype.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_TYPE };

struct pkttype_data {
	uint8_t type; /* enum pkt_type */
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "pkt-type", .id = O_TYPE, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MANDATORY },
};

/* The first name of each type is the one that is printed. */
static const struct opt_name types[] = {
	{ "unicast", PKT_HOST },        { "broadcast", PKT_BROADCAST }, { "multicast", PKT_MULTICAST },
	{ "otherhost", PKT_OTHERHOST }, { "host", PKT_HOST },           { "bcast", PKT_BROADCAST },
	{ "mcast", PKT_MULTICAST },     { NULL, 0 },
};

static int pkttype_parse(struct opt_call *c)
{
	struct pkttype_data *d = c->data;
	const struct opt_name *n = opt_name_find(types, c->arg, strlen(c->arg), true);

	if (!n)
		return rule_fail(c->err, "Bad packet type '%s'", c->arg);
	d->type = (uint8_t)n->value;
	d->invert = c->invert;
	return 0;
}

static void pkttype_print(const void *data, bool numeric, struct text *out)
{
	const struct pkttype_data *d = data;

	(void)numeric;
	text_printf(out, " PKTTYPE %s= %s", d->invert ? "!" : "", opt_name_of(types, d->type)->name);
}

static void pkttype_save(const void *data, struct text *out)
{
	const struct pkttype_data *d = data;

	put_not(out, d->invert);
	text_printf(out, " --pkt-type %s", opt_name_of(types, d->type)->name);
}

static bool pkttype_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct pkttype_data *d = data;

	(void)env;
	return (p->type == d->type) != d->invert;
}

const struct match_ops match_pkttype = {
	.name = "pkttype",
	.size = sizeof(struct pkttype_data),
	OPT_ROWS(rows),
	.parse = pkttype_parse,
	.print = pkttype_print,
	.save = pkttype_save,
	.match = pkttype_match,
};
