/* spi.h - a range of parameter indexes: what the matches ah, esp and ipcomp share. */
#ifndef TABLES_SPI_H
#define TABLES_SPI_H

#include "tables/extension.h"

struct spi_range {
	uint32_t range[2]; /* ends included */
	bool invert;
};

/* spi_init: all indexes. @data begins with a struct spi_range, as in the next one. */
void spi_init(void *data);

/* spi_parse: .parse for the option whose value the generic parser has stored: keeps its `!`. Return: 0. */
int spi_parse(struct opt_call *c);

/* spi_put: appends @before and "spi:7" or "spis:!7:9" as -L shows it; nothing for all indexes. */
void spi_put(const struct spi_range *r, const char *before, struct text *out);

/* spi_save: appends " ! --OPTION 7:9"; nothing for all indexes. */
void spi_save(const struct spi_range *r, const char *option, struct text *out);

/* spi_header: the first @len bytes of the L4 header. Return: NULL where the rule does not match: a later fragment, or a header
 * that is not all there (the packet is dropped at once). */
const uint8_t *spi_header(const struct pkt *p, uint32_t len, struct rule_env *env);

/* spi_fits: whether an index (host order) is in the range, `!` applied. */
bool spi_fits(const struct spi_range *r, uint32_t index);

#endif
