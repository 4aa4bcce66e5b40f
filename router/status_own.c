/* status_own.c - the files under tapgate/: what Linux has no file for. One `name value` per line. */
#include "router/status_int.h"

#include <inttypes.h>

#ifndef TAPGATE_VERSION
#error "the build gives TAPGATE_VERSION"
#endif

enum { NS_PER_S = 1000000000, NS_PER_CS = 10000000 };

void status_own_version(const struct status *st, const struct status_args *args, struct text *out)
{
	(void)st;
	(void)args;
	text_puts(out, "tapgate v" TAPGATE_VERSION "\n");
}

void status_own_uptime(const struct status *st, const struct status_args *args, struct text *out)
{
	uint64_t up = st->engine->ns->now - st->started;

	(void)args;
	text_printf(out, "%" PRIu64 ".%02u\n", up / NS_PER_S, (unsigned)(up % NS_PER_S / NS_PER_CS));
}

void status_own_config(const struct status *st, const struct status_args *args, struct text *out)
{
	(void)args;
	if (st->config)
		st->config(st->user, out);
}

void status_own_drops(const struct status *st, const struct status_args *args, struct text *out)
{
	const uint64_t *drops = st->engine->ns->balance.drops;
	uint64_t total = 0;

	(void)args;
	for (unsigned i = DROP_NONE + 1; i < DROP_COUNT; i++) {
		if (drops[i])
			text_printf(out, "%s %" PRIu64 "\n", drop_name(i), drops[i]);
		total += drops[i];
	}
	text_printf(out, "total %" PRIu64 "\n", total);
}

void status_own_balance(const struct status *st, const struct status_args *args, struct text *out)
{
	const struct netstack *ns = st->engine->ns;
	const struct netstack_balance *b = &ns->balance;
	uint64_t drops = 0;

	(void)args;
	for (unsigned i = DROP_NONE + 1; i < DROP_COUNT; i++)
		drops += b->drops[i];
	text_printf(out,
		    "rx %" PRIu64 "\nmade %" PRIu64 "\nsplit %" PRIu64 "\ntx %" PRIu64 "\ndrops %" PRIu64
		    "\ndelivered %" PRIu64 "\nmerged %" PRIu64 "\nheld %" PRIu64 "\nerror %" PRId64 "\n",
		    b->rx, b->made, b->split, b->tx, drops, b->delivered, b->merged, netstack_held(ns),
		    netstack_balance_error(ns));
}

/* Counters of a port that are shown by their own name. */
#define PORT_COUNTERS(X)                                                                               \
	X(rx_packets)                                                                                  \
	X(rx_bytes) X(rx_dropped) X(rx_errors) X(rx_multicast) X(tx_packets) X(tx_bytes) X(tx_dropped) \
		X(tx_errors) X(rx_gso) X(rx_gso_bytes) X(tx_gso) X(tx_gso_bytes) X(tx_gso_cut)         \
			X(rx_csum_partial) X(tx_csum_completed)

/* port_addrs: one line per address. */
static void port_addrs(const struct port *port, struct text *out)
{
	char ip[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < port->naddrs; i++) {
		const struct port_addr *a = &port->addr[i];

		text_printf(out, "address %s/%u%s\n", addr_format(&a->addr, a->family, ip), a->plen,
			    a->secondary ? " secondary" : "");
	}
}

/* port_offloads: what the far side takes, as one line. */
static void port_offloads(const struct port *port, struct text *out)
{
	static const char *const name[] = { "csum", "tso4", "tso6", "uso4", "uso6" };

	text_puts(out, "offloads");
	for (unsigned i = 0; i < sizeof name / sizeof *name; i++) {
		if (port->offloads & 1u << i)
			text_printf(out, " %s", name[i]);
	}
	text_puts(out, port->offloads ? "\n" : " none\n");
}

void status_own_port(const struct status *st, const struct status_args *args, struct text *out)
{
	const struct port *port = args->port;
	const struct port_stats *s = &port->stats;
	char mac[MAC_TEXT_MAX];

	(void)st;
	text_printf(out, "name %s\nindex %u\nstate %s\nmtu %u\nmac %s\n", port->name, port->index,
		    port->up ? "up" : "down", port->mtu, mac_format(port->mac, mac));
	port_addrs(port, out);
	port_offloads(port, out);
#define X(id) text_printf(out, #id " %" PRIu64 "\n", s->id);
	PORT_COUNTERS(X)
#undef X
	text_printf(out, "rx_max %" PRIu32 "\ntx_max %" PRIu32 "\n", s->rx_max, s->tx_max);
}
