/* set.h - named sets of addresses, networks, ports, interfaces: what ipset(8) makes and `-m set`, `-j SET` use.
 *
 * Overview
 *   A set has a type. The type's file (set_hash_ip.c, set_bitmap_port.c, ...) says of which parts an element is made, how
 *   words or a packet become its key, and how a key is printed. Where the keys are kept is the business of a store: a hash
 *   (set_hash.c), a bit per element (set_bitmap.c) or a list of other sets (set_list.c). The texts of ipset(8) are in
 *   set_value.c (read), set_text.c (print), set_command.c (the commands) and set_help.c.
 *
 * Life-cycle
 *   create -> add, del, test, swap, rename ... -> destroy, refused while somebody refers to the set. A rule refers to
 *   the set's place (its index), not to the set: a swap exchanges what two places hold, names stay where they are.
 *
 * Invariants
 *   1. set.refs = rules in force that name the set + lists of sets that hold it.
 *   2. Nothing on a packet's way allocates: SET --add-set reserves room for all elements (set_hold_adder) when its rule
 *      is read; without room an element is refused, as Linux refuses it without memory.
 *   3. The hash has the buckets, slots and order of Linux's, so that a list and "Size in memory" are Linux's for the same
 *      `initval`.
 *
 * Ownership: struct sets owns all sets; a set owns its store and the comments in it.
 *
 * Linux parity: net/netfilter/ipset/ of 6.18, ipset 7.17.
 */
#ifndef TABLES_SET_H
#define TABLES_SET_H

#include "netstack/hooks.h"
#include "netstack/port.h"
#include "netstack/text.h"

struct tables;
struct set;

enum {
	SET_NAME_MAX = 32, /* with the NUL */
	SETS_MAX = 65534,
	SET_KEY_MAX = 24,
	SET_COMMENT_MAX = 255,
	SET_PARTS_MAX = 3,
	SET_TIMEOUT_MAX = 2147483, /* seconds */
	SET_NO_TIMEOUT = UINT32_MAX,
	SET_DIM_MAX = 6, /* src and dst words of a rule */
};

enum set_adt { SET_ADD, SET_DEL, SET_TEST };

/* What can go wrong, with ipset's text. Functions return the negated code. */
#define SET_ERRORS(X)                                                                                      \
	X(EXIST, "") /* the text depends on the command */                                                 \
	X(INVAL, "Kernel error received: Invalid argument")                                                \
	X(NOMEM, "Kernel error received: Cannot allocate memory")                                          \
	X(AGAIN,                                                                                           \
	  "Kernel error received: Resource temporarily unavailable") /* bucket full: grow and try again */ \
	X(NOMATCH, "") /* a test found an element with nomatch */                                          \
	X(NO_SET, "The set with the given name does not exist")                                            \
	X(SET_EXISTS, "Set cannot be created: set with the same name already exists")                      \
	X(TOO_MANY, "Kernel error received: maximal number of sets reached, cannot create more.")          \
	X(BUSY, "Set cannot be destroyed: it is in use by a kernel component")                             \
	X(RENAME_EXISTS, "Set cannot be renamed: a set with the new name already exists")                  \
	X(RENAME_BUSY, "Set cannot be renamed: it is in use by another system")                            \
	X(SWAP_NO_SET, "Sets cannot be swapped: the second set does not exist")                            \
	X(SWAP_TYPE, "The sets cannot be swapped: their type does not match")                              \
	X(CIDR, "The value of the CIDR parameter of the IP address is invalid")                            \
	X(NETMASK, "The value of the netmask parameter is invalid")                                        \
	X(RANGE, "Element is out of the range of the set")                                                 \
	X(RANGE_SIZE, "The range you specified exceeds the size limit of the set type")                    \
	X(FULL, "Hash is full, cannot add more elements")                                                  \
	X(NULL_ELEMENT, "Null-valued element, cannot be stored in a hash type of set")                     \
	X(WHOLE_RANGE, "Invalid range, covers the whole address space")                                    \
	X(NO_TIMEOUT, "Timeout cannot be used: set was created without timeout support")                   \
	X(NO_COUNTERS, "Packet/byte counters cannot be used: set was created without counter support")     \
	X(NO_COMMENT, "Comment cannot be used: set was created without comment support")                   \
	X(NO_SKBINFO, "Skbinfo mapping cannot be used: set was created without skbinfo support")           \
	X(LIST_NAME, "Set to be added/deleted/tested as element does not exist.")                          \
	X(LIST_LOOP, "Sets with list:set type cannot be added to the set.")                                \
	X(LIST_REFNAME, "The set to which you referred with 'before' or 'after' does not exist.")          \
	X(LIST_REF, "The set to which you referred with 'before' or 'after' is not added to the set.")     \
	X(NO_INET6, "Kernel error received: family inet6 is not supported: this router forwards IPv4")

