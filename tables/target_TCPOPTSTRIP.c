/* target_TCPOPTSTRIP.c - overwrites TCP options with NOPs (net/netfilter/xt_TCPOPTSTRIP.c). */
#include <stdio.h>

#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/tcp_rewrite.h"

enum { O_STRIP };
enum { OPTION_COUNT = 256, WORD_BITS = 32 };

struct tcpoptstrip_data {
	uint32_t strip[OPTION_COUNT / WORD_BITS]; /* bit per option number */
};

static const struct opt_row rows[] = {
	{ .name = "strip-options", .id = O_STRIP, .type = OPT_CUSTOM },
};

static const struct opt_name names[] = {
	{ "wscale", TCP_OPT_WSCALE },
	{ "mss", TCP_OPT_MSS },
	{ "sack-permitted", TCP_OPT_SACK_PERM },
	{ "sack", TCP_OPT_SACK },
	{ "timestamp", TCP_OPT_TIMESTAMP },
	{ "md5", 19 },
	{ NULL, 0 },
};

/* strips: whether option number @n is to go. */
static bool strips(const struct tcpoptstrip_data *d, unsigned n)
{
	return d->strip[n / WORD_BITS] >> n % WORD_BITS & 1;
}

/* parse_option: a name or a number of the list. */
static int parse_option(struct opt_call *c, const char *word)
{
	const struct opt_name *known = opt_name_find(names, word, strlen(word), true);
	struct tcpoptstrip_data *d = c->data;
	uint64_t n;

	if (known && !strcmp(known->name, word))
		n = known->value;
	else if (opt_number(word, NULL, 0, UINT8_MAX, &n))
		return rule_fail(c->err, "Bad TCP option value \"%s\"", word);
	if (n < TCP_OPT_MSS)
		return rule_fail(c->err, "Option value may not be 0 or 1");
	if (strips(d, (unsigned)n))
		return rule_fail(c->err, "Option \"%s\" already specified", word);
	d->strip[n / WORD_BITS] |= 1u << n % WORD_BITS;
	return 0;
}

static int tcpoptstrip_parse(struct opt_call *c)
{
	const char *at = c->arg;
	char word[64];

	for (;; at++) {
		size_t len = strcspn(at, ",");

		snprintf(word, sizeof word, "%.*s", (int)len, at);
		if (parse_option(c, word))
			return -1;
		at += len;
		if (!*at)
			return 0;
	}
}

/* put_list: the options, commas between. @numeric: as numbers. */
static void put_list(struct text *out, const struct tcpoptstrip_data *d, bool numeric)
{
	const char *sep = "";

	for (unsigned n = 0; n < OPTION_COUNT; n++) {
		const struct opt_name *known = numeric ? NULL : opt_name_of(names, n);

		if (!strips(d, n))
			continue;
		if (known)
			text_printf(out, "%s%s", sep, known->name);
		else
			text_printf(out, "%s%u", sep, n);
		sep = ",";
	}
}

/* strips_any: whether there is something to print. */
static bool strips_any(const struct tcpoptstrip_data *d)
{
	static const struct tcpoptstrip_data nothing;

	return memcmp(d, &nothing, sizeof nothing) != 0;
}

static void tcpoptstrip_print(const void *data, bool numeric, struct text *out)
{
	if (!strips_any(data))
		return;
	text_puts(out, " TCPOPTSTRIP options ");
	put_list(out, data, numeric);
}

static void tcpoptstrip_save(const void *data, struct text *out)
{
	if (!strips_any(data))
		return;
	text_puts(out, " --strip-options ");
	put_list(out, data, true);
}

/* erase: makes the @len bytes at @at of the header NOPs; a word that is only half one of them keeps the other half. */
static void erase(const struct pkt *p, struct tcp_hdr *th, uint32_t at, uint32_t len)
{
	uint8_t *bytes = (uint8_t *)th;

	for (uint32_t i = at; i < at + len; i++) {
		uint32_t even = i & ~1u;
		uint8_t pair[2] = { bytes[even], bytes[even + 1] };
		uint16_t value;

		pair[i & 1] = TCP_OPT_NOP;
		memcpy(&value, pair, sizeof value);
		tcp_set_word(p, th, even, value);
	}
}

static enum rule_verdict tcpoptstrip_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct tcpoptstrip_data *d = data;
	struct tcp_hdr *th;
	uint32_t len, step;

	(void)env;
	if (p->hdr.frag_off)
		return RULE_CONTINUE;
	th = pkt_l4(p, sizeof *th);
	len = th ? (th->offset >> 4) * 4u : 0;
	if (!th || pkt_l4_len(p) < len)
		return RULE_DROP;
	for (uint32_t i = sizeof *th; i + 1 < len; i += step) {
		const uint8_t *o = (const uint8_t *)th;

		step = tcp_option_step(o, i, len);
		if (i + step > len)
			break;
		if (strips(d, o[i]))
			erase(p, th, i, step);
	}
	return RULE_CONTINUE;
}

const struct target_ops target_TCPOPTSTRIP = {
	.name = "TCPOPTSTRIP",
	.proto = IP_PROTO_TCP,
	.tables = TABLE_BIT(MANGLE),
	.size = sizeof(struct tcpoptstrip_data),
	OPT_ROWS(rows),
	.parse = tcpoptstrip_parse,
	.print = tcpoptstrip_print,
	.save = tcpoptstrip_save,
	.target = tcpoptstrip_target,
};
