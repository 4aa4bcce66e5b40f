/* tos.c - see tos.h. */
#include "tables/tos.h"

#include "tables/options.h"

enum { MASK_OF_NAMES = 0x3f };

static const struct opt_name names[] = {
	{ "Minimize-Delay", 0x10 }, { "Maximize-Throughput", 0x08 }, { "Maximize-Reliability", 0x04 },
	{ "Minimize-Cost", 0x02 },  { "Normal-Service", 0x00 },      { NULL, 0 },
};

int tos_parse(struct opt_call *c, struct tos_value *out)
{
	const struct opt_name *n;
	uint64_t value, mask = UINT8_MAX;
	const char *end;

	if (!opt_number(c->arg, &end, 0, UINT8_MAX, &value)) {
		if (*end == '/' && opt_number(end + 1, &end, 0, UINT8_MAX, &mask))
			return rule_fail(c->err, "Illegal value: \"%s\"", c->arg);
		if (*end)
			return rule_fail(c->err, "Illegal value: \"%s\"", c->arg);
		out->value = (uint8_t)value;
		out->mask = (uint8_t)mask;
		return 0;
	}
	n = opt_name_find(names, c->arg, strlen(c->arg), true);
	if (!n)
		return rule_fail(c->err, "Symbolic name \"%s\" is unknown", c->arg);
	out->value = (uint8_t)n->value;
	out->mask = MASK_OF_NAMES;
	return 0;
}

const char *tos_name(const struct tos_value *v)
{
	const struct opt_name *n = v->mask == MASK_OF_NAMES ? opt_name_of(names, v->value) : NULL;

	return n ? n->name : NULL;
}
