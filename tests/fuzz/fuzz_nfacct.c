/* fuzz_nfacct.c - lines of nfacct: a line that begins with '{' is restored, ">NAME" counts a packet, another one is a
 * command, of which `restore` takes all that follows. Afterwards the objects are as nfacct.h promises, and what is listed
 * restores to the same. The whole is also read as a file of a configuration. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/netstack.h"
#include "netstack/text.h"
#include "tables/nfacct_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 8 };

/* must: what always holds. */
static void must(bool condition)
{
	if (!condition)
		abort();
}

/* command: the words of @line, which it changes. Return: whether they were `restore`. */
static bool command(struct nfaccts *all, char *line)
{
	struct text out = { 0 }, err = { 0 };
	struct nfacct_session x = { .all = all, .out = &out, .err = &err };
	char name[] = "nfacct", *words[WORDS_MAX + 1] = { name }, *save = NULL;
	enum nfacct_verb verb;
	int argc = 1, code;

	for (char *w = strtok_r(line, " ", &save); w && argc < WORDS_MAX; w = strtok_r(NULL, " ", &save))
		words[argc++] = w;
	code = nfacct_command(&x, argc, words, &verb);
	must(code == 0 || code == 1);
	must(!code == !err.len); /* a refusal says why, and nothing else does */
	while (!code && verb == NFACCT_LIST && nfacct_list(&x, 2))
		;
	text_free(&out);
	text_free(&err);
	return !code && verb == NFACCT_RESTORE;
}

/* restore: @len bytes; goes on behind a mistake where @bold. Return: exit status of the last piece. */
static int restore(struct nfaccts *all, const char *text, size_t len, bool bold)
{
	struct text said = { 0 };
	struct nfacct_session x = { .all = all, .out = &said, .err = &said };
	int code = 0;

	while (len && (!code || bold)) {
		size_t before = len;

		code = nfacct_restore(&x, &text, &len, 3);
		must(len < before);
	}
	text_free(&said);
	return code;
}

/* listed: all objects, in pieces of @step. */
static struct text listed(struct nfaccts *all, enum nfacct_output output, unsigned step)
{
	struct text out = { 0 };
	struct nfacct_session x = { .all = all, .out = &out, .err = &out, .output = output };

	while (nfacct_list(&x, step))
		;
	return out;
}

/* check_objects: the list, the hash and the count agree; serials rise. Return: whether each name is one word that a list
 * shows as it is. */
static bool check_objects(const struct nfaccts *all)
{
	const struct nfacct *before = NULL;
	uint32_t count = 0;
	bool plain = true;

	for (const struct nfacct *a = all->first; a; before = a, a = a->next) {
		size_t len = strlen(a->name);

		must(len && len < NFACCT_NAME_MAX && a->prev == before &&
		     (!before || before->serial < a->serial));
		must(nfacct_find(all, a->name) == a && a->serial < all->serial);
		must((a->counts.flags & NFACCT_QUOTA) != NFACCT_QUOTA);
		must(!(a->counts.flags & NFACCT_OVER) || a->counts.flags & NFACCT_QUOTA);
		plain = plain && !strpbrk(a->name, " \t\n\v\f\r;");
		count++;
	}
	must(all->last == before && all->count == count);
	return plain;
}

/* check_lists: in pieces as in one; restored, they list the same. */
static void check_lists(struct nfaccts *all, struct nfaccts *other, bool plain)
{
	struct text again;

	for (enum nfacct_output o = NFACCT_PLAIN; o <= NFACCT_JSON; o++) {
		struct text one = listed(all, o, 1000), pieces = listed(all, o, 2);

		must(!strcmp(text_cstr(&one), text_cstr(&pieces)));
		if (o == NFACCT_PLAIN && plain) {
			must(!restore(other, text_cstr(&one), one.len, false));
			again = listed(other, o, 7);
			must(!strcmp(text_cstr(&one), text_cstr(&again)));
			text_free(&again);
		}
		text_free(&one);
		text_free(&pieces);
	}
}

/* play: all lines. */
static void play(struct nfaccts *all, const char *at, size_t left)
{
	while (left) {
		const char *newline = memchr(at, '\n', left);
		size_t len = newline ? (size_t)(newline - at) : left, whole = len + (newline != NULL);
		char *line = strndup(at, len);
		bool rest = false;

		must(line != NULL);
		if (*line == '{') {
			restore(all, at, whole, true);
		} else if (*line == '>') {
			struct nfacct *a = nfacct_find(all, line + 1);

			if (a)
				nfacct_count(all, a, (uint32_t)len * 100);
		} else {
			rest = command(all, line);
		}
		free(line);
		at += whole;
		left -= whole;
		if (rest) {
			restore(all, at, left, false);
			return;
		}
	}
}

/* check_file: the input as a file: taken back, nothing is left; taken, it lists as a file that changes nothing. */
static void check_file(struct nfaccts *all, const char *text, size_t len)
{
	struct nfacct_file_error err;
	struct nfacct_change *ch = nfacct_file_begin(all, text, len, &err);
	struct text list, again;

	must(ch ? !*err.text : *err.text);
	if (ch)
		nfacct_file_abort(ch);
	must(!all->count);
	if (!ch)
		return;
	nfacct_file_commit(nfacct_file_begin(all, text, len, &err));
	must(check_objects(all));
	list = listed(all, NFACCT_PLAIN, 1000);
	ch = nfacct_file_begin(all, text_cstr(&list), list.len, &err);
	must(ch != NULL);
	nfacct_file_commit(ch);
	again = listed(all, NFACCT_PLAIN, 1000);
	must(!strcmp(text_cstr(&list), text_cstr(&again)));
	text_free(&list);
	text_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct netstack ns = { .now = 1 };
	struct nfaccts *all = nfaccts_create(&ns), *other = nfaccts_create(&ns);

	must(all && other);
	play(all, (const char *)data, size);
	check_lists(all, other, check_objects(all));
	nfacct_flush(all);
	must(!all->count && !all->first && !all->last);
	check_file(all, (const char *)data, size);
	nfaccts_destroy(all);
	nfaccts_destroy(other);
	return 0;
}
