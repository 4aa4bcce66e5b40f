/* fuzz_conntrack.c - conntrack(8) on an engine that forwards packets.
 *
 * Overview
 *   Each line of the input is the words of one conntrack command, carried out as for a client of the control socket. A line
 *   "-R -" begins a text of commands that ends with a line ".". `conntrack -E` listens until the input ends. Between two lines
 *   packets pass, through NAT, and time goes by.
 *
 *   Each command ends, with whole lines and a status the tool knows; what only looks changes nothing. At the end everything can
 *   be flushed, and nothing is left.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/checksum.h"
#include "router/request.h"
#include "router/router.h"
#include "tables/tables_int.h"

#include <arpa/inet.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MAX = 40, LISTENERS_MAX = 4, STATUS_MAX = 3, STEPS_MAX = 100000, PROCESS = 4321 };
enum { NS_PER_SEC = 1000000000 };

static const char rules[] = "*raw\n-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp\nCOMMIT\n"
			    "*nat\n-A POSTROUTING -o wan -p udp -m udp --dport 53 -j SNAT --to-source 203.0.113.7\nCOMMIT\n";

struct run {
	struct router router;
	struct port *lan;
	uint64_t now;
	unsigned packets;
	struct request listener[LISTENERS_MAX + 1]; /* the last is for a command */
	unsigned listeners;
};

/* no_transmit, no_log, no_random: the world around the engine. */
static int no_transmit(void *user, struct port *port, struct pkt *p)
{
	(void)user, (void)port, (void)p;
	return 0;
}
static void no_log(void *user, int level, const char *line)
{
	(void)user, (void)level, (void)line;
}
static void no_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 0x5a, len);
}
static const struct netstack_ops ops = { .transmit = no_transmit, .log = no_log, .random = no_random };

/* packet: from lan to wan: UDP through NAT, UDP, or the SYN of a connection with a helper; then a second goes by. */
static void packet(struct run *r)
{
	static const uint16_t ports[] = { 53, 1500, 21 };
	struct engine *e = r->router.engine;
	struct pkt *p = engine_alloc(e);
	unsigned kind = r->packets % 3;
	uint16_t l4[10] = { htons((uint16_t)(1000 + r->packets++ / 3)), htons(ports[kind]), htons(sizeof l4) };
	struct ip4_hdr *ip;

	if (!p)
		abort();
	p->len = ETH_HLEN + IP4_HLEN + sizeof l4;
	memset(p->data, 0, p->len);
	memcpy(p->data, r->lan->mac, MAC_LEN);
	((struct eth_hdr *)p->data)->type = htons(ETHERTYPE_IP4);
	ip = (struct ip4_hdr *)(p->data + ETH_HLEN);
	ip->version_ihl = 0x45;
	ip->total_len = htons(IP4_HLEN + sizeof l4);
	ip->ttl = 64;
	ip->proto = kind == 2 ? IP_PROTO_TCP : IP_PROTO_UDP;
	ip->src = inet_addr("10.1.0.1");
	ip->dst = inet_addr("203.0.113.1");
	if (kind == 2) {
		l4[6] = htons(0x5002);
		l4[8] = csum_fold(csum_add_bytes(csum_pseudo4(ip->src, ip->dst, ip->proto, sizeof l4), l4, sizeof l4));
	}
	memcpy(ip + 1, l4, sizeof l4);
	pkt_pull(p, ETH_HLEN);
	if (ip4_parse(p))
		abort();
	ip4_csum_fill(p);
	pkt_push(p, ETH_HLEN);
	p->hdr = (struct pkt_hdr){ 0 };
	engine_input(e, r->lan, p, r->now);
	r->now += NS_PER_SEC;
	engine_tick(e, r->now);
}

/* no_wake: request.wake. */
static void no_wake(struct request *rq)
{
	(void)rq;
}

/* whole: output is lines. */
static void whole(struct text *out)
{
	if (out->len && out->data[out->len - 1] != '\n') {
		fprintf(stderr, "no end of line: %s\n", text_cstr(out));
		abort();
	}
	text_free(out);
}

/* end: the request is over. */
static void end(struct request *rq)
{
	if (rq->done)
		rq->done(rq);
	if (rq->code < 0 || rq->code > STATUS_MAX)
		abort();
	whole(&rq->out);
	whole(&rq->err);
	for (int i = 0; i < rq->argc; i++)
		free(rq->argv[i]);
	free(rq->argv);
	free(rq->input);
}

