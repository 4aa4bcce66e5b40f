/* test_dccp.c - the DCCP tracker: every cell of its matrix, numbers, headers that cannot be.
 *
 * Linux 6.18 has no tracker to compare with. The matrix here is what the comments of the one until 6.15 say of each cell
 * (net/netfilter/nf_conntrack_proto_dccp.c), where they and its table agree: a CLOSE again in CLOSING is invalid there,
 * a RESET of the server in TIMEWAIT keeps the entry alive. No two timeouts are alike, so that the right one shows.
 */
#include "conntrack/proto_common.h"
#include "tests/unit/conntrack/scene.h"

static const char timeouts[] = "dccp_timeout_request=110 dccp_timeout_respond=220 dccp_timeout_partopen=330 "
			       "dccp_timeout_open=4400 dccp_timeout_closereq=55 dccp_timeout_closing=66 "
			       "dccp_timeout_timewait=77";

/* The packets that open: the client's numbers begin at 10, the server's at 50. */
#define REQUEST  { 0, "O dccp request s=10", "NEW REQUEST 110" }
#define RESPONSE { 0, "R dccp response s=50 a=10", "ESTABLISHED/R RESPOND 220" }
#define ACK      { 0, "O dccp ack s=11 a=50", "ESTABLISHED PARTOPEN 330 assured" }
#define DATAACK  { 0, "R dccp dataack s=51 a=11", "ESTABLISHED/R OPEN 4400 assured" }
#define OPEN     REQUEST, RESPONSE, ACK, DATAACK

enum { STATES = 8, KINDS = 10, PATH_STEPS = 8 };

/* Columns: how each state is reached and its own timeout. */
static const struct column {
	const char *code, *state;
	struct step path[PATH_STEPS];
	bool replied, assured;
	unsigned seconds;
} columns[STATES] = {
	{ "NO", "NONE", { { 0 } }, false, false, 0 },
	{ "RQ", "REQUEST", { REQUEST }, false, false, 110 },
	{ "RS", "RESPOND", { REQUEST, RESPONSE }, true, false, 220 },
	{ "PO", "PARTOPEN", { REQUEST, RESPONSE, ACK }, true, true, 330 },
	{ "OP", "OPEN", { OPEN }, true, true, 4400 },
	{ "CR", "CLOSEREQ", { OPEN, { 0, "R dccp closereq s=52 a=11", "ESTABLISHED/R CLOSEREQ 55 assured" } }, true, true, 55 },
	{ "CG", "CLOSING", { OPEN, { 0, "O dccp close s=12 a=51", "ESTABLISHED CLOSING 66 assured" } }, true, true, 66 },
	{ "TW", "TIMEWAIT", { OPEN, { 0, "O dccp reset s=12 a=51", "ESTABLISHED TIMEWAIT 77 assured" } }, true, true, 77 },
};

/* Where each packet leads: -- INVALID; ig: passes and changes nothing. NO has no reply; kk: a RESET that is the only
 * other packet removes the entry. */
static const char *const matrix[CT_DIRS][KINDS] = {
	[CT_ORIGINAL] = { /* the client */
		/*           NO RQ RS PO OP CR CG TW */
		"request   RQ RQ RS ig ig ig ig RQ",
		"response  -- ig ig ig ig ig ig --",
		"data      -- -- -- -- OP CR CG --",
		"ack       -- -- PO PO OP CR CG --",
		"dataack   -- -- PO PO OP CR CG --",
		"closereq  -- -- -- -- -- -- -- --",
		"close     -- -- -- CG CG CG -- --",
		"reset     -- kk TW TW TW TW TW ig",
		"sync      -- ig ig ig ig ig ig ig",
		"syncack   -- ig ig ig ig ig ig ig",
	},
	[CT_REPLY] = { /* the server */
		"request      ig ig ig ig ig ig RQ",
		"response     RS RS ig ig ig ig --",
		"data         -- -- OP OP -- CG --",
		"ack          -- -- OP OP -- CG --",
		"dataack      -- -- OP OP -- CG --",
		"closereq     -- -- CR CR CR CR --",
		"close        -- -- CG CG -- CG --",
		"reset        kk TW TW TW TW TW TW",
		"sync         ig ig ig ig ig ig ig",
		"syncack      ig ig ig ig ig ig ig",
	},
};

