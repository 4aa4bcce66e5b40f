/* test_rewrite.c - packets rewritten from tuples: every protocol, every checksum state, what ICMP errors quote. */
#include "nat/nat_int.h"
#include "netstack/checksum.h"
#include "tests/unit/craft.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

/* need: what must be there. */
static void *need(void *x)
{
	if (!x)
		abort();
	return x;
}

struct row {
	const char *name;
	uint8_t proto;
	uint8_t csum; /* enum csum_state */
	unsigned payload;
	enum nat_manip manip;
	const char *addr;
	uint16_t key;
};

static const struct row rows[] = {
	{ "tcp source", IP_PROTO_TCP, CSUM_NONE, 11, NAT_MANIP_SRC, "203.0.113.9", 61000 },
	{ "tcp destination", IP_PROTO_TCP, CSUM_NONE, 0, NAT_MANIP_DST, "192.168.77.200", 8080 },
	{ "tcp same address", IP_PROTO_TCP, CSUM_OK, 5, NAT_MANIP_SRC, "10.1.2.3", 4001 },
	{ "tcp all ones", IP_PROTO_TCP, CSUM_NONE, 1, NAT_MANIP_DST, "255.255.255.255", 65535 },
	{ "tcp zero", IP_PROTO_TCP, CSUM_NONE, 1, NAT_MANIP_SRC, "0.0.0.0", 0 },
	{ "tcp partial", IP_PROTO_TCP, CSUM_PARTIAL, 1001, NAT_MANIP_SRC, "203.0.113.9", 61000 },
	{ "tcp partial super-packet", IP_PROTO_TCP, CSUM_PARTIAL, 60000, NAT_MANIP_DST, "203.0.113.9",
	  61000 },
	{ "udp source", IP_PROTO_UDP, CSUM_NONE, 18, NAT_MANIP_SRC, "203.0.113.9", 61000 },
	{ "udp destination", IP_PROTO_UDP, CSUM_NONE, 18, NAT_MANIP_DST, "198.51.100.1", 53 },
	{ "udp partial", IP_PROTO_UDP, CSUM_PARTIAL, 777, NAT_MANIP_SRC, "203.0.113.9", 61000 },
	{ "icmp id", IP_PROTO_ICMP, CSUM_NONE, 56, NAT_MANIP_SRC, "203.0.113.9", 777 },
};

/* make: the packet of a row, its checksum in the wanted state. */
static struct pkt *make(struct pkt_pool *pool, const struct row *r)
{
	struct pkt *p =
		craft_packet(pool, &(struct craft){ .src = "10.1.2.3",
						    .dst = "10.9.8.7",
						    .proto = r->proto,
						    .sport = 4000,
						    .dport = 80,
						    .tcp_flags = TCP_ACK,
						    .icmp = r->proto == IP_PROTO_ICMP,
						    .icmp_type = r->proto == IP_PROTO_ICMP ? ICMP_ECHO : 0,
						    .icmp_id = 4000,
						    .payload_len = r->payload });
	uint16_t *field;

	p->csum = r->csum;
	if (r->csum != CSUM_PARTIAL)
		return p;
	p->csum_start = p->hdr.l4;
	p->csum_offset = r->proto == IP_PROTO_TCP ? 16 : 6;
	field = need(pkt_at(p, (uint32_t)p->csum_start + p->csum_offset, 2));
	*field =
		(uint16_t)~csum_fold(csum_pseudo4(ip4_hdr(p)->src, ip4_hdr(p)->dst, r->proto, pkt_l4_len(p)));
	if (r->payload > 1460) {
		p->gso = GSO_TCP4;
		p->gso_size = 1448;
	}
	return p;
}

/* right: all checksums of @p, a partial one completed. */
static bool right(struct pkt *p)
{
	assert_int_equal(csum_complete(p), 0);
	p->csum = CSUM_NONE;
	return csum_bytes(p->data, p->hdr.l4) == 0 && csum_l4_verify(p);
}

static void test_rows(void **state)
{
	struct pkt_pool *pool = pkt_pool_create(4, 4);

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const struct row *r = &rows[i];
		struct pkt *p = make(pool, r);
		struct nat_target to = { .addr = inet_addr(r->addr),
					 .key = htons(r->key),
					 .proto = r->proto };
		const uint16_t *l4;

		assert_true(nat_rewrite(p, 0, &to, r->manip));
		assert_int_equal(p->csum, r->csum);
		l4 = need(pkt_l4(p, 8));
		assert_int_equal(r->manip == NAT_MANIP_SRC ? ip4_hdr(p)->src : ip4_hdr(p)->dst, to.addr);
		assert_int_equal(r->manip == NAT_MANIP_SRC ? ip4_hdr(p)->dst : ip4_hdr(p)->src,
				 inet_addr(r->manip == NAT_MANIP_SRC ? "10.9.8.7" : "10.1.2.3"));
		assert_int_equal(
			ntohs(r->proto == IP_PROTO_ICMP ? l4[2] : l4[r->manip == NAT_MANIP_SRC ? 0 : 1]),
			r->key);
		if (!right(p))
			fail_msg("%s: checksum", r->name);
		pkt_free(p);
	}
	assert_int_equal(pkt_pool_destroy(pool), 0);
}

