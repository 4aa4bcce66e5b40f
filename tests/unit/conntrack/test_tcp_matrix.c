/* test_tcp_matrix.c - every cell of the TCP state matrix: direction x kind of segment x state.
 *
 * Each state is reached by its path, then one segment of each kind follows from each side, its numbers where the
 * windows allow them, so that the matrix alone decides. What comes of it was read from a Linux 6.18 router that the same
 * packets were sent through, and tests/functional/test_tracker_rows.py sends them again. No two timeouts are alike, so
 * that the right one shows. SYN_SENT2 has no sysctl: 120 s.
 */
#include "conntrack/proto_common.h"
#include "tests/unit/conntrack/scene.h"

static const char timeouts[] = "tcp_timeout_syn_sent=110 tcp_timeout_syn_recv=65 tcp_timeout_established=9000 "
			       "tcp_timeout_fin_wait=140 tcp_timeout_close_wait=75 tcp_timeout_last_ack=35 "
			       "tcp_timeout_time_wait=170 tcp_timeout_close=15 tcp_timeout_unacknowledged=280 "
			       "tcp_timeout_max_retrans=310";

/* The segments that lead to the states: numbers of the client count from 100, the server's from 500. */
#define SYN          { 0, "O tcp S s=100", "NEW SYN_SENT 110" }
#define SYN_BACK     { 0, "R tcp S s=500", "ESTABLISHED/R SYN_SENT2 110" }
#define SYNACK       { 0, "R tcp SA s=500 a=101", "ESTABLISHED/R SYN_RECV 65" }
#define FIN          { 0, "O tcp FA s=101 a=501", "ESTABLISHED FIN_WAIT 140 assured" }
#define FIN_ACKED    { 0, "R tcp A s=501 a=102", "ESTABLISHED/R CLOSE_WAIT 75 assured" }
#define FIN_BACK     { 0, "R tcp FA s=501 a=102", "ESTABLISHED/R LAST_ACK 35 assured" }
#define LAST_ACKED   { 0, "O tcp A s=102 a=502", "ESTABLISHED TIME_WAIT 170 assured" }
#define RST          { 0, "O tcp R s=101", "ESTABLISHED CLOSE 15 assured" }
#define RST_BACK     { 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 15 assured" }
#define SYNACK_AFTER { 0, "O tcp SA s=100 a=501", "ESTABLISHED SYN_RECV 65" }
#define OPEN         SYN, SYNACK, { 0, "O tcp A s=101 a=501", "ESTABLISHED ESTABLISHED 9000 assured" }

enum { PATH_STEPS = 8, KINDS = 6, CELLS = 2 * KINDS };

