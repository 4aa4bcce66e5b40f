/* target_AUDIT.c - one audit record about the packet (net/netfilter/xt_AUDIT.c).
 *
 * Linux parity: the record as a kernel with auditing on and no audit daemon puts it into its log. The type of the rule is
 * printed back and does nothing else, as in Linux.
 */
#include <strings.h>

#include "netstack/netstack.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_TYPE };
enum { AUDIT_NETFILTER_PKT = 1324, LEVEL_NOTICE = 5 };

struct audit_data {
	uint8_t type; /* of types */
};

static const struct opt_row rows[] = {
	{ .name = "type", .id = O_TYPE, .type = OPT_CUSTOM, .flags = OPTF_MANDATORY },
};

static const char *const types[] = { "accept", "drop", "reject" };
enum { TYPE_COUNT = sizeof types / sizeof types[0] };

static int audit_parse(struct opt_call *c)
{
	for (uint8_t i = 0; i < TYPE_COUNT; i++)
		if (!strcasecmp(c->arg, types[i])) {
			((struct audit_data *)c->data)->type = i;
			return 0;
		}
	return rule_fail(c->err, "Bad action type value \"%s\"", c->arg);
}

static void audit_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_printf(out, " AUDIT %s", types[((const struct audit_data *)data)->type]);
}

static void audit_save(const void *data, struct text *out)
{
	text_printf(out, " --type %s", types[((const struct audit_data *)data)->type]);
}

static enum rule_verdict audit_target(void *data, struct pkt *p, struct rule_env *env)
{
	struct netstack *ns = env->st->ns;
	uint64_t wall = (ns->now + (uint64_t)ns->wall_offset) / 1000000;
	struct addr src = pkt_src(p), dst = pkt_dst(p);
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];

	(void)data;
	netstack_log(ns, LEVEL_NOTICE,
		     "audit: type=%d audit(%llu.%03u:%u): mark=0x%x saddr=%s daddr=%s proto=%u",
		     AUDIT_NETFILTER_PKT, (unsigned long long)(wall / 1000), (unsigned)(wall % 1000),
		     ++env->tables->audit_serial, p->mark, addr_format(&src, FAMILY_IP4, from),
		     addr_format(&dst, FAMILY_IP4, to), p->hdr.proto);
	return RULE_CONTINUE;
}

const struct target_ops target_AUDIT = {
	.name = "AUDIT",
	.size = sizeof(struct audit_data),
	OPT_ROWS(rows),
	.parse = audit_parse,
	.print = audit_print,
	.save = audit_save,
	.target = audit_target,
};
