"""Rule sets that translate, and flows that meet where they are translated."""

import struct
from typing import NamedTuple

from . import wire
from .ftp import Session
from .play import Step
from .wire import ACK, RST, SYN


class Choice(NamedTuple):
    """What the routers may choose otherwise.  @random: a port even where it could be kept; @ranges: of ports, which count
    as classes of their own."""

    random: bool = False
    ranges: tuple = ()


# Translated sources are the router's own or routed ones: what passes untranslated to them goes somewhere, at once.

def nat(*rules):
    return "*nat\n" + "".join("-A %s\n" % rule for rule in rules) + "COMMIT\n"


ONE_ADDRESS = nat("POSTROUTING -o wan -j SNAT --to-source 203.0.113.254")
MASQUERADE = nat("POSTROUTING -o wan -j MASQUERADE", "POSTROUTING -o lan -p icmp -j MASQUERADE") + (
    "*filter\n-A FORWARD -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n")
RANDOM = nat("POSTROUTING -o wan -p tcp -j MASQUERADE --random",
             "POSTROUTING -o wan -p udp -j SNAT --to-source 203.0.113.254 --random-fully",
             "POSTROUTING -o wan -p sctp -j SNAT --to-source 10.71.0.10-10.71.0.11 --random",
             "POSTROUTING -o wan -j MASQUERADE --random")
RANGES = nat("POSTROUTING -o wan -p tcp -j SNAT --to-source 10.71.0.100-10.71.0.140:30000-30999",
             "POSTROUTING -o wan -p udp -j SNAT --to-source 10.71.0.100-10.71.0.140 --persistent",
             "POSTROUTING -o wan -j SNAT --to-source 10.71.0.100-10.71.0.140")
DESTINATION = nat("PREROUTING -i lan -p tcp -j DNAT --to-destination 198.19.255.1-198.19.255.9:8080",
                  "PREROUTING -i lan -p udp -m udp --dport 21:80 -j DNAT --to-destination 198.19.255.1:4000-4060/25",
                  "PREROUTING -i lan -p udp -j DNAT --to-destination 198.19.255.1:5000-5003",
                  "PREROUTING -i lan -p sctp -j DNAT --to-destination :9999",
                  "PREROUTING -i lan -j DNAT --to-destination 198.19.255.1-198.19.255.9 --persistent",
                  "PREROUTING -i wan -d 10.64.0.0/16 -p tcp -j DNAT --to-destination 10.65.255.1:8000-8100/443",
                  "PREROUTING -i wan -d 10.64.0.0/16 -j DNAT --to-destination 10.65.255.1-10.65.255.3")
BOTH = nat("PREROUTING -i lan -p tcp -j DNAT --to-destination 198.19.255.1:8080",
           "PREROUTING -i lan -p udp -m udp --dport 53 -j DNAT --to-destination 198.19.255.1",
           "PREROUTING -i lan -p icmp -j DNAT --to-destination 198.19.255.1",
           "PREROUTING -i wan -d 10.64.0.0/16 -j NETMAP --to 10.65.0.0/16",
           "POSTROUTING -o wan -j MASQUERADE", "POSTROUTING -o lan -j SNAT --to-source 10.71.0.99")
NETWORKS = nat("PREROUTING -i lan -d 198.18.0.0/16 -j NETMAP --to 198.19.0.0/16",
               "PREROUTING -i wan -d 10.64.0.0/16 -j NETMAP --to 10.65.0.0/16",
               "POSTROUTING -s 10.64.0.0/16 -o wan -j NETMAP --to 10.70.0.0/16",
               "POSTROUTING -s 198.18.0.0/15 -o lan -j NETMAP --to 10.72.0.0/15")
REDIRECT = nat("PREROUTING -i lan -p tcp -j REDIRECT --to-ports 3128-3130", "PREROUTING -i lan -p udp -j REDIRECT --to-ports 5353",
               "PREROUTING -p icmp -m icmp --icmp-type timestamp-request -j ACCEPT",  # whose answer tells the time
               "PREROUTING -j REDIRECT", "INPUT -p icmp -j SNAT --to-source 10.71.0.77",
               "INPUT -p udp -j SNAT --to-source 10.71.0.78")
HAIRPIN = nat("PREROUTING -d 198.18.0.0/16 -j NETMAP --to 10.65.0.0/16", "POSTROUTING -d 10.65.0.0/16 -o lan -j MASQUERADE")
NARROW = nat("POSTROUTING -o wan -p tcp -j SNAT --to-source 203.0.113.254:700-705",
             "POSTROUTING -o wan -p udp -m udp --dport 0:100 -j MASQUERADE --to-ports 700",  # not asked for: clashes at the end
             "POSTROUTING -o wan -p udp -j MASQUERADE --to-ports 700-705",
             "POSTROUTING -o wan -p icmp -j SNAT --to-source 203.0.113.254:700-705",
             "POSTROUTING -o wan -p sctp -j SNAT --to-source 203.0.113.254:700-705 --random")
NARROW_PORTS = (700, 705)


