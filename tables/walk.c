/* walk.c - the way of a packet through the rules of one table.
 *
 * Overview
 *   Rules of a chain in order. A rule that fits is counted, then its target says what happens: the next rule,
 * another chain, the end. What does not fit costs one comparison of 32 sequential bytes.
 *
 * Invariants
 *   1. Only the live ruleset is walked, and it is not swapped during a walk.
 *   2. The stack holds where to go on after each jump; a goto pushes nothing.
 *   3. A walk that begins while a target of another walk of the same table works (REJECT's answer at OUTPUT)
 * uses the stack above it.
 *
 * Linux parity: ip_tables.c ipt_do_table; iptable_mangle.c ipt_mangle_out.
 */
#include "netstack/netstack.h"
#include "netstack/route.h"
#include "tables/tables_int.h"
#include "tables/trace.h"

static const uint16_t drop_reasons[TABLE_COUNT] = {
#define X(id, name, drop) [TABLE_##id] = drop,
	TABLES(X)
#undef X
};

/* What a rule's own part is compared with. */
struct walk_key {
	uint32_t addr[2];        /* source, destination */
	const uint8_t *in, *out; /* rows of iface.c */
	uint8_t proto;
	uint8_t whole_or_fragment; /* CODE_WHOLE or CODE_FRAGMENT */
	uint8_t ports; /* CODE_PORTS where the ports below are the packet's, its TCP or UDP header all there
			*/
	uint16_t sport, dport; /* host order */
};

struct walk {
	struct tables *t;
	struct table *tb;
	enum table_id id;
	struct pkt *p;
	struct chain *base;
	const struct chain *chain;
	uint32_t index;        /* of the next rule in chain */
	uint32_t depth, floor; /* in tb->stack: used; where this walk began */
	struct walk_key key;
	struct rule_env env;
};

enum walk_end { WALK_GOES_ON, WALK_ACCEPT, WALK_DROP, WALK_STOLEN };

/* key_ports: the ports, if the whole header that the tcp and udp matches want is there; else they must be
 * asked. */
static void key_ports(struct walk_key *k, const struct pkt *p)
{
	uint32_t need = k->proto == IP_PROTO_TCP ? sizeof(struct tcp_hdr) : sizeof(struct udp_hdr);
	const struct udp_hdr *h = pkt_l4(p, need); /* the ports stand alike in both */

	k->ports = 0;
	if (!h || p->hdr.frag_off || (k->proto != IP_PROTO_TCP && k->proto != IP_PROTO_UDP))
		return;
	k->ports = CODE_PORTS;
	k->sport = __builtin_bswap16(h->sport);
	k->dport = __builtin_bswap16(h->dport);
}

/* key_read: takes from the packet what rules compare; again after a target that may have changed it. */
static void key_read(struct walk *w)
{
	const struct ip4_hdr *ip = ip4_hdr(w->p);

	w->key.addr[0] = ip->src;
	w->key.addr[1] = ip->dst;
	w->key.proto = w->p->hdr.proto;
	w->key.whole_or_fragment = w->p->hdr.frag_off ? CODE_FRAGMENT : CODE_WHOLE;
	key_ports(&w->key, w->p);
}

/* both: two 32-bit words as one. */
static inline uint64_t both(const uint32_t pair[2])
{
	uint64_t one;

	memcpy(&one, pair, sizeof one);
	return one;
}

/* addresses_miss: whether the addresses that are not inverted say no: what decides most rules, in four instructions. */
static inline bool addresses_miss(const struct rule_code *c, uint64_t addresses)
{
	return (addresses & both(c->mask)) != both(c->addr);
}

/* four_miss: the same of four rules in a row: most rules are passed over in fours. */
static inline bool four_miss(const struct rule_code *c, uint64_t addresses)
{
	return addresses_miss(&c[0], addresses) && addresses_miss(&c[1], addresses) && addresses_miss(&c[2], addresses) &&
	       addresses_miss(&c[3], addresses);
}

/* inverted_miss: whether an address behind `!` says no. */
static bool inverted_miss(const struct rule_code *c, const struct walk_key *k)
{
	const struct rule_spec *s = &c->rule->spec;

	return ((c->bits & CODE_NOT_SRC) && (k->addr[0] & s->src_mask) == s->src) ||
	       ((c->bits & CODE_NOT_DST) && (k->addr[1] & s->dst_mask) == s->dst);
}

/* code_fits: whether the rest of a rule's own part fits. All comparisons are made without branches: which one of
 * them says no cannot be guessed. */
