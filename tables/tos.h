/* tos.h - values of the type of service field as -m tos and -j TOS read and print them (libxt tos_values.c). */
#ifndef TABLES_TOS_H
#define TABLES_TOS_H

#include "tables/extension.h"

struct text;

struct tos_value {
	uint8_t value, mask;
};

/* tos_parse: the word in c->arg: V (mask 0xff), V/M or a name (mask 0x3f). Return: 0, or -1 with the error filled. */
int tos_parse(struct opt_call *c, struct tos_value *out);

/* tos_name: the name of a value with mask 0x3f, or NULL. */
const char *tos_name(const struct tos_value *v);

#endif
