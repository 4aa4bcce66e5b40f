/* target_TCPMSS.c - lowers the maximum segment size that a SYN offers (net/netfilter/xt_TCPMSS.c).
 *
 * Linux parity: never raises it; adds the option where there is none, the segment is empty and the header has room,
 * with at most the 536 that its absence means (RFC 1122 4.2.2.6).
 */
#include "netstack/netstack.h"
#include "tables/extensions.h"
#include "tables/match_tcp.h"
#include "tables/options.h"
#include "tables/tables_int.h"
#include "tables/tcp_rewrite.h"

enum { O_SET, O_CLAMP };
enum { MSS_LEN = 4, MSS_MAX = 65515, MSS_DEFAULT = 536, HEADER_MAX = 60, OFFSET_AT = 12, CLAMP = UINT16_MAX };
enum { HEADERS = IP4_HLEN + sizeof(struct tcp_hdr) };

struct tcpmss_target {
	uint16_t mss; /* CLAMP: from the path */
};

static const struct opt_row rows[] = {
	{ .name = "set-mss",
	  .id = O_SET,
	  .type = OPT_U16,
	  .flags = OPTF_STORE,
	  .max = MSS_MAX,
	  .offset = offsetof(struct tcpmss_target, mss) },
	{ .name = "clamp-mss-to-pmtu", .id = O_CLAMP, .type = OPT_NONE },
};

static int tcpmss_parse(struct opt_call *c)
{
	if (c->row->id == O_CLAMP)
		((struct tcpmss_target *)c->data)->mss = CLAMP;
	return 0;
}

static int tcpmss_check(struct opt_call *c)
{
	return c->seen ? 0 : rule_fail(c->err, "TCPMSS target: At least one parameter is required");
}

/* tcpmss_hooks: the path is known only where the packet is routed. */
static uint8_t tcpmss_hooks(const void *data)
{
	if (((const struct tcpmss_target *)data)->mss != CLAMP)
		return HOOK_BIT_ALL;
	return HOOK_BIT(FORWARD) | HOOK_BIT(OUTPUT) | HOOK_BIT(POSTROUTING);
}

/* tcpmss_check_rule: a match of the rule must want SYN. */
static const char *tcpmss_check_rule(const struct rule *r)
{
	for (unsigned i = 0; i < r->match_count; i++)
		if (r->match[i].ops == &match_tcp && match_tcp_wants_syn(r->match[i].data))
			return NULL;
	return "Only works on TCP SYN packets";
}

static void tcpmss_print(const void *data, bool numeric, struct text *out)
{
	const struct tcpmss_target *d = data;

	(void)numeric;
	if (d->mss == CLAMP)
		text_puts(out, " TCPMSS clamp to PMTU");
	else
		text_printf(out, " TCPMSS set %u", d->mss);
}

static void tcpmss_save(const void *data, struct text *out)
{
	const struct tcpmss_target *d = data;

	if (d->mss == CLAMP)
		text_puts(out, " --clamp-mss-to-pmtu");
	else
		text_printf(out, " --set-mss %u", d->mss);
}

/* reverse_mtu: the MTU of the way back to the sender; no limit where there is none. */
static uint32_t reverse_mtu(struct netstack *ns, const struct pkt *p)
{
	const struct route_key key = { .dst = ip4_hdr(p)->src };
	struct route_result res;

	route_lookup(ns, &key, &res);
	return res.type != ROUTE_LOCAL && res.port ? res.port->mtu : UINT32_MAX;
}

/* wanted_mss: what the rule says. Return: -1 if the path is too narrow for any. */
static int wanted_mss(const struct tcpmss_target *d, struct netstack *ns, const struct pkt *p)
{
	uint32_t mtu, back;

	if (d->mss != CLAMP)
		return d->mss;
	mtu = p->out && p->route_type != ROUTE_LOCAL ? p->out->mtu : UINT16_MAX;
	back = reverse_mtu(ns, p);
	if (back < mtu)
		mtu = back;
	return mtu > HEADERS ? (int)(mtu - HEADERS) : -1;
}

/* lower: the value of the option at @at of the header, if it is higher than @mss. The value may stand at an odd place: then
 * two words change. */
