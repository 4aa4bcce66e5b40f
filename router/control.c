/* control.c - see control.h. */
#include "router/control.h"

#include "router/command.h"
#include "router/request.h"
#include "router/router.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* A command makes no more output while the socket holds so much. Bytes. */
enum { BACKLOG = 256 << 10 };

struct connection {
	struct control *control;
	struct connection *next;
	struct bufferevent *bev;
	struct event *again; /* goes on with a step that made no output */
	struct request rq;
	struct text input;
	size_t arg_bytes;
	bool running; /* GO was received */
	bool ended;   /* EXIT was queued: close when written */
};

struct control {
	struct router *router;
	struct evconnlistener *listener;
	struct connection *connections;
	unsigned count;
	char path[sizeof((struct sockaddr_un *)0)->sun_path];
};

/* --- one connection ------------------------------------------------------------------------------------------------ */

/* connection_free: ends it; the command's state goes with it. */
static void connection_free(struct connection *c)
{
	for (struct connection **at = &c->control->connections; *at; at = &(*at)->next)
		if (*at == c) {
			*at = c->next;
			break;
		}
	c->control->count--;
	if (c->rq.done)
		c->rq.done(&c->rq);
	for (int i = 0; i < c->rq.argc; i++)
		free(c->rq.argv[i]);
	free(c->rq.argv);
	text_free(&c->rq.out);
	text_free(&c->rq.err);
	text_free(&c->input);
	if (c->again)
		event_free(c->again);
	bufferevent_free(c->bev);
	free(c);
}

/* queue: sends @len bytes as records of @type. */
static void queue(struct connection *c, enum control_record type, const char *bytes, size_t len)
{
	while (len) {
		uint8_t header[CONTROL_HEADER];
		size_t n = len < CONTROL_RECORD_MAX ? len : CONTROL_RECORD_MAX;

		control_header(header, type, (uint32_t)n);
		bufferevent_write(c->bev, header, sizeof header);
		bufferevent_write(c->bev, bytes, n);
		bytes += n;
		len -= n;
	}
}

/* queue_output: sends what the command has printed and empties it. */
static void queue_output(struct connection *c)
{
	static const char full[] = "tapgate: out of memory for the answer\n";

	if (c->rq.out.failed || c->rq.err.failed) {
		c->rq.code = 1;
		queue(c, CONTROL_ERR, full, sizeof full - 1);
		c->rq.step = NULL;
	}
	queue(c, CONTROL_OUT, text_cstr(&c->rq.out), c->rq.out.len);
	queue(c, CONTROL_ERR, text_cstr(&c->rq.err), c->rq.err.len);
	text_free(&c->rq.out);
	text_free(&c->rq.err);
}

/* end: sends the exit status; the connection closes when it is written. */
static void end(struct connection *c)
{
	char code = (char)c->rq.code;

	queue(c, CONTROL_EXIT, &code, 1);
	c->ended = true;
}

bool request_enough(const struct request *rq)
{
	return rq->out.len + rq->err.len >= REQUEST_PIECE ||
	       background_enough(&rq->router->background, router_now());
}

/* step: one slice of the command, and what it printed into the socket's buffer. */
static void step(struct connection *c)
{
	struct request *rq = &c->rq;
	struct background *b = &rq->router->background;

	router_enter(rq->router);
	background_begin(b, rq->router->engine->ns->now);
	if (!rq->step(rq))
		rq->step = NULL;
	queue_output(c);
	background_end(b, router_now());
	router_leave(rq->router);
}

/* go_on: the next step of the command, if its client keeps up and packets leave the time; else at a later turn of the loop. */
static void go_on(struct connection *c)
{
	struct request *rq = &c->rq;
	uint64_t wait = rq->step ? background_wait(&rq->router->background, router_now()) : 0;
	struct timeval later = { 0, (suseconds_t)((wait + 999) / 1000) };

	if (c->ended || rq->asleep || (!rq->eager && evbuffer_get_length(bufferevent_get_output(c->bev)) >= BACKLOG))
		return; /* on_written comes back when there is room */
	if (wait) {
		event_add(c->again, &later);
		return;
	}
	if (rq->step)
		step(c);
	else
		queue_output(c);
	later.tv_usec = 0;
	if (!rq->step)
		end(c);
	else if (!rq->asleep)
		event_add(c->again, &later); /* packets first, then the next step */
}

