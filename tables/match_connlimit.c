/* match_connlimit.c - how many connections an address or network has (net/netfilter/xt_connlimit.c, nf_conncount.c).
 *
 * Overview
 *   Each rule remembers the connections it has seen, by the address they count for. A packet makes sure that its own is
 *   there, after forgetting those of the same address that are gone or closed, and compares how many there are then.
 *   Packets of ASSURED connections only count. One more bucket is cleaned with each packet, so that addresses that are
 *   not seen again do not stay.
 *
 * Invariants
 *   1. Every entry below `used` is in one bucket or on the free list.
 *
 * Linux parity: where Linux would find no memory, and drop the packet, here CONNLIMIT_MAX connections are the bound (fewer
 *   where conntrack itself holds fewer). They survive changes of the ruleset elsewhere.
 */
#include <stdlib.h>

#include "conntrack/conntrack.h"
#include "conntrack/proto.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/tables_int.h"

enum { O_UPTO, O_ABOVE, O_MASK, O_SADDR, O_DADDR };
enum {
	CONNLIMIT_MAX = 262144, /* connections that a rule remembers */
	CONNLIMIT_MIN = 1024,
	BUCKETS = 4096,
	FORGET_MAX = 8, /* connections forgotten for one packet, about */
};

struct conn {
	struct ct_tuple tuple; /* original direction */
	uint32_t key;          /* masked address */
	uint16_t zone;
	uint32_t next;         /* in its bucket or on the free list, + 1 */
};

struct conn_table {
	uint32_t bucket[BUCKETS]; /* first connection + 1 */
	uint32_t free, used, max, cleaned; /* free list, + 1; connections ever used; bound; bucket to clean next */
	struct conn conn[];
};

struct connlimit_data {
	uint32_t limit, mask;
	bool dest, upto;
	/* run-time state */
	struct conn_table *table;
};

static const struct opt_row rows[] = {
	{ .name = "connlimit-upto", .id = O_UPTO, .type = OPT_U32, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct connlimit_data, limit), .excludes = 1u << O_ABOVE },
	{ .name = "connlimit-above", .id = O_ABOVE, .type = OPT_U32, .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct connlimit_data, limit), .excludes = 1u << O_UPTO },
	{ .name = "connlimit-mask", .id = O_MASK, .type = OPT_CUSTOM },
	{ .name = "connlimit-saddr", .id = O_SADDR, .type = OPT_NONE, .excludes = 1u << O_DADDR },
	{ .name = "connlimit-daddr", .id = O_DADDR, .type = OPT_NONE, .excludes = 1u << O_SADDR },
};

/* --- options ------------------------------------------------------------------------------------------------------ */

static void connlimit_init(void *data)
{
	((struct connlimit_data *)data)->mask = UINT32_MAX;
}

static int connlimit_parse(struct opt_call *c)
{
	struct connlimit_data *d = c->data;

	switch (c->row->id) {
	case O_UPTO:
	case O_ABOVE:
		d->upto = (c->row->id == O_UPTO) != c->invert;
		return 0;
	case O_DADDR:
		d->dest = true;
		return 0;
	case O_MASK:
		if (!opt_ip4_mask_text(c->arg, &d->mask))
			return 0;
		rule_fail(c->err,
			  "%s: bad value for option \"--%s\", neither a valid network mask nor valid CIDR (0-32).", c->ext,
			  c->row->name);
		c->err->blank = true;
		return -1;
	default:
		return 0;
	}
}

static int connlimit_check(struct opt_call *c)
{
	if (c->seen & (1u << O_UPTO | 1u << O_ABOVE))
		return 0;
	return rule_fail(c->err, "You must specify \"--connlimit-above\" or \"--connlimit-upto\".");
}

static int connlimit_attach(struct tables *t, void *data, struct rule_error *err)
{
	struct connlimit_data *d = data;
	uint32_t max = t->ctk ? (uint32_t)t->ctk->conf.max : CONNLIMIT_MIN;

	if (max < CONNLIMIT_MIN)
		max = CONNLIMIT_MIN;
	if (max > CONNLIMIT_MAX)
		max = CONNLIMIT_MAX;
	d->table = calloc(1, sizeof *d->table + (size_t)max * sizeof d->table->conn[0]);
	if (!d->table)
		return rule_fail_code(err, 4, "Memory allocation problem.");
	d->table->max = max;
	return 0;
}

static void connlimit_detach(struct tables *t, void *data)
{
	(void)t;
	free(((struct connlimit_data *)data)->table);
}

/* --- text --------------------------------------------------------------------------------------------------------- */

/* mask_bits: the length of the mask, up to its last bit. */
static unsigned mask_bits(uint32_t mask)
{
	return mask ? 32 - (unsigned)__builtin_ctz(__builtin_bswap32(mask)) : 0;
}

static void connlimit_print(const void *data, bool numeric, struct text *out)
{
	const struct connlimit_data *d = data;

	(void)numeric;
	text_printf(out, " #conn %s/%u %s %u", d->dest ? "dst" : "src", mask_bits(d->mask), d->upto ? "<=" : ">", d->limit);
}

