/* match_addrtype.c - what the addresses are to this router (net/netfilter/xt_addrtype.c). */
#include "netstack/route.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SRC, O_DST, O_IN, O_OUT };

struct addrtype_data {
	uint16_t src, dst; /* bits 1 << type of those wanted; 0 = not asked */
	bool not_src, not_dst, limit_in, limit_out;
};

static const struct opt_row rows[] = {
	{ .name = "src-type", .id = O_SRC, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "dst-type", .id = O_DST, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "limit-iface-in",
	  .id = O_IN,
	  .type = OPT_NONE,
	  .flags = OPTF_STORE,
	  .excludes = 1u << O_OUT,
	  .offset = offsetof(struct addrtype_data, limit_in) },
	{ .name = "limit-iface-out",
	  .id = O_OUT,
	  .type = OPT_NONE,
	  .flags = OPTF_STORE,
	  .excludes = 1u << O_IN,
	  .offset = offsetof(struct addrtype_data, limit_out) },
};

/* Types as the kernel numbers them (RTN_*). */
enum { TYPE_UNICAST = 1, TYPE_LOCAL = 2, TYPE_BROADCAST = 3, TYPE_MULTICAST = 5 };
static const char *const types[] = { "UNSPEC",   "UNICAST",   "LOCAL",     "BROADCAST",
				     "ANYCAST",  "MULTICAST", "BLACKHOLE", "UNREACHABLE",
				     "PROHIBIT", "THROW",     "NAT",       "XRESOLVE" };
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

/* parse_types: a list of type names or abbreviations. */
static int parse_types(struct opt_call *c, uint16_t *out)
{
	for (const char *list = c->arg;; list++) {
		size_t len = strcspn(list, ",");
		unsigned i;

		for (i = 0; i < TYPE_COUNT; i++) {
			const struct opt_name one[] = { { types[i], i }, { NULL, 0 } };

			if (opt_name_find(one, list, len, false))
				break;
		}
		if (i == TYPE_COUNT)
			return rule_fail(c->err,
					 strchr(list, ',') ? "addrtype: bad type `%s'"
							   : "addrtype: bad type \"%s\"",
					 list);
		*out |= (uint16_t)(1u << i);
		list += len;
		if (!*list)
			return 0;
	}
}

static int addrtype_parse(struct opt_call *c)
{
	struct addrtype_data *d = c->data;

	if (c->row->id == O_SRC) {
		d->not_src = c->invert;
		return parse_types(c, &d->src);
	}
	if (c->row->id == O_DST) {
		d->not_dst = c->invert;
		return parse_types(c, &d->dst);
	}
	return 0;
}

static int addrtype_check(struct opt_call *c)
{
	if (c->seen & (1u << O_SRC | 1u << O_DST))
		return 0;
	return rule_fail(c->err, "addrtype: you must specify --src-type or --dst-type");
}

/* addrtype_hooks: an in port is not known after routing of what goes out, an out port not before. */
static uint8_t addrtype_hooks(const void *data)
{
	const struct addrtype_data *d = data;
	uint8_t all = HOOK_BIT_ALL;

	if (d->limit_out)
		all &= (uint8_t) ~(HOOK_BIT(PREROUTING) | HOOK_BIT(INPUT));
	if (d->limit_in)
		all &= (uint8_t) ~(HOOK_BIT(POSTROUTING) | HOOK_BIT(OUTPUT));
	return all;
}

/* put_types: the names of the set bits, joined by commas. */
static void put_types(struct text *out, uint16_t set)
{
	const char *sep = "";

	for (unsigned i = 0; i < TYPE_COUNT; i++) {
		if (!(set & 1u << i))
			continue;
		text_printf(out, "%s%s", sep, types[i]);
		sep = ",";
	}
}

static void addrtype_print(const void *data, bool numeric, struct text *out)
{
	const struct addrtype_data *d = data;

	(void)numeric;
	text_puts(out, " ADDRTYPE match");
	if (d->src) {
		text_printf(out, " src-type %s", d->not_src ? "!" : "");
		put_types(out, d->src);
	}
	if (d->dst) {
		text_printf(out, " dst-type %s", d->not_dst ? "!" : "");
		put_types(out, d->dst);
	}
	text_puts(out, d->limit_in ? " limit-in" : d->limit_out ? " limit-out" : "");
}

static void addrtype_save(const void *data, struct text *out)
{
	const struct addrtype_data *d = data;

	if (d->src) {
		put_not(out, d->not_src);
		text_puts(out, " --src-type ");
		put_types(out, d->src);
	}
	if (d->dst) {
		put_not(out, d->not_dst);
		text_puts(out, " --dst-type ");
		put_types(out, d->dst);
	}
	text_puts(out, d->limit_in ? " --limit-iface-in" : d->limit_out ? " --limit-iface-out" : "");
}

/* type_fits: whether the type of an address is among @set. Everything that is not the router's is UNICAST. */
static bool type_fits(struct netstack *ns, uint32_t be, const struct port *port, uint16_t set)
{
	switch (route_addr_type(ns, be, port)) {
	case ROUTE_LOCAL:
		return set & 1u << TYPE_LOCAL;
	case ROUTE_BROADCAST:
		return set & 1u << TYPE_BROADCAST;
	case ROUTE_MULTICAST:
		return set & 1u << TYPE_MULTICAST;
	default:
		return set & 1u << TYPE_UNICAST;
	}
}

static bool addrtype_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct addrtype_data *d = data;
	const struct hook_state *st = env->st;
	const struct port *port = d->limit_in ? st->in : d->limit_out ? st->out : NULL;

	if (d->src && type_fits(st->ns, ip4_hdr(p)->src, port, d->src) == d->not_src)
		return false;
	return !d->dst || type_fits(st->ns, ip4_hdr(p)->dst, port, d->dst) != d->not_dst;
}

const struct match_ops match_addrtype = {
	.name = "addrtype",
	.revision = 1,
	.size = sizeof(struct addrtype_data),
	OPT_ROWS(rows),
	.parse = addrtype_parse,
	.check = addrtype_check,
	.hooks_for = addrtype_hooks,
	.print = addrtype_print,
	.save = addrtype_save,
	.match = addrtype_match,
};
