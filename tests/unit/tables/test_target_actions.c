/* test_target_actions.c - what targets do to packets, and the matches that count or look at connections. */
#include <arpa/inet.h>

#include "conntrack/proto.h"
#include "netstack/checksum.h"
#include "tests/unit/tables/rule_text.h"

/* load: one rule that must be taken. */
static void load(struct bench *b, enum table_id table, const char *chain, const char *rule)
{
	struct rule_error err;
	char line[1024];

	snprintf(line, sizeof line, "-A %s %s", chain, rule);
	if (bench_load(b, table, line, false, &err))
		fail_msg("%s: %s %s", rule, err.text, err.detail);
}

/* walk: one packet through a table at a hook. */
static enum verdict walk(struct bench *b, enum table_id table, enum hook hook, struct pkt *p)
{
	const struct hook_state st = { .hook = hook, .in = p->in, .out = p->out, .ns = b->ns };

	return tables_walk(b->tables, table, p, &st);
}

/* --- rewriting ------------------------------------------------------------------------------------------------------ */

static const struct rewrite_row {
	const char *rule;
	uint8_t ttl, tos, want_ttl, want_tos;
	uint32_t mark, want_mark, want_priority;
} rewrites[] = {
	{ "-j TTL --ttl-set 0", 64, 0, 0, 0, 0, 0, 0 },
	{ "-j TTL --ttl-set 64", 64, 0, 64, 0, 0, 0, 0 },
	{ "-j TTL --ttl-inc 200", 64, 0, 255, 0, 0, 0, 0 },
	{ "-j TTL --ttl-inc 1", 64, 0, 65, 0, 0, 0, 0 },
	{ "-j TTL --ttl-dec 200", 64, 0, 0, 0, 0, 0, 0 },
	{ "-j TTL --ttl-dec 1", 64, 0, 63, 0, 0, 0, 0 },
	{ "-j TOS --set-tos 0x10/0x3f", 64, 0xbb, 64, 0x90, 0, 0, 0 },
	{ "-j TOS --set-tos 5", 64, 0xff, 64, 5, 0, 0, 0 },
	{ "-j TOS --and-tos 0xf0", 64, 0xff, 64, 0xf0, 0, 0, 0 },
	{ "-j TOS --or-tos 0x0f", 64, 0xf0, 64, 0xff, 0, 0, 0 },
	{ "-j TOS --xor-tos 0xff", 64, 0xf0, 64, 0x0f, 0, 0, 0 },
	{ "-j DSCP --set-dscp-class EF", 64, 0x03, 64, 0xbb, 0, 0, 0 },
	{ "-j DSCP --set-dscp 0", 64, 0xbb, 64, 0x03, 0, 0, 0 },
	{ "-j MARK --set-mark 0x10/0xf0", 64, 0, 64, 0, 0x1ff, 0x11f, 0 },
	{ "-j MARK --set-mark 0xff/0xf0", 64, 0, 64, 0, 0x100, 0x1ff, 0 },
	{ "-j MARK --set-xmark 0xff/0xf0", 64, 0, 64, 0, 0x1f, 0xf0, 0 },
	{ "-j MARK --and-mark 0xf0", 64, 0, 64, 0, 0x1ff, 0xf0, 0 },
	{ "-j MARK --or-mark 0xf0", 64, 0, 64, 0, 0x10f, 0x1ff, 0 },
	{ "-j MARK --xor-mark 0xff", 64, 0, 64, 0, 0x10f, 0x1f0, 0 },
	{ "-j CLASSIFY --set-class 1:2", 64, 0, 64, 0, 0, 0, 0x10002 },
	{ "-j CONNMARK --set-mark 1", 64, 0, 64, 0, 7, 7, 0 },
};

static void test_rewrites(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	for (size_t i = 0; i < sizeof rewrites / sizeof rewrites[0]; i++) {
		const struct rewrite_row *r = &rewrites[i];
		const struct craft c = { .src = "10.0.0.1", .dst = "10.0.0.2", .ttl = r->ttl, .tos = r->tos };
		struct pkt *p = craft_packet(b.ns->pool, &c);

		load(&b, TABLE_MANGLE, "FORWARD", r->rule);
		p->mark = r->mark;
		assert_int_equal(walk(&b, TABLE_MANGLE, HOOK_FORWARD, p), VERDICT_ACCEPT);
		if (ip4_hdr(p)->ttl != r->want_ttl || ip4_hdr(p)->tos != r->want_tos || p->mark != r->want_mark ||
		    p->priority != r->want_priority || csum_bytes(p->data, IP4_HLEN) != 0)
			fail_msg("%s: ttl %u tos %x mark %x priority %x", r->rule, ip4_hdr(p)->ttl, ip4_hdr(p)->tos,
				 p->mark, p->priority);
		assert_int_equal(p->hdr.ttl, r->want_ttl);
		assert_int_equal(p->hdr.tos, r->want_tos);
		pkt_free(p);
	}
	bench_end(&b);
}

