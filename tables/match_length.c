/* match_length.c - --length: bytes of the IP packet (net/netfilter/xt_length.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_LENGTH };

struct length_data {
	uint16_t range[2];
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "length", .id = O_LENGTH, .type = OPT_U16_RANGE,
	  .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE, .offset = offsetof(struct length_data, range) },
};

static int length_parse(struct opt_call *c)
{
	((struct length_data *)c->data)->invert = c->invert;
	return 0;
}

/* put_range: "A" or "A:B". */
static void put_range(struct text *out, const uint16_t range[2])
{
	text_printf(out, "%u", range[0]);
	if (range[0] != range[1])
		text_printf(out, ":%u", range[1]);
}

static void length_print(const void *data, bool numeric, struct text *out)
{
	const struct length_data *d = data;

	(void)numeric;
	text_printf(out, " length %s", d->invert ? "!" : "");
	put_range(out, d->range);
}

static void length_save(const void *data, struct text *out)
{
	const struct length_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --length ");
	put_range(out, d->range);
}

static bool length_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct length_data *d = data;

	(void)env;
	return (p->len >= d->range[0] && p->len <= d->range[1]) != d->invert;
}

const struct match_ops match_length = {
	.name = "length",
	.size = sizeof(struct length_data),
	OPT_ROWS(rows),
	.parse = length_parse,
	.print = length_print,
	.save = length_save,
	.match = length_match,
};
