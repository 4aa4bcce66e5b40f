/* ct_state.h - the states of --state and --ctstate: names, and what a packet is. */
#ifndef TABLES_CT_STATE_H
#define TABLES_CT_STATE_H

#include "tables/extension.h"

struct text;

/* In the order in which iptables prints them. */
enum ct_state_bit {
	CT_STATE_INVALID = 1,
	CT_STATE_NEW = 2,
	CT_STATE_RELATED = 4,
	CT_STATE_ESTABLISHED = 8,
	CT_STATE_UNTRACKED = 16,
	CT_STATE_SNAT = 32,
	CT_STATE_DNAT = 64,
};

/* ct_state_parse: one name or abbreviation of @len characters, case ignored. @nat: SNAT and DNAT too.
 * Return: its bit, 0 if unknown. */
uint8_t ct_state_parse(const char *text, size_t len, bool nat);

/* ct_state_print: " INVALID,NEW". */
void ct_state_print(struct text *out, uint8_t states);

/* ct_state_of: the bit of a packet's connection state (nf_conntrack: no connection is INVALID or UNTRACKED). */
static inline uint8_t ct_state_of(const struct pkt *p)
{
	static const uint8_t state[] = {
		[CT_ESTABLISHED] = CT_STATE_ESTABLISHED, [CT_RELATED] = CT_STATE_RELATED, [CT_NEW] = CT_STATE_NEW,
		[CT_ESTABLISHED_REPLY] = CT_STATE_ESTABLISHED, [CT_RELATED_REPLY] = CT_STATE_RELATED,
	};

	if (p->ct)
		return p->ct_info < CT_INFO_COUNT ? state[p->ct_info] : CT_STATE_INVALID;
	return p->ct_info == CT_UNTRACKED ? CT_STATE_UNTRACKED : CT_STATE_INVALID;
}

#endif
