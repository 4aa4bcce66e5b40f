"""NAT of what is neither TCP, UDP nor ping: ports, keys and checksums by protocol, and errors about them.

    virtual clients 10.1.0.50, .51 --lan-- router --wan-- 203.0.113.50, .51 virtual servers
"""

import struct

from scapy.layers.sctp import SCTP, SCTPChunkInit

from testnet.packets import IP, ROUTER_WAN, VC, VC2, VS, VS2, Raw, error, udp
from testnet.scenario import scenario

SNAT = "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j SNAT --to-source 203.0.113.254\n"
DNAT = "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -i wan -j DNAT --to-destination 10.1.0.50\n"
PROTOCOLS = ("udplite", "sctp", "gre", "gre1", "esp")
UNCHECKED = {"net.netfilter.nf_conntrack_checksum": "0"}    # with 1 Linux finds UDP-Lite's wrong, whatever it is


def words(data):
    """The sum of 16-bit words, folded."""
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    return (total & 0xffff) + (total >> 16)


def packet(kind, src=VC, dst=VS, sport=5000, dport=53, data=b"abcdefgh"):
    """A packet of one of the protocols, with right checksums where its protocol has any."""
    if kind == "sctp":
        return IP(src=src, dst=dst) / SCTP(sport=sport, dport=dport, tag=0) / SCTPChunkInit(
            init_tag=7, a_rwnd=65535, n_out_streams=1, n_in_streams=1, init_tsn=1)
    if kind == "udplite":       # the checksum covers the header alone
        item = IP(src=src, dst=dst, proto=136)
        pseudo = bytes(item)[12:20] + struct.pack("!HH", 136, 8 + len(data))
        head = struct.pack("!HHH", sport, dport, 8)
        return item / Raw(head + struct.pack("!H", ~words(pseudo + head) & 0xffff) + data)
    if kind == "gre":
        return IP(src=src, dst=dst, proto=47) / Raw(struct.pack("!HH", 0, 0x6558) + data)
    if kind == "gre1":          # version 1, as PPTP has it: payload length, call id, sequence number
        return IP(src=src, dst=dst, proto=47) / Raw(struct.pack("!HHHHI", 0x3001, 0x880b, len(data), dport, 1) + data)
    return IP(src=src, dst=dst, proto=50) / Raw(struct.pack("!II", 77, 1) + data)


def each(**fields):
    """One packet of every protocol."""
    return [packet(kind, **fields) for kind in PROTOCOLS]


@scenario(SNAT, mask="sport dport", sysctl=UNCHECKED)
def source(lab):
    """Out with another source, the answer back; a second client with the same ports: another port, or none to have."""
    lab.client.send(*each())
    lab.record("out", lab.server.packets(5))
    lab.server.send(*each(src=VS, dst=ROUTER_WAN, sport=53, dport=5000))
    lab.record("back", lab.client.packets(4))
    lab.server.forget()
    lab.client.send(*each(src=VC2))
    second = [bytes(item[IP]) for item in lab.server.arrived(2)]
    lab.record("second", [(raw[9], raw[20:22] != b"\x13\x88", raw[20] >= 4, raw[22:24].hex()) for raw in second])
    lab.client.send(*each(src=VC2, dst=VS2))
    lab.record("elsewhere", [(item[IP].src, item[IP].proto) for item in lab.server.arrived(5)])


@scenario(DNAT, sysctl=UNCHECKED)
def destination(lab):
    """In to another destination, the answer out as from the first one."""
    lab.server.send(*each(src=VS, dst=ROUTER_WAN))
    lab.record("in", lab.client.packets(5))
    lab.client.send(*each(src=VC, dst=VS, sport=53, dport=5000))
    lab.record("out", lab.server.packets(5))


@scenario(SNAT, sysctl=UNCHECKED)
def errors(lab):
    """Errors about translated packets: quoted whole, cut behind the ports, cut in the middle of a header."""
    lab.client.send(*each(data=b"abcdefghijklmnop"))
    for seen in lab.server.arrived(5):
        for quote in (None, 28, 36):
            lab.server.send(error(3, 3, VS, seen, quote=quote))
    lab.record("in", lab.client.packets(15))


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -p sctp -j SNAT --to-source 203.0.113.254:7000-7001\n"
          "-A POSTROUTING -o wan -p icmp -j SNAT --to-source 203.0.113.254:100-101\n", mask="sport dport id")
def ranges(lab):
    """Port ranges for SCTP and for ICMP identifiers: as many flows as there are numbers."""
    for number in range(3):
        lab.client.send(packet("sctp", sport=5000 + number))
    lab.record("sctp", sorted(item[SCTP].sport for item in lab.server.arrived(2)))
    for number in range(3):
        lab.client.send(query(8, ident=5000 + number))
    lab.record("icmp", sorted(bytes(item[IP])[24:26].hex() for item in lab.server.arrived(2)))


def query(kind, src=VC, dst=VS, ident=77, body=b"12 bytes ..."):
    """An ICMP request or answer of any kind."""
    data = struct.pack("!BBHHH", kind, 0, 0, ident, 1) + body
    return IP(src=src, dst=dst, proto=1) / Raw(data[:2] + struct.pack("!H", ~words(data) & 0xffff) + data[4:])


@scenario(SNAT, mask="id")
def icmp_queries(lab):
    """Timestamp, information and address mask requests keep their ids, unless another has them; answers come back."""
    answers = {8: 0, 13: 14, 15: 16, 17: 18}
    for kind in answers:
        lab.client.send(query(kind))
        lab.record("out %d" % kind, lab.server.packets(1))
        lab.client.send(query(kind, src=VC2))
        other = bytes(lab.server.arrived()[0][IP])[24:26]
        lab.record("another id %d" % kind, other != b"\0M")
        lab.server.send(query(answers[kind], src=VS, dst=ROUTER_WAN, ident=int.from_bytes(other, "big")),
                        query(answers[kind], src=VS, dst=ROUTER_WAN))
        lab.record("back %d" % kind, lab.client.packets(2))


@scenario("*nat\n:INPUT ACCEPT\n-A INPUT -p udp -j SNAT --to-source 10.1.0.77:7000\n")
def input_error(lab):
    """What SNAT in INPUT changed is undone in the router's own error about it."""
    lab.client.send(udp(dst="10.1.0.254", dport=9))
    lab.record("error", lab.client.packets(1))
