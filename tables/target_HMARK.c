/* target_HMARK.c - a mark from a hash of addresses and ports, the same for both directions (net/netfilter/xt_HMARK.c). */
#include <strings.h>

#include "conntrack/conntrack.h"
#include "tables/extensions.h"
#include "tables/jhash.h"
#include "tables/options.h"

enum {
	O_TUPLE,
	O_SRC,
	O_DST,
	O_SPORT_MASK,
	O_DPORT_MASK,
	O_SPI_MASK,
	O_SPORT,
	O_DPORT,
	O_SPI,
	O_PROTO_MASK,
	O_RND,
	O_MOD,
	O_OFFSET
};
enum { F_CT = 1u << 31, AH_SPI_AT = 4 };
#define BIT(o) (1u << (o))
#define FIELDS                                                                                      \
	(F_CT | BIT(O_SRC) | BIT(O_DST) | BIT(O_SPORT_MASK) | BIT(O_DPORT_MASK) | BIT(O_SPI_MASK) | \
	 BIT(O_SPORT) | BIT(O_DPORT) | BIT(O_SPI) | BIT(O_PROTO_MASK))

/* Two ports or one SPI, in network order: the bytes as they lie in a packet. */
union hmark_ports {
	uint16_t port[2]; /* source, destination */
	uint32_t spi;
};

struct hmark_data {
	uint32_t src_mask, dst_mask; /* network order */
	union hmark_ports mask, set;
	uint32_t given; /* BIT(O_*), F_CT */
	uint32_t rnd, mod, offset;
	uint16_t proto_mask;
};

#define FIELD(word, bit, kind)                        \
	{                                             \
		.name = word, .id = bit, .type = kind \
	}

static const struct opt_row rows[] = {
	{ .name = "hmark-tuple", .id = O_TUPLE, .type = OPT_CUSTOM },
	FIELD("hmark-src-prefix", O_SRC, OPT_CUSTOM),
	FIELD("hmark-dst-prefix", O_DST, OPT_CUSTOM),
	FIELD("hmark-sport-mask", O_SPORT_MASK, OPT_U16),
	FIELD("hmark-dport-mask", O_DPORT_MASK, OPT_U16),
	FIELD("hmark-spi-mask", O_SPI_MASK, OPT_U32),
	FIELD("hmark-sport", O_SPORT, OPT_U16),
	FIELD("hmark-dport", O_DPORT, OPT_U16),
	FIELD("hmark-spi", O_SPI, OPT_U32),
	{ .name = "hmark-proto-mask",
	  .id = O_PROTO_MASK,
	  .type = OPT_U16,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct hmark_data, proto_mask) },
	{ .name = "hmark-rnd",
	  .id = O_RND,
	  .type = OPT_U32,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct hmark_data, rnd) },
	{ .name = "hmark-mod",
	  .id = O_MOD,
	  .type = OPT_U32,
	  .flags = OPTF_STORE,
	  .min = 1,
	  .max = UINT32_MAX,
	  .offset = offsetof(struct hmark_data, mod) },
	{ .name = "hmark-offset",
	  .id = O_OFFSET,
	  .type = OPT_U32,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct hmark_data, offset) },
};

/* --- text ----------------------------------------------------------------------------------------------------------- */

/* tuple_word: one word of --hmark-tuple, abbreviated or not: all of that field counts. Return: false if unknown. */
static bool tuple_word(struct opt_call *c, const char *word, size_t len)
{
	/* In the order in which abbreviations are looked up. */
	static const struct {
		const char *name;
		uint32_t bit;
	} words[] = { { "ct", F_CT },
		      { "src", BIT(O_SRC) },
		      { "dst", BIT(O_DST) },
		      { "sport", BIT(O_SPORT_MASK) },
		      { "dport", BIT(O_DPORT_MASK) },
		      { "spi", BIT(O_SPI_MASK) },
		      { "proto", BIT(O_PROTO_MASK) } };
	struct hmark_data *d = c->data;
	size_t i = 0;

	while (i < sizeof words / sizeof words[0] && strncasecmp(word, words[i].name, len))
		i++;
	if (i == sizeof words / sizeof words[0])
		return false;
	d->given |= words[i].bit;
	switch (words[i].bit) {
	case BIT(O_SRC):
		d->src_mask = UINT32_MAX;
		break;
	case BIT(O_DST):
		d->dst_mask = UINT32_MAX;
		break;
	case BIT(O_SPORT_MASK):
		d->mask.port[0] = UINT16_MAX;
		break;
	case BIT(O_DPORT_MASK):
		d->mask.port[1] = UINT16_MAX;
		break;
	case BIT(O_SPI_MASK):
		d->mask.spi = UINT32_MAX;
		break;
	case BIT(O_PROTO_MASK):
		d->proto_mask = UINT16_MAX;
		break;
	default:
		return true; /* F_CT has no option of its own */
	}
	c->seen |= words[i].bit;
	return true;
}

