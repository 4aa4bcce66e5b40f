/* scene.h - a conntrack alone, driven by lines of text with a virtual clock.
 *
 * A step is a packet and what must become of it:
 *
 *   "O tcp S s=100 a=0 w=5840 l=0 o=SW7"   O, R: from 10.0.0.1:1000 to 10.0.0.2:80, or back. Letters of flags SAFRPU.
 *                                          o=: S SACK permitted, W<n> window scale, K<edge> one SACK block up to it,
 *                                          B<left>:<right>:... a SACK option with these blocks
 *   "O udp", "O icmp 8.0", "O gre", "O gre 1 7", "O ip 50", "O sctp init tag=0 itag=5" ...
 *   "O dccp request s=10", "R dccp ack s=5 a=10"   24: numbers of 24 bits; cov=, off=: checksum coverage, data offset
 *
 *   want  "NEW SYN_SENT 120": ctinfo ("/R" behind for the reply direction), state if the protocol has one, seconds left,
 *         "assured", "gone" (killed); or "INVALID"; or "drop REASON"
 */
#ifndef TESTS_UNIT_CONNTRACK_SCENE_H
#define TESTS_UNIT_CONNTRACK_SCENE_H

#include "conntrack/conntrack_int.h"
#include "netstack/checksum.h"
#include "netstack/text.h"
#include "tests/unit/craft.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wunused-function"

#define SEC NS_PER_SECOND

struct scene {
	struct world world;
	struct netstack *ns;
	struct conntrack *ctk;
	char events[1024]; /* what the listener heard, "new " "update(reply,proto) " ... */
};

struct step {
	double after; /* seconds that pass before */
	const char *packet, *want;
};

/* heard: the event listener. */
static void heard(void *ctx, struct ct_entry *ct, uint32_t events)
{
	struct scene *s = ctx;
	size_t len = strlen(s->events);

	(void)ct;
	snprintf(s->events + len, sizeof s->events - len, "%x ", events);
}

/* scene_begin: a conntrack at a clock that is not 0. */
static void scene_begin(struct scene *s, uint32_t max)
{
	struct ct_limits limits = { max, 512, 8 };

	memset(s, 0, sizeof *s);
	s->world.seed = 1;
	s->ns = netstack_create(&world_ops, &s->world, NULL, NULL);
	assert_non_null(s->ns);
	s->ns->now = 1000 * SEC + 12345;
	s->ctk = conntrack_create(s->ns, &limits);
	assert_non_null(s->ctk);
	s->ctk->notify.ctx = s;
	s->ctk->notify.event = heard;
}

/* scene_end: everything goes and nothing must be left in any pool. */
static void scene_end(struct scene *s)
{
	struct ct_table *t = s->ctk->table;

	ct_flush(s->ctk, NULL, NULL);
	assert_int_equal(s->ctk->count, 0);
	assert_int_equal(t->entries.in_use, 0);
	assert_int_equal(t->help.in_use, 0);
	assert_int_equal(t->extra.in_use, 0);
	assert_int_equal(t->wheel.count, 0);
	assert_int_equal(ct_expect_count(s->ctk), 0);
	conntrack_destroy(s->ctk);
	assert_int_equal(netstack_destroy(s->ns), 0);
	world_clear(&s->world);
}

/* number_after: the number behind a key like " s="; 0 without. */
static uint32_t number_after(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? (uint32_t)strtoul(at + strlen(key), NULL, 0) : 0;
}

/* sack_option: the option of "B1:2:3:4". Return: its length. */
static unsigned sack_option(const char *text, uint8_t *out)
{
	unsigned n = 2;
	char *end;

	do {
		uint32_t edge = htonl((uint32_t)strtoul(text + 1, &end, 10));

		memcpy(out + n, &edge, 4);
		n += 4;
		text = end;
	} while (*text == ':');
	out[0] = 5;
	out[1] = (uint8_t)n;
	return n;
}

