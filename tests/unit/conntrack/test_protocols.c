/* test_protocols.c - conversations over UDP, UDPLITE, ICMP with its errors, GRE, and protocols without a tracker. The cells of
 * each are in test_flows.c, SCTP in test_sctp.c, DCCP in test_dccp.c. */
#include "tests/unit/conntrack/scene.h"

static const struct row rows[] = {
	{ "udp: a stream needs two seconds and an earlier reply", NULL, {
		{ 0, "O udp", "NEW 30" },
		{ 2.3, "R udp", "ESTABLISHED/R 30" },
		{ 0, "O udp", "ESTABLISHED 120 assured" } } },
	{ "udp: quick exchange is no stream", NULL, {
		{ 0, "O udp", "NEW 30" },
		{ 0.5, "R udp", "ESTABLISHED/R 30" },
		{ 0.5, "O udp", "ESTABLISHED 30" },
		{ 1.1, "R udp", "ESTABLISHED/R 120 assured" } } },
	{ "udp: unanswered", NULL, {
		{ 0, "O udp", "NEW 30" }, { 10, "O udp", "NEW 30" }, { 31, "R udp", "NEW 30" } } },
	{ "udp: bad checksum", NULL, { { 0, "O udp badsum", "INVALID" }, { 0, "O udp sp=0", "NEW 30" } } },
	{ "udplite", NULL, { { 0, "O udplite", "NEW 30" }, { 0, "R udplite c=8", "ESTABLISHED/R 30" },
		{ 0, "O udplite c=7", "INVALID" },
		{ 0, "O udplite c=13", "INVALID" } } },
	{ "icmp echo stays after the reply, never assured", NULL, {
		{ 0, "O icmp 8.0", "NEW 30" },
		{ 0, "R icmp 0.0", "ESTABLISHED/R 30" },
		{ 5, "O icmp 8.0", "ESTABLISHED 30" },
		{ 0, "R icmp 0.1", "INVALID" } } },
	{ "icmp: what may open", NULL, {
		{ 0, "O icmp 0.0", "INVALID" },  { 0, "O icmp 13.0", "NEW 30" }, { 0, "O icmp 14.0", "INVALID" },
		{ 0, "O icmp 15.9", "NEW 30" },  { 0, "O icmp 17.0", "NEW 30" }, { 0, "O icmp 9.0", "INVALID" },
		{ 0, "O icmp 10.0", "INVALID" }, { 0, "O icmp 19.0", "INVALID" }, { 0, "O icmp 8.7", "NEW 30" },
		{ 0, "O icmp 8.0 badsum", "INVALID" } } },
	{ "gre 0: one flow per pair", NULL, {
		{ 0, "O gre", "NEW 30" },
		{ 0, "R gre", "ESTABLISHED/R 30" },
		{ 0, "O gre", "ESTABLISHED 180 assured" } } },
	{ "gre 1: each direction its own flow", NULL, {
		{ 0, "O gre 1 7", "NEW 30" },
		{ 0, "R gre 1 9", "NEW 30" },
		{ 0, "O gre 2 7", "INVALID" } } },
	{ "generic", NULL, {
		{ 0, "O ip 50", "NEW 600" },
		{ 3, "R ip 50", "ESTABLISHED/R 600" },
		{ 3, "O ip 50", "ESTABLISHED 600" } } },
};

static void test_rows(void **state)
{
	(void)state;
	play_rows(rows, sizeof rows / sizeof *rows);
}

/* error_of: an ICMP error of @type that quotes @quoted's first 28 bytes, from @src to @dst. */
static struct pkt *error_of(struct scene *s, const char *quoted, uint8_t type, const char *src, const char *dst)
{
	struct pkt *q = packet_of(s, quoted);
	struct craft c = { .src = src, .dst = dst, .icmp = true, .icmp_type = type, .payload = q->data,
			   .payload_len = 28 };
	struct pkt *p = craft_packet(s->ns->pool, &c);

	pkt_free(q);
	return p;
}

