/* command_run.c - carries out one command line that command.c has read, in a transaction.
 *
 * Linux parity: iptables.c do_command4 of 1.8.9, texts included: what -v prints, that a command for several rules or
 * chains goes on to the end and fails whole.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tables/command_int.h"

/* standard_name: whether it is the name of a verdict, or none. */
static bool standard_name(const char *name)
{
	bool standard = !*name;

	for (enum rule_kind k = KIND_ACCEPT; k <= KIND_RETURN; k++)
		standard |= !strcmp(name, kind_name(k));
	return standard;
}

int command_chain_name(const struct command *c, const char *name)
{
	if (strlen(name) > CHAIN_NAME_LEN)
		return rule_fail(c->err, "chain name `%s' too long (must be under %u chars)", name,
				 CHAIN_NAME_LEN + 1);
	if (*name == '-' || *name == '!')
		return rule_fail(c->err, "chain name not allowed to start with `%c'", *name);
	if (standard_name(name) || (c->cmd != 'E' && rule_words_is_target(&c->words, name)))
		return rule_fail(c->err, "chain name may not clash with target name");
	if (strpbrk(name, " \t\n\v\f\r"))
		return rule_fail(c->err, "Invalid chain name `%s'", name);
	return 0;
}

/* chain_make: a new user chain in the command's table. Return: 0 or -1. */
static int chain_make(struct command *c, const char *name)
{
	struct chain *made;

	if (command_chain_name(c, name))
		return -1;
	made = chain_add(&c->rs->table[c->id], name, -1);
	if (!made)
		return rule_fail_errno(c->err, ENOMEM);
	made->tag = c->rs->tag;
	return 0;
}

/* chain_get: the chain of that name; made if it is missing and may be. Return: NULL with the error filled. */
static struct chain *chain_get(struct command *c, const char *name, bool make)
{
	struct table *tb = &c->rs->table[c->id];
	struct chain *found = chain_find(tb, name);

	if (found)
		return found;
	if (!make) {
		rule_fail_errno(c->err, ENOENT);
		return NULL;
	}
	return chain_make(c, name) ? NULL : chain_find(tb, name);
}

/* resolve_jump: what -j or -g means into *kind and *jump. A chain goes before a target of the same name, whose options are
 * then forgotten. Return: 0 or -1. */
static int resolve_jump(struct command *c, enum rule_kind *kind, struct chain **jump)
{
	const char *name = c->words.jump;
	struct table *tb = &c->rs->table[c->id];

	*kind = KIND_NONE;
	*jump = NULL;
	if (!name)
		return 0;
	for (enum rule_kind k = KIND_ACCEPT; k <= KIND_RETURN && !c->words.has_goto; k++)
		if (!strcmp(name, kind_name(k)))
			*kind = k;
	if (*kind != KIND_NONE)
		return 0;
	*kind = c->words.has_goto ? KIND_GOTO : KIND_JUMP;
	*jump = chain_find(tb, name);
	if (!*jump && c->words.target) {
		*kind = KIND_TARGET;
		return 0;
	}
	if (!*jump && c->words.has_goto)
		return rule_fail(c->err, "goto '%s' is not a chain", name);
	if (!*jump) {
		rule_fail(c->err, "Couldn't load target `%s':No such file or directory", name);
		c->err->blank = true;
		return -1;
	}
	if ((*jump)->hook >= 0) {
		rule_fail_errno(c->err, EINVAL);
		return rule_fail_detail(c->err, "a rule cannot jump to the built-in chain %s", name);
	}
	if (c->words.target && c->warn)
		text_printf(c->warn, "Warning: using chain %s, not extension\n", name);
	return 0;
}

/* find_equal: position of the first rule equal to @e. Return: chain.count if there is none. */
static uint32_t find_equal(const struct chain *chain, const struct rule_entry *e)
{
	uint32_t i = 0;

	while (i < chain->count &&
	       !(chain->entries[i].jump == e->jump && rule_equal(chain->entries[i].rule, e->rule)))
		i++;
	return i;
}

/* place_one: -A, -I, -R, -D, -C of one rule; takes over the reference in @e. Return: 0 or -1. */
static int place_one(struct command *c, struct chain *chain, struct rule_entry *e)
{
	uint32_t at = c->cmd == 'A' ? chain->count : c->number ? c->number - 1 : 0;

	if (c->cmd == 'D' || c->cmd == 'C') {
		enum rule_kind kind = (enum rule_kind)e->rule->kind;

		at = find_equal(chain, e);
		rule_put(c->t, e->rule);
		if (at == chain->count && (kind == KIND_JUMP || kind == KIND_GOTO || kind == KIND_TARGET))
			return rule_fail_errno(c->err, ENOENT); /* libiptc forgets which function failed */
		if (at == chain->count)
			return rule_fail_code(c->err, 1,
					      "Bad rule (does a matching rule exist in that chain?).");
		if (c->cmd == 'D')
			chain_delete(c->t, chain, at);
		return 0;
	}
	if (chain_insert(chain, at, e)) {
		rule_put(c->t, e->rule);
		return rule_fail_errno(c->err, ENOMEM);
	}
	if (c->cmd == 'R')
		chain_delete(c->t, chain, at + 1);
	return 0;
}

