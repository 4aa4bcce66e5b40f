"""The runner itself: what it must notice, and what it must not mind."""

import pytest

from testnet import text
from testnet.compare import difference
from testnet.kernel_lab import KernelLab
from testnet.packets import IP, TCP, UDP, Raw, echo, error, tcp, udp
from testnet.scenario import Scenario

RULES = "*filter\n:FORWARD ACCEPT\n-A FORWARD -p udp -m udp --dport 53 -j %s\n"

DIFFERENCES = [
    # left, right, do they agree
    (["tcp 6 ~119 SYN_SENT"], ["tcp 6 ~117 SYN_SENT"], True),
    (["tcp 6 ~119 SYN_SENT"], ["tcp 6 ~110 SYN_SENT"], False),
    (["tcp 6 ~119 SYN_SENT"], ["tcp 6 ~119 SYN_RECV"], False),
    (["a", "b"], ["a"], False),
    (["a"], ["a", "b"], False),
    (["a", "b"], ["b", "a"], False),
    (["packets=5"], ["packets=6"], False),
    ([], [], True),
]


@pytest.mark.parametrize("left, right, agree", DIFFERENCES)
def test_difference(left, right, agree):
    """Only ~N may differ, and only a little."""
    assert (difference([("x", left)], [("x", right)], ("a", "b")) == "") is agree


def test_names_of_records_count():
    """The same lines under another name are a difference."""
    assert difference([("x", ["1"])], [("y", ["1"])], ("a", "b"))


def test_a_different_router_is_noticed():
    """One rule changed: packets, counters and connections all show it."""
    def send(lab):
        lab.client.send(udp())
        lab.record("through", lab.server.packets(0))
    runs = [Scenario(send, None, RULES % target, False, (), True, {}).play("kernel")
            for target in ("ACCEPT", "DROP")]
    diff = difference(*runs, ("accept", "drop"))
    for part in ("through", "rules", "connections"):
        assert part in diff


def test_an_exception_is_a_record():
    """A scenario that fails on one side can never look like one that passed."""
    def fail(lab):
        raise ValueError("no " + lab.kind)
    records, trace = Scenario(fail, None, RULES % "DROP", False, (), True, {}).try_play("kernel")
    assert records == [("exception", ["ValueError: no kernel"])] and "Traceback" in trace


def test_everything_is_removed():
    """Namespaces, processes and files of a laboratory are gone after it."""
    import os
    with KernelLab(RULES % "DROP") as lab:
        names = [host.netns for host in lab.hosts] + [lab.router_name]
        pids = [host.resident.pid for host in lab.hosts] + [lab.router.pid]
        directory = lab.directory
        sleeper = lab.client.start("sleep", "1000")
        assert all(os.path.exists("/run/netns/" + name) for name in names)
    assert not any(os.path.exists("/run/netns/" + name) for name in names)
    assert not os.path.exists(directory)
    for pid in pids + [sleeper]:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


CHECKSUMS = [
    (udp(), ""), (tcp(), ""), (echo(), ""), (error(3, 3, "10.1.0.1", udp()), ""),
    (IP() / UDP(chksum=1) / Raw(b"x"), "BAD-CHECKSUM"), (IP() / TCP(chksum=1), "BAD-CHECKSUM"),
    (IP(chksum=1) / UDP(), "BAD-IP-CHECKSUM"), (IP() / UDP(chksum=0), "no-checksum"),
]


@pytest.mark.parametrize("item, word", CHECKSUMS)
def test_checksums_are_verified(item, word):
    """A packet's line tells a wrong checksum, and only that."""
    line = text.packet(IP(bytes(item)))
    if word:
        assert word in line
    else:
        assert "BAD" not in line and "no-checksum" not in line


def test_inner_checksums_are_verified():
    """So does the line of a packet quoted by an ICMP error."""
    assert "BAD-CHECKSUM" in text.packet(IP(bytes(error(3, 3, "10.1.0.1", IP() / UDP(chksum=7) / Raw(b"x")))))


def test_rules_shorthand():
    """COMMIT and counters are added, comments and indentation go."""
    full = text.complete_rules("  # comment\n *nat\n :mine -\n *filter\n :INPUT DROP [1:2]\n COMMIT\n")
    assert full == "*nat\n:mine - [0:0]\nCOMMIT\n*filter\n:INPUT DROP [1:2]\nCOMMIT\n"
    assert text.tables_of(full) == {"nat", "filter"}


def test_fuzzy_counters():
    """Fuzzy still tells zero from not zero."""
    saved = "*filter\n:INPUT DROP [0:0]\n[3:120] -A INPUT -j DROP\n[0:0] -A INPUT -j LOG\nCOMMIT\n"
    assert text.saved_rules(saved, {"filter"}, fuzzy=True) == [
        "filter :INPUT DROP [0:0]", "filter [+] -A INPUT -j DROP", "filter [0:0] -A INPUT -j LOG"]
    assert text.saved_rules(saved, {"nat"}) == []
