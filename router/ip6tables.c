/* ip6tables.c - ip6tables(8) until Tapgate routes IPv6: reads the command and refuses kindly.
 *
 * What it says and its exit status are those of ip6tables on a kernel without IPv6 tables, which scripts know how to
 * take (ufw, shorewall and firehol go on without them). ip6tables-save prints nothing and succeeds: there are no rules.
 */
#include "router/iptables.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define REASON "Address family not supported by protocol"

/* has_word: whether one of the words is @a or @b. */
static bool has_word(int argc, char **argv, const char *a, const char *b)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], a) || !strcmp(argv[i], b))
			return true;
	return false;
}

/* names_command: whether the words have a command of ip6tables: -A, -L ... */
static bool names_command(int argc, char **argv)
{
	static const char *const names[] = { "--append", "--delete", "--check", "--insert", "--replace", "--list",
					     "--list-rules", "--flush", "--zero", "--new-chain", "--delete-chain",
					     "--rename-chain", "--policy" };

	for (int i = 1; i < argc; i++) {
		if (argv[i][0] == '-' && argv[i][1] && argv[i][1] != '-' && argv[i][strcspn(argv[i], "ADCIRLSFZNXEP")])
			return true;
		for (size_t k = 0; k < sizeof names / sizeof *names; k++)
			if (!strncmp(argv[i], "--", 2) && strlen(argv[i]) > 3 && !strncmp(argv[i], names[k], strcspn(argv[i], "=")))
				return true;
	}
	return false;
}

/* table_of: the value of -t. */
static const char *table_of(int argc, char **argv)
{
	const char *table = "filter";

	for (int i = 1; i < argc; i++) {
		if ((!strcmp(argv[i], "-t") || !strcmp(argv[i], "--table")) && i + 1 < argc)
			table = argv[i + 1];
		else if (!strncmp(argv[i], "--table=", 8))
			table = argv[i] + 8;
		else if (!strncmp(argv[i], "-t", 2) && argv[i][2])
			table = argv[i] + 2;
	}
	return table;
}

/* refuse_restore: at the first table of the text. Return: exit status. */
static int refuse_restore(void)
{
	char line[256];
	int number = 0;

	while (fgets(line, sizeof line, stdin)) {
		number++;
		if (line[0] != '*')
			continue;
		fprintf(stderr, "ip6tables-restore " IPTABLES_VERSION ": ip6tables-restore: unable to initialize table '%.*s'\n"
			"Error occurred at line: %d\n"
			"Try `ip6tables-restore -h' or 'ip6tables-restore --help' for more information.\n",
			(int)strcspn(line + 1, " \t\n"), line + 1, number);
		return IPTABLES_USAGE;
	}
	return 0;
}

int command_ip6tables(const struct command_env *env, int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
	bool save = strstr(name, "save"), restore = strstr(name, "restore");

	(void)env;
	name = save ? "ip6tables-save" : restore ? "ip6tables-restore" : "ip6tables";
	if (has_word(argc, argv, "-V", "--version") || has_word(argc, argv, "-h", "--help")) {
		printf("%s " IPTABLES_VERSION "\n", name);
		if (has_word(argc, argv, "-h", "--help"))
			puts("\nTapgate routes IPv4: commands for IPv6 are read and refused.");
		return 0;
	}
	if (save)
		return 0;
	if (restore)
		return refuse_restore();
	if (!names_command(argc, argv)) {
		fprintf(stderr, "%s " IPTABLES_VERSION ": no command specified\n"
			"Try `%s -h' or '%s --help' for more information.\n", name, name, name);
		return IPTABLES_USAGE;
	}
	fprintf(stderr, "%s " IPTABLES_VERSION ": can't initialize ip6tables table `%s': " REASON "\n"
		"Perhaps %s or your kernel needs to be upgraded.\n", name, table_of(argc, argv), name);
	return IPTABLES_VERSION_PROBLEM;
}
