/* test_icmp.c - ICMP errors byte for byte, what is not answered, rate limits, echo and timestamp, RST, local
 * refusals. */
#include "tests/unit/netstack/fixture.h"

static void test_error_bytes(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct ip4_hdr *ip;
	const uint8_t *quote;

	(void)state;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 1, .tos = 0xb9, .id = 5, .sport = 7,
					  .dport = 9, .payload_len = 1000 });
	ip = sent_ip(lab, 0);
	assert_int_equal(ip->tos, 0xc0 | (0xb9 & 0x1e));
	assert_int_equal(ip->ttl, 64);
	assert_int_equal(ip->frag, 0);
	assert_int_equal(ntohs(ip->total_len), 576);
	assert_int_equal(ip->src, be("10.1.0.254"));
	assert_int_equal(ip->dst, be("10.1.0.1"));
	assert_int_equal(sent_icmp(lab, 0)->type, ICMP_TIME_EXCEEDED);
	assert_int_equal(sent_icmp(lab, 0)->word, 0);
	quote = (uint8_t *)sent_icmp(lab, 0) + 8;
	assert_int_equal(quote[1], 0xb9);
	assert_int_equal(quote[5], 5);
	assert_int_equal(quote[8], 1); /* TTL as it was when it expired */
	assert_int_equal(quote[21], 7);
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 1, .payload_len = 3 });
	assert_int_equal(ntohs(sent_ip(lab, 1)->total_len), 20 + 8 + 31);
	assert_int_equal(ntohs(sent_ip(lab, 1)->id), ntohs(ip->id) + 1);
	lab_destroy(lab);
}

static void test_source_address(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	assert_int_equal(lab_route(lab, "172.16.0.0/16", "203.0.113.1", ROUTE_UNICAST), 0);
	from_client(lab, &(struct craft){ .src = "172.16.0.5", .dst = "8.8.8.8", .ttl = 1 });
	assert_int_equal(sent_ip(lab, 0)->src, be("203.0.113.254")); /* by the route back */
	lab->ns->conf.icmp_errors_use_inbound_ifaddr = 1;
	from_client(lab, &(struct craft){ .src = "172.16.0.5", .dst = "8.8.8.8", .ttl = 1 });
	assert_int_equal(sent_ip(lab, 1)->src, be("10.1.0.254"));
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "203.0.113.254", .sport = 1, .dport = 2 });
	assert_int_equal(sent_ip(lab, 2)->src, be("203.0.113.254")); /* the address that was asked */
	lab_destroy(lab);
}

/* What must not be answered: all expire here. */
static void test_silent(void **state)
{
	static const struct craft rows[] = {
		{ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 1, .icmp = true, .icmp_type = ICMP_UNREACHABLE },
		{ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 1, .icmp = true, .icmp_type = ICMP_REDIRECT },
		{ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 1, .icmp = true, .icmp_type = 40 },
		{ .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 1, .frag = 8 },
		{ .src = "10.1.0.1", .dst = "10.1.0.255", .sport = 1, .dport = 2 },
		{ .src = "10.1.0.1", .dst = "255.255.255.255", .sport = 1, .dport = 2 },
		{ .src = "10.1.0.1", .dst = "224.0.0.1", .sport = 1, .dport = 2 },
		{ .src = "10.1.0.1", .dst = "10.1.0.255", .icmp = true, .icmp_type = ICMP_ECHO },
		{ .src = "10.1.0.1", .dst = "10.1.0.254", .tcp_flags = TCP_RST },
		{ .src = "10.1.0.1", .dst = "10.1.0.254", .tcp_flags = TCP_SYN, .payload_len = 1, .bad_l4_checksum = true },
		{ .src = "10.1.0.1", .dst = "10.1.0.254", .sport = 1, .payload_len = 1, .bad_l4_checksum = true },
		{ .src = "10.1.0.1", .dst = "10.1.0.254", .icmp = true, .icmp_type = 8, .payload_len = 1, .bad_l4_checksum = true },
		{ .src = "10.1.0.1", .dst = "10.1.0.254", .icmp = true, .icmp_type = 15 },
		{ .src = "10.1.0.1", .dst = "10.1.0.254", .proto = IP_PROTO_IGMP, .payload_len = 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);

		from_client(lab, &rows[i]);
		if (lab->world.count)
			fail_msg("row %zu was answered", i);
		lab_destroy(lab);
	}
}

