/* match_conntrack.c - -m conntrack: state, tuples, status, expiry, direction (net/netfilter/xt_conntrack.c). */
#include "tables/ct_state.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/tables_int.h"

enum {
	O_STATE, O_PROTO, O_ORIGSRC, O_ORIGDST, O_REPLSRC, O_REPLDST, O_STATUS, O_EXPIRE,
	O_ORIGSRC_PORT, O_ORIGDST_PORT, O_REPLSRC_PORT, O_REPLDST_PORT, O_DIR,
};

/* The four addresses and the four port ranges are in the order original src, dst, reply src, dst. */
struct conntrack_data {
	struct {
		uint32_t addr, mask;
	} ip[4];
	uint16_t port[4][2];
	uint32_t expire[2];
	uint32_t status;
	uint16_t given, invert; /* bits 1 << O_* */
	uint8_t states;
	uint8_t proto;
	uint8_t dir; /* enum ct_dir */
};

#define CUSTOM(word, bit) { .name = word, .id = bit, .type = OPT_CUSTOM, .flags = OPTF_INVERT }
#define STORED(word, bit, kind, field) \
	{ .name = word, .id = bit, .type = kind, .flags = OPTF_INVERT | OPTF_STORE, \
	  .offset = offsetof(struct conntrack_data, field) }

static const struct opt_row rows[] = {
	CUSTOM("ctstate", O_STATE),
	CUSTOM("ctproto", O_PROTO),
	STORED("ctorigsrc", O_ORIGSRC, OPT_IP4_MASK, ip[0]),
	STORED("ctorigdst", O_ORIGDST, OPT_IP4_MASK, ip[1]),
	STORED("ctreplsrc", O_REPLSRC, OPT_IP4_MASK, ip[2]),
	STORED("ctrepldst", O_REPLDST, OPT_IP4_MASK, ip[3]),
	CUSTOM("ctstatus", O_STATUS),
	STORED("ctexpire", O_EXPIRE, OPT_U32_RANGE, expire),
	STORED("ctorigsrcport", O_ORIGSRC_PORT, OPT_PORT_RANGE, port[0]),
	STORED("ctorigdstport", O_ORIGDST_PORT, OPT_PORT_RANGE, port[1]),
	STORED("ctreplsrcport", O_REPLSRC_PORT, OPT_PORT_RANGE, port[2]),
	STORED("ctrepldstport", O_REPLDST_PORT, OPT_PORT_RANGE, port[3]),
	{ .name = "ctdir", .id = O_DIR, .type = OPT_CUSTOM },
};

static const struct opt_name statuses[] = {
	{ "NONE", 0 },
	{ "EXPECTED", CT_ST_EXPECTED },
	{ "SEEN_REPLY", CT_ST_SEEN_REPLY },
	{ "ASSURED", CT_ST_ASSURED },
	{ "CONFIRMED", CT_ST_CONFIRMED },
	{ NULL, 0 },
};

/* parse_states: the list of --ctstate. */
static int parse_states(struct opt_call *c, struct conntrack_data *d)
{
	for (const char *list = c->arg;; list++) {
		size_t len = strcspn(list, ",");
		uint8_t bit = ct_state_parse(list, len, true);

		if (!bit)
			return rule_fail(c->err, "Bad ctstate \"%s\"", list);
		d->states |= bit;
		list += len;
		if (!*list)
			return 0;
	}
}

/* parse_statuses: the list of --ctstatus. */
static int parse_statuses(struct opt_call *c, struct conntrack_data *d)
{
	for (const char *list = c->arg;; list++) {
		size_t len = strcspn(list, ",");
		const struct opt_name *n = opt_name_find(statuses, list, len, false);

		if (!n)
			return rule_fail(c->err, "Bad ctstatus \"%s\"", list);
		d->status |= n->value;
		list += len;
		if (!*list)
			return 0;
	}
}

