/* conntrack_query.h - the command line of conntrack(8) as a command, what it names, and how it prints.
 *
 * Overview
 *   conntrack_parse (conntrack_options.c, conntrack_protocols.c) makes a query of words; conntrack_match.c says which entries it
 *   means; command_conntrack.c walks over the table, conntrack_edit.c makes, finds and changes single entries,
 *   conntrack_expect.c does what there is for expectations, conntrack_events.c carries out -E, conntrack_load.c -R.
 *
 * Linux parity: conntrack-tools 1.4.7.
 */
#ifndef ROUTER_CONNTRACK_QUERY_H
#define ROUTER_CONNTRACK_QUERY_H

#include "conntrack/conntrack.h"
#include "router/request.h"

enum { CONNTRACK_OTHER = 1, CONNTRACK_USAGE = 2 };
#define CONNTRACK_TOOL "conntrack v1.4.7 (conntrack-tools)"

enum conntrack_table { CONNTRACK_ENTRIES, CONNTRACK_EXPECT, CONNTRACK_DYING, CONNTRACK_UNCONFIRMED };

/* The options, in the order in which the tool looks for those that are missing or do not fit. */
enum conntrack_option {
	CTO_SRC, CTO_DST, CTO_REPLY_SRC, CTO_REPLY_DST, CTO_PROTO, CTO_TIMEOUT, CTO_STATUS, CTO_ZERO, CTO_EVENTS, CTO_EXP_SRC,
	CTO_EXP_DST, CTO_MASK_SRC, CTO_MASK_DST, CTO_NAT_RANGE, CTO_MARK, CTO_ID, CTO_FAMILY, CTO_SNAT, CTO_DNAT, CTO_OUTPUT,
	CTO_SECMARK, CTO_BUFFER, CTO_ANY_NAT, CTO_ZONE, CTO_LABEL, CTO_LABEL_ADD, CTO_LABEL_DEL, CTO_ORIG_ZONE, CTO_REPLY_ZONE,
	CTO_COUNT
};

/* Options that make the tool compare an entry with what was given. */
#define CONNTRACK_COMPARED                                                                                                \
	(1u << CTO_PROTO | 1u << CTO_SRC | 1u << CTO_DST | 1u << CTO_REPLY_SRC | 1u << CTO_REPLY_DST | 1u << CTO_MARK |  \
	 1u << CTO_SECMARK | 1u << CTO_STATUS | 1u << CTO_ID | 1u << CTO_ZONE | 1u << CTO_LABEL | 1u << CTO_ORIG_ZONE | \
	 1u << CTO_REPLY_ZONE)

/* What is known of one direction. */
enum { CTA_SRC = 1, CTA_DST = 2, CTA_SRC_KEY = 4, CTA_DST_KEY = 8, CTA_PROTO = 16, CTA_TYPE = 32, CTA_CODE = 64, CTA_ICMP_ID = 128 };
struct conntrack_side {
	unsigned set; /* CTA_* */
	struct ct_tuple tuple;
};

/* Bits of the events that -e names. */
enum { CONNTRACK_EV_NEW = 1, CONNTRACK_EV_UPDATE = 2, CONNTRACK_EV_DESTROY = 4, CONNTRACK_EV_ALL = 7 };

struct conntrack_query {
	char command; /* 'L', 'D', ...; 0: none */
	enum conntrack_table table;
	uint32_t options; /* 1 << enum conntrack_option */
	bool ipv6;        /* the family; given or not: @family */
	bool family;
	unsigned print;   /* enum ct_print_flag */
	bool timestamp;   /* -o timestamp */
	unsigned events;  /* CONNTRACK_EV_* */
	uint32_t buffer;  /* -b, bytes */

	struct conntrack_side side[CT_DIRS], expected, mask;
	uint32_t timeout, status, status_mask, mark, mark_mask, id;
	uint16_t zone, dir_zone[CT_DIRS];
	struct addr nat_addr[2]; /* by enum nat_manip */
	uint16_t nat_key[2];     /* network order */
	bool nat_addr_set[2], nat_key_set[2];

	uint8_t state;
	bool has_state, server, has_vtag[CT_DIRS];
	uint32_t vtag[CT_DIRS]; /* network order */

	const struct conntrack_protocol *protocol; /* of the last -p; NULL: none */
	uint8_t proto;                             /* its number */
	uint32_t protocol_options;                 /* 1 << its options */

	struct conntrack_labels *names; /* connlabel.conf, once an option needed it; owned */
	uint64_t labels[2], labels_change[2]; /* -l; --label-add, --label-del */
	bool label_list;                      /* --label-del has a list */
	bool labels_far, labels_change_far;   /* one among them that no entry can have */
};

/* conntrack_has: whether an option was given. */
static inline bool conntrack_has(const struct conntrack_query *q, enum conntrack_option o)
{
	return q->options >> o & 1;
}

/* conntrack_parse: @argv (argv[0] is a name) into @q. Return: 0 or an exit status (said on rq->err). conntrack_query_free:
 * what it owns, after both. */
