/* test_packet_log.c - log lines against what the kernel logged of the same frames. */
#include "tests/unit/frames.h"

#include "netstack/packet_log.h"
#include "netstack/text.h"

static const struct row {
	const char *frame;
	unsigned flags;
	const char *line;
} rows[] = {
#include "tests/unit/netstack/packet_log_rows.inc"
};

enum { MARKED_LEN = 33, MARK = 0x1f };

static unsigned frame_index(const char *name)
{
	for (unsigned i = 0; i < FRAME_COUNT; i++)
		if (!strcmp(frames[i].name, name))
			return i;
	fail_msg("no frame %s", name);
	return 0;
}

static void test_lines(void **state)
{
	struct pkt_pool *pool = pkt_pool_create(4, 1);
	struct port in = { .name = "r0" };
	unsigned bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pkt *p = frame_packet(pool, frame_index(rows[i].frame), &in);
		char buf[1024];
		struct text t = text_over(buf, sizeof buf);

		p->mark = p->len == MARKED_LEN ? MARK : 0;
		packet_log_text(&t, p, &in, NULL, rows[i].flags);
		if (strcmp(text_cstr(&t), rows[i].line)) {
			print_message("%s\n  got  [%s]\n  want [%s]\n", rows[i].frame, text_cstr(&t), rows[i].line);
			bad++;
		}
		pkt_free(p);
	}
	assert_int_equal(pkt_pool_destroy(pool), 0);
	assert_int_equal(bad, 0);
}

/* A packet cut at any length gives some line and no read beyond it. */
static void test_cut(void **state)
{
	struct pkt_pool *pool = pkt_pool_create(4, 1);

	(void)state;
	for (unsigned i = 0; i < FRAME_COUNT; i++) {
		struct pkt *p = frame_packet(pool, i, NULL);

		for (; p->len; p->len--) {
			char buf[1024];
			struct text t = text_over(buf, sizeof buf);

			packet_log_text(&t, p, NULL, p->in, PACKET_LOG_DEFAULT);
			assert_true(t.len < sizeof buf);
		}
		pkt_free(p);
	}
	assert_int_equal(pkt_pool_destroy(pool), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_lines), cmocka_unit_test(test_cut) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
