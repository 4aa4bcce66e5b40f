"""The same command lines given to the real tools, in a namespace of its own, and to a running router through links.

    iptables-legacy[-save|-restore], own namespace  --.
                                                       >-- exit status, stdout, stderr of each line; the rules afterwards
    iptables[-save|-restore] -> tapgate -> router   --'

A group is a list of lines that run in order on fresh rules; to add a case, add a line.  A line is what follows `iptables`;
"save ..." and "restore ..." are the other tools, ("restore ...", TEXT) gives standard input.
"""

import os
import re
import shlex
import shutil
import subprocess

import pytest

from testnet import namespaces
from testnet.tapgate_lab import Process, binary

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("iptables-legacy"),
                                reason="needs root and iptables-legacy")
TOOLS = ["iptables", "iptables-save", "iptables-restore", "iptables-xml", "iptables-legacy", "iptables-legacy-save", "ip6tables"]
TABLES = ["filter", "nat", "mangle", "raw"]

BASE = "*filter\n:INPUT ACCEPT [5:6]\n:foo - [0:0]\n[7:8] -A INPUT -s 1.1.1.1 -j foo\nCOMMIT\n" \
       "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n"


def restore(*lines, args="", table="filter", commit=True):
    """A row: iptables-restore of lines in one table."""
    return ("restore " + args, "*%s\n%s\n%s" % (table, "\n".join(lines), "COMMIT\n" if commit else ""))


