"""Random flows of everything but TCP and SCTP: UDP, UDP-Lite, ICMP, GRE, protocols without a tracker, fragments, and
packets for the router itself."""

import struct

from . import wire
from .play import Step
from .wire import ACK, FIN, RST, SYN

LENGTHS = (0, 1, 2, 7, 8, 18, 100, 1400)
GENERIC = (0, 4, 41, 50, 51, 89, 99, 255)


def _pause(rng, steps, pauses, chance=0.25):
    if pauses and rng.random() < chance:
        steps.append(Step(pause=rng.choice(pauses)))


def _datagrams(rng, hosts, pauses, proto):
    steps, last = [], [None, None]
    for _ in range(rng.choice((1, 3, 6, 12, 20))):
        d = rng.choice((0, 0, 1))
        if rng.random() < 0.15 and last[1 - d]:
            steps.append(hosts.error(d, last[1 - d]))
            continue
        ports = hosts.ports(d)
        if rng.random() < 0.05:
            ports = (ports[0], rng.choice((0, ports[0], ports[1] ^ 1)))
        words = {}
        if rng.random() < 0.15:
            words = rng.choice(({"bad": True}, {"none": True}, {"length": rng.choice((0, 7, 8, 9, 2000))}, {"ttl": 1},
                                {"options": b"\7\7\4\0\0\0\0\0"}, {"coverage": 8}, {"coverage": rng.choice((1, 7, 9, 12, 5000))}))
        packet = wire.udp(*hosts.ends(d), *ports, bytes(rng.choice(LENGTHS)), proto=proto, **words)
        if rng.random() < 0.03:
            packet = wire.ip(*hosts.ends(d), proto, packet[20:20 + rng.choice((0, 3, 4, 7))])
        steps.append(hosts.step(d, packet))
        last[d] = packet
        _pause(rng, steps, pauses)
    return steps


def udp(rng, hosts, pauses=()):
    return _datagrams(rng, hosts, pauses, wire.UDP)


def offloaded(rng, hosts, pauses=()):
    """UDP of senders with offloads: many datagrams as one."""
    steps = []
    for _ in range(rng.choice((1, 4, 8))):
        d, size = rng.choice((0, 0, 1)), rng.choice((18, 500, 1400))
        data = bytes(min(size * rng.randrange(1, 30) + rng.choice((0, 0, 1, -1)), 60000))
        packet = wire.udp(*hosts.ends(d), *hosts.ports(d), data, df=rng.random() < 0.5, ttl=rng.choice((64, 64, 1)))
        packet, vnet = wire.offloaded(packet, size)
        steps.append(hosts.step(d, packet, vnet=vnet))
        _pause(rng, steps, pauses)
    return steps


def udplite(rng, hosts, pauses=()):
    return _datagrams(rng, hosts, pauses, wire.UDPLITE)


def icmp(rng, hosts, pauses=()):
    """Questions, answers that fit and that do not, errors about them, types nobody knows."""
    steps, last = [], [None, None]
    for _ in range(rng.choice((1, 3, 6, 12))):
        d = rng.choice((0, 0, 1))
        if rng.random() < 0.2 and last[1 - d]:
            steps.append(hosts.error(d, last[1 - d]))
            continue
        kind = rng.choice((8, 8, 8, 0, 0, 13, 14, 15, 16, 17, 18, 3, 9, 10, 19, 42, 255, 1))
        code = rng.choice((0,) * 8 + (1, 255))
        rest = struct.pack("!HH", rng.choice((1, 1, 1, 2)), rng.randrange(3))
        packet = wire.icmp(*hosts.ends(d), kind, code, rest, bytes(rng.choice((0, 4, 12, 56, 1400))), bad=rng.random() < 0.05,
                           ttl=rng.choice((64,) * 9 + (1,)))
        if rng.random() < 0.03:
            packet = wire.ip(*hosts.ends(d), wire.ICMP, packet[20:20 + rng.choice((0, 1, 4, 7))])
        steps.append(hosts.step(d, packet))
        last[d] = packet
        _pause(rng, steps, pauses)
    return steps


def errors(rng, hosts, pauses=()):
    """ICMP errors about packets that were never seen, of every protocol, in both directions."""
    steps = []
    for _ in range(rng.choice((1, 4, 8))):
        d = rng.randrange(2)
        steps.append(hosts.error(d, _any_packet(rng, hosts, 1 - d)))
        if rng.random() < 0.3:
            packet = _any_packet(rng, hosts, 1 - d)
            if packet[9] != wire.UDPLITE:  # tracked by the kernel only while it checks no checksums
                steps += [hosts.step(1 - d, packet), hosts.error(d, packet)]
        _pause(rng, steps, pauses)
    return steps


def _any_packet(rng, hosts, d):
    ends, ports = hosts.ends(d), hosts.ports(d)
    return rng.choice((
        lambda: wire.tcp(*ends, *ports, rng.getrandbits(32), 0, rng.choice((SYN, ACK, FIN | ACK, RST)), 1000),
        lambda: wire.udp(*ends, *ports, b"data"),
        lambda: wire.udp(*ends, *ports, b"data", proto=wire.UDPLITE),
        lambda: wire.icmp(*ends, rng.choice((8, 0, 13, 3, 42)), 0, b"\0\7\0\1", b"data"),
        lambda: wire.gre(*ends, b"data", version=rng.choice((0, 1)), call=7, protocol=rng.choice((0x880b, 0x800))),
        lambda: wire.sctp(*ends, *ports, 0, wire.chunk(1, struct.pack("!IIHHI", 5, 1, 1, 1, 1))),
        lambda: wire.ip(*ends, rng.choice(GENERIC), b"somebytes"),
    ))()


