/* test_bindings.c - what connections are translated to: scenes of rules and packets. The addresses out of ranges are those
 * that Linux 6.18 gave for the same rules and packets. */
#include "nat/nat_int.h"
#include "tests/unit/nat/mini.h"

static const struct scene scenes[] = {
	{ "masquerade keeps the port and undoes replies",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { { "c>s", "tcp 10.77.1.50:40000 10.77.2.50:80 S s=1", "tcp 10.77.2.1:40000 10.77.2.50:80" },
	    { "c>s", "tcp 10.77.1.50:40000 10.77.2.50:80 S s=1", "tcp 10.77.2.1:40000 10.77.2.50:80" },
	    { "s>c", "tcp 10.77.2.50:80 10.77.2.1:40000 SA s=9 a=2", "tcp 10.77.2.50:80 10.77.1.50:40000" },
	    { "c>s", "tcp 10.77.1.50:40000 10.77.2.50:80 A s=2 a=10",
	      "tcp 10.77.2.1:40000 10.77.2.50:80" } } },
	{ "a taken port above 1023 stays there",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { { "c>s", "udp 10.77.1.50:5000 10.77.2.50:53", "udp 10.77.2.1:5000 10.77.2.50:53" },
	    { "c>s", "udp 10.77.1.51:5000 10.77.2.50:53", "udp 10.77.2.1:[1024-65535] 10.77.2.50:53" },
	    { "s>c", "udp 10.77.2.50:53 10.77.2.1:$", "udp 10.77.2.50:53 10.77.1.51:5000" },
	    { "s>c", "udp 10.77.2.50:53 10.77.2.1:5000", "udp 10.77.2.50:53 10.77.1.50:5000" } } },
	{ "a taken reserved port stays reserved",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { { "c>s", "udp 10.77.1.50:700 10.77.2.50:53", "udp 10.77.2.1:700 10.77.2.50:53" },
	    { "c>s", "udp 10.77.1.51:700 10.77.2.50:53", "udp 10.77.2.1:[600-1023] 10.77.2.50:53" },
	    { "c>s", "tcp 10.77.1.50:512 10.77.2.50:53 S", "tcp 10.77.2.1:512 10.77.2.50:53" },
	    { "c>s", "tcp 10.77.1.51:512 10.77.2.50:53 S", "tcp 10.77.2.1:[600-1023] 10.77.2.50:53" } } },
	{ "a taken low port stays low",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { { "c>s", "udp 10.77.1.50:80 10.77.2.50:53", "udp 10.77.2.1:80 10.77.2.50:53" },
	    { "c>s", "udp 10.77.1.51:80 10.77.2.50:53", "udp 10.77.2.1:[1-511] 10.77.2.50:53" } } },
	{ "the same source gets the same port toward everybody",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { { "c>s", "udp 10.77.1.50:5000 10.77.2.50:53", "udp 10.77.2.1:5000 10.77.2.50:53" },
	    { "c>s", "udp 10.77.1.51:5000 10.77.2.50:53", "udp 10.77.2.1:[1024-65535] 10.77.2.50:53" },
	    { "c>s", "udp 10.77.1.51:5000 10.77.2.51:99", "udp 10.77.2.1:$ 10.77.2.51:99" },
	    { "c>s", "udp 10.77.1.51:5000 10.77.2.52:7", "udp 10.77.2.1:$ 10.77.2.52:7" } } },
	{ "ICMP ids",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { { "c>s", "icmp8 10.77.1.50:77 10.77.2.50", "icmp8 10.77.2.1:77 10.77.2.50" },
	    { "c>s", "icmp8 10.77.1.51:77 10.77.2.50", "icmp8 10.77.2.1:[0-65535] 10.77.2.50" },
	    { "s>c", "icmp0 10.77.2.50:$ 10.77.2.1", "icmp0 10.77.2.50:77 10.77.1.51" },
	    { "s>c", "icmp0 10.77.2.50:77 10.77.2.1", "icmp0 10.77.2.50:77 10.77.1.50" } } },
	{ "ports are chosen by protocol",
	  { "-A POSTROUTING -p tcp -j MASQUERADE --to-ports 7000-7010", "-A POSTROUTING -o s -j MASQUERADE" },
	  { { "c>s", "tcp 10.77.1.50:40000 10.77.2.50:80 S", "tcp 10.77.2.1:[7000-7010] 10.77.2.50:80" },
	    { "c>s", "tcp 10.77.1.50:7005 10.77.2.51:80 S", "tcp 10.77.2.1:7005 10.77.2.51:80" },
	    { "c>s", "p50 10.77.1.50 10.77.2.50", "p50 10.77.2.1 10.77.2.50" },
	    { "s>c", "p50 10.77.2.50 10.77.2.1", "p50 10.77.2.50 10.77.1.50" } } },
	{ "random ports stay in their class",
	  { "-A POSTROUTING -p tcp -j SNAT --to-source 10.77.2.2 --random",
	    "-A POSTROUTING -p udp -j SNAT --to-source 10.77.2.2 --random-fully" },
	  { { "c>s", "tcp 10.77.1.50:400 10.77.2.50:80 S", "tcp 10.77.2.2:[1-511] 10.77.2.50:80" },
	    { "c>s", "udp 10.77.1.50:600 10.77.2.50:80", "udp 10.77.2.2:[600-1023] 10.77.2.50:80" },
	    { "c>s", "udp 10.77.1.50:2000 10.77.2.50:80", "udp 10.77.2.2:[1024-65535] 10.77.2.50:80" } } },
	{ "a full range of ports drops",
	  { "-A POSTROUTING -p tcp -j SNAT --to-source 10.77.2.1:7000-7003" },
	  { { "c>s", "tcp 10.77.1.50:5000 10.77.2.50:80 S", "tcp 10.77.2.1:[7000-7003] 10.77.2.50:80" },
	    { "c>s", "tcp 10.77.1.51:5000 10.77.2.50:80 S", "tcp 10.77.2.1:[7000-7003] 10.77.2.50:80" },
	    { "c>s", "tcp 10.77.1.52:5000 10.77.2.50:80 S", "tcp 10.77.2.1:[7000-7003] 10.77.2.50:80" },
	    { "c>s", "tcp 10.77.1.53:5000 10.77.2.50:80 S", "tcp 10.77.2.1:[7000-7003] 10.77.2.50:80" },
	    { "c>s", "tcp 10.77.1.54:5000 10.77.2.50:80 S", "drop ct_insert_failed" } } },
	{ "an ended connection gives its port to a later SYN",
	  { "-A POSTROUTING -p tcp -j SNAT --to-source 10.77.2.1:7000" },
	  { { "c>s", "tcp 10.77.1.50:5000 10.77.2.50:80 S s=100", "tcp 10.77.2.1:7000 10.77.2.50:80" },
	    { "c>s", "tcp 10.77.1.51:5000 10.77.2.50:80 S s=900", "drop ct_insert_failed" },
	    { "s>c", "tcp 10.77.2.50:80 10.77.2.1:7000 SA s=500 a=101", "tcp 10.77.2.50:80 10.77.1.50:5000" },
	    { "c>s", "tcp 10.77.1.50:5000 10.77.2.50:80 A s=101 a=501", "tcp 10.77.2.1:7000 10.77.2.50:80" },
	    { "c>s", "tcp 10.77.1.50:5000 10.77.2.50:80 RA s=101 a=501", "tcp 10.77.2.1:7000 10.77.2.50:80" },
	    { "c>s", "tcp 10.77.1.51:5000 10.77.2.50:80 S s=50", "drop ct_insert_failed" },
	    { "c>s", "tcp 10.77.1.51:5000 10.77.2.50:80 S s=900", "tcp 10.77.2.1:7000 10.77.2.50:80" } } },
	{ "addresses by both ends",
	  { "-A POSTROUTING -p udp --dport 53 -j SNAT --to-source 10.77.2.100-10.77.2.110" },
	  { { "c>s", "udp 10.77.1.50:5001 10.77.2.50:53", "udp 10.77.2.109:5001 10.77.2.50:53" },
	    { "c>s", "udp 10.77.1.50:5002 10.77.2.51:53", "udp 10.77.2.110:5002 10.77.2.51:53" },
	    { "c>s", "udp 10.77.1.51:5003 10.77.2.50:53", "udp 10.77.2.110:5003 10.77.2.50:53" },
	    { "c>s", "udp 10.77.1.51:5004 10.77.2.51:53", "udp 10.77.2.101:5004 10.77.2.51:53" },
	    { "c>s", "udp 10.77.1.52:5005 10.77.2.50:53", "udp 10.77.2.105:5005 10.77.2.50:53" },
	    { "c>s", "udp 10.77.1.52:5006 10.77.2.51:53", "udp 10.77.2.108:5006 10.77.2.51:53" } } },
	{ "addresses by the source alone",
	  { "-A POSTROUTING -p udp --dport 54 -j SNAT --to-source 10.77.2.100-10.77.2.110 --persistent" },
	  { { "c>s", "udp 10.77.1.50:5001 10.77.2.50:54", "udp 10.77.2.103:5001 10.77.2.50:54" },
	    { "c>s", "udp 10.77.1.50:5002 10.77.2.51:54", "udp 10.77.2.103:5002 10.77.2.51:54" },
	    { "c>s", "udp 10.77.1.51:5003 10.77.2.50:54", "udp 10.77.2.101:5003 10.77.2.50:54" },
	    { "c>s", "udp 10.77.1.52:5004 10.77.2.51:54", "udp 10.77.2.103:5004 10.77.2.51:54" } } },
	{ "a range the wrong way round",
	  { "-A POSTROUTING -p udp --dport 55 -j SNAT --to-source 10.77.2.9-10.77.2.4" },
	  { { "c>s", "udp 10.77.1.50:5001 10.77.2.50:55", "udp 220.20.48.3:5001 10.77.2.50:55" },
	    { "c>s", "udp 10.77.1.52:5002 10.77.2.51:55", "udp 216.95.155.8:5002 10.77.2.51:55" } } },
	{ "destination and port",
	  { "-A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 10.77.2.50:8080" },
	  { { "c>s", "tcp 10.77.1.50:40000 10.77.1.1:80 S s=1", "tcp 10.77.1.50:40000 10.77.2.50:8080" },
	    { "s>c", "tcp 10.77.2.50:8080 10.77.1.50:40000 SA s=4 a=2", "tcp 10.77.1.1:80 10.77.1.50:40000" },
	    { "c>s", "udp 10.77.1.50:40000 10.77.2.50:80", "udp 10.77.1.50:40000 10.77.2.50:80" } } },
	{ "destination ports of a range",
	  { "-A PREROUTING -p tcp -j DNAT --to-destination 10.77.2.50:8000-8010" },
	  { { "c>s", "tcp 10.77.1.50:40000 10.77.1.1:80 S", "tcp 10.77.1.50:40000 10.77.2.50:8000" },
	    { "c>s", "tcp 10.77.1.51:40000 10.77.1.1:80 S", "tcp 10.77.1.51:40000 10.77.2.50:8000" },
	    { "c>s", "tcp 10.77.1.50:40000 10.77.1.1:81 S", "tcp 10.77.1.50:40000 10.77.2.50:8001" },
	    { "c>s", "tcp 10.77.1.50:40000 10.77.1.1:8005 S", "tcp 10.77.1.50:40000 10.77.2.50:8005" } } },
	{ "destination ports by offset",
	  { "-A PREROUTING -p tcp -j DNAT --to-destination 10.77.2.50:8000-8010/9000" },
	  { { "c>s", "tcp 10.77.1.50:40000 10.77.1.1:9003 S", "tcp 10.77.1.50:40000 10.77.2.50:8003" },
	    { "c>s", "tcp 10.77.1.50:40000 10.77.1.1:9011 S", "tcp 10.77.1.50:40000 10.77.2.50:8000" } } },
	{ "destination port alone",
	  { "-A PREROUTING -p udp -j DNAT --to-destination :5353" },
	  { { "c>s", "udp 10.77.1.50:4000 10.77.2.50:53", "udp 10.77.1.50:4000 10.77.2.50:5353" } } },
	{ "redirect",
	  { "-A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 3128",
	    "-A PREROUTING -p udp -j REDIRECT" },
	  { { "c>", "tcp 10.77.1.50:4000 10.77.2.50:80 S", "tcp 10.77.1.50:4000 10.77.1.1:3128" },
	    { "c>", "udp 10.77.1.50:4000 10.77.2.50:53", "udp 10.77.1.50:4000 10.77.1.1:53" },
	    { ">c", "udp 10.77.1.1:53 10.77.1.50:4000", "udp 10.77.2.50:53 10.77.1.50:4000" } } },
	{ "netmap",
	  { "-A PREROUTING -d 192.168.9.0/24 -j NETMAP --to 10.77.2.0/24",
	    "-A POSTROUTING -s 10.77.1.0/24 -j NETMAP --to 172.16.5.128/25" },
	  { { "c>s", "udp 10.77.1.50:4000 192.168.9.50:53", "udp 172.16.5.178:4000 10.77.2.50:53" },
	    { "s>c", "udp 10.77.2.50:53 172.16.5.178:4000", "udp 192.168.9.50:53 10.77.1.50:4000" } } },
	{ "hairpin",
	  { "-A PREROUTING -d 10.77.2.1 -p tcp --dport 80 -j DNAT --to-destination 10.77.1.60",
	    "-A POSTROUTING -o c -j MASQUERADE" },
	  { { "c>c", "tcp 10.77.1.50:4000 10.77.2.1:80 S s=1", "tcp 10.77.1.1:4000 10.77.1.60:80" },
	    { "c>c", "tcp 10.77.1.60:80 10.77.1.1:4000 SA s=5 a=2", "tcp 10.77.2.1:80 10.77.1.50:4000" },
	    { "c>c", "tcp 10.77.1.50:4000 10.77.2.1:80 A s=2 a=6", "tcp 10.77.1.1:4000 10.77.1.60:80" } } },
	{ "a null binding yields when its tuple is taken",
	  { "-A POSTROUTING -s 10.77.1.0/24 -j MASQUERADE" },
	  { { "c>s", "udp 10.77.1.50:6000 10.77.2.50:53", "udp 10.77.2.1:6000 10.77.2.50:53" },
	    { ">s", "udp 10.77.2.1:6000 10.77.2.50:53", "udp 10.77.2.1:[1024-65535] 10.77.2.50:53" },
	    { "s>", "udp 10.77.2.50:53 10.77.2.1:$", "udp 10.77.2.50:53 10.77.2.1:6000" } } },
	{ "accept is a decision",
	  { "-A POSTROUTING -d 10.77.2.50 -j ACCEPT", "-A POSTROUTING -o s -j MASQUERADE" },
	  { { "c>s", "udp 10.77.1.50:6000 10.77.2.50:53", "udp 10.77.1.50:6000 10.77.2.50:53" },
	    { "c>s", "udp 10.77.1.50:6000 10.77.2.51:53", "udp 10.77.2.1:6000 10.77.2.51:53" } } },
	{ "source at INPUT",
	  { "-A INPUT -j SNAT --to-source 192.0.2.7" },
	  { { "c>", "udp 10.77.1.50:6000 10.77.1.1:53", "udp 192.0.2.7:6000 10.77.1.1:53" },
	    { ">c", "udp 10.77.1.1:53 192.0.2.7:6000", "udp 10.77.1.1:53 10.77.1.50:6000" } } },
	{ "another way out ends a masqueraded connection",
	  { "-A POSTROUTING -j MASQUERADE" },
	  { { "c>s", "udp 10.77.1.50:6000 10.77.2.50:53", "udp 10.77.2.1:6000 10.77.2.50:53" },
	    { "c>c", "udp 10.77.1.50:6000 10.77.2.50:53", "drop nat_out_port_changed" },
	    { "c>c", "udp 10.77.1.50:6000 10.77.2.50:53", "udp 10.77.1.1:6000 10.77.2.50:53" } } },
	{ "no source, no masquerade",
	  { "-A POSTROUTING -j MASQUERADE" },
	  { { "c>s", "udp 0.0.0.0:68 10.77.2.50:67", "udp 0.0.0.0:68 10.77.2.50:67" } } },
	{ "invalid packets pass untouched",
	  { "-A POSTROUTING -j MASQUERADE", "-A PREROUTING -j DNAT --to-destination 10.77.2.50" },
	  { { "c>s", "tcp 10.77.1.50:6000 10.77.2.51:53 SA", "tcp 10.77.1.50:6000 10.77.2.51:53" } } },
	{ "GRE without keys is translated by address",
	  { "-A POSTROUTING -j MASQUERADE" },
	  { { "c>s", "gre 10.77.1.50 10.77.2.51:7", "gre 10.77.2.1 10.77.2.51:7" } } },
};

