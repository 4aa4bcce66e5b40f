/* test_ftp.c - the FTP helper: lines, what they make expected, and what NAT writes into them. Scenes as in
 * tests/unit/nat/mini.h, with sequence numbers and data shown. */
#include "conntrack/helper.h"
#include "helpers/ftp.h"
#include "helpers/helpers.h"
#include "tests/unit/nat/mini.h"

/* --- lines --------------------------------------------------------------------------------------------------------- */

static const struct {
	enum ct_dir dir;
	const char *text;
	enum ftp_found found;
	const char *addr; /* with FTP_LINE */
	uint16_t port;
	const char *field;
} lines[] = {
	{ CT_ORIGINAL, "PORT 10,0,0,1,4,1\r\n", FTP_LINE, "10.0.0.1", 1025, "10,0,0,1,4,1" },
	{ CT_ORIGINAL, "port 10,0,0,1,4,1\r\n", FTP_LINE, "10.0.0.1", 1025, "10,0,0,1,4,1" },
	{ CT_ORIGINAL, "PORT 10,0,0,1,4,1\r", FTP_LINE, "10.0.0.1", 1025, "10,0,0,1,4,1" },
	{ CT_ORIGINAL, "PORT10 10,0,0,1,4,1\r\n", FTP_LINE, "10.0.0.1", 1025, "10,0,0,1,4,1" },
	{ CT_ORIGINAL, "PORT 10,0,0,1,4,1\n", FTP_PARTIAL },
	{ CT_ORIGINAL, "PORT 10,0,0,1,4,1", FTP_PARTIAL },
	{ CT_ORIGINAL, "PORT 10,0,0,1,4\r\n", FTP_PARTIAL },
	{ CT_ORIGINAL, "PORT 10,0,0,1,4,1,9\r\n", FTP_PARTIAL },
	{ CT_ORIGINAL, "PORT  10,0,0,1,4,1\r\n", FTP_PARTIAL },
	{ CT_ORIGINAL, "PORT ", FTP_PARTIAL },
	{ CT_ORIGINAL, "PORT", FTP_PARTIAL },
	{ CT_ORIGINAL, "POR", FTP_PARTIAL },
	{ CT_ORIGINAL, "p", FTP_PARTIAL },
	{ CT_ORIGINAL, "e", FTP_PARTIAL },
	{ CT_ORIGINAL, "", FTP_NONE },
	{ CT_ORIGINAL, "PWD\r\n", FTP_NONE },
	{ CT_ORIGINAL, "PORT\r\n", FTP_PARTIAL },
	{ CT_ORIGINAL, " PORT 10,0,0,1,4,1\r\n", FTP_NONE },
	{ CT_ORIGINAL, "PASV\r\n", FTP_NONE },
	{ CT_ORIGINAL, "227 (10,0,0,1,4,1)\r\n", FTP_NONE },
	{ CT_ORIGINAL, "PORT 266,0,0,1,4,1\r\n", FTP_LINE, "10.0.0.1", 1025, "266,0,0,1,4,1" },
	{ CT_ORIGINAL, "PORT ,,,,,\r\n", FTP_LINE, "0.0.0.0", 0, ",,,,," },
	{ CT_ORIGINAL, "EPRT |1|10.0.0.1|1025|\r\n", FTP_LINE, "10.0.0.1", 1025, "|1|10.0.0.1|1025|" },
	{ CT_ORIGINAL, "EPRT !1!10.0.0.1!1025!\r\n", FTP_LINE, "10.0.0.1", 1025, "!1!10.0.0.1!1025!" },
	{ CT_ORIGINAL, "EPRT |2|::1|1025|\r\n", FTP_PARTIAL },
	{ CT_ORIGINAL, "EPRT |1|10.0.0.1|0|\r\n", FTP_PARTIAL },
	{ CT_ORIGINAL, "EPRT |1|10.0.0.1|1025\r\n", FTP_PARTIAL },
	{ CT_ORIGINAL, "EPRT |1|10.0.0|1025|\r\n", FTP_PARTIAL },
	{ CT_ORIGINAL, "EPRT 111110.0.0.1110251\r\n", FTP_PARTIAL },
	{ CT_ORIGINAL, "EPRT |1", FTP_PARTIAL },
	{ CT_REPLY, "227 Entering Passive Mode (10,0,0,1,4,1)\r\n", FTP_LINE, "10.0.0.1", 1025,
	  "10,0,0,1,4,1" },
	{ CT_REPLY, "227 Entering Passive Mode 10,0,0,1,4,1.\r\n", FTP_LINE, "10.0.0.1", 1025,
	  "10,0,0,1,4,1" },
	{ CT_REPLY, "227 =10,0,0,1,4,1\r\n", FTP_LINE, "10.0.0.1", 1025, "10,0,0,1,4,1" },
	{ CT_REPLY, "227 Entering Passive Mode (10,0,0,1,4,1", FTP_PARTIAL },
	{ CT_REPLY, "227 no numbers\r\n", FTP_PARTIAL },
	{ CT_REPLY, "227-Entering (10,0,0,1,4,1)\r\n", FTP_NONE },
	{ CT_REPLY, "22", FTP_PARTIAL },
	{ CT_REPLY, "229 Entering Extended Passive Mode (|||6446|)\r\n", FTP_LINE, "192.0.2.9", 6446,
	  "|||6446|" },
	{ CT_REPLY, "229 (!!!6446!)\r\n", FTP_LINE, "192.0.2.9", 6446, "!!!6446!" },
	{ CT_REPLY, "229 (|||6446)\r\n", FTP_PARTIAL },
	{ CT_REPLY, "229 (||6446|)\r\n", FTP_PARTIAL },
	{ CT_REPLY, "229 |||6446|\r\n", FTP_PARTIAL },
	{ CT_REPLY, "229 (|||", FTP_PARTIAL },
	{ CT_REPLY, "220 ready\r\n", FTP_NONE },
	{ CT_REPLY, "PORT 10,0,0,1,4,1\r\n", FTP_NONE },
};

