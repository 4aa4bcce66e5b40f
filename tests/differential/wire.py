"""IPv4 packets as bytes: built, read back as text, and their connection tuples.

Addresses are 4 bytes, tuples (source, destination, source key, destination key, protocol) with keys as conntrack has them:
ports; ICMP identifier and type * 256 + code; GRE call ids; 0 for what has none.
"""

import socket
import struct

ICMP, TCP, UDP, GRE, SCTP, UDPLITE = 1, 6, 17, 47, 132, 136
FIN, SYN, RST, PSH, ACK, URG, ECE, CWR = 1, 2, 4, 8, 16, 32, 64, 128
PORTS = (TCP, UDP, SCTP, UDPLITE)
ICMP_ANSWER = {8: 0, 0: 8, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17}
ICMP_ERRORS = (3, 4, 5, 11, 12)
NAMES = {ICMP: "icmp", TCP: "tcp", UDP: "udp", GRE: "gre", SCTP: "sctp", UDPLITE: "udplite"}
CHUNKS = {0: "DATA", 1: "INIT", 2: "INIT_ACK", 3: "SACK", 4: "HEARTBEAT", 5: "HEARTBEAT_ACK", 6: "ABORT", 7: "SHUTDOWN",
          8: "SHUTDOWN_ACK", 9: "ERROR", 10: "COOKIE_ECHO", 11: "COOKIE_ACK", 14: "SHUTDOWN_COMPLETE"}


def address(text):
    return socket.inet_aton(text)


def dotted(raw):
    return "%d.%d.%d.%d" % tuple(raw)


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return ~(total + (total >> 16)) & 0xffff


def _crc_table():
    table = []
    for n in range(256):
        for _ in range(8):
            n = n >> 1 ^ (0x82f63b78 if n & 1 else 0)
        table.append(n)
    return table


_CRC = _crc_table()


def crc32c(data):
    """Castagnoli's CRC as SCTP has it (RFC 9260, appendix A)."""
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 255]
    return crc ^ 0xffffffff


# ---- building; @bad: a wrong checksum ----

def ip(src, dst, proto, payload, *, ttl=64, ident=1, frag=0, more=False, df=False, tos=0, options=b""):
    """@frag: offset in bytes, a multiple of 8; @options: a multiple of 4 bytes."""
    hlen = 20 + len(options)
    where = frag >> 3 | (0x2000 if more else 0) | (0x4000 if df else 0)
    head = struct.pack("!BBHHHBBH4s4s", 0x40 | hlen >> 2, tos, hlen + len(payload), ident, where, ttl, proto, 0, src,
                       dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def _summed(src, dst, proto, segment, at, bad, coverage=None):
    """The segment with its checksum at offset @at, over pseudo header and @coverage bytes (None: all)."""
    pseudo = src + dst + struct.pack("!HH", proto, len(segment))
    value = checksum(pseudo + segment[:coverage])
    if proto in (UDP, UDPLITE):
        value = value or 0xffff
    if bad:
        value ^= 0x5555
    return segment[:at] + struct.pack("!H", value) + segment[at + 2:]


def tcp(src, dst, sport, dport, seq, ack, flags, window, *, options=b"", data=b"", urgent=0, bad=False, offset=None, **ip_words):
    """@options: padded here; @offset: a data offset (in words) that lies."""
    options += b"\1" * (-len(options) % 4)
    words = 5 + len(options) // 4 if offset is None else offset
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff, words << 4, flags, window, 0, urgent)
    return ip(src, dst, TCP, _summed(src, dst, TCP, head + options + data, 16, bad), **ip_words)


def offloaded(packet, size):
    """A TCP or UDP packet as a sender with offloads hands it over: (packet, vnet header).  The checksum is to be completed, and
    what is longer is to be cut into @size bytes of payload each."""
    at, proto = (packet[0] & 15) * 4, packet[9]
    field = 16 if proto == TCP else 6
    pseudo = ~checksum(packet[12:20] + struct.pack("!HH", proto, len(packet) - at)) & 0xffff
    packet = packet[:at + field] + struct.pack("!H", pseudo) + packet[at + field + 2:]
    head = at + ((packet[at + 12] >> 4) * 4 if proto == TCP else 8)
    kind = (1 if proto == TCP else 5) if len(packet) - head > size else 0
    return packet, struct.pack("<BBHHHHH", 1, kind, 14 + head if kind else 0, size if kind else 0, 14 + at, field, 0)


