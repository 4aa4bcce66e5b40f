/* test_tcp_window.c - the windows of TCP tracking: what a segment teaches, and where each bound lies.
 *
 * After every segment the row says what must be known of the client and of the server:
 *
 *     end/maxend/maxwin/maxack
 *
 * end: behind the highest byte sent; maxend: how far the peer lets it go; maxwin: the largest window it showed;
 * maxack: the highest it acknowledged, - before the first. The four bounds (van Rooij, "Real stateful TCP packet filtering
 * in IP Filter") of a segment from S to R:
 *
 *     I    seq <= S.maxend          else INVALID, or ignored if it is over by less than R.maxwin
 *     II   end >= S.end - R.maxwin  else ignored
 *     III  ack <= R.end             else INVALID        (ack: the highest right edge of SACK, if any)
 *     IV   ack >= R.end - 66000     else ignored        (or S.maxwin if that is more)
 *
 * The first SYN is taken as if it acknowledged 0, so the server's maxend is its window until the server speaks. Who was met in
 * the middle is liberal: his ACK teaches nothing.
 *
 * "shift O 101 10" instead of a packet: a helper has lengthened what the client says by 10 bytes from 101 on.
 * tests/functional/test_tracker_rows.py plays the rows on Linux, test_tracker_log.py compares what both log of the bounds.
 */
#include "tests/unit/conntrack/scene.h"

#include "conntrack/proto_tcp.h"

struct window_step {
	const char *packet, *want, *bounds;
};
struct window_row {
	const char *name;
	struct window_step steps[14];
};

#define OK "ESTABLISHED ESTABLISHED 432000 assured"
#define UNACKED "ESTABLISHED ESTABLISHED 300 assured"
#define OK_R "ESTABLISHED/R ESTABLISHED 432000 assured"
#define UNACKED_R "ESTABLISHED/R ESTABLISHED 300 assured"

