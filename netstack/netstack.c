/* netstack.c - the instance: built, ticked, torn down; the books of what happened to each packet.
 *
 * Overview
 *   The instance owns the pool and one object per concern (neighbours, fragments, routes, peers), each made
 *   and freed by its own file. Every packet that comes in or is made here ends in exactly one column of
 *   struct netstack_balance.
 *
 * Invariants
 *   1. balance.held counts the packets in our own queues; held_class splits them by storage class and never
 *   exceeds
 *      hold_limit, so that queues cannot starve the ports of buffers.
 *   2. After netstack_destroy the pool is empty.
 *
 * Ownership
 *   netstack_input consumes its packet. ops.transmit does not.
 */
#include "netstack/netstack_int.h"
#include "netstack/text.h"

#include <stdlib.h>

enum { LOG_LINE_MAX = 1024 };

/* conf_init: Linux's defaults (net/ipv4/devinet.c, icmp.c, ip_fragment.c, arp.c), with forwarding on: this is
 * a router. */
static void conf_init(struct netstack_conf *c)
{
	const struct port_conf port = {
		.forwarding = 1, .accept_redirects = 1, .secure_redirects = 1, .send_redirects = 1, .shared_media = 1,
		.accept_source_route = 1,
	};

	*c = (struct netstack_conf){
		.ip_forward = 1,
		.ip_default_ttl = 64,
		.icmp_echo_ignore_broadcasts = 1,
		.icmp_ignore_bogus_error_responses = 1,
		.icmp_ratelimit = 1000,
		.icmp_ratemask = 0x1818,
		.icmp_msgs_per_sec = 1000,
		.icmp_msgs_burst = 50,
		.ipfrag_high_thresh = 4 << 20,
		.ipfrag_low_thresh = 3 << 20,
		.ipfrag_time = 30 * NS_PER_S,
		.ipfrag_max_dist = 64,
		.neigh_gc_thresh3 = 1024,
		.neigh_unres_qlen = 101,
		.neigh_base_reachable = 30 * NS_PER_S,
		.neigh_delay_first_probe = 5 * NS_PER_S,
		.neigh_retrans = NS_PER_S,
		.neigh_gc_stale = 60 * NS_PER_S,
		.neigh_ucast_solicit = 3,
		.neigh_mcast_solicit = 3,
		.all = port,
		.def = port,
	};
	c->all.accept_redirects = 0; /* as inet_forward_change leaves it */
	c->all.accept_source_route = 0;
}

/* index_hooks: where each hook's functions begin in the sorted table. */
static void index_hooks(struct netstack *ns, const struct hook_slot *slots)
{
	static const struct hook_slot none = { .fn = NULL };
	const struct hook_slot *s = slots ? slots : &none;

	ns->slots = s;
	for (int h = 0; h <= HOOK_COUNT; h++) {
		while (s->fn && s->hook < h)
			s++;
		ns->hook_begin[h] = s;
	}
}

struct netstack *netstack_create(const struct netstack_ops *ops, void *user, const struct hook_slot *slots,
				 const struct netstack_limits *limits)
{
	const struct netstack_limits lim = limits ? *limits : NETSTACK_LIMITS_DEFAULT;
	struct netstack *ns = calloc(1, sizeof *ns);

	if (!ns)
		return NULL;
	ns->ops = ops;
	ns->user = user;
	ns->martian_log = RATELIMIT_DEFAULT;
	ns->route_generation = 1;
	ns->hold_limit[PKT_SMALL] = lim.pool_small / 2;
	ns->hold_limit[PKT_LARGE] = lim.pool_large / 4;
	conf_init(&ns->conf);
	ns->conf.all.ns = ns->conf.def.ns = ns;
	index_hooks(ns, slots);
	ns->room[ROOM_NETSTACK] = ns;
	ns->ip_id = netstack_random32(ns);
	ns->pool = pkt_pool_create(lim.pool_small, lim.pool_large);
	ns->neigh = neigh_create(ns);
	ns->defrag = defrag_create(ns);
	ns->routes = route_create(lim.routes);
	ns->peers = peer_create(ns);
	if (!ns->pool || !ns->neigh || !ns->defrag || !ns->routes || !ns->peers) {
		netstack_destroy(ns);
		return NULL;
	}
	return ns;
}

