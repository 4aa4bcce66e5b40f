/* icmp_input.c - ICMP addressed to this router: echo and timestamp are answered, the rest is counted and
 * consumed.
 *
 * Nobody here has sockets that an error could tell something, and a forwarding router does not take
 * redirects.
 *
 * Linux parity: net/ipv4/icmp.c (icmp_rcv, icmp_echo, icmp_timestamp, icmp_reply, icmp_unreach).
 */
#include "netstack/checksum.h"
#include "netstack/icmp.h"
#include "netstack/icmp_int.h"
#include "netstack/ip4.h"

#include <arpa/inet.h>

enum { TIMESTAMP_LEN = 12 };

/* count_in: the counters of a message received. */
static void count_in(struct netstack *ns, uint8_t type)
{
	static const uint8_t counters[ICMP_TYPE_MAX + 1] = {
		[ICMP_ECHO_REPLY] = SNMP_IcmpInEchoReps, [ICMP_UNREACHABLE] = SNMP_IcmpInDestUnreachs,
		[ICMP_SOURCE_QUENCH] = SNMP_IcmpInSrcQuenchs, [ICMP_REDIRECT] = SNMP_IcmpInRedirects,
		[ICMP_ECHO] = SNMP_IcmpInEchos, [ICMP_TIME_EXCEEDED] = SNMP_IcmpInTimeExcds,
		[ICMP_PARAMETER] = SNMP_IcmpInParmProbs, [ICMP_TIMESTAMP] = SNMP_IcmpInTimestamps,
		[ICMP_TIMESTAMP_REPLY] = SNMP_IcmpInTimestampReps, [ICMP_MASK] = SNMP_IcmpInAddrMasks,
		[ICMP_MASK_REPLY] = SNMP_IcmpInAddrMaskReps,
	};

	if (type <= ICMP_TYPE_MAX && counters[type])
		ns->snmp[counters[type]]++;
}

/* reply: answers @p with @type and @payload bytes behind the header, copied from the request's (icmp_reply).
 * *body: the payload in the answer, to be changed before reply_send. Return: the answer, NULL if none is
 * due. */
static struct pkt *reply(struct netstack *ns, const struct pkt *p, uint8_t type, uint8_t code, uint32_t payload,
			 uint8_t **body)
{
	const struct icmp_hdr *in = pkt_l4(p, sizeof *in);
	const struct ip4_hdr *ip = ip4_hdr(p);
	uint8_t options[40];
	struct icmp_draft d = { .src = ip4_spec_dst(ns, p), .dst = ip->src, .type = type, .code = code, .tos = ip->tos,
				.options = options, .payload = payload };
	struct icmp_hdr *icmp;
	struct pkt *made;
	bool limited;

	if (!in || ip4_is_zeronet(d.dst) || !peer_global_ok(ns, type, code, &limited) ||
	    !peer_host_ok(ns, d.dst, limited))
		return NULL;
	d.options_len = p->hdr.has_options ? ip4_options_echo(ns, p, options, d.src) : 0;
	icmp = icmp_prepare(ns, &d, &made);
	if (!icmp)
		return NULL;
	icmp->word = in->word;
	*body = (uint8_t *)(icmp + 1);
	return made;
}

/* reply_send: completes and sends an answer. */
static void reply_send(struct netstack *ns, const struct pkt *p, struct pkt *made, uint8_t type)
{
	(void)csum_l4_fill(made);
	made->mark = ns->conf.fwmark_reflect ? p->mark : 0;
	icmp_transmit(ns, made, type);
}

/* echo: RFC 792 echo: the same id, sequence and data. */
static void echo(struct netstack *ns, const struct pkt *p, const struct icmp_hdr *icmp)
{
	uint32_t payload = pkt_l4_len(p) - (uint32_t)sizeof *icmp;
	uint8_t *body;
	struct pkt *made;

	if (ns->conf.icmp_echo_ignore_all)
		return;
	made = reply(ns, p, ICMP_ECHO_REPLY, icmp->code, payload, &body);
	if (!made)
		return;
	memcpy(body, icmp + 1, payload);
	reply_send(ns, p, made, ICMP_ECHO_REPLY);
}

/* timestamp: RFC 792 timestamp: the originate time back, our time of receipt and of sending. Return: false
 * for a message without an originate time. */
