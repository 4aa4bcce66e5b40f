/* test_set.c - sets: the text of rules that name them, packets against them, references, time. The texts of ipset(8)
 * itself are compared with the real tool by tests/functional/test_ipset.py. */
#include <stdlib.h>

#include "tables/set.h"
#include "tests/unit/tables/rule_text.h"

/* Text of rules; the sets that set_rows.inc was recorded with. */
static const char recorded_sets[] = "create x hash:ip\ncreate n hash:net timeout 5\ncreate p hash:ip,port\n"
				    "create abcdefghijklmnopqrstuvwxyzabcde hash:ip\ncreate l list:set\n"
				    "create bp bitmap:port range 1-5\n";

static const struct text_row rule_rows[] = {
#include "tests/unit/tables/set_rows.inc"
};

/* ipset: restore lines. Return: exit status; what was printed is in *said (caller frees). */
static int ipset(struct bench *b, const char *lines, struct text *said)
{
	struct set_session x = { .sets = b->tables->sets, .out = said, .err = said };
	char *copy = strdup(lines);
	int code = set_restore_text(&x, copy);

	free(copy);
	return code;
}

/* must: lines that succeed. */
static void must(struct bench *b, const char *lines)
{
	struct text said = { 0 };

	if (ipset(b, lines, &said))
		fail_msg("%s: %s", lines, text_cstr(&said));
	text_free(&said);
}

/* expect_list: a set's members, as save prints them, joined. */
static void expect_saved(struct bench *b, const char *name, const char *want)
{
	const struct set_list_how how = { .output = SET_OUT_SAVE, .sorted = true };
	struct text out = { 0 };
	const char *members;

	assert_int_equal(set_list(b->tables->sets, name, &how, &out), 0);
	members = strchr(text_cstr(&out), '\n') + 1;
	if (strcmp(members, want))
		fail_msg("set %s:\n%swant:\n%s", name, members, want);
	text_free(&out);
}

static void test_rule_text(void **state)
{
	struct bench b;
	unsigned bad = 0;

	(void)state;
	bench_begin(&b);
	must(&b, recorded_sets);
	for (unsigned i = 0; i < sizeof rule_rows / sizeof *rule_rows; i++)
		bad += check_row(&b, &rule_rows[i]);
	assert_int_equal(bad, 0);
	bench_end(&b);
}

/* --- packets --------------------------------------------------------------------------------------------------------- */

static const struct craft tcp_packet = {
	.src = "10.1.0.1", .dst = "203.0.113.1", .tcp_flags = 2, .sport = 4000, .dport = 80
};
static const struct craft udp_packet = {
	.src = "10.1.0.2", .dst = "203.0.113.1", .sport = 53, .dport = 5353
};
static const struct craft ping_packet = {
	.src = "10.1.0.1", .dst = "203.0.113.1", .icmp = true, .icmp_type = 8
};
static const struct craft fragment = { .src = "10.1.0.1", .dst = "203.0.113.1", .proto = 17, .frag = 100 };

