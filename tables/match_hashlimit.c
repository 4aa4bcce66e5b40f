/* match_hashlimit.c - the options of -m hashlimit (libxt_hashlimit.c, revision 3); what they do is in hashlimit.c. */
#include <stdlib.h>
#include <strings.h>

#include "tables/extensions.h"
#include "tables/hashlimit_int.h"
#include "tables/options.h"

enum {
	O_UPTO, O_ABOVE, O_MODE, O_SRCMASK, O_DSTMASK, O_NAME, O_BURST, O_SIZE, O_MAX, O_GC, O_EXPIRE, O_RATE_MATCH,
	O_INTERVAL,
};
enum {
	BURST_DEFAULT = 5,
	BURST_MAX = 1000000,
	GC_DEFAULT = 1000,      /* ms */
	BYTE_EXPIRE = 15,       /* s, of rates of bytes */
	BYTE_EXPIRE_BURST = 60, /* s, with --hashlimit-burst */
	PLEN = 32,
	NO_PLEN = 255,
};

struct hashlimit_data {
	struct hashlimit_conf conf;
	uint32_t mult; /* s of the rate's unit */
	char name[HASHLIMIT_NAME_LEN + 1];
	/* run-time state */
	struct hashlimit_table *table;
};

#define NUMBER(word, bit, field) \
	{ .name = word, .id = bit, .type = OPT_U32, .flags = OPTF_STORE, .offset = offsetof(struct hashlimit_data, conf.field) }

static const struct opt_row rows[] = {
	{ .name = "hashlimit-upto", .id = O_UPTO, .type = OPT_CUSTOM, .flags = OPTF_INVERT, .excludes = 1u << O_ABOVE },
	{ .name = "hashlimit-above", .id = O_ABOVE, .type = OPT_CUSTOM, .flags = OPTF_INVERT, .excludes = 1u << O_UPTO },
	{ .name = "hashlimit", .id = O_UPTO, .type = OPT_CUSTOM, .flags = OPTF_INVERT, .excludes = 1u << O_ABOVE },
	{ .name = "hashlimit-srcmask", .id = O_SRCMASK, .type = OPT_CUSTOM },
	{ .name = "hashlimit-dstmask", .id = O_DSTMASK, .type = OPT_CUSTOM },
	{ .name = "hashlimit-burst", .id = O_BURST, .type = OPT_CUSTOM },
	NUMBER("hashlimit-htable-size", O_SIZE, size),
	NUMBER("hashlimit-htable-max", O_MAX, max),
	NUMBER("hashlimit-htable-gcinterval", O_GC, gc_interval),
	NUMBER("hashlimit-htable-expire", O_EXPIRE, expire),
	{ .name = "hashlimit-mode", .id = O_MODE, .type = OPT_CUSTOM },
	{ .name = "hashlimit-name", .id = O_NAME, .type = OPT_STRING, .flags = OPTF_MANDATORY | OPTF_STORE, .min = 1,
	  .max = HASHLIMIT_NAME_LEN, .offset = offsetof(struct hashlimit_data, name) },
	{ .name = "hashlimit-rate-match", .id = O_RATE_MATCH, .type = OPT_NONE },
	{ .name = "hashlimit-rate-interval", .id = O_INTERVAL, .type = OPT_CUSTOM },
};

/* In the order in which they are printed. */
static const struct opt_name modes[] = {
	{ "srcip", MODE_SRC }, { "srcport", MODE_SPORT }, { "dstip", MODE_DST }, { "dstport", MODE_DPORT }, { NULL, 0 },
};
static const struct opt_name seconds[] = {
	{ "second", 1 }, { "minute", 60 }, { "hour", 60 * 60 }, { "day", 24 * 60 * 60 }, { NULL, 0 },
};

/* --- options ------------------------------------------------------------------------------------------------------ */

/* cost_to_bytes, bytes_to_cost: a rate of bytes, as what 16 of them cost and back. */
static uint64_t cost_to_bytes(uint64_t cost)
{
	return ((cost ? UINT32_MAX / cost : UINT32_MAX) - 1) << BYTE_SHIFT;
}
static uint64_t bytes_to_cost(uint64_t bytes)
{
	uint32_t units = (uint32_t)(bytes >> BYTE_SHIFT) + 1;

	return units ? UINT32_MAX / units : 0;
}

/* factor_of: what a letter behind a number stands for. */
static uint32_t factor_of(char letter)
{
	return letter == 'm' ? 1024 * 1024 : letter == 'k' ? 1024 : 1;
}

