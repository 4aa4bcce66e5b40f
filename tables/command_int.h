/* command_int.h - one iptables command line between being read (command.c) and being carried out (command_run.c).
 *
 * Who asks decides what is allowed (enum command_mode): iptables(8) itself, a line of an iptables-restore text, a line
 * of the configuration. The words live as long as the caller's argv.
 */
#ifndef TABLES_COMMAND_INT_H
#define TABLES_COMMAND_INT_H

#include "tables/tables_int.h"

enum command_mode {
	COMMAND_CONFIG,  /* a rule of the configuration: no -t, nothing is printed */
	COMMAND_RESTORE, /* a line of iptables-restore: no -t, no -w */
	COMMAND_TOOL,    /* iptables(8) */
};

struct command {
	struct tables *t;
	struct ruleset *rs; /* NULL while only being read */
	enum table_id id;   /* TABLE_COUNT: -t named one that does not exist */
	struct rule_error *err;
	struct text *out, *warn; /* what it prints; NULL: it may not list */
	struct listing **listing; /* where a listing of the live rules is only to be begun; NULL: it is printed */
	enum command_mode mode;
	bool make_chains;
	int argc, index;
	char **argv;
	const char *cluster; /* rest of a word of short flags */
	char cmd;            /* A D I R C N X P F Z E L S; 0 = none yet */
	bool zero;           /* -Z beside -L or -S */
	bool zero_number;    /* ... of one rule */
	bool stop;           /* -V, -h: has printed and does nothing else; or a line for IPv6 */
	char given[16];      /* short names of the rule options seen, each once */
	unsigned given_count;
	bool invert;
	bool wait, interval; /* -w, -W */
	unsigned verbose;    /* how often -v */
	unsigned flags;      /* LIST_* */
	const char *table;   /* -t */
	const char *chain, *second; /* second: new name, policy */
	unsigned number;            /* rule number; 0 = none */
	struct rule_words words;
};

/* command_begin: clears @c for @argc words; command_end releases what reading took.
 * command_read: all the words, and whether they make sense together. Return: 0 or -1. */
void command_begin(struct command *c, struct tables *t, enum table_id id, int argc, char **argv, struct rule_error *err);
int command_read(struct command *c);
void command_end(struct command *c);

/* command_apply: carries out what was read on c->rs. Return: 0 or -1. */
int command_apply(struct command *c);

/* command_reads: whether it only looks: -L, -S without -Z. */
bool command_reads(const struct command *c);

/* command_addresses: the lists of -s and -d of a command with a rule, and whether its chain may have -i or -o: what is
 * looked at before the table. Return: 0 or -1. */
int command_addresses(struct command *c, struct addr_list *src, struct addr_list *dst);

/* command_chain_name: whether a user chain may be called so (assert_valid_chain_name of iptables). Return: 0 or -1. */
int command_chain_name(const struct command *c, const char *name);

/* command_usage: prints what -h prints: the options, and those of the matches and the target named before it. */
void command_usage(const struct command *c);

#endif