/* check_position: whether the rule number of -I or -R exists. Return: 0 or -1. */
static int check_position(const struct command *c, const struct chain *chain)
{
	if (c->cmd == 'I' && c->number > chain->count + 1)
		return rule_fail_code(c->err, 1, "Index of insertion too big.");
	if (c->cmd == 'R' && c->number > chain->count)
		return rule_fail_code(c->err, 1, "Index of replacement too big.");
	return 0;
}

/* rule_at: the rule for pair @i of @src and @dst. Return: a reference, NULL with the error filled. */
static struct rule *rule_at(struct command *c, const struct addr_list *src, const struct addr_list *dst, uint32_t i,
			    enum rule_kind kind)
{
	struct rule_words *w = &c->words;

	w->spec.src = src->addr[i / dst->count];
	w->spec.src_mask = src->mask[i / dst->count];
	w->spec.dst = dst->addr[i % dst->count];
	w->spec.dst_mask = dst->mask[i % dst->count];
	return rule_words_build(w, kind);
}

/* show_all: -v prints the rules that it is about, whether it then works or not. Return: 0 or -1. */
static int show_all(struct command *c, const struct addr_list *src, const struct addr_list *dst, enum rule_kind kind,
		    struct chain *jump)
{
	if (!c->verbose || !c->out)
		return 0;
	for (uint32_t i = 0; i < src->count * dst->count; i++) {
		struct rule_entry e = { .rule = rule_at(c, src, dst, i, kind), .jump = jump };

		if (!e.rule)
			return -1;
		rule_line(&e, c->out);
		rule_put(c->t, e.rule);
	}
	return 0;
}

/* place_all: one rule for each pair of source and destination. What only the kernel refuses is told at once of a line of
 * the configuration, else when the table is checked, as the rule may be gone by then. Return: 0 or -1. */
static int place_all(struct command *c, const struct addr_list *src, const struct addr_list *dst,
		     enum rule_kind kind, struct chain *jump)
{
	struct chain *chain;
	struct rule_words *w = &c->words;

	if (show_all(c, src, dst, kind, jump))
		return -1;
	chain = chain_get(c, c->chain, c->make_chains && (c->cmd == 'A' || c->cmd == 'I'));
	if (!chain && (c->cmd == 'D' || c->cmd == 'C'))
		return rule_fail_code(c->err, 1, "Bad rule (does a matching rule exist in that chain?).");
	if (!chain || check_position(c, chain))
		return -1;
	if (w->refused.code && c->mode == COMMAND_CONFIG) {
		w->refused.tag = c->err->tag;
		*c->err = w->refused;
		return -1;
	}
	for (uint32_t i = 0; i < src->count * dst->count; i++) {
		struct rule_entry e = { .jump = jump,
					.tag = c->rs->tag,
					.packets = w->packets,
					.bytes = w->bytes,
					.counted = w->has_counters || c->rs->from_live };

		e.rule = rule_at(c, src, dst, i, kind);
		if (!e.rule)
			return -1;
		if (w->refused.code && rule_refuse(e.rule, &w->refused)) {
			rule_put(c->t, e.rule);
			return rule_fail_errno(c->err, ENOMEM);
		}
		if (place_one(c, chain, &e))
			return -1;
	}
	return 0;
}

/* legal_place: no -o with INPUT and its like. Return: 0 or -1. */
static int legal_place(const struct command *c)
{
	char wrong = 0;

	if (c->chain && (!strcmp(c->chain, "PREROUTING") || !strcmp(c->chain, "INPUT")))
		wrong = c->words.spec.out[0] ? 'o' : 0;
	if (c->chain && (!strcmp(c->chain, "POSTROUTING") || !strcmp(c->chain, "OUTPUT")))
		wrong = c->words.spec.in[0] ? 'i' : 0;
	if (!wrong)
		return 0;
	rule_fail(c->err, "Can't use -%c with %s", wrong, c->chain);
	c->err->blank = true;
	return -1;
}

int command_addresses(struct command *c, struct addr_list *src, struct addr_list *dst)
{
	if (addr_list_parse(&c->words, c->words.src_text, src) || addr_list_parse(&c->words, c->words.dst_text, dst))
		return -1;
	if ((src->count > 1 || dst->count > 1) && c->words.spec.invert & (INV_SRC | INV_DST))
		return rule_fail(c->err, "! not allowed with multiple source or destination IP addresses");
	if (c->cmd == 'R' && src->count * dst->count != 1)
		return rule_fail(c->err, "Replacement rule does not specify a unique address");
	return legal_place(c);
}

