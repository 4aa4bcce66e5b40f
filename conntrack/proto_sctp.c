/* proto_sctp.c - the SCTP tracker (RFC 9260): a matrix of chunk types, and verification tags.
 *
 * Overview
 *   A packet carries chunks; each one in turn moves the state: matrix[direction][chunk][state]. Chunks that are not in the
 *   matrix (DATA, SACK...) keep it. Every packet must carry the verification tag that its receiver chose (8.5), with
 *   the exceptions of 8.5.1.
 *
 * Linux parity: nf_conntrack_proto_sctp.c.
 */
#include "conntrack/proto_common.h"

#include <arpa/inet.h>
#include <endian.h>

/* RFC 9260 3.2. */
enum {
	CHUNK_DATA, CHUNK_INIT, CHUNK_INIT_ACK, CHUNK_SACK, CHUNK_HEARTBEAT, CHUNK_HEARTBEAT_ACK, CHUNK_ABORT,
	CHUNK_SHUTDOWN, CHUNK_SHUTDOWN_ACK, CHUNK_ERROR, CHUNK_COOKIE_ECHO, CHUNK_COOKIE_ACK,
	CHUNK_SHUTDOWN_COMPLETE = 14,
};
enum { CHUNK_FLAG_T = 1, SCTP_HLEN = 12, CHUNK_HLEN = 4, CHUNKS_IN_MATRIX = 15 };
enum { SCTP_F_HEARTBEAT_TAG = 1 }; /* ct_sctp.flags: the last heartbeat had a tag we do not know */

enum {
	NON = CT_SCTP_NONE, CLO = CT_SCTP_CLOSED, CWA = CT_SCTP_COOKIE_WAIT, CEC = CT_SCTP_COOKIE_ECHOED,
	EST = CT_SCTP_ESTABLISHED, SDS = CT_SCTP_SHUTDOWN_SENT, SDR = CT_SCTP_SHUTDOWN_RECD,
	SDA = CT_SCTP_SHUTDOWN_ACK_SENT, HBS = CT_SCTP_HEARTBEAT_SENT, INV = CT_SCTP_STATES,
};

