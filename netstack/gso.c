/* gso.c - super-packets: what a vnet header says on the way in and out, and cutting them in software.
 *
 * Overview
 *   A frame with an offload state crosses the router as it is: one packet, checksum partial, gso_size beside
 *   it. Only where the out port cannot take it (or the MTU is too small) it is cut into what the sender's own
 *   stack would have made: headers copied, lengths, ids, sequence numbers and flags set, full checksums.
 *
 * Invariants
 *   1. After gso_from_vnet, CSUM_PARTIAL means: the checksum of the IPv4 packet's own TCP or UDP header.
 *   Anything else
 *      that a sender left open (inside a tunnel, in a fragment) is completed at once.
 *   2. gso != GSO_NONE on an IPv4 packet implies CSUM_PARTIAL, a whole packet, headers within the packet,
 *      gso_size >= 1 and at most GSO_SEGS_MAX segments (UDP: 128).
 *
 * Linux parity: include/linux/virtio_net.h (virtio_net_hdr_to_skb), net/ipv4/tcp_offload.c (tcp_gso_segment),
 * udp_offload.c (__udp_gso_segment), af_inet.c (inet_gso_segment: ids counted up).
 */
#include "netstack/gso.h"

#include "netstack/checksum.h"

#include <arpa/inet.h>
#include <errno.h>

enum { GSO_SEGS_MAX = 4096, GSO_UDP_SEGS_MAX = 128 };

/* clear: no offload any more. */
static void clear(struct pkt *p)
{
	p->gso = GSO_NONE;
	p->gso_ecn = false;
	p->gso_size = 0;
	p->gso_segs = 1;
}

/* l4_header_len: length of the TCP or UDP header of a parsed packet; 0 if it is not all there. */
static uint32_t l4_header_len(const struct pkt *p)
{
	const struct tcp_hdr *tcp;
	uint32_t len;

	if (p->hdr.proto == IP_PROTO_UDP)
		return pkt_l4(p, sizeof(struct udp_hdr)) ? sizeof(struct udp_hdr) : 0;
	tcp = p->hdr.proto == IP_PROTO_TCP ? pkt_l4(p, sizeof *tcp) : NULL;
	if (!tcp)
		return 0;
	len = (uint32_t)(tcp->offset >> 4) * 4;
	return len >= sizeof *tcp && pkt_l4(p, len) ? len : 0;
}

/* field_offset: of the checksum in the L4 header of protocols that are ever left partial; -1 for others. */
static int field_offset(uint8_t proto)
{
	if (proto == IP_PROTO_TCP)
		return offsetof(struct tcp_hdr, checksum);
	return proto == IP_PROTO_UDP ? (int)offsetof(struct udp_hdr, checksum) : -1;
}

/* take_csum: takes over a partial checksum (csum_start, csum_offset are set, from the network header). @ip4:
 * the packet is IPv4 and parsed. Return: 0 or -EINVAL. */
static int take_csum(struct pkt *p, bool ip4)
{
	/* All checksum fields that exist lie at even offsets. */
	if (!pkt_at(p, (uint32_t)p->csum_start + p->csum_offset, 2) || ((p->csum_start + p->csum_offset) & 1))
		return -EINVAL;
	p->csum = CSUM_PARTIAL;
	if (ip4 && p->csum_start == p->hdr.l4 && !p->hdr.frag_off && !p->hdr.more_frags &&
	    p->csum_offset == field_offset(p->hdr.proto))
		return 0;
	if (p->gso)
		return -EINVAL;
	(void)csum_complete(p);
	p->csum = CSUM_NONE;
	return 0;
}

/* take_gso: takes over the segmentation of an IPv4 packet. Return: 0 or -EINVAL. */
static int take_gso(struct pkt *p, enum gso_type type, uint16_t size)
{
	uint8_t proto = type == GSO_TCP4 ? IP_PROTO_TCP : IP_PROTO_UDP;
	uint32_t header = p->hdr.proto == proto ? l4_header_len(p) : 0;
	uint32_t payload, segs;

	if (!header || !size || p->hdr.frag_off || p->hdr.more_frags || ntohs(ip4_hdr(p)->total_len) != p->len)
		return -EINVAL;
	payload = p->len - p->hdr.l4 - header;
	segs = (payload + size - 1) / size;
	if (segs > (type == GSO_TCP4 ? GSO_SEGS_MAX : GSO_UDP_SEGS_MAX))
		return -EINVAL;
	if (segs <= 1)
		return 0;
	p->gso = (uint8_t)type;
	p->gso_size = size;
	p->gso_segs = (uint16_t)segs;
	return 0;
}