static inline bool code_fits(const struct rule_code *c, const struct walk_key *k)
{
	unsigned bits = c->bits;
	unsigned miss = ((k->proto & c->proto_mask) != c->proto) ^ (bits >> 2 & 1);

	miss |= !(k->in[c->in] & k->out[c->out]);
	miss |= !(bits & k->whole_or_fragment);
	if (miss)
		return false;
	return !(bits & (CODE_NOT_SRC | CODE_NOT_DST)) || !inverted_miss(c, k);
}

/* ports_miss: whether the ports alone say no for a rule whose first match wants some. */
static inline bool ports_miss(const struct rule_code *c, const struct port_window *w,
			      const struct walk_key *k)
{
	return (c->bits & k->ports) && (k->sport < w->sport_min || k->sport > w->sport_max ||
					k->dport < w->dport_min || k->dport > w->dport_max);
}

/* next_fit: the first rule of @c from @i on whose own part fits. Return: its position, c->count if there is
 * none. */
static uint32_t next_fit(const struct chain *c, uint32_t i, const struct walk_key *key)
{
	const struct rule_code *code = c->code;
	const struct port_window *windows = c->windows;
	const struct walk_key k = *key;
	const uint64_t addresses = both(k.addr);
	uint32_t n = c->count;

	for (; i < n; i++) {
		while (i + 4 <= n && four_miss(&code[i], addresses))
			i += 4;
		if (i < n && !addresses_miss(&code[i], addresses) && !ports_miss(&code[i], &windows[i], &k) &&
		    code_fits(&code[i], &k))
			break;
	}
	return i < n ? i : n;
}

/* matches_hit: whether all matches of a rule say yes. */
static bool matches_hit(const struct rule *r, struct walk *w)
{
	const struct rule_match *m = r->match, *end = m + r->match_count;

	for (; m < end; m++)
		if (!m->ops->match(m->data, w->p, &w->env))
			return false;
	return true;
}

/* traced: the one place that looks whether -j TRACE asked to follow the packet. @number: the rule's, from 1.
 */
static inline void traced(const struct walk *w, enum trace_what what, const struct chain *c, uint32_t number)
{
	if (__builtin_expect(w->p->traced, 0))
		trace_packet(w->t, w->id, c->name, what, number, w->p, w->env.st);
}

/* take_policy: the end of a built-in chain. Return: WALK_ACCEPT or WALK_DROP. */
static enum walk_end take_policy(struct walk *w)
{
	struct chain *base = w->base;

	base->packets++;
	base->bytes += w->p->len;
	traced(w, TRACE_POLICY, base, base->count + 1);
	return base->policy == KIND_ACCEPT ? WALK_ACCEPT : WALK_DROP;
}

/* leave_chain: the end of a chain, or RETURN: back to where the last jump came from, else the policy. */
static enum walk_end leave_chain(struct walk *w)
{
	if (w->depth == w->floor)
		return take_policy(w);
	w->depth--;
	w->chain = w->tb->stack[w->depth].chain;
	w->index = w->tb->stack[w->depth].index;
	return WALK_GOES_ON;
}

/* enter_chain: a jump (@back: to come back here) or a goto. */
static enum walk_end enter_chain(struct walk *w, const struct chain *to, bool back)
{
	if (back) {
		if (w->depth == w->tb->stack_size) {
			w->p->drop = DROP_RULE_STACK;
			return WALK_DROP;
		}
		w->tb->stack[w->depth++] = (struct walk_frame){ w->chain, w->index };
	}
	w->chain = to;
	w->index = 0;
	return WALK_GOES_ON;
}

/* run_target: a target with code. */
static enum walk_end run_target(struct walk *w, const struct rule *r)
{
	enum rule_verdict v;

	w->tb->stack_used = w->depth;
	v = r->target->target(r->target_data, w->p, &w->env);
	w->tb->stack_used = w->floor;
	switch (v) {
	case RULE_CONTINUE:
		key_read(w);
		return WALK_GOES_ON;
	case RULE_ACCEPT:
		return WALK_ACCEPT;
	case RULE_RETURN:
		return leave_chain(w);
	case RULE_STOLEN:
		return WALK_STOLEN;
	case RULE_DROP:
		break;
	}
	return WALK_DROP;
}

