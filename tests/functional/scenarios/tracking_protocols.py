"""The trackers beside TCP, UDP and ping, step by step: SCTP, UDPLITE, GRE, redirects and the other ICMP requests.

    virtual client 10.1.0.50 --lan-- router --wan-- 203.0.113.50 virtual server
"""

import struct

from scapy.layers.sctp import SCTP, SCTPChunkAbort, SCTPChunkCookieAck, SCTPChunkCookieEcho, SCTPChunkData
from scapy.layers.sctp import SCTPChunkError, SCTPChunkHeartbeatAck, SCTPChunkHeartbeatReq, SCTPChunkInit
from scapy.layers.sctp import SCTPChunkInitAck, SCTPChunkShutdown, SCTPChunkShutdownAck, SCTPChunkShutdownComplete

from testnet.packets import ICMP, IP, ROUTER_LAN, VC, VC2, VD, VS, VS2, Raw, error, udp
from testnet.scenario import scenario

STATES = """
*filter
:FORWARD ACCEPT
-A FORWARD -m conntrack --ctstate NEW
-A FORWARD -m conntrack --ctstate ESTABLISHED --ctdir ORIGINAL
-A FORWARD -m conntrack --ctstate ESTABLISHED --ctdir REPLY
-A FORWARD -m conntrack --ctstate RELATED
-A FORWARD -m conntrack --ctstate INVALID
"""
CHUNKS = {"init": SCTPChunkInit, "initack": SCTPChunkInitAck, "echo": SCTPChunkCookieEcho, "cookieack": SCTPChunkCookieAck,
          "data": SCTPChunkData, "shutdown": SCTPChunkShutdown, "shutack": SCTPChunkShutdownAck,
          "complete": SCTPChunkShutdownComplete, "abort": SCTPChunkAbort, "error": SCTPChunkError,
          "hb": SCTPChunkHeartbeatReq, "hback": SCTPChunkHeartbeatAck}
# Long enough for a slow laboratory; as they are, some states last three seconds.
PATIENT = {"net.netfilter.nf_conntrack_sctp_timeout_%s" % state: seconds for state, seconds in (
    ("closed", "20"), ("cookie_wait", "30"), ("cookie_echoed", "40"), ("shutdown_sent", "50"), ("shutdown_recd", "60"),
    ("shutdown_ack_sent", "70"))}


def sctp(side, names, tag, itag=0, **flags):
    """(side, packet) of chunks; c: from the client, s: from the server."""
    source, target, sport, dport = (VC, VS, 5000, 80) if side == "c" else (VS, VC, 80, 5000)
    item = IP(src=source, dst=target) / SCTP(sport=sport, dport=dport, tag=tag)
    for name in names.split("+"):
        chunk = CHUNKS[name](**flags) if name in ("abort", "complete") else CHUNKS[name]()
        if name in ("init", "initack"):
            chunk.init_tag, chunk.a_rwnd, chunk.n_out_streams, chunk.n_in_streams = itag, 65535, 1, 1
        if name == "data":
            chunk.data = b"data"
        item = item / chunk
    return side, item


def walk(lab, steps):
    """Send each step, wait until it crossed, record the entries."""
    for number, (side, item) in enumerate(steps):
        sender, receiver = (lab.client, lab.server) if side == "c" else (lab.server, lab.client)
        sender.send(item)
        crossed = len(receiver.arrived(1, limit=0.5))
        lab.record("%d %s" % (number, item.summary()), ["crossed %d" % crossed] + lab.connections())


OPEN = [sctp("c", "init", 0, 5), sctp("s", "initack", 5, 9), sctp("c", "echo", 9), sctp("s", "cookieack", 5)]


@scenario(STATES, sysctl=PATIENT)
def sctp_life(lab):
    """The four-way handshake, data both ways, the three-way shutdown, and what comes after it."""
    walk(lab, OPEN + [sctp("c", "data", 9), sctp("s", "data", 5), sctp("c", "shutdown", 9), sctp("s", "shutack", 5),
                      sctp("c", "complete", 9), sctp("c", "data", 9), sctp("c", "init", 0, 15)])


@scenario(STATES, sysctl=PATIENT)
def sctp_collision(lab):
    """Both ends send INIT: whose INIT ACK counts is told by its tag."""
    walk(lab, [sctp("c", "init", 0, 5), sctp("s", "init", 0, 9), sctp("c", "initack", 9, 6), sctp("c", "initack", 9, 5),
               sctp("s", "initack", 5, 8), sctp("s", "initack", 5, 9), sctp("s", "echo", 5), sctp("c", "cookieack", 9),
               sctp("s", "data", 5), sctp("c", "data", 9)])


@scenario(STATES, sysctl=PATIENT)
def sctp_restart(lab):
    """An end that has forgotten all begins anew: new tags, the state stays."""
    walk(lab, OPEN + [sctp("c", "init", 0, 7), sctp("s", "initack", 7, 11), sctp("c", "echo", 11),
                      sctp("s", "cookieack", 7), sctp("c", "data", 9), sctp("c", "data", 11)])


@scenario(STATES, sysctl=PATIENT)
def sctp_second_path(lab):
    """Multi-homing: a path that begins with a heartbeat; a strange heartbeat on a known path."""
    walk(lab, [sctp("c", "hb", 9), sctp("s", "hback", 5), sctp("c", "data", 9), sctp("c", "hb", 21), sctp("s", "hback", 22),
               sctp("c", "data", 21), sctp("s", "data", 22), sctp("s", "data", 5)])


