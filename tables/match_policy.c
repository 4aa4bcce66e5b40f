/* match_policy.c - what IPsec did or will do with a packet (net/netfilter/xt_policy.c, libxt_policy.c). There is no IPsec in
 * this router: `--pol none` fits every packet, `--pol ipsec` none. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_DIR, O_POL, O_STRICT, O_REQID, O_SPI, O_PROTO, O_MODE, O_SRC, O_DST, O_NEXT };
enum { ELEMENTS_MAX = 4 };
enum { MODE_TRANSPORT, MODE_TUNNEL };

/* One transformation of the list wanted. */
struct policy_element {
	uint32_t reqid, spi, src, src_mask, dst, dst_mask;
	uint8_t proto, mode;
	uint16_t asks, invert; /* bits of O_REQID .. O_DST */
};

struct policy_data {
	uint32_t value[2]; /* scratch of the number or address being read; else 0 */
	bool in, out, none, strict;
	uint8_t count;
	struct policy_element element[ELEMENTS_MAX];
};

#define ELEMENT(word, bit, kind)                                                                       \
	{                                                                                              \
		.name = word, .id = bit, .type = kind, .flags = OPTF_MULTI | OPTF_INVERT | OPTF_STORE, \
		.offset = offsetof(struct policy_data, value)                                          \
	}

static const struct opt_row rows[] = {
	{ .name = "dir", .id = O_DIR, .type = OPT_CUSTOM },
	{ .name = "pol", .id = O_POL, .type = OPT_CUSTOM },
	{ .name = "strict",
	  .id = O_STRICT,
	  .type = OPT_NONE,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct policy_data, strict) },
	ELEMENT("reqid", O_REQID, OPT_U32),
	ELEMENT("spi", O_SPI, OPT_U32),
	ELEMENT("tunnel-src", O_SRC, OPT_IP4_MASK),
	ELEMENT("tunnel-dst", O_DST, OPT_IP4_MASK),
	ELEMENT("proto", O_PROTO, OPT_CUSTOM),
	ELEMENT("mode", O_MODE, OPT_CUSTOM),
	{ .name = "next", .id = O_NEXT, .type = OPT_NONE, .flags = OPTF_MULTI, .also = 1u << O_STRICT },
};

static const struct opt_name protocols[] = {
	{ "esp", IP_PROTO_ESP },
	{ "ah", IP_PROTO_AH },
	{ "ipcomp", IP_PROTO_IPCOMP },
	{ NULL, 0 },
};

/* parse_dir, parse_pol: --dir, --pol. Return: 0, or -1 with the error filled. */
static int parse_dir(struct opt_call *c, struct policy_data *d)
{
	d->in = !strcmp(c->arg, "in");
	d->out = !strcmp(c->arg, "out");
	return d->in || d->out ? 0 : rule_fail(c->err, "policy_match: invalid dir \"%s\"", c->arg);
}
static int parse_pol(struct opt_call *c, struct policy_data *d)
{
	d->none = !strcmp(c->arg, "none");
	return d->none || !strcmp(c->arg, "ipsec")
		       ? 0
		       : rule_fail(c->err, "policy match: invalid policy \"%s\"", c->arg);
}

/* parse_proto, parse_mode: of an element. Return: 0, or -1 with the error filled. */
static int parse_proto(struct opt_call *c, struct policy_element *e, int proto)
{
	if (!opt_name_of(protocols, (uint32_t)proto))
		return rule_fail(c->err, "policy match: protocol must be ah/esp/ipcomp");
	e->proto = (uint8_t)proto;
	return 0;
}
static int parse_mode(struct opt_call *c, struct policy_element *e)
{
	if (!strcmp(c->arg, "tunnel"))
		e->mode = MODE_TUNNEL;
	else if (strcmp(c->arg, "transport"))
		return rule_fail(c->err, "policy match: invalid mode \"%s\"", c->arg);
	return 0;
}

/* parse_element: one condition of the element being read. Return: 0, or -1 with the error filled. */
static int parse_element(struct opt_call *c, struct policy_data *d)
{
	struct policy_element *e = &d->element[d->count];
	uint16_t bit = (uint16_t)(1u << c->row->id);
	uint32_t first = d->value[0], second = d->value[1];
	int proto = c->row->id == O_PROTO ? opt_protocol(c) : 0;

	memset(d->value, 0, sizeof d->value);
	if (proto < 0)
		return -1;
	if (e->asks & bit)
		return rule_fail(c->err, "policy match: double --%s option", c->row->name);
	e->asks |= bit;
	e->invert |= c->invert ? bit : 0;
	switch (c->row->id) {
	case O_REQID:
		e->reqid = first;
		return 0;
	case O_SPI:
		e->spi = first;
		return 0;
	case O_SRC:
		e->src = first;
		e->src_mask = second;
		return 0;
	case O_DST:
		e->dst = first;
		e->dst_mask = second;
		return 0;
	case O_PROTO:
		return parse_proto(c, e, proto);
	default:
		return parse_mode(c, e);
	}
}

