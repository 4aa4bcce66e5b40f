/* core.c - the core alone, without I/O: what one packet costs.
 *
 * usage: core [established|new] [PACKETS] [RULES]      PACKETS: rounded up to batches of 16
 *   established  packets of one connection through conntrack, MASQUERADE and RULES rules that do not match
 *   new          each packet begins a connection (UDP, own source port and address), same rules
 * Prints nanoseconds a packet; `bench.py` runs it under callgrind too, where instructions repeat exactly. lab.h has the
 * engine.
 */
#include "tests/bench/lab.h"

enum { BATCH = 16 }; /* PORT_IO_BATCH */

/* input_batch: frames as a port hands them over (port_io.c). */
static void input_batch(struct bench *b, struct pkt **batch)
{
	engine_foresee(b->e, batch, BATCH);
	for (unsigned n = 0; n < BATCH; n++)
		engine_input(b->e, b->lan, batch[n], b->now);
}

/* run_established: one flow in both directions, first packets not counted. Return: packets sent through. */
static uint64_t run_established(struct bench *b, unsigned long packets)
{
	uint64_t before;

	for (unsigned long i = 0; i < 4; i++) {
		uint16_t nat_port;

		engine_input(b->e, b->lan, frame(b, client_mac, lan_mac, 0x0a010001, 0xcb007101, 1000, 5000), b->now);
		memcpy(&nat_port, b->last + ETH_HLEN + IP4_HLEN, 2);
		engine_input(b->e, b->wan, frame(b, server_mac, wan_mac, 0xcb007101, 0xcb0071fe, 5000, ntohs(nat_port)),
			     b->now);
		b->now += 1000000000;
	}
	before = b->sent;
	for (unsigned long i = 0; i < packets; i += BATCH) {
		struct pkt *batch[BATCH];

		for (unsigned n = 0; n < BATCH; n++)
			batch[n] = frame(b, client_mac, lan_mac, 0x0a010001, 0xcb007101, 1000, 5000);
		input_batch(b, batch);
	}
	return b->sent - before;
}

/* run_new: each packet is a new connection. Return: packets sent through. */
static uint64_t run_new(struct bench *b, unsigned long packets)
{
	uint64_t before = b->sent;

	for (unsigned long i = 0; i < packets; i += BATCH) {
		struct pkt *batch[BATCH];

		for (unsigned long n = i; n < i + BATCH; n++)
			batch[n - i] = frame(b, client_mac, lan_mac, 0x0a010001, 0xcb007101, (uint16_t)(1024 + n % 60000),
					     (uint16_t)(1 + n / 60000));
		input_batch(b, batch);
	}
	return b->sent - before;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "established";
	unsigned long packets = ((argc > 2 ? strtoul(argv[2], NULL, 10) : 1000000) + BATCH - 1) / BATCH * BATCH;
	unsigned rules = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 100;
	static struct bench b;
	double begin;
	uint64_t through;

	setup(&b, 1 << 20, rules, true);
	begin = processor_seconds();
	through = strcmp(what, "new") ? run_established(&b, packets) : run_new(&b, packets);
	printf("%s packets %lu through %lu rules %u ns %.1f\n", what, packets, (unsigned long)through, rules,
	       (processor_seconds() - begin) * 1e9 / (double)packets);
	if (engine_destroy(b.e) || through != packets)
		return fprintf(stderr, "core: %lu of %lu packets came through\n", (unsigned long)through, packets), 1;
	return 0;
}
