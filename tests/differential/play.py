"""Plays sequences through both sides and compares them after every packet.

A sequence is a list of steps: a packet that arrives at a port, or a pause.  After every packet these must be equal:
- what left, port by port, byte for byte.  What the router itself made (errors, resets, echo replies) may differ in the
  IPv4 identification;
- the connection of the packet's tuple, of the tuple that an ICMP error quotes, and of every tuple that the sequence used
  before: there or not, both tuples, status bits, state, mark, counters, and the timeout within a second.
At the end of a group the whole tables and the counters of net/stat/nf_conntrack must be equal.

Sequences have addresses of their own and do not meet.  Those of a batch are played side by side, pause by pause, so that
they wait together.  A sequence that differs is played once more alone, and what differs then is told, after leaving out
all steps that are not needed for it.
"""

import struct
import time
from typing import NamedTuple

from . import wire
from .sides import HOST_MAC, PLAIN, ROUTER_MAC

TUPLES_MAX = 12


class Step(NamedTuple):
    """@packet: IPv4 bytes that arrive at port @side, or None: @pause seconds pass.  @vnet: offload state."""

    side: str = ""
    packet: bytes = None
    pause: float = 0
    vnet: bytes = PLAIN

    def __str__(self):
        if self.packet is None:
            return "-- %.1f s" % self.pause
        return "%s %s%s" % (self.side, wire.describe(self.packet), "" if self.vnet == PLAIN else " vnet " + self.vnet.hex())


class Sequence(NamedTuple):
    kind: str
    number: int
    steps: list


class Difference(NamedTuple):
    """What differed after step number @at."""

    sequence: Sequence
    at: int
    what: str
    kernel: str
    tapgate: str

    def __str__(self):
        return "after step %d: %s\n    kernel:  %s\n    tapgate: %s" % (self.at + 1, self.what, self.kernel, self.tapgate)


def _same_frame(a, b, sent):
    """Whether two frames that left are the same; a packet of the router's own may have any identification."""
    if a == b:
        return True
    if len(a) != len(b) or a[18:20] == sent[4:6] or b[18:20] == sent[4:6]:
        return False
    return a[:18] + a[20:24] + a[26:] == b[:18] + b[20:24] + b[26:]


def _frames_text(frames):
    return "; ".join("%s: %s" % (port, " / ".join(wire.describe(f[14:]) for f in seen)) for port, seen in frames.items()
                     if seen) or "nothing"


def compare_frames(theirs, ours, sent):
    """What differs in what left, or None."""
    for port, want in theirs.items():
        have = ours[port]
        if len(want) != len(have) or not all(_same_frame(a, b, sent) for a, b in zip(want, have)):
            return "what left", _frames_text(theirs), _frames_text(ours)
    return None


def entry_differs(theirs, ours):
    """The name of the first field in which two entries differ, or None."""
    if theirs is None or ours is None:
        return None if theirs is ours else "existence"
    if abs(int(theirs.timeout) - int(ours.timeout)) > 1:
        return "timeout"
    if theirs[:3] == ours[:3] and theirs[4:] == ours[4:]:
        return None
    return next(name for name, a, b in zip(theirs._fields, theirs, ours) if a != b and name != "timeout")


class Names:
    """What Tapgate's tuples are called; here: what they are.  See translate.Names."""

    def entry(self, e):
        return e


class Player:
    """One sequence on its way."""

    Names = Names  # of which a lab has one for a group

    def __init__(self, sequence, lab):
        self.sequence, self.kernel, self.tapgate, self.zone = sequence, lab.kernel, lab.tapgate, lab.group.zone
        self.expects = lab.group.expects
        self.at = 0          # the next step
        self.tuples = []     # to ask for, the first seen of the two directions
        self.known = set()
        self.difference = None

    def _learn(self, t):
        if t is None or t in self.known or len(self.tuples) >= TUPLES_MAX:
            return
        self.tuples.append(t)
        self.known.add(t)
        self.known.add(wire.inverse(t))

    def _step(self, step):
        """Plays one packet. Return: (what, kernel, tapgate) or None."""
        frame = ROUTER_MAC[step.side] + HOST_MAC[step.side] + b"\x08\x00" + step.packet
        now = time.monotonic_ns()
        theirs = self.kernel.send(step.side, frame, now, step.vnet)
        ours = self.tapgate.send(step.side, frame, now, step.vnet)
        found = compare_frames(theirs, ours, step.packet)
        if found:
            return found
        self._learn(wire.tuple_of(step.packet))
        self._learn(wire.quoted_tuple_of(step.packet))
        return next(filter(None, map(self._compare_entry, self.tuples)), None) or self._compare_expectations()

    def _compare_expectations(self):
        """(what, kernel, tapgate) or None; of a group with helpers."""
        if not self.expects:
            return None
        now, own = time.monotonic_ns(), ".%d.%d " % divmod(self.sequence.number, 256)
        theirs, ours = ({x: seconds for x, seconds in side.expectations(now).items() if own in x}
                        for side in (self.kernel, self.tapgate))
        if theirs.keys() == ours.keys() and all(abs(theirs[x] - ours[x]) <= 1 for x in theirs):
            return None
        return "what is expected", str(theirs), str(ours)

    def _compare_entry(self, t):
        """(what, kernel, tapgate) or None."""
        now = time.monotonic_ns()
        theirs, ours = self.kernel.entry(t, now, self.zone), self.tapgate.entry(t, now, self.zone)
        what = entry_differs(theirs, ours)
        return what and ("%s of the connection %s" % (what, wire.tuple_text(t)), str(theirs), str(ours))

    def until_pause(self):
        """Plays up to the next pause. Return: its seconds; None at the end or after a difference."""
        steps = self.sequence.steps
        while self.at < len(steps) and not self.difference:
            step = steps[self.at]
            self.at += 1
            if step.packet is None:
                return step.pause
            found = self._step(step)
            if found:
                self.difference = Difference(self.sequence, self.at - 1, *found)
        return None


