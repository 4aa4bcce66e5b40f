/* set_command.c - the words of an ipset(8) command, and restore. Texts and exit status as ipset 7.17. */
#include <arpa/inet.h>
#include <stdlib.h>

#include "tables/set.h"
#include "tables/tables_int.h"

enum { OTHER = 1, USAGE = 2, WORDS_MAX = 64 };

enum {
	C_CREATE,
	C_ADD,
	C_DEL,
	C_TEST,
	C_DESTROY,
	C_LIST,
	C_SAVE,
	C_RESTORE,
	C_FLUSH,
	C_RENAME,
	C_SWAP,
	C_HELP,
	C_VERSION,
	C_QUIT,
	C_COMMIT
};

static const struct {
	const char *name, *letters; /* letters: "-N" and "n" say the same */
	uint8_t id, min, max;       /* words that follow */
	bool restore;               /* may stand in a restore */
} commands[] = {
	{ "create", "Nn", C_CREATE, 2, 255, true },    { "add", "Aa", C_ADD, 2, 255, true },
	{ "del", "Dd", C_DEL, 2, 255, true },          { "test", "Tt", C_TEST, 2, 255, true },
	{ "destroy", "Xx", C_DESTROY, 0, 1, true },    { "list", "Ll", C_LIST, 0, 1, true },
	{ "save", "Ss", C_SAVE, 0, 1, true },          { "restore", "Rr", C_RESTORE, 0, 0, false },
	{ "flush", "Ff", C_FLUSH, 0, 1, true },        { "rename", "Ee", C_RENAME, 2, 2, true },
	{ "swap", "Ww", C_SWAP, 2, 2, true },          { "help", "hH", C_HELP, 0, 1, false },
	{ "version", "vV", C_VERSION, 0, 255, false }, { "quit", "qQ", C_QUIT, 0, 0, true },
	{ "COMMIT", "", C_COMMIT, 0, 0, true },
};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* report: "ipset v7.17: ..." and, of mistakes in use, where help is. Return: @code. */
static int report(struct set_session *x, int code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
static int report(struct set_session *x, int code, const char *format, ...)
{
	va_list args;

	if (x->quiet && !x->bare)
		return code;
	if (!x->bare)
		text_puts(x->err, "ipset v7.17: ");
	if (!x->bare && x->restoring && code == OTHER)
		text_printf(x->err, "Error in line %u: ", x->line);
	va_start(args, format);
	text_vprintf(x->err, format, args);
	va_end(args);
	text_puts(x->err, code == USAGE && !x->bare ? "\nTry `ipset help' for more information.\n" : "\n");
	return code;
}

/* report_error: what a parser has found. */
static int report_error(struct set_session *x, const struct set_error *err)
{
	return report(x, err->code, "%s", err->text);
}

/* finish: the answer to a change: 0, or what is wrong. */
static int finish(struct set_session *x, int result)
{
	return result < 0 ? report(x, OTHER, "%s", set_error_text(-result)) : 0;
}

/* --- options of create ------------------------------------------------------------------------------------------------ */

/* find_option: the option of @set called @word. Return: its number or -1. */
static int find_option(uint32_t set, const char *word)
{
	for (int o = 0; o <= OPT_AFTER; o++)
		if (set & 1u << o && !strcmp(word, set_option_name(o)))
			return o;
	return -1;
}

/* number: a value within min..max into a field of 32 bits. */
static int number(const char *text, uint64_t min, uint64_t max, uint32_t *out, struct set_error *err)
{
	uint64_t value;

	if (set_parse_number(text, min, max, &value, err))
		return -1;
	*out = (uint32_t)value;
	return 0;
}

/* create_netmask, create_bitmask: either, not both. */
static int create_netmask(struct set_create *c, const char *arg, struct set_error *err)
{
	uint32_t value;

	if (number(arg, 1, 32, &value, err))
		return set_fail(err, OTHER, "Syntax error: netmask is out of the inclusive range of 1-32");
	c->netmask = (uint8_t)value;
	c->bitmask = ntohl(ip4_mask(value));
	return 0;
}

/* create_value: the value of option @o. */
static int create_value(struct set_session *x, const struct set_type *type, struct set_create *c, int o,
			char *arg, struct set_error *err)
{
	uint32_t value = 0;
	int result = 0;

	switch (o) {
	case OPT_FAMILY:
		c->inet6 = !strcmp(arg, "inet6");
		if (strcmp(arg, "inet") && !c->inet6)
			return set_fail(err, OTHER, "Syntax error: unknown inet family %s", arg);
		return 0;
	case OPT_HASHSIZE:
		return number(arg, 0, UINT32_MAX, &c->hashsize, err);
	case OPT_MAXELEM:
		return number(arg, 0, UINT32_MAX, &c->maxelem, err);
	case OPT_SIZE:
		return number(arg, 0, UINT32_MAX, &c->size, err);
	case OPT_TIMEOUT:
		return number(arg, 0, SET_TIMEOUT_MAX, &c->timeout, err);
	case OPT_INITVAL:
		return number(arg, 0, UINT32_MAX, &c->initval, err);
	case OPT_BUCKETSIZE:
		result = number(arg, 0, UINT8_MAX, &value, err);
		c->bucketsize = (uint8_t)value;
		return result;
	case OPT_NETMASK:
		return create_netmask(c, arg, err);
	case OPT_BITMASK:
		return set_parse_ip(x->sets, arg, &c->bitmask, err);
	case OPT_RANGE:
		return set_parse_range(x->sets, type, arg, &c->range, err);
	default:
		return 0;
	}
}

/* is_flag: whether the option has no value. */
static bool is_flag(int o)
{
	const uint32_t flags = SET_OPT(INET) | SET_OPT(INET6) | SET_OPT(COUNTERS) | SET_OPT(COMMENT) |
			       SET_OPT(FORCEADD) | SET_OPT(SKBINFO) | SET_OPT(NOMATCH) | SET_OPT(WILDCARD);

	return flags & 1u << o;
}

/* create_option: the option at words[*i]. Return: 0 or exit status, reported. */
static int create_option(struct set_session *x, const struct set_type *type, struct set_create *c, int count,
			 char **words, int *i)
{
	struct set_error err = { 0 };
	const char *word = words[*i];
	int o = find_option(type->create_options, word);

	if (o < 0)
		return report(x, USAGE, "Unknown argument: `%s'", word);
	if (!is_flag(o) && *i + 1 == count)
		return report(x, USAGE, "Missing mandatory argument of option `%s'", word);
	if (o == OPT_PROBES || o == OPT_RESIZE) {
		*i += 1;
		if (!x->quiet)
			text_printf(x->err,
				    "Warning: Option '--%s %s' is ignored. Please upgrade your syntax.\n",
				    word, words[*i]);
		return 0;
	}
	if (c->given & (o == OPT_NETMASK ? SET_OPT(BITMASK) : o == OPT_BITMASK ? SET_OPT(NETMASK) : 0))
		return report(x, OTHER,
			      "Syntax error: bitmask and netmask are mutually exclusive, provide only one");
	if (c->given & 1u << o && !is_flag(o))
		return report(x, OTHER, "Syntax error: %s already specified", word);
	c->given |= 1u << o;
	c->inet6 |= o == OPT_INET6;
	if (is_flag(o))
		return 0;
	*i += 1;
	return create_value(x, type, c, o, words[*i], &err) ? report_error(x, &err) : 0;
}

/* name_fits: whether a set may be called so. Return: 0 or exit status, reported. */
static int name_fits(struct set_session *x, const char *name)
{
	if (strlen(name) < SET_NAME_MAX)
		return 0;
	return report(x, OTHER, "Syntax error: setname '%s' is longer than %u characters", name,
		      SET_NAME_MAX - 1);
}

static int run_create(struct set_session *x, int count, char **words)
{
	const struct set_type *type;
	struct set_create c = { 0 };
	int code = name_fits(x, words[0]);

	if (code)
		return code;
	if (strlen(words[1]) >= 32)
		return report(x, OTHER, "Syntax error: typename '%s' is longer than %u characters", words[1],
			      31);
	type = set_type_find(words[1]);
	if (!type)
		return report(x, OTHER, "Syntax error: typename '%s' is unknown", words[1]);
	for (int i = 2; i < count && !code; i++)
		code = create_option(x, type, &c, count, words, &i);
	if (code)
		return code;
	if (type->create_options & SET_OPT(RANGE) && !(c.given & SET_OPT(RANGE)))
		return report(x, USAGE, "Mandatory option `range' is missing");
	if (type->any_family && c.given & SET_OPT(RANGE) && !c.range.has_port_to)
		return report(x, USAGE, "Mandatory option `to' is missing");
	return finish(x, set_make(x->sets, words[0], type, &c, x->exist));
}

/* --- options of an element ------------------------------------------------------------------------------------------- */

/* parse_skbmark: MARK or MARK/MASK, both beginning with 0x. */
static int parse_skbmark(const char *arg, struct set_op *op, struct set_error *err)
{
	uint32_t mask = UINT32_MAX;

	const char *slash = strchr(arg, '/');

	if (strncmp(arg, "0x", 2) || (slash && strncmp(slash + 1, "0x", 2)) ||
	    opt_mark_mask(arg, &op->mark, &mask))
		return set_fail(
			err, OTHER,
			"Syntax error: Invalid skbmark format, it should be:  MARK/MASK or MARK (see manpage)");
	op->mark_mask = mask;
	return 0;
}

/* parse_skbprio: MAJOR:MINOR, hexadecimal. */
static int parse_skbprio(const char *arg, struct set_op *op, struct set_error *err)
{
	char *end;
	unsigned long major = strtoul(arg, &end, 16), minor = 0;
	bool good = end != arg && *end == ':' && major <= UINT16_MAX;
	const char *second = end + 1;

	if (good) {
		minor = strtoul(second, &end, 16);
		good = end != second && !*end && minor <= UINT16_MAX;
	}
	if (!good)
		return set_fail(
			err, OTHER,
			"Syntax error: Invalid skbprio format, it should be:MAJOR:MINOR (see manpage)");
	op->prio = (uint32_t)(major << 16 | minor);
	return 0;
}

/* parse_comment: text without quotes. */
static int parse_comment(const char *arg, struct set_entry *e, struct set_error *err)
{
	if (strchr(arg, '"'))
		return set_fail(err, OTHER, "Syntax error: \" character is not permitted in comments");
	if (strlen(arg) > SET_COMMENT_MAX)
		return set_fail(err, OTHER,
				"Syntax error: Comment is longer than the maximum allowed %d characters",
				SET_COMMENT_MAX);
	strcpy(e->comment, arg);
	e->op.comment = e->comment;
	return 0;
}

/* entry_value: the value of option @o. */
static int entry_value(struct set_entry *e, int o, const char *arg, struct set_error *err)
{
	struct set_op *op = &e->op;
	uint32_t value = 0;
	int result;

	switch (o) {
	case OPT_TIMEOUT:
		op->has_timeout = true;
		return number(arg, 0, SET_TIMEOUT_MAX, &op->timeout, err);
	case OPT_PACKETS:
		op->has_packets = true;
		return set_parse_number(arg, 0, UINT64_MAX - 1, &op->packets, err);
	case OPT_BYTES:
		op->has_bytes = true;
		return set_parse_number(arg, 0, UINT64_MAX - 1, &op->bytes, err);
	case OPT_ADT_COMMENT:
		return parse_comment(arg, e, err);
	case OPT_SKBMARK:
		op->has_skbinfo = true;
		return parse_skbmark(arg, op, err);
	case OPT_SKBPRIO:
		op->has_skbinfo = true;
		return parse_skbprio(arg, op, err);
	case OPT_SKBQUEUE:
		op->has_skbinfo = true;
		result = number(arg, 0, UINT16_MAX, &value, err);
		op->queue = (uint16_t)value;
		return result;
	default: /* before, after */
		if (strlen(arg) >= SET_NAME_MAX)
			return set_fail(err, OTHER, "Syntax error: setname '%s' is longer than %u characters",
					arg, SET_NAME_MAX - 1);
		strcpy(e->ref, arg);
		e->before = o == OPT_BEFORE ? 1 : -1;
		return 0;
	}
}

/* entry_option: the option at words[*i]; *given: those before it. Return: 0 or exit status, reported. */
static int entry_option(struct set_session *x, uint32_t allowed, struct set_entry *e, int count, char **words,
			int *i, uint32_t *given)
{
	struct set_error err = { 0 };
	const char *word = words[*i];
	int o = find_option(allowed, word);

	if (o < 0)
		return report(x, USAGE, "Unknown argument: `%s'", word);
	if (!is_flag(o) && *i + 1 == count)
		return report(x, USAGE, "Missing mandatory argument of option `%s'", word);
	if (*given & 1u << o && !is_flag(o))
		return report(x, OTHER, "Syntax error: %s already specified", word);
	*given |= 1u << o;
	if (is_flag(o)) {
		e->op.flags |= o == OPT_NOMATCH ? SET_OP_NOMATCH : SET_OP_WILDCARD;
		return 0;
	}
	*i += 1;
	return entry_value(e, o, words[*i], &err) ? report_error(x, &err) : 0;
}

/* check_single: what a test wants plain. Return: 0 or exit status, reported. */
static int check_single(struct set_session *x, const struct set_type *type, const struct set_entry *e)
{
	const char *family = type->any_family ? "unspec" : "inet";
	const char *what = e->has_cidr && type->test_single & 1      ? "IP/CIDR range"
			   : e->has_to && type->test_single & 2      ? "FROM-TO IP range"
			   : e->has_port_to && type->test_single & 4 ? "FROM-TO port range"
								     : NULL;

	return what ? report(x, OTHER, "%s is not allowed in command test with set type %s and family %s",
			     what, type->name, family)
		    : 0;
}

/* answer: a test's result in words. Return: exit status. */
static int answer(struct set_session *x, const struct set *s, const struct set_entry *e, int result)
{
	if (!x->quiet && (result > 0 || !x->restoring || !x->ended)) {
		text_puts(x->err, result > 0 ? "Warning: " : "");
		set_put_entry(s, e, x->err);
		text_printf(x->err, result > 0 ? " is in set %s.\n" : " is NOT in set %s.\n", s->name);
	}
	x->ended = true;
	return result > 0 ? 0 : OTHER;
}

/* run_element: add, del, test. */
static int run_element(struct set_session *x, enum set_adt adt, int count, char **words)
{
	struct set_entry e = { 0 };
	struct set_error err = { 0 };
	uint32_t given = 0, allowed;
	struct set *s;
	int code = name_fits(x, words[0]), result;

	if (code)
		return code;
	s = set_find(x->sets, words[0]);
	if (!s)
		return finish(x, -SET_E_NO_SET);
	if (set_parse_element(x->sets, s->type, words[1], &e, &err))
		return report_error(x, &err);
	allowed = adt == SET_ADD   ? s->type->add_options
		  : adt == SET_DEL ? s->type->del_options
				   : s->type->test_options;
	for (int i = 2; i < count && !code; i++)
		code = entry_option(x, allowed, &e, count, words, &i, &given);
	if (!code && adt == SET_TEST)
		code = check_single(x, s->type, &e);
	if (code)
		return code;
	e.op.flags |= x->exist ? SET_OP_EXIST : 0;
	result = set_update(s, adt, &e);
	if (adt == SET_TEST)
		return answer(x, s, &e, result);
	if (result == -SET_E_EXIST)
		return report(x, OTHER, "%s",
			      adt == SET_ADD ? "Element cannot be added to the set: it's already added"
					     : "Element cannot be deleted from the set: it's not added");
	return finish(x, result);
}

/* --- the other commands ----------------------------------------------------------------------------------------------- */

static int run_list(struct set_session *x, bool save, const char *name)
{
	const struct set_list_how how = { .output = x->has_output ? x->output
						    : save        ? SET_OUT_SAVE
								  : SET_OUT_PLAIN,
					  .names = x->names,
					  .terse = x->terse,
					  .sorted = x->sorted };
	int code = name ? name_fits(x, name) : 0, error;

	if (!code && x->listing && !x->restoring) {
		*x->listing = set_listing_start(x->sets, name, &how, &error);
		return finish(x, error);
	}
	return code ? code : finish(x, set_list(x->sets, name, &how, x->out));
}

static int run_help(struct set_session *x, const char *name)
{
	const struct set_type *type = name ? set_type_find(name) : NULL;
	int code = name && !type ? report(x, USAGE, "Unknown settype: `%s'", name) : 0;

	set_help(x->out);
	if (type)
		set_help_type(type, x->out);
	else if (!name)
		set_help_types(x->out);
	return code;
}

/* run_names: the commands of one or two names. */
static int run_names(struct set_session *x, uint8_t id, int count, char **words)
{
	int code = count > 0 ? name_fits(x, words[0]) : 0;

	if (!code && count > 1)
		code = name_fits(x, words[1]);
	if (code)
		return code;
	switch (id) {
	case C_DESTROY:
		return finish(x, set_destroy(x->sets, count ? words[0] : NULL));
	case C_FLUSH:
		return finish(x, set_flush(x->sets, count ? words[0] : NULL));
	case C_RENAME:
		return finish(x, set_rename(x->sets, words[0], words[1]));
	default:
		return finish(x, set_swap(x->sets, words[0], words[1]));
	}
}

/* run: a command and the @count words behind it. */
static int run(struct set_session *x, uint8_t id, int count, char **words)
{
	switch (id) {
	case C_CREATE:
		return run_create(x, count, words);
	case C_ADD:
	case C_DEL:
	case C_TEST:
		return run_element(x, id == C_ADD ? SET_ADD : id == C_DEL ? SET_DEL : SET_TEST, count, words);
	case C_LIST:
	case C_SAVE:
		return run_list(x, id == C_SAVE, count ? words[0] : NULL);
	case C_HELP:
		return run_help(x, count ? words[0] : NULL);
	case C_VERSION:
		text_puts(x->out, "ipset v7.17, protocol version: 7\n");
		return 0;
	case C_QUIT:
		x->ended = true;
		return 0;
	case C_RESTORE:
	case C_COMMIT:
		return 0;
	default:
		return run_names(x, id, count, words);
	}
}

/* --- words ------------------------------------------------------------------------------------------------------------ */

/* find_command: by a beginning of its name, or by letter. Return: row or -1. */
static int find_command(const char *word)
{
	bool dash = *word == '-';

	if (dash && word[1] && !word[2])
		for (int i = 0; i < COMMANDS; i++)
			if (strchr(commands[i].letters, word[1]))
				return i;
	if (!dash && *word && !word[1])
		for (int i = 0; i < COMMANDS; i++)
			if (strchr(commands[i].letters, *word))
				return i;
	if (dash && word[1] == '-' && word[2])
		word += 2;
	for (int i = 0; i < COMMANDS; i++)
		if (*word && !strncmp(commands[i].name, word, strlen(word)))
			return i;
	return -1;
}

/* Options of the tool itself, which may stand anywhere. */
enum { E_OUTPUT, E_SORTED, E_QUIET, E_RESOLVE, E_EXIST, E_NAME, E_TERSE, E_FILE, E_OPTIONS };
static const struct {
	const char *letter, *name;
	bool value;
} env_options[E_OPTIONS] = {
	[E_OUTPUT] = { "-o", "-output", true }, [E_SORTED] = { "-s", "-sorted", false },
	[E_QUIET] = { "-q", "-quiet", false },  [E_RESOLVE] = { "-r", "-resolve", false },
	[E_EXIST] = { "-!", "-exist", false },  [E_NAME] = { "-n", "-name", false },
	[E_TERSE] = { "-t", "-terse", false },  [E_FILE] = { "-f", "-file", true },
};

/* take_option: option @o of the tool. Return: 0 or exit status, reported. */
static int take_option(struct set_session *x, int o, const char *arg)
{
	static const char *const outputs[] = { "plain", "save", "xml" };

	switch (o) {
	case E_OUTPUT:
		x->has_output = true;
		for (x->output = 0; x->output < 3; x->output++)
			if (!strcmp(arg, outputs[x->output]))
				return 0;
		return report(x, OTHER, "Syntax error: unknown output mode '%s'", arg);
	case E_SORTED:
		x->sorted = true;
		return 0;
	case E_QUIET:
		x->quiet = true;
		return 0;
	case E_EXIST:
		x->exist = true;
		return 0;
	case E_NAME:
		x->names = true;
		return 0;
	case E_TERSE:
		x->terse = true;
		return 0;
	case E_RESOLVE:
		return report(x, OTHER,
			      "-resolve is not supported: the router does not ask for names of addresses");
	default:
		return 0; /* -file: opened by the client, whose file it is */
	}
}

/* take_options: takes the tool's options out of argv[1..*argc). Return: 0 or exit status, reported. */
static int take_options(struct set_session *x, int *argc, char **argv)
{
	int kept = 1, code = 0;

	for (int i = 1; i < *argc && !code; i++) {
		const char *word = argv[i] + (argv[i][0] == '-' && argv[i][1] == '-');
		int o = 0;

		while (o < E_OPTIONS && strcmp(word, env_options[o].letter) &&
		       strcmp(word, env_options[o].name))
			o++;
		if (o == E_OPTIONS) {
			argv[kept++] = argv[i];
			continue;
		}
		if (env_options[o].value && i + 1 == *argc)
			return report(x, USAGE, "Missing mandatory argument to option %s",
				      env_options[o].letter);
		code = take_option(x, o, env_options[o].value ? argv[++i] : NULL);
	}
	*argc = kept;
	return code;
}

int set_command(struct set_session *x, int argc, char **argv, bool *restore)
{
	int code = take_options(x, &argc, argv), row, count = argc - 2;
	char **words = argv + 2;

	*restore = false;
	if (code)
		return code;
	if (argc < 2)
		return report(x, USAGE, "No command specified.");
	row = find_command(argv[1]);
	if (row < 0)
		return report(x, USAGE, "No command specified: unknown argument %s", argv[1]);
	if (x->restoring && !commands[row].restore)
		return report(x, USAGE, "Command `%s' is invalid in restore mode.", commands[row].name);
	if (count < commands[row].min)
		return report(x, USAGE, "Missing %smandatory argument to command %s", count ? "second " : "",
			      commands[row].name);
	if (count > commands[row].max)
		return report(x, USAGE, "Unknown argument %s", words[commands[row].max]);
	*restore = commands[row].id == C_RESTORE;
	x->exist = x->restoring ? x->base_exist : x->exist; /* as ipset: what a line says does not count */
	x->base_exist = x->exist;
	x->base_quiet = x->quiet;
	return run(x, commands[row].id, count, words);
}

/* split: words of a restore line; quotes hold blanks; what follows an unclosed quote is dropped. Return: count. */
static int split(char *line, char **words)
{
	int count = 0;

	for (char *at = line; count < WORDS_MAX;) {
		at += strspn(at, " \t\r");
		if (!*at)
			break;
		if (*at == '"') {
			char *end = strchr(at + 1, '"');

			if (!end)
				break;
			words[count++] = at + 1;
			*end = '\0';
			at = end + 1;
			continue;
		}
		words[count++] = at;
		at += strcspn(at, " \t\r");
		if (*at)
			*at++ = '\0';
	}
	return count;
}

int set_restore_line(struct set_session *x, char *line)
{
	char *words[WORDS_MAX + 2], name[] = "ipset";
	bool restore;
	int count, code;
	bool base_exist = x->base_exist, base_quiet = x->base_quiet;

	x->restoring = true;
	x->line++;
	line += strspn(line, " \t\r");
	if (!*line || *line == '#')
		return 0;
	words[0] = name;
	count = split(line, words + 1);
	words[count + 1] = NULL;
	x->exist = base_exist;
	x->quiet = base_quiet;
	x->names = x->terse = x->has_output = false;
	code = set_command(x, count + 1, words, &restore);
	x->base_exist = base_exist;
	x->base_quiet = base_quiet;
	return code;
}

int set_restore_text(struct set_session *x, char *text)
{
	int code = 0;

	while (*text && !code && !x->ended) {
		size_t len = strcspn(text, "\n");
		bool more = text[len];

		text[len] = '\0';
		code = set_restore_line(x, text);
		text += len + more;
	}
	return code;
}
