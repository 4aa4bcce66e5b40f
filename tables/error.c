/* error.c - the messages of the rule parser, and iptables' texts for what libiptc refuses. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "tables/tables_int.h"

/* fill: sets code and text of @err and clears the rest. */
static void fill(struct rule_error *err, int code, const char *format, va_list args)
{
	uint32_t tag = err->tag;

	*err = (struct rule_error){ .code = code, .tag = tag };
	vsnprintf(err->text, sizeof err->text, format, args);
}

int rule_fail(struct rule_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, 2, format, args);
	va_end(args);
	return -1;
}

int rule_fail_code(struct rule_error *err, int code, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fill(err, code, format, args);
	va_end(args);
	return -1;
}

/* rule_fail_detail: adds what only the kernel log would say to an error already filled. Return: -1. */
int rule_fail_detail(struct rule_error *err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(err->detail, sizeof err->detail, format, args);
	va_end(args);
	return -1;
}

/* rule_fail_errno: an operation that libiptc or the kernel refuses with @number (iptc_strerror of
 * iptables 1.8). Return: -1. */
int rule_fail_errno(struct rule_error *err, int number)
{
	static const struct {
		int number;
		const char *text;
	} texts[] = {
		{ ENOENT, "No chain/target/match by that name." },
		{ EEXIST, "File exists." },
		{ EINVAL, "Invalid argument. Run `dmesg' for more information." },
		{ ELOOP, "Too many levels of symbolic links." },
		{ EMLINK, "Too many links." },
		{ ENOTEMPTY, "Directory not empty." },
		{ ENOMEM, "Memory allocation problem." },
	};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].number == number)
			return rule_fail_code(err, number == ENOMEM ? 4 : 1, "%s", texts[i].text);
	return rule_fail_code(err, 1, "Error %d.", number);
}
