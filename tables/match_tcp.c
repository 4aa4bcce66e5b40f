/* match_tcp.c - -p tcp: ports, flags, one option (net/netfilter/xt_tcpudp.c, libxt_tcp.c). */
#include "tables/extensions.h"
#include "tables/match_tcp.h"
#include "tables/options.h"

enum { O_SPORT, O_DPORT, O_FLAGS, O_OPTION };
enum { INV_SPT = 1, INV_DPT = 2, INV_FLAGS = 4, INV_OPTION = 8 };

struct tcp_data {
	uint16_t sport[2], dport[2];
	uint8_t option; /* 0 = none asked for */
	uint8_t mask, flags;
	uint8_t invert;
	bool sport_given, dport_given;
};

static const struct opt_row rows[] = {
	{ .name = "source-port", .id = O_SPORT, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MULTI },
	{ .name = "sport", .id = O_SPORT, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MULTI },
	{ .name = "destination-port", .id = O_DPORT, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MULTI },
	{ .name = "dport", .id = O_DPORT, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MULTI },
	{ .name = "syn", .id = O_FLAGS, .type = OPT_NONE, .flags = OPTF_INVERT | OPTF_MULTI },
	{ .name = "tcp-flags", .id = O_FLAGS, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MULTI },
	{ .name = "tcp-option", .id = O_OPTION, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MULTI },
};

static const struct opt_name flag_names[] = {
	{ "FIN", TCP_FIN }, { "SYN", TCP_SYN }, { "RST", TCP_RST }, { "PSH", TCP_PSH },
	{ "ACK", TCP_ACK }, { "URG", TCP_URG }, { "ALL", 0x3f },    { "NONE", 0 },
	{ NULL, 0 },
};

static void tcp_init(void *data)
{
	struct tcp_data *d = data;

	d->sport[1] = d->dport[1] = UINT16_MAX;
}

/* again: whether an option was given before this word. */
static bool again(bool *given)
{
	bool was = *given;

	*given = true;
	return was;
}

/* parse_range: one port or range A:B; what is missing is the end of all. */
static int parse_range(struct opt_call *c, uint16_t port[2])
{
	const char *colon = strchr(c->arg, ':'), *bad = c->arg;
	uint16_t got[2] = { 0, UINT16_MAX };
	char first[32] = "";

	strncat(first, c->arg, colon && colon - c->arg < 31 ? (size_t)(colon - c->arg) : sizeof first - 1);
	if (colon)
		bad = first;
	if (!(colon && !*first) && opt_port(bad, IP_PROTO_TCP, &got[0]))
		return rule_fail(c->err, "invalid port/service `%s' specified", bad);
	if (!colon)
		got[1] = got[0];
	else if (colon[1] && opt_port(colon + 1, IP_PROTO_TCP, &got[1]))
		return rule_fail(c->err, "invalid port/service `%s' specified", colon + 1);
	if (got[0] > got[1])
		return rule_fail(c->err, "invalid portrange (min > max)");
	port[0] = got[0];
	port[1] = got[1];
	return 0;
}

/* parse_flags: a comma-separated list of flag names into *out. */
static int parse_flags(struct opt_call *c, const char *list, uint8_t *out)
{
	uint8_t bits = 0;

	while (*list) {
		size_t len = strcspn(list, ",");
		const struct opt_name *flag = opt_name_find(flag_names, list, len, true);

		if (len && !flag)
			return rule_fail(c->err, "Unknown TCP flag `%.*s'", (int)len, list);
		bits |= flag ? (uint8_t)flag->value : 0;
		list += len + (list[len] == ',');
	}
	*out = bits;
	return 0;
}

/* parse_tcp_flags: --tcp-flags MASK COMP: the second word is taken from those that follow. */
static int parse_tcp_flags(struct opt_call *c, struct tcp_data *d)
{
	if (!c->more_count || c->more[0][0] == '!' || c->more[0][0] == '-')
		return rule_fail(c->err, "--tcp-flags requires two args.");
	c->more_used = 1;
	if (parse_flags(c, c->arg, &d->mask))
		return -1;
	return parse_flags(c, c->more[0], &d->flags);
}

/* parse_flag_words: --syn and --tcp-flags, of which only one may be given. */
static int parse_flag_words(struct opt_call *c, struct tcp_data *d)
{
	if (d->mask || d->flags || d->invert & INV_FLAGS)
		return rule_fail(c->err, "Only one of `--syn' or `--tcp-flags'  allowed");
	if (c->invert)
		d->invert |= INV_FLAGS;
	if (c->row->type != OPT_NONE)
		return parse_tcp_flags(c, d);
	d->mask = TCP_SYN | TCP_RST | TCP_ACK | TCP_FIN;
	d->flags = TCP_SYN;
	return 0;
}

