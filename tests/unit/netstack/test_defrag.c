/* test_defrag.c - reassembly: order, overlap, duplicates, end conflicts, time, memory, and cutting again on
 * output. */
#include "tests/unit/netstack/fixture.h"

static const struct hook_slot slots[] = {
	{ HOOK_PREROUTING, ROOM_NETSTACK, PRI_DEFRAG, "defrag", defrag_hook },
	{ HOOK_OUTPUT, ROOM_NETSTACK, PRI_DEFRAG, "defrag", defrag_hook },
	{ .fn = NULL },
};

/* A fragment of a datagram of protocol 99: payload bytes [at, at + len). */
struct frag {
	int at, len;
	bool more;
	uint8_t tos;
	bool df;
};

/* send_frag: sends one; its payload byte at offset i is i * 7. */
static void send_frag(struct lab *lab, const struct frag *f, uint16_t id, const char *dst)
{
	uint8_t bytes[65536];

	for (int i = 0; i < f->len; i++)
		bytes[i] = (uint8_t)((f->at + i) * 7);
	from_client(lab, &(struct craft){ .src = "10.1.0.1", .dst = dst, .proto = 99, .id = id, .tos = f->tos,
					  .frag = (uint16_t)(f->at / 8 | (f->more ? IP4_MF : 0) | (f->df ? IP4_DF : 0)),
					  .payload = bytes, .payload_len = (unsigned)f->len });
}

/* check_payload: the payload of sent frame @i must be that of the datagram from @at on. */
static void check_payload(struct lab *lab, unsigned i, int at)
{
	const uint8_t *bytes = sent_l4(lab, i);
	int len = ntohs(sent_ip(lab, i)->total_len) - 20;

	for (int k = 0; k < len; k++)
		assert_int_equal(bytes[k], (uint8_t)((at + k) * 7));
}

