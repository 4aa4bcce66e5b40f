/* target_TPROXY.c - gives the packet to a transparent proxy on this machine (net/netfilter/xt_TPROXY.c). No program can have
 * a socket on a router in userspace, and without a socket that fits Linux drops the packet. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_PORT, O_IP, O_MARK };

struct tproxy_data {
	uint16_t port; /* host order */
	uint32_t ip;   /* network order */
	uint32_t mark, mask;
};

static const struct opt_row rows[] = {
	{ .name = "on-port",
	  .id = O_PORT,
	  .type = OPT_PORT,
	  .flags = OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct tproxy_data, port) },
	{ .name = "on-ip",
	  .id = O_IP,
	  .type = OPT_IP4,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct tproxy_data, ip) },
	{ .name = "tproxy-mark",
	  .id = O_MARK,
	  .type = OPT_MARKMASK,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct tproxy_data, mark) },
};

static int tproxy_check(struct opt_call *c)
{
	uint16_t proto = c->spec->proto;

	if (!(c->seen & 1u << O_PORT))
		return 0; /* said by the rows */
	if ((proto != IP_PROTO_TCP && proto != IP_PROTO_UDP) || c->spec->invert & INV_PROTO)
		return rule_invalid(c->err, "TPROXY: Can be used only with -p tcp or -p udp");
	return 0;
}

static void tproxy_print(const void *data, bool numeric, struct text *out)
{
	const struct tproxy_data *d = data;

	(void)numeric;
	text_puts(out, " TPROXY redirect ");
	put_ip4(out, d->ip);
	text_printf(out, ":%u mark 0x%x/0x%x", d->port, d->mark, d->mask);
}

static void tproxy_save(const void *data, struct text *out)
{
	const struct tproxy_data *d = data;

	text_printf(out, " --on-port %u --on-ip ", d->port);
	put_ip4(out, d->ip);
	text_printf(out, " --tproxy-mark 0x%x/0x%x", d->mark, d->mask);
}

static enum rule_verdict tproxy_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)p;
	(void)env;
	return RULE_DROP;
}

const struct target_ops target_TPROXY = {
	.name = "TPROXY",
	.revision = 1,
	.hooks = HOOK_BIT(PREROUTING),
	.tables = TABLE_BIT(MANGLE),
	.size = sizeof(struct tproxy_data),
	OPT_ROWS(rows),
	.check = tproxy_check,
	.print = tproxy_print,
	.save = tproxy_save,
	.target = tproxy_target,
};
