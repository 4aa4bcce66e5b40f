/* core.c - the instance, and how a packet finds or makes its connection.
 *
 * Overview
 *   conntrack_in, in this order: packets that have a connection already pass; ICMP errors go to the connection they quote;
 *   else lookup, or a new unconfirmed entry (template settings, expectation, helper); then the protocol's tracker
 *   says accept, invalid or "again" (TCP reopen). INVALID is a label, not a verdict: the packet goes on without a
 *   connection. Only a full table drops here.
 *
 * Invariants
 *   1. A packet that leaves conntrack_in has a counted reference to its entry, or none.
 *   2. SEEN_REPLY is set after the tracker has seen the packet.
 *
 * Linux parity: nf_conntrack_in, resolve_normal_ct, init_conntrack, nf_conntrack_attach.
 */
#include "conntrack/conntrack_int.h"

#include <stdlib.h>

/* release_adapter: what the packet pool calls when a packet with a connection dies. */
static void release_adapter(void *ctx, struct ct_entry *ct)
{
	ct_release(ctx, ct);
}

/* conf_defaults: the values Linux 6.18 starts with, for DCCP 6.15; times in seconds here. */
static void conf_defaults(struct ct_conf *c, const struct ct_limits *limits)
{
	static const uint32_t tcp[CT_TCP_TIMEOUTS] = {
		[CT_TCP_SYN_SENT] = 120,    [CT_TCP_SYN_RECV] = 60,     [CT_TCP_ESTABLISHED] = 432000,
		[CT_TCP_FIN_WAIT] = 120,    [CT_TCP_CLOSE_WAIT] = 60,   [CT_TCP_LAST_ACK] = 30,
		[CT_TCP_TIME_WAIT] = 120,   [CT_TCP_CLOSE] = 10,        [CT_TCP_SYN_SENT2] = 120,
		[CT_TCP_MAX_RETRANS] = 300, [CT_TCP_UNACKNOWLEDGED] = 300,
	};
	static const uint32_t sctp[] = { 0, 10, 3, 3, 210, 3, 3, 3, 30 };
	static const uint32_t dccp[CT_DCCP_STATES] = {
		[CT_DCCP_REQUEST] = 240, [CT_DCCP_RESPOND] = 480, [CT_DCCP_PARTOPEN] = 480, [CT_DCCP_OPEN] = 43200,
		[CT_DCCP_CLOSEREQ] = 64, [CT_DCCP_CLOSING] = 64,  [CT_DCCP_TIMEWAIT] = 240,
	};

	*c = (struct ct_conf){
		.max = (int32_t)limits->max,
		.expect_max = (int32_t)limits->expect_max,
		.checksum = 1,
		.events = 2,
		.tcp_loose = 1,
		.tcp_max_retrans = 3,
		.udp_timeout = 30 * NS_PER_SECOND,
		.udp_timeout_stream = 120 * NS_PER_SECOND,
		.icmp_timeout = 30 * NS_PER_SECOND,
		.icmpv6_timeout = 30 * NS_PER_SECOND,
		.gre_timeout = 30 * NS_PER_SECOND,
		.gre_timeout_stream = 180 * NS_PER_SECOND,
		.generic_timeout = 600 * NS_PER_SECOND,
		.frag6_timeout = 60 * NS_PER_SECOND,
	};
	for (unsigned i = 0; i < CT_TCP_TIMEOUTS; i++)
		c->tcp_timeout[i] = tcp[i] * NS_PER_SECOND;
	for (unsigned i = 0; i < sizeof sctp / sizeof *sctp; i++)
		c->sctp_timeout[i] = sctp[i] * NS_PER_SECOND;
	for (unsigned i = 0; i < CT_DCCP_STATES; i++)
		c->dccp_timeout[i] = dccp[i] * NS_PER_SECOND;
}

