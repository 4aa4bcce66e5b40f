/* test_table.c - the table: full, early drop, clashes, zones, walks, resizing, long chains; and the timer wheel.
 * How much is done at once: test_scale.c. */
#include "tests/unit/conntrack/scene.h"

/* open_flow: a UDP flow from port @port that is confirmed. Return: its entry, borrowed; NULL if dropped. */
static struct ct_entry *open_flow(struct scene *s, uint16_t port)
{
	struct craft c = { .src = "10.0.0.1", .dst = "10.0.0.2", .sport = port, .dport = 53 };
	struct pkt *p = craft_packet(s->ns->pool, &c);
	struct ct_entry *ct = through(s, p) == VERDICT_ACCEPT ? p->ct : NULL;

	pkt_free(p);
	return ct;
}

/* A full table drops, says so a bounded number of times, and pushes out what was never ASSURED. */
static void test_full(void **state)
{
	struct scene s;
	unsigned opened = 0;

	(void)state;
	scene_begin(&s, 100);
	for (uint16_t port = 1; port <= 100; port++) {
		struct ct_entry *ct = open_flow(&s, port);

		assert_non_null(ct);
		ct->status |= CT_ST_ASSURED;
	}
	assert_int_equal(s.ctk->count, 100);
	for (uint16_t port = 200; port < 300; port++)
		assert_null(open_flow(&s, port));
	assert_int_equal(s.ctk->stats.drop, 100);
	assert_int_equal(s.world.log_count, 10);
	assert_string_equal(s.world.log[0], "nf_conntrack: nf_conntrack: table full, dropping packet");
	/* The scan leaves ASSURED entries that are not closing alone. */
	conntrack_tick(s.ctk);
	assert_int_equal(s.ctk->count, 100);
	/* Without ASSURED entries there is always somebody near who has to go: within 8 of 512 buckets, mostly. */
	ct_flush(s.ctk, NULL, NULL);
	assert_int_equal(ct_table_resize(s.ctk, 1), 0);
	for (uint32_t port = 1; port <= 5000; port++)
		opened += open_flow(&s, (uint16_t)port) != NULL;
	assert_in_range(s.ctk->count, 1, 100);
	assert_int_equal(s.ctk->stats.drop - 100 + opened, 5000);
	assert_in_range(opened, 4000, 5000);
	assert_true(s.ctk->stats.early_drop > 3000);
	scene_end(&s);
}

/* A table that was full once has its closing and unanswered entries taken by the scan. */
static void test_scan(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, 100);
	for (uint16_t port = 1; port <= 100; port++)
		open_flow(&s, port)->status |= port <= 95 ? CT_ST_ASSURED : 0;
	ct_gc_start(s.ctk);
	assert_true(conntrack_deadline(s.ctk) <= s.ns->now);
	conntrack_tick(s.ctk);
	assert_int_equal(s.ctk->count, 95);
	scene_end(&s);
}

/* max and buckets at run time. */
static void test_sysctl(void **state)
{
	static const struct { const char *path, *value; int result; const char *shown; } rows[] = {
		{ "net/netfilter/nf_conntrack_max", "200000", 0, "200000\n" },
		{ "net/nf_conntrack_max", "3", 0, "3\n" },
		{ "net/netfilter/nf_conntrack_max", "-1", -22, "3\n" },
		{ "net/netfilter/nf_conntrack_buckets", "1000", 0, "1024\n" },
		{ "net/netfilter/nf_conntrack_buckets", "0", -22, "1024\n" },
		{ "net/netfilter/nf_conntrack_count", "5", -13, "0\n" },
		{ "net/netfilter/nf_conntrack_expect_max", "4000", 0, "4000\n" },
		{ "net/netfilter/nf_conntrack_events", "3", -22, "2\n" },
		{ "net/netfilter/nf_conntrack_log_invalid", "255", 0, "255\n" },
		{ "net/netfilter/nf_conntrack_tcp_timeout_established", "77", 0, "77\n" },
		{ "net/netfilter/nf_conntrack_udp_timeout", "8589935", -22, "30\n" },
		{ "net/netfilter/nf_conntrack_sctp_timeout_heartbeat_sent", "8", 0, "8\n" },
	};
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text out = { 0 };
		size_t at = 0;

		while (at < conntrack_sysctl_row_count && strcmp(conntrack_sysctl_rows[at].path, rows[i].path))
			at++;
		assert_true(at < conntrack_sysctl_row_count);
		assert_int_equal(sysctl_store(&conntrack_sysctl_rows[at], s.ctk, rows[i].value), rows[i].result);
		sysctl_show(&conntrack_sysctl_rows[at], s.ctk, &out);
		assert_string_equal(text_cstr(&out), rows[i].shown);
		text_free(&out);
	}
	s.ctk->conf.max = 200000;
	assert_int_equal(ct_table_set_max(s.ctk), 0);
	assert_int_equal(ct_table_resize(s.ctk, 65536), 0);
	for (uint32_t port = 1; port < 60000; port++)
		assert_non_null(open_flow(&s, (uint16_t)port));
	scene_end(&s);
}

