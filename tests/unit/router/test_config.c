/* test_config.c - configurations: each kind of mistake with its line, and what a sound one becomes. */
#include "router/apply.h"
#include "router/config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

/* Two interfaces for rows that need some; their lines are 1 to 4. */
#define LAN_WAN "[interface lan]\naddress = 10.1.0.254/24\n[interface wan]\naddress = 10.2.0.254/24\n"

/* One text and everything that is said about it. */
struct row {
	const char *name, *text, *problems;
};

static const struct row sound[] = {
	{ "empty", "", "" },
	{ "comments and blank lines", "; a\n# b\n\n   \n\t; c\n[router] ; d\nlog = info # e\n", "" },
	{ "no newline at the end", "[router]\nlog = debug", "" },
	{ "carriage returns, byte order mark", "\xef\xbb\xbf[router]\r\nlog = debug\r\n", "" },
	{ "case of sections and keys", "[ROUTER]\nLOG = Debug\n[Filter]\nPolicy.Forward = drop\nRULE.1 = -A FORWARD\n", "" },
	{ "a section in two parts", "[router]\nlog = info\n[filter]\nrule.1 = -A FORWARD\n[router]\nproc_mount = none\n", "" },
	{ "routes of each kind",
	  LAN_WAN "[route]\ndefault = via 10.2.0.1 dev wan\n10.9.0.0/16 = via 10.1.0.9\n10.8.0.0/16 = dev lan metric 5\n"
		  "10.7.0.0/16 = blackhole\n10.6.0.0/16 = unreachable\n10.5.0.0/16 = prohibit metric 3\n", "" },
	{ "sysctl names", LAN_WAN "[sysctl]\nnet.ipv4.ip_forward = 1\nnet/ipv4/conf/lan/rp_filter = 1\n", "" },
	{ "helper without ports", "[helper FTP]\n", "" },
	{ "helper with ports", "[helper ftp]\nports = 21, 2121\nloose = yes\n", "" },
	{ "chains made by rules", "[filter]\nrule.1 = -A FORWARD -j MINE\nrule.2 = -A MINE -j DROP\nrule.3 = -N EMPTY\n", "" },
};

static const struct row structure[] = {
	{ "junk", "[router]\nhello\n", "t.ini:2: router: neither a [section] nor key = value: a comment begins with ; or #\n" },
	{ "key before a section", "log = info\n", "t.ini:1: a key before the first [section]: say where it belongs\n" },
	{ "header not closed", "[router\nlog = x\n", "t.ini:1: a section header needs a closing ']'\n" },
	{ "text after a header", "[router] x\n",
	  "t.ini:1: nothing but a comment may follow a section header: put it on a line of its own\n" },
	{ "empty section name", "[ ]\n", "t.ini:1: a section needs a name\n" },
	{ "key missing", "[router]\n= 1\n", "t.ini:2: router: a key is missing before the '='\n" },
	{ "comment before the sign", "[router]\nlog ; = 1\n", "t.ini:2: router: a comment begins before the '='\n" },
	{ "duplicate", "[router]\nlog = info\n\nLOG = debug\n", "t.ini:4: router.LOG: given already in line 2: remove one\n" },
	{ "duplicate over parts", "[router]\nlog = info\n[nat]\n[Router]\nlog = debug\n",
	  "t.ini:5: router.log: given already in line 2: remove one\n" },
	{ "unknown section", "[nonsense]\nx = 1\n",
	  "t.ini:1: nonsense: unknown section; known are router, interface NAME, route, sysctl, raw, mangle, nat, filter, "
	  "security, helper NAME\n" },
	{ "unknown key", "[interface lan]\naddress = 10.1.0.1/24\nadress = 1\n",
	  "t.ini:3: interface lan.adress: unknown key; this section knows tap, netns, address, mtu, mac, peer_address, "
	  "peer_gateway, up\n" },
	{ "quote not closed", "[filter]\nrule.1 = -A FORWARD -m comment --comment \"x\n",
	  "t.ini:2: filter.rule.1: the quote \" is not closed\n" },
	{ "backslash at the end", "[filter]\nrule.1 = -A FORWARD \\\n",
	  "t.ini:2: filter.rule.1: a line does not go on after a backslash: write it on one line\n" },
	{ "control character", "[router]\nlog = in\001fo\n", "t.ini:2: router: a control character: remove it\n" },
};