static void test_lines(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
		struct ftp_line line = { .addr = inet_addr("192.0.2.9") };
		uint32_t len = (uint32_t)strlen(lines[i].text);
		char *exact = malloc(len + 1);
		enum ftp_found found;
		const char *word;

		/* Only as many bytes as there are, so that a sanitizer sees a read behind them. */
		memcpy(mini_need(exact), lines[i].text, len);
		exact = mini_need(realloc(exact, len ? len : 1));
		found = ftp_read(lines[i].dir, exact, len, &line, &word);
		if (found != lines[i].found)
			fail_msg("%s: %d", lines[i].text, found);
		if (found == FTP_LINE) {
			assert_int_equal(line.addr, inet_addr(lines[i].addr));
			assert_int_equal(line.port, lines[i].port);
			assert_int_equal(line.len, strlen(lines[i].field));
			assert_memory_equal(exact + line.off, lines[i].field, line.len);
		}
		free(exact);
	}
}

/* --- whole connections ----------------------------------------------------------------------------------------------- */

static struct helpers *open_helpers(struct mini *m)
{
	struct helpers *h = helpers_create(m->ns, m->ctk, m->nat);
	const struct ct_helper *ftp = ct_helper_find(m->ctk, "ftp", FAMILY_IP4, IP_PROTO_TCP);

	assert_non_null(h);
	assert_non_null(ftp);
	assert_int_equal(ct_helper_assign_port(m->ctk, ftp, 21), 0);
	m->show = true;
	return h;
}

static void play(const struct scene *sc, bool loose, bool partial, uint16_t gso_size)
{
	struct mini *m = mini_open();
	struct helpers *h = open_helpers(m);

	m->partial = partial;
	m->gso_size = gso_size;
	if (loose)
		assert_int_equal(helpers_set(h, "ftp", "loose", "yes"), 0);
	mini_rules(m, TABLE_NAT, sc->rules);
	for (const struct step *s = sc->steps; s->via; s++)
		mini_step(m, sc->name, s);
	pkt_free(m->held);
	m->held = NULL;
	ct_flush(m->ctk, NULL, NULL);
	assert_int_equal(ct_expect_count(m->ctk), 0);
	mini_close(m);
	helpers_destroy(h);
}

