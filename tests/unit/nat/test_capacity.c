/* test_capacity.c - as many flows as there are ports: 60,000 to one destination through one address without a clash, the last
 * port, and what happens past it. */
#include "conntrack/proto.h"
#include "tests/unit/nat/mini.h"

/* The ports that a source port from 1024 on may become, and how often a search may ask at most: for the port as it is, then
 * 128, 64, 32, 16 and 8 times. */
enum { CLASS_MIN = 1024, CLASS_SIZE = 65536 - CLASS_MIN, ASKED_MAX = 1 + 128 + 64 + 32 + 16 + 8 };
enum { PORTS_EACH = 1000, FIRST_PORT = 20000, SIXTY_THOUSAND = 60000 };

/* Who has which port behind the router: flow number + 1, 0 = nobody. */
struct crowd {
	struct mini *m;
	uint32_t owner[65536];
	uint32_t flows, refused, used;
};

/* begin: an engine with one rule and nobody. end: takes it down. */
static struct crowd *begin(const char *rule)
{
	const char *const rules[] = { rule, NULL };
	struct crowd *w = mini_need(calloc(1, sizeof *w));

	w->m = mini_open_sized(100000);
	mini_rules(w->m, TABLE_NAT, rules);
	return w;
}

static void end(struct crowd *w)
{
	mini_close(w->m);
	free(w);
}

/* packet_of: the first packet of flow number @n: each client 10.77.X.Y has the same PORTS_EACH ports. */
static struct pkt *packet_of(struct crowd *w, uint32_t n, uint32_t seq)
{
	char src[16];
	struct craft k = { .src = src,
			   .dst = "10.77.2.50",
			   .sport = (uint16_t)(FIRST_PORT + n % PORTS_EACH),
			   .dport = 53,
			   .tcp_flags = seq ? TCP_SYN : 0,
			   .seq = seq };

	snprintf(src, sizeof src, "10.77.%u.%u", 3 + n / PORTS_EACH / 200, 1 + n / PORTS_EACH % 200);
	return craft_packet(w->m->ns->pool, &k);
}

/* ports_of: source and destination port of what came out, host order. */
static void ports_of(const struct pkt *p, uint16_t *sport, uint16_t *dport)
{
	const uint8_t *l4 = mini_need(pkt_l4(p, 4));

	*sport = (uint16_t)(l4[0] << 8 | l4[1]);
	*dport = (uint16_t)(l4[2] << 8 | l4[3]);
}

/* join: one more flow (TCP if @seq is not 0). It has a port of its own afterwards, or the packet is gone, counted, and
 * nothing of it is left. Either way the search was bounded. Return: its port, 0 if it was refused. */
static uint16_t join(struct crowd *w, uint32_t seq)
{
	struct conntrack *ctk = w->m->ctk;
	uint64_t asked = ctk->stats.found, failed = ctk->stats.insert_failed,
		 dropped = w->m->ns->balance.drops[DROP_CT_INSERT_FAILED];
	uint32_t count = ctk->count;
	uint16_t sport, dport;
	const char *why;
	struct pkt *p = mini_walk(w->m, packet_of(w, w->flows, seq), w->m->c, w->m->s, &why);

	w->flows++;
	assert_true(ctk->stats.found - asked <= ASKED_MAX);
	if (!p) {
		assert_string_equal(why, "ct_insert_failed");
		assert_int_equal(ctk->count, count);
		assert_int_equal(ctk->stats.insert_failed, failed + 1);
		assert_int_equal(w->m->ns->balance.drops[DROP_CT_INSERT_FAILED], dropped + 1);
		w->refused++;
		return 0;
	}
	assert_int_equal(ip4_hdr(p)->src, inet_addr("10.77.2.1"));
	ports_of(p, &sport, &dport);
	assert_int_equal(w->owner[sport], 0);
	w->owner[sport] = w->flows;
	w->used++;
	pkt_free(p);
	return sport;
}

/* answered: the server's answer to @port reaches who has it. */
static void answered(struct crowd *w, uint16_t port)
{
	struct craft k = { .src = "10.77.2.50", .dst = "10.77.2.1", .sport = 53, .dport = port };
	uint32_t n = w->owner[port] - 1;
	struct pkt *first = packet_of(w, n, 0), *p;
	uint16_t sport, dport;
	const char *why;

	p = mini_need(mini_walk(w->m, craft_packet(w->m->ns->pool, &k), w->m->s, w->m->c, &why));
	ports_of(p, &sport, &dport);
	assert_int_equal(ip4_hdr(p)->dst, ip4_hdr(first)->src);
	assert_int_equal(dport, FIRST_PORT + n % PORTS_EACH);
	pkt_free(first);
	pkt_free(p);
}

