"""Plays sequences through routers that translate addresses.

A sequence is written as the one sees it who began a flow: both directions have the addresses and ports that he uses.  What
comes from the other end is rewritten before it is sent, on each side as that router translates the flow, which its
connection tells: destination and source, ports, ICMP identifiers, what an ICMP error quotes.  So an answer is one on both
sides, whatever port a router chose.

Where a router may choose, a port of Tapgate's need not be the kernel's.  It must be of the same kind (`_alike`); then it
is the other name of the kernel's: in what left and in connections the one is written for the other before they are
compared, checksums included, and everything else must be equal.
"""

import struct
import time
from typing import NamedTuple

from . import wire
from .play import TUPLES_MAX, Player, compare_frames, entry_differs
from .sides import HOST_MAC, LAN, ROUTER_MAC, WAN

CHECKSUM_AT = {wire.TCP: 16, wire.UDP: 6, wire.UDPLITE: 6}
LOW, RESERVED, HIGH = (1, 511), (512, 1023), (1024, 65535)   # Linux's classes of source ports


# ---- rewriting ----

def _patched(field, old, new):
    """A checksum after bytes that it covers have changed (RFC 1624): right stays right, wrong stays wrong."""
    old, new = old + b"\0" * (len(old) & 1), new + b"\0" * (len(new) & 1)
    value = ~struct.unpack("!H", field)[0] & 0xffff
    value += sum(~word & 0xffff for word, in struct.iter_unpack("!H", old)) + sum(word for word, in struct.iter_unpack("!H", new))
    while value >> 16:
        value = (value & 0xffff) + (value >> 16)
    return struct.pack("!H", ~value & 0xffff)


def _complement(field):
    return bytes(0xff ^ byte for byte in field)


def _crc_is_right(segment):
    return len(segment) >= 12 and struct.pack("<I", wire.crc32c(segment[:8] + bytes(4) + segment[12:])) == segment[8:12]


def rewritten(packet, old, new, partial=False):
    """The packet with tuple @old as one with tuple @new: addresses, keys and checksums, as far as the packet has them.
    @partial: its checksum is to be completed, and is as yet the sum of the pseudo header."""
    at, proto = (packet[0] & 15) * 4, packet[9]
    p = bytearray(readdressed(packet, *new[:2]))
    addresses = old[0] + old[1], new[0] + new[1]
    if _where(packet)[0]:
        return bytes(p)
    if proto in wire.PORTS and len(packet) >= at + 4:
        right = proto == wire.SCTP and _crc_is_right(packet[at:])
        ports = packet[at:at + 4], struct.pack("!HH", new[2], new[3])
        p[at:at + 4] = ports[1]
        check = at + CHECKSUM_AT.get(proto, len(packet))
        if partial:
            p[check:check + 2] = _complement(_patched(_complement(packet[check:check + 2]), *addresses))
        elif right:
            p[at + 8:at + 12] = struct.pack("<I", wire.crc32c(bytes(p[at:at + 8]) + bytes(4) + bytes(p[at + 12:])))
        elif len(packet) >= check + 2 and (proto != wire.UDP or packet[check:check + 2] != b"\0\0"):
            p[check:check + 2] = _patched(packet[check:check + 2], addresses[0] + ports[0], addresses[1] + ports[1])
            if proto != wire.TCP and p[check:check + 2] == b"\0\0":
                p[check:check + 2] = b"\xff\xff"
    elif proto == wire.ICMP and len(packet) >= at + 8:
        ident = struct.pack("!H", new[2])
        p[at + 2:at + 4] = _patched(packet[at + 2:at + 4], packet[at + 4:at + 6], ident)
        p[at + 4:at + 6] = ident
    elif proto == wire.GRE and len(packet) >= at + 8 and packet[at + 1] & 7 == 1:
        p[at + 6:at + 8] = struct.pack("!H", new[3])
    return bytes(p)


def requoted(packet, old, new):
    """The ICMP error with the packet it quotes rewritten."""
    at = (packet[0] & 15) * 4
    before = packet[at + 8:]
    after = rewritten(before, old, new)
    return packet[:at + 2] + _patched(packet[at + 2:at + 4], before, after) + packet[at + 4:at + 8] + after


def readdressed(packet, src, dst):
    """The packet with other addresses in its IP header, and nothing else."""
    return packet[:10] + _patched(packet[10:12], packet[12:20], src + dst) + src + dst + packet[20:]


def acknowledging(packet, shift):
    """The TCP segment with an acknowledgement @shift further on."""
    at = (packet[0] & 15) * 4
    if not shift or len(packet) < at + 18:
        return packet
    old = packet[at + 8:at + 12]
    new = struct.pack("!I", struct.unpack("!I", old)[0] + shift & 0xffffffff)
    return packet[:at + 8] + new + packet[at + 12:at + 16] + _patched(packet[at + 16:at + 18], old, new) + packet[at + 18:]


