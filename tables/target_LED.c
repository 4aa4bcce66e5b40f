/* target_LED.c - blinks a light (net/netfilter/xt_LED.c). A router in userspace has no lights: the rule is kept, printed
 * and counted, as in a Linux whose trigger is bound to none. */
#include <strings.h>

#include "tables/extensions.h"
#include "tables/options.h"

enum { O_TRIGGER, O_DELAY, O_BLINK };
enum { TRIGGER_MAX = 16 };
#define DELAY_FOREVER UINT32_MAX

struct led_data {
	uint32_t delay; /* ms */
	uint8_t always_blink;
	char trigger[TRIGGER_MAX + 1];
};

static const struct opt_row rows[] = {
	{ .name = "led-trigger-id", .id = O_TRIGGER, .type = OPT_CUSTOM, .flags = OPTF_MANDATORY },
	{ .name = "led-delay", .id = O_DELAY, .type = OPT_CUSTOM },
	{ .name = "led-always-blink",
	  .id = O_BLINK,
	  .type = OPT_NONE,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct led_data, always_blink) },
};

/* parse_trigger: --led-trigger-id. */
static int parse_trigger(struct opt_call *c, struct led_data *d)
{
	size_t len = strlen(c->arg);

	if (len > TRIGGER_MAX) {
		rule_fail(c->err, "Argument must have a maximum length of %d characters", TRIGGER_MAX);
		c->err->blank = true;
		return -1;
	}
	memcpy(d->trigger, c->arg, len + 1);
	return 0;
}

/* parse_delay: --led-delay: milliseconds, or "inf" with whatever behind. */
static int parse_delay(struct opt_call *c, struct led_data *d)
{
	uint64_t ms;

	if (!strncasecmp(c->arg, "inf", 3)) {
		d->delay = DELAY_FOREVER;
		return 0;
	}
	if (opt_number(c->arg, NULL, 0, UINT32_MAX, &ms))
		return rule_fail(c->err, "Delay value must be within range 0..%u", UINT32_MAX);
	d->delay = (uint32_t)ms;
	return 0;
}

static int led_parse(struct opt_call *c)
{
	if (c->row->id == O_TRIGGER)
		return parse_trigger(c, c->data);
	return c->row->id == O_DELAY ? parse_delay(c, c->data) : 0;
}

/* put_trigger: the name in quotes. */
static void put_trigger(struct text *out, const char *name)
{
	text_puts(out, "\"");
	for (; *name; name++)
		text_printf(out, "%s%c", *name == '"' || *name == '\\' ? "\\" : "", *name);
	text_puts(out, "\"");
}

static void led_print(const void *data, bool numeric, struct text *out)
{
	const struct led_data *d = data;

	(void)numeric;
	text_puts(out, " led-trigger-id:");
	put_trigger(out, d->trigger);
	if (d->delay == DELAY_FOREVER)
		text_puts(out, " led-delay:inf");
	else
		text_printf(out, " led-delay:%dms", (int)d->delay);
	text_puts(out, d->always_blink ? " led-always-blink" : "");
}

static void led_save(const void *data, struct text *out)
{
	const struct led_data *d = data;

	text_puts(out, " --led-trigger-id ");
	put_trigger(out, d->trigger);
	if (d->delay == DELAY_FOREVER)
		text_puts(out, " --led-delay inf");
	else if (d->delay)
		text_printf(out, " --led-delay %u", d->delay);
	text_puts(out, d->always_blink ? " --led-always-blink" : "");
}

static enum rule_verdict led_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	(void)p;
	(void)env;
	return RULE_CONTINUE;
}

const struct target_ops target_LED = {
	.name = "LED",
	.size = sizeof(struct led_data),
	OPT_ROWS(rows),
	.parse = led_parse,
	.print = led_print,
	.save = led_save,
	.target = led_target,
};
