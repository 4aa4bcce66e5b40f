/* set_bitmap.c - the store of the bitmap types: a bit for each element of a range, and an array of their extensions
 * (net/netfilter/ipset/ip_set_bitmap_gen.h). All memory is there from the start; the key is the element's number. */
#include <stdio.h>
#include <stdlib.h>

#include "tables/set.h"

enum { ELEMENTS_MAX = 65536, AT_ONCE = 1024 };

struct bitmap {
	struct set_bitmap_range range; /* first: others read it */
	uint32_t elements;
	uint64_t *bits;
	uint8_t *ext;
};

static bool bit_test(const struct bitmap *b, uint32_t id)
{
	return b->bits[id / 64] >> id % 64 & 1;
}

static uint8_t *ext_at(const struct set *s, const struct bitmap *b, uint32_t id)
{
	return b->ext + (size_t)id * s->ext.size;
}

const struct set_bitmap_range *set_bitmap_range(const struct set *s)
{
	return &((const struct bitmap *)s->data)->range;
}

/* shape_netmask: elements are networks of c->netmask: the range is widened to whole ones, their number to a power of
 * two. Return: 0 or an error. */
static int shape_netmask(struct set *s, struct bitmap *b, const struct set_create *c)
{
	uint32_t mask = ~0u << (32 - c->netmask), common = 0xfffffffe;
	unsigned bits = 31;

	b->range.first &= mask;
	b->range.last |= ~mask;
	s->netmask = mask;
	s->plen = c->netmask;
	while (bits && (b->range.last & common) != b->range.first) {
		common <<= 1;
		bits--;
	}
	if ((!bits && (b->range.first || b->range.last != UINT32_MAX)) || c->netmask <= bits)
		return -SET_E_RANGE;
	if (c->netmask - bits > 16)
		return -SET_E_RANGE_SIZE;
	b->range.hosts = 1u << (32 - c->netmask);
	b->elements = 1u << (c->netmask - bits);
	return 0;
}

/* shape: the range that @c gives. Return: 0 or an error. */
static int shape(struct set *s, struct bitmap *b, const struct set_create *c)
{
	const struct set_entry *r = &c->range;
	bool ports = s->type->any_family;

	b->range = (struct set_bitmap_range){ ports ? r->port : r->ip, ports ? r->port_to : r->ip_to, 1 };
	if (!ports && r->has_cidr && r->cidr >= 32)
		return -SET_E_CIDR;
	if (b->range.first > b->range.last) {
		uint32_t swap = b->range.first;

		b->range.first = b->range.last;
		b->range.last = swap;
	}
	if (c->given & SET_OPT(NETMASK) && c->netmask != 32)
		return shape_netmask(s, b, c);
	if (b->range.last - b->range.first >= ELEMENTS_MAX)
		return -SET_E_RANGE_SIZE;
	b->elements = b->range.last - b->range.first + 1;
	return 0;
}

static int bitmap_create(struct set *s, const struct set_create *c)
{
	struct bitmap *b = calloc(1, sizeof *b);
	int error = b ? shape(s, b, c) : -SET_E_NOMEM;

	if (error) {
		free(b);
		return error;
	}
	set_ext_layout(s, 1);
	b->bits = calloc((b->elements + 63) / 64, 8);
	b->ext = calloc(b->elements, s->ext.size ? s->ext.size : 1);
	if (!b->bits || !b->ext) {
		free(b->bits);
		free(b->ext);
		free(b);
		return -SET_E_NOMEM;
	}
	s->data = b;
	return 0;
}

static void bitmap_flush(struct set *s)
{
	struct bitmap *b = s->data;

	for (uint32_t id = 0; id < b->elements; id++)
		if (bit_test(b, id))
			set_ext_free(s, ext_at(s, b, id));
	memset(b->bits, 0, (b->elements + 63) / 64 * 8);
	memset(b->ext, 0, (size_t)b->elements * (s->ext.size ? s->ext.size : 1));
}

static void bitmap_destroy(struct set *s)
{
	struct bitmap *b = s->data;

	bitmap_flush(s);
	free(b->bits);
	free(b->ext);
	free(b);
}

