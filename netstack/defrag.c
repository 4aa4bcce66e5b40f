/* defrag.c - reassembly of IPv4 datagrams.
 *
 * Overview
 *   One queue per (source, destination, id, protocol, user): users are PREROUTING, OUTPUT and local delivery,
 *   which do not mix. A queue holds its fragments sorted by offset, none overlapping. When the last gap
 *   closes, the packet that closed it is given storage for the whole datagram, takes the header of the first
 *   fragment and goes on.
 *
 * Invariants
 *   1. memory = sum of the queues' and fragments' sizes; above ipfrag_high_thresh no fragment is taken in.
 *   2. Queues are in the age list by ascending deadline.
 *   3. Every fragment kept is counted by netstack_hold.
 *
 * Ownership
 *   defrag_gather keeps the packet when it returns STOLEN, else the caller has it.
 *
 * Linux parity: net/ipv4/ip_fragment.c (ip_frag_queue, ip_frag_reasm, ip_expire, ip_frag_too_far),
 * inet_fragment.c (inet_frag_find: nothing is evicted, new fragments are refused; inet_frag_queue_insert: a
 * fragment inside what is already there is a duplicate, any other overlap kills the queue, RFC 5722). The end
 * of the time is told to the sender only for datagrams addressed to this router.
 */
#include "netstack/defrag.h"

#include "netstack/checksum.h"
#include "netstack/icmp.h"
#include "netstack/ip4.h"
#include "netstack/netstack_int.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

enum { QUEUES = 4096, BUCKETS = 1024, QUEUE_SIZE = 216, ECN_CE = 3, ECN_INVALID = 0xff };

struct queue {
	uint32_t src, dst;
	uint16_t id;
	uint8_t proto, user;
	uint8_t ecn;          /* 1 << ECN field of each fragment, or-ed */
	bool last_in;         /* the end is known */
	uint32_t len, meat;   /* of the payload: known so far, received */
	uint32_t max_size, max_df_size;
	uint32_t arrivals;    /* fragments of this source when the newest of ours came */
	struct pkt *first, *last;
	struct queue *chain, **back;        /* of the hash bucket */
	struct queue *older, *newer;
	uint64_t deadline;
};

struct defrag {
	struct queue *queues, *free;
	struct queue *bucket[BUCKETS];
	struct queue *oldest, *newest;
	uint64_t key[2]; /* of the hash */
	int64_t memory;
};

struct defrag *defrag_create(struct netstack *ns)
{
	struct defrag *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->queues = calloc(QUEUES, sizeof *d->queues);
	if (!d->queues) {
		free(d);
		return NULL;
	}
	for (int i = 0; i < 2; i++)
		d->key[i] = (uint64_t)netstack_random32(ns) << 32 | netstack_random32(ns);
	for (int i = QUEUES; i-- > 0;) {
		d->queues[i].chain = d->free;
		d->free = &d->queues[i];
	}
	return d;
}

int64_t defrag_memory(const struct netstack *ns)
{
	return ns->defrag->memory;
}

/* --- queues -------------------------------------------------------------------------------------- */

/* cost: what a kept fragment counts for. */
static int64_t cost(const struct pkt *p)
{
	return (int64_t)p->size + (int64_t)sizeof *p;
}

/* payload_len: payload bytes of a kept fragment. */
static inline uint32_t payload_len(const struct pkt *p)
{
	return p->len - p->hdr.l4;
}

/* end_of: offset behind the payload of a kept fragment. */
static inline uint32_t end_of(const struct pkt *p)
{
	return p->hdr.frag_off + payload_len(p);
}

/* age_in: puts a queue into the age list by its deadline: nearly always at the end. */
static void age_in(struct defrag *d, struct queue *q)
{
	struct queue *before = d->newest;

	while (before && before->deadline > q->deadline)
		before = before->older;
	q->older = before;
	q->newer = before ? before->newer : d->oldest;
	*(before ? &before->newer : &d->oldest) = q;
	*(q->newer ? &q->newer->older : &d->newest) = q;
}

/* age_out: takes it out. */
static void age_out(struct defrag *d, struct queue *q)
{
	*(q->older ? &q->older->newer : &d->oldest) = q->newer;
	*(q->newer ? &q->newer->older : &d->newest) = q->older;
}

/* empty: drops the fragments of a queue. */
static void empty(struct netstack *ns, struct queue *q, enum drop_reason reason)
{
	struct pkt *p = q->first;

	q->first = q->last = NULL;
	while (p) {
		struct pkt *next = p->next;

		p->next = NULL;
		ns->defrag->memory -= cost(p);
		netstack_unhold(ns, p);
		netstack_drop(ns, p, reason);
		p = next;
	}
}

