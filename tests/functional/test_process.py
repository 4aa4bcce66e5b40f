"""The router as a process: start, stop, reload, and what it says when it cannot start.

    client 10.1.0.1 --lan-- tapgate --wan-- 203.0.113.1 server
"""

import os
import re
import shutil
import signal
import subprocess

import pytest

from testnet import namespaces
from testnet.packets import SERVER
from testnet.tapgate_lab import SANITIZER, TapgateLab, binary

OPEN = "*filter\n:FORWARD ACCEPT\n"
ONLY_OLD = "*filter\n:FORWARD DROP\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"


@pytest.fixture
def lab():
    """A running router that forwards everything."""
    with TapgateLab(OPEN, mount=os.path.exists("/dev/fuse")) as running:
        yield running


@pytest.fixture
def netns():
    """Namespace names for configurations that are never started in full."""
    class Names:
        """Two namespaces; close() removes them."""
        def __init__(self):
            suffix = namespaces.new_suffix()
            self.names = ["tg-a-" + suffix, "tg-b-" + suffix]
            self.lan, self.wan = "lan" + suffix, "wan" + suffix

        def close(self):
            """Remove them."""
            namespaces.delete(self.names)
    names = Names()
    namespaces.guard(names)
    namespaces.create(names.names)
    yield names
    names.close()
    namespaces.release(names)


def run_config(path, command="run", prefix=(), program=None):
    """Run a router that should give up by itself: (status, what it said)."""
    done = subprocess.run([*prefix, program or binary(), command, "-c", str(path)], text=True,
                          capture_output=True, timeout=20)
    said = done.stdout + done.stderr
    assert not SANITIZER.search(said), said
    return done.returncode, said


def config(tmp_path, netns, extra="", rules=OPEN, lan="", name="tapgate.ini"):
    """Write a good configuration with some lines more; its path."""
    (tmp_path / "rules.v4").write_text(rules.replace("ACCEPT\n", "ACCEPT [0:0]\n") + "COMMIT\n")
    path = tmp_path / name
    path.write_text(
        "[router]\nsocket = %s/sock\nproc_mount = none\nrules = rules.v4\n"
        "[interface lan]\ntap = %s\nnetns = %s\naddress = 10.1.0.254/24\n%s"
        "[interface wan]\ntap = %s\nnetns = %s\naddress = 203.0.113.254/24\n%s"
        % (tmp_path, netns.lan, netns.names[0], lan, netns.wan, netns.names[1], extra))
    return path


def devices(name):
    """Interface names in a namespace."""
    out = namespaces.run(["ip", "-n", name, "-o", "link"]).stdout
    return re.findall(r"^\d+: ([^:@]+)", out, re.M)


# -- life ------------------------------------------------------------------------

def test_stops_cleanly_on_sigterm(lab):
    """Status 0; the TAPs, the socket and the mount are gone."""
    assert lab.client.ping(SERVER)[0] == "exit 0"
    hosts = [(host.netns, host.device) for host in lab.hosts]
    assert all(device in devices(netns) for netns, device in hosts)
    if lab.mount:
        assert os.path.ismount(lab.mount_point)
    lab.process.stop()
    assert not any(device in devices(netns) for netns, device in hosts)
    assert not os.path.exists(lab.process.socket)
    assert not os.path.ismount(lab.mount_point)


def test_stops_cleanly_under_traffic(lab):
    """SIGTERM while packets flow is no different."""
    lab.client.start("ping", "-q", "-f", SERVER)
    lab.wait(lambda: "icmp" in lab.conntrack("-L"))
    lab.process.stop()


def test_sigint_stops_it_too(lab):
    """Ctrl-C in a terminal ends it as SIGTERM does."""
    os.kill(lab.process.child.pid, signal.SIGINT)
    assert lab.process.child.wait(10) == 0


def test_reload_keeps_flows(lab):
    """SIGHUP: new rules at once, open connections go on, new ones meet the new rules."""
    lab.server.tcp_serve(80)
    assert lab.client.tcp_exchange(SERVER, 80, b"one", close="hold") == ("one", "open")
    with open(os.path.join(lab.directory, "rules.v4"), "w") as file:
        file.write(ONLY_OLD.replace("DROP", "DROP [0:0]") + "COMMIT\n")
    os.kill(lab.process.child.pid, signal.SIGHUP)
    assert lab.wait(lambda: ":FORWARD DROP" in lab.save()), lab.process.log()
    assert lab.client.tcp_more(40000, b"two") == "two"
    assert lab.client.tcp_exchange(SERVER, 80, sport=40001, limit=0.5)[1] == "TIMEOUT"
    assert "sport=40000 dport=80" in lab.conntrack("-L")


def test_reload_of_a_bad_configuration_changes_nothing(lab):
    """SIGHUP with mistakes: they are in the log, the router goes on as it was."""
    before = lab.save()
    with open(lab.config_path(), "a") as file:
        file.write("\n[nonsense]\nkey = value\n")
    os.kill(lab.process.child.pid, signal.SIGHUP)
    assert lab.wait(lambda: re.search(r"tapgate\.ini:\d+: .*nonsense", lab.process.log())), lab.process.log()
    assert lab.client.ping(SERVER)[0] == "exit 0"
    assert re.sub(r"(?m)^#.*|\[\d+:\d+\]", "", lab.save()) == re.sub(r"(?m)^#.*|\[\d+:\d+\]", "", before)


