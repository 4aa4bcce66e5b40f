/* test_match_payload.c - the matches that read the payload, sctp, u32 and bpf: their text, and which frames they fit, as of
 * string and others. */
#define FRAMES_INC   "tests/unit/payload_frames.inc"
#define VERDICTS_INC "tests/unit/tables/payload_verdicts.inc"
#include "tests/unit/tables/verdicts.h"

static const struct text_row texts[] = {
#include "tests/unit/tables/payload_rows.inc"
};

static void test_texts(void **state)
{
	(void)state;
	check_rows(texts, sizeof texts / sizeof texts[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
