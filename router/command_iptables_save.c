/* command_iptables_save.c - iptables-save(8): the live rules as text. */
#include "router/iptables.h"

#include "router/request.h"
#include "router/router.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct save_args {
	bool counters, version, binary;
	const char *table, *file;
};

/* save_options: reads the options; getopt_long(3) says what is wrong if @loud. Return: 0 or exit status. */
static int save_options(int argc, char **argv, struct save_args *a, bool loud)
{
	static const struct option long_options[] = {
		{ "counters", no_argument, NULL, 'c' }, { "dump", no_argument, NULL, 'd' },
		{ "table", required_argument, NULL, 't' }, { "modprobe", required_argument, NULL, 'M' },
		{ "file", required_argument, NULL, 'f' }, { "version", no_argument, NULL, 'V' }, { 0 },
	};
	int o;

	optind = 0;
	opterr = loud;
	while ((o = getopt_long(argc, argv, "bcdt:M:f:V", long_options, NULL)) != -1) {
		a->counters |= o == 'c';
		a->version |= o == 'V';
		a->binary |= o == 'b';
		if (o == 't')
			a->table = optarg;
		else if (o == 'f')
			a->file = optarg;
		else if (o == '?')
			return IPTABLES_OTHER;
		if (o == 'V')
			return 0;
	}
	return 0;
}

int iptables_save_prepare(int argc, char **argv)
{
	struct save_args a = { 0 };

	if (save_options(argc, argv, &a, true)) {
		fputs("Look at manual page `iptables-save.8' for more information.\n", stderr);
		return IPTABLES_OTHER;
	}
	if (a.binary)
		fputs("-b/--binary option is not implemented\n", stderr);
	if (a.file && !freopen(a.file, "w", stdout)) {
		fprintf(stderr, "Failed to open file, error: %s\n", strerror(errno));
		return IPTABLES_OTHER;
	}
	if (a.version) {
		puts("iptables-save " IPTABLES_VERSION);
		return COMMAND_DONE;
	}
	if (optind == argc)
		return 0;
	fputs("Unknown arguments found on commandline\n", stderr);
	return IPTABLES_OTHER;
}

int command_iptables_save(struct request *rq)
{
	struct listing_how how = { .kind = LISTING_SAVE, .id = TABLE_COUNT };
	struct listing *l;
	struct save_args a = { 0 };
	time_t now = time(NULL);
	struct tm tm;

	if (save_options(rq->argc, rq->argv, &a, false))
		return IPTABLES_OTHER;
	if (optind < rq->argc) {
		text_puts(&rq->err, "Unknown arguments found on commandline\n");
		return IPTABLES_OTHER;
	}
	if (a.table)
		how.id = table_find(a.table);
	if (a.table && how.id == TABLE_COUNT) {
		text_puts(&rq->err, "iptables-save " IPTABLES_VERSION
				    ": Cannot initialize: Table does not exist (do you need to insmod?)\n");
		return IPTABLES_OTHER;
	}
	if (a.table)
		tables_use(rq->router->engine->tables, how.id);
	localtime_r(&now, &tm);
	strftime(how.stamp, sizeof how.stamp, "%a %b %e %H:%M:%S %Y", &tm);
	how.counters = a.counters;
	l = listing_start(rq->router->engine->tables, &how);
	if (l)
		return iptables_print(rq, l);
	text_puts(&rq->err, "iptables-save " IPTABLES_VERSION ": Memory allocation problem.\n");
	return IPTABLES_RESOURCE;
}