static const struct row values[] = {
	{ "socket", "[router]\nsocket = here\n", "t.ini:2: router.socket: 'here' is not an absolute path: begin it with /\n" },
	{ "log", "[router]\nlog = loud\n", "t.ini:2: router.log: 'loud' is not a level: use error, warning, info or debug\n" },
	{ "rules file", "[router]\nrules = missing.v4\n",
	  "t.ini:2: router.rules: cannot read missing.v4: No such file or directory\n" },
	{ "sets file", "[router]\nsets = missing.ipset\n",
	  "t.ini:2: router.sets: cannot read missing.ipset: No such file or directory\n" },
	{ "accounting file", "[router]\naccounting = missing.txt\n",
	  "t.ini:2: router.accounting: cannot read missing.txt: No such file or directory\n" },
	{ "number", "[router]\npackets_large = 1e3\n",
	  "t.ini:2: router.packets_large: '1e3' is not a number from 32 to 65536\n" },
	{ "mtu", "[interface a]\nmtu = 67\n", "t.ini:2: interface a.mtu: '67' is not a number from 68 to 65521\n" },
	{ "mac", "[interface a]\nmac = 02:00:00:00:00\n",
	  "t.ini:2: interface a.mac: '02:00:00:00:00' is not a MAC address like 02:00:00:00:00:01\n" },
	{ "group mac", "[interface a]\nmac = 03:00:00:00:00:01\n",
	  "t.ini:2: interface a.mac: '03:00:00:00:00:01' is not the address of one station: its first byte must be even\n" },
	{ "bool", "[interface a]\nup = maybe\n", "t.ini:2: interface a.up: 'maybe' is neither yes nor no\n" },
	{ "address without length", "[interface a]\naddress = 10.1.0.1\n",
	  "t.ini:2: interface a.address: '10.1.0.1' has no prefix length: write 10.1.0.1/24 or what the link uses\n" },
	{ "address of a network", "[interface a]\naddress = 10.1.0.0/24\n",
	  "t.ini:2: interface a.address: '10.1.0.0/24' is the network or broadcast address of its subnet: give a host's\n" },
	{ "address twice", "[interface a]\naddress = 10.1.0.1/24,10.1.0.1/24\n",
	  "t.ini:2: interface a.address: '10.1.0.1/24' is given twice\n" },
	{ "address of two interfaces", "[interface a]\naddress = 10.1.0.1/24\n[interface b]\naddress = 10.1.0.1/24\n",
	  "t.ini:3: interface b.address: 10.1.0.1 is given already to interface a\n" },
	{ "device twice", "[interface a]\ntap = x\n[interface b]\ntap = x\n",
	  "t.ini:3: interface b.tap: 'x' is used already by interface a in the same namespace\n" },
	{ "peer without subnet", "[interface a]\naddress = 10.1.0.1/24\npeer_address = 10.2.0.1/24\n",
	  "t.ini:1: interface a.peer_address: the router has no address in its subnet: give one with `address`\n" },
	{ "gateway without peer", "[interface a]\npeer_gateway = yes\n",
	  "t.ini:1: interface a.peer_gateway: needs peer_address\n" },
	{ "peer is the router", "[interface a]\naddress = 10.1.0.1/24\npeer_address = 10.1.0.1/24\n",
	  "t.ini:1: interface a.peer_address: is the router's own address: each end needs its own\n" },
	{ "route's prefix", "[route]\n10.0.0.1/24 = blackhole\n",
	  "t.ini:2: route.10.0.0.1/24: bits are set behind the prefix length /24: write the network's address\n" },
	{ "route's word", "[route]\n10.0.0.0/24 = through 10.1.0.1\n",
	  "t.ini:2: route.10.0.0.0/24: 'through' is not known: use via, dev, metric, src, or blackhole, unreachable, "
	  "prohibit\n" },
	{ "route's interface", "[route]\ndefault = dev nope\n", "t.ini:2: route.default: there is no [interface nope]\n" },
	{ "policy", "[filter]\npolicy.FORWARD = REJECT\n",
	  "t.ini:2: filter.policy.FORWARD: 'REJECT' is not a policy: use ACCEPT or DROP\n" },
	{ "policy of a user chain", "[filter]\npolicy.MINE = DROP\n",
	  "t.ini:2: filter.policy.MINE: only a built-in chain has a policy, for example policy.FORWARD\n" },
	{ "rule's number", "[filter]\nrule.1a = -A FORWARD\n",
	  "t.ini:2: filter.rule.1a: '1a' is not a rule's number: write for example rule.10\n" },
	{ "equal numbers", "[filter]\nrule.1 = -A FORWARD\nrule.01 = -A FORWARD\n",
	  "t.ini:3: filter.rule.01: the number is used already in line 2 as rule.1: renumber one\n" },
	{ "helper's port", "[helper ftp]\nports = 21,70000\n",
	  "t.ini:2: helper ftp.ports: '70000' is not a port: give numbers from 1 to 65535, comma separated\n" },
	{ "every mistake", "[router]\nlog = x\n[interface a]\nmtu = 1\nup = 2\n",
	  "t.ini:2: router.log: 'x' is not a level: use error, warning, info or debug\n"
	  "t.ini:4: interface a.mtu: '1' is not a number from 68 to 65521\n"
	  "t.ini:5: interface a.up: '2' is neither yes nor no\n" },
};

