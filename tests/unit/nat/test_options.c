/* test_options.c - the NAT targets as text: what iptables 1.8.9 and 1.8.11 answered to the same words. */
#include "tests/unit/nat/mini.h"

static const struct {
	const char *rule;
	const char *save;  /* NULL: the same */
	const char *error; /* refused with this text */
	int code;
} rows[] = {
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3.4", NULL },
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3.4-1.2.3.9", NULL },
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3.9-1.2.3.4", NULL },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:1000", NULL },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:1000-2000 --random", NULL },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source :1000-2000", NULL },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source :0", NULL },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:0", NULL },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:http",
	  "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:80" },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:0x10-0x20",
	  "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:16-32" },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:010",
	  "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:8" },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:1000-2000/5",
	  "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:1000-2000/0" },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4-1.2.3.9:10-20", NULL },
	{ "-A POSTROUTING -p icmp -j SNAT --to-source 1.2.3.4:1000", NULL },
	{ "-A POSTROUTING -p sctp -j SNAT --to-source 1.2.3.4:7-9", NULL },
	{ "-A POSTROUTING ! -p tcp -j SNAT --to-source 1.2.3.4:7-9", NULL },
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3.4 --random-fully --persistent --random",
	  "-A POSTROUTING -j SNAT --to-source 1.2.3.4 --random --random-fully --persistent" },
	{ "-A POSTROUTING -j SNAT --to 1.2.3.4", "-A POSTROUTING -j SNAT --to-source 1.2.3.4" },
	{ "-A INPUT -j SNAT --to-source 1.2.3.4", NULL },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:2000-1000", .error = "Port range `1000' funky",
	  .code = 2 },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:65536", .error = "Port `65536' not valid",
	  .code = 2 },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:10-", .error = "Port `' not valid", .code = 2 },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:", .error = "Port `' not valid", .code = 2 },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:-5", .error = "Port `-5' not valid", .code = 2 },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:1000-http", .error = "Port `http' not valid",
	  .code = 2 },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:99x", .error = "Garbage after port value: `x'",
	  .code = 2 },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:1:5", .error = "Bad IP address \"1.2.3.4:1:5\"",
	  .code = 2 },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source 1.2.3.4:1-5:6", .error = "Bad IP address \"1.2.3.4:1\"",
	  .code = 2 },
	{ "-A POSTROUTING -p tcp -j SNAT --to-source [1.2.3.4]:7", .error = "Invalid address format",
	  .code = 2 },
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3.4:1000",
	  .error = "Need TCP, UDP, SCTP or DCCP with port specification", .code = 2 },
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3.4:7 -p tcp",
	  .error = "Need TCP, UDP, SCTP or DCCP with port specification", .code = 2 },
	{ "-A POSTROUTING -p udplite -j SNAT --to-source 1.2.3.4:7",
	  .error = "Need TCP, UDP, SCTP or DCCP with port specification", .code = 2 },
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3", .error = "Bad IP address \"1.2.3\"", .code = 2 },
	{ "-A POSTROUTING -j SNAT --to-source 01.2.3.4", .error = "Bad IP address \"01.2.3.4\"", .code = 2 },
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3.4-x", .error = "Bad IP address \"x\"", .code = 2 },
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3.4-", .error = "Bad IP address \"\"", .code = 2 },
	{ "-A POSTROUTING -j SNAT --to-source ::1", .error = "Bad IP address \"::1\"", .code = 2 },
	{ "-A POSTROUTING -j SNAT", .error = "SNAT: option \"--to-source\" must be specified", .code = 2 },
	{ "-A POSTROUTING -j SNAT --to-source 1.2.3.4 --to-source 1.2.3.5",
	  .error = "SNAT: option \"--to-source\" can only be used once.", .code = 2 },
	{ "-A POSTROUTING -j SNAT ! --to-source 1.2.3.4",
	  .error = "SNAT: option \"--to-source\" cannot be inverted.", .code = 2 },
	{ "-A PREROUTING -j SNAT --to-source 1.2.3.4",
	  .error = "Invalid argument. Run `dmesg' for more information.", .code = 1 },

	{ "-A PREROUTING -j DNAT --to-destination 1.2.3.4", NULL },
	{ "-A PREROUTING -j DNAT --to-destination 1.2.3.4-1.2.3.8 --random", NULL },
	{ "-A OUTPUT -j DNAT --to-destination 1.2.3.4 --persistent --random",
	  "-A OUTPUT -j DNAT --to-destination 1.2.3.4 --random --persistent" },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80", NULL },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination :80", NULL },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/85", NULL },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/http",
	  "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/80" },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/12x",
	  "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/12" },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:0-5", NULL },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80/1000",
	  .error = "Garbage after port value: `/1000'", .code = 2 },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/0", .error = "Port `0' not valid",
	  .code = 2 },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/70000",
	  .error = "Port `70000' not valid", .code = 2 },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:5-6/x", .error = "Port `x' not valid",
	  .code = 2 },
	{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4 --random-fully",
	  .error = "unknown option \"--random-fully\"", .code = 2 },
	{ "-A POSTROUTING -j DNAT --to-destination 1.2.3.4",
	  .error = "Invalid argument. Run `dmesg' for more information.", .code = 1 },

	{ "-A POSTROUTING -j MASQUERADE", NULL },
	{ "-A POSTROUTING -j MASQUERADE --random", NULL },
	{ "-A POSTROUTING -j MASQUERADE --random-fully --random",
	  "-A POSTROUTING -j MASQUERADE --random --random-fully" },
	{ "-A POSTROUTING -j MASQUERADE --random-f", "-A POSTROUTING -j MASQUERADE --random-fully" },
	{ "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 1000-2000 --random", NULL },
	{ "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 0", NULL },
	{ "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 10-20/15",
	  "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 10-20/0" },
	{ "-A POSTROUTING -p icmp -j MASQUERADE --to-ports 10", NULL },
	{ "-A POSTROUTING -p tcp -j MASQUERADE --to-ports a-b", .error = "Port `a-b' not valid", .code = 2 },
	{ "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 10-20x", .error = "Garbage after port range: `x'",
	  .code = 2 },
	{ "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 10:20",
	  .error = "Invalid port:port syntax - use dash", .code = 2 },
	{ "-A POSTROUTING -j MASQUERADE --to-ports 10",
	  .error = "Need TCP, UDP, SCTP or DCCP with port specification", .code = 2 },
	{ "-A PREROUTING -j MASQUERADE", .error = "Invalid argument. Run `dmesg' for more information.",
	  .code = 1 },

	{ "-A PREROUTING -j REDIRECT", NULL },
	{ "-A PREROUTING -j REDIRECT --random", NULL },
	{ "-A PREROUTING -p tcp -j REDIRECT --to-port 8080-8090 --random",
	  "-A PREROUTING -p tcp -j REDIRECT --to-ports 8080-8090 --random" },
	{ "-A PREROUTING -p tcp -j REDIRECT --to-ports http",
	  "-A PREROUTING -p tcp -j REDIRECT --to-ports 80" },
	{ "-A PREROUTING -p tcp -j REDIRECT --to-ports 80-90/85",
	  .error = "Shifted portmap ranges not supported with this kernel", .code = 2 },
	{ "-A PREROUTING -p tcp -j REDIRECT --to-ports http-90", .error = "Port `http-90' not valid",
	  .code = 2 },
	{ "-A POSTROUTING -j REDIRECT", .error = "Invalid argument. Run `dmesg' for more information.",
	  .code = 1 },

	{ "-A PREROUTING -j NETMAP --to 10.0.0.0/24", NULL },
	{ "-A PREROUTING -j NETMAP --to 10.0.0.5/24", "-A PREROUTING -j NETMAP --to 10.0.0.0/24" },
	{ "-A INPUT -j NETMAP --to 10.0.0.5", "-A INPUT -j NETMAP --to 10.0.0.5/32" },
	{ "-A POSTROUTING -j NETMAP --to 10.0.0.0/255.255.0.0", "-A POSTROUTING -j NETMAP --to 10.0.0.0/16" },
	{ "-A OUTPUT -j NETMAP --to 10.0.0.5/255.0.255.0", "-A OUTPUT -j NETMAP --to 10.0.0.5/32" },
	{ "-A PREROUTING -j NETMAP --to 10.0.0.0/33", "-A PREROUTING -j NETMAP --to 10.0.0.0/32" },
	{ "-A PREROUTING -j NETMAP --to 10.0.0.0/0", "-A PREROUTING -j NETMAP --to 0.0.0.0/0" },
	{ "-A PREROUTING -j NETMAP --to 10.1", "-A PREROUTING -j NETMAP --to 10.0.0.1/32" },
	{ "-A PREROUTING -j NETMAP --to 10.1.2.3/abc",
	  .error =
		  "NETMAP: bad value for option \"--to\", neither a valid network mask nor valid CIDR (0-32).",
	  .code = 2 },
	{ "-A PREROUTING -j NETMAP", .error = "NETMAP: option \"--to\" must be specified", .code = 2 },
};

