/* apply.c - see apply.h. */
#include "router/apply.h"

#include "netstack/neigh.h"
#include "router/port_io.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- an engine without a world ------------------------------------------------------------------------------------- */

/* silent_transmit, silent_random: netstack_ops of a scratch engine. */
static int silent_transmit(void *user, struct port *port, struct pkt *p)
{
	(void)user;
	(void)port;
	(void)p;
	return 0;
}

static void silent_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 0x5a, len);
}

const struct netstack_ops apply_silent_ops = { .transmit = silent_transmit, .random = silent_random };

/* --- parts that work on any engine --------------------------------------------------------------------------------- */

/* wanted: whether the interface @i has the address @a. */
static bool wanted(const struct config_interface *i, const struct port_addr *a)
{
	for (unsigned m = 0; m < i->address.count; m++)
		if (i->address.item[m].be == a->addr.word[0] && i->address.item[m].plen == a->plen)
			return true;
	return false;
}

/* drop_address: takes away the first address of a port that @i does not have (and its secondary ones with it).
 * Return: false if there is none. */
static bool drop_address(struct engine *e, struct port *port, const struct config_interface *i)
{
	for (unsigned n = 0; n < port->naddrs; n++) {
		struct port_addr a = port->addr[n];

		if (!wanted(i, &a))
			return !port_del_addr(e->ns, port, a.addr.word[0], a.plen);
	}
	return false;
}

/* set_addresses: brings the addresses of a port from what they are to those of @i. */
static void set_addresses(struct engine *e, struct port *port, const struct config_interface *i, const char *file,
			  struct problems *ps)
{
	while (drop_address(e, port, i))
		;
	for (unsigned m = 0; m < i->address.count; m++) {
		int error = port_add_addr(e->ns, port, i->address.item[m].be, i->address.item[m].plen);

		if (error && error != -EEXIST)
			problem_add(ps, file, i->line, "interface", "address", "the router does not take it: %s",
				    strerror(-error));
	}
}

/* resolve_port: the port of a route: by name, or by the subnet its gateway is in. NULL: none. */
static struct port *resolve_port(struct engine *e, const struct config_route *r)
{
	struct route_key key = { .dst = r->route.gateway };
	struct route_result found;

	if (*r->dev)
		return port_find(e->ns, r->dev);
	route_lookup(e->ns, &key, &found);
	return found.type == ROUTE_UNICAST && !found.gateway ? found.port : NULL;
}

/* route_error: what to do about a refused route. */
static const char *route_error(int error)
{
	switch (-error) {
	case EEXIST:
		return "there is such a route already: give another metric, or remove one";
	case ENETUNREACH:
		return "the gateway is in no subnet of an interface: give an interface an address there, or name the "
		       "interface with dev";
	case ENOSPC:
		return "the route table is full: raise router.routes_max";
	default:
		return strerror(-error);
	}
}

/* set_routes: replaces the static routes by those of @c. */
static void set_routes(struct engine *e, const struct config *c, struct problems *ps)
{
	route_flush_static(e->ns);
	for (unsigned i = 0; i < c->routes; i++) {
		struct route route = c->route[i].route;
		int error = 0;

		if (route.type == ROUTE_UNICAST) {
			route.port = resolve_port(e, &c->route[i]);
			error = route.port ? 0 : -ENETUNREACH;
		}
		if (!error)
			error = route_add(e->ns, &route);
		if (error)
			problem_add(ps, c->file, c->route[i].line, "route", c->route[i].key, "%s", route_error(error));
	}
}

/* sysctl_error: what to do about a refused sysctl. */
static const char *sysctl_error(int error)
{
	switch (-error) {
	case ENOENT:
		return "there is no such sysctl: `tapgate sysctl -a` lists them";
	case EACCES:
		return "it can only be read";
	case EINVAL:
		return "not a number in the range that Linux allows";
	default:
		return strerror(-error);
	}
}

/* has_sysctl: whether @c sets @name. */
static bool has_sysctl(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->sysctls; i++)
		if (!strcasecmp(c->sysctl[i].name, name))
			return true;
	return false;
}

