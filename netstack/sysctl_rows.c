/* sysctl_rows.c - the tunables of this room as rows: net/ipv4/... and the per-port entries of
 * net/ipv4/conf/PORT.
 *
 * Linux parity: net/ipv4/sysctl_net_ipv4.c, devinet.c, ip_fragment.c, net/core/neighbour.c: same names, units
 * and ranges. One bound of our own: gc_thresh3 may not exceed the table that was reserved at creation.
 */
#include "netstack/neigh.h"
#include "netstack/netstack_int.h"

enum { JIFFIES_SECONDS_MAX = INT32_MAX / 250 }; /* Linux keeps these in jiffies of 4 ms */

/* owner: the instance around a struct netstack_conf. */
static struct netstack *owner(void *conf)
{
	return (struct netstack *)(void *)((uint8_t *)conf - offsetof(struct netstack, conf));
}

/* forward_changed: ip_forward was written. */
static void forward_changed(void *conf)
{
	struct netstack_conf *c = conf;

	netstack_set_forwarding(owner(c), c->ip_forward != 0);
}

/* port_forward_changed: forwarding of `all` means every port (devinet_sysctl_forward). */
static void port_forward_changed(void *conf)
{
	struct port_conf *c = conf;

	if (c->ns && c == &c->ns->conf.all)
		netstack_set_forwarding(c->ns, c->forwarding != 0);
}

#define ROW(NAME, FIELD, TYPE, MIN, MAX, CHANGED) \
	{ "net/ipv4/" NAME, SYSCTL_##TYPE, 0, offsetof(struct netstack_conf, FIELD), MIN, MAX, CHANGED }
#define NEIGH_ROW(NAME, FIELD, TYPE, MIN, MAX) ROW("neigh/default/" NAME, FIELD, TYPE, MIN, MAX, NULL)

const struct sysctl_row netstack_sysctl_rows[] = {
	ROW("ip_forward", ip_forward, INT, INT32_MIN, INT32_MAX, forward_changed),
	ROW("ip_default_ttl", ip_default_ttl, U8, 1, 255, NULL),
	ROW("fwmark_reflect", fwmark_reflect, U8, 0, 255, NULL),
	ROW("icmp_echo_ignore_all", icmp_echo_ignore_all, U8, 0, 1, NULL),
	ROW("icmp_echo_ignore_broadcasts", icmp_echo_ignore_broadcasts, U8, 0, 1, NULL),
	ROW("icmp_ignore_bogus_error_responses", icmp_ignore_bogus_error_responses, U8, 0, 1, NULL),
	ROW("icmp_errors_use_inbound_ifaddr", icmp_errors_use_inbound_ifaddr, U8, 0, 1, NULL),
	ROW("icmp_ratelimit", icmp_ratelimit, INT_MS, 0, INT32_MAX, NULL),
	ROW("icmp_ratemask", icmp_ratemask, INT, INT32_MIN, INT32_MAX, NULL),
	ROW("icmp_msgs_per_sec", icmp_msgs_per_sec, INT, 0, INT32_MAX, NULL),
	ROW("icmp_msgs_burst", icmp_msgs_burst, INT, 0, INT32_MAX, NULL),
	ROW("ipfrag_high_thresh", ipfrag_high_thresh, LONG, 0, INT64_MAX, NULL),
	ROW("ipfrag_low_thresh", ipfrag_low_thresh, LONG, 0, INT64_MAX, NULL),
	ROW("ipfrag_time", ipfrag_time, SECONDS, -JIFFIES_SECONDS_MAX, JIFFIES_SECONDS_MAX, NULL),
	ROW("ipfrag_max_dist", ipfrag_max_dist, INT, 0, INT32_MAX, NULL),
	NEIGH_ROW("gc_thresh3", neigh_gc_thresh3, INT, 0, NEIGH_MAX),
	NEIGH_ROW("unres_qlen", neigh_unres_qlen, INT, 0, INT32_MAX),
	NEIGH_ROW("base_reachable_time_ms", neigh_base_reachable, MS, 0, INT32_MAX),
	NEIGH_ROW("delay_first_probe_time", neigh_delay_first_probe, SECONDS, 0, JIFFIES_SECONDS_MAX),
	NEIGH_ROW("retrans_time_ms", neigh_retrans, MS, 0, INT32_MAX),
	NEIGH_ROW("gc_stale_time", neigh_gc_stale, SECONDS, 0, JIFFIES_SECONDS_MAX),
	NEIGH_ROW("ucast_solicit", neigh_ucast_solicit, INT, 0, INT32_MAX),
	NEIGH_ROW("mcast_solicit", neigh_mcast_solicit, INT, 0, INT32_MAX),
};
const size_t netstack_sysctl_row_count = sizeof netstack_sysctl_rows / sizeof *netstack_sysctl_rows;

#define PORT_ROW(FIELD, CHANGED) \
	{ #FIELD, SYSCTL_INT, 0, offsetof(struct port_conf, FIELD), INT32_MIN, INT32_MAX, CHANGED }

const struct sysctl_row port_conf_rows[] = {
	PORT_ROW(accept_local, NULL),
	PORT_ROW(accept_redirects, NULL),
	PORT_ROW(accept_source_route, NULL),
	PORT_ROW(arp_accept, NULL),
	PORT_ROW(arp_announce, NULL),
	PORT_ROW(arp_filter, NULL),
	PORT_ROW(arp_ignore, NULL),
	PORT_ROW(bc_forwarding, NULL),
	PORT_ROW(drop_gratuitous_arp, NULL),
	PORT_ROW(drop_unicast_in_l2_multicast, NULL),
	PORT_ROW(forwarding, port_forward_changed),
	PORT_ROW(log_martians, NULL),
	PORT_ROW(proxy_arp, NULL),
	PORT_ROW(route_localnet, NULL),
	PORT_ROW(rp_filter, NULL),
	PORT_ROW(secure_redirects, NULL),
	PORT_ROW(send_redirects, NULL),
	PORT_ROW(shared_media, NULL),
	PORT_ROW(src_valid_mark, NULL),
};
const size_t port_conf_row_count = sizeof port_conf_rows / sizeof *port_conf_rows;
