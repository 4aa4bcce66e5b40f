/* set_hash.c - the store of the hash types: buckets of up to `bucketsize` numbered slots, doubled when one overflows.
 *
 * Overview
 *   An element lies in a node: a head (next in its bucket, slot, flags), the key, the extensions. The nodes of a set are
 *   one array, linked by index, grown by doubling outside of the packet path; a bucket's nodes are sorted by slot. Which
 *   slot an element gets and when the table doubles is as in Linux (ip_set_hash_gen.h), whose buckets are arrays; so the
 *   order of a listing is the same for the same `initval`.
 *
 * Invariants
 *   1. bucket.pos > the slot of each node in it; bucket.pos <= bucket.size <= bucketsize; both 0 where Linux has no
 *      bucket.
 *   2. nets[n] = elements of prefix length n; lengths[] holds those above 0, the longest first.
 *   3. A lookup touches one bucket per prefix length in use.
 */
#include <stdio.h>
#include <stdlib.h>

#include "netstack/netstack.h"
#include "tables/set.h"

enum {
	HASHSIZE_DEFAULT = 1024,
	HASHSIZE_MIN = 64,
	MAXELEM_DEFAULT = 65536,
	BITS_MAX = 27,      /* Linux: the array of pointers within INT_MAX bytes */
	BLOCK = 2,          /* slots that a bucket grows by */
	SLOTS_DEFAULT = 12, /* largest bucket unless tuned */
	SLOTS_MAX = 64,
	REGION_BITS = 10, /* buckets of a region, which has its own share of maxelem */
	LINUX_BUCKET = 32,
	LINUX_REGION = 24,
	NODE_HEAD = 8,
	NODES_FIRST = 64,
	LENGTHS = 33,
	BUCKETS_AT_ONCE = 64,
};
static const uint32_t JHASH_START = 0xdeadbeef;

struct node {
	uint32_t next; /* index in the pool; 0 = end */
	uint8_t slot;
	uint8_t flags; /* SET_OP_NOMATCH, SET_OP_WILDCARD */
	uint16_t unused;
};
_Static_assert(sizeof(struct node) == NODE_HEAD, "head of a node");

struct bucket {
	uint32_t head;
	uint8_t size, pos;
};

struct hash {
	struct bucket *buckets;
	uint32_t *region; /* elements by region */
	uint8_t bits;
	uint8_t slots; /* bucketsize */
	uint32_t maxelem, initval;
	uint32_t count;
	uint64_t linux_bytes; /* of buckets, as Linux counts them */
	uint8_t *nodes;       /* node 0 is not used */
	uint32_t node_size, capacity, fresh, free_head;
	uint16_t ext_at;
	uint32_t nets[LENGTHS];
	uint8_t lengths[LENGTHS], length_count;
};

#define ROT(x, k) ((x) << (k) | (x) >> (32 - (k)))

/* hash_words: Jenkins' lookup3 over 1 to 3 or more 32-bit words. */
static uint32_t hash_words(const uint8_t *bytes, uint32_t count, uint32_t initval)
{
	uint32_t a, b, c, k[3] = { 0 };

	a = b = c = JHASH_START + (count << 2) + initval;
	for (; count > 3; count -= 3, bytes += 12) {
		memcpy(k, bytes, 12);
		a += k[0], b += k[1], c += k[2];
		a -= c, a ^= ROT(c, 4), c += b;
		b -= a, b ^= ROT(a, 6), a += c;
		c -= b, c ^= ROT(b, 8), b += a;
		a -= c, a ^= ROT(c, 16), c += b;
		b -= a, b ^= ROT(a, 19), a += c;
		c -= b, c ^= ROT(b, 4), b += a;
	}
	memset(k, 0, sizeof k);
	memcpy(k, bytes, (size_t)count * 4);
	a += k[0], b += k[1], c += k[2];
	c ^= b, c -= ROT(b, 14);
	a ^= c, a -= ROT(c, 11);
	b ^= a, b -= ROT(a, 25);
	c ^= b, c -= ROT(b, 16);
	a ^= c, a -= ROT(c, 4);
	b ^= a, b -= ROT(a, 14);
	c ^= b, c -= ROT(b, 24);
	return c;
}

