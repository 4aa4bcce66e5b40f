/* test_control.c - the control socket: commands and their answers, long output in pieces, peers that misbehave.
 *
 * Router and client share one event loop here: the client's side is a plain socket that is read when the loop is idle.
 */
#include "conntrack/conntrack_int.h"
#include "netstack/text.h"
#include "router/apply.h"
#include "router/control.h"
#include "router/reload.h"
#include "router/request.h"
#include "router/router.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))

struct fixture {
	struct router r;
	char folder[64], path[100];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	struct problems ps = { 0 };
	static const char text[] = "[filter]\nrule.1 = -A FORWARD -j MINE\nrule.2 = -A MINE -p tcp --dport 80 -j ACCEPT\n";
	char why[CONTROL_WHY_MAX];

	strcpy(f->folder, "/tmp/tapgate-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(f->path, sizeof f->path, "%s/sub/t.sock", f->folder);
	f->r.base = event_base_new();
	f->r.engine = engine_create(&apply_silent_ops, NULL, NULL, 1);
	f->r.timer = evtimer_new(f->r.base, NULL, NULL);
	f->r.status.engine = f->r.engine;
	f->r.config = config_parse("t.ini", text, sizeof text - 1, &ps);
	assert_int_equal(apply_commit_rules(f->r.config, f->r.engine->tables, &ps), 0);
	f->r.control = control_start(&f->r, f->path, why);
	assert_non_null(f->r.control);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char sub[100];

	reload_stop(f->r.reload);
	control_stop(f->r.control);
	assert_int_equal(access(f->path, F_OK), -1);
	event_free(f->r.timer);
	event_base_free(f->r.base);
	config_free(f->r.config);
	assert_int_equal(engine_destroy(f->r.engine), 0);
	snprintf(sub, sizeof sub, "%s/sub", f->folder);
	rmdir(sub);
	rmdir(f->folder);
	free(f);
	return 0;
}

/* dial: a connection to the router's socket, not blocking. */
static int dial(struct fixture *f)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	strcpy(sa.sun_path, f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

/* turn: lets the router work for a moment. */
static void turn(struct fixture *f)
{
	for (int i = 0; i < 4; i++)
		event_base_loop(f->r.base, EVLOOP_NONBLOCK);
}

/* put: one record. */
static void put(int fd, char type, const char *bytes, size_t len)
{
	uint8_t header[CONTROL_HEADER];

	control_header(header, (enum control_record)type, (uint32_t)len);
	assert_int_equal(send(fd, header, sizeof header, MSG_NOSIGNAL), sizeof header);
	if (len)
		assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

/* collect: reads until the router closes, running its loop. */
static void collect(struct fixture *f, int fd, struct text *raw)
{
	char buf[4096];

	for (int idle = 0; idle < 1000;) {
		ssize_t n = recv(fd, buf, sizeof buf, 0);

		if (!n || (n < 0 && errno != EAGAIN))
			break;
		if (n > 0)
			text_put(raw, buf, (size_t)n);
		else
			idle++;
		turn(f);
	}
	close(fd);
}

/* unpack: the records of an answer. Return: exit status; -1: none came. */
static int unpack(const struct text *raw, struct text *out, struct text *err)
{
	int code = -1;

	for (size_t at = 0; at + CONTROL_HEADER <= raw->len;) {
		const uint8_t *header = (const uint8_t *)raw->data + at;
		uint32_t len = control_length(header);
		const char *bytes = raw->data + at + CONTROL_HEADER;

		assert_true(at + CONTROL_HEADER + len <= raw->len);
		assert_int_equal(code, -1); /* nothing follows EXIT */
		if (header[0] == CONTROL_EXIT)
			code = (unsigned char)*bytes;
		else
			text_put(header[0] == CONTROL_OUT ? out : err, bytes, len);
		at += CONTROL_HEADER + len;
	}
	return code;
}

/* ask: the answer to a command line (words separated by single blanks). Return: exit status. */
static int ask(struct fixture *f, const char *line, struct text *out, struct text *err)
{
	char words[256], *save = NULL;
	struct text raw = { 0 };
	int fd = dial(f), code;

	snprintf(words, sizeof words, "%s", line);
	for (char *w = strtok_r(words, " ", &save); w; w = strtok_r(NULL, " ", &save))
		put(fd, CONTROL_ARG, w, strlen(w));
	put(fd, CONTROL_GO, "", 0);
	collect(f, fd, &raw);
	code = unpack(&raw, out, err);
	text_free(&raw);
	return code;
}

/* Commands with their exit status and text. NULL: not looked at. Statuses and errors as the real tools have them. */
static const struct {
	const char *line;
	int code;
	const char *out, *err;
} commands_rows[] = {
	{ "iptables -S FORWARD", 0, "-P FORWARD ACCEPT\n-A FORWARD -j MINE\n", "" },
	{ "iptables -S MINE 1", 0, "-A MINE -p tcp -m tcp --dport 80 -j ACCEPT\n", "" },
	{ "iptables -t filter -nL MINE 1", 0,
	  "ACCEPT     6    --  0.0.0.0/0            0.0.0.0/0            tcp dpt:80\n", "" },
	{ "iptables -L MINE 2 -n", 0, "", "" },
	{ "iptables -w 5 -S INPUT", 0, "-P INPUT ACCEPT\n", "" },
	{ "iptables -S NOPE", 1, "", "iptables: No chain/target/match by that name.\n" },
	{ "iptables -L NOPE", 1, "", "iptables: No chain/target/match by that name.\n" },
	{ "iptables -t nope -L", 3, "",
	  "iptables v1.8.11 (legacy): can't initialize iptables table `nope': Table does not exist (do you need to insmod?)\n"
	  "Perhaps iptables or your kernel needs to be upgraded.\n" },
	{ "iptables", 2, "",
	  "iptables v1.8.11 (legacy): no command specified\n"
	  "Try `iptables -h' or 'iptables --help' for more information.\n" },
	{ "iptables -L -S", 2, "",
	  "iptables v1.8.11 (legacy): Cannot use -S with -L\nTry `iptables -h' or 'iptables --help' for more information.\n" },
	{ "iptables -L FORWARD x", 2, "",
	  "iptables v1.8.11 (legacy): Invalid rule number `x'\n"
	  "Try `iptables -h' or 'iptables --help' for more information.\n" },
	{ "iptables --bogus", 2, "",
	  "iptables v1.8.11 (legacy): unknown option \"--bogus\"\n"
	  "Try `iptables -h' or 'iptables --help' for more information.\n" },
	{ "iptables -A FORWARD -j DROP", 0, "", "" },
	{ "iptables -C FORWARD -j DROP", 0, "", "" },
	{ "iptables -v -D FORWARD -j DROP", 0, "DROP  all opt -- in * out *  0.0.0.0/0  -> 0.0.0.0/0  \n", "" },
	{ "iptables -D FORWARD -j DROP", 1, "", "iptables: Bad rule (does a matching rule exist in that chain?).\n" },
	{ "iptables -V", 0, "iptables v1.8.11 (legacy)\n", "" },
	{ "iptables-restore", 0, "", "" },
	{ "iptables-save -t nope", 1, "",
	  "iptables-save v1.8.11 (legacy): Cannot initialize: Table does not exist (do you need to insmod?)\n" },
	{ "iptables-save x", 1, "", "Unknown arguments found on commandline\n" },
	{ "conntrack -L", 0, "", "conntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.\n" },
	{ "conntrack -L expect", 0, "", "conntrack v1.4.7 (conntrack-tools): 0 expectations have been shown.\n" },
	{ "conntrack -C", 0, "0\n", "" },
	{ "conntrack -L nope", 2, "",
	  "conntrack v1.4.7 (conntrack-tools): unknown type `nope'\n"
	  "Try `conntrack -h' or 'conntrack --help' for more information.\n" },
	{ "conntrack -L -o nope", 2, "",
	  "conntrack v1.4.7 (conntrack-tools): Bad parameter `nope'\n"
	  "Try `conntrack -h' or 'conntrack --help' for more information.\n" },
	{ "conntrack -L -C", 2, "",
	  "conntrack v1.4.7 (conntrack-tools): Invalid commands combination\n"
	  "Try `conntrack -h' or 'conntrack --help' for more information.\n" },
	{ "conntrack -L -p tcp --sport 1", 0, "", "conntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.\n" },
	{ "conntrack -D -m 1/3", 1, "", "conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.\n" },
	{ "conntrack -F", 0, "", "conntrack v1.4.7 (conntrack-tools): connection tracking table has been emptied.\n" },
	{ "conntrack -F expect", 0, "", "conntrack v1.4.7 (conntrack-tools): expectation table has been emptied.\n" },
	{ "conntrack -G", 2, "",
	  "conntrack v1.4.7 (conntrack-tools): You need to supply the `--protonum' option for this command\n"
	  "Try `conntrack -h' or 'conntrack --help' for more information.\n" },
	{ "status", 0, NULL, "" },
	{ "status -j", 0, NULL, "" },
	{ "status -x", 2, "", "tapgate status: unknown option: usage: tapgate status [-j]\n" },
	{ "run -c x", 2, "", "tapgate run: not a command that a running router carries out\n" },
	{ "nope", 2, "", "tapgate nope: not a command that a running router carries out\n" },
	{ "", 2, "", "tapgate : not a command that a running router carries out\n" },
	{ "cat tapgate/nothing", 1, "", "tapgate cat: tapgate/nothing: No such file or directory\n" },
};

static void test_commands(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < COUNT(commands_rows); i++) {
		struct text out = { 0 }, err = { 0 };
		int code = ask(f, commands_rows[i].line, &out, &err);

		if (code != commands_rows[i].code)
			print_error("row '%s': %s%s\n", commands_rows[i].line, text_cstr(&out), text_cstr(&err));
		assert_int_equal(code, commands_rows[i].code);
		if (commands_rows[i].out)
			assert_string_equal(text_cstr(&out), commands_rows[i].out);
		if (commands_rows[i].err)
			assert_string_equal(text_cstr(&err), commands_rows[i].err);
		else
			assert_true(err.len > 0);
		text_free(&out);
		text_free(&err);
	}
}

/* A failed reload says why and leaves everything as it is. */
static void test_reload_missing_file(void **state)
{
	struct fixture *f = *state;
	struct text out = { 0 }, err = { 0 };

	f->r.log.level = -1;
	assert_int_equal(ask(f, "reload", &out, &err), 1);
	assert_string_equal(text_cstr(&err), "t.ini: cannot be read: No such file or directory\n");
	text_free(&out);
	text_free(&err);
	assert_int_equal(ask(f, "iptables -S MINE", &out, &err), 0);
	text_free(&out);
	text_free(&err);
}

/* What a peer may not send: the router closes and works on. */
static void test_hostile(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
	} rows[] = {
		{ "unknown record", "Z\0\0\0\0", 5 },
		{ "length beyond the limit", "A\xff\xff\xff\xff", 5 },
		{ "length just beyond it", "A\0\1\0\1", 5 },
		{ "NUL in an argument", "A\0\0\0\3x\0y", 8 },
		{ "an answer's record", "X\0\0\0\1\0", 6 },
	};
	struct fixture *f = *state;
	struct text out = { 0 }, err = { 0 };

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct text raw = { 0 };
		int fd = dial(f);

		assert_int_equal(send(fd, rows[i].bytes, rows[i].len, MSG_NOSIGNAL), rows[i].len);
		collect(f, fd, &raw);
		assert_int_equal(raw.len, 0);
		text_free(&raw);
	}
	assert_int_equal(ask(f, "conntrack -C", &out, &err), 0);
	text_free(&out);
	text_free(&err);
}

