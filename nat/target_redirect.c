/* target_redirect.c - REDIRECT: the destination becomes the router itself (nat: PREROUTING, OUTPUT).
 *
 * Overview
 *   For what comes in: the first address of the port it came in by; for what is made here: 127.0.0.1.
 *
 * Linux parity: net/netfilter/nf_nat_redirect.c nf_nat_redirect_ipv4; text: libxt_NAT.c.
 */
#include "nat/nat_int.h"
#include "nat/range.h"
#include "netstack/text.h"

#include <arpa/inet.h>
#include <netinet/in.h>

static const struct opt_row options[] = {
	RANGE_ROW_TO("to-ports", 0),
	RANGE_ROW_RANDOM,
};

/* parse: --to-ports, which has no base port. */
static int parse(struct opt_call *c)
{
	struct nat_range *r = c->data;

	if (c->row->id != RANGE_OPT_TO)
		return 0;
	if (range_parse_ports(c, c->arg, r))
		return -1;
	if (r->flags & NAT_RANGE_PORT_OFFSET)
		return rule_fail(c->err, "Shifted portmap ranges not supported with this kernel");
	return 0;
}

/* print: as iptables -L shows it. */
static void print(const void *data, bool numeric, struct text *out)
{
	const struct nat_range *r = data;

	(void)numeric;
	if (r->flags & NAT_RANGE_PORTS) {
		text_puts(out, " redir ports ");
		range_put_ports(r, out);
	}
	range_put_flags(r, "", out);
}

/* first_address: of the port a packet came in by. Network order, 0 if it has none. */
static uint32_t first_address(const struct port *in)
{
	for (unsigned i = 0; in && i < in->naddrs; i++)
		if (in->addr[i].family == FAMILY_IP4)
			return in->addr[i].addr.word[0];
	return 0;
}

/* target: binds the destination to this router. */
static enum rule_verdict target(void *data, struct pkt *p, struct rule_env *env)
{
	struct nat_range range = *(const struct nat_range *)data;
	uint32_t be = env->st->hook == HOOK_OUTPUT ? htonl(INADDR_LOOPBACK) : first_address(env->st->in);

	if (!p->ct)
		return RULE_CONTINUE;
	if (!be) {
		p->drop = DROP_NAT_NO_ADDRESS;
		return RULE_DROP;
	}
	range.flags |= NAT_RANGE_ADDRS;
	range.min_addr = range.max_addr = addr_ip4(be);
	return range_apply(&range, NAT_MANIP_DST, p, env);
}

const struct target_ops nat_target_redirect = {
	.name = "REDIRECT",
	.hooks = HOOK_BIT(PREROUTING) | HOOK_BIT(OUTPUT),
	.tables = TABLE_BIT(NAT),
	.size = sizeof(struct nat_range),
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.parse = parse,
	.check = range_check,
	.print = print,
	.save = range_save_ports,
	.target = target,
};
