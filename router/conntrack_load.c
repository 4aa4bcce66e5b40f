/* conntrack_load.c - conntrack -R FILE: a command on each line, as `conntrack -L -o save` writes them.
 *
 * Overview
 *   The lines come as standard input. They are read twice: first all are parsed, and one that is wrong ends it before anything
 *   was done; then they are carried out one after the other, each walk over the table in bounded steps. One that fails ends
 *   it; what came before stays done.
 *
 * Linux parity: conntrack-tools 1.4.7, ct_parse_file.
 */
#include "router/conntrack_query.h"
#include "router/router.h"

#include <stdlib.h>
#include <string.h>

enum { LINE_MAX_BYTES = 10239, WORDS_MAX = 254, WORD_MAX = 1024 };

/* A file on its way: request.state. */
struct load {
	size_t at;     /* in rq->input */
	bool perform;  /* the second reading */
	bool walking;  /* @walk is on its way */
	struct conntrack_walk walk;
};

/* One line as words. */
struct words {
	int argc;
	char *argv[WORDS_MAX + 2];
	char text[LINE_MAX_BYTES + WORDS_MAX + 2];
};

/* next_line: the next line that has something in it. Return: false at the end. */
static bool next_line(const struct request *rq, struct load *l, const char **line, size_t *len)
{
	while (l->at < rq->input_len) {
		const char *at = rq->input + l->at;
		size_t left = rq->input_len - l->at, n = left < LINE_MAX_BYTES ? left : LINE_MAX_BYTES;
		const char *end = memchr(at, '\n', n);

		if (end)
			n = (size_t)(end - at) + 1;
		l->at += n;
		while (n && (*at == ' ' || *at == '\t')) {
			at++;
			n--;
		}
		if (!n || *at == '\n' || *at == '#')
			continue;
		*line = at;
		*len = n;
		return true;
	}
	return false;
}

/* add_word: ends the word that begins at @start of w->text. Return: 0 or exit status. */
static int add_word(struct request *rq, struct words *w, size_t start, size_t *used)
{
	if (w->argc >= WORDS_MAX)
		return conntrack_misuse(rq, "too many arguments");
	w->argv[w->argc++] = w->text + start;
	w->argv[w->argc] = NULL;
	w->text[(*used)++] = 0;
	return 0;
}

/* split: a line into words at blanks; "..." keeps them, with \ for the byte behind it. Return: 0 or exit status. */
static int split(struct request *rq, const char *line, size_t len, struct words *w)
{
	static char name[] = "conntrack";
	bool quoted = false, escaped = false;
	size_t used = 0, start = 0;
	int code = 0;

	w->argc = 1;
	w->argv[0] = name;
	for (size_t i = 0; !code && i < len && line[i]; i++) {
		char c = line[i];

		if (quoted && !escaped && c == '\\') {
			escaped = true;
			continue;
		}
		if (c == '"' && !escaped && !quoted) {
			quoted = true;
			continue;
		}
		if (quoted ? escaped || c != '"' : !strchr("\" \t\n", c)) {
			w->text[used++] = c;
			escaped = false;
			if (used - start >= WORD_MAX)
				return conntrack_misuse(rq, "Parameter too long!");
			continue;
		}
		if (quoted || used > start) {
			code = add_word(rq, w, start, &used);
			start = used;
		}
		quoted = false;
	}
	return !code && used > start ? add_word(rq, w, start, &used) : code;
}

/* parse: one line into a query. Return: 0 or exit status. */
static int parse(struct request *rq, const char *line, size_t len, struct conntrack_query *q)
{
	struct words w;
	int code = split(rq, line, len, &w);

	return code ? code : conntrack_parse(rq, w.argc, w.argv, q);
}

/* check: whether a line's command is one for a file. Return: 0 or exit status. */
static int check(struct request *rq, const struct conntrack_query *q)
{
	char name[] = { '-', q->command, 0 };
	bool expect = q->table == CONNTRACK_EXPECT;

	if (!expect && q->command && strchr("IAUDF", q->command))
		return 0;
	if (expect && q->command == 'I')
		name[1] = 'C'; /* as the tool calls it */
	return conntrack_misuse(rq, "Cannot use command `%s%s' with --load-file", q->command ? name : "unknown",
				expect ? " expect" : "");
}

/* perform: begins what a parsed line says; takes what @q owns. Return: 0 or exit status. */
static int perform(struct request *rq, struct load *l, struct conntrack_query *q)
{
	bool made;

	if (q->command == 'I' || q->command == 'A')
		return conntrack_add(rq, q, &made);
	l->walk = (struct conntrack_walk){ .rq = rq, .q = *q };
	q->names = NULL;
	l->walking = true;
	return 0;
}

/* one_line: the next line, or a part of its walk; from the first reading to the second. Return: 0; exit status; -1 at the end. */
static int one_line(struct request *rq, struct load *l)
{
	struct conntrack_query q = { 0 };
	size_t len, said = rq->err.len;
	const char *line;
	int code;

	if (l->walking) {
		if (conntrack_walk_step(&l->walk))
			return 0;
		if (l->walk.q.command == 'F')
			conntrack_walk_end(&l->walk);
		conntrack_query_free(&l->walk.q);
		l->walking = false;
		return 0;
	}
	if (!next_line(rq, l, &line, &len)) {
		if (l->perform)
			return -1;
		l->perform = true;
		l->at = 0;
		return 0;
	}
	code = parse(rq, line, len, &q);
	if (l->perform) {
		text_trim(&rq->err, rq->err.len - said); /* warnings were given at the first reading */
		code = perform(rq, l, &q);
	} else if (!code) {
		code = check(rq, &q);
	}
	conntrack_query_free(&q);
	return code;
}

/* load_step: request.step. */
static bool load_step(struct request *rq)
{
	int code;

	rq->router->acting = rq;
	do
		code = one_line(rq, rq->state);
	while (!code && !request_enough(rq));
	rq->router->acting = NULL;
	rq->code = code > 0 ? code : 0;
	return !code;
}

/* load_done: request.done. */
static void load_done(struct request *rq)
{
	struct load *l = rq->state;

	conntrack_query_free(&l->walk.q);
	free(l);
}

int conntrack_load(struct request *rq)
{
	rq->state = calloc(1, sizeof(struct load));
	if (!rq->state)
		return conntrack_failed(rq, "out of memory");
	rq->step = load_step;
	rq->done = load_done;
	return 0;
}
