/* print_save.c - a connection as `conntrack -o save` prints it: as the words that make it again with -R.
 *
 * Linux parity: conntrack-tools 1.4.7, ct_save_snprintf. Marks and labels are not among what the tool writes.
 */
#include "conntrack/print.h"

#include <arpa/inet.h>

/* put_status: "-u SEEN_REPLY,ASSURED ", "-u UNSET " where nothing of it is set. */
static void put_status(const struct ct_entry *ct, struct text *out)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} rows[] = { { CT_ST_EXPECTED, "EXPECTED" },
		     { CT_ST_SEEN_REPLY, "SEEN_REPLY" },
		     { CT_ST_ASSURED, "ASSURED" },
		     { CT_ST_FIXED_TIMEOUT, "FIXED_TIMEOUT" } };
	const char *lead = "-u ";

	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (!(ct->status & rows[i].bit))
			continue;
		text_printf(out, "%s%s", lead, rows[i].name);
		lead = ",";
	}
	text_puts(out, *lead == ',' ? " " : "-u UNSET ");
}

/* put_addresses: "-s A -d B -r C -q D ", with -g and -n in place of -r and -q where NAT changed it. */
static void put_addresses(const struct ct_entry *ct, struct text *out)
{
	const struct ct_tuple *o = &ct->tuple[CT_ORIGINAL], *r = &ct->tuple[CT_REPLY];
	bool snat = ct->status & CT_ST_SRC_NAT_DONE && !addr_equal(&o->src, &r->dst);
	bool dnat = ct->status & CT_ST_DST_NAT_DONE && !addr_equal(&o->dst, &r->src);
	char text[4][ADDR_TEXT_MAX];

	text_printf(out, "-s %s -d %s -%c %s -%c %s ", addr_format(&o->src, o->family, text[0]),
		    addr_format(&o->dst, o->family, text[1]), dnat ? 'g' : 'r', addr_format(&r->src, r->family, text[2]),
		    snat ? 'n' : 'q', addr_format(&r->dst, r->family, text[3]));
}

/* put_keys: the four keys by the names @names. */
static void put_keys(const struct ct_entry *ct, const char *const names[4], struct text *out)
{
	const struct ct_tuple *o = &ct->tuple[CT_ORIGINAL], *r = &ct->tuple[CT_REPLY];

	text_printf(out, "--%s %u --%s %u --%s %u --%s %u ", names[0], ntohs(o->src_key), names[1], ntohs(o->dst_key),
		    names[2], ntohs(r->src_key), names[3], ntohs(r->dst_key));
}

/* put_protocol: "-p NAME " and its options. */
static void put_protocol(const struct ct_entry *ct, unsigned flags, struct text *out)
{
	static const char *const ports[] = { "sport", "dport", "reply-port-src", "reply-port-dst" },
				 *const keys[] = { "srckey", "dstkey", "reply-key-src", "reply-key-dst" };
	const struct ct_tuple *o = &ct->tuple[CT_ORIGINAL];
	const char *state = ct_shown_state(ct, flags);
	uint8_t type_code[2];

	if (!strcmp(ct_proto_name(o->proto), "unknown")) {
		text_printf(out, "-p %u ", o->proto);
		return;
	}
	text_printf(out, "-p %s ", ct_proto_name(o->proto));
	switch (o->proto) {
	case IP_PROTO_TCP:
	case IP_PROTO_UDP:
	case IP_PROTO_UDPLITE:
	case IP_PROTO_SCTP:
	case IP_PROTO_DCCP:
		put_keys(ct, ports, out);
		break;
	case IP_PROTO_GRE:
		put_keys(ct, keys, out);
		break;
	case IP_PROTO_ICMP:
		memcpy(type_code, &o->dst_key, sizeof type_code);
		text_printf(out, "--icmp-type %u --icmp-code %u --icmp-id %u ", type_code[0], type_code[1], ntohs(o->src_key));
		break;
	default:
		break;
	}
	if (state)
		text_printf(out, "--state %s ", state);
	if (state && o->proto == IP_PROTO_DCCP && !(flags & CT_PRINT_DESTROY))
		text_printf(out, "--role %s ", ct->dccp.role[CT_ORIGINAL] ? "server" : "client");
	if (state && o->proto == IP_PROTO_SCTP && !(flags & CT_PRINT_DESTROY))
		text_printf(out, "--orig-vtag %u --reply-vtag %u ", ntohl(ct->sctp.vtag[CT_ORIGINAL]),
			    ntohl(ct->sctp.vtag[CT_REPLY]));
}

void ct_print_save(const struct conntrack *ctk, const struct ct_entry *ct, const struct ct_print *how, struct text *out)
{
	static const struct {
		uint8_t zone_dir;
		const char *option;
	} zones[] = { { CT_ZONE_BOTH, "-w" }, { CT_ZONE_ORIG, "--orig-zone" }, { CT_ZONE_REPLY, "--reply-zone" } };

	text_puts(out, how->flags & (CT_PRINT_DESTROY | CT_PRINT_DELETED) ? "-D "
		       : how->flags & CT_PRINT_UPDATE			 ? "-U "
									 : "-A ");
	if (ct_shows_timeout(ctk, ct, how->flags))
		text_printf(out, "-t %u ", ct_seconds_left(ctk, ct));
	put_status(ct, out);
	for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
		if (ct_shown_zone(ct, zones[i].zone_dir))
			text_printf(out, "%s %u ", zones[i].option, ct_zone(ct));
	put_addresses(ct, out);
	put_protocol(ct, how->flags, out);
	text_trim(out, 1);
}
