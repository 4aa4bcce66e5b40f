/* config_rules.c - the table sections: policy.CHAIN and rule.N; and [helper NAME]. */
#include "router/config_int.h"

#include <stdlib.h>
#include <string.h>

/* read_policy: policy.CHAIN = ACCEPT or DROP. Names are those of iptables, which are capitals. */
static bool read_policy(struct config_reader *rd, enum table_id table)
{
	struct config *c = rd->config;
	struct config_policy p = { table, NULL, NULL, rd->entry->line }, *grown;
	const char *chain = rd->entry->key + strlen("policy.");
	bool drop = !strcasecmp(rd->entry->value, "DROP");

	if (!drop && strcasecmp(rd->entry->value, "ACCEPT"))
		return config_bad(rd, "'%s' is not a policy: use ACCEPT or DROP", rd->entry->value);
	for (unsigned h = 0; h < HOOK_COUNT; h++)
		if (!strcasecmp(chain, hook_name(h)))
			p.chain = strdup(hook_name(h));
	if (!p.chain)
		return config_bad(rd, "only a built-in chain has a policy, for example policy.FORWARD");
	p.verdict = strdup(drop ? "DROP" : "ACCEPT");
	grown = array_grow(c->policy, c->policies, sizeof *grown);
	if (grown)
		c->policy = grown;
	if (!grown || !p.verdict) {
		free(p.chain);
		free(p.verdict);
		return config_bad(rd, "out of memory");
	}
	grown[c->policies++] = p;
	return true;
}

bool config_read_rule(struct config_reader *rd, enum table_id table)
{
	struct config *c = rd->config;
	struct config_rule r = { .table = table, .line = rd->entry->line }, *grown;

	if (!strncasecmp(rd->entry->key, "policy.", 7))
		return read_policy(rd, table);
	if (strncasecmp(rd->entry->key, "rule.", 5))
		return config_bad(rd, "unknown key; this section knows policy.CHAIN and rule.NUMBER");
	if (!config_read_number(rd->entry->key + 5, 0, UINT32_MAX, &r.number))
		return config_bad(rd, "'%s' is not a rule's number: write for example rule.10", rd->entry->key + 5);
	if (!*rd->entry->value)
		return config_bad(rd, "the rule is empty: write what follows `iptables -t %s`", table_name(table));
	grown = array_grow(c->rule, c->rules_count, sizeof *grown);
	if (grown)
		c->rule = grown;
	r.key = strdup(rd->entry->key);
	r.text = strdup(rd->entry->value);
	if (!grown || !r.key || !r.text) {
		free(r.key);
		free(r.text);
		return config_bad(rd, "out of memory");
	}
	grown[c->rules_count++] = r;
	return true;
}

/* by_number: order by table, number, line. For qsort. */
static int by_number(const void *a, const void *b)
{
	const struct config_rule *x = a, *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

void config_sort_rules(struct config *c, struct problems *ps)
{
	if (!c->rules_count)
		return;
	qsort(c->rule, c->rules_count, sizeof *c->rule, by_number);
	for (unsigned i = 1; i < c->rules_count; i++) {
		const struct config_rule *r = &c->rule[i], *before = r - 1;

		/* The same text twice is a duplicate key, reported already. */
		if (r->table == before->table && r->number == before->number && strcasecmp(r->key, before->key))
			problem_add(ps, c->file, r->line, table_name(r->table), r->key,
				    "the number is used already in line %u as %s: renumber one", before->line, before->key);
	}
}

/* read_ports: ports = 21,2121. */
static bool read_ports(struct config_reader *rd, struct config_helper *h)
{
	char text[INI_LINE_MAX + 1], *rest = text, *word;

	strncpy(text, rd->entry->value, INI_LINE_MAX);
	text[INI_LINE_MAX] = 0;
	while ((word = strsep(&rest, ","))) {
		uint32_t port;

		word += strspn(word, " \t");
		word[strcspn(word, " \t")] = 0;
		if (!config_read_number(word, 1, 65535, &port))
			return config_bad(rd, "'%s' is not a port: give numbers from 1 to 65535, comma separated", word);
		if (h->nports == CONFIG_HELPER_PORTS)
			return config_bad(rd, "more than %d ports", CONFIG_HELPER_PORTS);
		h->ports[h->nports++] = (uint16_t)port;
	}
	return true;
}

bool config_read_helper(struct config_reader *rd, struct config_helper *h)
{
	struct config_setting *grown, s = { .line = rd->entry->line };

	if (!strcasecmp(rd->entry->key, "ports"))
		return read_ports(rd, h);
	grown = array_grow(h->option, h->options, sizeof *grown);
	if (grown)
		h->option = grown;
	s.name = strdup(rd->entry->key);
	s.value = strdup(rd->entry->value);
	if (!grown || !s.name || !s.value) {
		free(s.name);
		free(s.value);
		return config_bad(rd, "out of memory");
	}
	grown[h->options++] = s;
	return true;
}