/* Which of our types a vnet header's is. */
static int known_type(uint8_t vnet, enum gso_type *type)
{
	switch (vnet & ~VNET_GSO_ECN) {
	case VNET_GSO_NONE:
		*type = GSO_NONE;
		return 0;
	case VNET_GSO_TCP4:
		*type = GSO_TCP4;
		return 0;
	case VNET_GSO_TCP6:
		*type = GSO_TCP6;
		return 0;
	case VNET_GSO_UDP_L4:
		*type = GSO_UDP_L4;
		return 0;
	default:
		return -EINVAL;
	}
}

/* take_offload: the body of gso_from_vnet, with p->data at the network header. @type in host order. */
static int take_offload(struct pkt *p, const struct vnet_hdr *vh, uint16_t type)
{
	bool ip4 = type == ETHERTYPE_IP4 && !ip4_parse(p);
	enum gso_type gso;

	if (known_type(vh->gso_type, &gso))
		return -EINVAL;
	if (gso && !(vh->flags & VNET_F_NEEDS_CSUM))
		return -EINVAL;
	if (type == ETHERTYPE_IP6) { /* carried no further: only kept consistent until it is dropped */
		p->gso = (uint8_t)gso;
		p->gso_size = vh->gso_size;
		return gso == GSO_TCP4 || (gso && !vh->gso_size) ? -EINVAL : 0;
	}
	if (gso) {
		if (!ip4 || gso == GSO_TCP6 || take_gso(p, gso, vh->gso_size))
			return -EINVAL;
		p->gso_ecn = p->gso && (vh->gso_type & VNET_GSO_ECN);
	}
	if (!(vh->flags & VNET_F_NEEDS_CSUM)) {
		p->csum = vh->flags & VNET_F_DATA_VALID ? CSUM_OK : CSUM_NONE;
		return 0;
	}
	if (vh->csum_start < ETH_HLEN)
		return -EINVAL;
	p->csum_start = (uint16_t)(vh->csum_start - ETH_HLEN);
	p->csum_offset = vh->csum_offset;
	return take_csum(p, ip4);
}

int gso_from_vnet(struct pkt *p, const struct vnet_hdr *vh)
{
	const struct eth_hdr *eth = pkt_at(p, 0, sizeof *eth);
	int err;

	clear(p);
	p->csum = CSUM_NONE;
	if (!eth)
		return vh->flags & VNET_F_NEEDS_CSUM || vh->gso_type ? -EINVAL : 0;
	if (!(vh->flags & VNET_F_NEEDS_CSUM) && !vh->gso_type) {
		p->csum = vh->flags & VNET_F_DATA_VALID ? CSUM_OK : CSUM_NONE;
		return 0;
	}
	p->data += ETH_HLEN;
	p->len -= ETH_HLEN;
	err = take_offload(p, vh, ntohs(eth->type));
	p->data -= ETH_HLEN;
	p->len += ETH_HLEN;
	p->hdr.family = FAMILY_NONE; /* ip4_input parses what it accepts */
	return err;
}

