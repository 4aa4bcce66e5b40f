/* engine.c - builds one router core and wires the rooms.
 *
 * Overview
 *   engine_hooks is the order of everything that happens at the five hooks: one constant table. The rooms do not know
 *   each other upwards; what a lower room must tell a higher one goes through the notifiers set here.
 *
 * Linux parity: hook priorities as in include/uapi/linux/netfilter_ipv4.h; defragmentation and connection tracking are
 * always on (deliberate difference, see docs/semantics.md).
 */
#include "router/engine.h"

#include "netstack/defrag.h"
#include "tables/synproxy.h"

#include <stdlib.h>

const struct hook_slot engine_hooks[] = {
	{ HOOK_PREROUTING, ROOM_NETSTACK, PRI_DEFRAG, "defragment", defrag_hook },
	{ HOOK_PREROUTING, ROOM_TABLES, PRI_RAW, "raw", tables_raw },
	{ HOOK_PREROUTING, ROOM_CONNTRACK, PRI_CONNTRACK, "conntrack", conntrack_in },
	{ HOOK_PREROUTING, ROOM_TABLES, PRI_MANGLE, "mangle", tables_mangle },
	{ HOOK_PREROUTING, ROOM_NAT, PRI_NAT_DST, "nat (destination)", nat_prerouting },

	{ HOOK_INPUT, ROOM_TABLES, PRI_MANGLE, "mangle", tables_mangle },
	{ HOOK_INPUT, ROOM_TABLES, PRI_FILTER, "filter", tables_filter },
	{ HOOK_INPUT, ROOM_TABLES, PRI_SECURITY, "security", tables_security },
	{ HOOK_INPUT, ROOM_NAT, PRI_NAT_SRC, "nat (source)", nat_input },
	{ HOOK_INPUT, ROOM_CONNTRACK, PRI_CONFIRM, "helper, confirm", conntrack_confirm },

	{ HOOK_FORWARD, ROOM_TABLES, PRI_MANGLE, "mangle", tables_mangle },
	{ HOOK_FORWARD, ROOM_TABLES, PRI_FILTER, "filter", tables_filter },
	{ HOOK_FORWARD, ROOM_TABLES, PRI_SECURITY, "security", tables_security },

	{ HOOK_OUTPUT, ROOM_NETSTACK, PRI_DEFRAG, "defragment", defrag_hook },
	{ HOOK_OUTPUT, ROOM_TABLES, PRI_RAW, "raw", tables_raw },
	{ HOOK_OUTPUT, ROOM_CONNTRACK, PRI_CONNTRACK, "conntrack", conntrack_in },
	{ HOOK_OUTPUT, ROOM_TABLES, PRI_MANGLE, "mangle", tables_mangle },
	{ HOOK_OUTPUT, ROOM_NAT, PRI_NAT_DST, "nat (destination)", nat_output },
	{ HOOK_OUTPUT, ROOM_TABLES, PRI_FILTER, "filter", tables_filter },
	{ HOOK_OUTPUT, ROOM_TABLES, PRI_SECURITY, "security", tables_security },

	{ HOOK_POSTROUTING, ROOM_TABLES, PRI_MANGLE, "mangle", tables_mangle },
	{ HOOK_POSTROUTING, ROOM_NAT, PRI_NAT_SRC, "nat (source)", nat_postrouting },
	{ HOOK_POSTROUTING, ROOM_CONNTRACK, PRI_CONFIRM, "helper, confirm", conntrack_confirm },
	{ .fn = NULL },
};

/* on_port_down, on_addr_gone, on_ct_attach, on_ct_hold: netstack's notifiers. @ctx: the engine. */
static void on_port_down(void *ctx, struct port *port)
{
	struct engine *e = ctx;

	nat_port_down(e->nat, port);
}

static void on_addr_gone(void *ctx, struct port *port, uint32_t be)
{
	struct engine *e = ctx;

	nat_addr_gone(e->nat, port, be);
}

static void on_ct_attach(void *ctx, struct pkt *made, const struct pkt *offender)
{
	struct engine *e = ctx;

	conntrack_attach(e->ctk, made, offender);
}

static void on_ct_hold(void *ctx, struct ct_entry *ct)
{
	(void)ctx;
	ct_hold(ct);
}

/* wire: rooms to hooks, notifiers to rooms. All rooms exist. */
static void wire(struct engine *e)
{
	e->ns->room[ROOM_NETSTACK] = e->ns;
	e->ns->room[ROOM_CONNTRACK] = e->ctk;
	e->ns->room[ROOM_TABLES] = e->tables;
	e->ns->room[ROOM_NAT] = e->nat;
	e->ns->room[ROOM_HELPERS] = e->helpers;
	e->tables->nat = e->nat;
	e->ctk->notify.tables = e->tables;
	e->ctk->notify.synproxy = synproxy_follow;
	e->ns->notify = (struct netstack_notify){
		.ctx = e,
		.port_down = on_port_down,
		.addr_gone = on_addr_gone,
		.ct_attach = on_ct_attach,
		.ct_hold = on_ct_hold,
	};
}

struct engine *engine_create(const struct netstack_ops *ops, void *user, const struct engine_limits *limits,
			     uint64_t now)
{
	const struct engine_limits standard = ENGINE_LIMITS_DEFAULT;
	struct engine *e = calloc(1, sizeof *e);

	if (!e)
		return NULL;
	if (!limits)
		limits = &standard;
	e->ns = netstack_create(ops, user, engine_hooks, &limits->netstack);
	if (e->ns) {
		e->ns->now = now;
		e->ctk = conntrack_create(e->ns, &limits->conntrack);
	}
	if (e->ctk)
		e->tables = tables_create(e->ns, e->ctk);
	if (e->tables)
		e->nat = nat_create(e->ns, e->ctk, e->tables);
	if (e->nat)
		e->helpers = helpers_create(e->ns, e->ctk, e->nat);
	if (!e->helpers) {
		engine_destroy(e);
		return NULL;
	}
	wire(e);
	return e;
}

uint32_t engine_destroy(struct engine *e)
{
	uint32_t leaked = 0;

	if (!e)
		return 0;
	/* Packets that wait hold connections, connections hold bindings: in this order everything finds its owner. */
	if (e->ns)
		netstack_flush(e->ns);
	if (e->tables)
		tables_destroy(e->tables);
	if (e->ctk)
		conntrack_destroy(e->ctk);
	if (e->helpers)
		helpers_destroy(e->helpers);
	if (e->nat)
		nat_destroy(e->nat);
	if (e->ns)
		leaked = netstack_destroy(e->ns);
	free(e);
	return leaked;
}

struct pkt *engine_alloc(struct engine *e)
{
	struct pkt *p = pkt_alloc(e->ns->pool, PKT_LARGE);

	if (p)
		p->data -= ETH_HLEN;
	return p;
}

void engine_foresee(struct engine *e, struct pkt *const *p, unsigned count)
{
	conntrack_foresee(e->ctk, p, count);
}

void engine_input(struct engine *e, struct port *port, struct pkt *p, uint64_t now)
{
	e->ns->now = now;
	netstack_input(e->ns, port, p);
}

void engine_tick(struct engine *e, uint64_t now)
{
	e->ns->now = now;
	netstack_tick(e->ns);
	conntrack_tick(e->ctk);
}

uint64_t engine_deadline(const struct engine *e)
{
	uint64_t a = netstack_deadline(e->ns), b = conntrack_deadline(e->ctk);

	return a < b ? a : b;
}
