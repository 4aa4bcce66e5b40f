/* conntrack_query.c - see conntrack_query.h. Options, their order and the messages are those of conntrack-tools 1.4.7: options of
 * a protocol are known once -p has named it; a table's name stands right behind its command; other words are ignored. */
#include "router/conntrack_query.h"

#include "conntrack/proto_common.h"
#include "conntrack/proto_tcp.h"

#include <arpa/inet.h>
#include <getopt.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#define TOOL CONNTRACK_TOOL

/* Options without a letter. */
enum {
	OPT_MASK_SRC = 256,
	OPT_MASK_DST,
	OPT_LATER,
	OPT_STATE,
	OPT_TYPE,
	OPT_CODE,
	OPT_ID,
	OPT_KEY /* + conntrack_end */
};

static const char short_options[] = ":LIUDGEFAhVs:d:r:q:p:t:u:e:a:zm:i:f:o:n::c:b:Cg::Sj::w:l:";

#define COMMON_OPTIONS                                                                                       \
	{ "dump", no_argument, NULL, 'L' }, { "create", no_argument, NULL, 'I' },                            \
		{ "delete", no_argument, NULL, 'D' }, { "update", no_argument, NULL, 'U' },                  \
		{ "get", no_argument, NULL, 'G' }, { "flush", no_argument, NULL, 'F' },                      \
		{ "event", no_argument, NULL, 'E' }, { "count", no_argument, NULL, 'C' },                    \
		{ "stats", no_argument, NULL, 'S' }, { "add", no_argument, NULL, 'A' },                      \
		{ "version", no_argument, NULL, 'V' }, { "help", no_argument, NULL, 'h' },                   \
		{ "orig-src", required_argument, NULL, 's' }, { "src", required_argument, NULL, 's' },       \
		{ "orig-dst", required_argument, NULL, 'd' }, { "dst", required_argument, NULL, 'd' },       \
		{ "reply-src", required_argument, NULL, 'r' },                                               \
		{ "reply-dst", required_argument, NULL, 'q' }, { "protonum", required_argument, NULL, 'p' }, \
		{ "timeout", required_argument, NULL, 't' }, { "status", required_argument, NULL, 'u' },     \
		{ "zero", no_argument, NULL, 'z' }, { "event-mask", required_argument, NULL, 'e' },          \
		{ "mask-src", required_argument, NULL, OPT_MASK_SRC },                                       \
		{ "mask-dst", required_argument, NULL, OPT_MASK_DST },                                       \
		{ "tuple-src", required_argument, NULL, OPT_LATER },                                         \
		{ "tuple-dst", required_argument, NULL, OPT_LATER },                                         \
		{ "nat-range", required_argument, NULL, 'a' }, { "mark", required_argument, NULL, 'm' },     \
		{ "secmark", required_argument, NULL, 'c' }, { "id", required_argument, NULL, 'i' },         \
		{ "family", required_argument, NULL, 'f' }, { "src-nat", optional_argument, NULL, 'n' },     \
		{ "dst-nat", optional_argument, NULL, 'g' }, { "any-nat", optional_argument, NULL, 'j' },    \
		{ "output", required_argument, NULL, 'o' }, { "buffer-size", required_argument, NULL, 'b' }, \
		{ "zone", required_argument, NULL, 'w' }, { "label", required_argument, NULL, 'l' },         \
		{ "label-add", required_argument, NULL, OPT_LATER },                                         \
		{ "label-del", optional_argument, NULL, OPT_LATER },                                         \
		{ "orig-zone", required_argument, NULL, OPT_LATER },                                         \
	{                                                                                                    \
		"reply-zone", required_argument, NULL, OPT_LATER                                             \
	}

#define PORT_OPTIONS                                                                    \
	{ "orig-port-src", required_argument, NULL, OPT_KEY + END_ORIG_SRC },           \
		{ "orig-port-dst", required_argument, NULL, OPT_KEY + END_ORIG_DST },   \
		{ "reply-port-src", required_argument, NULL, OPT_KEY + END_REPLY_SRC }, \
		{ "reply-port-dst", required_argument, NULL, OPT_KEY + END_REPLY_DST }, \
		{ "sport", required_argument, NULL, OPT_KEY + END_ORIG_SRC },           \
	{                                                                               \
		"dport", required_argument, NULL, OPT_KEY + END_ORIG_DST                \
	}

