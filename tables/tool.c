/* tool.c - one run of iptables(8) on the live rules: read, carried out in a transaction, made live.
 *
 * Linux parity: iptables-standalone.c, iptables.c do_command4 of 1.8.9. A command that only lists needs no transaction;
 * naming a table is enough to put it in use, as loading it is in Linux. The counters of a changed table's policies
 * begin at 0 again: libiptc loses them, and what is compared with iptables should not differ there.
 */
#include <errno.h>

#include "tables/command_int.h"

/* change: the command in a transaction. -C changes nothing and is thrown away. Return: 0 or -1. */
static int change(struct command *c)
{
	c->rs = tables_begin(c->t, true);
	if (!c->rs)
		return rule_fail_errno(c->err, ENOMEM);
	if (table_touch(c->t, c->rs, c->id)) {
		rule_fail_errno(c->err, ENOMEM);
		goto abort;
	}
	if (command_apply(c) || c->cmd == 'C')
		goto abort;
	table_zero_policies(&c->rs->table[c->id]);
	if (!tables_commit(c->t, c->rs, c->err))
		return 0;
abort:
	tables_abort(c->t, c->rs);
	return c->err->code ? -1 : 0;
}

int tables_tool(struct tables *t, int argc, char **argv, struct text *out, struct text *warn, struct rule_error *err)
{
	return tables_tool_begin(t, argc, argv, out, warn, err, NULL);
}

int tables_tool_begin(struct tables *t, int argc, char **argv, struct text *out, struct text *warn, struct rule_error *err,
		      struct listing **listing)
{
	struct command c;
	int result;

	*err = (struct rule_error){ 0 };
	command_begin(&c, t, TABLE_FILTER, argc, argv, err);
	c.mode = COMMAND_TOOL;
	c.out = out;
	c.warn = warn;
	c.rs = t->live;
	c.listing = listing;
	result = command_read(&c);
	if (!result && !c.stop) {
		tables_use(t, c.id);
		result = command_reads(&c) ? command_apply(&c) : change(&c);
	}
	command_end(&c);
	return result;
}
