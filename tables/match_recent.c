/* match_recent.c - lists of addresses with the times at which they were seen (net/netfilter/xt_recent.c).
 *
 * Overview
 *   A list is shared by all rules that name it, and lives while there is one. The first of them decides its mask, the
 *   largest --hitcount how many times are kept per address (32 without one); a rule that needs more empties the list.
 *   It holds RECENT_MAX addresses; a new one takes the place of the one that was touched longest ago. All storage is taken
 *   when a rule first names the list.
 *
 * Invariants
 *   1. lru holds the addresses in use, the one touched longest ago first; every other entry is on free.
 *   2. entry.count <= mask + 1; the last stamp is at (index - 1) & mask.
 *
 * Linux parity: ip_list_tot = 100, ip_pkt_list_tot = 0, times in jiffies at HZ = 250. Linux shows a list in the order of a
 *   random hash, Tapgate by age. IPv6 addresses cannot be written.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/recent.h"
#include "tables/shared.h"

enum { O_SET, O_RCHECK, O_UPDATE, O_REMOVE, O_SECONDS, O_REAP, O_HITCOUNT, O_RTTL, O_NAME, O_RSOURCE, O_RDEST, O_MASK };
#define ACTIONS (1u << O_SET | 1u << O_RCHECK | 1u << O_UPDATE | 1u << O_REMOVE)
enum {
	RECENT_MAX = 100,      /* addresses of a list */
	RECENT_STAMPS = 32,    /* times per address where no rule asks for more */
	HITCOUNT_MAX = 65535,
	NAME_LEN = 199,
	BUCKETS = 128,
	NONE = 0xffff,
};

struct recent_entry {
	uint32_t addr;
	uint16_t next, prev;  /* of the list it is on, by number */
	uint16_t chain;       /* next in its hash bucket */
	uint16_t ttl;
	uint32_t index, count; /* next stamp to write, before masking; how many there are */
};

struct recent_list {
	struct shared shared;
	uint32_t addr_mask;
	uint32_t mask;         /* stamps per address - 1, a power of two - 1 */
	uint32_t wanted;       /* what spare is for */
	uint64_t *stamps, *spare; /* by entry; owned */
	uint16_t oldest, newest, free;
	uint16_t bucket[BUCKETS];
	struct recent_entry entry[RECENT_MAX];
};

struct recent_data {
	uint32_t seconds, hitcount;
	uint32_t mask;
	uint16_t flags; /* bits by option */
	bool dest, invert;
	char name[NAME_LEN + 1];
	/* run-time state */
	struct recent_list *list;
};

extern const struct match_ops match_recent;

/* --- lists -------------------------------------------------------------------------------------------------------- */

/* bucket_of: where an address is hashed to. */
static uint16_t *bucket_of(struct recent_list *l, uint32_t addr)
{
	uint32_t h = addr * 0x9e3779b1u;

	return &l->bucket[h >> 25];
}

/* stamps_of: the times of an entry. */
static uint64_t *stamps_of(const struct recent_list *l, const struct recent_entry *e)
{
	return l->stamps + (size_t)(e - l->entry) * ((size_t)l->mask + 1);
}

/* list_flush: forgets all addresses. */
static void list_flush(struct recent_list *l)
{
	for (unsigned i = 0; i < BUCKETS; i++)
		l->bucket[i] = NONE;
	for (unsigned i = 0; i < RECENT_MAX; i++)
		l->entry[i].next = i + 1 < RECENT_MAX ? (uint16_t)(i + 1) : NONE;
	l->free = 0;
	l->oldest = l->newest = NONE;
}

/* lru_take, lru_append: off and onto the end of the list by age. */
static void lru_take(struct recent_list *l, struct recent_entry *e)
{
	*(e->prev == NONE ? &l->oldest : &l->entry[e->prev].next) = e->next;
	*(e->next == NONE ? &l->newest : &l->entry[e->next].prev) = e->prev;
}

static void lru_append(struct recent_list *l, struct recent_entry *e)
{
	uint16_t number = (uint16_t)(e - l->entry);

	e->prev = l->newest;
	e->next = NONE;
	*(l->newest == NONE ? &l->oldest : &l->entry[l->newest].next) = number;
	l->newest = number;
}

/* entry_find: the entry of @addr. @ttl 0: whatever its TTL. Return: NULL if there is none. */
static struct recent_entry *entry_find(struct recent_list *l, uint32_t addr, uint16_t ttl)
{
	for (uint16_t at = *bucket_of(l, addr); at != NONE; at = l->entry[at].chain) {
		struct recent_entry *e = &l->entry[at];

		if (e->addr == addr && (e->ttl == ttl || !ttl || !e->ttl))
			return e;
	}
	return NULL;
}

