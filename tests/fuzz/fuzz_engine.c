/* fuzz_engine.c - a stream of frames and administration through a whole engine: no crash, nothing lost, nothing leaked.
 *
 * Overview
 *   The input is a list of records, each an operation byte (its low three bits say which, the high bits are flags) and
 *   what that operation reads:
 *
 *       FRAME     port, length, bytes: an IPv4 packet from its header on; flags: offload header, repaired checksums, a
 *                 payload stretched to 64 KiB, no Ethernet header of ours
 *       FLOW      eight bytes of choices: a valid packet of one of a few flows, all protocols
 *       REFLECT   which sent frame: comes back with its ends exchanged, quoted in an ICMP error, or as it is
 *       TIME      how long: the clock moves and the engine ticks
 *       RULES     which ruleset: swapped in, while packets wait in queues
 *       PORT      up, down, another MTU, addresses, offloads, a busy device, removed and added
 *       SYSCTL    which row of which room, which value
 *       TABLE     connections flushed or printed, routes changed, rules listed
 *
 *   ARP requests are answered, so that packets get out. At the end: the balance of packets is even, the pool is empty, and
 *   no connection is left when all have been flushed.
 */
#include "helpers/helpers.h"
#include "netstack/checksum.h"
#include "netstack/gso.h"
#include "netstack/text.h"
#include "router/engine.h"
#include "tables/tables.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum op { OP_FRAME, OP_FLOW, OP_REFLECT, OP_TIME, OP_RULES, OP_PORT, OP_SYSCTL, OP_TABLE, OP_COUNT };
enum { FLAG_WAN = 8, FLAG_VNET = 16, FLAG_REPAIR = 32, FLAG_STRETCH = 64, FLAG_RAW = 128 };
enum { KEEP = 16, KEEP_BYTES = 2048, RECORDS_MAX = 2000, PORTS = 3, NS_PER_MS = 1000000 };

