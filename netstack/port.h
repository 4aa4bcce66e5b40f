/* port.h - a port: one link of the router, with its addresses, MTU, offloads, per-port sysctls and counters.
 *
 * A port is to the core what a net_device is to the kernel. What moves its frames (a TAP, a test, a capture) is known
 * only to the ops behind transmit. Ports live in netstack.port[], the index + 1 is the ifindex shown to users.
 */
#ifndef NETSTACK_PORT_H
#define NETSTACK_PORT_H

#include "netstack/pkt.h"
#include "netstack/sysctl.h"

enum { PORT_NAME_MAX = 16, PORT_ADDRS_MAX = 16, PORTS_MAX = 64, PORT_MTU_MIN = 68, PORT_MTU_MAX = 65535 };

struct port_addr {
	struct addr addr;
	uint8_t family;
	uint8_t plen;
	bool secondary; /* same subnet as an earlier one */
};

/* Per-port settings under net/ipv4/conf/PORT (also `all` and `default`): int32_t as in Linux. */
struct netstack;

struct port_conf {
	struct netstack *ns; /* whose it is: a write to conf/all/forwarding reaches all ports */
	int32_t forwarding;
	int32_t rp_filter;       /* 0 off, 1 strict, 2 loose; effective: max(all, port) */
	int32_t accept_redirects;
	int32_t secure_redirects;
	int32_t send_redirects;  /* effective: all || port */
	int32_t shared_media;
	int32_t accept_source_route; /* effective: all && port */
	int32_t accept_local;
	int32_t route_localnet;
	int32_t src_valid_mark;
	int32_t log_martians;    /* effective: all || port */
	int32_t proxy_arp;
	int32_t arp_ignore;      /* effective: max(all, port) */
	int32_t arp_announce;
	int32_t arp_filter;
	int32_t arp_accept;
	int32_t drop_gratuitous_arp;
	int32_t drop_unicast_in_l2_multicast;
	int32_t bc_forwarding;
};

/* What the far side of the port can take (transmit) - the offloads negotiated with the TAP. */
enum port_offload { PORT_TX_CSUM = 1, PORT_TX_TSO4 = 2, PORT_TX_TSO6 = 4, PORT_TX_USO4 = 8, PORT_TX_USO6 = 16 };

/* Counted as the kernel counts a GSO packet: one packet, its whole length. */
struct port_stats {
	uint64_t rx_packets, rx_bytes, rx_dropped, rx_errors, rx_multicast;
	uint64_t tx_packets, tx_bytes, tx_dropped, tx_errors;
	uint64_t rx_gso, rx_gso_bytes, tx_gso, tx_gso_bytes; /* super-packets in and out */
	uint64_t tx_gso_cut;                                 /* super-packets segmented in software */
	uint64_t rx_csum_partial, tx_csum_completed;
	uint32_t rx_max, tx_max; /* longest frame seen, bytes without vnet header */
};

struct port {
	char name[PORT_NAME_MAX];
	uint16_t index; /* 1.. */
	uint16_t mtu;   /* at most PORT_MTU_MAX */
	uint8_t mac[MAC_LEN];
	bool up;
	uint8_t naddrs;
	uint32_t offloads; /* enum port_offload */
	struct port_addr addr[PORT_ADDRS_MAX];
	struct port_conf conf;
	uint32_t conf_set; /* bit per row of port_conf_rows: written by hand, no longer follows `default` */
	struct port_stats stats;
	void *user; /* of whoever added the port: its TAP */
};

/* port_add: adds a port; name unique, 1..15 characters. Addresses come by port_add_addr. The conf is copied from the
 * netstack's default conf. Return: the port (lives until port_remove or the end), or NULL with errno = EEXIST, ENOSPC
 * or EINVAL. */
struct port *port_add(struct netstack *ns, const char *name, const uint8_t mac[MAC_LEN], unsigned mtu);

/* port_remove: takes a port away: its routes, neighbours and (through the port_down notifier) masqueraded flows.
 * Held packets that name it are freed. */
void port_remove(struct netstack *ns, struct port *port);

/* port_add_addr: gives the router an IPv4 address on a port; adds the local, broadcast and connected routes.
 * Return: 0, -EEXIST, -ENOSPC, -EINVAL. */
int port_add_addr(struct netstack *ns, struct port *port, uint32_t be, unsigned plen);

/* port_del_addr: takes it away with its routes. Return: 0 or -ENOENT. */
int port_del_addr(struct netstack *ns, struct port *port, uint32_t be, unsigned plen);

/* port_set_up: administrative state. Going down flushes neighbours and tells the notifier. */
void port_set_up(struct netstack *ns, struct port *port, bool up);

/* port_find: by name; port_by_index: by index. NULL if there is none. */
struct port *port_find(struct netstack *ns, const char *name);
struct port *port_by_index(struct netstack *ns, unsigned index);

/* port_primary_ip4: first address with the subnet of @toward, else the first address of the port (Linux
 * inet_select_addr, scope global). Return: network order, 0 if the port has none. */
uint32_t port_primary_ip4(const struct port *port, uint32_t toward);

/* The rows of struct port_conf. */
extern const struct sysctl_row port_conf_rows[];
extern const size_t port_conf_row_count;

#endif
