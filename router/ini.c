/* ini.c - see ini.h.
 *
 * A line is: blank, a comment (; or #), [section], or key = value; a comment may follow. A quoted part of a value ("..."
 * or '...') and a byte after a backslash do not begin a comment. A value that is quoted as a whole is what is
 * inside.
 *
 * iniparser 4.1 gets the sound lines as "key=value" with the bytes ; # " ' \ of the value written as the control bytes
 * 1..5, which no sound line contains; they are put back after reading.
 */
#include "router/ini.h"

#include <ctype.h>
#include <iniparser/iniparser.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The bytes that iniparser would interpret; the position + 1 stands for each on the way through it. */
static const char special[] = ";#\"'\\";

/* iniparser's own line buffer, newline included. */
enum { INIPARSER_LINE_MAX = 1022 };

struct scan {
	struct ini *ini;
	struct problems *ps;
	const char *section; /* current, NULL before the first; "" behind a broken header: its keys are skipped */
	struct text clean;   /* what iniparser is given */
	unsigned line;
};

void *array_grow(void *items, unsigned count, size_t size)
{
	if (count & (count - 1))
		return items;
	return reallocarray(items, count ? 2 * (size_t)count : 1, size);
}

/* number: remembers where the problem that was just written belongs. Without memory the order stays as it is. */
static void number(struct problems *ps, unsigned line)
{
	unsigned *grown = array_grow(ps->order, ps->count, sizeof *grown);

	if (grown) {
		ps->order = grown;
		grown[ps->count] = line;
	}
	ps->count++;
}

void problem_add(struct problems *ps, const char *file, unsigned line, const char *section, const char *key,
		 const char *format, ...)
{
	va_list args;

	text_printf(&ps->text, "%s", file);
	if (line)
		text_printf(&ps->text, ":%u", line);
	text_puts(&ps->text, ": ");
	if (section)
		text_printf(&ps->text, "%s%s%s: ", section, key ? "." : "", key ? key : "");
	va_start(args, format);
	text_vprintf(&ps->text, format, args);
	va_end(args);
	text_puts(&ps->text, "\n");
	number(ps, line ? line : UINT_MAX - 1);
}

void problem_add_line(struct problems *ps, const char *line)
{
	text_printf(&ps->text, "%s\n", line);
	number(ps, UINT_MAX);
}

/* A problem while sorting. */
struct place {
	unsigned line, nth;
	const char *text;
	size_t len;
};

/* by_place: order by line, then as found. For qsort. */
static int by_place(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return (x->nth > y->nth) - (x->nth < y->nth);
}

void problems_sort(struct problems *ps)
{
	struct place *at = ps->order ? calloc(ps->count, sizeof *at) : NULL;
	const char *text = text_cstr(&ps->text);
	struct text sorted = { 0 };

	if (!at)
		return;
	for (unsigned i = 0; i < ps->count; i++) {
		size_t len = strcspn(text, "\n");

		at[i] = (struct place){ ps->order[i], i, text, len };
		text += len + (text[len] == '\n');
	}
	qsort(at, ps->count, sizeof *at, by_place);
	for (unsigned i = 0; i < ps->count; i++) {
		ps->order[i] = at[i].line;
		text_put(&sorted, at[i].text, at[i].len);
		text_puts(&sorted, "\n");
	}
	free(at);
	text_free(&ps->text);
	ps->text = sorted;
}

void problems_free(struct problems *ps)
{
	text_free(&ps->text);
	free(ps->order);
	*ps = (struct problems){ 0 };
}

/* copy: a new string of @len bytes; NULL without memory. */
static char *copy(const char *s, size_t len)
{
	char *c = malloc(len + 1);

	if (c) {
		memcpy(c, s, len);
		c[len] = 0;
	}
	return c;
}

/* trim: takes blanks off both ends of the @len bytes at *@s. Return: the new length. */
static size_t trim(const char **s, size_t len)
{
	while (len && isblank((unsigned char)**s)) {
		(*s)++;
		len--;
	}
	while (len && isblank((unsigned char)(*s)[len - 1]))
		len--;
	return len;
}

