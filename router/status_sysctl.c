/* status_sysctl.c - the tree's sys/ part, made of the rooms' sysctl rows.
 *
 * Linux parity
 *   net/ipv4/devinet.c: a write to conf/default/X also goes to the ports where X was never written and that have no
 *   address (an address ends a device's inheritance). What else a write sets off is in the room's row (.changed):
 *   ip_forward and conf/all/forwarding are one value and set that of every port.
 *   procps lib/pathnames: in a dotted name '/' stands for a dot in a part, in a slashed one everything is as it is.
 */
#include "netstack/sysctl.h"
#include "router/status_int.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PORT_CONF_DIR "net/ipv4/conf/"

/* sysctl_read: status_node.read of every row. */
static void sysctl_read(const struct status *st, const struct status_args *args, struct text *out)
{
	(void)st;
	sysctl_show(args->row, args->room, out);
}

/* inherit: hands a row just written to `default` to the ports that still follow it (devinet_copy_dflt_conf). */
static void inherit(struct netstack *ns, const struct sysctl_row *row)
{
	uint32_t bit = 1u << (row - port_conf_rows);

	for (unsigned i = 0; i < PORTS_MAX; i++) {
		struct port *port = ns->port[i];

		if (port && !port->naddrs && !(port->conf_set & bit))
			memcpy((uint8_t *)&port->conf + row->offset,
			       (const uint8_t *)&ns->conf.def + row->offset, sizeof(int32_t));
	}
}

/* sysctl_write: status_node.write of every row: stores, and notes which ports follow `default` no longer. */
static int sysctl_write(struct status *st, const struct status_args *args, const char *value)
{
	int r = sysctl_store(args->row, args->room, value);

	if (r < 0)
		return r;
	if (args->conf_default)
		inherit(st->engine->ns, args->row);
	else if (args->port)
		args->port->conf_set |= 1u << (args->row - port_conf_rows);
	return 0;
}

/* fill: makes the pattern of one row. @dir is put between sys/ and the row's own path. */
static void fill(struct status_pattern *p, const struct sysctl_row *row, enum status_room room,
		 const char *dir)
{
	p->row = row;
	p->room = room;
	snprintf(p->path, sizeof p->path, "sys/%s%s", dir, row->path);
	p->node = (struct status_node){
		.path = p->path,
		.mode = row->flags & SYSCTL_READ_ONLY ? 0444 : 0644,
		.help = "",
		.read = sysctl_read,
		.write = row->flags & SYSCTL_READ_ONLY ? NULL : sysctl_write,
	};
}

bool status_sysctl_at(unsigned index, struct status_pattern *out)
{
	if (index < netstack_sysctl_row_count) {
		fill(out, &netstack_sysctl_rows[index], STATUS_NETSTACK, "");
		return true;
	}
	index -= netstack_sysctl_row_count;
	if (index < conntrack_sysctl_row_count) {
		fill(out, &conntrack_sysctl_rows[index], STATUS_CONNTRACK, "");
		return true;
	}
	index -= conntrack_sysctl_row_count;
	if (index < port_conf_row_count) {
		fill(out, &port_conf_rows[index], STATUS_PORT_CONF, PORT_CONF_DIR "{conf}/");
		return true;
	}
	return false;
}

void status_sysctl_bind(const struct status *st, const struct status_pattern *pattern,
			struct status_args *args)
{
	args->row = pattern->row;
	switch (pattern->room) {
	case STATUS_NETSTACK:
		args->room = &st->engine->ns->conf;
		break;
	case STATUS_CONNTRACK:
		args->room = st->engine->ctk;
		break;
	case STATUS_PORT_CONF:
		args->room = args->conf;
		break;
	}
}

int status_sysctl_path(const char *name, char *path)
{
	const char *first = strpbrk(name, "./");
	bool dotted = first && *first == '.';
	size_t len = strlen(name);

	if (len + sizeof "sys/" > STATUS_PATH_MAX)
		return -ENAMETOOLONG;
	memcpy(path, "sys/", 4);
	for (size_t i = 0; i <= len; i++) {
		char c = name[i];

		if (dotted)
			c = c == '.' ? '/' : c == '/' ? '.' : c;
		path[4 + i] = c;
	}
	return 0;
}

/* row_fits: whether @path names the row of a pattern; {conf} may be any one part. */
static bool row_fits(const struct status_pattern *p, const char *path)
{
	const char *rest;

	if (p->room != STATUS_PORT_CONF)
		return strcmp(p->path, path) == 0;
	if (strncmp(path, "sys/" PORT_CONF_DIR, strlen("sys/" PORT_CONF_DIR)) != 0)
		return false;
	path += strlen("sys/" PORT_CONF_DIR);
	rest = strchr(path, '/');
	return rest && rest != path && strcmp(rest + 1, p->row->path) == 0;
}

int status_sysctl_check(const char *name, const char *value)
{
	struct status_pattern p;
	char path[STATUS_PATH_MAX];
	uint64_t scratch = 0;

	if (status_sysctl_path(name, path) < 0)
		return -ENOENT;
	for (unsigned i = 0; status_sysctl_at(i, &p); i++) {
		struct sysctl_row probe = *p.row;

		if (!row_fits(&p, path))
			continue;
		probe.offset = 0;
		probe.changed = NULL;
		return sysctl_store(&probe, &scratch, value);
	}
	return -ENOENT;
}

int status_sysctl_set(struct status *st, const char *name, const char *value)
{
	char path[STATUS_PATH_MAX];

	if (status_sysctl_path(name, path) < 0)
		return -ENOENT;
	return status_write(st, path, value, strlen(value));
}