/* entry_remove: forgets an address. */
static void entry_remove(struct recent_list *l, struct recent_entry *e)
{
	uint16_t number = (uint16_t)(e - l->entry), *at = bucket_of(l, e->addr);

	while (*at != number)
		at = &l->entry[*at].chain;
	*at = e->chain;
	lru_take(l, e);
	e->next = l->free;
	l->free = number;
}

/* entry_add: a new address, first seen @now; the oldest one makes room. */
static void entry_add(struct recent_list *l, uint32_t addr, uint16_t ttl, uint64_t now)
{
	struct recent_entry *e;
	uint16_t *bucket = bucket_of(l, addr);

	if (l->free == NONE)
		entry_remove(l, &l->entry[l->oldest]);
	e = &l->entry[l->free];
	l->free = e->next;
	e->addr = addr;
	e->ttl = ttl;
	e->index = e->count = 1;
	stamps_of(l, e)[0] = now;
	e->chain = *bucket;
	*bucket = (uint16_t)(e - l->entry);
	lru_append(l, e);
}

/* entry_stamp: seen once more; the oldest time goes when there is no room. */
static void entry_stamp(struct recent_list *l, struct recent_entry *e, uint64_t now)
{
	e->index &= l->mask;
	stamps_of(l, e)[e->index++] = now;
	if (e->index > e->count)
		e->count = e->index;
	lru_take(l, e);
	lru_append(l, e);
}

/* stamps_alloc: room for mask + 1 times of each address; pages are touched on first use. */
static uint64_t *stamps_alloc(uint32_t mask)
{
	return calloc((size_t)RECENT_MAX * ((size_t)mask + 1), sizeof(uint64_t));
}

/* list_new: an empty list. Return: NULL without memory. */
static struct recent_list *list_new(uint32_t addr_mask, uint32_t mask)
{
	struct recent_list *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	l->addr_mask = addr_mask;
	l->mask = l->wanted = mask;
	l->stamps = stamps_alloc(mask);
	list_flush(l);
	if (l->stamps)
		return l;
	free(l);
	return NULL;
}

/* stamps_mask: how many times per address a rule needs, less one. */
static uint32_t stamps_mask(const struct recent_data *d)
{
	uint32_t n = 1;

	if (!d->hitcount)
		return RECENT_STAMPS - 1;
	while (n < d->hitcount)
		n *= 2;
	return n - 1;
}

/* --- options ------------------------------------------------------------------------------------------------------ */

#define ACTION(word, bit) \
	{ .name = word, .id = bit, .type = OPT_NONE, .flags = OPTF_INVERT, .excludes = ACTIONS & ~(1u << (bit)) }

static const struct opt_row rows[] = {
	ACTION("set", O_SET),
	ACTION("rcheck", O_RCHECK),
	ACTION("update", O_UPDATE),
	ACTION("remove", O_REMOVE),
	{ .name = "seconds", .id = O_SECONDS, .type = OPT_U32, .flags = OPTF_STORE, .min = 1, .max = UINT32_MAX,
	  .offset = offsetof(struct recent_data, seconds) },
	{ .name = "reap", .id = O_REAP, .type = OPT_NONE, .also = 1u << O_SECONDS },
	{ .name = "hitcount", .id = O_HITCOUNT, .type = OPT_U32, .flags = OPTF_STORE,
	  .offset = offsetof(struct recent_data, hitcount) },
	{ .name = "rttl", .id = O_RTTL, .type = OPT_NONE, .excludes = 1u << O_SET | 1u << O_REMOVE },
	{ .name = "name", .id = O_NAME, .type = OPT_STRING, .flags = OPTF_STORE, .max = NAME_LEN,
	  .offset = offsetof(struct recent_data, name) },
	{ .name = "rsource", .id = O_RSOURCE, .type = OPT_NONE },
	{ .name = "rdest", .id = O_RDEST, .type = OPT_NONE },
	{ .name = "mask", .id = O_MASK, .type = OPT_IP4, .flags = OPTF_STORE, .offset = offsetof(struct recent_data, mask) },
};

static void recent_init(void *data)
{
	struct recent_data *d = data;

	strcpy(d->name, "DEFAULT");
	d->mask = UINT32_MAX;
}

static int recent_parse(struct opt_call *c)
{
	struct recent_data *d = c->data;

	if (ACTIONS >> c->row->id & 1)
		d->invert = c->invert;
	if (c->row->id == O_NAME) /* what is behind the end takes part in comparing rules */
		memset(d->name + strlen(d->name), 0, sizeof d->name - strlen(d->name));
	if (c->row->id == O_RSOURCE)
		d->dest = false;
	else if (c->row->id == O_RDEST)
		d->dest = true;
	else
		d->flags |= (uint16_t)(1u << c->row->id);
	return 0;
}

