/* set_core.c - see set.h: the sets of one router, their names and references, and what elements carry beside the key. */
#include <stdlib.h>

#include "netstack/netstack.h"
#include "tables/set.h"

extern const struct set_type set_type_hash_ip, set_type_hash_net, set_type_hash_ip_port,
	set_type_hash_net_iface, set_type_hash_ip_port_ip, set_type_hash_ip_port_net, set_type_hash_mac,
	set_type_bitmap_ip, set_type_bitmap_port, set_type_list;

const struct set_type *const set_types[] = {
	&set_type_list,
	&set_type_hash_mac,
	&set_type_hash_net_iface,
	&set_type_hash_net,
	&set_type_hash_ip_port_net,
	&set_type_hash_ip_port_ip,
	&set_type_hash_ip_port,
	&set_type_hash_ip,
	&set_type_bitmap_port,
	&set_type_bitmap_ip,
	NULL,
};

enum { NS_PER_S = 1000000000, SLOTS_FIRST = 16, EXPIRE_PERIOD_MAX = 180, COMMENT_OVERHEAD = 16 };

/* What an element with counters, skbinfo holds. */
struct counters {
	uint64_t bytes, packets;
};
struct skbinfo {
	uint32_t mark, mask, prio;
	uint16_t queue, pad;
};

const char *set_error_text(int code)
{
	static const char *const texts[] = { "",
#define X(id, text) text,
					     SET_ERRORS(X)
#undef X
	};

	return texts[code];
}

const struct set_type *set_type_find(const char *name)
{
	for (const struct set_type *const *t = set_types; *t; t++)
		if (!strcmp((*t)->name, name) || ((*t)->alias && !strcmp((*t)->alias, name)))
			return *t;
	return NULL;
}

struct sets *sets_create(struct tables *t, struct netstack *ns)
{
	struct sets *ss = calloc(1, sizeof *ss);

	if (!ss)
		return NULL;
	ss->tables = t;
	ss->ns = ns;
	return ss;
}

void set_discard(struct set *s)
{
	s->type->store->destroy(s);
	free(s);
}

void set_free(struct sets *ss, struct set *s)
{
	ss->slot[s->index] = NULL;
	ss->changes++;
	set_discard(s);
}

void sets_destroy(struct sets *ss)
{
	if (!ss)
		return;
	for (int lists = 1; lists >= 0; lists--) /* lists first: they refer to the others */
		for (uint32_t i = 0; i < ss->size; i++)
			if (ss->slot[i] && (lists == !!(ss->slot[i]->type->features & SET_F_NAME)))
				set_free(ss, ss->slot[i]);
	free(ss->slot);
	free(ss);
}

struct set *set_find(const struct sets *ss, const char *name)
{
	for (uint32_t i = 0; i < ss->size; i++)
		if (ss->slot[i] && !strcmp(ss->slot[i]->name, name))
			return ss->slot[i];
	return NULL;
}

struct set *set_at(const struct sets *ss, uint16_t index)
{
	return index < ss->size ? ss->slot[index] : NULL;
}

void set_hold(struct set *s)
{
	s->refs++;
}

void set_put(struct set *s)
{
	s->refs--;
}

int set_reserve(struct set *s)
{
	return s->type->store->reserve ? s->type->store->reserve(s) : 0;
}

/* free_place: the index of a free place, making places. Return: index or -1. */
static int free_place(struct sets *ss)
{
	uint32_t i = 0, size;
	struct set **more;

	while (i < ss->size && ss->slot[i])
		i++;
	if (i < ss->size)
		return (int)i;
	if (ss->size >= SETS_MAX)
		return -1;
	size = !ss->size ? SLOTS_FIRST : ss->size * 2 > SETS_MAX ? SETS_MAX : ss->size * 2;
	more = realloc(ss->slot, size * sizeof *more);
	if (!more)
		return -1;
	memset(more + ss->size, 0, (size - ss->size) * sizeof *more);
	ss->slot = more;
	ss->size = size;
	return (int)i;
}

/* align_up: @n to a multiple of @to, a power of two. */
static unsigned align_up(unsigned n, unsigned to)
{
	return (n + to - 1) & ~(to - 1);
}

