/* test_save.c - what a swap of rulesets keeps: counters, state, the order of tables; and how it is saved. */
#include "netstack/text.h"
#include "tests/unit/tables/scene.h"

/* A match with state: counts its packets; how often it was started and stopped is counted outside. */
struct tick_data {
	uint32_t config;
	uint32_t ticks; /* state */
};
static int started, stopped;

static void tick_start(struct tables *t, void *data)
{
	(void)t;
	((struct tick_data *)data)->ticks = 100;
	started++;
}
static void tick_stop(struct tables *t, void *data)
{
	(void)t, (void)data;
	stopped++;
}
static void tick_save(const void *data, struct text *out)
{
	text_printf(out, " [%u]", ((const struct tick_data *)data)->ticks);
}
static bool tick_match(void *data, struct pkt *p, struct rule_env *env)
{
	(void)p, (void)env;
	((struct tick_data *)data)->ticks++;
	return true;
}
static const struct match_ops tick = {
	.name = "tick", .size = sizeof(struct tick_data), .state_size = sizeof(uint32_t), .start = tick_start,
	.stop = tick_stop, .save = tick_save, .match = tick_match,
};

static struct scene *open_ticking(void)
{
	struct scene *s = scene_open();

	assert_int_equal(tables_register_match(s->t, &tick), 0);
	started = stopped = 0;
	return s;
}

/* pass: one packet of 28 bytes through FORWARD. */
static void pass(struct scene *s)
{
	struct hook_state st = { .hook = HOOK_FORWARD, .ns = s->ns, .in = s->lan, .out = s->wan };
	struct pkt *p = craft_packet(s->ns->pool, &(struct craft){ .src = "10.0.0.1", .dst = "10.0.0.2", .dport = 53 });

	(void)tables_filter(s->t, p, &st);
	pkt_free(p);
}

static void expect_forward(struct scene *s, const char *want)
{
	struct text got = { 0 };

	assert_int_equal(tables_list_rules(s->t, TABLE_FILTER, "FORWARD", 0, true, &got), 0);
	assert_string_equal(text_cstr(&got), want);
	text_free(&got);
}

/* Steps: a text loaded as a whole (a reload), one packet after each. */
static void reload_keeps(void **state)
{
	struct scene *s = open_ticking();

	(void)state;
	assert_int_equal(scene_restore(s, "*filter\n-A FORWARD -m tick\n-A FORWARD -s 10.0.0.1\nCOMMIT\n", false, false, false), 0);
	pass(s);
	expect_forward(s, "-P FORWARD ACCEPT -c 1 28\n-A FORWARD -m tick [101] -c 1 28\n-A FORWARD -s 10.0.0.1/32 -c 1 28\n");
	/* in another order, with a stranger between, and one twice */
	assert_int_equal(scene_restore(s, "*filter\n-A FORWARD -s 10.0.0.1\n-A FORWARD -d 9.9.9.9\n-A FORWARD -m tick\n"
					  "-A FORWARD -m tick\nCOMMIT\n", false, false, false), 0);
	pass(s);
	expect_forward(s, "-P FORWARD ACCEPT -c 2 56\n-A FORWARD -s 10.0.0.1/32 -c 2 56\n-A FORWARD -d 9.9.9.9/32 -c 0 0\n"
			  "-A FORWARD -m tick [102] -c 2 56\n-A FORWARD -m tick [101] -c 1 28\n");
	assert_int_equal(started, 2);
	assert_int_equal(stopped, 0);
	/* counters that are given are taken */
	assert_int_equal(scene_restore(s, "*filter\n:FORWARD ACCEPT [9:9]\n[7:8] -A FORWARD -m tick\nCOMMIT\n", false, false,
				       true), 0);
	expect_forward(s, "-P FORWARD ACCEPT -c 9 9\n-A FORWARD -m tick [102] -c 7 8\n");
	assert_int_equal(stopped, 1);
	scene_close(s);
	assert_int_equal(stopped, started);
}

