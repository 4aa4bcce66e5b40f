/* test_match_verdicts.c - which frames a rule fits, against what the kernel counted for the same frames. */
#define VERDICTS_INC "tests/unit/tables/match_verdicts.inc"
#include "tests/unit/tables/verdicts.h"

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
