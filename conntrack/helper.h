/* helper.h - what an application helper gives, and expectations.
 *
 * Linux parity: nf_conntrack_helper.c, nf_conntrack_expect.c.
 */
#ifndef CONNTRACK_HELPER_H
#define CONNTRACK_HELPER_H

#include "conntrack/conntrack.h"

enum { CT_HELPER_CLASSES = 4, CT_HELPER_NAME_MAX = 16 };

struct ct_expect_policy {
	const char *name; /* class name shown in net/nf_conntrack_expect; "" = unnamed */
	uint8_t max_expected;
	uint32_t timeout; /* seconds */
};

struct ct_helper {
	const char *name; /* "ftp" */
	uint8_t family, proto;
	uint16_t default_port; /* host order, for [helper NAME] without ports; 0 = none */
	uint8_t classes;
	struct ct_expect_policy policy[CT_HELPER_CLASSES];
	/* Looks at a packet of a helped connection, both directions, at confirm time. @l4 offsets from p->data by
	 * p->hdr. May rewrite the packet (grow: storage may move) and make expectations. @instance: helpers' state.
	 * Return: VERDICT_ACCEPT or VERDICT_DROP (p->drop set). */
	enum verdict (*help)(void *instance, struct conntrack *ctk, struct pkt *p, struct ct_entry *ct);
	void *instance; /* set by ct_helper_register in its copy; NULL in the constant */
};

enum ct_expect_flag { CT_EXPECT_PERMANENT = 1, CT_EXPECT_INACTIVE = 2, CT_EXPECT_USERSPACE = 4 };

struct ct_expect {
	struct ct_expect *hash_next;
	struct ct_expect *master_next; /* list of the master's expectations */
	struct ct_entry *master;       /* borrowed: expectations die with it */
	struct ct_tuple tuple;         /* what the child's first packet looks like */
	struct addr mask_src;          /* bits of tuple.src that count */
	uint16_t mask_src_key;         /* bits of tuple.src_key that count */
	uint8_t flags;                 /* enum ct_expect_flag */
	uint8_t class;
	uint8_t dir;                   /* NAT: direction of the child relative to the master (enum ct_dir) */
	uint64_t expires;              /* ns */
	const struct ct_helper *helper; /* for the child, or NULL */
	/* Called on the child's unconfirmed entry when its first packet arrives (NAT follows the master). NULL: none. */
	void (*on_child)(void *ctx, struct ct_entry *child, struct ct_expect *x);
	void *on_child_ctx;
	struct addr saved_addr; /* NAT: the real address and port behind what was advertised */
	uint16_t saved_key;     /* network order */
	uint32_t timer_slot;
};

/* ct_helper_register: makes a helper known by name: copies @h with its .instance set to @instance; the copy is what
 * ct_helper_find gives and what lives as long as @ctk. Return: 0, -EEXIST, -ENOSPC. */
int ct_helper_register(struct conntrack *ctk, const struct ct_helper *h, void *instance);

/* ct_helper_find: by name, family and protocol. NULL if there is none. */
const struct ct_helper *ct_helper_find(struct conntrack *ctk, const char *name, uint8_t family, uint8_t proto);

/* ct_helper_assign_port: attaches @h automatically to new connections to @port (host order): [helper NAME] ports.
 * ct_helper_clear_ports: forgets all such assignments (a reload). Return: 0 or -ENOSPC (at most 64). */
int ct_helper_assign_port(struct conntrack *ctk, const struct ct_helper *h, uint16_t port);
void ct_helper_clear_ports(struct conntrack *ctk);

/* ct_expect_alloc: an empty expectation for @master. Return: owned by the caller until ct_expect_insert or
 * ct_expect_discard; NULL when the pool is empty. */
struct ct_expect *ct_expect_alloc(struct conntrack *ctk, struct ct_entry *master);