/* Errors belong to whom they quote; the outer destination must be the quoted source; the flow does not change. */
static void test_icmp_errors(void **state)
{
	static const struct {
		const char *quoted;
		uint8_t type;
		const char *src, *dst, *want;
	} errors[] = {
		{ "O udp", 3, "10.9.9.9", "10.0.0.1", "RELATED/R 25" },
		{ "O udp", 11, "10.0.0.2", "10.0.0.1", "RELATED/R 25" },
		{ "R udp", 3, "10.0.0.1", "10.0.0.2", "RELATED 25" },
		{ "O udp", 5, "10.0.0.2", "10.0.0.1", "RELATED/R 25" },
		{ "O udp", 12, "10.0.0.2", "10.0.0.1", "RELATED/R 25" },
		{ "O udp", 3, "10.0.0.2", "10.0.0.7", "INVALID" },
		{ "O udp sp=5", 3, "10.0.0.2", "10.0.0.1", "INVALID" },
		{ "O icmp 9.0", 3, "10.0.0.2", "10.0.0.1", "INVALID" },
		{ "O tcp S s=1", 3, "10.0.0.2", "10.0.0.1", "INVALID" },
	};
	struct hook_state pre = { .hook = HOOK_PREROUTING };
	const struct step first = { 0, "O udp", "NEW 30" };
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	s.ctk->conf.acct = 1;
	play(&s, "errors", 0, &first);
	s.ns->now += 5 * SEC;
	for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
		struct pkt *p = error_of(&s, errors[i].quoted, errors[i].type, errors[i].src, errors[i].dst);

		assert_int_equal(conntrack_in(s.ctk, p, &pre), VERDICT_ACCEPT);
		assert_string_equal(outcome(&s, p, VERDICT_ACCEPT), errors[i].want);
		if (p->ct)
			assert_int_equal(p->ct->extra->acct[0].packets + p->ct->extra->acct[1].packets, 1);
		pkt_free(p);
	}
	assert_int_equal(s.ctk->stats.error, 4);
	scene_end(&s);
}

/* What is quoted may be cut, and odd: Linux asks for the address, the protocol and its keys, not for a header that is
 * whole (played on 6.18). */
static void test_quotes(void **state)
{
	static const struct {
		const char *quoted;
		uint32_t len;   /* of the quote, its IP header included */
		unsigned at;    /* which byte is another one */
		uint8_t byte;
		const char *want;
	} quotes[] = {
		{ "O udp", 24, 0, 0x45, "RELATED/R 30" },
		{ "O udp", 23, 0, 0x45, "INVALID" },
		{ "O udp", 19, 0, 0x45, "INVALID" },
		{ "O udp", 0, 0, 0x45, "INVALID" },
		{ "O icmp 8.0", 28, 0, 0x45, "RELATED/R 30" },
		{ "O icmp 8.0", 27, 0, 0x45, "INVALID" },
		{ "O gre", 20, 0, 0x45, "RELATED/R 30" },
		{ "O gre 1 7", 28, 0, 0x45, "RELATED/R 30" },
		{ "O gre 1 7", 27, 0, 0x45, "INVALID" }, /* without the call id it is of another flow */
		{ "O ip 50", 20, 0, 0x45, "RELATED/R 600" },
		{ "O udp", 28, 0, 0x65, "RELATED/R 30" },
		{ "O udp", 28, 0, 0x46, "INVALID" },  /* other ports */
		{ "O udp", 28, 0, 0x4f, "INVALID" },  /* a header longer than the quote */
		{ "O ip 50", 28, 0, 0x40, "RELATED/R 600" },
		{ "O udp", 28, 7, 1, "INVALID" },     /* not the first fragment */
		{ "O udp", 28, 6, 0x20, "RELATED/R 30" },
		{ "O udp", 28, 9, 17 + 1, "INVALID" }, /* another protocol */
	};
	struct hook_state pre = { .hook = HOOK_PREROUTING };

	(void)state;
	for (size_t i = 0; i < sizeof quotes / sizeof *quotes; i++) {
		struct craft c = { .src = "10.0.0.2", .dst = "10.0.0.1", .icmp = true, .icmp_type = ICMP_UNREACHABLE,
				   .payload_len = quotes[i].len };
		struct pkt *first, *p;
		struct scene s;

		scene_begin(&s, 64);
		first = packet_of(&s, quotes[i].quoted);
		c.payload = first->data;
		p = craft_packet(s.ns->pool, &c);
		if (quotes[i].at < quotes[i].len)
			p->data[28 + quotes[i].at] = quotes[i].byte;
		csum_l4_fill(p);
		through(&s, first);
		assert_int_equal(conntrack_in(s.ctk, p, &pre), VERDICT_ACCEPT);
		if (strcmp(outcome(&s, p, VERDICT_ACCEPT), quotes[i].want))
			fail_msg("%s, %u bytes, byte %u is %#x: %s", quotes[i].quoted, quotes[i].len, quotes[i].at,
				 quotes[i].byte, outcome(&s, p, VERDICT_ACCEPT));
		pkt_free(p);
		pkt_free(first);
		scene_end(&s);
	}
}