def _where(packet):
    """(offset in bytes, whether more follows) of a fragment."""
    word = struct.unpack_from("!H", packet, 6)[0]
    return (word & 0x1fff) * 8, bool(word & 0x2000)


def _pieces(packets, at):
    """How many packets from that one on are pieces of one datagram, in order."""
    first, count = packets[at], 1
    offset, more = _where(first)
    while not offset and more and at + count < len(packets):
        piece = packets[at + count]
        if piece[4:6] + piece[9:10] + piece[12:20] != first[4:6] + first[9:10] + first[12:20] or not _where(piece)[0]:
            break
        count += 1
    return count


def _rewritten_pieces(packets, old, new):
    """As rewritten(), for a datagram in pieces: its checksum may lie in any of them."""
    bodies = [p[(p[0] & 15) * 4:] for p in packets]
    first = packets[0]
    size = (first[0] & 15) * 4
    whole = rewritten(first[:6] + b"\0\0" + first[8:size] + b"".join(bodies), old, new)
    result, begin = [], size
    for p, body in zip(packets, bodies):
        head = readdressed(p, *new[:2])[:(p[0] & 15) * 4]
        result.append(head + whole[begin:begin + len(body)])
        begin += len(body)
    return result


# ---- names ----

class Names(dict):
    """{tuple of Tapgate's: tuple of the kernel's}."""

    def of(self, t):
        return self.get(t, t)

    def give(self, ours, theirs):
        """Both directions of a flow."""
        self[ours] = theirs
        if wire.inverse(ours):
            self[wire.inverse(ours)] = wire.inverse(theirs)

    def frames(self, frames):
        """What left Tapgate, as the kernel would call it."""
        packets, found, at = [frame[14:] for frame in frames], [], 0
        while at < len(packets):
            count = _pieces(packets, at)
            t, quoted = wire.tuple_of(packets[at]), wire.quoted_tuple_of(packets[at])
            if count > 1 and self.of(t) != t:
                found += _rewritten_pieces(packets[at:at + count], t, self.of(t))
            elif self.of(quoted) != quoted:
                found.append(requoted(packets[at], quoted, self.of(quoted)))
            elif self.of(t) != t:
                found.append(rewritten(packets[at], t, self.of(t)))
            else:
                found += packets[at:at + count]
            at += count
        return [frame[:14] + packet for frame, packet in zip(frames, found)]

    def entry(self, e):
        return e and e._replace(orig=self.of(e.orig), reply=self.of(e.reply), master=self.of(e.master))


# ---- views ----

class Way(NamedTuple):
    """How a flow looks behind the router: its tuple there; the ports it comes in and leaves by."""

    far: tuple
    near_side: str
    far_side: str


class View:
    """The ways of one router's flows, by the tuples that those who began them use.

    @helped: the other end acknowledges what it got, where a helper has changed the length of what was said; and it knows
    who talks to it by the translated address alone."""

    def __init__(self, side, helped, zone):
        self.side, self.helped, self.zone = side, helped, zone
        self.ways = {}

    def entry(self, t):
        """The connection of a tuple, in the group's zone or in none."""
        now = time.monotonic_ns()
        return self.side.entry(t, now, self.zone) or (self.zone and self.side.entry(t, now)) or None

    def _by_answer(self, packet, t):
        """(tuple, way) of the flow that a packet of the other end belongs to, as its beginner sees it."""
        if t:
            back = wire.inverse(t)
            return (back, self.ways[back]) if back in self.ways else (None, None)
        for begun, way in self.ways.items():  # a later fragment has no keys
            if (begun[1], begun[0], begun[4]) == (packet[12:16], packet[16:20], packet[9]):
                return begun, way
        return None, None

    def _by_address(self, step, t):
        """A packet of the other end that belongs to no flow, to the address that it knows."""
        for begun, way in self.ways.items():
            if step.side == way.far_side and t[:2] == (begun[1], begun[0]):
                return rewritten(step.packet, t, (t[0], way.far[0], *t[2:]))
        return step.packet

    def _shift(self, begun, packet):
        """How far the acknowledged stream was shifted on its way to the other end."""
        e, at = self.entry(begun), (packet[0] & 15) * 4
        if not e or not e.seqadj or len(packet) < at + 12:
            return 0
        position, before, after = e.seqadj[:3]
        ack = struct.unpack_from("!I", packet, at + 8)[0]
        return after if 0 < ack - position & 0xffffffff < 1 << 31 else before

    def outgoing(self, step):
        """Where a step's packet is sent, and how it looks there."""
        packet, t, quoted = step.packet, wire.tuple_of(step.packet), wire.quoted_tuple_of(step.packet)
        if quoted:
            way = self.ways.get(quoted)
            if not way or step.side == way.near_side:
                return step.side, packet
            ends = [way.far[1 - n] if packet[12 + 4 * n:16 + 4 * n] == quoted[1 - n] else packet[12 + 4 * n:16 + 4 * n]
                    for n in (0, 1)]
            return way.far_side, readdressed(requoted(packet, quoted, way.far), *ends)
        if t in self.ways:
            return step.side, packet
        begun, way = self._by_answer(packet, t)
        if not way:
            return step.side, self._by_address(step, t) if self.helped and t else packet
        if not t:
            return way.far_side, readdressed(packet, way.far[1], way.far[0])
        packet = rewritten(packet, t, wire.inverse(way.far), step.vnet[0] & 1)
        if self.helped and t[4] == wire.TCP:
            packet = acknowledging(packet, self._shift(begun, packet))
        return way.far_side, packet


