/* frames.h - the recorded frames as packets: those of frames.inc, or of FRAMES_INC where that is defined. */
#ifndef TESTS_UNIT_FRAMES_H
#define TESTS_UNIT_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/unit/craft.h"

#ifndef FRAMES_INC
#define FRAMES_INC "tests/unit/frames.inc"
#endif

static const struct {
	const char *name, *hex;
} frames[] = {
#include FRAMES_INC
};
enum { FRAME_COUNT = sizeof frames / sizeof frames[0] };

/* frame_packet: frame @i as a packet behind eth_input. Caller owns. */
static inline struct pkt *frame_packet(struct pkt_pool *pool, unsigned i, struct port *in)
{
	struct pkt *p = pkt_alloc(pool, PKT_SMALL);
	const char *hex = frames[i].hex;
	unsigned byte;

	assert_non_null(p);
	p->data -= ETH_HLEN;
	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2)
		p->data[p->len++] = (uint8_t)byte;
	p->in = in;
	p->has_mac = true;
	p->gso_segs = 1;
	p->type = !(p->data[0] & 1) ? PKT_HOST : p->data[0] == 0xff ? PKT_BROADCAST : PKT_MULTICAST;
	assert_int_equal(pkt_pull(p, ETH_HLEN), 0);
	assert_int_equal(ip4_parse(p), 0);
	return p;
}

#endif