/* bucket_of: number of the key's bucket. */
static uint32_t bucket_of(const struct set *s, const struct hash *h, const uint8_t *key)
{
	return hash_words(key, s->type->hash_size / 4, h->initval) & ((1u << h->bits) - 1);
}

static uint32_t regions(uint8_t bits)
{
	return bits < REGION_BITS ? 1 : 1u << (bits - REGION_BITS);
}

static struct node *node_at(const struct hash *h, uint32_t index)
{
	return (struct node *)(void *)(h->nodes + (size_t)index * h->node_size);
}

static uint8_t *node_key(struct node *n)
{
	return (uint8_t *)n + NODE_HEAD;
}

static uint8_t *node_ext(const struct hash *h, struct node *n)
{
	return (uint8_t *)n + h->ext_at;
}

/* key_cidr: prefix length of a key of a type with networks. */
static uint8_t key_cidr(const struct set *s, const uint8_t *key)
{
	return (uint8_t)(key[s->type->cidr_at] + s->type->cidr_bias);
}

/* --- prefix lengths in use ------------------------------------------------------------------------------------------- */

static void nets_add(struct set *s, struct hash *h, const uint8_t *key)
{
	uint8_t cidr, i = 0;

	if (!s->type->nets)
		return;
	cidr = key_cidr(s, key);
	if (h->nets[cidr]++)
		return;
	while (i < h->length_count && h->lengths[i] > cidr)
		i++;
	memmove(h->lengths + i + 1, h->lengths + i, (size_t)(h->length_count - i));
	h->lengths[i] = cidr;
	h->length_count++;
}

static void nets_del(struct set *s, struct hash *h, const uint8_t *key)
{
	uint8_t cidr, *at;

	if (!s->type->nets)
		return;
	cidr = key_cidr(s, key);
	if (--h->nets[cidr])
		return;
	at = memchr(h->lengths, cidr, h->length_count);
	h->length_count--;
	memmove(at, at + 1, (size_t)(h->lengths + h->length_count - at));
}

uint8_t set_hash_cidr(const struct set *s)
{
	const struct hash *h = s->data;

	return h->length_count ? h->lengths[0] : 32;
}

/* --- nodes ----------------------------------------------------------------------------------------------------------- */

/* pool_grow: room for @wanted elements. Return: 0 or an error. */
static int pool_grow(struct hash *h, uint64_t wanted)
{
	uint8_t *more;

	if (wanted + 1 > UINT32_MAX || (wanted + 1) * h->node_size > SIZE_MAX / 2)
		return -SET_E_NOMEM;
	if (wanted <= h->capacity)
		return 0;
	more = realloc(h->nodes, (size_t)(wanted + 1) * h->node_size);
	if (!more)
		return -SET_E_NOMEM;
	h->nodes = more;
	h->capacity = (uint32_t)wanted;
	return 0;
}

/* node_take: a node, its extensions zero. Return: index; 0: none (from packets the pool does not grow). */
static uint32_t node_take(struct hash *h, bool may_grow)
{
	uint32_t index = h->free_head;

	if (index) {
		h->free_head = node_at(h, index)->next;
	} else {
		if (h->fresh == h->capacity &&
		    (!may_grow || pool_grow(h, h->capacity ? h->capacity * 2ull : NODES_FIRST)))
			return 0;
		index = ++h->fresh;
	}
	memset(node_at(h, index), 0, h->node_size);
	return index;
}

static void node_give(struct hash *h, uint32_t index)
{
	node_at(h, index)->next = h->free_head;
	h->free_head = index;
}

/* bucket_insert: puts the node into its slot's place in the chain. */
static void bucket_insert(struct hash *h, struct bucket *b, uint32_t index)
{
	uint32_t *at = &b->head;

	while (*at && node_at(h, *at)->slot < node_at(h, index)->slot)
		at = &node_at(h, *at)->next;
	node_at(h, index)->next = *at;
	*at = index;
}

static void bucket_unlink(struct hash *h, struct bucket *b, uint32_t index)
{
	uint32_t *at = &b->head;

	while (*at != index)
		at = &node_at(h, *at)->next;
	*at = node_at(h, index)->next;
}

