/* status_int.h - what the files of the status tree share. */
#ifndef ROUTER_STATUS_INT_H
#define ROUTER_STATUS_INT_H

#include "router/status.h"

/* One pattern of the tree: a constant node, or one made of a sysctl row. */
struct status_pattern {
	struct status_node node;
	const struct sysctl_row *row; /* NULL in constant nodes */
	enum status_room { STATUS_NETSTACK, STATUS_CONNTRACK, STATUS_PORT_CONF } room;
	char path[STATUS_PATH_MAX]; /* storage of node.path where it is composed */
};

/* status_pattern_at: the pattern number @index, counted over constant nodes, then the rooms' rows.
 * Return: false behind the last one. */
bool status_pattern_at(unsigned index, struct status_pattern *out);

/* status_sysctl_at: the same for the rows alone. */
bool status_sysctl_at(unsigned index, struct status_pattern *out);

/* status_sysctl_bind: sets args.room from the room of a pattern, once the placeholders are known. */
void status_sysctl_bind(const struct status *st, const struct status_pattern *pattern, struct status_args *args);

/* Readers of the nodes, by file. */
void status_net_dev(const struct status *st, const struct status_args *args, struct text *out);
void status_net_arp(const struct status *st, const struct status_args *args, struct text *out);
void status_net_route(const struct status *st, const struct status_args *args, struct text *out);
void status_net_snmp(const struct status *st, const struct status_args *args, struct text *out);
void status_net_netstat(const struct status *st, const struct status_args *args, struct text *out);
bool status_ct_proc(const struct status *st, struct status_cursor *cursor, struct text *out);
bool status_ct_old(const struct status *st, struct status_cursor *cursor, struct text *out);
void status_ct_expect(const struct status *st, const struct status_args *args, struct text *out);
void status_ct_stat(const struct status *st, const struct status_args *args, struct text *out);
bool status_ct_flows(const struct status *st, struct status_cursor *cursor, struct text *out);
void status_table_names(const struct status *st, const struct status_args *args, struct text *out);
void status_table_matches(const struct status *st, const struct status_args *args, struct text *out);
void status_table_targets(const struct status *st, const struct status_args *args, struct text *out);
bool status_table_rules(const struct status *st, struct status_cursor *cursor, struct text *out);
void status_recent(const struct status *st, const struct status_args *args, struct text *out);
int status_recent_write(struct status *st, const struct status_args *args, const char *value);
void status_hashlimit(const struct status *st, const struct status_args *args, struct text *out);
void status_own_version(const struct status *st, const struct status_args *args, struct text *out);
void status_own_uptime(const struct status *st, const struct status_args *args, struct text *out);
void status_own_config(const struct status *st, const struct status_args *args, struct text *out);
void status_own_drops(const struct status *st, const struct status_args *args, struct text *out);
void status_own_balance(const struct status *st, const struct status_args *args, struct text *out);
void status_own_port(const struct status *st, const struct status_args *args, struct text *out);

#endif
