/* defrag.h - IPv4 reassembly at PREROUTING and OUTPUT (RFC 791 3.2, RFC 5722 overlap rule, net/ipv4/ip_fragment.c). */
#ifndef NETSTACK_DEFRAG_H
#define NETSTACK_DEFRAG_H

#include "netstack/hooks.h"

/* defrag_hook: hook function (ROOM_NETSTACK). Whole packets pass; a fragment is stolen until its datagram is complete,
 * then the last one goes on as the whole packet (defragmented, max_frag set). */
enum verdict defrag_hook(void *netstack, struct pkt *p, const struct hook_state *st);

/* defrag_memory: bytes held now, as compared with ipfrag_high_thresh. */
int64_t defrag_memory(const struct netstack *ns);

#endif
