/* test_gre.c - GRE and the call ids of PPTP that a helper makes known. */
#include "tests/unit/conntrack/scene.h"

#include <errno.h>

static const struct ct_helper pptp = { .name = "pptp", .family = FAMILY_IP4, .proto = IP_PROTO_TCP, .default_port = 80,
				       .classes = 1, .policy = { { "", 2, 300 } } };

/* The control connection of a call: the client's id is 9, the server's 7. */
struct call {
	struct scene s;
	struct ct_entry *master;
	struct ct_tuple way[CT_DIRS]; /* what GRE packets look like with both ids */
};

/* control: a confirmed TCP connection. Return: held by the caller. */
static struct ct_entry *control(struct scene *s)
{
	struct pkt *p = packet_of(s, "O tcp S s=100");
	struct ct_entry *ct;

	assert_int_equal(through(s, p), VERDICT_ACCEPT);
	ct = p->ct;
	ct_hold(ct);
	pkt_free(p);
	return ct;
}

/* call_begin: the connection and its tuples, nothing known yet. */
static void call_begin(struct call *c)
{
	scene_begin(&c->s, 64);
	c->master = control(&c->s);
	c->way[CT_ORIGINAL] = (struct ct_tuple){ .src_key = htons(9), .dst_key = htons(7), .family = FAMILY_IP4,
						 .proto = IP_PROTO_GRE };
	addr_parse("10.0.0.1", FAMILY_IP4, &c->way[CT_ORIGINAL].src);
	addr_parse("10.0.0.2", FAMILY_IP4, &c->way[CT_ORIGINAL].dst);
	assert_true(ct_tuple_invert(&c->way[CT_ORIGINAL], &c->way[CT_REPLY]));
}

/* call_known: the helper has seen both ids. */
static void call_known(struct call *c)
{
	for (unsigned dir = 0; dir < CT_DIRS; dir++)
		assert_int_equal(ct_gre_keymap_add(c->s.ctk, c->master, (enum ct_dir)dir, &c->way[dir]), 0);
	assert_int_equal(ct_gre_keymap_count(c->s.ctk), 2);
}

/* call_end: nothing must be left. */
static void call_end(struct call *c)
{
	if (c->master)
		ct_release(c->s.ctk, c->master);
	ct_flush(c->s.ctk, NULL, NULL);
	assert_int_equal(ct_gre_keymap_count(c->s.ctk), 0);
	scene_end(&c->s);
}

/* play_steps: @count steps in one scene. */
static void play_steps(struct scene *s, const char *name, const struct step *steps, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		play(s, name, i, &steps[i]);
}
#define PLAY(s, name, steps) play_steps(s, name, steps, sizeof(steps) / sizeof *(steps))

/* With both ids known the two directions are one connection; other ids and other versions are not touched. */
static void test_one_flow(void **state)
{
	static const struct step before[] = { { 0, "R gre 1 9", "NEW 30" } };
	struct text out = { 0 };
	struct ct_tuple t;
	struct call c;
	struct pkt *p;

	(void)state;
	call_begin(&c);
	PLAY(&c.s, "before", before);
	call_known(&c);
	/* The entry from before has the source key 0; the tuple of the same packet has 7 now. */
	p = packet_of(&c.s, "R gre 1 9");
	assert_true(ct_tuple_from_pkt(c.s.ctk, p, 0, &t));
	ct_tuple_print(&t, &out);
	assert_string_equal(text_cstr(&out), "src=10.0.0.2 dst=10.0.0.1 srckey=0x7 dstkey=0x9 ");
	text_free(&out);
	pkt_free(p);
	PLAY(&c.s, "after", ((const struct step[]){
		{ 0, "O gre 1 7", "NEW 30" },
		{ 0, "R gre 1 9", "ESTABLISHED/R 30" },
		{ 0, "O gre 1 7", "ESTABLISHED 180 assured" },
		{ 0, "R gre 1 9", "ESTABLISHED/R 180 assured" },
		{ 0, "O gre 1 9", "NEW 30" },
		{ 0, "R gre 1 7", "NEW 30" },
		{ 0, "O gre", "NEW 30" },
		{ 0, "R gre", "ESTABLISHED/R 30" },
		{ 0, "O gre 2 7", "INVALID" } }));
	call_end(&c);
}

/* One map for each direction of a control connection: again the same is fine, another is not. */
static void test_add(void **state)
{
	struct ct_tuple other;
	struct call c;

	(void)state;
	call_begin(&c);
	call_known(&c);
	assert_int_equal(ct_gre_keymap_add(c.s.ctk, c.master, CT_ORIGINAL, &c.way[CT_ORIGINAL]), 0);
	other = c.way[CT_ORIGINAL];
	other.src_key = htons(10); /* not a part of what packets say */
	assert_int_equal(ct_gre_keymap_add(c.s.ctk, c.master, CT_ORIGINAL, &other), 0);
	other.dst_key = htons(8);
	assert_int_equal(ct_gre_keymap_add(c.s.ctk, c.master, CT_ORIGINAL, &other), -EEXIST);
	assert_int_equal(ct_gre_keymap_count(c.s.ctk), 2);
	ct_gre_keymap_destroy(c.s.ctk, c.master);
	assert_int_equal(ct_gre_keymap_count(c.s.ctk), 0);
	ct_gre_keymap_destroy(c.s.ctk, c.master);
	assert_int_equal(ct_gre_keymap_add(c.s.ctk, c.master, CT_ORIGINAL, &other), 0);
	call_end(&c);
}