static int bitmap_adt(struct set *s, enum set_adt adt, const void *key, struct set_op *op)
{
	struct bitmap *b = s->data;
	uint16_t id;
	uint8_t *ext;
	bool in, expired;

	memcpy(&id, key, sizeof id);
	ext = ext_at(s, b, id);
	in = bit_test(b, id);
	expired = in && set_ext_expired(s, ext);
	if (adt == SET_TEST)
		return in && set_ext_match(s, ext, op);
	if (adt == SET_ADD) {
		if (in && !expired && !(op->flags & SET_OP_EXIST))
			return -SET_E_EXIST;
		b->bits[id / 64] |= 1ull << id % 64;
		set_ext_init(s, ext, op);
		return 0;
	}
	if (in) {
		set_ext_free(s, ext);
		b->bits[id / 64] &= ~(1ull << id % 64);
		memset(ext, 0, s->ext.size);
	}
	return in && !expired ? 0 : -SET_E_EXIST;
}

static void bitmap_expire(struct set *s)
{
	struct bitmap *b = s->data;

	for (uint32_t id = 0; id < b->elements; id++)
		if (bit_test(b, id) && set_ext_expired(s, ext_at(s, b, id))) {
			set_ext_free(s, ext_at(s, b, id));
			b->bits[id / 64] &= ~(1ull << id % 64);
			memset(ext_at(s, b, id), 0, s->ext.size);
		}
}

static void bitmap_each(const struct set *s,
			void (*fn)(void *ctx, const void *key, const uint8_t *ext, uint8_t flags), void *ctx)
{
	const struct bitmap *b = s->data;

	for (uint32_t id = 0; id < b->elements; id++) {
		uint16_t key = (uint16_t)id;

		if (bit_test(b, id) && !set_ext_expired(s, ext_at(s, b, id)))
			fn(ctx, &key, ext_at(s, b, id), 0);
	}
}

static bool bitmap_some(const struct set *s, struct set_cursor *c,
			void (*fn)(void *ctx, const void *key, const uint8_t *ext, uint8_t flags), void *ctx)
{
	const struct bitmap *b = s->data;
	uint32_t end = c->at + AT_ONCE < b->elements ? c->at + AT_ONCE : b->elements;

	for (; c->at < end; c->at++) {
		uint16_t key = (uint16_t)c->at;

		if (bit_test(b, c->at) && !set_ext_expired(s, ext_at(s, b, c->at)))
			fn(ctx, &key, ext_at(s, b, c->at), 0);
	}
	return c->at < b->elements;
}

static uint32_t bitmap_count(const struct set *s)
{
	const struct bitmap *b = s->data;
	uint32_t n = 0;

	for (uint32_t id = 0; id < b->elements; id++)
		n += bit_test(b, id) && !set_ext_expired(s, ext_at(s, b, id));
	return n;
}

static uint64_t bitmap_memory(const struct set *s)
{
	const struct bitmap *b = s->data;

	return s->type->linux_base + (b->elements + 63) / 64 * 8 +
	       (s->extensions ? (uint64_t)b->elements * s->linux_element : 0) + s->ext_bytes;
}

static void bitmap_header(const struct set *s, void (*put)(void *ctx, const char *name, const char *value),
			  void *ctx)
{
	const struct bitmap *b = s->data;
	char buf[64];
	struct text value = text_over(buf, sizeof buf);

	if (s->type->any_family) {
		text_printf(&value, "%u-%u", b->range.first, b->range.last);
	} else {
		set_put_ip(&value, b->range.first);
		text_puts(&value, "-");
		set_put_ip(&value, b->range.last);
	}
	put(ctx, "range", text_cstr(&value));
}

static bool bitmap_same(const struct set *s, const struct set_create *c)
{
	const struct bitmap *b = s->data;
	struct set probe = { .type = s->type, .netmask = UINT32_MAX, .plen = 32 };
	struct bitmap other = { 0 };

	return !shape(&probe, &other, c) && other.range.first == b->range.first &&
	       other.range.last == b->range.last && probe.plen == s->plen;
}

const struct set_store set_store_bitmap = {
	.create = bitmap_create,
	.flush = bitmap_flush,
	.destroy = bitmap_destroy,
	.adt = bitmap_adt,
	.expire = bitmap_expire,
	.count = bitmap_count,
	.memory = bitmap_memory,
	.header = bitmap_header,
	.each = bitmap_each,
	.some = bitmap_some,
	.same = bitmap_same,
};
