/* set_hash_ip.c - hash:ip: addresses, or networks of one size (netmask, bitmask) (ip_set_hash_ip.c). */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "netstack/netstack.h"
#include "tables/set.h"

/* ip_update: IP, every address of IP/CIDR or FROM-TO, in steps of the set's netmask. */
static int ip_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	uint64_t ip = e->ip & s->netmask, to = ip, step = s->plen == 32 ? 1 : 1ull << (32 - s->plen);
	int result = 0;

	if (!ip)
		return -SET_E_NULL_ELEMENT;
	if (e->has_to && adt != SET_TEST) {
		to = e->ip_to;
		if (ip > to) {
			to = ip;
			ip = e->ip_to;
		}
		if (!ip)
			return -SET_E_NULL_ELEMENT;
	} else if (e->has_cidr && adt != SET_TEST) {
		if (!e->cidr)
			return -SET_E_CIDR;
		ip &= ntohl(ip4_mask(e->cidr));
		to = ip | ~ntohl(ip4_mask(e->cidr));
		if (!ip)
			return -SET_E_NULL_ELEMENT;
	}
	for (; ip <= to && !result; ip += step) {
		uint32_t key = htonl((uint32_t)ip);

		result = set_element(s, adt, &key, op);
		if (adt == SET_TEST)
			break;
	}
	return result;
}

static int ip_packet(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key)
{
	uint32_t ip = set_packet_addr(sp, 0) & htonl(s->netmask);

	(void)adt;
	memcpy(key, &ip, 4);
	return ip ? 0 : -SET_E_INVAL;
}

static void ip_put(const struct set *s, const void *key, struct text *out)
{
	uint32_t ip;

	(void)s;
	memcpy(&ip, key, 4);
	set_put_ip(out, ntohl(ip));
}

const struct set_type set_type_hash_ip = {
	.name = "hash:ip",
	.alias = "iphash",
	.revision = 6,
	.dims = 1,
	.features = SET_F_IP,
	.parts = { PART_IP_MANY },
	.create_options = SET_HASH_OPTIONS | SET_OPT(NETMASK) | SET_OPT(BITMASK),
	.add_options = SET_VALUE_OPTIONS,
	.key_size = 4,
	.hash_size = 4,
	.linux_key = 4,
	.linux_base = 192,
	.store = &set_store_hash,
	.update = ip_update,
	.packet = ip_packet,
	.put = ip_put,
	.usage = "IP",
	.where = "where depending on the INET family\n"
		 "      IP is a valid IPv4 or IPv6 address (or hostname),\n"
		 "      CIDR is a valid IPv4 or IPv6 CIDR prefix.\n"
		 "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form\n"
		 "      is supported for IPv4.\n",
};
