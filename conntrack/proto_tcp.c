/* proto_tcp.c - the TCP tracker: one matrix says what each kind of segment does in each state.
 *
 * Overview
 *   A segment is of one kind (RST > SYN > FIN > ACK). matrix[direction][kind][state] gives the next state, or "ignore" (the
 *   segment may belong to a connection that the ends know better than we: remember it, change nothing), or "invalid".
 *   Then the window check (proto_tcp_window.c), then the timeout.
 *
 * Invariants
 *   1. An ignored segment changes neither state nor timeout nor counters.
 *   2. ASSURED is set only by a good segment into ESTABLISHED after a reply was seen.
 *
 * Linux parity: nf_conntrack_proto_tcp.c of 6.18 (in-window RST that is not exact: CLOSE's 10 s but still ESTABLISHED).
 */
#include "conntrack/proto_tcp.h"

#include <arpa/inet.h>

/* What log lines count time in: Linux with HZ=250. */
enum { NS_PER_JIFFY = 4000000 };

/* Three letters a state; IGN and INV beside the states. */
enum {
	NON = CT_TCP_NONE, SSE = CT_TCP_SYN_SENT, SRE = CT_TCP_SYN_RECV, EST = CT_TCP_ESTABLISHED,
	FWA = CT_TCP_FIN_WAIT, CWA = CT_TCP_CLOSE_WAIT, LAC = CT_TCP_LAST_ACK, TWA = CT_TCP_TIME_WAIT,
	CLO = CT_TCP_CLOSE, SS2 = CT_TCP_SYN_SENT2, INV = CT_TCP_STATES, IGN,
};

static const uint8_t matrix[CT_DIRS][CT_TCP_INDEXES][CT_TCP_STATES] = {
	/* From the originator. */
	[CT_ORIGINAL] = {
		/*                   NON  SSE  SRE  EST  FWA  CWA  LAC  TWA  CLO  SS2 */
		[CT_TCP_I_SYN]    = { SSE, SSE, IGN, IGN, IGN, IGN, IGN, SSE, SSE, SS2 },
		/* NON: opens. SSE: again. SRE..LAC: out of sync or a retransmission: the peer will tell. TWA, CLO: reopen.
		 * SS2: retransmission in a simultaneous open. */
		[CT_TCP_I_SYNACK] = { INV, INV, SRE, INV, INV, INV, INV, INV, INV, SRE },
		/* NON, SSE: nothing to answer. SRE, SS2: second half of a simultaneous open. Else: never from here. */
		[CT_TCP_I_FIN]    = { INV, INV, FWA, FWA, LAC, LAC, LAC, TWA, CLO, INV },
		/* NON, SSE, SS2: nothing to close. SRE, EST: begins to close. FWA: the other side too. CWA: the second half.
		 * LAC: again. TWA, CLO: again, the entry stays as it is. */
		[CT_TCP_I_ACK]    = { EST, INV, EST, EST, CWA, CWA, TWA, TWA, CLO, INV },
		/* NON: picked up in the middle. SSE, SS2: no SYN+ACK yet. SRE: handshake done. FWA: the FIN is acknowledged.
		 * LAC: the last ACK. The rest: data or late ACKs. */
		[CT_TCP_I_RST]    = { INV, CLO, CLO, CLO, CLO, CLO, CLO, CLO, CLO, CLO },
		[CT_TCP_I_NONE]   = { INV, INV, INV, INV, INV, INV, INV, INV, INV, INV },
	},
	/* From the responder. */
	[CT_REPLY] = {
		/*                   NON  SSE  SRE  EST  FWA  CWA  LAC  TWA  CLO  SS2 */
		[CT_TCP_I_SYN]    = { INV, SS2, INV, INV, INV, INV, INV, SSE, INV, SS2 },
		/* NON: a reply cannot open. SSE: simultaneous open. SS2: again. TWA: the server opens the other way. */
		[CT_TCP_I_SYNACK] = { INV, SRE, IGN, IGN, IGN, IGN, IGN, IGN, IGN, SRE },
		/* SSE, SS2: the answer. Else: a retransmission, or the answer to a SYN we ignored. */
		[CT_TCP_I_FIN]    = { INV, INV, FWA, FWA, LAC, LAC, LAC, TWA, CLO, INV },
		/* As from the originator. */
		[CT_TCP_I_ACK]    = { INV, IGN, SRE, EST, CWA, CWA, TWA, TWA, CLO, IGN },
		/* SSE, SS2: maybe a challenge ACK to a SYN that reuses the ports. SRE: the originator's ACK is still missing. */
		[CT_TCP_I_RST]    = { INV, CLO, CLO, CLO, CLO, CLO, CLO, CLO, CLO, CLO },
		[CT_TCP_I_NONE]   = { INV, INV, INV, INV, INV, INV, INV, INV, INV, INV },
	},
};

