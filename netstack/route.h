/* route.h - routes: longest prefix match, and what a lookup says.
 *
 * Two tables as in Linux: `local` (the router's own and broadcast addresses), consulted first, and `main`. Lookups
 * cost one probe per prefix length in use.
 */
#ifndef NETSTACK_ROUTE_H
#define NETSTACK_ROUTE_H

#include "netstack/addr.h"

struct netstack;
struct port;
struct pkt;
struct text;

enum route_type {
	ROUTE_NONE, /* no route */
	ROUTE_UNICAST,
	ROUTE_LOCAL,
	ROUTE_BROADCAST,
	ROUTE_MULTICAST,
	ROUTE_BLACKHOLE,
	ROUTE_UNREACHABLE,
	ROUTE_PROHIBIT,
};

struct route {
	uint32_t prefix; /* network order, host bits zero */
	uint8_t plen;
	uint8_t type;    /* enum route_type */
	uint8_t scope;   /* 0 global, 253 link, 254 host */
	uint8_t protocol; /* 2 kernel (connected), 4 static */
	uint32_t gateway; /* network order; 0 = on link */
	uint32_t metric;
	uint32_t prefsrc; /* network order; 0 = choose */
	struct port *port; /* NULL for blackhole, unreachable, prohibit */
};

/* What a lookup is asked. Addresses in network order; 0 = not given. */
struct route_key {
	uint32_t dst, src, mark;
	uint8_t tos;
	struct port *in, *oif;
};

struct route_result {
	enum route_type type;
	struct port *port;  /* where it leaves; the address's port for ROUTE_LOCAL */
	uint32_t next_hop;  /* network order: the gateway, or the destination itself */
	bool gateway;       /* next_hop is a gateway */
	uint32_t src;       /* preferred source address, network order; 0 = none */
	const struct route *route;
};

/* route_add: adds a route (copied). Return: 0; -EEXIST same prefix, type table and metric; -EINVAL host bits set or a
 * unicast route without port; -ENETUNREACH gateway not on a connected network; -ENOSPC. */
int route_add(struct netstack *ns, const struct route *r);

/* route_del: removes the route equal in prefix, length, metric, gateway, port. Return: 0 or -ESRCH. */
int route_del(struct netstack *ns, const struct route *r);

/* route_flush_static: removes all routes of protocol static: a reload puts the new ones in. */
void route_flush_static(struct netstack *ns);

/* route_lookup: the decision for a key. Never fails: type ROUTE_NONE if nothing matches. */
void route_lookup(struct netstack *ns, const struct route_key *key, struct route_result *out);

/* route_addr_type: what an address is to this router (fib address type): LOCAL, BROADCAST, MULTICAST, UNICAST, also
 * BLACKHOLE... as the tables say. With @port, local and broadcast must belong to it. */
enum route_type route_addr_type(struct netstack *ns, uint32_t be, const struct port *port);

/* route_me_harder: routes a locally made packet again after a rule changed what routing used (OUTPUT). Sets out,
 * next_hop, route_type. Return: 0, or -EHOSTUNREACH. */
int route_me_harder(struct netstack *ns, struct pkt *p);

/* route_each: calls @fn for each route of main (then of local with @local), longest prefix last as /proc/net/route
 * orders them. */
void route_each(struct netstack *ns, bool local, void (*fn)(void *ctx, const struct route *r), void *ctx);

#endif
