/* icmp_error.c - ICMP errors belong to the connection whose packet they quote.
 *
 * Linux parity: nf_conntrack_icmpv4_error, nf_conntrack_inet_error. A related error changes neither state nor timeout
 * nor counters of the connection; the quoted checksum is not verified; whoever may be the outer source, the outer
 * destination must be who the quoted packet came from.
 */
#include "conntrack/proto_common.h"

/* is_error: types that quote a packet (RFC 792). */
static bool is_error(uint8_t type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER;
}

/* relate: finds the connection of the quoted packet. Return: 0 found and set on @p; -1 INVALID. */
static int relate(struct conntrack *ctk, struct pkt *p, const struct hook_state *st, uint16_t zone, uint8_t zone_dir)
{
	uint32_t inner = p->hdr.l4 + (uint32_t)sizeof(struct icmp_hdr), hash;
	struct ct_tuple quoted, t;
	struct ct_entry *ct;
	enum ct_dir dir;

	if (!ct_tuple_from_bytes(ctk, p->data + inner, p->len - inner, 0, &quoted))
		return -1;
	/* The quoted packet went the other way: its inverted tuple is in the direction of this error. */
	if (!ct_tuple_invert(&quoted, &t))
		return -1;
	ct = ct_lookup_zone(ctk, &t, zone, zone_dir, &dir, &hash);
	if (!ct)
		return -1;
	if (ct->tuple[dir].dst.word[0] != ip4_hdr(p)->dst) {
		const uint8_t *outer = (const uint8_t *)&ip4_hdr(p)->dst, *own = ct->tuple[dir].dst.byte;

		ct_log_invalid(ctk, p, st, "outer daddr %u.%u.%u.%u != inner %u.%u.%u.%u", outer[0], outer[1], outer[2],
			       outer[3], own[0], own[1], own[2], own[3]);
		return -1;
	}
	ct_hold(ct);
	p->ct = ct;
	p->ct_info = dir == CT_REPLY ? CT_RELATED_REPLY : CT_RELATED;
	return 0;
}

int ct_icmp_error(struct conntrack *ctk, struct pkt *p, const struct hook_state *st, uint16_t zone, uint8_t zone_dir)
{
	const struct icmp_hdr *icmp = pkt_l4(p, sizeof *icmp);

	if (!icmp) {
		ct_log_invalid(ctk, p, st, "short packet");
		return -1;
	}
	if (ct_checksum_wanted(ctk, p, st) && !csum_hook_verify(p)) {
		ct_log_invalid(ctk, p, st, "bad hw icmp checksum");
		return -1;
	}
	if (icmp->type > ICMP_TYPE_MAX) {
		ct_log_invalid(ctk, p, st, "invalid icmp type");
		return -1;
	}
	return is_error(icmp->type) ? relate(ctk, p, st, zone, zone_dir) : 1;
}