static const char rules_all[] =
	"*raw\n-A PREROUTING -p udp --dport 99 -j NOTRACK\n-A PREROUTING -p udp --dport 98 -j CT --zone 7\n"
	"-A PREROUTING -p udp --dport 97 -j CT --zone-orig mark\n-A PREROUTING -p tcp --dport 2121 -j CT --helper ftp\n"
	"-A PREROUTING -p icmp -m icmp --icmp-type 8 -j TRACE\n-A PREROUTING -p 47 -j CT --ctevents new --zone-reply 3\n"
	"-A PREROUTING -m u32 --u32 0>>22&0x3C@0>>16=0x1:0x50\n-A PREROUTING -m quota --quota 9000\nCOMMIT\n"
	"*mangle\n-A PREROUTING -p tcp -m tcp --tcp-flags SYN,RST SYN -j MARK --set-mark 0x1\n"
	"-A PREROUTING -m mark --mark 0x1 -j CONNMARK --save-mark\n-A PREROUTING -m dscp --dscp 10 -j DSCP --set-dscp 12\n"
	"-A PREROUTING -p udp --dport 1000 -j TPROXY --on-port 53 --on-ip 10.1.0.254\n"
	"-A PREROUTING -m ecn --ecn-ip-ect 3\n-A PREROUTING -p tcp -m ecn --ecn-tcp-cwr\n-A PREROUTING -p tcp -j ECN --ecn-tcp-remove\n"
	"-A PREROUTING -p sctp -m sctp --chunk-types any INIT,DATA:U,ABORT:t -m mac --mac-source 02:00:00:00:00:aa\n"
	"-A PREROUTING -p dccp -m dccp --dccp-types REQUEST,INVALID\n-A PREROUTING -p dccp -m dccp --dccp-option 37\n"
	"-A PREROUTING -p ah -m ah --ahspi 5:10\n-A PREROUTING -p esp -m esp --espspi 5:10\n"
	"-A PREROUTING -p ipcomp -m ipcomp --ipcompspi 0:5\n"
	"-A PREROUTING -m string --algo bm --string abcab --from 20 --to 200\n"
	"-A PREROUTING -m string --algo kmp --icase --string PORT\n"
	"-A FORWARD -m ttl --ttl-lt 10 -j TTL --ttl-inc 3\n-A FORWARD -p tcp -m tcpmss --mss 0:1400\n"
	"-A FORWARD -p tcp --tcp-flags SYN,RST SYN -j TCPMSS --clamp-mss-to-pmtu\n-A FORWARD -p tcp -j TCPOPTSTRIP --strip-options 5,8\n"
	"-A FORWARD -p tcp -m tcp --tcp-option 5\n-A FORWARD -j TEE --gateway 203.0.113.9\n-A FORWARD -j HMARK --hmark-tuple "
	"src,dst,sport,dport,proto,ct --hmark-mod 10 --hmark-rnd 0x1\n"
	"-A OUTPUT -p icmp -j MARK --set-mark 0x9\n-A OUTPUT -p tcp -j TOS --set-tos 0x08\n"
	"-A POSTROUTING -j TOS --set-tos 0x10/0x3f\n-A POSTROUTING -j CLASSIFY --set-class 1:2\n-A POSTROUTING -p udp -j CHECKSUM --checksum-fill\n"
	"-A POSTROUTING -m realm --realm 1 -m devgroup --dst-group 0 -m cpu --cpu 0\nCOMMIT\n"
	"*nat\n-A PREROUTING -p tcp -d 10.1.0.254 --dport 80 -j DNAT --to-destination 203.0.113.9:8080\n"
	"-A PREROUTING -d 10.1.0.253 -j DNAT --to-destination 203.0.113.1-203.0.113.9\n"
	"-A PREROUTING -d 198.18.0.0/16 -j NETMAP --to 203.0.113.0/24\n"
	"-A PREROUTING -p udp --dport 53 -j REDIRECT --to-ports 5353\n-A OUTPUT -p icmp -d 203.0.113.7 -j DNAT --to-destination 10.1.0.1\n"
	"-A POSTROUTING -o wan -p tcp -j MASQUERADE\n"
	"-A POSTROUTING -o wan -p udp -j SNAT --to-source 203.0.113.250-203.0.113.252:1000-1003\n"
	"-A POSTROUTING -o wan -j MASQUERADE --random-fully\n-A INPUT -p icmp -s 10.1.0.2 -j SNAT --to-source 10.1.0.77\nCOMMIT\n"
	"*security\n-A FORWARD -m statistic --mode random --probability 0.5\n-A FORWARD -m statistic --mode nth --every 3 --packet 0\nCOMMIT\n"
	"*filter\n:sub - [0:0]\n:deep - [0:0]\n-A INPUT -m addrtype --dst-type LOCAL --limit-iface-in -j sub\n"
	"-A FORWARD -m conntrack --ctstate INVALID -m limit --limit 5/s -j LOG --log-prefix \"bad \" --log-tcp-options "
	"--log-ip-options --log-tcp-sequence --log-uid --log-macdecode\n"
	"-A FORWARD -p tcp -m multiport --dports 21,80,443,2000:3000 -j ACCEPT\n-A FORWARD -m length --length 0:40 -j REJECT\n"
	"-A FORWARD -p tcp --dport 23 -j REJECT --reject-with tcp-reset\n-A INPUT -p tcp --dport 23 -j REJECT --reject-with tcp-reset\n"
	"-A FORWARD -p udp --dport 40000 -j REJECT --reject-with icmp-admin-prohibited\n"
	"-A OUTPUT -p icmp -m icmp --icmp-type 0 -m limit --limit 1/s -j REJECT\n"
	"-A FORWARD -m conntrack --ctstate NEW --ctproto 17 -m comment --comment x -j sub\n"
	"-A FORWARD -m connbytes --connbytes 100:10000 --connbytes-dir both --connbytes-mode avgpkt -g deep\n"
	"-A FORWARD -m helper --helper ftp\n-A FORWARD -m iprange --src-range 10.1.0.1-10.1.0.9 -m pkttype --pkt-type unicast\n"
	"-A FORWARD -m bpf --bytecode \"4,48 0 0 9,21 0 1 6,6 0 0 1,6 0 0 0\"\n-A FORWARD -m time --timestart 01:00 --timestop 02:00\n"
	"-A FORWARD -j LOG --log-level 7\n-A deep -m conntrack --ctorigdstport 80 --ctdir REPLY --ctexpire 1:100 -j DROP\n"
	"-A sub -p icmp --icmp-type echo-request -j ACCEPT\n-A sub -p udp -m udp --sport 1:1024 -j RETURN\n-A sub -j deep\n"
	"-A sub -m state --state ESTABLISHED,RELATED -j ACCEPT\nCOMMIT\n";

