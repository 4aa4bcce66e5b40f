/* ip4_fragment.c - cutting a packet into fragments (RFC 791 3.2).
 *
 * A packet that came in as fragments leaves as fragments no longer than the longest of them, also where it
 * would fit whole, without DF even where they had it (ip_fraglist_prepare). The cut is uniform: the boundaries
 * of the fragments that came in are not kept where those were shorter than the longest.
 *
 * Linux parity: net/ipv4/ip_output.c (ip_fragment, ip_do_fragment, ip_frag_next).
 */
#include "netstack/checksum.h"
#include "netstack/icmp.h"
#include "netstack/ip4.h"
#include "netstack/neigh.h"
#include "netstack/netstack_int.h"

#include <arpa/inet.h>

/* What is the same for all fragments of a packet. */
struct job {
	struct pkt *from;
	uint32_t room; /* payload bytes of a full fragment */
	uint16_t base; /* offset of the packet itself, 8-byte units */
	bool more;     /* the packet itself is followed by others */
};

/* piece: one fragment: @len payload bytes at @off. Return: NULL when the pool is empty. */
static struct pkt *piece(const struct job *j, uint32_t off, uint32_t len, bool last)
{
	const struct pkt *p = j->from;
	uint32_t hlen = p->hdr.l4;
	struct pkt *f = pkt_alloc(p->pool, PKT_HEADROOM + hlen + len <= PKT_SMALL_SIZE ? PKT_SMALL : PKT_LARGE);
	struct ip4_hdr *ip;

	if (!f)
		return NULL;
	f->len = hlen + len;
	memcpy(f->data, p->data, hlen);
	memcpy(f->data + hlen, p->data + hlen + off, len);
	f->in = p->in;
	f->out = p->out;
	f->mark = p->mark;
	f->priority = p->priority;
	f->type = p->type;
	f->forwarded = p->forwarded;
	f->hdr = p->hdr;
	f->next_hop = p->next_hop;
	f->route_type = p->route_type;
	f->csum = CSUM_OK;
	ip = ip4_hdr(f);
	ip->total_len = htons((uint16_t)f->len);
	ip->frag = htons((uint16_t)(j->base + off / 8)) | (last && !j->more ? 0 : htons(IP4_MF));
	if (off)
		ip4_options_fragment(f->data + IP4_HLEN, hlen - IP4_HLEN);
	f->hdr.frag_off = (uint16_t)((j->base + off / 8) * 8);
	f->hdr.more_frags = !last || j->more;
	ip4_csum_fill(f);
	return f;
}

/* send_pieces: makes and sends all fragments. Return: how many were made. */
static unsigned send_pieces(struct netstack *ns, const struct job *j)
{
	uint32_t left = j->from->len - j->from->hdr.l4;
	unsigned count = 0;

	for (uint32_t off = 0, len; left > 0; off += len, left -= len) {
		struct pkt *f;

		len = left > j->room ? j->room & ~7u : left;
		f = piece(j, off, len, len == left);
		if (!f)
			break;
		count++;
		SNMP_INC(ns, IpFragCreates);
		SNMP_INC(ns, IpOutTransmits);
		SNMP_ADD(ns, IpExtOutOctets, f->len);
		ns->balance.split++;
		neigh_output(ns, f);
	}
	if (left)
		SNMP_INC(ns, IpFragFails);
	else
		SNMP_INC(ns, IpFragOKs);
	return left ? 0 : count;
}

void ip4_fragment(struct netstack *ns, struct pkt *p, uint32_t mtu)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	uint16_t frag = ntohs(ip->frag);
	uint32_t limit = p->max_frag && p->max_frag < mtu ? p->max_frag : mtu;
	struct job j = { .from = p, .base = frag & IP4_OFFSET, .more = frag & IP4_MF };

	if ((frag & IP4_DF) && (!p->defragmented || p->max_frag > mtu)) {
		SNMP_INC(ns, IpFragFails);
		icmp_send_error(ns, p, ICMP_UNREACHABLE, ICMP_FRAG_NEEDED, mtu);
		netstack_drop(ns, p, DROP_IP_NEED_FRAGMENT);
		return;
	}
	if (limit < p->hdr.l4 + 8u) {
		netstack_drop(ns, p, DROP_IP_NEED_FRAGMENT);
		return;
	}
	if (p->csum == CSUM_PARTIAL)
		(void)csum_complete(p);
	j.room = limit - p->hdr.l4;
	if (p->len <= limit) { /* changed by a rule since it was put together: goes whole */
		SNMP_INC(ns, IpOutTransmits);
		SNMP_ADD(ns, IpExtOutOctets, p->len);
		neigh_output(ns, p);
		return;
	}
	if (!send_pieces(ns, &j)) {
		netstack_drop(ns, p, DROP_OUT_NO_BUFFER);
		return;
	}
	ns->balance.split--;
	pkt_free(p);
}
