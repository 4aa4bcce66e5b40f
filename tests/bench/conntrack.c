/* conntrack.c - the table of connections alone, without I/O: what it costs at some sizes, and what holds the packet path.
 *
 * usage: conntrack COUNT plain|nat
 *   Fills the table of an engine with COUNT connections, each by a packet that is forwarded, and prints one line each:
 *   insert   ns a new connection          lookup   ns a look-up of a connection that is there, in random order
 *   packet   ns a packet of a connection picked at random, through the whole core, in batches as a port reads them
 *   dump     ns an entry printed as `conntrack -L` does
 *   resize   us to halve or double the buckets       expire   ns an entry when all expire at once
 *            hold: what one turn of the loop spent on it at most, us, but for one turn in a thousand; longest: and that one
 *   memory   resident bytes of the whole process when full, and above what it was before
 *
 * Times are processor time.
 */
#include "conntrack/conntrack_int.h"
#include "tests/bench/lab.h"

#include <unistd.h>

enum { LOOKUPS = 2000000, PACKETS = 1000000, SOURCES = 200, PORTS = 60000, BATCH = 16 };

/* resident: bytes of the process in memory. */
static uint64_t resident(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	unsigned long pages = 0;

	if (!f || fscanf(f, "%*u %lu", &pages) != 1)
		exit(1);
	fclose(f);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* flow_frame: a packet of flow @i, from the client's side. */
static struct pkt *flow_frame(struct bench *b, uint32_t i)
{
	return frame(b, client_mac, lan_mac, 0x0a010000 + i % SOURCES * 256 + 1, 0xcb007101, (uint16_t)(1024 + i % PORTS),
		     (uint16_t)(1 + i / PORTS));
}

/* flow_tuple: its original tuple. */
static struct ct_tuple flow_tuple(uint32_t i)
{
	return (struct ct_tuple){ .src = addr_ip4(htonl(0x0a010000 + i % SOURCES * 256 + 1)), .dst = addr_ip4(htonl(0xcb007101)),
				  .src_key = htons((uint16_t)(1024 + i % PORTS)), .dst_key = htons((uint16_t)(1 + i / PORTS)),
				  .family = FAMILY_IP4, .proto = IP_PROTO_UDP };
}

/* any_of: a number below @count that is not easily foreseen. */
static uint32_t any_of(uint32_t count)
{
	uint32_t n;

	random_bytes(NULL, &n, sizeof n);
	return (uint32_t)((uint64_t)n * count >> 32);
}

/* fill: @count connections. */
static void fill(struct bench *b, uint32_t count)
{
	double begin;
	uint64_t before = resident(), full;

	begin = processor_seconds();
	for (uint32_t i = 0; i < count; i++)
		engine_input(b->e, b->lan, flow_frame(b, i), b->now);
	printf("insert %.1f\n", (processor_seconds() - begin) * 1e9 / count);
	full = resident();
	printf("memory %lu %lu\n", (unsigned long)full, (unsigned long)(full - before));
	if (b->e->ctk->count != count || b->sent < count)
		fprintf(stderr, "conntrack: %u of %u connections\n", b->e->ctk->count, count), exit(1);
}

/* look_up: random connections, without and with the rest of the core. */
static void look_up(struct bench *b, uint32_t count)
{
	double begin;
	uint32_t *which = malloc(LOOKUPS * sizeof *which), found = 0;
	uint64_t before;

	if (!which)
		exit(1);
	for (uint32_t i = 0; i < LOOKUPS; i++)
		which[i] = any_of(count);
	for (int round = 0; round < 2; round++) { /* the first one warms up */
		begin = processor_seconds();
		for (uint32_t i = 0; i < LOOKUPS; i++) {
			struct ct_tuple t = flow_tuple(which[i]);

			found += ct_lookup(b->e->ctk, &t, NULL) != NULL;
		}
	}
	printf("lookup %.1f\n", (processor_seconds() - begin) * 1e9 / LOOKUPS);
	before = b->sent;
	begin = processor_seconds();
	for (uint32_t i = 0; i < PACKETS; i += BATCH) {
		struct pkt *batch[BATCH];

		for (uint32_t n = 0; n < BATCH; n++)
			batch[n] = flow_frame(b, which[i + n]);
		engine_foresee(b->e, batch, BATCH);
		for (uint32_t n = 0; n < BATCH; n++)
			engine_input(b->e, b->lan, batch[n], b->now);
	}
	printf("packet %.1f\n", (processor_seconds() - begin) * 1e9 / PACKETS);
	if (found != 2 * LOOKUPS || b->sent - before != PACKETS || b->e->ctk->count != count)
		fprintf(stderr, "conntrack: not all were found\n"), exit(1);
	free(which);
}

/* What a dump prints to, and how much. */
struct dump {
	struct conntrack *ctk;
	struct text text;
	uint32_t lines;
};

/* dump_one: ct_each's callback. */
static void dump_one(void *ctx, struct ct_entry *ct)
{
	struct dump *d = ctx;

	d->lines++;
	ct_print_tool(d->ctk, ct, 0, &d->text);
}

/* dump: the whole table as text, thrown away piece by piece. */
static void dump(struct bench *b, uint32_t count)
{
	static char piece[1 << 16];
	struct dump d = { .ctk = b->e->ctk };
	struct ct_cursor cursor = { 0 };
	double begin;

	begin = processor_seconds();
	do
		d.text = text_over(piece, sizeof piece);
	while (ct_each(d.ctk, &cursor, dump_one, &d));
	printf("dump %.1f\n", (processor_seconds() - begin) * 1e9 / count);
	if (d.lines != count)
		fprintf(stderr, "conntrack: %u of %u lines\n", d.lines, count), exit(1);
}

/* How long ticks took, us. */
struct ticks {
	double all, most, usual; /* together; the longest; the longest but for one in a thousand */
	uint32_t count, entries; /* how many; the most entries that one ended */
	float *took;
};

/* by_time: order of qsort. */
static int by_time(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return x < y ? -1 : x > y;
}

/* tick_until_idle: conntrack_tick as long as there is work. */
static struct ticks tick_until_idle(struct bench *b)
{
	enum { TICKS_MAX = 1 << 20 };
	struct ticks t = { .took = malloc(TICKS_MAX * sizeof *t.took) };

	while (t.took && conntrack_deadline(b->e->ctk) <= b->now && t.count < TICKS_MAX) {
		uint32_t before = b->e->ctk->count;
		double begin = processor_seconds();

		conntrack_tick(b->e->ctk);
		t.took[t.count] = (float)((processor_seconds() - begin) * 1e6);
		t.all += (double)t.took[t.count++];
		if (before - b->e->ctk->count > t.entries)
			t.entries = before - b->e->ctk->count;
	}
	if (!t.count)
		exit(1);
	qsort(t.took, t.count, sizeof *t.took, by_time);
	t.most = (double)t.took[t.count - 1];
	t.usual = (double)t.took[t.count - 1 - t.count / 1000];
	free(t.took);
	t.took = NULL;
	return t;
}

/* resize: to half the buckets and back. */
static void resize(struct bench *b)
{
	uint32_t buckets = (uint32_t)b->e->ctk->conf.buckets;
	struct ticks down, up;

	ct_table_resize(b->e->ctk, buckets / 2);
	down = tick_until_idle(b);
	ct_table_resize(b->e->ctk, buckets);
	up = tick_until_idle(b);
	printf("resize %.0f hold %.0f longest %.0f\n", (down.all + up.all) / 2, down.usual > up.usual ? down.usual : up.usual,
	       down.most > up.most ? down.most : up.most);
}

/* expire: all at once. */
static void expire(struct bench *b, uint32_t count)
{
	struct ticks t;

	b->now += 3600ull * 1000000000;
	b->e->ns->now = b->now;
	t = tick_until_idle(b);
	printf("expire %.1f hold %.0f longest %.0f entries %u\n", t.all * 1e3 / count, t.usual, t.most, t.entries);
	if (b->e->ctk->count)
		fprintf(stderr, "conntrack: %u are left\n", b->e->ctk->count), exit(1);
}

int main(int argc, char **argv)
{
	uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
	static struct bench b;

	if (argc < 3 || !count || count > (uint32_t)PORTS * 65535)
		return fprintf(stderr, "usage: conntrack COUNT plain|nat\n"), 2;
	setup(&b, count > CT_LIMITS_DEFAULT.max ? count : CT_LIMITS_DEFAULT.max, 0, !strcmp(argv[2], "nat"));
	fill(&b, count);
	look_up(&b, count);
	dump(&b, count);
	resize(&b);
	expire(&b, count);
	return engine_destroy(b.e) ? 1 : 0;
}
