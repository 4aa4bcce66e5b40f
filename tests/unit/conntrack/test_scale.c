/* test_scale.c - what keeps a big table from holding up packets: bytes an entry, and how much each tick does at most. Counted
 * in entries: nothing here is timed. */
#include "tests/unit/conntrack/scene.h"

enum { FLOWS = 30000 };

/* flow_tuple: the original tuple of flow @i. */
static struct ct_tuple flow_tuple(uint32_t i)
{
	return (struct ct_tuple){ .src = addr_ip4(htonl(0x0a000000 + i)), .dst = addr_ip4(htonl(0x0b000001)), .src_key = htons(1),
				  .dst_key = htons(2), .family = FAMILY_IP4, .proto = IP_PROTO_UDP };
}

/* connect_flow: puts flow @i into the table as its first packet would, for @seconds. */
static void connect_flow(struct scene *s, uint32_t i, uint64_t seconds)
{
	struct ct_tuple orig = flow_tuple(i), reply;
	struct pkt p = { 0 };

	assert_true(ct_tuple_invert(&orig, &reply));
	p.ct = ct_entry_new(s->ctk, &orig, &reply, ct_hash(s->ctk, &orig));
	assert_non_null(p.ct);
	p.ct->expires = seconds * SEC;
	assert_int_equal(ct_insert(s->ctk, &p), VERDICT_ACCEPT);
	ct_release(s->ctk, p.ct);
}

/* begin_full: a table with FLOWS flows in so many buckets. */
static void begin_full(struct scene *s, uint32_t buckets)
{
	scene_begin(s, FLOWS + 1000);
	s->ctk->notify.event = NULL;
	assert_int_equal(ct_table_resize(s->ctk, buckets), 0);
	while (s->ctk->table->old.head)
		conntrack_tick(s->ctk);
	for (uint32_t i = 0; i < FLOWS; i++)
		connect_flow(s, i, 600);
}

/* is_there: whether flow @i is found by both of its tuples. */
static bool is_there(struct scene *s, uint32_t i)
{
	struct ct_tuple orig = flow_tuple(i), reply;
	enum ct_dir dir = CT_DIRS;
	struct ct_entry *ct = ct_lookup(s->ctk, &orig, &dir);

	assert_true(ct_tuple_invert(&orig, &reply));
	if (!ct) {
		assert_null(ct_lookup(s->ctk, &reply, &dir));
		return false;
	}
	assert_int_equal(dir, CT_ORIGINAL);
	assert_ptr_equal(ct_lookup(s->ctk, &reply, &dir), ct);
	assert_int_equal(dir, CT_REPLY);
	return true;
}

/* What 3.2 million connections take, translated or not: below 700 MB with everything else of a router. */
static void test_bytes(void **state)
{
	const uint64_t flows = 3200000, million = 1000000;
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	assert_int_equal(s.ctk->table->entries.element, sizeof(struct ct_entry));
	assert_int_equal((uintptr_t)s.ctk->entries % 64, 0);
	/* Entries; chains where there are as many buckets as connections; the by-source hash of nat. */
	assert_true(flows * s.ctk->table->entries.element + flows * CT_HEADS * 4 + (1 << 22) * 4 < 660 * million);
	scene_end(&s);
}

/* Many that expire together: bounded work per tick, all gone in the end, also when the clock jumps by years. */
static void test_expiry(void **state)
{
	struct scene s;

	(void)state;
	begin_full(&s, 65536);
	s.ns->now += 400ull * 86400 * SEC;
	while (s.ctk->count) {
		uint32_t before = s.ctk->count;

		assert_true(conntrack_deadline(s.ctk) <= s.ns->now);
		conntrack_tick(s.ctk);
		assert_in_range(before - s.ctk->count, before < CT_TIMER_BUDGET ? before : CT_TIMER_BUDGET, CT_TIMER_BUDGET);
	}
	assert_true(conntrack_deadline(s.ctk) == UINT64_MAX);
	scene_end(&s);
}

/* Resizing moves a bounded part per tick. Meanwhile everything is found, in the order of neither table; what comes and goes
 * meanwhile does so once. A resize during a resize counts when that has ended, the last one wins. */
