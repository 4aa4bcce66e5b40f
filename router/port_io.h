/* port_io.h - the fast path: frames between a TAP and the engine.
 *
 * Overview
 *   A readable TAP is read until it is empty or PORT_IO_BUDGET frames were taken, with one look at the clock for all of them.
 *   Small frames go into the engine in batches: see engine_foresee. What the engine sends leaves through
 *   port_io_transmit: the vnet header goes into the free bytes before the frame and both leave with one write. No
 *   other system call is made per packet.
 *
 * Ownership
 *   A port_io belongs to the router; port->user of its port points to it.
 */
#ifndef ROUTER_PORT_IO_H
#define ROUTER_PORT_IO_H

#include "router/config.h"
#include "router/router.h"
#include "router/tap.h"

enum {
	PORT_IO_BUDGET = 64,
	PORT_IO_BATCH = 16,       /* small frames taken before the first is worked on, so that what they look up comes together */
	PORT_IO_LONG = 4096,      /* bytes; behind a longer one none is taken: it would leave the cache before it is written */
};

struct port_io {
	struct router *router;
	struct port *port;
	struct event *event;
	struct tap tap;
	bool dead; /* the device went away; said once */
};

/* port_io_create: makes the port @i of the engine, for the open device @tap, and watches it. Return: NULL without memory or
 * where the engine has no room (the caller keeps the device). */
struct port_io *port_io_create(struct router *r, const struct config_interface *i, const struct tap *tap);

/* port_io_destroy: takes the port out of the engine and removes the device. */
void port_io_destroy(struct port_io *io);

/* port_io_close_all: the devices and events of all ports, at the end; the ports themselves go with the engine. */
void port_io_close_all(struct router *r);

/* port_io_transmit: netstack_ops.transmit; @user: the router. */
int port_io_transmit(void *user, struct port *port, struct pkt *p);

#endif