struct walk {
	struct scene *s;
	unsigned seen;
	bool kill;
};

/* seen_one: counts, and kills every entry if asked to. */
static void seen_one(void *ctx, struct ct_entry *ct)
{
	struct walk *w = ctx;

	w->seen++;
	if (w->kill)
		ct_kill(w->s->ctk, ct);
}

/* A walk sees each entry once; over a resize none is missed; it may kill what it sees; it reaps what has expired. */
static void test_walk(void **state)
{
	struct ct_cursor cursor = { 0 };
	struct walk w;
	struct scene s;
	unsigned step = 0;

	(void)state;
	scene_begin(&s, 1000);
	w = (struct walk){ &s, 0, false };
	for (uint16_t port = 1; port <= 1000; port++)
		open_flow(&s, port);
	while (ct_each(s.ctk, &cursor, seen_one, &w))
		;
	assert_int_equal(w.seen, 1000);
	w.seen = 0;
	cursor = (struct ct_cursor){ 0 };
	while (ct_each(s.ctk, &cursor, seen_one, &w))
		if (++step % 50 == 0)
			assert_int_equal(ct_table_resize(s.ctk, step % 100 ? 4096 : 512), 0);
	assert_in_range(w.seen, 1000, 1100);
	w = (struct walk){ &s, 0, true };
	cursor = (struct ct_cursor){ 0 };
	while (ct_each(s.ctk, &cursor, seen_one, &w))
		;
	assert_int_equal(w.seen, 1000);
	assert_int_equal(s.ctk->count, 0);
	w = (struct walk){ &s, 0, false };
	open_flow(&s, 1);
	s.ns->now += 30 * SEC;
	cursor = (struct ct_cursor){ 0 };
	while (ct_each(s.ctk, &cursor, seen_one, &w))
		;
	assert_int_equal(w.seen, 0);
	assert_int_equal(s.ctk->count, 0);
	scene_end(&s);
}

/* A chain longer than its random limit refuses the next entry. */
static void test_chain(void **state)
{
	struct scene s;
	unsigned opened = 0;

	(void)state;
	scene_begin(&s, 60000);
	for (uint16_t port = 1; port < 60000; port++)
		opened += open_flow(&s, port) != NULL;
	assert_true(s.ctk->stats.chain_too_long > 0);
	assert_int_equal(s.ctk->stats.insert_failed, s.ctk->stats.chain_too_long);
	assert_int_equal(opened, s.ctk->count);
	scene_end(&s);
}

/* Chains that resizing made longer than a batch of the walk: a flush leaves nothing behind. */
static void test_flush_long_chains(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, 60000);
	assert_int_equal(ct_table_resize(s.ctk, 65536), 0);
	for (uint16_t port = 1; port < 60000; port++)
		assert_non_null(open_flow(&s, port));
	assert_int_equal(ct_table_resize(s.ctk, 512), 0);
	assert_int_equal(ct_flush(s.ctk, NULL, NULL), 59999);
	assert_int_equal(s.ctk->count, 0);
	scene_end(&s);
}

