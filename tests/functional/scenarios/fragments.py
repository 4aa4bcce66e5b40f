"""Fragments: reassembly before the rules, cutting again behind them, and the MTU.

    client 10.1.0.1 --lan (1500)-- router --wan (1500 or 1400)-- 203.0.113.1 server
"""

from testnet.packets import (ICMP, IP, ROUTER_LAN, SERVER, VC, VC2, VS, Raw, echo, error, fragment,
                             tcp, udp)
from testnet.scenario import scenario

COUNTING = """
*raw
:PREROUTING ACCEPT
-A PREROUTING -f
-A PREROUTING -p udp -m udp --dport 53
*filter
:FORWARD ACCEPT
-A FORWARD -f
-A FORWARD -p udp -m udp --dport 53
-A FORWARD -p icmp -m icmp --icmp-type 8
"""


@scenario(COUNTING)
def ping_8k(lab):
    """A ping of 8 kB: six fragments, one packet for the rules, six fragments again."""
    lab.record("ping", lab.client.ping(SERVER, "-s", "8000"))
    lab.record("router", lab.client.ping(ROUTER_LAN, "-s", "8000"))


@scenario(COUNTING)
def sizes_are_kept(lab):
    """Output is cut to the size of the largest fragment that came in, not to the MTU."""
    lab.client.send(*fragment(udp(data=bytes(range(250)) * 12, id=100), fragsize=1000))
    lab.record("by 1000", lab.server.packets(4))
    lab.client.send(*fragment(udp(data=bytes(range(250)) * 12, id=101), fragsize=1480))
    lab.record("by 1480", lab.server.packets(3))
    lab.client.send(*fragment(udp(data=b"0123456789" * 10, id=102, tos=0x10, ttl=9), fragsize=64))
    lab.record("small ones", lab.server.packets(2))


@scenario(COUNTING)
def any_order(lab):
    """Fragments may come in any order, and twice."""
    parts = fragment(udp(data=bytes(range(250)) * 12, id=200), fragsize=1000)
    lab.client.send(*reversed(parts))
    lab.record("last first", lab.server.packets(len(parts)))
    parts = fragment(udp(data=bytes(range(250)) * 12, id=201), fragsize=1000)
    lab.client.send(parts[1], parts[1], parts[0], parts[0], parts[3], parts[3], parts[2])
    lab.record("duplicates", lab.server.packets(len(parts)))


@scenario(COUNTING)
def missing(lab):
    """Without one fragment nothing passes; it passes when that one comes at last."""
    parts = fragment(udp(data=b"0123456789" * 300, id=300), fragsize=1000)
    lab.client.send(parts[0], parts[2], parts[3])
    lab.record("incomplete", lab.server.packets(0))
    lab.client.send(parts[1])
    lab.record("complete", lab.server.packets(len(parts)))


@scenario(COUNTING)
def overlapping(lab):
    """An overlap kills the whole datagram, whatever its parts say."""
    def piece(ident, offset, more, data):
        return IP(src=VC, dst=VS, id=ident, proto=17, frag=offset // 8,
                  flags="MF" if more else 0) / Raw(data)
    whole = bytes(udp(data=b"x" * 192)[IP].payload)
    lab.client.send(piece(400, 0, True, whole[:104]), piece(400, 96, False, whole[96:]),
                    piece(400, 104, False, whole[104:]))
    lab.record("tail overlaps", lab.server.packets(0))
    lab.client.send(piece(401, 0, True, whole[:104]), piece(401, 8, True, whole[8:80]),
                    piece(401, 104, False, whole[104:]))
    lab.record("inside", lab.server.packets(0))
    lab.client.send(piece(402, 0, True, whole[:104]), piece(402, 104, False, whole[104:]),
                    piece(402, 104, False, whole[104:]))
    lab.record("twice the last", lab.server.packets(2))
    lab.client.send(piece(403, 104, False, whole[104:]), piece(403, 104, False, whole[104:192]),
                    piece(403, 0, True, whole[:104]))
    lab.record("another end", lab.server.packets(0))


@scenario(COUNTING)
def kept_apart(lab):
    """Source, destination, protocol and identification each keep datagrams apart."""
    sets = [fragment(udp(id=500, data=b"a" * 1200), fragsize=800),
            fragment(udp(id=501, data=b"b" * 1200), fragsize=800),
            fragment(udp(id=500, data=b"c" * 1200, src=VC2), fragsize=800),
            fragment(udp(id=500, data=b"d" * 1200, dst="203.0.113.51"), fragsize=800),
            fragment(echo(id=500, data=b"e" * 1200), fragsize=800)]
    lab.client.send(*[parts[0] for parts in sets], *[parts[1] for parts in sets])
    lab.record("all ten", sorted(lab.server.packets(10)))


@scenario(COUNTING)
def strange_fragments(lab):
    """Zero length, not a multiple of eight, beyond 64 kB, first and last at once."""
    def piece(ident, offset, flags, data, proto=17):
        return IP(src=VC, dst=VS, id=ident, proto=proto, frag=offset, flags=flags) / Raw(data)
    lab.client.send(piece(600, 0, "MF", b""), piece(601, 0, "MF", b"x" * 13),
                    piece(602, 8190, 0, b"x" * 100), piece(603, 8191, "MF", b"x" * 8),
                    piece(604, 1, "MF", b"y" * 8), piece(604, 1, 0, b"y" * 8),
                    piece(605, 0, "DF+MF", b"z" * 16))
    lab.record("nothing", lab.server.packets(0))
    lab.client.send(piece(606, 0, "DF+MF", bytes(udp(data=b"q" * 40)[IP].payload)[:24]),
                    piece(606, 3, "DF", bytes(udp(data=b"q" * 40)[IP].payload)[24:]))
    lab.record("with DF", lab.server.packets(2))
    lab.client.send(piece(607, 0, "evil", bytes(udp()[IP].payload)))
    lab.record("reserved bit", lab.server.packets(1))