/* want_of: what the cell @code of a column expects. */
static void want_of(const struct column *from, enum ct_dir dir, const char *code, bool assures, char want[64])
{
	const char *info = dir == CT_REPLY ? "ESTABLISHED/R" : from->replied ? "ESTABLISHED" : "NEW";
	const struct column *to = NULL;

	for (unsigned i = 0; i < STATES; i++)
		if (!strncmp(code, columns[i].code, 2) || (!strncmp(code, "ig", 2) && from == &columns[i]))
			to = &columns[i];
	if (to)
		snprintf(want, 64, "%s %s %u%s", info, to->state, to->seconds, from->assured || assures ? " assured" : "");
	else if (!strncmp(code, "kk", 2))
		snprintf(want, 64, "%s %s %u gone", info, from->state, from->seconds);
	else
		strcpy(want, strncmp(code, "--", 2) ? "a word in the matrix" : "INVALID");
}

/* Every type in every state, from both sides. */
static void test_matrix(void **state)
{
	unsigned cells = 0;

	(void)state;
	assert_int_equal(STATES, CT_DCCP_STATES);
	for (unsigned dir = 0; dir < CT_DIRS; dir++)
		for (unsigned kind = 0; kind < KINDS; kind++)
			for (unsigned at = dir; at < STATES; at++) {
				const struct column *from = &columns[at];
				const char *line = matrix[dir][kind], *code = line + 10 + 3 * at;
				char name[96], packet[64], want[64], type[16];
				struct row row = { .name = name, .sysctl = timeouts };
				unsigned n = 0;

				assert_string_equal(from->state, ct_dccp_state_name((uint8_t)at));
				sscanf(line, "%15s", type);
				while (n < PATH_STEPS && from->path[n].packet) {
					row.steps[n] = from->path[n];
					n++;
				}
				snprintf(name, sizeof name, "%s: %s from the %s", from->state, type, dir ? "server" : "client");
				snprintf(packet, sizeof packet, "%c dccp %s s=60 a=50", dir ? 'R' : 'O', type);
				want_of(from, (enum ct_dir)dir, code, !strcmp(type, "ack") && !strncmp(code, "PO", 2), want);
				row.steps[n] = (struct step){ 0, packet, want };
				play_rows(&row, 1);
				cells++;
			}
	assert_int_equal(cells, KINDS * STATES + KINDS * (STATES - 1));
}

