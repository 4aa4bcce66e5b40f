/* log.h - the process's log: stderr, or the journal where stderr leads there; and what a service manager wants to hear.
 *
 * Overview
 *   One line per event, with the wall clock and a level on stderr, with a priority field in the journal's own protocol.
 *   What packets can cause is rate limited by the core before it comes here.
 */
#ifndef ROUTER_LOG_H
#define ROUTER_LOG_H

#include <stdarg.h>
#include <stdbool.h>

/* The kernel's levels, which are syslog's. */
/* LOG_NOTICE (start, ready, stop) is always written. */
enum { LOG_ERROR = 3, LOG_WARN = 4, LOG_NOTICE = 5, LOG_INFORM = 6, LOG_DETAIL = 7 };

struct log {
	int level;   /* lines above it are not written */
	int journal; /* datagram socket of the journal, or -1: stderr */
};

/* log_open: finds out where lines go. @level: the most detailed level written. log_close: the end. */
void log_open(struct log *log, int level);
void log_close(struct log *log);

/* log_line, log_linev: writes one line (formatted, without newline; a control character in it becomes '?'). */
void log_line(const struct log *log, int level, const char *format, ...) __attribute__((format(printf, 3, 4)));
void log_linev(const struct log *log, int level, const char *format, va_list args);

/* log_level_parse: "error", "warning", "info", "debug". Return: the level, or -1. log_level_name: the inverse. */
int log_level_parse(const char *name);
const char *log_level_name(int level);

/* log_notify: tells the service manager (NOTIFY_SOCKET of the environment) a state, e.g. "READY=1"; nothing without
 * one. */
void log_notify(const char *state);

#endif
