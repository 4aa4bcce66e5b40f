/* test_list.c - iptables -L: columns, units, what -n -v -x --line-numbers change. Expected text as iptables 1.8.9 printed it. */
#include <errno.h>

#include "netstack/text.h"
#include "tests/unit/tables/scene.h"

static const char rules[] =
	"*filter\n:INPUT ACCEPT [99999:100000]\n:FORWARD ACCEPT [123456:9999999]\n:OUTPUT DROP [9999000:9999999999]\n:foo - [0:0]\n"
	"[1:99999] -A INPUT -s 1.1.1.1 -j foo\n"
	"[100000:9999999] -A INPUT -s 1.1.1.1 -g foo\n"
	"[10000000000:99999999999999999] -A INPUT ! -p tcp ! -d 1.2.3.4/24 -i eth0 ! -f\n"
	"[10000000:100000000] -A INPUT -p icmp -j REJECT\nCOMMIT\n";

static const struct {
	const char *chain;
	unsigned num, flags;
	const char *want;
} rows[] = {
	{ "INPUT", 0, LIST_VERBOSE,
	  "Chain INPUT (policy ACCEPT 99999 packets, 100K bytes)\n"
	  " pkts bytes target     prot opt in     out     source               destination         \n"
	  "    1 99999 foo        all  --  any    any     1.1.1.1              anywhere            \n"
	  " 100K   10M foo        all  --  any    any     1.1.1.1              anywhere            [goto] \n"
	  "  10G 100000T           !tcp  !f  eth0   any     anywhere            !1.2.3.0/24          \n"
	  "  10M  100M REJECT     icmp --  any    any     anywhere             anywhere             "
	  "reject-with icmp-port-unreachable\n" },
	{ "INPUT", 0, LIST_NUMERIC | LIST_LINE_NUMBERS,
	  "Chain INPUT (policy ACCEPT)\n"
	  "num  target     prot opt source               destination         \n"
	  "1    foo        0    --  1.1.1.1              0.0.0.0/0           \n"
	  "2    foo        0    --  1.1.1.1              0.0.0.0/0           [goto] \n"
	  "3              !6    !f  0.0.0.0/0           !1.2.3.0/24          \n"
	  "4    REJECT     1    --  0.0.0.0/0            0.0.0.0/0            reject-with icmp-port-unreachable\n" },
	{ "OUTPUT", 0, LIST_VERBOSE,
	  "Chain OUTPUT (policy DROP 9999K packets, 10G bytes)\n"
	  " pkts bytes target     prot opt in     out     source               destination         \n" },
	{ "FORWARD", 0, LIST_VERBOSE | LIST_EXACT,
	  "Chain FORWARD (policy ACCEPT 123456 packets, 9999999 bytes)\n"
	  "    pkts      bytes target     prot opt in     out     source               destination         \n" },
	{ "foo", 0, LIST_VERBOSE | LIST_NUMERIC,
	  "Chain foo (2 references)\n"
	  " pkts bytes target     prot opt in     out     source               destination         \n" },
	{ "INPUT", 2, LIST_VERBOSE | LIST_LINE_NUMBERS,
	  "2     100K   10M foo        all  --  any    any     1.1.1.1              anywhere            [goto] \n" },
	{ "INPUT", 3, LIST_VERBOSE | LIST_EXACT | LIST_NUMERIC,
	  "10000000000 99999999999999999           !6    !f  eth0   *       0.0.0.0/0           !1.2.3.0/24          \n" },
	{ "INPUT", 9, 0, "" },
};

static void list_rows(void **state)
{
	struct scene *s = scene_open();

	(void)state;
	assert_int_equal(scene_restore(s, rules, false, false, true), 0);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text out = { 0 };

		if (rows[i].num)
			assert_int_equal(tables_list_rule(s->t, TABLE_FILTER, rows[i].chain, rows[i].num, rows[i].flags, &out), 0);
		else
			assert_int_equal(tables_list(s->t, TABLE_FILTER, rows[i].chain, rows[i].flags, &out), 0);
		assert_string_equal(text_cstr(&out), rows[i].want);
		text_free(&out);
	}
	scene_close(s);
}

static void whole_table(void **state)
{
	struct scene *s = scene_open();
	struct text out = { 0 };

	(void)state;
	assert_int_equal(tables_list(s->t, TABLE_RAW, NULL, 0, &out), 0);
	assert_string_equal(text_cstr(&out), "Chain PREROUTING (policy ACCEPT)\n"
					     "target     prot opt source               destination         \n\n"
					     "Chain OUTPUT (policy ACCEPT)\n"
					     "target     prot opt source               destination         \n");
	text_free(&out);
	assert_int_equal(tables_list(s->t, TABLE_RAW, "INPUT", 0, &out), -ENOENT);
	assert_int_equal(tables_list_rule(s->t, TABLE_RAW, "INPUT", 1, 0, &out), -ENOENT);
	assert_int_equal(tables_list_rules(s->t, TABLE_RAW, "INPUT", 0, false, &out), -ENOENT);
	assert_int_equal(tables_list_rules(s->t, TABLE_RAW, "OUTPUT", 7, false, &out), 0);
	assert_string_equal(text_cstr(&out), "");
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(list_rows), cmocka_unit_test(whole_table) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
