/* status.c - finding, listing, reading and writing files of the status tree.
 *
 * Overview
 *   A path is compared part by part with each pattern (some 160; a few microseconds). A path that is the beginning of a
 *   pattern is a directory; its names are the next parts of all patterns that begin with it, placeholders replaced by
 *   what there is.
 */
#include "router/status.h"

#include "router/status_int.h"
#include "tables/hashlimit.h"
#include "tables/recent.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NAMES_MAX = 1024,       /* of one directory */
	PULL_TEXT = 16 * 1024,  /* bytes given by one pull at most: about 100 connections */
	PULL_STEPS = 64,        /* steps of a walk by one pull at most: some thousand places where a connection may be */
	SKIP_MAX = 1024 * 1024, /* bytes that a pull may jump over in a long file */
	WRITE_MAX = 4096,       /* bytes of one write, as a page in Linux */
};

bool status_pattern_at(unsigned index, struct status_pattern *out)
{
	unsigned i = 0;

	while (status_nodes[i].path && i < index)
		i++;
	if (!status_nodes[i].path)
		return status_sysctl_at(index - i, out);
	out->node = status_nodes[i];
	out->row = NULL;
	return true;
}

/* part_len: length of the path part at @s, up to '/' or the end. */
static size_t part_len(const char *s)
{
	return strcspn(s, "/");
}

/* part_is: whether the part at @s is @word. */
static bool part_is(const char *s, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(s, word, len) == 0;
}

/* part_copy: the part at @s as a string; @to holds STATUS_NAME_MAX bytes. Return: false if it does not fit. */
static bool part_copy(char *to, const char *s, size_t len)
{
	if (len >= STATUS_NAME_MAX)
		return false;
	memcpy(to, s, len);
	to[len] = '\0';
	return true;
}

/* find_port: the port whose name is the part at @s. */
static struct port *find_port(const struct status *st, const char *s, size_t len)
{
	char name[STATUS_NAME_MAX];

	return len && part_copy(name, s, len) ? port_find(st->engine->ns, name) : NULL;
}

/* take_conf: {conf}: whose settings the part at @s names. Return: whether there are such. */
static bool take_conf(const struct status *st, const char *s, size_t len, struct status_args *args)
{
	args->conf_all = part_is(s, len, "all");
	args->conf_default = part_is(s, len, "default");
	if (args->conf_all || args->conf_default) {
		args->conf = args->conf_all ? &st->engine->ns->conf.all : &st->engine->ns->conf.def;
		return true;
	}
	args->port = find_port(st, s, len);
	args->conf = args->port ? &args->port->conf : NULL;
	return args->port;
}

/* take_table: {table}: the table the part at @s names. Return: whether there is one. */
static bool take_table(const char *s, size_t len, struct status_args *args)
{
	char name[STATUS_NAME_MAX];

	args->table = part_copy(name, s, len) ? table_find(name) : TABLE_COUNT;
	return args->table != TABLE_COUNT;
}

/* Looks for a name among those that recent_names and hashlimit_names give. */
struct search {
	const char *name;
	bool found;
};

/* note_name: one of them. */
static void note_name(void *ctx, const char *name)
{
	struct search *s = ctx;

	s->found = s->found || strcmp(name, s->name) == 0;
}

/* take_shared: {recent}, {hashlimit}: the list or table the part at @s names. Return: whether there is one. */
static bool take_shared(const struct status *st, bool hashlimit, const char *s, size_t len, struct status_args *args)
{
	struct search search = { args->shared, false };

	if (!len || !part_copy(args->shared, s, len))
		return false;
	if (hashlimit)
		hashlimit_names(st->engine->tables, note_name, &search);
	else
		recent_names(st->engine->tables, note_name, &search);
	return search.found;
}

/* part_fits: whether the part at @s fits that of a pattern at @pattern; fills @args from a placeholder. */
static bool part_fits(const struct status *st, const char *pattern, const char *s, size_t len,
		      struct status_args *args)
{
	size_t plen = part_len(pattern);