static const struct row rows[] = {
	{ "the defaults", NULL, {
		{ 0, "O dccp request s=10", "NEW REQUEST 240" },
		{ 0, "R dccp response s=50 a=10", "ESTABLISHED/R RESPOND 480" },
		{ 0, "O dccp ack s=11 a=50", "ESTABLISHED PARTOPEN 480 assured" },
		{ 0, "R dccp ack s=51 a=11", "ESTABLISHED/R OPEN 43200 assured" },
		{ 0, "R dccp closereq s=52 a=11", "ESTABLISHED/R CLOSEREQ 64 assured" },
		{ 0, "O dccp close s=12 a=52", "ESTABLISHED CLOSING 64 assured" },
		{ 0, "R dccp reset s=53 a=12", "ESTABLISHED/R TIMEWAIT 240 assured" } } },
	{ "only an ACK of the RESPONSE that was seen assures", timeouts, {
		REQUEST, RESPONSE,
		{ 0, "O dccp ack s=11 a=51", "ESTABLISHED PARTOPEN 330" },
		{ 0, "O dccp ack s=12 a=50", "ESTABLISHED PARTOPEN 330" } } },
	{ "a DATAACK opens, but does not assure", timeouts, {
		REQUEST, RESPONSE, { 0, "O dccp dataack s=11 a=50", "ESTABLISHED PARTOPEN 330" } } },
	{ "a RESPONSE to an ignored REQUEST resynchronises", timeouts, {
		OPEN,
		{ 5, "O dccp request s=900", "ESTABLISHED OPEN 4395 assured" },
		{ 0, "R dccp response s=700 a=900", "ESTABLISHED/R RESPOND 220 assured" },
		{ 0, "O dccp ack s=901 a=700", "ESTABLISHED PARTOPEN 330 assured" } } },
	{ "the server begins anew with an ignored REQUEST: it is the client", timeouts, {
		OPEN,
		{ 0, "R dccp request s=900", "ESTABLISHED/R OPEN 4400 assured" },
		{ 0, "O dccp response s=700 a=900", "ESTABLISHED RESPOND 220 assured" },
		{ 0, "R dccp ack s=901 a=700", "ESTABLISHED/R PARTOPEN 330 assured" },
		{ 0, "O dccp data s=701", "ESTABLISHED OPEN 4400 assured" },
		{ 0, "R dccp closereq s=902 a=701", "INVALID" },
		{ 0, "O dccp closereq s=702 a=901", "ESTABLISHED CLOSEREQ 55 assured" } } },
	{ "a SYNC between takes the memory of the REQUEST", timeouts, {
		OPEN,
		{ 0, "O dccp request s=900", "ESTABLISHED OPEN 4400 assured" },
		{ 0, "O dccp sync s=13 a=51", "ESTABLISHED OPEN 4400 assured" },
		{ 0, "R dccp response s=700 a=900", "ESTABLISHED/R OPEN 4400 assured" } } },
	{ "reopened from TIMEWAIT by the other side, roles reversed", timeouts, {
		OPEN,
		{ 0, "O dccp reset s=12 a=51", "ESTABLISHED TIMEWAIT 77 assured" },
		{ 0, "R dccp request s=900", "ESTABLISHED/R REQUEST 110 assured" },
		{ 0, "R dccp response s=901 a=12", "ESTABLISHED/R REQUEST 110 assured" },
		{ 0, "O dccp response s=700 a=900", "ESTABLISHED RESPOND 220 assured" } } },
	{ "REQUEST again refreshes", timeouts, {
		REQUEST, { 50, "O dccp request s=10", "NEW REQUEST 110" } } },
	{ "a RESET in TIMEWAIT: the client's is ignored, the server's refreshes", timeouts, {
		OPEN,
		{ 0, "O dccp reset s=12 a=51", "ESTABLISHED TIMEWAIT 77 assured" },
		{ 7, "O dccp reset s=12 a=51", "ESTABLISHED TIMEWAIT 70 assured" },
		{ 0, "R dccp reset s=52 a=12", "ESTABLISHED/R TIMEWAIT 77 assured" } } },
	{ "numbers of 24 bits are for data and acknowledgements only", timeouts, {
		OPEN,
		{ 0, "O dccp data 24 s=12", "ESTABLISHED OPEN 4400 assured" },
		{ 0, "R dccp ack 24 s=52 a=12", "ESTABLISHED/R OPEN 4400 assured" },
		{ 0, "O dccp dataack 24 s=12", "ESTABLISHED OPEN 4400 assured" },
		{ 0, "O dccp close 24 s=12", "INVALID" },
		{ 0, "O dccp reset 24 s=12", "INVALID" },
		{ 0, "O dccp sync 24 s=12", "INVALID" } } },
	{ "headers that cannot be", timeouts, {
		{ 0, "O dccp request 24 s=10", "INVALID" },
		{ 0, "O dccp request s=10 off=2", "INVALID" },
		{ 0, "O dccp request s=10 off=7", "INVALID" },
		{ 0, "O dccp request s=10 cov=9", "INVALID" },
		{ 0, "O dccp request s=10 badsum", "INVALID" },
		{ 0, "O dccp type=10 s=10", "INVALID" },
		{ 0, "O dccp type=15 s=10", "INVALID" },
		{ 0, "O dccp request s=10 cov=1", "NEW REQUEST 110" },
		{ 0, "O dccp request s=10 cov=1 badsum", "INVALID" },
		{ 0, "O dccp request s=10 cov=2", "NEW REQUEST 110" } } },
	{ "checksums are not looked at when that is off", "checksum=0", {
		{ 0, "O dccp request s=10 badsum", "NEW REQUEST 240" } } },
};

