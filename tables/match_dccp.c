/* match_dccp.c - ports, packet types and options of DCCP (net/netfilter/xt_dccp.c, RFC 4340). */
#include <strings.h>

#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SPORT, O_DPORT, O_TYPES, O_OPTION };

struct dccp_data {
	uint16_t sport[2], dport[2];
	uint16_t types; /* bit per packet type */
	uint8_t option;
	uint8_t given, invert; /* bits by option */
};

static const struct opt_row rows[] = {
	{ .name = "source-port", .id = O_SPORT, .type = OPT_PORT_RANGE, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct dccp_data, sport) },
	{ .name = "sport", .id = O_SPORT, .type = OPT_PORT_RANGE, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct dccp_data, sport) },
	{ .name = "destination-port", .id = O_DPORT, .type = OPT_PORT_RANGE, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct dccp_data, dport) },
	{ .name = "dport", .id = O_DPORT, .type = OPT_PORT_RANGE, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct dccp_data, dport) },
	{ .name = "dccp-types", .id = O_TYPES, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "dccp-option", .id = O_OPTION, .type = OPT_U8, .flags = OPTF_INVERT | OPTF_STORE, .min = 1, .max = 255,
	  .offset = offsetof(struct dccp_data, option) },
};

/* Packet types by number; INVALID is this and all above. */
enum { TYPE_REQUEST, TYPE_RESPONSE, TYPE_DATA, TYPE_ACK, TYPE_DATAACK, TYPE_CLOSEREQ, TYPE_CLOSE, TYPE_RESET, TYPE_SYNC,
       TYPE_SYNCACK, TYPE_INVALID, TYPE_COUNT };
static const char *const type_names[TYPE_COUNT] = {
	"REQUEST", "RESPONSE", "DATA", "ACK", "DATAACK", "CLOSEREQ", "CLOSE", "RESET", "SYNC", "SYNCACK", "INVALID",
};
enum { INVALID_TYPES = 0xfc00 };

/* The generic header, and what follows it by type before the options. */
enum { HEADER_LEN = 12, LONG_SEQUENCE_LEN = 4, DOFF_AT = 4, TYPE_AT = 8 };
static const uint8_t type_lens[16] = {
	[TYPE_REQUEST] = 4, [TYPE_RESPONSE] = 12, [TYPE_DATA] = 0,  [TYPE_ACK] = 8,      [TYPE_DATAACK] = 8,
	[TYPE_CLOSEREQ] = 8, [TYPE_CLOSE] = 8,    [TYPE_RESET] = 12, [TYPE_SYNC] = 8,     [TYPE_SYNCACK] = 8,
	[TYPE_INVALID] = 12, [11] = 12,           [12] = 12,        [13] = 12,           [14] = 12,
	[15] = 12,
};

/* type_bits: the bits of one name of @len characters; 0 if unknown. */
static uint16_t type_bits(const char *name, size_t len)
{
	for (unsigned i = 0; i < TYPE_COUNT; i++)
		if (strlen(type_names[i]) == len && !strncasecmp(type_names[i], name, len))
			return i == TYPE_INVALID ? INVALID_TYPES : (uint16_t)(1u << i);
	return 0;
}

/* parse_types: names with commas between. */
static int parse_types(struct opt_call *c, struct dccp_data *d)
{
	const char *at = c->arg;

	while (*at) {
		size_t len = strcspn(at, ",");
		uint16_t bits = type_bits(at, len);

		if (len && !bits)
			return rule_fail(c->err, "Unknown DCCP type `%.*s'", (int)len, at);
		d->types |= bits;
		at += len + (at[len] == ',');
	}
	return 0;
}

static void dccp_init(void *data)
{
	struct dccp_data *d = data;

	d->sport[1] = d->dport[1] = UINT16_MAX;
}

static int dccp_parse(struct opt_call *c)
{
	struct dccp_data *d = c->data;

	d->given = (uint8_t)c->seen;
	d->invert = (uint8_t)c->inverted;
	return c->row->id == O_TYPES ? parse_types(c, d) : 0;
}

/* put_types: " REQUEST,DATA" or " 0,2". */
static void put_types(struct text *out, uint16_t types, bool numeric)
{
	const char *comma = " ";

	for (unsigned i = 0; i < 16; i++) {
		if (!(types >> i & 1) || (!numeric && i > TYPE_INVALID))
			continue;
		text_puts(out, comma);
		if (numeric)
			text_printf(out, "%u", i);
		else
			text_puts(out, type_names[i]);
		comma = ",";
	}
}

