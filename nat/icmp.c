/* icmp.c - ICMP errors about translated connections.
 *
 * Overview
 *   An error about a translated packet quotes it as it looked on the far side of the router. On its way back both must be
 *   undone: inside, the quoted header becomes what its sender once sent; outside, the error looks like a reply of the
 *   connection. Where only the source was translated a router in the middle keeps its own address outside, because
 *   the side that changes is the other one.
 *
 * Linux parity: net/netfilter/nf_nat_proto.c nf_nat_icmp_reply_translation.
 */
#include "nat/nat_int.h"
#include "netstack/checksum.h"

/* The start of an ICMP error: its header and the quoted IP header. */
enum { ERROR_MIN = sizeof(struct icmp_hdr) + IP4_HLEN };

/* quoted_target: how the quoted packet's other side must look: as the packets of @back go, seen from the quote, where
 * source and destination have changed places. */
static struct nat_target quoted_target(const struct ct_tuple *back, enum nat_manip manip)
{
	bool src = manip == NAT_MANIP_SRC;

	return (struct nat_target){
		.addr = src ? back->src.word[0] : back->dst.word[0],
		.key = src || back->proto == IP_PROTO_ICMP ? back->src_key : back->dst_key,
		.proto = back->proto,
	};
}

/* refill: the ICMP checksum over all of it; incremental would be possible but the quote may be cut anywhere. */
static void refill(struct pkt *p)
{
	if (p->csum != CSUM_PARTIAL)
		csum_l4_fill(p);
}

enum verdict nat_icmp_error(struct pkt *p, const struct ct_entry *ct, enum hook hook)
{
	enum nat_manip manip = nat_manip_of(hook),
		       inner = manip == NAT_MANIP_SRC ? NAT_MANIP_DST : NAT_MANIP_SRC;
	const struct ct_tuple *back = &ct->tuple[!ct_dir_of(p->ct_info)];
	const struct icmp_hdr *ih = pkt_l4(p, ERROR_MIN);
	struct nat_target to;

	if (!ih || !csum_l4_verify(p))
		return nat_drop(p, DROP_NAT_ICMP_ERROR);
	/* A redirect would tell a host of a route to an address that it must not see. */
	if (ih->type == ICMP_REDIRECT &&
	    ((ct->status & CT_ST_NAT_DONE_MASK) != CT_ST_NAT_DONE_MASK || ct->status & CT_ST_NAT_MASK))
		return nat_drop(p, DROP_NAT_REDIRECT_MESSAGE);
	if (!(ct->status & nat_bit_in(manip, ct_dir_of(p->ct_info))))
		return VERDICT_ACCEPT;
	to = quoted_target(back, inner);
	if (!nat_rewrite(p, p->hdr.l4 + (uint32_t)sizeof *ih, &to, inner))
		return nat_drop(p, DROP_NAT_ICMP_ERROR);
	refill(p);
	to = (struct nat_target){ .addr = manip == NAT_MANIP_SRC ? back->dst.word[0] : back->src.word[0] };
	return nat_rewrite(p, 0, &to, manip) ? VERDICT_ACCEPT : nat_drop(p, DROP_NAT_ICMP_ERROR);
}
