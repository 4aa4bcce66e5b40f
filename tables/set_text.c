/* set_text.c - sets as ipset(8) lists them: plain, as commands, as XML. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>

#include "netstack/netstack.h"
#include "tables/set.h"
#include "tables/tables_int.h"

/* Names of create options in the order of set_create_order, with what the store says of itself. */
struct header {
	struct text *out;
	const struct set *s;
	uint8_t output;
	const char *want; /* the name looked for, or NULL */
};

/* Lines of members gathered for sorting. */
struct lines {
	struct text text;
	size_t *at;
	size_t count, size;
};

struct printer {
	const struct set *s;
	const struct set_list_how *how;
	struct text *out;
	struct lines *lines; /* NULL: straight to out */
};

void set_put_ip(struct text *out, uint32_t host_order)
{
	text_printf(out, "%u.%u.%u.%u", host_order >> 24, host_order >> 16 & 255, host_order >> 8 & 255,
		    host_order & 255);
}

/* put_proto: name or number. */
static void put_proto(const struct sets *ss, uint8_t proto, struct text *out)
{
	const char *name = ss->tables ? proto_name(ss->tables, proto) : NULL;

	if (name)
		text_puts(out, name);
	else
		text_printf(out, "%u", proto);
}

/* put_icmp: the first name of the type and code, or both numbers. */
static void put_icmp(uint16_t port, struct text *out)
{
	const char *name;

	for (unsigned i = 0; (name = set_icmp_name(i)); i++)
		if (set_icmp_find(name) == port) {
			text_puts(out, name);
			return;
		}
	text_printf(out, "%u/%u", port >> 8, port & 255);
}

void set_put_proto_port(const struct sets *ss, uint8_t proto, uint16_t port, struct text *out)
{
	put_proto(ss, proto, out);
	text_puts(out, ":");
	if (proto == IPPROTO_ICMP)
		put_icmp(port, out);
	else
		text_printf(out, "%u", port);
}

/* put_ips: an address with what was written behind it. */
static void put_ips(uint32_t ip, bool has_to, uint32_t to, bool has_cidr, uint8_t cidr, struct text *out)
{
	set_put_ip(out, ip);
	if (has_to) {
		text_puts(out, "-");
		set_put_ip(out, to);
	} else if (has_cidr && cidr != 32) {
		text_printf(out, "/%u", cidr);
	}
}

/* put_part: one part of a written element. */
static void put_part(const struct set *s, const struct set_entry *e, uint8_t part, bool second,
		     struct text *out)
{
	switch (part) {
	case PART_PORT:
		set_put_proto_port(s->sets, e->proto, e->port, out);
		break;
	case PART_BARE_PORT:
		text_printf(out, "%u", e->port);
		break;
	case PART_IFACE:
		text_printf(out, "%s%s", e->physdev ? "physdev:" : "", e->iface);
		break;
	case PART_MAC:
		text_printf(out, "%02X:%02X:%02X:%02X:%02X:%02X", e->mac[0], e->mac[1], e->mac[2], e->mac[3],
			    e->mac[4], e->mac[5]);
		break;
	case PART_NAME:
		text_puts(out, e->name);
		if (e->before) /* ipset says "after" for both */
			text_printf(out, " after %s", e->ref);
		break;
	default:
		if (second)
			put_ips(e->ip2, false, 0, e->has_cidr2, e->cidr2, out);
		else
			put_ips(e->ip, e->has_to, e->ip_to, e->has_cidr, e->cidr, out);
		break;
	}
}

void set_put_entry(const struct set *s, const struct set_entry *e, struct text *out)
{
	for (unsigned i = 0; i < SET_PARTS_MAX && s->type->parts[i]; i++) {
		if (i)
			text_puts(out, ",");
		put_part(s, e, s->type->parts[i], i == 2, out);
	}
}

/* --- header ---------------------------------------------------------------------------------------------------------- */

