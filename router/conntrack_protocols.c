/* conntrack_protocols.c - what -p adds to the options of the conntrack command: rows of names, and which fit which command.
 *
 * Linux parity: extensions/libct_proto_*.c of conntrack-tools 1.4.7. An option is known by a code, a digit or a number by
 * protocol; after several -p the first one that has a name gives the code and the last one says what it means, as there.
 */
#include "router/conntrack_query.h"

#include "conntrack/proto_common.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

/* What an option sets. */
enum take {
	TAKE_ORIG_SRC, TAKE_ORIG_DST, TAKE_REPLY_SRC, TAKE_REPLY_DST, TAKE_MASK_SRC, TAKE_MASK_DST, TAKE_EXP_SRC, TAKE_EXP_DST,
	TAKE_STATE, TAKE_TYPE, TAKE_CODE, TAKE_ICMP_ID, TAKE_VTAG, TAKE_REPLY_VTAG, TAKE_ROLE
};

enum { OPTIONS_MAX = 12 };

struct conntrack_protocol {
	const char *name;
	uint8_t number;
	char first; /* code of the first option */
	struct option option[OPTIONS_MAX + 2];
	const char *legal_name[OPTIONS_MAX]; /* as messages call them */
	uint8_t take[OPTIONS_MAX];           /* enum take */
	uint8_t count;
	/* Which fit: conntrack_check's letters; for -I and -A; -G; -U; -D; -L and -E; on expectations -I; -G and -D. */
	const char *create, *get, *update, *remove, *list, *expect_create, *expect_named;
	const char *pair[2]; /* what is missing of a pair */
	const char *help;
};

#define OPT(name_, code) { .name = name_, .has_arg = required_argument, .val = CONNTRACK_PROTOCOL_OPTION + (code) }
#define PORT_PAIRS { "`--sport' and `--dport'", "`--reply-src-port' and `--reply-dst-port'" }
#define PORT_NAMES "sport", "dport", "reply-port-src", "reply-port-dst", "mask-port-src", "mask-port-dst"
#define PORTS_TAKEN TAKE_ORIG_SRC, TAKE_ORIG_DST, TAKE_REPLY_SRC, TAKE_REPLY_DST, TAKE_MASK_SRC, TAKE_MASK_DST
#define PORT_OPTIONS(c)                                                                                       \
	OPT("orig-port-src", c), OPT("sport", c), OPT("orig-port-dst", (c) + 1), OPT("dport", (c) + 1),       \
		OPT("reply-port-src", (c) + 2), OPT("reply-port-dst", (c) + 3), OPT("mask-port-src", (c) + 4), \
		OPT("mask-port-dst", (c) + 5)
#define PORT_HELP                                                   \
	"  --orig-port-src\t\toriginal source port\n"               \
	"  --orig-port-dst\t\toriginal destination port\n"          \
	"  --reply-port-src\t\treply source port\n"                 \
	"  --reply-port-dst\t\treply destination port\n"            \
	"  --mask-port-src\t\tmask source port\n"                   \
	"  --mask-port-dst\t\tmask destination port\n"              \
	"  --tuple-port-src\t\texpectation tuple src port\n"        \
	"  --tuple-port-src\t\texpectation tuple dst port\n"

