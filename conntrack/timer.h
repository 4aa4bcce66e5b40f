/* timer.h - the timer wheel of connections.
 *
 * Overview
 *   Three levels of slots (256 x 0.13 s, 256 x 34 s, 64 x 2.4 h) of doubly linked entries. Refreshing an entry only writes
 *   `expires`; when its slot comes up and it is still alive it is queued again by the new time (lazy re-arm). Only a
 *   timeout that becomes *earlier* than the slot moves the entry. What lies further than the last level (6.5 days) waits in
 *   its last slot and is queued again from there.
 *
 * Invariants
 *   1. Every confirmed entry is in exactly one slot, at a tick not later than its expiry (rounded up to a tick).
 *   2. The bit of a slot is set exactly if its list is not empty.
 *
 * Linux parity: none: Linux scans the table (gc_worker). Entries die here at most a tick late; lookups, dumps and
 * this wheel all agree on `expires`, so nobody sees an expired entry alive.
 */
#ifndef CONNTRACK_TIMER_H
#define CONNTRACK_TIMER_H

#include <stdbool.h>
#include <stdint.h>

struct conntrack;
struct ct_entry;

enum {
	CT_TICK_SHIFT = 27, /* a tick is 2^27 ns = 134 ms */
	CT_WHEEL_LEVEL0 = 256, CT_WHEEL_LEVEL1 = 256, CT_WHEEL_LEVEL2 = 64,
	CT_WHEEL_SLOTS = CT_WHEEL_LEVEL0 + CT_WHEEL_LEVEL1 + CT_WHEEL_LEVEL2,
	CT_WHEEL_DUE = CT_WHEEL_SLOTS, /* the list being worked on */
	CT_TIMER_BUDGET = 256,         /* entries looked at in one tick call; about half a microsecond each in a big table */
	CT_TIMER_TOLD = 2,             /* what one counts for where somebody listens to events: a line of text more */
};

struct ct_wheel {
	uint64_t now; /* tick up to which slots were emptied */
	uint32_t count;
	uint8_t stage; /* levels of the present tick not yet emptied */
	uint64_t map[CT_WHEEL_SLOTS / 64];
	uint32_t head[CT_WHEEL_SLOTS + 1]; /* entry number + 1; 0 = empty */
};

/* ct_timer_add: queues a confirmed entry by its `expires`. ct_timer_remove: takes it out. */
void ct_timer_add(struct conntrack *ctk, struct ct_entry *ct);
void ct_timer_remove(struct conntrack *ctk, struct ct_entry *ct);

/* ct_timer_move: the same entry with an earlier `expires`. */
void ct_timer_move(struct conntrack *ctk, struct ct_entry *ct);

/* ct_timer_tick_of: tick at which a time (ns) has passed. */
static inline uint64_t ct_timer_tick_of(uint64_t ns)
{
	return (ns + ((1ull << CT_TICK_SHIFT) - 1)) >> CT_TICK_SHIFT;
}

/* ct_timer_run: kills what expired up to now, at most CT_TIMER_BUDGET entries looked at.
 * ct_timer_deadline: when there is work next (ns); UINT64_MAX = never. */
void ct_timer_run(struct conntrack *ctk);
uint64_t ct_timer_deadline(const struct conntrack *ctk);

#endif