/* queue_free: gives back a queue without fragments. */
static void queue_free(struct netstack *ns, struct queue *q)
{
	struct defrag *d = ns->defrag;

	age_out(d, q);
	*q->back = q->chain;
	if (q->chain)
		q->chain->back = q->back;
	d->memory -= QUEUE_SIZE;
	q->chain = d->free;
	d->free = q;
}

/* queue_kill: drops a queue with all it has. */
static void queue_kill(struct netstack *ns, struct queue *q, enum drop_reason reason)
{
	empty(ns, q, reason);
	queue_free(ns, q);
}

/* bucket_of: the chain of a datagram. Both factors are secret: a sender cannot choose addresses and ids that meet. */
static struct queue **bucket_of(struct defrag *d, const struct ip4_hdr *ip)
{
	uint64_t a = ((uint64_t)ip->src << 32 | ip->dst) ^ d->key[0], b = ((uint64_t)ip->id << 16 | ip->proto) ^ d->key[1];
	__uint128_t product = (__uint128_t)a * b;

	return &d->bucket[(uint32_t)((product >> 64) ^ product) % BUCKETS];
}

/* deadline_of: when a queue that begins or begins anew now is over. A negative ipfrag_time: at once. */
static uint64_t deadline_of(const struct netstack *ns)
{
	return (int64_t)ns->conf.ipfrag_time > 0 ? ns->now + ns->conf.ipfrag_time : ns->now;
}

/* queue_find: the queue of a fragment, made if absent; NULL when there is no memory. */
static struct queue *queue_find(struct netstack *ns, const struct ip4_hdr *ip, uint8_t user)
{
	struct defrag *d = ns->defrag;
	struct queue **bucket = bucket_of(d, ip), *q;

	if (!ns->conf.ipfrag_high_thresh || d->memory > ns->conf.ipfrag_high_thresh)
		return NULL;
	for (q = *bucket; q; q = q->chain)
		if (q->src == ip->src && q->dst == ip->dst && q->id == ip->id && q->proto == ip->proto &&
		    q->user == user)
			return q;
	q = d->free;
	if (!q)
		return NULL;
	d->free = q->chain;
	*q = (struct queue){ .src = ip->src, .dst = ip->dst, .id = ip->id, .proto = ip->proto, .user = user,
			     .chain = *bucket, .back = bucket, .deadline = deadline_of(ns) };
	if (q->chain)
		q->chain->back = &q->chain;
	*bucket = q;
	age_in(d, q);
	d->memory += QUEUE_SIZE;
	return q;
}

/* too_far: whether so many other fragments of the source came since our last that ours are surely of an older
 * datagram with the same id. */
static bool too_far(struct netstack *ns, struct queue *q)
{
	uint32_t before = q->arrivals;

	if (!ns->conf.ipfrag_max_dist)
		return false;
	q->arrivals = peer_fragment_count(ns, q->src);
	return q->first && q->arrivals - before > (uint32_t)ns->conf.ipfrag_max_dist;
}

/* restart: forgets the fragments of a queue and gives it a new time (ip_frag_reinit). */
static void restart(struct netstack *ns, struct queue *q)
{
	empty(ns, q, DROP_FRAG_TOO_MANY);
	q->last_in = false;
	q->len = q->meat = q->max_size = q->max_df_size = 0;
	q->ecn = 0;
	age_out(ns->defrag, q);
	q->deadline = deadline_of(ns);
	age_in(ns->defrag, q);
}

/* --- one more fragment --------------------------------------------------------------------------- */

enum place { PLACED, DUPLICATE, OVERLAP };

/* run_covers: whether the unbroken run of fragments that begins with @run holds [@start, @end). */
static bool run_covers(const struct pkt *run, uint32_t start, uint32_t end)
{
	uint32_t until = end_of(run);

	if (start < run->hdr.frag_off)
		return false;
	while (run->next && run->next->hdr.frag_off == until) {
		run = run->next;
		until = end_of(run);
	}
	return end <= until;
}

/* run_begin: the first fragment of the unbroken run that @p is in. */
static const struct pkt *run_begin(const struct queue *q, const struct pkt *p)
{
	const struct pkt *begin = q->first;

	for (const struct pkt *f = q->first; f != p; f = f->next)
		if (end_of(f) != f->next->hdr.frag_off)
			begin = f->next;
	return begin;
}

/* place: puts a fragment in its place, if it overlaps none. Takes it only when PLACED. */
static enum place place(struct queue *q, struct pkt *p)
{
	uint32_t start = p->hdr.frag_off, end = end_of(p);
	struct pkt *before = NULL, *after;