static int policy_parse(struct opt_call *c)
{
	struct policy_data *d = c->data;

	switch (c->row->id) {
	case O_DIR:
		return parse_dir(c, d);
	case O_POL:
		return parse_pol(c, d);
	case O_STRICT:
		return 0;
	case O_NEXT:
		return ++d->count == ELEMENTS_MAX
			       ? rule_fail(c->err, "policy match: maximum policy depth reached")
			       : 0;
	default:
		return parse_element(c, d);
	}
}

/* check_element: element @n. Return: 0, or -1 with the error filled. */
static int check_element(struct opt_call *c, const struct policy_data *d, unsigned n)
{
	const struct policy_element *e = &d->element[n];

	if (d->strict && !e->asks)
		return rule_fail(
			c->err,
			"policy match: empty policy element %u. --strict is in effect, but at least one of "
			"reqid, spi, tunnel-src, tunnel-dst, proto or mode is required.",
			n);
	if (e->asks & (1u << O_SRC | 1u << O_DST) && (e->mode == MODE_TUNNEL) == !!(e->invert & 1u << O_MODE))
		return rule_fail(c->err,
				 "policy match: --tunnel-src/--tunnel-dst is only valid in tunnel mode");
	return 0;
}

static int policy_check(struct opt_call *c)
{
	struct policy_data *d = c->data;

	if (!d->in && !d->out)
		return rule_fail(c->err, "policy match: neither --dir in nor --dir out specified");
	if (d->none && d->strict)
		return rule_fail(c->err, "policy match: policy none but --strict given");
	if (d->none && d->count)
		return rule_fail(c->err, "policy match: policy none but policy given");
	if (!d->none)
		d->count++;
	for (unsigned i = 0; i < d->count; i++)
		if (check_element(c, d, i))
			return -1;
	return 0;
}

/* policy_hooks: what was done is known of what comes in, what will be done of what goes out. */
static uint8_t policy_hooks(const void *data)
{
	const struct policy_data *d = data;
	uint8_t not =
		d->in ? HOOK_BIT(POSTROUTING) | HOOK_BIT(OUTPUT) : HOOK_BIT(PREROUTING) | HOOK_BIT(INPUT);

	return HOOK_BIT_ALL & (uint8_t) ~not ;
}

/* put_value: what stands behind the name of a condition. */
static void put_value(struct text *out, const struct policy_element *e, unsigned id, bool numeric)
{
	switch (id) {
	case O_REQID:
		text_printf(out, " %u", e->reqid);
		break;
	case O_SPI:
		text_printf(out, " 0x%x", e->spi);
		break;
	case O_PROTO:
		if (numeric)
			text_printf(out, " %u", e->proto);
		else
			text_printf(out, " %s", opt_name_of(protocols, e->proto)->name);
		break;
	case O_MODE:
		text_puts(out, e->mode == MODE_TUNNEL ? " tunnel" : " transport");
		break;
	case O_DST:
		text_puts(out, " ");
		put_ip4_mask(out, e->dst, e->dst_mask);
		break;
	default:
		text_puts(out, " ");
		put_ip4_mask(out, e->src, e->src_mask);
	}
}

/* put_element: the conditions of an element; @dashes: "--" or "". */
static void put_element(struct text *out, const struct policy_element *e, const char *dashes, bool numeric)
{
	static const struct opt_name order[] = {
		{ "reqid", O_REQID }, { "spi", O_SPI },        { "proto", O_PROTO },
		{ "mode", O_MODE },   { "tunnel-dst", O_DST }, { "tunnel-src", O_SRC },
	};

	for (unsigned i = 0; i < sizeof order / sizeof order[0]; i++) {
		if (!(e->asks & 1u << order[i].value))
			continue;
		put_not(out, e->invert & 1u << order[i].value);
		text_printf(out, " %s%s", dashes, order[i].name);
		put_value(out, e, order[i].value, numeric);
	}
}

static void policy_print(const void *data, bool numeric, struct text *out)
{
	const struct policy_data *d = data;

	text_printf(out, " policy match dir %s pol %s%s", d->in ? "in" : "out", d->none ? "none" : "ipsec",
		    d->strict ? " strict" : "");
	for (unsigned i = 0; i < d->count; i++) {
		if (d->count > 1)
			text_printf(out, " [%u]", i);
		put_element(out, &d->element[i], "", numeric);
	}
}

static void policy_save(const void *data, struct text *out)
{
	const struct policy_data *d = data;

	text_printf(out, " --dir %s --pol %s%s", d->in ? "in" : "out", d->none ? "none" : "ipsec",
		    d->strict ? " --strict" : "");
	for (unsigned i = 0; i < d->count; i++) {
		text_puts(out, i ? " --next" : "");
		put_element(out, &d->element[i], "--", false);
	}
}

static bool policy_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct policy_data *d = data;

	(void)p;
	(void)env;
	return d->none;
}

const struct match_ops match_policy = {
	.name = "policy",
	.size = sizeof(struct policy_data),
	OPT_ROWS(rows),
	.parse = policy_parse,
	.check = policy_check,
	.hooks_for = policy_hooks,
	.print = policy_print,
	.save = policy_save,
	.match = policy_match,
};
