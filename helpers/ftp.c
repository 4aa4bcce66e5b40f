/* ftp.c - FTP: the data connections that the control connection announces.
 *
 * Overview
 *   The client says PORT or EPRT, the server answers 227 (PASV) or 229 (EPSV): each names an address and a port at which
 *   the one who speaks will listen. What will come there is expected, so that it is RELATED; under NAT the text is replaced by
 *   the address and port that the other side can reach.
 *
 *   A command is looked for only at the start of a segment, and only where a segment of the same direction ended in a
 *   newline before: the last two such places are remembered. So the first line of each direction is never looked at, and text
 *   in the middle of a line is never taken for a command.
 *
 * Invariants
 *   1. A line that begins like a command but is not all there is dropped with its packet: the sender sends it again,
 *      maybe in one piece. Nothing else is dropped but what cannot be expected or rewritten.
 *   2. Unless loose, the address must be the speaker's own.
 *
 * Linux parity: net/netfilter/nf_conntrack_ftp.c, nf_nat_ftp.c. RFC 959, RFC 1123 4.1.2.6, RFC 2428.
 */
#include "helpers/ftp.h"

#include "helpers/helpers.h"
#include "nat/nat.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <strings.h>

enum { NEWLINES = 2 };

/* What is remembered of a control connection, in ct_help.data. */
struct ftp_state {
	uint32_t after_newline[CT_DIRS][NEWLINES]; /* sequence numbers, host order */
	uint8_t newlines[CT_DIRS];                 /* how many of them are set */
};
_Static_assert(sizeof(struct ftp_state) <= sizeof(((struct ct_help *)NULL)->data), "the state fits");

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* is_digit: of ASCII, whatever the locale. */
static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* numbers: @count decimal numbers between @sep, ended by @term (0: by anything). Overflow wraps, as in Linux.
 * Return: characters before the end; 0 if they are not like that. */
static uint32_t numbers(const char *s, uint32_t len, uint32_t out[], unsigned count, char sep, char term)
{
	unsigned i = 0;

	memset(out, 0, count * sizeof *out);
	for (uint32_t at = 0; at < len && i < count; at++) {
		if (is_digit(s[at]))
			out[i] = out[i] * 10 + (uint32_t)(s[at] - '0');
		else if (s[at] == sep)
			i++;
		else
			return (s[at] == term || !term) && i == count - 1 ? at : 0;
	}
	return 0;
}

/* address_of: an address of four numbers, network order. */
static uint32_t address_of(const uint32_t n[4])
{
	return htonl(n[0] << 24 | n[1] << 16 | n[2] << 8 | n[3]);
}

/* read_comma: "h1,h2,h3,h4,p1,p2" up to '\r'. */
static uint32_t read_comma(const char *s, uint32_t len, char term, struct ftp_line *line)
{
	uint32_t n[6], used = numbers(s, len, n, 6, ',', term);

	if (used) {
		line->addr = address_of(n);
		line->port = (uint16_t)(n[4] << 8 | n[5]);
	}
	return used;
}

/* read_port: PORT. */
static uint32_t read_port(const char *s, uint32_t len, struct ftp_line *line)
{
	return read_comma(s, len, '\r', line);
}

/* read_pasv: the numbers begin at the first digit, with or without parentheses (RFC 1123 4.1.2.6). */
static uint32_t read_pasv(const char *s, uint32_t len, struct ftp_line *line)
{
	uint32_t i = 0;

	while (i < len && !is_digit(s[i]))
		i++;
	line->off += i;
	return i < len ? read_comma(s + i, len - i, 0, line) : 0;
}

/* port_until: a port from @at up to @delim. Return: characters from the start of @s through @delim; 0 if there is none
 * or it is 0. */
static uint32_t port_until(const char *s, uint32_t at, uint32_t len, char delim, uint16_t *port)
{
	uint16_t n = 0;

	for (; at < len; at++) {
		if (s[at] == delim) {
			*port = n;
			return n ? at + 1 : 0;
		}
		if (!is_digit(s[at]))
			break;
		n = (uint16_t)(n * 10 + (uint16_t)(s[at] - '0'));
	}
	return 0;
}

/* is_delimiter: what may stand between the fields of EPRT and 229 (RFC 2428: any printable character; no digit). */
static bool is_delimiter(char c)
{
	return c >= 33 && c <= 126 && !is_digit(c);
}

/* read_eprt: "|1|132.235.1.2|6275|". */
static uint32_t read_eprt(const char *s, uint32_t len, struct ftp_line *line)
{
	uint32_t n[4], used;

	if (len <= 3 || !is_delimiter(s[0]) || s[2] != s[0] || s[1] != '1')
		return 0;
	used = numbers(s + 3, len - 3, n, 4, '.', s[0]);
	if (!used)
		return 0;
	line->addr = address_of(n);
	return port_until(s, 3 + used + 1, len, s[0], &line->port);
}

