/* drops.h - every reason for which a packet can end, by name.
 *
 * One list gives the enum, the text shown in tapgate/drops and the counter. The text is the contract: never rename.
 */
#ifndef NETSTACK_DROPS_H
#define NETSTACK_DROPS_H

#include <stdint.h>

#define DROP_REASONS(X) \
	/* ports and Ethernet */ \
	X(PORT_DOWN, "port_down") \
	X(RX_NO_BUFFER, "rx_no_buffer") \
	X(RX_OVERSIZE, "rx_oversize") \
	X(RX_BAD_OFFLOAD, "rx_bad_offload") \
	X(TX_ERROR, "tx_error") \
	X(TX_FULL, "tx_full") \
	X(ETH_SHORT, "eth_short") \
	X(ETH_OTHER_HOST, "eth_other_host") \
	X(ETH_UNKNOWN_TYPE, "eth_unknown_type") \
	X(ETH_IP6_UNSUPPORTED, "eth_ip6_unsupported") \
	X(ETH_VLAN_UNSUPPORTED, "eth_vlan_unsupported") \
	/* ARP and neighbours */ \
	X(ARP_MALFORMED, "arp_malformed") \
	X(ARP_CONSUMED, "arp_consumed") \
	X(ARP_FILTERED, "arp_filtered") \
	X(NEIGH_UNREACHABLE, "neigh_unreachable") \
	X(NEIGH_QUEUE_FULL, "neigh_queue_full") \
	X(NEIGH_TABLE_FULL, "neigh_table_full") \
	/* IPv4 input */ \
	X(IP_SHORT, "ip_short") \
	X(IP_BAD_VERSION, "ip_bad_version") \
	X(IP_BAD_HEADER_LENGTH, "ip_bad_header_length") \
	X(IP_BAD_TOTAL_LENGTH, "ip_bad_total_length") \
	X(IP_BAD_CHECKSUM, "ip_bad_checksum") \
	X(IP_BAD_OPTIONS, "ip_bad_options") \
	X(IP_SOURCE_ROUTE, "ip_source_route") \
	X(IP_MARTIAN_SOURCE, "ip_martian_source") \
	X(IP_MARTIAN_DESTINATION, "ip_martian_destination") \
	X(IP_RP_FILTER, "ip_rp_filter") \
	X(IP_MULTICAST, "ip_multicast") \
	X(IP_UNICAST_IN_L2_MULTICAST, "ip_unicast_in_l2_multicast") \
	X(IP_FORWARDING_OFF, "ip_forwarding_off") \
	/* forwarding and output */ \
	X(IP_NO_ROUTE, "ip_no_route") \
	X(IP_BLACKHOLE, "ip_blackhole") \
	X(IP_UNREACHABLE_ROUTE, "ip_unreachable_route") \
	X(IP_PROHIBIT_ROUTE, "ip_prohibit_route") \
	X(IP_TTL_EXPIRED, "ip_ttl_expired") \
	X(IP_NEED_FRAGMENT, "ip_need_fragment") \
	X(IP_NOT_FORWARDABLE, "ip_not_forwardable") \
	X(OUT_NO_BUFFER, "out_no_buffer") \
	X(OUT_GSO_FAILED, "out_gso_failed") \
	/* fragments */ \
	X(FRAG_MALFORMED, "frag_malformed") \
	X(FRAG_OVERLAP, "frag_overlap") \
	X(FRAG_DUPLICATE, "frag_duplicate") \
	X(FRAG_OVERSIZE, "frag_oversize") \
	X(FRAG_MEMORY, "frag_memory") \
	X(FRAG_TIMEOUT, "frag_timeout") \
	X(FRAG_TOO_MANY, "frag_too_many") \
	/* local delivery */ \
	X(LOCAL_NO_LISTENER, "local_no_listener") \
	X(LOCAL_BAD_CHECKSUM, "local_bad_checksum") \
	X(LOCAL_BROADCAST, "local_broadcast") \
	X(ICMP_MALFORMED, "icmp_malformed") \
	X(ICMP_IGNORED, "icmp_ignored") \
	X(ICMP_RATE_LIMIT, "icmp_rate_limit") \
	/* tables */ \
	X(RULE_RAW, "rule_raw") \
	X(RULE_MANGLE, "rule_mangle") \
	X(RULE_NAT, "rule_nat") \
	X(RULE_FILTER, "rule_filter") \
	X(RULE_SECURITY, "rule_security") \
	X(RULE_HOTDROP, "rule_hotdrop") \
	X(RULE_STACK, "rule_stack_overflow") \
	X(RULE_REJECT, "rule_reject") \
	X(SYNPROXY, "synproxy") \
	X(REROUTE_FAILED, "reroute_failed") \
	/* conntrack */ \
	X(CT_TABLE_FULL, "ct_table_full") \
	X(CT_INSERT_FAILED, "ct_insert_failed") \
	X(CT_CHAIN_TOO_LONG, "ct_chain_too_long") \
	X(CT_NO_MEMORY, "ct_no_memory") \
	X(CT_HELPER, "ct_helper") \
	X(CT_SEQADJ, "ct_seqadj") \
	X(CT_DYING, "ct_dying") \
	/* NAT */ \
	X(NAT_NO_TUPLE, "nat_no_tuple") \
	X(NAT_MANGLE_FAILED, "nat_mangle_failed") \
	X(NAT_NO_ADDRESS, "nat_no_address") \
	X(NAT_ICMP_ERROR, "nat_icmp_error") \
	X(NAT_PORT_CHANGED, "nat_out_port_changed") \
	X(NAT_REDIRECT_MESSAGE, "nat_icmp_redirect") \
	/* end of the engine */ \
	X(TEARDOWN, "teardown")

enum drop_reason {
	DROP_NONE = 0,
#define X(id, text) DROP_##id,
	DROP_REASONS(X)
#undef X
	DROP_COUNT
};

/* drop_name: the text of a reason; "none" for DROP_NONE. */
const char *drop_name(enum drop_reason reason);

#endif
