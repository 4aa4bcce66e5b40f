/* tables_int.h - how this room holds tables, chains and rules.
 *
 * Overview
 *   A ruleset has five tables; a table has chains, found by a hash of their names; a chain has entries. An entry points at
 *   a rule: the parsed thing itself (what it matches, its matches and target with their data, its counters). Rules are
 *   counted references, so that a transaction shares the rules of the live ruleset it began from, and an unchanged rule
 *   keeps counters and run-time state because it stays the very same object.
 *
 *   A transaction has the tables that it named and no others: a commit makes those live and leaves the others where they
 *   are. It compiles each chain into an array of rule_code, 32 bytes a rule: all that decides whether a rule's own part
 *   (addresses, ports, protocol) fits, read sequentially by the walk. Only a rule that fits is touched.
 *
 * Invariants
 *   1. A rule is in at most one chain of the live ruleset, and in at most one place of any ruleset.
 *   2. entry.jump points into the entry's own ruleset.
 *   3. chain.refs = entries of the same table that jump or go to it; chain.jumps = entries of the chain that do.
 *   4. code[i] describes entries[i] in the live ruleset; other rulesets have no code.
 *
 * Ownership
 *   The ruleset owns tables, chains, entries and one reference on each rule. A rule owns the data of its matches and its
 *   target; attach() is called on them in the first commit with it, start() when it first goes live; stop() and detach()
 *   when such a rule dies.
 */
#ifndef TABLES_TABLES_INT_H
#define TABLES_TABLES_INT_H

#include "netstack/text.h"
#include "tables/extension.h"
#include "tables/options.h"

enum {
	CHAIN_NAME_MAX = 32,     /* storage; a name has at most CHAIN_NAME_LEN characters */
	CHAIN_NAME_LEN = 28,     /* XT_EXTENSION_MAXNAMELEN - 1 */
	RULE_MATCHES_MAX = 64,   /* -m of one rule */
	RULE_ADDRS_MAX = 256,    /* addresses in one -s or -d list */
	RULE_EXPAND_MAX = 16384, /* rules that one line may become */
	RULESET_PATTERNS_MAX = 65535,
};

enum rule_kind { KIND_NONE, KIND_ACCEPT, KIND_DROP, KIND_QUEUE, KIND_RETURN, KIND_JUMP, KIND_GOTO, KIND_TARGET };

struct rule_match {
	const struct match_ops *ops;
	void *data;
};

/* The hot part first; spec is read only by text and commit. */
struct rule {
	uint64_t packets, bytes;
	const struct target_ops *target;
	void *target_data;
	uint8_t kind; /* enum rule_kind */
	uint8_t match_count;
	bool started, attached;
	uint32_t refs;
	uint32_t hash; /* of all that makes two rules equal, the jumped-to name excepted */
	uint32_t seen; /* serial of the last commit that found it in the new ruleset */
	struct rule_error *refusal; /* owned: what the check says of it, for then the kernel is asked; NULL: nothing */
	struct rule_spec spec;
	struct rule_match match[];
};

struct rule_entry {
	struct rule *rule;
	struct chain *jump; /* KIND_JUMP, KIND_GOTO */
	uint64_t packets, bytes;
	bool counted; /* commit sets the counters to packets, bytes; else they stay or move over */
	uint32_t tag;
};

/* What the walk reads of a rule. Addresses and masks stand in pairs, so that both are compared at once; those of an
 * inverted address are 0 here (any fits) and looked at in the rule itself. */
struct rule_code {
	uint32_t addr[2], mask[2]; /* source, destination */
	uint16_t in, out; /* index of the interface pattern */
	uint8_t proto, proto_mask;
	uint8_t bits; /* enum code_bit */
	uint8_t kind;
	struct rule *rule;
};
_Static_assert(sizeof(struct rule_code) == 32, "two rules to a cache line");

enum code_bit {
	CODE_NOT_SRC = 1, CODE_NOT_DST = 2, CODE_NOT_PROTO = 4,
	CODE_WHOLE = 8, CODE_FRAGMENT = 16, /* fits packets that are not / are later fragments */
	CODE_MATCHES = 32,
	CODE_PORTS = 64, /* the first match says no outside chain.windows[i] */
};

/* Ports outside of which a rule with CODE_PORTS does not fit; host order, ends included. */
struct port_window {
	uint16_t sport_min, sport_max, dport_min, dport_max;
};

struct chain {
	char name[CHAIN_NAME_MAX];
	struct chain *hash_next;
	int8_t hook; /* enum hook of a built-in chain; -1 */
	uint8_t policy; /* KIND_ACCEPT or KIND_DROP */
	bool counted;   /* the policy's counters were set in this transaction */
	bool announced; /* a ":" line of this transaction names it: here no target has its name */
	bool on_path, done; /* of the depth-first search of the check */
	uint8_t hook_mask;  /* hooks from which it is reached */
	uint32_t index;     /* in table.chains */
	uint32_t refs, jumps;
	uint32_t count, size; /* entries */
	uint32_t tag;
	uint64_t packets, bytes; /* policy's */
	struct rule_entry *entries;
	struct rule_code *code;
	struct port_window *windows; /* beside code */
};