/* Rows that are absent keep the state. */
static const uint8_t matrix[CT_DIRS][CHUNKS_IN_MATRIX][CT_SCTP_STATES] = {
	[CT_ORIGINAL] = {
		/*                          NON  CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS */
		[CHUNK_INIT]            = { CLO, CLO, CWA, CEC, EST, CLO, CLO, SDA, CWA }, /* opens, restarts after close */
		[CHUNK_INIT_ACK]        = { CLO, CLO, CWA, CEC, EST, SDS, SDR, SDA, CLO }, /* not from this side */
		[CHUNK_ABORT]           = { CLO, CLO, CLO, CLO, CLO, CLO, CLO, CLO, CLO }, /* ends all */
		[CHUNK_SHUTDOWN]        = { CLO, CLO, CWA, CEC, SDS, SDS, SDR, SDA, CLO }, /* begins to close */
		[CHUNK_SHUTDOWN_ACK]    = { SDA, CLO, CWA, CEC, EST, SDA, SDA, SDA, SDA }, /* answers SHUTDOWN */
		[CHUNK_ERROR]           = { CLO, CLO, CWA, CEC, EST, SDS, SDR, SDA, CLO }, /* no stale cookie from here */
		[CHUNK_COOKIE_ECHO]     = { CLO, CLO, CEC, CEC, EST, SDS, SDR, SDA, CLO }, /* third of four */
		[CHUNK_COOKIE_ACK]      = { CLO, CLO, CWA, EST, EST, SDS, SDR, SDA, CLO }, /* not from this side */
		[CHUNK_SHUTDOWN_COMPLETE] = { CLO, CLO, CWA, CEC, EST, SDS, SDR, CLO, CLO }, /* the end */
		[CHUNK_HEARTBEAT]       = { HBS, CLO, CWA, CEC, EST, SDS, SDR, SDA, HBS }, /* a second path opens */
		[CHUNK_HEARTBEAT_ACK]   = { CLO, CLO, CWA, CEC, EST, SDS, SDR, SDA, HBS }, /* only an answer counts */
	},
	[CT_REPLY] = {
		/*                          NON  CLO  CWA  CEC  EST  SDS  SDR  SDA  HBS */
		[CHUNK_INIT]            = { INV, CLO, CWA, CEC, EST, SDS, SDR, SDA, INV }, /* collision: keep */
		[CHUNK_INIT_ACK]        = { INV, CWA, CWA, CEC, EST, SDS, SDR, SDA, INV }, /* second of four */
		[CHUNK_ABORT]           = { INV, CLO, CLO, CLO, CLO, CLO, CLO, CLO, INV }, /* refused */
		[CHUNK_SHUTDOWN]        = { INV, CLO, CWA, CEC, SDR, SDS, SDR, SDA, INV }, /* the peer begins to close */
		[CHUNK_SHUTDOWN_ACK]    = { INV, CLO, CWA, CEC, EST, SDA, SDA, SDA, INV }, /* answers SHUTDOWN */
		[CHUNK_ERROR]           = { INV, CLO, CWA, CLO, EST, SDS, SDR, SDA, INV }, /* stale cookie: closed */
		[CHUNK_COOKIE_ECHO]     = { INV, CLO, CEC, CEC, EST, SDS, SDR, SDA, INV }, /* not from this side */
		[CHUNK_COOKIE_ACK]      = { INV, CLO, CWA, EST, EST, SDS, SDR, SDA, INV }, /* fourth of four */
		[CHUNK_SHUTDOWN_COMPLETE] = { INV, CLO, CWA, CEC, EST, SDS, SDR, CLO, INV }, /* the end */
		[CHUNK_HEARTBEAT]       = { INV, CLO, CWA, CEC, EST, SDS, SDR, SDA, HBS }, /* keep */
		[CHUNK_HEARTBEAT_ACK]   = { INV, CLO, CWA, CEC, EST, SDS, SDR, SDA, EST }, /* the second path is alive */
	},
};

static const char *const state_names[CT_SCTP_STATES] = {
	"NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
	"SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
};

const char *ct_sctp_state_name(uint8_t state)
{
	return state < CT_SCTP_STATES ? state_names[state] : "UNKNOWN";
}

/* A chunk of a packet; at == 0: none. */
struct chunk {
	uint32_t at; /* offset from the L4 header */
	uint16_t length;
	uint8_t type, flags;
};

/* One packet being looked at. */
struct sctp_walk {
	struct conntrack *ctk;
	struct ct_entry *ct;
	struct pkt *p;
	const struct hook_state *st;
	enum ct_dir dir;
	uint32_t vtag;  /* as on the wire */
	uint32_t types; /* bit per chunk type < 32 that the packet has */
	bool keep;      /* do not refresh the timeout */
};

/* chunk_at: the chunk at an offset. Return: false at the end. */
static bool chunk_at(const struct pkt *p, uint32_t at, struct chunk *c)
{
	const uint8_t *b = pkt_at(p, p->hdr.l4 + at, CHUNK_HLEN);

	if (!b)
		return false;
	*c = (struct chunk){ at, (uint16_t)(b[2] << 8 | b[3]), b[0], b[1] };
	return true;
}

/* chunk_first, chunk_next: the walk over chunks, padded to four bytes. */
static bool chunk_first(const struct pkt *p, struct chunk *c)
{
	return chunk_at(p, SCTP_HLEN, c);
}
static bool chunk_next(const struct pkt *p, struct chunk *c)
{
	return chunk_at(p, c->at + ((c->length + 3u) & ~3u), c);
}

/* has: whether the packet has a chunk of a type. */
static bool has(const struct sctp_walk *w, unsigned type)
{
	return w->types >> type & 1;
}

