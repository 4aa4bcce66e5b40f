/* hashlimit.h - the tables of -m hashlimit, as the status tree shows them (net/ipt_hashlimit/NAME). */
#ifndef TABLES_HASHLIMIT_H
#define TABLES_HASHLIMIT_H

#include "tables/tables.h"

struct text;

/* hashlimit_names: calls @fn for each table. */
void hashlimit_names(const struct tables *t, void (*fn)(void *ctx, const char *name), void *ctx);

/* hashlimit_print: one line per key: `SECONDS SRC:PORT->DST:PORT CREDIT CAP COST`. Return: 0 or -ENOENT. */
int hashlimit_print(const struct tables *t, const char *name, struct text *out);

#endif
