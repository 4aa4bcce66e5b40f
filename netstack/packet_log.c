/* packet_log.c - see packet_log.h.
 *
 * Linux parity: net/netfilter/nf_log_syslog.c: field names, order and blanks are its own, trailing blank included; so are
 * the places where a header that is not all there is said to be INCOMPLETE or TRUNCATED.
 */
#include "netstack/packet_log.h"

#include "netstack/netstack.h"
#include "netstack/text.h"

enum { LINE_MAX_LEN = 1024, AH_LEN = 12, ESP_LEN = 8, TOS_BITS = 0x1e, PRECEDENCE_BITS = 0xe0 };
enum { TCP_RESERVED = 0x0e, TCP_ACCURATE_ECN = 0x01 }; /* bits of the byte with the data offset (RFC 9768) */

/* put_hex: "XX" for each of @len bytes. */
static void put_hex(struct text *out, const uint8_t *bytes, uint32_t len)
{
	for (uint32_t i = 0; i < len; i++)
		text_printf(out, "%02X", bytes[i]);
}

/* put_address: dotted. @be in network order. */
static void put_address(struct text *out, const char *name, uint32_t be)
{
	struct addr a = addr_ip4(be);
	char text[ADDR_TEXT_MAX];

	text_printf(out, "%s=%s ", name, addr_format(&a, FAMILY_IP4, text));
}

/* put_mac: the received Ethernet header, as bytes or decoded. */
static void put_mac(struct text *out, const struct pkt *p, unsigned flags)
{
	const uint8_t *eth = p->data - ETH_HLEN; /* there by pkt.has_mac */
	const struct eth_hdr *h = (const struct eth_hdr *)(const void *)eth;
	char dst[MAC_TEXT_MAX], src[MAC_TEXT_MAX];

	if (p->has_mac && flags & PACKET_LOG_MAC_DECODE) {
		text_printf(out, "MACSRC=%s MACDST=%s MACPROTO=%04x ", mac_format(h->src, src),
			    mac_format(h->dst, dst), __builtin_bswap16(h->type));
		return;
	}
	text_puts(out, "MAC=");
	for (unsigned i = 0; p->has_mac && i < ETH_HLEN; i++)
		text_printf(out, "%s%02x", i ? ":" : "", eth[i]);
	text_puts(out, " ");
}

/* put_incomplete: what stands where a header is not all there. @off: of the header. */
static void put_incomplete(struct text *out, const struct pkt *p, uint32_t off)
{
	text_printf(out, "INCOMPLETE [%u bytes] ", off < p->len ? p->len - off : 0);
}

/* put_tcp: the TCP header at @off. Return: false if the line ends here. */
static bool put_tcp(struct text *out, const struct pkt *p, uint32_t off, bool fragment, unsigned flags)
{
	static const struct {
		uint8_t bit;
		const char *name;
	} names[] = { { TCP_CWR, "CWR" }, { TCP_ECE, "ECE" }, { TCP_URG, "URG" }, { TCP_ACK, "ACK" },
		      { TCP_PSH, "PSH" }, { TCP_RST, "RST" }, { TCP_SYN, "SYN" }, { TCP_FIN, "FIN" } };
	const struct tcp_hdr *th;
	uint32_t len;

	text_puts(out, "PROTO=TCP ");
	if (fragment)
		return true;
	th = pkt_at(p, off, sizeof *th);
	if (!th) {
		put_incomplete(out, p, off);
		return false;
	}
	text_printf(out, "SPT=%u DPT=%u ", __builtin_bswap16(th->sport), __builtin_bswap16(th->dport));
	if (flags & PACKET_LOG_TCP_SEQUENCE)
		text_printf(out, "SEQ=%u ACK=%u ", __builtin_bswap32(th->seq), __builtin_bswap32(th->ack));
	text_printf(out, "WINDOW=%u RES=0x%02x ", __builtin_bswap16(th->window), (th->offset & TCP_RESERVED) << 2);
	text_puts(out, th->offset & TCP_ACCURATE_ECN ? "AE " : "");
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		if (th->flags & names[i].bit)
			text_printf(out, "%s ", names[i].name);
	text_printf(out, "URGP=%u ", __builtin_bswap16(th->urgent));
	len = (th->offset >> 4) * 4u;
	if (flags & PACKET_LOG_TCP_OPTIONS && len > sizeof *th) {
		const uint8_t *options = pkt_at(p, off + (uint32_t)sizeof *th, len - (uint32_t)sizeof *th);

		if (!options) {
			text_puts(out, "OPT (TRUNCATED)");
			return false;
		}
		text_puts(out, "OPT (");
		put_hex(out, options, len - (uint32_t)sizeof *th);
		text_puts(out, ") ");
	}
	return true;
}

