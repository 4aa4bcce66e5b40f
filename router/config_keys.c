/* config_keys.c - the keys of [router] and [interface NAME] as rows, and the readers of their values. */
#include "router/config_int.h"

#include "router/log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* read_number: into a uint32_t (unsigned). */
static bool read_number(const struct config_key *k, void *field, const char *value, char *why)
{
	if (config_read_number(value, k->min, k->max, field))
		return true;
	snprintf(why, CONFIG_WHY_MAX, "'%.60s' is not a number from %u to %u", value, k->min, k->max);
	return false;
}

/* read_string: into a char array of k->max bytes; not empty, without blanks. */
static bool read_string(const struct config_key *k, void *field, const char *value, char *why)
{
	if (!*value || strlen(value) >= k->max) {
		snprintf(why, CONFIG_WHY_MAX, "give 1 to %u characters", k->max - 1);
		return false;
	}
	memcpy(field, value, strlen(value) + 1);
	return true;
}

/* read_path: as read_string; must be absolute. */
static bool read_path(const struct config_key *k, void *field, const char *value, char *why)
{
	if (*value != '/') {
		snprintf(why, CONFIG_WHY_MAX, "'%.60s' is not an absolute path: begin it with /", value);
		return false;
	}
	return read_string(k, field, value, why);
}

/* read_mount: an absolute path or `none`. */
static bool read_mount(const struct config_key *k, void *field, const char *value, char *why)
{
	return !strcasecmp(value, "none") ? read_string(k, field, "none", why) : read_path(k, field, value, why);
}

/* read_device: a name that the kernel takes for a network device. */
static bool read_device(const struct config_key *k, void *field, const char *value, char *why)
{
	size_t len = strlen(value);

	if (!len || len >= k->max || strpbrk(value, "/: \t%") || !strcmp(value, ".") || !strcmp(value, "..")) {
		snprintf(why, CONFIG_WHY_MAX, "'%.60s' is not a device name: 1 to 15 characters without / : %% and blanks",
			 value);
		return false;
	}
	memcpy(field, value, len + 1);
	return true;
}

/* read_level: a log level into an int. */
static bool read_level(const struct config_key *k, void *field, const char *value, char *why)
{
	int level = log_level_parse(value);

	if (level < 0) {
		snprintf(why, CONFIG_WHY_MAX, "'%.60s' is not a level: use %s", value, k->value);
		return false;
	}
	memcpy(field, &level, sizeof level);
	return true;
}

/* read_bool: yes or no (iniparser's words and iptables' habits: true, on, 1). */
static bool read_bool(const struct config_key *k, void *field, const char *value, char *why)
{
	static const struct {
		const char *word;
		bool is;
	} words[] = { { "yes", true }, { "no", false }, { "true", true }, { "false", false },
		      { "on", true }, { "off", false }, { "1", true }, { "0", false } };

	(void)k;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
		if (strcasecmp(value, words[i].word))
			continue;
		memcpy(field, &words[i].is, sizeof words[i].is);
		return true;
	}
	snprintf(why, CONFIG_WHY_MAX, "'%.60s' is neither yes nor no", value);
	return false;
}

/* read_mac: a unicast Ethernet address. */
static bool read_mac(const struct config_key *k, void *field, const char *value, char *why)
{
	static const uint8_t zero[MAC_LEN];
	uint8_t mac[MAC_LEN];

	(void)k;
	if (mac_parse(value, mac)) {
		snprintf(why, CONFIG_WHY_MAX, "'%.60s' is not a MAC address like 02:00:00:00:00:01", value);
		return false;
	}
	if ((mac[0] & 1) || !memcmp(mac, zero, MAC_LEN)) {
		snprintf(why, CONFIG_WHY_MAX, "'%.60s' is not the address of one station: its first byte must be even", value);
		return false;
	}
	memcpy(field, mac, MAC_LEN);
	return true;
}

