/* core_server.c - serves one engine over stdin and stdout: the Tapgate side of tests/differential.
 *
 * A request is an operation (1 byte), a length (4 bytes, little-endian) and so many bytes; the answer is a length and
 * bytes. All numbers are little-endian, addresses and keys are in network order, times are ns of a clock of the caller's.
 *
 *   p  "NAME ADDRESS/LEN MAC MTU"         adds a port. Answer: "", or why not; so for all that take text
 *   g  "PREFIX/LEN via ADDRESS PORT"      adds a route
 *   s  "PATH VALUE"                       sets a tunable
 *   r  text for iptables-restore          loads rules
 *   i  time 8, port index 1, vnet header, frame      Answer: for each frame that left: port index 1, length 4, frame
 *   q  time 8, struct wire_tuple          the connection of a tuple. Answer: "" or struct wire_entry
 *   d  time 8                             all connections. Answer: struct wire_entry, any number
 *   x  time 8                             all expectations, as net/nf_conntrack_expect
 *   f                                     kills all connections
 *   c                                     the counters: text, "NAME VALUE" lines
 *   l                                     what was logged since it was asked last
 *
 * Every host behind a port answers ARP with the address 02:00:00:00:01:INDEX. Exit status 1 if packets leaked.
 */
#include "netstack/gso.h"
#include "netstack/sysctl.h"
#include "netstack/text.h"
#include "router/engine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { REQUEST_HLEN = 5, REQUEST_MAX = 1 << 20, ASKED_MAX = 64, ARP_LEN = 28 };

struct wire_tuple {
	uint32_t src, dst;
	uint16_t src_key, dst_key;
	uint8_t proto, pad;
	uint16_t zone;
} __attribute__((packed));

struct wire_entry {
	struct wire_tuple tuple[CT_DIRS];
	uint64_t remaining; /* ns */
	uint32_t status, mark;
	uint8_t state, scale[CT_DIRS], flags[CT_DIRS];
	uint8_t counted;
	uint32_t vtag[CT_DIRS]; /* network order */
	struct ct_counter acct[CT_DIRS];
	struct ct_seqadj seqadj;
	char helper[16];
	struct wire_tuple master; /* zeros: none */
} __attribute__((packed));

struct server {
	struct engine *e;
	uint64_t now;
	struct text answer, log;
	uint8_t asked[ASKED_MAX][1 + ETH_HLEN + ARP_LEN]; /* ARP requests that wait for an answer: port index, frame */
	unsigned asked_count;
};

/* ---- the world outside ---- */

static int on_transmit(void *user, struct port *port, struct pkt *p)
{
	struct server *s = user;
	const struct eth_hdr *eth = (const struct eth_hdr *)p->data;
	uint8_t index = (uint8_t)port->index;
	uint32_t len = p->len;

	if (eth->type == htons(ETHERTYPE_ARP)) {
		if (s->asked_count < ASKED_MAX && len >= ETH_HLEN + ARP_LEN) {
			s->asked[s->asked_count][0] = index;
			memcpy(s->asked[s->asked_count++] + 1, p->data, ETH_HLEN + ARP_LEN);
		}
		return 0;
	}
	text_put(&s->answer, (const char *)&index, sizeof index);
	text_put(&s->answer, (const char *)&len, sizeof len);
	text_put(&s->answer, (const char *)p->data, len);
	return 0;
}

static void on_log(void *user, int level, const char *line)
{
	struct server *s = user;

	(void)level;
	text_printf(&s->log, "%s\n", line);
}

static void on_random(void *user, void *buf, size_t len)
{
	static uint64_t state = 88172645463325252ull;
	uint8_t *at = buf;

	(void)user;
	while (len--) {
		state = state * 6364136223846793005ull + 1442695040888963407ull;
		*at++ = (uint8_t)(state >> 56);
	}
}

static const struct netstack_ops ops = { on_transmit, on_log, on_random };

