/* snmp.h - the counters of net/snmp and net/netstat (RFC 4293, RFC 2011 names, order as /proc/net/snmp prints them). */
#ifndef NETSTACK_SNMP_H
#define NETSTACK_SNMP_H

#define SNMP_IP(X) \
	X(InReceives) X(InHdrErrors) X(InAddrErrors) X(ForwDatagrams) X(InUnknownProtos) X(InDiscards) X(InDelivers) \
	X(OutRequests) X(OutDiscards) X(OutNoRoutes) X(ReasmTimeout) X(ReasmReqds) X(ReasmOKs) X(ReasmFails) X(FragOKs) \
	X(FragFails) X(FragCreates) X(OutTransmits)

#define SNMP_ICMP(X) \
	X(InMsgs) X(InErrors) X(InCsumErrors) X(InDestUnreachs) X(InTimeExcds) X(InParmProbs) X(InSrcQuenchs) \
	X(InRedirects) X(InEchos) X(InEchoReps) X(InTimestamps) X(InTimestampReps) X(InAddrMasks) X(InAddrMaskReps) \
	X(OutMsgs) X(OutErrors) X(OutRateLimitGlobal) X(OutRateLimitHost) X(OutDestUnreachs) X(OutTimeExcds) \
	X(OutParmProbs) X(OutSrcQuenchs) X(OutRedirects) X(OutEchos) X(OutEchoReps) X(OutTimestamps) \
	X(OutTimestampReps) X(OutAddrMasks) X(OutAddrMaskReps)

#define SNMP_IPEXT(X) \
	X(InNoRoutes) X(InTruncatedPkts) X(InMcastPkts) X(OutMcastPkts) X(InBcastPkts) X(OutBcastPkts) X(InOctets) \
	X(OutOctets) X(InMcastOctets) X(OutMcastOctets) X(InBcastOctets) X(OutBcastOctets) X(InCsumErrors) \
	X(InNoECTPkts) X(InECT1Pkts) X(InECT0Pkts) X(InCEPkts) X(ReasmOverlaps)

enum snmp_counter {
#define X(id) SNMP_Ip##id,
	SNMP_IP(X)
#undef X
#define X(id) SNMP_Icmp##id,
	SNMP_ICMP(X)
#undef X
#define X(id) SNMP_IpExt##id,
	SNMP_IPEXT(X)
#undef X
	SNMP_COUNT
};

/* SNMP_INC: one more; needs a struct netstack pointer. */
#define SNMP_INC(ns, id) ((ns)->snmp[SNMP_##id]++)

/* SNMP_ADD: @n more. */
#define SNMP_ADD(ns, id, n) ((ns)->snmp[SNMP_##id] += (n))

#endif