static uint8_t bucket_count(const struct hash *h, const struct bucket *b)
{
	uint8_t n = 0;

	for (uint32_t i = b->head; i; i = node_at(h, i)->next)
		n++;
	return n;
}

/* bucket_resize: a bucket of @size slots now; 0: it ceases to be. Linux counts a bucket's head for each block it grew
 * by, and gives back one head with the bucket. */
static void bucket_resize(const struct set *s, struct hash *h, struct bucket *b, uint8_t size)
{
	const uint64_t block = LINUX_BUCKET + (uint64_t)BLOCK * s->linux_element;

	if (!size) {
		h->linux_bytes -= LINUX_BUCKET + (uint64_t)b->size * s->linux_element;
		b->pos = 0;
	} else if (size > b->size) {
		h->linux_bytes += block;
	} else {
		h->linux_bytes -= block;
	}
	b->size = size;
}

/* bucket_compact: numbers the slots anew after holes were found (Linux copies into a smaller array). */
static void bucket_compact(const struct set *s, struct hash *h, struct bucket *b)
{
	uint8_t slot = 0;

	for (uint32_t i = b->head; i; i = node_at(h, i)->next)
		node_at(h, i)->slot = slot++;
	b->pos = slot;
	bucket_resize(s, h, b, (uint8_t)(b->size - BLOCK));
}

/* remove_node: takes an element out; the slot stays a hole. */
static void remove_node(struct set *s, struct hash *h, uint32_t bucket, uint32_t index)
{
	struct node *n = node_at(h, index);

	bucket_unlink(h, &h->buckets[bucket], index);
	nets_del(s, h, node_key(n));
	set_ext_free(s, node_ext(h, n));
	h->region[bucket >> REGION_BITS]--;
	h->count--;
	node_give(h, index);
}

/* expire_bucket: frees what timed out in it and shrinks it (mtype_gc_do). */
static void expire_bucket(struct set *s, struct hash *h, uint32_t bucket)
{
	struct bucket *b = &h->buckets[bucket];
	uint8_t holes;

	for (uint32_t i = b->head, next; i; i = next) {
		next = node_at(h, i)->next;
		if (set_ext_expired(s, node_ext(h, node_at(h, i))))
			remove_node(s, h, bucket, i);
	}
	holes = (uint8_t)(b->pos - bucket_count(h, b));
	if (holes < BLOCK)
		return;
	if (holes >= b->size)
		bucket_resize(s, h, b, 0);
	else
		bucket_compact(s, h, b);
}

/* expire_region: the buckets that Linux has behind one lock. */
static void expire_region(struct set *s, struct hash *h, uint32_t region)
{
	uint32_t first = h->bits < REGION_BITS ? 0 : region << REGION_BITS;
	uint32_t count = h->bits < REGION_BITS ? 1u << h->bits : 1u << REGION_BITS;

	for (uint32_t i = 0; i < count; i++)
		if (h->buckets[first + i].size)
			expire_bucket(s, h, first + i);
}

static void hash_expire(struct set *s)
{
	struct hash *h = s->data;

	for (uint32_t r = 0; r < regions(h->bits); r++)
		expire_region(s, h, r);
}

/* --- add, delete, test ------------------------------------------------------------------------------------------------ */

/* keys_equal: whether a node is the element wanted. *@multi counts those of the same network (interfaces). */
static bool keys_equal(const struct set *s, struct node *n, const uint8_t *key, unsigned *multi)
{
	if (!s->type->equal)
		return !memcmp(node_key(n), key, s->type->key_size);
	if (memcmp(node_key(n), key, s->type->hash_size))
		return false;
	++*multi;
	return s->type->equal(node_key(n), n->flags, key);
}

/* What a look at the key's bucket tells an addition. */
struct seek {
	uint32_t equal;   /* node; 0: none */
	uint32_t expired; /* node at .slot, where it is to be replaced */
	int slot;         /* to be used again; -1: none */
	unsigned multi;
};