@scenario(COUNTING)
def tos_of_fragments(lab):
    """ECN marks of the fragments are merged as RFC 3168 says; options come from the first."""
    for ident, marks in ((700, (1, 1)), (701, (1, 3)), (702, (0, 3)), (703, (2, 1)), (704, (3, 3))):
        parts = fragment(udp(id=ident, data=b"x" * 100), fragsize=64)
        for part, mark in zip(parts, marks):
            part.tos = mark
        lab.client.send(*parts)
    lab.record("through", lab.server.packets(8))


@scenario()
def to_the_router(lab):
    """The router reassembles what is for itself, and cuts its answer to the MTU."""
    lab.client.send(*fragment(echo(dst=ROUTER_LAN, data=b"0123456789" * 400, id=5), fragsize=808))
    lab.record("reply", lab.client.packets(3))


@scenario(COUNTING, mtu={"wan": 1400})
def narrow_without_df(lab):
    """1500 bytes into a link of 1400: two fragments of the right sizes, TCP alike."""
    lab.client.send(udp(data=bytes(range(256)) * 5 + b"x" * 192, id=800, tos=0x20))
    lab.record("udp", lab.server.packets(2))
    lab.client.send(tcp("A", data=b"0123456789" * 146, id=801))
    lab.record("tcp", lab.server.packets(2))
    lab.client.send(udp(data=b"x" * 1372, id=802), udp(data=b"x" * 1373, id=803))
    lab.record("just fits, just not", lab.server.packets(3))


@scenario(COUNTING, mtu={"wan": 1400})
def narrow_with_df(lab):
    """With DF: fragmentation needed, with the MTU, quoting what came; nothing crosses."""
    lab.client.send(udp(data=b"x" * 1472, id=900, flags="DF"))
    lab.record("error", lab.client.packets(1))
    lab.client.send(udp(data=b"x" * 1372, id=901, flags="DF"))
    lab.record("fits", lab.server.packets(1))
    segment = tcp("A", data=b"y" * 1460, id=902, src=VC2)
    segment.flags = "DF"
    lab.client.send(segment)
    lab.record("error about tcp", lab.client.packets(1))
    lab.client.send(*fragment(udp(src="10.1.0.52", data=b"z" * 3000, id=903, flags="DF"), fragsize=1480))
    lab.record("fragments with DF", lab.client.packets(1))


@scenario(COUNTING, mtu={"wan": 1400})
def narrow_real(lab):
    """The client's own UDP: EMSGSIZE with DF, an answer without."""
    lab.server.udp_echo(53)
    lab.record("with DF", lab.client.udp_ask(SERVER, 53, b"x" * 1450, flags=["df"]))
    lab.record("without", lab.client.udp_ask(SERVER, 53, b"x" * 1450, flags=["nodf"]))
    lab.record("ping with DF", lab.client.ping(SERVER, "-s", "1472", "-M", "do")[0])


@scenario(COUNTING, mtu={"wan": 1400})
def narrow_fragments(lab):
    """Fragments of 1500 into a link of 1400 are cut to fit it; smaller ones stay."""
    lab.client.send(*fragment(udp(data=b"0123456789" * 300, id=1000), fragsize=1480))
    lab.record("cut", lab.server.packets(3))
    lab.client.send(*fragment(udp(data=b"0123456789" * 300, id=1001), fragsize=600))
    lab.record("kept", lab.server.packets(6))


@scenario("""
*raw
:PREROUTING ACCEPT
-A PREROUTING -f
-A PREROUTING -i lan -j NOTRACK
""")
def notrack(lab):
    """Reassembly comes before raw: NOTRACK does not bring fragments to the rules."""
    lab.client.send(*fragment(udp(data=b"0123456789" * 300, id=1100), fragsize=1480))
    lab.record("through", lab.server.packets(3))


@scenario("""
*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -i wan -p udp -m udp --dport 5353 -j DNAT --to-destination 10.1.0.50:53
-A POSTROUTING -o wan -j MASQUERADE
""")
def through_nat(lab):
    """Fragmented datagrams are translated as a whole, both ways."""
    lab.client.send(*fragment(udp(data=b"0123456789" * 300, id=1200), fragsize=1000))
    lab.record("there", lab.server.packets(4))
    lab.server.send(*fragment(udp(src=VS, dst="203.0.113.254", sport=53, dport=5000,
                                  data=b"9876543210" * 300, id=1201), fragsize=1000))
    lab.record("back", lab.client.packets(4))
    lab.server.send(*fragment(udp(src=VS, dst="203.0.113.254", sport=9, dport=5353,
                                  data=b"abcdefghij" * 300, id=1202), fragsize=1480))
    lab.record("forwarded", lab.client.packets(3))


@scenario()
def error_about_a_fragment(lab):
    """An error that quotes the first fragment belongs to the flow; a later one does not."""
    lab.client.send(*fragment(udp(data=b"x" * 2000, id=1300), fragsize=1480))
    first, second = lab.server.arrived(2)
    lab.server.send(error(11, 1, VS, first, quote=60), error(11, 1, VS, second, quote=60))
    lab.record("both pass without rules", lab.client.packets(2))
    lab.record("icmp", [str(ICMP in item) for item in (first, second)])
