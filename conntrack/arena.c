/* arena.c - see arena.h. */
#include "conntrack/arena.h"

#include "netstack/poison.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

/* A multiple of every page size there is: what mprotect wants. */
enum { ARENA_PAGE = 65536, ARENA_SMALL = 4 << 20 };

/* bytes_of: mapping size of so many elements, whole pages. */
static size_t bytes_of(const struct ct_arena *a, uint32_t elements)
{
	return ((size_t)elements * a->element + ARENA_PAGE - 1) / ARENA_PAGE * ARENA_PAGE;
}

int ct_arena_create(struct ct_arena *a, size_t element, uint32_t ceiling, uint32_t capacity)
{
	void *base;

	if (element < CT_ARENA_MARK)
		element = CT_ARENA_MARK;
	*a = (struct ct_arena){ .element = (uint32_t)((element + 7) / 8 * 8), .ceiling = ceiling };
	base = mmap(NULL, bytes_of(a, ceiling), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	a->base = base;
	return ct_arena_grow(a, capacity);
}

void ct_arena_destroy(struct ct_arena *a)
{
	if (a->base) {
		UNPOISON(a->base, (size_t)a->fresh * a->element);
		munmap(a->base, bytes_of(a, a->ceiling));
	}
	*a = (struct ct_arena){ 0 };
}

int ct_arena_grow(struct ct_arena *a, uint32_t capacity)
{
	if (capacity > a->ceiling)
		capacity = a->ceiling;
	if (capacity <= a->capacity)
		return 0;
	if (mprotect(a->base, bytes_of(a, capacity), PROT_READ | PROT_WRITE))
		return -ENOMEM;
	/* A big store is looked into everywhere: fewer pages, fewer misses on the way to them. Its beginning stays small. */
	if (bytes_of(a, capacity) > ARENA_SMALL)
		madvise(a->base + ARENA_SMALL, bytes_of(a, capacity) - ARENA_SMALL, MADV_HUGEPAGE);
	a->capacity = capacity;
	return 0;
}

void *ct_arena_get(struct ct_arena *a)
{
	void *element;

	if (a->free) {
		element = ct_arena_at(a, a->free - 1);
		UNPOISON(element, a->element);
		memcpy(&a->free, element, sizeof a->free);
		memset(element, 0, a->element);
		if (a->free) /* the next one is asked for now */
			__builtin_prefetch(ct_arena_at(a, a->free - 1), 1);
	} else if (a->fresh < a->capacity) {
		element = ct_arena_at(a, a->fresh++); /* the kernel gave it as zeroes */
	} else {
		return NULL;
	}
	a->in_use++;
	return element;
}

void ct_arena_put(struct ct_arena *a, void *element)
{
	const uint32_t mark[CT_ARENA_MARK / 4] = { a->free };

	memcpy(element, mark, sizeof mark);
	POISON((uint8_t *)element + CT_ARENA_MARK, a->element - CT_ARENA_MARK);
	a->free = ct_arena_number(a, element) + 1;
	a->in_use--;
}
