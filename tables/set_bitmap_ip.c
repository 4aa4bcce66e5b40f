/* set_bitmap_ip.c - bitmap:ip: the addresses, or networks of one size, of a range (ip_set_bitmap_ip.c). */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "netstack/netstack.h"
#include "tables/set.h"

/* element: the number of @ip in the set. */
static uint16_t element(const struct set *s, uint32_t ip)
{
	const struct set_bitmap_range *r = set_bitmap_range(s);

	return (uint16_t)(((ip & s->netmask) - r->first) / r->hosts);
}

/* bip_update: IP, or all of IP/CIDR or FROM-TO. */
static int bip_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	const struct set_bitmap_range *r = set_bitmap_range(s);
	uint64_t ip = e->ip, to = e->ip;
	int result = 0;

	if (ip < r->first || ip > r->last)
		return -SET_E_RANGE;
	if (adt != SET_TEST && e->has_to) {
		to = e->ip_to;
		if (ip > to) {
			to = ip;
			ip = e->ip_to;
		}
	} else if (adt != SET_TEST && e->has_cidr) {
		if (!e->cidr)
			return -SET_E_CIDR;
		ip &= ntohl(ip4_mask(e->cidr));
		to = ip | ~ntohl(ip4_mask(e->cidr));
	}
	if (ip < r->first || to > r->last)
		return -SET_E_RANGE;
	for (; ip <= to && !result; ip += r->hosts) {
		uint16_t id = element(s, (uint32_t)ip);

		result = set_element(s, adt, &id, op);
		if (adt == SET_TEST)
			break;
	}
	return result;
}

static int bip_packet(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key)
{
	const struct set_bitmap_range *r = set_bitmap_range(s);
	uint32_t ip = ntohl(set_packet_addr(sp, 0));
	uint16_t id = element(s, ip);

	(void)adt;
	if (ip < r->first || ip > r->last)
		return -SET_E_RANGE;
	memcpy(key, &id, sizeof id);
	return 0;
}

static void bip_put(const struct set *s, const void *key, struct text *out)
{
	const struct set_bitmap_range *r = set_bitmap_range(s);
	uint16_t id;

	memcpy(&id, key, sizeof id);
	set_put_ip(out, r->first + id * r->hosts);
}

const struct set_type set_type_bitmap_ip = {
	.name = "bitmap:ip",
	.alias = "ipmap",
	.revision = 3,
	.dims = 1,
	.features = SET_F_IP,
	.parts = { PART_IP_MANY },
	.create_options = SET_OPT(RANGE) | SET_OPT(NETMASK) | SET_EXTENSION_OPTIONS,
	.add_options = SET_VALUE_OPTIONS,
	.test_single = 3,
	.key_size = 2,
	.linux_base = 88,
	.store = &set_store_bitmap,
	.update = bip_update,
	.packet = bip_packet,
	.put = bip_put,
	.usage = "IP|IP/CIDR|FROM-TO",
	.where = "where IP, FROM and TO are IPv4 addresses (or hostnames),\n"
		 "      CIDR is a valid IPv4 CIDR prefix.\n",
};