/* Each row: the set's lines, the match, and which of the four packets fit: tcp udp ping fragment. */
static const struct packet_row {
	const char *lines, *match, *fits;
} packet_rows[] = {
	{ "create s hash:ip\nadd s 10.1.0.1\n", "--match-set s src", "1011" },
	{ "create s hash:ip\nadd s 10.1.0.1\n", "! --match-set s src", "0100" },
	{ "create s hash:ip\nadd s 10.1.0.1\n", "--match-set s dst", "0000" },
	{ "create s hash:ip netmask 24\nadd s 10.1.0.77\n", "--match-set s src", "1111" },
	{ "create s hash:ip bitmask 0.0.0.255\nadd s 9.9.9.2\n", "--match-set s src", "0100" },
	{ "create s hash:net\nadd s 10.0.0.0/8\nadd s 10.1.0.2 nomatch\n", "--match-set s src", "1011" },
	{ "create s hash:net\nadd s 10.0.0.0/8\nadd s 10.1.0.2 nomatch\n",
	  "--match-set s src --return-nomatch", "0100" },
	{ "create s hash:net\nadd s 10.0.0.0/8\nadd s 10.1.0.0/24 nomatch\nadd s 10.1.0.1\n",
	  "--match-set s src", "1011" },
	{ "create s hash:net\nadd s 10.1.0.0-10.1.0.1\n", "--match-set s src", "1011" },
	{ "create s hash:ip,port\nadd s 10.1.0.1,tcp:80\n", "--match-set s src,dst", "1000" },
	{ "create s hash:ip,port\nadd s 10.1.0.1,tcp:80\n", "--match-set s src,src", "0000" },
	{ "create s hash:ip,port\nadd s 10.1.0.1,tcp:80\n", "--match-set s src",
	  "0000" }, /* too few dimensions */
	{ "create s hash:ip,port\nadd s 10.1.0.2,udp:53\n", "--match-set s src,src", "0100" },
	{ "create s hash:ip,port\nadd s 10.1.0.1,icmp:ping\n", "--match-set s src,dst", "0010" },
	{ "create s hash:ip,port\nadd s 10.1.0.1,udp:0\n", "--match-set s src,dst", "0000" },
	{ "create s hash:ip,port,ip\nadd s 10.1.0.1,80,203.0.113.1\n", "--match-set s src,dst,dst", "1000" },
	{ "create s hash:ip,port,net\nadd s 10.1.0.0/24,80,203.0.113.0/24\n", "--match-set s src,dst,dst",
	  "1000" },
	{ "create s hash:ip,port,net\nadd s 10.1.0.0/24,80,203.0.113.0/24\nadd s 10.1.0.1,80,203.0.113.1 nomatch\n",
	  "--match-set s src,dst,dst", "0000" },
	{ "create s hash:net,iface\nadd s 10.1.0.0/24,lan\n", "--match-set s src,src", "1111" },
	{ "create s hash:net,iface\nadd s 10.1.0.0/24,wan\n", "--match-set s src,src", "0000" },
	{ "create s hash:net,iface\nadd s 10.1.0.0/24,la wildcard\n", "--match-set s src,src", "1111" },
	{ "create s hash:net,iface\nadd s 10.1.0.0/24,la\n", "--match-set s src,src", "0000" },
	{ "create s hash:net,iface\nadd s 10.1.0.0/24,lan\n", "--match-set s src,dst",
	  "0000" },                                                                      /* no way out yet */
	{ "create s hash:mac\nadd s 02:00:00:00:00:99\n", "--match-set s src", "0000" }, /* no link header */
	{ "create s bitmap:ip range 10.1.0.0/24\nadd s 10.1.0.2\n", "--match-set s src", "0100" },
	{ "create s bitmap:ip range 10.0.0.0/8 netmask 24\nadd s 10.1.0.9\n", "--match-set s src", "1111" },
	{ "create s bitmap:port range 50-100\nadd s 80\nadd s 53\n", "--match-set s dst", "1000" },
	{ "create s bitmap:port range 50-100\nadd s 80\nadd s 53\n", "--match-set s src", "0100" },
	{ "create a hash:ip\nadd a 10.1.0.1\ncreate c hash:ip,port\nadd c 10.1.0.2,udp:53\ncreate s list:set\nadd s a\nadd s c\n",
	  "--match-set s src,src", "1111" },
	{ "create s hash:ip counters\nadd s 10.1.0.1 packets 2\n", "--match-set s src --packets-gt 3",
	  "0011" },
	{ "create s hash:ip counters\nadd s 10.1.0.1 packets 2\n", "--match-set s src --packets-eq 3",
	  "1000" },
	{ "create s hash:ip counters\nadd s 10.1.0.1 packets 2\n", "--match-set s src ! --packets-eq 3",
	  "0011" },
	{ "create s hash:ip counters\nadd s 10.1.0.1 packets 2\n",
	  "--match-set s src ! --update-counters --packets-lt 3", "1011" },
	{ "create s hash:ip counters\nadd s 10.1.0.1\n", "--match-set s src --bytes-lt 41", "1000" },
	{ "create s hash:ip timeout 5\nadd s 10.1.0.1\n", "--match-set s src", "1011" },
};

/* packet_of: a packet that came in at @in. */
static struct pkt *packet_of(struct bench *b, const struct craft *c, struct port *in)
{
	struct pkt *p = craft_packet(b->ns->pool, c);

	p->in = in;
	return p;
}

/* walk: one packet through mangle PREROUTING. Return: its mark. */
static uint32_t walk(struct bench *b, struct pkt *p)
{
	const struct hook_state st = { .hook = HOOK_PREROUTING, .in = p->in, .ns = b->ns };

	assert_int_equal(tables_walk(b->tables, TABLE_MANGLE, p, &st), VERDICT_ACCEPT);
	return p->mark;
}

