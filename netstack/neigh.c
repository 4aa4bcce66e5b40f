/* neigh.c - the neighbour table: states, timers, packets that wait for an address.
 *
 * Overview
 *   One entry per (port, address) in a hash, all from one array reserved at creation. An entry with a running
 *   timer is in a binary heap ordered by its time. Packets for an address that is being resolved wait in the
 *   entry.
 *
 * Life-cycle (Linux NUD)
 *       NONE, FAILED --output--> INCOMPLETE --reply--> REACHABLE --15..45 s--> STALE, or DELAY if used lately
 *       INCOMPLETE --3 broadcast probes, 1 s apart--> FAILED: host unreachable to the senders of what waited
 *       STALE --output--> DELAY --5 s--> PROBE --reply--> REACHABLE
 *       PROBE --3 unicast probes, 1 s apart--> FAILED
 *
 * Invariants
 *   1. An entry is in the heap exactly when its state has a timer: INCOMPLETE, REACHABLE, DELAY, PROBE.
 *   2. Only INCOMPLETE entries hold packets; each is counted by netstack_hold.
 *   3. count <= neigh_gc_thresh3 when an entry is made.
 *
 * Linux parity: net/core/neighbour.c (neigh_timer_handler, __neigh_event_send, __neigh_update,
 * neigh_forced_gc, neigh_periodic_work). The queue bound counts storage bytes, as unres_qlen_bytes does:
 * unres_qlen ordinary frames.
 */
#include "netstack/icmp.h"
#include "netstack/netstack_int.h"

#include <stdlib.h>

enum { BUCKETS = 1024, NO_HEAP = -1, GC_THRESH1 = 128, FORCED_GC_AGE_S = 5, REROLL_S = 300, GC_INTERVAL_S = 30 };

struct neigh {
	uint32_t ip; /* network order */
	uint8_t mac[MAC_LEN];
	uint8_t state; /* enum neigh_state */
	uint8_t probes;
	struct port *port;
	struct neigh *next; /* of the hash chain, or of the free list */
	uint64_t used, confirmed, updated; /* ns */
	uint64_t timer;                    /* ns */
	int32_t heap;                      /* place in the heap; NO_HEAP */
	uint32_t queued, queued_bytes;
	struct pkt *first, *last;
};

struct neigh_table {
	struct neigh *entries, *free;
	struct neigh *bucket[BUCKETS];
	struct neigh **heap;
	int32_t heap_len;
	uint32_t count;
	uint32_t key; /* of the hash */
	uint64_t reachable, rerolled; /* ns: the time an entry stays REACHABLE, and when it was drawn */
	uint64_t gc_at;
};

/* --- heap of timers ------------------------------------------------------------------------------ */

/* heap_put: places @n at @i. */
static inline void heap_put(struct neigh_table *t, int32_t i, struct neigh *n)
{
	t->heap[i] = n;
	n->heap = i;
}