static void test_scenes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
		mini_scene(&scenes[i]);
}

/* As long as the nat table was not used connections are not bound at all. */
static void test_table_unused(void **state)
{
	static const struct step step = { "c>s", "udp 10.77.1.50:5000 10.77.2.50:53",
					  "udp 10.77.1.50:5000 10.77.2.50:53" };
	struct mini *m = mini_open();

	(void)state;
	mini_step(m, "unused", &step);
	assert_int_equal(m->held->ct->status & (CT_ST_NAT_MASK | CT_ST_NAT_DONE_MASK), 0);
	mini_close(m);
}

/* is_linked: whether a connection hangs in the by-source hash, both ways. */
static bool is_linked(const struct nat *nat, const struct ct_entry *ct)
{
	for (uint32_t b = 0; b <= nat->by_source_mask; b++) {
		uint32_t before = 0;

		for (uint32_t next = nat->by_source[b]; next; before = next, next = ct_at(nat->ctk, next - 1)->by_source_next) {
			assert_int_equal(ct_at(nat->ctk, next - 1)->by_source_prev, before);
			if (ct_at(nat->ctk, next - 1) == ct)
				return true;
		}
	}
	return false;
}

/* The status bits that tools show, and the by-source hash, follow what was bound. */
static void test_status(void **state)
{
	static const char *const rules[] = { "-A POSTROUTING -p udp -j MASQUERADE",
					     "-A PREROUTING -p tcp -j DNAT --to-destination 10.77.2.50:99",
					     NULL };
	static const struct {
		struct step step;
		uint32_t status;
	} rows[] = {
		{ { "c>s", "udp 10.77.1.50:1 10.77.2.50:2", "udp 10.77.2.1:1 10.77.2.50:2" },
		  CT_ST_SRC_NAT | CT_ST_NAT_DONE_MASK },
		{ { "c>s", "udp 10.77.2.1:7 10.77.2.50:2", "udp 10.77.2.1:7 10.77.2.50:2" },
		  CT_ST_NAT_DONE_MASK },
		{ { "c>s", "tcp 10.77.1.50:1 10.77.2.51:2 S", "tcp 10.77.1.50:1 10.77.2.50:99" },
		  CT_ST_DST_NAT | CT_ST_NAT_DONE_MASK },
		{ { "c>s", "p99 10.77.1.50 10.77.2.51", "p99 10.77.1.50 10.77.2.51" }, CT_ST_NAT_DONE_MASK },
	};
	struct mini *m = mini_open();

	(void)state;
	mini_rules(m, TABLE_NAT, rules);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		mini_step(m, "status", &rows[i].step);
		assert_int_equal(m->held->ct->status & (CT_ST_NAT_MASK | CT_ST_NAT_DONE_MASK),
				 rows[i].status);
		assert_int_equal(is_linked(m->nat, m->held->ct), !!(rows[i].status & CT_ST_SRC_NAT));
	}
	mini_close(m);
}

