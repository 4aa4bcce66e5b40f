/* match_multiport.c - up to 15 ports; a range takes two slots (net/netfilter/xt_multiport.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_SOURCE, O_DESTINATION, O_EITHER };
enum { SLOTS = 15, PORTS_LEN = 4 };

struct multiport_data {
	uint16_t port[SLOTS];
	bool begins_range[SLOTS]; /* the next slot is its end */
	uint8_t count;
	uint8_t which; /* O_* */
	uint8_t proto; /* of the rule: for service names */
	bool invert;
};

#define PORTS(word, bit) \
	{ .name = word, .id = bit, .type = OPT_CUSTOM, .flags = OPTF_INVERT, \
	  .excludes = (1u << O_SOURCE | 1u << O_DESTINATION | 1u << O_EITHER) & ~(1u << (bit)) }

static const struct opt_row rows[] = {
	PORTS("source-ports", O_SOURCE),           PORTS("sports", O_SOURCE),
	PORTS("destination-ports", O_DESTINATION), PORTS("dports", O_DESTINATION),
	PORTS("ports", O_EITHER),
};

static const char *const words[] = { "sports", "dports", "ports" };

/* check_proto: only protocols whose header begins with two ports. */
static int check_proto(struct opt_call *c)
{
	const struct rule_spec *s = c->spec;

	if (!(s->invert & INV_PROTO) &&
	    (s->proto == IP_PROTO_TCP || s->proto == IP_PROTO_UDP || s->proto == IP_PROTO_UDPLITE ||
	     s->proto == IP_PROTO_SCTP || s->proto == IP_PROTO_DCCP))
		return 0;
	if (!s->proto)
		return rule_fail(c->err,
				 "multiport needs `-p tcp', `-p udp', `-p udplite', `-p sctp' or `-p dccp'");
	return rule_fail(c->err, "multiport only works with TCP, UDP, UDPLITE, SCTP and DCCP");
}

/* add_port: one port, of @len characters, into the next slot. */
static int add_port(struct opt_call *c, struct multiport_data *d, const char *text, size_t len)
{
	char one[64];

	memcpy(one, text, len < sizeof one ? len : sizeof one - 1);
	one[len < sizeof one ? len : sizeof one - 1] = '\0';
	if (opt_port(one, d->proto, &d->port[d->count]))
		return rule_fail(c->err, "invalid port/service `%s' specified", one);
	d->count++;
	return 0;
}

/* add_item: one port or range A:B, of @len characters. */
static int add_item(struct opt_call *c, struct multiport_data *d, const char *item, size_t len)
{
	const char *colon = memchr(item, ':', len);

	if (d->count == SLOTS || (colon && d->count == SLOTS - 1))
		return rule_fail(c->err, "too many ports specified");
	d->begins_range[d->count] = colon != NULL;
	if (!colon)
		return add_port(c, d, item, len);
	if (add_port(c, d, item, (size_t)(colon - item)) ||
	    add_port(c, d, colon + 1, len - (size_t)(colon - item) - 1))
		return -1;
	if (d->port[d->count - 2] >= d->port[d->count - 1])
		return rule_fail(c->err, "invalid portrange specified");
	return 0;
}

static int multiport_parse(struct opt_call *c)
{
	struct multiport_data *d = c->data;

	if (check_proto(c))
		return -1;
	d->count = 0; /* of two lists both must be right; that they clash is told at the end */
	d->which = c->row->id;
	d->invert = c->invert;
	d->proto = (uint8_t)c->spec->proto;
	for (const char *list = c->arg;; list++) {
		size_t len = strcspn(list, ",");

		if (add_item(c, d, list, len))
			return -1;
		list += len;
		if (!*list)
			return 0;
	}
}

static int multiport_check(struct opt_call *c)
{
	if (!c->seen)
		return rule_fail(c->err, "multiport expection an option");
	return check_proto(c);
}

/* put_list: the ports, joined by commas. */
static void put_list(struct text *out, const struct multiport_data *d, bool numeric)
{
	for (unsigned i = 0; i < d->count; i++) {
		if (i)
			text_puts(out, ",");
		put_port(out, d->port[i], d->proto, numeric);
		if (!d->begins_range[i])
			continue;
		text_puts(out, ":");
		put_port(out, d->port[++i], d->proto, numeric);
	}
}

static void multiport_print(const void *data, bool numeric, struct text *out)
{
	const struct multiport_data *d = data;

	text_printf(out, " multiport %s %s", words[d->which], d->invert ? " !" : "");
	put_list(out, d, numeric);
}

static void multiport_save(const void *data, struct text *out)
{
	const struct multiport_data *d = data;

	put_not(out, d->invert);
	text_printf(out, " --%s ", words[d->which]);
	put_list(out, d, true);
}

/* listed: whether a port (host order) is in the list. */
static inline bool listed(const struct multiport_data *d, uint16_t port)
{
	for (unsigned i = 0; i < d->count; i++) {
		if (!d->begins_range[i]) {
			if (port == d->port[i])
				return true;
			continue;
		}
		if (port >= d->port[i] && port <= d->port[i + 1])
			return true;
		i++;
	}
	return false;
}

static bool multiport_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct multiport_data *d = data;
	const uint8_t *l4;
	bool hit;

	if (p->hdr.frag_off)
		return false;
	l4 = pkt_l4(p, PORTS_LEN);
	if (!l4) {
		env->hotdrop = true;
		return false;
	}
	hit = d->which != O_DESTINATION && listed(d, (uint16_t)(l4[0] << 8 | l4[1]));
	hit = hit || (d->which != O_SOURCE && listed(d, (uint16_t)(l4[2] << 8 | l4[3])));
	return hit != d->invert;
}

const struct match_ops match_multiport = {
	.name = "multiport",
	.revision = 1,
	.size = sizeof(struct multiport_data),
	OPT_ROWS(rows),
	.parse = multiport_parse,
	.check = multiport_check,
	.print = multiport_print,
	.save = multiport_save,
	.match = multiport_match,
};
