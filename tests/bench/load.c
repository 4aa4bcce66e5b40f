/* load.c - rules through the core as the control socket loads them: in pieces, and how long the longest piece is.
 *
 * usage: load RULES
 *   Restores a filter table of RULES rules twice, all of them different, then the second once more (all the same); appends a
 *   rule, deletes one, zeroes and lists all, flushes them. Prints for each the milliseconds it takes in all and of the longest piece, in which no packet
 *   passes.
 */
#include "netstack/text.h"
#include "router/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { LINES_AT_ONCE = 32, RULES_AT_ONCE = 256 }; /* as router/command_iptables*.c */

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
	for (uint8_t *b = buf; len; len--)
		*b++ = 7;
}

/* now: ms of this thread: what others do on the machine does not count. */
static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

/* What is measured of something done in pieces. */
struct pieces {
	double begun, last, longest;
	unsigned count;
};

static struct pieces pieces_begin(void)
{
	double at = now();

	return (struct pieces){ at, at, 0, 0 };
}

/* piece: one is done. */
static void piece(struct pieces *p)
{
	double at = now();

	if (at - p->last > p->longest)
		p->longest = at - p->last;
	p->last = now();
	p->count++;
}

static void print(const char *what, const struct pieces *p)
{
	printf("%-12s ms %8.2f longest %7.3f pieces %u\n", what, p->last - p->begun, p->longest, p->count);
}

/* rules: a text of @count rules; @tag tells rulesets apart. */
static struct text rules(unsigned count, unsigned tag)
{
	struct text text = { 0 };

	text_puts(&text, "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n:big - [0:0]\n-A FORWARD -j big\n");
	for (unsigned i = 0; i < count; i++)
		text_printf(&text, "-A big -s 10.%u.%u.0/24 -p tcp -m tcp --dport %u -j ACCEPT\n", i >> 8 & 255, i & 255, tag);
	text_puts(&text, "COMMIT\n");
	return text;
}

/* restore: one run of iptables-restore. */
static void restore(struct tables *t, const char *what, struct text *text)
{
	const struct restore_options o = { 0 };
	struct text out = { 0 };
	struct rule_error err;
	struct pieces p = pieces_begin();
	struct restore *r = restore_start(t, text->data, &o);
	int result;

	if (!r)
		exit(1);
	piece(&p);
	do {
		result = restore_go(r, LINES_AT_ONCE, &out, &out, &err);
		piece(&p);
	} while (result > 0);
	if (result) {
		fprintf(stderr, "load: %s\n", err.text);
		exit(1);
	}
	restore_end(r);
	piece(&p);
	print(what, &p);
}

/* command: one run of iptables. @line: its words, the second of which is -A and its like. */
static void command(struct tables *t, const char *what, const char *line)
{
	char copy[128], *words[16], *save = NULL;
	int count = 0, result = 1;
	struct text out = { 0 };
	struct rule_error err;
	struct pieces p;
	struct tool *x;

	snprintf(copy, sizeof copy, "%s", line);
	for (char *w = strtok_r(copy, " ", &save); w && count < 15; w = strtok_r(NULL, " ", &save))
		words[count++] = w;
	words[count] = NULL;
	p = pieces_begin();
	x = tool_start(t, count, words, &out, &out, &err);
	while (x && result == 1) {
		result = tool_go(x, RULES_AT_ONCE, &out, &out, &err);
		piece(&p);
		if (out.len > 1 << 16) /* the router has sent it */
			text_trim(&out, out.len);
	}
	if (!x || result) {
		fprintf(stderr, "load: %s: %s\n", line, err.text);
		exit(1);
	}
	tool_end(x);
	piece(&p);
	print(what, &p);
	text_free(&out);
}

int main(int argc, char **argv)
{
	static const struct netstack_ops ops = { no_transmit, no_log, no_random };
	unsigned count = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 50000;
	struct engine *e = engine_create(&ops, NULL, NULL, 1);
	struct text first = rules(count, 1), second = rules(count, 2);

	if (!e)
		return 1;
	restore(e->tables, "fresh", &first);
	restore(e->tables, "other", &second);
	restore(e->tables, "same", &second);
	command(e->tables, "append", "-A big -p udp -j DROP");
	command(e->tables, "delete", "-D big 7");
	command(e->tables, "zero", "-Z");
	command(e->tables, "list", "-nvL");
	command(e->tables, "rules", "-S");
	command(e->tables, "flush", "-F");
	text_free(&first);
	text_free(&second);
	return engine_destroy(e) != 0;
}
