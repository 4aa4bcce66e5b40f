/* fill.c - opens many UDP flows: one small datagram from each of some ports to each of many.
 *
 * usage: fill ADDRESS COUNT      prints "sent N"
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FIRST_PORT = 2000, PORTS = 60000, SOURCE = 2000, BURST = 64 };

/* from_port: a socket bound to a port of its own. */
static int from_port(uint16_t port)
{
	struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any)) {
		perror("fill");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	static struct sockaddr_in to[BURST];
	struct mmsghdr burst[BURST] = { 0 };
	struct iovec piece = { (char[]){ 'x' }, 1 };
	unsigned long count = argc == 3 ? strtoul(argv[2], NULL, 10) : 0, sent = 0;

	if (!count || inet_pton(AF_INET, argv[1], &to[0].sin_addr) != 1)
		return fprintf(stderr, "usage: fill ADDRESS COUNT\n"), 2;
	for (int i = 0; i < BURST; i++) {
		to[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr = to[0].sin_addr };
		burst[i].msg_hdr = (struct msghdr){ .msg_name = &to[i], .msg_namelen = sizeof to[i], .msg_iov = &piece,
						    .msg_iovlen = 1 };
	}
	for (uint16_t source = SOURCE; sent < count; source++) {
		int fd = from_port(source);

		for (unsigned port = 0; port < PORTS && sent < count;) {
			int n = 0;

			for (; n < BURST && port < PORTS && sent + (unsigned)n < count; n++)
				to[n].sin_port = htons((uint16_t)(FIRST_PORT + port++));
			for (int done = 0; done < n;) {
				int m = sendmmsg(fd, burst + done, (unsigned)(n - done), 0);

				done += m > 0 ? m : 1; /* an ICMP error of an earlier one: this one is lost */
			}
			sent += (unsigned)n;
			usleep(250); /* not faster than a router can take them on a busy machine */
		}
		close(fd);
	}
	printf("sent %lu\n", sent);
	return 0;
}
