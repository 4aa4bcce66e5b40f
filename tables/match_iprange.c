/* match_iprange.c - --src-range, --dst-range: addresses from A to B (net/netfilter/xt_iprange.c). */
#include <arpa/inet.h>

#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SRC, O_DST };

struct iprange_data {
	struct {
		uint32_t min, max; /* network order */
		bool given, invert;
	} end[2]; /* source, destination */
};

static const struct opt_row rows[] = {
	{ .name = "src-range", .id = O_SRC, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "dst-range", .id = O_DST, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
};

static int iprange_parse(struct opt_call *c)
{
	struct iprange_data *d = c->data;
	const char *dash = strchr(c->arg, '-'), *bad = c->arg;
	char first[64] = "";
	uint32_t be;

	if (!opt_ip4_range(c->arg, &d->end[c->row->id].min, &d->end[c->row->id].max)) {
		d->end[c->row->id].given = true;
		d->end[c->row->id].invert = c->invert;
		if (ntohl(d->end[c->row->id].min) > ntohl(d->end[c->row->id].max))
			opt_warn(c, "xt_iprange: range %s is reversed and will never match", c->arg);
		return 0;
	}
	if (dash) {
		strncat(first, c->arg, dash - c->arg < 63 ? (size_t)(dash - c->arg) : sizeof first - 1);
		bad = opt_ip4(first, &be) ? first : dash + 1;
	}
	return rule_fail(c->err, "iprange: Bad value for \"--%s\" option: \"%s\"", c->row->name, bad);
}

static int iprange_check(struct opt_call *c)
{
	if (c->seen)
		return 0;
	return rule_fail(c->err, "iprange match: You must specify `--src-range' or `--dst-range'");
}

/* dump: both ranges; @name: the two words before them; @before: whether the `!` stands before the word. */
static void dump(const struct iprange_data *d, const char *const name[2], bool before, struct text *out)
{
	for (unsigned i = 0; i < 2; i++) {
		if (!d->end[i].given)
			continue;
		put_not(out, before && d->end[i].invert);
		text_printf(out, " %s", name[i]);
		put_not(out, !before && d->end[i].invert);
		text_puts(out, " ");
		put_ip4(out, d->end[i].min);
		text_puts(out, "-");
		put_ip4(out, d->end[i].max);
	}
}

static void iprange_print(const void *data, bool numeric, struct text *out)
{
	static const char *const name[] = { "source IP range", "destination IP range" };

	(void)numeric;
	dump(data, name, false, out);
}

static void iprange_save(const void *data, struct text *out)
{
	static const char *const name[] = { "--src-range", "--dst-range" };

	dump(data, name, true, out);
}

/* in_range: whether end @i allows an address (network order). */
static bool in_range(const struct iprange_data *d, unsigned i, uint32_t be)
{
	uint32_t a = __builtin_bswap32(be);

	if (!d->end[i].given)
		return true;
	return (a >= __builtin_bswap32(d->end[i].min) && a <= __builtin_bswap32(d->end[i].max)) != d->end[i].invert;
}

static bool iprange_match(void *data, struct pkt *p, struct rule_env *env)
{
	(void)env;
	return in_range(data, 0, ip4_hdr(p)->src) && in_range(data, 1, ip4_hdr(p)->dst);
}

const struct match_ops match_iprange = {
	.name = "iprange",
	.revision = 1,
	.size = sizeof(struct iprange_data),
	OPT_ROWS(rows),
	.parse = iprange_parse,
	.check = iprange_check,
	.print = iprange_print,
	.save = iprange_save,
	.match = iprange_match,
};
