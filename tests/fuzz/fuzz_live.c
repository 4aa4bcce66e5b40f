/* fuzz_live.c - iptables and iptables-restore on the live rules of an engine that forwards packets.
 *
 * Overview
 *   Each line of the input is the words of one iptables(8) command. A line "restore [OPTIONS]" begins an iptables-restore
 *   text that ends with a line "."; it is read in pieces with packets in between, and a line in it that begins with "% " is a
 *   command that somebody else gives between two pieces.
 *
 *   What fails changes nothing; what is there is printed in all ways, and as iptables-save text becomes the same again;
 *   at the end everything can be flushed and deleted.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/checksum.h"
#include "router/engine.h"
#include "router/iptables.h"
#include "tables/tables_int.h"

#include <arpa/inet.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 60, LINE_BYTES = 600, COMMAS_MAX = 8, OTHERS_MAX = 4, PIECE = 3, PIECES_MAX = 100000, NS_PER_MS = 1000000 };

static const char rules[] = "*filter\n:INPUT ACCEPT [3:4]\n:FORWARD DROP [0:0]\n:one - [0:0]\n:two - [0:0]\n:empty - [0:0]\n"
			    "[5:6] -A FORWARD -p udp -m udp --dport 1000:2000 -j one\n-A FORWARD -i lan -m limit --limit 5/sec -j two\n"
			    "-A FORWARD -m recent --set --name seen --rsource\n-A FORWARD -j ACCEPT\n-A one -j two\n"
			    "-A one -m conntrack --ctstate NEW -j LOG\n-A two -m hashlimit --hashlimit-upto 5/sec --hashlimit-mode srcip "
			    "--hashlimit-name h -j RETURN\n-A two -m quota --quota 5000 -g empty\nCOMMIT\n"
			    "*nat\n-A POSTROUTING -o wan -j MASQUERADE\nCOMMIT\n*mangle\n-A FORWARD -j MARK --set-mark 1\nCOMMIT\n";

struct run {
	struct engine *e;
	struct tables *t;
	struct port *lan;
	uint64_t now;
	bool plain; /* no quotes, backslashes or control characters: what is saved can be read again */
};

/* no_transmit, no_log, no_random: the world around the engine. */
static int no_transmit(void *user, struct port *port, struct pkt *p)
{
	(void)user, (void)port, (void)p;
	return 0;
}
static void no_log(void *user, int level, const char *line)
{
	(void)user, (void)level;
	if (strlen(line) > 1023)
		abort();
}
static void no_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 0x5a, len);
}
static const struct netstack_ops ops = { .transmit = no_transmit, .log = no_log, .random = no_random };

/* packets: a UDP packet from lan to wan, once with another port. */
static void packets(struct run *r)
{
	for (unsigned n = 0; n < 2; n++) {
		struct pkt *p = engine_alloc(r->e);
		struct eth_hdr *eth;
		struct ip4_hdr *ip;

		if (!p)
			abort();
		p->len = ETH_HLEN + IP4_HLEN + 8 + 32;
		memset(p->data, 0, p->len);
		eth = (struct eth_hdr *)p->data;
		memcpy(eth->dst, r->lan->mac, MAC_LEN);
		eth->src[0] = 2;
		eth->type = htons(ETHERTYPE_IP4);
		ip = (struct ip4_hdr *)(p->data + ETH_HLEN);
		ip->version_ihl = 0x45;
		ip->total_len = htons((uint16_t)(p->len - ETH_HLEN));
		ip->ttl = 64;
		ip->proto = IP_PROTO_UDP;
		ip->src = inet_addr("10.1.0.1");
		ip->dst = inet_addr("203.0.113.1");
		memcpy(p->data + ETH_HLEN + IP4_HLEN, n ? "\x03\xe8\x05\xdc\0\x28\0\0" : "\x03\xe8\0\x35\0\x28\0\0", 8);
		pkt_pull(p, ETH_HLEN);
		if (ip4_parse(p))
			abort();
		ip4_csum_fill(p);
		pkt_push(p, ETH_HLEN);
		p->hdr = (struct pkt_hdr){ 0 };
		r->now += NS_PER_MS;
		engine_input(r->e, r->lan, p, r->now);
	}
	engine_tick(r->e, r->now);
}

