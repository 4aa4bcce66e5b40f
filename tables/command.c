/* command.c - one iptables command line, carried out in a transaction.
 *
 * Overview
 *   The words are read as getopt_long(3) reads them for iptables: short options with the value behind or
 * attached, flags in clusters, long options by unambiguous prefix with `=VALUE` or the next word, a lone `!`
 * before the option it inverts. Rows of struct core_option say what each does; what is none of these goes to
 * the matches and the target.
 *
 * Linux parity: iptables/xshared.c do_parse, iptables.c do_command4 of 1.8.9, texts included. Deliberate
 * difference: values attached to their option (-s1.2.3.4, --source=1.2.3.4) are taken, where 1.8.9 mistakes
 * them.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "tables/tables_int.h"

struct command {
	struct tables *t;
	struct ruleset *rs;
	enum table_id id;
	struct rule_error *err;
	bool make_chains;
	int argc, index;
	char **argv;
	const char *cluster; /* rest of a word of short flags */
	char cmd;            /* A D I R C N X P F Z E; 0 = none yet */
	char given[16];      /* short names of the rule options seen, each once */
	unsigned given_count;
	bool invert;
	const char *chain, *second; /* second: new name, policy */
	unsigned number;            /* rule number; 0 = none */
	struct rule_words words;
};

enum arg_kind { ARG_NONE, ARG_NEEDED, ARG_MAYBE };

struct core_option {
	const char *name;
	char letter;
	uint8_t arg; /* enum arg_kind */
	bool invertible;
	int (*take)(struct command *c, const struct core_option *o, char *arg);
};

/* next_is_value: whether there is a next word and it is no option and no `!`. */
static bool next_is_value(const struct command *c)
{
	return c->index < c->argc && c->argv[c->index][0] != '-' && c->argv[c->index][0] != '!';
}

/* parse_number: a rule number into c->number. Return: 0 or -1. */
static int parse_number(struct command *c, const char *text)
{
	uint64_t n;

	if (opt_number(text, NULL, 1, INT32_MAX, &n))
		return rule_fail(c->err, "Invalid rule number `%s'", text);
	c->number = (unsigned)n;
	return 0;
}

/* take_command: -A and its like: the command, its chain, and what else belongs to it. Return: 0 or -1. */
static int take_command(struct command *c, const struct core_option *o, char *arg)
{
	if (c->cmd)
		return rule_fail(c->err, "Cannot use -%c with -%c", o->letter, c->cmd);
	c->cmd = o->letter;
	c->chain = arg;
	switch (o->letter) {
	case 'D':
	case 'I':
		return next_is_value(c) ? parse_number(c, c->argv[c->index++]) : 0;
	case 'R':
		if (!next_is_value(c))
			return rule_fail(c->err, "-R requires a rule number");
		return parse_number(c, c->argv[c->index++]);
	case 'Z':
		return arg && next_is_value(c) ? parse_number(c, c->argv[c->index++]) : 0;
	case 'E':
	case 'P':
		if (!next_is_value(c))
			return rule_fail(c->err, o->letter == 'P'
							 ? "-P requires a chain and a policy"
							 : "-E requires old-chain-name and new-chain-name");
		c->second = c->argv[c->index++];
		return 0;
	default:
		return 0;
	}
}

/* take_reader: -L, -S: they read and belong to no transaction. Return: -1. */
static int take_reader(struct command *c, const struct core_option *o, char *arg)
{
	(void)arg;
	if (c->cmd)
		return rule_fail(c->err, "Cannot use -%c with -%c", o->letter, c->cmd);
	return rule_fail(c->err, "-%c lists and cannot stand among rules", o->letter);
}

