/* status_shared.c - what rules share by name: net/xt_recent/NAME and net/ipt_hashlimit/NAME. */
#include "router/status_int.h"
#include "tables/hashlimit.h"
#include "tables/recent.h"

void status_recent(const struct status *st, const struct status_args *args, struct text *out)
{
	recent_print(st->engine->tables, args->shared, out);
}

int status_recent_write(struct status *st, const struct status_args *args, const char *value)
{
	return recent_write(st->engine->tables, args->shared, value);
}

void status_hashlimit(const struct status *st, const struct status_args *args, struct text *out)
{
	hashlimit_print(st->engine->tables, args->shared, out);
}
