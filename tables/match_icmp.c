/* match_icmp.c - -p icmp: type and code (net/ipv4/netfilter/ip_tables.c icmp_match, libipt_icmp.c). */
#include <errno.h>
#include <strings.h>

#include "tables/extensions.h"
#include "tables/options.h"

enum { O_TYPE };
enum { TYPE_ANY = 255 };

struct icmp_data {
	uint8_t type;
	uint8_t code[2];
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "icmp-type", .id = O_TYPE, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MANDATORY },
};

/* In the order in which abbreviations are looked up and numbers named. */
static const struct icmp_name {
	const char *name;
	uint8_t type, code_min, code_max;
} names[] = {
	{ "any", TYPE_ANY, 0, 255 },
	{ "echo-reply", 0, 0, 255 },
	{ "pong", 0, 0, 255 },
	{ "destination-unreachable", 3, 0, 255 },
	{ "network-unreachable", 3, 0, 0 },
	{ "host-unreachable", 3, 1, 1 },
	{ "protocol-unreachable", 3, 2, 2 },
	{ "port-unreachable", 3, 3, 3 },
	{ "fragmentation-needed", 3, 4, 4 },
	{ "source-route-failed", 3, 5, 5 },
	{ "network-unknown", 3, 6, 6 },
	{ "host-unknown", 3, 7, 7 },
	{ "network-prohibited", 3, 9, 9 },
	{ "host-prohibited", 3, 10, 10 },
	{ "TOS-network-unreachable", 3, 11, 11 },
	{ "TOS-host-unreachable", 3, 12, 12 },
	{ "communication-prohibited", 3, 13, 13 },
	{ "host-precedence-violation", 3, 14, 14 },
	{ "precedence-cutoff", 3, 15, 15 },
	{ "source-quench", 4, 0, 255 },
	{ "redirect", 5, 0, 255 },
	{ "network-redirect", 5, 0, 0 },
	{ "host-redirect", 5, 1, 1 },
	{ "TOS-network-redirect", 5, 2, 2 },
	{ "TOS-host-redirect", 5, 3, 3 },
	{ "echo-request", 8, 0, 255 },
	{ "ping", 8, 0, 255 },
	{ "router-advertisement", 9, 0, 255 },
	{ "router-solicitation", 10, 0, 255 },
	{ "time-exceeded", 11, 0, 255 },
	{ "ttl-exceeded", 11, 0, 255 },
	{ "ttl-zero-during-transit", 11, 0, 0 },
	{ "ttl-zero-during-reassembly", 11, 1, 1 },
	{ "parameter-problem", 12, 0, 255 },
	{ "ip-header-bad", 12, 0, 0 },
	{ "required-option-missing", 12, 1, 1 },
	{ "timestamp-request", 13, 0, 255 },
	{ "timestamp-reply", 14, 0, 255 },
	{ "address-mask-request", 17, 0, 255 },
	{ "address-mask-reply", 18, 0, 255 },
};
enum { NAME_COUNT = sizeof names / sizeof names[0] };

/* by_name: the row whose name begins with @text; *other is set to a second one. NULL if none. */
static const struct icmp_name *by_name(const char *text, const struct icmp_name **other)
{
	const struct icmp_name *hit = NULL;
	size_t len = strlen(text);

	*other = NULL;
	for (unsigned i = 0; i < NAME_COUNT && !*other; i++) {
		if (strncasecmp(names[i].name, text, len))
			continue;
		if (hit)
			*other = &names[i];
		else
			hit = &names[i];
	}
	return hit;
}

/* parse_range: A or A:B from *at on, which is advanced. Return: 0 or -EINVAL. */
static int parse_range(const char **at, uint8_t out[2])
{
	uint64_t n;

	if (opt_number(*at, at, 0, UINT8_MAX, &n))
		return -EINVAL;
	out[0] = out[1] = (uint8_t)n;
	if (**at != ':')
		return 0;
	++*at;
	if (opt_number(*at, at, 0, UINT8_MAX, &n))
		return -EINVAL;
	out[1] = (uint8_t)n;
	return 0;
}

