/* nfacct_command.c - the words of an nfacct(8) command, lists, and restore. Texts and exit status as nfacct 1.0.2.
 *
 * Linux parity: what the tool and libnetfilter_acct 1.0.3 print. Deliberate differences: restore also takes a line with a
 * quota as list prints it ("overquota = ..."), and names in which "quota" stands: the tool does not read what it wrote;
 * version says no more than the version.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/netstack.h"
#include "netstack/text.h"
#include "tables/nfacct.h"

#define TOOL "nfacct v1.0.2"

enum { NS_PER_S = 1000000000 };

static const char *const verbs[] = { "list",    "add",  "delete",  "get",    "flush",
				     "version", "help", "restore", "monitor" };

static const char help[] =
	TOOL ": utility for the Netfilter extended accounting infrastructure\n"
	     "Usage: %s command [parameters]...\n\n"
	     "Commands:\n"
	     "  list [reset]\t\tList the accounting object table (and reset)\n"
	     "  add object-name\tAdd new accounting object to table\n"
	     "  delete object-name\tDelete existing accounting object\n"
	     "  get object-name\tGet existing accounting object\n"
	     "  flush\t\t\tFlush accounting object table\n"
	     "  restore\t\tRestore accounting object table reading 'list' output from stdin\n"
	     "  monitor\t\tListens for quota attainment notifications\n"
	     "  version\t\tDisplay version and disclaimer\n"
	     "  help\t\t\tDisplay this help message\n";

/* begins: whether @word is the beginning of @whole; an empty word is of each. */
static bool begins(const char *word, const char *whole)
{
	return !strncmp(word, whole, strlen(word));
}

enum nfacct_verb nfacct_verb(const char *word)
{
	unsigned i = 0;

	while (i < NFACCT_UNKNOWN && !begins(word, verbs[i]))
		i++;
	return (enum nfacct_verb)i;
}

/* fail: a line on err; @number: an errno whose text follows, 0 none. Return: exit status. */
static int fail(struct nfacct_session *x, const char *what, int number)
{
	text_printf(x->err, TOOL ": %s%s%s\n", what, number ? ": " : "", number ? strerror(number) : "");
	return 1;
}

/* result: what became of a change. @error: 0 or a negative errno. Return: exit status. */
static int result(struct nfacct_session *x, int error)
{
	return error ? fail(x, "error", -error) : 0;
}

/* --- printing --------------------------------------------------------------------------------------------------- */

/* mode_of: what the quota limits. */
static const char *mode_of(const struct nfacct_counts *c)
{
	return c->flags & NFACCT_QUOTA_PACKETS ? "packet" : "byte";
}

/* put_plain: an object as a line that restore reads. */
static void put_plain(const char *name, const struct nfacct_counts *c, struct text *out)
{
	text_printf(out, "{ pkts = %.20llu, bytes = %.20llu", (unsigned long long)c->packets,
		    (unsigned long long)c->bytes);
	if (c->flags & NFACCT_QUOTA)
		text_printf(out, ", quota = %.20llu, mode = %s, overquota = %s", (unsigned long long)c->quota,
			    mode_of(c), c->flags & NFACCT_OVER ? "yes" : "no");
	text_printf(out, " } = %s;\n", name);
}

/* put_json: an object as the tool's JSON, which has '=' behind some names. No newline: a comma may follow. */
static void put_json(const char *name, const struct nfacct_counts *c, struct text *out)
{
	text_printf(out, "  { \"pkts\" : %llu, \"bytes\" : %llu", (unsigned long long)c->packets,
		    (unsigned long long)c->bytes);
	if (c->flags & NFACCT_QUOTA)
		text_printf(out, ", \"quota\" : %llu, \"mode\" = \"%s\", \"overquota\" = %d",
			    (unsigned long long)c->quota, mode_of(c), c->flags & NFACCT_OVER ? 1 : 0);
	text_printf(out, ", \"name\" : \"%s\" }", name);
}

