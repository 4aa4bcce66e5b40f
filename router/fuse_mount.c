/* fuse_mount.c - the status tree as a file system: libfuse's low-level interface on the router's event loop.
 *
 * Overview
 *   The session's descriptor is an event like a TAP: when the kernel has requests, up to REQUESTS_PER_TURN of them are
 *   answered, or BYTES_PER_TURN read, then packets have their turn. Nothing blocks and there is no thread. A file's
 *   content is made when it is opened (short files) or while it is read (connections): then each read does a bounded
 *   piece of work, and a walk that found nothing to show yet goes on in the next turn of the loop. Sizes are 0 and
 *   reads go past the page cache (direct_io), as in /proc.
 *
 * Life-cycle
 *   start: stale mount away -> directory -> session -> mount -> event.  stop: event away -> unmount -> directories away.
 *   The mount may also end under us (umount by hand, SIGKILL of a mount helper): the event goes, the rest stays.
 *
 * Invariants
 *   1. At most HANDLES_MAX files are open and INODES_MAX paths known to the kernel; more is ENFILE, ENOMEM.
 *   2. The router never touches a path below its own mount point while mounted: the request would wait for itself.
 *   3. Each request gets exactly one reply; a request put off is in its handle's .waiting.
 *
 * Ownership
 *   inode.path and the handles' readers are the mount's; they end with forget, release, or the mount.
 */
#define FUSE_USE_VERSION 314
#include "router/fuse_mount.h"

#include "router/router.h"
#include "router/status.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <fuse_lowlevel.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

enum {
	HANDLES_MAX = 256,
	INODES_MAX = 8192,
	REQUESTS_PER_TURN = 16,
	BYTES_PER_TURN = 32 * 1024,
	FIRST_INODE = FUSE_ROOT_ID + 1,
	FUSE_MAGIC = 0x65735546, /* statfs f_type; uapi magic.h */
	NAME_SIZE = 4096,
};

/* A path that the kernel knows by number. */
struct inode {
	char *path; /* NULL: free */
	uint64_t lookups;
	uint64_t generation;
};

/* An open file or directory. */
struct handle {
	bool used;
	bool reading; /* has a reader */
	struct status_reader reader;
	struct text names;  /* a directory's entries, as the kernel wants them */
	fuse_req_t waiting; /* a read put off, NULL: none */
	size_t want;
	uint64_t offset;
	char path[STATUS_PATH_MAX];
};

struct fuse_mount {
	struct router *router;
	struct fuse_session *session;
	struct event *readable, *again;
	struct fuse_buf buf;
	struct inode inode[INODES_MAX];
	unsigned inodes; /* no number behind it was ever given out */
	uint64_t generation;
	size_t turn_bytes; /* read in this turn of the loop */
	unsigned first; /* which handle has its turn first */
	struct handle handle[HANDLES_MAX];
	char path[NAME_SIZE];
	size_t made; /* length of the shortest part of path that start had to make; 0: none */
	bool mounted;
};

/* --- inodes --------------------------------------------------------------------------------------------------------- */

/* mount_of: the mount a request is for. */
static struct fuse_mount *mount_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* path_of: the path of an inode number; NULL if there is none such. */
static const char *path_of(const struct fuse_mount *m, fuse_ino_t ino)
{
	if (ino == FUSE_ROOT_ID)
		return "";
	if (ino < FIRST_INODE || ino >= FIRST_INODE + INODES_MAX)
		return NULL;
	return m->inode[ino - FIRST_INODE].path;
}

/* inode_take: the number of @path, one more lookup counted. Return: 0 when there is no room. */
static fuse_ino_t inode_take(struct fuse_mount *m, const char *path)
{
	struct inode *empty = NULL;

	for (struct inode *i = m->inode; i < m->inode + m->inodes; i++) {
		if (i->path && strcmp(i->path, path) == 0) {
			i->lookups++;
			return (fuse_ino_t)(i - m->inode) + FIRST_INODE;
		}
		if (!i->path && !empty)
			empty = i;
	}
	if (!empty && m->inodes < INODES_MAX)
		empty = &m->inode[m->inodes++];
	if (!empty || !(empty->path = strdup(path)))
		return 0;
	empty->lookups = 1;
	empty->generation = ++m->generation;
	return (fuse_ino_t)(empty - m->inode) + FIRST_INODE;
}

