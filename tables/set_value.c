/* set_value.c - the words of an element to values, and a packet's side of them. Messages are those of ipset 7.17. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "tables/options.h"
#include "tables/set.h"
#include "tables/tables_int.h"

static const struct {
	const char *name;
	uint8_t type, code;
} icmp_names[] = {
	{ "echo-reply", 0, 0 },
	{ "pong", 0, 0 },
	{ "network-unreachable", 3, 0 },
	{ "host-unreachable", 3, 1 },
	{ "protocol-unreachable", 3, 2 },
	{ "port-unreachable", 3, 3 },
	{ "fragmentation-needed", 3, 4 },
	{ "source-route-failed", 3, 5 },
	{ "network-unknown", 3, 6 },
	{ "host-unknown", 3, 7 },
	{ "network-prohibited", 3, 9 },
	{ "host-prohibited", 3, 10 },
	{ "TOS-network-unreachable", 3, 11 },
	{ "TOS-host-unreachable", 3, 12 },
	{ "communication-prohibited", 3, 13 },
	{ "host-precedence-violation", 3, 14 },
	{ "precedence-cutoff", 3, 15 },
	{ "source-quench", 4, 0 },
	{ "network-redirect", 5, 0 },
	{ "host-redirect", 5, 1 },
	{ "TOS-network-redirect", 5, 2 },
	{ "TOS-host-redirect", 5, 3 },
	{ "echo-request", 8, 0 },
	{ "ping", 8, 0 },
	{ "router-advertisement", 9, 0 },
	{ "router-solicitation", 10, 0 },
	{ "ttl-zero-during-transit", 11, 0 },
	{ "ttl-zero-during-reassembly", 11, 1 },
	{ "ip-header-bad", 12, 0 },
	{ "required-option-missing", 12, 1 },
	{ "timestamp-request", 13, 0 },
	{ "timestamp-reply", 14, 0 },
	{ "address-mask-request", 17, 0 },
	{ "address-mask-reply", 18, 0 },
};
enum { ICMP_NAMES = sizeof icmp_names / sizeof icmp_names[0] };

int set_fail(struct set_error *err, int code, const char *format, ...)
{
	size_t used = strlen(err->text);
	va_list args;

	if (used && used + 1 < sizeof err->text) {
		err->text[used++] = '\n';
		err->text[used] = '\0';
	}
	err->code = code;
	va_start(args, format);
	vsnprintf(err->text + used, sizeof err->text - used, format, args);
	va_end(args);
	return -1;
}

int set_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out, struct set_error *err)
{
	bool negative = *text == '-';
	const char *digits = text + (negative || *text == '+');
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(digits, &end, 0);
	if (!isdigit((unsigned char)*digits) || *end)
		return set_fail(err, 1, "Syntax error: '%s' is invalid as number", text);
	if (negative || errno || value < min || value > max)
		return set_fail(err, 1, "Syntax error: '%s' is out of range %llu-%llu", text,
				(unsigned long long)min, (unsigned long long)max);
	*out = value;
	return 0;
}

/* parse_cidr: 0..32; ipset reads a byte first. */
static int parse_cidr(const char *text, uint8_t *cidr, struct set_error *err)
{
	uint64_t value;

	if (set_parse_number(text, 0, *text == '-' ? UINT8_MAX : 32, &value, err))
		return -1;
	*cidr = (uint8_t)value;
	return 0;
}

/* parse_ip: an address, in brackets maybe, or a host's name. */
int set_parse_ip(const struct sets *ss, const char *text, uint32_t *ip, struct set_error *err)
{
	const struct tables *t = ss->tables;
	char buf[256];
	size_t len = strlen(text);
	struct in_addr in;
	uint32_t found;

	if (len >= 2 && len < sizeof buf && *text == '[' && text[len - 1] == ']') {
		memcpy(buf, text + 1, len - 2);
		buf[len - 2] = '\0';
		text = buf;
	}
	if (*text && strncmp(text, "0x", 2) && (inet_aton(text, &in) || !opt_ip4_host(text, &in.s_addr))) {
		*ip = ntohl(in.s_addr);
		return 0;
	}
	if (*text && t && t->resolve && !isdigit((unsigned char)*text) &&
	    t->resolve(t->resolve_ctx, text, &found, 1)) {
		*ip = ntohl(found);
		return 0;
	}
	return set_fail(err, 1, "Syntax error: cannot parse %s: resolving to IPv4 address failed", text);
}

