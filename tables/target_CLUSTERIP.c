/* target_CLUSTERIP.c - the address of a cluster without a load balancer, which Linux had until 6.3 (-m cluster is its heir).
 *
 * Linux parity: Linux 6.18 has no such target: iptables still reads the words, then the kernel refuses the rule.
 */
#include <errno.h>

#include "tables/extensions.h"
#include "tables/tables_int.h"

enum { O_NEW, O_HASHMODE, O_MAC, O_TOTAL, O_LOCAL, O_INIT };
#define ALL (1u << O_NEW | 1u << O_HASHMODE | 1u << O_MAC | 1u << O_TOTAL | 1u << O_LOCAL)

enum { NODES_MAX = 16, MAC_MULTICAST = 1 };

struct clusterip_data {
	uint8_t mac[MAC_LEN];
};

static const struct opt_row rows[] = {
	{ .name = "new", .id = O_NEW, .type = OPT_NONE },
	{ .name = "hashmode", .id = O_HASHMODE, .type = OPT_CUSTOM },
	{ .name = "clustermac",
	  .id = O_MAC,
	  .type = OPT_MAC,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct clusterip_data, mac) },
	{ .name = "total-nodes", .id = O_TOTAL, .type = OPT_U16, .max = NODES_MAX },
	{ .name = "local-node", .id = O_LOCAL, .type = OPT_U16, .max = NODES_MAX },
	{ .name = "hash-init", .id = O_INIT, .type = OPT_U32 },
};

static const char *const modes[] = { "sourceip", "sourceip-sourceport", "sourceip-sourceport-destport" };

/* parse_mode: --hashmode. */
static int parse_mode(struct opt_call *c)
{
	for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
		if (!strcmp(c->arg, modes[i]))
			return 0;
	return rule_fail(c->err, "Unknown hashmode \"%s\"", c->arg);
}

static int clusterip_parse(struct opt_call *c)
{
	const struct clusterip_data *d = c->data;

	if (c->row->id == O_HASHMODE)
		return parse_mode(c);
	if (c->row->id == O_MAC && !(d->mac[0] & MAC_MULTICAST))
		return rule_fail(c->err, "MAC has to be a multicast ethernet address");
	return 0;
}

static int clusterip_check(struct opt_call *c)
{
	if (c->seen && (c->seen & ALL) != ALL)
		return rule_fail(c->err, "CLUSTERIP target: Invalid parameter combination");
	rule_fail_errno(c->err, ENOENT);
	return rule_fail_detail(c->err, "CLUSTERIP is gone since Linux 6.3; -m cluster does the same");
}

static enum rule_verdict clusterip_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)p;
	(void)env;
	return RULE_CONTINUE;
}

const struct target_ops target_CLUSTERIP = {
	.name = "CLUSTERIP",
	.absent = true,
	.size = sizeof(struct clusterip_data),
	OPT_ROWS(rows),
	.parse = clusterip_parse,
	.check = clusterip_check,
	.target = clusterip_target,
};
