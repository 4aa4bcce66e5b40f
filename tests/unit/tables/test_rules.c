/* test_rules.c - rule text in, `iptables -S` text out, or the error. */
#include "netstack/text.h"
#include "tests/unit/tables/scene.h"

/* Lines separated by '\n', each a command; all legal. Then what -S prints of the table of the last one, policies apart. */
static const struct {
	const char *commands, *want;
} legal[] = {
	/* addresses */
	{ "-A INPUT -s 1.2.3.4", "-A INPUT -s 1.2.3.4/32\n" },
	{ "-A INPUT -s1.2.3.4", "-A INPUT -s 1.2.3.4/32\n" },
	{ "-A INPUT --source=1.2.3.4", "-A INPUT -s 1.2.3.4/32\n" },
	{ "-A INPUT --sour 1.2.3.4", "-A INPUT -s 1.2.3.4/32\n" },
	{ "-A INPUT ! -s 1.2.3.4/8", "-A INPUT ! -s 1.0.0.0/8\n" },
	{ "-A INPUT -s 1.2.3.4/255.255.0.0", "-A INPUT -s 1.2.0.0/16\n" },
	{ "-A INPUT -s 1.2.3.4/255.0.255.0", "-A INPUT -s 1.0.3.0/255.0.255.0\n" },
	{ "-A INPUT -s 10.1", "-A INPUT -s 10.1.0.0/32\n" },
	{ "-A INPUT -s 0/0 -d anything/0", "-A INPUT\n" },
	{ "-A INPUT ! -s 0/0", "-A INPUT ! -s 0.0.0.0/0\n" },
	{ "-A INPUT -s 1.1.1.1,2.2.2.2/24 -d 3.3.3.3,4.4.4.4",
	  "-A INPUT -s 1.1.1.1/32 -d 3.3.3.3/32\n-A INPUT -s 1.1.1.1/32 -d 4.4.4.4/32\n"
	  "-A INPUT -s 2.2.2.0/24 -d 3.3.3.3/32\n-A INPUT -s 2.2.2.0/24 -d 4.4.4.4/32\n" },
	{ "-I INPUT -s 1.1.1.1,2.2.2.2", "-A INPUT -s 2.2.2.2/32\n-A INPUT -s 1.1.1.1/32\n" },
	/* interfaces */
	{ "-A FORWARD -i lan ! -o wan+", "-A FORWARD -i lan ! -o wan+\n" },
	{ "-A FORWARD -ilan -jDROP", "-A FORWARD -i lan -j DROP\n" },
	{ "-A FORWARD -i +", "-A FORWARD\n" },
	{ "-A FORWARD ! -i +", "-A FORWARD ! -i +\n" },
	/* protocols, fragments */
	{ "-A INPUT -p TCP", "-A INPUT -p tcp\n" },
	{ "-A INPUT -p 6", "-A INPUT -p tcp\n" },
	{ "-A INPUT ! -p 0x11", "-A INPUT ! -p udp\n" },
	{ "-A INPUT -p all", "-A INPUT\n" },
	{ "-A INPUT -p 253", "-A INPUT -p 253\n" },
	{ "-A INPUT ! -f", "-A INPUT ! -f\n" },
	{ "-A INPUT -fjDROP", "-A INPUT -f -j DROP\n" },
	{ "-A INPUT -p udp --dport 53", "-A INPUT -p udp -m udp --dport 53\n" },
	{ "-A INPUT --dport 5 -p tcp -m tcp", NULL },
	{ "-A INPUT -p tcp -m tcp --dport 5 -m tcp --sport 6", "-A INPUT -p tcp -m tcp --dport 5 -m tcp --sport 6\n" },
	{ "-A INPUT -p tcp ! --dport 5 -j ACCEPT -i lan", "-A INPUT -i lan -p tcp -m tcp ! --dport 5 -j ACCEPT\n" },
	/* words */
	{ "-A INPUT -m comment --comment 'a \"b\" c'", "-A INPUT -m comment --comment \"a \\\"b\\\" c\"\n" },
	{ "  -A\tINPUT  -m comment --comment \"x y\"  ", "-A INPUT -m comment --comment \"x y\"\n" },
	{ "-A INPUT -m comment --comment a\\ b", "-A INPUT -m comment --comment \"a b\"\n" },
	/* chains */
	{ "-N foo\n-A INPUT -j foo\n-A foo -g foo2", NULL },
	{ "-N foo\n-N bar\n-A INPUT -j foo\n-A foo -g bar", "-N bar\n-N foo\n-A INPUT -j foo\n-A foo -g bar\n" },
	{ "-N foo\n-A INPUT -j foo\n-E foo zoo", "-N zoo\n-A INPUT -j zoo\n" },
	{ "-N foo\n-X foo", "" },
	{ "-N a\n-N b\n-N c\n-X", "" },
	{ "-N foo\n-A foo -j foo", "-N foo\n-A foo -j foo\n" },
	{ "-N foo\n-A foo\n-F\n-X", "" },
	/* editing */
	{ "-A INPUT -s 1.1.1.1\n-A INPUT -s 2.2.2.2\n-D INPUT 1", "-A INPUT -s 2.2.2.2/32\n" },
	{ "-A INPUT -s 1.1.1.1\n-A INPUT -s 2.2.2.2\n-D INPUT -s 2.2.2.2", "-A INPUT -s 1.1.1.1/32\n" },
	{ "-A INPUT -s 1.1.1.1\n-R INPUT 1 -j DROP", "-A INPUT -j DROP\n" },
	{ "-A INPUT -s 1.1.1.1\n-I INPUT 2 -j DROP", "-A INPUT -s 1.1.1.1/32\n-A INPUT -j DROP\n" },
	{ "-A INPUT -s 1.1.1.1\n-C INPUT -s 1.1.1.1/32", "-A INPUT -s 1.1.1.1/32\n" },
	{ "-A INPUT -s 1.1.1.1\n-F INPUT", "" },
	{ "-A INPUT -p tcp --dport 80 -j ACCEPT\n-D INPUT -p tcp -m tcp --dport 80 -j ACCEPT", "" },
	{ "-t nat -A POSTROUTING -s 1.1.1.1 -j ACCEPT", "-A POSTROUTING -s 1.1.1.1/32 -j ACCEPT\n" },
};

