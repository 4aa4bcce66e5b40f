/* set_list.c - list:set: an ordered list of other sets, asked one after the other (net/netfilter/ipset/ip_set_list_set.c).
 *
 * A member is a reference to the place of a set. Packets that are added go to the first member that takes them.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tables/set.h"

enum { SIZE_DEFAULT = 8, SIZE_MIN = 4 };

struct member {
	struct member *next;
	uint16_t index;
	uint8_t ext[] __attribute__((aligned(8)));
};

struct list {
	uint32_t size;
	uint32_t count;
	struct member *first;
};

/* What update looks for: the member, and the one that before or after names. */
struct place {
	struct set *set, *ref;
	int8_t before;
};

static int list_create(struct set *s, const struct set_create *c)
{
	struct list *l = calloc(1, sizeof *l);

	if (!l)
		return -SET_E_NOMEM;
	l->size = c->given & SET_OPT(SIZE) ? c->size : SIZE_DEFAULT;
	if (l->size < SIZE_MIN)
		l->size = SIZE_MIN;
	set_ext_layout(s, 8);
	s->data = l;
	return 0;
}

/* remove_at: takes out the member at *@at. */
static void remove_at(struct set *s, struct member **at)
{
	struct list *l = s->data;
	struct member *m = *at;

	*at = m->next;
	l->count--;
	set_put(set_at(s->sets, m->index));
	set_ext_free(s, m->ext);
	free(m);
}

static void list_flush(struct set *s)
{
	struct list *l = s->data;

	while (l->first)
		remove_at(s, &l->first);
}

static void list_destroy(struct set *s)
{
	list_flush(s);
	free(s->data);
}

static void list_expire(struct set *s)
{
	struct member **at = &((struct list *)s->data)->first;

	while (*at)
		if (set_ext_expired(s, (*at)->ext))
			remove_at(s, at);
		else
			at = &(*at)->next;
}

/* list_add: list_set_uadd. Members that timed out are gone already. */
static int list_add(struct set *s, const struct place *p, const struct set_op *op)
{
	struct list *l = s->data;
	struct member *m, **at = NULL, **end = &l->first;

	for (; *end; end = &(*end)->next) {
		if ((*end)->index == p->set->index) {
			if (p->before && !at) /* the one referred to may still follow */
				for (struct member *f = l->first; f; f = f->next)
					if (f->index == p->ref->index)
						at = end;
			if (p->before && !at)
				return -SET_E_LIST_REF;
			if (!(op->flags & SET_OP_EXIST))
				return -SET_E_EXIST;
			set_ext_init(s, (*end)->ext, op);
			return 0;
		}
		if (p->before && (*end)->index == p->ref->index)
			at = p->before > 0 ? end : &(*end)->next;
	}
	if (p->before && !at)
		return -SET_E_LIST_REF;
	m = calloc(1, sizeof *m + s->ext.size);
	if (!m)
		return -SET_E_NOMEM;
	at = at ? at : end;
	m->index = p->set->index;
	m->next = *at;
	*at = m;
	l->count++;
	set_hold(p->set);
	set_ext_init(s, m->ext, op);
	return 0;
}

/* beside: whether @m stands, between @prev and the next, where before or after says. */
static bool beside(const struct place *p, const struct member *prev, const struct member *m)
{
	if (!p->before)
		return true;
	if (p->before > 0)
		return m->next && m->next->index == p->ref->index;
	return prev && prev->index == p->ref->index;
}

static int list_del(struct set *s, const struct place *p)
{
	struct member **at = &((struct list *)s->data)->first, *prev = NULL;

	for (; *at; prev = *at, at = &(*at)->next) {
		if ((*at)->index != p->set->index)
			continue;
		if (!beside(p, prev, *at))
			return -SET_E_LIST_REF;
		remove_at(s, at);
		return 0;
	}
	return p->before ? -SET_E_LIST_REF : -SET_E_EXIST;
}

static int list_test(const struct set *s, const struct place *p)
{
	const struct member *prev = NULL;

	for (const struct member *m = ((const struct list *)s->data)->first; m; prev = m, m = m->next)
		if (m->index == p->set->index)
			return beside(p, prev, m);
	return 0;
}

static int list_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	struct place p = { .set = set_find(s->sets, e->name), .before = e->before };
	int result;

	if (!p.set)
		return -SET_E_LIST_NAME;
	if (p.set->type->features & SET_F_NAME)
		return -SET_E_LIST_LOOP;
	if (e->before)
		p.ref = set_find(s->sets, e->ref);
	if (e->before && !p.ref)
		return -SET_E_LIST_REFNAME;
	list_expire(s);
	if (adt == SET_TEST)
		return list_test(s, &p);
	result = adt == SET_ADD ? list_add(s, &p, op) : list_del(s, &p);
	return result == -SET_E_EXIST && op->flags & SET_OP_EXIST ? 0 : result;
}

