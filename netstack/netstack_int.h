/* netstack_int.h - what the files of this room share and no other room sees. */
#ifndef NETSTACK_NETSTACK_INT_H
#define NETSTACK_NETSTACK_INT_H

#include "netstack/neigh.h"
#include "netstack/netstack.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

/* Address put where nothing better is known (RFC 7600 dummy address, as Linux INADDR_DUMMY). */
#define IP4_DUMMY_ADDRESS __builtin_bswap32(0xc0000008)

/* --- netstack.c ---------------------------------------------------------------------------------- */

/* netstack_hold: notes that a queue of ours keeps @p. Return: false if queues already hold their share of the
 * pool; the caller drops. netstack_unhold: the packet left the queue. */
bool netstack_hold(struct netstack *ns, const struct pkt *p);
void netstack_unhold(struct netstack *ns, const struct pkt *p);

/* netstack_made: a packet made here, of @class; counted as made. NULL when the pool is empty. */
struct pkt *netstack_made(struct netstack *ns, enum pkt_class class);

/* netstack_delivered: the router itself consumed the packet; frees it. */
void netstack_delivered(struct netstack *ns, struct pkt *p);

/* netstack_midnight_ms: milliseconds since midnight UT, as IP timestamps carry (RFC 791 3.1). Host order. */
uint32_t netstack_midnight_ms(const struct netstack *ns);

/* --- eth.c --------------------------------------------------------------------------------------- */

/* eth_input: a frame; consumes. */
void eth_input(struct netstack *ns, struct port *port, struct pkt *p);

/* eth_send: puts an Ethernet header before p->data and hands the frame to the port; consumes. @type in host
 * order. */
void eth_send(struct netstack *ns, struct port *port, struct pkt *p, const uint8_t dst[MAC_LEN], uint16_t type);

/* --- neigh.c, arp.c ------------------------------------------------------------------------------ */

enum neigh_update_flag { NEIGH_UPDATE_OVERRIDE = 1 };

struct neigh;
struct neigh_table *neigh_create(struct netstack *ns);
void neigh_destroy(struct netstack *ns);
void neigh_tick(struct netstack *ns);
uint64_t neigh_deadline(const struct netstack *ns);
/* neigh_find: the entry of an address on a port, made if absent and @create; NULL if absent or the table is
 * full. */
struct neigh *neigh_find(struct netstack *ns, struct port *port, uint32_t be, bool create);
/* neigh_update: what an ARP message says of a neighbour (net/core/neighbour.c __neigh_update). */
void neigh_update(struct netstack *ns, struct neigh *n, const uint8_t mac[MAC_LEN], enum neigh_state state,
		  unsigned flags);
/* neigh_locked: whether the entry changed so recently that an update must not replace its address (1 s). */
bool neigh_locked(const struct netstack *ns, const struct neigh *n);
/* arp_solicit: asks for @target; @mac NULL = broadcast. @trigger: the packet that waits, or NULL. */
void arp_solicit(struct netstack *ns, struct port *port, uint32_t target, const uint8_t *mac, const struct pkt *trigger);

/* --- route.c, route_input.c ---------------------------------------------------------------------- */

struct route_tables *route_create(uint32_t limit);
void route_destroy(struct route_tables *t);
/* route_flush_port: removes all routes that name a port. */
void route_flush_port(struct netstack *ns, const struct port *port);
/* route_add_local, route_del_local: entries of the local table. */
int route_add_local(struct netstack *ns, const struct route *r);
int route_del_local(struct netstack *ns, const struct route *r);
/* ip4_route_input: routing decision for a received packet: sets out, next_hop, route_type, redirect.
 * Return: DROP_NONE when it may go on (route_type says where to), else the reason to drop. Where an ICMP
 * error is due it has been sent. */
