"""The conntrack command against conntrack(8): the same words, the same packets, the same text and status.

Both laboratories run side by side; to add a case: one more line in ROWS.
"""

import re
import subprocess
import time

import pytest

from testnet.kernel_lab import KernelLab
from testnet.packets import answer, echo, tcp, udp
from testnet.tapgate_lab import TapgateLab, binary

RULES = "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -p udp -j MASQUERADE\n*filter\n:FORWARD ACCEPT\n" \
        "*mangle\n:PREROUTING ACCEPT\n-A PREROUTING -p icmp -j CONNMARK --set-xmark 0x5/0xffffffff\n"

ROWS = [line.split() for line in """
-L
-L conntrack
--dump
-L -p tcp
-L -p udp
-L -p 17
-L -p TCP
-L -p icmp
-L -p esp
-L -p 50
-L -p nope
-L -p
-L -p tcp -p udp
-L -p udp --dport 53
-L -p udp --sport 5000 --dport 54
-L -p udp --orig-port-dst 53
-L -p udp --reply-port-src 53
-L -p udp --reply-port-dst 5000
-L -p udp --dport x
-L -p udp --dport
-L --dport 53 -p udp
-L --sport 53
-L -p tcp --state ESTABLISHED
-L -p tcp --state SYN_SENT
-L -p tcp --state NONE
-L -p tcp --state established
-L -p udp --state ESTABLISHED
-L -p dccp --state OPEN
-L -p dccp --state FOO
-L -p dccp --sport 5 --dport 6
-L -p icmp --icmp-type 8
-L -p icmp --icmp-type 0
-L -p icmp --icmp-code 0
-L -p icmp --icmp-id 1
-L -p tcp --icmp-type 8
-L -s 10.1.0.1
-L -s 10.1.0.0/16
-L -s 10.1.0.1 --mask-src 255.255.0.0
-L -d 203.0.113.0/24
-L -d 203.0.113.1 --mask-dst 255.0.0.0
-L --src 10.1.0.1 --dst 203.0.113.1
-L --orig-src 10.1.0.1 --reply-src 203.0.113.1
-L -r 203.0.113.1
-L -q 10.1.0.1
-L -q 203.0.113.254
-L -s foo
-L -s 10.0.0.1/33
-L -s ::1
-L -s 10.1/16
-L --mask-src 255.0.0.0
-L --mask-dst 255.0.0.0
-L -s 10.1.0.1 --mask-src x
-L -m 5
-L -m 0
-L -m 0x5
-L -m 4/4
-L -m 1/1
-L -m x
-L -u ASSURED
-L -u SEEN_REPLY
-L -u UNREPLIED
-L -u seen_reply
-L -u ASS
-L -u ASSURED,SEEN_REPLY
-L -u UNREPLIED,ASSURED
-L -u EXPECTED
-L -u UNSET
-L -u SRC_NAT
-L -u FOO
-L -f ipv4
-L -f ipv6
-L -f ipx
-L -f inet
-L -n
-L -n 203.0.113.254
-L -n 203.0.113.1
-L -g
-L -j
-L -j 203.0.113.254
-L -w 0
-L -w 5
-L -c 1
-L -o extended
-L -o id
-L -o ktimestamp
-L -o timestamp
-L -o extended,id
-L -o foo
-L -o
-L expect
-L expect -p tcp
-L expect -s 10.0.0.1
-L dying
-L foo
-L -p tcp foo
-L -L
-L -D
-L -F
-L -x
-L --foo
-L -t 5
-L -e NEW
-L -b 5
-L -i 5
-s 1.1.1.1 -L
-C
-C conntrack
-C expect
-C foo
-C -p tcp
-C -f ipv4
-S -p tcp
-S -f ipv4
-E -z
-E foo
-E -e FOO
-E -u ASSURED
-E -t 5
-F -p tcp
-F -s 1.2.3.4
-F -m 4
-D -z
-D -s 1.2.3.4
-D -e NEW
-D -b 4
-D -p tcp --state SYN_RECV
-D -i 5
-V
-L -z -p udp
-L -z -m 0
-L -z -o extended
-L -p udp
-L -n 10.1.0.50
-L -g 203.0.113.50
-L -c 0
-D -p udp --dport 54
-D -m 5
-L
-F expect
-F conntrack
-L
-C
-D
""".strip().splitlines()]


