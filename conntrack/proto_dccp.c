/* proto_dccp.c - the DCCP tracker (RFC 4340): a matrix of packet types for the client and for the server.
 *
 * Overview
 *   matrix[role][type][state] gives the next state, or "ignore" (it may belong to a connection that the ends know better
 *   than we), or "invalid". Roles are not directions: after TIMEWAIT the server may begin, and is the client then.
 *
 * Invariants
 *   1. An ignored packet changes neither state nor timeout nor counters.
 *   2. ASSURED is set only by an ACK of the very RESPONSE that was seen.
 *
 * Linux parity: nf_conntrack_proto_dccp.c as it was until Linux 6.15; 6.18 has it no longer. Where a packet covers only
 * part of its data with the checksum, the header's part counts as in RFC 4340 9.2.
 */
#include "conntrack/proto_common.h"

#include <arpa/inet.h>

/* RFC 4340 5.1. */
enum {
	DCCP_REQUEST, DCCP_RESPONSE, DCCP_DATA, DCCP_ACK, DCCP_DATAACK, DCCP_CLOSEREQ, DCCP_CLOSE, DCCP_RESET, DCCP_SYNC,
	DCCP_SYNCACK, DCCP_TYPES,
};
enum { CLIENT, SERVER, ROLES };
enum { DCCP_HLEN = 12, DCCP_HLEN_LONG = 16 }; /* with sequence numbers of 24 and of 48 bits */

enum {
	NON = CT_DCCP_NONE, REQ = CT_DCCP_REQUEST, RES = CT_DCCP_RESPOND, PAR = CT_DCCP_PARTOPEN, OPE = CT_DCCP_OPEN,
	CRQ = CT_DCCP_CLOSEREQ, CLG = CT_DCCP_CLOSING, TWA = CT_DCCP_TIMEWAIT, INV = CT_DCCP_STATES, IGN,
};

static const uint8_t matrix[ROLES][DCCP_TYPES][CT_DCCP_STATES] = {
	[CLIENT] = {
		/*                  NON  REQ  RES  PAR  OPE  CRQ  CLG  TWA */
		[DCCP_REQUEST]  = { REQ, REQ, RES, IGN, IGN, IGN, IGN, REQ }, /* opens, again, or anew */
		[DCCP_RESPONSE] = { INV, IGN, IGN, IGN, IGN, IGN, IGN, INV }, /* maybe of an ignored REQUEST */
		[DCCP_DATA]     = { INV, INV, INV, INV, OPE, CRQ, CLG, INV }, /* in PARTOPEN it must be a DATAACK */
		[DCCP_ACK]      = { INV, INV, PAR, PAR, OPE, CRQ, CLG, INV }, /* third of three */
		[DCCP_DATAACK]  = { INV, INV, PAR, PAR, OPE, CRQ, CLG, INV },
		[DCCP_CLOSEREQ] = { INV, INV, INV, INV, INV, INV, INV, INV }, /* the server's only */
		[DCCP_CLOSE]    = { INV, INV, INV, CLG, CLG, CLG, INV, INV },
		[DCCP_RESET]    = { INV, TWA, TWA, TWA, TWA, TWA, TWA, IGN },
		[DCCP_SYNC]     = { INV, IGN, IGN, IGN, IGN, IGN, IGN, IGN }, /* about sequence numbers: not tracked */
		[DCCP_SYNCACK]  = { INV, IGN, IGN, IGN, IGN, IGN, IGN, IGN },
	},
	[SERVER] = {
		/*                  NON  REQ  RES  PAR  OPE  CRQ  CLG  TWA */
		[DCCP_REQUEST]  = { INV, IGN, IGN, IGN, IGN, IGN, IGN, REQ }, /* from TIMEWAIT: it is the client now */
		[DCCP_RESPONSE] = { INV, RES, RES, IGN, IGN, IGN, IGN, INV }, /* second of three */
		[DCCP_DATA]     = { INV, INV, INV, OPE, OPE, INV, CLG, INV }, /* all is open */
		[DCCP_ACK]      = { INV, INV, INV, OPE, OPE, INV, CLG, INV },
		[DCCP_DATAACK]  = { INV, INV, INV, OPE, OPE, INV, CLG, INV },
		[DCCP_CLOSEREQ] = { INV, INV, INV, CRQ, CRQ, CRQ, CRQ, INV }, /* asks the client to close */
		[DCCP_CLOSE]    = { INV, INV, INV, CLG, CLG, INV, CLG, INV },
		[DCCP_RESET]    = { INV, TWA, TWA, TWA, TWA, TWA, TWA, TWA },
		[DCCP_SYNC]     = { INV, IGN, IGN, IGN, IGN, IGN, IGN, IGN },
		[DCCP_SYNCACK]  = { INV, IGN, IGN, IGN, IGN, IGN, IGN, IGN },
	},
};