static const struct option plain_options[] = { COMMON_OPTIONS, { 0 } };
static const struct option port_options[] = { COMMON_OPTIONS, PORT_OPTIONS, { 0 } };
static const struct option state_options[] = {
	COMMON_OPTIONS, PORT_OPTIONS, { "state", required_argument, NULL, OPT_STATE }, { 0 }
};
static const struct option icmp_options[] = {
	COMMON_OPTIONS,
	{ "icmp-type", required_argument, NULL, OPT_TYPE },
	{ "icmp-code", required_argument, NULL, OPT_CODE },
	{ "icmp-id", required_argument, NULL, OPT_ID },
	{ 0 },
};
static const struct option gre_options[] = {
	COMMON_OPTIONS,
	{ "orig-key-src", required_argument, NULL, OPT_KEY + END_ORIG_SRC },
	{ "orig-key-dst", required_argument, NULL, OPT_KEY + END_ORIG_DST },
	{ "reply-key-src", required_argument, NULL, OPT_KEY + END_REPLY_SRC },
	{ "reply-key-dst", required_argument, NULL, OPT_KEY + END_REPLY_DST },
	{ "srckey", required_argument, NULL, OPT_KEY + END_ORIG_SRC },
	{ "dstkey", required_argument, NULL, OPT_KEY + END_ORIG_DST },
	{ 0 },
};

/* The options each protocol adds, and those legal with each command: letters. */
static const struct {
	uint8_t proto;
	const struct option *options;
} protocols[] = { { IP_PROTO_TCP, state_options },    { IP_PROTO_UDP, port_options },
		  { IP_PROTO_UDPLITE, port_options }, { IP_PROTO_SCTP, state_options },
		  { IP_PROTO_DCCP, state_options },
		  { IP_PROTO_ICMP, icmp_options },    { IP_PROTO_GRE, gre_options } };

static const struct {
	int command;
	const char *conntrack, *expect;
} legal[] = { { 'L', "sdrqpuzmfngojwlc", "fo" },
	      { 'D', "sdrqptumfngoiwjlc", "sdrqp" },
	      { 'E', "sdrqpemfngobjwlc", "eobp" },
	      { 'C', "", "" },
	      { 'S', "", "" },
	      { 'F', "f", "f" } };

/* misuse: "conntrack ...: what" and where help is. Return: exit status. */
static int misuse(struct request *rq, const char *format, const char *arg)
{
	text_puts(&rq->err, TOOL ": ");
	text_printf(&rq->err, format, arg);
	text_puts(&rq->err, "\nTry `conntrack -h' or 'conntrack --help' for more information.\n");
	return CONNTRACK_USAGE;
}

int conntrack_later(struct request *rq, const char *what)
{
	text_printf(&rq->err,
		    TOOL ": %s comes with the next release; this one has -L, -D, -E, -F, -C and -S.\n", what);
	return CONNTRACK_OTHER;
}

/* take_address: ADDRESS[/LENGTH or /MASK]. Return: 0 or exit status. */
static int take_address(struct request *rq, struct conntrack_query *q, struct conntrack_address *a,
			const char *arg)
{
	char text[64], *slash, *end;
	struct in6_addr six;
	unsigned long plen;

	if (strlen(arg) >= sizeof text)
		return misuse(rq, "Invalid IP address `%s'", arg);
	strcpy(text, arg);
	slash = strchr(text, '/');
	if (slash)
		*slash++ = 0;
	if (inet_pton(AF_INET6, text, &six) == 1) {
		q->ipv6 = true; /* nothing here is */
		return 0;
	}
	if (!inet_aton(text, (struct in_addr *)&a->be))
		return misuse(rq, "Invalid IP address `%s'", text);
	a->given = true;
	a->mask = UINT32_MAX;
	if (!slash)
		return 0;
	plen = strtoul(slash, &end, 10);
	if (!*end && *slash && plen <= 32)
		a->mask = ip4_mask((unsigned)plen);
	else
		return misuse(rq, "%s", "Invalid netmask");
	return 0;
}