/* value_end: where the comment begins. @open: set to the quote that was not closed, or 0. */
static size_t value_end(const char *s, size_t len, char *open)
{
	char quote = 0;
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == '\\' && quote != '\'' && i + 1 < len) {
			i++;
		} else if (quote) {
			if (s[i] == quote)
				quote = 0;
		} else if (s[i] == '"' || s[i] == '\'') {
			quote = s[i];
		} else if (s[i] == ';' || s[i] == '#') {
			break;
		}
	}
	*open = quote;
	return i;
}

/* unquote: takes the quotes off a value that is one quoted string. Return: the new length. */
static size_t unquote(const char **s, size_t len)
{
	char q = len >= 2 ? **s : 0;

	if ((q != '"' && q != '\'') || (*s)[len - 1] != q || memchr(*s + 1, q, len - 2) || memchr(*s + 1, '\\', len - 2))
		return len;
	(*s)++;
	return len - 2;
}

/* find_section: the known section with this name, or NULL. */
static struct ini_section *find_section(struct ini *ini, const char *name)
{
	for (unsigned i = 0; i < ini->sections; i++)
		if (!strcasecmp(ini->section[i].name, name))
			return &ini->section[i];
	return NULL;
}

/* add_section: makes @name (@len bytes) the current section. Return: false without memory. */
static bool add_section(struct scan *sc, const char *name, size_t len)
{
	struct ini *ini = sc->ini;
	struct ini_section *known, *grown;
	char *squeezed = copy(name, len), *to = squeezed;

	if (!squeezed)
		return false;
	for (const char *from = squeezed; *from; from++)
		if (!isblank((unsigned char)*from) || (to > squeezed && !isblank((unsigned char)to[-1])))
			*to++ = isblank((unsigned char)*from) ? ' ' : *from;
	*to = 0;
	known = find_section(ini, squeezed);
	if (known) {
		free(squeezed);
		sc->section = known->name;
		return true;
	}
	grown = array_grow(ini->section, ini->sections, sizeof *grown);
	if (!grown) {
		free(squeezed);
		return false;
	}
	ini->section = grown;
	grown[ini->sections++] = (struct ini_section){ squeezed, sc->line };
	sc->section = squeezed;
	return true;
}

/* scan_header: a line that begins with '['. Return: false without memory. */
static bool scan_header(struct scan *sc, const char *s, size_t len)
{
	const char *close = memchr(s, ']', len), *rest, *name = s + 1;
	size_t rest_len, name_len;

	sc->section = "";
	if (!close) {
		problem_add(sc->ps, sc->ini->file, sc->line, NULL, NULL, "a section header needs a closing ']'");
		return true;
	}
	rest = close + 1;
	rest_len = trim(&rest, (size_t)(s + len - rest));
	if (rest_len && *rest != ';' && *rest != '#') {
		problem_add(sc->ps, sc->ini->file, sc->line, NULL, NULL,
			    "nothing but a comment may follow a section header: put it on a line of its own");
		return true;
	}
	name_len = trim(&name, (size_t)(close - name));
	if (!name_len) {
		problem_add(sc->ps, sc->ini->file, sc->line, NULL, NULL, "a section needs a name");
		return true;
	}
	if (!add_section(sc, name, name_len))
		return false;
	text_printf(&sc->clean, "[%s]\n", sc->section);
	return true;
}

/* emit: writes an entry the way iniparser reads it unharmed. */
static void emit(struct scan *sc, const char *key, const char *value, size_t len)
{
	text_printf(&sc->clean, "%s=", key);
	for (size_t i = 0; i < len; i++) {
		const char *at = strchr(special, value[i]);
		char c = at ? (char)(at - special + 1) : value[i];

		text_put(&sc->clean, &c, 1);
	}
	text_puts(&sc->clean, "\n");
}

