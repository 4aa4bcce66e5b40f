/* nfacct_file.h - the accounting objects of a file (what `nfacct list` prints) become those of a router, whole or not at all.
 *
 * Life-cycle
 *
 *     nfacct_file_begin -> (rules are read and committed) -> nfacct_file_commit -> nfacct_file_end
 *                                        \-> a mistake -> (the ruleset is freed) -> nfacct_file_abort: all is as before
 *
 *   Packets may pass in between: those objects that are not there yet are made by begin, and no live rule names them; what the
 *   others are changes with the commit. None of the file's can be deleted meanwhile.
 *
 * Invariants
 *   1. An object of which the file says the same as when it was last applied stays what it is, with all it has counted. One
 *      of which the file says something else becomes that.
 *   2. An object that no file made stays, unless the file now has one of its name.
 *   3. An object does not move: rules that name it count on.
 */
#ifndef TABLES_NFACCT_FILE_H
#define TABLES_NFACCT_FILE_H

#include "tables/nfacct.h"

struct nfacct_change;

/* What is wrong with a file. line 0: not with one line. */
struct nfacct_file_error {
	unsigned line;
	char text[128];
};

/* nfacct_file_begin: reads @text (@len bytes; "" makes what earlier files made go) and makes those of its objects
 * that are not there. Empty lines, and those that begin with '#', say nothing. Return: owned by the caller until
 * commit or abort; NULL with @err, nothing being changed. */
struct nfacct_change *nfacct_file_begin(struct nfaccts *all, const char *text, size_t len,
					struct nfacct_file_error *err);

/* nfacct_file_commit: keeps them, gives all what the file says of them where that is new; deletes those of an earlier file that
 * this one has not, but for those that rules name. nfacct_file_abort: takes those away that it made. Neither can fail. */
void nfacct_file_commit(struct nfacct_change *ch);
void nfacct_file_abort(struct nfacct_change *ch);

/* nfacct_file_end: once the rules that were live before the commit are freed: deletes what it left because they named
 * it. What a live rule names stays. */
void nfacct_file_end(struct nfaccts *all);

#endif
