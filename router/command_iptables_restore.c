/* command_iptables_restore.c - iptables-restore(8): a whole ruleset from the caller, in pieces between packets. */
#include "router/iptables.h"

#include "router/request.h"
#include "router/router.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "iptables-restore"

/* Lines read between two looks at the time: some 50 microseconds. */
enum { LINES_AT_ONCE = 32 };

static const char restore_help[] =
	"Usage: iptables-restore [OPTIONS] [FILE]\n"
	"  -c, --counters         take the counters given\n"
	"  -n, --noflush          keep the rules that are there\n"
	"  -t, --test             only look whether it is right\n"
	"  -v, --verbose          say what is done\n"
	"  -T, --table TABLE      only this table\n"
	"  -w, --wait [SECONDS], -W, --wait-interval MICROSECONDS, -M, --modprobe COMMAND   taken for compatibility\n"
	"  -V, --version          the version\n";

/* take_number: the optional value of -w, -W. Return: whether it is missing (0), a number (1), neither (-1). */
static int take_number(int argc, char **argv)
{
	const char *word = optarg;

	if (!word && optind < argc && *argv[optind] != '-' && *argv[optind] != '!')
		word = argv[optind++];
	if (!word)
		return 0;
	return isdigit((unsigned char)*word) ? 1 : -1;
}

/* bad_wait: says what is wrong with -w or -W. Return: exit status. */
static int bad_wait(bool loud, const char *what)
{
	if (loud)
		fprintf(stderr, NAME " " IPTABLES_VERSION ": %s\nError occurred at line: 0\n"
			"Try `" NAME " -h' or '" NAME " --help' for more information.\n", what);
	return IPTABLES_USAGE;
}

/* take_option: one option. Return: 0 or exit status. */
static int take_option(int o, int argc, char **argv, struct restore_args *a, bool loud)
{
	int number;

	switch (o) {
	case 'c':
		a->options.counters = true;
		return 0;
	case 'n':
		a->options.noflush = true;
		return 0;
	case 't':
		a->options.test = true;
		return 0;
	case 'v':
		a->options.verbose = 1;
		a->options.comments = true;
		return 0;
	case 'T':
		a->options.only = optarg;
		return 0;
	case 'w':
		a->wait = true;
		return take_number(argc, argv) < 0 ? bad_wait(loud, "wait seconds not numeric") : 0;
	case 'W':
		number = take_number(argc, argv);
		if (number <= 0)
			return bad_wait(loud, number ? "wait interval not numeric" : "wait interval value required");
		if (loud)
			fputs("Ignoring deprecated --wait-interval option.\n", stderr);
		a->interval = true;
		return 0;
	case 'V':
		a->version = true;
		return 0;
	case 'h':
		a->help = true;
		return 0;
	default:
		return 0;
	}
}

int restore_options_read(int argc, char **argv, struct restore_args *a, bool loud)
{
	static const struct option long_options[] = {
		{ "counters", no_argument, NULL, 'c' }, { "verbose", no_argument, NULL, 'v' },
		{ "version", no_argument, NULL, 'V' },  { "test", no_argument, NULL, 't' },
		{ "help", no_argument, NULL, 'h' },     { "noflush", no_argument, NULL, 'n' },
		{ "modprobe", required_argument, NULL, 'M' }, { "table", required_argument, NULL, 'T' },
		{ "wait", optional_argument, NULL, 'w' }, { "wait-interval", optional_argument, NULL, 'W' }, { 0 },
	};
	int o, code;

	optind = 0;
	opterr = loud;
	while ((o = getopt_long(argc, argv, "bcvVthnwWM:T:", long_options, NULL)) != -1) {
		if (o == '?') {
			if (loud)
				fputs("Try `" NAME " -h' for more information.\n", stderr);
			return IPTABLES_OTHER;
		}
		code = take_option(o, argc, argv, a, loud);
		if (code || a->version || a->help)
			return code;
	}
	if (a->options.noflush)
		a->options.verbose = 0; /* as the real one: only comments and lines with a -v of their own print */
	if (optind < argc)
		a->file = argv[optind++];
	if (optind < argc) {
		if (loud)
			fputs("Unknown arguments found on commandline\n", stderr);
		return IPTABLES_OTHER;
	}
	if (!a->interval || a->wait)
		return 0;
	if (loud)
		fputs("Option --wait-interval requires option --wait\n", stderr);
	return IPTABLES_OTHER;
}

/* --- in the client ------------------------------------------------------------------------------------------------ */

int iptables_restore_prepare(int argc, char **argv)
{
	struct restore_args a = { 0 };
	int code = restore_options_read(argc, argv, &a, true);

	if (code)
		return code;
	if (a.version)
		puts(NAME " " IPTABLES_VERSION);
	if (a.help)
		fputs(restore_help, stdout);
	if (a.version || a.help)
		return COMMAND_DONE;
	if (!a.file || freopen(a.file, "r", stdin))
		return 0;
	fprintf(stderr, "Can't open %s: %s\n", a.file, strerror(errno));
	return IPTABLES_OTHER;
}

bool iptables_restore_reads_input(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	return true;
}

/* --- in the router ------------------------------------------------------------------------------------------------ */

/* report: a mistake as iptables-restore says it. Return: exit status. */
static int report(struct request *rq, const struct rule_error *err)
{
	if (err->commit_missing)
		text_printf(&rq->err, NAME ": COMMIT expected at line %u\n", err->line);
	else if (err->code == IPTABLES_OTHER && !err->told)
		text_printf(&rq->err, NAME ": line %u failed\n", err->line);
	else
		return iptables_report(&rq->err, NAME, err, (int)err->line);
	return IPTABLES_OTHER;
}

/* restore_step: some lines more. Return: whether there are more. */
static bool restore_step(struct request *rq)
{
	struct rule_error err;
	int result;

	do
		result = restore_go(rq->state, LINES_AT_ONCE, &rq->out, &rq->err, &err);
	while (result > 0 && !request_enough(rq));
	if (result < 0)
		rq->code = report(rq, &err);
	return result > 0;
}

/* restore_done: the request ends, also when the client went away. */
static void restore_done(struct request *rq)
{
	restore_end(rq->state);
}

int command_iptables_restore(struct request *rq)
{
	struct restore_args a = { 0 };
	int code = restore_options_read(rq->argc, rq->argv, &a, false);

	if (code)
		return code;
	rq->state = restore_start(rq->router->engine->tables, rq->input, &a.options);
	if (!rq->state) {
		text_puts(&rq->err, NAME " " IPTABLES_VERSION ": Memory allocation problem.\n");
		return IPTABLES_RESOURCE;
	}
	rq->done = restore_done;
	rq->step = restore_step;
	return 0;
}