static const char *const state_names[CT_DCCP_STATES] = {
	"NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT",
};

/* What follows the basic header by type, as the tracker reads it: a service code, an acknowledgement, both. */
static const uint8_t rest_len[DCCP_TYPES] = {
	[DCCP_REQUEST] = 4, [DCCP_RESPONSE] = 12, [DCCP_DATA] = 0,  [DCCP_ACK] = 8,  [DCCP_DATAACK] = 8,
	[DCCP_CLOSEREQ] = 8, [DCCP_CLOSE] = 8,    [DCCP_RESET] = 12, [DCCP_SYNC] = 8, [DCCP_SYNCACK] = 8,
};

const char *ct_dccp_state_name(uint8_t state)
{
	return state < CT_DCCP_STATES ? state_names[state] : "UNKNOWN";
}

/* A packet, read once, host order; numbers of 48 or 24 bits. */
struct dccp_packet {
	uint64_t seq, ack; /* ack: 0 in types without one */
	uint8_t type;
};

/* type_of: the packet type, 0..15. @h: the basic header. */
static uint8_t type_of(const uint8_t *h)
{
	return h[8] >> 1 & 15;
}

/* is_long: whether the sequence numbers have 48 bits. @h: the basic header. */
static bool is_long(const uint8_t *h)
{
	return h[8] & 1;
}

/* number48: six bytes, the most significant first. */
static uint64_t number48(const uint8_t *b)
{
	return (uint64_t)b[0] << 40 | (uint64_t)b[1] << 32 | (uint64_t)b[2] << 24 | (uint64_t)b[3] << 16 | (uint64_t)b[4] << 8 |
	       b[5];
}

/* read_packet: the numbers of a packet that dccp_check accepted. Return: false if it ends before its type's header. */
static bool read_packet(const struct pkt *p, struct dccp_packet *out)
{
	const uint8_t *h = p->data + p->hdr.l4;
	uint32_t hlen = is_long(h) ? DCCP_HLEN_LONG : DCCP_HLEN;

	out->type = type_of(h);
	if (pkt_l4_len(p) < hlen + rest_len[out->type])
		return false;
	out->seq = is_long(h) ? number48(h + 10) : (uint64_t)h[9] << 16 | (uint64_t)h[10] << 8 | h[11];
	out->ack = rest_len[out->type] >= 8 ? number48(h + hlen + 2) : 0;
	return true;
}

/* checksum_right: over the pseudo header and the part that the packet says is covered (RFC 4340 9.1, 9.2). */
static bool checksum_right(const struct pkt *p, const uint8_t *h, uint32_t len)
{
	uint32_t coverage = h[5] & 15, cover = coverage ? h[4] * 4u + (coverage - 1) * 4 : len;

	if (cover > len)
		cover = len;
	return csum_fold(csum_add_bytes(csum_pseudo4(ip4_hdr(p)->src, ip4_hdr(p)->dst, IP_PROTO_DCCP, len), h, cover)) == 0;
}

/* dccp_check: header length, checksum, type. */
static bool dccp_check(struct conntrack *ctk, struct pkt *p, const struct hook_state *st)
{
	static const uint16_t must_be_long = 1u << DCCP_REQUEST | 1u << DCCP_RESPONSE | 1u << DCCP_CLOSEREQ |
					     1u << DCCP_CLOSE | 1u << DCCP_RESET | 1u << DCCP_SYNC | 1u << DCCP_SYNCACK;
	const uint8_t *h = pkt_l4(p, DCCP_HLEN);
	uint32_t len = pkt_l4_len(p);

	if (!h)
		return false;
	if (h[4] * 4u < DCCP_HLEN || h[4] * 4u > len)
		return ct_invalid(ctk, p, st, "nf_ct_dccp: truncated/malformed packet ");
	if ((h[5] & 15) && ((h[5] & 15) - 1) * 4u > len)
		return ct_invalid(ctk, p, st, "nf_ct_dccp: bad checksum coverage ");
	if (ct_checksum_wanted(ctk, p, st)) {
		if (!checksum_right(p, h, len))
			return ct_invalid(ctk, p, st, "nf_ct_dccp: bad checksum ");
		p->csum = CSUM_OK;
	}
	if (type_of(h) >= DCCP_TYPES)
		return ct_invalid(ctk, p, st, "nf_ct_dccp: reserved packet type ");
	if (must_be_long >> type_of(h) & 1 && !is_long(h))
		return ct_invalid(ctk, p, st, "nf_ct_dccp: type lacks 48bit sequence numbers");
	return true;
}