	if (q->last && start >= end_of(q->last)) {
		before = q->last;
	} else {
		for (struct pkt *f = q->first; f && f->hdr.frag_off <= start; f = f->next)
			before = f;
		if (before && start < end_of(before))
			return run_covers(run_begin(q, before), start, end) ? DUPLICATE : OVERLAP;
	}
	after = before ? before->next : q->first;
	if (after && end > after->hdr.frag_off)
		return OVERLAP;
	p->next = after;
	*(before ? &before->next : &q->first) = p;
	if (!after)
		q->last = p;
	return PLACED;
}

/* unplace: takes back out what place put in. */
static void unplace(struct queue *q, struct pkt *p)
{
	struct pkt *before = NULL;

	for (struct pkt *f = q->first; f != p; f = f->next)
		before = f;
	*(before ? &before->next : &q->first) = p->next;
	if (q->last == p)
		q->last = before;
	p->next = NULL;
}

/* bounds: checks a fragment against what is known of the datagram's end, and learns from it. Cuts a middle
 * fragment to a multiple of 8. Return: whether it fits. */
static bool bounds(struct queue *q, struct pkt *p)
{
	uint32_t end = end_of(p);

	if (!p->hdr.more_frags) {
		if (end < q->len || (q->last_in && end != q->len))
			return false;
		q->last_in = true;
		q->len = end;
	} else {
		p->len -= end & 7;
		end &= ~7u;
		if (end > q->len) {
			if (q->last_in)
				return false;
			q->len = end;
		}
	}
	return end > p->hdr.frag_off;
}

/* joined_ecn: the ECN field of a datagram whose fragments had the fields in @seen (RFC 3168 5.3). Return:
 * bits to set, ECN_INVALID when not-ECT and ECT were mixed. */
static uint8_t joined_ecn(uint8_t seen)
{
	const uint8_t not_ect = 1, ce = 8;

	if ((seen & not_ect) && seen != not_ect)
		return ECN_INVALID;
	return (seen & ce) && seen != ce ? ECN_CE : 0;
}

/* --- whole --------------------------------------------------------------------------------------- */

/* copy_fragment: moves the payload of a kept fragment into the whole packet and frees it: it is merged. */
static void copy_fragment(struct netstack *ns, struct pkt *whole, uint32_t hlen, struct pkt *f)
{
	memcpy(whole->data + hlen + f->hdr.frag_off, f->data + f->hdr.l4, payload_len(f));
	f->next = NULL;
	ns->defrag->memory -= cost(f);
	netstack_unhold(ns, f);
	ns->balance.merged++;
	pkt_free(f);
}

/* finish_header: the header of the whole datagram. */
static void finish_header(struct pkt *p, const struct queue *q, uint32_t total, uint8_t ecn)
{
	struct ip4_hdr *ip = ip4_hdr(p);

	ip->total_len = htons((uint16_t)total);
	ip->tos |= ecn;
	ip->frag = q->max_df_size == q->max_size ? htons(IP4_DF) : 0;
	(void)ip4_parse(p);
	ip4_csum_fill(p);
	p->opts = (struct pkt_opts){ 0 }; /* those of another header */
	p->defragmented = true;
	p->max_frag = (uint16_t)q->max_size;
	p->csum = CSUM_NONE;
	p->gso = GSO_NONE;
	p->gso_segs = 1;
}

/* assemble: makes the whole datagram of a complete queue in @p, which is its newest fragment and in its list;
 * the queue is gone afterwards in any case. Return: 0; else the reason to drop @p. */
static enum drop_reason assemble(struct netstack *ns, struct queue *q, struct pkt *p)
{
	uint32_t hlen = q->first->hdr.l4, total = hlen + q->len, own = payload_len(p), at = p->hdr.frag_off;
	uint8_t header[IP4_HLEN_MAX], ecn = joined_ecn(q->ecn);
	enum drop_reason failure = DROP_NONE;
	struct pkt *f;

	if (ecn == ECN_INVALID)
		failure = DROP_FRAG_MALFORMED;
	else if (total > PKT_MAX_IP)
		failure = DROP_FRAG_OVERSIZE;
	memcpy(header, q->first->data, hlen);
	unplace(q, p);
	if (!failure && total > p->len && pkt_reserve_tail(p, total - p->len))
		failure = DROP_FRAG_MEMORY;
	if (failure) {
		SNMP_INC(ns, IpReasmFails);
		queue_kill(ns, q, failure);
		return failure;
	}
	memmove(p->data + hlen + at, p->data + p->hdr.l4, own);
	memcpy(p->data, header, hlen);
	p->len = total;
	while ((f = q->first)) {
		q->first = f->next;
		copy_fragment(ns, p, hlen, f);
	}
	q->last = NULL;
	finish_header(p, q, total, ecn);
	queue_free(ns, q);
	SNMP_INC(ns, IpReasmOKs);
	return DROP_NONE;
}

