/* test_forward.c - input checks, TTL, MTU, fragmentation on output, redirects. */
#include "tests/unit/netstack/fixture.h"

/* Frames that never reach a hook. The mutation is applied to a valid UDP packet of 20 + 8 + 12 bytes. */
static void test_input_rejects(void **state)
{
	static const struct {
		int at;       /* byte of the IP header to set; -1: none */
		uint8_t value;
		int cut;      /* bytes to keep of the packet; 0 all */
		enum drop_reason reason;
	} rows[] = {
		{ -1, 0, 10, DROP_IP_SHORT },
		{ 0, 0x65, 0, DROP_IP_BAD_VERSION },
		{ 0, 0x44, 0, DROP_IP_BAD_HEADER_LENGTH },
		{ 0, 0x4f, 0, DROP_IP_BAD_HEADER_LENGTH },
		{ 10, 0x12, 0, DROP_IP_BAD_CHECKSUM },
		{ -1, 0, 30, DROP_IP_BAD_TOTAL_LENGTH },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);
		struct pkt *p = craft_frame(lab->ns->pool, CLIENT_MAC, LAN_MAC,
					    &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .payload_len = 12 });

		if (rows[i].at >= 0)
			p->data[ETH_HLEN + rows[i].at] = rows[i].value;
		if (rows[i].cut)
			p->len = ETH_HLEN + (uint32_t)rows[i].cut;
		netstack_input(lab->ns, lab->lan, p);
		assert_int_equal(dropped(lab, rows[i].reason), 1);
		assert_int_equal(lab->ns->snmp[SNMP_IpInHdrErrors], 1);
		lab_destroy(lab);
	}
}

static void test_ethernet(void **state)
{
	static const struct {
		const char *dst;
		uint16_t type;
		enum drop_reason reason;
	} rows[] = {
		{ "02:00:00:00:00:99", ETHERTYPE_IP4, DROP_ETH_OTHER_HOST },
		{ LAN_MAC, ETHERTYPE_IP6, DROP_ETH_IP6_UNSUPPORTED },
		{ LAN_MAC, ETHERTYPE_VLAN, DROP_ETH_VLAN_UNSUPPORTED },
		{ LAN_MAC, 0x88cc, DROP_ETH_UNKNOWN_TYPE },
		{ BROADCAST, ETHERTYPE_IP4, DROP_IP_NOT_FORWARDABLE },
		{ LAN_MAC, ETHERTYPE_ARP, DROP_ARP_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);
		struct pkt *p = craft_frame(lab->ns->pool, CLIENT_MAC, rows[i].dst,
					    &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8" });

		((struct eth_hdr *)(void *)p->data)->type = htons(rows[i].type);
		netstack_input(lab->ns, lab->lan, p);
		assert_int_equal(dropped(lab, rows[i].reason), 1);
		lab_destroy(lab);
	}
}

static void test_plain(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct pkt *p = craft_frame(lab->ns->pool, CLIENT_MAC, LAN_MAC,
				    &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 9, .payload_len = 3 });

	(void)state;
	p->len += 15; /* Ethernet padding goes */
	netstack_input(lab->ns, lab->lan, p);
	assert_int_equal(sent_ip(lab, 0)->ttl, 8);
	assert_int_equal(sent(lab, 0)->len, ETH_HLEN + 31);
	assert_ptr_equal(sent(lab, 0)->port, lab->wan);
	assert_int_equal(sent_eth(lab, 0)->dst[4], 2);
	assert_int_equal(lab->wan->stats.tx_packets, 2); /* with an ARP reply */
	lab_destroy(lab);
}

static void test_ttl(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 1 });
	assert_int_equal(dropped(lab, DROP_IP_TTL_EXPIRED), 1);
	assert_int_equal(sent_icmp(lab, 0)->type, ICMP_TIME_EXCEEDED);
	assert_int_equal(sent_ip(lab, 0)->src, be("10.1.0.254"));
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 2 });
	assert_int_equal(sent_ip(lab, 1)->ttl, 1);
	/* The decremented checksum is right for each value. */
	for (int id = 0; id < 1000; id++) {
		world_clear(&lab->world);
		from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .id = (uint16_t)(id * 67) });
		(void)sent_ip(lab, 0);
	}
	lab_destroy(lab);
}

/* Size of the packet, DF, and what leaves: lengths of the IP packets, 0 = end; frag_needed: the MTU told
 * instead. */