/* inode_drop: @count lookups fewer; the last one frees it. */
static void inode_drop(struct fuse_mount *m, fuse_ino_t ino, uint64_t count)
{
	struct inode *i;

	if (ino == FUSE_ROOT_ID || !path_of(m, ino))
		return;
	i = &m->inode[ino - FIRST_INODE];
	i->lookups -= count < i->lookups ? count : i->lookups;
	if (i->lookups)
		return;
	free(i->path);
	i->path = NULL;
}

/* join: path of @name in @dir; @out holds STATUS_PATH_MAX bytes. Return: false if it is too long to be one of ours. */
static bool join(char *out, const char *dir, const char *name)
{
	int n = snprintf(out, STATUS_PATH_MAX, "%s%s%s", dir, *dir ? "/" : "", name);

	return n > 0 && n < STATUS_PATH_MAX;
}

/* file_number: st_ino of a path: FNV-1a, stable over mounts. */
static ino_t file_number(const char *path)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *path; path++)
		h = (h ^ (uint8_t)*path) * 0x100000001b3;
	return h | 1;
}

/* describe: what stat(2) says of a file. Times are now, as in /proc. */
static void describe(const char *path, const struct status_entry *e, struct stat *st)
{
	memset(st, 0, sizeof *st);
	st->st_ino = file_number(path);
	st->st_mode = (e->directory ? S_IFDIR : S_IFREG) | e->mode;
	st->st_nlink = e->directory ? 2 : 1;
	st->st_blksize = 1024;
	clock_gettime(CLOCK_REALTIME, &st->st_mtim);
	st->st_atim = st->st_ctim = st->st_mtim;
}

/* --- operations on names -------------------------------------------------------------------------------------------- */

/* op_lookup: FUSE_LOOKUP. Nothing is cached in the kernel: ports come and go. */
static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_mount *m = mount_of(req);
	const char *dir = path_of(m, parent);
	struct fuse_entry_param reply = { .attr_timeout = 0 };
	struct status_entry entry;
	char path[STATUS_PATH_MAX];

	if (!dir || !join(path, dir, name) || status_lookup(&m->router->status, path, &entry) < 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	reply.ino = inode_take(m, path);
	if (!reply.ino) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	reply.generation = m->inode[reply.ino - FIRST_INODE].generation;
	describe(path, &entry, &reply.attr);
	if (fuse_reply_entry(req, &reply) == -ENOENT) /* interrupted: the kernel does not know the number */
		inode_drop(m, reply.ino, 1);
}

/* op_forget, op_forget_multi: FUSE_FORGET, FUSE_BATCH_FORGET. */
static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	inode_drop(mount_of(req), ino, count);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		inode_drop(mount_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

/* reply_attr: answers with what stat(2) says of @ino; ENOENT if it is gone. */
static void reply_attr(fuse_req_t req, fuse_ino_t ino)
{
	struct fuse_mount *m = mount_of(req);
	const char *path = path_of(m, ino);
	struct status_entry entry;
	struct stat st;

	if (!path || status_lookup(&m->router->status, path, &entry) < 0) {
		fuse_reply_err(req, ENOENT);
		return;
	}
	describe(path, &entry, &st);
	fuse_reply_attr(req, &st, 0);
}

/* op_getattr: FUSE_GETATTR. */
static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)fi;
	reply_attr(req, ino);
}

/* op_setattr: FUSE_SETATTR: truncation (what `>` does) is fine, all else is not ours to change. */
static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int what, struct fuse_file_info *fi)
{
	(void)attr;
	(void)fi;
	if (!(what & FUSE_SET_ATTR_SIZE) ||
	    what & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		fuse_reply_err(req, EPERM);
	else
		reply_attr(req, ino);
}

/* op_create: FUSE_CREATE: /proc/sys says of a new name that there is no such file. */
static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode,
		      struct fuse_file_info *fi)
{
	(void)parent;
	(void)name;
	(void)mode;
	(void)fi;
	fuse_reply_err(req, ENOENT);
}

/* op_remove: FUSE_UNLINK, FUSE_RMDIR. */
static void op_remove(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	(void)parent;
	(void)name;
	fuse_reply_err(req, EPERM);
}

/* op_statfs: FUSE_STATFS: an empty file system, as procfs. */
static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs s = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = 255 };

	(void)ino;
	fuse_reply_statfs(req, &s);
}

/* --- operations on handles ------------------------------------------------------------------------------------------ */

/* handle_take: a free handle for @path, its number in @fi. Return: NULL when all are in use. */
static struct handle *handle_take(struct fuse_mount *m, const char *path, struct fuse_file_info *fi)
{
	for (unsigned i = 0; i < HANDLES_MAX; i++) {
		struct handle *h = &m->handle[i];

		if (h->used)
			continue;
		memset(h, 0, sizeof *h);
		h->used = true;
		snprintf(h->path, sizeof h->path, "%s", path);
		fi->fh = i;
		return h;
	}
	return NULL;
}

