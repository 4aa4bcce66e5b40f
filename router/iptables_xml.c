/* iptables_xml.c - iptables-xml(1): an iptables-save text as XML; no router is asked.
 *
 * Overview
 *   A chain's line is kept until the first rule of the chain opens it; chains without rules are written when their table
 *   ends. A rule's words are its conditions, grouped by `-m`, and its action, from -j or -g on. With -c a rule with the same
 *   conditions as the one before it adds its action to that, unless the other's ends the walk.
 *
 * Linux parity: what iptables-xml of 1.8.9 prints, blanks and oddities included: rules of a chain that no line declares stand
 *   outside of any; a line of more than 10,239 bytes counts as several. Deliberate difference: counters of a chain that are
 *   missing or unreadable are 0, where the real one prints what its memory held.
 */
#include "router/iptables.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "iptables-xml"

enum { NAME_MAX_XML = 32, CHAINS_MAX = 10240, WORDS_MAX = 255, WORD_MAX = 1024, LINE_MAX_XML = 10240 };

/* A chain whose line was read. */
struct chain_line {
	char *name, *policy;
	uint64_t packets, bytes;
	bool opened; /* a rule did */
};

/* One word of a rule. */
struct word {
	char *text;
	bool quoted; /* it stood between quotes */
};

struct rule_text {
	struct word word[WORDS_MAX];
	int count;
};

struct xml {
	bool combine, verbose;
	unsigned line;
	char table[NAME_MAX_XML + 1]; /* open; "" none */
	char chain[NAME_MAX_XML + 1]; /* open; "" none */
	bool rule_open, actions_open;
	struct chain_line *chains; /* of the open table */
	unsigned chain_count;
	struct rule_text now, last;
};

/* put: text with what is special escaped. */
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
			if ((unsigned char)*text >= 127)
				printf("&#%d;", (unsigned char)*text);
			else
				putchar(*text);
		}
}

/* put_attribute: NAME="VALUE" and a blank. */
static void put_attribute(const char *name, const char *value)
{
	printf("%s=\"", name);
	put(value);
	fputs("\" ", stdout);
}

/* put_remark: what stands in a comment; dashes are kept apart, every second one with a blank more. */
static void put_remark(const char *text)
{
	bool second = false;

	for (; *text; text++) {
		if (*text == '-') {
			fputs(second ? " *" : "*", stdout);
			second = !second;
		}
		if (*text != '\n' || text[1])
			putchar(*text);
	}
}