/* --- connections ---------------------------------------------------------------------------------------------------- */

static const struct connmark_row {
	const char *rule;
	uint32_t mark, ct_mark, want_mark, want_ct_mark;
} connmarks[] = {
	{ "-j CONNMARK --set-mark 0x1/0xff", 0, 0xabcd, 0, 0xab01 },
	{ "-j CONNMARK --set-xmark 0xff/0xf0", 0, 0x1f, 0, 0xf0 },
	{ "-j CONNMARK --set-mark 1 --left-shift-mark 4", 0, 0, 0, 0x10 },
	{ "-j CONNMARK --and-mark 0xf", 0, 0xff, 0, 0xf },
	{ "-j CONNMARK --save-mark", 0x55, 0xaa, 0x55, 0x55 },
	{ "-j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff00", 0x1255, 0xaaaa, 0x1255, 0xff },
	{ "-j CONNMARK --save-mark --mask 0xff --left-shift-mark 8", 0x55, 0xaa, 0x55, 0x5500 },
	{ "-j CONNMARK --restore-mark", 0x55, 0xaa, 0xaa, 0xaa },
	{ "-j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff00ff", 0, 0x12345678, 0x340078, 0x12345678 },
	{ "-j CONNMARK --restore-mark --right-shift-mark 4", 1, 0xab0, 0xab, 0xab0 },
};

static void test_connmarks(void **state)
{
	struct ct_entry ct = { .status = CT_ST_SEEN_REPLY };
	struct bench b;

	(void)state;
	bench_begin(&b);
	for (size_t i = 0; i < sizeof connmarks / sizeof connmarks[0]; i++) {
		const struct connmark_row *r = &connmarks[i];
		const struct craft c = { .src = "10.0.0.1", .dst = "10.0.0.2" };
		struct pkt *p = craft_packet(b.ns->pool, &c);

		load(&b, TABLE_MANGLE, "FORWARD", r->rule);
		p->mark = r->mark;
		p->ct = &ct;
		ct.mark = r->ct_mark;
		walk(&b, TABLE_MANGLE, HOOK_FORWARD, p);
		p->ct = NULL;
		if (p->mark != r->want_mark || ct.mark != r->want_ct_mark)
			fail_msg("%s: mark %x ct %x", r->rule, p->mark, ct.mark);
		pkt_free(p);
	}
	bench_end(&b);
}

/* The connection that the rows below look at. */
static const struct ct_entry *sample(void)
{
	static struct ct_extra extra = { .has_acct = true, .acct = { { 10, 1000 }, { 5, 2000 } } };
	static struct ct_entry ct;

	ct = (struct ct_entry){ .status = CT_ST_SEEN_REPLY | CT_ST_ASSURED | CT_ST_SRC_NAT, .mark = 5, .extra = &extra };
	ct.tuple[CT_ORIGINAL] = (struct ct_tuple){ .src = addr_ip4(inet_addr("10.0.0.1")),
						   .dst = addr_ip4(inet_addr("10.0.0.2")), .src_key = htons(1000),
						   .dst_key = htons(80), .proto = IP_PROTO_TCP };
	ct.tuple[CT_REPLY] = (struct ct_tuple){ .src = addr_ip4(inet_addr("10.0.0.2")),
						.dst = addr_ip4(inet_addr("192.0.2.1")), .src_key = htons(80),
						.dst_key = htons(1000), .proto = IP_PROTO_TCP };
	return &ct;
}

