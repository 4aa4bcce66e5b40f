/* match_cpu.c - --cpu: the processor that works on the packet (net/netfilter/xt_cpu.c). A router is one thread: its
 * packets are all worked on by processor 0. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_CPU };
enum { THE_CPU = 0 };

struct cpu_data {
	uint32_t cpu;
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "cpu", .id = O_CPU, .type = OPT_U32, .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct cpu_data, cpu) },
};

static int cpu_parse(struct opt_call *c)
{
	((struct cpu_data *)c->data)->invert = c->invert;
	return 0;
}

static void cpu_print(const void *data, bool numeric, struct text *out)
{
	const struct cpu_data *d = data;

	(void)numeric;
	text_puts(out, " cpu");
	put_not(out, d->invert);
	text_printf(out, " %u", d->cpu);
}

static void cpu_save(const void *data, struct text *out)
{
	const struct cpu_data *d = data;

	put_not(out, d->invert);
	text_printf(out, " --cpu %u", d->cpu);
}

static bool cpu_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct cpu_data *d = data;

	(void)p;
	(void)env;
	return (d->cpu == THE_CPU) != d->invert;
}

const struct match_ops match_cpu = {
	.name = "cpu",
	.size = sizeof(struct cpu_data),
	OPT_ROWS(rows),
	.parse = cpu_parse,
	.print = cpu_print,
	.save = cpu_save,
	.match = cpu_match,
};