/* sctp_check: header and CRC32c. */
static bool sctp_check(struct conntrack *ctk, struct pkt *p, const struct hook_state *st)
{
	const uint8_t *h = pkt_l4(p, SCTP_HLEN);
	static const uint8_t zero[4];
	uint32_t crc, field;

	if (!h)
		return ct_invalid(ctk, p, st, "nf_ct_sctp: short packet ");
	if (!ct_checksum_wanted(ctk, p, st))
		return true;
	memcpy(&field, h + 8, sizeof field);
	crc = crc32c(0, h, 8);
	crc = crc32c(crc, zero, 4);
	crc = crc32c(crc, h + SCTP_HLEN, pkt_l4_len(p) - SCTP_HLEN);
	if (le32toh(field) != crc)
		return ct_invalid(ctk, p, st, "nf_ct_sctp: bad CRC ");
	p->csum = CSUM_OK;
	return true;
}

/* survey: which chunks there are; those that must be alone or first are. Return: false if malformed or none. */
static bool survey(struct sctp_walk *w)
{
	unsigned count = 0;
	bool alone = false;
	struct chunk c;

	for (bool more = chunk_first(w->p, &c); more; more = chunk_next(w->p, &c), count++) {
		if (c.type == CHUNK_INIT || c.type == CHUNK_INIT_ACK || c.type == CHUNK_SHUTDOWN_COMPLETE)
			alone = true;
		if (((c.type == CHUNK_COOKIE_ACK || c.type == CHUNK_COOKIE_ECHO || alone) && count) || !c.length)
			return ct_invalid(w->ctk, w->p, w->st, "do_basic_checks failed. chunk num %u, type %u, len %u flag %u",
					  count, c.type, htons(c.length), alone); /* as it stands in the packet */
		if (c.type < 32)
			w->types |= 1u << c.type;
	}
	return count > 0;
}

/* next_state: of a chunk; types outside the matrix keep the state. */
static uint8_t next_state(enum ct_dir dir, uint8_t state, uint8_t type)
{
	static const uint32_t known = 1u << CHUNK_INIT | 1u << CHUNK_INIT_ACK | 1u << CHUNK_ABORT | 1u << CHUNK_SHUTDOWN |
				      1u << CHUNK_SHUTDOWN_ACK | 1u << CHUNK_ERROR | 1u << CHUNK_COOKIE_ECHO |
				      1u << CHUNK_COOKIE_ACK | 1u << CHUNK_SHUTDOWN_COMPLETE | 1u << CHUNK_HEARTBEAT |
				      1u << CHUNK_HEARTBEAT_ACK;

	if (type >= CHUNKS_IN_MATRIX || !(known >> type & 1))
		return state;
	return matrix[dir][type][state];
}

/* init_tag: the tag that the sender of an INIT or INIT ACK wants to see. Return: false if it is cut off. */
static bool init_tag(const struct sctp_walk *w, const struct chunk *c, uint32_t *tag)
{
	const uint8_t *b = pkt_at(w->p, w->p->hdr.l4 + c->at + CHUNK_HLEN, 16);

	if (b)
		memcpy(tag, b, sizeof *tag);
	return b;
}