/* set_sysctls: writes those of @c. */
static void set_sysctls(struct status *st, const struct config *c, struct problems *ps)
{
	for (unsigned i = 0; i < c->sysctls; i++) {
		int error = status_sysctl_set(st, c->sysctl[i].name, c->sysctl[i].value);

		if (error)
			problem_add(ps, c->file, c->sysctl[i].line, "sysctl", c->sysctl[i].name, "%s", sysctl_error(error));
	}
}

/* reset_sysctls: what @old set and @now does not mention goes back to the value of a fresh engine @fresh. */
static void reset_sysctls(struct status *st, const struct status *fresh, const struct config *old, const struct config *now)
{
	for (unsigned i = 0; old && i < old->sysctls; i++) {
		char path[STATUS_PATH_MAX];
		struct text value = { 0 };

		if (!has_sysctl(now, old->sysctl[i].name) && !status_sysctl_path(old->sysctl[i].name, path) &&
		    !status_read(fresh, path, &value))
			status_write(st, path, text_cstr(&value), value.len);
		text_free(&value);
	}
}

/* assign_helper: attaches the helper(s) of one name to its ports. Return: 0, -ENOENT, -EINVAL (no ports), -ENOSPC. */
static int assign_helper(struct conntrack *ctk, const struct config_helper *h)
{
	int found = -ENOENT;

	for (unsigned i = 0; i < ctk->helper_count; i++) {
		const struct ct_helper *helper = &ctk->helpers[i];
		unsigned ports = h->nports;

		if (strcmp(helper->name, h->name))
			continue;
		found = 0;
		if (!ports && !helper->default_port)
			return -EINVAL;
		if (!ports && ct_helper_assign_port(ctk, helper, helper->default_port))
			return -ENOSPC;
		for (unsigned n = 0; n < ports; n++)
			if (ct_helper_assign_port(ctk, helper, h->ports[n]))
				return -ENOSPC;
	}
	return found;
}

/* set_helper_options: the options of one [helper NAME]. */
static void set_helper_options(struct helpers *hs, const struct config *c, const struct config_helper *h, const char *section,
			       struct problems *ps)
{
	for (unsigned i = 0; i < h->options; i++) {
		const struct config_setting *o = &h->option[i];
		int error = helpers_set(hs, h->name, o->name, o->value);

		if (error == -ENOENT)
			problem_add(ps, c->file, o->line, section, o->name,
				    "this helper has no such option: remove it, or see `tapgate help config`");
		else if (error)
			problem_add(ps, c->file, o->line, section, o->name, "'%.60s' is no value for it", o->value);
	}
}

/* helper_error: what to do about a helper that cannot be attached. */
static const char *helper_error(int error)
{
	switch (-error) {
	case ENOENT:
		return "there is no helper of this name";
	case EINVAL:
		return "it has no port of its own: give it one with `ports`";
	default:
		return "too many ports are assigned to helpers: 64 can be";
	}
}

/* set_helpers: attaches the helpers of @c and none else. */
static void set_helpers(struct engine *e, const struct config *c, struct problems *ps)
{
	ct_helper_clear_ports(e->ctk);
	for (unsigned i = 0; i < c->helpers; i++) {
		char section[64];
		int error = assign_helper(e->ctk, &c->helper[i]);

		snprintf(section, sizeof section, "helper %.50s", c->helper[i].name);
		if (error)
			problem_add(ps, c->file, c->helper[i].line, section, NULL, "%s", helper_error(error));
		else
			set_helper_options(e->helpers, c, &c->helper[i], section, ps);
	}
}

/* --- trial --------------------------------------------------------------------------------------------------------- */

/* trial_ports: the ports of @c in an engine, without devices. */
static void trial_ports(struct engine *e, const struct config *c, struct problems *ps)
{
	for (unsigned n = 0; n < c->interfaces; n++) {
		const struct config_interface *i = &c->interface[n];
		struct port *port = port_add(e->ns, i->name, i->mac, i->mtu);

		if (!port) {
			problem_add(ps, c->file, i->line, "interface", NULL, "%s: %s", i->name, strerror(errno));
			continue;
		}
		set_addresses(e, port, i, c->file, ps);
		port_set_up(e->ns, port, true); /* a route needs its port up; the running router sets it as configured */
	}
}

/* scratch: an engine with the limits of @c. NULL with a problem. */
static struct engine *scratch(const struct config *c, struct problems *ps)
{
	struct engine_limits limits = config_engine_limits(c);
	struct engine *e = engine_create(&apply_silent_ops, NULL, &limits, 1);

