/* conntrack_edit.c - conntrack -G, -I, -A and -U on single entries.
 *
 * Linux parity: what conntrack-tools 1.4.7 put into their messages, and what ctnetlink answers. An entry is named by its original
 * tuple in zone 0, in either direction. Where the tool 1.4.7 loses count of the answers (-U of several entries) or forgets the
 * family (-U without an address), what it means is done: docs/semantics.md.
 */
#include "conntrack/manage.h"
#include "router/conntrack_query.h"
#include "router/router.h"

#include <errno.h>

/* has_orig, has_reply: whether an address of the direction was given. */
static bool has_orig(const struct conntrack_query *q)
{
	return conntrack_has(q, CTO_SRC) || conntrack_has(q, CTO_DST);
}

static bool has_reply(const struct conntrack_query *q)
{
	return conntrack_has(q, CTO_REPLY_SRC) || conntrack_has(q, CTO_REPLY_DST);
}

int conntrack_get(struct request *rq, const struct conntrack_query *q)
{
	struct conntrack *ctk = rq->router->engine->ctk;
	struct ct_tuple t = q->side[CT_ORIGINAL].tuple;
	struct ct_entry *ct;
	unsigned count = 0;
	bool xml = false;

	if (!has_orig(q) || !ct_tuple_sound(&t))
		return conntrack_error(rq, q, -EINVAL);
	ct = ct_lookup(ctk, &t, NULL);
	if (!ct)
		return conntrack_error(rq, q, -ENOENT);
	ct_hold(ct);
	if (conntrack_match(ctk, q, ct, 0)) {
		conntrack_put(ctk, q, ct, CT_PRINT_GET, &xml, &rq->out);
		count++;
	}
	ct_release(ctk, ct);
	text_printf(&rq->err, CONNTRACK_TOOL ": %u flow entries have been shown.\n", count);
	return count ? 0 : CONNTRACK_OTHER;
}

/* mirror: what answers @from, as the tool completes a tuple: ICMP keys have been set with the options. */
static void mirror(const struct ct_tuple *from, struct ct_tuple *to)
{
	to->src = from->dst;
	to->dst = from->src;
	to->proto = from->proto;
	if (from->proto == IP_PROTO_ICMP || from->proto == IP_PROTO_ICMP6)
		return;
	to->src_key = from->dst_key;
	to->dst_key = from->src_key;
}

/* zone_of: the one zone that was given, and what it counts for. Return: 0 or -EINVAL: several. */
static int zone_of(const struct conntrack_query *q, uint16_t *zone, uint8_t *zone_dir)
{
	*zone = conntrack_has(q, CTO_ZONE) ? q->zone : 0;
	*zone_dir = CT_ZONE_BOTH;
	for (int dir = 0; dir < CT_DIRS; dir++) {
		if (!conntrack_has(q, dir == CT_ORIGINAL ? CTO_ORIG_ZONE : CTO_REPLY_ZONE))
			continue;
		if (*zone)
			return -EINVAL;
		*zone = q->dir_zone[dir];
		*zone_dir = dir == CT_ORIGINAL ? CT_ZONE_ORIG : CT_ZONE_REPLY;
	}
	return 0;
}

/* range_of: what one manipulation was told: an address, a port where the protocol has it. */
static struct nat_range range_of(const struct conntrack_query *q, uint8_t proto, enum nat_manip manip)
{
	struct nat_range range = { .flags = q->nat_addr_set[manip] ? NAT_RANGE_ADDRS : 0 };

	range.min_addr = range.max_addr = q->nat_addr[manip];
	if (q->nat_key_set[manip] && (proto == IP_PROTO_TCP || proto == IP_PROTO_UDP)) {
		range.flags |= NAT_RANGE_PORTS;
		range.min_key = range.max_key = q->nat_key[manip];
	}
	return range;
}

/* bind_nat: NAT as wanted, destination first; where one side is told the other gets a null binding. Return: 0 or -ENOMEM: no tuple is
 * free. */
static int bind_nat(struct nat *nat, const struct conntrack_query *q, struct ct_entry *ct)
{
	static const enum nat_manip order[] = { NAT_MANIP_DST, NAT_MANIP_SRC };

	if (!q->nat_addr_set[0] && !q->nat_addr_set[1])
		return 0;
	for (int i = 0; i < 2; i++) {
		struct nat_range range = range_of(q, ct->tuple[CT_ORIGINAL].proto, order[i]);
		enum verdict v = q->nat_addr_set[order[i]] ? nat_setup(nat, ct, &range, order[i])
							   : nat_setup_null(nat, ct, order[i]);

		if (v != VERDICT_ACCEPT)
			return -ENOMEM;
	}
	return 0;
}

/* change_of: what was asked for, for a new entry or as it is sent for one that there is. */
static struct ct_change change_of(const struct conntrack_query *q)
{
	struct ct_change c = { .timeout = q->timeout, .status = q->status, .mark = q->mark, .state = q->state, .server = q->server };

	c.set = (conntrack_has(q, CTO_TIMEOUT) ? CT_SET_TIMEOUT : 0) | (conntrack_has(q, CTO_STATUS) ? CT_SET_STATUS : 0) |
		(conntrack_has(q, CTO_MARK) ? CT_SET_MARK : 0) | (q->has_state ? CT_SET_STATE : 0);
	for (int i = 0; i < 2; i++) {
		c.vtag[i] = q->vtag[i];
		c.labels[i] = q->labels_change[i];
		c.labels_mask[i] = UINT64_MAX;
	}
	return c;
}

