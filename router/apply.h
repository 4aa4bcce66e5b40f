/* apply.h - a configuration becomes the state of an engine.
 *
 * Overview
 *   apply_trial does it to a scratch engine without devices: whatever the core refuses is found there, each with its line.
 *   apply_swap does it to the running router: devices first (what can fail), then sets, accounting objects and rules
 *   by one commit, then ports, routes, sysctls and helpers, which the trial has shown to work. Flows and the counters
 *   of unchanged rules survive. A reload (reload.h) does the same in pieces, of which the last is apply_switch.
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

/* --- in pieces ------------------------------------------------------------------------------------------------------- */

/* apply_trial_start: apply_trial without sets, accounting objects and rules. Return: the scratch engine, in which
 * these are to be tried, the caller's; NULL with a problem. */
struct engine *apply_trial_start(const struct config *c, struct problems *ps);

/* The sets, accounting objects and rules of a configuration, in pieces between which packets pass and others may change them.
 * rules_start: @c stays until rules_end; its rules are written to, and as before between two calls. Return: the caller's, NULL
 * with a problem.
 * rules_go: about @lines lines, or what takes as long; UINT_MAX: all. Return: 1 call again; 0: ready for rules_switch; -1 with
 * problems: given up, nothing changed.
 * rules_switch: makes them live, in one step. Return: false: others came between: call rules_go again.
 * rules_give_up: of one that is ready: rules_go is to undo it, piece by piece, until it gives -1.
 * rules_rest: a part of freeing what was live before. Return: whether there is more.
 * rules_end: at any time; what is not live is given up. NULL is allowed. */
struct rules_change;
struct rules_change *rules_start(const struct config *c, struct tables *t, struct problems *ps);
int rules_go(struct rules_change *x, unsigned lines, struct problems *ps);
bool rules_switch(struct rules_change *x);
void rules_give_up(struct rules_change *x);
bool rules_rest(struct rules_change *x, unsigned lines);
void rules_end(struct rules_change *x);

/* apply_switch: apply_swap with rules that are ready. Return: 0; -1 with problems (nothing changed); 1: others came between,
 * nothing changed: rules_go again. */
int apply_switch(struct router *r, const struct config *now, struct rules_change *rules, struct problems *ps);

/* --- the parts, for apply.c ------------------------------------------------------------------------------------------ */

/* apply_commit_rules: makes the sets and accounting objects of the files and all rules of @c live; where the commit refuses,
 * finds the line that causes it. Return: 0, or -1 with problems (nothing changed). */
int apply_commit_rules(const struct config *c, struct tables *t, struct problems *ps);

#endif
