/* manage.h - connections made, found and changed on demand, not by packets: what conntrack -I, -U and -G do.
 *
 * Life-cycle: ct_made (an unconfirmed entry) -> NAT as wanted (nat_setup) -> ct_made_insert, which puts it into the table,
 * or ct_release, which takes it back.
 *
 * Linux parity: ctnetlink_create_conntrack, ctnetlink_change_conntrack (nf_conntrack_netlink.c).
 */
#ifndef CONNTRACK_MANAGE_H
#define CONNTRACK_MANAGE_H

#include "conntrack/conntrack.h"

/* What to change; only what @set names. */
enum ct_change_set { CT_SET_TIMEOUT = 1, CT_SET_STATUS = 2, CT_SET_MARK = 4, CT_SET_STATE = 8, CT_SET_LABELS = 16 };
struct ct_change {
	unsigned set;          /* enum ct_change_set */
	uint32_t timeout;      /* seconds */
	uint32_t status;       /* CT_ST_*: the whole word; what may be changed is set, nothing is cleared */
	uint32_t mark;
	uint8_t state;         /* enum ct_tcp_state, ct_sctp_state, ct_dccp_state, by the entry's protocol; others have none */
	bool server;           /* DCCP, with the state: the original's side serves */
	uint32_t vtag[CT_DIRS]; /* SCTP, with the state; network order */
	uint64_t labels[2], labels_mask[2]; /* bits of the mask become those of labels; those outside of it are XORed in */
};

/* ct_made: a new unconfirmed entry with the helper of its port, counted. @orig, @reply: keys and zones as they count are put
 * right here. Return: 0 with the entry in @ct; -EINVAL: not the tuples of one connection, or of a type without an answer;
 * -EEXIST; -ENOMEM: the table is full. */
int ct_made(struct conntrack *ctk, struct ct_tuple *orig, struct ct_tuple *reply, uint16_t zone, uint8_t zone_dir,
	    struct ct_entry **ct);

/* ct_made_insert: sets what @change wants and puts the entry into the table, with its event. Return: 0; -EBUSY, -EINVAL,
 * -EEXIST, -ENOSPC: the entry is still the caller's. */
int ct_made_insert(struct conntrack *ctk, struct ct_entry *ct, const struct ct_change *change);

/* ct_change: of an entry in the table, with its event. Return: 0; -EBUSY: a status that may not change so; -EPERM: a fixed
 * timeout; -EINVAL: no such state; -ENOSPC: no labels where no rule uses them. What comes before the error is changed. */
int ct_change(struct conntrack *ctk, struct ct_entry *ct, const struct ct_change *change);

/* ct_tuple_sound: whether @t is what a message may name: an ICMP type that has an answer. Clears the keys of a protocol that
 * has none. */
bool ct_tuple_sound(struct ct_tuple *t);

#endif