def test_second_router_on_the_same_socket(lab):
    """It says so and gives up; the first is unharmed."""
    status, said = run_config(lab.config_path())
    assert status == 1 and said.strip(), said
    assert lab.process.command("status")[0] == 0
    assert lab.client.ping(SERVER)[0] == "exit 0"


def test_status(lab, tmp_path):
    """0 with a router, 3 without one."""
    assert lab.process.command("status")[0] == 0
    done = subprocess.run([binary(), "-S", str(tmp_path / "none"), "status"], capture_output=True, timeout=10)
    assert done.returncode == 3
    environment = dict(os.environ, TAPGATE_SOCKET=lab.process.socket)
    assert subprocess.run([binary(), "status"], env=environment, capture_output=True, timeout=10).returncode == 0


def test_status_of_a_dead_router(lab):
    """A socket file that nobody serves any more is no router."""
    lab.process.kill()
    done = subprocess.run([binary(), "-S", lab.process.socket, "status"], capture_output=True, timeout=10)
    assert done.returncode == 3


def test_starts_over_the_socket_of_a_dead_router(lab):
    """A stale socket file does not keep the next router from starting."""
    lab.process.kill()
    if lab.mount:
        namespaces.run(["umount", "-l", lab.mount_point], check=False)
    assert os.path.exists(lab.process.socket)
    lab.process = type(lab.process)(lab.config_path(), lab.directory)
    assert lab.process.command("status")[0] == 0


def test_version_and_help():
    """Both answer without a router."""
    for args in (["--version"], ["help"], ["help", "run"]):
        done = subprocess.run([binary(), *args], capture_output=True, text=True, timeout=10)
        assert done.returncode == 0 and done.stdout.strip(), args


# -- mistakes ----------------------------------------------------------------------

MISTAKES = [
    # name, lines appended, line of the mistake within them, what the message names
    ("unknown section", "[nonsense]\nkey = 1\n", 1, "nonsense"),
    ("unknown key of router", "[router]\ncolour = red\n", 2, "colour"),
    ("unknown log level", "[router]\nlog = loud\n", 2, "log"),
    ("helper unknown", "[helper nosuch]\nports = 1\n", 1, "nosuch"),
    ("helper port", "[helper ftp]\nports = 70000\n", 2, "ports"),
    ("bad address", "[interface dmz]\naddress = 192.0.2.300/24\n", 2, "address"),
    ("bad prefix length", "[interface dmz]\naddress = 192.0.2.254/33\n", 2, "address"),
    ("mtu no number", "[interface dmz]\naddress = 192.0.2.254/24\nmtu = large\n", 3, "mtu"),
    ("mtu too small", "[interface dmz]\naddress = 192.0.2.254/24\nmtu = 10\n", 3, "mtu"),
    ("bad mac", "[interface dmz]\naddress = 192.0.2.254/24\nmac = 02:00:00\n", 3, "mac"),
    ("multicast mac", "[interface dmz]\naddress = 192.0.2.254/24\nmac = 01:00:00:00:00:01\n", 3, "mac"),
    ("bad peer address", "[interface dmz]\naddress = 192.0.2.254/24\npeer_address = here\n", 3, "peer_address"),
    ("duplicate key", "[interface dmz]\naddress = 192.0.2.254/24\nmtu = 1500\nmtu = 1400\n", 4, "mtu"),
    ("route prefix", "[route]\n10.9.0.0/99 = blackhole\n", 2, "10.9.0.0/99"),
    ("route gateway", "[route]\ndefault = via nowhere\n", 2, "default"),
    ("route word", "[route]\n10.9.0.0/16 = somewhere\n", 2, "10.9.0.0/16"),
    ("unknown sysctl", "[sysctl]\nnet.netfilter.nosuch = 1\n", 2, "net.netfilter.nosuch"),
    ("sysctl value", "[sysctl]\nnet.netfilter.nf_conntrack_tcp_loose = yes\n", 2, "nf_conntrack_tcp_loose"),
    ("policy", "[filter]\npolicy.FORWARD = MAYBE\n", 2, "policy.FORWARD"),
    ("policy of no chain", "[filter]\npolicy.NOSUCH = DROP\n", 2, "policy.NOSUCH"),
    ("rule number", "[filter]\nrule.ten = -A FORWARD -j DROP\n", 2, "rule.ten"),
    ("rule target", "[filter]\nrule.10 = -A FORWARD -j NOSUCH\n", 2, "rule.10"),
    ("rule option", "[filter]\nrule.10 = -A FORWARD -p tcp --dprot 80 -j DROP\n", 2, "rule.10"),
    ("rule of wrong table", "[filter]\nrule.10 = -A FORWARD -j DNAT --to-destination 1.2.3.4\n", 2, "rule.10"),
    ("line too long", "[filter]\nrule.10 = -A FORWARD -m comment --comment %s -j DROP\n" % ("x" * 1100), 2, ""),
    ("no value", "[router2\n", 1, ""),
]


