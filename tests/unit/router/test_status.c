/* test_status.c - the status tree of a small engine: names, formats, ranges, permissions, reading in pieces.
 *
 *     lan 10.1.0.254/24, mac ..:01     wan 203.0.113.2/30, mac ..:02     a.b (no address)
 *
 * Lines of net/arp, net/route and net/dev are as Linux 6.18 printed them for the same addresses, routes and counters.
 */
#include "router/engine.h"
#include "router/status.h"
#include "tests/unit/craft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

static const uint64_t start = 1000000000000;

struct fixture {
	struct world world;
	struct engine *e;
	struct port *lan, *wan, *bare;
	struct status st;
};

/* print_config: the configuration printer of the fixture. */
static void print_config(void *user, struct text *out)
{
	text_puts(out, user);
}

static int setup(void **state)
{
	static const uint8_t mac[3][MAC_LEN] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 }, { 2, 0, 0, 0, 0, 3 } };
	static char config[] = "[router]\n";
	struct fixture *f = calloc(1, sizeof *f);

	f->e = engine_create(&world_ops, &f->world, NULL, start);
	assert_non_null(f->e);
	f->lan = port_add(f->e->ns, "lan", mac[0], 1500);
	f->wan = port_add(f->e->ns, "wan", mac[1], 1400);
	f->bare = port_add(f->e->ns, "a.b", mac[2], 1500);
	assert_true(f->lan && f->wan && f->bare);
	port_set_up(f->e->ns, f->lan, true);
	port_set_up(f->e->ns, f->wan, true);
	assert_int_equal(port_add_addr(f->e->ns, f->lan, inet_addr("10.1.0.254"), 24), 0);
	assert_int_equal(port_add_addr(f->e->ns, f->wan, inet_addr("203.0.113.2"), 30), 0);
	f->st = (struct status){ .engine = f->e, .started = start, .config = print_config, .user = config };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(engine_destroy(f->e), 0);
	world_clear(&f->world);
	free(f);
	return 0;
}

/* content: the whole of a file; the test fails if it cannot be read. Caller frees. */
static struct text content(const struct fixture *f, const char *path)
{
	struct text t = { .len = 0 };

	assert_int_equal(status_read(&f->st, path, &t), 0);
	return t;
}

/* assert_content: a file has exactly this content. */
static void assert_content(const struct fixture *f, const char *path, const char *expected)
{
	struct text t = content(f, path);

	assert_string_equal(text_cstr(&t), expected);
	text_free(&t);
}

/* assert_contains: a file has this among its content. */
static void assert_contains(const struct fixture *f, const char *path, const char *expected)
{
	struct text t = content(f, path);

	if (!strstr(text_cstr(&t), expected))
		fail_msg("%s lacks '%s':\n%s", path, expected, text_cstr(&t));
	text_free(&t);
}

/* --- names and permissions ------------------------------------------------------------------------------------------ */

/* add_name: status_list's callback: names, each before a blank. */
static void add_name(void *ctx, const char *name, const struct status_entry *entry)
{
	text_printf(ctx, "%s%s ", name, entry->directory ? "/" : "");
}

static void test_list(void **state)
{
	static const struct {
		const char *path;
		int result;
		const char *names;
	} rows[] = {
		{ "", 0, "net/ sys/ tapgate/ " },
		{ "net", 0, "arp dev ip_conntrack ip_tables_matches ip_tables_names ip_tables_targets ipt_hashlimit/ "
			    "netstat nf_conntrack nf_conntrack_expect route snmp stat/ xt_recent/ " },
		{ "net/xt_recent", 0, "" },
		{ "net/xt_recent/nosuch", -ENOENT, "" },
		{ "net/stat", 0, "nf_conntrack " },
		{ "sys", 0, "net/ " },
		{ "sys/net/ipv4/conf", 0, "a.b/ all/ default/ lan/ wan/ " },
		{ "tapgate", 0, "balance config drops flows ports/ rules/ uptime version " },
		{ "tapgate/ports", 0, "a.b lan wan " },
		{ "tapgate/rules", 0, "filter mangle nat raw security " },
		{ "net/dev", -ENOTDIR, "" },
		{ "nosuch", -ENOENT, "" },
		{ "net/", -ENOENT, "" },
		{ "/net", -ENOENT, "" },
		{ "sys/net/ipv4/conf/nosuch", -ENOENT, "" },
		{ "sys/net/ipv4/conf/{conf}", -ENOENT, "" },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text names = { .len = 0 };

		assert_int_equal(status_list(&f->st, rows[i].path, add_name, &names), rows[i].result);
		assert_string_equal(text_cstr(&names), rows[i].names);
		text_free(&names);
	}
}

