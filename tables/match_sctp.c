/* match_sctp.c - -p sctp: ports and chunk types (net/netfilter/xt_sctp.c, libxt_sctp.c). */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SPORT, O_DPORT, O_CHUNKS };
enum { HEADER_LEN = 12, CHUNK_LEN = 4, FLAGS_MAX = 4, CHUNK_TYPES = 256 };
enum { CHUNK_ANY, CHUNK_ALL, CHUNK_ONLY };

/* Chunk types wanted, one bit each. */
struct chunk_set {
	uint32_t word[CHUNK_TYPES / 32];
};

/* What the flags of one chunk type must be. */
struct chunk_flags {
	uint8_t type, mask, flags;
};

struct sctp_data {
	uint16_t sport[2], dport[2];
	bool has_sport, has_dport, has_chunks;
	bool not_sport, not_dport, not_chunks;
	uint8_t how; /* CHUNK_* */
	uint8_t flags_count;
	struct chunk_flags flags[FLAGS_MAX];
	struct chunk_set set;
};

#define PORTS(word, bit)                                                                       \
	{                                                                                      \
		.name = word, .id = bit, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MULTI \
	}

static const struct opt_row rows[] = {
	PORTS("source-port", O_SPORT), PORTS("sport", O_SPORT),        PORTS("destination-port", O_DPORT),
	PORTS("dport", O_DPORT),       PORTS("chunk-types", O_CHUNKS),
};

static const char *const how_text[] = { "any", "all", "only" };

/* The names in the order of libxt_sctp.c; the letters of the flags, highest bit first. */
static const struct {
	const char *name;
	uint8_t type;
	char flags[9];
} chunks[] = {
	{ "DATA", 0, "----IUBE" },
	{ "INIT", 1, "--------" },
	{ "INIT_ACK", 2, "--------" },
	{ "SACK", 3, "--------" },
	{ "HEARTBEAT", 4, "--------" },
	{ "HEARTBEAT_ACK", 5, "--------" },
	{ "ABORT", 6, "-------T" },
	{ "SHUTDOWN", 7, "--------" },
	{ "SHUTDOWN_ACK", 8, "--------" },
	{ "ERROR", 9, "--------" },
	{ "COOKIE_ECHO", 10, "--------" },
	{ "COOKIE_ACK", 11, "--------" },
	{ "ECN_ECNE", 12, "--------" },
	{ "ECN_CWR", 13, "--------" },
	{ "SHUTDOWN_COMPLETE", 14, "-------T" },
	{ "I_DATA", 64, "----IUBE" },
	{ "RE_CONFIG", 130, "--------" },
	{ "PAD", 132, "--------" },
	{ "ASCONF", 193, "--------" },
	{ "ASCONF_ACK", 128, "--------" },
	{ "FORWARD_TSN", 192, "--------" },
	{ "I_FORWARD_TSN", 194, "--------" },
};
enum { CHUNK_COUNT = sizeof chunks / sizeof chunks[0] };

static void set_add(struct chunk_set *s, uint8_t type)
{
	s->word[type / 32] |= 1u << type % 32;
}

static void set_remove(struct chunk_set *s, uint8_t type)
{
	s->word[type / 32] &= ~(1u << type % 32);
}

static bool set_has(const struct chunk_set *s, uint8_t type)
{
	return s->word[type / 32] >> type % 32 & 1;
}

/* set_all_are: whether all words of a set are @word: 0 = it is empty, UINT32_MAX = it has all. */
static bool set_all_are(const struct chunk_set *s, uint32_t word)
{
	for (unsigned i = 0; i < CHUNK_TYPES / 32; i++)
		if (s->word[i] != word)
			return false;
	return true;
}

/* --- reading ---------------------------------------------------------------------------------------------------------- */

/* add_flag: one letter of the flags of chunk name @index; capital: set, small: not set. A second small letter does not
 * undo a capital one. The flags are kept by the index of the name, not by the number of the type, as libxt_sctp does: what
 * is said of the flags of a type from 64 on has no effect. Return: 0, or -1 with the error filled. */
static int add_flag(struct opt_call *c, struct sctp_data *d, unsigned index, char letter)
{
	const char *at = strchr(chunks[index].flags, toupper((unsigned char)letter));
	uint8_t bit;
	unsigned i = 0;

	if (!at || !*at)
		return rule_fail(c->err, "Invalid flags for chunk type %u", index);
	bit = (uint8_t)(0x80 >> (at - chunks[index].flags));
	while (i < d->flags_count && d->flags[i].type != index)
		i++;
	if (i == FLAGS_MAX)
		return rule_fail(
			c->err,
			"Number of chunk types with flags exceeds currently allowed limit. Increasing "
			"this limit involves changing IPT_NUM_SCTP_FLAGS and recompiling both the "
			"kernel space and user space modules");
	if (i == d->flags_count)
		d->flags[d->flags_count++].type = (uint8_t)index;
	d->flags[i].mask |= bit;
	if (isupper((unsigned char)letter))
		d->flags[i].flags |= bit;
	return 0;
}

