/* tap.c - see tap.h.
 *
 * The device is made in the router's namespace and then moved: a TAP keeps the namespace it was opened in alive, and a
 * namespace that its owner deletes must go away with its devices. It is made under a name the kernel chooses and
 * gets its own one by the move, so that namespaces may have devices of the same name.
 */
#include "router/tap.h"

#include "router/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "netstack/wire/vnet.h"

#ifndef TUN_F_USO4 /* Linux 6.2 */
#define TUN_F_USO4 0x20
#define TUN_F_USO6 0x40
#endif

/* What to ask for, the best first; the kernel refuses what it does not know as a whole. */
static const struct {
	unsigned tun;
	uint32_t port;
} offload_sets[] = {
	{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN | TUN_F_USO4 | TUN_F_USO6,
	  PORT_TX_CSUM | PORT_TX_TSO4 | PORT_TX_TSO6 | PORT_TX_USO4 | PORT_TX_USO6 },
	{ TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN, PORT_TX_CSUM | PORT_TX_TSO4 | PORT_TX_TSO6 },
	{ TUN_F_CSUM, PORT_TX_CSUM },
	{ 0, 0 },
};

/* open_error: the line for a device node that cannot be opened. */
static void open_error(int error, char *why)
{
	if (error == ENOENT || error == ENODEV || error == ENXIO)
		snprintf(why, NETNS_WHY_MAX, "there is no /dev/net/tun: load the module (`modprobe tun`), or give it to the "
					     "container (`--device /dev/net/tun`)");
	else if (error == EACCES || error == EPERM)
		snprintf(why, NETNS_WHY_MAX, "no permission to open /dev/net/tun: run as root (CAP_NET_ADMIN)");
	else
		snprintf(why, NETNS_WHY_MAX, "cannot open /dev/net/tun: %s", strerror(error));
}

/* attach_error: the line for a device that cannot be created. */
static void attach_error(int error, const char *name, char *why)
{
	if (error == EPERM)
		snprintf(why, NETNS_WHY_MAX, "no permission to create TAP device %s: run as root (CAP_NET_ADMIN)", name);
	else if (error == EBUSY || error == EEXIST)
		snprintf(why, NETNS_WHY_MAX, "device %s is in use already: stop the program that has it, or choose another "
					     "name with `tap`", name);
	else if (error == EINVAL)
		snprintf(why, NETNS_WHY_MAX, "device %s exists already and is no TAP device: choose another name with `tap`",
			 name);
	else
		snprintf(why, NETNS_WHY_MAX, "cannot create TAP device %s: %s", name, strerror(error));
}

/* attach: makes the device. @name: IFNAMSIZ bytes; a pattern "%d" is replaced by the name the kernel chose.
 * Return: descriptor, or -1 with @why. */
static int attach(char *name, char *why)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_NAPI };
	int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0) {
		open_error(errno, why);
		return -1;
	}
	memcpy(ifr.ifr_name, name, strlen(name) + 1);
	if (ioctl(fd, TUNSETIFF, &ifr)) {
		attach_error(errno, name, why);
		close(fd);
		return -1;
	}
	memcpy(name, ifr.ifr_name, IFNAMSIZ);
	return fd;
}

/* set_offloads: header size and byte order, and the best offloads the kernel takes. Return: 0, or -1 with @why. */
static int set_offloads(struct tap *tap, char *why)
{
	int size = VNET_HLEN, little = 1;

	if (ioctl(tap->fd, TUNSETVNETHDRSZ, &size) || ioctl(tap->fd, TUNSETVNETLE, &little)) {
		snprintf(why, NETNS_WHY_MAX, "the kernel's TAP has no vnet header: %s; Linux 4.8 or newer is needed",
			 strerror(errno));
		return -1;
	}
	for (size_t i = 0; i < sizeof offload_sets / sizeof *offload_sets; i++)
		if (!ioctl(tap->fd, TUNSETOFFLOAD, (unsigned long)offload_sets[i].tun)) {
			tap->offloads = offload_sets[i].port;
			return 0;
		}
	return 0;
}

/* peer_mac: the far end's own address: the router's with another group of bits. @out: MAC_LEN bytes. */
static void peer_mac(const struct config_interface *i, uint8_t *out)
{
	memcpy(out, i->mac, MAC_LEN);
	out[0] = (uint8_t)((out[0] & 0xfc) | 2);
	out[1] ^= 0x50;
}

/* gateway_of: the router's address in the subnet of the peer's; 0 if none. */
static uint32_t gateway_of(const struct config_interface *i)
{
	for (unsigned n = 0; n < i->address.count; n++) {
		const struct config_prefix *a = &i->address.item[n];

		if (!((a->be ^ i->peer_address.be) & ip4_mask(a->plen)))
			return a->be;
	}
	return 0;
}

/* set_up: the settings of the far end. @old NULL: all are new; else what changed. Return: 0, or -1 with @why. */
static int set_up(struct nl_sock *nl, const struct config_interface *old, const struct config_interface *now, char *why)
{
	bool moved = old && (old->peer_address.be != now->peer_address.be || old->peer_address.plen != now->peer_address.plen);
	uint32_t before = old && old->peer_gateway ? gateway_of(old) : 0, after = now->peer_gateway ? gateway_of(now) : 0;
	uint8_t mac[MAC_LEN];

	peer_mac(now, mac);
	if ((!old || old->mtu != now->mtu) && netlink_device(nl, now->tap, now->mtu, old ? NULL : mac, why))
		return -1;
	if (before && before != after && netlink_gateway(nl, now->tap, before, false, why))
		return -1;
	if (moved && old->peer_address.be && netlink_address(nl, now->tap, &old->peer_address, false, why))
		return -1;
	if (now->peer_address.be && (!old || moved) && netlink_address(nl, now->tap, &now->peer_address, true, why))
		return -1;
	if (after && (!old || moved || before != after))
		return netlink_gateway(nl, now->tap, after, true, why);
	return 0;
}

/* set_up_in: set_up in the namespace of the interface. @netns: its descriptor, or -1. */
static int set_up_in(int netns, const struct config_interface *old, const struct config_interface *now, char *why)
{
	struct nl_sock *nl = netlink_open(netns, why);
	int error;

	if (!nl)
		return -1;
	error = set_up(nl, old, now, why);
	netlink_close(nl);
	return error;
}

/* open_in: tap_open with the namespace open. @netns: descriptor, -1 = here. */
static int open_in(int netns, const struct config_interface *i, struct tap *tap, char *why)
{
	char name[IFNAMSIZ];

	snprintf(name, sizeof name, "%s", netns < 0 ? i->tap : "tgnew%d");
	tap->fd = attach(name, why);
	if (tap->fd < 0)
		return -1;
	if (!set_offloads(tap, why) && (netns < 0 || !netlink_move(name, netns, i->tap, why)) &&
	    !set_up_in(netns, NULL, i, why))
		return 0;
	close(tap->fd);
	return -1;
}

int tap_open(const struct config_interface *i, struct tap *tap, char *why)
{
	int netns = -1, error;

	if (*i->netns) {
		netns = netns_open(i->netns, why);
		if (netns < 0)
			return -1;
	}
	error = open_in(netns, i, tap, why);
	if (netns >= 0)
		close(netns);
	return error;
}

int tap_change(const struct config_interface *old, const struct config_interface *now, char *why)
{
	int netns = -1, error;

	if (*now->netns) {
		netns = netns_open(now->netns, why);
		if (netns < 0)
			return -1;
	}
	error = set_up_in(netns, old, now, why);
	if (netns >= 0)
		close(netns);
	return error;
}
