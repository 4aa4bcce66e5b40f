/* conntrack.h - connection tracking: the entry, the table, the doors.
 *
 * Life-cycle
 *   conntrack_in (PREROUTING, OUTPUT; -200) finds the entry of a packet or makes an unconfirmed one, which only the
 *   packet refers to. conntrack_confirm (last at INPUT, POSTROUTING) runs the helper and sequence adjustment and puts
 *   the entry into the table. It leaves on timeout, by ct_kill, or by early drop when the table is full.
 *
 *       alloc -> unconfirmed --confirm--> CONFIRMED --timeout/kill--> DYING -> freed with the last reference
 *                     \--packet dropped--> freed
 *
 * Invariants
 *   1. CONFIRMED entries are in the hash in both directions and on the timer wheel; others in neither.
 *   2. refs = 1 for the table (confirmed) + 1 per packet + 1 per child's master pointer + 1 per other holder.
 *   3. count <= max at any time; unconfirmed entries count.
 *   4. No call keeps packets waiting for what grows with the table: walks, flushes, expiry, resizing, sweeps are made of
 *      bounded parts, some of them in conntrack_tick (CT_*_BUDGET in conntrack_int.h, timer.h).
 *
 * Linux parity: net/netfilter/nf_conntrack_core.c.
 */
#ifndef CONNTRACK_CONNTRACK_H
#define CONNTRACK_CONNTRACK_H

#include "conntrack/tuple.h"
#include "netstack/hooks.h"
#include "netstack/port.h"
#include "netstack/ratelimit.h"
#include "netstack/sysctl.h"

struct netstack;
struct ct_expect;
struct ct_gre_keymap;
struct ct_gre_keymaps;
struct ct_helper;

/* Status bits as Linux numbers them (uapi nf_conntrack_common.h): shown by tools and matched by --ctstatus. */
enum ct_status {
	CT_ST_EXPECTED = 0x1, CT_ST_SEEN_REPLY = 0x2, CT_ST_ASSURED = 0x4, CT_ST_CONFIRMED = 0x8,
	CT_ST_SRC_NAT = 0x10, CT_ST_DST_NAT = 0x20, CT_ST_SEQ_ADJUST = 0x40, CT_ST_SRC_NAT_DONE = 0x80,
	CT_ST_DST_NAT_DONE = 0x100, CT_ST_DYING = 0x200, CT_ST_FIXED_TIMEOUT = 0x400, CT_ST_TEMPLATE = 0x800,
	CT_ST_NAT_CLASH = 0x1000, CT_ST_HELPER = 0x2000,
	CT_ST_NAT_MASK = 0x30, CT_ST_NAT_DONE_MASK = 0x180,
};

/* What happened to an entry; several may come of one packet and are reported once, together. */
enum ct_event {
	CT_EV_NEW = 1, CT_EV_RELATED = 2, CT_EV_DESTROY = 4, CT_EV_REPLY = 8, CT_EV_ASSURED = 16, CT_EV_PROTO = 32,
	CT_EV_HELPER = 64, CT_EV_MARK = 128, CT_EV_SEQADJ = 256, CT_EV_LABEL = 512,
};

/* In which direction(s) an entry's zone counts (-j CT --zone, --zone-orig, --zone-reply). */
enum ct_zone_dir { CT_ZONE_ORIG = 1, CT_ZONE_REPLY = 2, CT_ZONE_BOTH = 3 };

/* TCP window tracking of one side (RFC 9293; van Rooij, "Real stateful TCP packet filtering"). */
struct ct_tcp_side {
	uint32_t td_end, td_maxend, td_maxwin, td_maxack;
};

struct ct_tcp {
	struct ct_tcp_side seen[CT_DIRS];
	uint32_t last_seq, last_ack, last_end;
	uint16_t last_win;
	uint8_t scale[CT_DIRS], flags[CT_DIRS]; /* of a side; flags: enum ct_tcp_flag in proto_tcp.h */
	uint8_t state;                          /* enum ct_tcp_state */
	uint8_t last_dir, last_index, retrans, last_wscale, last_flags;
};

struct ct_gre { uint64_t timeout, stream_timeout; };
struct ct_udp { uint64_t stream_since; }; /* from then on a replied flow counts as a stream */
struct ct_sctp { uint8_t state, last_dir, flags, init[CT_DIRS]; uint32_t vtag[CT_DIRS]; };
struct ct_dccp { uint64_t handshake_seq; uint8_t role[CT_DIRS], state, last_type, last_dir; };

