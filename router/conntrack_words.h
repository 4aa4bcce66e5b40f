/* conntrack_words.h - what conntrack_options.c asks of conntrack_addresses.c and conntrack_lists.c: one option's argument each. All
 * return 0 or an exit status, which was said. */
#ifndef ROUTER_CONNTRACK_WORDS_H
#define ROUTER_CONNTRACK_WORDS_H

#include "router/conntrack_query.h"

/* Options without a letter have a sign, as in the tool: it makes them short options too. */
enum { OPT_EXP_SRC = '[', OPT_EXP_DST = ']', OPT_MASK_SRC = '{', OPT_MASK_DST = '}', OPT_LABEL_ADD = '<', OPT_LABEL_DEL = '>',
       OPT_ORIG_ZONE = '(', OPT_REPLY_ZONE = ')' };

/* conntrack_take_family: the family that an address, or -f, names; all must agree. */
int conntrack_take_family(struct request *rq, struct conntrack_query *q, bool ipv6);

/* conntrack_take_side: an address of a direction, an expectation or a mask; *@taken: whether option @o is one. */
int conntrack_take_side(struct request *rq, struct conntrack_query *q, int o, const char *arg, bool *taken);

/* conntrack_take_nat: -n, -g, -j (@letter) with ADDRESS[:PORT]; @arg NULL: without. */
int conntrack_take_nat(struct request *rq, struct conntrack_query *q, int letter, const char *arg);

/* -u, -e, -o. */
int conntrack_take_status(struct request *rq, struct conntrack_query *q, const char *arg);
int conntrack_take_events(struct request *rq, struct conntrack_query *q, const char *arg);
int conntrack_take_output(struct request *rq, struct conntrack_query *q, const char *arg);

/* conntrack_take_label: -l, --label-add, --label-del (@o); @arg NULL: --label-del of all. */
int conntrack_take_label(struct request *rq, struct conntrack_query *q, int o, const char *arg);

#endif