static const char *const state_names[CT_TCP_STATES] = {
	"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
	"SYN_SENT2",
};

/* The legal combinations of the flags that count; PSH, ECE and CWR do not. */
enum { COUNTING = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK | TCP_URG };
static const bool legal[COUNTING + 1] = {
	[TCP_SYN] = true,           [TCP_SYN | TCP_URG] = true, [TCP_SYN | TCP_ACK] = true,
	[TCP_RST] = true,           [TCP_RST | TCP_ACK] = true, [TCP_FIN | TCP_ACK] = true,
	[TCP_FIN | TCP_ACK | TCP_URG] = true, [TCP_ACK] = true, [TCP_ACK | TCP_URG] = true,
};

const char *ct_tcp_state_name(uint8_t state)
{
	return state < CT_TCP_STATES ? state_names[state] : "UNKNOWN";
}

/* index_of: the kind of a segment. */
static uint8_t index_of(uint8_t flags)
{
	if (flags & TCP_RST)
		return CT_TCP_I_RST;
	if (flags & TCP_SYN)
		return flags & TCP_ACK ? CT_TCP_I_SYNACK : CT_TCP_I_SYN;
	if (flags & TCP_FIN)
		return CT_TCP_I_FIN;
	return flags & TCP_ACK ? CT_TCP_I_ACK : CT_TCP_I_NONE;
}

/* read_segment: the header of a packet that tcp_check accepted. */
static struct tcp_segment read_segment(const struct pkt *p)
{
	const struct tcp_hdr *h = (const struct tcp_hdr *)(const void *)(p->data + p->hdr.l4);
	uint32_t hlen = (uint32_t)(h->offset >> 4) * 4;
	struct tcp_segment s = {
		.seq = ntohl(h->seq),
		.ack = ntohl(h->ack),
		.window = ntohs(h->window),
		.flags = h->flags,
		.index = index_of(h->flags),
		.options_len = (uint8_t)(hlen - sizeof *h),
		.options = p->data + p->hdr.l4 + sizeof *h,
	};

	s.end = s.seq + pkt_l4_len(p) - hlen + !!(s.flags & TCP_SYN) + !!(s.flags & TCP_FIN);
	return s;
}

/* tcp_check: header length, checksum, flags. */
static bool tcp_check(struct conntrack *ctk, struct pkt *p, const struct hook_state *st)
{
	const struct tcp_hdr *h = pkt_l4(p, sizeof *h);

	if (!h)
		return false;
	if ((uint32_t)(h->offset >> 4) * 4 < sizeof *h || (uint32_t)(h->offset >> 4) * 4 > pkt_l4_len(p))
		return ct_invalid(ctk, p, st, "truncated packet");
	if (ct_checksum_wanted(ctk, p, st) && !csum_l4_verify(p))
		return ct_invalid(ctk, p, st, "bad checksum");
	if (!legal[h->flags & COUNTING])
		return ct_invalid(ctk, p, st, "invalid tcp flag combination");
	return true;
}

