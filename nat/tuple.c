/* tuple.c - choosing addresses and ports: a tuple in the wanted range that no other connection uses.
 *
 * Overview
 *   In this order: keep what the packet has; use again what the same source already got (so that a host behind NAT has
 *   one address and port toward everybody); choose an address; keep the port; search a port.
 *
 * Invariants
 *   1. The search asks at most 128 + 64 + 32 + 16 + 8 times, however full the table is, and looks at no more than
 *      SOURCES_MAX connections of the same source (Linux at all of them).
 *   2. Without an explicit range a port stays in its class: below 512, 600 to 1023, from 1024.
 *
 * Linux parity: net/netfilter/nf_nat_core.c get_unique_tuple and what it calls. The address out of a range is the same
 * as Linux's: Bob Jenkins's public domain lookup3 over the same words.
 */
#include "conntrack/proto.h"
#include "nat/nat_int.h"

#include <arpa/inet.h>

enum {
	TRIES = 128,       /* ports asked for in the first round */
	TRIES_LAST = 16,   /* no further round below so many */
	TRIES_HARDER = 32, /* so many last tries of a round may evict */
	SOURCES_MAX = 256, /* connections of one source that are looked at for an address to use again */
	PORT_LOW_END = 512,
	PORT_LOW_MIN = 1,
	PORT_RESERVED_END = 1024,
	PORT_RESERVED_MIN = 600, /* below 600: rlogin and the like pass credentials */
};

/* --- the by-source hash -------------------------------------------------------------------------------------------- */