/* fail: a mistake in the words of a line, which ends the program. Return: exit status. */
static int fail(const struct xml *x, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(const struct xml *x, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fputs(NAME " v1.8.11: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nError occurred at line: %u\nTry `" NAME " -h' or '" NAME " --help' for more information.\n", x->line);
	return IPTABLES_USAGE;
}

/* fail_line: a line that is nothing known. Return: exit status. */
static int fail_line(const struct xml *x, const char *why)
{
	fflush(stdout);
	fprintf(stderr, NAME ": line %u failed%s\n", x->line, why);
	return IPTABLES_OTHER;
}

/* --- words ---------------------------------------------------------------------------------------------------------- */

/* rule_text_free: releases the words. */
static void rule_text_free(struct rule_text *r)
{
	while (r->count)
		free(r->word[--r->count].text);
}

/* add_word: one more, @len bytes. Return: 0 or exit status. */
static int add_word(const struct xml *x, struct rule_text *r, const char *text, size_t len, bool quoted)
{
	char *copy;

	if (r->count == WORDS_MAX)
		return fail(x, "Parser cannot handle more arguments");
	copy = strndup(text, len);
	if (!copy)
		return fail(x, "out of memory");
	r->word[r->count++] = (struct word){ copy, quoted };
	return 0;
}

/* split: @line into words: blanks part them, double quotes hold together, a backslash in them takes the next; a closing
 * quote ends its word. Return: 0 or exit status. */
static int split(const struct xml *x, const char *line, struct rule_text *r)
{
	char word[WORD_MAX];
	size_t len = 0;
	bool inside = false, quoted = false;

	for (; *line; line++) {
		bool end = inside ? *line == '"' : strchr(" \t\n", *line) != NULL;

		if (!inside && *line == '"') {
			inside = quoted = true;
			continue;
		}
		if (!end) {
			if (inside && *line == '\\' && line[1])
				line++;
			if (len + 1 == sizeof word)
				return fail(x, "Parameter too long!");
			word[len++] = *line;
			continue;
		}
		if ((len || inside) && add_word(x, r, word, len, quoted))
			return IPTABLES_USAGE;
		len = 0;
		inside = quoted = false;
	}
	return len ? add_word(x, r, word, len, false) : 0;
}

/* is: whether a word is @text; not if it stood in quotes. */
static bool is(const struct word *w, const char *text)
{
	return !w->quoted && !strcmp(w->text, text);
}

/* goes: whether @text says -g, jumps: or -j. */
static bool goes(const char *text)
{
	return !strcmp(text, "-g") || !strcmp(text, "--goto");
}
static bool jumps(const char *text)
{
	return !strcmp(text, "-j") || !strcmp(text, "--jump") || goes(text);
}

/* starts_action: whether the action begins here. starts_group: or what a -m names. */
static bool starts_action(const struct word *w)
{
	return !w->quoted && jumps(w->text);
}
static bool starts_group(const struct word *w)
{
	return starts_action(w) || is(w, "-m") || is(w, "--module");
}

/* --- chains and tables ---------------------------------------------------------------------------------------------- */

/* find_chain: the line of a chain of the open table. NULL: there was none. */
static struct chain_line *find_chain(const struct xml *x, const char *name)
{
	for (unsigned i = 0; i < x->chain_count; i++)
		if (!strcmp(x->chains[i].name, name))
			return &x->chains[i];
	return NULL;
}

/* close_rule: ends the open rule. */
static void close_rule(struct xml *x)
{
	if (x->actions_open)
		puts("       </actions>\n");
	if (x->rule_open)
		puts("      </rule>\n");
	x->actions_open = x->rule_open = false;
}

/* close_chain: ends the open chain with its rule. */
static void close_chain(struct xml *x)
{
	if (!x->chain[0])
		return;
	close_rule(x);
	puts("    </chain>");
	x->chain[0] = 0;
}

/* open_chain: begins a chain's element; @empty: that is all of it. */
static void open_chain(struct xml *x, const struct chain_line *c, bool empty)
{
	close_chain(x);
	snprintf(x->chain, sizeof x->chain, "%s", c->name);
	fputs("    <chain ", stdout);
	put_attribute("name", x->chain);
	if (strcmp(c->policy, "-"))
		put_attribute("policy", c->policy);
	printf("packet-count=\"%" PRId64 "\" byte-count=\"%" PRId64 "\" %s>\n", c->packets, c->bytes, empty ? "/" : "");
	if (empty)
		x->chain[0] = 0;
}

/* close_table: ends the open table, if there is one, with its chains that have no rules. */
static void close_table(struct xml *x)
{
	close_chain(x);
	for (unsigned i = 0; i < x->chain_count; i++) {
		if (!x->chains[i].opened)
			open_chain(x, &x->chains[i], true);
		free(x->chains[i].name);
		free(x->chains[i].policy);
	}
	x->chain_count = 0;
	if (x->table[0])
		puts("  </table>");
	x->table[0] = 0;
}

/* line_table: "*TABLE". Return: 0 or exit status. */
static int line_table(struct xml *x, char *line)
{
	char *save, *name = strtok_r(line, " \t\n", &save);

	if (!name)
		return fail(x, NAME ": line %u table name invalid", x->line);
	close_table(x);
	snprintf(x->table, sizeof x->table, "%s", name);
	fputs("  <table ", stdout);
	put_attribute("name", x->table);
	puts(">");
	return 0;
}

/* line_chain: ":CHAIN POLICY [P:B]". Return: 0 or exit status. */
static int line_chain(struct xml *x, char *line)
{
	char *save, *name = strtok_r(line, " \t\n", &save), *policy = name ? strtok_r(NULL, " \t\n", &save) : NULL;
	char *counters = policy ? strtok_r(NULL, " \t\n", &save) : NULL;
	struct chain_line c = { 0 };

	if (!name || x->chain_count == CHAINS_MAX)
		return fail(x, NAME ": line %u chain name invalid", x->line);
	if (!policy)
		return fail(x, NAME ": line %u policy invalid", x->line);
	if (counters && sscanf(counters, "[%" SCNu64 ":%" SCNu64 "]", &c.packets, &c.bytes) != 2)
		c.packets = c.bytes = 0;
	c.name = strdup(name);
	c.policy = strdup(policy);
	if (!c.name || !c.policy) {
		free(c.name);
		free(c.policy);
		return fail(x, "out of memory");
	}
	x->chains[x->chain_count++] = c;
	return 0;
}

/* --- rules ---------------------------------------------------------------------------------------------------------- */

/* The elements that are open while a part of a rule is written. */
struct part {
	const char *group, *option; /* NULL: none */
	const char *blank;          /* before the next value */
	bool invert;                /* the next option is */
};

/* end_option, end_group: close what is open. */
static void end_option(struct part *p)
{
	if (p->option)
		printf("</%s>\n", p->option);
	p->option = NULL;
}
static void end_group(struct part *p)
{
	end_option(p);
	if (p->group)
		printf("        </%s>\n", p->group);
	p->group = NULL;
	p->blank = "";
	p->invert = false;
}

/* put_call: a jump to a chain: its own kind of group. */
static void put_call(struct part *p, bool go, const char *chain)
{
	end_group(p);
	p->group = go ? "goto" : "call";
	printf("        <%s >\n          <%s />\n", p->group, chain);
}

/* put_group: a group called @name; @empty: nothing belongs to it. */
static void put_group(struct part *p, const char *name, bool empty)
{
	end_group(p);
	printf("        <%s %s>\n", name, empty ? " /" : "");
	p->group = empty ? NULL : name;
}

/* put_option: an option; @empty: without values. */
static void put_option(struct part *p, const char *text, bool empty)
{
	const char *name = text + strspn(text, "-");

	end_option(p);
	p->blank = "";
	printf("          <%s %s%s", name, p->invert ? " invert=\"1\"" : "", empty ? " />\n" : ">");
	p->invert = false;
	p->option = empty ? NULL : name;
}

/* put_value: a word that is no option. */
static void put_value(struct part *p, const struct word *w)
{
	const char *quote = w->quoted || strchr(w->text, ' ') ? "&quot;" : "";

	printf("%s%s", p->blank, quote);
	put(w->text);
	fputs(quote, stdout);
	p->blank = " ";
}

/* known_chain: whether a name is that of a chain and no target's. */
static bool known_chain(const struct xml *x, const char *name)
{
	return !strcmp(x->chain, name) || find_chain(x, name);
}

/* put_words: the words from @at to @end as elements. */
static void put_words(const struct xml *x, struct part *p, const struct rule_text *r, int at, int end)
{
	for (; at < end; at++) {
		const struct word *w = &r->word[at], *next = at + 1 < r->count ? w + 1 : NULL;

		if (is(w, "!")) {
			if (next && next->text[0] == '-')
				p->invert = true;
			else
				printf("%s!", p->blank);
			p->blank = " ";
		} else if (starts_action(w) && next && known_chain(x, next->text)) {
			put_call(p, goes(w->text), next->text);
			at++;
		} else if (starts_group(w)) {
			if (!next)
				break;
			put_group(p, next->text, at + 2 >= r->count || starts_group(next + 1));
			at++;
		} else if (!w->quoted && w->text[0] == '-') {
			put_option(p, w->text, !next || next->text[0] == '-');
		} else {
			put_value(p, w);
		}
	}
	end_group(p);
}

/* put_part: the words of a rule from @at to @end; options in front of the first -m are those of a group "match". */
static void put_part(const struct xml *x, const struct rule_text *r, int at, int end)
{
	struct part p = { .blank = "" };
	int first = at;

	if (at < r->count && !strcmp(r->word[at].text, "!"))
		first++;
	if (first < r->count && r->word[first].text[0] == '-' && !jumps(r->word[first].text) &&
	    strcmp(r->word[first].text, "-m"))
		put_group(&p, "match", false);
	put_words(x, &p, r, at, end);
}

/* action_at: where the action begins; the count if there is none. */
static int action_at(const struct rule_text *r)
{
	int at = 2;

	while (at < r->count && !starts_action(&r->word[at]))
		at++;
	return at;
}

/* ends_walk: whether the action at @at is a verdict or a goto, so that none can follow. */
static bool ends_walk(const struct rule_text *r, int at)
{
	static const char *const verdicts[] = { "ACCEPT", "DROP", "QUEUE", "RETURN" };

	if (goes(r->word[at].text))
		return true;
	for (size_t i = 0; at + 1 < r->count && i < sizeof verdicts / sizeof *verdicts; i++)
		if (!strcmp(r->word[at + 1].text, verdicts[i]))
			return true;
	return false;
}

/* joins: whether the rule's action can be added to the rule before. */
static bool joins(const struct xml *x)
{
	const struct rule_text *a = &x->last, *b = &x->now;

	if (!x->combine || b->count < 3 || jumps(b->word[2].text))
		return false;
	for (int i = 0; i < a->count && i < b->count; i++) {
		if (jumps(a->word[i].text) && jumps(b->word[i].text))
			return !ends_walk(a, i);
		if (strcmp(a->word[i].text, b->word[i].text))
			return false;
	}
	return false;
}

/* put_rule: the rule of x->now. @packets, @bytes: "" for none. */
static void put_rule(struct xml *x, const char *packets, const char *bytes)
{
	const struct rule_text *r = &x->now;

	if (joins(x)) {
		puts("<!-- Combine action from next rule -->");
	} else {
		close_rule(x);
		fputs("      <rule ", stdout);
		if (*packets) {
			put_attribute("packet-count", packets);
			put_attribute("byte-count", bytes);
		}
		puts(">");
		x->rule_open = true;
		if (r->count > 2 && !jumps(r->word[2].text)) {
			puts("       <conditions>");
			put_part(x, r, 2, action_at(r));
			puts("       </conditions>");
		}
	}
	if (!x->actions_open)
		puts("       <actions>");
	x->actions_open = true;
	put_part(x, r, action_at(r), r->count);
}

/* take_counters: the "[P:B]" that @line may begin with, cut up in place. Return: what is behind; NULL: not well formed. */
static char *take_counters(char *line, const char **packets, const char **bytes)
{
	char *save, *end;

	*packets = *bytes = "";
	if (line[0] != '[')
		return line;
	end = strchr(line, ']');
	if (!end)
		return NULL;
	*packets = strtok_r(line + 1, ":", &save);
	*bytes = *packets ? strtok_r(NULL, "]", &save) : NULL;
	return *bytes ? end + 1 : NULL;
}

/* line_rule: "[P:B] -A CHAIN ...". Return: 0 or exit status. */
static int line_rule(struct xml *x, char *line)
{
	const char *packets, *bytes, *chain = NULL;
	struct chain_line *c;
	int code;

	line = take_counters(line, &packets, &bytes);
	if (!line)
		return fail(x, "Bad line %u: need ]", x->line);
	code = split(x, line, &x->now);
	if (code)
		return code;
	for (int i = 0; i + 1 < x->now.count && !chain; i++)
		if (!strcmp(x->now.word[i].text, "-A"))
			chain = x->now.word[i + 1].text;
	if (!chain)
		return fail_line(x, " - no chain found");
	c = strcmp(chain, x->chain) ? find_chain(x, chain) : NULL;
	if (c) {
		open_chain(x, c, false);
		c->opened = true;
	}
	put_rule(x, packets, bytes);
	rule_text_free(&x->last);
	x->last = x->now;
	x->now.count = 0;
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
		put_remark(line);
		puts(" -->");
		return 0;
	}
	if (x->verbose) {
		printf("<!-- line %u ", x->line);
		put_remark(line);
		puts(" -->");
	}
	if (line[0] == '*')
		return line_table(x, line + 1);
	if (!x->table[0])
		return fail_line(x, "");
	if (!strcmp(line, "COMMIT\n"))
		close_table(x);
	else if (line[0] == ':')
		return line_chain(x, line + 1);
	else
		return line_rule(x, line);
	return 0;
}