struct ct_counter { uint64_t packets, bytes; };

/* One correction of sequence numbers: RFC-less; net/netfilter/nf_conntrack_seqadj.c. */
struct ct_seqadj_side { uint32_t position; int32_t before, after; };
struct ct_seqadj { struct ct_seqadj_side side[CT_DIRS]; };

/* Of a connection behind -j SYNPROXY: the number and the time that the client was promised, and how far the
 * server's clock is from that. */
struct ct_synproxy { uint32_t promised, time, time_offset; bool on; };

/* Rarely present parts, each from its own pool, NULL where absent. NAT needs none: its part is in the entry. */
struct ct_help {
	const struct ct_helper *helper;
	struct ct_expect *expects; /* list of the expectations this master waits for */
	uint8_t expecting[4];      /* per class */
	struct ct_gre_keymap *keymap[CT_DIRS]; /* of a PPTP call; NULL: none */
	uint64_t data[12];         /* of the helper; see its file */
};
struct ct_extra {
	struct ct_counter acct[CT_DIRS];
	uint64_t start, stop; /* wall-clock ns */
	uint64_t labels[2];
	struct ct_help *help;
	struct ct_entry *master; /* a counted reference */
	struct ct_seqadj seqadj;
	struct ct_synproxy synproxy;
	const uint64_t *timeouts; /* a timeout policy instead of the protocol's , same order as its own in ct_conf; NULL = the protocol's */
	uint32_t event_mask, expect_event_mask; /* of the template; 0 = all */
	uint32_t secmark;
	bool has_acct, has_timestamp, has_labels;
};

/* Three cache lines, the first of them enough to find an entry and to see that it lives, the third for trackers. The first
 * sixteen bytes of a free element are the arena's: .status is 0 there. */
struct ct_entry {
	uint32_t next[CT_DIRS];       /* hash chain: node number; see table.c; before: [CT_ORIGINAL] the hash */
	uint16_t status;              /* enum ct_status */
	uint16_t pending_events : 13; /* enum ct_event bits gathered since the last report */
	uint16_t zone_dir : 2;        /* enum ct_zone_dir */
	uint16_t silent : 1;          /* no events: see nf_conntrack_events */
	uint32_t refs : 24;           /* at most CT_REFS_MAX */
	uint32_t masq_port : 8;       /* index of the port that MASQUERADE chose an address of; 0 = none */
	uint64_t expires;             /* absolute ns once confirmed; before: the timeout to use from confirmation */
	struct ct_tuple tuple[CT_DIRS];
	uint32_t timer_tick; /* when the wheel looks at it next; see timer.c */
	uint32_t timer_next, timer_prev;
	uint32_t mark;
	struct ct_extra *extra; /* NULL: none */
	union {
		struct ct_tcp tcp;
		struct ct_udp udp;
		struct ct_gre gre;
		struct ct_sctp sctp;
		struct ct_dccp dccp;
		const struct ct_template *tmpl; /* with CT_ST_TEMPLATE */
	};
	uint32_t by_source_next, by_source_prev; /* chain of nat's by-source hash: entry numbers + 1; owned by nat/ */
};
_Static_assert(sizeof(struct ct_entry) == 192, "3.2 million entries have to fit into 700 MB, each in whole cache lines");
_Static_assert(PORTS_MAX < 256, "masq_port holds the index of a port");
enum { CT_REFS_MAX = (1 << 24) - (1 << 20) }; /* of children; what packets and walks hold comes on top */

/* Template made by -j CT for packets that have no entry yet. */
struct ct_template {
	uint16_t zone;
	uint8_t zone_dir;
	bool zone_from_mark;
	const struct ct_helper *helper;
	const uint64_t *timeouts;
	uint32_t event_mask, expect_event_mask; /* 0 = all */
};

struct ct_stats { /* columns of net/stat/nf_conntrack; clashres found invalid ... */
	uint64_t clash_resolve, found, invalid, insert, insert_failed, drop, early_drop, error, expect_new,
		expect_create, expect_delete, search_restart, chain_too_long;
};