@pytest.fixture(scope="module")
def labs():
    """(kernel, Tapgate) after the same little traffic."""
    options = {"sysctl": {"net.netfilter.nf_conntrack_timestamp": "1"}}
    with KernelLab(RULES, **options) as kernel, TapgateLab(RULES, **options) as tapgate:
        for lab in (kernel, tapgate):
            traffic(lab)
        yield kernel, tapgate


def traffic(lab):
    """One TCP connection on its way, an answered echo, UDP with and without an answer."""
    lab.client.send(udp(), tcp(), echo())
    lab.server.send(*[answer(item) for item in lab.server.arrived(3)])
    lab.client.arrived(3)
    lab.client.send(tcp("A", seq=1001, ack=5001), udp(dport=54))
    lab.server.arrived(2)


def run(lab, *args):
    """(status, stdout, stderr) of conntrack ARGS."""
    if lab.kind == "tapgate":
        return lab.process.command("conntrack", *args, check=False)
    return tuple(lab.router.call("run", ["conntrack", *args]))


def shape(done):
    """What must be equal: seconds, references, numbers and ages hidden; order does not count."""
    status, out, error = done
    out = re.sub(r"(?m)^((?:ipv4 +2 )?\S+ +\d+ )\d+ ", r"\1SECONDS ", out)
    out = re.sub(r"\b(use|id|delta-time)=\d+( \[start=.*?\])?", lambda m: m[1] + "=N" + ("[start]" if m[2] else ""), out)
    return status, sorted(out.splitlines()), error


@pytest.mark.parametrize("row", enumerate(ROWS), ids=lambda row: "%d: %s" % (row[0], " ".join(row[1])))
def test_same(labs, row):
    """Each row on both."""
    theirs, ours = (shape(run(lab, *row[1])) for lab in labs)
    assert ours == theirs


def test_icmp_id_by_number(labs):
    """What the listing shows as id can be asked for; the entry's number too."""
    for lab in labs:
        traffic(lab)
        line = run(lab, "-L", "-p", "icmp", "-o", "id")[1]
        number = re.search(r"code=0 id=(\d+)", line)[1]
        assert "1 flow entries" in run(lab, "-L", "-p", "icmp", "--icmp-id", number)[2]
        assert "0 flow entries" in run(lab, "-L", "-p", "icmp", "--icmp-id", str(int(number) ^ 1))[2]


EVENTS = [["-E"], ["-E", "-e", "NEW"], ["-E", "-e", "DESTROY,NEW", "-p", "tcp"], ["-E", "-e", "UPDATES", "-o", "extended"],
          ["-E", "-p", "udp", "--dport", "53"], ["-E", "-m", "5"], ["-E", "-s", "10.1.0.0/24", "-o", "id,timestamp"]]


def watch(lab, args):
    """Start an -E in the background."""
    argv = [binary(), "-S", lab.process.socket, "conntrack"] if lab.kind == "tapgate" else \
        ["ip", "netns", "exec", lab.router_name, "conntrack"]
    return subprocess.Popen([*argv, *args], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def seen(process):
    """The events, comparable: without who deleted, the numbers and the clock."""
    process.terminate()
    lines = process.communicate(timeout=10)[0].splitlines()
    return [re.sub(r"^\[\d+\.\d{6}\]\t", "[time]\t", re.sub(
        r" \[USERSPACE\].*", "", re.sub(r"\b(id|delta-time)=\d+", r"\1=N", re.sub(
            r"(\] (?:ipv4 +2 )?\S+ +\d+ )\d+ ", r"\1SECONDS ", line)))) for line in lines]


def test_events(labs):
    """The same traffic, the same events, and the deletion of it all."""
    got = []
    for lab in labs:
        run(lab, "-F")
        watchers = [watch(lab, args) for args in EVENTS]
        time.sleep(1)
        traffic(lab)
        for proto in ("tcp", "icmp", "udp"):
            run(lab, "-D", "-p", proto)
        time.sleep(0.5)
        got.append([seen(watcher) for watcher in watchers])
    for args, theirs, ours in zip(EVENTS, *got):
        assert sorted(ours) == sorted(theirs) and theirs, args


def test_events_that_nobody_reads(labs):
    """A listener that stands still does not hold the router, nor its memory; one that went away is forgotten."""
    tapgate = labs[1]
    stuck = watch(tapgate, ["-E"])
    try:
        time.sleep(0.3)
        tapgate.client.run("ping", "-q", "-f", "-c", "2000", "203.0.113.1")
        assert tapgate.process.command("status")[0] == 0
    finally:
        stuck.kill()
        stuck.communicate()
    assert tapgate.client.ping("203.0.113.1")[0] == "exit 0"
