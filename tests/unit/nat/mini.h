/* mini.h - an engine up to nat/ (and helpers/ where included), driven by lines of text.
 *
 *        client 10.77.1.50 ---- c [10.77.1.1  router  10.77.2.1, 10.77.2.2] s ---- server 10.77.2.50
 *
 * A scene is a list of nat rules and of steps; a step says which way a packet goes, what it is and what comes out:
 *
 *     via   "c>s" forwarded, "c>" to the router itself, ">s" made here
 *     pkt   "tcp 10.77.1.50:40000 10.77.2.50:80 S s=1 a=2 d=text"; "udp ..."; "icmp8 SRC:ID DST"; "sctp ..."; "gre SRC DST:CALL";
 *           "p50 SRC DST"; "err3.1 SRC DST q=..." (an ICMP error that quotes the packet behind q=)
 *     want  the same (seq, ack and data only with .show), or "drop REASON"
 *
 * "[A-B]" in want fits a number in that range, which "$" in later steps stands for. Whatever comes out with a wrong checksum is
 * shown with " BAD" behind.
 */
#ifndef TESTS_UNIT_NAT_MINI_H
#define TESTS_UNIT_NAT_MINI_H

#include "nat/nat.h"
#include "netstack/checksum.h"
#include "netstack/netstack.h"
#include "netstack/text.h"
#include "tests/unit/craft.h"

#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define SEC 1000000000ull

struct mini {
	struct world world;
	struct netstack *ns;
	struct conntrack *ctk;
	struct tables *tables;
	struct nat *nat;
	struct port *c, *s;
	unsigned long number; /* what "$" stands for */
	bool show;            /* render seq, ack and data of TCP */
	bool partial;         /* packets come with a partial checksum */
	uint16_t gso_size;    /* and as super-packets */
	struct pkt *held;     /* the last packet that came out */
};

struct step {
	const char *via, *pkt, *want;
	uint64_t after; /* ns that pass before */
};

struct scene {
	const char *name;
	const char *rules[8];
	struct step steps[16];
};

static const struct hook_slot mini_hooks[] = {
	{ HOOK_PREROUTING, ROOM_TABLES, PRI_RAW, "raw", tables_raw },
	{ HOOK_PREROUTING, ROOM_CONNTRACK, PRI_CONNTRACK, "conntrack", conntrack_in },
	{ HOOK_PREROUTING, ROOM_NAT, PRI_NAT_DST, "nat", nat_prerouting },
	{ HOOK_INPUT, ROOM_NAT, PRI_NAT_SRC, "nat", nat_input },
	{ HOOK_INPUT, ROOM_CONNTRACK, PRI_CONFIRM, "confirm", conntrack_confirm },
	{ HOOK_FORWARD, ROOM_TABLES, PRI_FILTER, "filter", tables_filter },
	{ HOOK_OUTPUT, ROOM_TABLES, PRI_RAW, "raw", tables_raw },
	{ HOOK_OUTPUT, ROOM_CONNTRACK, PRI_CONNTRACK, "conntrack", conntrack_in },
	{ HOOK_OUTPUT, ROOM_NAT, PRI_NAT_DST, "nat", nat_output },
	{ HOOK_POSTROUTING, ROOM_NAT, PRI_NAT_SRC, "nat", nat_postrouting },
	{ HOOK_POSTROUTING, ROOM_CONNTRACK, PRI_CONFIRM, "confirm", conntrack_confirm },
	{ .fn = NULL },
};

static inline void mini_release(void *ctx, struct ct_entry *ct)
{
	ct_release(ctx, ct);
}

static inline void mini_port_down(void *ctx, struct port *port)
{
	nat_port_down(((struct mini *)ctx)->nat, port);
}

static inline void mini_addr_gone(void *ctx, struct port *port, uint32_t be)
{
	nat_addr_gone(((struct mini *)ctx)->nat, port, be);
}

static inline struct port *mini_add_port(struct mini *m, const char *name, uint8_t n)
{
	const uint8_t mac[MAC_LEN] = { 2, 0, 0, 0, 0, n };
	struct port *port = port_add(m->ns, name, mac, 1500);

	assert_non_null(port);
	port_set_up(m->ns, port, true);
	return port;
}

