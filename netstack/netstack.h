/* netstack.h - one instance of the IP layer: what it is built from, what it holds, the doors into it.
 *
 * Overview
 *   Frames come in through netstack_input, go up (ARP, IPv4), through the hooks, and leave through ops.transmit.
 *   No I/O, no clock, no randomness of its own: `now` is set by the caller before each entry and the ops give the rest.
 *
 * Invariants
 *   1. rx + made + split = tx + sum(drops) + delivered + merged + held (struct netstack_balance, netstack_check_balance).
 *   2. No packet outlives the instance: netstack_destroy leaves the pool empty.
 */
#ifndef NETSTACK_NETSTACK_H
#define NETSTACK_NETSTACK_H

#include "netstack/drops.h"
#include "netstack/hooks.h"
#include "netstack/pkt.h"
#include "netstack/port.h"
#include "netstack/ratelimit.h"
#include "netstack/route.h"

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_NOTICE = 5, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };

/* How the core reaches the world. @user is the pointer given with the ops. */
struct netstack_ops {
	/* Sends the frame: Ethernet header at p->data, p->len bytes, offload state in p (csum, gso; csum_start counts
	 * from the *network* header: add ETH_HLEN). At least VNET_HLEN bytes are free before p->data. Does not consume.
	 * Return: 0; -EAGAIN queue full; other negative errno. */
	int (*transmit)(void *user, struct port *port, struct pkt *p);
	/* One log line without newline. @level: kernel levels 0..7. */
	void (*log)(void *user, int level, const char *line);
	/* Fills @len random bytes. */
	void (*random)(void *user, void *buf, size_t len);
};

/* Told of things other rooms must react to; set by the engine, may be NULL. */
struct netstack_notify {
	void *ctx;
	void (*port_down)(void *ctx, struct port *port);
	void (*addr_gone)(void *ctx, struct port *port, uint32_t be);
	/* A packet made here answers @offender: inherits its connection as RELATED (Linux nf_ct_attach). */
	void (*ct_attach)(void *ctx, struct pkt *made, const struct pkt *offender);
	/* Takes / gives one more reference on a connection (for copies that keep it). */
	void (*ct_hold)(void *ctx, struct ct_entry *ct);
};

/* Settings under net/ipv4 (not per port). Types as the rows in sysctl_rows.c say. */
struct netstack_conf {
	int32_t ip_forward;
	uint8_t ip_default_ttl;
	uint8_t icmp_echo_ignore_all, icmp_echo_ignore_broadcasts, icmp_ignore_bogus_error_responses;
	uint8_t icmp_errors_use_inbound_ifaddr;
	int32_t icmp_ratelimit; /* ms between errors to one address; 0 = no limit */
	int32_t icmp_ratemask;
	int32_t icmp_msgs_per_sec, icmp_msgs_burst;
	uint8_t fwmark_reflect;
	int64_t ipfrag_high_thresh, ipfrag_low_thresh;
	uint64_t ipfrag_time; /* ns */
	int32_t ipfrag_max_dist;
	int32_t neigh_gc_thresh3;      /* bound of the neighbour table */
	int32_t neigh_unres_qlen;      /* packets kept per unresolved neighbour */
	uint64_t neigh_base_reachable; /* ns */
	uint64_t neigh_delay_first_probe, neigh_retrans, neigh_gc_stale;
	int32_t neigh_ucast_solicit, neigh_mcast_solicit;
	struct port_conf all, def;
};

/* The balance of packets; see invariant 1. Units: packets. */
struct netstack_balance {
	uint64_t rx;        /* handed in */
	uint64_t tx;        /* handed out with success */
	uint64_t made;      /* made here: ICMP, RST, ARP, echo replies, clones */
	uint64_t split;     /* extra packets from fragmentation and software segmentation (n pieces count n - 1) */
	uint64_t merged;    /* fragments that went into a reassembled packet (n fragments count n - 1) */
	uint64_t delivered; /* consumed by the router itself */
	uint64_t held;      /* in fragment and neighbour queues, or stolen, now */
	uint64_t drops[DROP_COUNT];
};