static void test_permissions(void **state)
{
	static const struct {
		const char *path;
		int result;
		unsigned mode;
	} rows[] = {
		{ "", 0, 0555 },
		{ "net", 0, 0555 },
		{ "net/nf_conntrack", 0, 0440 },
		{ "net/ip_conntrack", 0, 0440 },
		{ "net/nf_conntrack_expect", 0, 0440 },
		{ "net/stat/nf_conntrack", 0, 0444 },
		{ "net/ip_tables_names", 0, 0440 },
		{ "net/dev", 0, 0444 },
		{ "net/arp", 0, 0444 },
		{ "net/route", 0, 0444 },
		{ "sys/net/ipv4/ip_forward", 0, 0644 },
		{ "sys/net/ipv4/conf/lan/rp_filter", 0, 0644 },
		{ "sys/net/netfilter/nf_conntrack_count", 0, 0444 },
		{ "sys/net/netfilter/nf_conntrack_max", 0, 0644 },
		{ "sys/net/nf_conntrack_max", 0, 0644 },
		{ "tapgate/ports/lan", 0, 0444 },
		{ "tapgate/ports/lan/x", -ENOENT, 0 },
		{ "tapgate/ports/eth0", -ENOENT, 0 },
		{ "tapgate/rules/filter", 0, 0440 },
		{ "tapgate/rules/none", -ENOENT, 0 },
		{ "net/dev2", -ENOENT, 0 },
		{ "net/de", -ENOENT, 0 },
		{ "net//dev", -ENOENT, 0 },
	};
	struct fixture *f = *state;
	struct status_entry entry;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(status_lookup(&f->st, rows[i].path, &entry), rows[i].result);
		if (!rows[i].result)
			assert_int_equal(entry.mode, rows[i].mode);
	}
}

/* --- formats -------------------------------------------------------------------------------------------------------- */

static void test_dev(void **state)
{
	struct fixture *f = *state;

	memset(&f->lan->stats, 0, sizeof f->lan->stats);
	memset(&f->wan->stats, 0, sizeof f->wan->stats);
	f->lan->stats.rx_bytes = 21763659;
	f->lan->stats.rx_packets = 570;
	f->lan->stats.tx_bytes = 33065;
	f->lan->stats.tx_packets = 383;
	assert_content(f, "net/dev",
		       "Inter-|   Receive                                                |  Transmit\n"
		       " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls "
		       "carrier compressed\n"
		       "   lan: 21763659     570    0    0    0     0          0         0    33065     383    0    0    0     0 "
		       "      0          0\n"
		       "   wan:       0       0    0    0    0     0          0         0        0       0    0    0    0     0  "
		       "     0          0\n"
		       "   a.b:       0       0    0    0    0     0          0         0        0       0    0    0    0     0  "
		       "     0          0\n");
}

/* route: adds one static route. */
static void route(struct fixture *f, const char *prefix, unsigned plen, enum route_type type, const char *gateway,
		  struct port *port, uint32_t metric)
{
	struct route r = {
		.prefix = inet_addr(prefix),
		.plen = (uint8_t)plen,
		.type = (uint8_t)type,
		.protocol = 4,
		.scope = gateway ? 0 : 253,
		.gateway = gateway ? inet_addr(gateway) : 0,
		.metric = metric,
		.port = port,
	};

	assert_int_equal(route_add(f->e->ns, &r), 0);
}

