/* craft.c - see craft.h. */
#include "tests/unit/craft.h"

#include "netstack/checksum.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static uint32_t ip(const char *text)
{
	struct addr a;

	assert_int_equal(addr_parse(text, FAMILY_IP4, &a), 0);
	return a.word[0];
}

static uint8_t proto_of(const struct craft *c)
{
	if (c->proto)
		return c->proto;
	if (c->tcp_flags || c->tcp_options_len)
		return IP_PROTO_TCP;
	return c->icmp || c->icmp_type || c->icmp_code || c->icmp_id ? IP_PROTO_ICMP : IP_PROTO_UDP;
}

/* put: appends bytes (zeros if NULL). Return: where they went. */
static void *put(struct pkt *p, const void *bytes, uint32_t len)
{
	uint8_t *at = p->data + p->len;

	assert_true(pkt_tail_room(p) >= len);
	if (bytes)
		memcpy(at, bytes, len);
	else
		memset(at, 0, len);
	p->len += len;
	return at;
}

static void put_l4(struct pkt *p, const struct craft *c)
{
	uint8_t proto = proto_of(c);

	if (proto == IP_PROTO_TCP) {
		struct tcp_hdr *th = put(p, NULL, sizeof *th);

		th->sport = htons(c->sport);
		th->dport = htons(c->dport);
		th->seq = htonl(c->seq);
		th->ack = htonl(c->ack);
		th->offset = (uint8_t)((20 + c->tcp_options_len) / 4 << 4);
		th->flags = c->tcp_flags;
		th->window = htons(c->window ? c->window : 5840);
		put(p, c->tcp_options, c->tcp_options_len);
	} else if (proto == IP_PROTO_UDP) {
		struct udp_hdr *uh = put(p, NULL, sizeof *uh);

		uh->sport = htons(c->sport);
		uh->dport = htons(c->dport);
		uh->len = htons((uint16_t)(sizeof *uh + c->payload_len));
	} else if (proto == IP_PROTO_ICMP) {
		struct icmp_hdr *ih = put(p, NULL, sizeof *ih);

		ih->type = c->icmp_type;
		ih->code = c->icmp_code;
		ih->id = htons(c->icmp_id);
		ih->sequence = htons(c->icmp_seq);
		if (c->icmp_word)
			ih->word = htonl(c->icmp_word);
	}
	if (c->payload)
		put(p, c->payload, c->payload_len);
	else
		memset(put(p, NULL, c->payload_len), 'x', c->payload_len);
}

struct pkt *craft_packet(struct pkt_pool *pool, const struct craft *c)
{
	struct pkt *p = pkt_alloc(pool, PKT_LARGE);
	struct ip4_hdr *iph;

	assert_non_null(p);
	iph = put(p, NULL, IP4_HLEN);
	put(p, c->ip_options, c->ip_options_len);
	iph->version_ihl = (uint8_t)(0x40 | (IP4_HLEN + c->ip_options_len) / 4);
	iph->tos = c->tos;
	iph->id = htons(c->id);
	iph->frag = htons(c->frag);
	iph->ttl = c->ttl ? c->ttl : 64;
	iph->proto = proto_of(c);
	iph->src = ip(c->src);
	iph->dst = ip(c->dst);
	put_l4(p, c);
	iph->total_len = htons((uint16_t)p->len);
	assert_int_equal(ip4_parse(p), 0);
	if (!(c->frag & IP4_OFFSET))
		(void)csum_l4_fill(p);
	if (c->bad_l4_checksum)
		p->data[p->len - 1] ^= 0x55;
	ip4_csum_fill(p);
	if (c->bad_ip_checksum)
		iph->checksum ^= 0x1111;
	p->csum = CSUM_NONE;
	return p;
}

struct pkt *craft_frame(struct pkt_pool *pool, const char *src_mac, const char *dst_mac, const struct craft *c)
{
	struct pkt *p = craft_packet(pool, c);
	struct eth_hdr *eth;

	assert_int_equal(pkt_push(p, ETH_HLEN), 0);
	eth = (struct eth_hdr *)p->data;
	assert_int_equal(mac_parse(src_mac, eth->src), 0);
	assert_int_equal(mac_parse(dst_mac, eth->dst), 0);
	eth->type = htons(ETHERTYPE_IP4);
	p->hdr = (struct pkt_hdr){ 0 };
	return p;
}

struct pkt *craft_arp(struct pkt_pool *pool, const char *frame_dst, uint16_t op, const char *sender_mac,
		      const char *sender_ip, const char *target_mac, const char *target_ip)
{
	struct pkt *p = pkt_alloc(pool, PKT_LARGE);
	struct arp_ip4 *arp;
	struct eth_hdr *eth;

	assert_non_null(p);
	assert_int_equal(pkt_push(p, ETH_HLEN), 0);
	p->len = 0;
	eth = put(p, NULL, sizeof *eth);
	arp = put(p, NULL, sizeof *arp);
	assert_int_equal(mac_parse(frame_dst, eth->dst), 0);
	assert_int_equal(mac_parse(sender_mac, eth->src), 0);
	eth->type = htons(ETHERTYPE_ARP);
	arp->htype = htons(ARP_HTYPE_ETHERNET);
	arp->ptype = htons(ETHERTYPE_IP4);
	arp->hlen = MAC_LEN;
	arp->plen = 4;
	arp->op = htons(op);
	assert_int_equal(mac_parse(sender_mac, arp->sender_mac), 0);
	assert_int_equal(mac_parse(target_mac, arp->target_mac), 0);
	arp->sender_ip = ip(sender_ip);
	arp->target_ip = ip(target_ip);
	return p;
}

static int world_transmit(void *user, struct port *port, struct pkt *p)
{
	struct world *w = user;
	struct world_frame *f = &w->sent[w->count % WORLD_KEEP];

	if (w->transmit_result)
		return w->transmit_result;
	free(f->bytes);
	*f = (struct world_frame){ port, p->len, p->csum, p->gso, p->gso_size, malloc(p->len) };
	assert_non_null(f->bytes);
	memcpy(f->bytes, p->data, p->len);
	w->count++;
	return 0;
}

static void world_log(void *user, int level, const char *line)
{
	struct world *w = user;

	(void)level;
	snprintf(w->log[w->log_count++ % WORLD_LOG_LINES], sizeof w->log[0], "%s", line);
}

static void world_random(void *user, void *buf, size_t len)
{
	struct world *w = user;
	uint8_t *b = buf;

	while (len--) {
		w->seed = w->seed * 6364136223846793005ull + 1442695040888963407ull;
		*b++ = (uint8_t)(w->seed >> 56);
	}
}

const struct netstack_ops world_ops = { world_transmit, world_log, world_random };

void world_clear(struct world *w)
{
	for (unsigned i = 0; i < WORLD_KEEP; i++) {
		free(w->sent[i].bytes);
		w->sent[i] = (struct world_frame){ 0 };
	}
	w->count = w->log_count = 0;
}
