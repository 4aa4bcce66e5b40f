/* netlink.c - see netlink.h. */
#include "router/netlink.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* fail: fills @why. @error: of libnl, negative. Return: -1. */
static int fail(char *why, const char *what, const char *name, int error)
{
	const char *hint = "";

	if (error == -NLE_PERM || error == -NLE_NOACCESS)
		hint = "; run as root (CAP_NET_ADMIN)";
	else if (error == -NLE_EXIST || error == -NLE_BUSY)
		hint = "; choose another name with `tap`, or remove the device that has it";
	snprintf(why, NETNS_WHY_MAX, "device %s: cannot %s: %s%s", name, what, nl_geterror(error), hint);
	return -1;
}

/* connect_here: a socket in the current namespace. NULL with @why. */
static struct nl_sock *connect_here(char *why)
{
	struct nl_sock *nl = nl_socket_alloc();
	int error = nl ? nl_connect(nl, NETLINK_ROUTE) : -NLE_NOMEM;

	if (!error)
		return nl;
	snprintf(why, NETNS_WHY_MAX, "cannot open a netlink socket: %s", nl_geterror(error));
	nl_socket_free(nl);
	return NULL;
}

struct nl_sock *netlink_open(int netns_fd, char *why)
{
	struct nl_sock *nl;
	int before;

	if (netns_fd < 0)
		return connect_here(why);
	before = netns_enter(netns_fd, why);
	if (before < 0)
		return NULL;
	nl = connect_here(why);
	netns_leave(before);
	return nl;
}

void netlink_close(struct nl_sock *nl)
{
	nl_socket_free(nl);
}

/* change_link: fetches the device @name and applies @change, which is put (freed). Return: 0 or a libnl error. */
static int change_link(struct nl_sock *nl, const char *name, struct rtnl_link *change)
{
	struct rtnl_link *link = NULL;
	int error = change ? rtnl_link_get_kernel(nl, 0, name, &link) : -NLE_NOMEM;

	if (!error)
		error = rtnl_link_change(nl, link, change, 0);
	rtnl_link_put(link);
	rtnl_link_put(change);
	return error;
}

int netlink_move(const char *now, int netns_fd, const char *name, char *why)
{
	struct nl_sock *nl = connect_here(why);
	struct rtnl_link *change;
	int error;

	if (!nl)
		return -1;
	change = rtnl_link_alloc();
	if (change) {
		rtnl_link_set_name(change, name);
		rtnl_link_set_ns_fd(change, netns_fd);
	}
	error = change_link(nl, now, change);
	netlink_close(nl);
	return error ? fail(why, "move it into its network namespace", name, error) : 0;
}

int netlink_device(struct nl_sock *nl, const char *name, unsigned mtu, const uint8_t *mac, char *why)
{
	struct rtnl_link *change = rtnl_link_alloc();
	struct nl_addr *address = NULL;
	int error;

	if (change) {
		rtnl_link_set_mtu(change, mtu);
		rtnl_link_set_flags(change, IFF_UP);
		address = mac ? nl_addr_build(AF_LLC, (void *)(uintptr_t)mac, MAC_LEN) : NULL;
		if (address)
			rtnl_link_set_addr(change, address);
	}
	error = change_link(nl, name, change);
	nl_addr_put(address);
	return error ? fail(why, "set it up", name, error) : 0;
}

/* index_of: interface index of a device; 0 if there is none. */
static int index_of(struct nl_sock *nl, const char *name)
{
	struct rtnl_link *link = NULL;
	int index = 0;

	if (!rtnl_link_get_kernel(nl, 0, name, &link))
		index = rtnl_link_get_ifindex(link);
	rtnl_link_put(link);
	return index;
}

/* build_address: the libnl object for an address on a device. NULL without memory. */
static struct rtnl_addr *build_address(int index, const struct config_prefix *p)
{
	struct rtnl_addr *a = rtnl_addr_alloc();
	uint32_t broadcast = p->be | ~ip4_mask(p->plen);
	struct nl_addr *local = nl_addr_build(AF_INET, &p->be, 4), *brd = nl_addr_build(AF_INET, &broadcast, 4);

	if (a && local && brd) {
		rtnl_addr_set_ifindex(a, index);
		nl_addr_set_prefixlen(local, (int)p->plen);
		rtnl_addr_set_local(a, local);
		if (p->plen < 31)
			rtnl_addr_set_broadcast(a, brd);
	}
	nl_addr_put(local);
	nl_addr_put(brd);
	return a;
}

int netlink_address(struct nl_sock *nl, const char *name, const struct config_prefix *p, bool add, char *why)
{
	struct rtnl_addr *a = build_address(index_of(nl, name), p);
	int error = -NLE_NOMEM;

	if (a)
		error = add ? rtnl_addr_add(nl, a, 0) : rtnl_addr_delete(nl, a, 0);
	rtnl_addr_put(a);
	if (!error || (add && error == -NLE_EXIST) || (!add && (error == -NLE_NOADDR || error == -NLE_OBJ_NOTFOUND)))
		return 0;
	return fail(why, add ? "give it the peer_address" : "take the peer_address from it", name, error);
}

/* build_default: the libnl object of a default route. NULL without memory. */
static struct rtnl_route *build_default(int index, uint32_t gateway)
{
	struct rtnl_route *r = rtnl_route_alloc();
	struct rtnl_nexthop *hop = rtnl_route_nh_alloc();
	uint32_t zero = 0;
	struct nl_addr *dst = nl_addr_build(AF_INET, &zero, 4), *via = nl_addr_build(AF_INET, &gateway, 4);

	if (r && hop && dst && via) {
		nl_addr_set_prefixlen(dst, 0);
		rtnl_route_set_family(r, AF_INET);
		rtnl_route_set_table(r, RT_TABLE_MAIN);
		rtnl_route_set_scope(r, RT_SCOPE_UNIVERSE);
		rtnl_route_set_protocol(r, RTPROT_STATIC);
		rtnl_route_set_dst(r, dst);
		rtnl_route_nh_set_ifindex(hop, index);
		rtnl_route_nh_set_gateway(hop, via);
		rtnl_route_add_nexthop(r, hop); /* takes it over */
		hop = NULL;
	}
	if (hop)
		rtnl_route_nh_free(hop);
	nl_addr_put(dst);
	nl_addr_put(via);
	return r;
}

int netlink_gateway(struct nl_sock *nl, const char *name, uint32_t gateway, bool add, char *why)
{
	struct rtnl_route *r = build_default(index_of(nl, name), gateway);
	int error = -NLE_NOMEM;

	if (r)
		error = add ? rtnl_route_add(nl, r, NLM_F_REPLACE) : rtnl_route_delete(nl, r, 0);
	rtnl_route_put(r);
	if (!error || (!add && error == -NLE_OBJ_NOTFOUND))
		return 0;
	return fail(why, add ? "add the default route through it" : "remove the default route through it", name, error);
}
