/* rule.c - the rule object: one block with all its data, counted references, equality. */
#include <stdlib.h>

#include "tables/tables_int.h"

/* align8: @n rounded up to a multiple of 8. */
static size_t align8(size_t n)
{
	return (n + 7) & ~(size_t)7;
}

/* hash_bytes: FNV-1a over 8-byte steps; for equality of rules and chain names, not against an adversary: a
 * collision only costs a comparison. */
uint32_t hash_bytes(uint32_t seed, const void *bytes, size_t len)
{
	const uint8_t *b = bytes;
	uint64_t h = seed ^ 0xcbf29ce484222325ull, word;

	for (; len >= 8; b += 8, len -= 8) {
		memcpy(&word, b, 8);
		h = (h ^ word) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 29;
	}
	for (; len; b++, len--)
		h = (h ^ *b) * 0x100000001b3ull;
	return (uint32_t)(h ^ h >> 32);
}

/* match_config_size, target_config_size: the bytes of the data block that are configuration, not run-time
 * state. */
static size_t match_config_size(const struct match_ops *ops)
{
	return (size_t)ops->size - ops->state_size;
}
static size_t target_config_size(const struct target_ops *ops)
{
	return (size_t)ops->size - ops->state_size;
}

/* rule_hash: of all that rule_equal compares. */
static uint32_t rule_hash(const struct rule *r)
{
	uint32_t h = hash_bytes(r->kind, &r->spec, sizeof r->spec);

	for (unsigned i = 0; i < r->match_count; i++) {
		h = hash_bytes(h, r->match[i].ops->name, strlen(r->match[i].ops->name));
		h = hash_bytes(h, r->match[i].data, match_config_size(r->match[i].ops));
	}
	if (r->target) {
		h = hash_bytes(h, r->target->name, strlen(r->target->name));
		h = hash_bytes(h, r->target_data, target_config_size(r->target));
	}
	return h;
}

/* rule_new: one block with copies of the data blocks. @target NULL unless @kind is KIND_TARGET.
 * Return: a rule with one reference (caller's), or NULL without memory. */
struct rule *rule_new(const struct rule_spec *spec, enum rule_kind kind, const struct rule_match *matches,
		      unsigned count, const struct target_ops *target, const void *target_data)
{
	size_t size = align8(sizeof(struct rule) + count * sizeof *matches);
	struct rule *r;
	uint8_t *at;

	for (unsigned i = 0; i < count; i++)
		size += align8(matches[i].ops->size);
	size += target ? align8(target->size) : 0;
	r = calloc(1, size);
	if (!r)
		return NULL;
	r->refs = 1;
	r->spec = *spec;
	r->kind = (uint8_t)kind;
	r->match_count = (uint8_t)count;
	at = (uint8_t *)r + align8(sizeof(struct rule) + count * sizeof *matches);
	for (unsigned i = 0; i < count; i++) {
		r->match[i] = (struct rule_match){ matches[i].ops, at };
		memcpy(at, matches[i].data, matches[i].ops->size);
		at += align8(matches[i].ops->size);
	}
	if (target) {
		r->target = target;
		r->target_data = at;
		memcpy(at, target_data, target->size);
	}
	r->hash = rule_hash(r);
	return r;
}

/* rule_refuse: notes what the check is to say of a new rule. Return: 0, or -1 without memory. */
int rule_refuse(struct rule *r, const struct rule_error *why)
{
	r->refusal = malloc(sizeof *why);
	if (!r->refusal)
		return -1;
	*r->refusal = *why;
	return 0;
}

/* rule_hold: one more reference. Return: @r. */
struct rule *rule_hold(struct rule *r)
{
	r->refs++;
	return r;
}

/* detach: gives back what the first @matches matches and, with @target, the target took. */
static void detach(struct tables *t, struct rule *r, unsigned matches, bool target)
{
	if (target && r->target && r->target->detach)
		r->target->detach(t, r->target_data);
	while (matches-- > 0)
		if (r->match[matches].ops->detach)
			r->match[matches].ops->detach(t, r->match[matches].data);
}

/* rule_attach: lets the rule take what it shares with other rules: matches in their order, then the target, as the
 * kernel's checkentry calls go. Once in its life. Return: 0, or -1 with @err, nothing being taken. */
int rule_attach(struct tables *t, struct rule *r, struct rule_error *err)
{
	if (r->attached)
		return 0;
	for (unsigned i = 0; i < r->match_count; i++)
		if (r->match[i].ops->attach && r->match[i].ops->attach(t, r->match[i].data, err)) {
			detach(t, r, i, false);
			return -1;
		}
	if (r->target && r->target->attach && r->target->attach(t, r->target_data, err)) {
		detach(t, r, r->match_count, false);
		return -1;
	}
	r->attached = true;
	return 0;
}

/* rule_start: the rule goes live: the state of its matches and its target begins. Once in its life. */
void rule_start(struct tables *t, struct rule *r)
{
	if (r->started)
		return;
	r->started = true;
	for (unsigned i = 0; i < r->match_count; i++)
		if (r->match[i].ops->start)
			r->match[i].ops->start(t, r->match[i].data);
	if (r->target && r->target->start)
		r->target->start(t, r->target_data);
}

/* rule_put: gives back a reference; with the last one the rule ends. */
void rule_put(struct tables *t, struct rule *r)
{
	if (--r->refs)
		return;
	if (r->started) {
		for (unsigned i = 0; i < r->match_count; i++)
			if (r->match[i].ops->stop)
				r->match[i].ops->stop(t, r->match[i].data);
		if (r->target && r->target->stop)
			r->target->stop(t, r->target_data);
	}
	if (r->attached)
		detach(t, r, r->match_count, true);
	free(r->refusal);
	free(r);
}

/* rule_equal: whether two rules say the same; counters and run-time state apart, and where they jump to
 * apart. */
bool rule_equal(const struct rule *a, const struct rule *b)
{
	if (a == b)
		return true;
	if (a->hash != b->hash || a->kind != b->kind || a->match_count != b->match_count ||
	    a->target != b->target || memcmp(&a->spec, &b->spec, sizeof a->spec))
		return false;
	for (unsigned i = 0; i < a->match_count; i++)
		if (a->match[i].ops != b->match[i].ops ||
		    memcmp(a->match[i].data, b->match[i].data, match_config_size(a->match[i].ops)))
			return false;
	return !a->target || !memcmp(a->target_data, b->target_data, target_config_size(a->target));
}

/* entry_equal: rule_equal, and the same chain by name. The entries may be of different rulesets. */
bool entry_equal(const struct rule_entry *a, const struct rule_entry *b)
{
	if (!a->jump != !b->jump || (a->jump && strcmp(a->jump->name, b->jump->name)))
		return false;
	return rule_equal(a->rule, b->rule);
}
