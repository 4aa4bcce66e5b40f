/* set_rule.c - see set_rule.h (iptables extensions/libxt_set.h, net/netfilter/xt_set.c). */
#include "tables/set_rule.h"
#include "tables/options.h"

/* parse_flags: words src and dst, commas between. Return: 0 or -1 with the error. */
static int parse_flags(struct opt_call *c, const char *text, struct set_ref *ref)
{
	ref->dims = ref->src = 0;
	for (;; text++) {
		size_t len = strcspn(text, ",");
		bool src = len == 3 && !strncmp(text, "src", 3);

		if (ref->dims == SET_DIM_MAX)
			return rule_fail(c->err, "Can't be more src/dst options than %i.", SET_DIM_MAX);
		if (!src && !(len == 3 && !strncmp(text, "dst", 3)))
			return rule_fail(c->err,
					 "You must spefify (the comma separated list of) 'src' or 'dst'.");
		ref->src |= (uint8_t)(src << ref->dims++);
		text += len;
		if (!*text)
			return 0;
	}
}

int set_ref_parse(struct opt_call *c, struct set_ref *ref)
{
	if (*ref->name)
		return rule_fail(c->err, "--%s can be specified only once", c->row->name);
	if (!c->more_count || c->more[0][0] == '-' || c->more[0][0] == '!')
		return rule_fail(c->err, "--%s requires two args.", c->row->name);
	if (strlen(c->arg) >= SET_NAME_MAX)
		return rule_fail(c->err, "setname `%s' too long, max %d characters.", c->arg,
				 SET_NAME_MAX - 1);
	if (!*c->arg || !set_find(c->tables->sets, c->arg)) {
		rule_fail(c->err, "Set %s doesn't exist.", c->arg);
		c->err->blank = true;
		return -1;
	}
	strcpy(ref->name, c->arg);
	c->more_used = 1;
	return parse_flags(c, c->more[0], ref);
}

void set_ref_put(const struct set_ref *ref, const char *option, struct text *out)
{
	text_printf(out, " %s %s", option, ref->name);
	for (unsigned i = 0; i < ref->dims; i++)
		text_printf(out, "%s%s", i ? "," : " ", ref->src >> i & 1 ? "src" : "dst");
}

uint16_t set_ref_start(struct tables *t, const struct set_ref *ref, bool adds)
{
	struct set *s = *ref->name ? set_find(t->sets, ref->name) : NULL;

	if (!s)
		return SET_INDEX_NONE;
	set_hold(s);
	s->adders += adds;
	return s->index;
}

void set_ref_stop(struct tables *t, uint16_t index, bool adds)
{
	struct set *s = set_at(t->sets, index);

	if (!s)
		return;
	s->adders -= adds;
	set_put(s);
}

struct set_packet set_ref_packet(const struct set_ref *ref, const struct pkt *p, const struct rule_env *env)
{
	return (struct set_packet){
		.p = p, .in = env->st->in, .out = env->st->out, .dims = ref->dims, .src = ref->src
	};
}

struct set_op set_packet_op(const struct pkt *p)
{
	return (struct set_op){
		.flags = SET_OP_PACKET, .has_packets = true, .has_bytes = true, .packets = 1, .bytes = p->len
	};
}