/* Port down and address gone end what depends on them, and nothing else. */
static void test_notifiers(void **state)
{
	static const char *const rules[] = { "-A POSTROUTING -p udp -o s -j MASQUERADE",
					     "-A POSTROUTING -p tcp -o s -j SNAT --to-source 10.77.2.1",
					     NULL };
	static const struct step steps[] = {
		{ "c>s", "udp 10.77.1.50:1 10.77.2.50:2", "udp 10.77.2.1:1 10.77.2.50:2" },
		{ "c>s", "tcp 10.77.1.50:1 10.77.2.50:2 S", "tcp 10.77.2.1:1 10.77.2.50:2" },
	};
	struct mini *m = mini_open();

	(void)state;
	mini_rules(m, TABLE_NAT, rules);
	for (int round = 0; round < 2; round++) {
		mini_step(m, "notifiers", &steps[0]);
		mini_step(m, "notifiers", &steps[1]);
		pkt_free(m->held);
		m->held = NULL;
		assert_int_equal(m->ctk->count, 2);
		nat_addr_gone(m->nat, m->s, inet_addr("10.77.2.2"));
		nat_port_down(m->nat, m->c);
		assert_int_equal(m->ctk->count, 2);
		if (round)
			nat_port_down(m->nat, m->s);
		else
			nat_addr_gone(m->nat, m->s, inet_addr("10.77.2.1"));
		assert_int_equal(m->ctk->count, 1);
	}
	mini_close(m);
}

