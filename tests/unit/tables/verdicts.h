/* verdicts.h - which frames (FRAMES_INC) a rule fits, against what the kernel counted for the same frames (VERDICTS_INC). */
#ifndef TESTS_UNIT_TABLES_VERDICTS_H
#define TESTS_UNIT_TABLES_VERDICTS_H

#include <arpa/inet.h>

#include "tests/unit/frames.h"
#include "tests/unit/tables/rule_text.h"

static const struct row {
	const char *rule, *fits; /* a character for each frame: 1, 0, x dropped by the match, X both */
} rows[] = {
#include VERDICTS_INC
};

/* verdict_of: walks mangle PREROUTING with the one rule that is live. */
static inline char verdict_of(struct bench *b, struct pkt *p, struct port *in)
{
	const struct hook_state st = { .hook = HOOK_PREROUTING, .in = in, .ns = b->ns };
	enum verdict v;

	p->mark = 0;
	v = tables_walk(b->tables, TABLE_MANGLE, p, &st);
	if (v == VERDICT_DROP) {
		assert_int_equal(p->drop, DROP_RULE_HOTDROP);
		return p->mark ? 'X' : 'x';
	}
	return p->mark ? '1' : '0';
}

static inline unsigned check_rule(struct bench *b, const struct row *r, struct port *in)
{
	struct rule_error err;
	char line[1024], got[FRAME_COUNT + 1] = "";

	/* -m mark rules look at the mark that this sets: one rule, so they see 0 */
	snprintf(line, sizeof line, "-A PREROUTING %s -j MARK --set-mark 1", r->rule);
	if (bench_load(b, TABLE_MANGLE, line, false, &err))
		fail_msg("%s: %s %s", r->rule, err.text, err.detail);
	for (unsigned i = 0; i < FRAME_COUNT; i++) {
		struct pkt *p = frame_packet(b->ns->pool, i, in);

		got[i] = verdict_of(b, p, in);
		pkt_free(p);
	}
	if (!strcmp(got, r->fits))
		return 0;
	print_message("%s\n  got  %s\n  want %s\n", r->rule, got, r->fits);
	for (unsigned i = 0; i < FRAME_COUNT; i++)
		if (got[i] != r->fits[i])
			print_message("  %s\n", frames[i].name);
	return 1;
}

static inline void test_rows(void **state)
{
	static const uint8_t mac[MAC_LEN] = { 2, 0, 0, 0, 0, 1 };
	struct bench b;
	struct port *in;
	unsigned bad = 0;

	(void)state;
	bench_begin(&b);
	in = port_add(b.ns, "r0", mac, 1500);
	assert_non_null(in);
	port_set_up(b.ns, in, true);
	assert_int_equal(port_add_addr(b.ns, in, inet_addr("10.9.0.1"), 24), 0);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		bad += check_rule(&b, &rows[i], in);
	bench_end(&b);
	assert_int_equal(bad, 0);
}

#endif