/* info: enum ct_info with the sample connection, or -1 no connection, -2 NOTRACK. */
static const struct ct_row {
	const char *rule;
	int info;
	bool fits;
} ct_rows[] = {
	{ "-m state --state NEW", CT_NEW, true },
	{ "-m state --state ESTABLISHED", CT_ESTABLISHED_REPLY, true },
	{ "-m state --state RELATED", CT_RELATED_REPLY, true },
	{ "-m state ! --state RELATED", CT_RELATED, false },
	{ "-m state --state INVALID", -1, true },
	{ "-m state --state UNTRACKED", -1, false },
	{ "-m state --state UNTRACKED", -2, true },
	{ "-m state --state INVALID", -2, false },
	{ "-m conntrack --ctstate SNAT", CT_ESTABLISHED, true },
	{ "-m conntrack --ctstate DNAT", CT_ESTABLISHED, false },
	{ "-m conntrack ! --ctstate SNAT,DNAT", CT_ESTABLISHED, false },
	{ "-m conntrack --ctstate INVALID --ctproto udp", -1, true }, /* without a connection nothing else counts */
	{ "-m conntrack --ctproto tcp", -1, false },
	{ "-m conntrack ! --ctproto tcp", -1, false },
	{ "-m conntrack --ctproto tcp", CT_ESTABLISHED, true },
	{ "-m conntrack ! --ctproto 17", CT_ESTABLISHED, true },
	{ "-m conntrack --ctorigsrc 10.0.0.0/30", CT_ESTABLISHED, true },
	{ "-m conntrack ! --ctorigsrc 10.0.0.1", CT_ESTABLISHED, false },
	{ "-m conntrack --ctorigdst 10.0.0.3", CT_ESTABLISHED, false },
	{ "-m conntrack --ctreplsrc 10.0.0.2", CT_ESTABLISHED, true },
	{ "-m conntrack --ctrepldst 192.0.2.0/24", CT_ESTABLISHED, true },
	{ "-m conntrack --ctorigsrcport 999:1001", CT_ESTABLISHED, true },
	{ "-m conntrack ! --ctorigdstport 80", CT_ESTABLISHED, false },
	{ "-m conntrack --ctreplsrcport 81:", CT_ESTABLISHED, false },
	{ "-m conntrack --ctrepldstport :1000", CT_ESTABLISHED, true },
	{ "-m conntrack --ctstatus ASSURED,EXPECTED", CT_ESTABLISHED, true },
	{ "-m conntrack ! --ctstatus EXPECTED", CT_ESTABLISHED, true },
	{ "-m conntrack --ctstatus NONE", CT_ESTABLISHED, false },
	{ "-m conntrack ! --ctstatus NONE", CT_ESTABLISHED, true },
	{ "-m conntrack --ctexpire 0", CT_ESTABLISHED, true }, /* not confirmed: no expiry yet */
	{ "-m conntrack ! --ctexpire 0", CT_ESTABLISHED, false },
	{ "-m conntrack --ctdir ORIGINAL", CT_ESTABLISHED, true },
	{ "-m conntrack --ctdir ORIGINAL", CT_ESTABLISHED_REPLY, false },
	{ "-m conntrack --ctdir REPLY", CT_ESTABLISHED_REPLY, true },
	{ "-m connmark --mark 5", CT_ESTABLISHED, true },
	{ "-m connmark ! --mark 1/1", CT_ESTABLISHED, false },
	{ "-m connmark ! --mark 9", -1, false },
	{ "-m helper --helper ftp", CT_ESTABLISHED, false },
	{ "-m helper ! --helper ftp", CT_ESTABLISHED, true },
	{ "-m connbytes --connbytes 10:10 --connbytes-dir original --connbytes-mode packets", CT_NEW, true },
	{ "-m connbytes --connbytes 15 --connbytes-dir both --connbytes-mode packets", CT_NEW, true },
	{ "-m connbytes ! --connbytes 1:1999 --connbytes-dir reply --connbytes-mode bytes", CT_NEW, true },
	{ "-m connbytes --connbytes 400 --connbytes-dir reply --connbytes-mode avgpkt", CT_NEW, true },
	{ "-m connbytes --connbytes 201 --connbytes-dir both --connbytes-mode avgpkt", CT_NEW, false },
	{ "-m connbytes --connbytes 0 --connbytes-dir both --connbytes-mode avgpkt", -1, false },
};

