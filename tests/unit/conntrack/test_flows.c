/* test_flows.c - every cell of the protocols without states: UDP, UDPLITE, GRE, ICMP and the generic one.
 *
 * What such a flow knows is whether it was replied to, and for UDP whether it is older than two seconds. ICMP has a kind
 * of its own for each direction: every type, as the first packet and as the answer to each request.
 * tests/functional/test_tracker_rows.py plays all of it on Linux (UDPLITE with checksums off, see docs/semantics.md).
 */
#include "tests/unit/conntrack/scene.h"

enum { SITUATIONS = 6, PATH_STEPS = 3 };

/* How each situation is reached: letters of who sends, and a pause before the packet that counts. */
static const struct {
	const char *name, *path;
	double pause;
} situations[SITUATIONS] = {
	{ "nothing", "", 0 },       { "unreplied", "O", 0 },      { "unreplied, old", "O", 2.2 },
	{ "replied", "OR", 0 },     { "replied, old", "OR", 2.2 }, { "replied, and went on", "ORO", 2.2 },
};

/* No two timeouts are alike, so that the right one shows; their defaults stand in test_protocols.c. */
static const char timeouts[] = "udp_timeout=40 udp_timeout_stream=200 gre_timeout=41 gre_timeout_stream=201 icmp_timeout=42 "
			       "generic_timeout=443 checksum=0";

/* What a packet from the client and from the server becomes; N: unreplied, R: replied, S: a stream, ASSURED, X: a flow of
 * its own, -: INVALID. */
static const struct {
	const char *name, *packet[CT_DIRS];
	const char *cell[SITUATIONS];
	unsigned plain, stream;
} protocols[] = {
	{ "udp", { "O udp", "R udp" }, { "NX", "NR", "NR", "RR", "SS", "SS" }, 40, 200 },
	{ "udplite", { "O udplite", "R udplite" }, { "NX", "NR", "NR", "SS", "SS", "SS" }, 40, 200 },
	{ "gre", { "O gre", "R gre" }, { "NX", "NR", "NR", "SS", "SS", "SS" }, 41, 201 },
	{ "pptp without a helper", { "O gre 1 7", "R gre 1 9" }, { "NX", "NX", "NX", "NN", "NN", "NN" }, 41, 201 },
	{ "ping", { "O icmp 8.0", "R icmp 0.0" }, { "N-", "NR", "NR", "RR", "RR", "RR" }, 42, 0 },
	{ "esp", { "O ip 50", "R ip 50" }, { "NX", "NR", "NR", "RR", "RR", "RR" }, 443, 0 },
};
enum { PROTOCOLS = sizeof protocols / sizeof *protocols };

/* want_of: the words for a letter of a cell. */
static const char *want_of(size_t proto, enum ct_dir dir, char letter, char text[48])
{
	const char *info = dir == CT_REPLY ? "ESTABLISHED/R" : "ESTABLISHED";

	switch (letter) {
	case 'N':
	case 'X':
		snprintf(text, 48, "NEW %u", protocols[proto].plain);
		break;
	case 'R':
		snprintf(text, 48, "%s %u", info, protocols[proto].plain);
		break;
	case 'S':
		snprintf(text, 48, "%s %u assured", info, protocols[proto].stream);
		break;
	default:
		strcpy(text, "INVALID");
	}
	return text;
}

/* flow_row: the row of a cell; its strings are in @text. The steps of the path are cells themselves. */
static struct row flow_row(size_t proto, unsigned at, enum ct_dir dir, char text[PATH_STEPS + 2][48])
{
	static const unsigned after[] = { 0, 1, 3, 5 }; /* the situation before each step of a path */
	struct row row = { .name = text[PATH_STEPS + 1], .sysctl = timeouts };
	const char *path = situations[at].path;
	unsigned n = 0;

	for (; path[n]; n++) {
		enum ct_dir way = path[n] == 'R' ? CT_REPLY : CT_ORIGINAL;

		row.steps[n] = (struct step){ 0, protocols[proto].packet[way],
					      want_of(proto, way, protocols[proto].cell[after[n]][way], text[n]) };
	}
	row.steps[n] = (struct step){ situations[at].pause, protocols[proto].packet[dir],
				      want_of(proto, dir, protocols[proto].cell[at][dir], text[n]) };
	snprintf(text[PATH_STEPS + 1], 48, "%s: %s, %s", protocols[proto].name, situations[at].name,
		 dir == CT_REPLY ? "server" : "client");
	return row;
}

/* each_flow: calls @fn with every cell's row. */
static void each_flow(void (*fn)(const struct row *rows, size_t count))
{
	for (size_t proto = 0; proto < PROTOCOLS; proto++)
		for (unsigned at = 0; at < SITUATIONS; at++)
			for (unsigned dir = 0; dir < CT_DIRS; dir++) {
				char text[PATH_STEPS + 2][48];
				struct row row = flow_row(proto, at, (enum ct_dir)dir, text);

				fn(&row, 1);
			}
}

static void test_flows(void **state)
{
	(void)state;
	each_flow(play_rows);
}

/* --- ICMP types ------------------------------------------------------------------------------------------------------ */

enum { TYPES = 20 }; /* 19 and above are unknown */

/* RFC 792, RFC 950: echo, timestamp, information, address mask; each answer is to its own request only. */
static const struct {
	uint8_t request, answer;
} queries[] = { { 8, 0 }, { 13, 14 }, { 15, 16 }, { 17, 18 } };
enum { QUERIES = sizeof queries / sizeof *queries };

/* opens: whether a type may be the first of a flow. */
static bool opens(unsigned type)
{
	for (unsigned i = 0; i < QUERIES; i++)
		if (queries[i].request == type)
			return true;
	return false;
}

/* each_type: calls @fn with a row for each type that comes first, and for each that comes from the other side after a request,
 * with the request's code and with another. */
static void each_type(void (*fn)(const struct row *rows, size_t count))
{
	char name[64], first[32], second[32];

	for (unsigned type = 0; type < TYPES; type++) {
		struct row row = { .name = name };

		snprintf(name, sizeof name, "icmp type %u", type);
		snprintf(first, sizeof first, "O icmp %u.0", type);
		row.steps[0] = (struct step){ 0, first, opens(type) ? "NEW 30" : "INVALID" };
		fn(&row, 1);
		for (unsigned q = 0; q < 2 * QUERIES; q++) {
			unsigned request = queries[q / 2].request, code = q % 2 ? 3 : 0;
			bool answers = type == queries[q / 2].answer && !code;

			snprintf(name, sizeof name, "icmp type %u, code %u after %u", type, code, request);
			snprintf(first, sizeof first, "O icmp %u.0", request);
			snprintf(second, sizeof second, "R icmp %u.%u", type, code);
			row.steps[0] = (struct step){ 0, first, "NEW 30" };
			row.steps[1] = (struct step){ 0, second,
						      answers ? "ESTABLISHED/R 30" : opens(type) ? "NEW 30" : "INVALID" };
			fn(&row, 1);
			row.steps[1] = (struct step){ 0 };
		}
	}
}

static void test_types(void **state)
{
	(void)state;
	each_type(play_rows);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_flows), cmocka_unit_test(test_types) };

	if (rows_wanted(argc, argv)) {
		each_flow(print_rows);
		each_type(print_rows);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
