/* target_masquerade.c - MASQUERADE: the source becomes the address of the port the packet leaves by (nat: POSTROUTING).
 *
 * Overview
 *   The address is the out port's first one in the next hop's network, else its first one, else (as inet_select_addr does)
 *   the first one of any port. The connection remembers the port: it dies when the port goes down, loses that address,
 *   or when a later packet leaves by another one (core.c).
 *
 * Linux parity: net/netfilter/nf_nat_masquerade.c nf_nat_masquerade_ipv4.
 */
#include "nat/nat_int.h"
#include "nat/range.h"
#include "netstack/text.h"

static const struct opt_row options[] = {
	RANGE_ROW_TO("to-ports", 0),
	RANGE_ROW_RANDOM,
	RANGE_ROW_RANDOM_FULLY,
};

/* parse: --to-ports; the kernel's range has no base port. */
static int parse(struct opt_call *c)
{
	struct nat_range *r = c->data;

	if (c->row->id != RANGE_OPT_TO)
		return 0;
	if (range_parse_ports(c, c->arg, r))
		return -1;
	r->base_key = 0;
	return 0;
}

/* print: as iptables -L shows it. */
static void print(const void *data, bool numeric, struct text *out)
{
	const struct nat_range *r = data;

	(void)numeric;
	if (r->flags & NAT_RANGE_PORTS) {
		text_puts(out, " masq ports: ");
		range_put_ports(r, out);
	}
	range_put_flags(r, "", out);
}

/* own_address: an address for packets that leave by @out toward @next_hop. Network order; 0 if no port has any. */
static uint32_t own_address(const struct netstack *ns, const struct port *out, uint32_t next_hop)
{
	uint32_t be = port_primary_ip4(out, next_hop);

	for (unsigned i = 0; !be && i < PORTS_MAX; i++)
		if (ns->port[i])
			be = port_primary_ip4(ns->port[i], 0);
	return be;
}

/* no_address: nothing to masquerade with: the packet ends here. */
static enum rule_verdict no_address(struct nat *nat, struct pkt *p, const struct port *out)
{
	if (ratelimit_ok(&nat->no_address_log, nat->ns->now))
		netstack_log(nat->ns, LOG_LEVEL_INFO, "%s ate my IP address", out ? out->name : "");
	p->drop = DROP_NAT_NO_ADDRESS;
	return RULE_DROP;
}

/* target: binds the source to the way out's address. */
static enum rule_verdict target(void *data, struct pkt *p, struct rule_env *env)
{
	struct nat *nat = env->tables->nat;
	const struct port *out = env->st->out;
	struct nat_range range = *(const struct nat_range *)data;
	uint32_t be;

	if (!p->ct)
		return RULE_CONTINUE;
	/* A packet without source (DHCP) is probably not meant. */
	if (addr_is_zero(&p->ct->tuple[CT_ORIGINAL].src))
		return RULE_ACCEPT;
	be = out ? own_address(nat->ns, out, p->next_hop.word[0]) : 0;
	if (!be)
		return no_address(nat, p, out);
	p->ct->masq_port = (uint8_t)out->index;
	range.flags |= NAT_RANGE_ADDRS;
	range.min_addr = range.max_addr = addr_ip4(be);
	return range_apply(&range, NAT_MANIP_SRC, p, env);
}

const struct target_ops nat_target_masquerade = {
	.name = "MASQUERADE",
	.hooks = HOOK_BIT(POSTROUTING),
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
