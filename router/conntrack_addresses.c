/* conntrack_addresses.c - the conntrack command's options that are addresses: of a direction, of an expectation, masks, NAT.
 *
 * Linux parity: conntrack-tools 1.4.7, nfct_parse_addr_from_opt, split_address_and_port.
 */
#include "router/conntrack_words.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

int conntrack_take_family(struct request *rq, struct conntrack_query *q, bool ipv6)
{
	if (q->family && q->ipv6 != ipv6)
		return conntrack_misuse(rq, "mismatched address family");
	q->family = true;
	q->ipv6 = ipv6;
	return 0;
}

/* take_address: ADDRESS[/LENGTH] into @to; *@length: -1 without. @option: its name, where no length may stand; NULL: it may.
 * Return: 0 or exit status. */
static int take_address(struct request *rq, struct conntrack_query *q, const char *arg, struct addr *to, int *length,
			const char *option)
{
	char text[INET6_ADDRSTRLEN], *slash, *end;
	int bits = -1, code;
	bool ipv6;

	strncpy(text, arg, sizeof text - 1);
	text[sizeof text - 1] = 0;
	slash = strchr(text, '/');
	if (slash) {
		bits = (int)strtol(slash + 1, &end, 10);
		if (bits < 0 || *end)
			bits = -2;
		*slash = 0;
	}
	*to = (struct addr){ 0 };
	ipv6 = !inet_aton(text, (struct in_addr *)&to->word[0]);
	if (ipv6 && inet_pton(AF_INET6, text, to) <= 0)
		return conntrack_misuse(rq, "Invalid IP address `%s'", arg);
	code = conntrack_take_family(rq, q, ipv6);
	if (code)
		return code;
	if (slash && option)
		return conntrack_misuse(rq, "CIDR notation unavailable for `--%s'", option);
	if (bits == -2 || bits > (ipv6 ? 128 : 32))
		return conntrack_misuse(rq, "Invalid netmask");
	*length = bits;
	return 0;
}

/* mask_of: the mask of so many bits. */
static struct addr mask_of(int bits)
{
	struct addr mask = { 0 };

	for (int i = 0; i < 4; i++, bits -= 32)
		mask.word[i] = bits >= 32 ? UINT32_MAX : bits > 0 ? htonl(~0u << (32 - bits)) : 0;
	return mask;
}

/* Options that are an address of a side, and what a length behind it sets. */
struct address_option {
	char letter;
	enum conntrack_option option;
	size_t side; /* offset of a struct conntrack_side */
	unsigned which; /* CTA_SRC or CTA_DST */
	enum conntrack_option mask; /* CTO_COUNT: no length may stand there */
	const char *name;
};
#define SIDE(s) offsetof(struct conntrack_query, s)
static const struct address_option address_options[] = {
	{ 's', CTO_SRC, SIDE(side[CT_ORIGINAL]), CTA_SRC, CTO_MASK_SRC, NULL },
	{ 'd', CTO_DST, SIDE(side[CT_ORIGINAL]), CTA_DST, CTO_MASK_DST, NULL },
	{ 'r', CTO_REPLY_SRC, SIDE(side[CT_REPLY]), CTA_SRC, CTO_COUNT, "reply-src" },
	{ 'q', CTO_REPLY_DST, SIDE(side[CT_REPLY]), CTA_DST, CTO_COUNT, "reply-dst" },
	{ OPT_EXP_SRC, CTO_EXP_SRC, SIDE(expected), CTA_SRC, CTO_MASK_SRC, NULL },
	{ OPT_EXP_DST, CTO_EXP_DST, SIDE(expected), CTA_DST, CTO_MASK_DST, NULL },
	{ OPT_MASK_SRC, CTO_MASK_SRC, SIDE(mask), CTA_SRC, CTO_COUNT, "mask-src" },
	{ OPT_MASK_DST, CTO_MASK_DST, SIDE(mask), CTA_DST, CTO_COUNT, "mask-dst" },
};

