/* status_commands.c - cat, ls and write: the status tree without a mount. Live commands of request.h.
 *
 * A path may be written with or without a leading '/', and with the mount's Linux counterpart before it ("/proc/net/dev").
 */
#include "router/request.h"
#include "router/router.h"
#include "router/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { USAGE = 2 };

/* tree_path: what of an argument is the path in the tree, without slashes at its ends. @out holds STATUS_PATH_MAX bytes.
 * Return: @out; of a text too long for any path, "?" (which is none). */
static const char *tree_path(const char *arg, char *out)
{
	size_t len;

	if (strncmp(arg, "/proc/", 6) == 0)
		arg += 6;
	while (*arg == '/')
		arg++;
	len = strlen(arg);
	while (len && arg[len - 1] == '/')
		len--;
	if (len >= STATUS_PATH_MAX)
		return "?";
	memcpy(out, arg, len);
	out[len] = '\0';
	return out;
}

/* --- cat ------------------------------------------------------------------------------------------------------------ */

/* How far a cat is. */
struct cat {
	int next; /* argument to open next */
	bool open;
	struct status_reader reader;
	uint64_t offset;
};

/* cat_open: opens the next file that can be opened; says what is wrong with the others. Return: false behind the last. */
static bool cat_open(struct request *rq, struct cat *c)
{
	char path[STATUS_PATH_MAX];

	while (c->next < rq->argc) {
		const char *arg = rq->argv[c->next++];
		int r = status_open(&rq->router->status, tree_path(arg, path), &c->reader);

		c->open = r == 0;
		c->offset = 0;
		if (c->open)
			return true;
		rq->code = request_fail(rq, 1, "%s: %s", arg, strerror(-r));
	}
	return false;
}

/* cat_step: request.step: one piece of the file at hand. */
static bool cat_step(struct request *rq)
{
	struct cat *c = rq->state;
	const char *data;
	ssize_t n;

	if (!c->open && !cat_open(rq, c))
		return false;
	n = status_pull(&rq->router->status, &c->reader, c->offset, REQUEST_PIECE, &data);
	if (n == -EAGAIN)
		return true;
	if (n < 0)
		rq->code = request_fail(rq, 1, "%s: %s", rq->argv[c->next - 1], strerror((int)-n));
	if (n <= 0) {
		status_close(&c->reader);
		c->open = false;
		return c->next < rq->argc;
	}
	text_put(&rq->out, data, (size_t)n);
	c->offset += (uint64_t)n;
	return true;
}

/* cat_done: request.done. */
static void cat_done(struct request *rq)
{
	struct cat *c = rq->state;

	if (c && c->open)
		status_close(&c->reader);
	free(c);
	rq->state = NULL;
}

/* command_cat: `cat PATH...`. */
int command_cat(struct request *rq)
{
	struct cat *c;

	if (rq->argc < 2)
		return request_fail(rq, USAGE, "which file? Usage: tapgate cat PATH...");
	c = calloc(1, sizeof *c);
	if (!c)
		return request_fail(rq, 1, "%s", strerror(ENOMEM));
	c->next = 1;
	rq->state = c;
	rq->step = cat_step;
	rq->done = cat_done;
	return 0;
}

/* --- ls ------------------------------------------------------------------------------------------------------------- */

struct ls {
	struct request *rq;
	bool modes;
};

/* ls_name: one line: the name, with -l the permissions before it. */
static void ls_name(void *ctx, const char *name, const struct status_entry *entry)
{
	struct ls *l = ctx;

	if (l->modes) {
		text_puts(&l->rq->out, entry->directory ? "d" : "-");
		for (int bit = 8; bit >= 0; bit--)
			text_put(&l->rq->out, entry->mode >> bit & 1 ? &"xwr"[bit % 3] : "-", 1);
		text_puts(&l->rq->out, " ");
	}
	text_printf(&l->rq->out, "%s\n", name);
}

/* ls_path: lists one directory, or names one file. Return: exit status. */
static int ls_path(struct ls *l, const char *arg)
{
	const struct status *st = &l->rq->router->status;
	char buf[STATUS_PATH_MAX];
	const char *path = tree_path(arg, buf);
	struct status_entry entry;
	int r = status_list(st, path, ls_name, l);

	if (r == -ENOTDIR && status_lookup(st, path, &entry) == 0) {
		ls_name(l, arg, &entry);
		return 0;
	}
	return r < 0 ? request_fail(l->rq, 1, "%s: %s", arg, strerror(-r)) : 0;
}

/* command_ls: `ls [-l] [PATH...]`; several directories each under their name, as ls(1). */
int command_ls(struct request *rq)
{
	struct ls l = { rq, false };
	int first = 1, code = 0;

	for (; first < rq->argc && rq->argv[first][0] == '-' && rq->argv[first][1]; first++) {
		if (strcmp(rq->argv[first], "-l") != 0)
			return request_fail(rq, USAGE,
					    "unknown option '%s'. Usage: tapgate ls [-l] [PATH...]",
					    rq->argv[first]);
		l.modes = true;
	}
	if (first == rq->argc)
		return ls_path(&l, "");
	for (int i = first; i < rq->argc; i++) {
		if (rq->argc - first > 1)
			text_printf(&rq->out, "%s%s:\n", i > first ? "\n" : "", rq->argv[i]);
		code |= ls_path(&l, rq->argv[i]);
	}
	return code;
}

/* --- write ---------------------------------------------------------------------------------------------------------- */

/* command_write: `write PATH [VALUE]`: the value from the argument, else from standard input. */
int command_write(struct request *rq)
{
	const char *value = rq->input;
	size_t len = rq->input_len;
	char path[STATUS_PATH_MAX];
	int r;

	if (rq->argc < 2 || rq->argc > 3)
		return request_fail(rq, USAGE,
				    "Usage: tapgate write PATH [VALUE]; without VALUE from standard input");
	if (rq->argc == 3) {
		value = rq->argv[2];
		len = strlen(value);
	}
	r = status_write(&rq->router->status, tree_path(rq->argv[1], path), value, len);
	return r < 0 ? request_fail(rq, 1, "%s: %s", rq->argv[1], strerror(-r)) : 0;
}
