/* status_net.c - net/dev, net/arp, net/route and the ip_tables lists.
 *
 * Linux parity: column widths and flags of net/core/net-procfs.c (dev_seq_printf_stats), net/ipv4/arp.c
 * (arp_format_neigh_entry), net/ipv4/fib_trie.c (fib_route_seq_show); 6.18 prints the IRTT line padded to 127 columns.
 */
#include "netstack/neigh.h"
#include "router/status_int.h"
#include "tables/extension.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void status_net_dev(const struct status *st, const struct status_args *args, struct text *out)
{
	(void)args;
	text_puts(out, "Inter-|   Receive                                                |  Transmit\n"
		       " face |bytes    packets errs drop fifo frame compressed multicast|"
		       "bytes    packets errs drop fifo colls carrier compressed\n");
	for (unsigned i = 0; i < PORTS_MAX; i++) {
		const struct port *port = st->engine->ns->port[i];
		const struct port_stats *s;

		if (!port)
			continue;
		s = &port->stats;
		text_printf(out,
			    "%6s: %7" PRIu64 " %7" PRIu64 " %4" PRIu64 " %4" PRIu64 " %4d %5d %10d %9" PRIu64
			    " %8" PRIu64 " %7" PRIu64 " %4" PRIu64 " %4" PRIu64 " %4d %5d %7d %10d\n",
			    port->name, s->rx_bytes, s->rx_packets, s->rx_errors, s->rx_dropped, 0, 0, 0,
			    s->rx_multicast, s->tx_bytes, s->tx_packets, s->tx_errors, s->tx_dropped, 0, 0, 0,
			    0);
	}
}

/* --- net/arp -------------------------------------------------------------------------------------------------------- */

/* arp_flags: ATF_COM 2, ATF_PERM 4 (uapi if_arp.h) by the neighbour's state. */
static unsigned arp_flags(uint8_t state)
{
	switch ((enum neigh_state)state) {
	case NEIGH_PERMANENT:
		return 6;
	case NEIGH_REACHABLE:
	case NEIGH_STALE:
	case NEIGH_DELAY:
	case NEIGH_PROBE:
		return 2;
	case NEIGH_NONE:
	case NEIGH_INCOMPLETE:
	case NEIGH_FAILED:
		break;
	}
	return 0;
}

/* arp_line: one neighbour; an entry that was never tried has no line. */
static void arp_line(void *ctx, const struct neigh_info *n)
{
	char ip[ADDR_TEXT_MAX], mac[MAC_TEXT_MAX];

	if (n->state == NEIGH_NONE)
		return;
	text_printf(ctx, "%-16s 0x%-10x0x%-10x%-17s     *        %s\n", addr_format(&n->addr, FAMILY_IP4, ip),
		    1, arp_flags(n->state), mac_format(n->mac, mac), n->port->name);
}

void status_net_arp(const struct status *st, const struct status_args *args, struct text *out)
{
	(void)args;
	text_puts(out, "IP address       HW type     Flags       HW address            Mask     Device\n");
	neigh_each(st->engine->ns, arp_line, out);
}

/* --- net/route ------------------------------------------------------------------------------------------------------ */

enum { RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4, RTF_REJECT = 0x200 }; /* uapi route.h */

struct route_list {
	struct route *route;
	size_t count, size;
	bool failed;
};

/* route_gather: copies one route of main to the list; broadcast and multicast ones are not shown. */
static void route_gather(void *ctx, const struct route *r)
{
	struct route_list *list = ctx;

	if (r->type == ROUTE_BROADCAST || r->type == ROUTE_MULTICAST || list->failed)
		return;
	if (list->count == list->size) {
		size_t size = list->size ? 2 * list->size : 64;
		struct route *more = reallocarray(list->route, size, sizeof *more);

		list->failed = !more;
		if (!more)
			return;
		list->route = more;
		list->size = size;
	}
	list->route[list->count++] = *r;
}

/* route_order: of the trie: by prefix, the longer first, then by metric. */
static int route_order(const void *left, const void *right)
{
	const struct route *a = left, *b = right;

	if (a->prefix != b->prefix)
		return ntohl(a->prefix) < ntohl(b->prefix) ? -1 : 1;
	if (a->plen != b->plen)
		return b->plen - a->plen;
	return a->metric < b->metric ? -1 : a->metric > b->metric;
}