static void lower(const struct pkt *p, struct tcp_hdr *th, uint32_t at, uint16_t mss)
{
	uint8_t *bytes = (uint8_t *)th;
	uint16_t old = (uint16_t)(bytes[at + 2] << 8 | bytes[at + 3]);

	if (old <= mss)
		return;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t even = (at + 2 + i) & ~1u;
		uint8_t pair[2] = { bytes[even], bytes[even + 1] };
		uint16_t value;

		pair[(at + i) & 1] = (uint8_t)(i ? mss : mss >> 8);
		memcpy(&value, pair, sizeof value);
		tcp_set_word(p, th, even, value);
	}
}

/* grow_ip: the IP header's length after the option was added. */
static void grow_ip(struct pkt *p)
{
	struct ip4_hdr *ih = ip4_hdr(p);
	uint16_t sum = ih->checksum, from = ih->total_len;

	ih->total_len = __builtin_bswap16((uint16_t)(__builtin_bswap16(from) + MSS_LEN));
	csum_replace16(&sum, from, ih->total_len);
	ih->checksum = sum;
}

/* add: the option as the first one. Without room in the packet's storage nothing is done. Return: false then. */
static bool add(struct pkt *p, uint32_t header, uint16_t mss)
{
	const uint8_t option[MSS_LEN] = { TCP_OPT_MSS, MSS_LEN, (uint8_t)(mss >> 8), (uint8_t)mss };
	struct tcp_hdr *th;
	uint8_t *at;
	uint32_t word;
	uint16_t flags;

	if (pkt_reserve_tail(p, MSS_LEN))
		return false;
	p->len += MSS_LEN;
	th = pkt_l4(p, header + MSS_LEN);
	if (!th)
		return false;
	at = (uint8_t *)(th + 1);
	memmove(at + MSS_LEN, at, header - sizeof *th);
	memcpy(at, option, sizeof option);
	memcpy(&word, option, sizeof word);
	csum_l4_replace16(p, &th->checksum, __builtin_bswap16((uint16_t)header),
			  __builtin_bswap16((uint16_t)(header + MSS_LEN)), true);
	csum_l4_replace32(p, &th->checksum, 0, word, false);
	memcpy(&flags, (uint8_t *)th + OFFSET_AT, sizeof flags);
	tcp_set_word(p, th, OFFSET_AT, (uint16_t)(flags + __builtin_bswap16(0x1000)));
	grow_ip(p);
	return true;
}

static enum rule_verdict tcpmss_target(void *data, struct pkt *p, struct rule_env *env)
{
	struct tcp_hdr *th;
	uint32_t header;
	int mss;

	if (p->hdr.frag_off)
		return RULE_CONTINUE;
	th = pkt_l4(p, sizeof *th);
	header = th ? (th->offset >> 4) * 4u : 0;
	if (header < sizeof *th || pkt_l4_len(p) < header)
		return RULE_DROP;
	mss = wanted_mss(data, env->st->ns, p);
	if (mss < 0)
		return RULE_DROP;
	for (uint32_t i = sizeof *th; i + MSS_LEN <= header; i += tcp_option_step((uint8_t *)th, i, header)) {
		const uint8_t *o = (const uint8_t *)th + i;

		if (o[0] == TCP_OPT_MSS && o[1] == MSS_LEN) {
			lower(p, th, i, (uint16_t)mss);
			return RULE_CONTINUE;
		}
	}
	if (pkt_l4_len(p) > header || header >= HEADER_MAX)
		return RULE_CONTINUE;
	return add(p, header, (uint16_t)(mss < MSS_DEFAULT ? mss : MSS_DEFAULT)) ? RULE_CONTINUE : RULE_DROP;
}

const struct target_ops target_TCPMSS = {
	.name = "TCPMSS",
	.proto = IP_PROTO_TCP,
	.size = sizeof(struct tcpmss_target),
	OPT_ROWS(rows),
	.parse = tcpmss_parse,
	.check = tcpmss_check,
	.hooks_for = tcpmss_hooks,
	.check_rule = tcpmss_check_rule,
	.print = tcpmss_print,
	.save = tcpmss_save,
	.target = tcpmss_target,
};
