/* config.c - see config.h: sections to their readers, what holds between sections, and lint. */
#include "router/config_int.h"

#include "router/log.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A configuration or rules file beyond this is surely not one. Bytes. */
enum { FILE_SIZE_MAX = 256 << 20 };

bool config_bad(const struct config_reader *rd, const char *format, ...)
{
	char why[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	problem_add(rd->ps, rd->config->file, rd->entry->line, rd->entry->section, rd->entry->key, "%s", why);
	return false;
}

unsigned config_read_words(char *text, char **word, unsigned max)
{
	unsigned count = 0;
	char *save = NULL;

	for (char *w = strtok_r(text, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		if (count == max)
			return max + 1;
		word[count++] = w;
	}
	return count;
}

bool config_read_number(const char *text, uint32_t min, uint32_t max, uint32_t *out)
{
	uint64_t n = 0;

	if (!*text || strlen(text) > 10)
		return false;
	for (; *text; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		n = n * 10 + (unsigned)(*text - '0');
	}
	if (n < min || n > max)
		return false;
	*out = (uint32_t)n;
	return true;
}

/* read_file: appends a whole file. @pipe: it may be one too, and is waited for; not while packets wait. Return: 0 or negative
 * errno: EISDIR, ESPIPE = no regular file. */
static int read_file(const char *path, bool pipe, struct text *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | (pipe ? 0 : O_NONBLOCK)), error = 0;
	char buf[65536];
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return -errno;
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		error = -EISDIR;
	else if (!pipe && !S_ISREG(st.st_mode))
		error = -ESPIPE;
	while (!error && (n = read(fd, buf, sizeof buf)) > 0) {
		text_put(out, buf, (size_t)n);
		if (out->len > FILE_SIZE_MAX)
			error = -EFBIG;
	}
	if (!error && n < 0)
		error = -errno;
	if (!error && out->failed)
		error = -ENOMEM;
	close(fd);
	return error;
}

/* read_error: what read_file says, for users. */
static const char *read_error(int error)
{
	return error == -ESPIPE ? "it is no regular file" : strerror(-error);
}

/* derive_mac: a stable, locally administered address from a name (FNV-1a). */
static void derive_mac(const char *name, uint8_t mac[MAC_LEN])
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 0x100000001b3u;
	for (unsigned i = 0; i < MAC_LEN; i++)
		mac[i] = (uint8_t)(h >> (8 * i));
	mac[0] = (uint8_t)((mac[0] & 0xfc) | 2);
}

const struct config_interface *config_find_interface(const struct config *c, const char *name)
{
	for (unsigned i = 0; i < c->interfaces; i++)
		if (!strcmp(c->interface[i].name, name))
			return &c->interface[i];
	return NULL;
}

/* --- sections ------------------------------------------------------------------------------------------------------ */

/* section_is: whether @section is "WORD NAME". Return: NAME, or NULL. */
static const char *section_is(const char *section, const char *word)
{
	size_t len = strlen(word);

	return !strncasecmp(section, word, len) && section[len] == ' ' ? section + len + 1 : NULL;
}

/* section_table: the table whose section @section is; TABLE_COUNT if it is none. */
static enum table_id section_table(const char *section)
{
	enum table_id id = 0;

	while (id < TABLE_COUNT && strcasecmp(section, table_name(id)))
		id++;
	return id;
}

/* add_interface: the record of a new [interface NAME]. */
static void add_interface(struct config *c, struct problems *ps, const struct ini_section *s, const char *name)
{
	struct config_interface *i;

	if (strlen(name) >= PORT_NAME_MAX || strpbrk(name, "/: \t%+!\"'") || !strcmp(name, ".") || !strcmp(name, "..") ||
	    !strcasecmp(name, "all") || !strcasecmp(name, "default")) {
		problem_add(ps, c->file, s->line, s->name, NULL,
			    "'%s' cannot name an interface: 1 to 15 characters without / : %% + ! quotes and blanks, "
			    "not all or default", name);
		return;
	}
	if (c->interfaces == PORTS_MAX) {
		problem_add(ps, c->file, s->line, s->name, NULL, "more than %d interfaces", PORTS_MAX);
		return;
	}
	i = array_grow(c->interface, c->interfaces, sizeof *i);
	if (!i) {
		problem_add(ps, c->file, s->line, s->name, NULL, "out of memory");
		return;
	}
	c->interface = i;
	i += c->interfaces++;
	*i = (struct config_interface){ .mtu = 1500, .up = true, .line = s->line };
	strcpy(i->name, name);
	strcpy(i->tap, name);
	derive_mac(name, i->mac);
}

