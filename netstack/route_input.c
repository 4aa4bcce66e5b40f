/* route_input.c - the routing decision for a packet that came in: where it goes, and whether its source may
 * be.
 *
 * Overview
 *   Checks the addresses that no route can make right, looks up the destination, validates the source
 *   (martians, reverse path), and says unicast (forward), local, broadcast or multicast. Positive decisions
 *   are cached, keyed by addresses, port and a word of the port's settings; a change of routes, ports or
 *   addresses empties the cache by generation. No route depends on mark or TOS, so neither is part of the
 *   key.
 *
 * Linux parity: net/ipv4/route.c (ip_route_input_rcu, ip_route_input_slow, __mkroute_input, ip_error,
 * ip_mc_validate_source), fib_frontend.c (__fib_validate_source). Each port is member of 224.0.0.1 only.
 */
#include "netstack/icmp.h"
#include "netstack/netstack_int.h"
#include "netstack/route_int.h"

#include <arpa/inet.h>
#include <stdio.h>

enum { RP_OFF, RP_STRICT, RP_LOOSE };

/* What validating the source can say. */
enum source_verdict { SOURCE_OK, SOURCE_ON_LINK, SOURCE_MARTIAN, SOURCE_RP_FILTER };

/* max_conf: the larger of two settings. */
static inline int32_t max_conf(int32_t a, int32_t b)
{
	return a > b ? a : b;
}

/* rp_filter_of: the effective reverse path filter of a port. */
static inline int32_t rp_filter_of(const struct netstack *ns, const struct port *port)
{
	return max_conf(ns->conf.all.rp_filter, port->conf.rp_filter);
}

/* settings_word: all settings a cached decision depends on. */
static inline uint32_t settings_word(const struct netstack *ns, const struct port *port)
{
	const struct port_conf *c = &port->conf, *all = &ns->conf.all;

	return (uint32_t)(rp_filter_of(ns, port) & 3) | (uint32_t)(c->accept_local != 0) << 2 |
	       (uint32_t)((c->route_localnet | all->route_localnet) != 0) << 3 |
	       (uint32_t)(c->forwarding != 0) << 4 | (uint32_t)(c->shared_media | all->shared_media ? 1 : 0) << 5 |
	       (uint32_t)(c->send_redirects | all->send_redirects ? 1 : 0) << 6 |
	       (uint32_t)(c->bc_forwarding && all->bc_forwarding) << 7 | (uint32_t)(all->accept_local != 0) << 8;
}

/* log_martian: the kernel's two lines about a packet whose addresses cannot be. */
static void log_martian(struct netstack *ns, const struct pkt *p)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	const struct addr src = addr_ip4(ip->src), dst = addr_ip4(ip->dst);
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX], hex[3 * ETH_HLEN + 1];

	if (!(ns->conf.all.log_martians || p->in->conf.log_martians) || !ratelimit_ok(&ns->martian_log, ns->now))
		return;
	netstack_log(ns, LOG_LEVEL_WARNING, "IPv4: martian source %s from %s, on dev %s",
		     addr_format(&dst, FAMILY_IP4, a), addr_format(&src, FAMILY_IP4, b), p->in->name);
	if (!p->has_mac)
		return;
	for (int i = 0; i < ETH_HLEN; i++)
		snprintf(hex + 3 * i, 4, " %02x", p->data[i - ETH_HLEN]);
	netstack_log(ns, LOG_LEVEL_WARNING, "ll header: 00000000:%s", hex);
}

/* log_martian_destination: the same for the destination. */
static void log_martian_destination(struct netstack *ns, const struct pkt *p)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	const struct addr src = addr_ip4(ip->src), dst = addr_ip4(ip->dst);
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];

	if ((ns->conf.all.log_martians || p->in->conf.log_martians) && ratelimit_ok(&ns->martian_log, ns->now))
		netstack_log(ns, LOG_LEVEL_WARNING, "IPv4: martian destination %s from %s, dev %s",
			     addr_format(&dst, FAMILY_IP4, a), addr_format(&src, FAMILY_IP4, b), p->in->name);
}

