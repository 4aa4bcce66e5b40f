/* packet_text.c - frames to lines and lines to frames; see play.h for the language. */
#include "netstack/checksum.h"
#include "tests/packet/play.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

static const char tcp_letters[] = "FSRPAUEC"; /* by bit */

/* What a line says; numbers in host order. */
struct words {
	char kind[8];
	uint32_t src, dst; /* network order */
	unsigned sport, dport;
	unsigned ttl, tos, id, frag, proto, type, code, ident, sequence, win, mss;
	uint32_t seq, ack, word;
	uint8_t flags;
	bool df, mf, badsum;
	uint8_t data[2048];
	unsigned data_len;
	uint8_t opts[40];
	unsigned opts_len;
};

void far_mac(const struct port *port, uint8_t mac[MAC_LEN])
{
	const uint8_t far[MAC_LEN] = { 2, 0, 0, 0, 0xfa, (uint8_t)port->index };

	memcpy(mac, far, MAC_LEN);
}

/* endpoint: parses ADDR or ADDR:PORT. Return: whether it is one. */
static bool endpoint(const char *text, uint32_t *be, unsigned *port)
{
	char host[64];
	const char *colon = strchr(text, ':');
	struct addr a;

	snprintf(host, sizeof host, "%.*s", (int)(colon ? colon - text : (long)strlen(text)), text);
	if (addr_parse(host, FAMILY_IP4, &a))
		return false;
	*be = a.word[0];
	*port = colon ? (unsigned)atoi(colon + 1) : 0;
	return true;
}

/* unescape: "..." at @text with \r \n \0 \1 \" \\ into data. Return: first character behind it, NULL if it does not end. */
static const char *unescape(const char *text, struct words *w)
{
	for (text++; *text && *text != '"'; text++) {
		char c = *text;

		if (c == '\\') {
			text++;
			c = *text == 'r' ? '\r' : *text == 'n' ? '\n' : *text == '0' ? '\0' : *text == '1' ? '\1' : *text;
		}
		if (w->data_len < sizeof w->data)
			w->data[w->data_len++] = (uint8_t)c;
	}
	return *text == '"' ? text + 1 : NULL;
}

/* set_number: a word with a numeric value. Return: whether there is such a word. */
static bool set_number(struct words *w, const char *name, unsigned long value)
{
	const struct {
		const char *name;
		unsigned *at;
	} small[] = { { "ttl", &w->ttl }, { "tos", &w->tos }, { "id", &w->id }, { "frag", &w->frag }, { "proto", &w->proto },
		      { "type", &w->type }, { "code", &w->code }, { "ident", &w->ident }, { "sequence", &w->sequence },
		      { "win", &w->win }, { "mss", &w->mss } };
	const struct {
		const char *name;
		uint32_t *at;
	} big[] = { { "seq", &w->seq }, { "ack", &w->ack }, { "word", &w->word } };

	for (size_t i = 0; i < sizeof small / sizeof *small; i++)
		if (!strcmp(name, small[i].name)) {
			*small[i].at = (unsigned)value;
			return true;
		}
	for (size_t i = 0; i < sizeof big / sizeof *big; i++)
		if (!strcmp(name, big[i].name)) {
			*big[i].at = (uint32_t)value;
			return true;
		}
	if (strcmp(name, "len"))
		return false;
	w->data_len = value < sizeof w->data ? (unsigned)value : sizeof w->data;
	memset(w->data, 'x', w->data_len);
	return true;
}

/* set_option: "opts HEX" into IP options. */
static void set_options(struct words *w, const char *hex)
{
	unsigned byte;

	for (; sscanf(hex, "%2x", &byte) == 1 && w->opts_len < sizeof w->opts; hex += 2)
		w->opts[w->opts_len++] = (uint8_t)byte;
}

/* parse: the words of a line. Return: NULL, or what is wrong. */
static const char *parse(const char *line, struct words *w)
{
	char src[64], dst[64], name[32], value[160];
	int used = 0;

	*w = (struct words){ .ttl = 64, .win = 5840, .type = 8 };
	if (sscanf(line, "%7s %63s > %63s%n", w->kind, src, dst, &used) != 3)
		return "KIND SRC > DST expected";
	if (!endpoint(src, &w->src, &w->sport) || !endpoint(dst, &w->dst, &w->dport))
		return "an address is not one";
	for (line += used; line && *line;) {
		if (isspace((unsigned char)*line)) {
			line++;
			continue;
		}
		if (sscanf(line, "%31s%n", name, &used) != 1)
			break;
		line += used;
		if (!strcmp(name, "df") || !strcmp(name, "mf") || !strcmp(name, "badsum")) {
			*(name[0] == 'd' ? &w->df : name[0] == 'm' ? &w->mf : &w->badsum) = true;
			continue;
		}
		while (*line == ' ')
			line++;
		if (!strcmp(name, "data") && *line == '"') {
			w->data_len = 0;
			line = unescape(line, w);
			continue;
		}
		if (sscanf(line, "%159s%n", value, &used) != 1)
			return "a word lacks its value";
		line += used;
		if (!strcmp(name, "flags")) {
			for (const char *c = value; *c; c++)
				if (strchr(tcp_letters, *c))
					w->flags |= (uint8_t)(1u << (strchr(tcp_letters, *c) - tcp_letters));
		} else if (!strcmp(name, "opts")) {
			set_options(w, value);
		} else if (!set_number(w, name, strtoul(value, NULL, 0))) {
			return "unknown word";
		}
	}
	return line ? NULL : "a quote is not closed";
}