static int take_source(struct command *c, const struct core_option *o, char *arg)
{
	(void)o;
	c->words.src_text = arg;
	c->words.spec.invert |= c->invert ? INV_SRC : 0;
	return 0;
}
static int take_destination(struct command *c, const struct core_option *o, char *arg)
{
	(void)o;
	c->words.dst_text = arg;
	c->words.spec.invert |= c->invert ? INV_DST : 0;
	return 0;
}
static int take_protocol(struct command *c, const struct core_option *o, char *arg)
{
	(void)o;
	return rule_words_proto(&c->words, arg, c->invert);
}
static int take_in(struct command *c, const struct core_option *o, char *arg)
{
	(void)o;
	return rule_words_iface(&c->words, c->words.spec.in, arg, c->invert, INV_IN);
}
static int take_out(struct command *c, const struct core_option *o, char *arg)
{
	(void)o;
	return rule_words_iface(&c->words, c->words.spec.out, arg, c->invert, INV_OUT);
}
static int take_fragment(struct command *c, const struct core_option *o, char *arg)
{
	(void)o, (void)arg;
	c->words.spec.fragment = 1;
	c->words.spec.invert |= c->invert ? INV_FRAG : 0;
	return 0;
}
static int take_jump(struct command *c, const struct core_option *o, char *arg)
{
	return rule_words_target(&c->words, arg, o->letter == 'g');
}
static int take_match(struct command *c, const struct core_option *o, char *arg)
{
	(void)o;
	if (c->invert)
		return rule_fail(c->err, "unexpected ! flag before --match");
	return rule_words_match(&c->words, arg);
}

/* take_counters: -c PACKETS BYTES or -c PACKETS,BYTES. Return: 0 or -1. */
static int take_counters(struct command *c, const struct core_option *o, char *arg)
{
	char *comma = strchr(arg, ',');

	(void)o;
	if (comma)
		*comma++ = '\0';
	else if (next_is_value(c))
		comma = c->argv[c->index++];
	else
		return rule_fail(c->err, "-c requires packet and byte counter");
	return rule_words_counters(&c->words, arg, comma);
}

/* take_table: -t: who calls has chosen the table. Return: -1. */
static int take_table(struct command *c, const struct core_option *o, char *arg)
{
	(void)o, (void)arg;
	rule_fail(c->err, "The -t option cannot be used in iptables-restore.");
	c->err->blank = true;
	return -1;
}

/* take_mode: -n -x --line-numbers: legal() refuses them; -v -w -W -4 change nothing in a transaction: it does
 * not print and never waits. Return: 0 or -1. */
static int take_mode(struct command *c, const struct core_option *o, char *arg)
{
	(void)o, (void)arg;
	return c->invert ? rule_fail(c->err, "unexpected ! flag before -%c", o->letter) : 0;
}

static const struct core_option core_options[] = {
	{ "append", 'A', ARG_NEEDED, false, take_command },
	{ "delete", 'D', ARG_NEEDED, false, take_command },
	{ "check", 'C', ARG_NEEDED, false, take_command },
	{ "insert", 'I', ARG_NEEDED, false, take_command },
	{ "replace", 'R', ARG_NEEDED, false, take_command },
	{ "list", 'L', ARG_MAYBE, false, take_reader },
	{ "list-rules", 'S', ARG_MAYBE, false, take_reader },
	{ "flush", 'F', ARG_MAYBE, false, take_command },
	{ "zero", 'Z', ARG_MAYBE, false, take_command },
	{ "new-chain", 'N', ARG_NEEDED, false, take_command },
	{ "delete-chain", 'X', ARG_MAYBE, false, take_command },
	{ "rename-chain", 'E', ARG_NEEDED, false, take_command },
	{ "policy", 'P', ARG_NEEDED, false, take_command },
	{ "source", 's', ARG_NEEDED, true, take_source },
	{ "destination", 'd', ARG_NEEDED, true, take_destination },
	{ "src", 's', ARG_NEEDED, true, take_source },
	{ "dst", 'd', ARG_NEEDED, true, take_destination },
	{ "protocol", 'p', ARG_NEEDED, true, take_protocol },
	{ "in-interface", 'i', ARG_NEEDED, true, take_in },
	{ "jump", 'j', ARG_NEEDED, false, take_jump },
	{ "goto", 'g', ARG_NEEDED, false, take_jump },
	{ "table", 't', ARG_NEEDED, false, take_table },
	{ "match", 'm', ARG_NEEDED, true, take_match },
	{ "numeric", 'n', ARG_NONE, false, take_mode },
	{ "out-interface", 'o', ARG_NEEDED, true, take_out },
	{ "verbose", 'v', ARG_NONE, false, take_mode },
	{ "wait", 'w', ARG_MAYBE, false, take_mode },
	{ "wait-interval", 'W', ARG_MAYBE, false, take_mode },
	{ "exact", 'x', ARG_NONE, false, take_mode },
	{ "fragments", 'f', ARG_NONE, true, take_fragment },
	{ "line-numbers", '0', ARG_NONE, false, take_mode },
	{ "set-counters", 'c', ARG_NEEDED, false, take_counters },
	{ "ipv4", '4', ARG_NONE, false, take_mode },
};
enum { CORE_OPTIONS = sizeof core_options / sizeof *core_options };

