/* route.c - the two route tables and the longest prefix match.
 *
 * Overview
 *   All routes of both tables are nodes of one pool, chained in one hash keyed by (table, prefix length,
 *   prefix). Each table counts its routes per prefix length and keeps the lengths in use as a 33-bit word, so
 *   a lookup is one probe per length in use, longest first. Routes of one prefix are chained by ascending
 *   metric; those whose port is down are passed over.
 *
 * Invariants
 *   1. lengths bit n is set exactly when count[n] > 0.
 *   2. Each change bumps netstack.route_generation, which empties the decision cache of route_input.c.
 *
 * Linux parity: net/ipv4/fib_trie.c, fib_semantics.c (fib_check_nh, fib_select_default by metric),
 * fib_rules.c (local before main).
 */
#include "netstack/netstack_int.h"
#include "netstack/route_int.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>

enum { PLENS = 33, SCOPE_LINK = 253, PROTOCOL_STATIC = 4 };
enum table_id { LOCAL, MAIN, TABLES };

struct node {
	struct route route;
	uint8_t table;
	struct node *next;
};

struct table_index {
	uint32_t count[PLENS];
	uint64_t lengths;
};

struct route_tables {
	struct node *nodes, *free;
	struct node **bucket;
	uint32_t mask;
	struct table_index index[TABLES];
	struct route loopback; /* 127.0.0.0/8, always local */
	struct route_cache cache;
};

struct route_tables *route_create(uint32_t limit)
{
	struct route_tables *t = calloc(1, sizeof *t);
	uint32_t buckets = 256;

	if (!t)
		return NULL;
	while (buckets < limit && buckets < 1u << 20)
		buckets *= 2;
	t->mask = buckets - 1;
	t->bucket = calloc(buckets, sizeof(struct node *));
	t->nodes = calloc(limit, sizeof *t->nodes);
	if (!t->bucket || !t->nodes) {
		route_destroy(t);
		return NULL;
	}
	for (uint32_t i = limit; i-- > 0;) {
		t->nodes[i].next = t->free;
		t->free = &t->nodes[i];
	}
	t->loopback = (struct route){ .prefix = htobe32(0x7f000000), .plen = 8, .type = ROUTE_LOCAL, .scope = 254,
				      .protocol = 2 };
	return t;
}

void route_destroy(struct route_tables *t)
{
	if (!t)
		return;
	free(t->nodes);
	free(t->bucket);
	free(t);
}

struct route_cache *route_cache_of(struct netstack *ns)
{
	return &ns->routes->cache;
}

/* chain_of: the hash chain of a prefix. */
static struct node **chain_of(const struct route_tables *t, enum table_id table, unsigned plen, uint32_t prefix)
{
	uint64_t h = (prefix | (uint64_t)plen << 32 | (uint64_t)table << 40) * 0x9e3779b97f4a7c15ull;

	return &t->bucket[(h >> 32) & t->mask];
}

/* is_at: whether a node is a route of this table and prefix. */
static inline bool is_at(const struct node *n, enum table_id table, unsigned plen, uint32_t prefix)
{
	return n->route.prefix == prefix && n->route.plen == plen && n->table == table;
}

/* insert: puts a copy of @r into a table. Return: 0, -EEXIST, -ENOSPC. */
static int insert(struct netstack *ns, enum table_id table, const struct route *r)
{
	struct route_tables *t = ns->routes;
	struct node **at = chain_of(t, table, r->plen, r->prefix), *n;

	for (; *at; at = &(*at)->next) {
		if (!is_at(*at, table, r->plen, r->prefix))
			continue;
		if ((*at)->route.metric > r->metric)
			break;
		/* The local table may hold one address on several ports; main holds one route per metric. */
		if ((*at)->route.metric == r->metric &&
		    (table == MAIN || ((*at)->route.port == r->port && (*at)->route.type == r->type)))
			return -EEXIST;
	}
	n = t->free;
	if (!n)
		return -ENOSPC;
	t->free = n->next;
	n->route = *r;
	n->table = table;
	n->next = *at;
	*at = n;
	if (!t->index[table].count[r->plen]++)
		t->index[table].lengths |= 1ull << r->plen;
	ns->route_generation++;
	return 0;
}

