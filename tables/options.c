/* options.c - the engine that reads option words by rows; see options.h.
 *
 * Overview
 *   One word goes: find its row (exactly or by prefix), take its value, check that it may stand there (once, not
 *   inverted), convert and store it by the row's type, hand it to the extension's .parse.
 *
 * Linux parity: libxtables/xtoptions.c (xtables_option_parse, xtables_options_fcheck). Its messages end in an
 * empty line: those go through bad_option, which says so in the error.
 */
#include "tables/options.h"
#include "tables/tables_int.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* bad_option: rule_fail for what libxtables itself says. Return: -1. */
static int __attribute__((format(printf, 2, 3))) bad_option(struct rule_error *err, const char *format, ...)
{
	char text[sizeof err->text];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	rule_fail(err, "%s", text);
	err->blank = true;
	return -1;
}

/* ext_rows: the option rows of an extension. @count: how many. */
static const struct opt_row *ext_rows(const struct ext_use *x, unsigned *count)
{
	*count = x->match ? x->match->option_count : x->target->option_count;
	return x->match ? x->match->options : x->target->options;
}

/* ext_begin: what ext_use_match and ext_use_target have in common. */
static void ext_begin(struct ext_use *x, struct tables *t, enum table_id table, const char *name, void *data,
		      const struct rule_spec *spec, struct rule_error *err)
{
	x->call = (struct opt_call){
		.tables = t, .ext = name, .data = data, .table = table, .spec = spec, .err = err
	};
}

void ext_use_match(struct ext_use *x, struct tables *t, enum table_id table, const struct match_ops *ops, void *data,
		   const struct rule_spec *spec, struct rule_error *err)
{
	x->match = ops;
	x->target = NULL;
	ext_begin(x, t, table, ops->name, data, spec, err);
	memset(data, 0, ops->size);
	if (ops->init)
		ops->init(data);
}

void ext_use_target(struct ext_use *x, struct tables *t, enum table_id table, const struct target_ops *ops, void *data,
		    const struct rule_spec *spec, struct rule_error *err)
{
	x->match = NULL;
	x->target = ops;
	ext_begin(x, t, table, ops->name, data, spec, err);
	memset(data, 0, ops->size);
	if (ops->init)
		ops->init(data);
}

/* --- finding the option of a word ---------------------------------------------------------------------------------- */

enum ext_hit ext_find_option(const struct ext_use *x, const char *word, const struct opt_row **row)
{
	const struct opt_row *rows;
	enum ext_hit hit = EXT_MISS;
	unsigned count;
	size_t len;

	if (strncmp(word, "--", 2))
		return EXT_MISS;
	word += 2;
	len = strcspn(word, "=");
	rows = ext_rows(x, &count);
	for (unsigned i = 0; i < count; i++) {
		if (strncmp(rows[i].name, word, len))
			continue;
		if (!rows[i].name[len]) {
			*row = &rows[i];
			return EXT_EXACT;
		}
		if (hit == EXT_MISS)
			*row = &rows[i];
		hit = hit == EXT_MISS ? EXT_PREFIX : EXT_AMBIGUOUS;
	}
	return len ? hit : EXT_MISS;
}

/* other_name: the first name of the option with bit @id. */
static const char *other_name(const struct opt_row *rows, unsigned count, unsigned id)
{
	for (unsigned i = 0; i < count; i++)
		if (rows[i].id == id)
			return rows[i].name;
	return "?";
}

/* --- values --------------------------------------------------------------------------------------------------------- */

/* type_max: the largest value of a number type. */
static uint64_t type_max(uint8_t type)
{
	switch (type) {
	case OPT_U8:
	case OPT_U8_RANGE:
		return UINT8_MAX;
	case OPT_U16:
	case OPT_U16_RANGE:
		return UINT16_MAX;
	case OPT_U32:
	case OPT_U32_RANGE:
		return UINT32_MAX;
	default:
		return UINT64_MAX;
	}
}

/* put_number: writes element @index of an array of numbers as wide as @max says to the data block. */
static void put_number(const struct opt_call *c, unsigned index, uint64_t value, uint64_t max)
{
	uint8_t *at = (uint8_t *)c->data + c->row->offset;

	if (!(c->row->flags & OPTF_STORE))
		return;
	if (max == UINT8_MAX)
		at[index] = (uint8_t)value;
	else if (max == UINT16_MAX)
		((uint16_t *)(void *)at)[index] = (uint16_t)value;
	else if (max == UINT32_MAX)
		((uint32_t *)(void *)at)[index] = (uint32_t)value;
	else
		((uint64_t *)(void *)at)[index] = value;
}

