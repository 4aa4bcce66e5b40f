/* match_nfacct.c - --nfacct-name: counts into a named object; with a quota fits beyond it only (net/netfilter/xt_nfacct.c,
 * iptables extensions/libxt_nfacct.c). */
#include <errno.h>

#include "tables/extensions.h"
#include "tables/nfacct.h"
#include "tables/tables_int.h"

enum { O_NAME };

struct nfacct_data {
	char name[NFACCT_NAME_MAX];
	/* run-time state */
	struct nfacct *object; /* referenced */
};

static const struct opt_row rows[] = {
	{ .name = "nfacct-name",
	  .id = O_NAME,
	  .type = OPT_STRING,
	  .flags = OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct nfacct_data, name),
	  .min = 1,
	  .max = NFACCT_NAME_MAX - 1 },
};

static int nfacct_parse(struct opt_call *c)
{
	return strchr(c->arg, '\n') ? rule_fail(c->err, "Newlines not allowed in --nfacct-name") : 0;
}

/* nfacct_attach: finds the object. */
static int nfacct_attach(struct tables *t, void *data, struct rule_error *err)
{
	struct nfacct_data *d = data;

	d->object = nfacct_find(t->nfaccts, d->name);
	if (!d->object) {
		rule_fail_errno(err, ENOENT);
		return rule_fail_detail(
			err, "match nfacct: there is no object '%s': make it with `nfacct add`", d->name);
	}
	nfacct_hold(d->object);
	return 0;
}

static void nfacct_detach(struct tables *t, void *data)
{
	(void)t;
	nfacct_put(((struct nfacct_data *)data)->object);
}

static void nfacct_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " nfacct-name ");
	put_word(out, ((const struct nfacct_data *)data)->name);
}

static void nfacct_save(const void *data, struct text *out)
{
	text_puts(out, " --nfacct-name ");
	put_word(out, ((const struct nfacct_data *)data)->name);
}

static bool nfacct_match(void *data, struct pkt *p, struct rule_env *env)
{
	return nfacct_count(env->tables->nfaccts, ((struct nfacct_data *)data)->object, p->len);
}

const struct match_ops match_nfacct = {
	.name = "nfacct",
	.revision = 1,
	.size = sizeof(struct nfacct_data),
	.state = true,
	.state_size = sizeof(struct nfacct_data) - offsetof(struct nfacct_data, object),
	OPT_ROWS(rows),
	.parse = nfacct_parse,
	.attach = nfacct_attach,
	.detach = nfacct_detach,
	.print = nfacct_print,
	.save = nfacct_save,
	.match = nfacct_match,
};
