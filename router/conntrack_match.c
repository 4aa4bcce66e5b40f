/* conntrack_match.c - which entries a conntrack command means.
 *
 * Linux parity: conntrack-tools 1.4.7, nfct_filter, with nfct_cmp of libnetfilter_conntrack: what is compared is what a message of
 * the kernel has; an attribute that was asked for and is not there does not fit. Keys of GRE are not compared there.
 */
#include "router/conntrack_query.h"

#include "conntrack/proto.h"
#include "nat/nat.h"

/* is_within: whether @a is @wanted under @mask (NULL: all of it). */
static bool is_within(const struct addr *a, const struct addr *wanted, const struct addr *mask)
{
	for (int i = 0; i < 4; i++)
		if ((a->word[i] ^ wanted->word[i]) & (mask ? mask->word[i] : UINT32_MAX))
			return false;
	return true;
}

/* match_addresses: of one direction. */
static bool match_addresses(const struct conntrack_query *q, const struct ct_entry *ct, enum ct_dir dir)
{
	const struct conntrack_side *side = &q->side[dir];
	const struct ct_tuple *t = &ct->tuple[dir], *mask = dir == CT_ORIGINAL ? &q->mask.tuple : NULL;
	bool mask_src = mask && conntrack_has(q, CTO_MASK_SRC), mask_dst = mask && conntrack_has(q, CTO_MASK_DST);

	if (side->set & (CTA_SRC | CTA_DST) && t->family != side->tuple.family)
		return false;
	return (!(side->set & CTA_SRC) || is_within(&t->src, &side->tuple.src, mask_src ? &mask->src : NULL)) &&
	       (!(side->set & CTA_DST) || is_within(&t->dst, &side->tuple.dst, mask_dst ? &mask->dst : NULL));
}

/* match_keys: of one direction. */
static bool match_keys(const struct conntrack_query *q, const struct ct_entry *ct, enum ct_dir dir)
{
	const struct conntrack_side *side = &q->side[dir];
	const struct ct_tuple *t = &ct->tuple[dir];
	const uint8_t *want = (const uint8_t *)&side->tuple.dst_key, *is = (const uint8_t *)&t->dst_key;

	if (side->set & CTA_PROTO && t->proto != side->tuple.proto)
		return false;
	if (t->proto == IP_PROTO_ICMP)
		return (!(side->set & CTA_TYPE) || want[0] == is[0]) && (!(side->set & CTA_CODE) || want[1] == is[1]) &&
		       (!(side->set & CTA_ICMP_ID) || side->tuple.src_key == t->src_key);
	return !ct_proto_has_ports(t->proto) || ((!(side->set & CTA_SRC_KEY) || side->tuple.src_key == t->src_key) &&
					(!(side->set & CTA_DST_KEY) || side->tuple.dst_key == t->dst_key));
}

/* is_translated: whether one side was: address or key, to the one asked for. As the tool does, the keys of ICMP, which always
 * differ, count as ports. */
static bool is_translated(const struct conntrack_query *q, const struct ct_entry *ct, enum nat_manip manip)
{
	const struct ct_tuple *o = &ct->tuple[CT_ORIGINAL], *r = &ct->tuple[CT_REPLY];
	const struct addr *before = manip == NAT_MANIP_SRC ? &o->src : &o->dst,
			  *after = manip == NAT_MANIP_SRC ? &r->dst : &r->src;
	uint16_t key_before = manip == NAT_MANIP_SRC ? o->src_key : o->dst_key,
		 key_after = manip == NAT_MANIP_SRC ? r->dst_key : r->src_key;
	bool address = !addr_equal(before, after), key = key_before != key_after;

	if (!(ct->status & (manip == NAT_MANIP_SRC ? CT_ST_SRC_NAT_DONE : CT_ST_DST_NAT_DONE)))
		return false;
	if (!q->nat_addr_set[manip] && !q->nat_key_set[manip])
		return address || key;
	return (!q->nat_addr_set[manip] || (address && addr_equal(after, &q->nat_addr[manip]))) &&
	       (!q->nat_key_set[manip] || (key && key_after == q->nat_key[manip]));
}

