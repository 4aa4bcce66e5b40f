/* match_u32.c - --u32 EXPRESSION: tests of 32-bit words of the packet (net/netfilter/xt_u32.c, libxt_u32.c).
 *
 * Overview
 *   An expression is up to ten tests joined by `&&`. A test reads the word at an offset from the IP header, works on
 *   it (`& N`, `<< N`, `>> N`, `@ N` = begin again at the offset so computed plus N) and compares the result with
 *   values and ranges. A word that is not all there fails the test.
 */
#include <ctype.h>

#include "tables/extensions.h"
#include "tables/options.h"

enum { O_U32 };
enum { MAX = 10 }; /* tests, operands and values each (XT_U32_MAXSIZE) */
enum { WORD_LEN = 4, SHIFT_MAX = 31 };
enum { OP_AND, OP_LEFT, OP_RIGHT, OP_AT };

struct u32_operand {
	uint32_t number;
	uint32_t op; /* OP_*, what is done with it; the first operand has none */
};

struct u32_test {
	uint32_t operand_count, value_count;
	struct u32_operand operand[MAX];
	struct {
		uint32_t min, max;
	} value[MAX];
};

struct u32_data {
	struct u32_test test[MAX];
	uint32_t test_count;
	uint32_t invert;
};

static const struct opt_row rows[] = {
	{ .name = "u32", .id = O_U32, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MANDATORY },
};

static const char *const op_text[] = { "&", "<<", ">>", "@" };

/* Where reading an expression has come to. */
struct reader {
	struct opt_call *call;
	const char *at;
	struct u32_test *test; /* being read */
};

/* fail_at: an error at the place @at of the expression. Return: -1. */
static int fail_at(const struct reader *r, const char *at, const char *what)
{
	return rule_fail(r->call->err, "u32: at char %u: %s", (unsigned)(at - r->call->arg), what);
}

static void skip_blanks(struct reader *r)
{
	while (isspace((unsigned char)*r->at))
		r->at++;
}

/* read_number: a number, blanks before it included. Return: 0, or -1 with the error filled. */
static int read_number(struct reader *r, uint32_t *out)
{
	uint64_t value;

	if (opt_number(r->at, &r->at, 0, UINT32_MAX, &value))
		return fail_at(r, r->at, "not a number or out of range");
	*out = (uint32_t)value;
	return 0;
}

/* read_operator: `&`, `<<`, `>>` or `@`. Return: 0, or -1 with the error filled. */
static int read_operator(struct reader *r, uint32_t *op)
{
	static const char signs[] = "&<>@";
	const char *sign = strchr(signs, *r->at);

	if (!sign)
		return fail_at(r, r->at, "operator expected");
	*op = (uint32_t)(sign - signs);
	r->at++;
	if ((*op == OP_LEFT || *op == OP_RIGHT) && *r->at++ != *sign)
		return fail_at(r, r->at - 1,
			       *op == OP_LEFT ? "a second '<' was expected" : "a second '>' was expected");
	return 0;
}

/* read_location: operands and operators up to the `=`. Return: 0, or -1 with the error filled. */
static int read_location(struct reader *r)
{
	struct u32_test *t = r->test;

	for (skip_blanks(r); *r->at != '='; skip_blanks(r)) {
		struct u32_operand got = { 0 };

		if (!*r->at)
			return rule_fail(r->call->err, "u32: abrupt end of input after location specifier");
		if (t->operand_count && read_operator(r, &got.op))
			return -1;
		if (read_number(r, &got.number))
			return -1;
		if (t->operand_count == MAX)
			return fail_at(r, r->at, "too many operators");
		t->operand[t->operand_count++] = got;
	}
	if (!t->operand_count)
		return fail_at(r, r->at, "location spec missing");
	r->at++;
	return 0;
}

/* read_value: one value or range. Return: 0, or -1 with the error filled. */
static int read_value(struct reader *r)
{
	struct u32_test *t = r->test;
	uint32_t min = 0, max;

	if (t->value_count && *r->at++ != ',')
		return fail_at(r, r->at - 1, "expected \",\" or \"&&\"");
	if (read_number(r, &min))
		return -1;
	max = min;
	skip_blanks(r);
	if (*r->at == ':') {
		r->at++;
		if (read_number(r, &max))
			return -1;
	}
	if (t->value_count == MAX)
		return fail_at(r, r->at, "too many \",\"s");
	t->value[t->value_count].min = min;
	t->value[t->value_count++].max = max;
	return 0;
}