/* parse_tuple: --hmark-tuple: the options for what it names cannot follow. */
static int parse_tuple(struct opt_call *c)
{
	const char *at = c->arg, *comma;

	for (; (comma = strchr(at, ',')) != NULL; at = comma + 1)
		if (comma == at || !tuple_word(c, at, (size_t)(comma - at)))
			return rule_fail(c->err, "Bad type \"%s\"", at);
	if (!*at)
		return rule_fail(c->err, "\"--hmark-tuple\" requires a list of types with no spaces, e.g. "
					 "src,dst,sport,dport,proto");
	return tuple_word(c, at, strlen(at)) ? 0 : rule_fail(c->err, "Bad type \"%s\"", at);
}

/* parse_prefix: a mask or its length. */
static int parse_prefix(struct opt_call *c, uint32_t *mask)
{
	if (!opt_ip4_mask_text(c->arg, mask))
		return 0;
	rule_fail(c->err,
		  "%s: bad value for option \"--%s\", neither a valid network mask nor valid CIDR (0-32).",
		  c->ext, c->row->name);
	c->err->blank = true;
	return -1;
}

static int hmark_parse(struct opt_call *c)
{
	struct hmark_data *d = c->data;
	uint64_t n = 0;

	if (c->row->id == O_TUPLE)
		return parse_tuple(c);
	d->given |= BIT(c->row->id);
	if (c->row->id == O_SRC)
		return parse_prefix(c, &d->src_mask);
	if (c->row->id == O_DST)
		return parse_prefix(c, &d->dst_mask);
	(void)opt_number(c->arg, NULL, 0, UINT32_MAX, &n); /* read once already, by the row's type */
	switch (c->row->id) {
	case O_SPORT_MASK:
		d->mask.port[0] = __builtin_bswap16((uint16_t)n);
		break;
	case O_DPORT_MASK:
		d->mask.port[1] = __builtin_bswap16((uint16_t)n);
		break;
	case O_SPI_MASK:
		d->mask.spi = __builtin_bswap32((uint32_t)n);
		break;
	case O_SPORT:
		d->set.port[0] = __builtin_bswap16((uint16_t)n);
		break;
	case O_DPORT:
		d->set.port[1] = __builtin_bswap16((uint16_t)n);
		break;
	case O_SPI:
		d->set.spi = __builtin_bswap32((uint32_t)n);
		break;
	}
	return 0;
}

static int hmark_check(struct opt_call *c)
{
	uint32_t given = ((const struct hmark_data *)c->data)->given;

	if (!(c->seen & BIT(O_MOD)))
		return rule_fail(c->err, "--hmark-mod is mandatory");
	if (!(c->seen & BIT(O_RND)))
		return rule_fail(c->err, "--hmark-rnd is mandatory");
	if (given & BIT(O_SPI_MASK) && given & (BIT(O_SPORT_MASK) | BIT(O_DPORT_MASK)))
		return rule_fail(c->err,
				 "you cannot use --hmark-spi-mask and --hmark-?port-mask,at the same time");
	if (!(given & FIELDS))
		return rule_fail(c->err, "you have to specify --hmark-tuple at least");
	if (given & BIT(O_SPI) && given & (BIT(O_SPORT) | BIT(O_DPORT)))
		return rule_invalid(c->err, "HMARK: spi-set and port-set can't be combined");
	return 0;
}

