/* match_ecn.c - ECN bits of the IP header and of TCP (net/netfilter/xt_ecn.c, RFC 3168). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_CWR, O_ECE, O_ECT };
#define TCP_BITS (1u << O_CWR | 1u << O_ECE)
enum { FLAG_ECE = 0x40, FLAG_CWR = 0x80, ECT_MASK = 3 };

struct ecn_data {
	uint8_t ect;
	uint8_t given, invert; /* bits by option */
};

static const struct opt_row rows[] = {
	{ .name = "ecn-tcp-cwr", .id = O_CWR, .type = OPT_NONE, .flags = OPTF_INVERT },
	{ .name = "ecn-tcp-ece", .id = O_ECE, .type = OPT_NONE, .flags = OPTF_INVERT },
	{ .name = "ecn-ip-ect", .id = O_ECT, .type = OPT_U8, .flags = OPTF_INVERT | OPTF_STORE, .min = 0, .max = 3,
	  .offset = offsetof(struct ecn_data, ect) },
};

static int ecn_parse(struct opt_call *c)
{
	struct ecn_data *d = c->data;

	d->given = (uint8_t)c->seen;
	d->invert = (uint8_t)c->inverted;
	return 0;
}

static int ecn_check(struct opt_call *c)
{
	if (!c->seen)
		return rule_fail(c->err, "ECN match: some option required");
	if (c->seen & TCP_BITS && (c->spec->proto != IP_PROTO_TCP || c->spec->invert & INV_PROTO))
		return rule_invalid(c->err, "match ecn: cannot match TCP bits for non-tcp packets");
	return 0;
}

/* put_not_bit: "!" if the option is inverted. */
static const char *put_not_bit(const struct ecn_data *d, unsigned id)
{
	return d->invert & 1u << id ? "!" : "";
}

static void ecn_print(const void *data, bool numeric, struct text *out)
{
	const struct ecn_data *d = data;

	(void)numeric;
	text_puts(out, " ECN match");
	if (d->given & 1u << O_ECE)
		text_printf(out, " %sECE", put_not_bit(d, O_ECE));
	if (d->given & 1u << O_CWR)
		text_printf(out, " %sCWR", put_not_bit(d, O_CWR));
	if (d->given & 1u << O_ECT)
		text_printf(out, " %sECT=%u", put_not_bit(d, O_ECT), d->ect);
}

static void ecn_save(const void *data, struct text *out)
{
	static const uint8_t order[] = { O_ECE, O_CWR, O_ECT };
	const struct ecn_data *d = data;

	for (unsigned i = 0; i < sizeof order; i++) {
		if (!(d->given & 1u << order[i]))
			continue;
		put_not(out, d->invert & 1u << order[i]);
		text_printf(out, " --%s", rows[order[i]].name);
	}
	if (d->given & 1u << O_ECT)
		text_printf(out, " %u", d->ect);
}

/* bit_fits: whether an option that is given fits a bit that is @set. */
static bool bit_fits(const struct ecn_data *d, unsigned id, bool set)
{
	return !(d->given & 1u << id) || set != !!(d->invert & 1u << id);
}

static bool ecn_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct ecn_data *d = data;
	const struct tcp_hdr *th;

	(void)env;
	if (!bit_fits(d, O_ECT, (ip4_hdr(p)->tos & ECT_MASK) == d->ect))
		return false;
	if (!(d->given & TCP_BITS))
		return true;
	th = p->hdr.frag_off ? NULL : pkt_l4(p, sizeof *th);
	return th && bit_fits(d, O_ECE, th->flags & FLAG_ECE) && bit_fits(d, O_CWR, th->flags & FLAG_CWR);
}

const struct match_ops match_ecn = {
	.name = "ecn",
	.size = sizeof(struct ecn_data),
	OPT_ROWS(rows),
	.parse = ecn_parse,
	.check = ecn_check,
	.print = ecn_print,
	.save = ecn_save,
	.match = ecn_match,
};