/* saved: iptables-save of all tables in use. */
static struct text saved(const struct run *r, bool counters)
{
	struct text out = { 0 };

	tables_save(r->t, TABLE_COUNT, counters, NULL, &out);
	return out;
}

/* same: ends the run if two texts differ. */
static void same(const char *what, struct text *a, struct text *b)
{
	if (strcmp(text_cstr(a), text_cstr(b))) {
		fprintf(stderr, "%s: this\n%s\nbecame\n%s\n", what, text_cstr(a), text_cstr(b));
		abort();
	}
	text_free(a);
	text_free(b);
}

/* check_error: what every refusal has. */
static void check_error(const struct rule_error *err)
{
	if (err->code < 1 || err->code > 4 || strlen(err->text) >= sizeof err->text)
		abort();
}

/* command: one iptables command. A failure, and what only looks, changes nothing but which tables are in use. */
static void command(struct run *r, const char *line)
{
	struct text out = { 0 }, before, after;
	struct rule_error err = { 0 };
	struct words w;
	uint32_t generation = r->t->generation;
	unsigned used = r->t->init_count;
	struct tool *tool;
	int result;

	if (words_split(line, strlen(line), WORDS_SHELL, &w, &err))
		return;
	before = saved(r, true);
	tool = tool_start(r->t, w.argc, w.argv, &out, &out, &err);
	result = tool ? 1 : -1;
	for (unsigned n = 0; result == 1; n++) {
		result = tool_go(tool, PIECE, &out, &out, &err);
		if (n > PIECES_MAX)
			abort();
	}
	tool_end(tool);
	if (result)
		check_error(&err);
	if (result && r->t->generation != generation)
		abort();
	after = saved(r, true);
	if (r->t->generation == generation && r->t->init_count == used) {
		same(line, &before, &after);
	} else {
		text_free(&before);
		text_free(&after);
	}
	text_free(&out);
	words_free(&w);
}

/* restore_text: takes the lines of a text out of *at; those of other people go to @others. Return: the text. */
static struct text restore_text(char **at, const char **others)
{
	struct text text = { 0 };
	unsigned count = 0;
	char *line;

	while ((line = strsep(at, "\n")) && strcmp(line, ".")) {
		if (strncmp(line, "% ", 2))
			text_printf(&text, "%s\n", line);
		else if (count < OTHERS_MAX)
			others[count++] = line + 2;
	}
	return text;
}

/* restore: a whole text in pieces of @piece lines. */
static void restore(struct run *r, const char *options, const struct text *text, const char **others, unsigned piece)
{
	struct restore_args args = { 0 };
	static char none[1];
	struct text out = { 0 }, before, after;
	struct rule_error err = { 0 };
	struct restore *rs;
	struct words w;
	uint32_t generation;
	int result;

	if (words_split(options, strlen(options), WORDS_SHELL, &w, &err))
		return;
	if (!restore_options_read(w.argc, w.argv, &args, false) && !args.version && !args.help) {
		rs = restore_start(r->t, text->len ? text->data : none, &args.options);
		if (!rs)
			abort();
		do {
			generation = r->t->generation;
			before = saved(r, true);
			result = restore_go(rs, piece, &out, &out, &err);
			after = saved(r, true);
			if (r->t->generation == generation && r->t->init_count == 5)
				same("restore", &before, &after);
			text_free(&before);
			text_free(&after);
			packets(r);
			if (*others)
				command(r, *others++);
		} while (result > 0);
		if (result < 0 && err.code)
			check_error(&err);
		if (result >= 0 && args.options.test && r->t->generation != generation)
			abort();
		restore_end(rs);
	}
	text_free(&out);
	words_free(&w);
}

/* print: everything in all ways. */
static void print(const struct run *r)
{
	struct text out = { 0 };

	for (int id = 0; id < TABLE_COUNT; id++) {
		tables_list(r->t, (enum table_id)id, NULL, LIST_VERBOSE, &out);
		tables_list(r->t, (enum table_id)id, NULL, LIST_NUMERIC | LIST_VERBOSE | LIST_EXACT | LIST_LINE_NUMBERS, &out);
		tables_list_rules(r->t, (enum table_id)id, NULL, 0, true, &out);
	}
	text_free(&out);
}

