/* match_tcpmss.c - --mss: the maximum segment size in a TCP header (net/netfilter/xt_tcpmss.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_MSS };
enum { MSS_OPTION_LEN = 4 };

struct tcpmss_data {
	uint16_t range[2];
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "mss", .id = O_MSS, .type = OPT_U16_RANGE, .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct tcpmss_data, range) },
};

static int tcpmss_parse(struct opt_call *c)
{
	((struct tcpmss_data *)c->data)->invert = c->invert;
	return 0;
}

/* put_range: "A" or "A:B". */
static void put_range(struct text *out, const uint16_t range[2])
{
	text_printf(out, "%u", range[0]);
	if (range[0] != range[1])
		text_printf(out, ":%u", range[1]);
}

static void tcpmss_print(const void *data, bool numeric, struct text *out)
{
	const struct tcpmss_data *d = data;

	(void)numeric;
	text_printf(out, " tcpmss match %s", d->invert ? "!" : "");
	put_range(out, d->range);
}

static void tcpmss_save(const void *data, struct text *out)
{
	const struct tcpmss_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --mss ");
	put_range(out, d->range);
}

/* find_mss: the MSS among @len bytes of options. Return: -1 if there is none. */
static int find_mss(const uint8_t *o, uint32_t len)
{
	for (uint32_t i = 0; i < len;) {
		if (o[i] == TCP_OPT_MSS && len - i >= MSS_OPTION_LEN && o[i + 1] == MSS_OPTION_LEN)
			return o[i + 2] << 8 | o[i + 3];
		i += o[i] < 2 || i + 1 == len || !o[i + 1] ? 1 : o[i + 1];
	}
	return -1;
}

static bool tcpmss_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct tcpmss_data *d = data;
	const struct tcp_hdr *th = pkt_l4(p, sizeof *th);
	const uint8_t *options;
	uint32_t len;
	int mss;

	if (!th || (th->offset >> 4) * 4u < sizeof *th) {
		env->hotdrop = true;
		return false;
	}
	len = (th->offset >> 4) * 4u - (uint32_t)sizeof *th;
	options = pkt_at(p, p->hdr.l4 + (uint32_t)sizeof *th, len);
	if (!options) {
		env->hotdrop = true;
		return false;
	}
	mss = find_mss(options, len);
	return (mss >= d->range[0] && mss <= d->range[1]) != d->invert;
}

const struct match_ops match_tcpmss = {
	.name = "tcpmss",
	.proto = IP_PROTO_TCP,
	.size = sizeof(struct tcpmss_data),
	OPT_ROWS(rows),
	.parse = tcpmss_parse,
	.print = tcpmss_print,
	.save = tcpmss_save,
	.match = tcpmss_match,
};