enum set_error_code {
	SET_E_NONE,
#define X(id, text) SET_E_##id,
	SET_ERRORS(X)
#undef X
};

/* set_error_text: ipset's words for a (positive) code. */
const char *set_error_text(int code);

enum set_extension { SET_COUNTERS = 1, SET_TIMEOUT = 2, SET_SKBINFO = 4, SET_COMMENT = 8 };

enum set_feature {
	SET_F_IP = 1,
	SET_F_PORT = 2,
	SET_F_MAC = 4,
	SET_F_IP2 = 8,
	SET_F_NAME = 16,
	SET_F_IFACE = 32,
	SET_F_NOMATCH = 64
};

/* How a match compares a counter of the element. */
enum set_compare_op { SET_CMP_NONE, SET_CMP_EQ, SET_CMP_NE, SET_CMP_LT, SET_CMP_GT };
struct set_compare {
	uint64_t value;
	uint8_t op;
};

enum set_op_flag {
	SET_OP_EXIST = 1, /* adding what is there, deleting what is not: no error */
	SET_OP_NOMATCH = 2,
	SET_OP_WILDCARD = 4,
	SET_OP_RETURN_NOMATCH = 8, /* a test counts the elements with nomatch, and only those */
	SET_OP_SKIP_COUNTERS = 16,
	SET_OP_SKIP_SUBCOUNTERS = 32,
	SET_OP_COMPARE = 64, /* .cmp_packets, .cmp_bytes count */
	SET_OP_PACKET = 128, /* comes from a packet: no memory may be asked for, counters begin with it */
};

/* What goes with one add, del or test beside the key; a test fills mark, mask, prio, queue. */
struct set_op {
	uint8_t flags; /* enum set_op_flag */
	bool has_timeout, has_packets, has_bytes, has_skbinfo;
	uint32_t timeout; /* seconds; 0 = for ever */
	uint64_t packets, bytes;
	const char *comment; /* borrowed; NULL: none */
	uint32_t mark, mark_mask, prio;
	uint16_t queue;
	struct set_compare cmp_packets, cmp_bytes;
};

/* The parts of an element's text. */
enum set_part {
	PART_END,
	PART_IP_MANY,   /* IP, IP/CIDR or FROM-TO */
	PART_IP_SINGLE, /* IP */
	PART_NET,       /* IP or IP/CIDR or FROM-TO: a network */
	PART_PORT,      /* [PROTO:]PORT[-PORT] */
	PART_BARE_PORT, /* the same, the protocol only names services */
	PART_IFACE,
	PART_MAC,
	PART_NAME,
};

/* An element as it was written. Addresses and ports in host order. */
struct set_entry {
	uint32_t ip, ip_to, ip2, ip2_to;
	bool has_to, has_cidr, has_to2, has_cidr2, has_port_to;
	uint8_t cidr, cidr2;
	uint8_t proto;
	uint16_t port, port_to;
	bool physdev;
	char iface[PORT_NAME_MAX];
	uint8_t mac[MAC_LEN];
	char name[SET_NAME_MAX], ref[SET_NAME_MAX];
	int8_t before; /* 1 before ref, -1 after, 0 neither */
	char comment[SET_COMMENT_MAX + 1];
	struct set_op op;
};