/* The address that MASQUERADE takes: of the next hop's network, else the first, else another port's, else none. */
static void test_masquerade_address(void **state)
{
	static const char *const rules[] = { "-A POSTROUTING -j MASQUERADE", NULL };
	static const struct step near = { "c>s", "udp 10.77.1.50:1 172.20.0.9:2",
					  "udp 172.20.0.1:1 172.20.0.9:2" },
				 far = { "c>s", "udp 10.77.1.50:1 8.8.8.8:2", "udp 10.77.2.1:1 8.8.8.8:2" },
				 other = { "c>s", "udp 10.77.1.50:1 8.8.4.4:2", "udp 10.77.1.1:1 8.8.4.4:2" },
				 none = { "c>s", "udp 10.77.1.50:1 8.8.2.2:2", "drop nat_no_address" };
	struct mini *m = mini_open();

	(void)state;
	mini_rules(m, TABLE_NAT, rules);
	assert_int_equal(port_add_addr(m->ns, m->s, inet_addr("172.20.0.1"), 16), 0);
	mini_step(m, "near", &near);
	mini_step(m, "far", &far);
	port_del_addr(m->ns, m->s, inet_addr("10.77.2.1"), 24);
	port_del_addr(m->ns, m->s, inet_addr("10.77.2.2"), 24);
	port_del_addr(m->ns, m->s, inet_addr("172.20.0.1"), 16);
	mini_step(m, "other", &other);
	port_del_addr(m->ns, m->c, inet_addr("10.77.1.1"), 24);
	mini_step(m, "none", &none);
	assert_int_equal(m->world.log_count, 1);
	assert_string_equal(m->world.log[0], "s ate my IP address");
	mini_close(m);
}