/* A checksum that was wrong stays wrong; UDP's 0 stays 0 and a result of 0 is written as 0xffff. */
static void test_checksum_rules(void **state)
{
	struct pkt_pool *pool = pkt_pool_create(4, 4);
	struct craft k = {
		.src = "10.1.2.3", .dst = "10.9.8.7", .sport = 4000, .dport = 53, .payload_len = 9
	};
	struct nat_target to = { .addr = inet_addr("192.0.2.1"), .key = htons(4000), .proto = IP_PROTO_UDP };
	struct udp_hdr *uh;
	struct pkt *p;
	unsigned zeros = 0;

	(void)state;
	p = craft_packet(pool, &k);
	uh = need(pkt_l4(p, sizeof *uh));
	uh->checksum = 0;
	assert_true(nat_rewrite(p, 0, &to, NAT_MANIP_SRC));
	assert_int_equal(uh->checksum, 0);
	pkt_free(p);

	k.bad_l4_checksum = true;
	p = craft_packet(pool, &k);
	assert_true(nat_rewrite(p, 0, &to, NAT_MANIP_SRC));
	assert_false(right(p));
	pkt_free(p);

	k.bad_l4_checksum = false;
	for (uint32_t port = 0; port < 65536; port++) {
		p = craft_packet(pool, &k);
		to.key = htons((uint16_t)port);
		assert_true(nat_rewrite(p, 0, &to, NAT_MANIP_SRC));
		uh = need(pkt_l4(p, sizeof *uh));
		assert_int_not_equal(uh->checksum, 0);
		zeros += uh->checksum == 0xffff;
		assert_true(right(p));
		pkt_free(p);
	}
	assert_true(zeros >= 1);
	assert_int_equal(pkt_pool_destroy(pool), 0);
}

/* DCCP: the port of one side and a checksum with a pseudo header, over all of it or its covered part alone. */
static void test_dccp(void **state)
{
	struct pkt_pool *pool = pkt_pool_create(4, 4);
	uint8_t bytes[24] = { 0x0f, 0xa0, 0, 80, 5, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 'd', 'a', 't', 'a' };

	(void)state;
	for (unsigned covered = 20; covered <= sizeof bytes; covered += 4) {
		struct craft k = { .src = "10.1.2.3", .dst = "10.9.8.7", .proto = IP_PROTO_DCCP, .payload = bytes,
				   .payload_len = sizeof bytes };
		struct nat_target to = { .addr = inet_addr("192.0.2.1"), .key = htons(61000), .proto = IP_PROTO_DCCP };
		uint32_t dst = inet_addr("10.9.8.7");
		uint16_t sum = 0;
		struct pkt *p;

		memcpy(bytes + 6, &sum, 2);
		sum = csum_fold(csum_add_bytes(csum_pseudo4(inet_addr("10.1.2.3"), dst, IP_PROTO_DCCP, sizeof bytes), bytes,
					       covered));
		memcpy(bytes + 6, &sum, 2);
		p = craft_packet(pool, &k);
		assert_true(nat_rewrite(p, 0, &to, NAT_MANIP_SRC));
		assert_int_equal(p->data[20] << 8 | p->data[21], 61000);
		assert_int_equal(p->data[22] << 8 | p->data[23], 80);
		assert_int_equal(csum_fold(csum_add_bytes(csum_pseudo4(to.addr, dst, IP_PROTO_DCCP, sizeof bytes),
							  p->data + 20, covered)), 0);
		pkt_free(p);
	}
	assert_int_equal(pkt_pool_destroy(pool), 0);
}

/* Headers that are not all there, and ICMP errors' own id, are left alone. */
static void test_short(void **state)
{
	static const struct {
		uint8_t proto;
		uint32_t len; /* of the whole packet */
		bool ok;
	} cases[] = {
		{ IP_PROTO_TCP, 27, false }, { IP_PROTO_TCP, 28, true },   { IP_PROTO_TCP, 39, true },
		{ IP_PROTO_UDP, 27, false }, { IP_PROTO_UDP, 28, true },   { IP_PROTO_ICMP, 27, false },
		{ IP_PROTO_SCTP, 28, true }, { IP_PROTO_SCTP, 27, false }, { IP_PROTO_GRE, 27, false },
		{ IP_PROTO_DCCP, 27, false }, { IP_PROTO_DCCP, 28, true }, { IP_PROTO_DCCP, 32, true },
		{ IP_PROTO_GRE, 28, true },  { IP_PROTO_ESP, 20, true },   { IP_PROTO_ESP, 19, false },
	};
	struct pkt_pool *pool = pkt_pool_create(4, 4);

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct pkt *p = craft_packet(pool, &(struct craft){ .src = "10.1.2.3",
								    .dst = "10.9.8.7",
								    .proto = IP_PROTO_TCP,
								    .tcp_flags = TCP_ACK,
								    .payload_len = 64 });
		struct nat_target to = { .addr = inet_addr("192.0.2.1"), .proto = cases[i].proto };

		p->len = cases[i].len;
		if (cases[i].proto == IP_PROTO_GRE)
			memset(p->data + 20, 0, 8);
		if (nat_rewrite(p, 0, &to, NAT_MANIP_DST) != cases[i].ok)
			fail_msg("proto %u length %u", cases[i].proto, cases[i].len);
		pkt_free(p);
	}
	assert_int_equal(pkt_pool_destroy(pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_checksum_rules),
		cmocka_unit_test(test_dccp), cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
