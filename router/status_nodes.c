/* status_nodes.c - the table of the status tree: one row per file that is not a sysctl.
 *
 * Linux parity: names, formats and permission bits of /proc/net; net/ip_conntrack is the file that
 * nf_conntrack_proc_compat gave until 4.9. What is under tapgate/ is our own.
 */
#include "router/status_int.h"

enum { PRIVATE = 0440, PUBLIC = 0444, WRITABLE = 0644 };

const struct status_node status_nodes[] = {
	{ "net/nf_conntrack", PRIVATE, "tracked connections, one per line", .step = status_ct_proc },
	{ "net/ip_conntrack", PRIVATE, "the same in the old format: without the two leading columns",
	  .step = status_ct_old },
	{ "net/nf_conntrack_expect", PRIVATE, "expected connections", .read = status_ct_expect },
	{ "net/stat/nf_conntrack", PUBLIC, "connection tracking counters, hexadecimal",
	  .read = status_ct_stat },
	{ "net/ip_tables_names", PRIVATE, "tables in use, the latest first", .read = status_table_names },
	{ "net/ip_tables_matches", PRIVATE, "matches that rules may use, a line per revision",
	  .read = status_table_matches },
	{ "net/ip_tables_targets", PRIVATE, "targets that rules may use, a line per revision",
	  .read = status_table_targets },
	{ "net/xt_recent/{recent}", WRITABLE,
	  "a list of `-m recent`: addresses with their times; takes `+ADDRESS`, `-ADDRESS`, `/` (all)",
	  .read = status_recent, .write = status_recent_write },
	{ "net/ipt_hashlimit/{hashlimit}", PUBLIC, "a table of `-m hashlimit`: seconds left, key, credit, its most, cost",
	  .read = status_hashlimit },
	{ "net/dev", PUBLIC, "ports with their counters", .read = status_net_dev },
	{ "net/arp", PUBLIC, "neighbours", .read = status_net_arp },
	{ "net/route", PUBLIC, "routes", .read = status_net_route },
	{ "net/snmp", PUBLIC, "counters of IP and ICMP", .read = status_net_snmp },
	{ "net/netstat", PUBLIC, "more counters of IP", .read = status_net_netstat },
	{ "tapgate/version", PUBLIC, "version of the router", .read = status_own_version },
	{ "tapgate/uptime", PUBLIC, "seconds since the start", .read = status_own_uptime },
	{ "tapgate/config", PRIVATE, "the configuration in force", .read = status_own_config },
	{ "tapgate/drops", PUBLIC, "dropped packets by reason (only what happened), then their total",
	  .read = status_own_drops },
	{ "tapgate/balance", PUBLIC, "where every packet went; `error` is 0 in a correct program",
	  .read = status_own_balance },
	{ "tapgate/flows", PUBLIC, "connections by protocol and state", .step = status_ct_flows },
	{ "tapgate/ports/{port}", PUBLIC, "everything counted on a port, super-packets included",
	  .read = status_own_port },
	{ "tapgate/rules/{table}", PRIVATE, "the rules as `iptables-save -c` prints them",
	  .step = status_table_rules },
	{ .path = NULL },
};