/* note: what the queue remembers of a fragment it took. */
static void note(struct queue *q, const struct pkt *p)
{
	uint32_t size = p->len;

	q->meat += payload_len(p);
	q->ecn |= (uint8_t)(1u << (p->hdr.tos & 3));
	if (size > q->max_size)
		q->max_size = size;
	if (p->hdr.dont_frag && size > q->max_df_size)
		q->max_df_size = size;
}

/* refuse: the verdict for a fragment that is not kept. */
static enum verdict refuse(struct netstack *ns, struct pkt *p, enum drop_reason reason)
{
	if (reason != DROP_FRAG_DUPLICATE)
		SNMP_INC(ns, IpReasmFails);
	p->drop = (uint16_t)reason;
	return VERDICT_DROP;
}

/* keep: a fragment that has its place waits for the others. */
static enum verdict keep(struct netstack *ns, struct queue *q, struct pkt *p)
{
	if (!netstack_hold(ns, p)) {
		unplace(q, p);
		queue_kill(ns, q, DROP_FRAG_MEMORY);
		return refuse(ns, p, DROP_FRAG_MEMORY);
	}
	ns->defrag->memory += cost(p);
	return VERDICT_STOLEN;
}

enum verdict defrag_gather(struct netstack *ns, struct pkt *p, enum defrag_user user)
{
	struct queue *q;
	enum drop_reason failure;
	enum place where;

	SNMP_INC(ns, IpReasmReqds);
	pkt_ct_drop(p);
	q = queue_find(ns, ip4_hdr(p), (uint8_t)user);
	if (!q)
		return refuse(ns, p, DROP_FRAG_MEMORY);
	if (too_far(ns, q)) {
		SNMP_INC(ns, IpReasmFails);
		restart(ns, q);
	}
	if (!bounds(q, p)) {
		queue_kill(ns, q, DROP_FRAG_MALFORMED);
		return refuse(ns, p, DROP_FRAG_MALFORMED);
	}
	pkt_compact(p);
	where = place(q, p);
	if (where == DUPLICATE)
		return refuse(ns, p, DROP_FRAG_DUPLICATE);
	if (where == OVERLAP) {
		SNMP_INC(ns, IpExtReasmOverlaps);
		queue_kill(ns, q, DROP_FRAG_OVERLAP);
		return refuse(ns, p, DROP_FRAG_OVERLAP);
	}
	note(q, p);
	if (!q->last_in || q->meat != q->len)
		return keep(ns, q, p);
	failure = assemble(ns, q, p);
	if (!failure)
		return VERDICT_ACCEPT;
	p->drop = (uint16_t)failure;
	return VERDICT_DROP;
}

enum verdict defrag_hook(void *netstack, struct pkt *p, const struct hook_state *st)
{
	if (!p->hdr.more_frags && !p->hdr.frag_off)
		return VERDICT_ACCEPT;
	return defrag_gather(netstack, p, st->hook == HOOK_OUTPUT ? DEFRAG_OUTPUT : DEFRAG_PREROUTING);
}

/* --- time ---------------------------------------------------------------------------------------- */

/* expire: the time of a queue is over: where the datagram was for us and its beginning is there, the sender
 * hears. */
static void expire(struct netstack *ns, struct queue *q)
{
	struct pkt *head = q->first;

	SNMP_INC(ns, IpReasmFails);
	SNMP_INC(ns, IpReasmTimeout);
	if (head && !head->hdr.frag_off && route_addr_type(ns, q->dst, NULL) == ROUTE_LOCAL) {
		head->route_type = ROUTE_LOCAL;
		icmp_send_error(ns, head, ICMP_TIME_EXCEEDED, ICMP_FRAG_TIME, 0);
	}
	queue_kill(ns, q, DROP_FRAG_TIMEOUT);
}

void defrag_tick(struct netstack *ns)
{
	struct defrag *d = ns->defrag;

	while (d->oldest && d->oldest->deadline <= ns->now)
		expire(ns, d->oldest);
}

uint64_t defrag_deadline(const struct netstack *ns)
{
	return ns->defrag->oldest ? ns->defrag->oldest->deadline : UINT64_MAX;
}

void defrag_flush_port(struct netstack *ns, const struct port *port)
{
	struct queue *next;

	for (struct queue *q = ns->defrag->oldest; q; q = next) {
		bool names = false;

		next = q->newer;
		for (const struct pkt *p = q->first; p && !names; p = p->next)
			names = p->in == port || p->out == port;
		if (names)
			queue_kill(ns, q, DROP_PORT_DOWN);
	}
}

void defrag_drain(struct netstack *ns)
{
	while (ns->defrag->oldest)
		queue_kill(ns, ns->defrag->oldest, DROP_TEARDOWN);
}

void defrag_destroy(struct netstack *ns)
{
	defrag_drain(ns);
	free(ns->defrag->queues);
	free(ns->defrag);
	ns->defrag = NULL;
}
