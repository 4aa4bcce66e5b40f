/* test_state_time.c - matches that remember, in virtual time: rules, and a script of packets and pauses.
 *
 * A word of a script is "+MS" (time goes on), or a packet and the mark that the rules leave on it: "a:1" comes from
 * 10.0.0.97 (the letter), is UDP with 4 bytes and TTL 64; "aB" goes to 10.0.1.66; "a/100" has 100 bytes of payload; "a,7"
 * comes from port 7; "a~9" has TTL 9; a mark of "x" is a packet that the match dropped. Rule number i (from 0) marks bit i
 * unless it has a target.
 * "@DATE" sets the wall clock (seconds since 1970). "#" and a line ends the script's line.
 */
#include <stdlib.h>

#include "tables/hashlimit.h"
#include "tables/recent.h"
#include "tests/unit/tables/rule_text.h"

static const struct row {
	const char *rules, *script;
} rows[] = {
#include "tests/unit/tables/state_time.inc"
};

/* load: the rules, a line each, with a mark of their own. Return: whether they were taken. */
static bool load(struct bench *b, const char *rules, struct rule_error *err)
{
	struct ruleset *rs = tables_begin(b->tables, false);
	char line[1024];
	unsigned bit = 0;

	while (*rules) {
		size_t len = strcspn(rules, "\n");

		snprintf(line, sizeof line, "-A PREROUTING %.*s", (int)len, rules);
		if (!strstr(line, "-j "))
			snprintf(line + strlen(line), sizeof line - strlen(line), " -j MARK --or-mark %u", 1u << bit);
		bit++;
		if (ruleset_line(b->tables, rs, TABLE_MANGLE, line, false, err))
			break;
		rules += len + (rules[len] == '\n');
	}
	if (!*rules && !tables_commit(b->tables, rs, err))
		return true;
	tables_abort(b->tables, rs);
	return false;
}

/* send_packet: the packet that @word describes. @word is moved to the ':'. Return: its mark; -1 dropped by a match. */
static long send_packet(struct bench *b, const char **word)
{
	const struct hook_state st = { .hook = HOOK_PREROUTING, .ns = b->ns };
	char src[16], dst[16] = "10.0.1.1";
	struct craft c = { .src = src, .dst = dst, .sport = 5000, .dport = 53, .payload_len = 4 };
	const char *w = *word;
	struct pkt *p;
	long mark;

	snprintf(src, sizeof src, "10.0.0.%d", *w++);
	if (*w >= 'A' && *w <= 'Z')
		snprintf(dst, sizeof dst, "10.0.1.%d", *w++);
	while (*w != ':') {
		char kind = *w;
		unsigned long n = strtoul(w + 1, (char **)(uintptr_t)&w, 10);

		if (kind == '/')
			c.payload_len = (unsigned)n;
		else if (kind == ',')
			c.sport = (uint16_t)n;
		else
			c.ttl = (uint8_t)n;
	}
	p = craft_packet(b->ns->pool, &c);
	mark = tables_walk(b->tables, TABLE_MANGLE, p, &st) == VERDICT_DROP ? -1 : (long)p->mark;
	pkt_free(p);
	*word = w;
	return mark;
}

/* play: one script. Return: differences. */
static unsigned play(struct bench *b, const struct row *r)
{
	const char *at = r->script;
	unsigned bad = 0;

	for (unsigned n = 1; *(at += strspn(at, " ")); n++) {
		const char *from = at;
		char *end;

		if (*at == '+') {
			b->ns->now += strtoull(at + 1, &end, 10) * 1000000;
			at = end;
			continue;
		}
		if (*at == '@') {
			b->ns->wall_offset = (int64_t)strtoull(at + 1, &end, 10) * 1000000000 - (int64_t)b->ns->now;
			at = end;
			continue;
		}
		long got = send_packet(b, &at), want = at[1] == 'x' ? -1 : strtol(at + 1, NULL, 10);

		at += strcspn(at, " ");
		if (got == want)
			continue;
		bad++;
		print_message("%s\n  word %u %.*s: got %ld\n", r->rules, n, (int)(at - from), from, got);
	}
	return bad;
}

static void test_rows(void **state)
{
	struct rule_error err;
	struct bench b;
	unsigned bad = 0;

	(void)state;
	bench_begin(&b);
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!load(&b, rows[i].rules, &err))
			fail_msg("%s: %s %s", rows[i].rules, err.text, err.detail);
		bad += play(&b, &rows[i]);
		assert_true(load(&b, "", &err));
		assert_null(b.tables->shared);
	}
	bench_end(&b);
	assert_int_equal(bad, 0);
}

