/* target_LOG.c - one log line about the packet (net/netfilter/xt_LOG.c). */
#include <strings.h>

#include "netstack/packet_log.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_LEVEL, O_PREFIX, O_SEQUENCE, O_TCP_OPTIONS, O_IP_OPTIONS, O_UID, O_MAC };
enum { PREFIX_MAX = 29, LEVEL_DEFAULT = 4 };

struct log_data {
	uint8_t level;
	uint8_t flags; /* enum packet_log_flag */
	char prefix[PREFIX_MAX + 1];
};

static const struct opt_row rows[] = {
	{ .name = "log-level", .id = O_LEVEL, .type = OPT_CUSTOM },
	{ .name = "log-prefix", .id = O_PREFIX, .type = OPT_STRING, .flags = OPTF_STORE, .min = 1, .max = PREFIX_MAX,
	  .offset = offsetof(struct log_data, prefix) },
	{ .name = "log-tcp-sequence", .id = O_SEQUENCE, .type = OPT_NONE },
	{ .name = "log-tcp-options", .id = O_TCP_OPTIONS, .type = OPT_NONE },
	{ .name = "log-ip-options", .id = O_IP_OPTIONS, .type = OPT_NONE },
	{ .name = "log-uid", .id = O_UID, .type = OPT_NONE },
	{ .name = "log-macdecode", .id = O_MAC, .type = OPT_NONE },
};

/* The flags in the order in which they are printed: option id, bit, word of -L. */
static const struct {
	uint8_t id, bit;
	const char *word;
} switches[] = {
	{ O_SEQUENCE, PACKET_LOG_TCP_SEQUENCE, "tcp-sequence" },
	{ O_TCP_OPTIONS, PACKET_LOG_TCP_OPTIONS, "tcp-options" },
	{ O_IP_OPTIONS, PACKET_LOG_IP_OPTIONS, "ip-options" },
	{ O_UID, PACKET_LOG_UID, "uid" },
	{ O_MAC, PACKET_LOG_MAC_DECODE, "macdecode" },
};
enum { SWITCH_COUNT = sizeof switches / sizeof switches[0] };

/* Names that --log-level takes; the ones that -L prints differ for 3 and 4. */
static const char *const taken[] = { "emerg", "alert", "crit", "error", "warning", "notice", "info", "debug" };
static const char *const shown[] = { "emerg", "alert", "crit", "err", "warn", "notice", "info", "debug" };

static void log_init(void *data)
{
	((struct log_data *)data)->level = LEVEL_DEFAULT;
}

/* parse_level: 0..7 or a name. */
static int parse_level(struct opt_call *c, uint8_t *level)
{
	uint64_t n;

	if (!opt_number(c->arg, NULL, 0, 7, &n)) {
		*level = (uint8_t)n;
		return 0;
	}
	for (unsigned i = 0; i < 8; i++)
		if (!strcmp(c->arg, taken[i])) {
			*level = (uint8_t)i;
			return 0;
		}
	if (!strcmp(c->arg, "panic")) {
		*level = 0;
		return 0;
	}
	rule_fail(c->err, "log level \"%s\" unknown", c->arg);
	c->err->blank = true;
	return -1;
}

static int log_parse(struct opt_call *c)
{
	struct log_data *d = c->data;

	if (c->row->id == O_LEVEL)
		return parse_level(c, &d->level);
	if (c->row->id == O_PREFIX && strchr(c->arg, '\n'))
		return rule_fail(c->err, "LOG: Newlines not allowed in --log-prefix");
	for (unsigned i = 0; i < SWITCH_COUNT; i++)
		if (switches[i].id == c->row->id)
			d->flags |= switches[i].bit;
	return 0;
}

static void log_print(const void *data, bool numeric, struct text *out)
{
	const struct log_data *d = data;

	if (numeric)
		text_printf(out, " LOG flags %u level %u", d->flags, d->level);
	else
		text_printf(out, " LOG level %s", shown[d->level]);
	for (unsigned i = 0; !numeric && i < SWITCH_COUNT; i++)
		if (d->flags & switches[i].bit)
			text_printf(out, " %s", switches[i].word);
	if (*d->prefix)
		text_printf(out, " prefix \"%s\"", d->prefix);
}

static void log_save(const void *data, struct text *out)
{
	const struct log_data *d = data;

	if (*d->prefix) {
		text_puts(out, " --log-prefix");
		put_word(out, d->prefix);
	}
	if (d->level != LEVEL_DEFAULT)
		text_printf(out, " --log-level %u", d->level);
	for (unsigned i = 0; i < SWITCH_COUNT; i++)
		if (d->flags & switches[i].bit)
			text_printf(out, " --%s", rows[switches[i].id].name);
}

static enum rule_verdict log_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct log_data *d = data;
	const struct hook_state *st = env->st;

	packet_log(st->ns, d->level, d->prefix, p, st->in, st->out, d->flags);
	return RULE_CONTINUE;
}

const struct target_ops target_LOG = {
	.name = "LOG",
	.size = sizeof(struct log_data),
	OPT_ROWS(rows),
	.init = log_init,
	.parse = log_parse,
	.print = log_print,
	.save = log_save,
	.target = log_target,
};
