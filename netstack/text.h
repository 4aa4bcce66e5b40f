/* text.h - a growing string.
 *
 * For everything that prints: rules, tables, status nodes, log lines made outside the packet path. It allocates, so
 * nothing on the packet path uses it (LOG lines use a text over a fixed buffer: text_over).
 * A failed allocation or a full fixed buffer sets .failed and further appends do nothing.
 */
#ifndef NETSTACK_TEXT_H
#define NETSTACK_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct text {
	char *data; /* NUL-terminated once anything was appended; NULL before */
	size_t len; /* without the NUL */
	size_t size;
	bool fixed; /* @data is the caller's and does not grow */
	bool failed;
};

/* text_over: a text that writes into the caller's buffer of @size >= 1 bytes and truncates there. */
struct text text_over(char *buf, size_t size);

/* text_printf, text_vprintf: append formatted. text_put: append @len bytes. text_puts: append a string. */
void text_printf(struct text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *t, const char *format, va_list args);
void text_put(struct text *t, const void *bytes, size_t len);
void text_puts(struct text *t, const char *string);

/* text_cstr: the content, "" where empty. */
const char *text_cstr(const struct text *t);

/* text_trim: removes @count bytes from the end (at most all). */
void text_trim(struct text *t, size_t count);

/* text_free: releases what was allocated and empties it. */
void text_free(struct text *t);

#endif
