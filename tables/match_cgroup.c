/* match_cgroup.c - the control group of the socket a packet was sent through (net/netfilter/xt_cgroup.c).
 *
 * A forwarded packet has no socket and fits no rule, negated or not. What the router itself sends belongs to the root of the
 * tree and to class 0, as what the kernel's own sockets send. Whether a path exists is not asked: there is no tree here. */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_CLASS, O_PATH };
enum { PATH_MAX_LEN = 511 };

struct cgroup_data {
	uint32_t class_id;
	bool has_class, has_path, invert;
	char path[PATH_MAX_LEN + 1];
};

static const struct opt_row rows[] = {
	{ .name = "cgroup",
	  .id = O_CLASS,
	  .type = OPT_U32,
	  .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct cgroup_data, class_id) },
	{ .name = "path",
	  .id = O_PATH,
	  .type = OPT_STRING,
	  .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct cgroup_data, path),
	  .max = PATH_MAX_LEN },
};

static int cgroup_parse(struct opt_call *c)
{
	struct cgroup_data *d = c->data;

	*(c->row->id == O_CLASS ? &d->has_class : &d->has_path) = true;
	d->invert = c->invert;
	return 0;
}

static int cgroup_check(struct opt_call *c)
{
	const struct cgroup_data *d = c->data;

	if (d->has_class == d->has_path)
		return rule_invalid(c->err, d->has_class ? "cgroup: both --cgroup and --path"
							 : "cgroup: neither --cgroup nor --path");
	return 0;
}

static void cgroup_print(const void *data, bool numeric, struct text *out)
{
	const struct cgroup_data *d = data;

	(void)numeric;
	text_printf(out, " cgroup %s", d->invert ? "! " : "");
	if (d->has_path)
		text_puts(out, d->path);
	else
		text_printf(out, "%u", d->class_id);
}

static void cgroup_save(const void *data, struct text *out)
{
	const struct cgroup_data *d = data;

	put_not(out, d->invert);
	if (d->has_path) {
		text_puts(out, " --path");
		put_word(out, d->path);
	} else {
		text_printf(out, " --cgroup %u", d->class_id);
	}
}

static bool cgroup_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct cgroup_data *d = data;
	bool root = d->has_path && !d->path[strspn(d->path, "/")];

	(void)env;
	return p->own_socket && (root || (d->has_class && !d->class_id)) != d->invert;
}

const struct match_ops match_cgroup = {
	.name = "cgroup",
	.revision = 2,
	.hooks = HOOK_BIT(INPUT) | HOOK_BIT(OUTPUT) | HOOK_BIT(POSTROUTING),
	.size = sizeof(struct cgroup_data),
	OPT_ROWS(rows),
	.parse = cgroup_parse,
	.check = cgroup_check,
	.print = cgroup_print,
	.save = cgroup_save,
	.match = cgroup_match,
};