/* What only an engine can tell. */
static const struct row trial[] = {
	{ "gateway off link", LAN_WAN "[route]\ndefault = via 192.0.2.1\n",
	  "t.ini:6: route.default: the gateway is in no subnet of an interface: give an interface an address there, or name "
	  "the interface with dev\n" },
	{ "unknown sysctl", "[sysctl]\nnet.nothing = 1\n",
	  "t.ini:2: sysctl.net.nothing: there is no such sysctl: `tapgate sysctl -a` lists them\n" },
	{ "sysctl out of range", "[sysctl]\nnet.ipv4.ip_default_ttl = 256\n",
	  "t.ini:2: sysctl.net.ipv4.ip_default_ttl: not a number in the range that Linux allows\n" },
	{ "unknown helper", "[helper nope]\n", "t.ini:1: helper nope: there is no helper of this name\n" },
	{ "helper's option", "[helper ftp]\nstrict = 1\n",
	  "t.ini:2: helper ftp.strict: this helper has no such option: remove it, or see `tapgate help config`\n" },
	{ "rule text", "[filter]\nrule.1 = -A FORWARD --bogus\n", "t.ini:2: filter.rule.1: unknown option \"--bogus\"\n" },
	{ "several rules", "[filter]\nrule.1 = -A FORWARD --bogus\nrule.2 = -A INPUT\nrule.3 = -A INPUT --worse\n",
	  "t.ini:2: filter.rule.1: unknown option \"--bogus\"\nt.ini:4: filter.rule.3: unknown option \"--worse\"\n" },
	{ "policy of another table", "[filter]\npolicy.PREROUTING = DROP\n",
	  "t.ini:2: filter.policy.PREROUTING: Bad built-in chain name.\n" },
	{ "loop, at the rule that closes it",
	  "[filter]\nrule.1 = -A FORWARD -j A\nrule.2 = -A A -j B\nrule.3 = -A B -j A\nrule.4 = -A INPUT\n",
	  "t.ini:4: filter.rule.3: Too many levels of symbolic links.\n" },
};

static const struct row lint[] = {
	{ "nothing to route", "", "t.ini: warning: no [interface NAME] section: there is nothing to route\n" },
	{ "no address", "[interface a]\n",
	  "t.ini:1: interface a.address: warning: the router has no address on this link: nobody there can use it as a "
	  "gateway\n" },
	{ "closed firewall", "[interface a]\naddress = 10.1.0.1/24\n[filter]\npolicy.FORWARD = DROP\nrule.1 = -A INPUT\n",
	  "t.ini:4: filter.policy.FORWARD: warning: no rule accepts anything in FORWARD: nothing will be forwarded\n" },
	{ "interface in a rule",
	  "[interface a]\naddress = 10.1.0.1/24\n[filter]\nrule.1 = -A FORWARD -i a -o b+\nrule.2 = -A FORWARD ! -o wan\n",
	  "t.ini:5: filter.rule.2: warning: there is no interface 'wan': the rule never matches\n" },
	{ "forwarding off", "[interface a]\naddress = 10.1.0.1/24\n[sysctl]\nnet.ipv4.ip_forward = 0\n",
	  "t.ini:4: sysctl.net.ipv4.ip_forward: warning: forwarding is off: the router only answers for itself\n" },
};