/* note_given: remembers an option that a rule may have once only (-m may come again). Return: 0 or -1. */
static int note_given(struct command *c, char letter)
{
	if (letter == 'g')
		letter = 'j';
	if (!strchr("nsdpjxio0cfm", letter))
		return 0;
	if (memchr(c->given, letter, c->given_count))
		return letter == 'm' ? 0 : rule_fail(c->err, "multiple -%c flags not allowed", letter);
	c->given[c->given_count++] = letter;
	return 0;
}

/* run_option: checks and carries out one option of iptables' own. Return: 0 or -1. */
static int run_option(struct command *c, const struct core_option *o, char *arg)
{
	int result;

	if (note_given(c, o->letter))
		return -1;
	if (c->invert && isupper((unsigned char)o->letter) && o->letter != 'W')
		return rule_fail(c->err, "unexpected '!' flag");
	if (c->invert && !o->invertible && strchr("jgc", o->letter))
		return rule_fail(c->err, "cannot have ! before -%c", o->letter == 'g' ? 'j' : o->letter);
	result = o->take(c, o, arg);
	c->invert = false;
	return result;
}

/* value_of: the value of an option: @attached if there is one, else the next word if the option takes one.
 * @word: for the message. Return: 0 or -1. */
static int value_of(struct command *c, const struct core_option *o, char *attached, const char *word,
		    char **arg)
{
	*arg = attached;
	if (attached || o->arg == ARG_NONE)
		return 0;
	if (o->arg == ARG_MAYBE) {
		*arg = next_is_value(c) ? c->argv[c->index++] : NULL;
		return 0;
	}
	if (c->index >= c->argc)
		return rule_fail(c->err, "option \"%s\" requires an argument", word);
	*arg = c->argv[c->index++];
	return 0;
}

/* short_option: the next letter of a cluster such as -fjDROP. Return: 0 or -1. */
static int short_option(struct command *c)
{
	char *word = c->argv[c->index - 1], *arg, *attached = NULL;
	char letter = *c->cluster++;

	for (int i = 0; i < CORE_OPTIONS; i++) {
		const struct core_option *o = &core_options[i];

		if (o->letter != letter || letter == '0')
			continue;
		if (o->arg != ARG_NONE && *c->cluster) {
			attached = word + (c->cluster - word);
			c->cluster = "";
		}
		if (value_of(c, o, attached, word, &arg))
			return -1;
		return run_option(c, o, arg);
	}
	return rule_fail(c->err, "unknown option \"%s\"", word);
}

/* core_find: the long option that @word names: exactly, or by a prefix that fits one letter only.
 * Return: EXT_MISS, EXT_PREFIX, EXT_AMBIGUOUS or EXT_EXACT; *row for PREFIX and EXACT. */
static enum ext_hit core_find(const char *word, const struct core_option **row)
{
	size_t len = strcspn(word + 2, "=");
	enum ext_hit hit = EXT_MISS;

