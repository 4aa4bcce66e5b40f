/* fuzz_ini.c - any bytes as a configuration: read, tried on an engine, linted. Nothing may crash, leak or go unsaid: what is
 * refused has a line of text. */
#include "router/apply.h"
#include "router/config.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A trial builds an engine: worth it for configurations that are sound so far, and small ones. */
enum { TRIAL_SIZE_MAX = 4096 };

/* frugal: whether the engine for it stays small. */
static int frugal(const struct config *c)
{
	struct engine_limits l = config_engine_limits(c);

	return l.conntrack.max <= CT_LIMITS_DEFAULT.max && l.conntrack.buckets <= CT_LIMITS_DEFAULT.buckets &&
	       l.netstack.pool_large <= 4096 && l.netstack.pool_small <= 65536 && l.netstack.routes <= 65536 &&
	       l.conntrack.expect_max <= 65536;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems ps = { 0 };
	struct config *c = config_parse("fuzz.ini", (const char *)data, size, &ps);

	if (!c && !ps.count)
		abort();
	if (c && !ps.count && size <= TRIAL_SIZE_MAX && frugal(c))
		apply_trial(c, &ps);
	if (c)
		config_lint(c, &ps);
	problems_sort(&ps);
	if (ps.count && !ps.text.len)
		abort();
	problems_free(&ps);
	config_free(c);
	return 0;
}