enum drop_reason ip4_route_input(struct netstack *ns, struct pkt *p);
/* ip4_source_toward: the router's address to use when talking to @dst over @port; never 0. */
uint32_t ip4_source_toward(struct netstack *ns, const struct port *port, uint32_t dst);
/* ip4_spec_dst: the address under which the sender of @p knows this router (fib_compute_spec_dst). */
uint32_t ip4_spec_dst(struct netstack *ns, const struct pkt *p);

/* --- ip4_options.c ------------------------------------------------------------------------------- */

/* ip4_options_compile: checks the options of a received packet and records what this router adds to them.
 * Sends the parameter problem itself. Return: 0, or the reason to drop. */
enum drop_reason ip4_options_compile(struct netstack *ns, struct pkt *p);
/* ip4_options_forward: finishes route record and timestamps of a packet that is forwarded. */
void ip4_options_forward(struct netstack *ns, struct pkt *p);
/* ip4_options_echo: options for an answer to @p. @out holds 40 bytes. @src: address recorded in them. Return:
 * length (a multiple of 4). */
unsigned ip4_options_echo(struct netstack *ns, const struct pkt *p, uint8_t *out, uint32_t src);
/* ip4_options_fragment: blanks the options that later fragments do not carry (RFC 791 copied flag). */
void ip4_options_fragment(uint8_t *options, unsigned len);

/* --- ip4_forward.c, ip4_output.c, ip4_fragment.c, local.c ---------------------------------------- */

void ip4_forward(struct netstack *ns, struct pkt *p);
/* ip4_local_deliver: a packet addressed to the router; consumes. */
void ip4_local_deliver(struct netstack *ns, struct pkt *p);
/* ip4_fragment: sends a packet longer than @mtu (or longer than the fragments it came in) in pieces;
 * consumes. */
void ip4_fragment(struct netstack *ns, struct pkt *p, uint32_t mtu);
/* ip4_finish_output: from POSTROUTING to the neighbour; consumes. */
void ip4_finish_output(struct netstack *ns, struct pkt *p);

/* --- defrag.c ------------------------------------------------------------------------------------ */

enum defrag_user { DEFRAG_LOCAL, DEFRAG_PREROUTING, DEFRAG_OUTPUT };
struct defrag *defrag_create(struct netstack *ns);
void defrag_destroy(struct netstack *ns);
void defrag_flush_port(struct netstack *ns, const struct port *port);

/* defrag_drain, neigh_drain: drop all that is queued, counted as DROP_TEARDOWN. */
void defrag_drain(struct netstack *ns);
void neigh_drain(struct netstack *ns);
void defrag_tick(struct netstack *ns);
uint64_t defrag_deadline(const struct netstack *ns);
/* defrag_gather: a fragment; STOLEN until its datagram is whole. DROP: p->drop says why, caller frees. */
enum verdict defrag_gather(struct netstack *ns, struct pkt *p, enum defrag_user user);

/* --- peer.c -------------------------------------------------------------------------------------- */

struct peer_table *peer_create(struct netstack *ns);
void peer_destroy(struct peer_table *t);
/* peer_global_ok: net.ipv4.icmp_msgs_per_sec and _burst. *limited tells peer_host_ok whether it applies. */
bool peer_global_ok(struct netstack *ns, uint8_t type, uint8_t code, bool *limited);
/* peer_host_ok: net.ipv4.icmp_ratelimit for one destination; takes from both budgets. */
bool peer_host_ok(struct netstack *ns, uint32_t dst, bool limited);
/* peer_route_error_ok: the extra limit of errors about unroutable packets (net/ipv4/route.c ip_error). */
bool peer_route_error_ok(struct netstack *ns, uint32_t src);
/* peer_redirect_ok: whether @src may be sent one more redirect now (ip_rt_send_redirect); counts it. */
bool peer_redirect_ok(struct netstack *ns, uint32_t src);
/* peer_fragment_count: counts a fragment of @src. Return: how many were counted so far. */
uint32_t peer_fragment_count(struct netstack *ns, uint32_t src);

#endif