/* Commands on the live ruleset: what they do not name stays; what they make begins at 0, as with iptables. */
static void commands_keep(void **state)
{
	struct scene *s = open_ticking();

	(void)state;
	assert_int_equal(scene_line(s, "-A FORWARD -m tick", false), 0);
	pass(s);
	assert_int_equal(scene_line(s, "-I FORWARD -m tick", false), 0);
	pass(s);
	expect_forward(s, "-P FORWARD ACCEPT -c 2 56\n-A FORWARD -m tick [101] -c 1 28\n-A FORWARD -m tick [102] -c 2 56\n");
	assert_int_equal(scene_line(s, "-D FORWARD -m tick", false), 0);
	expect_forward(s, "-P FORWARD ACCEPT -c 2 56\n-A FORWARD -m tick [102] -c 2 56\n");
	assert_int_equal(scene_line(s, "-Z FORWARD 1", false), 0);
	expect_forward(s, "-P FORWARD ACCEPT -c 2 56\n-A FORWARD -m tick [102] -c 0 0\n");
	assert_int_equal(scene_line(s, "-Z", false), 0);
	expect_forward(s, "-P FORWARD ACCEPT -c 0 0\n-A FORWARD -m tick [102] -c 0 0\n");
	assert_int_equal(scene_line(s, "-P FORWARD DROP -c 3 4", false), 0);
	expect_forward(s, "-P FORWARD DROP -c 3 4\n-A FORWARD -m tick [102] -c 0 0\n");
	assert_int_equal(scene_line(s, "-N x", false), 0);
	assert_int_equal(scene_line(s, "-A FORWARD -j x -c 5 6", false), 0);
	assert_int_equal(scene_line(s, "-E x y", false), 0);
	expect_forward(s, "-P FORWARD DROP -c 3 4\n-A FORWARD -m tick [102] -c 0 0\n-A FORWARD -c 5 6 -j y\n");
	assert_int_equal(started, 2);
	assert_int_equal(stopped, 1);
	scene_close(s);
	assert_int_equal(stopped, started);
}

/* iptables-restore onto the live ruleset: counters are those of the text or 0; state stays. */
static void restore_zeroes(void **state)
{
	struct scene *s = open_ticking();

	(void)state;
	assert_int_equal(scene_line(s, "-A FORWARD -m tick", false), 0);
	pass(s);
	assert_int_equal(scene_restore(s, "*filter\n-A FORWARD -m tick\nCOMMIT\n", true, false, false), 0);
	expect_forward(s, "-P FORWARD ACCEPT -c 1 28\n-A FORWARD -m tick [101] -c 0 0\n");
	scene_close(s);
}

/* A rule that never went live is neither started nor stopped. */
static void aborted_never_starts(void **state)
{
	struct scene *s = open_ticking();
	struct ruleset *rs = tables_begin(s->t, true);

	(void)state;
	assert_int_equal(ruleset_line(s->t, rs, TABLE_FILTER, "-A FORWARD -m tick", false, &s->err), 0);
	tables_abort(s->t, rs);
	assert_int_equal(started + stopped, 0);
	scene_close(s);
}

static void names_and_stamps(void **state)
{
	struct scene *s = scene_open();
	struct text out = { 0 };

	(void)state;
	tables_names(s->t, &out);
	tables_save(s->t, TABLE_COUNT, false, "X", &out);
	assert_string_equal(text_cstr(&out), "");
	assert_int_equal(scene_line(s, "-t nat -A OUTPUT", false), 0);
	assert_int_equal(scene_line(s, "-t raw -A OUTPUT", false), 0);
	tables_names(s->t, &out);
	tables_save(s->t, TABLE_RAW, false, "DAY", &out);
	assert_string_equal(text_cstr(&out), "raw\nnat\n# Generated by iptables-save v1.8.11 on DAY\n*raw\n"
					     ":PREROUTING ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A OUTPUT\nCOMMIT\n"
					     "# Completed on DAY\n");
	text_free(&out);
	assert_int_equal(table_find("mangle"), TABLE_MANGLE);
	assert_int_equal(table_find("mangl"), TABLE_COUNT);
	scene_close(s);
}

/* 50 000 rules in 5 000 chains, loaded twice: the second time all move over. */
static void many_rules(void **state)
{
	struct scene *s = scene_open();
	struct text text = { 0 };

	(void)state;
	text_puts(&text, "*filter\n");
	for (int i = 0; i < 5000; i++)
		text_printf(&text, ":chain%d - [0:0]\n", i);
	for (int i = 0; i < 50000; i++)
		text_printf(&text, "-A chain%d -s 10.%d.%d.%d -p udp -m udp --dport %d -j ACCEPT\n", i % 5000, i >> 16, i >> 8 & 255,
			    i & 255, i & 65535);
	for (int i = 0; i < 5000; i++)
		text_printf(&text, "-A FORWARD -j chain%d\n", i);
	text_puts(&text, "COMMIT\n");
	assert_int_equal(scene_restore(s, text_cstr(&text), false, false, false), 0);
	pass(s);
	assert_int_equal(scene_restore(s, text_cstr(&text), false, false, false), 0);
	text_free(&text);
	assert_int_equal(tables_list_rules(s->t, TABLE_FILTER, "FORWARD", 5000, true, &text), 0);
	assert_string_equal(text_cstr(&text), "-A FORWARD -c 1 28 -j chain4999\n");
	text_free(&text);
	scene_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reload_keeps),		cmocka_unit_test(commands_keep),
		cmocka_unit_test(restore_zeroes),	cmocka_unit_test(aborted_never_starts),
		cmocka_unit_test(names_and_stamps),	cmocka_unit_test(many_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
