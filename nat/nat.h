/* nat.h - address and port translation bound to connections.
 *
 * Overview
 *   The nat table is asked once per connection and manipulation (source, destination); what it says becomes the reply
 *   tuple. From then on packets are rewritten from the two tuples alone.
 *
 * Linux parity: net/netfilter/nf_nat_core.c, nf_nat_proto.c, nf_nat_masquerade.c, nf_nat_redirect.c.
 */
#ifndef NAT_NAT_H
#define NAT_NAT_H

#include "tables/tables.h"

enum nat_manip { NAT_MANIP_SRC, NAT_MANIP_DST };

enum nat_range_flag {
	NAT_RANGE_ADDRS = 1, /* min_addr..max_addr are given */
	NAT_RANGE_PORTS = 2, /* min_key..max_key are given */
	NAT_RANGE_RANDOM = 4,
	NAT_RANGE_PERSISTENT = 8,
	NAT_RANGE_RANDOM_FULLY = 16,
	NAT_RANGE_PORT_OFFSET = 32, /* base_key: --to a:8000-8010/9000 */
	NAT_RANGE_NETMAP = 64,
};

struct nat_range {
	uint32_t flags;
	struct addr min_addr, max_addr;
	uint16_t min_key, max_key, base_key; /* network order */
};

struct nat;

/* nat_create: an instance; registers the NAT targets with @tables and itself with @ctk. nat_destroy frees it (after
 * conntrack_destroy has killed the entries). */
struct nat *nat_create(struct netstack *ns, struct conntrack *ctk, struct tables *tables);
void nat_destroy(struct nat *nat);

/* Hook functions (ROOM_NAT). */
enum verdict nat_prerouting(void *nat, struct pkt *p, const struct hook_state *st);
enum verdict nat_input(void *nat, struct pkt *p, const struct hook_state *st);
enum verdict nat_output(void *nat, struct pkt *p, const struct hook_state *st);
enum verdict nat_postrouting(void *nat, struct pkt *p, const struct hook_state *st);

/* nat_setup: binds one manipulation of an unconfirmed connection to @range (nf_nat_setup_info).
 * Return: VERDICT_ACCEPT or VERDICT_DROP. */
enum verdict nat_setup(struct nat *nat, struct ct_entry *ct, const struct nat_range *range,
		       enum nat_manip manip);

/* nat_setup_null: binds it to what it is: the address as it is, the port too if nobody else has it. Return: as nat_setup. */
enum verdict nat_setup_null(struct nat *nat, struct ct_entry *ct, enum nat_manip manip);

/* nat_port_down, nat_addr_gone: kills the masqueraded connections of a port / of an address (netstack notify). */
void nat_port_down(struct nat *nat, struct port *port);
void nat_addr_gone(struct nat *nat, struct port *port, uint32_t be);

/* --- for helpers ------------------------------------------------------------------------------------------------ */

/* nat_mangle_tcp, nat_mangle_udp: replaces @match_len bytes at @match_off (from the start of the L4 payload) by
 * @rep_len bytes; lengths, checksums and (TCP) the sequence adjustment follow. Storage may move. Return: false when it
 * cannot be done (caller drops: DROP_NAT_MANGLE_FAILED). */
bool nat_mangle_tcp(struct nat *nat, struct pkt *p, struct ct_entry *ct, uint32_t match_off,
		    uint32_t match_len, const char *rep, uint32_t rep_len);
bool nat_mangle_udp(struct nat *nat, struct pkt *p, struct ct_entry *ct, uint32_t match_off,
		    uint32_t match_len, const char *rep, uint32_t rep_len);

/* nat_follow_master: the ct_expect.on_child of NATed expectations (ctx = nat): the child is translated like its master. */
void nat_follow_master(void *nat, struct ct_entry *child, struct ct_expect *x);

#endif
