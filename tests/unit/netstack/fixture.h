/* fixture.h - a bare router (no hooks) with two ports and a host behind each, for the tests of this room.
 *
 *     client 10.1.0.1 --- lan 10.1.0.254/24 [router] wan 203.0.113.254/24 --- server 203.0.113.1 (gateway to
 *     the rest)
 */
#ifndef TESTS_UNIT_NETSTACK_FIXTURE_H
#define TESTS_UNIT_NETSTACK_FIXTURE_H

#include "netstack/checksum.h"
#include "netstack/defrag.h"
#include "netstack/gso.h"
#include "netstack/icmp.h"
#include "netstack/ip4.h"
#include "netstack/neigh.h"
#include "netstack/netstack.h"
#include "tests/unit/craft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define LAN_MAC    "02:00:00:00:00:01"
#define WAN_MAC    "02:00:00:00:00:02"
#define CLIENT_MAC "02:00:00:00:01:01"
#define SERVER_MAC "02:00:00:00:02:01"
#define BROADCAST  "ff:ff:ff:ff:ff:ff"
#define ZERO_MAC   "00:00:00:00:00:00"
#define SECOND     1000000000ull
#define MS         1000000ull

struct lab {
	struct world world;
	struct netstack *ns;
	struct port *lan, *wan;
};

/* be: an address in network order. */
static inline uint32_t be(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, FAMILY_IP4, &a), 0);
	return a.word[0];
}

/* lab_up: a port with an address, up. */
static inline struct port *lab_port(struct lab *lab, const char *name, const char *mac, const char *address)
{
	uint8_t bytes[MAC_LEN];
	struct port *port;

	assert_int_equal(mac_parse(mac, bytes), 0);
	port = port_add(lab->ns, name, bytes, 1500);
	assert_non_null(port);
	port_set_up(lab->ns, port, true);
	assert_int_equal(port_add_addr(lab->ns, port, be(address), 24), 0);
	return port;
}

/* lab_route: "prefix/len" via a gateway (NULL: none) with a type. */
static inline int lab_route(struct lab *lab, const char *prefix, const char *via, enum route_type type)
{
	struct route r = { .type = (uint8_t)type, .protocol = 4 };
	unsigned plen;

	assert_int_equal(ip4_parse_prefix(prefix, &r.prefix, &plen), 0);
	r.plen = (uint8_t)plen;
	r.gateway = via ? be(via) : 0;
	return route_add(lab->ns, &r);
}

/* lab_learn: lets the router learn a neighbour, by a request from it. */
static inline void lab_learn(struct lab *lab, struct port *port, const char *mac, const char *ip, const char *ours)
{
	netstack_input(lab->ns, port, craft_arp(lab->ns->pool, BROADCAST, ARP_REQUEST, mac, ip, ZERO_MAC, ours));
}

/* lab_create: the router of the drawing, with both hosts known and a default route, slots NULL = no hooks. */
static inline struct lab *lab_create(const struct hook_slot *slots)
{
	struct lab *lab = calloc(1, sizeof *lab);

	assert_non_null(lab);
	lab->world.seed = 42;
	lab->ns = netstack_create(&world_ops, &lab->world, slots, NULL);
	assert_non_null(lab->ns);
	lab->ns->now = 1000 * SECOND;
	lab->lan = lab_port(lab, "lan", LAN_MAC, "10.1.0.254");
	lab->wan = lab_port(lab, "wan", WAN_MAC, "203.0.113.254");
	assert_int_equal(lab_route(lab, "0.0.0.0/0", "203.0.113.1", ROUTE_UNICAST), 0);
	lab_learn(lab, lab->lan, CLIENT_MAC, "10.1.0.1", "10.1.0.254");
	lab_learn(lab, lab->wan, SERVER_MAC, "203.0.113.1", "203.0.113.254");
	world_clear(&lab->world);
	return lab;
}