/* parse_numbers: TYPE, TYPE/CODE or TYPE/CODE:CODE. */
static int parse_numbers(struct opt_call *c, struct icmp_data *d)
{
	const char *at = c->arg;
	uint8_t type[2];

	if (parse_range(&at, type))
		return rule_fail(c->err, "Unknown ICMP type `%s'", c->arg);
	d->code[0] = 0;
	d->code[1] = UINT8_MAX;
	if (*at == '/') {
		at++;
		if (parse_range(&at, d->code))
			return rule_fail(c->err, "Unknown ICMP code `%s'", c->arg);
	}
	if (*at)
		return rule_fail(c->err, "unknown character %c", *at);
	if (type[0] != type[1])
		return rule_fail(c->err, "ICMP type range not supported");
	d->type = type[0];
	return 0;
}

static int icmp_parse(struct opt_call *c)
{
	struct icmp_data *d = c->data;
	const struct icmp_name *other, *hit = by_name(c->arg, &other);

	d->invert = c->invert;
	if (other)
		return rule_fail(c->err, "Ambiguous ICMP type `%s': `%s' or `%s'?", c->arg, hit->name,
				 other->name);
	if (!hit)
		return parse_numbers(c, d);
	d->type = hit->type;
	d->code[0] = hit->code_min;
	d->code[1] = hit->code_max;
	return 0;
}

/* name_of: the name that stands for exactly this type and these codes, or NULL. */
static const char *name_of(const struct icmp_data *d)
{
	for (unsigned i = 0; i < NAME_COUNT; i++)
		if (names[i].type == d->type && names[i].code_min == d->code[0] &&
		    names[i].code_max == d->code[1])
			return names[i].name;
	return NULL;
}

/* all_codes: whether the code is not looked at. */
static bool all_codes(const struct icmp_data *d)
{
	return !d->code[0] && d->code[1] == UINT8_MAX;
}

static void icmp_print(const void *data, bool numeric, struct text *out)
{
	const struct icmp_data *d = data;
	const char *name = numeric ? NULL : name_of(d);

	text_puts(out, " icmp");
	if (name) {
		text_printf(out, " %s%s", d->invert ? "!" : "", name);
		return;
	}
	text_printf(out, "%stype %u", d->invert ? " !" : "", d->type);
	if (d->code[0] == d->code[1])
		text_printf(out, " code %u", d->code[0]);
	else if (!all_codes(d))
		text_printf(out, " codes %u-%u", d->code[0], d->code[1]);
}

static void icmp_save(const void *data, struct text *out)
{
	const struct icmp_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --icmp-type ");
	if (d->type == TYPE_ANY && all_codes(d))
		text_puts(out, "any"); /* 1.8.11: 255 with a code is printed as given */
	else
		text_printf(out, "%u", d->type);
	if (!all_codes(d)) /* of a range iptables saves the first code only */
		text_printf(out, "/%u", d->code[0]);
}

static bool icmp_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct icmp_data *d = data;
	const struct icmp_hdr *ih;

	if (p->hdr.frag_off)
		return false;
	ih = pkt_l4(p, sizeof *ih);
	if (!ih) {
		env->hotdrop = true;
		return false;
	}
	return (d->type == TYPE_ANY ||
		(ih->type == d->type && ih->code >= d->code[0] && ih->code <= d->code[1])) != d->invert;
}

const struct match_ops match_icmp = {
	.name = "icmp",
	.proto = IP_PROTO_ICMP,
	.size = sizeof(struct icmp_data),
	OPT_ROWS(rows),
	.parse = icmp_parse,
	.print = icmp_print,
	.save = icmp_save,
	.match = icmp_match,
};
