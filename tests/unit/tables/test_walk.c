/* test_walk.c - the way of one packet through rules: verdict, reason, and which counters moved.
 *
 * The packet, unless a row changes it: UDP 10.0.0.1:1000 -> 10.0.0.2:53, 28 bytes, FORWARD from lan to wan0.
 */
#include <errno.h>

#include "netstack/text.h"
#include "tests/unit/tables/scene.h"

/* hit: the lines of iptables-save -c that were counted, after one packet. */
static const struct row {
	const char *rules; /* of table filter, ":chain" lines first */
	struct craft packet;
	enum verdict verdict;
	enum drop_reason drop;
	const char *hit;
	enum hook hook; /* 0: FORWARD */
} rows[] = {
	{ "", { 0 }, VERDICT_ACCEPT, 0, ":FORWARD ACCEPT [1:28]\n" },
	{ ":FORWARD DROP [0:0]\n", { 0 }, VERDICT_DROP, DROP_RULE_FILTER, ":FORWARD DROP [1:28]\n" },
	{ "-A FORWARD -j ACCEPT\n", { 0 }, VERDICT_ACCEPT, 0, "[1:28] -A FORWARD -j ACCEPT\n" },
	{ "-A FORWARD -j DROP\n", { 0 }, VERDICT_DROP, DROP_RULE_FILTER, "[1:28] -A FORWARD -j DROP\n" },
	{ "-A FORWARD -j QUEUE\n", { 0 }, VERDICT_DROP, DROP_RULE_FILTER, "[1:28] -A FORWARD -j QUEUE\n" },
	{ "-A FORWARD\n", { 0 }, VERDICT_ACCEPT, 0, ":FORWARD ACCEPT [1:28]\n[1:28] -A FORWARD\n" },
	/* addresses */
	{ "-A FORWARD -s 10.0.0.1 -d 10.0.0.0/24 -j DROP\n", { 0 }, VERDICT_DROP, DROP_RULE_FILTER,
	  "[1:28] -A FORWARD -s 10.0.0.1/32 -d 10.0.0.0/24 -j DROP\n" },
	{ "-A FORWARD -s 10.0.0.2 -j DROP\n-A FORWARD ! -d 10.0.0.2 -j DROP\n-A FORWARD ! -s 10.0.0.2 -j ACCEPT\n", { 0 },
	  VERDICT_ACCEPT, 0, "[1:28] -A FORWARD ! -s 10.0.0.2/32 -j ACCEPT\n" },
	{ "-A FORWARD ! -s 0/0 -j DROP\n", { 0 }, VERDICT_ACCEPT, 0, ":FORWARD ACCEPT [1:28]\n" },
	/* interfaces */
	{ "-A FORWARD -i lan -o wan0 -j DROP\n", { 0 }, VERDICT_DROP, DROP_RULE_FILTER,
	  "[1:28] -A FORWARD -i lan -o wan0 -j DROP\n" },
	{ "-A FORWARD -i la -j DROP\n-A FORWARD -i lann -j DROP\n-A FORWARD ! -i lan -j DROP\n-A FORWARD -o wan -j DROP\n"
	  "-A FORWARD ! -o wan+ -j DROP\n-A FORWARD -i l+ ! -o lan -j ACCEPT\n", { 0 }, VERDICT_ACCEPT, 0,
	  "[1:28] -A FORWARD -i l+ ! -o lan -j ACCEPT\n" },
	{ "-A FORWARD ! -i + -j DROP\n", { 0 }, VERDICT_ACCEPT, 0, ":FORWARD ACCEPT [1:28]\n" },
	{ ":x - [0:0]\n-A INPUT -j x\n-A x -o wan0 -j DROP\n-A x ! -o wan0 -j ACCEPT\n", { 0 }, VERDICT_ACCEPT, 0,
	  "[1:28] -A INPUT -j x\n[1:28] -A x ! -o wan0 -j ACCEPT\n", HOOK_INPUT },
	{ "-A OUTPUT -o wan+ -j DROP\n", { 0 }, VERDICT_DROP, DROP_RULE_FILTER, "[1:28] -A OUTPUT -o wan+ -j DROP\n",
	  HOOK_OUTPUT },
	/* protocol, fragments */
	{ "-A FORWARD -p tcp -j DROP\n-A FORWARD ! -p udp -j DROP\n-A FORWARD -p udp -j ACCEPT\n", { 0 }, VERDICT_ACCEPT, 0,
	  "[1:28] -A FORWARD -p udp -j ACCEPT\n" },
	{ "-A FORWARD -f -j DROP\n-A FORWARD ! -f -j ACCEPT\n", { 0 }, VERDICT_ACCEPT, 0,
	  "[1:28] -A FORWARD ! -f -j ACCEPT\n" },
	{ "-A FORWARD ! -f -j ACCEPT\n-A FORWARD -f -j DROP\n", { .frag = 10 }, VERDICT_DROP, DROP_RULE_FILTER,
	  "[1:28] -A FORWARD -f -j DROP\n" },
	{ "-A FORWARD -f -j DROP\n", { .frag = IP4_MF }, VERDICT_ACCEPT, 0, ":FORWARD ACCEPT [1:28]\n" },
	/* matches: counted when all say yes */
	{ "-A FORWARD -p udp --dport 54 -j DROP\n-A FORWARD -p udp --dport 53 --sport 1:999 -j DROP\n"
	  "-A FORWARD -p udp --dport 53 -j ACCEPT\n", { 0 }, VERDICT_ACCEPT, 0,
	  "[1:28] -A FORWARD -p udp -m udp --dport 53 -j ACCEPT\n" },
	{ "-A FORWARD -p tcp --dport 53 -j DROP\n-A FORWARD -p udp ! --dport 53 -j DROP\n-A FORWARD -p udp --sport 1000 -j ACCEPT\n",
	  { 0 }, VERDICT_ACCEPT, 0, "[1:28] -A FORWARD -p udp -m udp --sport 1000 -j ACCEPT\n" },
	{ "-A FORWARD -m comment --comment x -p udp -m udp --dport 54:60 -j DROP\n"
	  "-A FORWARD -p udp -m udp --dport 0:52 -j DROP\n-A FORWARD -p udp -m udp --dport 53:54 -j ACCEPT\n", { 0 },
	  VERDICT_ACCEPT, 0, "[1:28] -A FORWARD -p udp -m udp --dport 53:54 -j ACCEPT\n" },
	{ "-A FORWARD -m hot -j ACCEPT\n", { 0 }, VERDICT_DROP, DROP_RULE_HOTDROP, "" },
	/* user chains */
	{ ":x - [0:0]\n-A FORWARD -j x\n-A FORWARD -j DROP\n-A x -j ACCEPT\n", { 0 }, VERDICT_ACCEPT, 0,
	  "[1:28] -A FORWARD -j x\n[1:28] -A x -j ACCEPT\n" },
	{ ":x - [0:0]\n-A FORWARD -j x\n-A FORWARD -j DROP\n-A x -j RETURN\n-A x -j ACCEPT\n", { 0 }, VERDICT_DROP,
	  DROP_RULE_FILTER, "[1:28] -A FORWARD -j x\n[1:28] -A FORWARD -j DROP\n[1:28] -A x -j RETURN\n" },
	{ ":x - [0:0]\n-A FORWARD -j x\n-A FORWARD -j DROP\n", { 0 }, VERDICT_DROP, DROP_RULE_FILTER,
	  "[1:28] -A FORWARD -j x\n[1:28] -A FORWARD -j DROP\n" },
	{ ":x - [0:0]\n-A FORWARD -g x\n-A FORWARD -j DROP\n", { 0 }, VERDICT_ACCEPT, 0,
	  ":FORWARD ACCEPT [1:28]\n[1:28] -A FORWARD -g x\n" },
	{ ":x - [0:0]\n:y - [0:0]\n-A FORWARD -j x\n-A FORWARD -j DROP\n-A x -g y\n-A x -j ACCEPT\n-A y\n", { 0 },
	  VERDICT_DROP, DROP_RULE_FILTER,
	  "[1:28] -A FORWARD -j x\n[1:28] -A FORWARD -j DROP\n[1:28] -A x -g y\n[1:28] -A y\n" },
	{ ":x - [0:0]\n:y - [0:0]\n-A FORWARD -j x\n-A FORWARD -j ACCEPT\n-A x -j y\n-A x -j y\n-A x -s 1.1.1.1\n-A y\n",
	  { 0 }, VERDICT_ACCEPT, 0,
	  "[1:28] -A FORWARD -j x\n[1:28] -A FORWARD -j ACCEPT\n[1:28] -A x -j y\n[1:28] -A x -j y\n[2:56] -A y\n" },
	{ "-A FORWARD -j RETURN\n-A FORWARD -j DROP\n", { 0 }, VERDICT_ACCEPT, 0,
	  ":FORWARD ACCEPT [1:28]\n[1:28] -A FORWARD -j RETURN\n" },
	/* targets with code: what they change is what later rules see */
	{ "-A FORWARD -j SWAP\n-A FORWARD -s 10.0.0.1 -j DROP\n-A FORWARD -s 10.9.9.9 -j ACCEPT\n", { 0 }, VERDICT_ACCEPT, 0,
	  "[1:28] -A FORWARD -j SWAP\n[1:28] -A FORWARD -s 10.9.9.9/32 -j ACCEPT\n" },
	{ "-A FORWARD -j REASON\n", { 0 }, VERDICT_DROP, DROP_RULE_REJECT, "[1:28] -A FORWARD -j REASON\n" },
	{ ":x - [0:0]\n-A FORWARD -j x\n-A FORWARD -j ACCEPT\n-A x -j BACK\n-A x -j DROP\n", { 0 }, VERDICT_ACCEPT, 0,
	  "[1:28] -A FORWARD -j x\n[1:28] -A FORWARD -j ACCEPT\n[1:28] -A x -j BACK\n" },
	/* a walk inside a walk: 2 packets, the inner one takes the same way */
	{ ":x - [0:0]\n-A FORWARD -j x\n-A x -j AGAIN\n-A x -j ACCEPT\n", { 0 }, VERDICT_ACCEPT, 0,
	  "[2:56] -A FORWARD -j x\n[2:56] -A x -j AGAIN\n[2:56] -A x -j ACCEPT\n" },
};

