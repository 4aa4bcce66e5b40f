/* set_hash_ip_port_net.c - hash:ip,port,net: an address, a port, a network (ip_set_hash_ipportnet.c). */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "netstack/netstack.h"
#include "tables/set.h"

enum { IP2_AT = 4, PORT_AT = 8, CIDR_AT = 10, PROTO_AT = 11 };

/* make_key: addresses and port in network order, length less one, protocol. */
static void make_key(uint8_t *key, uint32_t ip, uint32_t ip2, uint8_t plen, uint16_t port, uint8_t proto)
{
	uint32_t be = htonl(ip), be2 = htonl(ip2) & ip4_mask(plen);
	uint16_t be_port = htons(port);

	memcpy(key, &be, 4);
	memcpy(key + IP2_AT, &be2, 4);
	memcpy(key + PORT_AT, &be_port, 2);
	key[CIDR_AT] = (uint8_t)(plen - 1);
	key[PROTO_AT] = proto;
}

/* nets_update: one address and port with each network of @from..@to. */
static int nets_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op,
		       uint32_t ip, uint16_t port, uint32_t from, uint32_t to)
{
	uint8_t key[12], plen;
	uint32_t end;
	int result;

	do {
		end = set_next_net(from, to, &plen);
		make_key(key, ip, from, plen, port, e->proto);
		result = set_element(s, adt, key, op);
		from = end + 1;
	} while (!result && end < to);
	return result;
}

/* ipportnet_update: every address of the first range with every port and every network. */
static int ipportnet_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	struct set_span span;
	uint32_t from = e->ip2, to = e->ip2_to;
	uint8_t key[12], plen = e->has_cidr2 ? e->cidr2 : 32;
	int result;

	if (!plen)
		return -SET_E_CIDR;
	if (adt == SET_TEST || !(e->has_to || e->has_cidr || e->has_port_to || e->has_to2)) {
		make_key(key, e->ip, e->ip2, plen, e->port, e->proto);
		return set_element(s, adt, key, op);
	}
	if (!e->has_to2) {
		from = e->ip2 & ntohl(ip4_mask(plen));
		to = from | ~ntohl(ip4_mask(plen));
	} else if (from > to) {
		from = e->ip2_to;
		to = e->ip2;
	}
	if (e->has_to2 && !from && to == UINT32_MAX)
		return -SET_E_WHOLE_RANGE;
	result = set_span_of(e, adt, e->ip, &span);
	for (uint64_t ip = span.ip; ip <= span.ip_to && !result; ip++)
		for (uint32_t port = span.port; port <= span.port_to && !result; port++)
			result = nets_update(s, adt, e, op, (uint32_t)ip, (uint16_t)port, from, to);
	return result;
}

static int ipportnet_packet(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key)
{
	uint16_t port;
	uint8_t proto;

	if (!set_packet_port(sp, 1, &port, &proto))
		return -SET_E_INVAL;
	make_key(key, ntohl(set_packet_addr(sp, 0)), ntohl(set_packet_addr(sp, 2)),
		 adt == SET_TEST ? 32 : set_hash_cidr(s), ntohs(port), proto);
	return 0;
}

static void ipportnet_put(const struct set *s, const void *key, struct text *out)
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
	if (k[CIDR_AT] != 31)
		text_printf(out, "/%u", k[CIDR_AT] + 1);
}

const struct set_type set_type_hash_ip_port_net = {
	.name = "hash:ip,port,net",
	.alias = "ipportnethash",
	.revision = 8,
	.dims = 3,
	.features = SET_F_IP | SET_F_PORT | SET_F_IP2 | SET_F_NOMATCH,
	.parts = { PART_IP_MANY, PART_PORT, PART_NET },
	.create_options = SET_HASH_OPTIONS,
	.add_options = SET_VALUE_OPTIONS | SET_OPT(NOMATCH),
	.test_options = SET_OPT(NOMATCH),
	.test_single = 7,
	.key_size = 12,
	.hash_size = 12,
	.linux_key = 12,
	.linux_base = 440,
	.nets = true,
	.net_at = IP2_AT,
	.cidr_at = CIDR_AT,
	.cidr_bias = 1,
	.store = &set_store_hash,
	.update = ipportnet_update,
	.packet = ipportnet_packet,
	.put = ipportnet_put,
	.usage = "IP,[PROTO:]PORT,IP[/CIDR]",
	.where = "where depending on the INET family\n"
		 "      IP are valid IPv4 or IPv6 addresses (or hostnames),\n"
		 "      CIDR is a valid IPv4 or IPv6 CIDR prefix.\n"
		 "      Adding/deleting multiple elements in IP/CIDR or FROM-TO form\n"
		 "      in the first IP component is supported for IPv4.\n"
		 "      Adding/deleting multiple elements with TCP/SCTP/UDP/UDPLITE\n"
		 "      port range is supported both for IPv4 and IPv6.\n",
};
