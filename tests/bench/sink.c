/* sink.c - counts UDP arrivals; the rate is taken between the first and the last one.
 *
 * usage: sink PORT      prints "listening", then "received N pps R" once it has been quiet for a second (or nothing came in
 * ten seconds)
 */
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

enum { BURST = 64, DATAGRAM = 2048, PATIENCE = 10 };

/* seconds: the monotonic clock. */
static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
	static char data[BURST][DATAGRAM];
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct timeval second = { 1, 0 };
	struct mmsghdr burst[BURST] = { 0 };
	struct iovec piece[BURST];
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 8 << 20;
	unsigned long got = 0;
	double first = 0, last = 0;

	if (argc != 2)
		return fprintf(stderr, "usage: sink PORT\n"), 2;
	any.sin_port = htons((uint16_t)atoi(argv[1]));
	if (bind(fd, (struct sockaddr *)&any, sizeof any))
		return perror("sink"), 1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof second);
	for (int i = 0; i < BURST; i++) {
		piece[i] = (struct iovec){ data[i], DATAGRAM };
		burst[i].msg_hdr = (struct msghdr){ .msg_iov = &piece[i], .msg_iovlen = 1 };
	}
	puts("listening");
	fflush(stdout);
	for (int idle = 0; idle < (got ? 1 : PATIENCE);) {
		int n = recvmmsg(fd, burst, BURST, MSG_WAITFORONE, NULL);

		if (n <= 0) {
			idle++;
			continue;
		}
		idle = 0;
		first = got ? first : seconds();
		got += (unsigned long)n;
		last = seconds();
	}
	printf("received %lu pps %.0f\n", got, last > first ? (double)got / (last - first) : 0.0);
	return 0;
}