/* convert: all of stdin. Return: exit status. */
static int convert(struct xml *x)
{
	char line[LINE_MAX_XML];
	int code = 0;

	puts("<iptables-rules version=\"1.0\">");
	while (!code && fgets(line, sizeof line, stdin))
		code = one_line(x, line);
	if (!code && x->table[0]) {
		fflush(stdout);
		fprintf(stderr, NAME ": COMMIT expected at line %u\n", x->line + 1);
		return IPTABLES_OTHER;
	}
	if (!code)
		puts("</iptables-rules>");
	return code;
}

/* xml_free: what is left. */
static void xml_free(struct xml *x)
{
	for (unsigned i = 0; i < x->chain_count; i++) {
		free(x->chains[i].name);
		free(x->chains[i].policy);
	}
	free(x->chains);
	rule_text_free(&x->now);
	rule_text_free(&x->last);
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
			puts("xptables-xml");
		if (o == 'h') {
			fputs("Usage: " NAME " [-c] [-v] [-h]\n          [--combine ]\n\t   [ --verbose ]\n\t   [ --help ]\n",
			      stderr);
			return IPTABLES_OTHER;
		}
	}
	if (optind + 1 < argc) {
		fputs("Unknown arguments found on commandline", stderr);
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
	xml_free(&x);
	return code;
}