/* handle_drop: the end of a handle. */
static void handle_drop(struct handle *h)
{
	if (h->waiting)
		fuse_reply_err(h->waiting, ENODEV);
	if (h->reading)
		status_close(&h->reader);
	text_free(&h->names);
	memset(h, 0, sizeof *h);
}

/* handle_of: the handle of a request. Return: NULL for a number that is not open. */
static struct handle *handle_of(struct fuse_mount *m, const struct fuse_file_info *fi)
{
	return fi->fh < HANDLES_MAX && m->handle[fi->fh].used ? &m->handle[fi->fh] : NULL;
}

/* open_check: whether @path may be opened with @flags. Return: 0 or a positive errno. */
static int open_check(const struct fuse_mount *m, const char *path, int flags)
{
	struct status_entry entry;

	if (status_lookup(&m->router->status, path, &entry) < 0)
		return ENOENT;
	if ((flags & O_ACCMODE) != O_RDONLY && !entry.write)
		return EACCES;
	return 0;
}

/* op_open: FUSE_OPEN: the content of a short file is made here. */
static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fuse_mount *m = mount_of(req);
	const char *path = path_of(m, ino);
	int error = path ? open_check(m, path, fi->flags) : ENOENT;
	struct handle *h = error ? NULL : handle_take(m, path, fi);

	if (!h) {
		fuse_reply_err(req, error ? error : ENFILE);
		return;
	}
	if ((fi->flags & O_ACCMODE) != O_WRONLY) {
		error = -status_open(&m->router->status, path, &h->reader);
		h->reading = !error;
	}
	if (error) {
		handle_drop(h);
		fuse_reply_err(req, error);
		return;
	}
	fi->direct_io = 1;
	if (fuse_reply_open(req, fi) == -ENOENT) /* interrupted: no release will come */
		handle_drop(h);
}

/* put_off: lets a read wait for @ns, at least until the next turn of the loop. */
static void put_off(struct fuse_mount *m, struct handle *h, fuse_req_t req, uint64_t ns)
{
	const struct timeval later = { 0, (suseconds_t)((ns + 999) / 1000) };

	h->waiting = req;
	evtimer_add(m->again, &later);
}

/* answer_read: replies to a read, or puts it off where the walk needs more time, or packets do. */
static void answer_read(struct fuse_mount *m, struct handle *h, fuse_req_t req)
{
	struct background *b = &m->router->background;
	uint64_t wait = h->reader.entry.step ? background_wait(b, router_now()) : 0;
	const char *data;
	ssize_t n;

	if (wait) {
		put_off(m, h, req, wait);
		return;
	}
	h->waiting = NULL;
	if (h->reader.entry.step)
		background_begin(b, router_now());
	n = status_pull(&m->router->status, &h->reader, h->offset, h->want, &data);
	if (n == -EAGAIN) {
		put_off(m, h, req, 0);
	} else if (n < 0) {
		fuse_reply_err(req, (int)-n);
	} else {
		m->turn_bytes += (size_t)n;
		fuse_reply_buf(req, data, (size_t)n);
	}
	if (h->reader.entry.step)
		background_end(b, router_now());
}

/* op_read: FUSE_READ. Two reads at once on one handle: the second is told to come again. */
static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct fuse_mount *m = mount_of(req);
	struct handle *h = handle_of(m, fi);

	(void)ino;
	if (!h || !h->reading || offset < 0) {
		fuse_reply_err(req, EBADF);
		return;
	}
	if (h->waiting) {
		fuse_reply_err(req, EAGAIN);
		return;
	}
	h->offset = (uint64_t)offset;
	h->want = size;
	answer_read(m, h, req);
}

/* op_write: FUSE_WRITE: each write at the beginning is one value; what comes further on is ignored, as Linux does with
 * kernel.sysctl_writes_strict = 1, so that writing byte by byte does the same. */
static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
		     struct fuse_file_info *fi)
{
	struct fuse_mount *m = mount_of(req);
	struct handle *h = handle_of(m, fi);
	int r = h ? 0 : -EBADF;

	(void)ino;
	if (h && !offset)
		r = status_write(&m->router->status, h->path, data, size);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_write(req, size);
}