/* bad_value: what is wrong with an option. Return: -1. */
static int bad_value(struct opt_call *c)
{
	return rule_fail(c->err, "hashlimit: Bad value for \"--%s\" option: \"%s\"", c->row->name, c->arg);
}

/* parse_packets: N, N/second ... */
static int parse_packets(struct opt_call *c, struct hashlimit_data *d)
{
	const char *slash = strchr(c->arg, '/');
	uint64_t rate = (uint64_t)atoll(c->arg);
	const struct opt_name *unit = &seconds[0];

	if (slash)
		unit = slash[1] ? opt_name_find(seconds, slash + 1, strlen(slash + 1), false) : NULL;
	if (!unit || !rate)
		return bad_value(c);
	d->mult = unit->value;
	d->conf.avg = (uint64_t)RATE_SCALE * unit->value / rate;
	if (!d->conf.avg)
		return rule_fail(c->err, "Rate too fast \"%s\"", c->arg);
	return 0;
}

/* parse_bytes: Nb/s, Nkb/s, Nmb/s. Return: 1 it is one; 0 it is not; -1 it is too much. */
static int parse_bytes(struct opt_call *c, struct hashlimit_data *d)
{
	const char *b = strstr(c->arg, "b/s");
	uint64_t rate = (uint64_t)atoll(c->arg);

	if (!b || b == c->arg || !rate)
		return 0;
	d->conf.avg = bytes_to_cost(rate * factor_of(b[-1]));
	if (!d->conf.avg)
		return rule_fail(c->err, "Rate too high \"%s\"", c->arg);
	d->mult = BYTE_EXPIRE;
	d->conf.mode |= MODE_BYTES;
	return 1;
}

/* parse_rate: a rate of either kind. */
static int parse_rate(struct opt_call *c, struct hashlimit_data *d)
{
	int bytes = parse_bytes(c, d);

	if (c->invert == (c->row->id == O_UPTO))
		d->conf.mode |= MODE_INVERT;
	return bytes ? (bytes < 0 ? -1 : 0) : parse_packets(c, d);
}

/* burst_error: the range of --hashlimit-burst. Return: -1. */
static int burst_error(struct opt_call *c)
{
	return rule_fail(c->err, "bad value for option \"--hashlimit-burst\", or out of range (1-%u).", BURST_MAX);
}

/* parse_burst: N packets, or N, Nkb, Nmb bytes. */
static int parse_burst(struct opt_call *c, struct hashlimit_data *d)
{
	const char *end;
	uint64_t value;

	if (opt_number(c->arg, &end, 1, UINT64_MAX, &value) || (!*end && value > BURST_MAX))
		return burst_error(c);
	d->conf.burst = value * factor_of(*end);
	return 0;
}

/* parse_plen: a prefix length, or a dotted mask; one without a length becomes NO_PLEN, which the kernel refuses. */
static int parse_plen(struct opt_call *c, uint8_t *out)
{
	uint32_t mask;
	unsigned plen;

	if (opt_ip4_mask_text(c->arg, &mask)) {
		rule_fail(c->err,
			  "%s: bad value for option \"--%s\", neither a valid network mask nor valid CIDR (0-32).", c->ext,
			  c->row->name);
		c->err->blank = true;
		return -1;
	}
	plen = (unsigned)__builtin_popcount(mask);
	*out = mask == ip4_mask(plen) ? (uint8_t)plen : NO_PLEN;
	return 0;
}

/* parse_mode: words with commas between. */
static int parse_mode(struct opt_call *c, struct hashlimit_data *d)
{
	const char *at = c->arg;

	while (*at) {
		size_t len = strcspn(at, ",");
		const struct opt_name *n = modes;

		while (n->name && (strlen(n->name) != len || strncmp(n->name, at, len)))
			n++;
		if (len && !n->name)
			return bad_value(c);
		if (len)
			d->conf.mode |= n->value;
		at += len + (at[len] == ',');
	}
	return 0;
}

static void hashlimit_init(void *data)
{
	struct hashlimit_data *d = data;

	d->conf.burst = BURST_DEFAULT;
	d->conf.gc_interval = GC_DEFAULT;
	d->conf.src_plen = d->conf.dst_plen = PLEN;
}