/* mini_need: what must be there. */
static inline void *mini_need(void *x)
{
	if (!x)
		abort();
	return x;
}

/* mini_open_sized: two ports with their addresses, empty tables, room for @max connections. */
static inline struct mini *mini_open_sized(uint32_t max)
{
	struct mini *m = mini_need(calloc(1, sizeof *m));

	m->ns = netstack_create(&world_ops, &m->world, mini_hooks, &(struct netstack_limits){ 64, 16, 64 });
	assert_non_null(m->ns);
	m->ns->now = 1000 * SEC;
	m->ctk = conntrack_create(m->ns, &(struct ct_limits){ max, max / 4, 64 });
	assert_non_null(m->ctk);
	m->tables = tables_create(m->ns, m->ctk);
	assert_non_null(m->tables);
	m->nat = nat_create(m->ns, m->ctk, m->tables);
	assert_non_null(m->nat);
	m->ns->room[ROOM_NETSTACK] = m->ns;
	m->ns->room[ROOM_CONNTRACK] = m->ctk;
	m->ns->room[ROOM_TABLES] = m->tables;
	m->ns->room[ROOM_NAT] = m->nat;
	m->ns->notify.ctx = m;
	m->ns->notify.port_down = mini_port_down;
	m->ns->notify.addr_gone = mini_addr_gone;
	pkt_pool_set_release(m->ns->pool, mini_release, m->ctk);
	m->c = mini_add_port(m, "c", 1);
	m->s = mini_add_port(m, "s", 2);
	assert_int_equal(port_add_addr(m->ns, m->c, inet_addr("10.77.1.1"), 24), 0);
	assert_int_equal(port_add_addr(m->ns, m->s, inet_addr("10.77.2.1"), 24), 0);
	assert_int_equal(port_add_addr(m->ns, m->s, inet_addr("10.77.2.2"), 24), 0);
	return m;
}

/* mini_open: the same with room for what a scene needs. */
static inline struct mini *mini_open(void)
{
	return mini_open_sized(4096);
}

/* mini_close: checks that nothing leaked. */
static inline void mini_close(struct mini *m)
{
	pkt_free(m->held);
	tables_destroy(m->tables);
	conntrack_destroy(m->ctk);
	nat_destroy(m->nat);
	assert_int_equal(netstack_destroy(m->ns), 0);
	world_clear(&m->world);
	free(m);
}

/* mini_rules: the rules of a table, one text each, up to NULL. */
static inline void mini_rules(struct mini *m, enum table_id table, const char *const *rules)
{
	struct ruleset *rs = tables_begin(m->tables, true);
	struct rule_error err = { 0 };

	assert_non_null(rs);
	for (; *rules; rules++)
		if (ruleset_line(m->tables, rs, table, *rules, true, &err))
			fail_msg("%s: %s", *rules, err.text);
	if (tables_commit(m->tables, rs, &err))
		fail_msg("commit: %s", err.text);
}

/* --- text to packet ------------------------------------------------------------------------------------------------ */

/* mini_end: "10.1.2.3:80" split. Return: the port, 0 if there is none. */
static inline uint16_t mini_end(const char *text, char *host, size_t size)
{
	const char *colon = strchr(text, ':');

	snprintf(host, size, "%.*s", colon ? (int)(colon - text) : (int)strlen(text), text);
	return colon ? (uint16_t)strtoul(colon + 1, NULL, 0) : 0;
}

static inline uint8_t mini_flags(const char *letters)
{
	static const char names[] = "FSRPAU";
	uint8_t flags = 0;

	for (; *letters; letters++) {
		assert_non_null(strchr(names, *letters));
		flags |= (uint8_t)(1 << (strchr(names, *letters) - names));
	}
	return flags;
}

/* mini_sctp: an INIT chunk with right CRC into @b. Return: bytes. */
static inline unsigned mini_sctp(uint8_t *b, uint16_t sport, uint16_t dport)
{
	uint32_t crc;

	memset(b, 0, 32);
	b[0] = (uint8_t)(sport >> 8), b[1] = (uint8_t)sport, b[2] = (uint8_t)(dport >> 8),
	b[3] = (uint8_t)dport;
	b[12] = 1, b[15] = 20, b[19] = 7;
	crc = htole32(crc32c(0, b, 32));
	memcpy(b + 8, &crc, 4);
	return 32;
}

