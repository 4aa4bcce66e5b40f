/* set_hash_ip_port.c - hash:ip,port: an address with a protocol and port (ip_set_hash_ipport.c). */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "netstack/netstack.h"
#include "tables/set.h"

enum { PORT_AT = 4, PROTO_AT = 6 };

/* make_key: address and port in network order, protocol. */
static void make_key(uint8_t *key, uint32_t ip, uint16_t port, uint8_t proto)
{
	uint32_t be = htonl(ip);
	uint16_t be_port = htons(port);

	memset(key, 0, 8);
	memcpy(key, &be, 4);
	memcpy(key + PORT_AT, &be_port, 2);
	key[PROTO_AT] = proto;
}

/* ipport_update: every address of the one range with every port of the other. */
static int ipport_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	struct set_span span;
	uint8_t key[8];
	int result = set_span_of(e, adt, e->ip & s->netmask, &span);

	if (!(e->ip & s->netmask))
		return -SET_E_INVAL;
	for (uint64_t ip = span.ip; ip <= span.ip_to && !result; ip++)
		for (uint32_t port = span.port; port <= span.port_to && !result; port++) {
			make_key(key, (uint32_t)ip, (uint16_t)port, e->proto);
			result = set_element(s, adt, key, op);
		}
	return result;
}

static int ipport_packet(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key)
{
	uint32_t ip = ntohl(set_packet_addr(sp, 0)) & s->netmask;
	uint16_t port;
	uint8_t proto;

	(void)adt;
	if (!set_packet_port(sp, 1, &port, &proto) || !ip)
		return -SET_E_INVAL;
	make_key(key, ip, ntohs(port), proto);
	return 0;
}

static void ipport_put(const struct set *s, const void *key, struct text *out)
{
	const uint8_t *k = key;
	uint16_t port;
	uint32_t ip;

	memcpy(&ip, k, 4);
	memcpy(&port, k + PORT_AT, 2);
	set_put_ip(out, ntohl(ip));
	text_puts(out, ",");
	set_put_proto_port(s->sets, k[PROTO_AT], ntohs(port), out);
}

const struct set_type set_type_hash_ip_port = {
	.name = "hash:ip,port",
	.alias = "ipporthash",
	.revision = 7,
	.dims = 2,
	.features = SET_F_IP | SET_F_PORT,
	.parts = { PART_IP_MANY, PART_PORT },
	.create_options = SET_HASH_OPTIONS | SET_OPT(NETMASK) | SET_OPT(BITMASK),
	.add_options = SET_VALUE_OPTIONS,
	.test_single = 7,
	.key_size = 8,
	.hash_size = 8,
	.linux_key = 8,
	.linux_base = 192,
	.store = &set_store_hash,
	.update = ipport_update,
	.packet = ipport_packet,
	.put = ipport_put,
	.usage = "IP,[PROTO:]PORT",
	.where = "where depending on the INET family\n"
		 "      IP is a valid IPv4 or IPv6 address (or hostname).\n"
		 "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form\n"
		 "      is supported for IPv4.\n"
		 "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE\n"
		 "      port range is supported both for IPv4 and IPv6.\n",
};
