/* control.h - the socket through which commands reach a running router.
 *
 * Overview
 *   A UNIX stream socket, mode 0600. Client and router exchange records: one type byte, a length (4 bytes, network
 *   order), the bytes. A request is any number of ARG records (argv, the command's name first), any number of INPUT
 *   records (its standard input), and GO. The answer is any number of OUT and ERR records and one EXIT, whose single
 *   byte is the exit status; then the router closes.
 *
 * Invariants
 *   1. A peer is not trusted: argument count, sizes, the number of connections and the time between two records of a request
 *      are bounded. How long it takes to read the answer is its own affair: it holds back the command, nothing else.
 *   2. The loop is never kept long: long output is made piece by piece, as the socket takes it (request.h, background.h).
 */
#ifndef ROUTER_CONTROL_H
#define ROUTER_CONTROL_H

#include <stddef.h>
#include <stdint.h>

struct control;
struct router;

enum control_record { CONTROL_ARG = 'A', CONTROL_INPUT = 'I', CONTROL_GO = 'G', CONTROL_OUT = 'O', CONTROL_ERR = 'E',
		      CONTROL_EXIT = 'X' };

enum {
	CONTROL_HEADER = 5,
	CONTROL_ARGS_MAX = 1024,
	CONTROL_ARG_BYTES_MAX = 256 << 10, /* all arguments together */
	CONTROL_INPUT_MAX = 64 << 20,      /* standard input */
	CONTROL_RECORD_MAX = 64 << 10,
	CONTROL_CONNECTIONS_MAX = 32,
	CONTROL_IDLE_SECONDS = 30,
};

/* control_header: writes the header of a record into CONTROL_HEADER bytes. */
static inline void control_header(uint8_t *to, enum control_record type, uint32_t len)
{
	to[0] = (uint8_t)type;
	for (int i = 0; i < 4; i++)
		to[1 + i] = (uint8_t)(len >> (24 - 8 * i));
}

/* control_length: the length in a header. */
static inline uint32_t control_length(const uint8_t *from)
{
	return (uint32_t)from[1] << 24 | (uint32_t)from[2] << 16 | (uint32_t)from[3] << 8 | from[4];
}

enum { CONTROL_WHY_MAX = 320 };

/* control_start: listens at @path: makes its folder, replaces the socket of a router that died, refuses where one lives.
 * Return: owned by the caller; NULL with one line in @why (CONTROL_WHY_MAX bytes). */
struct control *control_start(struct router *r, const char *path, char *why);

/* control_stop: closes all connections and removes the socket. NULL is allowed. */
void control_stop(struct control *c);

#endif
