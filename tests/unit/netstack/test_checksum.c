/* test_checksum.c - sums, incremental updates in each checksum state, CRC32c, the packet pool. */
#include "tests/unit/netstack/fixture.h"

static void test_vectors(void **state)
{
	/* RFC 1071 section 3: the sum of these is ddf2, its complement 220d. */
	static const uint8_t rfc1071[] = { 0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7 };
	uint8_t bytes[200];

	(void)state;
	assert_int_equal(csum_bytes(rfc1071, sizeof rfc1071), htons(0x220d));
	for (unsigned len = 0; len < sizeof bytes; len++) { /* against the plain definition, odd lengths too */
		uint32_t sum = 0;

		for (unsigned i = 0; i < len; i++) {
			bytes[i] = (uint8_t)(i * 37 + len);
			sum += i & 1 ? bytes[i] : bytes[i] << 8;
		}
		while (sum >> 16)
			sum = (sum & 0xffff) + (sum >> 16);
		assert_int_equal(csum_bytes(bytes, len), htons((uint16_t)~sum));
	}
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
}

/* A change of address and port keeps the checksum right in each state; UDP and TCP. */
static void test_incremental(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	for (int tcp = 0; tcp < 2; tcp++) {
		for (int partial = 0; partial < 2; partial++) {
			struct pkt *p = craft_packet(lab->ns->pool, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8",
					.sport = 77, .dport = 99, .tcp_flags = tcp ? TCP_ACK : 0, .payload_len = 33 });
			struct ip4_hdr *ip = ip4_hdr(p);
			uint16_t *field = pkt_at(p, 20u + (tcp ? 16 : 6), 2), *port = pkt_at(p, 20, 2);
			uint32_t to = be("203.0.113.254");

			assert_non_null(field);
			if (partial) {
				p->csum = CSUM_PARTIAL;
				p->csum_start = 20;
				p->csum_offset = tcp ? 16 : 6;
				*field = (uint16_t)~csum_fold(csum_pseudo4(ip->src, ip->dst, ip->proto, p->len - 20));
			}
			csum_l4_replace32(p, field, ip->src, to, true);
			csum_replace32(&ip->checksum, ip->src, to);
			ip->src = to;
			csum_l4_replace16(p, field, *port, htons(4242), false);
			*port = htons(4242);
			assert_int_equal(csum_bytes(ip, 20), 0);
			assert_int_equal(csum_complete(p), 0);
			p->csum = CSUM_NONE;
			assert_true(csum_l4_verify(p));
			p->data[p->len - 1] ^= 1;
			p->csum = CSUM_NONE;
			assert_false(csum_l4_verify(p));
			pkt_free(p);
		}
	}
	lab_destroy(lab);
}

/* At a hook the sum is over the whole packet, whatever UDP's length says, and an ICMP message of zeros is right. */
static void test_at_hooks(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct pkt *p = craft_packet(lab->ns->pool,
				     &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .sport = 7, .dport = 9, .payload_len = 20 });
	struct udp_hdr *udp = (struct udp_hdr *)(void *)(p->data + p->hdr.l4);
	uint16_t shorter = htons(8 + 20 - 12);

	(void)state;
	assert_true(csum_hook_verify(p));
	csum_replace16(&udp->checksum, udp->len, shorter);
	udp->len = shorter;
	p->csum = CSUM_NONE;
	assert_true(csum_hook_verify(p));
	p->csum = CSUM_NONE;
	assert_false(csum_l4_verify(p));
	p->data[p->len - 1] ^= 1;
	assert_false(csum_hook_verify(p));
	udp->checksum = 0;
	assert_true(csum_hook_verify(p));
	ip4_hdr(p)->proto = IP_PROTO_ICMP;
	assert_int_equal(ip4_parse(p), 0);
	memset(p->data + p->hdr.l4, 0, p->len - p->hdr.l4);
	p->csum = CSUM_NONE;
	assert_false(csum_l4_verify(p));
	assert_true(csum_hook_verify(p));
	pkt_free(p);
	lab_destroy(lab);
}

static void test_complete_bounds(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct pkt *p = craft_packet(lab->ns->pool, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8" });

	(void)state;
	p->csum = CSUM_PARTIAL;
	p->csum_start = 26;
	p->csum_offset = 6;
	assert_int_equal(csum_complete(p), -EINVAL);
	pkt_free(p);
	lab_destroy(lab);
}

static void test_pool(void **state)
{
	struct pkt_pool *pool = pkt_pool_create(2, 1);
	struct pkt *a = pkt_alloc(pool, PKT_SMALL), *b = pkt_alloc(pool, PKT_SMALL), *c = pkt_alloc(pool, PKT_SMALL), *d;

	(void)state;
	assert_int_equal(c->class, PKT_LARGE); /* falls back */
	assert_null(pkt_alloc(pool, PKT_SMALL));
	assert_int_equal(pkt_pool_in_use(pool), 3);
	pkt_free(a);
	pkt_compact(c); /* back into a small block: nothing in it */
	assert_int_equal(c->class, PKT_SMALL);
	assert_int_equal(pkt_reserve_tail(c, 3000), 0);
	assert_int_equal(c->class, PKT_LARGE);
	c->len = 3000;
	memset(c->data, 5, 3000);
	pkt_compact(c); /* does not fit: stays */
	assert_int_equal(c->class, PKT_LARGE);
	assert_int_equal(pkt_reserve_tail(c, 70000), -ENOBUFS);
	assert_null(pkt_at(c, 2999, 2));
	assert_null(pkt_at(c, 4294967295u, 2));
	assert_non_null(pkt_at(c, 3000, 0));
	assert_int_equal(pkt_push(c, 100), -1);
	b->len = 10;
	memset(b->data, 9, 10);
	d = pkt_clone(b);
	assert_memory_equal(d->data, b->data, 10);
	pkt_free(b);
	pkt_free(c);
	pkt_free(d);
	pkt_free(NULL);
	assert_int_equal(pkt_pool_destroy(pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_incremental),
		cmocka_unit_test(test_at_hooks),
		cmocka_unit_test(test_complete_bounds),
		cmocka_unit_test(test_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
