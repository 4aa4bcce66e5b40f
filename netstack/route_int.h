/* route_int.h - the cache of routing decisions for received packets, which lives in the route tables. */
#ifndef NETSTACK_ROUTE_INT_H
#define NETSTACK_ROUTE_INT_H

#include "netstack/netstack.h"

enum { ROUTE_CACHE_SIZE = 1024 };

/* One decision: valid while generation and the settings of the port are what they were. */
struct route_decision {
	uint32_t dst, src;
	uint32_t settings;   /* of the port: route_input.c settings_word */
	uint32_t generation;
	uint32_t next_hop;
	uint16_t in;         /* port index */
	uint8_t type;        /* enum route_type */
	bool redirect;
	struct port *out;
};

struct route_cache {
	struct route_decision entry[ROUTE_CACHE_SIZE];
};

/* route_cache_of: the cache of an instance. */
struct route_cache *route_cache_of(struct netstack *ns);

#endif
