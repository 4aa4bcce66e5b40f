/* test_sctp.c - the SCTP tracker: every cell of its matrix, and conversations with verification tags.
 *
 * The matrix was read from a Linux 6.18 router that one packet of each kind was sent through in each state.
 * tests/functional/test_tracker_rows.py sends all of this through one again. No two timeouts are alike, so that the right
 * one shows.
 */
#include "conntrack/proto_common.h"
#include "tests/unit/conntrack/scene.h"

static const char timeouts[] = "sctp_timeout_closed=21 sctp_timeout_cookie_wait=33 sctp_timeout_cookie_echoed=45 "
			       "sctp_timeout_established=220 sctp_timeout_shutdown_sent=57 "
			       "sctp_timeout_shutdown_recd=69 sctp_timeout_shutdown_ack_sent=81 "
			       "sctp_timeout_heartbeat_sent=93";

/* The four chunks that open: the client chose tag 5, the server tag 9. */
#define INIT      { 0, "O sctp init tag=0 itag=5", "NEW CLOSED 21" }
#define INITACK   { 0, "R sctp initack tag=5 itag=9", "ESTABLISHED/R COOKIE_WAIT 33" }
#define ECHO      { 0, "O sctp echo tag=9", "ESTABLISHED COOKIE_ECHOED 45" }
#define COOKIEACK { 0, "R sctp cookieack tag=5", "ESTABLISHED/R ESTABLISHED 220 assured" }
#define OPEN      INIT, INITACK, ECHO, COOKIEACK

/* --- the matrix ---------------------------------------------------------------------------------------------------- */

enum { STATES = 9, KINDS = 13, PATH_STEPS = 8 };

/* Columns: how each state is reached, the tags that packets to the server and to the client have there, whether the
 * client has been answered, and the state's own timeout. */
static const struct column {
	const char *code, *state;
	struct step path[PATH_STEPS];
	unsigned tag[CT_DIRS];
	bool replied, assured;
	unsigned seconds;
} columns[STATES] = {
	{ "NON", "NONE", { { 0 } }, { 9, 0 }, false, false, 0 },
	{ "CLO", "CLOSED", { INIT }, { 0, 5 }, false, false, 21 },
	{ "CWA", "COOKIE_WAIT", { INIT, INITACK }, { 9, 5 }, true, false, 33 },
	{ "CEC", "COOKIE_ECHOED", { INIT, INITACK, ECHO }, { 9, 5 }, true, false, 45 },
	{ "EST", "ESTABLISHED", { OPEN }, { 9, 5 }, true, true, 220 },
	{ "SDS", "SHUTDOWN_SENT", { OPEN, { 0, "O sctp shutdown tag=9", "ESTABLISHED SHUTDOWN_SENT 57 assured" } }, { 9, 5 },
	  true, true, 57 },
	{ "SDR", "SHUTDOWN_RECD", { OPEN, { 0, "R sctp shutdown tag=5", "ESTABLISHED/R SHUTDOWN_RECD 69 assured" } },
	  { 9, 5 }, true, true, 69 },
	{ "SDA", "SHUTDOWN_ACK_SENT",
	  { OPEN, { 0, "O sctp shutdown tag=9", "ESTABLISHED SHUTDOWN_SENT 57 assured" },
	    { 0, "R sctp shutack tag=5", "ESTABLISHED/R SHUTDOWN_ACK_SENT 81 assured" } }, { 9, 5 }, true, true, 81 },
	{ "HBS", "HEARTBEAT_SENT", { { 0, "O sctp hb tag=9", "NEW HEARTBEAT_SENT 93" } }, { 9, 0 }, false, false, 93 },
};

