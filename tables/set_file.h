/* set_file.h - the sets of a file (ipset-restore text) become those of a router, whole or not at all.
 *
 * Overview
 *   The text is read into sets of its own. sets_file_begin then puts those that differ into the places of the router's, so
 *   that rules read from then on find them; sets_file_commit makes it stay, sets_file_abort takes it back. No packet may be
 *   handled between begin and either.
 *
 * Life-cycle
 *
 *     sets_file_begin -> (rules are read and committed) -> sets_file_commit
 *                                        \-> a mistake -> sets_file_abort: all is as before
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

/* sets_file_abort: puts the old sets back. */
void sets_file_abort(struct set_change *ch);

#endif