static int hashlimit_parse(struct opt_call *c)
{
	struct hashlimit_data *d = c->data;
	int interval;

	switch (c->row->id) {
	case O_UPTO:
	case O_ABOVE:
		return parse_rate(c, d);
	case O_BURST:
		return parse_burst(c, d);
	case O_MODE:
		return parse_mode(c, d);
	case O_SRCMASK:
		return parse_plen(c, &d->conf.src_plen);
	case O_DSTMASK:
		return parse_plen(c, &d->conf.dst_plen);
	case O_RATE_MATCH:
		d->conf.mode |= MODE_RATE;
		return 0;
	case O_INTERVAL:
		interval = atoi(c->arg);
		if (interval <= 0)
			return bad_value(c);
		d->conf.interval = (uint32_t)interval;
		return 0;
	default:
		return 0;
	}
}

/* check_bytes: the burst of a rate of bytes becomes a number of refills. */
static int check_bytes(struct opt_call *c, struct hashlimit_data *d)
{
	uint64_t rate = cost_to_bytes(d->conf.avg), burst = d->conf.burst;

	d->conf.burst = 0;
	if (!(c->seen & 1u << O_BURST))
		return 0;
	if (!rate || burst < rate)
		return rule_fail(c->err, "burst cannot be smaller than %llub", (unsigned long long)rate);
	d->conf.burst = (uint32_t)(burst / rate + (burst % rate ? 1 : 0));
	if (!(c->seen & 1u << O_EXPIRE))
		d->conf.expire = BYTE_EXPIRE_BURST * 1000;
	return 0;
}

static int hashlimit_check(struct opt_call *c)
{
	struct hashlimit_data *d = c->data;

	if (!(c->seen & (1u << O_UPTO | 1u << O_ABOVE)))
		return rule_fail(c->err, "You have to specify --hashlimit");
	if (d->conf.size > TABLE_SIZE_MAX) /* as the kernel says when it keeps the rule */
		d->conf.size = TABLE_SIZE_MAX;
	if (d->conf.max > TABLE_SIZE_MAX)
		d->conf.max = TABLE_SIZE_MAX;
	if (!(c->seen & 1u << O_EXPIRE))
		d->conf.expire = d->mult * 1000;
	if (d->conf.mode & MODE_BYTES) {
		if (check_bytes(c, d))
			return -1;
	} else if (d->conf.burst > BURST_MAX) {
		return burst_error(c);
	}
	if (!(c->seen & 1u << O_RATE_MATCH))
		return 0;
	if (!(d->conf.mode & MODE_BYTES))
		d->conf.avg /= d->mult;
	if (!d->conf.interval)
		d->conf.interval = d->conf.mode & MODE_BYTES ? 1 : d->mult;
	return 0;
}

static int hashlimit_attach(struct tables *t, void *data, struct rule_error *err)
{
	struct hashlimit_data *d = data;

	if (hashlimit_check_conf(&d->conf, d->name, err))
		return -1;
	if (!hashlimit_shares(t, d->name, &d->conf))
		return rule_invalid(err, "match hashlimit: \"%s\" is used with and without --hashlimit-rate-match", d->name);
	d->table = hashlimit_get(t, d->name, &d->conf);
	return d->table ? 0 : rule_fail_code(err, 4, "Memory allocation problem.");
}