struct conntrack *conntrack_create(struct netstack *ns, const struct ct_limits *limits)
{
	const struct ct_limits standard = CT_LIMITS_DEFAULT;
	struct conntrack *ctk = calloc(1, sizeof *ctk);

	if (!ctk)
		return NULL;
	if (!limits)
		limits = &standard;
	ctk->ns = ns;
	conf_defaults(&ctk->conf, limits);
	ctk->full_log = ctk->expect_log = RATELIMIT_DEFAULT;
	ns->ops->random(ns->user, ctk->hash_key, sizeof ctk->hash_key);
	if (ct_table_create(ctk, limits) || ct_expects_create(ctk, limits->expect_max) || ct_gre_keymaps_create(ctk)) {
		conntrack_destroy(ctk);
		return NULL;
	}
	if (ns->pool)
		pkt_pool_set_release(ns->pool, release_adapter, ctk);
	return ctk;
}

void conntrack_destroy(struct conntrack *ctk)
{
	if (!ctk)
		return;
	if (ctk->entries)
		ct_flush(ctk, NULL, NULL);
	ct_expects_destroy(ctk);
	ct_gre_keymaps_destroy(ctk);
	ct_helpers_destroy(ctk);
	ct_table_destroy(ctk);
	if (ctk->ns->pool)
		pkt_pool_set_release(ctk->ns->pool, NULL, NULL);
	free(ctk);
}

/* Which zone a packet is in. */
struct zone {
	uint16_t id;
	uint8_t dir;
};

/* zone_of: the zone that a template asks for; the default zone without one. */
static struct zone zone_of(const struct ct_template *tmpl, const struct pkt *p)
{
	if (!tmpl)
		return (struct zone){ 0, CT_ZONE_BOTH };
	return (struct zone){ tmpl->zone_from_mark ? (uint16_t)p->mark : tmpl->zone,
			      tmpl->zone_dir ? tmpl->zone_dir : CT_ZONE_BOTH };
}

/* The mask of events where a template names only those of the other kind: none. */
#define EVENTS_NONE (1u << 31)

void ct_extend(struct conntrack *ctk, struct ct_entry *ct, const struct ct_template *tmpl)
{
	bool policy = tmpl && (tmpl->timeouts || tmpl->event_mask || tmpl->expect_event_mask);
	struct ct_extra *extra;

	if (!ctk->conf.acct && !ctk->conf.timestamp && !ctk->labels_used && !policy)
		return;
	extra = ct_get_extra(ctk, ct);
	if (!extra)
		return;
	extra->has_acct = ctk->conf.acct;
	extra->has_timestamp = ctk->conf.timestamp;
	extra->has_labels = ctk->labels_used;
	if (policy)
		extra->timeouts = tmpl->timeouts;
	if (policy && (tmpl->event_mask || tmpl->expect_event_mask)) {
		extra->event_mask = tmpl->event_mask ? tmpl->event_mask : EVENTS_NONE;
		extra->expect_event_mask = tmpl->expect_event_mask ? tmpl->expect_event_mask : EVENTS_NONE;
		if (!ctk->conf.events) /* the rule counts more than the tunable (nf_ct_ecache_ext_add) */
			ct->silent = 0;
	}
}

/* fulfil: makes a new entry the child of an expectation, if one waits for it. Return: whether one did. */
static bool fulfil(struct conntrack *ctk, struct ct_entry *ct)
{
	bool gone;
	struct ct_expect *x;
	struct ct_extra *extra;

	x = ct_expect_take(ctk, &ct->tuple[CT_ORIGINAL], ct_zone(ct), &gone);
	if (!x)
		return false;
	extra = x->master->refs < CT_REFS_MAX ? ct_get_extra(ctk, ct) : NULL;
	if (!extra) {
		if (gone)
			ct_expect_discard(ctk, x);
		return false;
	}
	ct->status |= CT_ST_EXPECTED;
	extra->master = x->master;
	ct_hold(extra->master);
	ct->mark = x->master->mark;
	if (x->master->extra)
		extra->secmark = x->master->extra->secmark;
	if (x->helper)
		ct_help_set(ctk, ct, x->helper);
	ctk->stats.expect_new++;
	if (x->on_child)
		x->on_child(x->on_child_ctx, ct, x);
	if (gone)
		ct_expect_discard(ctk, x);
	return true;
}