/* Too many arguments end the connection. */
static void test_many_arguments(void **state)
{
	struct fixture *f = *state;
	struct text raw = { 0 };
	int fd = dial(f);

	for (int i = 0; i < CONTROL_ARGS_MAX; i++) {
		put(fd, CONTROL_ARG, "x", 1);
		if (i % 100 == 0)
			turn(f);
	}
	put(fd, CONTROL_ARG, "x", 1);
	collect(f, fd, &raw);
	assert_int_equal(raw.len, 0);
	text_free(&raw);
}

/* No more than so many connections; those that end make room. */
static void test_many_connections(void **state)
{
	struct fixture *f = *state;
	int fds[CONTROL_CONNECTIONS_MAX + 1];
	struct text out = { 0 }, err = { 0 };
	char byte;

	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = dial(f);
		turn(f);
	}
	assert_int_equal(recv(fds[CONTROL_CONNECTIONS_MAX], &byte, 1, 0), 0);
	assert_int_equal(recv(fds[0], &byte, 1, 0), -1);
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	turn(f);
	assert_int_equal(ask(f, "conntrack -C", &out, &err), 0);
	text_free(&out);
	text_free(&err);
}

/* A client that goes away in the middle of a long answer leaves nothing behind (the sanitizers see). */
static void test_client_leaves(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);

	put(fd, CONTROL_ARG, "conntrack", 9);
	put(fd, CONTROL_ARG, "-L", 2);
	put(fd, CONTROL_GO, "", 0);
	event_base_loop(f->r.base, EVLOOP_ONCE);
	close(fd);
	turn(f);
}