/* What /proc shows and takes. */
static void test_recent_file(void **state)
{
	struct rule_error err;
	struct text t = { 0 };
	struct bench b;

	(void)state;
	bench_begin(&b);
	assert_true(load(&b, "-m recent --set --name seen", &err));
	assert_int_equal(recent_write(b.tables, "seen", "+10.0.0.97\n"), 0);
	assert_int_equal(play(&b, &(struct row){ "file", "+8 b:1 +4 a:1" }), 0);
	assert_int_equal(recent_write(b.tables, "seen", "+1.2.3.4"), 0);
	assert_int_equal(recent_print(b.tables, "seen", &t), 0);
	/* now = 1000 s at the start: 250000 jiffies behind the initial ones */
	assert_string_equal(text_cstr(&t), "src=10.0.0.98 ttl: 64 last_seen: 4295142298 oldest_pkt: 1 4295142298\n"
					   "src=10.0.0.97 ttl: 64 last_seen: 4295142299 oldest_pkt: 2 4295142296, 4295142299\n"
					   "src=1.2.3.4 ttl: 0 last_seen: 4295142299 oldest_pkt: 1 4295142299\n");
	text_free(&t);
	assert_int_equal(recent_write(b.tables, "seen", "-10.0.0.97"), 0);
	assert_int_equal(recent_write(b.tables, "seen", "-10.0.0.97"), 0);
	assert_int_equal(recent_write(b.tables, "seen", "10.0.0.97"), -22);
	assert_int_equal(recent_write(b.tables, "seen", "+10.0.0"), -22);
	assert_int_equal(recent_write(b.tables, "seen", ""), -22);
	assert_int_equal(recent_write(b.tables, "other", "/"), -2);
	/* a rule that asks for no more times keeps the list, one that does empties it */
	assert_true(load(&b, "-m recent --set --name seen\n-m recent --rcheck --hitcount 32 --name seen", &err));
	assert_int_equal(recent_print(b.tables, "seen", &t), 0);
	assert_string_equal(text_cstr(&t), "src=10.0.0.98 ttl: 64 last_seen: 4295142298 oldest_pkt: 1 4295142298\n"
					   "src=1.2.3.4 ttl: 0 last_seen: 4295142299 oldest_pkt: 1 4295142299\n");
	text_free(&t);
	assert_true(load(&b, "-m recent --rcheck --hitcount 33 --name seen", &err));
	assert_int_equal(recent_print(b.tables, "seen", &t), 0);
	assert_string_equal(text_cstr(&t), "");
	text_free(&t);
	assert_int_equal(recent_write(b.tables, "seen", "+1.2.3.4"), 0);
	assert_int_equal(recent_write(b.tables, "seen", "/"), 0);
	assert_int_equal(recent_print(b.tables, "seen", &t), 0);
	assert_string_equal(text_cstr(&t), "");
	text_free(&t);
	/* a transaction that fails leaves nothing behind */
	assert_false(load(&b, "-m recent --set --name new\n-m recent --set --hitcount 3", &err));
	assert_int_equal(recent_print(b.tables, "new", &t), -2);
	bench_end(&b);
}

/* What /proc shows: figures as a kernel at HZ = 250 has them. */
static void test_hashlimit_file(void **state)
{
	struct rule_error err;
	struct text t = { 0 };
	struct bench b;

	(void)state;
	bench_begin(&b);
	assert_true(load(&b,
			 "-m hashlimit --hashlimit-upto 5/sec --hashlimit-name a --hashlimit-mode srcip,dstport\n"
			 "-m hashlimit --hashlimit-upto 10kb/s --hashlimit-name b --hashlimit-mode srcip --hashlimit-burst 100kb\n"
			 "-m hashlimit --hashlimit-upto 5/min --hashlimit-name c --hashlimit-rate-match --hashlimit-mode dstip",
			 &err));
	assert_int_equal(play(&b, &(struct row){ "file", "a:7" }), 0);
	assert_int_equal(hashlimit_print(b.tables, "a", &t), 0);
	assert_int_equal(hashlimit_print(b.tables, "b", &t), 0);
	assert_int_equal(hashlimit_print(b.tables, "c", &t), 0);
	assert_int_equal(hashlimit_print(b.tables, "d", &t), -2);
	assert_string_equal(text_cstr(&t), "1 10.0.0.97:0->0.0.0.0:53 109951162400000 137438953000000 27487790600000\n"
					   "60 10.0.0.97:0->0.0.0.0:0 4174673875 10 6543375\n"
					   "60 0.0.0.0:0->10.0.1.1:0 60 1 5\n");
	text_free(&t);
	assert_true(load(&b, "-m hashlimit --hashlimit-upto 9/sec --hashlimit-name b", &err));
	assert_int_equal(hashlimit_print(b.tables, "b", &t), 0);
	assert_string_equal(text_cstr(&t), "60 10.0.0.97:0->0.0.0.0:0 4174673875 10 6543375\n");
	text_free(&t);
	assert_int_equal(hashlimit_print(b.tables, "a", &t), -2);
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_recent_file),
					    cmocka_unit_test(test_hashlimit_file) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