	for (int i = 0; i < CORE_OPTIONS; i++) {
		const struct core_option *o = &core_options[i];

		if (strncmp(o->name, word + 2, len))
			continue;
		if (strlen(o->name) == len) {
			*row = o;
			return EXT_EXACT;
		}
		if (hit == EXT_MISS) {
			hit = EXT_PREFIX;
			*row = o;
		} else if ((*row)->letter != o->letter) {
			hit = EXT_AMBIGUOUS;
		}
	}
	return hit;
}

/* extension_fits: whether a loaded match or target knows the option word. */
static bool extension_fits(const struct command *c, const char *word)
{
	const struct opt_row *row;

	for (unsigned i = 0; i < c->words.use_count; i++)
		if (ext_find_option(&c->words.uses[i], word, &row) != EXT_MISS)
			return true;
	return false;
}

/* long_option: the word at index, which begins with "--". Return: 0 or -1. */
static int long_option(struct command *c)
{
	char *word = c->argv[c->index], *equals = strchr(word, '='), *arg;
	const struct core_option *o = NULL;
	enum ext_hit hit = core_find(word, &o);

	if (hit == EXT_AMBIGUOUS || (hit == EXT_PREFIX && extension_fits(c, word)))
		hit = EXT_MISS;
	if (hit == EXT_MISS) {
		bool invert = c->invert;

		c->invert = false;
		return rule_words_extension(&c->words, c->argc, c->argv, &c->index, invert);
	}
	c->index++;
	if (equals && o->arg == ARG_NONE)
		return rule_fail(c->err, "unknown option \"%s\"", word);
	if (value_of(c, o, equals ? equals + 1 : NULL, word, &arg))
		return -1;
	return run_option(c, o, arg);
}

/* plain_word: a word that is no option: `!`, or a mistake. Return: 0 or -1. */
static int plain_word(struct command *c)
{
	const char *word = c->argv[c->index++];

	if (strcmp(word, "!")) {
		rule_fail(c->err, "Bad argument `%s'", word);
		c->err->bare = true;
		return -1;
	}
	if (c->invert)
		return rule_fail(c->err, "multiple consecutive ! not allowed");
	c->invert = true;
	return 0;
}

/* read_words: all the words. Return: 0 or -1. */
static int read_words(struct command *c)
{
	int result = 0;

	while (!result && (*c->cluster || c->index < c->argc)) {
		const char *word = *c->cluster ? NULL : c->argv[c->index];

		if (!word) {
			result = short_option(c);
		} else if (word[0] != '-' || !word[1]) {
			result = plain_word(c);
		} else if (word[1] != '-') {
			c->cluster = word + 1;
			c->index++;
		} else if (word[2]) {
			result = long_option(c);
		} else {
			c->index++;
			break;
		}
	}
	if (result)
		return -1;
	if (c->index < c->argc)
		return rule_fail(c->err, "unknown arguments found on commandline");
	if (!c->cmd)
		return rule_fail(c->err, "no command specified");
	if (c->invert)
		return rule_fail(c->err, "nothing appropriate following !");
	return 0;
}

/* legal: refuses options that make no sense with the command. Return: 0 or -1. */
static int legal(const struct command *c)
{
	const char *refused = strchr("AIR", c->cmd)                ? "nx0"
			      : strchr("DC", c->cmd) && !c->number ? "nx0c"
			      : c->cmd == 'P'                      ? "nsdpjxio0fm"
								   : "nsdpjxio0cfm";

	for (const char *r = refused; *r; r++)
		if (memchr(c->given, *r, c->given_count))
			return rule_fail(c->err, "Illegal option `-%c' with this command", *r);
	if (c->chain && strlen(c->chain) > CHAIN_NAME_LEN)
		return rule_fail(c->err, "chain name `%s' too long (must be under %u chars)", c->chain,
				 CHAIN_NAME_LEN + 1);
	return 0;
}

