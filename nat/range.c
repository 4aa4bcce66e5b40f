/* range.c - see range.h.
 *
 * Linux parity: iptables 1.8.11 extensions/libxt_NAT.c, messages included. Its quirks are kept: ports are checked
 * against the protocol when they are read (so -p must come before), ICMP counts as having ports, 0 is a port, only the
 * first port may be a service name, and what follows a numeric base port is not looked at.
 */
#include "nat/range.h"

#include "nat/nat_int.h"
#include "netstack/text.h"
#include "tables/options.h"

#include <arpa/inet.h>
#include <string.h>

/* port_allowed: whether the rule's protocol has what iptables takes for ports. */
static bool port_allowed(const struct rule_spec *spec)
{
	switch (spec->proto) {
	case IP_PROTO_TCP:
	case IP_PROTO_UDP:
	case IP_PROTO_SCTP:
	case IP_PROTO_DCCP:
	case IP_PROTO_ICMP:
		return true;
	default:
		return false;
	}
}

/* parse_base: the port behind '/': a number from 1 (whatever follows it) or a tcp service. */
static int parse_base(struct opt_call *c, const char *text, struct nat_range *r)
{
	const char *end;
	uint64_t number;
	uint16_t port;

	if (!opt_number(text, &end, 1, UINT16_MAX, &number))
		port = (uint16_t)number;
	else if (opt_port(text, IP_PROTO_TCP, &port) || !port)
		return rule_fail(c->err, "Port `%s' not valid", text);
	r->flags |= NAT_RANGE_PORT_OFFSET;
	r->base_key = htons(port);
	return 0;
}

/* parse_max: what follows the first port and '-'. */
static int parse_max(struct opt_call *c, const char *text, struct nat_range *r)
{
	const char *end;
	uint64_t max;

	if (opt_number(text, &end, 0, UINT16_MAX, &max))
		return rule_fail(c->err, "Port `%s' not valid", text);
	if (max < ntohs(r->min_key))
		return rule_fail(c->err, "Port range `%s' funky", text);
	r->max_key = htons((uint16_t)max);
	if (*end == '/')
		return parse_base(c, end + 1, r);
	return *end ? rule_fail(c->err, "Garbage after port range: `%s'", end) : 0;
}

int range_parse_ports(struct opt_call *c, const char *text, struct nat_range *r)
{
	const char *end;
	uint64_t number;
	uint16_t port;

	if (!port_allowed(c->spec))
		return rule_fail(c->err, "Need TCP, UDP, SCTP or DCCP with port specification");
	r->flags |= NAT_RANGE_PORTS;
	if (!opt_number(text, &end, 0, UINT16_MAX, &number)) {
		port = (uint16_t)number;
	} else {
		if (opt_port(text, 0, &port))
			return rule_fail(c->err, "Port `%s' not valid", text);
		end = "";
	}
	r->min_key = r->max_key = htons(port);
	switch (*end) {
	case '\0':
		return 0;
	case '-':
		return parse_max(c, end + 1, r);
	case ':':
		return rule_fail(c->err, "Invalid port:port syntax - use dash");
	default:
		return rule_fail(c->err, "Garbage after port value: `%s'", end);
	}
}

/* parse_address: one address of @len characters at @text. */
static int parse_address(struct opt_call *c, const char *text, size_t len, struct addr *out)
{
	char copy[256];

	if (len >= sizeof copy)
		len = sizeof copy - 1;
	memcpy(copy, text, len);
	copy[len] = '\0';
	if (inet_pton(AF_INET, copy, &out->word[0]) != 1)
		return rule_fail(c->err, "Bad IP address \"%s\"", copy);
	return 0;
}

int range_parse_to(struct opt_call *c, const char *text, struct nat_range *r)
{
	const char *colon = strchr(text, ':'), *dash;
	size_t len;

	if (strchr(text, '['))
		return rule_fail(c->err, "Invalid address format");
	if (colon && strchr(colon + 1, ':'))
		colon = NULL; /* an IPv6 address: refused below */
	if (colon && range_parse_ports(c, colon + 1, r))
		return -1;
	if (colon == text)
		return 0;
	r->flags |= NAT_RANGE_ADDRS;
	len = colon ? (size_t)(colon - text) : strlen(text);
	dash = memchr(text, '-', len);
	if (parse_address(c, text, dash ? (size_t)(dash - text) : len, &r->min_addr))
		return -1;
	r->max_addr = r->min_addr;
	return dash ? parse_address(c, dash + 1, len - (size_t)(dash + 1 - text), &r->max_addr) : 0;
}

int range_check(struct opt_call *c)
{
	struct nat_range *r = c->data;
	static const uint32_t flag[] = {
		[RANGE_OPT_RANDOM] = NAT_RANGE_RANDOM,
		[RANGE_OPT_RANDOM_FULLY] = NAT_RANGE_RANDOM_FULLY,
		[RANGE_OPT_PERSISTENT] = NAT_RANGE_PERSISTENT,
	};

	for (unsigned i = RANGE_OPT_RANDOM; i <= RANGE_OPT_PERSISTENT; i++)
		if (c->seen & 1u << i)
			r->flags |= flag[i];
	return 0;
}

void range_put_ports(const struct nat_range *r, struct text *out)
{
	text_printf(out, "%u", ntohs(r->min_key));
	if (r->max_key != r->min_key)
		text_printf(out, "-%u", ntohs(r->max_key));
	if (r->flags & NAT_RANGE_PORT_OFFSET)
		text_printf(out, "/%u", ntohs(r->base_key));
}

void range_put_to(const struct nat_range *r, struct text *out)
{
	if (r->flags & NAT_RANGE_ADDRS) {
		put_ip4(out, r->min_addr.word[0]);
		if (!addr_equal(&r->min_addr, &r->max_addr)) {
			text_puts(out, "-");
			put_ip4(out, r->max_addr.word[0]);
		}
	}
	if (r->flags & NAT_RANGE_PORTS) {
		text_puts(out, ":");
		range_put_ports(r, out);
	}
}

void range_put_flags(const struct nat_range *r, const char *dashes, struct text *out)
{
	if (r->flags & NAT_RANGE_RANDOM)
		text_printf(out, " %srandom", dashes);
	if (r->flags & NAT_RANGE_RANDOM_FULLY)
		text_printf(out, " %srandom-fully", dashes);
	if (r->flags & NAT_RANGE_PERSISTENT)
		text_printf(out, " %spersistent", dashes);
}

void range_save_ports(const void *data, struct text *out)
{
	const struct nat_range *r = data;

	if (r->flags & NAT_RANGE_PORTS) {
		text_puts(out, " --to-ports ");
		range_put_ports(r, out);
	}
	range_put_flags(r, "--", out);
}

enum rule_verdict range_apply(const struct nat_range *r, enum nat_manip manip, struct pkt *p,
			      struct rule_env *env)
{
	if (!p->ct)
		return RULE_CONTINUE;
	if (nat_setup(env->tables->nat, p->ct, r, manip) == VERDICT_ACCEPT)
		return RULE_ACCEPT;
	p->drop = DROP_NAT_NO_TUPLE;
	return RULE_DROP;
}
