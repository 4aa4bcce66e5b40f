/* command_iptables.c - iptables -L and -S, iptables-save: the live rules as the tools of iptables 1.8.11 print them. */
#include "router/request.h"
#include "router/router.h"

#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOOL_VERSION "v1.8.11 (legacy)"

/* Exit status of iptables(8). */
enum { OTHER = 1, USAGE = 2, VERSION_PROBLEM = 3 };

enum { OPT_LINE_NUMBERS = 256, OPT_OTHER };

/* What the words ask for. */
struct query {
	int command; /* 'L' or 'S'; 0 = none yet */
	const char *table;
	const char *chain;
	unsigned number; /* of one rule; 0 = all */
	unsigned flags;  /* LIST_* */
};

/* Commands that change rules: not in this release. */
static const char changing[] = "ADIRNXPFZEC";

static const struct option options[] = {
	{ "list", optional_argument, NULL, 'L' },
	{ "list-rules", optional_argument, NULL, 'S' },
	{ "table", required_argument, NULL, 't' },
	{ "numeric", no_argument, NULL, 'n' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "exact", no_argument, NULL, 'x' },
	{ "line-numbers", no_argument, NULL, OPT_LINE_NUMBERS },
	{ "wait", optional_argument, NULL, 'w' },
	{ "wait-interval", optional_argument, NULL, 'W' },
	{ "version", no_argument, NULL, 'V' },
	{ "ipv4", no_argument, NULL, '4' },
	{ "ipv6", no_argument, NULL, '6' },
	{ "append", required_argument, NULL, 'A' },
	{ "delete", required_argument, NULL, 'D' },
	{ "insert", required_argument, NULL, 'I' },
	{ "replace", required_argument, NULL, 'R' },
	{ "check", required_argument, NULL, 'C' },
	{ "new-chain", required_argument, NULL, 'N' },
	{ "delete-chain", optional_argument, NULL, 'X' },
	{ "policy", required_argument, NULL, 'P' },
	{ "flush", optional_argument, NULL, 'F' },
	{ "zero", optional_argument, NULL, 'Z' },
	{ "rename-chain", required_argument, NULL, 'E' },
	{ 0 },
};
static const char short_options[] = ":A:D:I:R:C:N:X::P:F::Z::E:L::S::t:nvxw::W::V46";

