"""The status tree against the real /proc: same files, same formats, same range checks.

Both laboratories run side by side with the same rules and the same packets; what
a script would read in one must be what it reads in the other.
"""

import collections
import os
import re
import subprocess

import pytest

from testnet import text
from testnet.kernel_lab import KernelLab
from testnet.lab import sysctl_path
from testnet.packets import answer, echo, tcp, udp
from testnet.tapgate_lab import TapgateLab

RULES = "*nat\n:POSTROUTING ACCEPT\n-A POSTROUTING -o wan -j MASQUERADE\n*filter\n:FORWARD ACCEPT\n" \
        "*raw\n:PREROUTING ACCEPT\n*mangle\n:PREROUTING ACCEPT\n"


@pytest.fixture(scope="module")
def labs():
    """(kernel, Tapgate) after the same little traffic."""
    with KernelLab(RULES) as kernel, TapgateLab(RULES, mount=True) as tapgate:
        for lab in (kernel, tapgate):
            lab.client.send(udp(), tcp(), echo())
            lab.server.send(*[answer(item) for item in lab.server.arrived(3)])
            lab.client.arrived(3)
            lab.client.send(tcp("A", seq=1001, ack=5001), udp(dport=54))
            lab.server.arrived(2)
        yield kernel, tapgate


@pytest.fixture(scope="module")
def mount(labs):
    """The mounted tree; its absence where /dev/fuse exists is a failure."""
    point = labs[1].mount_point
    assert os.path.ismount(point), "the status tree is not mounted:\n" + labs[1].process.log()
    return point


def read(*parts):
    """A file of the mounted tree."""
    with open(os.path.join(*parts)) as file:
        return file.read()


def shape(line):
    """A connection line with seconds and use hidden, spacing kept."""
    line = re.sub(r"^(\S+ +\d+ \S+ +\d+ )\d+", r"\1SECONDS", line)
    return re.sub(r"use=\d+", "use=N", line)


# -- net ---------------------------------------------------------------------------

def test_nf_conntrack(labs):
    """Every line, every space."""
    ours, theirs = (sorted(map(shape, lab.proc("net/nf_conntrack").splitlines())) for lab in reversed(labs))
    assert ours == theirs


def test_use_counts(labs):
    """use= of idle entries is 2 in /proc."""
    assert set(re.findall(r"use=(\d+)", labs[1].proc("net/nf_conntrack"))) == {"2"}


def test_ip_conntrack(labs):
    """The old file: the same lines without the two first columns."""
    new = [line.split(None, 2)[2] for line in labs[1].proc("net/nf_conntrack").splitlines()]
    old = labs[1].proc("net/ip_conntrack").splitlines()
    assert [hide_seconds(line) for line in sorted(old)] == [hide_seconds(line) for line in sorted(new)]


def hide_seconds(line):
    """Without the seconds that may pass between two reads."""
    return re.sub(r"^(\S+ +\d+ )\d+", r"\1", line)


def test_conntrack_tool(labs):
    """conntrack -L of both, including use=."""
    ours, theirs = (sorted(re.sub(r"^(\S+ +\d+ )\d+", r"\1", line)
                           for line in lab.conntrack("-L").splitlines()) for lab in reversed(labs))
    assert ours == theirs


def test_stat_nf_conntrack(labs):
    """Header as in Linux, 17 hexadecimal columns, entries counted."""
    ours, theirs = (lab.proc("net/stat/nf_conntrack").splitlines() for lab in reversed(labs))
    assert ours[0] == theirs[0]
    pattern = re.sub("[0-9a-f]{8}", "[0-9a-f]{8}", theirs[1])
    assert all(re.fullmatch(pattern, line) for line in ours[1:])
    assert int(ours[1].split()[0], 16) == int(theirs[1].split()[0], 16)


def test_ip_tables_names(labs):
    """The same tables, one a line."""
    ours, theirs = (sorted(lab.proc("net/ip_tables_names").split()) for lab in reversed(labs))
    assert set(theirs) <= set(ours) <= {"filter", "nat", "mangle", "raw", "security"}


# Names that one side alone lists, with the reason.
ONE_SIDED = {
    "matches": {"l2tp": "iptables has no extension of this name", "udplite": "iptables has no extension of this name",
                "cluster": "not in Tapgate", "ipvs": "this kernel is built without IPVS"},
    "targets": {"LED": "this kernel is built without LED triggers"},
}


