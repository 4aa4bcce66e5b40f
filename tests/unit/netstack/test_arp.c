/* test_arp.c - what is answered, what is learned, and the states of a neighbour over time. */
#include "netstack/neigh.h"
#include "tests/unit/netstack/fixture.h"

/* find: the neighbour @wanted of neigh_each. */
struct find {
	uint32_t ip;
	struct neigh_info info;
	int found;
};
static void find_one(void *ctx, const struct neigh_info *n)
{
	struct find *f = ctx;

	if (n->addr.word[0] == f->ip) {
		f->info = *n;
		f->found++;
	}
}

/* state_of: the state of a neighbour; NEIGH_NONE if there is none. */
static enum neigh_state state_of(struct lab *lab, const char *ip)
{
	struct find f = { .ip = be(ip) };

	neigh_each(lab->ns, find_one, &f);
	return f.found ? f.info.state : NEIGH_NONE;
}

static void arp_in(struct lab *lab, const char *dst, uint16_t op, const char *mac, const char *sip, const char *tip)
{
	netstack_input(lab->ns, lab->lan, craft_arp(lab->ns->pool, dst, op, mac, sip, LAN_MAC, tip));
	assert_int_equal(netstack_balance_error(lab->ns), 0);
}

static void to_host(struct lab *lab, const char *dst)
{
	from_server(lab, &(struct craft){ .src = "203.0.113.1", .dst = dst, .sport = 1, .dport = 2, .payload_len = 10 });
}

static void test_answers(void **state)
{
	static const struct {
		const char *sip, *tip;
		int ignore, filter, proxy;
		bool answered;
		enum drop_reason reason;
	} rows[] = {
		{ "10.1.0.9", "10.1.0.254", 0, 0, 0, true, DROP_NONE },
		{ "10.1.0.9", "203.0.113.254", 0, 0, 0, true, DROP_NONE }, /* any address of ours */
		{ "10.1.0.9", "203.0.113.254", 1, 0, 0, false, DROP_ARP_FILTERED },
		{ "10.9.0.9", "10.1.0.254", 2, 0, 0, false, DROP_ARP_FILTERED },
		{ "10.1.0.9", "10.1.0.254", 8, 0, 0, false, DROP_ARP_FILTERED },
		{ "203.0.113.9", "10.1.0.254", 0, 1, 0, false, DROP_ARP_FILTERED },
		{ "10.1.0.9", "10.1.0.77", 0, 0, 0, false, DROP_ARP_CONSUMED },
		{ "0.0.0.0", "10.1.0.254", 0, 0, 0, true, DROP_NONE }, /* RFC 5227 probe */
		{ "10.1.0.254", "10.1.0.254", 0, 0, 0, false, DROP_ARP_CONSUMED },
		{ "10.1.0.9", "127.0.0.1", 0, 0, 0, false, DROP_ARP_FILTERED },
		{ "10.1.0.9", "8.8.8.8", 0, 0, 0, false, DROP_ARP_CONSUMED },
		{ "10.1.0.9", "8.8.8.8", 0, 0, 1, true, DROP_NONE },
		{ "10.1.0.9", "10.1.0.77", 0, 0, 1, false, DROP_ARP_CONSUMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);

		lab->lan->conf.arp_ignore = rows[i].ignore;
		lab->lan->conf.arp_filter = rows[i].filter;
		lab->lan->conf.proxy_arp = rows[i].proxy;
		arp_in(lab, BROADCAST, ARP_REQUEST, "02:00:00:00:01:09", rows[i].sip, rows[i].tip);
		assert_int_equal(lab->world.count, rows[i].answered);
		if (rows[i].answered) {
			struct arp_ip4 *arp = sent_arp(lab, 0);

			assert_int_equal(arp->op, htons(ARP_REPLY));
			assert_int_equal(arp->sender_ip, be(rows[i].tip));
			assert_int_equal(arp->target_ip, be(rows[i].sip));
			assert_memory_equal(arp->sender_mac, lab->lan->mac, MAC_LEN);
			assert_memory_equal(sent_eth(lab, 0)->dst, arp->target_mac, MAC_LEN);
		} else {
			assert_int_equal(dropped(lab, rows[i].reason), 1);
		}
		lab_destroy(lab);
	}
}