@pytest.mark.parametrize("row", MISTAKES, ids=[row[0] for row in MISTAKES])
@pytest.mark.parametrize("command", ["run", "check"])
def test_one_mistake(row, command, tmp_path, netns):
    """Exit 1, FILE:LINE: and the key; nothing was made."""
    _name, extra, line, named = row
    if extra.startswith("[router]\n"):      # a section may not come twice: put it into the first
        path = config(tmp_path, netns)
        text = path.read_text().replace("[router]\n", extra, 1)
        path.write_text(text)
        expected = line
    else:
        path = config(tmp_path, netns)
        expected = path.read_text().count("\n") + line
        path = config(tmp_path, netns, extra)
    status, said = run_config(path, command)
    assert status == 1, said
    wanted = r"(?mi)^.*%s:%d: .*%s" % (re.escape(path.name), expected, re.escape(named))
    assert re.search(wanted, said), "no %r in:\n%s" % (wanted, said)
    assert netns.lan not in devices(netns.names[0])
    assert not (tmp_path / "sock").exists()


def test_every_mistake_at_once(tmp_path, netns):
    """All mistakes are told in one run, each with its line, in order."""
    extra = ("[route]\n10.9.0.0/99 = blackhole\n[sysctl]\nnet.nosuch = 1\n"
             "[filter]\npolicy.FORWARD = MAYBE\nrule.10 = -A FORWARD -j NOSUCH\n")
    base = config(tmp_path, netns).read_text().count("\n")
    path = config(tmp_path, netns, extra)
    status, said = run_config(path)
    assert status == 1
    lines = [int(number) for number in re.findall(re.escape(path.name) + r":(\d+):", said)]
    assert sorted(set(lines)) == [base + 2, base + 4, base + 6, base + 7], said


def test_mistake_in_the_rules_file(tmp_path, netns):
    """The rules file is named with its own line."""
    path = config(tmp_path, netns, rules="*filter\n:FORWARD ACCEPT\n-A FORWARD -p udp -j DROP\n-A FORWARD --nosuch\n")
    status, said = run_config(path)
    assert status == 1 and re.search(r"rules\.v4:4\b", said), said


def test_good_configuration_passes_check(tmp_path, netns):
    """check: exit 0, and nothing is started."""
    status, said = run_config(config(tmp_path, netns), "check")
    assert status == 0, said
    assert netns.lan not in devices(netns.names[0])


# -- what the machine does not give ----------------------------------------------------

def complaint(said):
    """The one line that says why: no other errors beside it."""
    lines = [line for line in said.splitlines() if line.strip()]
    assert lines, "it said nothing"
    assert len(lines) <= 3, "more than a clear line:\n" + said
    return said


def test_no_configuration_file(tmp_path):
    """The file that is missing is named."""
    status, said = run_config(tmp_path / "missing.ini")
    assert status == 1 and "missing.ini" in complaint(said)


def test_namespace_that_does_not_exist(tmp_path, netns):
    """The namespace is named; what was made before is taken back."""
    path = config(tmp_path, netns)
    path.write_text(path.read_text().replace(netns.names[1], "tg-nosuch-namespace"))
    status, said = run_config(path)
    assert status == 1 and "tg-nosuch-namespace" in complaint(said)
    assert netns.lan not in devices(netns.names[0])


def test_no_privilege(tmp_path, netns):
    """An ordinary user is told what is missing."""
    program = shutil.copy(binary(), tmp_path / "tapgate-copy")
    path = config(tmp_path, netns)
    for item in [tmp_path, *tmp_path.parents]:
        if str(item).startswith("/tmp/"):
            item.chmod(item.stat().st_mode | 0o055)
    tmp_path.chmod(0o777)
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    status, said = run_config(path, prefix=prefix, program=program)
    assert status == 1 and re.search(r"(?i)root|privilege|CAP_NET_ADMIN|permission|permitted", complaint(said))


def test_no_tun_device(tmp_path, netns):
    """Without /dev/net/tun it says so."""
    script = "mount -t tmpfs none /dev/net && exec \"$@\""
    status, said = run_config(config(tmp_path, netns), prefix=["unshare", "-m", "sh", "-c", script, "sh"])
    assert status == 1 and "/dev/net/tun" in complaint(said)


def test_no_fuse_device_is_only_a_warning(tmp_path):
    """Without /dev/fuse the router works, with one warning."""
    class NoFuse(TapgateLab):
        """A laboratory whose router cannot mount."""
        def config(self):
            """As usual, with a mount point below a path that is no directory."""
            return super().config().replace("proc_mount = none", "proc_mount = /dev/null/proc")
    with NoFuse(OPEN) as lab:
        assert lab.client.ping(SERVER)[0] == "exit 0"
        assert len([line for line in lab.log_lines() if re.search("(?i)warn|fuse|mount", line)]) >= 1
