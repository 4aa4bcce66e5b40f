/* match_string.c - bytes that occur in the packet (net/netfilter/xt_string.c, lib/ts_bm.c, ts_kmp.c).
 *
 * Offsets count from the IP header; the pattern must begin at or behind --from and end at or before --to. Both algorithms
 * of Linux find the same, so that --algo only tells which name is printed.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/tables_int.h"

enum { O_FROM, O_TO, O_ALGO, O_ICASE, O_STRING, O_HEX };
enum { PATTERN_MAX = 128, TO_DEFAULT = UINT16_MAX };

struct string_data {
	uint16_t from, to;
	uint8_t pattern[PATTERN_MAX];
	uint8_t len;
	uint8_t icase;
	bool invert;
	char algo[16];
};

static const struct opt_row rows[] = {
	{ .name = "from",
	  .id = O_FROM,
	  .type = OPT_U16,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct string_data, from) },
	{ .name = "to",
	  .id = O_TO,
	  .type = OPT_U16,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct string_data, to) },
	{ .name = "algo",
	  .id = O_ALGO,
	  .type = OPT_STRING,
	  .flags = OPTF_MANDATORY | OPTF_STORE,
	  .max = 15,
	  .offset = offsetof(struct string_data, algo) },
	{ .name = "string",
	  .id = O_STRING,
	  .type = OPT_CUSTOM,
	  .flags = OPTF_INVERT,
	  .excludes = 1u << O_HEX },
	{ .name = "hex-string",
	  .id = O_HEX,
	  .type = OPT_CUSTOM,
	  .flags = OPTF_INVERT,
	  .excludes = 1u << O_STRING },
	{ .name = "icase",
	  .id = O_ICASE,
	  .type = OPT_NONE,
	  .flags = OPTF_STORE,
	  .offset = offsetof(struct string_data, icase) },
};

static void string_init(void *data)
{
	((struct string_data *)data)->to = TO_DEFAULT;
}

/* parse_plain: the text as it is. */
static int parse_plain(struct opt_call *c, struct string_data *d)
{
	size_t len = strlen(c->arg);

	if (len > PATTERN_MAX)
		return rule_fail(c->err, "STRING too long \"%s\"", c->arg);
	memcpy(d->pattern, c->arg, len);
	d->len = (uint8_t)len;
	return 0;
}

/* hex_byte: two hexadecimal digits at @s and what follows them. Return: the characters taken, a blank behind included; -1
 * with the error filled. */
static int hex_byte(struct opt_call *c, const char *s, uint8_t *out)
{
	if (!s[1])
		return rule_fail(c->err, "Odd number of hex digits");
	if (!s[2])
		return rule_fail(c->err, "Invalid hex block");
	for (unsigned i = 0; i < 2; i++)
		if (!isxdigit((unsigned char)s[i]))
			return rule_fail(c->err, "Invalid hex char '%c'", s[i]);
	*out = (uint8_t)strtoul((const char[]){ s[0], s[1], '\0' }, NULL, 16);
	return s[2] == ' ' ? 3 : 2;
}

/* parse_hex: text with hexadecimal blocks between bars: "GET|0d 0a|"; a backslash takes the next character as it is. As in
 * libxt_string, what follows a bar is read as it is, another bar or a backslash included. */
static int parse_hex(struct opt_call *c, struct string_data *d)
{
	bool hex = false;
	size_t len = 0;

	if (!*c->arg)
		return rule_fail(c->err, "STRING must contain at least one char");
	for (const char *s = c->arg; *s; len++) {
		bool literal = *s == '\\' && !hex;
		uint8_t byte;
		int used = 1;

		if (len == PATTERN_MAX)
			return rule_fail(c->err, "STRING too long \"%s\"", c->arg);
		if (*s == '\\' && hex)
			return rule_fail(c->err, "Cannot include literals in hex data");
		if (*s == '|') {
			hex = !hex;
			s += 1 + (hex ? strspn(s + 1, " ") : 0);
			if (!*s)
				break;
		}
		if (literal && !s[1])
			return rule_fail(c->err, "Bad literal placement at end of string");
		byte = (uint8_t)s[literal];
		used += literal;
		if (hex)
			used = hex_byte(c, s, &byte);
		if (used < 0)
			return -1;
		d->pattern[len] = byte;
		s += used;
	}
	d->len = (uint8_t)len;
	return 0;
}