static void test_rows(void **state)
{
	(void)state;
	play_rows(rows, sizeof rows / sizeof *rows);
}

/* Every cut of a packet of every type is looked at without reading past it (the sanitizer watches); none is valid before
 * its type's header is whole. */
static void test_cuts(void **state)
{
	static const char *const types[KINDS] = { "request", "response", "data", "ack", "dataack",
						  "closereq", "close", "reset", "sync", "syncack" };
	static const uint8_t header[KINDS] = { 20, 28, 16, 24, 24, 24, 24, 28, 24, 24 };

	(void)state;
	for (unsigned i = 0; i < KINDS; i++) {
		for (uint32_t len = 0; len < header[i] + 4u; len++) {
			static const struct step open[] = { OPEN };
			char line[64];
			struct scene s;
			struct pkt *p;

			scene_begin(&s, 64);
			set_sysctls(&s, timeouts);
			set_sysctls(&s, "checksum=0");
			for (unsigned n = 0; n < 4; n++)
				play(&s, "cuts", n, &open[n]);
			snprintf(line, sizeof line, "O dccp %s s=12 a=51 off=3", types[i]);
			p = packet_of(&s, line);
			p->len = p->hdr.l4 + len;
			assert_int_equal(through(&s, p), VERDICT_ACCEPT);
			if (len < header[i] && p->ct)
				fail_msg("%s of %u bytes has a connection", types[i], len);
			pkt_free(p);
			scene_end(&s);
		}
	}
}

/* As /proc and the conntrack command print it. */
static void test_print(void **state)
{
	static const struct step open[] = { OPEN };
	struct text out = { 0 };
	struct ct_entry *ct;
	struct ct_tuple t;
	struct scene s;
	struct pkt *p;

	(void)state;
	scene_begin(&s, 64);
	for (unsigned n = 0; n < 2; n++) {
		p = packet_of(&s, open[n].packet);
		through(&s, p);
		assert_true(ct_tuple_from_pkt(s.ctk, p, 0, &t));
		pkt_free(p);
	}
	ct = ct_lookup(s.ctk, &t, NULL);
	assert_non_null(ct);
	assert_string_equal(ct_state_name(ct), "RESPOND");
	assert_int_equal(ct->dccp.handshake_seq, 50);
	ct_print_proc(s.ctk, ct, false, &out);
	assert_string_equal(text_cstr(&out), "ipv4     2 dccp     33 480 RESPOND src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 "
					     "src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=0 zone=0 use=1\n");
	text_free(&out);
	ct_print_tool(s.ctk, ct, 0, &out);
	assert_string_equal(text_cstr(&out), "dccp     33 480 RESPOND src=10.0.0.1 dst=10.0.0.2 sport=1000 dport=80 "
					     "src=10.0.0.2 dst=10.0.0.1 sport=80 dport=1000 mark=0 use=1\n");
	text_free(&out);
	scene_end(&s);
}

/* A full table takes closing connections first. */
static void test_early_drop(void **state)
{
	static const struct { uint8_t state; bool may; } cases[] = {
		{ CT_DCCP_REQUEST, false }, { CT_DCCP_OPEN, false }, { CT_DCCP_CLOSEREQ, true },
		{ CT_DCCP_CLOSING, true }, { CT_DCCP_TIMEWAIT, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ct_entry ct = { .dccp.state = cases[i].state };

		assert_int_equal(ct_proto_dccp.can_early_drop(&ct), cases[i].may);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matrix), cmocka_unit_test(test_rows),       cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_print),  cmocka_unit_test(test_early_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