static int recent_check(struct opt_call *c)
{
	if (c->seen & ACTIONS)
		return 0;
	return rule_fail(c->err, "recent: you must specify one of `--set', `--rcheck' `--update' or `--remove'");
}

/* check_info: what the kernel asks of the options. Return: 0, or -1 with @err. */
static int check_info(const struct recent_data *d, struct rule_error *err)
{
	if (d->flags & (1u << O_SET | 1u << O_REMOVE) && (d->seconds || d->hitcount))
		return rule_invalid(err, "match recent: --set and --remove do not ask when");
	if (d->hitcount > HITCOUNT_MAX)
		return rule_invalid(err, "match recent: hitcount (%u) is larger than allowed maximum (%u)", d->hitcount,
				    HITCOUNT_MAX);
	if (!shared_name_ok(d->name))
		return rule_invalid(err, "match recent: \"%s\" cannot be the name of a file", d->name);
	return 0;
}

/* recent_attach: the list, made if need be. */
static int recent_attach(struct tables *t, void *data, struct rule_error *err)
{
	struct recent_data *d = data;
	uint32_t mask = stamps_mask(d);

	if (check_info(d, err))
		return -1;
	d->list = (struct recent_list *)shared_find(t, &match_recent, d->name);
	if (d->list && mask > d->list->wanted) {
		uint64_t *more = stamps_alloc(mask);

		if (!more)
			return rule_fail_code(err, 4, "Memory allocation problem.");
		free(d->list->spare);
		d->list->spare = more;
		d->list->wanted = mask;
	}
	if (d->list) {
		d->list->shared.refs++;
		return 0;
	}
	d->list = list_new(d->mask, mask);
	if (!d->list)
		return rule_fail_code(err, 4, "Memory allocation problem.");
	shared_add(t, &d->list->shared, &match_recent, d->name);
	return 0;
}

static void recent_detach(struct tables *t, void *data)
{
	struct recent_list *l = ((struct recent_data *)data)->list;

	if (!shared_put(t, &l->shared))
		return;
	free(l->stamps);
	free(l->spare);
	free(l);
}