/* route_flags: RTF_ bits as fib_flag_trans makes them. */
static unsigned route_flags(const struct route *r)
{
	unsigned flags = RTF_UP;

	if (r->type == ROUTE_UNREACHABLE || r->type == ROUTE_PROHIBIT)
		flags |= RTF_REJECT;
	if (r->gateway)
		flags |= RTF_GATEWAY;
	if (r->plen == 32)
		flags |= RTF_HOST;
	return flags;
}

void status_net_route(const struct status *st, const struct status_args *args, struct text *out)
{
	struct route_list list = { .count = 0 };
	char line[128];

	(void)args;
	text_printf(out, "%-127s\n",
		    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	route_each(st->engine->ns, false, route_gather, &list);
	qsort(list.route, list.count, sizeof *list.route, route_order);
	for (size_t i = 0; i < list.count; i++) {
		const struct route *r = &list.route[i];
		struct text over = text_over(line, sizeof line);

		text_printf(&over, "%s\t%08X\t%08X\t%04X\t0\t0\t%" PRIu32 "\t%08X\t0\t0\t0",
			    r->port ? r->port->name : "*", r->prefix, r->gateway, route_flags(r), r->metric,
			    ip4_mask(r->plen));
		text_printf(out, "%-127s\n", line);
	}
	out->failed = out->failed || list.failed;
	free(list.route);
}

/* --- what iptables can do ------------------------------------------------------------------------------------------- */

/* Extensions that Linux lists more than once, as it keeps old revisions beside the newest: /proc/net/ip_tables_matches,
 * ip_tables_targets of 6.18 with iptables-legacy. Everything else is listed once. */
static const struct revisions {
	const char *name;
	unsigned lines;
} revisions[] = {
	{ "addrtype", 2 }, { "bpf", 2 },    { "cgroup", 3 },    { "conntrack", 3 }, { "hashlimit", 3 },
	{ "nfacct", 2 },   { "recent", 2 }, { "set", 5 },       { "socket", 4 },    { "CONNMARK", 2 },
	{ "CT", 3 },       { "DNAT", 3 },   { "IDLETIMER", 2 }, { "NFQUEUE", 4 },   { "SECMARK", 2 },
	{ "SET", 4 },      { "SNAT", 3 },   { "TPROXY", 2 },
};

/* print_name: an extension's lines. */
static void print_name(const char *name, struct text *out)
{
	unsigned lines = 1;

	for (size_t i = 0; i < sizeof revisions / sizeof *revisions; i++) {
		if (strcmp(revisions[i].name, name) == 0)
			lines = revisions[i].lines;
	}
	while (lines--)
		text_printf(out, "%s\n", name);
}

void status_table_matches(const struct status *st, const struct status_args *args, struct text *out)
{
	(void)args;
	for (const struct match_ops **m = st->engine->tables->matches; *m; m++)
		print_name((*m)->name, out);
}

void status_table_targets(const struct status *st, const struct status_args *args, struct text *out)
{
	(void)args;
	for (const struct target_ops **t = st->engine->tables->targets; *t; t++)
		if (!(*t)->absent)
			print_name((*t)->name, out);
	text_puts(out, "ERROR\n");
}

void status_table_names(const struct status *st, const struct status_args *args, struct text *out)
{
	(void)args;
	tables_names(st->engine->tables, out);
}

bool status_table_rules(const struct status *st, struct status_cursor *cursor, struct text *out)
{
	struct listing_how how = { .kind = LISTING_SAVE, .id = cursor->args->table, .counters = true };
	time_t now = time(NULL);
	struct tm tm;

	if (!cursor->state) {
		if (localtime_r(&now, &tm))
			strftime(how.stamp, sizeof how.stamp, "%a %b %e %H:%M:%S %Y", &tm);
		cursor->state = listing_loose(st->engine->tables, &how);
		out->failed |= !cursor->state;
	}
	return cursor->state && listing_go(cursor->state, out);
}
