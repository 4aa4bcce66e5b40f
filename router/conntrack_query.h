/* conntrack_query.h - the command line of conntrack(8) as a command and a filter. */
#ifndef ROUTER_CONNTRACK_QUERY_H
#define ROUTER_CONNTRACK_QUERY_H

#include "conntrack/conntrack.h"
#include "router/request.h"

enum { CONNTRACK_OTHER = 1, CONNTRACK_USAGE = 2 };
#define CONNTRACK_TOOL "conntrack v1.4.7 (conntrack-tools)"

/* An address to compare with; set where @given. */
struct conntrack_address {
	bool given;
	uint32_t be, mask; /* network order */
};

/* The four addresses and the four keys (ports, ICMP id) of a connection: direction, then source or destination. */
enum conntrack_end { END_ORIG_SRC, END_ORIG_DST, END_REPLY_SRC, END_REPLY_DST, END_COUNT };

struct conntrack_query {
	int command;      /* 'L', 'D', ...; 0 = none */
	const char *table; /* "conntrack" or what was named */
	unsigned print;   /* CT_PRINT_* */
	bool zero;        /* -z: counters begin anew as they are listed */
	bool timestamp;   /* -E: time before each line */
	uint32_t events;  /* -E: CT_EV_* that are wanted, NEW, UPDATE, DESTROY as a whole; 0 = all */
	char given[64];   /* letters of the options, for what is legal together */

	struct conntrack_address end[END_COUNT];
	struct conntrack_address nat[3]; /* -n, -g, -j with an address */
	bool nat_kind[3];                /* -n, -g, -j */
	bool has_key[END_COUNT], has_type, has_code, has_proto, has_state, has_mark, has_zone, has_secmark, has_id, ipv6;
	uint16_t key[END_COUNT]; /* network order */
	uint8_t proto, state, type, code;
	uint32_t mark, mark_mask, status, status_mask, secmark, id;
	uint16_t zone;
};

/* conntrack_parse: rq->argv into @q. Return: 0; an exit status (said); -1: done with status 0. */
int conntrack_parse(struct request *rq, struct conntrack_query *q);

/* conntrack_match: whether the entry is one that was asked for. */
bool conntrack_match(const struct conntrack *ctk, const struct conntrack_query *q, const struct ct_entry *ct);

/* conntrack_later: the answer to what is not in this release. Return: exit status. */
int conntrack_later(struct request *rq, const char *what);

/* conntrack_events: carries out -E (conntrack_events.c). Return: exit status. */
int conntrack_events(struct request *rq, const struct conntrack_query *q);

#endif