/* take_mask: --mask-src, --mask-dst: of the address before. Return: 0 or exit status. */
static int take_mask(struct request *rq, struct conntrack_address *a, const char *arg)
{
	struct in_addr mask;

	if (!inet_aton(arg, &mask))
		return misuse(rq, "Invalid IP address `%s'", arg);
	a->mask = mask.s_addr;
	return 0;
}

/* take_protocol: -p: name or number. Return: 0 or exit status. */
static int take_protocol(struct request *rq, struct conntrack_query *q, const char *arg)
{
	struct protoent *p;
	char lower[32];
	char *end;
	unsigned long n = strtoul(arg, &end, 10);
	size_t i;

	q->has_proto = true;
	if (*arg && !*end && n < 256) {
		q->proto = (uint8_t)n;
		return 0;
	}
	for (i = 0; arg[i] && i + 1 < sizeof lower; i++)
		lower[i] = (char)(arg[i] >= 'A' && arg[i] <= 'Z' ? arg[i] + 32 : arg[i]);
	lower[i] = 0;
	p = getprotobyname(lower);
	if (!p || !*lower || (p->p_proto == 0))
		return misuse(rq, "`%s' unsupported protocol", arg);
	q->proto = (uint8_t)p->p_proto;
	return 0;
}

/* take_status: -u LIST. Return: 0 or exit status. */
static int take_status(struct request *rq, struct conntrack_query *q, char *list)
{
	static const struct {
		const char *name;
		uint32_t value, mask;
	} rows[] = { { "ASSURED", CT_ST_ASSURED, CT_ST_ASSURED },
		     { "SEEN_REPLY", CT_ST_SEEN_REPLY, CT_ST_SEEN_REPLY },
		     { "UNSET", 0, 0 },
		     { "FIXED_TIMEOUT", CT_ST_FIXED_TIMEOUT, CT_ST_FIXED_TIMEOUT },
		     { "EXPECTED", CT_ST_EXPECTED, CT_ST_EXPECTED },
		     { "OFFLOAD", 1u << 14, 1u << 14 },
		     { "HW_OFFLOAD", 1u << 15, 1u << 15 },
		     { "UNREPLIED", 0, CT_ST_SEEN_REPLY } };
	char *word;

	while ((word = strsep(&list, ","))) {
		size_t i = 0;

		if (!strcasecmp(word, "SRC_NAT") || !strcasecmp(word, "DST_NAT")) {
			text_printf(&rq->err, "WARNING: ignoring %s, use --%s-nat instead\n", word,
				    (*word | 32) == 's' ? "src" : "dst");
			continue;
		}
		while (i < sizeof rows / sizeof *rows && strncasecmp(word, rows[i].name, strlen(word)))
			i++;
		if (i == sizeof rows / sizeof *rows)
			return misuse(rq, "Bad parameter `%s'", word);
		q->status |= rows[i].value;
		q->status_mask |= rows[i].mask;
	}
	return 0;
}

/* take_output: -o LIST. Return: 0 or exit status. */
static int take_output(struct request *rq, struct conntrack_query *q, char *list)
{
	static const struct {
		const char *name;
		unsigned print;
	} rows[] = { { "extended", CT_PRINT_EXTENDED },
		     { "id", CT_PRINT_ID },
		     { "ktimestamp", CT_PRINT_TIMESTAMP },
		     { "labels", CT_PRINT_LABELS } };
	char *word;

	while ((word = strsep(&list, ","))) {
		unsigned print = 0;

		for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
			if (!strcmp(word, rows[i].name))
				print = rows[i].print;
		if (!strcmp(word, "xml") || !strcmp(word, "save"))
			return conntrack_later(rq, word);
		if (!strcmp(word, "timestamp"))
			q->timestamp = true;
		else if (!print && strcmp(word, "userspace"))
			return misuse(rq, "Bad parameter `%s'", word);
		q->print |= print;
	}
	return 0;
}

