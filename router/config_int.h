/* config_int.h - what the files that read a configuration share. */
#ifndef ROUTER_CONFIG_INT_H
#define ROUTER_CONFIG_INT_H

#include "router/config.h"

/* Where a reader of entries is. */
struct config_reader {
	struct config *config;
	struct problems *ps;
	const struct ini_entry *entry; /* the one being read */
};

/* config_bad: a problem with the entry being read. Return: false, for `return config_bad(...)`. */
bool config_bad(const struct config_reader *rd, const char *format, ...) __attribute__((format(printf, 2, 3)));

enum { CONFIG_WHY_MAX = 256 };

/* Reads a value into a field. Return: false with @why (CONFIG_WHY_MAX bytes) = what is wrong and what to do. */
struct config_key;
typedef bool config_value_fn(const struct config_key *k, void *field, const char *value, char *why);

/* One key of [router] or [interface NAME]. */
struct config_key {
	const char *name;
	config_value_fn *read;
	size_t offset;        /* in struct config or struct config_interface */
	uint32_t min, max;    /* numbers: inclusive. strings: max = bytes of the field */
	const char *value;    /* what it looks like, for help */
	const char *fallback; /* default, for help */
	const char *help;
};

extern const struct config_key config_router_keys[], config_interface_keys[];
extern const size_t config_router_key_count, config_interface_key_count;

/* config_read_key: reads the entry of @rd into @object by the rows @keys. Return: false with a problem. */
bool config_read_key(const struct config_reader *rd, const struct config_key *keys, size_t count, void *object);

/* Readers of the other sections, one entry each. Return: false with a problem. */
bool config_read_route(struct config_reader *rd);
bool config_read_rule(struct config_reader *rd, enum table_id table);
bool config_read_helper(struct config_reader *rd, struct config_helper *h);

/* config_read_words: splits @text at blanks in place. Return: how many words, at most @max (more: @max + 1). */
unsigned config_read_words(char *text, char **word, unsigned max);

/* config_read_number: a decimal number within min..max and nothing else. Return: false if it is not. */
bool config_read_number(const char *text, uint32_t min, uint32_t max, uint32_t *out);

/* config_sort_rules: puts the rules into order and reports equal numbers. */
void config_sort_rules(struct config *c, struct problems *ps);

#endif
