/* entry.c - the life of one connection entry: made, held, refreshed, killed, freed; its rare parts and its events.
 *
 * Life-cycle: see conntrack.h. ct_kill takes the table's part away; the memory goes with the last reference.
 *
 * Linux parity: nf_conntrack_alloc, nf_ct_delete, nf_ct_destroy, __nf_ct_refresh_acct.
 */
#include "conntrack/conntrack_int.h"

#include <stdlib.h>

/* nf_conntrack_events: entries made while nobody listens report nothing, not even their end. */
enum { EVENTS_IF_HEARD = 2 };

/* table_full: whether one more entry would be too many even after early drop. Says so in the log. */
static bool table_full(struct conntrack *ctk, uint32_t hash)
{
	if (!ctk->conf.max || ctk->count < (uint32_t)ctk->conf.max || ct_early_drop(ctk, hash))
		return false;
	ct_gc_start(ctk);
	if (ratelimit_ok(&ctk->full_log, ctk->ns->now))
		netstack_log(ctk->ns, LOG_LEVEL_WARNING, "nf_conntrack: nf_conntrack: table full, dropping packet");
	return true;
}

struct ct_entry *ct_entry_new(struct conntrack *ctk, const struct ct_tuple *orig, const struct ct_tuple *reply,
			      uint32_t hash)
{
	struct ct_entry *ct;

	if (table_full(ctk, hash))
		return NULL;
	ct = ct_arena_get(&ctk->table->entries);
	if (!ct)
		return NULL;
	ct->tuple[CT_ORIGINAL] = *orig;
	ct->tuple[CT_REPLY] = *reply;
	ct->next[CT_ORIGINAL] = hash;
	ct->refs = 1;
	ct->zone_dir = CT_ZONE_BOTH;
	ct->silent = !ctk->conf.events || (ctk->conf.events == EVENTS_IF_HEARD && !ctk->notify.event);
	ctk->count++;
	return ct;
}

void ct_hold(struct ct_entry *ct)
{
	ct->refs++;
}

/* entry_free: gives back an entry nobody refers to, with its parts. */
static void entry_free(struct conntrack *ctk, struct ct_entry *ct)
{
	struct ct_table *t = ctk->table;
	struct ct_entry *master = NULL;

	if (ct->status & CT_ST_TEMPLATE) {
		ct_arena_put(&t->entries, ct);
		return;
	}
	if (ct->status & CT_ST_SRC_NAT && ctk->notify.nat_destroy)
		ctk->notify.nat_destroy(ctk->notify.nat, ct);
	if (ct->extra) {
		master = ct->extra->master;
		if (master && ct->tuple[CT_ORIGINAL].proto == IP_PROTO_GRE)
			ct_gre_keymap_destroy(ctk, master);
		if (ct->extra->help) {
			ct_expects_remove_of(ctk, ct);
			ct_gre_keymap_destroy(ctk, ct);
			ct_arena_put(&t->help, ct->extra->help);
		}
		ct_arena_put(&t->extra, ct->extra);
	}
	ct_arena_put(&t->entries, ct);
	ctk->count--;
	if (master)
		ct_release(ctk, master);
}

void ct_release(struct conntrack *ctk, struct ct_entry *ct)
{
	if (--ct->refs == 0)
		entry_free(ctk, ct);
}

/* report: tells the listener all that happened, if -j CT --ctevents left any of it on. */
static void report(struct conntrack *ctk, struct ct_entry *ct, uint32_t events)
{
	if (ct->extra && ct->extra->event_mask && !(events & ct->extra->event_mask))
		return;
	if (!ct->silent && ctk->notify.event)
		ctk->notify.event(ctk->notify.ctx, ct, events);
}

bool ct_kill(struct conntrack *ctk, struct ct_entry *ct)
{
	if (ct_is_dying(ct) || !ct_is_confirmed(ct))
		return false;
	ct->status |= CT_ST_DYING;
	if (ct->extra && ct->extra->has_timestamp && !ct->extra->stop)
		ct->extra->stop = ctk->ns->now + (uint64_t)ctk->wall_offset;
	report(ctk, ct, CT_EV_DESTROY);
	ct_table_unlink(ctk, ct);
	ct_timer_remove(ctk, ct);
	if (ct_help(ct))
		ct_expects_remove_of(ctk, ct);
	ct_release(ctk, ct);
	return true;
}