/* read_values: values and ranges up to `&&` (*@more) or the end. Return: 0, or -1 with the error filled. */
static int read_values(struct reader *r, bool *more)
{
	for (skip_blanks(r); *r->at && *r->at != '&'; skip_blanks(r))
		if (read_value(r))
			return -1;
	*more = *r->at == '&';
	if (!*more)
		return r->test->value_count
			       ? 0
			       : rule_fail(r->call->err, "u32: test ended with no value specified");
	if (*++r->at != '&')
		return fail_at(r, r->at, "a second '&' was expected");
	if (!r->test->value_count)
		return fail_at(r, r->at, "value spec missing");
	return 0;
}

static int u32_parse(struct opt_call *c)
{
	struct u32_data *d = c->data;
	struct u32_test eleventh = { 0 }; /* is read before it is found to be too much */
	struct reader r = { c, c->arg, d->test };
	bool more = true;

	d->invert = c->invert;
	while (more) {
		r.test = d->test_count < MAX ? &d->test[d->test_count] : &eleventh;
		if (read_location(&r) || read_values(&r, &more))
			return -1;
		if (++d->test_count > MAX)
			return fail_at(&r, r.at, "too many \"&&\"s");
		r.at += more;
	}
	return 0;
}

/* u32_check: the kernel takes no shift by 32 or more. */
static int u32_check(struct opt_call *c)
{
	const struct u32_data *d = c->data;

	for (unsigned i = 0; i < d->test_count; i++)
		for (unsigned k = 1; k < d->test[i].operand_count; k++) {
			const struct u32_operand *o = &d->test[i].operand[k];

			if ((o->op == OP_LEFT || o->op == OP_RIGHT) && o->number > SHIFT_MAX)
				return rule_invalid(c->err, "u32: shift by %u, at most 31", o->number);
		}
	return 0;
}

/* put_test: one test as numbers in hexadecimal. */
static void put_test(struct text *out, const struct u32_test *t)
{
	for (unsigned i = 0; i < t->operand_count; i++)
		text_printf(out, "%s0x%x", i ? op_text[t->operand[i].op] : "", t->operand[i].number);
	for (unsigned i = 0; i < t->value_count; i++) {
		text_printf(out, "%s0x%x", i ? "," : "=", t->value[i].min);
		if (t->value[i].min != t->value[i].max)
			text_printf(out, ":0x%x", t->value[i].max);
	}
}

/* put_expression: the whole in quotes, @before it. */
static void put_expression(struct text *out, const struct u32_data *d, const char *before)
{
	text_puts(out, before);
	for (unsigned i = 0; i < d->test_count; i++) {
		text_puts(out, i ? "&&" : "");
		put_test(out, &d->test[i]);
	}
	text_puts(out, "\"");
}

static void u32_print(const void *data, bool numeric, struct text *out)
{
	const struct u32_data *d = data;

	(void)numeric;
	put_expression(out, d, d->invert ? " u32 ! \"" : " u32 \"");
}

static void u32_save(const void *data, struct text *out)
{
	const struct u32_data *d = data;

	put_expression(out, d, d->invert ? " ! --u32 \"" : " --u32 \"");
}

/* word_at: the word at @pos from @base. Return: whether it is all there. */
static bool word_at(const struct pkt *p, uint32_t base, uint32_t pos, uint32_t *word)
{
	const uint8_t *b = base <= p->len && pos <= p->len - base ? pkt_at(p, base + pos, WORD_LEN) : NULL;

	if (b)
		*word = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
	return b != NULL;
}

/* test_value: what the location of a test computes. Return: false: it lies outside of the packet. */
static bool test_value(const struct u32_test *t, const struct pkt *p, uint32_t *value)
{
	uint32_t base = 0;

	if (!word_at(p, 0, t->operand[0].number, value))
		return false;
	for (unsigned i = 1; i < t->operand_count; i++) {
		uint32_t n = t->operand[i].number;

		switch (t->operand[i].op) {
		case OP_AND:
			*value &= n;
			break;
		case OP_LEFT:
			*value <<= n;
			break;
		case OP_RIGHT:
			*value >>= n;
			break;
		default:
			if (base + *value < base)
				return false;
			base += *value;
			if (!word_at(p, base, n, value))
				return false;
		}
	}
	return true;
}

/* test_holds: whether one test is true of a packet. */
static bool test_holds(const struct u32_test *t, const struct pkt *p)
{
	uint32_t value;

	if (!test_value(t, p, &value))
		return false;
	for (unsigned i = 0; i < t->value_count; i++)
		if (value >= t->value[i].min && value <= t->value[i].max)
			return true;
	return false;
}

static bool u32_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct u32_data *d = data;

	(void)env;
	for (unsigned i = 0; i < d->test_count; i++)
		if (!test_holds(&d->test[i], p))
			return d->invert;
	return !d->invert;
}

const struct match_ops match_u32 = {
	.name = "u32",
	.size = sizeof(struct u32_data),
	OPT_ROWS(rows),
	.parse = u32_parse,
	.check = u32_check,
	.print = u32_print,
	.save = u32_save,
	.match = u32_match,
};
