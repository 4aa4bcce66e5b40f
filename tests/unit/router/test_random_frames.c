/* test_random_frames.c - a million hostile frames through a whole engine: no crash, nothing lost, nothing uncounted.
 *
 * Frames come from a fixed seed: valid ones of a few flows, mutations of them (bytes, lengths, offsets, fragments, IP and TCP
 * options, offload headers that lie), and noise. Time moves, so that timers, fragment timeouts and neighbour probes run
 * between them. The rules use every match and target of the core, NAT and the FTP helper. After each round the balance of
 * packets must be even; at the end the pool must be empty.
 */
#include "netstack/checksum.h"
#include "netstack/gso.h"
#include "router/engine.h"
#include "tests/unit/craft.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { FRAMES = 1000000, FRAMES_PER_ROUND = 10000, NS_PER_MS = 1000000 };

static const char rules[] =
	"*raw\n-A PREROUTING -p udp --dport 99 -j NOTRACK\n-A PREROUTING -p udp --dport 98 -j CT --zone 7\nCOMMIT\n"
	"*mangle\n-A PREROUTING -p tcp -m tcp --tcp-flags SYN,RST SYN -j MARK --set-mark 0x1\n"
	"-A PREROUTING -m mark --mark 0x1 -j CONNMARK --save-mark\n"
	"-A FORWARD -m ttl --ttl-lt 10 -j TTL --ttl-inc 3\n-A POSTROUTING -j TOS --set-tos 0x10/0x3f\nCOMMIT\n"
	"*nat\n-A PREROUTING -p tcp -d 10.1.0.254 --dport 80 -j DNAT --to-destination 203.0.113.9:8080\n"
	"-A PREROUTING -p udp --dport 53 -j REDIRECT --to-ports 5353\n"
	"-A POSTROUTING -o wan -p tcp -j MASQUERADE\n-A POSTROUTING -o wan -p udp -j SNAT --to-source 203.0.113.250-203.0.113.252:1000-1010\n"
	"-A POSTROUTING -o wan -p icmp -j MASQUERADE\nCOMMIT\n"
	"*filter\n:sub - [0:0]\n-A INPUT -m addrtype --dst-type LOCAL -j sub\n"
	"-A FORWARD -m conntrack --ctstate INVALID -m limit --limit 5/s -j LOG --log-prefix \"bad \" --log-tcp-options --log-ip-options\n"
	"-A FORWARD -p tcp -m multiport --dports 21,80,443 -j ACCEPT\n-A FORWARD -m length --length 0:40 -j REJECT\n"
	"-A FORWARD -p tcp --dport 23 -j REJECT --reject-with tcp-reset\n"
	"-A FORWARD -m conntrack --ctstate NEW --ctproto 17 -m comment --comment x -j sub\n"
	"-A sub -p icmp --icmp-type echo-request -j ACCEPT\n-A sub -p udp -m udp --sport 1:1024 -j RETURN\n"
	"-A sub -m state --state ESTABLISHED,RELATED -j ACCEPT\nCOMMIT\n";

struct fuzz {
	struct world world;
	struct engine *e;
	struct port *lan, *wan;
	uint64_t now, state;
};

/* below: a repeatable random number in [0, n). */
static uint32_t below(struct fuzz *f, uint32_t n)
{
	f->state ^= f->state << 13;
	f->state ^= f->state >> 7;
	f->state ^= f->state << 17;
	return (uint32_t)(f->state >> 11) % n;
}

