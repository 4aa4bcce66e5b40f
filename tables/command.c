/* command.c - reads one iptables command line.
 *
 * Overview
 *   The words are read as getopt_long(3) reads them for iptables: short options with the value behind or
 * attached, flags in clusters, long options by unambiguous prefix with `=VALUE` or the next word, a lone `!`
 * before the option it inverts. Rows of struct core_option say what each does; what is none of these goes to
 * the matches and the target. What was read is carried out by command_run.c.
 *
 * Linux parity: iptables/xshared.c do_parse of 1.8.9, texts included. Deliberate differences: values attached to their
 * option (-s1.2.3.4, --source=1.2.3.4) are taken, as 1.8.11 does; -vv prints no dump of the kernel's table.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "tables/command_int.h"

#define TOOL_VERSION "v1.8.11 (legacy)"

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
	case 'N':
		return command_chain_name(c, arg);
	case 'D':
	case 'I':
		return next_is_value(c) ? parse_number(c, c->argv[c->index++]) : 0;
	case 'R':
		if (!next_is_value(c))
			return rule_fail(c->err, "-R requires a rule number");
		return parse_number(c, c->argv[c->index++]);
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

/* take_reader: -L, -S [CHAIN [NUMBER]], alone or beside -Z. Return: 0 or -1. */
static int take_reader(struct command *c, const struct core_option *o, char *arg)
{
	if (c->cmd && c->cmd != 'Z')
		return rule_fail(c->err, "Cannot use -%c with -%c", o->letter, c->cmd);
	if (!c->out)
		return rule_fail(c->err, "-%c lists and cannot stand among rules", o->letter);
	c->zero = c->cmd == 'Z';
	c->cmd = o->letter;
	c->chain = arg ? arg : c->chain;
	return next_is_value(c) ? parse_number(c, c->argv[c->index++]) : 0;
}

