/* match_ipcomp.c - --ipcompspi: the compression parameter index (net/netfilter/xt_ipcomp.c, RFC 3173). --compres is kept
 * and printed; Linux looks at the reserved field as little. */
#include "netstack/text.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/spi.h"

enum { O_SPI, O_RESERVED };
enum { HEADER_LEN = 4, CPI_AT = 2 };

struct ipcomp_data {
	struct spi_range cpi; /* without --ipcompspi 0 to 0 */
	uint8_t reserved;
};

static const struct opt_row rows[] = {
	{ .name = "ipcompspi", .id = O_SPI, .type = OPT_U32_RANGE, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct ipcomp_data, cpi.range) },
	{ .name = "compres", .id = O_RESERVED, .type = OPT_NONE, .flags = OPTF_STORE,
	  .offset = offsetof(struct ipcomp_data, reserved) },
};

static int ipcomp_parse(struct opt_call *c)
{
	return c->row->id == O_SPI ? spi_parse(c) : 0;
}

static void ipcomp_print(const void *data, bool numeric, struct text *out)
{
	const struct ipcomp_data *d = data;

	(void)numeric;
	text_puts(out, " comp ");
	spi_put(&d->cpi, "", out);
	if (d->reserved)
		text_puts(out, " reserved");
}

static void ipcomp_save(const void *data, struct text *out)
{
	const struct ipcomp_data *d = data;

	spi_save(&d->cpi, "ipcompspi", out);
	if (d->reserved)
		text_puts(out, " --compres");
}

static bool ipcomp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct ipcomp_data *d = data;
	const uint8_t *h = spi_header(p, HEADER_LEN, env);

	return h && spi_fits(&d->cpi, (uint32_t)h[CPI_AT] << 8 | h[CPI_AT + 1]);
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