static bool hot_match(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data, (void)p;
	env->hotdrop = true;
	return false;
}
static enum rule_verdict swap_target(void *data, struct pkt *p, struct rule_env *env)
{
	struct addr other;

	(void)data, (void)env;
	addr_parse("10.9.9.9", FAMILY_IP4, &other);
	ip4_hdr(p)->src = other.word[0];
	return RULE_CONTINUE;
}
static enum rule_verdict reason_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data, (void)env;
	p->drop = DROP_RULE_REJECT;
	return RULE_DROP;
}
static enum rule_verdict back_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data, (void)p, (void)env;
	return RULE_RETURN;
}
static enum rule_verdict again_target(void *data, struct pkt *p, struct rule_env *env)
{
	(void)data;
	if (p->mark++ == 0)
		assert_int_equal(tables_walk(env->tables, env->table, p, env->st), VERDICT_ACCEPT);
	return RULE_CONTINUE;
}

static const struct match_ops hot = { .name = "hot", .match = hot_match };
static const struct target_ops swap = { .name = "SWAP", .target = swap_target };
static const struct target_ops reason = { .name = "REASON", .target = reason_target };
static const struct target_ops back = { .name = "BACK", .target = back_target };
static const struct target_ops again = { .name = "AGAIN", .target = again_target };

