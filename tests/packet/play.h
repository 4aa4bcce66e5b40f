/* play.h - the packet player: text files of rules, packets in and packets expected, played on an engine in virtual time.
 *
 * Overview
 *   play.c reads the file and runs its steps; packet_text.c makes a frame of a line and a line of a frame.
 *
 * A packet's text, in and out (words after the addresses in any order; a missing word has a default on the way in and is
 * not compared on the way out):
 *
 *   tcp 10.1.0.1:1000 > 203.0.113.1:80 flags SA seq 1 ack 2 win 100 mss 1460 len 5 data "hi\r\n" ttl 64 tos 0x10 id 7 df
 *   udp 10.1.0.1:53 > 10.2.0.1:53 len 5
 *   icmp 10.1.0.1 > 10.2.0.1 type 8 code 0 ident 7 sequence 1 len 8
 *   ip 10.1.0.1 > 10.2.0.1 proto 50 len 8
 *   arp request 10.1.0.1 > 10.1.0.254
 *   anything: frag 1480 mf (a fragment), badsum (wrong L4 checksum), opts 44040000 (IP options, hex)
 *
 * On the way out each frame's checksums are verified and "badsum" appears if one is wrong; an ICMP error shows what it
 * quotes as  quotes udp 10.1.0.1:53 > 10.2.0.1:53 ...
 */
#ifndef TESTS_PACKET_PLAY_H
#define TESTS_PACKET_PLAY_H

#include "netstack/text.h"
#include "router/engine.h"

/* frame_from_text: builds the frame described by @line from the far end of @port (its MAC is far_mac(port)).
 * Return: packet with the Ethernet header at data; NULL with a message in @err (256 bytes). */
struct pkt *frame_from_text(struct engine *e, struct port *port, const char *line, char *err);

/* frame_to_text: the canonical line of a transmitted frame. @csum: enum csum_state it left with. */
void frame_to_text(const uint8_t *frame, uint32_t len, uint8_t csum, struct text *out);

/* far_mac: the MAC address of everything behind a port. */
void far_mac(const struct port *port, uint8_t mac[MAC_LEN]);

#endif