/* add_entry: a sound line. Return: false without memory. */
static bool add_entry(struct scan *sc, const char *key, size_t key_len, const char *value, size_t len)
{
	struct ini *ini = sc->ini;
	struct ini_entry *grown = array_grow(ini->entry, ini->entries, sizeof *grown);
	struct ini_entry *e;

	if (!grown)
		return false;
	ini->entry = grown;
	e = &grown[ini->entries++];
	*e = (struct ini_entry){ strdup(sc->section), copy(key, key_len), NULL, sc->line };
	if (!e->section || !e->key)
		return false;
	emit(sc, e->key, value, len);
	return true;
}

/* scan_entry: a line that is neither blank, comment nor header. Return: false without memory. */
static bool scan_entry(struct scan *sc, const char *s, size_t len)
{
	const char *eq = memchr(s, '=', len), *key = s, *value;
	const char *file = sc->ini->file;
	char open, name[INI_LINE_MAX + 1];
	size_t key_len, value_len;

	if (!eq) {
		problem_add(sc->ps, file, sc->line, sc->section && *sc->section ? sc->section : NULL, NULL,
			    "neither a [section] nor key = value: a comment begins with ; or #");
		return true;
	}
	key_len = trim(&key, (size_t)(eq - s));
	snprintf(name, sizeof name, "%.*s", (int)key_len, key);
	value = eq + 1;
	value_len = value_end(value, (size_t)(s + len - value), &open);
	value_len = trim(&value, value_len);
	if (sc->section && !*sc->section)
		return true; /* its header was reported */
	if (!sc->section)
		problem_add(sc->ps, file, sc->line, NULL, NULL, "a key before the first [section]: say where it belongs");
	else if (!key_len)
		problem_add(sc->ps, file, sc->line, sc->section, NULL, "a key is missing before the '='");
	else if (memchr(key, ';', key_len) || memchr(key, '#', key_len))
		problem_add(sc->ps, file, sc->line, sc->section, NULL, "a comment begins before the '='");
	else if (open)
		problem_add(sc->ps, file, sc->line, sc->section, name, "the quote %c is not closed", open);
	else if (value_len && value[value_len - 1] == '\\')
		problem_add(sc->ps, file, sc->line, sc->section, name,
			    "a line does not go on after a backslash: write it on one line");
	else if (key_len + 1 + value_len > INIPARSER_LINE_MAX)
		problem_add(sc->ps, file, sc->line, sc->section, name, "the line is longer than %d characters: split it",
			    INI_LINE_MAX);
	else {
		value_len = unquote(&value, value_len);
		return add_entry(sc, key, key_len, value, value_len);
	}
	return true;
}

/* has_control: whether a control byte other than TAB is in it. */
static bool has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)s[i] < ' ' && s[i] != '\t') || s[i] == 0x7f)
			return true;
	return false;
}

/* scan_line: one line without its newline. Return: false without memory. */
static bool scan_line(struct scan *sc, const char *s, size_t len)
{
	const char *section = sc->section && *sc->section ? sc->section : NULL;

	if (len && s[len - 1] == '\r')
		len--;
	if (len > INI_LINE_MAX) {
		problem_add(sc->ps, sc->ini->file, sc->line, section, NULL,
			    "the line is longer than %d characters: split it", INI_LINE_MAX);
		return true;
	}
	if (has_control(s, len)) {
		problem_add(sc->ps, sc->ini->file, sc->line, section, NULL, "a control character: remove it");
		return true;
	}
	len = trim(&s, len);
	if (!len || *s == ';' || *s == '#')
		return true;
	return *s == '[' ? scan_header(sc, s, len) : scan_entry(sc, s, len);
}

/* scan_text: all lines. Return: false without memory. */
static bool scan_text(struct scan *sc, const char *text, size_t len)
{
	const char *end = text + len;

	if (len >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *stop = nl ? nl : end;

		sc->line++;
		if (!scan_line(sc, text, (size_t)(stop - text)))
			return false;
		text = stop + 1;
	}
	return !sc->clean.failed;
}