bool set_list_packet(struct set *s, enum set_adt adt, const struct set_packet *sp, struct set_op *op)
{
	struct set_op inner = *op;

	inner.flags &= (uint8_t)~SET_OP_COMPARE; /* sub-counters are not looked at */
	if (adt == SET_TEST && op->flags & SET_OP_SKIP_SUBCOUNTERS)
		inner.flags |= SET_OP_SKIP_COUNTERS;
	for (struct member *m = ((struct list *)s->data)->first; m; m = m->next) {
		struct set *member = set_at(s->sets, m->index);

		if (set_ext_expired(s, m->ext) || !set_packet_adt(member, adt, sp, &inner))
			continue;
		op->has_skbinfo = inner.has_skbinfo;
		op->mark = inner.mark;
		op->mark_mask = inner.mark_mask;
		op->prio = inner.prio;
		op->queue = inner.queue;
		if (adt != SET_TEST || set_ext_match(s, m->ext, op))
			return true;
	}
	return false;
}

void set_list_renumber(struct set *s, struct set *const *map)
{
	for (struct member *m = ((struct list *)s->data)->first; m; m = m->next)
		m->index = map[m->index]->index;
}

bool set_list_holds_list(const struct set *s)
{
	for (const struct member *m = ((const struct list *)s->data)->first; m; m = m->next)
		if (set_at(s->sets, m->index)->type->features & SET_F_NAME)
			return true;
	return false;
}

static int list_adt(struct set *s, enum set_adt adt, const void *key, struct set_op *op)
{
	(void)s, (void)adt, (void)key, (void)op;
	return -SET_E_INVAL; /* packets come through set_list_packet, words through list_update */
}

static int list_reserve(struct set *s)
{
	for (struct member *m = ((struct list *)s->data)->first; m; m = m->next)
		if (set_reserve(set_at(s->sets, m->index)))
			return -SET_E_NOMEM;
	return 0;
}

static uint32_t list_count(const struct set *s)
{
	uint32_t n = 0;

	for (const struct member *m = ((const struct list *)s->data)->first; m; m = m->next)
		n += !set_ext_expired(s, m->ext);
	return n;
}

static uint64_t list_memory(const struct set *s)
{
	return s->type->linux_base + (uint64_t)((const struct list *)s->data)->count * s->linux_element +
	       s->ext_bytes;
}

static void list_header(const struct set *s, void (*put)(void *ctx, const char *name, const char *value),
			void *ctx)
{
	char value[16];

	snprintf(value, sizeof value, "%u", ((const struct list *)s->data)->size);
	put(ctx, "size", value);
}

static void list_each(const struct set *s,
		      void (*fn)(void *ctx, const void *key, const uint8_t *ext, uint8_t flags), void *ctx)
{
	for (const struct member *m = ((const struct list *)s->data)->first; m; m = m->next)
		if (!set_ext_expired(s, m->ext))
			fn(ctx, &m->index, m->ext, 0);
}

static bool list_same(const struct set *s, const struct set_create *c)
{
	uint32_t size = c->given & SET_OPT(SIZE) ? c->size : SIZE_DEFAULT;

	return ((const struct list *)s->data)->size == (size < SIZE_MIN ? SIZE_MIN : size);
}

const struct set_store set_store_list = {
	.create = list_create,
	.flush = list_flush,
	.destroy = list_destroy,
	.adt = list_adt,
	.reserve = list_reserve,
	.expire = list_expire,
	.count = list_count,
	.memory = list_memory,
	.header = list_header,
	.each = list_each,
	.same = list_same,
};

static void list_put(const struct set *s, const void *key, struct text *out)
{
	uint16_t index;

	memcpy(&index, key, sizeof index);
	text_puts(out, set_at(s->sets, index)->name);
}

#define BESIDE (SET_OPT(BEFORE) | SET_OPT(AFTER))

const struct set_type set_type_list = {
	.name = "list:set",
	.alias = "setlist",
	.revision = 3,
	.dims = 1,
	.features = SET_F_NAME,
	.any_family = true,
	.parts = { PART_NAME },
	.create_options = SET_OPT(SIZE) | SET_EXTENSION_OPTIONS,
	.add_options = SET_VALUE_OPTIONS | BESIDE,
	.test_options = BESIDE,
	.del_options = BESIDE,
	.linux_key = 48,
	.linux_base = 80,
	.store = &set_store_list,
	.update = list_update,
	.put = list_put,
	.usage = "NAME [before|after NAME]",
	.where = "where NAME are existing set names.\n",
};