/* check_rows: what is said about each row: on reading, by the trial too with @tried, as lint with @linted. */
static void check_rows(const struct row *rows, size_t count, bool tried, bool linted)
{
	for (size_t i = 0; i < count; i++) {
		struct problems ps = { 0 };
		struct config *c = config_parse("t.ini", rows[i].text, strlen(rows[i].text), &ps);

		assert_non_null(c);
		if (tried)
			apply_trial(c, &ps);
		if (linted)
			config_lint(c, &ps);
		problems_sort(&ps);
		if (strcmp(text_cstr(&ps.text), rows[i].problems))
			print_error("row '%s'\n", rows[i].name);
		assert_string_equal(text_cstr(&ps.text), rows[i].problems);
		problems_free(&ps);
		config_free(c);
	}
}

static void test_sound(void **state)
{
	(void)state;
	check_rows(sound, COUNT(sound), true, false);
}

static void test_structure(void **state)
{
	(void)state;
	check_rows(structure, COUNT(structure), false, false);
}

static void test_values(void **state)
{
	(void)state;
	check_rows(values, COUNT(values), false, false);
}

static void test_trial(void **state)
{
	(void)state;
	check_rows(trial, COUNT(trial), true, false);
}

static void test_lint(void **state)
{
	(void)state;
	check_rows(lint, COUNT(lint), false, true);
}