/* op_release: FUSE_RELEASE, FUSE_RELEASEDIR. */
static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(mount_of(req), fi);

	(void)ino;
	if (h)
		handle_drop(h);
	fuse_reply_err(req, 0);
}

/* What list_name fills. */
struct listing {
	fuse_req_t req;
	struct handle *h;
};

/* list_name: appends one directory entry; its offset is where the next one begins. */
static void list_name(void *ctx, const char *name, const struct status_entry *entry)
{
	struct listing *l = ctx;
	struct stat st = { .st_mode = entry ? (entry->directory ? S_IFDIR : S_IFREG) : S_IFDIR };
	char path[STATUS_PATH_MAX], record[512];
	size_t size = fuse_add_direntry(l->req, NULL, 0, name, NULL, 0);

	if (size > sizeof record || !join(path, l->h->path, name))
		return;
	st.st_ino = file_number(path);
	fuse_add_direntry(l->req, record, sizeof record, name, &st, (off_t)(l->h->names.len + size));
	text_put(&l->h->names, record, size);
}

/* op_opendir: FUSE_OPENDIR: the names are gathered here. */
static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fuse_mount *m = mount_of(req);
	const char *path = path_of(m, ino);
	struct handle *h = path ? handle_take(m, path, fi) : NULL;
	struct listing l = { req, h };
	int r;

	if (!h) {
		fuse_reply_err(req, path ? ENFILE : ENOENT);
		return;
	}
	list_name(&l, ".", NULL);
	list_name(&l, "..", NULL);
	r = status_list(&m->router->status, path, list_name, &l);
	if (h->names.failed)
		r = -ENOMEM;
	if (r < 0) {
		handle_drop(h);
		fuse_reply_err(req, -r);
	} else if (fuse_reply_open(req, fi) == -ENOENT) {
		handle_drop(h);
	}
}

/* op_readdir: FUSE_READDIR: a piece of what opendir gathered; the kernel leaves a record cut at the end. */
static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *fi)
{
	struct handle *h = handle_of(mount_of(req), fi);
	size_t left;

	(void)ino;
	if (!h) {
		fuse_reply_err(req, EBADF);
		return;
	}
	if (offset < 0 || (size_t)offset >= h->names.len) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	left = h->names.len - (size_t)offset;
	fuse_reply_buf(req, h->names.data + offset, left < size ? left : size);
}

static const struct fuse_lowlevel_ops operations = {
	.lookup = op_lookup,
	.forget = op_forget,
	.forget_multi = op_forget_multi,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.create = op_create,
	.unlink = op_remove,
	.rmdir = op_remove,
	.open = op_open,
	.read = op_read,
	.write = op_write,
	.release = op_release,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.releasedir = op_release,
	.statfs = op_statfs,
};

/* --- the event loop ------------------------------------------------------------------------------------------------- */

/* ended: the mount went away under us: stop listening. stop does the rest. */
static void ended(struct fuse_mount *m)
{
	event_del(m->readable);
	log_line(&m->router->log, LOG_WARN, "the status tree is no longer mounted at %s", m->path);
}

/* on_readable: answers some requests. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct fuse_mount *m = arg;
	int n = 1;

	(void)fd;
	(void)what;
	router_enter(m->router);
	m->turn_bytes = 0;
	for (int i = 0; n > 0 && i < REQUESTS_PER_TURN && m->turn_bytes < BYTES_PER_TURN; i++) {
		n = fuse_session_receive_buf(m->session, &m->buf);
		if (n > 0)
			fuse_session_process_buf(m->session, &m->buf);
	}
	router_leave(m->router);
	if (fuse_session_exited(m->session) || (n < 0 && n != -EAGAIN && n != -EINTR))
		ended(m);
}

/* on_again: goes on with the reads that were put off. */
static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct fuse_mount *m = arg;

	(void)fd;
	(void)what;
	router_enter(m->router);
	/* Each turn another one is the first: who comes later may have to wait again. */
	m->first++;
	for (unsigned i = 0; i < HANDLES_MAX; i++) {
		struct handle *h = &m->handle[(i + m->first) % HANDLES_MAX];

		if (h->used && h->waiting)
			answer_read(m, h, h->waiting);
	}
	router_leave(m->router);
}

/* --- start and stop ------------------------------------------------------------------------------------------------- */

/* quiet: libfuse's own messages; the one warning is ours. */
static void quiet(enum fuse_log_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
}