/* make: a new unconfirmed entry for a packet. @full: set when the reason for NULL is a full table, else the tuple has no
 * opposite. */
static struct ct_entry *make(struct conntrack *ctk, const struct ct_tuple *orig, struct zone zone, uint32_t hash,
			     const struct ct_template *tmpl, bool *full)
{
	struct ct_tuple reply;
	struct ct_entry *ct;

	*full = false;
	if (!ct_tuple_invert(orig, &reply))
		return NULL;
	reply.zone = ct_zone_of(zone.id, zone.dir, CT_REPLY);
	ct = ct_entry_new(ctk, orig, &reply, hash);
	if (!ct) {
		*full = true;
		return NULL;
	}
	ct->zone_dir = zone.dir & CT_ZONE_BOTH;
	ct_extend(ctk, ct, tmpl);
	if (!ct_expect_count(ctk) || !fulfil(ctk, ct))
		ct_helper_assign(ctk, ct, tmpl);
	return ct;
}

/* info_of: how a packet of direction @dir stands to its entry. */
static uint8_t info_of(const struct ct_entry *ct, enum ct_dir dir)
{
	if (dir == CT_REPLY)
		return CT_ESTABLISHED_REPLY;
	if (ct->status & CT_ST_SEEN_REPLY)
		return CT_ESTABLISHED;
	return ct->status & CT_ST_EXPECTED ? CT_RELATED : CT_NEW;
}

/* look_up: the entry of @t, the tuple of @p; *hash gets its hash: the foreseen one where it is of just this. */
static struct ct_entry *look_up(struct conntrack *ctk, const struct pkt *p, struct ct_tuple *t, struct zone zone,
				enum ct_dir *dir, uint32_t *hash)
{
	uint64_t words[2];

	ct_flow_words(t, words);
	if (zone.id || words[0] != p->flow[0] || words[1] != p->flow[1])
		return ct_lookup_zone(ctk, t, zone.id, zone.dir, dir, hash);
	*hash = p->flow_hash;
	return ct_table_find(ctk, t, *hash, CT_FIND_ANY, dir);
}

/* resolve: gives the packet its entry (a reference) and ct_info. Return: 1 done; 0 INVALID; -1 table full. */
static int resolve(struct conntrack *ctk, struct pkt *p, struct zone zone, const struct ct_template *tmpl,
		   enum ct_dir *dir)
{
	struct ct_tuple t;
	struct ct_entry *ct;
	uint32_t hash;
	bool full;

	if (!ct_tuple_from_pkt(ctk, p, 0, &t))
		return 0;
	ct = look_up(ctk, p, &t, zone, dir, &hash);
	if (ct) {
		ct_hold(ct);
	} else {
		*dir = CT_ORIGINAL;
		ct = make(ctk, &t, zone, hash, tmpl, &full);
		if (!ct)
			return full ? -1 : 0;
	}
	p->ct = ct;
	p->ct_info = info_of(ct, *dir);
	return 1;
}

/* detach: takes the entry away from the packet. */
static void detach(struct conntrack *ctk, struct pkt *p)
{
	struct ct_entry *ct = p->ct;

	p->ct = NULL;
	p->ct_info = 0;
	ct_release(ctk, ct);
}

/* run_tracker: the protocol's part for a packet that has its entry. */
static enum ct_proto_verdict run_tracker(struct conntrack *ctk, struct pkt *p, enum ct_dir dir,
					 const struct hook_state *st)
{
	const struct ct_proto *proto = ct_proto_find(p->hdr.proto);

	if (proto->check && !proto->check(ctk, p, st))
		return CT_PROTO_INVALID;
	return proto->packet(ctk, p->ct, p, dir, st);
}

