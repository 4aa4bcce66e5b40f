/* match_esp.c - --espspi: the security parameter index (net/netfilter/xt_esp.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SPI };
enum { HEADER_LEN = 8, SPI_AT = 0 };

struct esp_data {
	uint32_t range[2];
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "espspi", .id = O_SPI, .type = OPT_U32_RANGE, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct esp_data, range) },
};

static void esp_init(void *data)
{
	((struct esp_data *)data)->range[1] = UINT32_MAX;
}

static int esp_parse(struct opt_call *c)
{
	((struct esp_data *)c->data)->invert = c->invert;
	return 0;
}

/* everything: whether all numbers fit, so that nothing is to be printed. */
static bool everything(const struct esp_data *d)
{
	return !d->range[0] && d->range[1] == UINT32_MAX && !d->invert;
}

static void esp_print(const void *data, bool numeric, struct text *out)
{
	const struct esp_data *d = data;

	(void)numeric;
	text_puts(out, " esp");
	if (everything(d))
		return;
	text_printf(out, " spi%s:%s%u", d->range[0] == d->range[1] ? "" : "s", d->invert ? "!" : "", d->range[0]);
	if (d->range[0] != d->range[1])
		text_printf(out, ":%u", d->range[1]);
}

static void esp_save(const void *data, struct text *out)
{
	const struct esp_data *d = data;

	if (everything(d))
		return;
	put_not(out, d->invert);
	text_printf(out, " --espspi %u", d->range[0]);
	if (d->range[0] != d->range[1])
		text_printf(out, ":%u", d->range[1]);
}

static bool esp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct esp_data *d = data;
	const uint8_t *h;
	uint32_t spi;

	if (p->hdr.frag_off)
		return false;
	h = pkt_l4(p, HEADER_LEN);
	if (!h) {
		env->hotdrop = true;
		return false;
	}
	h += SPI_AT;
	spi = (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3];
	return (spi >= d->range[0] && spi <= d->range[1]) != d->invert;
}

const struct match_ops match_esp = {
	.name = "esp",
	.proto = IP_PROTO_ESP,
	.size = sizeof(struct esp_data),
	OPT_ROWS(rows),
	.init = esp_init,
	.parse = esp_parse,
	.print = esp_print,
	.save = esp_save,
	.match = esp_match,
};