/* clear_stale: takes away the mount of a router that died. Return: 0; -EBUSY: one that lives is mounted there. */
static int clear_stale(const char *path)
{
	struct stat here, above;
	struct statfs fs;
	char parent[NAME_SIZE + 4];

	if (stat(path, &here) < 0)
		return errno == ENOTCONN && umount2(path, MNT_DETACH) < 0 ? -errno : 0;
	snprintf(parent, sizeof parent, "%s/..", path);
	if (stat(parent, &above) == 0 && above.st_dev != here.st_dev && statfs(path, &fs) == 0 &&
	    fs.f_type == FUSE_MAGIC)
		return -EBUSY;
	return 0;
}

/* make_dirs: makes what is missing of the mount point. Return: 0 or -errno. */
static int make_dirs(struct fuse_mount *m)
{
	for (char *end = m->path + 1;; end++) {
		char c = *end;
		int r;

		if (c && c != '/')
			continue;
		*end = '\0';
		r = mkdir(m->path, 0755) < 0 ? -errno : 0;
		if (r == 0 && !m->made)
			m->made = strlen(m->path);
		*end = c;
		if (r < 0 && r != -EEXIST)
			return r;
		if (!c)
			return 0;
	}
}

/* remove_dirs: removes the directories that make_dirs made, the deepest first. */
static void remove_dirs(struct fuse_mount *m)
{
	while (m->made && strlen(m->path) >= m->made) {
		char *slash = strrchr(m->path, '/');

		if (rmdir(m->path) < 0 || !slash)
			return;
		*slash = '\0';
	}
}

/* open_session: session, mount and events. Return: 0 or -errno. */
static int open_session(struct fuse_mount *m)
{
	char name[] = "tapgate", option[] = "-o",
	     options[] = "default_permissions,allow_other,fsname=tapgate,subtype=tapgate";
	char *argv[] = { name, option, options, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(3, argv);
	int probe = open("/dev/fuse", O_RDWR | O_CLOEXEC), fd;

	if (probe < 0)
		return -errno;
	close(probe);
	m->session = fuse_session_new(&args, &operations, sizeof operations, m);
	fuse_opt_free_args(&args);
	if (!m->session)
		return -ENOMEM;
	errno = 0;
	if (fuse_session_mount(m->session, m->path) < 0)
		return errno ? -errno : -EPERM;
	m->mounted = true;
	fd = fuse_session_fd(m->session);
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	m->readable = event_new(m->router->base, fd, EV_READ | EV_PERSIST, on_readable, m);
	m->again = evtimer_new(m->router->base, on_again, m);
	if (!m->readable || !m->again || event_add(m->readable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

/* begin: all that may fail. @path is absolute or not; kept. Return: 0 or -errno. */
static int begin(struct fuse_mount *m, const char *path)
{
	size_t len = strlen(path);
	int r;

	while (len > 1 && path[len - 1] == '/')
		len--;
	if (!len || len >= sizeof m->path)
		return -ENAMETOOLONG;
	memcpy(m->path, path, len);
	m->path[len] = '\0';
	r = clear_stale(m->path);
	if (!r)
		r = make_dirs(m);
	return r ? r : open_session(m);
}

/* advice: what to do about a failed start. */
static const char *advice(int error)
{
	if (error == -EBUSY)
		return " (another router is mounted there)";
	if (access("/dev/fuse", R_OK | W_OK) < 0)
		return " (/dev/fuse: modprobe fuse, or give it to this container)";
	return "";
}

struct fuse_mount *fuse_mount_start(struct router *r, const char *path)
{
	struct fuse_mount *m = calloc(1, sizeof *m);
	int error = -ENOMEM;

	fuse_set_log_func(quiet);
	if (m) {
		m->router = r;
		error = begin(m, path);
	}
	if (!error)
		return m;
	log_line(&r->log, LOG_WARN,
		 "status tree not mounted at %s: %s%s; `tapgate cat` and `ls` work without, "
		 "`proc_mount = none` silences this",
		 path, strerror(-error), advice(error));
	fuse_mount_stop(m);
	return NULL;
}

void fuse_mount_stop(struct fuse_mount *m)
{
	if (!m)
		return;
	if (m->readable)
		event_free(m->readable);
	if (m->again)
		event_free(m->again);
	for (unsigned i = 0; i < HANDLES_MAX; i++) {
		if (m->handle[i].used)
			handle_drop(&m->handle[i]);
	}
	if (m->mounted)
		fuse_session_unmount(m->session);
	if (m->session)
		fuse_session_destroy(m->session);
	for (unsigned i = 0; i < INODES_MAX; i++)
		free(m->inode[i].path);
	remove_dirs(m);
	free(m->buf.mem);
	free(m);
}