void ct_account(struct ct_entry *ct, const struct pkt *p)
{
	struct ct_counter *c;

	if (!ct->extra || !ct->extra->has_acct)
		return;
	c = &ct->extra->acct[ct_dir_of(p->ct_info)];
	c->packets++;
	c->bytes += p->len;
}

void ct_refresh(struct conntrack *ctk, struct ct_entry *ct, const struct pkt *p, uint64_t timeout)
{
	if ((int64_t)timeout < 0)
		timeout = 0; /* a negative sysctl: over at once */
	if (!(ct->status & CT_ST_FIXED_TIMEOUT)) {
		if (ct_is_confirmed(ct) && !ct_is_dying(ct)) {
			ct->expires = ctk->ns->now + timeout;
			if ((int32_t)((uint32_t)ct_timer_tick_of(ct->expires) - ct->timer_tick) < 0)
				ct_timer_move(ctk, ct);
		} else {
			ct->expires = timeout;
		}
	}
	if (p)
		ct_account(ct, p);
}

uint64_t ct_remaining(const struct conntrack *ctk, const struct ct_entry *ct)
{
	if (!ct_is_confirmed(ct))
		return ct->expires;
	return ct->expires > ctk->ns->now ? ct->expires - ctk->ns->now : 0;
}

void ct_event_add(struct ct_entry *ct, uint32_t events)
{
	if (!ct->silent)
		ct->pending_events |= (uint16_t)(events & 0x1fff);
}

void ct_events_flush(struct conntrack *ctk, struct ct_entry *ct)
{
	uint32_t events = ct->pending_events;

	ct->pending_events = 0;
	if (events && ct_is_confirmed(ct) && !ct_is_dying(ct))
		report(ctk, ct, events);
}

void ct_set_mark(struct ct_entry *ct, uint32_t mark)
{
	if (ct->mark == mark)
		return;
	ct->mark = mark;
	ct_event_add(ct, CT_EV_MARK);
}

void ct_set_template(struct conntrack *ctk, struct pkt *p, const struct ct_template *tmpl)
{
	struct ct_entry *ct;

	if (p->ct || p->ct_info == CT_UNTRACKED)
		return;
	ct = ct_arena_get(&ctk->table->entries);
	if (!ct)
		return;
	ct->refs = 1;
	ct->status = CT_ST_TEMPLATE;
	ct->tmpl = tmpl;
	p->ct = ct;
	p->ct_info = CT_NEW;
}

void ct_alter_reply(struct conntrack *ctk, struct ct_entry *ct, const struct ct_tuple *reply)
{
	uint16_t zone = ct->tuple[CT_REPLY].zone;

	ct->tuple[CT_REPLY] = *reply;
	ct->tuple[CT_REPLY].zone = zone;
	if (ct_master(ct) || (ct_help(ct) && ct_help(ct)->expects))
		return;
	ct_helper_assign(ctk, ct, NULL);
}

struct ct_help *ct_get_help(struct conntrack *ctk, struct ct_entry *ct)
{
	struct ct_extra *extra = ct_get_extra(ctk, ct);

	if (extra && !extra->help)
		extra->help = ct_arena_get(&ctk->table->help);
	return extra ? extra->help : NULL;
}

struct ct_extra *ct_get_extra(struct conntrack *ctk, struct ct_entry *ct)
{
	if (!ct->extra)
		ct->extra = ct_arena_get(&ctk->table->extra);
	return ct->extra;
}

struct ct_seqadj *ct_get_seqadj(struct conntrack *ctk, struct ct_entry *ct)
{
	struct ct_extra *extra = ct_get_extra(ctk, ct);

	return extra ? &extra->seqadj : NULL;
}

uint32_t ct_id(const struct conntrack *ctk, const struct ct_entry *ct)
{
	struct ct_tuple t = ct->tuple[CT_ORIGINAL];

	/* Two entries that follow each other on one tuple differ by their number. */
	t.src.word[1] = ct_arena_number(&ctk->table->entries, ct);
	t.family = FAMILY_IP6;
	return ct_hash(ctk, &t);
}
