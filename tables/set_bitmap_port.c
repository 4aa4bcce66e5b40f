/* set_bitmap_port.c - bitmap:port: the ports of a range, of TCP and UDP alike (ip_set_bitmap_port.c). */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "netstack/netstack.h"
#include "tables/set.h"

/* bport_update: a port, or all of FROM-TO. */
static int bport_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	const struct set_bitmap_range *r = set_bitmap_range(s);
	uint32_t port = e->port, to = e->port;
	int result = 0;

	if (port < r->first || port > r->last)
		return -SET_E_RANGE;
	if (adt != SET_TEST && e->has_port_to) {
		to = e->port_to;
		if (port > to) {
			to = port;
			port = e->port_to;
		}
	}
	if (port < r->first || to > r->last)
		return -SET_E_RANGE;
	for (; port <= to && !result; port++) {
		uint16_t id = (uint16_t)(port - r->first);

		result = set_element(s, adt, &id, op);
		if (adt == SET_TEST)
			break;
	}
	return result;
}

static int bport_packet(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key)
{
	const struct set_bitmap_range *r = set_bitmap_range(s);
	uint16_t port, id;
	uint8_t proto;

	(void)adt;
	if (!set_packet_port(sp, 0, &port, &proto) || (proto != IPPROTO_TCP && proto != IPPROTO_UDP))
		return -SET_E_INVAL;
	if (ntohs(port) < r->first || ntohs(port) > r->last)
		return -SET_E_RANGE;
	id = (uint16_t)(ntohs(port) - r->first);
	memcpy(key, &id, sizeof id);
	return 0;
}

static void bport_put(const struct set *s, const void *key, struct text *out)
{
	uint16_t id;

	memcpy(&id, key, sizeof id);
	text_printf(out, "%u", set_bitmap_range(s)->first + id);
}

const struct set_type set_type_bitmap_port = {
	.name = "bitmap:port",
	.alias = "portmap",
	.revision = 3,
	.dims = 1,
	.features = SET_F_PORT,
	.any_family = true,
	.parts = { PART_BARE_PORT },
	.create_options = SET_OPT(RANGE) | SET_EXTENSION_OPTIONS,
	.add_options = SET_VALUE_OPTIONS,
	.test_single = 4,
	.key_size = 2,
	.linux_base = 72,
	.store = &set_store_bitmap,
	.update = bport_update,
	.packet = bport_packet,
	.put = bport_put,
	.usage = "[PROTO:]PORT|FROM-TO",
	.where = "where PORT, FROM and TO are port numbers or port names from /etc/services.\n"
		 "      PROTO is only needed if a service name is used and it does not exist\n"
		 "      as a TCP service; just the resolved service numer is stored in the set.\n",
};
