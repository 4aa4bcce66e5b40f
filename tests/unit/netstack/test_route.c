/* test_route.c - longest prefix match, tables, gateways, addresses, what an address is. */
#include "tests/unit/netstack/fixture.h"

static void test_lookup(void **state)
{
	struct lab *lab = lab_create(NULL);
	static const struct {
		const char *dst;
		enum route_type type;
		const char *port, *next_hop, *src;
	} rows[] = {
		{ "10.1.0.77", ROUTE_UNICAST, "lan", "10.1.0.77", "10.1.0.254" },
		{ "10.1.0.254", ROUTE_LOCAL, "lan", "10.1.0.254", "10.1.0.254" },
		{ "10.1.0.255", ROUTE_BROADCAST, "lan", "10.1.0.255", "10.1.0.254" },
		{ "8.8.8.8", ROUTE_UNICAST, "wan", "203.0.113.1", "203.0.113.254" },
		{ "10.9.1.1", ROUTE_UNICAST, "lan", "10.1.0.9", "10.1.0.254" },
		{ "10.9.2.1", ROUTE_UNICAST, "lan", "10.1.0.10", "10.1.0.254" },
		{ "10.9.2.129", ROUTE_UNICAST, "lan", "10.1.0.11", "10.1.0.254" },
		{ "192.0.2.1", ROUTE_BLACKHOLE, NULL, "192.0.2.1", NULL },
		{ "192.0.3.1", ROUTE_UNREACHABLE, NULL, "192.0.3.1", NULL },
		{ "192.0.4.1", ROUTE_PROHIBIT, NULL, "192.0.4.1", NULL },
		{ "127.0.0.1", ROUTE_LOCAL, "lan", "127.0.0.1", "127.0.0.1" },
	};

	(void)state;
	assert_int_equal(lab_route(lab, "10.9.0.0/16", "10.1.0.9", ROUTE_UNICAST), 0);
	assert_int_equal(lab_route(lab, "10.9.2.0/24", "10.1.0.10", ROUTE_UNICAST), 0);
	assert_int_equal(lab_route(lab, "10.9.2.128/25", "10.1.0.11", ROUTE_UNICAST), 0);
	assert_int_equal(lab_route(lab, "192.0.2.0/24", NULL, ROUTE_BLACKHOLE), 0);
	assert_int_equal(lab_route(lab, "192.0.3.0/24", NULL, ROUTE_UNREACHABLE), 0);
	assert_int_equal(lab_route(lab, "192.0.4.0/24", NULL, ROUTE_PROHIBIT), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct route_result res;

		route_lookup(lab->ns, &(struct route_key){ .dst = be(rows[i].dst) }, &res);
		assert_int_equal(res.type, rows[i].type);
		assert_int_equal(res.next_hop, be(rows[i].next_hop));
		if (rows[i].port)
			assert_string_equal(res.port->name, rows[i].port);
		else
			assert_null(res.port);
		assert_int_equal(res.src, rows[i].src ? be(rows[i].src) : 0);
	}
	lab_destroy(lab);
}

static void test_refused(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	assert_int_equal(lab_route(lab, "10.9.0.1/16", "10.1.0.9", ROUTE_UNICAST), -EINVAL);
	assert_int_equal(lab_route(lab, "10.9.0.0/16", NULL, ROUTE_UNICAST), -EINVAL);
	assert_int_equal(lab_route(lab, "10.9.0.0/16", "172.16.0.1", ROUTE_UNICAST), -ENETUNREACH); /* via default */
	assert_int_equal(lab_route(lab, "10.9.0.0/16", "10.1.0.254", ROUTE_UNICAST), -EINVAL); /* ourselves */
	assert_int_equal(lab_route(lab, "0.0.0.0/0", "10.1.0.9", ROUTE_UNICAST), -EEXIST);
	assert_int_equal(route_del(lab->ns, &(struct route){ .prefix = be("1.2.3.0"), .plen = 24 }), -ESRCH);
	lab_destroy(lab);
}

