/* play.c - plays a packet test file; prints TAP. See play.h for how a packet is written.
 *
 * usage: play FILE...      exit 1 if a test failed
 *
 * A file has one set-up and then tests; every test starts with a fresh engine at time 0:
 *
 *   port lan 10.1.0.254/24 [mtu 1400]   a port; everything behind it has one MAC address and answers ARP
 *   route 10.9.0.0/16 via 10.1.0.9
 *   sysctl net/netfilter/nf_conntrack_max 10
 *   helper ftp 21
 *   rules           lines in iptables-save form (short: COMMIT, policies may be missing) up to  end
 *   test NAME       steps up to the next test:
 *     in PORT PACKET      a frame arrives
 *     out PORT PACKET     the next frame that left is this one; a port written * is any
 *     none                no other frame left
 *     advance SECONDS     time passes (fractions allowed)
 *     conntrack           the entries, as `conntrack -L`, any order, up to  end ; a timeout given as * is not compared
 *     expect              the expectations, as `conntrack -L expect`, likewise
 *     counter TABLE CHAIN NUMBER PACKETS [BYTES]     NUMBER 0 = policy
 *     drops NAME COUNT    a drop reason's counter
 *     log TEXT            a log line contains TEXT
 *     rules ... end       replaces the rules
 *
 * At the end of each test the balance of packets must be even and, after teardown, the pool empty.
 */
#include "tests/packet/play.h"

#include "netstack/sysctl.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_SIZE = 1024, KEEP = 512, LOGS = 64, NS_PER_S = 1000000000 };

struct kept {
	struct port *port;
	char line[LINE_SIZE];
};

struct player {
	const char *file;
	char **lines;
	unsigned count, at;
	unsigned setup_end; /* first line that is a test */
	struct engine *e;
	uint64_t now;
	struct kept sent[KEEP];
	unsigned sent_count, sent_seen;
	char logs[LOGS][LINE_SIZE];
	unsigned log_count;
	char failure[4 * LINE_SIZE];
};

/* ---- the world outside ---- */

static int on_transmit(void *user, struct port *port, struct pkt *p)
{
	struct player *pl = user;
	struct text out = { 0 };

	frame_to_text(p->data, p->len, p->csum, &out);
	if (strncmp(text_cstr(&out), "arp request", 11)) {
		snprintf(pl->sent[pl->sent_count % KEEP].line, LINE_SIZE, "%s", text_cstr(&out));
		pl->sent[pl->sent_count++ % KEEP].port = port;
	}
	text_free(&out);
	return 0;
}

static void on_log(void *user, int level, const char *line)
{
	struct player *pl = user;

	(void)level;
	snprintf(pl->logs[pl->log_count++ % LOGS], LINE_SIZE, "%s", line);
}

static void on_random(void *user, void *buf, size_t len)
{
	struct player *pl = user;
	uint8_t *at = buf;
	uint64_t state = pl->now + pl->sent_count + 88172645463325252ull;

	while (len--) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		*at++ = (uint8_t)(state >> 56);
	}
}

static const struct netstack_ops ops = { on_transmit, on_log, on_random };

/* fail: notes why the running test failed (first reason wins). Return: -1. */
static int fail(struct player *pl, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct player *pl, const char *format, ...)
{
	va_list args;
	int n = snprintf(pl->failure, sizeof pl->failure, "%s:%u: ", pl->file, pl->at + 1);

	va_start(args, format);
	vsnprintf(pl->failure + n, sizeof pl->failure - (size_t)n, format, args);
	va_end(args);
	return -1;
}

/* ---- comparing ---- */

/* same_head: compares kind, source and destination; a port written * fits any. Return: what follows them in @want, or NULL
 * where they differ. */
