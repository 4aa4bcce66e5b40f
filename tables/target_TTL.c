/* target_TTL.c - sets, increases or decreases the TTL, saturating (net/netfilter/xt_HL.c). */
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/rewrite.h"

enum { O_SET, O_INC, O_DEC }; /* the order in which a clash of two is found */
#define ALL (1u << O_SET | 1u << O_DEC | 1u << O_INC)

struct ttl_data {
	uint8_t value;
	uint8_t mode; /* O_* */
};

#define ACTION(word, bit, low) \
	{ .name = word, .id = bit, .type = OPT_U8, .flags = OPTF_STORE, .min = low, .max = UINT8_MAX, \
	  .offset = offsetof(struct ttl_data, value), .excludes = ALL & ~(1u << (bit)) }

static const struct opt_row rows[] = {
	ACTION("ttl-set", O_SET, 0),
	ACTION("ttl-dec", O_DEC, 1),
	ACTION("ttl-inc", O_INC, 1),
};

static int ttl_parse(struct opt_call *c)
{
	((struct ttl_data *)c->data)->mode = c->row->id;
	return 0;
}

static int ttl_check(struct opt_call *c)
{
	return c->seen ? 0 : rule_fail(c->err, "TTL: You must specify an action");
}

static void ttl_print(const void *data, bool numeric, struct text *out)
{
	static const char *const does[] = { "set to", "increment by", "decrement by" };
	const struct ttl_data *d = data;

	(void)numeric;
	text_printf(out, " TTL %s %u", does[d->mode], d->value);
}

static void ttl_save(const void *data, struct text *out)
{
	static const char *const words[] = { "set", "inc", "dec" };
	const struct ttl_data *d = data;

	text_printf(out, " --ttl-%s %u", words[d->mode], d->value);
}

static enum rule_verdict ttl_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct ttl_data *d = data;
	int ttl = d->mode == O_SET ? d->value : d->mode == O_INC ? p->hdr.ttl + d->value : p->hdr.ttl - d->value;

	(void)env;
	rewrite_ttl(p, (uint8_t)(ttl > UINT8_MAX ? UINT8_MAX : ttl < 0 ? 0 : ttl));
	return RULE_CONTINUE;
}

const struct target_ops target_TTL = {
	.name = "TTL",
	.tables = TABLE_BIT(MANGLE),
	.size = sizeof(struct ttl_data),
	OPT_ROWS(rows),
	.parse = ttl_parse,
	.check = ttl_check,
	.print = ttl_print,
	.save = ttl_save,
	.target = ttl_target,
};