static void load(struct bench *b, const char *rule)
{
	struct rule_error err;
	char line[512];

	snprintf(line, sizeof line, "-A PREROUTING %s", rule);
	if (bench_load(b, TABLE_MANGLE, line, false, &err))
		fail_msg("%s: %s %s", rule, err.text, err.detail);
}

static const uint8_t port_mac[MAC_LEN] = { 2, 0, 0, 0, 0, 1 };

static void test_packets(void **state)
{
	static const struct craft *const packets[] = { &tcp_packet, &udp_packet, &ping_packet, &fragment };
	unsigned bad = 0;

	(void)state;
	for (unsigned i = 0; i < sizeof packet_rows / sizeof *packet_rows; i++) {
		const struct packet_row *r = &packet_rows[i];
		char rule[256], got[5] = "";
		struct port *in;
		struct bench b;

		bench_begin(&b);
		in = port_add(b.ns, "lan", port_mac, 1500);
		must(&b, r->lines);
		snprintf(rule, sizeof rule, "-m set %s -j MARK --set-mark 1", r->match);
		load(&b, rule);
		for (unsigned n = 0; n < 4; n++) {
			struct pkt *p = packet_of(&b, packets[n], in);

			got[n] = walk(&b, p) ? '1' : '0';
			pkt_free(p);
		}
		if (strcmp(got, r->fits)) {
			print_message("%s%s: got %s, want %s\n", r->lines, r->match, got, r->fits);
			bad++;
		}
		bench_end(&b);
	}
	assert_int_equal(bad, 0);
}

/* Each row: the set's lines, the target, and the members after one tcp packet. */
static const struct target_row {
	const char *lines, *target, *members;
	uint32_t mark, priority;
} target_rows[] = {
	{ "create s hash:ip\n", "--add-set s src", "add s 10.1.0.1\n", 0, 0 },
	{ "create s hash:ip netmask 16\n", "--add-set s src", "add s 10.1.0.0\n", 0, 0 },
	{ "create s hash:ip\nadd s 10.1.0.1\n", "--del-set s src", "", 0, 0 },
	{ "create s hash:ip\n", "--add-set s src --del-set s src", "", 0, 0 },
	{ "create s hash:ip counters\n", "--add-set s dst", "add s 203.0.113.1 packets 1 bytes 40\n", 0, 0 },
	{ "create s hash:ip timeout 9\n", "--add-set s src", "add s 10.1.0.1 timeout 9\n", 0, 0 },
	{ "create s hash:ip timeout 9\n", "--add-set s src --timeout 70", "add s 10.1.0.1 timeout 70\n", 0,
	  0 },
	{ "create s hash:ip timeout 9\nadd s 10.1.0.1 timeout 5\n", "--add-set s src --timeout 70",
	  "add s 10.1.0.1 timeout 5\n", 0, 0 },
	{ "create s hash:ip timeout 9\nadd s 10.1.0.1 timeout 5\n", "--add-set s src --timeout 70 --exist",
	  "add s 10.1.0.1 timeout 70\n", 0, 0 },
	{ "create s hash:ip maxelem 1\nadd s 1.1.1.1\n", "--add-set s src", "add s 1.1.1.1\n", 0, 0 },
	{ "create s hash:net\n", "--add-set s src", "add s 10.1.0.1\n", 0, 0 },
	{ "create s hash:net\nadd s 1.0.0.0/8\nadd s 2.2.0.0/16\n", "--add-set s src",
	  "add s 1.0.0.0/8\nadd s 2.2.0.0/16\nadd s 10.1.0.0/16\n", 0, 0 },
	{ "create s hash:ip,port\n", "--add-set s src,dst", "add s 10.1.0.1,tcp:80\n", 0, 0 },
	{ "create s hash:ip,port,ip\n", "--add-set s src,dst,dst", "add s 10.1.0.1,tcp:80,203.0.113.1\n", 0,
	  0 },
	{ "create s hash:net,iface\n", "--add-set s src,src", "add s 10.1.0.1,lan\n", 0, 0 },
	{ "create s bitmap:port range 1-100\n", "--add-set s dst", "add s 80\n", 0, 0 },
	{ "create s bitmap:port range 1-100\n", "--add-set s src", "", 0, 0 },
	{ "create s hash:ip skbinfo\nadd s 10.1.0.1 skbmark 0x5/0xff skbprio 1:2\n",
	  "--map-set s src --map-mark", "add s 10.1.0.1 skbmark 0x5/0xff skbprio 1:2\n", 5, 0 },
	{ "create s hash:ip skbinfo\nadd s 10.1.0.9 skbmark 0x5/0xff\n", "--map-set s src --map-mark",
	  "add s 10.1.0.9 skbmark 0x5/0xff\n", 0, 0 },
};