/* take_events: -e LIST. Return: 0 or exit status. */
static int take_events(struct request *rq, struct conntrack_query *q, char *list)
{
	static const struct {
		const char *name;
		uint32_t events;
	} rows[] = { { "ALL", UINT32_MAX },
		     { "NEW", CT_EV_NEW | CT_EV_RELATED },
		     { "DESTROY", CT_EV_DESTROY },
		     { "UPDATES", ~(uint32_t)(CT_EV_NEW | CT_EV_RELATED | CT_EV_DESTROY) } };
	char *word;

	while ((word = strsep(&list, ","))) {
		size_t i = 0;

		while (i < sizeof rows / sizeof *rows && strncasecmp(word, rows[i].name, strlen(word)))
			i++;
		if (i == sizeof rows / sizeof *rows)
			return misuse(rq, "Bad parameter `%s'", word);
		q->events |= rows[i].events;
	}
	return 0;
}

/* take_state: --state NAME of the protocol -p named. Return: 0 or exit status. */
static int take_state(struct request *rq, struct conntrack_query *q, const char *arg)
{
	bool tcp = q->proto == IP_PROTO_TCP, dccp = q->proto == IP_PROTO_DCCP;

	for (uint8_t s = 0; s < 16; s++) {
		const char *name = tcp ? ct_tcp_state_name(s) : dccp ? ct_dccp_state_name(s) : ct_sctp_state_name(s);

		if (name && strcmp(name, "UNKNOWN") && !strcmp(name, arg)) {
			q->state = s;
			q->has_state = true;
			return 0;
		}
	}
	return misuse(rq, tcp ? "unknown TCP state `%s'" : dccp ? "Unknown DCCP state `%s'" : "unknown SCTP state `%s'", arg);
}

/* take_nat: -n, -g, -j [ADDRESS], also as the next word. @kind: 0, 1, 2. Return: 0 or exit status. */
static int take_nat(struct request *rq, struct conntrack_query *q, unsigned kind)
{
	const char *arg = optarg;

	if (!arg && optind < rq->argc && rq->argv[optind][0] != '-')
		arg = rq->argv[optind++];
	q->nat_kind[kind] = true;
	if (arg && strchr(arg, ':'))
		return conntrack_later(rq, "a port with an address");
	return arg ? take_address(rq, q, &q->nat[kind], arg) : 0;
}

/* take_command: one of -L ... and the table's name behind it. Return: 0 or exit status. */
static int take_command(struct request *rq, struct conntrack_query *q, int command)
{
	static const char *const tables[] = { "conntrack", "expect", "dying", "unconfirmed" };
	const char *word = optind < rq->argc && rq->argv[optind][0] != '-' ? rq->argv[optind] : NULL;

	if (q->command)
		return misuse(rq, "%s", "Invalid commands combination");
	q->command = command;
	if (!word || command == 'V' || command == 'h')
		return 0;
	optind++;
	for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
		if (!strcmp(word, tables[i]))
			q->table = tables[i];
	return strcmp(q->table, word) ? misuse(rq, "unknown type `%s'", word) : 0;
}

/* take_mark: -m VALUE[/MASK]. */
static void take_mark(struct conntrack_query *q, const char *arg)
{
	char *end;

	q->has_mark = true;
	q->mark = (uint32_t)strtoul(arg, &end, 0);
	q->mark_mask = *end == '/' ? (uint32_t)strtoul(end + 1, NULL, 0) : UINT32_MAX;
}

/* take_long: the options without a letter. Return: 0 or exit status. */
static int take_long(struct request *rq, struct conntrack_query *q, int o)
{
	switch (o) {
	case OPT_MASK_SRC:
	case OPT_MASK_DST:
		if (!q->end[o - OPT_MASK_SRC].given)
			return misuse(rq, o == OPT_MASK_SRC ? "%s without --src" : "%s without --dst",
				      o == OPT_MASK_SRC ? "Can't use --mask-src" : "Can't use --mask-dst");
		return take_mask(rq, &q->end[o - OPT_MASK_SRC], optarg);
	case OPT_STATE:
		return take_state(rq, q, optarg);
	case OPT_TYPE:
		q->has_type = true;
		q->type = (uint8_t)atoi(optarg);
		return 0;
	case OPT_CODE:
		q->has_code = true;
		q->code = (uint8_t)atoi(optarg);
		return 0;
	case OPT_ID:
		o = OPT_KEY + END_ORIG_SRC;
		break;
	case OPT_LATER:
		return conntrack_later(rq, rq->argv[optind - 2]);
	default:
		break;
	}
	q->has_key[o - OPT_KEY] = true;
	q->key[o - OPT_KEY] = htons((uint16_t)atoi(optarg));
	return 0;
}

