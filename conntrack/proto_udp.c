/* proto_udp.c - UDP and UDPLITE.
 *
 * A flow counts as a stream (long timeout, ASSURED) once it is still alive two seconds after its first packet and a reply
 * had been seen before the packet at hand. UDPLITE does not wait for the two seconds.
 *
 * Linux parity: nf_conntrack_proto_udp.c, but for the pseudo header of UDPLITE's checksum: Linux computes it with UDP's
 * protocol number and finds every packet bad.
 */
#include "conntrack/proto_common.h"

#include <arpa/inet.h>

/* udp_check: header, length field, checksum (0 = none). */
static bool udp_check(struct conntrack *ctk, struct pkt *p, const struct hook_state *st)
{
	const struct udp_hdr *udp = pkt_l4(p, sizeof *udp);

	if (!udp)
		return ct_invalid(ctk, p, st, "short packet");
	if (ntohs(udp->len) < sizeof *udp || ntohs(udp->len) > pkt_l4_len(p))
		return ct_invalid(ctk, p, st, "truncated/malformed packet");
	if (udp->checksum && ct_checksum_wanted(ctk, p, st) && !csum_hook_verify(p))
		return ct_invalid(ctk, p, st, "bad checksum");
	return true;
}

/* udplite_check: the length field is the checksum coverage (RFC 3828): 0 all, else at least the header. */
static bool udplite_check(struct conntrack *ctk, struct pkt *p, const struct hook_state *st)
{
	const struct udp_hdr *udp = pkt_l4(p, sizeof *udp);

	if (!udp)
		return ct_invalid(ctk, p, st, "short packet");
	if (udp->len && (ntohs(udp->len) < sizeof *udp || ntohs(udp->len) > pkt_l4_len(p)))
		return ct_invalid(ctk, p, st, "invalid checksum coverage");
	if (!udp->checksum)
		return ct_invalid(ctk, p, st, "checksum missing");
	if (ct_checksum_wanted(ctk, p, st) && !csum_l4_verify(p))
		return ct_invalid(ctk, p, st, "bad checksum");
	return true;
}

/* stream_or_not: the timeout of a flow by whether it is a stream, ASSURED if it is. */
static enum ct_proto_verdict stream_or_not(struct conntrack *ctk, struct ct_entry *ct, const struct pkt *p, bool stream)
{
	const uint64_t own[2] = { ctk->conf.udp_timeout, ctk->conf.udp_timeout_stream };

	ct_refresh(ctk, ct, p, ct_timeouts_of(ct, own)[stream]);
	if (stream && !(ct->status & CT_ST_NAT_CLASH))
		ct_assure(ct);
	return CT_PROTO_ACCEPT;
}

/* udp_packet: a stream when it was replied to and is old enough. */
static enum ct_proto_verdict udp_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p, enum ct_dir dir,
					const struct hook_state *st)
{
	(void)dir;
	(void)st;
	if (!ct_is_confirmed(ct))
		ct->udp.stream_since = ctk->ns->now + 2 * NS_PER_SECOND;
	return stream_or_not(ctk, ct, p, (ct->status & CT_ST_SEEN_REPLY) && ctk->ns->now > ct->udp.stream_since);
}

/* udplite_packet: a stream when it was replied to. */
static enum ct_proto_verdict udplite_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p, enum ct_dir dir,
					    const struct hook_state *st)
{
	(void)dir;
	(void)st;
	return stream_or_not(ctk, ct, p, ct->status & CT_ST_SEEN_REPLY);
}

const struct ct_proto ct_proto_udp = {
	.proto = IP_PROTO_UDP,
	.name = "udp",
	.allow_clash = true,
	.tuple = ct_ports_tuple,
	.check = udp_check,
	.packet = udp_packet,
	.print_tuple = ct_ports_print,
};

const struct ct_proto ct_proto_udplite = {
	.proto = IP_PROTO_UDPLITE,
	.name = "udplite",
	.allow_clash = true,
	.tuple = ct_ports_tuple,
	.check = udplite_check,
	.packet = udplite_packet,
	.print_tuple = ct_ports_print,
};