static void test_refused_updates(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct find f = { .ip = be("10.1.0.1") };

	(void)state;
	arp_in(lab, LAN_MAC, ARP_REPLY, "02:00:00:00:01:66", "10.1.0.66", "10.1.0.254"); /* nobody asked */
	assert_int_equal(state_of(lab, "10.1.0.66"), NEIGH_NONE);
	arp_in(lab, BROADCAST, ARP_REQUEST, "02:00:00:00:01:66", "10.1.0.66", "10.1.0.66"); /* gratuitous */
	assert_int_equal(state_of(lab, "10.1.0.66"), NEIGH_NONE);
	arp_in(lab, LAN_MAC, ARP_REPLY, "02:00:00:00:01:66", "10.1.0.254", "10.1.0.254"); /* our own address */
	assert_int_equal(state_of(lab, "10.1.0.254"), NEIGH_NONE);
	/* Within the lock time another address for the same host is not taken; later it is. */
	lab_sleep(lab, 500 * MS);
	arp_in(lab, LAN_MAC, ARP_REPLY, "02:00:00:00:01:66", "10.1.0.1", "10.1.0.254");
	neigh_each(lab->ns, find_one, &f);
	assert_int_equal(f.info.mac[5], 0x01);
	lab_sleep(lab, SECOND);
	arp_in(lab, LAN_MAC, ARP_REPLY, "02:00:00:00:01:66", "10.1.0.1", "10.1.0.254");
	neigh_each(lab->ns, find_one, &f);
	assert_int_equal(f.info.mac[5], 0x66);
	assert_int_equal(f.info.state, NEIGH_REACHABLE);
	lab->lan->conf.arp_accept = 1;
	arp_in(lab, BROADCAST, ARP_REQUEST, "02:00:00:00:01:67", "10.1.0.67", "10.1.0.67");
	assert_int_equal(state_of(lab, "10.1.0.67"), NEIGH_STALE);
	lab->lan->conf.drop_gratuitous_arp = 1;
	arp_in(lab, BROADCAST, ARP_REQUEST, "02:00:00:00:01:68", "10.1.0.68", "10.1.0.68");
	assert_int_equal(state_of(lab, "10.1.0.68"), NEIGH_NONE);
	lab_destroy(lab);
}

static void test_resolve_and_fail(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct icmp_hdr *icmp;

	(void)state;
	to_host(lab, "10.1.0.50");
	to_host(lab, "10.1.0.50");
	assert_int_equal(netstack_held(lab->ns), 2);
	assert_int_equal(lab->world.count, 1);
	assert_int_equal(sent_arp(lab, 0)->target_ip, be("10.1.0.50"));
	assert_int_equal(sent_arp(lab, 0)->sender_ip, be("10.1.0.254"));
	assert_int_equal(sent_eth(lab, 0)->dst[0], 0xff);
	lab_sleep(lab, 999 * MS);
	assert_int_equal(lab->world.count, 1);
	lab_sleep(lab, 1 * MS);
	assert_int_equal(lab->world.count, 2);
	lab_sleep(lab, 1000 * MS);
	assert_int_equal(lab->world.count, 3);
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_INCOMPLETE);
	lab_sleep(lab, 1000 * MS); /* 3 s: host unreachable for both */
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_FAILED);
	assert_int_equal(lab->world.count, 5);
	icmp = sent_icmp(lab, 3);
	assert_int_equal(icmp->type, ICMP_UNREACHABLE);
	assert_int_equal(icmp->code, ICMP_HOST_UNREACH);
	assert_int_equal(sent_ip(lab, 3)->src, be("203.0.113.254"));
	assert_int_equal(sent_ip(lab, 3)->dst, be("203.0.113.1"));
	assert_int_equal(dropped(lab, DROP_NEIGH_UNREACHABLE), 2);
	assert_int_equal(netstack_held(lab->ns), 0);
	to_host(lab, "10.1.0.50"); /* tries again */
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_INCOMPLETE);
	lab_destroy(lab);
}