void gso_to_vnet(const struct pkt *p, struct vnet_hdr *vh)
{
	static const uint8_t types[] = { [GSO_TCP4] = VNET_GSO_TCP4, [GSO_TCP6] = VNET_GSO_TCP6,
					 [GSO_UDP_L4] = VNET_GSO_UDP_L4 };
	const uint8_t *l4;

	*vh = (struct vnet_hdr){ 0 };
	if (p->csum == CSUM_PARTIAL) {
		vh->flags = VNET_F_NEEDS_CSUM;
		vh->csum_start = (uint16_t)(p->csum_start + ETH_HLEN);
		vh->csum_offset = p->csum_offset;
	}
	if (p->gso == GSO_NONE)
		return;
	vh->gso_type = (uint8_t)(types[p->gso] | (p->gso_ecn ? VNET_GSO_ECN : 0));
	vh->gso_size = p->gso_size;
	l4 = pkt_at(p, ETH_HLEN + (uint32_t)p->hdr.l4, sizeof(struct tcp_hdr));
	vh->hdr_len = (uint16_t)(ETH_HLEN + p->hdr.l4 +
				 (p->gso == GSO_UDP_L4 || !l4 ? sizeof(struct udp_hdr) : (size_t)(l4[12] >> 4) * 4));
}

uint32_t gso_segment_len(const struct pkt *p)
{
	return p->gso ? p->hdr.l4 + l4_header_len(p) + p->gso_size : p->len;
}

/* Where the next segment is to be cut. */
struct cut {
	const struct pkt *from;
	uint32_t headers; /* IP + L4 */
	uint32_t off;     /* payload bytes already given out */
	uint32_t len;     /* of this segment's payload */
	bool last;
};

/* set_tcp: sequence number and flags of a TCP segment. */
static void set_tcp(struct pkt *seg, const struct cut *c)
{
	struct tcp_hdr *tcp = pkt_l4(seg, sizeof *tcp);

	if (!tcp)
		return;
	tcp->seq = htonl(ntohl(tcp->seq) + c->off);
	if (!c->last)
		tcp->flags &= (uint8_t)~(TCP_FIN | TCP_PSH);
	if (c->off)
		tcp->flags &= (uint8_t)~TCP_CWR;
}

/* segment: one segment, complete. NULL when the pool is empty. */
static struct pkt *segment(const struct cut *c, uint16_t index)
{
	const struct pkt *p = c->from;
	uint32_t len = c->headers + c->len;
	struct pkt *seg = pkt_alloc(p->pool, PKT_HEADROOM + len <= PKT_SMALL_SIZE ? PKT_SMALL : PKT_LARGE);
	struct pkt fresh;

	if (!seg)
		return NULL;
	fresh = *seg;
	*seg = *p;
	seg->next = NULL;
	seg->buf = fresh.buf;
	seg->data = fresh.data;
	seg->size = fresh.size;
	seg->class = fresh.class;
	seg->ct = NULL;
	seg->ct_info = 0;
	seg->len = len;
	memcpy(seg->data - ETH_HLEN, p->data - ETH_HLEN, ETH_HLEN + c->headers);
	memcpy(seg->data + c->headers, p->data + c->headers + c->off, c->len);
	clear(seg);
	ip4_hdr(seg)->total_len = htons((uint16_t)len);
	ip4_hdr(seg)->id = htons((uint16_t)(ntohs(ip4_hdr(p)->id) + index));
	ip4_csum_fill(seg);
	if (p->gso == GSO_TCP4)
		set_tcp(seg, c);
	else
		((struct udp_hdr *)(void *)(seg->data + seg->hdr.l4))->len = htons((uint16_t)(len - seg->hdr.l4));
	(void)csum_l4_fill(seg);
	return seg;
}

/* free_list: gives back a list of packets. */
static void free_list(struct pkt *p)
{
	while (p) {
		struct pkt *next = p->next;

		p->next = NULL;
		pkt_free(p);
		p = next;
	}
}

struct pkt *gso_segment(const struct pkt *p, unsigned *count)
{
	uint32_t l4 = l4_header_len(p);
	struct cut c = { .from = p, .headers = p->hdr.l4 + l4 };
	struct pkt *first = NULL, **at = &first;

	*count = 0;
	if (!l4 || !p->gso_size || (p->gso != GSO_TCP4 && p->gso != GSO_UDP_L4))
		return NULL;
	for (uint32_t left = p->len - c.headers; left > 0; left -= c.len, c.off += c.len) {
		c.len = left < p->gso_size ? left : p->gso_size;
		c.last = c.len == left;
		*at = segment(&c, (uint16_t)*count);
		if (!*at) {
			free_list(first);
			return NULL;
		}
		at = &(*at)->next;
		++*count;
	}
	return first;
}
