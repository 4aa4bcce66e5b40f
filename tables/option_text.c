/* option_text.c - values of options to text; see options.h. */
#include "tables/options.h"

#include <ctype.h>
#include <netdb.h>

void put_ip4(struct text *out, uint32_t be)
{
	struct addr a = addr_ip4(be);
	char text[ADDR_TEXT_MAX];

	text_puts(out, addr_format(&a, FAMILY_IP4, text));
}

void put_ip4_mask(struct text *out, uint32_t be, uint32_t mask)
{
	unsigned plen = (unsigned)__builtin_popcount(mask);

	put_ip4(out, be);
	if (mask == ip4_mask(32))
		return;
	text_puts(out, "/");
	if (mask == ip4_mask(plen))
		text_printf(out, "%u", plen);
	else
		put_ip4(out, mask);
}

void put_port(struct text *out, uint16_t port, uint8_t proto, bool numeric)
{
	char buf[2048], proto_buf[1024];
	struct protoent proto_entry, *p = NULL;
	struct servent entry, *s = NULL;

	if (!numeric && proto)
		getprotobynumber_r(proto, &proto_entry, proto_buf, sizeof proto_buf, &p);
	if (!numeric && !getservbyport_r(__builtin_bswap16(port), p ? p->p_name : NULL, &entry, buf, sizeof buf, &s) &&
	    s)
		text_puts(out, s->s_name);
	else
		text_printf(out, "%u", port);
}

void print_port_range(struct text *out, const char *name, const uint16_t port[2], bool invert, uint8_t proto,
		      bool numeric)
{
	if (port[0] == 0 && port[1] == UINT16_MAX && !invert)
		return;
	text_printf(out, " %s%s:%s", name, port[0] == port[1] ? "" : "s", invert ? "!" : "");
	put_port(out, port[0], proto, numeric);
	if (port[0] == port[1])
		return;
	text_puts(out, ":");
	put_port(out, port[1], proto, numeric);
}

void save_port_range(struct text *out, const char *name, const uint16_t port[2], bool invert)
{
	if (port[0] == 0 && port[1] == UINT16_MAX && !invert)
		return;
	put_not(out, invert);
	text_printf(out, " --%s %u", name, port[0]);
	if (port[0] != port[1])
		text_printf(out, ":%u", port[1]);
}

void put_mark(struct text *out, uint32_t value, uint32_t mask)
{
	text_printf(out, " 0x%x", value);
	if (mask != UINT32_MAX)
		text_printf(out, "/0x%x", mask);
}

void put_mark_action(struct text *out, uint32_t value, uint32_t mask)
{
	if (!value)
		text_printf(out, " and 0x%x", ~mask);
	else if (value == mask)
		text_printf(out, " or 0x%x", value);
	else if (!mask)
		text_printf(out, " xor 0x%x", value);
	else if (mask == UINT32_MAX)
		text_printf(out, " set 0x%x", value);
	else
		text_printf(out, " xset 0x%x/0x%x", value, mask);
}

void put_word(struct text *out, const char *word)
{
	bool plain = *word != '\0';

	for (const char *c = word; *c; c++)
		plain = plain && (isalnum((unsigned char)*c) || *c == '_' || *c == '-');
	text_puts(out, " ");
	if (plain) {
		text_puts(out, word);
		return;
	}
	text_puts(out, "\"");
	for (; *word; word++) {
		if (strchr("\"\\'", *word))
			text_puts(out, "\\");
		text_put(out, word, 1);
	}
	text_puts(out, "\"");
}

void put_not(struct text *out, bool inverted)
{
	if (inverted)
		text_puts(out, " !");
}
