/* target_ECN.c - changes what IP and TCP say of congestion notification, RFC 3168 (net/ipv4/netfilter/ipt_ECN.c). */
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/rewrite.h"
#include "tables/tcp_rewrite.h"

enum { O_REMOVE, O_CWR, O_ECE, O_ECT };
enum {
	OP_IP = 1,
	OP_ECE = 16,
	OP_CWR = 32,
	OP_TCP = OP_ECE | OP_CWR
}; /* as in linux/netfilter_ipv4/ipt_ECN.h */
enum { ECN_BITS = 3, FLAGS_AT = 12 };

struct ecn_data {
	uint8_t operation; /* OP_* */
	uint8_t ect, ece, cwr;
};

static const struct opt_row rows[] = {
	{ .name = "ecn-tcp-remove", .id = O_REMOVE, .type = OPT_NONE, .excludes = 1u << O_CWR | 1u << O_ECE },
	{ .name = "ecn-tcp-cwr",
	  .id = O_CWR,
	  .type = OPT_U8,
	  .flags = OPTF_STORE,
	  .max = 1,
	  .offset = offsetof(struct ecn_data, cwr),
	  .excludes = 1u << O_REMOVE },
	{ .name = "ecn-tcp-ece",
	  .id = O_ECE,
	  .type = OPT_U8,
	  .flags = OPTF_STORE,
	  .max = 1,
	  .offset = offsetof(struct ecn_data, ece),
	  .excludes = 1u << O_REMOVE },
	{ .name = "ecn-ip-ect",
	  .id = O_ECT,
	  .type = OPT_U8,
	  .flags = OPTF_STORE,
	  .max = ECN_BITS,
	  .offset = offsetof(struct ecn_data, ect) },
};

static int ecn_parse(struct opt_call *c)
{
	struct ecn_data *d = c->data;

	switch (c->row->id) {
	case O_REMOVE: /* forgets an --ecn-ip-ect before it, as libipt_ECN does */
		d->operation = OP_TCP;
		d->ece = d->cwr = 0;
		break;
	case O_CWR:
		d->operation |= OP_CWR;
		break;
	case O_ECE:
		d->operation |= OP_ECE;
		break;
	case O_ECT:
		d->operation |= OP_IP;
		break;
	}
	return 0;
}

static int ecn_check(struct opt_call *c)
{
	const struct ecn_data *d = c->data;

	if (!d->operation)
		return rule_fail(c->err, "ECN target: An operation is required");
	if (c->seen & 1u << O_REMOVE && c->seen & (1u << O_CWR | 1u << O_ECE))
		return 0; /* said by the rows */
	if (d->operation & OP_TCP && (c->spec->proto != IP_PROTO_TCP || c->spec->invert & INV_PROTO))
		return rule_invalid(c->err, "ECN: cannot use operation on non-tcp rule");
	return 0;
}

/* put_operations: each with its value, or --ecn-tcp-remove. @save: as options. */
static void put_operations(struct text *out, const struct ecn_data *d, bool save)
{
	if (d->operation == OP_TCP && !d->ece && !d->cwr) {
		text_puts(out, save ? " --ecn-tcp-remove" : " TCP remove");
		return;
	}
	if (d->operation & OP_ECE)
		text_printf(out, save ? " --ecn-tcp-ece %u" : " ECE=%u", d->ece);
	if (d->operation & OP_CWR)
		text_printf(out, save ? " --ecn-tcp-cwr %u" : " CWR=%u", d->cwr);
	if (d->operation & OP_IP)
		text_printf(out, save ? " --ecn-ip-ect %u" : " ECT codepoint=%u", d->ect);
}

static void ecn_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " ECN");
	put_operations(out, data, false);
}

static void ecn_save(const void *data, struct text *out)
{
	put_operations(out, data, true);
}

/* set_tcp: the two flags of the TCP header. Return: false if there is no whole one. */
static bool set_tcp(const struct ecn_data *d, const struct pkt *p)
{
	struct tcp_hdr *th = pkt_l4(p, sizeof *th);
	uint8_t word[2];
	uint16_t value;

	if (!th)
		return false;
	word[0] = th->offset;
	word[1] = th->flags;
	if (d->operation & OP_ECE)
		word[1] = (uint8_t)((word[1] & ~TCP_ECE) | (d->ece ? TCP_ECE : 0));
	if (d->operation & OP_CWR)
		word[1] = (uint8_t)((word[1] & ~TCP_CWR) | (d->cwr ? TCP_CWR : 0));
	memcpy(&value, word, sizeof value);
	if (word[1] != th->flags)
		tcp_set_word(p, th, FLAGS_AT, value);
	return true;
}

static enum rule_verdict ecn_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct ecn_data *d = data;

	(void)env;
	if (d->operation & OP_IP)
		rewrite_tos(p, (uint8_t)((p->hdr.tos & ~ECN_BITS) | d->ect));
	if (d->operation & OP_TCP && p->hdr.proto == IP_PROTO_TCP && !set_tcp(d, p))
		return RULE_DROP;
	return RULE_CONTINUE;
}

const struct target_ops target_ECN = {
	.name = "ECN",
	.tables = TABLE_BIT(MANGLE),
	.size = sizeof(struct ecn_data),
	OPT_ROWS(rows),
	.parse = ecn_parse,
	.check = ecn_check,
	.print = ecn_print,
	.save = ecn_save,
	.target = ecn_target,
};
