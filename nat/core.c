/* core.c - the nat hooks, and the bindings that connections get there.
 *
 * Overview
 *   A connection is translated by what its two tuples say: a binding changes the reply tuple, and whatever passes a nat
 *   hook is rewritten until it looks like the inverse of the other direction's tuple. The rules of the nat table are
 *   walked for a connection's first packet only, once for the destination (PREROUTING, OUTPUT) and once for the source
 *   (INPUT, POSTROUTING). A walk that binds nothing leaves a null binding: the address as it is, the port too unless
 *   another connection has it.
 *
 * Life-cycle of a binding
 *   undecided --nat_setup (a target, a helper's child, or null)--> *_NAT_DONE, and *_NAT if it changes anything. Only
 *   unconfirmed entries are bound; afterwards nothing changes until the entry is freed.
 *
 * Invariants
 *   1. SRC_NAT / DST_NAT is set if and only if that side of the tuples differs.
 *   2. Exactly the entries with SRC_NAT are in the by-source hash.
 *   3. Packets without a connection (INVALID, UNTRACKED) pass untouched.
 *   4. As long as the nat table was never used nothing is bound: no null binding, no port change.
 *
 * Ownership
 *   nat keeps no references: conntrack tells it before an entry is freed (notify.nat_destroy).
 *
 * Linux parity: net/netfilter/nf_nat_core.c (nf_nat_inet_fn, nf_nat_setup_info), nf_nat_proto.c (the IPv4 hooks),
 * nf_nat_masquerade.c (device and address notifiers).
 */
#include "conntrack/helper.h"
#include "conntrack/proto.h"
#include "nat/nat_int.h"

#include <stdlib.h>

enum { BUCKETS_MIN = 1024, BUCKETS_MAX = 1 << 22 };

/* on_destroy: conntrack's notice that an entry goes away. @ctx: the nat instance. */
static void on_destroy(void *ctx, struct ct_entry *ct)
{
	nat_unlink(ctx, ct);
}

/* register_targets: makes the nat targets known. Return: 0 or a negative errno. */
static int register_targets(struct tables *tables)
{
	static const struct target_ops *const all[] = {
		&nat_target_snat,     &nat_target_dnat,   &nat_target_masquerade,
		&nat_target_redirect, &nat_target_netmap,
	};
	int err = 0;

	for (size_t i = 0; !err && i < sizeof all / sizeof *all; i++)
		err = tables_register_target(tables, all[i]);
	return err;
}

struct nat *nat_create(struct netstack *ns, struct conntrack *ctk, struct tables *tables)
{
	struct nat *nat = calloc(1, sizeof *nat);
	uint32_t buckets = BUCKETS_MIN;

	if (!nat)
		return NULL;
	while (buckets < BUCKETS_MAX && buckets < (uint32_t)ctk->conf.buckets)
		buckets *= 2;
	nat->ns = ns;
	nat->ctk = ctk;
	nat->tables = tables;
	nat->by_source = calloc(buckets, sizeof *nat->by_source);
	nat->by_source_mask = buckets - 1;
	nat->no_address_log = RATELIMIT_DEFAULT;
	ns->ops->random(ns->user, nat->hash_key, sizeof nat->hash_key);
	if (!nat->by_source || register_targets(tables)) {
		nat_destroy(nat);
		return NULL;
	}
	ctk->notify.nat = nat;
	ctk->notify.nat_destroy = on_destroy;
	tables->nat = nat;
	return nat;
}

void nat_destroy(struct nat *nat)
{
	if (!nat)
		return;
	free(nat->by_source);
	free(nat);
}

/* table_used: whether the nat table was ever used: before that Linux has no nat hooks. */
static bool table_used(const struct nat *nat)
{
	return nat->tables->used & 1u << TABLE_NAT;
}

/* netmap_range: the single address that the network @range makes of the @manip side of @t: network bits of the range,
 * host bits of the packet (net/netfilter/xt_NETMAP.c). */
static struct nat_range netmap_range(const struct nat_range *range, const struct ct_tuple *t,
				     enum nat_manip manip)
{
	const struct addr *now = manip == NAT_MANIP_SRC ? &t->src : &t->dst;
	struct nat_range one = *range;

