/* set_help.c - names of options in ipset's order, and the texts of `ipset help`. */
#include "tables/set.h"

const int8_t set_create_order[] = {
	OPT_FAMILY,     OPT_INET,    OPT_INET6,   OPT_RANGE,    OPT_SIZE,    OPT_HASHSIZE, OPT_MAXELEM,
	OPT_NETMASK,    OPT_BITMASK, OPT_TIMEOUT, OPT_COUNTERS, OPT_COMMENT, OPT_FORCEADD, OPT_SKBINFO,
	OPT_BUCKETSIZE, OPT_INITVAL, OPT_PROBES,  OPT_RESIZE,   -1,
};
/* hash:ip,port has the masks at the end. */
const int8_t set_create_order_port[] = {
	OPT_FAMILY,  OPT_INET,     OPT_INET6,   OPT_HASHSIZE,   OPT_MAXELEM, OPT_TIMEOUT, OPT_COUNTERS,
	OPT_COMMENT, OPT_FORCEADD, OPT_SKBINFO, OPT_BUCKETSIZE, OPT_INITVAL, OPT_NETMASK, OPT_BITMASK,
	OPT_PROBES,  OPT_RESIZE,   -1,
};
const int8_t set_add_order[] = {
	OPT_TIMEOUT, OPT_BEFORE,      OPT_AFTER,   OPT_NOMATCH, OPT_WILDCARD, OPT_PACKETS,
	OPT_BYTES,   OPT_ADT_COMMENT, OPT_SKBMARK, OPT_SKBPRIO, OPT_SKBQUEUE, -1,
};

static const struct {
	const char *name, *help; /* help NULL: not shown */
} options[] = {
	[OPT_FAMILY] = { "family", "[family inet|inet6]|[-4|-6]" },
	[OPT_INET] = { "-4", NULL },
	[OPT_INET6] = { "-6", NULL },
	[OPT_HASHSIZE] = { "hashsize", "[hashsize VALUE]" },
	[OPT_MAXELEM] = { "maxelem", "[maxelem VALUE]" },
	[OPT_NETMASK] = { "netmask", "[netmask CIDR]" },
	[OPT_BITMASK] = { "bitmask", "[bitmask bitmask]" },
	[OPT_RANGE] = { "range", NULL },
	[OPT_SIZE] = { "size", "[size VALUE]" },
	[OPT_TIMEOUT] = { "timeout", "[timeout VALUE]" },
	[OPT_COUNTERS] = { "counters", "[counters]" },
	[OPT_COMMENT] = { "comment", "[comment]" },
	[OPT_FORCEADD] = { "forceadd", "[forceadd]" },
	[OPT_SKBINFO] = { "skbinfo", "[skbinfo]" },
	[OPT_BUCKETSIZE] = { "bucketsize", "[bucketsize VALUE]" },
	[OPT_INITVAL] = { "initval", "[initval VALUE]" },
	[OPT_PROBES] = { "probes", NULL },
	[OPT_RESIZE] = { "resize", NULL },
	[OPT_NOMATCH] = { "nomatch", "[nomatch]" },
	[OPT_WILDCARD] = { "wildcard", "[wildcard]" },
	[OPT_PACKETS] = { "packets", "[packets VALUE]" },
	[OPT_BYTES] = { "bytes", "[bytes VALUE]" },
	[OPT_ADT_COMMENT] = { "comment", "[comment \"string\"]" },
	[OPT_SKBMARK] = { "skbmark", "[skbmark VALUE]" },
	[OPT_SKBPRIO] = { "skbprio", "[skbprio VALUE]" },
	[OPT_SKBQUEUE] = { "skbqueue", "[skbqueue VALUE]" },
	[OPT_BEFORE] = { "before", "[before|after NAME]" },
	[OPT_AFTER] = { "after", NULL },
};

const char *set_option_name(int option)
{
	return options[option].name;
}

void set_help(struct text *out)
{
	text_puts(
		out,
		"ipset v7.17\n\nUsage: ipset [options] COMMAND\n\nCommands:\n"
		"create SETNAME TYPENAME [type-specific-options]\n        Create a new set\n"
		"add SETNAME ENTRY\n        Add entry to the named set\n"
		"del SETNAME ENTRY\n        Delete entry from the named set\n"
		"test SETNAME ENTRY\n        Test entry in the named set\n"
		"destroy [SETNAME]\n        Destroy a named set or all sets\n"
		"list [SETNAME]\n        List the entries of a named set or all sets\n"
		"save [SETNAME]\n        Save the named set or all sets to stdout\n"
		"restore \n        Restore a saved state\n"
		"flush [SETNAME]\n        Flush a named set or all sets\n"
		"rename FROM-SETNAME TO-SETNAME\n        Rename two sets\n"
		"swap FROM-SETNAME TO-SETNAME\n        Swap the contect of two existing sets\n"
		"help [TYPENAME]\n        Print help, and settype specific help\n"
		"version \n        Print version information\n"
		"quit \n        Quit interactive mode\n\nOptions:\n"
		"-o plain|save|xml\n       Specify output mode for listing sets.\n"
		"       Default value for \"list\" command is mode \"plain\"\n       and for \"save\" command is mode \"save\".\n"
		"-s \n        Print elements sorted (if supported by the set type).\n"
		"-q \n        Suppress any notice or warning message.\n"
		"-r \n        Try to resolve IP addresses in the output (slow!)\n"
		"-! \n        Ignore errors when creating or adding sets or\n"
		"        elements that do exist or when deleting elements\n        that don't exist.\n"
		"-n \n        When listing, just list setnames from the kernel.\n\n"
		"-t \n        When listing, list setnames and set headers\n        from kernel only.\n"
		"-f \n        Read from the given file instead of standard\n        input (restore) or write to given file instead\n"
		"        of standard output (list/save).\n");
}