static const struct conntrack_protocol protocols[] = {
	{ .name = "tcp",
	  .number = IP_PROTO_TCP,
	  .first = '1',
	  .option = { PORT_OPTIONS('1'), OPT("state", '7'), OPT("tuple-port-src", '8'), OPT("tuple-port-dst", '9') },
	  .legal_name = { PORT_NAMES, "state", "tuple-port-src", "tuple-port-dst" },
	  .take = { PORTS_TAKEN, TAKE_STATE, TAKE_EXP_SRC, TAKE_EXP_DST },
	  .count = 9,
	  .create = "333300100", .get = "333300200", .update = "222200200", .remove = "222200200", .list = "222200200",
	  .expect_create = "110011011", .expect_named = "111100000",
	  .pair = PORT_PAIRS,
	  .help = PORT_HELP "  --state\t\t\tTCP state, fe. ESTABLISHED\n" },
	{ .name = "udp",
	  .number = IP_PROTO_UDP,
	  .first = '1',
	  .option = { PORT_OPTIONS('1'), OPT("tuple-port-src", '7'), OPT("tuple-port-dst", '8') },
	  .legal_name = { PORT_NAMES, "tuple-port-src", "tuple-port-dst" },
	  .take = { PORTS_TAKEN, TAKE_EXP_SRC, TAKE_EXP_DST },
	  .count = 8,
	  .create = "33330000", .get = "33330000", .update = "22220000", .remove = "22220000", .list = "22220000",
	  .expect_create = "11001111", .expect_named = "11110000",
	  .pair = PORT_PAIRS,
	  .help = PORT_HELP },
	{ .name = "udplite",
	  .number = IP_PROTO_UDPLITE,
	  .first = '1',
	  .option = { PORT_OPTIONS('1'), OPT("tuple-port-src", '7'), OPT("tuple-port-dst", '8') },
	  .legal_name = { PORT_NAMES, "tuple-port-src", "tuple-port-dst" },
	  .take = { PORTS_TAKEN, TAKE_EXP_SRC, TAKE_EXP_DST },
	  .count = 8,
	  .create = "33330000", .get = "33330000", .update = "22220000", .remove = "22220000", .list = "22220000",
	  .expect_create = "11001111", .expect_named = "11110000",
	  .pair = PORT_PAIRS,
	  .help = PORT_HELP },
	{ .name = "sctp",
	  .number = IP_PROTO_SCTP,
	  .first = 1,
	  .option = { PORT_OPTIONS(1), OPT("state", 7), OPT("tuple-port-src", 8), OPT("tuple-port-dst", 9),
		      OPT("orig-vtag", 10), OPT("reply-vtag", 11) },
	  .legal_name = { PORT_NAMES, "state", "tuple-port-src", "tuple-port-dst", "orig-vtag", "reply-vtag" },
	  .take = { PORTS_TAKEN, TAKE_STATE, TAKE_EXP_SRC, TAKE_EXP_DST, TAKE_VTAG, TAKE_REPLY_VTAG },
	  .count = 11,
	  .create = "33330010011", .get = "33330020022", .update = "22220020022", .remove = "22220020000",
	  .list = "22220020000", .expect_create = "11001101111", .expect_named = "11110000000",
	  .pair = PORT_PAIRS,
	  .help = PORT_HELP "  --state\t\t\tSCTP state, fe. ESTABLISHED\n"
			    "  --orig-vtag\t\toriginal verification tag\n"
			    "  --reply-vtag\t\treply verification tag\n" },
	{ .name = "dccp",
	  .number = IP_PROTO_DCCP,
	  .first = 1,
	  .option = { PORT_OPTIONS(1), OPT("state", 7), OPT("tuple-port-src", 8), OPT("tuple-port-dst", 9), OPT("role", 10) },
	  .legal_name = { PORT_NAMES, "state", "tuple-port-src", "tuple-port-dst", "role" },
	  .take = { PORTS_TAKEN, TAKE_STATE, TAKE_EXP_SRC, TAKE_EXP_DST, TAKE_ROLE },
	  .count = 10,
	  .create = "3333001001", .get = "3333002000", .update = "2222002000", .remove = "2222002000",
	  .list = "2222002000", .expect_create = "1100110111", .expect_named = "1111000000",
	  .pair = { "`--sport' and `--dport'", "`--reply-port-src' and `--report-port-dst'" },
	  .help = PORT_HELP "  --state\t\t\tDCCP state, fe. RESPOND\n" },
	{ .name = "icmp",
	  .number = IP_PROTO_ICMP,
	  .first = '1',
	  .option = { OPT("icmp-type", '1'), OPT("icmp-code", '2'), OPT("icmp-id", '3') },
	  .legal_name = { "icmp-type", "icmp-code", "icmp-id" },
	  .take = { TAKE_TYPE, TAKE_CODE, TAKE_ICMP_ID },
	  .count = 3,
	  .create = "112", .get = "112", .update = "222", .remove = "222", .list = "222",
	  .expect_create = "000", .expect_named = "000",
	  .help = "  --icmp-type\t\t\ticmp type\n  --icmp-code\t\t\ticmp code\n  --icmp-id\t\t\ticmp id\n" },
	{ .name = "icmpv6",
	  .number = IP_PROTO_ICMP6,
	  .first = '1',
	  .option = { OPT("icmpv6-type", '1'), OPT("icmpv6-code", '2'), OPT("icmpv6-id", '3') },
	  .legal_name = { "icmpv6-type", "icmpv6-code", "icmpv6-id" },
	  .take = { TAKE_TYPE, TAKE_CODE, TAKE_ICMP_ID },
	  .count = 3,
	  .create = "112", .get = "112", .update = "222", .remove = "222", .list = "222",
	  .expect_create = "000", .expect_named = "000",
	  .help = "  --icmpv6-type\t\t\ticmpv6 type\n  --icmpv6-code\t\t\ticmpv6 code\n"
		  "  --icmpv6-id\t\t\ticmpv6 id\n" },
	{ .name = "gre",
	  .number = IP_PROTO_GRE,
	  .first = '1',
	  .option = { OPT("orig-key-src", '1'), OPT("srckey", '1'), OPT("orig-key-dst", '2'), OPT("dstkey", '2'),
		      OPT("reply-key-src", '3'), OPT("reply-key-dst", '4'), OPT("mask-key-src", '5'), OPT("mask-key-dst", '6'),
		      OPT("tuple-key-src", '7'), OPT("tuple-key-dst", '8') },
	  .legal_name = { "srckey", "dstkey", "reply-key-src", "reply-key-dst", "mask-key-src", "mask-key-dst",
			  "tuple-key-src", "tuple-key-dst" },
	  .take = { PORTS_TAKEN, TAKE_EXP_SRC, TAKE_EXP_DST },
	  .count = 8,
	  .create = "33330000", .get = "33330000", .update = "22220000", .remove = "22220000", .list = "22220000",
	  .expect_create = "11111111", .expect_named = "11110000",
	  .pair = { "`--srckey' and `--dstkey'", "`--reply-src-key' and `--reply-dst-key'" },
	  .help = "  --orig-key-src\t\toriginal source key\n"
		  "  --orig-key-dst\t\toriginal destination key\n"
		  "  --reply-key-src\t\treply source key\n"
		  "  --reply-key-dst\t\treply destination key\n"
		  "  --mask-key-src\t\tmask source key\n"
		  "  --mask-key-dst\t\tmask destination key\n"
		  "  --tuple-key-src\t\texpectation tuple src key\n"
		  "  --tuple-key-src\t\texpectation tuple dst key\n" },
};
enum { PROTOCOLS = sizeof protocols / sizeof *protocols };