/* put_json_before: what stands before an object: the head of the list, or a comma. */
static void put_json_before(const struct nfacct_session *x)
{
	const struct netstack *ns = x->all->ns;

	if (x->begun)
		text_puts(x->out, ",\n");
	else
		text_printf(x->out, "{ \"timestamp\" : %lld, \n  \"nfacct_counters\" : [\n",
			    (long long)((int64_t)ns->now + ns->wall_offset) / NS_PER_S);
}

/* put_object: one object of a list, which it may reset. */
static void put_object(struct nfacct_session *x, struct nfacct *a)
{
	const struct nfacct_counts c = nfacct_read(a, x->reset);

	switch (x->output) {
	case NFACCT_XML:
		if (!x->begun)
			text_puts(x->out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<nfacct>\n");
		text_printf(x->out, "<obj><name>%s</name><pkts>%.20llu</pkts><bytes>%.20llu</bytes></obj>\n",
			    a->name, (unsigned long long)c.packets, (unsigned long long)c.bytes);
		break;
	case NFACCT_JSON:
		put_json_before(x);
		put_json(a->name, &c, x->out);
		break;
	default:
		put_plain(a->name, &c, x->out);
	}
	x->begun = true;
}

/* put_end: what closes a list; nothing where it was empty. */
static void put_end(const struct nfacct_session *x)
{
	if (x->begun && x->output == NFACCT_XML)
		text_puts(x->out, "</nfacct>\n");
	if (x->begun && x->output == NFACCT_JSON)
		text_puts(x->out, "\n] }\n");
}

bool nfacct_list(struct nfacct_session *x, unsigned count)
{
	struct nfacct *a = x->all->first;

	while (a && a->serial < x->next)
		a = a->next;
	for (; a && count; count--, a = a->next) {
		x->next = a->serial + 1;
		if ((a->counts.flags & x->mask) == x->value)
			put_object(x, a);
	}
	if (!a)
		put_end(x);
	return a != NULL;
}

void nfacct_event(const struct nfacct *a, struct text *out)
{
	put_plain(a->name, &a->counts, out);
}

/* --- commands --------------------------------------------------------------------------------------------------- */

/* twice: two words of a list that exclude each other, the second being @word. Return: exit status. */
static int twice(struct nfacct_session *x, const char *word)
{
	text_printf(x->err, "Error: duplicate \"%s\" or collision with another option \n", word);
	return 1;
}

/* take_output: whether @word says reset or a format, as get and list share them. @again: it collides. */
static bool take_output(struct nfacct_session *x, const char *word, bool *again)
{
	if (begins(word, "reset")) {
		*again = x->reset;
		x->reset = true;
		return true;
	}
	if (!begins(word, "xml") && !begins(word, "json"))
		return false;
	*again = x->output != NFACCT_PLAIN;
	x->output = *word == 'x' ? NFACCT_XML : NFACCT_JSON;
	return true;
}

/* list_words: the words of list. Return: exit status. */
static int list_words(struct nfacct_session *x, int argc, char **argv)
{
	static const struct {
		const char *word;
		uint8_t mask, value;
	} filters[] = {
		{ "counters", NFACCT_QUOTA, 0 },
		{ "bytes-quota", NFACCT_QUOTA_BYTES, NFACCT_QUOTA_BYTES },
		{ "pkts-quota", NFACCT_QUOTA_PACKETS, NFACCT_QUOTA_PACKETS },
		{ "overquota", NFACCT_OVER, NFACCT_OVER },
	};

	for (int i = 2; i < argc; i++) {
		bool again = false;
		unsigned f = 0;

		if (!take_output(x, argv[i], &again)) {
			while (f < sizeof filters / sizeof *filters && !begins(argv[i], filters[f].word))
				f++;
			if (f == sizeof filters / sizeof *filters)
				return fail(x, "unknown argument", 0);
			again = x->mask;
			x->mask = filters[f].mask;
			x->value = filters[f].value;
		}
		if (again)
			return twice(x, argv[i]);
	}
	return 0;
}

/* get: prints one object. Return: exit status. */
static int get(struct nfacct_session *x, int argc, char **argv)
{
	struct nfacct *a;
	bool again;

	if (argc < 3)
		return fail(x, "missing object name", 0);
	for (int i = 3; i < argc; i++)
		if (!take_output(x, argv[i], &again)) /* the last format counts */
			return fail(x, "unknown argument", 0);
	a = nfacct_find(x->all, argv[2]);
	if (!a)
		return result(x, -ENOENT);
	put_object(x, a);
	put_end(x);
	return 0;
}

/* add: a new object, perhaps with a quota. Return: exit status. */
static int add(struct nfacct_session *x, int argc, char **argv)
{
	struct nfacct_counts c = { 0 };
	char *end;

	if (argc < 3)
		return fail(x, "missing object name", 0);
	if (argc == 4)
		return fail(x, "missing quota value", 0);
	if (argc > 5)
		return fail(x, "too many arguments", 0);
	if (argc == 5) {
		if (strcmp(argv[3], "byte") && strcmp(argv[3], "packet"))
			return fail(x, "argument must \"byte\" or \"packet\"", 0);
		c.flags = *argv[3] == 'b' ? NFACCT_QUOTA_BYTES : NFACCT_QUOTA_PACKETS;
		c.quota = strtoull(argv[4], &end, 10); /* what stands behind the number does not count */
		if (end == argv[4])
			return fail(x, "error reading quota", 0);
	}
	return result(x, nfacct_add(x->all, argv[2], &c));
}

/* delete_one: takes an object away. Return: exit status. */
static int delete_one(struct nfacct_session *x, int argc, char **argv)
{
	if (argc < 3)
		return fail(x, "missing object name", 0);
	if (argc > 3)
		return fail(x, "too many arguments", 0);
	return result(x, nfacct_delete(x->all, argv[2]));
}

/* flush: takes away all that no rule names. Return: exit status. */
static int flush(struct nfacct_session *x, int argc)
{
	if (argc > 2)
		return fail(x, "too many arguments", 0);
	nfacct_flush(x->all);
	return 0;
}

int nfacct_command(struct nfacct_session *x, int argc, char **argv, enum nfacct_verb *verb)
{
	*verb = argc > 1 ? nfacct_verb(argv[1]) : NFACCT_UNKNOWN;
	switch (*verb) {
	case NFACCT_LIST:
		return list_words(x, argc, argv);
	case NFACCT_ADD:
		return add(x, argc, argv);
	case NFACCT_DELETE:
		return delete_one(x, argc, argv);
	case NFACCT_GET:
		return get(x, argc, argv);
	case NFACCT_FLUSH:
		return flush(x, argc);
	case NFACCT_VERSION:
		text_puts(x->out, TOOL ": utility for the Netfilter extended accounting infrastructure\n");
		return 0;
	case NFACCT_HELP:
		text_printf(x->out, help, argv[0]);
		return 0;
	case NFACCT_RESTORE:
	case NFACCT_MONITOR:
		return 0;
	default:
		if (argc > 1)
			text_printf(x->err, TOOL ": Unknown command: %s\n", argv[1]);
		text_printf(x->err, "Usage: %s command [parameters]...\n", argv[0]);
		return 1;
	}
}

/* --- restore ---------------------------------------------------------------------------------------------------- */

/* is_blank: as isspace(3) in the C locale. */
static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(const char **at)
{
	while (is_blank(**at))
		++*at;
}

/* skip: moves *at behind @pattern, in which a blank stands for any number of them, also none. Return: whether it is there;
 * else *at does not move. */
static bool skip(const char **at, const char *pattern)
{
	const char *now = *at;

	for (; *pattern; pattern++)
		if (*pattern == ' ')
			skip_blanks(&now);
		else if (*now++ != *pattern)
			return false;
	*at = now;
	return true;
}

/* number: reads a number as scanf(3) does, blanks and a sign before it. *overflow is set if it is too large: the tool
 * takes the largest there is. Return: whether there is one. */
static bool number(const char **at, uint64_t *value, bool *overflow)
{
	char *end;

	errno = 0;
	*value = strtoull(*at, &end, 10);
	*overflow = *overflow || errno == ERANGE;
	if (end == *at)
		return false;
	*at = end;
	return true;
}

/* A word in the line: up to the next blank. */
struct word {
	const char *at;
	size_t len;
};

/* word: reads one. Return: whether there is one. */
static bool word(const char **at, struct word *w)
{
	skip_blanks(at);
	*w = (struct word){ .at = *at };
	while ((*at)[w->len] && !is_blank((*at)[w->len]))
		w->len++;
	*at += w->len;
	return w->len;
}

static bool word_is(const struct word *w, const char *text)
{
	return w->len == strlen(text) && !memcmp(w->at, text, w->len);
}

/* read_over: what list prints behind the mode, whose word ends in a comma then: " overquota = yes } =". Return: whether it
 * is that. */
static bool read_over(const char **at, const struct word *mode, struct nfacct_counts *c)
{
	struct word over;

	if (!word_is(mode, "packet,") && !word_is(mode, "byte,"))
		return false;
	c->flags = *mode->at == 'p' ? NFACCT_QUOTA_PACKETS : NFACCT_QUOTA_BYTES;
	if (!skip(at, " overquota =") || !word(at, &over))
		return false;
	if (word_is(&over, "yes"))
		c->flags |= NFACCT_OVER;
	else if (!word_is(&over, "no"))
		return false;
	return skip(at, " } =");
}

/* read_quota: ", quota = Q, mode = M } =". Each mode but byte means packets. Return: whether it is that. */
static bool read_quota(const char **at, struct nfacct_counts *c, bool *overflow)
{
	struct word mode;

	if (!skip(at, ", quota =") || !number(at, &c->quota, overflow) || !skip(at, ", mode =") ||
	    !word(at, &mode))
		return false;
	if (!skip(at, " } ="))
		return read_over(at, &mode, c);
	c->flags = word_is(&mode, "byte") ? NFACCT_QUOTA_BYTES : NFACCT_QUOTA_PACKETS;
	return true;
}

const char *nfacct_read_object(const char *text, struct nfacct_counts *c, char name[NFACCT_LINE_MAX],
			       bool *overflow)
{
	const char *at = text, *quota = strstr(at, "quota"), *brace = strchr(at, '}');
	struct word w;

	*c = (struct nfacct_counts){ 0 };
	*overflow = false;
	if (!skip(&at, "{ pkts =") || !number(&at, &c->packets, overflow) || !skip(&at, ", bytes =") ||
	    !number(&at, &c->bytes, overflow))
		return NULL;
	if (quota && brace && quota < brace ? !read_quota(&at, c, overflow) : !skip(&at, " } ="))
		return NULL;
	if (!word(&at, &w))
		return NULL;
	memcpy(name, w.at, w.len);
	name[w.len] = '\0';
	return at;
}

/* restore_line: one line, up to its first semicolon. Return: exit status. */
static int restore_line(struct nfacct_session *x, char *line)
{
	char *semicolon = strchr(line, ';'), name[NFACCT_LINE_MAX];
	struct nfacct_counts c;
	bool overflow;

	if (!semicolon)
		return fail(x, "invalid line", 0);
	*semicolon = '\0';
	if (!nfacct_read_object(line, &c, name, &overflow))
		return fail(x, "error reading input", overflow ? ERANGE : 0);
	return result(x, nfacct_add(x->all, name, &c));
}

int nfacct_restore(struct nfacct_session *x, const char **text, size_t *len, unsigned lines)
{
	char line[NFACCT_LINE_MAX];
	int code = 0;

	for (; *len && lines && !code; lines--) {
		/* A longer line is as several, as the tool reads it. */
		size_t most = *len < sizeof line - 1 ? *len : sizeof line - 1;
		const char *newline = memchr(*text, '\n', most);
		size_t n = newline ? (size_t)(newline - *text) + 1 : most;

		memcpy(line, *text, n);
		line[n] = '\0';
		*text += n;
		*len -= n;
		code = restore_line(x, line);
	}
	return code;
}
