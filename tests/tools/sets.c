/* sets.c - carries out ipset commands with no packet in sight.
 *
 * Reads one command a line from stdin: words with \x1f between, then, for a restore, \x1e and its lines with \x1d for each
 * newline. `SLEEP N` lets N seconds pass. Prints what ipset would print, then "=STATUS".
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "router/engine.h"
#include "tables/set.h"

enum { WORDS_MAX = 128 };

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
	memset(buf, 1, len);
}

/* carry_out: one line. */
static void carry_out(struct engine *e, char *line)
{
	struct text out = { 0 }, err = { 0 };
	struct set_session x = { .sets = e->tables->sets, .out = &out, .err = &err };
	char name[] = "ipset", *words[WORDS_MAX + 2] = { name }, *input = strchr(line, '\x1e');
	int count = 1, code;
	bool restore;

	if (input)
		*input++ = '\0';
	for (char *c = input; c && *c; c++)
		*c = *c == '\x1d' ? '\n' : *c;
	for (char *at = line; *line && at && count <= WORDS_MAX; count++) {
		words[count] = at;
		at = strchr(at, '\x1f');
		if (at)
			*at++ = '\0';
	}
	if (count == 3 && !strcmp(words[1], "SLEEP")) {
		engine_tick(e, e->ns->now + strtoull(words[2], NULL, 10) * 1000000000ull);
		return;
	}
	code = set_command(&x, count, words, &restore);
	if (!code && restore && input)
		code = set_restore_text(&x, input);
	printf("%s%s=%d\n", text_cstr(&out), text_cstr(&err), code);
	text_free(&out);
	text_free(&err);
}

int main(void)
{
	static const struct netstack_ops ops = { .transmit = no_transmit,
						 .log = no_log,
						 .random = no_random };
	struct engine *e = engine_create(&ops, NULL, NULL, 1000000000000ull);
	char *line = NULL;
	size_t size = 0;
	ssize_t len;

	if (!e)
		return 1;
	while ((len = getline(&line, &size, stdin)) > 0) {
		if (line[len - 1] == '\n')
			line[len - 1] = '\0';
		carry_out(e, line);
	}
	free(line);
	return engine_destroy(e) != 0;
}