static void test_resize(void **state)
{
	static const struct { uint32_t from, to, then, end; } rows[] = {
		{ 65536, 4096, 0, 4096 },
		{ 4096, 65536, 0, 65536 },
		{ 4096, 4608, 8192, 8192 },
		{ 65536, 4096, 65536, 65536 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint32_t longest = 0, ticks = 0, next = FLOWS;
		struct scene s;

		begin_full(&s, rows[i].from);
		assert_int_equal(ct_table_resize(s.ctk, rows[i].to), 0);
		if (rows[i].then) {
			assert_int_equal(ct_table_resize(s.ctk, rows[i].from), 0);
			assert_int_equal(ct_table_resize(s.ctk, rows[i].then), 0);
		}
		assert_non_null(s.ctk->table->old.head);
		while (ct_table_moves(s.ctk->table)) {
			struct ct_tuple gone = flow_tuple(ticks);
			uint32_t moved = s.ctk->table->moved;

			assert_true(conntrack_deadline(s.ctk) <= s.ns->now);
			connect_flow(&s, next++, 600);
			assert_true(ct_kill(s.ctk, ct_lookup(s.ctk, &gone, NULL)));
			assert_false(is_there(&s, ticks));
			for (uint32_t f = ticks + 1; f < next; f += 97)
				assert_true(is_there(&s, f));
			conntrack_tick(s.ctk);
			ticks++;
			if (s.ctk->table->old.head && s.ctk->table->moved > moved && s.ctk->table->moved - moved > longest)
				longest = s.ctk->table->moved - moved;
		}
		assert_true(longest <= CT_RESIZE_BUDGET * 8);
		assert_true(ticks > 2 * FLOWS / CT_RESIZE_BUDGET / 2);
		assert_int_equal(ct_table_buckets(s.ctk->table), rows[i].end);
		for (uint32_t f = 0; f < next; f++)
			assert_int_equal(is_there(&s, f), f >= ticks);
		assert_int_equal(s.ctk->count, FLOWS);
		scene_end(&s);
	}
}

/* An instance may end while its table moves. */
static void test_end_in_resize(void **state)
{
	struct scene s;

	(void)state;
	begin_full(&s, 262144);
	assert_int_equal(ct_table_resize(s.ctk, 512), 0);
	while (s.ctk->table->moved < 300000)
		conntrack_tick(s.ctk);
	assert_non_null(s.ctk->table->old.head);
	scene_end(&s);
}

/* is_marked: a sweep's match: by mark, which stands in .port. */
static bool is_marked(const struct ct_sweep *sweep, const struct ct_entry *ct)
{
	return ct->mark == sweep->port;
}

/* Sweeps: the first part at once, the rest in ticks, one after the other; more than there is room for end the oldest. */
static void test_sweeps(void **state)
{
	static const unsigned counts[] = { 1, 3, CT_SWEEPS_MAX, CT_SWEEPS_MAX + 6 };

	(void)state;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		struct scene s;
		uint32_t before;

		begin_full(&s, 65536);
		for (uint32_t f = 0; f < FLOWS; f++)
			ct_at(s.ctk, f)->mark = f % 100;
		for (unsigned n = 0; n < counts[i]; n++) {
			before = s.ctk->count;
			ct_sweep(s.ctk, &(struct ct_sweep){ .match = is_marked, .port = (uint16_t)n });
			assert_int_equal(before - s.ctk->count, !n ? CT_SWEEP_BUDGET / 100 + 1 : n < CT_SWEEPS_MAX ? 0 :
					 n == CT_SWEEPS_MAX ? FLOWS / 100 - CT_SWEEP_BUDGET / 100 - 1 : FLOWS / 100);
		}
		while (s.ctk->table->sweeps) {
			assert_true(conntrack_deadline(s.ctk) <= s.ns->now);
			before = s.ctk->count;
			conntrack_tick(s.ctk);
			assert_in_range(before - s.ctk->count, 0, CT_SWEEP_BUDGET);
		}
		assert_int_equal(s.ctk->count, FLOWS - FLOWS / 100 * counts[i]);
		scene_end(&s);
	}
}

/* count_one: ct_each's callback. */
static void count_one(void *ctx, struct ct_entry *ct)
{
	(void)ct;
	++*(uint32_t *)ctx;
}

/* A step of a walk looks at a bounded number of places, also where nobody lives. */
static void test_each(void **state)
{
	struct ct_cursor cursor = { 0 };
	uint32_t seen = 0, steps = 1;
	struct scene s;

	(void)state;
	begin_full(&s, 65536);
	for (uint32_t f = 0; f < FLOWS; f++)
		if (f % 1000)
			ct_kill(s.ctk, ct_at(s.ctk, f));
	while (ct_each(s.ctk, &cursor, count_one, &seen)) {
		assert_int_equal(cursor.number, steps++ * CT_EACH_STEP);
		assert_true(seen <= cursor.number / 1000 + 1);
	}
	assert_int_equal(seen, FLOWS / 1000);
	scene_end(&s);
}

