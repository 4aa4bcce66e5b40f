/* command_run.c - `tapgate run` and `tapgate check`. */
#include "router/apply.h"
#include "router/command.h"

#include <getopt.h>
#include <stdio.h>

/* config_option: the value of -c FILE, the only option. NULL: not given or something else was (said on stderr). */
static const char *config_option(int argc, char **argv)
{
	static const struct option options[] = { { "config", required_argument, NULL, 'c' }, { 0 } };
	const char *file = NULL;
	int o;

	optind = 0;
	opterr = 0;
	while ((o = getopt_long(argc, argv, ":c:", options, NULL)) != -1) {
		if (o != 'c') {
			fprintf(stderr, "tapgate %s: unknown option, or its value is missing: usage: tapgate %s -c FILE\n",
				argv[0], argv[0]);
			return NULL;
		}
		file = optarg;
	}
	if (file && optind == argc)
		return file;
	fprintf(stderr, "usage: tapgate %s -c FILE\n", argv[0]);
	return NULL;
}

int command_run(const struct command_env *env, int argc, char **argv)
{
	const char *file = config_option(argc, argv);

	(void)env;
	return file ? router_run(file) : COMMAND_USAGE;
}

int command_check(const struct command_env *env, int argc, char **argv)
{
	const char *file = config_option(argc, argv);
	struct problems ps = { 0 }, warnings = { 0 };
	struct config *c;
	int code;

	(void)env;
	if (!file)
		return COMMAND_USAGE;
	c = config_load(file, true, &ps);
	if (c)
		apply_trial(c, &ps);
	if (c && !ps.count)
		config_lint(c, &warnings);
	problems_sort(&ps);
	problems_sort(&warnings);
	code = ps.count ? 1 : 0;
	fputs(text_cstr(&ps.text), stderr);
	fputs(text_cstr(&warnings.text), stderr);
	if (!ps.count)
		printf("%s: ok\n", file);
	problems_free(&ps);
	problems_free(&warnings);
	config_free(c);
	return code;
}