/* lab_destroy: the balance must be even before and nothing may leak. */
static inline void lab_destroy(struct lab *lab)
{
	assert_int_equal(netstack_balance_error(lab->ns), 0);
	assert_int_equal(pkt_pool_in_use(lab->ns->pool), netstack_held(lab->ns));
	assert_int_equal(netstack_destroy(lab->ns), 0);
	world_clear(&lab->world);
	free(lab);
}

/* lab_sleep: lets time pass, stopping at each deadline. */
static inline void lab_sleep(struct lab *lab, uint64_t ns)
{
	uint64_t until = lab->ns->now + ns;

	while (netstack_deadline(lab->ns) <= until) {
		if (netstack_deadline(lab->ns) > lab->ns->now)
			lab->ns->now = netstack_deadline(lab->ns);
		netstack_tick(lab->ns);
	}
	lab->ns->now = until;
	assert_int_equal(netstack_balance_error(lab->ns), 0);
}

/* from_client, from_server: sends a crafted packet into the router. */
static inline void from_client(struct lab *lab, const struct craft *c)
{
	netstack_input(lab->ns, lab->lan, craft_frame(lab->ns->pool, CLIENT_MAC, LAN_MAC, c));
	assert_int_equal(netstack_balance_error(lab->ns), 0);
}
static inline void from_server(struct lab *lab, const struct craft *c)
{
	netstack_input(lab->ns, lab->wan, craft_frame(lab->ns->pool, SERVER_MAC, WAN_MAC, c));
	assert_int_equal(netstack_balance_error(lab->ns), 0);
}

/* sent: the @i-th frame the router sent; its IPv4 header; its L4 header; offset helpers. */
static inline struct world_frame *sent(struct lab *lab, unsigned i)
{
	assert_true(i < lab->world.count);
	return &lab->world.sent[i % WORLD_KEEP];
}
static inline struct eth_hdr *sent_eth(struct lab *lab, unsigned i)
{
	return (struct eth_hdr *)(void *)sent(lab, i)->bytes;
}
static inline struct arp_ip4 *sent_arp(struct lab *lab, unsigned i)
{
	assert_int_equal(ntohs(sent_eth(lab, i)->type), ETHERTYPE_ARP);
	return (struct arp_ip4 *)(void *)(sent(lab, i)->bytes + ETH_HLEN);
}
static inline struct ip4_hdr *sent_ip(struct lab *lab, unsigned i)
{
	struct ip4_hdr *ip = (struct ip4_hdr *)(void *)(sent(lab, i)->bytes + ETH_HLEN);

	assert_int_equal(ntohs(sent_eth(lab, i)->type), ETHERTYPE_IP4);
	assert_int_equal(csum_bytes(ip, (size_t)(ip->version_ihl & 15) * 4), 0);
	assert_int_equal(ntohs(ip->total_len) + ETH_HLEN, sent(lab, i)->len);
	return ip;
}
static inline void *sent_l4(struct lab *lab, unsigned i)
{
	struct ip4_hdr *ip = sent_ip(lab, i);

	return (uint8_t *)ip + (size_t)(ip->version_ihl & 15) * 4;
}
/* sent_icmp: the ICMP header of a frame; its checksum must be right. */
static inline struct icmp_hdr *sent_icmp(struct lab *lab, unsigned i)
{
	struct ip4_hdr *ip = sent_ip(lab, i);
	size_t hlen = (size_t)(ip->version_ihl & 15) * 4;

	assert_int_equal(ip->proto, IP_PROTO_ICMP);
	assert_int_equal(csum_bytes((uint8_t *)ip + hlen, ntohs(ip->total_len) - hlen), 0);
	return sent_l4(lab, i);
}

/* dropped: how many packets ended for a reason. */
static inline uint64_t dropped(struct lab *lab, enum drop_reason reason)
{
	return lab->ns->balance.drops[reason];
}

#endif