/* connect_many: @count connections into the table, as packets would. */
static void connect_many(struct conntrack *ctk, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct ct_tuple orig = { .src = addr_ip4(0x0a000001 + i), .dst = addr_ip4(0x0b000001), .src_key = 1, .dst_key = 2,
					 .family = FAMILY_IP4, .proto = IP_PROTO_UDP };
		struct pkt p = { 0 };
		struct ct_tuple reply;

		assert_true(ct_tuple_invert(&orig, &reply));
		p.ct = ct_entry_new(ctk, &orig, &reply, ct_hash(ctk, &orig));
		assert_non_null(p.ct);
		p.ct->expires = 600 * NS_PER_SECOND;
		assert_int_equal(ct_insert(ctk, &p), VERDICT_ACCEPT);
		ct_release(ctk, p.ct);
	}
}

/* A client that does not read holds back its command: when the table is emptied meanwhile, most of it was never printed. */
static void test_slow_reader(void **state)
{
	enum { MANY = 50000, AT_HAND = 1 << 20 };
	struct fixture *f = *state;
	struct text raw = { 0 }, out = { 0 }, err = { 0 };
	int fd = dial(f), size = 4096;

	router_enter(&f->r);
	connect_many(f->r.engine->ctk, MANY);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	put(fd, CONTROL_ARG, "conntrack", 9);
	put(fd, CONTROL_ARG, "-L", 2);
	put(fd, CONTROL_GO, "", 0);
	for (int i = 0; i < 2000; i++)
		turn(f);
	ct_flush(f->r.engine->ctk, NULL, NULL);
	collect(f, fd, &raw);
	assert_int_equal(unpack(&raw, &out, &err), 0);
	assert_true(out.len > REQUEST_PIECE && out.len < AT_HAND);
	assert_non_null(strstr(text_cstr(&err), "flow entries have been shown"));
	text_free(&raw);
	text_free(&out);
	text_free(&err);
}

/* The socket's mode; a second router on it; a dead router's socket; something else in its place. */
static void test_socket(void **state)
{
	struct fixture *f = *state;
	struct router other = { .base = f->r.base };
	char why[CONTROL_WHY_MAX], expect[CONTROL_WHY_MAX];
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct control *c;
	struct stat st;
	int fd;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_null(control_start(&other, f->path, why));
	snprintf(expect, sizeof expect, "a router already runs on %s: stop it, or set router.socket", f->path);
	assert_string_equal(why, expect);

	snprintf(sa.sun_path, sizeof sa.sun_path, "%s/dead.sock", f->folder);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	close(fd);
	c = control_start(&other, sa.sun_path, why);
	assert_non_null(c);
	control_stop(c);

	close(creat(sa.sun_path, 0600));
	assert_null(control_start(&other, sa.sun_path, why));
	assert_non_null(strstr(why, "exists and is not a socket"));
	unlink(sa.sun_path);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_commands),	   TEST(test_reload_missing_file), TEST(test_hostile),
		TEST(test_many_arguments), TEST(test_many_connections),	   TEST(test_client_leaves),
		TEST(test_slow_reader),	   TEST(test_socket),
	};

	signal(SIGPIPE, SIG_IGN); /* as router_run does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