struct ct_notify { /* set by the engine; NULL where nobody listens */
	void *ctx;
	void (*event)(void *ctx, struct ct_entry *ct, uint32_t events);
	void (*expect_event)(void *ctx, struct ct_expect *x, uint32_t events);
	/* nat/: an entry is about to be freed or rehashed under another tuple. */
	void *nat;
	void (*nat_destroy)(void *nat, struct ct_entry *ct);
	/* tables/: a packet of a connection behind -j SYNPROXY, before helper and sequence adjustment; as a hook. */
	void *tables;
	enum verdict (*synproxy)(void *tables, struct pkt *p);
};

struct ct_conf { /* sysctl values; units as the rows say; times in ns */
	int32_t max, buckets, expect_max;
	int32_t checksum, acct, timestamp, events, log_invalid;
	int32_t tcp_loose, tcp_be_liberal, tcp_max_retrans, tcp_ignore_invalid_rst;
	uint64_t tcp_timeout[16]; /* by enum ct_tcp_state, then MAX_RETRANS, UNACKNOWLEDGED */
	uint64_t udp_timeout, udp_timeout_stream, icmp_timeout, icmpv6_timeout, gre_timeout, gre_timeout_stream,
		generic_timeout, frag6_timeout;
	uint64_t sctp_timeout[16], dccp_timeout[16];
};

struct ct_table;
struct ct_expect_table;

struct conntrack {
	struct netstack *ns;
	struct ct_conf conf;
	struct ct_stats stats;
	struct ct_notify notify;
	struct ct_table *table;
	struct ct_entry *entries; /* of the table, by number */
	struct ct_expect_table *expects;
	struct ct_gre_keymaps *gre_keymaps;
	struct ct_helper *helpers; /* registered copies; see helper.h */
	unsigned helper_count;
	struct ct_helper_port *helper_ports; /* automatic assignment; see helper.c */
	unsigned helper_port_count;
	uint8_t hash_key[16];
	uint32_t count; /* entries alive, unconfirmed ones included */
	uint32_t labels_used; /* rules with -m connlabel: where there are some, new entries get labels */
	struct ratelimit full_log, expect_log;
	int64_t wall_offset; /* wall clock - monotonic, ns; for timestamps */
};

struct ct_limits { uint32_t max, buckets, expect_max; };
#define CT_LIMITS_DEFAULT ((struct ct_limits){ 262144, 262144, 4096 })

/* conntrack_create: an instance on @ns. @limits NULL = default. Return: NULL without memory. */
struct conntrack *conntrack_create(struct netstack *ns, const struct ct_limits *limits);

/* conntrack_destroy: kills all entries and frees all. No packet may still hold an entry. */
void conntrack_destroy(struct conntrack *ctk);

/* Hook functions (ROOM_CONNTRACK). */
enum verdict conntrack_in(void *conntrack, struct pkt *p, const struct hook_state *st);
enum verdict conntrack_confirm(void *conntrack, struct pkt *p, const struct hook_state *st);

/* conntrack_foresee: tells which packets come next, received frames whose Ethernet header is at data: what they will look up
 * is brought near meanwhile. Changes nothing but the time that takes. */
void conntrack_foresee(struct conntrack *ctk, struct pkt *const *p, unsigned count);

/* conntrack_attach: gives a packet made here the connection of the packet it answers, as RELATED in the opposite
 * direction (netstack notify.ct_attach). */
void conntrack_attach(void *conntrack, struct pkt *made, const struct pkt *offender);

/* conntrack_tick, conntrack_deadline: as netstack_tick, netstack_deadline; uses ns->now. */
void conntrack_tick(struct conntrack *ctk);
uint64_t conntrack_deadline(const struct conntrack *ctk);

/* ct_hold, ct_release: references. ct_release frees an unconfirmed or dying entry with its last one. */
void ct_hold(struct ct_entry *ct);
void ct_release(struct conntrack *ctk, struct ct_entry *ct);

/* ct_lookup: the live confirmed entry that has @t in either direction. Return: borrowed (no reference taken), valid
 * until the next tick or kill; *dir tells which direction matched. NULL if none. */
struct ct_entry *ct_lookup(struct conntrack *ctk, const struct ct_tuple *t, enum ct_dir *dir);

/* ct_lookup_zone: as ct_lookup with a zone that may count for one direction only (nf_conntrack_find_get); fills t->zone.
 * @zone_dir: enum ct_zone_dir. *hash gets the hash with the zone of the original direction. */