/* put_option: " name value", "<name>value</name>"; without value " name", "<name/>". */
static void put_option(struct text *out, uint8_t output, const char *name, const char *value)
{
	if (output != SET_OUT_XML)
		text_printf(out, " %s%s%s", name, value ? " " : "", value ? value : "");
	else if (value)
		text_printf(out, "<%s>%s</%s>", name, value, name);
	else
		text_printf(out, "<%s/>", name);
}

/* take: of what a store says, the one wanted. */
static void take(void *ctx, const char *name, const char *value)
{
	const struct header *h = ctx;

	if (!strcmp(name, h->want))
		put_option(h->out, h->output, name, value);
}

/* put_mask: netmask or bitmask, whichever was given. */
static void put_mask(const struct set *s, int option, uint8_t output, struct text *out)
{
	char buf[32];
	struct text value = text_over(buf, sizeof buf);

	if (s->netmask == UINT32_MAX || (option == OPT_NETMASK) != (s->plen != 32))
		return;
	if (option == OPT_NETMASK)
		text_printf(&value, "%u", s->plen);
	else
		set_put_ip(&value, s->netmask);
	put_option(out, output, set_option_name(option), text_cstr(&value));
}

/* put_header_option: one of the options that the set was created with. */
static void put_header_option(const struct set *s, int option, uint8_t output, struct text *out)
{
	static const uint8_t extension[] = {
		[OPT_COUNTERS] = SET_COUNTERS, [OPT_COMMENT] = SET_COMMENT, [OPT_SKBINFO] = SET_SKBINFO
	};
	struct header h = { out, s, output, set_option_name(option) };
	char seconds[16];

	switch (option) {
	case OPT_FAMILY:
		put_option(out, output, "family", "inet");
		break;
	case OPT_NETMASK:
	case OPT_BITMASK:
		put_mask(s, option, output, out);
		break;
	case OPT_TIMEOUT:
		snprintf(seconds, sizeof seconds, "%u", s->timeout);
		if (s->extensions & SET_TIMEOUT)
			put_option(out, output, "timeout", seconds);
		break;
	case OPT_COUNTERS:
	case OPT_COMMENT:
	case OPT_SKBINFO:
		if (s->extensions & extension[option])
			put_option(out, output, h.want, NULL);
		break;
	case OPT_FORCEADD: /* ipset 7.17 does not show it */
		break;
	default:
		s->type->store->header(s, take, &h);
		break;
	}
}

static void put_header(const struct set *s, uint8_t output, struct text *out)
{
	const int8_t *order = s->type->features & SET_F_PORT && s->type->create_options & SET_OPT(BITMASK)
				      ? set_create_order_port
				      : set_create_order;

	for (; *order >= 0; order++)
		if (s->type->create_options & 1u << *order)
			put_header_option(s, *order, output, out);
}

/* --- members --------------------------------------------------------------------------------------------------------- */

static void put_value(const struct printer *p, struct text *out, const char *name, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
static void put_value(const struct printer *p, struct text *out, const char *name, const char *format, ...)
{
	char value[SET_COMMENT_MAX + 8];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof value, format, args);
	va_end(args);
	put_option(out, p->how->output, name, value);
}

/* put_skbinfo: mark, priority and queue, each only where it was set. */
static void put_skbinfo(const struct printer *p, const uint8_t *ext, struct text *out)
{
	uint32_t info[3];
	uint16_t queue;

	memcpy(info, ext + p->s->ext.skbinfo, sizeof info);
	memcpy(&queue, ext + p->s->ext.skbinfo + sizeof info, sizeof queue);
	if ((info[0] || info[1]) && info[1] == UINT32_MAX)
		put_value(p, out, "skbmark", "0x%x", info[0]);
	else if (info[0] || info[1])
		put_value(p, out, "skbmark", "0x%x/0x%x", info[0], info[1]);
	if (info[2])
		put_value(p, out, "skbprio", "%x:%x", info[2] >> 16, info[2] & 0xffff);
	if (queue)
		put_value(p, out, "skbqueue", "%u", queue);
}