/* by_name: order by section, key without case, then line. For qsort over pointers to entries. */
static int by_name(const void *a, const void *b)
{
	const struct ini_entry *x = *(const struct ini_entry *const *)a, *y = *(const struct ini_entry *const *)b;
	int d = strcasecmp(x->section, y->section);

	if (!d)
		d = strcasecmp(x->key, y->key);
	return d ? d : (x->line > y->line) - (x->line < y->line);
}

/* find_duplicates: reports each key that stands twice in its section. Return: false without memory. */
static bool find_duplicates(const struct ini *ini, struct problems *ps)
{
	const struct ini_entry **sorted = calloc(ini->entries + 1u, sizeof *sorted);

	if (!sorted)
		return false;
	for (unsigned i = 0; i < ini->entries; i++)
		sorted[i] = &ini->entry[i];
	qsort(sorted, ini->entries, sizeof *sorted, by_name);
	for (unsigned i = 1; i < ini->entries; i++)
		if (!strcasecmp(sorted[i]->section, sorted[i - 1]->section) &&
		    !strcasecmp(sorted[i]->key, sorted[i - 1]->key))
			problem_add(ps, ini->file, sorted[i]->line, sorted[i]->section, sorted[i]->key,
				    "given already in line %u: remove one", sorted[i - 1]->line);
	free(sorted);
	return true;
}

/* silent: iniparser's complaints are not for users: everything it could complain of was reported with its line. */
static int silent(const char *format, ...)
{
	(void)format;
	return 0;
}

/* load_clean: hands the clean text to iniparser. Return: its dictionary, or NULL. */
static dictionary *load_clean(const struct text *clean)
{
	char path[64];
	dictionary *d = NULL;
	int fd = memfd_create("tapgate-ini", MFD_CLOEXEC);

	if (fd < 0)
		return NULL;
	if (write(fd, text_cstr(clean), clean->len) == (ssize_t)clean->len) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		iniparser_set_error_callback(silent);
		d = iniparser_load(path);
	}
	close(fd);
	return d;
}

/* decode: puts the special bytes back. */
static void decode(char *value)
{
	for (; *value; value++)
		if (*value > 0 && (size_t)*value < sizeof special)
			*value = special[*value - 1];
}

/* read_values: the value of each entry. Return: false where iniparser does not give one. */
static bool read_values(struct ini *ini, const dictionary *d)
{
	for (unsigned i = 0; i < ini->entries; i++) {
		struct ini_entry *e = &ini->entry[i];
		char name[2 * INI_LINE_MAX + 2];
		const char *value;

		snprintf(name, sizeof name, "%s:%s", e->section, e->key);
		value = iniparser_getstring(d, name, NULL);
		e->value = value ? strdup(value) : NULL;
		if (!e->value)
			return false;
		decode(e->value);
	}
	return true;
}

struct ini *ini_parse(const char *file, const char *text, size_t len, struct problems *ps)
{
	struct ini *ini = calloc(1, sizeof *ini);
	struct scan sc = { .ini = ini, .ps = ps };
	dictionary *d = NULL;
	bool good;

	if (ini)
		ini->file = strdup(file);
	good = ini && ini->file && scan_text(&sc, text, len) && find_duplicates(ini, ps);
	if (good)
		d = load_clean(&sc.clean);
	good = d && read_values(ini, d);
	if (d)
		iniparser_freedict(d);
	text_free(&sc.clean);
	if (!good) {
		problem_add(ps, file, 0, NULL, NULL, "cannot be read: out of memory, or /proc is not mounted");
		ini_free(ini);
		return NULL;
	}
	return ini;
}

void ini_free(struct ini *ini)
{
	if (!ini)
		return;
	for (unsigned i = 0; i < ini->entries; i++) {
		free(ini->entry[i].section);
		free(ini->entry[i].key);
		free(ini->entry[i].value);
	}
	for (unsigned i = 0; i < ini->sections; i++)
		free(ini->section[i].name);
	free(ini->entry);
	free(ini->section);
	free(ini->file);
	free(ini);
}
