"""A connection as both sides show it, and as both sides of a comparison read it."""

import struct
from typing import NamedTuple

from . import wire

TCP_STATES = ("NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",
              "SYN_SENT2")
SCTP_STATES = ("NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
               "SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT")
STATUS = ("EXPECTED", "SEEN_REPLY", "ASSURED", "CONFIRMED", "SRC_NAT", "DST_NAT", "SEQ_ADJUST", "SRC_NAT_DONE",
          "DST_NAT_DONE", "DYING", "FIXED_TIMEOUT", "TEMPLATE", "NAT_CLASH", "HELPER")


class Entry(NamedTuple):
    """Tuples as in wire.py; timeout in seconds; what a protocol does not have is None or ()."""

    orig: tuple
    reply: tuple
    status: int
    timeout: float
    mark: int = 0
    zone: tuple = (0, 0)  # of either direction
    state: int = None
    scale: tuple = ()
    flags: tuple = ()
    vtags: tuple = ()
    counters: tuple = ()  # packets, bytes; packets, bytes
    helper: str = ""
    seqadj: tuple = ()    # position, before, after; twice
    master: tuple = None

    def __str__(self):
        names = {wire.TCP: TCP_STATES, wire.SCTP: SCTP_STATES}.get(self.orig[4])
        words = ["[%s | %s]" % (wire.tuple_text(self.orig), wire.tuple_text(self.reply))]
        if names and self.state is not None:
            words.append(names[self.state] if self.state < len(names) else str(self.state))
        words.append("%.2f s" % self.timeout)
        words.append("|".join(name for bit, name in enumerate(STATUS) if self.status >> bit & 1))
        for name in ("scale", "flags", "vtags", "counters", "helper", "seqadj", "mark", "zone"):
            value = getattr(self, name)
            if value and value != (0, 0):
                words.append("%s %s" % (name, value))
        if self.master:
            words.append("master " + wire.tuple_text(self.master))
        return " ".join(words)


_TUPLE = struct.Struct("<4s4sHHBBH")
_ENTRY = struct.Struct("<16s16sQII5BB4s4s4Q6i16s16s")


def _tuple_from_wire(raw):
    src, dst, src_key, dst_key, proto, _, _ = struct.unpack("!4s4sHHBBH", raw)
    return src, dst, src_key, dst_key, proto


def tuple_to_wire(t, zone=0):
    """struct wire_tuple of tests/tools/core_server.c."""
    return struct.pack("!4s4sHHB", *t) + struct.pack("<BH", 0, zone)


WIRE_ENTRY_SIZE = _ENTRY.size


def from_wire(raw):
    """An Entry from struct wire_entry."""
    (orig, reply, remaining, status, mark, state, scale0, scale1, flags0, flags1, counted, vtag0, vtag1, packets0, bytes0,
     packets1, bytes1, *rest) = _ENTRY.unpack(raw)
    *seqadj, helper, master = rest
    orig_tuple, proto = _tuple_from_wire(orig), orig[12]
    return Entry(
        orig_tuple, _tuple_from_wire(reply), status, remaining / 1e9, mark,
        (struct.unpack_from("<H", orig, 14)[0], struct.unpack_from("<H", reply, 14)[0]),
        state if proto in (wire.TCP, wire.SCTP) else None,
        (scale0, scale1) if proto == wire.TCP else (),
        (flags0, flags1) if proto == wire.TCP else (),
        tuple(struct.unpack("!I", v)[0] for v in (vtag0, vtag1)) if proto == wire.SCTP else (),
        (packets0, bytes0, packets1, bytes1) if counted else (),
        helper.rstrip(b"\0").decode(),
        tuple(v & 0xffffffff for v in seqadj) if any(seqadj) else (),
        _tuple_from_wire(master) if any(master) else None)


# ---- ctnetlink (uapi nfnetlink_conntrack.h) ----

_ATTR = struct.Struct("=HH")