/* Sizes and alignments in Linux are those of counters, timeout, skbinfo, comment, in this order (ip_set_elem_len). */
void set_ext_layout(struct set *s, unsigned linux_align)
{
	static const struct {
		uint8_t bit, size, align;
	} rows[] = {
		{ SET_COUNTERS, 16, 8 }, { SET_TIMEOUT, 8, 8 }, { SET_SKBINFO, 16, 4 }, { SET_COMMENT, 8, 8 }
	};
	uint16_t *offset[] = { &s->ext.counters, &s->ext.timeout, &s->ext.skbinfo, &s->ext.comment };
	unsigned linux_size = s->type->linux_key;

	s->ext = (struct set_ext_layout){ UINT16_MAX, UINT16_MAX, UINT16_MAX, UINT16_MAX, 0 };
	for (unsigned i = 0; i < 4; i++) {
		if (!(s->extensions & rows[i].bit))
			continue;
		*offset[i] = s->ext.size;
		s->ext.size = (uint16_t)(s->ext.size + rows[i].size);
		linux_size = align_up(linux_size, rows[i].align) + rows[i].size;
		if (linux_align < rows[i].align)
			linux_align = rows[i].align;
	}
	s->linux_element = (uint16_t)align_up(linux_size, linux_align);
}

/* set_new: a set of @type as @c says, not yet in a place. Return: NULL with *error. */
static struct set *set_new(struct sets *ss, const struct set_type *type, const struct set_create *c,
			   int *error)
{
	struct set *s = calloc(1, sizeof *s);

	*error = -SET_E_NOMEM;
	if (!s)
		return NULL;
	s->sets = ss;
	s->type = type;
	s->timeout = c->given & SET_OPT(TIMEOUT) ? c->timeout : SET_NO_TIMEOUT;
	s->extensions = (uint8_t)((c->given & SET_OPT(COUNTERS) ? SET_COUNTERS : 0) |
				  (c->given & SET_OPT(TIMEOUT) ? SET_TIMEOUT : 0) |
				  (c->given & SET_OPT(SKBINFO) ? SET_SKBINFO : 0) |
				  (c->given & SET_OPT(COMMENT) ? SET_COMMENT : 0));
	s->forceadd = c->given & SET_OPT(FORCEADD);
	s->netmask = UINT32_MAX;
	s->plen = 32;
	*error = type->store->create(s, c);
	if (!*error)
		return s;
	free(s);
	return NULL;
}

/* same_set: whether a set that is there is what @c asks for (-exist). */
static bool same_set(const struct set *s, const struct set_type *type, const struct set_create *c)
{
	uint8_t wanted = (uint8_t)((c->given & SET_OPT(COUNTERS) ? SET_COUNTERS : 0) |
				   (c->given & SET_OPT(TIMEOUT) ? SET_TIMEOUT : 0) |
				   (c->given & SET_OPT(SKBINFO) ? SET_SKBINFO : 0) |
				   (c->given & SET_OPT(COMMENT) ? SET_COMMENT : 0));
	uint32_t timeout = c->given & SET_OPT(TIMEOUT) ? c->timeout : SET_NO_TIMEOUT;

	return s->type == type && s->extensions == wanted && s->timeout == timeout && type->store->same(s, c);
}

int set_make(struct sets *ss, const char *name, const struct set_type *type, const struct set_create *c,
	     bool exist)
{
	struct set *s = set_find(ss, name);
	int place, error;

	if (s)
		return exist && same_set(s, type, c) ? 0 : -SET_E_SET_EXISTS;
	if (c->inet6)
		return -SET_E_NO_INET6;
	place = free_place(ss);
	if (place < 0)
		return -SET_E_TOO_MANY;
	s = set_new(ss, type, c, &error);
	if (!s)
		return error;
	s->index = (uint16_t)place;
	strncpy(s->name, name, SET_NAME_MAX - 1);
	ss->slot[place] = s;
	ss->changes++;
	return 0;
}

int set_destroy(struct sets *ss, const char *name)
{
	struct set *s = name ? set_find(ss, name) : NULL;

	if (name && !s)
		return -SET_E_NO_SET;
	if (name && s->refs)
		return -SET_E_BUSY;
	if (name) {
		set_free(ss, s);
		return 0;
	}
	for (uint32_t i = 0; i < ss->size; i++)
		if (ss->slot[i] && ss->slot[i]->refs)
			return -SET_E_BUSY;
	for (uint32_t i = 0; i < ss->size; i++)
		if (ss->slot[i])
			set_free(ss, ss->slot[i]);
	return 0;
}