/* tcp_options: bytes of "SW7K<edge>"; @edge: where a SACK block ends. Return: their number, a multiple of 4. */
static unsigned tcp_options(const char *text, uint8_t *out)
{
	unsigned n = 0;

	for (; text && *text && *text != ' '; text++) {
		if (*text == 'S') {
			out[n++] = 4;
			out[n++] = 2;
		} else if (*text == 'W') {
			out[n++] = 3;
			out[n++] = 3;
			out[n++] = (uint8_t)strtoul(text + 1, NULL, 10);
		} else if (*text == 'B') {
			n += sack_option(text, out + n);
		} else if (*text == 'K') {
			uint32_t edge = htonl((uint32_t)strtoul(text + 1, NULL, 10)), start = 0;

			out[n++] = 5;
			out[n++] = 10;
			memcpy(out + n, &start, 4);
			memcpy(out + n + 4, &edge, 4);
			n += 8;
		}
	}
	while (n % 4)
		out[n++] = 1;
	return n;
}

/* flags_of: "SA" to bits. */
static uint8_t flags_of(const char *text)
{
	static const char letters[] = "FSRPAU";
	uint8_t flags = 0;

	for (; *text && *text != ' '; text++)
		if (strchr(letters, *text))
			flags |= (uint8_t)(1u << (strchr(letters, *text) - letters));
	return flags;
}

/* sctp_bytes: "init tag= itag=" and so on; names separated by '+'. Return: length. CRC included. */
static unsigned sctp_bytes(const char *text, uint16_t sport, uint16_t dport, uint8_t *out)
{
	static const char *const names[] = { "data", "init", "initack", "sack", "hb", "hback", "abort", "shutdown",
					     "shutack", "error", "echo", "cookieack", "", "", "complete" };
	uint32_t tag = htonl(number_after(text, " tag=")), itag = htonl(number_after(text, " itag="));
	uint16_t ports[2] = { htons(sport), htons(dport) };
	unsigned n = 12;
	uint32_t crc;

	memset(out, 0, 256);
	memcpy(out, ports, 4);
	memcpy(out + 4, &tag, 4);
	while (*text && *text != ' ') {
		size_t len = strcspn(text, "+ ");

		for (unsigned type = 0; type < sizeof names / sizeof *names; type++) {
			if (strlen(names[type]) != len || strncmp(names[type], text, len) || !len)
				continue;
			out[n] = (uint8_t)type;
			out[n + 1] = strstr(text, " T") ? 1 : 0;
			out[n + 3] = type == 1 || type == 2 ? 20 : 4;
			memcpy(out + n + 4, &itag, type == 1 || type == 2 ? 4 : 0);
			n += out[n + 3];
		}
		text += len + (text[len] == '+');
	}
	crc = crc32c(0, out, n);
	memcpy(out + 8, &crc, 4);
	return n;
}

/* put48: a number of 48 bits, the most significant byte first. */
static void put48(uint8_t *out, uint32_t number)
{
	const uint8_t bytes[6] = { 0, 0, (uint8_t)(number >> 24), (uint8_t)(number >> 16), (uint8_t)(number >> 8),
				   (uint8_t)number };

	memcpy(out, bytes, sizeof bytes);
}

/* dccp_bytes: a header by the name of its type, four bytes of data behind; "type=": by number. Return: length. Without
 * checksum, which dccp_sum writes. */
static unsigned dccp_bytes(const char *text, uint16_t sport, uint16_t dport, uint8_t *out)
{
	static const char *const names[] = { "request", "response", "data", "ack", "dataack",
					     "closereq", "close", "reset", "sync", "syncack" };
	static const uint8_t rest[16] = { 4, 12, 0, 8, 8, 8, 8, 12, 8, 8 };
	uint16_t ports[2] = { htons(sport), htons(dport) };
	bool small = strstr(text, " 24");
	unsigned type = 0, head = small ? 12 : 16;

	memset(out, 0, 64);
	memcpy(out, ports, 4);
	while (type < 10 && (strncmp(names[type], text, strlen(names[type])) || text[strlen(names[type])] > ' '))
		type++;
	if (strstr(text, " type="))
		type = number_after(text, " type=");
	out[4] = strstr(text, " off=") ? (uint8_t)number_after(text, " off=") : (uint8_t)((head + rest[type]) / 4);
	out[5] = (uint8_t)number_after(text, " cov=");
	out[8] = (uint8_t)(type << 1 | !small);
	if (small)
		out[11] = (uint8_t)number_after(text, " s=");
	else
		put48(out + 10, number_after(text, " s="));
	if (rest[type] >= 8)
		put48(out + head + 2, number_after(text, " a="));
	memset(out + head + rest[type], 'x', 4);
	return head + rest[type] + 4;
}