/* take_zero: -Z [CHAIN [NUMBER]], alone or beside -L or -S; with a number it takes their place. Return: 0 or -1. */
static int take_zero(struct command *c, const struct core_option *o, char *arg)
{
	bool beside = (c->cmd == 'L' || c->cmd == 'S') && !c->zero;

	(void)o;
	if (c->cmd && !beside)
		return rule_fail(c->err, "Cannot use -Z with -%c", c->cmd);
	c->zero = beside;
	c->cmd = beside ? c->cmd : 'Z';
	c->chain = arg ? arg : c->chain;
	if (!next_is_value(c))
		return 0;
	c->cmd = 'Z';
	c->zero = false;
	c->zero_number = true;
	return parse_number(c, c->argv[c->index++]);
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

/* take_table: -t. Return: 0 or -1. */
static int take_table(struct command *c, const struct core_option *o, char *arg)
{
	(void)o;
	if (c->invert)
		return rule_fail(c->err, "unexpected ! flag before --table");
	if (c->mode != COMMAND_TOOL) {
		rule_fail(c->err, "The -t option cannot be used in iptables-restore.");
		c->err->blank = true;
		return -1;
	}
	c->table = arg;
	c->id = table_find(arg);
	c->words.table = c->id;
	for (unsigned i = 0; i < c->words.use_count; i++)
		c->words.uses[i].call.table = c->id;
	return 0;
}

/* take_mode: -n -v -x --line-numbers: how to list; -4 -M: nothing to do. Return: 0. */
static int take_mode(struct command *c, const struct core_option *o, char *arg)
{
	(void)arg;
	c->verbose += o->letter == 'v';
	c->flags |= o->letter == 'n'   ? LIST_NUMERIC
		    : o->letter == 'v' ? LIST_VERBOSE
		    : o->letter == 'x' ? LIST_EXACT
		    : o->letter == '0' ? LIST_LINE_NUMBERS
				       : 0;
	return 0;
}

/* take_ipv6: -6: a mistake; in iptables-restore a line for somebody else. Return: 0 or -1. */
static int take_ipv6(struct command *c, const struct core_option *o, char *arg)
{
	(void)arg;
	if (c->given_count < sizeof c->given)
		c->given[c->given_count++] = o->letter;
	c->stop = c->mode == COMMAND_RESTORE;
	return c->stop ? 0 : rule_fail(c->err, "%s", "");
}

/* starts_number: whether a text begins as sscanf(3) reads a number. */
static bool starts_number(const char *text)
{
	text += strspn(text, " \t");
	text += *text == '-' || *text == '+';
	return isdigit((unsigned char)*text);
}

/* take_wait: -w [SECONDS], -W MICROSECONDS: there is no lock to wait for. Return: 0 or -1. */
static int take_wait(struct command *c, const struct core_option *o, char *arg)
{
	bool interval = o->letter == 'W';

	if (c->mode == COMMAND_RESTORE)
		return rule_fail(c->err, "You cannot use `-%c' from iptables-restore", o->letter);
	if (interval && !arg)
		return rule_fail(c->err, "wait interval value required");
	if (arg && !starts_number(arg))
		return rule_fail(c->err, "wait %s not numeric", interval ? "interval" : "seconds");
	if (interval && c->warn)
		text_puts(c->warn, "Ignoring deprecated --wait-interval option.\n");
	c->wait |= !interval;
	c->interval |= interval;
	return 0;
}

/* take_version: -V. Return: 0. */
static int take_version(struct command *c, const struct core_option *o, char *arg)
{
	(void)o, (void)arg;
	if (c->out && c->invert)
		text_puts(c->out, "Not 1.8.11 (legacy) ;-)\n");
	else if (c->out)
		text_printf(c->out, "%s " TOOL_VERSION "\n", c->mode == COMMAND_RESTORE ? "iptables-restore" : "iptables");
	c->stop = true;
	return 0;
}

/* take_help: -h. Return: 0. */
static int take_help(struct command *c, const struct core_option *o, char *arg)
{
	(void)o, (void)arg;
	if (c->out)
		command_usage(c);
	c->stop = true;
	return 0;
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
	{ "zero", 'Z', ARG_MAYBE, false, take_zero },
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
	{ "wait", 'w', ARG_MAYBE, false, take_wait },
	{ "wait-interval", 'W', ARG_MAYBE, false, take_wait },
	{ "exact", 'x', ARG_NONE, false, take_mode },
	{ "fragments", 'f', ARG_NONE, true, take_fragment },
	{ "line-numbers", '0', ARG_NONE, false, take_mode },
	{ "set-counters", 'c', ARG_NEEDED, false, take_counters },
	{ "modprobe", 'M', ARG_NEEDED, false, take_mode },
	{ "version", 'V', ARG_NONE, false, take_version },
	{ "help", 'h', ARG_MAYBE, false, take_help },
	{ "ipv4", '4', ARG_NONE, false, take_mode },
	{ "ipv6", '6', ARG_NONE, false, take_ipv6 },
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
	if (c->invert && isupper((unsigned char)o->letter) && !strchr("WMV", o->letter))
		return rule_fail(c->err, "unexpected '!' flag");
	if (c->invert && !o->invertible && strchr("jgcnvx0", o->letter))
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

/* extension_fits: how the option word fits the matches and the target that are loaded: EXT_EXACT if one of them has
 * it, EXT_PREFIX if it begins an option of one. */
static enum ext_hit extension_fits(const struct command *c, const char *word)
{
	enum ext_hit best = EXT_MISS;
	const struct opt_row *row;

	for (unsigned i = 0; i < c->words.use_count && best != EXT_EXACT; i++) {
		enum ext_hit hit = ext_find_option(&c->words.uses[i], word, &row);

		if (hit != EXT_MISS)
			best = hit == EXT_EXACT ? EXT_EXACT : EXT_PREFIX;
	}
	return best;
}

/* long_option: the word at index, which begins with "--". Return: 0 or -1. */
static int long_option(struct command *c)
{
	char *word = c->argv[c->index], *equals = strchr(word, '='), *arg;
	const struct core_option *o = NULL;
	enum ext_hit hit = core_find(word, &o);

	if (hit == EXT_AMBIGUOUS || hit == EXT_PREFIX) {
		enum ext_hit other = extension_fits(c, word);

		if (other == EXT_EXACT)
			hit = EXT_MISS;
		else if (hit == EXT_AMBIGUOUS || other != EXT_MISS)
			return rule_fail(c->err, "unknown option \"%s\"", word);
	}
	if (hit == EXT_MISS) {
		bool invert = c->invert;

		c->invert = false;
		return rule_words_extension(&c->words, c->argc, c->argv, &c->index, invert);
	}
	c->index++;
	if (equals ? o->arg == ARG_NONE
		   : hit == EXT_PREFIX && o->arg == ARG_NEEDED && c->index == c->argc && rule_words_clashes(&c->words, word))
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

/* read_all: word after word, until one says stop. Return: 0 or -1. */
static int read_all(struct command *c)
{
	int result = 0;

	while (!result && !c->stop && (*c->cluster || c->index < c->argc)) {
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
	return result;
}

/* whole: whether the words, all read, make a command. Return: 0 or -1. */
static int whole(const struct command *c)
{
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
			      : c->cmd == 'P'                      ? "nsdpjxio0f"
			      : c->cmd == 'L'                      ? "sdpjiofc"
								   : "nsdpjxio0fc";

	for (const char *r = refused; *r; r++)
		if (memchr(c->given, *r, c->given_count))
			return rule_fail(c->err, "Illegal option `-%c' with this command", *r);
	if (c->chain && strlen(c->chain) > CHAIN_NAME_LEN)
		return rule_fail(c->err, "chain name `%s' too long (must be under %u chars)", c->chain,
				 CHAIN_NAME_LEN + 1);
	return 0;
}

/* legal_nat: no DROP in nat. Return: 0 or -1. */
static int legal_nat(const struct command *c)
{
	const char *verdict = c->cmd == 'P' ? c->second : c->words.jump;

	if (c->id != TABLE_NAT || !verdict || strcmp(verdict, "DROP"))
		return 0;
	rule_fail(c->err,
		  "The \"nat\" table is not intended for filtering, the use of DROP is therefore inhibited.");
	c->err->framed = true;
	return -1;
}

/* legal_wait: -W needs -w. Return: 0 or -1. */
static int legal_wait(const struct command *c)
{
	if (c->wait || !c->interval || c->mode != COMMAND_TOOL)
		return 0;
	rule_fail(c->err, "--wait-interval only makes sense with --wait");
	c->err->blank = true;
	return -1;
}

void command_begin(struct command *c, struct tables *t, enum table_id id, int argc, char **argv, struct rule_error *err)
{
	memset(c, 0, offsetof(struct command, words));
	c->t = t;
	c->id = id;
	c->err = err;
	c->argc = argc;
	c->argv = argv;
	c->cluster = "";
	rule_words_begin(&c->words, t, id, err);
}

void command_end(struct command *c)
{
	rule_words_end(&c->words);
}

int command_read(struct command *c)
{
	struct addr_list src, dst;

	c->words.warn = c->warn;
	if (read_all(c))
		return -1;
	if (c->stop)
		return 0;
	if (legal_nat(c) || rule_words_finish(&c->words) || whole(c) || legal_wait(c) || legal(c))
		return -1;
	if (c->id == TABLE_COUNT && strchr("AIRDC", c->cmd) && !(c->cmd == 'D' && c->number) && command_addresses(c, &src, &dst))
		return -1;
	if (c->id == TABLE_COUNT)
		return rule_fail_code(c->err, 3,
				      "can't initialize iptables table `%s': Table does not exist (do you need to insmod?)",
				      c->table);
	return 0;
}

bool command_reads(const struct command *c)
{
	return (c->cmd == 'L' || c->cmd == 'S') && !c->zero;
}
