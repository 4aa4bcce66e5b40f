/* test_background.c - what slices of background work may take of the time. Times are given: nothing here is measured. */
#include "router/background.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

/* slices: plays @rounds of slices of @slice ns, each begun when it may; packets take @percent of the time in between and keep
 * nothing for themselves while a slice runs. Return: what the last half of the slices took of the time, in percent. */
static double slices(unsigned rounds, uint64_t slice, unsigned percent)
{
	struct background b = { 0 };
	uint64_t now = 1000 * MS, used = 0, from = 0;

	for (unsigned i = 0; i < rounds; i++) {
		uint64_t turn = 5 * US, wait;

		while ((wait = background_wait(&b, now))) {
			assert_true(wait <= BACKGROUND_WAIT_MAX_NS);
			if (background_watches(&b, now))
				background_packets(&b, wait * percent / 100);
			now += wait;
		}
		if (background_watches(&b, now))
			background_packets(&b, (slice + turn) * percent / 100);
		now += turn;
		if (i == rounds / 2)
			from = now;
		background_begin(&b, now);
		now += slice;
		background_end(&b, now);
		if (i > rounds / 2)
			used += slice;
	}
	return 100.0 * (double)used / (double)(now - from);
}

/* The share by what the packets take: all that is left while they take little, else one part in BACKGROUND_SHARE. */
static void test_share(void **state)
{
	static const struct {
		unsigned packets; /* percent of the time */
		uint64_t slice;
		double least, most;
	} rows[] = {
		{ 0, 100 * US, 90, 100 },	{ 5, 100 * US, 90, 100 },	  { 20, 100 * US, 4.4, 5.3 },
		{ 50, 100 * US, 4.4, 5.3 },	{ 100, 100 * US, 4.4, 5.3 },	  { 100, 400 * US, 4.4, 5.3 },
		{ 100, 10 * US, 3, 5.3 }, /* slower than necessary, never faster */
		{ 100, 10 * MS, 37, 40 }, /* one that did not end in time: waits as long as there is, not for ever */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		double got = slices(400, rows[i].slice, rows[i].packets);

		if (got < rows[i].least || got > rows[i].most)
			fail_msg("row %zu: slices took %.2f %%", i, got);
	}
}

/* The first slice begins at once, whatever packets did before: nobody has measured them. So does one after a long rest. */
static void test_first(void **state)
{
	struct background b = { 0 };
	uint64_t now = 5000 * MS;

	(void)state;
	assert_int_equal(background_wait(&b, now), 0);
	for (unsigned i = 0; i < 20; i++) {
		background_begin(&b, now);
		background_end(&b, now + 100 * US);
		now += 1100 * US;
		background_packets(&b, MS);
	}
	assert_int_equal(background_wait(&b, b.ended), 100 * US * (BACKGROUND_SHARE - 1));
	assert_int_equal(background_wait(&b, b.ended + BACKGROUND_RECENT_NS), 0);
	background_begin(&b, b.ended + BACKGROUND_RECENT_NS);
	assert_int_equal(b.busy, 0);
}

/* A slice has had enough when its time is over. */
static void test_enough(void **state)
{
	struct background b = { 0 };

	(void)state;
	background_begin(&b, MS);
	assert_false(background_enough(&b, MS + BACKGROUND_SLICE_NS - 1));
	assert_true(background_enough(&b, MS + BACKGROUND_SLICE_NS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_share),
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_enough),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
