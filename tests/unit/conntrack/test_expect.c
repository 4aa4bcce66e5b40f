/* test_expect.c - helpers, expectations, sequence adjustment, and everything that prints. */
#include "tests/unit/conntrack/scene.h"

static enum verdict helped(void *instance, struct conntrack *ctk, struct pkt *p, struct ct_entry *ct)
{
	unsigned *calls = instance;

	(void)ctk;
	(void)p;
	(void)ct;
	++*calls;
	return VERDICT_ACCEPT;
}

static const struct ct_helper tester = {
	.name = "tester", .family = FAMILY_IP4, .proto = IP_PROTO_UDP, .default_port = 80, .classes = 2,
	.policy = { { "", 2, 300 }, { "media", 1, 10 } }, .help = helped,
};

struct fixture {
	struct scene s;
	unsigned calls;
	struct ct_entry *master;
};

/* fixture_begin: a confirmed UDP master to port 80 that has the helper. */
static void fixture_begin(struct fixture *f)
{
	struct pkt *p;

	f->calls = 0;
	scene_begin(&f->s, 64);
	assert_int_equal(ct_helper_register(f->s.ctk, &tester, &f->calls), 0);
	assert_int_equal(ct_helper_register(f->s.ctk, &tester, &f->calls), -17);
	assert_int_equal(ct_helper_assign_port(f->s.ctk, ct_helper_find(f->s.ctk, "tester", 2, 17), 80), 0);
	p = packet_of(&f->s, "O udp");
	assert_int_equal(through(&f->s, p), VERDICT_ACCEPT);
	f->master = p->ct;
	pkt_free(p);
	assert_int_equal(f->calls, 1);
}

/* expect: makes one from 10.0.0.2 (any port) to 10.0.0.1:@port. Return: what the insert says. */
static int expect(struct fixture *f, uint8_t class, uint16_t port, uint8_t flags)
{
	struct addr src, dst;
	struct ct_expect *x = ct_expect_alloc(f->s.ctk, f->master);
	int r;

	addr_parse("10.0.0.2", FAMILY_IP4, &src);
	addr_parse("10.0.0.1", FAMILY_IP4, &dst);
	ct_expect_init(x, class, FAMILY_IP4, &src, &dst, IP_PROTO_TCP, NULL, htons(port));
	x->flags = flags;
	r = ct_expect_insert(f->s.ctk, x);
	if (r)
		ct_expect_discard(f->s.ctk, x);
	return r;
}

/* arrive: a TCP SYN from 10.0.0.2 to 10.0.0.1:@port. Return: what became of it. */
static const char *arrive(struct fixture *f, uint16_t port, uint32_t *mark)
{
	struct craft c = { .src = "10.0.0.2", .dst = "10.0.0.1", .sport = 20, .dport = port, .tcp_flags = TCP_SYN };
	struct pkt *p = craft_packet(f->s.ns->pool, &c);
	const char *got = outcome(&f->s, p, through(&f->s, p));

	*mark = p->ct ? p->ct->mark : 0;
	pkt_free(p);
	return got;
}

/* An expected connection is RELATED, has its master's mark and holds it; the expectation is used up. */
static void test_child(void **state)
{
	struct fixture f;
	uint32_t mark;

	(void)state;
	fixture_begin(&f);
	f.master->mark = 7;
	assert_int_equal(expect(&f, 0, 2000, 0), 0);
	assert_int_equal(ct_expect_count(f.s.ctk), 1);
	assert_string_equal(arrive(&f, 2001, &mark), "NEW SYN_SENT 120");
	assert_string_equal(arrive(&f, 2000, &mark), "RELATED SYN_SENT 120");
	assert_int_equal(mark, 7);
	assert_int_equal(f.master->refs, 2);
	assert_int_equal(ct_expect_count(f.s.ctk), 0);
	assert_int_equal(f.s.ctk->stats.expect_new, 1);
	assert_int_equal(f.s.ctk->stats.expect_create, 1);
	assert_int_equal(f.s.ctk->stats.expect_delete, 1);
	/* The master may go first. */
	ct_kill(f.s.ctk, f.master);
	assert_int_equal(f.s.ctk->count, 3);
	scene_end(&f.s);
}

