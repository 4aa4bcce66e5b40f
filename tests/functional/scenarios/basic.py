"""Traffic that any router carries: ping, traceroute, UDP, protocols without a tracker.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
                              |dmz
                          192.0.2.1 dmz
"""

from testnet.packets import (CLIENT, DMZ, ICMP, IP, ROUTER_DMZ, ROUTER_LAN, ROUTER_WAN, SERVER, UDP,
                             VC, VS, Raw, answer, echo, udp)
from testnet.scenario import scenario

STATEFUL = """
*filter
:INPUT DROP
:FORWARD DROP
:OUTPUT ACCEPT
-A INPUT -p icmp -j ACCEPT
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -i lan -o wan -m conntrack --ctstate NEW -j ACCEPT
"""


@scenario(STATEFUL)
def ping(lab):
    """A ping crosses and is one connection; the other way it is refused."""
    lab.record("ping", lab.client.ping(SERVER, count=3))
    lab.record("other way", lab.server.ping(CLIENT, "-W", "0.2"))


@scenario(STATEFUL)
def ping_router(lab):
    """The router answers a ping on each of its addresses, with TTL 64 and the TOS it got."""
    for address in (ROUTER_LAN, ROUTER_WAN, ROUTER_DMZ):
        lab.record(address, lab.client.ping(address))
    lab.client.mark()
    lab.client.send(echo(dst=ROUTER_LAN, tos=0x28, ttl=3, data=b"odd size."))
    lab.client.send(echo(dst=ROUTER_LAN, seq=2, flags="DF", data=b""))
    lab.record("reply", lab.client.packets(2))


@scenario()
def ping_hand_built(lab):
    """Request and reply cross with every field but TTL untouched."""
    lab.client.send(echo(tos=0xb9, ttl=2, id=0xbeef, flags="DF", data=bytes(range(200))))
    request = lab.server.arrived()
    lab.record("request", [lab.text(item) for item in request])
    lab.server.send(answer(request[0], ttl=255, id=77))
    lab.record("reply", lab.client.packets())


@scenario()
def ping_padded(lab):
    """Ethernet padding behind a short packet is not forwarded as data."""
    from testnet.packets import Ether
    from testnet.topology import LAN
    frame = Ether(src=LAN.host_mac, dst=LAN.router_mac) / echo(data=b"x")
    lab.client.send(Ether(bytes(frame) + bytes(17)))
    request = lab.server.arrived()
    lab.record("request", [lab.text(item) for item in request])
    lab.record("frame length", [len(item) for item in request])


@scenario(STATEFUL, mask="sport dport")
def traceroute_udp(lab):
    """The real traceroute with UDP probes sees router, then server."""
    lab.record("hops", lab.client.traceroute(SERVER))


@scenario(STATEFUL, mask="id")
def traceroute_icmp(lab):
    """The real traceroute with echo probes."""
    lab.record("hops", lab.client.traceroute(SERVER, "-I", "-N", "1"))


@scenario(STATEFUL)
def traceroute_hand_built(lab):
    """Probes with TTL 1, 2 and 3, UDP then echo: what comes back and what gets through."""
    for ttl in (1, 2, 3):
        lab.client.send(udp(dport=33434 + ttl, ttl=ttl), echo(ttl=ttl, seq=ttl))
    lab.record("errors", lab.client.packets(2))
    lab.record("got through", lab.server.packets(4))


@scenario(STATEFUL)
def udp_echo(lab):
    """A datagram there and back; both ends see the other's real address."""
    lab.server.udp_echo(53)
    lab.record("answer", lab.client.udp_ask(SERVER, 53, b"hello"))
    lab.record("seen", lab.server.seen("udp", 53))
    lab.record("filtered", lab.server.udp_ask(CLIENT, 53, limit=0.2))


@scenario(STATEFUL)
def udp_large(lab):
    """A datagram of 20 kB crosses in fragments, both ways."""
    lab.server.udp_echo(53)
    lab.record("answer", lab.client.udp_ask(SERVER, 53, b"0123456789" * 2000, flags=["nodf"]))
    lab.record("seen", lab.server.seen("udp", 53))