def _class_of(port, ranges):
    """Which of the ranges, or else of Linux's classes, a port is in."""
    return next(((low, high) for low, high in (*ranges, LOW, RESERVED, HIGH) if low <= port <= high), None)


class TranslatedPlayer(Player):
    """One sequence on its way.  Tuples to ask for are pairs: the kernel's, Tapgate's."""

    Names = Names

    def __init__(self, sequence, lab):
        super().__init__(sequence, lab)
        self.choice, self.names = lab.group.choice, lab.names
        self.views = tuple(View(side, self.expects, self.zone) for side in (lab.kernel, lab.tapgate))
        self.chosen = {}  # {(whose, what the kernel chose): what Tapgate chose}
        self.begun = {}   # {what the pieces of a datagram have in common: its pair of tuples}

    def _alike(self, proto, key, theirs, ours):
        """Whether two keys may stand for one choice. @key: what was to be kept; ours and theirs differ."""
        if not self.choice.random and key in (theirs, ours):
            return False
        if proto == wire.ICMP and not self.choice.ranges:
            return True
        return _class_of(theirs, self.choice.ranges) == _class_of(ours, self.choice.ranges)

    def _may_be(self, pair, theirs, ours):
        """Whether a flow, @pair to its beginner, may look different behind the two routers as it does. One that got again
        what its source had before must have it again on both."""
        t = pair[0]
        if theirs[:2] + theirs[4:] != ours[:2] + ours[4:] or not all(
                a == b or (a, b) == keys or self._alike(t[4], keys[0], a, b)
                for keys, a, b in zip(zip(*(side[2:4] for side in pair)), theirs[2:4], ours[2:4])):
            return False
        return self.chosen.setdefault((t[0], t[2], t[4], theirs[0], theirs[2]), ours[2]) == ours[2]

    def _learn(self, pair):
        if None in pair or pair in self.known or len(self.tuples) >= TUPLES_MAX:
            return
        self.tuples.append(pair)
        self.known.add(pair)
        self.known.add(tuple(wire.inverse(t) for t in pair))

    def _bind(self, pair, came, frames):
        """Notes how both routers translate the flow of a packet that its beginner sent."""
        fars = []
        for view, t, left in zip(self.views, pair, frames):
            e = view.entry(t)
            if not e or e.orig != t:
                return
            far = wire.inverse(e.reply)
            if not far:
                return
            gone = next((port for port, seen in left.items() if any(wire.tuple_of(f[14:]) == far for f in seen)), None)
            old = view.ways.get(t)
            other = WAN if came == LAN else LAN
            view.ways[t] = Way(far, came, gone or (old.far_side if old else other))
            fars.append(far)
        theirs, ours = fars
        if self._may_be(pair, theirs, ours):
            self.names.give(ours, theirs)

    def _tuples_of(self, packets):
        """The pair of tuples of what was sent; of a later fragment, those that its first one had."""
        pair, p = tuple(map(wire.tuple_of, packets)), packets[0]
        which = p[4:6] + p[9:10] + p[12:20]
        if _where(p)[1] and None not in pair:
            self.begun[which] = pair
        return self.begun.get(which, pair) if _where(p)[0] else pair

    def _step(self, step):
        now, sent = time.monotonic_ns(), [view.outgoing(step) for view in self.views]
        if sent[0][0] != sent[1][0]:
            return "the far port", sent[0][0], sent[1][0]
        frames = [side.send(where, ROUTER_MAC[where] + HOST_MAC[where] + b"\x08\x00" + packet, now, step.vnet)
                  for side, (where, packet) in zip((self.kernel, self.tapgate), sent)]
        pair = self._tuples_of([packet for _, packet in sent])
        if None not in pair:
            self._bind(pair, sent[0][0], frames)
        found = compare_frames(frames[0], {port: self.names.frames(seen) for port, seen in frames[1].items()}, sent[0][1])
        if found:
            return found
        self._learn(pair)
        self._learn(tuple(wire.quoted_tuple_of(packet) for _, packet in sent))
        return next(filter(None, map(self._compare_entry, self.tuples)), None) or self._compare_expectations()

    def _compare_entry(self, pair):
        theirs, ours = (view.entry(t) for view, t in zip(self.views, pair))
        ours = self.names.entry(ours)
        what = entry_differs(theirs, ours)
        return what and ("%s of the connection %s" % (what, wire.tuple_text(pair[0])), str(theirs), str(ours))