/* parse_dir: the word of --ctdir, whole. */
static int parse_dir(struct opt_call *c, struct conntrack_data *d)
{
	static const struct opt_name dirs[] = { { "ORIGINAL", CT_ORIGINAL }, { "REPLY", CT_REPLY }, { NULL, 0 } };
	const struct opt_name *n = opt_name_find(dirs, c->arg, strlen(c->arg), true);

	if (!n)
		return rule_fail(c->err, "conntrack: Bad value for \"--ctdir\" option: \"%s\"", c->arg);
	d->dir = (uint8_t)n->value;
	return 0;
}

/* parse_proto: --ctproto. */
static int parse_proto(struct opt_call *c, struct conntrack_data *d)
{
	int proto = opt_protocol(c);

	if (proto < 0)
		return -1;
	if (!proto) /* no packet has it: refused since 1.8.11 */
		return rule_fail(c->err, c->invert ? "conntrack: condition would always match protocol"
						: "conntrack: rule would never match protocol");
	d->proto = (uint8_t)proto;
	return 0;
}

static int conntrack_parse(struct opt_call *c)
{
	struct conntrack_data *d = c->data;

	d->given = (uint16_t)c->seen;
	d->invert = (uint16_t)c->inverted;
	switch (c->row->id) {
	case O_STATE:
		return parse_states(c, d);
	case O_STATUS:
		return parse_statuses(c, d);
	case O_PROTO:
		return parse_proto(c, d);
	case O_DIR:
		return parse_dir(c, d);
	default:
		return 0;
	}
}

static int conntrack_check(struct opt_call *c)
{
	return c->seen ? 0 : rule_fail(c->err, "conntrack: At least one option is required");
}

/* put_statuses: " EXPECTED,ASSURED", " NONE" for none. */
static void put_statuses(struct text *out, uint32_t status)
{
	const char *sep = " ";

	if (!status)
		text_puts(out, " NONE");
	for (const struct opt_name *n = statuses; n->name; n++) {
		if (!(status & n->value))
			continue;
		text_printf(out, "%s%s", sep, n->name);
		sep = ",";
	}
}

/* put_value: the value of option @id. */
static void put_value(struct text *out, const struct conntrack_data *d, unsigned id, bool numeric)
{
	const uint16_t *port;

	switch (id) {
	case O_STATE:
		ct_state_print(out, d->states);
		break;
	case O_PROTO:
		text_printf(out, " %u", d->proto);
		break;
	case O_ORIGSRC:
	case O_ORIGDST:
	case O_REPLSRC:
	case O_REPLDST:
		text_puts(out, " ");
		if (!numeric && !d->ip[id - O_ORIGSRC].addr)
			text_puts(out, "anywhere");
		else
			put_ip4_mask(out, d->ip[id - O_ORIGSRC].addr, d->ip[id - O_ORIGSRC].mask);
		break;
	case O_STATUS:
		put_statuses(out, d->status);
		break;
	case O_EXPIRE:
		text_printf(out, " %u", d->expire[0]);
		if (d->expire[0] != d->expire[1])
			text_printf(out, ":%u", d->expire[1]);
		break;
	case O_DIR:
		text_puts(out, d->dir == CT_ORIGINAL ? " ORIGINAL" : " REPLY");
		break;
	default:
		port = d->port[id - O_ORIGSRC_PORT];
		text_printf(out, " %u", port[0]);
		if (port[0] != port[1])
			text_printf(out, ":%u", port[1]);
	}
}

/* dump: all given options in iptables' order; @dashes: "--" or "". */
static void dump(const struct conntrack_data *d, const char *dashes, bool numeric, struct text *out)
{
	static const uint8_t order[] = { O_STATE,        O_PROTO,        O_ORIGSRC,      O_ORIGDST, O_REPLSRC,
					 O_REPLDST,      O_ORIGSRC_PORT, O_ORIGDST_PORT, O_REPLSRC_PORT,
					 O_REPLDST_PORT, O_STATUS,       O_EXPIRE,       O_DIR };

	for (size_t i = 0; i < sizeof order; i++) {
		if (!(d->given & 1u << order[i]))
			continue;
		put_not(out, d->invert & 1u << order[i]);
		text_printf(out, " %s%s", dashes, rows[order[i]].name);
		put_value(out, d, order[i], numeric);
	}
}

