/* target_TOS.c - sets bits of the type of service field: (tos & ~mask) ^ value (net/netfilter/xt_DSCP.c tos_tg). */
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/rewrite.h"
#include "tables/tos.h"

enum { O_SET, O_AND, O_OR, O_XOR };
#define ALL (1u << O_SET | 1u << O_AND | 1u << O_OR | 1u << O_XOR)

struct tos_data {
	struct tos_value tos;
};

#define BITS(word, bit) \
	{ .name = word, .id = bit, .type = OPT_U8, .flags = OPTF_STORE, .offset = offsetof(struct tos_data, tos.value), \
	  .excludes = ALL & ~(1u << (bit)) }

static const struct opt_row rows[] = {
	{ .name = "set-tos", .id = O_SET, .type = OPT_CUSTOM, .excludes = ALL & ~(1u << O_SET) },
	BITS("and-tos", O_AND),
	BITS("or-tos", O_OR),
	BITS("xor-tos", O_XOR),
};

static int tos_parse_option(struct opt_call *c)
{
	struct tos_value *tos = &((struct tos_data *)c->data)->tos;

	switch (c->row->id) {
	case O_SET:
		return tos_parse(c, tos);
	case O_AND:
		tos->mask = (uint8_t)~tos->value;
		tos->value = 0;
		return 0;
	case O_OR:
		tos->mask = tos->value;
		return 0;
	default:
		tos->mask = 0;
		return 0;
	}
}

static int tos_check(struct opt_call *c)
{
	return c->seen ? 0 : rule_fail(c->err, "TOS: An action is required");
}

static void tos_print(const void *data, bool numeric, struct text *out)
{
	const struct tos_value *tos = &((const struct tos_data *)data)->tos;
	const char *name = numeric ? NULL : tos_name(tos);

	if (name)
		text_printf(out, "  TOS set%s", name); /* iptables' own blanks */
	else if (!numeric && !tos->value)
		text_printf(out, " TOS and 0x%02x", (uint8_t)~tos->mask);
	else if (!numeric && tos->value == tos->mask)
		text_printf(out, " TOS or 0x%02x", tos->value);
	else if (!numeric && !tos->mask)
		text_printf(out, " TOS xor 0x%02x", tos->value);
	else
		text_printf(out, " TOS set 0x%02x/0x%02x", tos->value, tos->mask);
}

static void tos_save(const void *data, struct text *out)
{
	const struct tos_value *tos = &((const struct tos_data *)data)->tos;

	text_printf(out, " --set-tos 0x%02x/0x%02x", tos->value, tos->mask);
}

static enum rule_verdict tos_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct tos_value *tos = &((const struct tos_data *)data)->tos;

	(void)env;
	rewrite_tos(p, (uint8_t)((p->hdr.tos & ~tos->mask) ^ tos->value));
	return RULE_CONTINUE;
}

const struct target_ops target_TOS = {
	.name = "TOS",
	.revision = 1,
	.tables = TABLE_BIT(MANGLE),
	.size = sizeof(struct tos_data),
	OPT_ROWS(rows),
	.parse = tos_parse_option,
	.check = tos_check,
	.print = tos_print,
	.save = tos_save,
	.target = tos_target,
};