/* mini_gre: a version 1 header with a call id. */
static inline unsigned mini_gre(uint8_t *b, uint16_t call)
{
	const uint8_t head[12] = { 0x30,          0x01, 0x88, 0x0b, 0, 0, (uint8_t)(call >> 8),
				   (uint8_t)call, 0,    0,    0,    1 };

	memcpy(b, head, sizeof head);
	return sizeof head;
}

/* mini_packet: what the text says; "$" is the number. Caller owns. */
static inline struct pkt *mini_packet(struct mini *m, const char *text)
{
	char copy[2048], proto[16], a[64], b[64], src[64], dst[64], flags[8] = "", *w = copy, *rest,
								    *quote = NULL;
	uint8_t bytes[2048];
	struct craft k = { .src = src, .dst = dst };
	struct pkt *p, *inner;
	int used = 0;

	for (const char *t = text; *t; t++)
		if (*t == '$' && m->number)
			w += sprintf(w, "%lu", m->number);
		else
			*w++ = *t;
	*w = '\0';
	assert_true(sscanf(copy, "%15s %63s %63s%n", proto, a, b, &used) >= 3);
	k.sport = mini_end(a, src, sizeof src);
	k.dport = mini_end(b, dst, sizeof dst);
	for (rest = copy + used; *rest == ' ';) {
		rest++;
		if (!strncmp(rest, "q=", 2)) {
			quote = rest + 2;
			break;
		} else if (!strncmp(rest, "d=", 2)) {
			k.payload = rest + 2;
			k.payload_len = (unsigned)strlen(rest + 2);
			break;
		} else if (!strncmp(rest, "n=", 2)) {
			k.payload_len = (unsigned)strtoul(rest + 2, &rest, 0);
		} else if (!strncmp(rest, "s=", 2)) {
			k.seq = (uint32_t)strtoul(rest + 2, &rest, 0);
		} else if (!strncmp(rest, "a=", 2)) {
			k.ack = (uint32_t)strtoul(rest + 2, &rest, 0);
		} else {
			sscanf(rest, "%7s%n", flags, &used);
			rest += used;
		}
	}
	if (!strcmp(proto, "tcp")) {
		k.proto = IP_PROTO_TCP;
		k.tcp_flags = mini_flags(flags);
	} else if (!strcmp(proto, "udp")) {
		k.proto = IP_PROTO_UDP;
	} else if (!strncmp(proto, "icmp", 4)) {
		k.icmp = true;
		k.icmp_type = (uint8_t)atoi(proto + 4);
		k.icmp_id = k.sport;
	} else if (!strncmp(proto, "err", 3)) {
		assert_non_null(quote);
		inner = mini_packet(m, quote);
		k.icmp = true;
		k.icmp_type = (uint8_t)atoi(proto + 3);
		k.icmp_code = (uint8_t)atoi(strchr(proto, '.') + 1);
		memcpy(bytes, inner->data, inner->len);
		k.payload = bytes;
		k.payload_len = inner->len;
		pkt_free(inner);
	} else if (!strcmp(proto, "sctp")) {
		k.proto = IP_PROTO_SCTP;
		k.payload = bytes;
		k.payload_len = mini_sctp(bytes, k.sport, k.dport);
	} else if (!strcmp(proto, "gre")) {
		k.proto = IP_PROTO_GRE;
		k.payload = bytes;
		k.payload_len = mini_gre(bytes, k.dport);
	} else {
		k.proto = (uint8_t)atoi(proto + 1);
		k.payload_len = 20;
	}
	p = craft_packet(m->ns->pool, &k);
	if (!strcmp(flags, "BAD"))
		p->data[p->len - 1] ^= 1;
	return p;
}

/* --- packet to text ------------------------------------------------------------------------------------------------ */