/* mix: folds the 128-bit product of two keyed words. */
static uint64_t mix(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* bucket_of: where connections from the source of @t hang. Keyed: a sender cannot aim at one bucket. */
static uint32_t *bucket_of(const struct nat *nat, const struct ct_tuple *t)
{
	uint64_t lo, hi, rest = (uint64_t)t->src_key << 16 | (uint64_t)t->family << 8 | t->proto;

	memcpy(&lo, &t->src.byte[0], 8);
	memcpy(&hi, &t->src.byte[8], 8);
	lo = mix(lo ^ nat->hash_key[0], hi ^ nat->hash_key[1] ^ 0x9e3779b97f4a7c15u);
	lo = mix(lo ^ nat->hash_key[1], rest ^ nat->hash_key[0] ^ 0xd1b54a32d192ed03u);
	return &nat->by_source[(uint32_t)(lo >> 32) & nat->by_source_mask];
}

void nat_link(struct nat *nat, struct ct_entry *ct)
{
	uint32_t *head = bucket_of(nat, &ct->tuple[CT_ORIGINAL]), self = ct_number(nat->ctk, ct) + 1;

	ct->by_source_prev = 0;
	ct->by_source_next = *head;
	if (*head)
		ct_at(nat->ctk, *head - 1)->by_source_prev = self;
	*head = self;
}

void nat_foresee(const struct nat *nat, const struct ct_entry *ct)
{
	__builtin_prefetch(bucket_of(nat, &ct->tuple[CT_ORIGINAL]));
}

void nat_unlink(struct nat *nat, struct ct_entry *ct)
{
	if (ct->by_source_prev)
		ct_at(nat->ctk, ct->by_source_prev - 1)->by_source_next = ct->by_source_next;
	else
		*bucket_of(nat, &ct->tuple[CT_ORIGINAL]) = ct->by_source_next;
	if (ct->by_source_next)
		ct_at(nat->ctk, ct->by_source_next - 1)->by_source_prev = ct->by_source_prev;
}

/* --- ranges -------------------------------------------------------------------------------------------------------- */

/* key_of: the key that @manip may change. An ICMP id is the same in both directions. */
static uint16_t *key_of(struct ct_tuple *t, enum nat_manip manip)
{
	return t->proto == IP_PROTO_ICMP || manip == NAT_MANIP_SRC ? &t->src_key : &t->dst_key;
}

/* key_in_range: whether the changeable key already fits. Protocols without keys always do. */
static bool key_in_range(const struct ct_tuple *t, const struct nat_range *range, enum nat_manip manip)
{
	struct ct_tuple copy = *t;
	uint16_t key = ntohs(*key_of(&copy, manip));

	if (t->proto != IP_PROTO_ICMP && t->proto != IP_PROTO_GRE && !ct_proto_has_ports(t->proto))
		return true;
	return key >= ntohs(range->min_key) && key <= ntohs(range->max_key);
}

/* addr_cmp: order of two addresses of one family. */
static int addr_cmp(const struct addr *a, const struct addr *b)
{
	return memcmp(a->byte, b->byte, sizeof a->byte);
}

/* source_in_range: whether the source of @t satisfies a source range as it is. */
static bool source_in_range(const struct ct_tuple *t, const struct nat_range *range)
{
	if (range->flags & NAT_RANGE_ADDRS &&
	    (addr_cmp(&t->src, &range->min_addr) < 0 || addr_cmp(&t->src, &range->max_addr) > 0))
		return false;
	return !(range->flags & NAT_RANGE_PORTS) || key_in_range(t, range, NAT_MANIP_SRC);
}

/* --- is it taken? -------------------------------------------------------------------------------------------------- */

/* taken: whether replies to @t would belong to another connection. A tuple without inverse never collides. */
static bool taken(struct nat *nat, const struct ct_tuple *t, const struct ct_entry *ct)
{
	struct ct_tuple reply;

	return ct_tuple_invert(t, &reply) && ct_tuple_taken(nat->ctk, &reply, ct);
}

/* holder_of: who has @t in the zone of @ct; *dir: in which direction. NULL if nobody. */
static struct ct_entry *holder_of(struct nat *nat, const struct ct_tuple *t, const struct ct_entry *ct,
				  enum ct_dir *dir)
{
	struct ct_tuple copy = *t;
	uint32_t hash;

	return ct_lookup_zone(nat->ctk, &copy, ct_zone(ct), ct->zone_dir, dir, &hash);
}

/* taken_first: the same for the tuple a packet came with. If the other connection is the mirror of this one and neither
 * is translated, two ends began at once: confirming sorts that out, so it counts as free (nf_nat_used_tuple_new). */
static bool taken_first(struct nat *nat, const struct ct_tuple *t, const struct ct_entry *ct)
{
	enum { CHANGED = CT_ST_NAT_MASK | CT_ST_SEQ_ADJUST };
	const struct ct_entry *other;
	struct ct_tuple reply;
	enum ct_dir dir;

	if (!taken(nat, t, ct))
		return false;
	if (!ct_proto_find(t->proto)->allow_clash || ct->status & CHANGED)
		return true;
	other = holder_of(nat, t, ct, &dir);
	if (!other) {
		other = ct_tuple_invert(t, &reply) ? holder_of(nat, &reply, ct, &dir) : NULL;
		if (!other)
			return false;
	}
	return other->status & CHANGED || !ct_tuple_equal(&other->tuple[CT_ORIGINAL], &ct->tuple[CT_REPLY]);
}

/* may_evict: whether a new TCP connection may take the place of an ended, source-translated one: its sequence number
 * must have moved on, so that what is left of the old one cannot be taken for the new. */
static bool may_evict(const struct ct_entry *old, const struct ct_entry *new)
{
	if (old->tcp.state < CT_TCP_TIME_WAIT || old->status & (CT_ST_FIXED_TIMEOUT | CT_ST_DYING))
		return false;
	return old->status & CT_ST_SRC_NAT &&
	       (int32_t)(new->tcp.seen[CT_ORIGINAL].td_end - old->tcp.seen[CT_ORIGINAL].td_end) > 0;
}

/* taken_harder: as taken, but with few tries left the SYN of a new TCP connection may evict who has the tuple. */
static bool taken_harder(struct nat *nat, const struct ct_tuple *t, const struct ct_entry *ct,
			 uint32_t tries_left)
{
	struct ct_tuple reply;
	struct ct_entry *other;
	enum ct_dir dir;

	if (tries_left > TRIES_HARDER || t->proto != IP_PROTO_TCP || ct->tcp.state != CT_TCP_SYN_SENT)
		return taken(nat, t, ct);
	if (!ct_tuple_invert(t, &reply))
		return false;
	other = holder_of(nat, &reply, ct, &dir);
	if (!other)
		return false;
	if (dir == CT_ORIGINAL || other == ct || !may_evict(other, ct))
		return true;
	return !ct_kill(nat->ctk, other);
}

/* --- choosing ------------------------------------------------------------------------------------------------------ */

/* reuse_source: what another connection of the same source got, if it fits @range. */
static bool reuse_source(struct nat *nat, struct ct_tuple *out, const struct ct_tuple *orig,
			 const struct ct_entry *ct, const struct nat_range *range)
{
	const struct ct_tuple *mine = &ct->tuple[CT_ORIGINAL];
	unsigned left = SOURCES_MAX;

	for (uint32_t next = *bucket_of(nat, mine); next && left; left--) {
		const struct ct_entry *e = ct_at(nat->ctk, next - 1);
		const struct ct_tuple *t = &e->tuple[CT_ORIGINAL];

		next = e->by_source_next;
		if (t->proto != orig->proto || t->src_key != orig->src_key || t->zone != mine->zone ||
		    !addr_equal(&t->src, &orig->src))
			continue;
		*out = *orig;
		out->src = e->tuple[CT_REPLY].dst;
		out->src_key = orig->proto == IP_PROTO_ICMP ? e->tuple[CT_REPLY].src_key
							    : e->tuple[CT_REPLY].dst_key;
		if (source_in_range(out, range))
			return true;
	}
	return false;
}

/* rotate: bits of @w to the left. */
static uint32_t rotate(uint32_t w, unsigned n)
{
	return w << n | w >> (32 - n);
}

/* hash_address: lookup3 (hashword) over the four words of an address. */
static uint32_t hash_address(const struct addr *addr, uint32_t seed)
{
	uint32_t a = 0xdeadbeef + (4 << 2) + seed, b = a, c = a;

	a += addr->word[0];
	b += addr->word[1];
	c += addr->word[2];
	a -= c, a ^= rotate(c, 4), c += b;
	b -= a, b ^= rotate(a, 6), a += c;
	c -= b, c ^= rotate(b, 8), b += a;
	a -= c, a ^= rotate(c, 16), c += b;
	b -= a, b ^= rotate(a, 19), a += c;
	c -= b, c ^= rotate(b, 4), b += a;
	a += addr->word[3];
	c ^= b, c -= rotate(b, 14);
	a ^= c, a -= rotate(c, 11);
	b ^= a, b -= rotate(a, 25);
	c ^= b, c -= rotate(b, 16);
	a ^= c, a -= rotate(c, 4);
	b ^= a, b -= rotate(a, 14);
	c ^= b, c -= rotate(b, 24);
	return c;
}

/* choose_address: an address out of the range for the @manip side of @t: always the same for the same source (with
 * --persistent), or for the same pair. */
static void choose_address(struct ct_tuple *t, const struct nat_range *range, const struct ct_entry *ct,
			   enum nat_manip manip)
{
	struct addr *side = manip == NAT_MANIP_SRC ? &t->src : &t->dst;
	unsigned last = t->family == FAMILY_IP4 ? 0 : 3;
	bool persistent = range->flags & NAT_RANGE_PERSISTENT, free_choice = false;
	uint32_t dst[4], hash;

	if (!(range->flags & NAT_RANGE_ADDRS))
		return;
	if (addr_equal(&range->min_addr, &range->max_addr)) {
		*side = range->min_addr;
		return;
	}
	memcpy(dst, t->dst.word, sizeof dst);
	hash = hash_address(&t->src, persistent ? 0 : dst[last] ^ ct_zone(ct));
	for (unsigned i = 0; i <= last; i++) {
		uint32_t min = free_choice ? 0 : ntohl(range->min_addr.word[i]);
		uint32_t count = free_choice ? UINT32_MAX : ntohl(range->max_addr.word[i]) - min + 1;

		side->word[i] = htonl(min + (uint32_t)((uint64_t)hash * count >> 32));
		if (side->word[i] != range->max_addr.word[i])
			free_choice = true;
		if (!persistent)
			hash ^= t->dst.word[i];
	}
}

/* Where a port is searched: @count numbers from @min, host order. */
struct search {
	uint32_t min, count;
};

/* explicit_search: the ports that the range names, either way round. */
static struct search explicit_search(const struct nat_range *range)
{
	uint32_t a = ntohs(range->min_key), b = ntohs(range->max_key);

	return a <= b ? (struct search){ a, b - a + 1 } : (struct search){ b, a - b + 1 };
}

/* class_search: the class of a source port. */
static struct search class_search(uint16_t port)
{
	if (port < PORT_LOW_END)
		return (struct search){ PORT_LOW_MIN, PORT_LOW_END - PORT_LOW_MIN };
	if (port < PORT_RESERVED_END)
		return (struct search){ PORT_RESERVED_MIN, PORT_RESERVED_END - PORT_RESERVED_MIN };
	return (struct search){ PORT_RESERVED_END, 65536 - PORT_RESERVED_END };
}

/* search_space: where a key of @t's protocol may be searched. Return: false if it may not change. */
static bool search_space(const struct ct_tuple *t, const struct nat_range *range, const struct ct_entry *ct,
			 enum nat_manip manip, struct search *out)
{
	bool given = range->flags & NAT_RANGE_PORTS;

	if (t->proto == IP_PROTO_ICMP) {
		*out = given ? explicit_search(range) : (struct search){ 0, 65536 };
		return true;
	}
	if (t->proto == IP_PROTO_GRE) { /* only what a PPTP master expects has keys */
		*out = given ? explicit_search(range) : (struct search){ 1, 65535 };
		return ct_master(ct) != NULL;
	}
	if (!ct_proto_has_ports(t->proto) || (!given && manip == NAT_MANIP_DST))
		return false;
	*out = given ? explicit_search(range) : class_search(ntohs(t->src_key));
	return true;
}

/* search_row: tries @tries neighbours from the @off-th key of @space on. Return: whether one gives a free tuple, which
 * stands in @t then. */
static bool search_row(struct nat *nat, struct ct_tuple *t, const struct ct_entry *ct, uint16_t *key,
		       const struct search *space, uint16_t off, uint32_t tries)
{
	for (uint32_t i = 0; i < tries; i++, off++) {
		*key = htons((uint16_t)(space->min + off % space->count));
		if (!taken_harder(nat, t, ct, tries - i))
			return true;
	}
	return false;
}

/* search_scattered: the same with @tries keys here and there: steps of a 32-bit congruential generator from a random
 * start. */
static bool search_scattered(struct nat *nat, struct ct_tuple *t, const struct ct_entry *ct, uint16_t *key,
			     const struct search *space, uint32_t tries)
{
	uint32_t at = netstack_random32(nat->ns);

	for (uint32_t i = 0; i < tries; i++, at = at * 1664525 + 1013904223) {
		*key = htons((uint16_t)(space->min + (uint32_t)((uint64_t)at * space->count >> 32)));
		if (!taken_harder(nat, t, ct, tries - i))
			return true;
	}
	return false;
}

/* search_key: tries keys in the search space until one gives a free tuple; the last one tried stays if none does (then
 * confirming drops the packet). The first round takes neighbours, as Linux does. Taken keys therefore lie in long runs,
 * and where Linux asks ever shorter runs afterwards, these rounds ask as often here and there: so 60,000 flows of clients
 * with the same ports all find one, of which Linux refused 17. */
static void search_key(struct nat *nat, struct ct_tuple *t, const struct nat_range *range,
		       const struct ct_entry *ct, enum nat_manip manip)
{
	uint16_t *key = key_of(t, manip), off = 0;
	struct search space;
	uint32_t tries;

	if (!search_space(t, range, ct, manip, &space))
		return;
	if (range->flags & NAT_RANGE_PORT_OFFSET)
		off = (uint16_t)(ntohs(*key) - ntohs(range->base_key));
	else if (range->flags & (NAT_RANGE_RANDOM | NAT_RANGE_RANDOM_FULLY) || manip == NAT_MANIP_SRC)
		off = (uint16_t)netstack_random32(nat->ns);
	tries = space.count < TRIES ? space.count : TRIES;
	if (search_row(nat, t, ct, key, &space, off, tries))
		return;
	while (tries < space.count && tries >= TRIES_LAST) {
		tries /= 2;
		if (search_scattered(nat, t, ct, key, &space, tries))
			return;
	}
}

/* keep_key: whether the key may stay as it is: in an explicit range and free. A range of one port is not asked for: the
 * connection may collide when it is confirmed. */
static bool keep_key(struct nat *nat, const struct ct_tuple *t, const struct nat_range *range,
		     const struct ct_entry *ct, enum nat_manip manip)
{
	if (!(range->flags & NAT_RANGE_PORTS))
		return !taken(nat, t, ct);
	if (range->flags & NAT_RANGE_PORT_OFFSET || !key_in_range(t, range, manip))
		return false;
	return range->min_key == range->max_key || !taken(nat, t, ct);
}

void nat_unique_tuple(struct nat *nat, struct ct_tuple *out, const struct ct_tuple *orig,
		      const struct nat_range *range, struct ct_entry *ct, enum nat_manip manip)
{
	bool random = range->flags & (NAT_RANGE_RANDOM | NAT_RANGE_RANDOM_FULLY);

	if (manip == NAT_MANIP_SRC && !random) {
		if (source_in_range(orig, range)) {
			if (!taken_first(nat, orig, ct)) {
				*out = *orig;
				return;
			}
		} else if (reuse_source(nat, out, orig, ct, range) && !taken(nat, out, ct)) {
			return;
		}
	}
	*out = *orig;
	choose_address(out, range, ct, manip);
	if (!random && keep_key(nat, out, range, ct, manip))
		return;
	search_key(nat, out, range, ct, manip);
}
