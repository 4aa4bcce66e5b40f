/* trace.c - see trace.h. Linux parity: ip_tables.c trace_packet: level warning, all details. */
#include "tables/trace.h"

#include <stdio.h>

#include "netstack/packet_log.h"

enum { TRACE_LEVEL = 4, TRACE_PREFIX_MAX = 96 };

void trace_packet(struct tables *t, enum table_id id, const char *chain, enum trace_what what,
		  uint32_t number, const struct pkt *p, const struct hook_state *st)
{
	static const char *const words[] = {
		[TRACE_RULE] = "rule", [TRACE_RETURN] = "return", [TRACE_POLICY] = "policy"
	};
	char prefix[TRACE_PREFIX_MAX];

	snprintf(prefix, sizeof prefix, "TRACE: %s:%s:%s:%u ", table_name(id), chain, words[what], number);
	packet_log(t->ns, TRACE_LEVEL, prefix, p, st->in, st->out,
		   PACKET_LOG_TCP_SEQUENCE | PACKET_LOG_TCP_OPTIONS | PACKET_LOG_IP_OPTIONS | PACKET_LOG_UID);
}
