/* test_target_packets.c - targets that change TCP headers in each checksum state, and the copies of -j TEE. */
#include <arpa/inet.h>

#include "netstack/checksum.h"
#include "tests/unit/tables/scene.h"

enum { MTU_LAN = 1500, MTU_WAN = 1300 };

/* load: one rule that must be taken. */
static void load(struct scene *s, const char *line)
{
	if (scene_restore(s, line, false, false, false))
		fail_msg("%s: %s %s", line, s->err.text, s->err.detail);
}

/* walk: one packet through a table at a hook. */
static enum verdict walk(struct scene *s, enum table_id table, enum hook hook, struct pkt *p)
{
	const struct hook_state st = { .hook = hook, .in = p->in, .out = p->out, .ns = s->ns };

	return tables_walk(s->t, table, p, &st);
}

/* --- TCP headers ------------------------------------------------------------------------------------------------------ */

#define MSS "\x02\x04\x05\xb4"
#define ODD "\x01\x03\x03\x07\x01\x01\x04\x02"

static const struct tcp_row {
	const char *rule;
	const char *options;
	unsigned len;
	const char *payload;
	const char *want; /* options after */
	unsigned want_len;
	uint8_t flags, want_flags;
	enum verdict verdict;
} tcp_rows[] = {
	{ "-p tcp --syn -j TCPMSS --set-mss 1000", MSS, 4, "", "\x02\x04\x03\xe8", 4, TCP_SYN, TCP_SYN,
	  VERDICT_ACCEPT },
	{ "-p tcp --syn -j TCPMSS --set-mss 1461", MSS, 4, "", MSS, 4, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-p tcp --syn -j TCPMSS --set-mss 1000", ODD, 8, "", "\x02\x04\x02\x18" ODD, 12, TCP_SYN, TCP_SYN,
	  VERDICT_ACCEPT },
	{ "-p tcp --syn -j TCPMSS --set-mss 100", "", 0, "", "\x02\x04\x00\x64", 4, TCP_SYN, TCP_SYN,
	  VERDICT_ACCEPT },
	{ "-p tcp --syn -j TCPMSS --set-mss 100", "", 0, "data", "", 0, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-p tcp --syn -j TCPMSS --set-mss 100", "\x01\x02\x04\x05\xb4\x01\x01\x01", 8, "odd",
	  "\x01\x02\x04\x00\x64\x01\x01\x01", 8, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-p tcp --syn -j TCPMSS --set-mss 100", "\x01\x01\x01\x02", 4, "odd", "\x01\x01\x01\x02", 4,
	  TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-p tcp --syn -j TCPMSS --clamp-mss-to-pmtu", MSS, 4, "", "\x02\x04\x04\xec", 4, TCP_SYN, TCP_SYN,
	  VERDICT_ACCEPT },
	{ "-p tcp -j TCPOPTSTRIP --strip-options 2", MSS ODD, 12, "abc", "\x01\x01\x01\x01" ODD, 12, TCP_SYN,
	  TCP_SYN, VERDICT_ACCEPT },
	{ "-p tcp -j TCPOPTSTRIP --strip-options wscale,sack-permitted", MSS ODD, 12, "abc",
	  MSS "\x01\x01\x01\x01\x01\x01\x01\x01", 12, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-p tcp -j TCPOPTSTRIP --strip-options 200", "\xc8\x00\x01\xc8", 4, "", "\x01\x00\x01\xc8", 4,
	  TCP_ACK, TCP_ACK, VERDICT_ACCEPT },
	{ "-p tcp -j TCPOPTSTRIP --strip-options 200", "\x01\xc8\x09\x00", 4, "", "\x01\xc8\x09\x00", 4,
	  TCP_ACK, TCP_ACK, VERDICT_ACCEPT },
	{ "-p tcp -j ECN --ecn-tcp-remove", "", 0, "abc", "", 0, TCP_SYN | TCP_ECE | TCP_CWR, TCP_SYN,
	  VERDICT_ACCEPT },
	{ "-p tcp -j ECN --ecn-tcp-ece 1", "", 0, "abc", "", 0, TCP_SYN, TCP_SYN | TCP_ECE, VERDICT_ACCEPT },
	{ "-p tcp -j ECN --ecn-tcp-cwr 1", "", 0, "abc", "", 0, TCP_ACK | TCP_ECE,
	  TCP_ACK | TCP_ECE | TCP_CWR, VERDICT_ACCEPT },
	{ "-j CHECKSUM --checksum-fill", MSS, 4, "abc", MSS, 4, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-p tcp -m tcp ! --dport 1 -j NFQUEUE", "", 0, "", "", 0, TCP_SYN, TCP_SYN, VERDICT_DROP },
	{ "-j NFQUEUE --queue-bypass", "", 0, "", "", 0, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-j NFLOG", "", 0, "", "", 0, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-j LED --led-trigger-id x", "", 0, "", "", 0, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-j IDLETIMER --timeout 1 --label x", "", 0, "", "", 0, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
	{ "-j CONNSECMARK --save", "", 0, "", "", 0, TCP_SYN, TCP_SYN, VERDICT_ACCEPT },
};

/* make_partial: the checksum as a sender leaves it to the hardware. */
static void make_partial(struct pkt *p)
{
	struct tcp_hdr *th = pkt_l4(p, sizeof *th);

	if (!th)
		return;
	th->checksum = (uint16_t)~csum_fold(
		csum_pseudo4(ip4_hdr(p)->src, ip4_hdr(p)->dst, IP_PROTO_TCP, pkt_l4_len(p)));
	p->csum = CSUM_PARTIAL;
	p->csum_start = p->hdr.l4;
	p->csum_offset = offsetof(struct tcp_hdr, checksum);
}

/* check_tcp: a row with the checksum in one state. */
static void check_tcp(struct scene *s, const struct tcp_row *r, enum csum_state state)
{
	const struct craft c = { .src = "10.0.0.1",
				 .dst = "10.0.1.1",
				 .tcp_flags = r->flags,
				 .tcp_options = (const uint8_t *)r->options,
				 .tcp_options_len = r->len,
				 .payload = r->payload,
				 .payload_len = (unsigned)strlen(r->payload) };
	struct pkt *p = craft_packet(s->ns->pool, &c);
	const struct tcp_hdr *th;

	p->csum = (uint8_t)state;
	if (state == CSUM_PARTIAL)
		make_partial(p);
	p->in = s->lan;
	p->out = s->wan;
	assert_int_equal(walk(s, TABLE_MANGLE, HOOK_FORWARD, p), r->verdict);
	assert_int_equal(csum_complete(p), 0);
	p->csum = CSUM_NONE;
	th = pkt_l4(p, sizeof *th);
	if (!th || csum_bytes(p->data, IP4_HLEN) || !csum_l4_verify(p) || th->flags != r->want_flags ||
	    ntohs(ip4_hdr(p)->total_len) != p->len || th->offset >> 4 != 5 + r->want_len / 4 ||
	    pkt_l4_len(p) != sizeof *th + r->want_len + strlen(r->payload) ||
	    memcmp(th + 1, r->want, r->want_len) ||
	    memcmp((const uint8_t *)(th + 1) + r->want_len, r->payload, strlen(r->payload)))
		fail_msg("%s (state %d): wrong header or checksum", r->rule, state);
	pkt_free(p);
}

static void test_tcp_headers(void **state)
{
	struct scene *s = scene_open();
	char line[256];

	(void)state;
	s->wan->mtu = MTU_WAN;
	for (size_t i = 0; i < sizeof tcp_rows / sizeof tcp_rows[0]; i++) {
		snprintf(line, sizeof line, "*mangle\n-A FORWARD %s\nCOMMIT\n", tcp_rows[i].rule);
		load(s, line);
		for (enum csum_state c = CSUM_NONE; c <= CSUM_PARTIAL; c++)
			check_tcp(s, &tcp_rows[i], c);
	}
	scene_close(s);
}

/* A header that is not all there, and one whose options say so, are dropped by what would write to it. */
static void test_broken_headers(void **state)
{
	static const char *const rules[] = { "-p tcp -j ECN --ecn-tcp-remove",
					     "-p tcp -j TCPOPTSTRIP --strip-options 2" };
	struct scene *s = scene_open();
	char line[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const struct craft c = { .src = "10.0.0.1", .dst = "10.0.1.1", .proto = IP_PROTO_TCP };
		struct pkt *p = craft_packet(s->ns->pool, &c);

		snprintf(line, sizeof line, "*mangle\n-A FORWARD %s\nCOMMIT\n", rules[i]);
		load(s, line);
		p->len = p->hdr.l4 + 12;
		assert_int_equal(walk(s, TABLE_MANGLE, HOOK_FORWARD, p), VERDICT_DROP);
		pkt_free(p);
	}
	scene_close(s);
}

static void test_checksum_fill(void **state)
{
	const struct craft c = {
		.src = "10.0.0.1", .dst = "10.0.1.1", .tcp_flags = TCP_ACK, .payload_len = 100
	};
	struct scene *s = scene_open();
	struct pkt *p = craft_packet(s->ns->pool, &c), *super = craft_packet(s->ns->pool, &c);

	(void)state;
	load(s, "*mangle\n-A FORWARD -j CHECKSUM --checksum-fill\nCOMMIT\n");
	make_partial(p);
	assert_int_equal(walk(s, TABLE_MANGLE, HOOK_FORWARD, p), VERDICT_ACCEPT);
	assert_int_equal(p->csum, CSUM_OK);
	make_partial(super);
	super->gso = GSO_TCP4;
	super->gso_size = 10;
	assert_int_equal(walk(s, TABLE_MANGLE, HOOK_FORWARD, super), VERDICT_ACCEPT);
	assert_int_equal(super->csum, CSUM_PARTIAL);
	pkt_free(p);
	pkt_free(super);
	scene_close(s);
}

static void test_audit(void **state)
{
	const struct craft c = { .src = "10.0.0.1", .dst = "10.0.1.1" };
	struct scene *s = scene_open();
	struct pkt *p = craft_packet(s->ns->pool, &c);

	(void)state;
	load(s, "*filter\n-A FORWARD -j AUDIT --type drop\nCOMMIT\n");
	s->ns->now = 5123000000ull;
	p->mark = 0x1f;
	assert_int_equal(walk(s, TABLE_FILTER, HOOK_FORWARD, p), VERDICT_ACCEPT);
	assert_string_equal(
		s->world.log[0],
		"audit: type=1324 audit(5.123:1): mark=0x1f saddr=10.0.0.1 daddr=10.0.1.1 proto=17");
	pkt_free(p);
	scene_close(s);
}

static void test_tproxy(void **state)
{
	const struct craft c = { .src = "10.0.0.1", .dst = "10.0.1.1" };
	struct scene *s = scene_open();
	struct pkt *p = craft_packet(s->ns->pool, &c);

	(void)state;
	load(s, "*mangle\n-A PREROUTING -p udp -j TPROXY --on-port 1\nCOMMIT\n");
	assert_int_equal(walk(s, TABLE_MANGLE, HOOK_PREROUTING, p), VERDICT_DROP);
	assert_int_equal(p->drop, DROP_RULE_MANGLE);
	pkt_free(p);
	scene_close(s);
}

/* --- copies ----------------------------------------------------------------------------------------------------------- */

/* Packets in, copies out and the TTL of a copy, per hook. */
static const struct tee_row {
	const char *rules;
	enum table_id table;
	enum hook hook;
	unsigned made;
} tee_rows[] = {
	{ "*mangle\n-A FORWARD -j TEE --gateway 10.0.1.9\nCOMMIT\n", TABLE_MANGLE, HOOK_FORWARD, 1 },
	{ "*mangle\n-A PREROUTING -j TEE --gateway 10.0.1.9\nCOMMIT\n", TABLE_MANGLE, HOOK_PREROUTING, 1 },
	{ "*filter\n-A INPUT -j TEE --gateway 10.0.1.9\n-A INPUT -j TEE --gateway 10.0.1.8\nCOMMIT\n",
	  TABLE_FILTER, HOOK_INPUT, 2 },
	{ "*filter\n-A FORWARD -j TEE --gateway 10.0.1.1\nCOMMIT\n", TABLE_FILTER, HOOK_FORWARD,
	  0 }, /* our own */
	{ "*filter\n-A FORWARD -j TEE --gateway 10.9.9.9\nCOMMIT\n", TABLE_FILTER, HOOK_FORWARD,
	  0 }, /* no route */
	{ "*filter\n-A FORWARD -j TEE --gateway 10.9.9.9 --oif wan0\nCOMMIT\n", TABLE_FILTER, HOOK_FORWARD,
	  1 },
};

static void test_tee(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	port_set_up(s->ns, s->wan, true);
	assert_int_equal(port_add_addr(s->ns, s->wan, inet_addr("10.0.1.1"), 24), 0);
	for (size_t i = 0; i < sizeof tee_rows / sizeof tee_rows[0]; i++) {
		const struct tee_row *r = &tee_rows[i];
		const struct craft c = { .src = "10.0.0.1", .dst = "10.5.0.1", .ttl = 9, .payload_len = 20 };
		struct pkt *p = craft_packet(s->ns->pool, &c), *same = craft_packet(s->ns->pool, &c);
		uint64_t made = s->ns->balance.made;

		load(s, r->rules);
		p->in = s->lan;
		assert_int_equal(walk(s, r->table, r->hook, p), VERDICT_ACCEPT);
		assert_int_equal(p->len, same->len);
		assert_memory_equal(p->data, same->data, p->len);
		if (s->ns->balance.made - made < r->made) /* ARP requests are made too */
			fail_msg("%s: %llu made", r->rules, (unsigned long long)(s->ns->balance.made - made));
		if (!r->made)
			assert_int_equal(s->ns->balance.made, made);
		assert_int_equal(netstack_balance_error(s->ns), 0);
		pkt_free(p);
		pkt_free(same);
	}
	scene_close(s);
}

/* With the pool used up there is no copy, and nothing else happens. */
static void test_tee_without_memory(void **state)
{
	const struct craft c = { .src = "10.0.0.1", .dst = "10.5.0.1" };
	struct scene *s = scene_open();
	struct pkt *p = craft_packet(s->ns->pool, &c), *all = NULL, *one;

	(void)state;
	port_set_up(s->ns, s->wan, true);
	load(s, "*filter\n-A FORWARD -j TEE --gateway 10.0.1.9 --oif wan0\nCOMMIT\n");
	while ((one = pkt_alloc(s->ns->pool, PKT_SMALL)) != NULL) {
		one->next = all;
		all = one;
	}
	assert_int_equal(walk(s, TABLE_FILTER, HOOK_FORWARD, p), VERDICT_ACCEPT);
	assert_int_equal(s->ns->balance.made, 0);
	while ((one = all) != NULL) {
		all = one->next;
		pkt_free(one);
	}
	pkt_free(p);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tcp_headers),
		cmocka_unit_test(test_broken_headers),
		cmocka_unit_test(test_checksum_fill),
		cmocka_unit_test(test_audit),
		cmocka_unit_test(test_tproxy),
		cmocka_unit_test(test_tee),
		cmocka_unit_test(test_tee_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
