"""Random FTP control connections, and the data connections that they announce or do not."""

from . import wire
from .tcp import Conversation
from .wire import ACK, FIN, PSH, RST, SYN


class Session(Conversation):
    """A conversation of lines."""

    def __init__(self, rng, hosts, pauses=()):
        super().__init__(rng, hosts, pauses)
        hosts.server_port = 21
        self.announced = []  # (who listens, address, port)

    def say(self, d, text):
        """A line in one segment, or cut in two, or cut off."""
        way = self.rng.random()
        if way < 0.8 or len(text) < 2:
            self.segment(d, ACK | PSH, text=text)
            return
        at = self.rng.randrange(1, len(text))
        self.segment(d, ACK | PSH, text=text[:at])
        if way < 0.95:
            self.segment(d, ACK | PSH, text=text[at:])

    def place(self, d):
        """An address and a port where side @d could listen, mostly its own."""
        rng = self.rng
        address = self.hosts.ends(d)[0]
        if rng.random() < 0.1:
            address = rng.choice((self.hosts.client2, self.hosts.server2, self.hosts.ends(1 - d)[0], bytes(4)))
        port = rng.choice((rng.randrange(1024, 65536), 5000, 20, 1, 0, 65535))
        self.announced.append((d, address, port))
        del self.announced[:-3]
        return address, port

    @staticmethod
    def comma(address, port):
        return ",".join(map(str, (*address, port >> 8, port & 255))).encode()

    def announce(self, d):
        """PORT and EPRT of the client, 227 and 229 of the server, right and wrong."""
        rng = self.rng
        address, port = self.place(d)
        if d == 0:
            way = rng.randrange(8)
            line = (b"PORT " + self.comma(address, port), b"PORT " + self.comma(address, port), b"port " + self.comma(address, port),
                    b"EPRT |1|%s|%d|" % (wire.dotted(address).encode(), port),
                    b"EPRT /1/%s/%d/" % (wire.dotted(address).encode(), port),
                    b"PORT " + rng.choice((b"", b"1,2,3", b"256,1,1,1,1,1", b"1,2,3,4,5,6,7", b"a,b,c,d,e,f")),
                    b"EPRT " + rng.choice((b"", b"|2|::1|5000|", b"|1|10.64.0.1|", b"|1|1.2.3|5|", b"|1|1.2.3.4|0|")),
                    b"NOOP PORT " + self.comma(address, port))[way]
        else:
            way = rng.randrange(7)
            line = (b"227 Entering Passive Mode (%s)." % self.comma(address, port), b"227 (%s)" % self.comma(address, port),
                    b"227 =" + self.comma(address, port), b"229 Entering Extended Passive Mode (|||%d|)" % port,
                    b"229 Ok (|||%d|)" % port, b"227 no such thing", b"229 (||%d|)" % port)[way]
        end = rng.choice((b"\r\n",) * 8 + (b"\n", b""))
        if rng.random() < 0.1:
            end += b"NOOP\r\n"
        self.say(d, line + end)

    def line(self, d):
        self.say(d, self.rng.choice((b"USER anonymous\r\n", b"PASS x\r\n", b"LIST\r\n", b"PASV\r\n", b"EPSV\r\n", b"\r\n") if d == 0 else
                                    (b"220 ready\r\n", b"331 go\r\n", b"200 ok\r\n", b"150 here it comes\r\n", b"226-a\r\n226 b\r\n")))

    def speak(self, d):
        """A line, and its acknowledgement."""
        self.line(d)
        self.segment(1 - d, ACK)

    def connect(self, _d):
        """Somebody connects to a place that was announced, or nearby."""
        if not self.announced:
            return
        rng, hosts = self.rng, self.hosts
        listener, address, port = rng.choice(self.announced)
        if rng.random() < 0.1:
            port = port + 1 & 0xffff
        d = 1 - listener
        source = hosts.ends(d)[0]
        sport = rng.choice((20, hosts.ports(d)[0], rng.randrange(1024, 65536)))
        there, back = (source, address, sport, port), (address, source, port, sport)
        if rng.random() < 0.5:
            address = hosts.ends(listener)[0]
            there, back = (source, address, sport, port), (address, source, port, sport)
        seq, ack = rng.getrandbits(32), rng.getrandbits(32)
        packets = [(d, wire.tcp(*there, seq, 0, SYN, 1000)), (1 - d, wire.tcp(*back, ack, seq + 1, SYN | ACK, 1000)),
                   (d, wire.tcp(*there, seq + 1, ack + 1, ACK, 1000)), (d, wire.tcp(*there, seq + 1, ack + 1, FIN | ACK, 1000)),
                   (1 - d, wire.tcp(*back, ack + 1, seq + 2, rng.choice((FIN | ACK, RST)), 1000))]
        for side, packet in packets[:rng.choice((1, 1, 2, 3, 5))]:
            self.steps.append(hosts.step(side, packet))

    def open(self):
        if self.rng.random() < 0.85:
            self.handshake(0)
            self.speak(1)
            self.speak(0)
        else:
            super().open()

    ACTIONS = (("announce", 25), ("speak", 15), ("line", 6), ("connect", 25), ("acknowledge", 5), ("repeat", 6), ("retransmit", 2),
               ("fault", 3), ("reset", 1), ("error", 2), ("close", 1), ("reopen", 2), ("wait", 1), ("keepalive", 1))


def generate(rng, hosts, pauses=()):
    """The steps of a random session."""
    return Session(rng, hosts, pauses).play()