static void test_orders(void **state)
{
	static const struct {
		const char *name;
		struct frag frags[5];
		int count;
		unsigned out[4]; /* lengths that leave; 0: nothing does */
		uint64_t held;
		enum drop_reason reason;
		int dropped;
	} rows[] = {
		{ "in order", { { 0, 64, 1, 0, 0 }, { 64, 64, 1, 0, 0 }, { 128, 10, 0, 0, 0 } }, 3, { 84, 84, 30 }, 0, 0, 0 },
		{ "backwards", { { 128, 10, 0, 0, 0 }, { 64, 64, 1, 0, 0 }, { 0, 64, 1, 0, 0 } }, 3, { 84, 84, 30 }, 0, 0, 0 },
		{ "middle last", { { 128, 10, 0, 0, 0 }, { 0, 64, 1, 0, 0 }, { 64, 64, 1, 0, 0 } }, 3, { 84, 84, 30 }, 0, 0, 0 },
		{ "duplicate", { { 0, 64, 1, 0, 0 }, { 0, 64, 1, 0, 0 }, { 64, 8, 0, 0, 0 } }, 3, { 84, 28 }, 0,
		  DROP_FRAG_DUPLICATE, 1 },
		{ "inside what is there", { { 0, 64, 1, 0, 0 }, { 64, 64, 1, 0, 0 }, { 32, 64, 1, 0, 0 }, { 128, 8, 0, 0, 0 } }, 4,
		  { 84, 84, 28 }, 0, DROP_FRAG_DUPLICATE, 1 },
		{ "overlap to the right", { { 0, 64, 1, 0, 0 }, { 56, 64, 1, 0, 0 } }, 2, { 0 }, 0, DROP_FRAG_OVERLAP, 2 },
		{ "overlap to the left", { { 64, 64, 1, 0, 0 }, { 8, 64, 1, 0, 0 } }, 2, { 0 }, 0, DROP_FRAG_OVERLAP, 2 },
		{ "covers", { { 64, 64, 1, 0, 0 }, { 0, 256, 1, 0, 0 } }, 2, { 0 }, 0, DROP_FRAG_OVERLAP, 2 },
		{ "two ends", { { 64, 8, 0, 0, 0 }, { 128, 8, 0, 0, 0 } }, 2, { 0 }, 0, DROP_FRAG_MALFORMED, 2 },
		{ "beyond the end", { { 64, 8, 0, 0, 0 }, { 72, 8, 1, 0, 0 } }, 2, { 0 }, 0, DROP_FRAG_MALFORMED, 2 },
		{ "end before", { { 64, 64, 1, 0, 0 }, { 32, 8, 0, 0, 0 } }, 2, { 0 }, 0, DROP_FRAG_MALFORMED, 2 },
		{ "empty", { { 64, 0, 1, 0, 0 } }, 1, { 0 }, 0, DROP_FRAG_MALFORMED, 1 },
		{ "less than 8", { { 0, 7, 1, 0, 0 } }, 1, { 0 }, 0, DROP_FRAG_MALFORMED, 1 },
		{ "not a multiple of 8 is cut", { { 0, 13, 1, 0, 0 }, { 8, 8, 0, 0, 0 } }, 2, { 28, 28 }, 0, 0, 0 },
		{ "gap", { { 0, 64, 1, 0, 0 }, { 128, 8, 0, 0, 0 } }, 2, { 0 }, 2, 0, 0 },
		{ "ECN mixed with none", { { 0, 8, 1, 0, 0 }, { 8, 8, 0, 2, 0 } }, 2, { 0 }, 0, DROP_FRAG_MALFORMED, 2 },
		{ "too long", { { 65528, 8, 0, 0, 0 }, { 0, 65528 - 1500, 1, 0, 0 }, { 65528 - 1504, 1504, 1, 0, 0 } }, 1,
		  { 0 }, 1, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(slots);
		unsigned n = 0;
		int at = 0;

		for (int k = 0; k < rows[i].count; k++)
			send_frag(lab, &rows[i].frags[k], 7, "8.8.8.8");
		for (; rows[i].out[n]; n++) {
			assert_int_equal(ntohs(sent_ip(lab, n)->total_len), rows[i].out[n]);
			check_payload(lab, n, at);
			at += (int)rows[i].out[n] - 20;
		}
		if (lab->world.count != n || netstack_held(lab->ns) != rows[i].held)
			fail_msg("%s: %u sent, %llu held", rows[i].name, lab->world.count,
				 (unsigned long long)netstack_held(lab->ns));
		if (rows[i].reason)
			assert_int_equal(dropped(lab, rows[i].reason), rows[i].dropped);
		if (!rows[i].held)
			assert_int_equal(defrag_memory(lab->ns), 0);
		lab_destroy(lab);
	}
}

static void test_oversize(void **state)
{
	struct lab *lab = lab_create(slots);

	(void)state;
	for (int at = 0; at < 65528; at += 8 * 180)
		send_frag(lab, &(struct frag){ at, at + 1440 > 65528 ? 65528 - at : 1440, true, 0, false }, 9, "8.8.8.8");
	send_frag(lab, &(struct frag){ 65528, 8, false, 0, false }, 9, "8.8.8.8");
	assert_int_equal(lab->world.count, 0);
	assert_true(dropped(lab, DROP_FRAG_OVERSIZE) > 40);
	assert_int_equal(netstack_held(lab->ns), 0);
	/* The longest that fits crosses. */
	for (int at = 0; at < 65515; at += 1480)
		send_frag(lab, &(struct frag){ at, at + 1480 > 65515 ? 65515 - at : 1480, at + 1480 < 65515, 0, false }, 10,
			  "8.8.8.8");
	assert_int_equal(lab->world.count, 45);
	lab_destroy(lab);
}

/* What leaves again: by the longest fragment, DF where the longest had it; ECN CE wins. */
static void test_cut_again(void **state)
{
	struct lab *lab = lab_create(slots);

	(void)state;
	send_frag(lab, &(struct frag){ 0, 800, true, 2, true }, 1, "8.8.8.8");
	send_frag(lab, &(struct frag){ 800, 400, false, 3, true }, 1, "8.8.8.8");
	assert_int_equal(lab->world.count, 2);
	assert_int_equal(ntohs(sent_ip(lab, 0)->total_len), 820);
	assert_int_equal(ntohs(sent_ip(lab, 0)->frag), IP4_MF); /* DF is not kept: ip_fraglist_prepare */
	assert_int_equal(ntohs(sent_ip(lab, 1)->frag), 100);
	assert_int_equal(sent_ip(lab, 0)->tos, 3);
	assert_int_equal(sent_ip(lab, 0)->ttl, 63);
	/* DF fragments that are longer than the way out: told. */
	lab->wan->mtu = 600;
	send_frag(lab, &(struct frag){ 0, 800, true, 0, true }, 2, "8.8.8.8");
	send_frag(lab, &(struct frag){ 800, 400, false, 0, true }, 2, "8.8.8.8");
	assert_int_equal(sent_icmp(lab, 2)->code, ICMP_FRAG_NEEDED);
	assert_int_equal(ntohs(sent_icmp(lab, 2)->mtu), 600);
	/* Without DF: cut smaller. */
	send_frag(lab, &(struct frag){ 0, 800, true, 0, false }, 3, "8.8.8.8");
	send_frag(lab, &(struct frag){ 800, 400, false, 0, false }, 3, "8.8.8.8");
	assert_int_equal(lab->world.count, 6);
	assert_int_equal(ntohs(sent_ip(lab, 3)->total_len), 596);
	assert_int_equal(lab->ns->balance.merged, 3);
	lab_destroy(lab);
}

static void test_timeout(void **state)
{
	static const struct {
		const char *dst;
		struct frag frag;
		bool told;
	} rows[] = {
		{ "8.8.8.8", { 0, 64, true, 0, false }, false },
		{ "10.1.0.254", { 0, 64, true, 0, false }, true },
		{ "10.1.0.254", { 64, 64, true, 0, false }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct lab *lab = lab_create(slots);

		send_frag(lab, &rows[i].frag, 5, rows[i].dst);
		lab_sleep(lab, 29 * SECOND);
		assert_int_equal(netstack_held(lab->ns), 1);
		world_clear(&lab->world);
		lab_sleep(lab, 1 * SECOND);
		assert_int_equal(dropped(lab, DROP_FRAG_TIMEOUT), 1);
		assert_int_equal(lab->world.count, rows[i].told);
		if (rows[i].told) {
			assert_int_equal(sent_icmp(lab, 0)->type, ICMP_TIME_EXCEEDED);
			assert_int_equal(sent_icmp(lab, 0)->code, ICMP_FRAG_TIME);
		}
		assert_int_equal(lab->ns->snmp[SNMP_IpReasmTimeout], 1);
		lab_destroy(lab);
	}
}

/* A negative net.ipv4.ipfrag_time is over at once, also shortly after the clock began; it must not wrap. */
static void test_negative_time(void **state)
{
	struct lab *lab = lab_create(slots);

	(void)state;
	lab->ns->conf.ipfrag_time = (uint64_t)(-3600 * (int64_t)SECOND);
	send_frag(lab, &(struct frag){ 0, 64, true, 0, false }, 5, "8.8.8.8");
	assert_true(netstack_deadline(lab->ns) <= lab->ns->now);
	lab_sleep(lab, 1 * SECOND);
	assert_int_equal(dropped(lab, DROP_FRAG_TIMEOUT), 1);
	assert_int_equal(netstack_held(lab->ns), 0);
	lab_destroy(lab);
}

static void test_memory(void **state)
{
	struct lab *lab = lab_create(slots);
	int64_t most = 0;

	(void)state;
	lab->ns->conf.ipfrag_high_thresh = 100000;
	lab->ns->conf.ipfrag_max_dist = 0;
	for (int id = 0; id < 200; id++) {
		send_frag(lab, &(struct frag){ 0, 64, true, 0, false }, (uint16_t)id, "8.8.8.8");
		if (defrag_memory(lab->ns) > most)
			most = defrag_memory(lab->ns);
	}
	assert_true(most > 100000 && most < 104000);
	assert_true(dropped(lab, DROP_FRAG_MEMORY) > 100);
	/* What is there is not evicted: the first is completed once there is room. */
	lab->ns->conf.ipfrag_high_thresh = 1 << 20;
	send_frag(lab, &(struct frag){ 64, 8, false, 0, false }, 0, "8.8.8.8");
	assert_int_equal(lab->world.count, 2);
	lab_destroy(lab); /* the rest is counted as teardown */
}

static void test_distance(void **state)
{
	struct lab *lab = lab_create(slots);

	(void)state;
	send_frag(lab, &(struct frag){ 0, 64, true, 0, false }, 0, "8.8.8.8");
	for (int id = 1; id <= 70; id++)
		send_frag(lab, &(struct frag){ 0, 64, true, 0, false }, (uint16_t)id, "8.8.8.8");
	send_frag(lab, &(struct frag){ 64, 8, false, 0, false }, 0, "8.8.8.8"); /* too far from its first */
	assert_int_equal(lab->world.count, 0);
	assert_int_equal(dropped(lab, DROP_FRAG_TOO_MANY), 1);
	port_remove(lab->ns, lab->lan);
	assert_int_equal(netstack_held(lab->ns), 0);
	lab_destroy(lab);
}

/* A ping of 3000 bytes in three fragments is answered in three; without hooks local delivery puts it
 * together. */
static void test_local_ping(void **state)
{
	(void)state;
	for (int hooks = 0; hooks < 2; hooks++) {
		struct lab *lab = lab_create(hooks ? slots : NULL);
		struct pkt *whole = craft_packet(lab->ns->pool, &(struct craft){ .src = "10.1.0.1", .dst = "10.1.0.254",
				.icmp = true, .icmp_type = ICMP_ECHO, .icmp_id = 3, .id = 77, .payload_len = 3000 });

		for (uint32_t at = 0; at < 3008; at += 1480) {
			uint32_t len = 3008 - at < 1480 ? 3008 - at : 1480;
			struct pkt *p = craft_frame(lab->ns->pool, CLIENT_MAC, LAN_MAC, &(struct craft){ .src = "10.1.0.1",
				.dst = "10.1.0.254", .proto = 99, .id = 77, .payload_len = len,
				.frag = (uint16_t)(at / 8 | (at < 2960 ? IP4_MF : 0)) });

			((struct ip4_hdr *)(void *)(p->data + ETH_HLEN))->proto = IP_PROTO_ICMP;
			memcpy(p->data + ETH_HLEN + 20, whole->data + 20 + at, len);
			p->data += ETH_HLEN;
			assert_int_equal(ip4_parse(p), 0);
			ip4_csum_fill(p);
			p->data -= ETH_HLEN;
			netstack_input(lab->ns, lab->lan, p);
		}
		pkt_free(whole);
		assert_int_equal(lab->world.count, 3);
		assert_int_equal(ntohs(sent_ip(lab, 0)->frag), IP4_MF);
		assert_int_equal(((uint8_t *)sent_l4(lab, 0))[0], ICMP_ECHO_REPLY);
		assert_int_equal(ntohs(sent_ip(lab, 2)->total_len), 20 + 48);
		lab_destroy(lab);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_orders),	cmocka_unit_test(test_oversize), cmocka_unit_test(test_cut_again),
		cmocka_unit_test(test_timeout), cmocka_unit_test(test_negative_time), cmocka_unit_test(test_memory),	 cmocka_unit_test(test_distance),
		cmocka_unit_test(test_local_ping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
