/* commands.c - see command.h: the table, help from it, and the command line. */
#include "router/command.h"

#include "router/config.h"
#include "router/engine.h"
#include "router/iptables.h"
#include "router/status.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* write_reads_input: `write PATH` without a value takes it from standard input. */
static bool write_reads_input(int argc, char **argv)
{
	(void)argv;
	return argc == 2;
}

const struct command commands[] = {
	{ .name = "run", .usage = "-c FILE", .summary = "the router, in the foreground",
	  .options = "  -c, --config FILE   its configuration; see `tapgate help config`\n"
		     "SIGTERM ends it, SIGHUP makes it read the configuration again.\n",
	  .local = command_run },
	{ .name = "check", .usage = "-c FILE", .summary = "says what is wrong with a configuration",
	  .options = "  -c, --config FILE   the configuration\n"
		     "Exit status 1 if anything is wrong, 0 if there are only warnings.\n",
	  .local = command_check },
	{ .name = "status", .usage = "[-j]", .summary = "one screen: uptime, ports, flows, rates, drops by reason",
	  .options = "  -j, --json          as JSON\n"
		     "Exit status 3 if no router answers.\n",
	  .live = command_status },
	{ .name = "reload", .usage = "", .summary = "reads the configuration again and applies it whole, or not at all",
	  .live = command_reload },
	{ .name = "iptables", .usage = "[-t TABLE] -A | -D | -I | -R | -C | -L | -S | -F | -Z | -N | -X | -P | -E ...",
	  .summary = "the live rules, as iptables(8)",
	  .options = "All commands and options of iptables(8): see `iptables -h` on a running router. Host names are looked up here,\n"
		     "not by the router.\n",
	  .live = command_iptables, .prepare = iptables_prepare },
	{ .name = "iptables-save", .usage = "[-c] [-t TABLE] [-f FILE]", .summary = "the live rules as text",
	  .options = "  -c, --counters      with packet and byte counters\n"
		     "  -t, --table TABLE   only this table\n"
		     "  -f, --file FILE     write to FILE\n"
		     "  -M, --modprobe COMMAND   taken for compatibility\n",
	  .live = command_iptables_save, .prepare = iptables_save_prepare },
	{ .name = "iptables-restore", .usage = "[-c] [-n] [-t] [-v] [-T TABLE] [FILE]",
	  .summary = "puts a whole ruleset in place at once; nothing where it has a mistake",
	  .options = "  -c, --counters      take the counters given\n"
		     "  -n, --noflush       keep the rules that are there\n"
		     "  -t, --test          only look whether it is right\n"
		     "  -v, --verbose       say what is done\n"
		     "  -T, --table TABLE   only this table\n"
		     "  -w, -W, -M          taken for compatibility\n",
	  .live = command_iptables_restore, .prepare = iptables_restore_prepare,
	  .reads_input = iptables_restore_reads_input, .input = iptables_restore_input },
	{ .name = "iptables-xml", .usage = "[-c] [-v] [FILE]", .summary = "iptables-save text as XML",
	  .options = "  -c, --combine       rules with the same conditions as one\n"
		     "  -v, --verbose       the lines as comments\n",
	  .local = command_iptables_xml },
	{ .name = "ip6tables", .usage = "...", .summary = "refused: Tapgate routes IPv4", .local = command_ip6tables },
	{ .name = "ip6tables-save", .usage = "...", .summary = "prints nothing: Tapgate routes IPv4", .local = command_ip6tables },
	{ .name = "ip6tables-restore", .usage = "...", .summary = "refused: Tapgate routes IPv4", .local = command_ip6tables },
	{ .name = "ipset", .usage = "create | add | del | test | list | save | restore | swap | rename | flush | destroy ...",
	  .summary = "the sets that rules ask with -m set, as ipset(8)",
	  .options = "As ipset 7.17; `ipset help` has its words, `ipset help TYPE` those of a type:\n"
		     "hash:ip hash:net hash:ip,port hash:net,iface hash:ip,port,ip hash:ip,port,net hash:mac\n"
		     "bitmap:ip bitmap:port list:set\n",
	  .live = command_ipset, .prepare = ipset_prepare, .reads_input = ipset_reads_input },
	{ .name = "nfacct", .usage = "list | add | delete | get | flush | restore | monitor ...",
	  .summary = "the objects that rules count into with -m nfacct, as nfacct(8)",
	  .options = "  list [reset] [xml | json] [counters | bytes-quota | pkts-quota | overquota]\n"
		     "  add NAME [packet | byte QUOTA]\n"
		     "  delete NAME\n"
		     "  get NAME [reset] [xml | json]\n"
		     "  flush               deletes what no rule names\n"
		     "  restore             adds what `list` printed, from standard input\n"
		     "  monitor             objects that reach their quota, until interrupted\n",
	  .live = command_nfacct, .reads_input = nfacct_reads_input },
	{ .name = "conntrack", .usage = "-L | -G | -D | -I | -A | -U | -E | -F | -C | -S [conntrack | expect] [OPTIONS]; -R FILE",
	  .summary = "the live connections, as conntrack(8)",
	  .options = "  -L, --dump          list connections or expectations\n"
		     "  -G, --get           one connection or expectation\n"
		     "  -D, --delete        delete the connections that fit\n"
		     "  -I, --create        make one; -A, --add: unless it is there\n"
		     "  -U, --update        change -m MARK, -t SECONDS, -u STATUS, --state, --label-add, --label-del of those that fit\n"
		     "  -F, --flush         delete all\n"
		     "  -E, --event         what happens to connections, until interrupted; -e NEW,UPDATES,DESTROY\n"
		     "  -C, --count         how many there are\n"
		     "  -S, --stats         counters\n"
		     "To choose: -s -d -r -q ADDRESS[/MASK], -p PROTOCOL (then --sport, --dport, --state, --icmp-type ...),\n"
		     "-m MARK[/MASK], -u STATUS, -l LABEL, -w ZONE, -n -g -j [ADDRESS[:PORT]]; -z clears the counters listed.\n"
		     "  -o, --output LIST   extended, id, ktimestamp, labels, xml, save; with -E timestamp; comma separated\n"
		     "  -R, --load-file F   the commands in a file, as -L -o save writes them; - is standard input\n",
	  .live = command_conntrack, .prepare = conntrack_prepare, .reads_input = conntrack_reads_input, .follows = true },
	{ .name = "cat", .usage = "PATH...", .summary = "prints files of the status tree", .live = command_cat },
	{ .name = "ls", .usage = "[-l] [PATH...]", .summary = "lists a folder of the status tree", .live = command_ls },
	{ .name = "write", .usage = "PATH [VALUE]", .summary = "writes to a file of the status tree; without VALUE from stdin",
	  .live = command_write, .reads_input = write_reads_input },
	{ .name = "sysctl", .usage = "[-a] [-n] [-w] NAME[=VALUE]...", .summary = "tunables, as sysctl(8)",
	  .live = command_sysctl },
	{ .name = "help", .usage = "[COMMAND | config | hooks | tree]", .summary = "this text; of a command, of the configuration, "
	  "of the hooks, of the status tree", .local = command_help },
};
const size_t command_count = sizeof commands / sizeof *commands;