/* random_packet: a valid packet of one of a few flows. Frame with Ethernet header. */
static struct pkt *random_packet(struct fuzz *f, bool from_lan)
{
	static const char *const lan_hosts[] = { "10.1.0.1", "10.1.0.2", "10.1.0.254", "203.0.113.1", "0.0.0.0", "127.0.0.1" };
	static const char *const wan_hosts[] = { "203.0.113.1", "203.0.113.9", "203.0.113.254", "10.1.0.1", "255.255.255.255",
						 "224.0.0.5", "198.51.100.7" };
	static const uint16_t ports[] = { 21, 23, 53, 80, 98, 99, 443, 1000, 40000, 5353 };
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK, TCP_ACK | TCP_PSH, TCP_FIN | TCP_ACK, TCP_RST,
					 TCP_RST | TCP_ACK, 0, 0xff, TCP_SYN | TCP_FIN };
	static const char ftp[] = "PORT 10,1,0,1,4,5\r\nEPRT |1|10.1.0.1|999|\r\n227 ok (203,0,113,1,8,9)\r\n229 x (|||777|)\r\n";
	struct craft c = {
		.src = from_lan ? lan_hosts[below(f, 6)] : wan_hosts[below(f, 7)],
		.dst = from_lan ? wan_hosts[below(f, 7)] : lan_hosts[below(f, 6)],
		.ttl = (uint8_t)(below(f, 8) ? 64 : below(f, 4)),
		.id = (uint16_t)below(f, 16),
		.sport = ports[below(f, 10)],
		.dport = ports[below(f, 10)],
		.payload_len = below(f, 4) ? below(f, 64) : below(f, 1500),
	};
	static const uint8_t sack[] = { 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 9 }, rr[] = { 7, 7, 4, 0, 0, 0, 0, 0 };

	switch (below(f, 4)) {
	case 0:
		c.icmp = true;
		c.icmp_type = (uint8_t)(below(f, 2) ? 8 : below(f, 20));
		c.icmp_id = (uint16_t)below(f, 4);
		break;
	case 1:
		break;
	default:
		c.tcp_flags = flags[below(f, 10)];
		c.proto = IP_PROTO_TCP;
		c.seq = below(f, 100000);
		c.ack = below(f, 100000);
		if (!below(f, 4))
			c.tcp_options = sack, c.tcp_options_len = sizeof sack;
		if (!below(f, 4))
			c.payload = ftp, c.payload_len = (unsigned)(sizeof ftp - 1 - below(f, 40));
	}
	if (!below(f, 16))
		c.ip_options = rr, c.ip_options_len = sizeof rr;
	if (!below(f, 6))
		c.frag = (uint16_t)((below(f, 2) ? IP4_MF : 0) | below(f, 200));
	return craft_frame(f->e->ns->pool, "02:00:00:00:00:aa", from_lan ? "02:00:00:00:00:01" : "02:00:00:00:00:02", &c);
}

/* spoil: makes a valid frame wrong somewhere. */
static void spoil(struct fuzz *f, struct pkt *p)
{
	for (uint32_t n = below(f, 4); n > 0; n--)
		p->data[below(f, p->len)] ^= (uint8_t)(1 + below(f, 255));
	if (!below(f, 8))
		p->len = 1 + below(f, p->len);
	if (!below(f, 4) && p->len > ETH_HLEN + IP4_HLEN) { /* a header that is wrong inside but whose checksum is right */
		struct ip4_hdr *ip = (struct ip4_hdr *)(p->data + ETH_HLEN);
		uint32_t hlen = (ip->version_ihl & 15u) * 4;

		p->data[ETH_HLEN + below(f, IP4_HLEN)] ^= (uint8_t)(1 + below(f, 255));
		if (hlen >= IP4_HLEN && hlen <= p->len - ETH_HLEN) {
			p->data += ETH_HLEN;
			p->hdr.l4 = (uint16_t)hlen;
			ip4_csum_fill(p);
			p->data -= ETH_HLEN;
		}
	}
}

/* lie: an offload header that may not fit the frame. Return: whether the frame survived it. */
static bool lie(struct fuzz *f, struct pkt *p)
{
	static const uint8_t types[] = { VNET_GSO_NONE, VNET_GSO_TCP4, VNET_GSO_UDP, VNET_GSO_TCP6, VNET_GSO_UDP_L4, 0x81, 77 };
	struct vnet_hdr vh = {
		.flags = (uint8_t)below(f, 4),
		.gso_type = types[below(f, 7)],
		.hdr_len = (uint16_t)below(f, 100),
		.gso_size = (uint16_t)below(f, 1600),
		.csum_start = (uint16_t)(below(f, 2) ? 34 : below(f, 2000)),
		.csum_offset = (uint16_t)(below(f, 2) ? 16 : below(f, 100)),
	};

	return gso_from_vnet(p, &vh) == 0;
}

