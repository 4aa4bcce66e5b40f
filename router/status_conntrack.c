/* status_conntrack.c - the files of connection tracking. */
#include "conntrack/helper.h"
#include "conntrack/proto.h"
#include "router/status_int.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FLOW_KINDS_MAX = 64 };

/* What a line printer needs. */
struct print_ctx {
	struct conntrack *ctk;
	struct text *out;
	bool old;
};

/* print_line: one entry as a line. */
static void print_line(void *ctx, struct ct_entry *ct)
{
	struct print_ctx *p = ctx;

	ct_print_proc(p->ctk, ct, p->old, p->out);
}

bool status_ct_proc(const struct status *st, struct status_cursor *cursor, struct text *out)
{
	struct print_ctx p = { st->engine->ctk, out, false };

	return ct_each(p.ctk, &cursor->ct, print_line, &p);
}

bool status_ct_old(const struct status *st, struct status_cursor *cursor, struct text *out)
{
	struct print_ctx p = { st->engine->ctk, out, true };

	return ct_each(p.ctk, &cursor->ct, print_line, &p);
}

/* print_expect: one expectation as a line. */
static void print_expect(void *ctx, struct ct_expect *x)
{
	struct print_ctx *p = ctx;

	ct_expect_print_proc(p->ctk, x, p->out);
}

void status_ct_expect(const struct status *st, const struct status_args *args, struct text *out)
{
	struct print_ctx p = { st->engine->ctk, out, false };

	(void)args;
	ct_expect_each(p.ctk, print_expect, &p);
}

void status_ct_stat(const struct status *st, const struct status_args *args, struct text *out)
{
	(void)args;
	ct_print_stat(st->engine->ctk, out);
}

/* --- flows: totals by protocol and state ---------------------------------------------------------------------------- */

struct flow_kind {
	uint8_t proto;
	const char *state;
	uint64_t count, assured, unreplied;
};

struct flow_totals {
	struct flow_kind kind[FLOW_KINDS_MAX];
	unsigned kinds;
	uint64_t total;
};

/* same_kind: whether an entry of @proto in @state belongs to @k. State names are constants or NULL. */
static bool same_kind(const struct flow_kind *k, uint8_t proto, const char *state)
{
	return k->proto == proto &&
	       (k->state == state || (k->state && state && strcmp(k->state, state) == 0));
}

/* count_flow: adds one entry to its kind; kinds beyond the bound count in the total only. */
static void count_flow(void *ctx, struct ct_entry *ct)
{
	struct flow_totals *t = ctx;
	uint8_t proto = ct->tuple[CT_ORIGINAL].proto;
	const char *state = ct_state_name(ct);
	unsigned i = 0;

	t->total++;
	while (i < t->kinds && !same_kind(&t->kind[i], proto, state))
		i++;
	if (i == FLOW_KINDS_MAX)
		return;
	if (i == t->kinds)
		t->kind[t->kinds++] = (struct flow_kind){ .proto = proto, .state = state };
	t->kind[i].count++;
	t->kind[i].assured += ct->status & CT_ST_ASSURED ? 1 : 0;
	t->kind[i].unreplied += ct->status & CT_ST_SEEN_REPLY ? 0 : 1;
}

/* by_kind: order of the lines: protocol number, then name of the state. */
static int by_kind(const void *left, const void *right)
{
	const struct flow_kind *a = left, *b = right;

	if (a->proto != b->proto)
		return a->proto - b->proto;
	return strcmp(a->state ? a->state : "", b->state ? b->state : "");
}

/* print_flows: the totals as text. */
static void print_flows(const struct conntrack *ctk, struct flow_totals *t, struct text *out)
{
	qsort(t->kind, t->kinds, sizeof *t->kind, by_kind);
	for (unsigned i = 0; i < t->kinds; i++) {
		const struct flow_kind *k = &t->kind[i];

		text_printf(out, "%s %u %s %" PRIu64 " assured=%" PRIu64 " unreplied=%" PRIu64 "\n",
			    ct_proto_name(k->proto), k->proto, k->state ? k->state : "-", k->count,
			    k->assured, k->unreplied);
	}
	text_printf(out, "total %" PRIu64 "\nmax %d\nexpected %u\n", t->total, ctk->conf.max,
		    ct_expect_count(ctk));
}

bool status_ct_flows(const struct status *st, struct status_cursor *cursor, struct text *out)
{
	struct conntrack *ctk = st->engine->ctk;

	if (!cursor->state && !(cursor->state = calloc(1, sizeof(struct flow_totals)))) {
		out->failed = true;
		return false;
	}
	if (ct_each(ctk, &cursor->ct, count_flow, cursor->state))
		return true;
	print_flows(ctk, cursor->state, out);
	return false;
}