static const char *same_head(const char *have, const char *want)
{
	for (unsigned blanks = 0; *want;) {
		if (*want == '*' && want[-1] == ':') {
			have += strspn(have, "0123456789");
			want++;
			continue;
		}
		if (*want == ' ' && ++blanks == 4)
			return *have == ' ' ? want : NULL;
		if (*have++ != *want++)
			return NULL;
	}
	return *have && *have != ' ' ? NULL : want;
}

/* has_words: whether every "name value" of @want is in @have. Both: kind src > dst, then words. A name without a value is a
 * word that is found alone. */
static bool has_words(const char *have, const char *want)
{
	char padded[LINE_SIZE + 2], piece[LINE_SIZE], name[64], value[LINE_SIZE];
	int used = 0;

	snprintf(padded, sizeof padded, " %s ", have);
	want = same_head(have, want);
	while (want && *want) {
		while (*want == ' ')
			want++;
		if (!strncmp(want, "quotes ", 7)) {
			const char *quoted = strstr(have, " quotes ");

			return quoted && has_words(quoted + 8, want + 7);
		}
		if (sscanf(want, "%63s%n", name, &used) != 1)
			break;
		want += used;
		if (!strcmp(name, "df") || !strcmp(name, "mf") || !strcmp(name, "badsum")) {
			snprintf(piece, sizeof piece, " %s ", name);
		} else if (!strcmp(name, "data")) {
			const char *end = strrchr(want, '"');

			snprintf(piece, sizeof piece, " data%.*s ", end ? (int)(end + 1 - want) : 0, want);
			want = end ? end + 1 : want + strlen(want);
		} else {
			unsigned long number;
			char *rest;

			if (sscanf(want, "%1000s%n", value, &used) != 1)
				return false;
			want += used;
			number = strtoul(value, &rest, 0);
			if (*rest || !strcmp(name, "opts"))
				snprintf(piece, sizeof piece, " %s %.900s ", name, value);
			else
				snprintf(piece, sizeof piece, " %s %lu ", name, number);
		}
		if (!strstr(padded, piece))
			return false;
	}
	return want != NULL;
}

/* line_fits: a conntrack line against an expected one: words equal, "*" fits any word, runs of blanks are one. */
static bool line_fits(const char *have, const char *want)
{
	char a[256], b[256];
	int used;

	for (;;) {
		bool more_a = sscanf(have, "%255s%n", a, &used) == 1;
		if (more_a)
			have += used;
		bool more_b = sscanf(want, "%255s%n", b, &used) == 1;
		if (more_b)
			want += used;
		if (!more_a || !more_b)
			return more_a == more_b;
		if (strcmp(b, "*") && strcmp(a, b))
			return false;
	}
}

/* ---- set-up ---- */

/* block_end: index of the "end" line of the block that begins behind @at. */
static unsigned block_end(struct player *pl, unsigned at)
{
	while (at < pl->count && strcmp(pl->lines[at], "end"))
		at++;
	return at;
}

/* load_rules: the block behind the current line. Return: 0 or -1. */
static int load_rules(struct player *pl)
{
	unsigned end = block_end(pl, pl->at + 1);
	struct text rules = { 0 };
	struct rule_error err = { 0 };
	struct ruleset *rs = tables_begin(pl->e->tables, false);
	bool open = false;
	int result = 0;

	for (unsigned i = pl->at + 1; i < end; i++) {
		if (pl->lines[i][0] == '*' && open)
			text_puts(&rules, "COMMIT\n");
		open = open || pl->lines[i][0] == '*';
		text_printf(&rules, "%s\n", pl->lines[i]);
	}
	text_puts(&rules, "COMMIT\n");
	if (ruleset_restore(pl->e->tables, rs, text_cstr(&rules), "rules", false, true, &err) ||
	    tables_commit(pl->e->tables, rs, &err)) {
		tables_abort(pl->e->tables, rs);
		result = fail(pl, "%s", err.text);
	}
	text_free(&rules);
	pl->at = end;
	return result;
}

