/* netns.c - see netns.h. The process has one thread, so entering a namespace for a moment disturbs nobody. */
#include "router/netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

int netns_open(const char *name, char *why)
{
	char path[512];
	struct statfs fs;
	int fd;

	if (strchr(name, '/'))
		snprintf(path, sizeof path, "%s", name);
	else if (strspn(name, "0123456789") == strlen(name))
		snprintf(path, sizeof path, "/proc/%s/ns/net", name);
	else
		snprintf(path, sizeof path, "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT && strchr(name, '/'))
		snprintf(why, NETNS_WHY_MAX, "there is no network namespace at %.200s", name);
	else if (fd < 0 && errno == ENOENT && strncmp(path, "/proc", 5) == 0)
		snprintf(why, NETNS_WHY_MAX, "there is no process %.60s whose network namespace could be used", name);
	else if (fd < 0 && errno == ENOENT)
		snprintf(why, NETNS_WHY_MAX, "there is no network namespace '%.60s': make it with `ip netns add %.60s`", name,
			 name);
	else if (fd < 0)
		snprintf(why, NETNS_WHY_MAX, "cannot open the network namespace %.200s: %s", path, strerror(errno));
	if (fd < 0)
		return -1;
	if (!fstatfs(fd, &fs) && fs.f_type == NSFS_MAGIC)
		return fd;
	snprintf(why, NETNS_WHY_MAX, "%.200s is not a network namespace: make one with `ip netns add`", path);
	close(fd);
	return -1;
}

int netns_enter(int fd, char *why)
{
	int before = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (before >= 0 && !setns(fd, CLONE_NEWNET))
		return before;
	if (before < 0)
		snprintf(why, NETNS_WHY_MAX, "cannot open /proc/self/ns/net: %s; mount /proc", strerror(errno));
	else
		snprintf(why, NETNS_WHY_MAX, "cannot enter the network namespace: %s%s", strerror(errno),
			 errno == EPERM ? "; run as root (CAP_SYS_ADMIN)" : "");
	if (before >= 0)
		close(before);
	return -1;
}

void netns_leave(int before)
{
	if (setns(before, CLONE_NEWNET)) {
		/* In a wrong namespace nothing that follows could be right. */
		perror("tapgate: cannot return to the network namespace");
		abort();
	}
	close(before);
}