/* Where a walk goes on after a jump. */
struct walk_frame {
	const struct chain *chain;
	uint32_t index;
};

/* A -i or -o text, `!` folded in: which ports fit is remembered per port. Pattern 0 fits all. */
struct iface_pattern {
	char name[PORT_NAME_MAX];
	uint8_t len; /* bytes to compare: with the NUL where exact */
	bool invert;
	uint32_t next; /* in the hash chain, + 1; 0 = end */
};
enum { PATTERN_BUCKETS = 256 };

struct iface_row {
	char name[PORT_NAME_MAX]; /* of the port for which fits[] was computed */
	bool valid;
	uint8_t *fits; /* by pattern */
};

struct table {
	bool own; /* the ruleset has it; else all is empty here */
	bool shares; /* it began as a copy: its rules may be live ones */
	bool trace;  /* a rule has -j TRACE; known once committed */
	bool checked; /* table_check found it right, and no line has changed it since */
	unsigned holds; /* listings under way */
	struct chain *base[HOOK_COUNT]; /* NULL where the table has no such chain */
	struct chain **chains;          /* built-in ones first, in order of hooks; user's by name once live */
	uint32_t count, size, base_count;
	struct chain **buckets;
	uint32_t bucket_count; /* power of two */
	struct walk_frame *stack;
	uint32_t stack_size, stack_used;
	uint32_t touched; /* named in this transaction: as which one, from 1; 0 = not */
	struct iface_pattern *patterns;
	uint32_t pattern_count, pattern_size;
	uint32_t pattern_head[PATTERN_BUCKETS]; /* index + 1; 0 = empty */
	struct iface_row row[PORTS_MAX + 1]; /* by port index; 0: no port */
	uint8_t *row_bytes;
};

/* Where something stopped that goes over all rules of a ruleset in pieces. All zero at the beginning. */
struct rule_cursor {
	int table;
	uint32_t chain, entry;
	bool in_table, in_chain; /* what comes before the rules is done */
};

/* The rules of one live chain that are free to be taken over, by hash. See adopt.c. */
struct adopt_index {
	const struct chain *old; /* NULL: there is no chain of that name */
	uint32_t *head, *next;   /* position + 1 */
	uint32_t mask, size;
	uint32_t left; /* rules of .old not looked at yet */
};

struct ruleset {
	struct tables *owner;
	struct ruleset *next_dead; /* in tables.dead */
	bool from_live;
	uint32_t tag;
	uint32_t touches; /* tables named so far */
	struct table table[TABLE_COUNT];
	/* Of a commit in pieces: */
	unsigned phase; /* 0: not begun */
	uint32_t serial;
	struct rule_cursor at;
	struct adopt_index index;
	bool late; /* live rules are to get other counters */
};

/* --- ruleset.c: building blocks of a transaction --- */

struct ruleset *ruleset_new(struct tables *t);
int table_begin(struct tables *t, struct ruleset *rs, enum table_id id, bool empty);
int table_copy(struct tables *t, struct ruleset *rs, enum table_id id, unsigned *budget);
bool ruleset_free_some(struct tables *t, struct ruleset *rs, unsigned *budget);
void ruleset_free(struct tables *t, struct ruleset *rs);
struct chain *chain_find(const struct table *tb, const char *name);
struct chain *chain_add(struct table *tb, const char *name, int hook);
void chain_remove(struct tables *t, struct table *tb, struct chain *c);
void chain_rename(struct table *tb, struct chain *c, const char *name);
void chain_flush(struct tables *t, struct chain *c);
int chain_insert(struct chain *c, uint32_t at, const struct rule_entry *entry);
void chain_delete(struct tables *t, struct chain *c, uint32_t at);
void table_sort(struct table *tb);
void table_zero_policies(struct table *tb);
int table_touch(struct tables *t, struct ruleset *rs, enum table_id id);
int policy_set(struct ruleset *rs, enum table_id id, const char *name, const char *verdict, const uint64_t counters[2],
	       struct rule_error *err);
uint32_t hash_bytes(uint32_t seed, const void *bytes, size_t len);

/* --- rule.c: the rule object --- */

struct rule *rule_new(const struct rule_spec *spec, enum rule_kind kind, const struct rule_match *matches, unsigned count,
		      const struct target_ops *target, const void *target_data);
struct rule *rule_hold(struct rule *r);
int rule_refuse(struct rule *r, const struct rule_error *why);
void rule_put(struct tables *t, struct rule *r);
int rule_attach(struct tables *t, struct rule *r, struct rule_error *err);
void rule_start(struct tables *t, struct rule *r);
bool rule_equal(const struct rule *a, const struct rule *b);
bool entry_equal(const struct rule_entry *a, const struct rule_entry *b);

/* --- rule_parse.c: the words that describe a rule --- */

struct addr_list {
	uint32_t count;
	uint32_t addr[RULE_ADDRS_MAX], mask[RULE_ADDRS_MAX];
};

