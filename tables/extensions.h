/* extensions.h - the registration structs of this room's matches and targets, from extensions.def. */
#ifndef TABLES_EXTENSIONS_H
#define TABLES_EXTENSIONS_H

#include "tables/extension.h"

#define MATCH(name) extern const struct match_ops match_##name;
#define TARGET(name) extern const struct target_ops target_##name;
#include "tables/extensions.def"
#undef MATCH
#undef TARGET

/* OPT_ROWS: an array of option rows with its count, for .options and .option_count. */
#define OPT_ROWS(rows) .options = (rows), .option_count = sizeof(rows) / sizeof((rows)[0])

#endif
