"""iptables-xml: dumps of front ends, texts with every oddity and random rules, given to the real tool and to ours."""

import os
import pathlib
import random
import shutil
import subprocess
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rule_grammar  # noqa: E402
from testnet.tapgate_lab import binary  # noqa: E402

REAL = shutil.which("iptables-xml")
FRONT_ENDS = sorted((pathlib.Path(__file__).parent / "front_ends").glob("*.rules"))
OPTIONS = [[], ["-c"], ["-v"], ["-c", "-v"], ["-cv"], ["--combine", "--verbose"]]

pytestmark = pytest.mark.skipif(not REAL, reason="needs iptables-xml")


@pytest.fixture
def ours(tmp_path):
    """Path of a link of this name to the program."""
    os.symlink(binary(), tmp_path / "iptables-xml")
    return str(tmp_path / "iptables-xml")


def run(tool, args, text):
    """Status, stdout, stderr; the version and the name it was called by do not count."""
    done = subprocess.run([tool, *args], input=text.encode(errors="surrogateescape"), capture_output=True, timeout=20)
    error = done.stderr.decode().replace("1.8.9", "1.8.11").replace(tool, "iptables-xml")
    return done.returncode, done.stdout.decode(errors="surrogateescape"), error


def compare(ours, text, options=OPTIONS):
    """Both say the same with each of the options."""
    for args in options:
        want, got = run(REAL, args, text), run(ours, args, text)
        assert got[0] == want[0] and got[2] == want[2], (args, text[:500], got, want)
        assert got[1].splitlines() == want[1].splitlines(), (args, text[:500])


@pytest.mark.parametrize("path", FRONT_ENDS, ids=lambda path: path.stem)
def test_front_ends(ours, path):
    """What firewall front ends make."""
    compare(ours, path.read_text())


def table(*lines, head=":INPUT ACCEPT [1:2]\n:mine - [0:0]\n"):
    """A table with these rules."""
    return "*filter\n%s%s\nCOMMIT\n" % (head, "\n".join(lines))


