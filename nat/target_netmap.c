/* target_netmap.c - NETMAP: a whole network mapped onto another, host bits kept (nat: all four chains).
 *
 * Overview
 *   In PREROUTING and OUTPUT the destination is mapped, in POSTROUTING and INPUT the source. The range is the whole network
 *   with NAT_RANGE_NETMAP; nat_setup makes the one address of it.
 *
 * Linux parity: net/netfilter/xt_NETMAP.c; text: iptables 1.8.11 libipt_NETMAP.c (an address as inet_aton reads it; a
 * mask with holes counts as no mask, as libxtables reads it).
 */
#include "nat/nat_int.h"
#include "nat/range.h"
#include "netstack/text.h"
#include "tables/options.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const struct opt_row options[] = {
	{ .name = "to", .id = RANGE_OPT_TO, .type = OPT_CUSTOM, .flags = OPTF_MANDATORY },
};

/* parse_mask: what stands behind '/': a length or a mask. Return: 0 or -EINVAL. */
static int parse_mask(const char *text, uint32_t *mask)
{
	const char *end;
	uint64_t plen;
	uint32_t hosts;
	struct in_addr in;

	if (!opt_number(text, &end, 0, 32, &plen) && !*end) {
		*mask = ip4_mask((unsigned)plen);
		return 0;
	}
	if (!inet_aton(text, &in))
		return -1;
	hosts = ~ntohl(in.s_addr);
	*mask = hosts & (hosts + 1) ? ~0u : in.s_addr;
	return 0;
}

/* parse: --to A[/MASK]. */
static int parse(struct opt_call *c)
{
	const char *slash = strchr(c->arg, '/');
	struct nat_range *r = c->data;
	uint32_t mask = ~0u;
	struct in_addr in;
	char host[64];

	snprintf(host, sizeof host, "%.*s", slash ? (int)(slash - c->arg) : (int)strlen(c->arg), c->arg);
	if (!inet_aton(host, &in))
		return rule_fail(c->err, "getaddrinfo: Name or service not known");
	if (slash && parse_mask(slash + 1, &mask))
		return rule_fail(c->err,
				 "NETMAP: bad value for option \"--to\", neither a valid network mask nor "
				 "valid CIDR (0-32).");
	r->flags = NAT_RANGE_ADDRS | NAT_RANGE_NETMAP;
	r->min_addr = addr_ip4(in.s_addr & mask);
	r->max_addr = addr_ip4(in.s_addr | ~mask);
	return 0;
}

/* put_network: "A/24". */
static void put_network(const struct nat_range *r, struct text *out)
{
	uint32_t hosts = ntohl(r->min_addr.word[0] ^ r->max_addr.word[0]);

	put_ip4(out, r->min_addr.word[0]);
	text_printf(out, "/%d", hosts ? __builtin_clz(hosts) : 32);
}

/* print, save: as iptables -L and iptables-save show it. */
static void print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " to:");
	put_network(data, out);
}

static void save(const void *data, struct text *out)
{
	text_puts(out, " --to ");
	put_network(data, out);
}

/* target: binds the side that this hook changes. */
static enum rule_verdict target(void *data, struct pkt *p, struct rule_env *env)
{
	return range_apply(data, nat_manip_of(env->st->hook), p, env);
}

const struct target_ops nat_target_netmap = {
	.name = "NETMAP",
	.hooks = HOOK_BIT(PREROUTING) | HOOK_BIT(INPUT) | HOOK_BIT(OUTPUT) | HOOK_BIT(POSTROUTING),
	.tables = TABLE_BIT(NAT),
	.size = sizeof(struct nat_range),
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.parse = parse,
	.print = print,
	.save = save,
	.target = target,
};
