"""ICMP errors about translated flows: inside and outside are translated back.

    virtual client 10.1.0.50 --lan-- router --wan-- 203.0.113.50 virtual server
                                       |dmz
                                  192.0.2.50 virtual host of the DMZ
"""

from testnet.packets import (ROUTER_LAN, ROUTER_WAN, SERVER, VC, VD, VS, VS2, answer, echo, error, tcp, udp)
from testnet.scenario import scenario

MASQUERADE = """
*nat
:POSTROUTING ACCEPT
-A POSTROUTING -o wan -j MASQUERADE
*filter
:FORWARD DROP
-A FORWARD -m conntrack --ctstate RELATED -p icmp -j ACCEPT
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A FORWARD -i lan -j ACCEPT
"""
FORWARD = """
*nat
:PREROUTING ACCEPT
-A PREROUTING -i wan -d 203.0.113.254/32 -p udp -m udp --dport 53 -j DNAT --to-destination 192.0.2.50:5353
-A PREROUTING -i wan -d 203.0.113.254/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 192.0.2.50:8080
-A PREROUTING -i wan -d 203.0.113.254/32 -p icmp -j DNAT --to-destination 192.0.2.50
*filter
:FORWARD ACCEPT
-A FORWARD -p icmp -m conntrack --ctstate RELATED
"""
MASQUERADE = MASQUERADE.replace("-m conntrack --ctstate RELATED -p icmp", "-p icmp -m conntrack --ctstate RELATED")


@scenario(MASQUERADE)
def through_masquerade(lab):
    """Errors about UDP, TCP and ping, from the server and from a router on the way."""
    lab.client.send(udp(data=b"a longer question"), tcp(options=[("MSS", 1460)]), echo(data=b"ping ping ping"))
    for seen in lab.server.arrived(3):
        lab.server.send(error(3, 3, VS, seen), error(11, 0, VS2, seen))
        lab.server.send(error(3, 4, VS2, seen, rest=1300, quote=28))
    lab.record("inside", lab.client.packets(9))


@scenario(MASQUERADE)
def bad_inner(lab):
    """A wrong ICMP checksum, a wrong inner checksum, a quote cut in the middle."""
    lab.client.send(udp(data=b"a longer question"))
    seen = lab.server.arrived()[0]
    broken = error(3, 3, VS, seen)
    broken.load = broken.load[:2] + b"\x12\x34" + broken.load[4:]
    inner = seen.copy()
    inner["IP"].chksum = 0x1111
    other = seen.copy()
    other["UDP"].chksum = 0x2222
    lab.server.send(broken, error(3, 3, VS, inner), error(3, 3, VS, other), error(3, 3, VS, seen, quote=40))
    lab.record("inside", lab.client.packets(3))


@scenario(FORWARD)
def through_dnat(lab):
    """The host within answers with errors: they seem to come from the outer address."""
    lab.server.send(udp(src=VS, dst=ROUTER_WAN), tcp(src=VS, dst=ROUTER_WAN), echo(src=VS, dst=ROUTER_WAN))
    for seen in lab.dmz.arrived(3):
        lab.dmz.send(error(3, 3, VD, seen), error(3, 13, "192.0.2.51", seen, quote=28))
    lab.record("outside", lab.server.packets(6))


@scenario(FORWARD)
def ttl_after_dnat(lab):
    """The router's own TTL error about a packet that was translated before routing."""
    lab.server.send(udp(src=VS, dst=ROUTER_WAN, ttl=1))
    lab.record("error", lab.server.packets(1, mask="id"))


@scenario(MASQUERADE, mtu={"wan": 1400})
def too_big(lab):
    """The router's own 'fragmentation needed' towards a masqueraded client."""
    lab.client.send(udp(data=b"x" * 1472, flags="DF"))
    lab.record("error", lab.client.packets(1))
    lab.client.send(udp(data=b"x" * 1472))
    lab.record("fragments", len(lab.server.arrived(2)))


@scenario(FORWARD, mtu={"dmz": 1400})
def too_big_after_dnat(lab):
    """The same about a packet whose destination was translated."""
    lab.server.send(udp(src=VS, dst=ROUTER_WAN, data=b"x" * 1472, flags="DF"))
    lab.record("error", lab.server.packets(1, mask="id"))


@scenario(MASQUERADE)
def client_complains(lab):
    """The client's error about the server's answer leaves with the router's address."""
    lab.client.send(udp())
    seen = lab.server.arrived()[0]
    lab.server.send(answer(seen))
    reply = lab.client.arrived()[0]
    lab.client.send(error(3, 3, VC, reply), error(11, 1, "10.1.0.52", reply))
    lab.record("outside", lab.server.packets(2))


@scenario(MASQUERADE)
def redirects_are_dropped(lab):
    """An ICMP redirect about a translated flow goes nowhere."""
    lab.client.send(udp())
    seen = lab.server.arrived()[0]
    lab.server.send(error(5, 1, VS2, seen, rest=0xcb007133))
    lab.record("inside", lab.client.packets(0))


@scenario("*nat\n:PREROUTING ACCEPT\n-A PREROUTING -i lan -p udp -m udp --dport 53 -j REDIRECT --to-ports 9\n")
def redirected_port_closed(lab):
    """Port unreachable of a REDIRECTed flow seems to come from the real server."""
    lab.client.send(udp())
    lab.record("error", lab.client.packets(1, mask="id"))
    lab.record("real", lab.client.udp_ask(SERVER, 53))


@scenario(MASQUERADE)
def real_programs(lab):
    """Real port unreachable and traceroute behind MASQUERADE."""
    lab.record("udp", lab.client.udp_ask(SERVER, 9))
    lab.record("trace", lab.client.traceroute(SERVER, "--sport=40000"))
    lab.record("router", lab.client.udp_ask(ROUTER_LAN, 9, sport=5001))
