"""What nf_conntrack_log_invalid says of the rows' packets: line by line what Linux says.

Among the lines are the bounds of TCP's windows as numbers, so that they are compared too.  Linux logs into one buffer
for all namespaces; the IP identification tells this test's packets from those of anybody else.
"""

import os
import random
import re

from tracker_rows import can_play, packet, read_rows, send_all

from testnet.kernel_lab import KernelLab
from testnet.tapgate_lab import TapgateLab

ALL_NAMESPACES = "/proc/sys/net/netfilter/nf_log_all_netns"
LOGGED = {"net.netfilter.nf_conntrack_log_invalid": "255"}
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


def converse(lab, rows, ident):
    """Send every row's packets, step by step; nobody waits for the time of a row."""
    for n in range(max(len(row.steps) for row in rows)):
        send_all(lab, {index: packet(index, row.steps[n].line, ident)
                       for index, row in enumerate(rows) if n < len(row.steps)})


def test_same_lines():
    """Each packet's line is the kernel's, to the letter.  The rows' own sysctls change timeouts, not lines."""
    rows = [row for program in PROGRAMS for row in read_rows(program) if can_play(row)]
    ident = random.randint(1, 65000 - len(rows))
    idents = range(ident, ident + len(rows))
    with KernelLog() as log, KernelLab(sysctl=LOGGED) as lab:
        lab.router.call("write", [("/proc/sys/net/netfilter/nf_log/2", "nf_log_ipv4")])
        converse(lab, rows, ident)
        linux = of_this_test(log.lines(), idents)
    with TapgateLab(sysctl=LOGGED) as lab:
        converse(lab, rows, ident)
        ours = of_this_test(lab.log_lines(), idents)
    said = " ".join(line for lines in linux.values() for line in lines)
    for words in ("SEQ is over", "SEQ is under", "ACK is over", "ACK under", "more than expected", "invalid rst",
                  "challenge-ack", "verification tag", "bad checksum"):
        assert words in said, "no packet made the kernel say " + words
    wrong = ["%s\n  Linux:   %s\n  Tapgate: %s" % (row.name, theirs, mine)
             for index, row in enumerate(rows)
             for theirs, mine in [(linux.get(ident + index), ours.get(ident + index))] if theirs != mine]
    assert not wrong, "\n".join(wrong)
