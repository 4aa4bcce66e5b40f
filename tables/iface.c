/* iface.c - interface patterns of -i and -o, without comparing strings for each rule.
 *
 * Overview
 *   Each different pattern of a table has a number; a rule holds two. For each port there is a row of bytes
 * that says which patterns fit it, computed when the port is first seen and again when another port has taken
 * its index.
 *
 * Invariants
 *   1. Pattern 0 fits every port and no port.
 *   2. A row is used only while row.name is the port's name.
 */
#include <errno.h>
#include <stdlib.h>

#include "tables/tables_int.h"

/* pattern_make: the compared form of a pattern: "eth+" is the first 3 bytes, "eth0" 5 with the NUL, "" none.
 */
static struct iface_pattern pattern_make(const char *text, bool invert)
{
	struct iface_pattern p = { .invert = invert };
	size_t len = strlen(text);

	if (len && text[len - 1] == '+') {
		len--;
		p.len = (uint8_t)len;
	} else {
		p.len = len ? (uint8_t)(len + 1) : 0;
	}
	memcpy(p.name, text, len);
	return p;
}

/* pattern_room: makes room for one more pattern. Return: false without memory. */
static bool pattern_room(struct table *tb)
{
	struct iface_pattern *patterns;
	uint32_t size = tb->pattern_size ? tb->pattern_size * 2 : 16;

	if (tb->pattern_count < tb->pattern_size)
		return true;
	patterns = realloc(tb->patterns, size * sizeof *patterns);
	if (!patterns)
		return false;
	tb->patterns = patterns;
	tb->pattern_size = size;
	return true;
}

/* iface_intern: the number of a pattern (text of -i or -o, "" = any). Return: 0..RULESET_PATTERNS_MAX,
 * -ENOMEM, -ENOSPC. */
int iface_intern(struct table *tb, const char *pattern, bool invert)
{
	struct iface_pattern p = pattern_make(pattern, invert);
	uint32_t *head = &tb->pattern_head[hash_bytes(invert, p.name, sizeof p.name) % PATTERN_BUCKETS];

	if (!p.len && !invert && tb->pattern_count)
		return 0;
	for (uint32_t i = *head; i; i = tb->patterns[i - 1].next) {
		const struct iface_pattern *q = &tb->patterns[i - 1];

		if (q->len == p.len && q->invert == p.invert && !memcmp(q->name, p.name, sizeof p.name))
			return (int)i - 1;
	}
	if (tb->pattern_count > RULESET_PATTERNS_MAX)
		return -ENOSPC;
	if (!pattern_room(tb))
		return -ENOMEM;
	p.next = *head;
	tb->patterns[tb->pattern_count++] = p;
	*head = tb->pattern_count;
	return (int)tb->pattern_count - 1;
}

/* iface_rows_alloc: the rows, once all patterns are known. Return: 0 or -ENOMEM. */
int iface_rows_alloc(struct table *tb)
{
	free(tb->row_bytes);
	tb->row_bytes = malloc((size_t)tb->pattern_count * (PORTS_MAX + 1));
	if (!tb->row_bytes)
		return -ENOMEM;
	for (unsigned i = 0; i <= PORTS_MAX; i++)
		tb->row[i] = (struct iface_row){ .fits = tb->row_bytes + (size_t)i * tb->pattern_count };
	return 0;
}

/* row_fill: computes which patterns fit a port of that name. */
static void row_fill(const struct table *tb, struct iface_row *row, const char *name)
{
	memcpy(row->name, name, PORT_NAME_MAX);
	row->valid = true;
	for (uint32_t i = 0; i < tb->pattern_count; i++) {
		const struct iface_pattern *p = &tb->patterns[i];

		row->fits[i] = (memcmp(p->name, name, p->len) == 0) ^ p->invert;
	}
}

/* iface_row: which patterns fit @port (NULL: no port, whose name is empty). Return: bytes by pattern number.
 */
const uint8_t *iface_row(struct table *tb, const struct port *port)
{
	static const char none[PORT_NAME_MAX];
	const char *name = port ? port->name : none;
	struct iface_row *row = &tb->row[port ? port->index : 0];

	if (__builtin_expect(!row->valid || memcmp(row->name, name, PORT_NAME_MAX), 0))
		row_fill(tb, row, name);
	return row->fits;
}
