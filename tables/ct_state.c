/* ct_state.c - see ct_state.h. */
#include "tables/ct_state.h"
#include "tables/options.h"

static const struct opt_name names[] = {
	{ "INVALID", CT_STATE_INVALID },
	{ "NEW", CT_STATE_NEW },
	{ "RELATED", CT_STATE_RELATED },
	{ "ESTABLISHED", CT_STATE_ESTABLISHED },
	{ "UNTRACKED", CT_STATE_UNTRACKED },
	{ "SNAT", CT_STATE_SNAT },
	{ "DNAT", CT_STATE_DNAT },
	{ NULL, 0 },
};

uint8_t ct_state_parse(const char *text, size_t len, bool nat)
{
	const struct opt_name *n = opt_name_find(names, text, len, false);

	return n && (nat || n->value < CT_STATE_SNAT) ? (uint8_t)n->value : 0;
}

void ct_state_print(struct text *out, uint8_t states)
{
	const char *sep = " ";

	for (const struct opt_name *n = names; n->name; n++) {
		if (!(states & n->value))
			continue;
		text_printf(out, "%s%s", sep, n->name);
		sep = ",";
	}
}