/* The state that each chunk leads to; --- is INVALID. In NON there is no reply. */
static const char *const matrix[CT_DIRS][KINDS] = {
	[CT_ORIGINAL] = {
		/*            NON  CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS */
		"init       CLO  CLO  CWA  CEC  EST  CLO  CLO  SDA  CWA",
		"initack    ---  CLO  CWA  CEC  EST  SDS  SDR  SDA  CLO",
		"abort      ---  CLO  CLO  CLO  CLO  CLO  CLO  CLO  CLO",
		"shutdown   ---  CLO  CWA  CEC  SDS  SDS  SDR  SDA  CLO",
		"shutack    SDA  CLO  CWA  CEC  EST  SDA  SDA  SDA  SDA",
		"error      ---  CLO  CWA  CEC  EST  SDS  SDR  SDA  CLO",
		"echo       ---  CLO  CEC  CEC  EST  SDS  SDR  SDA  CLO",
		"cookieack  ---  CLO  CWA  EST  EST  SDS  SDR  SDA  CLO",
		"complete   ---  CLO  CWA  CEC  EST  SDS  SDR  CLO  CLO",
		"hb         HBS  CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS",
		"hback      CLO  CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS",
		"data       ---  CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS",
		"sack       ---  CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS",
	},
	[CT_REPLY] = {
		/*            NON  CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS */
		"init            CLO  CWA  CEC  EST  SDS  SDR  SDA  ---",
		"initack         CWA  CWA  CEC  EST  SDS  SDR  SDA  ---",
		"abort           CLO  CLO  CLO  CLO  CLO  CLO  CLO  ---",
		"shutdown        CLO  CWA  CEC  SDR  SDS  SDR  SDA  ---",
		"shutack         CLO  CWA  CEC  EST  SDA  SDA  SDA  ---",
		"error           CLO  CWA  CLO  EST  SDS  SDR  SDA  ---",
		"echo            CLO  CEC  CEC  EST  SDS  SDR  SDA  ---",
		"cookieack       CLO  CWA  EST  EST  SDS  SDR  SDA  ---",
		"complete        CLO  CWA  CEC  EST  SDS  SDR  CLO  ---",
		"hb              CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS",
		"hback           CLO  CWA  CEC  EST  SDS  SDR  SDA  EST",
		"data            CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS",
		"sack            CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS",
	},
};

/* column_of: the column of a code that stands at the begin of @text; NULL for ---. */
static const struct column *column_of(const char *text)
{
	for (unsigned i = 0; i < STATES; i++)
		if (!strncmp(text, columns[i].code, 3))
			return &columns[i];
	assert_int_equal(strncmp(text, "---", 3), 0);
	return NULL;
}

/* cell_row: the row that plays a cell. Its strings are in @text. Return: false where the cell is empty. */
static bool cell_row(enum ct_dir dir, unsigned kind, unsigned at, char text[3][128], struct row *row)
{
	const struct column *from = &columns[at], *to;
	const char *line = matrix[dir][kind], *cell = line + 11 + 5 * at;
	bool assured, reply = dir == CT_REPLY;
	unsigned n = 0;
	char name[16];

	if (*cell == ' ')
		return false;
	to = column_of(cell);
	sscanf(line, "%15s", name);
	*row = (struct row){ .name = text[0], .sysctl = timeouts };
	while (n < PATH_STEPS && from->path[n].packet) {
		row->steps[n] = from->path[n];
		n++;
	}
	snprintf(text[0], 128, "%s: %s from the %s", from->state, name, reply ? "server" : "client");
	snprintf(text[1], 128, "%c sctp %s tag=%u itag=%u", reply ? 'R' : 'O', name,
		 strcmp(name, "init") ? from->tag[dir] : 0, reply ? 9u : 5u);
	assured = from->assured || (to && !strcmp(to->code, "EST"));
	if (to)
		snprintf(text[2], 128, "%s %s %u%s", reply ? "ESTABLISHED/R" : from->replied ? "ESTABLISHED" : "NEW", to->state,
			 to->seconds, assured ? " assured" : "");
	row->steps[n] = (struct step){ 0, text[1], to ? text[2] : "INVALID" };
	return true;
}

/* each_cell: calls @fn with the row of every cell. Return: how many there are. */
static unsigned each_cell(void (*fn)(const struct row *rows, size_t count))
{
	unsigned cells = 0;
	char text[3][128];
	struct row row;

	for (unsigned dir = 0; dir < CT_DIRS; dir++)
		for (unsigned kind = 0; kind < KINDS; kind++)
			for (unsigned at = 0; at < STATES; at++)
				if (cell_row((enum ct_dir)dir, kind, at, text, &row)) {
					fn(&row, 1);
					cells++;
				}
	return cells;
}