/* take_rule: a rule all of which fits: counts it and does what it says. */
static enum walk_end take_rule(struct walk *w, struct rule *r)
{
	r->packets++;
	r->bytes += w->p->len;
	traced(w, TRACE_RULE, w->chain, w->index);
	switch ((enum rule_kind)r->kind) {
	case KIND_NONE:
		return WALK_GOES_ON;
	case KIND_ACCEPT:
		return WALK_ACCEPT;
	case KIND_DROP:
	case KIND_QUEUE: /* to nobody: Linux drops what no program takes from the queue */
		return WALK_DROP;
	case KIND_RETURN:
		return leave_chain(w);
	case KIND_JUMP:
		return enter_chain(w, w->chain->entries[w->index - 1].jump, true);
	case KIND_GOTO:
		return enter_chain(w, w->chain->entries[w->index - 1].jump, false);
	case KIND_TARGET:
		return run_target(w, r);
	}
	return WALK_DROP;
}

/* step: to the next rule that fits, or the end of the chain. */
static enum walk_end step(struct walk *w)
{
	const struct chain *c = w->chain;
	uint32_t i = next_fit(c, w->index, &w->key);
	const struct rule_code *code;

	if (i == c->count) {
		if (c->hook < 0)
			traced(w, TRACE_RETURN, c, c->count + 1);
		return leave_chain(w);
	}
	code = &c->code[i];
	w->index = i + 1;
	if (code->bits & CODE_MATCHES && !matches_hit(code->rule, w))
		return WALK_GOES_ON;
	return take_rule(w, code->rule);
}

/* walk_rules: the walk through a built-in chain that has rules, or whose walk is traced. */
static enum verdict walk_rules(struct tables *t, enum table_id id, struct chain *base, struct pkt *p,
			       const struct hook_state *st)
{
	struct table *tb = &t->live->table[id];
	struct walk w = { .t = t, .tb = tb, .id = id, .p = p, .base = base, .chain = base };
	enum walk_end end = WALK_GOES_ON;

	w.depth = w.floor = tb->stack_used;
	w.env = (struct rule_env){ .st = st, .tables = t, .table = id };
	w.key.in = iface_row(tb, st->in);
	w.key.out = iface_row(tb, st->out);
	key_read(&w);
	p->drop = DROP_NONE;
	while (end == WALK_GOES_ON && !w.env.hotdrop)
		end = step(&w);
	if (w.env.hotdrop) {
		p->drop = DROP_RULE_HOTDROP;
		return VERDICT_DROP;
	}
	if (end == WALK_STOLEN)
		return VERDICT_STOLEN;
	if (end == WALK_ACCEPT)
		return VERDICT_ACCEPT;
	if (p->drop == DROP_NONE)
		p->drop = drop_reasons[id];
	return VERDICT_DROP;
}

enum verdict tables_walk(struct tables *t, enum table_id id, struct pkt *p, const struct hook_state *st)
{
	struct chain *base;

	if (!(t->used & 1u << id))
		return VERDICT_ACCEPT;
	base = t->live->table[id].base[st->hook];
	if (!base)
		return VERDICT_ACCEPT;
	if (base->count || p->traced)
		return walk_rules(t, id, base, p, st);
	base->packets++;
	base->bytes += p->len;
	if (base->policy == KIND_ACCEPT)
		return VERDICT_ACCEPT;
	p->drop = drop_reasons[id];
	return VERDICT_DROP;
}

enum verdict tables_raw(void *tables, struct pkt *p, const struct hook_state *st)
{
	return tables_walk(tables, TABLE_RAW, p, st);
}

enum verdict tables_filter(void *tables, struct pkt *p, const struct hook_state *st)
{
	return tables_walk(tables, TABLE_FILTER, p, st);
}

enum verdict tables_security(void *tables, struct pkt *p, const struct hook_state *st)
{
	return tables_walk(tables, TABLE_SECURITY, p, st);
}

/* mangle_output: at OUTPUT the route was chosen before the rules: when they changed what it was chosen by, it
 * is chosen again (ipt_mangle_out). */
static enum verdict mangle_output(struct tables *t, struct pkt *p, const struct hook_state *st)
{
	uint32_t src = ip4_hdr(p)->src, dst = ip4_hdr(p)->dst, mark = p->mark;
	uint8_t tos = ip4_hdr(p)->tos;
	enum verdict v = tables_walk(t, TABLE_MANGLE, p, st);

	if (v != VERDICT_ACCEPT)
		return v;
	if (ip4_hdr(p)->src == src && ip4_hdr(p)->dst == dst && p->mark == mark && ip4_hdr(p)->tos == tos)
		return v;
	if (route_me_harder(t->ns, p) == 0)
		return v;
	p->drop = DROP_REROUTE_FAILED;
	return VERDICT_DROP;
}

enum verdict tables_mangle(void *tables, struct pkt *p, const struct hook_state *st)
{
	return st->hook == HOOK_OUTPUT ? mangle_output(tables, p, st)
				       : tables_walk(tables, TABLE_MANGLE, p, st);
}
