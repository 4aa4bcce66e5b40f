/* trace.h - log lines of packets that -j TRACE follows. */
#ifndef TABLES_TRACE_H
#define TABLES_TRACE_H

#include "tables/tables_int.h"

enum trace_what { TRACE_RULE, TRACE_RETURN, TRACE_POLICY };

/* trace_packet: one line "TRACE: table:chain:what:number IN=...". @number: of the rule, from 1; for RETURN and POLICY one
 * more than the chain has rules. */
void trace_packet(struct tables *t, enum table_id id, const char *chain, enum trace_what what, uint32_t number,
		  const struct pkt *p, const struct hook_state *st);

#endif