/* wake: request.wake: goes on with a command that waited for something. */
static void wake(struct request *rq)
{
	struct connection *c = (struct connection *)((char *)rq - offsetof(struct connection, rq));
	const struct timeval at_once = { 0, 0 };

	event_add(c->again, &at_once);
}

/* on_again: libevent's callback. */
static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	go_on(arg);
}

/* run: all of the request is here. */
static void run(struct connection *c)
{
	static char none[1];
	struct request *rq = &c->rq;
	const struct command *command = rq->argc ? command_find(rq->argv[0]) : NULL;

	c->running = true;
	/* From here on it may take its time: the answer of a command in a pager waits, as the tool's own does. */
	bufferevent_set_timeouts(c->bev, NULL, NULL);
	rq->input = c->input.len ? c->input.data : none;
	rq->input_len = c->input.len;
	if (!command || !command->live) {
		rq->code = request_fail(rq, 2, "not a command that a running router carries out");
	} else {
		router_enter(rq->router);
		rq->code = command->live(rq);
		router_leave(rq->router);
	}
	go_on(c);
}

/* add_argument: one ARG record. Return: false where it is too much. */
static bool add_argument(struct connection *c, const char *bytes, size_t len)
{
	struct request *rq = &c->rq;
	char *arg;

	c->arg_bytes += len + 1;
	if (rq->argc >= CONTROL_ARGS_MAX || c->arg_bytes > CONTROL_ARG_BYTES_MAX || memchr(bytes, 0, len))
		return false;
	if (!rq->argv)
		rq->argv = calloc(CONTROL_ARGS_MAX + 1, sizeof *rq->argv);
	arg = rq->argv ? malloc(len + 1) : NULL;
	if (!arg)
		return false;
	memcpy(arg, bytes, len);
	arg[len] = 0;
	rq->argv[rq->argc++] = arg;
	return true;
}

/* take_record: one whole record from the peer. Return: false = not one of ours: close. */
static bool take_record(struct connection *c, uint8_t type, const char *bytes, size_t len)
{
	if (c->running)
		return false;
	switch (type) {
	case CONTROL_ARG:
		return add_argument(c, bytes, len);
	case CONTROL_INPUT:
		text_put(&c->input, bytes, len);
		return !c->input.failed && c->input.len <= CONTROL_INPUT_MAX;
	case CONTROL_GO:
		run(c);
		return true;
	default:
		return false;
	}
}

/* on_data: libevent's callback: takes whole records. */
static void on_data(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	static const char none[1];

	while (!c->running && evbuffer_get_length(in) >= CONTROL_HEADER) {
		uint8_t header[CONTROL_HEADER];
		const char *bytes = none;
		uint32_t len;
		bool good;

		evbuffer_copyout(in, header, sizeof header);
		len = control_length(header);
		if (len > CONTROL_RECORD_MAX) {
			connection_free(c);
			return;
		}
		if (evbuffer_get_length(in) < CONTROL_HEADER + len)
			return;
		evbuffer_drain(in, sizeof header);
		if (len)
			bytes = (const char *)evbuffer_pullup(in, len);
		good = bytes && take_record(c, header[0], bytes, len);
		if (!good) {
			connection_free(c);
			return;
		}
		evbuffer_drain(in, len);
	}
	if (c->running) /* nothing more is expected */
		evbuffer_drain(in, evbuffer_get_length(in));
}

/* on_written: libevent's callback: the output fell below the low-water mark. */
static void on_written(struct bufferevent *bev, void *arg)
{
	struct connection *c = arg;

	if (c->ended && !evbuffer_get_length(bufferevent_get_output(bev)))
		connection_free(c);
	else if (c->running && !c->ended)
		go_on(c);
}

/* interrupt: the client closed its side and waits for the last words of a command that would not end by itself. */
static void interrupt(struct connection *c)
{
	router_enter(c->rq.router);
	c->rq.interrupt(&c->rq);
	c->rq.step = NULL;
	router_leave(c->rq.router);
	queue_output(c);
	end(c);
}

/* on_event: libevent's callback: the peer closed, an error, or a request that did not become whole in time. */
static void on_event(struct bufferevent *bev, short what, void *arg)
{
	struct connection *c = arg;

	(void)bev;
	if (what & BEV_EVENT_EOF && c->running && !c->ended && c->rq.interrupt)
		interrupt(c);
	else
		connection_free(c);
}

