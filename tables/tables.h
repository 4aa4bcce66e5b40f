/* tables.h - tables, chains, rules: what an iptables user names, and the walk.
 *
 * Overview
 *   Five tables (raw mangle nat filter security), each a set of chains: the built-in ones, entered from the hooks, and the
 *   user's. A ruleset is built off to the side from rule text (a transaction) and swapped in whole; the packet path
 *   only reads the live one.
 *
 * Invariants
 *   1. A live ruleset has no unresolved jump, no loop, and no match or target outside the tables and hooks it allows.
 *   2. A failed transaction changes nothing.
 *   3. A rule whose text did not change keeps its counters and its state (limit buckets...) over a swap.
 *
 * Linux parity: net/ipv4/netfilter/ip_tables.c; text: iptables 1.8.11.
 */
#ifndef TABLES_TABLES_H
#define TABLES_TABLES_H

#include "conntrack/conntrack.h"
#include "netstack/hooks.h"

struct text;
struct table;
struct chain;
struct rule;
struct ruleset;
struct listing;

#define TABLES(X) \
	X(RAW, "raw", DROP_RULE_RAW) \
	X(MANGLE, "mangle", DROP_RULE_MANGLE) \
	X(NAT, "nat", DROP_RULE_NAT) \
	X(FILTER, "filter", DROP_RULE_FILTER) \
	X(SECURITY, "security", DROP_RULE_SECURITY)

enum table_id {
#define X(id, name, drop) TABLE_##id,
	TABLES(X)
#undef X
	TABLE_COUNT
};

struct shared;

struct tables {
	struct shared *shared; /* what rules share by name: see shared.h */
	struct netstack *ns;
	struct conntrack *ctk;
	void *nat; /* struct nat, set by the engine: only NAT targets use it */
	struct sets *sets; /* set.h */
	struct nfaccts *nfaccts; /* nfacct.h */
	struct ruleset *live, *dead; /* dead: to be freed */
	struct ruleset *committing;  /* whose commit in pieces goes on; NULL */
	uint8_t init_order[TABLE_COUNT]; /* tables in use, in order of their first use: ip_tables_names shows the reverse */
	uint8_t init_count;
	uint8_t used; /* bit per table in init_order: the others are not walked and count nothing, as in Linux */
	uint32_t generation; /* bumped by each swap */
	const struct match_ops **matches;   /* all known, NULL-terminated */
	const struct target_ops **targets;
	bool trace_used; /* a live rule has -j TRACE */
	uint32_t serial; /* of commits begun */
	uint32_t audit_serial; /* of -j AUDIT */
	bool tee_busy; /* -j TEE sends a copy: rules that the copy meets make no further ones */
	char (*proto_names)[16]; /* by number, "" where unknown: read once from the system's protocol list */
	/* Turns a host name in -s, -d into at most @max addresses (network order). Return: how many, 0 = unknown.
	 * NULL (the default): only numeric addresses are taken. */
	unsigned (*resolve)(void *ctx, const char *name, uint32_t *addrs, unsigned max);
	void *resolve_ctx;
};

/* tables_create: an instance with empty tables (policies ACCEPT). tables_destroy frees it. */
struct tables *tables_create(struct netstack *ns, struct conntrack *ctk);
void tables_destroy(struct tables *t);

/* tables_register_match, tables_register_target: adds one that lives in another room (nat/). Return: 0 or -EEXIST. */
int tables_register_match(struct tables *t, const struct match_ops *ops);
int tables_register_target(struct tables *t, const struct target_ops *ops);

/* Hook functions (ROOM_TABLES), one per table that hooks directly; mangle at OUTPUT reroutes. */
enum verdict tables_raw(void *tables, struct pkt *p, const struct hook_state *st);
enum verdict tables_mangle(void *tables, struct pkt *p, const struct hook_state *st);
enum verdict tables_filter(void *tables, struct pkt *p, const struct hook_state *st);
enum verdict tables_security(void *tables, struct pkt *p, const struct hook_state *st);

/* tables_walk: the walk of one table's chain for the hook in @st; nat/ calls it for TABLE_NAT. Sets p->drop on DROP. */
enum verdict tables_walk(struct tables *t, enum table_id id, struct pkt *p, const struct hook_state *st);

/* --- building rulesets ------------------------------------------------------------------------------------------- */

/* A message for whoever wrote the text. code: 1 operation failed, 2 usage, 3 no such table, 4 resource problem (iptables
 * exit status). Iptables prints codes 2 and up with "iptables VERSION: " before and the hint at --help behind, code 1
 * with "iptables: " alone; `bare` and `blank` are its exceptions. */