/* Two packets of one flow held before confirm: UDP moves to the winner, TCP is dropped. */
static void test_clash(void **state)
{
	static const struct { const char *first, *second; enum verdict v; uint8_t info; uint64_t resolved; } rows[] = {
		{ "O udp", "O udp", VERDICT_ACCEPT, CT_NEW, 1 },
		{ "O udp", "R udp", VERDICT_ACCEPT, CT_ESTABLISHED_REPLY, 1 },
		{ "O gre", "O gre", VERDICT_ACCEPT, CT_NEW, 1 },
		{ "O tcp S s=1", "O tcp S s=1", VERDICT_DROP, CT_NEW, 0 },
		{ "O icmp 8.0", "O icmp 8.0", VERDICT_DROP, CT_NEW, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct hook_state st = { .hook = HOOK_PREROUTING };
		struct pkt *a, *b;
		struct scene s;

		scene_begin(&s, 64);
		a = packet_of(&s, rows[i].first);
		b = packet_of(&s, rows[i].second);
		conntrack_in(s.ctk, a, &st);
		conntrack_in(s.ctk, b, &st);
		assert_ptr_not_equal(a->ct, b->ct);
		assert_int_equal(conntrack_confirm(s.ctk, a, &st), VERDICT_ACCEPT);
		assert_int_equal(conntrack_confirm(s.ctk, b, &st), rows[i].v);
		assert_int_equal(s.ctk->stats.clash_resolve, rows[i].resolved);
		assert_int_equal(s.ctk->stats.insert_failed, !rows[i].resolved);
		assert_int_equal(s.ctk->stats.drop, !rows[i].resolved);
		if (rows[i].resolved) {
			assert_ptr_equal(a->ct, b->ct);
			assert_int_equal(b->ct_info, rows[i].info);
		}
		pkt_free(a);
		pkt_free(b);
		scene_end(&s);
	}
}

/* clash_nat: the loser of a clash on the original tuple only lives one second, for answers, unseen by dumps. @flush: or
 * until a flush. */
static void clash_nat(bool flush)
{
	struct hook_state st = { .hook = HOOK_PREROUTING };
	struct ct_cursor cursor = { 0 };
	struct ct_tuple reply;
	struct pkt *a, *b;
	struct walk w;
	struct scene s;

	scene_begin(&s, 64);
	w = (struct walk){ &s, 0, false };
	a = packet_of(&s, "O udp");
	b = packet_of(&s, "O udp");
	conntrack_in(s.ctk, a, &st);
	conntrack_in(s.ctk, b, &st);
	reply = b->ct->tuple[CT_REPLY];
	reply.dst_key = htons(4444);
	ct_alter_reply(s.ctk, b->ct, &reply);
	assert_int_equal(conntrack_confirm(s.ctk, a, &st), VERDICT_ACCEPT);
	assert_int_equal(conntrack_confirm(s.ctk, b, &st), VERDICT_ACCEPT);
	assert_ptr_not_equal(a->ct, b->ct);
	assert_true(b->ct->status & CT_ST_NAT_CLASH);
	pkt_free(a);
	pkt_free(b);
	assert_int_equal(s.ctk->count, 2);
	while (ct_each(s.ctk, &cursor, seen_one, &w))
		;
	assert_int_equal(w.seen, 1);
	assert_non_null(ct_lookup(s.ctk, &reply, NULL));
	if (flush)
		assert_int_equal(ct_flush(s.ctk, NULL, NULL), 2);
	s.ns->now += SEC + 1;
	assert_null(ct_lookup(s.ctk, &reply, NULL));
	assert_int_equal(s.ctk->count, flush ? 0 : 1);
	scene_end(&s);
}

static void test_clash_nat(void **state)
{
	(void)state;
	clash_nat(false);
	clash_nat(true);
}

/* Zones: packets with and without a template, and where the zone counts. */
static void test_zones(void **state)
{
	static const struct { uint16_t zone; uint8_t dir; bool mark; bool reply_with; const char *want; } rows[] = {
		{ 5, CT_ZONE_BOTH, false, false, "NEW 30" },
		{ 5, CT_ZONE_BOTH, false, true, "ESTABLISHED/R 30" },
		{ 6, CT_ZONE_ORIG, false, false, "ESTABLISHED/R 30" },
		{ 6, CT_ZONE_REPLY, false, false, "drop ct_insert_failed" }, /* its reply tuple is the flow's original */
		{ 6, CT_ZONE_REPLY, false, true, "ESTABLISHED/R 30" },
		{ 0, CT_ZONE_BOTH, true, true, "ESTABLISHED/R 30" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ct_template tmpl = { .zone = rows[i].zone, .zone_dir = rows[i].dir, .zone_from_mark = rows[i].mark };
		struct pkt *p, *r;
		struct scene s;

		scene_begin(&s, 64);
		p = packet_of(&s, "O udp");
		p->mark = 9;
		ct_set_template(s.ctk, p, &tmpl);
		assert_string_equal(outcome(&s, p, through(&s, p)), "NEW 30");
		assert_int_equal(ct_zone(p->ct), rows[i].mark ? 9 : rows[i].zone);
		r = packet_of(&s, "R udp");
		r->mark = 9;
		if (rows[i].reply_with)
			ct_set_template(s.ctk, r, &tmpl);
		assert_string_equal(outcome(&s, r, through(&s, r)), rows[i].want);
		pkt_free(p);
		pkt_free(r);
		scene_end(&s);
	}
}

/* A template whose packet is dropped before conntrack leaves nothing; an untracked packet passes. */
static void test_template(void **state)
{
	struct ct_template tmpl = { .event_mask = CT_EV_DESTROY };
	struct scene s;
	struct pkt *p;

	(void)state;
	scene_begin(&s, 64);
	p = packet_of(&s, "O udp");
	ct_set_template(s.ctk, p, &tmpl);
	assert_non_null(p->ct);
	pkt_free(p);
	assert_int_equal(s.ctk->table->entries.in_use, 0);
	p = packet_of(&s, "O udp");
	p->ct_info = CT_UNTRACKED;
	assert_string_equal(outcome(&s, p, through(&s, p)), "UNTRACKED");
	pkt_free(p);
	p = packet_of(&s, "O udp");
	ct_set_template(s.ctk, p, &tmpl);
	through(&s, p);
	pkt_free(p);
	assert_string_equal(s.events, "");
	ct_flush(s.ctk, NULL, NULL);
	assert_string_equal(s.events, "4 ");
	scene_end(&s);
}

/* A tuple is taken by either direction of another entry; not by one with the same original tuple. */
static void test_taken(void **state)
{
	struct hook_state st = { .hook = HOOK_PREROUTING };
	struct ct_entry *ct;
	struct ct_tuple t;
	struct pkt *p;
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	ct = open_flow(&s, 7);
	t = ct->tuple[CT_REPLY];
	assert_true(ct_tuple_taken(s.ctk, &t, NULL));
	assert_true(ct_tuple_taken(s.ctk, &ct->tuple[CT_ORIGINAL], NULL));
	assert_false(ct_tuple_taken(s.ctk, &t, ct));
	assert_int_equal(s.ctk->stats.found, 2);
	p = craft_packet(s.ns->pool, &(struct craft){ .src = "10.0.0.1", .dst = "10.0.0.2", .sport = 7, .dport = 53 });
	ct_flush(s.ctk, NULL, NULL);
	conntrack_in(s.ctk, p, &st);
	open_flow(&s, 7);
	assert_false(ct_tuple_taken(s.ctk, &t, p->ct));
	pkt_free(p);
	scene_end(&s);
}

/* Timeouts from a tick to a year: each dies at its time, not before, not more than a tick late; refreshing only moves
 * what got shorter. */
static void test_timers(void **state)
{
	static const double seconds[] = { 0.05, 0.5, 1, 3, 10, 34, 34.4, 35, 60, 120, 300, 3600, 8800, 9000, 86400,
					  432000, 700000, 8589934 };
	enum { N = sizeof seconds / sizeof *seconds };
	struct scene s;

	(void)state;
	for (unsigned way = 0; way < 3; way++) {
		scene_begin(&s, 64);
		for (unsigned i = 0; i < N; i++) {
			struct ct_entry *ct = open_flow(&s, (uint16_t)(100 + i));

			if (way == 1) /* longer first, then what is wanted */
				ct_refresh(s.ctk, ct, NULL, 9000000 * SEC);
			if (way == 2) /* first shorter */
				ct_refresh(s.ctk, ct, NULL, SEC / 100);
			ct_refresh(s.ctk, ct, NULL, (uint64_t)(seconds[i] * 1e9));
		}
		uint64_t begin = s.ns->now;

		for (unsigned i = 0; i < N; i++) {
			uint64_t due = begin + (uint64_t)(seconds[i] * 1e9);

			while (s.ns->now < due - 1) {
				uint64_t next = conntrack_deadline(s.ctk);

				assert_true(next > s.ns->now && next != UINT64_MAX);
				s.ns->now = next < due - 1 ? next : due - 1;
				conntrack_tick(s.ctk);
			}
			assert_int_equal(s.ctk->count, N - i);
			s.ns->now = due + (1ull << CT_TICK_SHIFT);
			conntrack_tick(s.ctk);
			assert_int_equal(s.ctk->count, N - i - 1);
		}
		assert_true(conntrack_deadline(s.ctk) == UINT64_MAX);
		scene_end(&s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),     cmocka_unit_test(test_scan),       cmocka_unit_test(test_sysctl),
		cmocka_unit_test(test_walk),     cmocka_unit_test(test_chain),      cmocka_unit_test(test_flush_long_chains),
		     cmocka_unit_test(test_clash),
		cmocka_unit_test(test_clash_nat), cmocka_unit_test(test_zones),     cmocka_unit_test(test_template),
		cmocka_unit_test(test_taken),    cmocka_unit_test(test_timers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