int set_flush(struct sets *ss, const char *name)
{
	struct set *s = name ? set_find(ss, name) : NULL;

	if (name && !s)
		return -SET_E_NO_SET;
	if (name)
		s->type->store->flush(s);
	for (uint32_t i = 0; i < ss->size && !name; i++)
		if (ss->slot[i])
			ss->slot[i]->type->store->flush(ss->slot[i]);
	return 0;
}

int set_rename(struct sets *ss, const char *from, const char *to)
{
	struct set *s = set_find(ss, from);

	if (!s)
		return -SET_E_NO_SET;
	if (s->refs)
		return -SET_E_RENAME_BUSY;
	if (set_find(ss, to))
		return -SET_E_RENAME_EXISTS;
	memset(s->name, 0, sizeof s->name);
	strncpy(s->name, to, SET_NAME_MAX - 1);
	ss->changes++;
	return 0;
}

/* Names and references stay with the places, what they hold changes. A set that packets add to brings its reserve. */
int set_swap(struct sets *ss, const char *from, const char *to)
{
	struct set *a = set_find(ss, from), *b = set_find(ss, to);
	uint16_t index;
	uint32_t refs, adders;
	uint64_t origin;
	char name[SET_NAME_MAX];

	if (!a)
		return -SET_E_NO_SET;
	if (!b)
		return -SET_E_SWAP_NO_SET;
	if (a->type->features != b->type->features || a->type->any_family != b->type->any_family)
		return -SET_E_SWAP_TYPE;
	if ((a->adders && set_reserve(b)) || (b->adders && set_reserve(a)))
		return -SET_E_NOMEM;
	memcpy(name, a->name, sizeof name);
	index = a->index;
	refs = a->refs;
	adders = a->adders;
	origin = a->origin;
	memcpy(a->name, b->name, sizeof name);
	a->index = b->index;
	a->refs = b->refs;
	a->adders = b->adders;
	a->origin = b->origin;
	memcpy(b->name, name, sizeof name);
	b->index = index;
	b->refs = refs;
	b->adders = adders;
	b->origin = origin;
	ss->slot[a->index] = a;
	ss->slot[b->index] = b;
	ss->changes++;
	return 0;
}

/* --- extensions ------------------------------------------------------------------------------------------------------ */

/* expire_due: frees what timed out, at most every third of the set's timeout, as Linux's garbage collection. */
static void expire_due(struct set *s)
{
	uint64_t period = s->timeout / 3 ? s->timeout / 3 : 1;

	if (!(s->extensions & SET_TIMEOUT) || s->sets->ns->now < s->next_expire)
		return;
	s->type->store->expire(s);
	s->next_expire =
		s->sets->ns->now + (period > EXPIRE_PERIOD_MAX ? EXPIRE_PERIOD_MAX : period) * NS_PER_S;
}

bool set_ext_expired(const struct set *s, const uint8_t *ext)
{
	uint64_t until;

	if (!(s->extensions & SET_TIMEOUT))
		return false;
	memcpy(&until, ext + s->ext.timeout, sizeof until);
	return until && s->sets->ns->now >= until;
}

void set_ext_free(struct set *s, uint8_t *ext)
{
	char *comment;

	if (!(s->extensions & SET_COMMENT))
		return;
	memcpy(&comment, ext + s->ext.comment, sizeof comment);
	if (!comment)
		return;
	s->ext_bytes -= (uint32_t)(COMMENT_OVERHEAD + strlen(comment) + 1);
	free(comment);
	comment = NULL;
	memcpy(ext + s->ext.comment, &comment, sizeof comment);
}

/* init_comment: replaces the element's comment. Never from a packet with a comment. */
static void init_comment(struct set *s, uint8_t *ext, const struct set_op *op)
{
	char *comment = NULL;

	set_ext_free(s, ext);
	if (op->comment && *op->comment)
		comment = strdup(op->comment);
	if (!comment)
		return;
	s->ext_bytes += (uint32_t)(COMMENT_OVERHEAD + strlen(comment) + 1);
	memcpy(ext + s->ext.comment, &comment, sizeof comment);
}