@pytest.mark.parametrize("kind", ["matches", "targets"])
def test_ip_tables_extensions(labs, kind):
    """The same matches and targets, each as often as it has revisions."""
    path = "net/ip_tables_" + kind
    names = set(labs[1].proc(path).split()) - {"ERROR"}
    prefixes = ("xt_", "ipt_")
    subprocess.run(["modprobe", "-qa", *[prefix + name for name in names for prefix in prefixes]], check=False)
    ours, theirs = (collections.Counter(lab.proc(path).split()) for lab in reversed(labs))
    both = set(ours) & set(theirs)
    assert {name: ours[name] for name in both} == {name: theirs[name] for name in both}
    assert set(ours) ^ set(theirs) <= set(ONE_SIDED[kind])
    assert len(both) >= {"matches": 50, "targets": 30}[kind]


def test_dev(labs):
    """Header, columns, and the numbers that count traffic."""
    ours, theirs = (lab.proc("net/dev").splitlines() for lab in reversed(labs))
    assert ours[:2] == theirs[:2]
    for name in ("lan", "wan", "dmz"):
        line, other = ([item for item in lines if item.strip().startswith(name + ":")][0]
                       for lines in (ours, theirs))
        assert len(line.split()) == len(other.split()) == 17
        assert [match.end() for match in re.finditer(r"\S+", line)][0] == \
            [match.end() for match in re.finditer(r"\S+", other)][0]
        assert int(line.split()[2]) > 0


def test_route(labs):
    """The same routes in the same columns."""
    ours, theirs = (lab.proc("net/route").splitlines() for lab in reversed(labs))
    assert ours[0].split() == theirs[0].split()
    assert sorted(line.split() for line in ours[1:]) == sorted(line.split() for line in theirs[1:])
    assert {len(line) for line in ours} == {len(line) for line in theirs}


def test_arp(labs):
    """Header as in Linux; the client's line byte for byte."""
    ours, theirs = (lab.proc("net/arp").splitlines() for lab in reversed(labs))
    assert ours[0] == theirs[0]
    for address in ("10.1.0.1 ", "203.0.113.50 "):
        line, other = ([item for item in lines if item.startswith(address)] for lines in (ours, theirs))
        assert line == other


# -- mount and command -----------------------------------------------------------------

@pytest.mark.parametrize("path", [
    "net/ip_tables_names", "net/route", "net/nf_conntrack_expect", "tapgate/version", "tapgate/rules/filter",
    "tapgate/rules/nat", "tapgate/ports/lan", "sys/net/ipv4/ip_forward", "sys/net/netfilter/nf_conntrack_max",
    "sys/net/netfilter/nf_conntrack_count", "sys/net/ipv4/conf/lan/rp_filter", "sys/net/ipv4/conf/all/rp_filter"])
def test_mount_is_what_cat_shows(labs, mount, path):
    """A file of the mount and `tapgate cat` are one thing."""
    strip = re.compile(r"(?m)^# .*\n")
    assert strip.sub("", read(mount, path)) == strip.sub("", labs[1].proc(path))


def test_mount_nf_conntrack(labs, mount):
    """The table through the mount, read in pieces as well."""
    whole = read(mount, "net/nf_conntrack")
    assert sorted(map(shape, whole.splitlines())) == \
        sorted(map(shape, labs[1].proc("net/nf_conntrack").splitlines()))
    with open(os.path.join(mount, "net/nf_conntrack"), "rb", buffering=0) as file:
        pieces = b""
        while piece := file.read(37):
            pieces += piece
    assert len(pieces.splitlines()) == len(whole.splitlines())


def test_mode_of_nf_conntrack(mount):
    """Not readable for everybody, as in Linux."""
    assert os.stat(os.path.join(mount, "net/nf_conntrack")).st_mode & 0o777 == 0o440


def test_ls_is_listdir(labs, mount):
    """`tapgate ls` and the mount show the same names."""
    for path in ("", "net", "sys/net/ipv4/conf", "tapgate", "tapgate/ports", "tapgate/rules"):
        listed = labs[1].process.command("ls", path or "/")[1].split()
        assert sorted(item.rstrip("/") for item in listed) == sorted(os.listdir(os.path.join(mount, path)))


def test_missing_files(labs, mount):
    """ENOENT both ways."""
    with pytest.raises(FileNotFoundError):
        read(mount, "net/nosuch")
    status, _out, error = labs[1].process.command("cat", "net/nosuch", check=False)
    assert status != 0 and "nosuch" in error


