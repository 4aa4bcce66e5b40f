/* match_mac.c - --mac-source: who sent the frame (net/netfilter/xt_mac.c). */
#include "tables/extensions.h"
#include "tables/options.h"

enum { O_MAC };

struct mac_data {
	uint8_t mac[MAC_LEN];
	bool invert;
};

static const struct opt_row rows[] = {
	{ .name = "mac-source", .id = O_MAC, .type = OPT_MAC, .flags = OPTF_INVERT | OPTF_MANDATORY | OPTF_STORE,
	  .offset = offsetof(struct mac_data, mac) },
};

static int mac_parse_option(struct opt_call *c)
{
	((struct mac_data *)c->data)->invert = c->invert;
	return 0;
}

/* put_mac: lower-case, colons. */
static void put_mac(struct text *out, const uint8_t mac[MAC_LEN])
{
	char text[MAC_TEXT_MAX];

	text_puts(out, mac_format(mac, text));
}

static void mac_print(const void *data, bool numeric, struct text *out)
{
	const struct mac_data *d = data;

	(void)numeric;
	text_printf(out, " MAC%s ", d->invert ? " !" : "");
	put_mac(out, d->mac);
}

static void mac_save(const void *data, struct text *out)
{
	const struct mac_data *d = data;

	put_not(out, d->invert);
	text_puts(out, " --mac-source ");
	put_mac(out, d->mac);
}

static bool mac_match(void *data, struct pkt *p, struct rule_env *env)
{
	const struct mac_data *d = data;
	const struct eth_hdr *eth;

	(void)env;
	if (!p->has_mac)
		return false;
	eth = (const struct eth_hdr *)(const void *)(p->data - ETH_HLEN); /* there by pkt.has_mac */
	return !memcmp(eth->src, d->mac, MAC_LEN) != d->invert;
}

const struct match_ops match_mac = {
	.name = "mac",
	.hooks = HOOK_BIT(PREROUTING) | HOOK_BIT(INPUT) | HOOK_BIT(FORWARD),
	.size = sizeof(struct mac_data),
	OPT_ROWS(rows),
	.parse = mac_parse_option,
	.print = mac_print,
	.save = mac_save,
	.match = mac_match,
};
