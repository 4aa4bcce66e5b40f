/* status_snmp.c - net/snmp and net/netstat.
 *
 * Overview
 *   IP and ICMP come from the netstack's counters. The router has no sockets: the TCP, UDP and MPTCP lines that tools
 *   expect are there, with the figures of a host without sockets.
 *
 * Linux parity: net/ipv4/proc.c: pairs of lines, names then values; IcmpMsg shows only the types that were seen.
 */
#include "router/status_int.h"

#include <inttypes.h>
#include <string.h>

static const char tcp_names[] =
	" RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets"
	" CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors";

static const char udp_names[] =
	" InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors"
	" IgnoredMulti MemErrors";

static const char tcp_ext[] =
	" SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned"
	" OfoPruned OutOfWindowIcmps LockDroppedIcmps ArpFilter TW TWRecycled TWKilled"
	" PAWSActive PAWSEstab BeyondWindow TSEcrRejected PAWSOldAck PAWSTimewait DelayedACKs"
	" DelayedACKLocked DelayedACKLost ListenOverflows ListenDrops TCPHPHits TCPPureAcks"
	" TCPHPAcks TCPRenoRecovery TCPSackRecovery TCPSACKReneging TCPSACKReorder"
	" TCPRenoReorder TCPTSReorder TCPFullUndo TCPPartialUndo TCPDSACKUndo TCPLossUndo"
	" TCPLostRetransmit TCPRenoFailures TCPSackFailures TCPLossFailures TCPFastRetrans"
	" TCPSlowStartRetrans TCPTimeouts TCPLossProbes TCPLossProbeRecovery"
	" TCPRenoRecoveryFail TCPSackRecoveryFail TCPRcvCollapsed TCPBacklogCoalesce"
	" TCPDSACKOldSent TCPDSACKOfoSent TCPDSACKRecv TCPDSACKOfoRecv TCPAbortOnData"
	" TCPAbortOnClose TCPAbortOnMemory TCPAbortOnTimeout TCPAbortOnLinger TCPAbortFailed"
	" TCPMemoryPressures TCPMemoryPressuresChrono TCPSACKDiscard TCPDSACKIgnoredOld"
	" TCPDSACKIgnoredNoUndo TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure"
	" TCPSackShifted TCPSackMerged TCPSackShiftFallback TCPBacklogDrop PFMemallocDrop"
	" TCPMinTTLDrop TCPDeferAcceptDrop IPReversePathFilter TCPTimeWaitOverflow"
	" TCPReqQFullDoCookies TCPReqQFullDrop TCPRetransFail TCPRcvCoalesce TCPOFOQueue"
	" TCPOFODrop TCPOFOMerge TCPChallengeACK TCPSYNChallenge TCPFastOpenActive"
	" TCPFastOpenActiveFail TCPFastOpenPassive TCPFastOpenPassiveFail"
	" TCPFastOpenListenOverflow TCPFastOpenCookieReqd TCPFastOpenBlackhole"
	" TCPSpuriousRtxHostQueues BusyPollRxPackets TCPAutoCorking TCPFromZeroWindowAdv"
	" TCPToZeroWindowAdv TCPWantZeroWindowAdv TCPSynRetrans TCPOrigDataSent"
	" TCPHystartTrainDetect TCPHystartTrainCwnd TCPHystartDelayDetect TCPHystartDelayCwnd"
	" TCPACKSkippedSynRecv TCPACKSkippedPAWS TCPACKSkippedSeq TCPACKSkippedFinWait2"
	" TCPACKSkippedTimeWait TCPACKSkippedChallenge TCPWinProbe TCPKeepAlive TCPMTUPFail"
	" TCPMTUPSuccess TCPDelivered TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop"
	" TCPRcvQDrop TCPWqueueTooBig TCPFastOpenPassiveAltKey TcpTimeoutRehash"
	" TcpDuplicateDataRehash TCPDSACKRecvSegs TCPDSACKIgnoredDubious TCPMigrateReqSuccess"
	" TCPMigrateReqFailure TCPPLBRehash TCPAORequired TCPAOBad TCPAOKeyNotFound TCPAOGood"
	" TCPAODroppedIcmps";

static const char mptcp_ext[] =
	" MPCapableSYNRX MPCapableSYNTX MPCapableSYNACKRX MPCapableACKRX MPCapableFallbackACK"
	" MPCapableFallbackSYNACK MPCapableSYNTXDrop MPCapableSYNTXDisabled"
	" MPCapableEndpAttempt MPFallbackTokenInit MPTCPRetrans MPJoinNoTokenFound MPJoinSynRx"
	" MPJoinSynBackupRx MPJoinSynAckRx MPJoinSynAckBackupRx MPJoinSynAckHMacFailure"
	" MPJoinAckRx MPJoinAckHMacFailure MPJoinRejected MPJoinSynTx MPJoinSynTxCreatSkErr"
	" MPJoinSynTxBindErr MPJoinSynTxConnectErr DSSNotMatching DSSCorruptionFallback"
	" DSSCorruptionReset InfiniteMapTx InfiniteMapRx DSSNoMatchTCP DataCsumErr OFOQueueTail"
	" OFOQueue OFOMerge NoDSSInWindow DuplicateData AddAddr AddAddrTx AddAddrTxDrop EchoAdd"
	" EchoAddTx EchoAddTxDrop PortAdd AddAddrDrop MPJoinPortSynRx MPJoinPortSynAckRx"
	" MPJoinPortAckRx MismatchPortSynRx MismatchPortAckRx RmAddr RmAddrDrop RmAddrTx"
	" RmAddrTxDrop RmSubflow MPPrioTx MPPrioRx MPFailTx MPFailRx MPFastcloseTx"
	" MPFastcloseRx MPRstTx MPRstRx SubflowStale SubflowRecover SndWndShared RcvWndShared"
	" RcvWndConflictUpdate RcvWndConflict MPCurrEstab Blackhole MPCapableDataFallback"
	" MD5SigFallback DssFallback SimultConnectFallback FallbackFailed WinProbe";

