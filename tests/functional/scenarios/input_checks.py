"""What never reaches a rule, or should not: martians, options, redirects, broken headers.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import (IP, ROUTER_LAN, ROUTER_WAN, VC, VC2, VS, Ether, Raw, echo, tcp, udp)
from testnet.scenario import scenario
from testnet.topology import LAN

SEEN = """
*mangle
:PREROUTING ACCEPT
:INPUT ACCEPT
:FORWARD ACCEPT
-A PREROUTING
-A INPUT
-A FORWARD
"""
STRICT = {"net.ipv4.conf.lan.rp_filter": "1"}
LOOSE = {"net.ipv4.conf.all.rp_filter": "2"}


def one_by_one(lab, packets, receiver=None):
    """Send packets one after the other and record how far each came."""
    for name, item in packets:
        lab.client.send(item)
        crossed = (receiver or lab.server).packets(0)
        lab.record(name, ["crossed: %s" % crossed, "back: %s" % lab.client.packets(0)])
        lab.record(name, [line for line in lab.saved_rules() if "-A" in line])


@scenario(SEEN)
def martian_sources(lab):
    """Sources that cannot be: counted in PREROUTING, never forwarded or delivered."""
    one_by_one(lab, [(source, udp(src=source)) for source in (
        "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", ROUTER_LAN, ROUTER_WAN,
        "10.1.0.255", "10.1.0.0", "203.0.113.9")])


@scenario(SEEN)
def martian_destinations(lab):
    """Destinations that are not forwarded: loopback, broadcasts, multicast, class E, 0."""
    one_by_one(lab, [(dest, udp(dst=dest)) for dest in (
        "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.1.1", "240.0.0.1", "10.1.0.255",
        "203.0.113.255", "203.0.113.0", "0.1.2.3")])


@scenario(SEEN, sysctl=STRICT)
def rp_filter_strict(lab):
    """rp_filter=1: the way back must be the port it came by."""
    one_by_one(lab, [(source, udp(src=source)) for source in (VC, "203.0.113.9", "192.0.2.9", "198.51.100.9")])
    lab.server.send(udp(src="10.1.0.99", dst=VC))
    lab.record("the wan has none", lab.client.packets(1))


@scenario(SEEN, sysctl=LOOSE, routes={"10.9.0.0/16": "via 203.0.113.50"})
def rp_filter_loose(lab):
    """rp_filter=2: any way back will do, but there must be one."""
    one_by_one(lab, [(source, udp(src=source)) for source in (VC, "203.0.113.9", "10.9.1.1", "198.51.100.9")])


@scenario(SEEN)
def source_routes(lab):
    """Packets with a source route are dropped; the option is off by default."""
    strict = bytes([0x89, 7, 4]) + bytes([203, 0, 113, 51]) + b"\0"
    loose = bytes([0x83, 7, 4]) + bytes([203, 0, 113, 51]) + b"\0"
    used = bytes([0x83, 7, 8]) + bytes([203, 0, 113, 51]) + b"\0"
    one_by_one(lab, [("strict", with_options(strict)), ("loose", with_options(loose)),
                     ("used up", with_options(used)), ("to the router", with_options(loose, dst=ROUTER_LAN))])


@scenario(SEEN)
def ip_options(lab):
    """Record route and timestamp are filled in, NOP passes, router alert passes, unknown passes."""
    record = bytes([7, 11, 4]) + bytes(8) + b"\0"
    full = bytes([7, 11, 12]) + bytes([1, 2, 3, 4, 5, 6, 7, 8]) + b"\0"
    stamp = bytes([68, 12, 5, 1]) + bytes(8)
    one_by_one(lab, [("nop", with_options(b"\x01\x01\x01\x00")), ("record", with_options(record)),
                     ("full", with_options(full)), ("alert", with_options(b"\x94\x04\x00\x00")),
                     ("unknown", with_options(b"\x99\x04\x01\x02"))])
    lab.client.send(with_options(stamp))
    lab.record("timestamp", [len(bytes(item)) for item in lab.server.arrived(1)])
    lab.client.send(with_options(record, dst=ROUTER_LAN, kind="echo"))
    lab.record("echoed", lab.client.packets(1))


@scenario(SEEN)
def broken_options(lab):
    """Options with impossible lengths: parameter problem or silence."""
    one_by_one(lab, [("length 0", with_options(b"\x07\x00\x04\x00")), ("length 1", with_options(b"\x07\x01\x04\x00", src=VC2)),
                     ("too long", with_options(b"\x07\x27\x04\x00", src="10.1.0.52")),
                     ("pointer 3", with_options(b"\x07\x07\x03\x00\x00\x00\x00\x00", src="10.1.0.53")),
                     ("no room", with_options(b"\x01\x01\x01\x07", src="10.1.0.54"))])


def with_options(data, src=VC, dst=VS, kind="udp"):
    """A packet whose IP header carries raw option bytes (a multiple of four)."""
    base = udp(src=src, dst=dst) if kind == "udp" else echo(src=src, dst=dst)
    raw = bytes(base)
    header = IP(raw[:20])
    header.ihl = 5 + len(data) // 4
    header.len = len(raw) + len(data)
    head = bytearray(bytes(header)[:20])
    head[10:12] = b"\0\0"
    from scapy.utils import checksum
    total = checksum(bytes(head) + data)
    head[10:12] = total.to_bytes(2, "big")
    return Ether(src=LAN.host_mac, dst=LAN.router_mac, type=0x800) / Raw(bytes(head) + data + raw[20:])


def mangled(offset, value, trailer=b""):
    """A good frame with one byte of its IP header changed, checksum repaired."""
    from scapy.utils import checksum
    raw = bytearray(bytes(udp()))
    raw[offset] = value
    raw[10:12] = b"\0\0"
    size = max((raw[0] & 15) * 4, 20)
    raw[10:12] = checksum(bytes(raw[:size])).to_bytes(2, "big")
    return Ether(src=LAN.host_mac, dst=LAN.router_mac, type=0x800) / Raw(bytes(raw) + trailer)


@scenario(SEEN)
def broken_headers(lab):
    """Version, header length, total length that cannot be: dropped before any rule."""
    whole = bytes(udp())
    frames = [("version 5", mangled(0, 0x55)), ("version 6", mangled(0, 0x65)), ("ihl 4", mangled(0, 0x44)),
              ("ihl 15", mangled(0, 0x4f)), ("length 19", mangled(3, 19)), ("length 20", mangled(3, 20)),
              ("length too long", mangled(3, 37)), ("length shorter, padded", mangled(3, 30)),
              ("checksum", Ether(src=LAN.host_mac, dst=LAN.router_mac, type=0x800)
               / Raw(whole[:10] + b"\x12\x34" + whole[12:])),
              ("ten bytes", Ether(src=LAN.host_mac, dst=LAN.router_mac, type=0x800) / Raw(whole[:10])),
              ("good", udp(sport=5001))]
    one_by_one(lab, frames)


@scenario(SEEN)
def other_frames(lab):
    """Frames for another host, broadcast frames with unicast packets, unknown EtherTypes."""
    one_by_one(lab, [
        ("other host", Ether(src=LAN.host_mac, dst="02:00:00:00:99:99") / udp()),
        ("ethernet broadcast", Ether(src=LAN.host_mac, dst="ff:ff:ff:ff:ff:ff") / udp()),
        ("ethernet multicast", Ether(src=LAN.host_mac, dst="01:00:5e:00:00:01") / udp()),
        ("unknown type", Ether(src=LAN.host_mac, dst=LAN.router_mac, type=0x88b5) / Raw(bytes(udp()))),
        ("broadcast ping", Ether(src=LAN.host_mac, dst="ff:ff:ff:ff:ff:ff") / echo(dst="10.1.0.255")),
        ("tcp in broadcast", Ether(src=LAN.host_mac, dst="ff:ff:ff:ff:ff:ff") / tcp(dst=ROUTER_LAN)),
        ("udp in broadcast", Ether(src=LAN.host_mac, dst="ff:ff:ff:ff:ff:ff") / udp(dst=ROUTER_LAN))])


@scenario(SEEN, sysctl={"net.ipv4.icmp_echo_ignore_broadcasts": "0"})
def broadcast_ping(lab):
    """With icmp_echo_ignore_broadcasts=0 a broadcast ping is answered."""
    lab.client.send(Ether(src=LAN.host_mac, dst="ff:ff:ff:ff:ff:ff") / echo(dst="10.1.0.255"))
    lab.record("reply", lab.client.packets(1))


@scenario(SEEN)
def redirect(lab):
    """Out by the port it came in: forwarded, and the sender is told of the shorter way."""
    lab.client.send(udp(dst=VC2))
    lab.record("both", sorted(lab.client.packets(2)))


@scenario(SEEN, routes={"10.9.0.0/16": "via 10.1.0.51"})
def redirect_to_gateway(lab):
    """The gateway that a redirect names is that of the route."""
    lab.client.send(udp(dst="10.9.1.1"), udp(src="203.0.113.9", dst="10.9.1.1"))
    lab.record("all", sorted(lab.client.packets(3)))


@scenario(SEEN, sysctl={"net.ipv4.conf.all.send_redirects": "0", "net.ipv4.conf.lan.send_redirects": "0"})
def no_redirect(lab):
    """send_redirects=0: forwarded without a word."""
    lab.client.send(udp(dst=VC2))
    lab.record("packet", lab.client.packets(1))


@scenario("*filter\n:FORWARD DROP\n")
def redirect_though_dropped(lab):
    """The redirect is sent although FORWARD drops the packet."""
    lab.client.send(udp(dst=VC2))
    lab.record("redirect", lab.client.packets(1))
