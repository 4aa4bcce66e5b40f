/* option_values.c - values of options from text; see options.h.
 *
 * Names of services and protocols come from the C library (services(5), protocols(5)), as for the real iptables; that is
 * the one thing the reading of rules asks of the system. Host names are not resolved: a rule must not wait for DNS.
 */
#include "tables/options.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

int opt_number(const char *text, const char **end, uint64_t min, uint64_t max, uint64_t *out)
{
	const char *first = text;
	unsigned long long value;
	char *stop;

	while (isspace((unsigned char)*first))
		first++;
	if (*first == '-')
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &stop, 0);
	if (stop == text || errno == ERANGE || value < min || value > max || (!end && *stop))
		return -EINVAL;
	if (end)
		*end = stop;
	*out = value;
	return 0;
}

/* service_port: the port of a service name of protocol @proto (0 = any). Return: host order, -1 if unknown. */
static int service_port(const char *name, uint8_t proto)
{
	char buf[2048], proto_buf[1024];
	struct protoent proto_entry, *p = NULL;
	struct servent entry, *s = NULL;

	if (proto)
		getprotobynumber_r(proto, &proto_entry, proto_buf, sizeof proto_buf, &p);
	if (getservbyname_r(name, p ? p->p_name : NULL, &entry, buf, sizeof buf, &s) || !s)
		return -1;
	return __builtin_bswap16((uint16_t)s->s_port);
}

int opt_port(const char *text, uint8_t proto, uint16_t *out)
{
	uint64_t value;
	int port;

	if (!opt_number(text, NULL, 0, UINT16_MAX, &value)) {
		*out = (uint16_t)value;
		return 0;
	}
	port = service_port(text, proto);
	if (port < 0)
		return -EINVAL;
	*out = (uint16_t)port;
	return 0;
}

int opt_port_decimal(const char *text, uint16_t *out)
{
	char *end;
	int value = (int)strtoul(text, &end, 10);

	if (end != text && !*end) {
		if (value < 0)
			return -EINVAL;
		*out = (uint16_t)value;
		return 0;
	}
	return isalpha((unsigned char)*text) ? opt_port(text, 0, out) : -EINVAL;
}

int opt_mac(const char *text, uint8_t mac[MAC_LEN])
{
	uint8_t got[MAC_LEN];

	for (unsigned i = 0; i < MAC_LEN; i++) {
		size_t digits = strspn(text, "0123456789abcdefABCDEF");

		if (!digits || digits > 2 || text[digits] != (i < MAC_LEN - 1 ? ':' : '\0'))
			return -EINVAL;
		got[i] = (uint8_t)strtoul(text, NULL, 16);
		text += digits + 1;
	}
	memcpy(mac, got, sizeof got);
	return 0;
}

int opt_ip4(const char *text, uint32_t *be)
{
	struct addr a;

	if (addr_parse(text, FAMILY_IP4, &a))
		return -EINVAL;
	*be = a.word[0];
	return 0;
}

/* ip4_number: an address in the forms of inet_aton(3): "10.1" is 10.0.0.1, numbers may be hexadecimal or octal; but no
 * blank behind. Return: 0 or -EINVAL. */
static int ip4_number(const char *text, uint32_t *be)
{
	struct in_addr a;

	if (strspn(text, "0123456789abcdefABCDEFxX.") != strlen(text) || !inet_aton(text, &a))
		return -EINVAL;
	*be = a.s_addr;
	return 0;
}

int opt_ip4_host(const char *text, uint32_t *be)
{
	if (strcmp(text, "localhost"))
		return ip4_number(text, be);
	*be = __builtin_bswap32(0x7f000001);
	return 0;
}

int opt_ip4_mask_text(const char *text, uint32_t *mask)
{
	uint64_t plen;

	if (!opt_number(text, NULL, 0, 32, &plen)) {
		*mask = ip4_mask((unsigned)plen);
		return 0;
	}
	return ip4_number(text, mask);
}

int opt_ip4_range(const char *text, uint32_t *min, uint32_t *max)
{
	const char *dash = strchr(text, '-');
	uint32_t low, high;
	char first[64];

	snprintf(first, sizeof first, "%.*s", (int)(dash ? dash - text : (ptrdiff_t)strlen(text)), text);
	if (opt_ip4(first, &low))
		return -EINVAL;
	high = low;
	if (dash && opt_ip4(dash + 1, &high))
		return -EINVAL;
	*min = low;
	*max = high;
	return 0;
}

int opt_mark_mask(const char *text, uint32_t *value, uint32_t *mask)
{
	const char *end;
	uint64_t v, m = *mask;

	if (opt_number(text, &end, 0, UINT32_MAX, &v))
		return -EINVAL;
	if (*end == '/' && opt_number(end + 1, &end, 0, UINT32_MAX, &m))
		return -EINVAL;
	if (*end)
		return -E2BIG;
	*value = (uint32_t)v;
	*mask = (uint32_t)m;
	return 0;
}

const struct opt_name *opt_name_find(const struct opt_name *names, const char *text, size_t len, bool whole)
{
	for (; names->name; names++)
		if (len && !strncasecmp(names->name, text, len) && (!whole || !names->name[len]))
			return names;
	return NULL;
}

const struct opt_name *opt_name_of(const struct opt_name *names, uint32_t value)
{
	for (; names->name; names++)
		if (names->value == value)
			return names;
	return NULL;
}
