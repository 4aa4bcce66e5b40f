/* rewrite.c - writing translated addresses and ports into packets.
 *
 * Overview
 *   One side (source or destination) of one header is changed at a time: the address, and by protocol the port, the ICMP
 *   query id or the GRE call id. Checksums are updated incrementally (RFC 1624): the sum of what changed is taken once and
 *   applied to the IP header and to the L4 checksum. Only SCTP's CRC must be computed anew.
 *
 * Invariants
 *   1. A checksum that was right stays right, one that was wrong stays wrong.
 *   2. A partial checksum holds the pseudo-header sum: an address changes it, a port does not.
 *   3. A UDP checksum of 0 (none) stays 0; one that becomes 0 is written as 0xffff.
 *
 * Linux parity: net/netfilter/nf_nat_proto.c.
 */
#include "nat/nat_int.h"
#include "netstack/checksum.h"

#include <arpa/inet.h>
#include <endian.h>

struct sctp_hdr {
	uint16_t sport, dport;
	uint32_t vtag, checksum;
} __attribute__((packed, aligned(2)));

/* The part of a DCCP header (RFC 4340) that is always there. */
struct dccp_hdr {
	uint16_t sport, dport;
	uint8_t offset, coverage;
	uint16_t checksum;
	uint8_t type, seq[3];
};

/* The part of a GRE version 1 header (RFC 2637) that is always there. */
struct gre_hdr {
	uint16_t flags, proto, payload_len, call_id;
} __attribute__((packed, aligned(2)));
enum { GRE_VERSION = 0x0007, GRE_VERSION_1 = 1 };

/* What changed, as a sum to add to a checksum. */
struct change {
	uint64_t addr, key;
};

/* changed32, changed16: the sum that replaces one word by another (RFC 1624 equation 3: ~m + m'). */
static inline uint64_t changed32(uint32_t from, uint32_t to)
{
	return (uint64_t)(uint32_t)~from + to;
}
static inline uint64_t changed16(uint16_t from, uint16_t to)
{
	return (uint64_t)(uint16_t)~from + to;
}