/* learn: tells the engine the MAC address of everything it asked for on all ports. */
static void answer_arp(struct player *pl, struct port *port, const char *address)
{
	char line[160], err[256], own[ADDR_TEXT_MAX];
	struct pkt *p;

	addr_format(&port->addr[0].addr, FAMILY_IP4, own);
	snprintf(line, sizeof line, "arp request %s > %s", address, own);
	p = frame_from_text(pl->e, port, line, err);
	if (p)
		engine_input(pl->e, port, p, pl->now);
}

static int add_port(struct player *pl, const char *line)
{
	char name[32], address[64], host[ADDR_TEXT_MAX];
	unsigned mtu = 1500, plen, last;
	uint8_t mac[MAC_LEN] = { 2, 0, 0, 0, 0, (uint8_t)line[5] };
	struct port *port;
	struct addr a;
	uint32_t be;

	if (sscanf(line, "port %31s %63s mtu %u", name, address, &mtu) < 2 || ip4_parse_prefix(address, &be, &plen))
		return fail(pl, "port NAME ADDRESS/LEN [mtu N] expected");
	port = port_add(pl->e->ns, name, mac, mtu);
	if (!port || port_add_addr(pl->e->ns, port, be, plen))
		return fail(pl, "the port cannot be added");
	port->offloads = PORT_TX_CSUM;
	port_set_up(pl->e->ns, port, true);
	/* The far end speaks first for the addresses that tests use: .1 to .20 of the network. */
	for (last = 1; last <= 20; last++) {
		a = addr_ip4(htonl((ntohl(be) & 0xffffff00) | last));
		answer_arp(pl, port, addr_format(&a, FAMILY_IP4, host));
	}
	return 0;
}

static int add_route(struct player *pl, const char *line)
{
	char prefix[64], via[64];
	struct route r = { .type = ROUTE_UNICAST, .protocol = 4 };
	struct route_result found;
	unsigned plen;
	struct addr a;

	if (sscanf(line, "route %63s via %63s", prefix, via) != 2 || ip4_parse_prefix(prefix, &r.prefix, &plen) ||
	    addr_parse(via, FAMILY_IP4, &a))
		return fail(pl, "route PREFIX/LEN via ADDRESS expected");
	route_lookup(pl->e->ns, &(struct route_key){ .dst = a.word[0] }, &found);
	r.plen = (uint8_t)plen;
	r.gateway = a.word[0];
	r.port = found.port;
	return route_add(pl->e->ns, &r) ? fail(pl, "the route cannot be added") : 0;
}

/* set_sysctl: by path in either room's rows. */
static int set_sysctl(struct player *pl, const char *line)
{
	char path[128], value[64];

	if (sscanf(line, "sysctl %127s %63s", path, value) != 2)
		return fail(pl, "sysctl PATH VALUE expected");
	for (size_t i = 0; i < netstack_sysctl_row_count; i++)
		if (!strcmp(netstack_sysctl_rows[i].path, path))
			return sysctl_store(&netstack_sysctl_rows[i], &pl->e->ns->conf, value) ? fail(pl, "refused") : 0;
	for (size_t i = 0; i < conntrack_sysctl_row_count; i++)
		if (!strcmp(conntrack_sysctl_rows[i].path, path))
			return sysctl_store(&conntrack_sysctl_rows[i], pl->e->ctk, value) ? fail(pl, "refused") : 0;
	return fail(pl, "unknown sysctl");
}

static int set_helper(struct player *pl, const char *line)
{
	char name[32];
	unsigned port;
	const struct ct_helper *h;

	if (sscanf(line, "helper %31s %u", name, &port) != 2)
		return fail(pl, "helper NAME PORT expected");
	h = ct_helper_find(pl->e->ctk, name, FAMILY_IP4, IP_PROTO_TCP);
	if (!h)
		h = ct_helper_find(pl->e->ctk, name, FAMILY_IP4, IP_PROTO_UDP);
	return !h || ct_helper_assign_port(pl->e->ctk, h, (uint16_t)port) ? fail(pl, "no such helper") : 0;
}

