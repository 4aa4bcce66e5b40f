/* set_hash_net_iface.c - hash:net,iface: a network behind an interface (ip_set_hash_netiface.c).
 *
 * The interface is no part of what is hashed: the elements of one network share a bucket, whose size follows. With
 * wildcard the name of the element is the beginning of the names that fit.
 */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "netstack/netstack.h"
#include "tables/set.h"

enum { PHYSDEV_AT = 4, CIDR_AT = 5, ELEM_AT = 7, IFACE_AT = 8, KEY_SIZE = IFACE_AT + PORT_NAME_MAX };
_Static_assert((int)KEY_SIZE <= (int)SET_KEY_MAX, "key fits");

/* make_key: address, flags and length as Linux hashes them, then the name. */
static void make_key(uint8_t *key, uint32_t ip, uint8_t plen, bool physdev, const char *iface)
{
	uint32_t be = htonl(ip) & ip4_mask(plen);

	memset(key, 0, KEY_SIZE);
	memcpy(key, &be, 4);
	key[PHYSDEV_AT] = physdev;
	key[CIDR_AT] = plen;
	key[ELEM_AT] = 1;
	memcpy(key + IFACE_AT, iface, strnlen(iface, PORT_NAME_MAX - 1));
}

/* netiface_equal: the names, what is hashed being equal. */
static bool netiface_equal(const void *stored, uint8_t flags, const void *wanted)
{
	const char *a = (const char *)stored + IFACE_AT, *b = (const char *)wanted + IFACE_AT;

	return flags & SET_OP_WILDCARD ? !strncmp(a, b, strlen(a)) : !strcmp(a, b);
}

/* netiface_update: a network, or FROM-TO cut into networks. */
static int netiface_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	uint32_t ip = e->ip, to = e->ip_to, end;
	uint8_t key[KEY_SIZE], plen = e->has_cidr ? e->cidr : 32;
	int result;

	if (adt == SET_TEST || !e->has_to) {
		make_key(key, ip, plen, e->physdev, e->iface);
		return set_element(s, adt, key, op);
	}
	if (to < ip) {
		to = e->ip;
		ip = e->ip_to;
	}
	if (!ip && to == UINT32_MAX)
		return -SET_E_WHOLE_RANGE;
	do {
		end = set_next_net(ip, to, &plen);
		make_key(key, ip, plen, e->physdev, e->iface);
		result = set_element(s, adt, key, op);
		ip = end + 1;
	} while (!result && end < to);
	return result;
}

static int netiface_packet(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key)
{
	const struct port *port = sp->src >> 1 & 1 ? sp->in : sp->out;

	if (!port || !*port->name)
		return -SET_E_INVAL;
	make_key(key, ntohl(set_packet_addr(sp, 0)), adt == SET_TEST ? 32 : set_hash_cidr(s), false,
		 port->name);
	return 0;
}

static void netiface_put(const struct set *s, const void *key, struct text *out)
{
	const uint8_t *k = key;
	uint32_t ip;

	(void)s;
	memcpy(&ip, k, 4);
	set_put_ip(out, ntohl(ip));
	if (k[CIDR_AT] != 32)
		text_printf(out, "/%u", k[CIDR_AT]);
	text_printf(out, ",%s%s", k[PHYSDEV_AT] ? "physdev:" : "", (const char *)k + IFACE_AT);
}

const struct set_type set_type_hash_net_iface = {
	.name = "hash:net,iface",
	.revision = 8,
	.dims = 2,
	.features = SET_F_IP | SET_F_IFACE | SET_F_NOMATCH,
	.parts = { PART_NET, PART_IFACE },
	.create_options = SET_HASH_OPTIONS,
	.add_options = SET_VALUE_OPTIONS | SET_OPT(NOMATCH) | SET_OPT(WILDCARD),
	.test_options = SET_OPT(NOMATCH),
	.test_single = 2,
	.key_size = KEY_SIZE,
	.hash_size = IFACE_AT,
	.linux_key = 28,
	.linux_base = 464,
	.nets = true,
	.net0 = true,
	.net_at = 0,
	.cidr_at = CIDR_AT,
	.store = &set_store_hash,
	.update = netiface_update,
	.packet = netiface_packet,
	.put = netiface_put,
	.equal = netiface_equal,
	.usage = "IP[/CIDR]|FROM-TO,[physdev:]IFACE",
	.where = "where depending on the INET family\n"
		 "      IP is a valid IPv4 or IPv6 address (or hostname),\n"
		 "      CIDR is a valid IPv4 or IPv6 CIDR prefix.\n"
		 "      Adding/deleting multiple elements with IPv4 is supported.\n",
};