static void test_route(void **state)
{
	static const char *const lines[] = {
		"Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
		"wan\t00000000\t017100CB\t0003\t0\t0\t100\t00000000\t0\t0\t0",
		"lan\t0000010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
		"lan\t0000010A\t0900010A\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0",
		"wan\t4D00010A\t00000000\t0005\t0\t0\t0\tFFFFFFFF\t0\t0\t0",
		"wan\t8000010A\t00000000\t0001\t0\t0\t0\t80FFFFFF\t0\t0\t0",
		"lan\t0000090A\t0900010A\t0003\t0\t0\t0\t0000FFFF\t0\t0\t0",
		"*\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
		"*\t006433C6\t00000000\t0201\t0\t0\t0\t80FFFFFF\t0\t0\t0",
		"*\t006433C6\t00000000\t0201\t0\t0\t0\t00FFFFFF\t0\t0\t0",
		"wan\t007100CB\t00000000\t0001\t0\t0\t0\tFCFFFFFF\t0\t0\t0",
	};
	struct fixture *f = *state;
	struct text expected = { .len = 0 };

	route(f, "10.9.0.0", 16, ROUTE_UNICAST, "10.1.0.9", f->lan, 0);
	route(f, "0.0.0.0", 0, ROUTE_UNICAST, "203.0.113.1", f->wan, 100);
	route(f, "192.0.2.0", 24, ROUTE_BLACKHOLE, NULL, NULL, 0);
	route(f, "198.51.100.0", 25, ROUTE_UNREACHABLE, NULL, NULL, 0);
	route(f, "198.51.100.0", 24, ROUTE_PROHIBIT, NULL, NULL, 0);
	route(f, "10.1.0.128", 25, ROUTE_UNICAST, NULL, f->wan, 0);
	route(f, "10.1.0.77", 32, ROUTE_UNICAST, NULL, f->wan, 0);
	route(f, "10.1.0.0", 16, ROUTE_UNICAST, "10.1.0.9", f->lan, 0);
	for (size_t i = 0; i < COUNT(lines); i++)
		text_printf(&expected, "%-127s\n", lines[i]);
	assert_content(f, "net/route", text_cstr(&expected));
	text_free(&expected);
}

static void test_arp(void **state)
{
	static const char head[] = "IP address       HW type     Flags       HW address            Mask     Device\n";
	struct fixture *f = *state;
	struct text expected = { .len = 0 };

	assert_content(f, "net/arp", head);
	engine_input(f->e, f->lan,
		     craft_arp(f->e->ns->pool, "ff:ff:ff:ff:ff:ff", 1, "02:00:00:00:00:11", "10.1.0.1",
			       "00:00:00:00:00:00", "10.1.0.254"),
		     start);
	text_printf(&expected, "%s10.1.0.1         0x1         0x2         02:00:00:00:00:11     *        lan\n", head);
	assert_content(f, "net/arp", text_cstr(&expected));
	text_free(&expected);
}

static void test_conntrack(void **state)
{
	static const struct craft udp = { .src = "10.1.0.1", .dst = "203.0.113.1", .sport = 5000, .dport = 53,
					  .payload_len = 1 };
	struct fixture *f = *state;

	assert_content(f, "net/nf_conntrack", "");
	assert_content(f, "tapgate/flows", "total 0\nmax 262144\nexpected 0\n");
	netstack_set_forwarding(f->e->ns, true);
	engine_input(f->e, f->wan,
		     craft_arp(f->e->ns->pool, "ff:ff:ff:ff:ff:ff", 1, "02:00:00:00:00:21", "203.0.113.1",
			       "00:00:00:00:00:00", "203.0.113.2"),
		     start);
	engine_input(f->e, f->lan, craft_frame(f->e->ns->pool, "02:00:00:00:00:11", "02:00:00:00:00:01", &udp), start);
	assert_content(f, "net/nf_conntrack",
		       "ipv4     2 udp      17 30 src=10.1.0.1 dst=203.0.113.1 sport=5000 dport=53 [UNREPLIED] src=203.0.113.1 "
		       "dst=10.1.0.1 sport=53 dport=5000 mark=0 zone=0 use=2\n");
	assert_content(f, "net/ip_conntrack",
		       "udp      17 30 src=10.1.0.1 dst=203.0.113.1 sport=5000 dport=53 [UNREPLIED] src=203.0.113.1 "
		       "dst=10.1.0.1 sport=53 dport=5000 mark=0 zone=0 use=2\n");
	assert_content(f, "tapgate/flows",
		       "udp 17 - 1 assured=0 unreplied=1\ntotal 1\nmax 262144\nexpected 0\n");
	assert_content(f, "sys/net/netfilter/nf_conntrack_count", "1\n");
	assert_contains(f, "net/stat/nf_conntrack", "\n00000001 ");
	assert_content(f, "net/nf_conntrack_expect", "");
}