/* dccp_sum: the checksum of a finished DCCP packet, over what its header says is covered. */
static void dccp_sum(struct pkt *p, bool bad)
{
	uint8_t *h = p->data + p->hdr.l4;
	uint32_t len = pkt_l4_len(p), cover = h[5] ? h[4] * 4u + (h[5] - 1u) * 4 : len;
	uint16_t sum;

	sum = csum_fold(csum_add_bytes(csum_pseudo4(ip4_hdr(p)->src, ip4_hdr(p)->dst, IP_PROTO_DCCP, len), h,
				       cover < len ? cover : len));
	sum ^= bad;
	memcpy(h + 6, &sum, sizeof sum);
}

/* finished: what craft_packet cannot say: a window of 0, the checksum of DCCP. */
static struct pkt *finished(struct pkt *p, const char *line)
{
	struct tcp_hdr *h = strstr(line, " w=0") ? pkt_l4(p, sizeof *h) : NULL;

	if (h) {
		h->window = 0;
		csum_l4_fill(p);
		p->csum = CSUM_NONE;
	}
	if (p->hdr.proto == IP_PROTO_DCCP)
		dccp_sum(p, strstr(line, " badsum"));
	return p;
}

/* packet_of: the packet of a line. */
static struct pkt *packet_of(struct scene *s, const char *line)
{
	bool reply = *line == 'R';
	struct craft c = { .src = reply ? "10.0.0.2" : "10.0.0.1", .dst = reply ? "10.0.0.1" : "10.0.0.2",
			   .sport = reply ? 80 : 1000, .dport = reply ? 1000 : 80 };
	static uint8_t bytes[256];
	const char *p = line + 2;
	unsigned a = 0, b = 0;

	c.bad_l4_checksum = strstr(line, " badsum");
	c.payload_len = number_after(line, " l=");
	if (!strncmp(p, "tcp ", 4)) {
		const char *o = strstr(p, " o=");

		c.proto = IP_PROTO_TCP;
		c.tcp_flags = flags_of(p + 4);
		c.seq = number_after(p, " s=");
		c.ack = number_after(p, " a=");
		c.window = strstr(p, " w=") ? (uint16_t)number_after(p, " w=") : 5840;
		c.tcp_options = bytes;
		c.tcp_options_len = o ? tcp_options(o + 3, bytes) : 0;
	} else if (!strncmp(p, "udp", 3) && strncmp(p, "udplite", 7)) {
		c.proto = IP_PROTO_UDP;
		if (strstr(p, " sp="))
			c.sport = (uint16_t)number_after(p, " sp=");
	} else if (sscanf(p, "icmp %u.%u", &a, &b) == 2) {
		c.icmp = true;
		c.icmp_type = (uint8_t)a;
		c.icmp_code = (uint8_t)b;
		c.icmp_id = 77;
	} else {
		c.payload = bytes;
		memset(bytes, 0, sizeof bytes);
		if (sscanf(p, "gre %u %u", &a, &b) == 2) {
			static const uint8_t pptp[] = { 0x30, 1, 0x88, 0x0b, 0, 0 };

			memcpy(bytes, pptp, sizeof pptp);
			bytes[6] = (uint8_t)(b >> 8);
			bytes[7] = (uint8_t)b;
			bytes[2] = a == 1 ? 0x88 : 0x08;
		}
		c.proto = !strncmp(p, "gre", 3) ? IP_PROTO_GRE : IP_PROTO_ESP;
		c.payload_len = 12;
		if (!strncmp(p, "udplite", 7)) {
			uint16_t header[4] = { htons(c.sport), htons(c.dport), htons((uint16_t)number_after(p, " c=")), 0 };

			memcpy(bytes, header, sizeof header);
			c.proto = IP_PROTO_UDPLITE;
		} else if (!strncmp(p, "dccp ", 5)) {
			c.proto = IP_PROTO_DCCP;
			c.payload_len = dccp_bytes(p + 5, c.sport, c.dport, bytes);
		} else if (!strncmp(p, "sctp ", 5)) {
			c.proto = IP_PROTO_SCTP;
			c.payload_len = sctp_bytes(p + 5, c.sport, c.dport, bytes);
		}
	}
	return finished(craft_packet(s->ns->pool, &c), line);
}

