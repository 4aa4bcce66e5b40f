/* proto_tcp.h - what the state machine and the window tracking of TCP share. */
#ifndef CONNTRACK_PROTO_TCP_H
#define CONNTRACK_PROTO_TCP_H

#include "conntrack/proto_common.h"

/* What is known of one side (ct_tcp.flags) or remembered of an ignored SYN (ct_tcp.last_flags). */
enum ct_tcp_flag {
	CT_TCP_F_WSCALE = 1,         /* offered window scaling */
	CT_TCP_F_SACK = 2,           /* offered selective acknowledgement */
	CT_TCP_F_CLOSE_INIT = 4,     /* began to close */
	CT_TCP_F_LIBERAL = 8,        /* no window check: picked up in the middle */
	CT_TCP_F_UNACKED = 16,       /* has sent data that is not acknowledged */
	CT_TCP_F_MAXACK = 32,        /* td_maxack is valid */
	CT_TCP_F_CHALLENGE_ACK = 64, /* last_flags: an ignored SYN may be answered with a challenge ACK (RFC 5961) */
	CT_TCP_F_SIMULTANEOUS = 128, /* last_flags: both sides sent a SYN */
};

/* Kinds of segments: which row of the state matrix. */
enum ct_tcp_index {
	CT_TCP_I_SYN, CT_TCP_I_SYNACK, CT_TCP_I_FIN, CT_TCP_I_ACK, CT_TCP_I_RST, CT_TCP_I_NONE, CT_TCP_INDEXES,
};

/* A segment, read once, host order. */
struct tcp_segment {
	uint32_t seq, ack, end; /* end: seq + length + SYN + FIN */
	uint16_t window;
	uint8_t flags;
	uint8_t index; /* enum ct_tcp_index */
	uint8_t options_len;
	const uint8_t *options;
};

enum ct_tcp_window { CT_TCP_W_ACCEPT, CT_TCP_W_IGNORE, CT_TCP_W_INVALID };

/* One place where a packet is being looked at. */
struct tcp_walk {
	struct conntrack *ctk;
	struct ct_entry *ct;
	struct pkt *p;
	const struct hook_state *st;
	enum ct_dir dir;
	struct tcp_segment s;
};

/* ct_tcp_before, ct_tcp_after: comparison of sequence numbers (RFC 1982). */
static inline bool ct_tcp_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}
static inline bool ct_tcp_after(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a) < 0;
}

/* ct_tcp_window_check: whether the segment fits the windows, and what it teaches about them. */
enum ct_tcp_window ct_tcp_window_check(struct tcp_walk *w);

/* ct_tcp_options_syn: window scale and SACK permission offered by a SYN: *flags gets CT_TCP_F_WSCALE and _SACK on top of
 * _LIBERAL if that was set, *scale the shift (at most 14). A SYN without any option leaves both as they are. */
void ct_tcp_options_syn(const struct tcp_segment *s, uint8_t *flags, uint8_t *scale);

#endif