/* create: one entry. Return: 0 or a negative errno. */
static int create(struct engine *e, const struct conntrack_query *q)
{
	struct ct_tuple orig = q->side[CT_ORIGINAL].tuple, reply = q->side[CT_REPLY].tuple;
	struct ct_change change = change_of(q);
	struct ct_entry *ct;
	uint8_t zone_dir;
	uint16_t zone;
	int error;

	if (q->labels_change_far)
		return -ERANGE;
	if (q->ipv6)
		return -EAFNOSUPPORT;
	if (has_orig(q) && !has_reply(q))
		mirror(&orig, &reply);
	else if (!has_orig(q) && has_reply(q))
		mirror(&reply, &orig);
	if (orig.proto != q->proto)
		return -EINVAL; /* replies' addresses without their keys say no protocol */
	if (conntrack_has(q, CTO_LABEL_ADD))
		change.set |= CT_SET_LABELS;
	error = zone_of(q, &zone, &zone_dir);
	if (!error)
		error = ct_made(e->ctk, &orig, &reply, zone, zone_dir, &ct);
	if (error)
		return error;
	error = bind_nat(e->nat, q, ct);
	if (!error)
		error = ct_made_insert(e->ctk, ct, &change);
	ct_release(e->ctk, ct); /* the table has its own reference */
	return error;
}

int conntrack_add(struct request *rq, const struct conntrack_query *q, bool *made)
{
	int error = create(rq->router->engine, q);

	*made = !error;
	if (!error || (q->command == 'A' && error == -EEXIST))
		return 0;
	return conntrack_error(rq, q, error);
}

/* new_labels: --label-add, --label-del of an entry. Return: whether they are to be sent. */
static bool new_labels(const struct conntrack_query *q, const struct ct_entry *ct, uint64_t labels[2])
{
	bool has = ct->extra && ct->extra->has_labels, any = has && (ct->extra->labels[0] || ct->extra->labels[1]);

	for (int i = 0; i < 2; i++) {
		labels[i] = has ? ct->extra->labels[i] : 0;
		if (conntrack_has(q, CTO_LABEL_ADD))
			labels[i] |= q->labels_change[i];
		else if (!q->label_list)
			labels[i] = 0;
		else
			labels[i] &= ~q->labels_change[i];
	}
	return conntrack_has(q, CTO_LABEL_ADD) || (conntrack_has(q, CTO_LABEL_DEL) && any);
}

/* differs: whether the entry is not already what is asked for. */
static bool differs(const struct conntrack *ctk, const struct ct_entry *ct, const struct ct_change *c)
{
	uint8_t proto = ct->tuple[CT_ORIGINAL].proto;
	uint8_t state = proto == IP_PROTO_TCP	 ? ct->tcp.state
			: proto == IP_PROTO_SCTP ? ct->sctp.state
			: proto == IP_PROTO_DCCP ? ct->dccp.state
						 : UINT8_MAX;

	return c->set & CT_SET_LABELS ||
	       (c->set & CT_SET_TIMEOUT && ct_remaining(ctk, ct) / 1000000000u != c->timeout) ||
	       (c->set & CT_SET_MARK && ct->mark != c->mark) || (c->set & CT_SET_STATE && state != c->state) ||
	       (c->set & CT_SET_STATUS && (ct->status & c->status) != c->status);
}

/* apply: what the kernel does with the message. @ct: the entry that it names. Return: 0 or a negative errno. */
static int apply(struct conntrack *ctk, const struct conntrack_query *q, struct ct_entry *ct, const struct ct_change *c)
{
	uint8_t proto = ct->tuple[CT_ORIGINAL].proto;

	if (q->nat_addr_set[0] || q->nat_addr_set[1])
		return -EOPNOTSUPP; /* bindings are for new entries */
	if (proto == IP_PROTO_DCCP && q->has_state)
		return -EINVAL; /* the kernel wants a role too, which -U does not take */
	if (proto == IP_PROTO_SCTP && q->has_state != (q->has_vtag[0] && q->has_vtag[1]))
		return -EINVAL;
	return ct_change(ctk, ct, c);
}

int conntrack_update(struct request *rq, const struct conntrack_query *q, struct ct_entry *ct, unsigned *count)
{
	struct conntrack *ctk = rq->router->engine->ctk;
	struct ct_change change = change_of(q);
	struct ct_tuple name = ct->tuple[CT_ORIGINAL];
	struct ct_entry *named;
	bool xml = true;
	int error;

	change.mark = (ct->mark & ~q->mark_mask) ^ q->mark;
	change.status |= ct->status;
	if (new_labels(q, ct, change.labels))
		change.set |= CT_SET_LABELS;
	if (!differs(ctk, ct, &change))
		return 0;
	name.zone = 0;
	named = ct_lookup(ctk, &name, NULL);
	error = named ? apply(ctk, q, named, &change) : -ENOENT;
	if (error)
		text_printf(&rq->err, "Operation failed: %s\n", conntrack_error_text(q, error));
	if (!named)
		return 0;
	ct_hold(named);
	conntrack_put(ctk, q, named, named == ct ? 0 : CT_PRINT_GET, &xml, &rq->out);
	ct_release(ctk, named);
	(*count)++;
	return 0;
}