/* parse_number: OPT_U8 .. OPT_U64. */
static int parse_number(struct opt_call *c)
{
	uint64_t top = type_max(c->row->type), min = c->row->min, max = c->row->max, value;

	if (!min && !max)
		max = top;
	if (opt_number(c->arg, NULL, min, max, &value))
		return bad_option(c->err, "%s: bad value for option \"--%s\", or out of range (%llu-%llu).", c->ext,
				 c->row->name, (unsigned long long)min, (unsigned long long)max);
	put_number(c, 0, value, top);
	return 0;
}

/* parse_number_range: OPT_U8_RANGE .. OPT_U64_RANGE: A, A:B, A:, :B; a lone A is both ends. As in 1.8.11 the first number
 * is the least that the second may be. */
static int parse_number_range(struct opt_call *c)
{
	uint64_t top = type_max(c->row->type), least = 0, value[2] = { 0, top };
	const char *at = c->arg, *end;
	unsigned n = 0;

	for (;; at = end + 1) {
		if (n == 2)
			return bad_option(c->err, "%s: Too many components for option \"--%s\" (max: 2)", c->ext,
					 c->row->name);
		end = at;
		if (*at && *at != ':') {
			if (opt_number(at, &end, least, top, &value[n]))
				return bad_option(c->err,
						 "%s: bad value for option \"--%s\" near \"%s\", or out of range "
						 "(%llu-%llu).",
						 c->ext, c->row->name, at, (unsigned long long)least,
						 (unsigned long long)top);
			if (*end && *end != ':')
				return bad_option(c->err,
						 "%s: Argument to \"--%s\" has unexpected characters near \"%s\".",
						 c->ext, c->row->name, end);
			least = value[n];
		}
		n++;
		if (!*end)
			break;
	}
	if (n == 1)
		value[1] = value[0];
	put_number(c, 0, value[0], top);
	put_number(c, 1, value[1], top);
	return 0;
}

/* parse_ports: OPT_PORT and OPT_PORT_RANGE. Numbers are decimal, an empty end is 0 or 65535 (1.8.11: no A > B). */
static int parse_ports(struct opt_call *c)
{
	bool range = c->row->type == OPT_PORT_RANGE;
	uint16_t value[2] = { 0, UINT16_MAX };
	const char *at = c->arg, *end;
	char one[64];
	unsigned n = 0;

	for (;; at = end + 1) {
		if (n == 2)
			return bad_option(c->err, "%s: Too many components for option \"--%s\" (max: 2)", c->ext,
					 c->row->name);
		end = at + (range ? strcspn(at, ":") : strlen(at));
		snprintf(one, sizeof one, "%.*s", (int)(end - at), at);
		if (*one && opt_port_decimal(one, &value[n]))
			return bad_option(c->err, "Port \"%s\" does not resolve to anything.", one);
		n++;
		if (!*end)
			break;
	}
	if (n == 1)
		value[1] = value[0];
	if (value[0] > value[1])
		return bad_option(c->err, "Port range %u-%u is negative.", value[0], value[1]);
	put_number(c, 0, value[0], UINT16_MAX);
	if (range)
		put_number(c, 1, value[1], UINT16_MAX);
	return 0;
}

/* parse_mark_mask: OPT_MARKMASK: value, then mask (all ones where not given). */
static int parse_mark_mask(struct opt_call *c)
{
	uint32_t mask = UINT32_MAX, value;

	switch (opt_mark_mask(c->arg, &value, &mask)) {
	case 0:
		break;
	case -E2BIG:
		return bad_option(c->err, "%s: trailing garbage after value for option \"--%s\".", c->ext,
				 c->row->name);
	default:
		return bad_option(c->err, "%s: bad integer value for option \"--%s\", or out of range.", c->ext,
				 c->row->name);
	}
	put_number(c, 0, value, UINT32_MAX);
	put_number(c, 1, mask, UINT32_MAX);
	return 0;
}

/* host_address: an address, or a host name where there is a resolver. Return: 0, or -1 with the error filled. */
static int host_address(struct opt_call *c, const char *host, uint32_t *be)
{
	uint32_t found[2];
	unsigned n;

	if (!opt_ip4_host(host, be))
		return 0;
	n = c->tables->resolve ? c->tables->resolve(c->tables->resolve_ctx, host, found, 2) : 0;
	if (!n)
		return bad_option(c->err, "getaddrinfo: Name or service not known");
	if (n > 1)
		return bad_option(c->err, "%s resolves to more than one address", host);
	*be = found[0];
	return 0;
}

