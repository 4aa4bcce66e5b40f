"""Reload and life of the process while packets flow; and what an idle router costs.

    client 10.1.0.1 --lan-- tapgate --wan-- 203.0.113.1 server
"""

import os
import re
import signal
import socket
import subprocess
import sys
import time

import pytest

from testnet import namespaces
from testnet.packets import SERVER
from testnet.tapgate_lab import TapgateLab, binary

RULES = "*filter\n:FORWARD DROP\n-A FORWARD -i lan -p udp -m udp --dport 7000 -j ACCEPT\n" \
        "-A FORWARD -i lan -p icmp -j ACCEPT\n-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n"
COUNT = 12000
SEND = """
import socket, sys, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("", 6000))
s.connect(("%s", 7000))
for n in range(%d):
    s.send(b"%%d" %% n)
    if n %% 20 == 19:
        time.sleep(0.004)
""" % (SERVER, COUNT)
RECEIVE = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)
s.bind(("", 7000))
s.settimeout(3)
got = set()
print("ready", flush=True)
while len(got) < %d:
    try:
        got.add(s.recv(100))
    except TimeoutError:
        break
print(len(got), flush=True)
""" % COUNT


@pytest.fixture
def lab():
    """A running router with three interfaces."""
    with TapgateLab(RULES) as running:
        yield running


def enter(host, script):
    """Start Python in the namespace of a host."""
    return subprocess.Popen(["ip", "netns", "exec", host.netns, sys.executable, "-c", script],
                            stdout=subprocess.PIPE, text=True)


def rule_packets(lab, part):
    """The packet counter of the one rule whose text contains @part."""
    found = re.findall(r"^\[(\d+):\d+\] .*" + re.escape(part), lab.save(), re.M)
    assert len(found) == 1, lab.save()
    return int(found[0])


def configure(lab, text, rules=None):
    """Write configuration and rules; nothing is reloaded."""
    with open(lab.config_path(), "w") as file:
        file.write(text)
    if rules:
        with open(os.path.join(lab.directory, "rules.v4"), "w") as file:
            file.write(rules)


def test_under_load(lab):
    """Interfaces and rules come and go, some reloads are refused: not one packet is lost, what stays keeps its counter."""
    receiver = enter(lab.server, RECEIVE)
    assert receiver.stdout.readline() == "ready\n"
    before = rule_packets(lab, "--dport 7000")
    sender = enter(lab.client, SEND)
    plain = lab.config()
    extra = plain + "\n[interface extra]\ntap = ex%s\naddress = 198.51.100.1/24\n[route]\n198.18.0.0/15 = via 198.51.100.2\n" % lab.suffix
    more = lab.rules.replace("-A FORWARD -i lan -p icmp", "-A FORWARD -i lan -p tcp -j DROP\n-A FORWARD -i lan -p icmp")
    done = 0
    try:
        while sender.poll() is None:
            configure(lab, extra, more)
            assert lab.process.command("reload")[0] == 0
            assert "extra" in lab.process.command("ls", "tapgate/ports")[1]
            configure(lab, extra + "\n[nonsense]\nkey = value\n", RULES)
            status, _out, error = lab.process.command("reload", check=False)
            assert status == 1 and "nonsense" in error
            assert "-p tcp -j DROP" in lab.save()
            configure(lab, plain, lab.rules)
            assert lab.process.command("reload")[0] == 0
            assert "extra" not in lab.process.command("ls", "tapgate/ports")[1]
            done += 1
        got = int(receiver.communicate(timeout=20)[0])
    finally:
        sender.kill()
        receiver.kill()
        sender.wait()
        receiver.wait()
    assert done >= 3 and got == COUNT, "%d of %d packets, %d rounds" % (got, COUNT, done)
    assert rule_packets(lab, "--dport 7000") - before == COUNT, "the kept rule's counter began anew"
    assert lab.conntrack("-L").count("dport=7000") == 1


def many_rules(tag, count=50000):
    """A rules file with a long chain behind the rule that traffic passes; @tag tells such files apart."""
    return "*filter\n:FORWARD DROP\n:big -\n-A FORWARD -i lan -p udp -m udp --dport 7000 -j ACCEPT\n" \
           "-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT\n-A FORWARD -i lan -p icmp -j ACCEPT\n" \
           "-A FORWARD -m set --match-set long src -j big\n" + \
           "".join("-A big -s 10.%d.%d.0/24 -p tcp -m tcp --dport %d -j ACCEPT\n" % (n >> 8, n & 255, tag)
                   for n in range(count)) + "COMMIT\n"


def big_file(lab, tag):
    """Write a configuration with long files of rules and sets; nothing is reloaded."""
    sets = "create long hash:ip\n" + "".join("add long 10.%d.%d.%d\n" % (tag, n >> 8, n & 255) for n in range(20000))
    with open(os.path.join(lab.directory, "sets.ipset"), "w") as file:
        file.write(sets)
    text = lab.config()
    if "sets = " not in text:
        text = text.replace("rules = rules.v4", "rules = rules.v4\nsets = sets.ipset")
    configure(lab, text, many_rules(tag))


def start(lab, *args):
    """A command that is not waited for."""
    return subprocess.Popen([binary(), "-S", lab.process.socket, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def in_force(lab):
    """The tags of the rules and of the set that are in force, after a look at how many there are."""
    rules = re.findall(r"-A big .* --dport (\d+) ", lab.save())
    elements = re.findall(r"^add long 10\.(\d+)\.", lab.process.command("ipset", "save", "long")[1], re.M)
    assert len(rules) == 50000 and len(elements) == 20000
    assert len(set(rules)) == len(set(elements)) == 1
    return rules[0], elements[0]


def reloads(lab):
    """How many were done so far."""
    return lab.process.log().count(" reloaded\n")


def test_long_files_under_load(lab):
    """50,000 rules and 20,000 elements come, change and go while datagrams flow: none is lost, the kept rule counts them all."""
    receiver = enter(lab.server, RECEIVE)
    assert receiver.stdout.readline() == "ready\n"
    before = rule_packets(lab, "--dport 7000")
    sender = enter(lab.client, SEND)
    done = 0
    try:
        while sender.poll() is None:
            big_file(lab, 1 + done % 2)
            assert lab.process.command("reload")[::2] == (0, "")
            done += 1
        got = int(receiver.communicate(timeout=20)[0])
    finally:
        sender.kill()
        receiver.kill()
        sender.wait()
        receiver.wait()
    assert done >= 2 and got == COUNT, "%d of %d packets, %d reloads" % (got, COUNT, done)
    assert rule_packets(lab, "--dport 7000") - before == COUNT


def test_two_at_once(lab):
    """Reloads that are asked for while one runs: one more, with the file as it is by then; all clients hear of it."""
    big_file(lab, 1)
    first = start(lab, "reload")
    time.sleep(0.03)
    big_file(lab, 2)
    later = [start(lab, "reload") for _ in range(3)]
    os.kill(lab.process.child.pid, signal.SIGHUP)
    for child in [first, *later]:
        assert child.communicate(timeout=20)[1] == "" and child.returncode == 0
    lab.wait(lambda: reloads(lab) >= 2)
    assert in_force(lab) == ("2", "2")
    assert 2 <= reloads(lab) <= 4 and "nothing changed" not in lab.process.log()


# What others do during a reload, as often as there is time, and what undoes it; whether all of it is gone when the reload is over.
BETWEEN = [
    ("rules", ["iptables", "-A", "INPUT", "-p", "tcp"], ["iptables", "-D", "INPUT", "-p", "tcp"]),
    ("sets", ["ipset", "create", "mine", "hash:ip"], ["ipset", "destroy", "mine"]),
    ("elements", ["ipset", "add", "long", "192.0.2.1"], ["ipset", "del", "long", "192.0.2.1"]),
    ("objects", ["nfacct", "add", "mine"], ["nfacct", "del", "mine"]),
    ("connections", ["conntrack", "-F"], ["conntrack", "-L"]),
]


@pytest.mark.parametrize("row", BETWEEN, ids=[row[0] for row in BETWEEN])
def test_others_between(lab, row):
    """Live commands during a reload work as ever, and the reload becomes what the file says."""
    big_file(lab, 1)
    assert lab.process.command("reload")[0] == 0
    big_file(lab, 2)
    reload = start(lab, "reload")
    rounds = 0
    while reload.poll() is None and rounds < 500:
        assert lab.process.command(*row[1], check=row[0] != "rules")[0] == 0
        # What a reload has replaced meanwhile is not there to be taken away.
        lab.process.command(*row[2], check=row[0] not in ("rules", "elements"))
        rounds += 1
    assert reload.wait(timeout=20) == 0 and rounds > 1
    for _ in range(2):  # one that came last
        lab.process.command(*row[2], check=False)
    assert in_force(lab) == ("2", "2")
    assert lab.client.ping(SERVER)[0] == "exit 0"
    configure(lab, lab.config().replace("sets = sets.ipset\n", ""), "*filter\nCOMMIT\n")
    assert lab.process.command("reload")[0] == 0
    assert lab.process.command("ipset", "list", "-n")[1] == ""  # no reference was left


def test_client_goes_away(lab):
    """A client that is killed leaves its reload running; a mistake at the end of the file changes nothing."""
    big_file(lab, 1)
    child = start(lab, "reload")
    time.sleep(0.03)
    child.kill()
    child.communicate()
    assert lab.wait(lambda: reloads(lab) == 1)
    assert in_force(lab) == ("1", "1")
    big_file(lab, 2)
    with open(os.path.join(lab.directory, "rules.v4"), "a") as file:
        file.write("*filter\n-A big -j NOWHERE\nCOMMIT\n")
    status, _out, error = lab.process.command("reload", check=False)
    assert status == 1 and "rules.v4:500" in error and "NOWHERE" in error
    assert in_force(lab) == ("1", "1")


def test_stopped_in_the_middle(lab):
    """SIGTERM while a reload runs and another waits: the end is clean."""
    big_file(lab, 1)
    children = [start(lab, "reload") for _ in range(2)]
    time.sleep(0.04)
    lab.process.stop()
    for child in children:
        child.communicate(timeout=10)


SETS = "create lan hash:net\nadd lan 10.1.0.0/24\ncreate bans hash:ip timeout 600\n" \
       "create all list:set\nadd all bans\nadd all lan\n"
SET_RULES = "*filter\n:FORWARD DROP\n-A FORWARD -m set --match-set lan src -p icmp -j ACCEPT\n" \
            "-A FORWARD -m set --match-set lan dst -p icmp -j ACCEPT\nCOMMIT\n"


def members(lab, name):
    """The elements of a set, sorted, without options."""
    return sorted(line.split()[2] for line in lab.process.command("ipset", "save", name)[1].splitlines()[1:])


def configure_sets(lab, sets, rules=SET_RULES):
    """Write the configuration with a file of sets and its rules."""
    with open(os.path.join(lab.directory, "sets.ipset"), "w") as file:
        file.write(sets)
    configure(lab, lab.config().replace("rules = rules.v4", "rules = rules.v4\nsets = sets.ipset"), rules)


def test_sets_file(lab):
    """Sets of a file are there for its rules; a reload changes those that the file changes and keeps live entries of the others."""
    process = lab.process
    configure_sets(lab, SETS)
    process.command("reload")
    assert lab.client.ping(SERVER)[0] == "exit 0"
    process.command("ipset", "add", "bans", "192.0.2.9")
    process.command("ipset", "create", "mine", "hash:ip")
    before = rule_packets(lab, "--match-set lan src")
    configure_sets(lab, SETS.replace("10.1.0.0/24", "10.77.0.0/24"))
    process.command("reload")
    assert members(lab, "lan") == ["10.77.0.0/24"] and members(lab, "bans") == ["192.0.2.9"]
    assert members(lab, "all") == ["bans", "lan"] and members(lab, "mine") == []
    assert lab.client.ping(SERVER)[0] != "exit 0"
    assert rule_packets(lab, "--match-set lan src") == before >= 1
    configure(lab, lab.config().replace("sets = sets.ipset\n", ""), "*filter\nCOMMIT\n")
    process.command("reload")
    assert process.command("ipset", "list", "-n")[1] == "mine\n"


BAD_SETS = [
    # name, what the file of sets has, the rules, what is said of which file and line
    ("a word", SETS + "\nmake x hash:ip\n", SET_RULES, r"sets\.ipset:8: .*make"),
    ("an element", SETS + "add bans 10.0.0.256\n", SET_RULES, r"sets\.ipset:7: .*10\.0\.0\.256"),
    ("an element of the end", SETS + "add bans", SET_RULES, r"sets\.ipset:7: Missing"),
    ("binary", "\x01\x02\x03\n", SET_RULES, r"sets\.ipset:1: "),
    ("NUL", SETS + "\0", SET_RULES, r"tapgate\.ini:\d+: router\.sets: .*NUL"),
    ("a set that only rules know", SETS, SET_RULES.replace("COMMIT", "-A INPUT -m set --match-set mine src\nCOMMIT"),
     r"rules\.v4:5: .*mine"),
    ("another mistake in the rules", SETS.replace("10.1.0.0", "10.2.0.0"), SET_RULES.replace("-j ACCEPT\nC", "-j NOPE\nC"),
     r"rules\.v4:4: .*NOPE"),
]


def test_bad_sets_files(lab):
    """A mistake in the sets or in rules that name them: file and line, by check and reload, and nothing changes."""
    process = lab.process
    process.command("ipset", "create", "mine", "hash:ip")
    configure_sets(lab, SETS)
    process.command("reload")
    sets_before, rules_before = process.command("ipset", "save")[1], process.command("iptables", "-S")[1]
    for name, sets, rules, said in BAD_SETS:
        configure_sets(lab, sets, rules)
        status, _out, error = process.command("reload", check=False)
        assert status == 1 and re.search(said, error), (name, error)
        check = subprocess.run([binary(), "check", "-c", lab.config_path()], capture_output=True, text=True, timeout=10)
        assert check.returncode == 1 and re.search(said, check.stderr), (name, check.stderr)
        assert process.command("ipset", "save")[1] == sets_before and lab.process.command("iptables", "-S")[1] == rules_before, name
    assert lab.client.ping(SERVER)[0] == "exit 0"


def test_rules_pipe_does_not_stop_the_router(lab):
    """A FIFO for the rules file, a folder, a device: refused at once, the router goes on."""
    pipe = os.path.join(lab.directory, "pipe")
    os.mkfifo(pipe)
    for path in (pipe, lab.directory, "/dev/null", os.path.join(lab.directory, "none")):
        configure(lab, lab.config().replace("rules = rules.v4", "rules = " + path))
        status, _out, error = lab.process.command("reload", check=False)
        assert status == 1 and path in error, error
    os.unlink(lab.config_path())
    os.mkfifo(lab.config_path())
    status, _out, error = lab.process.command("reload", check=False)
    assert status == 1 and "no regular file" in error
    assert lab.client.ping(SERVER)[0] == "exit 0"


ODD = [
    # name, bytes appended, exit status, what it says
    ("CRLF", b"[route]\r\n10.9.0.0/16 = blackhole\r\n", 0, ""),
    ("no newline at the end", b"[route]\n10.9.0.0/16 = blackhole", 0, ""),
    ("NUL", b"[route]\n10.9.0.0/16 = black\0hole\n", 1, "control character"),
    ("binary", bytes(range(256)) * 64, 1, ""),
    ("a megabyte without newline", b"x" * (1 << 20), 1, "1023 characters"),
    ("a million newlines", b"\n" * 1000000, 0, ""),
]


@pytest.mark.parametrize("row", ODD, ids=[row[0] for row in ODD])
def test_odd_files(row, tmp_path):
    """Whatever the bytes: an answer with a line, or it is fine."""
    path = tmp_path / "odd.ini"
    path.write_bytes(b"\xef\xbb\xbf[router]\nproc_mount = none\n" + row[1])
    done = subprocess.run([binary(), "check", "-c", str(path)], capture_output=True, timeout=20)
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == row[2] and row[3] in said, said[:2000]
    if row[2]:
        assert "odd.ini:" in said


def test_lint_of_shared_subnets(tmp_path):
    """Two interfaces in one subnet are legal and a warning: all its packets leave through one of them."""
    path = tmp_path / "two.ini"
    path.write_text("[interface a]\naddress = 192.0.2.1/24\n[interface b]\naddress = 198.51.100.1/24, 192.0.2.129/25\n")
    done = subprocess.run([binary(), "check", "-c", str(path)], capture_output=True, text=True, timeout=10)
    assert done.returncode == 0
    assert re.search(r"two.ini:3: interface b.address: warning: .* interface a", done.stderr), done.stderr
    assert done.stderr.count("\n") == 1


def test_not_files(tmp_path):
    """A folder, a loop of links: one line with the name; a pipe is fine for `check`."""
    os.symlink("loop.ini", tmp_path / "loop.ini")
    for name in (str(tmp_path), str(tmp_path / "loop.ini"), str(tmp_path / "none" / "none.ini")):
        done = subprocess.run([binary(), "check", "-c", name], capture_output=True, text=True, timeout=10)
        assert done.returncode == 1 and done.stderr.startswith(name + ":") and done.stderr.count("\n") == 1
    done = subprocess.run([binary(), "check", "-c", "/dev/stdin"], capture_output=True, text=True, timeout=10,
                          input="[router]\nproc_mount = none\n")
    assert done.returncode == 0, done.stderr


def test_namespace_deleted_and_made_again(lab):
    """The device goes with its namespace: the port is down, the others work; a reload after it is back heals it."""
    process = lab.process
    name = "tg-gone-" + lab.suffix
    namespaces.create([name])
    try:
        configure(lab, lab.config() + "\n[interface gone]\nnetns = %s\naddress = 198.51.100.1/24\n" % name)
        process.command("reload")
        namespaces.delete([name])
        assert lab.wait(lambda: re.search("interface gone: its device is gone", process.log())), process.log()
        assert lab.client.ping(SERVER)[0] == "exit 0"
        status, _out, error = process.command("reload", check=False)
        assert status == 1 and name in error
        assert lab.client.ping(SERVER)[0] == "exit 0"
        namespaces.create([name])
        process.command("reload")
        namespaces.run(["ip", "-n", name, "addr", "add", "198.51.100.2/24", "dev", "gone"])
        assert namespaces.run(["ip", "netns", "exec", name, "ping", "-c1", "-W2", "198.51.100.1"]).returncode == 0
    finally:
        namespaces.delete([name])


def test_netns_by_pid_and_by_path(lab):
    """A number is a process, a path a namespace file."""
    name = "tg-pid-" + lab.suffix
    namespaces.create([name])
    sleeper = subprocess.Popen(["ip", "netns", "exec", name, "sleep", "60"])
    try:
        lab.wait(lambda: os.readlink("/proc/%d/ns/net" % sleeper.pid) != os.readlink("/proc/self/ns/net"))
        configure(lab, lab.config() + "\n[interface bypid]\nnetns = %d\n[interface bypath]\nnetns = /run/netns/%s\n"
                  % (sleeper.pid, name))
        lab.process.command("reload")
        links = namespaces.run(["ip", "-n", name, "-o", "link"]).stdout
        assert "bypid" in links and "bypath" in links
    finally:
        sleeper.kill()
        sleeper.wait()
        namespaces.delete([name])


def test_sigterm_while_a_reader_is_slow(lab):
    """A client that does not read its answer, and half a request: neither keeps the router from ending."""
    half, slow = (socket.socket(socket.AF_UNIX) for _ in range(2))
    with half, slow:
        half.connect(lab.process.socket)
        half.send(b"A\0\0\0\5ca")
        slow.connect(lab.process.socket)
        for word in [b"cat"] + [b"tapgate/rules/filter"] * 1000:
            slow.send(b"A" + len(word).to_bytes(4, "big") + word)
        slow.send(b"G\0\0\0\0")
        assert slow.recv(1) == b"O"
        os.kill(lab.process.child.pid, signal.SIGHUP)
        lab.process.stop()


def test_many_connections(lab):
    """More than it takes are closed at once; when they go, commands work again."""
    peers = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    for peer in peers:
        peer.connect(lab.process.socket)
    assert lab.client.ping(SERVER)[0] == "exit 0"
    for peer in peers:
        peer.close()
    assert lab.wait(lambda: lab.process.command("status", check=False)[0] == 0)


def test_notifies_the_service_manager(lab, tmp_path):
    """RELOADING=1 with its time, READY=1, STOPPING=1."""
    lab.process.stop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(5)
        os.environ["NOTIFY_SOCKET"] = str(tmp_path / "notify")
        try:
            lab.process = type(lab.process)(lab.config_path(), lab.directory)
        finally:
            del os.environ["NOTIFY_SOCKET"]
        assert manager.recv(200) == b"READY=1"
        before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        lab.process.command("reload")
        match = re.fullmatch(rb"RELOADING=1\nMONOTONIC_USEC=(\d+)", manager.recv(200))
        assert match and before <= int(match[1]) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
        assert manager.recv(200) == b"READY=1"
        lab.process.stop()
        assert manager.recv(200) == b"STOPPING=1"


def switches(pid):
    """How often a process went to sleep so far."""
    with open("/proc/%d/status" % pid) as file:
        return int(re.search(r"^voluntary_ctxt_switches:\s*(\d+)", file.read(), re.M)[1])


def test_idle_router_sleeps(lab):
    """Nothing to do, no deadline: no wakeup in three seconds."""
    pid = lab.process.child.pid
    assert lab.wait(lambda: (lambda a: time.sleep(1) or switches(pid) == a)(switches(pid)), limit=60)
    before = switches(pid)
    time.sleep(3)
    assert switches(pid) == before


def test_rates(lab):
    """status shows what flows, and nothing soon after it ended."""
    ping = subprocess.Popen(["ip", "netns", "exec", lab.client.netns, "ping", "-q", "-i", "0.002", SERVER],
                            stdout=subprocess.DEVNULL)
    try:
        assert lab.wait(lambda: re.search(r"now +rx [1-9]\d\d|now +rx \S+ k", lab.process.command("status")[1]))
    finally:
        ping.kill()
        ping.wait()
    assert lab.wait(lambda: "now   rx 0 pps" in lab.process.command("status")[1])