/* seek_slot: looks for the element, and for the first slot that is free or timed out. */
static struct seek seek_slot(const struct set *s, const struct hash *h, const struct bucket *b,
			     const uint8_t *key)
{
	struct seek k = { .slot = -1 };
	uint8_t expect = 0;

	for (uint32_t i = b->head; i && !k.equal; i = node_at(h, i)->next) {
		struct node *n = node_at(h, i);

		if (k.slot < 0 && n->slot != expect)
			k.slot = expect;
		expect = (uint8_t)(n->slot + 1);
		if (keys_equal(s, n, key, &k.multi)) {
			k.equal = i;
		} else if (k.slot < 0 && set_ext_expired(s, node_ext(h, n))) {
			k.slot = n->slot;
			k.expired = i;
		}
	}
	if (k.slot < 0 && expect < b->pos)
		k.slot = expect;
	return k;
}

/* is_full: whether the element's region and then the whole set have no room. Frees what timed out first. */
static bool is_full(struct set *s, struct hash *h, uint32_t region)
{
	if (h->region[region] < h->maxelem / regions(h->bits))
		return false;
	if (s->extensions & SET_TIMEOUT)
		expire_region(s, h, region);
	return h->count >= h->maxelem;
}

/* new_slot: a slot behind the last, the bucket made or grown for it. Return: slot or an error. */
static int new_slot(const struct set *s, struct hash *h, struct bucket *b, unsigned multi)
{
	if (b->pos >= b->size) {
		if (s->type->equal && h->slots >= SLOTS_MAX)
			return -SET_E_FULL;
		if (s->type->equal && h->slots <= multi)
			h->slots += BLOCK;
		if (b->size >= h->slots)
			return -SET_E_AGAIN;
		bucket_resize(s, h, b, (uint8_t)(b->size + BLOCK));
	}
	return b->pos++;
}

/* victim: what a full set with forceadd gives up: the bucket's first. */
static int victim(const struct hash *h, const struct bucket *b, struct seek *k)
{
	if (!b->head)
		return -SET_E_FULL;
	k->expired = b->head;
	k->slot = node_at(h, b->head)->slot;
	return k->slot;
}

/* hash_add: mtype_add. */
static int hash_add(struct set *s, struct hash *h, const uint8_t *key, const struct set_op *op)
{
	uint32_t at = bucket_of(s, h, key), region = at >> REGION_BITS, index;
	bool full = is_full(s, h, region);
	struct bucket *b = &h->buckets[at];
	struct seek k = seek_slot(s, h, b, key);
	struct node *n;
	int slot = k.slot;

	if (k.equal) {
		n = node_at(h, k.equal);
		if (!(op->flags & SET_OP_EXIST) && !set_ext_expired(s, node_ext(h, n)))
			return -SET_E_EXIST;
		n->flags = op->flags & (SET_OP_NOMATCH | SET_OP_WILDCARD);
		set_ext_init(s, node_ext(h, n), op);
		return 0;
	}
	if (slot < 0 && full)
		slot = s->forceadd ? victim(h, b, &k) : -SET_E_FULL;
	if (k.expired)
		remove_node(s, h, at, k.expired);
	if (slot == -1)
		slot = new_slot(s, h, b, k.multi);
	if (slot < 0)
		return slot;
	index = node_take(h, !(op->flags & SET_OP_PACKET));
	if (!index)
		return -SET_E_NOMEM;
	n = node_at(h, index);
	n->slot = (uint8_t)slot;
	n->flags = op->flags & (SET_OP_NOMATCH | SET_OP_WILDCARD);
	memcpy(node_key(n), key, s->type->key_size);
	set_ext_init(s, node_ext(h, n), op);
	bucket_insert(h, b, index);
	h->region[region]++;
	h->count++;
	nets_add(s, h, key);
	return 0;
}

/* hash_del: mtype_del: a bucket of holes only goes, one with two shrinks. */
static int hash_del(struct set *s, struct hash *h, const uint8_t *key)
{
	uint32_t at = bucket_of(s, h, key), i;
	struct bucket *b = &h->buckets[at];
	unsigned multi = 0;
	uint8_t slot, holes;

	for (i = b->head; i && !keys_equal(s, node_at(h, i), key, &multi); i = node_at(h, i)->next)
		;
	if (!i || set_ext_expired(s, node_ext(h, node_at(h, i))))
		return -SET_E_EXIST;
	slot = node_at(h, i)->slot;
	remove_node(s, h, at, i);
	if (slot + 1 == b->pos)
		b->pos--;
	holes = (uint8_t)(b->pos - bucket_count(h, b));
	if (holes == b->pos)
		bucket_resize(s, h, b, 0);
	else if (holes >= BLOCK)
		bucket_compact(s, h, b);
	return 0;
}