/* put_extensions: in ipset's order. */
static void put_extensions(const struct printer *p, const uint8_t *ext, uint8_t flags, struct text *out)
{
	const struct set *s = p->s;
	uint64_t until, counters[2];
	const char *comment;

	if (s->extensions & SET_TIMEOUT) {
		memcpy(&until, ext + s->ext.timeout, sizeof until);
		until = until ? (until - s->sets->ns->now) / 1000000000 : 0;
		memcpy(counters, ext + s->ext.timeout, sizeof until);
		put_value(p, out, "timeout", "%llu", (unsigned long long)(counters[0] && !until ? 1 : until));
	}
	if (flags & SET_OP_NOMATCH)
		put_option(out, p->how->output, "nomatch", NULL);
	if (flags & SET_OP_WILDCARD)
		put_option(out, p->how->output, "wildcard", NULL);
	if (s->extensions & SET_COUNTERS) {
		memcpy(counters, ext + s->ext.counters, sizeof counters);
		put_value(p, out, "packets", "%llu", (unsigned long long)counters[1]);
		put_value(p, out, "bytes", "%llu", (unsigned long long)counters[0]);
	}
	if (s->extensions & SET_COMMENT) {
		memcpy(&comment, ext + s->ext.comment, sizeof comment);
		if (comment)
			put_value(p, out, "comment", "\"%s\"", comment);
	}
	if (s->extensions & SET_SKBINFO)
		put_skbinfo(p, ext, out);
}

/* line_begin: remembers where a line of a sorted listing begins. */
static void line_begin(struct lines *l)
{
	if (l->count == l->size) {
		size_t size = l->size ? l->size * 2 : 256;
		size_t *more = realloc(l->at, size * sizeof *more);

		if (!more) {
			l->text.failed = true;
			return;
		}
		l->at = more;
		l->size = size;
	}
	l->at[l->count++] = l->text.len;
}

/* put_member: one element, one line. */
static void put_member(void *ctx, const void *key, const uint8_t *ext, uint8_t flags)
{
	struct printer *p = ctx;
	struct text *out = p->lines ? &p->lines->text : p->out;

	if (p->lines)
		line_begin(p->lines);
	if (p->how->output == SET_OUT_XML)
		text_puts(out, "<member><elem>");
	else if (p->how->output == SET_OUT_SAVE)
		text_printf(out, "add %s ", p->s->name);
	p->s->type->put(p->s, key, out);
	if (p->how->output == SET_OUT_XML)
		text_puts(out, "</elem>");
	put_extensions(p, ext, flags, out);
	text_puts(out, p->how->output == SET_OUT_XML ? "</member>\n" : "\n");
	if (p->lines)
		text_put(out, "", 1);
}

/* compare_lines: word by word; of two words the shorter is less, so that numbers come in their order. */
static int compare_lines(const void *pa, const void *pb, void *base)
{
	static const char ends[] = ".,:/-<> \n";
	const char *a = (const char *)base + *(const size_t *)pa,
		   *b = (const char *)base + *(const size_t *)pb;

	while (*a && *b) {
		size_t na = strcspn(a, ends), nb = strcspn(b, ends);
		int order = na != nb ? (na < nb ? -1 : 1) : memcmp(a, b, na);

		if (order)
			return order;
		a += na;
		b += nb;
		if (*a != *b)
			return *a == '\n' || *a == ' ' || !*a   ? -1
			       : *b == '\n' || *b == ' ' || !*b ? 1
								: *a - *b;
		a += *a != '\0';
		b += *b != '\0';
	}
	return *a - *b;
}

/* put_members: all elements, sorted where asked for and of use. */
static void put_members(const struct set *s, const struct set_list_how *how, struct text *out)
{
	struct lines lines = { 0 };
	struct printer p = { s, how, out, how->sorted && s->type->store == &set_store_hash ? &lines : NULL };

	s->type->store->each(s, put_member, &p);
	if (lines.count && !lines.text.failed)
		qsort_r(lines.at, lines.count, sizeof *lines.at, compare_lines, lines.text.data);
	for (size_t i = 0; i < lines.count && !lines.text.failed; i++)
		text_puts(out, lines.text.data + lines.at[i]);
	out->failed |= lines.text.failed;
	text_free(&lines.text);
	free(lines.at);
}

