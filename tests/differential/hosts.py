"""Who takes part in a sequence: addresses and ports that no other sequence of a run has."""

import struct

from . import wire
from .play import Step
from .sides import LAN, ROUTER, WAN


class Hosts:
    """Two hosts behind each port.  Directions: 0 from the client's side, 1 back."""

    SIDES = (LAN, WAN)

    def __init__(self, rng, number):
        """@number: below 2 ** 16; a sequence is wholly known by it and the state of @rng."""
        self.rng = rng
        low = struct.pack("!H", number)
        self.client, self.client2 = bytes((10, 64)) + low, bytes((10, 65)) + low
        self.server, self.server2 = bytes((198, 18)) + low, bytes((198, 19)) + low
        self.client_port = rng.randrange(1024, 65536)
        self.server_port = rng.choice((21, 53, 80, 443, 5000, rng.randrange(1, 65536)))

    def ends(self, d):
        """(source, destination) of a packet of direction @d."""
        return (self.client, self.server) if d == 0 else (self.server, self.client)

    def ports(self, d):
        """(source port, destination port)."""
        return (self.client_port, self.server_port) if d == 0 else (self.server_port, self.client_port)

    def step(self, d, packet, **words):
        return Step(self.SIDES[d], packet, **words)

    def router(self, d):
        """The router's address that packets of direction @d meet first."""
        return wire.address(ROUTER[self.SIDES[d]])

    def error(self, d, quoted, **words):
        """An ICMP error travelling in direction @d about a packet of the other one: a step."""
        rng = self.rng
        kind, code = rng.choice(((3, 0), (3, 1), (3, 3), (3, 4), (3, 13), (4, 0), (5, 1), (11, 0), (11, 1), (12, 0), (3, 99)))
        rest = struct.pack("!HH", 0, rng.choice((0, 576, 1400))) if kind != 5 else self.ends(d)[0]
        source = rng.choice((self.ends(d)[0], bytes((198, 19, 200, 1)) if d else bytes((10, 65, 200, 1))))
        to = quoted[12:16] if rng.random() < 0.9 else (self.client2 if d else self.server2)
        cut = (quoted[0] & 15) * 4 + rng.choice((8, 8, 8, 20, 64, len(quoted), 7, 4, 0))
        if rng.random() < 0.03:
            cut = rng.randrange(0, 20)
        return self.step(d, wire.icmp(source, to, kind, code, rest, quoted[:cut], bad=rng.random() < 0.03), **words)