/* heap_settle: moves @n from the hole at @i up or down to where it belongs. */
static void heap_settle(struct neigh_table *t, int32_t i, struct neigh *n)
{
	while (i > 0 && t->heap[(i - 1) / 2]->timer > n->timer) {
		heap_put(t, i, t->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	for (;;) {
		int32_t child = 2 * i + 1;

		if (child >= t->heap_len)
			break;
		if (child + 1 < t->heap_len && t->heap[child + 1]->timer < t->heap[child]->timer)
			child++;
		if (t->heap[child]->timer >= n->timer)
			break;
		heap_put(t, i, t->heap[child]);
		i = child;
	}
	heap_put(t, i, n);
}

/* timer_stop: takes an entry out of the heap. */
static void timer_stop(struct neigh_table *t, struct neigh *n)
{
	int32_t i = n->heap;
	struct neigh *last;

	if (i == NO_HEAP)
		return;
	n->heap = NO_HEAP;
	last = t->heap[--t->heap_len];
	if (last != n)
		heap_settle(t, i, last);
}

/* timer_start: (re)starts an entry's timer for time @at (ns). */
static void timer_start(struct neigh_table *t, struct neigh *n, uint64_t at)
{
	n->timer = at;
	heap_settle(t, n->heap == NO_HEAP ? t->heap_len++ : n->heap, n);
}

/* --- table --------------------------------------------------------------------------------------- */

struct neigh_table *neigh_create(struct netstack *ns)
{
	struct neigh_table *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->entries = calloc(NEIGH_MAX, sizeof *t->entries);
	t->heap = calloc(NEIGH_MAX, sizeof(struct neigh *));
	t->key = netstack_random32(ns) | 1;
	t->gc_at = UINT64_MAX;
	if (!t->entries || !t->heap) {
		free(t->entries);
		free(t->heap);
		free(t);
		return NULL;
	}
	for (int i = NEIGH_MAX; i-- > 0;) {
		t->entries[i].next = t->free;
		t->free = &t->entries[i];
	}
	return t;
}

/* bucket_of: the chain of an address on a port. */
static inline struct neigh **bucket_of(struct neigh_table *t, const struct port *port, uint32_t be)
{
	return &t->bucket[((be ^ (uint32_t)port->index << 16) * t->key) >> 22];
}

/* queue_pop: the oldest waiting packet, no longer held; NULL if none. */
static struct pkt *queue_pop(struct netstack *ns, struct neigh *n)
{
	struct pkt *p = n->first;

	if (!p)
		return NULL;
	n->first = p->next;
	p->next = NULL;
	n->queued--;
	n->queued_bytes -= p->size;
	netstack_unhold(ns, p);
	return p;
}

/* queue_drop: drops all that waits, by name. */
static void queue_drop(struct netstack *ns, struct neigh *n, enum drop_reason reason)
{
	struct pkt *p;

	while ((p = queue_pop(ns, n)))
		netstack_drop(ns, p, reason);
}

/* queue_forget: drops what came in by a port that goes away. */
static void queue_forget(struct netstack *ns, struct neigh *n, const struct port *in)
{
	struct pkt *p;

	for (uint32_t left = n->queued; left > 0 && (p = queue_pop(ns, n)); left--) {
		if (p->in == in) {
			netstack_drop(ns, p, DROP_PORT_DOWN);
			continue;
		}
		(void)netstack_hold(ns, p);
		if (n->first)
			n->last->next = p;
		else
			n->first = p;
		n->last = p;
		n->queued++;
		n->queued_bytes += p->size;
	}
}

/* entry_free: takes the entry at @at out of its chain; it holds no packet. */
static void entry_free(struct neigh_table *t, struct neigh **at)
{
	struct neigh *n = *at;

	*at = n->next;
	timer_stop(t, n);
	n->next = t->free;
	t->free = n;
	t->count--;
}

/* sweep: frees the entries that @dead says may go. */
static void sweep(struct netstack *ns, bool (*dead)(const struct netstack *ns, const struct neigh *n))
{
	struct neigh_table *t = ns->neigh;

	for (int b = 0; b < BUCKETS; b++) {
		struct neigh **at = &t->bucket[b];

		while (*at) {
			if ((*at)->state != NEIGH_PERMANENT && !(*at)->first && dead(ns, *at))
				entry_free(t, at);
			else
				at = &(*at)->next;
		}
	}
}

/* forced_dead: what may go when the table is full: failed, or not changed for 5 s (neigh_forced_gc). */
static bool forced_dead(const struct netstack *ns, const struct neigh *n)
{
	return n->state == NEIGH_FAILED || ns->now > n->updated + FORCED_GC_AGE_S * NS_PER_S;
}

/* periodic_dead: what goes by and by: failed or unused for gc_stale_time (neigh_periodic_work). */
static bool periodic_dead(const struct netstack *ns, const struct neigh *n)
{
	if (n->heap != NO_HEAP)
		return false;
	return n->state == NEIGH_FAILED || ns->now > n->used + ns->conf.neigh_gc_stale;
}

/* entry_new: makes an entry. NULL when the table is full of entries in use. */
static struct neigh *entry_new(struct netstack *ns, struct port *port, uint32_t be)
{
	struct neigh_table *t = ns->neigh;
	uint32_t limit = (uint32_t)ns->conf.neigh_gc_thresh3;
	struct neigh **chain = bucket_of(t, port, be), *n;

	if (t->count >= limit)
		sweep(ns, forced_dead);
	n = t->free;
	if (t->count >= limit || !n)
		return NULL;
	t->free = n->next;
	*n = (struct neigh){ .ip = be, .port = port, .next = *chain, .used = ns->now, .updated = ns->now,
			     .confirmed = ns->now, .heap = NO_HEAP };
	*chain = n;
	t->count++;
	if (t->gc_at == UINT64_MAX)
		t->gc_at = ns->now + GC_INTERVAL_S * NS_PER_S;
	return n;
}

struct neigh *neigh_find(struct netstack *ns, struct port *port, uint32_t be, bool create)
{
	struct neigh *n = *bucket_of(ns->neigh, port, be);

	while (n && (n->ip != be || n->port != port))
		n = n->next;
	return n || !create ? n : entry_new(ns, port, be);
}

/* --- states -------------------------------------------------------------------------------------- */

/* is_valid: whether the entry's address may be used (NUD_VALID). */
static inline bool is_valid(uint8_t state)
{
	return state != NEIGH_NONE && state != NEIGH_INCOMPLETE && state != NEIGH_FAILED;
}

/* reachable_time: how long an entry stays REACHABLE: base/2 .. 3 base/2, drawn anew every 300 s (RFC 4861
 * 6.3.2). */
static uint64_t reachable_time(struct netstack *ns)
{
	struct neigh_table *t = ns->neigh;
	uint64_t base = ns->conf.neigh_base_reachable;

	if (!t->rerolled || ns->now - t->rerolled >= REROLL_S * NS_PER_S || t->reachable < base / 2 ||
	    t->reachable > base / 2 + base) {
		t->reachable = base / 2 + (uint64_t)((__uint128_t)base * netstack_random32(ns) >> 32);
		t->rerolled = ns->now ? ns->now : 1;
	}
	return t->reachable;
}

/* probe: sends one request: unicast while PROBE, else broadcast. */
static void probe(struct netstack *ns, struct neigh *n)
{
	n->probes++;
	arp_solicit(ns, n->port, n->ip, n->state == NEIGH_PROBE ? n->mac : NULL, n->first);
}

/* fail: nobody answered: tells the senders of what waited (arp_error_report). */
static void fail(struct netstack *ns, struct neigh *n)
{
	struct pkt *p;

	n->state = NEIGH_FAILED;
	n->updated = ns->now;
	timer_stop(ns->neigh, n);
	while ((p = queue_pop(ns, n))) {
		icmp_send_error(ns, p, ICMP_UNREACHABLE, ICMP_HOST_UNREACH, 0);
		netstack_drop(ns, p, DROP_NEIGH_UNREACHABLE);
		if (n->state != NEIGH_FAILED)
			break;
	}
}

/* enter: changes state and starts the timer for @at. */
static void enter(struct netstack *ns, struct neigh *n, enum neigh_state state, uint64_t at)
{
	n->state = (uint8_t)state;
	n->updated = ns->now;
	timer_start(ns->neigh, n, at);
}

/* reachable_due: the reachable time of an entry has passed. */
static void reachable_due(struct netstack *ns, struct neigh *n)
{
	uint64_t until = n->confirmed + reachable_time(ns), delay = ns->conf.neigh_delay_first_probe;

	if (ns->now <= until) {
		timer_start(ns->neigh, n, until + 1);
	} else if (ns->now <= n->used + delay) {
		enter(ns, n, NEIGH_DELAY, ns->now + delay);
	} else {
		n->state = NEIGH_STALE;
		n->updated = ns->now;
	}
}

/* due: an entry's timer has fired (neigh_timer_handler); it is out of the heap. */
static void due(struct netstack *ns, struct neigh *n)
{
	const struct netstack_conf *c = &ns->conf;
	int limit = n->state == NEIGH_PROBE ? c->neigh_ucast_solicit : c->neigh_mcast_solicit;

	switch ((enum neigh_state)n->state) {
	case NEIGH_REACHABLE:
		reachable_due(ns, n);
		return;
	case NEIGH_DELAY:
		if (ns->now <= n->confirmed + c->neigh_delay_first_probe) {
			enter(ns, n, NEIGH_REACHABLE, n->confirmed + reachable_time(ns));
			return;
		}
		n->probes = 0;
		enter(ns, n, NEIGH_PROBE, ns->now + c->neigh_retrans);
		probe(ns, n);
		return;
	case NEIGH_INCOMPLETE:
	case NEIGH_PROBE:
		if (n->probes >= limit) {
			fail(ns, n);
			return;
		}
		timer_start(ns->neigh, n, ns->now + c->neigh_retrans);
		probe(ns, n);
		return;
	default:
		return;
	}
}

void neigh_tick(struct netstack *ns)
{
	struct neigh_table *t = ns->neigh;

	while (t->heap_len && t->heap[0]->timer <= ns->now) {
		struct neigh *n = t->heap[0];

		timer_stop(t, n);
		due(ns, n);
		if (n->heap != NO_HEAP && n->timer <= ns->now) /* an interval of 0: not again in this tick */
			timer_start(t, n, ns->now + 1);
	}
	if (t->gc_at <= ns->now) {
		if (t->count > GC_THRESH1)
			sweep(ns, periodic_dead);
		t->gc_at = t->count ? ns->now + GC_INTERVAL_S * NS_PER_S : UINT64_MAX;
	}
}

uint64_t neigh_deadline(const struct netstack *ns)
{
	const struct neigh_table *t = ns->neigh;
	uint64_t timer = t->heap_len ? t->heap[0]->timer : UINT64_MAX;

	return timer < t->gc_at ? timer : t->gc_at;
}

/* transmit: a packet to a known address. */
static inline void transmit(struct netstack *ns, const struct neigh *n, struct pkt *p)
{
	eth_send(ns, n->port, p, n->mac, ETHERTYPE_IP4);
}

/* queue_send: sends what waited for the address. */
static void queue_send(struct netstack *ns, struct neigh *n)
{
	struct pkt *p;

	while (is_valid(n->state) && (p = queue_pop(ns, n)))
		transmit(ns, n, p);
}

void neigh_update(struct netstack *ns, struct neigh *n, const uint8_t mac[MAC_LEN], enum neigh_state state,
		  unsigned flags)
{
	enum neigh_state old = n->state;
	bool same = is_valid(old) && !memcmp(mac, n->mac, MAC_LEN);

	if (old == NEIGH_PERMANENT)
		return;
	if (state == NEIGH_REACHABLE)
		n->confirmed = ns->now;
	if (is_valid(old)) {
		if (!same && !(flags & NEIGH_UPDATE_OVERRIDE))
			return;
		if (same && state == NEIGH_STALE)
			state = old;
	}
	if (state != old || !same)
		n->updated = ns->now;
	if (state != old) {
		timer_stop(ns->neigh, n);
		n->state = (uint8_t)state;
		if (state == NEIGH_REACHABLE)
			timer_start(ns->neigh, n, ns->now + reachable_time(ns));
	}
	if (!same) {
		memcpy(n->mac, mac, MAC_LEN);
		if (state != NEIGH_REACHABLE)
			n->confirmed = ns->now > 2 * ns->conf.neigh_base_reachable
					       ? ns->now - 2 * ns->conf.neigh_base_reachable : 0;
	}
	if (!is_valid(old))
		queue_send(ns, n);
}

bool neigh_locked(const struct netstack *ns, const struct neigh *n)
{
	return ns->now <= n->updated + NS_PER_S;
}

/* --- output -------------------------------------------------------------------------------------- */

/* group_address: the link address of broadcasts and groups (RFC 1112 6.4). Return: whether @be is such. */
static bool group_address(const struct pkt *p, uint32_t be, uint8_t mac[MAC_LEN])
{
	if (p->route_type == ROUTE_BROADCAST || ip4_is_limited_broadcast(be)) {
		memset(mac, 0xff, MAC_LEN);
		return true;
	}
	if (!ip4_is_multicast(be))
		return false;
	mac[0] = 0x01;
	mac[1] = 0x00;
	mac[2] = 0x5e;
	memcpy(mac + 3, (const uint8_t *)&be + 1, 3);
	mac[3] &= 0x7f;
	return true;
}

/* keep: queues a packet until the address is known; the oldest goes when there are too many. */
static void keep(struct netstack *ns, struct neigh *n, struct pkt *p)
{
	uint64_t limit = (uint64_t)ns->conf.neigh_unres_qlen * PKT_SMALL_SIZE;

	pkt_compact(p);
	while (n->first && n->queued_bytes + (uint64_t)p->size > limit)
		netstack_drop(ns, queue_pop(ns, n), DROP_NEIGH_QUEUE_FULL);
	if (!ns->conf.neigh_unres_qlen || !netstack_hold(ns, p)) {
		netstack_drop(ns, p, DROP_NEIGH_QUEUE_FULL);
		return;
	}
	p->next = NULL;
	if (n->first)
		n->last->next = p;
	else
		n->first = p;
	n->last = p;
	n->queued++;
	n->queued_bytes += p->size;
}

/* resolve: output to an entry whose address is not known (__neigh_event_send). */
static void resolve(struct netstack *ns, struct neigh *n, struct pkt *p)
{
	bool begin = n->state != NEIGH_INCOMPLETE;

	if (begin) {
		if (!ns->conf.neigh_mcast_solicit) {
			n->state = NEIGH_FAILED;
			netstack_drop(ns, p, DROP_NEIGH_UNREACHABLE);
			return;
		}
		n->probes = 0;
		enter(ns, n, NEIGH_INCOMPLETE, ns->now + ns->conf.neigh_retrans);
	}
	keep(ns, n, p);
	if (begin)
		probe(ns, n);
}

void neigh_output(struct netstack *ns, struct pkt *p)
{
	uint32_t next_hop = p->next_hop.word[0];
	uint8_t mac[MAC_LEN];
	struct neigh *n;

	if (__builtin_expect(p->route_type != ROUTE_UNICAST, 0) && group_address(p, next_hop, mac)) {
		eth_send(ns, p->out, p, mac, ETHERTYPE_IP4);
		return;
	}
	n = neigh_find(ns, p->out, next_hop, true);
	if (!n) {
		netstack_drop(ns, p, DROP_NEIGH_TABLE_FULL);
		return;
	}
	n->used = ns->now;
	if (!is_valid(n->state)) {
		resolve(ns, n, p);
		return;
	}
	if (n->state == NEIGH_STALE)
		enter(ns, n, NEIGH_DELAY, ns->now + ns->conf.neigh_delay_first_probe);
	transmit(ns, n, p);
}

void neigh_each(const struct netstack *ns, void (*fn)(void *ctx, const struct neigh_info *n), void *ctx)
{
	for (int b = 0; b < BUCKETS; b++) {
		for (const struct neigh *n = ns->neigh->bucket[b]; n; n = n->next) {
			struct neigh_info info = { .addr = addr_ip4(n->ip), .port = n->port, .state = n->state };

			memcpy(info.mac, n->mac, MAC_LEN);
			fn(ctx, &info);
		}
	}
}

void neigh_flush(struct netstack *ns, struct port *port)
{
	struct neigh_table *t = ns->neigh;

	for (int b = 0; b < BUCKETS; b++) {
		struct neigh **at = &t->bucket[b];

		while (*at) {
			if (port && (*at)->port != port) {
				queue_forget(ns, *at, port);
				at = &(*at)->next;
				continue;
			}
			queue_drop(ns, *at, DROP_PORT_DOWN);
			entry_free(t, at);
		}
	}
}

void neigh_drain(struct netstack *ns)
{
	for (int b = 0; b < BUCKETS; b++)
		for (struct neigh *n = ns->neigh->bucket[b]; n; n = n->next)
			queue_drop(ns, n, DROP_TEARDOWN);
}

void neigh_destroy(struct netstack *ns)
{
	neigh_drain(ns);
	free(ns->neigh->entries);
	free(ns->neigh->heap);
	free(ns->neigh);
	ns->neigh = NULL;
}
