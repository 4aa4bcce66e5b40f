/* fuzz_ipset.c - the lines of an ipset restore. What is there afterwards saves as text that restores to the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netstack/netstack.h"
#include "tables/set.h"
#include "tables/tables.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same_random(void *user, void *buf, size_t len)
{
	(void)user;
	memset(buf, 7, len);
}
static int no_transmit(void *user, struct port *port, struct pkt *p)
{
	(void)user, (void)port, (void)p;
	return 0;
}
static void no_log(void *user, int level, const char *line)
{
	(void)user, (void)level, (void)line;
}

/* restore: all lines, going on behind wrong ones. */
static void restore(struct sets *ss, char *text)
{
	struct text out = { 0 }, err = { 0 };
	struct set_session x = { .sets = ss, .out = &out, .err = &err };

	while (*text) {
		size_t len = strcspn(text, "\n");
		bool more = text[len];

		text[len] = '\0';
		set_restore_line(&x, text);
		x.ended = false; /* a test ends a restore; here the rest is wanted too */
		text += len + more;
	}
	text_free(&out);
	text_free(&err);
}

/* saved: everything, sorted, so that the order of slots does not count. */
static struct text saved(struct sets *ss)
{
	const struct set_list_how how = { .output = SET_OUT_SAVE, .sorted = true };
	struct text out = { 0 };

	set_list(ss, NULL, &how, &out);
	return out;
}

/* repeats: whether what is saved can be read again word by word: names with blanks, quotes or leading marks are not, in ipset
 * either. */
static bool repeats(const char *text)
{
	for (; *text; text++)
		if ((*text < ' ' && *text != '\n') || *text == '"' || *text == '#' || *text == '-' ||
		    *text == '!')
			return false;
	return true;
}

/* bounded: no table or range that takes seconds to fill. */
static bool bounded(const char *text)
{
	unsigned dashes = 0;

	if (strstr(text, "size") || strstr(text, "maxelem"))
		return false;
	for (const char *c = text; *c; c++) {
		dashes += *c == '-';
		if (*c == '/' && strtoul(c + 1, NULL, 0) < 22 && !strstr(text, "net"))
			return false;
	}
	return dashes < 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct netstack_ops ops = { .transmit = no_transmit,
						 .log = no_log,
						 .random = same_random };
	static const struct netstack_limits limits = { 16, 4, 16 };
	struct netstack *ns = netstack_create(&ops, NULL, NULL, &limits);
	struct tables *one = ns ? tables_create(ns, NULL) : NULL, *two = one ? tables_create(ns, NULL) : NULL;
	char *text = calloc(1, size + 1), *copy;
	struct text first, second;
	bool again;

	if (!two || !text)
		abort();
	memcpy(text, data, size);
	again = repeats(text);
	if (bounded(text))
		restore(one->sets, text);
	first = saved(one->sets);
	/* an interface with wildcard hides others that are added behind it */
	if (again && first.len && !strstr(text_cstr(&first), "  ") &&
	    !strstr(text_cstr(&first), "wildcard")) {
		copy = strdup(text_cstr(&first));
		restore(two->sets, copy);
		second = saved(two->sets);
		if (strcmp(text_cstr(&first), text_cstr(&second)))
			abort();
		text_free(&second);
		free(copy);
	}
	text_free(&first);
	free(text);
	tables_destroy(two);
	tables_destroy(one);
	netstack_destroy(ns);
	return 0;
}