TEXTS = [
    "", "\n", "# a - b -- c --- d\n", "#\n", table(), table("-A INPUT"), table("-A INPUT -j ACCEPT", "-A mine -j mine"),
    table("[5:6] -A INPUT -p tcp -j ACCEPT", "[0:0] -A INPUT -j DROP", "[7:8] -A mine"),
    table("-A INPUT -s 1.1.1.1 -j LOG", "-A INPUT -s 1.1.1.1 -j ACCEPT", "-A INPUT -s 1.1.1.1 -j DROP",
          "-A INPUT -s 1.1.1.1 -g mine", "-A INPUT -s 1.1.1.1 -j mine", "-A INPUT -s 1.1.1.1 -j LOG", "-A mine -s 1.1.1.1 -j LOG",
          "-A mine -s 1.1.1.1", "-A mine -s 1.1.1.1 -j RETURN"),
    table("-A INPUT -j LOG", "-A INPUT -j LOG", "-A INPUT ! -s 1.1.1.1 -j LOG", "-A INPUT ! -s 1.1.1.1 -j LOG --log-level 4",
          "-A INPUT --goto mine", "-A INPUT --jump mine", "-A INPUT --jump NOPE --goto mine"),
    table("-A INPUT ! -i lo -p tcp ! --dport 80 -m comment --comment x -j REJECT --reject-with tcp-reset"),
    table("-A INPUT -m tcp -m udp -m state ! --state NEW,ESTABLISHED -m limit", "-A INPUT -m tcp", "-A INPUT -m", "-A INPUT -j",
          "-A INPUT -g", "-A INPUT --module tcp --dport 1", "-A INPUT --match tcp --dport 1", "-A INPUT -s", "-A INPUT !",
          "-A INPUT -s ! 1.1.1.1", "-A INPUT -s ! -d 1.1.1.1", "-A INPUT word", "-A INPUT ! word", "-A INPUT - --", "-A INPUT -f"),
    table('-A INPUT -m comment --comment "a b" -j DROP', '-A INPUT -m comment --comment "-j" -j DROP',
          '-A INPUT -m comment --comment "a\\"b\\\\c" -j DROP', '-A INPUT -m comment --comment "a"b -j DROP',
          '-A INPUT -m comment --comment "" -j DROP', '-A INPUT "-j" "DROP"', '-A INPUT -m comment --comment "x',
          '-A INPUT -m string --string "<&>\'" --algo bm', '-A INPUT -m comment --comment "a\tb"', '-A INPUT -j "mine"',
          '-A INPUT "-m" tcp', '-A INPUT "!" -s 1', "-A INPUT \t -s  1.1.1.1 ", '-A INPUT -m comment --comment "gr\u00fc\u00df"',
          '-A INPUT x"y z"w', '-A "INPUT" -j DROP', '"-A" INPUT -j DROP'),
    table("-A other -j DROP", "-A other -s 1.1.1.1", "-A INPUT -j DROP", "-A other -j INPUT", "-A mine -j DROP", "-A INPUT -j DROP"),
    table("-s 1.1.1.1 -A INPUT -j DROP", "-A INPUT -A mine -j DROP", "--append INPUT -j DROP"), table("-P INPUT DROP"),
    table(head=":INPUT ACCEPT\n:FORWARD -\n"), table(head=":INPUT\n"), table(head=":\n"), table(head=":INPUT ACCEPT [3:4] more\n"),
    table(head=":a<b \"c [1:1]\n"), table("-A %s -j DROP" % ("y" * 40), head=":%s - [0:0]\n" % ("y" * 40)), table("COMMIT"),
    table("[1 -A INPUT"), table("[1] -A INPUT"), table("[1:2 -A INPUT"), table("[a:b] -A INPUT -j DROP"), table("[:] -A INPUT"),
    table("[1:2]-A INPUT -j DROP"), table("-A INPUT -t nat -j DROP"), table("-A INPUT " + "x" * 1022), table("-A INPUT " + "x" * 1024),
    table("-A INPUT " + "x " * 252), table("-A INPUT " + "x " * 300), table("-A INPUT " + "xy " * 4000),
    "*filter\n*nat\n:A - [0:0]\n*raw\nCOMMIT\n", "*\n", "*filter nat\nCOMMIT\n", "*<>\nCOMMIT\n", "COMMIT\n", "*filter\n", "*filter",
    "*filter\nCOMMIT", ":INPUT ACCEPT [0:0]\n", "-A INPUT\n", "*filter\nCOMMIT\nCOMMIT\n", "*filter\nCOMMIT \n", "junk\n",
    "*%s\nCOMMIT\n" % ("t" * 40), "*filter\r\n:INPUT ACCEPT [0:0]\r\nCOMMIT\r\n", table("\x01\x7f\udcff -A INPUT"),
    "*filter\n%sCOMMIT\n" % "".join(":c%d - [%d:%d]\n" % (n, n, 2 ** 63 - 1) for n in range(300)),
]


@pytest.mark.parametrize("number", range(len(TEXTS)))
def test_texts(ours, number):
    """Right, odd and wrong texts: output, messages and status."""
    compare(ours, TEXTS[number], OPTIONS[:4])


def test_random_rules(ours):
    """Rules of every match and target, also illegal ones, with repeated conditions for -c."""
    rng = random.Random(7)
    matches, targets, _missing = rule_grammar.known()
    lines = []
    for _ in range(1500):
        rule = rule_grammar.Rule(rng, matches, targets).line()[1]
        lines += ["[%d:%d] %s" % (rng.randrange(99), rng.randrange(9999), rule)] * rng.choice([1, 1, 2])
    compare(ours, table(*lines), OPTIONS[:4])


@pytest.mark.parametrize("args", [["-h"], ["--help"], ["-x"], ["a", "b"], ["/nonexistent/file"], ["-ch"], ["--comb"], ["--", "/dev/null"]])
def test_options(ours, args):
    """The command line itself."""
    compare(ours, table(), [args])


def test_file(ours, tmp_path):
    """A file is read in place of the standard input."""
    (tmp_path / "dump").write_text(TEXTS[7])
    compare(ours, "", [[str(tmp_path / "dump")], ["-c", str(tmp_path / "dump")]])
