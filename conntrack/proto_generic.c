/* proto_generic.c - every protocol without a tracker of its own: one flow per pair of addresses.
 *
 * Linux parity: nf_conntrack_proto_generic.c.
 */
#include "conntrack/proto_common.h"

/* generic_tuple: no keys. */
static bool generic_tuple(struct conntrack *ctk, const uint8_t *l4, uint32_t len, struct ct_tuple *t)
{
	(void)ctk;
	(void)l4;
	(void)len;
	(void)t;
	return true;
}

/* generic_packet: one timeout; never ASSURED. */
static enum ct_proto_verdict generic_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p, enum ct_dir dir,
					    const struct hook_state *st)
{
	(void)dir;
	(void)st;
	ct_refresh(ctk, ct, p, *ct_timeouts_of(ct, &ctk->conf.generic_timeout));
	return CT_PROTO_ACCEPT;
}

const struct ct_proto ct_proto_generic = {
	.proto = 0,
	.name = "unknown",
	.allow_clash = true,
	.tuple = generic_tuple,
	.packet = generic_packet,
};