GROUPS = {
    "verbose": [
        "-v -A INPUT -s 1.2.3.4 -p tcp --dport 80 -i eth0 -j ACCEPT", "-v -A INPUT ! -s 1.2.3.4,1.1.1.1 -j DROP",
        "-v -A INPUT -s 1.2.3.4,1.1.1.1 -f -j DROP", "-v -A INPUT", "-v -N foo", "-v -A INPUT -g foo",
        "-v -A INPUT -p tcp -j REJECT",
        "-v -I INPUT 2 -s 5.5.5.5 ! -i eth+ ! -p udp -m limit --limit 5/s -j LOG --log-prefix 'a b'",
        "-v -C INPUT -s 5.5.5.5 -j DROP", "-v -D INPUT -s 9.5.5.5 -j DROP", "-v -D INPUT -s 1.2.3.4,1.1.1.1 -f -j DROP",
        "-v -D INPUT 1", "-v -R INPUT 1 -s 7.7.7.7", "-v -Z", "-v -Z INPUT", "-v -Z INPUT 1", "-v -F INPUT", "-v -F", "-v -X",
        "-v -N foo", "-v -X foo", "-v -N foo", "-v -E foo bar", "-v -P FORWARD DROP", "-v -L INPUT 1",
        "-v -A INPUT ! -s 1.1.1.1 ! -d 2.2.2.0/24 ! -i eth0 ! -f", "-v -A FORWARD ! -o eth0 -p 99 -j QUEUE",
        "-v -t raw -A OUTPUT -p gre -j NOTRACK", "-v -t raw -A OUTPUT ! -p 99 -j CT --notrack",
        "-A INPUT -s 1.1.1.1,2.2.2.2 -v", "-I INPUT -s 1.1.1.1,2.2.2.2 -v", "-C INPUT -s 1.1.1.1,2.2.2.2 -v",
        "-C INPUT -s 1.1.1.1,2.2.2.3 -v", "-t nat -v -F", "-t nat -v -Z POSTROUTING", "-X nope -v", "-F nope -v", "-Z nope -v",
        "-v -A NOPE -j DROP", "-v -I INPUT 99 -j DROP", "-v -R INPUT 99 -j DROP", "-v -D NOPE -j DROP", "-v -C NOPE -j DROP",
        "-v -A INPUT -p icmp --icmp-type 8 -j ACCEPT", "-v -t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 8080",
        "-v -t mangle -A FORWARD -j MARK --set-mark 1", "-v -A INPUT -m conntrack --ctstate NEW -d 1.2.3.0/24",
    ],
    "listing": [
        "-L", "-A INPUT -s 1.1.1.1 -c 5 6", "-P FORWARD DROP", "-N bar", "-L", "-L -n", "-nvL", "-nvxL --line-numbers", "-S", "-S -v",
        "-L INPUT", "-L INPUT 1", "-L INPUT 1 -n", "-L INPUT 99", "-S INPUT", "-S INPUT 1", "-S INPUT 99", "-L bar", "-S bar",
        "-L NOPE", "-S NOPE", "-L NOPE 1", "-S -n", "-S -x", "-S --line-numbers", "-L INPUT x", "-L INPUT 0", "-L INPUT -- 1",
        "-LINPUT", "-LINPUT -n", "-Lx", "-SINPUT", "-nL", "-vL INPUT", "--list INPUT", "--list=INPUT", "--list-rules=INPUT",
        "--list-rules", "--list-r INPUT", "--li INPUT", "--line -L INPUT", "--numeric -L INPUT", "--verb -L INPUT",
        "--exact -v -L INPUT", "-t nat -L POSTROUTING -n", "-t nat -L", "-t nat -t mangle -L", "-tnat -S", "--table=nat -S",
        "--tab nat -S", "-t foo -L", "-t foo -X", "-t '' -L", "-L -s 1.1.1.1", "-L -j ACCEPT", "-L -m tcp", "-L -c 1 2", "-S -p tcp",
        "-L foo bar", "-L a b c", "-L --", "-L -- INPUT", "-L -", "-L ''", "-L INPUT ''", "''", "-L -n -v -x --line-numbers bla",
        "-L INPUT -n1", "-n -n -L", "-x -x -L", "-L -L", "-L -S", "-L -A INPUT", "-F -L", "-L -F", "-4 -L INPUT", "-6 -L", "--ipv6 -S",
        "--ipv4 -S", "--ipv -L", "-S foo -4", "-L INPUT -t nat", "-t security -L", "-t raw -L OUTPUT",
    ],
    "zero": [
        "-A INPUT -s 1.1.1.1 -c 5 6", "-A INPUT -s 2.2.2.2 -c 7 8", "-A FORWARD -c 9 9", "-N sub", "-A sub -c 1 2",
        "-L INPUT 1 -Z -v -n", "-L INPUT -nvx", "-A INPUT -s 3.3.3.3 -c 3 4", "-Z INPUT 3 -L -n -v", "-L INPUT -nvx",
        "-L INPUT 1 -Z INPUT 1 -n -v", "-S -Z", "-S -v", "-A INPUT -c 1 1", "-S INPUT 1 -Z", "-S INPUT -v -Z", "-S -v", "-L -Z",
        "-L INPUT -Z", "-L -Z INPUT", "-L -Z INPUT 1", "-Z -L -S", "-Z -Z", "-Z -A INPUT", "-A INPUT -Z", "-Z nope", "-Z INPUT 99",
        "-Z INPUT x", "-Z INPUT 0", "-v -L INPUT -Z -n", "-v -S -Z", "-v -S FORWARD -Z", "--zero=INPUT", "--zero", "--zer sub",
        "-Z INPUT -c 1 2", "-Z -m tcp", "-Z INPUT -s 1.1.1.1", "-P INPUT DROP -c 3 4", "-L INPUT -nvx", "-Z INPUT", "-L INPUT -nvx",
        "-t nat -Z", "-Z sub 1",
    ],
    "options": [
        "", "-A", "-t", "-j", "-Q", "--foo", "-L --foo", "-V", "-V foo", "--version -L", "--versi", "--ver", "! -V", "--v", "--m", "--n",
        "--numeric=1 -L", "-M foo -S", "--modprobe=/bin/true -S", "--modprobe -S", "--modp x -S", "-M", "-w 5 -S", "-w -S", "-w5 -S",
        "-wx -S", "-w x -S", "-w 1.5 -S", "-w -w -S", "--wait=3 -S", "--wait 3 -S", "--wait -S", "-W 5 -S", "-W x -w -S", "-w -W -S",
        "-w 1 -W 500 -S", "-W", "--wait-interval=x -w -L", "-A INPUT -W 5", "-A INPUT -w -W 5", "-w -A INPUT -s 1.1.1.1 -j DROP",
        "-w 10 -D INPUT -s 1.1.1.1 -j DROP", "! -n -L", "! -v -L", "! -x -L", "! -w -L", "! -L", "! -4 -L", "! -M foo -L",
        "! --line-numbers -L", "! -L INPUT", "-L ! -n", "-L !", "! -t nat -L", "! -A INPUT", "! ! -L", "! INPUT", "-6 -A INPUT",
        "-A INPUT -j ACCEPT --line-numbers", "-A INPUT -n", "-A INPUT -x", "-S -c", "-P INPUT ACCEPT extra", "-P INPUT ACCEPT -m tcp",
        "-F INPUT -m tcp", "-N x -m tcp", "-N y z", "-E x y z", "-E x y -v", "-D INPUT ''", "-R INPUT 1 -v -j ACCEPT",
        "-A INPUT -m comment --comment -s", "-A INPUT -m comment --comment localhost", "-A INPUT -j DROP -t nat", "-t nat -A INPUT -j DROP",
        "-A INPUT -p tcp -t nat --dport 5", "-t nat -P PREROUTING DROP", "-A INPUT -o eth0", "-A OUTPUT -i eth0 -v",
    ],
    "chains": [
        "-N b", "-N a", "-N a", "-A a -j RETURN", "-v -X", "-L b", "-A b -j a", "-F a", "-v -X", "-v -X a", "-v -X b", "-F b", "-v -X",
        "-N ACCEPT", "-N LOG", "-N x1", "-E x1 x2", "-E x1 x3", "-E x2 INPUT", "-A INPUT -j x2", "-E x2 x4", "-S", "-X x4", "-A x4 -j x4",
        "-S x4", "-D INPUT -j x4", "-X x4", "-F x4", "-X x4", "-X", "-X INPUT", "-P INPUT DROP", "-P x DROP", "-P INPUT x", "-P INPUT ACCEPT -c 1 2",
        "-N loop1", "-N loop2", "-A loop1 -j loop2", "-A loop2 -j loop1", "-A INPUT -j loop1", "-S", "-D loop2 1", "-A INPUT -j loop1",
        "-A loop2 -j loop1", "-D INPUT 1", "-D INPUT 1", "-D INPUT x", "-I INPUT 1", "-I INPUT 3", "-I INPUT 2 -s 9.9.9.9",
        "-R INPUT 3 -s 8.8.8.8", "-R INPUT 2 -s 8.8.8.8", "-C INPUT -s 8.8.8.8", "-C INPUT -s 8.8.8.9", "-D INPUT -s 8.8.8.8", "-D INPUT 99",
        "--append INPUT --source 4.4.4.4 --jump ACCEPT", "--del INPUT --source 4.4.4.4 -j ACCEPT", "--delete-chain loop2",
        "--new-chain neu", "--rename-chain neu alt", "--pol FORWARD DROP", "--policy FORWARD ACCEPT", "--ins INPUT -s 1.1.1.1",
        "--repl INPUT 1 -s 2.2.2.2", "--check INPUT -s 2.2.2.2", "--che INPUT -s 2.2.2.3", "--flush=INPUT", "--flu", "-F x y",
        "-t mangle -N q", "-t mangle -A PREROUTING -j q", "-t mangle -A q -j REJECT", "-t mangle -S",
    ],
    "chains named as targets": [
        restore(":LOG - [0:0]", ":MARK - [0:0]", "-A INPUT -j LOG", "-A LOG -j MARK", "-A INPUT -g LOG"), "save", "-A INPUT -j LOG",
        "-A INPUT -j LOG --log-prefix x", "-A INPUT -j MARK", "-A INPUT -j MARK --set-mark 1", "-C INPUT -j LOG", "-D INPUT -j LOG", "-S",
        restore("-A INPUT -j LOG --log-prefix y", args="-n"), restore(":LOG - [0:0]", "-A INPUT -j LOG --log-prefix y", args="-n"),
        restore(":LOG - [0:0]", "-A INPUT -j LOG", args="-n"), "-t nat -A INPUT -j LOG --log-prefix z", "-t nat -S", "-A INPUT -j REJECT",
        "-v -I INPUT -j LOG --log-level 3", "-R INPUT 1 -j LOG -s 1.1.1.1", "-N REJECT", "-E LOG LOGS", "-A INPUT -j LOG", "-S", "-L -n",
    ],
    "hosts": [
        "-A INPUT -s localhost", "-A INPUT -d localhost/8 -j ACCEPT", "-A INPUT ! -s localhost", "-A INPUT --source localhost",
        "-A INPUT --dst localhost", "-A INPUT -s localhost,1.2.3.4", "-A INPUT -s any/0",
        "-A INPUT -s loopback/8", "-A INPUT -s no-such-host.invalid", "-A INPUT -s localhost,no-such-host.invalid",
        "-D INPUT -s localhost", "-C INPUT -d localhost/8 -j ACCEPT",
        restore("-A INPUT -s localhost", "-A INPUT -s 1.1.1.1 -d localhost/24 -j ACCEPT"),
        restore("-A INPUT -s 1.1.1.1", "-A INPUT -s no-such-host.invalid"),
        restore('-A INPUT -m comment --comment "-s localhost"', args="-n"),
    ],
    "save": [
        "save", ("restore", BASE), "save", "save -c", "save -t nat", "save -t foo", "save -V", "save foo", "save -x", "save -f /nonexist/x",
        "save -M foo", "save -t", "save -d", "save --counters --table=nat", "save -4", "save -6", "save -b", "save -c -t filter",
        "save --tab nat", "save --foo", "save -t raw", "save",
    ],
    "restore options": [
        ("restore -t", BASE), ("restore -v", BASE), ("restore -tv", BASE), ("restore -n", BASE), "save -c", ("restore -c", BASE), "save -c",
        ("restore -T nat", BASE), ("restore -T filter -c", "*filter\n:INPUT DROP [1:1]\nCOMMIT\n*raw\njunk\n"), "save -c",
        "restore -V", "restore -x", ("restore -w", BASE), ("restore -w 5", BASE), ("restore -w x", BASE), ("restore -W 5", BASE),
        ("restore -M foo", BASE), "restore /nonexist", "restore -T", ("restore --table=foo", BASE), "restore a b",
        ("restore --counters --noflush --test --verbose", BASE), ("restore", ""), "save -c",
    ],
    "restore": [
        restore("-A INPUT -s 1.1.1.1", "junk", commit=False), restore("-A INPUT --foo"), restore("-A NOPE -s 1.1.1.1"),
        ("restore", "*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n*nat\n-A PREROUTING -j MASQUERADE\nCOMMIT\n"), "save",
        ("restore", "*filter\n-A INPUT -s 2.2.2.2\nCOMMIT\n*nat\n-A POSTROUTING -s 2.2.2.2 -j FOO\nCOMMIT\n"), "save",
        ("restore", "*filter\n-A INPUT -s 2.2.2.3\nCOMMIT\n*nat\n-A PREROUTING -j MASQUERADE\nCOMMIT\n*raw\nCOMMIT\n"), "save",
        restore("-A INPUT -s 2.2.2.2", commit=False), ("restore", ":INPUT ACCEPT\n"), ("restore", "COMMIT\n"), ("restore", "junk\n"),
        ("restore", "*foo\nCOMMIT\n"), restore("*nat"), restore(":INPUT DROP", "-V"), "save",
        restore("-L", "-S", "-v -A INPUT -s 3.3.3.3", "-C INPUT -s 3.3.3.3"), "save", restore("-L INPUT -Z", "-F FOO"),
        restore("-w -A INPUT -s 3.3.3.3"), restore("-W 5 -A INPUT"), restore("-6 -A INPUT -s 1.1.1.1", "-A INPUT -s 5.5.5.5"), "save",
        restore("-C INPUT -s 3.3.3.3"), restore(":foo - [0:0]", ":INPUT DROP [0:0]", "-A INPUT -s 3.3.3.3", "-P FORWARD DROP", args="-v"),
        restore(":foo - [0:0]", ":INPUT DROP [0:0]", args="-n -v"), restore("# x", "-A INPUT -j b", args="-n -v"),
        restore(":INPUT ACCEPT [0:0"), restore(":INPUT ACCEPT [0:0", args="-c"),
        restore(":INPUT ACCEPT", args="-c"), restore(":foo -", "[1:2] -A foo -j DROP", "[1 -A foo -j DROP", args="-c"),
        restore(":foo -", "[1:2] -A foo -j DROP", "[1:] -A foo -j DROP", args="-c"), restore("[:2] -A INPUT"), restore("[1] -A INPUT"),
        restore("[a:b] -A INPUT", args="-c"), restore(":INPUT -"), restore(":"), ("restore", "*\nCOMMIT\n"),
        ("restore", "*filter\nCOMMIT \n"), ("restore", " *filter\nCOMMIT\n"), restore("-t nat -A POSTROUTING"),
        restore("-ttx -A POSTROUTING"), restore("-A INPUT -j foo", ":foo - [0:0]"), restore(":foo - [0:0]", "-A INPUT -j foo", "-X foo"),
        restore("-N foo", "-A foo -j foo", "-A INPUT -j foo"), restore(":LOG - [0:0]", ":ACCEPT - [0:0]"), restore(":INPUT FOO [0:0]"),
        restore(":NOPE DROP [0:0]"), restore("-A INPUT -j DROP", "-D INPUT 1", "-A INPUT -s 7.7.7.7", "-I INPUT -s 8.8.8.8"), "save",
        restore("-A INPUT -s 6.6.6.6", "-D INPUT -s 8.8.8.8", "-R INPUT 1 -s 6.6.6.7", args="--noflush"), "save",
        restore("-D INPUT -s 8.8.8.8", args="--noflush"), restore(":foo - [0:0]", "-A foo -s 1.1.1.1", args="-n"),
        restore(":foo - [0:0]", "-A foo -s 1.1.1.2", args="-n"), "save", ("restore -v", "# one\n*filter\n# two\nCOMMIT\n"),
        ("restore", "*filter\n" + "-A INPUT -s 1.1.1.1\n" * 50 + "-A INPUT -p tcp --dport x\nCOMMIT\n"), "save",
    ],
}