	if (*pattern != '{')
		return plen == len && memcmp(pattern, s, len) == 0;
	if (part_is(pattern, plen, "{port}"))
		return (args->port = find_port(st, s, len));
	if (part_is(pattern, plen, "{table}"))
		return take_table(s, len, args);
	if (part_is(pattern, plen, "{recent}"))
		return take_shared(st, false, s, len, args);
	if (part_is(pattern, plen, "{hashlimit}"))
		return take_shared(st, true, s, len, args);
	return take_conf(st, s, len, args);
}

/* fit: compares a path with a pattern. Return: NULL if they differ; else what of the pattern is left: "" if the path is a
 * file, the next part if it is a directory. */
static const char *fit(const struct status *st, const char *pattern, const char *path,
		       struct status_args *args)
{
	while (*path) {
		size_t len = part_len(path);

		if (!*pattern || !part_fits(st, pattern, path, len, args))
			return NULL;
		path += len;
		pattern += part_len(pattern);
		if (*path == '/') {
			path++;
			if (!*path || !*pattern)
				return NULL;
		}
		if (*pattern == '/')
			pattern++;
	}
	return pattern;
}

/* fill: the entry of a pattern that a path fits. */
static void fill(const struct status *st, const struct status_pattern *p, const char *rest,
		 struct status_entry *out)
{
	out->directory = *rest;
	out->mode = 0555;
	out->read = NULL;
	out->step = NULL;
	out->write = NULL;
	if (out->directory)
		return;
	out->mode = p->node.mode;
	out->read = p->node.read;
	out->step = p->node.step;
	out->write = p->node.write;
	if (p->row)
		status_sysctl_bind(st, p, &out->args);
}

int status_lookup(const struct status *st, const char *path, struct status_entry *out)
{
	struct status_pattern p;

	for (unsigned i = 0; status_pattern_at(i, &p); i++) {
		struct status_args args = { .table = TABLE_COUNT };
		const char *rest = fit(st, p.node.path, path, &args);

		if (!rest)
			continue;
		out->args = args;
		fill(st, &p, rest, out);
		return 0;
	}
	return -ENOENT;
}

/* --- listing -------------------------------------------------------------------------------------------------------- */

/* Names gathered of one directory. */
struct names {
	char (*name)[STATUS_NAME_MAX];
	unsigned count;
};

/* names_add: one more, @len bytes; at most NAMES_MAX are shown (only lists of -m recent and the like could be more). */
static void names_add(struct names *n, const char *name, size_t len)
{
	if (n->count < NAMES_MAX && part_copy(n->name[n->count], name, len))
		n->count++;
}

/* names_ports: adds all ports. */
static void names_ports(struct names *n, const struct status *st)
{
	for (unsigned i = 0; i < PORTS_MAX; i++) {
		if (st->engine->ns->port[i])
			names_add(n, st->engine->ns->port[i]->name, strlen(st->engine->ns->port[i]->name));
	}
}

/* names_shared: adds the name of one list or table. */
static void names_shared(void *names, const char *name)
{
	names_add(names, name, strlen(name));
}

/* names_part: adds what the pattern part at @part stands for. */
static void names_part(struct names *n, const struct status *st, const char *part)
{
	size_t len = part_len(part);

	if (part_is(part, len, "{table}")) {
		for (unsigned i = 0; i < TABLE_COUNT; i++)
			names_add(n, table_name(i), strlen(table_name(i)));
	} else if (part_is(part, len, "{port}")) {
		names_ports(n, st);
	} else if (part_is(part, len, "{recent}")) {
		recent_names(st->engine->tables, names_shared, n);
	} else if (part_is(part, len, "{hashlimit}")) {
		hashlimit_names(st->engine->tables, names_shared, n);
	} else if (part_is(part, len, "{conf}")) {
		names_add(n, "all", 3);
		names_add(n, "default", 7);
		names_ports(n, st);
	} else {
		names_add(n, part, len);
	}
}