struct rule_error {
	int code;
	char text[512]; /* one line, no newline, no program prefix */
	char detail[256]; /* what Linux tells only the kernel log, e.g. in which hooks a target is allowed; may be "" */
	unsigned line;    /* of ruleset_restore: the line; 0 elsewhere */
	uint16_t message; /* offset in text of what follows "NAME:LINE: " */
	bool bare;        /* iptables prints this one without its own name */
	bool blank;       /* and this one with an empty line behind */
	bool framed;      /* and this one with one before it and two behind */
	bool told;        /* of code 1: found in the text, no answer of the kernel's: iptables-restore prints it, too */
	bool commit_missing; /* of iptables-restore: the text ends inside a table */
	uint32_t tag;     /* ruleset_tag of the rule or chain that is wrong; 0 = not known */
};

/* tables_begin: a transaction: a copy of the live ruleset (@from_live) or an empty one. Return: owned by the caller
 * until commit or abort; NULL without memory. */
struct ruleset *tables_begin(struct tables *t, bool from_live);

/* ruleset_command: `-A CHAIN ...` / `-I` / `-D` / `-R` / `-C` / `-N` / `-P` / `-X` / `-F` / `-E` / `-Z` given as
 * words (argv without "iptables -t TABLE"). @make_chains: a -A to an unknown user chain makes it, and -N of one that
 * is there is no mistake (the INI's rules). Return: 0, or -1 with @err. */
int ruleset_command(struct tables *t, struct ruleset *rs, enum table_id id, int argc, char **argv, bool make_chains,
		    struct rule_error *err);

/* ruleset_name_chain: makes the user chain that a -N, -A or -I line names, before the lines themselves are read, so that
 * their order does not matter. Return: 0; -1 the line names none, or none that can be: reading the line says why. */
int ruleset_name_chain(struct tables *t, struct ruleset *rs, enum table_id id, const char *line);

/* One run of iptables(8) in pieces, between which packets may pass: @argv without the program's name, -t and -L included, on
 * the live rules. What it prints is appended to @out, warnings to @warn, also when it fails. As with iptables, a
 * change sets the counters of the table's policies to 0. In @err err->text may be empty: only the hint at --help is
 * to be printed. tool_start: reads the words, which stay until tool_end and may be changed. Return: NULL with @err.
 * tool_go: about @budget rules, or some lines of a listing. Return: 1: call again; 0: done; -1 with @err. tool_end:
 * also in the middle; what is not live by then is given up. */
struct tool;
struct tool *tool_start(struct tables *t, int argc, char **argv, struct text *out, struct text *warn, struct rule_error *err);
int tool_go(struct tool *x, unsigned budget, struct text *out, struct text *warn, struct rule_error *err);
void tool_end(struct tool *x);

/* ruleset_line: the same for a line of text, split as a shell splits words (quotes, backslash).
 * ruleset_restore: a whole iptables-save text. @name: what to call it in messages. @noflush: keep what is there.
 * @with_counters: take the counters given. On error err->text begins "NAME:LINE: ". Return: 0 or -1. */
int ruleset_line(struct tables *t, struct ruleset *rs, enum table_id id, const char *line, bool make_chains,
		 struct rule_error *err);
int ruleset_restore(struct tables *t, struct ruleset *rs, const char *text, const char *name, bool noflush,
		    bool with_counters, struct rule_error *err);

/* ruleset_restore of a whole text into a transaction that was not begun from the live ruleset, in pieces, between which packets
 * may pass and others may commit. restore_into: @text is written to, and as before between two calls; it and @name stay until
 * restore_end. Return: owned by the caller, NULL without memory. restore_read: up to @lines lines, or as much of their checks.
 * Return: 1: call again; 0: all read; -1 with @err. */
struct restore;
struct restore *restore_into(struct tables *t, struct ruleset *rs, char *text, const char *name);
int restore_read(struct restore *r, unsigned lines, struct rule_error *err);

/* iptables-restore(8) on the live rules, in pieces: packets may pass between two calls of restore_go.
 * restore_start: begins with @text, which is written to (and as before between two calls) and must stay until
 * restore_end. Return: owned by the caller (restore_end), NULL without memory. restore_go: reads up to @lines lines,
 * or does as much of what follows; makes all tables live at once. What it prints is appended to @out and @warn.
 * Return: 1: call again; 0: done; -1: a mistake, in @err with its line: the tables closed by COMMIT before it are
 * live, as with iptables-restore, the rest is as it was. */
struct restore_options {
	const char *name; /* for messages, "NAME:LINE: " before them; NULL: without */
	bool noflush, counters, test;
	bool comments;    /* print them */
	unsigned verbose;
	const char *only; /* the one table to take; NULL: all */
};
struct restore *restore_start(struct tables *t, char *text, const struct restore_options *o);
int restore_go(struct restore *r, unsigned lines, struct text *out, struct text *warn, struct rule_error *err);
void restore_end(struct restore *r);

/* ruleset_tag: a number (a line, a key) that rules made from now on carry, so that tables_commit can say in err->tag
 * which one is wrong. */
void ruleset_tag(struct ruleset *rs, uint32_t tag);

/* ruleset_set_policy: as -P. @verdict "ACCEPT" or "DROP". Return: 0 or -1 with @err. */
int ruleset_set_policy(struct ruleset *rs, enum table_id id, const char *chain, const char *verdict,
		       struct rule_error *err);