/* set_address: one address of a side. */
static void set_address(struct conntrack_side *side, unsigned which, const struct addr *a)
{
	*(which == CTA_SRC ? &side->tuple.src : &side->tuple.dst) = *a;
	side->set |= which;
}

/* find_option: the row of an option; NULL: it is no address. */
static const struct address_option *find_option(int o)
{
	for (size_t i = 0; i < sizeof address_options / sizeof *address_options; i++)
		if (address_options[i].letter == o)
			return &address_options[i];
	return NULL;
}

int conntrack_take_side(struct request *rq, struct conntrack_query *q, int letter, const char *arg, bool *taken)
{
	const struct address_option *o = find_option(letter);
	struct conntrack_side *side;
	int bits, code;
	struct addr a;

	*taken = o;
	if (!o)
		return 0;
	side = (struct conntrack_side *)((char *)q + o->side);
	code = take_address(rq, q, arg, &a, &bits, o->name);
	if (code)
		return code;
	set_address(side, o->which, &a);
	q->options |= 1u << o->option;
	if (bits < 0 || bits == (q->ipv6 ? 128 : 32))
		return 0;
	a = mask_of(bits);
	set_address(&q->mask, o->which, &a);
	q->options |= 1u << o->mask;
	return 0;
}

/* is_port: digits, of a number that fits. */
static bool is_port(const char *text)
{
	for (const char *c = text; *c; c++)
		if (!isdigit((unsigned char)*c))
			return false;
	return *text && strlen(text) < 10 && strtol(text, NULL, 10) <= UINT16_MAX;
}

/* split_port: takes ":PORT" off @text: IPv4:PORT, [IPv6]:PORT. *@address, *@port point into it; *@port NULL without. Return: 0 or
 * exit status. */
static int split_port(struct request *rq, char *text, const char **address, const char **port)
{
	char *bracket = strchr(text, '['), *colon;

	*address = text;
	*port = NULL;
	if (bracket) {
		char *close = strchr(++bracket, ']');

		if (close == bracket)
			return conntrack_misuse(rq, "No IPv6 address specified");
		if (!close)
			return conntrack_misuse(rq, "No closing ']' around IPv6 address");
		colon = strchr(close, ':');
		if (!colon)
			return 0;
		*close = 0;
		*address = bracket;
	} else {
		colon = strchr(text, ':');
		if (!colon || strchr(colon + 1, ':'))
			return 0;
		*colon = 0;
	}
	*port = colon + 1;
	if (!**port)
		return conntrack_misuse(rq, "No port specified after `:'");
	return is_port(*port) ? 0 : conntrack_misuse(rq, "Invalid port `%s'", *port);
}

int conntrack_take_nat(struct request *rq, struct conntrack_query *q, int letter, const char *arg)
{
	static const char letters[] = "ng";
	const char *address, *port, *name = letter == 'n' ? "src-nat" : letter == 'g' ? "dst-nat" : "any-nat";
	char text[256];
	struct addr a;
	int bits, code;

	q->options |= 1u << (letter == 'n' ? CTO_SNAT : letter == 'g' ? CTO_DNAT : CTO_ANY_NAT);
	if (!arg)
		return 0;
	if (strlen(arg) >= sizeof text)
		return conntrack_misuse(rq, "Invalid IP address `%s'", arg);
	strcpy(text, arg);
	code = split_port(rq, text, &address, &port);
	if (!code)
		code = take_address(rq, q, address, &a, &bits, name);
	for (int manip = 0; !code && manip < 2; manip++) {
		if (letter != 'j' && letter != letters[manip])
			continue;
		q->nat_addr[manip] = a;
		q->nat_addr_set[manip] = true;
		if (!port)
			continue;
		q->nat_key[manip] = htons((uint16_t)atoi(port));
		q->nat_key_set[manip] = true;
	}
	return code;
}