/* add_helper: the record of a new [helper NAME]. */
static void add_helper(struct config *c, struct problems *ps, const struct ini_section *s, const char *name)
{
	struct config_helper *grown = array_grow(c->helper, c->helpers, sizeof *grown);
	char *lower = strdup(name);

	if (grown)
		c->helper = grown;
	if (!grown || !lower) {
		free(lower);
		problem_add(ps, c->file, s->line, s->name, NULL, "out of memory");
		return;
	}
	for (char *ch = lower; *ch; ch++)
		*ch = (char)tolower((unsigned char)*ch);
	grown[c->helpers++] = (struct config_helper){ .name = lower, .line = s->line };
}

/* add_sections: records for sections that stand for something, also where they have no keys; unknown ones are
 * reported. */
static void add_sections(struct config *c, const struct ini *ini, struct problems *ps)
{
	for (unsigned i = 0; i < ini->sections; i++) {
		const struct ini_section *s = &ini->section[i];
		const char *name;

		if ((name = section_is(s->name, "interface")))
			add_interface(c, ps, s, name);
		else if ((name = section_is(s->name, "helper")))
			add_helper(c, ps, s, name);
		else if (strcasecmp(s->name, "router") && strcasecmp(s->name, "route") && strcasecmp(s->name, "sysctl") &&
			 section_table(s->name) == TABLE_COUNT)
			problem_add(ps, c->file, s->line, s->name, NULL,
				    "unknown section; known are router, interface NAME, route, sysctl, raw, mangle, nat, "
				    "filter, security, helper NAME");
	}
}

/* read_sysctl: one line of [sysctl]. */
static bool read_sysctl(struct config_reader *rd)
{
	struct config *c = rd->config;
	struct config_setting *grown = array_grow(c->sysctl, c->sysctls, sizeof *grown);
	struct config_setting s = { strdup(rd->entry->key), strdup(rd->entry->value), rd->entry->line };

	if (grown)
		c->sysctl = grown;
	if (!grown || !s.name || !s.value) {
		free(s.name);
		free(s.value);
		return config_bad(rd, "out of memory");
	}
	grown[c->sysctls++] = s;
	return true;
}

/* read_interface: one line of [interface NAME]; silent where the section itself was refused. */
static bool read_interface(struct config_reader *rd, const char *name)
{
	for (unsigned i = 0; i < rd->config->interfaces; i++)
		if (!strcmp(rd->config->interface[i].name, name))
			return config_read_key(rd, config_interface_keys, config_interface_key_count,
					       &rd->config->interface[i]);
	return true;
}

/* read_helper: one line of [helper NAME]. */
static bool read_helper(struct config_reader *rd, const char *name)
{
	for (unsigned i = 0; i < rd->config->helpers; i++)
		if (!strcasecmp(rd->config->helper[i].name, name))
			return config_read_helper(rd, &rd->config->helper[i]);
	return true;
}

/* read_entry: one entry to the reader of its section. Return: false with a problem. */
static bool read_entry(struct config_reader *rd)
{
	const char *section = rd->entry->section, *name;
	enum table_id table;

	if (!strcasecmp(section, "router"))
		return config_read_key(rd, config_router_keys, config_router_key_count, rd->config);
	if ((name = section_is(section, "interface")))
		return read_interface(rd, name);
	if ((name = section_is(section, "helper")))
		return read_helper(rd, name);
	if (!strcasecmp(section, "route"))
		return config_read_route(rd);
	if (!strcasecmp(section, "sysctl"))
		return read_sysctl(rd);
	table = section_table(section);
	return table == TABLE_COUNT || config_read_rule(rd, table);
}

/* read_beside: loads the file that router.@key names: @given, from the folder of the configuration. @what: which file it is
 * to be. */
static void read_beside(struct config *c, struct problems *ps, const char *key, const char *what, const char *given,
			struct config_file *out)
{
	const char *slash = strrchr(c->file, '/');
	int error, n;

	if (!*given)
		return;
	if (*given == '/' || !slash)
		n = asprintf(&out->path, "%s", given);
	else
		n = asprintf(&out->path, "%.*s/%s", (int)(slash - c->file), c->file, given);
	if (n < 0)
		out->path = NULL;
	error = n < 0 ? -ENOMEM : read_file(out->path, false, &out->text);
	if (error)
		problem_add(ps, c->file, out->line, "router", key, "cannot read %s: %s", out->path ? out->path : given,
			    read_error(error));
	else if (out->text.len && memchr(out->text.data, 0, out->text.len))
		problem_add(ps, c->file, out->line, "router", key, "%s holds a NUL byte: it is no %s file", out->path, what);
}

