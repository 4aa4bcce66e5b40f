/* extension.h - what a match or a target gives: one file each, ending in one registration struct.
 *
 * Overview
 *   An extension has a name, rows describing its options, a fixed-size data block that the rule holds, and functions to
 *   finish parsing, to print and to work on a packet. The generic parser (options.c) does the words: `!`, `--opt value`,
 *   `--opt=value`, unambiguous abbreviations, "given twice", "needs", "excludes", ranges; values of the common types go
 *   straight to the data block at .offset. Only what is peculiar needs code (.parse).
 *
 * To add one: write tables/match_NAME.c or tables/target_NAME.c, add the line to tables/extensions.def, add its rows
 * to the tests.
 */
#ifndef TABLES_EXTENSION_H
#define TABLES_EXTENSION_H

#include "netstack/port.h"
#include "tables/tables.h"

enum opt_type {
	OPT_NONE,       /* a flag, no value: stores 1 in a uint8_t if .store */
	OPT_U8,         /* decimal, 0x hex or 0 octal within min..max (if both 0: the whole type) */
	OPT_U16,
	OPT_U32,
	OPT_U64,
	OPT_U8_RANGE,   /* A, A:B, :B, A: -> two of the type */
	OPT_U16_RANGE,
	OPT_U32_RANGE,
	OPT_U64_RANGE,
	OPT_PORT,       /* number or service name -> uint16_t host order */
	OPT_PORT_RANGE, /* with ':' -> two uint16_t host order */
	OPT_MARKMASK,   /* V or V/M -> two uint32_t */
	OPT_IP4_MASK,   /* address or host[/plen or /mask] -> struct { uint32_t addr, mask; } network order */
	OPT_IP4,        /* one address, network order */
	OPT_MAC,        /* six bytes */
	OPT_STRING,     /* text within min..max characters -> char array of max + 1 */
	OPT_CUSTOM,     /* .parse of the extension gets the text */
};

enum opt_flag {
	OPTF_INVERT = 1,    /* may stand behind `!`: sets the bit of the option in the inversion word */
	OPTF_MANDATORY = 2, /* "option "--x" must be specified" */
	OPTF_STORE = 4,     /* the generic parser stores at .offset */
	OPTF_MULTI = 8,     /* may be given more than once */
};

struct opt_row {
	const char *name; /* without the two dashes */
	uint8_t id;       /* 0..31: its bit in seen, also, excludes */
	uint8_t type;     /* enum opt_type */
	uint8_t flags;    /* enum opt_flag */
	uint16_t offset;  /* in the data block */
	uint32_t also;    /* bits of options that must also be given */
	uint32_t excludes; /* bits that must not */
	uint64_t min, max;
};

/* What the parser tells an extension about one option, and at the end about all. */
struct opt_call {
	struct tables *tables;
	const char *ext;          /* extension name, for messages */
	const struct opt_row *row; /* NULL in .check */
	const char *arg;          /* the value's text; NULL for OPT_NONE and in .check */
	bool invert;
	void *data;
	uint32_t seen;            /* bits of the options given so far, this one included */
	uint32_t inverted;        /* bits of those given with `!` */
	enum table_id table;
	const struct rule_spec *spec; /* the rule's own part: -p, -s ... (protocol is final in .check only) */
	struct rule_error *err;
	struct text *warn; /* what iptables says on standard error of a rule that it takes; NULL: nobody reads it. See opt_warn */
	/* Options of two words (--tcp-flags MASK COMP): what follows the value, and how many of it .parse took. */
	char **more;
	int more_count, more_used;
};

