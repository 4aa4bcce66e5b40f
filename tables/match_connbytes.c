/* match_connbytes.c - packets or bytes that a connection has carried (net/netfilter/xt_connbytes.c).
 *
 * As in Linux, a rule with it turns accounting (nf_conntrack_acct) on; connections from before have no counters and do not
 * fit. An inverted range is kept with its ends exchanged.
 */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_BYTES, O_DIR, O_MODE };

struct connbytes_data {
	uint64_t range[2]; /* from > to: inverted */
	uint8_t dir, mode; /* index in dirs, modes */
};

static const struct opt_row rows[] = {
	{ .name = "connbytes", .id = O_BYTES, .type = OPT_U64_RANGE, .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct connbytes_data, range) },
	{ .name = "connbytes-dir", .id = O_DIR, .type = OPT_CUSTOM, .flags = OPTF_MANDATORY },
	{ .name = "connbytes-mode", .id = O_MODE, .type = OPT_CUSTOM, .flags = OPTF_MANDATORY },
};

enum { DIR_ORIGINAL, DIR_REPLY, DIR_BOTH };
enum { MODE_PACKETS, MODE_BYTES, MODE_AVERAGE };
static const struct opt_name dirs[] = {
	{ "original", DIR_ORIGINAL }, { "reply", DIR_REPLY }, { "both", DIR_BOTH }, { NULL, 0 },
};
static const struct opt_name modes[] = {
	{ "packets", MODE_PACKETS }, { "bytes", MODE_BYTES }, { "avgpkt", MODE_AVERAGE }, { NULL, 0 },
};

/* parse_range: FROM, FROM:, FROM:TO, :TO, read by the row's type; a lone FROM has no end. */
static void parse_range(struct opt_call *c, struct connbytes_data *d)
{
	uint64_t from = d->range[0], to = strchr(c->arg, ':') ? d->range[1] : UINT64_MAX;

	d->range[c->invert] = from;
	d->range[!c->invert] = to;
}

/* parse_word: one of @names, whole and as written. */
static int parse_word(struct opt_call *c, const struct opt_name *names, uint8_t *out)
{
	const struct opt_name *n = opt_name_find(names, c->arg, strlen(c->arg), true);

	if (!n || strcmp(n->name, c->arg))
		return rule_fail(c->err, "Unknown --%s `%s'", c->row->name, c->arg);
	*out = (uint8_t)n->value;
	return 0;
}

static int connbytes_parse(struct opt_call *c)
{
	struct connbytes_data *d = c->data;

	switch (c->row->id) {
	case O_BYTES:
		parse_range(c, d);
		return 0;
	case O_DIR:
		return parse_word(c, dirs, &d->dir);
	default:
		return parse_word(c, modes, &d->mode);
	}
}

static void connbytes_start(struct tables *t, void *data)
{
	(void)data;
	t->ctk->conf.acct = 1;
}

/* put_range: " connbytes 1:2" with its `!`; the end is left out where there is none. */
static void put_range(struct text *out, const struct connbytes_data *d, const char *dashes)
{
	bool invert = d->range[0] > d->range[1];

	put_not(out, invert);
	text_printf(out, " %sconnbytes %llu", dashes, (unsigned long long)d->range[invert]);
	if (d->range[!invert] != UINT64_MAX)
		text_printf(out, ":%llu", (unsigned long long)d->range[!invert]);
}

static void connbytes_print(const void *data, bool numeric, struct text *out)
{
	const struct connbytes_data *d = data;

	(void)numeric;
	put_range(out, d, "");
	text_printf(out, " connbytes mode %s connbytes direction %s", modes[d->mode].name, dirs[d->dir].name);
}

static void connbytes_save(const void *data, struct text *out)
{
	const struct connbytes_data *d = data;

	put_range(out, d, "--");
	text_printf(out, " --connbytes-mode %s --connbytes-dir %s", modes[d->mode].name, dirs[d->dir].name);
}

/* measure: what the rule asks of the counters. */
static uint64_t measure(const struct connbytes_data *d, const struct ct_counter *c)
{
	uint64_t packets = 0, bytes = 0;

	for (unsigned i = 0; i < CT_DIRS; i++) {
		if (d->dir != DIR_BOTH && d->dir != i)
			continue;
		packets += c[i].packets;
		bytes += c[i].bytes;
	}
	if (d->mode == MODE_PACKETS)
		return packets;
	if (d->mode == MODE_BYTES)
		return bytes;
	return packets ? bytes / packets : 0;
}

static bool connbytes_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct connbytes_data *d = data;
	uint64_t what;

	(void)env;
	if (!p->ct || !p->ct->extra || !p->ct->extra->has_acct)
		return false;
	what = measure(d, p->ct->extra->acct);
	if (d->range[1] >= d->range[0])
		return what >= d->range[0] && what <= d->range[1];
	return what < d->range[1] || what > d->range[0];
}

const struct match_ops match_connbytes = {
	.name = "connbytes",
	.size = sizeof(struct connbytes_data),
	OPT_ROWS(rows),
	.parse = connbytes_parse,
	.start = connbytes_start,
	.print = connbytes_print,
	.save = connbytes_save,
	.match = connbytes_match,
};