static struct scene *open_with_targets(void)
{
	struct scene *s = scene_open();

	assert_int_equal(tables_register_match(s->t, &hot), 0);
	assert_int_equal(tables_register_match(s->t, &hot), -EEXIST);
	assert_int_equal(tables_register_target(s->t, &swap), 0);
	assert_int_equal(tables_register_target(s->t, &swap), -EEXIST);
	assert_int_equal(tables_register_target(s->t, &reason), 0);
	assert_int_equal(tables_register_target(s->t, &back), 0);
	assert_int_equal(tables_register_target(s->t, &again), 0);
	return s;
}

/* packet_of: the packet of a row with what it leaves open. */
static struct pkt *packet_of(struct scene *s, const struct craft *given)
{
	struct craft c = *given;

	c.src = c.src ? c.src : "10.0.0.1";
	c.dst = c.dst ? c.dst : "10.0.0.2";
	c.sport = c.sport ? c.sport : 1000;
	c.dport = c.dport ? c.dport : 53;
	return craft_packet(s->ns->pool, &c);
}

/* counted: the lines of iptables-save -c with a counter that is not 0. */
static struct text counted(struct scene *s)
{
	struct text all = scene_save(s, true), out = { 0 };
	char *save = NULL;

	for (char *line = strtok_r(all.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if ((line[0] == '[' || line[0] == ':') && !strstr(line, "[0:0]"))
			text_printf(&out, "%s\n", line);
	text_free(&all);
	return out;
}

static struct hook_state state_at(struct scene *s, enum hook hook)
{
	return (struct hook_state){ .hook = hook, .ns = s->ns, .in = hook <= HOOK_FORWARD ? s->lan : NULL,
				    .out = hook >= HOOK_FORWARD ? s->wan : NULL };
}

static void one_row(const struct row *r)
{
	struct scene *s = open_with_targets();
	struct hook_state st = state_at(s, r->hook ? r->hook : HOOK_FORWARD);
	struct text rules = { 0 }, hit;
	struct pkt *p;

	text_printf(&rules, "*filter\n%sCOMMIT\n", r->rules);
	if (scene_restore(s, text_cstr(&rules), false, false, false))
		fail_msg("%s%s", text_cstr(&rules), s->err.text);
	p = packet_of(s, &r->packet);
	assert_int_equal(tables_filter(s->t, p, &st), r->verdict);
	if (r->verdict == VERDICT_DROP)
		assert_int_equal(p->drop, r->drop);
	hit = counted(s);
	assert_string_equal(text_cstr(&hit), r->hit);
	text_free(&hit);
	text_free(&rules);
	pkt_free(p);
	scene_close(s);
}

static void walk_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		one_row(&rows[i]);
}

/* A table is walked only at its hooks. */
static void other_hooks(void **state)
{
	struct scene *s = scene_open();
	struct hook_state st = state_at(s, HOOK_PREROUTING);
	struct pkt *p = packet_of(s, &(struct craft){ 0 });

	(void)state;
	assert_int_equal(scene_line(s, "-P FORWARD DROP", false), 0);
	assert_int_equal(tables_filter(s->t, p, &st), VERDICT_ACCEPT);
	assert_int_equal(tables_raw(s->t, p, &st), VERDICT_ACCEPT);
	assert_int_equal(scene_line(s, "-t raw -A PREROUTING -j DROP", false), 0);
	assert_int_equal(tables_raw(s->t, p, &st), VERDICT_DROP);
	assert_int_equal(p->drop, DROP_RULE_RAW);
	pkt_free(p);
	scene_close(s);
}

/* A header that is not all there: the match is asked whatever the ports are, and drops. */
static void short_headers(void **state)
{
	static const struct {
		const char *rule;
		struct craft packet;
		unsigned l4_len;
		enum verdict verdict;
	} short_rows[] = {
		{ "-A FORWARD -p tcp --dport 81", { .tcp_flags = TCP_SYN, .dport = 80 }, 19, VERDICT_DROP },
		{ "-A FORWARD -p tcp --dport 81", { .tcp_flags = TCP_SYN, .dport = 80 }, 20, VERDICT_ACCEPT },
		{ "-A FORWARD -p udp --dport 81", { .dport = 80 }, 7, VERDICT_DROP },
		{ "-A FORWARD -p udp --dport 81", { .dport = 80 }, 8, VERDICT_ACCEPT },
		{ "-A FORWARD -p tcp --dport 81", { .dport = 80 }, 3, VERDICT_ACCEPT },
	};

	(void)state;
	for (size_t i = 0; i < sizeof short_rows / sizeof *short_rows; i++) {
		struct scene *s = scene_open();
		struct hook_state st = state_at(s, HOOK_FORWARD);
		struct pkt *p = packet_of(s, &short_rows[i].packet);

		assert_int_equal(scene_line(s, short_rows[i].rule, false), 0);
		p->len = p->hdr.l4 + short_rows[i].l4_len;
		assert_int_equal(tables_filter(s->t, p, &st), short_rows[i].verdict);
		if (short_rows[i].verdict == VERDICT_DROP)
			assert_int_equal(p->drop, DROP_RULE_HOTDROP);
		pkt_free(p);
		scene_close(s);
	}
}

/* A port that takes the place of another is matched by its own name. */
static void port_replaced(void **state)
{
	struct scene *s = scene_open();
	struct hook_state st = state_at(s, HOOK_FORWARD);
	struct pkt *p = packet_of(s, &(struct craft){ 0 });
	static const uint8_t mac[MAC_LEN] = { 2, 0, 0, 0, 0, 2 };

	(void)state;
	assert_int_equal(scene_line(s, "-A FORWARD -i dmz -j DROP", false), 0);
	assert_int_equal(tables_filter(s->t, p, &st), VERDICT_ACCEPT);
	port_remove(s->ns, s->lan);
	s->lan = st.in = port_add(s->ns, "dmz", mac, 1500);
	assert_int_equal(tables_filter(s->t, p, &st), VERDICT_DROP);
	pkt_free(p);
	scene_close(s);
}

/* -j TRACE: one line per rule hit, per end of a chain, per policy; not the TRACE rule itself. */
static void trace_lines(void **state)
{
	struct scene *s = scene_open();
	struct hook_state pre = state_at(s, HOOK_PREROUTING), fwd = state_at(s, HOOK_FORWARD);
	struct pkt *p = packet_of(s, &(struct craft){ 0 });
	static const char *const want[] = {
		"TRACE: raw:PREROUTING:policy:2 IN=lan OUT= ", "TRACE: filter:FORWARD:rule:2 IN=lan OUT=wan0 ",
		"TRACE: filter:x:return:2 IN=lan OUT=wan0 ", "TRACE: filter:FORWARD:policy:3 IN=lan OUT=wan0 ",
	};

	(void)state;
	assert_int_equal(scene_restore(s, "*raw\n-A PREROUTING -j TRACE\nCOMMIT\n*filter\n:x - [0:0]\n"
					  "-A FORWARD -s 1.1.1.1\n-A FORWARD -j x\n-A x -s 1.1.1.1\nCOMMIT\n",
				       true, false, false), 0);
	assert_true(s->t->trace_used);
	assert_int_equal(tables_raw(s->t, p, &pre), VERDICT_ACCEPT);
	assert_int_equal(tables_filter(s->t, p, &fwd), VERDICT_ACCEPT);
	assert_int_equal(s->world.log_count, 4);
	for (int i = 0; i < 4; i++)
		assert_memory_equal(s->world.log[i], want[i], strlen(want[i]));
	pkt_free(p);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(walk_rows),
		cmocka_unit_test(other_hooks),
		cmocka_unit_test(short_headers),
		cmocka_unit_test(port_replaced),
		cmocka_unit_test(trace_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