/* outcome: what became of a packet, as text. */
static const char *outcome(struct scene *s, const struct pkt *p, enum verdict v)
{
	static const char *const info[] = { "ESTABLISHED", "RELATED", "NEW", "ESTABLISHED/R", "RELATED/R" };
	static char text[128];
	const char *state;

	if (v != VERDICT_ACCEPT) {
		snprintf(text, sizeof text, "drop %s", drop_name(p->drop));
		return text;
	}
	if (!p->ct)
		return p->ct_info == CT_UNTRACKED ? "UNTRACKED" : "INVALID";
	state = ct_state_name(p->ct);
	snprintf(text, sizeof text, "%s %s%s%llu%s%s", info[p->ct_info], state ? state : "", state ? " " : "",
		 (ct_remaining(s->ctk, p->ct) + SEC / 2) / SEC, p->ct->status & CT_ST_ASSURED ? " assured" : "",
		 ct_is_dying(p->ct) ? " gone" : "");
	return text;
}

/* through: PREROUTING and POSTROUTING of conntrack for one packet. */
static enum verdict through(struct scene *s, struct pkt *p)
{
	struct hook_state pre = { .hook = HOOK_PREROUTING, .ns = s->ns }, post = { .hook = HOOK_POSTROUTING, .ns = s->ns };
	enum verdict v = conntrack_in(s->ctk, p, &pre);

	return v == VERDICT_ACCEPT ? conntrack_confirm(s->ctk, p, &post) : v;
}

/* play: one step; fails the test with the step's text. */
static void play(struct scene *s, const char *name, unsigned i, const struct step *st)
{
	struct pkt *p;
	const char *got;

	s->ns->now += (uint64_t)(st->after * 1e9);
	p = packet_of(s, st->packet);
	got = outcome(s, p, through(s, p));
	if (strcmp(got, st->want))
		fail_msg("%s, step %u (%s): got '%s', want '%s'", name, i, st->packet, got, st->want);
	pkt_free(p);
}

/* A named list of steps; @sysctl: "tcp_loose=0 checksum=0", what differs from the default; NULL: nothing. */
enum { ROW_STEPS = 24 };
struct row {
	const char *name, *sysctl;
	struct step steps[ROW_STEPS];
};

/* set_sysctls: "NAME=VALUE ..." of net.netfilter.nf_conntrack_NAME. */
static void set_sysctls(struct scene *s, const char *text)
{
	char path[128], name[64], value[32];
	int used;

	for (; text && sscanf(text, " %63[a-z_]=%31[-0-9]%n", name, value, &used) == 2; text += used) {
		const struct sysctl_row *row = conntrack_sysctl_rows, *end = row + conntrack_sysctl_row_count;

		snprintf(path, sizeof path, "net/netfilter/nf_conntrack_%s", name);
		while (row < end && strcmp(row->path, path))
			row++;
		if (row == end || sysctl_store(row, s->ctk, value))
			fail_msg("no sysctl takes %s=%s", name, value);
	}
}

/* play_rows: each row in a world of its own. */
static void play_rows(const struct row *rows, size_t count)
{
	for (size_t r = 0; r < count; r++) {
		struct scene s;

		scene_begin(&s, 64);
		set_sysctls(&s, rows[r].sysctl);
		for (unsigned i = 0; i < ROW_STEPS && rows[r].steps[i].packet; i++)
			play(&s, rows[r].name, i, &rows[r].steps[i]);
		scene_end(&s);
	}
}

/* print_rows: the rows as text, for tests/functional/test_tracker_rows.py, which plays them on the kernel: "row", name
 * and sysctls, then for each step its delay, packet and outcome; tabs between. */
static void print_rows(const struct row *rows, size_t count)
{
	for (size_t r = 0; r < count; r++) {
		printf("row\t%s\t%s\n", rows[r].name, rows[r].sysctl ? rows[r].sysctl : "");
		for (unsigned i = 0; i < ROW_STEPS && rows[r].steps[i].packet; i++)
			printf("%g\t%s\t%s\n", rows[r].steps[i].after, rows[r].steps[i].packet, rows[r].steps[i].want);
	}
}

/* rows_wanted: whether a test program was called to print its rows. */
static bool rows_wanted(int argc, char **argv)
{
	return argc == 2 && !strcmp(argv[1], "rows");
}

#endif