/* by_name: order of qsort. */
static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* names_gather: all names of a directory, sorted; some may be there twice. */
static void names_gather(struct names *n, const struct status *st, const char *path)
{
	struct status_pattern p;
	char last[STATUS_NAME_MAX] = "";

	for (unsigned i = 0; status_pattern_at(i, &p); i++) {
		struct status_args args = { .table = TABLE_COUNT };
		const char *rest = fit(st, p.node.path, path, &args);

		if (!rest || !*rest || part_is(rest, part_len(rest), last))
			continue;
		part_copy(last, rest, part_len(rest));
		names_part(n, st, rest);
	}
	qsort(n->name, n->count, sizeof *n->name, by_name);
}

int status_list(const struct status *st, const char *path,
		void (*fn)(void *ctx, const char *name, const struct status_entry *entry), void *ctx)
{
	struct status_entry entry;
	struct names n = { .count = 0 };
	char child[STATUS_PATH_MAX + STATUS_NAME_MAX];
	int r = status_lookup(st, path, &entry);

	if (r < 0)
		return r;
	if (!entry.directory)
		return -ENOTDIR;
	n.name = calloc(NAMES_MAX, sizeof *n.name);
	if (!n.name)
		return -ENOMEM;
	names_gather(&n, st, path);
	for (unsigned i = 0; i < n.count; i++) {
		if (i && strcmp(n.name[i - 1], n.name[i]) == 0)
			continue;
		snprintf(child, sizeof child, "%s%s%s", path, *path ? "/" : "", n.name[i]);
		if (status_lookup(st, child, &entry) == 0)
			fn(ctx, n.name[i], &entry);
	}
	free(n.name);
	return 0;
}

/* --- reading and writing -------------------------------------------------------------------------------------------- */

/* snapshot: makes the content of a short file. Return: 0, or -ENOMEM (nothing kept). */
static int snapshot(const struct status *st, struct status_reader *r)
{
	text_free(&r->text);
	r->entry.read(st, &r->entry.args, &r->text);
	r->end = true;
	if (!r->text.failed)
		return 0;
	text_free(&r->text);
	return -ENOMEM;
}

int status_open(const struct status *st, const char *path, struct status_reader *r)
{
	int error;

	memset(r, 0, sizeof *r);
	error = status_lookup(st, path, &r->entry);
	if (error < 0)
		return error;
	if (r->entry.directory)
		return -EISDIR;
	snprintf(r->path, sizeof r->path, "%s", path);
	if (!r->entry.read)
		return r->entry.step ? 0 : -EACCES;
	return snapshot(st, r);
}

/* produce: goes on with a long file until @want bytes are at hand, the end is reached or the bound of one call. */
static void produce(const struct status *st, struct status_reader *r, size_t want)
{
	r->cursor.args = &r->entry.args;
	for (unsigned steps = 0; !r->end && r->text.len < want && steps < PULL_STEPS; steps++)
		r->end = !r->entry.step(st, &r->cursor, &r->text);
}

/* again: begins a long file anew. */
static void again(struct status_reader *r)
{
	free(r->cursor.state);
	memset(&r->cursor, 0, sizeof r->cursor);
	text_free(&r->text);
	r->base = 0;
	r->end = false;
}

/* forget: lets go of what lies before @offset, so that the piece at hand stays small. */
static void forget(struct status_reader *r, uint64_t offset)
{
	size_t done = offset - r->base;

	if (!done)
		return;
	memmove(r->text.data, r->text.data + done, r->text.len - done);
	text_trim(&r->text, done);
	r->base = offset;
}

/* pull_long: status_pull's part for files made of steps: gets @size bytes from @offset on into the piece at hand and makes
 * it begin there. Return: 0; -EAGAIN; -ESPIPE. */
static int pull_long(const struct status *st, struct status_reader *r, uint64_t offset, size_t size)
{
	if (offset < r->base) {
		if (offset)
			return -ESPIPE;
		again(r);
	}
	if (offset - r->base > SKIP_MAX + r->text.len)
		return r->end ? 0 : -ESPIPE;
	produce(st, r, (size_t)(offset - r->base) + size);
	if (offset - r->base <= r->text.len)
		forget(r, offset);
	else if (!r->end)
		return -EAGAIN;
	return r->text.failed ? -ENOMEM : 0;
}

