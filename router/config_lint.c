/* config_lint.c - what is allowed in a configuration but probably not meant. */
#include "router/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* policy_line: the line that sets a policy to DROP; 0 if none does. */
static unsigned policy_line(const struct config *c, enum table_id table, const char *chain)
{
	for (unsigned i = 0; i < c->policies; i++)
		if (c->policy[i].table == table && !strcmp(c->policy[i].chain, chain) &&
		    !strcmp(c->policy[i].verdict, "DROP"))
			return c->policy[i].line;
	return 0;
}

/* has_rule: whether a rule of the table appends to or inserts into the chain. */
static bool has_rule(const struct config *c, enum table_id table, const char *chain)
{
	for (unsigned i = 0; i < c->rules_count; i++) {
		const char *text = c->rule[i].text;
		size_t len = strlen(chain);

		text += strspn(text, " \t");
		if (c->rule[i].table != table || (strncmp(text, "-A", 2) && strncmp(text, "-I", 2)))
			continue;
		text += 2;
		text += strspn(text, " \t");
		if (!strncmp(text, chain, len) && (!text[len] || text[len] == ' ' || text[len] == '\t'))
			return true;
	}
	return false;
}

/* shared_subnet: whether an address of @i lies in a subnet of @j, or the other way round. */
static bool shared_subnet(const struct config_interface *i, const struct config_interface *j)
{
	for (unsigned a = 0; a < i->address.count; a++)
		for (unsigned b = 0; b < j->address.count; b++) {
			const struct config_prefix *x = &i->address.item[a], *y = &j->address.item[b];

			if (!((x->be ^ y->be) & ip4_mask(x->plen < y->plen ? x->plen : y->plen)))
				return true;
		}
	return false;
}

/* lint_subnets: two interfaces in one subnet. @n: the number of the later one, @section: its
 * section. */
static void lint_subnets(const struct config *c, unsigned n, const char *section, struct problems *w)
{
	for (unsigned m = 0; m < n; m++)
		if (shared_subnet(&c->interface[n], &c->interface[m]))
			problem_add(w, c->file, c->interface[n].line, section, "address",
				    "warning: shares a subnet with interface %s: packets to it leave through one of the two only",
				    c->interface[m].name);
}

/* lint_interfaces: interfaces that cannot do their work. */
static void lint_interfaces(const struct config *c, struct problems *w)
{
	if (!c->interfaces)
		problem_add(w, c->file, 0, NULL, NULL, "warning: no [interface NAME] section: there is nothing to route");
	for (unsigned n = 0; n < c->interfaces; n++) {
		const struct config_interface *i = &c->interface[n];
		char section[PORT_NAME_MAX + 16];

		snprintf(section, sizeof section, "interface %s", i->name);
		if (!i->address.count)
			problem_add(w, c->file, i->line, section, "address",
				    "warning: the router has no address on this link: nobody there can use it as a gateway");
		if (!i->up)
			problem_add(w, c->file, i->line, section, "up", "warning: the port starts down");
		lint_subnets(c, n, section, w);
	}
}

/* interface_word: the word after -i or -o in a rule, at or after @text. @out: PORT_NAME_MAX bytes. Return: where to go on, NULL:
 * no more. */
static const char *interface_word(const char *text, char *out)
{
	while ((text = strstr(text, " -"))) {
		size_t len;

		text += 2;
		if ((*text != 'i' && *text != 'o') || text[1] != ' ')
			continue;
		text += 2;
		text += strspn(text, " ");
		len = strcspn(text, " \t");
		snprintf(out, PORT_NAME_MAX, "%.*s", (int)len, text);
		return text;
	}
	return NULL;
}

/* lint_rules: rules that can never match, and a firewall without a way through. */
static void lint_rules(const struct config *c, struct problems *w)
{
	unsigned line = policy_line(c, TABLE_FILTER, "FORWARD");
	char name[PORT_NAME_MAX];

	if (line && !c->rules.path && !has_rule(c, TABLE_FILTER, "FORWARD"))
		problem_add(w, c->file, line, "filter", "policy.FORWARD",
			    "warning: no rule accepts anything in FORWARD: nothing will be forwarded");
	for (unsigned n = 0; n < c->rules_count; n++) {
		const struct config_rule *r = &c->rule[n];

		for (const char *at = r->text; (at = interface_word(at, name));)
			if (!strchr(name, '+') && !config_find_interface(c, name))
				problem_add(w, c->file, r->line, table_name(r->table), r->key,
					    "warning: there is no interface '%s': the rule never matches", name);
	}
}

void config_lint(const struct config *c, struct problems *warnings)
{
	lint_interfaces(c, warnings);
	lint_rules(c, warnings);
	for (unsigned i = 0; i < c->sysctls; i++)
		if ((!strcasecmp(c->sysctl[i].name, "net.ipv4.ip_forward") ||
		     !strcasecmp(c->sysctl[i].name, "net/ipv4/ip_forward")) && !strcmp(c->sysctl[i].value, "0"))
			problem_add(warnings, c->file, c->sysctl[i].line, "sysctl", c->sysctl[i].name,
				    "warning: forwarding is off: the router only answers for itself");
}