static void test_host_limit(void **state)
{
	struct lab *lab = lab_create(NULL);
	const struct craft expired = { .src = "10.1.0.1", .dst = "8.8.8.8", .ttl = 1 };

	(void)state;
	for (int i = 0; i < 10; i++)
		from_client(lab, &expired);
	assert_int_equal(lab->world.count, 6); /* the burst */
	assert_int_equal(lab->ns->snmp[SNMP_IcmpOutRateLimitHost], 4);
	lab_sleep(lab, 1 * SECOND);
	from_client(lab, &expired);
	from_client(lab, &expired);
	assert_int_equal(lab->world.count, 7);
	/* Path MTU discovery is not limited, nor is a type outside the mask. */
	lab->wan->mtu = 600;
	for (int i = 0; i < 10; i++)
		from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .frag = IP4_DF, .payload_len = 1000 });
	assert_int_equal(lab->world.count, 17);
	lab->ns->conf.icmp_ratemask = 0;
	for (int i = 0; i < 10; i++)
		from_client(lab, &expired);
	assert_int_equal(lab->world.count, 27);
	lab_destroy(lab);
}

static void test_global_limit(void **state)
{
	struct lab *lab = lab_create(NULL);
	char src[32];

	(void)state;
	for (int i = 0; i < 200; i++) {
		snprintf(src, sizeof src, "203.0.113.%d", 1 + i);
		from_client(lab, &(struct craft){ .src = src, .dst = "8.8.8.8", .ttl = 1 });
	}
	assert_true(lab->ns->snmp[SNMP_IcmpOutRateLimitGlobal] > 100); /* burst 50, 1 on average per message */
	assert_true(lab->ns->snmp[SNMP_IcmpOutTimeExcds] >= 25 && lab->ns->snmp[SNMP_IcmpOutTimeExcds] <= 90);
	lab_destroy(lab);
}

/* Unroutable packets take twice from the budget, as in Linux; once where errors are not limited. */
static void test_no_route(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	route_flush_static(lab->ns);
	for (int i = 0; i < 10; i++)
		from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8" });
	assert_int_equal(lab->world.count, 2);
	assert_int_equal(sent_icmp(lab, 0)->type, ICMP_UNREACHABLE);
	assert_int_equal(sent_icmp(lab, 0)->code, ICMP_NET_UNREACH);
	assert_int_equal(dropped(lab, DROP_IP_NO_ROUTE), 10);
	lab->ns->conf.icmp_ratelimit = 0;
	for (int i = 0; i < 10; i++)
		from_client(lab, &(struct craft){ .src = "10.1.0.2", .dst = "8.8.8.8" });
	assert_int_equal(dropped(lab, DROP_IP_NO_ROUTE), 20);
	assert_int_equal(lab->ns->snmp[SNMP_IcmpOutDestUnreachs], 2 + 5);
	lab_destroy(lab);
}

static void test_route_types(void **state)
{
	static const struct {
		enum route_type type;
		int code; /* -1: silent */
	} rows[] = { { ROUTE_BLACKHOLE, -1 }, { ROUTE_UNREACHABLE, ICMP_HOST_UNREACH }, { ROUTE_PROHIBIT, ICMP_PKT_FILTERED } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);

		assert_int_equal(lab_route(lab, "192.0.2.0/24", NULL, rows[i].type), 0);
		from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "192.0.2.1" });
		assert_int_equal(lab->world.count, rows[i].code >= 0);
		if (rows[i].code >= 0)
			assert_int_equal(sent_icmp(lab, 0)->code, rows[i].code);
		lab_destroy(lab);
	}
}

