/* tuple.c - from packet bytes to tuples, and tuples turned round.
 *
 * Linux parity: nf_ct_get_tuple, nf_ct_get_tuplepr, nf_ct_invert_tuple, print_tuple.
 */
#include "conntrack/conntrack_int.h"
#include "netstack/text.h"

#include <arpa/inet.h>

/* tuple_begin: everything but the keys. */
static void tuple_begin(struct ct_tuple *t, uint32_t src, uint32_t dst, uint8_t proto, uint16_t zone)
{
	*t = (struct ct_tuple){ .family = FAMILY_IP4, .proto = proto, .zone = zone };
	t->src.word[0] = src;
	t->dst.word[0] = dst;
}

bool ct_tuple_from_pkt(struct conntrack *ctk, const struct pkt *p, uint16_t zone, struct ct_tuple *out)
{
	const struct ip4_hdr *ip = ip4_hdr(p);

	if (p->hdr.family != FAMILY_IP4 || p->hdr.frag_off || p->hdr.l4 > p->len)
		return false;
	tuple_begin(out, ip->src, ip->dst, p->hdr.proto, zone);
	return ct_proto_find(p->hdr.proto)->tuple(ctk, p->data + p->hdr.l4, p->len - p->hdr.l4, out);
}

bool ct_tuple_from_bytes(struct conntrack *ctk, const uint8_t *bytes, uint32_t len, uint16_t zone,
			 struct ct_tuple *out)
{
	struct ip4_hdr ip;
	uint32_t l4;

	if (len < sizeof ip)
		return false;
	memcpy(&ip, bytes, sizeof ip);
	l4 = (ip.version_ihl & 15u) * 4;
	/* Linux looks neither at the version nor at the least length of a header here. */
	if (l4 > len || ip.frag & htons(IP4_OFFSET))
		return false;
	tuple_begin(out, ip.src, ip.dst, ip.proto, zone);
	return ct_proto_find(ip.proto)->tuple(ctk, bytes + l4, len - l4, out);
}

bool ct_tuple_invert(const struct ct_tuple *t, struct ct_tuple *out)
{
	const struct ct_proto *proto = ct_proto_find(t->proto);
	struct ct_tuple r = { .src = t->dst, .dst = t->src, .family = t->family, .proto = t->proto, .zone = t->zone };

	r.src_key = t->dst_key;
	r.dst_key = t->src_key;
	if (proto->invert && !proto->invert(t, &r))
		return false;
	*out = r;
	return true;
}

/* print_addr: an address as /proc prints it: IPv6 in full. */
static void print_addr(const char *label, const struct addr *a, uint8_t family, struct text *out)
{
	const uint8_t *b = a->byte;

	text_puts(out, label);
	if (family == FAMILY_IP4) {
		text_printf(out, "%u.%u.%u.%u ", b[0], b[1], b[2], b[3]);
		return;
	}
	for (int i = 0; i < 16; i += 2)
		text_printf(out, "%02x%02x%s", b[i], b[i + 1], i < 14 ? ":" : " ");
}

void ct_tuple_print(const struct ct_tuple *t, struct text *out)
{
	const struct ct_proto *proto = ct_proto_find(t->proto);

	print_addr("src=", &t->src, t->family, out);
	print_addr("dst=", &t->dst, t->family, out);
	if (proto->print_tuple)
		proto->print_tuple(t, out);
}
