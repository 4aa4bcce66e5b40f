"""The same nfacct commands given to the real tool and, by a link of its name, to a running Tapgate: same output, same status.

    client --lan-- router --wan-- server        router: a namespace with nfacct and iptables-legacy, or Tapgate

To add a case: one more line in nfacct_commands.txt.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import time

import pytest

from testnet.kernel_lab import KernelLab
from testnet.packets import udp
from testnet.tapgate_lab import TapgateLab, binary

COMMANDS = pathlib.Path(__file__).with_name("nfacct_commands.txt")
RULES = "*filter\n:FORWARD ACCEPT\n"

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("nfacct"), reason="needs root and nfacct")


class FileLab(TapgateLab):
    """Tapgate with `accounting = accounting.txt`."""

    objects = "# what rules count into\n\n{ pkts = 1, bytes = 40 } = a;\n" \
              "{ pkts = 0, bytes = 0, quota = 2, mode = packet, overquota = no } = b;\n{ pkts = 5, bytes = 6 } = c;\n"

    def config(self):
        with open(os.path.join(self.directory, "accounting.txt"), "w") as file:
            file.write(self.objects)
        return super().config().replace("rules = rules.v4", "rules = rules.v4\naccounting = accounting.txt")

    def change(self, objects, rules):
        """Write other files; (status, stderr) of the reload."""
        self.objects = objects
        with open(os.path.join(self.directory, "rules.v4"), "w") as file:
            file.write(rules)
        with open(self.config_path(), "w") as file:
            file.write(self.config())
        status, _out, error = self.process.command("reload", check=False)
        return status, error

    def counted(self):
        """{name: (packets, bytes)}"""
        return {name: (int(packets), int(size)) for packets, size, name in
                re.findall(r"pkts = (\d+), bytes = (\d+).*= (\w+);", self.nfacct("list"))}


class Side:
    """A laboratory and how nfacct and iptables are called on its router: run() gives (status, stdout, stderr)."""

    def __init__(self, lab, links):
        self.lab, self.links = lab, links
        self.env = dict(os.environ, PATH=str(links), TAPGATE_SOCKET=lab.process.socket) if lab.kind == "tapgate" else None

    def run(self, tool, words, text=""):
        if self.env:
            done = subprocess.run([str(self.links / tool), *words], input=text, capture_output=True, text=True, timeout=20,
                                  env=self.env, check=False)
            return done.returncode, done.stdout, done.stderr
        return tuple(self.lab.router.call("run", [tool.replace("iptables", "iptables-legacy"), *words], text=text))

    def row(self, line):
        """One line of the file; None where there is nothing to compare."""
        verb, _, rest = line.partition(" ")
        if verb == "SEND":
            self.lab.client.send(*[udp()] * int(rest))
            return len(self.lab.server.arrived(int(rest)))
        if verb == "RESTORE":
            return self.run("nfacct", ["restore"], rest.encode().decode("unicode_escape"))
        if verb == "IPTABLES":
            return self.run("iptables", shlex.split(rest))
        return self.run("nfacct", shlex.split(line))

    def monitor(self):
        """`nfacct monitor` in the background; the real one would keep its lines back."""
        argv = [str(self.links / "nfacct"), "monitor"] if self.env else \
            ["ip", "netns", "exec", self.lab.router_name, "stdbuf", "-oL", "nfacct", "monitor"]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                env=self.env)


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """(kernel, Tapgate)"""
    links = tmp_path_factory.mktemp("links")
    for tool in ("nfacct", "iptables"):
        (links / tool).symlink_to(binary())
    with KernelLab(RULES) as kernel, TapgateLab(RULES) as tapgate:
        yield Side(kernel, links), Side(tapgate, links)


def shown(answer):
    """Without what may differ: the time, and the version of iptables."""
    return re.sub(r'"timestamp" : \d+', '"timestamp" : N', str(answer).replace("1.8.9", "1.8.11"))


def test_commands(sides):
    """Every line of nfacct_commands.txt."""
    wrong, lines = [], [line for line in COMMANDS.read_text().splitlines() if line and line[0] != "#"]
    for line in lines:
        kernel, tapgate = (shown(side.row(line)) for side in sides)
        if kernel != tapgate:
            wrong.append("$ %s\nLinux:   %s\nTapgate: %s" % (line, kernel, tapgate))
    assert len(lines) > 150
    assert not wrong, "\n".join(wrong)


def test_long_lines(sides):
    """Lines up to and beyond the buffer of the tool."""
    for size in (460, 461, 462, 463, 464, 465, 466, 511, 512, 1100):
        text = "{ pkts = 1, bytes = 2 } = %s;\n{ pkts = 3, bytes = 4 } = behind;\n" % ("n" * size)
        answers = [[side.run("nfacct", ["restore"], text), side.run("nfacct", ["list"]), side.run("nfacct", ["flush"])]
                   for side in sides]
        assert answers[0] == answers[1], size


def test_monitor(sides):
    """A line for each object that reaches its quota, once until it is reset."""
    seen = []
    for side in sides:
        for words in ("add m2 packet 2", "add m3 packet 3", "add m50 byte 50", "add none"):
            assert side.row(words)[0] == 0
        for name in ("m2", "m3", "m50", "none"):
            assert side.row("IPTABLES -A FORWARD -m nfacct --nfacct-name " + name)[0] == 0
        watchers = [side.monitor(), side.monitor()]
        time.sleep(0.3)
        for step in ("SEND 1", "SEND 1", "SEND 1", "get m3 reset", "SEND 4"):
            side.row(step)
        time.sleep(0.2)
        got = []
        for watcher in watchers:
            watcher.terminate()
            got.append(watcher.communicate(timeout=10)[0])
        assert got[0] == got[1]
        seen.append(got[0])
        side.row("IPTABLES -F")
        side.row("flush")
    assert seen[0] == seen[1]
    assert re.findall(r"= (\w+);", seen[1]) == ["m2", "m50", "m3", "m3"]
    assert sides[1].lab.process.command("status")[0] == 0


def test_many(sides):
    """As many objects as there may be, restored and listed in pieces; one more is refused; names are found."""
    tapgate = sides[1]
    text = "".join("{ pkts = %d, bytes = 7 } = object%d;\n" % (i, i) for i in range(65536))
    assert tapgate.run("nfacct", ["restore"], text) == (0, "", "")
    assert tapgate.row("add more") == (1, "", "nfacct v1.0.2: error: Cannot allocate memory\n")
    status, listed, _ = tapgate.row("list")
    assert status == 0 and [int(n) for n in re.findall(r"pkts = (\d+)", listed)] == list(range(65536))
    assert "= object65535;" in tapgate.row("get object65535")[1]
    assert tapgate.row("flush") == (0, "", "")
    assert tapgate.row("list") == (0, "", "")


def test_restores_what_it_lists(sides):
    """Quotas, overquota, and names with "quota" too, which the real tool does not read back."""
    tapgate = sides[1]
    for words in ("add quota", "add over packet 1", "add under byte 100", "add plain"):
        assert tapgate.row(words)[0] == 0
    for name in ("over", "under", "plain"):
        assert tapgate.row("IPTABLES -A FORWARD -m nfacct --nfacct-name " + name)[0] == 0
    tapgate.row("SEND 2")
    listed = tapgate.row("list")
    assert "overquota = yes } = over;" in listed[1] and "overquota = no } = under;" in listed[1]
    tapgate.row("IPTABLES -F")
    tapgate.row("flush")
    assert tapgate.run("nfacct", ["restore"], listed[1]) == (0, "", "")
    assert tapgate.row("list") == listed
    tapgate.row("flush")


FILE_RULES = "*filter\n:FORWARD ACCEPT\n-A FORWARD -m nfacct --nfacct-name a\n-A FORWARD -m nfacct --nfacct-name b -j DROP\nCOMMIT\n"
BAD_FILES = [
    # what the file has, the rules, what is said
    ("{ pkts = 1, bytes = 40 } = a\n", FILE_RULES, r"accounting\.txt:1: an object ends in ';'"),
    ("\n{ pkts = 1, bytes = 40 } = a; x\n", FILE_RULES, r"accounting\.txt:2: an object ends in ';'"),
    ("a;\n", FILE_RULES, r"accounting\.txt:1: not `\{ pkts = N"),
    ("{ pkts = 1, bytes = 40 } = a;\n{ pkts = 1, bytes = 40 } = a;\n", FILE_RULES, r"accounting\.txt:2: a is there twice"),
    ("{ pkts = 1, bytes = 40 } = a a;\n", FILE_RULES, r"accounting\.txt:1: a name is one word of up to 31 characters"),
    ("{ pkts = 1, bytes = 40 } = %s;\n" % ("n" * 32), FILE_RULES, r"accounting\.txt:1: a name is one word of up to 31"),
    ("{ pkts = 1, bytes = 99999999999999999999 } = a;\n", FILE_RULES, r"accounting\.txt:1: a number is over 18446744073709551615"),
    ("# %s\n" % ("x" * 600), FILE_RULES, r"accounting\.txt:1: the line is longer than 511 characters"),
    ("{ pkts = 1, bytes = 40 } = a;\n", FILE_RULES, r"rules\.v4: No chain/target/match by that name"),
    ("{ pkts = 9, bytes = 40 } = a;\n{ pkts = 1, bytes = 40 } = live;\n", FILE_RULES.replace("-j DROP", "-j NOPE"), r"rules\.v4:4: .*NOPE"),
    ("\0", FILE_RULES, r"router\.accounting: .*accounting\.txt holds a NUL byte"),
]


def test_file():
    """Objects of a file are there for the rules at the start; a reload keeps what they count unless the file says otherwise."""
    with FileLab(FILE_RULES) as lab:
        lab.client.send(*[udp()] * 3)
        lab.server.arrived(2)
        assert lab.counted() == {"a": (4, 148), "b": (3, 108), "c": (5, 6)}
        lab.process.command("nfacct", "add", "live")
        first, listed = lab.objects, lab.nfacct("list")
        for objects, rules, said in BAD_FILES:
            status, error = lab.change(objects, rules)
            assert status == 1 and re.search(said, error), (said, error)
            check = subprocess.run([binary(), "check", "-c", lab.config_path()], capture_output=True, text=True, timeout=10, check=False)
            assert check.returncode == 1 and re.search(said, check.stderr), (said, check.stderr)
            assert lab.nfacct("list") == listed, said
        assert lab.change(first, FILE_RULES)[0] == 0
        assert lab.nfacct("list") == listed
        changed = "{ pkts = 0, bytes = 0, quota = 100, mode = packet } = b;\n{ pkts = 1, bytes = 40 } = a;\n{ pkts = 7, bytes = 8 } = d;\n"
        assert lab.change(changed, FILE_RULES)[0] == 0
        assert lab.counted() == {"a": (4, 148), "b": (0, 0), "live": (0, 0), "d": (7, 8)}
        lab.client.send(udp(), udp())
        assert len(lab.server.arrived(2)) == 2
        assert lab.counted()["b"] == (2, 72)
        assert lab.change("", "*filter\nCOMMIT\n")[0] == 0
        assert lab.counted() == {"live": (0, 0)}
