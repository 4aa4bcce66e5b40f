/* named_value.c - V/M or a name, as xtables_parse_val_mask and xtables_print_val_mask have it; see named_value.h.
 *
 * The file is read whenever a name is asked for, as libc reads the list of services: rarely, and never for a packet.
 */
#include <stdio.h>
#include <stdlib.h>

#include "tables/named_value.h"
#include "tables/options.h"

/* next_row: the next number and name of the file. Return: false at its end. */
static bool next_row(FILE *f, uint32_t *value, char name[NAMED_VALUE_LEN])
{
	char line[256], *end;

	while (fgets(line, sizeof line, f)) {
		unsigned long number = strtoul(line, &end, 0);

		if (end == line || (*end != ' ' && *end != '\t') || sscanf(end, "%63s", name) != 1)
			continue;
		*value = (uint32_t)number;
		return true;
	}
	return false;
}

bool named_value_of(const char *path, const char *name, uint32_t *value)
{
	FILE *f = fopen(path, "re");
	char at[NAMED_VALUE_LEN];
	bool found = false;

	while (f && !found && next_row(f, value, at))
		found = !strcmp(at, name);
	if (f)
		fclose(f);
	return found;
}

bool named_value_name(const char *path, uint32_t value, char name[NAMED_VALUE_LEN])
{
	FILE *f = fopen(path, "re");
	uint32_t at;
	bool found = false;

	while (f && !found && next_row(f, &at, name))
		found = at == value;
	if (f)
		fclose(f);
	return found;
}

/* bad_value: an error of libxtables, which ends in an empty line. Return: -1. */
static int bad_value(struct opt_call *c, const char *format)
{
	rule_fail(c->err, format, c->ext, c->row->name);
	c->err->blank = true;
	return -1;
}

int named_value_parse(struct opt_call *c, const char *path, uint32_t out[2])
{
	static const char bad[] = "%s: bad integer value for option \"--%s\", or out of range.";
	const char *end = c->arg;
	uint64_t value, mask = UINT32_MAX;
	uint32_t named;

	if (opt_number(c->arg, &end, 0, UINT32_MAX, &value) || (*end && *end != '/')) {
		if (!named_value_of(path, c->arg, &named)) {
			rule_fail(c->err, "%s: could not map name %s to an integer value for option \"--%s\".", c->ext,
				  c->arg, c->row->name);
			c->err->blank = true;
			return -1;
		}
		value = named;
		end = "";
	}
	if (*end == '/') {
		if (opt_number(end + 1, &end, 0, UINT32_MAX, &mask))
			return bad_value(c, bad);
		if (*end)
			return bad_value(c, "%s: trailing garbage after value for option \"--%s\".");
	}
	out[0] = (uint32_t)value;
	out[1] = (uint32_t)mask;
	return 0;
}

void named_value_put(struct text *out, const char *path, const uint32_t value[2])
{
	char name[NAMED_VALUE_LEN];

	if (value[1] != UINT32_MAX)
		text_printf(out, " 0x%x/0x%x", value[0], value[1]);
	else if (path && named_value_name(path, value[0], name))
		text_printf(out, " %s", name);
	else
		text_printf(out, " 0x%x", value[0]);
}