int conntrack_parse(struct request *rq, int argc, char **argv, struct conntrack_query *q);
void conntrack_query_free(struct conntrack_query *q);

/* conntrack_misuse: "conntrack ...: what" and where help is. conntrack_failed: the same without. Return: exit status. */
int conntrack_misuse(struct request *rq, const char *format, ...) __attribute__((format(printf, 2, 3)));
int conntrack_failed(struct request *rq, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* conntrack_error: "Operation failed: ..." for a negative errno of @q's command. Return: exit status. */
int conntrack_error(struct request *rq, const struct conntrack_query *q, int error);
const char *conntrack_error_text(const struct conntrack_query *q, int error);

/* conntrack_check: whether options fit a command. @given: bits of what was given; @legal: one letter for each of the @count
 * options: 0 illegal, 1 needed, 2 allowed, 3 one of two pairs; @names: of the options. Return: 0 or exit status; CONNTRACK_PAIR
 * + 0 or 1: a pair is not complete, the originals' or the replies'. */
enum { CONNTRACK_PAIR = 16 };
int conntrack_check(struct request *rq, uint32_t given, const char *legal, unsigned count, const char *const *names);

/* --- conntrack_protocols.c --- */

/* conntrack_protocol_find: by name or number. Return: NULL if unknown; *@number gets its number. */
const struct conntrack_protocol *conntrack_protocol_find(const char *name, uint8_t *number);

/* conntrack_protocol_options: its long options (struct option), ended by a zero one; their val has bit 8 set. */
struct option;
const struct option *conntrack_protocol_options(const struct conntrack_protocol *p);
enum { CONNTRACK_PROTOCOL_OPTION = 256 };

/* conntrack_protocol_take: option @code with optarg @arg. conntrack_protocol_check: whether they fit. Return: 0 or exit status. */
int conntrack_protocol_take(struct request *rq, struct conntrack_query *q, int code, const char *arg);
int conntrack_protocol_check(struct request *rq, struct conntrack_query *q);

/* conntrack_protocol_help: what -h -p adds. */
void conntrack_protocol_help(const struct conntrack_query *q, struct text *out);

/* conntrack_help: what -h prints (conntrack_help.c). */
void conntrack_help(struct text *out);

/* --- conntrack_labels.c --- */

enum { CONNTRACK_LABEL_NAMES = 1024 };

struct conntrack_labels {
	const char *name[CONNTRACK_LABEL_NAMES]; /* NULL: none; owned. Entries have the first CT_LABELS */
};

/* conntrack_labels_read: /etc/xtables/connlabel.conf. Return: owned; NULL: there is none, or none with a label; errno says why. */
struct conntrack_labels *conntrack_labels_read(void);
void conntrack_labels_free(struct conntrack_labels *names);

/* --- what carries it out --- */

/* conntrack_match: whether the entry, as shown with @flags (enum ct_print_flag), is one that was asked for.
 * conntrack_match_update: the same for -U, which asks for less. */
bool conntrack_match(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_entry *ct, unsigned flags);
bool conntrack_match_update(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_entry *ct);

/* conntrack_put: an entry as the query prints it, with a newline; @flags: more of enum ct_print_flag. *@xml: whether the head of
 * an XML listing was printed; set. */
void conntrack_put(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_entry *ct, unsigned flags,
		   bool *xml, struct text *out);

/* A walk of -L, -D, -U or -F over the table on its way. */
struct conntrack_walk {
	struct request *rq;
	struct conntrack_query q; /* owned */
	struct ct_cursor cursor;
	unsigned count;
	bool xml; /* the head of an XML listing was printed */
};

/* conntrack_walk_step: a bounded part of the table. Return: whether there is more. conntrack_walk_end: what the tool says then.
 * Return: exit status. */
bool conntrack_walk_step(struct conntrack_walk *w);
int conntrack_walk_end(struct conntrack_walk *w);

/* conntrack_get, conntrack_add, conntrack_update (one entry): -G, -I or -A, -U. Return: exit status. conntrack_create:
 * *@made gets whether there is a new entry. */
int conntrack_get(struct request *rq, const struct conntrack_query *q);
int conntrack_add(struct request *rq, const struct conntrack_query *q, bool *made);
int conntrack_update(struct request *rq, const struct conntrack_query *q, struct ct_entry *ct, unsigned *count);

/* conntrack_expect: a command on the table of expectations. conntrack_events: -E, of entries or expectations; takes what @q
 * owns. conntrack_load: -R with rq->input. Return: exit status. */
int conntrack_expect(struct request *rq, const struct conntrack_query *q);
int conntrack_events(struct request *rq, struct conntrack_query *q);
int conntrack_load(struct request *rq);

/* conntrack_expect_put: an expectation as the query prints it, with a newline; @flags, @xml: as conntrack_put. */
struct ct_expect;
void conntrack_expect_put(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_expect *x,
			  unsigned flags, bool *xml, struct text *out);

#endif
