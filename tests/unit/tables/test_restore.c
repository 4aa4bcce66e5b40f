/* test_restore.c - iptables-save texts: what they leave, or the line that is wrong; words in quotes. */
#include "netstack/text.h"
#include "tests/unit/tables/scene.h"

enum { NOFLUSH = 1, COUNTERS = 2 };

/* Given after @before; @want is iptables-save -c of what is live then, or the error. */
static const struct {
	const char *before, *text;
	unsigned flags;
	const char *want;
	int code; /* 0: legal */
} rows[] = {
	{ "", "*filter\n:INPUT DROP [5:6]\n:foo - [0:0]\n[7:8] -A INPUT -j foo\nCOMMIT\n", 0,
	  "*filter\n:INPUT DROP [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:foo - [0:0]\n[0:0] -A INPUT -j foo\n"
	  "COMMIT\n" },
	{ "", "*filter\n:INPUT DROP [5:6]\n:foo - [0:0]\n[7:8] -A INPUT -j foo\nCOMMIT\n", COUNTERS,
	  "*filter\n:INPUT DROP [5:6]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:foo - [0:0]\n[7:8] -A INPUT -j foo\n"
	  "COMMIT\n" },
	{ "*filter\n:foo - [0:0]\n[1:2] -A INPUT -s 1.1.1.1\n-A foo -j ACCEPT\nCOMMIT\n",
	  "*filter\n:foo - [0:0]\n[3:4] -A foo -s 2.2.2.2\nCOMMIT\n", NOFLUSH | COUNTERS,
	  "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:foo - [0:0]\n"
	  "[1:2] -A INPUT -s 1.1.1.1/32\n[3:4] -A foo -s 2.2.2.2/32\nCOMMIT\n" },
	{ "*filter\n:foo - [0:0]\n-A INPUT -j foo\n:FORWARD DROP [0:0]\nCOMMIT\n", "*filter\nCOMMIT\n", 0,
	  "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n" },
	{ "", "# x\n\n*raw\n# y\n  -A  OUTPUT \t -j ACCEPT  \nCOMMIT\n# z", 0,
	  "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[0:0] -A OUTPUT -j ACCEPT\nCOMMIT\n" },
	{ "", "*raw\nCOMMIT\n*security\nCOMMIT", 0,
	  "*security\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n"
	  "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n" },
	{ "", "*raw\n-A OUTPUT -m comment --comment \"a \\\"b\\\" \\\\ c\"\nCOMMIT\n", 0,
	  "*raw\n:PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[0:0] -A OUTPUT -m comment --comment \"a \\\"b\\\" \\\\ c\"\n"
	  "COMMIT\n" },
	{ "", "*filter\n-A INPUT -s 1.1.1.1\n", 0, "test:3: COMMIT expected at line 3", 1 },
	{ "", "*filter\n\n-A INPUT --foo\nCOMMIT\n", 0, "test:3: unknown option \"--foo\"", 2 },
	{ "", "*filter\n-A NOPE -j DROP\nCOMMIT\n", 0, "test:2: No chain/target/match by that name.", 1 },
	{ "", "*filter\n-A INPUT -j NOPE\n:NOPE - [0:0]\nCOMMIT\n", 0,
	  "test:2: Couldn't load target `NOPE':No such file or directory", 2 },
	{ "", "*filter\nfoo bar\nCOMMIT\n", 0, "test:2: Bad argument `foo'", 2 },
	{ "", ":INPUT ACCEPT\n", 0, "test:1: a table must be opened with *NAME first", 1 },
	{ "", "*foo\nCOMMIT\n", 0, "test:1: iptables-restore: unable to initialize table 'foo'", 2 },
	{ "", "*\nCOMMIT\n", 0, "test:1: iptables-restore: line 1 table name invalid", 2 },
	{ "", "*filter\n:foo - [0:0]\n:foo - [0:0]\n", 0, "test:3: error creating chain 'foo':File exists", 2 },
	{ "", "*filter\n:INPUT FOO [0:0]\n", 0, "test:2: Can't set policy `FOO' on `INPUT' line 2: Bad policy name", 1 },
	{ "", "*filter\n:foo DROP\n", 0, "test:2: Can't set policy `DROP' on `foo' line 2: Bad built-in chain name", 1 },
	{ "", "*filter\n:INPUT\n", 0, "test:2: iptables-restore: line 2 policy invalid", 2 },
	{ "", "*filter\n:\n", 0, "test:2: iptables-restore: line 2 chain name invalid", 2 },
	{ "", "*filter\n:INPUT DROP [1:x]\n", COUNTERS, "test:2: invalid policy counters for chain 'INPUT'", 2 },
	{ "", "*filter\n:INPUT DROP\n", COUNTERS, "test:2: invalid policy counters for chain 'INPUT'", 2 },
	{ "", "*filter\n[1:x] -A INPUT\n", COUNTERS, "test:2: -c byte counter not numeric", 2 },
	{ "", "*filter\n[1:2 -A INPUT\n", 0, "test:2: Bad line 2: need ]", 2 },
	{ "", "*filter\n[12] -A INPUT\n", 0, "test:2: Bad line 2: need ]", 2 },
	{ "", "*filter\n-A INPUT -t nat\n", 0, "test:2: The -t option cannot be used in iptables-restore.", 2 },
	{ "", "*filter\n:x - [0:0]\n-A x -j x\n-A INPUT -j x\nCOMMIT\n", 0,
	  "test:3: Too many levels of symbolic links.", 1 },
	{ "", "*filter\n-A INPUT -m comment --comment \"open\n", 0, "test:2: unterminated quote: a closing \" is missing", 2 },
	{ "*raw\nCOMMIT\n", "*filter\n-A INPUT -j DROP\nCOMMIT\n*raw\n-A OUTPUT -j REJECT\nCOMMIT\n", 0,
	  "test:5: Invalid argument. Run `dmesg' for more information.", 1 },
};

