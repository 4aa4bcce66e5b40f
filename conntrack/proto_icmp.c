/* proto_icmp.c - ICMP queries; errors are icmp_error.c.
 *
 * Linux parity: nf_conntrack_proto_icmp.c: 30 s, never ASSURED, the entry stays after the reply.
 */
#include "conntrack/proto_common.h"

#include <arpa/inet.h>

/* The answer to each type + 1; 0 = it has none (RFC 792, RFC 950). */
static const uint8_t answer[ICMP_TYPE_MAX + 1] = {
	[ICMP_ECHO] = ICMP_ECHO_REPLY + 1,
	[ICMP_ECHO_REPLY] = ICMP_ECHO + 1,
	[ICMP_TIMESTAMP] = ICMP_TIMESTAMP_REPLY + 1,
	[ICMP_TIMESTAMP_REPLY] = ICMP_TIMESTAMP + 1,
	[ICMP_INFO] = ICMP_INFO_REPLY + 1,
	[ICMP_INFO_REPLY] = ICMP_INFO + 1,
	[ICMP_MASK] = ICMP_MASK_REPLY + 1,
	[ICMP_MASK_REPLY] = ICMP_MASK + 1,
};

/* type_of: ICMP type of a tuple: first byte of the destination key. */
static uint8_t type_of(const struct ct_tuple *t)
{
	uint8_t bytes[2];

	memcpy(bytes, &t->dst_key, 2);
	return bytes[0];
}

/* icmp_tuple: identifier, type and code. */
static bool icmp_tuple(struct conntrack *ctk, const uint8_t *l4, uint32_t len, struct ct_tuple *t)
{
	(void)ctk;
	if (len < sizeof(struct icmp_hdr))
		return false;
	memcpy(&t->dst_key, l4, 2);
	memcpy(&t->src_key, l4 + offsetof(struct icmp_hdr, id), 2);
	return true;
}

/* icmp_invert: the answering type; identifier and code stay. */
static bool icmp_invert(const struct ct_tuple *t, struct ct_tuple *out)
{
	uint8_t type = type_of(t), bytes[2];

	if (type > ICMP_TYPE_MAX || !answer[type])
		return false;
	memcpy(bytes, &t->dst_key, 2);
	bytes[0] = answer[type] - 1;
	memcpy(&out->dst_key, bytes, 2);
	out->src_key = t->src_key;
	return true;
}

/* icmp_packet: only a request makes a connection. */
static enum ct_proto_verdict icmp_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p, enum ct_dir dir,
					 const struct hook_state *st)
{
	uint8_t type = type_of(&ct->tuple[CT_ORIGINAL]);

	(void)dir;
	(void)st;
	if (type != ICMP_ECHO && type != ICMP_TIMESTAMP && type != ICMP_INFO && type != ICMP_MASK)
		return CT_PROTO_INVALID;
	ct_refresh(ctk, ct, p, *ct_timeouts_of(ct, &ctk->conf.icmp_timeout));
	return CT_PROTO_ACCEPT;
}

/* icmp_print: "type=8 code=0 id=77 ". */
static void icmp_print(const struct ct_tuple *t, struct text *out)
{
	uint8_t bytes[2];

	memcpy(bytes, &t->dst_key, 2);
	text_printf(out, "type=%u code=%u id=%u ", bytes[0], bytes[1], ntohs(t->src_key));
}

const struct ct_proto ct_proto_icmp = {
	.proto = IP_PROTO_ICMP,
	.name = "icmp",
	.tuple = icmp_tuple,
	.invert = icmp_invert,
	.packet = icmp_packet,
	.print_tuple = icmp_print,
};