/* probe: one bucket. Return: 1, -SET_E_NOMATCH, 0. */
static int probe(const struct set *s, const struct hash *h, const uint8_t *key, struct set_op *op,
		 unsigned *multi)
{
	const struct bucket *b = &h->buckets[bucket_of(s, h, key)];

	for (uint32_t i = b->head; i; i = node_at(h, i)->next) {
		struct node *n = node_at(h, i);

		if (!keys_equal(s, n, key, multi))
			continue;
		if (set_ext_match(s, node_ext(h, n), op))
			return n->flags & SET_OP_NOMATCH ? -SET_E_NOMATCH : 1;
		*multi = 0;
	}
	return 0;
}

/* hash_test: an address is looked for in the networks of each length in use, the most specific first. */
static int hash_test(const struct set *s, const struct hash *h, const uint8_t *key, struct set_op *op)
{
	const struct set_type *t = s->type;
	uint8_t masked[SET_KEY_MAX];
	unsigned multi = 0;
	uint32_t addr;
	int result = 0;

	if (!t->nets || key_cidr(s, key) != 32)
		return probe(s, h, key, op, &multi);
	memcpy(masked, key, t->key_size);
	for (uint8_t i = 0; i < h->length_count && !multi && !result; i++) {
		memcpy(&addr, key + t->net_at, 4);
		addr &= ip4_mask(h->lengths[i]);
		memcpy(masked + t->net_at, &addr, 4);
		masked[t->cidr_at] = (uint8_t)(h->lengths[i] - t->cidr_bias);
		result = probe(s, h, masked, op, &multi);
	}
	return result;
}

static int hash_adt(struct set *s, enum set_adt adt, const void *key, struct set_op *op)
{
	struct hash *h = s->data;

	if (adt == SET_ADD)
		return hash_add(s, h, key, op);
	return adt == SET_DEL ? hash_del(s, h, key) : hash_test(s, h, key, op);
}

/* --- growing ---------------------------------------------------------------------------------------------------------- */

/* fits: whether no bucket overflows in a table of @bits. @fill: a zeroed byte for each of its buckets. */
static bool fits(const struct set *s, const struct hash *h, uint8_t bits, uint8_t *fill)
{
	for (uint32_t at = 0; at < 1u << h->bits; at++)
		for (uint32_t i = h->buckets[at].head; i; i = node_at(h, i)->next) {
			struct node *n = node_at(h, i);
			uint32_t to = hash_words(node_key(n), s->type->hash_size / 4, h->initval) &
				      ((1u << bits) - 1);

			if (!set_ext_expired(s, node_ext(h, n)) && ++fill[to] > h->slots)
				return false;
		}
	return true;
}

/* move_all: the nodes of @old into h->buckets, in the order of the old table. */
static void move_all(struct set *s, struct hash *h, const struct bucket *old, uint8_t old_bits)
{
	for (uint32_t at = 0; at < 1u << old_bits; at++)
		for (uint32_t i = old[at].head, next; i; i = next) {
			struct node *n = node_at(h, i);
			uint32_t to = bucket_of(s, h, node_key(n));
			struct bucket *b = &h->buckets[to];

			next = n->next;
			if (b->pos == b->size)
				bucket_resize(s, h, b, (uint8_t)(b->size + BLOCK));
			n->slot = b->pos++;
			bucket_insert(h, b, i);
			h->region[to >> REGION_BITS]++;
		}
}

/* table_alloc: empty buckets and regions for @bits. Return: 0 or an error. */
static int table_alloc(uint8_t bits, struct bucket **buckets, uint32_t **region)
{
	*buckets = calloc((size_t)1 << bits, sizeof **buckets);
	*region = calloc(regions(bits), sizeof **region);
	if (*buckets && *region)
		return 0;
	free(*buckets);
	free(*region);
	return -SET_E_NOMEM;
}