	for (int i = 0; i < 4; i++) {
		uint32_t host = range->min_addr.word[i] ^ range->max_addr.word[i];

		one.min_addr.word[i] = (now->word[i] & host) | (range->min_addr.word[i] & ~host);
	}
	one.max_addr = one.min_addr;
	one.flags &= ~(uint32_t)NAT_RANGE_NETMAP;
	return one;
}

/* bind_reply: makes replies to @wanted known as @ct's. Return: whether the tuple could be inverted. */
static bool bind_reply(struct nat *nat, struct ct_entry *ct, const struct ct_tuple *wanted,
		       enum nat_manip manip)
{
	struct ct_tuple reply;

	if (!ct_tuple_invert(wanted, &reply))
		return false;
	ct_alter_reply(nat->ctk, ct, &reply);
	ct->status |= nat_bit(manip);
	if (manip == NAT_MANIP_SRC)
		nat_link(nat, ct);
	return true;
}

enum verdict nat_setup(struct nat *nat, struct ct_entry *ct, const struct nat_range *range,
		       enum nat_manip manip)
{
	struct ct_tuple now, wanted;
	struct nat_range one;

	if (ct_is_confirmed(ct))
		return VERDICT_ACCEPT;
	if (ct->status & nat_done_bit(manip))
		return VERDICT_DROP;
	/* Bindings made before (a destination in PREROUTING) count: start from what the packet looks like by now. */
	if (!ct_tuple_invert(&ct->tuple[CT_REPLY], &now))
		return VERDICT_DROP;
	if (range->flags & NAT_RANGE_NETMAP) {
		one = netmap_range(range, &now, manip);
		range = &one;
	}
	nat_unique_tuple(nat, &wanted, &now, range, ct, manip);
	if (!ct_tuple_equal(&wanted, &now) && !bind_reply(nat, ct, &wanted, manip))
		return VERDICT_DROP;
	ct->status |= nat_done_bit(manip);
	return VERDICT_ACCEPT;
}

enum verdict nat_setup_null(struct nat *nat, struct ct_entry *ct, enum nat_manip manip)
{
	const struct ct_tuple *reply = &ct->tuple[CT_REPLY];
	struct nat_range same = { .flags = NAT_RANGE_ADDRS };

	/* A destination's port may change only where a rule names ports: whoever else has it, there is nothing to choose. */
	if (manip == NAT_MANIP_DST && ct_proto_has_ports(reply->proto)) {
		ct->status |= nat_done_bit(manip);
		return VERDICT_ACCEPT;
	}
	same.min_addr = same.max_addr = manip == NAT_MANIP_SRC ? reply->dst : reply->src;
	return nat_setup(nat, ct, &same, manip);
}

/* decide: binds @manip of a connection that has no decision for it yet: asks the rules, else a null binding.
 * Return: VERDICT_ACCEPT, or VERDICT_DROP (p->drop set), or what a rule did with the packet. */
static enum verdict decide(struct nat *nat, struct pkt *p, struct ct_entry *ct, enum nat_manip manip,
			   const struct hook_state *st)
{
	enum verdict v;

	if (manip == NAT_MANIP_DST)
		nat_foresee(nat, ct);
	v = tables_walk(nat->tables, TABLE_NAT, p, st);
	if (v != VERDICT_ACCEPT || ct->status & nat_done_bit(manip))
		return v;
	return nat_setup_null(nat, ct, manip) == VERDICT_ACCEPT ? VERDICT_ACCEPT
							      : nat_drop(p, DROP_NAT_NO_TUPLE);
}

/* port_changed: whether a masqueraded connection now leaves by another port than the one whose address it uses. */
static bool port_changed(const struct ct_entry *ct, const struct pkt *p, const struct hook_state *st)
{
	return ct->masq_port && st->hook == HOOK_POSTROUTING &&
	       ct_dir_of(p->ct_info) == CT_ORIGINAL && st->out && ct->masq_port != st->out->index;
}

/* kill_moved: ends a connection whose way out changed: its address does not fit any more. The packet still counts. */
static enum verdict kill_moved(struct nat *nat, struct pkt *p, struct ct_entry *ct)
{
	if (ct->extra && ct->extra->has_acct) {
		struct ct_counter *c = &ct->extra->acct[ct_dir_of(p->ct_info)];

		c->packets++;
		c->bytes += p->len;
	}
	ct_kill(nat->ctk, ct);
	return nat_drop(p, DROP_NAT_PORT_CHANGED);
}