static void connlimit_save(const void *data, struct text *out)
{
	const struct connlimit_data *d = data;

	text_printf(out, " --connlimit-%s %u --connlimit-mask %u --connlimit-%s", d->upto ? "upto" : "above", d->limit,
		    mask_bits(d->mask), d->dest ? "daddr" : "saddr");
}

/* --- packets ------------------------------------------------------------------------------------------------------ */

/* is_over: whether a connection does not count any more: gone, or a TCP connection that was closed. */
static bool is_over(struct conntrack *ctk, const struct conn *c)
{
	enum ct_dir dir;
	const struct ct_entry *ct = ct_lookup(ctk, &c->tuple, &dir);

	if (!ct)
		return true;
	return ct->tuple[CT_ORIGINAL].proto == IP_PROTO_TCP &&
	       (ct->tcp.state == CT_TCP_TIME_WAIT || ct->tcp.state == CT_TCP_CLOSE);
}

/* forget: takes the connection *at out of its bucket. */
static void forget(struct conn_table *t, uint32_t *at)
{
	uint32_t number = *at;

	*at = t->conn[number - 1].next;
	t->conn[number - 1].next = t->free;
	t->free = number;
}

/* clean: forgets what is over in the next bucket in turn. */
static void clean(struct conntrack *ctk, struct conn_table *t)
{
	uint32_t *at = &t->bucket[t->cleaned++ % BUCKETS];
	unsigned forgotten = 0;

	while (*at && forgotten <= FORGET_MAX) {
		if (is_over(ctk, &t->conn[*at - 1])) {
			forget(t, at);
			forgotten++;
		} else {
			at = &t->conn[*at - 1].next;
		}
	}
}

/* add: a new connection at the end of its bucket. Return: false if there is no room. */
static bool add(struct conn_table *t, uint32_t *at, const struct conn *c)
{
	uint32_t number = t->free;

	if (number)
		t->free = t->conn[number - 1].next;
	else if (t->used < t->max)
		number = ++t->used;
	else
		return false;
	t->conn[number - 1] = *c;
	t->conn[number - 1].next = 0;
	while (*at)
		at = &t->conn[*at - 1].next;
	*at = number;
	return true;
}

/* count: the connections of the address of @c, which is among them afterwards unless it was and is @assured. What is
 * remembered behind an unassured connection that is there already is not looked at: Linux stops there too.
 * Return: 0 if there is no room. */
static uint32_t count(struct conntrack *ctk, struct conn_table *t, const struct conn *c, bool assured)
{
	uint32_t *bucket = &t->bucket[hash_bytes(c->zone, &c->key, sizeof c->key) % BUCKETS], *at = bucket, n = 0;
	unsigned forgotten = 0;
	bool there = false;

	while (*at) {
		struct conn *o = &t->conn[*at - 1];

		if (o->key == c->key && o->zone == c->zone) {
			if (!there && !assured && ct_tuple_equal(&o->tuple, &c->tuple))
				there = ct_lookup(ctk, &o->tuple, &(enum ct_dir){ 0 });
			if (!there && forgotten <= FORGET_MAX && is_over(ctk, o)) {
				forget(t, at);
				forgotten++;
				continue;
			}
			n++;
		}
		at = &o->next;
	}
	if (there || (assured && n))
		return n;
	return add(t, bucket, c) ? n + 1 : 0;
}

static bool connlimit_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct connlimit_data *d = data;
	struct conntrack *ctk = env->tables->ctk;
	const struct ct_entry *ct = p->ct && !(p->ct->status & CT_ST_TEMPLATE) ? p->ct : NULL;
	struct conn c = { .key = (d->dest ? ip4_hdr(p)->dst : ip4_hdr(p)->src) & d->mask, .zone = ct ? ct_zone(ct) : 0 };
	uint32_t n = 0;

	if (ct)
		c.tuple = ct->tuple[CT_ORIGINAL];
	if (ct || ct_tuple_from_pkt(ctk, p, 0, &c.tuple)) {
		clean(ctk, d->table);
		n = count(ctk, d->table, &c, ct && ct_is_confirmed(ct) && ct->status & CT_ST_ASSURED);
	}
	if (!n) {
		env->hotdrop = true;
		return false;
	}
	return (n > d->limit) != d->upto;
}

const struct match_ops match_connlimit = {
	.name = "connlimit",
	.revision = 1,
	.size = sizeof(struct connlimit_data),
	.state = true,
	.state_size = sizeof(struct connlimit_data) - offsetof(struct connlimit_data, table),
	OPT_ROWS(rows),
	.init = connlimit_init,
	.parse = connlimit_parse,
	.check = connlimit_check,
	.attach = connlimit_attach,
	.detach = connlimit_detach,
	.print = connlimit_print,
	.save = connlimit_save,
	.match = connlimit_match,
};
