/* proto.c - the registry of protocol trackers, what several share, and the log of invalid packets.
 *
 * To add one: write proto_NAME.c with its registration struct, declare it in proto.h, add its row here.
 */
#include "conntrack/proto_common.h"
#include "netstack/packet_log.h"

#include <arpa/inet.h>

static const struct ct_proto *const trackers[256] = {
	[IP_PROTO_TCP] = &ct_proto_tcp,   [IP_PROTO_UDP] = &ct_proto_udp,   [IP_PROTO_UDPLITE] = &ct_proto_udplite,
	[IP_PROTO_ICMP] = &ct_proto_icmp, [IP_PROTO_GRE] = &ct_proto_gre,   [IP_PROTO_SCTP] = &ct_proto_sctp,
	[IP_PROTO_DCCP] = &ct_proto_dccp,
};

const struct ct_proto *ct_proto_find(uint8_t proto)
{
	return trackers[proto] ? trackers[proto] : &ct_proto_generic;
}

const char *ct_proto_name(uint8_t proto)
{
	return ct_proto_find(proto)->name;
}

bool ct_ports_tuple(struct conntrack *ctk, const uint8_t *l4, uint32_t len, struct ct_tuple *t)
{
	(void)ctk;
	if (len < 4)
		return false;
	memcpy(&t->src_key, l4, 2);
	memcpy(&t->dst_key, l4 + 2, 2);
	return true;
}

void ct_ports_print(const struct ct_tuple *t, struct text *out)
{
	text_printf(out, "sport=%u dport=%u ", ntohs(t->src_key), ntohs(t->dst_key));
}

/* log_reason: the line of ct_log_invalid. Linux does not limit how many there are: it is off by default. */
static void log_reason(struct conntrack *ctk, const struct pkt *p, const struct hook_state *st, const char *format,
		       va_list args)
{
	char prefix[160];
	struct text t;

	if (ctk->conf.log_invalid != p->hdr.proto && ctk->conf.log_invalid != 255)
		return;
	t = text_over(prefix, sizeof prefix);
	text_printf(&t, "nf_ct_proto_%u: ", p->hdr.proto);
	text_vprintf(&t, format, args);
	text_puts(&t, " ");
	packet_log(ctk->ns, LOG_LEVEL_NOTICE, prefix, p, st->in, st->out, PACKET_LOG_DEFAULT);
}

void ct_log_invalid(struct conntrack *ctk, const struct pkt *p, const struct hook_state *st, const char *format, ...)
{
	va_list args;

	if (!ctk->conf.log_invalid)
		return;
	va_start(args, format);
	log_reason(ctk, p, st, format, args);
	va_end(args);
}

bool ct_invalid(struct conntrack *ctk, const struct pkt *p, const struct hook_state *st, const char *format, ...)
{
	va_list args;

	if (!ctk->conf.log_invalid)
		return false;
	va_start(args, format);
	log_reason(ctk, p, st, format, args);
	va_end(args);
	return false;
}
