/* config_route.c - the lines of [route]: ip-route(8)'s words that the router knows. */
#include "router/config_int.h"

#include <stdlib.h>
#include <string.h>

/* Linux's numbers (rtnetlink.h): scope and origin of a route. */
enum { SCOPE_GLOBAL = 0, SCOPE_LINK = 253, PROTOCOL_STATIC = 4 };

static const struct {
	const char *word;
	enum route_type type;
} types[] = {
	{ "blackhole", ROUTE_BLACKHOLE },
	{ "unreachable", ROUTE_UNREACHABLE },
	{ "prohibit", ROUTE_PROHIBIT },
};

/* special_type: the type that @word names; ROUTE_UNICAST if none. */
static enum route_type special_type(const char *word)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (!strcasecmp(word, types[i].word))
			return types[i].type;
	return ROUTE_UNICAST;
}

/* read_address: one address without prefix length. */
static bool read_address(const struct config_reader *rd, const char *word, uint32_t *be)
{
	struct addr a;

	if (addr_parse(word, FAMILY_IP4, &a) || !a.word[0])
		return config_bad(rd, "'%s' is not an IPv4 address", word);
	*be = a.word[0];
	return true;
}

/* read_pair: one "word value" of a route. */
static bool read_pair(const struct config_reader *rd, struct config_route *r, const char *word, const char *value)
{
	if (!value)
		return config_bad(rd, "a value must follow '%s'", word);
	if (!strcasecmp(word, "via"))
		return read_address(rd, value, &r->route.gateway);
	if (!strcasecmp(word, "src"))
		return read_address(rd, value, &r->route.prefsrc);
	if (!strcasecmp(word, "metric"))
		return config_read_number(value, 0, UINT32_MAX, &r->route.metric) ||
		       config_bad(rd, "'%s' is not a metric: give a number", value);
	if (strcasecmp(word, "dev"))
		return config_bad(rd, "'%s' is not known: use via, dev, metric, src, or blackhole, unreachable, prohibit",
				  word);
	if (strlen(value) >= sizeof r->dev)
		return config_bad(rd, "'%s' is not an interface", value);
	strcpy(r->dev, value);
	return true;
}

/* read_prefix: the key of a route. */
static bool read_prefix(const struct config_reader *rd, struct route *r)
{
	unsigned plen = 0;

	if (!strcasecmp(rd->entry->key, "default"))
		return true;
	if (ip4_parse_prefix(rd->entry->key, &r->prefix, &plen))
		return config_bad(rd, "not a destination: write A.B.C.D/LEN or default");
	if (r->prefix & ~ip4_mask(plen))
		return config_bad(rd, "bits are set behind the prefix length /%u: write the network's address", plen);
	r->plen = (uint8_t)plen;
	return true;
}

/* read_target: what stands behind the '='. */
static bool read_target(const struct config_reader *rd, struct config_route *r)
{
	char text[INI_LINE_MAX + 1], *word[10];
	unsigned words;

	strncpy(text, rd->entry->value, INI_LINE_MAX);
	text[INI_LINE_MAX] = 0;
	words = config_read_words(text, word, 10);
	if (!words || words > 10)
		return config_bad(rd, "write `via GATEWAY`, `dev INTERFACE`, or blackhole, unreachable, prohibit");
	r->route.type = (uint8_t)special_type(word[0]);
	for (unsigned i = r->route.type == ROUTE_UNICAST ? 0 : 1; i < words; i += 2)
		if (!read_pair(rd, r, word[i], i + 1 < words ? word[i + 1] : NULL))
			return false;
	if (r->route.type != ROUTE_UNICAST && (r->route.gateway || *r->dev))
		return config_bad(rd, "a %s route has neither via nor dev", word[0]);
	if (r->route.type == ROUTE_UNICAST && !r->route.gateway && !*r->dev)
		return config_bad(rd, "a route needs via GATEWAY or dev INTERFACE");
	r->route.scope = r->route.type == ROUTE_UNICAST && !r->route.gateway ? SCOPE_LINK : SCOPE_GLOBAL;
	return true;
}

bool config_read_route(struct config_reader *rd)
{
	struct config *c = rd->config;
	struct config_route r = { .route = { .protocol = PROTOCOL_STATIC }, .line = rd->entry->line };
	struct config_route *grown;

	if (!read_prefix(rd, &r.route) || !read_target(rd, &r))
		return false;
	grown = array_grow(c->route, c->routes, sizeof *grown);
	if (grown)
		c->route = grown;
	r.key = strdup(rd->entry->key);
	if (!grown || !r.key) {
		free(r.key);
		return config_bad(rd, "out of memory");
	}
	grown[c->routes++] = r;
	return true;
}