/* unlink_node: takes the node at @at out. */
static void unlink_node(struct netstack *ns, struct node **at)
{
	struct route_tables *t = ns->routes;
	struct node *n = *at;
	struct table_index *index = &t->index[n->table];

	*at = n->next;
	if (!--index->count[n->route.plen])
		index->lengths &= ~(1ull << n->route.plen);
	n->next = t->free;
	t->free = n;
	ns->route_generation++;
}

/* erase: removes one route equal in prefix, metric, gateway, port (and type in the local table). */
static int erase(struct netstack *ns, enum table_id table, const struct route *r)
{
	for (struct node **at = chain_of(ns->routes, table, r->plen, r->prefix); *at; at = &(*at)->next) {
		const struct route *have = &(*at)->route;

		if (!is_at(*at, table, r->plen, r->prefix) || have->metric != r->metric ||
		    have->gateway != r->gateway || have->port != r->port ||
		    (table == LOCAL && have->type != r->type))
			continue;
		unlink_node(ns, at);
		return 0;
	}
	return -ESRCH;
}

/* erase_where: removes the routes of a protocol (0 = any) and port (NULL = any). */
static void erase_where(struct netstack *ns, uint8_t protocol, const struct port *port)
{
	struct route_tables *t = ns->routes;

	for (uint32_t b = 0; b <= t->mask; b++) {
		struct node **at = &t->bucket[b];

		while (*at) {
			const struct route *r = &(*at)->route;

			if ((!protocol || r->protocol == protocol) && (!port || r->port == port))
				unlink_node(ns, at);
			else
				at = &(*at)->next;
		}
	}
}

/* usable: whether a route fits the key: its port is up, and the one asked for. */
static inline bool usable(const struct route *r, const struct port *oif)
{
	return (!r->port || r->port->up) && (!oif || r->port == oif);
}

/* match: the best route of a table for an address; NULL if none. */
static const struct route *match(const struct route_tables *t, enum table_id table, uint32_t dst,
				 const struct port *oif)
{
	for (uint64_t left = t->index[table].lengths; left;) {
		unsigned plen = 63 - (unsigned)__builtin_clzll(left);
		uint32_t prefix = dst & ip4_mask(plen);

		for (const struct node *n = *chain_of(t, table, plen, prefix); n; n = n->next)
			if (is_at(n, table, plen, prefix) && usable(&n->route, oif))
				return &n->route;
		left &= ~(1ull << plen);
	}
	if (table == LOCAL && !oif && ip4_is_loopback(dst))
		return &t->loopback;
	return NULL;
}

/* needs_port: whether routes of a type name a port. */
static bool needs_port(uint8_t type)
{
	return type != ROUTE_BLACKHOLE && type != ROUTE_UNREACHABLE && type != ROUTE_PROHIBIT;
}

/* check_gateway: the gateway must be a neighbour: reached over an on-link route of the port, and not
 * ourselves (fib_check_nh). Finds the port if the route names none. Return: 0, -EINVAL, -ENETUNREACH. */
static int check_gateway(struct netstack *ns, struct route *r)
{
	const struct route *via;

	if (match(ns->routes, LOCAL, r->gateway, NULL))
		return -EINVAL;
	via = match(ns->routes, MAIN, r->gateway, r->port);
	if (!via || via->type != ROUTE_UNICAST || via->gateway)
		return -ENETUNREACH;
	r->port = via->port;
	return 0;
}

int route_add(struct netstack *ns, const struct route *route)
{
	struct route r = *route;
	int err;

	if (r.plen > 32 || (r.prefix & ~ip4_mask(r.plen)))
		return -EINVAL;
	if (r.gateway) {
		err = check_gateway(ns, &r);
		if (err)
			return err;
		r.scope = 0;
	} else if (needs_port(r.type)) {
		if (!r.port)
			return -EINVAL;
		r.scope = SCOPE_LINK;
	}
	return insert(ns, MAIN, &r);
}

