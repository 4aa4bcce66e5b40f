"""Random SCTP associations: the four ways of the opening, data, heartbeats, closing, collisions, wrong tags."""

import struct

from . import wire
from .play import Step

(DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, ERROR, COOKIE_ECHO,
 COOKIE_ACK) = range(12)
SHUTDOWN_COMPLETE = 14


class Association:
    """Makes the steps of one sequence."""

    def __init__(self, rng, hosts, pauses=()):
        self.rng, self.hosts, self.pauses = rng, hosts, pauses
        self.tag = [rng.getrandbits(32) or 1, rng.getrandbits(32) or 1]  # what packets to that side carry
        self.steps, self.last = [], [None, None]

    def send(self, d, *chunks, vtag=None, **words):
        vtag = self.tag[1 - d] if vtag is None else vtag
        packet = wire.sctp(*self.hosts.ends(d), *self.hosts.ports(d), vtag, b"".join(chunks), **words)
        self.steps.append(self.hosts.step(d, packet))
        self.last[d] = packet

    def body(self, kind, d):
        """A chunk of that kind as side @d sends it."""
        rng = self.rng
        if kind in (INIT, INIT_ACK):
            return wire.chunk(kind, struct.pack("!IIHHI", self.tag[d], 65535, 1, 1, 1))
        if kind == DATA:
            return wire.chunk(DATA, struct.pack("!IHHI", 1, 0, 0, 0) + bytes(rng.choice((1, 4, 100))), 3)
        if kind == SACK:
            return wire.chunk(SACK, struct.pack("!IIHH", 1, 65535, 0, 0))
        if kind in (ABORT, SHUTDOWN_COMPLETE):
            return wire.chunk(kind, b"", rng.choice((0, 0, 1)))
        if kind == SHUTDOWN:
            return wire.chunk(kind, struct.pack("!I", 1))
        if kind in (HEARTBEAT, HEARTBEAT_ACK):
            return wire.chunk(kind, struct.pack("!HHI", 1, 8, 5))
        return wire.chunk(kind, bytes(rng.choice((0, 4, 20))))

    def init(self, d):
        if self.rng.random() < 0.2:
            self.tag[d] = self.rng.getrandbits(32)
        self.send(d, self.body(INIT, d), vtag=0 if self.rng.random() < 0.95 else None)

    def open(self):
        rng, d = self.rng, self.rng.choice((0, 0, 0, 1))
        self.init(d)
        while rng.random() < 0.2:
            self.init(rng.choice((d, d, 1 - d)))
        self.send(1 - d, self.body(INIT_ACK, 1 - d))
        if rng.random() < 0.1:
            self.any(rng.randrange(2))
        self.send(d, self.body(COOKIE_ECHO, d), *([self.body(DATA, d)] if rng.random() < 0.3 else []))
        if rng.random() < 0.9:
            self.send(1 - d, self.body(COOKIE_ACK, 1 - d), *([self.body(SACK, 1 - d)] if rng.random() < 0.3 else []))

    def second_path(self):
        """Begins with a heartbeat (or data): the association has another path."""
        d = self.rng.choice((0, 0, 1))
        self.send(d, self.body(self.rng.choice((HEARTBEAT, HEARTBEAT, HEARTBEAT, DATA, SACK, HEARTBEAT_ACK)), d))
        if self.rng.random() < 0.8:
            self.send(1 - d, self.body(HEARTBEAT_ACK, 1 - d))
        if self.rng.random() < 0.3:
            self.send(1 - d, self.body(HEARTBEAT, 1 - d))

    def close(self, d):
        self.send(d, self.body(SHUTDOWN, d))
        if self.rng.random() < 0.9:
            self.send(1 - d, self.body(SHUTDOWN_ACK, 1 - d))
        if self.rng.random() < 0.8:
            self.send(d, self.body(SHUTDOWN_COMPLETE, d))

    def any(self, d):
        """One or more chunks of any kind, the tag mostly right."""
        rng = self.rng
        kinds = [rng.choice((DATA, INIT, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN, SHUTDOWN_ACK, ERROR,
                             COOKIE_ECHO, COOKIE_ACK, SHUTDOWN_COMPLETE, 13, 15, 0x80, 0xc1)) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
        vtag = rng.choice((None,) * 6 + (0, self.tag[d], rng.getrandbits(32)))
        self.send(d, *(self.body(kind, d) for kind in kinds), vtag=vtag)

    def odd(self, d):
        """Wrong in itself."""
        rng = self.rng
        way = rng.randrange(5)
        if way == 0:
            self.send(d, self.body(DATA, d), bad=True)
        elif way == 1:
            self.send(d, wire.chunk(rng.choice((DATA, INIT, SACK)), bytes(4), length=rng.choice((0, 3, 4, 5, 200))))
        elif way == 2:
            self.send(d)
        elif way == 3:
            packet = wire.sctp(*self.hosts.ends(d), *self.hosts.ports(d), self.tag[1 - d], self.body(DATA, d))
            self.steps.append(self.hosts.step(d, wire.ip(*self.hosts.ends(d), wire.SCTP, packet[20:20 + rng.choice((0, 4, 8, 11, 14))])))
        else:
            self.send(d, self.body(SACK, d), wire.chunk(HEARTBEAT, bytes(4), length=2), self.body(DATA, d))

    def error(self, d):
        if self.last[1 - d]:
            self.steps.append(self.hosts.error(d, self.last[1 - d]))

    def wait(self, _d):
        if self.pauses:
            self.steps.append(Step(pause=self.rng.choice(self.pauses)))

    def data(self, d):
        self.send(d, self.body(self.rng.choice((DATA, DATA, SACK)), d))

    def heartbeat(self, d):
        self.send(d, self.body(self.rng.choice((HEARTBEAT, HEARTBEAT_ACK)), d))

    def moved(self, d):
        """Heartbeats with tags that nobody has seen on this path: the association was begun anew elsewhere."""
        rng = self.rng
        strange = rng.getrandbits(32)
        self.send(d, self.body(HEARTBEAT, d), vtag=strange)
        if rng.random() < 0.3:
            self.any(rng.randrange(2))
        if rng.random() < 0.9:
            self.send(rng.choice((1 - d, 1 - d, d)), self.body(HEARTBEAT_ACK, 1 - d),
                      vtag=rng.choice((rng.getrandbits(32), self.tag[d], strange)))
        if rng.random() < 0.7:
            self.tag[1 - d] = strange
        if rng.random() < 0.7:
            self.send(d, self.body(rng.choice((DATA, HEARTBEAT, SACK)), d))

    def play(self):
        rng = self.rng
        rng.choices((self.open, self.second_path, lambda: self.any(rng.randrange(2))), (6, 2, 1))[0]()
        ways, weights = (self.data, self.heartbeat, self.any, self.close, self.odd, self.error, self.init, self.moved,
                         self.wait), (6, 3, 8, 2, 2, 2, 2, 2, 1)
        for _ in range(rng.choice((1, 4, 8, 15))):
            rng.choices(ways, weights)[0](rng.randrange(2))
        return self.steps


def generate(rng, hosts, pauses=()):
    """The steps of a random association."""
    return Association(rng, hosts, pauses).play()
