/* test_random_frames.c - hostile frames into a bare netstack: no crash, nothing lost, nothing uncounted.
 *
 * Valid packets, mutations of them (bytes, lengths, offsets, options, fragments, ARP, lying vnet headers) and
 * noise, from a fixed seed; time moves. After each round the balance must be even; at the end the pool must
 * be empty.
 */
#include "tests/unit/netstack/fixture.h"

enum { FRAMES = 200000, ROUND = 5000 };

struct dice {
	uint64_t state;
};

/* below: a repeatable random number in [0, n). */
static uint32_t below(struct dice *d, uint32_t n)
{
	d->state ^= d->state << 13;
	d->state ^= d->state >> 7;
	d->state ^= d->state << 17;
	return (uint32_t)(d->state >> 11) % n;
}

/* valid: a valid frame of some kind. */
static struct pkt *valid(struct lab *lab, struct dice *d)
{
	static const char *const hosts[] = { "10.1.0.1", "10.1.0.2", "10.1.0.254", "203.0.113.1", "203.0.113.77", "8.8.8.8",
					     "255.255.255.255", "224.0.0.1", "127.0.0.1", "0.0.0.0", "10.1.0.255" };
	static const uint8_t rr[] = { 7, 7, 4, 0, 0, 0, 0, 0 }, ts[] = { 68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0 };
	static const uint8_t srr[] = { 131, 7, 4, 1, 2, 3, 4, 0 };
	struct craft c = { .src = hosts[below(d, 11)], .dst = hosts[below(d, 11)], .id = (uint16_t)below(d, 8),
			   .ttl = (uint8_t)below(d, 5), .payload_len = below(d, 8) ? below(d, 100) : below(d, 4000),
			   .sport = 1, .dport = 2 };

	switch (below(d, 4)) {
	case 0:
		c.icmp = true;
		c.icmp_type = (uint8_t)below(d, 20);
		break;
	case 1:
		c.tcp_flags = (uint8_t)(1 + below(d, 255));
		break;
	case 2:
		c.frag = (uint16_t)(below(d, 2) * IP4_MF | below(d, 40));
		break;
	default:
		c.proto = (uint8_t)(below(d, 3) ? 0 : below(d, 256));
	}
	if (!below(d, 6)) {
		const uint8_t *options[] = { rr, ts, srr };
		const unsigned lens[] = { sizeof rr, sizeof ts, sizeof srr }, k = below(d, 3);

		c.ip_options = options[k];
		c.ip_options_len = lens[k];
	}
	if (!below(d, 12))
		return craft_arp(lab->ns->pool, below(d, 2) ? BROADCAST : LAN_MAC, (uint16_t)(1 + below(d, 3)),
				 below(d, 2) ? CLIENT_MAC : SERVER_MAC, hosts[below(d, 11)], LAN_MAC, hosts[below(d, 11)]);
	return craft_frame(lab->ns->pool, CLIENT_MAC, below(d, 10) ? LAN_MAC : BROADCAST, &c);
}

/* repair: makes the header checksum right again, so that what is behind it is reached. */
static void repair(struct pkt *p)
{
	struct ip4_hdr *ip = pkt_at(p, ETH_HLEN, sizeof *ip);
	uint32_t hlen = ip ? (uint32_t)(ip->version_ihl & 15) * 4 : 0;

	if (hlen < IP4_HLEN || !pkt_at(p, ETH_HLEN, hlen))
		return;
	ip->checksum = 0;
	ip->checksum = csum_bytes(ip, hlen);
}

/* mutate: changes some bytes, near the front more often, and perhaps the length. */
static void mutate(struct pkt *p, struct dice *d)
{
	for (uint32_t n = below(d, 6); n > 0 && p->len; n--) {
		uint32_t range = below(d, 3) && p->len > 60 ? 60 : p->len;

		p->data[below(d, range)] = (uint8_t)below(d, 256);
	}
	if (!below(d, 5))
		p->len = below(d, p->len + 1);
	if (below(d, 4))
		repair(p);
}

/* noise: a frame of random bytes. */
static struct pkt *noise(struct lab *lab, struct dice *d)
{
	struct pkt *p = pkt_alloc(lab->ns->pool, PKT_LARGE);

	p->data -= ETH_HLEN;
	p->len = below(d, 200);
	for (uint32_t i = 0; i < p->len; i++)
		p->data[i] = (uint8_t)below(d, 256);
	return p;
}

/* offload: gives a frame a vnet header, true or not. Return: whether it was accepted. */
static bool offload(struct pkt *p, struct dice *d)
{
	static const uint8_t types[] = { 0, 1, 1, 1, 3, 4, 5, 5, 0x81, 77 };
	struct vnet_hdr vh = { .flags = (uint8_t)below(d, 4), .gso_type = types[below(d, 10)],
			       .gso_size = (uint16_t)(below(d, 4) ? 1 + below(d, 200) : below(d, 65536)),
			       .csum_start = (uint16_t)(below(d, 4) ? 34 : below(d, 100)),
			       .csum_offset = (uint16_t)(below(d, 2) ? 16 : below(d, 4) ? 6 : below(d, 65536)) };

	return gso_from_vnet(p, &vh) == 0;
}

static void test_random_frames(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct dice dice = { 88172645463325252ull }, *d = &dice;

	(void)state;
	lab->lan->mtu = 576;
	lab->wan->offloads = PORT_TX_CSUM | PORT_TX_TSO4;
	for (int i = 0; i < FRAMES; i++) {
		struct pkt *p = below(d, 20) ? valid(lab, d) : noise(lab, d);
		struct port *port = below(d, 3) ? lab->lan : lab->wan;

		if (below(d, 2))
			mutate(p, d);
		if (p->len >= 6 && below(d, 2))
			memcpy(p->data, port->mac, MAC_LEN);
		if (!below(d, 3) && !offload(p, d)) {
			pkt_free(p);
			continue;
		}
		netstack_input(lab->ns, port, p);
		lab->ns->now += below(d, 20) * MS;
		if (!below(d, 50))
			netstack_tick(lab->ns);
		lab->lan->conf.rp_filter = (int32_t)below(d, 3);
		if (i % ROUND == 0) {
			assert_int_equal(netstack_balance_error(lab->ns), 0);
			world_clear(&lab->world);
			lab->lan->conf.route_localnet = (int32_t)below(d, 2);
			lab->ns->conf.all.accept_source_route = (int32_t)below(d, 2);
			lab->ns->conf.icmp_echo_ignore_broadcasts = (uint8_t)below(d, 2);
		}
	}
	lab_sleep(lab, 60 * SECOND);
	assert_int_equal(netstack_held(lab->ns), 0);
	assert_int_equal(pkt_pool_in_use(lab->ns->pool), 0);
	assert_true(lab->ns->balance.tx > FRAMES / 20);
	lab_destroy(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random_frames) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