static void conntrack_print(const void *data, bool numeric, struct text *out)
{
	dump(data, "", numeric, out);
}

static void conntrack_save(const void *data, struct text *out)
{
	dump(data, "--", true, out);
}

/* fits: whether a criterion that is @is agrees with option @id (true where it was not given). */
static inline bool fits(const struct conntrack_data *d, unsigned id, bool is)
{
	bool given = d->given >> id & 1, invert = d->invert >> id & 1;

	return !given || is != invert;
}

/* state_fits: --ctstate. SNAT and DNAT are of the connection, not of the packet. */
static bool state_fits(const struct conntrack_data *d, const struct pkt *p)
{
	uint8_t state = ct_state_of(p);

	if (p->ct && p->ct->status & CT_ST_SRC_NAT)
		state |= CT_STATE_SNAT;
	if (p->ct && p->ct->status & CT_ST_DST_NAT)
		state |= CT_STATE_DNAT;
	return fits(d, O_STATE, state & d->states);
}

#define TUPLE_OPTIONS (1u << O_PROTO | 15u << O_ORIGSRC | 15u << O_ORIGSRC_PORT)

/* tuples_fit: addresses, protocol, ports. Ports of other protocols are their tuple keys, as in Linux. */
static bool tuples_fit(const struct conntrack_data *d, const struct ct_entry *ct)
{
	const struct ct_tuple *o = &ct->tuple[CT_ORIGINAL], *r = &ct->tuple[CT_REPLY];
	const uint32_t ip[] = { o->src.word[0], o->dst.word[0], r->src.word[0], r->dst.word[0] };
	const uint16_t key[] = { o->src_key, o->dst_key, r->src_key, r->dst_key };

	uint32_t is = (uint32_t)(o->proto == d->proto) << O_PROTO; /* criteria that hold, as bits of options */

	for (unsigned i = 0; i < 4; i++) {
		is |= (uint32_t)!((ip[i] ^ d->ip[i].addr) & d->ip[i].mask) << (O_ORIGSRC + i);
		is |= (uint32_t)port_fits(d->port[i], key[i], false) << (O_ORIGSRC_PORT + i);
	}
	return !(~(is ^ d->invert) & d->given & TUPLE_OPTIONS);
}

/* expire_fits: --ctexpire in whole seconds; what is not confirmed has no expiry yet and counts as 0. */
static bool expire_fits(const struct conntrack_data *d, const struct conntrack *ctk, const struct ct_entry *ct)
{
	uint64_t left;

	if (!(d->given & 1u << O_EXPIRE))
		return true;
	left = ct_is_confirmed(ct) ? ct_remaining(ctk, ct) / 1000000000u : 0;
	return fits(d, O_EXPIRE, left >= d->expire[0] && left <= d->expire[1]);
}

static bool conntrack_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct conntrack_data *d = data;

	if (!state_fits(d, p))
		return false;
	if (!p->ct) /* the kernel looks at nothing else then */
		return d->given & 1u << O_STATE;
	return fits(d, O_DIR, ct_dir_of(p->ct_info) == d->dir) && tuples_fit(d, p->ct) &&
	       fits(d, O_STATUS, p->ct->status & d->status) && expire_fits(d, env->tables->ctk, p->ct);
}

const struct match_ops match_conntrack = {
	.name = "conntrack",
	.revision = 3,
	.size = sizeof(struct conntrack_data),
	OPT_ROWS(rows),
	.parse = conntrack_parse,
	.check = conntrack_check,
	.print = conntrack_print,
	.save = conntrack_save,
	.match = conntrack_match,
};
