/* proto_gre.c - GRE (RFC 2784, and version 1 of RFC 2637).
 *
 * Version 0 has no keys: one flow per pair of addresses. Version 1 has the receiver's call id as destination key; the
 * other one is known where a PPTP helper has seen the call (gre_keymap.c). Without, each direction is a flow of its own.
 *
 * Linux parity: nf_conntrack_proto_gre.c.
 */
#include "conntrack/proto_common.h"

#include <arpa/inet.h>

enum { GRE_VERSION_MASK = 7, GRE_VERSION_PPTP = 1, GRE_PROTOCOL_PPP = 0x880b, GRE_HLEN = 4, GRE_PPTP_HLEN = 8 };

/* gre_tuple: the call ids of a version 1 packet; a version 1 packet that does not carry PPP has no tuple. */
static bool gre_tuple(struct conntrack *ctk, const uint8_t *l4, uint32_t len, struct ct_tuple *t)
{
	if (len < GRE_HLEN || (l4[1] & GRE_VERSION_MASK) != GRE_VERSION_PPTP || len < GRE_PPTP_HLEN)
		return true;
	if ((l4[2] << 8 | l4[3]) != GRE_PROTOCOL_PPP)
		return false;
	memcpy(&t->dst_key, l4 + 6, 2);
	t->src_key = ct_gre_keymap_find(ctk, t);
	return true;
}

/* gre_packet: the timeouts are kept per connection, so that a helper may change them. */
static enum ct_proto_verdict gre_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p, enum ct_dir dir,
					const struct hook_state *st)
{
	(void)dir;
	(void)st;
	if (!ct_is_confirmed(ct)) {
		const uint64_t own[2] = { ctk->conf.gre_timeout, ctk->conf.gre_timeout_stream };
		const uint64_t *timeouts = ct_timeouts_of(ct, own);

		ct->gre = (struct ct_gre){ timeouts[0], timeouts[1] };
	}
	if (!(ct->status & CT_ST_SEEN_REPLY)) {
		ct_refresh(ctk, ct, p, ct->gre.timeout);
		return CT_PROTO_ACCEPT;
	}
	ct_refresh(ctk, ct, p, ct->gre.stream_timeout);
	if (!(ct->status & CT_ST_NAT_CLASH))
		ct_assure(ct);
	return CT_PROTO_ACCEPT;
}

/* gre_print: "srckey=0x0 dstkey=0x1388 ". */
static void gre_print(const struct ct_tuple *t, struct text *out)
{
	text_printf(out, "srckey=0x%x dstkey=0x%x ", ntohs(t->src_key), ntohs(t->dst_key));
}

/* gre_print_state: the two timeouts in seconds. */
static void gre_print_state(const struct ct_entry *ct, struct text *out)
{
	text_printf(out, "timeout=%u, stream_timeout=%u ", (unsigned)(ct->gre.timeout / NS_PER_SECOND),
		    (unsigned)(ct->gre.stream_timeout / NS_PER_SECOND));
}

const struct ct_proto ct_proto_gre = {
	.proto = IP_PROTO_GRE,
	.name = "gre",
	.allow_clash = true,
	.tuple = gre_tuple,
	.packet = gre_packet,
	.print_tuple = gre_print,
	.print_state = gre_print_state,
};
