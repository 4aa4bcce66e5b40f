/* ratelimit.h - at most `burst` events per `interval`, as the kernel limits what a packet can make it say. */
#ifndef NETSTACK_RATELIMIT_H
#define NETSTACK_RATELIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct ratelimit {
	uint64_t interval; /* ns */
	uint32_t burst;
	uint32_t used;
	uint64_t begin;
	uint32_t missed; /* suppressed since the last one let through */
};

/* The kernel's default for messages that packets cause: 10 in 5 s. */
#define RATELIMIT_DEFAULT ((struct ratelimit){ .interval = 5000000000ull, .burst = 10 })

/* ratelimit_ok: whether one more event may happen at @now (ns). Counts it, or counts it as missed. */
static inline bool ratelimit_ok(struct ratelimit *r, uint64_t now)
{
	if (!r->begin || now - r->begin >= r->interval) {
		r->begin = now ? now : 1;
		r->used = 0;
	}
	if (r->used < r->burst) {
		r->used++;
		return true;
	}
	r->missed++;
	return false;
}

#endif
