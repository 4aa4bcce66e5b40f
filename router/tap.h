/* tap.h - TAP devices: the wire between the router and a namespace. */
#ifndef ROUTER_TAP_H
#define ROUTER_TAP_H

#include "router/config.h"
#include "router/netns.h"

struct tap {
	int fd;
	uint32_t offloads; /* enum port_offload that the far side takes */
};

/* tap_open: creates the device of an interface, non-blocking, with offloads, in its namespace, set up with its MTU and
 * addresses. Return: 0 (the caller closes tap->fd, which removes the device); -1 with one line in @why
 * (NETNS_WHY_MAX bytes). */
int tap_open(const struct config_interface *i, struct tap *tap, char *why);

/* tap_change: brings the far end from the settings @old to @now (MTU, peer address, gateway); same device and namespace.
 * Return: 0, or -1 with @why. */
int tap_change(const struct config_interface *old, const struct config_interface *now, char *why);

#endif
