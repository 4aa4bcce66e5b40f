/* manage.c - see manage.h. */
#include "conntrack/manage.h"

#include "conntrack/conntrack_int.h"

#include <errno.h>

/* Status bits that nobody may change from outside (IPS_UNCHANGEABLE_MASK), and those that are refused (EBUSY). */
enum {
	UNCHANGEABLE = CT_ST_NAT_DONE_MASK | CT_ST_NAT_MASK | CT_ST_EXPECTED | CT_ST_CONFIRMED | CT_ST_DYING |
		       CT_ST_SEQ_ADJUST | CT_ST_TEMPLATE | CT_ST_NAT_CLASH,
	REFUSED = CT_ST_EXPECTED | CT_ST_DYING,
	ONLY_SET = CT_ST_SEEN_REPLY | CT_ST_ASSURED,
	STATUS_BITS = (1 << 14) - 1,
};

/* The longest timeout: INT_MAX ticks of a kernel with 250 of them in a second. */
enum { TIMEOUT_MAX = 8589934 };

/* What a change from outside reports, whatever it changed (ctnetlink_new_conntrack). */
enum { CHANGED = CT_EV_REPLY | CT_EV_ASSURED | CT_EV_HELPER | CT_EV_PROTO | CT_EV_SEQADJ | CT_EV_MARK };

bool ct_tuple_sound(struct ct_tuple *t)
{
	struct ct_tuple back;

	if (!ct_proto_find(t->proto)->print_tuple)
		t->src_key = t->dst_key = 0;
	return ct_tuple_invert(t, &back);
}

int ct_made(struct conntrack *ctk, struct ct_tuple *orig, struct ct_tuple *reply, uint16_t zone, uint8_t zone_dir,
	    struct ct_entry **ct)
{
	struct ct_tuple t = *orig;
	enum ct_dir dir;
	uint32_t hash;

	if (!ct_tuple_sound(orig) || !ct_tuple_sound(reply) || orig->proto != reply->proto)
		return -EINVAL;
	t = *orig;
	if (ct_lookup_zone(ctk, &t, zone, zone_dir, &dir, &hash))
		return -EEXIST;
	orig->zone = ct_zone_of(zone, zone_dir, CT_ORIGINAL);
	reply->zone = ct_zone_of(zone, zone_dir, CT_REPLY);
	*ct = ct_entry_new(ctk, orig, reply, ct_hash(ctk, orig));
	if (!*ct)
		return -ENOMEM;
	(*ct)->zone_dir = zone_dir & CT_ZONE_BOTH;
	ct_extend(ctk, *ct, NULL);
	ct_helper_assign(ctk, *ct, NULL);
	return 0;
}

/* change_timeout: Return: 0 or -EPERM. */
static int change_timeout(struct conntrack *ctk, struct ct_entry *ct, uint32_t seconds)
{
	if (ct->status & CT_ST_FIXED_TIMEOUT)
		return -EPERM;
	ct_refresh(ctk, ct, NULL, (seconds > TIMEOUT_MAX ? TIMEOUT_MAX : seconds) * NS_PER_SECOND);
	return 0;
}

/* change_status: Return: 0 or -EBUSY. */
static int change_status(struct ct_entry *ct, uint32_t status)
{
	uint32_t differs = ct->status ^ status;

	if (differs & REFUSED || differs & ONLY_SET & ~status)
		return -EBUSY;
	ct->status |= (uint16_t)(status & STATUS_BITS & ~(uint32_t)UNCHANGEABLE);
	return 0;
}

/* change_state: Return: 0 or -EINVAL. */
static int change_state(struct ct_entry *ct, const struct ct_change *c)
{
	switch (ct->tuple[CT_ORIGINAL].proto) {
	case IP_PROTO_TCP:
		if (c->state >= CT_TCP_STATES)
			return -EINVAL;
		ct->tcp.state = c->state;
		return 0;
	case IP_PROTO_SCTP:
		if (c->state >= CT_SCTP_STATES)
			return -EINVAL;
		ct->sctp.state = c->state;
		ct->sctp.vtag[CT_ORIGINAL] = c->vtag[CT_ORIGINAL];
		ct->sctp.vtag[CT_REPLY] = c->vtag[CT_REPLY];
		return 0;
	case IP_PROTO_DCCP:
		if (c->state >= CT_DCCP_STATES)
			return -EINVAL;
		ct->dccp.state = c->state;
		ct->dccp.role[CT_ORIGINAL] = c->server;
		ct->dccp.role[CT_REPLY] = !c->server;
		return 0;
	default:
		return 0;
	}
}

/* change_labels: nf_connlabels_replace. Return: 0 or -ENOSPC: the entry has no room for labels. */
static int change_labels(struct ct_entry *ct, const struct ct_change *c)
{
	if (!ct->extra || !ct->extra->has_labels)
		return -ENOSPC;
	for (int i = 0; i < 2; i++)
		ct->extra->labels[i] = (ct->extra->labels[i] & ~c->labels_mask[i]) ^ c->labels[i];
	return 0;
}

int ct_made_insert(struct conntrack *ctk, struct ct_entry *ct, const struct ct_change *change)
{
	uint32_t event = CT_EV_NEW;
	int error = 0;

	change_timeout(ctk, ct, change->timeout);
	if (change->set & CT_SET_STATUS)
		error = change_status(ct, change->status);
	if (!error && change->set & CT_SET_STATE)
		error = change_state(ct, change);
	if (!error && change->set & CT_SET_MARK)
		ct->mark = change->mark;
	if (!error)
		error = ct_insert_made(ctk, ct);
	if (error)
		return error;
	if (change->set & CT_SET_LABELS && !change_labels(ct, change))
		event |= CT_EV_LABEL;
	ct_event_add(ct, CHANGED | event);
	ct_events_flush(ctk, ct);
	return 0;
}

int ct_change(struct conntrack *ctk, struct ct_entry *ct, const struct ct_change *change)
{
	int error = 0;

	if (change->set & CT_SET_TIMEOUT)
		error = change_timeout(ctk, ct, change->timeout);
	if (!error && change->set & CT_SET_STATUS)
		error = change_status(ct, change->status);
	if (!error && change->set & CT_SET_STATE)
		error = change_state(ct, change);
	if (error)
		return error;
	if (change->set & CT_SET_MARK)
		ct->mark = change->mark;
	if (change->set & CT_SET_LABELS)
		error = change_labels(ct, change);
	if (error)
		return error;
	ct_event_add(ct, CHANGED | CT_EV_LABEL);
	ct_events_flush(ctk, ct);
	return 0;
}