/* The scan that a full table starts kills a bounded number per tick, and ends where the table is no longer nearly full. */
static void test_scan(void **state)
{
	struct scene s;

	(void)state;
	begin_full(&s, 65536);
	s.ctk->conf.max = FLOWS;
	ct_gc_start(s.ctk);
	for (uint32_t before = FLOWS; s.ctk->table->gc_running; before = s.ctk->count) {
		conntrack_tick(s.ctk);
		assert_in_range(before - s.ctk->count, 1, CT_GC_BUDGET);
	}
	assert_in_range(s.ctk->count, FLOWS / 100 * 95 - CT_GC_BUDGET, FLOWS / 100 * 95);
	scene_end(&s);
}

/* What was foreseen of a frame helps to find its entry, and no other one if the packet was changed since or is in a zone. */
static void test_foresee(void **state)
{
	static const struct { const char *src; uint16_t sport, zone; bool found; } rows[] = {
		{ "10.0.0.5", 1, 0, true },  { "10.0.0.5", 9, 0, false },
		{ "10.0.0.6", 1, 0, true },  { "10.0.0.5", 1, 7, false },
		{ "10.1.2.3", 1, 0, false },
	};
	struct scene s;

	(void)state;
	begin_full(&s, 65536);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct craft before = { .src = "10.0.0.5", .dst = "11.0.0.1", .sport = 1, .dport = 2 }, after = before;
		struct hook_state st = { .hook = HOOK_PREROUTING };
		struct ct_template tmpl = { .zone = rows[i].zone };
		struct pkt *frame = craft_frame(s.ns->pool, "02:00:00:00:00:01", "02:00:00:00:00:02", &before), *p;

		conntrack_foresee(s.ctk, &frame, 1);
		assert_true(frame->flow[0] && frame->flow[1]);
		after.src = rows[i].src;
		after.sport = rows[i].sport;
		p = craft_packet(s.ns->pool, &after);
		memcpy(p->flow, frame->flow, sizeof p->flow);
		p->flow_hash = frame->flow_hash;
		if (rows[i].zone)
			ct_set_template(s.ctk, p, &tmpl);
		assert_int_equal(conntrack_in(s.ctk, p, &st), VERDICT_ACCEPT);
		assert_int_equal(ct_is_confirmed(p->ct), rows[i].found);
		assert_int_equal(p->ct->tuple[CT_ORIGINAL].src.word[0], inet_addr(rows[i].src));
		if (!rows[i].found) { /* goes in where it is found again */
			assert_int_equal(conntrack_confirm(s.ctk, p, &st), VERDICT_ACCEPT);
			if (!rows[i].zone)
				assert_ptr_equal(ct_lookup(s.ctk, &p->ct->tuple[CT_ORIGINAL], NULL), p->ct);
			ct_kill(s.ctk, p->ct);
		}
		pkt_free(p);
		pkt_free(frame);
	}
	scene_end(&s);
}

/* Frames of which nothing can be foreseen: too short, fragments, other protocols; the table is only looked at. */
static void test_foresee_not(void **state)
{
	static const struct { struct craft c; uint32_t cut; } rows[] = {
		{ { .src = "10.0.0.5", .dst = "11.0.0.1", .frag = IP4_MF } },
		{ { .src = "10.0.0.5", .dst = "11.0.0.1", .frag = 5 } },
		{ { .src = "10.0.0.5", .dst = "11.0.0.1", .proto = 47 } },
		{ { .src = "10.0.0.5", .dst = "11.0.0.1", .icmp = true, .icmp_type = 8 } },
		{ { .src = "10.0.0.5", .dst = "11.0.0.1" }, 41 },
		{ { .src = "10.0.0.5", .dst = "11.0.0.1" }, 13 },
		{ { .src = "10.0.0.5", .dst = "11.0.0.1" }, 1 },
	};
	struct scene s;

	(void)state;
	begin_full(&s, 65536);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pkt *frame = craft_frame(s.ns->pool, "02:00:00:00:00:01", "02:00:00:00:00:02", &rows[i].c);

		if (rows[i].cut)
			frame->len = rows[i].cut;
		conntrack_foresee(s.ctk, &frame, 1);
		assert_int_equal(frame->flow[0] | frame->flow[1], 0);
		pkt_free(frame);
	}
	conntrack_foresee(s.ctk, NULL, 0);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),	     cmocka_unit_test(test_expiry), cmocka_unit_test(test_resize),
		cmocka_unit_test(test_end_in_resize), cmocka_unit_test(test_sweeps), cmocka_unit_test(test_each),
		cmocka_unit_test(test_scan),	     cmocka_unit_test(test_foresee), cmocka_unit_test(test_foresee_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