/* Like the rows above; the last line is refused with this code and text, and in detail so. */
static const struct {
	const char *commands;
	int code;
	const char *text, *detail;
} illegal[] = {
	{ "-A INPUT -j FOO", 2, "Couldn't load target `FOO':No such file or directory" },
	{ "-A INPUT -g FOO", 2, "goto 'FOO' is not a chain" },
	{ "-A INPUT -j OUTPUT", 1, "Invalid argument. Run `dmesg' for more information.",
	  "a rule cannot jump to the built-in chain OUTPUT" },
	{ "-A NOPE -j DROP", 1, "No chain/target/match by that name." },
	{ "-A INPUT -m foo", 2, "Couldn't load match `foo':No such file or directory" },
	{ "-A INPUT --x", 2, "unknown option \"--x\"" },
	{ "-A INPUT --dport 80", 2, "unknown option \"--dport\"" },
	{ "-A INPUT -p udp --syn", 2, "unknown option \"--syn\"" },
	{ "-A INPUT -p foo", 2, "unknown protocol \"foo\" specified" },
	{ "-A INPUT ! -p all", 2, "rule would never match protocol" },
	{ "-A INPUT ! -p tcp --dport 80", 1, "Invalid argument. Run `dmesg' for more information.",
	  "match tcp in rule 1 of chain INPUT: needs -p with protocol 6" },
	{ "-A INPUT -s host.example", 2, "host/network `host.example' not found" },
	{ "-A INPUT -s 1.2.3.4/33", 2, "invalid mask `33' specified" },
	{ "-A INPUT ! -s 1.1.1.1,2.2.2.2", 2, "! not allowed with multiple source or destination IP addresses" },
	{ "-A INPUT -o wan0", 2, "Can't use -o with INPUT" },
	{ "-A INPUT -i abcdefghijklmnop", 2, "interface name `abcdefghijklmnop' must be shorter than IFNAMSIZ (15)" },
	{ "-A INPUT ! ! -s 1.1.1.1", 2, "multiple consecutive ! not allowed" },
	{ "-A INPUT ! -j DROP", 2, "cannot have ! before -j" },
	{ "-A INPUT -s 1.1.1.1 -s 1.1.1.2", 2, "multiple -s flags not allowed" },
	{ "-A INPUT -s 1.1.1.1 !", 2, "nothing appropriate following !" },
	{ "-A INPUT bad", 2, "Bad argument `bad'" },
	{ "-A INPUT -m comment --comment 'open", 2, "unterminated quote: a closing ' is missing" },
	{ "-A INPUT -n", 2, "Illegal option `-n' with this command" },
	{ "-L", 2, "-L lists and cannot stand among rules" },
	{ "-j DROP", 2, "no command specified" },
	{ "", 2, "no command specified" },
	{ "-N foo\n-N foo", 1, "Chain already exists." },
	{ "-N LOG", 2, "chain name may not clash with target name" },
	{ "-N aaaaaaaaaabbbbbbbbbbccccccccc", 2,
	  "chain name `aaaaaaaaaabbbbbbbbbbccccccccc' too long (must be under 29 chars)" },
	{ "-N foo\n-A foo -j DROP\n-X foo", 1, "Directory not empty." },
	{ "-N foo\n-A INPUT -j foo\n-X foo", 1, "Too many links." },
	{ "-X INPUT", 1, "Invalid argument. Run `dmesg' for more information." },
	{ "-N foo\n-A foo -j foo\n-A INPUT -j foo", 1, "Too many levels of symbolic links.",
	  "rule 1 of chain foo jumps back into foo" },
	{ "-N a\n-N b\n-A a -j b\n-A b -g a\n-A INPUT -j b", 1, "Too many levels of symbolic links.",
	  "rule 1 of chain a jumps back into b" },
	{ "-D INPUT -j DROP", 1, "Bad rule (does a matching rule exist in that chain?)." },
	{ "-D INPUT 1", 1, "Index of deletion too big." },
	{ "-I INPUT 2", 1, "Index of insertion too big." },
	{ "-R INPUT 1", 1, "Index of replacement too big." },
	{ "-R INPUT", 2, "-R requires a rule number" },
	{ "-P INPUT FOO", 1, "Bad policy name. Run `dmesg' for more information." },
	{ "-P foo DROP", 1, "Bad built-in chain name." },
	{ "-t nat -P OUTPUT DROP", 2,
	  "The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited." },
	{ "-t mangle -A FORWARD -j REJECT", 1, "Invalid argument. Run `dmesg' for more information.",
	  "target REJECT in rule 1 of chain FORWARD: not allowed in table mangle" },
	{ "-t raw -N foo\n-t raw -A foo -m mac --mac-source 00:11:22:33:44:55\n-t raw -A OUTPUT -j foo", 1,
	  "Invalid argument. Run `dmesg' for more information.",
	  "match mac in rule 1 of chain foo: used from OUTPUT, but only valid from PREROUTING INPUT FORWARD" },
};

