/* recent.h - the lists of -m recent, as the status tree shows and changes them (net/xt_recent/NAME). */
#ifndef TABLES_RECENT_H
#define TABLES_RECENT_H

#include "tables/tables.h"

struct text;

/* recent_names: calls @fn for each list. */
void recent_names(const struct tables *t, void (*fn)(void *ctx, const char *name), void *ctx);

/* recent_print: one line for each address, the one that was touched longest ago first: `src=A ttl: N last_seen: JIFFIES
 * oldest_pkt: N STAMP, ...`. Return: 0 or -ENOENT. */
int recent_print(const struct tables *t, const char *name, struct text *out);

/* recent_write: "+ADDRESS" notes an address, "-ADDRESS" forgets it, "/" forgets all. Return: 0, -ENOENT, -EINVAL. */
int recent_write(struct tables *t, const char *name, const char *command);

#endif