/* PERMANENT stays, INACTIVE does not count, time ends it, the master's end ends it. */
static void test_life(void **state)
{
	struct fixture f;
	uint32_t mark;

	(void)state;
	fixture_begin(&f);
	expect(&f, 0, 2000, CT_EXPECT_PERMANENT);
	expect(&f, 0, 3000, CT_EXPECT_INACTIVE);
	expect(&f, 1, 4000, 0);
	assert_string_equal(arrive(&f, 2000, &mark), "RELATED SYN_SENT 120");
	assert_string_equal(arrive(&f, 3000, &mark), "NEW SYN_SENT 120");
	assert_int_equal(ct_expect_count(f.s.ctk), 3);
	assert_true(conntrack_deadline(f.s.ctk) <= f.s.ns->now + 10 * SEC);
	f.s.ns->now += 10 * SEC;
	assert_string_equal(arrive(&f, 4000, &mark), "NEW SYN_SENT 120");
	conntrack_tick(f.s.ctk);
	assert_int_equal(ct_expect_count(f.s.ctk), 2);
	ct_kill(f.s.ctk, f.master);
	assert_int_equal(ct_expect_count(f.s.ctk), 0);
	scene_end(&f.s);
}

/* Limits: per class the oldest goes; twins are replaced; overlaps refused; the table is bounded. */
static void test_limits(void **state)
{
	static const struct { uint8_t class; uint16_t port; int result; uint32_t count; } rows[] = {
		{ 0, 1, 0, 1 },   { 0, 1, 0, 1 }, { 0, 2, 0, 2 }, { 0, 3, 0, 2 },
		{ 1, 2, -114, 2 }, { 1, 9, 0, 3 }, { 1, 8, 0, 3 }, { 0, 1, 0, 3 },
	};
	struct fixture f;
	struct ct_expect *x;
	struct addr dst;

	(void)state;
	fixture_begin(&f);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		assert_int_equal(expect(&f, rows[i].class, rows[i].port, 0), rows[i].result);
		assert_int_equal(ct_expect_count(f.s.ctk), rows[i].count);
	}
	/* From anywhere to port 3: overlaps the one from 10.0.0.2. */
	x = ct_expect_alloc(f.s.ctk, f.master);
	addr_parse("10.0.0.1", FAMILY_IP4, &dst);
	ct_expect_init(x, 0, FAMILY_IP4, NULL, &dst, IP_PROTO_TCP, NULL, htons(3));
	assert_int_equal(ct_expect_insert(f.s.ctk, x), -16);
	f.s.ctk->conf.expect_max = 3;
	x->tuple.dst_key = htons(77);
	x->class = 1;
	assert_int_equal(ct_expect_insert(f.s.ctk, x), 0);
	f.master->extra->help->expecting[0] = 2;
	x = ct_expect_alloc(f.s.ctk, f.master);
	ct_expect_init(x, 2, FAMILY_IP4, NULL, &dst, IP_PROTO_TCP, NULL, htons(78));
	assert_int_equal(ct_expect_insert(f.s.ctk, x), -23);
	assert_string_equal(f.s.world.log[0], "nf_conntrack: nf_conntrack: expectation table full");
	ct_expect_discard(f.s.ctk, x);
	scene_end(&f.s);
}

/* By port before and after DNAT; by template; forgotten on reload. */
static void test_assign(void **state)
{
	struct hook_state st = { .hook = HOOK_PREROUTING };
	struct ct_template tmpl = { 0 };
	struct ct_tuple reply;
	struct fixture f;
	struct pkt *p;

	(void)state;
	fixture_begin(&f);
	ct_kill(f.s.ctk, f.master);
	p = packet_of(&f.s, "O udp");
	conntrack_in(f.s.ctk, p, &st);
	assert_non_null(p->ct->extra->help->helper);
	reply = p->ct->tuple[CT_REPLY];
	reply.src_key = htons(81);
	ct_alter_reply(f.s.ctk, p->ct, &reply);
	assert_null(p->ct->extra->help->helper);
	reply.src_key = htons(80);
	ct_alter_reply(f.s.ctk, p->ct, &reply);
	assert_string_equal(p->ct->extra->help->helper->name, "tester");
	pkt_free(p);
	ct_helper_clear_ports(f.s.ctk);
	p = packet_of(&f.s, "O udp");
	conntrack_in(f.s.ctk, p, &st);
	assert_null(ct_help(p->ct));
	pkt_free(p);
	tmpl.helper = ct_helper_find(f.s.ctk, "tester", 2, 17);
	p = packet_of(&f.s, "O udp");
	ct_set_template(f.s.ctk, p, &tmpl);
	conntrack_in(f.s.ctk, p, &st);
	assert_ptr_equal(p->ct->extra->help->helper, tmpl.helper);
	assert_true(p->ct->status & CT_ST_HELPER);
	ct_alter_reply(f.s.ctk, p->ct, &reply);
	assert_ptr_equal(p->ct->extra->help->helper, tmpl.helper);
	pkt_free(p);
	scene_end(&f.s);
}