static bool timestamp(struct netstack *ns, const struct pkt *p)
{
	const uint8_t *originate = pkt_at(p, p->hdr.l4 + (uint32_t)sizeof(struct icmp_hdr), 4);
	uint32_t now = htonl(netstack_midnight_ms(ns));
	uint8_t *body;
	struct pkt *made;

	if (!originate)
		return false;
	made = reply(ns, p, ICMP_TIMESTAMP_REPLY, 0, TIMESTAMP_LEN, &body);
	if (!made)
		return true;
	memcpy(body, originate, 4);
	memcpy(body + 4, &now, 4);
	memcpy(body + 8, &now, 4);
	reply_send(ns, p, made, ICMP_TIMESTAMP_REPLY);
	return true;
}

/* quote_ok: whether an error quotes at least an IP header with a sane length (icmp_unreach). */
static bool quote_ok(const struct pkt *p)
{
	const uint8_t *inner = pkt_at(p, p->hdr.l4 + (uint32_t)sizeof(struct icmp_hdr), IP4_HLEN);

	return inner && (inner[0] & 15) >= 5;
}

/* bogus: says once in a while that a host answers broadcasts with errors (icmp_ignore_bogus_error_responses =
 * 0). Return: whether the error is such. */
static bool bogus(struct netstack *ns, const struct pkt *p, const struct icmp_hdr *icmp)
{
	const struct ip4_hdr *inner = pkt_at(p, p->hdr.l4 + (uint32_t)sizeof *icmp, sizeof *inner);
	char from[ADDR_TEXT_MAX], to[ADDR_TEXT_MAX];
	struct addr src = addr_ip4(ip4_hdr(p)->src), dst;

	if (ns->conf.icmp_ignore_bogus_error_responses || !inner ||
	    route_addr_type(ns, inner->dst, NULL) != ROUTE_BROADCAST)
		return false;
	dst = addr_ip4(inner->dst);
	if (ratelimit_ok(&ns->martian_log, ns->now))
		netstack_log(ns, LOG_LEVEL_WARNING,
			     "%s sent an invalid ICMP type %u, code %u error to a broadcast: %s on %s",
			     addr_format(&src, FAMILY_IP4, from), icmp->type, icmp->code,
			     addr_format(&dst, FAMILY_IP4, to), p->in ? p->in->name : "");
	return true;
}

/* to_many_ok: whether a message to a broadcast or multicast address is looked at (RFC 1122 3.2.2.6,
 * 3.2.2.8). */
static bool to_many_ok(const struct netstack *ns, uint8_t type)
{
	if (type == ICMP_ECHO || type == ICMP_TIMESTAMP)
		return !ns->conf.icmp_echo_ignore_broadcasts;
	return type == ICMP_MASK || type == ICMP_MASK_REPLY;
}

/* ignore: drops a message that gets no attention. */
static void ignore(struct netstack *ns, struct pkt *p, enum drop_reason reason)
{
	SNMP_INC(ns, IcmpInErrors);
	netstack_drop(ns, p, reason);
}

void icmp_input(struct netstack *ns, struct pkt *p)
{
	const struct icmp_hdr *icmp = pkt_l4(p, sizeof *icmp);
	bool to_many = p->route_type == ROUTE_BROADCAST || p->route_type == ROUTE_MULTICAST;

	SNMP_INC(ns, IcmpInMsgs);
	if (!icmp) {
		ignore(ns, p, DROP_ICMP_MALFORMED);
		return;
	}
	if (!csum_l4_verify(p)) {
		SNMP_INC(ns, IcmpInCsumErrors);
		ignore(ns, p, DROP_LOCAL_BAD_CHECKSUM);
		return;
	}
	count_in(ns, icmp->type);
	if (icmp->type > ICMP_TYPE_MAX || (to_many && !to_many_ok(ns, icmp->type))) {
		ignore(ns, p, DROP_ICMP_IGNORED);
		return;
	}
	if (icmp->type == ICMP_ECHO)
		echo(ns, p, icmp);
	else if ((icmp->type == ICMP_TIMESTAMP && !timestamp(ns, p)) || (icmp_is_error(icmp->type) && !quote_ok(p))) {
		ignore(ns, p, DROP_ICMP_MALFORMED);
		return;
	} else if (icmp_is_error(icmp->type) && bogus(ns, p, icmp)) {
		ignore(ns, p, DROP_ICMP_IGNORED);
		return;
	}
	netstack_delivered(ns, p);
}
