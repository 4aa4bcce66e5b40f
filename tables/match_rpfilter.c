/* match_rpfilter.c - whether the way back to the sender leads over the port a packet came in by
 * (net/ipv4/netfilter/ipt_rpfilter.c). */
#include "netstack/route.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_LOOSE, O_VALIDMARK, O_ACCEPT_LOCAL, O_INVERT };

struct rpfilter_data {
	bool loose, validmark, accept_local, invert;
};

#define FLAG(word, bit, field)                                                  \
	{                                                                       \
		.name = word, .id = bit, .type = OPT_NONE, .flags = OPTF_STORE, \
		.offset = offsetof(struct rpfilter_data, field)                 \
	}

static const struct opt_row rows[] = {
	FLAG("loose", O_LOOSE, loose),
	FLAG("validmark", O_VALIDMARK, validmark),
	FLAG("accept-local", O_ACCEPT_LOCAL, accept_local),
	FLAG("invert", O_INVERT, invert),
};

/* put_flags: the options given, each behind @before. */
static void put_flags(struct text *out, const struct rpfilter_data *d, const char *before)
{
	const bool given[] = { d->loose, d->validmark, d->accept_local, d->invert };

	for (unsigned i = 0; i < sizeof given / sizeof given[0]; i++)
		if (given[i])
			text_printf(out, "%s%s", before, rows[i].name);
}

static void rpfilter_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " rpfilter");
	put_flags(out, data, " ");
}

static void rpfilter_save(const void *data, struct text *out)
{
	put_flags(out, data, " --");
}

/* unspecified_to_link: a sender without an address talks to its own link only, as DHCP does. */
static bool unspecified_to_link(const struct ip4_hdr *ip)
{
	enum { LOCAL_MULTICAST = 0xe0000000 }; /* 224.0.0.0/24 */

	return ip4_is_zeronet(ip->src) && (ip4_is_limited_broadcast(ip->dst) ||
					   (__builtin_bswap32(ip->dst) & 0xffffff00) == LOCAL_MULTICAST);
}

/* way_back: whether a route leads to the sender of @p, and over the port it came in by. */
static bool way_back(const struct rpfilter_data *d, const struct pkt *p, const struct hook_state *st)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	const struct route_key key = {
		.dst = ip->src, .src = ip->dst, .mark = d->validmark ? p->mark : 0, .tos = ip->tos
	};
	struct route_result res;

	route_lookup(st->ns, &key, &res);
	if (res.type != ROUTE_UNICAST && !(res.type == ROUTE_LOCAL && d->accept_local))
		return false;
	return d->loose || (res.route && res.route->port == st->in);
}

static bool rpfilter_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct rpfilter_data *d = data;
	/* without a link header: the router's own, come back to it */
	bool fits = !p->has_mac || unspecified_to_link(ip4_hdr(p)) || way_back(d, p, env->st);

	return fits != d->invert;
}

const struct match_ops match_rpfilter = {
	.name = "rpfilter",
	.hooks = HOOK_BIT(PREROUTING),
	.tables = TABLE_BIT(RAW) | TABLE_BIT(MANGLE),
	.size = sizeof(struct rpfilter_data),
	OPT_ROWS(rows),
	.print = rpfilter_print,
	.save = rpfilter_save,
	.match = rpfilter_match,
};