int route_del(struct netstack *ns, const struct route *r)
{
	struct route want = *r;

	if (want.gateway && !want.port) {
		const struct route *via = match(ns->routes, MAIN, want.gateway, NULL);

		want.port = via ? via->port : NULL;
	}
	return erase(ns, MAIN, &want);
}

int route_add_local(struct netstack *ns, const struct route *r)
{
	return insert(ns, LOCAL, r);
}

int route_del_local(struct netstack *ns, const struct route *r)
{
	return erase(ns, LOCAL, r);
}

void route_flush_static(struct netstack *ns)
{
	erase_where(ns, PROTOCOL_STATIC, NULL);
}

void route_flush_port(struct netstack *ns, const struct port *port)
{
	erase_where(ns, 0, port);
}

/* first_port: the port that stands in for the loopback device, which this router does not have. */
static struct port *first_port(const struct netstack *ns)
{
	for (int i = 0; i < PORTS_MAX; i++)
		if (ns->port[i])
			return ns->port[i];
	return NULL;
}

void route_lookup(struct netstack *ns, const struct route_key *key, struct route_result *out)
{
	const struct route *r = match(ns->routes, LOCAL, key->dst, key->oif);

	if (!r)
		r = match(ns->routes, MAIN, key->dst, key->oif);
	*out = (struct route_result){ .type = ROUTE_NONE };
	if (!r) {
		if (key->oif && key->oif->up) /* a bound packet is on link (ip_route_output_key_hash_rcu) */
			*out = (struct route_result){ .type = ROUTE_UNICAST, .port = key->oif, .next_hop = key->dst,
						      .src = port_primary_ip4(key->oif, key->dst) };
		return;
	}
	out->type = r->type;
	out->port = r == &ns->routes->loopback ? first_port(ns) : r->port;
	out->gateway = r->gateway != 0;
	out->next_hop = r->gateway ? r->gateway : key->dst;
	out->route = r;
	if (r->prefsrc)
		out->src = r->prefsrc;
	else if (r->type == ROUTE_LOCAL)
		out->src = key->dst;
	else if (r->port)
		out->src = port_primary_ip4(r->port, out->next_hop);
}

enum route_type route_addr_type(struct netstack *ns, uint32_t be, const struct port *port)
{
	const struct route *r;

	if (ip4_is_zeronet(be) || ip4_is_limited_broadcast(be))
		return ROUTE_BROADCAST;
	if (ip4_is_multicast(be))
		return ROUTE_MULTICAST;
	r = match(ns->routes, LOCAL, be, port);
	return r ? r->type : ROUTE_UNICAST;
}

int route_me_harder(struct netstack *ns, struct pkt *p)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	const struct route_key key = { .dst = ip->dst, .src = ip->src, .mark = p->mark, .tos = ip->tos };
	struct route_result res;

	route_lookup(ns, &key, &res);
	if (res.type != ROUTE_UNICAST && res.type != ROUTE_LOCAL && res.type != ROUTE_BROADCAST)
		return -EHOSTUNREACH;
	p->out = res.port;
	p->next_hop = addr_ip4(res.next_hop);
	p->route_type = (uint8_t)res.type;
	return 0;
}

void route_each(struct netstack *ns, bool local, void (*fn)(void *ctx, const struct route *r), void *ctx)
{
	struct route_tables *t = ns->routes;
	const enum table_id table = local ? LOCAL : MAIN;

	for (unsigned plen = 0; plen < PLENS; plen++) {
		if (!t->index[table].count[plen])
			continue;
		for (uint32_t b = 0; b <= t->mask; b++)
			for (const struct node *n = t->bucket[b]; n; n = n->next)
				if (n->table == table && n->route.plen == plen)
					fn(ctx, &n->route);
	}
}