/* Any other protocol. */
static const struct conntrack_protocol unknown = { .name = "unknown", .help = "  no options (unsupported)\n" };

/* by_number: the row of a protocol, or `unknown`. */
static const struct conntrack_protocol *by_number(uint8_t number)
{
	for (size_t i = 0; i < PROTOCOLS; i++)
		if (protocols[i].number == number)
			return &protocols[i];
	return &unknown;
}

const struct conntrack_protocol *conntrack_protocol_find(const char *name, uint8_t *number)
{
	const struct protoent *p;
	unsigned long n;
	char *end;

	for (size_t i = 0; i < PROTOCOLS; i++)
		if (!strcasecmp(protocols[i].name, name)) {
			*number = protocols[i].number;
			return &protocols[i];
		}
	p = getprotobyname(name);
	if (p) {
		*number = (uint8_t)p->p_proto;
		return &unknown; /* a name of the system's own: the tool does not look for its options */
	}
	n = strtoul(name, &end, 0);
	if (n > UINT8_MAX || end == name || *end)
		return NULL;
	*number = (uint8_t)n;
	return by_number(*number);
}

const struct option *conntrack_protocol_options(const struct conntrack_protocol *p)
{
	return p->option;
}

/* take_key: a port or key of @side; @which: CTA_SRC_KEY or CTA_DST_KEY. */
static void take_key(struct conntrack_query *q, struct conntrack_side *side, unsigned which, const char *arg)
{
	uint16_t key = htons(q->proto == IP_PROTO_GRE ? (uint16_t)strtoul(arg, NULL, 0) : (uint16_t)atoi(arg));

	*(which == CTA_SRC_KEY ? &side->tuple.src_key : &side->tuple.dst_key) = key;
	side->tuple.proto = q->proto;
	side->set |= which | CTA_PROTO;
}

/* take_icmp: type, code or id: of the original, and what answers it. */
static void take_icmp(struct conntrack_query *q, unsigned which, const char *arg)
{
	struct ct_tuple *t = &q->side[CT_ORIGINAL].tuple, back;
	uint8_t *type_code = (uint8_t *)&t->dst_key;

	if (which == CTA_ICMP_ID)
		t->src_key = htons((uint16_t)atoi(arg));
	else
		type_code[which == CTA_CODE] = (uint8_t)atoi(arg);
	q->side[CT_ORIGINAL].set |= which;
	t->proto = q->proto;
	if (q->proto == IP_PROTO_ICMP && ct_tuple_invert(t, &back)) {
		q->side[CT_REPLY].tuple.src_key = back.src_key;
		q->side[CT_REPLY].tuple.dst_key = back.dst_key;
	}
}

/* find_state: the number of a state in a list that a NULL ends; -1 if it is not there. */
static int find_state(const char *const *names, const char *arg)
{
	for (int i = 0; names[i]; i++)
		if (!strcmp(names[i], arg))
			return i;
	return -1;
}