/* What the router answers with inherits the connection, the other way round; also an unconfirmed one. */
static void test_attach(void **state)
{
	struct hook_state pre = { .hook = HOOK_PREROUTING };
	struct pkt *p, *made;
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	p = packet_of(&s, "O udp");
	made = packet_of(&s, "R icmp 3.3");
	conntrack_in(s.ctk, p, &pre);
	conntrack_attach(s.ctk, made, p);
	assert_ptr_equal(made->ct, p->ct);
	assert_int_equal(made->ct_info, CT_RELATED_REPLY);
	assert_int_equal(p->ct->refs, 2);
	assert_int_equal(conntrack_in(s.ctk, made, &pre), VERDICT_ACCEPT);
	assert_int_equal(conntrack_confirm(s.ctk, made, &pre), VERDICT_ACCEPT);
	pkt_free(p);
	assert_int_equal(s.ctk->count, 1);
	pkt_free(made);
	assert_int_equal(s.ctk->count, 0);
	scene_end(&s);
}

/* Tuples turned round and printed. */
static void test_tuples(void **state)
{
	static const struct { const char *packet, *text, *inverted; } tuples[] = {
		{ "O tcp S", "src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 ",
		  "src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 " },
		{ "O icmp 8.3", "src=10.0.0.1 dst=10.0.0.2 type=8 code=3 id=77 ",
		  "src=10.0.0.2 dst=10.0.0.1 type=0 code=3 id=77 " },
		{ "O icmp 14.0", "src=10.0.0.1 dst=10.0.0.2 type=14 code=0 id=77 ",
		  "src=10.0.0.2 dst=10.0.0.1 type=13 code=0 id=77 " },
		{ "O icmp 9.0", "src=10.0.0.1 dst=10.0.0.2 type=9 code=0 id=77 ", NULL },
		{ "O gre 1 4660", "src=10.0.0.1 dst=10.0.0.2 srckey=0x0 dstkey=0x1234 ",
		  "src=10.0.0.2 dst=10.0.0.1 srckey=0x1234 dstkey=0x0 " },
		{ "O ip 50", "src=10.0.0.1 dst=10.0.0.2 ", "src=10.0.0.2 dst=10.0.0.1 " },
	};
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	for (size_t i = 0; i < sizeof tuples / sizeof *tuples; i++) {
		struct pkt *p = packet_of(&s, tuples[i].packet);
		struct ct_tuple t, back, again;
		struct text out = { 0 };

		assert_true(ct_tuple_from_pkt(s.ctk, p, 7, &t));
		assert_int_equal(t.zone, 7);
		ct_tuple_print(&t, &out);
		assert_string_equal(text_cstr(&out), tuples[i].text);
		text_free(&out);
		assert_int_equal(ct_tuple_invert(&t, &back), tuples[i].inverted != NULL);
		if (tuples[i].inverted) {
			ct_tuple_print(&back, &out);
			assert_string_equal(text_cstr(&out), tuples[i].inverted);
			text_free(&out);
			assert_true(ct_tuple_invert(&back, &again));
			assert_true(ct_tuple_equal(&again, &t));
		}
		p->hdr.frag_off = 8;
		assert_false(ct_tuple_from_pkt(s.ctk, p, 0, &t));
		pkt_free(p);
	}
	scene_end(&s);
}

/* Every cut of a packet, and of a quoted one, is looked at without reading past it (the sanitizer watches). */
static void test_cuts(void **state)
{
	static const char *const packets[] = { "O tcp S s=1 o=SW7", "O udp l=4", "O icmp 8.0", "O gre 1 7",
					       "O sctp init tag=0 itag=5", "O ip 50", "O udplite l=3" };
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) {
		for (uint32_t len = 20;; len++) {
			struct pkt *p = packet_of(&s, packets[i]);
			uint32_t whole = p->len;

			if (len < whole)
				p->len = len;
			through(&s, p);
			pkt_free(p);
			if (len >= whole)
				break;
		}
	}
	scene_end(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),   cmocka_unit_test(test_icmp_errors), cmocka_unit_test(test_attach),
		cmocka_unit_test(test_quotes),
		cmocka_unit_test(test_tuples), cmocka_unit_test(test_cuts),
	};

	if (rows_wanted(argc, argv)) {
		print_rows(rows, sizeof rows / sizeof *rows);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
