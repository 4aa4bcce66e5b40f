/* test_gso.c - offloads: what a vnet header may say, super-packets whole and cut, partial checksums. */
#include "tests/unit/netstack/fixture.h"

/* super: a TCP or UDP super-packet as a TAP delivers it: partial checksum, vnet header. */
static struct pkt *super(struct lab *lab, bool tcp, unsigned payload, struct vnet_hdr *vh)
{
	uint8_t bytes[60000];
	struct pkt *p;
	struct ip4_hdr *ip;
	uint16_t *field;

	for (unsigned i = 0; i < payload; i++)
		bytes[i] = (uint8_t)(i * 11);
	p = craft_frame(lab->ns->pool, CLIENT_MAC, LAN_MAC,
			&(struct craft){ .src = "10.1.0.1", .dst = "8.8.8.8", .id = 1000, .frag = tcp ? IP4_DF : 0, .sport = 5, .dport = 6,
					 .tcp_flags = tcp ? TCP_ACK | TCP_PSH | TCP_FIN | TCP_CWR : 0, .seq = 0xfffffff0,
					 .payload = bytes, .payload_len = payload });
	ip = (struct ip4_hdr *)(void *)(p->data + ETH_HLEN);
	field = (uint16_t *)(void *)(p->data + 34 + (tcp ? 16 : 6));
	*field = (uint16_t)~csum_fold(csum_pseudo4(ip->src, ip->dst, ip->proto, p->len - 34));
	*vh = (struct vnet_hdr){ .flags = VNET_F_NEEDS_CSUM, .gso_type = tcp ? VNET_GSO_TCP4 : VNET_GSO_UDP_L4,
				 .hdr_len = tcp ? 54 : 42, .gso_size = 1448, .csum_start = 34, .csum_offset = tcp ? 16 : 6 };
	return p;
}

/* l4_right: whether the full L4 checksum of a sent frame is right. */
static bool l4_right(struct lab *lab, unsigned i)
{
	struct ip4_hdr *ip = sent_ip(lab, i);
	uint32_t len = ntohs(ip->total_len) - 20u;

	return !csum_fold(csum_add_bytes(csum_pseudo4(ip->src, ip->dst, ip->proto, len), sent_l4(lab, i), len));
}

static void test_whole(void **state)
{
	for (int tcp = 0; tcp < 2; tcp++) {
		struct lab *lab = lab_create(NULL);
		struct vnet_hdr vh, out;
		struct pkt *p = super(lab, tcp, 50000, &vh);

		(void)state;
		lab->wan->offloads = PORT_TX_CSUM | PORT_TX_TSO4 | PORT_TX_USO4;
		assert_int_equal(gso_from_vnet(p, &vh), 0);
		assert_int_equal(p->gso_segs, 35);
		gso_to_vnet(p, &out);
		out.hdr_len = vh.hdr_len; /* needs the parsed header: below */
		assert_memory_equal(&out, &vh, sizeof vh);
		netstack_input(lab->ns, lab->lan, p);
		assert_int_equal(lab->world.count, 1);
		assert_int_equal(sent(lab, 0)->gso, tcp ? GSO_TCP4 : GSO_UDP_L4);
		assert_int_equal(sent(lab, 0)->gso_size, 1448);
		assert_int_equal(sent(lab, 0)->csum, CSUM_PARTIAL);
		assert_int_equal(lab->lan->stats.rx_gso, 1);
		assert_int_equal(lab->wan->stats.tx_gso, 1);
		assert_true(lab->wan->stats.tx_max > 50000);
		assert_int_equal(lab->wan->stats.tx_gso_cut, 0);
		lab_destroy(lab);
	}
}