/* mini_checksums: whether all checksums of a whole packet are right. */
static inline bool mini_checksums(const struct pkt *p)
{
	struct pkt *copy = mini_need(pkt_clone(p));
	bool ok;

	assert_int_equal(csum_complete(copy), 0);
	copy->csum = CSUM_NONE;
	ok = csum_bytes(copy->data, copy->hdr.l4) == 0 && csum_l4_verify(copy);
	if (copy->hdr.proto == IP_PROTO_SCTP) {
		uint32_t *field = mini_need(pkt_at(copy, copy->hdr.l4 + 8u, 4)), had = *field;

		*field = 0;
		ok = ok && le32toh(had) == crc32c(0, copy->data + copy->hdr.l4, copy->len - copy->hdr.l4);
	}
	pkt_free(copy);
	return ok;
}

static inline void mini_show(const struct mini *m, const struct pkt *p, struct text *t);

/* mini_show_quote: the packet inside an ICMP error, by itself. */
static inline void mini_show_quote(const struct mini *m, const struct pkt *p, struct text *t)
{
	struct pkt *q = mini_need(pkt_clone(p));

	assert_int_equal(pkt_pull(q, p->hdr.l4 + 8u), 0);
	q->csum = CSUM_NONE;
	assert_int_equal(ip4_parse(q), 0);
	text_puts(t, " q=");
	mini_show(m, q, t);
	pkt_free(q);
}

static inline void mini_show(const struct mini *m, const struct pkt *p, struct text *t)
{
	char src[16], dst[16];
	const uint8_t *l4 = mini_need(pkt_l4(p, 8));

	inet_ntop(AF_INET, &ip4_hdr(p)->src, src, sizeof src);
	inet_ntop(AF_INET, &ip4_hdr(p)->dst, dst, sizeof dst);
	switch (p->hdr.proto) {
	case IP_PROTO_TCP:
	case IP_PROTO_UDP:
	case IP_PROTO_SCTP:
		text_printf(t, "%s %s:%u %s:%u",
			    p->hdr.proto == IP_PROTO_TCP   ? "tcp"
			    : p->hdr.proto == IP_PROTO_UDP ? "udp"
							   : "sctp",
			    src, l4[0] << 8 | l4[1], dst, l4[2] << 8 | l4[3]);
		break;
	case IP_PROTO_ICMP:
		if (l4[0] == ICMP_UNREACHABLE || l4[0] == ICMP_TIME_EXCEEDED || l4[0] == ICMP_REDIRECT) {
			text_printf(t, "err%u.%u %s %s", l4[0], l4[1], src, dst);
			mini_show_quote(m, p, t);
		} else {
			text_printf(t, "icmp%u %s:%u %s", l4[0], src, l4[4] << 8 | l4[5], dst);
		}
		break;
	case IP_PROTO_GRE:
		text_printf(t, "gre %s %s:%u", src, dst, l4[6] << 8 | l4[7]);
		break;
	default:
		text_printf(t, "p%u %s %s", p->hdr.proto, src, dst);
	}
	if (m->show && p->hdr.proto == IP_PROTO_TCP) {
		const struct tcp_hdr *th = mini_need(pkt_l4(p, sizeof *th));
		uint32_t off = p->hdr.l4 + (th->offset >> 4) * 4u;

		text_printf(t, " s=%u a=%u", ntohl(th->seq), ntohl(th->ack));
		if (p->len > off)
			text_printf(t, " d=%.*s", (int)(p->len - off), (const char *)p->data + off);
	}
	if (!mini_checksums(p))
		text_puts(t, " BAD");
}

/* --- the way --------------------------------------------------------------------------------------------------------- */

