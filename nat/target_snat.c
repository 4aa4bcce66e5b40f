/* target_snat.c - SNAT: the source becomes one of these addresses and ports (nat: POSTROUTING, INPUT).
 *
 * Linux parity: net/netfilter/xt_nat.c revision 1, whose range has no base port: "MIN-MAX/BASE" is read, and is /0.
 */
#include "nat/nat_int.h"
#include "nat/range.h"
#include "netstack/text.h"

static const struct opt_row options[] = {
	RANGE_ROW_TO("to-source", OPTF_MANDATORY),
	RANGE_ROW_RANDOM,
	RANGE_ROW_RANDOM_FULLY,
	RANGE_ROW_PERSISTENT,
};

/* parse: --to-source. */
static int parse(struct opt_call *c)
{
	struct nat_range *r = c->data;

	if (c->row->id != RANGE_OPT_TO)
		return 0;
	if (range_parse_to(c, c->arg, r))
		return -1;
	r->base_key = 0;
	return 0;
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
	text_puts(out, " --to-source ");
	range_put_to(data, out);
	range_put_flags(data, "--", out);
}

/* target: binds the source. */
static enum rule_verdict target(void *data, struct pkt *p, struct rule_env *env)
{
	return range_apply(data, NAT_MANIP_SRC, p, env);
}

const struct target_ops nat_target_snat = {
	.name = "SNAT",
	.revision = 1,
	.hooks = HOOK_BIT(POSTROUTING) | HOOK_BIT(INPUT),
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