/* translate: what all four hooks do (nf_nat_ipv4_fn and nf_nat_inet_fn). */
static enum verdict translate(struct nat *nat, struct pkt *p, const struct hook_state *st)
{
	enum nat_manip manip = nat_manip_of(st->hook);
	struct ct_entry *ct = p->ct;
	bool related = p->ct_info == CT_RELATED || p->ct_info == CT_RELATED_REPLY;

	if (!ct)
		return VERDICT_ACCEPT;
	if (related || p->ct_info == CT_NEW) {
		if (!(ct->status & CT_ST_NAT_DONE_MASK) && !table_used(nat))
			return VERDICT_ACCEPT;
		if (related && p->hdr.proto == IP_PROTO_ICMP)
			return nat_icmp_error(p, ct, st->hook);
		if (!(ct->status & nat_done_bit(manip))) {
			enum verdict v = decide(nat, p, ct, manip, st);

			if (v != VERDICT_ACCEPT)
				return v;
		} else if (port_changed(ct, p, st)) {
			return kill_moved(nat, p, ct);
		}
	} else if (port_changed(ct, p, st)) {
		return kill_moved(nat, p, ct);
	}
	if (!(ct->status & nat_bit_in(manip, ct_dir_of(p->ct_info))))
		return VERDICT_ACCEPT;
	return nat_rewrite_packet(p, ct, manip, ct_dir_of(p->ct_info)) ? VERDICT_ACCEPT
								       : nat_drop(p, DROP_NAT_MANGLE_FAILED);
}

enum verdict nat_prerouting(void *nat, struct pkt *p, const struct hook_state *st)
{
	uint32_t dst = ip4_hdr(p)->dst;
	enum verdict v = translate(nat, p, st);

	/* A decision made for the old destination is void. */
	if (v == VERDICT_ACCEPT && ip4_hdr(p)->dst != dst && p->route_type != ROUTE_NONE) {
		p->route_type = ROUTE_NONE;
		p->out = NULL;
	}
	return v;
}

enum verdict nat_input(void *nat, struct pkt *p, const struct hook_state *st)
{
	return translate(nat, p, st);
}

enum verdict nat_output(void *nat, struct pkt *p, const struct hook_state *st)
{
	enum verdict v = translate(nat, p, st);
	enum ct_dir dir = ct_dir_of(p->ct_info);

	if (v != VERDICT_ACCEPT || !p->ct)
		return v;
	/* Told by the tuples, so for each packet of a connection whose destination is translated. */
	if (!addr_equal(&p->ct->tuple[dir].dst, &p->ct->tuple[!dir].src) &&
	    route_me_harder(((struct nat *)nat)->ns, p) != 0)
		return nat_drop(p, DROP_REROUTE_FAILED);
	return VERDICT_ACCEPT;
}

enum verdict nat_postrouting(void *nat, struct pkt *p, const struct hook_state *st)
{
	return translate(nat, p, st);
}

/* uses_gone: whether a masqueraded connection depends on the port or the address that went away. */
static bool uses_gone(const struct ct_sweep *gone, const struct ct_entry *ct)
{
	return ct->masq_port == gone->port &&
	       (gone->any_addr || addr_equal(&ct->tuple[CT_REPLY].dst, &gone->addr));
}

void nat_port_down(struct nat *nat, struct port *port)
{
	ct_sweep(nat->ctk, &(struct ct_sweep){ .match = uses_gone, .port = port->index, .any_addr = true });
}

void nat_addr_gone(struct nat *nat, struct port *port, uint32_t be)
{
	ct_sweep(nat->ctk, &(struct ct_sweep){ .match = uses_gone, .port = port->index, .addr = addr_ip4(be) });
}

void nat_follow_master(void *instance, struct ct_entry *child, struct ct_expect *x)
{
	struct nat *nat = instance;
	const struct ct_tuple *back = &child->extra->master->tuple[!x->dir];
	struct nat_range range = { .flags = NAT_RANGE_ADDRS, .min_addr = back->dst, .max_addr = back->dst };

	/* The source becomes what the master's peer knows it by ... */
	nat_setup(nat, child, &range, NAT_MANIP_SRC);
	/* ... and the destination the real address and port behind what was advertised. */
	range.flags = NAT_RANGE_ADDRS | NAT_RANGE_PORTS;
	range.min_addr = range.max_addr = back->src;
	range.min_key = range.max_key = x->saved_key;
	nat_setup(nat, child, &range, NAT_MANIP_DST);
}