/* What create was told. Bits of .given: enum set_option. */
enum set_option {
	OPT_FAMILY,
	OPT_INET,
	OPT_INET6,
	OPT_HASHSIZE,
	OPT_MAXELEM,
	OPT_NETMASK,
	OPT_BITMASK,
	OPT_RANGE,
	OPT_SIZE,
	OPT_TIMEOUT,
	OPT_COUNTERS,
	OPT_COMMENT,
	OPT_FORCEADD,
	OPT_SKBINFO,
	OPT_BUCKETSIZE,
	OPT_INITVAL,
	OPT_PROBES,
	OPT_RESIZE,
	OPT_NOMATCH,
	OPT_WILDCARD,
	OPT_PACKETS,
	OPT_BYTES,
	OPT_ADT_COMMENT,
	OPT_SKBMARK,
	OPT_SKBPRIO,
	OPT_SKBQUEUE,
	OPT_BEFORE,
	OPT_AFTER,
};
#define SET_OPT(o) (1u << OPT_##o)

struct set_create {
	uint32_t given;
	bool inet6;
	uint32_t hashsize, maxelem, timeout, initval, size;
	uint32_t bitmask; /* host order */
	uint8_t netmask, bucketsize;
	struct set_entry range;
};

/* Of a packet: which of its sides each dimension takes. */
struct set_packet {
	const struct pkt *p;
	const struct port *in, *out;
	uint8_t dims; /* how many the rule gave */
	uint8_t src;  /* bit n: dimension n takes the source */
};

struct set_type;

/* Where a walk over a set in pieces is. All zero at the beginning. A hash that has grown meanwhile is walked from its first
 * bucket again, without what was in the part already seen: .seen[i]: elements with hash & mask < before. */
enum { SET_GROWTHS_MAX = 32 };
struct set_cursor {
	uint32_t at;
	uint8_t bits, growths;
	struct {
		uint32_t mask, before;
	} seen[SET_GROWTHS_MAX];
};

/* Where keys are kept. */
struct set_store {
	/* create: 0 or an error; the set is zeroed but for sets, type, extensions, timeout. */
	int (*create)(struct set *s, const struct set_create *c);
	void (*flush)(struct set *s);
	void (*destroy)(struct set *s);
	/* adt: add: 0; del: 0; test: 1 found, 0 not, -SET_E_NOMATCH; else an error. @key: type->key_size bytes. */
	int (*adt)(struct set *s, enum set_adt adt, const void *key, struct set_op *op);
	int (*grow)(struct set *s);              /* after -SET_E_AGAIN; NULL: never needed */
	int (*reserve)(struct set *s);           /* room for all elements; NULL: has it */
	void (*expire)(struct set *s);           /* frees what timed out */
	uint32_t (*count)(const struct set *s);  /* elements that did not time out */
	uint64_t (*memory)(const struct set *s); /* bytes that Linux would say */
	void (*header)(const struct set *s, void (*put)(void *ctx, const char *name, const char *value),
		       void *ctx);
	/* each: calls @fn for every element that did not time out. @ext: see set_ext_put. */
	void (*each)(const struct set *s,
		     void (*fn)(void *ctx, const void *key, const uint8_t *ext, uint8_t flags), void *ctx);
	/* some: the same for a bounded part of them. Return: whether there are more. NULL: there are never many. What is added or
	 * deleted between two calls may be met or not; all else is, once. */
	bool (*some)(const struct set *s, struct set_cursor *cursor,
		     void (*fn)(void *ctx, const void *key, const uint8_t *ext, uint8_t flags), void *ctx);
	bool (*same)(const struct set *s, const struct set_create *c);
};

