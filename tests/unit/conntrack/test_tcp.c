/* test_tcp.c - walks through the TCP state machine and the window checks. */
#include "tests/unit/conntrack/scene.h"

/* The three segments that open a connection: client ISN 100, server ISN 500. */
#define OPEN { 0, "O tcp S s=100", "NEW SYN_SENT 120" }, \
	     { 0, "R tcp SA s=500 a=101", "ESTABLISHED/R SYN_RECV 60" }, \
	     { 0, "O tcp A s=101 a=501", "ESTABLISHED ESTABLISHED 432000 assured" }

static const struct row walks[] = {
	{ "open, data, close", NULL, {
		OPEN,
		{ 1, "O tcp A s=101 a=501 l=10", "ESTABLISHED ESTABLISHED 300 assured" },
		{ 1, "R tcp A s=501 a=111", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 1, "O tcp FA s=111 a=501", "ESTABLISHED FIN_WAIT 120 assured" },
		{ 1, "R tcp A s=501 a=112", "ESTABLISHED/R CLOSE_WAIT 60 assured" },
		{ 1, "R tcp FA s=501 a=112", "ESTABLISHED/R LAST_ACK 30 assured" },
		{ 1, "O tcp A s=112 a=502", "ESTABLISHED TIME_WAIT 120 assured" },
		{ 1, "O tcp S s=9000", "NEW SYN_SENT 120" } } },
	{ "SYN again does not refresh", NULL, {
		{ 0, "O tcp S s=100", "NEW SYN_SENT 120" },
		{ 10, "O tcp S s=100", "NEW SYN_SENT 110" } } },
	{ "refused: gone at once", NULL, {
		{ 0, "O tcp S s=100", "NEW SYN_SENT 120" },
		{ 1, "R tcp RA s=0 a=101", "ESTABLISHED/R CLOSE 119 gone" },
		{ 0, "O tcp S s=100", "NEW SYN_SENT 120" } } },
	{ "cannot open with", NULL, {
		{ 0, "O tcp SA s=1 a=1", "INVALID" },
		{ 0, "O tcp FA s=1 a=1", "INVALID" },
		{ 0, "O tcp R s=1", "INVALID" },
		{ 0, "O tcp RA s=1 a=1", "INVALID" },
		{ 0, "O tcp SF s=1", "INVALID" },
		{ 0, "O tcp P s=1", "INVALID" },
		{ 0, "O tcp SR s=1", "INVALID" },
		{ 0, "O tcp S s=1 badsum", "INVALID" },
		{ 0, "O tcp SU s=1", "NEW SYN_SENT 120" } } },
	{ "picked up in the middle", NULL, {
		{ 0, "O tcp A s=100 a=200", "NEW ESTABLISHED 300" },
		{ 0, "R tcp A s=200 a=100", "ESTABLISHED/R ESTABLISHED 300" },
		{ 0, "R tcp A s=200 a=100", "ESTABLISHED/R ESTABLISHED 432000 assured" } } },
	{ "not picked up when not loose", "tcp_loose=0", { { 0, "O tcp A s=100 a=200", "INVALID" } } },
	{ "simultaneous open", NULL, {
		{ 0, "O tcp S s=100", "NEW SYN_SENT 120" },
		{ 1, "R tcp S s=500", "ESTABLISHED/R SYN_SENT2 119" },
		{ 1, "O tcp SA s=100 a=501", "ESTABLISHED SYN_RECV 60" },
		{ 1, "R tcp SA s=500 a=101", "ESTABLISHED/R SYN_RECV 59" },
		{ 1, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 432000 assured" } } },
	{ "RST: exact, old, within the window", NULL, {
		OPEN,
		{ 0, "R tcp R s=400", "INVALID" },
		{ 0, "R tcp R s=600", "ESTABLISHED/R ESTABLISHED 10 assured" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 300 assured" },
		{ 0, "O tcp A s=101 a=600", "ESTABLISHED ESTABLISHED 432000 assured" },
		{ 0, "R tcp R s=600", "ESTABLISHED/R CLOSE 10 assured" } } },
	{ "RST with number 0 before all is open", NULL, {
		{ 0, "O tcp S s=100", "NEW SYN_SENT 120" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R SYN_RECV 60" },
		{ 0, "O tcp R s=0", "ESTABLISHED CLOSE 10" } } },
	{ "and behind that", NULL, { OPEN, { 0, "O tcp R s=0", "INVALID" } } },
	{ "RST at the end of data just sent", NULL, {
		OPEN,
		{ 0, "O tcp A s=101 a=501 l=10", "ESTABLISHED ESTABLISHED 300 assured" },
		{ 0, "O tcp R s=111", "ESTABLISHED CLOSE 10 assured" } } },
	{ "the same, when the other side spoke between", NULL, {
		OPEN,
		{ 0, "O tcp A s=101 a=501 l=10", "ESTABLISHED ESTABLISHED 300 assured" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 300 assured" },
		{ 0, "O tcp R s=111", "ESTABLISHED ESTABLISHED 10 assured" } } },
	{ "RST while closing", NULL, {
		OPEN,
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED FIN_WAIT 120 assured" },
		{ 0, "R tcp R s=77777777", "ESTABLISHED/R CLOSE 10 assured" } } },
	{ "SYN in ESTABLISHED is ignored; its answer resynchronises", NULL, {
		OPEN,
		{ 5, "O tcp S s=9000", "ESTABLISHED ESTABLISHED 431995 assured" },
		{ 0, "R tcp SA s=7000 a=9001", "ESTABLISHED/R SYN_RECV 60 assured" },
		{ 0, "O tcp A s=9001 a=7001", "ESTABLISHED ESTABLISHED 432000 assured" } } },
	{ "SYN after the server's RST stays closed", NULL, {
		OPEN,
		{ 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 10 assured" },
		{ 1, "O tcp S s=9000", "ESTABLISHED CLOSE 9 assured" },
		{ 0, "R tcp SA s=7000 a=9001", "ESTABLISHED/R SYN_RECV 60 assured" } } },
	{ "SYN after one's own RST opens again", NULL, {
		OPEN,
		{ 0, "O tcp R s=101", "ESTABLISHED CLOSE 10 assured" },
		{ 1, "O tcp S s=9000", "NEW SYN_SENT 120" } } },
	{ "the server opens from TIME_WAIT", NULL, {
		OPEN,
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED FIN_WAIT 120 assured" },
		{ 0, "R tcp FA s=501 a=102", "ESTABLISHED/R LAST_ACK 30 assured" },
		{ 0, "O tcp A s=102 a=502", "ESTABLISHED TIME_WAIT 120 assured" },
		{ 0, "R tcp S s=3000", "NEW SYN_SENT 120" } } },
	{ "challenge ACK in LAST_ACK", NULL, {
		OPEN,
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED FIN_WAIT 120 assured" },
		{ 0, "R tcp FA s=501 a=102", "ESTABLISHED/R LAST_ACK 30 assured" },
		{ 1, "O tcp S s=9000", "ESTABLISHED LAST_ACK 29 assured" },
		{ 1, "R tcp A s=502 a=102", "ESTABLISHED/R LAST_ACK 28 assured" },
		{ 1, "R tcp A s=502 a=102", "ESTABLISHED/R TIME_WAIT 120 assured" } } },
	{ "challenge ACK to a SYN, and the RST it causes", NULL, {
		{ 0, "O tcp S s=100", "NEW SYN_SENT 120" },
		{ 1, "R tcp A s=700 a=650", "ESTABLISHED/R SYN_SENT 119" },
		{ 1, "O tcp R s=650", "ESTABLISHED CLOSE 10" } } },
	{ "retransmissions", NULL, {
		OPEN,
		{ 1, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 1, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 1, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 1, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 300 assured" } } },
	{ "another segment begins the count anew", NULL, {
		OPEN,
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 0, "R tcp A s=501 a=101 w=6000", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 0, "R tcp A s=501 a=101 w=6000", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 0, "R tcp A s=501 a=101 w=6000", "ESTABLISHED/R ESTABLISHED 432000 assured" },
		{ 0, "R tcp A s=501 a=101 w=6000", "ESTABLISHED/R ESTABLISHED 300 assured" } } },
	{ "zero window", NULL, {
		OPEN,
		{ 1, "R tcp A s=501 a=101 w=0", "ESTABLISHED/R ESTABLISHED 300 assured" },
		{ 1, "R tcp A s=501 a=101 w=10", "ESTABLISHED/R ESTABLISHED 432000 assured" } } },
	{ "FIN and RST out of the window from both sides", NULL, {
		OPEN,
		{ 1, "O tcp FA s=900101 a=501", "INVALID" },
		{ 1, "R tcp FA s=900501 a=101", "INVALID" },
		{ 1, "O tcp A s=90 a=501 l=1 w=9", "ESTABLISHED ESTABLISHED 432000 assured" } } },
};

static const struct row windows[] = {
	{ "SEQ over the upper bound", NULL, { OPEN, { 1, "O tcp A s=90000 a=501", "INVALID" } } },
	{ "a little over: ignored, and remembered", NULL, {
		OPEN,
		{ 1, "O tcp A s=5942 a=501 l=100", "ESTABLISHED ESTABLISHED 431999 assured" },
		{ 1, "R tcp A s=501 a=6042", "ESTABLISHED/R ESTABLISHED 432000 assured" } } },
	{ "ACK of what was never sent", NULL, { OPEN, { 1, "O tcp A s=101 a=502", "INVALID" } } },
	{ "old data: ignored", NULL, {
		OPEN,
		{ 1, "O tcp A s=4294960000 a=501 l=1", "ESTABLISHED ESTABLISHED 431999 assured" } } },
	{ "a SACK edge of what was never sent", NULL, {
		{ 0, "O tcp S s=100 o=S", "NEW SYN_SENT 120" },
		{ 0, "R tcp SA s=500 a=101 o=S", "ESTABLISHED/R SYN_RECV 60" },
		{ 0, "O tcp A s=101 a=501", "ESTABLISHED ESTABLISHED 432000 assured" },
		{ 0, "O tcp A s=101 a=501 o=K900", "INVALID" },
		{ 0, "R tcp A s=501 a=101 l=499", "ESTABLISHED/R ESTABLISHED 300 assured" },
		{ 0, "O tcp A s=101 a=501 o=K900", "ESTABLISHED ESTABLISHED 300 assured" } } },
	{ "scaled window", NULL, {
		{ 0, "O tcp S s=100 o=W7", "NEW SYN_SENT 120" },
		{ 0, "R tcp SA s=500 a=101 w=100 o=W7", "ESTABLISHED/R SYN_RECV 60" },
		{ 0, "O tcp A s=101 a=501 w=100", "ESTABLISHED ESTABLISHED 432000 assured" },
		{ 0, "R tcp A s=501 a=101 w=100 l=1000", "ESTABLISHED/R ESTABLISHED 300 assured" },
		{ 0, "O tcp A s=101 a=1501 w=100 l=12000", "ESTABLISHED ESTABLISHED 300 assured" } } },
	{ "one side does not scale: nobody does", NULL, {
		{ 0, "O tcp S s=100 o=W7", "NEW SYN_SENT 120" },
		{ 0, "R tcp SA s=500 a=101 w=100", "ESTABLISHED/R SYN_RECV 60" },
		{ 0, "O tcp A s=101 a=501 w=100", "ESTABLISHED ESTABLISHED 432000 assured" },
		{ 0, "R tcp A s=501 a=101 w=100 l=90", "ESTABLISHED/R ESTABLISHED 300 assured" },
		{ 0, "O tcp A s=12000 a=501 w=100", "INVALID" } } },
	{ "liberal: the same is accepted", "tcp_be_liberal=1", {
		OPEN,
		{ 1, "O tcp A s=90000 a=501", "ESTABLISHED ESTABLISHED 432000 assured" },
		{ 1, "R tcp R s=400", "INVALID" } } },
	{ "a SYN without options does not take the scale back", NULL, {
		{ 0, "O tcp S s=100 o=W7", "NEW SYN_SENT 120" },
		{ 0, "O tcp S s=300", "NEW SYN_SENT 120" },
		{ 0, "R tcp SA s=500 a=301 o=W7 w=100", "ESTABLISHED/R SYN_RECV 60" },
		{ 0, "O tcp A s=301 a=501 w=100", "ESTABLISHED ESTABLISHED 432000 assured" },
		{ 0, "R tcp A s=501 a=301 l=12000", "ESTABLISHED/R ESTABLISHED 300 assured" } } },
	{ "picked up, then resynchronised: the answering side stays liberal", NULL, {
		{ 0, "O tcp A s=100 a=200", "NEW ESTABLISHED 300" },
		{ 0, "R tcp A s=200 a=100", "ESTABLISHED/R ESTABLISHED 300" },
		{ 0, "O tcp S s=9000", "ESTABLISHED ESTABLISHED 300" },
		{ 0, "R tcp SA s=700 a=9001", "ESTABLISHED/R SYN_RECV 60" },
		{ 0, "O tcp A s=900000 a=701", "INVALID" },
		{ 0, "R tcp A s=900000 a=9001", "ESTABLISHED/R SYN_RECV 60" } } },
	{ "a RST by who sent the ignored SYN is checked as any other", NULL, {
		OPEN,
		{ 0, "O tcp S s=9000", "ESTABLISHED ESTABLISHED 432000 assured" },
		{ 0, "O tcp RA s=700000 a=9001", "INVALID" } } },
	{ "a RST by the other side answers it", NULL, {
		OPEN,
		{ 0, "O tcp S s=9000", "ESTABLISHED ESTABLISHED 432000 assured" },
		{ 0, "R tcp RA s=700000 a=9001", "ESTABLISHED/R CLOSE 10 assured" } } },
	{ "a RST by who sent the ignored ACK teaches nothing about it", NULL, {
		{ 0, "O tcp S s=100", "NEW SYN_SENT 120" },
		{ 0, "R tcp A s=0 a=101", "ESTABLISHED/R SYN_SENT 120" },
		{ 0, "R tcp R s=700000 a=0", "ESTABLISHED/R CLOSE 10" },
		{ 0, "R tcp FA s=0 a=101", "ESTABLISHED/R CLOSE 10" } } },
	{ "and old RSTs too", "tcp_be_liberal=1 tcp_ignore_invalid_rst=1", {
		OPEN,
		{ 1, "R tcp R s=400", "ESTABLISHED/R ESTABLISHED 10 assured" } } },
	{ "ACK+RST with ack 0", NULL, { OPEN, { 1, "R tcp RA s=501 a=0", "ESTABLISHED/R CLOSE 10 assured" } } },
};

static void test_walks(void **state)
{
	(void)state;
	play_rows(walks, sizeof walks / sizeof *walks);
}

static void test_windows(void **state)
{
	(void)state;
	play_rows(windows, sizeof windows / sizeof *windows);
}

/* A header that lies about its length, or is not all there. */
static void test_headers(void **state)
{
	static const struct { uint8_t offset; unsigned len; const char *want; } rows[] = {
		{ 0x40, 40, "INVALID" }, { 0x60, 40, "INVALID" }, { 0xf0, 40, "INVALID" }, { 0x50, 39, "INVALID" },
		{ 0x50, 24, "INVALID" }, { 0x50, 22, "INVALID" }, { 0x50, 40, "NEW SYN_SENT 120" },
	};
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	s.ctk->conf.checksum = 0;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pkt *p = packet_of(&s, "O tcp S s=100");

		p->data[20 + 12] = rows[i].offset;
		p->len = rows[i].len;
		assert_string_equal(outcome(&s, p, through(&s, p)), rows[i].want);
		pkt_free(p);
	}
	scene_end(&s);
}

/* A super-packet counts once, with its whole length. */
static void test_gso(void **state)
{
	static const struct step open[] = { OPEN };
	struct ct_entry *ct;
	struct ct_tuple t;
	struct scene s;
	struct pkt *p;

	(void)state;
	scene_begin(&s, 64);
	s.ctk->conf.acct = 1;
	for (unsigned i = 0; i < 3; i++)
		play(&s, "gso", i, &open[i]);
	p = packet_of(&s, "O tcp A s=101 a=501 l=5000");
	p->gso = GSO_TCP4;
	p->gso_size = 1000;
	p->gso_segs = 5;
	assert_string_equal(outcome(&s, p, through(&s, p)), "ESTABLISHED ESTABLISHED 300 assured");
	assert_true(ct_tuple_from_pkt(s.ctk, p, 0, &t));
	pkt_free(p);
	ct = ct_lookup(s.ctk, &t, NULL);
	assert_non_null(ct);
	assert_int_equal(ct->extra->acct[CT_ORIGINAL].packets, 3);
	assert_int_equal(ct->extra->acct[CT_ORIGINAL].bytes, 40 + 40 + 5040);
	assert_int_equal(ct->tcp.seen[0].td_end, 5101);
	scene_end(&s);
}

/* One event per packet that changed something: NEW, REPLY+PROTO, ASSURED+PROTO, PROTO, DESTROY. */
static void test_events(void **state)
{
	static const struct step open[] = {
		OPEN,
		{ 0, "O tcp A s=101 a=501 l=5", "ESTABLISHED ESTABLISHED 300 assured" },
		{ 0, "O tcp FA s=106 a=501", "ESTABLISHED FIN_WAIT 120 assured" },
	};
	struct scene s;

	(void)state;
	scene_begin(&s, 64);
	for (unsigned i = 0; i < sizeof open / sizeof *open; i++)
		play(&s, "events", i, &open[i]);
	ct_flush(s.ctk, NULL, NULL);
	assert_string_equal(s.events, "21 28 30 20 4 ");
	scene_end(&s);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walks), cmocka_unit_test(test_windows), cmocka_unit_test(test_headers),
		cmocka_unit_test(test_gso), cmocka_unit_test(test_events),
	};

	if (rows_wanted(argc, argv)) {
		print_rows(walks, sizeof walks / sizeof *walks);
		print_rows(windows, sizeof windows / sizeof *windows);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