static void restore_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct scene *s = scene_open();
		struct text before, after;
		int result;

		assert_int_equal(scene_restore(s, rows[i].before, true, false, true), 0);
		before = scene_save(s, true);
		result = scene_restore(s, rows[i].text, true, rows[i].flags & NOFLUSH, rows[i].flags & COUNTERS);
		after = scene_save(s, true);
		if (!rows[i].code && result)
			fail_msg("row %zu: %s", i, s->err.text);
		assert_string_equal(rows[i].code ? s->err.text : text_cstr(&after), rows[i].want);
		if (rows[i].code) {
			assert_int_equal(s->err.code, rows[i].code);
			assert_string_equal(text_cstr(&after), text_cstr(&before));
			assert_int_equal(strncmp(s->err.text, "test:", 5), 0);
			assert_in_range(s->err.message, 8, 9);
		}
		text_free(&before);
		text_free(&after);
		scene_close(s);
	}
}

/* What iptables-save wrote reads back to the same text. */
static void round_trip(void **state)
{
	static const char text[] =
		"*filter\n:INPUT DROP [1:2]\n:FORWARD ACCEPT [3:4]\n:OUTPUT ACCEPT [0:0]\n:a-b - [0:0]\n:x - [0:0]\n"
		"[5:6] -A INPUT ! -s 10.0.0.0/8 -d 1.2.3.4/32 -i eth+ ! -p tcp ! -f -j x\n"
		"[0:0] -A INPUT -p udp -m udp --sport 1:5 ! --dport 53 -m comment --comment \"it\\'s \\\"q\\\"\" -g x\n"
		"[7:8] -A x -p icmp -m icmp --icmp-type 8 -m limit --limit 5/sec -j REJECT --reject-with icmp-port-unreachable\n"
		"COMMIT\n";
	struct scene *s = scene_open();
	struct text got;

	(void)state;
	assert_int_equal(scene_restore(s, text, true, false, true), 0);
	got = scene_save(s, true);
	assert_string_equal(text_cstr(&got), text);
	text_free(&got);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(restore_rows), cmocka_unit_test(round_trip) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
