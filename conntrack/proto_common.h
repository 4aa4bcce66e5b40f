/* proto_common.h - what the trackers share. */
#ifndef CONNTRACK_PROTO_COMMON_H
#define CONNTRACK_PROTO_COMMON_H

#include "conntrack/conntrack_int.h"
#include "netstack/checksum.h"
#include "netstack/text.h"

/* ct_ports_tuple, ct_ports_print: .tuple and .print_tuple of protocols whose header begins with two ports. */
bool ct_ports_tuple(struct conntrack *ctk, const uint8_t *l4, uint32_t len, struct ct_tuple *t);
void ct_ports_print(const struct ct_tuple *t, struct text *out);

/* ct_invalid: ct_log_invalid for `return ct_invalid(...)`. Return: false. */
bool ct_invalid(struct conntrack *ctk, const struct pkt *p, const struct hook_state *st, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* ct_tcp_state_name, ct_sctp_state_name, ct_dccp_state_name: as /proc prints them. */
const char *ct_tcp_state_name(uint8_t state);
const char *ct_dccp_state_name(uint8_t state);
const char *ct_sctp_state_name(uint8_t state);

#endif
