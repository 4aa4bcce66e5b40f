/* addr.h - one address type for both families.
 *
 * An address is 16 bytes in network order. An IPv4 address lives in word[0]; the other words are zero, so that
 * comparing and hashing need not know the family. The family travels beside it (tuple, packet, route).
 */
#ifndef NETSTACK_ADDR_H
#define NETSTACK_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { FAMILY_NONE = 0, FAMILY_IP4 = 2, FAMILY_IP6 = 10 };

/* Longest text of an address with its terminating NUL, either family. */
enum { ADDR_TEXT_MAX = 46, MAC_LEN = 6, MAC_TEXT_MAX = 18 };

struct addr {
	union {
		uint8_t byte[16];
		uint32_t word[4]; /* network order */
	};
};

/* addr_ip4: an address from 4 bytes in network order. */
static inline struct addr addr_ip4(uint32_t be)
{
	return (struct addr){ .word = { be, 0, 0, 0 } };
}

/* addr_equal: whether two addresses of the same family are the same. */
static inline bool addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* addr_is_zero: whether it is the unspecified address of its family. */
static inline bool addr_is_zero(const struct addr *a)
{
	return !(a->word[0] | a->word[1] | a->word[2] | a->word[3]);
}

/* ip4_mask: netmask of a prefix length 0..32, network order. */
static inline uint32_t ip4_mask(unsigned plen)
{
	return plen ? __builtin_bswap32(~0u << (32 - plen)) : 0;
}

/* The ranges below take an IPv4 address in network order (RFC 1122 3.2.1.3, RFC 5771). */
static inline bool ip4_is_loopback(uint32_t be)
{
	return (be & __builtin_bswap32(0xff000000)) == __builtin_bswap32(0x7f000000);
}
static inline bool ip4_is_multicast(uint32_t be)
{
	return (be & __builtin_bswap32(0xf0000000)) == __builtin_bswap32(0xe0000000);
}
static inline bool ip4_is_limited_broadcast(uint32_t be)
{
	return be == 0xffffffff;
}
/* Only 0.0.0.0 itself: Linux routes the rest of 0.0.0.0/8 since 5.3. */
static inline bool ip4_is_zeronet(uint32_t be)
{
	return be == 0;
}

/* addr_format: writes the text of an address; @text holds ADDR_TEXT_MAX bytes. Return: @text. */
char *addr_format(const struct addr *a, uint8_t family, char *text);

/* addr_parse: reads a numeric address of @family. Return: 0, or -EINVAL (@out untouched). */
int addr_parse(const char *text, uint8_t family, struct addr *out);

/* ip4_parse_prefix: reads A.B.C.D or A.B.C.D/0..32. Return: 0, or -EINVAL (nothing written). */
int ip4_parse_prefix(const char *text, uint32_t *be, unsigned *plen);

/* mac_format, mac_parse: aa:bb:cc:dd:ee:ff; @text holds MAC_TEXT_MAX bytes; parse returns 0 or -EINVAL. */
char *mac_format(const uint8_t mac[MAC_LEN], char *text);
int mac_parse(const char *text, uint8_t mac[MAC_LEN]);

#endif
