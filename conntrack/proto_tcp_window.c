/* proto_tcp_window.c - does a segment fit the windows that both sides have shown?
 *
 * Overview
 *   Per side: td_end (highest sequence number sent + 1), td_maxend (highest the peer allows), td_maxwin, td_maxack. A
 *   segment is checked against four bounds (I..IV of the paper). Three outcomes: accept and learn, INVALID, or ignore:
 *   it belongs to the connection but must not move its state (an old retransmission).
 *
 * Linux parity: tcp_in_window, tcp_options, tcp_sack, tcp_init_sender, nf_tcp_log_invalid of nf_conntrack_proto_tcp.c.
 */
#include "conntrack/proto_tcp.h"

enum { MAX_ACK_WINDOW = 66000, MAX_SCALE = 14 };

/* option_next: steps through TCP options. @at: offset of the option looked at last plus its length. Return: its kind with
 * *len and *body set, or TCP_OPT_END at the end or at a malformed one. */
static uint8_t option_next(const struct tcp_segment *s, uint32_t *at, const uint8_t **body, uint32_t *len)
{
	while (*at < s->options_len) {
		uint8_t kind = s->options[*at];

		if (kind == TCP_OPT_END)
			break;
		if (kind == TCP_OPT_NOP) {
			++*at;
			continue;
		}
		if (s->options_len - *at < 2)
			break;
		*len = s->options[*at + 1];
		if (*len < 2 || *len > s->options_len - *at)
			break;
		*body = s->options + *at + 2;
		*at += *len;
		*len -= 2;
		return kind;
	}
	return TCP_OPT_END;
}

void ct_tcp_options_syn(const struct tcp_segment *s, uint8_t *flags, uint8_t *scale)
{
	const uint8_t *body;
	uint32_t at = 0, len;
	uint8_t kind;

	if (!s->options_len)
		return; /* says nothing, so what is known stays */
	*flags &= CT_TCP_F_LIBERAL;
	*scale = 0;
	while ((kind = option_next(s, &at, &body, &len)) != TCP_OPT_END) {
		if (kind == TCP_OPT_SACK_PERM && len == 0) {
			*flags |= CT_TCP_F_SACK;
		} else if (kind == TCP_OPT_WSCALE && len == 1) {
			*scale = body[0] < MAX_SCALE ? body[0] : MAX_SCALE;
			*flags |= CT_TCP_F_WSCALE;
		}
	}
}

/* highest_sack: the highest right edge of the blocks of the first SACK option, not below @ack (RFC 2018). */
static uint32_t highest_sack(const struct tcp_segment *s, uint32_t ack)
{
	const uint8_t *body;
	uint32_t at = 0, len;
	uint8_t kind;

	if (!s->options_len)
		return ack;
	while ((kind = option_next(s, &at, &body, &len)) != TCP_OPT_END) {
		if (kind != TCP_OPT_SACK || !len || len % 8)
			continue;
		for (uint32_t i = 0; i < len; i += 8) {
			const uint8_t *e = body + i + 4;
			uint32_t edge = (uint32_t)e[0] << 24 | (uint32_t)e[1] << 16 | (uint32_t)e[2] << 8 | e[3];

			if (ct_tcp_after(edge, ack))
				ack = edge;
		}
		break;
	}
	return ack;
}

/* refuse: a bound is violated: says so, unless the connection or the router is liberal. @why: a printf format with %u for
 * @number, the bound. Return: @otherwise or accept. */
static enum ct_tcp_window __attribute__((format(printf, 3, 0)))
refuse(struct tcp_walk *w, enum ct_tcp_window otherwise, const char *why, uint32_t number)
{
	if (w->ct->tcp.flags[w->dir] & CT_TCP_F_LIBERAL || w->ctk->conf.tcp_be_liberal)
		return CT_TCP_W_ACCEPT;
	ct_log_invalid(w->ctk, w->p, w->st, why, number);
	return otherwise;
}