/* begin: the first packet of a new entry: only a REQUEST opens one. */
static bool begin(struct conntrack *ctk, struct ct_dccp *d, const struct pkt *p, const struct hook_state *st, uint8_t type)
{
	if (matrix[CLIENT][type][NON] != REQ)
		return ct_invalid(ctk, p, st, "invalid state transition");
	*d = (struct ct_dccp){ .role = { CLIENT, SERVER }, .last_type = DCCP_REQUEST, .last_dir = CT_ORIGINAL };
	return true;
}

/* resync: whether a RESPONSE answers the REQUEST that was ignored just before: then the ends know better, follow them. */
static bool resync(struct ct_dccp *d, enum ct_dir dir, const struct dccp_packet *in)
{
	if (in->type != DCCP_RESPONSE || d->last_type != DCCP_REQUEST || d->last_dir == dir)
		return false;
	d->role[!dir] = CLIENT;
	d->role[dir] = SERVER;
	d->handshake_seq = in->seq;
	return true;
}

/* enter: what a change of state from @old to @next means beside the state. */
static void enter(struct ct_entry *ct, enum ct_dir dir, const struct dccp_packet *in, uint8_t old, uint8_t next)
{
	struct ct_dccp *d = &ct->dccp;

	if (next == REQ && old == TWA && d->role[dir] == SERVER) {
		d->role[dir] = CLIENT;
		d->role[!dir] = SERVER;
	} else if (next == RES && old == REQ) {
		d->handshake_seq = in->seq;
	} else if (next == PAR && old == RES && in->type == DCCP_ACK && in->ack == d->handshake_seq) {
		ct_assure(ct);
	}
}

/* dccp_packet: the tracker. */
static enum ct_proto_verdict dccp_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p, enum ct_dir dir,
					 const struct hook_state *st)
{
	struct ct_dccp *d = &ct->dccp;
	struct dccp_packet in;
	uint8_t old, next;

	if (!read_packet(p, &in) || (!ct_is_confirmed(ct) && !begin(ctk, d, p, st, in.type)))
		return CT_PROTO_INVALID;
	if (in.type == DCCP_RESET && !(ct->status & CT_ST_SEEN_REPLY)) {
		/* Refused at once: no use in remembering it. */
		ct_account(ct, p);
		ct_kill(ctk, ct);
		return CT_PROTO_ACCEPT;
	}
	old = d->state;
	next = matrix[d->role[dir]][in.type][old];
	if (next == INV) {
		ct_log_invalid(ctk, p, st, "invalid state transition");
		return CT_PROTO_INVALID;
	}
	if (next == IGN && resync(d, dir, &in))
		next = RES;
	else if (next != IGN)
		enter(ct, dir, &in, old, next);
	d->last_dir = dir & 1;
	d->last_type = in.type;
	if (next == IGN) {
		ct_log_invalid(ctk, p, st, "invalid packet");
		return CT_PROTO_ACCEPT;
	}
	d->state = next;
	if (next != old)
		ct_event_add(ct, CT_EV_PROTO);
	ct_refresh(ctk, ct, p, ct_timeouts_of(ct, ctk->conf.dccp_timeout)[next]);
	return CT_PROTO_ACCEPT;
}

/* dccp_print_state: "PARTOPEN ". */
static void dccp_print_state(const struct ct_entry *ct, struct text *out)
{
	text_printf(out, "%s ", ct_dccp_state_name(ct->dccp.state));
}

/* dccp_can_early_drop: closing. */
static bool dccp_can_early_drop(const struct ct_entry *ct)
{
	return ct->dccp.state == CT_DCCP_CLOSEREQ || ct->dccp.state == CT_DCCP_CLOSING || ct->dccp.state == CT_DCCP_TIMEWAIT;
}

const struct ct_proto ct_proto_dccp = {
	.proto = IP_PROTO_DCCP,
	.name = "dccp",
	.tuple = ct_ports_tuple,
	.check = dccp_check,
	.packet = dccp_packet,
	.print_tuple = ct_ports_print,
	.print_state = dccp_print_state,
	.can_early_drop = dccp_can_early_drop,
};