/* parse_ips: IP, IP/CIDR or FROM-TO. */
static int parse_ips(const struct sets *ss, char *text, uint32_t ip[2], uint8_t *cidr, bool *has_cidr,
		     bool *has_to, struct set_error *err)
{
	char *slash = strchr(text, '/'), *dash = slash || *text == '[' ? NULL : strchr(text, '-');
	int result;

	if (slash) {
		*slash = '\0';
		result = parse_cidr(slash + 1, cidr, err) || set_parse_ip(ss, text, &ip[0], err) ? -1 : 0;
		*slash = '/';
		*has_cidr = true;
		return result;
	}
	if (!dash || !isdigit((unsigned char)*text))
		return set_parse_ip(ss, text, &ip[0], err);
	*dash = '\0';
	result = set_parse_ip(ss, text, &ip[0], err) || set_parse_ip(ss, dash + 1, &ip[1], err) ? -1 : 0;
	*dash = '-';
	*has_to = true;
	return result;
}

/* parse_port: a number, or a service of @proto, whose name messages show. */
static int parse_port(const char *text, uint8_t proto, const char *proto_text, uint16_t *port,
		      struct set_error *err)
{
	struct set_error first = { 0 };
	uint64_t value;

	if (!set_parse_number(text, 0, UINT16_MAX, &value, &first)) {
		*port = (uint16_t)value;
		return 0;
	}
	if (!isdigit((unsigned char)*text) && *text && !opt_port(text, proto, port))
		return 0;
	set_fail(err, 1, "%s", first.text);
	set_fail(err, 1, "Syntax error: '%s' is invalid as number", proto_text);
	return set_fail(err, 1, "cannot parse '%s' as a %s port", text, proto_text);
}

/* parse_ports: PORT or FROM-TO, of which ipset reads the end first. */
static int parse_ports(char *text, uint8_t proto, const char *proto_text, struct set_entry *e,
		       struct set_error *err)
{
	char *dash = *text == '[' || *text == '-' ? NULL : strchr(text, '-');

	if (!dash || !dash[1])
		return parse_port(text, proto, proto_text, &e->port, err);
	*dash = '\0';
	e->has_port_to = true;
	if (parse_port(dash + 1, proto, proto_text, &e->port_to, err))
		return -1;
	return parse_port(text, proto, proto_text, &e->port, err);
}

int set_icmp_find(const char *name)
{
	for (int i = 0; i < ICMP_NAMES; i++)
		if (!strcmp(icmp_names[i].name, name))
			return icmp_names[i].type << 8 | icmp_names[i].code;
	return -1;
}

const char *set_icmp_name(unsigned index)
{
	return index < ICMP_NAMES ? icmp_names[index].name : NULL;
}

/* parse_icmp: a name or TYPE/CODE. */
static int parse_icmp(char *text, uint16_t *port, struct set_error *err)
{
	int named = set_icmp_find(text);
	char *slash = strchr(text, '/');
	uint64_t type, code;
	int result;

	if (named >= 0) {
		*port = (uint16_t)named;
		return 0;
	}
	if (!slash)
		return set_fail(err, 1, "Cannot parse %s as an ICMP type/code.", text);
	*slash = '\0';
	result = set_parse_number(text, 0, UINT8_MAX, &type, err) ||
		 set_parse_number(slash + 1, 0, UINT8_MAX, &code, err);
	*slash = '/';
	if (result)
		return -1;
	*port = (uint16_t)(type << 8 | code);
	return 0;
}

/* find_proto: a protocol by name (case ignored) or number 0..255. Return: number or -1. */
static int find_proto(const struct sets *ss, const char *text)
{
	char lower[32];
	size_t i = 0;
	uint64_t number;
	int found;

	for (; text[i] && i + 1 < sizeof lower; i++)
		lower[i] = (char)tolower((unsigned char)text[i]);
	lower[i] = '\0';
	if (!opt_number(text, NULL, 0, UINT8_MAX, &number))
		return (int)number;
	found = !strcmp(lower, "all") ? -1 : proto_number(ss->tables, lower);
	return found;
}