/* SNMP counters (net/snmp names) live in snmp.h as one X-macro list; the array here. */
#include "netstack/snmp.h"

struct neigh_table;
struct defrag;
struct route_tables;
struct peer_table;

struct netstack_limits {
	uint32_t pool_small, pool_large; /* packets */
	uint32_t routes;
};
#define NETSTACK_LIMITS_DEFAULT ((struct netstack_limits){ 8192, 512, 65536 })

struct netstack {
	uint64_t now; /* ns, monotonic; set by who calls in */
	const struct netstack_ops *ops;
	void *user;
	struct netstack_notify notify;
	const struct hook_slot *slots; /* sorted by hook, priority */
	const struct hook_slot *hook_begin[HOOK_COUNT + 1];
	void *room[ROOM_COUNT];
	struct pkt_pool *pool;
	struct port *port[PORTS_MAX]; /* by index - 1; holes are NULL */
	struct netstack_conf conf;
	struct netstack_balance balance;
	uint64_t snmp[SNMP_COUNT];
	struct neigh_table *neigh;
	struct defrag *defrag;
	struct route_tables *routes;
	struct peer_table *peers;      /* per-source and global limits of ICMP: peer.c */
	uint32_t held_class[PKT_CLASSES], hold_limit[PKT_CLASSES]; /* packets of the pool in our queues, and their share */
	int64_t wall_offset;           /* wall clock - now, ns; for the times that IP and ICMP carry */
	bool icmp_busy; /* an ICMP message made here is on its way: see icmp_transmit */
	struct ratelimit martian_log;
	uint32_t ip_id;      /* for packets made here */
	uint32_t route_generation; /* bumped by each change of ports, addresses or routes */
};

/* netstack_create: an instance. @slots: constant table ending with .fn = NULL, sorted; may be NULL (no hooks).
 * @limits NULL = defaults. Return: instance, or NULL without memory. */
struct netstack *netstack_create(const struct netstack_ops *ops, void *user, const struct hook_slot *slots,
				 const struct netstack_limits *limits);

/* netstack_destroy: frees it with all it holds; what was queued is counted as DROP_TEARDOWN.
 * Return: packets that leaked (0 in a correct program). */
uint32_t netstack_destroy(struct netstack *ns);

/* netstack_flush: drops all that is queued (fragments, packets waiting for neighbours), counted as DROP_TEARDOWN.
 * The engine calls it before conntrack goes, since queued packets hold connections. */
void netstack_flush(struct netstack *ns);

/* netstack_input: takes one frame (Ethernet header at p->data) that arrived on @port; consumes @p. */
void netstack_input(struct netstack *ns, struct port *port, struct pkt *p);

/* netstack_tick: runs what is due at ns->now (neighbour probes, fragment timeouts).
 * netstack_deadline: the next time at which tick has work; UINT64_MAX = none. */
void netstack_tick(struct netstack *ns);
uint64_t netstack_deadline(const struct netstack *ns);

/* netstack_drop: ends a packet for a named reason: counts it and frees it. */
void netstack_drop(struct netstack *ns, struct pkt *p, enum drop_reason reason);

/* netstack_log: formats a line and hands it to ops.log. At most 1023 bytes. */
void netstack_log(struct netstack *ns, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* netstack_random32: a random number; netstack_random_below: uniform in [0, n), n >= 1. */
uint32_t netstack_random32(struct netstack *ns);
uint32_t netstack_random_below(struct netstack *ns, uint32_t n);

/* netstack_set_forwarding: net.ipv4.ip_forward as a write to it sets it: all ports, `all` and `default` follow
 * (net/ipv4/devinet.c inet_forward_change). */
void netstack_set_forwarding(struct netstack *ns, bool on);

/* netstack_held: packets in the netstack's own queues now. */
uint64_t netstack_held(const struct netstack *ns);

/* netstack_balance_error: rx + made + split - (tx + drops + merged + delivered + held); 0 in a correct program. */
int64_t netstack_balance_error(const struct netstack *ns);

/* Rows of struct netstack_conf. */
extern const struct sysctl_row netstack_sysctl_rows[];
extern const size_t netstack_sysctl_row_count;

#endif
