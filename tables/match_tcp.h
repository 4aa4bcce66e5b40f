/* match_tcp.h - what a target may ask of a -m tcp beside it. */
#ifndef TABLES_MATCH_TCP_H
#define TABLES_MATCH_TCP_H

#include <stdbool.h>

/* match_tcp_wants_syn: whether the match (@data: its block) only takes segments with SYN: the flags asked for hold it, and
 * nothing is inverted (net/netfilter/xt_TCPMSS.c find_syn_match). */
bool match_tcp_wants_syn(const void *data);

#endif