/* add_chunk: NAME or NAME:FLAGS, of @len characters. Return: 0, or -1 with the error filled. */
static int add_chunk(struct opt_call *c, struct sctp_data *d, const char *item, size_t len)
{
	const char *colon = memchr(item, ':', len);
	size_t name_len = colon ? (size_t)(colon - item) : len;
	unsigned index = 0;

	while (index < CHUNK_COUNT &&
	       (strncasecmp(chunks[index].name, item, name_len) || chunks[index].name[name_len]))
		index++;
	if (index == CHUNK_COUNT)
		return rule_fail(c->err, "Unknown sctp chunk `%.*s'", (int)name_len, item);
	set_add(&d->set, chunks[index].type);
	for (size_t i = name_len + 1; i < len; i++)
		if (add_flag(c, d, index, item[i]))
			return -1;
	return 0;
}

/* parse_chunks: ANY|ALL|ONLY, then in the next word the list of chunks. Return: 0, or -1 with the error filled. */
static int parse_chunks(struct opt_call *c, struct sctp_data *d)
{
	const char *list = c->more_count ? c->more[0] : NULL;

	if (d->has_chunks)
		return rule_fail(c->err, "Only one `--chunk-types' allowed");
	if (!list || *list == '-' || *list == '!')
		return rule_fail(c->err, "--chunk-types requires two args");
	c->more_used = 1;
	d->has_chunks = true;
	d->not_chunks = c->invert;
	for (d->how = CHUNK_ANY; strcasecmp(how_text[d->how], c->arg); d->how++)
		if (d->how == CHUNK_ONLY)
			return rule_fail(c->err, "Match type has to be one of \"ALL\", \"ANY\" or \"ONLY\"");
	if (!strcasecmp(list, "ALL"))
		memset(&d->set, 0xff, sizeof d->set);
	if (!strcasecmp(list, "ALL") || !strcasecmp(list, "NONE"))
		return 0;
	for (list += strspn(list, ","); *list; list += strspn(list, ",")) {
		size_t len = strcspn(list, ",");

		if (add_chunk(c, d, list, len))
			return -1;
		list += len;
	}
	return 0;
}

/* parse_ports: --sport, --dport. Return: 0, or -1 with the error filled. */
static int parse_ports(struct opt_call *c, const char *name, bool *seen, uint16_t range[2])
{
	const char *colon = strchr(c->arg, ':');
	char first[64];

	if (*seen)
		return rule_fail(c->err, "Only one `%s' allowed", name);
	*seen = true;
	snprintf(first, sizeof first, "%.*s", (int)(colon ? colon - c->arg : (ptrdiff_t)strlen(c->arg)),
		 c->arg);
	range[0] = 0;
	range[1] = UINT16_MAX;
	if ((!colon || *first) && opt_port(first, IP_PROTO_SCTP, &range[0]))
		return rule_fail(c->err, "invalid port/service `%s' specified", first);
	if (!colon)
		range[1] = range[0];
	else if (colon[1] && opt_port(colon + 1, IP_PROTO_SCTP, &range[1]))
		return rule_fail(c->err, "invalid port/service `%s' specified", colon + 1);
	if (range[0] > range[1])
		return rule_fail(c->err, "invalid portrange (min > max)");
	return 0;
}

static int sctp_parse(struct opt_call *c)
{
	struct sctp_data *d = c->data;

	switch (c->row->id) {
	case O_SPORT:
		d->not_sport = c->invert;
		return parse_ports(c, "--source-port", &d->has_sport, d->sport);
	case O_DPORT:
		d->not_dport = c->invert;
		return parse_ports(c, "--destination-port", &d->has_dport, d->dport);
	default:
		return parse_chunks(c, d);
	}
}

static void sctp_init(void *data)
{
	struct sctp_data *d = data;

	d->sport[1] = d->dport[1] = UINT16_MAX;
}

/* --- printing --------------------------------------------------------------------------------------------------------- */