/* Handshake and first line of each direction without translation; C and S are what they look like outside. */
#define OPEN(C_IN, S_IN, C_OUT, S_OUT)                                                   \
	{ "c>s", "tcp " C_IN " " S_IN " S s=999", "tcp " C_OUT " " S_OUT " s=999 a=0" }, \
		{ "s>c", "tcp " S_OUT " " C_OUT " SA s=4999 a=1000",                     \
		  "tcp " S_IN " " C_IN " s=4999 a=1000" },                               \
		{ "c>s", "tcp " C_IN " " S_IN " A s=1000 a=5000 d=A\r\n",                \
		  "tcp " C_OUT " " S_OUT " s=1000 a=5000 d=A\r\n" },                     \
	{                                                                                \
		"s>c", "tcp " S_OUT " " C_OUT " A s=5000 a=1003 d=B\r\n",                \
			"tcp " S_IN " " C_IN " s=5000 a=1003 d=B\r\n"                    \
	}

#define C "10.77.1.50:40000"
#define S "10.77.2.50:21"
#define M "10.77.2.1:40000" /* the client masqueraded */
#define V "10.77.1.1:21"    /* the server's virtual address */

static const struct scene scenes[] = {
	{ "active, no NAT",
	  { NULL },
	  { OPEN(C, S, C, S),
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=PORT 10,77,1,50,200,1\r\n",
	      "tcp " C " " S " s=1003 a=5003 d=PORT 10,77,1,50,200,1\r\n" },
	    { "s>c", "tcp 10.77.2.50:20 10.77.1.50:51201 S s=7",
	      "tcp 10.77.2.50:20 10.77.1.50:51201 s=7 a=0" } } },
	{ "the first line is not looked at",
	  { NULL },
	  { { "c>s", "tcp " C " " S " S s=999", "tcp " C " " S " s=999 a=0" },
	    { "s>c", "tcp " S " " C " SA s=4999 a=1000", "tcp " S " " C " s=4999 a=1000" },
	    { "c>s", "tcp " C " " S " A s=1000 a=5000 d=PORT 1",
	      "tcp " C " " S " s=1000 a=5000 d=PORT 1" } } },
	{ "a command in pieces is dropped until it comes whole",
	  { NULL },
	  { OPEN(C, S, C, S),
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=PORT 10,77,1", "drop ct_helper" },
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=PORT 10,77,1,50,200,1\r\n",
	      "tcp " C " " S " s=1003 a=5003 d=PORT 10,77,1,50,200,1\r\n" } } },
	{ "text in the middle of a line is no command",
	  { NULL },
	  { OPEN(C, S, C, S),
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=STOR ", "tcp " C " " S " s=1003 a=5003 d=STOR " },
	    { "c>s", "tcp " C " " S " A s=1008 a=5003 d=PORT 1",
	      "tcp " C " " S " s=1008 a=5003 d=PORT 1" } } },
	{ "a segment from long ago does not say where lines begin",
	  { NULL },
	  { OPEN(C, S, C, S),
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=X\r\n", "tcp " C " " S " s=1003 a=5003 d=X\r\n" },
	    { "c>s", "tcp " C " " S " A s=900 a=5003 d=X\r\n", "tcp " C " " S " s=900 a=5003 d=X\r\n" },
	    { "c>s", "tcp " C " " S " A s=903 a=5003 d=PORT 1", "tcp " C " " S " s=903 a=5003 d=PORT 1" } } },
	{ "active behind a masquerade",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { OPEN(C, S, M, S),
	    /* 23 bytes become 22 */
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=PORT 10,77,1,50,200,1\r\n",
	      "tcp " M " " S " s=1003 a=5003 d=PORT 10,77,2,1,200,1\r\n" },
	    { "s>c", "tcp " S " " M " A s=5003 a=1025 d=200 ok\r\n",
	      "tcp " S " " C " s=5003 a=1026 d=200 ok\r\n" },
	    { "c>s", "tcp " C " " S " A s=1026 a=5011 d=LIST\r\n",
	      "tcp " M " " S " s=1025 a=5011 d=LIST\r\n" },
	    { "s>c", "tcp 10.77.2.50:20 10.77.2.1:51201 S s=7",
	      "tcp 10.77.2.50:20 10.77.1.50:51201 s=7 a=0" },
	    { "c>s", "tcp 10.77.1.50:51201 10.77.2.50:20 SA s=8 a=8",
	      "tcp 10.77.2.1:51201 10.77.2.50:20 s=8 a=8" },
	    /* sent again: adjusted as before */
	    { "c>s", "tcp " C " " S " A s=1026 a=5011 d=LIST\r\n",
	      "tcp " M " " S " s=1025 a=5011 d=LIST\r\n" } } },
	{ "extended active behind a masquerade",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { OPEN(C, S, M, S),
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=EPRT |1|10.77.1.50|51201|\r\n",
	      "tcp " M " " S " s=1003 a=5003 d=EPRT |1|10.77.2.1|51201|\r\n" },
	    { "s>c", "tcp 10.77.2.50:20 10.77.2.1:51201 S s=7",
	      "tcp 10.77.2.50:20 10.77.1.50:51201 s=7 a=0" } } },
	{ "passive to a translated server",
	  { "-A PREROUTING -p tcp --dport 21 -j DNAT --to-destination 10.77.2.50" },
	  { OPEN(C, V, C, S),
	    { "s>c", "tcp " S " " C " A s=5003 a=1003 d=227 Passive (10,77,2,50,200,1).\r\n",
	      "tcp " V " " C " s=5003 a=1003 d=227 Passive (10,77,1,1,200,1).\r\n" },
	    { "c>s", "tcp " C " " V " A s=1003 a=5035 d=NOOP\r\n",
	      "tcp " C " " S " s=1003 a=5036 d=NOOP\r\n" },
	    { "s>c", "tcp " S " " C " A s=5036 a=1009 d=200\r\n", "tcp " V " " C " s=5035 a=1009 d=200\r\n" },
	    { "c>s", "tcp 10.77.1.50:40001 10.77.1.1:51201 S s=7",
	      "tcp 10.77.1.50:40001 10.77.2.50:51201 s=7 a=0" } } },
	{ "extended passive names no address: the text stays",
	  { "-A PREROUTING -p tcp --dport 21 -j DNAT --to-destination 10.77.2.50" },
	  { OPEN(C, V, C, S),
	    { "s>c", "tcp " S " " C " A s=5003 a=1003 d=229 Extended (|||51201|)\r\n",
	      "tcp " V " " C " s=5003 a=1003 d=229 Extended (|||51201|)\r\n" },
	    { "c>s", "tcp 10.77.1.50:40001 10.77.1.1:51201 S s=7",
	      "tcp 10.77.1.50:40001 10.77.2.50:51201 s=7 a=0" } } },
	{ "passive behind a masquerade: the server's address stays",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { OPEN(C, S, M, S),
	    { "s>c", "tcp " S " " M " A s=5003 a=1003 d=227 Passive (10,77,2,50,200,1).\r\n",
	      "tcp " S " " C " s=5003 a=1003 d=227 Passive (10,77,2,50,200,1).\r\n" },
	    { "c>s", "tcp 10.77.1.50:40001 10.77.2.50:51201 S s=7",
	      "tcp 10.77.2.1:40001 10.77.2.50:51201 s=7 a=0" } } },
	{ "other delimiters become bars where the text is written anew",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { OPEN(C, S, M, S),
	    { "s>c", "tcp " S " " M " A s=5003 a=1003 d=229 (!!!51201!)\r\n",
	      "tcp " S " " C " s=5003 a=1003 d=229 (|||51201|)\r\n" } } },
	{ "port 0 cannot be translated",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { OPEN(C, S, M, S),
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=PORT 10,77,1,50,0,0\r\n", "drop ct_helper" },
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=PORT 10,77,1,50,4,1\r\n",
	      "tcp " M " " S " s=1003 a=5003 d=PORT 10,77,2,1,4,1\r\n" } } },
	{ "somebody else's address makes nothing expected",
	  { "-A POSTROUTING -o s -j MASQUERADE" },
	  { OPEN(C, S, M, S),
	    { "c>s", "tcp " C " " S " A s=1003 a=5003 d=PORT 10,77,1,99,200,1\r\n",
	      "tcp " M " " S " s=1003 a=5003 d=PORT 10,77,1,99,200,1\r\n" } } },
};

