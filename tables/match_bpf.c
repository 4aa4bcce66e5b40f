/* match_bpf.c - --bytecode: a classic BPF program decides (net/netfilter/xt_bpf.c, libxt_bpf.c).
 *
 * Programs of the kernel's newer machine come as objects pinned in its bpf file system: --object-pinned finds none, as on a
 * Linux without such an object. */
#include <stdio.h>

#include "tables/bpf.h"
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_BYTECODE, O_PINNED };

struct bpf_data {
	uint16_t count;
	struct bpf_insn program[BPF_PROGRAM_MAX];
};

static const struct opt_row rows[] = {
	{ .name = "bytecode", .id = O_BYTECODE, .type = OPT_CUSTOM },
	{ .name = "object-pinned", .id = O_PINNED, .type = OPT_CUSTOM },
};

/* parse_bytecode: "COUNT,CODE JT JF K,CODE JT JF K,..."; numbers as scanf(3) reads them, as in libxt_bpf: too large ones
 * wrap, what stands behind the fourth up to the comma is skipped. Return: 0, or -1 with the error filled. */
static int parse_bytecode(struct opt_call *c, struct bpf_data *d)
{
	const char *at = c->arg;
	unsigned count = 0;
	char separator;

	if (sscanf(at, "%hu%c", &d->count, &separator) != 2 || separator != ',')
		return rule_fail(c->err, "bpf: error parsing program length");
	if (!d->count)
		return rule_fail(c->err, "bpf: illegal zero length program");
	if (d->count > BPF_PROGRAM_MAX)
		return rule_fail(c->err, "bpf: number of instructions exceeds maximum");
	for (at = strchr(at, ','); at && at[1]; at = strchr(at + 1, ',')) {
		struct bpf_insn *i = &d->program[count];

		if (count == d->count)
			return rule_fail(c->err,
					 "bpf: real program length exceeds the encoded length parameter");
		if (sscanf(at + 1, "%hu %hhu %hhu %u", &i->code, &i->jt, &i->jf, &i->k) != 4)
			return rule_fail(c->err, "bpf: error at instr %u", count);
		count++;
	}
	if (count != d->count)
		return rule_fail(c->err,
				 "bpf: parsed program length is less than the encoded length parameter");
	return 0;
}

static int bpf_parse(struct opt_call *c)
{
	if (c->row->id == O_PINNED)
		return rule_fail(c->err, "bpf: failed to get bpf object");
	return parse_bytecode(c, c->data);
}

static int bpf_check_rule(struct opt_call *c)
{
	const struct bpf_data *d = c->data;
	const char *wrong;
	unsigned at;

	if (!c->seen)
		return rule_fail(c->err, "bpf: one of --bytecode or --pinned is required");
	wrong = bpf_check(d->program, d->count, &at);
	return wrong ? rule_invalid(c->err, "bpf: instruction %u: %s", at, wrong) : 0;
}

/* put_program: the instructions, joined by commas. */
static void put_program(struct text *out, const struct bpf_data *d)
{
	for (unsigned i = 0; i < d->count; i++)
		text_printf(out, "%s%u %u %u %u", i ? "," : "", d->program[i].code, d->program[i].jt,
			    d->program[i].jf, d->program[i].k);
}

static void bpf_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, "match bpf ");
	put_program(out, data);
}

static void bpf_save(const void *data, struct text *out)
{
	const struct bpf_data *d = data;

	text_printf(out, " --bytecode \"%u,", d->count);
	put_program(out, d);
	text_puts(out, "\"");
}

/* packet_port: the port that Linux has in a packet at a hook: none before it was routed to one. */
static const struct port *packet_port(const struct hook_state *st)
{
	return st->hook == HOOK_OUTPUT ? NULL : st->hook == HOOK_POSTROUTING ? st->out : st->in;
}

static bool bpf_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct bpf_data *d = data;

	return bpf_run(d->program, p, env->st->ns, packet_port(env->st)) != 0;
}

const struct match_ops match_bpf = {
	.name = "bpf",
	.revision = 1,
	.size = sizeof(struct bpf_data),
	OPT_ROWS(rows),
	.parse = bpf_parse,
	.check = bpf_check_rule,
	.print = bpf_print,
	.save = bpf_save,
	.match = bpf_match,
};