/* init_sender: a SYN or SYN+ACK says where a side begins. */
static void init_sender(struct tcp_walk *w)
{
	struct ct_tcp *tcp = &w->ct->tcp;
	struct ct_tcp_side *snd = &tcp->seen[w->dir];

	snd->td_end = snd->td_maxend = w->s.end;
	snd->td_maxwin = w->s.window ? w->s.window : 1;
	ct_tcp_options_syn(&w->s, &tcp->flags[w->dir], &tcp->scale[w->dir]);
	/* RFC 7323 2.2: both sides must offer it. */
	if (w->dir == CT_REPLY && !(tcp->flags[0] & tcp->flags[1] & CT_TCP_F_WSCALE))
		tcp->scale[0] = tcp->scale[1] = 0;
}

/* init_midstream: the first segment seen of a side is in the middle of its stream. */
static void init_midstream(struct tcp_walk *w, uint32_t sack)
{
	struct ct_tcp *tcp = &w->ct->tcp;
	struct ct_tcp_side *snd = &tcp->seen[w->dir], *rcv = &tcp->seen[!w->dir];
	uint32_t win = (uint32_t)w->s.window << tcp->scale[w->dir];

	snd->td_end = w->s.end;
	snd->td_maxwin = win ? win : 1;
	snd->td_maxend = w->s.end + snd->td_maxwin;
	if (!rcv->td_maxwin)
		rcv->td_end = rcv->td_maxend = sack;
	else if (sack == rcv->td_end + 1)
		rcv->td_end++; /* the answer to a keepalive */
}

/* learn: what a fitting segment says about both sides. */
static void learn(struct tcp_walk *w, uint32_t ack, uint32_t sack)
{
	struct ct_tcp *tcp = &w->ct->tcp;
	struct ct_tcp_side *snd = &tcp->seen[w->dir], *rcv = &tcp->seen[!w->dir];
	uint32_t win = w->s.window, end = w->s.end;

	if (!(w->s.flags & TCP_SYN))
		win <<= tcp->scale[w->dir];
	if (snd->td_maxwin < win + (sack - ack))
		snd->td_maxwin = win + (sack - ack);
	if (ct_tcp_after(end, snd->td_end)) {
		snd->td_end = end;
		tcp->flags[w->dir] |= CT_TCP_F_UNACKED;
	}
	if (w->s.flags & TCP_ACK) {
		if (!(tcp->flags[w->dir] & CT_TCP_F_MAXACK) || ct_tcp_after(ack, snd->td_maxack))
			snd->td_maxack = ack;
		tcp->flags[w->dir] |= CT_TCP_F_MAXACK;
	}
	if (rcv->td_maxwin && ct_tcp_after(end, snd->td_maxend))
		rcv->td_maxwin += end - snd->td_maxend;
	if (ct_tcp_after(sack + win, rcv->td_maxend - 1))
		rcv->td_maxend = sack + win + (win == 0);
	if (ack == rcv->td_end)
		tcp->flags[!w->dir] &= (uint8_t)~CT_TCP_F_UNACKED;
}

/* count_retransmission: the same ACK segment again from the same side, or a new one to remember. */
static void count_retransmission(struct tcp_walk *w, uint32_t seq, uint32_t ack)
{
	struct ct_tcp *tcp = &w->ct->tcp;

	if (tcp->last_dir == w->dir && tcp->last_seq == seq && tcp->last_ack == ack && tcp->last_end == w->s.end &&
	    tcp->last_win == w->s.window) {
		tcp->retrans++; /* eight bits that wrap, as Linux's */
		return;
	}
	tcp->last_dir = w->dir;
	tcp->last_seq = seq;
	tcp->last_ack = ack;
	tcp->last_end = w->s.end;
	tcp->last_win = w->s.window;
	tcp->retrans = 0;
}

