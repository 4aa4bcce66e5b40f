/* conntrack_labels.c - the names of connection labels: /etc/xtables/connlabel.conf, lines "NUMBER NAME".
 *
 * Linux parity: libnetfilter_conntrack's labels.c: odd lines are passed over; of two lines with one number, or one name, the
 * first counts; names are letters, digits, blanks and dashes.
 */
#include "router/conntrack_query.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 4096 }; /* a file without an end is not read for ever */

/* is_sane: whether all bytes of a name are of those allowed. */
static bool is_sane(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 -";

	return *name && !name[strspn(name, allowed)];
}

/* take_line: one line of the file. Return: whether it named a label. */
static bool take_line(struct conntrack_labels *names, char *line)
{
	static const char blank[] = " \f\r\t\v";
	char *end;
	unsigned long bit = strtoul(line, &end, 0);
	size_t len;

	if (*line == '#' || end == line || bit >= CONNTRACK_LABEL_NAMES || names->name[bit])
		return false;
	end += strspn(end, blank);
	len = strcspn(end, "\n");
	while (len && strchr(blank, end[len - 1]))
		len--;
	end[len] = 0;
	if (!is_sane(end))
		return false;
	for (unsigned i = 0; i < CONNTRACK_LABEL_NAMES; i++)
		if (names->name[i] && !strcmp(names->name[i], end))
			return false;
	names->name[bit] = strdup(end);
	return names->name[bit];
}

struct conntrack_labels *conntrack_labels_read(void)
{
	FILE *file = fopen("/etc/xtables/connlabel.conf", "re");
	struct conntrack_labels *names = file ? calloc(1, sizeof *names) : NULL;
	bool any = false;
	char line[1024];

	if (!names) {
		if (file)
			fclose(file);
		return NULL;
	}
	for (unsigned n = 0; n < LINES_MAX && fgets(line, sizeof line, file); n++)
		any |= take_line(names, line);
	fclose(file);
	if (any)
		return names;
	conntrack_labels_free(names);
	errno = 0;
	return NULL;
}

void conntrack_labels_free(struct conntrack_labels *names)
{
	for (unsigned i = 0; names && i < CONNTRACK_LABEL_NAMES; i++)
		free((void *)(uintptr_t)names->name[i]);
	free(names);
}
