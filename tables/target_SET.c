/* target_SET.c - adds the packet to a set, deletes it from one, takes mark, priority and queue from one
 * (net/netfilter/xt_set.c). The packet goes on to the next rule. */
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/set_rule.h"

enum { O_ADD, O_DEL, O_MAP, O_EXIST, O_TIMEOUT, O_MARK, O_PRIO, O_QUEUE };
#define SEEN(bit) (1u << (bit))
enum { MAP_MARK = 1, MAP_PRIO = 2, MAP_QUEUE = 4 };

struct target_set {
	struct set_ref add, del, map;
	uint32_t timeout;        /* SET_NO_TIMEOUT: the set's */
	uint8_t exist, map_what; /* map_what: MAP_* */
	/* run-time state */
	uint16_t add_index, del_index, map_index;
};

#define VALUE(word, bit)                                                                       \
	{                                                                                      \
		.name = word, .id = bit, .type = OPT_CUSTOM, .flags = OPTF_INVERT | OPTF_MULTI \
	}
#define FLAG(word, bit)                                                                      \
	{                                                                                    \
		.name = word, .id = bit, .type = OPT_NONE, .flags = OPTF_INVERT | OPTF_MULTI \
	}

static const struct opt_row rows[] = {
	VALUE("add-set", O_ADD),  VALUE("del-set", O_DEL),     VALUE("map-set", O_MAP),
	FLAG("exist", O_EXIST),   VALUE("timeout", O_TIMEOUT), FLAG("map-mark", O_MARK),
	FLAG("map-prio", O_PRIO), FLAG("map-queue", O_QUEUE),
};

static void SET_init(void *data)
{
	((struct target_set *)data)->timeout = SET_NO_TIMEOUT;
}

/* parse_timeout: seconds. */
static int parse_timeout(struct opt_call *c, struct target_set *d)
{
	uint64_t value;

	if (opt_number(c->arg, NULL, 0, UINT32_MAX - 1, &value))
		return rule_fail(c->err, "Invalid value for option --timeout or out of range 0-%u",
				 UINT32_MAX - 1);
	d->timeout = (uint32_t)value;
	return 0;
}

/* parse_add: also reserves the room that packets will fill. */
static int parse_add(struct opt_call *c, struct target_set *d)
{
	if (set_ref_parse(c, &d->add))
		return -1;
	if (!set_reserve(set_find(c->tables->sets, d->add.name)))
		return 0;
	return rule_fail_code(c->err, 4, "Memory allocation problem.");
}

static int SET_parse(struct opt_call *c)
{
	struct target_set *d = c->data;

	switch (c->row->id) {
	case O_ADD:
		return parse_add(c, d);
	case O_DEL:
		return set_ref_parse(c, &d->del);
	case O_MAP:
		return set_ref_parse(c, &d->map);
	case O_TIMEOUT:
		return parse_timeout(c, d);
	case O_EXIST:
		d->exist = 1;
		return 0;
	default:
		d->map_what |= (uint8_t)(1u << (c->row->id - O_MARK));
		return 0;
	}
}

static int SET_check(struct opt_call *c)
{
	const struct target_set *d = c->data;

	if (!(c->seen & (SEEN(O_ADD) | SEEN(O_DEL) | SEEN(O_MAP))))
		return rule_fail(c->err, "You must specify either `--add-set' or `--del-set' or `--map-set'");
	if (!(c->seen & SEEN(O_ADD)) && d->exist)
		return rule_fail(c->err, "Flag `--exist' can be used with `--add-set' only");
	if (!(c->seen & SEEN(O_ADD)) && c->seen & SEEN(O_TIMEOUT))
		return rule_fail(c->err, "Option `--timeout' can be used with `--add-set' only");
	if (!(c->seen & SEEN(O_MAP))) {
		static const char *const flags[] = { "mark", "prio", "queue" };

		for (unsigned i = 0; i < 3; i++)
			if (d->map_what >> i & 1)
				return rule_fail(c->err, "Flag `--map-%s' can be used with `--map-set' only",
						 flags[i]);
		return 0;
	}
	if (!d->map_what)
		return rule_fail(c->err,
				 "You must specify flags `--map-mark' or '--map-prio` or `--map-queue'");
	return c->table == TABLE_MANGLE
		       ? 0
		       : rule_invalid(c->err, "SET: --map-set may stand in the mangle table only");
}

