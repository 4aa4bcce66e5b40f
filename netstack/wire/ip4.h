/* ip4.h - IPv4, ICMP, TCP, UDP headers as they are on the wire (RFC 791, 792, 9293, 768). Fields in network order. */
#ifndef NETSTACK_WIRE_IP4_H
#define NETSTACK_WIRE_IP4_H

#include <stdint.h>

enum {
	IP_PROTO_ICMP = 1, IP_PROTO_IGMP = 2, IP_PROTO_TCP = 6, IP_PROTO_UDP = 17, IP_PROTO_DCCP = 33,
	IP_PROTO_GRE = 47, IP_PROTO_ESP = 50, IP_PROTO_AH = 51, IP_PROTO_ICMP6 = 58, IP_PROTO_IPCOMP = 108, IP_PROTO_SCTP = 132,
	IP_PROTO_UDPLITE = 136,
};

enum { IP4_HLEN = 20, IP4_HLEN_MAX = 60, IP4_RF = 0x8000, IP4_DF = 0x4000, IP4_MF = 0x2000, IP4_OFFSET = 0x1fff };

struct ip4_hdr {
	uint8_t version_ihl; /* 4 | words */
	uint8_t tos;
	uint16_t total_len;
	uint16_t id;
	uint16_t frag; /* IP4_RF | IP4_DF | IP4_MF | offset in units of 8 bytes */
	uint8_t ttl;
	uint8_t proto;
	uint16_t checksum;
	uint32_t src;
	uint32_t dst;
} __attribute__((packed, aligned(2)));

enum { IP4_OPT_END = 0, IP4_OPT_NOP = 1, IP4_OPT_RR = 7, IP4_OPT_TIMESTAMP = 68, IP4_OPT_SECURITY = 130,
       IP4_OPT_LSRR = 131, IP4_OPT_CIPSO = 134, IP4_OPT_SID = 136, IP4_OPT_SSRR = 137, IP4_OPT_ROUTER_ALERT = 148 };

enum {
	ICMP_ECHO_REPLY = 0, ICMP_UNREACHABLE = 3, ICMP_SOURCE_QUENCH = 4, ICMP_REDIRECT = 5, ICMP_ECHO = 8,
	ICMP_ROUTER_ADVERT = 9, ICMP_ROUTER_SOLICIT = 10, ICMP_TIME_EXCEEDED = 11, ICMP_PARAMETER = 12,
	ICMP_TIMESTAMP = 13, ICMP_TIMESTAMP_REPLY = 14, ICMP_INFO = 15, ICMP_INFO_REPLY = 16, ICMP_MASK = 17,
	ICMP_MASK_REPLY = 18, ICMP_TYPE_MAX = 18,
};
enum {
	ICMP_NET_UNREACH = 0, ICMP_HOST_UNREACH = 1, ICMP_PROTO_UNREACH = 2, ICMP_PORT_UNREACH = 3,
	ICMP_FRAG_NEEDED = 4, ICMP_SR_FAILED = 5, ICMP_NET_ANO = 9, ICMP_HOST_ANO = 10, ICMP_PKT_FILTERED = 13,
};
enum { ICMP_TTL_EXCEEDED = 0, ICMP_FRAG_TIME = 1 };
enum { ICMP_REDIRECT_NET = 0, ICMP_REDIRECT_HOST = 1 };

struct icmp_hdr {
	uint8_t type, code;
	uint16_t checksum;
	union {
		struct {
			uint16_t id, sequence;
		};
		uint32_t gateway;
		struct {
			uint16_t unused, mtu;
		};
		uint32_t word;
	};
} __attribute__((packed, aligned(2)));

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16, TCP_URG = 32, TCP_ECE = 64, TCP_CWR = 128 };
enum { TCP_OPT_END = 0, TCP_OPT_NOP = 1, TCP_OPT_MSS = 2, TCP_OPT_WSCALE = 3, TCP_OPT_SACK_PERM = 4,
       TCP_OPT_SACK = 5, TCP_OPT_TIMESTAMP = 8 };

struct tcp_hdr {
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint8_t offset; /* words in the high nibble */
	uint8_t flags;
	uint16_t window, checksum, urgent;
} __attribute__((packed, aligned(2)));

struct udp_hdr {
	uint16_t sport, dport, len, checksum;
} __attribute__((packed, aligned(2)));

#endif
