/* conntrack_options.c - the words of the conntrack command: options, what they take, and whether they fit the command.
 *
 * Linux parity: conntrack-tools 1.4.7, do_parse. Options, their order and the messages are the tool's: options of a protocol
 * are known once -p has named it; a table's name stands right behind its command; other words are ignored.
 */
#include "router/conntrack_words.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define TOOL CONNTRACK_TOOL

static const char short_options[] =
	":L::I::U::D::G::E::F::A::hVs:d:r:q:p:t:u:e:a:z[:]:{:}:m:i:f:o:n::g::c:b:C::Sj::w:l:<:>::(:):";

static const struct option options[] = {
	{ "dump", optional_argument, NULL, 'L' },	 { "create", optional_argument, NULL, 'I' },
	{ "add", optional_argument, NULL, 'A' },	 { "delete", optional_argument, NULL, 'D' },
	{ "update", optional_argument, NULL, 'U' },	 { "get", optional_argument, NULL, 'G' },
	{ "flush", optional_argument, NULL, 'F' },	 { "event", optional_argument, NULL, 'E' },
	{ "counter", optional_argument, NULL, 'C' },	 { "stats", no_argument, NULL, 'S' },
	{ "version", no_argument, NULL, 'V' },		 { "help", no_argument, NULL, 'h' },
	{ "orig-src", required_argument, NULL, 's' },	 { "src", required_argument, NULL, 's' },
	{ "orig-dst", required_argument, NULL, 'd' },	 { "dst", required_argument, NULL, 'd' },
	{ "reply-src", required_argument, NULL, 'r' },	 { "reply-dst", required_argument, NULL, 'q' },
	{ "protonum", required_argument, NULL, 'p' },	 { "timeout", required_argument, NULL, 't' },
	{ "status", required_argument, NULL, 'u' },	 { "zero", no_argument, NULL, 'z' },
	{ "event-mask", required_argument, NULL, 'e' },	 { "tuple-src", required_argument, NULL, OPT_EXP_SRC },
	{ "tuple-dst", required_argument, NULL, OPT_EXP_DST }, { "mask-src", required_argument, NULL, OPT_MASK_SRC },
	{ "mask-dst", required_argument, NULL, OPT_MASK_DST }, { "nat-range", required_argument, NULL, 'a' },
	{ "mark", required_argument, NULL, 'm' },	 { "secmark", required_argument, NULL, 'c' },
	{ "id", optional_argument, NULL, 'i' },		 { "family", required_argument, NULL, 'f' },
	{ "src-nat", optional_argument, NULL, 'n' },	 { "dst-nat", optional_argument, NULL, 'g' },
	{ "output", required_argument, NULL, 'o' },	 { "buffer-size", required_argument, NULL, 'b' },
	{ "any-nat", optional_argument, NULL, 'j' },	 { "zone", required_argument, NULL, 'w' },
	{ "label", required_argument, NULL, 'l' },	 { "label-add", required_argument, NULL, OPT_LABEL_ADD },
	{ "label-del", optional_argument, NULL, OPT_LABEL_DEL }, { "orig-zone", required_argument, NULL, OPT_ORIG_ZONE },
	{ "reply-zone", required_argument, NULL, OPT_REPLY_ZONE },
};
enum { OPTIONS = sizeof options / sizeof *options, PROTOCOLS_MERGED = 10, OPTIONS_MERGED = OPTIONS + PROTOCOLS_MERGED * 14 };

