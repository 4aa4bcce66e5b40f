/* arena.h - a bounded store of equal elements, numbered, that can grow without moving.
 *
 * Overview
 *   Address space for the ceiling is reserved once without memory behind it; the part below the capacity may be used.
 *   Pages are touched on first use. Free elements form a LIFO list through their first four bytes; the twelve behind are 0, so
 *   that who walks over all elements can tell which are out if theirs are not.
 *
 * Invariants
 *   1. An element's address and number never change while it is out.
 *   2. in_use is the number of elements out; 0 at teardown (tests check).
 */
#ifndef CONNTRACK_ARENA_H
#define CONNTRACK_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CT_ARENA_MARK = 16 }; /* bytes of a free element that stay readable */

struct ct_arena {
	uint8_t *base;
	uint32_t element;  /* bytes, at least CT_ARENA_MARK */
	uint32_t capacity; /* elements that may be out */
	uint32_t ceiling;
	uint32_t fresh; /* elements below this were out at least once */
	uint32_t in_use;
	uint32_t free; /* number + 1 of the first free one; 0 = none */
};

/* ct_arena_create: reserves address space for @ceiling elements of @element bytes, of which @capacity usable.
 * Return: 0 or -ENOMEM. */
int ct_arena_create(struct ct_arena *a, size_t element, uint32_t ceiling, uint32_t capacity);

/* ct_arena_destroy: gives all back; a zero arena is fine. */
void ct_arena_destroy(struct ct_arena *a);

/* ct_arena_grow: more elements may be out (fewer: no-op, capacity never shrinks). Return: 0 or -ENOMEM. */
int ct_arena_grow(struct ct_arena *a, uint32_t capacity);

/* ct_arena_get: an element of zero bytes. Return: owned by the caller; NULL when none is left. */
void *ct_arena_get(struct ct_arena *a);

/* ct_arena_put: gives one back. */
void ct_arena_put(struct ct_arena *a, void *element);

/* ct_arena_at, ct_arena_number: element of a number and back. */
static inline void *ct_arena_at(const struct ct_arena *a, uint32_t number)
{
	return a->base + (size_t)number * a->element;
}
static inline uint32_t ct_arena_number(const struct ct_arena *a, const void *element)
{
	return (uint32_t)((size_t)((const uint8_t *)element - a->base) / a->element);
}

#endif