struct ct_entry *ct_lookup_zone(struct conntrack *ctk, struct ct_tuple *t, uint16_t zone, uint8_t zone_dir,
				enum ct_dir *dir, uint32_t *hash);

/* ct_tuple_taken: whether a confirmed entry other than @ignore uses @t (nf_conntrack_tuple_taken: an entry with the
 * identical original tuple as @ignore is excepted). */
bool ct_tuple_taken(struct conntrack *ctk, const struct ct_tuple *t, const struct ct_entry *ignore);

/* ct_alter_reply: sets the reply tuple of an unconfirmed entry (NAT). Its children inherit no helper by it. */
void ct_alter_reply(struct conntrack *ctk, struct ct_entry *ct, const struct ct_tuple *reply);

/* ct_kill: takes a confirmed entry out of the table (event DESTROY) with its expectations.
 * Return: false if it was not confirmed or already dying. */
bool ct_kill(struct conntrack *ctk, struct ct_entry *ct);

/* ct_is_dying, ct_is_confirmed: life-cycle. */
static inline bool ct_is_confirmed(const struct ct_entry *ct) { return ct->status & CT_ST_CONFIRMED; }
static inline bool ct_is_dying(const struct ct_entry *ct) { return ct->status & CT_ST_DYING; }

/* ct_help, ct_master: the rare parts, NULL where absent. */
static inline struct ct_help *ct_help(const struct ct_entry *ct) { return ct->extra ? ct->extra->help : NULL; }
static inline struct ct_entry *ct_master(const struct ct_entry *ct) { return ct->extra ? ct->extra->master : NULL; }

/* ct_zone: the zone that an entry was made in, in whichever direction it counts. */
static inline uint16_t ct_zone(const struct ct_entry *ct)
{
	return ct->tuple[ct->zone_dir & CT_ZONE_ORIG ? CT_ORIGINAL : CT_REPLY].zone;
}

/* ct_number, ct_at: an entry as a number, stable during its life, and back. */
static inline uint32_t ct_number(const struct conntrack *ctk, const struct ct_entry *ct)
{
	return (uint32_t)(ct - ctk->entries);
}
static inline struct ct_entry *ct_at(const struct conntrack *ctk, uint32_t number) { return ctk->entries + number; }

/* ct_dir_of: the direction of a packet on its connection. */
static inline enum ct_dir ct_dir_of(uint8_t ct_info)
{
	return ct_info != CT_UNTRACKED && ct_info >= CT_IS_REPLY ? CT_REPLY : CT_ORIGINAL;
}

/* ct_refresh: sets the timeout (ns from now) unless FIXED_TIMEOUT; @p not NULL: also accounts the packet. */
void ct_refresh(struct conntrack *ctk, struct ct_entry *ct, const struct pkt *p, uint64_t timeout);

/* ct_remaining: ns until it expires; 0 if due. For unconfirmed entries the timeout itself. */
uint64_t ct_remaining(const struct conntrack *ctk, const struct ct_entry *ct);

/* ct_event_add: notes that something happened to a confirmed entry; reported at the end of the packet's way. */
void ct_event_add(struct ct_entry *ct, uint32_t events);

/* ct_set_mark: sets the mark and notes the event if it changed. */
void ct_set_mark(struct ct_entry *ct, uint32_t mark);

/* ct_set_template: what -j CT leaves on a packet without an entry: takes a template reference. The template lives in
 * the rule and must outlive the packet. */
void ct_set_template(struct conntrack *ctk, struct pkt *p, const struct ct_template *tmpl);

/* ct_get_help, ct_get_seqadj, ct_get_extra: the part, made if absent; NULL when its pool is empty. */
struct ct_help *ct_get_help(struct conntrack *ctk, struct ct_entry *ct);
struct ct_seqadj *ct_get_seqadj(struct conntrack *ctk, struct ct_entry *ct);
struct ct_extra *ct_get_extra(struct conntrack *ctk, struct ct_entry *ct);

/* A walk over the table that survives changes between its steps: cursor zero to begin; each call looks at CT_EACH_STEP
 * places and gives the entries that live there. Return: false at the end. Entries that die during the walk are skipped; one
 * that lives throughout is seen once. @fn may kill any. */
enum { CT_EACH_STEP = 32 };
struct ct_cursor { uint32_t number; };
bool ct_each(struct conntrack *ctk, struct ct_cursor *cursor, void (*fn)(void *ctx, struct ct_entry *ct), void *ctx);

