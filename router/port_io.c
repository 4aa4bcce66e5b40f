/* port_io.c - see port_io.h. */
#include "router/port_io.h"

#include "netstack/gso.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A frame of the longest IP packet does not fit more than this. */
enum { FRAME_MAX = PKT_MAX_IP + ETH_HLEN };

/* lost: the device is gone (its namespace was deleted): the port goes down, the router lives on. */
static void lost(struct port_io *io, int error)
{
	if (io->dead)
		return;
	io->dead = true;
	log_line(&io->router->log, LOG_ERROR,
		 "interface %s: its device is gone (%s): the port is down; `tapgate reload` makes it anew",
		 io->port->name, strerror(error));
	if (io->event)
		event_del(io->event);
	router_enter(io->router);
	port_set_up(io->router->engine->ns, io->port, false);
}

int port_io_transmit(void *user, struct port *port, struct pkt *p)
{
	struct port_io *io = port->user;
	struct vnet_hdr vh;
	ssize_t done;

	(void)user;
	if (!io || io->dead)
		return -ENODEV;
	gso_to_vnet(p, &vh);
	memcpy(p->data - VNET_HLEN, &vh, VNET_HLEN);
	done = write(io->tap.fd, p->data - VNET_HLEN, p->len + VNET_HLEN);
	return done >= 0 ? 0 : errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

/* discard: takes one frame out of the device where there is no packet to take it into. */
static void discard(struct port_io *io)
{
	struct netstack *ns = io->router->engine->ns;
	char byte[VNET_HLEN];

	if (read(io->tap.fd, byte, sizeof byte) < 0)
		return;
	io->port->stats.rx_dropped++;
	ns->balance.rx++;
	ns->balance.drops[DROP_RX_NO_BUFFER]++;
}

/* refuse: a frame that does not reach the engine, counted by name; consumes @p. */
static void refuse(struct port_io *io, struct pkt *p, enum drop_reason reason)
{
	io->port->stats.rx_errors++;
	io->router->engine->ns->balance.rx++;
	netstack_drop(io->router->engine->ns, p, reason);
}

/* receive: one frame into the engine. @now: 0 before the first frame of the batch. Return: false when the device is empty
 * or gone. */
static bool receive(struct port_io *io, uint64_t *now)
{
	struct engine *e = io->router->engine;
	struct pkt *p = engine_alloc(e);
	struct vnet_hdr vh;
	ssize_t n;

	if (!p) {
		discard(io);
		return false;
	}
	n = read(io->tap.fd, p->data - VNET_HLEN, FRAME_MAX + VNET_HLEN);
	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			lost(io, errno);
		pkt_free(p);
		return false;
	}
	if (!*now)
		*now = router_now();
	if (n < VNET_HLEN) {
		refuse(io, p, DROP_ETH_SHORT);
		return true;
	}
	memcpy(&vh, p->data - VNET_HLEN, VNET_HLEN);
	p->len = (uint32_t)n - VNET_HLEN;
	if (gso_from_vnet(p, &vh)) {
		refuse(io, p, DROP_RX_BAD_OFFLOAD);
		return true;
	}
	engine_input(e, io->port, p, *now);
	return true;
}

/* on_readable: libevent's callback: one batch. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct port_io *io = arg;
	uint64_t now = 0;

	(void)fd;
	(void)what;
	for (unsigned n = 0; n < PORT_IO_BUDGET && receive(io, &now); n++)
		;
	if (now) {
		rates_note(&io->router->rates, io->router->engine->ns, now);
		if (background_watches(&io->router->background, now))
			background_packets(&io->router->background, router_now() - now);
		router_leave(io->router);
	}
}

struct port_io *port_io_create(struct router *r, const struct config_interface *i, const struct tap *tap)
{
	struct port_io *io = calloc(1, sizeof *io);

	if (!io)
		return NULL;
	*io = (struct port_io){ .router = r, .tap = *tap };
	io->port = port_add(r->engine->ns, i->name, i->mac, i->mtu);
	if (io->port)
		io->event = event_new(r->base, tap->fd, EV_READ | EV_PERSIST, on_readable, io);
	if (!io->event || event_add(io->event, NULL)) {
		if (io->event)
			event_free(io->event);
		if (io->port)
			port_remove(r->engine->ns, io->port);
		free(io);
		return NULL;
	}
	io->port->user = io;
	io->port->offloads = tap->offloads;
	return io;
}

/* release: event and device. */
static void release(struct port_io *io)
{
	if (io->event)
		event_free(io->event);
	close(io->tap.fd);
	free(io);
}

void port_io_destroy(struct port_io *io)
{
	port_remove(io->router->engine->ns, io->port);
	release(io);
}

void port_io_close_all(struct router *r)
{
	for (unsigned i = 0; i < PORTS_MAX; i++) {
		struct port *port = r->engine->ns->port[i];

		if (port && port->user) {
			release(port->user);
			port->user = NULL;
		}
	}
}
