/* fuzz_restore.c - an iptables-save text: loaded, loaded again over itself, listed in all ways; a mistake
 * changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/text.h"
#include "tables/extension.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* load: one transaction. Return: whether it was committed. */
static int load(struct tables *t, const char *text, int from_live, int noflush)
{
	struct ruleset *rs = tables_begin(t, from_live);
	struct rule_error err;

	if (!rs)
		abort();
	if (!ruleset_restore(t, rs, text, "fuzz", noflush, true, &err) && !tables_commit(t, rs, &err))
		return 1;
	if (err.code < 1 || err.code > 4 || !err.text[0])
		abort();
	tables_abort(t, rs);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tables *t = tables_create(NULL, NULL);
	char *text = calloc(1, size + 1);
	struct text out = { 0 };
	uint32_t generation;

	if (!t || !text)
		abort();
	memcpy(text, data, size);
	generation = t->generation;
	if (load(t, text, 0, 0)) {
		if (!load(t, text, 0, 0)) /* what was taken once is taken again */
			abort();
		load(t, text, 1, 1);
		load(t, text, 1, 0);
	} else if (t->generation != generation || t->init_count) {
		abort();
	}
	for (int id = 0; id < TABLE_COUNT; id++) {
		tables_list(t, (enum table_id)id, NULL, LIST_VERBOSE, &out);
		tables_list(t, (enum table_id)id, NULL,
			    LIST_NUMERIC | LIST_VERBOSE | LIST_EXACT | LIST_LINE_NUMBERS, &out);
		tables_list_rules(t, (enum table_id)id, NULL, 0, true, &out);
	}
	tables_save(t, TABLE_COUNT, true, "now", &out);
	text_free(&out);
	free(text);
	tables_destroy(t);
	return 0;
}