class Side:
    """Where a line runs; run() gives (status, stdout, stderr), made comparable."""

    def run(self, tool, args, text):
        done = subprocess.run([self.program(tool), *args], input=text, capture_output=True, text=True, timeout=60,
                              env=self.env, preexec_fn=self.enter, check=False)
        out = re.sub(r"libiptc v.*", "", done.stdout, flags=re.S)   # the dump of -vv
        out = re.sub(r" on \w{3} \w{3} .*", " on DATE", out)
        err = re.sub(r"\S*(iptables)(?:-legacy)?((?:-\w+)?): ", r"\1\2: ", done.stderr)
        return tuple([done.returncode] + [t.replace("v1.8.9", "v1.8.11").replace("1.8.9 (", "1.8.11 (") for t in (out, err)])

    def line(self, row):
        """One row of a group."""
        words, text = row if isinstance(row, tuple) else (row, "")
        words = shlex.split(words)
        tool = "iptables"
        if words and words[0] in ("save", "restore"):
            tool += "-" + words.pop(0)
        return self.run(tool, words, text)

    def rules(self):
        """What all the ways of listing show."""
        shown = {"save": self.line("save -c")}
        for table in TABLES:
            for how in ("-S -v", "-L -n -v -x --line-numbers"):
                shown[table, how] = self.line("-t %s %s" % (table, how))
        return shown