/* take_option: one option with a letter. Return: 0; exit status. */
static int take_option(struct request *rq, struct conntrack_query *q, int o)
{
	static const char ends[] = "sdrq", nats[] = "ngj";

	if (!strchr(q->given, o))
		q->given[strlen(q->given)] = (char)o;
	if (strchr(ends, o))
		return take_address(rq, q, &q->end[strchr(ends, o) - ends], optarg);
	if (strchr(nats, o))
		return take_nat(rq, q, (unsigned)(strchr(nats, o) - nats));
	switch (o) {
	case 'p':
		return take_protocol(rq, q, optarg);
	case 'u':
		return take_status(rq, q, optarg);
	case 'o':
		return take_output(rq, q, optarg);
	case 'e':
		return take_events(rq, q, optarg);
	case 'f':
		q->ipv6 |= !strcmp(optarg, "ipv6");
		return strcmp(optarg, "ipv4") && strcmp(optarg, "ipv6")
			       ? misuse(rq, "`%s' unsupported protocol", optarg)
			       : 0;
	case 'm':
		take_mark(q, optarg);
		return 0;
	case 'z':
		q->zero = true;
		return 0;
	case 'w':
		q->has_zone = true;
		q->zone = (uint16_t)strtoul(optarg, NULL, 0);
		return 0;
	case 'c':
		q->has_secmark = true;
		q->secmark = (uint32_t)strtoul(optarg, NULL, 0);
		return 0;
	case 'i':
		q->has_id = true;
		q->id = (uint32_t)strtoul(optarg, NULL, 0);
		return 0;
	case 'b':
		return 0; /* of a netlink socket: there is none */
	case 't':
		return 0; /* legal with -D only, and not there: check_legal */
	default:
		return conntrack_later(rq, o == 'l' ? "-l" : "-a");
	}
}

/* options_of: the long options known so far. */
static const struct option *options_of(const struct conntrack_query *q)
{
	for (size_t i = 0; q->has_proto && i < sizeof protocols / sizeof *protocols; i++)
		if (protocols[i].proto == q->proto)
			return protocols[i].options;
	return plain_options;
}

/* check_legal: whether the options fit the command. Return: 0 or exit status. */
static int check_legal(struct request *rq, const struct conntrack_query *q)
{
	const char *letters = NULL;

	for (size_t i = 0; i < sizeof legal / sizeof *legal; i++)
		if (legal[i].command == q->command)
			letters = !strcmp(q->table, "expect") ? legal[i].expect : legal[i].conntrack;
	for (const struct option *o = plain_options; letters && o->name; o++)
		if (o->val < 128 && strchr(q->given, o->val) && !strchr(letters, o->val)) {
			const char *name = o->val == 's' ? "src" : o->val == 'd' ? "dst" : o->name;

			return misuse(rq, "Illegal option `--%s' with this command", name);
		}
	if (q->zero && strpbrk(q->given, "sdrqpumwcl"))
		return misuse(rq, "%s", "Can't use -z with filtering parameters");
	if (strchr(q->given, 't'))
		return conntrack_later(rq, "-t");
	if (strchr(q->given, 'u') && !q->status_mask) {
		text_puts(&rq->err, TOOL ": Operation failed: invalid parameters\n");
		return CONNTRACK_OTHER;
	}
	return 0;
}

