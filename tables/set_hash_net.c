/* set_hash_net.c - hash:net: networks of any size, the most specific decides (ip_set_hash_net.c). */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "netstack/netstack.h"
#include "tables/set.h"

enum { NET_CIDR_AT = 7 };

/* make_key: network order address, padding, length. */
static void make_key(uint8_t *key, uint32_t ip, uint8_t plen)
{
	uint32_t be = htonl(ip) & ip4_mask(plen);

	memset(key, 0, 8);
	memcpy(key, &be, 4);
	key[NET_CIDR_AT] = plen;
}

/* net_update: a network, or FROM-TO cut into networks. */
static int net_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	uint32_t ip = e->ip, to = e->ip_to, end;
	uint8_t key[8], plen = e->has_cidr ? e->cidr : 32;
	int result;

	if (!plen)
		return -SET_E_CIDR;
	if (adt == SET_TEST || !e->has_to) {
		make_key(key, ip, plen);
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
		make_key(key, ip, plen);
		result = set_element(s, adt, key, op);
		ip = end + 1;
	} while (!result && end < to);
	return result;
}

static int net_packet(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key)
{
	make_key(key, ntohl(set_packet_addr(sp, 0)), adt == SET_TEST ? 32 : set_hash_cidr(s));
	return 0;
}

static void net_put(const struct set *s, const void *key, struct text *out)
{
	const uint8_t *k = key;
	uint32_t ip;

	(void)s;
	memcpy(&ip, k, 4);
	set_put_ip(out, ntohl(ip));
	if (k[NET_CIDR_AT] != 32)
		text_printf(out, "/%u", k[NET_CIDR_AT]);
}

const struct set_type set_type_hash_net = {
	.name = "hash:net",
	.alias = "nethash",
	.revision = 7,
	.dims = 1,
	.features = SET_F_IP | SET_F_NOMATCH,
	.parts = { PART_NET },
	.create_options = SET_HASH_OPTIONS,
	.add_options = SET_VALUE_OPTIONS | SET_OPT(NOMATCH),
	.test_options = SET_OPT(NOMATCH),
	.test_single = 2,
	.key_size = 8,
	.hash_size = 8,
	.linux_key = 8,
	.linux_base = 432,
	.nets = true,
	.net_at = 0,
	.cidr_at = NET_CIDR_AT,
	.store = &set_store_hash,
	.update = net_update,
	.packet = net_packet,
	.put = net_put,
	.usage = "IP[/CIDR]",
	.where = "where depending on the INET family\n"
		 "      IP is an IPv4 or IPv6 address (or hostname),\n"
		 "      CIDR is a valid IPv4 or IPv6 CIDR prefix.\n",
};
