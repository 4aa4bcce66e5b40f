/* fuzz_ftp.c - FTP control connections through hooks, helper and NAT.
 *
 * Input: one byte of mode (1: client masqueraded, 2: server behind a virtual address, 4: partial checksums, 8: loose), then
 * segments: a byte of direction (1: from the server; 2: the sequence number stays; 4: jumps), a byte of length, the payload.
 * Checked beside what sanitizers see: what comes out has right lengths and checksums, and nothing is left in the end.
 */
#include "netstack/checksum.h"
#include "router/engine.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MODE_MASQUERADE = 1, MODE_DNAT = 2, MODE_PARTIAL = 4, MODE_LOOSE = 8 };
enum { SEG_REPLY = 1, SEG_STAY = 2, SEG_JUMP = 4 };

struct rig {
	struct engine *e;
	struct port *c, *s;
	uint8_t mode;
	uint32_t seq[CT_DIRS];
	uint16_t sport;
};

/* must: what the program itself relies on. */
static void must(bool ok)
{
	if (!ok)
		abort();
}

static int transmit(void *user, struct port *port, struct pkt *p)
{
	(void)user, (void)port, (void)p;
	return 0;
}

static void no_log(void *user, int level, const char *line)
{
	(void)user, (void)level, (void)line;
}

static void repeatable(void *user, void *buf, size_t len)
{
	static uint32_t seed = 1;
	uint8_t *b = buf;

	(void)user;
	while (len--)
		*b++ = (uint8_t)((seed = seed * 1103515245 + 12345) >> 16);
}

static const struct netstack_ops ops = { transmit, no_log, repeatable };

/* rules: the nat table of a mode. */
static void rules(struct rig *r)
{
	static const char masquerade[] = "-A POSTROUTING -o s -j MASQUERADE",
			  dnat[] = "-A PREROUTING -d 10.77.1.1 -p tcp -j DNAT --to-destination 10.77.2.50";
	struct ruleset *rs = tables_begin(r->e->tables, false);
	struct rule_error err;

	must(rs);
	if (r->mode & MODE_MASQUERADE)
		must(!ruleset_line(r->e->tables, rs, TABLE_NAT, masquerade, false, &err));
	if (r->mode & MODE_DNAT)
		must(!ruleset_line(r->e->tables, rs, TABLE_NAT, dnat, false, &err));
	must(!tables_commit(r->e->tables, rs, &err));
}

/* rig_open: a router with two ports, once for each mode. */
static struct rig *rig_open(uint8_t mode)
{
	static struct rig rigs[16];
	struct rig *r = &rigs[mode];
	const struct engine_limits limits = { { 16, 8, 64 }, { 64, 64, 16 } };

	if (r->e)
		return r;
	r->mode = mode;
	r->e = engine_create(&ops, NULL, &limits, 1000000000);
	must(r->e);
	r->c = port_add(r->e->ns, "c", (const uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 1500);
	r->s = port_add(r->e->ns, "s", (const uint8_t[]){ 2, 0, 0, 0, 0, 2 }, 1500);
	must(r->c && r->s);
	port_set_up(r->e->ns, r->c, true);
	port_set_up(r->e->ns, r->s, true);
	must(!port_add_addr(r->e->ns, r->c, inet_addr("10.77.1.1"), 24));
	must(!port_add_addr(r->e->ns, r->s, inet_addr("10.77.2.1"), 24));
	must(!ct_helper_assign_port(r->e->ctk, ct_helper_find(r->e->ctk, "ftp", FAMILY_IP4, IP_PROTO_TCP),
				    21));
	must(!helpers_set(r->e->helpers, "ftp", "loose", mode & MODE_LOOSE ? "1" : "0"));
	rules(r);
	return r;
}

/* make: a segment of the connection as it comes to the router. */
static struct pkt *make(struct rig *r, enum ct_dir dir, uint8_t flags, const void *payload, uint32_t len)
{
	struct pkt *p = pkt_alloc(r->e->ns->pool, PKT_SMALL);
	const char *client = r->mode & MODE_MASQUERADE && dir == CT_REPLY ? "10.77.2.1" : "10.77.1.50";
	const char *server = r->mode & MODE_DNAT && dir == CT_ORIGINAL ? "10.77.1.1" : "10.77.2.50";
	struct tcp_hdr th = { .seq = htonl(r->seq[dir]),
			      .ack = htonl(flags & TCP_ACK ? r->seq[!dir] : 0),
			      .offset = 0x50,
			      .flags = flags,
			      .window = htons(8000) };
	struct ip4_hdr ip = { .version_ihl = 0x45,
			      .total_len = htons((uint16_t)(40 + len)),
			      .ttl = 64,
			      .proto = IP_PROTO_TCP };