static const char rules_other[] =
	"*raw\n-A PREROUTING -p udp -j CT --zone 9\n-A OUTPUT -j CT --zone 1\nCOMMIT\n"
	"*nat\n-A PREROUTING -p udp -j DNAT --to-destination 10.1.0.1:1-65535 --random\n"
	"-A POSTROUTING -j SNAT --to-source 203.0.113.250 --persistent\nCOMMIT\n"
	"*filter\n-A FORWARD -p tcp -j REJECT --reject-with tcp-reset\n-A FORWARD -j REJECT --reject-with icmp-host-unreachable\n"
	"-A OUTPUT -j REJECT\n-A INPUT -j REJECT\nCOMMIT\n";

static const char rules_none[] = "*filter\nCOMMIT\n";

static const char *const rulesets[] = { rules_all, rules_other, rules_none };

struct kept {
	uint32_t len;
	uint8_t bytes[KEEP_BYTES];
};

struct run {
	struct engine *e;
	struct port *port[PORTS];
	uint64_t now, seed;
	const uint8_t *data;
	size_t left;
	int transmit_result;
	struct kept sent[PORTS][KEEP];
	unsigned sent_count[PORTS];
	unsigned asked; /* bit per port: its last frame was an ARP request nobody answered yet */
	uint8_t request[PORTS][ETH_HLEN + 28];
};

static const uint8_t station[MAC_LEN] = { 2, 0, 0, 0, 0, 0xaa };

/* one, two: the next byte, the next 16-bit number of the input; 0 at its end. */
static uint8_t one(struct run *r)
{
	if (!r->left)
		return 0;
	r->left--;
	return *r->data++;
}
static uint16_t two(struct run *r)
{
	uint16_t high = one(r);

	return (uint16_t)(high << 8 | one(r));
}

/* take: up to @len bytes of the input. Return: where they are; *@len: how many. */
static const uint8_t *take(struct run *r, uint32_t *len)
{
	const uint8_t *at = r->data;

	if (*len > r->left)
		*len = (uint32_t)r->left;
	r->data += *len;
	r->left -= *len;
	return at;
}

/* transmit: keeps the last frames of each port, and ARP requests to be answered. */
static int transmit(void *user, struct port *port, struct pkt *p)
{
	struct run *r = user;
	struct eth_hdr *eth = (struct eth_hdr *)p->data;
	unsigned i = 0;

	if (r->transmit_result)
		return r->transmit_result;
	while (i < PORTS && r->port[i] != port)
		i++;
	if (i == PORTS || p->len < ETH_HLEN)
		abort();
	if (ntohs(eth->type) == ETHERTYPE_ARP && p->len >= sizeof r->request[i]) {
		memcpy(r->request[i], p->data, sizeof r->request[i]);
		r->asked |= 1u << i;
		return 0;
	}
	struct kept *k = &r->sent[i][r->sent_count[i]++ % KEEP];

	if (p->csum == CSUM_PARTIAL && p->csum_start + p->csum_offset + 2u > p->len - ETH_HLEN)
		abort();
	if (p->gso && (p->csum != CSUM_PARTIAL || !p->gso_size))
		abort();
	k->len = p->len < KEEP_BYTES ? p->len : KEEP_BYTES;
	memcpy(k->bytes, p->data, k->len);
	return 0;
}