/* A rule's text arrives as it is written; a comment after it does not. */
static void test_rule_text(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {
		{ "-A FORWARD -j DROP", "-A FORWARD -j DROP" },
		{ "  -A FORWARD   -j DROP  ; why", "-A FORWARD   -j DROP" },
		{ "-A FORWARD -j DROP # why", "-A FORWARD -j DROP" },
		{ "-A INPUT -j LOG --log-prefix \"a;b # c: \"", "-A INPUT -j LOG --log-prefix \"a;b # c: \"" },
		{ "-A INPUT -m comment --comment 'it''s \"x\" = \\' -j DROP",
		  "-A INPUT -m comment --comment 'it''s \"x\" = \\' -j DROP" },
		{ "-A INPUT -m comment --comment a\\;b ;c", "-A INPUT -m comment --comment a\\;b" },
		{ "-A INPUT -m comment --comment \"\\\"q\\\" ;\" ;c", "-A INPUT -m comment --comment \"\\\"q\\\" ;\"" },
		{ "-A INPUT -m comment --comment \"gr\xc3\xbc\xc3\x9f dich\"",
		  "-A INPUT -m comment --comment \"gr\xc3\xbc\xc3\x9f dich\"" },
		{ "\"-A INPUT -j DROP\"", "-A INPUT -j DROP" },
		{ "-A INPUT -m comment --comment \"tab\there [x] %s\"", "-A INPUT -m comment --comment \"tab\there [x] %s\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct problems ps = { 0 };
		struct config *c;
		char text[1200];

		snprintf(text, sizeof text, "[filter]\nrule.1 = %s\n", rows[i].line);
		c = config_parse("t.ini", text, strlen(text), &ps);
		assert_string_equal(text_cstr(&ps.text), "");
		assert_int_equal(c->rules_count, 1);
		assert_string_equal(c->rule[0].text, rows[i].text);
		config_free(c);
		problems_free(&ps);
	}
}

/* Rules apply in the order of their numbers; each remembers its line. */
static void test_rule_order(void **state)
{
	static const char text[] = "[filter]\nrule.100 = c\nrule.9 = a\nrule.20 = b\n[raw]\nrule.5 = r\n";
	static const char *const order[] = { "r", "a", "b", "c" };
	static const unsigned lines[] = { 6, 3, 4, 2 };
	struct problems ps = { 0 };
	struct config *c = config_parse("t.ini", text, sizeof text - 1, &ps);

	(void)state;
	assert_int_equal(ps.count, 0);
	assert_int_equal(c->rules_count, COUNT(order));
	for (size_t i = 0; i < COUNT(order); i++) {
		assert_string_equal(c->rule[i].text, order[i]);
		assert_int_equal(c->rule[i].line, lines[i]);
	}
	config_free(c);
}

/* The limit of a line's length: 1,023 characters pass, one more does not. */
static void test_line_length(void **state)
{
	(void)state;
	for (size_t len = 1022; len <= 1024; len++) {
		static const char head[] = "rule.1 = -A FORWARD -m comment --comment ";
		struct problems ps = { 0 };
		struct text text = { 0 };
		struct config *c;

		text_puts(&text, "[filter]\n");
		text_puts(&text, head);
		for (size_t i = sizeof head - 1; i < len; i++)
			text_puts(&text, "x");
		c = config_parse("t.ini", text_cstr(&text), text.len, &ps);
		assert_non_null(c);
		if (len <= INI_LINE_MAX) {
			assert_int_equal(ps.count, 0);
			assert_int_equal(strlen(c->rule[0].text), len - strlen("rule.1 = "));
		} else {
			assert_string_equal(text_cstr(&ps.text),
					    "t.ini:2: filter: the line is longer than 1023 characters: split it\n");
		}
		config_free(c);
		problems_free(&ps);
		text_free(&text);
	}
}

/* What the keys of an interface become, and the defaults. */
static void test_interface(void **state)
{
	static const char text[] = "[interface Lan]\naddress = 10.1.0.254/24 , 10.1.9.1/32\ntap = t0\nnetns = client\nmtu = 9000\n"
				   "mac = 02:00:00:00:00:09\npeer_address = 10.1.0.1/24\npeer_gateway = yes\nup = off\n"
				   "[interface wan]\n[interface wan2]\n";
	struct problems ps = { 0 };
	struct config *c = config_parse("t.ini", text, sizeof text - 1, &ps);
	const struct config_interface *lan = config_find_interface(c, "Lan"), *wan = config_find_interface(c, "wan");

	(void)state;
	assert_string_equal(text_cstr(&ps.text), "");
	assert_non_null(lan);
	assert_null(config_find_interface(c, "lan"));
	assert_string_equal(lan->tap, "t0");
	assert_string_equal(lan->netns, "client");
	assert_int_equal(lan->address.count, 2);
	assert_int_equal(lan->address.item[0].be, inet_addr("10.1.0.254"));
	assert_int_equal(lan->address.item[1].plen, 32);
	assert_int_equal(lan->mtu, 9000);
	assert_int_equal(lan->mac[5], 9);
	assert_int_equal(lan->peer_address.be, inet_addr("10.1.0.1"));
	assert_true(lan->peer_gateway);
	assert_false(lan->up);
	assert_string_equal(wan->tap, "wan");
	assert_int_equal(wan->mtu, 1500);
	assert_int_equal(wan->mac[0] & 3, 2);
	assert_memory_not_equal(wan->mac, c->interface[2].mac, MAC_LEN);
	assert_true(wan->up);
	assert_string_equal(c->socket, CONFIG_SOCKET_DEFAULT);
	config_free(c);
}

/* A sysctl raises the limit that its pool is built with. */
static void test_limits(void **state)
{
	static const char text[] = "[router]\npackets_small = 100\n[sysctl]\nnet.netfilter.nf_conntrack_max = 3200000\n";
	struct problems ps = { 0 };
	struct config *c = config_parse("t.ini", text, sizeof text - 1, &ps);
	struct engine_limits l = config_engine_limits(c);

	(void)state;
	assert_int_equal(l.conntrack.max, 3200000);
	assert_int_equal(l.conntrack.expect_max, CT_LIMITS_DEFAULT.expect_max);
	assert_int_equal(l.netstack.pool_small, 100);
	config_free(c);
	problems_free(&ps);
}

/* Every key is in the help. */
static void test_help(void **state)
{
	struct text help = { 0 };

	(void)state;
	config_help(&help);
	assert_non_null(strstr(text_cstr(&help), "| `peer_gateway` | yes or no | no |"));
	assert_non_null(strstr(text_cstr(&help), "| `proc_mount` | PATH or none | /run/tapgate/proc |"));
	text_free(&help);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),	   cmocka_unit_test(test_structure),  cmocka_unit_test(test_values),
		cmocka_unit_test(test_trial),	   cmocka_unit_test(test_lint),	      cmocka_unit_test(test_rule_text),
		cmocka_unit_test(test_rule_order), cmocka_unit_test(test_line_length), cmocka_unit_test(test_interface),
		cmocka_unit_test(test_limits),	   cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