/* full_validation: the reverse lookup of a source (__fib_validate_source). */
static enum source_verdict full_validation(struct netstack *ns, struct port *in, uint32_t src, int32_t rpf)
{
	struct route_key key = { .dst = src };
	struct route_result res;

	route_lookup(ns, &key, &res);
	if (res.type == ROUTE_NONE || res.type == ROUTE_BLACKHOLE || res.type == ROUTE_UNREACHABLE ||
	    res.type == ROUTE_PROHIBIT)
		return rpf ? SOURCE_RP_FILTER : SOURCE_OK;
	if (res.type != ROUTE_UNICAST &&
	    (res.type != ROUTE_LOCAL || !(in->conf.accept_local || ns->conf.all.accept_local)))
		return SOURCE_MARTIAN;
	if (res.port == in)
		return res.gateway ? SOURCE_OK : SOURCE_ON_LINK;
	if (!in->naddrs)
		return rpf ? SOURCE_RP_FILTER : SOURCE_OK;
	if (rpf == RP_STRICT)
		return SOURCE_RP_FILTER;
	key.oif = in;
	route_lookup(ns, &key, &res);
	return res.type == ROUTE_UNICAST && res.route && !res.gateway ? SOURCE_ON_LINK : SOURCE_OK;
}

/* validate_source: whether a packet from @src may come in on @in. @out: where it would leave; NULL if it
 * stays here. The cheap way applies where neither a reverse path check nor a redirect depends on the reverse
 * lookup. */
static enum source_verdict validate_source(struct netstack *ns, struct port *in, uint32_t src,
					   const struct port *out)
{
	int32_t rpf = rp_filter_of(ns, in);
	bool redirects = in->conf.send_redirects || ns->conf.all.send_redirects;

	if (rpf || (out == in && redirects))
		return full_validation(ns, in, src, rpf);
	if (!(in->conf.accept_local || ns->conf.all.accept_local) &&
	    route_addr_type(ns, src, NULL) == ROUTE_LOCAL)
		return SOURCE_MARTIAN;
	return SOURCE_OK;
}

/* refuse_source: the drop reason of a source that failed, logged. */
static enum drop_reason refuse_source(struct netstack *ns, const struct pkt *p, enum source_verdict v)
{
	log_martian(ns, p);
	return v == SOURCE_RP_FILTER ? DROP_IP_RP_FILTER : DROP_IP_MARTIAN_SOURCE;
}

/* localnet: whether 127.0.0.0/8 may be routed on a port. */
static inline bool localnet(const struct netstack *ns, const struct port *in)
{
	return in->conf.route_localnet || ns->conf.all.route_localnet;
}

/* decide: notes a decision in the packet. */
static enum drop_reason decide(struct pkt *p, enum route_type type, struct port *out, uint32_t next_hop)
{
	p->route_type = (uint8_t)type;
	p->out = out;
	p->next_hop = addr_ip4(next_hop);
	return DROP_NONE;
}

/* broadcast_input: a packet to a broadcast address (brd_input). */
static enum drop_reason broadcast_input(struct netstack *ns, struct pkt *p)
{
	const struct ip4_hdr *ip = ip4_hdr(p);

	if (!ip4_is_zeronet(ip->src)) {
		enum source_verdict v = validate_source(ns, p->in, ip->src, NULL);

		if (v >= SOURCE_MARTIAN)
			return refuse_source(ns, p, v);
	}
	return decide(p, ROUTE_BROADCAST, p->in, ip->dst);
}

/* multicast_input: a packet to a group: ours is 224.0.0.1, and IGMP to any (ip_check_mc_rcu,
 * ip_mc_validate_source). */
static enum drop_reason multicast_input(struct netstack *ns, struct pkt *p)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	const uint32_t link_local = htonl(0xe0000000), all_hosts = htonl(0xe0000001);

	if (ip->dst != all_hosts && ip->proto != IP_PROTO_IGMP)
		return DROP_IP_MULTICAST;
	if (ip4_is_multicast(ip->src) || ip4_is_limited_broadcast(ip->src) ||
	    (ip4_is_loopback(ip->src) && !localnet(ns, p->in)))
		return DROP_IP_MARTIAN_SOURCE;
	if (ip4_is_zeronet(ip->src)) {
		if ((ip->dst & htonl(0xffffff00)) != link_local && ip->proto != IP_PROTO_IGMP)
			return DROP_IP_MARTIAN_SOURCE;
	} else {
		enum source_verdict v = validate_source(ns, p->in, ip->src, NULL);

		if (v >= SOURCE_MARTIAN)
			return v == SOURCE_RP_FILTER ? DROP_IP_RP_FILTER : DROP_IP_MARTIAN_SOURCE;
	}
	return decide(p, ROUTE_MULTICAST, p->in, ip->dst);
}