static void test_others(void **state)
{
	static const struct {
		const char *path, *part;
	} rows[] = {
		{ "net/snmp", "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams " },
		{ "net/snmp", "\nTcp: 1 200 120000 -1 0 0 0 0 0 0 0 0 0 0 0\n" },
		{ "net/snmp", "\nUdpLite: 0 0 0 0 0 0 0 0 0\n" },
		{ "net/netstat", "\nIpExt: InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts " },
		{ "net/netstat", "\nMPTcpExt: MPCapableSYNRX " },
		{ "net/ip_tables_matches", "conntrack\nconntrack\nconntrack\n" },
		{ "net/ip_tables_targets", "ERROR\n" },
		{ "tapgate/version", "tapgate v" },
		{ "tapgate/uptime", "0.00\n" },
		{ "tapgate/config", "[router]\n" },
		{ "tapgate/drops", "total 0\n" },
		{ "tapgate/balance", "\nerror 0\n" },
		{ "tapgate/ports/lan", "name lan\nindex 1\nstate up\nmtu 1500\nmac 02:00:00:00:00:01\naddress 10.1.0.254/24\n" },
		{ "tapgate/ports/lan", "\nrx_gso 0\n" },
		{ "tapgate/ports/a.b", "name a.b\nindex 3\nstate down\n" },
		{ "tapgate/rules/filter", "*filter\n:INPUT ACCEPT [0:0]\n" },
	};
	struct fixture *f = *state;
	struct text t = { .len = 0 };

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_contains(f, rows[i].path, rows[i].part);
	assert_int_equal(status_read(&f->st, "net", &t), -EISDIR);
	assert_int_equal(status_read(&f->st, "net/x", &t), -ENOENT);
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void test_write(void **state)
{
	static const struct {
		const char *path, *value;
		int result;
		const char *after;
	} rows[] = {
		{ "sys/net/ipv4/ip_default_ttl", "0", -EINVAL, "64\n" },
		{ "sys/net/ipv4/ip_default_ttl", "256", -EINVAL, "64\n" },
		{ "sys/net/ipv4/ip_default_ttl", "-1", -EINVAL, "64\n" },
		{ "sys/net/ipv4/ip_default_ttl", "abc", -EINVAL, "64\n" },
		{ "sys/net/ipv4/ip_default_ttl", "", 0, "64\n" },
		{ "sys/net/ipv4/ip_default_ttl", "\n", -EINVAL, "64\n" },
		{ "sys/net/ipv4/ip_default_ttl", "255\n", 0, "255\n" },
		{ "sys/net/ipv4/ip_default_ttl", " 1\n", 0, "1\n" },
		{ "sys/net/ipv4/conf/lan/rp_filter", "1 2", 0, "1\n" },
		{ "sys/net/ipv4/conf/lan/rp_filter", "+1", -EINVAL, "1\n" },
		{ "sys/net/ipv4/conf/lan/rp_filter", "0x3", 0, "3\n" },
		{ "sys/net/ipv4/conf/lan/rp_filter", "010", 0, "8\n" },
		{ "sys/net/ipv4/conf/lan/rp_filter", "-5", 0, "-5\n" },
		{ "sys/net/ipv4/conf/lan/rp_filter", "7x", -EINVAL, "-5\n" },
		{ "sys/net/ipv4/conf/lan/rp_filter", "99999999999", -EINVAL, "-5\n" },
		{ "sys/net/ipv4/conf/lan/rp_filter", "2147483648", -EINVAL, "-5\n" },
		{ "sys/net/ipv4/conf/lan/rp_filter", "-2147483648", 0, "-2147483648\n" },
		{ "sys/net/ipv4/conf/a.b/rp_filter", "2", 0, "2\n" },
		{ "sys/net/netfilter/nf_conntrack_udp_timeout", "17", 0, "17\n" },
		{ "sys/net/netfilter/nf_conntrack_udp_timeout", "8589935", -EINVAL, "17\n" },
		{ "sys/net/netfilter/nf_conntrack_udp_timeout", "-1", 0, "-1\n" },
		{ "sys/net/netfilter/nf_conntrack_udp_timeout", "8589934", 0, "8589934\n" },
		{ "sys/net/netfilter/nf_conntrack_max", "1000", 0, "1000\n" },
		{ "sys/net/nf_conntrack_max", "2000", 0, "2000\n" },
		{ "sys/net/netfilter/nf_conntrack_max", "", 0, "2000\n" },
		{ "sys/net/netfilter/nf_conntrack_count", "5", -EACCES, "0\n" },
		{ "tapgate/uptime", "5", -EACCES, "0.00\n" },
		{ "sys/net/ipv4/conf/nosuch/rp_filter", "1", -ENOENT, NULL },
		{ "sys/net/ipv4", "1", -EISDIR, NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		int r = status_write(&f->st, rows[i].path, rows[i].value, strlen(rows[i].value));

		if (r != rows[i].result)
			fail_msg("%s = '%s': %d, not %d", rows[i].path, rows[i].value, r, rows[i].result);
		if (rows[i].after)
			assert_content(f, rows[i].path, rows[i].after);
	}
	assert_int_equal(status_write(&f->st, "sys/net/ipv4/ip_forward", "1\0", 2), -EINVAL);
}

/* Each row is a write, then values as they are then: seen the same on Linux 6.18. */
static void test_links(void **state)
{
	static const struct {
		const char *path, *value;
		const char *other, *after;
	} rows[] = {
		{ "ip_forward", "0", "conf/lan/forwarding", "0\n" },
		{ "ip_forward", "1", "conf/all/forwarding", "1\n" },
		{ "ip_forward", "1", "conf/default/forwarding", "1\n" },
		{ "ip_forward", "1", "conf/lan/forwarding", "1\n" },
		{ "ip_forward", "1", "conf/all/accept_redirects", "0\n" },
		{ "conf/lan/forwarding", "0", "ip_forward", "1\n" },
		{ "ip_forward", "1", "conf/lan/forwarding", "0\n" }, /* no change, so nothing follows */
		{ "conf/all/forwarding", "0", "ip_forward", "0\n" },
		{ "conf/all/forwarding", "0", "conf/all/accept_redirects", "1\n" },
		{ "conf/default/log_martians", "1", "conf/a.b/log_martians", "1\n" },
		{ "conf/default/log_martians", "1", "conf/lan/log_martians", "0\n" }, /* it has an address */
		{ "conf/a.b/log_martians", "1", "conf/a.b/log_martians", "1\n" },
		{ "conf/default/log_martians", "0", "conf/a.b/log_martians", "1\n" }, /* written by hand */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(rows); i++) {
		char path[STATUS_PATH_MAX];

		snprintf(path, sizeof path, "sys/net/ipv4/%s", rows[i].path);
		assert_int_equal(status_write(&f->st, path, rows[i].value, strlen(rows[i].value)), 0);
		snprintf(path, sizeof path, "sys/net/ipv4/%s", rows[i].other);
		assert_content(f, path, rows[i].after);
	}
}

static void test_sysctl_names(void **state)
{
	static const struct {
		const char *name, *path;
	} names[] = {
		{ "net.ipv4.ip_forward", "sys/net/ipv4/ip_forward" },
		{ "net/ipv4/ip_forward", "sys/net/ipv4/ip_forward" },
		{ "net.ipv4.conf.a/b.rp_filter", "sys/net/ipv4/conf/a.b/rp_filter" },
		{ "net/ipv4/conf/a.b/rp_filter", "sys/net/ipv4/conf/a.b/rp_filter" },
		{ "net", "sys/net" },
	};
	static const struct {
		const char *name, *value;
		int result;
	} checks[] = {
		{ "net.netfilter.nf_conntrack_max", "262144", 0 },
		{ "net.netfilter.nf_conntrack_max", "x", -EINVAL },
		{ "net.ipv4.conf.anything.rp_filter", "2", 0 },
		{ "net.ipv4.conf.anything.nosuch", "2", -ENOENT },
		{ "net.ipv4.conf.rp_filter", "2", -ENOENT },
		{ "net.ipv4.ip_default_ttl", "300", -EINVAL },
		{ "net.netfilter.nf_conntrack_count", "1", -EACCES },
		{ "net.ipv4.nosuch", "1", -ENOENT },
		{ "", "1", -ENOENT },
	};
	struct fixture *f = *state;
	char path[STATUS_PATH_MAX], longest[2 * STATUS_PATH_MAX];

	for (size_t i = 0; i < COUNT(names); i++) {
		assert_int_equal(status_sysctl_path(names[i].name, path), 0);
		assert_string_equal(path, names[i].path);
	}
	for (size_t i = 0; i < COUNT(checks); i++)
		assert_int_equal(status_sysctl_check(checks[i].name, checks[i].value), checks[i].result);
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(status_sysctl_path(longest, path), -ENAMETOOLONG);
	assert_int_equal(status_sysctl_set(&f->st, "net.ipv4.conf.a/b.rp_filter", "2"), 0);
	assert_int_equal(f->bare->conf.rp_filter, 2);
	assert_int_equal(status_sysctl_set(&f->st, "net.ipv4.conf.nosuch.rp_filter", "2"), -ENOENT);
}

/* --- reading in pieces ---------------------------------------------------------------------------------------------- */

/* many_flows: @count UDP flows. */
static void many_flows(struct fixture *f, unsigned count)
{
	netstack_set_forwarding(f->e->ns, true);
	for (unsigned i = 0; i < count; i++) {
		struct craft udp = { .src = "10.1.0.1", .dst = "203.0.113.1", .sport = (uint16_t)(1024 + i), .dport = 53,
				     .payload_len = 1 };

		engine_input(f->e, f->lan,
			     craft_frame(f->e->ns->pool, "02:00:00:00:00:11", "02:00:00:00:00:01", &udp), start);
	}
}

/* pull_all: reads a file to its end with pulls of @size. Caller frees. */
static struct text pull_all(struct fixture *f, struct status_reader *r, size_t size)
{
	struct text all = { .len = 0 };
	const char *data;
	ssize_t n;

	while ((n = status_pull(&f->st, r, all.len, size, &data)) != 0) {
		if (n == -EAGAIN)
			continue;
		assert_true(n > 0 && (size_t)n <= size);
		text_put(&all, data, (size_t)n);
	}
	return all;
}

static void test_pull(void **state)
{
	static const char *const paths[] = { "net/nf_conntrack", "net/dev", "tapgate/flows", "net/nf_conntrack_expect" };
	static const size_t sizes[] = { 1000000, 4096, 100, 7 };
	struct fixture *f = *state;

	many_flows(f, 500);
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct text whole = content(f, paths[i]);

		for (size_t j = 0; j < COUNT(sizes); j++) {
			struct status_reader r;
			struct text all;

			assert_int_equal(status_open(&f->st, paths[i], &r), 0);
			all = pull_all(f, &r, sizes[j]);
			assert_string_equal(text_cstr(&all), text_cstr(&whole));
			text_free(&all);
			status_close(&r);
		}
		text_free(&whole);
	}
}

static void test_pull_offsets(void **state)
{
	struct fixture *f = *state;
	struct text whole;
	struct status_reader r;
	const char *data;
	ssize_t n;

	many_flows(f, 2000);
	whole = content(f, "net/nf_conntrack");
	assert_int_equal(status_open(&f->st, "net/nf_conntrack", &r), 0);
	assert_int_equal(status_pull(&f->st, &r, 0, 100, &data), 100);
	assert_int_equal(status_pull(&f->st, &r, 50, 100, &data), 100);
	assert_memory_equal(data, whole.data + 50, 100);
	while ((n = status_pull(&f->st, &r, 5000, 100, &data)) == -EAGAIN)
		;
	assert_int_equal(n, 100);
	assert_memory_equal(data, whole.data + 5000, 100);
	assert_int_equal(status_pull(&f->st, &r, 100, 100, &data), -ESPIPE);
	assert_int_equal(status_pull(&f->st, &r, 1000000000, 100, &data), -ESPIPE);
	assert_int_equal(status_pull(&f->st, &r, 0, 100, &data), 100);
	assert_memory_equal(data, whole.data, 100);
	status_close(&r);
	text_free(&whole);
}

/* A file kept open and read from 0 again shows the present. */
static void test_pull_again(void **state)
{
	struct fixture *f = *state;
	struct status_reader r;
	const char *data;

	assert_int_equal(status_open(&f->st, "sys/net/ipv4/ip_default_ttl", &r), 0);
	assert_int_equal(status_pull(&f->st, &r, 0, 100, &data), 3);
	assert_memory_equal(data, "64\n", 3);
	assert_int_equal(status_pull(&f->st, &r, 3, 100, &data), 0);
	assert_int_equal(status_sysctl_set(&f->st, "net.ipv4.ip_default_ttl", "33"), 0);
	assert_int_equal(status_pull(&f->st, &r, 0, 100, &data), 3);
	assert_memory_equal(data, "33\n", 3);
	status_close(&r);
	assert_int_equal(status_open(&f->st, "tapgate/ports/a.b", &r), 0);
	assert_true(status_pull(&f->st, &r, 0, 10, &data) == 10);
	port_remove(f->e->ns, f->bare);
	assert_true(status_pull(&f->st, &r, 10, 10, &data) == 10);
	assert_int_equal(status_pull(&f->st, &r, 0, 10, &data), -ENOENT);
	status_close(&r);
	assert_int_equal(status_open(&f->st, "tapgate/ports/a.b", &r), -ENOENT);
	assert_int_equal(status_open(&f->st, "tapgate/ports", &r), -EISDIR);
}

/* Lists and tables that rules share are there while a rule names them; a list takes addresses. */
static void test_shared(void **state)
{
	static const char rules[] = "*filter\n-A FORWARD -m recent --set --name seen\n"
				    "-A FORWARD -m hashlimit --hashlimit-upto 5/sec --hashlimit-name keys\nCOMMIT\n";
	struct fixture *f = *state;
	struct tables *t = f->st.engine->tables;
	struct ruleset *rs = tables_begin(t, true);
	struct rule_error err;
	struct text out = { .len = 0 };

	assert_int_equal(ruleset_restore(t, rs, rules, "test", false, false, &err), 0);
	assert_int_equal(tables_commit(t, rs, &err), 0);
	assert_int_equal(status_list(&f->st, "net/xt_recent", add_name, &out), 0);
	assert_int_equal(status_list(&f->st, "net/ipt_hashlimit", add_name, &out), 0);
	assert_string_equal(text_cstr(&out), "seen keys ");
	text_free(&out);
	assert_int_equal(status_write(&f->st, "net/xt_recent/seen", "+10.1.2.3\n", 10), 0);
	assert_int_equal(status_write(&f->st, "net/xt_recent/seen", "10.1.2.3", 8), -EINVAL);
	assert_int_equal(status_write(&f->st, "net/xt_recent/other", "/", 1), -ENOENT);
	assert_int_equal(status_write(&f->st, "net/ipt_hashlimit/keys", "/", 1), -EACCES);
	assert_int_equal(status_read(&f->st, "net/xt_recent/seen", &out), 0);
	assert_memory_equal(text_cstr(&out), "src=10.1.2.3 ttl: 0 last_seen: ", 31);
	text_free(&out);
	assert_int_equal(status_write(&f->st, "net/xt_recent/seen", "/", 1), 0);
	assert_int_equal(status_read(&f->st, "net/xt_recent/seen", &out), 0);
	assert_string_equal(text_cstr(&out), "");
	assert_int_equal(status_read(&f->st, "net/ipt_hashlimit/keys", &out), 0);
	assert_string_equal(text_cstr(&out), "");
	text_free(&out);
}

/* The document's table is what `tapgate help tree` prints. */
static void test_document(void **state)
{
	struct text help = { .len = 0 }, doc = { .len = 0 };
	FILE *file = fopen("docs/status-tree.md", "r");
	char line[1024];
	const char *table;

	(void)state;
	if (!file)
		skip(); /* not run from the root of the tree */
	while (fgets(line, sizeof line, file))
		text_puts(&doc, line);
	fclose(file);
	status_help(&help);
	table = strstr(text_cstr(&doc), "| file |");
	if (!table || strcmp(table, text_cstr(&help)) != 0)
		fail_msg("the table in docs/status-tree.md is old: put the output of `tapgate help tree` there");
	text_free(&help);
	text_free(&doc);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_list),	 TEST(test_permissions), TEST(test_dev),	  TEST(test_route),
		TEST(test_arp),		 TEST(test_conntrack),	 TEST(test_others),	  TEST(test_write),
		TEST(test_links),	 TEST(test_sysctl_names), TEST(test_pull),	  TEST(test_pull_offsets),
		TEST(test_pull_again),	 TEST(test_shared),	 cmocka_unit_test(test_document),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