/* --- digest ---------------------------------------------------------------------------------------------------------- */

/* What a digest is being made of. */
struct set_digest {
	struct printer printer;
	struct text line; /* the element at hand, as saved */
	uint64_t sum;
	struct set_cursor cursor;
};

/* digest_text: a number for what a text says. */
static uint64_t digest_text(uint32_t seed, const struct text *t)
{
	return (uint64_t)hash_bytes(seed, text_cstr(t), t->len) << 32 | hash_bytes(~seed, text_cstr(t), t->len);
}

/* digest_member: one element. The order of a list counts, that of others is not the user's. */
static void digest_member(void *ctx, const void *key, const uint8_t *ext, uint8_t flags)
{
	struct set_digest *d = ctx;

	text_trim(&d->line, d->line.len);
	put_member(&d->printer, key, ext, flags);
	if (d->printer.s->type->features & SET_F_NAME)
		d->sum *= 31;
	d->sum += digest_text(1, &d->line);
}

struct set_digest *set_digest_start(const struct set *s)
{
	static const struct set_list_how how = { .output = SET_OUT_SAVE };
	struct set_digest *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->printer = (struct printer){ .s = s, .how = &how, .out = &d->line };
	text_printf(&d->line, "%s %s %d", s->name, s->type->name, s->forceadd);
	for (int o = 0; o <= OPT_AFTER; o++)
		if (s->type->create_options & 1u << o && o != OPT_HASHSIZE && o != OPT_INITVAL)
			put_header_option(s, o, SET_OUT_SAVE, &d->line);
	d->sum = digest_text(2, &d->line);
	return d;
}

bool set_digest_go(struct set_digest *d)
{
	const struct set *s = d->printer.s;

	if (s->type->store->some)
		return s->type->store->some(s, &d->cursor, digest_member, d);
	s->type->store->each(s, digest_member, d);
	return false;
}

uint64_t set_digest_end(struct set_digest *d)
{
	uint64_t sum = d->sum | 1;

	text_free(&d->line);
	free(d);
	return sum;
}

/* --- a set ----------------------------------------------------------------------------------------------------------- */

static void begin_plain(const struct set *s, const struct set_list_how *how, struct text *out)
{
	text_printf(out, "Name: %s\nType: %s\nRevision: %u\nHeader:", s->name, s->type->name,
		    s->type->revision);
	put_header(s, SET_OUT_PLAIN, out);
	text_printf(out, "\nSize in memory: %llu\nReferences: %u\nNumber of entries: %u\n",
		    (unsigned long long)s->type->store->memory(s), s->refs, s->type->store->count(s));
	text_puts(out, how->terse ? "" : "Members:\n");
}

static void begin_save(const struct set *s, struct text *out)
{
	text_printf(out, "create %s %s", s->name, s->type->name);
	put_header(s, SET_OUT_SAVE, out);
	text_puts(out, "\n");
}

static void begin_xml(const struct set *s, const struct set_list_how *how, struct text *out)
{
	text_printf(out, "<ipset name=\"%s\">\n<type>%s</type>\n<revision>%u</revision>\n<header>", s->name,
		    s->type->name, s->type->revision);
	put_header(s, SET_OUT_XML, out);
	text_printf(
		out,
		"\n<memsize>%llu</memsize>\n<references>%u</references>\n<numentries>%u</numentries>\n</header>\n",
		(unsigned long long)s->type->store->memory(s), s->refs, s->type->store->count(s));
	text_puts(out, how->terse ? "" : "<members>\n");
}

/* begin_set: what stands before the elements. @first: no other set was printed before. Return: whether elements follow. */
static bool begin_set(const struct set *s, const struct set_list_how *how, bool first, struct text *out)
{
	if (how->names && how->output != SET_OUT_SAVE) {
		text_printf(out, how->output == SET_OUT_XML ? "<ipset name=\"%s\"/>\n" : "%s\n", s->name);
		return false;
	}
	switch (how->output) {
	case SET_OUT_SAVE:
		begin_save(s, out);
		break;
	case SET_OUT_XML:
		begin_xml(s, how, out);
		break;
	default:
		text_puts(out, first ? "" : "\n");
		begin_plain(s, how, out);
		break;
	}
	return true;
}

