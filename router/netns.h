/* netns.h - network namespaces by name, PID or path. */
#ifndef ROUTER_NETNS_H
#define ROUTER_NETNS_H

#include <stddef.h>

enum { NETNS_WHY_MAX = 320 };

/* netns_open: a descriptor of the namespace @name (name of ip-netns(8), PID, or path). Return: the descriptor, owned by the
 * caller; -1 with one line in @why (NETNS_WHY_MAX bytes) that says what to do. */
int netns_open(const char *name, char *why);

/* netns_enter: makes @fd the process's namespace. Return: descriptor of the one before, for netns_leave; -1 with @why. */
int netns_enter(int fd, char *why);

/* netns_leave: back to the namespace @before, which is closed. */
void netns_leave(int before);

#endif
