/* test_match_socket.c - the matches about what a routed packet has not: cgroup, ipvs, osf, owner, physdev, policy, socket,
 * and rpfilter: their text, and what fits packets that pass and packets of the router's own (OUTPUT). */
#include "tests/unit/tables/rule_text.h"

static const struct text_row texts[] = {
#include "tests/unit/tables/socket_rows.inc"
};

static void test_texts(void **state)
{
	(void)state;
	check_rows(texts, sizeof texts / sizeof texts[0]);
}

/* As Linux 6.18 counted for one forwarded packet, an answer of the router, and a reset of -j REJECT. */
static const struct {
	const char *rule;
	bool forwarded, own, reset;
} rows[] = {
	{ "-m owner --socket-exists", false, true, false },
	{ "-m owner ! --socket-exists", true, false, true },
	{ "-m owner --uid-owner 0", false, false, false },
	{ "-m owner ! --uid-owner 0", true, true, true },
	{ "-m owner --gid-owner 0", false, false, false },
	{ "-m owner ! --uid-owner 1-5 ! --gid-owner 7", true, true, true },
	{ "-m owner ! --uid-owner 1-5 --gid-owner 7", false, false, false },
	{ "-m owner ! --socket-exists ! --uid-owner 0", true, false, true },
	{ "-m owner --socket-exists ! --uid-owner 0", false, true, false },
	{ "-m owner --gid-owner 0 --suppl-groups", false, false, false },
	{ "-m cgroup --cgroup 0", false, true, false },
	{ "-m cgroup --cgroup 1", false, false, false },
	{ "-m cgroup ! --cgroup 1", false, true, false },
	{ "-m cgroup --path /", false, true, false },
	{ "-m cgroup --path \"\"", false, true, false },
	{ "-m cgroup ! --path /", false, false, false },
	{ "-m cgroup --path /user.slice", false, false, false },
	{ "-m policy --dir out --pol none", true, true, true },
	{ "-m policy --dir out --pol ipsec", false, false, false },
	{ "-m physdev --physdev-is-bridged", false, false, false },
	{ "-m physdev ! --physdev-in eth0 ! --physdev-is-bridged", true, true, true },
	{ "-m physdev ! --physdev-in eth0 --physdev-is-bridged", false, false, false },
	{ "-m ipvs --ipvs", false, false, false },
	{ "-m ipvs ! --ipvs", true, true, true },
	{ "-m ipvs ! --vport 80", false, false, false },
};

/* fits: whether the one live rule of mangle POSTROUTING fits a packet. */
static bool fits(struct bench *b, struct port *in, bool own)
{
	static const struct craft datagram = { .src = "10.1.0.1", .dst = "10.9.0.2", .dport = 53 };
	struct pkt *p = craft_packet(b->ns->pool, &datagram);
	const struct hook_state st = { .hook = HOOK_POSTROUTING, .in = in, .ns = b->ns };
	bool hit;

	p->own_socket = own;
	assert_int_equal(tables_walk(b->tables, TABLE_MANGLE, p, &st), VERDICT_ACCEPT);
	hit = p->mark;
	pkt_free(p);
	return hit;
}

static void test_fits(void **state)
{
	static const uint8_t mac[MAC_LEN] = { 2, 0, 0, 0, 0, 1 };
	struct rule_error err;
	struct bench b;
	struct port *lan;
	char line[256];

	(void)state;
	bench_begin(&b);
	lan = port_add(b.ns, "lan", mac, 1500);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		snprintf(line, sizeof line, "-A POSTROUTING %s -j MARK --set-mark 1", rows[i].rule);
		if (bench_load(&b, TABLE_MANGLE, line, false, &err))
			fail_msg("%s: %s %s", rows[i].rule, err.text, err.detail);
		if (fits(&b, lan, false) != rows[i].forwarded || fits(&b, NULL, true) != rows[i].own ||
		    fits(&b, NULL, false) != rows[i].reset)
			fail_msg("%s", rows[i].rule);
	}
	bench_end(&b);
}

/* test_unknown_system: --log says of each packet with SYN that nothing is known of its sender. */
static void test_unknown_system(void **state)
{
	static const struct craft syn = {
		.src = "10.1.0.1", .dst = "10.9.0.2", .sport = 1111, .dport = 80, .tcp_flags = TCP_SYN
	};
	struct hook_state st = { .hook = HOOK_FORWARD };
	struct rule_error err;
	struct bench b;
	struct pkt *p;

	(void)state;
	bench_begin(&b);
	st.ns = b.ns;
	assert_int_equal(bench_load(&b, TABLE_FILTER,
				    "-A FORWARD -p tcp -m osf ! --genre Linux --log 1 -j DROP", false, &err),
			 0);
	p = craft_packet(b.ns->pool, &syn);
	assert_int_equal(tables_walk(b.tables, TABLE_FILTER, p, &st), VERDICT_ACCEPT);
	assert_int_equal(b.world.log_count, 2);
	assert_string_equal(b.world.log[0], "Remote OS is not known: 10.1.0.1:1111 -> 10.9.0.2:80");
	assert_ptr_equal(strstr(b.world.log[1], "IN= OUT= SRC=10.1.0.1 "), b.world.log[1]);
	pkt_free(p);
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_fits),
		cmocka_unit_test(test_unknown_system),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
