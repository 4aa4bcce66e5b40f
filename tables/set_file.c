/* set_file.c - see set_file.h. */
#include "tables/set_file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a change does with a place of the router's. */
struct place {
	bool wanted; /* the file makes the set that is there */
	bool placed; /* the change has put a set there */
	bool over;   /* in the place of another */
};

struct set_change {
	struct sets *ss;
	/* Of reading: */
	char *text, *at;
	struct set_session session;
	struct text out, said;
	struct set_digest *digest; /* of the staged set .digested */
	uint32_t digested;
	struct sets *staged; /* as read; sets that are in place now are not in it any more */
	/* Of putting in place: */
	struct set **name;   /* by place in .staged: the set of the router that has the name now */
	struct set **old, **new; /* the places without and with the change; beyond their sizes: none. .ss has one of them */
	uint32_t old_size, size;
	struct place *place; /* by place, .size of them */
	uint32_t changes;    /* of .ss when it was put in place */
	bool shown;
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

/* read_lines: up to @lines lines into the staged sets. Return: 1 there are more, 0 all read, -1 with @err. */
static int read_lines(struct set_change *ch, unsigned lines, struct set_file_error *err)
{
	struct set_session *x = &ch->session;

	while (*ch->at && !x->ended) {
		char *line = ch->at, *newline = strchr(line, '\n'), *text;
		int code;

		if (!lines--)
			return 1;
		ch->at = text = newline ? newline + 1 : line + strlen(line);
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

/* take_digests: goes on with the digests of the staged sets. Return: 1 call again, 0 done, -1 with @err. */
static int take_digests(struct set_change *ch, struct set_file_error *err)
{
	for (; ch->digested < ch->staged->size; ch->digested++) {
		struct set *s = ch->staged->slot[ch->digested];

		if (!s)
			continue;
		if (!ch->digest)
			ch->digest = set_digest_start(s);
		if (!ch->digest) {
			fail(err, 0, "out of memory for the sets");
			return -1;
		}
		if (set_digest_go(ch->digest))
			return 1;
		s->origin = set_digest_end(ch->digest);
		ch->digest = NULL;
	}
	return 0;
}

/* --- putting in place ------------------------------------------------------------------------------------------------ */

/* drop_same: of the staged sets that the router has already, frees the lists, whose references would count. */
static void drop_same(struct set_change *ch)
{
	for (uint32_t i = 0; i < ch->staged->size; i++) {
		struct set *s = ch->staged->slot[i], *now = s ? set_find(ch->ss, s->name) : NULL;

		if (!now || now->origin != s->origin)
			continue;
		ch->name[i] = now;
		ch->place[now->index].wanted = true;
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
	ch->place = calloc(size + 1u, sizeof *ch->place);
	ch->name = calloc(ch->staged->size + 1u, sizeof *ch->name);
	if (!slot || !ch->place || !ch->name) {
		free(slot);
		return -SET_E_NOMEM;
	}
	if (ss->size)
		memcpy(slot, ss->slot, ss->size * sizeof *slot);
	ch->old = ss->slot;
	ch->old_size = ss->size;
	ss->slot = ch->new = slot;
	ss->size = ch->size = size;
	ch->shown = true;
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
	ch->place[place] = (struct place){ .wanted = true, .placed = true, .over = old };
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
		if (ch->place[i].placed && is_list(ch->ss->slot[i]))
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
		if (ch->place[i].placed && s->adders && set_reserve(s)) {
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
	if (ch->digest)
		(void)set_digest_end(ch->digest);
	sets_destroy(ch->staged);
	text_free(&ch->out);
	text_free(&ch->said);
	free(ch->text);
	free(ch->name);
	free(ch->place);
	free(ch);
}

struct set_change *sets_file_start(struct sets *ss, const char *text, size_t len)
{
	struct set_change *ch = calloc(1, sizeof *ch);

	if (!ch)
		return NULL;
	ch->ss = ss;
	ch->staged = sets_create(ss->tables, ss->ns);
	ch->text = ch->at = malloc(len + 1);
	if (!ch->staged || !ch->text) {
		change_free(ch);
		return NULL;
	}
	memcpy(ch->text, text, len);
	ch->text[len] = '\0';
	ch->session = (struct set_session){ .sets = ch->staged, .out = &ch->out, .err = &ch->said, .bare = true };
	return ch;
}

int sets_file_read(struct set_change *ch, unsigned lines, struct set_file_error *err)
{
	int result = read_lines(ch, lines, err);

	return result ? result : take_digests(ch, err);
}

int sets_file_place(struct set_change *ch, struct set_file_error *err)
{
	int error = more_places(ch);

	if (error) {
		fail(err, 0, set_error_text(-error));
		return -1;
	}
	drop_same(ch);
	place_all(ch);
	ch->changes = ch->ss->changes;
	return check_places(ch, err);
}

struct set_change *sets_file_begin(struct sets *ss, const char *text, size_t len, struct set_file_error *err)
{
	struct set_change *ch = sets_file_start(ss, text, len);
	int result = ch ? 1 : -1;

	if (!ch)
		return fail(err, 0, "out of memory for the sets");
	while (result > 0)
		result = sets_file_read(ch, UINT_MAX, err);
	if (!result && !sets_file_place(ch, err))
		return ch;
	sets_file_abort(ch);
	return NULL;
}

/* move_references: those to a place, from the set that was there to the one that is. */
static void move_references(struct set *to, const struct set *from)
{
	to->refs = from->refs;
	to->adders = from->adders;
}

void sets_file_hide(struct set_change *ch)
{
	if (!ch->shown)
		return;
	for (uint32_t i = 0; i < ch->size && i < ch->old_size; i++)
		if (ch->place[i].over && ch->old[i])
			move_references(ch->old[i], ch->new[i]);
	ch->ss->slot = ch->old;
	ch->ss->size = ch->old_size;
	ch->shown = false;
}

void sets_file_show(struct set_change *ch)
{
	if (!ch->new || ch->shown)
		return;
	ch->old = ch->ss->slot; /* others may have made places, or sets */
	ch->old_size = ch->ss->size;
	for (uint32_t i = 0; i < ch->size; i++) {
		struct set *now = i < ch->old_size ? ch->old[i] : NULL;

		if (!ch->place[i].placed)
			ch->new[i] = now;
		else if (ch->place[i].over && now)
			move_references(ch->new[i], now);
	}
	ch->ss->slot = ch->new;
	ch->ss->size = ch->size;
	ch->shown = true;
}

bool sets_file_fits(struct set_change *ch)
{
	struct set_file_error err;

	return ch->changes == ch->ss->changes && !check_places(ch, &err);
}

void sets_file_abort(struct set_change *ch)
{
	sets_file_show(ch);
	for (int lists = 1; lists >= 0 && ch->new; lists--)
		for (uint32_t i = 0; i < ch->size; i++)
			if (ch->place[i].placed && ch->new[i] && is_list(ch->new[i]) == lists) {
				struct set *s = ch->new[i], *was = i < ch->old_size ? ch->old[i] : NULL;

				if (ch->place[i].over && was)
					move_references(was, s);
				ch->place[i].placed = ch->place[i].over = false;
				ch->new[i] = was;
				set_discard(s);
			}
	sets_file_hide(ch);
	free(ch->new);
	change_free(ch);
}

void sets_file_keep(struct set_change *ch)
{
	for (uint32_t i = 0; i < ch->old_size; i++)
		if (ch->old[i] && ch->place[i].placed)
			set_discard(ch->old[i]);
	free(ch->old);
	ch->ss->changes++;
	ch->old = ch->new = NULL;
	ch->shown = false;
}

void sets_file_end(struct set_change *ch)
{
	for (int lists = 1; lists >= 0; lists--) /* lists first: they refer to the others */
		for (uint32_t i = 0; i < ch->size && i < ch->ss->size; i++) {
			struct set *s = ch->ss->slot[i];

			if (s && is_list(s) == lists && s->origin && !ch->place[i].wanted && !s->refs)
				set_free(ch->ss, s);
		}
	change_free(ch);
}

void sets_file_commit(struct set_change *ch)
{
	sets_file_keep(ch);
	sets_file_end(ch);
}