/* log_line, randomness: the rest of the world. */
static void log_line(void *user, int level, const char *line)
{
	(void)user;
	if (level < 0 || level > 7 || strlen(line) > 1023)
		abort();
}
static void randomness(void *user, void *buf, size_t len)
{
	struct run *r = user;
	uint8_t *b = buf;

	while (len--) {
		r->seed = r->seed * 6364136223846793005ull + 1442695040888963407ull;
		*b++ = (uint8_t)(r->seed >> 56);
	}
}

static const struct netstack_ops ops = { transmit, log_line, randomness };

/* repair_rest: the checksums that csum_l4_fill does not know: SCTP's, and DCCP's over all of the packet. */
static void repair_rest(struct pkt *p)
{
	uint32_t len = pkt_l4_len(p);
	uint8_t *h = pkt_l4(p, 12);

	if (h && p->hdr.proto == IP_PROTO_SCTP) {
		uint32_t crc = 0;

		memcpy(h + 8, &crc, sizeof crc);
		crc = htole32(crc32c(0, h, len));
		memcpy(h + 8, &crc, sizeof crc);
	} else if (h && p->hdr.proto == IP_PROTO_DCCP) {
		uint16_t sum = 0;

		h[5] &= 0xf0;
		memcpy(h + 6, &sum, sizeof sum);
		sum = csum_fold(csum_add_bytes(csum_pseudo4(ip4_hdr(p)->src, ip4_hdr(p)->dst, IP_PROTO_DCCP, len), h, len));
		memcpy(h + 6, &sum, sizeof sum);
	}
}

/* repair: makes version, lengths and checksums of the IPv4 packet at p->data right, where it is long enough. */
static void repair(struct pkt *p)
{
	struct ip4_hdr *ip = ip4_hdr(p);
	uint32_t hlen;

	if (p->len < IP4_HLEN)
		return;
	hlen = (ip->version_ihl & 15u) * 4;
	if (hlen < IP4_HLEN || hlen > p->len)
		hlen = IP4_HLEN;
	ip->version_ihl = (uint8_t)(0x40 | hlen / 4);
	ip->total_len = htons((uint16_t)p->len);
	if (ip4_parse(p))
		return;
	if (!(ntohs(ip->frag) & (IP4_OFFSET | IP4_MF))) {
		(void)csum_l4_fill(p);
		repair_rest(p);
	}
	ip4_csum_fill(p);
	p->csum = CSUM_NONE;
	p->hdr = (struct pkt_hdr){ 0 };
}

/* feed: an IPv4 packet (data at its header) into a port: with an Ethernet header (unless FLAG_RAW), the offload header
 * that the input gives. Consumes @p. */
static void feed(struct run *r, struct pkt *p, uint8_t op)
{
	struct port *port = r->port[op & FLAG_WAN ? 1 : 0];
	struct eth_hdr *eth;

	if (op & FLAG_REPAIR)
		repair(p);
	if (!(op & FLAG_RAW)) {
		pkt_push(p, ETH_HLEN);
		eth = (struct eth_hdr *)p->data;
		memcpy(eth->src, station, MAC_LEN);
		memcpy(eth->dst, port->mac, MAC_LEN);
		eth->type = htons(ETHERTYPE_IP4);
	} else {
		p->data -= ETH_HLEN; /* the bytes themselves are the frame */
		memmove(p->data, p->data + ETH_HLEN, p->len);
	}
	if (op & FLAG_VNET) {
		struct vnet_hdr vh = { .flags = one(r) & 3, .gso_type = one(r), .hdr_len = 54, .gso_size = two(r),
				       .csum_start = one(r), .csum_offset = one(r) };

		if (gso_from_vnet(p, &vh)) {
			pkt_free(p); /* as a port does: it never enters the engine */
			return;
		}
	}
	engine_input(r->e, port, p, r->now);
}

/* op_frame: bytes of the input. */
static void op_frame(struct run *r, uint8_t op)
{
	struct pkt *p = pkt_alloc(r->e->ns->pool, PKT_LARGE);
	uint32_t len = two(r) & 0x7ff, full;
	const uint8_t *bytes;

	if (!p)
		abort();
	full = op & FLAG_STRETCH ? len << 5 | 31 : len;
	bytes = take(r, &len);
	memcpy(p->data, bytes, len);
	if (op & FLAG_STRETCH && full > len) {
		memset(p->data + len, 'a', full - len);
		len = full;
	}
	p->len = len;
	if (!len) {
		pkt_free(p);
		return;
	}
	feed(r, p, op);
}