/* rule_fail: fills the error (formatted) with exit code 2 (parameter problem). Return: -1, for `return rule_fail(...)`. */
int rule_fail(struct rule_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int rule_fail_code(struct rule_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* What a rule itself matches: addresses, interfaces, protocol, fragments (struct ipt_ip). Network order. */
enum rule_invert { INV_SRC = 1, INV_DST = 2, INV_IN = 4, INV_OUT = 8, INV_PROTO = 16, INV_FRAG = 32 };
struct rule_spec {
	uint32_t src, src_mask, dst, dst_mask;
	char in[PORT_NAME_MAX], out[PORT_NAME_MAX]; /* pattern, maybe ending in '+'; "" = any */
	uint16_t proto;   /* 0 = any */
	uint8_t fragment; /* -f */
	uint8_t invert;   /* enum rule_invert */
};

/* What a match or target sees of the walk. */
struct rule_env {
	const struct hook_state *st;
	struct tables *tables;
	enum table_id table;
	bool hotdrop; /* a match sets it: the packet is dropped at once, the rule is not counted */
};

enum rule_verdict { RULE_CONTINUE, RULE_ACCEPT, RULE_DROP, RULE_RETURN, RULE_STOLEN };

enum { HOOK_BIT_ALL = 31 };
#define HOOK_BIT(h) (1u << HOOK_##h)
#define TABLE_BIT(t) (1u << TABLE_##t)

struct match_ops {
	const char *name;
	uint8_t revision;      /* highest revision, for ip_tables_matches */
	uint8_t proto;         /* needs -p of this protocol (0 = any); also makes `-p tcp --dport` load it */
	uint8_t hooks, tables; /* bits where allowed; 0 = everywhere */
	uint16_t size;         /* of the data block */
	bool state;            /* the data block ends in state kept over reloads: see state_size */
	uint16_t state_size;   /* last bytes of the data block that are run-time state, not part of equality */
	const struct opt_row *options;
	uint8_t option_count;
	void (*init)(void *data);                          /* defaults; NULL: zero */
	int (*parse)(struct opt_call *c);                  /* OPT_CUSTOM options (and after-store hooks); NULL: none */
	int (*check)(struct opt_call *c);                  /* at the end, before mandatory options; NULL: none */
	/* Where the options allow a narrower place than .hooks: bits of hooks. NULL: none. See match_hooks. */
	uint8_t (*hooks_for)(const void *data);
	/* Commit, before anything changes: takes what the rule shares with others by name and what it may not get; detach
	 * gives it back. What they note is run-time state. Return: 0, or -1 with the error. NULL: none. */
	int (*attach)(struct tables *t, void *data, struct rule_error *err);
	void (*detach)(struct tables *t, void *data);
	void (*start)(struct tables *t, void *data);       /* commit: state begins, e.g. bucket full; NULL: none */
	void (*stop)(struct tables *t, void *data);        /* rule dies: frees what data owns; NULL: none */
	/* Iptables' own texts: list as after the fixed columns of -L ("tcp dpt:80"), with the blank before or after as
	 * iptables has it; save as -S (" --dport 80", leading blank). */
	void (*print)(const void *data, bool numeric, struct text *out);
	void (*save)(const void *data, struct text *out);
	bool (*match)(void *data, struct pkt *p, struct rule_env *env);
	/* Optional, for TCP and UDP: ports outside of which .match would say no and do nothing else: source min, max,
	 * destination min, max, host order. The walk then need not ask. Return: false: there is no such range. */
	bool (*ports)(const void *data, uint16_t window[4]);
};

struct target_ops {
	const char *name;
	const char *kernel_name; /* where -L shows another name (NOTRACK is CT to the kernel); NULL: the same */
	uint8_t revision;
	uint8_t proto;
	uint8_t hooks, tables;
	bool absent;      /* Linux 6.18 lacks it: .check refuses each rule; the status tree does not list it */
	uint16_t size;
	uint16_t state_size;
	const struct opt_row *options;
	uint8_t option_count;
	void (*init)(void *data);
	int (*parse)(struct opt_call *c);
	int (*check)(struct opt_call *c);
	uint8_t (*hooks_for)(const void *data); /* as of a match. NULL: none. See target_hooks. */
	/* What must hold of the rest of the rule. Return: NULL, or why the kernel refuses it. NULL: nothing. */
	const char *(*check_rule)(const struct rule *r);
	int (*attach)(struct tables *t, void *data, struct rule_error *err); /* as of a match */
	void (*detach)(struct tables *t, void *data);
	void (*start)(struct tables *t, void *data);
	void (*stop)(struct tables *t, void *data);
	void (*print)(const void *data, bool numeric, struct text *out);
	void (*save)(const void *data, struct text *out);
	enum rule_verdict (*target)(void *data, struct pkt *p, struct rule_env *env);
};

/* match_hooks: bits of the hooks where this match with these options may stand. */
static inline uint8_t match_hooks(const struct match_ops *ops, const void *data)
{
	uint8_t hooks = ops->hooks ? ops->hooks : HOOK_BIT_ALL;

	return ops->hooks_for ? hooks & ops->hooks_for(data) : hooks;
}

/* target_hooks: the same for a target. */
static inline uint8_t target_hooks(const struct target_ops *ops, const void *data)
{
	uint8_t hooks = ops->hooks ? ops->hooks : HOOK_BIT_ALL;

	return ops->hooks_for ? hooks & ops->hooks_for(data) : hooks;
}

/* Helpers for parse and print that extensions share live in tables/options.h. */

#endif
