/* target_SYNPROXY.c - answers SYNs in the server's name and connects to it only for clients that are there
 * (net/ipv4/netfilter/ipt_SYNPROXY.c). It is meant for SYNs that -j NOTRACK let pass untracked and the acknowledgements
 * that follow them, which are INVALID with nf_conntrack_tcp_loose = 0. See synproxy.c.
 */
#include "netstack/checksum.h"
#include "netstack/netstack.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/synproxy.h"

#include <arpa/inet.h>

enum { O_SACK_PERM, O_TIMESTAMP, O_WSCALE, O_MSS, O_ECN };
enum { COOKIE_TIME_MASK = 0x3f, NS_PER_MS = 1000000 };

struct synproxy_data {
	uint8_t options; /* enum synproxy_bit */
	uint8_t wscale;
	uint16_t mss;
};

static const struct opt_row rows[] = {
	{ .name = "sack-perm", .id = O_SACK_PERM, .type = OPT_NONE },
	{ .name = "timestamp", .id = O_TIMESTAMP, .type = OPT_NONE },
	{ .name = "wscale", .id = O_WSCALE, .type = OPT_U32 },
	{ .name = "mss", .id = O_MSS, .type = OPT_U32 },
	{ .name = "ecn", .id = O_ECN, .type = OPT_NONE },
};

static int synproxy_parse_option(struct opt_call *c)
{
	static const uint8_t bits[] = { [O_SACK_PERM] = SYNPROXY_SACK_PERM,
					[O_TIMESTAMP] = SYNPROXY_TIMESTAMP,
					[O_WSCALE] = SYNPROXY_WSCALE,
					[O_MSS] = SYNPROXY_MSS,
					[O_ECN] = SYNPROXY_ECN };
	struct synproxy_data *d = c->data;
	uint64_t n = 0;

	d->options |= bits[c->row->id];
	if (c->arg)
		(void)opt_number(c->arg, NULL, 0, UINT32_MAX, &n); /* read once already, by the row's type */
	if (c->row->id == O_WSCALE)
		d->wscale = (uint8_t)n; /* iptables cuts it without a word */
	if (c->row->id == O_MSS)
		d->mss = (uint16_t)n;
	return 0;
}

static int synproxy_check(struct opt_call *c)
{
	if (c->spec->proto != IP_PROTO_TCP || c->spec->invert & INV_PROTO)
		return rule_invalid(c->err, "SYNPROXY: needs -p tcp");
	return 0;
}

/* put_options: each with its value. @lead: before each name. */
static void put_options(struct text *out, const struct synproxy_data *d, const char *lead)
{
	if (d->options & SYNPROXY_SACK_PERM)
		text_printf(out, " %ssack-perm", lead);
	if (d->options & SYNPROXY_TIMESTAMP)
		text_printf(out, " %stimestamp", lead);
	if (d->options & SYNPROXY_WSCALE)
		text_printf(out, " %swscale %u", lead, d->wscale);
	if (d->options & SYNPROXY_MSS)
		text_printf(out, " %smss %u", lead, d->mss);
	if (d->options & SYNPROXY_ECN)
		text_printf(out, " %secn", lead);
}

static void synproxy_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " SYNPROXY");
	put_options(out, data, "");
	text_puts(out, " ");
}

static void synproxy_save(const void *data, struct text *out)
{
	put_options(out, data, "--");
}

/* hide_options: puts what the connection to the server will need into our timestamp, which the client echoes. */
static void hide_options(const struct synproxy_data *d, uint64_t now, struct synproxy_options *o)
{
	o->tsecr = o->tsval;
	o->tsval = (uint32_t)(now / NS_PER_MS) & ~(uint32_t)COOKIE_TIME_MASK;
	if (o->options & SYNPROXY_WSCALE) {
		o->tsval |= o->wscale;
		o->wscale = d->wscale;
	} else {
		o->tsval |= SYNPROXY_NO_WSCALE;
	}
	if (o->options & SYNPROXY_SACK_PERM)
		o->tsval |= SYNPROXY_COOKIE_SACK;
	if (o->options & SYNPROXY_ECN)
		o->tsval |= SYNPROXY_COOKIE_ECN;
}

/* answer_syn: the options both know, the size the rule promises. */
static void answer_syn(const struct synproxy_data *d, struct tables *t, const struct pkt *p,
		       const struct tcp_hdr *th, struct synproxy_options *o)
{
	if (th->flags & TCP_ECE && th->flags & TCP_CWR)
		o->options |= SYNPROXY_ECN;
	o->options &= d->options;
	o->mss_seen = o->mss;
	o->mss = d->mss;
	if (o->options & SYNPROXY_TIMESTAMP)
		hide_options(d, t->ns->now, o);
	else
		o->options &= (uint8_t) ~(SYNPROXY_WSCALE | SYNPROXY_SACK_PERM | SYNPROXY_ECN);
	synproxy_send_synack(t, p, th, o);
}

/* taken: the packet has done its work here. */
static enum rule_verdict taken(struct tables *t, struct pkt *p)
{
	t->ns->balance.delivered++;
	pkt_free(p);
	return RULE_STOLEN;
}

static enum rule_verdict synproxy_target(void *data, struct pkt *p, struct rule_env *env)
{
	struct synproxy_options o;
	const struct tcp_hdr *th;
	uint8_t flags;

	if (!csum_l4_verify(p))
		return RULE_DROP;
	th = synproxy_parse(p, &o);
	if (!th)
		return RULE_DROP;
	flags = th->flags & (TCP_SYN | TCP_ACK | TCP_FIN | TCP_RST);
	if (flags == TCP_SYN) {
		answer_syn(data, env->tables, p, th, &o);
		return taken(env->tables, p);
	}
	if (flags != TCP_ACK)
		return RULE_CONTINUE;
	return synproxy_take_ack(env->tables, p, th, &o, ntohl(th->seq)) ? taken(env->tables, p) : RULE_DROP;
}

const struct target_ops target_SYNPROXY = {
	.name = "SYNPROXY",
	.proto = IP_PROTO_TCP,
	.hooks = HOOK_BIT(INPUT) | HOOK_BIT(FORWARD),
	.size = sizeof(struct synproxy_data),
	OPT_ROWS(rows),
	.parse = synproxy_parse_option,
	.check = synproxy_check,
	.print = synproxy_print,
	.save = synproxy_save,
	.target = synproxy_target,
};