/* pull_short: status_pull's part for the others: a new snapshot where one is read from the beginning again, as a program
 * does that keeps the file open and polls it. Return: 0 or -errno. */
static int pull_short(const struct status *st, struct status_reader *r, uint64_t offset)
{
	int error = 0;

	if (!offset && r->served) {
		error = status_lookup(st, r->path, &r->entry); /* ports come and go */
		if (!error)
			error = snapshot(st, r);
	}
	r->served = true;
	return error;
}

ssize_t status_pull(const struct status *st, struct status_reader *r, uint64_t offset, size_t size,
		    const char **data)
{
	size_t have;
	int error;

	*data = "";
	if (size > PULL_TEXT)
		size = PULL_TEXT;
	error = r->entry.step ? pull_long(st, r, offset, size) : pull_short(st, r, offset);
	if (error < 0)
		return error;
	if (offset < r->base || offset - r->base >= r->text.len)
		return r->end ? 0 : -EAGAIN;
	have = r->text.len - (size_t)(offset - r->base);
	*data = text_cstr(&r->text) + (offset - r->base);
	return (ssize_t)(have < size ? have : size);
}

void status_close(struct status_reader *r)
{
	free(r->cursor.state);
	text_free(&r->text);
}

int status_read(const struct status *st, const char *path, struct text *out)
{
	struct status_entry entry;
	struct status_cursor cursor = { .args = &entry.args };
	int r = status_lookup(st, path, &entry);

	if (r < 0)
		return r;
	if (entry.directory)
		return -EISDIR;
	if (entry.read) {
		entry.read(st, &entry.args, out);
	} else if (entry.step) {
		while (entry.step(st, &cursor, out))
			;
		free(cursor.state);
	} else {
		return -EACCES;
	}
	return out->failed ? -ENOMEM : 0;
}

int status_write(struct status *st, const char *path, const char *value, size_t len)
{
	struct status_entry entry;
	char copy[WRITE_MAX];
	int r = status_lookup(st, path, &entry);

	if (r < 0)
		return r;
	if (entry.directory)
		return -EISDIR;
	if (!entry.write)
		return -EACCES;
	if (!len)
		return 0;
	if (len >= sizeof copy || memchr(value, '\0', len))
		return -EINVAL;
	memcpy(copy, value, len);
	copy[len] = '\0';
	return entry.write(st, &entry.args, copy);
}

/* --- help ----------------------------------------------------------------------------------------------------------- */

/* help_mode: permission bits as `ls -l` prints them. */
static void help_mode(struct text *out, unsigned mode)
{
	for (int bit = 8; bit >= 0; bit--)
		text_put(out, mode >> bit & 1 ? &"xwr"[bit % 3] : "-", 1);
}

/* help_row: what a sysctl takes. */
static void help_row(struct text *out, const struct sysctl_row *row)
{
	if (row->flags & SYSCTL_READ_ONLY)
		text_puts(out, "a number");
	else if (row->min == INT32_MIN && row->max == INT32_MAX)
		text_puts(out, "any 32-bit number");
	else if (row->max == INT64_MAX)
		text_printf(out, "%" PRId64 " and more", row->min);
	else
		text_printf(out, "%" PRId64 " to %" PRId64, row->min, row->max);
}

void status_help(struct text *out)
{
	struct status_pattern p;

	text_puts(out, "| file | mode | what it shows, or takes |\n|---|---|---|\n");
	for (unsigned i = 0; status_pattern_at(i, &p); i++) {
		text_printf(out, "| %s | `", p.node.path);
		help_mode(out, p.node.mode);
		text_puts(out, "` | ");
		if (p.row)
			help_row(out, p.row);
		else
			text_puts(out, p.node.help);
		text_puts(out, " |\n");
	}
}