struct set_type {
	const char *name;
	const char *alias; /* of ipset 4; NULL: none */
	uint8_t revision, dims, features;
	bool any_family;
	uint8_t parts[SET_PARTS_MAX];
	uint32_t create_options; /* bits of enum set_option, shown in the order of the list in set_help.c */
	uint32_t add_options, test_options, del_options;
	uint8_t test_single; /* bits of parts that a test wants plain: 1 no IP/CIDR, 2 no IP range, 4 no port range */
	uint16_t key_size;
	uint16_t hash_size;  /* bytes of the key that are hashed */
	uint16_t linux_key;  /* bytes of an element in Linux */
	uint16_t linux_base; /* bytes of an empty set in Linux */
	/* Networks: where in the key the address and its length are; length stored less @cidr_bias. */
	bool nets, net0;
	uint8_t net_at, cidr_at, cidr_bias;
	const struct set_store *store;
	int (*update)(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op);
	int (*packet)(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key);
	void (*put)(const struct set *s, const void *key, struct text *out);
	bool (*equal)(const void *stored, uint8_t stored_flags, const void *wanted); /* NULL: all bytes */
	const char *usage; /* an element, for help */
	const char *where; /* closing words of help */
};

/* Options that many types have. */
#define SET_FAMILY_OPTIONS    (SET_OPT(FAMILY) | SET_OPT(INET) | SET_OPT(INET6))
#define SET_EXTENSION_OPTIONS (SET_OPT(TIMEOUT) | SET_OPT(COUNTERS) | SET_OPT(COMMENT) | SET_OPT(SKBINFO))
#define SET_HASH_OPTIONS                                                                     \
	(SET_FAMILY_OPTIONS | SET_OPT(HASHSIZE) | SET_OPT(MAXELEM) | SET_EXTENSION_OPTIONS | \
	 SET_OPT(FORCEADD) | SET_OPT(BUCKETSIZE) | SET_OPT(INITVAL) | SET_OPT(PROBES) | SET_OPT(RESIZE))
#define SET_VALUE_OPTIONS                                                                                 \
	(SET_OPT(TIMEOUT) | SET_OPT(PACKETS) | SET_OPT(BYTES) | SET_OPT(ADT_COMMENT) | SET_OPT(SKBMARK) | \
	 SET_OPT(SKBPRIO) | SET_OPT(SKBQUEUE))

struct set_ext_layout {
	uint16_t counters, timeout, skbinfo, comment; /* offsets; UINT16_MAX: not there */
	uint16_t size;
};

struct set {
	struct sets *sets;
	char name[SET_NAME_MAX];
	const struct set_type *type;
	uint16_t index;
	uint32_t refs, adders; /* .adders: references that add from packets */
	uint64_t origin;       /* digest of what a file made of it (set_file.h); belongs to the place; 0: none made it */
	uint8_t extensions;    /* enum set_extension */
	bool forceadd;
	uint32_t timeout;       /* seconds; SET_NO_TIMEOUT: without */
	uint64_t next_expire;   /* ns */
	uint32_t ext_bytes;     /* of comments, as Linux counts */
	uint16_t linux_element; /* bytes of element and extensions in Linux */
	struct set_ext_layout ext;
	uint32_t netmask; /* host order; all ones: none */
	uint8_t plen;     /* of netmask as given; 32: none, or a bitmask */
	void *data;       /* the store's */
};

struct sets {
	struct tables *tables;
	struct netstack *ns;
	struct set **slot;
	uint32_t size;
	uint32_t changes; /* bumped when a set comes, goes or changes its name or place */
};

/* --- set_core.c --- */

struct sets *sets_create(struct tables *t, struct netstack *ns);
void sets_destroy(struct sets *ss);

/* set_find: by name; NULL. set_at: by index; NULL. */
struct set *set_find(const struct sets *ss, const char *name);
struct set *set_at(const struct sets *ss, uint16_t index);