/* flow_payload: appends what a protocol's header needs. @a, @b, @c: choices. */
static void flow_payload(struct pkt *p, uint8_t proto, uint8_t a, uint8_t b, uint8_t c)
{
	static const uint16_t ports[] = { 21, 23, 53, 80, 97, 98, 99, 443, 1000, 2121, 5353, 8080, 40000, 50000, 0, 65535 };
	static const char *const ftp[] = { "PORT 10,1,0,1,4,5\r\n", "EPRT |1|10.1.0.1|999|\r\n", "227 ok (203,0,113,1,8,9)\r\n",
					   "229 x (|||777|)\r\n" };
	uint8_t *h = p->data + p->len;
	uint16_t sport = htons(ports[a & 15]), dport = htons(ports[a >> 4]);

	memset(h, 0, 64);
	memcpy(h, &sport, 2);
	memcpy(h + 2, &dport, 2);
	switch (proto) {
	case IP_PROTO_TCP:
		h[6] = c;
		h[10] = (uint8_t)(c >> 4);
		h[12] = 0x50;
		h[13] = b;
		h[14] = 16;
		p->len += 20;
		if (b & TCP_PSH) {
			memcpy(h + 20, ftp[c & 3], strlen(ftp[c & 3]));
			p->len += (uint32_t)strlen(ftp[c & 3]);
		}
		return;
	case IP_PROTO_ICMP:
		h[0] = b & 31;
		h[1] = b >> 5;
		h[4] = 0;
		h[5] = c & 3;
		p->len += 28;
		return;
	case IP_PROTO_SCTP:
		h[7] = b & 4;
		h[12] = b;
		h[15] = 20;
		h[19] = c;
		p->len += 32;
		return;
	case IP_PROTO_DCCP:
		h[4] = 6 + (b & 1);
		h[8] = (uint8_t)(b >> 3 | 1);
		h[15] = c & 15;
		h[23] = c >> 4;
		p->len += 28;
		return;
	case IP_PROTO_GRE:
		h[0] = b & 0xb0;
		h[1] = b & 7;
		h[2] = c & 1 ? 0x88 : 8;
		h[3] = c & 1 ? 0x0b : 0;
		h[7] = c;
		p->len += 16;
		return;
	default:
		h[5] = (uint8_t)(8 + b);
		p->len += 8u + b;
	}
}

/* op_flow: a packet of one of a few flows. */
static void op_flow(struct run *r, uint8_t op)
{
	static const char *const lan[] = { "10.1.0.1", "10.1.0.2", "10.1.0.254", "10.1.0.253" };
	static const char *const wan[] = { "203.0.113.1", "203.0.113.9", "203.0.113.254", "198.51.100.7", "198.18.3.1", "224.0.0.5",
					   "203.0.113.255", "203.0.113.250" };
	static const uint8_t protos[] = { IP_PROTO_TCP, IP_PROTO_UDP, IP_PROTO_ICMP, IP_PROTO_SCTP, IP_PROTO_GRE, IP_PROTO_DCCP,
					  IP_PROTO_UDPLITE, IP_PROTO_TCP };
	uint8_t who = one(r), what = one(r), a = one(r), b = one(r), c = one(r), frag = one(r), times = one(r);
	struct pkt *p = pkt_alloc(r->e->ns->pool, PKT_LARGE);
	const char *near = lan[who & 3], *far = wan[who >> 2 & 7];
	struct ip4_hdr *ip;

	if (!p)
		abort();
	ip = ip4_hdr(p);
	memset(ip, 0, IP4_HLEN_MAX);
	p->len = IP4_HLEN;
	ip->version_ihl = 0x45;
	ip->id = htons(what >> 6);
	ip->ttl = what & 8 ? 64 : (uint8_t)(what >> 4 & 3);
	ip->proto = protos[what & 7];
	ip->src = inet_addr(op & FLAG_WAN ? far : near);
	ip->dst = inet_addr(op & FLAG_WAN ? near : far);
	if (who & 32) { /* record route, timestamp or loose source route */
		static const uint8_t options[][8] = { { 7, 7, 4, 0, 0, 0, 0, 0 }, { 68, 8, 5, 0, 0, 0, 0, 0 },
						      { 131, 7, 4, 203, 0, 113, 9, 0 }, { 68, 8, 5, 0x11, 10, 1, 0, 254 } };

		memcpy(p->data + IP4_HLEN, options[who >> 6], 8);
		p->len += 8;
		ip->version_ihl = 0x47;
	}
	flow_payload(p, ip->proto, a, b, c);
	if (op & FLAG_STRETCH) {
		memset(p->data + p->len, 'b', times * 250u);
		p->len += times * 250u;
	}
	if (frag & 3)
		ip->frag = htons((uint16_t)((frag & 1 ? IP4_MF : 0) | (frag & 2 ? frag >> 3 : 0) | (frag & 4 ? IP4_DF : 0)));
	feed(r, p, (uint8_t)((op & ~FLAG_RAW) | FLAG_REPAIR));
}

