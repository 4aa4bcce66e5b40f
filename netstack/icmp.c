/* icmp.c - the ICMP errors this router sends (RFC 792, RFC 1812 4.3).
 *
 * Overview
 *   An error quotes the packet it is about up to 576 bytes in all, goes to its source, and comes from the
 *   address it was sent to if that is ours, else from the one that routing prefers toward the source. It
 *   carries the record route and timestamp options of the packet. It walks OUTPUT and POSTROUTING like all
 *   that is made here, attached to the packet's connection.
 *
 * Linux parity: net/ipv4/icmp.c (__icmp_send, icmp_route_lookup), route.c (ip_rt_send_redirect).
 */
#include "netstack/icmp.h"

#include "netstack/checksum.h"
#include "netstack/icmp_int.h"
#include "netstack/ip4.h"

#include <arpa/inet.h>

enum { QUOTE_MAX = 576, TOS_MASK = 0x1e, TOS_INTERNETCONTROL = 0xc0 };

bool icmp_is_error(uint8_t type)
{
	return type == ICMP_UNREACHABLE || type == ICMP_SOURCE_QUENCH || type == ICMP_REDIRECT ||
	       type == ICMP_TIME_EXCEEDED || type == ICMP_PARAMETER;
}

void icmp_count_out(struct netstack *ns, uint8_t type)
{
	static const uint8_t counters[ICMP_TYPE_MAX + 1] = {
		[ICMP_ECHO_REPLY] = SNMP_IcmpOutEchoReps, [ICMP_UNREACHABLE] = SNMP_IcmpOutDestUnreachs,
		[ICMP_SOURCE_QUENCH] = SNMP_IcmpOutSrcQuenchs, [ICMP_REDIRECT] = SNMP_IcmpOutRedirects,
		[ICMP_ECHO] = SNMP_IcmpOutEchos, [ICMP_TIME_EXCEEDED] = SNMP_IcmpOutTimeExcds,
		[ICMP_PARAMETER] = SNMP_IcmpOutParmProbs, [ICMP_TIMESTAMP] = SNMP_IcmpOutTimestamps,
		[ICMP_TIMESTAMP_REPLY] = SNMP_IcmpOutTimestampReps, [ICMP_MASK] = SNMP_IcmpOutAddrMasks,
		[ICMP_MASK_REPLY] = SNMP_IcmpOutAddrMaskReps,
	};

	SNMP_INC(ns, IcmpOutMsgs);
	if (type <= ICMP_TYPE_MAX && counters[type])
		ns->snmp[counters[type]]++;
}

struct icmp_hdr *icmp_prepare(struct netstack *ns, const struct icmp_draft *d, struct pkt **made)
{
	struct pkt *p = pkt_alloc(ns->pool, d->payload + 128 <= PKT_SMALL_SIZE - PKT_HEADROOM ? PKT_SMALL : PKT_LARGE);
	uint32_t body = d->options_len + (uint32_t)sizeof(struct icmp_hdr) + d->payload;
	uint8_t *at = p ? ip4_prepare(p, IP_PROTO_ICMP, d->src, d->dst, ns->conf.ip_default_ttl, d->tos, body) : NULL;
	struct icmp_hdr *icmp;

	if (!at) {
		pkt_free(p);
		return NULL;
	}
	memcpy(at, d->options, d->options_len);
	ip4_hdr(p)->version_ihl = (uint8_t)(0x45 + d->options_len / 4);
	p->hdr.l4 = (uint16_t)(IP4_HLEN + d->options_len);
	p->hdr.has_options = d->options_len > 0;
	icmp = (struct icmp_hdr *)(void *)(at + d->options_len);
	*icmp = (struct icmp_hdr){ .type = d->type, .code = d->code };
	*made = p;
	return icmp;
}

void icmp_transmit(struct netstack *ns, struct pkt *made, uint8_t type)
{
	icmp_count_out(ns, type);
	ns->icmp_busy = true;
	made->own_socket = true;
	ip4_send_local(ns, made);
	ns->icmp_busy = false;
}

/* inner_icmp_error: whether the offender is an ICMP error itself, of an unknown type, or one that Linux counts among
 * the errors (icmp_pointers of net/ipv4/icmp.c): no answer to those. */
