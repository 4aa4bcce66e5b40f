/* reflector.c - the ceiling for one thread over TAP: read a frame, put other addresses in, write it to the other TAP.
 *
 * usage: reflector TAP_A TAP_B
 * Makes both TAPs with vnet header and offloads, prints "ready", reads two MAC addresses from standard input (the far
 * end of A, the far end of B), answers nothing and rewrites nothing but the Ethernet addresses. Ends on SIGTERM.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { VNET_LEN = 12, FRAMES_PER_WAKEUP = 64, FRAME_MAX = 65536 + 64, USO = 0x20 | 0x40 };

struct side {
	int fd;
	uint8_t far_mac[6];
};

/* side_open: makes a TAP as the router does. Ends the program when that fails. */
static void side_open(struct side *s, const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR | IFF_NAPI };
	const unsigned base = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
	int header = VNET_LEN;

	snprintf(request.ifr_name, sizeof request.ifr_name, "%s", name);
	s->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
	if (s->fd < 0 || ioctl(s->fd, TUNSETIFF, &request) || ioctl(s->fd, TUNSETVNETHDRSZ, &header) ||
	    (ioctl(s->fd, TUNSETOFFLOAD, base | USO) && ioctl(s->fd, TUNSETOFFLOAD, base))) {
		perror(name);
		exit(1);
	}
}

/* read_mac: one address from standard input. Return: whether it was there. */
static int read_mac(uint8_t mac[6])
{
	unsigned b[6];

	if (scanf("%x:%x:%x:%x:%x:%x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]) != 6)
		return 0;
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)b[i];
	return 1;
}

/* drain: moves what waits on @from to @to, at most a budget of frames. */
static void drain(const struct side *from, const struct side *to, uint8_t last_byte)
{
	static uint8_t frame[VNET_LEN + FRAME_MAX];
	uint8_t *eth = frame + VNET_LEN;

	for (int i = 0; i < FRAMES_PER_WAKEUP; i++) {
		ssize_t len = read(from->fd, frame, sizeof frame);

		if (len < VNET_LEN + 14)
			return;
		memcpy(eth, to->far_mac, 6);
		memcpy(eth + 6, (const uint8_t[]){ 2, 0, 0, 0, 0, last_byte }, 6);
		if (write(to->fd, frame, (size_t)len) < 0 && errno != EAGAIN && errno != EIO)
			perror("write");
	}
}

int main(int argc, char **argv)
{
	struct side side[2];
	int ep = epoll_create1(0);

	if (argc != 3)
		return fprintf(stderr, "usage: reflector TAP_A TAP_B\n"), 2;
	for (uint32_t i = 0; i < 2; i++) {
		struct epoll_event interest = { .events = EPOLLIN, .data = { .u32 = i } };

		side_open(&side[i], argv[1 + i]);
		epoll_ctl(ep, EPOLL_CTL_ADD, side[i].fd, &interest);
	}
	puts("ready");
	fflush(stdout);
	if (!read_mac(side[0].far_mac) || !read_mac(side[1].far_mac))
		return fprintf(stderr, "reflector: two MAC addresses expected on standard input\n"), 1;
	for (;;) {
		struct epoll_event ready[2];
		int n = epoll_wait(ep, ready, 2, -1);

		for (int i = 0; i < n; i++) {
			uint32_t in = ready[i].data.u32;

			drain(&side[in], &side[!in], (uint8_t)(0xa0 + !in));
		}
	}
}
