"""Source NAT: SNAT to an address, ranges and ports, MASQUERADE, hairpin.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import (CLIENT, ROUTER_WAN, SERVER, VC, VC2, VS, VS2, IP, Raw, answer, echo,
                             tcp, udp)
from testnet.scenario import scenario

SNAT = "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan @PROTO@ -j SNAT --to-source @TO@\n"


def snat(to, proto=""):
    """Rules with one SNAT."""
    return SNAT.replace(" @PROTO@", " -p %s" % proto if proto else "").replace("@TO@", to)


@scenario(snat("203.0.113.254"))
def single_address(lab):
    """UDP, TCP and ping leave with the new address and their own ports; answers return."""
    lab.client.send(udp(), tcp(), echo())
    out = lab.server.arrived(3)
    lab.record("out", [lab.text(item) for item in out])
    lab.server.send(*[answer(item) for item in out])
    lab.record("back", lab.client.packets(3))
    lab.client.send(tcp("A", seq=1001, ack=5001))
    lab.record("more", lab.server.packets())


@scenario(snat("203.0.113.100"))
def foreign_address(lab):
    """An address that is not the router's own: the router does not answer ARP for it."""
    lab.client.send(udp(), udp(src=VC2, sport=5001))
    lab.record("out", lab.server.packets(2))


@scenario(snat("203.0.113.100-203.0.113.103"), mask="dst")
def address_range(lab):
    """One client keeps one address of a range; whichever it is, it is of the range."""
    for port in range(4):
        lab.client.send(udp(dport=100 + port))
    sources = [item[IP].src for item in lab.server.arrived(4)]
    lab.record("one address", len(set(sources)))
    lab.record("of the range", sources[0] in ["203.0.113.10%d" % n for n in range(4)])



@scenario(snat("203.0.113.254:7000-7003", "udp"), mask="sport dport")
def port_range(lab):
    """A port outside the range moves into it, the fifth flow to one server finds none."""
    for number in range(4):
        lab.client.send(udp(sport=5000 + number))
    out = lab.server.arrived(4)
    lab.record("ports used", sorted(item.sport for item in out))
    lab.client.send(udp(sport=5009))
    lab.record("none left", lab.server.packets(0))
    lab.client.send(udp(sport=5009, dst=VS2, data=b"other server"))
    lab.record("another server", len(lab.server.arrived(1)))



@scenario(snat("203.0.113.254:7000-7003", "udp"))
def port_range_kept(lab):
    """A port that is in the range already stays."""
    lab.client.send(udp(sport=7002), udp(sport=7001))
    lab.record("out", lab.server.packets(2))


@scenario(snat("203.0.113.254:7000", "tcp"))
def single_port(lab):
    """One port: a second flow to the same server is dropped, to another it shares the port."""
    lab.client.send(tcp(seq=9000))
    lab.record("first", lab.server.packets())
    lab.client.send(tcp(sport=40001, seq=100))
    lab.record("same server", lab.server.packets(0))
    lab.client.send(tcp(sport=40002, dst=VS2))
    lab.record("other server", lab.server.packets(1))


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j MASQUERADE\n")
def masquerade(lab):
    """The address of the out port, the port kept; two clients, two servers, any order."""
    for source in (VC, VC2):
        lab.client.send(udp(src=source, sport=5000 + (source == VC2)), echo(src=source, ident=int(source[-2:])))
    out = lab.server.arrived(4)
    lab.record("out", [lab.text(item) for item in out])
    lab.server.send(*[answer(item) for item in reversed(out)])
    lab.record("back", lab.client.packets(4))
    lab.record("untouched to the dmz", [lab.client.ping("192.0.2.1")[0]])


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j MASQUERADE\n", fuzzy=True, end="rules")
def masquerade_real(lab):
    """Real UDP and TCP behind MASQUERADE; the server sees the router."""
    lab.server.udp_echo(53)
    lab.server.tcp_serve(80)
    lab.record("udp", lab.client.udp_ask(SERVER, 53))
    lab.record("udp seen", lab.server.seen("udp", 53))
    lab.record("tcp", lab.client.tcp_exchange(SERVER, 80, b"0123456789" * 50000, limit=8))
    lab.record("tcp seen", lab.server.seen("tcp", 80))
    lab.record("ping", lab.client.ping(SERVER, count=2))


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j MASQUERADE\n", mask="dport")
def port_taken(lab):
    """Two clients with one source port: the second gets another, in the same class."""
    for sport in (300, 700, 5000):
        lab.client.send(udp(src=VC, sport=sport))
        first = lab.server.arrived()[0]
        lab.record("kept %d" % sport, first.sport)
        lab.client.send(udp(src=VC2, sport=sport))
        second = lab.server.arrived()[0]
        low, high = {300: (1, 511), 700: (600, 1023), 5000: (1024, 65535)}[sport]
        lab.record("class of %d" % sport, low <= second.sport <= high and second.sport != sport)
        lab.server.send(answer(second))
        lab.record("answer of %d" % sport, lab.client.packets())


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -p udp -j MASQUERADE --to-ports 6000-6001\n")
def masquerade_ports(lab):
    """--to-ports moves the source port into the range."""
    lab.client.send(udp(sport=6001))
    lab.record("kept", lab.server.packets())
    lab.client.send(udp(sport=5000))
    lab.record("moved", lab.server.packets())


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -p udp -j MASQUERADE --random\n", mask="dport")
def masquerade_random(lab):
    """--random picks a port of the class of the wanted one."""
    lab.client.send(udp(sport=5000))
    lab.record("class", lab.server.arrived()[0].sport >= 1024)


