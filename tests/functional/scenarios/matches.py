"""Matches, one scenario each: every rule only counts, so the counters tell which matched.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

import time

from testnet.packets import (DMZ, ICMP, IP, ROUTER_LAN, UDP, VC, VC2, VS, VS2, Ether, Raw, answer,
                             echo, error, tcp, udp)
from testnet.scenario import scenario
from testnet.topology import LAN


def counting(*matches, chain="FORWARD", table="filter"):
    """Rules without a target, one per match text."""
    return "*%s\n:%s ACCEPT\n" % (table, chain) + "".join(
        "-A %s %s\n" % (chain, match) for match in matches)


@scenario(counting(
    "-s 10.1.0.50/32", "! -s 10.1.0.50/32", "-s 10.1.0.0/24 -d 203.0.113.0/24", "-d 203.0.113.51/32",
    "! -d 203.0.113.51/32", "-s 10.1.0.48/28", "-s 10.1.0.0/255.255.0.255", "-i lan", "! -i lan",
    "-i la+", "-o wan", "-o dmz", "! -o dmz", "-i lan -o wan", "-p udp", "! -p udp", "-p 50",
    "-p icmp", "-i nosuch"))
def header(lab):
    """Addresses with masks, interfaces with wildcards, protocols, and their negations."""
    lab.client.send(udp(), udp(src=VC2), udp(dst=VS2), tcp(), echo(dst=DMZ, src=VC2),
                    IP(src=VC, dst=VS, proto=50) / Raw(b"12345678"))
    lab.record("through", len(lab.server.arrived(5)))


@scenario(counting(
    "-p udp -m udp --dport 53", "-p udp -m udp --sport 5000", "-p udp -m udp --sport 5000:5001 --dport 53",
    "-p udp -m udp ! --dport 53", "-p udp -m udp ! --sport 5001:65535", "-p udp -m udp --dport :52",
    "-p udp -m udp --dport 54:", "-p udp -m udp --sport 0"))
def udp_ports(lab):
    """Ports and ranges of UDP."""
    lab.client.send(udp(), udp(sport=5001), udp(dport=52), udp(dport=54), udp(sport=0, dport=65535))
    lab.record("through", len(lab.server.arrived(5)))


@scenario(counting(
    "-p tcp -m tcp --dport 80", "-p tcp -m tcp --tcp-flags FIN,SYN,RST,ACK SYN",
    "-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN", "-p tcp -m tcp --tcp-flags RST,ACK RST,ACK",
    "-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE", "-p tcp -m tcp --tcp-flags FIN,SYN FIN,SYN",
    "-p tcp -m tcp --tcp-option 3", "-p tcp -m tcp ! --tcp-option 2", "-p tcp -m tcp --tcp-option 8",
    "-p tcp -m tcp --sport 40000:40002 --tcp-flags PSH PSH"))
def tcp_flags(lab):
    """Flags under a mask, options anywhere in the header."""
    options = [("MSS", 1460), ("NOP", None), ("WScale", 7), ("SAckOK", b"")]
    lab.client.send(tcp(options=options), tcp("SA", sport=40001), tcp("RA", sport=40002),
                    tcp("", sport=40003), tcp("SF", sport=40004), tcp("PA", sport=40000, data=b"x"),
                    tcp("FSRPAU", sport=40005), tcp("A", options=[("Timestamp", (1, 2))]))
    lab.record("through", lab.server.packets(8))


@scenario(counting(
    "-p icmp -m icmp --icmp-type 8", "-p icmp -m icmp --icmp-type 8/1", "-p icmp -m icmp --icmp-type 3",
    "-p icmp -m icmp --icmp-type 3/4", "-p icmp -m icmp ! --icmp-type 8", "-p icmp -m icmp --icmp-type any",
    "-p icmp -m icmp --icmp-type 0"))
def icmp_type(lab):
    """Types, codes, any."""
    lab.client.send(echo(), IP(src=VC, dst=VS) / ICMP(code=1, id=3), IP(src=VC, dst=VS) / ICMP(type=0),
                    error(3, 4, VC, udp(src=VS, dst=VC), to=VS), error(3, 1, VC, udp(src=VS, dst=VC), to=VS))
    lab.record("through", len(lab.server.arrived(5)))


@scenario(counting(
    "-p udp -m multiport --dports 53,123,1000:1002", "-p udp -m multiport --sports 5000,6000",
    "-p udp -m multiport --ports 53,5000", "-p udp -m multiport ! --dports 53",
    "-p tcp -m multiport --dports 21,80,443", "-p udp -m multiport --ports 1001"))
def multiport(lab):
    """Lists of ports and ranges, either side."""
    lab.client.send(udp(), udp(dport=1001), udp(dport=1003), udp(sport=6000, dport=9), tcp(), tcp(dport=81),
                    udp(sport=1001, dport=9), udp(sport=123, dport=321))
    lab.record("through", len(lab.server.arrived(8)))


@scenario(counting(
    "-m length --length 36", "-m length --length 0:36", "-m length --length 37:65535",
    "-m length ! --length 36", "-m length --length 1500"))
def length(lab):
    """The IP total length, exact and in ranges."""
    lab.client.send(udp(), udp(data=b"question!"), udp(data=b""), udp(data=b"x" * 1472))
    lab.record("through", len(lab.server.arrived(4)))


@scenario(counting(
    "-m ttl --ttl-eq 63", "-m ttl --ttl-lt 10", "-m ttl --ttl-gt 63", "-m ttl ! --ttl-eq 63"))
def ttl(lab):
    """FORWARD sees the TTL already decremented."""
    lab.client.send(udp(ttl=64), udp(ttl=65), udp(ttl=10), udp(ttl=11), udp(ttl=2), udp(ttl=255))
    lab.record("through", lab.server.packets(6))


@scenario(counting(
    "-m mac --mac-source 02:00:00:00:01:01", "-m mac ! --mac-source 02:00:00:00:01:01",
    "-m mac --mac-source 02:00:00:00:09:09"))
def mac(lab):
    """The Ethernet source, of packets that came by Ethernet."""
    lab.client.send(udp(), Ether(src="02:00:00:00:09:09", dst=LAN.router_mac) / udp())
    lab.record("through", len(lab.server.arrived(2)))


@scenario(counting(
    "-m addrtype --dst-type LOCAL", "-m addrtype --dst-type UNICAST", "-m addrtype --dst-type BROADCAST",
    "-m addrtype --dst-type MULTICAST", "-m addrtype --src-type LOCAL", "-m addrtype ! --dst-type LOCAL",
    "-m addrtype --src-type UNICAST --dst-type LOCAL", "-m addrtype --dst-type LOCAL --limit-iface-in",
    "-m addrtype --dst-type UNREACHABLE", "-m addrtype --dst-type BLACKHOLE",
    chain="PREROUTING", table="mangle"), routes={"10.9.0.0/16": "unreachable", "10.8.0.0/16": "blackhole"})
def addrtype(lab):
    """Local, unicast, broadcast, multicast and unreachable addresses."""
    for address in (ROUTER_LAN, "203.0.113.254", VS, "10.1.0.255", "255.255.255.255", "224.0.0.5",
                    "203.0.113.255", "10.9.1.1", "10.8.1.1"):
        lab.client.send(udp(dst=address))
    lab.record("through", len(lab.server.arrived(1)))


@scenario(counting(
    "-m state --state NEW", "-m state --state ESTABLISHED", "-m state --state RELATED,ESTABLISHED",
    "-m state --state INVALID", "-m state ! --state NEW", "-m state --state UNTRACKED"))
def state(lab):
    """The old state match through a whole conversation."""
    lab.client.send(udp())
    seen = lab.server.arrived()[0]
    lab.client.send(udp())
    lab.server.arrived()
    lab.server.send(answer(seen), error(3, 3, VS, seen), tcp("SA", src=VS, dst=VC))
    lab.client.arrived(3)
    lab.client.send(udp())
    lab.server.arrived()


@scenario(counting(
    "-m conntrack --ctstate NEW", "-m conntrack ! --ctstate NEW", "-m conntrack --ctstate ESTABLISHED --ctdir REPLY",
    "-m conntrack --ctproto 17", "-m conntrack ! --ctproto 17", "-m conntrack --ctorigsrc 10.1.0.50/32",
    "-m conntrack ! --ctorigsrc 10.1.0.50/32", "-m conntrack --ctorigdst 203.0.113.0/24",
    "-m conntrack --ctreplsrc 203.0.113.50/32", "-m conntrack --ctrepldst 10.1.0.51/32",
    "-m conntrack --ctorigsrcport 5000", "-m conntrack --ctorigdstport 50:60",
    "-m conntrack --ctreplsrcport 53", "-m conntrack --ctrepldstport 5001:",
    "-m conntrack --ctstatus NONE", "-m conntrack --ctstatus SEEN_REPLY", "-m conntrack --ctstatus CONFIRMED",
    "-m conntrack --ctstatus ASSURED", "-m conntrack ! --ctstatus SEEN_REPLY", "-m conntrack --ctstatus EXPECTED",
    "-m conntrack --ctexpire 0:30", "-m conntrack --ctexpire 31:", "-m conntrack --ctdir ORIGINAL",
    "-m conntrack --ctstate INVALID --ctproto 99").replace("--ctrepldstport 5001:\n", "--ctrepldstport 5001:65535\n")
    .replace("--ctexpire 31:\n", "--ctexpire 31:4294967295\n"))
def conntrack(lab):
    """Every option of the conntrack match."""
    for source, sport in ((VC, 5000), (VC2, 5001)):
        lab.client.send(udp(src=source, sport=sport), udp(src=source, sport=sport))
        seen = lab.server.arrived(2)[0]
        lab.server.send(answer(seen))
        lab.client.arrived()
        lab.client.send(udp(src=source, sport=sport))
        lab.server.arrived()
    lab.client.send(tcp("SA"), tcp())
    lab.record("tcp", lab.server.packets(2))

@scenario(counting(
    "-m conntrack --ctstate SNAT", "-m conntrack --ctstate DNAT", "-m conntrack ! --ctstate SNAT,DNAT",
    "-m conntrack --ctstate NEW,SNAT", "-m conntrack ! --ctstate DNAT", "-m conntrack --ctstate ESTABLISHED,DNAT",
    "-m conntrack --ctorigdst 203.0.113.60/32", "-m conntrack --ctreplsrc 203.0.113.50/32",
    "-m conntrack --ctrepldst 203.0.113.254/32", "-m conntrack ! --ctrepldst 203.0.113.254/32",
    "-m conntrack --ctreplsrcport 53 --ctorigdstport 5353", "-m conntrack --ctorigdstport 5353 --ctdir REPLY")
    + "*nat\n:PREROUTING ACCEPT\n-A PREROUTING -p udp -m udp --dport 5353 -j DNAT --to-destination 203.0.113.50:53\n"
    ":POSTROUTING ACCEPT\n-A POSTROUTING -s 10.1.0.51/32 -o wan -j SNAT --to-source 203.0.113.254\n")
def conntrack_translated(lab):
    """The virtual states SNAT and DNAT, and the tuples of translated connections, both ways."""
    for source, target, dport in ((VC, "203.0.113.60", 5353), (VC2, VS, 53), (VC2, "203.0.113.60", 5353), (VC, VS, 53)):
        lab.client.send(udp(src=source, dst=target, dport=dport, sport=5000 + dport))
        lab.server.send(answer(lab.server.arrived()[0]))
        lab.record("%s %s" % (source, target), len(lab.client.arrived()))


@scenario(counting("-m mark --mark 0x1", "-m mark --mark 0x10/0xf0", "-m mark ! --mark 0x1", "-m mark --mark 0x0")
          + "*mangle\n:PREROUTING ACCEPT\n"
          "-A PREROUTING -p udp -m udp --dport 1 -j MARK --set-xmark 0x1/0xffffffff\n"
          "-A PREROUTING -p udp -m udp --dport 2 -j MARK --set-xmark 0x10/0xff\n")
def mark(lab):
    """The packet mark, under a mask."""
    lab.client.send(udp(dport=1), udp(dport=2), udp(dport=3))
    lab.record("through", len(lab.server.arrived(3)))


@scenario("""
*filter
:FORWARD DROP
-A FORWARD -p udp -m limit --limit 1/hour --limit-burst 3 -j ACCEPT
-A FORWARD -p icmp -m limit --limit 1/min -j ACCEPT
-A FORWARD -p tcp -m limit --limit 20/sec -j ACCEPT
""")
def limit(lab):
    """The burst passes, the rest waits for credit that does not come."""
    lab.client.send(*[udp(sport=5000 + n) for n in range(10)])
    lab.record("udp", len(lab.server.arrived(3)))
    lab.client.send(*[echo(seq=n) for n in range(10)])
    lab.record("default burst", len(lab.server.arrived(5)))


@scenario("*filter\n:FORWARD DROP\n-A FORWARD -p udp -m limit --limit 2/sec --limit-burst 3 -j ACCEPT\n")
def limit_refills(lab):
    """Two a second come back, up to the burst."""
    lab.client.send(*[udp(sport=5000 + n) for n in range(6)])
    lab.record("burst", len(lab.server.arrived(3)))
    for seconds, name in ((1.2, "two more"), (2.3, "no more than the burst")):
        until = time.monotonic() + seconds
        lab.wait(lambda until=until: time.monotonic() > until)
        lab.client.send(*[udp(sport=5000 + n) for n in range(6)])
        lab.record(name, len(lab.server.arrived(2)))


@scenario(counting('-m comment --comment "two words"', "-p udp -m comment --comment plain -m udp --dport 53",
                   '-m comment --comment "quote \\" and back\\\\slash"', '-m comment --comment "semi;colon"'))
def comment(lab):
    """Comments match all and are printed back as the real tool does."""
    lab.client.send(udp(), tcp())
    lab.record("through", len(lab.server.arrived(2)))


@scenario(counting("-p udp -m udp --dport 53", "-p tcp -m tcp --dport 80",
                   "-p tcp -m multiport --dports 80", "-p icmp -m icmp --icmp-type 8", "-m length --length 0:65535"))
def short_headers(lab):
    """Too short for the header a match wants: dropped there, and the rule does not count."""
    lab.client.send(IP(src=VC, dst=VS, proto=17) / Raw(b"1234567"))
    lab.client.send(IP(src=VC, dst=VS, proto=6) / Raw(b"0123456789"))
    lab.client.send(IP(src=VC, dst=VS, proto=1) / Raw(b"\x08\x00"))
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=1, dport=53) / Raw(b""))
    lab.record("through", lab.server.packets(1))
