/* rule_parse.c - the words that describe a rule: addresses, ports, protocol, -m and -j with their options.
 *
 * command.c finds the options and calls here with their values; what they say gathers in struct rule_words
 * until rule_words_build makes rules of it. Linux parity: libxtables of iptables 1.8.9, texts included.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>

#include "tables/tables_int.h"

/* rule_words_begin: an empty description. */
void rule_words_begin(struct rule_words *w, struct tables *t, enum table_id table, struct rule_error *err)
{
	memset(w, 0, offsetof(struct rule_words, uses));
	w->tables = t;
	w->table = table;
	w->err = err;
	w->target = NULL;
	w->refused.code = 0;
}

/* rule_words_end: releases what was gathered. */
void rule_words_end(struct rule_words *w)
{
	for (unsigned i = 0; i < w->use_count; i++)
		free(w->data[i]);
	w->use_count = 0;
}

/* rule_words_proto: the value of -p. Return: 0 or -1. */
int rule_words_proto(struct rule_words *w, const char *arg, bool invert)
{
	int proto = proto_number(w->tables, arg);

	if (proto < 0)
		return rule_fail(w->err, "unknown protocol \"%s\" specified", arg);
	if (proto == 0 && invert)
		return rule_fail(w->err, "rule would never match protocol");
	w->spec.proto = (uint16_t)proto;
	w->spec.invert |= invert ? INV_PROTO : 0;
	return 0;
}

/* rule_words_iface: the value of -i or -o into @name. @bit: INV_IN or INV_OUT. Return: 0 or -1. */
int rule_words_iface(struct rule_words *w, char *name, const char *arg, bool invert, uint8_t bit)
{
	size_t len = strlen(arg);

	if (!len)
		return rule_fail(w->err, "Empty interface is likely to be undesired");
	if (len >= PORT_NAME_MAX)
		return rule_fail(w->err, "interface name `%s' must be shorter than IFNAMSIZ (%d)", arg,
				 PORT_NAME_MAX - 1);
	opt_warn_name(w->warn, arg);
	memcpy(name, arg, len);
	w->spec.invert |= invert ? bit : 0;
	return 0;
}

/* use_add: room for one more extension with a data block of @size bytes. Return: 0 or -1. */
static int use_add(struct rule_words *w, size_t size)
{
	if (w->use_count > RULE_MATCHES_MAX)
		return rule_fail(w->err, "too many matches in one rule (at most %d)", RULE_MATCHES_MAX);
	w->data[w->use_count] = calloc(1, size ? size : 1);
	if (!w->data[w->use_count])
		return rule_fail_errno(w->err, ENOMEM);
	w->use_count++;
	return 0;
}

/* use_match: begins one more match. Return: 0 or -1. */
static int use_match(struct rule_words *w, const struct match_ops *ops)
{
	unsigned i = w->use_count;

	if (use_add(w, ops->size))
		return -1;
	ext_use_match(&w->uses[i], w->tables, w->table, ops, w->data[i], &w->spec, w->err);
	w->uses[i].call.warn = w->warn;
	return 0;
}

/* rule_words_match: the value of -m. Return: 0 or -1. */
int rule_words_match(struct rule_words *w, const char *name)
{
	const struct match_ops *ops = match_ops_find(w->tables, name);

	if (ops)
		return use_match(w, ops);
	rule_fail(w->err, "Couldn't load match `%s':No such file or directory", name);
	w->err->blank = true;
	return -1;
}

/* standard_kind: the kind of a verdict's name. Return: KIND_NONE if it is none. */
static enum rule_kind standard_kind(const char *name)
{
	for (enum rule_kind k = KIND_ACCEPT; k <= KIND_RETURN; k++)
		if (!strcmp(kind_name(k), name))
			return k;
	return KIND_NONE;
}

/* loadable: the target that -j NAME loads: none for a verdict, none for a chain that a ":" line has named. */
static const struct target_ops *loadable(const struct rule_words *w, const char *name)
{
	const struct chain *c = w->announced ? chain_find(w->announced, name) : NULL;

	return standard_kind(name) != KIND_NONE || (c && c->announced) ? NULL : target_ops_find(w->tables, name);
}

bool rule_words_is_target(const struct rule_words *w, const char *name)
{
	return loadable(w, name) != NULL;
}

/* rule_words_target: the value of -j, or of -g with @go. Whether an unknown name is a chain is found out
 * later. Return: 0 or -1. */
