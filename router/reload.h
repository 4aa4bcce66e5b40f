/* reload.h - SIGHUP and `tapgate reload`: the configuration is read again and applied while packets pass.
 *
 * Overview
 *   One reload runs at a time, on a timer of the event loop, in bounded slices that share the time of background work
 *   (background.h): read and try the configuration, build sets and rules beside the live ones, the switch in one step at one
 *   packet boundary, free what was live before. Until the switch nothing has changed.
 *
 *   Who asks while one runs gets the next one, which reads the file anew: it may have changed since. All who wait by
 *   then share it. A client that goes away leaves its reload running.
 */
#ifndef ROUTER_RELOAD_H
#define ROUTER_RELOAD_H

struct reload;
struct request;
struct router;

/* reload_request: carries out `tapgate reload` for @rq, which sleeps until it is done: problems and warnings go to its error
 * output, exit status 1 where nothing changed. Return: exit status where it cannot begin. */
int reload_request(struct request *rq);

/* reload_signal: the same for SIGHUP: what a client would read is logged. */
void reload_signal(struct router *r);

/* reload_stop: gives up one that runs; before the engine goes. NULL is allowed. */
void reload_stop(struct reload *rl);

#endif