int conntrack_parse(struct request *rq, struct conntrack_query *q)
{
	int o, code = 0;

	q->table = "conntrack";
	optind = 0;
	opterr = 0;
	while (!code && (o = getopt_long(rq->argc, rq->argv, short_options, options_of(q), NULL)) != -1) {
		const char *word = optind > 0 ? rq->argv[optind - 1] : "";
		char letter[] = { '-', (char)optopt, 0 };

		if (o == '?')
			code = misuse(rq, "unknown option `%s'",
				      optopt > 0 && optopt < 128 && strncmp(word, "--", 2) ? letter : word);
		else if (o == ':')
			code = misuse(rq, "option `%s' requires an argument", word);
		else if (o < 128 && strchr("LIUDGEFAhVCS", o))
			code = take_command(rq, q, o);
		else
			code = o < 128 ? take_option(rq, q, o) : take_long(rq, q, o);
	}
	return code ? code : check_legal(rq, q);
}

/* --- matching ------------------------------------------------------------------------------------------------------- */

/* is_address: whether @be is the address asked for. */
static bool is_address(const struct conntrack_address *a, uint32_t be)
{
	return !a->given || (be & a->mask) == (a->be & a->mask);
}

/* match_nat: -n, -g, -j: address or port translated; or the address, and to the one asked for. As the tool does, the keys of ICMP,
 * which always differ, count as ports. */
static bool match_nat(const struct conntrack_query *q, const struct ct_tuple *o, const struct ct_tuple *r)
{
	const struct conntrack_address *to_src = &q->nat[q->nat_kind[2] ? 2 : 0],
				       *to_dst = &q->nat[q->nat_kind[2] ? 2 : 1];
	bool source = o->src.word[0] != r->dst.word[0] || (!to_src->given && o->src_key != r->dst_key);
	bool destination = o->dst.word[0] != r->src.word[0] || (!to_dst->given && o->dst_key != r->src_key);

	source = source && is_address(to_src, r->dst.word[0]);
	destination = destination && is_address(to_dst, r->src.word[0]);
	if (q->nat_kind[2])
		return source || destination;
	return (!q->nat_kind[0] || source) && (!q->nat_kind[1] || destination);
}

/* state_of: the number of a connection's state; only for protocols that --state is legal with. */
static uint8_t state_of(const struct ct_entry *ct)
{
	switch (ct->tuple[CT_ORIGINAL].proto) {
	case IP_PROTO_TCP:
		return ct->tcp.state;
	case IP_PROTO_DCCP:
		return ct->dccp.state;
	default:
		return ct->sctp.state;
	}
}

/* match_protocol: what depends on the protocol. */
static bool match_protocol(const struct conntrack_query *q, const struct ct_entry *ct)
{
	const struct ct_tuple *o = &ct->tuple[CT_ORIGINAL], *r = &ct->tuple[CT_REPLY];
	const uint16_t key[END_COUNT] = { o->src_key, o->dst_key, r->src_key, r->dst_key };
	uint8_t type_code[2];

	if (q->has_proto && o->proto != q->proto)
		return false;
	for (unsigned i = 0; i < END_COUNT; i++)
		if (q->has_key[i] && key[i] != q->key[i])
			return false;
	memcpy(type_code, &o->dst_key, sizeof type_code);
	if ((q->has_type && type_code[0] != q->type) || (q->has_code && type_code[1] != q->code))
		return false;
	return !q->has_state || state_of(ct) == q->state;
}

bool conntrack_match(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_entry *ct)
{
	const struct ct_tuple *o = &ct->tuple[CT_ORIGINAL], *r = &ct->tuple[CT_REPLY];
	const uint32_t be[END_COUNT] = { o->src.word[0], o->dst.word[0], r->src.word[0], r->dst.word[0] };

	if (q->ipv6)
		return false;
	for (unsigned i = 0; i < END_COUNT; i++)
		if (!is_address(&q->end[i], be[i]))
			return false;
	if (!match_protocol(q, ct) || !match_nat(q, o, r))
		return false;
	if ((q->has_mark && (ct->mark & q->mark_mask) != q->mark) ||
	    (ct->status & q->status_mask) != q->status)
		return false;
	if (q->has_zone && (ct_zone(ct) != q->zone || (ct_zone(ct) && ct->zone_dir != CT_ZONE_BOTH)))
		return false;
	return (!q->has_secmark || !ct->extra || !ct->extra->secmark || ct->extra->secmark == q->secmark) &&
	       (!q->has_id || ct_id(ctk, ct) == q->id);
}
