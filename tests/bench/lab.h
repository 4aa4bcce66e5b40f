/* lab.h - an engine between a client and a server, without I/O, for the benchmarks of the core.
 *
 *   client 10.1.0.1 - lan [engine] wan - 203.0.113.1 server
 */
#ifndef TESTS_BENCH_LAB_H
#define TESTS_BENCH_LAB_H

#include "netstack/checksum.h"
#include "netstack/text.h"
#include "router/engine.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const uint8_t lan_mac[MAC_LEN] = { 2, 0, 0, 0, 0, 1 }, wan_mac[MAC_LEN] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t client_mac[MAC_LEN] = { 2, 0, 0, 0, 1, 1 }, server_mac[MAC_LEN] = { 2, 0, 0, 0, 1, 2 };

/* The engine and what came out of it last. */
struct bench {
	struct engine *e;
	struct port *lan, *wan;
	uint64_t now;
	uint64_t sent;
	struct port *last_out;
	uint8_t last[128];
};

/* transmit, log_line, random_bytes: netstack_ops. What is sent is kept, random numbers repeat. */
static int transmit(void *user, struct port *port, struct pkt *p)
{
	struct bench *b = user;

	b->sent++;
	b->last_out = port;
	memcpy(b->last, p->data, p->len < sizeof b->last ? p->len : sizeof b->last);
	return 0;
}

static void log_line(void *user, int level, const char *line)
{
	(void)user;
	(void)level;
	fprintf(stderr, "%s\n", line);
}

static void random_bytes(void *user, void *buf, size_t len)
{
	static uint64_t state = 88172645463325252ull;
	uint8_t *at = buf;

	(void)user;
	while (len--) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		*at++ = (uint8_t)state;
	}
}

static const struct netstack_ops ops = { transmit, log_line, random_bytes };

/* frame: writes an Ethernet + IPv4 + UDP frame with 18 payload bytes into a fresh packet. Addresses in host order. */
static struct pkt *frame(struct bench *b, const uint8_t *src_mac, const uint8_t *dst_mac, uint32_t src, uint32_t dst,
			 uint16_t sport, uint16_t dport)
{
	enum { PAYLOAD = 18 };
	struct pkt *p = engine_alloc(b->e);
	struct eth_hdr *eth;
	struct ip4_hdr *ip;
	struct udp_hdr *udp;

	if (!p)
		exit(1);
	p->len = ETH_HLEN + IP4_HLEN + sizeof *udp + PAYLOAD;
	eth = (struct eth_hdr *)p->data;
	memcpy(eth->dst, dst_mac, MAC_LEN);
	memcpy(eth->src, src_mac, MAC_LEN);
	eth->type = htons(ETHERTYPE_IP4);
	ip = (struct ip4_hdr *)(p->data + ETH_HLEN);
	*ip = (struct ip4_hdr){ .version_ihl = 0x45, .total_len = htons(IP4_HLEN + sizeof *udp + PAYLOAD), .ttl = 64,
				.proto = IP_PROTO_UDP, .src = htonl(src), .dst = htonl(dst) };
	ip->checksum = csum_bytes(ip, IP4_HLEN);
	udp = (struct udp_hdr *)(p->data + ETH_HLEN + IP4_HLEN);
	*udp = (struct udp_hdr){ htons(sport), htons(dport), htons(sizeof *udp + PAYLOAD), 0 };
	return p;
}

/* arp: teaches the engine a neighbour by asking for the router's address. */
static void arp(struct bench *b, struct port *port, const uint8_t *mac, uint32_t ip, uint32_t router)
{
	struct pkt *p = engine_alloc(b->e);
	struct eth_hdr *eth = (struct eth_hdr *)p->data;
	struct arp_ip4 *a = (struct arp_ip4 *)(p->data + ETH_HLEN);

	p->len = ETH_HLEN + sizeof *a;
	memset(eth->dst, 0xff, MAC_LEN);
	memcpy(eth->src, mac, MAC_LEN);
	eth->type = htons(ETHERTYPE_ARP);
	*a = (struct arp_ip4){ htons(1), htons(ETHERTYPE_IP4), MAC_LEN, 4, htons(ARP_REQUEST), { 0 }, htonl(ip), { 0 },
			       htonl(router) };
	memcpy(a->sender_mac, mac, MAC_LEN);
	engine_input(b->e, port, p, b->now);
}

/* load_rules: @count rules that never match, then the accept, and MASQUERADE if it is wanted. */
static void load_rules(struct bench *b, unsigned count, bool masquerade)
{
	struct ruleset *rs = tables_begin(b->e->tables, false);
	struct rule_error err;
	struct text rules = { 0 };

	text_puts(&rules, "*filter\n:INPUT ACCEPT\n:FORWARD DROP\n:OUTPUT ACCEPT\n");
	for (unsigned i = 0; i < count; i++)
		text_printf(&rules, "-A FORWARD -s 172.16.%u.%u -p udp -j DROP\n", i / 256 % 256, i % 256);
	text_puts(&rules, "-A FORWARD -j ACCEPT\nCOMMIT\n");
	if (masquerade)
		text_puts(&rules, "*nat\n-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n");
	if (!rs || ruleset_restore(b->e->tables, rs, rules.data, "bench", false, false, &err) ||
	    tables_commit(b->e->tables, rs, &err)) {
		fprintf(stderr, "bench: %s\n", err.text);
		exit(1);
	}
	text_free(&rules);
}

/* setup: the engine with room for so many connections and two ports, their neighbours known. @rules: as load_rules. */
static void setup(struct bench *b, uint32_t connections, unsigned rules, bool masquerade)
{
	struct engine_limits limits = ENGINE_LIMITS_DEFAULT;

	limits.conntrack.max = limits.conntrack.buckets = connections;
	b->now = 1000000000;
	b->e = engine_create(&ops, b, &limits, b->now);
	b->lan = b->e ? port_add(b->e->ns, "lan", lan_mac, 1500) : NULL;
	b->wan = b->lan ? port_add(b->e->ns, "wan", wan_mac, 1500) : NULL;
	if (!b->wan)
		exit(1);
	port_add_addr(b->e->ns, b->lan, htonl(0x0a0100fe), 16);
	port_add_addr(b->e->ns, b->wan, htonl(0xcb0071fe), 24);
	port_set_up(b->e->ns, b->lan, true);
	port_set_up(b->e->ns, b->wan, true);
	b->e->ns->conf.ip_forward = 1;
	b->lan->conf.forwarding = b->wan->conf.forwarding = 1;
	arp(b, b->lan, client_mac, 0x0a010001, 0x0a0100fe);
	arp(b, b->wan, server_mac, 0xcb007101, 0xcb0071fe);
	load_rules(b, rules, masquerade);
}

/* processor_seconds: what this thread used of its processor so far: on a busy machine others run in between. */
static double processor_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#endif