def gre(rng, hosts, pauses=()):
    steps, last = [], [None, None]
    for _ in range(rng.choice((1, 4, 10))):
        d = rng.choice((0, 0, 1))
        if rng.random() < 0.15 and last[1 - d]:
            steps.append(hosts.error(d, last[1 - d]))
            continue
        packet = wire.gre(*hosts.ends(d), bytes(rng.choice(LENGTHS)), version=rng.choice((0, 0, 1, 1, 2, 7)),
                          call=rng.choice((0, 1, 7)), protocol=rng.choice((0x880b, 0x880b, 0x0800, 0x6558)))
        if rng.random() < 0.05:
            packet = wire.ip(*hosts.ends(d), wire.GRE, packet[20:20 + rng.choice((0, 2, 4, 6))])
        steps.append(hosts.step(d, packet))
        last[d] = packet
        _pause(rng, steps, pauses)
    return steps


def generic(rng, hosts, pauses=()):
    steps, last, proto = [], [None, None], rng.choice(GENERIC)
    for _ in range(rng.choice((1, 4, 8))):
        d = rng.choice((0, 0, 1))
        if rng.random() < 0.15 and last[1 - d]:
            steps.append(hosts.error(d, last[1 - d]))
            continue
        packet = wire.ip(*hosts.ends(d), proto, bytes(rng.choice(LENGTHS)), ttl=rng.choice((64,) * 9 + (1,)))
        steps.append(hosts.step(d, packet))
        last[d] = packet
        _pause(rng, steps, pauses)
    return steps


def cut(packet, size):
    """A packet as fragments of @size payload bytes each (a multiple of 8), the last one shorter."""
    head, body = packet[:20], packet[20:]
    src, dst, ident = head[12:16], head[16:20], struct.unpack_from("!H", head, 4)[0]
    return [wire.ip(src, dst, head[9], body[at:at + size], ident=ident, frag=at, more=at + size < len(body))
            for at in range(0, len(body), size)]


def fragments(rng, hosts, pauses=()):
    """Datagrams in pieces: in order or not, doubled, incomplete, mixed with whole ones."""
    steps = []
    for number in range(rng.choice((1, 2, 4))):
        d = rng.choice((0, 0, 1))
        data, ident = bytes(rng.choice((20, 100, 1000, 2900))), rng.randrange(1, 65536)
        packet = rng.choice((
            lambda: wire.udp(*hosts.ends(d), *hosts.ports(d), data, ident=ident, bad=rng.random() < 0.1),
            lambda: wire.icmp(*hosts.ends(d), 8 if d == 0 else 0, 0, struct.pack("!HH", 9, number), data, ident=ident),
            lambda: wire.tcp(*hosts.ends(d), *hosts.ports(d), 1000 * number, 0, rng.choice((SYN, ACK)), 1000, data=data, ident=ident),
            lambda: wire.ip(*hosts.ends(d), 99, data, ident=ident),
        ))()
        # The first piece has the checksum: where a router chose a port, translate.py renames it there.
        small = (24, 32) if packet[9] == wire.TCP else (8, 16)
        pieces = cut(packet, rng.choice((480, 1400, *small) if len(data) < 1000 else (480, 1400)))
        way = rng.random()
        if way < 0.3:
            rng.shuffle(pieces)
        elif way < 0.4:
            pieces.insert(rng.randrange(len(pieces) + 1), rng.choice(pieces))
        elif way < 0.5:
            pieces.pop(rng.randrange(len(pieces)))
        steps += [hosts.step(d, piece) for piece in pieces]
        _pause(rng, steps, pauses)
    return steps


def router(rng, hosts, pauses=()):
    """Packets for the router's own addresses, and errors about what it sent."""
    steps = []
    for _ in range(rng.choice((1, 4, 8))):
        d = rng.randrange(2)
        source, own = hosts.ends(d)[0], hosts.router(rng.choice((d, d, 1 - d)))
        sport, dport = hosts.ports(0)
        packet = rng.choice((
            lambda: wire.icmp(source, own, rng.choice((8, 8, 8, 0, 15, 17)), 0, struct.pack("!HH", 3, rng.randrange(3)),
                              bytes(rng.choice((0, 56, 1400))), bad=rng.random() < 0.1),
            lambda: wire.udp(source, own, sport, dport, b"data", bad=rng.random() < 0.1),
            lambda: wire.tcp(source, own, sport, dport, rng.getrandbits(32), rng.getrandbits(32),
                             rng.choice((SYN, ACK, SYN | ACK, FIN | ACK, RST)), 1000, bad=rng.random() < 0.1,
                             options=rng.choice((b"",) * 4 + (b"\x13\x12" + bytes(16), b"\3\1" + bytes(18), b"\2\4\5\xb4"))),
            lambda: wire.ip(source, own, 99, b"data"),
            lambda: wire.gre(source, own, b"data"),
        ))()
        steps.append(hosts.step(d, packet))
        if rng.random() < 0.2:
            back = wire.ip(own, source, wire.UDP, struct.pack("!HHHH", dport, sport, 12, 0) + b"data")
            steps.append(hosts.step(d, wire.icmp(source, own, 3, 3, bytes(4), back)))
        _pause(rng, steps, pauses)
    return steps
