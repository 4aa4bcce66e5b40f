/* client.c - the other side of control.h: sends a command to the running router and prints what it answers. */
#include "router/command.h"
#include "router/control.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* connect_router: a connection to the router. Return: descriptor, or -1 (said on stderr). */
static int connect_router(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd, error;

	if (strlen(path) >= sizeof sa.sun_path) {
		fprintf(stderr, "tapgate: the socket's path is too long: %s\n", path);
		return -1;
	}
	strcpy(sa.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && !connect(fd, (struct sockaddr *)&sa, sizeof sa))
		return fd;
	error = errno;
	if (error == ENOENT || error == ECONNREFUSED)
		fprintf(stderr, "tapgate: no router answers on %s: start one with `tapgate run -c FILE`, or name its socket "
				"with -S\n", path);
	else
		fprintf(stderr, "tapgate: cannot reach the router on %s: %s%s\n", path, strerror(error),
			error == EACCES ? "; run as root" : "");
	if (fd >= 0)
		close(fd);
	return -1;
}

/* send_all: all bytes. Return: false when the router closed. */
static bool send_all(int fd, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* send_record: one record of at most CONTROL_RECORD_MAX bytes. */
static bool send_record(int fd, enum control_record type, const void *bytes, size_t len)
{
	uint8_t header[CONTROL_HEADER];

	control_header(header, type, (uint32_t)len);
	return send_all(fd, header, sizeof header) && send_all(fd, bytes, len);
}

/* read_input: standard input until its end; what is more than a router takes is left out but for one byte, so that it
 * refuses. */
static void read_input(struct text *input)
{
	char buf[CONTROL_RECORD_MAX];
	ssize_t n;

	while (input->len <= CONTROL_INPUT_MAX && ((n = read(STDIN_FILENO, buf, sizeof buf)) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			text_put(input, buf, (size_t)n);
}

/* send_input: standard input as read. */
static bool send_input(int fd, const struct text *input)
{
	for (size_t at = 0; at < input->len; at += CONTROL_RECORD_MAX) {
		size_t left = input->len - at;

		if (!send_record(fd, CONTROL_INPUT, text_cstr(input) + at, left < CONTROL_RECORD_MAX ? left : CONTROL_RECORD_MAX))
			return false;
	}
	return true;
}

/* send_request: arguments, input, GO. Return: false when the router closed. */
static bool send_request(int fd, const struct command *command, int argc, char **argv, const struct text *input)
{
	for (int i = 0; i < argc; i++) {
		const char *arg = i ? argv[i] : command->name;

		if (strlen(arg) > CONTROL_RECORD_MAX || !send_record(fd, CONTROL_ARG, arg, strlen(arg)))
			return false;
	}
	if (!send_input(fd, input))
		return false;
	return send_record(fd, CONTROL_GO, "", 0);
}

/* receive_all: exactly @len bytes. Return: false when the router closed before. */
static bool receive_all(int fd, void *bytes, size_t len)
{
	char *at = bytes;

	while (len) {
		ssize_t n = recv(fd, at, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* print_answer: prints records until EXIT. Return: exit status; -1 when the router closed before. */
static int print_answer(int fd)
{
	static char buf[CONTROL_RECORD_MAX];
	uint8_t header[CONTROL_HEADER];

	while (receive_all(fd, header, sizeof header)) {
		uint32_t len = control_length(header);

		if (len > sizeof buf || !receive_all(fd, buf, len))
			return -1;
		if (header[0] == CONTROL_EXIT)
			return len ? (unsigned char)buf[0] : 0;
		if (fwrite(buf, 1, len, header[0] == CONTROL_ERR ? stderr : stdout) != len || fflush(stdout))
			return 1; /* each record is shown at once: events come one by one */
	}
	return -1;
}

/* get_input: what is to be sent as standard input. Return: 0 or exit status. */
static int get_input(const struct command *command, int argc, char **argv, struct text *input)
{
	if (!command->reads_input || !command->reads_input(argc, argv))
		return 0;
	read_input(input);
	if (input->len > CONTROL_INPUT_MAX || input->failed) {
		fprintf(stderr, "tapgate: the input is longer than %d MiB\n", CONTROL_INPUT_MAX >> 20);
		return 1;
	}
	return command->input ? command->input(input) : 0;
}

/* The connection to close on this side when the user wants no more, and whether that was. */
static int interrupted_fd;
static volatile sig_atomic_t interrupted;

/* on_interrupt: of SIGINT, SIGTERM, once: the router answers with its last words, and EXIT. */
static void on_interrupt(int signal)
{
	interrupted = signal;
	shutdown(interrupted_fd, SHUT_WR);
}

/* catch_interrupts: for a command that runs until it is interrupted. */
static void catch_interrupts(int fd)
{
	const struct sigaction action = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND | SA_RESTART };

	interrupted_fd = fd;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

int client_run(const struct command *command, const struct command_env *env, int argc, char **argv)
{
	int code = command->prepare ? command->prepare(argc, argv) : 0, fd;
	struct text input = { 0 };

	if (!code)
		code = get_input(command, argc, argv, &input);
	if (code) {
		text_free(&input);
		return code == COMMAND_DONE ? 0 : code;
	}
	fd = connect_router(env->socket);
	if (fd < 0) {
		text_free(&input);
		return COMMAND_UNREACHABLE;
	}
	/* A router that refuses the request closes while we still write: what it said is read all the same. */
	send_request(fd, command, argc, argv, &input);
	text_free(&input);
	if (command->follows)
		catch_interrupts(fd);
	code = print_answer(fd);
	close(fd);
	if (code < 0 && interrupted)
		return 128 + interrupted; /* of a command that had no last words */
	if (fflush(stdout))
		return 1;
	if (code < 0) {
		fprintf(stderr, "tapgate: the router closed the connection before it answered\n");
		return 1;
	}
	return code;
}
