/* background.h - work that is not packets and not small: dumps, listings, flushes. It is cut into slices, and while packets
 * keep the router busy the slices together get a small share of its time.
 *
 * Overview
 *   Who has such work does a bounded slice of it between background_begin and background_end, then lets the event loop turn,
 *   so that packets come in between. background_wait says when the next slice may begin: at once while packets take little
 *   of the time, else when the pause since the last slice was BACKGROUND_SHARE - 1 times as long as that slice. All such
 *   work of a router shares one allowance: ten dumps cost the traffic no more than one.
 *
 * Invariants
 *   1. A slice ends soon after BACKGROUND_SLICE_NS: who makes one asks background_enough between its bounded parts.
 *   2. Work always goes on: a wait is at most BACKGROUND_WAIT_MAX_NS.
 */
#ifndef ROUTER_BACKGROUND_H
#define ROUTER_BACKGROUND_H

#include <stdbool.h>
#include <stdint.h>

enum {
	BACKGROUND_SHARE = 20,              /* one part in so many is for slices while packets flow */
	BACKGROUND_SLICE_NS = 150000,       /* what a slice aims at */
	BACKGROUND_WAIT_MAX_NS = 16000000,
	BACKGROUND_RECENT_NS = 200000000,   /* a slice longer ago says nothing about now */
	BACKGROUND_LIGHT = 100,             /* packets take less than so many 1024ths: nobody has to wait */
};

/* All zero at the start. Times in ns of router_now. */
struct background {
	uint64_t began, ended; /* the last slice, or the one that runs */
	uint64_t packets;      /* time spent on packets since the last slice began */
	uint32_t busy;         /* share of the time that packets take, in 1024ths, smoothed over some slices */
};

/* background_wait: ns from @now on until a slice may begin; 0 = now. */
uint64_t background_wait(const struct background *b, uint64_t now);

/* background_begin, background_end: around a slice. */
void background_begin(struct background *b, uint64_t now);
void background_end(struct background *b, uint64_t now);

/* background_enough: whether the slice that runs has had its time. */
static inline bool background_enough(const struct background *b, uint64_t now)
{
	return now - b->began >= BACKGROUND_SLICE_NS;
}

/* background_watches: whether slices ran lately, so that background_packets needs the time that packets take. */
static inline bool background_watches(const struct background *b, uint64_t now)
{
	return now - b->ended < BACKGROUND_RECENT_NS;
}

/* background_packets: packets took @ns. */
static inline void background_packets(struct background *b, uint64_t ns)
{
	b->packets += ns;
}

#endif
