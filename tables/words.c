/* words.c - one line of rule text into words.
 *
 * Two styles. A shell's, for lines that people write (the INI): words part at blanks; '...' takes all as it
 * is, "..." and a bare backslash as in sh. And that of iptables-restore (xshared.c add_param_to_argv), for
 * what iptables-save wrote: only double quotes, within them a backslash takes the next character as it is,
 * the closing quote ends the word. Deliberate difference: an open quote at the end of the line is an error
 * here, where iptables-restore takes the newline into the word.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables/tables_int.h"

struct splitter {
	struct words *out;
	char *put;   /* where the next character of the word goes */
	char *start; /* of the word being gathered */
	bool open;   /* a word was begun (maybe still empty) */
	enum words_style style;
};

/* word_end: closes the word being gathered. Return: 0 or -ENOMEM. */
static int word_end(struct splitter *s)
{
	struct words *w = s->out;

	if (!s->open)
		return 0;
	if (w->argc + 1 >= w->size) {
		int size = w->size ? w->size * 2 : 32;
		char **argv = realloc(w->argv, (size_t)size * sizeof *argv);

		if (!argv)
			return -ENOMEM;
		w->argv = argv;
		w->size = size;
	}
	*s->put++ = '\0';
	w->argv[w->argc++] = s->start;
	w->argv[w->argc] = NULL;
	s->start = s->put;
	s->open = false;
	return 0;
}

/* take_quoted: copies what stands between quotes; @i is behind the opening one. Return: index behind the
 * closing one, or 0 if there is none. */
static size_t take_quoted(struct splitter *s, const char *line, size_t len, size_t i, char quote)
{
	for (; i < len; i++) {
		if (line[i] == quote)
			return i + 1;
		if (line[i] == '\\' && quote == '"' && i + 1 < len &&
		    (s->style == WORDS_RESTORE || strchr("\"\\$`", line[i + 1])))
			i++;
		*s->put++ = line[i];
	}
	return 0;
}

/* is_quote: whether @c opens a quoted part in this style. */
static bool is_quote(const struct splitter *s, char c)
{
	return c == '"' || (c == '\'' && s->style == WORDS_SHELL);
}

/* words_split: splits @len bytes of @line. Return: 0 (free with words_free), or -1 with @err. */
int words_split(const char *line, size_t len, enum words_style style, struct words *out,
		struct rule_error *err)
{
	struct splitter s = { .out = out, .style = style };

	*out = (struct words){ .buffer = malloc(2 * len + 2) };
	if (!out->buffer)
		return rule_fail_errno(err, ENOMEM);
	s.put = s.start = out->buffer;
	for (size_t i = 0; i < len;) {
		char c = line[i];

		if (strchr(" \t\r\n", c) || c == '\0') {
			if (word_end(&s))
				goto no_memory;
			i++;
			continue;
		}
		s.open = true;
		if (is_quote(&s, c)) {
			i = take_quoted(&s, line, len, i + 1, c);
			if (!i) {
				words_free(out);
				return rule_fail(err, "unterminated quote: a closing %c is missing", c);
			}
			if (style == WORDS_RESTORE && word_end(&s))
				goto no_memory;
			continue;
		}
		if (c == '\\' && style == WORDS_SHELL && i + 1 < len)
			i++;
		*s.put++ = line[i++];
	}
	if (word_end(&s) == 0)
		return 0;
no_memory:
	words_free(out);
	return rule_fail_errno(err, ENOMEM);
}

/* words_free: releases what words_split took. */
void words_free(struct words *w)
{
	free(w->buffer);
	free(w->argv);
	*w = (struct words){ 0 };
}
