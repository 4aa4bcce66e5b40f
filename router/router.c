/* router.c - see router.h. */
#include "router/router.h"

#include "router/apply.h"
#include "router/control.h"
#include "router/fuse_mount.h"
#include "router/port_io.h"
#include "router/reload.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t router_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* wall_now: the wall clock, ns. */
static int64_t wall_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void router_enter(struct router *r)
{
	r->engine->ns->now = router_now();
}

/* --- the engine's ops ---------------------------------------------------------------------------------------------- */

/* engine_log: netstack_ops.log. @user: the router. */
static void engine_log(void *user, int level, const char *line)
{
	struct router *r = user;

	log_line(&r->log, level, "%s", line);
}

/* engine_random: netstack_ops.random. */
static void engine_random(void *user, void *buf, size_t len)
{
	uint8_t *at = buf;

	(void)user;
	while (len) {
		ssize_t n = getrandom(at, len, 0);

		if (n < 0 && errno != EINTR)
			abort(); /* no kernel that has TAP with vnet headers is without it */
		if (n > 0) {
			at += n;
			len -= (size_t)n;
		}
	}
}

static const struct netstack_ops engine_ops = {
	.transmit = port_io_transmit,
	.log = engine_log,
	.random = engine_random,
};

/* --- timer --------------------------------------------------------------------------------------------------------- */

void router_leave(struct router *r)
{
	uint64_t deadline = engine_deadline(r->engine), now = r->engine->ns->now, wait;
	struct timeval tv;

	/* Set for an earlier time, it fires for nothing once and is set anew then: cheaper than setting it per packet. */
	if (deadline >= r->armed)
		return;
	wait = deadline > now ? (deadline - now + 999) / 1000 : 0;
	tv.tv_sec = (time_t)(wait / 1000000);
	tv.tv_usec = (suseconds_t)(wait % 1000000);
	if (!event_add(r->timer, &tv))
		r->armed = deadline;
}

/* read_wall_clock: tells the engine what time it is outside: somebody may have set the clock. */
static void read_wall_clock(struct router *r)
{
	int64_t offset = wall_now() - (int64_t)router_now();

	r->engine->ctk->wall_offset = offset;
	r->engine->ns->wall_offset = offset;
}

/* on_deadline: libevent's callback: what is due in the engine. */
static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct router *r = arg;

	(void)fd;
	(void)what;
	r->armed = UINT64_MAX;
	read_wall_clock(r);
	engine_tick(r->engine, router_now());
	router_leave(r);
}

/* --- configuration ------------------------------------------------------------------------------------------------- */

/* load: a sound configuration from @path; @pipe: as config_load. NULL with problems. */
static struct config *load(const char *path, bool pipe, struct problems *ps)
{
	struct config *c = config_load(path, pipe, ps);

	if (c)
		apply_trial(c, ps);
	problems_sort(ps);
	if (c && !ps->count)
		return c;
	config_free(c);
	return NULL;
}

/* print_config: struct status.config: the configuration in force. */
static void print_config(void *user, struct text *out)
{
	const struct router *r = user;

	text_put(out, text_cstr(&r->config->source), r->config->source.len);
}

/* --- signals ------------------------------------------------------------------------------------------------------- */

/* on_stop: libevent's callback for SIGTERM, SIGINT. */
static void on_stop(evutil_socket_t signal, short what, void *arg)
{
	struct router *r = arg;

	(void)what;
	log_line(&r->log, LOG_NOTICE, "%s: stopping", strsignal(signal));
	log_notify("STOPPING=1");
	event_base_loopbreak(r->base);
}