/* bounds: the four conditions; learns if all hold. @ack, @sack: after NAT's correction. */
static enum ct_tcp_window bounds(struct tcp_walk *w, uint32_t seq, uint32_t ack, uint32_t sack)
{
	struct ct_tcp *tcp = &w->ct->tcp;
	struct ct_tcp_side *snd = &tcp->seen[w->dir], *rcv = &tcp->seen[!w->dir];
	uint32_t reach = snd->td_maxwin > MAX_ACK_WINDOW ? snd->td_maxwin : MAX_ACK_WINDOW;
	bool in_window = !rcv->td_maxwin || ct_tcp_after(w->s.end, snd->td_end - rcv->td_maxwin - 1);
	bool not_too_old = ct_tcp_after(sack, rcv->td_end - reach - 1);
	bool ack_seen = ct_tcp_before(sack, rcv->td_end + 1);

	if (!ct_tcp_before(seq, snd->td_maxend + 1)) {
		uint32_t over = w->s.end - snd->td_maxend + 1;

		if (!in_window || !not_too_old || !ack_seen || over > rcv->td_maxwin)
			return refuse(w, CT_TCP_W_INVALID, "SEQ is over upper bound %u (over the window of the receiver)",
				      snd->td_maxend + 1);
		/* The sender overruns the window a little and the peer may well take it: remember, so that its ACK fits. */
		snd->td_end = w->s.end;
		tcp->flags[w->dir] |= CT_TCP_F_UNACKED;
		return refuse(w, CT_TCP_W_IGNORE, "%u bytes more than expected", over);
	}
	if (!ack_seen)
		return refuse(w, CT_TCP_W_INVALID, "ACK is over upper bound %u (ACKed data not seen yet)", rcv->td_end + 1);
	if (!in_window)
		return refuse(w, CT_TCP_W_IGNORE, "SEQ is under lower bound %u (already ACKed data retransmitted)",
			      snd->td_end - rcv->td_maxwin - 1);
	if (!not_too_old)
		return refuse(w, CT_TCP_W_IGNORE, "ignored ACK under lower bound %u (possible overly delayed)",
			      rcv->td_end - reach - 1);
	learn(w, ack, sack);
	if (w->s.index == CT_TCP_I_ACK)
		count_retransmission(w, seq, ack);
	return CT_TCP_W_ACCEPT;
}

/* starts: first segment of a side, or a SYN that begins anew. Return: whether it is a SYN that nothing more can be
 * said about (simultaneous open). */
static bool starts(struct tcp_walk *w, uint32_t sack)
{
	struct ct_tcp *tcp = &w->ct->tcp;
	struct ct_tcp_side *snd = &tcp->seen[w->dir];
	bool syn = w->s.flags & TCP_SYN, ack = w->s.flags & TCP_ACK;

	if (!snd->td_maxwin) {
		if (!syn) {
			init_midstream(w, sack);
			return false;
		}
		init_sender(w);
		return !ack;
	}
	if (syn && ct_tcp_after(w->s.end, snd->td_end) &&
	    (tcp->state == CT_TCP_SYN_SENT || tcp->state == CT_TCP_SYN_RECV)) {
		init_sender(w);
		return w->dir == CT_REPLY && !ack;
	}
	return false;
}

enum ct_tcp_window ct_tcp_window_check(struct tcp_walk *w)
{
	struct ct_tcp *tcp = &w->ct->tcp;
	struct ct_tcp_side *snd = &tcp->seen[w->dir], *rcv = &tcp->seen[!w->dir];
	uint32_t seq = w->s.seq, ack = w->s.ack, sack = ack, shift;

	if (tcp->flags[!w->dir] & CT_TCP_F_SACK)
		sack = highest_sack(&w->s, ack);
	if (w->ct->status & CT_ST_SEQ_ADJUST) {
		shift = (uint32_t)ct_seqadj_offset(w->ct, !w->dir, ack - 1);
		ack -= shift;
		sack -= shift;
	}
	if (starts(w, sack))
		return CT_TCP_W_ACCEPT;
	if (!(w->s.flags & TCP_ACK) || (w->s.flags & TCP_RST && ack == 0))
		ack = sack = rcv->td_end;
	if (w->s.flags & TCP_RST && seq == 0 && tcp->state == CT_TCP_SYN_SENT)
		seq = w->s.end = snd->td_end; /* a RST that answers a SYN */
	return bounds(w, seq, ack, sack);
}