/* run_rule: -A -I -R -D -C with a rule's words. Return: 0 or -1. */
static int run_rule(struct command *c)
{
	struct addr_list src, dst;
	enum rule_kind kind;
	struct chain *jump;

	if (command_addresses(c, &src, &dst))
		return -1;
	if (src.count * dst.count > RULE_EXPAND_MAX)
		return rule_fail(c->err, "too many rules from one line (at most %d)", RULE_EXPAND_MAX);
	if (resolve_jump(c, &kind, &jump))
		return -1;
	return place_all(c, &src, &dst, kind, jump);
}

/* run_delete_number: -D CHAIN NUM. Return: 0 or -1. */
static int run_delete_number(struct command *c)
{
	struct chain *chain = chain_get(c, c->chain, false);

	if (!chain)
		return -1;
	if (c->number > chain->count)
		return rule_fail_code(c->err, 1, "Index of deletion too big.");
	chain_delete(c->t, chain, c->number - 1);
	return 0;
}

/* run_new: -N. Return: 0 or -1. */
static int run_new(struct command *c)
{
	const struct chain *there = chain_find(&c->rs->table[c->id], c->chain);

	if (there && there->hook < 0 && c->make_chains)
		return 0;
	if (chain_find(&c->rs->table[c->id], c->chain))
		return rule_fail_code(c->err, 1, "Chain already exists.");
	return chain_make(c, c->chain);
}

/* run_remove: -X of one chain. Return: 0 or -1. */
static int run_remove(struct command *c, struct chain *chain)
{
	if (chain->hook >= 0)
		return rule_fail_errno(c->err, EINVAL);
	if (chain->refs)
		return rule_fail_errno(c->err, EMLINK);
	if (chain->count)
		return rule_fail_errno(c->err, ENOTEMPTY);
	chain_remove(c->t, &c->rs->table[c->id], chain);
	return 0;
}

/* zero_entry: counters of a rule. */
static void zero_entry(struct rule_entry *e)
{
	e->packets = e->bytes = 0;
	e->counted = true;
}

/* run_zero_number: -Z CHAIN NUM. Return: 0 or -1. */
static int run_zero_number(struct command *c)
{
	struct chain *chain = chain_get(c, c->chain, false);

	if (!chain)
		return -1;
	if (c->number > chain->count)
		return rule_fail_code(c->err, 1, "Index of counter too big.");
	zero_entry(&chain->entries[c->number - 1]);
	return 0;
}

/* run_zero: -Z of one chain, with its policy's counters. Return: 0. */
static int run_zero(struct command *c, struct chain *chain)
{
	(void)c;
	for (uint32_t i = 0; i < chain->count; i++)
		zero_entry(&chain->entries[i]);
	chain->packets = chain->bytes = 0;
	chain->counted = true;
	return 0;
}

/* run_flush: -F of one chain. Return: 0. */
static int run_flush(struct command *c, struct chain *chain)
{
	chain_flush(c->t, chain);
	return 0;
}

/* A command that goes over chains. */
struct each {
	int (*run)(struct command *c, struct chain *chain);
	const char *doing; /* what -v says */
	bool users_only;   /* without a name: only the user's chains */
};

/* say_each: what -v says of a chain. */
static void say_each(const struct command *c, const struct each *each, const char *chain)
{
	if (c->verbose && c->out)
		text_printf(c->out, "%s chain `%s'\n", each->doing, chain);
}

/* run_all: all chains in their order; one that fails does not keep the rest from being tried. Return: 0 or -1. */
static int run_all(struct command *c, const struct each *each)
{
	struct table *tb = &c->rs->table[c->id];
	uint32_t first = each->users_only ? tb->base_count : 0, count = tb->count - first;
	struct chain **chains = malloc((count + 1) * sizeof(struct chain *));
	int result = 0;

	if (!chains)
		return rule_fail_errno(c->err, ENOMEM);
	table_sort(tb);
	memcpy(chains, tb->chains + first, count * sizeof(struct chain *));
	for (uint32_t i = 0; i < count; i++) {
		say_each(c, each, chains[i]->name);
		result |= each->run(c, chains[i]);
	}
	free(chains);
	return result;
}

/* run_each: -F, -Z, -X of the chain named, or of all (-X: all of the user's). Return: 0 or -1. */
static int run_each(struct command *c, const struct each *each)
{
	struct chain *chain;

	if (!c->chain)
		return run_all(c, each);
	say_each(c, each, c->chain);
	chain = chain_get(c, c->chain, false);
	return chain ? each->run(c, chain) : -1;
}

