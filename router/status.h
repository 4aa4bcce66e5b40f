/* status.h - the status tree: everything a router shows and lets itself be told, as files with Linux's names.
 *
 * Overview
 *   One constant table of nodes (status_nodes.c) plus the rooms' sysctl rows make the tree. A node's path is a pattern:
 *   {port} stands for the name of a port, {table} for a table, {conf} for all, default or the name of a port, {recent} and
 *   {hashlimit} for what rules named so. The tree is
 *   the same through the mount (fuse_mount.c), the commands cat, ls, write and sysctl (status_commands.c) and the INI's
 *   [sysctl] section.
 *
 * Invariants
 *   1. Nothing is stored: listing, reading and permissions follow from the table and the live engine.
 *   2. A reader's cost per step is bounded; only its own pieces of text are kept, never a whole connection table.
 *   3. A write that fails changes nothing.
 *
 * Linux parity: proc(5), net/core/net-procfs.c, net/ipv4/{proc,arp,fib_trie,devinet}.c, kernel/sysctl.c.
 */
#ifndef ROUTER_STATUS_H
#define ROUTER_STATUS_H

#include "conntrack/conntrack.h"
#include "netstack/text.h"
#include "router/engine.h"

#include <sys/types.h>

enum { STATUS_PATH_MAX = 320, STATUS_NAME_MAX = 256 };

/* The tree of one router. */
struct status {
	struct engine *engine;
	uint64_t started; /* engine time at the start, ns */
	void (*config)(void *user, struct text *out); /* prints the configuration in force; NULL: the file is empty */
	void *user;
};

/* What the placeholders of a path stand for, and the row behind a sysctl. */
struct status_args {
	struct port *port;
	enum table_id table;
	char shared[STATUS_NAME_MAX]; /* name of a list of -m recent or a table of -m hashlimit */
	struct port_conf *conf;
	bool conf_all, conf_default; /* @conf is that of all / default */
	const struct sysctl_row *row;
	void *room; /* what @row's offset counts from */
};

/* A walk over something too long for one piece of text. All zero at the beginning. */
struct status_cursor {
	const struct status_args *args; /* set for each step */
	struct ct_cursor ct;
	void *state; /* of the node, NULL at first; malloc'ed, freed with the cursor */
};

struct status_node {
	const char *path; /* pattern, without a leading '/' */
	uint16_t mode;    /* permission bits */
	const char *help; /* one line: what it shows, what writing does */
	void (*read)(const struct status *st, const struct status_args *args, struct text *out);
	/* Instead of read: appends one piece. Return: false when it was the last one. */
	bool (*step)(const struct status *st, struct status_cursor *cursor, struct text *out);
	int (*write)(struct status *st, const struct status_args *args, const char *value);
};

/* What a path turned out to be. */
struct status_entry {
	bool directory;
	uint16_t mode; /* permission bits */
	void (*read)(const struct status *st, const struct status_args *args, struct text *out);
	bool (*step)(const struct status *st, struct status_cursor *cursor, struct text *out);
	int (*write)(struct status *st, const struct status_args *args, const char *value);
	struct status_args args;
};

/* The constant nodes, ending with .path == NULL, in the order of the documentation. */
extern const struct status_node status_nodes[];

/* status_lookup: what @path ("net/dev", no leading '/'; "" is the root) is. Return: 0, or -ENOENT. */
int status_lookup(const struct status *st, const char *path, struct status_entry *out);

/* status_list: calls @fn for each name in the directory @path, sorted, each once.
 * Return: 0; -ENOENT; -ENOTDIR; -ENOMEM. */
int status_list(const struct status *st, const char *path,
		void (*fn)(void *ctx, const char *name, const struct status_entry *entry), void *ctx);

/* status_read: appends the whole content of a file. Return: 0; -ENOENT; -EISDIR; -EACCES write only; -ENOMEM. */
int status_read(const struct status *st, const char *path, struct text *out);

/* status_write: writes @len bytes to a file, as one write(2) would. Return: 0; -ENOENT; -EISDIR; -EACCES read only;
 * -EINVAL not a value or out of range. */
int status_write(struct status *st, const char *path, const char *value, size_t len);

/* --- reading in pieces --------------------------------------------------------------------------------------------- */

/* A file being read: a short one is a snapshot made at open and at each later read from 0, a long one is produced as it is
 * read. Nothing of the engine is held between calls. */
struct status_reader {
	struct status_entry entry;
	struct status_cursor cursor;
	struct text text; /* the piece at hand */
	uint64_t base;    /* file offset of its first byte */
	bool end;         /* nothing follows it */
	bool served;      /* a pull was answered: one at 0 begins anew */
	char path[STATUS_PATH_MAX];
};

/* status_open: begins. Return: 0 (caller ends with status_close), or as status_read. */
int status_open(const struct status *st, const char *path, struct status_reader *r);

/* status_pull: the bytes at @offset, at most @size of them. @offset goes on where the last pull ended, or somewhere in the
 * piece at hand, or a little further on, or to 0 (begins anew). One call walks a bounded part of the file.
 * @data: set to the bytes, valid until the next call. Return: how many, 0 at the end; -EAGAIN: nothing yet, call again;
 * -ESPIPE another offset; -ENOENT the file went away; -ENOMEM. */
ssize_t status_pull(const struct status *st, struct status_reader *r, uint64_t offset, size_t size, const char **data);

/* status_close: frees what the reader holds. */
void status_close(struct status_reader *r);

/* --- sysctl names -------------------------------------------------------------------------------------------------- */

/* status_sysctl_path: the path in the tree of a sysctl(8) name: dotted ("net.ipv4.conf.a/b.forwarding", a dot in a
 * part written as '/') or slashed. The first separator decides. @path holds STATUS_PATH_MAX bytes.
 * Return: 0, or -ENAMETOOLONG. */
int status_sysctl_path(const char *name, char *path);

/* status_sysctl_check: whether @value could be written to the sysctl @name in any router, whatever its ports are called:
 * for configuration checks, needs no engine. Return: 0; -ENOENT; -EACCES; -EINVAL. */
int status_sysctl_check(const char *name, const char *value);

/* status_sysctl_set: writes @value to the sysctl @name. Return: as status_write. */
int status_sysctl_set(struct status *st, const char *name, const char *value);

/* status_help: the table of the tree for `tapgate help tree` and docs/status-tree.md, in Markdown. */
void status_help(struct text *out);

#endif