static void test_cut_tcp(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct vnet_hdr vh;
	struct pkt *p = super(lab, true, 4000, &vh);
	static const struct {
		uint32_t seq;
		unsigned len;
		uint8_t flags;
	} rows[] = {
		{ 0xfffffff0, 1448, TCP_ACK | TCP_CWR },
		{ 0xfffffff0 + 1448u, 1448, TCP_ACK },
		{ 0xfffffff0 + 2896u, 1104, TCP_ACK | TCP_PSH | TCP_FIN },
	};

	(void)state;
	assert_int_equal(gso_from_vnet(p, &vh), 0);
	netstack_input(lab->ns, lab->lan, p);
	assert_int_equal(lab->world.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		struct tcp_hdr *tcp = sent_l4(lab, i);

		assert_int_equal(ntohs(sent_ip(lab, i)->total_len), 40 + rows[i].len);
		assert_int_equal(ntohs(sent_ip(lab, i)->id), 1000 + i);
		assert_int_equal(sent_ip(lab, i)->frag, htons(IP4_DF));
		assert_int_equal(sent_ip(lab, i)->ttl, 63);
		assert_int_equal(ntohl(tcp->seq), rows[i].seq);
		assert_int_equal(tcp->flags, rows[i].flags);
		assert_true(l4_right(lab, i));
		assert_int_equal(((uint8_t *)(tcp + 1))[0], (uint8_t)(1448 * i * 11));
	}
	assert_int_equal(lab->wan->stats.tx_gso_cut, 1);
	assert_int_equal(lab->ns->balance.split, 2);
	lab_destroy(lab);
}

static void test_cut_udp(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct vnet_hdr vh;
	struct pkt *p = super(lab, false, 3000, &vh);

	(void)state;
	assert_int_equal(gso_from_vnet(p, &vh), 0);
	netstack_input(lab->ns, lab->lan, p);
	assert_int_equal(lab->world.count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(ntohs(((struct udp_hdr *)sent_l4(lab, i))->len), i < 2 ? 1456 : 112);
		assert_true(l4_right(lab, i));
	}
	lab_destroy(lab);
}

/* Segments longer than the way out: DF is told, otherwise segments are fragmented. */
static void test_small_mtu(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct vnet_hdr vh;
	struct pkt *p = super(lab, true, 4000, &vh);

	(void)state;
	lab->wan->mtu = 1400;
	lab->wan->offloads = PORT_TX_CSUM | PORT_TX_TSO4 | PORT_TX_USO4;
	assert_int_equal(gso_from_vnet(p, &vh), 0);
	netstack_input(lab->ns, lab->lan, p);
	assert_int_equal(lab->world.count, 1);
	assert_int_equal(ntohs(sent_icmp(lab, 0)->mtu), 1400);
	p = super(lab, false, 2000, &vh);
	assert_int_equal(gso_from_vnet(p, &vh), 0);
	netstack_input(lab->ns, lab->lan, p);
	assert_int_equal(lab->world.count, 4); /* 1476 -> 1396 + 100, 580 */
	assert_int_equal(ntohs(sent_ip(lab, 1)->total_len), 1396);
	assert_int_equal(ntohs(sent_ip(lab, 2)->total_len), 100);
	assert_int_equal(ntohs(sent_ip(lab, 3)->total_len), 580);
	assert_int_equal(netstack_balance_error(lab->ns), 0);
	lab_destroy(lab);
}

static void test_partial_checksum(void **state)
{
	for (int offload = 0; offload < 2; offload++) {
		struct lab *lab = lab_create(NULL);
		struct vnet_hdr vh;
		struct pkt *p = super(lab, true, 500, &vh);

		(void)state;
		vh.gso_type = VNET_GSO_NONE;
		vh.gso_size = 0;
		lab->wan->offloads = offload ? PORT_TX_CSUM : 0;
		assert_int_equal(gso_from_vnet(p, &vh), 0);
		netstack_input(lab->ns, lab->lan, p);
		assert_int_equal(sent(lab, 0)->csum, offload ? CSUM_PARTIAL : CSUM_OK);
		assert_int_equal(l4_right(lab, 0), !offload);
		assert_int_equal(lab->wan->stats.tx_csum_completed, !offload);
		lab_destroy(lab);
	}
}