/* set_free: a set and all in it; its place is free then. set_discard: one that is in no place any more. */
void set_free(struct sets *ss, struct set *s);
void set_discard(struct set *s);

/* set_hold, set_put: a reference to the place. set_hold_adder: reserves memory first. Return: 0 or an error. */
void set_hold(struct set *s);
void set_put(struct set *s);
int set_reserve(struct set *s);

const struct set_type *set_type_find(const char *name);
extern const struct set_type *const set_types[];

/* The commands. Return: 0 or a negated code. @name NULL: all. */
int set_make(struct sets *ss, const char *name, const struct set_type *type, const struct set_create *c,
	     bool exist);
int set_destroy(struct sets *ss, const char *name);
int set_flush(struct sets *ss, const char *name);
int set_rename(struct sets *ss, const char *from, const char *to);
int set_swap(struct sets *ss, const char *from, const char *to);

/* set_update: add, del or test of a written element. Return: 0; test: 1 in, 0 not in the set; or a negated code. */
int set_update(struct set *s, enum set_adt adt, const struct set_entry *e);

/* set_element: one key: store's adt, growing where it may. An -SET_E_EXIST that op allows is 0. */
int set_element(struct set *s, enum set_adt adt, const void *key, struct set_op *op);

/* set_packet_adt: the same from a packet. Return: test: whether it is in; else whether it was done. */
bool set_packet_adt(struct set *s, enum set_adt adt, const struct set_packet *sp, struct set_op *op);

/* Extensions of an element at @ext. set_ext_init: of an added one. set_ext_match: whether the element still lives and
 * fits; counts the packet. set_ext_free: gives back the comment. set_ext_seconds: as shown. */
void set_ext_init(struct set *s, uint8_t *ext, const struct set_op *op);
bool set_ext_match(const struct set *s, uint8_t *ext, struct set_op *op);
void set_ext_free(struct set *s, uint8_t *ext);
bool set_ext_expired(const struct set *s, const uint8_t *ext);

/* set_ext_layout: own offsets, and the bytes of an element in Linux. @linux_align: of its key. */
void set_ext_layout(struct set *s, unsigned linux_align);

/* --- stores --- */
extern const struct set_store set_store_hash, set_store_bitmap, set_store_list;

/* set_hash_cidr: length of the most specific network held (32 where none), which packets add with. */
uint8_t set_hash_cidr(const struct set *s);

/* set_list_packet: set_packet_adt of a list: asks its sets. */
bool set_list_packet(struct set *s, enum set_adt adt, const struct set_packet *sp, struct set_op *op);

/* set_list_renumber: the members of a list get the places of @map, by the place they have now.
 * set_list_holds_list: whether one of them is a list. */
void set_list_renumber(struct set *s, struct set *const *map);
bool set_list_holds_list(const struct set *s);

struct set_bitmap_range {
	uint32_t first, last; /* host order */
	uint32_t hosts;       /* addresses an element stands for */
};
const struct set_bitmap_range *set_bitmap_range(const struct set *s);

/* --- set_value.c: words to values --- */

struct set_error {
	int code; /* exit status: 1 or 2 */
	char text[1024];
};
int set_fail(struct set_error *err, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));
int set_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out, struct set_error *err);
int set_parse_element(const struct sets *ss, const struct set_type *type, char *text, struct set_entry *e,
		      struct set_error *err);
int set_parse_range(const struct sets *ss, const struct set_type *type, char *text, struct set_entry *e,
		    struct set_error *err);
int set_parse_ip(const struct sets *ss, const char *text, uint32_t *ip, struct set_error *err);

/* set_packet_addr, set_packet_port: the side of the packet that dimension @dim takes. Port: Return false: there is none. */
uint32_t set_packet_addr(const struct set_packet *sp, unsigned dim);
bool set_packet_port(const struct set_packet *sp, unsigned dim, uint16_t *be, uint8_t *proto);