/* prefix_length: of a mask; 32 for one that is none. */
static unsigned prefix_length(uint32_t mask)
{
	uint32_t host = __builtin_bswap32(mask);
	unsigned ones = (unsigned)__builtin_popcount(host);

	return ones == 0 || host == UINT32_MAX << (32 - ones) ? ones : 32;
}

/* field_value: what an option of struct hmark_data holds, in host order. */
static uint32_t field_value(const struct hmark_data *d, unsigned option)
{
	switch (option) {
	case O_SRC:
		return prefix_length(d->src_mask);
	case O_DST:
		return prefix_length(d->dst_mask);
	case O_SPORT_MASK:
		return __builtin_bswap16(d->mask.port[0]);
	case O_DPORT_MASK:
		return __builtin_bswap16(d->mask.port[1]);
	case O_SPI_MASK:
		return __builtin_bswap32(d->mask.spi);
	case O_SPORT:
		return __builtin_bswap16(d->set.port[0]);
	case O_DPORT:
		return __builtin_bswap16(d->set.port[1]);
	case O_SPI:
		return __builtin_bswap32(d->set.spi);
	case O_PROTO_MASK:
		return d->proto_mask;
	default:
		return d->rnd;
	}
}

/* The fields as -L and -S print them, in their order. */
static const struct {
	uint8_t option;
	const char *list, *save;
} fields[] = {
	{ O_SRC, "src-prefix %u ", " --hmark-src-prefix %u" },
	{ O_DST, "dst-prefix %u ", " --hmark-dst-prefix %u" },
	{ O_SPORT_MASK, "sport-mask 0x%x ", " --hmark-sport-mask 0x%04x" },
	{ O_DPORT_MASK, "dport-mask 0x%x ", " --hmark-dport-mask 0x%04x" },
	{ O_SPI_MASK, "spi-mask 0x%x ", " --hmark-spi-mask 0x%08x" },
	{ O_SPORT, "sport 0x%x ", " --hmark-sport 0x%04x" },
	{ O_DPORT, "dport 0x%x ", " --hmark-dport 0x%04x" },
	{ O_SPI, "spi 0x%x ", " --hmark-spi 0x%08x" },
	{ O_PROTO_MASK, "proto-mask 0x%x ", " --hmark-proto-mask 0x%02x" },
	{ O_RND, "rnd 0x%x ", " --hmark-rnd 0x%08x" },
};
enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

static void hmark_print(const void *data, bool numeric, struct text *out)
{
	const struct hmark_data *d = data;

	(void)numeric;
	text_printf(out, " HMARK mod %u ", d->mod);
	if (d->given & BIT(O_OFFSET))
		text_printf(out, "+ 0x%x ", d->offset);
	if (d->given & F_CT)
		text_puts(out, "ct, ");
	for (unsigned i = 0; i < FIELD_COUNT; i++)
		if (d->given & BIT(fields[i].option))
			text_printf(out, fields[i].list, field_value(d, fields[i].option));
}

static void hmark_save(const void *data, struct text *out)
{
	const struct hmark_data *d = data;

	for (unsigned i = 0; i < FIELD_COUNT; i++)
		if (d->given & BIT(fields[i].option))
			text_printf(out, fields[i].save, field_value(d, fields[i].option));
	text_printf(out, " --hmark-mod %u", d->mod);
	if (d->given & BIT(O_OFFSET))
		text_printf(out, " --hmark-offset %u", d->offset);
	if (d->given & F_CT)
		text_puts(out, " --hmark-tuple ct");
}

/* --- packets -------------------------------------------------------------------------------------------------------- */

/* What is hashed: masked addresses in network order; the ports, the higher one first. */
struct hmark_key {
	uint32_t src, dst, ports;
	uint8_t proto;
};

/* set_ports: masks, sets and orders the ports, so that both directions give the same. */
static void set_ports(const struct hmark_data *d, union hmark_ports ports, struct hmark_key *key)
{
	uint16_t src, dst;

	ports.spi = (ports.spi & d->mask.spi) | d->set.spi;
	src = __builtin_bswap16(ports.port[0]);
	dst = __builtin_bswap16(ports.port[1]);
	key->ports = dst > src ? (uint32_t)dst << 16 | src : (uint32_t)src << 16 | dst;
}