/* Headers that lie: each row changes one thing of a right one. */
static void test_lies(void **state)
{
	static const struct {
		uint8_t flags, gso_type;
		uint16_t gso_size, start, offset;
		uint32_t cut; /* bytes of the frame kept; 0 all */
		bool ok;
	} rows[] = {
		{ 1, VNET_GSO_TCP4, 1448, 34, 16, 0, true },
		{ 1, VNET_GSO_TCP4 | VNET_GSO_ECN, 1448, 34, 16, 0, true },
		{ 0, VNET_GSO_TCP4, 1448, 34, 16, 0, false },    /* no checksum left open */
		{ 1, VNET_GSO_TCP4, 0, 34, 16, 0, false },       /* no size */
		{ 1, VNET_GSO_TCP4, 1448, 35, 16, 0, false },    /* not the TCP header */
		{ 1, VNET_GSO_TCP4, 1448, 34, 6, 0, false },     /* not the TCP checksum */
		{ 1, VNET_GSO_TCP6, 1448, 34, 16, 0, false },
		{ 1, VNET_GSO_UDP_L4, 1448, 34, 6, 0, false },   /* it is TCP */
		{ 1, VNET_GSO_UDP, 1448, 34, 16, 0, false },     /* UFO */
		{ 1, 77, 1448, 34, 16, 0, false },
		{ 1, VNET_GSO_NONE, 0, 10000, 16, 0, false },    /* beyond the frame */
		{ 1, VNET_GSO_NONE, 0, 34, 60000, 0, false },
		{ 1, VNET_GSO_NONE, 0, 5, 16, 0, false },        /* within the Ethernet header */
		{ 1, VNET_GSO_NONE, 0, 40, 16, 0, true },        /* somewhere inside: completed at once */
		{ 1, VNET_GSO_TCP4, 1448, 34, 16, 4000, false }, /* total length beyond the frame */
		{ 1, VNET_GSO_TCP4, 1448, 34, 16, 50, false },
		{ 1, VNET_GSO_TCP4, 1448, 34, 16, 14, false },
		{ 1, VNET_GSO_TCP4, 1448, 34, 16, 3, false },
		{ 0, VNET_GSO_NONE, 0, 0, 0, 3, true },          /* dropped later, by name */
		{ 1, VNET_GSO_TCP4, 5000, 34, 16, 0, true },     /* one segment: no super-packet */
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(NULL);
		struct vnet_hdr vh;
		struct pkt *p = super(lab, true, 4000, &vh);

		vh.flags = rows[i].flags;
		vh.gso_type = rows[i].gso_type;
		vh.gso_size = rows[i].gso_size;
		vh.csum_start = rows[i].start;
		vh.csum_offset = rows[i].offset;
		if (rows[i].cut)
			p->len = rows[i].cut;
		if ((gso_from_vnet(p, &vh) == 0) != rows[i].ok)
			fail_msg("row %zu", i);
		if (rows[i].ok)
			netstack_input(lab->ns, lab->lan, p);
		else
			pkt_free(p);
		lab_destroy(lab);
	}
}

static void test_no_buffers(void **state)
{
	struct lab *lab = lab_create(NULL);
	struct vnet_hdr vh;
	struct pkt *p = super(lab, true, 50000, &vh), *held = NULL, *q;

	(void)state;
	assert_int_equal(gso_from_vnet(p, &vh), 0);
	while ((q = pkt_alloc(lab->ns->pool, PKT_SMALL))) {
		q->next = held;
		held = q;
	}
	for (int i = 0; i < 10; i++) { /* 10 are left of the 35 needed */
		q = held->next;
		pkt_free(held);
		held = q;
	}
	netstack_input(lab->ns, lab->lan, p);
	assert_int_equal(dropped(lab, DROP_OUT_GSO_FAILED), 1);
	assert_int_equal(netstack_balance_error(lab->ns), 0);
	while (held) {
		q = held->next;
		pkt_free(held);
		held = q;
	}
	lab_destroy(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),	  cmocka_unit_test(test_cut_tcp),
		cmocka_unit_test(test_cut_udp),	  cmocka_unit_test(test_small_mtu),
		cmocka_unit_test(test_partial_checksum), cmocka_unit_test(test_lies),
		cmocka_unit_test(test_no_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
