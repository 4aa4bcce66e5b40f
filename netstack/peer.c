/* peer.c - how much ICMP one may cause: a budget for each address, and one for all.
 *
 * Overview
 *   A bounded table of peers, 4-way associative; a new peer takes the place of the one seen longest ago. A
 *   peer has the token bucket of ICMP errors, which unroutable packets and redirects share as in Linux, and
 *   counts the fragments of an address for ipfrag_max_dist.
 *
 * Linux parity: net/ipv4/inetpeer.c (inet_peer_xrlim_allow: burst 6), icmp.c (icmpv4_mask_allow,
 * icmp_global_allow, icmp_global_consume), route.c (ip_error: cost 1 s, burst 5 s; ip_rt_send_redirect: 20 ms
 * << n, silence 20.48 s, 9).
 */
#include "netstack/netstack_int.h"

#include <stdlib.h>

enum { WAYS = 4, SETS = 1024, PEER_BURST = 6, ERROR_BURST_S = 5, REDIRECT_MAX = 9 };
#define REDIRECT_LOAD    (20 * NS_PER_MS)
#define REDIRECT_SILENCE (REDIRECT_LOAD << (REDIRECT_MAX + 1))
#define FRESH_CREDIT     (60 * NS_PER_S) /* a new peer has been silent for that long */
#define GLOBAL_REFILL    (20 * NS_PER_MS)

struct peer {
	uint32_t ip; /* network order; 0 = free place */
	uint32_t fragments;
	uint32_t redirects;
	uint64_t tokens;    /* ns of silence saved up */
	uint64_t last;      /* when tokens were counted; negative times wrap, differences are right */
	uint64_t seen;
};

struct peer_table {
	struct peer set[SETS][WAYS];
	uint32_t key;
	uint64_t global_stamp;
	int64_t global_credit;
};

struct peer_table *peer_create(struct netstack *ns)
{
	struct peer_table *t = calloc(1, sizeof *t);

	if (t)
		t->key = netstack_random32(ns) | 1;
	return t;
}

void peer_destroy(struct peer_table *t)
{
	free(t);
}

/* peer_get: the peer of an address, made if absent. */
static struct peer *peer_get(struct netstack *ns, uint32_t be)
{
	struct peer *set = ns->peers->set[be * ns->peers->key >> 22], *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].ip == be) {
			set[i].seen = ns->now;
			return &set[i];
		}
		if (!set[i].ip || (oldest->ip && set[i].seen < oldest->seen))
			oldest = &set[i];
	}
	*oldest = (struct peer){ .ip = be, .last = ns->now - FRESH_CREDIT, .seen = ns->now };
	return oldest;
}

/* limited_type: whether net.ipv4.icmp_ratemask names a type; path MTU discovery is never limited. */
static bool limited_type(const struct netstack *ns, uint8_t type, uint8_t code)
{
	if (type > ICMP_TYPE_MAX || (type == ICMP_UNREACHABLE && code == ICMP_FRAG_NEEDED))
		return false;
	return (uint32_t)ns->conf.icmp_ratemask >> type & 1;
}

bool peer_global_ok(struct netstack *ns, uint8_t type, uint8_t code, bool *limited)
{
	struct peer_table *t = ns->peers;
	uint64_t since = ns->now - t->global_stamp;

	*limited = limited_type(ns, type, code);
	if (!*limited)
		return true;
	if (!t->global_stamp || since > NS_PER_S)
		since = NS_PER_S;
	if (since >= GLOBAL_REFILL) {
		int64_t more = (int64_t)((uint64_t)ns->conf.icmp_msgs_per_sec * since / NS_PER_S);

		if (more) {
			t->global_credit += more;
			t->global_stamp = ns->now ? ns->now : 1;
		}
	}
	if (t->global_credit > ns->conf.icmp_msgs_burst)
		t->global_credit = ns->conf.icmp_msgs_burst;
	if (t->global_credit > 0)
		return true;
	SNMP_INC(ns, IcmpOutRateLimitGlobal);
	return false;
}

bool peer_host_ok(struct netstack *ns, uint32_t dst, bool limited)
{
	uint64_t cost = ns->conf.icmp_ratelimit > 0 ? (uint64_t)ns->conf.icmp_ratelimit * NS_PER_MS : 0;

	if (!limited)
		return true;
	if (cost) { /* without a limit the peer keeps its tokens, for unroutable packets */
		struct peer *peer = peer_get(ns, dst);

		peer->tokens += ns->now - peer->last;
		peer->last = ns->now;
		if (peer->tokens > PEER_BURST * cost)
			peer->tokens = PEER_BURST * cost;
		if (peer->tokens < cost) {
			SNMP_INC(ns, IcmpOutRateLimitHost);
			return false;
		}
		peer->tokens -= cost;
	}
	ns->peers->global_credit -= netstack_random_below(ns, 3); /* 1 on average: the exact credit cannot be probed */
	return true;
}

bool peer_route_error_ok(struct netstack *ns, uint32_t src)
{
	struct peer *peer = peer_get(ns, src);

	peer->tokens += ns->now - peer->last;
	peer->last = ns->now;
	if (peer->tokens > ERROR_BURST_S * NS_PER_S)
		peer->tokens = ERROR_BURST_S * NS_PER_S;
	if (peer->tokens < NS_PER_S)
		return false;
	peer->tokens -= NS_PER_S;
	return true;
}

bool peer_redirect_ok(struct netstack *ns, uint32_t src)
{
	struct peer *peer = peer_get(ns, src);

	if ((int64_t)(ns->now - peer->last - REDIRECT_SILENCE) > 0) {
		peer->tokens = 0;
		peer->redirects = 0;
	}
	if (peer->redirects >= REDIRECT_MAX) {
		peer->last = ns->now;
		return false;
	}
	if (peer->redirects && ns->now - peer->last <= REDIRECT_LOAD << peer->redirects)
		return false;
	peer->last = ns->now;
	peer->redirects++;
	return true;
}

uint32_t peer_fragment_count(struct netstack *ns, uint32_t src)
{
	return ++peer_get(ns, src)->fragments;
}
