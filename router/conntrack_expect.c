/* conntrack_expect.c - the conntrack command on the table of expectations, which is small (nf_conntrack_expect_max).
 *
 * Linux parity: conntrack-tools 1.4.7; ctnetlink_get_expect, ctnetlink_del_expect, ctnetlink_create_expect.
 */
#include "conntrack/helper.h"
#include "conntrack/manage.h"
#include "router/conntrack_query.h"
#include "router/router.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>

/* A listing on its way. */
struct listing {
	const struct conntrack *ctk;
	const struct conntrack_query *q;
	struct text *out;
	unsigned count;
	bool xml; /* its head was printed */
};

void conntrack_expect_put(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_expect *x,
			  unsigned flags, bool *xml, struct text *out)
{
	struct timespec ts;

	if (q->print & CT_PRINT_XML && !*xml) {
		text_puts(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<expect>\n");
		*xml = true;
	}
	if (q->timestamp && !(q->print & CT_PRINT_XML)) {
		clock_gettime(CLOCK_REALTIME, &ts);
		text_printf(out, "[%-8" PRId64 ".%-6ld]\t", (int64_t)ts.tv_sec, ts.tv_nsec / 1000);
	}
	ct_expect_print_as(ctk, x, (q->print & CT_PRINT_XML) | (q->timestamp ? CT_PRINT_WHEN : 0) | flags, out);
	text_puts(out, "\n");
}

/* list_one: ct_expect_each's callback. */
static void list_one(void *ctx, struct ct_expect *x)
{
	struct listing *l = ctx;

	conntrack_expect_put(l->ctk, l->q, x, 0, &l->xml, l->out);
	l->count++;
}

/* list: -L expect. Return: exit status. */
static int list(struct request *rq, const struct conntrack_query *q)
{
	struct listing l = { .ctk = rq->router->engine->ctk, .q = q, .out = &rq->out };

	if (!q->ipv6)
		ct_expect_each(rq->router->engine->ctk, list_one, &l);
	if (l.xml)
		text_puts(&rq->out, "</expect>\n");
	text_printf(&rq->err, CONNTRACK_TOOL ": %u expectations have been shown.\n", l.count);
	return 0;
}

/* Expectations gathered for removal: a walk may not change the table. */
struct doomed {
	struct ct_expect **item;
	unsigned count, max;
};

/* gather: ct_expect_each's callback. */
static void gather(void *ctx, struct ct_expect *x)
{
	struct doomed *d = ctx;

	if (d->count < d->max)
		d->item[d->count++] = x;
}

/* flush: -F expect. Return: exit status. */
static int flush(struct request *rq)
{
	struct conntrack *ctk = rq->router->engine->ctk;
	struct doomed d = { .max = ct_expect_count(ctk) };

	d.item = calloc(d.max + 1u, sizeof(struct ct_expect *));
	if (!d.item)
		return conntrack_failed(rq, "out of memory");
	ct_expect_each(ctk, gather, &d);
	for (unsigned i = 0; i < d.count; i++)
		ct_expect_remove(ctk, d.item[i]);
	free(d.item);
	text_puts(&rq->err, CONNTRACK_TOOL ": expectation table has been emptied.\n");
	return 0;
}

/* find: the one that a connection with these words would fulfil. */
static struct ct_expect *find(struct conntrack *ctk, const struct conntrack_query *q)
{
	return ct_expect_find(ctk, &q->side[CT_ORIGINAL].tuple);
}

/* get: -G expect. Return: exit status. */
static int get(struct request *rq, const struct conntrack_query *q)
{
	struct conntrack *ctk = rq->router->engine->ctk;
	const struct ct_expect *x = find(ctk, q);
	bool xml = false;

	if (!x)
		return conntrack_error(rq, q, -ENOENT);
	conntrack_expect_put(ctk, q, x, 0, &xml, &rq->out);
	return 0;
}

/* remove_one: -D expect. The tool counts none, and says so with its status. Return: exit status. */
static int remove_one(struct request *rq, const struct conntrack_query *q)
{
	struct conntrack *ctk = rq->router->engine->ctk;
	struct ct_expect *x = find(ctk, q);

	if (!x)
		return conntrack_error(rq, q, -ENOENT);
	ct_expect_remove(ctk, x);
	text_puts(&rq->err, CONNTRACK_TOOL ": 0 expectations have been shown.\n");
	return CONNTRACK_OTHER;
}

/* create: -I expect. The protocol is that of -p (the tool 1.4.7 takes it from the bytes of a port). Return: 0 or a negative
 * errno. */
static int create(struct conntrack *ctk, const struct conntrack_query *q)
{
	struct ct_tuple t = q->expected.tuple, name = q->side[CT_ORIGINAL].tuple;
	struct ct_entry *master;
	struct ct_expect *x;
	int error;

	if (q->ipv6)
		return -EAFNOSUPPORT;
	t.proto = q->proto;
	if (!ct_tuple_sound(&t) || !ct_tuple_sound(&name))
		return -EINVAL;
	if (ct_expect_find(ctk, &t))
		return -EEXIST;
	master = ct_lookup(ctk, &name, NULL);
	if (!master)
		return -ENOENT;
	if (!ct_help(master))
		return -EOPNOTSUPP;
	x = ct_expect_alloc(ctk, master);
	if (!x)
		return -ENOMEM;
	ct_expect_init(x, 0, t.family, &t.src, &t.dst, t.proto, &t.src_key, t.dst_key);
	x->mask_src = q->mask.tuple.src;
	x->mask_src_key = q->mask.tuple.src_key;
	error = ct_expect_insert(ctk, x);
	if (error)
		ct_expect_discard(ctk, x);
	return error;
}

int conntrack_expect(struct request *rq, const struct conntrack_query *q)
{
	struct conntrack *ctk = rq->router->engine->ctk;
	int error;

	switch (q->command) {
	case 'L':
		return list(rq, q);
	case 'G':
		return get(rq, q);
	case 'D':
		return remove_one(rq, q);
	case 'F':
		return flush(rq);
	case 'C':
		text_printf(&rq->out, "%u\n", ct_expect_count(ctk));
		return 0;
	case 'I':
		error = create(ctk, q);
		return error ? conntrack_error(rq, q, error) : 0;
	default:
		text_printf(&rq->out, "cpu=0   \texpect_new=%u expect_create=%u expect_delete=%u \n",
			    (uint32_t)ctk->stats.expect_new, (uint32_t)ctk->stats.expect_create,
			    (uint32_t)ctk->stats.expect_delete);
		return 0;
	}
}
