/* pkt.h - the packet: its bytes, what is known of them, and the pool it comes from.
 *
 * Overview
 *   A packet owns one contiguous storage block. `data` is the first byte of the network header from the moment
 *   eth_input has looked at the Ethernet header; the Ethernet header then lies in the PKT_HEADROOM before it and the
 *   12 bytes before that are free for a vnet header, so that a frame leaves with one write and no copy.
 *
 *       buf                data                      data+len        buf+size
 *        | free | vnet | eth | IP header | L4 | payload | tail room     |
 *
 *   Two storage classes: LARGE takes a 64 KiB super-packet (what ports read into), SMALL an ordinary frame (what is
 *   kept for long: fragments, packets waiting for a neighbour).
 *
 * Ownership
 *   Whoever has the pointer owns the packet. pkt_free gives back storage and the reference to the connection.
 *   A function that may consume a packet says so in its contract.
 *
 * Invariants
 *   1. buf + PKT_MIN_HEAD <= data <= data+len <= buf+size.
 *   2. hdr describes the bytes at data; whoever moves or rewrites headers calls the parse function again
 *      (ip4_parse) or updates hdr in the same place.
 *   3. csum == CSUM_PARTIAL: the L4 checksum field holds the folded pseudo-header sum (not complemented) and
 *      csum_start / csum_offset say where; anything that changes an address changes that field alike.
 *   4. Bytes are reached with pkt_at (checked) or through a pointer that pkt_at or ip4_hdr gave.
 */
#ifndef NETSTACK_PKT_H
#define NETSTACK_PKT_H

#include "netstack/addr.h"
#include "netstack/drops.h"
#include "netstack/wire/eth.h"
#include "netstack/wire/ip4.h"

struct ct_entry;
struct port;

enum {
	PKT_HEADROOM = 64,  /* before the network header in a fresh packet */
	PKT_MIN_HEAD = 26,  /* Ethernet + vnet header: always kept free before the network header */
	PKT_MAX_IP = 65535, /* longest IP packet */
	PKT_SMALL_SIZE = 2048,
	PKT_LARGE_SIZE = PKT_HEADROOM + PKT_MAX_IP + 193,
};

enum pkt_class { PKT_SMALL, PKT_LARGE, PKT_CLASSES };

/* To whom the frame was addressed on its link. */
enum pkt_type { PKT_HOST, PKT_BROADCAST, PKT_MULTICAST, PKT_OTHERHOST, PKT_OUTGOING };

enum csum_state {
	CSUM_NONE,    /* nobody vouched for the L4 checksum: verify before trusting */
	CSUM_OK,      /* the sender's offload or an earlier check vouches for it */
	CSUM_PARTIAL, /* to be completed by whoever puts it on a wire */
};

enum gso_type { GSO_NONE, GSO_TCP4, GSO_TCP6, GSO_UDP_L4 };

/* How a packet stands to its connection (the two bits of direction and state, as Linux's ctinfo). */
enum ct_info {
	CT_ESTABLISHED,
	CT_RELATED,
	CT_NEW,
	CT_IS_REPLY, /* CT_IS_REPLY + CT_ESTABLISHED, CT_IS_REPLY + CT_RELATED */
	CT_ESTABLISHED_REPLY = CT_IS_REPLY,
	CT_RELATED_REPLY,
	CT_INFO_COUNT,
	CT_UNTRACKED = 7, /* NOTRACK; with ct == NULL */
};

/* Parsed once, by ip4_parse. Offsets count from pkt.data. */
struct pkt_hdr {
	uint8_t family; /* FAMILY_IP4; FAMILY_NONE = not parsed */
	uint8_t proto;  /* L4 protocol */
	uint8_t tos;
	uint8_t ttl;
	uint16_t l4;        /* offset of the L4 header */
	uint16_t frag_off;  /* bytes; 0 in a whole packet or a first fragment */
	bool more_frags;
	bool dont_frag;
	bool has_options;
};

/* IPv4 options found by ip4_options_compile: offsets from data, 0 = absent. */
enum pkt_opt_flag {
	PKT_OPT_RR_NEEDS_ADDR = 1, /* this router took a slot of the record route */
	PKT_OPT_TS_NEEDS_ADDR = 2, /* ... of the timestamp option: an address */
	PKT_OPT_TS_NEEDS_TIME = 4, /* ... and a time */
	PKT_OPT_STRICT = 8,        /* the source route is strict */
	PKT_OPT_CHANGED = 16,      /* options were rewritten: the header checksum is to be made again */
	PKT_OPT_ALERT = 32,        /* router alert (RFC 2113) */
};
struct pkt_opts {
	uint8_t rr, ts, srr, cipso;
	uint8_t flags; /* enum pkt_opt_flag */
};

struct pkt {
	struct pkt *next; /* for the list of whoever holds it */
	struct pkt_pool *pool;
	uint8_t *buf;
	uint8_t *data;
	uint32_t size;
	uint32_t len;

	struct port *in;  /* where it came from; NULL if made here */
	struct port *out; /* where routing sends it; NULL before */
	uint32_t mark;
	uint32_t priority;
	struct ct_entry *ct; /* a counted reference, or NULL */
	uint8_t ct_info;     /* enum ct_info; meaningful with ct, or CT_UNTRACKED */

