/* iptables_xml.c - iptables-xml(1): an iptables-save text as XML; no router is asked.
 *
 * Overview
 *   A chain's policy line is kept until its first rule opens the chain; chains without rules are written when their table
 *   ends, in the order in which they were declared. A rule's words are its conditions, grouped by `-m`, and its action,
 *   what follows -j or -g. With -c a rule with the same conditions as the one before it adds its action to that.
 *
 * Linux parity: what iptables-xml of 1.8.9 prints, blanks included.
 */
#include "router/iptables.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "iptables-xml"

enum { CHAIN_NAME = 32, CHAINS_MAX = 10240, WORDS_MAX = 255 };

/* A chain whose line was read, to be opened by its first rule. */
struct pending {
	char name[CHAIN_NAME], policy[16];
	char packets[24], bytes[24];
	bool done;
};

/* One word of a rule. */
struct word {
	char *text;
	bool quoted; /* it stood between quotes */
};

struct rule_text {
	char *buffer;
	struct word word[WORDS_MAX];
	int count;
};

struct xml {
	bool combine, verbose;
	bool in_table;
	unsigned line;
	char table[32];
	char chain[CHAIN_NAME]; /* open; "" none */
	bool rule_open;
	struct pending *chains;
	unsigned chain_count;
	struct rule_text last;
};

/* put: text with &, <, > and " escaped. */
static void put(const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			fputs("&amp;", stdout);
			break;
		case '<':
			fputs("&lt;", stdout);
			break;
		case '>':
			fputs("&gt;", stdout);
			break;
		case '"':
			fputs("&quot;", stdout);
			break;
		default:
			putchar(*text);
		}
}

/* put_comment: a line as a comment; dashes are kept apart, every second one with a blank more. */
static void put_comment(const char *text)
{
	bool second = false;

	for (; *text && *text != '\n'; text++) {
		if (*text == '-') {
			fputs(second ? " *" : "*", stdout);
			second = !second;
		}
		putchar(*text);
	}
}

/* put_value: a word as it stands in an element, in quotes where it had them. */
static void put_value(const struct word *w)
{
	if (w->quoted)
		fputs("&quot;", stdout);
	put(w->text);
	if (w->quoted)
		fputs("&quot;", stdout);
}

/* add_word: one more. Return: false where there are too many. */
static bool add_word(struct rule_text *r, char *text, bool quoted)
{
	if (r->count == WORDS_MAX)
		return false;
	r->word[r->count++] = (struct word){ text, quoted };
	return true;
}

/* split: @line into words: blanks part them, double quotes hold together, a backslash in them takes the next. */
static void split(const char *line, struct rule_text *r)
{
	char *to = malloc(strlen(line) + 2);
	bool inside = false, quoted = false;
	char *start = to;

	r->count = 0;
	r->buffer = to;
	for (; to && *line; line++) {
		bool blank = !inside && strchr(" \t\n", *line);

		if (*line == '"') {
			inside = !inside;
			quoted = true;
		} else if (inside && *line == '\\' && line[1]) {
			*to++ = *++line;
		} else if (!blank) {
			*to++ = *line;
		}
		if (blank && (to > start || quoted)) {
			*to++ = 0;
			add_word(r, start, quoted);
			start = to;
			quoted = false;
		}
	}
	if (to && (to > start || quoted)) {
		*to = 0;
		add_word(r, start, quoted);
	}
}

/* rule_text_free: releases what split took. */
static void rule_text_free(struct rule_text *r)
{
	free(r->buffer);
	r->buffer = NULL;
	r->count = 0;
}

/* is: whether a word, not quoted, is @text. */
static bool is(const struct word *w, const char *text)
{
	return !w->quoted && !strcmp(w->text, text);
}

/* starts_action: whether what follows is the action. */
static bool starts_action(const struct word *w)
{
	return is(w, "-j") || is(w, "-g") || is(w, "--jump") || is(w, "--goto");
}