uint32_t netstack_destroy(struct netstack *ns)
{
	uint32_t leaked;

	if (!ns)
		return 0;
	if (ns->neigh)
		neigh_destroy(ns);
	if (ns->defrag)
		defrag_destroy(ns);
	leaked = pkt_pool_destroy(ns->pool);
	route_destroy(ns->routes);
	peer_destroy(ns->peers);
	for (int i = 0; i < PORTS_MAX; i++)
		free(ns->port[i]);
	free(ns);
	return leaked;
}

void netstack_flush(struct netstack *ns)
{
	neigh_drain(ns);
	defrag_drain(ns);
}

void netstack_input(struct netstack *ns, struct port *port, struct pkt *p)
{
	ns->balance.rx++;
	eth_input(ns, port, p);
}

void netstack_tick(struct netstack *ns)
{
	neigh_tick(ns);
	defrag_tick(ns);
}

uint64_t netstack_deadline(const struct netstack *ns)
{
	uint64_t neigh = neigh_deadline(ns), frag = defrag_deadline(ns);

	return neigh < frag ? neigh : frag;
}

void netstack_drop(struct netstack *ns, struct pkt *p, enum drop_reason reason)
{
	ns->balance.drops[reason]++;
	pkt_free(p);
}

void netstack_delivered(struct netstack *ns, struct pkt *p)
{
	ns->balance.delivered++;
	pkt_free(p);
}

struct pkt *netstack_made(struct netstack *ns, enum pkt_class class)
{
	struct pkt *p = pkt_alloc(ns->pool, class);

	if (p)
		ns->balance.made++;
	return p;
}

bool netstack_hold(struct netstack *ns, const struct pkt *p)
{
	if (ns->held_class[p->class] >= ns->hold_limit[p->class])
		return false;
	ns->held_class[p->class]++;
	ns->balance.held++;
	return true;
}

void netstack_unhold(struct netstack *ns, const struct pkt *p)
{
	ns->held_class[p->class]--;
	ns->balance.held--;
}

void netstack_log(struct netstack *ns, int level, const char *format, ...)
{
	char line[LOG_LINE_MAX];
	struct text text = text_over(line, sizeof line);
	va_list args;

	if (!ns->ops->log)
		return;
	va_start(args, format);
	text_vprintf(&text, format, args);
	va_end(args);
	ns->ops->log(ns->user, level, text_cstr(&text));
}

uint32_t netstack_random32(struct netstack *ns)
{
	uint32_t n = 0;

	ns->ops->random(ns->user, &n, sizeof n);
	return n;
}

uint32_t netstack_random_below(struct netstack *ns, uint32_t n)
{
	return (uint32_t)(((uint64_t)netstack_random32(ns) * n) >> 32);
}

uint32_t netstack_midnight_ms(const struct netstack *ns)
{
	const uint64_t day_ms = 86400000;

	return (uint32_t)((ns->now + (uint64_t)ns->wall_offset) / NS_PER_MS % day_ms);
}

void netstack_set_forwarding(struct netstack *ns, bool on)
{
	ns->conf.ip_forward = on;
	ns->conf.all.forwarding = ns->conf.def.forwarding = on;
	ns->conf.all.accept_redirects = !on;
	for (int i = 0; i < PORTS_MAX; i++)
		if (ns->port[i])
			ns->port[i]->conf.forwarding = on;
}

uint64_t netstack_held(const struct netstack *ns)
{
	return ns->balance.held;
}

int64_t netstack_balance_error(const struct netstack *ns)
{
	const struct netstack_balance *b = &ns->balance;
	uint64_t out = b->tx + b->merged + b->delivered + b->held;

	for (int i = 0; i < DROP_COUNT; i++)
		out += b->drops[i];
	return (int64_t)(b->rx + b->made + b->split - out);
}