/* begin: the first packet of a new entry. Return: false if it cannot open one. */
static bool begin(struct tcp_walk *w)
{
	struct ct_tcp *tcp = &w->ct->tcp;
	struct ct_tcp_side *side = &tcp->seen[0];
	uint8_t state = matrix[CT_ORIGINAL][w->s.index][CT_TCP_NONE];

	if (state >= CT_TCP_STATES)
		return ct_invalid(w->ctk, w->p, w->st, "invalid new");
	if (state != CT_TCP_SYN_SENT && !w->ctk->conf.tcp_loose)
		return false;
	*tcp = (struct ct_tcp){ .last_index = CT_TCP_I_NONE };
	side->td_end = side->td_maxend = w->s.end;
	side->td_maxwin = w->s.window ? w->s.window : 1;
	if (state == CT_TCP_SYN_SENT) {
		ct_tcp_options_syn(&w->s, &tcp->flags[0], &tcp->scale[0]);
		return true;
	}
	/* Mid-stream: assume SACK, and do not trust what we have not seen. */
	side->td_maxend += side->td_maxwin;
	tcp->flags[0] = tcp->flags[1] = CT_TCP_F_SACK | CT_TCP_F_LIBERAL;
	return true;
}

/* resync: whether this SYN+ACK answers exactly the SYN we ignored: then the ends know better, follow them. */
static bool resync(struct tcp_walk *w)
{
	struct ct_tcp *tcp = &w->ct->tcp;
	struct ct_tcp_side *side = &tcp->seen[tcp->last_dir];

	if (w->s.index != CT_TCP_I_SYNACK || tcp->last_index != CT_TCP_I_SYN || tcp->last_dir == w->dir ||
	    w->s.ack != tcp->last_end)
		return false;
	side->td_end = side->td_maxend = tcp->last_end;
	side->td_maxwin = tcp->last_win ? tcp->last_win : 1;
	tcp->scale[tcp->last_dir] = tcp->last_wscale;
	tcp->last_flags &= (uint8_t)~CT_TCP_F_CHALLENGE_ACK;
	tcp->flags[tcp->last_dir] = tcp->last_flags;
	tcp->seen[w->dir] = (struct ct_tcp_side){ 0 };
	tcp->flags[w->dir] &= CT_TCP_F_LIBERAL;
	tcp->scale[w->dir] = 0;
	return true;
}

/* ignore: remembers a segment that must not move the state. @old: state now. */
static void ignore(struct tcp_walk *w, uint8_t old)
{
	struct ct_tcp *tcp = &w->ct->tcp;

	tcp->last_index = w->s.index;
	tcp->last_dir = w->dir;
	tcp->last_seq = w->s.seq;
	tcp->last_end = w->s.end;
	tcp->last_win = w->s.window;
	if (w->s.index == CT_TCP_I_SYN && w->dir == CT_ORIGINAL) {
		tcp->last_flags = tcp->last_wscale = 0;
		ct_tcp_options_syn(&w->s, &tcp->last_flags, &tcp->last_wscale);
		if (old == CT_TCP_LAST_ACK)
			tcp->last_flags |= CT_TCP_F_CHALLENGE_ACK;
	}
	if (old == CT_TCP_SYN_SENT && w->s.index == CT_TCP_I_ACK && w->dir == CT_REPLY)
		tcp->last_ack = w->s.ack;
	ct_log_invalid(w->ctk, w->p, w->st, "packet (index %u) in dir %u ignored, state %s", w->s.index, w->dir,
		       state_names[old]);
}

/* is_closing: states in which the ports may have been reused already. */
static bool is_closing(uint8_t state)
{
	return state == CT_TCP_FIN_WAIT || state == CT_TCP_CLOSE_WAIT || state == CT_TCP_LAST_ACK ||
	       state == CT_TCP_TIME_WAIT || state == CT_TCP_CLOSE;
}

/* is_open: ESTABLISHED and ASSURED. */
static bool is_open(const struct ct_entry *ct)
{
	return ct->tcp.state == CT_TCP_ESTABLISHED && ct->status & CT_ST_ASSURED;
}

enum rst_fate { RST_CHECK, RST_STRAIGHT, RST_BAD };

