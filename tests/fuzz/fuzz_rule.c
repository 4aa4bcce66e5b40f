/* fuzz_rule.c - one rule line: the first byte chooses the table and whether chains are made, the rest is the
 * line.
 *
 * What is taken must print as text that is taken again and prints the same.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/text.h"
#include "tables/extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* saved: iptables-save of one table. */
static struct text saved(const struct tables *t, enum table_id id)
{
	struct text out = { 0 };

	tables_save(t, id, true, NULL, &out);
	return out;
}

/* again: loads @text into @t and wants the same text back. */
static void again(struct tables *t, enum table_id id, const struct text *text)
{
	struct ruleset *rs = tables_begin(t, true);
	struct rule_error err;
	struct text out;

	if (!rs || ruleset_restore(t, rs, text_cstr(text), "saved", false, true, &err) ||
	    tables_commit(t, rs, &err)) {
		fprintf(stderr, "%s\nis refused: %s\n", text_cstr(text), err.text);
		abort();
	}
	out = saved(t, id);
	if (strcmp(text_cstr(&out), text_cstr(text))) {
		fprintf(stderr, "%s\nbecomes\n%s\n", text_cstr(text), text_cstr(&out));
		abort();
	}
	text_free(&out);
}

/* printable: a line with control characters prints as something that iptables-restore cannot read either, and
 * so does an interface name with a blank. */
static int printable(const char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' && *line != '\t')
			return 0;
	return 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum table_id id = size ? (enum table_id)(data[0] % TABLE_COUNT) : TABLE_FILTER;
	struct tables *t = tables_create(NULL, NULL);
	struct ruleset *rs = t ? tables_begin(t, true) : NULL;
	char *line = calloc(1, size + 1);
	struct rule_error err;
	struct text out;

	if (!rs || !line)
		abort();
	memcpy(line, data + (size ? 1 : 0), size - (size ? 1 : 0));
	if (ruleset_line(t, rs, id, line, size && data[0] & 128, &err) || tables_commit(t, rs, &err)) {
		if (err.code < 1 || err.code > 4 || !err.text[0])
			abort();
		tables_abort(t, rs);
	} else if (printable(line) && !strpbrk(line, "'\"\\")) {
		out = saved(t, id);
		again(t, id, &out);
		text_free(&out);
	}
	free(line);
	tables_destroy(t);
	return 0;
}