/* hash_grow: doubles the table until no bucket overflows (mtype_resize). */
static int hash_grow(struct set *s)
{
	struct hash *h = s->data;
	struct bucket *old = h->buckets, *buckets;
	uint32_t *region;
	uint8_t bits = h->bits, old_bits = h->bits, *fill;
	bool done = false;

	if (s->extensions & SET_TIMEOUT)
		hash_expire(s);
	while (!done) {
		if (++bits > BITS_MAX)
			return -SET_E_FULL;
		fill = calloc((size_t)1 << bits, 1);
		if (!fill)
			return -SET_E_NOMEM;
		done = fits(s, h, bits, fill);
		free(fill);
	}
	if (table_alloc(bits, &buckets, &region))
		return -SET_E_NOMEM;
	free(h->region);
	h->buckets = buckets;
	h->region = region;
	h->bits = bits;
	h->linux_bytes = 0;
	move_all(s, h, old, old_bits);
	free(old);
	return 0;
}

static int hash_reserve(struct set *s)
{
	struct hash *h = s->data;

	return pool_grow(h, h->maxelem + (uint64_t)regions(h->bits));
}

/* --- life ------------------------------------------------------------------------------------------------------------- */

/* table_bits: the power of two at or above @size. */
static uint8_t table_bits(uint32_t size)
{
	uint8_t bits = 0;

	while (bits < 32 && (1ull << bits) < size)
		bits++;
	return bits;
}

/* tuned_slots: bucketsize as Linux takes it. */
static uint8_t tuned_slots(const struct set_create *c)
{
	if (!(c->given & SET_OPT(BUCKETSIZE)) || c->bucketsize > SLOTS_DEFAULT)
		return SLOTS_DEFAULT;
	return c->bucketsize < BLOCK ? BLOCK : (uint8_t)(c->bucketsize + c->bucketsize % 2);
}

static uint32_t create_maxelem(const struct set_create *c)
{
	return c->given & SET_OPT(MAXELEM) ? c->maxelem : MAXELEM_DEFAULT;
}

static int hash_create(struct set *s, const struct set_create *c)
{
	uint32_t size = c->given & SET_OPT(HASHSIZE) ? c->hashsize : HASHSIZE_DEFAULT;
	struct hash *h;

	s->netmask = c->given & (SET_OPT(NETMASK) | SET_OPT(BITMASK)) ? c->bitmask : UINT32_MAX;
	s->plen = c->given & SET_OPT(NETMASK) ? c->netmask : 32;
	if (!s->netmask)
		return -SET_E_NETMASK;
	if (size < HASHSIZE_MIN)
		size = HASHSIZE_MIN;
	if (table_bits(size) > BITS_MAX)
		return -SET_E_NOMEM;
	h = calloc(1, sizeof *h);
	if (!h || table_alloc(table_bits(size), &h->buckets, &h->region)) {
		free(h);
		return -SET_E_NOMEM;
	}
	set_ext_layout(s, 4);
	h->bits = table_bits(size);
	h->slots = tuned_slots(c);
	h->maxelem = create_maxelem(c);
	h->initval = c->given & SET_OPT(INITVAL) ? c->initval : netstack_random32(s->sets->ns);
	h->ext_at =
		(uint16_t)(NODE_HEAD + (s->extensions ? (s->type->key_size + 7u) & ~7u : s->type->key_size));
	h->node_size = (uint32_t)h->ext_at + s->ext.size;
	s->data = h;
	return 0;
}

static void hash_flush(struct set *s)
{
	struct hash *h = s->data;

	for (uint32_t at = 0; at < 1u << h->bits; at++) {
		for (uint32_t i = h->buckets[at].head; i && s->extensions & SET_COMMENT;
		     i = node_at(h, i)->next)
			set_ext_free(s, node_ext(h, node_at(h, i)));
		h->buckets[at] = (struct bucket){ 0 };
	}
	memset(h->region, 0, regions(h->bits) * sizeof *h->region);
	memset(h->nets, 0, sizeof h->nets);
	h->length_count = 0;
	h->count = h->fresh = h->free_head = 0;
	h->linux_bytes = 0;
}

