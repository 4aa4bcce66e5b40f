/* mangle.c - replacing a piece of a packet's payload, for helpers.
 *
 * Overview
 *   The piece may grow or shrink: the IP (and UDP) length, the checksums and, for TCP, the sequence numbers of all that
 *   follows (conntrack's seqadj) are put right. A super-packet stays one: its partial checksum holds only the length.
 *
 * Ownership
 *   The packet stays the caller's, but its storage may move: pointers into it are void afterwards.
 *
 * Linux parity: net/netfilter/nf_nat_helper.c.
 */
#include "conntrack/helper.h"
#include "nat/nat_int.h"
#include "netstack/checksum.h"

#include <arpa/inet.h>

/* replace: exchanges @match_len bytes at @off (from the start of the packet) for @rep; IP length and checksum follow.
 * Return: false if the piece is not there or the packet would not fit. */
static bool replace(struct pkt *p, uint32_t off, uint32_t match_len, const char *rep, uint32_t rep_len)
{
	uint32_t tail;
	struct ip4_hdr *ip;
	uint16_t total;

	if (!pkt_at(p, off, match_len))
		return false;
	if (rep_len > match_len &&
	    (p->len + (rep_len - match_len) > PKT_MAX_IP || pkt_reserve_tail(p, rep_len - match_len)))
		return false;
	tail = p->len - off - match_len;
	memmove(p->data + off + rep_len, p->data + off + match_len, tail);
	memcpy(p->data + off, rep, rep_len);
	p->len = off + rep_len + tail;
	ip = ip4_hdr(p);
	total = htons((uint16_t)p->len);
	csum_replace16(&ip->checksum, ip->total_len, total);
	ip->total_len = total;
	return true;
}

/* recheck: the L4 checksum at @field after a change of the payload. @old_len: L4 bytes before it. */
static void recheck(struct pkt *p, uint16_t *field, uint32_t old_len)
{
	if (p->csum == CSUM_PARTIAL)
		csum_l4_replace16(p, field, htons((uint16_t)old_len), htons((uint16_t)pkt_l4_len(p)), true);
	else
		csum_l4_fill(p);
}

/* resegment: how many segments a super-packet with @payload bytes stands for now; one that fits in a segment is none. */
static void resegment(struct pkt *p, uint32_t payload)
{
	if (p->gso == GSO_NONE || !p->gso_size)
		return;
	p->gso_segs = (uint16_t)((payload + p->gso_size - 1) / p->gso_size);
	if (p->gso_segs > 1)
		return;
	p->gso = GSO_NONE;
	p->gso_size = 0;
	p->gso_segs = 1;
}

bool nat_mangle_tcp(struct nat *nat, struct pkt *p, struct ct_entry *ct, uint32_t match_off,
		    uint32_t match_len, const char *rep, uint32_t rep_len)
{
	const struct tcp_hdr *th = pkt_l4(p, sizeof *th);
	uint32_t old_len = pkt_l4_len(p), doff, seq;
	struct tcp_hdr *now;

	if (!th || (th->offset >> 4) * 4 < (int)sizeof *th)
		return false;
	doff = (th->offset >> 4) * 4u;
	seq = ntohl(th->seq);
	if (match_off > p->len || !replace(p, p->hdr.l4 + doff + match_off, match_len, rep, rep_len))
		return false;
	now = pkt_l4(p, sizeof *now);
	if (!now)
		return false;
	recheck(p, &now->checksum, old_len);
	resegment(p, pkt_l4_len(p) - doff);
	return rep_len == match_len || ct_seqadj_set(nat->ctk, ct, ct_dir_of(p->ct_info), seq,
						     (int32_t)rep_len - (int32_t)match_len) == 0;
}

bool nat_mangle_udp(struct nat *nat, struct pkt *p, struct ct_entry *ct, uint32_t match_off,
		    uint32_t match_len, const char *rep, uint32_t rep_len)
{
	uint32_t old_len = pkt_l4_len(p);
	struct udp_hdr *uh;

	(void)nat;
	(void)ct;
	if (!pkt_l4(p, sizeof *uh) || match_off > p->len ||
	    !replace(p, p->hdr.l4 + (uint32_t)sizeof *uh + match_off, match_len, rep, rep_len))
		return false;
	uh = pkt_l4(p, sizeof *uh);
	if (!uh)
		return false;
	uh->len = htons((uint16_t)pkt_l4_len(p));
	if (uh->checksum || p->csum == CSUM_PARTIAL)
		recheck(p, &uh->checksum, old_len);
	resegment(p, pkt_l4_len(p) - (uint32_t)sizeof *uh);
	return true;
}