/* parse_address: OPT_IP4 and OPT_IP4_MASK. The address is kept as given, bits beyond the mask included. */
static int parse_address(struct opt_call *c)
{
	const char *slash = c->row->type == OPT_IP4_MASK ? strchr(c->arg, '/') : NULL;
	uint32_t be, mask = UINT32_MAX;
	char host[64];

	snprintf(host, sizeof host, "%.*s", (int)(slash ? slash - c->arg : (ptrdiff_t)strlen(c->arg)), c->arg);
	if (host_address(c, host, &be))
		return -1;
	if (slash && opt_ip4_mask_text(slash + 1, &mask))
		return bad_option(c->err,
				 "%s: bad value for option \"--%s\", neither a valid network mask nor valid CIDR "
				 "(0-32).",
				 c->ext, c->row->name);
	put_number(c, 0, be, UINT32_MAX);
	if (c->row->type == OPT_IP4_MASK)
		put_number(c, 1, mask, UINT32_MAX);
	return 0;
}

/* parse_string: OPT_STRING: at least min characters; what is longer than max is cut, as libxtables does. */
static int parse_string(struct opt_call *c)
{
	size_t len = strlen(c->arg);

	if (len < c->row->min)
		return bad_option(c->err, "Argument must have a minimum length of %llu characters",
				 (unsigned long long)c->row->min);
	if (len > c->row->max)
		len = c->row->max;
	if (c->row->flags & OPTF_STORE) {
		char *at = (char *)c->data + c->row->offset;

		memcpy(at, c->arg, len);
		at[len] = '\0';
	}
	return 0;
}

/* parse_mac: OPT_MAC: six hexadecimal numbers of at most two characters, as strtoul(3) reads them: none is 0. */
static int parse_mac(struct opt_call *c)
{
	const char *at = c->arg;
	uint8_t mac[MAC_LEN];
	char *end;

	for (unsigned i = 0; i < MAC_LEN; i++, at = end + 1) {
		mac[i] = (uint8_t)strtoul(at, &end, 16);
		if (*end != (i < MAC_LEN - 1 ? ':' : '\0') || end - at > 2)
			return rule_fail(c->err, "Invalid MAC address specified.");
	}
	if (c->row->flags & OPTF_STORE)
		memcpy((uint8_t *)c->data + c->row->offset, mac, sizeof mac);
	return 0;
}

/* parse_value: converts c->arg by the row's type and stores it. Return: 0, or -1 with the error filled. */
static int parse_value(struct opt_call *c)
{
	switch (c->row->type) {
	case OPT_NONE:
		put_number(c, 0, 1, UINT8_MAX);
		return 0;
	case OPT_U8:
	case OPT_U16:
	case OPT_U32:
	case OPT_U64:
		return parse_number(c);
	case OPT_U8_RANGE:
	case OPT_U16_RANGE:
	case OPT_U32_RANGE:
	case OPT_U64_RANGE:
		return parse_number_range(c);
	case OPT_PORT:
	case OPT_PORT_RANGE:
		return parse_ports(c);
	case OPT_MARKMASK:
		return parse_mark_mask(c);
	case OPT_IP4:
	case OPT_IP4_MASK:
		return parse_address(c);
	case OPT_STRING:
		return parse_string(c);
	case OPT_MAC:
		return parse_mac(c);
	default:
		return 0;
	}
}

/* --- one word --------------------------------------------------------------------------------------------------------- */

/* first_name: the first row for the same option as @row: the name by which messages call it. */
static const struct opt_row *first_name(const struct ext_use *x, const struct opt_row *row)
{
	const struct opt_row *rows;
	unsigned count;

	rows = ext_rows(x, &count);
	while (rows < row && (rows->id != row->id || rows->type != row->type))
		rows++;
	return rows;
}

/* take_option: one option of @x whose row is known: checks, value, .parse.
 * @value: its text or NULL. Return: 0, or -1 with the error filled. */
static int take_option(struct ext_use *x, const struct opt_row *row, const char *value, bool invert)
{
	struct opt_call *c = &x->call;
	int (*parse)(struct opt_call *) = x->match ? x->match->parse : x->target->parse;

	c->row = first_name(x, row);
	c->arg = value;
	c->invert = invert;
	row = c->row;
	if (!(row->flags & OPTF_MULTI) && c->seen & 1u << row->id)
		return bad_option(c->err, "%s: option \"--%s\" can only be used once.", c->ext, row->name);
	if (invert && !(row->flags & OPTF_INVERT))
		return bad_option(c->err, "%s: option \"--%s\" cannot be inverted.", c->ext, row->name);
	c->seen |= 1u << row->id;
	if (invert)
		c->inverted |= 1u << row->id;
	if (parse_value(c))
		return -1;
	return parse ? parse(c) : 0;
}

