/* test_mangle.c - payloads exchanged piece by piece: lengths, checksums, storage, sequence adjustment. */
#include "conntrack/helper.h"
#include "tests/unit/nat/mini.h"

struct row {
	const char *name;
	const char *before;
	uint32_t off, len;
	const char *rep, *after; /* after NULL: refused */
};

static const struct row rows[] = {
	{ "same length", "hello world", 6, 5, "there", "hello there" },
	{ "longer", "hello world", 0, 5, "good morning", "good morning world" },
	{ "shorter", "hello world", 0, 6, "", "world" },
	{ "all", "abc", 0, 3, "x", "x" },
	{ "appended", "abc", 3, 0, "def", "abcdef" },
	{ "emptied", "abc", 0, 3, "", "" },
	{ "piece behind the end", "abc", 2, 2, "x", NULL },
	{ "far behind the end", "abc", 0xfffffff0u, 4, "x", NULL },
};

/* payload_of: where a packet's payload begins. */
static uint32_t payload_of(const struct pkt *p)
{
	const struct tcp_hdr *th;

	if (p->hdr.proto == IP_PROTO_UDP)
		return p->hdr.l4 + 8u;
	th = mini_need(pkt_l4(p, sizeof *th));
	return p->hdr.l4 + (th->offset >> 4) * 4u;
}

/* open_flow: a connection for the adjustment to hang on; the packet keeps it. */
static struct pkt *open_flow(struct mini *m, const char *text)
{
	static const struct step syn = { "c>s", "tcp 10.77.1.50:4000 10.77.2.50:80 S s=99",
					 "tcp 10.77.1.50:4000 10.77.2.50:80" },
				 ack = { "s>c", "tcp 10.77.2.50:80 10.77.1.50:4000 SA s=9 a=100",
					 "tcp 10.77.2.50:80 10.77.1.50:4000" };
	const char *why;
	struct pkt *p;

	mini_step(m, "open", &syn);
	mini_step(m, "open", &ack);
	p = mini_packet(m, text);
	mini_offload(m, p);
	return mini_need(mini_walk(m, p, m->c, m->s, &why));
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		for (int kind = 0; kind < 4; kind++) {
			const struct row *r = &rows[i];
			bool tcp = kind & 1, partial = kind & 2, done;
			struct mini *m = mini_open();
			char text[128];
			struct pkt *p;
			uint32_t rep = (uint32_t)strlen(r->rep);

			m->partial = partial;
			snprintf(text, sizeof text, "%s 10.77.1.50:4000 10.77.2.50:80 %s s=100 a=10 d=%s",
				 tcp ? "tcp" : "udp", tcp ? "A" : "", r->before);
			p = open_flow(m, text);
			done = tcp ? nat_mangle_tcp(m->nat, p, p->ct, r->off, r->len, r->rep, rep)
				   : nat_mangle_udp(m->nat, p, p->ct, r->off, r->len, r->rep, rep);
			assert_int_equal(done, r->after != NULL);
			if (done) {
				assert_int_equal(p->len - payload_of(p), strlen(r->after));
				assert_memory_equal(p->data + payload_of(p), r->after, strlen(r->after));
				assert_int_equal(ntohs(ip4_hdr(p)->total_len), p->len);
				if (!mini_checksums(p))
					fail_msg("%s %d: checksum", r->name, kind);
			}
			if (done && tcp && rep != r->len)
				assert_int_equal(ct_seqadj_offset(p->ct, CT_ORIGINAL, 101),
						 (int32_t)rep - (int32_t)r->len);
			else if (p->ct)
				assert_int_equal(ct_seqadj_offset(p->ct, CT_ORIGINAL, 101), 0);
			pkt_free(p);
			mini_close(m);
		}
}

/* A small buffer grows into a large one; 65535 bytes are the end. */
static void test_growth(void **state)
{
	struct mini *m = mini_open();
	static char big[65535];
	struct pkt *p = open_flow(m, "tcp 10.77.1.50:4000 10.77.2.50:80 A s=100 a=10 d=0123456789");

	(void)state;
	memset(big, 'y', sizeof big);
	pkt_compact(p);
	assert_int_equal(p->class, PKT_SMALL);
	assert_false(nat_mangle_tcp(m->nat, p, p->ct, 0, 10, big, 65535 - 39));
	assert_true(nat_mangle_tcp(m->nat, p, p->ct, 0, 10, big, 65535 - 40));
	assert_int_equal(p->len, 65535);
	assert_true(mini_checksums(p));
	assert_int_equal(ct_seqadj_offset(p->ct, CT_ORIGINAL, 111), 65535 - 50);
	pkt_free(p);
	mini_close(m);
}

/* A super-packet stands for as many segments as its payload fills. */
static void test_segments(void **state)
{
	static const struct {
		uint32_t rep;
		uint16_t segs;
		uint8_t gso;
	} cases[] = { { 30, 4, GSO_TCP4 },
		      { 29, 3, GSO_TCP4 },
		      { 10, 2, GSO_TCP4 },
		      { 9, 1, GSO_NONE },
		      { 0, 1, GSO_NONE } };

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		static const char text[] = "------------------------------";
		struct mini *m = mini_open();
		struct pkt *p;

		m->partial = true;
		m->gso_size = 10;
		p = open_flow(m, "tcp 10.77.1.50:4000 10.77.2.50:80 A s=100 a=10 d=0123456789012345678901");
		assert_int_equal(p->gso_segs, 3);
		assert_true(nat_mangle_tcp(m->nat, p, p->ct, 1, 21, text, cases[i].rep));
		assert_int_equal(p->gso, cases[i].gso);
		assert_int_equal(p->gso_segs, cases[i].segs);
		assert_int_equal(p->csum, CSUM_PARTIAL);
		assert_true(mini_checksums(p));
		pkt_free(p);
		mini_close(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_segments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
