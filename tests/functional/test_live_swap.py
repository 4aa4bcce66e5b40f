"""Live traffic while whole rulesets are swapped: nothing is lost, and a mistake changes nothing.

    client 10.1.0.1 --lan-- tapgate --wan-- 203.0.113.1 server
       UDP, numbered  ------------------>  counts
                       ^ iptables-restore, again and again
"""

import os
import subprocess
import sys
import time

import pytest

from testnet import namespaces
from testnet.packets import SERVER
from testnet.tapgate_lab import TapgateLab

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

RULES = 50000
OPEN = "*filter\n:FORWARD ACCEPT\n"
RECEIVE = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20)
s.bind(("0.0.0.0", 7000))
s.settimeout(3)
print("ready", flush=True)
seen = set()
try:
    while True:
        seen.add(s.recv(64))
        if b"end" in seen:
            break
except TimeoutError:
    pass
print(len(seen - {b"end"}))
"""
SEND = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect((sys.argv[1], 7000))
start, n = time.monotonic(), 0
print("ready", flush=True)
while time.monotonic() < start + float(sys.argv[2]):
    for _ in range(10):
        s.send(b"%d" % n)
        n += 1
    time.sleep(0.001)
time.sleep(0.2)
s.send(b"end")
print(n)
"""


def ruleset(tag, mistake=None):
    """A filter table of RULES rules in a chain that all packets pass, each rule's port telling rulesets apart."""
    lines = ["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD DROP [0:0]", ":OUTPUT ACCEPT [0:0]", ":big - [0:0]",
             "-A FORWARD -p udp --dport 7000 -j ACCEPT", "-A FORWARD -j big"]
    lines += ["-A big -s 10.%d.%d.0/24 -p tcp -m tcp --dport %d -j ACCEPT" % (i >> 8, i & 255, tag) for i in range(RULES)]
    if mistake:
        lines[mistake - 1] += "x"
    return "\n".join(lines + ["COMMIT", ""])


def python_in(host, script, *args):
    """Start a Python program on a host."""
    child = subprocess.Popen([sys.executable, "-c", script, *args], stdout=subprocess.PIPE, text=True,
                             preexec_fn=lambda: namespaces.enter(host.netns))
    assert child.stdout.readline() == "ready\n"
    return child


def restore(lab, text, *args):
    """iptables-restore: (status, stderr)."""
    done = subprocess.run([os.environ.get("TAPGATE") or "build/tapgate", "-S", lab.process.socket, "iptables-restore", *args],
                          input=text, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


@pytest.fixture
def lab():
    """A running router that forwards everything."""
    with TapgateLab(OPEN) as running:
        yield running


def test_no_packet_is_lost(lab):
    """Rulesets of 50,000 rules swapped for as long as numbered datagrams flow: all arrive."""
    texts = [ruleset(1), ruleset(2)]
    receiver = python_in(lab.server, RECEIVE)
    sender = python_in(lab.client, SEND, SERVER, "3")
    swaps, until = 0, time.monotonic() + 2.8
    while time.monotonic() < until:
        assert restore(lab, texts[swaps % 2]) == (0, "")
        swaps += 1
    sent, seen = int(sender.communicate(timeout=20)[0]), int(receiver.communicate(timeout=20)[0])
    print("%d swaps, %d datagrams" % (swaps, sent))
    assert swaps >= 2 and sent > 1000
    assert seen == sent


def test_a_mistake_changes_nothing(lab):
    """On line 40,000 of a text of 50,000: said with its line, the rules stay, and so do their counters."""
    assert restore(lab, ruleset(1)) == (0, "")
    before = lab.process.command("iptables-save", "-c")[1]
    status, said = restore(lab, ruleset(2, mistake=40000))
    assert status == 2 and "Error occurred at line: 40000\n" in said, said
    strip = lambda text: [line for line in text.splitlines() if not line.startswith("#")]
    assert strip(lab.process.command("iptables-save", "-c")[1]) == strip(before)


def test_unchanged_rules_keep_their_counters(lab):
    """A restore without -c: the rule that is in both texts goes on counting."""
    assert restore(lab, ruleset(1)) == (0, "")
    receiver = python_in(lab.server, RECEIVE)
    sender = python_in(lab.client, SEND, SERVER, "0.1")
    sent = int(sender.communicate(timeout=20)[0])
    receiver.communicate(timeout=20)
    assert restore(lab, ruleset(2)) == (0, "")
    assert "[%d:" % (sent + 1) in lab.process.command("iptables-save", "-c")[1]