	if (!e)
		problem_add(ps, c->file, 0, NULL, NULL, "out of memory: lower router.packets_large, packets_small, routes_max "
							"or sysctl net.netfilter.nf_conntrack_max");
	return e;
}

struct engine *apply_trial_start(const struct config *c, struct problems *ps)
{
	struct engine *e = scratch(c, ps);
	struct status st = { .engine = e };
	unsigned before = ps->count;

	if (!e)
		return NULL;
	trial_ports(e, c, ps);
	if (!before) /* else a gateway may be missing only because its interface's line is wrong */
		set_routes(e, c, ps);
	set_sysctls(&st, c, ps);
	set_helpers(e, c, ps);
	return e;
}

void apply_trial(const struct config *c, struct problems *ps)
{
	struct engine *e = apply_trial_start(c, ps);

	if (e)
		apply_commit_rules(c, e->tables, ps);
	engine_destroy(e);
}

/* --- swap ---------------------------------------------------------------------------------------------------------- */

/* What happens to one interface of the new configuration. */
struct change {
	struct port_io *keep;               /* its port and device stay; NULL: a new port is made */
	const struct config_interface *was; /* a device that stays, under another interface's name before */
	struct tap tap;                     /* the new port's device; fd -1 = none */
};

/* holder: the interface of the configuration in force that has the device of @i. NULL: none. */
static const struct config_interface *holder(const struct router *r, const struct config_interface *i)
{
	for (unsigned n = 0; r->config && n < r->config->interfaces; n++) {
		const struct config_interface *old = &r->config->interface[n];

		if (!strcmp(old->tap, i->tap) && !strcmp(old->netns, i->netns))
			return old;
	}
	return NULL;
}

/* find_io: the living device of an interface. NULL: none. */
static struct port_io *find_io(struct router *r, const char *name)
{
	struct port *port = port_find(r->engine->ns, name);
	struct port_io *io = port ? port->user : NULL;

	return io && !io->dead ? io : NULL;
}

/* close_new: gives up the devices made so far. */
static void close_new(struct change *ch, unsigned count)
{
	for (unsigned n = 0; n < count; n++)
		if (ch[n].tap.fd >= 0)
			close(ch[n].tap.fd);
}

/* take_device: decides about one interface: its port stays, its device stays under another name, or a new one is made.
 * Return: 0, or -1 with @why. */
static int take_device(struct router *r, const struct config_interface *i, struct change *ch, char *why)
{
	const struct config_interface *old = holder(r, i);
	struct port_io *io = old ? find_io(r, old->name) : NULL;

	*ch = (struct change){ .tap = { .fd = -1 } };
	if (io && !strcmp(old->name, i->name)) {
		ch->keep = io;
		return 0;
	}
	if (io) {
		ch->was = old;
		ch->tap = (struct tap){ dup(io->tap.fd), io->tap.offloads };
		if (ch->tap.fd < 0)
			snprintf(why, NETNS_WHY_MAX, "cannot take over its device: %s", strerror(errno));
		return ch->tap.fd < 0 ? -1 : 0;
	}
	if (!tap_open(i, &ch->tap, why))
		return 0;
	ch->tap.fd = -1;
	return -1;
}

/* prepare: the devices of @now. Return: 0, or -1 with problems and nothing made. */
static int prepare(struct router *r, const struct config *now, struct change *ch, struct problems *ps)
{
	unsigned before = ps->count;
	char why[NETNS_WHY_MAX], section[PORT_NAME_MAX + 16];

	for (unsigned n = 0; n < now->interfaces; n++) {
		const struct config_interface *i = &now->interface[n];

		if (!take_device(r, i, &ch[n], why))
			continue;
		snprintf(section, sizeof section, "interface %s", i->name);
		problem_add(ps, now->file, i->line, section, NULL, "%s", why);
	}
	if (ps->count == before)
		return 0;
	close_new(ch, now->interfaces);
	return -1;
}

