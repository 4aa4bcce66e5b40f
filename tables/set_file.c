/* set_file.c - see set_file.h. */
#include "tables/set_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct set_change {
	struct sets *ss;
	struct set **old; /* the places as they were; beyond .old_size: none */
	uint32_t old_size;
	struct sets *staged; /* as read; sets that are in place now are not in it any more */
	struct set **name;   /* by place in .staged: the set of the router that has the name now */
	bool *wanted;        /* by place in .ss: the file makes it */
};

/* is_list: whether the set holds sets. */
static bool is_list(const struct set *s)
{
	return s->type->features & SET_F_NAME;
}

/* fail: a mistake at @line. Return: NULL. */
static void *fail(struct set_file_error *err, unsigned line, const char *text)
{
	err->line = line;
	snprintf(err->text, sizeof err->text, "%.*s", (int)strcspn(text, "\n"), text);
	return NULL;
}

/* --- reading --------------------------------------------------------------------------------------------------------- */

/* read_lines: all lines of @text (changed) into @x->sets. Return: 0, or -1 with @err. */
static int read_lines(struct set_session *x, char *text, struct set_file_error *err)
{
	while (*text && !x->ended) {
		char *line = text, *newline = strchr(text, '\n');
		int code;

		text = newline ? newline + 1 : line + strlen(line);
		if (newline)
			*newline = '\0';
		code = set_restore_line(x, line);
		if (code || x->err->failed || x->out->failed) {
			fail(err, x->line, x->err->len ? text_cstr(x->err) : "the entry is not in the set");
			return -1;
		}
		if (x->out->len) {
			fail(err, x->line, "prints something that nobody reads: remove the line");
			return -1;
		}
		if (x->ended && text[strspn(text, " \t\r\n")]) { /* quit, and, as in ipset, a test */
			fail(err, x->line, "nothing behind this line is read: remove the line");
			return -1;
		}
		text_trim(x->err, x->err->len); /* warnings, and what a test that held says */
	}
	return 0;
}

/* stage: the sets of @text, alone. Return: the caller's; NULL with @err. */
static struct sets *stage(struct sets *ss, const char *text, size_t len, struct set_file_error *err)
{
	struct text out = { 0 }, said = { 0 };
	struct sets *staged = sets_create(ss->tables, ss->ns);
	struct set_session x = { .sets = staged, .out = &out, .err = &said, .bare = true };
	char *copy = malloc(len + 1);
	int result = -1;

	fail(err, 0, "out of memory for the sets");
	if (staged && copy) {
		memcpy(copy, text, len);
		copy[len] = '\0';
		result = read_lines(&x, copy, err);
	}
	free(copy);
	text_free(&out);
	text_free(&said);
	if (!result)
		return staged;
	sets_destroy(staged);
	return NULL;
}

/* --- putting in place ------------------------------------------------------------------------------------------------ */

/* changed: whether the place holds another set than before. */
static bool changed(const struct set_change *ch, uint32_t place)
{
	return ch->ss->slot[place] && (place >= ch->old_size || ch->ss->slot[place] != ch->old[place]);
}

/* drop_same: of the staged sets that the router has already, frees the lists, whose references would count. */
static void drop_same(struct set_change *ch)
{
	for (uint32_t i = 0; i < ch->staged->size; i++) {
		struct set *s = ch->staged->slot[i], *now = s ? set_find(ch->ss, s->name) : NULL;

		if (!now || now->origin != s->origin)
			continue;
		ch->name[i] = now;
		ch->wanted[now->index] = true;
		if (is_list(s))
			set_free(ch->staged, s);
	}
}

/* more_places: a copy of the places with room for those of staged sets that have none. Return: 0 or an error, nothing being
 * changed. */
static int more_places(struct set_change *ch)
{
	struct sets *ss = ch->ss;
	uint32_t size = ss->size, missing = 0, spare = 0;
	struct set **slot;

	for (uint32_t i = 0; i < ch->staged->size; i++)
		missing += ch->staged->slot[i] && !set_find(ss, ch->staged->slot[i]->name);
	for (uint32_t i = 0; i < size; i++)
		spare += !ss->slot[i];
	size += missing > spare ? missing - spare : 0;
	if (size > SETS_MAX)
		return -SET_E_TOO_MANY;
	slot = calloc(size + 1u, sizeof *slot);
	ch->wanted = calloc(size + 1u, sizeof *ch->wanted);
	ch->name = calloc(ch->staged->size + 1u, sizeof *ch->name);
	if (!slot || !ch->wanted || !ch->name) {
		free(slot);
		return -SET_E_NOMEM;
	}
	if (ss->size)
		memcpy(slot, ss->slot, ss->size * sizeof *slot);
	ch->old = ss->slot;
	ch->old_size = ss->size;
	ss->slot = slot;
	ss->size = size;
	return 0;
}

