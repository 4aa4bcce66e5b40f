/* test_synproxy.c - the cookies of -j SYNPROXY, and what its options make of a SYN. */
#include <arpa/inet.h>

#include "netstack/checksum.h"
#include "tables/syncookie.h"
#include "tables/synproxy.h"
#include "tests/unit/tables/rule_text.h"

#define MINUTE (60 * 1000000000ull)

/* segment: a TCP segment of the test's connection. */
static struct pkt *segment(struct bench *b, uint8_t flags, uint32_t seq, uint32_t ack)
{
	const struct craft c = { .src = "10.0.0.1",
				 .dst = "10.0.1.1",
				 .sport = 5000,
				 .dport = 80,
				 .tcp_flags = flags,
				 .seq = seq,
				 .ack = ack };

	return craft_packet(b->ns->pool, &c);
}

/* checked: what the acknowledgement of @cookie to a SYN @seq says. */
static unsigned checked(struct bench *b, uint32_t seq, uint32_t cookie)
{
	struct pkt *p = segment(b, TCP_ACK, seq + 1, cookie + 1);
	const struct tcp_hdr *th = pkt_l4(p, sizeof *th);
	unsigned mss = th ? syncookie_check(b->ctk, p, th) : 0;

	pkt_free(p);
	return mss;
}

/* A size is held as the next lower one of four, for two minutes. */
static void test_cookies(void **state)
{
	static const uint16_t rows[][2] = { { 0, 536 },     { 536, 536 },   { 1299, 536 },
					    { 1300, 1300 }, { 1439, 1300 }, { 1440, 1440 },
					    { 1459, 1440 }, { 1460, 1460 }, { 65535, 1460 } };
	struct bench b;

	(void)state;
	bench_begin(&b);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pkt *p = segment(&b, TCP_SYN, 1000, 0);
		const struct tcp_hdr *th = pkt_l4(p, sizeof *th);
		uint32_t cookie = th ? syncookie_make(b.ctk, p, th, rows[i][0]) : 0;

		assert_int_equal(checked(&b, 1000, cookie), rows[i][1]);
		assert_int_equal(checked(&b, 1000, cookie + 100), 0);
		assert_int_equal(checked(&b, 2000, cookie), 0);
		b.ns->now += MINUTE;
		assert_int_equal(checked(&b, 1000, cookie), rows[i][1]);
		b.ns->now += MINUTE;
		assert_int_equal(checked(&b, 1000, cookie), 0);
		pkt_free(p);
	}
	bench_end(&b);
}

/* Options as they come; the walk ends at one that is broken. */
static const struct option_row {
	const char *bytes;
	unsigned len;
	uint8_t options;
	uint16_t mss;
	uint8_t wscale;
	uint32_t tsval;
} option_rows[] = {
	{ "", 0, 0, 0, 0, 0 },
	{ "\x02\x04\x05\xb4", 4, SYNPROXY_MSS, 1460, 0, 0 },
	{ "\x01\x03\x03\x07", 4, SYNPROXY_WSCALE, 0, 7, 0 },
	{ "\x01\x03\x03\x0f", 4, SYNPROXY_WSCALE, 0, 14, 0 },
	{ "\x04\x02\x08\x0a\x00\x00\x00\x09\x00\x00\x00\x00", 12, SYNPROXY_SACK_PERM | SYNPROXY_TIMESTAMP, 0,
	  0, 9 },
	{ "\x00\x02\x04\x05\xb4\x00\x00\x00", 8, 0, 0, 0, 0 },
	{ "\x02\x03\x05\x01", 4, 0, 0, 0, 0 },
	{ "\x01\x01\x02\x04", 4, 0, 0, 0, 0 },
	{ "\x01\x01\x01\x02", 4, 0, 0, 0, 0 },
	{ "\xfe\x00\x04\x02", 4, 0, 0, 0, 0 },
};

static void test_options(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	for (size_t i = 0; i < sizeof option_rows / sizeof option_rows[0]; i++) {
		const struct option_row *r = &option_rows[i];
		const struct craft c = { .src = "10.0.0.1",
					 .dst = "10.0.1.1",
					 .tcp_flags = TCP_SYN,
					 .tcp_options = (const uint8_t *)r->bytes,
					 .tcp_options_len = r->len };
		struct pkt *p = craft_packet(b.ns->pool, &c);
		struct synproxy_options o;

		assert_non_null(synproxy_parse(p, &o));
		if (o.options != r->options || o.mss != r->mss || o.wscale != r->wscale ||
		    o.tsval != r->tsval)
			fail_msg("row %zu: options %x mss %u wscale %u tsval %u", i, o.options, o.mss,
				 o.wscale, o.tsval);
		p->len -= 1;
		assert_null(r->len ? synproxy_parse(p, &o) : NULL);
		pkt_free(p);
	}
	bench_end(&b);
}

/* What cannot be proxied is dropped; what is neither SYN nor ACK goes on; no packet is lost to the balance. */
static void test_target(void **state)
{
	static const struct {
		uint8_t flags;
		bool bad;
		enum verdict verdict;
		unsigned made;
	} rows[] = {
		{ TCP_SYN, false, VERDICT_STOLEN, 1 },
		{ TCP_SYN, true, VERDICT_DROP, 0 },
		{ TCP_ACK, false, VERDICT_DROP, 0 },
		{ TCP_SYN | TCP_ACK, false, VERDICT_ACCEPT, 0 },
		{ TCP_RST, false, VERDICT_ACCEPT, 0 },
		{ TCP_FIN | TCP_ACK, false, VERDICT_ACCEPT, 0 },
		{ TCP_SYN | TCP_FIN, false, VERDICT_ACCEPT, 0 },
	};
	struct rule_error err;
	struct bench b;

	(void)state;
	bench_begin(&b);
	assert_int_equal(
		bench_load(&b, TABLE_FILTER, "-A FORWARD -p tcp -j SYNPROXY --mss 1460", false, &err), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		const struct craft c = { .src = "10.0.0.1",
					 .dst = "10.0.1.1",
					 .tcp_flags = rows[i].flags,
					 .bad_l4_checksum = rows[i].bad };
		const struct hook_state st = { .hook = HOOK_FORWARD, .ns = b.ns };
		struct pkt *p = craft_packet(b.ns->pool, &c);
		uint64_t made = b.ns->balance.made;
		enum verdict v;

		b.ns->balance.rx++;
		v = tables_walk(b.tables, TABLE_FILTER, p, &st);
		assert_int_equal(v, rows[i].verdict);
		assert_int_equal(b.ns->balance.made - made, rows[i].made);
		if (v != VERDICT_STOLEN)
			netstack_drop(b.ns, p, DROP_RULE_FILTER);
		assert_int_equal(netstack_balance_error(b.ns), 0);
	}
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
