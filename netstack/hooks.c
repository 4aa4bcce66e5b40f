/* hooks.c - the hook walker: the one place that frees a packet because of a verdict. */
#include "netstack/hooks.h"

#include "netstack/netstack.h"

static const char *const names[HOOK_COUNT] = {
#define X(id) [HOOK_##id] = #id,
	HOOKS(X)
#undef X
};

const char *hook_name(enum hook hook)
{
	return names[hook];
}

enum verdict hooks_run(struct netstack *ns, enum hook hook, struct pkt *p, struct port *in, struct port *out)
{
	const struct hook_state st = { .hook = hook, .in = in, .out = out, .ns = ns };
	const struct hook_slot *end = ns->hook_begin[hook + 1];

	for (const struct hook_slot *slot = ns->hook_begin[hook]; slot < end; slot++) {
		enum verdict v = slot->fn(ns->room[slot->room], p, &st);

		if (v == VERDICT_ACCEPT)
			continue;
		if (v == VERDICT_DROP)
			netstack_drop(ns, p, p->drop);
		return v;
	}
	return VERDICT_ACCEPT;
}