/* --- what must hold between entries -------------------------------------------------------------------------------- */

/* in_subnet: whether @be lies in one of the interface's subnets; and the router's address there. */
static bool in_subnet(const struct config_interface *i, const struct config_prefix *peer)
{
	for (unsigned n = 0; n < i->address.count; n++) {
		const struct config_prefix *a = &i->address.item[n];

		if (!((a->be ^ peer->be) & ip4_mask(a->plen)))
			return true;
	}
	return false;
}

/* check_peer: the far end's address and gateway of one interface. */
static void check_peer(const struct config *c, const struct config_interface *i, const char *section,
		       struct problems *ps)
{
	if (i->peer_gateway && !i->peer_address.be)
		problem_add(ps, c->file, i->line, section, "peer_gateway", "needs peer_address");
	if (i->peer_address.be && !in_subnet(i, &i->peer_address))
		problem_add(ps, c->file, i->line, section, "peer_address",
			    "the router has no address in its subnet: give one with `address`");
	for (unsigned n = 0; i->peer_address.be && n < i->address.count; n++)
		if (i->address.item[n].be == i->peer_address.be)
			problem_add(ps, c->file, i->line, section, "peer_address",
				    "is the router's own address: each end needs its own");
}

/* check_pair: what two interfaces may not share. @i comes after @j. */
static void check_pair(const struct config *c, const struct config_interface *i, const struct config_interface *j,
		       const char *section, struct problems *ps)
{
	char text[ADDR_TEXT_MAX];

	if (!strcmp(i->tap, j->tap) && !strcmp(i->netns, j->netns))
		problem_add(ps, c->file, i->line, section, "tap", "'%s' is used already by interface %s in the same namespace",
			    i->tap, j->name);
	for (unsigned a = 0; a < i->address.count; a++)
		for (unsigned b = 0; b < j->address.count; b++) {
			struct addr addr = addr_ip4(i->address.item[a].be);

			if (i->address.item[a].be == j->address.item[b].be)
				problem_add(ps, c->file, i->line, section, "address", "%s is given already to interface %s",
					    addr_format(&addr, FAMILY_IP4, text), j->name);
		}
}

/* check_interfaces: what holds between interfaces. */
static void check_interfaces(const struct config *c, struct problems *ps)
{
	for (unsigned i = 0; i < c->interfaces; i++) {
		const struct config_interface *now = &c->interface[i];
		char section[PORT_NAME_MAX + 16];

		snprintf(section, sizeof section, "interface %s", now->name);
		check_peer(c, now, section, ps);
		for (unsigned j = 0; j < i; j++)
			check_pair(c, now, &c->interface[j], section, ps);
	}
}

/* check_routes: the interfaces that routes name. */
static void check_routes(const struct config *c, struct problems *ps)
{
	for (unsigned i = 0; i < c->routes; i++) {
		const struct config_route *r = &c->route[i];

		if (*r->dev && !config_find_interface(c, r->dev))
			problem_add(ps, c->file, r->line, "route", r->key, "there is no [interface %s]", r->dev);
	}
}

/* --- doors --------------------------------------------------------------------------------------------------------- */

/* create: an empty configuration with the defaults. NULL without memory. */
static struct config *create(const char *file)
{
	struct config *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->file = strdup(file);
	strcpy(c->socket, CONFIG_SOCKET_DEFAULT);
	strcpy(c->proc_mount, "/run/tapgate/proc");
	c->log = LOG_INFORM;
	c->packets_small = NETSTACK_LIMITS_DEFAULT.pool_small;
	c->packets_large = NETSTACK_LIMITS_DEFAULT.pool_large;
	c->routes_max = NETSTACK_LIMITS_DEFAULT.routes;
	if (!c->file) {
		free(c);
		return NULL;
	}
	return c;
}

struct config *config_parse(const char *file, const char *text, size_t len, struct problems *ps)
{
	struct config *c = create(file);
	struct ini *ini = c ? ini_parse(file, text, len, ps) : NULL;
	struct config_reader rd = { .config = c, .ps = ps };

