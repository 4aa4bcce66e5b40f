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

/* receive: reads one frame into @p. @now: 0 before the first frame of the turn. Return: @p; NULL where there is none for the
 * engine: consumes @p then. *more: set to false when the device is empty or gone. */
static struct pkt *receive(struct port_io *io, struct pkt *p, uint64_t *now, bool *more)
{
	struct vnet_hdr vh;
	ssize_t n = read(io->tap.fd, p->data - VNET_HLEN, FRAME_MAX + VNET_HLEN);

	if (n < 0) {
		if (errno != EAGAIN && errno != EINTR)
			lost(io, errno);
		pkt_free(p);
		*more = false;
		return NULL;
	}
	if (!*now)
		*now = router_now();
	if (n < VNET_HLEN) {
		refuse(io, p, DROP_ETH_SHORT);
		return NULL;
	}
	memcpy(&vh, p->data - VNET_HLEN, VNET_HLEN);
	p->len = (uint32_t)n - VNET_HLEN;
	if (gso_from_vnet(p, &vh)) {
		refuse(io, p, DROP_RX_BAD_OFFLOAD);
		return NULL;
	}
	return p;
}

/* gather: takes frames from the device, at most @max, none behind a long one, none for which there is no packet. *left: how many
 * may still be taken in this turn. *more: set to false when the turn is over. Return: how many there are in @batch. */
static unsigned gather(struct port_io *io, struct pkt **batch, unsigned *left, uint64_t *now, bool *more)
{
	unsigned count = 0;

	while (*more && *left && count < PORT_IO_BATCH && !(count && batch[count - 1]->len > PORT_IO_LONG)) {
		struct pkt *p = engine_alloc(io->router->engine);

		if (!p) {
			if (!count) {
				discard(io);
				*more = false;
			}
			break; /* when those at hand are done there are packets again */
		}
		batch[count] = receive(io, p, now, more);
		count += batch[count] != NULL;
		*left -= *more;
	}
	return count;
}

/* on_readable: libevent's callback: one turn. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct port_io *io = arg;
	struct engine *e = io->router->engine;
	unsigned left = PORT_IO_BUDGET;
	uint64_t now = 0;
	bool more = true;

	(void)fd;
	(void)what;
	while (more && left) {
		struct pkt *batch[PORT_IO_BATCH];
		unsigned count = gather(io, batch, &left, &now, &more);

		if (count > 1)
			engine_foresee(e, batch, count);
		for (unsigned i = 0; i < count; i++)
			engine_input(e, io->port, batch[i], now);
	}
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