/* without_legacy: "iptables-legacy-save" is "iptables-save". Return: @name or the shorter name in @buf. */
static const char *without_legacy(const char *name, char *buf, size_t size)
{
	const char *legacy = strstr(name, "-legacy");

	if (!legacy || (strncmp(name, "iptables", 8) && strncmp(name, "ip6tables", 9)))
		return name;
	snprintf(buf, size, "%.*s%s", (int)(legacy - name), name, legacy + strlen("-legacy"));
	return buf;
}

const struct command *command_find(const char *name)
{
	char buf[32];

	name = without_legacy(name, buf, sizeof buf);
	for (size_t i = 0; i < command_count; i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	return NULL;
}

int request_fail(struct request *rq, int code, const char *format, ...)
{
	va_list args;

	text_printf(&rq->err, "tapgate %s: ", rq->argc ? rq->argv[0] : "");
	va_start(args, format);
	text_vprintf(&rq->err, format, args);
	va_end(args);
	text_puts(&rq->err, "\n");
	return code;
}

/* help_all: the list of commands. */
static void help_all(FILE *out)
{
	fprintf(out, "Tapgate %s: a virtual router in user space.\n\nusage: tapgate [-S SOCKET] COMMAND [ARGUMENTS]\n\n",
		TAPGATE_VERSION);
	for (size_t i = 0; i < command_count; i++)
		fprintf(out, "  %-18s %s\n", commands[i].name, commands[i].summary);
	fprintf(out, "\n  -S, --socket SOCKET  the router's control socket; default: environment TAPGATE_SOCKET, then\n"
		     "                       " CONFIG_SOCKET_DEFAULT "\n"
		     "      --version        the version\n\n"
		     "Called by the name of a command (a link `iptables`, `conntrack`, ...) it is that command.\n");
}

/* help_hooks: the hooks and what happens there, in order. */
static void help_hooks(void)
{
	int hook = -1;

	for (const struct hook_slot *s = engine_hooks; s->fn; s++) {
		if (s->hook != hook)
			printf("%s%s\n", hook < 0 ? "" : "\n", hook_name(s->hook));
		hook = s->hook;
		if (s->priority == PRI_CONFIRM)
			printf("  %6s  %s\n", "last", s->name);
		else
			printf("  %6d  %s\n", s->priority, s->name);
	}
}

/* print_text: to stdout, and frees it. Return: exit status. */
static int print_text(struct text *t)
{
	fputs(text_cstr(t), stdout);
	text_free(t);
	return 0;
}

int command_help(const struct command_env *env, int argc, char **argv)
{
	const struct command *command;
	struct text text = { 0 };

	(void)env;
	if (argc < 2) {
		help_all(stdout);
		return 0;
	}
	command = command_find(argv[1]);
	if (command) {
		printf("usage: tapgate %s%s%s\n\n%s.\n", command->name, *command->usage ? " " : "", command->usage,
		       command->summary);
		if (command->options)
			printf("\n%s", command->options);
		return 0;
	}
	if (!strcmp(argv[1], "hooks")) {
		help_hooks();
		return 0;
	}
	if (!strcmp(argv[1], "config"))
		config_help(&text);
	else if (!strcmp(argv[1], "tree"))
		status_help(&text);
	if (text.len)
		return print_text(&text);
	fprintf(stderr, "tapgate: there is no help about '%s': `tapgate help` lists the commands\n", argv[1]);
	return COMMAND_USAGE;
}

/* run_command: carries it out here or by the router. */
static int run_command(const struct command *command, const struct command_env *env, int argc, char **argv)
{
	/* The tools that it stands for explain themselves; our own commands by the table. */
	bool tool = !strncmp(command->name, "ip", 2);

	if (argc == 2 && !tool && (!strcmp(argv[1], "--help") || (command->local && !strcmp(argv[1], "-h")))) {
		char *words[] = { (char *)(uintptr_t) "help", (char *)(uintptr_t)command->name, NULL };

		return command_help(env, 2, words);
	}
	if (command->local)
		return command->local(env, argc, argv);
	return client_run(command, env, argc, argv);
}

/* take_globals: the options before the command. Return: index of the command in @argv; -1: exit with *@code. */
static int take_globals(struct command_env *env, int argc, char **argv, int *code)
{
	int i = 1;

	*code = 0;
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--version") || !strcmp(argv[i], "-V")) {
			printf("tapgate %s\n", TAPGATE_VERSION);
			return -1;
		}
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
			help_all(stdout);
			return -1;
		}
		if (!strncmp(argv[i], "--socket=", 9)) {
			env->socket = argv[i] + 9;
		} else if ((!strcmp(argv[i], "-S") || !strcmp(argv[i], "--socket")) && i + 1 < argc) {
			env->socket = argv[++i];
		} else {
			fprintf(stderr, "tapgate: unknown option '%s', or its value is missing: see `tapgate help`\n", argv[i]);
			*code = COMMAND_USAGE;
			return -1;
		}
	}
	if (i < argc)
		return i;
	help_all(stderr);
	*code = COMMAND_USAGE;
	return -1;
}

int command_main(int argc, char **argv)
{
	const char *name = argc ? strrchr(argv[0], '/') : NULL, *socket = getenv("TAPGATE_SOCKET");
	struct command_env env = { socket && *socket ? socket : CONFIG_SOCKET_DEFAULT };
	const struct command *command;
	int at, code;

	name = name ? name + 1 : argc ? argv[0] : "tapgate";
	command = command_find(name);
	if (command)
		return run_command(command, &env, argc, argv);
	at = take_globals(&env, argc, argv, &code);
	if (at < 0)
		return code;
	command = command_find(argv[at]);
	if (command)
		return run_command(command, &env, argc - at, argv + at);
	fprintf(stderr, "tapgate: unknown command '%s': `tapgate help` lists the commands\n", argv[at]);
	return COMMAND_USAGE;
}
