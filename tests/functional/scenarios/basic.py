"""Traffic that any router carries: ping, traceroute, UDP, protocols without a tracker.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server
"""

from scapy.layers.inet import ICMP, IP, UDP
from scapy.packet import Raw

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
    """A ping crosses, comes back, and is one connection."""
    lab.record("ping", lab.client.ping("203.0.113.1", count=3))
    lab.record("refused the other way", lab.server.ping("10.1.0.1", "-W", "0.2"))


@scenario(STATEFUL)
def ping_router(lab):
    """The router answers a ping on each of its addresses."""
    for address in ("10.1.0.254", "203.0.113.254", "192.0.2.254"):
        lab.record(address, lab.client.ping(address))
    lab.client.mark()
    lab.client.send(IP(src="10.1.0.50", dst="10.1.0.254", tos=0x28, ttl=3, id=5)
                    / ICMP(id=9, seq=4) / Raw(b"odd size."))
    lab.record("reply", lab.client.packets())