/* Of two control connections with the same ids the elder answers; when it goes, the younger does. */
static void test_two(void **state)
{
	struct ct_entry *second;
	struct ct_tuple asked, theirs;
	struct call c;
	struct pkt *p;

	(void)state;
	call_begin(&c);
	call_known(&c);
	p = packet_of(&c.s, "O udp");
	assert_int_equal(through(&c.s, p), VERDICT_ACCEPT);
	second = p->ct;
	pkt_free(p);
	theirs = c.way[CT_ORIGINAL];
	theirs.src_key = htons(33);
	assert_int_equal(ct_gre_keymap_add(c.s.ctk, second, CT_ORIGINAL, &theirs), 0);
	p = packet_of(&c.s, "O gre 1 7");
	assert_true(ct_tuple_from_pkt(c.s.ctk, p, 0, &asked));
	assert_int_equal(asked.src_key, htons(9));
	ct_gre_keymap_destroy(c.s.ctk, c.master);
	assert_true(ct_tuple_from_pkt(c.s.ctk, p, 0, &asked));
	assert_int_equal(asked.src_key, htons(33));
	ct_kill(c.s.ctk, second);
	assert_true(ct_tuple_from_pkt(c.s.ctk, p, 0, &asked));
	assert_int_equal(asked.src_key, 0);
	pkt_free(p);
	call_end(&c);
}

/* The maps go when the control connection is freed. */
static void test_master_gone(void **state)
{
	struct call c;

	(void)state;
	call_begin(&c);
	call_known(&c);
	ct_kill(c.s.ctk, c.master);
	assert_int_equal(ct_gre_keymap_count(c.s.ctk), 2); /* held by the test: dying, not freed */
	ct_release(c.s.ctk, c.master);
	c.master = NULL;
	assert_int_equal(ct_gre_keymap_count(c.s.ctk), 0);
	call_end(&c);
}

/* An expected GRE connection is its master's child, and takes the maps with it when it ends. */
static void test_child(void **state)
{
	struct ct_expect *x;
	struct call c;

	(void)state;
	call_begin(&c);
	ct_refresh(c.s.ctk, c.master, NULL, 1000 * SEC);
	assert_int_equal(ct_helper_register(c.s.ctk, &pptp, NULL), 0);
	assert_int_equal(ct_help_set(c.s.ctk, c.master, ct_helper_find(c.s.ctk, "pptp", FAMILY_IP4, IP_PROTO_TCP)), 0);
	call_known(&c);
	x = ct_expect_alloc(c.s.ctk, c.master);
	assert_non_null(x);
	ct_expect_init(x, 0, FAMILY_IP4, &c.way[0].src, &c.way[0].dst, IP_PROTO_GRE, &c.way[0].src_key, c.way[0].dst_key);
	assert_int_equal(ct_expect_insert(c.s.ctk, x), 0);
	PLAY(&c.s, "child", ((const struct step[]){
		{ 0, "O gre 1 7", "RELATED 30" },
		{ 0, "R gre 1 9", "ESTABLISHED/R 30" },
		{ 1, "O gre 1 7", "ESTABLISHED 180 assured" } }));
	assert_int_equal(ct_gre_keymap_count(c.s.ctk), 2);
	c.s.ns->now += 200 * SEC;
	conntrack_tick(c.s.ctk);
	assert_false(ct_is_dying(c.master));
	assert_int_equal(ct_gre_keymap_count(c.s.ctk), 0);
	call_end(&c);
}

/* The table of maps has an end, and says so. */
static void test_full(void **state)
{
	struct scene s;

	(void)state;
	scene_begin(&s, CT_GRE_KEYMAPS_MAX);
	set_sysctls(&s, "buckets=65536");
	for (unsigned i = 0; i <= CT_GRE_KEYMAPS_MAX / 2; i++) {
		struct ct_tuple t = { .family = FAMILY_IP4, .proto = IP_PROTO_GRE, .dst_key = (uint16_t)i };
		char line[32];
		struct pkt *p;
		int want = i < CT_GRE_KEYMAPS_MAX / 2 ? 0 : -ENOMEM;

		snprintf(line, sizeof line, "O udp sp=%u", i + 1);
		p = packet_of(&s, line);
		assert_int_equal(through(&s, p), VERDICT_ACCEPT);
		for (unsigned dir = 0; dir < CT_DIRS; dir++) {
			t.src.word[0] = i << 1 | dir;
			assert_int_equal(ct_gre_keymap_add(s.ctk, p->ct, (enum ct_dir)dir, &t), want);
		}
		pkt_free(p);
	}
	ct_flush(s.ctk, NULL, NULL);
	assert_int_equal(ct_gre_keymap_count(s.ctk), 0);
	scene_end(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_flow),    cmocka_unit_test(test_add),   cmocka_unit_test(test_two),
		cmocka_unit_test(test_master_gone), cmocka_unit_test(test_child), cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