class Lab:
    """Both sides, set up alike."""

    def __init__(self, kernel, tapgate):
        self.kernel, self.tapgate = kernel, tapgate
        self.group = self.names = None
        self.packets = 0
        self.replays = 0

    def set_up(self, group):
        """Fresh sides with a group's rules and tunables."""
        self.group, self.names = group, group.player.Names()
        self.kernel.reset()
        self.tapgate.reset()
        for side in (self.kernel, self.tapgate):
            side.rules(group.rules)
            for path, value in group.sysctls.items():
                side.sysctl(path, value)

    def play(self, sequences):
        """Plays sequences side by side. Return: their differences."""
        players = [self.group.player(s, self) for s in sequences]
        waiting = players
        while waiting:
            pauses = [(player, player.until_pause()) for player in waiting]
            waiting = [player for player, pause in pauses if pause is not None]
            if waiting:
                time.sleep(max(pause for _, pause in pauses if pause is not None))
        self.packets += sum(1 for player in players for step in player.sequence.steps[:player.at] if step.packet is not None)
        return [player.difference for player in players if player.difference]

    def replay(self, group, sequence):
        """Plays one sequence on fresh sides. Return: its difference or None."""
        self.set_up(group)
        self.replays += 1
        before = self.kernel.counters()
        found = self.play([sequence._replace(steps=[self._new_ident(step) for step in sequence.steps])])
        if found:
            return found[0]
        wrong = self.compare_counters(before) + self.compare_tables()
        return Difference(sequence, len(sequence.steps) - 1, *wrong[0]) if wrong else None

    def _new_ident(self, step):
        """A fragment with another identification: the kernel may still have pieces of the datagram from the last time."""
        p = step.packet
        if p is None or not struct.unpack_from("!H", p, 6)[0] & 0x3fff:
            return step
        ident = struct.unpack_from("!H", p, 4)[0] ^ self.replays & 0xffff
        head = p[:4] + struct.pack("!H", ident) + p[6:10] + b"\0\0" + p[12:20]
        return step._replace(packet=head[:10] + struct.pack("!H", wire.checksum(head)) + head[12:] + p[20:])

    def shrink(self, group, difference):
        """The same kind of difference with as few steps as can be."""
        def same(other):
            return other and other.what.split()[:2] == difference.what.split()[:2]

        steps = difference.sequence.steps[:difference.at + 1]
        best, size = difference, max(len(steps) // 2, 1)
        while size:
            at = len(steps) - 1 - size
            while at >= 0:
                fewer = steps[:at] + steps[at + size:]
                found = self.replay(group, difference.sequence._replace(steps=fewer))
                if same(found):
                    steps, best = fewer[:found.at + 1], found
                at -= size
            size = size // 2 if size > 1 else 0
        return best

    def compare_tables(self):
        """What differs of the whole tables: [(what, kernel, tapgate)]."""
        now = time.monotonic_ns()
        theirs = {e.orig: e for e in self.kernel.entries(now)}
        ours = {e.orig: e for e in map(self.names.entry, self.tapgate.entries(now))}
        found = []
        for t in sorted(theirs.keys() | ours.keys()):
            a, b = theirs.get(t), ours.get(t)
            what = entry_differs(a, b)
            if what == "existence" and (a or b).timeout < 1:
                continue  # its time is up in this moment
            if what:
                found.append(("%s of the connection %s" % (what, wire.tuple_text(t)), str(a), str(b)))
        return found

    def compare_counters(self, before):
        """The counters that differ. @before: the kernel's when the group began."""
        theirs, ours = self.kernel.counters(), self.tapgate.counters()
        return [("counter " + name, str(theirs[name] - before[name]), str(ours[name])) for name in theirs
                if theirs[name] - before[name] != ours[name] and name not in self.group.uncounted]