/* swap_bytes: exchanges @len bytes at @a and @b. */
static void swap_bytes(uint8_t *a, uint8_t *b, size_t len)
{
	while (len--) {
		uint8_t t = a[len];

		a[len] = b[len];
		b[len] = t;
	}
}

/* op_reflect: a sent frame comes back to its port. */
static void op_reflect(struct run *r, uint8_t op)
{
	unsigned side = op & FLAG_WAN ? 1 : 0;
	uint8_t which = one(r), how = one(r), value = one(r);
	const struct kept *k = &r->sent[side][which % KEEP];
	struct pkt *p;
	uint8_t *ip;
	uint32_t hlen;

	if (k->len < ETH_HLEN + IP4_HLEN)
		return;
	p = pkt_alloc(r->e->ns->pool, PKT_LARGE);
	if (!p)
		abort();
	ip = p->data + (how & 1 ? 28 : 0);
	memcpy(ip, k->bytes + ETH_HLEN, k->len - ETH_HLEN);
	p->len = k->len - ETH_HLEN;
	hlen = (ip[0] & 15u) * 4;
	if (how & 1) { /* quoted in an ICMP error from its destination */
		memset(p->data, 0, 28);
		p->data[0] = 0x45;
		p->data[8] = 64;
		p->data[9] = IP_PROTO_ICMP;
		memcpy(p->data + 12, ip + 16, 4);
		memcpy(p->data + 16, ip + 12, 4);
		p->data[20] = how >> 4;
		p->data[21] = value & 15;
		p->data[26] = value >> 4;
		if (how & 2)
			p->len = value + 8u < p->len ? value + 8u : p->len;
		p->len += 28;
	} else if (!(how & 2)) {
		swap_bytes(ip + 12, ip + 16, 4);
		if (p->len >= hlen + 14) {
			swap_bytes(ip + hlen, ip + hlen + 2, 2);
			if (ip[9] == IP_PROTO_ICMP) {
				swap_bytes(ip + hlen, ip + hlen + 2, 2);
				ip[hlen] = value & 31;
			} else if (ip[9] == IP_PROTO_TCP) {
				ip[hlen + 13] = value;
				if (how & 4)
					swap_bytes(ip + hlen + 4, ip + hlen + 8, 4);
			}
		}
	}
	feed(r, p, (uint8_t)((op & ~(FLAG_RAW | FLAG_VNET)) | FLAG_REPAIR));
}