/* read_prefix_text: an address a host can have, with its prefix length. @word: text. */
static bool read_prefix_text(const char *word, struct config_prefix *out, char *why)
{
	struct config_prefix p;

	if (ip4_parse_prefix(word, &p.be, &p.plen)) {
		snprintf(why, CONFIG_WHY_MAX, "'%.60s' is not an IPv4 address with a prefix length, like 10.1.0.254/24", word);
		return false;
	}
	if (!strchr(word, '/')) {
		snprintf(why, CONFIG_WHY_MAX, "'%.60s' has no prefix length: write %.60s/24 or what the link uses", word, word);
		return false;
	}
	if (!p.plen || ip4_is_multicast(p.be) || ip4_is_loopback(p.be) || ip4_is_zeronet(p.be) || p.be == 0xffffffff) {
		snprintf(why, CONFIG_WHY_MAX, "'%.60s' cannot be the address of an interface", word);
		return false;
	}
	if (p.plen < 31 && (!(p.be & ~ip4_mask(p.plen)) || (p.be | ip4_mask(p.plen)) == 0xffffffff)) {
		snprintf(why, CONFIG_WHY_MAX, "'%.60s' is the network or broadcast address of its subnet: give a host's", word);
		return false;
	}
	*out = p;
	return true;
}

/* read_prefix: into a struct config_prefix. */
static bool read_prefix(const struct config_key *k, void *field, const char *value, char *why)
{
	(void)k;
	return read_prefix_text(value, field, why);
}

/* read_addresses: comma separated, into a struct config_addresses. */
static bool read_addresses(const struct config_key *k, void *field, const char *value, char *why)
{
	struct config_addresses *list = field;
	char text[INI_LINE_MAX + 1], *rest = text, *word;

	(void)k;
	snprintf(text, sizeof text, "%s", value);
	while ((word = strsep(&rest, ","))) {
		word += strspn(word, " \t");
		word[strcspn(word, " \t")] = 0;
		if (list->count == PORT_ADDRS_MAX) {
			snprintf(why, CONFIG_WHY_MAX, "more than %d addresses", PORT_ADDRS_MAX);
			return false;
		}
		if (!read_prefix_text(word, &list->item[list->count], why))
			return false;
		for (unsigned i = 0; i < list->count; i++)
			if (list->item[i].be == list->item[list->count].be) {
				snprintf(why, CONFIG_WHY_MAX, "'%.60s' is given twice", word);
				return false;
			}
		list->count++;
	}
	return true;
}

#define AT(field) offsetof(struct config, field)
const struct config_key config_router_keys[] = {
	{ "socket", read_path, AT(socket), 0, CONFIG_SOCKET_MAX, "PATH", CONFIG_SOCKET_DEFAULT,
	  "where commands reach the router" },
	{ "proc_mount", read_mount, AT(proc_mount), 0, CONFIG_PATH_MAX, "PATH or none", "/run/tapgate/proc",
	  "folder on which the status tree is mounted" },
	{ "log", read_level, AT(log), 0, 0, "error, warning, info or debug", "info", "the most detailed level logged" },
	{ "sets", read_string, AT(sets_file), 0, CONFIG_PATH_MAX, "FILE", "none",
	  "an ipset-save file: its sets are there before the rules are read; relative to this file's folder" },
	{ "accounting", read_string, AT(accounting_file), 0, CONFIG_PATH_MAX, "FILE", "none",
	  "an nfacct-list file: its objects are there before the rules are read; relative to this file's folder" },
	{ "rules", read_string, AT(rules_file), 0, CONFIG_PATH_MAX, "FILE", "none",
	  "an iptables-save file, loaded before the table sections; relative to this file's folder" },
	{ "packets_large", read_number, AT(packets_large), 32, 65536, "32..65536", "512",
	  "packets of up to 64 KiB that can be in the router at once" },
	{ "packets_small", read_number, AT(packets_small), 64, 4194304, "64..4194304", "8192",
	  "ordinary packets that can wait in it: fragments, unresolved neighbours" },
	{ "routes_max", read_number, AT(routes_max), 16, 4194304, "16..4194304", "65536", "routes it can hold" },
};
#undef AT
const size_t config_router_key_count = sizeof config_router_keys / sizeof *config_router_keys;

