/* match_ah.c - --ahspi: the security parameter index (net/ipv4/netfilter/ipt_ah.c). */
#include "netstack/text.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/spi.h"

enum { O_SPI };
enum { HEADER_LEN = 12, SPI_AT = 4 };

static const struct opt_row rows[] = {
	{ .name = "ahspi", .id = O_SPI, .type = OPT_U32_RANGE, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct spi_range, range) },
};

static void ah_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " ah ");
	spi_put(data, "", out);
}

static void ah_save(const void *data, struct text *out)
{
	spi_save(data, "ahspi", out);
}

static bool ah_match(void *data, struct pkt *p, struct rule_env *env)
{
	const uint8_t *h = spi_header(p, HEADER_LEN, env);

	if (!h)
		return false;
	h += SPI_AT;
	return spi_fits(data, (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3]);
}

const struct match_ops match_ah = {
	.name = "ah",
	.proto = IP_PROTO_AH,
	.size = sizeof(struct spi_range),
	OPT_ROWS(rows),
	.init = spi_init,
	.parse = spi_parse,
	.print = ah_print,
	.save = ah_save,
	.match = ah_match,
};
