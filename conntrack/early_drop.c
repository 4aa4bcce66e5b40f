/* early_drop.c - what happens when the table is full.
 *
 * Overview
 *   A new connection may push out others that never became ASSURED, near the bucket where it will live. When that does
 *   not help the packet is dropped and one scan over the whole table is started that kills what can be spared as long
 *   as the table is at least 95 % full.
 *
 * Linux parity: early_drop, early_drop_list, gc_worker (with early_drop set), gc_worker_can_early_drop.
 */
#include "conntrack/conntrack_int.h"

enum { EVICTION_RANGE = 8, GC_BUCKETS = 4096 };

/* drop_in_bucket: kills the entries of a bucket that @spare does not protect; expired ones are reaped uncounted.
 * Return: how many it killed. */
static uint32_t drop_in_bucket(struct conntrack *ctk, uint32_t bucket, bool (*spare)(const struct ct_entry *ct))
{
	struct ct_table *t = ctk->table;
	uint32_t killed = 0;

	for (uint32_t node = t->bucket[bucket]; node;) {
		enum ct_dir dir;
		struct ct_entry *ct = ct_node_entry(t, node, &dir);
		bool expired = ct_is_expired(ctk, ct);

		node = ct->next[dir];
		if (!expired && spare(ct))
			continue;
		/* Both directions may hang in this chain: begin again rather than follow a freed one. */
		if (ct_kill(ctk, ct)) {
			killed += !expired;
			node = t->bucket[bucket];
		}
	}
	return killed;
}

/* is_assured: spared by early drop. */
static bool is_assured(const struct ct_entry *ct)
{
	return ct->status & CT_ST_ASSURED;
}

/* is_open: spared by the scan: ASSURED and not closing. */
static bool is_open(const struct ct_entry *ct)
{
	const struct ct_proto *proto = ct_proto_find(ct->tuple[CT_ORIGINAL].proto);

	return is_assured(ct) && !(proto->can_early_drop && proto->can_early_drop(ct));
}

bool ct_early_drop(struct conntrack *ctk, uint32_t hash)
{
	struct ct_table *t = ctk->table;
	uint32_t bucket = ct_bucket_of(t, hash);

	for (unsigned i = 0; i < EVICTION_RANGE; i++) {
		uint32_t killed = drop_in_bucket(ctk, bucket, is_assured);

		if (killed) {
			ctk->stats.early_drop += killed;
			return true;
		}
		bucket = bucket + 1 < t->buckets ? bucket + 1 : 0;
	}
	return false;
}

void ct_gc_start(struct conntrack *ctk)
{
	if (!ctk->table->gc_running)
		ctk->table->gc_bucket = 0;
	ctk->table->gc_running = true;
}

void ct_gc_step(struct conntrack *ctk)
{
	struct ct_table *t = ctk->table;
	uint32_t nearly_full = (uint32_t)ctk->conf.max / 100 * 95; /* 0 for tiny tables, which Linux leaves alone */

	for (unsigned n = 0; t->gc_running && n < GC_BUCKETS; n++) {
		if (nearly_full && ctk->count >= nearly_full)
			drop_in_bucket(ctk, t->gc_bucket, is_open);
		if (++t->gc_bucket >= t->buckets)
			t->gc_running = false;
	}
}
