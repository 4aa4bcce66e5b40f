/* confirm.c - the last stop of a packet: helper, sequence adjustment, and the entry's way into the table.
 *
 * Overview
 *   Confirming an entry puts it into the table under both tuples. Another one may have taken a tuple in the meantime
 *   (packets of one flow that were held somewhere, NAT without a free tuple): protocols whose packets stand alone are
 *   then moved to the winner, or get a short life in the reply direction only; for the others the packet is dropped.
 *
 * Linux parity: nf_confirm, __nf_conntrack_confirm, nf_ct_resolve_clash.
 */
#include "conntrack/conntrack_int.h"

#include <errno.h>

enum { CHAIN_MIN = 50, CHAIN_SPREAD = 30 };

/* refuse: the packet cannot have its entry. */
static enum verdict refuse(struct conntrack *ctk, struct pkt *p, enum drop_reason why)
{
	ctk->stats.insert_failed++;
	p->drop = (uint16_t)why;
	return VERDICT_DROP;
}

/* enter: what is common to all ways into the table: the clock starts. */
static void enter(struct conntrack *ctk, struct ct_entry *ct)
{
	ct->status |= CT_ST_CONFIRMED;
	ct->expires += ctk->ns->now;
	ct->refs++;
	if (ct->extra && ct->extra->has_timestamp)
		ct->extra->start = ctk->ns->now + (uint64_t)ctk->wall_offset;
	ct_timer_add(ctk, ct);
}

/* moved_to: gives the packet the winner's entry as @info; the loser goes. */
static enum verdict moved_to(struct conntrack *ctk, struct pkt *p, struct ct_entry *winner, uint8_t info)
{
	struct ct_entry *loser = p->ct;

	ct_hold(winner);
	p->ct = winner;
	p->ct_info = info;
	ct_account(winner, p);
	ct_release(ctk, loser);
	ctk->stats.clash_resolve++;
	return VERDICT_ACCEPT;
}

/* resolve_clash: @winner holds the original tuple, or the reply tuple, of the packet's entry. */
static enum verdict resolve_clash(struct conntrack *ctk, struct pkt *p, struct ct_entry *winner, uint32_t reply_hash)
{
	struct ct_entry *ct = p->ct, *other;

	if (!ct_proto_find(ct->tuple[CT_ORIGINAL].proto)->allow_clash)
		goto drop;
	if (ct_tuple_equal(&ct->tuple[0], &winner->tuple[0]) && ct_tuple_equal(&ct->tuple[1], &winner->tuple[1]))
		return moved_to(ctk, p, winner, p->ct_info);
	if (ct_tuple_equal(&ct->tuple[0], &winner->tuple[1]) && ct_tuple_equal(&ct->tuple[1], &winner->tuple[0]))
		return moved_to(ctk, p, winner, CT_ESTABLISHED_REPLY);
	ct_table_chain(ctk, &ct->tuple[CT_REPLY], reply_hash, ct_find_for(ct, CT_REPLY), &other);
	if (other)
		goto drop;
	/* Only answers will find it; it goes soon. */
	ct->expires = NS_PER_SECOND;
	ct->status |= CT_ST_FIXED_TIMEOUT | CT_ST_NAT_CLASH;
	enter(ctk, ct);
	ct_table_link(ctk, ct, CT_REPLY, reply_hash);
	ctk->stats.clash_resolve++;
	return VERDICT_ACCEPT;
drop:
	ctk->stats.drop++;
	return refuse(ctk, p, DROP_CT_INSERT_FAILED);
}

/* chain_too_long: whether a bucket with so many entries takes no more. Nobody shall know the limit; most need not be told. */
static bool chain_too_long(struct conntrack *ctk, uint32_t length)
{
	return length > CHAIN_MIN && length > CHAIN_MIN + netstack_random_below(ctk->ns, CHAIN_SPREAD);
}

enum verdict ct_insert(struct conntrack *ctk, struct pkt *p)
{
	struct ct_entry *ct = p->ct, *winner;
	uint32_t hash = ct->next[CT_ORIGINAL], reply_hash = ct_table_hash(ctk, &ct->tuple[CT_REPLY]);
	uint32_t longest, length;

