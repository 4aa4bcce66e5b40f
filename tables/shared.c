/* shared.c - the list of what rules share by name; see shared.h. It is walked when rulesets change and by the status
 * tree, never for a packet. */
#include "netstack/netstack.h"
#include "tables/shared.h"

struct shared *shared_next(const struct tables *t, const void *kind, const struct shared *s)
{
	struct shared *at = s ? s->next : t->shared;

	while (at && at->kind != kind)
		at = at->next;
	return at;
}

struct shared *shared_find(const struct tables *t, const void *kind, const char *name)
{
	struct shared *s = NULL;

	while ((s = shared_next(t, kind, s)) && strcmp(s->name, name))
		;
	return s;
}

void shared_add(struct tables *t, struct shared *s, const void *kind, const char *name)
{
	size_t len = strnlen(name, sizeof s->name - 1);

	s->kind = kind;
	s->refs = 1;
	memcpy(s->name, name, len);
	s->name[len] = '\0';
	s->next = t->shared;
	t->shared = s;
}

bool shared_put(struct tables *t, struct shared *s)
{
	struct shared **at = &t->shared;

	if (--s->refs)
		return false;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	return true;
}

bool shared_name_ok(const char *name)
{
	return *name && strcmp(name, ".") && strcmp(name, "..") && !strchr(name, '/');
}

uint64_t tables_jiffies(const struct tables *t)
{
	static const uint64_t initial = (uint32_t)(-300 * JIFFIES_PER_S);

	return initial + t->ns->now / NS_PER_JIFFY;
}