def _first(hosts, proto, source, key, seq=1000, server=None):
    """The first packet of a flow from @source to the server. @key: its port, or its identifier."""
    ends = (source, server or hosts.server)
    if proto == wire.ICMP:
        return wire.icmp(*ends, 8, 0, struct.pack("!HH", key, 1), b"ping")
    if proto == wire.TCP:
        return wire.tcp(*ends, key, hosts.server_port, seq, 0, SYN, 1000)
    if proto == wire.SCTP:
        return wire.sctp(*ends, key, hosts.server_port, 0, wire.chunk(1, struct.pack("!IIHHI", 7, 65535, 1, 1, 1)))
    return wire.udp(*ends, key, hosts.server_port, b"question")


def _answer(hosts, proto, source, key, seq=1000, server=None):
    """The server's answer to it."""
    ends = (server or hosts.server, source)
    if proto == wire.ICMP:
        return wire.icmp(*ends, 0, 0, struct.pack("!HH", key, 1), b"ping")
    if proto == wire.TCP:
        return wire.tcp(*ends, hosts.server_port, key, 5000, seq + 1, SYN | ACK, 1000)
    if proto == wire.SCTP:
        return wire.sctp(*ends, hosts.server_port, key, 7, wire.chunk(2, struct.pack("!IIHHI", 8, 65535, 1, 1, 1)))
    return wire.udp(*ends, hosts.server_port, key, b"answer")


def crowd(rng, hosts, pauses=()):
    """More flows than the narrow range has ports; answers; in the full range a TCP connection that ends, for whose port SYNs
    come with earlier and later numbers.  Their own ports are not of the range."""
    steps, flows, closed = [], [], None
    proto = rng.choice((wire.TCP, wire.TCP, wire.UDP, wire.ICMP, wire.SCTP))
    count = rng.choice((3, 6, 9))
    for number in range(count):
        source, key = rng.choice((hosts.client, hosts.client2)), 2000 + number * 7
        if number == 3 and rng.random() < 0.5:
            key = rng.randrange(1, 65536)
            while NARROW_PORTS[0] <= key <= NARROW_PORTS[1]:
                key = rng.randrange(1, 65536)
        flows.append((source, key))
        steps.append(hosts.step(0, _first(hosts, proto, source, key)))
        if rng.random() < 0.6:
            steps.append(hosts.step(1, _answer(hosts, proto, *rng.choice(flows))))
        if pauses and rng.random() < 0.1:
            steps.append(Step(pause=rng.choice(pauses)))
    if proto == wire.TCP and count >= 6:
        source, key = flows[0]
        steps += [hosts.step(1, _answer(hosts, proto, source, key)),
                  hosts.step(0, wire.tcp(source, hosts.server, key, hosts.server_port, 1001, 5001, ACK, 1000)),
                  hosts.step(0, wire.tcp(source, hosts.server, key, hosts.server_port, 1001, 5001, RST | ACK, 1000))]
        closed = 1001
    for number in range(rng.choice((0, 2, 4))):
        seq = (closed or 1000) + rng.choice((-500, -1, 0, 1, 70000))
        steps.append(hosts.step(0, _first(hosts, proto, hosts.client2, 3000 + number, seq)))
        if rng.random() < 0.5:
            steps.append(hosts.step(1, _answer(hosts, proto, hosts.client2, 3000 + number, seq)))
    return steps


def meeting(rng, hosts, pauses=()):
    """Two clients with one port, two servers: flows that would look the same behind the router, answers to each, errors."""
    steps, flows = [], []
    proto = rng.choice((wire.TCP, wire.UDP, wire.UDP, wire.ICMP, wire.SCTP))
    key = rng.choice((1, 80, 511, 512, 600, 1023, 1024, 5000, 65535, rng.randrange(1, 65536)))
    for _ in range(rng.choice((4, 8, 14))):
        way = rng.random()
        if flows and way < 0.4:
            packet = _answer(hosts, **rng.choice(flows))
        elif flows and way < 0.5:
            last = next((step.packet for step in reversed(steps) if step.packet and step.side == hosts.SIDES[0]), None)
            steps.append(hosts.error(1, last))
            continue
        else:
            flows.append({"proto": proto, "source": rng.choice((hosts.client, hosts.client2)),
                          "key": rng.choice((key, key, key, 4000)),
                          "server": rng.choice((hosts.server, hosts.server, hosts.server2))})
            packet = _first(hosts, **flows[-1])
        steps.append(hosts.step(0 if packet[12:16] in (hosts.client, hosts.client2) else 1, packet))
        if pauses and rng.random() < 0.1:
            steps.append(Step(pause=rng.choice(pauses)))
    return steps


class TranslatedSession(Session):
    """Without what Linux spoils (docs/semantics.md): port 0 announced, errors about what the server said."""

    def place(self, d):
        address, port = super().place(d)
        self.announced[-1] = d, address, port or 7
        return address, port or 7

    def error(self, d):
        if d == 1:
            super().error(d)


def ftp(rng, hosts, pauses=()):
    """The steps of a random FTP session."""
    return TranslatedSession(rng, hosts, pauses).play()