/* take_state: --state. Return: 0 or exit status. */
static int take_state(struct request *rq, struct conntrack_query *q, const char *arg)
{
	static const char *const tcp[] = { "NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT",
					   "LAST_ACK", "TIME_WAIT", "CLOSE", "SYN_SENT2", NULL };
	static const char *const sctp[] = { "NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT",
					    "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT", NULL };
	static const char *const dccp[] = { "NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING",
					    "TIMEWAIT", "IGNORE", "INVALID", NULL };
	int state;

	switch (q->proto) {
	case IP_PROTO_DCCP:
		state = find_state(dccp, arg);
		if (state < 0)
			return conntrack_misuse(rq, "Unknown DCCP state `%s'", arg);
		break;
	case IP_PROTO_SCTP:
		state = find_state(sctp, arg);
		if (state < 0)
			return conntrack_misuse(rq, "unknown SCTP state `%s'", arg);
		break;
	default:
		state = strcmp(arg, "LISTEN") ? find_state(tcp, arg) : CT_TCP_SYN_SENT2;
		if (state < 0)
			return conntrack_misuse(rq, "unknown TCP state `%s'", arg);
		break;
	}
	q->state = (uint8_t)state;
	q->has_state = true;
	return 0;
}

/* take: one option by what it sets. Return: 0 or exit status. */
static int take(struct request *rq, struct conntrack_query *q, enum take what, const char *arg)
{
	switch (what) {
	case TAKE_ORIG_SRC:
	case TAKE_ORIG_DST:
		take_key(q, &q->side[CT_ORIGINAL], what == TAKE_ORIG_SRC ? CTA_SRC_KEY : CTA_DST_KEY, arg);
		return 0;
	case TAKE_REPLY_SRC:
	case TAKE_REPLY_DST:
		take_key(q, &q->side[CT_REPLY], what == TAKE_REPLY_SRC ? CTA_SRC_KEY : CTA_DST_KEY, arg);
		return 0;
	case TAKE_MASK_SRC:
	case TAKE_MASK_DST:
		take_key(q, &q->mask, what == TAKE_MASK_SRC ? CTA_SRC_KEY : CTA_DST_KEY, arg);
		return 0;
	case TAKE_EXP_SRC:
	case TAKE_EXP_DST:
		take_key(q, &q->expected, what == TAKE_EXP_SRC ? CTA_SRC_KEY : CTA_DST_KEY, arg);
		return 0;
	case TAKE_STATE:
		return take_state(rq, q, arg);
	case TAKE_TYPE:
	case TAKE_CODE:
	case TAKE_ICMP_ID:
		take_icmp(q, what == TAKE_TYPE ? CTA_TYPE : what == TAKE_CODE ? CTA_CODE : CTA_ICMP_ID, arg);
		return 0;
	case TAKE_VTAG:
	case TAKE_REPLY_VTAG:
		q->has_vtag[what == TAKE_REPLY_VTAG] = true;
		q->vtag[what == TAKE_REPLY_VTAG] = htonl((uint32_t)atoi(arg));
		return 0;
	case TAKE_ROLE:
		q->server = *arg && strncasecmp(arg, "client", strlen(arg));
		if (strncasecmp(arg, "client", strlen(arg)) && strncasecmp(arg, "server", strlen(arg)))
			return conntrack_misuse(rq, "Unknown DCCP role `%s'", arg);
		return 0;
	}
	return 0;
}

int conntrack_protocol_take(struct request *rq, struct conntrack_query *q, int code, const char *arg)
{
	int index = code - CONNTRACK_PROTOCOL_OPTION - q->protocol->first;

	if (index < 0 || index >= q->protocol->count)
		return 0; /* of another -p; means nothing to this one */
	q->protocol_options |= 1u << index;
	return take(rq, q, q->protocol->take[index], arg);
}

/* legal_of: conntrack_check's letters for the query's command; NULL: no option fits. */
static const char *legal_of(const struct conntrack_query *q)
{
	const struct conntrack_protocol *p = q->protocol;
	bool expect = q->table == CONNTRACK_EXPECT;

	switch (q->command) {
	case 'I':
	case 'A':
		return expect ? p->expect_create : p->create;
	case 'G':
		return expect ? p->expect_named : p->get;
	case 'D':
		return expect ? p->expect_named : p->remove;
	case 'U':
		return p->update;
	case 'L':
	case 'E':
		return expect ? NULL : p->list;
	default:
		return NULL;
	}
}

int conntrack_protocol_check(struct request *rq, struct conntrack_query *q)
{
	const struct conntrack_protocol *p = q->protocol;
	const char *legal = legal_of(q);
	char none[OPTIONS_MAX];
	int code;

	memset(none, '0', sizeof none);
	code = conntrack_check(rq, q->protocol_options, legal ? legal : none, p->count, p->legal_name);
	return code < CONNTRACK_PAIR ? code : conntrack_misuse(rq, "you have to specify %s", p->pair[code - CONNTRACK_PAIR]);
}

void conntrack_protocol_help(const struct conntrack_query *q, struct text *out)
{
	const struct protoent *p = q->protocol == &unknown ? getprotobynumber(q->proto) : NULL;

	text_printf(out, "Proto `%s' help:\n%s", p ? p->p_name : q->protocol->name, q->protocol->help);
}