/* read_epsv: "|||6446|". The address is the server's. */
static uint32_t read_epsv(const char *s, uint32_t len, struct ftp_line *line)
{
	if (len <= 3 || !is_delimiter(s[0]) || s[1] != s[0] || s[2] != s[0])
		return 0;
	return port_until(s, 3, len, s[0], &line->port);
}

/* What to look for. @skip: the field begins behind this character; 0: right behind the word. */
struct pattern {
	const char *word;
	char skip;
	uint8_t type;
	uint32_t (*read)(const char *s, uint32_t len, struct ftp_line *line);
};

static const struct pattern patterns[CT_DIRS][2] = {
	[CT_ORIGINAL] = { { "PORT", ' ', FTP_PORT, read_port }, { "EPRT", ' ', FTP_EPRT, read_eprt } },
	[CT_REPLY] = { { "227 ", 0, FTP_PASV, read_pasv }, { "229 ", '(', FTP_EPSV, read_epsv } },
};

/* find: one pattern at the start of @s. */
static enum ftp_found find(const struct pattern *pat, const char *s, uint32_t len, struct ftp_line *line)
{
	uint32_t word = (uint32_t)strlen(pat->word), i = word;

	if (!len)
		return FTP_NONE;
	if (len <= word)
		return strncasecmp(s, pat->word, len) ? FTP_NONE : FTP_PARTIAL;
	if (strncasecmp(s, pat->word, word))
		return FTP_NONE;
	if (pat->skip) {
		const char *at = memchr(s + word, pat->skip, len - word);

		if (!at)
			return FTP_PARTIAL;
		i = (uint32_t)(at - s) + 1;
	}
	line->type = pat->type;
	line->off = i;
	line->len = pat->read(s + i, len - i, line);
	return line->len ? FTP_LINE : FTP_PARTIAL;
}

enum ftp_found ftp_read(enum ct_dir dir, const char *s, uint32_t len, struct ftp_line *line,
			const char **word)
{
	uint32_t speaker = line->addr;

	for (unsigned i = 0; i < 2; i++) {
		enum ftp_found found = find(&patterns[dir][i], s, len, line);

		*word = patterns[dir][i].word;
		if (found != FTP_NONE)
			return found;
		line->addr = speaker;
	}
	return FTP_NONE;
}

/* --- where lines begin ----------------------------------------------------------------------------------------------- */

/* at_newline: whether a line begins at @seq. */
static bool at_newline(const struct ftp_state *st, enum ct_dir dir, uint32_t seq)
{
	for (unsigned i = 0; i < st->newlines[dir]; i++)
		if (st->after_newline[dir][i] == seq)
			return true;
	return false;
}

/* remember: that a line begins at @seq; the older of the two makes room, but not for one that is older still (a segment from
 * long ago). */
static void remember(struct ftp_state *st, enum ct_dir dir, uint32_t seq)
{
	uint32_t *place = st->after_newline[dir];
	unsigned oldest;

	if (at_newline(st, dir, seq))
		return;
	if (st->newlines[dir] < NEWLINES) {
		place[st->newlines[dir]++] = seq;
		return;
	}
	oldest = (int32_t)(place[0] - place[1]) < 0 ? 0 : 1;
	if ((int32_t)(place[oldest] - seq) < 0)
		place[oldest] = seq;
}

/* --- expecting ------------------------------------------------------------------------------------------------------- */

/* drop: ends the packet. Return: VERDICT_DROP. */
static enum verdict drop(struct pkt *p, enum drop_reason reason)
{
	p->drop = (uint16_t)reason;
	return VERDICT_DROP;
}

/* format_line: the field as it must read with another address and port. Return: its length. */
static uint32_t format_line(char *text, size_t size, const struct ftp_line *line, uint32_t be, uint16_t port)
{
	uint8_t a[4];

	memcpy(a, &be, sizeof a);
	switch (line->type) {
	case FTP_PORT:
	case FTP_PASV:
		return (uint32_t)snprintf(text, size, "%u,%u,%u,%u,%u,%u", a[0], a[1], a[2], a[3], port >> 8,
					  port & 255);
	case FTP_EPRT:
		return (uint32_t)snprintf(text, size, "|1|%u.%u.%u.%u|%u|", a[0], a[1], a[2], a[3], port);
	default:
		return (uint32_t)snprintf(text, size, "|||%u|", port);
	}
}

/* expect_translated: expects @x where the other side will find it and says so in the packet. Consumes @x. */
static enum verdict expect_translated(struct helpers *h, struct pkt *p, struct ct_entry *ct,
				      struct ct_expect *x, const struct ftp_line *line)
{
	enum ct_dir dir = ct_dir_of(p->ct_info);
	char text[sizeof "|1|255.255.255.255|65535|"];
	uint16_t port;
	uint32_t len;