def udp(src, dst, sport, dport, data=b"", *, bad=False, none=False, length=None, proto=UDP, coverage=0, **ip_words):
    """UDP, or UDP-Lite with a @coverage (0: all). @none: checksum 0; @length: a length field that lies."""
    third = coverage if proto == UDPLITE else 8 + len(data)
    segment = struct.pack("!HHHH", sport, dport, third if length is None else length, 0) + data
    if not none:
        segment = _summed(src, dst, proto, segment, 6, bad, (coverage or None) if proto == UDPLITE else None)
    return ip(src, dst, proto, segment, **ip_words)


def icmp(src, dst, kind, code, rest, data=b"", *, bad=False, **ip_words):
    """@rest: the second word, 4 bytes."""
    value = checksum(struct.pack("!BBH", kind, code, 0) + rest + data)
    return ip(src, dst, ICMP, struct.pack("!BBH", kind, code, value ^ (0x5555 if bad else 0)) + rest + data, **ip_words)


def gre(src, dst, data=b"", *, version=0, call=0, protocol=0x0800, **ip_words):
    """Version 0 without key, or version 1 with a call id (RFC 2637)."""
    head = struct.pack("!HH", 0x2000 | version if version else 0, protocol)
    if version:
        head += struct.pack("!HH", len(data), call)
    return ip(src, dst, GRE, head + data, **ip_words)


def chunk(kind, body=b"", flags=0, length=None):
    """An SCTP chunk, padded."""
    whole = struct.pack("!BBH", kind, flags, 4 + len(body) if length is None else length) + body
    return whole + b"\0" * (-len(whole) % 4)


def sctp(src, dst, sport, dport, vtag, chunks, *, bad=False, **ip_words):
    """@chunks: their bytes joined."""
    head = struct.pack("!HHII", sport, dport, vtag, 0) + chunks
    crc = crc32c(head) ^ (1 if bad else 0)
    return ip(src, dst, SCTP, head[:8] + struct.pack("<I", crc) + head[12:], **ip_words)


# ---- reading ----

def tuple_of(packet):
    """The tuple of an IPv4 packet, None where it has none (a later fragment, a header cut off)."""
    if len(packet) < 20 or struct.unpack_from("!H", packet, 6)[0] & 0x1fff:
        return None
    at, proto, src, dst = (packet[0] & 15) * 4, packet[9], packet[12:16], packet[16:20]
    if proto in PORTS:
        if len(packet) < at + 4:
            return None
        return (src, dst) + struct.unpack_from("!HH", packet, at) + (proto,)
    if proto == ICMP:
        if len(packet) < at + 8 or packet[at] not in ICMP_ANSWER:
            return None
        return (src, dst, struct.unpack_from("!H", packet, at + 4)[0], struct.unpack_from("!H", packet, at)[0] & 0xff00
                | packet[at + 1], proto)
    if proto == GRE and len(packet) >= at + 8 and packet[at + 1] & 7 == 1:
        return (src, dst, 0, struct.unpack_from("!H", packet, at + 6)[0], proto)
    return (src, dst, 0, 0, proto)


def quoted_tuple_of(packet):
    """The tuple of the packet that an ICMP error quotes, None for anything else."""
    at = (packet[0] & 15) * 4
    if packet[9] != ICMP or len(packet) < at + 28 or packet[at] not in ICMP_ERRORS:
        return None
    return tuple_of(packet[at + 8:])


def inverse(t):
    """The tuple of the answer; None where an ICMP type has none."""
    src, dst, src_key, dst_key, proto = t
    if proto != ICMP:
        return dst, src, dst_key, src_key, proto
    answer = ICMP_ANSWER.get(dst_key >> 8)
    return None if answer is None else (dst, src, src_key, answer << 8 | dst_key & 255, proto)


def tuple_text(t):
    src, dst, src_key, dst_key, proto = t
    return "%s %s:%d > %s:%d" % (NAMES.get(proto, proto), dotted(src), src_key, dotted(dst), dst_key)


def _tcp_options_text(raw):
    """Options as the words one writes them with."""
    words, at = [], 0
    while at < len(raw):
        kind = raw[at]
        if kind == 1:
            at += 1
            continue
        if kind == 0 or at + 1 >= len(raw) or raw[at + 1] < 2:
            words.append("raw:" + raw[at:].hex())
            break
        body = raw[at + 2:at + raw[at + 1]]
        if kind == 3 and len(body) == 1:
            words.append("wscale:%d" % body[0])
        elif kind == 4 and not body:
            words.append("sackok")
        elif kind == 5 and len(body) % 8 == 0:
            words.append("sack:" + ",".join("%d-%d" % pair for pair in struct.iter_unpack("!II", body)))
        else:
            words.append("opt%d:%s" % (kind, body.hex()))
        at += raw[at + 1]
    return " ".join(words)


