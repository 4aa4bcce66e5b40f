/* timer.c - see timer.h. */
#include "conntrack/timer.h"

#include "conntrack/conntrack_int.h"

/* In timer_prev: the previous thing is the head of a slot, not an entry. */
#define HEAD_FLAG 0x80000000u

/* First slot and number of slots of a level, and how far a tick number is shifted for it. */
static const struct {
	uint16_t first, slots;
	uint8_t shift;
} level[] = {
	{ 0, CT_WHEEL_LEVEL0, 0 },
	{ CT_WHEEL_LEVEL0, CT_WHEEL_LEVEL1, 8 },
	{ CT_WHEEL_LEVEL0 + CT_WHEEL_LEVEL1, CT_WHEEL_LEVEL2, 16 },
};
enum { LEVELS = sizeof level / sizeof *level };
#define WHEEL_REACH ((uint64_t)(CT_WHEEL_LEVEL2 - 1) << 16)

/* entry_at: the entry of number + 1. */
static struct ct_entry *entry_at(struct ct_table *t, uint32_t link)
{
	return ct_arena_at(&t->entries, link - 1);
}

/* mark_slot: keeps the bit of a slot true to its list; the due list has none. */
static void mark_slot(struct ct_wheel *w, uint32_t slot)
{
	uint64_t bit = 1ull << (slot & 63);

	if (slot == CT_WHEEL_DUE)
		return;
	if (w->head[slot])
		w->map[slot / 64] |= bit;
	else
		w->map[slot / 64] &= ~bit;
}

/* push: puts an entry at the head of a slot. */
static void push(struct ct_table *t, uint32_t slot, struct ct_entry *ct)
{
	struct ct_wheel *w = &t->wheel;
	uint32_t link = ct_arena_number(&t->entries, ct) + 1;

	ct->timer_next = w->head[slot];
	ct->timer_prev = HEAD_FLAG | slot;
	if (ct->timer_next)
		entry_at(t, ct->timer_next)->timer_prev = link;
	w->head[slot] = link;
	mark_slot(w, slot);
}

/* pull: takes an entry out of whatever list it is in. */
static void pull(struct ct_table *t, struct ct_entry *ct)
{
	struct ct_wheel *w = &t->wheel;

	if (ct->timer_next)
		entry_at(t, ct->timer_next)->timer_prev = ct->timer_prev;
	if (ct->timer_prev & HEAD_FLAG) {
		w->head[ct->timer_prev & ~HEAD_FLAG] = ct->timer_next;
		mark_slot(w, ct->timer_prev & ~HEAD_FLAG);
	} else {
		entry_at(t, ct->timer_prev)->timer_next = ct->timer_next;
	}
}

/* slot_for: the slot for a tick, which is at least the next one and within reach. */
static uint32_t slot_for(const struct ct_wheel *w, uint64_t tick)
{
	uint64_t delta = tick - w->now;
	unsigned l = delta < 256 ? 0 : delta < 65536 ? 1 : 2;

	return level[l].first + (uint32_t)(tick >> level[l].shift & (level[l].slots - 1u));
}

/* queue: puts an entry into the slot of its expiry. */
static void queue(struct ct_table *t, struct ct_entry *ct)
{
	struct ct_wheel *w = &t->wheel;
	uint64_t tick = ct_timer_tick_of(ct->expires);

	if (tick <= w->now)
		tick = w->now + 1;
	else if (tick - w->now > WHEEL_REACH)
		tick = w->now + WHEEL_REACH;
	ct->timer_tick = (uint32_t)tick;
	push(t, slot_for(w, tick), ct);
}

void ct_timer_add(struct conntrack *ctk, struct ct_entry *ct)
{
	struct ct_wheel *w = &ctk->table->wheel;

	if (!w->count++)
		w->now = ctk->ns->now >> CT_TICK_SHIFT;
	queue(ctk->table, ct);
}

