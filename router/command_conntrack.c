/* command_conntrack.c - conntrack -L, -C, -S as conntrack-tools 1.4.7 print them. */
#include "conntrack/helper.h"
#include "router/request.h"
#include "router/router.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOOL "conntrack v1.4.7 (conntrack-tools)"

enum { OTHER = 1, USAGE = 2 };

/* One step of a listing ends when it made so much text, or walked so many buckets. */
enum { STEP_BYTES = 32 << 10, STEP_BUCKETS = 4096 };

struct query {
	int command; /* 'L', 'C', 'S'; 0 = none yet */
	bool expect; /* the table of expectations */
	unsigned print; /* CT_PRINT_* */
};

/* A listing on its way: request.state. */
struct listing {
	struct conntrack *ctk;
	struct text *out;
	struct ct_cursor cursor;
	unsigned print;
	unsigned shown;
};

static const struct option options[] = {
	{ "dump", no_argument, NULL, 'L' },     { "count", no_argument, NULL, 'C' },
	{ "stats", no_argument, NULL, 'S' },    { "output", required_argument, NULL, 'o' },
	{ "family", required_argument, NULL, 'f' }, { "version", no_argument, NULL, 'V' },
	{ "delete", no_argument, NULL, 'D' },   { "get", no_argument, NULL, 'G' },
	{ "create", no_argument, NULL, 'I' },   { "update", no_argument, NULL, 'U' },
	{ "event", no_argument, NULL, 'E' },    { "flush", no_argument, NULL, 'F' },
	{ 0 },
};
/* A '-' first: words come in their order, since a table's name follows its command. */
static const char short_options[] = "-:LCSo:f:VDGIUEF";

/* misuse: "conntrack ...: what" and where help is. Return: exit status. */
static int misuse(struct request *rq, const char *format, const char *arg)
{
	text_puts(&rq->err, TOOL ": ");
	text_printf(&rq->err, format, arg);
	text_puts(&rq->err, "\nTry `conntrack -h' or 'conntrack --help' for more information.\n");
	return USAGE;
}

/* later: the answer to what is not in this release. Return: exit status. */
static int later(struct request *rq, const char *option)
{
	text_printf(&rq->err, TOOL ": %s comes with the next release; this one has -L [expect], -C and -S. To choose lines, use "
				   "grep.\n", option);
	return OTHER;
}

/* take_output: -o LIST. Return: 0 or exit status. */
static int take_output(struct request *rq, struct query *q, char *list)
{
	static const struct {
		const char *name;
		unsigned print;
	} rows[] = { { "extended", CT_PRINT_EXTENDED }, { "id", CT_PRINT_ID }, { "ktimestamp", CT_PRINT_TIMESTAMP },
		     { "labels", CT_PRINT_LABELS } };
	static const char *const more[] = { "xml", "timestamp", "save", "userspace" };
	char *word;

	while ((word = strsep(&list, ","))) {
		unsigned print = 0;

		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if (!strcmp(word, rows[i].name))
				print = rows[i].print;
		for (size_t i = 0; i < sizeof more / sizeof *more; i++)
			if (!strcmp(word, more[i]))
				return later(rq, word);
		if (!print)
			return misuse(rq, "Bad parameter `%s'", word);
		q->print |= print;
	}
	return 0;
}

/* take_table: the word after a command. Return: 0 or exit status. */
static int take_table(struct request *rq, struct query *q, const char *word)
{
	if (!strcmp(word, "dying") || !strcmp(word, "unconfirmed"))
		return later(rq, word);
	q->expect = !strcmp(word, "expect");
	return q->expect || !strcmp(word, "conntrack") ? 0 : misuse(rq, "unknown type `%s'", word);
}

/* take_option: one option. Return: 0; an exit status; -1: done with status 0. */
static int take_option(struct request *rq, struct query *q, int o)
{
	const char *word = rq->argv[optind - 1];

	switch (o) {
	case 'L':
	case 'C':
	case 'S':
		if (q->command && q->command != o)
			return misuse(rq, "%s", "Invalid commands combination");
		q->command = o;
		return 0;
	case 1:
		return q->command ? take_table(rq, q, optarg) : misuse(rq, "unknown option `%s'", optarg);
	case 'o':
		return take_output(rq, q, optarg);
	case 'f':
		if (!strcmp(optarg, "ipv4") || !strcmp(optarg, "inet"))
			return 0;
		return strcmp(optarg, "ipv6") ? misuse(rq, "Unknown protocol family `%s'", optarg) : later(rq, "IPv6");
	case 'V':
		text_puts(&rq->out, TOOL "\n");
		return -1;
	case ':':
		return misuse(rq, "option `%s' requires an argument", word);
	case '?':
		/* A long name that the tool has not is an error there too; short ones are its filters. */
		return strncmp(word, "--", 2) ? later(rq, word) : misuse(rq, "unknown option `%s'", word);
	default:
		return later(rq, word);
	}
}

/* print_entry: ct_each's callback. */
static void print_entry(void *ctx, struct ct_entry *ct)
{
	struct listing *l = ctx;

	ct_print_tool(l->ctk, ct, l->print, l->out);
	l->shown++;
}

/* list_step: request.step: a bounded part of the table. */
static bool list_step(struct request *rq)
{
	struct listing *l = rq->state;
	bool more = true;

	for (unsigned n = 0; more && n < STEP_BUCKETS && rq->out.len < STEP_BYTES; n++)
		more = ct_each(l->ctk, &l->cursor, print_entry, l);
	if (!more)
		text_printf(&rq->err, TOOL ": %u flow entries have been shown.\n", l->shown);
	return more;
}

/* list_done: request.done. */
static void list_done(struct request *rq)
{
	free(rq->state);
	rq->state = NULL;
}

/* list: begins -L. Return: exit status. */
static int list(struct request *rq, const struct query *q)
{
	struct listing *l = calloc(1, sizeof *l);

	if (!l)
		return request_fail(rq, OTHER, "out of memory");
	*l = (struct listing){ .ctk = rq->router->engine->ctk, .out = &rq->out, .print = q->print };
	rq->state = l;
	rq->step = list_step;
	rq->done = list_done;
	return 0;
}

/* print_expect: ct_expect_each's callback. */
static void print_expect(void *ctx, struct ct_expect *x)
{
	struct listing *l = ctx;

	ct_expect_print_tool(l->ctk, x, l->out);
	l->shown++;
}

/* list_expect: -L expect: the table is small (nf_conntrack_expect_max). Return: exit status. */
static int list_expect(struct request *rq)
{
	struct listing l = { .ctk = rq->router->engine->ctk, .out = &rq->out };

	ct_expect_each(l.ctk, print_expect, &l);
	text_printf(&rq->err, TOOL ": %u expectations have been shown.\n", l.shown);
	return 0;
}

int command_conntrack(struct request *rq)
{
	struct conntrack *ctk = rq->router->engine->ctk;
	struct query q = { 0 };
	int o, code;

	optind = 0;
	opterr = 0;
	while ((o = getopt_long(rq->argc, rq->argv, short_options, options, NULL)) != -1) {
		code = take_option(rq, &q, o);
		if (code)
			return code < 0 ? 0 : code;
	}
	switch (q.command) {
	case 'L':
		return q.expect ? list_expect(rq) : list(rq, &q);
	case 'C':
		text_printf(&rq->out, "%u\n", q.expect ? ct_expect_count(ctk) : ctk->count);
		return 0;
	case 'S':
		ct_print_tool_stat(ctk, &rq->out);
		return 0;
	default:
		return misuse(rq, "%s", "no command given: -L [expect], -C or -S");
	}
}