/* one_frame: makes, maybe spoils, and feeds one frame. */
static void one_frame(struct fuzz *f)
{
	bool from_lan = below(f, 2);
	struct pkt *p = random_packet(f, from_lan);

	if (below(f, 3))
		spoil(f, p);
	if (!below(f, 64))
		for (uint32_t i = 0; i < p->len; i++)
			p->data[i] = (uint8_t)below(f, 256);
	if (!below(f, 10) && !lie(f, p)) {
		pkt_free(p); /* as a port does: it never enters the engine */
		return;
	}
	engine_input(f->e, from_lan ? f->lan : f->wan, p, f->now);
}

static void setup(struct fuzz *f)
{
	static const uint8_t lan_mac[MAC_LEN] = { 2, 0, 0, 0, 0, 1 }, wan_mac[MAC_LEN] = { 2, 0, 0, 0, 0, 2 };
	struct engine_limits limits = ENGINE_LIMITS_DEFAULT;
	struct ruleset *rs;
	struct rule_error err = { 0 };

	limits.conntrack.max = limits.conntrack.buckets = 2000; /* small: full now and then */
	f->state = 88172645463325252ull;
	f->now = 1000 * NS_PER_MS;
	f->e = engine_create(&world_ops, &f->world, &limits, f->now);
	assert_non_null(f->e);
	f->lan = port_add(f->e->ns, "lan", lan_mac, 1500);
	f->wan = port_add(f->e->ns, "wan", wan_mac, 1400);
	assert_int_equal(port_add_addr(f->e->ns, f->lan, inet_addr("10.1.0.254"), 24), 0);
	assert_int_equal(port_add_addr(f->e->ns, f->wan, inet_addr("203.0.113.254"), 24), 0);
	port_set_up(f->e->ns, f->lan, true);
	port_set_up(f->e->ns, f->wan, true);
	f->e->ns->conf.ip_forward = 1;
	f->lan->conf.forwarding = f->wan->conf.forwarding = 1;
	rs = tables_begin(f->e->tables, false);
	if (ruleset_restore(f->e->tables, rs, rules, "rules", false, false, &err) || tables_commit(f->e->tables, rs, &err))
		fail_msg("%s", err.text);
	ct_helper_assign_port(f->e->ctk, ct_helper_find(f->e->ctk, "ftp", FAMILY_IP4, IP_PROTO_TCP), 21);
}

/* teach: the neighbours answer now and then, so that packets get out. */
static void teach(struct fuzz *f)
{
	static const char *const hosts[][2] = { { "10.1.0.1", "lan" }, { "10.1.0.2", "lan" }, { "203.0.113.1", "wan" },
						{ "203.0.113.9", "wan" } };

	for (unsigned i = 0; i < 4; i++) {
		bool lan = hosts[i][1][0] == 'l';

		engine_input(f->e, lan ? f->lan : f->wan,
			     craft_arp(f->e->ns->pool, "ff:ff:ff:ff:ff:ff", ARP_REQUEST, "02:00:00:00:00:aa", hosts[i][0],
				       "00:00:00:00:00:00", lan ? "10.1.0.254" : "203.0.113.254"), f->now);
	}
}

static void test_million_frames(void **state)
{
	static struct fuzz f;
	uint64_t sent = 0;

	(void)state;
	setup(&f);
	for (unsigned i = 0; i < FRAMES; i++) {
		if (i % FRAMES_PER_ROUND == 0)
			teach(&f);
		one_frame(&f);
		if (!below(&f, 8)) {
			f.now += below(&f, 1000) ? below(&f, 5 * NS_PER_MS) : 40000ull * NS_PER_MS;
			engine_tick(f.e, f.now);
		}
		if (i % FRAMES_PER_ROUND == FRAMES_PER_ROUND - 1)
			assert_int_equal(netstack_balance_error(f.e->ns), 0);
	}
	sent = f.e->ns->balance.tx;
	assert_true(f.e->ns->balance.rx > FRAMES / 2);
	assert_true(sent > FRAMES / 100); /* the test is worth nothing if all is dropped at the door */
	assert_int_equal(engine_destroy(f.e), 0);
	world_clear(&f.world);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_million_frames) };

	return cmocka_run_group_tests_name("random frames", tests, NULL, NULL);
}