/* How an unroutable packet is answered (ip_error). */
static const struct {
	enum drop_reason reason;
	int16_t code; /* of ICMP unreachable; -1: silent */
} route_errors[] = {
	[ROUTE_NONE] = { DROP_IP_NO_ROUTE, ICMP_NET_UNREACH },
	[ROUTE_BLACKHOLE] = { DROP_IP_BLACKHOLE, -1 },
	[ROUTE_UNREACHABLE] = { DROP_IP_UNREACHABLE_ROUTE, ICMP_HOST_UNREACH },
	[ROUTE_PROHIBIT] = { DROP_IP_PROHIBIT_ROUTE, ICMP_PKT_FILTERED },
};

/* no_route: ends a packet that no route takes, telling its sender if this port forwards. */
static enum drop_reason no_route(struct netstack *ns, struct pkt *p, enum route_type type)
{
	enum drop_reason options;

	p->route_type = ROUTE_UNREACHABLE;
	if (p->hdr.has_options) {
		options = ip4_options_compile(ns, p);
		if (options)
			return options;
	}
	if (!p->in->conf.forwarding) {
		SNMP_INC(ns, IpInAddrErrors);
		return DROP_IP_FORWARDING_OFF;
	}
	if (type == ROUTE_NONE)
		SNMP_INC(ns, IpExtInNoRoutes);
	if (route_errors[type].code >= 0 && peer_route_error_ok(ns, ip4_hdr(p)->src))
		icmp_send_error(ns, p, ICMP_UNREACHABLE, (uint8_t)route_errors[type].code, 0);
	return route_errors[type].reason;
}

/* bad_addresses: addresses that no route makes right. Return: the reason, DROP_NONE if there is none such. */
static enum drop_reason bad_addresses(struct netstack *ns, struct pkt *p)
{
	const struct ip4_hdr *ip = ip4_hdr(p);

	if (ip4_is_zeronet(ip->src))
		return refuse_source(ns, p, SOURCE_MARTIAN);
	if (ip4_is_zeronet(ip->dst) || (ip4_is_loopback(ip->dst) && !localnet(ns, p->in))) {
		log_martian_destination(ns, p);
		return DROP_IP_MARTIAN_DESTINATION;
	}
	if (ip4_is_loopback(ip->src) && !localnet(ns, p->in))
		return refuse_source(ns, p, SOURCE_MARTIAN);
	return DROP_NONE;
}

/* on_link_of: whether @src and @gateway (0 = none) lie in one subnet of the port (inet_addr_onlink). */
static bool on_link_of(const struct port *port, uint32_t src, uint32_t gateway)
{
	for (unsigned i = 0; i < port->naddrs; i++) {
		const struct port_addr *a = &port->addr[i];
		uint32_t mask = ip4_mask(a->plen), net = a->addr.word[0];

		if (!((net ^ src) & mask) && (!gateway || !((net ^ gateway) & mask)))
			return true;
	}
	return false;
}

/* route_onward: a packet for another host (__mkroute_input). */
static enum drop_reason route_onward(struct netstack *ns, struct pkt *p, const struct route_result *res)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	enum source_verdict v = validate_source(ns, p->in, ip->src, res->port);

	if (v >= SOURCE_MARTIAN)
		return refuse_source(ns, p, v);
	p->redirect = v == SOURCE_ON_LINK && res->port == p->in &&
		      (p->in->conf.send_redirects || ns->conf.all.send_redirects) &&
		      (p->in->conf.shared_media || ns->conf.all.shared_media ||
		       on_link_of(p->in, ip->src, res->gateway ? res->next_hop : 0));
	p->forwarded = true;
	return decide(p, res->type, res->port, res->next_hop);
}