/* begin: the first packet of a new entry (RFC 9260 8.4). Return: false if it cannot open one. */
static bool begin(struct sctp_walk *w)
{
	struct ct_sctp *s = &w->ct->sctp;
	struct chunk c;

	if (has(w, CHUNK_ABORT) || has(w, CHUNK_SHUTDOWN_COMPLETE) || has(w, CHUNK_COOKIE_ACK))
		return false;
	*s = (struct ct_sctp){ 0 };
	for (bool more = chunk_first(w->p, &c); more; more = chunk_next(w->p, &c)) {
		uint8_t state = next_state(CT_ORIGINAL, CT_SCTP_NONE, c.type);

		if (state == CT_SCTP_NONE || state >= CT_SCTP_STATES)
			return false;
		if (c.type == CHUNK_INIT) {
			if (w->vtag || !init_tag(w, &c, &s->vtag[CT_REPLY]))
				return false;
			s->init[CT_ORIGINAL] = 1;
		} else if (c.type == CHUNK_HEARTBEAT) {
			s->vtag[CT_ORIGINAL] = w->vtag; /* a second path: the other tag is not known yet */
		} else if (c.type == CHUNK_SHUTDOWN_ACK) {
			s->vtag[CT_REPLY] = w->vtag; /* will be answered with SHUTDOWN COMPLETE and the same tag */
		}
	}
	return true;
}

/* general_tag: the tag check of packets without any of the special chunks (8.5). */
static bool general_tag(const struct sctp_walk *w)
{
	static const uint32_t special = 1u << CHUNK_INIT | 1u << CHUNK_SHUTDOWN_COMPLETE | 1u << CHUNK_COOKIE_ECHO |
					1u << CHUNK_ABORT | 1u << CHUNK_SHUTDOWN_ACK | 1u << CHUNK_HEARTBEAT |
					1u << CHUNK_HEARTBEAT_ACK;

	if (w->types & special || w->vtag == w->ct->sctp.vtag[w->dir])
		return true;
	return ct_invalid(w->ctk, w->p, w->st, "verification tag check failed %x vs %x for dir %u", w->vtag,
			  w->ct->sctp.vtag[w->dir], w->dir);
}

/* heartbeat_tag: heartbeats may open a path whose tags we have not seen: learned from the first pair.
 * Return: false if the tag cannot be. */
static bool heartbeat_tag(struct sctp_walk *w, bool ack)
{
	struct ct_sctp *s = &w->ct->sctp;

	if (!s->vtag[w->dir]) {
		s->vtag[w->dir] = w->vtag;
	} else if (w->vtag == s->vtag[w->dir]) {
		s->flags &= (uint8_t)~SCTP_F_HEARTBEAT_TAG;
	} else if (has(w, CHUNK_DATA) || w->keep) {
		return false;
	} else if (!ack) {
		s->flags |= SCTP_F_HEARTBEAT_TAG;
		s->last_dir = w->dir;
		w->keep = true;
	} else {
		if (!(s->flags & SCTP_F_HEARTBEAT_TAG) || s->last_dir == w->dir)
			return false;
		s->flags &= (uint8_t)~SCTP_F_HEARTBEAT_TAG;
		s->vtag[w->dir] = w->vtag;
		s->vtag[!w->dir] = 0;
	}
	return true;
}

/* special_tag: the tag of a chunk that has its own rule (8.5.1 A to D). */
static bool special_tag(struct sctp_walk *w, const struct chunk *c)
{
	const struct ct_sctp *s = &w->ct->sctp;

	switch (c->type) {
	case CHUNK_INIT:
		return w->vtag == 0;
	case CHUNK_ABORT:
	case CHUNK_SHUTDOWN_COMPLETE:
		return w->vtag == s->vtag[c->flags & CHUNK_FLAG_T ? !w->dir : w->dir];
	case CHUNK_COOKIE_ECHO:
		return w->vtag == s->vtag[w->dir];
	case CHUNK_HEARTBEAT:
	case CHUNK_HEARTBEAT_ACK:
		return heartbeat_tag(w, c->type == CHUNK_HEARTBEAT_ACK);
	default:
		return true;
	}
}

/* note_tags: tags chosen by INIT and INIT ACK; both sides may send INIT at once (5.2.1). Return: false for an INIT ACK
 * with another tag than its sender is known by that answers no INIT, or comes after INITs from both sides. */
