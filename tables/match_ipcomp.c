/* match_ipcomp.c - --ipcompspi: the compression parameter index (net/netfilter/xt_ipcomp.c, RFC 3173). --compres is kept
 * and printed; Linux looks at the reserved field as little. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SPI, O_RESERVED };
enum { HEADER_LEN = 4, CPI_AT = 2 };

struct ipcomp_data {
	uint32_t range[2]; /* without --ipcompspi 0 to 0 */
	uint8_t reserved;
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "ipcompspi", .id = O_SPI, .type = OPT_U32_RANGE, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct ipcomp_data, range) },
	{ .name = "compres", .id = O_RESERVED, .type = OPT_NONE, .flags = OPTF_STORE,
	  .offset = offsetof(struct ipcomp_data, reserved) },
};

static int ipcomp_parse(struct opt_call *c)
{
	if (c->row->id == O_SPI)
		((struct ipcomp_data *)c->data)->invert = c->invert;
	return 0;
}

/* everything: whether all numbers fit, so that nothing is to be printed. */
static bool everything(const struct ipcomp_data *d)
{
	return !d->range[0] && d->range[1] == UINT32_MAX && !d->invert;
}

static void ipcomp_print(const void *data, bool numeric, struct text *out)
{
	const struct ipcomp_data *d = data;

	(void)numeric;
	text_puts(out, " comp ");
	if (!everything(d)) {
		text_printf(out, "spi%s:%s%u", d->range[0] == d->range[1] ? "" : "s", d->invert ? "!" : "",
			    d->range[0]);
		if (d->range[0] != d->range[1])
			text_printf(out, ":%u", d->range[1]);
	}
	if (d->reserved)
		text_puts(out, " reserved");
}

static void ipcomp_save(const void *data, struct text *out)
{
	const struct ipcomp_data *d = data;

	if (!everything(d)) {
		put_not(out, d->invert);
		text_printf(out, " --ipcompspi %u", d->range[0]);
		if (d->range[0] != d->range[1])
			text_printf(out, ":%u", d->range[1]);
	}
	if (d->reserved)
		text_puts(out, " --compres");
}

static bool ipcomp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct ipcomp_data *d = data;
	const uint8_t *h;
	uint32_t cpi;

	if (p->hdr.frag_off)
		return false;
	h = pkt_l4(p, HEADER_LEN);
	if (!h) {
		env->hotdrop = true;
		return false;
	}
	cpi = (uint32_t)h[CPI_AT] << 8 | h[CPI_AT + 1];
	return (cpi >= d->range[0] && cpi <= d->range[1]) != d->invert;
}

const struct match_ops match_ipcomp = {
	.name = "ipcomp",
	.proto = IP_PROTO_IPCOMP,
	.size = sizeof(struct ipcomp_data),
	OPT_ROWS(rows),
	.parse = ipcomp_parse,
	.print = ipcomp_print,
	.save = ipcomp_save,
	.match = ipcomp_match,
};