/* input: one frame, its vnet header before it. @len: of both. */
static void input(struct server *s, struct port *port, const uint8_t *bytes, uint32_t len)
{
	struct pkt *p = engine_alloc(s->e);
	struct vnet_hdr vh;

	if (!p || len < VNET_HLEN || len - VNET_HLEN > PKT_MAX_IP + ETH_HLEN) {
		pkt_free(p);
		return;
	}
	memcpy(&vh, bytes, sizeof vh);
	p->len = len - VNET_HLEN;
	memcpy(p->data, bytes + VNET_HLEN, p->len);
	if (gso_from_vnet(p, &vh)) {
		pkt_free(p);
		return;
	}
	engine_input(s->e, port, p, s->now);
}

/* answer_arp: the hosts answer what was asked. */
static void answer_arp(struct server *s)
{
	for (unsigned i = 0; i < s->asked_count; i++) {
		uint8_t index = s->asked[i][0], frame[VNET_HLEN + ETH_HLEN + ARP_LEN] = { 0 };
		uint8_t *eth = frame + VNET_HLEN, *arp = eth + ETH_HLEN;
		const uint8_t *question = s->asked[i] + 1 + ETH_HLEN;
		const uint8_t station[MAC_LEN] = { 2, 0, 0, 0, 1, index };

		memcpy(eth, question + 8, MAC_LEN);
		memcpy(eth + 6, station, MAC_LEN);
		eth[12] = 8, eth[13] = 6;
		memcpy(arp, question, 6);
		arp[7] = 2;
		memcpy(arp + 8, station, MAC_LEN);
		memcpy(arp + 14, question + 24, 4);
		memcpy(arp + 18, question + 8, 10);
		input(s, port_by_index(s->e->ns, index), frame, sizeof frame);
	}
	s->asked_count = 0;
}

/* advance: runs what is due up to @now, each thing at its time. */
static void advance(struct server *s, uint64_t now)
{
	for (uint64_t due = engine_deadline(s->e); due < now; due = engine_deadline(s->e)) {
		s->now = due > s->now ? due : s->now + 1;
		engine_tick(s->e, s->now);
		answer_arp(s);
	}
	if (now > s->now)
		s->now = now;
	engine_tick(s->e, s->now);
}

/* ---- entries ---- */

static struct wire_tuple wire_tuple_of(const struct ct_tuple *t)
{
	return (struct wire_tuple){ t->src.word[0], t->dst.word[0], t->src_key, t->dst_key, t->proto, 0, t->zone };
}

static void put_entry(void *ctx, struct ct_entry *ct)
{
	struct server *s = ctx;
	struct wire_entry w = { .remaining = ct_remaining(s->e->ctk, ct), .status = ct->status, .mark = ct->mark };

	w.tuple[0] = wire_tuple_of(&ct->tuple[0]);
	w.tuple[1] = wire_tuple_of(&ct->tuple[1]);
	if (ct->tuple[0].proto == IP_PROTO_TCP) {
		w.state = ct->tcp.state;
		memcpy(w.scale, ct->tcp.scale, sizeof w.scale);
		memcpy(w.flags, ct->tcp.flags, sizeof w.flags);
	} else if (ct->tuple[0].proto == IP_PROTO_SCTP) {
		w.state = ct->sctp.state;
		memcpy(w.vtag, ct->sctp.vtag, sizeof w.vtag);
	}
	if (ct->extra) {
		w.counted = ct->extra->has_acct;
		memcpy(w.acct, ct->extra->acct, sizeof w.acct);
		w.seqadj = ct->extra->seqadj;
	}
	if (ct_help(ct) && ct_help(ct)->helper)
		snprintf(w.helper, sizeof w.helper, "%s", ct_help(ct)->helper->name);
	if (ct_master(ct))
		w.master = wire_tuple_of(&ct_master(ct)->tuple[0]);
	text_put(&s->answer, (const char *)&w, sizeof w);
}

static void query(struct server *s, const uint8_t *body, uint32_t len)
{
	struct wire_tuple w;
	struct ct_tuple t = { .family = FAMILY_IP4 };
	struct ct_entry *ct;

	if (len < sizeof w)
		return;
	memcpy(&w, body, sizeof w);
	t.src = addr_ip4(w.src);
	t.dst = addr_ip4(w.dst);
	t.src_key = w.src_key;
	t.dst_key = w.dst_key;
	t.proto = w.proto;
	t.zone = w.zone;
	ct = ct_lookup(s->e->ctk, &t, NULL);
	if (ct)
		put_entry(s, ct);
}