static void test_resolve_and_send(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	to_host(lab, "10.1.0.50");
	to_host(lab, "10.1.0.50");
	arp_in(lab, LAN_MAC, ARP_REPLY, "02:00:00:00:01:50", "10.1.0.50", "10.1.0.254");
	assert_int_equal(lab->world.count, 3);
	assert_int_equal(sent_eth(lab, 1)->dst[5], 0x50);
	assert_int_equal(netstack_held(lab->ns), 0);
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_REACHABLE);
	lab_destroy(lab);
}

static void test_ageing(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	to_host(lab, "10.1.0.50");
	arp_in(lab, LAN_MAC, ARP_REPLY, "02:00:00:00:01:50", "10.1.0.50", "10.1.0.254");
	lab_sleep(lab, 14 * SECOND);
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_REACHABLE); /* at least 15 s */
	lab_sleep(lab, 32 * SECOND);
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_STALE); /* at most 45 s, unused */
	world_clear(&lab->world);
	to_host(lab, "10.1.0.50");
	assert_int_equal(lab->world.count, 1); /* sent at once */
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_DELAY);
	lab_sleep(lab, 5 * SECOND);
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_PROBE);
	assert_int_equal(lab->world.count, 2);
	assert_int_equal(sent_eth(lab, 1)->dst[5], 0x50); /* unicast probe */
	lab_sleep(lab, 1 * SECOND);
	assert_int_equal(lab->world.count, 3);
	arp_in(lab, LAN_MAC, ARP_REPLY, "02:00:00:00:01:50", "10.1.0.50", "10.1.0.254");
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_REACHABLE);
	lab_sleep(lab, 50 * SECOND);
	to_host(lab, "10.1.0.50");
	lab_sleep(lab, 8 * SECOND); /* nobody answers the three probes */
	assert_int_equal(state_of(lab, "10.1.0.50"), NEIGH_FAILED);
	lab_destroy(lab);
}

static void test_bounds(void **state)
{
	struct lab *lab = lab_create(NULL);
	char ip[32];

	(void)state;
	for (int i = 0; i < 150; i++)
		to_host(lab, "10.1.0.50");
	assert_int_equal(netstack_held(lab->ns), 101);
	assert_int_equal(dropped(lab, DROP_NEIGH_QUEUE_FULL), 49);
	lab->ns->conf.neigh_gc_thresh3 = 20;
	for (int i = 100; i < 200; i++) {
		snprintf(ip, sizeof ip, "10.1.0.%d", i);
		to_host(lab, ip);
	}
	assert_true(dropped(lab, DROP_NEIGH_TABLE_FULL) >= 80);
	port_set_up(lab->ns, lab->lan, false);
	assert_int_equal(netstack_held(lab->ns), 0);
	lab_destroy(lab);
}

static void test_teardown_counts_queue(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	to_host(lab, "10.1.0.50");
	assert_int_equal(netstack_held(lab->ns), 1);
	lab_destroy(lab); /* asserts that nothing leaks */
}

/* A packet that reaches a port which went down in between waits there: it goes with the port. */
static void test_removed_while_down(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct pkt *p = craft_packet(lab->ns->pool, &(struct craft){ .src = "10.1.0.1", .dst = "203.0.113.77" });

	(void)state;
	port_set_up(lab->ns, lab->wan, false);
	lab->ns->balance.rx++;
	p->in = lab->lan;
	p->out = lab->wan;
	p->route_type = ROUTE_UNICAST;
	p->next_hop = pkt_dst(p);
	neigh_output(lab->ns, p);
	assert_int_equal(netstack_held(lab->ns), 1);
	port_remove(lab->ns, lab->wan);
	assert_int_equal(netstack_held(lab->ns), 0);
	lab_sleep(lab, 5 * SECOND);
	lab_destroy(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),		 cmocka_unit_test(test_refused_updates),
		cmocka_unit_test(test_resolve_and_fail), cmocka_unit_test(test_resolve_and_send),
		cmocka_unit_test(test_ageing),		 cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_teardown_counts_queue), cmocka_unit_test(test_removed_while_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