/* key_from_ct: from the original source and the address that answers. Return: false for an untracked packet. */
static bool key_from_ct(const struct hmark_data *d, const struct pkt *p, struct hmark_key *key)
{
	const struct ct_tuple *there, *back;
	union hmark_ports ports;

	if (!p->ct)
		return false;
	there = &p->ct->tuple[CT_ORIGINAL];
	back = &p->ct->tuple[CT_REPLY];
	key->src = there->src.word[0] & d->src_mask;
	key->dst = back->src.word[0] & d->dst_mask;
	key->proto = there->proto;
	ports.port[0] = there->src_key;
	ports.port[1] = back->src_key;
	if (key->proto != IP_PROTO_ICMP)
		set_ports(d, ports, key);
	return true;
}

/* icmp_quotes: whether an ICMP type quotes the packet that it is about. */
static bool icmp_quotes(uint8_t type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER;
}

/* quoted_header: where the header to hash is: of an ICMP error, the quoted one. Return: its offset. */
static uint32_t quoted_header(const struct pkt *p)
{
	const struct icmp_hdr *ih = p->hdr.proto == IP_PROTO_ICMP ? pkt_l4(p, sizeof *ih) : NULL;

	return ih && icmp_quotes(ih->type) ? p->hdr.l4 + (uint32_t)sizeof *ih : 0;
}

/* ports_offset: where the ports or the SPI are in the L4 header. Return: -1 for a protocol without. */
static int ports_offset(uint8_t proto)
{
	switch (proto) {
	case IP_PROTO_TCP:
	case IP_PROTO_UDP:
	case IP_PROTO_DCCP:
	case IP_PROTO_ESP:
	case IP_PROTO_SCTP:
	case IP_PROTO_UDPLITE:
		return 0;
	case IP_PROTO_AH:
		return AH_SPI_AT;
	default:
		return -1;
	}
}

/* key_from_packet: from the headers. Return: false if an error quotes less than a header. */
static bool key_from_packet(const struct hmark_data *d, const struct pkt *p, struct hmark_key *key)
{
	uint32_t at = quoted_header(p);
	const struct ip4_hdr *ip = pkt_at(p, at, sizeof *ip);
	const void *bytes;
	union hmark_ports ports;
	int off;

	if (!ip)
		return false;
	key->src = ip->src & d->src_mask;
	key->dst = ip->dst & d->dst_mask;
	key->proto = ip->proto;
	off = ports_offset(ip->proto);
	if (off < 0 || ip->frag & __builtin_bswap16(IP4_MF | IP4_OFFSET))
		return true;
	bytes = pkt_at(p, at + (ip->version_ihl & 0xf) * 4u + (uint32_t)off, sizeof ports);
	if (bytes) {
		memcpy(&ports, bytes, sizeof ports);
		set_ports(d, ports, key);
	}
	return true;
}

/* hash: 0 .. mod - 1, shifted by the offset. */
static uint32_t hash(const struct hmark_data *d, const struct hmark_key *key)
{
	uint32_t src = __builtin_bswap32(key->src), dst = __builtin_bswap32(key->dst);
	uint32_t low = dst < src ? dst : src, high = dst < src ? src : dst;
	uint32_t h = jhash_3words(low, high, key->ports, d->rnd) ^ (key->proto & d->proto_mask);

	return (uint32_t)((uint64_t)h * d->mod >> 32) + d->offset;
}

static enum rule_verdict hmark_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct hmark_data *d = data;
	struct hmark_key key = { 0 };

	(void)env;
	if (d->given & F_CT ? key_from_ct(d, p, &key) : key_from_packet(d, p, &key))
		p->mark = hash(d, &key);
	return RULE_CONTINUE;
}

const struct target_ops target_HMARK = {
	.name = "HMARK",
	.size = sizeof(struct hmark_data),
	OPT_ROWS(rows),
	.parse = hmark_parse,
	.check = hmark_check,
	.print = hmark_print,
	.save = hmark_save,
	.target = hmark_target,
};
