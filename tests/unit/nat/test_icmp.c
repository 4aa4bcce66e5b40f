/* test_icmp.c - ICMP errors about translated connections, both directions, what they quote included. */
#include "tests/unit/nat/mini.h"

#define UDP_OUT                                                                                \
	{                                                                                      \
		"c>s", "udp 10.77.1.50:5000 10.77.2.50:53", "udp 10.77.2.1:5000 10.77.2.50:53" \
	}
#define UDP_BACK                                                                               \
	{                                                                                      \
		"s>c", "udp 10.77.2.50:53 10.77.2.1:5000", "udp 10.77.2.50:53 10.77.1.50:5000" \
	}
#define TCP_IN                                                                                     \
	{                                                                                          \
		"c>s", "tcp 10.77.1.50:4000 10.77.2.1:80 S", "tcp 10.77.1.50:4000 10.77.2.50:8080" \
	}

static const struct scene scenes[] = {
	{ "source translated: from the server",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { UDP_OUT,
	    { "s>c", "err3.3 10.77.2.50 10.77.2.1 q=udp 10.77.2.1:5000 10.77.2.50:53",
	      "err3.3 10.77.2.50 10.77.1.50 q=udp 10.77.1.50:5000 10.77.2.50:53" } } },
	{ "source translated: from a router in the middle, which keeps its address",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { UDP_OUT,
	    { "s>c", "err11.0 10.99.9.9 10.77.2.1 q=udp 10.77.2.1:5000 10.77.2.50:53",
	      "err11.0 10.99.9.9 10.77.1.50 q=udp 10.77.1.50:5000 10.77.2.50:53" } } },
	{ "source translated: from the client about a reply",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { UDP_OUT,
	    UDP_BACK,
	    { "c>s", "err3.3 10.77.1.50 10.77.2.50 q=udp 10.77.2.50:53 10.77.1.50:5000",
	      "err3.3 10.77.2.1 10.77.2.50 q=udp 10.77.2.50:53 10.77.2.1:5000" } } },
	{ "source translated to another port",
	  { "-A POSTROUTING -p udp -j SNAT --to-source 10.77.2.2:7000" },
	  { { "c>s", "udp 10.77.1.50:5000 10.77.2.50:53", "udp 10.77.2.2:7000 10.77.2.50:53" },
	    { "s>c", "err3.1 10.77.2.50 10.77.2.2 q=udp 10.77.2.2:7000 10.77.2.50:53 n=33",
	      "err3.1 10.77.2.50 10.77.1.50 q=udp 10.77.1.50:5000 10.77.2.50:53" } } },
	{ "destination translated: from the server",
	  { "-A PREROUTING -d 10.77.2.1 -p tcp --dport 80 -j DNAT --to-destination 10.77.2.50:8080" },
	  { TCP_IN,
	    { "s>c", "err3.3 10.77.2.50 10.77.1.50 q=tcp 10.77.1.50:4000 10.77.2.50:8080 S",
	      "err3.3 10.77.2.1 10.77.1.50 q=tcp 10.77.1.50:4000 10.77.2.1:80" } } },
	{ "destination translated: a router in the middle shows the virtual address",
	  { "-A PREROUTING -d 10.77.2.1 -p tcp --dport 80 -j DNAT --to-destination 10.77.2.50:8080" },
	  { TCP_IN,
	    { "s>c", "err3.1 10.99.9.9 10.77.1.50 q=tcp 10.77.1.50:4000 10.77.2.50:8080 S",
	      "err3.1 10.77.2.1 10.77.1.50 q=tcp 10.77.1.50:4000 10.77.2.1:80" } } },
	{ "both translated",
	  { "-A PREROUTING -d 10.77.2.1 -p tcp --dport 80 -j DNAT --to-destination 10.77.2.50:8080",
	    "-A POSTROUTING -p tcp -j SNAT --to-source 10.77.2.2:6000" },
	  { { "c>s", "tcp 10.77.1.50:4000 10.77.2.1:80 S", "tcp 10.77.2.2:6000 10.77.2.50:8080" },
	    { "s>c", "err3.3 10.77.2.50 10.77.2.2 q=tcp 10.77.2.2:6000 10.77.2.50:8080 S",
	      "err3.3 10.77.2.1 10.77.1.50 q=tcp 10.77.1.50:4000 10.77.2.1:80" } } },
	{ "a query's id",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { { "c>s", "icmp8 10.77.1.51:77 10.77.2.50", "icmp8 10.77.2.1:77 10.77.2.50" },
	    { "c>s", "icmp8 10.77.1.50:77 10.77.2.50", "icmp8 10.77.2.1:[0-65535] 10.77.2.50" },
	    { "s>c", "err3.1 10.77.2.9 10.77.2.1 q=icmp8 10.77.2.1:$ 10.77.2.50",
	      "err3.1 10.77.2.9 10.77.1.50 q=icmp8 10.77.1.50:77 10.77.2.50" } } },
	{ "a redirect is dropped",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { UDP_OUT,
	    { "s>c", "err5.1 10.77.2.9 10.77.2.1 q=udp 10.77.2.1:5000 10.77.2.50:53",
	      "drop nat_icmp_redirect" } } },
	{ "a redirect about an untranslated connection passes",
	  { "-A POSTROUTING -o c -j MASQUERADE" },
	  { { "c>s", "udp 10.77.1.50:5000 10.77.2.50:53", "udp 10.77.1.50:5000 10.77.2.50:53" },
	    { "s>c", "err5.1 10.77.2.9 10.77.1.50 q=udp 10.77.1.50:5000 10.77.2.50:53",
	      "err5.1 10.77.2.9 10.77.1.50 q=udp 10.77.1.50:5000 10.77.2.50:53" } } },
};

static void test_scenes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++)
		mini_scene(&scenes[i]);
}

/* With conntrack's own checksum test off, NAT still refuses to give a wrong error a right checksum. */
static void test_bad_checksum(void **state)
{
	static const char *const rules[] = { "-A POSTROUTING -o s -j MASQUERADE", NULL };
	static const struct step out = UDP_OUT;
	struct mini *m = mini_open();
	const char *why;
	struct pkt *p;

	(void)state;
	m->ctk->conf.checksum = 0;
	mini_rules(m, TABLE_NAT, rules);
	mini_step(m, "bad checksum", &out);
	p = mini_packet(m, "err3.3 10.77.2.50 10.77.2.1 q=udp 10.77.2.1:5000 10.77.2.50:53");
	p->data[p->hdr.l4 + 4] ^= 1;
	assert_null(mini_walk(m, p, m->s, m->c, &why));
	assert_string_equal(why, "nat_icmp_error");
	mini_close(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_bad_checksum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