/* option_word: whether the word at argv[*index], which names @row of @x, is right in form, and does it. */
static int option_word(struct ext_use *x, const struct opt_row *row, int argc, char **argv, int *index, bool invert)
{
	const char *value = strchr(argv[*index], '=');
	int next = *index + 1;

	if (value && row->type == OPT_NONE)
		return rule_fail(x->call.err, "unknown option \"%s\"", argv[*index]);
	if (value)
		value++;
	else if (row->type != OPT_NONE && next == argc)
		return rule_fail(x->call.err, "option \"%s\" requires an argument", argv[*index]);
	else if (row->type != OPT_NONE)
		value = argv[next++];
	x->call.more = argv + next;
	x->call.more_count = argc - next;
	x->call.more_used = 0;
	if (take_option(x, row, value, invert))
		return -1;
	*index = next + x->call.more_used;
	return 1;
}

int ext_parse_option(struct ext_use *x, int argc, char **argv, int *index, bool invert)
{
	const struct opt_row *row;
	enum ext_hit hit = ext_find_option(x, argv[*index], &row);

	if (hit != EXT_EXACT && hit != EXT_PREFIX)
		return 0;
	return option_word(x, row, argc, argv, index, invert);
}

int ext_dispatch(struct ext_use *uses, unsigned count, int argc, char **argv, int *index, bool invert)
{
	struct ext_use *prefix = NULL;
	unsigned fits = 0;

	for (unsigned i = count; i-- > 0;) {
		const struct opt_row *row;
		enum ext_hit hit = ext_find_option(&uses[i], argv[*index], &row);

		if (hit == EXT_EXACT)
			return option_word(&uses[i], row, argc, argv, index, invert);
		if (hit == EXT_PREFIX)
			prefix = &uses[i];
		fits += hit == EXT_PREFIX ? 1 : hit == EXT_AMBIGUOUS ? 2 : 0;
	}
	return fits == 1 ? ext_parse_option(prefix, argc, argv, index, invert) : 0;
}

/* --- the end of the words ----------------------------------------------------------------------------------------- */

/* check_rows: mandatory options, and what goes or does not go together. */
static int check_rows(const struct ext_use *x)
{
	const struct opt_call *c = &x->call;
	const struct opt_row *rows;
	unsigned count;

	rows = ext_rows(x, &count);
	for (unsigned i = 0; i < count; i++) {
		const struct opt_row *r = &rows[i];
		uint32_t lack = r->also & ~c->seen, clash = r->excludes & c->seen;
		uint32_t first = (lack | clash) & -(lack | clash); /* libxtables looks at the others by number */

		if (!(c->seen & 1u << r->id)) {
			if (r->flags & OPTF_MANDATORY)
				return bad_option(c->err, "%s: option \"--%s\" must be specified", c->ext, r->name);
			continue;
		}
		if (first)
			return bad_option(c->err,
					 first & lack ? "%s: option \"--%s\" also requires \"--%s\"."
						      : "%s: option \"--%s\" cannot be used together with \"--%s\".",
					 c->ext, r->name, other_name(rows, count, (unsigned)__builtin_ctz(first)));
	}
	return 0;
}

int rule_invalid(struct rule_error *err, const char *format, ...)
{
	va_list args;

	rule_fail_errno(err, EINVAL);
	va_start(args, format);
	vsnprintf(err->detail, sizeof err->detail, format, args);
	va_end(args);
	return -1;
}

void opt_warn(const struct opt_call *c, const char *format, ...)
{
	char line[256];
	va_list args;

	if (!c->warn)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof line, format, args);
	va_end(args);
	text_printf(c->warn, "%s\n", line);
}

void opt_warn_name(struct text *warn, const char *name)
{
	if (warn && strpbrk(name, "/ "))
		text_printf(warn, "Warning: weird character in interface `%s' ('/' and ' ' are not allowed by the kernel).\n",
			    name);
}

int ext_finish(struct ext_use *x)
{
	int (*check)(struct opt_call *) = x->match ? x->match->check : x->target->check;

	x->call.row = NULL;
	x->call.arg = NULL;
	if (!check || !check(&x->call))
		return check_rows(x);
	if (x->call.err->code == 1) { /* the kernel is asked last */
		struct rule_error kernel = *x->call.err;

		if (check_rows(x))
			x->call.err->detail[0] = '\0';
		else
			*x->call.err = kernel;
	}
	return -1;
}