@scenario(STATES, sysctl=PATIENT)
def sctp_endings(lab):
    """Aborts by tag and T bit, a stale cookie, packets out of the blue."""
    walk(lab, OPEN + [sctp("s", "abort", 7), sctp("s", "abort", 9), sctp("s", "abort", 9, TCB=1)])
    walk(lab, [sctp("c", "init", 0, 6), sctp("s", "initack", 6, 10), sctp("c", "echo", 10), sctp("s", "error", 6)])
    walk(lab, [("c", IP(src=VC, dst=VS2) / SCTP(sport=1, dport=2, tag=3) / SCTPChunkShutdownAck()),
               ("s", IP(src=VS2, dst=VC) / SCTP(sport=2, dport=1, tag=3) / SCTPChunkShutdownComplete()),
               ("c", IP(src=VC2, dst=VS2) / SCTP(sport=1, dport=2, tag=3) / SCTPChunkData(data=b"data")),
               ("c", IP(src=VC2, dst=VS2) / SCTP(sport=1, dport=2, tag=3) / SCTPChunkAbort())])


def udplite(source, target, sport, dport, coverage, data=b"question"):
    """A datagram whose checksum is of its first @coverage bytes; nobody looks at it here."""
    return IP(src=source, dst=target, proto=136) / Raw(struct.pack("!HHHH", sport, dport, coverage, 0x1234) + data)


@scenario(STATES, sysctl={"net.netfilter.nf_conntrack_checksum": "0"})
def udplite_flows(lab):
    """A reply makes it a stream at once; coverage that cannot be is INVALID, so is no checksum."""
    walk(lab, [("c", udplite(VC, VS, 5000, 53, 8)), ("s", udplite(VS, VC, 53, 5000, 0)), ("c", udplite(VC, VS, 5000, 53, 16)),
               ("c", udplite(VC, VS, 5000, 53, 7)), ("c", udplite(VC, VS, 5000, 53, 17)),
               ("c", IP(src=VC, dst=VS, proto=136) / Raw(struct.pack("!HHHH", 5000, 53, 8, 0))),
               ("c", IP(src=VC, dst=VS, proto=136) / Raw(b"1234567"))])


def gre(source, target, flags, protocol, rest=b""):
    """A GRE packet: flags with the version, and what follows them."""
    return IP(src=source, dst=target, proto=47) / Raw(struct.pack("!HH", flags, protocol) + rest)


@scenario(STATES)
def gre_versions(lab):
    """Version 0, keyed or not, is one flow; version 1 goes by call id; version 1 without PPP is INVALID."""
    call = struct.pack("!HHI", 4, 7, 1) + b"data"
    walk(lab, [("c", gre(VC, VS, 0, 0x0800, b"payload.")), ("s", gre(VS, VC, 0x2000, 0x0800, b"key.more")),
               ("c", gre(VC, VS, 0, 0x6558)), ("c", gre(VC, VS, 0x3001, 0x880b, call)),
               ("s", gre(VS, VC, 0x3001, 0x880b, call)), ("c", gre(VC, VS, 0x3001, 0x880b, call[:2] + b"\0\x08" + call[4:])),
               ("c", gre(VC, VS, 0x3001, 0x0800, call)), ("c", gre(VC, VS2, 0x3001, 0x880b, call[:2])),
               ("c", gre(VC, VS2, 2, 0x880b, call)), ("c", IP(src=VC2, dst=VS2, proto=47) / Raw(b"\0\0"))])


@scenario(STATES)
def redirects(lab):
    """ICMP redirects are RELATED to whom they quote, whoever sends them; to another than the sender they are INVALID."""
    lab.client.send(udp())
    seen = lab.server.arrived()[0]
    lab.server.send(error(5, 1, VS, seen, rest=0xcb007133), error(5, 0, VS2, seen, rest=0xcb007133, quote=28))
    lab.server.send(error(5, 1, VS, seen, to=VC2, rest=0xcb007133), error(5, 1, VS, udp(sport=5001), rest=0xcb007133))
    lab.record("to the client", lab.client.packets(4))
    lab.client.send(error(5, 1, VC, udp(src=VS, dst=VC, sport=53, dport=5000), rest=0x0a010033))
    lab.dmz.send(error(5, 1, VD, seen, rest=0xcb007133))
    lab.record("to both", sorted(lab.server.packets(1)) + sorted(lab.client.packets(1)))


@scenario(STATES)
def icmp_requests(lab):
    """The four kinds of request and their answers; answers to others; types that are neither."""
    for request, reply in ((8, 0), (13, 14), (15, 16), (17, 18)):
        rest = bytes(12) if request == 13 else bytes(4)
        ask = IP(src=VC, dst=VS) / ICMP(type=request, id=request, seq=1)
        walk(lab, [("c", IP(bytes(ask)[:28]) / Raw(rest) if request != 13 else ask),
                   ("s", IP(src=VS, dst=VC) / ICMP(type=reply, id=request, seq=1)),
                   ("s", IP(src=VS, dst=VC) / ICMP(type=reply, code=1, id=request, seq=1)),
                   ("s", IP(src=VS, dst=VC) / ICMP(type=reply, id=request + 1, seq=1))])
    walk(lab, [("c", IP(src=VC, dst=VS) / ICMP(type=kind)) for kind in (9, 10, 19, 40)])
    lab.client.send(IP(src=VC, dst=ROUTER_LAN) / ICMP(type=15, id=5))
    lab.record("asked of the router", len(lab.client.arrived(0)))
