/* dscp.h - names of DiffServ classes (RFC 2474, 2597, 3246) for -m dscp and -j DSCP. */
#ifndef TABLES_DSCP_H
#define TABLES_DSCP_H

#include "tables/extension.h"

enum { DSCP_MAX = 63, DSCP_SHIFT = 2, DSCP_ECN_BITS = 3 };

/* dscp_parse_class: the class named by c->arg, case ignored. Return: 0, or -1 with the error filled. */
int dscp_parse_class(struct opt_call *c, uint8_t *dscp);

#endif
