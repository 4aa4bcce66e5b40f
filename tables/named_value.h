/* named_value.h - numbers that a file of the system gives names: route realms, groups of ports. */
#ifndef TABLES_NAMED_VALUE_H
#define TABLES_NAMED_VALUE_H

#include "tables/extension.h"

struct text;

/* named_value_parse: V, V/M or a name of the file @path (as iproute2 writes them: "NUMBER NAME" lines, # comments) into
 * @out: value and mask, all ones where not given. Return: 0, or -1 with the error filled. */
int named_value_parse(struct opt_call *c, const char *path, uint32_t out[2]);

/* named_value_put: " 0xV/0xM"; a value without a mask as " NAME" where the file @path has one, else " 0xV".
 * @path NULL: without names. */
void named_value_put(struct text *out, const char *path, const uint32_t value[2]);

/* named_value_of: the number of @name in the file @path. named_value_name: the first name of @value in it. Return: whether
 * there is one. */
enum { NAMED_VALUE_LEN = 64 };
bool named_value_of(const char *path, const char *name, uint32_t *value);
bool named_value_name(const char *path, uint32_t value, char name[NAMED_VALUE_LEN]);

#endif