static void test_metric_and_down(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct route r = { .type = ROUTE_UNICAST, .protocol = 4, .gateway = be("10.1.0.7"), .metric = 10 };
	struct route_result res;
	const struct route_key key = { .dst = be("8.8.8.8") };

	(void)state;
	assert_int_equal(route_add(lab->ns, &r), 0);
	route_lookup(lab->ns, &key, &res);
	assert_ptr_equal(res.port, lab->wan);
	port_set_up(lab->ns, lab->wan, false);
	route_lookup(lab->ns, &key, &res);
	assert_ptr_equal(res.port, lab->lan);
	port_set_up(lab->ns, lab->wan, true);
	route_lookup(lab->ns, &key, &res);
	assert_ptr_equal(res.port, lab->wan);
	route_flush_static(lab->ns);
	route_lookup(lab->ns, &key, &res);
	assert_int_equal(res.type, ROUTE_NONE);
	lab_destroy(lab);
}

static void test_addresses(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct route_result res;

	(void)state;
	assert_int_equal(port_add_addr(lab->ns, lab->lan, be("10.1.0.254"), 24), -EEXIST);
	assert_int_equal(port_add_addr(lab->ns, lab->lan, be("224.0.0.9"), 24), -EINVAL);
	assert_int_equal(port_add_addr(lab->ns, lab->lan, be("10.1.0.253"), 24), 0);
	assert_true(lab->lan->addr[1].secondary);
	assert_int_equal(port_add_addr(lab->ns, lab->lan, be("10.2.0.1"), 30), 0);
	assert_int_equal(port_primary_ip4(lab->lan, be("10.2.0.2")), be("10.2.0.1"));
	assert_int_equal(port_primary_ip4(lab->lan, be("9.9.9.9")), be("10.1.0.254"));
	assert_int_equal(route_addr_type(lab->ns, be("10.1.0.253"), NULL), ROUTE_LOCAL);
	assert_int_equal(route_addr_type(lab->ns, be("10.1.0.253"), lab->wan), ROUTE_UNICAST);
	assert_int_equal(port_del_addr(lab->ns, lab->lan, be("10.1.0.254"), 24), 0); /* its secondary goes too */
	assert_int_equal(lab->lan->naddrs, 1);
	assert_int_equal(route_addr_type(lab->ns, be("10.1.0.253"), NULL), ROUTE_UNICAST);
	route_lookup(lab->ns, &(struct route_key){ .dst = be("10.1.0.9") }, &res);
	assert_ptr_equal(res.port, lab->wan);
	assert_int_equal(port_del_addr(lab->ns, lab->lan, be("10.1.0.254"), 24), -ENOENT);
	port_remove(lab->ns, lab->wan);
	route_lookup(lab->ns, &(struct route_key){ .dst = be("10.1.0.9") }, &res);
	assert_int_equal(res.type, ROUTE_NONE);
	lab_destroy(lab);
}

/* The decision for received packets: sources and destinations that cannot be, and what the settings
 * change. */