/* legal_place: -o with INPUT and its like; DROP in nat. Return: 0 or -1. */
static int legal_place(const struct command *c)
{
	const char *verdict = c->cmd == 'P' ? c->second : c->words.jump;
	char wrong = 0;

	if (c->chain && (!strcmp(c->chain, "PREROUTING") || !strcmp(c->chain, "INPUT")))
		wrong = c->words.spec.out[0] ? 'o' : 0;
	if (c->chain && (!strcmp(c->chain, "POSTROUTING") || !strcmp(c->chain, "OUTPUT")))
		wrong = c->words.spec.in[0] ? 'i' : 0;
	if (wrong) {
		rule_fail(c->err, "Can't use -%c with %s", wrong, c->chain);
		c->err->blank = true;
		return -1;
	}
	if (c->id == TABLE_NAT && verdict && !strcmp(verdict, "DROP"))
		return rule_fail(
			c->err,
			"The \"nat\" table is not intended for filtering, the use of DROP is therefore "
			"inhibited.");
	return 0;
}

/* legal_name: whether a user chain may be called so (assert_valid_chain_name). Return: 0 or -1. */
static int legal_name(const struct command *c, const char *name)
{
	bool standard = !*name;

	for (enum rule_kind k = KIND_ACCEPT; k <= KIND_RETURN; k++)
		standard |= !strcmp(name, kind_name(k));
	if (strlen(name) > CHAIN_NAME_LEN)
		return rule_fail(c->err, "chain name `%s' too long (must be under %u chars)", name,
				 CHAIN_NAME_LEN + 1);
	if (*name == '-' || *name == '!')
		return rule_fail(c->err, "chain name not allowed to start with `%c'", *name);
	if (standard || target_ops_find(c->t, name))
		return rule_fail(c->err, "chain name may not clash with target name");
	if (strpbrk(name, " \t\n\v\f\r"))
		return rule_fail(c->err, "Invalid chain name `%s'", name);
	return 0;
}