static void test_mtu(void **state)
{
	static const struct {
		unsigned payload;
		uint16_t frag;
		uint16_t mtu;
		unsigned lens[4];
		uint16_t offsets[4];
		uint16_t frag_needed;
	} rows[] = {
		{ 1472, 0, 1500, { 1500 }, { 0 }, 0 },
		{ 1473, 0, 1500, { 1500, 21 }, { IP4_MF, 185 }, 0 },
		{ 1473, IP4_DF, 1500, { 0 }, { 0 }, 1500 },
		{ 1472, 0, 1400, { 1396, 124 }, { IP4_MF, 172 }, 0 },
		{ 1472, IP4_DF, 1400, { 0 }, { 0 }, 1400 },
		{ 1472, 0, 576, { 572, 572, 396 }, { IP4_MF, IP4_MF | 69, 138 }, 0 },
		{ 1472, IP4_MF, 1400, { 1396, 124 }, { IP4_MF, IP4_MF | 172 }, 0 }, /* a fragment, not put together */
		{ 1472, 100, 1400, { 1396, 124 }, { IP4_MF | 100, 272 }, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);
		unsigned n = 0;

		lab->wan->mtu = rows[i].mtu;
		from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .payload_len = rows[i].payload,
						  .frag = rows[i].frag, .id = 0x4242 });
		for (; n < 4 && rows[i].lens[n]; n++) {
			assert_int_equal(ntohs(sent_ip(lab, n)->total_len), rows[i].lens[n]);
			assert_int_equal(ntohs(sent_ip(lab, n)->frag), rows[i].offsets[n]);
			assert_int_equal(sent_ip(lab, n)->id, htons(0x4242));
		}
		if (rows[i].frag_needed) {
			assert_int_equal(sent_icmp(lab, 0)->type, ICMP_UNREACHABLE);
			assert_int_equal(sent_icmp(lab, 0)->code, ICMP_FRAG_NEEDED);
			assert_int_equal(ntohs(sent_icmp(lab, 0)->mtu), rows[i].frag_needed);
			assert_int_equal(ntohs(sent_ip(lab, 0)->total_len), 576);
			assert_int_equal(dropped(lab, DROP_IP_NEED_FRAGMENT), 1);
			n = 1;
		}
		assert_int_equal(lab->world.count, n);
		lab_destroy(lab);
	}
}

static void test_fragment_options(void **state)
{
	/* record route (not copied), security (copied), no-op */
	static const uint8_t options[] = { 130, 3, 0, 7, 3, 4, 1, 0 };
	struct lab *lab = lab_create(NULL);
	const uint8_t *second;

	(void)state;
	lab->wan->mtu = 600;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .payload_len = 800,
					  .ip_options = options, .ip_options_len = sizeof options });
	assert_int_equal(lab->world.count, 2);
	assert_memory_equal((uint8_t *)sent_ip(lab, 0) + 20, options, sizeof options);
	second = (uint8_t *)sent_ip(lab, 1) + 20;
	assert_memory_equal(second, ((uint8_t[]){ 130, 3, 0, 1, 1, 1, 1, 0 }), sizeof options);
	lab_destroy(lab);
}

static void test_redirect(void **state)
{
	struct lab *lab = lab_create(NULL);
	const struct craft c = { .src = "10.1.0.1", .dst = "10.9.0.1" };

	(void)state;
	assert_int_equal(lab_route(lab, "10.9.0.0/16", "10.1.0.9", ROUTE_UNICAST), 0);
	lab_learn(lab, lab->lan, "02:00:00:00:01:09", "10.1.0.9", "10.1.0.254");
	world_clear(&lab->world);
	from_client(lab, &c);
	assert_int_equal(lab->world.count, 2); /* the redirect, and the packet all the same */
	assert_int_equal(sent_icmp(lab, 0)->type, ICMP_REDIRECT);
	assert_int_equal(sent_icmp(lab, 0)->code, ICMP_REDIRECT_HOST);
	assert_int_equal(sent_icmp(lab, 0)->gateway, be("10.1.0.9"));
	assert_int_equal(sent_ip(lab, 1)->ttl, 63);
	from_client(lab, &c);
	assert_int_equal(lab->world.count, 3); /* not again so soon */
	lab_sleep(lab, 41 * MS);
	from_client(lab, &c);
	assert_int_equal(lab->world.count, 5);
	lab->lan->conf.send_redirects = lab->ns->conf.all.send_redirects = 0;
	lab_sleep(lab, 100 * SECOND);
	world_clear(&lab->world);
	from_client(lab, &c);
	assert_int_equal(lab->world.count, 1);
	lab_destroy(lab);
}

static void test_transmit_failure(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	lab->world.transmit_result = -EAGAIN;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8" });
	lab->world.transmit_result = -EIO;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8" });
	assert_int_equal(dropped(lab, DROP_TX_FULL), 1);
	assert_int_equal(dropped(lab, DROP_TX_ERROR), 1);
	assert_int_equal(lab->wan->stats.tx_dropped, 2);
	lab_destroy(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input_rejects), cmocka_unit_test(test_ethernet),
		cmocka_unit_test(test_plain),	      cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_mtu),	      cmocka_unit_test(test_fragment_options),
		cmocka_unit_test(test_redirect),      cmocka_unit_test(test_transmit_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
