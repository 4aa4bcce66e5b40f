/* command_usage.c - what iptables -h prints: the words of the command line; the options of the matches and the target
 * named before -h from their own rows.
 *
 * Deliberate difference: the text is ours, not that of iptables(8); nothing reads it but people.
 */
#include "tables/command_int.h"

static const char help[] =
	"Usage: iptables [-t TABLE] COMMAND [RULE] [OPTIONS]\n"
	"\n"
	"Commands, in their short and long forms:\n"
	"  -A, --append CHAIN RULE            a rule at the end\n"
	"  -I, --insert CHAIN [NUMBER] RULE   a rule before rule NUMBER (default 1)\n"
	"  -R, --replace CHAIN NUMBER RULE    a rule in the place of rule NUMBER\n"
	"  -D, --delete CHAIN NUMBER|RULE     takes a rule away\n"
	"  -C, --check CHAIN RULE             exit status 0 if there is such a rule\n"
	"  -L, --list [CHAIN [NUMBER]]        a table of rules\n"
	"  -S, --list-rules [CHAIN [NUMBER]]  rules as commands\n"
	"  -F, --flush [CHAIN]                takes all rules away\n"
	"  -Z, --zero [CHAIN [NUMBER]]        counters to 0; also beside -L or -S\n"
	"  -N, --new-chain CHAIN              a new chain\n"
	"  -X, --delete-chain [CHAIN]         takes an empty chain that nothing jumps to away\n"
	"  -E, --rename-chain OLD NEW         another name for a chain\n"
	"  -P, --policy CHAIN ACCEPT|DROP     what happens at the end of a built-in chain\n"
	"\n"
	"A rule; [!] means that `!' before the option negates it:\n"
	"  [!] -p, --protocol PROTOCOL        by name or number\n"
	"  [!] -s, --source ADDRESS[/MASK]    several with commas: one rule each\n"
	"  [!] -d, --destination ADDRESS[/MASK]\n"
	"  [!] -i, --in-interface NAME[+]     NAME+: all that begin so\n"
	"  [!] -o, --out-interface NAME[+]\n"
	"  [!] -f, --fragments                second and later fragments\n"
	"  -m, --match MATCH                  with options of its own: iptables -m MATCH -h\n"
	"  -j, --jump TARGET                  ACCEPT, DROP, RETURN, a chain, or iptables -j TARGET -h\n"
	"  -g, --goto CHAIN                   a chain, without coming back\n"
	"  -c, --set-counters PACKETS BYTES   counters to begin with\n"
	"\n"
	"Options:\n"
	"  -t, --table TABLE      raw, mangle, nat, filter (default) or security\n"
	"  -n, --numeric          numbers for names\n"
	"  -v, --verbose          counters and interfaces; says what is done\n"
	"  -x, --exact            counters in full\n"
	"      --line-numbers     numbers the rules\n"
	"  -w, --wait [SECONDS]   taken for compatibility: nothing needs waiting for\n"
	"  -M, --modprobe COMMAND taken for compatibility\n"
	"  -4, -6                 IPv4: nothing; IPv6: refused\n"
	"  -V, --version          the version\n";

/* value_word: what stands for the value of an option. */
static const char *value_word(const struct opt_row *o)
{
	switch (o->type) {
	case OPT_NONE:
		return "";
	case OPT_IP4:
	case OPT_IP4_MASK:
		return " ADDRESS";
	case OPT_PORT:
	case OPT_PORT_RANGE:
		return " PORT";
	case OPT_STRING:
	case OPT_CUSTOM:
	case OPT_MAC:
		return " VALUE";
	default:
		return " NUMBER";
	}
}

/* help_rows: the options of one extension. */
static void help_rows(struct text *out, const char *name, const char *what, const struct opt_row *rows, unsigned count)
{
	text_printf(out, "\n%s %s options:\n", name, what);
	for (unsigned i = 0; i < count; i++)
		text_printf(out, "  %s --%s%s\n", rows[i].flags & OPTF_INVERT ? "[!]" : "   ", rows[i].name,
			    value_word(&rows[i]));
}

void command_usage(const struct command *c)
{
	const struct rule_words *w = &c->words;
	const struct match_ops *own = !w->use_count && w->spec.proto && w->spec.proto < 256
					      ? match_ops_for_proto(c->t, (uint8_t)w->spec.proto)
					      : NULL;

	text_printf(c->out, "%s v1.8.11 (legacy)\n\n%s", c->mode == COMMAND_RESTORE ? "iptables-restore" : "iptables", help);
	if (own)
		help_rows(c->out, own->name, "match", own->options, own->option_count);
	for (unsigned i = 0; i < w->use_count; i++)
		if (w->uses[i].match)
			help_rows(c->out, w->uses[i].match->name, "match", w->uses[i].match->options,
				  w->uses[i].match->option_count);
		else
			help_rows(c->out, w->uses[i].target->name, "target", w->uses[i].target->options,
				  w->uses[i].target->option_count);
}
