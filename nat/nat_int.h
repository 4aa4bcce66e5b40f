/* nat_int.h - what the files of nat/ share. */
#ifndef NAT_NAT_INT_H
#define NAT_NAT_INT_H

#include "nat/nat.h"
#include "netstack/netstack.h"
#include "netstack/ratelimit.h"

/* An instance. by_source: the connections with a translated source, by who their original source is; newest first. */
struct nat {
	struct netstack *ns;
	struct conntrack *ctk;
	struct tables *tables;
	uint32_t *by_source; /* entry number + 1; 0 = none */
	uint32_t by_source_mask; /* buckets - 1 */
	uint64_t hash_key[2];
	struct ratelimit no_address_log;
};

/* Status bits of a manipulation: that it changed something; that it is decided. */
static inline uint32_t nat_bit(enum nat_manip manip)
{
	return manip == NAT_MANIP_SRC ? CT_ST_SRC_NAT : CT_ST_DST_NAT;
}
static inline uint32_t nat_done_bit(enum nat_manip manip)
{
	return manip == NAT_MANIP_SRC ? CT_ST_SRC_NAT_DONE : CT_ST_DST_NAT_DONE;
}

/* nat_bit_in: the bit that says whether packets of direction @dir are changed where @manip is done: replies undo what
 * was done to the other side. */
static inline uint32_t nat_bit_in(enum nat_manip manip, enum ct_dir dir)
{
	return dir == CT_REPLY ? nat_bit(manip) ^ CT_ST_NAT_MASK : nat_bit(manip);
}

/* nat_manip_of: which side a hook changes. */
static inline enum nat_manip nat_manip_of(enum hook hook)
{
	return hook == HOOK_POSTROUTING || hook == HOOK_INPUT ? NAT_MANIP_SRC : NAT_MANIP_DST;
}

/* nat_drop: gives a packet its drop reason. Return: VERDICT_DROP. */
static inline enum verdict nat_drop(struct pkt *p, enum drop_reason reason)
{
	p->drop = (uint16_t)reason;
	return VERDICT_DROP;
}

/* --- tuple.c ------------------------------------------------------------------------------------------------------- */

/* nat_unique_tuple: chooses a tuple for @ct whose side @manip lies in @range, unused if possible.
 * @orig: what the packets of the original direction look like now; @out: what they shall look like. */
void nat_unique_tuple(struct nat *nat, struct ct_tuple *out, const struct ct_tuple *orig,
		      const struct nat_range *range, struct ct_entry *ct, enum nat_manip manip);

/* nat_link, nat_unlink: puts a connection with a translated source into the by-source hash / takes it out. */
void nat_link(struct nat *nat, struct ct_entry *ct);
void nat_unlink(struct nat *nat, struct ct_entry *ct);

/* nat_foresee: asks memory for the place in the by-source hash that a new connection is going to need. */
void nat_foresee(const struct nat *nat, const struct ct_entry *ct);

/* --- rewrite.c ----------------------------------------------------------------------------------------------------- */

/* What one side of a packet shall become. Network order. */
struct nat_target {
	uint32_t addr;
	uint16_t key;
	uint8_t proto; /* decides whether and how @key is written */
};

/* nat_rewrite: writes the @manip side of the IPv4 packet whose header is at @off from data (0 but for what an ICMP
 * error quotes), checksums included. Return: false if the headers are not all there. */
bool nat_rewrite(struct pkt *p, uint32_t off, const struct nat_target *to, enum nat_manip manip);

/* nat_rewrite_packet: writes the @manip side of a packet of @ct so that it looks as the other direction's tuple says. */
bool nat_rewrite_packet(struct pkt *p, const struct ct_entry *ct, enum nat_manip manip, enum ct_dir dir);

/* --- icmp.c -------------------------------------------------------------------------------------------------------- */

/* nat_icmp_error: translates an ICMP error that is RELATED to @ct, what it quotes included.
 * Return: VERDICT_ACCEPT or VERDICT_DROP (p->drop set). */
enum verdict nat_icmp_error(struct pkt *p, const struct ct_entry *ct, enum hook hook);

/* --- targets (one file each) ----------------------------------------------------------------------------------------- */

extern const struct target_ops nat_target_snat, nat_target_dnat, nat_target_masquerade, nat_target_redirect,
	nat_target_netmap;

#endif