static void test_target(void **state)
{
	(void)state;
	for (unsigned i = 0; i < sizeof target_rows / sizeof *target_rows; i++) {
		const struct target_row *r = &target_rows[i];
		char rule[256];
		struct port *in;
		struct bench b;
		struct pkt *p;

		bench_begin(&b);
		in = port_add(b.ns, "lan", port_mac, 1500);
		must(&b, r->lines);
		snprintf(rule, sizeof rule, "-j SET %s", r->target);
		load(&b, rule);
		p = packet_of(&b, &tcp_packet, in);
		assert_int_equal(walk(&b, p), r->mark);
		pkt_free(p);
		expect_saved(&b, "s", r->members);
		bench_end(&b);
	}
}

/* test_references: a rule in force keeps its set; a swap changes what the rule sees. */
static void test_references(void **state)
{
	struct bench b;
	struct text said = { 0 };
	struct pkt *p;

	(void)state;
	bench_begin(&b);
	must(&b, "create s hash:ip\ncreate t hash:ip\nadd t 10.1.0.1\n");
	load(&b, "-m set --match-set s src -j MARK --set-mark 1");
	assert_int_equal(set_find(b.tables->sets, "s")->refs, 1);
	assert_int_equal(ipset(&b, "destroy s\n", &said), 1);
	assert_non_null(strstr(text_cstr(&said), "it is in use by a kernel component"));
	assert_int_equal(ipset(&b, "rename s u\n", &said), 1);
	assert_int_equal(ipset(&b, "destroy\n", &said), 1);
	p = packet_of(&b, &tcp_packet, NULL);
	assert_int_equal(walk(&b, p), 0);
	must(&b, "swap s t\n");
	assert_int_equal(walk(&b, p), 1);
	pkt_free(p);
	assert_int_equal(set_find(b.tables->sets, "s")->refs, 1);
	assert_int_equal(set_find(b.tables->sets, "t")->refs, 0);
	must(&b, "destroy t\n");
	load(&b, "-j RETURN"); /* bench_load replaces the rules */
	must(&b, "destroy s\n");
	text_free(&said);
	bench_end(&b);
}

/* test_time: elements end at their time, without anybody asking. */
static void test_time(void **state)
{
	struct bench b;
	struct pkt *p;

	(void)state;
	bench_begin(&b);
	must(&b, "create s hash:ip timeout 10\nadd s 10.1.0.1\nadd s 10.1.0.9 timeout 0\n");
	load(&b, "-m set --match-set s src -j MARK --set-mark 1");
	p = packet_of(&b, &tcp_packet, NULL);
	b.ns->now += 9999999999ull;
	assert_int_equal(walk(&b, p), 1);
	b.ns->now += 1;
	p->mark = 0;
	assert_int_equal(walk(&b, p), 0);
	pkt_free(p);
	expect_saved(&b, "s", "add s 10.1.0.9 timeout 0\n");
	assert_int_equal(set_find(b.tables->sets, "s")->type->store->count(set_find(b.tables->sets, "s")), 1);
	bench_end(&b);
}

/* test_random: a hash of networks against a list of them: 20,000 additions, deletions and tests. */
static void test_random(void **state)
{
	enum { SPACE = 4096, STEPS = 20000 };
	static uint8_t there[SPACE];
	struct bench b;
	struct text said = { 0 };
	uint32_t seed = 7;

	(void)state;
	bench_begin(&b);
	must(&b, "create s hash:ip hashsize 64 bucketsize 4\n");
	for (unsigned i = 0; i < STEPS; i++) {
		static const char *const commands[] = { "add", "del", "test" };
		char line[64];
		unsigned what, n;
		int want;

		seed = seed * 1103515245 + 12345;
		what = (seed >> 16) % 3;
		n = (seed >> 18) % SPACE;
		want = what == 0 ? there[n] : !there[n];
		snprintf(line, sizeof line, "%s s 10.9.%u.%u\n", commands[what], n >> 8, n & 255);
		if (ipset(&b, line, &said) != want)
			fail_msg("step %u: %s", i, line);
		there[n] = what == 0 ? 1 : what == 1 ? 0 : there[n];
		text_free(&said);
	}
	bench_end(&b);
}

