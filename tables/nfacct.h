/* nfacct.h - named accounting objects: what nfacct(8) makes and `-m nfacct` counts into.
 *
 * Overview
 *   An object has a name, a counter of packets, one of bytes, and perhaps a quota on one of the two. A rule with
 *   `-m nfacct --nfacct-name NAME` counts each packet that it asks about; without a quota it fits always, with one only
 *   packets beyond the quota. The objects are here and in nfacct.c, the tool's words in nfacct_command.c.
 *
 * Life-cycle
 *   add -> counted by rules, read, reset -> delete, refused while a rule in force names it. Objects belong to the router,
 *   not to its rules: swaps and reloads leave them as they are. A file of the configuration may make some: nfacct_file.h.
 *
 * Invariants
 *   1. object.refs = matches of attached rules that name it; flush and delete leave an object with refs.
 *   2. NFACCT_OVER is set by the packet with which what was counted reaches the quota, and cleared by a reset alone.
 *   3. The list is in the order in which objects were added; object.serial rises along it.
 *
 * Ownership: struct nfaccts owns all objects; a rule holds a reference, with which the object stays where it is.
 *
 * Linux parity: net/netfilter/nfnetlink_acct.c, xt_nfacct.c of 6.18; nfacct 1.0.2. Deliberate difference: at most
 * NFACCT_MAX objects.
 */
#ifndef TABLES_NFACCT_H
#define TABLES_NFACCT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netstack;
struct text;

enum {
	NFACCT_NAME_MAX = 32, /* with the NUL; what is longer is cut, as libnetfilter_acct does */
	NFACCT_MAX = 65536,   /* objects of one router */
	NFACCT_BUCKETS = 4096,
	NFACCT_LINE_MAX = 512, /* of the tool's line buffer, with the NUL */
};

/* With the kernel's numbers. At most one of the first two. */
enum nfacct_flag { NFACCT_QUOTA_PACKETS = 1, NFACCT_QUOTA_BYTES = 2, NFACCT_OVER = 4 };
enum { NFACCT_QUOTA = NFACCT_QUOTA_PACKETS | NFACCT_QUOTA_BYTES };

/* What an object has counted. */
struct nfacct_counts {
	uint64_t packets, bytes, quota;
	uint8_t flags; /* enum nfacct_flag */
};

struct nfacct {
	struct nfacct_counts counts;
	uint32_t refs;
	bool from_file; /* the file of the configuration has it (nfacct_file.h) and said .origin of it when last applied */
	struct nfacct_counts origin;
	bool leaving; /* the file has it no longer, but rules that are being freed still named it */
	uint64_t serial;
	struct nfacct *next, *prev; /* in the list of all */
	struct nfacct *hash_next;
	char name[NFACCT_NAME_MAX];
};

struct nfaccts {
	struct netstack *ns;
	struct nfacct *first, *last;
	struct nfacct *bucket[NFACCT_BUCKETS];
	uint32_t count;
	uint64_t serial; /* of the next one added */
	/* Told of each object that reaches its quota, on the packet's way. NULL: nobody listens. */
	void (*on_over)(void *ctx, const struct nfacct *a);
	void *ctx;
};

/* --- nfacct.c: the objects --- */

/* nfaccts_create: none yet; @ns borrowed, its clock dates lists. Return: NULL without memory. */
struct nfaccts *nfaccts_create(struct netstack *ns);
void nfaccts_destroy(struct nfaccts *all);

/* nfacct_find: by the first NFACCT_NAME_MAX - 1 characters of @name. Return: NULL if there is none. */
struct nfacct *nfacct_find(const struct nfaccts *all, const char *name);

/* nfacct_add: a new object that begins with @counts. Return: 0; -EINVAL without a name, -EBUSY if there is one of that
 * name, -ENOMEM without memory or room for one more. */
int nfacct_add(struct nfaccts *all, const char *name, const struct nfacct_counts *counts);

/* nfacct_delete: Return: 0; -ENOENT there is none of that name; -EBUSY a rule names it.
 * nfacct_flush: deletes all that no rule names. */
int nfacct_delete(struct nfaccts *all, const char *name);
void nfacct_flush(struct nfaccts *all);

/* nfacct_read: what was counted. @reset: and begins anew, atomically. */
struct nfacct_counts nfacct_read(struct nfacct *a, bool reset);

/* nfacct_hold, nfacct_put: a rule's reference. */
void nfacct_hold(struct nfacct *a);
void nfacct_put(struct nfacct *a);

/* nfacct_count: counts one packet of @len bytes. Return: whether a rule that asks fits: there is no quota, or more than
 * it was counted. */
bool nfacct_count(struct nfaccts *all, struct nfacct *a, uint32_t len);

/* --- nfacct_command.c: nfacct(8) --- */

/* What the first word means; as with the tool, each prefix of a command's name is the first command that fits. */
enum nfacct_verb {
	NFACCT_LIST,
	NFACCT_ADD,
	NFACCT_DELETE,
	NFACCT_GET,
	NFACCT_FLUSH,
	NFACCT_VERSION,
	NFACCT_HELP,
	NFACCT_RESTORE,
	NFACCT_MONITOR,
	NFACCT_UNKNOWN,
};
enum nfacct_verb nfacct_verb(const char *word);

enum nfacct_output { NFACCT_PLAIN, NFACCT_XML, NFACCT_JSON };

/* One run of the tool. The caller sets the first three. */
struct nfacct_session {
	struct nfaccts *all;
	struct text *out, *err;
	/* of a list: how, which objects (those with (flags & mask) == value), and from which one on */
	uint8_t output; /* enum nfacct_output */
	bool reset, begun;
	uint8_t mask, value;
	uint64_t next;
};

/* nfacct_command: argv[0] is the tool's name. *verb: what was asked; where 0 is returned there is more to do for
 * NFACCT_LIST (nfacct_list until it returns false), NFACCT_RESTORE (nfacct_restore), NFACCT_MONITOR (nfacct_event by
 * and by). Return: exit status. */
int nfacct_command(struct nfacct_session *x, int argc, char **argv, enum nfacct_verb *verb);

/* nfacct_list: prints the next objects, looking at up to @count. Return: whether there are more. */
bool nfacct_list(struct nfacct_session *x, unsigned count);

/* nfacct_restore: adds what the next lines of *@text say, up to @lines; *@len and *@text move behind what was read.
 * Return: 0; 1 at the first mistake: what stood before it is in force. */
int nfacct_restore(struct nfacct_session *x, const char **text, size_t *len, unsigned lines);

/* nfacct_read_object: reads an object as a line of a list has it, without the semicolon, or as restore takes it; at most
 * NFACCT_LINE_MAX - 1 characters. @name: the first word of the name, not cut. *overflow: whether a number is too large: the
 * largest is taken. Return: what stands behind that word; NULL: it is no object. */
const char *nfacct_read_object(const char *text, struct nfacct_counts *c, char name[NFACCT_LINE_MAX],
			       bool *overflow);

/* nfacct_event: the line of `nfacct monitor` for an object that reached its quota. */
void nfacct_event(const struct nfacct *a, struct text *out);

#endif