/* put_in_place: a staged set into the place of its name, or a free one, whose references it takes over. Those that it
 * brings are of staged lists. */
static void put_in_place(struct set_change *ch, uint32_t from)
{
	struct set *s = ch->staged->slot[from];
	const struct set *old = set_find(ch->ss, s->name);
	uint32_t place = 0;

	while (old ? place != old->index : ch->ss->slot[place] != NULL)
		place++;
	s->refs += old ? old->refs : 0;
	s->adders = old ? old->adders : 0;
	s->sets = ch->ss;
	s->index = (uint16_t)place;
	ch->ss->slot[place] = s;
	ch->staged->slot[from] = NULL;
	ch->name[from] = s;
	ch->wanted[place] = true;
}

/* place_all: all staged sets; then the new lists refer to places of the router. */
static void place_all(struct set_change *ch)
{
	for (uint32_t i = 0; i < ch->staged->size; i++) {
		if (!ch->staged->slot[i])
			continue;
		if (ch->name[i])
			ch->name[i]->refs += ch->staged->slot[i]->refs;
		else
			put_in_place(ch, i);
	}
	for (uint32_t i = 0; i < ch->ss->size; i++)
		if (changed(ch, i) && is_list(ch->ss->slot[i]))
			set_list_renumber(ch->ss->slot[i], ch->name);
}

/* check_places: what only shows among all sets: no list holds a list, and where packets add there is room. Return: 0, or -1
 * with @err. */
static int check_places(const struct set_change *ch, struct set_file_error *err)
{
	for (uint32_t i = 0; i < ch->ss->size; i++) {
		struct set *s = ch->ss->slot[i];

		if (s && is_list(s) && set_list_holds_list(s)) {
			snprintf(err->text, sizeof err->text,
				 "a set of this file becomes a list:set, but the list %s, which is not of this file, holds "
				 "it: take it out there first", s->name);
			return -1;
		}
		if (changed(ch, i) && s->adders && set_reserve(s)) {
			fail(err, 0, "out of memory for the sets");
			return -1;
		}
	}
	return 0;
}

/* --- doors ----------------------------------------------------------------------------------------------------------- */

/* change_free: what a change holds beside sets in place. */
static void change_free(struct set_change *ch)
{
	sets_destroy(ch->staged);
	free(ch->name);
	free(ch->wanted);
	free(ch);
}

struct set_change *sets_file_begin(struct sets *ss, const char *text, size_t len, struct set_file_error *err)
{
	struct set_change *ch = calloc(1, sizeof *ch);
	int error;

	if (!ch)
		return fail(err, 0, "out of memory for the sets");
	ch->ss = ss;
	ch->staged = stage(ss, text, len, err);
	if (!ch->staged) {
		free(ch);
		return NULL;
	}
	for (uint32_t i = 0; i < ch->staged->size; i++)
		if (ch->staged->slot[i])
			ch->staged->slot[i]->origin = set_digest(ch->staged->slot[i]);
	error = more_places(ch);
	if (error) {
		change_free(ch);
		return fail(err, 0, set_error_text(-error));
	}
	drop_same(ch);
	place_all(ch);
	if (!check_places(ch, err))
		return ch;
	sets_file_abort(ch);
	return NULL;
}

void sets_file_abort(struct set_change *ch)
{
	for (int lists = 1; lists >= 0; lists--)
		for (uint32_t i = 0; i < ch->ss->size; i++)
			if (changed(ch, i) && is_list(ch->ss->slot[i]) == lists)
				set_free(ch->ss, ch->ss->slot[i]);
	free(ch->ss->slot);
	ch->ss->slot = ch->old;
	ch->ss->size = ch->old_size;
	change_free(ch);
}

void sets_file_commit(struct set_change *ch)
{
	for (uint32_t i = 0; i < ch->old_size; i++)
		if (ch->old[i] && changed(ch, i))
			set_discard(ch->old[i]);
	for (int lists = 1; lists >= 0; lists--) /* lists first: they refer to the others */
		for (uint32_t i = 0; i < ch->ss->size; i++) {
			struct set *s = ch->ss->slot[i];

			if (s && is_list(s) == lists && s->origin && !ch->wanted[i] && !s->refs)
				set_free(ch->ss, s);
		}
	free(ch->old);
	change_free(ch);
}