static int string_parse(struct opt_call *c)
{
	struct string_data *d = c->data;

	if (c->row->id != O_STRING && c->row->id != O_HEX)
		return 0;
	d->invert = c->invert;
	return c->row->id == O_STRING ? parse_plain(c, d) : parse_hex(c, d);
}

static int string_check(struct opt_call *c)
{
	const struct string_data *d = c->data;

	if (!(c->seen & (1u << O_STRING | 1u << O_HEX)))
		return rule_fail(c->err, "STRING match: You must specify `--string' or `--hex-string'");
	if (d->from > d->to)
		return rule_invalid(c->err, "string match: --from %u is behind --to %u", d->from, d->to);
	if (!strcmp(d->algo, "fsm")) /* its patterns are tables of tokens, for programs only */
		return rule_invalid(c->err, "string match: the pattern is none for the algorithm \"fsm\"");
	if (c->seen & 1u << O_ALGO && strcmp(d->algo, "bm") && strcmp(d->algo, "kmp")) {
		rule_fail_errno(c->err, ENOENT);
		return rule_fail_detail(c->err, "string match: there is no algorithm \"%s\": bm or kmp",
					d->algo);
	}
	return d->len ? 0 : rule_invalid(c->err, "string match: the string is empty");
}

/* printable: whether the pattern can stand in quotes; else it is shown in hexadecimal, as one that ends in a backslash. */
static bool printable(const struct string_data *d)
{
	for (unsigned i = 0; i < d->len; i++)
		if (!isprint(d->pattern[i]))
			return false;
	return d->pattern[d->len - 1] != '\\';
}

/* put_pattern: in quotes, with what a quoted string escapes, or "|hex|". */
static void put_pattern(struct text *out, const struct string_data *d)
{
	text_puts(out, " \"");
	if (!printable(d)) {
		text_puts(out, "|");
		for (unsigned i = 0; i < d->len; i++)
			text_printf(out, "%02x", d->pattern[i]);
		text_puts(out, "|\"");
		return;
	}
	for (unsigned i = 0; i < d->len; i++)
		text_printf(out, strchr("\"\\", d->pattern[i]) ? "\\%c" : "%c", d->pattern[i]);
	text_puts(out, "\"");
}

static void string_print(const void *data, bool numeric, struct text *out)
{
	const struct string_data *d = data;

	(void)numeric;
	text_printf(out, " STRING match %s", d->invert ? "!" : "");
	put_pattern(out, d);
	text_printf(out, " ALGO name %s", d->algo);
	if (d->from)
		text_printf(out, " FROM %u", d->from);
	if (d->to != TO_DEFAULT)
		text_printf(out, " TO %u", d->to);
	if (d->icase)
		text_puts(out, " ICASE");
}

static void string_save(const void *data, struct text *out)
{
	const struct string_data *d = data;

	put_not(out, d->invert);
	text_puts(out, printable(d) ? " --string" : " --hex-string");
	put_pattern(out, d);
	text_printf(out, " --algo %s", d->algo);
	if (d->from)
		text_printf(out, " --from %u", d->from);
	if (d->to != TO_DEFAULT)
		text_printf(out, " --to %u", d->to);
	if (d->icase)
		text_puts(out, " --icase");
}

/* same: whether the pattern stands at @bytes. */
static bool same(const struct string_data *d, const uint8_t *bytes)
{
	if (!d->icase)
		return !memcmp(bytes, d->pattern, d->len);
	for (unsigned i = 0; i < d->len; i++)
		if (toupper(bytes[i]) != toupper(d->pattern[i]))
			return false;
	return true;
}

static bool string_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct string_data *d = data;
	uint32_t end = p->len < d->to ? p->len : d->to;
	bool found = false;

	(void)env;
	for (uint32_t at = d->from; !found && at + d->len <= end; at++) {
		const uint8_t *bytes = pkt_at(p, at, d->len);

		found = bytes && same(d, bytes);
	}
	return found != d->invert;
}

const struct match_ops match_string = {
	.name = "string",
	.revision = 1,
	.size = sizeof(struct string_data),
	OPT_ROWS(rows),
	.init = string_init,
	.parse = string_parse,
	.check = string_check,
	.print = string_print,
	.save = string_save,
	.match = string_match,
};
