/* port.c - ports and their addresses.
 *
 * Life-cycle
 *   port_add gives a port that is down and has no address; addresses bring their routes with them, going up
 *   makes them count. port_remove takes away all that names the port: routes, neighbours, fragments, queued
 *   packets.
 *
 * Linux parity: net/ipv4/devinet.c, fib_frontend.c (fib_add_ifaddr, fib_del_ifaddr): /32 local route,
 * broadcast route for prefixes shorter than 31, connected route with the address as preferred source; an
 * address in the subnet of an earlier one is secondary and goes away with it.
 */
#include "netstack/neigh.h"
#include "netstack/netstack_int.h"

#include <errno.h>
#include <stdlib.h>

enum { SCOPE_GLOBAL = 0, SCOPE_LINK = 253, SCOPE_HOST = 254, PROTOCOL_KERNEL = 2 };

/* free_slot: first free place in the port table; -1 if full. */
static int free_slot(const struct netstack *ns)
{
	for (int i = 0; i < PORTS_MAX; i++)
		if (!ns->port[i])
			return i;
	return -1;
}

struct port *port_add(struct netstack *ns, const char *name, const uint8_t mac[MAC_LEN], unsigned mtu)
{
	size_t len = strlen(name);
	int slot = free_slot(ns);
	struct port *port;

	if (!len || len >= PORT_NAME_MAX || mtu < PORT_MTU_MIN || mtu > PORT_MTU_MAX) {
		errno = EINVAL;
		return NULL;
	}
	if (port_find(ns, name)) {
		errno = EEXIST;
		return NULL;
	}
	port = slot < 0 ? NULL : calloc(1, sizeof *port);
	if (!port) {
		errno = ENOSPC;
		return NULL;
	}
	memcpy(port->name, name, len + 1);
	memcpy(port->mac, mac, MAC_LEN);
	port->index = (uint16_t)(slot + 1);
	port->mtu = (uint16_t)mtu;
	port->conf = ns->conf.def;
	port->conf.ns = ns;
	ns->port[slot] = port;
	ns->route_generation++;
	return port;
}

void port_remove(struct netstack *ns, struct port *port)
{
	port_set_up(ns, port, false);
	neigh_flush(ns, port); /* also of what came while it was down */
	defrag_flush_port(ns, port);
	route_flush_port(ns, port);
	ns->port[port->index - 1] = NULL;
	ns->route_generation++;
	free(port);
}

/* addr_routes: adds or removes the local table's routes of an address. */
static void addr_routes(struct netstack *ns, struct port *port, uint32_t be, unsigned plen, bool add)
{
	struct route r = { .prefix = be, .plen = 32, .type = ROUTE_LOCAL, .scope = SCOPE_HOST,
			   .protocol = PROTOCOL_KERNEL, .prefsrc = be, .port = port };

	(void)(add ? route_add_local(ns, &r) : route_del_local(ns, &r));
	if (plen >= 31)
		return;
	r.prefix = be | ~ip4_mask(plen);
	r.type = ROUTE_BROADCAST;
	r.scope = SCOPE_LINK;
	(void)(add ? route_add_local(ns, &r) : route_del_local(ns, &r));
}

/* connected_route: the route of a primary address's subnet. */
static struct route connected_route(struct port *port, uint32_t be, unsigned plen)
{
	return (struct route){ .prefix = be & ip4_mask(plen), .plen = (uint8_t)plen, .type = ROUTE_UNICAST,
			       .scope = SCOPE_LINK, .protocol = PROTOCOL_KERNEL, .prefsrc = be, .port = port };
}

/* same_subnet: whether two addresses of a port lie in the same subnet with the same prefix length. */
static bool same_subnet(const struct port_addr *a, uint32_t be, unsigned plen)
{
	return a->plen == plen && !((a->addr.word[0] ^ be) & ip4_mask(plen));
}

int port_add_addr(struct netstack *ns, struct port *port, uint32_t be, unsigned plen)
{
	struct port_addr *a = &port->addr[port->naddrs];
	bool secondary = false;

	if (plen > 32 || !plen || ip4_is_multicast(be) || ip4_is_limited_broadcast(be) || ip4_is_zeronet(be))
		return -EINVAL;
	for (unsigned i = 0; i < port->naddrs; i++) {
		if (!same_subnet(&port->addr[i], be, plen))
			continue;
		if (port->addr[i].addr.word[0] == be)
			return -EEXIST;
		secondary = true;
	}
	if (port->naddrs == PORT_ADDRS_MAX)
		return -ENOSPC;
	*a = (struct port_addr){ addr_ip4(be), FAMILY_IP4, (uint8_t)plen, secondary };
	port->naddrs++;
	addr_routes(ns, port, be, plen, true);
	if (!secondary && plen < 32) {
		struct route r = connected_route(port, be, plen);

		(void)route_add(ns, &r);
	}
	ns->route_generation++;
	return 0;
}

/* drop_addr: takes one address out of the port's list, with its own routes. */
static void drop_addr(struct netstack *ns, struct port *port, unsigned at)
{
	struct port_addr a = port->addr[at];

	port->naddrs--;
	memmove(&port->addr[at], &port->addr[at + 1], (port->naddrs - at) * sizeof *port->addr);
	addr_routes(ns, port, a.addr.word[0], a.plen, false);
	for (unsigned i = 0; i < port->naddrs; i++) /* what another address still needs of them */
		addr_routes(ns, port, port->addr[i].addr.word[0], port->addr[i].plen, true);
	if (ns->notify.addr_gone)
		ns->notify.addr_gone(ns->notify.ctx, port, a.addr.word[0]);
}

int port_del_addr(struct netstack *ns, struct port *port, uint32_t be, unsigned plen)
{
	struct route r = connected_route(port, be, plen);
	unsigned at = 0;
	bool secondary;

	while (at < port->naddrs && (port->addr[at].addr.word[0] != be || port->addr[at].plen != plen))
		at++;
	if (at == port->naddrs)
		return -ENOENT;
	secondary = port->addr[at].secondary;
	drop_addr(ns, port, at);
	if (!secondary) {
		(void)route_del(ns, &r);
		for (unsigned i = port->naddrs; i-- > 0;)
			if (port->addr[i].secondary && same_subnet(&port->addr[i], be, plen))
				drop_addr(ns, port, i);
	}
	ns->route_generation++;
	return 0;
}

void port_set_up(struct netstack *ns, struct port *port, bool up)
{
	if (port->up == up)
		return;
	port->up = up;
	ns->route_generation++;
	if (up)
		return;
	neigh_flush(ns, port);
	if (ns->notify.port_down)
		ns->notify.port_down(ns->notify.ctx, port);
}

struct port *port_find(struct netstack *ns, const char *name)
{
	for (int i = 0; i < PORTS_MAX; i++)
		if (ns->port[i] && !strcmp(ns->port[i]->name, name))
			return ns->port[i];
	return NULL;
}

struct port *port_by_index(struct netstack *ns, unsigned index)
{
	return index >= 1 && index <= PORTS_MAX ? ns->port[index - 1] : NULL;
}

uint32_t port_primary_ip4(const struct port *port, uint32_t toward)
{
	uint32_t first = 0;

	for (unsigned i = 0; i < port->naddrs; i++) {
		const struct port_addr *a = &port->addr[i];

		if (a->secondary)
			continue;
		if (!((a->addr.word[0] ^ toward) & ip4_mask(a->plen)))
			return a->addr.word[0];
		if (!first)
			first = a->addr.word[0];
	}
	return first;
}
