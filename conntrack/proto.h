/* proto.h - what a protocol tracker gives: one file per protocol, one registration struct each. */
#ifndef CONNTRACK_PROTO_H
#define CONNTRACK_PROTO_H

#include "conntrack/conntrack.h"

enum ct_proto_verdict {
	CT_PROTO_ACCEPT,
	CT_PROTO_INVALID, /* the packet loses its entry and is INVALID */
	CT_PROTO_REPEAT,  /* the entry was killed: look up again */
};

struct ct_proto {
	uint8_t proto;       /* 0 = generic */
	const char *name;    /* in /proc; "unknown" for generic */
	bool allow_clash;    /* clash resolution at confirm */
	/* Fills keys from @len bytes at the L4 header. Return: false if it has no tuple. */
	bool (*tuple)(struct conntrack *ctk, const uint8_t *l4, uint32_t len, struct ct_tuple *t);
	/* Inverts keys (addresses and zone are done). NULL: swap. */
	bool (*invert)(const struct ct_tuple *t, struct ct_tuple *out);
	/* Header and checksum; before the lookup. Return: false = INVALID. */
	bool (*check)(struct conntrack *ctk, struct pkt *p, const struct hook_state *st);
	/* A packet on its entry, @dir its direction, ct fresh if unconfirmed and first. */
	enum ct_proto_verdict (*packet)(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p, enum ct_dir dir,
					const struct hook_state *st);
	/* Keys as text, e.g. "sport=1 dport=2 ". NULL: nothing. */
	void (*print_tuple)(const struct ct_tuple *t, struct text *out);
	/* State as text after the timeout in /proc, e.g. "ESTABLISHED "; NULL: nothing. */
	void (*print_state)(const struct ct_entry *ct, struct text *out);
	/* Whether the entry may be sacrificed early although ASSURED (closing states). NULL: no. */
	bool (*can_early_drop)(const struct ct_entry *ct);
};

/* ct_proto_find: the tracker of an L4 protocol; the generic one if it has none. Never NULL. */
const struct ct_proto *ct_proto_find(uint8_t proto);

/* ct_proto_has_ports: whether the keys of its tuples are ports. */
static inline bool ct_proto_has_ports(uint8_t proto)
{
	return proto == IP_PROTO_TCP || proto == IP_PROTO_UDP || proto == IP_PROTO_UDPLITE || proto == IP_PROTO_SCTP ||
	       proto == IP_PROTO_DCCP;
}

extern const struct ct_proto ct_proto_tcp, ct_proto_udp, ct_proto_udplite, ct_proto_icmp, ct_proto_gre, ct_proto_sctp,
	ct_proto_dccp, ct_proto_generic;

/* ct_log_invalid: a log line "nf_ct_proto_N: REASON IN=..." if nf_conntrack_log_invalid asks for this protocol's.
 * @format: printf; the reason in Linux's words. */
void ct_log_invalid(struct conntrack *ctk, const struct pkt *p, const struct hook_state *st, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

enum ct_tcp_state {
	CT_TCP_NONE, CT_TCP_SYN_SENT, CT_TCP_SYN_RECV, CT_TCP_ESTABLISHED, CT_TCP_FIN_WAIT, CT_TCP_CLOSE_WAIT,
	CT_TCP_LAST_ACK, CT_TCP_TIME_WAIT, CT_TCP_CLOSE, CT_TCP_SYN_SENT2, CT_TCP_STATES,
	CT_TCP_MAX_RETRANS = CT_TCP_STATES, CT_TCP_UNACKNOWLEDGED, CT_TCP_TIMEOUTS,
};
enum ct_sctp_state {
	CT_SCTP_NONE, CT_SCTP_CLOSED, CT_SCTP_COOKIE_WAIT, CT_SCTP_COOKIE_ECHOED, CT_SCTP_ESTABLISHED,
	CT_SCTP_SHUTDOWN_SENT, CT_SCTP_SHUTDOWN_RECD, CT_SCTP_SHUTDOWN_ACK_SENT, CT_SCTP_HEARTBEAT_SENT, CT_SCTP_STATES,
};
enum ct_dccp_state {
	CT_DCCP_NONE, CT_DCCP_REQUEST, CT_DCCP_RESPOND, CT_DCCP_PARTOPEN, CT_DCCP_OPEN, CT_DCCP_CLOSEREQ, CT_DCCP_CLOSING,
	CT_DCCP_TIMEWAIT, CT_DCCP_STATES,
};
_Static_assert(CT_TCP_TIMEOUTS <= 16, "ct_conf.tcp_timeout holds them");

#endif