static bool note_tags(struct sctp_walk *w, const struct chunk *c)
{
	struct ct_sctp *s = &w->ct->sctp;
	uint32_t tag;

	if (c->type == CHUNK_COOKIE_ACK)
		s->init[0] = s->init[1] = 0;
	if (c->type != CHUNK_INIT && c->type != CHUNK_INIT_ACK)
		return true;
	if (!init_tag(w, c, &tag))
		return false;
	if (c->type == CHUNK_INIT) {
		if (s->vtag[!w->dir] == tag)
			return true; /* the same again */
		if (s->init[w->dir] && s->init[!w->dir])
			s->init[!w->dir] = 0;
		s->init[w->dir] = 1;
	} else if (s->vtag[!w->dir] != tag) {
		bool answers = s->init[!w->dir];

		if ((!answers && s->vtag[!w->dir]) || (answers && s->init[w->dir]))
			return false;
	}
	s->vtag[!w->dir] = tag;
	return true;
}

/* walk_chunks: each chunk moves the state. Return: false if one cannot be. */
static bool walk_chunks(struct sctp_walk *w)
{
	struct ct_sctp *s = &w->ct->sctp;
	struct chunk c;

	for (bool more = chunk_first(w->p, &c); more; more = chunk_next(w->p, &c)) {
		bool kept = w->keep;
		uint8_t old = s->state, next;

		if (!special_tag(w, &c))
			return false;
		if (w->keep && !kept)
			continue; /* a heartbeat with a strange tag: wait for its answer */
		next = next_state(w->dir, old, c.type);
		if (next >= CT_SCTP_STATES)
			return ct_invalid(w->ctk, w->p, w->st, "Invalid, old_state %u, dir %u, type %u", old, w->dir, c.type);
		if (c.type == CHUNK_INIT && old == CT_SCTP_CLOSED && next == CT_SCTP_CLOSED)
			w->keep = true; /* a client that keeps trying must not keep the entry for ever */
		if (!note_tags(w, &c))
			return false;
		s->state = next;
		if (old != next) {
			ct_event_add(w->ct, CT_EV_PROTO);
			if (next == CT_SCTP_ESTABLISHED)
				ct_assure(w->ct);
		}
	}
	return true;
}

/* sctp_packet: the tracker. */
static enum ct_proto_verdict sctp_packet(struct conntrack *ctk, struct ct_entry *ct, struct pkt *p, enum ct_dir dir,
					 const struct hook_state *st)
{
	struct sctp_walk w = { .ctk = ctk, .ct = ct, .p = p, .st = st, .dir = dir };

	memcpy(&w.vtag, p->data + p->hdr.l4 + 4, sizeof w.vtag);
	if (!survey(&w) || (!ct_is_confirmed(ct) && !begin(&w)) || !general_tag(&w) || !walk_chunks(&w))
		return CT_PROTO_INVALID;
	if (!w.keep)
		ct_refresh(ctk, ct, p, ct_timeouts_of(ct, ctk->conf.sctp_timeout)[ct->sctp.state]);
	return CT_PROTO_ACCEPT;
}

/* sctp_print_state: "COOKIE_WAIT ". */
static void sctp_print_state(const struct ct_entry *ct, struct text *out)
{
	text_printf(out, "%s ", ct_sctp_state_name(ct->sctp.state));
}

/* sctp_can_early_drop: closing. */
static bool sctp_can_early_drop(const struct ct_entry *ct)
{
	return ct->sctp.state == CT_SCTP_SHUTDOWN_SENT || ct->sctp.state == CT_SCTP_SHUTDOWN_RECD ||
	       ct->sctp.state == CT_SCTP_SHUTDOWN_ACK_SENT;
}

const struct ct_proto ct_proto_sctp = {
	.proto = IP_PROTO_SCTP,
	.name = "sctp",
	.tuple = ct_ports_tuple,
	.check = sctp_check,
	.packet = sctp_packet,
	.print_tuple = ct_ports_print,
	.print_state = sctp_print_state,
	.can_early_drop = sctp_can_early_drop,
};
