"""ARP: what the router answers, what it asks, what it believes.

    client 10.1.0.1 --lan-- router --wan-- 203.0.113.1 server

Addresses .60 and up are answered by nobody unless the scenario does it.
"""

from testnet.packets import ARP, IP, ROUTER_LAN, ROUTER_WAN, Ether, udp
from testnet.scenario import scenario
from testnet.topology import LAN, WAN

BROADCAST = "ff:ff:ff:ff:ff:ff"
X_MAC, Y_MAC = "02:00:00:00:0a:01", "02:00:00:00:0b:01"


def arp(op, psrc, pdst, hwsrc=X_MAC, hwdst="00:00:00:00:00:00", dst=BROADCAST, src=None, **more):
    """An ARP frame."""
    return Ether(src=src or hwsrc, dst=dst) / ARP(op=op, psrc=psrc, pdst=pdst, hwsrc=hwsrc, hwdst=hwdst, **more)


def about(*addresses):
    """Match ARP packets that concern one of the addresses."""
    return lambda item: item[ARP].pdst in addresses or item[ARP].psrc in addresses


@scenario()
def answers(lab):
    """Own addresses are answered, on whichever port they are; others are not."""
    lab.client.send(arp(1, "10.1.0.60", ROUTER_LAN), arp(1, "10.1.0.61", ROUTER_WAN),
                    arp(1, "10.1.0.62", "10.1.0.99"), arp(1, "10.1.0.63", "203.0.113.1"),
                    arp(1, "10.1.0.64", ROUTER_LAN, dst=LAN.router_mac))
    lab.record("answers", lab.client.packets(3, arp=True, match=about(
        "10.1.0.60", "10.1.0.61", "10.1.0.62", "10.1.0.63", "10.1.0.64")))


@scenario()
def probes(lab):
    """Duplicate address probes (source 0.0.0.0) are answered; odd ones are not."""
    lab.client.send(arp(1, "0.0.0.0", ROUTER_LAN, hwsrc="02:00:00:00:0c:01"))
    lab.record("probe", lab.client.packets(1, arp=True, match=about("0.0.0.0")))
    lab.client.send(arp(1, "127.0.0.1", ROUTER_LAN), arp(1, "224.0.0.9", ROUTER_LAN),
                    arp(1, "10.1.0.60", "224.0.0.9"), arp(1, "10.1.0.60", ROUTER_LAN, hwlen=5),
                    arp(3, "10.1.0.60", ROUTER_LAN), arp(1, "10.1.0.60", ROUTER_LAN, ptype=0x86dd),
                    arp(1, "10.1.0.60", ROUTER_LAN, dst="02:00:00:00:99:99"),
                    arp(1, "198.51.100.7", ROUTER_LAN, hwsrc=Y_MAC))
    lab.record("odd", lab.client.packets(0, arp=True, match=lambda item: item[ARP].hwdst in (X_MAC, Y_MAC)))


@scenario()
def asks_and_queues(lab):
    """An unknown neighbour is asked for by broadcast; what waited goes out in order."""
    lab.client.send(*[udp(dst="203.0.113.60", sport=6000 + n) for n in range(3)])
    lab.record("request", lab.server.packets(1, arp=True, match=about("203.0.113.60")))
    lab.server.mark()
    lab.server.send(arp(2, "203.0.113.60", ROUTER_WAN, hwdst=WAN.router_mac, dst=WAN.router_mac))
    found = lab.server.arrived(3)
    lab.record("packets", [lab.text(item) for item in found])
    lab.record("to", {item.dst for item in found} == {X_MAC})
    lab.client.send(udp(dst="203.0.113.60"))
    lab.record("known now", [item.dst for item in lab.server.arrived(1)])


@scenario()
def learns_from_requests(lab):
    """Who asks for the router is known at once: no request when there is traffic for it."""
    lab.server.send(arp(1, "203.0.113.60", ROUTER_WAN))
    lab.server.arrived(1, arp=True, match=about("203.0.113.60"))
    lab.client.send(udp(dst="203.0.113.60"))
    lab.record("sent to", [item.dst for item in lab.server.arrived(1)])
    lab.record("asked", lab.server.packets(0, arp=True, match=lambda item: item[ARP].pdst == "203.0.113.60" and item[ARP].op == 1))


@scenario()
def gratuitous(lab):
    """Gratuitous ARP of strangers creates nothing; it updates who is known."""
    lab.server.send(arp(1, "203.0.113.61", "203.0.113.61", hwsrc=Y_MAC),
                    arp(2, "203.0.113.62", "203.0.113.62", hwsrc=Y_MAC, hwdst=BROADCAST))
    lab.server.mark()
    lab.client.send(udp(dst="203.0.113.61"), udp(dst="203.0.113.62"))
    lab.record("must ask", lab.server.packets(2, arp=True, match=about("203.0.113.61", "203.0.113.62")))
    lab.server.send(arp(1, "203.0.113.63", ROUTER_WAN))
    lab.server.arrived(1, arp=True, match=about("203.0.113.63"))
    lab.record("lock time over", age(lab, 1.2))
    lab.server.send(arp(2, "203.0.113.63", "203.0.113.63", hwsrc=Y_MAC, hwdst=BROADCAST))
    lab.client.send(udp(dst="203.0.113.63", sport=7777))
    lab.record("moved", [item.dst for item in lab.server.arrived(1, match=lambda item: IP in item and item.sport == 7777)])


@scenario()
def spoofed_replies(lab):
    """A reply that nobody asked for, or about the router itself, changes nothing."""
    lab.server.send(arp(2, "203.0.113.61", ROUTER_WAN, hwsrc=Y_MAC, hwdst=WAN.router_mac, dst=WAN.router_mac))
    lab.server.send(arp(2, ROUTER_WAN, ROUTER_WAN, hwsrc=Y_MAC, hwdst=BROADCAST))
    lab.server.mark()
    lab.client.send(udp(dst="203.0.113.61"))
    lab.record("must ask", lab.server.packets(1, arp=True, match=about("203.0.113.61")))
    lab.record("ping", lab.client.ping("203.0.113.1")[0])


@scenario()
def lock_time(lab):
    """Within a second of a change a second one is not believed."""
    lab.client.send(udp(dst="203.0.113.60"))
    lab.server.arrived(1, arp=True, match=about("203.0.113.60"))
    lab.server.send(arp(2, "203.0.113.60", ROUTER_WAN, hwsrc=X_MAC, hwdst=WAN.router_mac, dst=WAN.router_mac))
    lab.server.send(arp(2, "203.0.113.60", ROUTER_WAN, hwsrc=Y_MAC, hwdst=WAN.router_mac, dst=WAN.router_mac))
    lab.server.arrived(1)
    lab.client.send(udp(dst="203.0.113.60"))
    lab.record("first one holds", [item.dst for item in lab.server.arrived(1)])


def age(lab, seconds):
    """Let a time pass that the protocol itself counts; returns True."""
    import time
    until = time.monotonic() + seconds
    return bool(lab.wait(lambda: time.monotonic() > until))
