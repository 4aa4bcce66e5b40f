/* range.h - the addresses and ports of a NAT target as text: what SNAT, DNAT, MASQUERADE and REDIRECT share. */
#ifndef NAT_RANGE_H
#define NAT_RANGE_H

#include "nat/nat.h"
#include "tables/extension.h"

/* Options of the targets: ids, which are bits of opt_call.seen, and rows. */
enum range_option { RANGE_OPT_TO, RANGE_OPT_RANDOM, RANGE_OPT_RANDOM_FULLY, RANGE_OPT_PERSISTENT };
#define RANGE_ROW_TO(text, more)                                                      \
	{                                                                             \
		.name = text, .id = RANGE_OPT_TO, .type = OPT_CUSTOM, .flags = (more) \
	}
#define RANGE_ROW_RANDOM                                                   \
	{                                                                  \
		.name = "random", .id = RANGE_OPT_RANDOM, .type = OPT_NONE \
	}
#define RANGE_ROW_RANDOM_FULLY                                                         \
	{                                                                              \
		.name = "random-fully", .id = RANGE_OPT_RANDOM_FULLY, .type = OPT_NONE \
	}
#define RANGE_ROW_PERSISTENT                                                       \
	{                                                                          \
		.name = "persistent", .id = RANGE_OPT_PERSISTENT, .type = OPT_NONE \
	}

/* range_parse_ports: "PORT" or "MIN-MAX" or "MIN-MAX/BASE" into @r. Return: 0, or -1 with the error filled. */
int range_parse_ports(struct opt_call *c, const char *text, struct nat_range *r);

/* range_parse_to: "A", "A-B", either with ":" and ports, or ":" and ports alone. Return: 0, or -1 with the error. */
int range_parse_to(struct opt_call *c, const char *text, struct nat_range *r);

/* range_check: .check of the targets, whose data is a struct nat_range: takes over --random, --random-fully, --persistent.
 * Return: 0. */
int range_check(struct opt_call *c);

/* range_put_ports: "80", "80-90" or "80-90/85". range_put_to: "A-B:ports" as after to: and --to-source. */
void range_put_ports(const struct nat_range *r, struct text *out);
void range_put_to(const struct nat_range *r, struct text *out);

/* range_save_ports: .save of the targets that take only ports: "--to-ports 80-90" if given, and the flags. */
void range_save_ports(const void *data, struct text *out);

/* range_put_flags: " random random-fully persistent", each with @dashes before. */
void range_put_flags(const struct nat_range *r, const char *dashes, struct text *out);

/* range_apply: binds the packet's connection to @r; as the verdict of a rule (p->drop set with DROP). A packet without
 * connection goes on with the next rule. */
enum rule_verdict range_apply(const struct nat_range *r, enum nat_manip manip, struct pkt *p,
			      struct rule_env *env);

#endif