static void test_scenes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof scenes / sizeof *scenes; i++) {
		play(&scenes[i], false, false, 0);
		play(&scenes[i], false, true, 0);
		play(&scenes[i], false, true, 8); /* lines as super-packets */
	}
}

/* last_info: how the last packet stood to its connection, and its master. */
static void test_related(void **state)
{
	struct mini *m = mini_open();
	struct helpers *h = open_helpers(m);
	const struct scene *sc = &scenes[0];

	(void)state;
	for (const struct step *s = sc->steps; s->via; s++)
		mini_step(m, sc->name, s);
	assert_int_equal(m->held->ct_info, CT_RELATED);
	assert_non_null(ct_master(m->held->ct));
	assert_true(m->held->ct->status & CT_ST_EXPECTED);
	assert_int_equal(ct_expect_count(m->ctk), 0);
	mini_close(m);
	helpers_destroy(h);
}

/* Two clients masqueraded on one address that advertise the same port: the second gets another one. */
static void test_port_search(void **state)
{
	static const char *const rules[] = { "-A POSTROUTING -o s -j MASQUERADE", NULL };
	static const struct step steps[] = {
		OPEN(C, S, M, S),
		{ "c>s", "tcp " C " " S " A s=1003 a=5003 d=EPRT |1|10.77.1.50|51201|\r\n",
		  "tcp " M " " S " s=1003 a=5003 d=EPRT |1|10.77.2.1|51201|\r\n" },
		OPEN("10.77.1.51:40001", S, "10.77.2.1:40001", S),
		{ "c>s", "tcp 10.77.1.51:40001 " S " A s=1003 a=5003 d=EPRT |1|10.77.1.51|51201|\r\n",
		  "tcp 10.77.2.1:40001 " S " s=1003 a=5003 d=EPRT |1|10.77.2.1|[51202-65535]|\r\n" },
		{ "s>c", "tcp 10.77.2.50:20 10.77.2.1:$ S s=7",
		  "tcp 10.77.2.50:20 10.77.1.51:51201 s=7 a=0" },
		{ "s>c", "tcp 10.77.2.50:20 10.77.2.1:51201 S s=7",
		  "tcp 10.77.2.50:20 10.77.1.50:51201 s=7 a=0" },
		{ NULL },
	};
	struct mini *m = mini_open();
	struct helpers *h = open_helpers(m);

	(void)state;
	mini_rules(m, TABLE_NAT, rules);
	for (const struct step *s = steps; s->via; s++)
		mini_step(m, "port search", s);
	mini_close(m);
	helpers_destroy(h);
}

