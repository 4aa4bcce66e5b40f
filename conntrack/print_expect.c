/* print_expect.c - an expectation as conntrack(8) prints it.
 *
 * Linux parity: libnetfilter_conntrack's expect/snprintf_default.c and snprintf_xml.c, as conntrack-tools 1.4.7 use them.
 */
#include "conntrack/print.h"

#include <arpa/inet.h>

/* mask_of: the mask as a tuple: what is not asked of the source, and all of the destination. */
static struct ct_tuple mask_of(const struct ct_expect *x)
{
	struct ct_tuple mask = { .family = x->tuple.family, .proto = x->tuple.proto, .dst_key = 0xffff };

	mask.src = x->mask_src;
	mask.src_key = x->mask_src_key;
	memset(&mask.dst, 0xff, x->tuple.family == FAMILY_IP6 ? 16 : 4);
	return mask;
}

/* put_addresses_xml: "<src>A</src><dst>B</dst>" inside <@name>. */
static void put_addresses_xml(const char *name, const struct ct_tuple *t, struct text *out)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	text_printf(out, "<%s><src>%s</src><dst>%s</dst></%s>", name, addr_format(&t->src, t->family, src),
		    addr_format(&t->dst, t->family, dst), name);
}

/* put_layer4: <@name> with the keys. */
static void put_layer4(const char *name, const struct ct_tuple *t, struct text *out)
{
	text_printf(out, "<%s>", name);
	ct_put_layer4_xml(t, out);
	text_printf(out, "</%s>", name);
}

/* print_xml: the whole <flow>. */
static void print_xml(const struct conntrack *ctk, const struct ct_expect *x, unsigned flags, struct text *out)
{
	const struct ct_tuple mask = mask_of(x), *master = &x->master->tuple[CT_ORIGINAL];
	const struct ct_helper *helper = ct_expect_helper(x);

	text_puts(out, flags & CT_PRINT_NEW	  ? "<flow type=\"new\">"
		       : flags & CT_PRINT_DESTROY ? "<flow type=\"destroy\">"
						  : "<flow>");
	text_printf(out, "<layer3 protonum=\"%u\" protoname=\"%s\">", x->tuple.family,
		    x->tuple.family == FAMILY_IP6 ? "ipv6" : "ipv4");
	put_addresses_xml("expected", &x->tuple, out);
	put_addresses_xml("mask", &mask, out);
	put_addresses_xml("master", master, out);
	text_printf(out, "</layer3><layer4 protonum=\"%u\" protoname=\"%s\">", x->tuple.proto,
		    ct_proto_name(x->tuple.proto));
	put_layer4("expected", &x->tuple, out);
	put_layer4("mask", &mask, out);
	put_layer4("master", master, out);
	text_puts(out, "</layer4><meta>");
	if (helper)
		text_printf(out, "<helper-name>%s</helper-name>", helper->name);
	text_printf(out, "<timeout>%u</timeout><class>%u</class>", ct_expect_seconds(ctk, x), x->class);
	if (x->flags & CT_EXPECT_PERMANENT)
		text_puts(out, "<permanent/>");
	if (x->flags & CT_EXPECT_INACTIVE)
		text_puts(out, "<inactive/>");
	if (x->flags & CT_EXPECT_USERSPACE)
		text_puts(out, "<userspace/>");
	if (flags & CT_PRINT_WHEN)
		ct_put_when_xml(ctk, out);
	text_puts(out, "</meta></flow>");
}

/* print_default: the line without its newline. */
static void print_default(const struct conntrack *ctk, const struct ct_expect *x, unsigned flags, struct text *out)
{
	const struct ct_tuple *master = &x->master->tuple[CT_ORIGINAL];
	const struct ct_helper *helper = ct_expect_helper(x);
	const struct ct_tuple mask = mask_of(x);
	char text[2][ADDR_TEXT_MAX];

	if (flags & (CT_PRINT_NEW | CT_PRINT_DESTROY))
		text_puts(out, flags & CT_PRINT_NEW ? "    [NEW] " : "[DESTROY] ");
	text_printf(out, "%u proto=%u ", ct_expect_seconds(ctk, x), x->tuple.proto);
	ct_tuple_print(&x->tuple, out);
	text_printf(out, "mask-src=%s mask-dst=%s sport=%u dport=%u ",
		    addr_format(&mask.src, mask.family, text[0]), addr_format(&mask.dst, mask.family, text[1]),
		    ntohs(mask.src_key), mask.dst_key);
	text_printf(out, "master-src=%s master-dst=%s sport=%u dport=%u class=%u ",
		    addr_format(&master->src, master->family, text[0]),
		    addr_format(&master->dst, master->family, text[1]), ntohs(master->src_key), ntohs(master->dst_key),
		    x->class);
	ct_put_expect_flags(x, out);
	if (helper)
		text_printf(out, "helper=%s ", helper->name);
	text_trim(out, 1);
}

void ct_expect_print_as(const struct conntrack *ctk, const struct ct_expect *x, unsigned flags, struct text *out)
{
	if (flags & CT_PRINT_XML)
		print_xml(ctk, x, flags, out);
	else
		print_default(ctk, x, flags, out);
}

void ct_expect_print_tool(const struct conntrack *ctk, const struct ct_expect *x, struct text *out)
{
	ct_expect_print_as(ctk, x, 0, out);
	text_puts(out, "\n");
}