static const struct each removing = { run_remove, "Deleting", true };
static const struct each zeroing = { run_zero, "Zeroing", false };
static const struct each flushing = { run_flush, "Flushing", false };

/* run_rename: -E OLD NEW. NEW may be the name of a target, as in iptables. Return: 0 or -1. */
static int run_rename(struct command *c)
{
	struct table *tb = &c->rs->table[c->id];
	struct chain *chain;

	if (chain_find(tb, c->second) || (*c->second && standard_name(c->second)))
		return rule_fail_errno(c->err, EEXIST);
	chain = chain_find(tb, c->chain);
	if (!chain || chain->hook >= 0)
		return rule_fail_errno(c->err, ENOENT);
	if (command_chain_name(c, c->second))
		return -1;
	chain_rename(tb, chain, c->second);
	return 0;
}

/* run_policy: -P CHAIN VERDICT [-c P B]. Return: 0 or -1. */
static int run_policy(struct command *c)
{
	const uint64_t counters[2] = { c->words.packets, c->words.bytes };

	return policy_set(c->rs, c->id, c->chain, c->second, c->words.has_counters ? counters : NULL, c->err);
}

/* run_reader: -L, -S. Return: 0 or -1. */
static int run_reader(struct command *c)
{
	struct listing_how how = { .kind = c->cmd == 'L' ? LISTING_TABLE : LISTING_RULES, .id = c->id, .counters = c->verbose,
				   .one = c->chain, .num = c->number, .flags = c->flags };

	snprintf(how.chain, sizeof how.chain, "%s", c->chain ? c->chain : "");
	if (how.one && !chain_find(&c->rs->table[c->id], how.chain))
		return rule_fail_errno(c->err, ENOENT);
	if (c->listing && !c->zero) {
		*c->listing = listing_start(c->t, &how);
		return *c->listing ? 0 : rule_fail_errno(c->err, ENOMEM);
	}
	if (c->rs != c->t->live)
		table_sort(&c->rs->table[c->id]);
	ruleset_print(c->t, c->rs, &how, c->out);
	if (!c->zero)
		return 0;
	return c->zero_number ? run_zero_number(c) : run_each(c, &zeroing);
}

int command_apply(struct command *c)
{
	switch (c->cmd) {
	case 'D':
		return c->number ? run_delete_number(c) : run_rule(c);
	case 'A':
	case 'I':
	case 'R':
	case 'C':
		return run_rule(c);
	case 'N':
		return run_new(c);
	case 'X':
		return run_each(c, &removing);
	case 'F':
		return run_each(c, &flushing);
	case 'Z':
		return c->zero_number ? run_zero_number(c) : run_each(c, &zeroing);
	case 'E':
		return run_rename(c);
	case 'L':
	case 'S':
		return run_reader(c);
	default:
		return run_policy(c);
	}
}

int ruleset_command(struct tables *t, struct ruleset *rs, enum table_id id, int argc, char **argv,
		    bool make_chains, struct rule_error *err)
{
	struct command c;
	int result;

	*err = (struct rule_error){ .tag = rs->tag };
	if (table_touch(t, rs, id))
		return rule_fail_errno(err, ENOMEM);
	command_begin(&c, t, id, argc, argv, err);
	c.rs = rs;
	c.make_chains = make_chains;
	result = command_read(&c) || c.stop || command_apply(&c) ? -1 : 0;
	if (c.stop)
		rule_fail(err, "-V, -h and -6 cannot stand among rules");
	command_end(&c);
	return result;
}

int ruleset_name_chain(struct tables *t, struct ruleset *rs, enum table_id id, const char *line)
{
	static const char *const naming[] = { "-N", "--new-chain", "-A", "--append", "-I", "--insert" };
	struct rule_error err = { 0 };
	struct command c = { .t = t, .rs = rs, .id = id, .err = &err, .words = { .tables = t } };
	struct words words;
	int result = -1;

	if (words_split(line, strlen(line), WORDS_SHELL, &words, &err))
		return -1;
	for (size_t i = 0; i < sizeof naming / sizeof *naming && words.argc > 1; i++)
		if (!strcmp(words.argv[0], naming[i]))
			result = chain_get(&c, words.argv[1], true) ? 0 : -1;
	words_free(&words);
	return result;
}

int ruleset_line(struct tables *t, struct ruleset *rs, enum table_id id, const char *line, bool make_chains,
		 struct rule_error *err)
{
	struct words words;
	int result;

	*err = (struct rule_error){ .tag = rs->tag };
	if (words_split(line, strlen(line), WORDS_SHELL, &words, err))
		return -1;
	result = ruleset_command(t, rs, id, words.argc, words.argv, make_chains, err);
	words_free(&words);
	/* Where iptables has no more to say than its hint at --help. */
	if (result && !err->text[0])
		rule_fail(err, "not a command: -A CHAIN and what describes the rule expected");
	return result;
}
