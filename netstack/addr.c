/* addr.c - addresses to text and back. */
#include "netstack/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

char *addr_format(const struct addr *a, uint8_t family, char *text)
{
	inet_ntop(family == FAMILY_IP6 ? AF_INET6 : AF_INET, a->byte, text, ADDR_TEXT_MAX);
	return text;
}

int addr_parse(const char *text, uint8_t family, struct addr *out)
{
	struct addr a = { 0 };

	if (inet_pton(family == FAMILY_IP6 ? AF_INET6 : AF_INET, text, a.byte) != 1)
		return -EINVAL;
	*out = a;
	return 0;
}

int ip4_parse_prefix(const char *text, uint32_t *be, unsigned *plen)
{
	char host[INET_ADDRSTRLEN];
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned long bits = 32;
	struct addr a;
	char *end;

	if (len >= sizeof host)
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (slash) {
		if (slash[1] < '0' || slash[1] > '9')
			return -EINVAL;
		bits = strtoul(slash + 1, &end, 10);
		if (*end || bits > 32)
			return -EINVAL;
	}
	if (addr_parse(host, FAMILY_IP4, &a))
		return -EINVAL;
	*be = a.word[0];
	*plen = (unsigned)bits;
	return 0;
}

char *mac_format(const uint8_t mac[MAC_LEN], char *text)
{
	snprintf(text, MAC_TEXT_MAX, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return text;
}

/* hex_digit: value of a hexadecimal digit, -1 for anything else. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int mac_parse(const char *text, uint8_t mac[MAC_LEN])
{
	uint8_t out[MAC_LEN];

	if (strlen(text) != MAC_TEXT_MAX - 1)
		return -EINVAL;
	for (int i = 0; i < MAC_LEN; i++) {
		int high = hex_digit(text[3 * i]), low = hex_digit(text[3 * i + 1]);

		if (high < 0 || low < 0 || (i < MAC_LEN - 1 && text[3 * i + 2] != ':'))
			return -EINVAL;
		out[i] = (uint8_t)(high << 4 | low);
	}
	memcpy(mac, out, MAC_LEN);
	return 0;
}