/* Two length changes; seq, ack and SACK edges follow, and so does the checksum. Options with a wrong length end a segment
 * that is adjusted, if it has ACK: without, they are not read. */
static void test_seqadj(void **state)
{
	static const struct { const char *packet; uint32_t seq, ack, edge; } rows[] = {
		{ "O tcp A s=1000 a=1", 1000, 1, 0 },          { "O tcp A s=1001 a=1", 1006, 1, 0 },
		{ "R tcp A s=1 a=1006 o=K1506", 1, 1001, 1501 }, { "R tcp A s=1 a=1000 o=K900", 1, 1000, 900 },
		{ "O tcp A s=2000 a=1", 2005, 1, 0 },          { "O tcp A s=2001 a=1", 2003, 1, 0 },
		{ "R tcp A s=1 a=2003", 1, 1998, 0 },          { "R tcp A s=1 a=2010", 1, 2008, 0 },
	};
	/* Of the first of 12 bytes of options: 5 LENGTH 0 0 0 0 0 0 3 0x84 1 1; 9 makes an option of 0x84 1. */
	static const struct { uint8_t length; bool ok; } lengths[] = {
		{ 0, false }, { 1, false }, { 2, true }, { 9, false }, { 10, true }, { 11, true }, { 12, true }, { 13, false },
	};
	struct ct_entry *ct;
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pkt *p = packet_of(&s, rows[i].packet);
		const struct tcp_hdr *h = pkt_l4(p, sizeof *h);
		struct hook_state st = { .hook = HOOK_OUTPUT };
		uint32_t edge;

		conntrack_in(s.ctk, p, &st);
		if (!p->ct || !ct_is_confirmed(p->ct))
			assert_int_equal(conntrack_confirm(s.ctk, p, &st), VERDICT_ACCEPT);
		ct = p->ct;
		if (i == 0)
			assert_int_equal(ct_seqadj_set(s.ctk, ct, CT_ORIGINAL, 1000, 5), 0);
		if (i == 4)
			assert_int_equal(ct_seqadj_set(s.ctk, ct, CT_ORIGINAL, 2000, -3), 0);
		assert_true(ct_seqadj_packet(s.ctk, ct, p));
		assert_int_equal(ntohl(h->seq), rows[i].seq);
		assert_int_equal(ntohl(h->ack), rows[i].ack);
		memcpy(&edge, (const uint8_t *)h + 26, 4);
		if (rows[i].edge)
			assert_int_equal(ntohl(edge), rows[i].edge);
		p->csum = CSUM_NONE;
		assert_true(csum_l4_verify(p));
		pkt_free(p);
	}
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct pkt *p = packet_of(&s, "O tcp A s=3000 a=1 o=K900");
		struct tcp_hdr *h = pkt_l4(p, sizeof *h + 12);
		struct hook_state st = { .hook = HOOK_OUTPUT };

		if (!h)
			abort();
		conntrack_in(s.ctk, p, &st);
		((uint8_t *)h)[sizeof *h + 1] = lengths[i].length;
		assert_int_equal(ct_seqadj_packet(s.ctk, p->ct, p), lengths[i].ok);
		h->flags &= (uint8_t)~TCP_ACK;
		assert_true(ct_seqadj_packet(s.ctk, p->ct, p));
		pkt_free(p);
	}
	scene_end(&s);
}

/* printed: one entry in one of the three formats. */
static void printed(struct scene *s, struct ct_entry *ct, int format, const char *want)
{
	struct text out = { 0 };

	ct_hold(ct); /* as ct_each does */
	if (format < 2)
		ct_print_proc(s->ctk, ct, format, &out);
	else
		ct_print_tool(s->ctk, ct, (unsigned)format - 2, &out);
	assert_string_equal(text_cstr(&out), want);
	text_free(&out);
	ct_release(s->ctk, ct);
}