@scenario("*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j MASQUERADE\n", mask="id")
def ping_id_taken(lab):
    """Two clients ping one server with one id; both get their own answers."""
    lab.client.send(echo(src=VC, data=b"first"))
    one = lab.server.arrived()[0]
    lab.client.send(echo(src=VC2, data=b"second"))
    two = lab.server.arrived()[0]
    lab.record("ids differ", bytes(one)[38:40] != bytes(two)[38:40])
    lab.server.send(answer(two), answer(one))
    lab.record("answers", lab.client.packets(2))



@scenario(snat("203.0.113.254"))
def other_protocols(lab):
    """A protocol without ports: only the address changes; one flow per address pair."""
    lab.client.send(IP(src=VC, dst=VS, proto=50) / Raw(b"0123456789abcdef"))
    lab.record("out", lab.server.packets())
    lab.server.send(IP(src=VS, dst=ROUTER_WAN, proto=50) / Raw(b"fedcba9876543210"))
    lab.record("back", lab.client.packets())
    lab.client.send(IP(src=VC2, dst=VS, proto=50) / Raw(b"second client"))
    lab.record("second", lab.server.packets(0))


@scenario(snat("203.0.113.254"))
def checksums(lab):
    """UDP without a checksum stays so; a sum that would be 0 becomes 0xffff; odd lengths."""
    from scapy.layers.inet import UDP
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=5000, dport=53, chksum=0) / Raw(b"none"))
    for number in range(3):
        lab.client.send(udp(sport=5001 + number, data=b"x" * (number + 1)))
    lab.client.send(udp(sport=5010, data=zero_sum_data(ROUTER_WAN, VS, 5010, 53)))
    lab.record("out", lab.server.packets(5))


def zero_sum_data(src, dst, sport, dport):
    """Two bytes of payload that make the UDP checksum of src > dst come out as 0."""
    import struct
    from scapy.utils import checksum, inet_aton
    pseudo = inet_aton(src) + inet_aton(dst) + struct.pack("!HH", 17, 10)
    value = checksum(pseudo + struct.pack("!HHHH", sport, dport, 10, 0) + bytes(2))
    return struct.pack("!H", value)


@scenario("""
*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -d 203.0.113.254/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.1.0.2:80
-A POSTROUTING -s 10.1.0.0/24 -d 10.1.0.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE
""", fuzzy=True)
def hairpin(lab):
    """A client reaches a server of its own network by the router's outer address."""
    lab.client.add_address("10.1.0.2/24")
    lab.client.tcp_serve(80, address="10.1.0.2")
    lab.record("client", lab.client.tcp_exchange(ROUTER_WAN, 8080, b"around"))
    lab.record("server", lab.client.seen("tcp", 80))


@scenario("""
*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -d 203.0.113.254/32 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 10.1.0.51:80
-A POSTROUTING -s 10.1.0.0/24 -d 10.1.0.51/32 -j MASQUERADE
""")
def hairpin_by_hand(lab):
    """The same with hand-built packets: both translations in one connection, no redirect."""
    lab.client.send(tcp(dst=ROUTER_WAN, dport=8080))
    there = lab.client.arrived()
    lab.record("there", [lab.text(item) for item in there])
    lab.client.send(answer(there[0]))
    lab.record("back", lab.client.packets())


@scenario("""
*nat
:INPUT ACCEPT
:POSTROUTING ACCEPT
-A INPUT -p icmp -j SNAT --to-source 10.1.0.77
""")
def input_snat(lab):
    """SNAT in INPUT changes what the router itself sees; the answer returns unchanged."""
    lab.client.send(echo(dst="10.1.0.254"))
    lab.record("reply", lab.client.packets())


@scenario("""
*nat
:POSTROUTING ACCEPT
-A POSTROUTING -o wan -s 10.1.0.50/32 -j ACCEPT
-A POSTROUTING -o wan -p udp -m udp --dport 54 -j RETURN
-A POSTROUTING -o wan -j SNAT --to-source 203.0.113.254
""")
def exceptions(lab):
    """ACCEPT and RETURN in nat leave a flow alone; rules see only first packets."""
    lab.client.send(udp(src=VC), udp(src=VC2, dport=54), udp(src=VC2, sport=5001))
    lab.client.send(udp(src=VC), udp(src=VC2, dport=54), udp(src=VC2, sport=5001))
    lab.record("out", lab.server.packets(6))
    lab.record("real", [lab.client.ping(SERVER)[0], CLIENT])
