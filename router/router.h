/* router.h - the router process: one engine, and everything that connects it to the world.
 *
 * Overview
 *   `tapgate run` builds one struct router: configuration, engine, TAPs, timer, control socket, mount. All of it runs in
 *   one thread on one event loop. Who works on the engine other than through a received frame (a command, a write
 *   through the mount, a reload) does so between router_enter and router_leave.
 *
 * Life-cycle
 *   router_create -> router_run (ready, loop, SIGTERM) -> router_destroy
 */
#ifndef ROUTER_ROUTER_H
#define ROUTER_ROUTER_H

#include "router/background.h"
#include "router/engine.h"
#include "router/log.h"
#include "router/rates.h"
#include "router/status.h"

struct config;
struct conntrack_listener;
struct control;
struct event;
struct event_base;
struct fuse_mount;
struct nfacct_run;
struct reload;
struct request;

enum { ROUTER_SIGNALS = 4 };

struct router {
	struct engine *engine;
	struct event_base *base;
	struct config *config;  /* in force */
	struct control *control; /* the socket commands come through */
	struct status status;   /* the status tree */
	struct fuse_mount *mount; /* the tree's mount; NULL: not mounted */
	struct rates rates;     /* figures of the last seconds, for `status` */
	struct background background; /* what dumps and listings may take of the time */
	struct reload *reload; /* the reload that runs, and who waits for one; NULL: there was none yet */
	struct log log;
	struct event *timer;    /* fires at the engine's deadline */
	uint64_t armed;         /* deadline for which the timer is set, ns; UINT64_MAX = not set */
	struct event *signals[ROUTER_SIGNALS];
	const struct request *acting; /* the conntrack command that is being carried out; NULL: none */
	struct conntrack_listener *listeners; /* running `conntrack -E` */
	struct nfacct_run *nfacct_monitors;   /* running `nfacct monitor` */
	uint64_t started;       /* monotonic ns */
	int exit_code;
};

/* router_now: the monotonic clock, ns: the engine's time. */
uint64_t router_now(void);

/* router_enter: sets the engine's time before work on it. router_leave: sets the timer anew if its deadline moved. */
void router_enter(struct router *r);
void router_leave(struct router *r);

/* router_run: the whole life of `tapgate run` with the configuration file @path; logs to stderr.
 * Return: the process's exit status. */
int router_run(const char *path);

#endif