/* end_set: what stands behind them. */
static void end_set(const struct set_list_how *how, struct text *out)
{
	if (how->output != SET_OUT_XML)
		return;
	text_puts(out, how->terse ? "</ipset>\n" : "</members>\n</ipset>\n");
}

/* --- in pieces ------------------------------------------------------------------------------------------------------- */

struct set_listing {
	struct sets *ss;
	struct set_list_how how;
	bool all, begun, printed; /* all sets; the head of the one at hand is printed; a set was */
	int lists;                /* lists of sets come last: restore needs their members first */
	uint32_t place;
	const struct set *set; /* the one at hand, to see whether it still is; not to be used */
	char name[SET_NAME_MAX];
	struct set_cursor cursor;
};

struct set_listing *set_listing_start(struct sets *ss, const char *name, const struct set_list_how *how, int *error)
{
	const struct set *one = name ? set_find(ss, name) : NULL;
	struct set_listing *l = calloc(1, sizeof *l);

	*error = name && !one ? -SET_E_NO_SET : l ? 0 : -SET_E_NOMEM;
	if (*error) {
		free(l);
		return NULL;
	}
	l->ss = ss;
	l->how = *how;
	l->all = !name;
	l->place = one ? one->index : 0;
	l->lists = one ? one->type->features & SET_F_NAME ? 1 : 0 : 0;
	return l;
}

void set_listing_end(struct set_listing *l)
{
	free(l);
}

/* members: a piece of the elements of the set at hand. Return: whether there are more. */
static bool members(struct set_listing *l, const struct set *s, struct text *out)
{
	struct printer p = { s, &l->how, out, NULL };

	if (l->how.terse)
		return false;
	if (s->type->store->some && !l->how.sorted)
		return s->type->store->some(s, &l->cursor, put_member, &p);
	put_members(s, &l->how, out);
	return false;
}

/* one_set: a piece of the set at hand. Return: whether there is more of it. */
static bool one_set(struct set_listing *l, const struct set *s, struct text *out)
{
	if (!l->begun) {
		l->cursor = (struct set_cursor){ 0 };
		l->set = s;
		memcpy(l->name, s->name, sizeof l->name);
		l->begun = begin_set(s, &l->how, !l->printed, out);
		l->printed = true;
		return l->begun;
	}
	if (l->set == s && !strcmp(l->name, s->name) && members(l, s, out))
		return true;
	l->begun = false;
	end_set(&l->how, out);
	return false;
}

bool set_listing_go(struct set_listing *l, struct text *out)
{
	if (!l->printed && !l->begun && l->how.output == SET_OUT_XML && !l->cursor.bits) {
		text_puts(out, "<ipsets>\n");
		l->cursor.bits = 1; /* until the first set begins */
	}
	for (; l->lists < 2; l->lists++, l->place = 0) {
		for (; l->place < l->ss->size; l->place++) {
			const struct set *s = l->ss->slot[l->place];

			if (!s && l->begun) { /* it is gone */
				l->begun = false;
				end_set(&l->how, out);
			}
			if (s && (l->begun || l->lists == !!(s->type->features & SET_F_NAME)) && one_set(l, s, out))
				return true;
			if (!l->all) {
				l->lists = 2;
				break;
			}
		}
		if (!l->all)
			break;
	}
	text_puts(out, l->how.output == SET_OUT_XML ? "</ipsets>\n" : "");
	return false;
}

int set_list(struct sets *ss, const char *name, const struct set_list_how *how, struct text *out)
{
	int error;
	struct set_listing *l = set_listing_start(ss, name, how, &error);

	while (l && set_listing_go(l, out))
		;
	set_listing_end(l);
	return error;
}
