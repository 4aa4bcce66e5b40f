/* set_hash_ip_port_ip.c - hash:ip,port,ip: an address, a port, another address (ip_set_hash_ipportip.c). */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "netstack/netstack.h"
#include "tables/set.h"

enum { IP2_AT = 4, PORT_AT = 8, PROTO_AT = 10 };

/* make_key: addresses and port in network order, protocol. */
static void make_key(uint8_t *key, uint32_t ip, uint32_t ip2, uint16_t port, uint8_t proto)
{
	uint32_t be = htonl(ip), be2 = htonl(ip2);
	uint16_t be_port = htons(port);

	memset(key, 0, 12);
	memcpy(key, &be, 4);
	memcpy(key + IP2_AT, &be2, 4);
	memcpy(key + PORT_AT, &be_port, 2);
	key[PROTO_AT] = proto;
}

/* ipportip_update: every address of the first range with every port, and the one second address. */
static int ipportip_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	struct set_span span;
	uint8_t key[12];
	int result = set_span_of(e, adt, e->ip, &span);

	for (uint64_t ip = span.ip; ip <= span.ip_to && !result; ip++)
		for (uint32_t port = span.port; port <= span.port_to && !result; port++) {
			make_key(key, (uint32_t)ip, e->ip2, (uint16_t)port, e->proto);
			result = set_element(s, adt, key, op);
		}
	return result;
}

static int ipportip_packet(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key)
{
	uint16_t port;
	uint8_t proto;

	(void)s, (void)adt;
	if (!set_packet_port(sp, 1, &port, &proto))
		return -SET_E_INVAL;
	make_key(key, ntohl(set_packet_addr(sp, 0)), ntohl(set_packet_addr(sp, 2)), ntohs(port), proto);
	return 0;
}

static void ipportip_put(const struct set *s, const void *key, struct text *out)
{
	const uint8_t *k = key;
	uint32_t ip, ip2;
	uint16_t port;

	memcpy(&ip, k, 4);
	memcpy(&ip2, k + IP2_AT, 4);
	memcpy(&port, k + PORT_AT, 2);
	set_put_ip(out, ntohl(ip));
	text_puts(out, ",");
	set_put_proto_port(s->sets, k[PROTO_AT], ntohs(port), out);
	text_puts(out, ",");
	set_put_ip(out, ntohl(ip2));
}

const struct set_type set_type_hash_ip_port_ip = {
	.name = "hash:ip,port,ip",
	.alias = "ipportiphash",
	.revision = 6,
	.dims = 3,
	.features = SET_F_IP | SET_F_PORT | SET_F_IP2,
	.parts = { PART_IP_MANY, PART_PORT, PART_IP_SINGLE },
	.create_options = SET_HASH_OPTIONS,
	.add_options = SET_VALUE_OPTIONS,
	.test_single = 7,
	.key_size = 12,
	.hash_size = 12,
	.linux_key = 12,
	.linux_base = 184,
	.store = &set_store_hash,
	.update = ipportip_update,
	.packet = ipportip_packet,
	.put = ipportip_put,
	.usage = "IP,[PROTO:]PORT,IP",
	.where = "where depending on the INET family\n"
		 "      IP is a valid IPv4 or IPv6 address (or hostname).\n"
		 "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form\n"
		 "      in the first IP component is supported for IPv4.\n"
		 "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE\n"
		 "      port range is supported both for IPv4 and IPv6.\n",
};
