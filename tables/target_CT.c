/* target_CT.c - how a packet will be tracked: not at all, in which zone, by which helper, with which events
 * (net/netfilter/xt_CT.c).
 *
 * The rule holds the template that packets without a connection take along to conntrack.
 */
#include <errno.h>

#include "conntrack/helper.h"
#include "tables/extensions.h"
#include "tables/options.h"
#include "tables/tables_int.h"

enum { O_NOTRACK, O_HELPER, O_TIMEOUT, O_CTEVENTS, O_EXPEVENTS, O_ZONE, O_ZONE_ORIG, O_ZONE_REPLY };
enum {
	EVENT_SECMARK = 1 << 16, /* of no packet here; keeps a mask that names nothing else from meaning "all" */
	TIMEOUT_NAME_MAX = 31,
	TIMEOUT_NAME_SHOWN = 4, /* more of it the kernel does not tell: it copies as many bytes as the first revision had */
	HELPER_NAME_MAX = 15,
};

struct ct_data {
	struct ct_template template;
	char helper[HELPER_NAME_MAX + 1];
	char timeout[TIMEOUT_NAME_MAX + 1];
	uint8_t dirs; /* enum ct_zone_dir bits named by --zone-orig and --zone-reply */
	bool notrack;
};

#define TEXT(word, bit, field, length) \
	{ .name = word, .id = bit, .type = OPT_STRING, .flags = OPTF_STORE, .max = length, \
	  .offset = offsetof(struct ct_data, field) }
#define CUSTOM(word, bit) { .name = word, .id = bit, .type = OPT_CUSTOM }

static const struct opt_row rows[] = {
	{ .name = "notrack", .id = O_NOTRACK, .type = OPT_NONE, .flags = OPTF_STORE,
	  .offset = offsetof(struct ct_data, notrack) },
	TEXT("helper", O_HELPER, helper, HELPER_NAME_MAX),
	TEXT("timeout", O_TIMEOUT, timeout, TIMEOUT_NAME_MAX),
	CUSTOM("ctevents", O_CTEVENTS),
	CUSTOM("expevents", O_EXPEVENTS),
	CUSTOM("zone", O_ZONE),
	CUSTOM("zone-orig", O_ZONE_ORIG),
	CUSTOM("zone-reply", O_ZONE_REPLY),
};

static const struct opt_name events[] = {
	{ "new", CT_EV_NEW },         { "related", CT_EV_RELATED },   { "destroy", CT_EV_DESTROY },
	{ "reply", CT_EV_REPLY },     { "assured", CT_EV_ASSURED },   { "protoinfo", CT_EV_PROTO },
	{ "helper", CT_EV_HELPER },   { "mark", CT_EV_MARK },         { "natseqinfo", CT_EV_SEQADJ },
	{ "secmark", EVENT_SECMARK }, { NULL, 0 },
};
static const struct opt_name expect_events[] = { { "new", 1 }, { NULL, 0 } };

/* parse_events: a list of whole, lower-case names. */
static int parse_events(struct opt_call *c, const struct opt_name *names, uint32_t *out)
{
	for (const char *list = c->arg;; list++) {
		size_t len = strcspn(list, ",");
		const struct opt_name *n = opt_name_find(names, list, len, true);

		if (!n || strncmp(n->name, list, len))
			return rule_fail(c->err, "Unknown event type \"%.*s\"", (int)len, list);
		*out |= n->value;
		list += len;
		if (!*list)
			return 0;
	}
}

/* parse_zone: a zone number or "mark" in any case. @dir: what the option says of the direction, 0 for both. */
static int parse_zone(struct opt_call *c, struct ct_data *d, uint8_t dir)
{
	uint64_t zone;

	d->dirs |= dir;
	if (!strcasecmp(c->arg, "mark")) {
		d->template.zone_from_mark = true;
		return 0;
	}
	if (opt_number(c->arg, NULL, 0, UINT16_MAX, &zone))
		return rule_fail(c->err, "Cannot parse %s as a zone ID", c->arg);
	d->template.zone = (uint16_t)zone;
	return 0;
}

