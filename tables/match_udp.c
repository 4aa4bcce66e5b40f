/* match_udp.c - -p udp: ports (net/netfilter/xt_tcpudp.c, libxt_udp.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SPORT, O_DPORT };

struct udp_data {
	uint16_t sport[2], dport[2];
	bool not_sport, not_dport;
};

#define PORTS(word, bit, field) \
	{ .name = word, .id = bit, .type = OPT_PORT_RANGE, .flags = OPTF_INVERT | OPTF_STORE, \
	  .offset = offsetof(struct udp_data, field) }

static const struct opt_row rows[] = {
	PORTS("source-port", O_SPORT, sport),
	PORTS("sport", O_SPORT, sport),
	PORTS("destination-port", O_DPORT, dport),
	PORTS("dport", O_DPORT, dport),
};

static void udp_init(void *data)
{
	struct udp_data *d = data;

	d->sport[1] = d->dport[1] = UINT16_MAX;
}

static int udp_check(struct opt_call *c)
{
	struct udp_data *d = c->data;

	d->not_sport = c->inverted & 1u << O_SPORT;
	d->not_dport = c->inverted & 1u << O_DPORT;
	return 0;
}

static void udp_print(const void *data, bool numeric, struct text *out)
{
	const struct udp_data *d = data;

	text_puts(out, " udp");
	print_port_range(out, "spt", d->sport, d->not_sport, IP_PROTO_UDP, numeric);
	print_port_range(out, "dpt", d->dport, d->not_dport, IP_PROTO_UDP, numeric);
}

static void udp_save(const void *data, struct text *out)
{
	const struct udp_data *d = data;

	save_port_range(out, "sport", d->sport, d->not_sport);
	save_port_range(out, "dport", d->dport, d->not_dport);
}

static bool udp_ports(const void *data, uint16_t window[4])
{
	const struct udp_data *d = data;

	memcpy(window, d->sport, sizeof d->sport);
	memcpy(window + 2, d->dport, sizeof d->dport);
	return !d->not_sport && !d->not_dport;
}

static bool udp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct udp_data *d = data;
	const struct udp_hdr *uh;

	if (p->hdr.frag_off)
		return false;
	uh = pkt_l4(p, sizeof *uh);
	if (!uh) {
		env->hotdrop = true;
		return false;
	}
	return port_fits(d->sport, uh->sport, d->not_sport) && port_fits(d->dport, uh->dport, d->not_dport);
}

const struct match_ops match_udp = {
	.name = "udp",
	.proto = IP_PROTO_UDP,
	.size = sizeof(struct udp_data),
	OPT_ROWS(rows),
	.init = udp_init,
	.check = udp_check,
	.print = udp_print,
	.save = udp_save,
	.match = udp_match,
	.ports = udp_ports,
};