#define AT(field) offsetof(struct config_interface, field)
const struct config_key config_interface_keys[] = {
	{ "tap", read_device, AT(tap), 0, PORT_NAME_MAX, "DEVICE", "the interface's name", "TAP device to create" },
	{ "netns", read_string, AT(netns), 0, CONFIG_PATH_MAX, "NAME, PID or PATH", "the router's own",
	  "network namespace the device is put into" },
	{ "address", read_addresses, AT(address), 0, 0, "A.B.C.D/LEN, ...", "none", "the router's addresses on the link" },
	{ "mtu", read_number, AT(mtu), PORT_MTU_MIN, CONFIG_MTU_MAX, "68..65521", "1500", "bytes of the longest IP packet" },
	{ "mac", read_mac, AT(mac), 0, 0, "XX:XX:XX:XX:XX:XX", "derived from the name", "the router's Ethernet address" },
	{ "peer_address", read_prefix, AT(peer_address), 0, 0, "A.B.C.D/LEN", "none",
	  "address given to the device, at the far end of the link" },
	{ "peer_gateway", read_bool, AT(peer_gateway), 0, 0, "yes or no", "no",
	  "give the far end a default route through the router" },
	{ "up", read_bool, AT(up), 0, 0, "yes or no", "yes", "whether the port starts up" },
};
#undef AT
const size_t config_interface_key_count = sizeof config_interface_keys / sizeof *config_interface_keys;

/* append_keys: the known keys, for a message. @out: CONFIG_WHY_MAX bytes. */
static const char *list_keys(const struct config_key *keys, size_t count, char *out)
{
	struct text t = text_over(out, CONFIG_WHY_MAX);

	for (size_t i = 0; i < count; i++)
		text_printf(&t, "%s%s", i ? ", " : "", keys[i].name);
	return out;
}

bool config_read_key(const struct config_reader *rd, const struct config_key *keys, size_t count, void *object)
{
	char why[CONFIG_WHY_MAX];

	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(rd->entry->key, keys[i].name))
			continue;
		if (keys[i].read(&keys[i], (char *)object + keys[i].offset, rd->entry->value, why))
			return true;
		return config_bad(rd, "%s", why);
	}
	return config_bad(rd, "unknown key; this section knows %s", list_keys(keys, count, why));
}

/* help_keys: a Markdown table of rows. */
static void help_keys(const struct config_key *keys, size_t count, struct text *out)
{
	text_puts(out, "| key | value | default | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < count; i++)
		text_printf(out, "| `%s` | %s | %s | %s |\n", keys[i].name, keys[i].value, keys[i].fallback, keys[i].help);
}

void config_help(struct text *out)
{
	text_puts(out, "## [router]\n\n");
	help_keys(config_router_keys, config_router_key_count, out);
	text_puts(out, "\n## [interface NAME]\n\nNAME is what `-i`, `-o` and the logs say: 1 to 15 characters.\n\n");
	help_keys(config_interface_keys, config_interface_key_count, out);
	text_puts(out,
		  "\n## [route]\n\n"
		  "    PREFIX = [via GATEWAY] [dev INTERFACE] [metric N] [src ADDRESS]\n"
		  "    PREFIX = blackhole | unreachable | prohibit\n\n"
		  "PREFIX is A.B.C.D/LEN or `default`.\n"
		  "\n## [sysctl]\n\n    NAME = VALUE\n\n"
		  "Every writable entry under sys/ of the status tree, by its sysctl(8) name.\n"
		  "\n## [raw] [mangle] [nat] [filter] [security]\n\n"
		  "    policy.CHAIN = ACCEPT | DROP\n"
		  "    rule.N = what follows `iptables -t TABLE`\n\n"
		  "Rules apply in the order of N (0 to 4294967295), after those of the `rules` file.\n"
		  "\n## [helper NAME]\n\n"
		  "    ports = PORT[,PORT...]     default: the protocol's own port\n"
		  "    OPTION = VALUE             of the helper, as its kernel module's\n");
}
