/* test_state_text.c - the text of matches and targets that keep state or look at what a router has little of. */
#include "tests/unit/tables/rule_text.h"

static const struct text_row rows[] = {
#include "tests/unit/tables/state_rows.inc"
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