/* Which counter tells how many ICMP messages of a type there were. */
static const struct icmp_type {
	uint8_t type;
	enum snmp_counter in, out;
} icmp_types[] = {
	{ 0, SNMP_IcmpInEchoReps, SNMP_IcmpOutEchoReps },
	{ 3, SNMP_IcmpInDestUnreachs, SNMP_IcmpOutDestUnreachs },
	{ 4, SNMP_IcmpInSrcQuenchs, SNMP_IcmpOutSrcQuenchs },
	{ 5, SNMP_IcmpInRedirects, SNMP_IcmpOutRedirects },
	{ 8, SNMP_IcmpInEchos, SNMP_IcmpOutEchos },
	{ 11, SNMP_IcmpInTimeExcds, SNMP_IcmpOutTimeExcds },
	{ 12, SNMP_IcmpInParmProbs, SNMP_IcmpOutParmProbs },
	{ 13, SNMP_IcmpInTimestamps, SNMP_IcmpOutTimestamps },
	{ 14, SNMP_IcmpInTimestampReps, SNMP_IcmpOutTimestampReps },
	{ 17, SNMP_IcmpInAddrMasks, SNMP_IcmpOutAddrMasks },
	{ 18, SNMP_IcmpInAddrMaskReps, SNMP_IcmpOutAddrMaskReps },
};

/* idle: a pair of lines for a protocol that is not used: names (each after a blank), then @first and zeros. */
static void idle(struct text *out, const char *proto, const char *names, const char *first, unsigned firsts)
{
	text_printf(out, "%s:%s\n%s:%s", proto, names, proto, first);
	for (const char *s = names; *s; s++) {
		if (*s != ' ')
			continue;
		if (firsts)
			firsts--;
		else
			text_puts(out, " 0");
	}
	text_puts(out, "\n");
}

/* icmp_msg: the pair of lines with a name per type seen; nothing if none was (icmpmsg_put). */
static void icmp_msg(const uint64_t *snmp, struct text *out)
{
	struct text names = { .len = 0 }, values = { .len = 0 };
	const size_t count = sizeof icmp_types / sizeof *icmp_types;

	for (size_t i = 0; i < 2 * count; i++) {
		const struct icmp_type *t = &icmp_types[i % count];
		uint64_t n = snmp[i < count ? t->in : t->out];

		if (n) {
			text_printf(&names, " %sType%u", i < count ? "In" : "Out", t->type);
			text_printf(&values, " %" PRIu64, n);
		}
	}
	if (names.len)
		text_printf(out, "IcmpMsg:%s\nIcmpMsg:%s\n", text_cstr(&names), text_cstr(&values));
	text_free(&names);
	text_free(&values);
}

void status_net_snmp(const struct status *st, const struct status_args *args, struct text *out)
{
	const struct netstack *ns = st->engine->ns;

	(void)args;
#define X(id) " " #id
	text_puts(out, "Ip: Forwarding DefaultTTL" SNMP_IP(X) "\n");
#undef X
	text_printf(out, "Ip: %d %d", ns->conf.all.forwarding ? 1 : 2, ns->conf.ip_default_ttl);
#define X(id) text_printf(out, " %" PRIu64, ns->snmp[SNMP_Ip##id]);
	SNMP_IP(X)
#undef X
#define X(id) " " #id
	text_puts(out, "\nIcmp:" SNMP_ICMP(X) "\nIcmp:");
#undef X
#define X(id) text_printf(out, " %" PRIu64, ns->snmp[SNMP_Icmp##id]);
	SNMP_ICMP(X)
#undef X
	text_puts(out, "\n");
	icmp_msg(ns->snmp, out);
	idle(out, "Tcp", tcp_names, " 1 200 120000 -1", 4);
	idle(out, "Udp", udp_names, "", 0);
	idle(out, "UdpLite", udp_names, "", 0);
}

void status_net_netstat(const struct status *st, const struct status_args *args, struct text *out)
{
	const struct netstack *ns = st->engine->ns;

	(void)args;
	idle(out, "TcpExt", tcp_ext, "", 0);
#define X(id) " " #id
	text_puts(out, "IpExt:" SNMP_IPEXT(X) "\nIpExt:");
#undef X
#define X(id) text_printf(out, " %" PRIu64, ns->snmp[SNMP_IpExt##id]);
	SNMP_IPEXT(X)
#undef X
	text_puts(out, "\n");
	idle(out, "MPTcpExt", mptcp_ext, "", 0);
}
