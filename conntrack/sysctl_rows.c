/* sysctl_rows.c - net/netfilter/nf_conntrack_*: the tunables of struct conntrack.
 *
 * Linux parity: nf_conntrack_standalone.c: names, ranges and what is read only; the DCCP timeouts as until 6.15, without
 * dccp_loose, which had no effect there: only a REQUEST opens. nf_conntrack_max, _buckets and
 * _expect_max can be written: the router is the root namespace of its own connections.
 */
#include "conntrack/conntrack_int.h"

enum { JIFFIES_SECONDS_MAX = INT32_MAX / 250 }; /* the kernel counts in jiffies of 4 ms */

/* max_changed, buckets_changed, expect_max_changed: make room; a size that cannot be had is taken back. */
static void max_changed(void *room)
{
	struct conntrack *ctk = room;

	if (ct_table_set_max(ctk))
		ctk->conf.max = (int32_t)(ctk->table->entries.capacity - CT_ENTRIES_SLACK);
}
static void buckets_changed(void *room)
{
	struct conntrack *ctk = room;

	if (ct_table_resize(ctk, (uint32_t)ctk->conf.buckets))
		ctk->table->wanted = ct_table_buckets(ctk->table);
	ctk->conf.buckets = (int32_t)ctk->table->wanted;
}
static void expect_max_changed(void *room)
{
	struct conntrack *ctk = room;

	if (ct_expects_set_max(ctk))
		ctk->conf.expect_max = 1;
}

#define NAME(n) "net/netfilter/nf_conntrack_" n
#define CONF(field) offsetof(struct conntrack, conf.field)
#define NUMBER(n, field, low, high) { NAME(n), SYSCTL_INT, 0, CONF(field), low, high, NULL }
#define SECONDS(n, field) { NAME(n), SYSCTL_SECONDS, 0, CONF(field), -JIFFIES_SECONDS_MAX, JIFFIES_SECONDS_MAX, NULL }
#define TCP(n, state) SECONDS("tcp_timeout_" n, tcp_timeout[CT_TCP_##state])
#define DCCP(n, state) SECONDS("dccp_timeout_" n, dccp_timeout[CT_DCCP_##state])
#define SCTP(n, state) SECONDS("sctp_timeout_" n, sctp_timeout[CT_SCTP_##state])

const struct sysctl_row conntrack_sysctl_rows[] = {
	{ NAME("max"), SYSCTL_INT, 0, CONF(max), 0, CT_ENTRIES_CEILING - CT_ENTRIES_SLACK, max_changed },
	{ "net/nf_conntrack_max", SYSCTL_INT, 0, CONF(max), 0, CT_ENTRIES_CEILING - CT_ENTRIES_SLACK, max_changed },
	{ NAME("count"), SYSCTL_UINT, SYSCTL_READ_ONLY, offsetof(struct conntrack, count), 0, UINT32_MAX, NULL },
	{ NAME("buckets"), SYSCTL_INT, 0, CONF(buckets), 1, CT_BUCKETS_CEILING, buckets_changed },
	{ NAME("expect_max"), SYSCTL_INT, 0, CONF(expect_max), 1, CT_EXPECT_CEILING / 2, expect_max_changed },
	NUMBER("checksum", checksum, 0, 1),
	NUMBER("acct", acct, 0, 1),
	NUMBER("timestamp", timestamp, 0, 1),
	NUMBER("events", events, 0, 2),
	NUMBER("log_invalid", log_invalid, 0, 255),
	NUMBER("tcp_loose", tcp_loose, 0, 1),
	NUMBER("tcp_be_liberal", tcp_be_liberal, 0, 1),
	NUMBER("tcp_ignore_invalid_rst", tcp_ignore_invalid_rst, 0, 1),
	NUMBER("tcp_max_retrans", tcp_max_retrans, 0, 255),
	TCP("syn_sent", SYN_SENT),
	TCP("syn_recv", SYN_RECV),
	TCP("established", ESTABLISHED),
	TCP("fin_wait", FIN_WAIT),
	TCP("close_wait", CLOSE_WAIT),
	TCP("last_ack", LAST_ACK),
	TCP("time_wait", TIME_WAIT),
	TCP("close", CLOSE),
	TCP("max_retrans", MAX_RETRANS),
	TCP("unacknowledged", UNACKNOWLEDGED),
	SECONDS("udp_timeout", udp_timeout),
	SECONDS("udp_timeout_stream", udp_timeout_stream),
	SECONDS("icmp_timeout", icmp_timeout),
	SECONDS("gre_timeout", gre_timeout),
	SECONDS("gre_timeout_stream", gre_timeout_stream),
	SECONDS("generic_timeout", generic_timeout),
	SCTP("closed", CLOSED),
	SCTP("cookie_wait", COOKIE_WAIT),
	SCTP("cookie_echoed", COOKIE_ECHOED),
	SCTP("established", ESTABLISHED),
	SCTP("shutdown_sent", SHUTDOWN_SENT),
	SCTP("shutdown_recd", SHUTDOWN_RECD),
	SCTP("shutdown_ack_sent", SHUTDOWN_ACK_SENT),
	SCTP("heartbeat_sent", HEARTBEAT_SENT),
	DCCP("request", REQUEST),
	DCCP("respond", RESPOND),
	DCCP("partopen", PARTOPEN),
	DCCP("open", OPEN),
	DCCP("closereq", CLOSEREQ),
	DCCP("closing", CLOSING),
	DCCP("timewait", TIMEWAIT),
};
const size_t conntrack_sysctl_row_count = sizeof conntrack_sysctl_rows / sizeof *conntrack_sysctl_rows;