/* parse_proto_port: [PROTO:]PORT. */
static int parse_proto_port(const struct sets *ss, char *text, struct set_entry *e, struct set_error *err)
{
	char *colon = *text == '[' ? NULL : strchr(text, ':');
	int proto;

	e->proto = IPPROTO_TCP;
	if (!colon)
		return parse_ports(text, IPPROTO_TCP, "tcp", e, err);
	*colon = '\0';
	proto = find_proto(ss, text);
	if (proto < 0)
		return set_fail(err, 1, "Syntax error: cannot parse '%s' as a protocol", text);
	e->proto = (uint8_t)proto;
	switch (proto) {
	case IPPROTO_TCP:
	case IPPROTO_UDP:
	case IPPROTO_SCTP:
	case IPPROTO_UDPLITE:
		if (!colon[1]) { /* nothing behind: the whole is read as a port's name */
			*colon = ':';
			return parse_port(text, IPPROTO_TCP, "tcp", &e->port, err);
		}
		return parse_ports(colon + 1, e->proto, proto_name(ss->tables, e->proto), e, err);
	case IPPROTO_ICMP:
		return parse_icmp(colon + 1, &e->port, err);
	case IPPROTO_ICMPV6:
		return set_fail(err, 1, "Syntax error: Protocol ICMPv6 can be used with family inet6 only");
	default:
		break;
	}
	if (strcmp(colon + 1, "0"))
		return set_fail(err, 1,
				"Syntax error: Protocol %s can be used with pseudo port value 0 only.", text);
	return proto ? 0 : set_fail(err, 1, "Syntax error: Unsupported protocol '%s'", text);
}

/* parse_iface: [physdev:]NAME. */
static int parse_iface(char *text, struct set_entry *e, struct set_error *err)
{
	static const char prefix[] = "physdev:";

	if (!strncmp(text, prefix, sizeof prefix - 1)) {
		e->physdev = true;
		text += sizeof prefix - 1;
	}
	if (strlen(text) >= PORT_NAME_MAX)
		return set_fail(err, 1, "Syntax error: interface name '%s' is longer than %u characters",
				text, PORT_NAME_MAX - 1);
	strcpy(e->iface, text);
	return 0;
}

/* parse_name: the name of a set. */
static int parse_name(const char *text, struct set_entry *e, struct set_error *err)
{
	if (strchr(text, ','))
		return set_fail(err, 1, "you must specify elements as setname,[before|after],setname");
	if (strlen(text) >= SET_NAME_MAX)
		return set_fail(err, 1, "Syntax error: setname '%s' is longer than %u characters", text,
				SET_NAME_MAX - 1);
	strcpy(e->name, text);
	return 0;
}

/* parse_part: one part; @second: the later address of the element. */
static int parse_part(const struct sets *ss, uint8_t part, bool second, char *text, struct set_entry *e,
		      struct set_error *err)
{
	uint32_t ip[2] = { 0 };
	bool has_cidr = false, has_to = false;
	uint8_t cidr = 32;

	switch (part) {
	case PART_PORT:
	case PART_BARE_PORT:
		return parse_proto_port(ss, text, e, err);
	case PART_IFACE:
		return parse_iface(text, e, err);
	case PART_MAC:
		return opt_mac(text, e->mac)
			       ? set_fail(err, 1, "Syntax error: cannot parse '%s' as ethernet address", text)
			       : 0;
	case PART_NAME:
		return parse_name(text, e, err);
	case PART_IP_SINGLE:
		if (strpbrk(text, "/-") && *text != '[')
			return set_fail(err, 1, "Syntax error: plain IP address must be supplied: %s", text);
		break;
	default:
		break;
	}
	if (parse_ips(ss, text, ip, &cidr, &has_cidr, &has_to, err))
		return -1;
	*(second ? &e->ip2 : &e->ip) = ip[0];
	*(second ? &e->ip2_to : &e->ip_to) = ip[1];
	*(second ? &e->cidr2 : &e->cidr) = cidr;
	*(second ? &e->has_cidr2 : &e->has_cidr) = has_cidr;
	*(second ? &e->has_to2 : &e->has_to) = has_to;
	return 0;
}

/* part_count: how many parts elements of the type have. */
static unsigned part_count(const struct set_type *type)
{
	unsigned n = 0;

	while (n < SET_PARTS_MAX && type->parts[n] != PART_END)
		n++;
	return n;
}

/* check_parts: whether the text has as many parts as the type. */
static int check_parts(const struct set_type *type, const char *text, struct set_error *err)
{
	unsigned want = part_count(type), have = 1;

	for (const char *c = text; *c; c++)
		have += *c == ',';
	if (type->parts[0] == PART_NAME)
		return 0;
	if (have > want && want == 1)
		return set_fail(err, 1, "Syntax error: Elem separator in %s, but settype %s supports none.",
				text, type->name);
	if (have > want && want == 2)
		return set_fail(err, 1,
				"Syntax error: Two elem separators in %s, but settype %s supports one.", text,
				type->name);
	if (have > want)
		return set_fail(err, 1,
				"Syntax error: Three elem separators in %s, but settype %s supports two.",
				text, type->name);
	return 0;
}

