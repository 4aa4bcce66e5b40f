/* request.h - a command that a running router carries out for somebody.
 *
 * Overview
 *   The client (client.c) sends its arguments and, for commands that take it, its standard input through the control
 *   socket; the router finds the command in the table (commands.c) and calls its live function with a request. The
 *   function appends to out and err and returns the exit status. Where the output or the work may be long it sets .step
 *   instead, which is called again and again until it gives false:
 *
 *       do
 *               more = ...one bounded part, at most a few dozen lines...;
 *       while (more && !request_enough(rq));
 *       return more;
 *
 *   It is called only while the client takes what was made before, so that a slow one holds back the work and makes nothing
 *   grow; between two calls packets have their turn, and while they keep the router busy all steps of all commands
 *   together get a small share of its time (background.h).
 *
 * Ownership
 *   The request belongs to the control connection; .state belongs to the command, which frees it in .done.
 */
#ifndef ROUTER_REQUEST_H
#define ROUTER_REQUEST_H

#include "netstack/text.h"

#include <stdbool.h>
#include <stdint.h>

struct router;

enum { REQUEST_PIECE = 16 << 10 }; /* bytes that one call of .step makes, and what its last part adds */

struct request {
	struct router *router;
	uint32_t portid;     /* the client's process */
	int argc;
	char **argv;         /* argv[0] is the command's name; ends with NULL; the command may reorder it */
	char *input;         /* standard input, @input_len bytes and a NUL; "" where the command takes none; may be written to */
	size_t input_len;
	struct text out, err; /* what the client prints; emptied as it is sent */
	int code;            /* exit status, when .step has ended; a live function's return value goes here */
	bool (*step)(struct request *rq); /* NULL: no more to come */
	void (*interrupt)(struct request *rq); /* the client wants no more: the last output instead of steps; NULL: none, it ends */
	void (*done)(struct request *rq); /* frees state; also when the client went away; may be NULL */
	void *state;
	bool eager;           /* .step is called also while the client does not read: what it holds must not wait for that */
	bool asleep;          /* set by .step: nothing to do until request_wake */
	void (*wake)(struct request *rq); /* of the connection */
};

/* A live command: carries out rq->argv. Called between router_enter and router_leave, as .step is.
 * Return: exit status. */
typedef int command_live_fn(struct request *rq);

/* request_fail: one line "tapgate NAME: ..." on err. Return: @code, for `return request_fail(...)`. */
int request_fail(struct request *rq, int code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* request_enough: whether .step has done its part for now: made a piece of output, or used its time. */
bool request_enough(const struct request *rq);

/* request_wake: .step is called again, soon. */
static inline void request_wake(struct request *rq)
{
	if (rq->asleep) {
		rq->asleep = false;
		rq->wake(rq);
	}
}

/* Live commands, by file. */
command_live_fn command_status, command_reload;                       /* command_status.c */
command_live_fn command_iptables, command_iptables_save, command_iptables_restore;     /* command_iptables*.c */
command_live_fn command_ipset;                                        /* ipset_command.c */
command_live_fn command_conntrack;                                    /* command_conntrack.c */
command_live_fn command_nfacct;                                       /* command_nfacct.c */
command_live_fn command_cat, command_ls, command_write, command_sysctl; /* status_commands.c */

#endif