@scenario()
def udp_odd_datagrams(lab):
    """No payload, no checksum, port 0, a length field shorter than the packet."""
    lab.client.send(udp(data=b""), udp(sport=0), udp(dport=0))
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=1, dport=2, chksum=0) / Raw(b"no sum"))
    lab.client.send(IP(src=VC, dst=VS) / UDP(sport=3, dport=4, chksum=0, len=10) / Raw(b"longer"))
    lab.record("through", lab.server.packets(5))


@scenario(STATEFUL, params=[47, 50, 51, 89, 132, 136, 253])
def other_protocol(lab, number):
    """Protocols beside TCP, UDP and ICMP are routed and tracked as Linux does."""
    body = Raw(bytes.fromhex("0000880b00000000") + b"payload of some protocol")
    lab.client.send(IP(src=VC, dst=VS, proto=number) / body)
    lab.record("there", lab.server.packets(1 if number not in (132, 136) else 0))
    lab.record_router("after one packet")
    lab.server.send(IP(src=VS, dst=VC, proto=number) / body)
    lab.record("back", lab.client.packets(1 if number not in (132, 136) else 0))


@scenario()
def icmp_queries(lab):
    """Timestamp, information and mask requests are connections; stray replies are not."""
    for kind in (13, 15, 17):
        lab.client.send(IP(src=VC, dst=VS) / ICMP(type=kind, id=kind, seq=1))
    for kind in (0, 9, 10, 14, 16, 18, 19, 40):
        lab.client.send(IP(src=VC, dst=VS, proto=1) / Raw(icmp_bytes(kind)))
    lab.record("through", lab.server.packets(3))


def icmp_bytes(kind):
    """An ICMP message of any type with a good checksum, 16 bytes."""
    from scapy.utils import checksum
    body = bytes([kind, 0, 0, 0, 0, 9, 0, 1]) + b"eightbyt"
    return body[:2] + checksum(body).to_bytes(2, "big") + body[4:]


@scenario(STATEFUL)
def three_networks(lab):
    """The third network is routed like the others, and filtered apart."""
    lab.dmz.udp_echo(53)
    lab.record("lan to dmz", lab.client.ping(DMZ, "-W", "0.2"))
    lab.record("dmz to router", lab.dmz.ping(ROUTER_WAN))
    lab.record("wan to dmz", lab.server.udp_ask(DMZ, 53, limit=0.2))


@scenario(routes={"10.9.0.0/16": "via 203.0.113.50", "10.9.8.0/24": "via 192.0.2.50",
                  "10.9.8.7/32": "blackhole", "10.9.7.0/24": "unreachable",
                  "10.9.6.0/24": "prohibit"})
def routes(lab):
    """Longest prefix wins; blackhole is silent, unreachable and prohibit answer."""
    for source, address in enumerate(("10.9.1.1", "10.9.8.1", "10.9.8.7", "10.9.7.1", "10.9.6.1",
                                      "198.51.100.1"), 50):
        lab.client.send(udp(src="10.1.0.%d" % source, dst=address))
    lab.record("wan", lab.server.packets(1))
    lab.record("dmz", lab.dmz.packets(1))
    lab.record("errors", lab.client.packets(3))


@scenario(STATEFUL, sysctl={"net.netfilter.nf_conntrack_acct": "0"})
def no_accounting(lab):
    """Without nf_conntrack_acct the entries have no counters."""
    lab.record("ping", lab.client.ping(SERVER))


@scenario(STATEFUL, sysctl={"net.ipv4.ip_forward": "0"})
def not_forwarding(lab):
    """With ip_forward off nothing crosses, and the router itself still answers."""
    lab.client.send(echo())
    lab.record("nothing", lab.server.packets(0))
    lab.record("router", lab.client.ping(ROUTER_LAN))
    lab.record("turn it on", lab.sysctl("net.ipv4.ip_forward", 1))
    lab.client.send(echo())
    lab.record("now", lab.server.packets(1))


@scenario(sysctl={"net.ipv4.ip_default_ttl": "99", "net.ipv4.icmp_echo_ignore_all": "0"})
def default_ttl(lab):
    """ip_default_ttl is the TTL of what the router sends."""
    lab.client.send(echo(dst=ROUTER_LAN), udp(src="10.1.0.52", ttl=1))
    lab.record("sent", lab.client.packets(2))
    lab.record("ignore", lab.sysctl("net.ipv4.icmp_echo_ignore_all", 1))
    lab.client.send(echo(dst=ROUTER_LAN))
    lab.record("silent", lab.client.packets(0))
