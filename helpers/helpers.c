/* helpers.c - see helpers.h.
 *
 * Linux parity: net/netfilter/nf_conntrack_helper.c (nf_ct_helper_log), nf_nat_helper.c (nf_nat_exp_find_port).
 */
#include "helpers/helpers.h"

#include "netstack/netstack.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { PORT_TRIES = 128 };

static const struct ct_helper *const all[] = { &helper_ftp };

struct helpers *helpers_create(struct netstack *ns, struct conntrack *ctk, struct nat *nat)
{
	struct helpers *h = calloc(1, sizeof *h);

	if (!h)
		return NULL;
	h->ns = ns;
	h->ctk = ctk;
	h->nat = nat;
	h->drop_log = RATELIMIT_DEFAULT;
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (ct_helper_register(ctk, all[i], h)) {
			helpers_destroy(h);
			return NULL;
		}
	return h;
}

void helpers_destroy(struct helpers *h)
{
	free(h);
}

/* One option of a helper: a truth value in struct helpers. */
struct option {
	const char *helper, *key;
	size_t offset;
};

static const struct option options[] = {
	{ "ftp", "loose", offsetof(struct helpers, ftp_loose) },
};

/* parse_bool: yes/no, on/off, true/false, 1/0, in any case. Return: 0 or -EINVAL. */
static int parse_bool(const char *text, bool *out)
{
	static const char *const words[2][4] = { { "no", "off", "false", "0" },
						 { "yes", "on", "true", "1" } };

	for (int value = 0; value < 2; value++)
		for (int i = 0; i < 4; i++)
			if (!strcasecmp(text, words[value][i])) {
				*out = value;
				return 0;
			}
	return -EINVAL;
}

int helpers_set(struct helpers *h, const char *helper, const char *key, const char *value)
{
	for (size_t i = 0; i < sizeof options / sizeof *options; i++)
		if (!strcasecmp(options[i].helper, helper) && !strcasecmp(options[i].key, key))
			return parse_bool(value, (bool *)(void *)((char *)h + options[i].offset));
	return -ENOENT;
}

void helper_drop_log(struct helpers *h, const char *helper, const char *format, ...)
{
	char line[256];
	va_list args;

	if (!ratelimit_ok(&h->drop_log, h->ns->now))
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	netstack_log(h->ns, LOG_LEVEL_INFO, "nf_ct_%s: dropping packet: %s", helper, line);
}

uint16_t helper_expect_port(struct helpers *h, struct ct_expect *x, uint16_t port)
{
	uint32_t above = UINT16_MAX - port, tries = above < PORT_TRIES ? above : PORT_TRIES;
	uint16_t wanted = port;

	/* Linux expects port 0, takes the 0 for a failure and drops: the same for the packet, without the leftover. */
	if (!port)
		return 0;
	for (;;) {
		int err;

		x->tuple.dst_key = htons(wanted);
		err = ct_expect_insert(h->ctk, x);
		if (!err)
			return wanted;
		if (err != -EBUSY || !tries--)
			return 0;
		wanted = (uint16_t)(port + netstack_random_below(h->ns, above));
	}
}