enum { PROC, OLD, TOOL };

/* The kernel's and the tool's lines; want as they print it for the same packets. */
static void test_print(void **state)
{
	static const struct {
		const char *packets[3];
		bool acct;
		uint16_t zone;
		uint8_t zone_dir;
		int format;
		const char *want;
	} rows[] = {
		{ { "O tcp S s=1" }, true, 0, 3, PROC,
		  "ipv4     2 tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 packets=1 bytes=40 "
		  "[UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 packets=0 bytes=0 mark=0 zone=0 use=2\n" },
		{ { "O tcp S s=1" }, false, 0, 3, OLD,
		  "tcp      6 120 SYN_SENT src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 [UNREPLIED] src=10.0.0.2 "
		  "dst=10.0.0.1 sport=80 dport=1000 mark=0 zone=0 use=2\n" },
		{ { "O udp", "R udp" }, false, 0, 3, TOOL,
		  "udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 src=10.0.0.2 dst=10.0.0.1 sport=80 "
		  "dport=1000 mark=0 use=1\n" },
		{ { "O udp" }, true, 5, 3, TOOL,
		  "udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 packets=1 bytes=28 [UNREPLIED] "
		  "src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 packets=0 bytes=0 mark=0 zone=5 use=1\n" },
		{ { "O udp" }, true, 6, 1, PROC,
		  "ipv4     2 udp      17 30 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 zone-orig=6 packets=1 "
		  "bytes=28 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 packets=0 bytes=0 mark=0 use=2\n" },
		{ { "O icmp 8.0" }, false, 0, 3, PROC,
		  "ipv4     2 icmp     1 30 src=10.0.0.1 dst=10.0.0.2 type=8 code=0 id=77 [UNREPLIED] src=10.0.0.2 "
		  "dst=10.0.0.1 type=0 code=0 id=77 mark=0 zone=0 use=2\n" },
		{ { "O gre", "R gre", "O gre" }, false, 0, 3, PROC,
		  "ipv4     2 gre      47 180 timeout=30, stream_timeout=180 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 "
		  "dstkey=0x0 src=10.0.0.2 dst=10.0.0.1 srckey=0x0 dstkey=0x0 [ASSURED] mark=0 zone=0 use=2\n" },
		{ { "O gre" }, false, 0, 3, TOOL + CT_PRINT_EXTENDED,
		  "ipv4     2 gre      47 30 src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x0 [UNREPLIED] src=10.0.0.2 "
		  "dst=10.0.0.1 srckey=0x0 dstkey=0x0 mark=0 use=1\n" },
		{ { "O ip 50" }, false, 0, 3, PROC,
		  "ipv4     2 unknown  50 600 src=10.0.0.1 dst=10.0.0.2 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 mark=0 "
		  "zone=0 use=2\n" },
		{ { "O sctp init tag=0 itag=5" }, false, 0, 3, PROC,
		  "ipv4     2 sctp     132 10 CLOSED src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 [UNREPLIED] "
		  "src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=0 zone=0 use=2\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct ct_template tmpl = { .zone = rows[i].zone, .zone_dir = rows[i].zone_dir };
		struct ct_entry *ct = NULL;
		struct scene s;

		scene_begin(&s, 64);
		s.ctk->conf.acct = rows[i].acct;
		for (unsigned n = 0; n < 3 && rows[i].packets[n]; n++) {
			struct pkt *p = packet_of(&s, rows[i].packets[n]);

			ct_set_template(s.ctk, p, &tmpl);
			through(&s, p);
			ct = p->ct;
			pkt_free(p);
		}
		printed(&s, ct, rows[i].format, rows[i].want);
		scene_end(&s);
	}
}

/* Mark, timestamps, helper, id. */
static void test_print_extras(void **state)
{
	struct ct_entry *ct;
	char want[400];
	struct fixture f;
	struct pkt *p;

	(void)state;
	setenv("TZ", "UTC", 1);
	fixture_begin(&f);
	ct_kill(f.s.ctk, f.master);
	f.s.ctk->conf.timestamp = 1;
	f.s.ctk->wall_offset = (int64_t)((1795195667ull - 1000) * SEC);
	p = packet_of(&f.s, "O udp");
	through(&f.s, p);
	ct = p->ct;
	pkt_free(p);
	ct->mark = 120;
	f.s.ns->now += 3 * SEC / 2;
	printed(&f.s, ct, PROC,
		"ipv4     2 udp      17 28 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 [UNREPLIED] src=10.0.0.2 "
		"dst=10.0.0.1 sport=80 dport=1000 mark=120 zone=0 delta-time=1 use=2\n");
	snprintf(want, sizeof want,
		 "udp      17 28 src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 [UNREPLIED] src=10.0.0.2 dst=10.0.0.1 "
		 "sport=80 dport=1000 mark=120 delta-time=1 [start=Fri Nov 20 17:27:47 2026] helper=tester use=1 id=%u\n",
		 ct_id(f.s.ctk, ct));
	printed(&f.s, ct, TOOL + CT_PRINT_ID + CT_PRINT_TIMESTAMP, want);
	scene_end(&f.s);
}

static void print_expect(void *ctx, struct ct_expect *x)
{
	struct text *out = ctx;

	ct_expect_print_proc(*(struct conntrack **)(out + 1), x, out);
	ct_expect_print_tool(*(struct conntrack **)(out + 1), x, out);
}

/* Expectations and counters. */
static void test_print_tables(void **state)
{
	struct { struct text out; struct conntrack *ctk; } t = { 0 };
	struct fixture f;

	(void)state;
	fixture_begin(&f);
	t.ctk = f.s.ctk;
	expect(&f, 0, 2000, 0);
	ct_expect_each(f.s.ctk, print_expect, &t);
	assert_string_equal(text_cstr(&t.out),
		"300 l3proto = 2 proto=6 src=10.0.0.2 dst=10.0.0.1 sport=0 dport=2000 tester\n"
		"300 proto=6 src=10.0.0.2 dst=10.0.0.1 sport=0 dport=2000 mask-src=255.255.255.255 "
		"mask-dst=255.255.255.255 sport=0 dport=65535 master-src=10.0.0.1 master-dst=10.0.0.2 sport=1000 dport=80 "
		"class=0 helper=tester\n");
	text_free(&t.out);
	ct_expects_remove_of(f.s.ctk, f.master);
	expect(&f, 1, 2000, CT_EXPECT_PERMANENT | CT_EXPECT_INACTIVE);
	ct_expect_each(f.s.ctk, print_expect, &t);
	t.out.data[strcspn(t.out.data, "\n")] = '\0';
	assert_string_equal(t.out.data, "10 l3proto = 2 proto=6 src=10.0.0.2 dst=10.0.0.1 sport=0 dport=2000 "
					"PERMANENT,INACTIVE tester/media");
	text_free(&t.out);
	f.s.ctk->stats.invalid = 17;
	ct_print_stat(f.s.ctk, &t.out);
	assert_string_equal(strchr(t.out.data, '\n') + 1,
		"00000001  00000000 00000000 00000000 00000011 00000000 00000000 00000000 00000000 00000000 00000000 00000000 "
		"00000000  00000000 00000002 00000001 00000000\n");
	text_free(&t.out);
	ct_print_tool_stat(f.s.ctk, &t.out);
	assert_string_equal(t.out.data, "cpu=0   \tfound=0 invalid=17 insert=0 insert_failed=0 drop=0 early_drop=0 error=0 "
					"search_restart=0 clash_resolve=0 chaintoolong=0 \n");
	text_free(&t.out);
	scene_end(&f.s);
}

/* The log of invalid packets: reason, then the LOG format; only for the protocol asked for. */
static void test_log_invalid(void **state)
{
	struct scene s;
	struct pkt *p;

	(void)state;
	scene_begin(&s, 64);
	s.ctk->conf.log_invalid = 6;
	p = packet_of(&s, "O udp badsum");
	through(&s, p);
	pkt_free(p);
	assert_int_equal(s.world.log_count, 0);
	p = packet_of(&s, "O tcp SF s=1");
	through(&s, p);
	pkt_free(p);
	assert_int_equal(s.world.log_count, 1);
	assert_non_null(strstr(s.world.log[0], "nf_ct_proto_6: invalid tcp flag combination IN="));
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_child),  cmocka_unit_test(test_life),         cmocka_unit_test(test_limits),
		cmocka_unit_test(test_assign), cmocka_unit_test(test_seqadj),       cmocka_unit_test(test_print),
		cmocka_unit_test(test_print_extras), cmocka_unit_test(test_print_tables), cmocka_unit_test(test_log_invalid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