/* put: appends @len bytes to a packet (zeros if @bytes is NULL). Return: where. */
static void *put(struct pkt *p, const void *bytes, unsigned len)
{
	uint8_t *at = p->data + p->len;

	if (bytes)
		memcpy(at, bytes, len);
	else
		memset(at, 0, len);
	p->len += len;
	return at;
}

/* put_l4: the transport header and payload. Return: the protocol number. */
static uint8_t put_l4(struct pkt *p, const struct words *w)
{
	uint8_t proto = (uint8_t)w->proto;

	if (!strcmp(w->kind, "tcp") && !w->frag) {
		struct tcp_hdr *th = put(p, NULL, sizeof *th);

		*th = (struct tcp_hdr){ htons((uint16_t)w->sport), htons((uint16_t)w->dport), htonl(w->seq), htonl(w->ack),
					w->mss ? 0x60 : 0x50, w->flags, htons((uint16_t)w->win), 0, 0 };
		if (w->mss)
			put(p, (const uint8_t[]){ 2, 4, (uint8_t)(w->mss >> 8), (uint8_t)w->mss }, 4);
	} else if (!strcmp(w->kind, "udp") && !w->frag) {
		struct udp_hdr *uh = put(p, NULL, sizeof *uh);

		*uh = (struct udp_hdr){ htons((uint16_t)w->sport), htons((uint16_t)w->dport),
					htons((uint16_t)(sizeof *uh + w->data_len)), 0 };
	} else if (!strcmp(w->kind, "icmp") && !w->frag) {
		struct icmp_hdr *ih = put(p, NULL, sizeof *ih);

		ih->type = (uint8_t)w->type;
		ih->code = (uint8_t)w->code;
		if (w->word)
			ih->word = htonl(w->word);
		else
			ih->id = htons((uint16_t)w->ident), ih->sequence = htons((uint16_t)w->sequence);
	}
	put(p, w->data, w->data_len);
	if (!proto)
		proto = !strcmp(w->kind, "tcp") ? IP_PROTO_TCP : !strcmp(w->kind, "udp") ? IP_PROTO_UDP : IP_PROTO_ICMP;
	return proto;
}

/* arp_frame: an ARP request or reply from behind @port. */
static struct pkt *arp_frame(struct engine *e, struct port *port, const char *line, char *err)
{
	struct pkt *p;
	char op[16], from[64], to[64];
	struct eth_hdr *eth;
	struct arp_ip4 *arp;
	unsigned none;
	uint32_t src, dst;

	if (sscanf(line, "arp %15s %63s > %63s", op, from, to) != 3 || !endpoint(from, &src, &none) ||
	    !endpoint(to, &dst, &none)) {
		snprintf(err, 256, "arp request|reply SRC > DST expected");
		return NULL;
	}
	p = engine_alloc(e);
	p->len = 0;
	eth = put(p, NULL, sizeof *eth);
	memset(eth->dst, 0xff, MAC_LEN);
	far_mac(port, eth->src);
	eth->type = htons(ETHERTYPE_ARP);
	arp = put(p, NULL, sizeof *arp);
	arp->htype = htons(ARP_HTYPE_ETHERNET);
	arp->ptype = htons(ETHERTYPE_IP4);
	arp->hlen = MAC_LEN;
	arp->plen = 4;
	arp->op = htons(strcmp(op, "reply") ? ARP_REQUEST : ARP_REPLY);
	far_mac(port, arp->sender_mac);
	arp->sender_ip = src;
	arp->target_ip = dst;
	return p;
}

struct pkt *frame_from_text(struct engine *e, struct port *port, const char *line, char *err)
{
	struct words w;
	const char *wrong;
	struct pkt *p;
	struct eth_hdr *eth;
	struct ip4_hdr *ip;