/* What one command line says of a rule, being gathered. */
struct rule_words {
	struct tables *tables;
	enum table_id table;
	struct rule_error *err;
	struct text *warn; /* as of struct opt_call */
	struct rule_spec spec;
	const char *src_text, *dst_text, *jump; /* borrowed from argv */
	bool has_goto, has_counters;
	const struct table *announced; /* where a ":" line has named chains; NULL: nowhere */
	bool proto_loaded; /* an option word has loaded the match that belongs to -p */
	uint64_t packets, bytes;
	unsigned use_count;
	struct ext_use uses[RULE_MATCHES_MAX + 1];
	void *data[RULE_MATCHES_MAX + 1]; /* owned data blocks of uses */
	struct ext_use *target;           /* in uses, or NULL */
	struct rule_error refused;        /* if .code: what the kernel would say, once asked */
};

void rule_words_begin(struct rule_words *w, struct tables *t, enum table_id table, struct rule_error *err);
void rule_words_end(struct rule_words *w);
int rule_words_proto(struct rule_words *w, const char *arg, bool invert);
int rule_words_iface(struct rule_words *w, char *name, const char *arg, bool invert, uint8_t bit);
int rule_words_match(struct rule_words *w, const char *name);
int rule_words_target(struct rule_words *w, const char *name, bool go);
int rule_words_counters(struct rule_words *w, const char *packets, const char *bytes);
int rule_words_extension(struct rule_words *w, int argc, char **argv, int *index, bool invert);
bool rule_words_is_target(const struct rule_words *w, const char *name); /* -j loads one of that name */
bool rule_words_clashes(const struct rule_words *w, const char *word);
int rule_words_finish(struct rule_words *w);
int addr_list_parse(struct rule_words *w, const char *text, struct addr_list *out);
struct rule *rule_words_build(struct rule_words *w, enum rule_kind kind);

/* --- words.c --- */

/* One line split into words; the words live in .buffer. */
struct words {
	char *buffer;
	char **argv;
	int argc, size;
};
enum words_style { WORDS_SHELL, WORDS_RESTORE };
int words_split(const char *line, size_t len, enum words_style style, struct words *out, struct rule_error *err);
void words_free(struct words *w);

/* --- check.c, adopt.c, compile.c: the steps of a commit, a chain or a rule at a time --- */

int table_search(struct table *tb, struct rule_error *err);
int rule_check(enum table_id id, const struct chain *c, uint32_t index, struct rule_error *err);

int adopt_begin(struct tables *t, enum table_id id, const struct chain *c, struct adopt_index *x, struct rule_error *err);
bool adopt_index_more(struct adopt_index *x, unsigned *budget);
void adopt_rule(struct tables *t, struct adopt_index *x, struct rule_entry *e);
void adopt_end(struct adopt_index *x);

int compile_begin(struct table *tb, struct rule_error *err);
int compile_chain(struct chain *c, struct rule_error *err);
int compile_rule(struct table *tb, struct chain *c, uint32_t index, struct rule_error *err);
int compile_end(struct table *tb, struct rule_error *err);

/* --- commit.c --- */

int table_check(struct tables *t, struct ruleset *rs, enum table_id id, unsigned *budget, struct rule_error *err);

/* --- iface.c: interface patterns --- */

int iface_intern(struct table *tb, const char *pattern, bool invert);
int iface_rows_alloc(struct table *tb);
const uint8_t *iface_row(struct table *tb, const struct port *port);

/* --- protocols.c: protocol names --- */

void proto_names_load(struct tables *t);
int proto_number(const struct tables *t, const char *name);
const char *proto_name(const struct tables *t, uint8_t proto);
const char *proto_own_name(uint8_t proto);

/* --- error.c --- */

/* The failures that libiptc reports by errno, with iptables' texts (exit status 1). */
int rule_fail_errno(struct rule_error *err, int number);
int rule_fail_detail(struct rule_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* --- list.c, save.c --- */

/* Counters of a rule as its ruleset has them: in a transaction they may be others than those of the live rule. */
static inline uint64_t entry_packets(const struct rule_entry *e)
{
	return e->counted ? e->packets : e->rule->packets;
}
static inline uint64_t entry_bytes(const struct rule_entry *e)
{
	return e->counted ? e->bytes : e->rule->bytes;
}

void list_chain_head(const struct chain *c, unsigned flags, struct text *out);
void list_rule(const struct tables *t, const struct rule_entry *e, unsigned num, unsigned flags, struct text *out);
void list_rules_head(const struct chain *c, bool counters, struct text *out);
void save_chain_line(const struct chain *c, struct text *out);
void rule_line(const struct rule_entry *e, struct text *out);

/* rule_save: what follows "-A CHAIN" in iptables-save and -S, with a leading blank each. @counters: " -c P B" as -S -v. */
void rule_save(const struct tables *t, const struct rule_entry *e, bool counters, struct text *out);

/* --- listing.c --- */

int ruleset_print(const struct tables *t, const struct ruleset *rs, const struct listing_how *how, struct text *out);

static inline const char *kind_name(enum rule_kind kind)
{
	static const char *const names[] = { "", "ACCEPT", "DROP", "QUEUE", "RETURN", "", "", "" };

	return names[kind];
}

#endif
