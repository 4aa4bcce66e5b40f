/* drops.c - the texts of the drop reasons. */
#include "netstack/drops.h"

static const char *const names[DROP_COUNT] = {
	[DROP_NONE] = "none",
#define X(id, text) [DROP_##id] = text,
	DROP_REASONS(X)
#undef X
};

const char *drop_name(enum drop_reason reason)
{
	return names[reason];
}