static void test_connections(void **state)
{
	struct bench b;

	(void)state;
	bench_begin(&b);
	for (size_t i = 0; i < sizeof ct_rows / sizeof ct_rows[0]; i++) {
		const struct ct_row *r = &ct_rows[i];
		const struct craft c = { .src = "10.0.0.1", .dst = "10.0.0.2" };
		struct pkt *p = craft_packet(b.ns->pool, &c);
		struct ct_entry ct = *sample();
		char rule[256];

		snprintf(rule, sizeof rule, "%s -j MARK --set-mark 1", r->rule);
		load(&b, TABLE_MANGLE, "FORWARD", rule);
		p->ct = r->info >= 0 ? &ct : NULL;
		p->ct_info = r->info >= 0 ? (uint8_t)r->info : r->info == -2 ? CT_UNTRACKED : 0;
		walk(&b, TABLE_MANGLE, HOOK_FORWARD, p);
		p->ct = NULL;
		if ((p->mark == 1) != r->fits)
			fail_msg("%s with %d: %s", r->rule, r->info, p->mark ? "fits" : "does not");
		pkt_free(p);
	}
	bench_end(&b);
}

/* --- counting ------------------------------------------------------------------------------------------------------- */

/* passes: how many of @count packets, @gap ns apart, the live rule marks. */
static unsigned passes(struct bench *b, unsigned count, uint64_t gap)
{
	const struct craft c = { .src = "10.0.0.1", .dst = "10.0.0.2" };
	unsigned hit = 0;

	for (unsigned i = 0; i < count; i++) {
		struct pkt *p = craft_packet(b->ns->pool, &c);

		walk(b, TABLE_MANGLE, HOOK_FORWARD, p);
		hit += p->mark;
		b->ns->now += gap;
		pkt_free(p);
	}
	return hit;
}

static const struct limit_row {
	const char *rule;
	unsigned first;      /* of 10 at once */
	uint64_t wait;       /* ns */
	unsigned second;     /* of 10 at once */
} limits[] = {
	{ "-m limit --limit 2/s --limit-burst 3 -j MARK --set-mark 1", 3, 1000000000, 2 },
	{ "-m limit --limit 2/s --limit-burst 3 -j MARK --set-mark 1", 3, 499999999, 0 },
	{ "-m limit --limit 2/s --limit-burst 3 -j MARK --set-mark 1", 3, 500000000, 1 },
	{ "-m limit --limit 1/minute -j MARK --set-mark 1", 5, 59000000000, 0 },
	{ "-m limit --limit 1/minute -j MARK --set-mark 1", 5, 600000000000, 5 },
	{ "-m limit --limit 10000/s --limit-burst 1 -j MARK --set-mark 1", 1, 4000000, 1 },
	{ "-m statistic --mode nth --every 3 --packet 0 -j MARK --set-mark 1", 4, 0, 3 },
	{ "-m statistic --mode nth --every 5 --packet 4 -j MARK --set-mark 1", 2, 0, 2 },
	{ "-m statistic --mode nth ! --every 5 --packet 0 -j MARK --set-mark 1", 8, 0, 8 },
	{ "-m statistic --mode random --probability 1 -j MARK --set-mark 1", 10, 0, 10 },
	{ "-m statistic --mode random --probability 0 -j MARK --set-mark 1", 0, 0, 0 },
};

static void test_limits(void **state)
{
	struct bench b;

	(void)state;
	for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
		const struct limit_row *r = &limits[i];
		unsigned first, second;

		bench_begin(&b);
		load(&b, TABLE_MANGLE, "FORWARD", r->rule);
		first = passes(&b, 10, 0);
		b.ns->now += r->wait;
		second = passes(&b, 10, 0);
		if (first != r->first || second != r->second)
			fail_msg("%s: %u then %u", r->rule, first, second);
		bench_end(&b);
	}
}

/* --- LOG, NOTRACK, CT, TRACE, REJECT -------------------------------------------------------------------------------- */

static void test_log(void **state)
{
	const struct craft c = { .src = "10.0.0.1", .dst = "10.0.0.2", .sport = 5, .dport = 6, .id = 7 };
	struct bench b;
	struct pkt *p;

	(void)state;
	bench_begin(&b);
	load(&b, TABLE_FILTER, "OUTPUT", "-j LOG --log-prefix 'a b: ' --log-level 6");
	p = craft_packet(b.ns->pool, &c);
	assert_int_equal(walk(&b, TABLE_FILTER, HOOK_OUTPUT, p), VERDICT_ACCEPT);
	assert_int_equal(b.world.log_count, 1);
	assert_string_equal(b.world.log[0], "a b: IN= OUT= SRC=10.0.0.1 DST=10.0.0.2 LEN=28 TOS=0x00 PREC=0x00 TTL=64 "
					    "ID=7 PROTO=UDP SPT=5 DPT=6 LEN=8 ");
	pkt_free(p);
	bench_end(&b);
}