/* SET_hooks: priority and queue can be set where the packet's way out is near. */
static uint8_t SET_hooks(const void *data)
{
	if (((const struct target_set *)data)->map_what & (MAP_PRIO | MAP_QUEUE))
		return HOOK_BIT(FORWARD) | HOOK_BIT(OUTPUT) | HOOK_BIT(POSTROUTING);
	return HOOK_BIT_ALL;
}

static void SET_start(struct tables *t, void *data)
{
	struct target_set *d = data;

	d->add_index = set_ref_start(t, &d->add, true);
	d->del_index = set_ref_start(t, &d->del, false);
	d->map_index = set_ref_start(t, &d->map, false);
}

static void SET_stop(struct tables *t, void *data)
{
	const struct target_set *d = data;

	set_ref_stop(t, d->add_index, true);
	set_ref_stop(t, d->del_index, false);
	set_ref_stop(t, d->map_index, false);
}

/* dump: the options; @dashes: "--" or "". */
static void dump(const struct target_set *d, const char *dashes, struct text *out)
{
	bool save = *dashes;

	if (*d->add.name)
		set_ref_put(&d->add, save ? "--add-set" : "add-set", out);
	if (d->exist)
		text_printf(out, " %sexist", dashes);
	if (d->timeout != SET_NO_TIMEOUT)
		text_printf(out, " %stimeout %u", dashes, d->timeout);
	if (*d->del.name)
		set_ref_put(&d->del, save ? "--del-set" : "del-set", out);
	if (*d->map.name)
		set_ref_put(&d->map, save ? "--map-set" : "map-set", out);
	if (d->map_what & MAP_MARK)
		text_printf(out, " %smap-mark", dashes);
	if (d->map_what & MAP_PRIO)
		text_printf(out, " %smap-prio", dashes);
	if (d->map_what & MAP_QUEUE)
		text_printf(out, " %smap-queue", dashes);
}

static void SET_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	dump(data, "", out);
}

static void SET_save(const void *data, struct text *out)
{
	dump(data, "--", out);
}

/* map_packet: what the packet's element says of mark and priority (there are no queues to choose among). */
static void map_packet(const struct target_set *d, struct pkt *p, struct rule_env *env, struct set *s)
{
	const struct set_packet sp = set_ref_packet(&d->map, p, env);
	struct set_op op = set_packet_op(p);

	if (!set_packet_adt(s, SET_TEST, &sp, &op))
		return;
	if (d->map_what & MAP_MARK)
		p->mark = (p->mark & ~op.mark_mask) ^ op.mark;
	if (d->map_what & MAP_PRIO)
		p->priority = op.prio;
}

static enum rule_verdict SET_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct target_set *d = data;
	const struct sets *ss = env->tables->sets;
	struct set *add = set_at(ss, d->add_index), *del = set_at(ss, d->del_index),
		   *map = set_at(ss, d->map_index);
	struct set_op op = set_packet_op(p);
	struct set_packet sp;

	if (add) {
		sp = set_ref_packet(&d->add, p, env);
		op.flags |= d->exist ? SET_OP_EXIST : 0;
		op.has_timeout = d->timeout != SET_NO_TIMEOUT;
		op.timeout = op.has_timeout && d->timeout > SET_TIMEOUT_MAX ? SET_TIMEOUT_MAX : d->timeout;
		set_packet_adt(add, SET_ADD, &sp, &op);
	}
	if (del) {
		sp = set_ref_packet(&d->del, p, env);
		op = set_packet_op(p);
		set_packet_adt(del, SET_DEL, &sp, &op);
	}
	if (map)
		map_packet(d, p, env, map);
	return RULE_CONTINUE;
}

const struct target_ops target_SET = {
	.name = "SET",
	.revision = 3,
	.size = sizeof(struct target_set),
	.state_size = sizeof(struct target_set) - offsetof(struct target_set, add_index),
	.hooks_for = SET_hooks,
	OPT_ROWS(rows),
	.init = SET_init,
	.parse = SET_parse,
	.check = SET_check,
	.start = SET_start,
	.stop = SET_stop,
	.print = SET_print,
	.save = SET_save,
	.target = SET_target,
};