/* The addresses and ports, host order, that one element text means. */
struct set_span {
	uint32_t ip, ip_to, port, port_to;
};
/* set_span_of: of @e, whose address is @ip; a test means the first of each alone. Return: 0 or an error. */
int set_span_of(const struct set_entry *e, enum set_adt adt, uint32_t ip, struct set_span *out);

/* set_next_net: cuts the largest network that starts at @from from the range @from..@to (host order).
 * Return: its last address; *plen its length. */
uint32_t set_next_net(uint32_t from, uint32_t to, uint8_t *plen);

/* --- set_text.c --- */
enum set_output { SET_OUT_PLAIN, SET_OUT_SAVE, SET_OUT_XML };
struct set_list_how {
	uint8_t output; /* enum set_output */
	bool names, terse, sorted;
};
/* set_list: one set, or all (@name NULL). Return: 0 or -SET_E_NO_SET. */
int set_list(struct sets *ss, const char *name, const struct set_list_how *how, struct text *out);
/* The same in pieces: what is sorted and what is no list of elements is printed at once. set_listing_start: Return: owned by
 * the caller until set_listing_end; NULL with *error, as set_list, or -SET_E_NOMEM. set_listing_go: appends a piece; sets may
 * change between the calls. Return: whether there is more. */
struct set_listing;
struct set_listing *set_listing_start(struct sets *ss, const char *name, const struct set_list_how *how, int *error);
bool set_listing_go(struct set_listing *l, struct text *out);
void set_listing_end(struct set_listing *l);
/* The digest of a set: a number, not 0, that differs when name, type, options or elements differ; but for hashsize and
 * initval, which no user sees the effect of. Made in pieces, between which the set may not change. set_digest_start: NULL
 * without memory. set_digest_go: a piece. Return: whether there is more. set_digest_end: Return: the number; also in the middle. */
struct set_digest;
struct set_digest *set_digest_start(const struct set *s);
bool set_digest_go(struct set_digest *d);
uint64_t set_digest_end(struct set_digest *d);
/* set_put_entry: an element as it was written, normalised. */
void set_put_entry(const struct set *s, const struct set_entry *e, struct text *out);
void set_put_proto_port(const struct sets *ss, uint8_t proto, uint16_t port, struct text *out);
int set_icmp_find(const char *name);
const char *set_icmp_name(unsigned index);
void set_put_ip(struct text *out, uint32_t host_order);

/* --- set_command.c --- */

/* One run of ipset(8): a command, or the lines of a restore. */
struct set_session {
	struct sets *sets;
	struct text *out, *err;
	struct set_listing **listing; /* where a listing is only to be begun; NULL: it is printed */
	bool restoring, exist, quiet, sorted, names, terse, has_output, ended;
	uint8_t output;
	unsigned line;
	bool bare; /* a mistake is told without program, line and hint, and also with -quiet */
	bool base_exist, base_quiet; /* given with the restore itself: hold for all lines */
};
/* set_command: argv[0] is the tool's name. *restore: the command was `restore`: feed lines. Return: exit status. */
int set_command(struct set_session *x, int argc, char **argv, bool *restore);
/* set_restore_line: one line without its newline (changed). Return: 0 go on; else exit status; x->ended: stop. */
int set_restore_line(struct set_session *x, char *line);
/* set_restore_text: all lines of @text (changed). Return: exit status. */
int set_restore_text(struct set_session *x, char *text);

/* --- set_help.c --- */
void set_help(struct text *out);
void set_help_types(struct text *out);
void set_help_type(const struct set_type *type, struct text *out);
/* set_option_order: the options of a type's create or add in ipset's order, OPT_..., ends with -1. */
extern const int8_t set_create_order[], set_create_order_port[], set_add_order[], set_add_order_list[];
const char *set_option_name(int option);

#endif
