/* config.h - a configuration as a value: read, checked, not yet applied.
 *
 * Overview
 *   config_load turns the INI file (ini.h) and the files it names into a struct config. Keys are rows (config_keys.c), from
 *   which `tapgate help config` and docs/configuration.md are printed too. config_trial then applies it to a scratch engine,
 *   so that everything the core would refuse is found, with its line, before anything is touched.
 *
 * Invariants
 *   1. Every mistake is reported, not only the first, as FILE:LINE: section.key: what and what to do.
 *   2. A configuration that passed both steps applies without an error but lack of memory or of a system's resource.
 *
 * Ownership
 *   A struct config owns all it points to; config_free releases it.
 */
#ifndef ROUTER_CONFIG_H
#define ROUTER_CONFIG_H

#include "router/engine.h"
#include "router/ini.h"

enum { CONFIG_PATH_MAX = 256, CONFIG_SOCKET_MAX = 108, CONFIG_HELPER_PORTS = 16, CONFIG_MTU_MAX = 65521 };

#define CONFIG_SOCKET_DEFAULT "/run/tapgate/tapgate.sock"

struct config_prefix {
	uint32_t be;
	unsigned plen;
};

struct config_addresses {
	struct config_prefix item[PORT_ADDRS_MAX];
	unsigned count;
};

struct config_interface {
	char name[PORT_NAME_MAX];
	char tap[PORT_NAME_MAX];
	char netns[CONFIG_PATH_MAX]; /* name, PID or path; "" = here */
	struct config_addresses address;
	unsigned mtu;
	uint8_t mac[MAC_LEN];
	struct config_prefix peer_address; /* be 0 = none */
	bool peer_gateway;
	bool up;
	unsigned line;
};

struct config_route {
	struct route route;      /* port not set */
	char dev[PORT_NAME_MAX]; /* "" = by the gateway */
	char *key;
	unsigned line;
};

struct config_setting { /* of [sysctl], and options of [helper NAME] */
	char *name, *value;
	unsigned line;
};

struct config_rule {
	enum table_id table;
	uint32_t number;
	char *key, *text;
	unsigned line;
};

struct config_policy {
	enum table_id table;
	char *chain, *verdict;
	unsigned line;
};

struct config_helper {
	char *name;
	uint16_t ports[CONFIG_HELPER_PORTS];
	unsigned nports;
	struct config_setting *option;
	unsigned options;
	unsigned line;
};

/* A file that [router] names. */
struct config_file {
	char *path; /* resolved; NULL = none */
	struct text text;
	unsigned line; /* that names it */
};

struct config {
	char *file;
	struct text source; /* the INI text as read: tapgate/config */
	char socket[CONFIG_SOCKET_MAX];
	char proc_mount[CONFIG_PATH_MAX]; /* "none" = not mounted */
	int log;                          /* level */
	char sets_file[CONFIG_PATH_MAX], accounting_file[CONFIG_PATH_MAX], rules_file[CONFIG_PATH_MAX]; /* as given; "" = none */
	struct config_file sets, accounting, rules;
	uint32_t packets_small, packets_large, routes_max;
	struct config_interface *interface;
	struct config_route *route;
	struct config_setting *sysctl;
	struct config_rule *rule;         /* ordered by table, number */
	struct config_policy *policy;
	struct config_helper *helper;
	unsigned interfaces, routes, sysctls, rules_count, policies, helpers;
};

/* config_load: reads @path. @pipe: it may be a pipe, which is waited for (not in a running router). Problems go to
 * @ps. Return: the configuration (sound if @ps stayed empty), owned by the caller; NULL where the file cannot be read
 * at all (also a problem). */
struct config *config_load(const char *path, bool pipe, struct problems *ps);

/* config_parse: the same for a text in memory; @file: for messages and for the folder of the rules file. */
struct config *config_parse(const char *file, const char *text, size_t len, struct problems *ps);

/* config_applied: gives back what applying alone needs: the content of the files. */
void config_applied(struct config *c);

/* config_free: NULL is allowed. */
void config_free(struct config *c);

/* config_engine_limits: the limits that the engine for @c is built with. */
struct engine_limits config_engine_limits(const struct config *c);

/* config_lint: warnings about what is allowed but probably not meant. */
void config_lint(const struct config *c, struct problems *warnings);

/* config_help: the keys with their values, defaults and meaning, in Markdown. */
void config_help(struct text *out);

/* config_find_interface: by name; NULL if there is none. */
const struct config_interface *config_find_interface(const struct config *c, const char *name);

#endif
