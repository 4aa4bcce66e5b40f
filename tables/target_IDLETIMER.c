/* target_IDLETIMER.c - restarts a timer that tells a program of idleness through sysfs (net/netfilter/xt_IDLETIMER.c). There
 * is no sysfs to read the timer in, so nobody could ask for it: the rule is kept, printed and counted. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_TIMEOUT, O_LABEL, O_ALARM };
enum { LABEL_MAX = 27, TIMEOUT_END = INT32_MAX / 1000 };

struct idletimer_data {
	uint32_t timeout; /* seconds */
	uint8_t alarm;
	char label[LABEL_MAX + 1];
};

static const struct opt_row rows[] = {
	{ .name = "timeout",
	  .id = O_TIMEOUT,
	  .type = OPT_U32,
	  .flags = OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct idletimer_data, timeout) },
	{ .name = "label",
	  .id = O_LABEL,
	  .type = OPT_STRING,
	  .flags = OPTF_MANDATORY | OPTF_STORE,
	  .max = LABEL_MAX,
	  .offset = offsetof(struct idletimer_data, label) },
	{ .name = "alarm",
	  .id = O_ALARM,
	  .type = OPT_NONE,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct idletimer_data, alarm) },
};

/* label_fits: whether the label may be the name of a file in sysfs (idletimer_check_sysfs_name). */
static bool label_fits(const char *label)
{
	static const char *const taken[] = { "", ".", "..", "power", "subsystem", "uevent" };

	for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
		if (!strcmp(label, taken[i]))
			return false;
	return !strchr(label, '/');
}

static int idletimer_check(struct opt_call *c)
{
	const uint32_t need = 1u << O_TIMEOUT | 1u << O_LABEL;
	const struct idletimer_data *d = c->data;

	if ((c->seen & need) != need)
		return 0; /* said by the rows */
	if (d->timeout == 0)
		return rule_invalid(c->err, "IDLETIMER: timeout value is zero");
	if (d->timeout >= TIMEOUT_END)
		return rule_invalid(c->err, "IDLETIMER: timeout value is too big");
	if (!label_fits(d->label))
		return rule_invalid(c->err, "IDLETIMER: label is empty or not the name of a file");
	return 0;
}

static void idletimer_print(const void *data, bool numeric, struct text *out)
{
	const struct idletimer_data *d = data;

	(void)numeric;
	text_printf(out, " timeout:%u label:%s%s", d->timeout, d->label, d->alarm ? " alarm" : "");
}

static void idletimer_save(const void *data, struct text *out)
{
	const struct idletimer_data *d = data;

	text_printf(out, " --timeout %u --label %s%s", d->timeout, d->label, d->alarm ? " --alarm" : "");
}

static enum rule_verdict idletimer_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)p;
	(void)env;
	return RULE_CONTINUE;
}

const struct target_ops target_IDLETIMER = {
	.name = "IDLETIMER",
	.revision = 1,
	.size = sizeof(struct idletimer_data),
	OPT_ROWS(rows),
	.check = idletimer_check,
	.print = idletimer_print,
	.save = idletimer_save,
	.target = idletimer_target,
};
