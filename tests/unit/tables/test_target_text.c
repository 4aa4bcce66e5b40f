/* test_target_text.c - the text of every target: what iptables takes, refuses, saves and lists. */
#include "tests/unit/tables/rule_text.h"

static const struct text_row rows[] = {
#include "tests/unit/tables/target_rows.inc"
#include "tests/unit/tables/target_packet_rows.inc"
};

static void test_rows(void **state)
{
	(void)state;
	check_rows(rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