/* ---- steps ---- */

/* named_port: the port named by the second word of a line; *rest: what follows. */
static struct port *named_port(struct player *pl, const char *line, const char **rest)
{
	char name[32];
	int used = 0;

	if (sscanf(line, "%*s %31s %n", name, &used) < 1 || !used)
		return NULL;
	*rest = line + used;
	return port_find(pl->e->ns, name);
}

static int step_in(struct player *pl, const char *line)
{
	const char *packet = "";
	struct port *port = named_port(pl, line, &packet);
	char err[256];
	struct pkt *p;

	if (!port)
		return fail(pl, "no such port");
	p = frame_from_text(pl->e, port, packet, err);
	if (!p)
		return fail(pl, "%s", err);
	engine_input(pl->e, port, p, pl->now);
	return 0;
}

static int step_out(struct player *pl, const char *line)
{
	const char *packet = "";
	struct port *port = named_port(pl, line, &packet);
	const struct kept *k;

	if (!port)
		return fail(pl, "no such port");
	if (pl->sent_seen == pl->sent_count)
		return fail(pl, "nothing left, expected: %s", packet);
	k = &pl->sent[pl->sent_seen++ % KEEP];
	if (k->port != port || !has_words(k->line, packet) ||
	    (strstr(k->line, "badsum") && !strstr(packet, "badsum")))
		return fail(pl, "left by %s: %s\n#   expected on %s: %s", k->port->name, k->line, port->name, packet);
	return 0;
}

static int step_none(struct player *pl, const char *line)
{
	const struct kept *k = &pl->sent[pl->sent_seen % KEEP];

	(void)line;
	return pl->sent_seen < pl->sent_count ? fail(pl, "left by %s: %s", k->port->name, k->line) : 0;
}

static int step_advance(struct player *pl, const char *line)
{
	uint64_t end = pl->now + (uint64_t)(atof(line + strlen("advance")) * NS_PER_S);

	for (uint64_t due = engine_deadline(pl->e); due <= end; due = engine_deadline(pl->e)) {
		pl->now = due > pl->now ? due : pl->now + 1;
		engine_tick(pl->e, pl->now);
	}
	pl->now = end;
	engine_tick(pl->e, pl->now);
	return 0;
}

