/* match_osf.c - the sender's operating system by its SYN (net/netfilter/xt_osf.c, nfnetlink_osf.c).
 *
 * The kernel compares with fingerprints that nfnl_osf(8) loads; this router has none, and does what the kernel does then: no
 * packet fits, negated or not; with --log it says so of each packet with SYN. */
#include "netstack/netstack.h"
#include "netstack/packet_log.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_GENRE, O_TTL, O_LOG };
enum { GENRE_LEN = 31, LEVEL_MAX = 2, LOG_LEVEL = 5 };

struct osf_data {
	char genre[GENRE_LEN + 1];
	uint8_t ttl, log;
	bool has_ttl, has_log, invert;
};

static const struct opt_row rows[] = {
	{ .name = "genre",
	  .id = O_GENRE,
	  .type = OPT_STRING,
	  .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct osf_data, genre),
	  .max = GENRE_LEN },
	{ .name = "ttl",
	  .id = O_TTL,
	  .type = OPT_U8,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct osf_data, ttl),
	  .max = LEVEL_MAX },
	{ .name = "log",
	  .id = O_LOG,
	  .type = OPT_U8,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct osf_data, log),
	  .max = LEVEL_MAX },
};

static int osf_parse(struct opt_call *c)
{
	struct osf_data *d = c->data;

	if (c->row->id == O_GENRE)
		d->invert = c->invert;
	else
		*(c->row->id == O_TTL ? &d->has_ttl : &d->has_log) = true;
	return 0;
}

static void osf_print(const void *data, bool numeric, struct text *out)
{
	const struct osf_data *d = data;

	(void)numeric;
	text_printf(out, " OS fingerprint match %s%s", d->invert ? "! " : "", d->genre);
}

static void osf_save(const void *data, struct text *out)
{
	const struct osf_data *d = data;

	put_not(out, d->invert);
	text_printf(out, " --genre %s", d->genre);
	if (d->has_ttl)
		text_printf(out, " --ttl %u", d->ttl);
	if (d->has_log)
		text_printf(out, " --log %u", d->log);
}

/* log_unknown: the two lines of the kernel. */
static void log_unknown(const struct pkt *p, const struct tcp_hdr *tcp, const struct hook_state *st)
{
	char line[128];
	struct text out = text_over(line, sizeof line);

	text_puts(&out, "Remote OS is not known: ");
	put_ip4(&out, ip4_hdr(p)->src);
	text_printf(&out, ":%u -> ", __builtin_bswap16(tcp->sport));
	put_ip4(&out, ip4_hdr(p)->dst);
	text_printf(&out, ":%u", __builtin_bswap16(tcp->dport));
	st->ns->ops->log(st->ns->user, LOG_LEVEL, line);
	packet_log(st->ns, LOG_LEVEL, "", p, st->in, st->out, PACKET_LOG_DEFAULT);
}

static bool osf_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct osf_data *d = data;
	const struct tcp_hdr *tcp = d->has_log ? pkt_l4(p, sizeof *tcp) : NULL;

	if (tcp && tcp->flags & TCP_SYN)
		log_unknown(p, tcp, env->st);
	return false;
}

const struct match_ops match_osf = {
	.name = "osf",
	.proto = IP_PROTO_TCP,
	.hooks = HOOK_BIT(PREROUTING) | HOOK_BIT(INPUT) | HOOK_BIT(FORWARD),
	.size = sizeof(struct osf_data),
	OPT_ROWS(rows),
	.parse = osf_parse,
	.print = osf_print,
	.save = osf_save,
	.match = osf_match,
};