/* put_chunk: the name or number of a type, and its flags. */
static void put_chunk(struct text *out, const struct sctp_data *d, uint8_t type, bool numeric)
{
	if (numeric)
		text_printf(out, "0x%04X", type);
	for (unsigned i = 0; i < CHUNK_COUNT && !numeric; i++)
		if (chunks[i].type == type)
			text_puts(out, chunks[i].name);
	for (unsigned i = 0; i < d->flags_count; i++) {
		const struct chunk_flags *f = &d->flags[i];

		if (f->type != type)
			continue;
		text_puts(out, ":");
		for (unsigned bit = 0; bit < 8; bit++) {
			char letter = chunks[type].flags[bit];

			if (f->mask & 0x80 >> bit)
				text_printf(out, "%c", f->flags & 0x80 >> bit ? letter : tolower(letter));
		}
	}
}

/* put_chunks: " any DATA,INIT". */
static void put_chunks(struct text *out, const struct sctp_data *d, bool numeric)
{
	const char *sep = " ";

	text_printf(out, " %s", how_text[d->how]);
	if (set_all_are(&d->set, 0) || set_all_are(&d->set, UINT32_MAX)) {
		text_puts(out, d->set.word[0] ? " ALL" : " NONE");
		return;
	}
	for (unsigned type = 0; type < CHUNK_TYPES; type++) {
		if (!set_has(&d->set, (uint8_t)type))
			continue;
		text_puts(out, sep);
		put_chunk(out, d, (uint8_t)type, numeric);
		sep = ",";
	}
}

static void sctp_print(const void *data, bool numeric, struct text *out)
{
	const struct sctp_data *d = data;

	text_puts(out, " sctp");
	print_port_range(out, "spt", d->sport, d->not_sport, IP_PROTO_SCTP, numeric);
	print_port_range(out, "dpt", d->dport, d->not_dport, IP_PROTO_SCTP, numeric);
	if (d->has_chunks) {
		put_not(out, d->not_chunks);
		put_chunks(out, d, numeric);
	}
}

/* save_ports: as given, all ports included. */
static void save_ports(struct text *out, const char *name, const uint16_t range[2], bool invert)
{
	put_not(out, invert);
	text_printf(out, " --%s %u", name, range[0]);
	if (range[0] != range[1])
		text_printf(out, ":%u", range[1]);
}

static void sctp_save(const void *data, struct text *out)
{
	const struct sctp_data *d = data;

	if (d->has_sport)
		save_ports(out, "sport", d->sport, d->not_sport);
	if (d->has_dport)
		save_ports(out, "dport", d->dport, d->not_dport);
	if (d->has_chunks) {
		put_not(out, d->not_chunks);
		text_puts(out, " --chunk-types");
		put_chunks(out, d, false);
	}
}

/* --- matching --------------------------------------------------------------------------------------------------------- */

/* flags_fit: whether the flags of a chunk are as wanted. */
static bool flags_fit(const struct sctp_data *d, uint8_t type, uint8_t flags)
{
	for (unsigned i = 0; i < d->flags_count; i++)
		if (d->flags[i].type == type)
			return (flags & d->flags[i].mask) == d->flags[i].flags;
	return true;
}

/* chunks_fit: walks the chunks from @off. A chunk that is cut or says it is empty drops the packet. */
static bool chunks_fit(const struct sctp_data *d, const struct pkt *p, uint32_t off, struct rule_env *env)
{
	struct chunk_set missing = d->set;

	do {
		const uint8_t *h = pkt_at(p, off, CHUNK_LEN);
		uint32_t len = h ? (uint32_t)h[2] << 8 | h[3] : 0;
		bool fits;

		if (!len) {
			env->hotdrop = true;
			return false;
		}
		off += (len + 3) & ~3u;
		fits = set_has(&d->set, h[0]) && flags_fit(d, h[0], h[1]);
		if (fits && d->how == CHUNK_ANY)
			return true;
		if (fits)
			set_remove(&missing, h[0]);
		else if (d->how == CHUNK_ONLY)
			return false;
	} while (off < p->len);
	return d->how == CHUNK_ONLY || (d->how == CHUNK_ALL && set_all_are(&missing, 0));
}

static bool sctp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct sctp_data *d = data;
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
	if (!port_fits(d->sport, port[0], d->not_sport) || !port_fits(d->dport, port[1], d->not_dport))
		return false;
	return !d->has_chunks || chunks_fit(d, p, p->hdr.l4 + HEADER_LEN, env) != d->not_chunks;
}

const struct match_ops match_sctp = {
	.name = "sctp",
	.proto = IP_PROTO_SCTP,
	.size = sizeof(struct sctp_data),
	OPT_ROWS(rows),
	.init = sctp_init,
	.parse = sctp_parse,
	.print = sctp_print,
	.save = sctp_save,
	.match = sctp_match,
};