/* match_nat: -n, -g, -j. */
static bool match_nat(const struct conntrack_query *q, const struct ct_entry *ct)
{
	if (conntrack_has(q, CTO_ANY_NAT))
		return is_translated(q, ct, NAT_MANIP_SRC) || is_translated(q, ct, NAT_MANIP_DST);
	return (!conntrack_has(q, CTO_SNAT) || is_translated(q, ct, NAT_MANIP_SRC)) &&
	       (!conntrack_has(q, CTO_DNAT) || is_translated(q, ct, NAT_MANIP_DST));
}

/* match_labels: -l: all of them. */
static bool match_labels(const struct conntrack_query *q, const struct ct_entry *ct, unsigned flags)
{
	if (!conntrack_has(q, CTO_LABEL))
		return true;
	if (!ct->extra || !ct->extra->has_labels || flags & CT_LESS_LABELS || q->labels_far)
		return false;
	return (ct->extra->labels[0] & q->labels[0]) == q->labels[0] && (ct->extra->labels[1] & q->labels[1]) == q->labels[1];
}

/* match_zone: an option for zones that count as @zone_dir says; an entry without one is in 0. */
static bool match_zone(const struct conntrack_query *q, const struct ct_entry *ct, enum conntrack_option o, uint16_t zone,
		       uint8_t zone_dir)
{
	return !conntrack_has(q, o) || (ct->zone_dir == zone_dir ? ct_zone(ct) : 0) == zone;
}

/* match_state: --state. */
static bool match_state(const struct conntrack_query *q, const struct ct_entry *ct, unsigned flags)
{
	if (!q->has_state)
		return true;
	if (flags & CT_LESS_STATE)
		return false;
	return (ct->tuple[0].proto == IP_PROTO_TCP && ct->tcp.state == q->state) ||
	       (ct->tuple[0].proto == IP_PROTO_SCTP && ct->sctp.state == q->state) ||
	       (ct->tuple[0].proto == IP_PROTO_DCCP && ct->dccp.state == q->state);
}

/* match_meta: what is not of the tuples. */
static bool match_meta(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_entry *ct, unsigned flags)
{
	if (conntrack_has(q, CTO_MARK) &&
	    ((ct->mark & q->mark_mask) != q->mark || (flags & CT_LESS_MARK && !ct->mark)))
		return false;
	if (conntrack_has(q, CTO_STATUS) && (ct->status & q->status) != q->status)
		return false;
	if (conntrack_has(q, CTO_STATUS) && q->command == 'L' && (ct->status & q->status_mask) != q->status)
		return false;
	/* Not among what makes the tool compare, but compared then. */
	if (conntrack_has(q, CTO_TIMEOUT) && q->options & CONNTRACK_COMPARED &&
	    ct_remaining(ctk, ct) / 1000000000u != q->timeout)
		return false;
	return !conntrack_has(q, CTO_ID) || ct_id(ctk, ct) == q->id;
}

bool conntrack_match(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_entry *ct, unsigned flags)
{
	if (q->family && q->ipv6 != (ct->tuple[0].family == FAMILY_IP6))
		return false;
	for (int dir = 0; dir < CT_DIRS; dir++)
		if (!match_addresses(q, ct, dir) || !match_keys(q, ct, dir))
			return false;
	return match_nat(q, ct) && match_labels(q, ct, flags) && match_state(q, ct, flags) &&
	       match_zone(q, ct, CTO_ZONE, q->zone, CT_ZONE_BOTH) &&
	       match_zone(q, ct, CTO_ORIG_ZONE, q->dir_zone[0], CT_ZONE_ORIG) &&
	       match_zone(q, ct, CTO_REPLY_ZONE, q->dir_zone[1], CT_ZONE_REPLY) && match_meta(ctk, q, ct, flags);
}

bool conntrack_match_update(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_entry *ct)
{
	if (q->family && q->ipv6 != (ct->tuple[0].family == FAMILY_IP6))
		return false;
	for (int dir = 0; dir < CT_DIRS; dir++)
		if (!match_addresses(q, ct, dir) || !match_keys(q, ct, dir))
			return false;
	return match_nat(q, ct) && match_labels(q, ct, 0) && (!conntrack_has(q, CTO_ID) || ct_id(ctk, ct) == q->id);
}
