/* nfacct_file.c - see nfacct_file.h. */
#include "tables/nfacct_file.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One object of the file in the router. */
struct entry {
	struct nfacct *object; /* held, so that nobody deletes it before the change ends */
	bool made;             /* it was not there */
};

struct nfacct_change {
	struct nfaccts *all, *file; /* .file: the objects as the file says them */
	struct entry *entries;      /* in the order of .file */
	uint32_t count;
};

/* fail: fills @err. Return: -1. */
static int __attribute__((format(printf, 3, 4)))
fail(struct nfacct_file_error *err, unsigned line, const char *format, ...)
{
	va_list args;

	err->line = line;
	va_start(args, format);
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	return -1;
}

/* read_line: adds the object of a line (changed). Return: 0, or -1 with @err. */
static int read_line(struct nfaccts *file, char *line, unsigned number, struct nfacct_file_error *err)
{
	char *end = strchr(line, ';'), name[NFACCT_LINE_MAX];
	struct nfacct_counts counts;
	const char *rest;
	bool overflow;

	if (*line == '#' || !line[strspn(line, " \t\r")])
		return 0;
	if (!end || end[1 + strspn(end + 1, " \t\r")])
		return fail(err, number, "an object ends in ';', and a line has one");
	*end = '\0';
	rest = nfacct_read_object(line, &counts, name, &overflow);
	if (!rest)
		return fail(
			err, number,
			"not `{ pkts = N, bytes = N } = NAME;`, with `, quota = N, mode = packet` or `byte`");
	if (overflow)
		return fail(err, number, "a number is over 18446744073709551615");
	if (*rest || strlen(name) >= NFACCT_NAME_MAX)
		return fail(err, number, "a name is one word of up to %d characters", NFACCT_NAME_MAX - 1);
	switch (nfacct_add(file, name, &counts)) {
	case 0:
		return 0;
	case -EBUSY:
		return fail(err, number, "%s is there twice", name);
	default:
		return fail(err, number, "no memory, or more than %d objects", NFACCT_MAX);
	}
}

/* read_file: all lines. Return: 0, or -1 with @err. */
static int read_file(struct nfaccts *file, const char *text, size_t len, struct nfacct_file_error *err)
{
	char line[NFACCT_LINE_MAX];

	for (unsigned number = 1; len; number++) {
		const char *newline = memchr(text, '\n', len);
		size_t n = newline ? (size_t)(newline - text) : len, whole = n + (newline != NULL);

		if (n >= sizeof line)
			return fail(err, number, "the line is longer than %zu characters", sizeof line - 1);
		memcpy(line, text, n);
		line[n] = '\0';
		if (strlen(line) != n)
			return fail(err, number, "a NUL byte");
		if (read_line(file, line, number, err))
			return -1;
		text += whole;
		len -= whole;
	}
	return 0;
}

static bool same(const struct nfacct_counts *a, const struct nfacct_counts *b)
{
	return a->packets == b->packets && a->bytes == b->bytes && a->quota == b->quota &&
	       a->flags == b->flags;
}

/* put: takes note of the object @f of the file, and makes it if there is none of its name. Return: 0 or -ENOMEM. */
static int put(struct nfacct_change *ch, const struct nfacct *f)
{
	struct entry *e = &ch->entries[ch->count];

	e->object = nfacct_find(ch->all, f->name);
	e->made = !e->object;
	if (e->made) {
		if (nfacct_add(ch->all, f->name, &f->counts))
			return -ENOMEM;
		e->object = nfacct_find(ch->all, f->name);
	}
	nfacct_hold(e->object);
	ch->count++;
	return 0;
}

/* discard: frees the change, not what it did. */
static void discard(struct nfacct_change *ch)
{
	if (!ch)
		return;
	nfaccts_destroy(ch->file);
	free(ch->entries);
	free(ch);
}

struct nfacct_change *nfacct_file_begin(struct nfaccts *all, const char *text, size_t len,
					struct nfacct_file_error *err)
{
	struct nfacct_change *ch = calloc(1, sizeof *ch);

	*err = (struct nfacct_file_error){ 0 };
	if (ch) {
		ch->all = all;
		ch->file = nfaccts_create(all->ns);
	}
	if (ch && ch->file && read_file(ch->file, text, len, err)) {
		discard(ch);
		return NULL;
	}
	if (ch && ch->file)
		ch->entries = calloc(ch->file->count + 1u, sizeof *ch->entries);
	if (!ch || !ch->entries) {
		discard(ch);
		fail(err, 0, "out of memory");
		return NULL;
	}
	for (const struct nfacct *f = ch->file->first; f; f = f->next)
		if (put(ch, f)) {
			nfacct_file_abort(ch);
			fail(err, 0, "no memory, or with the objects that are there more than %d",
			     NFACCT_MAX);
			return NULL;
		}
	return ch;
}

void nfacct_file_commit(struct nfacct_change *ch)
{
	const struct nfacct *f = ch->file->first;
	struct nfacct *next;

	for (uint32_t i = 0; i < ch->count; i++, f = f->next) {
		struct nfacct *a = ch->entries[i].object;

		nfacct_put(a);
		if (!a->from_file || !same(&a->origin, &f->counts))
			a->counts = f->counts;
		a->from_file = true;
		a->leaving = false;
		a->origin = f->counts;
	}
	for (struct nfacct *a = ch->all->first; a; a = next) {
		next = a->next;
		if (!a->from_file || nfacct_find(ch->file, a->name))
			continue;
		a->from_file = false;
		a->leaving = a->refs;
		(void)nfacct_delete(ch->all, a->name);
	}
	discard(ch);
}

void nfacct_file_end(struct nfaccts *all)
{
	struct nfacct *next;

	for (struct nfacct *a = all->first; a; a = next) {
		next = a->next;
		if (!a->leaving)
			continue;
		a->leaving = false;
		(void)nfacct_delete(all, a->name); /* one that a live rule names stays */
	}
}

void nfacct_file_abort(struct nfacct_change *ch)
{
	for (uint32_t i = 0; i < ch->count; i++) {
		struct entry *e = &ch->entries[i];

		nfacct_put(e->object);
		if (e->made)
			(void)nfacct_delete(ch->all, e->object->name);
	}
	discard(ch);
}