int set_parse_element(const struct sets *ss, const struct set_type *type, char *text, struct set_entry *e,
		      struct set_error *err)
{
	static const char *const ordinal[] = { "First", "Second", "Third" };
	unsigned count = part_count(type);
	char *whole = text, *next;
	int result;

	if (check_parts(type, text, err))
		return -1;
	for (unsigned i = 0; i < count; i++) {
		next = i + 1 < count ? strchr(whole, ',') : NULL;
		if (i + 1 < count && (!next || !next[1] || next == whole))
			return set_fail(err, 1, "Syntax error: %s element is missing from %s.",
					ordinal[i + 1], text);
		if (next)
			*next = '\0';
		result = parse_part(ss, type->parts[i], i == 2, whole, e, err);
		if (next)
			*next = ',';
		if (result)
			return -1;
		if (next)
			whole = next + 1;
	}
	return 0;
}

int set_parse_range(const struct sets *ss, const struct set_type *type, char *text, struct set_entry *e,
		    struct set_error *err)
{
	uint32_t ip[2] = { 0 };

	if (type->any_family)
		return parse_proto_port(ss, text, e, err);
	if (!strpbrk(text, "/-"))
		return set_fail(err, 1, "Syntax error: IP/cidr or IP-IP range must be specified: %s", text);
	if (parse_ips(ss, text, ip, &e->cidr, &e->has_cidr, &e->has_to, err))
		return -1;
	e->ip = ip[0];
	e->ip_to = ip[1];
	if (e->has_cidr) {
		uint32_t mask = ntohl(ip4_mask(e->cidr));

		e->ip &= mask;
		e->ip_to = e->ip | ~mask;
	}
	return 0;
}

/* --- a packet's side ------------------------------------------------------------------------------------------------- */

uint32_t set_packet_addr(const struct set_packet *sp, unsigned dim)
{
	const struct ip4_hdr *h = ip4_hdr(sp->p);

	return sp->src >> dim & 1 ? h->src : h->dst;
}

bool set_packet_port(const struct set_packet *sp, unsigned dim, uint16_t *be, uint8_t *proto)
{
	bool src = sp->src >> dim & 1;
	const uint8_t *at;

	*be = 0;
	*proto = sp->p->hdr.proto;
	switch (*proto) {
	case IPPROTO_TCP:
		at = pkt_l4(sp->p, 20);
		break;
	case IPPROTO_SCTP:
		at = pkt_l4(sp->p, 12);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		at = pkt_l4(sp->p, 8);
		break;
	case IPPROTO_ICMP:
		at = pkt_l4(sp->p, 8);
		src = true; /* type and code lie where a source port would */
		break;
	default:
		return true;
	}
	if (sp->p->hdr.frag_off || !at)
		return false;
	memcpy(be, at + (src ? 0 : 2), 2);
	return true;
}

uint32_t set_next_net(uint32_t from, uint32_t to, uint8_t *plen)
{
	for (unsigned n = 1; n < 32; n++) {
		uint32_t mask = ntohl(ip4_mask(n));

		if (from & ~mask || (from | ~mask) > to)
			continue;
		*plen = (uint8_t)n;
		return from | ~mask;
	}
	*plen = 32;
	return from;
}

int set_span_of(const struct set_entry *e, enum set_adt adt, uint32_t ip, struct set_span *out)
{
	*out = (struct set_span){ ip, ip, e->port, e->port };
	if (adt == SET_TEST)
		return 0;
	if (e->has_to) {
		out->ip = ip < e->ip_to ? ip : e->ip_to;
		out->ip_to = ip < e->ip_to ? e->ip_to : ip;
	} else if (e->has_cidr) {
		if (!e->cidr)
			return -SET_E_CIDR;
		out->ip = ip & ntohl(ip4_mask(e->cidr));
		out->ip_to = out->ip | ~ntohl(ip4_mask(e->cidr));
	}
	if (e->has_port_to) {
		out->port = e->port < e->port_to ? e->port : e->port_to;
		out->port_to = e->port < e->port_to ? e->port_to : e->port;
	}
	return 0;
}
