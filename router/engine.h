/* engine.h - one whole router core without I/O: the one door from the process into the rooms.
 *
 * Overview
 *   engine_create builds netstack, conntrack, tables, nat and helpers and wires them: the static hook table, the
 *   notifiers. Frames go in with engine_input, come out through the ops; time goes in with each call.
 *   Everything pure: a test, a fuzzer or a replay uses it exactly as the process does.
 */
#ifndef ROUTER_ENGINE_H
#define ROUTER_ENGINE_H

#include "conntrack/conntrack.h"
#include "conntrack/helper.h"
#include "helpers/helpers.h"
#include "nat/nat.h"
#include "netstack/netstack.h"
#include "tables/tables.h"

struct engine {
	struct netstack *ns;
	struct conntrack *ctk;
	struct tables *tables;
	struct nat *nat;
	struct helpers *helpers;
};

struct engine_limits {
	struct netstack_limits netstack;
	struct ct_limits conntrack;
};
#define ENGINE_LIMITS_DEFAULT ((struct engine_limits){ NETSTACK_LIMITS_DEFAULT, CT_LIMITS_DEFAULT })

/* The hooks and their order: sorted by hook and priority, ends with .fn == NULL. */
extern const struct hook_slot engine_hooks[];

/* engine_create: an instance at time @now (ns). @limits NULL = defaults. Return: NULL without memory. */
struct engine *engine_create(const struct netstack_ops *ops, void *user, const struct engine_limits *limits,
			     uint64_t now);

/* engine_destroy: frees all. Return: number of leaked packets (0 in a correct program). */
uint32_t engine_destroy(struct engine *e);

/* engine_alloc: an empty packet to read a frame into: data is where the Ethernet header goes (VNET_HLEN bytes free before
 * it), up to PKT_MAX_IP + ETH_HLEN bytes fit. NULL: none free. Give it to engine_input or pkt_free. */
struct pkt *engine_alloc(struct engine *e);

/* engine_foresee: the next @count frames, of whatever ports, will be these, in about this order: what they need from far memory
 * comes while others are worked on. For speed only; each still needs its engine_input. */
void engine_foresee(struct engine *e, struct pkt *const *p, unsigned count);

/* engine_input: one frame (p->data, p->len set; gso_from_vnet done) from @port at @now; consumes @p. */
void engine_input(struct engine *e, struct port *port, struct pkt *p, uint64_t now);

/* engine_tick: runs what is due. engine_deadline: when to call it next (ns; UINT64_MAX = not before the next input). */
void engine_tick(struct engine *e, uint64_t now);
uint64_t engine_deadline(const struct engine *e);

#endif