void set_ext_init(struct set *s, uint8_t *ext, const struct set_op *op)
{
	uint32_t seconds = op->has_timeout ? op->timeout : s->timeout;
	uint64_t until = seconds ? s->sets->ns->now + seconds * (uint64_t)NS_PER_S : 0;

	if (s->extensions & SET_COUNTERS) {
		struct counters *c = (struct counters *)(void *)(ext + s->ext.counters);

		if (op->has_bytes)
			c->bytes = op->bytes;
		if (op->has_packets)
			c->packets = op->packets;
	}
	if (s->extensions & SET_SKBINFO) {
		const struct skbinfo info = { op->mark, op->mark_mask, op->prio, op->queue, 0 };

		memcpy(ext + s->ext.skbinfo, &info, sizeof info);
	}
	if (s->extensions & SET_COMMENT)
		init_comment(s, ext, op);
	if (s->extensions & SET_TIMEOUT)
		memcpy(ext + s->ext.timeout, &until, sizeof until);
}

/* compare: whether a counter is as the rule wants. */
static bool compare(uint64_t counter, const struct set_compare *c)
{
	switch (c->op) {
	case SET_CMP_EQ:
		return counter == c->value;
	case SET_CMP_NE:
		return counter != c->value;
	case SET_CMP_LT:
		return counter < c->value;
	case SET_CMP_GT:
		return counter > c->value;
	default:
		return true;
	}
}

bool set_ext_match(const struct set *s, uint8_t *ext, struct set_op *op)
{
	if (set_ext_expired(s, ext))
		return false;
	if (s->extensions & SET_COUNTERS) {
		struct counters *c = (struct counters *)(void *)(ext + s->ext.counters);

		if (op->has_packets && !(op->flags & SET_OP_SKIP_COUNTERS)) {
			c->bytes += op->bytes;
			c->packets += op->packets;
		}
		if (op->flags & SET_OP_COMPARE &&
		    !(compare(c->packets, &op->cmp_packets) && compare(c->bytes, &op->cmp_bytes)))
			return false;
	}
	if (s->extensions & SET_SKBINFO) {
		struct skbinfo info;

		memcpy(&info, ext + s->ext.skbinfo, sizeof info);
		op->has_skbinfo = true;
		op->mark = info.mark;
		op->mark_mask = info.mask;
		op->prio = info.prio;
		op->queue = info.queue;
	}
	return true;
}

/* --- elements -------------------------------------------------------------------------------------------------------- */

int set_element(struct set *s, enum set_adt adt, const void *key, struct set_op *op)
{
	int result;

	while ((result = s->type->store->adt(s, adt, key, op)) == -SET_E_AGAIN &&
	       !(op->flags & SET_OP_PACKET)) {
		result = s->type->store->grow(s);
		if (result)
			return result;
	}
	return result == -SET_E_EXIST && op->flags & SET_OP_EXIST ? 0 : result;
}

/* check_extensions: whether the set has what the element brings. Return: 0 or an error. */
static int check_extensions(const struct set *s, const struct set_op *op)
{
	if (op->has_timeout && !(s->extensions & SET_TIMEOUT))
		return -SET_E_NO_TIMEOUT;
	if ((op->has_packets || op->has_bytes) && !(s->extensions & SET_COUNTERS))
		return -SET_E_NO_COUNTERS;
	if (op->comment && !(s->extensions & SET_COMMENT))
		return -SET_E_NO_COMMENT;
	return op->has_skbinfo && !(s->extensions & SET_SKBINFO) ? -SET_E_NO_SKBINFO : 0;
}

int set_update(struct set *s, enum set_adt adt, const struct set_entry *e)
{
	struct set_op op = e->op;
	int result = check_extensions(s, &op);

	op.comment = e->op.comment ? e->comment : NULL;
	if (result)
		return result;
	expire_due(s);
	result = s->type->update(s, adt, e, &op);
	if (adt != SET_TEST)
		return result;
	if (s->type->features & SET_F_NOMATCH && op.flags & SET_OP_NOMATCH)
		return result == -SET_E_NOMATCH;
	return result > 0;
}

bool set_packet_adt(struct set *s, enum set_adt adt, const struct set_packet *sp, struct set_op *op)
{
	uint8_t key[SET_KEY_MAX] = { 0 };
	int result;

	if (sp->dims < s->type->dims)
		return false;
	if (s->type->features & SET_F_NAME)
		return set_list_packet(s, adt, sp, op);
	if (s->type->packet(s, adt, sp, key))
		return false;
	result = set_element(s, adt, key, op);
	if (adt != SET_TEST)
		return !result;
	if (op->flags & SET_OP_RETURN_NOMATCH && s->type->features & SET_F_NOMATCH)
		return result == -SET_E_NOMATCH;
	return result > 0;
}