/* chain_make: a new user chain in the command's table. Return: 0 or -1. */
static int chain_make(struct command *c, const char *name)
{
	struct chain *made;

	if (legal_name(c, name))
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

/* resolve_jump: what -j or -g means into *kind and *jump. Return: 0 or -1. */
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
	if (c->words.target)
		*kind = KIND_TARGET;
	if (*kind != KIND_NONE)
		return 0;
	*kind = c->words.has_goto ? KIND_GOTO : KIND_JUMP;
	*jump = chain_find(tb, name);
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
		at = find_equal(chain, e);
		rule_put(c->t, e->rule);
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

/* place_all: one rule for each pair of source and destination. Return: 0 or -1. */
static int place_all(struct command *c, const struct addr_list *src, const struct addr_list *dst,
		     enum rule_kind kind, struct chain *jump)
{
	struct chain *chain = chain_get(c, c->chain, c->make_chains && (c->cmd == 'A' || c->cmd == 'I'));
	struct rule_words *w = &c->words;

	if (!chain || check_position(c, chain))
		return -1;
	for (uint32_t i = 0; i < src->count * dst->count; i++) {
		struct rule_entry e = { .jump = jump,
					.tag = c->rs->tag,
					.packets = w->packets,
					.bytes = w->bytes,
					.counted = w->has_counters || c->rs->from_live };

		w->spec.src = src->addr[i / dst->count];
		w->spec.src_mask = src->mask[i / dst->count];
		w->spec.dst = dst->addr[i % dst->count];
		w->spec.dst_mask = dst->mask[i % dst->count];
		e.rule = rule_words_build(w, kind);
		if (!e.rule || place_one(c, chain, &e))
			return -1;
	}
	return 0;
}

/* run_rule: -A -I -R -D -C with a rule's words. Return: 0 or -1. */
static int run_rule(struct command *c)
{
	struct addr_list src, dst;
	enum rule_kind kind;
	struct chain *jump;

	if (rule_words_finish(&c->words) || addr_list_parse(&c->words, c->words.src_text, &src) ||
	    addr_list_parse(&c->words, c->words.dst_text, &dst))
		return -1;
	if ((src.count > 1 || dst.count > 1) && c->words.spec.invert & (INV_SRC | INV_DST))
		return rule_fail(c->err, "! not allowed with multiple source or destination IP addresses");
	if (c->cmd == 'R' && src.count * dst.count != 1)
		return rule_fail(c->err, "Replacement rule does not specify a unique address");
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
	if (legal_name(c, c->chain))
		return -1;
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

/* run_zero: -Z of one chain, with its policy's counters; or of one rule. Return: 0 or -1. */
static int run_zero(struct command *c, struct chain *chain)
{
	uint32_t first = c->number ? c->number - 1 : 0, end = c->number ? c->number : chain->count;

	if (end > chain->count)
		return rule_fail_code(c->err, 1, "Index of counter too big.");
	for (uint32_t i = first; i < end; i++) {
		chain->entries[i].packets = chain->entries[i].bytes = 0;
		chain->entries[i].counted = true;
	}
	if (!c->number) {
		chain->packets = chain->bytes = 0;
		chain->counted = true;
	}
	return 0;
}

/* run_flush: -F of one chain. Return: 0. */
static int run_flush(struct command *c, struct chain *chain)
{
	chain_flush(c->t, chain);
	return 0;
}

/* run_each: -F, -Z, -X of the chain named, or of all (-X: all of the user's). Return: 0 or -1. */
static int run_each(struct command *c, int (*run)(struct command *, struct chain *))
{
	struct table *tb = &c->rs->table[c->id];
	struct chain *chain;

	if (c->chain) {
		chain = chain_get(c, c->chain, false);
		return chain ? run(c, chain) : -1;
	}
	for (uint32_t i = tb->count; i-- > (run == run_remove ? tb->base_count : 0);)
		if (run(c, tb->chains[i]))
			return -1;
	return 0;
}

/* run_rename: -E OLD NEW. Return: 0 or -1. */
static int run_rename(struct command *c)
{
	struct table *tb = &c->rs->table[c->id];
	struct chain *chain;

	if (legal_name(c, c->second))
		return -1;
	if (chain_find(tb, c->second))
		return rule_fail_errno(c->err, EEXIST);
	chain = chain_find(tb, c->chain);
	if (!chain || chain->hook >= 0)
		return rule_fail_errno(c->err, ENOENT);
	chain_rename(tb, chain, c->second);
	return 0;
}

/* run_policy: -P CHAIN VERDICT [-c P B]. Return: 0 or -1. */
static int run_policy(struct command *c)
{
	const uint64_t counters[2] = { c->words.packets, c->words.bytes };

	return policy_set(c->rs, c->id, c->chain, c->second, c->words.has_counters ? counters : NULL, c->err);
}

/* run: carries out the command read. Return: 0 or -1. */
static int run(struct command *c)
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
		return run_each(c, run_remove);
	case 'F':
		return run_each(c, run_flush);
	case 'Z':
		return run_each(c, run_zero);
	case 'E':
		return run_rename(c);
	default:
		return run_policy(c);
	}
}

int ruleset_command(struct tables *t, struct ruleset *rs, enum table_id id, int argc, char **argv,
		    bool make_chains, struct rule_error *err)
{
	struct command c;
	int result;

	memset(&c, 0, offsetof(struct command, words));
	c.t = t;
	c.rs = rs;
	c.id = id;
	c.err = err;
	c.make_chains = make_chains;
	c.argc = argc;
	c.argv = argv;
	c.cluster = "";
	*err = (struct rule_error){ .tag = rs->tag };
	table_touch(rs, id);
	rule_words_begin(&c.words, t, id, err);
	result = read_words(&c) || legal(&c) || legal_place(&c) || run(&c) ? -1 : 0;
	rule_words_end(&c.words);
	return result;
}

int ruleset_name_chain(struct tables *t, struct ruleset *rs, enum table_id id, const char *line)
{
	static const char *const naming[] = { "-N", "--new-chain", "-A", "--append", "-I", "--insert" };
	struct rule_error err = { 0 };
	struct command c = { .t = t, .rs = rs, .id = id, .err = &err };
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
	return result;
}