static int tcp_parse(struct opt_call *c)
{
	struct tcp_data *d = c->data;
	uint64_t option;

	switch (c->row->id) {
	case O_SPORT:
		if (again(&d->sport_given))
			return rule_fail(c->err, "Only one `--source-port' allowed");
		d->invert |= c->invert ? INV_SPT : 0;
		return parse_range(c, d->sport);
	case O_DPORT:
		if (again(&d->dport_given))
			return rule_fail(c->err, "Only one `--destination-port' allowed");
		d->invert |= c->invert ? INV_DPT : 0;
		return parse_range(c, d->dport);
	case O_FLAGS:
		return parse_flag_words(c, d);
	default:
		if (d->option)
			return rule_fail(c->err, "Only one `--tcp-option' allowed");
		if (opt_number(c->arg, NULL, 1, UINT8_MAX, &option))
			return rule_fail(c->err, "Bad TCP option \"%s\"", c->arg);
		d->invert |= c->invert ? INV_OPTION : 0;
		d->option = (uint8_t)option;
		return 0;
	}
}

/* put_flags: names of flags joined by commas, "NONE" for none. */
static void put_flags(struct text *out, uint8_t flags)
{
	const char *sep = "";

	if (!flags)
		text_puts(out, "NONE");
	for (const struct opt_name *n = flag_names; n->value != 0x3f; n++) {
		if (!(flags & n->value))
			continue;
		text_printf(out, "%s%s", sep, n->name);
		sep = ",";
	}
}

static void tcp_print(const void *data, bool numeric, struct text *out)
{
	const struct tcp_data *d = data;

	text_puts(out, " tcp");
	print_port_range(out, "spt", d->sport, d->invert & INV_SPT, IP_PROTO_TCP, numeric);
	print_port_range(out, "dpt", d->dport, d->invert & INV_DPT, IP_PROTO_TCP, numeric);
	if (d->option)
		text_printf(out, " option=%s%u", d->invert & INV_OPTION ? "!" : "", d->option);
	if (!d->mask && !(d->invert & INV_FLAGS))
		return;
	text_printf(out, " flags:%s", d->invert & INV_FLAGS ? "!" : "");
	if (numeric) {
		text_printf(out, "0x%02X/0x%02X", d->mask, d->flags);
		return;
	}
	put_flags(out, d->mask);
	text_puts(out, "/");
	put_flags(out, d->flags);
}

static void tcp_save(const void *data, struct text *out)
{
	const struct tcp_data *d = data;

	save_port_range(out, "sport", d->sport, d->invert & INV_SPT);
	save_port_range(out, "dport", d->dport, d->invert & INV_DPT);
	if (d->option || d->invert & INV_OPTION) {
		put_not(out, d->invert & INV_OPTION);
		text_printf(out, " --tcp-option %u", d->option);
	}
	if (d->mask || d->invert & INV_FLAGS) {
		put_not(out, d->invert & INV_FLAGS);
		text_puts(out, " --tcp-flags ");
		put_flags(out, d->mask);
		text_puts(out, " ");
		put_flags(out, d->flags);
	}
}

/* option_found: whether the TCP options hold @kind. Sets *drop where they are not all there. */
static bool option_found(const struct pkt *p, uint8_t kind, uint32_t header, bool invert, bool *drop)
{
	uint32_t len = header - sizeof(struct tcp_hdr), i = 0;
	const uint8_t *o = pkt_at(p, p->hdr.l4 + (uint32_t)sizeof(struct tcp_hdr), len);

	if (!o) {
		*drop = true;
		return false;
	}
	while (i < len) {
		if (o[i] == kind)
			return !invert;
		i += o[i] < 2 || i + 1 == len || !o[i + 1] ? 1 : o[i + 1];
	}
	return invert;
}

static bool tcp_ports(const void *data, uint16_t window[4])
{
	const struct tcp_data *d = data;

	memcpy(window, d->sport, sizeof d->sport);
	memcpy(window + 2, d->dport, sizeof d->dport);
	return !(d->invert & (INV_SPT | INV_DPT));
}

static bool tcp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct tcp_data *d = data;
	const struct tcp_hdr *th;

	if (p->hdr.frag_off) { /* offset 8 would overwrite the flags: an attack (RFC 1858) */
		env->hotdrop = p->hdr.frag_off == 8;
		return false;
	}
	th = pkt_l4(p, sizeof *th);
	if (!th) {
		env->hotdrop = true;
		return false;
	}
	if (!port_fits(d->sport, th->sport, d->invert & INV_SPT) ||
	    !port_fits(d->dport, th->dport, d->invert & INV_DPT) ||
	    ((th->flags & d->mask) == d->flags) == !!(d->invert & INV_FLAGS))
		return false;
	if (!d->option)
		return true;
	if ((th->offset >> 4) * 4u < sizeof *th) {
		env->hotdrop = true;
		return false;
	}
	return option_found(p, d->option, (th->offset >> 4) * 4u, d->invert & INV_OPTION, &env->hotdrop);
}

bool match_tcp_wants_syn(const void *data)
{
	const struct tcp_data *d = data;

	return d->flags & TCP_SYN && !d->invert;
}

const struct match_ops match_tcp = {
	.name = "tcp",
	.proto = IP_PROTO_TCP,
	.size = sizeof(struct tcp_data),
	OPT_ROWS(rows),
	.init = tcp_init,
	.parse = tcp_parse,
	.print = tcp_print,
	.save = tcp_save,
	.match = tcp_match,
	.ports = tcp_ports,
};