def test_rules_in_the_tree(labs):
    """tapgate/rules/TABLE is iptables-save -c of that table."""
    ours = text.saved_rules(labs[1].proc("tapgate/rules/nat"), {"nat"})
    assert ours == text.saved_rules(labs[1].save(), {"nat"}) and ours


def test_rules_are_the_kernels(labs):
    """Rules and counters after the same traffic."""
    assert labs[1].saved_rules() == labs[0].saved_rules()


# -- sysctls -------------------------------------------------------------------------

DEFAULTS = ["net.netfilter.nf_conntrack_" + name for name in (
    "tcp_timeout_syn_sent", "tcp_timeout_syn_recv", "tcp_timeout_established", "tcp_timeout_fin_wait",
    "tcp_timeout_close_wait", "tcp_timeout_last_ack", "tcp_timeout_time_wait", "tcp_timeout_close",
    "tcp_timeout_max_retrans", "tcp_timeout_unacknowledged", "tcp_loose", "tcp_be_liberal", "tcp_max_retrans",
    "tcp_ignore_invalid_rst", "udp_timeout", "udp_timeout_stream", "icmp_timeout", "generic_timeout",
    "checksum", "log_invalid", "timestamp", "acct")] + [
    "net.ipv4.ip_forward", "net.ipv4.ip_default_ttl", "net.ipv4.icmp_ratelimit", "net.ipv4.icmp_ratemask",
    "net.ipv4.icmp_echo_ignore_all", "net.ipv4.icmp_echo_ignore_broadcasts", "net.ipv4.ipfrag_time",
    "net.ipv4.conf.all.rp_filter", "net.ipv4.conf.lan.rp_filter", "net.ipv4.conf.lan.accept_redirects",
    "net.ipv4.conf.lan.send_redirects", "net.ipv4.conf.all.log_martians", "net.ipv4.conf.all.accept_source_route",
    "net.ipv4.conf.lan.accept_source_route", "net.ipv4.conf.default.rp_filter"]
VALUES = ["0", "1", "2", "3", "5", "255", "256", "-1", "99999999999", "abc", "", "7 8", " 4", "0x10", "2147483647",
          "2147483648", "4294967295"]


@pytest.mark.parametrize("name", DEFAULTS)
def test_default(labs, name):
    """The value before anybody wrote."""
    assert labs[1].proc(sysctl_path(name)) == labs[0].proc(sysctl_path(name))


@pytest.mark.parametrize("name", [name for name in DEFAULTS if "ip_forward" not in name])
def test_range(labs, mount, name):
    """Each value is taken, or refused, as Linux does it; then what is read back."""
    path = sysctl_path(name)
    before = labs[0].proc(path).strip()
    differences = []
    for value in VALUES:
        results = []
        for lab in labs:
            results.append((write(lab, mount, path, value), lab.proc(path)))
        if results[0] != results[1]:
            differences.append("write %r: kernel %s, tapgate %s" % (value, *results))
    for lab in labs:
        write(lab, mount, path, before)
    assert not differences, "\n".join(differences)


def write(lab, mount, path, value):
    """Write as `echo VALUE > FILE` does: '' or the error's name."""
    if lab.kind == "kernel":
        return lab.router.call("write", [("/proc/" + path, value + "\n")])[0]
    from testnet.services import error_name
    try:
        with open(os.path.join(mount, path), "w") as file:
            file.write(value + "\n")
        return ""
    except OSError as error:
        return error_name(error)


def test_write_by_command(labs):
    """`tapgate write` and `tapgate sysctl` do the same, with the same errors."""
    name = "net.netfilter.nf_conntrack_udp_timeout"
    command = labs[1].process.command
    assert command("write", sysctl_path(name), "31")[0] == 0
    assert command("sysctl", name)[1].strip() == name + " = 31"
    assert command("sysctl", "-w", name + "=30")[0] == 0
    assert labs[1].proc(sysctl_path(name)) == "30\n"
    status, _out, error = command("write", sysctl_path(name), "abc", check=False)
    assert status != 0 and "Invalid argument" in error
    assert labs[1].sysctl("net.netfilter.nf_conntrack_udp_timeout", "abc") == "EINVAL"


def test_read_only(labs, mount):
    """nf_conntrack_count cannot be written, in Linux or here."""
    path = "sys/net/netfilter/nf_conntrack_count"
    kernel, tapgate = (write(lab, mount, path, "5") for lab in labs)
    assert kernel in ("EACCES", "EPERM") and tapgate in ("EACCES", "EPERM")