void ct_timer_remove(struct conntrack *ctk, struct ct_entry *ct)
{
	pull(ctk->table, ct);
	ctk->table->wheel.count--;
}

void ct_timer_move(struct conntrack *ctk, struct ct_entry *ct)
{
	pull(ctk->table, ct);
	queue(ctk->table, ct);
}

/* level_empty: whether no slot of a level has entries. */
static bool level_empty(const struct ct_wheel *w, unsigned l)
{
	for (unsigned i = level[l].first / 64u; i < (level[l].first + level[l].slots) / 64u; i++)
		if (w->map[i])
			return false;
	return true;
}

/* next_slot: distance (1..slots) from the present position of a level to its next slot with entries; 0 = none. */
static uint32_t next_slot(const struct ct_wheel *w, unsigned l)
{
	uint32_t slots = level[l].slots, at = (uint32_t)(w->now >> level[l].shift);

	if (level_empty(w, l))
		return 0;
	for (uint32_t d = 1; d <= slots; d++) {
		uint32_t slot = level[l].first + ((at + d) & (slots - 1));

		if (w->map[slot / 64] >> (slot & 63) & 1)
			return d;
	}
	return 0;
}

/* next_tick: the next tick at which some slot has to be emptied. UINT64_MAX: none. */
static uint64_t next_tick(const struct ct_wheel *w)
{
	uint64_t best = UINT64_MAX;

	for (unsigned l = 0; l < LEVELS; l++) {
		uint32_t d = next_slot(w, l);
		uint64_t tick = ((w->now >> level[l].shift) + d) << level[l].shift;

		if (d && tick < best)
			best = tick;
	}
	return best;
}

/* take_stage: moves the next list of the present tick to the due list, coarse levels first. Return: whether one had
 * entries. Needs the due list empty. */
static bool take_stage(struct ct_table *t)
{
	struct ct_wheel *w = &t->wheel;

	while (w->stage) {
		unsigned l = --w->stage;
		uint32_t slot = level[l].first + (uint32_t)(w->now >> level[l].shift & (level[l].slots - 1u));

		if (w->now & ((1ull << level[l].shift) - 1) || !w->head[slot])
			continue;
		w->head[CT_WHEEL_DUE] = w->head[slot];
		w->head[slot] = 0;
		mark_slot(w, slot);
		entry_at(t, w->head[CT_WHEEL_DUE])->timer_prev = HEAD_FLAG | CT_WHEEL_DUE;
		return true;
	}
	return false;
}

/* look_at: what is due dies, or is queued again. */
static void look_at(struct conntrack *ctk, struct ct_entry *ct)
{
	if (ct_is_expired(ctk, ct))
		ct_kill(ctk, ct);
	else
		ct_timer_move(ctk, ct);
}

void ct_timer_run(struct conntrack *ctk)
{
	struct ct_table *t = ctk->table;
	struct ct_wheel *w = &t->wheel;
	uint64_t target = ctk->ns->now >> CT_TICK_SHIFT;

	for (int budget = CT_TIMER_BUDGET; budget > 0;) {
		uint64_t next;

		if (w->head[CT_WHEEL_DUE]) {
			look_at(ctk, entry_at(t, w->head[CT_WHEEL_DUE]));
			budget -= ctk->notify.event ? CT_TIMER_TOLD : 1;
		} else if (!take_stage(t)) {
			next = w->count ? next_tick(w) : UINT64_MAX;
			if (next > target) {
				if (target > w->now)
					w->now = target;
				return;
			}
			w->now = next;
			w->stage = LEVELS;
		}
	}
}

uint64_t ct_timer_deadline(const struct conntrack *ctk)
{
	const struct ct_wheel *w = &ctk->table->wheel;
	uint64_t next;

	if (w->head[CT_WHEEL_DUE] || w->stage)
		return ctk->ns->now;
	next = w->count ? next_tick(w) : UINT64_MAX;
	return next == UINT64_MAX ? next : next << CT_TICK_SHIFT;
}