static void test_echo(void **state)
{
	struct lab *lab = lab_create(NULL);
	const char data[] = "some data of odd length";

	(void)state;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "203.0.113.254", .icmp = true, .icmp_type = ICMP_ECHO,
					  .icmp_code = 4, .icmp_id = 0x1234, .icmp_seq = 9, .tos = 0x2a, .ttl = 3,
					  .payload = data, .payload_len = sizeof data });
	assert_int_equal(sent_ip(lab, 0)->src, be("203.0.113.254"));
	assert_int_equal(sent_ip(lab, 0)->tos, 0x2a);
	assert_int_equal(sent_ip(lab, 0)->ttl, 64);
	assert_int_equal(sent_icmp(lab, 0)->type, ICMP_ECHO_REPLY);
	assert_int_equal(sent_icmp(lab, 0)->code, 4);
	assert_int_equal(sent_icmp(lab, 0)->id, htons(0x1234));
	assert_int_equal(sent_icmp(lab, 0)->sequence, htons(9));
	assert_memory_equal(sent_icmp(lab, 0) + 1, data, sizeof data);
	assert_int_equal(lab->ns->balance.delivered, 3); /* with two ARP requests */
	lab->ns->conf.icmp_echo_ignore_all = 1;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "10.1.0.254", .icmp = true, .icmp_type = ICMP_ECHO });
	assert_int_equal(lab->world.count, 1);
	lab->ns->conf.icmp_echo_ignore_all = 0;
	lab->ns->conf.icmp_echo_ignore_broadcasts = 0;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "10.1.0.255", .icmp = true, .icmp_type = ICMP_ECHO });
	assert_int_equal(sent_ip(lab, 1)->src, be("10.1.0.254"));
	lab_destroy(lab);
}

static void test_timestamp(void **state)
{
	struct lab *lab = lab_create(NULL);
	const uint32_t times[3] = { htonl(777), 0, 0 };
	uint32_t reply[3];

	(void)state;
	lab->ns->wall_offset = 90061 * (int64_t)SECOND; /* 1 day, 1 h, 1 min, 1 s */
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "10.1.0.254", .icmp = true, .icmp_type = ICMP_TIMESTAMP,
					  .icmp_id = 4, .payload = times, .payload_len = sizeof times });
	assert_int_equal(sent_icmp(lab, 0)->type, ICMP_TIMESTAMP_REPLY);
	memcpy(reply, sent_icmp(lab, 0) + 1, sizeof reply);
	assert_int_equal(ntohl(reply[0]), 777);
	assert_int_equal(ntohl(reply[1]), 3661000 + 1000000);
	assert_int_equal(reply[1], reply[2]);
	lab_destroy(lab);
}

static void test_local_refusals(void **state)
{
	static const struct {
		struct craft c;
		uint8_t code;
	} rows[] = {
		{ { .src = "10.1.0.1", .dst = "10.1.0.254", .sport = 9, .dport = 53 }, ICMP_PORT_UNREACH },
		{ { .src = "10.1.0.1", .dst = "10.1.0.254", .proto = 132, .payload_len = 20 }, ICMP_PROTO_UNREACH },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);

		from_client(lab, &rows[i].c);
		assert_int_equal(sent_icmp(lab, 0)->type, ICMP_UNREACHABLE);
		assert_int_equal(sent_icmp(lab, 0)->code, rows[i].code);
		assert_int_equal(dropped(lab, DROP_LOCAL_NO_LISTENER), 1);
		lab_destroy(lab);
	}
}

/* A datagram that says it is shorter than the packet: its checksum is that of the short one, whatever a hook found right,
 * and so much is quoted. */
static void test_short_datagram(void **state)
{
	static const struct {
		bool none;  /* no checksum */
		uint8_t csum;
		bool answered;
	} rows[] = { { true, CSUM_NONE, true }, { true, CSUM_OK, true }, { false, CSUM_NONE, false }, { false, CSUM_OK, false } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);
		struct pkt *p = craft_frame(lab->ns->pool, CLIENT_MAC, LAN_MAC,
					    &(struct craft){ .src = "10.1.0.1", .dst = "10.1.0.254", .payload_len = 10 });
		uint8_t *udp = p->data + ETH_HLEN + IP4_HLEN;

		udp[5] = 8;
		if (rows[i].none)
			udp[6] = udp[7] = 0;
		p->csum = rows[i].csum;
		netstack_input(lab->ns, lab->lan, p);
		assert_int_equal(lab->world.count, rows[i].answered);
		assert_int_equal(dropped(lab, DROP_LOCAL_BAD_CHECKSUM), !rows[i].answered);
		if (rows[i].answered)
			assert_int_equal(ntohs(sent_ip(lab, 0)->total_len), 20 + 8 + 20 + 8);
		lab_destroy(lab);
	}
}

