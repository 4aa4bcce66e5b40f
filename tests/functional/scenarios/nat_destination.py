"""Destination NAT: DNAT to address, port and ranges, REDIRECT, and both NATs at once.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
                              |dmz
                          192.0.2.1 dmz
"""

from testnet.packets import (DMZ, ROUTER_LAN, ROUTER_WAN, VC, VD, VS, VS2, IP, Raw, answer, echo, tcp,
                             udp)
from testnet.scenario import scenario


@scenario("""
*nat
:PREROUTING ACCEPT
-A PREROUTING -i wan -d 203.0.113.100/32 -j DNAT --to-destination 10.1.0.50
""", routes={"203.0.113.100/32": "blackhole"})
def address(lab):
    """Everything for an outer address goes to a host within, ports kept."""
    lab.server.send(udp(src=VS, dst="203.0.113.100"), tcp(src=VS, dst="203.0.113.100"),
                    echo(src=VS, dst="203.0.113.100"),
                    IP(src=VS, dst="203.0.113.100", proto=50) / Raw(b"0123456789abcdef"))
    there = lab.client.arrived(4)
    lab.record("there", [lab.text(item) for item in there])
    lab.client.send(*[answer(item) for item in there[:3]])
    lab.record("back", lab.server.packets(3))


@scenario("""
*nat
:PREROUTING ACCEPT
-A PREROUTING -i wan -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.1:80
*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -d 192.0.2.1/32 -p tcp -m tcp --dport 80 -m conntrack --ctstate DNAT -j ACCEPT
""", fuzzy=True)
def port_forward(lab):
    """The classic port forward into a DMZ, with real TCP."""
    lab.dmz.tcp_serve(80)
    lab.record("by the forward", lab.server.tcp_exchange(ROUTER_WAN, 8080, b"hello"))
    lab.record("seen", lab.dmz.seen("tcp", 80))
    lab.record("straight", lab.server.tcp_exchange(DMZ, 80, sport=40001, limit=0.3))


@scenario("""
*nat
:PREROUTING ACCEPT
-A PREROUTING -i wan -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.50:5300-5303
-A PREROUTING -i wan -p udp -m udp --dport 9000:9010 -j DNAT --to-destination 10.1.0.50:8000-8010/9000
""")
def port_ranges(lab):
    """A port range gives its first port each time; BASE maps by offset."""
    for sport in (5000, 5001, 5002):
        lab.server.send(udp(src=VS, sport=sport, dst=ROUTER_WAN))
    lab.server.send(udp(src=VS, dst=ROUTER_WAN, dport=9000), udp(src=VS, dst=ROUTER_WAN, dport=9010))
    there = lab.client.arrived(5)
    lab.record("there", [lab.text(item) for item in there])
    lab.client.send(*[answer(item) for item in there])
    lab.record("back", lab.server.packets(5))


@scenario("""
*nat
:PREROUTING ACCEPT
-A PREROUTING -i wan -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.50-10.1.0.53
""", mask="src")
def address_range(lab):
    """One source is sent to one address of the range."""
    for sport in (5000, 5001, 5002):
        lab.server.send(udp(src=VS, sport=sport, dst=ROUTER_WAN))
    there = {item[IP].dst for item in lab.client.arrived(3)}
    lab.record("one of them", [len(there), there <= {"10.1.0.5%d" % n for n in range(4)}])


@scenario("""
*nat
:PREROUTING ACCEPT
-A PREROUTING -i lan -p udp -m udp --dport 53 -j REDIRECT
-A PREROUTING -i lan -p tcp -m tcp --dport 80 -j REDIRECT --to-ports 8080
-A PREROUTING -i lan -p icmp -j REDIRECT
""")
def redirect(lab):
    """REDIRECT brings packets to the router: its answers seem to come from the server."""
    lab.client.send(udp(), tcp(), echo(), udp(dport=54))
    lab.record("answers", lab.client.packets(3, mask="id"))
    lab.record("not redirected", lab.server.packets(1))