/* recent_start: a rule that needs more times per address than there are goes live: the list begins anew. */
static void recent_start(struct tables *t, void *data)
{
	struct recent_data *d = data;
	struct recent_list *l = d->list;

	(void)t;
	if (stamps_mask(d) <= l->mask)
		return;
	free(l->stamps);
	l->stamps = l->spare;
	l->spare = NULL;
	l->mask = l->wanted;
	list_flush(l);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* put_mask: the mask, dotted. */
static void put_mask(const struct recent_data *d, struct text *out)
{
	put_ip4(out, d->mask);
}

static void recent_print_rule(const void *data, bool numeric, struct text *out)
{
	const struct recent_data *d = data;

	(void)numeric;
	put_not(out, d->invert);
	text_puts(out, " recent:");
	text_puts(out, d->flags & 1u << O_SET      ? " SET"
		       : d->flags & 1u << O_RCHECK ? " CHECK"
		       : d->flags & 1u << O_UPDATE ? " UPDATE"
						   : " REMOVE");
	if (d->seconds)
		text_printf(out, " seconds: %u", d->seconds);
	if (d->flags & 1u << O_REAP)
		text_puts(out, " reap");
	if (d->hitcount)
		text_printf(out, " hit_count: %u", d->hitcount);
	if (d->flags & 1u << O_RTTL)
		text_puts(out, " TTL-Match");
	text_printf(out, " name: %s side: %s mask: ", d->name, d->dest ? "dest" : "source");
	put_mask(d, out);
}

static void recent_save(const void *data, struct text *out)
{
	const struct recent_data *d = data;

	put_not(out, d->invert);
	text_puts(out, d->flags & 1u << O_SET      ? " --set"
		       : d->flags & 1u << O_RCHECK ? " --rcheck"
		       : d->flags & 1u << O_UPDATE ? " --update"
						   : " --remove");
	if (d->seconds)
		text_printf(out, " --seconds %u", d->seconds);
	if (d->flags & 1u << O_REAP)
		text_puts(out, " --reap");
	if (d->hitcount)
		text_printf(out, " --hitcount %u", d->hitcount);
	if (d->flags & 1u << O_RTTL)
		text_puts(out, " --rttl");
	text_printf(out, " --name %s --mask ", d->name);
	put_mask(d, out);
	text_puts(out, d->dest ? " --rdest" : " --rsource");
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

/* hits: whether an address was seen as often and as lately as the rule asks. @since: the earliest time that counts. */
static bool hits(const struct recent_data *d, const struct recent_entry *e, uint64_t since)
{
	const uint64_t *stamps = stamps_of(d->list, e);
	uint32_t found = 0;

	for (uint32_t i = 0; i < e->count; i++) {
		if (d->seconds && stamps[i] < since)
			continue;
		if (!d->hitcount || ++found >= d->hitcount)
			return true;
	}
	return false;
}

/* reap: forgets the address touched longest ago if that is before @since, unless @e, which is about to be touched. */
static void reap(struct recent_list *l, uint64_t since, const struct recent_entry *e, bool update)
{
	struct recent_entry *oldest = &l->entry[l->oldest];

	if (oldest == e && update)
		return;
	if (stamps_of(l, oldest)[oldest->index - 1] < since)
		entry_remove(l, oldest);
}

/* check_entry: --rcheck and --update. Return: the answer, inversion included. */
static bool check_entry(const struct recent_data *d, struct recent_entry *e, uint64_t now, uint16_t ttl)
{
	uint64_t age = (uint64_t)d->seconds * JIFFIES_PER_S, since = age < now ? now - age : 0;
	bool fits = hits(d, e, since) != d->invert, update = d->flags & 1u << O_UPDATE && fits;

	if (d->flags & 1u << O_REAP)
		reap(d->list, since, e, update);
	if (update) {
		entry_stamp(d->list, e, now);
		e->ttl = ttl;
	}
	return fits;
}

static bool recent_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct recent_data *d = data;
	struct recent_list *l = d->list;
	uint32_t addr = (d->dest ? ip4_hdr(p)->dst : ip4_hdr(p)->src) & l->addr_mask;
	uint16_t ttl = (uint8_t)(ip4_hdr(p)->ttl + (env->st->out && p->in ? 1 : 0)); /* as before forwarding */
	uint64_t now = tables_jiffies(env->tables);
	struct recent_entry *e = entry_find(l, addr, d->flags & 1u << O_RTTL ? ttl : 0);

	if (!e) {
		if (!(d->flags & 1u << O_SET))
			return d->invert;
		entry_add(l, addr, ttl, now);
		return !d->invert;
	}
	if (d->flags & 1u << O_SET) {
		entry_stamp(l, e, now);
		e->ttl = ttl;
		return !d->invert;
	}
	if (d->flags & 1u << O_REMOVE) {
		entry_remove(l, e);
		return !d->invert;
	}
	return check_entry(d, e, now, ttl);
}

/* --- the status tree ---------------------------------------------------------------------------------------------- */

void recent_names(const struct tables *t, void (*fn)(void *ctx, const char *name), void *ctx)
{
	for (struct shared *s = NULL; (s = shared_next(t, &match_recent, s));)
		fn(ctx, s->name);
}

int recent_print(const struct tables *t, const char *name, struct text *out)
{
	const struct recent_list *l = (struct recent_list *)shared_find(t, &match_recent, name);

	if (!l)
		return -ENOENT;
	for (uint16_t at = l->oldest; at != NONE; at = l->entry[at].next) {
		const struct recent_entry *e = &l->entry[at];
		const uint64_t *stamps = stamps_of(l, e);

		text_puts(out, "src=");
		put_ip4(out, e->addr);
		text_printf(out, " ttl: %u last_seen: %llu oldest_pkt: %u", e->ttl,
			    (unsigned long long)stamps[(e->index - 1) & l->mask], e->index);
		for (uint32_t i = 0; i < e->count; i++)
			text_printf(out, "%s %llu", i ? "," : "", (unsigned long long)stamps[i]);
		text_puts(out, "\n");
	}
	return 0;
}

int recent_write(struct tables *t, const char *name, const char *command)
{
	struct recent_list *l = (struct recent_list *)shared_find(t, &match_recent, name);
	char text[32];
	struct recent_entry *e;
	uint32_t addr;

	if (!l)
		return -ENOENT;
	if (*command == '/') {
		list_flush(l);
		return 0;
	}
	if ((*command != '+' && *command != '-') || strlen(command) >= sizeof text)
		return -EINVAL;
	memcpy(text, command + 1, strlen(command));
	text[strcspn(text, "\n")] = '\0';
	if (opt_ip4(text, &addr))
		return -EINVAL;
	e = entry_find(l, addr, 0);
	if (e && *command == '+')
		entry_stamp(l, e, tables_jiffies(t));
	else if (e)
		entry_remove(l, e);
	else if (*command == '+')
		entry_add(l, addr, 0, tables_jiffies(t));
	return 0;
}

const struct match_ops match_recent = {
	.name = "recent",
	.revision = 1,
	.size = sizeof(struct recent_data),
	.state = true,
	.state_size = sizeof(struct recent_data) - offsetof(struct recent_data, list),
	OPT_ROWS(rows),
	.init = recent_init,
	.parse = recent_parse,
	.check = recent_check,
	.attach = recent_attach,
	.detach = recent_detach,
	.start = recent_start,
	.print = recent_print_rule,
	.save = recent_save,
	.match = recent_match,
};