static void dccp_print(const void *data, bool numeric, struct text *out)
{
	const struct dccp_data *d = data;

	text_puts(out, " dccp");
	if (d->given & 1u << O_SPORT)
		print_port_range(out, "spt", d->sport, d->invert & 1u << O_SPORT, IP_PROTO_DCCP, numeric);
	if (d->given & 1u << O_DPORT)
		print_port_range(out, "dpt", d->dport, d->invert & 1u << O_DPORT, IP_PROTO_DCCP, numeric);
	if (d->given & 1u << O_TYPES) {
		put_not(out, d->invert & 1u << O_TYPES);
		put_types(out, d->types, numeric);
	}
	if (d->given & 1u << O_OPTION)
		text_printf(out, " option=%s%u", d->invert & 1u << O_OPTION ? "!" : "", d->option);
}

/* save_ports: " --sport 1:2", all ports too. */
static void save_ports(struct text *out, const char *name, const uint16_t port[2], bool invert)
{
	put_not(out, invert);
	text_printf(out, " --%s %u", name, port[0]);
	if (port[0] != port[1])
		text_printf(out, ":%u", port[1]);
}

static void dccp_save(const void *data, struct text *out)
{
	const struct dccp_data *d = data;

	if (d->given & 1u << O_SPORT)
		save_ports(out, "sport", d->sport, d->invert & 1u << O_SPORT);
	if (d->given & 1u << O_DPORT)
		save_ports(out, "dport", d->dport, d->invert & 1u << O_DPORT);
	if (d->given & 1u << O_TYPES) {
		put_not(out, d->invert & 1u << O_TYPES);
		text_puts(out, " --dccp-types");
		put_types(out, d->types, false);
	}
	if (d->given & 1u << O_OPTION) {
		put_not(out, d->invert & 1u << O_OPTION);
		text_printf(out, " --dccp-option %u", d->option);
	}
}

/* has_option: whether the packet has option @kind. @h: its header. *drop is set where the header is impossible. */
static bool has_option(const struct pkt *p, const uint8_t *h, uint8_t kind, bool *drop)
{
	uint32_t fixed = HEADER_LEN + (h[TYPE_AT] & 1 ? LONG_SEQUENCE_LEN : 0) + type_lens[h[TYPE_AT] >> 1 & 15];
	uint32_t header = h[DOFF_AT] * 4u, len, i = 0;
	const uint8_t *o = header < fixed ? NULL : pkt_at(p, p->hdr.l4 + fixed, header - fixed);

	if (!o) {
		*drop = true;
		return false;
	}
	len = header - fixed;
	while (i < len) {
		if (o[i] == kind)
			return true;
		i += o[i] < 2 || i + 1 == len || !o[i + 1] ? 1 : o[i + 1];
	}
	return false;
}

/* fits: whether an option that is given says @is. */
static bool fits(const struct dccp_data *d, unsigned id, bool is)
{
	return !(d->given & 1u << id) || is != !!(d->invert & 1u << id);
}

static bool dccp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct dccp_data *d = data;
	const uint8_t *h;
	uint16_t port[2];

	if (p->hdr.frag_off)
		return false;
	h = pkt_l4(p, HEADER_LEN);
	if (!h) {
		env->hotdrop = true;
		return false;
	}
	memcpy(port, h, sizeof port);
	return fits(d, O_SPORT, port_fits(d->sport, port[0], false)) &&
	       fits(d, O_DPORT, port_fits(d->dport, port[1], false)) &&
	       fits(d, O_TYPES, d->types >> (h[TYPE_AT] >> 1 & 15) & 1) &&
	       (!(d->given & 1u << O_OPTION) || fits(d, O_OPTION, has_option(p, h, d->option, &env->hotdrop)));
}

const struct match_ops match_dccp = {
	.name = "dccp",
	.proto = IP_PROTO_DCCP,
	.size = sizeof(struct dccp_data),
	OPT_ROWS(rows),
	.init = dccp_init,
	.parse = dccp_parse,
	.print = dccp_print,
	.save = dccp_save,
	.match = dccp_match,
};
