/* synproxy.h - the half of -j SYNPROXY that follows a connection once the client has proved itself. */
#ifndef TABLES_SYNPROXY_H
#define TABLES_SYNPROXY_H

#include "tables/tables.h"

/* As in struct xt_synproxy_info. */
enum synproxy_bit {
	SYNPROXY_MSS = 1,
	SYNPROXY_WSCALE = 2,
	SYNPROXY_SACK_PERM = 4,
	SYNPROXY_TIMESTAMP = 8,
	SYNPROXY_ECN = 16,
};

/* What a cookie's timestamp holds below its clock: the client's window scale, and whether it knows SACK and ECN. */
enum { SYNPROXY_NO_WSCALE = 0xf, SYNPROXY_COOKIE_SACK = 0x10, SYNPROXY_COOKIE_ECN = 0x20 };

/* TCP options of a segment. mss_seen: of a client's SYN, while mss is what the rule promises. */
struct synproxy_options {
	uint8_t options; /* enum synproxy_bit */
	uint8_t wscale;
	uint16_t mss, mss_seen;
	uint32_t tsval, tsecr;
};

/* synproxy_parse: reads the options of the TCP header at @th, all of which must be there.
 * Return: the header, NULL if it is not all there. */
const struct tcp_hdr *synproxy_parse(const struct pkt *p, struct synproxy_options *o);

/* synproxy_send_synack: answers the client's SYN in @p with a cookie. synproxy_take_ack: the client's acknowledgement of
 * a cookie: connects to the server with @seq - 1. Neither consumes @p. Return: false if it acknowledges none. */
void synproxy_send_synack(struct tables *t, const struct pkt *p, const struct tcp_hdr *th,
			  const struct synproxy_options *o);
bool synproxy_take_ack(struct tables *t, const struct pkt *p, const struct tcp_hdr *th,
		       struct synproxy_options *o, uint32_t seq);

/* synproxy_follow: a packet of a proxied connection, just before its helper and sequence adjustment (conntrack's
 * notify.synproxy). @tables: the instance. Return: as a hook function. */
enum verdict synproxy_follow(void *tables, struct pkt *p);

#endif
