/* log.c - see log.h.
 *
 * The journal's native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): one datagram of FIELD=value lines. stderr is the
 * journal where JOURNAL_STREAM names its device and inode (systemd.exec(5)). The service manager's protocol is
 * sd_notify(3): one datagram to the socket named by NOTIFY_SOCKET.
 */
#include "router/log.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 2048 };

static const struct {
	const char *name;
	int level;
} levels[] = {
	{ "error", LOG_ERROR },
	{ "warning", LOG_WARN },
	{ "info", LOG_INFORM },
	{ "debug", LOG_DETAIL },
};

int log_level_parse(const char *name)
{
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (!strcasecmp(name, levels[i].name))
			return levels[i].level;
	return -1;
}

const char *log_level_name(int level)
{
	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		if (level <= levels[i].level)
			return levels[i].name;
	return "debug";
}

/* connect_unix: a datagram socket connected to @path ('@' first: abstract). Return: descriptor or -1. */
static int connect_unix(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	size_t len = strlen(path);
	int fd;

	if (!len || len >= sizeof sa.sun_path)
		return -1;
	memcpy(sa.sun_path, path, len);
	if (*path == '@')
		sa.sun_path[0] = 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&sa, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* stderr_is_journal: whether descriptor 2 is the stream that JOURNAL_STREAM names. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 && !fstat(STDERR_FILENO, &st) &&
	       st.st_dev == dev && st.st_ino == ino;
}

void log_open(struct log *log, int level)
{
	log->level = level;
	log->journal = stderr_is_journal() ? connect_unix("/run/systemd/journal/socket") : -1;
}

void log_close(struct log *log)
{
	if (log->journal >= 0)
		close(log->journal);
	log->journal = -1;
}

/* send_journal: one record. Return: false where the journal did not take it. */
static bool send_journal(const struct log *log, int level, const char *line)
{
	char record[LINE_MAX_BYTES + 64];
	int len = snprintf(record, sizeof record, "PRIORITY=%d\nSYSLOG_IDENTIFIER=tapgate\nMESSAGE=%s\n", level, line);

	return len > 0 && (size_t)len < sizeof record &&
	       send(log->journal, record, (size_t)len, MSG_NOSIGNAL) == len;
}

/* write_stderr: one line with the wall clock, in one write so that lines of two processes do not mix. */
static void write_stderr(int level, const char *line)
{
	char out[LINE_MAX_BYTES + 64], stamp[32];
	struct timespec ts;
	struct tm tm;
	ssize_t done;
	int len;

	clock_gettime(CLOCK_REALTIME, &ts);
	localtime_r(&ts.tv_sec, &tm);
	strftime(stamp, sizeof stamp, "%F %T", &tm);
	len = snprintf(out, sizeof out, "%s.%03ld %s: %s\n", stamp, ts.tv_nsec / 1000000, log_level_name(level), line);
	done = write(STDERR_FILENO, out, (size_t)len < sizeof out ? (size_t)len : sizeof out - 1);
	(void)done; /* nowhere to complain */
}

void log_linev(const struct log *log, int level, const char *format, va_list args)
{
	char line[LINE_MAX_BYTES];

	if (level > log->level && level != LOG_NOTICE)
		return;
	vsnprintf(line, sizeof line, format, args);
	for (char *c = line; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	if (log->journal < 0 || !send_journal(log, level, line))
		write_stderr(level, line);
}

void log_line(const struct log *log, int level, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_linev(log, level, format, args);
	va_end(args);
}

void log_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int fd = path ? connect_unix(path) : -1;

	if (fd < 0)
		return;
	send(fd, state, strlen(state), MSG_NOSIGNAL);
	close(fd);
}