/* NOTRACK in raw: no connection, no translation. */
static void test_untracked(void **state)
{
	static const char *const raw[] = { "-A PREROUTING -p udp -j NOTRACK", NULL }, *const nat[] = {
		"-A POSTROUTING -j MASQUERADE", NULL
	};
	static const struct step step = { "c>s", "udp 10.77.1.50:1 10.77.2.50:2",
					  "udp 10.77.1.50:1 10.77.2.50:2" };
	struct mini *m = mini_open();

	(void)state;
	mini_rules(m, TABLE_RAW, raw);
	mini_rules(m, TABLE_NAT, nat);
	mini_step(m, "untracked", &step);
	mini_close(m);
}

/* Many connections of one source come and go in any order: the chain of the by-source hash holds. */
static void test_by_source_chain(void **state)
{
	static const char *const rules[] = { "-A POSTROUTING -j MASQUERADE", NULL };
	struct mini *m = mini_open();

	(void)state;
	mini_rules(m, TABLE_NAT, rules);
	for (unsigned i = 0; i < 300; i++) {
		char in[64], out[64];
		struct step s = { "c>s", in, out, i % 7 == 6 ? 11 * SEC : 0 };

		snprintf(in, sizeof in, "udp 10.77.1.50:5000 10.77.%u.%u:53", 10 + i % 3, 1 + i % 200);
		snprintf(out, sizeof out, "udp 10.77.2.1:5000 10.77.%u.%u:53", 10 + i % 3, 1 + i % 200);
		mini_step(m, "chain", &s);
	}
	ct_flush(m->ctk, NULL, NULL);
	mini_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_table_unused),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_notifiers),
		cmocka_unit_test(test_masquerade_address),
		cmocka_unit_test(test_untracked),
		cmocka_unit_test(test_by_source_chain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