static const char *const option_names[CTO_COUNT] = {
	[CTO_SRC] = "src",	       [CTO_DST] = "dst",	      [CTO_REPLY_SRC] = "reply-src",
	[CTO_REPLY_DST] = "reply-dst", [CTO_PROTO] = "protonum",      [CTO_TIMEOUT] = "timeout",
	[CTO_STATUS] = "status",       [CTO_ZERO] = "zero",	      [CTO_EVENTS] = "event-mask",
	[CTO_EXP_SRC] = "tuple-src",   [CTO_EXP_DST] = "tuple-dst",   [CTO_MASK_SRC] = "mask-src",
	[CTO_MASK_DST] = "mask-dst",   [CTO_NAT_RANGE] = "nat-range", [CTO_MARK] = "mark",
	[CTO_ID] = "id",	       [CTO_FAMILY] = "family",	      [CTO_SNAT] = "src-nat",
	[CTO_DNAT] = "dst-nat",	       [CTO_OUTPUT] = "output",	      [CTO_SECMARK] = "secmark",
	[CTO_BUFFER] = "buffer-size",  [CTO_ANY_NAT] = "any-nat",     [CTO_ZONE] = "zone",
	[CTO_LABEL] = "label",	       [CTO_LABEL_ADD] = "label-add", [CTO_LABEL_DEL] = "label-del",
	[CTO_ORIG_ZONE] = "orig-zone", [CTO_REPLY_ZONE] = "reply-zone",
};

/* Which fit which command: conntrack_check's letters. Commands that are not here take none. */
static const struct {
	char command;
	bool expect;
	const char *fits; /* s d r q p t u z e [ ] { } a m i f n g o c b j w l < > ( ) */
} legal[] = {
	{ 'L', false, "22222022000220202222202220022" }, { 'I', false, "33331120000002200220000202022" },
	{ 'A', false, "33331120000002200220000202022" }, { 'U', false, "22222220000220222222000022200" },
	{ 'D', false, "22222220000220222222000220022" }, { 'G', false, "33331000000000020002000020000" },
	{ 'F', false, "00000000000000002000000000000" }, { 'E', false, "22222000200220202222222220022" },
	{ 'h', false, "00002000000000000000000000000" }, { 'h', true, "00002000000000000000000000000" },
	{ 'L', true, "00000000000000002002000000000" },	 { 'I', true, "11221120011110000000000000000" },
	{ 'D', true, "11221000000000000000000000000" },	 { 'G', true, "11221000000000000000000000000" },
	{ 'E', true, "00000000000000000002000000000" },
};

int conntrack_misuse(struct request *rq, const char *format, ...)
{
	va_list args;

	text_puts(&rq->err, TOOL ": ");
	va_start(args, format);
	text_vprintf(&rq->err, format, args);
	va_end(args);
	text_puts(&rq->err, "\nTry `conntrack -h' or 'conntrack --help' for more information.\n");
	return CONNTRACK_USAGE;
}

int conntrack_failed(struct request *rq, const char *format, ...)
{
	va_list args;

	text_puts(&rq->err, TOOL ": ");
	va_start(args, format);
	text_vprintf(&rq->err, format, args);
	va_end(args);
	text_puts(&rq->err, "\n");
	return CONNTRACK_OTHER;
}

