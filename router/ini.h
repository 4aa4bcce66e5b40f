/* ini.h - an INI text as a list of entries, each with its line; and a list of what is wrong with it.
 *
 * Overview
 *   iniparser(3) reads the values, but it knows no lines, silently lets the last of two equal keys win, and ends values
 *   at a ';' even inside quotes. So the text is looked over first: structure, duplicates and lengths are checked here,
 *   line by line, and what iniparser is given is a text whose special bytes it passes through unharmed. A value arrives
 *   byte for byte as it is in the file.
 *
 * Invariants
 *   1. A text without problems gives exactly its entries, in file order; values are never shortened or changed.
 *   2. Every problem has a line.
 */
#ifndef ROUTER_INI_H
#define ROUTER_INI_H

#include "netstack/text.h"

enum { INI_LINE_MAX = 1023 };

/* What was found wrong: lines "FILE:LINE: SECTION.KEY: what", and how many. All zero at the beginning. */
struct problems {
	struct text text;
	unsigned count;
	unsigned *order; /* the line number of each, for problems_sort */
};

struct ini_entry {
	char *section; /* as first written, blanks squeezed; compared without case */
	char *key;     /* as written */
	char *value;
	unsigned line;
};

struct ini_section {
	char *name;
	unsigned line;
};

struct ini {
	char *file; /* for messages */
	struct ini_entry *entry;
	unsigned entries;
	struct ini_section *section; /* each name once */
	unsigned sections;
};

/* problem_add: one more. @line 0: about the file as a whole. @section, @key may be NULL. */
void problem_add(struct problems *ps, const char *file, unsigned line, const char *section, const char *key,
		 const char *format, ...) __attribute__((format(printf, 6, 7)));

/* problem_add_line: one more, about another file, as a whole line: stands behind all others. */
void problem_add_line(struct problems *ps, const char *line);

/* problems_sort: puts them into the order of their lines. problems_free: releases and empties. */
void problems_sort(struct problems *ps);
void problems_free(struct problems *ps);

/* ini_parse: the entries of @text (@len bytes, any bytes). Problems go to @ps. Return: the entries that are sound, owned by
 * the caller; NULL without memory (also a problem). */
struct ini *ini_parse(const char *file, const char *text, size_t len, struct problems *ps);

/* ini_free: NULL is allowed. */
void ini_free(struct ini *ini);

/* array_grow: room for one more item of @size in an array of @count items that is grown only by this function.
 * Return: the array, maybe moved; NULL without memory (the old one stays valid). */
void *array_grow(void *items, unsigned count, size_t size);

#endif