/* answer_arp: the neighbours answer what was asked. */
static void answer_arp(struct run *r)
{
	for (unsigned i = 0; i < PORTS; i++) {
		struct pkt *p;
		struct arp_ip4 *arp;

		if (!(r->asked & 1u << i) || !r->port[i])
			continue;
		r->asked &= ~(1u << i);
		p = engine_alloc(r->e);
		if (!p)
			abort();
		memcpy(p->data, r->request[i], sizeof r->request[i]);
		p->len = sizeof r->request[i];
		memcpy(p->data, r->port[i]->mac, MAC_LEN);
		memcpy(p->data + MAC_LEN, station, MAC_LEN);
		arp = (struct arp_ip4 *)(p->data + ETH_HLEN);
		arp->op = htons(ARP_REPLY);
		memcpy(arp->target_mac, arp->sender_mac, MAC_LEN);
		memcpy(arp->sender_mac, station, MAC_LEN);
		swap_bytes((uint8_t *)&arp->sender_ip, (uint8_t *)&arp->target_ip, 4);
		engine_input(r->e, r->port[i], p, r->now);
	}
}

/* op_time: from a millisecond to weeks. */
static void op_time(struct run *r, uint8_t op)
{
	uint64_t n = one(r) + 1u;

	r->now += (op & FLAG_WAN ? n * 1000 : n) * NS_PER_MS * (op & FLAG_VNET ? 1000 : 1);
	engine_tick(r->e, r->now);
}

/* op_rules: another ruleset, as a reload swaps it in. */
static void op_rules(struct run *r, unsigned which)
{
	struct tables *t = r->e->tables;
	struct ruleset *rs = tables_begin(t, false);
	struct rule_error err = { 0 };

	if (ruleset_restore(t, rs, rulesets[which % 3], "rules", false, false, &err) || tables_commit(t, rs, &err)) {
		fprintf(stderr, "%s %s\n", err.text, err.detail);
		abort();
	}
}

/* new_port: the @i-th port of the set-up. */
static void new_port(struct run *r, unsigned i)
{
	static const char *const names[] = { "lan", "wan", "dmz" }, *const addrs[] = { "10.1.0.254", "203.0.113.254", "10.2.0.254" };
	const uint8_t mac[MAC_LEN] = { 2, 0, 0, 0, 0, (uint8_t)(i + 1) };
	const unsigned mtus[] = { 1500, 1400, 1000 };

	r->port[i] = port_add(r->e->ns, names[i], mac, mtus[i]);
	if (!r->port[i] || port_add_addr(r->e->ns, r->port[i], inet_addr(addrs[i]), 24))
		abort();
	port_set_up(r->e->ns, r->port[i], true);
	r->port[i]->conf.forwarding = 1;
}

/* op_port: something happens to a port. */
static void op_port(struct run *r, uint8_t op)
{
	unsigned i = op & FLAG_WAN ? 1 : op & FLAG_VNET ? 2 : 0;
	struct port *port = r->port[i];
	struct netstack *ns = r->e->ns;
	uint8_t what = one(r);

	switch (what & 7) {
	case 0:
		port_set_up(ns, port, false);
		break;
	case 1:
		port_set_up(ns, port, true);
		break;
	case 2:
		port->mtu = (uint16_t)(PORT_MTU_MIN + (what >> 3) * 2114u);
		break;
	case 3:
		(void)port_add_addr(ns, port, inet_addr("10.9.0.1"), what >> 3);
		break;
	case 4:
		(void)port_del_addr(ns, port, port->naddrs ? port->addr[0].addr.word[0] : 0,
				    port->naddrs ? port->addr[0].plen : 24);
		break;
	case 5:
		port->offloads = what >> 3;
		break;
	case 6:
		r->transmit_result = what & 8 ? -11 : what & 16 ? -5 : 0;
		break;
	default:
		port_remove(ns, port);
		r->port[i] = NULL;
		r->sent_count[i] = 0;
		new_port(r, i);
	}
}

/* op_sysctl: one row of one room. */
static void op_sysctl(struct run *r, uint8_t op)
{
	static const char *const values[] = { "0", "1", "2", "3", "5", "10", "60", "100", "255", "1000", "65535", "65536",
					      "2147483647", "-1", "-2147483648", "9223372036854775807" };
	uint8_t which = one(r), value = one(r);
	const struct sysctl_row *row;
	void *room;

	if (op & FLAG_WAN) {
		row = &netstack_sysctl_rows[which % netstack_sysctl_row_count];
		room = &r->e->ns->conf;
	} else if (op & FLAG_VNET) {
		row = &port_conf_rows[which % port_conf_row_count];
		room = op & FLAG_STRETCH ? &r->e->ns->conf.all : &r->port[value >> 7]->conf;
	} else {
		row = &conntrack_sysctl_rows[which % conntrack_sysctl_row_count];
		room = r->e->ctk;
		if (row->changed && value % 16 > 9)
			return; /* sizes of tables: memory is not what is tested */
	}
	(void)sysctl_store(row, room, values[value % 16]);
}