/* fold: a one's complement sum to 16 bits, not complemented. */
static inline uint16_t fold(uint64_t sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

/* apply: a checksum field with @sum added to what it covers. */
static inline uint16_t apply(uint16_t field, uint64_t sum)
{
	return (uint16_t)~fold((uint16_t)~field + sum);
}

/* apply_l4: the same for an L4 checksum with a pseudo header, right for a partial one. */
static inline uint16_t apply_l4(uint16_t field, const struct change *c, bool partial)
{
	return partial ? fold((uint64_t)field + c->addr) : apply(field, c->addr + c->key);
}

/* write_port: the port of one side. The two ports begin TCP, UDP, UDPLITE, SCTP and DCCP headers alike. */
static inline void write_port(uint16_t *ports, enum nat_manip manip, uint16_t port, struct change *c)
{
	uint16_t *at = manip == NAT_MANIP_SRC ? &ports[0] : &ports[1];

	c->key = changed16(*at, port);
	*at = port;
}

/* rewrite_tcp: @off: of the TCP header. What an ICMP error quotes may end before the checksum. */
static inline bool rewrite_tcp(struct pkt *p, uint32_t off, uint16_t port, enum nat_manip manip,
			       struct change *c, bool partial)
{
	struct tcp_hdr *th = pkt_at(p, off, sizeof *th);
	uint16_t *ports = th ? &th->sport : pkt_at(p, off, 8);

	if (!ports)
		return false;
	write_port(ports, manip, port, c);
	if (th)
		th->checksum = apply_l4(th->checksum, c, partial);
	return true;
}

/* rewrite_udp: UDP and UDPLITE (whose checksum is never absent). */
static inline bool rewrite_udp(struct pkt *p, uint32_t off, uint16_t port, enum nat_manip manip,
			       struct change *c, bool partial, bool lite)
{
	struct udp_hdr *uh = pkt_at(p, off, sizeof *uh);

	if (!uh)
		return false;
	write_port(&uh->sport, manip, port, c);
	if (uh->checksum || partial || lite) {
		uh->checksum = apply_l4(uh->checksum, c, partial);
		if (!uh->checksum)
			uh->checksum = 0xffff;
	}
	return true;
}

/* rewrite_dccp: as TCP. */
static bool rewrite_dccp(struct pkt *p, uint32_t off, uint16_t port, enum nat_manip manip, struct change *c)
{
	struct dccp_hdr *dh = pkt_at(p, off, sizeof *dh);
	uint16_t *ports = dh ? &dh->sport : pkt_at(p, off, 8);

	if (!ports)
		return false;
	write_port(ports, manip, port, c);
	if (dh)
		dh->checksum = apply_l4(dh->checksum, c, false);
	return true;
}

/* rewrite_sctp: the CRC32c covers the ports and no pseudo header: computed over the whole packet again. */
static bool rewrite_sctp(struct pkt *p, uint32_t off, uint16_t port, enum nat_manip manip, bool partial)
{
	struct sctp_hdr *sh = pkt_at(p, off, sizeof *sh);
	uint16_t *ports = sh ? &sh->sport : pkt_at(p, off, 8);
	struct change unused;

	if (!ports)
		return false;
	write_port(ports, manip, port, &unused);
	if (sh && !partial) {
		sh->checksum = 0;
		sh->checksum = htole32(crc32c(0, sh, p->len - off));
		p->csum = CSUM_OK;
	}
	return true;
}

/* is_query: ICMP types with an id that belongs to the tuple: requests and their answers. */
static bool is_query(uint8_t type)
{
	return type == ICMP_ECHO || type == ICMP_ECHO_REPLY ||
	       (type >= ICMP_TIMESTAMP && type <= ICMP_MASK_REPLY);
}

/* rewrite_icmp: the query id; the checksum has no pseudo header, so the addresses do not matter. */
static bool rewrite_icmp(struct pkt *p, uint32_t off, uint16_t id, bool partial)
{
	struct icmp_hdr *ih = pkt_at(p, off, sizeof *ih);

	if (!ih)
		return false;
	if (!is_query(ih->type))
		return true;
	if (!partial)
		ih->checksum = apply(ih->checksum, changed16(ih->id, id));
	ih->id = id;
	return true;
}

/* rewrite_gre: the call id of version 1, which names the receiver's end: only where the destination changes. */
static bool rewrite_gre(struct pkt *p, uint32_t off, uint16_t call_id, enum nat_manip manip)
{
	struct gre_hdr *gh = pkt_at(p, off, sizeof *gh);
	unsigned version;

	if (!gh)
		return false;
	version = ntohs(gh->flags) & GRE_VERSION;
	if (manip == NAT_MANIP_SRC || !version)
		return true;
	if (version != GRE_VERSION_1)
		return false;
	gh->call_id = call_id;
	return true;
}

/* rewrite_l4: what stands behind the IP header. @c->addr: the change of the address. */
static inline bool rewrite_l4(struct pkt *p, uint32_t off, const struct nat_target *to, enum nat_manip manip,
			      struct change *c)
{
	bool partial = p->csum == CSUM_PARTIAL;

	switch (to->proto) {
	case IP_PROTO_TCP:
		return rewrite_tcp(p, off, to->key, manip, c, partial);
	case IP_PROTO_UDP:
	case IP_PROTO_UDPLITE:
		return rewrite_udp(p, off, to->key, manip, c, partial, to->proto == IP_PROTO_UDPLITE);
	case IP_PROTO_ICMP:
		return rewrite_icmp(p, off, to->key, partial);
	case IP_PROTO_SCTP:
		return rewrite_sctp(p, off, to->key, manip, partial);
	case IP_PROTO_DCCP:
		return rewrite_dccp(p, off, to->key, manip, c);
	case IP_PROTO_GRE:
		return rewrite_gre(p, off, to->key, manip);
	default:
		return true; /* a protocol without keys: the address only */
	}
}

bool nat_rewrite(struct pkt *p, uint32_t off, const struct nat_target *to, enum nat_manip manip)
{
	struct ip4_hdr *ip = pkt_at(p, off, sizeof *ip);
	struct change c = { 0 };

	if (!ip || (ip->version_ihl & 15) * 4 < IP4_HLEN)
		return false;
	c.addr = changed32(manip == NAT_MANIP_SRC ? ip->src : ip->dst, to->addr);
	if (!rewrite_l4(p, off + (ip->version_ihl & 15u) * 4, to, manip, &c))
		return false;
	if (manip == NAT_MANIP_SRC)
		ip->src = to->addr;
	else
		ip->dst = to->addr;
	ip->checksum = apply(ip->checksum, c.addr);
	return true;
}

bool nat_rewrite_packet(struct pkt *p, const struct ct_entry *ct, enum nat_manip manip, enum ct_dir dir)
{
	const struct ct_tuple *back = &ct->tuple[!dir];
	bool id_in_src = back->proto == IP_PROTO_ICMP;
	struct nat_target to = {
		.addr = manip == NAT_MANIP_SRC ? back->dst.word[0] : back->src.word[0],
		.key = manip == NAT_MANIP_SRC && !id_in_src ? back->dst_key : back->src_key,
		.proto = back->proto,
	};

	return nat_rewrite(p, 0, &to, manip);
}
