/* spi.c - see spi.h. */
#include "tables/spi.h"

#include "tables/options.h"

void spi_init(void *data)
{
	((struct spi_range *)data)->range[1] = UINT32_MAX;
}

int spi_parse(struct opt_call *c)
{
	((struct spi_range *)c->data)->invert = c->invert;
	return 0;
}

/* everything: whether all indexes fit, so that nothing is to be printed. */
static bool everything(const struct spi_range *r)
{
	return !r->range[0] && r->range[1] == UINT32_MAX && !r->invert;
}

/* put_range: "7" or "7:9". */
static void put_range(const struct spi_range *r, struct text *out)
{
	text_printf(out, "%u", r->range[0]);
	if (r->range[0] != r->range[1])
		text_printf(out, ":%u", r->range[1]);
}

void spi_put(const struct spi_range *r, const char *before, struct text *out)
{
	if (everything(r))
		return;
	text_printf(out, "%sspi%s:%s", before, r->range[0] == r->range[1] ? "" : "s", r->invert ? "!" : "");
	put_range(r, out);
}

void spi_save(const struct spi_range *r, const char *option, struct text *out)
{
	if (everything(r))
		return;
	put_not(out, r->invert);
	text_printf(out, " --%s ", option);
	put_range(r, out);
}

const uint8_t *spi_header(const struct pkt *p, uint32_t len, struct rule_env *env)
{
	const uint8_t *h = p->hdr.frag_off ? NULL : pkt_l4(p, len);

	env->hotdrop |= !h && !p->hdr.frag_off;
	return h;
}

bool spi_fits(const struct spi_range *r, uint32_t index)
{
	return (index >= r->range[0] && index <= r->range[1]) != r->invert;
}
