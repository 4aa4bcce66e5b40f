/* command.h - the one table of commands: name, summary, options, and who carries it out. */
#ifndef ROUTER_COMMAND_H
#define ROUTER_COMMAND_H

#include "router/request.h"

/* Global options of the command line. */
struct command_env {
	const char *socket; /* of the router to talk to */
};

struct command {
	const char *name;
	const char *usage;   /* what follows the name */
	const char *summary; /* one line */
	const char *options; /* one line each, two blanks before; NULL: none */
	int (*local)(const struct command_env *env, int argc, char **argv); /* carried out here; or: */
	command_live_fn *live;                                              /* by the running router */
	bool (*reads_input)(int argc, char **argv); /* live: whether standard input is sent along; NULL: never */
	int (*prepare)(int argc, char **argv);      /* live: what the client does first, e.g. open a file; 0, exit status or
						     * COMMAND_DONE: all is done, with status 0 */
	bool follows; /* live: may run until it is interrupted, and then says its last words */
	int (*input)(struct text *input); /* live: changes standard input before it is sent; 0 or exit status; NULL: as it is */
};

extern const struct command commands[];
extern const size_t command_count;

/* command_find: by name; NULL if unknown. */
const struct command *command_find(const char *name);

/* command_main: the whole command line. Return: exit status. */
int command_main(int argc, char **argv);

/* client_run: carries out @command by the router behind env->socket: prints its output.
 * Return: its exit status; COMMAND_UNREACHABLE where none answers. */
enum { COMMAND_UNREACHABLE = 3, COMMAND_USAGE = 2, COMMAND_DONE = 256 };
int client_run(const struct command *command, const struct command_env *env, int argc, char **argv);

/* ipset_command.c: opens what -file names; whether standard input is sent along. */
int ipset_prepare(int argc, char **argv);
bool ipset_reads_input(int argc, char **argv);

/* command_nfacct.c: whether standard input is sent along. */
bool nfacct_reads_input(int argc, char **argv);

/* command_conntrack.c: opens the file of -R; whether standard input is sent along. */
int conntrack_prepare(int argc, char **argv);
bool conntrack_reads_input(int argc, char **argv);

/* Local commands, by file. */
int command_run(const struct command_env *env, int argc, char **argv);   /* command_run.c */
int command_check(const struct command_env *env, int argc, char **argv); /* command_run.c */
int command_help(const struct command_env *env, int argc, char **argv);  /* commands.c */

#endif