/* run_lines: all lines of @commands. Return: the result of the last; the others succeed. */
static int run_lines(struct scene *s, const char *commands, enum table_id *id)
{
	char *copy = strdup(commands), *line = copy, *next;
	int result = 0;

	for (; line; line = next) {
		char table[32];

		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		assert_int_equal(result, 0);
		*id = sscanf(line, "-t %31s", table) == 1 ? table_find(table) : TABLE_FILTER;
		result = scene_line(s, line, false);
	}
	free(copy);
	return result;
}

/* rules_of: -S of a table without the policies. */
static struct text rules_of(struct scene *s, enum table_id id)
{
	struct text all = { 0 }, out = { 0 };
	char *save = NULL;

	tables_list_rules(s->t, id, NULL, 0, false, &all);
	for (char *line = strtok_r(all.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line, "-P ", 3))
			text_printf(&out, "%s\n", line);
	text_free(&all);
	return out;
}

static void legal_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof legal / sizeof *legal; i++) {
		struct scene *s = scene_open();
		enum table_id id;
		struct text got;

		if (!legal[i].want) {
			assert_int_equal(run_lines(s, legal[i].commands, &id), -1);
		} else {
			if (run_lines(s, legal[i].commands, &id))
				fail_msg("%s: %s", legal[i].commands, s->err.text);
			got = rules_of(s, id);
			assert_string_equal(text_cstr(&got), legal[i].want);
			text_free(&got);
		}
		scene_close(s);
	}
}

