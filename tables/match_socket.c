/* match_socket.c - whether a packet is for a socket of this host (net/netfilter/xt_socket.c). The router has none that a
 * packet could be for: no packet fits. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_TRANSPARENT, O_NOWILDCARD, O_RESTORE };

struct socket_data {
	bool transparent, nowildcard, restore;
};

#define FLAG(word, bit, field)                                                  \
	{                                                                       \
		.name = word, .id = bit, .type = OPT_NONE, .flags = OPTF_STORE, \
		.offset = offsetof(struct socket_data, field)                   \
	}

static const struct opt_row rows[] = {
	FLAG("transparent", O_TRANSPARENT, transparent),
	FLAG("nowildcard", O_NOWILDCARD, nowildcard),
	FLAG("restore-skmark", O_RESTORE, restore),
};

static void socket_save(const void *data, struct text *out)
{
	const struct socket_data *d = data;

	text_puts(out, d->transparent ? " --transparent" : "");
	text_puts(out, d->nowildcard ? " --nowildcard" : "");
	text_puts(out, d->restore ? " --restore-skmark" : "");
}

static void socket_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " socket");
	socket_save(data, out);
}

static bool socket_match(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)p;
	(void)env;
	return false;
}

const struct match_ops match_socket = {
	.name = "socket",
	.revision = 3,
	.hooks = HOOK_BIT(PREROUTING) | HOOK_BIT(INPUT),
	.size = sizeof(struct socket_data),
	OPT_ROWS(rows),
	.print = socket_print,
	.save = socket_save,
	.match = socket_match,
};