static void put_expect(void *ctx, struct ct_expect *x)
{
	struct server *s = ctx;

	ct_expect_print_proc(s->e->ctk, x, &s->answer);
}

/* ---- set-up; each: @line its text; answers what is wrong ---- */

static void add_port(struct server *s, const char *line)
{
	char name[PORT_NAME_MAX], prefix[64], mac_text[32];
	uint8_t mac[MAC_LEN];
	unsigned plen, mtu;
	struct port *port;
	uint32_t be;

	if (sscanf(line, "%15s %63s %31s %u", name, prefix, mac_text, &mtu) != 4 || ip4_parse_prefix(prefix, &be, &plen) ||
	    mac_parse(mac_text, mac)) {
		text_puts(&s->answer, "NAME ADDRESS/LEN MAC MTU expected");
		return;
	}
	port = port_add(s->e->ns, name, mac, mtu);
	if (!port || port_add_addr(s->e->ns, port, be, plen)) {
		text_puts(&s->answer, "the port cannot be added");
		return;
	}
	port_set_up(s->e->ns, port, true);
}

static void add_route(struct server *s, const char *line)
{
	char prefix[64], via[64], name[PORT_NAME_MAX];
	struct route r = { .type = ROUTE_UNICAST, .protocol = 4 };
	struct addr gateway;
	unsigned plen;

	if (sscanf(line, "%63s via %63s %15s", prefix, via, name) != 3 || ip4_parse_prefix(prefix, &r.prefix, &plen) ||
	    addr_parse(via, FAMILY_IP4, &gateway)) {
		text_puts(&s->answer, "PREFIX/LEN via ADDRESS PORT expected");
		return;
	}
	r.plen = (uint8_t)plen;
	r.gateway = gateway.word[0];
	r.port = port_find(s->e->ns, name);
	if (!r.port || route_add(s->e->ns, &r))
		text_puts(&s->answer, "the route cannot be added");
}

/* store: in the room whose row has the path. Return: whether there is one. */
static bool store(struct server *s, const struct sysctl_row *rows, size_t count, void *room, const char *path,
		  const char *value)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(rows[i].path, path)) {
			if (sysctl_store(&rows[i], room, value))
				text_printf(&s->answer, "%s: %s refused", path, value);
			return true;
		}
	return false;
}

static void set_sysctl(struct server *s, const char *line)
{
	char path[128], value[64];

	if (sscanf(line, "%127s %63s", path, value) != 2)
		text_puts(&s->answer, "PATH VALUE expected");
	else if (!store(s, netstack_sysctl_rows, netstack_sysctl_row_count, &s->e->ns->conf, path, value) &&
		 !store(s, conntrack_sysctl_rows, conntrack_sysctl_row_count, s->e->ctk, path, value))
		text_printf(&s->answer, "%s: no such tunable", path);
}

static void load_rules(struct server *s, const char *text)
{
	struct ruleset *rs = tables_begin(s->e->tables, false);
	struct rule_error err = { 0 };

	if (ruleset_restore(s->e->tables, rs, text, "rules", false, true, &err) || tables_commit(s->e->tables, rs, &err)) {
		tables_abort(s->e->tables, rs);
		text_puts(&s->answer, err.text);
	}
}

static void put_counters(struct server *s)
{
	const struct ct_stats *c = &s->e->ctk->stats;

	text_printf(&s->answer, "found %lu\ninvalid %lu\ninsert %lu\ninsert_failed %lu\ndrop %lu\nearly_drop %lu\n",
		    (unsigned long)c->found, (unsigned long)c->invalid, (unsigned long)c->insert,
		    (unsigned long)c->insert_failed, (unsigned long)c->drop, (unsigned long)c->early_drop);
	text_printf(&s->answer, "icmp_error %lu\nclashres %lu\nexpect_new %lu\nexpect_create %lu\nexpect_delete %lu\n",
		    (unsigned long)c->error, (unsigned long)c->clash_resolve, (unsigned long)c->expect_new,
		    (unsigned long)c->expect_create, (unsigned long)c->expect_delete);
	text_printf(&s->answer, "entries %u\nbalance %ld\n", s->e->ctk->count, (long)netstack_balance_error(s->e->ns));
}

