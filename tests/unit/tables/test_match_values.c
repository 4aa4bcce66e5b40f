/* test_match_values.c - every value, range and name of addrtype, conntrack, icmp, string, tcp and tcpmss, right and wrong. */
#include "tests/unit/tables/rule_text.h"

static const struct text_row rows[] = {
#include "tests/unit/tables/value_rows.inc"
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