/* leave: ends the connection that has @port. */
static void leave(struct crowd *w, uint16_t port)
{
	struct ct_tuple t = { .family = FAMILY_IP4, .proto = IP_PROTO_UDP, .src_key = htons(53), .dst_key = htons(port) };

	t.src = addr_ip4(inet_addr("10.77.2.50"));
	t.dst = addr_ip4(inet_addr("10.77.2.1"));
	assert_true(ct_kill(w->m->ctk, mini_need(ct_lookup(w->m->ctk, &t, NULL))));
	w->owner[port] = 0;
	w->used--;
}

/* 60,000 flows of 60 clients that all use the same thousand ports, all answered; then on to the last free port: ever more
 * are refused, because a search does not ask for all ports; then none is left, until one ends. */
static void test_class(void **state)
{
	struct crowd *w = begin("-A POSTROUTING -p udp -j SNAT --to-source 10.77.2.1");
	uint16_t port;

	(void)state;
	while (w->flows < SIXTY_THOUSAND)
		assert_in_range(join(w, 0), CLASS_MIN, 65535);
	assert_int_equal(w->m->ctk->count, SIXTY_THOUSAND);
	for (uint32_t n = 0; n < 65536; n++)
		if (w->owner[n])
			answered(w, (uint16_t)n);
	while (w->used < CLASS_SIZE && w->refused < 20000)
		join(w, 0);
	assert_int_equal(w->used, CLASS_SIZE);
	assert_true(w->refused > 0);
	for (int i = 0; i < 500; i++)
		assert_int_equal(join(w, 0), 0);
	assert_int_equal(w->m->ctk->count, CLASS_SIZE);
	port = (uint16_t)(FIRST_PORT + w->flows % PORTS_EACH);
	leave(w, port);
	assert_int_equal(join(w, 0), port);
	assert_int_equal(join(w, 0), 0);
	end(w);
}

/* A range of at most 128 ports is searched as a whole: each port is given out, and not one flow more passes. */
static void test_small_ranges(void **state)
{
	static const struct {
		const char *rule;
		uint32_t ports;
	} rows[] = {
		{ "-A POSTROUTING -p udp -j SNAT --to-source 10.77.2.1:7000-7099", 100 },
		{ "-A POSTROUTING -p udp -j SNAT --to-source 10.77.2.1:7000-7099 --random", 100 },
		{ "-A POSTROUTING -p udp -j SNAT --to-source 10.77.2.1:7000-7127 --random-fully", 128 },
		{ "-A POSTROUTING -p udp -j MASQUERADE --to-ports 20000-20000", 1 },
		{ "-A POSTROUTING -p udp -j MASQUERADE --to-ports 65530-65535", 6 },
		{ "-A POSTROUTING -p udp -j MASQUERADE --to-ports 0-3", 4 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct crowd *w = begin(rows[i].rule);

		while (w->flows < 2 * rows[i].ports + 10)
			join(w, 0);
		assert_int_equal(w->used, rows[i].ports);
		assert_int_equal(w->m->ctk->count, rows[i].ports);
		end(w);
	}
}

/* ended: makes every connection one that a RST ended, so that it may yield. @ctx: unused. */
static void ended(void *ctx, struct ct_entry *ct)
{
	(void)ctx;
	ct->tcp.state = CT_TCP_CLOSE;
}

/* A range full of ended TCP connections: a SYN with a later number takes the place of one of them, an earlier one none. */
static void test_eviction(void **state)
{
	struct crowd *w = begin("-A POSTROUTING -p tcp -j SNAT --to-source 10.77.2.1:7000-7099");
	struct ct_cursor cursor = { 0 };

	(void)state;
	while (w->flows < 100)
		assert_int_not_equal(join(w, 5000), 0);
	assert_int_equal(join(w, 6000), 0);
	while (ct_each(w->m->ctk, &cursor, ended, NULL))
		;
	assert_int_equal(join(w, 4999), 0);
	assert_int_equal(join(w, 5000), 0);
	memset(w->owner, 0, sizeof w->owner);
	for (int i = 0; i < 32; i++)
		assert_in_range(join(w, 6000), 7000, 7099);
	assert_int_equal(w->m->ctk->count, 100);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_class),
		cmocka_unit_test(test_small_ranges),
		cmocka_unit_test(test_eviction),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
