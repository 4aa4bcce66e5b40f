/* target_REJECT.c - drops and answers (net/ipv4/netfilter/ipt_REJECT.c, nf_reject_ipv4.c). */
#include <strings.h>

#include "conntrack/proto.h"
#include "netstack/checksum.h"
#include "netstack/icmp.h"
#include "netstack/ip4.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_WITH };
enum { CODE_RESET = 255 };

struct reject_data {
	uint8_t row; /* of types */
};

static const struct opt_row rows[] = {
	{ .name = "reject-with", .id = O_WITH, .type = OPT_CUSTOM },
};

/* In the order in which abbreviations are looked up. */
static const struct {
	const char *name, *alias;
	uint8_t code; /* of ICMP type 3 */
} types[] = {
	{ "icmp-net-unreachable", "net-unreach", ICMP_NET_UNREACH },
	{ "icmp-host-unreachable", "host-unreach", ICMP_HOST_UNREACH },
	{ "icmp-proto-unreachable", "proto-unreach", ICMP_PROTO_UNREACH },
	{ "icmp-port-unreachable", "port-unreach", ICMP_PORT_UNREACH },
	{ "icmp-net-prohibited", "net-prohib", ICMP_NET_ANO },
	{ "icmp-host-prohibited", "host-prohib", ICMP_HOST_ANO },
	{ "tcp-reset", "tcp-rst", CODE_RESET },
	{ "icmp-admin-prohibited", "admin-prohib", ICMP_PKT_FILTERED },
};
enum { TYPE_COUNT = sizeof types / sizeof types[0], TYPE_DEFAULT = 3 };

static void reject_init(void *data)
{
	((struct reject_data *)data)->row = TYPE_DEFAULT;
}

static int reject_parse(struct opt_call *c)
{
	size_t len = strlen(c->arg);

	for (uint8_t i = 0; i < TYPE_COUNT; i++)
		if (!strncasecmp(types[i].name, c->arg, len) || !strncasecmp(types[i].alias, c->arg, len)) {
			((struct reject_data *)c->data)->row = i;
			return 0;
		}
	return rule_fail(c->err, "unknown reject type \"%s\"", c->arg);
}

static int reject_check(struct opt_call *c)
{
	const struct reject_data *d = c->data;

	if (types[d->row].code == CODE_RESET && (c->spec->proto != IP_PROTO_TCP || c->spec->invert & INV_PROTO))
		return rule_invalid(c->err, "REJECT target: tcp-reset is only valid with -p tcp");
	return 0;
}

static void reject_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_printf(out, " reject-with %s", types[((const struct reject_data *)data)->row].name);
}

static void reject_save(const void *data, struct text *out)
{
	text_printf(out, " --reject-with %s", types[((const struct reject_data *)data)->row].name);
}

/* checksum_right: whether the packet's own checksum holds: what is broken is not answered (nf_reject_verify_csum; protocols
 * without a checksum over the whole payload are not looked at, others must sum to zero). */
static bool checksum_right(struct pkt *p)
{
	if (p->csum != CSUM_NONE)
		return true;
	switch (p->hdr.proto) {
	case IP_PROTO_TCP:
	case IP_PROTO_UDP:
	case IP_PROTO_ICMP:
		return csum_hook_verify(p);
	case IP_PROTO_GRE:
	case IP_PROTO_AH:
	case IP_PROTO_ESP:
	case IP_PROTO_SCTP:
	case IP_PROTO_UDPLITE:
	case IP_PROTO_DCCP:
		return true;
	default:
		return csum_bytes(p->data, p->len) == 0; /* the IP header sums to zero */
	}
}

/* close_connection: a reset by the router ends the connection: CLOSE with its short timeout
 * (nf_conntrack_tcp_set_closing). */
static void close_connection(struct conntrack *ctk, struct ct_entry *ct)
{
	const uint64_t *timeouts = ctk->conf.tcp_timeout;

	if (!ct || !ct_is_confirmed(ct) || ct->tuple[CT_ORIGINAL].proto != IP_PROTO_TCP ||
	    ct->tcp.state == CT_TCP_CLOSE)
		return;
	if (ct->extra && ct->extra->timeouts)
		timeouts = ct->extra->timeouts;
	ct->tcp.state = CT_TCP_CLOSE;
	ct_refresh(ctk, ct, NULL, timeouts[CT_TCP_CLOSE]);
	ct_event_add(ct, CT_EV_PROTO);
}

static enum rule_verdict reject_target(void *data, struct pkt *p, struct rule_env *env)
{
	uint8_t code = types[((const struct reject_data *)data)->row].code;

	if (code == CODE_RESET) {
		if (tcp_send_reset(env->st->ns, p, true))
			close_connection(env->tables->ctk, p->ct);
	} else if (!p->hdr.frag_off && checksum_right(p)) {
		icmp_send_error(env->st->ns, p, ICMP_UNREACHABLE, code, 0);
	}
	p->drop = DROP_RULE_REJECT;
	return RULE_DROP;
}

const struct target_ops target_REJECT = {
	.name = "REJECT",
	.hooks = HOOK_BIT(INPUT) | HOOK_BIT(FORWARD) | HOOK_BIT(OUTPUT),
	.tables = TABLE_BIT(FILTER),
	.size = sizeof(struct reject_data),
	OPT_ROWS(rows),
	.init = reject_init,
	.parse = reject_parse,
	.check = reject_check,
	.print = reject_print,
	.save = reject_save,
	.target = reject_target,
};
