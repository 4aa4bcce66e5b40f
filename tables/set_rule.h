/* set_rule.h - what `-m set` and `-j SET` share: "NAME src,dst", and the reference to the set that a live rule holds. */
#ifndef TABLES_SET_RULE_H
#define TABLES_SET_RULE_H

#include "tables/extension.h"
#include "tables/set.h"

/* Configuration: part of what makes two rules equal. */
struct set_ref {
	char name[SET_NAME_MAX]; /* "" = none */
	uint8_t dims, src;       /* as struct set_packet */
};

enum { SET_INDEX_NONE = UINT16_MAX };

/* set_ref_parse: reads the option's two words NAME and FLAGS. Return: 0 or -1 with the error. */
int set_ref_parse(struct opt_call *c, struct set_ref *ref);

/* set_ref_put: " OPTION NAME FLAGS". */
void set_ref_put(const struct set_ref *ref, const char *option, struct text *out);

/* set_ref_start, set_ref_stop: takes and gives back the reference. Return: the index of the set; SET_INDEX_NONE where
 * there is none. @adds: packets will add to it. */
uint16_t set_ref_start(struct tables *t, const struct set_ref *ref, bool adds);
void set_ref_stop(struct tables *t, uint16_t index, bool adds);

/* set_ref_packet: the packet as the reference wants it looked at. */
struct set_packet set_ref_packet(const struct set_ref *ref, const struct pkt *p, const struct rule_env *env);

/* set_packet_op: an operation on behalf of a packet: counts it. */
struct set_op set_packet_op(const struct pkt *p);

#endif
