/* match_ipvs.c - what the kernel's load balancer did with a packet (net/netfilter/xt_ipvs.c). There is none here: only
 * `! --ipvs` fits. */
#include <strings.h>

#include "tables/extensions.h"
#include "tables/options.h"

enum { O_IPVS, O_PROTO, O_ADDR, O_PORT, O_DIR, O_METHOD, O_CONTROL };
enum { DIR_ORIGINAL, DIR_REPLY };

struct ipvs_data {
	uint32_t addr, mask;
	uint16_t port, control;
	uint8_t proto, dir, method;
	uint8_t asks, invert; /* bits of O_* */
};

static const struct opt_row rows[] = {
	{ .name = "ipvs", .id = O_IPVS, .type = OPT_NONE, .flags = OPTF_INVERT },
	{ .name = "vproto", .id = O_PROTO, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "vaddr",
	  .id = O_ADDR,
	  .type = OPT_IP4_MASK,
	  .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct ipvs_data, addr) },
	{ .name = "vport",
	  .id = O_PORT,
	  .type = OPT_PORT,
	  .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct ipvs_data, port) },
	{ .name = "vdir", .id = O_DIR, .type = OPT_CUSTOM },
	{ .name = "vmethod", .id = O_METHOD, .type = OPT_CUSTOM, .flags = OPTF_INVERT },
	{ .name = "vportctl",
	  .id = O_CONTROL,
	  .type = OPT_PORT,
	  .flags = OPTF_INVERT | OPTF_STORE,
	  .offset = offsetof(struct ipvs_data, control) },
};

static const char *const dirs[] = { "ORIGINAL", "REPLY", NULL };
static const char *const methods[] = { "GATE", "IPIP", "MASQ", NULL };

/* parse_word: one of @words in any case. Return: 0, or -1 with the error filled. */
static int parse_word(struct opt_call *c, const char *const *words, uint8_t *out)
{
	for (*out = 0; words[*out]; ++*out)
		if (!strcasecmp(words[*out], c->arg))
			return 0;
	return rule_fail(c->err, "ipvs: Bad value for \"--%s\" option: \"%s\"", c->row->name, c->arg);
}

static int ipvs_parse(struct opt_call *c)
{
	struct ipvs_data *d = c->data;
	int proto;

	d->asks |= (uint8_t)(1u << c->row->id);
	if (c->invert)
		d->invert |= (uint8_t)(1u << c->row->id);
	switch (c->row->id) {
	case O_PROTO:
		proto = opt_protocol(c);
		d->proto = (uint8_t)proto;
		return proto < 0 ? -1 : 0;
	case O_DIR:
		return parse_word(c, dirs, &d->dir);
	case O_METHOD:
		return parse_word(c, methods, &d->method);
	default:
		return 0;
	}
}

static int ipvs_check(struct opt_call *c)
{
	struct ipvs_data *d = c->data;

	if (!d->asks)
		return rule_fail(c->err, "IPVS: At least one option is required");
	if (d->asks == 1u << O_IPVS)
		return 0;
	if (d->invert & 1u << O_IPVS)
		return rule_fail(c->err, "! --ipvs cannot be together with other options");
	d->asks &= (uint8_t) ~(1u << O_IPVS); /* the others imply it */
	return 0;
}

/* put_value: what stands behind the name of an option. */
static void put_value(struct text *out, const struct ipvs_data *d, unsigned id, bool numeric)
{
	switch (id) {
	case O_PROTO:
		text_printf(out, " %u", d->proto);
		break;
	case O_ADDR:
		text_puts(out, " ");
		if (!numeric && !d->addr)
			text_puts(out, "anywhere");
		else
			put_ip4_mask(out, d->addr, d->mask);
		break;
	case O_PORT:
	case O_CONTROL:
		text_printf(out, " %u", id == O_PORT ? d->port : d->control);
		break;
	case O_DIR:
		text_printf(out, " %s", dirs[d->dir]);
		break;
	case O_METHOD:
		text_printf(out, " %s", methods[d->method]);
		break;
	default:
		break;
	}
}

/* dump: the options; @dashes: "--" or "". */
static void dump(const struct ipvs_data *d, const char *dashes, bool numeric, struct text *out)
{
	for (unsigned id = O_IPVS; id <= O_CONTROL; id++) {
		if (!(d->asks & 1u << id))
			continue;
		put_not(out, d->invert & 1u << id);
		text_printf(out, " %s%s", dashes, rows[id].name);
		put_value(out, d, id, numeric);
	}
}

static void ipvs_print(const void *data, bool numeric, struct text *out)
{
	dump(data, "", numeric, out);
}

static void ipvs_save(const void *data, struct text *out)
{
	dump(data, "--", true, out);
}

static bool ipvs_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct ipvs_data *d = data;

	(void)p;
	(void)env;
	return d->invert & 1u << O_IPVS;
}

const struct match_ops match_ipvs = {
	.name = "ipvs",
	.size = sizeof(struct ipvs_data),
	OPT_ROWS(rows),
	.parse = ipvs_parse,
	.check = ipvs_check,
	.print = ipvs_print,
	.save = ipvs_save,
	.match = ipvs_match,
};
