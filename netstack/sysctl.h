/* sysctl.h - tunables as rows of data.
 *
 * Each room describes what can be read and written at run time as an array of rows over its own struct; the status
 * tree shows them under sys/, the INI section [sysctl] and `tapgate sysctl` take the same names. Range checks are
 * Linux's: out of range is EINVAL and nothing changes.
 */
#ifndef NETSTACK_SYSCTL_H
#define NETSTACK_SYSCTL_H

#include <stddef.h>
#include <stdint.h>

enum sysctl_type {
	SYSCTL_INT,     /* int32_t shown in decimal */
	SYSCTL_UINT,    /* uint32_t */
	SYSCTL_U8,      /* uint8_t */
	SYSCTL_BOOL,    /* bool, 0 or 1 */
	SYSCTL_LONG,    /* int64_t: sizes */
	SYSCTL_SECONDS, /* uint64_t nanoseconds, shown in whole seconds */
	SYSCTL_MS,      /* uint64_t nanoseconds, shown in milliseconds, rounded up to whole jiffies of 4 ms */
	SYSCTL_INT_MS,  /* int32_t milliseconds, rounded alike */
};

enum { SYSCTL_READ_ONLY = 1 };

struct sysctl_row {
	const char *path; /* below sys/: "net/netfilter/nf_conntrack_max"; in per-port rows only the last part */
	uint8_t type;     /* enum sysctl_type */
	uint8_t flags;
	uint32_t offset;  /* of the value in the room's struct */
	int64_t min, max; /* in the shown unit, inclusive */
	/* Called with the room's struct after the value became another one; NULL: none. */
	void (*changed)(void *room);
};

struct text;

/* sysctl_show: appends the value as the kernel prints it, with a newline. */
void sysctl_show(const struct sysctl_row *row, const void *room, struct text *out);

/* sysctl_store: parses @value (a number as C writes it, blanks around it) and sets it.
 * Return: 0; -EINVAL not a number or out of range; -EACCES read only. */
int sysctl_store(const struct sysctl_row *row, void *room, const char *value);

#endif
