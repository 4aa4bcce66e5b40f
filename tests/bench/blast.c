/* blast.c - sends small UDP datagrams as fast as one thread can.
 *
 * usage: blast ADDRESS PORT PAYLOAD_BYTES SECONDS      prints "sent N"
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { BURST = 64, PAYLOAD_MAX = 1472 };

/* seconds: the monotonic clock. */
static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	static char payload[PAYLOAD_MAX];
	struct mmsghdr burst[BURST] = { 0 };
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct iovec piece = { payload, 0 };
	unsigned long sent = 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
	double end;

	if (argc != 5 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return fprintf(stderr, "usage: blast ADDRESS PORT PAYLOAD_BYTES SECONDS\n"), 2;
	to.sin_port = htons((uint16_t)atoi(argv[2]));
	piece.iov_len = (size_t)atoi(argv[3]) <= PAYLOAD_MAX ? (size_t)atoi(argv[3]) : PAYLOAD_MAX;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
	if (connect(fd, (struct sockaddr *)&to, sizeof to))
		return perror("blast"), 1;
	for (int i = 0; i < BURST; i++)
		burst[i].msg_hdr = (struct msghdr){ .msg_iov = &piece, .msg_iovlen = 1 };
	for (end = seconds() + atof(argv[4]); seconds() < end;) {
		int n = sendmmsg(fd, burst, BURST, 0);

		sent += n > 0 ? (unsigned long)n : 0;
	}
	printf("sent %lu\n", sent);
	return 0;
}