/* ct_flush: kills all entries for which @match (NULL = all) says true, at once however many there are: not for a router at
 * work. Return: how many. */
uint32_t ct_flush(struct conntrack *ctk, bool (*match)(void *ctx, const struct ct_entry *ct), void *ctx);

/* ct_sweep: kills the entries for which @match says true of @sweep: the first part of the table now, the rest part by part in
 * conntrack_tick. The sweep is copied. */
struct ct_sweep {
	bool (*match)(const struct ct_sweep *sweep, const struct ct_entry *ct);
	struct addr addr; /* for @match */
	uint16_t port;
	bool any_addr;
	struct ct_cursor cursor; /* how far it is */
};
void ct_sweep(struct conntrack *ctk, const struct ct_sweep *sweep);

/* ct_id: the number that `conntrack -o id` prints; stable during life. */
uint32_t ct_id(const struct conntrack *ctk, const struct ct_entry *ct);

/* --- text, in the kernel's and the tool's formats (print.c) --- */

/* Both print within a walk (ct_each), whose reference is the reader's: Linux counts it in use=, the tool does not.
 * ct_print_proc: one line of net/nf_conntrack with its newline; @old: the format of net/ip_conntrack. Within ct_each (or
 * holding one reference), as ct_print_tool: use= counts so. */
void ct_print_proc(const struct conntrack *ctk, const struct ct_entry *ct, bool old, struct text *out);

/* How the tool prints. CT_LESS_*: attributes that a message of the kernel lacks; see print_tool.c. */
enum ct_print_flag {
	CT_PRINT_EXTENDED = 1 << 0, CT_PRINT_ID = 1 << 1, CT_PRINT_TIMESTAMP = 1 << 2, CT_PRINT_LABELS = 1 << 3,
	CT_PRINT_XML = 1 << 4, CT_PRINT_SAVE = 1 << 5,
	CT_PRINT_WHEN = 1 << 6, /* with XML: the present time */
	CT_PRINT_GET = 1 << 7, /* the answer about one entry: use= counts the reader */
	CT_PRINT_NEW = 1 << 8, CT_PRINT_UPDATE = 1 << 9, CT_PRINT_DESTROY = 1 << 10, /* an event */
	CT_PRINT_DELETED = 1 << 11, /* with SAVE: was deleted by the command */
	CT_LESS_STATE = 1 << 12, CT_LESS_HELPER = 1 << 13, CT_LESS_COUNTERS = 1 << 14, CT_LESS_TIMES = 1 << 15,
	CT_LESS_LABELS = 1 << 16, CT_LESS_USE = 1 << 17,
	CT_LESS_MARK = 1 << 18,    /* no mark of 0 */
	CT_LESS_TIMEOUT = 1 << 19, /* no timeout of 0 */
};
enum { CT_LABELS = 128 };
struct ct_print {
	unsigned flags;
	const char *const *label; /* CT_LABELS names, NULL where a label has none; NULL: labels are not shown, whatever @flags say */
};

/* ct_event_print: how an event (enum ct_event bits) is printed. */
unsigned ct_event_print(uint32_t events);

/* ct_print_as: an entry without the newline. ct_print_tool: one line as `conntrack -L` prints it, with its newline;
 * @flags: enum ct_print_flag. */
void ct_print_as(const struct conntrack *ctk, const struct ct_entry *ct, const struct ct_print *how, struct text *out);
void ct_print_tool(const struct conntrack *ctk, const struct ct_entry *ct, unsigned flags, struct text *out);

/* ct_print_stat: net/stat/nf_conntrack. ct_print_tool_stat: `conntrack -S`. */
void ct_print_stat(const struct conntrack *ctk, struct text *out);
void ct_print_tool_stat(const struct conntrack *ctk, struct text *out);

/* Names: "ESTABLISHED" etc. of a state; protocol name as /proc and conntrack print it ("unknown" in /proc). */
const char *ct_proto_name(uint8_t proto);
const char *ct_state_name(const struct ct_entry *ct); /* NULL where the protocol has no states */

/* Tunables of struct conntrack (offsets from struct conntrack). */
extern const struct sysctl_row conntrack_sysctl_rows[];
extern const size_t conntrack_sysctl_row_count;

#endif
