"""ICMP errors: what the router sends, what it quotes, and how it treats those of others.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from testnet.packets import (ICMP, IP, ROUTER_LAN, ROUTER_WAN, SERVER, VC, VC2, VS, VS2, Raw,
                             echo, error, tcp, udp)
from testnet.scenario import scenario

RELATED = """
*filter
:INPUT ACCEPT
:FORWARD DROP
:OUTPUT ACCEPT
-A FORWARD -p icmp -m conntrack --ctstate RELATED
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -m conntrack --ctstate INVALID
-A FORWARD -i lan -m conntrack --ctstate NEW -j ACCEPT
-A OUTPUT -p icmp -m conntrack --ctstate RELATED
-A OUTPUT -p icmp -m conntrack --ctstate INVALID
"""


@scenario(RELATED)
def port_unreachable_from_router(lab):
    """UDP to the router without a listener: port unreachable, from the address asked."""
    lab.record("real", [lab.client.udp_ask(a, 9) for a in (ROUTER_LAN, ROUTER_WAN)])
    lab.client.mark()
    lab.client.send(udp(dst=ROUTER_WAN, dport=9, tos=0x10, id=321, data=b"quoted " * 20))
    lab.record("error", lab.client.packets())


@scenario(RELATED)
def port_unreachable_from_server(lab):
    """UDP to a server without a listener: its error is RELATED and comes through."""
    lab.record("real", lab.client.udp_ask(SERVER, 9))


@scenario(RELATED)
def protocol_unreachable(lab):
    """A protocol nobody speaks, sent to the router."""
    lab.client.send(IP(src=VC, dst=ROUTER_LAN, proto=253) / Raw(b"what is this"))
    lab.record("error", lab.client.packets())


@scenario(RELATED)
def time_exceeded(lab):
    """TTL 1 and 0 end here: type 11, source of the in-port, TOS 0xc0, 576 bytes at most."""
    lab.client.send(udp(ttl=1, tos=0x1c, id=4242, data=b"short"))
    lab.client.send(udp(src=VC2, ttl=1, data=bytes(range(256)) * 5))
    lab.client.send(udp(src="10.1.0.52", ttl=0))
    lab.client.send(tcp(src="10.1.0.53", ttl=1, flags="S", options=[("MSS", 1460)]))
    lab.client.send(echo(src="10.1.0.54", ttl=1))
    lab.record("errors", lab.client.packets(5))
    lab.server.send(udp(src=VS, dst=VC, ttl=1))
    lab.record("from the wan", lab.server.packets(1))


@scenario(RELATED)
def time_exceeded_local(lab):
    """TTL 1 is enough to reach the router itself."""
    lab.client.send(echo(dst=ROUTER_LAN, ttl=1), echo(dst=ROUTER_WAN, ttl=1, seq=2))
    lab.record("answers", lab.client.packets(2))


@scenario(RELATED)
def no_error_about(lab):
    """No error is sent about an error, a later fragment, or a source that is no host."""
    inner = IP(src=VS, dst=VC) / ICMP()
    lab.client.send(error(3, 1, VC, inner, to=VS, ttl=1))
    lab.client.send(udp(ttl=1, frag=10, data=b"later fragment"))
    lab.client.send(udp(src="0.0.0.0", ttl=1), udp(src="10.1.0.255", ttl=1))
    lab.client.send(IP(src=VC, dst=VS, ttl=1) / ICMP(type=0, id=3) / Raw(b"a stray reply"))
    lab.record("only the stray reply", lab.client.packets(1))


@scenario(RELATED)
def rate_limit(lab):
    """Six errors per destination and second in a row, then silence; echo is not limited."""
    for number in range(10):
        lab.client.send(udp(ttl=1, sport=6000 + number))
    lab.record("errors", len(lab.client.arrived(6)))
    for number in range(10):
        lab.client.send(echo(dst=ROUTER_LAN, seq=number))
    lab.record("echo", len(lab.client.arrived(10)))
    lab.client.send(udp(src=VC2, ttl=1))
    lab.record("another destination", len(lab.client.arrived(1)))


@scenario(RELATED, sysctl={"net.ipv4.icmp_ratelimit": "0"})
def rate_limit_off(lab):
    """icmp_ratelimit 0 means no limit per destination."""
    for number in range(10):
        lab.client.send(udp(ttl=1, sport=6000 + number))
    lab.record("errors", len(lab.client.arrived(10)))


@scenario(RELATED)
def related(lab):
    """Errors about a known flow are RELATED, whoever sends them; state and timeout stay."""
    lab.client.send(udp())
    seen = lab.server.arrived()[0]
    for kind, code in ((3, 0), (3, 3), (3, 13), (4, 0), (11, 0), (11, 1), (12, 0)):
        lab.server.send(error(kind, code, VS2, seen))
    lab.record("through", lab.client.packets(7))


@scenario(RELATED)
def unrelated(lab):
    """Errors about no flow, to the wrong host, or cut short, are INVALID."""
    lab.client.send(udp())
    seen = lab.server.arrived()[0]
    lab.server.send(error(3, 3, VS2, udp(sport=1111)))
    lab.server.send(error(3, 3, VS2, seen, to=VC2))
    lab.server.send(error(3, 3, VS2, seen, quote=24))
    lab.server.send(error(3, 3, VS2, seen, quote=12))
    lab.server.send(error(3, 3, VS2, seen, quote=28))
    lab.client.send(error(3, 3, VC, udp(src=VS2, dst=VC, sport=9), to=VS2))
    lab.record("only the one with 28 bytes", lab.client.packets(1))
    lab.record("nothing", lab.server.packets(0))


@scenario(RELATED)
def related_reply_direction(lab):
    """The client's error about the server's answer is RELATED too."""
    lab.client.send(udp())
    lab.server.arrived()
    lab.server.send(udp(src=VS, dst=VC, sport=53, dport=5000, data=b"answer"))
    reply = lab.client.arrived()[0]
    lab.client.send(error(3, 3, VC, reply))
    lab.record("through", lab.server.packets(1))


@scenario(RELATED)
def about_tcp(lab):
    """An error that quotes 8 bytes of TCP, and one that quotes the whole segment."""
    lab.client.send(tcp(options=[("MSS", 1460), ("NOP", None), ("WScale", 7)]))
    seen = lab.server.arrived()[0]
    lab.server.send(error(3, 1, VS2, seen, quote=28), error(3, 4, VS2, seen, rest=1300))
    lab.record("through", lab.client.packets(2))


@scenario(RELATED)
def host_unreachable(lab):
    """Nobody answers ARP on the wan: host unreachable for all that waited."""
    lab.client.send(udp(dst="203.0.113.77"), udp(dst="203.0.113.77", sport=5001))
    lab.record("errors", [lab.text(item) for item in lab.client.arrived(2, limit=5)])


@scenario(RELATED)
def router_receives_errors(lab):
    """Errors and strange ICMP addressed to the router itself make it say nothing."""
    lab.client.send(error(3, 3, VC, udp(src=ROUTER_LAN, dst=VC), to=ROUTER_LAN))
    lab.client.send(error(5, 1, VC, udp(src=ROUTER_LAN, dst=VS), to=ROUTER_LAN, rest=0x0a010033))
    lab.client.send(IP(src=VC, dst=ROUTER_LAN) / ICMP(type=13, id=4, seq=1))
    lab.client.send(IP(src=VC, dst=ROUTER_LAN) / ICMP(type=17, id=4, seq=1))
    lab.client.send(IP(src=VC, dst=ROUTER_LAN) / ICMP(type=15, id=4, seq=1))
    lab.record("answers", lab.client.packets(1, mask="data"))
    lab.record("client can still ping", lab.client.ping(ROUTER_LAN))