const char *conntrack_error_text(const struct conntrack_query *q, int error)
{
	static const struct {
		const char *commands; /* of entries; NULL: any of either table */
		bool expect;
		int error;
		const char *text;
	} rows[] = {
		{ NULL, false, EINVAL, "invalid parameters" },
		{ "I", false, EEXIST, "Such conntrack exists, try -U to update" },
		{ "IGDA", false, ENOENT, "such conntrack doesn't exist" },
		{ "IGA", false, ENOMEM, "not enough memory" },
		{ "G", false, EAFNOSUPPORT, "protocol not supported" },
		{ "IA", false, ETIME, "conntrack has expired" },
		{ "I", true, ENOENT, "master conntrack not found" },
		{ NULL, false, EPERM, "sorry, you must be root or get CAP_NET_ADMIN capability to do this" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (rows[i].error == -error &&
		    (!rows[i].commands ||
		     (strchr(rows[i].commands, q->command) && rows[i].expect == (q->table == CONNTRACK_EXPECT))))
			return rows[i].text;
	return strerror(-error);
}

int conntrack_error(struct request *rq, const struct conntrack_query *q, int error)
{
	return conntrack_failed(rq, "Operation failed: %s", conntrack_error_text(q, error));
}

int conntrack_check(struct request *rq, uint32_t given, const char *fits, unsigned count, const char *const *names)
{
	bool pairs = false;
	int partial = -1;

	for (unsigned i = 0; i < count; i++) {
		if (fits[i] == '1' && !(given >> i & 1))
			return conntrack_misuse(rq, "You need to supply the `--%s' option for this command", names[i]);
		if (fits[i] == '0' && given >> i & 1)
			return conntrack_misuse(rq, "Illegal option `--%s' with this command", names[i]);
		pairs |= fits[i] == '3';
	}
	for (int pair = 0; pairs && pair < 2; pair++) {
		uint32_t both = given >> (2 * pair) & 3;

		if (both == 3)
			return 0;
		if (both && partial < 0)
			partial = pair;
	}
	return pairs ? CONNTRACK_PAIR + (partial > 0) : 0;
}

/* --- words ---------------------------------------------------------------------------------------------------------- */

/* next_word: the word behind an option that may have one, unless it is attached; it must not look like an option. */
static const char *next_word(int argc, char **argv)
{
	if (optarg || optind >= argc || argv[optind][0] == '-' || argv[optind][0] == '!')
		return NULL;
	return argv[optind++];
}

/* --- options -------------------------------------------------------------------------------------------------------- */

/* take_command: one of -L ... and the table's name behind it. Return: 0 or exit status. */
static int take_command(struct request *rq, struct conntrack_query *q, int command, const char *word)
{
	static const struct {
		const char *name;
		enum conntrack_table table;
	} tables[] = { { "expect", CONNTRACK_EXPECT },
		       { "conntrack", CONNTRACK_ENTRIES },
		       { "dying", CONNTRACK_DYING },
		       { "unconfirmed", CONNTRACK_UNCONFIRMED } };
	enum conntrack_table table = CONNTRACK_ENTRIES;
	size_t i = 0;

	if (word) {
		while (i < 4 && strncmp(tables[i].name, word, strlen(word)))
			i++;
		if (i == 4)
			return conntrack_misuse(rq, "unknown type `%s'", word);
		table = tables[i].table;
	}
	if (table > CONNTRACK_EXPECT && command != 'L')
		return conntrack_misuse(rq, "Can't do that command with tables `dying' and `unconfirmed'");
	if (table == CONNTRACK_EXPECT && (command == 'U' || command == 'A'))
		return conntrack_misuse(rq, "Can't do --%s on expectations", command == 'U' ? "update" : "add");
	if (q->command)
		return conntrack_misuse(rq, "Invalid commands combination");
	q->command = (char)command;
	q->table = table;
	return 0;
}

/* take_protocol: -p. Return: 0 or exit status. */
static int take_protocol(struct request *rq, struct conntrack_query *q, const char *arg)
{
	q->options |= 1u << CTO_PROTO;
	q->protocol = conntrack_protocol_find(arg, &q->proto);
	if (!q->protocol)
		return conntrack_misuse(rq, "`%s' unsupported protocol", arg);
	q->side[CT_ORIGINAL].tuple.proto = q->proto;
	q->side[CT_ORIGINAL].set |= CTA_PROTO;
	if (!conntrack_protocol_options(q->protocol)->name) /* of others the reply's options say it */
		q->side[CT_REPLY].tuple.proto = q->proto;
	return 0;
}

/* take_mark: -m VALUE[/MASK]. */
static void take_mark(struct conntrack_query *q, const char *arg)
{
	char *end;

	q->options |= 1u << CTO_MARK;
	q->mark = (uint32_t)strtoul(arg, &end, 0);
	q->mark_mask = *end == '/' ? (uint32_t)strtoul(end + 1, NULL, 0) : UINT32_MAX;
}

/* take_family: -f. Return: 0 or exit status. */
static int take_family(struct request *rq, struct conntrack_query *q, const char *arg)
{
	q->options |= 1u << CTO_FAMILY;
	if (!strncmp(arg, "ipv4", 4))
		return conntrack_take_family(rq, q, false);
	if (!strncmp(arg, "ipv6", 4))
		return conntrack_take_family(rq, q, true);
	return conntrack_misuse(rq, "`%s' unsupported protocol", arg);
}

/* take_number: options that are a number. Return: whether it was one. */
static bool take_number(struct conntrack_query *q, int o, const char *arg)
{
	uint32_t n = arg ? (uint32_t)strtoul(arg, NULL, 0) : 0;

	switch (o) {
	case 't':
		q->timeout = (uint32_t)atol(arg);
		q->options |= 1u << CTO_TIMEOUT;
		return true;
	case 'b':
		q->buffer = (uint32_t)atol(arg);
		q->options |= 1u << CTO_BUFFER;
		return true;
	case 'c': /* without a security module no connection has one: nothing to compare with */
		q->options |= 1u << CTO_SECMARK;
		return true;
	case 'i':
		q->id = n;
		q->options |= 1u << CTO_ID;
		return true;
	case 'w':
		q->zone = (uint16_t)n;
		q->options |= 1u << CTO_ZONE;
		return true;
	case OPT_ORIG_ZONE:
	case OPT_REPLY_ZONE:
		q->dir_zone[o == OPT_REPLY_ZONE] = (uint16_t)n;
		q->options |= 1u << (o == OPT_ORIG_ZONE ? CTO_ORIG_ZONE : CTO_REPLY_ZONE);
		return true;
	default:
		return false;
	}
}

/* take_option: one option that is no command. Return: 0 or exit status. */
static int take_option(struct request *rq, struct conntrack_query *q, int o, int argc, char **argv)
{
	bool taken;
	int code = conntrack_take_side(rq, q, o, optarg, &taken);

	if (taken)
		return code;
	switch (o) {
	case 'p':
		return take_protocol(rq, q, optarg);
	case 'u':
		return conntrack_take_status(rq, q, optarg);
	case 'e':
		return conntrack_take_events(rq, q, optarg);
	case 'o':
		return conntrack_take_output(rq, q, optarg);
	case 'z':
		q->options |= 1u << CTO_ZERO;
		return 0;
	case 'n':
	case 'g':
	case 'j':
		return conntrack_take_nat(rq, q, o, next_word(argc, argv));
	case 'm':
		take_mark(q, optarg);
		return 0;
	case 'l':
	case OPT_LABEL_ADD:
		return conntrack_take_label(rq, q, o, optarg);
	case OPT_LABEL_DEL:
		return conntrack_take_label(rq, q, o, next_word(argc, argv));
	case 'a':
		text_puts(&rq->err, "WARNING: ignoring -a, deprecated option.\n");
		return 0;
	case 'f':
		return take_family(rq, q, optarg);
	case 'i':
		if (!optarg)
			return conntrack_misuse(rq, "option `%s' requires an argument", argv[optind - 1]);
		break;
	default:
		break;
	}
	return take_number(q, o, optarg) ? 0 : conntrack_protocol_take(rq, q, o, optarg);
}

/* merge: adds the options of a protocol to those known so far; names that are there already keep their meaning. */
static void merge(struct option *merged, const struct conntrack_protocol *p)
{
	for (const struct option *o = conntrack_protocol_options(p); o->name; o++) {
		size_t n = 0;

		while (merged[n].name && strcmp(merged[n].name, o->name))
			n++;
		if (!merged[n].name && n < OPTIONS_MERGED)
			merged[n] = *o;
	}
}

/* check: whether all that was given fits the command. Return: 0 or exit status. */
static int check(struct request *rq, struct conntrack_query *q)
{
	static const char none[] = "00000000000000000000000000000";
	const char *fits = none;
	int code;

	if (conntrack_has(q, CTO_ANY_NAT) && (conntrack_has(q, CTO_SNAT) || conntrack_has(q, CTO_DNAT)))
		return conntrack_misuse(rq, "cannot specify `--src-nat' or `--dst-nat' with `--any-nat'");
	for (size_t i = 0; i < sizeof legal / sizeof *legal; i++)
		if (legal[i].command == q->command && legal[i].expect == (q->table == CONNTRACK_EXPECT))
			fits = legal[i].fits;
	code = conntrack_check(rq, q->options, fits, CTO_COUNT, option_names);
	if (code >= CONNTRACK_PAIR)
		return conntrack_misuse(rq, code == CONNTRACK_PAIR ? "you have to specify `--src' and `--dst'"
								   : "you have to specify `--reply-src' and `--reply-dst'");
	if (!code && q->command != 'h' && q->protocol)
		code = conntrack_protocol_check(rq, q);
	return code;
}

/* check_filter: what the tool says as it begins to work. Return: 0 or exit status. */
static int check_filter(struct request *rq, const struct conntrack_query *q)
{
	if (q->table != CONNTRACK_ENTRIES || !q->command || !strchr("LUDE", q->command))
		return 0;
	if (q->command == 'L' && conntrack_has(q, CTO_ZERO) && q->options & CONNTRACK_COMPARED)
		return conntrack_misuse(rq, "Can't use -z with filtering parameters");
	if (conntrack_has(q, CTO_MASK_SRC) && !conntrack_has(q, CTO_SRC))
		return conntrack_misuse(rq, "Can't use --mask-src without --src");
	if (conntrack_has(q, CTO_MASK_DST) && !conntrack_has(q, CTO_DST))
		return conntrack_misuse(rq, "Can't use --mask-dst without --dst");
	/* Here it is the kernel that refuses: a filter that asks for nothing. */
	if (q->command == 'L' && conntrack_has(q, CTO_STATUS) && !q->status_mask)
		return conntrack_error(rq, q, -EINVAL);
	return 0;
}

/* words: all of @argv. Return: 0 or exit status. */
static int words(struct request *rq, int argc, char **argv, struct conntrack_query *q)
{
	struct option merged[OPTIONS_MERGED + 1] = { 0 };
	int o, code = 0;

	memcpy(merged, options, sizeof options);
	optind = 0;
	opterr = 0;
	while (!code && (o = getopt_long(argc, argv, short_options, merged, NULL)) != -1) {
		const char *word = argv[optind > 0 ? optind - 1 : 0];

		if (o == '?')
			code = conntrack_misuse(rq, "unknown option `%s'", word);
		else if (o == ':')
			code = conntrack_misuse(rq, "option `%s' requires an argument", word);
		else if (o < CONNTRACK_PROTOCOL_OPTION && strchr("LIUDGEFAhVCS", o))
			code = take_command(rq, q, o, next_word(argc, argv));
		else
			code = take_option(rq, q, o, argc, argv);
		if (!code && o == 'p')
			merge(merged, q->protocol);
	}
	return code;
}

int conntrack_parse(struct request *rq, int argc, char **argv, struct conntrack_query *q)
{
	int code = words(rq, argc, argv, q);

	if (!code)
		code = check(rq, q);
	if (!code)
		code = check_filter(rq, q);
	for (int dir = 0; dir < CT_DIRS; dir++)
		q->side[dir].tuple.family = q->ipv6 ? FAMILY_IP6 : FAMILY_IP4;
	q->expected.tuple.family = q->mask.tuple.family = q->side[0].tuple.family;
	return code;
}

void conntrack_query_free(struct conntrack_query *q)
{
	conntrack_labels_free(q->names);
	q->names = NULL;
}