class Kernel(Side):
    """iptables-legacy in a namespace."""

    env = None

    def __init__(self, netns):
        self.netns = netns

    def program(self, tool):
        return tool.replace("iptables", "iptables-legacy", 1)

    def enter(self):
        namespaces.enter(self.netns)


class Router(Side):
    """The links in front of PATH."""

    enter = None

    def __init__(self, folder, socket):
        self.env = dict(os.environ, PATH="%s:%s" % (folder, os.environ["PATH"]), TAPGATE_SOCKET=socket)

    def program(self, tool):
        return tool


@pytest.fixture(scope="module")
def links(tmp_path_factory):
    """A folder with a link for each tool."""
    folder = tmp_path_factory.mktemp("bin")
    for tool in TOOLS:
        (folder / tool).symlink_to(binary())
    return folder


@pytest.fixture
def sides(tmp_path, links):
    """(kernel, router), both without rules."""
    class Names:
        def __init__(self):
            self.suffix = namespaces.new_suffix()
            self.names = ["tg-k-" + self.suffix, "tg-r-" + self.suffix]

        def close(self):
            namespaces.delete(self.names)
    netns = Names()
    namespaces.guard(netns)
    namespaces.create(netns.names)
    config = tmp_path / "tapgate.ini"
    config.write_text("[router]\nsocket = %s/tapgate.sock\nproc_mount = none\n[interface lan]\ntap = l%s\nnetns = %s\n"
                      "address = 10.1.0.254/24\n" % (tmp_path, netns.suffix, netns.names[1]))
    process = Process(str(config), str(tmp_path))
    yield Kernel(netns.names[0]), Router(links, process.socket)
    process.stop()
    netns.close()
    namespaces.release(netns)