int rule_words_target(struct rule_words *w, const char *name, bool go)
{
	const struct target_ops *ops;
	unsigned i = w->use_count;

	w->jump = name;
	w->has_goto = go;
	if (go)
		return 0;
	if (!*name)
		return rule_fail(w->err, "Invalid target name (too short)");
	if (strlen(name) > CHAIN_NAME_LEN)
		return rule_fail(w->err, "Invalid target name `%s' (%u chars max)", name, CHAIN_NAME_LEN);
	if (strpbrk(name, " \t\n\v\f\r"))
		return rule_fail(w->err, "Invalid target name `%s'", name);
	ops = loadable(w, name);
	if (!ops)
		return 0;
	if (use_add(w, ops->size))
		return -1;
	ext_use_target(&w->uses[i], w->tables, w->table, ops, w->data[i], &w->spec, w->err);
	w->uses[i].call.warn = w->warn;
	if (ops->absent)
		opt_warn(&w->uses[i].call, "Warning: Extension %s revision %u not supported, missing kernel module?", name,
			 ops->revision);
	w->target = &w->uses[i];
	return 0;
}

/* rule_words_counters: the two values of -c. Return: 0 or -1. */
int rule_words_counters(struct rule_words *w, const char *packets, const char *bytes)
{
	if (opt_number(packets, NULL, 0, UINT64_MAX, &w->packets))
		return rule_fail(w->err, "-c packet counter not numeric");
	if (opt_number(bytes, NULL, 0, UINT64_MAX, &w->bytes))
		return rule_fail(w->err, "-c byte counter not numeric");
	w->has_counters = true;
	return 0;
}

/* proto_match: the match that belongs to -p, as long as no option word has loaded it (a -m does not count); or NULL. */
static const struct match_ops *proto_match(const struct rule_words *w)
{
	bool wanted = !w->proto_loaded && w->spec.proto && w->spec.proto < 256;

	return wanted ? match_ops_for_proto(w->tables, (uint8_t)w->spec.proto) : NULL;
}

/* lacks_value: whether the option word is the last one, abbreviates just one option of the loaded extensions and lacks
 * its value. */
static bool lacks_value(const struct rule_words *w, const char *word, bool last)
{
	const struct opt_row *row, *found = NULL;

	if (!last || strchr(word, '='))
		return false;
	for (unsigned i = 0; i < w->use_count; i++) {
		enum ext_hit hit = ext_find_option(&w->uses[i], word, &row);

		if (hit == EXT_MISS)
			continue;
		if (hit != EXT_PREFIX || found)
			return false;
		found = row;
	}
	return found && found->type != OPT_NONE;
}

/* rule_words_clashes: whether the option word also abbreviates an option of the match that belongs to -p, not loaded yet. */
bool rule_words_clashes(const struct rule_words *w, const char *word)
{
	const struct ext_use probe = { .match = proto_match(w) };
	const struct opt_row *row;
	enum ext_hit hit = probe.match ? ext_find_option(&probe, word, &row) : EXT_MISS;

	return hit == EXT_PREFIX || hit == EXT_AMBIGUOUS;
}

/* rule_words_extension: an option word that is none of iptables' own: for one of the matches or the target,
 * or for the protocol's match, which it loads. As in iptables that match is loaded for an abbreviation without its value,
 * too, and what it has in common with what -m loaded is ambiguous from then on. Advances *index. Return: 0 or -1. */
int rule_words_extension(struct rule_words *w, int argc, char **argv, int *index, bool invert)
{
	const struct match_ops *ops = proto_match(w);
	int got = 0;

	if (!ops || !lacks_value(w, argv[*index], *index + 1 == argc))
		got = ext_dispatch(w->uses, w->use_count, argc, argv, index, invert);
	if (!got && ops) {
		if (use_match(w, ops))
			return -1;
		w->proto_loaded = true;
		got = ext_dispatch(w->uses, w->use_count, argc, argv, index, invert);
	}
	if (!got)
		return rule_fail(w->err, "unknown option \"%s\"", argv[*index]);
	return got < 0 ? -1 : 0;
}

/* finish_one: asks one match or target whether all is there. What only the kernel refuses (code 1) waits in
 * w->refused until all else is known to be right. Return: 0 or -1. */
static int finish_one(struct rule_words *w, struct ext_use *x)
{
	uint32_t tag = w->err->tag;

	if (!ext_finish(x))
		return 0;
	if (w->err->code != 1)
		return -1;
	if (!w->refused.code)
		w->refused = *w->err;
	*w->err = (struct rule_error){ .tag = tag };
	return 0;
}

/* rule_words_finish: after the last word: asks the matches, then the target. Return: 0 or -1. */
int rule_words_finish(struct rule_words *w)
{
	for (unsigned i = 0; i < w->use_count; i++)
		if (&w->uses[i] != w->target && finish_one(w, &w->uses[i]))
			return -1;
	return w->target ? finish_one(w, w->target) : 0;
}