/* invalid: the packet goes on without a connection. */
static enum verdict invalid(struct conntrack *ctk)
{
	ctk->stats.invalid++;
	return VERDICT_ACCEPT;
}

/* track: finds or makes the entry and runs the tracker, again after a reopen. */
static enum verdict track(struct conntrack *ctk, struct pkt *p, const struct hook_state *st,
			  const struct ct_template *tmpl)
{
	struct zone zone = zone_of(tmpl, p);
	enum ct_proto_verdict v;
	enum ct_dir dir;
	int found;

	do {
		found = resolve(ctk, p, zone, tmpl, &dir);
		if (found < 0) {
			ctk->stats.drop++;
			p->drop = DROP_CT_TABLE_FULL;
			return VERDICT_DROP;
		}
		if (!found)
			return invalid(ctk);
		v = run_tracker(ctk, p, dir, st);
		if (v != CT_PROTO_ACCEPT)
			detach(ctk, p);
	} while (v == CT_PROTO_REPEAT);
	if (v == CT_PROTO_INVALID)
		return invalid(ctk);
	if (p->ct_info == CT_ESTABLISHED_REPLY && !(p->ct->status & CT_ST_SEEN_REPLY)) {
		p->ct->status |= CT_ST_SEEN_REPLY;
		ct_event_add(p->ct, CT_EV_REPLY);
	}
	return VERDICT_ACCEPT;
}

/* track_any: ICMP errors first, then the ordinary way. */
static enum verdict track_any(struct conntrack *ctk, struct pkt *p, const struct hook_state *st,
			      const struct ct_template *tmpl)
{
	struct zone zone;
	int r;

	if (p->hdr.family != FAMILY_IP4 || p->hdr.frag_off || p->hdr.l4 > p->len)
		return invalid(ctk);
	if (p->hdr.proto == IP_PROTO_ICMP) {
		zone = zone_of(tmpl, p);
		r = ct_icmp_error(ctk, p, st, zone.id, zone.dir);
		if (r < 0)
			ctk->stats.error++;
		if (r <= 0)
			return VERDICT_ACCEPT;
	}
	return track(ctk, p, st, tmpl);
}

enum verdict conntrack_in(void *conntrack, struct pkt *p, const struct hook_state *st)
{
	struct conntrack *ctk = conntrack;
	struct ct_entry *template = p->ct;
	enum verdict v;

	if (!template)
		return p->ct_info == CT_UNTRACKED ? VERDICT_ACCEPT : track_any(ctk, p, st, NULL);
	if (!(template->status & CT_ST_TEMPLATE))
		return VERDICT_ACCEPT;
	p->ct = NULL;
	p->ct_info = 0;
	v = track_any(ctk, p, st, template->tmpl);
	ct_release(ctk, template);
	return v;
}

void conntrack_attach(void *conntrack, struct pkt *made, const struct pkt *offender)
{
	struct ct_entry *ct = offender->ct;

	(void)conntrack;
	if (!ct || made->ct || ct->status & CT_ST_TEMPLATE)
		return;
	ct_hold(ct);
	made->ct = ct;
	made->ct_info = ct_dir_of(offender->ct_info) == CT_ORIGINAL ? CT_RELATED_REPLY : CT_RELATED;
}

void conntrack_tick(struct conntrack *ctk)
{
	ct_timer_run(ctk);
	ct_expects_tick(ctk);
	ct_gc_step(ctk);
	ct_resize_step(ctk);
	ct_sweep_step(ctk);
}

uint64_t conntrack_deadline(const struct conntrack *ctk)
{
	uint64_t entries = ct_timer_deadline(ctk), expects = ct_expects_deadline(ctk);

	if (ctk->table->gc_running || ct_table_moves(ctk->table) || ctk->table->sweeps)
		return ctk->ns->now;
	return entries < expects ? entries : expects;
}
