"""conntrack -E against conntrack(8): the same connections on both, the same events in the same order; readers that are too slow.

    client 10.1.0.50 --lan-- router --wan-- 203.0.113.50 server
"""

import re
import signal
import subprocess
import time

import pytest

from testnet import namespaces
from testnet.kernel_lab import KernelLab
from testnet.packets import VC, VS, answer, echo, tcp, udp
from testnet.tapgate_lab import TapgateLab, binary

RULES = """
*raw
:PREROUTING ACCEPT
-A PREROUTING -p tcp -m tcp --dport 21 -j CT --helper ftp
-A PREROUTING -p udp -m udp --dport 90 -j CT --ctevents new,destroy
-A PREROUTING -p udp -m udp --dport 91 -j CT --ctevents reply
-A PREROUTING -p udp -m udp --dport 92 -j CT --ctevents assured
-A PREROUTING -p udp -m udp --dport 93 -j CT --expevents new
-A PREROUTING -p udp -m udp --dport 94 -j CT --zone 4
*mangle
:PREROUTING ACCEPT
-A PREROUTING -p udp -m udp --dport 77 -j CONNMARK --set-xmark 0x9/0xffffffff
-A PREROUTING -p udp -m udp --sport 77 -j CONNMARK --set-xmark 0xa/0xffffffff
-A PREROUTING -p udp -m udp --dport 78 -m connlabel --label 3 --set
*nat
:POSTROUTING ACCEPT
-A POSTROUTING -o wan -p udp -m udp --dport 53 -j MASQUERADE
"""
SYSCTL = {"net.netfilter.nf_conntrack_timestamp": "1", "net.netfilter.nf_conntrack_acct": "1"}


@pytest.fixture(scope="module")
def labs():
    """Both, with rules that were loaded while somebody listened: only then Linux heeds --ctevents."""
    with KernelLab(RULES, sysctl=SYSCTL) as kernel, TapgateLab(RULES, sysctl=SYSCTL) as tapgate:
        listener = listen(kernel, ["-E"])[0]
        status, _out, error = kernel.router.call("run", ["iptables-legacy-restore"], text=kernel.rules)
        listener.end()
        assert status == 0, error
        yield kernel, tapgate


def run(lab, *args):
    """(status, stdout, stderr) of conntrack ARGS."""
    if lab.kind == "tapgate":
        return lab.process.command("conntrack", *args, check=False)
    return tuple(lab.router.call("run", ["conntrack", *args]))


