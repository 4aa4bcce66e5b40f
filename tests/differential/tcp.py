"""Random TCP conversations: plausible ones with a fault now and then, at the edges of what conntrack checks."""

import struct

from . import wire
from .play import Step
from .wire import ACK, CWR, ECE, FIN, PSH, RST, SYN, URG

M32 = 0xffffffff
NEAR_EDGES = (-2, -1, 0, 1, 2)


class End:
    """What one side has sent and been sent."""

    def __init__(self, rng):
        self.nxt = 0         # the next number to send
        self.sent_ack = 0
        self.win, self.scale, self.max_win = 0, 0, 1
        self.new_isn(rng)

    def new_isn(self, rng):
        base = rng.choice((0, 0x7fffffff, M32, rng.getrandbits(32)))
        self.isn = (base - rng.choice((0, 1, 10, 1000, 70000))) & M32
        self.nxt = self.isn


class Conversation:
    """Makes the steps of one sequence."""

    def __init__(self, rng, hosts, pauses=()):
        """@pauses: seconds that a pause may take; none: no pauses."""
        self.rng, self.hosts, self.pauses = rng, hosts, pauses
        self.steps = []
        self.end = [End(rng), End(rng)]
        self.last = [None, None]

    def segment(self, d, flags, seq=None, ack=None, *, win=None, options=b"", length=0, learn=True, offload=0,
                text=b"", **words):
        """Appends a segment; what is not given is what the side would send now. @learn: the side knows that it sent it;
        @offload: the size for wire.offloaded; @text: the data, of that length."""
        me, peer = self.end[d], self.end[1 - d]
        seq = me.nxt if seq is None else seq & M32
        ack = (peer.nxt if flags & ACK else 0) if ack is None else ack & M32
        win = me.win if win is None else win
        src, dst = self.hosts.ends(d)
        length = len(text) or length
        packet = wire.tcp(src, dst, *self.hosts.ports(d), seq, ack, flags, win, options=options, data=text or bytes(length), **words)
        if offload:
            packet, vnet = wire.offloaded(packet, offload)
            self.steps.append(self.hosts.step(d, packet, vnet=vnet))
        else:
            self.steps.append(self.hosts.step(d, packet))
        self.last[d] = None if offload else packet
        if learn:
            taken = seq + length + bool(flags & SYN) + bool(flags & FIN) & M32
            if (taken - me.nxt) & M32 < 1 << 31:
                me.nxt = taken
            if flags & ACK:
                me.sent_ack = ack
            me.max_win = max(me.max_win, win << me.scale)

    def options(self, d):
        """Those of a SYN; sets the side's scale."""
        rng, me = self.rng, self.end[d]
        me.scale = 0
        parts = []
        if rng.random() < 0.6:
            parts.append(struct.pack("!BBH", 2, 4, 1460))
        if rng.random() < 0.5:
            me.scale = rng.choice((0, 1, 2, 7, 14, 15, 255))
            parts.append(bytes((3, 3, me.scale)))
            me.scale = min(me.scale, 14)
        if rng.random() < 0.5:
            parts.append(b"\4\2")
        if rng.random() < 0.3:
            parts.append(struct.pack("!BBII", 8, 10, rng.getrandbits(32), 0))
        if rng.random() < 0.05:
            parts.append(rng.choice((b"\0", b"\3", b"\3\0", b"\3\1", b"\3\4\1\1", b"\4\3\1", b"\x22\x22", b"\3\3")))
        rng.shuffle(parts)
        return b"".join(parts)[:40]

    def window(self):
        return self.rng.choice((0, 1, 2, 100, 1000, 8192, 32768, 65535, self.rng.randrange(65536)))

    # ---- openings ----

    def syn(self, d, fresh=True):
        if fresh:
            self.end[d].new_isn(self.rng)
        me = self.end[d]
        me.win = self.window()
        self.segment(d, SYN | self.rng.choice((0,) * 6 + (ECE | CWR, PSH, URG)), me.isn, options=self.options(d),
                     length=self.rng.choice((0,) * 9 + (1, 10)))

    def syn_ack(self, d, fresh=True):
        if fresh:
            self.end[d].new_isn(self.rng)
        me = self.end[d]
        me.win = self.window()
        self.segment(d, SYN | ACK | self.rng.choice((0,) * 8 + (PSH, URG, ECE)), me.isn, options=self.options(d))

    def handshake(self, d=0):
        """Three ways, with what may happen between."""
        rng = self.rng
        self.syn(d)
        while rng.random() < 0.15:
            self.syn(d, fresh=rng.random() < 0.5)
        if rng.random() < 0.1:
            self.fault(rng.choice((0, 1)))
        self.syn_ack(1 - d)
        if rng.random() < 0.1:
            self.syn(d, fresh=rng.random() < 0.5)
        while rng.random() < 0.1:
            self.syn_ack(1 - d, fresh=rng.random() < 0.5)
        if rng.random() < 0.1:
            self.fault(rng.choice((0, 1)))
        if rng.random() < 0.95:
            self.segment(d, ACK)

    def simultaneous(self, d=0):
        """Both sides begin."""
        self.syn(d)
        self.syn(1 - d)
        for side in self.rng.sample((0, 1), self.rng.randrange(1, 3)):
            if self.rng.random() < 0.7:
                self.syn_ack(side, fresh=False)
            else:
                self.segment(side, ACK)

    def old_syn_ack(self, d=0):
        """An answer that does not fit, the reset for it, and another try."""
        rng = self.rng
        self.syn(d)
        self.end[1 - d].new_isn(rng)
        self.segment(1 - d, rng.choice((SYN | ACK, ACK, ACK, RST | ACK)), ack=rng.getrandbits(32), win=self.window())
        if rng.random() < 0.7:
            self.segment(d, RST, seq=struct.unpack_from("!I", self.last[1 - d], 28)[0], win=0, learn=False)
        if rng.random() < 0.7:
            self.syn(d, fresh=rng.random() < 0.3)
            self.syn_ack(1 - d)
            self.segment(d, ACK)

    def midstream(self, d=0):
        """The connection is older than the router."""
        for side in (0, 1):
            self.end[side].win = self.window()
        first = self.rng.choice((ACK, ACK, ACK | PSH, ACK | FIN, RST, RST | ACK, SYN | ACK, FIN, 0, PSH, URG | ACK))
        self.segment(d, first, length=self.rng.choice((0, 1, 100)))

    def open(self):
        d = self.rng.choice((0, 0, 0, 1))
        way = self.rng.choices((self.handshake, self.simultaneous, self.old_syn_ack, self.midstream), (12, 2, 2, 3))[0]
        way(d)

    # ---- what happens then ----

    def data(self, d):
        self.segment(d, ACK | self.rng.choice((0, PSH, PSH | URG)), length=self.rng.choice((1, 10, 536, 1400)))

    def acknowledge(self, d):
        if self.rng.random() < 0.4:
            self.end[d].win = self.window()
        self.segment(d, ACK)

    def repeat(self, d):
        """The last segment again, as it was; up to five times."""
        if self.last[d]:
            for _ in range(self.rng.choice((1, 1, 2, 5))):
                self.steps.append(self.hosts.step(d, self.last[d]))

    def retransmit(self, d):
        back = self.rng.choice((1, 10, 1400, 65000))
        self.segment(d, ACK, self.end[d].nxt - back, length=self.rng.choice((1, 10, 1400)))

    def sack(self, d):
        """Acknowledges something beyond a hole."""
        peer, rng = self.end[1 - d], self.rng
        left = peer.nxt - rng.choice((0, 10, 2000))
        blocks = b"".join(struct.pack("!II", (left + 2000 * i) & M32, (left + 2000 * i + rng.choice((0, 1, 1000, 70000))) & M32)
                          for i in range(rng.choice((1, 2, 3))))
        option = bytes((5, 2 + len(blocks))) + blocks
        if rng.random() < 0.1:
            option = rng.choice((b"\5\2", b"\5\6\0\0\0\0", option[:9]))
        before = rng.choice((b"", b"\1\1", b"\x08\x0a" + bytes(8)))
        self.segment(d, ACK, ack=peer.nxt - rng.choice((0, 10, 2000)), options=(before + option)[:40])

    def keepalive(self, d):
        self.segment(d, ACK, self.end[d].nxt - 1, length=self.rng.choice((0, 1)))

    def finish(self, d):
        self.segment(d, FIN | ACK, length=self.rng.choice((0, 0, 10)))

    def reset(self, d):
        me, peer, rng = self.end[d], self.end[1 - d], self.rng
        seq = rng.choice((me.nxt, me.nxt, peer.sent_ack, peer.sent_ack + 1, me.nxt + 1, me.nxt - 1, me.isn, 0,
                          peer.sent_ack + (peer.win << peer.scale), rng.getrandbits(32)))
        flags = rng.choice((RST, RST, RST | ACK, RST | ACK, RST | ACK | PSH))
        ack = rng.choice((peer.nxt, peer.nxt, 0, peer.nxt + 1, rng.getrandbits(32))) if flags & ACK else rng.choice((0, 0, 7))
        self.segment(d, flags, seq, ack, win=rng.choice((0, me.win)), learn=False)

    def fault(self, d):
        """A segment at, or far beyond, one of the four bounds."""
        me, peer, rng = self.end[d], self.end[1 - d], self.rng
        edge = rng.choice((peer.sent_ack + (peer.win << peer.scale), peer.sent_ack + peer.max_win, peer.sent_ack + peer.win,
                           me.nxt - peer.max_win, me.nxt - (peer.win << peer.scale), me.nxt, me.nxt + (1 << 31)))
        bound = rng.choice((peer.nxt, peer.nxt - 66000, peer.nxt - me.max_win, peer.nxt - max(66000, me.max_win), peer.isn,
                            peer.nxt + 66000, peer.nxt + (1 << 31), 0))
        seq = edge + rng.choice(NEAR_EDGES) if rng.random() < 0.7 else me.nxt
        ack = bound + rng.choice(NEAR_EDGES) if rng.random() < 0.6 else peer.nxt
        length = rng.choice((0, 0, 1, 2, 100, 1400))
        if rng.random() < 0.2:
            seq -= length
        self.segment(d, rng.choice((ACK, ACK, ACK | PSH, ACK | FIN, SYN, SYN | ACK, RST, RST | ACK)), seq, ack, length=length,
                     win=rng.choice((me.win, me.win, self.window())), learn=rng.random() < 0.3)

    def odd(self, d):
        """Wrong in itself: flags, checksum, header length, cut off."""
        rng, me = self.rng, self.end[d]
        way = rng.randrange(6)
        if way == 0:
            self.segment(d, rng.randrange(256), learn=False)
        elif way == 1:
            self.segment(d, rng.choice((ACK, SYN, RST, FIN | ACK)), bad=True, length=rng.choice((0, 3, 100)), learn=False)
        elif way == 2:
            self.segment(d, ACK, offset=rng.choice((0, 4, 6, 15)), length=rng.choice((0, 4, 40)), learn=False)
        elif way == 3:
            src, dst = self.hosts.ends(d)
            whole = wire.tcp(src, dst, *self.hosts.ports(d), me.nxt, 0, ACK, 1)[20:]
            self.steps.append(self.hosts.step(d, wire.ip(src, dst, wire.TCP, whole[:rng.choice((0, 3, 4, 8, 19))])))
        elif way == 4:
            self.segment(d, ACK, urgent=5)
        else:
            self.segment(d, ACK, tos=rng.choice((0x10, 0xb8, 3)), ttl=rng.choice((2, 64, 255)), df=True)

    def late_syn(self, d):
        """A SYN in the middle: the old numbers, ones before, ones behind."""
        me, rng = self.end[d], self.rng
        seq = rng.choice((me.isn, me.nxt, me.nxt + 1, me.nxt + 100000, me.nxt - 100000, rng.getrandbits(32)))
        self.segment(d, SYN, seq, options=self.options(d), learn=rng.random() < 0.3)
        way = rng.random()
        if way < 0.3:
            self.segment(1 - d, ACK)                       # a challenge (RFC 5961)
            if rng.random() < 0.6:
                self.segment(d, RST, seq=self.end[1 - d].sent_ack + rng.choice((0, 0, 1, -1)), win=0, learn=False)
        elif way < 0.5:
            self.segment(1 - d, SYN | ACK, ack=seq + 1, seq=rng.getrandbits(32), options=self.options(1 - d), learn=False)
        elif way < 0.6:
            self.segment(1 - d, RST | ACK, seq=0, ack=seq + 1, win=0, learn=False)

    def last_challenge(self, d):
        """Both have sent FIN, one begins anew, the other one challenges (RFC 5961)."""
        self.finish(d)
        self.finish(1 - d)
        side = self.rng.choice((d, 1 - d))
        self.segment(side, SYN, self.rng.choice((self.end[side].isn, self.end[side].nxt, self.rng.getrandbits(32))), learn=False)
        self.segment(1 - side, ACK)
        if self.rng.random() < 0.5:
            self.segment(side, RST, seq=self.end[1 - side].sent_ack, win=0, learn=False)
        if self.rng.random() < 0.5:
            self.segment(self.rng.randrange(2), ACK)

    def late_syn_ack(self, d):
        peer = self.end[1 - d]
        self.segment(d, SYN | ACK, self.rng.choice((self.end[d].isn, self.end[d].nxt, self.rng.getrandbits(32))),
                     self.rng.choice((peer.nxt, peer.isn + 1, self.rng.getrandbits(32))), options=self.options(d), learn=False)

    def error(self, d):
        if self.last[1 - d]:
            self.steps.append(self.hosts.error(d, self.last[1 - d]))

    def wait(self, _d):
        if self.pauses:
            self.steps.append(Step(pause=self.rng.choice(self.pauses)))

    def close(self, d):
        """The ordinary end, or most of it."""
        self.finish(d)
        if self.rng.random() < 0.7:
            self.segment(1 - d, ACK)
        if self.rng.random() < 0.8:
            self.finish(1 - d)
            if self.rng.random() < 0.8:
                self.segment(d, ACK)

    def reopen(self, d):
        """The same ports again, with numbers behind or before."""
        me = self.end[d]
        if self.rng.random() < 0.6:
            me.isn = (me.nxt + self.rng.choice((1, 10000, 1 << 20))) & M32
        else:
            me.new_isn(self.rng)
        me.nxt = me.isn
        self.syn(d, fresh=False)
        if self.rng.random() < 0.7:
            self.syn_ack(1 - d)
            self.segment(d, ACK)

    ACTIONS = (("data", 20), ("acknowledge", 20), ("repeat", 5), ("retransmit", 4), ("sack", 4), ("keepalive", 2), ("finish", 3),
               ("reset", 4), ("fault", 14), ("odd", 5), ("late_syn", 4), ("late_syn_ack", 2), ("error", 4), ("wait", 2),
               ("close", 3), ("reopen", 3), ("last_challenge", 1))

    def super_packet(self, d):
        """Data as a sender with offloads hands it over, at an edge of the window now and then."""
        rng, peer = self.rng, self.end[1 - d]
        if rng.random() < 0.6:
            self.end[d].win = self.window()
        length = rng.choice((1, 100, 1000, 3000, 20000, 60000))
        edge = (peer.sent_ack + (peer.win << peer.scale) - self.end[d].nxt) & M32
        if rng.random() < 0.4 and 0 < edge + 2 < 60000:
            length = max(edge + rng.choice(NEAR_EDGES), 1)
        self.segment(d, rng.choice((ACK, ACK | PSH, ACK | PSH, ACK | FIN, ACK | CWR)), length=length,
                     offload=rng.choice((536, 1448, 1460)), df=rng.random() < 0.5, ident=rng.choice((1, 0xffff)),
                     ttl=rng.choice((64, 64, 64, 1)))

    def play(self):
        names, weights = zip(*self.ACTIONS)
        self.open()
        for _ in range(self.rng.choice((2, 5, 10, 20))):
            getattr(self, self.rng.choices(names, weights)[0])(self.rng.randrange(2))
        return self.steps


