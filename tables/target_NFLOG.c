/* target_NFLOG.c - gives a copy of the packet to a logging program (net/netfilter/xt_NFLOG.c). No program can listen to a
 * router in userspace: the packet goes on, as in Linux when nobody listens to the group. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_GROUP, O_PREFIX, O_RANGE, O_SIZE, O_THRESHOLD };
enum { PREFIX_MAX = 63 };

struct nflog_data {
	uint32_t length; /* of --nflog-size or --nflog-range */
	uint16_t group;
	uint16_t threshold;
	bool size; /* --nflog-size was given */
	char prefix[PREFIX_MAX + 1];
};

static const struct opt_row rows[] = {
	{ .name = "nflog-group",
	  .id = O_GROUP,
	  .type = OPT_U16,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct nflog_data, group) },
	{ .name = "nflog-prefix",
	  .id = O_PREFIX,
	  .type = OPT_STRING,
	  .flags = OPTF_STORE,
	  .min = 1,
	  .max = PREFIX_MAX,
	  .offset = offsetof(struct nflog_data, prefix) },
	{ .name = "nflog-range",
	  .id = O_RANGE,
	  .type = OPT_U32,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct nflog_data, length),
	  .excludes = 1u << O_SIZE },
	{ .name = "nflog-size",
	  .id = O_SIZE,
	  .type = OPT_U32,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct nflog_data, length),
	  .excludes = 1u << O_RANGE },
	{ .name = "nflog-threshold",
	  .id = O_THRESHOLD,
	  .type = OPT_U16,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct nflog_data, threshold) },
};

static int nflog_parse(struct opt_call *c)
{
	struct nflog_data *d = c->data;

	if (c->row->id == O_PREFIX && strchr(c->arg, '\n'))
		return rule_fail(c->err, "Newlines not allowed in --log-prefix");
	if (c->row->id == O_SIZE)
		d->size = true;
	return 0;
}

static int nflog_check(struct opt_call *c)
{
	if (c->seen & 1u << O_RANGE)
		opt_warn(c, "warn: --nflog-range has never worked and is no longer supported, please use --nflog-size instead");
	return 0;
}

/* put_options: what differs from the defaults; @lead before each name. */
static void put_options(struct text *out, const struct nflog_data *d, const char *lead)
{
	if (*d->prefix) {
		text_printf(out, " %snflog-prefix", lead);
		put_word(out, d->prefix);
	}
	if (d->group)
		text_printf(out, " %snflog-group %u", lead, d->group);
	if (d->size)
		text_printf(out, " %snflog-size %u", lead, d->length);
	else if (d->length)
		text_printf(out, " %snflog-range %u", lead, d->length);
	if (d->threshold)
		text_printf(out, " %snflog-threshold %u", lead, d->threshold);
}

static void nflog_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	put_options(out, data, "");
}

static void nflog_save(const void *data, struct text *out)
{
	put_options(out, data, "--");
}

static enum rule_verdict nflog_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)p;
	(void)env;
	return RULE_CONTINUE;
}

const struct target_ops target_NFLOG = {
	.name = "NFLOG",
	.size = sizeof(struct nflog_data),
	OPT_ROWS(rows),
	.parse = nflog_parse,
	.check = nflog_check,
	.print = nflog_print,
	.save = nflog_save,
	.target = nflog_target,
};