/* rst_answers_ignored: a RST for a SYN, an ACK or a challenge ACK that we had let through. */
static bool rst_answers_ignored(const struct tcp_walk *w, uint8_t old)
{
	const struct ct_tcp *tcp = &w->ct->tcp;

	if (((w->ct->status & CT_ST_SEEN_REPLY && tcp->last_index == CT_TCP_I_SYN && tcp->last_dir != w->dir) ||
	     (!(w->ct->status & CT_ST_ASSURED) && tcp->last_index == CT_TCP_I_ACK)) &&
	    w->s.ack == tcp->last_end)
		return true;
	return old == CT_TCP_SYN_SENT && tcp->last_index == CT_TCP_I_ACK && tcp->last_dir == CT_REPLY &&
	       w->s.seq == tcp->last_ack;
}

/* judge_rst: what a RST may do (RFC 5961 3.2). *next is CLOSE, or the old state where the RST is in the window but not
 * exact: the receiver will ask with a challenge ACK. Return: check the window, accept without, or INVALID. */
static enum rst_fate judge_rst(struct tcp_walk *w, uint8_t old, uint8_t *next)
{
	struct ct_tcp *tcp = &w->ct->tcp;
	uint32_t maxack = tcp->seen[!w->dir].td_maxack;

	if (is_closing(old))
		return RST_STRAIGHT;
	if (tcp->flags[!w->dir] & CT_TCP_F_MAXACK && tcp->last_index != CT_TCP_I_SYN) {
		if (w->s.seq == 0 && !is_open(w->ct))
			return RST_CHECK;
		if (ct_tcp_before(w->s.seq, maxack) && !w->ctk->conf.tcp_ignore_invalid_rst) {
			ct_log_invalid(w->ctk, w->p, w->st, "invalid rst");
			return RST_BAD;
		}
		if (!is_open(w->ct) || w->s.seq == maxack)
			return RST_CHECK;
		/* The last segment of the same train: its end is where the RST sits. */
		if (tcp->last_index == CT_TCP_I_ACK && tcp->last_dir == w->dir && w->s.seq == tcp->last_end)
			return RST_CHECK;
		*next = old;
	}
	return rst_answers_ignored(w, old) ? RST_STRAIGHT : RST_CHECK;
}

/* shorten: FIN or RST out of the window from both sides in turn: the connection is probably dead, do not keep it for
 * days (Linux nf_tcp_handle_invalid). */
static void shorten(struct tcp_walk *w)
{
	const uint64_t *timeouts = ct_timeouts_of(w->ct, w->ctk->conf.tcp_timeout);
	struct ct_tcp *tcp = &w->ct->tcp;
	uint64_t left = ct_remaining(w->ctk, w->ct), unacked = timeouts[CT_TCP_UNACKNOWLEDGED];

	if (!(w->ct->status & CT_ST_ASSURED) || w->ct->status & CT_ST_FIXED_TIMEOUT)
		return;
	if (w->s.index != CT_TCP_I_RST && w->s.index != CT_TCP_I_FIN)
		return;
	if (tcp->last_dir == w->dir || (tcp->last_index != CT_TCP_I_FIN && tcp->last_index != CT_TCP_I_RST)) {
		tcp->last_index = w->s.index;
		tcp->last_dir = w->dir;
		return;
	}
	/* In whole jiffies: what was refreshed within this one has lost nothing yet. */
	if (left + NS_PER_JIFFY <= 120 * NS_PER_SECOND || left <= unacked)
		return;
	ct_log_invalid(w->ctk, w->p, w->st, "packet (index %u, dir %u) response for index %u lower timeout to %u", w->s.index,
		       w->dir, tcp->last_index, (unsigned)(unacked / NS_PER_JIFFY));
	ct_refresh(w->ctk, w->ct, NULL, unacked);
}