static void illegal_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof illegal / sizeof *illegal; i++) {
		struct scene *s = scene_open();
		enum table_id id;

		assert_int_equal(run_lines(s, illegal[i].commands, &id), -1);
		assert_string_equal(s->err.text, illegal[i].text);
		assert_int_equal(s->err.code, illegal[i].code);
		assert_string_equal(s->err.detail, illegal[i].detail ? illegal[i].detail : "");
		scene_close(s);
	}
}

/* The INI's way: chains exist once they are named. */
static void make_chains(void **state)
{
	struct scene *s = scene_open();
	struct text got;

	(void)state;
	assert_int_equal(scene_line(s, "-A FORWARD -j LANOUT", true), -1);
	assert_int_equal(scene_line(s, "-A LANOUT -j ACCEPT", false), -1);
	assert_int_equal(scene_line(s, "-N LANOUT", true), 0);
	assert_int_equal(scene_line(s, "-N LANOUT", true), 0);
	assert_int_equal(scene_line(s, "-A FORWARD -j LANOUT", true), 0);
	assert_int_equal(scene_line(s, "-A MORE", true), 0);
	assert_int_equal(scene_line(s, "-A OTHER -g MORE", true), 0);
	assert_int_equal(scene_line(s, "-D NONE -j ACCEPT", true), -1);
	assert_int_equal(scene_line(s, "-A FORWARD -j 'bad name'", true), -1);
	got = rules_of(s, TABLE_FILTER);
	assert_string_equal(text_cstr(&got),
			    "-N LANOUT\n-N MORE\n-N OTHER\n-A FORWARD -j LANOUT\n-A MORE\n-A OTHER -g MORE\n");
	text_free(&got);
	scene_close(s);
}

static unsigned two_addresses(void *ctx, const char *name, uint32_t *addrs, unsigned max)
{
	(void)ctx, (void)max;
	if (strcmp(name, "two.example"))
		return 0;
	memcpy(addrs, "\x0a\0\0\1\x0a\0\0\2", 8);
	return 2;
}

/* With a resolver a name becomes its addresses. */
static void resolver(void **state)
{
	struct scene *s = scene_open();
	struct text got;

	(void)state;
	s->t->resolve = two_addresses;
	assert_int_equal(scene_line(s, "-A INPUT -s two.example", false), 0);
	assert_int_equal(scene_line(s, "-A INPUT -s one.example", false), -1);
	got = rules_of(s, TABLE_FILTER);
	assert_string_equal(text_cstr(&got), "-A INPUT -s 10.0.0.1/32\n-A INPUT -s 10.0.0.2/32\n");
	text_free(&got);
	scene_close(s);
}

/* A failed transaction leaves rules, generation and tables in use as they were; tags say which rule was wrong. */
static void failed_changes_nothing(void **state)
{
	struct scene *s = scene_open();
	struct ruleset *rs;
	uint32_t generation;

	(void)state;
	assert_int_equal(scene_line(s, "-A INPUT -j ACCEPT", false), 0);
	generation = s->t->generation;
	rs = tables_begin(s->t, true);
	assert_int_equal(ruleset_line(s->t, rs, TABLE_RAW, "-A OUTPUT -j NOTRACK", false, &s->err), 0);
	ruleset_tag(rs, 77);
	assert_int_equal(ruleset_line(s->t, rs, TABLE_RAW, "-A OUTPUT -j REJECT", false, &s->err), 0);
	ruleset_tag(rs, 78);
	assert_int_equal(ruleset_line(s->t, rs, TABLE_RAW, "-A OUTPUT -j ACCEPT", false, &s->err), 0);
	assert_int_equal(tables_commit(s->t, rs, &s->err), -1);
	assert_int_equal(s->err.tag, 77);
	tables_abort(s->t, rs);
	assert_int_equal(s->t->generation, generation);
	assert_int_equal(s->t->init_count, 1);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(legal_rows),	cmocka_unit_test(illegal_rows), cmocka_unit_test(make_chains),
		cmocka_unit_test(resolver),	cmocka_unit_test(failed_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
