/* test_state_text.c - the text of matches and targets that keep state or look at what a router has little of. */
#include "tests/unit/tables/rule_text.h"

static const struct text_row rows[] = {
#include "tests/unit/tables/state_rows.inc"
};

static const struct text_row rateest_rows[] = {
#include "tests/unit/tables/rateest_rows.inc"
};

static void test_rateest(void **state)
{
	(void)state;
	check_rows_after("*filter\n"
			 "-A INPUT -j RATEEST --rateest-name e1 --rateest-interval 250ms --rateest-ewmalog 500ms\n"
			 "-A INPUT -j RATEEST --rateest-name e2 --rateest-interval 250ms --rateest-ewmalog 500ms\n"
			 "COMMIT\n",
			 rateest_rows, sizeof rateest_rows / sizeof rateest_rows[0]);
}

static void test_rows(void **state)
{
	(void)state;
	check_rows(rows, sizeof rows / sizeof rows[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_rateest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
