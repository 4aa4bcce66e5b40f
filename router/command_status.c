/* command_status.c - `tapgate status` and `tapgate reload`. */
#include "router/config.h"
#include "router/rates.h"
#include "router/reload.h"
#include "router/request.h"
#include "router/router.h"

#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 2 };

/* uptime_seconds: since the start. */
static uint64_t uptime_seconds(const struct router *r)
{
	return (r->engine->ns->now - r->started) / 1000000000u;
}

/* format_addresses: "10.1.0.254/24, ..." of a port. @out: text. */
static void format_addresses(const struct port *p, struct text *out)
{
	char addr[ADDR_TEXT_MAX];

	for (unsigned i = 0; i < p->naddrs; i++)
		text_printf(out, "%s%s/%u", i ? ", " : "", addr_format(&p->addr[i].addr, p->addr[i].family, addr),
			    p->addr[i].plen);
}

/* human: a rate or a size with a unit letter, e.g. "12.3 M". @out: 16 bytes. Return: @out. */
static const char *human(double n, char out[static 16])
{
	static const char units[] = " kMGTP";
	unsigned u = 0;

	while (n >= 1000 && u + 2 < sizeof units) {
		n /= 1000;
		u++;
	}
	snprintf(out, 16, u ? "%.1f %c" : "%.0f ", n, units[u]);
	return out;
}

/* print_ports: one line per port. */
static void print_ports(const struct netstack *ns, struct text *out)
{
	text_printf(out, "\n%-15s %-5s %5s %12s %12s %12s %12s  %s\n", "PORT", "STATE", "MTU", "RX PACKETS", "RX BYTES",
		    "TX PACKETS", "TX BYTES", "ADDRESSES");
	for (unsigned i = 0; i < PORTS_MAX; i++) {
		const struct port *p = ns->port[i];

		if (!p)
			continue;
		text_printf(out, "%-15s %-5s %5u %12llu %12llu %12llu %12llu  ", p->name, p->up ? "up" : "down", p->mtu,
			    (unsigned long long)p->stats.rx_packets, (unsigned long long)p->stats.rx_bytes,
			    (unsigned long long)p->stats.tx_packets, (unsigned long long)p->stats.tx_bytes);
		format_addresses(p, out);
		text_puts(out, "\n");
	}
}

/* print_drops: what was dropped, by reason. */
static void print_drops(const struct netstack *ns, struct text *out)
{
	bool any = false;

	text_puts(out, "\nDROPS\n");
	for (unsigned d = 1; d < DROP_COUNT; d++) {
		if (!ns->balance.drops[d])
			continue;
		any = true;
		text_printf(out, "  %-28s %12llu\n", drop_name(d), (unsigned long long)ns->balance.drops[d]);
	}
	if (!any)
		text_puts(out, "  none\n");
}

/* print_screen: the status as text. */
static void print_screen(const struct router *r, struct text *out)
{
	uint64_t up = uptime_seconds(r);
	struct rates_now rate = rates_get(&r->rates, r->engine->ns);
	char a[16], b[16], c[16], d[16];

	text_printf(out, "Tapgate %s   up %llud %02llu:%02llu:%02llu   %s\n", TAPGATE_VERSION,
		    (unsigned long long)(up / 86400), (unsigned long long)(up / 3600 % 24),
		    (unsigned long long)(up / 60 % 60), (unsigned long long)(up % 60), r->config->file);
	text_printf(out, "flows %u of %d, expected %u\n", r->engine->ctk->count, r->engine->ctk->conf.max,
		    ct_expect_count(r->engine->ctk));
	text_printf(out, "now   rx %spps %sbit/s, tx %spps %sbit/s, drops %.0f/s\n", human(rate.rx_packets, a),
		    human(rate.rx_bits, b), human(rate.tx_packets, c), human(rate.tx_bits, d), rate.drops);
	print_ports(r->engine->ns, out);
	print_drops(r->engine->ns, out);
}

/* port_json: one port as an object. */
static json_t *port_json(const struct port *p)
{
	const struct port_stats *s = &p->stats;
	struct text addresses = { 0 };
	char mac[MAC_TEXT_MAX];
	json_t *o;

	format_addresses(p, &addresses);
	o = json_pack("{s:s, s:b, s:i, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I}", "name", p->name, "up", p->up, "mtu",
		      (int)p->mtu, "mac", mac_format(p->mac, mac), "addresses", text_cstr(&addresses),
		      "rx_packets", (json_int_t)s->rx_packets, "rx_bytes", (json_int_t)s->rx_bytes,
		      "rx_dropped", (json_int_t)s->rx_dropped, "tx_packets", (json_int_t)s->tx_packets,
		      "tx_bytes", (json_int_t)s->tx_bytes, "tx_dropped", (json_int_t)s->tx_dropped);
	text_free(&addresses);
	return o;
}

/* status_json: the status as an object. NULL without memory. */
static json_t *status_json(const struct router *r)
{
	struct rates_now rate = rates_get(&r->rates, r->engine->ns);
	json_t *ports = json_array(), *drops = json_object();

	for (unsigned i = 0; i < PORTS_MAX; i++)
		if (r->engine->ns->port[i])
			json_array_append_new(ports, port_json(r->engine->ns->port[i]));
	for (unsigned d = 1; d < DROP_COUNT; d++)
		if (r->engine->ns->balance.drops[d])
			json_object_set_new(drops, drop_name(d), json_integer((json_int_t)r->engine->ns->balance.drops[d]));
	return json_pack("{s:s, s:I, s:s, s:{s:i, s:i, s:i}, s:{s:f, s:f, s:f, s:f, s:f}, s:o, s:o}", "version",
			 TAPGATE_VERSION, "uptime", (json_int_t)uptime_seconds(r), "config", r->config->file, "flows",
			 "count", (int)r->engine->ctk->count, "max", (int)r->engine->ctk->conf.max, "expected",
			 (int)ct_expect_count(r->engine->ctk), "rates", "rx_packets", rate.rx_packets, "rx_bits",
			 rate.rx_bits, "tx_packets", rate.tx_packets, "tx_bits", rate.tx_bits, "drops", rate.drops, "ports",
			 ports, "drops", drops);
}

int command_status(struct request *rq)
{
	static const struct option options[] = { { "json", no_argument, NULL, 'j' }, { 0 } };
	bool as_json = false;
	json_t *o;
	char *s;
	int c;

	optind = 0;
	opterr = 0;
	while ((c = getopt_long(rq->argc, rq->argv, "j", options, NULL)) != -1) {
		if (c != 'j')
			return request_fail(rq, USAGE, "unknown option: usage: tapgate status [-j]");
		as_json = true;
	}
	if (optind < rq->argc)
		return request_fail(rq, USAGE, "usage: tapgate status [-j]");
	if (!as_json) {
		print_screen(rq->router, &rq->out);
		return 0;
	}
	o = status_json(rq->router);
	s = o ? json_dumps(o, JSON_INDENT(2)) : NULL;
	if (s)
		text_printf(&rq->out, "%s\n", s);
	free(s);
	json_decref(o);
	return s ? 0 : request_fail(rq, 1, "out of memory");
}

int command_reload(struct request *rq)
{
	if (rq->argc > 1)
		return request_fail(rq, USAGE, "it takes no arguments in this release");
	return reload_request(rq);
}