static void test_input_decisions(void **state)
{
	static const struct {
		const char *src, *dst;
		bool server; /* comes in on wan */
		int rp_filter, localnet, accept_local, forwarding;
		enum drop_reason reason; /* DROP_NONE: forwarded */
	} rows[] = {
		{ "10.1.0.1", "203.0.113.1", 0, 0, 0, 0, 1, DROP_NONE },
		{ "127.0.0.1", "203.0.113.1", 0, 0, 0, 0, 1, DROP_IP_MARTIAN_SOURCE },
		{ "10.1.0.254", "203.0.113.1", 0, 0, 0, 0, 1, DROP_IP_MARTIAN_SOURCE },
		{ "10.1.0.254", "203.0.113.1", 0, 0, 0, 1, 1, DROP_NONE },
		{ "255.255.255.255", "203.0.113.1", 0, 0, 0, 0, 1, DROP_IP_MARTIAN_SOURCE },
		{ "224.0.0.5", "203.0.113.1", 0, 0, 0, 0, 1, DROP_IP_MARTIAN_SOURCE },
		{ "0.0.0.0", "203.0.113.1", 0, 0, 0, 0, 1, DROP_IP_MARTIAN_SOURCE },
		{ "10.1.0.1", "127.0.0.1", 0, 0, 0, 0, 1, DROP_IP_MARTIAN_DESTINATION },
		{ "10.1.0.1", "0.0.0.0", 0, 0, 0, 0, 1, DROP_IP_MARTIAN_DESTINATION },
		{ "10.1.0.1", "0.0.0.5", 0, 0, 0, 0, 1, DROP_NONE }, /* only 0.0.0.0 itself */
		{ "10.1.0.1", "224.0.0.9", 0, 0, 0, 0, 1, DROP_IP_MULTICAST },
		{ "10.1.0.1", "203.0.113.1", 0, 0, 0, 0, 0, DROP_IP_FORWARDING_OFF },
		{ "172.16.0.1", "203.0.113.1", 0, 0, 0, 0, 1, DROP_NONE },
		{ "172.16.0.1", "203.0.113.1", 0, 1, 0, 0, 1, DROP_IP_RP_FILTER },
		{ "172.16.0.1", "203.0.113.1", 0, 2, 0, 0, 1, DROP_NONE },
		{ "10.1.0.1", "10.1.0.9", 1, 0, 0, 0, 1, DROP_NONE },
		{ "10.1.0.1", "10.1.0.9", 1, 1, 0, 0, 1, DROP_IP_RP_FILTER },
		{ "10.1.0.1", "192.0.2.1", 0, 0, 0, 0, 1, DROP_IP_BLACKHOLE },
		{ "10.1.0.1", "192.0.3.1", 0, 0, 0, 0, 1, DROP_IP_UNREACHABLE_ROUTE },
		{ "10.1.0.1", "192.0.4.1", 0, 0, 0, 0, 1, DROP_IP_PROHIBIT_ROUTE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);
		struct craft c = { .src = rows[i].src, .dst = rows[i].dst, .sport = 1, .dport = 2 };
		struct port *in = rows[i].server ? lab->wan : lab->lan;

		assert_int_equal(lab_route(lab, "192.0.2.0/24", NULL, ROUTE_BLACKHOLE), 0);
		assert_int_equal(lab_route(lab, "192.0.3.0/24", NULL, ROUTE_UNREACHABLE), 0);
		assert_int_equal(lab_route(lab, "192.0.4.0/24", NULL, ROUTE_PROHIBIT), 0);
		in->conf.rp_filter = rows[i].rp_filter;
		in->conf.route_localnet = rows[i].localnet;
		in->conf.accept_local = rows[i].accept_local;
		in->conf.forwarding = rows[i].forwarding;
		for (int again = 0; again < 2; again++) { /* the second time from the cache */
			if (rows[i].server)
				from_server(lab, &c);
			else
				from_client(lab, &c);
		}
		if (rows[i].reason)
			assert_int_equal(dropped(lab, rows[i].reason), 2);
		else
			assert_true(lab->world.count >= 1);
		lab_destroy(lab);
	}
}

static void test_martian_log(void **state)
{
	struct lab *lab = lab_create(NULL);

	(void)state;
	lab->lan->conf.log_martians = 1;
	from_client(lab, &(struct craft){ .src = "127.0.0.1", .dst = "203.0.113.1" });
	assert_string_equal(lab->world.log[0], "IPv4: martian source 203.0.113.1 from 127.0.0.1, on dev lan");
	assert_string_equal(lab->world.log[1],
			    "ll header: 00000000: 02 00 00 00 00 01 02 00 00 00 01 01 08 00");
	for (int i = 0; i < 50; i++)
		from_client(lab, &(struct craft){ .src = "127.0.0.1", .dst = "203.0.113.1" });
	assert_int_equal(lab->world.log_count, 20);
	lab_destroy(lab);
}

static void test_settings(void **state)
{
	struct lab *lab = lab_create(NULL);
	const struct sysctl_row *forward = netstack_sysctl_rows;

	(void)state;
	assert_string_equal(forward->path, "net/ipv4/ip_forward");
	assert_int_equal(sysctl_store(forward, &lab->ns->conf, "0"), 0);
	assert_int_equal(lab->lan->conf.forwarding, 0);
	assert_int_equal(lab->ns->conf.all.accept_redirects, 1);
	for (size_t i = 0; i < port_conf_row_count; i++)
		if (!strcmp(port_conf_rows[i].path, "forwarding"))
			assert_int_equal(sysctl_store(&port_conf_rows[i], &lab->ns->conf.all, "1"), 0);
	assert_int_equal(lab->wan->conf.forwarding, 1);
	assert_int_equal(lab->ns->conf.ip_forward, 1);
	for (size_t i = 0; i < netstack_sysctl_row_count; i++)
		if (!strcmp(netstack_sysctl_rows[i].path, "net/ipv4/ip_default_ttl"))
			assert_int_equal(sysctl_store(&netstack_sysctl_rows[i], &lab->ns->conf, "0"), -EINVAL);
	lab_destroy(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lookup),	     cmocka_unit_test(test_refused),
		cmocka_unit_test(test_metric_and_down), cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_input_decisions), cmocka_unit_test(test_martian_log),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