	must(p);
	th.sport = htons(dir == CT_REPLY ? 21 : r->sport);
	th.dport = htons(dir == CT_REPLY ? r->sport : 21);
	ip.src = inet_addr(dir == CT_REPLY ? server : client);
	ip.dst = inet_addr(dir == CT_REPLY ? client : server);
	memcpy(p->data, &ip, sizeof ip);
	memcpy(p->data + 20, &th, sizeof th);
	if (len)
		memcpy(p->data + 40, payload, len);
	p->len = 40 + len;
	must(!ip4_parse(p));
	ip4_csum_fill(p);
	if (r->mode & MODE_PARTIAL) {
		p->csum = CSUM_PARTIAL;
		p->csum_start = 20;
		p->csum_offset = 16;
		th.checksum = (uint16_t)~csum_fold(csum_pseudo4(ip.src, ip.dst, IP_PROTO_TCP, 20 + len));
		memcpy(p->data + 20, &th, sizeof th);
	} else {
		must(!csum_l4_fill(p));
		p->csum = CSUM_NONE;
	}
	return p;
}

/* check: a packet that came out is whole. */
static void check(struct pkt *p)
{
	must(ntohs(ip4_hdr(p)->total_len) == p->len);
	must(csum_bytes(p->data, p->hdr.l4) == 0);
	must(!csum_complete(p));
	p->csum = CSUM_NONE;
	must(csum_l4_verify(p));
}

/* pass: a segment through the hooks of the forward path. */
static void pass(struct rig *r, enum ct_dir dir, struct pkt *p)
{
	struct port *in = dir == CT_REPLY ? r->s : r->c, *out = dir == CT_REPLY ? r->c : r->s;

	p->in = in;
	if (hooks_run(r->e->ns, HOOK_PREROUTING, p, in, NULL) != VERDICT_ACCEPT)
		return;
	p->out = out;
	p->next_hop = pkt_dst(p);
	if (hooks_run(r->e->ns, HOOK_FORWARD, p, in, out) != VERDICT_ACCEPT ||
	    hooks_run(r->e->ns, HOOK_POSTROUTING, p, in, out) != VERDICT_ACCEPT)
		return;
	check(p);
	pkt_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size;
	struct rig *r;

	if (size < 1)
		return 0;
	r = rig_open(*data++ & 15);
	r->sport = 40000;
	r->seq[CT_ORIGINAL] = 999;
	r->seq[CT_REPLY] = 0xfffffff0;
	pass(r, CT_ORIGINAL, make(r, CT_ORIGINAL, TCP_SYN, NULL, 0));
	r->seq[CT_ORIGINAL]++;
	pass(r, CT_REPLY, make(r, CT_REPLY, TCP_SYN | TCP_ACK, NULL, 0));
	r->seq[CT_REPLY]++;
	pass(r, CT_ORIGINAL, make(r, CT_ORIGINAL, TCP_ACK, NULL, 0));
	while (end - data >= 2) {
		enum ct_dir dir = data[0] & SEG_REPLY ? CT_REPLY : CT_ORIGINAL;
		uint8_t how = data[0];
		uint32_t len = data[1];

		data += 2;
		if (len > (size_t)(end - data))
			len = (uint32_t)(end - data);
		pass(r, dir, make(r, dir, TCP_ACK | TCP_PSH, data, len));
		if (!(how & SEG_STAY))
			r->seq[dir] += len;
		if (how & SEG_JUMP)
			r->seq[dir] += 3;
		data += len;
	}
	ct_flush(r->e->ctk, NULL, NULL);
	must(ct_expect_count(r->e->ctk) == 0);
	must(pkt_pool_in_use(r->e->ns->pool) == 0);
	return 0;
}