	/* The child comes from where this packet goes. */
	x->saved_key = x->tuple.dst_key;
	x->saved_addr = ct->tuple[dir].src;
	x->dir = !dir;
	x->on_child = nat_follow_master;
	x->on_child_ctx = h->nat;
	port = helper_expect_port(h, x, line->port);
	if (!port) {
		helper_drop_log(h, "ftp", "all ports in use");
		ct_expect_discard(h->ctk, x);
		return drop(p, DROP_CT_HELPER);
	}
	len = format_line(text, sizeof text, line, ct->tuple[!dir].dst.word[0], port);
	if (nat_mangle_tcp(h->nat, p, ct, line->off, line->len, text, len))
		return VERDICT_ACCEPT;
	helper_drop_log(h, "ftp", "cannot mangle packet");
	ct_expect_remove(h->ctk, x);
	return drop(p, DROP_NAT_MANGLE_FAILED);
}

/* expect: makes the expectation that @line asks for. */
static enum verdict expect(struct helpers *h, struct pkt *p, struct ct_entry *ct, const struct ftp_line *line)
{
	enum ct_dir dir = ct_dir_of(p->ct_info);
	const struct addr *own = &ct->tuple[dir].src, *dst = &ct->tuple[!dir].dst;
	struct addr said = addr_ip4(line->addr);
	struct ct_expect *x;

	/* Somebody else's address: it would open a hole toward a third machine. */
	if (!addr_equal(&said, own)) {
		if (!h->ftp_loose)
			return VERDICT_ACCEPT;
		dst = &said;
	}
	x = ct_expect_alloc(h->ctk, ct);
	if (!x) {
		helper_drop_log(h, "ftp", "cannot alloc expectation");
		return drop(p, DROP_CT_HELPER);
	}
	ct_expect_init(x, 0, FAMILY_IP4, &ct->tuple[!dir].src, dst, IP_PROTO_TCP, NULL, htons(line->port));
	if (ct->status & CT_ST_NAT_MASK)
		return expect_translated(h, p, ct, x, line);
	if (!ct_expect_insert(h->ctk, x))
		return VERDICT_ACCEPT;
	helper_drop_log(h, "ftp", "cannot add expectation");
	ct_expect_discard(h->ctk, x);
	return drop(p, DROP_CT_HELPER);
}

/* speak: what a segment that starts a line says. */
static enum verdict speak(struct helpers *h, struct pkt *p, struct ct_entry *ct, const char *s, uint32_t len)
{
	enum ct_dir dir = ct_dir_of(p->ct_info);
	struct ftp_line line = { .addr = ct->tuple[dir].src.word[0] };
	const char *word;

	switch (ftp_read(dir, s, len, &line, &word)) {
	case FTP_LINE:
		return expect(h, p, ct, &line);
	case FTP_PARTIAL:
		helper_drop_log(h, "ftp", "partial matching of `%s'", word);
		return drop(p, DROP_CT_HELPER);
	default:
		return VERDICT_ACCEPT;
	}
}

/* help: see struct ct_helper. */
static enum verdict help(void *instance, struct conntrack *ctk, struct pkt *p, struct ct_entry *ct)
{
	enum ct_dir dir = ct_dir_of(p->ct_info);
	const struct tcp_hdr *th = pkt_l4(p, sizeof *th);
	struct ftp_state *st;
	uint32_t off, len, seq;
	enum verdict v = VERDICT_ACCEPT;
	bool ends_line;
	const char *s;

	(void)ctk;
	if ((p->ct_info != CT_ESTABLISHED && p->ct_info != CT_ESTABLISHED_REPLY) || !ct_help(ct) || !th)
		return VERDICT_ACCEPT;
	off = p->hdr.l4 + (th->offset >> 4) * 4u;
	if (off >= p->len)
		return VERDICT_ACCEPT;
	len = p->len - off;
	s = (const char *)p->data + off;
	seq = ntohl(th->seq);
	ends_line = s[len - 1] == '\n';
	st = (struct ftp_state *)(void *)ct_help(ct)->data;
	if (at_newline(st, dir, seq))
		v = speak(instance, p, ct, s, len);
	/* The place counts in the speaker's own numbers, before any adjustment. */
	if (v == VERDICT_ACCEPT && ends_line)
		remember(st, dir, seq + len);
	return v;
}

const struct ct_helper helper_ftp = {
	.name = "ftp",
	.family = FAMILY_IP4,
	.proto = IP_PROTO_TCP,
	.default_port = 21,
	.classes = 1,
	.policy = { { .name = "", .max_expected = 1, .timeout = 300 } },
	.help = help,
};