static void test_reset(void **state)
{
	static const struct {
		uint8_t flags, rst_flags;
		uint32_t seq, ack, rst_seq, rst_ack;
		unsigned payload;
	} rows[] = {
		{ TCP_SYN, TCP_RST | TCP_ACK, 100, 0, 0, 101, 0 },
		{ TCP_SYN, TCP_RST | TCP_ACK, 0xffffffff, 0, 0, 5, 5 },
		{ TCP_FIN, TCP_RST | TCP_ACK, 100, 0, 0, 101, 0 },
		{ TCP_ACK, TCP_RST, 100, 2000, 2000, 0, 10 },
		{ TCP_SYN | TCP_ACK, TCP_RST, 100, 2000, 2000, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);
		struct tcp_hdr *tcp;
		struct ip4_hdr *ip;

		from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "10.1.0.254", .tcp_flags = rows[i].flags, .seq = rows[i].seq,
						  .ack = rows[i].ack, .sport = 1000, .dport = 80, .tos = 0x13, .id = 44,
						  .payload_len = rows[i].payload });
		ip = sent_ip(lab, 0);
		tcp = sent_l4(lab, 0);
		assert_int_equal(ip->id, 0);
		assert_int_equal(ip->frag, htons(IP4_DF));
		assert_int_equal(ip->ttl, 64);
		assert_int_equal(ip->tos, 0x10);
		assert_int_equal(tcp->flags, rows[i].rst_flags);
		assert_int_equal(ntohl(tcp->seq), rows[i].rst_seq);
		assert_int_equal(ntohl(tcp->ack), rows[i].rst_ack);
		assert_int_equal(tcp->window, 0);
		assert_int_equal(tcp->sport, htons(80));
		assert_int_equal(csum_fold(csum_add_bytes(csum_pseudo4(ip->src, ip->dst, IP_PROTO_TCP, 20), tcp, 20)), 0);
		lab_destroy(lab);
	}
}

/* reject: a FORWARD hook that answers with a RST, as -j REJECT --reject-with tcp-reset. */
static enum verdict reject(void *room, struct pkt *p, const struct hook_state *st)
{
	(void)room;
	(void)tcp_send_reset(st->ns, p, true);
	p->drop = DROP_RULE_REJECT;
	return VERDICT_DROP;
}

static void test_reset_from_rule(void **state)
{
	static const struct hook_slot slots[] = { { HOOK_FORWARD, ROOM_NETSTACK, 0, "reject", reject }, { .fn = NULL } };
	struct lab *lab = lab_create(slots);

	(void)state;
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .tcp_flags = TCP_SYN, .tos = 0x10 });
	assert_int_equal(sent_ip(lab, 0)->src, be("8.8.8.8"));
	assert_int_equal(sent_ip(lab, 0)->dst, be("10.1.0.1"));
	assert_int_equal(sent_ip(lab, 0)->tos, 0);
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .tcp_flags = TCP_SYN, .payload_len = 1,
					  .bad_l4_checksum = true });
	assert_int_equal(lab->world.count, 1);
	assert_int_equal(dropped(lab, DROP_RULE_REJECT), 2);
	lab_destroy(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_error_bytes),    cmocka_unit_test(test_source_address),
		cmocka_unit_test(test_silent),	       cmocka_unit_test(test_host_limit),
		cmocka_unit_test(test_global_limit),   cmocka_unit_test(test_no_route),
		cmocka_unit_test(test_route_types),    cmocka_unit_test(test_echo),
		cmocka_unit_test(test_timestamp),      cmocka_unit_test(test_local_refusals),
		cmocka_unit_test(test_short_datagram),
		cmocka_unit_test(test_reset),	       cmocka_unit_test(test_reset_from_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