class Watcher:
    """A running -E."""

    def __init__(self, lab, args):
        argv = [binary(), "-S", lab.process.socket, "conntrack"] if lab.kind == "tapgate" else \
            ["ip", "netns", "exec", lab.router_name, "conntrack"]
        self.child = subprocess.Popen([*argv, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                      preexec_fn=namespaces.die_with_parent)

    def end(self, how=signal.SIGTERM):
        """(status, stdout, stderr) after an interrupt."""
        self.child.send_signal(how)
        out, error = self.child.communicate(timeout=20)
        return self.child.returncode, out, error


def listen(lab, *all_args):
    """Watchers that listen, or have ended."""
    watchers = [Watcher(lab, args) for args in all_args]

    def all_listen():
        alive = sum(watcher.child.poll() is None for watcher in watchers)
        if lab.kind == "kernel":
            rows = [line.split() for line in lab.router.call("run", ["cat", "/proc/net/netlink"])[1].splitlines()[1:]]
            return sum(row[1] == "12" and int(row[3], 16) != 0 for row in rows) >= alive
        with open("/proc/net/unix") as file:
            return sum(line.split()[5] == "03" and line.endswith(lab.process.socket + "\n") for line in file) >= alive

    assert lab.wait(all_listen, limit=20)
    time.sleep(0.3)
    return watchers


def shape(done):
    """What must be equal: numbers of entries and processes, seconds and clocks hidden."""
    status, out, error = done
    for pattern, to in ((r"\] ((?:ipv4 +2 )?\w+ +\d+) \d+ ", r"] \1 SECONDS "), (r"(?m)^(-[AUD] -t) \d+", r"\1 SECONDS"),
                        (r"<timeout>\d+", "<timeout>SECONDS"), (r"<id>\d+", "<id>N"), (r"(?m)^\[\d+\.\d+ *\]\t", "[time]\t"),
                        (r"(\d+) proto=", r"SECONDS proto="), (r"\[(start|stop)=[^]]*\]", r"[\1]"),
                        (r"<(start|stop)>\d+", r"<\1>"), (r"delta-time=\d+|<deltatime>\d+", "age"),
                        (r"<when>.*?</when>", "<when>"), (r"portid=\d+( progname=\w+)?", "portid"), (r"\bid=\d{4,}", "id=N")):
        out = re.sub(pattern, to, out)
    return status, out.splitlines(), error


def there(lab, item):
    """The client sends; what arrived at the server."""
    lab.client.send(item)
    return lab.server.arrived(1)[0]


def back(lab, item):
    """The server sends; what arrived at the client."""
    lab.server.send(item)
    return lab.client.arrived(1)[0]


def exchange(lab, item):
    """There and, answered, back."""
    return back(lab, answer(there(lab, item)))


def reply(flags, sport=80, dport=40000, **more):
    """A segment from the server."""
    return tcp(flags, src=VS, dst=VC, sport=sport, dport=dport, **more)


def handshake(lab, sport, dport):
    """To ESTABLISHED: the client goes on at 1001, the server at 5001."""
    there(lab, tcp("S", sport=sport, dport=dport))
    back(lab, reply("SA", dport, sport, seq=5000, ack=1001))
    there(lab, tcp("A", sport=sport, dport=dport, seq=1001, ack=5001))


def whole_life(lab):
    """TCP from SYN to TIME_WAIT; one that is reset; one half open."""
    handshake(lab, 40000, 80)
    there(lab, tcp("PA", seq=1001, ack=5001, data=b"GET"))
    back(lab, reply("A", seq=5001, ack=1004))
    there(lab, tcp("FA", seq=1004, ack=5001))
    back(lab, reply("A", seq=5001, ack=1005))
    back(lab, reply("FA", seq=5001, ack=1005))
    there(lab, tcp("A", seq=1005, ack=5002))
    handshake(lab, 40001, 81)
    there(lab, tcp("R", sport=40001, dport=81, seq=1001))
    there(lab, tcp("S", sport=40002, dport=82))
    back(lab, reply("RA", 82, 40002, seq=0, ack=1001))
    run(lab, "-D", "-p", "tcp", "--dport", "81")


def datagrams(lab):
    """UDP translated, marked, labelled, in a zone, with masks of events; ICMP."""
    for dport in (53, 77, 78, 90, 91, 92, 93, 94):
        exchange(lab, udp(sport=5000 + dport, dport=dport))
        there(lab, udp(sport=5000 + dport, dport=dport))
    exchange(lab, echo())
    there(lab, udp(sport=9, dport=9))
    for dport in (53, 77, 78, 90, 91, 92, 93, 94, 9):
        run(lab, "-D", "-p", "udp", "--dport", str(dport))
    run(lab, "-D", "-p", "icmp")


def ftp(lab):
    """A helper that expects a connection, and its coming; one that is expected and never comes."""
    handshake(lab, 40021, 21)
    seq, ack = 1001, 5001
    for line, said in ((b"USER x\r\n", b"331 x\r\n"), (b"PORT 10,1,0,50,100,100\r\n", b"200 x\r\n"),
                       (b"PORT 10,1,0,50,100,200\r\n", b"200 x\r\n")):
        there(lab, tcp("PA", sport=40021, dport=21, seq=seq, ack=ack, data=line))
        seq += len(line)
        back(lab, reply("PA", 21, 40021, seq=ack, ack=seq, data=said))
        ack += len(said)
        if b"100,100" in line:
            back(lab, tcp("S", src=VS, dst=VC, sport=20, dport=25700))
    run(lab, "-F", "expect")
    run(lab, "-D", "-p", "tcp", "--dport", "25700")
    run(lab, "-D", "-p", "tcp", "--dport", "21")


def by_hand(lab):
    """Entries made, changed and deleted by commands; a flush; one whose time is over."""
    for words in ("-I -s 1.1.1.1 -d 2.2.2.2 -p udp --sport 1 --dport 2 -t 100 -m 9 -w 5",
                  "-I -s 1.1.1.1 -d 2.2.2.2 -p tcp --sport 1 --dport 2 --state ESTABLISHED -t 100",
                  "-U -s 1.1.1.1 -p tcp -m 4", "-U -s 1.1.1.1 -p tcp -t 200 --state CLOSE", "-D -s 1.1.1.1 -p tcp", "-F",
                  "-I -s 1.1.1.1 -d 2.2.2.2 -p udp --sport 1 --dport 2 -t 1"):
        run(lab, *words.split())
    time.sleep(1.2)
    run(lab, "-L")  # Linux removes it when it is passed


LISTENERS = ["-E", "-E -o save", "-E -o xml,timestamp,ktimestamp,id,labels", "-E -e NEW,DESTROY -o extended",
             "-E -p tcp --state ESTABLISHED", "-E -m 9", "-E -m 0", "-E -n", "-E -e UPDATES -p udp -o ktimestamp",
             "-E -e DESTROY -o ktimestamp,id", "-E -w 5", "-E -u ASSURED", "-E -s 10.1.0.0/24 -d 203.0.113.50",
             "-E -f ipv6", "-E expect", "-E expect -o xml", "-E expect -o timestamp,id", "-E -b 1000 -p icmp",
             "-E -b 100000 -p icmp -o timestamp"]


@pytest.mark.parametrize("play", [whole_life, datagrams, ftp, by_hand], ids=lambda play: play.__name__)
def test_same_events(labs, play):
    """Each listener hears the same on both, in order, and ends with the same words."""
    heard = []
    for lab in labs:
        run(lab, "-F")
        watchers = listen(lab, *[words.split() for words in LISTENERS])
        play(lab)
        run(lab, "-F")
        time.sleep(0.3)
        heard.append([shape(watcher.end()) for watcher in watchers])
    for words, theirs, ours in zip(LISTENERS, *heard):
        assert ours == theirs, words
    assert any(len(one[1]) > 3 for one in heard[0])


@pytest.mark.parametrize("value", ["0", "1", "2"])
def test_the_tunable(labs, value):
    """nf_conntrack_events: which of the connections made before and after somebody listens are heard of."""
    heard = []
    for lab in labs:
        run(lab, "-F")
        time.sleep(0.2)  # who listened before is gone
        assert lab.sysctl("net.netfilter.nf_conntrack_events", value) in ("", None)
        there(lab, udp(sport=1, dport=1))
        there(lab, udp(sport=90, dport=90))
        watchers = listen(lab, ["-E"], ["-E", "expect"])
        for port in (1, 2, 90, 91):
            exchange(lab, udp(sport=port, dport=port))
        for port in (1, 2, 90, 91):
            run(lab, "-D", "-p", "udp", "--sport", str(port))
        time.sleep(0.5)
        heard.append([shape(watcher.end()) for watcher in watchers])
        lab.sysctl("net.netfilter.nf_conntrack_events", "2")
    assert heard[0] == heard[1]


def resident_kib(lab):
    """Memory of the router."""
    with open("/proc/%d/status" % lab.process.child.pid) as file:
        return int(re.search(r"VmRSS:\s+(\d+)", file.read())[1])


def flood(lab, rounds):
    """So many entries made and deleted by commands in a file: two events each."""
    lines = "-A -s 1.1.1.1 -d 2.2.2.2 -p udp --sport %d --dport 2 -t 100\n"
    for _ in range(rounds):
        text = "".join(lines % port for port in range(1, 4001)) + "-F\n"
        assert lab.process.command("conntrack", "-R", "-", text=text)[0] == 0


def keeps_freed_memory():
    """Whether the program is a sanitizer's build."""
    with open(binary(), "rb") as file:
        return b"__asan_init" in file.read()


def test_a_reader_that_stands_still(labs, tmp_path, request):
    """It holds up neither packets nor the router's memory; when it goes on it is told how many it lost, and hears the next."""
    lab = labs[1]
    run(lab, "-F")
    logs = [open(tmp_path / name, "w+") for name in ("slow", "slow.error", "whole", "whole.error")]
    slow, whole = (subprocess.Popen([binary(), "-S", lab.process.socket, "conntrack", "-E"], stdout=out, stderr=error)
                   for out, error in (logs[:2], logs[2:]))
    request.addfinalizer(slow.kill)
    request.addfinalizer(whole.kill)
    time.sleep(0.3)
    slow.send_signal(signal.SIGSTOP)
    flood(lab, 1)
    before = resident_kib(lab)
    flood(lab, 2)
    assert resident_kib(lab) - before < 4096 or keeps_freed_memory()
    assert lab.client.ping("203.0.113.1")[0] == "exit 0"
    slow.send_signal(signal.SIGCONT)
    lab.wait(lambda: "have been lost" in (tmp_path / "slow.error").read_text(), limit=10)
    exchange(lab, udp(sport=7, dport=7))
    time.sleep(0.3)
    for child in (slow, whole):
        child.send_signal(signal.SIGTERM)
        assert child.wait(10) == 0
    for log in logs:
        log.close()
    out, error, _all, all_error = ((tmp_path / name).read_text() for name in ("slow", "slow.error", "whole", "whole.error"))
    lost = sum(int(number) for number in re.findall(r"NOTICE: (\d+) events have been lost", error))
    shown, total = (int(re.search(r"(\d+) flow events have been shown", said)[1]) for said in (error, all_error))
    assert error.startswith("WARNING: We have hit ENOBUFS! We are losing events.\n")
    assert "sport=7 dport=7" in out and out.count("\n") == shown
    assert lost > 1000 and shown + lost == total > 24000


def test_a_reader_that_goes_away(labs):
    """One that is killed is forgotten: entries that come after it stay silent again."""
    lab = labs[1]
    gone = listen(lab, ["-E"])[0]
    gone.child.kill()
    gone.child.communicate()
    time.sleep(0.2)
    run(lab, "-I", *"-s 1.1.1.1 -d 2.2.2.2 -p udp --sport 1 --dport 2 -t 100".split())
    late = listen(lab, ["-E"])[0]
    run(lab, "-D", "-s", "1.1.1.1")
    assert late.end(signal.SIGINT)[1] == ""
