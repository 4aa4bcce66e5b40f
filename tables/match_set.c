/* match_set.c - --match-set NAME FLAGS: whether the packet is in a set (net/netfilter/xt_set.c). */
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/set_rule.h"

enum {
	O_SET,
	O_RETURN_NOMATCH,
	O_COUNTERS,
	O_SUBCOUNTERS,
	O_PACKETS_EQ,
	O_PACKETS_LT,
	O_PACKETS_GT,
	O_BYTES_EQ,
	O_BYTES_LT,
	O_BYTES_GT
};

struct set_data {
	struct set_ref ref;
	struct set_compare packets, bytes;
	uint8_t flags; /* enum set_op_flag */
	bool invert;
	/* run-time state */
	uint16_t index;
};

#define FLAG(word, bit)                                                                      \
	{                                                                                    \
		.name = word, .id = bit, .type = OPT_NONE, .flags = OPTF_INVERT | OPTF_MULTI \
	}
#define VALUE(word, bit)                                                                       \
	{                                                                                      \
		.name = word, .id = bit, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MULTI \
	}

static const struct opt_row rows[] = {
	VALUE("match-set", O_SET),
	VALUE("set", O_SET), /* of old; saved as --match-set */
	FLAG("return-nomatch", O_RETURN_NOMATCH),
	FLAG("update-counters", O_COUNTERS),
	FLAG("update-subcounters", O_SUBCOUNTERS),
	VALUE("packets-eq", O_PACKETS_EQ),
	VALUE("packets-lt", O_PACKETS_LT),
	VALUE("packets-gt", O_PACKETS_GT),
	VALUE("bytes-eq", O_BYTES_EQ),
	VALUE("bytes-lt", O_BYTES_LT),
	VALUE("bytes-gt", O_BYTES_GT),
};

static const char *const compare_names[] = {
	[SET_CMP_EQ] = "eq", [SET_CMP_NE] = "eq", [SET_CMP_LT] = "lt", [SET_CMP_GT] = "gt"
};

/* parse_compare: the value of --packets-eq and its like; the option's last letters say how. */
static int parse_compare(struct opt_call *c, struct set_compare *out, const char *what)
{
	const char *how = strchr(c->row->name, '-') + 1;

	if (out->op)
		return rule_fail(c->err, "only one of the --%s-[eq|lt|gt] is allowed", what);
	if (c->invert && strcmp(how, "eq"))
		return rule_fail(c->err, "--%s option cannot be inverted", c->row->name);
	if (opt_number(c->arg, NULL, 0, UINT64_MAX, &out->value))
		return rule_fail(c->err, "Cannot parse %s as a counter value", c->arg);
	out->op = *how == 'l' ? SET_CMP_LT : *how == 'g' ? SET_CMP_GT : c->invert ? SET_CMP_NE : SET_CMP_EQ;
	return 0;
}

static int set_parse(struct opt_call *c)
{
	struct set_data *d = c->data;

	switch (c->row->id) {
	case O_SET:
		d->invert = c->invert;
		return set_ref_parse(c, &d->ref);
	case O_RETURN_NOMATCH:
		if (c->invert)
			return rule_fail(c->err, "--return-nomatch flag cannot be inverted");
		d->flags |= SET_OP_RETURN_NOMATCH;
		return 0;
	case O_COUNTERS:
		d->flags |= c->invert ? SET_OP_SKIP_COUNTERS : 0;
		return 0;
	case O_SUBCOUNTERS:
		d->flags |= c->invert ? SET_OP_SKIP_SUBCOUNTERS : 0;
		return 0;
	case O_PACKETS_EQ:
	case O_PACKETS_LT:
	case O_PACKETS_GT:
		return parse_compare(c, &d->packets, "packets");
	default:
		return parse_compare(c, &d->bytes, "bytes");
	}
}

static int set_check(struct opt_call *c)
{
	struct set_data *d = c->data;

	if (!*d->ref.name)
		return rule_fail(c->err, "You must specify `--match-set' with proper arguments");
	d->flags |= d->packets.op || d->bytes.op ? SET_OP_COMPARE : 0;
	return 0;
}

static void set_start(struct tables *t, void *data)
{
	struct set_data *d = data;

	d->index = set_ref_start(t, &d->ref, false);
}

static void set_stop(struct tables *t, void *data)
{
	set_ref_stop(t, ((struct set_data *)data)->index, false);
}

/* put_compare: " [!] --packets-lt 5"; @dashes: "--" or "". */
static void put_compare(const struct set_compare *cmp, const char *dashes, const char *what, struct text *out)
{
	if (cmp->op)
		text_printf(out, "%s %s%s-%s %llu", cmp->op == SET_CMP_NE ? " !" : "", dashes, what,
			    compare_names[cmp->op], (unsigned long long)cmp->value);
}

/* dump: the options; @dashes: "--" or "". */
static void dump(const struct set_data *d, const char *dashes, struct text *out)
{
	put_not(out, d->invert);
	set_ref_put(&d->ref, *dashes ? "--match-set" : "match-set", out);
	if (d->flags & SET_OP_RETURN_NOMATCH)
		text_printf(out, " %sreturn-nomatch", dashes);
	if (d->flags & SET_OP_SKIP_COUNTERS)
		text_printf(out, " ! %supdate-counters", dashes);
	if (d->flags & SET_OP_SKIP_SUBCOUNTERS)
		text_printf(out, " ! %supdate-subcounters", dashes);
	put_compare(&d->packets, dashes, "packets", out);
	put_compare(&d->bytes, dashes, "bytes", out);
}

static void set_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	dump(data, "", out);
}

static void set_save(const void *data, struct text *out)
{
	dump(data, "--", out);
}

static bool set_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct set_data *d = data;
	struct set *s = set_at(env->tables->sets, d->index);
	const struct set_packet sp = set_ref_packet(&d->ref, p, env);
	struct set_op op = set_packet_op(p);

	op.flags |= d->flags;
	op.cmp_packets = d->packets;
	op.cmp_bytes = d->bytes;
	return (s && set_packet_adt(s, SET_TEST, &sp, &op)) != d->invert;
}

const struct match_ops match_set = {
	.name = "set",
	.revision = 4,
	.size = sizeof(struct set_data),
	.state = true,
	.state_size = sizeof(struct set_data) - offsetof(struct set_data, index),
	OPT_ROWS(rows),
	.parse = set_parse,
	.check = set_check,
	.start = set_start,
	.stop = set_stop,
	.print = set_print,
	.save = set_save,
	.match = set_match,
};
