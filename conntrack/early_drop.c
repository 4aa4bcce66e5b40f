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

enum { EVICTION_RANGE = 8 };

/* drop_in_chain: kills the entries of a chain that are not ASSURED; expired ones are reaped uncounted.
 * Return: how many it killed. */
static uint32_t drop_in_chain(struct conntrack *ctk, const uint32_t *head)
{
	struct ct_table *t = ctk->table;
	uint32_t killed = 0;

	for (uint32_t node = *head; node;) {
		enum ct_dir dir;
		struct ct_entry *ct = ct_node_entry(t, node, &dir);
		bool expired = ct_is_expired(ctk, ct);

		node = ct->next[dir];
		if (!expired && ct->status & CT_ST_ASSURED)
			continue;
		/* Both directions may hang in this chain: begin again rather than follow a freed one. */
		if (ct_kill(ctk, ct)) {
			killed += !expired;
			node = *head;
		}
	}
	return killed;
}

bool ct_early_drop(struct conntrack *ctk, uint32_t hash)
{
	struct ct_table *t = ctk->table;
	uint32_t step = (uint32_t)((1ull << 32) / t->heads.count);

	for (unsigned i = 0; i < EVICTION_RANGE * CT_HEADS; i++) {
		uint32_t killed = drop_in_chain(ctk, ct_head_of(t, hash + i * step));

		if (killed) {
			ctk->stats.early_drop += killed;
			return true;
		}
	}
	return false;
}

/* is_open: spared by the scan: ASSURED and not closing. */
static bool is_open(const struct ct_entry *ct)
{
	const struct ct_proto *proto = ct_proto_find(ct->tuple[CT_ORIGINAL].proto);

	return ct->status & CT_ST_ASSURED && !(proto->can_early_drop && proto->can_early_drop(ct));
}

/* scan_one: an entry that the scan meets. @ctx: the instance. */
static void scan_one(void *ctx, struct ct_entry *ct)
{
	if (!is_open(ct))
		ct_kill(ctx, ct);
}

void ct_gc_start(struct conntrack *ctk)
{
	if (!ctk->table->gc_running)
		ctk->table->gc = (struct ct_cursor){ 0 };
	ctk->table->gc_running = true;
}

void ct_gc_step(struct conntrack *ctk)
{
	struct ct_table *t = ctk->table;
	uint32_t nearly_full = (uint32_t)ctk->conf.max / 100 * 95; /* 0 for tiny tables, which Linux leaves alone */

	for (unsigned n = 0; t->gc_running && n < CT_GC_BUDGET; n += CT_EACH_STEP)
		t->gc_running = nearly_full && ctk->count >= nearly_full && ct_each(ctk, &t->gc, scan_one, ctk);
}
