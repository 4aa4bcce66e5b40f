/* rules.c - reads rule text as iptables-restore or iptables would, with no packet in sight, and prints what
 * Tapgate makes of it.
 *
 * usage: rules [-n] [-c] [-a NAME]... [--] [COMMAND]...      iptables-save text on stdin
 *   -n          --noflush      -c   take and print counters
 *   -k          --noflush, and stdin is many texts, each ending in a COMMIT line: a wrong one is left out. First the
 *               results of all: a line "CODE: MESSAGE" each, 0 = legal; the message as iptables-restore words it
 *   -a NAME     before all else, an accounting object of that name
 *   COMMAND     "iptables [-t TABLE] WORDS" as one argument, carried out one after the other; after the text
 * Prints iptables-save, then for each table in use `-S`, `-S -v`, `-L -n -v -x --line-numbers` and `-L -v`,
 * each under a line "## TABLE WHAT". Errors: one line on stderr "CODE: message", exit status CODE, nothing
 * else printed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/text.h"
#include "router/engine.h"
#include "tables/nfacct.h"

static int no_transmit(void *user, struct port *port, struct pkt *p)
{
	(void)user, (void)port, (void)p;
	return 0;
}
static void no_log(void *user, int level, const char *line)
{
	(void)user, (void)level, (void)line;
}
static void no_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 7, len);
}
static const struct netstack_ops ops = { no_transmit, no_log, no_random };

/* fail: prints the error and ends the program with its code. */
static void fail(const struct rule_error *err)
{
	fprintf(stderr, "%d: %s\n", err->code, err->text + err->message);
	if (err->detail[0])
		fprintf(stderr, "detail: %s\n", err->detail);
	exit(err->code ? err->code : 1);
}

/* read_all: all of stdin, NUL-terminated. Return: owned by the caller. */
static char *read_all(void)
{
	struct text t = { 0 };
	char buf[4096];
	size_t n;

	while ((n = fread(buf, 1, sizeof buf, stdin)) > 0)
		text_put(&t, buf, n);
	text_puts(&t, "");
	return t.data;
}

/* run_line: one command in a transaction of its own, as one run of iptables. */
static void run_line(struct tables *t, const char *line)
{
	struct ruleset *rs = tables_begin(t, true);
	enum table_id id = TABLE_FILTER;
	struct rule_error err = { 0 };
	char name[32];
	int used = 0;

	if (sscanf(line, "-t %31s%n", name, &used) == 1)
		id = table_find(name);
	if (ruleset_line(t, rs, id, line + used, false, &err) || tables_commit(t, rs, &err)) {
		tables_abort(t, rs);
		fail(&err);
	}
}

/* print_table: all the ways of listing one table. */
static void print_table(const struct tables *t, enum table_id id)
{
	struct text out = { 0 };

	text_printf(&out, "## %s -S\n", table_name(id));
	tables_list_rules(t, id, NULL, 0, false, &out);
	text_printf(&out, "## %s -S -v\n", table_name(id));
	tables_list_rules(t, id, NULL, 0, true, &out);
	text_printf(&out, "## %s -L -n -v -x --line-numbers\n", table_name(id));
	tables_list(t, id, NULL, LIST_NUMERIC | LIST_VERBOSE | LIST_EXACT | LIST_LINE_NUMBERS, &out);
	text_printf(&out, "## %s -L -v\n", table_name(id));
	tables_list(t, id, NULL, LIST_VERBOSE, &out);
	fputs(text_cstr(&out), stdout);
	text_free(&out);
}

/* load: the text of stdin, committed. */
static void load(struct tables *t, bool noflush, bool counters)
{
	struct ruleset *rs = tables_begin(t, true);
	struct rule_error err = { 0 };
	char *text = read_all();

	if (ruleset_restore(t, rs, text, "stdin", noflush, counters, &err) || tables_commit(t, rs, &err)) {
		tables_abort(t, rs);
		fail(&err);
	}
	free(text);
}

/* count_lines: of a text. */
static unsigned count_lines(const char *text)
{
	unsigned lines = 0;

	while ((text = strchr(text, '\n')) != NULL)
		text++, lines++;
	return lines;
}

/* print_result: how one text went. @lines: how many it has: the last is the COMMIT at which the kernel refuses a rule. */
static void print_result(const struct rule_error *err, unsigned lines)
{
	if (err->code == 1 && !err->told)
		printf("1: line %u failed\n", err->line ? err->line : lines);
	else
		printf("%d: %s\n", err->code, err->code ? err->text + err->message : "");
}

/* load_each: each text of stdin that ends in COMMIT, as a transaction of its own; prints how each one went. */
static void load_each(struct tables *t)
{
	static const char mark[] = "\nCOMMIT\n";
	char *text = read_all(), *next;

	for (char *at = text; (next = strstr(at, mark)) != NULL; at = next) {
		struct ruleset *rs = tables_begin(t, true);
		struct rule_error err = { 0 };
		char *one;

		next += sizeof mark - 1;
		one = strndup(at, (size_t)(next - at));
		if (ruleset_restore(t, rs, one, "stdin", true, false, &err) || tables_commit(t, rs, &err))
			tables_abort(t, rs);
		print_result(&err, count_lines(one));
		free(one);
	}
	free(text);
}

int main(int argc, char **argv)
{
	struct engine *e = engine_create(&ops, NULL, NULL, 1);
	bool noflush = false, counters = false, each = false;
	const struct nfacct_counts none = { 0 };
	struct text out = { 0 };
	int i = 1;

	if (!e)
		return 4;
	for (; i < argc && argv[i][0] == '-'; i++) {
		if (!strcmp(argv[i], "--")) {
			i++;
			break;
		}
		noflush |= !strcmp(argv[i], "-n");
		counters |= !strcmp(argv[i], "-c");
		each |= !strcmp(argv[i], "-k");
		if (!strcmp(argv[i], "-a") && i + 1 < argc && nfacct_add(e->tables->nfaccts, argv[++i], &none))
			return 4;
	}
	if (each)
		load_each(e->tables);
	else
		load(e->tables, noflush, counters);
	for (; i < argc; i++)
		run_line(e->tables, argv[i]);
	puts("## save");
	tables_save(e->tables, TABLE_COUNT, counters, NULL, &out);
	fputs(text_cstr(&out), stdout);
	text_free(&out);
	for (int id = 0; id < TABLE_COUNT; id++)
		if (memchr(e->tables->init_order, id, e->tables->init_count))
			print_table(e->tables, (enum table_id)id);
	engine_destroy(e);
	return 0;
}
