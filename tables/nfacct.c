/* nfacct.c - accounting objects; see nfacct.h. */
#include "tables/nfacct.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tables/tables_int.h"

struct nfaccts *nfaccts_create(struct netstack *ns)
{
	struct nfaccts *all = calloc(1, sizeof *all);

	if (all)
		all->ns = ns;
	return all;
}

void nfaccts_destroy(struct nfaccts *all)
{
	struct nfacct *next;

	for (struct nfacct *a = all ? all->first : NULL; a; a = next) {
		next = a->next;
		free(a);
	}
	free(all);
}

/* bucket_of: where in the hash a name stands. @len: its length, below NFACCT_NAME_MAX. */
static uint32_t bucket_of(const char *name, size_t len)
{
	return hash_bytes(0, name, len) % NFACCT_BUCKETS;
}

struct nfacct *nfacct_find(const struct nfaccts *all, const char *name)
{
	size_t len = strnlen(name, NFACCT_NAME_MAX - 1);
	struct nfacct *a = all->bucket[bucket_of(name, len)];

	while (a && (memcmp(a->name, name, len) || a->name[len]))
		a = a->hash_next;
	return a;
}

int nfacct_add(struct nfaccts *all, const char *name, const struct nfacct_counts *counts)
{
	size_t len = strnlen(name, NFACCT_NAME_MAX - 1);
	struct nfacct *a, **bucket;

	if (!len)
		return -EINVAL;
	if (nfacct_find(all, name))
		return -EBUSY;
	a = all->count < NFACCT_MAX ? calloc(1, sizeof *a) : NULL;
	if (!a)
		return -ENOMEM;
	memcpy(a->name, name, len);
	a->counts = *counts;
	a->serial = all->serial++;
	a->prev = all->last;
	*(all->last ? &all->last->next : &all->first) = a;
	all->last = a;
	bucket = &all->bucket[bucket_of(name, len)];
	a->hash_next = *bucket;
	*bucket = a;
	all->count++;
	return 0;
}

/* discard: takes an object that no rule names out of list and hash and frees it. */
static void discard(struct nfaccts *all, struct nfacct *a)
{
	struct nfacct **at = &all->bucket[bucket_of(a->name, strlen(a->name))];

	while (*at != a)
		at = &(*at)->hash_next;
	*at = a->hash_next;
	*(a->prev ? &a->prev->next : &all->first) = a->next;
	*(a->next ? &a->next->prev : &all->last) = a->prev;
	all->count--;
	free(a);
}

int nfacct_delete(struct nfaccts *all, const char *name)
{
	struct nfacct *a = nfacct_find(all, name);

	if (!a)
		return -ENOENT;
	if (a->refs)
		return -EBUSY;
	discard(all, a);
	return 0;
}

void nfacct_flush(struct nfaccts *all)
{
	struct nfacct *next;

	for (struct nfacct *a = all->first; a; a = next) {
		next = a->next;
		if (!a->refs)
			discard(all, a);
	}
}

struct nfacct_counts nfacct_read(struct nfacct *a, bool reset)
{
	const struct nfacct_counts counts = a->counts;

	if (reset) {
		a->counts.packets = a->counts.bytes = 0;
		a->counts.flags &= (uint8_t)~NFACCT_OVER;
	}
	return counts;
}

void nfacct_hold(struct nfacct *a)
{
	a->refs++;
}

void nfacct_put(struct nfacct *a)
{
	a->refs--;
}

bool nfacct_count(struct nfaccts *all, struct nfacct *a, uint32_t len)
{
	struct nfacct_counts *c = &a->counts;
	uint64_t now;

	c->packets++;
	c->bytes += len;
	if (!(c->flags & NFACCT_QUOTA))
		return true;
	now = c->flags & NFACCT_QUOTA_PACKETS ? c->packets : c->bytes;
	if (now >= c->quota && !(c->flags & NFACCT_OVER)) {
		c->flags |= NFACCT_OVER;
		if (all->on_over)
			all->on_over(all->ctx, a);
	}
	return now > c->quota;
}