static void hashlimit_detach(struct tables *t, void *data)
{
	hashlimit_put(t, ((struct hashlimit_data *)data)->table);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* put_packets: " 5/sec" in the largest unit that names the period without much loss. Return: that unit, ms. */
static uint64_t put_packets(struct text *out, uint64_t period)
{
	static const struct {
		const char *name;
		uint64_t period;
	} rates[] = { { "day", (uint64_t)RATE_SCALE * 24 * 60 * 60 },
		      { "hour", (uint64_t)RATE_SCALE * 60 * 60 },
		      { "min", (uint64_t)RATE_SCALE * 60 },
		      { "sec", RATE_SCALE } };
	unsigned i;

	for (i = 1; i < sizeof rates / sizeof rates[0]; i++)
		if (period > rates[i].period || rates[i].period / period < rates[i].period % period)
			break;
	text_printf(out, " %llu/%s", (unsigned long long)(rates[i - 1].period / period), rates[i - 1].name);
	return rates[i - 1].period / RATE_SCALE * 1000;
}

/* put_bytes: " 512kb/s", with a burst " burst 1mb", its word behind @dashes. Return: what expires by default, ms. */
static uint64_t put_bytes(struct text *out, const struct hashlimit_conf *c, const char *dashes)
{
	static const struct {
		const char *name;
		uint32_t size;
	} units[] = { { "m", 1024 * 1024 }, { "k", 1024 }, { "", 1 } };
	unsigned long long rate = cost_to_bytes(c->avg);
	unsigned i = 0;

	while (i < 2 && (rate < units[i].size || bytes_to_cost(rate & ~(units[i].size - 1)) != c->avg))
		i++;
	text_printf(out, " %llu%sb/s", rate / units[i].size, units[i].name);
	if (!c->burst)
		return BYTE_EXPIRE * 1000;
	rate *= c->burst;
	for (i = 0; i < 2 && rate < units[i].size;)
		i++;
	text_printf(out, " %sburst %llu%sb", dashes, rate / units[i].size, units[i].name);
	return BYTE_EXPIRE_BURST * 1000;
}

/* put_modes: "srcip,dstport" with @separator between. */
static void put_modes(struct text *out, uint32_t mode, const char *separator)
{
	const char *before = " ";

	for (const struct opt_name *n = modes; n->name; n++) {
		if (!(mode & n->value))
			continue;
		text_printf(out, "%s%s", before, n->name);
		before = separator;
	}
}

/* dump: the options behind the rate; @dashes: "--hashlimit-" or "". @name: NULL: not printed. @expire: default, ms. */
static void dump(const struct hashlimit_conf *c, const char *dashes, const char *name, uint64_t expire, struct text *out)
{
	if (c->mode & MODE_KEYS) {
		text_printf(out, " %smode", dashes);
		put_modes(out, c->mode, *dashes ? "," : "-");
	}
	if (name)
		text_printf(out, " %sname %s", dashes, name);
	if (c->size)
		text_printf(out, " %shtable-size %u", dashes, c->size);
	if (c->max)
		text_printf(out, " %shtable-max %u", dashes, c->max);
	if (c->gc_interval != GC_DEFAULT)
		text_printf(out, " %shtable-gcinterval %u", dashes, c->gc_interval);
	if (c->expire != expire)
		text_printf(out, " %shtable-expire %u", dashes, c->expire);
	if (c->src_plen != PLEN)
		text_printf(out, " %ssrcmask %u", dashes, c->src_plen);
	if (c->dst_plen != PLEN)
		text_printf(out, " %sdstmask %u", dashes, c->dst_plen);
	if (c->mode & MODE_RATE)
		text_printf(out, " %srate-match", dashes);
	if (c->mode & MODE_RATE && c->interval != 1)
		text_printf(out, " %srate-interval %u", dashes, c->interval);
}

static void hashlimit_print_rule(const void *data, bool numeric, struct text *out)
{
	const struct hashlimit_conf *c = &((const struct hashlimit_data *)data)->conf;
	uint64_t expire;

	(void)numeric;
	text_puts(out, c->mode & MODE_INVERT ? " limit: above" : " limit: up to");
	if (c->mode & MODE_BYTES) {
		expire = put_bytes(out, c, "");
	} else {
		expire = put_packets(out, c->interval ? c->avg * c->interval : c->avg);
		text_printf(out, " burst %llu", (unsigned long long)c->burst);
	}
	dump(c, "", NULL, expire, out);
}

static void hashlimit_save(const void *data, struct text *out)
{
	const struct hashlimit_data *d = data;
	const struct hashlimit_conf *c = &d->conf;
	uint64_t expire;

	text_puts(out, c->mode & MODE_INVERT ? " --hashlimit-above" : " --hashlimit-upto");
	if (c->mode & MODE_BYTES) {
		expire = put_bytes(out, c, "--hashlimit-");
	} else {
		expire = put_packets(out, c->avg);
		text_printf(out, " --hashlimit-burst %llu", (unsigned long long)c->burst);
	}
	dump(c, "--hashlimit-", d->name, expire, out);
}

static bool hashlimit_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct hashlimit_data *d = data;
	bool within = hashlimit_hit(env->tables, d->table, d->conf.mode, p, &env->hotdrop);

	return !env->hotdrop && within == !(d->conf.mode & MODE_INVERT);
}

const struct match_ops match_hashlimit = {
	.name = "hashlimit",
	.revision = 3,
	.size = sizeof(struct hashlimit_data),
	.state = true,
	.state_size = sizeof(struct hashlimit_data) - offsetof(struct hashlimit_data, table),
	OPT_ROWS(rows),
	.init = hashlimit_init,
	.parse = hashlimit_parse,
	.check = hashlimit_check,
	.attach = hashlimit_attach,
	.detach = hashlimit_detach,
	.print = hashlimit_print_rule,
	.save = hashlimit_save,
	.match = hashlimit_match,
};
