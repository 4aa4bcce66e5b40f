/* shared.h - things that rules share by name: lists of -m recent, tables of -m hashlimit, estimators, counters.
 *
 * Life-cycle: the first rule that names one makes it (attach), the last one that lets go of it ends it (detach). A ruleset
 * that replaces another takes before the old one gives back, so what both name lives on, with all it holds.
 */
#ifndef TABLES_SHARED_H
#define TABLES_SHARED_H

#include "tables/tables.h"

enum { SHARED_NAME_MAX = 256 };

/* First member of what is shared. */
struct shared {
	struct shared *next;
	const void *kind; /* of its own match: the address of its registration */
	uint32_t refs;    /* rules, and others that hold it */
	char name[SHARED_NAME_MAX];
};

/* shared_find: by kind and name; NULL if there is none. No reference is taken. */
struct shared *shared_find(const struct tables *t, const void *kind, const char *name);

/* shared_add: makes @s known, with one reference. */
void shared_add(struct tables *t, struct shared *s, const void *kind, const char *name);

/* shared_put: gives back a reference. Return: true when it was the last one: @s is not known any more and the caller
 * frees it. */
bool shared_put(struct tables *t, struct shared *s);

/* shared_next: the next of @kind behind @s, from the first one with @s NULL; NULL at the end. */
struct shared *shared_next(const struct tables *t, const void *kind, const struct shared *s);

/* shared_name_ok: whether a name can be that of a file, as the kernel asks: not empty, "." or "..", no '/'. */
bool shared_name_ok(const char *name);

/* Time as the kernel's jiffies at HZ = 250, five minutes before 32 bits overflow at the start (INITIAL_JIFFIES): what
 * Linux shows in /proc. */
enum { JIFFIES_PER_S = 250, NS_PER_JIFFY = 1000000000 / JIFFIES_PER_S };
uint64_t tables_jiffies(const struct tables *t);

/* jiffies_of_ms: msecs_to_jiffies: rounded up. */
static inline uint64_t jiffies_of_ms(uint64_t ms)
{
	return (ms + 3) / 4;
}

#endif