/* tables_commit: checks the whole (jumps, loops, hooks) and makes it live; counters and state of unchanged rules move
 * over. Consumes @rs on success. Return: 0, or -1 with @err (caller still owns @rs).
 * tables_abort: throws it away. */
int tables_commit(struct tables *t, struct ruleset *rs, struct rule_error *err);
void tables_abort(struct tables *t, struct ruleset *rs);

/* The same in pieces of about @budget rules, between which packets may pass. tables_commit_some: Return: 0: live, @rs is
 * consumed; 1: call again; -1 with @err; TABLES_OVERTAKEN: another commit came first: abort, and begin anew.
 * tables_rest: what is left to do behind a commit or tables_abort_later. Return: whether there is more.
 * tables_rest_all: all of it. tables_settle_all: as much as must be done before a transaction begins. */
enum { TABLES_OVERTAKEN = 2 };
int tables_commit_some(struct tables *t, struct ruleset *rs, unsigned budget, struct rule_error *err);
void tables_abort_later(struct tables *t, struct ruleset *rs);

/* tables_commit_some in two halves, where the switch is to come at the same packet boundary as other changes. tables_prepare:
 * all before it; Return: as tables_commit_some, but 0: ready, and @rs still the caller's. tables_prepared: whether it is
 * ready and no other commit came since. tables_go_live: the switch of one that is; consumes @rs.
 * tables_abort_some: tables_abort, about @budget rules of it. Return: whether there is more; without, @rs is gone. */
int tables_prepare(struct tables *t, struct ruleset *rs, unsigned budget, struct rule_error *err);
bool tables_prepared(const struct tables *t, const struct ruleset *rs);
void tables_go_live(struct tables *t, struct ruleset *rs);
bool tables_abort_some(struct tables *t, struct ruleset *rs, unsigned budget);
bool tables_rest(struct tables *t, unsigned budget);
void tables_rest_all(struct tables *t);
void tables_settle_all(struct tables *t);

/* --- text out ---------------------------------------------------------------------------------------------------- */

/* tables_save: iptables-save of one table, or of all in use (@id = TABLE_COUNT). @counters: -c. @stamp: the lines
 * "# Generated by ... on DATE" / "# Completed on DATE" with this text as the date, NULL: without them. */
void tables_save(const struct tables *t, enum table_id id, bool counters, const char *stamp, struct text *out);

/* tables_list: iptables -L. @chain NULL = all. @flags: LIST_*. Return: 0; -ENOENT no such chain. */
enum { LIST_VERBOSE = 1, LIST_NUMERIC = 2, LIST_EXACT = 4, LIST_LINE_NUMBERS = 8 };
int tables_list(const struct tables *t, enum table_id id, const char *chain, unsigned flags, struct text *out);

/* tables_list_rule: iptables -L CHAIN NUM: that line alone, nothing if there is no such rule. Return: 0 or -ENOENT. */
int tables_list_rule(const struct tables *t, enum table_id id, const char *chain, unsigned num, unsigned flags,
		     struct text *out);

/* tables_list_rules: iptables -S [CHAIN [NUM]]. @num 0 = all; @counters: -v. Return: 0 or -ENOENT. */
int tables_list_rules(const struct tables *t, enum table_id id, const char *chain, unsigned num, bool counters,
		      struct text *out);

/* The same a few lines at a time; what comes between the calls may change the rules.
 * listing_start: begins; the listing holds the tables as they are now until listing_end. listing_loose: holds nothing, can be
 * given back by free(3), and ends early, with a remark, when other rules go live. Return of both: NULL without memory.
 * listing_go: appends some lines. Return: whether there are more. */
enum listing_kind { LISTING_TABLE, LISTING_RULES, LISTING_SAVE }; /* -L, -S, iptables-save */
struct listing_how {
	enum listing_kind kind;
	enum table_id id; /* TABLE_COUNT: all in use */
	bool counters;    /* -S -v, iptables-save -c */
	bool one;         /* only .chain, which exists */
	char chain[32];
	unsigned num;     /* only this rule of it; 0: all */
	unsigned flags;   /* of -L: LIST_* */
	char stamp[64];   /* of iptables-save, as in tables_save; "": none */
};
struct listing *listing_start(struct tables *t, const struct listing_how *how);
struct listing *listing_loose(struct tables *t, const struct listing_how *how);
bool listing_go(struct listing *l, struct text *out);
void listing_end(struct listing *l);

/* tables_names: ip_tables_names: one per line, most recently first used first. */
void tables_names(const struct tables *t, struct text *out);

/* tables_use: a table that somebody names is in use from then on: walked, listed, saved. */
void tables_use(struct tables *t, enum table_id id);

/* table_find: by name; TABLE_COUNT if unknown. table_name: the text. */
enum table_id table_find(const char *name);
const char *table_name(enum table_id id);

#endif
