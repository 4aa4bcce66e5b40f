"""What nf_conntrack_log_invalid says of the rows' packets: line by line what Linux says.

Among the lines are the bounds of TCP's windows as numbers, so that they are compared too.  Linux logs into one buffer
for all namespaces; the IP identification tells this test's packets from those of anybody else.
"""

import os
import random
import re

from tracker_rows import Row, Step, can_play, packet, read_rows, send_all

from testnet.kernel_lab import KernelLab
from testnet.tapgate_lab import TapgateLab

ALL_NAMESPACES = "/proc/sys/net/netfilter/nf_log_all_netns"
LOGGED = {"net.netfilter.nf_conntrack_log_invalid": "255"}
EDGES = [1, -1, 2, 5840, 5841, -5840, -5841, 65999, 66000, -65999, -66000, -66001, 200000, -200000]
PROGRAMS = ("test_protocols", "test_tcp", "test_tcp_window", "test_tcp_matrix", "test_sctp")


class KernelLog:
    """The kernel's messages from now on, those of namespaces included."""

    def __enter__(self):
        with open(ALL_NAMESPACES) as file:
            self.before = file.read()
        with open(ALL_NAMESPACES, "w") as file:
            file.write("1")
        self.buffer = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
        os.lseek(self.buffer, 0, os.SEEK_END)
        return self

    def __exit__(self, *_):
        os.close(self.buffer)
        with open(ALL_NAMESPACES, "w") as file:
            file.write(self.before)

    def lines(self):
        """The messages; a line break in the middle of one is left out, as Tapgate does."""
        found = []
        while True:
            try:
                record = os.read(self.buffer, 8192).decode(errors="replace")
            except BlockingIOError:
                return found
            except BrokenPipeError:     # some were overwritten: the comparison will miss them
                continue
            found.append(record.split(";", 1)[-1].split("\n")[0].replace("\\x0a", ""))


def of_this_test(lines, idents):
    """{identification: [line]} of the lines about invalid packets of this test."""
    found = {}
    for line in lines:
        match = re.search(r"(nf_ct_proto_\d+: .*? ID=(\d+) .*)$", line)
        if match and int(match.group(2)) in idents:
            found.setdefault(int(match.group(2)), []).append(match.group(1).rstrip())
    return found


def converse(lab, rows, ident, collect=list):
    """Send every row's packets, step by step; nobody waits for the time of a row.

    Return: what @collect gave after each step, together.
    """
    found = []
    for n in range(max(len(row.steps) for row in rows)):
        send_all(lab, {index: packet(index, row.steps[n].line, ident)
                       for index, row in enumerate(rows) if n < len(row.steps)})
        found += collect()
    return found


def random_row(rng, number):
    """A TCP conversation around the edges of its windows, with probes at its end that make the router name every bound."""
    base = {"O": rng.choice([100, 0xfffffff0]), "R": rng.choice([500, 0xffffff00])}
    after = {"O": base["O"] + 1, "R": base["R"] + 1}
    options = {side: rng.choice(["", " o=S", " o=W7", " o=SW2", " o=W14"]) for side in "OR"}
    lines = ["O tcp S s=%d%s" % (base["O"], options["O"]),
             "R tcp SA s=%d a=%d%s" % (base["R"], after["O"] % 2 ** 32, options["R"]),
             "O tcp A s=%d a=%d" % (after["O"] % 2 ** 32, after["R"] % 2 ** 32)][:rng.randint(1, 3)]
    for _ in range(5):
        side = rng.choice("OR")
        other = "R" if side == "O" else "O"
        flags = rng.choice(["A"] * 6 + ["PA", "PA", "FA", "RA", "S", "SA"])
        seq, ack = after[side] + rng.choice([0] * 8 + EDGES), after[other] + rng.choice([0] * 8 + EDGES)
        size = rng.choice([0, 0, 1, 100, 1000]) if "S" not in flags and "R" not in flags else 0
        more = " o=B1:%d" % ((ack + rng.choice([0, 1, 100])) % 2 ** 32) if flags == "A" and rng.random() < 0.2 else ""
        lines.append("%s tcp %s s=%d a=%d l=%d w=%d%s" % (side, flags, seq % 2 ** 32, ack % 2 ** 32, size,
                                                         rng.choice([0, 1, 100, 5840, 65535]), more))
        if seq == after[side]:
            after[side] = (seq + size + ("S" in flags) + ("F" in flags)) % 2 ** 32
    for side in "OR":
        peer = after["R" if side == "O" else "O"]
        for seq, ack in ((2 ** 31 - 9, 0), (0, 2 ** 31 - 9), (-2 ** 31 + 200000, 0), (0, -2 ** 31 + 200000)):
            lines.append("%s tcp A s=%d a=%d" % (side, (after[side] + seq) % 2 ** 32, (peer + ack) % 2 ** 32))
    return Row("random %d" % number, "", [Step(0, line, "") for line in lines])


def same_lines(rows, *words):
    """Play the rows on both routers and compare; each of @words must be in what the kernel said."""
    ident = random.randint(1, 65000 - len(rows))
    idents = range(ident, ident + len(rows))
    with KernelLog() as log, KernelLab(sysctl=LOGGED) as lab:
        lab.router.call("write", [("/proc/sys/net/netfilter/nf_log/2", "nf_log_ipv4")])
        linux = of_this_test(converse(lab, rows, ident, log.lines), idents)
    with TapgateLab(sysctl=LOGGED) as lab:
        converse(lab, rows, ident)
        ours = of_this_test(lab.log_lines(), idents)
    said = " ".join(line for lines in linux.values() for line in lines)
    for text in words:
        assert text in said, "no packet made the kernel say " + text
    wrong = ["%s\n  Linux:   %s\n  Tapgate: %s" % (row.name, theirs, mine)
             for index, row in enumerate(rows)
             for theirs, mine in [(linux.get(ident + index), ours.get(ident + index))] if theirs != mine]
    assert not wrong, "\n".join(wrong)


def test_same_lines():
    """Each packet's line is the kernel's, to the letter.  The rows' own sysctls change timeouts, not lines."""
    rows = [row for program in PROGRAMS for row in read_rows(program) if can_play(row)]
    same_lines(rows, "SEQ is over", "SEQ is under", "ACK is over", "ACK under", "more than expected", "invalid rst",
               "challenge-ack", "verification tag", "bad checksum")


def test_random_windows():
    """So are those of random conversations: 100 that end with a look at all bounds."""
    rng = random.Random(4)
    same_lines([random_row(rng, number) for number in range(100)], "SEQ is over", "SEQ is under", "ACK is over", "ACK under",
               "more than expected")
