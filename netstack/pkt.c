/* pkt.c - the packet pool.
 *
 * Overview
 *   Descriptors and storage come from one mapping each, reserved at creation; free ones form LIFO lists, so that the
 *   packet that a port reads into again and again stays in the cache. A descriptor is tied to a storage block for the
 *   time it is out; pkt_compact and pkt_reserve_tail change the block under it.
 *
 * Invariants
 *   1. Every block is on exactly one free list or under exactly one packet that is out.
 *   2. A freed packet holds no connection.
 */
#include "netstack/pkt.h"
#include "netstack/poison.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

/* A free storage block begins with the link of its free list. */
struct block {
	struct block *next;
};

struct pkt_pool {
	struct pkt *descriptors;
	struct pkt *free;
	uint8_t *arena[PKT_CLASSES];
	size_t arena_size[PKT_CLASSES];
	size_t fresh[PKT_CLASSES]; /* bytes of the arena never handed out yet, counted from its end */
	struct block *blocks[PKT_CLASSES];
	pkt_ct_release_fn *release;
	void *release_ctx;
	uint32_t in_use;
};

static const uint32_t block_size[PKT_CLASSES] = {
	[PKT_SMALL] = PKT_SMALL_SIZE,
	[PKT_LARGE] = (PKT_LARGE_SIZE + 63) / 64 * 64,
};

/* arena_make: maps @count blocks of a class. Return: 0 or -ENOMEM. Blocks are carved off by block_get
 * when the free list is empty, so that pages stay untouched until used. */
static int arena_make(struct pkt_pool *pool, enum pkt_class class, uint32_t count)
{
	size_t size = (size_t)count * block_size[class];
	void *mem = size ? mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)
			 : NULL;

	if (mem == MAP_FAILED)
		return -ENOMEM;
	pool->arena[class] = mem;
	pool->arena_size[class] = pool->fresh[class] = size;
	return 0;
}

struct pkt_pool *pkt_pool_create(uint32_t small, uint32_t large)
{
	struct pkt_pool *pool = calloc(1, sizeof *pool);
	uint32_t count = small + large;

	if (!pool)
		return NULL;
	pool->descriptors = calloc(count, sizeof *pool->descriptors);
	if (!pool->descriptors || arena_make(pool, PKT_SMALL, small) || arena_make(pool, PKT_LARGE, large)) {
		pkt_pool_destroy(pool);
		return NULL;
	}
	for (uint32_t i = count; i-- > 0;) {
		pool->descriptors[i].next = pool->free;
		pool->free = &pool->descriptors[i];
	}
	return pool;
}

uint32_t pkt_pool_destroy(struct pkt_pool *pool)
{
	uint32_t leaked;

	if (!pool)
		return 0;
	leaked = pool->in_use;
	for (int class = 0; class < PKT_CLASSES; class++)
		if (pool->arena[class]) {
			UNPOISON(pool->arena[class], pool->arena_size[class]);
			munmap(pool->arena[class], pool->arena_size[class]);
		}
	free(pool->descriptors);
	free(pool);
	return leaked;
}

uint32_t pkt_pool_in_use(const struct pkt_pool *pool)
{
	return pool->in_use;
}

void pkt_pool_set_release(struct pkt_pool *pool, pkt_ct_release_fn *fn, void *ctx)
{
	pool->release = fn;
	pool->release_ctx = ctx;
}

/* block_get: a storage block of a class. NULL if there is none left. */
static uint8_t *block_get(struct pkt_pool *pool, enum pkt_class class)
{
	struct block *b = pool->blocks[class];

	if (b) {
		UNPOISON(b, block_size[class]);
		pool->blocks[class] = b->next;
		return (uint8_t *)b;
	}
	if (!pool->fresh[class])
		return NULL;
	pool->fresh[class] -= block_size[class];
	return pool->arena[class] + pool->arena_size[class] - pool->fresh[class] - block_size[class];
}

/* block_put: gives a block back. */
static void block_put(struct pkt_pool *pool, enum pkt_class class, uint8_t *buf)
{
	struct block *b = (struct block *)(void *)buf;

	b->next = pool->blocks[class];
	pool->blocks[class] = b;
	POISON(b, block_size[class]);
}

struct pkt *pkt_alloc(struct pkt_pool *pool, enum pkt_class class)
{
	struct pkt *p = pool->free;
	uint8_t *buf;

	if (!p)
		return NULL;
	buf = block_get(pool, class);
	if (!buf && class == PKT_SMALL) {
		class = PKT_LARGE;
		buf = block_get(pool, class);
	}
	if (!buf)
		return NULL;
	pool->free = p->next;
	pool->in_use++;
	*p = (struct pkt){
		.pool = pool,
		.buf = buf,
		.data = buf + PKT_HEADROOM,
		.size = block_size[class],
		.class = class,
		.gso_segs = 1,
	};
	return p;
}

void pkt_ct_drop(struct pkt *p)
{
	struct ct_entry *ct = p->ct;

	p->ct = NULL;
	p->ct_info = 0;
	if (ct && p->pool->release)
		p->pool->release(p->pool->release_ctx, ct);
}

void pkt_free(struct pkt *p)
{
	struct pkt_pool *pool;

	if (!p)
		return;
	pool = p->pool;
	if (p->ct)
		pkt_ct_drop(p);
	block_put(pool, p->class, p->buf);
	p->buf = NULL;
	p->next = pool->free;
	pool->free = p;
	pool->in_use--;
}

/* head_kept: bytes before data worth copying: the received Ethernet header and the room for the next one. */
static uint32_t head_kept(const struct pkt *p)
{
	uint32_t head = (uint32_t)(p->data - p->buf);

	return head < PKT_HEADROOM ? head : PKT_HEADROOM;
}

struct pkt *pkt_clone(const struct pkt *p)
{
	uint32_t head = head_kept(p);
	struct pkt *copy = pkt_alloc(p->pool, head + p->len <= PKT_SMALL_SIZE ? PKT_SMALL : p->class);
	struct pkt fresh;

	if (!copy)
		return NULL;
	fresh = *copy;
	*copy = *p;
	copy->next = NULL;
	copy->buf = fresh.buf;
	copy->size = fresh.size;
	copy->class = fresh.class;
	copy->data = fresh.buf + head;
	copy->ct = NULL;
	copy->ct_info = 0;
	copy->own_socket = false;
	memcpy(copy->buf, p->data - head, head + p->len);
	return copy;
}

/* move_to: moves the bytes into a block of another class. Return: 0 or -ENOBUFS. */
static int move_to(struct pkt *p, enum pkt_class class)
{
	uint32_t head = head_kept(p);
	uint8_t *buf = block_get(p->pool, class);

	if (!buf)
		return -ENOBUFS;
	memcpy(buf, p->data - head, head + p->len);
	block_put(p->pool, p->class, p->buf);
	p->buf = buf;
	p->data = buf + head;
	p->size = block_size[class];
	p->class = class;
	return 0;
}

void pkt_compact(struct pkt *p)
{
	if (p->class != PKT_SMALL && head_kept(p) + p->len <= PKT_SMALL_SIZE)
		(void)move_to(p, PKT_SMALL);
}

int pkt_reserve_tail(struct pkt *p, uint32_t extra)
{
	if (pkt_tail_room(p) >= extra)
		return 0;
	if (p->class == PKT_LARGE || head_kept(p) + (uint64_t)p->len + extra > block_size[PKT_LARGE])
		return -ENOBUFS;
	return move_to(p, PKT_LARGE);
}
