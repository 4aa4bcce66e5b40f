/* test_status_commands.c - cat, ls, write and sysctl on a small engine: what they print, where, and their exit status.
 *
 * The sysctl rows were run on Linux with procps 4.0.2; the texts are what it printed.
 */
#include "router/request.h"
#include "router/router.h"
#include "tests/unit/craft.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof *(a))
enum { ARGS_MAX = 6 };

struct fixture {
	struct world world;
	struct router router;
};

static int setup(void **state)
{
	static const uint8_t mac[MAC_LEN] = { 2, 0, 0, 0, 0, 1 };
	struct fixture *f = calloc(1, sizeof *f);

	f->router.engine = engine_create(&world_ops, &f->world, NULL, 1);
	assert_non_null(f->router.engine);
	f->router.status = (struct status){ .engine = f->router.engine, .started = 1 };
	assert_non_null(port_add(f->router.engine->ns, "a.b", mac, 1500));
	assert_int_equal(status_sysctl_set(&f->router.status, "net.ipv4.ip_forward", "0"), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(engine_destroy(f->router.engine), 0);
	world_clear(&f->world);
	free(f);
	return 0;
}

/* One command: its words, and all that comes of it. out, err NULL: not compared. */
struct row {
	const char *argv[ARGS_MAX];
	const char *input;
	int code;
	const char *out, *err;
};

/* run: carries out a row's command as the control socket does, and compares. */
static void run(struct fixture *f, command_live_fn *fn, const struct row *row)
{
	char *argv[ARGS_MAX + 1] = { NULL };
	struct request rq = { .router = &f->router, .argv = argv, .input = strdup(row->input ? row->input : "") };

	while (rq.argc < ARGS_MAX && row->argv[rq.argc]) {
		argv[rq.argc] = strdup(row->argv[rq.argc]);
		rq.argc++;
	}
	rq.input_len = strlen(rq.input);
	rq.code = fn(&rq);
	while (rq.step && rq.step(&rq))
		;
	if (rq.done)
		rq.done(&rq);
	if (row->out)
		assert_string_equal(text_cstr(&rq.out), row->out);
	if (row->err)
		assert_string_equal(text_cstr(&rq.err), row->err);
	assert_int_equal(rq.code, row->code);
	for (int i = 0; i < rq.argc; i++)
		free(argv[i]);
	free(rq.input);
	text_free(&rq.out);
	text_free(&rq.err);
}

static void test_cat(void **state)
{
	static const struct row rows[] = {
		{ { "cat", "sys/net/ipv4/ip_forward" }, NULL, 0, "0\n", "" },
		{ { "cat", "/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv4/ip_default_ttl" }, NULL, 0, "0\n64\n", "" },
		{ { "cat", "net/nf_conntrack", "net/nf_conntrack_expect" }, NULL, 0, "", "" },
		{ { "cat", "net/nosuch", "sys/net/ipv4/ip_forward" }, NULL, 1, "0\n",
		  "tapgate cat: net/nosuch: No such file or directory\n" },
		{ { "cat", "net" }, NULL, 1, "", "tapgate cat: net: Is a directory\n" },
		{ { "cat" }, NULL, 2, "", NULL },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		run(*state, command_cat, &rows[i]);
}

static void test_ls(void **state)
{
	static const struct row rows[] = {
		{ { "ls" }, NULL, 0, "net\nsys\ntapgate\n", "" },
		{ { "ls", "/tapgate/ports/" }, NULL, 0, "a.b\n", "" },
		{ { "ls", "-l", "sys/net/ipv4/conf" }, NULL, 0, "dr-xr-xr-x a.b\ndr-xr-xr-x all\ndr-xr-xr-x default\n", "" },
		{ { "ls", "-l", "net/nf_conntrack" }, NULL, 0, "-r--r----- net/nf_conntrack\n", "" },
		{ { "ls", "net/stat", "tapgate/ports" }, NULL, 0, "net/stat:\nnf_conntrack\n\ntapgate/ports:\na.b\n", "" },
		{ { "ls", "nosuch" }, NULL, 1, "", "tapgate ls: nosuch: No such file or directory\n" },
		{ { "ls", "-z" }, NULL, 2, "", NULL },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		run(*state, command_ls, &rows[i]);
}

static void test_write(void **state)
{
	static const struct row rows[] = {
		{ { "write", "sys/net/ipv4/ip_forward", "1" }, NULL, 0, "", "" },
		{ { "write", "/sys/net/ipv4/ip_default_ttl" }, "65\n", 0, "", "" },
		{ { "write", "sys/net/ipv4/ip_default_ttl", "0" }, NULL, 1, "",
		  "tapgate write: sys/net/ipv4/ip_default_ttl: Invalid argument\n" },
		{ { "write", "net/dev", "0" }, NULL, 1, "", "tapgate write: net/dev: Permission denied\n" },
		{ { "write", "net", "0" }, NULL, 1, "", "tapgate write: net: Is a directory\n" },
		{ { "write" }, NULL, 2, "", NULL },
	};
	static const struct row after = { { "cat", "sys/net/ipv4/ip_forward", "sys/net/ipv4/ip_default_ttl" }, NULL, 0,
					  "1\n65\n", "" };

	for (size_t i = 0; i < COUNT(rows); i++)
		run(*state, command_write, &rows[i]);
	run(*state, command_cat, &after);
}

static void test_sysctl(void **state)
{
	static const struct row rows[] = {
		{ { "sysctl", "net.ipv4.ip_forward" }, NULL, 0, "net.ipv4.ip_forward = 0\n", "" },
		{ { "sysctl", "net/ipv4/ip_forward" }, NULL, 0, "net.ipv4.ip_forward = 0\n", "" },
		{ { "sysctl", "-n", "net.ipv4.ip_forward" }, NULL, 0, "0\n", "" },
		{ { "sysctl", "-N", "net.ipv4.ip_forward" }, NULL, 0, "net.ipv4.ip_forward\n", "" },
		{ { "sysctl", "-b", "net.ipv4.ip_forward", "net.ipv4.ip_forward" }, NULL, 0, "00", "" },
		{ { "sysctl", "net.ipv4.ip_forward=1" }, NULL, 0, "net.ipv4.ip_forward = 1\n", "" },
		{ { "sysctl", "-w", "net.ipv4.ip_forward=0" }, NULL, 0, "net.ipv4.ip_forward = 0\n", "" },
		{ { "sysctl", "net.ipv4.ip_forward = 1" }, NULL, 0, "net.ipv4.ip_forward = 1\n", "" },
		{ { "sysctl", "-n", "net.ipv4.ip_default_ttl=65" }, NULL, 0, "65\n", "" },
		{ { "sysctl", "-q", "net.ipv4.ip_default_ttl=66" }, NULL, 0, "", "" },
		{ { "sysctl", "-N", "net.ipv4.ip_default_ttl=67" }, NULL, 0, "67\n", "" },
		{ { "sysctl", "-b", "net.ipv4.ip_default_ttl=68" }, NULL, 0, "68", "" },
		{ { "sysctl", "--dry-run", "net.ipv4.ip_default_ttl=9" }, NULL, 0, "net.ipv4.ip_default_ttl = 9\n", "" },
		{ { "sysctl", "net.ipv4.ip_default_ttl" }, NULL, 0, "net.ipv4.ip_default_ttl = 68\n", "" },
		{ { "sysctl", "-w", "net.ipv4.ip_forward" }, NULL, 1, "",
		  "sysctl: command line(0): invalid syntax, continuing...\n" },
		{ { "sysctl", "net.nosuch" }, NULL, 1, "",
		  "sysctl: cannot stat /proc/sys/net/nosuch: No such file or directory\n" },
		{ { "sysctl", "-w", "net.nosuch=1" }, NULL, 1, "",
		  "sysctl: cannot stat /proc/sys/net/nosuch: No such file or directory\n" },
		{ { "sysctl", "-e", "net.nosuch", "net.nosuch=1" }, NULL, 0, "", "" },
		{ { "sysctl", "net.nosuch", "net.ipv4.ip_forward" }, NULL, 1, "net.ipv4.ip_forward = 1\n", NULL },
		{ { "sysctl", "net.ipv4.ip_default_ttl=0" }, NULL, 1, "",
		  "sysctl: setting key \"net.ipv4.ip_default_ttl\": Invalid argument\n" },
		{ { "sysctl", "net.ipv4.ip_default_ttl=" }, NULL, 1, "",
		  "sysctl: setting key \"net.ipv4.ip_default_ttl\": Invalid argument\n" },
		{ { "sysctl", "-e", "net.ipv4.ip_default_ttl=abc" }, NULL, 1, "",
		  "sysctl: setting key \"net.ipv4.ip_default_ttl\": Invalid argument\n" },
		{ { "sysctl", "net.netfilter.nf_conntrack_count=5" }, NULL, 0, "",
		  "sysctl: setting key \"net.netfilter.nf_conntrack_count\": Invalid argument\n" },
		{ { "sysctl", "net.ipv4.conf=1" }, NULL, 0, "",
		  "sysctl: setting key \"net.ipv4.conf\": Invalid argument\n" },
		{ { "sysctl", "=5" }, NULL, 1, "", "sysctl: Path is not under /proc/sys/: /proc/sys/\n" },
		{ { "sysctl", "" }, NULL, 255, "", "sysctl: \"\" is an unknown key\n" },
		{ { "sysctl", "-w" }, NULL, 1, "",
		  "sysctl: no variables specified\nTry `sysctl --help' for more information.\n" },
		{ { "sysctl", "net.ipv4.conf.a/b.rp_filter=2" }, NULL, 0, "net.ipv4.conf.a/b.rp_filter = 2\n", "" },
		{ { "sysctl", "net/ipv4/conf/a.b/rp_filter" }, NULL, 0, "net.ipv4.conf.a/b.rp_filter = 2\n", "" },
		{ { "sysctl", "net.ipv4.conf.a.b.rp_filter" }, NULL, 1, "",
		  "sysctl: cannot stat /proc/sys/net/ipv4/conf/a/b/rp_filter: No such file or directory\n" },
		{ { "sysctl", "-a", "-r", "conf.*[.]rp_filter" }, NULL, 0,
		  "net.ipv4.conf.a/b.rp_filter = 2\nnet.ipv4.conf.all.rp_filter = 0\nnet.ipv4.conf.default.rp_filter = 0\n", "" },
		{ { "sysctl", "net.ipv4.conf.a/b", "--pattern", "_redirects$" }, NULL, 0,
		  "net.ipv4.conf.a/b.accept_redirects = 1\nnet.ipv4.conf.a/b.secure_redirects = 1\n"
		  "net.ipv4.conf.a/b.send_redirects = 1\n", "" },
		{ { "sysctl", "--wri", "net.ipv4.ip_forward=1" }, NULL, 0, "net.ipv4.ip_forward = 1\n", "" },
		{ { "sysctl", "-Z" }, NULL, 0, NULL, "sysctl: invalid option -- 'Z'\n" },
		{ { "sysctl", "--foo" }, NULL, 0, NULL, "sysctl: unrecognized option '--foo'\n" },
		{ { "sysctl", "--pattern" }, NULL, 0, NULL, "sysctl: option '--pattern' requires an argument\n" },
		{ { "sysctl", "--ignore=3" }, NULL, 0, NULL, "sysctl: option '--ignore' doesn't allow an argument\n" },
		{ { "sysctl" }, NULL, 1, "", NULL },
	};

	for (size_t i = 0; i < COUNT(rows); i++)
		run(*state, command_sysctl, &rows[i]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = { TEST(test_cat), TEST(test_ls), TEST(test_write), TEST(test_sysctl) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