/* put_udp: the UDP or UDPLITE header at @off. Return: false if the line ends here. */
static bool put_udp(struct text *out, const struct pkt *p, uint32_t off, bool fragment, uint8_t proto)
{
	const struct udp_hdr *uh;

	text_puts(out, proto == IP_PROTO_UDP ? "PROTO=UDP " : "PROTO=UDPLITE ");
	if (fragment)
		return true;
	uh = pkt_at(p, off, sizeof *uh);
	if (!uh) {
		put_incomplete(out, p, off);
		return false;
	}
	text_printf(out, "SPT=%u DPT=%u LEN=%u ", __builtin_bswap16(uh->sport), __builtin_bswap16(uh->dport),
		    __builtin_bswap16(uh->len));
	return true;
}

static void put_ip(struct text *out, const struct pkt *p, uint32_t off, unsigned flags);

/* put_icmp_body: what each type adds. A quoted packet is shown only in the outer line (@off is its own header's). */
static void put_icmp_body(struct text *out, const struct pkt *p, uint32_t off, bool outer,
			  const struct icmp_hdr *ih, unsigned flags)
{
	switch (ih->type) {
	case ICMP_ECHO:
	case ICMP_ECHO_REPLY:
		text_printf(out, "ID=%u SEQ=%u ", __builtin_bswap16(ih->id), __builtin_bswap16(ih->sequence));
		break;
	case ICMP_PARAMETER:
		text_printf(out, "PARAMETER=%u ", __builtin_bswap32(ih->gateway) >> 24);
		break;
	case ICMP_REDIRECT:
		put_address(out, "GATEWAY", ih->gateway);
		/* fall through */
	case ICMP_UNREACHABLE:
	case ICMP_SOURCE_QUENCH:
	case ICMP_TIME_EXCEEDED:
		if (outer) {
			text_puts(out, "[");
			put_ip(out, p, off + (uint32_t)sizeof *ih, flags);
			text_puts(out, "] ");
		}
		if (ih->type == ICMP_UNREACHABLE && ih->code == ICMP_FRAG_NEEDED)
			text_printf(out, "MTU=%u ", __builtin_bswap16(ih->mtu));
		break;
	default:
		break;
	}
}

/* put_icmp: the ICMP header at @off. */
static void put_icmp(struct text *out, const struct pkt *p, uint32_t off, bool outer, bool fragment, unsigned flags)
{
	/* Bytes that each type needs to be shown. */
	static const uint8_t required[ICMP_TYPE_MAX + 1] = {
		[ICMP_ECHO_REPLY] = 4, [ICMP_UNREACHABLE] = 28, [ICMP_SOURCE_QUENCH] = 28, [ICMP_REDIRECT] = 28,
		[ICMP_ECHO] = 4, [ICMP_TIME_EXCEEDED] = 28, [ICMP_PARAMETER] = 28, [ICMP_TIMESTAMP] = 20,
		[ICMP_TIMESTAMP_REPLY] = 20, [ICMP_MASK] = 12, [ICMP_MASK_REPLY] = 12,
	};
	const struct icmp_hdr *ih;

	text_puts(out, "PROTO=ICMP ");
	if (fragment)
		return;
	ih = pkt_at(p, off, sizeof *ih);
	if (!ih) {
		put_incomplete(out, p, off);
		return;
	}
	text_printf(out, "TYPE=%u CODE=%u ", ih->type, ih->code);
	if (ih->type <= ICMP_TYPE_MAX && p->len - off < required[ih->type])
		put_incomplete(out, p, off);
	else
		put_icmp_body(out, p, off, outer, ih, flags);
}