/* timeout_for: the first rule that applies and is shorter than the state's own. */
static uint64_t timeout_for(const struct tcp_walk *w, const uint64_t *timeouts, uint8_t state)
{
	const struct ct_tcp *tcp = &w->ct->tcp;
	uint64_t own = timeouts[state], retrans = timeouts[CT_TCP_MAX_RETRANS];

	if (tcp->retrans >= w->ctk->conf.tcp_max_retrans && own > retrans)
		return retrans;
	if (w->s.index == CT_TCP_I_RST)
		return timeouts[CT_TCP_CLOSE];
	if ((tcp->flags[0] | tcp->flags[1]) & CT_TCP_F_UNACKED && own > timeouts[CT_TCP_UNACKNOWLEDGED])
		return timeouts[CT_TCP_UNACKNOWLEDGED];
	if (!tcp->last_win && own > retrans)
		return retrans;
	return own;
}

/* accept: a good segment: state, events, ASSURED, timeout. @old: the state before. */
static void accept_segment(struct tcp_walk *w, uint8_t old, uint8_t next)
{
	const uint64_t *timeouts = ct_timeouts_of(w->ct, w->ctk->conf.tcp_timeout);
	struct ct_entry *ct = w->ct;
	uint64_t timeout;

	ct->tcp.last_index = w->s.index;
	ct->tcp.last_dir = w->dir;
	ct->tcp.state = next;
	if (old != next) {
		if (next == CT_TCP_FIN_WAIT)
			ct->tcp.flags[w->dir] |= CT_TCP_F_CLOSE_INIT;
		ct_event_add(ct, CT_EV_PROTO);
	}
	timeout = timeout_for(w, timeouts, next);
	if (!(ct->status & CT_ST_SEEN_REPLY)) {
		if (w->s.flags & TCP_RST) {
			/* Refused at once: no use in remembering it. */
			ct_account(ct, w->p);
			ct_kill(w->ctk, ct);
			return;
		}
		if (w->s.index == CT_TCP_I_SYN && old == CT_TCP_SYN_SENT)
			return; /* a client that keeps trying must not keep the entry (and its NAT) for ever */
		if (next == CT_TCP_ESTABLISHED && timeout > timeouts[CT_TCP_UNACKNOWLEDGED])
			timeout = timeouts[CT_TCP_UNACKNOWLEDGED];
	} else if ((old == CT_TCP_SYN_RECV || old == CT_TCP_ESTABLISHED) && next == CT_TCP_ESTABLISHED) {
		ct_assure(ct);
	}
	ct_refresh(w->ctk, ct, w->p, timeout);
}

/* may_reopen: a SYN on a closed entry starts afresh if one side is known to have begun closing, or the last thing we saw
 * was its own RST. */
static bool may_reopen(const struct tcp_walk *w)
{
	const struct ct_tcp *tcp = &w->ct->tcp;

	return (tcp->flags[0] | tcp->flags[1]) & CT_TCP_F_CLOSE_INIT ||
	       (tcp->last_dir == w->dir && tcp->last_index == CT_TCP_I_RST);
}

enum step { STEP_GO_ON, STEP_IN_WINDOW, STEP_DONE, STEP_INVALID, STEP_REPEAT };

/* ignored_or_resync: a segment that the matrix ignores. *old, *next change when it resynchronises. */
static enum step ignored_or_resync(struct tcp_walk *w, uint8_t *old, uint8_t *next)
{
	if (resync(w)) {
		*old = CT_TCP_SYN_SENT;
		*next = CT_TCP_SYN_RECV;
		return STEP_GO_ON;
	}
	ignore(w, *old);
	return STEP_DONE;
}

/* proxy_keepalive: whether a client of -j SYNPROXY probes while the SYN to the server, or its answer, is lost: the segment
 * belongs to the connection, so that another SYN can be sent. */
static bool proxy_keepalive(const struct tcp_walk *w, uint8_t old)
{
	const struct ct_tcp *tcp = &w->ct->tcp;

	return w->ct->extra && w->ct->extra->synproxy.on && old == CT_TCP_SYN_SENT && w->s.index == CT_TCP_I_ACK &&
	       w->dir == CT_ORIGINAL && tcp->last_dir == CT_ORIGINAL &&
	       tcp->seen[CT_ORIGINAL].td_end - 1 == w->s.seq;
}

/* special: the cases that the matrix alone cannot say. */
static enum step special(struct tcp_walk *w, uint8_t *old, uint8_t *next)
{
	struct ct_tcp *tcp = &w->ct->tcp;