def _l4_text(packet, at, proto):
    """What follows the addresses."""
    l4 = packet[at:]
    if proto == TCP and len(l4) >= 20:
        sport, dport, seq, ack, offset, flags, window, _, urgent = struct.unpack_from("!HHIIBBHHH", l4)
        hlen = (offset >> 4) * 4
        letters = "".join(name for bit, name in zip((1, 2, 4, 8, 16, 32, 64, 128), "FSRPAUEC") if flags & bit) or "-"
        return ":%d > %%s:%d %s seq %d ack %d win %d%s len %d %s%s" % (
            sport, dport, letters, seq, ack, window, " urg %d" % urgent if urgent else "", max(len(l4) - hlen, 0),
            _tcp_options_text(l4[20:hlen]), "" if 20 <= hlen <= len(l4) else " offset %d" % (offset >> 4))
    if proto in (UDP, UDPLITE) and len(l4) >= 8:
        sport, dport, length, check = struct.unpack_from("!HHHH", l4)
        return ":%d > %%s:%d len %d%s%s" % (sport, dport, len(l4) - 8, "" if check else " nosum",
                                            "" if length == len(l4) else " field %d" % length)
    if proto == SCTP and len(l4) >= 12:
        sport, dport, vtag = struct.unpack_from("!HHI", l4)
        words, c = [], 12
        while c + 4 <= len(l4):
            kind, flags, length = struct.unpack_from("!BBH", l4, c)
            words.append("%s/%d:%s" % (CHUNKS.get(kind, kind), flags, l4[c + 4:c + max(length, 4)].hex()))
            c += max((length + 3) & ~3, 4)
        return ":%d > %%s:%d vtag %08x %s" % (sport, dport, vtag, " ".join(words))
    if proto == ICMP and len(l4) >= 8:
        text = " > %%s type %d code %d rest %s" % (l4[0], l4[1], l4[4:8].hex())
        if l4[0] in ICMP_ERRORS:
            return text + " quotes [%s]" % describe(l4[8:]).replace("%", "")
        return text + " len %d" % (len(l4) - 8)
    if proto == GRE and len(l4) >= 4:
        return " > %s " + l4[:12].hex()
    return " > %%s len %d" % len(l4)


def describe(packet):
    """A packet as one line."""
    if len(packet) < 20:
        return "short " + packet.hex()
    _, tos, total, ident, where, ttl, proto = struct.unpack_from("!BBHHHBB", packet)
    at = (packet[0] & 15) * 4
    extra = " ttl %d id %d" % (ttl, ident)
    if tos:
        extra += " tos %d" % tos
    if where & 0x4000:
        extra += " df"
    if where & 0x3fff:
        extra += " frag %d%s" % ((where & 0x1fff) * 8, "+" if where & 0x2000 else "")
    if at > 20:
        extra += " options %s" % packet[20:at].hex()
    if total != len(packet):
        extra += " total %d of %d" % (len(packet), total)
    body = " > %%s len %d" % (len(packet) - at) if where & 0x1fff else _l4_text(packet, at, proto)
    if not where & 0x3fff and not sum_is_right(packet):
        extra += " badsum"
    return "%s %s%s%s" % (NAMES.get(proto, "proto %d" % proto), dotted(packet[12:16]), body % dotted(packet[16:20]), extra)


def sum_is_right(packet):
    """Whether the transport checksum is right, as far as there is one to see."""
    at, proto = (packet[0] & 15) * 4, packet[9]
    l4 = packet[at:]
    if struct.unpack_from("!H", packet, 2)[0] > len(packet):
        return True
    if proto == ICMP:
        return checksum(l4) == 0
    if proto in (TCP, UDP) and len(l4) >= 8:
        if proto == UDP and l4[6:8] == b"\0\0":
            return True
        return checksum(packet[12:20] + struct.pack("!HH", proto, len(l4)) + l4) == 0
    if proto == SCTP and len(l4) >= 12:
        return struct.pack("<I", crc32c(l4[:8] + b"\0\0\0\0" + l4[12:])) == l4[8:12]
    return True