/* Every chunk of the tracker's matrix and two that are not in it, in every state, from both sides. */
static void test_matrix(void **state)
{
	(void)state;
	assert_int_equal(STATES, CT_SCTP_STATES);
	for (unsigned i = 0; i < STATES; i++)
		assert_string_equal(columns[i].state, ct_sctp_state_name((uint8_t)i));
	assert_int_equal(each_cell(play_rows), KINDS * STATES + KINDS * (STATES - 1));
}

/* --- conversations --------------------------------------------------------------------------------------------------- */

static const struct row rows[] = {
	{ "open, data, close", timeouts, {
		OPEN,
		{ 5, "O sctp data tag=9", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "R sctp sack tag=9", "INVALID" },
		{ 0, "R sctp sack tag=5", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "O sctp shutdown tag=9", "ESTABLISHED SHUTDOWN_SENT 57 assured" },
		{ 0, "R sctp shutack tag=5", "ESTABLISHED/R SHUTDOWN_ACK_SENT 81 assured" },
		{ 0, "O sctp complete tag=9", "ESTABLISHED CLOSED 21 assured" } } },
	{ "shutdown from the server", timeouts, {
		OPEN,
		{ 0, "R sctp shutdown tag=5", "ESTABLISHED/R SHUTDOWN_RECD 69 assured" } } },
	{ "INIT again does not refresh", timeouts, {
		{ 0, "O sctp init tag=0 itag=5", "NEW CLOSED 21" },
		{ 4, "O sctp init tag=0 itag=5", "NEW CLOSED 17" } } },
	{ "what cannot open", timeouts, {
		{ 0, "O sctp init tag=1 itag=5", "INVALID" },
		{ 0, "O sctp abort tag=1", "INVALID" },
		{ 0, "O sctp complete tag=1", "INVALID" },
		{ 0, "O sctp cookieack tag=1", "INVALID" },
		{ 0, "O sctp data tag=1", "INVALID" },
		{ 0, "O sctp init+data tag=0 itag=5", "INVALID" },
		{ 0, "O sctp data+echo tag=1", "INVALID" },
		{ 0, "O sctp ", "INVALID" } } },
	{ "abort", timeouts, {
		OPEN,
		{ 0, "R sctp abort tag=7", "INVALID" },
		{ 0, "R sctp abort tag=9", "INVALID" },
		{ 0, "R sctp abort tag=9 T", "ESTABLISHED/R CLOSED 21 assured" } } },
	{ "the T bit says whose tag an abort has", timeouts, {
		OPEN,
		{ 0, "O sctp complete tag=9 T", "INVALID" },
		{ 0, "O sctp abort tag=9 T", "INVALID" },
		{ 0, "O sctp abort tag=5 T", "ESTABLISHED CLOSED 21 assured" } } },
	{ "another INIT ACK only while an INIT waits for it", timeouts, {
		{ 0, "O sctp init tag=0 itag=5", "NEW CLOSED 21" },
		{ 0, "R sctp initack tag=5 itag=77", "ESTABLISHED/R COOKIE_WAIT 33" },
		{ 0, "R sctp initack tag=5 itag=9", "ESTABLISHED/R COOKIE_WAIT 33" },
		{ 0, "R sctp cookieack tag=5", "ESTABLISHED/R COOKIE_WAIT 33" },
		{ 0, "O sctp init tag=0 itag=5", "ESTABLISHED COOKIE_WAIT 33" },
		{ 0, "R sctp initack tag=5 itag=77", "INVALID" },
		{ 0, "O sctp init tag=0 itag=6", "ESTABLISHED COOKIE_WAIT 33" },
		{ 0, "R sctp initack tag=6 itag=77", "ESTABLISHED/R COOKIE_WAIT 33" } } },
	{ "both sides send INIT: an INIT ACK must name the tag of its sender's INIT", timeouts, {
		{ 0, "O sctp init tag=0 itag=5", "NEW CLOSED 21" },
		{ 0, "R sctp init tag=0 itag=9", "ESTABLISHED/R CLOSED 21" },
		{ 0, "O sctp initack tag=9 itag=6", "INVALID" },
		{ 0, "O sctp initack tag=9 itag=5", "ESTABLISHED CLOSED 21" },
		{ 0, "R sctp initack tag=5 itag=8", "INVALID" },
		{ 0, "R sctp initack tag=5 itag=9", "ESTABLISHED/R COOKIE_WAIT 33" },
		{ 0, "O sctp echo tag=9", "ESTABLISHED COOKIE_ECHOED 45" },
		{ 0, "R sctp echo tag=5", "ESTABLISHED/R COOKIE_ECHOED 45" },
		{ 0, "R sctp cookieack tag=5", "ESTABLISHED/R ESTABLISHED 220 assured" } } },
	{ "one side forgot and begins anew (RFC 9260 5.2.2)", timeouts, {
		OPEN,
		{ 0, "O sctp init tag=0 itag=7", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "R sctp initack tag=7 itag=11", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "O sctp echo tag=11", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "R sctp cookieack tag=7", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "O sctp data tag=9", "INVALID" },
		{ 0, "O sctp data tag=11", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "R sctp data tag=7", "ESTABLISHED/R ESTABLISHED 220 assured" } } },
	{ "the server begins anew", timeouts, {
		OPEN,
		{ 0, "R sctp init tag=0 itag=12", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "O sctp initack tag=12 itag=5", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "R sctp echo tag=5", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "O sctp cookieack tag=12", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "O sctp data tag=9", "INVALID" },
		{ 0, "O sctp data tag=12", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "R sctp data tag=5", "ESTABLISHED/R ESTABLISHED 220 assured" } } },
	{ "a delayed INIT of the server after all is open, and its answer with another tag", timeouts, {
		OPEN,
		{ 0, "R sctp init tag=0 itag=12", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "O sctp initack tag=12 itag=6", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "R sctp initack tag=6 itag=13", "INVALID" } } },
	{ "a second path: both tags are learnt from heartbeats", timeouts, {
		{ 0, "O sctp hb tag=9", "NEW HEARTBEAT_SENT 93" },
		{ 0, "R sctp hb tag=5", "ESTABLISHED/R HEARTBEAT_SENT 93" },
		{ 0, "O sctp hback tag=9", "ESTABLISHED HEARTBEAT_SENT 93" },
		{ 0, "R sctp hback tag=5", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "O sctp data tag=9", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "R sctp data tag=5", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "O sctp data tag=5", "INVALID" } } },
	{ "a heartbeat with a strange tag waits for its answer, which names the new tags", timeouts, {
		OPEN,
		{ 0, "O sctp hb tag=21", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "O sctp hback tag=22", "INVALID" },
		{ 0, "R sctp hback tag=22", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "R sctp data tag=22", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "R sctp data tag=5", "INVALID" },
		{ 0, "O sctp hb tag=21", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "O sctp data tag=21", "ESTABLISHED ESTABLISHED 220 assured" } } },
	{ "strange heartbeats with data, or answers that nobody waits for", timeouts, {
		OPEN,
		{ 0, "O sctp hb+data tag=21", "INVALID" },
		{ 0, "R sctp hback tag=22", "INVALID" },
		{ 0, "O sctp hb+hb tag=21", "INVALID" },
		{ 0, "O sctp hb tag=9", "ESTABLISHED ESTABLISHED 220 assured" },
		{ 0, "R sctp hback tag=22", "INVALID" },
		{ 0, "R sctp hback tag=5", "ESTABLISHED/R ESTABLISHED 220 assured" } } },
	{ "SHUTDOWN ACK out of the blue is answered with its own tag", timeouts, {
		{ 0, "O sctp shutack tag=9", "NEW SHUTDOWN_ACK_SENT 81" },
		{ 0, "R sctp complete tag=9", "ESTABLISHED/R CLOSED 21" },
		{ 0, "O sctp init tag=0 itag=5", "ESTABLISHED CLOSED 21" } } },
	{ "the same with the T bit", timeouts, {
		{ 0, "O sctp shutack tag=9", "NEW SHUTDOWN_ACK_SENT 81" },
		{ 0, "R sctp complete tag=9 T", "INVALID" } } },
	{ "a stale cookie", timeouts, {
		{ 0, "O sctp init tag=0 itag=5", "NEW CLOSED 21" },
		{ 0, "R sctp initack tag=5 itag=9", "ESTABLISHED/R COOKIE_WAIT 33" },
		{ 0, "O sctp echo tag=9", "ESTABLISHED COOKIE_ECHOED 45" },
		{ 0, "R sctp error tag=5", "ESTABLISHED/R CLOSED 21" },
		{ 0, "O sctp init tag=0 itag=6", "ESTABLISHED CLOSED 21" },
		{ 0, "R sctp initack tag=6 itag=10", "ESTABLISHED/R COOKIE_WAIT 33" },
		{ 0, "O sctp echo tag=10", "ESTABLISHED COOKIE_ECHOED 45" },
		{ 0, "R sctp cookieack tag=6", "ESTABLISHED/R ESTABLISHED 220 assured" } } },
	{ "bundles: data behind the cookie and its answer", timeouts, {
		{ 0, "O sctp init tag=0 itag=5", "NEW CLOSED 21" },
		{ 0, "R sctp initack tag=5 itag=9", "ESTABLISHED/R COOKIE_WAIT 33" },
		{ 0, "O sctp echo+data tag=9", "ESTABLISHED COOKIE_ECHOED 45" },
		{ 0, "R sctp cookieack+sack+data tag=5", "ESTABLISHED/R ESTABLISHED 220 assured" },
		{ 0, "O sctp sack+shutdown tag=9", "ESTABLISHED SHUTDOWN_SENT 57 assured" },
		{ 0, "R sctp shutack tag=5", "ESTABLISHED/R SHUTDOWN_ACK_SENT 81 assured" } } },
	{ "reopened after the end", timeouts, {
		OPEN,
		{ 0, "O sctp shutdown tag=9", "ESTABLISHED SHUTDOWN_SENT 57 assured" },
		{ 0, "R sctp shutack tag=5", "ESTABLISHED/R SHUTDOWN_ACK_SENT 81 assured" },
		{ 0, "O sctp complete tag=9", "ESTABLISHED CLOSED 21 assured" },
		{ 0, "O sctp init tag=0 itag=15", "ESTABLISHED CLOSED 21 assured" },
		{ 0, "R sctp initack tag=15 itag=19", "ESTABLISHED/R COOKIE_WAIT 33 assured" },
		{ 0, "O sctp echo tag=19", "ESTABLISHED COOKIE_ECHOED 45 assured" },
		{ 0, "R sctp cookieack tag=15", "ESTABLISHED/R ESTABLISHED 220 assured" } } },
	{ "tags that are not the receiver's", timeouts, {
		{ 0, "O sctp init tag=0 itag=5", "NEW CLOSED 21" },
		{ 0, "R sctp initack tag=6 itag=9", "INVALID" },
		{ 0, "R sctp initack tag=5 itag=9", "ESTABLISHED/R COOKIE_WAIT 33" },
		{ 0, "O sctp echo tag=8", "INVALID" },
		{ 0, "O sctp echo tag=9", "ESTABLISHED COOKIE_ECHOED 45" },
		{ 0, "R sctp cookieack tag=6", "INVALID" },
		{ 0, "R sctp abort tag=6", "INVALID" },
		{ 0, "R sctp complete tag=6", "INVALID" },
		{ 0, "R sctp init tag=5 itag=9", "INVALID" } } },
	{ "the defaults", NULL, {
		{ 0, "O sctp init tag=0 itag=5", "NEW CLOSED 10" },
		{ 0, "R sctp initack tag=5 itag=9", "ESTABLISHED/R COOKIE_WAIT 3" },
		{ 0, "O sctp echo tag=9", "ESTABLISHED COOKIE_ECHOED 3" },
		{ 0, "R sctp cookieack tag=5", "ESTABLISHED/R ESTABLISHED 210 assured" },
		{ 0, "R sctp shutdown tag=5", "ESTABLISHED/R SHUTDOWN_RECD 3 assured" },
		{ 0, "O sctp shutack tag=9", "ESTABLISHED SHUTDOWN_ACK_SENT 3 assured" } } },
	{ "the default of a heartbeat", NULL, { { 0, "O sctp hb tag=9", "NEW HEARTBEAT_SENT 30" } } },
};

static void test_rows(void **state)
{
	(void)state;
	play_rows(rows, sizeof rows / sizeof *rows);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_matrix), cmocka_unit_test(test_rows) };

	if (rows_wanted(argc, argv)) {
		each_cell(print_rows);
		print_rows(rows, sizeof rows / sizeof *rows);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