/* --- the socket ---------------------------------------------------------------------------------------------------- */

/* on_accept: libevent's callback: a new connection. */
static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct control *control = arg;
	struct connection *c = control->count < CONTROL_CONNECTIONS_MAX ? calloc(1, sizeof *c) : NULL;
	struct ucred peer;
	const struct timeval idle = { CONTROL_IDLE_SECONDS, 0 };

	(void)listener;
	(void)sa;
	(void)len;
	if (!c) {
		close(fd);
		return;
	}
	c->control = control;
	c->rq.router = control->router;
	if (!getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &(socklen_t){ sizeof peer }))
		c->rq.portid = (uint32_t)peer.pid;
	c->rq.wake = wake;
	c->bev = bufferevent_socket_new(control->router->base, fd, BEV_OPT_CLOSE_ON_FREE);
	c->again = c->bev ? event_new(control->router->base, -1, 0, on_again, c) : NULL;
	if (!c->again) {
		if (c->bev)
			bufferevent_free(c->bev);
		else
			close(fd);
		free(c);
		return;
	}
	c->next = control->connections;
	control->connections = c;
	control->count++;
	bufferevent_setcb(c->bev, on_data, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, 4 * CONTROL_RECORD_MAX);
	bufferevent_set_timeouts(c->bev, &idle, &idle);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
}

/* make_folder: the folders above @path that are missing, mode 0755. */
static void make_folder(const char *path)
{
	char part[sizeof((struct sockaddr_un *)0)->sun_path];

	snprintf(part, sizeof part, "%s", path);
	for (char *c = part + 1; (c = strchr(c, '/')); c++) {
		*c = 0;
		mkdir(part, 0755);
		*c = '/';
	}
}

/* clear_place: removes a socket that nobody answers on. Return: 0, or -1 with @why. */
static int clear_place(const struct sockaddr_un *sa, char *why)
{
	struct stat st;
	int fd, error;

	if (lstat(sa->sun_path, &st))
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, CONTROL_WHY_MAX, "%s exists and is not a socket: remove it, or set router.socket", sa->sun_path);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	error = fd < 0 || connect(fd, (const struct sockaddr *)sa, sizeof *sa) ? errno : 0;
	if (fd >= 0)
		close(fd);
	if (!error || error == EAGAIN) {
		snprintf(why, CONTROL_WHY_MAX, "a router already runs on %s: stop it, or set router.socket", sa->sun_path);
		return -1;
	}
	unlink(sa->sun_path);
	return 0;
}

/* listen_at: a listening socket with mode 0600. Return: descriptor, or -1 with @why. */
static int listen_at(const struct sockaddr_un *sa, char *why)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), failed;
	mode_t mask = umask(0177);

	failed = fd < 0 || bind(fd, (const struct sockaddr *)sa, sizeof *sa) || listen(fd, 16);
	umask(mask);
	if (!failed)
		return fd;
	snprintf(why, CONTROL_WHY_MAX, "cannot listen on %s: %s; set router.socket to a place that can be written",
		 sa->sun_path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

struct control *control_start(struct router *r, const char *path, char *why)
{
	struct control *c = calloc(1, sizeof *c);
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd;

	if (!c || strlen(path) >= sizeof sa.sun_path) {
		snprintf(why, CONTROL_WHY_MAX, "%s", c ? "the path of the socket is too long" : "out of memory");
		free(c);
		return NULL;
	}
	strcpy(sa.sun_path, path);
	make_folder(path);
	fd = clear_place(&sa, why) ? -1 : listen_at(&sa, why);
	if (fd < 0) {
		free(c);
		return NULL;
	}
	strcpy(c->path, path);
	c->router = r;
	c->listener = evconnlistener_new(r->base, on_accept, c, LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (c->listener)
		return c;
	snprintf(why, CONTROL_WHY_MAX, "out of memory for the control socket");
	close(fd);
	unlink(path);
	free(c);
	return NULL;
}

void control_stop(struct control *c)
{
	if (!c)
		return;
	while (c->connections)
		connection_free(c->connections);
	evconnlistener_free(c->listener);
	unlink(c->path);
	free(c);
}