static void hash_destroy(struct set *s)
{
	struct hash *h = s->data;

	hash_flush(s);
	free(h->buckets);
	free(h->region);
	free(h->nodes);
	free(h);
}

static uint32_t hash_count(const struct set *s)
{
	const struct hash *h = s->data;
	uint32_t alive = 0;

	if (!(s->extensions & SET_TIMEOUT))
		return h->count;
	for (uint32_t at = 0; at < 1u << h->bits; at++)
		for (uint32_t i = h->buckets[at].head; i; i = node_at(h, i)->next)
			alive += !set_ext_expired(s, node_ext(h, node_at(h, i)));
	return alive;
}

static uint64_t hash_memory(const struct set *s)
{
	const struct hash *h = s->data;

	return s->type->linux_base + (uint64_t)LINUX_REGION * regions(h->bits) + h->linux_bytes +
	       s->ext_bytes;
}

static void hash_header(const struct set *s, void (*put)(void *ctx, const char *name, const char *value),
			void *ctx)
{
	const struct hash *h = s->data;
	char value[32];

	snprintf(value, sizeof value, "%u", 1u << h->bits);
	put(ctx, "hashsize", value);
	snprintf(value, sizeof value, "%u", h->maxelem);
	put(ctx, "maxelem", value);
	snprintf(value, sizeof value, "%u", h->slots);
	put(ctx, "bucketsize", value);
	snprintf(value, sizeof value, "0x%08x", h->initval);
	put(ctx, "initval", value);
}

static void hash_each(const struct set *s,
		      void (*fn)(void *ctx, const void *key, const uint8_t *ext, uint8_t flags), void *ctx)
{
	const struct hash *h = s->data;

	for (uint32_t at = 0; at < 1u << h->bits; at++)
		for (uint32_t i = h->buckets[at].head; i; i = node_at(h, i)->next) {
			struct node *n = node_at(h, i);

			if (!set_ext_expired(s, node_ext(h, n)))
				fn(ctx, node_key(n), node_ext(h, n), n->flags);
		}
}

/* seen: whether what is in bucket @at was in a bucket that the walk had behind it before the hash has grown. */
static bool seen(const struct set_cursor *c, uint32_t at)
{
	for (unsigned i = 0; i < c->growths; i++)
		if ((at & c->seen[i].mask) < c->seen[i].before)
			return true;
	return false;
}

static bool hash_some(const struct set *s, struct set_cursor *c,
		      void (*fn)(void *ctx, const void *key, const uint8_t *ext, uint8_t flags), void *ctx)
{
	const struct hash *h = s->data;
	unsigned left = BUCKETS_AT_ONCE;

	if (c->bits > h->bits)
		return false; /* a hash does not shrink: another set is in the place of the one that was walked */
	if (c->bits && c->bits != h->bits) {
		c->seen[c->growths].mask = (1u << c->bits) - 1;
		c->seen[c->growths++].before = c->at;
		c->at = 0;
	}
	c->bits = h->bits;
	for (; left && c->at < 1u << h->bits; left--, c->at++)
		for (uint32_t i = seen(c, c->at) ? 0 : h->buckets[c->at].head; i; i = node_at(h, i)->next) {
			struct node *n = node_at(h, i);

			if (!set_ext_expired(s, node_ext(h, n)))
				fn(ctx, node_key(n), node_ext(h, n), n->flags);
		}
	return c->at < 1u << h->bits;
}

static bool hash_same(const struct set *s, const struct set_create *c)
{
	const struct hash *h = s->data;
	uint32_t mask = c->given & (SET_OPT(NETMASK) | SET_OPT(BITMASK)) ? c->bitmask : UINT32_MAX;

	return h->maxelem == create_maxelem(c) && s->netmask == mask;
}

const struct set_store set_store_hash = {
	.create = hash_create,
	.flush = hash_flush,
	.destroy = hash_destroy,
	.adt = hash_adt,
	.grow = hash_grow,
	.reserve = hash_reserve,
	.expire = hash_expire,
	.count = hash_count,
	.memory = hash_memory,
	.header = hash_header,
	.each = hash_each,
	.some = hash_some,
	.same = hash_same,
};