/* --- addresses
 * ---------------------------------------------------------------------------------------------------- */

/* numeric_addr: dotted numbers, each decimal, 0x or 0 octal; a network may leave trailing ones out ("10.1"
 * is 10.1.0.0). A mask (@whole) must have all four. Return: 0 or -1. */
static int numeric_addr(const char *text, bool whole, uint32_t *be)
{
	uint8_t bytes[4] = { 0 };
	const char *end;
	uint64_t byte;

	for (unsigned i = 0; i < 4; i++) {
		if (opt_number(text, &end, 0, 255, &byte) || end == text)
			return -1;
		bytes[i] = (uint8_t)byte;
		text = end + 1;
		if (!*end) {
			memcpy(be, bytes, 4);
			return whole && i < 3 ? -1 : 0;
		}
		if (*end != '.')
			return -1;
	}
	return -1;
}

/* mask_parse: what stands behind the '/': a length or a dotted mask. NULL: all ones. Return: 0 or -1. */
static int mask_parse(const char *text, uint32_t *mask)
{
	uint64_t plen;

	*mask = 0xffffffff;
	if (!text)
		return 0;
	if (numeric_addr(text, true, mask) == 0)
		return 0;
	if (opt_number(text, NULL, 0, 32, &plen))
		return -1;
	*mask = ip4_mask((unsigned)plen);
	return 0;
}

/* addr_append: adds one masked address. Return: 0 or -1. */
static int addr_append(struct rule_words *w, struct addr_list *out, uint32_t addr, uint32_t mask)
{
	if (out->count == RULE_ADDRS_MAX)
		return rule_fail(w->err, "too many addresses in one option (at most %d)", RULE_ADDRS_MAX);
	out->addr[out->count] = addr & mask;
	out->mask[out->count++] = mask;
	return 0;
}

/* addr_resolve: a host name through the resolver, if there is one. Return: 0 or -1. */
static int addr_resolve(struct rule_words *w, const char *name, uint32_t mask, struct addr_list *out)
{
	uint32_t found[16];
	struct in_addr number;
	unsigned n = 0;

	if (!strpbrk(name, " \t") && inet_aton(name, &number)) { /* "10.1", 0x0a000001: as getaddrinfo(3) reads numbers */
		found[0] = number.s_addr;
		n = 1;
	} else if (w->tables->resolve)
		n = w->tables->resolve(w->tables->resolve_ctx, name, found, 16);
	if (!n)
		return rule_fail(w->err, "host/network `%s' not found", name);
	for (unsigned i = 0; i < n; i++)
		if (addr_append(w, out, found[i], mask))
			return -1;
	return 0;
}

/* addr_item: one of the comma-separated parts, NUL-terminated and changed. Return: 0 or -1. */
static int addr_item(struct rule_words *w, char *item, struct addr_list *out)
{
	char *slash = strrchr(item, '/');
	uint32_t addr, mask;

	if (slash)
		*slash++ = '\0';
	if (mask_parse(slash, &mask))
		return rule_fail(w->err, "invalid mask `%s' specified", slash);
	if (!mask)
		return addr_append(w, out, 0, 0); /* the name does not matter, as in any/0 */
	if (numeric_addr(item, false, &addr) == 0)
		return addr_append(w, out, addr, mask);
	return addr_resolve(w, item, mask, out);
}

/* addr_list_parse: the value of -s or -d; NULL text gives the one address that fits all. Return: 0 or -1. */
int addr_list_parse(struct rule_words *w, const char *text, struct addr_list *out)
{
	char *copy, *next, *item;
	int result = 0;

	out->count = 0;
	if (!text)
		return addr_append(w, out, 0, 0);
	copy = item = strdup(text);
	if (!copy)
		return rule_fail_errno(w->err, ENOMEM);
	for (; item && !result; item = next) {
		next = strchr(item, ',');
		if (next)
			*next++ = '\0';
		result = addr_item(w, item, out);
	}
	free(copy);
	return result;
}

/* rule_words_build: a rule of what was gathered, with the addresses now in w->spec. Return: NULL with the
 * error filled. */
struct rule *rule_words_build(struct rule_words *w, enum rule_kind kind)
{
	struct rule_match matches[RULE_MATCHES_MAX + 1];
	unsigned count = 0;
	struct rule *r;

	for (unsigned i = 0; i < w->use_count; i++)
		if (w->uses[i].match)
			matches[count++] = (struct rule_match){ w->uses[i].match, w->data[i] };
	r = rule_new(&w->spec, kind, matches, count, kind == KIND_TARGET ? w->target->target : NULL,
		     kind == KIND_TARGET ? w->target->call.data : NULL);
	if (!r)
		rule_fail_errno(w->err, ENOMEM);
	return r;
}