/* log_lines: each line of @text. */
static void log_lines(const struct router *r, int level, const struct text *text)
{
	const char *line = text_cstr(text);

	while (*line) {
		size_t len = strcspn(line, "\n");

		log_line(&r->log, level, "%.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

/* on_reload: libevent's callback for SIGHUP. */
static void on_reload(evutil_socket_t signal, short what, void *arg)
{
	(void)signal;
	(void)what;
	reload_signal(arg);
}

/* watch_signals: Return: false without memory. */
static bool watch_signals(struct router *r)
{
	static const struct {
		int signal;
		event_callback_fn fn;
	} rows[] = { { SIGTERM, on_stop }, { SIGINT, on_stop }, { SIGHUP, on_reload } };

	signal(SIGPIPE, SIG_IGN);
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		r->signals[i] = evsignal_new(r->base, rows[i].signal, rows[i].fn, r);
		if (!r->signals[i] || event_add(r->signals[i], NULL))
			return false;
	}
	return true;
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

/* build: engine, loop, timer, for r->config not yet applied: @c. Return: false without memory. */
static bool build(struct router *r, const struct config *c)
{
	struct engine_limits limits = config_engine_limits(c);

	r->base = event_base_new();
	r->armed = UINT64_MAX;
	r->started = router_now();
	r->engine = r->base ? engine_create(&engine_ops, r, &limits, r->started) : NULL;
	if (!r->engine)
		return false;
	read_wall_clock(r);
	r->status = (struct status){ .engine = r->engine, .started = r->started, .config = print_config, .user = r };
	r->timer = evtimer_new(r->base, on_deadline, r);
	return r->timer && watch_signals(r);
}

/* start: everything up to `ready`. @c: sound; becomes r->config. Return: 0, or -1 (said). */
static int start(struct router *r, struct config *c)
{
	struct problems ps = { 0 };
	char why[CONTROL_WHY_MAX];

	if (!build(r, c)) {
		log_line(&r->log, LOG_ERROR, "out of memory");
		config_free(c);
		return -1;
	}
	r->control = control_start(r, c->socket, why);
	if (!r->control) {
		log_line(&r->log, LOG_ERROR, "%s", why);
		config_free(c);
		return -1;
	}
	router_enter(r);
	if (apply_swap(r, c, &ps)) {
		log_lines(r, LOG_ERROR, &ps.text);
		problems_free(&ps);
		config_free(c);
		return -1;
	}
	config_applied(c);
	r->config = c;
	config_lint(c, &ps);
	log_lines(r, LOG_WARN, &ps.text);
	problems_free(&ps);
	if (strcmp(c->proc_mount, "none"))
		r->mount = fuse_mount_start(r, c->proc_mount);
	rates_start(&r->rates, r->engine->ns);
	router_leave(r);
	return 0;
}

/* stop: takes everything down. Return: packets that leaked. */
static uint32_t stop(struct router *r)
{
	uint32_t leaked = 0;

	fuse_mount_stop(r->mount);
	reload_stop(r->reload);
	control_stop(r->control);
	for (unsigned i = 0; i < ROUTER_SIGNALS; i++)
		if (r->signals[i])
			event_free(r->signals[i]);
	if (r->timer)
		event_free(r->timer);
	if (r->engine) {
		port_io_close_all(r);
		leaked = engine_destroy(r->engine);
	}
	if (r->base)
		event_base_free(r->base);
	config_free(r->config);
	return leaked;
}

int router_run(const char *path)
{
	struct router r = { .exit_code = 1 };
	struct problems ps = { 0 };
	struct config *c = load(path, true, &ps);
	uint32_t leaked;

	if (!c) {
		fputs(text_cstr(&ps.text), stderr);
		problems_free(&ps);
		return 1;
	}
	log_open(&r.log, c->log);
	if (!start(&r, c)) {
		log_line(&r.log, LOG_NOTICE, "ready");
		log_notify("READY=1");
		r.exit_code = event_base_dispatch(r.base) < 0 ? 1 : 0;
	}
	leaked = stop(&r);
	if (leaked)
		log_line(&r.log, LOG_ERROR, "%u packet(s) were not given back: this is a bug of Tapgate", leaked);
#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
	if (leaked)
		r.exit_code = 1;
#endif
	log_close(&r.log);
	return r.exit_code;
}