/* print_entry: all formats of one connection. */
static void print_entry(void *ctx, struct ct_entry *ct)
{
	struct run *r = ctx;
	struct text out = { 0 };

	ct_print_proc(r->e->ctk, ct, false, &out);
	ct_print_proc(r->e->ctk, ct, true, &out);
	ct_print_tool(r->e->ctk, ct, 15, &out);
	text_free(&out);
}

/* op_table: what an administrator looks at or clears. */
static void op_table(struct run *r, uint8_t op)
{
	struct ct_cursor cursor = { 0 };
	struct text out = { 0 };
	struct route route = { .plen = 0, .type = (uint8_t)(ROUTE_UNICAST + (op >> 6 & 1) * 5), .protocol = 4,
			       .gateway = op >> 6 & 1 ? 0 : inet_addr("203.0.113.9"), .port = op >> 6 & 1 ? NULL : r->port[1] };

	switch (op >> 3 & 7) {
	case 0:
		ct_flush(r->e->ctk, NULL, NULL);
		break;
	case 1:
		while (ct_each(r->e->ctk, &cursor, print_entry, r))
			;
		break;
	case 2:
		route_flush_static(r->e->ns);
		break;
	case 3:
	case 4:
		(void)route_add(r->e->ns, &route);
		break;
	case 5:
		netstack_flush(r->e->ns);
		break;
	default:
		for (int id = 0; id < TABLE_COUNT; id++)
			tables_list(r->e->tables, (enum table_id)id, NULL, LIST_VERBOSE, &out);
		text_free(&out);
	}
}

/* start: an engine with small tables, three ports, rules. */
static void start(struct run *r)
{
	struct engine_limits limits = ENGINE_LIMITS_DEFAULT;

	limits.netstack = (struct netstack_limits){ 128, 64, 64 };
	limits.conntrack = (struct ct_limits){ 24, 16, 8 };
	r->now = 1000ull * NS_PER_MS;
	r->e = engine_create(&ops, r, &limits, r->now);
	if (!r->e)
		abort();
	for (unsigned i = 0; i < PORTS; i++)
		new_port(r, i);
	netstack_set_forwarding(r->e->ns, true);
	ct_helper_assign_port(r->e->ctk, ct_helper_find(r->e->ctk, "ftp", FAMILY_IP4, IP_PROTO_TCP), 21);
	op_rules(r, 0);
}

/* finish: the books are even, nothing is left. */
static void finish(struct run *r)
{
	if (netstack_balance_error(r->e->ns))
		abort();
	netstack_flush(r->e->ns);
	if (pkt_pool_in_use(r->e->ns->pool))
		abort();
	ct_flush(r->e->ctk, NULL, NULL);
	if (r->e->ctk->count)
		abort();
	if (engine_destroy(r->e))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run *r = calloc(1, sizeof *r);

	if (!r)
		abort();
	r->data = data;
	r->left = size;
	start(r);
	for (unsigned i = 0; r->left && i < RECORDS_MAX; i++) {
		uint8_t op = one(r);

		switch (op % OP_COUNT) {
		case OP_FRAME:
			op_frame(r, op);
			break;
		case OP_FLOW:
			op_flow(r, op);
			break;
		case OP_REFLECT:
			op_reflect(r, op);
			break;
		case OP_TIME:
			op_time(r, op);
			break;
		case OP_RULES:
			op_rules(r, op >> 3);
			break;
		case OP_PORT:
			op_port(r, op);
			break;
		case OP_SYSCTL:
			op_sysctl(r, op);
			break;
		default:
			op_table(r, op);
		}
		answer_arp(r);
	}
	finish(r);
	free(r);
	return 0;
}