def attributes(raw, at, end):
    """{type: (begin, end)} of the attributes between two offsets."""
    found = {}
    while at + 4 <= end:
        length, kind = _ATTR.unpack_from(raw, at)
        if length < 4:
            break
        found[kind & 0x3fff] = (at + 4, at + length)
        at += (length + 3) & ~3
    return found


def _attr(kind, body, nested=False):
    return _ATTR.pack(4 + len(body), kind | (0x8000 if nested else 0)) + body + b"\0" * (-len(body) % 4)


def tuple_to_attr(t, kind=1):
    """CTA_TUPLE_ORIG (1), CTA_TUPLE_REPLY (2)."""
    src, dst, src_key, dst_key, proto = t
    if proto == wire.ICMP:
        keys = _attr(4, struct.pack("!H", src_key)) + _attr(5, bytes([dst_key >> 8])) + _attr(6, bytes([dst_key & 255]))
    else:
        keys = _attr(2, struct.pack("!H", src_key)) + _attr(3, struct.pack("!H", dst_key))
    return _attr(kind, _attr(1, _attr(1, src) + _attr(2, dst), True) + _attr(2, _attr(1, bytes([proto])) + keys, True), True)


def _u(raw, where, code):
    return struct.unpack_from(code, raw, where[0])[0]


def _tuple_from_attr(raw, where):
    outer = attributes(raw, *where)
    addresses, keys = attributes(raw, *outer[1]), attributes(raw, *outer[2])
    proto = raw[keys[1][0]]
    if proto == wire.ICMP:
        src_key, dst_key = _u(raw, keys[4], "!H"), raw[keys[5][0]] << 8 | raw[keys[6][0]]
    else:
        src_key = _u(raw, keys[2], "!H") if 2 in keys else 0
        dst_key = _u(raw, keys[3], "!H") if 3 in keys else 0
    return raw[slice(*addresses[1])], raw[slice(*addresses[2])], src_key, dst_key, proto


def _counters(raw, where):
    a = attributes(raw, *where)
    return _u(raw, a[1], "!Q"), _u(raw, a[2], "!Q")


def _seqadj(raw, where):
    a = attributes(raw, *where)
    return tuple(_u(raw, a[n], "!I") for n in (1, 2, 3))


def _zone_of(raw, a, which):
    """The zone of one direction: the entry's, or the tuple's own."""
    if 18 in a:
        return _u(raw, a[18], "!H")
    own = attributes(raw, *a[which])
    return _u(raw, own[3], "!H") if 3 in own else 0


def from_netlink(raw, at, end):
    """An Entry from the attributes of a ctnetlink message."""
    a = attributes(raw, at, end)
    orig = _tuple_from_attr(raw, a[1])
    words = {"zone": tuple(_zone_of(raw, a, which) for which in (1, 2))}
    if 4 in a:
        outer = attributes(raw, *a[4])
        if 1 in outer:
            tcp = attributes(raw, *outer[1])
            words.update(state=raw[tcp[1][0]], scale=(raw[tcp[2][0]], raw[tcp[3][0]]), flags=(raw[tcp[4][0]], raw[tcp[5][0]]))
        elif 3 in outer:
            sctp = attributes(raw, *outer[3])
            words.update(state=raw[sctp[1][0]], vtags=(_u(raw, sctp[2], "!I"), _u(raw, sctp[3], "!I")))
    if 9 in a:
        words["counters"] = _counters(raw, a[9]) + _counters(raw, a[10])
    if 5 in a:
        words["helper"] = raw[slice(*attributes(raw, *a[5])[1])].rstrip(b"\0").decode()
    if 15 in a:
        adjust = _seqadj(raw, a[15]) + _seqadj(raw, a[16])
        words["seqadj"] = adjust if any(adjust) else ()
    if 14 in a:
        words["master"] = _tuple_from_attr(raw, a[14])
    return Entry(orig, _tuple_from_attr(raw, a[2]), _u(raw, a[3], "!I"), _u(raw, a[7], "!I") if 7 in a else 0,
                 _u(raw, a[8], "!I") if 8 in a else 0, **words)
