/* hooks.h - the five hooks and the walker.
 *
 * The order of everything that happens at a hook is one constant table of hook_slot rows (router/engine.c), sorted by
 * hook and priority; `tapgate help hooks` and docs/packet-path.md print it. The walker alone frees on DROP.
 */
#ifndef NETSTACK_HOOKS_H
#define NETSTACK_HOOKS_H

#include "netstack/pkt.h"

struct netstack;

#define HOOKS(X) \
	X(PREROUTING) \
	X(INPUT) \
	X(FORWARD) \
	X(OUTPUT) \
	X(POSTROUTING)

enum hook {
#define X(id) HOOK_##id,
	HOOKS(X)
#undef X
	HOOK_COUNT
};

/* hook_name: "PREROUTING" ... */
const char *hook_name(enum hook hook);

/* Priorities, ascending order of execution (linux/netfilter_ipv4.h). */
enum hook_priority {
	PRI_DEFRAG = -400,
	PRI_RAW = -300,
	PRI_CONNTRACK = -200,
	PRI_MANGLE = -150,
	PRI_NAT_DST = -100,
	PRI_FILTER = 0,
	PRI_SECURITY = 50,
	PRI_NAT_SRC = 100,
	PRI_CONFIRM = INT32_MAX,
};

enum verdict {
	VERDICT_DROP,   /* walker frees; pkt.drop says why */
	VERDICT_ACCEPT, /* go on with the next function */
	VERDICT_STOLEN, /* the function owns the packet now */
};

/* What a hook function knows of its place. in is NULL at OUTPUT and for locally made packets at POSTROUTING; out is
 * NULL at PREROUTING and INPUT. */
struct hook_state {
	enum hook hook;
	struct port *in, *out;
	struct netstack *ns;
};

/* @room: the instance that the slot's room index stands for. */
typedef enum verdict hook_fn(void *room, struct pkt *p, const struct hook_state *st);

/* Which instance a hook function gets as its first argument. */
enum hook_room { ROOM_NETSTACK, ROOM_CONNTRACK, ROOM_TABLES, ROOM_NAT, ROOM_HELPERS, ROOM_COUNT };

struct hook_slot {
	uint8_t hook;
	uint8_t room;
	int32_t priority;
	const char *name; /* for the diagram: "conntrack", "mangle", "nat dst" ... */
	hook_fn *fn;
};

/* hooks_run: walks the functions of @hook. @in and @out as in hook_state.
 * Return: VERDICT_ACCEPT: caller still owns @p. DROP, STOLEN: it is gone (freed and counted by its reason, or taken). */
enum verdict hooks_run(struct netstack *ns, enum hook hook, struct pkt *p, struct port *in, struct port *out);

#endif
