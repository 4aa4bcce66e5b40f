/* iptables.h - what the commands of the iptables family share.
 *
 * Overview
 *   The client does what belongs to the caller's side: it reads the options that name files, resolves host names
 *   (iptables_hosts.c; the router never waits for a name server) and sends the words. The router does the rest
 *   with tables/.
 */
#ifndef ROUTER_IPTABLES_H
#define ROUTER_IPTABLES_H

#include "router/command.h"
#include "tables/tables.h"

#define IPTABLES_VERSION "v1.8.11 (legacy)"

/* Exit status of iptables(8). */
enum { IPTABLES_OTHER = 1, IPTABLES_USAGE = 2, IPTABLES_VERSION_PROBLEM = 3, IPTABLES_RESOURCE = 4 };

/* Options of iptables-restore. */
struct restore_args {
	struct restore_options options;
	const char *file; /* NULL: standard input */
	bool version, help, wait, interval;
};

/* iptables_report: prints an error as program @name does. @line: "Error occurred at line: N", -1: none.
 * Return: exit status. */
int iptables_report(struct text *to, const char *name, const struct rule_error *err, int line);

/* iptables_print: the request goes on with printing @l, which it takes over. Return: 0, its exit status. */
int iptables_print(struct request *rq, struct listing *l);

/* restore_options_read: reads the options with getopt_long(3), which says what is wrong on stderr if @loud.
 * Return: 0 or exit status. */
int restore_options_read(int argc, char **argv, struct restore_args *args, bool loud);

/* In the client: */
int iptables_prepare(int argc, char **argv); /* host names in -s, -d */
int iptables_save_prepare(int argc, char **argv);
int iptables_restore_prepare(int argc, char **argv);
bool iptables_restore_reads_input(int argc, char **argv);
int iptables_restore_input(struct text *input); /* host names in a whole text; 0 or exit status */
int command_iptables_xml(const struct command_env *env, int argc, char **argv);
int command_ip6tables(const struct command_env *env, int argc, char **argv);

#endif