	switch (*next) {
	case CT_TCP_SYN_SENT:
		if (*old < CT_TCP_TIME_WAIT)
			break;
		if (may_reopen(w) && ct_kill(w->ctk, w->ct))
			return STEP_REPEAT;
		return ignored_or_resync(w, old, next);
	case IGN:
		return ignored_or_resync(w, old, next);
	case INV:
		if (proxy_keepalive(w, *old))
			return STEP_DONE;
		ct_log_invalid(w->ctk, w->p, w->st, "packet (index %u) in dir %u invalid, state %s", w->s.index, w->dir,
			       state_names[*old]);
		return STEP_INVALID;
	case CT_TCP_TIME_WAIT:
		if (*old == CT_TCP_LAST_ACK && w->s.index == CT_TCP_I_ACK && tcp->last_dir != w->dir &&
		    tcp->last_index == CT_TCP_I_SYN && tcp->last_flags & CT_TCP_F_CHALLENGE_ACK) {
			tcp->last_flags &= (uint8_t)~CT_TCP_F_CHALLENGE_ACK;
			ct_log_invalid(w->ctk, w->p, w->st, "challenge-ack ignored");
			return STEP_DONE;
		}
		break;
	case CT_TCP_SYN_SENT2:
		tcp->last_flags |= CT_TCP_F_SIMULTANEOUS;
		break;
	case CT_TCP_SYN_RECV:
		if (w->dir == CT_REPLY && w->s.index == CT_TCP_I_ACK && tcp->last_flags & CT_TCP_F_SIMULTANEOUS)
			*next = CT_TCP_ESTABLISHED;
		break;
	case CT_TCP_CLOSE:
		if (w->s.index != CT_TCP_I_RST)
			break;
		switch (judge_rst(w, *old, next)) {
		case RST_BAD:
			return STEP_INVALID;
		case RST_STRAIGHT:
			return STEP_IN_WINDOW;
		case RST_CHECK:
			break;
		}
		break;
	default:
		break;
	}
	return STEP_GO_ON;
}

/* tcp_packet: the tracker. */
static enum ct_proto_verdict tcp_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p, enum ct_dir dir,
					const struct hook_state *st)
{
	struct tcp_walk w = { ctk, ct, p, st, dir, read_segment(p) };
	uint8_t old, next;

	if (!ct_is_confirmed(ct) && !begin(&w))
		return CT_PROTO_INVALID;
	old = ct->tcp.state;
	next = matrix[dir][w.s.index][old];
	switch (special(&w, &old, &next)) {
	case STEP_DONE:
		return CT_PROTO_ACCEPT;
	case STEP_INVALID:
		return CT_PROTO_INVALID;
	case STEP_REPEAT:
		return CT_PROTO_REPEAT;
	case STEP_GO_ON:
		switch (ct_tcp_window_check(&w)) {
		case CT_TCP_W_IGNORE:
			return CT_PROTO_ACCEPT;
		case CT_TCP_W_INVALID:
			shorten(&w);
			return CT_PROTO_INVALID;
		case CT_TCP_W_ACCEPT:
			break;
		}
		break;
	case STEP_IN_WINDOW:
		break;
	}
	accept_segment(&w, old, next);
	return CT_PROTO_ACCEPT;
}

/* tcp_print_state: "ESTABLISHED ". */
static void tcp_print_state(const struct ct_entry *ct, struct text *out)
{
	text_printf(out, "%s ", ct_tcp_state_name(ct->tcp.state));
}

/* tcp_can_early_drop: closing. */
static bool tcp_can_early_drop(const struct ct_entry *ct)
{
	return is_closing(ct->tcp.state);
}

const struct ct_proto ct_proto_tcp = {
	.proto = IP_PROTO_TCP,
	.name = "tcp",
	.tuple = ct_ports_tuple,
	.check = tcp_check,
	.packet = tcp_packet,
	.print_tuple = ct_ports_print,
	.print_state = tcp_print_state,
	.can_early_drop = tcp_can_early_drop,
};