static void test_raw(void **state)
{
	static const char *const notrack[] = { "-j NOTRACK", "-j CT --notrack" };
	const struct craft c = { .src = "10.0.0.1", .dst = "10.0.0.2" };
	struct bench b;
	struct pkt *p;

	(void)state;
	bench_begin(&b);
	for (unsigned i = 0; i < 2; i++) {
		load(&b, TABLE_RAW, "PREROUTING", notrack[i]);
		p = craft_packet(b.ns->pool, &c);
		walk(&b, TABLE_RAW, HOOK_PREROUTING, p);
		assert_null(p->ct);
		assert_int_equal(p->ct_info, CT_UNTRACKED);
		pkt_free(p);
	}
	load(&b, TABLE_RAW, "PREROUTING", "-j CT --zone 5");
	p = craft_packet(b.ns->pool, &c);
	walk(&b, TABLE_RAW, HOOK_PREROUTING, p);
	assert_non_null(p->ct);
	assert_true(p->ct->status & CT_ST_TEMPLATE);
	pkt_free(p);
	load(&b, TABLE_RAW, "PREROUTING", "-j TRACE");
	p = craft_packet(b.ns->pool, &c);
	walk(&b, TABLE_RAW, HOOK_PREROUTING, p);
	assert_true(p->traced);
	pkt_free(p);
	bench_end(&b);
}

/* What REJECT answers at FORWARD. */
static const struct reject_row {
	const char *rule;
	struct craft packet;
	uint64_t made; /* packets made by the router */
} rejects[] = {
	{ "-j REJECT", { .src = "10.0.0.9", .dst = "10.0.1.2" }, 1 },
	{ "-j REJECT --reject-with icmp-admin-prohibited", { .src = "10.0.0.9", .dst = "10.0.1.2" }, 1 },
	{ "-j REJECT", { .src = "10.0.0.9", .dst = "10.0.1.2", .bad_l4_checksum = true }, 0 },
	{ "-j REJECT", { .src = "10.0.0.9", .dst = "10.0.1.2", .icmp_type = 3 }, 0 },
	{ "-p tcp -j REJECT --reject-with tcp-reset", { .src = "10.0.0.9", .dst = "10.0.1.2", .tcp_flags = TCP_SYN }, 1 },
	{ "-p tcp -j REJECT --reject-with tcp-reset", { .src = "10.0.0.9", .dst = "10.0.1.2", .tcp_flags = TCP_RST }, 0 },
};

static void test_reject(void **state)
{
	static const uint8_t mac[MAC_LEN] = { 2, 0, 0, 0, 0, 1 };
	struct bench b;

	(void)state;
	for (size_t i = 0; i < sizeof rejects / sizeof rejects[0]; i++) {
		struct port *in;
		uint64_t made;
		struct pkt *p;

		bench_begin(&b);
		in = port_add(b.ns, "r0", mac, 1500);
		port_set_up(b.ns, in, true);
		assert_int_equal(port_add_addr(b.ns, in, inet_addr("10.0.0.1"), 24), 0);
		load(&b, TABLE_FILTER, "FORWARD", rejects[i].rule);
		p = craft_packet(b.ns->pool, &rejects[i].packet);
		p->in = in;
		p->route_type = 1;
		made = b.ns->balance.made;
		assert_int_equal(walk(&b, TABLE_FILTER, HOOK_FORWARD, p), VERDICT_DROP);
		assert_int_equal(p->drop, DROP_RULE_REJECT);
		/* the ARP request for the answer's next hop is made too */
		if ((b.ns->balance.made > made) != (rejects[i].made > 0))
			fail_msg("%s (row %zu): made %llu", rejects[i].rule, i,
				 (unsigned long long)(b.ns->balance.made - made));
		pkt_free(p);
		netstack_flush(b.ns);
		bench_end(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rewrites), cmocka_unit_test(test_connmarks), cmocka_unit_test(test_connections),
		cmocka_unit_test(test_limits),   cmocka_unit_test(test_log),       cmocka_unit_test(test_raw),
		cmocka_unit_test(test_reject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
