/* set_hash_mac.c - hash:mac: link addresses (ip_set_hash_mac.c). */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "netstack/netstack.h"
#include "tables/set.h"

enum { KEY_SIZE = 8 };

/* make_key: the address, padded. Return: 0, or an error for the null address. */
static int make_key(uint8_t *key, const uint8_t mac[MAC_LEN])
{
	static const uint8_t zero[MAC_LEN];

	memset(key, 0, KEY_SIZE);
	memcpy(key, mac, MAC_LEN);
	return memcmp(mac, zero, MAC_LEN) ? 0 : -SET_E_NULL_ELEMENT;
}

static int mac_update(struct set *s, enum set_adt adt, const struct set_entry *e, struct set_op *op)
{
	uint8_t key[KEY_SIZE];
	int error = make_key(key, e->mac);

	return error ? error : set_element(s, adt, key, op);
}

static int mac_packet(const struct set *s, enum set_adt adt, const struct set_packet *sp, void *key)
{
	const struct eth_hdr *eth = (const struct eth_hdr *)(const void *)(sp->p->data - ETH_HLEN);

	(void)s, (void)adt;
	if (!sp->p->has_mac) /* there by pkt.has_mac */
		return -SET_E_INVAL;
	return make_key(key, sp->src & 1 ? eth->src : eth->dst);
}

static void mac_put(const struct set *s, const void *key, struct text *out)
{
	const uint8_t *k = key;

	(void)s;
	text_printf(out, "%02X:%02X:%02X:%02X:%02X:%02X", k[0], k[1], k[2], k[3], k[4], k[5]);
}

const struct set_type set_type_hash_mac = {
	.name = "hash:mac",
	.alias = "machash",
	.revision = 1,
	.dims = 1,
	.features = SET_F_MAC,
	.any_family = true,
	.parts = { PART_MAC },
	.create_options = SET_HASH_OPTIONS & ~SET_FAMILY_OPTIONS,
	.add_options = SET_VALUE_OPTIONS,
	.key_size = KEY_SIZE,
	.hash_size = KEY_SIZE,
	.linux_key = 8,
	.linux_base = 176,
	.store = &set_store_hash,
	.update = mac_update,
	.packet = mac_packet,
	.put = mac_put,
	.usage = "MAC",
	.where = "",
};