	if (!strncmp(line, "arp ", 4))
		return arp_frame(e, port, line, err);
	wrong = parse(line, &w);
	if (wrong) {
		snprintf(err, 256, "%s", wrong);
		return NULL;
	}
	p = engine_alloc(e);
	if (!p) {
		snprintf(err, 256, "no packet free");
		return NULL;
	}
	pkt_push(p, 0);
	p->data += ETH_HLEN;
	p->len = 0;
	ip = put(p, NULL, sizeof *ip);
	put(p, w.opts, w.opts_len);
	ip->proto = put_l4(p, &w);
	ip->version_ihl = (uint8_t)(0x40 | (IP4_HLEN + w.opts_len) / 4);
	ip->tos = (uint8_t)w.tos;
	ip->id = htons((uint16_t)w.id);
	ip->frag = htons((uint16_t)(w.frag / 8 | (w.df ? IP4_DF : 0) | (w.mf ? IP4_MF : 0)));
	ip->ttl = (uint8_t)w.ttl;
	ip->src = w.src;
	ip->dst = w.dst;
	ip->total_len = htons((uint16_t)p->len);
	if (!ip4_parse(p)) {
		if (!w.frag && !w.mf)
			(void)csum_l4_fill(p);
		if (w.badsum)
			p->data[p->len - 1] ^= 0x5a;
		ip4_csum_fill(p);
	}
	pkt_push(p, ETH_HLEN);
	eth = (struct eth_hdr *)p->data;
	memcpy(eth->dst, port->mac, MAC_LEN);
	far_mac(port, eth->src);
	eth->type = htons(ETHERTYPE_IP4);
	p->hdr = (struct pkt_hdr){ 0 };
	p->csum = CSUM_NONE;
	return p;
}

/* is_filler: whether a payload is nothing but the 'x' that "len N" makes. */
static bool is_filler(const uint8_t *data, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		if (data[i] != 'x')
			return false;
	return true;
}

/* put_data: payload as text. */
static void put_data(const uint8_t *data, uint32_t len, struct text *out)
{
	text_printf(out, " len %u", len);
	if (len > 200 || is_filler(data, len))
		return;
	text_puts(out, " data \"");
	for (uint32_t i = 0; i < len; i++) {
		if (data[i] == '\r')
			text_puts(out, "\\r");
		else if (data[i] == '\n')
			text_puts(out, "\\n");
		else if (data[i] == '"' || data[i] == '\\')
			text_printf(out, "\\%c", data[i]);
		else if (data[i] < 10)
			text_printf(out, "\\%u", data[i]);
		else
			text_put(out, &data[i], 1);
	}
	text_puts(out, "\"");
}

/* is_error: ICMP types that quote a packet. */
static bool is_error(uint8_t type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_TIME_EXCEEDED || type == ICMP_REDIRECT || type == ICMP_PARAMETER;
}

/* tcp_to_text: @quoted headers may be cut after 8 bytes. @len >= 8. */
static void tcp_to_text(const uint8_t *l4, uint32_t len, const char *src, const char *dst, struct text *out)
{
	struct tcp_hdr th = { 0 };
	uint32_t off;

	memcpy(&th, l4, len < sizeof th ? len : sizeof th);
	text_printf(out, "tcp %s:%u > %s:%u", src, ntohs(th.sport), dst, ntohs(th.dport));
	if (len < sizeof th) {
		text_printf(out, " seq %u", ntohl(th.seq));
		return;
	}
	text_puts(out, " flags ");
	for (int i = 0; i < 8; i++)
		if (th.flags & 1u << i)
			text_put(out, &tcp_letters[i], 1);
	off = (th.offset >> 4) * 4u;
	text_printf(out, " seq %u ack %u win %u", ntohl(th.seq), ntohl(th.ack), ntohs(th.window));
	if (off >= 24 && off <= len && l4[20] == TCP_OPT_MSS)
		text_printf(out, " mss %u", l4[22] * 256u + l4[23]);
	if (off <= len)
		put_data(l4 + off, len - off, out);
}

/* icmp_to_text: @len >= 8. */
static void icmp_to_text(const uint8_t *l4, uint32_t len, const char *src, const char *dst, struct text *out)
{
	struct icmp_hdr ih;

	memcpy(&ih, l4, sizeof ih);
	text_printf(out, "icmp %s > %s type %u code %u", src, dst, ih.type, ih.code);
	if (is_error(ih.type)) {
		text_printf(out, " word %u len %u", ntohl(ih.word), len - 8);
	} else {
		text_printf(out, " ident %u sequence %u", ntohs(ih.id), ntohs(ih.sequence));
		put_data(l4 + 8, len - 8, out);
	}
}

