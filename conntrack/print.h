/* print.h - what the files that print connections share; only for conntrack/print*.c. */
#ifndef CONNTRACK_PRINT_H
#define CONNTRACK_PRINT_H

#include "conntrack/proto_common.h"

/* ct_seconds_left, ct_expect_seconds: whole seconds until it expires. */
unsigned ct_seconds_left(const struct conntrack *ctk, const struct ct_entry *ct);
unsigned ct_expect_seconds(const struct conntrack *ctk, const struct ct_expect *x);

/* ct_has_start: whether there is a time of birth to show. */
bool ct_has_start(const struct ct_entry *ct);

/* ct_put_l3: "ipv4     2 ". */
void ct_put_l3(const struct ct_entry *ct, struct text *out);

/* ct_put_expect_flags: "PERMANENT,INACTIVE " as they are set; nothing without. */
void ct_put_expect_flags(const struct ct_expect *x, struct text *out);

/* ct_expect_helper: the helper that made an expectation; NULL if its master has none any more. */
const struct ct_helper *ct_expect_helper(const struct ct_expect *x);

/* What an entry shows to the tool: as the attributes that the kernel puts into its message. */
bool ct_shows_timeout(const struct conntrack *ctk, const struct ct_entry *ct, unsigned flags);
bool ct_shows_mark(const struct ct_entry *ct, unsigned flags);
bool ct_shows_counters(const struct ct_entry *ct, unsigned flags);
const char *ct_shown_state(const struct ct_entry *ct, unsigned flags);          /* NULL: none */
const struct ct_helper *ct_shown_helper(const struct ct_entry *ct, unsigned flags); /* NULL: none */
const char *ct_shown_label(const struct ct_entry *ct, const struct ct_print *how, unsigned bit); /* NULL: none */
uint16_t ct_shown_zone(const struct ct_entry *ct, uint8_t zone_dir); /* the zone, if it counts as @zone_dir says; 0: none */
unsigned ct_shown_use(const struct ct_entry *ct, unsigned flags);

/* ct_print_xml, ct_print_save: as ct_print_as, without the newline. */
void ct_print_xml(const struct conntrack *ctk, const struct ct_entry *ct, const struct ct_print *how, struct text *out);
void ct_print_save(const struct conntrack *ctk, const struct ct_entry *ct, const struct ct_print *how, struct text *out);

/* ct_put_when_xml: "<when>...</when>", the present time. */
void ct_put_when_xml(const struct conntrack *ctk, struct text *out);

/* ct_put_layer4_xml: "<sport>1</sport><dport>2</dport>" or what the protocol has. */
void ct_put_layer4_xml(const struct ct_tuple *t, struct text *out);

#endif