/* compare_block: every line of @have fits one expected line and the other way round. */
static int compare_block(struct player *pl, char *have)
{
	unsigned begin = pl->at + 1, end = block_end(pl, begin), fitted = 0, lines = 0;
	bool taken[256] = { false };

	for (char *save = NULL, *line = strtok_r(have, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		unsigned i;

		lines++;
		for (i = begin; i < end; i++)
			if (i - begin < 256 && !taken[i - begin] && line_fits(line, pl->lines[i]))
				break;
		if (i == end)
			return fail(pl, "there is: %s", line);
		taken[i - begin] = true;
		fitted++;
	}
	if (fitted != end - begin)
		for (unsigned i = begin; i < end; i++)
			if (!taken[i - begin])
				return fail(pl, "missing: %s (%u lines there)", pl->lines[i], lines);
	pl->at = end;
	return 0;
}

static void add_entry(void *ctx, struct ct_entry *ct)
{
	void **both = ctx;
	struct player *pl = both[0];

	ct_print_tool(pl->e->ctk, ct, 0, both[1]);
}

static int step_conntrack(struct player *pl, const char *line)
{
	struct text have = { 0 };
	void *ctx[2] = { pl, &have };
	struct ct_cursor cursor = { 0 };
	int result;

	(void)line;
	while (ct_each(pl->e->ctk, &cursor, add_entry, ctx))
		;
	text_puts(&have, "");
	result = compare_block(pl, have.data);
	text_free(&have);
	return result;
}

static void add_expect(void *ctx, struct ct_expect *x)
{
	void **both = ctx;
	struct player *pl = both[0];

	ct_expect_print_tool(pl->e->ctk, x, both[1]);
}

static int step_expect(struct player *pl, const char *line)
{
	struct text have = { 0 };
	void *ctx[2] = { pl, &have };
	int result;

	(void)line;
	ct_expect_each(pl->e->ctk, add_expect, ctx);
	text_puts(&have, "");
	result = compare_block(pl, have.data);
	text_free(&have);
	return result;
}

/* counter_line: the "[p:b]" text of a rule or policy in iptables-save -c of a table. */
static bool counter_line(const char *save, const char *chain, unsigned number, unsigned long *packets,
			 unsigned long *bytes)
{
	char line[LINE_SIZE], head[64];
	unsigned seen = 0;

	snprintf(head, sizeof head, number ? "-A %s" : ":%s ", chain);
	while (sscanf(save, "%1023[^\n]", line) == 1) {
		const char *rule = strchr(line, ']');

		save += strlen(line);
		save += *save == '\n';
		if (!number && !strncmp(line, head, strlen(head)))
			return sscanf(strchr(line, '['), "[%lu:%lu]", packets, bytes) == 2;
		if (number && line[0] == '[' && rule && !strncmp(rule + 2, head, strlen(head)) &&
		    strchr(" \0", rule[2 + strlen(head)]) && ++seen == number)
			return sscanf(line, "[%lu:%lu]", packets, bytes) == 2;
	}
	return false;
}

static int step_counter(struct player *pl, const char *line)
{
	char table[32], chain[32];
	unsigned number;
	unsigned long want_packets, want_bytes, packets = 0, bytes = 0;
	struct text save = { 0 };
	int given = sscanf(line, "counter %31s %31s %u %lu %lu", table, chain, &number, &want_packets, &want_bytes);
	bool found;

	if (given < 4 || table_find(table) == TABLE_COUNT)
		return fail(pl, "counter TABLE CHAIN NUMBER PACKETS [BYTES] expected");
	tables_save(pl->e->tables, table_find(table), true, NULL, &save);
	found = counter_line(text_cstr(&save), chain, number, &packets, &bytes);
	text_free(&save);
	if (!found)
		return fail(pl, "no such rule");
	if (packets != want_packets || (given == 5 && bytes != want_bytes))
		return fail(pl, "counter is %lu packets, %lu bytes", packets, bytes);
	return 0;
}

static int step_drops(struct player *pl, const char *line)
{
	char name[64];
	unsigned long want;

	if (sscanf(line, "drops %63s %lu", name, &want) != 2)
		return fail(pl, "drops NAME COUNT expected");
	for (int i = 1; i < DROP_COUNT; i++)
		if (!strcmp(drop_name((enum drop_reason)i), name)) {
			unsigned long have = (unsigned long)pl->e->ns->balance.drops[i];

			return have == want ? 0 : fail(pl, "%s is %lu", name, have);
		}
	return fail(pl, "no such drop reason");
}

static int step_log(struct player *pl, const char *line)
{
	for (unsigned i = 0; i < pl->log_count && i < LOGS; i++)
		if (strstr(pl->logs[i], line + 4))
			return 0;
	return fail(pl, "no log line has it; the last one is: %s", pl->log_count ? pl->logs[(pl->log_count - 1) % LOGS] : "");
}

static int step_rules(struct player *pl, const char *line)
{
	(void)line;
	return load_rules(pl);
}

static const struct {
	const char *word;
	int (*run)(struct player *pl, const char *line);
} steps[] = {
	{ "port", add_port }, { "route", add_route }, { "sysctl", set_sysctl }, { "helper", set_helper },
	{ "rules", step_rules }, { "in", step_in }, { "out", step_out }, { "none", step_none },
	{ "advance", step_advance }, { "conntrack", step_conntrack }, { "expect", step_expect },
	{ "counter", step_counter }, { "drops", step_drops }, { "log", step_log },
};

/* step: the current line. Return: 0 or -1. */
static int step(struct player *pl)
{
	const char *line = pl->lines[pl->at];

	if (!line[0] || line[0] == '#')
		return 0;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		size_t len = strlen(steps[i].word);

		if (!strncmp(line, steps[i].word, len) && (!line[len] || line[len] == ' '))
			return steps[i].run(pl, line);
	}
	return fail(pl, "unknown step: %s", line);
}