def generate(rng, hosts, pauses=()):
    """The steps of a random conversation."""
    return Conversation(rng, hosts, pauses).play()


class Offloaded(Conversation):
    """One of super-packets."""

    ACTIONS = Conversation.ACTIONS + (("super_packet", 60),)


def offloaded(rng, hosts, pauses=()):
    """The steps of a random conversation between hosts with offloads."""
    return Offloaded(rng, hosts, pauses).play()


class Wild(Conversation):
    """One in which anything follows on anything: few numbers, so that they meet."""

    def anything(self, d):
        rng, me, peer = self.rng, self.end[d], self.end[1 - d]
        numbers = (me.isn, me.isn + 1, me.nxt, me.nxt - 1, me.nxt + 1, peer.isn, peer.isn + 1, peer.nxt, peer.nxt + 1, peer.sent_ack,
                   me.sent_ack, peer.sent_ack + (peer.win << peer.scale), 0)
        flags = rng.choice((SYN, SYN, SYN | ACK, SYN | ACK, ACK, ACK, ACK, ACK | PSH, FIN | ACK, FIN | ACK, RST, RST, RST | ACK, RST | ACK,
                            FIN, 0, SYN | FIN, SYN | RST, ACK | URG))
        self.segment(d, flags, rng.choice(numbers), rng.choice(numbers), length=rng.choice((0, 0, 0, 1, 10, 100)),
                     options=self.options(d) if flags & SYN and rng.random() < 0.5 else b"", win=rng.choice((me.win, self.window())),
                     learn=rng.random() < 0.5)

    def open(self):
        if self.rng.random() < 0.5:
            super().open()
        else:
            for side in (0, 1):
                self.end[side].win = self.window()
            self.anything(self.rng.randrange(2))

    ACTIONS = (("anything", 80), ("repeat", 5), ("acknowledge", 5), ("data", 5), ("error", 2), ("wait", 2))


def wild(rng, hosts, pauses=()):
    """The steps of a conversation of two who do not listen."""
    return Wild(rng, hosts, pauses).play()