/* add: one rule into the live table. Return: as iptables exits. */
static int add(struct mini *m, const char *rule, struct rule_error *err)
{
	struct ruleset *rs = tables_begin(m->tables, true);
	int code = 0;

	assert_non_null(rs);
	*err = (struct rule_error){ 0 };
	if (ruleset_line(m->tables, rs, TABLE_NAT, rule, false, err) || tables_commit(m->tables, rs, err)) {
		tables_abort(m->tables, rs);
		code = err->code;
	}
	return code;
}

static void test_rows(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		const char *want = rows[i].error ? rows[i].error : rows[i].save ? rows[i].save : rows[i].rule;
		struct mini *m = mini_open();
		struct rule_error err;
		struct text out = { 0 };
		int code = add(m, rows[i].rule, &err);
		const char *got;

		tables_save(m->tables, TABLE_NAT, false, NULL, &out);
		got = code ? err.text : text_cstr(&out);
		if (code != rows[i].code || !strstr(got, want)) {
			print_error("%s\n  want %d %s\n  got  %d %s\n", rows[i].rule, rows[i].code, want,
				    code, got);
			wrong++;
		}
		text_free(&out);
		mini_close(m);
	}
	assert_int_equal(wrong, 0);
}

static void test_list(void **state)
{
	static const struct {
		const char *rule, *tail;
	} lists[] = {
		{ "-A POSTROUTING -j SNAT --to-source 1.2.3.4-1.2.3.9",
		  "0.0.0.0/0            to:1.2.3.4-1.2.3.9\n" },
		{ "-A POSTROUTING -p tcp -j SNAT --to-source :5-6 --random",
		  "0.0.0.0/0            to::5-6 random\n" },
		{ "-A PREROUTING -p tcp -j DNAT --to-destination 1.2.3.4:80-90/85",
		  "0.0.0.0/0            to:1.2.3.4:80-90/85\n" },
		{ "-A POSTROUTING -j MASQUERADE", "0.0.0.0/0           \n" },
		{ "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 1-2 --random-fully",
		  "0.0.0.0/0            masq ports: 1-2 random-fully\n" },
		{ "-A PREROUTING -p tcp -j REDIRECT --to-ports 8080 --random",
		  "0.0.0.0/0            redir ports 8080 random\n" },
		{ "-A PREROUTING -j NETMAP --to 10.0.0.0/16", "0.0.0.0/0            to:10.0.0.0/16\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		struct mini *m = mini_open();
		struct rule_error err;
		struct text out = { 0 };

		assert_int_equal(add(m, lists[i].rule, &err), 0);
		assert_int_equal(tables_list(m->tables, TABLE_NAT, NULL, LIST_NUMERIC, &out), 0);
		if (!strstr(text_cstr(&out), lists[i].tail))
			fail_msg("%s\n%s", lists[i].rule, text_cstr(&out));
		text_free(&out);
		mini_close(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
