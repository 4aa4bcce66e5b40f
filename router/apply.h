/* apply.h - a configuration becomes the state of an engine.
 *
 * Overview
 *   apply_trial does it to a scratch engine without devices: whatever the core refuses is found there, each with its line.
 *   apply_swap does it to the running router: devices first (what can fail), then sets, accounting objects and rules by one commit, then ports, routes,
 *   sysctls and helpers, which the trial has shown to work. Flows and the counters of unchanged rules survive.
 *
 * Invariants
 *   1. After a failed apply_swap the router is as before.
 *   2. No packet is handled between the first and the last change.
 */
#ifndef ROUTER_APPLY_H
#define ROUTER_APPLY_H

#include "router/config.h"
#include "router/router.h"

/* apply_trial: reports all that an engine would refuse of @c; what config_load has reported is not judged again. */
void apply_trial(const struct config *c, struct problems *ps);

/* apply_swap: makes @now the state of the router; r->config is what it was before (NULL at the start). Problems go to @ps.
 * Return: 0, or -1 (nothing changed). The caller keeps both configurations. */
int apply_swap(struct router *r, const struct config *now, struct problems *ps);

/* apply_silent_ops: netstack_ops of an engine that sends, logs and throws no dice. */
extern const struct netstack_ops apply_silent_ops;

/* --- the parts, for apply.c ------------------------------------------------------------------------------------------ */

/* apply_commit_rules: makes the sets and accounting objects of the files and all rules of @c live; where the commit refuses,
 * finds the line that causes it. Return: 0, or -1 with problems (nothing changed). */
int apply_commit_rules(const struct config *c, struct tables *t, struct problems *ps);

#endif
