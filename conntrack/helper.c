/* helper.c - the registry of helpers and how connections get one.
 *
 * A connection gets a helper from its expectation, from a template (-j CT --helper), or by its destination port where
 * [helper NAME] asks for it. The port is looked up in the reply tuple, so after DNAT the real one counts, and NAT's
 * change of the reply tuple repeats the assignment.
 *
 * Linux parity: nf_conntrack_helper.c, with the automatic assignment that Linux had until 6.0.
 */
#include "conntrack/conntrack_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

enum { HELPERS_MAX = 32, HELPER_PORTS_MAX = 64 };

/* One automatic assignment. */
struct ct_helper_port {
	const struct ct_helper *helper;
	uint16_t port; /* network order */
};

void ct_helpers_destroy(struct conntrack *ctk)
{
	free(ctk->helpers);
	free(ctk->helper_ports);
	ctk->helpers = NULL;
	ctk->helper_ports = NULL;
	ctk->helper_count = ctk->helper_port_count = 0;
}

int ct_helper_register(struct conntrack *ctk, const struct ct_helper *h, void *instance)
{
	if (ct_helper_find(ctk, h->name, h->family, h->proto))
		return -EEXIST;
	if (!ctk->helpers)
		ctk->helpers = calloc(HELPERS_MAX, sizeof *ctk->helpers);
	if (!ctk->helpers || ctk->helper_count == HELPERS_MAX)
		return -ENOSPC;
	ctk->helpers[ctk->helper_count] = *h;
	ctk->helpers[ctk->helper_count++].instance = instance;
	return 0;
}

const struct ct_helper *ct_helper_find(struct conntrack *ctk, const char *name, uint8_t family, uint8_t proto)
{
	for (unsigned i = 0; i < ctk->helper_count; i++) {
		const struct ct_helper *h = &ctk->helpers[i];

		if (h->family == family && h->proto == proto && !strcmp(h->name, name))
			return h;
	}
	return NULL;
}

int ct_helper_assign_port(struct conntrack *ctk, const struct ct_helper *h, uint16_t port)
{
	if (!ctk->helper_ports)
		ctk->helper_ports = calloc(HELPER_PORTS_MAX, sizeof *ctk->helper_ports);
	if (!ctk->helper_ports || ctk->helper_port_count == HELPER_PORTS_MAX)
		return -ENOSPC;
	ctk->helper_ports[ctk->helper_port_count++] = (struct ct_helper_port){ h, htons(port) };
	return 0;
}

void ct_helper_clear_ports(struct conntrack *ctk)
{
	ctk->helper_port_count = 0;
}

/* helper_for: the helper assigned to the service port of a connection. */
static const struct ct_helper *helper_for(const struct conntrack *ctk, const struct ct_tuple *reply)
{
	for (unsigned i = 0; i < ctk->helper_port_count; i++) {
		const struct ct_helper_port *a = &ctk->helper_ports[i];

		if (a->port == reply->src_key && a->helper->proto == reply->proto &&
		    a->helper->family == reply->family)
			return a->helper;
	}
	return NULL;
}

int ct_help_set(struct conntrack *ctk, struct ct_entry *ct, const struct ct_helper *helper)
{
	struct ct_help *help = ct_get_help(ctk, ct);

	if (!help)
		return -ENOMEM;
	help->helper = helper;
	return 0;
}

void ct_helper_assign(struct conntrack *ctk, struct ct_entry *ct, const struct ct_template *tmpl)
{
	const struct ct_helper *helper = NULL;

	if (ct->status & CT_ST_HELPER)
		return;
	if (tmpl && tmpl->helper) {
		helper = tmpl->helper;
		ct->status |= CT_ST_HELPER;
	}
	if (!helper && ctk->helper_port_count)
		helper = helper_for(ctk, &ct->tuple[CT_REPLY]);
	/* Another kind of helper would not understand the data of the first. */
	if (helper && ct_help(ct) && ct_help(ct)->helper && ct_help(ct)->helper != helper)
		helper = NULL;
	if (helper)
		(void)ct_help_set(ctk, ct, helper);
	else if (ct_help(ct))
		ct_help(ct)->helper = NULL;
}
