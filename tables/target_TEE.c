/* target_TEE.c - sends a copy of the packet to another machine of a connected network (net/netfilter/xt_TEE.c,
 * net/ipv4/netfilter/nf_dup_ipv4.c).
 *
 * Ownership: the copy is made, counted and consumed here; the packet goes on untouched.
 *
 * Linux parity: the copy is untracked, has DF, and in PREROUTING and INPUT a TTL one lower. It walks OUTPUT and
 * POSTROUTING, where rules with TEE make no further copies. A gateway that is one of the router's own addresses gets none:
 * Linux would route it again and again through lo until its TTL ends.
 */
#include <arpa/inet.h>

#include "netstack/ip4.h"
#include "netstack/netstack.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_GATEWAY, O_OIF };

struct tee_data {
	uint32_t gateway;        /* network order */
	char oif[PORT_NAME_MAX]; /* "" = any */
};

static const struct opt_row rows[] = {
	{ .name = "gateway",
	  .id = O_GATEWAY,
	  .type = OPT_IP4,
	  .flags = OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct tee_data, gateway) },
	{ .name = "oif",
	  .id = O_OIF,
	  .type = OPT_STRING,
	  .flags = OPTF_STORE,
	  .max = PORT_NAME_MAX - 1,
	  .offset = offsetof(struct tee_data, oif) },
};

static int tee_check(struct opt_call *c)
{
	if (c->seen & 1u << O_GATEWAY && !((const struct tee_data *)c->data)->gateway)
		return rule_invalid(c->err, "TEE: the gateway may not be 0.0.0.0");
	return 0;
}

static void tee_print(const void *data, bool numeric, struct text *out)
{
	const struct tee_data *d = data;

	(void)numeric;
	text_puts(out, " TEE gw:");
	put_ip4(out, d->gateway);
	if (*d->oif)
		text_printf(out, " oif=%s", d->oif);
}

static void tee_save(const void *data, struct text *out)
{
	const struct tee_data *d = data;

	text_puts(out, " --gateway ");
	put_ip4(out, d->gateway);
	if (*d->oif)
		text_printf(out, " --oif %s", d->oif);
}

/* route_copy: where the copy goes: the way to the gateway, by the port named where there is one. Return: false if there is
 * no way. */
static bool route_copy(const struct tee_data *d, struct netstack *ns, struct pkt *p)
{
	const struct route_key key = { .dst = d->gateway,
				       .tos = p->hdr.tos,
				       .oif = *d->oif ? port_find(ns, d->oif) : NULL };
	struct route_result res;

	route_lookup(ns, &key, &res);
	if (!res.port || (res.type != ROUTE_UNICAST && res.type != ROUTE_BROADCAST))
		return false;
	p->out = res.port;
	p->next_hop = addr_ip4(res.next_hop);
	p->route_type = (uint8_t)res.type;
	return true;
}

/* mark_copy: what makes the copy a packet of its own. */
static void mark_copy(struct pkt *p, enum hook hook)
{
	struct ip4_hdr *ih = ip4_hdr(p);

	p->ct_info = CT_UNTRACKED;
	p->redirect = false;
	ih->frag |= htons(IP4_DF);
	p->hdr.dont_frag = true;
	if (hook == HOOK_PREROUTING || hook == HOOK_INPUT)
		p->hdr.ttl = --ih->ttl;
}

static enum rule_verdict tee_target(void *data, struct pkt *p, struct rule_env *env)
{
	struct netstack *ns = env->st->ns;
	struct tables *t = env->tables;
	struct pkt *copy = t->tee_busy ? NULL : pkt_clone(p);

	if (!copy)
		return RULE_CONTINUE;
	mark_copy(copy, env->st->hook);
	if (!route_copy(data, ns, copy)) {
		pkt_free(copy);
		return RULE_CONTINUE;
	}
	t->tee_busy = true;
	ip4_send_routed(ns, copy);
	t->tee_busy = false;
	return RULE_CONTINUE;
}

const struct target_ops target_TEE = {
	.name = "TEE",
	.revision = 1,
	.size = sizeof(struct tee_data),
	OPT_ROWS(rows),
	.check = tee_check,
	.print = tee_print,
	.save = tee_save,
	.target = tee_target,
};