static bool inner_icmp_error(const struct pkt *p)
{
	static const uint32_t unassigned = 1 << 1 | 1 << 2 | 1 << 6 | 1 << 7;
	static const uint32_t router = 1 << ICMP_ROUTER_ADVERT | 1 << ICMP_ROUTER_SOLICIT;
	const uint8_t *type = p->hdr.proto == IP_PROTO_ICMP ? pkt_l4(p, 1) : NULL;

	if (p->hdr.proto != IP_PROTO_ICMP)
		return false;
	return !type || *type > ICMP_TYPE_MAX || icmp_is_error(*type) || (unassigned | router) >> *type & 1;
}

/* may_answer: whether an error about @p may be sent at all (RFC 1122 3.2.2). */
static bool may_answer(const struct pkt *p, uint8_t type)
{
	const struct ip4_hdr *ip = ip4_hdr(p);

	if (p->hdr.family != FAMILY_IP4 || (p->type != PKT_HOST && p->type != PKT_OUTGOING))
		return false;
	if (p->route_type == ROUTE_BROADCAST || p->route_type == ROUTE_MULTICAST)
		return false;
	if (ip->frag & htons(IP4_OFFSET))
		return false;
	if (ip4_is_zeronet(ip->src) || ip4_is_multicast(ip->src) || ip4_is_limited_broadcast(ip->src))
		return false;
	return !icmp_is_error(type) || !inner_icmp_error(p);
}

/* choose_source: the address an error comes from: the offender's destination if that is ours; else 0 = by
 * route, or the address of the port it came in by. */
static uint32_t choose_source(struct netstack *ns, const struct pkt *p)
{
	if (p->route_type == ROUTE_LOCAL)
		return ip4_hdr(p)->dst;
	if (ns->conf.icmp_errors_use_inbound_ifaddr && p->in)
		return port_primary_ip4(p->in, ip4_hdr(p)->src);
	return 0;
}

/* send_about: fills in and sends an error whose way is known. */
static void send_about(struct netstack *ns, const struct pkt *p, struct icmp_draft *d, uint32_t mtu, uint32_t info)
{
	uint32_t room = mtu < QUOTE_MAX ? mtu : QUOTE_MAX;
	struct icmp_hdr *icmp;
	struct pkt *made;

	if (room <= 2 * IP4_HLEN + d->options_len + sizeof *icmp)
		return;
	room -= IP4_HLEN + d->options_len + (uint32_t)sizeof *icmp;
	d->payload = p->len < room ? p->len : room;
	icmp = icmp_prepare(ns, d, &made);
	if (!icmp)
		return;
	icmp->word = htonl(info);
	memcpy(icmp + 1, p->data, d->payload);
	(void)csum_l4_fill(made);
	made->mark = ns->conf.fwmark_reflect ? p->mark : 0;
	if (ns->notify.ct_attach && icmp_is_error(d->type))
		ns->notify.ct_attach(ns->notify.ctx, made, p);
	icmp_transmit(ns, made, d->type);
}

void icmp_send_error(struct netstack *ns, const struct pkt *p, uint8_t type, uint8_t code, uint32_t info)
{
	const struct ip4_hdr *ip = ip4_hdr(p);
	uint8_t options[40];
	struct icmp_draft d = { .type = type, .code = code, .options = options };
	struct route_result res;
	bool limited;

	if (ns->icmp_busy || !may_answer(p, type) || !peer_global_ok(ns, type, code, &limited))
		return;
	d.dst = ip->src;
	d.src = choose_source(ns, p);
	d.tos = (uint8_t)((ip->tos & TOS_MASK) | TOS_INTERNETCONTROL);
	route_lookup(ns, &(struct route_key){ .dst = d.dst, .src = d.src, .tos = d.tos }, &res);
	if ((res.type != ROUTE_UNICAST && res.type != ROUTE_LOCAL && res.type != ROUTE_BROADCAST) ||
	    !peer_host_ok(ns, d.dst, limited))
		return;
	if (!d.src)
		d.src = res.src ? res.src : ip4_source_toward(ns, res.port, res.next_hop);
	d.options_len = p->hdr.has_options ? ip4_options_echo(ns, p, options, d.src) : 0;
	send_about(ns, p, &d, res.port->mtu, info);
}

void icmp_send_redirect(struct netstack *ns, const struct pkt *p, uint32_t gateway)
{
	if (peer_redirect_ok(ns, ip4_hdr(p)->src))
		icmp_send_error(ns, p, ICMP_REDIRECT, ICMP_REDIRECT_HOST, ntohl(gateway));
}
