/* text.c - see text.h. */
#include "netstack/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TEXT_FIRST_SIZE = 256 };

/* room_for: makes room for @extra more bytes and a NUL. Return: whether there is. */
static bool room_for(struct text *t, size_t extra)
{
	size_t want = t->len + extra + 1, size = t->size ? t->size : TEXT_FIRST_SIZE;
	char *data;

	if (t->failed)
		return false;
	if (want <= t->size)
		return true;
	if (t->fixed) {
		t->failed = true;
		return false;
	}
	while (size < want)
		size *= 2;
	data = realloc(t->data, size);
	if (!data) {
		t->failed = true;
		return false;
	}
	t->data = data;
	t->size = size;
	return true;
}

struct text text_over(char *buf, size_t size)
{
	buf[0] = '\0';
	return (struct text){ .data = buf, .size = size, .fixed = true };
}

void text_put(struct text *t, const void *bytes, size_t len)
{
	if (!room_for(t, len)) {
		if (!t->fixed || t->len + 1 >= t->size)
			return;
		len = t->size - t->len - 1; /* a fixed text keeps what fits */
	}
	memcpy(t->data + t->len, bytes, len);
	t->len += len;
	t->data[t->len] = '\0';
}

void text_puts(struct text *t, const char *string)
{
	text_put(t, string, strlen(string));
}

void text_vprintf(struct text *t, const char *format, va_list args)
{
	char small[512];
	char *big;
	va_list again;
	int len;

	va_copy(again, args);
	len = vsnprintf(small, sizeof small, format, args);
	if (len >= 0 && (size_t)len < sizeof small) {
		text_put(t, small, (size_t)len);
	} else if (len >= 0 && t->fixed) {
		text_put(t, small, sizeof small - 1);
		t->failed = true;
	} else if (len >= 0 && room_for(t, (size_t)len)) {
		big = t->data + t->len;
		vsnprintf(big, (size_t)len + 1, format, again);
		t->len += (size_t)len;
	}
	va_end(again);
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	text_vprintf(t, format, args);
	va_end(args);
}

const char *text_cstr(const struct text *t)
{
	return t->data ? t->data : "";
}

void text_trim(struct text *t, size_t count)
{
	t->len -= count < t->len ? count : t->len;
	if (t->data)
		t->data[t->len] = '\0';
}

void text_free(struct text *t)
{
	if (!t->fixed)
		free(t->data);
	*t = (struct text){ 0 };
}
