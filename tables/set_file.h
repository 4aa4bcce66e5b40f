/* set_file.h - the sets of a file (ipset-restore text) become those of a router, whole or not at all.
 *
 * Overview
 *   The text is read into sets of its own. Those that differ are then put into the places of the router's, so
 *   that rules read from then on find them; sets_file_commit makes it stay, sets_file_abort takes it back. No packet may be
 *   handled, and nobody else may use sets, in between, but while the change is hidden: then all is as before, and a set
 *   under construction has no name. References belong to places: they go with the set that has the place at the time.
 *
 * Life-cycle
 *
 *     sets_file_begin -> (rules are read and committed) -> sets_file_commit
 *                                        \-> a mistake -> sets_file_abort: all is as before
 *
 *   in pieces:
 *
 *     sets_file_start -> sets_file_read ... -> sets_file_place -> (rules are read) -> sets_file_fits? -> (rules go live)
 *          -> sets_file_keep -> (old rules are freed) -> sets_file_end; packets pass between hide and show, or after keep
 *
 * Invariants
 *   1. A set of which the file says the same as when it was last applied stays what it is: entries that were added, deleted,
 *      counted or timed out meanwhile too. One of which the file says something else becomes exactly that.
 *   2. A set that no file made stays, unless the file now makes one of its name.
 *   3. Places do not move: rules that stay in force find the new content where the old one was.
 */
#ifndef TABLES_SET_FILE_H
#define TABLES_SET_FILE_H

#include "tables/set.h"

struct set_change;

/* What is wrong with a file. line 0: not with one line. */
struct set_file_error {
	unsigned line;
	char text[1024];
};

/* sets_file_begin: reads @text (@len bytes; "" makes what earlier files made go) and puts its sets in place.
 * Return: owned by the caller until commit or abort; NULL with @err, nothing being changed. */
struct set_change *sets_file_begin(struct sets *ss, const char *text, size_t len, struct set_file_error *err);

/* sets_file_commit: keeps the new sets; frees what they replaced, and the sets of an earlier file that this one does not
 * make, but for those that rules or lists still refer to. Cannot fail. */
void sets_file_commit(struct set_change *ch);

/* sets_file_abort: puts the old sets back; also before they were put in place, and while hidden. Rules that refer to new sets
 * are gone by then. */
void sets_file_abort(struct set_change *ch);

/* The same in pieces. sets_file_start: copies @text. Return: the caller's until sets_file_abort or sets_file_end; NULL
 * without memory. sets_file_read: up to @lines lines, or a piece of what follows. Return: 1 call again, 0 done, -1 with @err.
 * sets_file_place: puts them in place. Return: 0, or -1 with @err: then only sets_file_abort may follow. */
struct set_change *sets_file_start(struct sets *ss, const char *text, size_t len);
int sets_file_read(struct set_change *ch, unsigned lines, struct set_file_error *err);
int sets_file_place(struct set_change *ch, struct set_file_error *err);

/* sets_file_hide, sets_file_show: takes the change out of sight, and back, as often as wanted; before it is in place, nothing.
 * Rules that refer to new sets are made and freed only while it is shown.
 * sets_file_fits: whether a change that is shown may be kept: nobody made, removed, renamed or swapped sets while it was
 * hidden, and there is memory. */
void sets_file_hide(struct set_change *ch);
void sets_file_show(struct set_change *ch);
bool sets_file_fits(struct set_change *ch);

/* sets_file_keep, sets_file_end: the halves of sets_file_commit: the new sets stay; then those of an earlier file go that
 * nothing refers to any more. */
void sets_file_keep(struct set_change *ch);
void sets_file_end(struct set_change *ch);

#endif
