/* packet_log.h - a packet as one line of text, in the kernel's LOG format (net/netfilter/nf_log_syslog.c).
 *
 *   PREFIXIN=lan OUT=wan MAC=dst:src:type SRC=.. DST=.. LEN=.. TOS=.. PREC=.. TTL=.. ID=.. PROTO=..
 *
 * Allocates nothing: -j LOG, -j TRACE and nf_conntrack_log_invalid use it on the packet path.
 */
#ifndef NETSTACK_PACKET_LOG_H
#define NETSTACK_PACKET_LOG_H

#include "netstack/pkt.h"

struct netstack;
struct text;

/* What else to show; numbers as in LOG rules (xt_LOG: --log-tcp-sequence ...). TRACE and log_invalid use the default. */
enum packet_log_flag {
	PACKET_LOG_TCP_SEQUENCE = 1,
	PACKET_LOG_TCP_OPTIONS = 2,
	PACKET_LOG_IP_OPTIONS = 4,
	PACKET_LOG_UID = 8, /* of the sending socket: no packet here has one, so it adds nothing */
	PACKET_LOG_MAC_DECODE = 32,
	PACKET_LOG_DEFAULT = 15,
};

/* packet_log_text: appends the line without prefix and newline, trailing blank included. @in, @out: the ports of the
 * hook, NULL where it has none. @p needs a network header at data, nothing more: every field is checked. */
void packet_log_text(struct text *out, const struct pkt *p, const struct port *in, const struct port *port_out,
		     unsigned flags);

/* packet_log: hands "PREFIXline" to ops.log. @level: kernel levels 0..7. */
void packet_log(struct netstack *ns, int level, const char *prefix, const struct pkt *p, const struct port *in,
		const struct port *out, unsigned flags);

#endif