/* remove_ports: takes away the ports that @now does not have, or has with another device. */
static void remove_ports(struct router *r, const struct config *now, const struct change *ch)
{
	for (unsigned p = 0; p < PORTS_MAX; p++) {
		struct port *port = r->engine->ns->port[p];
		bool stays = false;

		for (unsigned n = 0; port && n < now->interfaces; n++)
			stays |= ch[n].keep && ch[n].keep->port == port;
		if (port && !stays)
			port_io_destroy(port->user);
	}
}

/* keep_port: brings a port whose device stays to the new settings. */
static void keep_port(struct router *r, struct port_io *io, const struct config_interface *i, struct problems *ps)
{
	const struct config_interface *old = config_find_interface(r->config, i->name);
	char why[NETNS_WHY_MAX];

	if (io->port->mtu != i->mtu) {
		io->port->mtu = (uint16_t)i->mtu;
		r->engine->ns->route_generation++;
	}
	set_addresses(r->engine, io->port, i, "", ps);
	if (io->port->up != i->up)
		port_set_up(r->engine->ns, io->port, i->up);
	if (memcmp(io->port->mac, i->mac, MAC_LEN)) {
		memcpy(io->port->mac, i->mac, MAC_LEN);
		arp_announce(r->engine->ns, io->port);
	}
	if (old && tap_change(old, i, why))
		log_line(&r->log, LOG_WARN, "interface %s: the far end is not as configured: %s", i->name, why);
}

/* new_port: a port on a new device. */
static void new_port(struct router *r, struct change *ch, const struct config_interface *i, struct problems *ps)
{
	struct port_io *io = port_io_create(r, i, &ch->tap);
	char why[NETNS_WHY_MAX];

	if (!io) {
		close(ch->tap.fd);
		problem_add(ps, "", 0, "interface", NULL, "%s: out of memory for the port", i->name);
		return;
	}
	set_addresses(r->engine, io->port, i, "", ps);
	if (i->up)
		port_set_up(r->engine->ns, io->port, true);
	if (ch->was && tap_change(ch->was, i, why))
		log_line(&r->log, LOG_WARN, "interface %s: the far end is not as configured: %s", i->name, why);
}

/* change_ports: all ports from the old configuration to @now. */
static void change_ports(struct router *r, const struct config *now, struct change *ch, struct problems *ps)
{
	remove_ports(r, now, ch);
	for (unsigned n = 0; n < now->interfaces; n++)
		if (ch[n].keep)
			keep_port(r, ch[n].keep, &now->interface[n], ps);
		else
			new_port(r, &ch[n], &now->interface[n], ps);
}

/* finish: routes, sysctls and helpers, after rules and ports. @fresh: a scratch engine. */
static void finish(struct router *r, const struct config *now, struct engine *fresh, struct problems *ps)
{
	struct status standard = { .engine = fresh };

	set_routes(r->engine, now, ps);
	reset_sysctls(&r->status, &standard, r->config, now);
	set_sysctls(&r->status, now, ps);
	r->engine->helpers->ftp_loose = fresh->helpers->ftp_loose; /* options not mentioned are the standard again */
	set_helpers(r->engine, now, ps);
}

int apply_switch(struct router *r, const struct config *now, struct rules_change *rules, struct problems *ps)
{
	struct change *ch = calloc(now->interfaces + 1u, sizeof *ch);
	struct engine *fresh = ch ? scratch(now, ps) : NULL;
	struct problems late = { 0 };
	int error = -1;

	if (fresh && !prepare(r, now, ch, ps)) {
		error = rules_switch(rules) ? 0 : 1;
		if (error)
			close_new(ch, now->interfaces);
	}
	if (!error) {
		trial_ports(fresh, now, &late); /* so that it has the per-port sysctls */
		change_ports(r, now, ch, &late);
		finish(r, now, fresh, &late);
		if (late.count)
			log_line(&r->log, LOG_ERROR, "applied, but for: %s", text_cstr(&late.text));
	}
	problems_free(&late);
	engine_destroy(fresh);
	free(ch);
	return error;
}

int apply_swap(struct router *r, const struct config *now, struct problems *ps)
{
	struct rules_change *rules = rules_start(now, r->engine->tables, ps);
	int error = rules ? 1 : -1;

	while (error > 0) {
		error = rules_go(rules, UINT_MAX, ps);
		if (!error)
			error = apply_switch(r, now, rules, ps);
	}
	rules_end(rules);
	return error;
}