/* times: how often a line is in a text. */
static unsigned times(const struct text *t, const char *line)
{
	unsigned n = 0;

	for (const char *at = text_cstr(t); (at = strstr(at, line)); at += strlen(line))
		n++;
	return n;
}

/* test_pieces: a set listed in pieces while it grows several times: what was there is listed once, and what is deleted or
 * destroyed meanwhile does no harm. */
static void test_pieces(void **state)
{
	enum { FIRST = 800 };
	const struct set_list_how how = { .output = SET_OUT_SAVE };
	struct text out = { 0 };
	struct set_listing *l;
	struct bench b;
	unsigned calls = 0, bad = 0;
	char line[64];
	int error;

	(void)state;
	bench_begin(&b);
	must(&b, "create a hash:ip hashsize 256\ncreate bits bitmap:port range 0-65535\ncreate gone hash:ip\nadd bits 1\n"
		 "add bits 65535\nadd gone 1.1.1.1\n");
	for (unsigned i = 0; i < FIRST; i++) {
		snprintf(line, sizeof line, "add a 10.0.%u.%u\n", i >> 8, i & 255);
		must(&b, line);
	}
	l = set_listing_start(b.tables->sets, NULL, &how, &error);
	assert_int_equal(error, 0);
	while (set_listing_go(l, &out)) {
		for (unsigned i = 0; i < 700 && calls < 8; i++) {
			snprintf(line, sizeof line, "add a 10.%u.%u.%u\n", 1 + calls, i >> 8, i & 255);
			must(&b, line);
		}
		if (calls++ == 3)
			must(&b, "destroy gone\n");
	}
	set_listing_end(l);
	for (unsigned i = 0; i < FIRST; i++) {
		snprintf(line, sizeof line, "add a 10.0.%u.%u\n", i >> 8, i & 255);
		bad += times(&out, line) != 1;
	}
	assert_int_equal(bad, 0);
	assert_true(calls > 70); /* the bits alone take 64 */
	assert_int_equal(times(&out, "add bits "), 2);
	assert_int_equal(times(&out, "gone"), 0);
	text_free(&out);
	l = set_listing_start(b.tables->sets, "a", &how, &error);
	assert_true(set_listing_go(l, &out));
	must(&b, "destroy a\ncreate a hash:net\n");
	while (set_listing_go(l, &out))
		;
	assert_int_equal(times(&out, "\n"), 1);
	set_listing_end(l);
	assert_null(set_listing_start(b.tables->sets, "none", &how, &error));
	assert_int_equal(error, -SET_E_NO_SET);
	text_free(&out);
	bench_end(&b);
}

/* met: counts an element of a walk. */
static void met(void *ctx, const void *key, const uint8_t *ext, uint8_t flags)
{
	(void)key, (void)ext, (void)flags;
	++*(unsigned *)ctx;
}

/* test_pieces_of_another: between two pieces of a listing another, smaller set may be made in the place of the one that is
 * listed, and with its name, any number of times. */
static void test_pieces_of_another(void **state)
{
	static const char *const big[] = { "create s bitmap:port range 0-65535\n", "create s hash:ip hashsize 4096\n" };
	static const char *const small[] = { "create s bitmap:port range 0-9\nadd s 9\n",
					     "create s hash:ip hashsize 64\nadd s 1.1.1.1\n" };
	struct bench b;

	(void)state;
	bench_begin(&b);
	for (int i = 0; i < 2; i++) {
		struct set_cursor cursor = { 0 };
		unsigned seen = 0;

		for (unsigned n = 0; n < SET_GROWTHS_MAX * 2; n++) {
			const struct set *s;

			must(&b, big[i]);
			s = set_find(b.tables->sets, "s");
			(void)s->type->store->some(s, &cursor, met, &seen);
			must(&b, "destroy s\n");
			must(&b, small[i]);
			s = set_find(b.tables->sets, "s");
			assert_false(s->type->store->some(s, &cursor, met, &seen));
			must(&b, "destroy s\n");
		}
		assert_int_equal(seen, 0);
	}
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_text), cmocka_unit_test(test_packets),
		cmocka_unit_test(test_target),    cmocka_unit_test(test_references),
		cmocka_unit_test(test_time),      cmocka_unit_test(test_random),
		cmocka_unit_test(test_pieces),    cmocka_unit_test(test_pieces_of_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