/* loose: a third machine's address may be announced. */
static void test_loose(void **state)
{
	static const struct scene sc = {
		"loose",
		{ NULL },
		{ OPEN(C, S, C, S),
		  { "s>c", "tcp " S " " C " A s=5003 a=1003 d=227 (10,77,2,99,200,1)\r\n",
		    "tcp " S " " C " s=5003 a=1003 d=227 (10,77,2,99,200,1)\r\n" } }
	};

	(void)state;
	for (int loose = 0; loose < 2; loose++) {
		struct mini *m = mini_open();
		struct helpers *h = open_helpers(m);

		assert_int_equal(helpers_set(h, "FTP", "Loose", loose ? "Yes" : "0"), 0);
		for (const struct step *s = sc.steps; s->via; s++)
			mini_step(m, sc.name, s);
		assert_int_equal(ct_expect_count(m->ctk), loose);
		mini_close(m);
		helpers_destroy(h);
	}
}

static void test_options(void **state)
{
	struct mini *m = mini_open();
	struct helpers *h = open_helpers(m);

	(void)state;
	assert_int_equal(helpers_set(h, "ftp", "loose", "maybe"), -EINVAL);
	assert_int_equal(helpers_set(h, "ftp", "tight", "yes"), -ENOENT);
	assert_int_equal(helpers_set(h, "irc", "loose", "yes"), -ENOENT);
	assert_false(h->ftp_loose);
	mini_close(m);
	helpers_destroy(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),   cmocka_unit_test(test_scenes),
		cmocka_unit_test(test_related), cmocka_unit_test(test_port_search),
		cmocka_unit_test(test_loose),   cmocka_unit_test(test_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