/* The client lets the server send 1000 bytes, the server the client 2000. */
#define OPEN { "O tcp S s=100 w=1000", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" }, \
	     { "R tcp SA s=500 a=101 w=2000", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" }, \
	     { "O tcp A s=101 a=501 w=1000", OK, "101/2101/1000/501 501/1501/2000/101" }

static const struct window_row rows[] = {
	/* --- the bounds, exactly and one beyond --- */
	{ "I: at the end of the window", {
		OPEN, { "O tcp A s=2101 a=501 w=1000", UNACKED, "2101/2101/1000/501 501/1501/2000/101" } } },
	{ "I: at it, with a byte that is one too many", {
		OPEN, { "O tcp A s=2101 a=501 w=1000 l=1", UNACKED, "2102/2101/1000/501 501/1501/2001/101" } } },
	{ "I: one beyond: ignored, but remembered as sent", {
		OPEN, { "O tcp A s=2102 a=501 w=1000", OK, "2102/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=2102 w=2000", OK_R, "2102/4102/1000/501 501/1501/2000/2102" } } },
	{ "I: over by as much as the window has", {
		OPEN, { "O tcp A s=4100 a=501 w=1000", OK, "4100/2101/1000/501 501/1501/2000/101" } } },
	{ "I: over by one more", {
		OPEN, { "O tcp A s=4101 a=501 w=1000", "INVALID", "101/2101/1000/501 501/1501/2000/101" } } },
	{ "I: over by little, with an ACK that is wrong too", {
		OPEN, { "O tcp A s=2102 a=502 w=1000", "INVALID", "101/2101/1000/501 501/1501/2000/101" } } },
	{ "II: the oldest end that fits", {
		OPEN, { "O tcp A s=4294965397 a=501 w=1500", OK, "101/2101/1500/501 501/2001/2000/101" } } },
	{ "II: one older", {
		OPEN, { "O tcp A s=4294965396 a=501 w=1500", OK, "101/2101/1000/501 501/1501/2000/101" },
		{ "O tcp FA s=4294965395 a=501 w=1500", OK, "101/2101/1000/501 501/1501/2000/101" } } },
	{ "II: data that begins before it and ends at it", {
		OPEN, { "O tcp A s=4294965387 a=501 w=1500 l=10", OK, "101/2101/1500/501 501/2001/2000/101" } } },
	{ "III: all that was sent", {
		OPEN, { "R tcp A s=501 a=101 w=2000 l=100", UNACKED_R, "101/2101/1000/501 601/1501/2000/101" },
		{ "O tcp A s=101 a=601 w=1000", OK, "101/2101/1000/601 601/1601/2000/101" } } },
	{ "III: one more", {
		OPEN, { "R tcp A s=501 a=101 w=2000 l=100", UNACKED_R, "101/2101/1000/501 601/1501/2000/101" },
		{ "O tcp A s=101 a=602 w=1000", "INVALID", "101/2101/1000/501 601/1501/2000/101" } } },
	{ "IV: the oldest that fits", {
		OPEN, { "O tcp A s=101 a=4294901797 w=1500", OK, "101/2101/1500/501 501/1501/2000/101" } } },
	{ "IV: one older", {
		OPEN, { "O tcp A s=101 a=4294901796 w=1500", OK, "101/2101/1000/501 501/1501/2000/101" } } },
	{ "IV: a window of more than 66000 moves it", {
		{ "O tcp S s=100 w=1000 o=W7", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=101 w=2000 o=W7", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" },
		{ "O tcp A s=101 a=501 w=1000", OK, "101/2101/128000/501 501/128501/2000/101" },
		{ "O tcp A s=101 a=4294839796 w=1001", OK, "101/2101/128000/501 501/128501/2000/101" },
		{ "O tcp A s=101 a=4294839797 w=1001", OK, "101/2101/128128/501 501/128501/2000/101" },
		{ "O tcp A s=101 a=4294839668 w=1002", OK, "101/2101/128128/501 501/128501/2000/101" },
		{ "O tcp A s=101 a=4294839669 w=1002", OK, "101/2101/128256/501 501/128501/2000/101" } } },
	/* --- windows --- */
	{ "a window never shrinks what was allowed", {
		OPEN, { "R tcp A s=501 a=101 w=10", OK_R, "101/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=101 w=3000", OK_R, "101/3101/1000/501 501/1501/3000/101" },
		{ "O tcp A s=101 a=501 w=5", OK, "101/3101/1000/501 501/1501/3000/101" } } },
	{ "a window of zero allows one byte", {
		OPEN, { "O tcp A s=101 a=501 w=1000 l=2000", UNACKED, "2101/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=2101 w=0", "ESTABLISHED/R ESTABLISHED 300 assured",
		  "2101/2102/1000/501 501/1501/2000/2101" },
		{ "O tcp A s=2101 a=501 w=1000 l=1", UNACKED, "2102/2102/1000/501 501/1501/2000/2101" } } },
	{ "a SYN with a window of zero counts as one", {
		{ "O tcp S s=100 w=0", "NEW SYN_SENT 120", "101/101/1/- 0/1/0/-" },
		{ "R tcp SA s=500 a=101 w=0", "ESTABLISHED/R SYN_RECV 60", "101/102/1/- 501/501/1/101" } } },
	{ "data in the SYN and in its answer", {
		{ "O tcp S s=100 w=1000 l=5", "NEW SYN_SENT 120", "106/106/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=106 w=2000 l=4", "ESTABLISHED/R SYN_RECV 60", "106/2106/1000/- 505/505/2000/106" },
		{ "O tcp A s=106 a=505 w=1000", OK, "106/2106/1000/505 505/1505/2000/106" } } },
	{ "FINs count as a byte", {
		OPEN, { "O tcp FA s=101 a=501 w=1000", "ESTABLISHED FIN_WAIT 120 assured",
			"102/2101/1000/501 501/1501/2000/101" },
		{ "R tcp FA s=501 a=102 w=2000", "ESTABLISHED/R LAST_ACK 30 assured", "102/2102/1000/501 502/1501/2000/102" },
		{ "O tcp A s=102 a=502 w=1000", "ESTABLISHED TIME_WAIT 120 assured", "102/2102/1000/502 502/1502/2000/102" } } },
	{ "a second SYN with higher numbers begins anew, one with the same does not", {
		{ "O tcp S s=100 w=1000", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" },
		{ "O tcp S s=100 w=2000", "NEW SYN_SENT 120", "101/101/2000/- 0/2000/0/-" },
		{ "O tcp S s=300 w=500", "NEW SYN_SENT 120", "301/301/500/- 0/2000/0/-" } } },
	{ "a SYN+ACK again with other numbers", {
		{ "O tcp S s=100 w=1000", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=101 w=2000", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" },
		{ "R tcp SA s=900 a=101 w=3000", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" } } },
	/* --- numbers that wrap --- */
	{ "both sides around zero", {
		{ "O tcp S s=4294967295 w=1000", "NEW SYN_SENT 120", "0/0/1000/- 0/1000/0/-" },
		{ "R tcp SA s=4294967290 a=0 w=2000", "ESTABLISHED/R SYN_RECV 60",
		  "0/2000/1000/- 4294967291/4294967291/2000/0" },
		{ "O tcp A s=0 a=4294967291 w=1000", OK, "0/2000/1000/4294967291 4294967291/995/2000/0" },
		{ "R tcp A s=4294967291 a=0 w=2000 l=10", UNACKED_R, "0/2000/1000/4294967291 5/995/2000/0" },
		{ "O tcp A s=0 a=5 w=1000", OK, "0/2000/1000/5 5/1005/2000/0" },
		{ "O tcp A s=0 a=6 w=1000", "INVALID", "0/2000/1000/5 5/1005/2000/0" },
		{ "O tcp A s=2001 a=5 w=1000", OK, "2001/2000/1000/5 5/1005/2000/0" } } },
	{ "the end of the window behind zero", {
		{ "O tcp S s=4294966295 w=1000", "NEW SYN_SENT 120", "4294966296/4294966296/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=4294966296 w=2000", "ESTABLISHED/R SYN_RECV 60",
		  "4294966296/1000/1000/- 501/501/2000/4294966296" },
		{ "O tcp A s=4294966296 a=501 w=1000 l=1400", "ESTABLISHED ESTABLISHED 300 assured",
		  "400/1000/1000/501 501/1501/2000/4294966296" },
		{ "O tcp A s=400 a=501 w=1000 l=600", UNACKED, "1000/1000/1000/501 501/1501/2000/4294966296" },
		{ "R tcp A s=501 a=1001 w=2000", "INVALID", "1000/1000/1000/501 501/1501/2000/4294966296" },
		{ "R tcp A s=501 a=1000 w=2000", OK_R, "1000/3000/1000/501 501/1501/2000/1000" } } },
	/* --- SACK --- */
	{ "the highest right edge counts as the ACK, and widens the window of who sends it", {
		{ "O tcp S s=100 w=1000 o=S", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=101 w=2000 o=S", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" },
		{ "O tcp A s=101 a=501 w=1000 l=100", "ESTABLISHED ESTABLISHED 300 assured",
		  "201/2101/1000/501 501/1501/2000/101" },
		{ "O tcp A s=301 a=501 w=1000 l=100", UNACKED, "401/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=201 w=2000 o=B301:401", UNACKED_R, "401/2401/1000/501 501/1501/2200/201" },
		{ "R tcp A s=501 a=201 w=2000 o=B301:402", "INVALID", "401/2401/1000/501 501/1501/2200/201" },
		{ "R tcp A s=501 a=201 w=2000 o=B221:231:301:401:241:251", UNACKED_R,
		  "401/2401/1000/501 501/1501/2200/201" },
		{ "R tcp A s=501 a=201 w=2000 o=B900000:401", UNACKED_R, "401/2401/1000/501 501/1501/2200/201" },
		{ "R tcp A s=501 a=401 w=2000", OK_R, "401/2401/1000/501 501/1501/2200/401" } } },
	{ "an edge below the ACK does not count", {
		{ "O tcp S s=100 w=1000 o=S", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=101 w=2000 o=S", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" },
		{ "O tcp A s=101 a=501 w=1000 l=100", "ESTABLISHED ESTABLISHED 300 assured",
		  "201/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=201 w=2000 o=B101:151", OK_R, "201/2201/1000/501 501/1501/2000/201" } } },
	{ "of two SACK options the first counts", {
		{ "O tcp S s=100 w=1000 o=S", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=101 w=2000 o=S", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" },
		{ "O tcp A s=101 a=501 w=1000 l=100", "ESTABLISHED ESTABLISHED 300 assured",
		  "201/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=101 w=2000 o=B101:151B101:900000", UNACKED_R, "201/2151/1000/501 501/1501/2050/101" } } },
	{ "SACK that the other side has not permitted is not read", {
		{ "O tcp S s=100 w=1000", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=101 w=2000 o=S", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" },
		{ "O tcp A s=101 a=501 w=1000", OK, "101/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=101 w=2000 o=B301:900000", OK_R, "101/2101/1000/501 501/1501/2000/101" },
		{ "O tcp A s=101 a=501 w=1000 o=B301:900000", "INVALID", "101/2101/1000/501 501/1501/2000/101" } } },
	/* --- resets and reuse --- */
	{ "an exact RST, one in the window, one before the ACK", {
		OPEN, { "R tcp R s=502 w=1", "ESTABLISHED/R ESTABLISHED 10 assured", "101/2101/1000/501 502/1501/2000/101" },
		{ "O tcp R s=100 w=1", "INVALID", "101/2101/1000/501 502/1501/2000/101" },
		{ "O tcp R s=101 w=1", "ESTABLISHED CLOSE 10 assured", "101/2101/1000/501 502/1501/2000/101" } } },
	{ "reused after the RST: all is new", {
		OPEN, { "O tcp R s=101 w=1", "ESTABLISHED CLOSE 10 assured", "101/2101/1000/501 501/1501/2000/101" },
		{ "O tcp S s=50000 w=300", "NEW SYN_SENT 120", "50001/50001/300/- 0/300/0/-" } } },
	{ "an ignored SYN changes nothing, its answer all", {
		OPEN, { "O tcp S s=50000 w=300 o=W2", OK, "101/2101/1000/501 501/1501/2000/101" },
		{ "R tcp SA s=70000 a=50001 w=400 o=W3", "ESTABLISHED/R SYN_RECV 60 assured",
		  "50001/50401/300/- 70001/70001/400/50001" },
		{ "O tcp A s=50001 a=70001 w=300", OK, "50001/50401/1200/70001 70001/71201/400/50001" } } },
	{ "an answer without options takes back what was offered before", {
		{ "O tcp S s=100 w=1000 o=W7", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=101 w=2000 o=W7", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" },
		{ "O tcp A s=101 a=501 w=10", OK, "101/2101/1280/501 501/1781/2000/101" },
		{ "O tcp S s=50000 w=300 o=W2", OK, "101/2101/1280/501 501/1781/2000/101" },
		{ "R tcp SA s=70000 a=50001 w=400", "ESTABLISHED/R SYN_RECV 60 assured",
		  "50001/50401/300/- 70001/70001/400/50001" },
		{ "R tcp A s=70001 a=50001 w=500", "ESTABLISHED/R SYN_RECV 60 assured",
		  "50001/50501/300/- 70001/70001/500/50001" },
		{ "O tcp A s=50001 a=70001 w=310", OK, "50001/50501/310/70001 70001/70311/500/50001" } } },
	{ "met in the middle: what the first segments show", {
		{ "O tcp A s=1000 a=9000 w=1000 l=10", "NEW ESTABLISHED 300", "1010/2010/1000/- 0/0/0/-" },
		{ "R tcp A s=9000 a=1010 w=2000", "ESTABLISHED/R ESTABLISHED 300", "1010/3010/1000/- 9000/11000/2000/1010" },
		{ "R tcp A s=800000 a=1010 w=2000 l=1", "ESTABLISHED/R ESTABLISHED 432000 assured",
		  "1010/3010/1000/- 9000/11000/2000/1010" } } },
	{ "the answer to a keepalive of one that was met in the middle", {
		{ "O tcp A s=1000 a=9000 w=1000", "NEW ESTABLISHED 300", "1000/2000/1000/- 0/0/0/-" },
		{ "R tcp A s=9000 a=1001 w=2000", "ESTABLISHED/R ESTABLISHED 300",
		  "1001/3001/1000/- 9000/11000/2000/1001" } } },
	/* --- super-packets --- */
	{ "64 kB in one piece", {
		{ "O tcp S s=100 w=65535 o=W7", "NEW SYN_SENT 120", "101/101/65535/- 0/65535/0/-" },
		{ "R tcp SA s=500 a=101 w=65535 o=W7", "ESTABLISHED/R SYN_RECV 60", "101/65636/65535/- 501/501/65535/101" },
		{ "O tcp A s=101 a=501 w=1000", OK, "101/65636/128000/501 501/128501/65535/101" },
		{ "O tcp A s=101 a=501 w=1000 l=64000", UNACKED, "64101/65636/128000/501 501/128501/65535/101" },
		{ "O tcp A s=64101 a=501 w=1000 l=64000", UNACKED, "128101/65636/128000/501 501/128501/128000/101" },
		{ "R tcp A s=501 a=128101 w=1000", OK_R, "128101/256101/128000/501 501/128501/128000/128101" } } },
	/* --- numbers that a helper has shifted --- */
	{ "lengthened by 10: the peer's ACKs are put back before the check", {
		OPEN, { "O tcp A s=101 a=501 w=1000 l=20", UNACKED, "121/2101/1000/501 501/1501/2000/101" },
		{ "shift O 101 10", "", "121/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=132 w=2000", "INVALID", "121/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=131 w=2000", OK_R, "121/2121/1000/501 501/1501/2000/121" },
		{ "O tcp A s=121 a=501 w=1000 l=5", UNACKED, "126/2121/1000/501 501/1501/2000/121" },
		{ "R tcp A s=501 a=136 w=2000", OK_R, "126/2126/1000/501 501/1501/2000/126" } } },
	{ "shortened by 10", {
		OPEN, { "O tcp A s=101 a=501 w=1000 l=20", UNACKED, "121/2101/1000/501 501/1501/2000/101" },
		{ "shift O 101 -10", "", "121/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=112 w=2000", "INVALID", "121/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=111 w=2000", OK_R, "121/2121/1000/501 501/1501/2000/121" } } },
	{ "SACK edges are put back too", {
		{ "O tcp S s=100 w=1000 o=S", "NEW SYN_SENT 120", "101/101/1000/- 0/1000/0/-" },
		{ "R tcp SA s=500 a=101 w=2000 o=S", "ESTABLISHED/R SYN_RECV 60", "101/2101/1000/- 501/501/2000/101" },
		{ "O tcp A s=101 a=501 w=1000 l=20", "ESTABLISHED ESTABLISHED 300 assured",
		  "121/2101/1000/501 501/1501/2000/101" },
		{ "shift O 101 10", "", "121/2101/1000/501 501/1501/2000/101" },
		{ "O tcp A s=141 a=501 w=1000 l=20", UNACKED, "161/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=131 w=2000 o=B151:172", "INVALID", "161/2101/1000/501 501/1501/2000/101" },
		{ "R tcp A s=501 a=131 w=2000 o=B151:171", UNACKED_R, "161/2161/1000/501 501/1501/2040/121" } } },
};

/* show_side: what is known of a side. */
static void show_side(const struct ct_tcp *tcp, enum ct_dir dir, struct text *out)
{
	const struct ct_tcp_side *side = &tcp->seen[dir];

	text_printf(out, "%u/%u/%u/", side->td_end, side->td_maxend, side->td_maxwin);
	if (tcp->flags[dir] & CT_TCP_F_MAXACK)
		text_printf(out, "%u", side->td_maxack);
	else
		text_puts(out, "-");
}

/* entry_now: the connection of the scene. */
static struct ct_entry *entry_now(struct scene *s)
{
	struct pkt *p = packet_of(s, "O tcp A");
	struct ct_entry *ct;
	struct ct_tuple t;

	assert_true(ct_tuple_from_pkt(s->ctk, p, 0, &t));
	pkt_free(p);
	ct = ct_lookup(s->ctk, &t, NULL);
	assert_non_null(ct);
	return ct;
}

/* play_window: a step, then the bounds. */
static void play_window(struct scene *s, const struct window_row *row, unsigned i)
{
	const struct window_step *st = &row->steps[i];
	struct text got = { 0 };
	struct ct_entry *ct;
	unsigned seq;
	int delta;

	if (sscanf(st->packet, "shift O %u %d", &seq, &delta) == 2) {
		assert_int_equal(ct_seqadj_set(s->ctk, entry_now(s), CT_ORIGINAL, seq, delta), 0);
	} else {
		const struct step plain = { 0, st->packet, st->want };

		play(s, row->name, i, &plain);
	}
	ct = entry_now(s);
	show_side(&ct->tcp, CT_ORIGINAL, &got);
	text_puts(&got, " ");
	show_side(&ct->tcp, CT_REPLY, &got);
	if (strcmp(text_cstr(&got), st->bounds))
		fail_msg("%s, step %u (%s): known is '%s', must be '%s'", row->name, i, st->packet, text_cstr(&got), st->bounds);
	text_free(&got);
}

static void test_rows(void **state)
{
	(void)state;
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		struct scene s;

		scene_begin(&s, 64);
		for (unsigned i = 0; i < sizeof rows[r].steps / sizeof *rows[r].steps && rows[r].steps[i].packet; i++)
			play_window(&s, &rows[r], i);
		scene_end(&s);
	}
}

/* Scales 0 to 14 and one that cannot be (it counts as 14): the end of the window, exactly and one beyond. */
enum { SCALES = 16 };

/* scale_row: the row of a scale; @beyond: one byte too far. @text: what its strings are in. */
static struct row scale_row(unsigned scale, bool beyond, char text[6][96])
{
	unsigned shift = scale < 14 ? scale : 14;
	uint32_t edge = 101 + (10u << shift);
	struct row row = { .name = text[0] };

	snprintf(text[0], 96, "scale %u, %s", scale, beyond ? "one beyond" : "at the end of the window");
	snprintf(text[1], 96, "O tcp S s=100 w=10 o=W%u", scale);
	snprintf(text[2], 96, "R tcp SA s=500 a=101 w=10 o=W%u", scale);
	snprintf(text[3], 96, "R tcp A s=501 a=101 w=10");
	snprintf(text[4], 96, "O tcp A s=%u a=501 w=10", edge + beyond);
	row.steps[0] = (struct step){ 0, text[1], "NEW SYN_SENT 120" };
	row.steps[1] = (struct step){ 0, text[2], "ESTABLISHED/R SYN_RECV 60" };
	row.steps[2] = (struct step){ 0, "O tcp A s=101 a=501 w=10", OK };
	row.steps[3] = (struct step){ 0, text[3], OK_R };
	row.steps[4] = (struct step){ 0, text[4], beyond ? OK : UNACKED };
	return row;
}

/* each_scale: calls @fn with every row. */
static void each_scale(void (*fn)(const struct row *rows, size_t count))
{
	for (unsigned scale = 0; scale < SCALES; scale++) {
		for (unsigned beyond = 0; beyond < 2; beyond++) {
			char text[6][96];
			struct row row = scale_row(scale, beyond, text);

			fn(&row, 1);
		}
	}
}

static void test_scales(void **state)
{
	(void)state;
	each_scale(play_rows);
}

/* print_window_rows: as print_rows. */
static void print_window_rows(void)
{
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		struct row row = { .name = rows[r].name };

		for (unsigned i = 0; i < sizeof rows[r].steps / sizeof *rows[r].steps && rows[r].steps[i].packet; i++)
			row.steps[i] = (struct step){ 0, rows[r].steps[i].packet, rows[r].steps[i].want };
		print_rows(&row, 1);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_scales) };

	if (rows_wanted(argc, argv)) {
		print_window_rows();
		each_scale(print_rows);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