/* ---- tests ---- */

/* is_test: the name of the test that a line begins, or NULL. */
static const char *is_test(const char *line)
{
	return strncmp(line, "test ", 5) ? NULL : line + 5;
}

/* play_test: set-up, then the steps of the test at line @first up to the next one. Return: 0 or -1. */
static int play_test(struct player *pl, unsigned first)
{
	int result = 0;

	pl->sent_count = pl->sent_seen = pl->log_count = 0;
	pl->failure[0] = '\0';
	pl->now = NS_PER_S;
	pl->e = engine_create(&ops, pl, NULL, pl->now);
	if (!pl->e)
		return fail(pl, "no engine");
	pl->e->ns->conf.ip_forward = 1;
	for (pl->at = 0; !result && pl->at < pl->setup_end; pl->at++)
		result = step(pl);
	pl->sent_seen = pl->sent_count; /* the ARP answers of the set-up */
	for (pl->at = first + 1; !result && pl->at < pl->count && !is_test(pl->lines[pl->at]); pl->at++)
		result = step(pl);
	if (!result && netstack_balance_error(pl->e->ns))
		result = fail(pl, "the balance of packets is off by %ld", (long)netstack_balance_error(pl->e->ns));
	if (engine_destroy(pl->e) && !result)
		result = fail(pl, "packets leaked");
	return result;
}

/* read_lines: the file as trimmed lines. Ends the program if it cannot be read. */
static void read_lines(struct player *pl)
{
	char buf[LINE_SIZE];
	FILE *f = fopen(pl->file, "r");

	if (!f) {
		perror(pl->file);
		exit(2);
	}
	while (fgets(buf, sizeof buf, f)) {
		char *begin = buf + strspn(buf, " \t"), *end = begin + strlen(begin);

		while (end > begin && strchr(" \t\r\n", end[-1]))
			*--end = '\0';
		pl->lines = realloc(pl->lines, (pl->count + 1) * sizeof *pl->lines);
		pl->lines[pl->count++] = strdup(begin);
	}
	fclose(f);
}

/* play_file: all tests of a file, as TAP. Return: how many failed. */
static unsigned play_file(const char *file)
{
	static struct player pl;
	unsigned failed = 0, number = 0;

	pl = (struct player){ .file = file };
	read_lines(&pl);
	while (pl.setup_end < pl.count && !is_test(pl.lines[pl.setup_end]))
		pl.setup_end++;
	for (unsigned i = pl.setup_end; i < pl.count; i++) {
		const char *name = is_test(pl.lines[i]);
		int bad;

		if (!name)
			continue;
		bad = play_test(&pl, i);
		failed += bad != 0;
		printf("%s %u - %s\n", bad ? "not ok" : "ok", ++number, name);
		if (bad)
			printf("# %s\n", pl.failure);
	}
	printf("1..%u\n", number);
	for (unsigned i = 0; i < pl.count; i++)
		free(pl.lines[i]);
	free(pl.lines);
	return failed + (number == 0);
}

int main(int argc, char **argv)
{
	unsigned failed = 0;

	if (argc < 2)
		return fprintf(stderr, "usage: play FILE...\n"), 2;
	for (int i = 1; i < argc; i++)
		failed += play_file(argv[i]);
	return failed > 0;
}