/* again: what is saved restores to the same. */
static void again(struct run *r)
{
	const struct restore_options o = { .counters = true };
	struct text before = saved(r, true), text = saved(r, true), out = { 0 }, after;
	struct restore *rs = restore_start(r->t, text.data, &o);
	struct rule_error err;
	int result;

	while ((result = restore_go(rs, 7, &out, &out, &err)) > 0)
		;
	if (result) {
		fprintf(stderr, "%s\nis refused: %s\n", text_cstr(&before), err.text);
		abort();
	}
	restore_end(rs);
	after = saved(r, true);
	same("saved", &before, &after);
	text_free(&text);
	text_free(&out);
}

/* clear: all rules and chains can be deleted, and nothing is left. */
static void clear(struct run *r)
{
	static const char *const ways[] = { "-F", "-X" };
	char line[32];

	for (int id = 0; id < TABLE_COUNT; id++)
		for (unsigned n = 0; n < 2; n++) {
			snprintf(line, sizeof line, "-t %s %s", table_name((enum table_id)id), ways[n]);
			command(r, line);
		}
	for (int id = 0; id < TABLE_COUNT; id++) {
		const struct table *tb = &r->t->live->table[id];

		if (tb->count != tb->base_count)
			abort();
		for (uint32_t i = 0; i < tb->count; i++)
			if (tb->chains[i]->count || tb->chains[i]->refs)
				abort();
	}
}

/* start: an engine with two ports and rules. */
static void start(struct run *r)
{
	struct engine_limits limits = { { 128, 16, 64 }, { 64, 64, 8 } };
	static const uint8_t mac[2][MAC_LEN] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };
	struct port *wan;
	struct ruleset *rs;
	struct rule_error err;
	struct text out;

	r->now = 1000ull * NS_PER_MS;
	r->e = engine_create(&ops, r, &limits, r->now);
	if (!r->e)
		abort();
	r->t = r->e->tables;
	r->lan = port_add(r->e->ns, "lan", mac[0], 1500);
	wan = port_add(r->e->ns, "wan", mac[1], 1500);
	port_add_addr(r->e->ns, r->lan, inet_addr("10.1.0.254"), 24);
	port_add_addr(r->e->ns, wan, inet_addr("203.0.113.254"), 24);
	port_set_up(r->e->ns, r->lan, true);
	port_set_up(r->e->ns, wan, true);
	netstack_set_forwarding(r->e->ns, true);
	rs = tables_begin(r->t, false);
	if (!rs || ruleset_restore(r->t, rs, rules, "rules", false, true, &err) || tables_commit(r->t, rs, &err))
		abort();
	packets(r);
	out = saved(r, true);
	if (!strstr(text_cstr(&out), "[6:66] -A FORWARD")) /* a packet passes the rules */
		abort();
	text_free(&out);
}

/* finish: the books are even, nothing is left. */
static void finish(struct run *r)
{
	netstack_flush(r->e->ns);
	ct_flush(r->e->ctk, NULL, NULL);
	if (netstack_balance_error(r->e->ns) || engine_destroy(r->e))
		abort();
}

/* plain: see struct run. */
static bool plain(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\n') || strchr("'\"\\", *text))
			return false;
	return true;
}

/* heavy: a line that becomes very many rules. */
static bool heavy(const char *text)
{
	unsigned commas = 0, len = 0;

	for (; *text; text++) {
		len = *text == '\n' ? 0 : len + 1;
		commas = *text == '\n' ? 0 : commas + (*text == ',');
		if (commas > COMMAS_MAX || len > LINE_BYTES)
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), *at = text, *line;
	struct run r = { 0 };

	if (!text)
		abort();
	memcpy(text, data, size);
	if (heavy(text)) {
		free(text);
		return 0;
	}
	r.plain = plain(text);
	start(&r);
	for (unsigned n = 0; n < LINES_MAX && (line = strsep(&at, "\n")); n++) {
		const char *others[OTHERS_MAX + 1] = { 0 };
		struct text input;

		if (!strncmp(line, "restore", 7)) {
			input = restore_text(&at, others);
			restore(&r, line, &input, others, 1 + n % 5);
			text_free(&input);
		} else {
			command(&r, line);
		}
		packets(&r);
	}
	print(&r);
	if (r.plain)
		again(&r);
	clear(&r);
	finish(&r);
	free(text);
	return 0;
}
