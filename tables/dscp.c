/* dscp.c - see dscp.h. */
#include "tables/dscp.h"

#include "tables/options.h"

static const struct opt_name classes[] = {
	{ "CS0", 0x00 },  { "CS1", 0x08 },  { "CS2", 0x10 },  { "CS3", 0x18 },  { "CS4", 0x20 },  { "CS5", 0x28 },
	{ "CS6", 0x30 },  { "CS7", 0x38 },  { "BE", 0x00 },   { "AF11", 0x0a }, { "AF12", 0x0c }, { "AF13", 0x0e },
	{ "AF21", 0x12 }, { "AF22", 0x14 }, { "AF23", 0x16 }, { "AF31", 0x1a }, { "AF32", 0x1c }, { "AF33", 0x1e },
	{ "AF41", 0x22 }, { "AF42", 0x24 }, { "AF43", 0x26 }, { "EF", 0x2e },   { NULL, 0 },
};

int dscp_parse_class(struct opt_call *c, uint8_t *dscp)
{
	const struct opt_name *n = classes;

	while (n->name && strncasecmp(c->arg, n->name, strlen(n->name))) /* iptables does not mind what follows the name */
		n++;
	if (!n->name)
		return rule_fail(c->err, "Invalid DSCP value `%s'", c->arg);
	*dscp = (uint8_t)n->value;
	return 0;
}