/* ct_expect_init: fills the tuple. @src NULL: any source address; @src_key NULL: any source port (network order). */
void ct_expect_init(struct ct_expect *x, uint8_t class, uint8_t family, const struct addr *src, const struct addr *dst,
		    uint8_t proto, const uint16_t *src_key, uint16_t dst_key);

/* ct_expect_check, ct_expect_insert: whether it could be, and put it into the table (consumes on success).
 * Return: 0; -EBUSY it overlaps another one; -EMFILE class limit without evictable; -ENFILE table full; -ESHUTDOWN the
 * master has no helper any more. An identical one is replaced. */
int ct_expect_check(struct conntrack *ctk, struct ct_expect *x);
int ct_expect_insert(struct conntrack *ctk, struct ct_expect *x);

/* ct_expect_remove: takes it out and frees it. ct_expect_discard: frees one never inserted. */
void ct_expect_remove(struct conntrack *ctk, struct ct_expect *x);
void ct_expect_discard(struct conntrack *ctk, struct ct_expect *x);

/* ct_expect_find: the live one that fits @t, not taken out. */
struct ct_expect *ct_expect_find(struct conntrack *ctk, const struct ct_tuple *t);

/* ct_expect_count: in the table now. ct_expect_each: a walk; @fn must not change the table. */
uint32_t ct_expect_count(const struct conntrack *ctk);
void ct_expect_each(struct conntrack *ctk, void (*fn)(void *ctx, struct ct_expect *x), void *ctx);

/* ct_expect_print_proc: one line of net/nf_conntrack_expect; ct_expect_print_tool: of `conntrack -L expect`.
 * ct_expect_print_as: without the newline; @flags: enum ct_print_flag (XML, WHEN, NEW, DESTROY). */
void ct_expect_print_proc(const struct conntrack *ctk, const struct ct_expect *x, struct text *out);
void ct_expect_print_tool(const struct conntrack *ctk, const struct ct_expect *x, struct text *out);
void ct_expect_print_as(const struct conntrack *ctk, const struct ct_expect *x, unsigned flags, struct text *out);

/* --- call ids of PPTP (gre_keymap.c) --- */

enum { CT_GRE_KEYMAPS_MAX = 65536 }; /* two for each call */

/* ct_gre_keymap_add: from now on GRE packets of version 1 with the addresses and the destination key of @t have the source
 * key of @t. One for each direction of a control connection @master, which gets its help part. Return: 0, also for one
 * that is there already; -EEXIST the direction has another one; -ENOMEM. */
int ct_gre_keymap_add(struct conntrack *ctk, struct ct_entry *master, enum ct_dir dir, const struct ct_tuple *t);

/* ct_gre_keymap_destroy: forgets both of @master; it may have none. Happens by itself when @master, or a GRE connection that
 * it is the master of, is freed. */
void ct_gre_keymap_destroy(struct conntrack *ctk, struct ct_entry *master);

/* ct_gre_keymap_count: how many there are. */
uint32_t ct_gre_keymap_count(const struct conntrack *ctk);

/* --- sequence adjustment (seqadj.c) --- */

/* ct_seqadj_set: from @seq (host order, the unadjusted number of the changed segment) on, numbers of direction @dir are
 * shifted by @delta more. Return: 0 or -ENOMEM. */
int ct_seqadj_set(struct conntrack *ctk, struct ct_entry *ct, enum ct_dir dir, uint32_t seq, int32_t delta);

/* ct_seqadj_init: all numbers of direction @dir are shifted by @offset; 0 changes nothing. The entry must have its
 * extra part. */
void ct_seqadj_init(struct ct_entry *ct, enum ct_dir dir, int32_t offset);

/* ct_seqadj_offset: the shift that applies to @seq in direction @dir; 0 where there is none. */
int32_t ct_seqadj_offset(const struct ct_entry *ct, enum ct_dir dir, uint32_t seq);

/* ct_seqadj_packet: rewrites seq, ack and SACK edges of a TCP packet, checksum included. Return: false = drop. */
bool ct_seqadj_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p);

#endif
