/* foresee.c - what packets that wait together will look up, brought near before the first of them is worked on.
 *
 * Overview
 *   In a table of millions a look-up waits twice for main memory, for the head of the chain and for the entry: longer than all
 *   the rest takes. For a batch of packets these waits overlap: first all heads are asked for, then all entries behind them.
 *   What is computed on the way (the hash) is kept in the packet with what it was computed of, so that it is not computed
 *   again; whoever finds other bytes in the packet by then computes his own.
 *
 * Linux parity: none: nothing can be seen of it but time.
 */
#include "conntrack/conntrack_int.h"

#include <arpa/inet.h>

/* flow_of: reads what identifies the flow of a received frame of the common kind: IPv4 without options and fragments, with
 * ports. @flow: gets the words that ct_hash makes of its tuple. Return: false for others. */
static bool flow_of(const struct pkt *p, uint64_t flow[2])
{
	const struct eth_hdr *eth = (const struct eth_hdr *)p->data;
	const struct ip4_hdr *ip = (const struct ip4_hdr *)(p->data + ETH_HLEN);
	struct ct_tuple t = { .family = FAMILY_IP4 };

	if (p->len < ETH_HLEN + IP4_HLEN + sizeof(struct udp_hdr) || eth->type != htons(ETHERTYPE_IP4) ||
	    ip->version_ihl != 0x45 || ip->frag & htons(IP4_MF | IP4_OFFSET) ||
	    (ip->proto != IP_PROTO_TCP && ip->proto != IP_PROTO_UDP))
		return false;
	t.src.word[0] = ip->src;
	t.dst.word[0] = ip->dst;
	t.proto = ip->proto;
	memcpy(&t.src_key, p->data + ETH_HLEN + IP4_HLEN, 2);
	memcpy(&t.dst_key, p->data + ETH_HLEN + IP4_HLEN + 2, 2);
	ct_flow_words(&t, flow);
	return true;
}

/* bring: asks for all of an entry. */
static inline void bring(const struct ct_entry *ct)
{
	for (unsigned line = 0; line < sizeof *ct; line += CACHE_LINE)
		__builtin_prefetch((const uint8_t *)ct + line);
}

void conntrack_foresee(struct conntrack *ctk, struct pkt *const *p, unsigned count)
{
	const struct ct_table *t = ctk->table;
	enum ct_dir dir;

	for (unsigned i = 0; i < count; i++) {
		if (!flow_of(p[i], p[i]->flow))
			continue;
		p[i]->flow_hash = ct_hash_words(ctk, p[i]->flow);
		__builtin_prefetch(ct_head_of(t, p[i]->flow_hash));
	}
	for (unsigned i = 0; i < count; i++)
		if (p[i]->flow[1] && *ct_head_of(t, p[i]->flow_hash))
			bring(ct_node_entry(t, *ct_head_of(t, p[i]->flow_hash), &dir));
	/* Where the first of a chain is somebody else, the second. */
	for (unsigned i = 0; i < count; i++) {
		uint32_t node = p[i]->flow[1] ? *ct_head_of(t, p[i]->flow_hash) : 0;
		const struct ct_entry *first = node ? ct_node_entry(t, node, &dir) : NULL;
		uint64_t words[2];

		if (!first || !first->next[dir])
			continue;
		ct_flow_words(&first->tuple[dir], words);
		if (words[0] != p[i]->flow[0] || words[1] != p[i]->flow[1])
			bring(ct_node_entry(t, first->next[dir], &dir));
	}
}