	if (!ini) {
		config_free(c);
		return NULL;
	}
	text_put(&c->source, text, len);
	add_sections(c, ini, ps);
	for (unsigned i = 0; i < ini->entries; i++) {
		rd.entry = &ini->entry[i];
		if (!strcasecmp(rd.entry->section, "router") && !strcasecmp(rd.entry->key, "rules"))
			c->rules.line = rd.entry->line;
		if (!strcasecmp(rd.entry->section, "router") && !strcasecmp(rd.entry->key, "sets"))
			c->sets.line = rd.entry->line;
		if (!strcasecmp(rd.entry->section, "router") && !strcasecmp(rd.entry->key, "accounting"))
			c->accounting.line = rd.entry->line;
		read_entry(&rd);
	}
	ini_free(ini);
	read_beside(c, ps, "sets", "ipset-restore", c->sets_file, &c->sets);
	read_beside(c, ps, "accounting", "nfacct-list", c->accounting_file, &c->accounting);
	read_beside(c, ps, "rules", "iptables-save", c->rules_file, &c->rules);
	config_sort_rules(c, ps);
	check_interfaces(c, ps);
	check_routes(c, ps);
	return c;
}

struct config *config_load(const char *path, bool pipe, struct problems *ps)
{
	struct text text = { 0 };
	struct config *c = NULL;
	int error = read_file(path, pipe, &text);

	if (error)
		problem_add(ps, path, 0, NULL, NULL, "cannot be read: %s", read_error(error));
	else
		c = config_parse(path, text_cstr(&text), text.len, ps);
	text_free(&text);
	return c;
}

/* free_settings: @count name-value pairs and their array. */
static void free_settings(struct config_setting *s, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		free(s[i].name);
		free(s[i].value);
	}
	free(s);
}

/* free_file: what is held of a file. */
static void free_file(struct config_file *f)
{
	free(f->path);
	text_free(&f->text);
}

void config_applied(struct config *c)
{
	text_free(&c->sets.text);
	text_free(&c->accounting.text);
	text_free(&c->rules.text);
}

void config_free(struct config *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->routes; i++)
		free(c->route[i].key);
	for (unsigned i = 0; i < c->rules_count; i++) {
		free(c->rule[i].key);
		free(c->rule[i].text);
	}
	for (unsigned i = 0; i < c->policies; i++) {
		free(c->policy[i].chain);
		free(c->policy[i].verdict);
	}
	for (unsigned i = 0; i < c->helpers; i++) {
		free(c->helper[i].name);
		free_settings(c->helper[i].option, c->helper[i].options);
	}
	free_settings(c->sysctl, c->sysctls);
	free(c->interface);
	free(c->route);
	free(c->rule);
	free(c->policy);
	free(c->helper);
	free_file(&c->sets);
	free_file(&c->accounting);
	free_file(&c->rules);
	text_free(&c->source);
	free(c->file);
	free(c);
}

/* sysctl_number: the value of a sysctl set in [sysctl] by its dotted or slashed name; @fallback if it is not. */
static uint32_t sysctl_number(const struct config *c, const char *dotted, const char *slashed, uint32_t fallback)
{
	uint32_t n = fallback;

	for (unsigned i = 0; i < c->sysctls; i++)
		if (!strcasecmp(c->sysctl[i].name, dotted) || !strcasecmp(c->sysctl[i].name, slashed))
			config_read_number(c->sysctl[i].value, 1, UINT32_MAX, &n);
	return n > fallback ? n : fallback;
}

struct engine_limits config_engine_limits(const struct config *c)
{
	struct engine_limits l = ENGINE_LIMITS_DEFAULT;

	l.netstack.pool_small = c->packets_small;
	l.netstack.pool_large = c->packets_large;
	l.netstack.routes = c->routes_max;
	l.conntrack.max = sysctl_number(c, "net.netfilter.nf_conntrack_max", "net/netfilter/nf_conntrack_max",
					l.conntrack.max);
	/* As many as connections unless told otherwise: Linux's own ratio, there the other way round (max follows buckets). */
	l.conntrack.buckets = sysctl_number(c, "net.netfilter.nf_conntrack_buckets", "net/netfilter/nf_conntrack_buckets", 0);
	if (!l.conntrack.buckets)
		l.conntrack.buckets = l.conntrack.max;
	l.conntrack.expect_max = sysctl_number(c, "net.netfilter.nf_conntrack_expect_max",
					       "net/netfilter/nf_conntrack_expect_max", l.conntrack.expect_max);
	return l;
}