/* misuse: "iptables VERSION: what" and where help is. Return: exit status. */
static int misuse(struct request *rq, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int misuse(struct request *rq, const char *format, ...)
{
	va_list args;

	text_puts(&rq->err, "iptables " TOOL_VERSION ": ");
	va_start(args, format);
	text_vprintf(&rq->err, format, args);
	va_end(args);
	text_puts(&rq->err, "\nTry `iptables -h' or 'iptables --help' for more information.\n");
	return USAGE;
}

/* later: the answer to what is not in this release. Return: exit status. */
static int later(struct request *rq, const char *what)
{
	text_printf(&rq->err, "%s: %s comes with the next release. Until then: write the rules into the configuration (or the "
			      "file that its `rules` names), then `tapgate reload`.\n", rq->argv[0], what);
	return OTHER;
}

int command_iptables_later(struct request *rq)
{
	return later(rq, strncmp(rq->argv[0], "ip6", 3) ? "loading rules into a running router" : "IPv6");
}

/* next_word: the word after an option that may have one, as iptables takes it. NULL: none. */
static const char *next_word(struct request *rq)
{
	if (optarg)
		return optarg;
	return optind < rq->argc && *rq->argv[optind] != '-' && *rq->argv[optind] != '!' ? rq->argv[optind++] : NULL;
}

/* take_command: -L or -S with chain and rule number. Return: 0 or exit status. */
static int take_command(struct request *rq, struct query *q, int command)
{
	const char *number;
	char *end;

	if (q->command && q->command != command)
		return misuse(rq, "Cannot use -%c with -%c", command, q->command);
	q->command = command;
	q->chain = next_word(rq);
	number = q->chain && optind < rq->argc && *rq->argv[optind] != '-' && *rq->argv[optind] != '!'
			 ? rq->argv[optind++] : NULL;
	if (!number)
		return 0;
	q->number = (unsigned)strtoul(number, &end, 10);
	return *end || !q->number ? misuse(rq, "Invalid rule number `%s'", number) : 0;
}

/* take_wait: -w [SECONDS], -W [MICROSECONDS]. Return: 0 or exit status. */
static int take_wait(struct request *rq)
{
	const char *word = next_word(rq);

	if (word && strspn(word, "0123456789.") != strlen(word))
		return misuse(rq, "wait seconds not numeric");
	return 0;
}

/* take_option: one option. Return: 0; an exit status; -1: done with status 0. */
static int take_option(struct request *rq, struct query *q, int o)
{
	if (o < 256 && isupper(o) && strchr(changing, o))
		return later(rq, "changing the rules of a running router");
	switch (o) {
	case 'L':
	case 'S':
		return take_command(rq, q, o);
	case 't':
		q->table = optarg;
		return 0;
	case 'n':
		q->flags |= LIST_NUMERIC;
		return 0;
	case 'v':
		q->flags |= LIST_VERBOSE;
		return 0;
	case 'x':
		q->flags |= LIST_EXACT;
		return 0;
	case OPT_LINE_NUMBERS:
		q->flags |= LIST_LINE_NUMBERS;
		return 0;
	case 'w':
	case 'W':
		return take_wait(rq);
	case '4':
		return 0;
	case '6':
		return later(rq, "IPv6");
	case 'V':
		text_puts(&rq->out, "iptables " TOOL_VERSION "\n");
		return -1;
	case ':':
		return misuse(rq, "option \"%s\" requires an argument", rq->argv[optind - 1]);
	default:
		return misuse(rq, "unknown option \"%s\"", rq->argv[optind - 1]);
	}
}

/* list_one: line @number of a listed chain, without its two header lines. */
static void list_one(const struct text *whole, unsigned number, struct text *out)
{
	const char *line = text_cstr(whole);

	for (unsigned n = 0; *line; n++) {
		size_t len = strcspn(line, "\n");

		if (n == number + 1)
			text_printf(out, "%.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* list: carries out -L. Return: 0 or -ENOENT. */
static int list(struct request *rq, const struct query *q, enum table_id id)
{
	const struct tables *t = rq->router->engine->tables;
	struct text whole = { 0 };
	int error;

	if (!q->number)
		return tables_list(t, id, q->chain, q->flags, &rq->out);
	error = tables_list(t, id, q->chain, q->flags, &whole);
	list_one(&whole, q->number, &rq->out);
	text_free(&whole);
	return error;
}

int command_iptables(struct request *rq)
{
	struct query q = { .table = "filter" };
	enum table_id id;
	int o, code;

	optind = 0;
	opterr = 0;
	while ((o = getopt_long(rq->argc, rq->argv, short_options, options, NULL)) != -1) {
		code = take_option(rq, &q, o);
		if (code)
			return code < 0 ? 0 : code;
	}
	if (optind < rq->argc)
		return misuse(rq, "Bad argument `%s'", rq->argv[optind]);
	if (!q.command)
		return misuse(rq, "no command specified");
	if (q.command == 'S' && (q.flags & (LIST_LINE_NUMBERS | LIST_EXACT | LIST_NUMERIC)))
		return misuse(rq, "Illegal option `%s' with this command", q.flags & LIST_LINE_NUMBERS ? "--line-numbers"
				  : q.flags & LIST_EXACT					       ? "-x" : "-n");
	id = table_find(q.table);
	if (id == TABLE_COUNT) {
		text_printf(&rq->err, "iptables " TOOL_VERSION ": can't initialize iptables table `%s': Table does not exist "
				      "(do you need to insmod?)\nPerhaps iptables or your kernel needs to be upgraded.\n", q.table);
		return VERSION_PROBLEM;
	}
	if (q.command == 'L' ? list(rq, &q, id)
			     : tables_list_rules(rq->router->engine->tables, id, q.chain, q.number, q.flags & LIST_VERBOSE,
						 &rq->out)) {
		text_puts(&rq->err, "iptables: No chain/target/match by that name.\n");
		return OTHER;
	}
	return 0;
}

/* save_options: -c and -t of iptables-save. Return: -1: go on; else exit status. */
static int save_options(struct request *rq, bool *counters, const char **table)
{
	static const struct option long_options[] = {
		{ "counters", no_argument, NULL, 'c' }, { "table", required_argument, NULL, 't' },
		{ "file", required_argument, NULL, 'f' }, { "modprobe", required_argument, NULL, 'M' },
		{ "version", no_argument, NULL, 'V' },    { 0 },
	};
	int o;

	optind = 0;
	opterr = 0;
	while ((o = getopt_long(rq->argc, rq->argv, ":ct:f:M:V", long_options, NULL)) != -1) {
		if (o == 'c') {
			*counters = true;
		} else if (o == 't') {
			*table = optarg;
		} else if (o == 'V') {
			text_puts(&rq->out, "iptables-save " TOOL_VERSION "\n");
			return 0;
		} else if (o != 'f' && o != 'M') { /* -f was done by the client */
			text_printf(&rq->err, o == ':' ? "iptables-save: option requires an argument -- '%s'\n"
						       : "iptables-save: unrecognized option '%s'\n", rq->argv[optind - 1]);
			text_puts(&rq->err, "Look at manual page `iptables-save.8' for more information.\n");
			return OTHER;
		}
	}
	if (optind == rq->argc)
		return -1;
	text_puts(&rq->err, "Unknown arguments found on commandline\n");
	return OTHER;
}

int command_iptables_save(struct request *rq)
{
	enum table_id id = TABLE_COUNT;
	const char *table = NULL;
	bool counters = false;
	int code = save_options(rq, &counters, &table);
	time_t now = time(NULL);
	char stamp[64];
	struct tm tm;

	if (code >= 0)
		return code;
	if (table)
		id = table_find(table);
	if (table && id == TABLE_COUNT) {
		text_puts(&rq->err, "iptables-save " TOOL_VERSION
				    ": Cannot initialize: Table does not exist (do you need to insmod?)\n");
		return OTHER;
	}
	localtime_r(&now, &tm);
	strftime(stamp, sizeof stamp, "%a %b %e %H:%M:%S %Y", &tm);
	tables_save(rq->router->engine->tables, id, counters, stamp, &rq->out);
	return 0;
}
