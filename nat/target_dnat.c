/* target_dnat.c - DNAT: the destination becomes one of these addresses and ports (nat: PREROUTING, OUTPUT).
 *
 * Linux parity: net/netfilter/xt_nat.c revision 2.
 */
#include "nat/nat_int.h"
#include "nat/range.h"
#include "netstack/text.h"

static const struct opt_row options[] = {
	RANGE_ROW_TO("to-destination", OPTF_MANDATORY),
	RANGE_ROW_RANDOM,
	RANGE_ROW_PERSISTENT,
};

/* parse: --to-destination. */
static int parse(struct opt_call *c)
{
	return c->row->id == RANGE_OPT_TO ? range_parse_to(c, c->arg, c->data) : 0;
}

/* print, save: as iptables -L and iptables-save show it. */
static void print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " to:");
	range_put_to(data, out);
	range_put_flags(data, "", out);
}

static void save(const void *data, struct text *out)
{
	text_puts(out, " --to-destination ");
	range_put_to(data, out);
	range_put_flags(data, "--", out);
}

/* target: binds the destination. */
static enum rule_verdict target(void *data, struct pkt *p, struct rule_env *env)
{
	return range_apply(data, NAT_MANIP_DST, p, env);
}

const struct target_ops nat_target_dnat = {
	.name = "DNAT",
	.revision = 2,
	.hooks = HOOK_BIT(PREROUTING) | HOOK_BIT(OUTPUT),
	.tables = TABLE_BIT(NAT),
	.size = sizeof(struct nat_range),
	.options = options,
	.option_count = sizeof options / sizeof *options,
	.parse = parse,
	.check = range_check,
	.print = print,
	.save = save,
	.target = target,
};