/* ---- requests ---- */

/* timed: an operation that begins with a time. @body: @len bytes behind it. */
static void timed(struct server *s, char op, const uint8_t *body, uint32_t len)
{
	struct ct_cursor cursor = { 0 };

	switch (op) {
	case 'i':
		if (len > 1 && port_by_index(s->e->ns, body[0]))
			input(s, port_by_index(s->e->ns, body[0]), body + 1, len - 1);
		answer_arp(s);
		break;
	case 'q':
		query(s, body, len);
		break;
	case 'd':
		while (ct_each(s->e->ctk, &cursor, put_entry, s))
			;
		break;
	case 'x':
		ct_expect_each(s->e->ctk, put_expect, s);
		break;
	default:
		break;
	}
}

/* serve: one request. @body: @len bytes and a NUL. */
static void serve(struct server *s, char op, const uint8_t *body, uint32_t len)
{
	static const struct {
		char op;
		void (*run)(struct server *s, const char *text);
	} texts[] = { { 'p', add_port }, { 'g', add_route }, { 's', set_sysctl }, { 'r', load_rules } };

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		if (texts[i].op == op)
			texts[i].run(s, (const char *)body);
	if (strchr("iqdx", op) && len >= 8) {
		uint64_t now;

		memcpy(&now, body, sizeof now);
		advance(s, now);
		timed(s, op, body + 8, len - 8);
	} else if (op == 'f') {
		ct_flush(s->e->ctk, NULL, NULL);
	} else if (op == 'c') {
		put_counters(s);
	} else if (op == 'l') {
		text_put(&s->answer, text_cstr(&s->log), s->log.len);
		s->log.len = 0;
	}
}

/* receive: more of the input, up to @room bytes at @at; what was answered goes out before, for the asker may wait.
 * Return: how many bytes came; 0 at the end. */
static size_t receive(uint8_t *at, size_t room)
{
	ssize_t got;

	fflush(stdout);
	do {
		got = read(STDIN_FILENO, at, room);
	} while (got < 0 && errno == EINTR);
	return got > 0 ? (size_t)got : 0;
}

/* answer: one request and its answer. @body: @len bytes; the byte behind them is put back. */
static void answer(struct server *s, char op, uint8_t *body, uint32_t len)
{
	uint8_t behind = body[len];
	uint32_t n;

	s->answer.len = 0;
	body[len] = '\0';
	serve(s, op, body, len);
	body[len] = behind;
	n = (uint32_t)s->answer.len;
	fwrite(&n, sizeof n, 1, stdout);
	fwrite(text_cstr(&s->answer), 1, n, stdout);
}

int main(void)
{
	static uint8_t buf[REQUEST_HLEN + REQUEST_MAX + 1];
	static struct server s;
	size_t have = 0, got;
	uint32_t len;

	s.now = 1;
	s.e = engine_create(&ops, &s, NULL, s.now);
	if (!s.e)
		return 4;
	netstack_set_forwarding(s.e->ns, true);
	while ((got = receive(buf + have, sizeof buf - 1 - have)) > 0) {
		size_t at = 0;

		for (have += got; have - at >= REQUEST_HLEN; at += REQUEST_HLEN + len) {
			memcpy(&len, buf + at + 1, sizeof len);
			if (len > REQUEST_MAX)
				return 2;
			if (have - at < REQUEST_HLEN + len)
				break;
			answer(&s, (char)buf[at], buf + at + REQUEST_HLEN, len);
		}
		memmove(buf, buf + at, have - at);
		have -= at;
	}
	text_free(&s.answer);
	text_free(&s.log);
	return engine_destroy(s.e) ? 1 : 0;
}