static const struct {
	const char *state;
	struct step path[PATH_STEPS];
	struct step cell[CELLS]; /* SYN, SYN+ACK, FIN, ACK, RST, none of them: from the client, then from the server */
} states[] = {
	/* Nothing is known yet; who sends first is the client. */
	{ "NONE", { { 0 } }, {
		{ 0, "O tcp S s=100", "NEW SYN_SENT 110" },
		{ 0, "O tcp SA s=100 a=500", "INVALID" },
		{ 0, "O tcp FA s=100 a=500", "INVALID" },
		{ 0, "O tcp A s=100 a=500", "NEW ESTABLISHED 280" },
		{ 0, "O tcp R s=100", "INVALID" },
		{ 0, "O tcp P s=100", "INVALID" },
	  } },
	{ "SYN_SENT", { SYN }, {
		{ 0, "O tcp S s=100", "NEW SYN_SENT 110" },
		{ 0, "O tcp SA s=100 a=0", "INVALID" },
		{ 0, "O tcp FA s=101 a=0", "INVALID" },
		{ 0, "O tcp A s=101 a=0", "INVALID" },
		{ 0, "O tcp R s=101", "NEW CLOSE 110 gone" },
		{ 0, "O tcp P s=101", "INVALID" },
		{ 0, "R tcp S s=500", "ESTABLISHED/R SYN_SENT2 110" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R SYN_RECV 65" },
		{ 0, "R tcp FA s=501 a=101", "INVALID" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R SYN_SENT 110" },
		{ 0, "R tcp RA s=0 a=101", "ESTABLISHED/R CLOSE 110 gone" },
		{ 0, "R tcp P s=501", "INVALID" },
	  } },
	{ "SYN_SENT2", { SYN, SYN_BACK }, {
		{ 0, "O tcp S s=100", "ESTABLISHED SYN_SENT2 120" },
		{ 0, "O tcp SA s=100 a=501", "ESTABLISHED SYN_RECV 65" },
		{ 0, "O tcp FA s=101 a=501", "INVALID" },
		{ 0, "O tcp A s=101 a=501", "INVALID" },
		{ 0, "O tcp R s=101", "ESTABLISHED CLOSE 15" },
		{ 0, "O tcp P s=101", "INVALID" },
		{ 0, "R tcp S s=500", "ESTABLISHED/R SYN_SENT2 120" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R SYN_RECV 65" },
		{ 0, "R tcp FA s=501 a=101", "INVALID" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R SYN_SENT2 110" },
		{ 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 15" },
		{ 0, "R tcp P s=501", "INVALID" },
	  } },
	{ "SYN_RECV", { SYN, SYNACK }, {
		{ 0, "O tcp S s=100", "ESTABLISHED SYN_RECV 65" },
		{ 0, "O tcp SA s=100 a=501", "ESTABLISHED SYN_RECV 65" },
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED FIN_WAIT 140" },
		{ 0, "O tcp A s=101 a=501", "ESTABLISHED ESTABLISHED 9000 assured" },
		{ 0, "O tcp R s=101", "ESTABLISHED CLOSE 15" },
		{ 0, "O tcp P s=101", "INVALID" },
		{ 0, "R tcp S s=500", "INVALID" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R SYN_RECV 65" },
		{ 0, "R tcp FA s=501 a=101", "ESTABLISHED/R FIN_WAIT 140" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R SYN_RECV 65" },
		{ 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 15" },
		{ 0, "R tcp P s=501", "INVALID" },
	  } },
	{ "ESTABLISHED", { OPEN }, {
		{ 0, "O tcp S s=9000", "ESTABLISHED ESTABLISHED 9000 assured" },
		{ 0, "O tcp SA s=100 a=501", "INVALID" },
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED FIN_WAIT 140 assured" },
		{ 0, "O tcp A s=101 a=501", "ESTABLISHED ESTABLISHED 9000 assured" },
		{ 0, "O tcp R s=101", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp P s=101", "INVALID" },
		{ 0, "R tcp S s=9000", "INVALID" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R ESTABLISHED 9000 assured" },
		{ 0, "R tcp FA s=501 a=101", "ESTABLISHED/R FIN_WAIT 140 assured" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 9000 assured" },
		{ 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp P s=501", "INVALID" },
	  } },
	{ "FIN_WAIT", { OPEN, FIN }, {
		{ 0, "O tcp S s=9000", "ESTABLISHED FIN_WAIT 140 assured" },
		{ 0, "O tcp SA s=100 a=501", "INVALID" },
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED LAST_ACK 35 assured" },
		{ 0, "O tcp A s=102 a=501", "ESTABLISHED CLOSE_WAIT 75 assured" },
		{ 0, "O tcp R s=102", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp P s=102", "INVALID" },
		{ 0, "R tcp S s=9000", "INVALID" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R FIN_WAIT 140 assured" },
		{ 0, "R tcp FA s=501 a=102", "ESTABLISHED/R LAST_ACK 35 assured" },
		{ 0, "R tcp A s=501 a=102", "ESTABLISHED/R CLOSE_WAIT 75 assured" },
		{ 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp P s=501", "INVALID" },
	  } },
	{ "CLOSE_WAIT", { OPEN, FIN, FIN_ACKED }, {
		{ 0, "O tcp S s=9000", "ESTABLISHED CLOSE_WAIT 75 assured" },
		{ 0, "O tcp SA s=100 a=501", "INVALID" },
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED LAST_ACK 35 assured" },
		{ 0, "O tcp A s=102 a=501", "ESTABLISHED CLOSE_WAIT 75 assured" },
		{ 0, "O tcp R s=102", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp P s=102", "INVALID" },
		{ 0, "R tcp S s=9000", "INVALID" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R CLOSE_WAIT 75 assured" },
		{ 0, "R tcp FA s=501 a=102", "ESTABLISHED/R LAST_ACK 35 assured" },
		{ 0, "R tcp A s=501 a=102", "ESTABLISHED/R CLOSE_WAIT 75 assured" },
		{ 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp P s=501", "INVALID" },
	  } },
	{ "LAST_ACK", { OPEN, FIN, FIN_BACK }, {
		{ 0, "O tcp S s=9000", "ESTABLISHED LAST_ACK 35 assured" },
		{ 0, "O tcp SA s=100 a=501", "INVALID" },
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED LAST_ACK 35 assured" },
		{ 0, "O tcp A s=102 a=502", "ESTABLISHED TIME_WAIT 170 assured" },
		{ 0, "O tcp R s=102", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp P s=102", "INVALID" },
		{ 0, "R tcp S s=9000", "INVALID" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R LAST_ACK 35 assured" },
		{ 0, "R tcp FA s=501 a=102", "ESTABLISHED/R LAST_ACK 35 assured" },
		{ 0, "R tcp A s=502 a=102", "ESTABLISHED/R TIME_WAIT 170 assured" },
		{ 0, "R tcp R s=502", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp P s=502", "INVALID" },
	  } },
	{ "TIME_WAIT", { OPEN, FIN, FIN_BACK, LAST_ACKED }, {
		{ 0, "O tcp S s=9000", "NEW SYN_SENT 110" },
		{ 0, "O tcp SA s=100 a=501", "INVALID" },
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED TIME_WAIT 170 assured" },
		{ 0, "O tcp A s=102 a=502", "ESTABLISHED TIME_WAIT 170 assured" },
		{ 0, "O tcp R s=102", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp P s=102", "INVALID" },
		{ 0, "R tcp S s=9000", "NEW SYN_SENT 110" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R TIME_WAIT 170 assured" },
		{ 0, "R tcp FA s=501 a=102", "ESTABLISHED/R TIME_WAIT 170 assured" },
		{ 0, "R tcp A s=502 a=102", "ESTABLISHED/R TIME_WAIT 170 assured" },
		{ 0, "R tcp R s=502", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp P s=502", "INVALID" },
	  } },
	/* Who reset may open again at once. */
	{ "CLOSE (by the client)", { OPEN, RST }, {
		{ 0, "O tcp S s=9000", "NEW SYN_SENT 110" },
		{ 0, "O tcp SA s=100 a=501", "INVALID" },
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp A s=101 a=501", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp R s=101", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp P s=101", "INVALID" },
		{ 0, "R tcp S s=9000", "INVALID" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp FA s=501 a=101", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp P s=501", "INVALID" },
	  } },
	/* Who was reset is heard, but only the answer to its SYN counts. */
	{ "CLOSE (by the server)", { OPEN, RST_BACK }, {
		{ 0, "O tcp S s=9000", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp SA s=100 a=501", "INVALID" },
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp A s=101 a=501", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp R s=101", "ESTABLISHED CLOSE 15 assured" },
		{ 0, "O tcp P s=101", "INVALID" },
		{ 0, "R tcp S s=9000", "INVALID" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp FA s=501 a=101", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 15 assured" },
		{ 0, "R tcp P s=501", "INVALID" },
	  } },
	/* After SYNs from both sides either ACK opens. */
	{ "SYN_RECV (simultaneous)", { SYN, SYN_BACK, SYNACK_AFTER }, {
		{ 0, "O tcp S s=100", "ESTABLISHED SYN_RECV 65" },
		{ 0, "O tcp SA s=100 a=501", "ESTABLISHED SYN_RECV 65" },
		{ 0, "O tcp FA s=101 a=501", "ESTABLISHED FIN_WAIT 140" },
		{ 0, "O tcp A s=101 a=501", "ESTABLISHED ESTABLISHED 9000 assured" },
		{ 0, "O tcp R s=101", "ESTABLISHED CLOSE 15" },
		{ 0, "O tcp P s=101", "INVALID" },
		{ 0, "R tcp S s=500", "INVALID" },
		{ 0, "R tcp SA s=500 a=101", "ESTABLISHED/R SYN_RECV 65" },
		{ 0, "R tcp FA s=501 a=101", "ESTABLISHED/R FIN_WAIT 140" },
		{ 0, "R tcp A s=501 a=101", "ESTABLISHED/R ESTABLISHED 9000 assured" },
		{ 0, "R tcp R s=501", "ESTABLISHED/R CLOSE 15" },
		{ 0, "R tcp P s=501", "INVALID" },
	  } },
};

/* kind_of: which row of the matrix a step's flags belong to. */
static unsigned kind_of(const struct step *s)
{
	uint8_t flags = flags_of(s->packet + strlen("O tcp "));

	if (flags & TCP_RST)
		return 4;
	if (flags & TCP_SYN)
		return flags & TCP_ACK ? 1 : 0;
	if (flags & TCP_FIN)
		return 2;
	return flags & TCP_ACK ? 3 : 5;
}

/* row_of: the path of a state and one of its cells. @name: 64 bytes that last as long as the row. */
static struct row row_of(size_t state, unsigned cell, char *name)
{
	struct row row = { .name = name, .sysctl = timeouts };
	unsigned n = 0;

	snprintf(name, 64, "%s: %s", states[state].state, states[state].cell[cell].packet);
	while (n < PATH_STEPS && states[state].path[n].packet) {
		row.steps[n] = states[state].path[n];
		n++;
	}
	row.steps[n] = states[state].cell[cell];
	return row;
}

/* each_row: calls @fn with every cell's row. */
static void each_row(void (*fn)(const struct row *rows, size_t count))
{
	for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
		for (unsigned c = 0; c < CELLS && states[s].cell[c].packet; c++) {
			char name[64];
			struct row row = row_of(s, c, name);

			fn(&row, 1);
		}
	}
}

static void test_cells(void **state)
{
	(void)state;
	each_row(play_rows);
}

/* No cell is forgotten: every state of the tracker, both directions, every kind. In NONE there is no reply. */
static void test_complete(void **state)
{
	bool seen[CT_TCP_STATES][CT_DIRS][KINDS] = { 0 };

	(void)state;
	for (size_t s = 0; s < sizeof states / sizeof *states; s++) {
		unsigned id = 0;
		char name[16] = "";

		sscanf(states[s].state, "%15s", name);
		while (id < CT_TCP_STATES && strcmp(name, ct_tcp_state_name((uint8_t)id)))
			id++;
		assert_true(id < CT_TCP_STATES);
		for (unsigned c = 0; c < CELLS && states[s].cell[c].packet; c++) {
			const struct step *step = &states[s].cell[c];

			seen[id][*step->packet == 'R' ? CT_REPLY : CT_ORIGINAL][kind_of(step)] = true;
		}
	}
	for (unsigned id = 0; id < CT_TCP_STATES; id++)
		for (unsigned dir = 0; dir < CT_DIRS; dir++)
			for (unsigned kind = 0; kind < KINDS; kind++)
				if (!seen[id][dir][kind] && (id != CT_TCP_NONE || dir == CT_ORIGINAL))
					fail_msg("no cell for %s, direction %u, kind %u", ct_tcp_state_name((uint8_t)id), dir, kind);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cells), cmocka_unit_test(test_complete) };

	if (rows_wanted(argc, argv)) {
		each_row(print_rows);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