	longest = ct_table_chain(ctk, &ct->tuple[CT_ORIGINAL], hash, ct_find_for(ct, CT_ORIGINAL), &winner);
	if (winner)
		return resolve_clash(ctk, p, winner, reply_hash);
	length = ct_table_chain(ctk, &ct->tuple[CT_REPLY], reply_hash, ct_find_for(ct, CT_REPLY), &winner);
	if (winner)
		return resolve_clash(ctk, p, winner, reply_hash);
	if (chain_too_long(ctk, (length > longest ? length : longest) * CT_HEADS)) {
		ctk->stats.chain_too_long++;
		return refuse(ctk, p, DROP_CT_CHAIN_TOO_LONG);
	}
	enter(ctk, ct);
	ct_table_link(ctk, ct, CT_ORIGINAL, hash);
	ct_table_link(ctk, ct, CT_REPLY, reply_hash);
	if (ct_help(ct) && ct_help(ct)->helper)
		ct_event_add(ct, CT_EV_HELPER);
	ct_event_add(ct, ct_master(ct) ? CT_EV_RELATED : CT_EV_NEW);
	return VERDICT_ACCEPT;
}

int ct_insert_made(struct conntrack *ctk, struct ct_entry *ct)
{
	uint32_t length;
	struct ct_entry *other;

	for (int dir = CT_ORIGINAL; dir < CT_DIRS; dir++) {
		length = ct_table_chain(ctk, &ct->tuple[dir], ct_hash(ctk, &ct->tuple[dir]), ct_find_for(ct, dir), &other);
		if (other)
			return -EEXIST;
		if (chain_too_long(ctk, length * CT_HEADS)) {
			ctk->stats.chain_too_long++;
			return -ENOSPC;
		}
	}
	enter(ctk, ct);
	for (int dir = CT_ORIGINAL; dir < CT_DIRS; dir++)
		ct_table_link(ctk, ct, dir, ct_hash(ctk, &ct->tuple[dir]));
	ctk->stats.insert++;
	return 0;
}

/* finish: confirms what is not confirmed yet and reports events. */
static enum verdict finish(struct conntrack *ctk, struct pkt *p)
{
	if (!ct_is_confirmed(p->ct) && ct_dir_of(p->ct_info) == CT_ORIGINAL) {
		if (ct_insert(ctk, p) != VERDICT_ACCEPT)
			return VERDICT_DROP;
	}
	if (p->ct->pending_events)
		ct_events_flush(ctk, p->ct);
	return VERDICT_ACCEPT;
}

/* proxied: a packet of a connection that -j SYNPROXY made for a client. Return: as a hook. */
static enum verdict proxied(struct conntrack *ctk, struct pkt *p)
{
	struct ct_entry *ct = p->ct;

	if (p->synproxy && !ct_is_confirmed(ct)) {
		struct ct_extra *extra = ct_get_extra(ctk, ct);

		if (!extra) {
			p->drop = DROP_CT_NO_MEMORY;
			return VERDICT_DROP;
		}
		extra->synproxy.on = true;
		ct->status |= CT_ST_SEQ_ADJUST;
	}
	if (!ct->extra || !ct->extra->synproxy.on || !ctk->notify.synproxy)
		return VERDICT_ACCEPT;
	return ctk->notify.synproxy(ctk->notify.tables, p);
}

/* helped: helper, then sequence adjustment (the helper sees unadjusted numbers). Return: as a hook. */
static enum verdict helped(struct conntrack *ctk, struct pkt *p)
{
	struct ct_entry *ct = p->ct;
	const struct ct_helper *helper = ct_help(ct) ? ct_help(ct)->helper : NULL;
	enum verdict v;

	if (helper && helper->help) {
		v = helper->help(helper->instance, ctk, p, ct);
		if (v != VERDICT_ACCEPT)
			return v;
	}
	if (ct->status & CT_ST_SEQ_ADJUST && !ct_seqadj_packet(ctk, ct, p)) {
		ctk->stats.drop++;
		p->drop = DROP_CT_SEQADJ;
		return VERDICT_DROP;
	}
	return VERDICT_ACCEPT;
}

enum verdict conntrack_confirm(void *conntrack, struct pkt *p, const struct hook_state *st)
{
	struct conntrack *ctk = conntrack;
	struct ct_entry *ct = p->ct;
	enum verdict v;

	(void)st;
	if (!ct || ct->status & CT_ST_TEMPLATE)
		return VERDICT_ACCEPT;
	if (p->synproxy || ct->status & CT_ST_SEQ_ADJUST) {
		v = proxied(ctk, p);
		if (v != VERDICT_ACCEPT)
			return v;
	}
	if ((ct_help(ct) || ct->status & CT_ST_SEQ_ADJUST) && p->ct_info != CT_RELATED_REPLY && !p->hdr.frag_off) {
		v = helped(ctk, p);
		if (v != VERDICT_ACCEPT)
			return v;
	}
	return finish(ctk, p);
}