void set_help_types(struct text *out)
{
	text_puts(out, "\nSupported set types:\n");
	for (const struct set_type *const *t = set_types; *t; t++)
		text_printf(out, "    %s%s%u\n", (*t)->name, strlen((*t)->name) < 12 ? "\t\t" : "\t",
			    (*t)->revision);
}

/* put_options: the options of @set in the order @order, a line each. */
static void put_options(uint32_t set, const int8_t *order, struct text *out)
{
	text_puts(out, "\n");
	for (; *order >= 0; order++)
		if (set & 1u << *order && options[*order].help)
			text_printf(out, "               %s\n", options[*order].help);
}

/* put_port_words: what stands for a port. */
static void put_port_words(struct text *out)
{
	static const char *const icmp6[] = {
		"no-route",
		"communication-prohibited",
		"address-unreachable",
		"port-unreachable",
		"packet-too-big",
		"ttl-zero-during-transit",
		"ttl-zero-during-reassembly",
		"bad-header",
		"unknown-header-type",
		"unknown-option",
		"echo-request",
		"ping",
		"echo-reply",
		"pong",
		"router-solicitation",
		"router-advertisement",
		"neighbour-solicitation",
		"neigbour-solicitation",
		"neighbour-advertisement",
		"neigbour-advertisement",
		"redirect",
	};
	const char *name;

	text_puts(
		out,
		"      [PROTO:]PORT is a valid pattern of the following:\n"
		"           PORTNAME         TCP port name from /etc/services\n"
		"           PORTNUMBER       TCP port number identifier\n"
		"           tcp|sctp|udp|udplite:PORTNAME|PORTNUMBER\n"
		"           icmp:CODENAME    supported ICMP codename\n"
		"           icmp:TYPE/CODE   ICMP type/code value\n"
		"           icmpv6:CODENAME  supported ICMPv6 codename\n"
		"           icmpv6:TYPE/CODE ICMPv6 type/code value\n"
		"           PROTO:0          all other protocols\n\n           Supported ICMP codenames:\n");
	for (unsigned i = 0; (name = set_icmp_name(i)); i++)
		text_printf(out, "               %s\n", name);
	text_puts(out, "           Supported ICMPv6 codenames:\n");
	for (unsigned i = 0; i < sizeof icmp6 / sizeof *icmp6; i++)
		text_printf(out, "               %s\n", icmp6[i]);
}

void set_help_type(const struct set_type *type, struct text *out)
{
	const int8_t *order = type->features & SET_F_PORT && type->create_options & SET_OPT(BITMASK)
				      ? set_create_order_port
				      : set_create_order;
	const char *test = type->usage;
	char one[32];

	if (!strcmp(type->usage, "IP|IP/CIDR|FROM-TO"))
		test = "IP";
	else if (!strcmp(type->usage, "[PROTO:]PORT|FROM-TO"))
		test = "[PROTO:]PORT";
	else if (strstr(type->usage, "IFACE"))
		test = strcpy(one, "IP[/CIDR],[physdev:]IFACE");
	text_printf(out, "\n%s type specific options:\n\ncreate SETNAME %s ", type->name, type->name);
	if (type->create_options & SET_OPT(RANGE))
		text_puts(out, type->any_family ? "range [PROTO:]FROM-TO" : "range IP/CIDR|FROM-TO");
	put_options(type->create_options, order, out);
	text_printf(out, "add    SETNAME %s %s", type->name, type->usage);
	put_options(type->add_options, set_add_order, out);
	text_printf(out, "del    SETNAME %s %s", type->name, type->usage);
	put_options(type->del_options, set_add_order, out);
	text_printf(out, "test   SETNAME %s %s", type->name, test);
	put_options(type->test_options, set_add_order, out);
	text_printf(out, "\n%s", type->where);
	for (unsigned i = 0; i < SET_PARTS_MAX; i++)
		if (type->parts[i] == PART_PORT)
			put_port_words(out);
	text_printf(out,
		    type->any_family                   ? "\nType %s is family neutral.\n"
		    : type->store == &set_store_bitmap ? "\nType %s supports family inet only.\n"
						       : "\nType %s supports inet and inet6.\n",
		    type->name);
}