	uint8_t class; /* enum pkt_class of the storage */
	uint8_t type;  /* enum pkt_type */
	uint8_t csum;  /* enum csum_state */
	uint8_t gso;   /* enum gso_type */
	bool gso_ecn;
	bool has_mac;      /* the received Ethernet header is at data - ETH_HLEN */
	bool traced;       /* -j TRACE asked for it */
	bool defragmented; /* put together from fragments */
	bool forwarded;    /* took the forward path */
	bool own_socket;   /* sent by the router itself, as through a socket: all it makes but resets of -j REJECT */
	bool synproxy;     /* -j SYNPROXY's SYN to the server: its connection is to be followed */
	bool redirect;     /* routing found that the sender should use another gateway (RFC 792 redirect) */
	uint16_t drop;     /* enum drop_reason: why, set by who says VERDICT_DROP */
	uint16_t gso_size; /* payload bytes per segment */
	uint16_t gso_segs; /* segments it stands for; 1 where not GSO */
	uint16_t csum_start, csum_offset; /* of the L4 header from data; of the field from there */
	uint16_t max_frag;                /* with defragmented: longest fragment, IP header included */

	struct pkt_hdr hdr;
	struct pkt_opts opts;
	struct addr next_hop; /* neighbour to send to, set by routing */
	uint8_t route_type;   /* enum route_type of the routing decision; ROUTE_NONE before it */

	uint64_t flow[2];   /* conntrack's: what flow_hash was computed of; zero: nothing was */
	uint32_t flow_hash;
};

/* What the pool needs of conntrack when a packet dies: it may not include it. */
typedef void pkt_ct_release_fn(void *ctx, struct ct_entry *ct);

/* pkt_pool_create: a pool with room for so many packets of each class at once. All memory is reserved here (pages
 * are touched on first use). Return: the pool, or NULL without memory. */
struct pkt_pool *pkt_pool_create(uint32_t small, uint32_t large);

/* pkt_pool_destroy: frees the pool. Return: packets still out (a leak; 0 in a correct program). */
uint32_t pkt_pool_destroy(struct pkt_pool *pool);

/* pkt_pool_in_use: packets handed out and not given back. */
uint32_t pkt_pool_in_use(const struct pkt_pool *pool);

/* pkt_pool_set_release: who is told when a packet with a connection is freed. */
void pkt_pool_set_release(struct pkt_pool *pool, pkt_ct_release_fn *fn, void *ctx);

/* pkt_alloc: an empty packet, all fields zero, data at PKT_HEADROOM. PKT_SMALL falls back to LARGE when SMALL is used
 * up. Return: the packet (caller owns), or NULL when the pool is empty. */
struct pkt *pkt_alloc(struct pkt_pool *pool, enum pkt_class class);

/* pkt_free: gives back a packet and its connection reference. NULL is allowed. */
void pkt_free(struct pkt *p);

/* pkt_ct_drop: gives back the connection reference only. */
void pkt_ct_drop(struct pkt *p);

/* pkt_clone: a copy with its own storage, same metadata, without the connection (ct NULL, ct_info 0).
 * Return: the copy (caller owns), or NULL. */
struct pkt *pkt_clone(const struct pkt *p);

/* pkt_compact: moves a packet that will be kept for long into SMALL storage if it fits. Never fails (stays put). */
void pkt_compact(struct pkt *p);

/* pkt_reserve_tail: makes room for @extra more bytes after the data, moving to LARGE storage if needed: pointers into
 * the packet become invalid. Return: 0, or -ENOBUFS. */
int pkt_reserve_tail(struct pkt *p, uint32_t extra);

/* pkt_at: checked access to @len bytes at @off from data. Return: pointer, or NULL if they are not all there. */
static inline void *pkt_at(const struct pkt *p, uint32_t off, uint32_t len)
{
	return off <= p->len && len <= p->len - off ? p->data + off : NULL;
}

/* pkt_push, pkt_pull: move the start of the data by @n towards / away from buf. Return: 0, or -EINVAL. */
static inline int pkt_push(struct pkt *p, uint32_t n)
{
	if ((uint32_t)(p->data - p->buf) < n)
		return -1;
	p->data -= n;
	p->len += n;
	return 0;
}
static inline int pkt_pull(struct pkt *p, uint32_t n)
{
	if (p->len < n)
		return -1;
	p->data += n;
	p->len -= n;
	return 0;
}

/* pkt_tail_room: bytes free after the data. */
static inline uint32_t pkt_tail_room(const struct pkt *p)
{
	return (uint32_t)(p->buf + p->size - (p->data + p->len));
}

/* ip4_hdr: the IPv4 header of a packet that ip4_parse has accepted. */
static inline struct ip4_hdr *ip4_hdr(const struct pkt *p)
{
	return (struct ip4_hdr *)p->data;
}

/* pkt_l4: checked access to the L4 header: @len bytes. Return: NULL where they are not there. */
static inline void *pkt_l4(const struct pkt *p, uint32_t len)
{
	return pkt_at(p, p->hdr.l4, len);
}

/* pkt_l4_len: bytes from the L4 header to the end of the IP packet. */
static inline uint32_t pkt_l4_len(const struct pkt *p)
{
	return p->len - p->hdr.l4;
}

/* pkt_src, pkt_dst: the addresses as the family-free type. Needs a parsed header. */
static inline struct addr pkt_src(const struct pkt *p)
{
	return addr_ip4(ip4_hdr(p)->src);
}
static inline struct addr pkt_dst(const struct pkt *p)
{
	return addr_ip4(ip4_hdr(p)->dst);
}

/* ip4_parse: fills hdr from the bytes at data. Checks only what is needed to do so safely (version, header length,
 * total length within len); ip4_input checks the rest. Return: 0, or -EINVAL. */
int ip4_parse(struct pkt *p);

#endif
