/* match_esp.c - --espspi: the security parameter index (net/netfilter/xt_esp.c). */
#include "netstack/text.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/spi.h"

enum { O_SPI };
enum { HEADER_LEN = 8, SPI_AT = 0 };

static const struct opt_row rows[] = {
	{ .name = "espspi", .id = O_SPI, .type = OPT_U32_RANGE, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct spi_range, range) },
};

static void esp_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " esp");
	spi_put(data, " ", out);
}

static void esp_save(const void *data, struct text *out)
{
	spi_save(data, "espspi", out);
}

static bool esp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const uint8_t *h = spi_header(p, HEADER_LEN, env);

	if (!h)
		return false;
	h += SPI_AT;
	return spi_fits(data, (uint32_t)h[0] << 24 | (uint32_t)h[1] << 16 | (uint32_t)h[2] << 8 | h[3]);
}

const struct match_ops match_esp = {
	.name = "esp",
	.proto = IP_PROTO_ESP,
	.size = sizeof(struct spi_range),
	OPT_ROWS(rows),
	.init = spi_init,
	.parse = spi_parse,
	.print = esp_print,
	.save = esp_save,
	.match = esp_match,
};
