/* seqadj.c - sequence numbers after NAT has changed the length of what was said.
 *
 * Per direction one correction point: numbers after it are shifted by `after`, others by `before`. Only the newest is
 * kept; acknowledgements and SACK edges use the opposite direction's, backwards.
 *
 * Linux parity: nf_conntrack_seqadj.c.
 */
#include "conntrack/proto_tcp.h"

#include <arpa/inet.h>
#include <errno.h>

int ct_seqadj_set(struct conntrack *ctk, struct ct_entry *ct, enum ct_dir dir, uint32_t seq, int32_t delta)
{
	struct ct_seqadj *adj = ct_get_seqadj(ctk, ct);
	struct ct_seqadj_side *side;

	if (!delta)
		return 0;
	if (!adj)
		return -ENOMEM;
	ct->status |= CT_ST_SEQ_ADJUST;
	side = &adj->side[dir];
	if (side->before == side->after || ct_tcp_before(side->position, seq)) {
		side->position = seq;
		side->before = side->after;
		side->after += delta;
	}
	ct_event_add(ct, CT_EV_SEQADJ);
	return 0;
}

void ct_seqadj_init(struct ct_entry *ct, enum ct_dir dir, int32_t offset)
{
	struct ct_seqadj_side *side = &ct->extra->seqadj.side[dir];

	if (!offset)
		return;
	ct->status |= CT_ST_SEQ_ADJUST;
	side->before = side->after = offset;
	ct_event_add(ct, CT_EV_SEQADJ);
}

int32_t ct_seqadj_offset(const struct ct_entry *ct, enum ct_dir dir, uint32_t seq)
{
	const struct ct_seqadj_side *side;

	if (!(ct->status & CT_ST_SEQ_ADJUST) || !ct->extra)
		return 0;
	side = &ct->extra->seqadj.side[dir];
	return ct_tcp_after(seq, side->position) ? side->after : side->before;
}

/* original_of: a number as the sender of @side's stream knows it, from one its peer uses. */
static uint32_t original_of(const struct ct_seqadj_side *side, uint32_t number)
{
	bool later = ct_tcp_after(number - (uint32_t)side->before, side->position);

	return number - (uint32_t)(later ? side->after : side->before);
}

/* replace: writes a 32-bit number of the TCP header or its options, checksum included. @field may be unaligned; the
 * checksum counts 16-bit words from the header's start, so an odd offset has its bytes swapped. */
static void replace(struct pkt *p, uint16_t *checksum, uint8_t *field, uint32_t number)
{
	const uint8_t *tcp = p->data + p->hdr.l4;
	uint32_t from, to = htonl(number);

	memcpy(&from, field, sizeof from);
	memcpy(field, &to, sizeof to);
	if ((field - tcp) & 1) {
		from = from >> 8 | from << 24;
		to = to >> 8 | to << 24;
	}
	csum_l4_replace32(p, checksum, from, to, false);
}

/* adjust_sack: both edges of each block. @options: @len bytes behind the fixed header. Return: false if an option is cut
 * off or shorter than its own head: Linux drops such a segment here. */
static bool adjust_sack(struct pkt *p, uint16_t *checksum, uint8_t *options, uint32_t len,
			const struct ct_seqadj_side *other)
{
	for (uint32_t at = 0; at < len && options[at] != TCP_OPT_END;) {
		uint32_t n;

		if (options[at] == TCP_OPT_NOP) {
			at++;
			continue;
		}
		if (len - at < 2 || options[at + 1] < 2 || options[at + 1] > len - at)
			return false;
		n = options[at + 1];
		if (options[at] == TCP_OPT_SACK && n >= 10 && (n - 2) % 8 == 0) {
			for (uint32_t i = 2; i < n; i += 4) {
				uint8_t *e = options + at + i;
				uint32_t edge = (uint32_t)e[0] << 24 | (uint32_t)e[1] << 16 | (uint32_t)e[2] << 8 | e[3];

				replace(p, checksum, e, original_of(other, edge));
			}
		}
		at += n;
	}
	return true;
}

bool ct_seqadj_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p)
{
	enum ct_dir dir = ct_dir_of(p->ct_info);
	const struct ct_seqadj_side *other;
	uint16_t checksum;
	struct tcp_hdr *h;
	uint32_t hlen, seq;
	bool ok = true;

	(void)ctk;
	if (p->hdr.proto != IP_PROTO_TCP || !ct->extra)
		return true;
	h = pkt_l4(p, sizeof *h);
	hlen = h ? (uint32_t)(h->offset >> 4) * 4 : 0;
	if (hlen < sizeof *h || hlen > pkt_l4_len(p))
		return false;
	other = &ct->extra->seqadj.side[!dir];
	checksum = h->checksum;
	seq = ntohl(h->seq);
	replace(p, &checksum, (uint8_t *)h + offsetof(struct tcp_hdr, seq),
		seq + (uint32_t)ct_seqadj_offset(ct, dir, seq));
	if (h->flags & TCP_ACK) {
		replace(p, &checksum, (uint8_t *)h + offsetof(struct tcp_hdr, ack), original_of(other, ntohl(h->ack)));
		ok = adjust_sack(p, &checksum, (uint8_t *)h + sizeof *h, hlen - (uint32_t)sizeof *h, other);
	}
	h->checksum = checksum;
	return ok;
}