/* route_slowly: the decision without the cache (ip_route_input_slow). */
static enum drop_reason route_slowly(struct netstack *ns, struct pkt *p)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	struct route_key key = { .dst = ip->dst, .src = ip->src, .mark = p->mark, .tos = ip->tos, .in = p->in };
	struct route_result res;
	enum drop_reason bad;

	if (ip4_is_multicast(ip->dst))
		return multicast_input(ns, p);
	if (ip4_is_multicast(ip->src) || ip4_is_limited_broadcast(ip->src))
		return refuse_source(ns, p, SOURCE_MARTIAN);
	if (ip4_is_limited_broadcast(ip->dst) || (!ip->src && !ip->dst))
		return broadcast_input(ns, p);
	bad = bad_addresses(ns, p);
	if (bad)
		return bad;
	route_lookup(ns, &key, &res);
	switch (res.type) {
	case ROUTE_BROADCAST:
		if (p->in->conf.bc_forwarding && ns->conf.all.bc_forwarding)
			return route_onward(ns, p, &res);
		return broadcast_input(ns, p);
	case ROUTE_LOCAL: {
		enum source_verdict v = validate_source(ns, p->in, ip->src, NULL);

		if (v >= SOURCE_MARTIAN)
			return refuse_source(ns, p, v);
		return decide(p, ROUTE_LOCAL, res.port, ip->dst);
	}
	case ROUTE_UNICAST:
		if (p->in->conf.forwarding)
			return route_onward(ns, p, &res);
		return no_route(ns, p, res.type);
	default:
		return no_route(ns, p, res.type);
	}
}

/* cache_slot: where a decision about these addresses and port lives. */
static inline struct route_decision *cache_slot(struct netstack *ns, const struct ip4_hdr *ip, uint16_t in)
{
	uint64_t h = (((uint64_t)ip->dst << 32 | ip->src) ^ in * 0x85ebca6bull) * 0x9e3779b97f4a7c15ull;

	return &route_cache_of(ns)->entry[h >> 32 & (ROUTE_CACHE_SIZE - 1)];
}

enum drop_reason ip4_route_input(struct netstack *ns, struct pkt *p)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	const uint32_t settings = settings_word(ns, p->in);
	struct route_decision *d = cache_slot(ns, ip, p->in->index);
	enum drop_reason reason;

	if (d->dst == ip->dst && d->src == ip->src && d->in == p->in->index && d->settings == settings &&
	    d->generation == ns->route_generation) {
		p->redirect = d->redirect;
		return decide(p, d->type, d->out, d->next_hop);
	}
	reason = route_slowly(ns, p);
	/* Multicast also depends on the protocol; a broadcast may be ours or forwarded: rare, not worth a
	 * place. */
	if (reason || p->route_type == ROUTE_MULTICAST || p->route_type == ROUTE_BROADCAST)
		return reason;
	*d = (struct route_decision){ .dst = ip->dst, .src = ip->src, .settings = settings,
				      .generation = ns->route_generation, .next_hop = p->next_hop.word[0],
				      .in = p->in->index, .type = p->route_type, .redirect = p->redirect,
				      .out = p->out };
	return DROP_NONE;
}

uint32_t ip4_source_toward(struct netstack *ns, const struct port *port, uint32_t dst)
{
	uint32_t src = port ? port_primary_ip4(port, dst) : 0;

	for (int i = 0; i < PORTS_MAX && !src; i++)
		if (ns->port[i] && ns->port[i]->up)
			src = port_primary_ip4(ns->port[i], dst);
	return src ? src : IP4_DUMMY_ADDRESS;
}

uint32_t ip4_spec_dst(struct netstack *ns, const struct pkt *p)
{
	const struct route_key key = { .dst = ip4_hdr(p)->src };
	struct route_result res;

	if (p->route_type == ROUTE_LOCAL)
		return ip4_hdr(p)->dst;
	if (!ip4_is_zeronet(key.dst)) {
		route_lookup(ns, &key, &res);
		if (res.src)
			return res.src;
	}
	return ip4_source_toward(ns, p->in, key.dst);
}