/* option_name: the word without its dashes; NULL if it is no option. */
static const char *option_name(const struct word *w)
{
	if (w->quoted || w->text[0] != '-')
		return NULL;
	return w->text + (w->text[1] == '-' ? 2 : 1);
}

/* put_option: one option with its values as an element; *at is set behind it. */
static void put_option(const struct rule_text *r, int *at, int end, const char *indent)
{
	const char *name;
	bool invert = is(&r->word[*at], "!"), values;
	int from;

	if (invert)
		++*at;
	if (*at >= end)
		return;
	name = option_name(&r->word[*at]);
	if (!name)
		name = r->word[*at].text;
	from = ++*at;
	while (*at < end && !option_name(&r->word[*at]) && !is(&r->word[*at], "!"))
		++*at;
	values = *at > from;
	printf("%s<%s %s%s", indent, name, invert ? " invert=\"1\"" : "", values ? ">" : " />\n");
	if (!values)
		return;
	for (int i = from; i < *at; i++) {
		if (i > from)
			putchar(' ');
		put_value(&r->word[i]);
	}
	printf("</%s>\n", name);
}

/* put_group: the options of a match or target from *at to @end. */
static void put_group(const struct rule_text *r, int *at, int end)
{
	while (*at < end && !is(&r->word[*at], "-m") && !is(&r->word[*at], "--match") && !starts_action(&r->word[*at]))
		put_option(r, at, end, "          ");
}

/* put_conditions: all before the action. Return: where that begins. */
static int put_conditions(const struct rule_text *r)
{
	int at = 0;
	const char *group;

	if (!r->count || starts_action(&r->word[0]))
		return 0;
	puts("       <conditions>");
	while (at < r->count && !starts_action(&r->word[at])) {
		group = "match";
		if ((is(&r->word[at], "-m") || is(&r->word[at], "--match")) && at + 1 < r->count) {
			group = r->word[at + 1].text;
			at += 2;
		}
		if (at == r->count || starts_action(&r->word[at]) || is(&r->word[at], "-m")) {
			printf("        <%s  />\n", group);
			continue;
		}
		printf("        <%s >\n", group);
		put_group(r, &at, r->count);
		printf("        </%s>\n", group);
	}
	puts("       </conditions>");
	return at;
}

/* is_target: whether a name is a verdict or target and not a chain: all of it upper case, as extensions are. */
static bool is_target(const char *name)
{
	for (; *name; name++)
		if (islower((unsigned char)*name))
			return false;
	return true;
}

/* put_action: from -j or -g at @at. */
static void put_action(const struct rule_text *r, int at)
{
	const char *name;
	bool go;

	if (at + 1 >= r->count)
		return;
	go = is(&r->word[at], "-g") || is(&r->word[at], "--goto");
	name = r->word[at + 1].text;
	at += 2;
	if (go || !is_target(name)) {
		printf("        <%s >\n          <%s />\n        </%s>\n", go ? "goto" : "call", name, go ? "goto" : "call");
		return;
	}
	if (at == r->count) {
		printf("        <%s  />\n", name);
		return;
	}
	printf("        <%s >\n", name);
	while (at < r->count)
		put_option(r, &at, r->count, "          ");
	printf("        </%s>\n", name);
}

/* close_rule, close_chain: end what is open. */
static void close_rule(struct xml *x)
{
	if (x->rule_open)
		fputs("       </actions>\n\n      </rule>\n\n", stdout);
	x->rule_open = false;
}
static void close_chain(struct xml *x)
{
	close_rule(x);
	if (x->chain[0])
		puts("    </chain>");
	x->chain[0] = 0;
}

/* open_chain: the start of a chain's element; @empty: all of it. */
static void open_chain(const char *name, const struct pending *p, bool empty)
{
	fputs("    <chain name=\"", stdout);
	put(name);
	fputs("\" ", stdout);
	if (p && strcmp(p->policy, "-"))
		printf("policy=\"%s\" ", p->policy);
	if (p && p->packets[0])
		printf("packet-count=\"%s\" byte-count=\"%s\" ", p->packets, p->bytes);
	puts(empty ? "/>" : ">");
}