/* mini_walk: the hooks of its way. Consumes @p. Return: it again, or NULL with *why. */
static inline struct pkt *mini_walk(struct mini *m, struct pkt *p, struct port *in, struct port *out,
				    const char **why)
{
	uint64_t before[DROP_COUNT];
	enum hook first = in ? HOOK_PREROUTING : HOOK_OUTPUT, second = out ? HOOK_FORWARD : HOOK_INPUT;

	memcpy(before, m->ns->balance.drops, sizeof before);
	p->in = in;
	*why = "stolen";
	if (!in) {
		p->out = out;
		p->next_hop = pkt_dst(p);
	}
	if (hooks_run(m->ns, first, p, in, in ? NULL : out) != VERDICT_ACCEPT)
		goto gone;
	if (in)
		p->out = out;
	if (in || !p->next_hop.word[0])
		p->next_hop = pkt_dst(p);
	if (in && hooks_run(m->ns, second, p, in, out) != VERDICT_ACCEPT)
		goto gone;
	if (out && hooks_run(m->ns, HOOK_POSTROUTING, p, NULL, p->out) != VERDICT_ACCEPT)
		goto gone;
	return p;
gone:
	for (int i = 0; i < DROP_COUNT; i++)
		if (m->ns->balance.drops[i] != before[i])
			*why = drop_name(i);
	return NULL;
}

/* mini_fits: whether @got is what @want says; a range sets the number. */
static inline bool mini_fits(struct mini *m, const char *want, const char *got)
{
	while (*want) {
		unsigned long min, max, n;
		int used = 0;
		char *end;

		if (*want == '$' && m->number) {
			if (strtoul(got, &end, 10) != m->number || end == got)
				return false;
			got = end;
			want++;
		} else if (sscanf(want, "[%lu-%lu]%n", &min, &max, &used) == 2 && used) {
			n = strtoul(got, &end, 10);
			if (end == got || n < min || n > max)
				return false;
			m->number = n;
			got = end;
			want += used;
		} else if (*want++ != *got++) {
			return false;
		}
	}
	return !*got;
}

/* mini_offload: gives a packet the offload state that @m asks for. */
static inline void mini_offload(struct mini *m, struct pkt *p)
{
	bool tcp = p->hdr.proto == IP_PROTO_TCP;
	uint16_t *field;

	if (!m->partial || (!tcp && p->hdr.proto != IP_PROTO_UDP))
		return;
	p->csum = CSUM_PARTIAL;
	p->csum_start = p->hdr.l4;
	p->csum_offset = tcp ? offsetof(struct tcp_hdr, checksum) : offsetof(struct udp_hdr, checksum);
	field = mini_need(pkt_at(p, (uint32_t)p->csum_start + p->csum_offset, 2));
	*field = (uint16_t)~csum_fold(
		csum_pseudo4(ip4_hdr(p)->src, ip4_hdr(p)->dst, p->hdr.proto, pkt_l4_len(p)));
	if (m->gso_size && pkt_l4_len(p) > m->gso_size + 20u) {
		p->gso = tcp ? GSO_TCP4 : GSO_UDP_L4;
		p->gso_size = m->gso_size;
		p->gso_segs = (uint16_t)((pkt_l4_len(p) - 20 + m->gso_size - 1) / m->gso_size);
	}
}

/* mini_step: one packet in, compared with what comes out. */
static inline void mini_step(struct mini *m, const char *scene, const struct step *s)
{
	char buf[4096] = "";
	struct text t = text_over(buf, sizeof buf);
	const char *arrow = strchr(s->via, '>'), *why;
	struct port *in = s->via[0] == 'c' ? m->c : s->via[0] == 's' ? m->s : NULL;
	struct port *out = arrow[1] == 'c' ? m->c : arrow[1] == 's' ? m->s : NULL;
	struct pkt *p;

	m->ns->now += s->after;
	conntrack_tick(m->ctk);
	p = mini_packet(m, s->pkt);
	mini_offload(m, p);
	p = mini_walk(m, p, in, out, &why);
	if (p)
		mini_show(m, p, &t);
	else
		text_printf(&t, "drop %s", why);
	if (!mini_fits(m, s->want, buf))
		fail_msg("%s: %s %s\n  want %s\n  got  %s", scene, s->via, s->pkt, s->want, buf);
	pkt_free(m->held);
	m->held = p;
}

/* mini_scene: a fresh engine, the rules, the steps. */
static inline void mini_scene(const struct scene *sc)
{
	struct mini *m = mini_open();

	mini_rules(m, TABLE_NAT, sc->rules);
	for (const struct step *s = sc->steps; s->via; s++)
		mini_step(m, sc->name, s);
	mini_close(m);
}

#endif
