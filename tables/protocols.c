/* protocols.c - protocol names, as iptables finds them.
 *
 * Linux parity: libxtables xtables_parse_protocol and proto_to_name of iptables 1.8.9: names come from the
 * system's protocol list (/etc/protocols), then from a small list of its own. The list is read once, into the
 * instance.
 */
#include <ctype.h>
#include <netdb.h>
#include <strings.h>
#include <stdio.h>
#include <stdlib.h>

#include "tables/tables_int.h"

enum { PROTO_NAME_MAX = 16, PROTO_COUNT = 256, PROTO_ALL = 0 };

static const struct {
	const char *name;
	uint8_t number;
} own_names[] = {
	{ "tcp", 6 },  { "sctp", 132 },  { "udp", 17 },       { "udplite", 136 },
	{ "icmp", 1 }, { "icmpv6", 58 }, { "ipv6-icmp", 58 }, { "esp", 50 },
	{ "ah", 51 },  { "mh", 135 },    { "ipv6-mh", 135 },  { "all", PROTO_ALL },
};

/* proto_names_load: fills t->proto_names from the system's list; stays NULL without memory (numbers are
 * printed then). */
void proto_names_load(struct tables *t)
{
	struct protoent *e;

	t->proto_names = calloc(PROTO_COUNT, sizeof *t->proto_names);
	if (!t->proto_names)
		return;
	setprotoent(0);
	while ((e = getprotoent()))
		if (e->p_proto >= 0 && e->p_proto < PROTO_COUNT && !t->proto_names[e->p_proto][0])
			snprintf(t->proto_names[e->p_proto], PROTO_NAME_MAX, "%s", e->p_name);
	endprotoent();
	for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++)
		if (own_names[i].number && !t->proto_names[own_names[i].number][0])
			snprintf(t->proto_names[own_names[i].number], PROTO_NAME_MAX, "%s",
				 own_names[i].name);
}

/* proto_name: the name of a protocol. Return: NULL if it has none (or is 0). */
const char *proto_name(const struct tables *t, uint8_t proto)
{
	if (!proto || !t->proto_names || !t->proto_names[proto][0])
		return NULL;
	return t->proto_names[proto];
}

/* proto_own_name: the name that iptables knows by itself, without the system's list. Return: NULL if there is none. */
const char *proto_own_name(uint8_t proto)
{
	for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++)
		if (own_names[i].number == proto)
			return own_names[i].name;
	return NULL;
}

/* proto_by_name: the number of a lower-case name. Return: -1 if unknown. */
static int proto_by_name(const struct tables *t, const char *name)
{
	struct protoent *e;

	for (unsigned i = 1; t->proto_names && i < PROTO_COUNT; i++)
		if (t->proto_names[i][0] && !strcmp(t->proto_names[i], name))
			return (int)i;
	for (size_t i = 0; i < sizeof own_names / sizeof *own_names; i++)
		if (!strcmp(own_names[i].name, name))
			return own_names[i].number;
	e = getprotobyname(name);
	return e && e->p_proto >= 0 && e->p_proto < PROTO_COUNT ? e->p_proto : -1;
}

int opt_protocol(const struct opt_call *c)
{
	struct protoent entry, *p = NULL;
	int proto = -1;
	char buf[1024];

	if (!getprotobyname_r(c->arg, &entry, buf, sizeof buf, &p) && p)
		proto = p->p_proto <= UINT8_MAX ? p->p_proto : -1;
	else if (!c->arg[strcspn(c->arg, "ABCDEFGHIJKLMNOPQRSTUVWXYZ")] || !strncasecmp(c->arg, "0x", 2))
		proto = proto_number(c->tables, c->arg);
	if (proto < 0)
		return rule_fail(c->err, "unknown protocol \"%s\" specified", c->arg);
	return proto;
}

/* proto_number: reads the value of -p: a number (decimal, 0x, 0), a name in any case, or "all" (0).
 * Return: 0..255, or -1 if unknown. */
int proto_number(const struct tables *t, const char *name)
{
	char lower[64];
	uint64_t number;
	size_t i;

	if (opt_number(name, NULL, 0, UINT8_MAX, &number) == 0)
		return (int)number;
	for (i = 0; name[i] && i < sizeof lower - 1; i++)
		lower[i] = (char)tolower((unsigned char)name[i]);
	lower[i] = '\0';
	return name[i] ? -1 : proto_by_name(t, lower);
}