/* enter_chain: makes @name the open chain. */
static void enter_chain(struct xml *x, const char *name)
{
	struct pending *found = NULL;

	if (!strcmp(x->chain, name))
		return;
	close_chain(x);
	for (unsigned i = 0; i < x->chain_count; i++)
		if (!strcmp(x->chains[i].name, name)) {
			found = &x->chains[i];
			found->done = true;
		}
	open_chain(name, found, false);
	snprintf(x->chain, sizeof x->chain, "%s", name);
}

/* same_conditions: whether two rules differ only from the action on. */
static bool same_conditions(const struct rule_text *a, const struct rule_text *b)
{
	for (int i = 0;; i++) {
		bool end_a = i >= a->count || starts_action(&a->word[i]), end_b = i >= b->count || starts_action(&b->word[i]);

		if (end_a || end_b)
			return end_a && end_b;
		if (strcmp(a->word[i].text, b->word[i].text) || a->word[i].quoted != b->word[i].quoted)
			return false;
	}
}

/* action_at: index of the action; the count if there is none. */
static int action_at(const struct rule_text *r)
{
	int at = 0;

	while (at < r->count && !starts_action(&r->word[at]))
		at++;
	return at;
}

/* put_rule: one rule of the open chain; takes over @r. */
static void put_rule(struct xml *x, const char *packets, const char *bytes, struct rule_text *r)
{
	bool join = x->combine && x->rule_open && action_at(r) < r->count && action_at(&x->last) < x->last.count &&
		    same_conditions(r, &x->last);

	if (join) {
		puts("<!-- Combine action from next rule -->");
		put_action(r, action_at(r));
	} else {
		int at;

		close_rule(x);
		fputs("      <rule ", stdout);
		if (*packets)
			printf("packet-count=\"%s\" byte-count=\"%s\" ", packets, bytes);
		puts(">");
		at = put_conditions(r);
		puts("       <actions>");
		put_action(r, at);
		x->rule_open = true;
	}
	rule_text_free(&x->last);
	x->last = *r;
}

/* end_table: writes the chains without rules. */
static void end_table(struct xml *x)
{
	close_chain(x);
	for (unsigned i = 0; i < x->chain_count; i++)
		if (!x->chains[i].done)
			open_chain(x->chains[i].name, &x->chains[i], true);
	x->chain_count = 0;
	x->in_table = false;
	puts("  </table>");
}