@pytest.mark.parametrize("group", GROUPS)
def test_lines(sides, group):
    """Each line of a group, then the rules."""
    kernel, router = sides
    wrong = []
    for row in GROUPS[group]:
        want, got = kernel.line(row), router.line(row)
        if want != got:
            wrong.append("%s\n  kernel %s\n  router %s" % (row, want, got))
    want, got = kernel.rules(), router.rules()
    wrong += ["%s\n  kernel %s\n  router %s" % (how, want[how], got[how]) for how in want if want[how] != got[how]]
    assert not wrong, "%d of %d lines differ\n%s" % (len(wrong), len(GROUPS[group]), "\n".join(wrong))


def test_attached_values(sides):
    """--source=NAME and -sNAME, which 1.8.11 takes and Debian's 1.8.9 mistakes: as the same in two words."""
    kernel, router = sides
    for line, words in (("-A INPUT --source=localhost", "-A INPUT --source localhost"),
                        ("-A INPUT -slocalhost", "-A INPUT -s localhost"),
                        ("-A INPUT --src=127.0.0.1 --jump=ACCEPT", "-A INPUT --src 127.0.0.1 --jump ACCEPT")):
        assert router.line(line) == (0, "", "")
        kernel.line(words)
    assert router.line("-S INPUT") == kernel.line("-S INPUT")
    assert "-A INPUT -s 127.0.0.1/32 -j ACCEPT" in router.line("-S INPUT")[1]


def test_table_names(sides):
    """ip_tables_names after live commands: in the reverse order of their first use."""
    _, router = sides
    names = lambda: router.run("tapgate", ["cat", "net/ip_tables_names"], "")[1]
    os.symlink(binary(), os.path.join(router.env["PATH"].split(":")[0], "tapgate"))
    assert names() == ""
    router.line("-t raw -L")
    router.line("-t filter -A INPUT")
    assert names() == "filter\nraw\n"
    router.line(("restore", "*nat\nCOMMIT\n*filter\nCOMMIT\n"))
    assert names() == "nat\nfilter\nraw\n"