static int ct_parse(struct opt_call *c)
{
	struct ct_data *d = c->data;

	switch (c->row->id) {
	case O_CTEVENTS:
		return parse_events(c, events, &d->template.event_mask);
	case O_EXPEVENTS:
		return parse_events(c, expect_events, &d->template.expect_event_mask);
	case O_ZONE:
		return parse_zone(c, d, 0);
	case O_ZONE_ORIG:
		return parse_zone(c, d, CT_ZONE_ORIG);
	case O_ZONE_REPLY:
		return parse_zone(c, d, CT_ZONE_REPLY);
	default:
		return 0;
	}
}

/* find_helper: the helper by name for the rule's protocol. */
static int find_helper(struct opt_call *c, struct ct_data *d)
{
	uint8_t proto = c->spec->invert & INV_PROTO ? 0 : (uint8_t)c->spec->proto;

	if (proto)
		d->template.helper = ct_helper_find(c->tables->ctk, d->helper, FAMILY_IP4, proto);
	if (d->template.helper)
		return 0;
	rule_fail_errno(c->err, ENOENT);
	if (!proto)
		return rule_fail_detail(c->err, "CT --helper needs one protocol: -p tcp, -p udp ...");
	return rule_fail_detail(c->err, "CT: there is no helper \"%s\" for protocol %u", d->helper, proto);
}

/* find_timeout: timeout policies are made through a netlink interface that this router does not have. */
static int find_timeout(struct opt_call *c, const struct ct_data *d)
{
	rule_fail_errno(c->err, c->spec->proto && !(c->spec->invert & INV_PROTO) ? ENOENT : EINVAL);
	return rule_fail_detail(c->err, "CT: there is no timeout policy \"%s\": none was made", d->timeout);
}

static int ct_check(struct opt_call *c)
{
	struct ct_data *d = c->data;

	d->template.zone_dir = d->dirs ? d->dirs : CT_ZONE_BOTH;
	if (d->notrack) /* the kernel looks at nothing else then */
		return 0;
	if (*d->helper && find_helper(c, d))
		return -1;
	return *d->timeout ? find_timeout(c, d) : 0;
}

/* put_events: the names of the set bits, joined by commas. */
static void put_events(struct text *out, const struct opt_name *names, uint32_t set)
{
	const char *sep = " ";

	for (; names->name; names++) {
		if (!(set & names->value))
			continue;
		text_printf(out, "%s%s", sep, names->name);
		sep = ",";
	}
}

/* dump: the options; @dashes: "--" or "". */
static void dump(const struct ct_data *d, const char *dashes, struct text *out)
{
	const struct ct_template *t = &d->template;

	if (d->notrack)
		text_printf(out, " %snotrack", dashes);
	if (*d->helper)
		text_printf(out, " %shelper %s", dashes, d->helper);
	if (*d->timeout)
		text_printf(out, " %stimeout %.*s", dashes, TIMEOUT_NAME_SHOWN, d->timeout);
	if (t->event_mask) {
		text_printf(out, " %sctevents", dashes);
		put_events(out, events, t->event_mask);
	}
	if (t->expect_event_mask) {
		text_printf(out, " %sexpevents", dashes);
		put_events(out, expect_events, t->expect_event_mask);
	}
	if (!t->zone_from_mark && !t->zone)
		return;
	text_printf(out, " %szone%s", dashes,
		    d->dirs == CT_ZONE_ORIG ? "-orig" : d->dirs == CT_ZONE_REPLY ? "-reply" : "");
	if (t->zone_from_mark)
		text_puts(out, " mark");
	else
		text_printf(out, " %u", t->zone);
}

static void ct_print(const void *data, bool numeric, struct text *out)
{
	(void)numeric;
	text_puts(out, " CT");
	dump(data, "", out);
}

static void ct_save(const void *data, struct text *out)
{
	dump(data, "--", out);
}

static enum rule_verdict ct_target(void *data, struct pkt *p, struct rule_env *env)
{
	const struct ct_data *d = data;

	if (p->ct || p->ct_info == CT_UNTRACKED)
		return RULE_CONTINUE;
	if (d->notrack)
		p->ct_info = CT_UNTRACKED;
	else
		ct_set_template(env->tables->ctk, p, &d->template);
	return RULE_CONTINUE;
}

const struct target_ops target_CT = {
	.name = "CT",
	.revision = 2,
	.tables = TABLE_BIT(RAW),
	.size = sizeof(struct ct_data),
	OPT_ROWS(rows),
	.parse = ct_parse,
	.check = ct_check,
	.print = ct_print,
	.save = ct_save,
	.target = ct_target,
};