/* fail: a mistake in the words of a line. Ends the program, as the real one does. */
static int fail(const struct xml *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(const struct xml *x, const char *format, ...)
{
	va_list args;

	fputs(NAME " v1.8.11: " NAME ": ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nError occurred at line: %u\nTry `" NAME " -h' or '" NAME " --help' for more information.\n", x->line);
	return IPTABLES_USAGE;
}

/* line_chain: ":CHAIN POLICY [P:B]". Return: 0 or exit status. */
static int line_chain(struct xml *x, char *line)
{
	char *save, *name = strtok_r(line, " \t\n", &save), *policy = strtok_r(NULL, " \t\n", &save);
	char *counters = strtok_r(NULL, " \t\n", &save);
	struct pending *p;

	if (!name)
		return fail(x, "line %u chain name invalid", x->line);
	if (!policy)
		return fail(x, "line %u policy invalid", x->line);
	if (x->chain_count == CHAINS_MAX)
		return fail(x, "line %u chain name invalid", x->line);
	p = &x->chains[x->chain_count++];
	*p = (struct pending){ 0 };
	snprintf(p->name, sizeof p->name, "%s", name);
	snprintf(p->policy, sizeof p->policy, "%s", policy);
	if (counters && sscanf(counters, "[%23[0-9]:%23[0-9]]", p->packets, p->bytes) != 2)
		return fail(x, "invalid policy counters for chain '%s'", name);
	return 0;
}

/* line_rule: "[P:B] -A CHAIN ...". Return: 0 or exit status. */
static int line_rule(struct xml *x, char *line)
{
	char packets[24] = "", bytes[24] = "";
	struct rule_text r, rest = { 0 };
	const char *at = line;
	int taken = 0;

	if (sscanf(line, "[%23[0-9]:%23[0-9]]%n", packets, bytes, &taken) == 2 && taken)
		at = line + taken;
	split(at, &r);
	if (r.count < 2 || (!is(&r.word[0], "-A") && !is(&r.word[0], "--append"))) {
		rule_text_free(&r);
		fprintf(stderr, NAME ": line %u failed - no chain found\n", x->line);
		return IPTABLES_OTHER;
	}
	enter_chain(x, r.word[1].text);
	rest.buffer = r.buffer;
	for (int i = 2; i < r.count; i++)
		rest.word[rest.count++] = r.word[i];
	put_rule(x, packets, bytes, &rest);
	return 0;
}

/* one_line: Return: 0 or exit status. */
static int one_line(struct xml *x, char *line)
{
	x->line++;
	if (line[0] == '\n')
		return 0;
	if (line[0] == '#') {
		fputs("<!-- ", stdout);
		for (const char *c = line; *c && *c != '\n'; c++) {
			if (!strncmp(c, "iptables-save", 13)) {
				fputs("iptables*-save", stdout);
				c += 12;
				continue;
			}
			putchar(*c);
		}
		puts(" -->");
		return 0;
	}
	if (x->verbose) {
		printf("<!-- line %u ", x->line);
		put_comment(line);
		puts(" -->");
	}
	if (!strcmp(line, "COMMIT\n") && x->in_table) {
		end_table(x);
		return 0;
	}
	if (line[0] == '*' && !x->in_table) {
		char *save, *name = strtok_r(line + 1, " \t\n", &save);

		if (!name)
			return fail(x, "line %u table name invalid", x->line);
		x->in_table = true;
		fputs("  <table name=\"", stdout);
		put(name);
		puts("\" >");
		return 0;
	}
	if (line[0] == ':' && x->in_table)
		return line_chain(x, line + 1);
	if (x->in_table)
		return line_rule(x, line);
	fprintf(stderr, NAME ": line %u failed\n", x->line);
	return IPTABLES_OTHER;
}

/* convert: all of stdin. Return: exit status. */
static int convert(struct xml *x)
{
	char *line = NULL;
	size_t size = 0;
	int code = 0;

	puts("<iptables-rules version=\"1.0\">");
	while (!code && getline(&line, &size, stdin) > 0)
		code = one_line(x, line);
	free(line);
	rule_text_free(&x->last);
	if (!code && x->in_table) {
		fprintf(stderr, NAME ": COMMIT expected at line %u\n", x->line + 1);
		return IPTABLES_OTHER;
	}
	if (!code)
		puts("</iptables-rules>");
	return code;
}

int command_iptables_xml(const struct command_env *env, int argc, char **argv)
{
	static const struct option options[] = { { "verbose", no_argument, NULL, 'v' },
						 { "combine", no_argument, NULL, 'c' },
						 { "help", no_argument, NULL, 'h' }, { 0 } };
	struct xml x = { 0 };
	int o, code;

	(void)env;
	optind = 0;
	while ((o = getopt_long(argc, argv, "cvh", options, NULL)) != -1) {
		x.combine |= o == 'c';
		x.verbose |= o == 'v';
		if (o == 'v')
			fputs("xptables-xml\n", stdout);
		if (o == 'h') {
			puts("Usage: iptables-xml [-c | --combine] [-v | --verbose] [-h | --help] [FILE]");
			return IPTABLES_OTHER;
		}
	}
	if (optind + 1 < argc) {
		fputs("Unknown arguments found on commandline\n", stderr);
		return IPTABLES_OTHER;
	}
	if (optind < argc && !freopen(argv[optind], "r", stdin)) {
		fprintf(stderr, "Can't open %s: %s", argv[optind], strerror(errno));
		return IPTABLES_OTHER;
	}
	x.chains = calloc(CHAINS_MAX, sizeof *x.chains);
	if (!x.chains)
		return IPTABLES_RESOURCE;
	code = convert(&x);
	free(x.chains);
	return code;
}
