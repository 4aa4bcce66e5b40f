/* match_cluster.c - --cluster-local-node(mask): this node's share of the connections (net/netfilter/xt_cluster.c).
 *
 * Several routers see the same frames, and each takes the connections that fall to it: a hash of the address that began the
 * connection, or its master, chooses among the nodes. To be seen by all, frames may come to a multicast MAC address though
 * the IP packet goes to one host: the match makes such a packet one for this host.
 */
#include "conntrack/conntrack.h"
#include "tables/extensions.h"
#include "tables/jhash.h"
#include "tables/options.h"

enum { O_TOTAL, O_NODE, O_MASK, O_SEED };
enum { NODES_MAX = 32 };

struct cluster_data {
	uint32_t total, node_mask, seed;
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "cluster-total-nodes", .id = O_TOTAL, .type = OPT_U32, .flags = OPTF_STORE | OPTF_MANDATORY, .min = 1,
	  .max = NODES_MAX, .offset = offsetof(struct cluster_data, total) },
	{ .name = "cluster-local-node", .id = O_NODE, .type = OPT_U32, .flags = OPTF_STORE | OPTF_INVERT, .min = 1,
	  .max = NODES_MAX, .excludes = 1u << O_MASK, .offset = offsetof(struct cluster_data, node_mask) },
	/* iptables holds the mask to the range of a number too. */
	{ .name = "cluster-local-nodemask", .id = O_MASK, .type = OPT_U32, .flags = OPTF_STORE | OPTF_INVERT, .min = 1,
	  .max = NODES_MAX, .excludes = 1u << O_NODE, .offset = offsetof(struct cluster_data, node_mask) },
	{ .name = "cluster-hash-seed", .id = O_SEED, .type = OPT_U32, .flags = OPTF_STORE | OPTF_MANDATORY,
	  .offset = offsetof(struct cluster_data, seed) },
};

/* cluster_parse: a node becomes its bit. */
static int cluster_parse(struct opt_call *c)
{
	struct cluster_data *d = c->data;

	d->invert = d->invert || c->invert;
	if (c->row->id == O_NODE)
		d->node_mask = 1u << (d->node_mask - 1);
	return 0;
}

static int cluster_check(struct opt_call *c)
{
	const struct cluster_data *d = c->data;

	if (!(c->seen & (1u << O_NODE | 1u << O_MASK)))
		return rule_fail(c->err, "cluster match: `--cluster-local-node' or`--cluster-local-nodemask' is missing");
	if (~c->seen & (1u << O_TOTAL | 1u << O_SEED)) /* what is missing is told first */
		return 0;
	if ((uint64_t)d->node_mask >> d->total == 0)
		return 0;
	if (c->seen & 1u << O_NODE)
		return rule_fail(c->err, "cluster match: `--cluster-local-node' must be <= `--cluster-total-nodes'");
	return rule_fail(c->err, "cluster match: `--cluster-local-nodemask' too big for `--cluster-total-nodes'");
}

static void cluster_print(const void *data, bool numeric, struct text *out)
{
	const struct cluster_data *d = data;

	(void)numeric;
	text_printf(out, " cluster %snode_mask=0x%08x total_nodes=%u hash_seed=0x%08x", d->invert ? "!" : "",
		    d->node_mask, d->total, d->seed);
}

static void cluster_save(const void *data, struct text *out)
{
	const struct cluster_data *d = data;

	put_not(out, d->invert);
	text_printf(out, " --cluster-local-nodemask 0x%08x --cluster-total-nodes %u --cluster-hash-seed 0x%08x",
		    d->node_mask, d->total, d->seed);
}

/* node_of: the number, from 0, of the node that takes the connections from @source (network order). */
static unsigned node_of(const struct cluster_data *d, uint32_t source)
{
	return (unsigned)((uint64_t)jhash_1word(source, d->seed) * d->total >> 32);
}

static bool cluster_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct cluster_data *d = data;
	const struct ct_entry *ct = p->ct;

	(void)env;
	if (p->type == PKT_MULTICAST && !ip4_is_multicast(ip4_hdr(p)->dst))
		p->type = PKT_HOST;
	if (!ct || ct->status & CT_ST_TEMPLATE)
		return false;
	if (ct_master(ct))
		ct = ct_master(ct);
	return (d->node_mask >> node_of(d, ct->tuple[CT_ORIGINAL].src.word[0]) & 1) != d->invert;
}

const struct match_ops match_cluster = {
	.name = "cluster",
	.size = sizeof(struct cluster_data),
	OPT_ROWS(rows),
	.parse = cluster_parse,
	.check = cluster_check,
	.print = cluster_print,
	.save = cluster_save,
	.match = cluster_match,
};