/* words: the request's words: copies, as the command may reorder them. Return: false: not to be split. */
static bool words(struct request *rq, const char *line)
{
	struct rule_error err;
	struct words w;

	if (words_split(line, strlen(line), WORDS_SHELL, &w, &err))
		return false;
	rq->argc = w.argc + 1;
	rq->argv = calloc((size_t)rq->argc + 1, sizeof *rq->argv);
	if (!rq->argv)
		abort();
	for (int i = 0; i < rq->argc; i++) {
		rq->argv[i] = strdup(i ? w.argv[i - 1] : "conntrack");
		if (!rq->argv[i])
			abort();
	}
	words_free(&w);
	return true;
}

/* step: one step, with packets in between. Return: whether there are more. */
static bool step(struct run *r, struct request *rq)
{
	background_begin(&r->router.background, r->now);
	if (!rq->step(rq))
		rq->step = NULL;
	background_end(&r->router.background, r->now);
	return rq->step;
}

/* listen_on: what has gathered for those that listen. */
static void listen_on(struct run *r)
{
	for (unsigned i = 0; i < r->listeners; i++) {
		struct request *rq = &r->listener[i];

		while (!rq->asleep) {
			if (!step(r, rq))
				abort();
			whole(&rq->err);
		}
		whole(&rq->out);
	}
}

/* command: one line. @input: the text behind it, owned. */
static void command(struct run *r, const char *line, char *input)
{
	struct request *rq = &r->listener[r->listeners]; /* if it listens, it stays here */
	unsigned steps = 0;

	*rq = (struct request){ .router = &r->router, .portid = PROCESS, .input = input, .wake = no_wake };
	rq->input_len = strlen(input);
	if (!words(rq, line)) {
		free(input);
		return;
	}
	rq->code = command_conntrack(rq);
	if (rq->interrupt && r->listeners < LISTENERS_MAX) {
		r->listeners++;
		return;
	}
	while (rq->step && !rq->interrupt && step(r, rq)) {
		packet(r);
		if (++steps > STEPS_MAX)
			abort();
	}
	if (rq->interrupt)
		rq->interrupt(rq);
	if (r->router.acting)
		abort();
	end(rq);
}

/* load_text: takes the lines up to "." out of *at. Return: the text, on the heap. */
static char *load_text(char **at)
{
	struct text text = { 0 };
	char *line, *copy;

	while ((line = strsep(at, "\n")) && strcmp(line, "."))
		text_printf(&text, "%s\n", line);
	copy = strdup(text_cstr(&text));
	text_free(&text);
	if (!copy)
		abort();
	return copy;
}

/* start: an engine with two ports and a rule. */
static void start(struct run *r)
{
	struct engine_limits limits = { { 128, 16, 64 }, { 64, 64, 8 } };
	static const uint8_t mac[2][MAC_LEN] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };
	struct rule_error err;
	struct engine *e;
	struct ruleset *rs;
	struct port *wan;

	r->now = NS_PER_SEC;
	e = r->router.engine = engine_create(&ops, r, &limits, r->now);
	if (!e)
		abort();
	r->lan = port_add(e->ns, "lan", mac[0], 1500);
	wan = port_add(e->ns, "wan", mac[1], 1500);
	port_add_addr(e->ns, r->lan, inet_addr("10.1.0.254"), 24);
	port_add_addr(e->ns, wan, inet_addr("203.0.113.254"), 24);
	port_set_up(e->ns, r->lan, true);
	port_set_up(e->ns, wan, true);
	netstack_set_forwarding(e->ns, true);
	rs = tables_begin(e->tables, false);
	if (!rs || ruleset_restore(e->tables, rs, rules, "rules", false, true, &err) || tables_commit(e->tables, rs, &err))
		abort();
	for (unsigned n = 0; n < 3; n++)
		packet(r);
	if (e->ctk->count != 3)
		abort();
}

/* finish: everybody stops listening; the books are even, nothing is left. */
static void finish(struct run *r)
{
	struct engine *e = r->router.engine;

	for (unsigned i = 0; i < r->listeners; i++) {
		struct request *rq = &r->listener[i];

		rq->interrupt(rq);
		end(rq);
	}
	if (r->router.listeners || e->ctk->notify.event || e->ctk->notify.expect_event)
		abort();
	netstack_flush(e->ns);
	ct_flush(e->ctk, NULL, NULL);
	if (e->ctk->count || netstack_balance_error(e->ns) || engine_destroy(e))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1), *at = text, *line;
	struct run r = { 0 };

	if (!text)
		abort();
	memcpy(text, data, size);
	start(&r);
	for (unsigned n = 0; n < LINES_MAX && (line = strsep(&at, "\n")); n++) {
		char *input = !strncmp(line, "-R ", 3) ? load_text(&at) : strdup("");

		if (!input)
			abort();
		command(&r, line, input);
		packet(&r);
		listen_on(&r);
	}
	finish(&r);
	free(text);
	return 0;
}