@scenario("""
*nat
:PREROUTING ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -i lan -d 10.1.0.254/32 -p udp -m udp --dport 53 -j DNAT --to-destination 203.0.113.50
-A POSTROUTING -o wan -j MASQUERADE
""")
def both(lab):
    """A proxy made of DNAT and MASQUERADE: both ends see only the router."""
    lab.client.send(udp(dst=ROUTER_LAN))
    out = lab.server.arrived()
    lab.record("out", [lab.text(item) for item in out])
    lab.server.send(answer(out[0]))
    lab.record("back", lab.client.packets())


@scenario("""
*nat
:PREROUTING ACCEPT
-A PREROUTING -i wan -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.50
-A PREROUTING -i wan -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.51
-A PREROUTING -i wan -p udp -m udp --dport 54 -j DNAT --to-destination :5400
-A PREROUTING -i wan -p tcp -j DNAT --to-destination 192.0.2.50:25
""")
def first_rule_wins(lab):
    """The first DNAT that matches ends the walk; a second packet walks no rules."""
    for _ in range(2):
        lab.server.send(udp(src=VS, dst=ROUTER_WAN), udp(src=VS, dst=ROUTER_WAN, dport=54))
    lab.server.send(tcp(src=VS, dst=VC))
    lab.record("lan", lab.client.packets(2))
    lab.record("dmz", lab.dmz.packets(1))
    lab.record("port only: router answers", lab.server.packets(2))


@scenario("""
*nat
:PREROUTING ACCEPT
-A PREROUTING -i wan -d 203.0.113.254/32 -p udp -j DNAT --to-destination 192.0.2.50
*mangle
:PREROUTING ACCEPT
:FORWARD ACCEPT
:POSTROUTING ACCEPT
-A PREROUTING -i wan -d 203.0.113.254/32
-A FORWARD -d 192.0.2.50/32 -o dmz
-A FORWARD -s 192.0.2.50/32 -o wan
-A POSTROUTING -s 192.0.2.50/32
-A POSTROUTING -s 203.0.113.254/32
*filter
:FORWARD ACCEPT
-A FORWARD -m conntrack --ctstate DNAT
-A FORWARD -m conntrack --ctorigdst 203.0.113.254 --ctdir ORIGINAL
-A FORWARD -m conntrack --ctreplsrc 192.0.2.50 --ctdir REPLY
""")
def what_rules_see(lab):
    """Each hook sees the addresses of its moment, both ways."""
    lab.server.send(udp(src=VS, dst=ROUTER_WAN))
    there = lab.dmz.arrived()
    lab.dmz.send(answer(there[0]))
    lab.record("there", [lab.text(item) for item in there])
    lab.record("back", lab.server.packets())


@scenario("""
*nat
:PREROUTING ACCEPT
-A PREROUTING -i wan -p udp -m udp --dport 53 -j DNAT --to-destination 10.1.0.50
""", mask="dport")
def tuple_taken(lab):
    """A flow that would have the reply tuple of another gets another source port or dies."""
    lab.server.send(udp(src=VS, dst=ROUTER_WAN))
    lab.record("first", lab.client.packets())
    lab.server.send(udp(src=VS, dst="203.0.113.253", data=b"clash"))
    second = lab.client.arrived(1)
    lab.record("second", [(item[IP].src, item.sport != 5000) for item in second])
    lab.server.send(udp(src=VS2, dst=ROUTER_WAN))
    lab.record("another source", lab.client.packets())


@scenario("""
*nat
:PREROUTING ACCEPT
-A PREROUTING -i wan -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.0.2.50
""")
def unanswered_and_reset(lab):
    """The server within refuses: its RST is translated and the entry goes away."""
    lab.server.send(tcp(src=VS, dst=ROUTER_WAN))
    lab.record("there", lab.dmz.packets())
    lab.dmz.send(tcp("RA", src=VD, dst=VS, sport=80, dport=40000, seq=0, ack=1001))
    lab.record("refused", lab.server.packets())
    lab.record("virtual client unused", VC)