/* put_spi: AH or ESP: the SPI lies @at bytes into a header of @len bytes. */
static void put_spi(struct text *out, const struct pkt *p, uint32_t off, bool fragment, const char *name, uint32_t at,
		    uint32_t len)
{
	const uint8_t *h;

	text_printf(out, "PROTO=%s ", name);
	if (fragment)
		return;
	h = pkt_at(p, off, len);
	if (!h)
		put_incomplete(out, p, off);
	else
		text_printf(out, "SPI=0x%x ",
			    (unsigned)h[at] << 24 | (unsigned)h[at + 1] << 16 | (unsigned)h[at + 2] << 8 | h[at + 3]);
}

/* put_header: the fields of the IPv4 header @ih. */
static void put_header(struct text *out, const struct ip4_hdr *ih)
{
	uint16_t frag = __builtin_bswap16(ih->frag);

	put_address(out, "SRC", ih->src);
	put_address(out, "DST", ih->dst);
	text_printf(out, "LEN=%u TOS=0x%02X PREC=0x%02X TTL=%u ID=%u ", __builtin_bswap16(ih->total_len),
		    ih->tos & TOS_BITS, ih->tos & PRECEDENCE_BITS, ih->ttl, __builtin_bswap16(ih->id));
	text_puts(out, frag & IP4_RF ? "CE " : "");
	text_puts(out, frag & IP4_DF ? "DF " : "");
	text_puts(out, frag & IP4_MF ? "MF " : "");
	if (frag & IP4_OFFSET)
		text_printf(out, "FRAG:%u ", frag & IP4_OFFSET);
}

/* put_options: "OPT (..) " of the IPv4 header at @off. Return: false if they are not there and the line ends. */
static bool put_options(struct text *out, const struct pkt *p, uint32_t off, uint32_t header)
{
	const uint8_t *options = pkt_at(p, off + IP4_HLEN, header - IP4_HLEN);

	if (!options) {
		text_puts(out, "TRUNCATED");
		return false;
	}
	text_puts(out, "OPT (");
	put_hex(out, options, header - IP4_HLEN);
	text_puts(out, ") ");
	return true;
}

/* put_ip: the IPv4 packet whose header is at @off: 0 for the packet itself, more for one quoted in an ICMP error. */
static void put_ip(struct text *out, const struct pkt *p, uint32_t off, unsigned flags)
{
	const struct ip4_hdr *ih = pkt_at(p, off, sizeof *ih);
	uint32_t header, l4;
	bool fragment, more = true;

	if (!ih) {
		text_puts(out, "TRUNCATED");
		return;
	}
	put_header(out, ih);
	header = (ih->version_ihl & 0xf) * 4u;
	l4 = off + header;
	fragment = ih->frag & __builtin_bswap16(IP4_OFFSET);
	if (flags & PACKET_LOG_IP_OPTIONS && header > IP4_HLEN && !put_options(out, p, off, header))
		return;
	switch (ih->proto) {
	case IP_PROTO_TCP:
		more = put_tcp(out, p, l4, fragment, flags);
		break;
	case IP_PROTO_UDP:
	case IP_PROTO_UDPLITE:
		more = put_udp(out, p, l4, fragment, ih->proto);
		break;
	case IP_PROTO_ICMP:
		put_icmp(out, p, l4, !off, fragment, flags);
		break;
	case IP_PROTO_AH:
		put_spi(out, p, l4, fragment, "AH", 4, AH_LEN);
		break;
	case IP_PROTO_ESP:
		put_spi(out, p, l4, fragment, "ESP", 0, ESP_LEN);
		break;
	default:
		text_printf(out, "PROTO=%u ", ih->proto);
		break;
	}
	if (more && !off && p->mark)
		text_printf(out, "MARK=0x%x ", p->mark);
}

void packet_log_text(struct text *out, const struct pkt *p, const struct port *in, const struct port *port_out,
		     unsigned flags)
{
	text_printf(out, "IN=%s OUT=%s ", in ? in->name : "", port_out ? port_out->name : "");
	if (in)
		put_mac(out, p, flags);
	put_ip(out, p, 0, flags);
}

void packet_log(struct netstack *ns, int level, const char *prefix, const struct pkt *p, const struct port *in,
		const struct port *out, unsigned flags)
{
	char line[LINE_MAX_LEN];
	struct text text = text_over(line, sizeof line);

	text_puts(&text, prefix);
	packet_log_text(&text, p, in, out, flags);
	ns->ops->log(ns->user, level, line);
}
