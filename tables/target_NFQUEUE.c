/* target_NFQUEUE.c - gives the packet to a program that decides (net/netfilter/xt_NFQUEUE.c). No program can listen to a
 * router in userspace, so the answer is Linux's for a queue to which nobody listens: the packet is dropped, with
 * --queue-bypass it leaves the table as accepted (nf_queue.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_NUM, O_BALANCE, O_BYPASS, O_FANOUT };
enum { FLAG_BYPASS = 1, FLAG_FANOUT = 2 };

struct nfqueue_data {
	uint16_t range[2]; /* first and last queue */
	uint8_t flags;
};

static const struct opt_row rows[] = {
	{ .name = "queue-num",
	  .id = O_NUM,
	  .type = OPT_U16,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct nfqueue_data, range),
	  .excludes = 1u << O_BALANCE },
	{ .name = "queue-balance",
	  .id = O_BALANCE,
	  .type = OPT_U16_RANGE,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct nfqueue_data, range),
	  .excludes = 1u << O_NUM },
	{ .name = "queue-bypass", .id = O_BYPASS, .type = OPT_NONE },
	{ .name = "queue-cpu-fanout", .id = O_FANOUT, .type = OPT_NONE, .also = 1u << O_BALANCE },
};

/* parse_balance: what a range of queues must be. All 65536 queues are one too many for the kernel's count; therefore an open
 * end is the last but one. */
static int parse_balance(struct opt_call *c, uint16_t range[2])
{
	size_t len = strlen(c->arg);

	if (!strchr(c->arg, ':'))
		return rule_fail(c->err, "Bad range \"%s\"", c->arg);
	if (c->arg[len - 1] == ':')
		range[1] = UINT16_MAX - 1;
	if (range[0] >= range[1])
		return rule_fail(c->err, "%u should be less than %u", range[0], range[1]);
	return 0;
}

static int nfqueue_parse(struct opt_call *c)
{
	struct nfqueue_data *d = c->data;

	switch (c->row->id) {
	case O_NUM:
		d->range[1] = d->range[0];
		break;
	case O_BALANCE:
		return parse_balance(c, d->range);
	case O_BYPASS:
		d->flags |= FLAG_BYPASS;
		break;
	case O_FANOUT:
		d->flags |= FLAG_FANOUT;
		break;
	}
	return 0;
}

static int nfqueue_check(struct opt_call *c)
{
	const struct nfqueue_data *d = c->data;
	bool clash = c->seen & 1u << O_NUM && c->seen & 1u << O_BALANCE;

	if (!clash && d->range[0] == 0 && d->range[1] == UINT16_MAX)
		return rule_invalid(c->err, "NFQUEUE: number of total queues is 0");
	return 0;
}

static void nfqueue_print(const void *data, bool numeric, struct text *out)
{
	const struct nfqueue_data *d = data;

	(void)numeric;
	if (d->range[0] != d->range[1])
		text_printf(out, " NFQUEUE balance %u:%u", d->range[0], d->range[1]);
	else
		text_printf(out, " NFQUEUE num %u", d->range[0]);
	text_puts(out, d->flags & FLAG_BYPASS ? " bypass" : "");
	text_puts(out, d->flags & FLAG_FANOUT ? " cpu-fanout" : "");
}

static void nfqueue_save(const void *data, struct text *out)
{
	const struct nfqueue_data *d = data;

	if (d->range[0] != d->range[1])
		text_printf(out, " --queue-balance %u:%u", d->range[0], d->range[1]);
	else
		text_printf(out, " --queue-num %u", d->range[0]);
	text_puts(out, d->flags & FLAG_BYPASS ? " --queue-bypass" : "");
	text_puts(out, d->flags & FLAG_FANOUT ? " --queue-cpu-fanout" : "");
}

static enum rule_verdict nfqueue_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)p;
	(void)env;
	return ((const struct nfqueue_data *)data)->flags & FLAG_BYPASS ? RULE_ACCEPT : RULE_DROP;
}

const struct target_ops target_NFQUEUE = {
	.name = "NFQUEUE",
	.revision = 3,
	.size = sizeof(struct nfqueue_data),
	OPT_ROWS(rows),
	.parse = nfqueue_parse,
	.check = nfqueue_check,
	.print = nfqueue_print,
	.save = nfqueue_save,
	.target = nfqueue_target,
};
