"""DCCP through a running router: tracked and translated.  Linux 6.18 has no tracker to compare with.

    virtual clients 10.1.0.50, .51 --lan-- router 203.0.113.254 --wan-- 203.0.113.50 virtual server
"""

import struct

from scapy.packet import Raw

from testnet.packets import IP, ROUTER_WAN, VC, VC2, VS
from testnet.tapgate_lab import TapgateLab

RULES = """
*nat
:POSTROUTING ACCEPT
-A POSTROUTING -o wan -p dccp -j MASQUERADE
*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -i lan -p dccp -m dccp --dport 80 --dccp-types REQUEST -j ACCEPT
"""
REST = {0: 4, 1: 12, 3: 8, 4: 8, 5: 8, 6: 8, 7: 12}     # bytes behind the numbers, by type


def words(data):
    """The sum of 16-bit words, folded."""
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def dccp(kind, source, target, sport, dport, seq, ack=0):
    """A packet of one type, with numbers of 48 bits and its checksum."""
    rest = (struct.pack("!HHI", 0, 0, ack) if REST[kind] >= 8 else b"") + b"web!" * (REST[kind] % 8 // 4)
    item = IP(src=source, dst=target, proto=33)
    head = struct.pack("!HHBB", sport, dport, (16 + len(rest)) // 4, 0)
    tail = struct.pack("!BBHI", kind << 1 | 1, 0, 0, seq) + rest
    pseudo = bytes(item)[12:20] + struct.pack("!HH", 33, len(head) + 2 + len(tail))
    return item / Raw(head + struct.pack("!H", ~words(pseudo + head + tail) & 0xffff) + tail)


def parts(item):
    """(source, destination, source port, destination port, whether the checksum is right) of a packet."""
    raw = bytes(item[IP].payload)
    pseudo = bytes(item[IP])[12:20] + struct.pack("!HH", 33, len(raw))
    return (item[IP].src, item[IP].dst, *struct.unpack("!HH", raw[:4]), words(pseudo + raw) == 0xffff)


def test_life():
    """Two clients with one port: the second gets another; states and timeouts as DCCP's; strays are dropped."""
    with TapgateLab(RULES) as lab:
        lab.client.send(dccp(0, VC, VS, 5000, 80, 10), dccp(0, VC2, VS, 5000, 80, 20))
        first, second = sorted((parts(item) for item in lab.server.arrived(2)), key=lambda p: p[2] != 5000)
        assert first == (ROUTER_WAN, VS, 5000, 80, True)
        assert second[:2] == (ROUTER_WAN, VS) and second[2] != 5000 and second[4]
        lab.server.send(dccp(1, VS, ROUTER_WAN, 80, 5000, 50, 10), dccp(1, VS, ROUTER_WAN, 80, second[2], 60, 20))
        assert sorted(parts(item) for item in lab.client.arrived(2)) == [
            (VS, VC, 80, 5000, True), (VS, VC2, 80, 5000, True)]
        lab.client.send(dccp(3, VC, VS, 5000, 80, 11, 50))
        lab.server.arrived()
        lines = lab.conntrack("-L", "-p", "dccp", "--state", "PARTOPEN").splitlines()
        assert len([line for line in lines if "src=" + VC in line and "[ASSURED]" in line]) == 1
        lab.server.send(dccp(4, VS, ROUTER_WAN, 80, 5000, 51, 11), dccp(5, VS, ROUTER_WAN, 80, 5000, 52, 11))
        lab.client.arrived(2)
        lab.client.send(dccp(6, VC, VS, 5000, 80, 12, 52))
        lab.server.arrived()
        lab.server.send(dccp(7, VS, ROUTER_WAN, 80, 5000, 53, 12))
        lab.client.arrived()
        table = lab.proc("net/nf_conntrack")
        assert "dccp     33 239 TIMEWAIT src=" in table or "dccp     33 240 TIMEWAIT src=" in table, table
        assert " RESPOND src=%s dst=%s sport=5000 dport=80 " % (VC2, VS) in table
        lab.client.send(dccp(3, VC, VS, 5001, 80, 1, 1), dccp(7, VC2, VS, 6000, 80, 1, 1))
        assert not lab.server.arrived(0)
