/* netlink.h - the far end of a TAP: the kernel's device, put where it belongs and given its settings.
 *
 * Uses libnl-3 and libnl-route-3. All functions give 0, or -1 with one line in @why (NETNS_WHY_MAX bytes) that says what
 * is wrong and what to do.
 */
#ifndef ROUTER_NETLINK_H
#define ROUTER_NETLINK_H

#include "router/config.h"
#include "router/netns.h"

struct nl_sock;

/* netlink_open: a socket that speaks for the namespace @netns_fd, or for the current one where it is -1. Return: owned by
 * the caller until netlink_close; NULL with @why. */
struct nl_sock *netlink_open(int netns_fd, char *why);
void netlink_close(struct nl_sock *nl);

/* netlink_move: moves the device @now of the current namespace to the namespace @netns_fd under the name @name. */
int netlink_move(const char *now, int netns_fd, const char *name, char *why);

/* netlink_device: sets MTU and Ethernet address (NULL: leave) of a device and puts it up. */
int netlink_device(struct nl_sock *nl, const char *name, unsigned mtu, const uint8_t *mac, char *why);

/* netlink_address: adds or removes an address. Adding one that is there, removing one that is not: fine. */
int netlink_address(struct nl_sock *nl, const char *name, const struct config_prefix *p, bool add, char *why);

/* netlink_gateway: adds (replaces) or removes the default route through @gateway (network order) and the device. */
int netlink_gateway(struct nl_sock *nl, const char *name, uint32_t gateway, bool add, char *why);

#endif
