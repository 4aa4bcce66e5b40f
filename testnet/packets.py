"""Shorthands for hand-built packets, and the addresses scenarios use.

Upper-case addresses: the hosts' own (CLIENT, SERVER, DMZ), the router's, and two
virtual hosts per side, whose packets no kernel answers (see the package).
Identification, sequence numbers and ports are fixed, so records need no masks.
"""

import struct

from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption, fragment
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Raw
from scapy.utils import checksum

CLIENT, SERVER, DMZ = "10.1.0.1", "203.0.113.1", "192.0.2.1"
ROUTER_LAN, ROUTER_WAN, ROUTER_DMZ = "10.1.0.254", "203.0.113.254", "192.0.2.254"
VC, VC2 = "10.1.0.50", "10.1.0.51"            # virtual clients
VS, VS2 = "203.0.113.50", "203.0.113.51"      # virtual servers
VD = "192.0.2.50"                             # virtual host in the DMZ


def udp(src=VC, dst=VS, sport=5000, dport=53, data=b"question", **ip):
    """A datagram."""
    return IP(src=src, dst=dst, **ip) / UDP(sport=sport, dport=dport) / Raw(data)


def echo(src=VC, dst=VS, ident=7, seq=1, data=b"ping", **ip):
    """An echo request."""
    return IP(src=src, dst=dst, **ip) / ICMP(id=ident, seq=seq) / Raw(data)


def tcp(flags="S", src=VC, dst=VS, sport=40000, dport=80, seq=1000, ack=0, data=b"",
        window=8192, options=(), **ip):
    """A TCP segment."""
    item = IP(src=src, dst=dst, **ip) / TCP(sport=sport, dport=dport, flags=flags, seq=seq,
                                            ack=ack, window=window, options=list(options))
    return item / Raw(data) if data else item


def answer(item, **ip):
    """The reply to a captured ping or datagram, from the one it was sent to."""
    source = item[IP]
    if ICMP in item:
        return IP(src=source.dst, dst=source.src, **ip) / ICMP(
            type=0, id=item[ICMP].id, seq=item[ICMP].seq) / Raw(bytes(item[ICMP].payload))
    if UDP in item:
        return IP(src=source.dst, dst=source.src, **ip) / UDP(
            sport=item[UDP].dport, dport=item[UDP].sport) / Raw(b"answer")
    segment = item[TCP]
    size = len(bytes(segment.payload)) + ("S" in segment.flags) + ("F" in segment.flags)
    return IP(src=source.dst, dst=source.src, **ip) / TCP(
        sport=segment.dport, dport=segment.sport, flags="SA" if "S" in segment.flags else "A",
        seq=5000, ack=segment.seq + size, window=8192)


def error(kind, code, source, about, to=None, rest=0, quote=None, **ip):
    """An ICMP error from `source` that quotes the packet `about`, sent to its sender.

    @rest: the second word (MTU, gateway); @quote: how many bytes to quote.
    """
    body = struct.pack("!BBHI", kind, code, 0, rest) + bytes(about[IP])[:quote]
    body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
    return IP(src=source, dst=to or about[IP].src, proto=1, **ip) / Raw(body)


__all__ = ["ARP", "CLIENT", "DMZ", "Ether", "ICMP", "IP", "IPOption", "ROUTER_DMZ", "ROUTER_LAN",
           "ROUTER_WAN", "Raw", "SERVER", "TCP", "UDP", "VC", "VC2", "VD", "VS", "VS2", "answer",
           "echo", "error", "fragment", "tcp", "udp"]