/* l4_to_text: kind, addresses and the transport header. */
static void l4_to_text(const struct ip4_hdr *ip, const uint8_t *l4, uint32_t len, bool first, struct text *out)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];
	struct addr a = addr_ip4(ip->src), b = addr_ip4(ip->dst);
	struct udp_hdr uh;

	addr_format(&a, FAMILY_IP4, src);
	addr_format(&b, FAMILY_IP4, dst);
	if (first && ip->proto == IP_PROTO_TCP && len >= 8) {
		tcp_to_text(l4, len, src, dst, out);
	} else if (first && ip->proto == IP_PROTO_UDP && len >= sizeof uh) {
		memcpy(&uh, l4, sizeof uh);
		text_printf(out, "udp %s:%u > %s:%u", src, ntohs(uh.sport), dst, ntohs(uh.dport));
		put_data(l4 + 8, len - 8, out);
	} else if (first && ip->proto == IP_PROTO_ICMP && len >= 8) {
		icmp_to_text(l4, len, src, dst, out);
	} else {
		text_printf(out, "ip %s > %s proto %u len %u", src, dst, ip->proto, len);
	}
}

/* l4_sum_is_wrong: verifies the transport checksum of a whole packet. */
static bool l4_sum_is_wrong(const struct ip4_hdr *ip, const uint8_t *l4, uint32_t len)
{
	bool udp = ip->proto == IP_PROTO_UDP && len >= 8 && (l4[6] | l4[7]);
	uint32_t pseudo = ip->proto == IP_PROTO_ICMP ? 0 : csum_pseudo4(ip->src, ip->dst, ip->proto, len);

	if (ip->proto != IP_PROTO_TCP && ip->proto != IP_PROTO_ICMP && !udp)
		return false;
	return csum_fold(csum_add_bytes(pseudo, l4, len)) != 0;
}

/* ip_to_text: one IPv4 packet of @len bytes; @quoted: inside an ICMP error (may be cut, L4 checksum not looked at). */
static void ip_to_text(const uint8_t *bytes, uint32_t len, bool quoted, uint8_t csum, struct text *out)
{
	struct ip4_hdr ip;
	uint32_t hlen, frag;
	bool more;

	if (len >= sizeof ip)
		memcpy(&ip, bytes, sizeof ip);
	hlen = len >= sizeof ip ? (ip.version_ihl & 15u) * 4 : 0;
	if (hlen < sizeof ip || hlen > len) {
		text_puts(out, "short");
		return;
	}
	frag = (ntohs(ip.frag) & IP4_OFFSET) * 8u;
	more = ntohs(ip.frag) & IP4_MF;
	l4_to_text(&ip, bytes + hlen, len - hlen, !frag, out);
	text_printf(out, " ttl %u tos %u id %u", ip.ttl, ip.tos, ntohs(ip.id));
	if (ntohs(ip.frag) & IP4_DF)
		text_puts(out, " df");
	if (frag || more)
		text_printf(out, " frag %u%s", frag, more ? " mf" : "");
	if (hlen > IP4_HLEN)
		text_puts(out, " opts ");
	for (uint32_t i = IP4_HLEN; i < hlen; i++)
		text_printf(out, "%02x", bytes[i]);
	if (csum_bytes(bytes, hlen) ||
	    (!quoted && !frag && !more && csum != CSUM_PARTIAL && l4_sum_is_wrong(&ip, bytes + hlen, len - hlen)))
		text_puts(out, " badsum");
	if (!quoted && !frag && ip.proto == IP_PROTO_ICMP && len - hlen >= 28 && is_error(bytes[hlen])) {
		text_puts(out, " quotes ");
		ip_to_text(bytes + hlen + 8, len - hlen - 8, true, csum, out);
	}
}

void frame_to_text(const uint8_t *frame, uint32_t len, uint8_t csum, struct text *out)
{
	uint16_t type = (uint16_t)(frame[12] << 8 | frame[13]);
	struct arp_ip4 arp;
	char a[ADDR_TEXT_MAX], b[ADDR_TEXT_MAX];
	struct addr from, to;

	if (type == ETHERTYPE_IP4) {
		ip_to_text(frame + ETH_HLEN, len - ETH_HLEN, false, csum, out);
		return;
	}
	if (type != ETHERTYPE_ARP || len < ETH_HLEN + sizeof arp) {
		text_printf(out, "frame type 0x%04x len %u", type, len);
		return;
	}
	memcpy(&arp, frame + ETH_HLEN, sizeof arp);
	from = addr_ip4(arp.sender_ip);
	to = addr_ip4(arp.target_ip);
	text_printf(out, "arp %s %s > %s", ntohs(arp.op) == ARP_REPLY ? "reply" : "request",
		    addr_format(&from, FAMILY_IP4, a), addr_format(&to, FAMILY_IP4, b));
}
