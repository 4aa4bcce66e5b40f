/* target_SECMARK.c - the security mark of a packet (net/netfilter/xt_SECMARK.c).
 *
 * Linux parity: the kernel asks its security module what number the context has. Without a module, as here, no context has
 * one, and each rule is refused once its text is right.
 */
#include <errno.h>

#include "tables/extensions.h"
#include "tables/tables_int.h"

enum { O_CONTEXT };
enum { CONTEXT_MAX = 255 };

static const struct opt_row rows[] = {
	{ .name = "selctx",
	  .id = O_CONTEXT,
	  .type = OPT_STRING,
	  .flags = OPTF_MANDATORY,
	  .max = CONTEXT_MAX },
};

static int secmark_check(struct opt_call *c)
{
	if (!c->seen)
		return 0;
	if (c->table != TABLE_MANGLE && c->table != TABLE_SECURITY)
		return rule_invalid(c->err, "SECMARK: only valid in table mangle or security");
	rule_fail_errno(c->err, ENOENT);
	return rule_fail_detail(c->err,
				"SECMARK: unable to map security context: there is no security module");
}

static enum rule_verdict secmark_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)p;
	(void)env;
	return RULE_CONTINUE;
}

const struct target_ops target_SECMARK = {
	.name = "SECMARK",
	.revision = 1,
	OPT_ROWS(rows),
	.check = secmark_check,
	.target = secmark_target,
};
