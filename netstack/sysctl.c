/* sysctl.c - reading and writing rows of tunables.
 *
 * Linux parity: kernel/sysctl.c (proc_dointvec_minmax and friends): out of range is EINVAL; decimal, octal and
 * hexadecimal; one number is taken, what follows it after a blank is ignored.
 */
#include "netstack/sysctl.h"

#include "netstack/text.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { NS_PER_MS = 1000000, NS_PER_S = 1000000000, JIFFY_MS = 4 };

/* whole_jiffies: milliseconds as Linux keeps them, rounded up to a jiffy of 4 ms (HZ = 250). */
static int64_t whole_jiffies(int64_t ms)
{
	return (ms + JIFFY_MS - 1) / JIFFY_MS * JIFFY_MS;
}

/* load: the value in its shown unit. */
static int64_t load(const struct sysctl_row *row, const void *room)
{
	const void *at = (const uint8_t *)room + row->offset;

	switch ((enum sysctl_type)row->type) {
	case SYSCTL_INT:
		return *(const int32_t *)at;
	case SYSCTL_UINT:
		return *(const uint32_t *)at;
	case SYSCTL_U8:
		return *(const uint8_t *)at;
	case SYSCTL_BOOL:
		return *(const bool *)at;
	case SYSCTL_LONG:
		return *(const int64_t *)at;
	case SYSCTL_SECONDS:
		return (int64_t)*(const uint64_t *)at / NS_PER_S; /* negative ones are taken by Linux too */
	case SYSCTL_MS:
		return (int64_t)(*(const uint64_t *)at / NS_PER_MS);
	case SYSCTL_INT_MS:
		return whole_jiffies(*(const int32_t *)at);
	}
	return 0;
}

/* store: sets the value given in its shown unit; it is within the row's range. */
static void store(const struct sysctl_row *row, void *room, int64_t value)
{
	void *at = (uint8_t *)room + row->offset;

	switch ((enum sysctl_type)row->type) {
	case SYSCTL_INT:
		*(int32_t *)at = (int32_t)value;
		break;
	case SYSCTL_UINT:
		*(uint32_t *)at = (uint32_t)value;
		break;
	case SYSCTL_U8:
		*(uint8_t *)at = (uint8_t)value;
		break;
	case SYSCTL_BOOL:
		*(bool *)at = value != 0;
		break;
	case SYSCTL_LONG:
		*(int64_t *)at = value;
		break;
	case SYSCTL_SECONDS:
		*(uint64_t *)at = (uint64_t)value * NS_PER_S;
		break;
	case SYSCTL_MS:
		*(uint64_t *)at = (uint64_t)value * NS_PER_MS;
		break;
	case SYSCTL_INT_MS:
		*(int32_t *)at = value > INT32_MAX ? INT32_MAX : (int32_t)value;
		break;
	}
}

void sysctl_show(const struct sysctl_row *row, const void *room, struct text *out)
{
	text_printf(out, "%" PRId64 "\n", load(row, room));
}

/* parse: the number at the beginning of @text as proc_get_long reads it: blanks, '-', then decimal, 0x hexadecimal or 0
 * octal digits, and a blank or the end behind them. What follows the blank is not looked at. Return: 0 or -EINVAL. */
static int parse(const char *text, int64_t *number)
{
	const char *digit;
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	digit = *text == '-' ? text + 1 : text;
	if (!isdigit((unsigned char)*digit))
		return -EINVAL;
	errno = 0;
	*number = strtoll(text, &end, 0);
	if (errno || (*end && !isspace((unsigned char)*end)))
		return -EINVAL;
	return 0;
}

/* admit: checks a number against its row. Milliseconds are taken modulo 2^32, must then be below 2^31, and become whole
 * jiffies (proc_dointvec_ms_jiffies). Return: 0 or -EINVAL. */
static int admit(const struct sysctl_row *row, int64_t *number)
{
	bool ms = row->type == SYSCTL_MS || row->type == SYSCTL_INT_MS;

	if (ms)
		*number = (uint32_t)*number;
	if (*number < row->min || *number > row->max)
		return -EINVAL;
	if (ms)
		*number = whole_jiffies(*number);
	return 0;
}

int sysctl_store(const struct sysctl_row *row, void *room, const char *value)
{
	int64_t number;
	int r;

	if (row->flags & SYSCTL_READ_ONLY)
		return -EACCES;
	r = parse(value, &number);
	if (!r)
		r = admit(row, &number);
	if (r < 0)
		return r;
	if (number == load(row, room))
		return 0;
	store(row, room, number);
	if (row->changed)
		row->changed(room);
	return 0;
}
