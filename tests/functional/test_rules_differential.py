"""The same rule texts given to iptables-legacy, in a namespace of its own, and to Tapgate: same listings, same errors.

    iptables-legacy, unshare -n  --.
                                    >-- iptables-save [-c], -S [-v], -L -n -v -x --line-numbers, -L -v; exit status, message
    build/tests/tools/rules  ------'

To add a case: one more line in a list below.
"""

import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
OBJECTS = ["web", "0123456789012345678901234567890", "two words", 'q"x\\y', "it's"]  # accounting objects that are there
LISTINGS = ["-S", "-S -v", "-L -n -v -x --line-numbers", "-L -v"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("iptables-legacy"),
                                reason="needs root and iptables-legacy")

# Each list becomes one ruleset, in order; all are legal.
LEGAL = {
    "addresses": [
        "-A INPUT -s 1.2.3.4", "-A INPUT -s 1.2.3.4/8 -d 5.6.7.8/255.255.0.0", "-A INPUT ! -s 1.2.3.4 ! -d 10.0.0.0/8",
        "-A INPUT -s 1.2.3", "-A INPUT -s 10", "-A INPUT -s 1.2.3.4/255.0.255.0", "-A INPUT -s 010.0x10.1.1",
        "-A INPUT ! -s 0/0", "-A INPUT -s 0.0.0.0/0 -d any/0", "-A INPUT -s 1.1.1.1,2.2.2.0/24 -d 3.3.3.3,4.4.4.4/16",
        "-A INPUT -s 129.1.1.1/0x5", "-A INPUT --source 9.9.9.9 --destination 8.8.8.8", "-A INPUT --src 9.9.9.8 --dst 7.7.7.7",
        "-I INPUT 2 -s 21.0.0.1,21.0.0.2", "-I INPUT -s 22.0.0.1,22.0.0.2,22.0.0.3", "-A INPUT -s 255.255.255.255",
    ],
    "interfaces": [
        "-A FORWARD -i eth0 -o eth1", "-A FORWARD ! -i eth0 ! -o eth+", "-A FORWARD -i +", "-A FORWARD -i abcdefghijklmno",
        "-A FORWARD -i abcdefghijklmn+", "-A FORWARD --in-interface a --out-interface b", "-A FORWARD --in-i x",
        "-A FORWARD -i eth0.100 -o br-lan_1",
    ],
    "protocols": [
        "-A INPUT -p tcp", "-A INPUT -p TCP", "-A INPUT -p 6", "-A INPUT -p 0x11", "-A INPUT -p 047", "-A INPUT -p gre",
        "-A INPUT -p 253", "-A INPUT -p all", "-A INPUT -p 0", "-A INPUT ! -p udp", "-A INPUT -p icmpv6", "-A INPUT -p mh",
        "-A INPUT -p ah", "-A INPUT -p 255", "-A INPUT --protocol esp", "-A INPUT --proto sctp", "-A INPUT -p ipencap",
    ],
    "fragments and counters": [
        "-A INPUT -f", "-A INPUT ! -f", "-A INPUT --fragments", "-A INPUT --fragment -j DROP", "-A INPUT -c 5 6",
        "-A INPUT --set-counters 99999 100000", "-A INPUT -c 100000,999999 -j ACCEPT", "-A INPUT -c 9999499 9999500",
        "-A INPUT -c 9999999999 10000000000", "-A INPUT -c 9999999999999 99999999999999999", "-A INPUT -c 1000000 99999499",
        "-P FORWARD DROP", "-P INPUT DROP -c 1234567 89",
    ],
    "targets and chains": [
        "-N foo", "-N bar", "-N aaaaaaaaaabbbbbbbbbbcccccccc", "-N Zed", "-A INPUT -j foo", "-A INPUT -g foo",
        "-A foo -g bar", "-A INPUT -j aaaaaaaaaabbbbbbbbbbcccccccc", "-A INPUT -j ACCEPT", "-A INPUT -j DROP",
        "-A INPUT -j RETURN", "-A INPUT", "-A foo -j RETURN", "-A INPUT --jump foo", "-A INPUT --goto bar", "-N loop",
        "-A loop -j loop", "-N unreached", "-A unreached -j REJECT", "-E Zed zed", "-N gone", "-A gone -j ACCEPT", "-F gone",
        "-X gone", "-P FORWARD DROP", "-A bar -s 1.1.1.1 -j ACCEPT", "-E bar aab",
    ],
    "editing": [
        "-A INPUT -s 1.1.1.1 -j ACCEPT", "-A INPUT -s 2.2.2.2 -j ACCEPT", "-A INPUT -s 3.3.3.3 -j ACCEPT",
        "-A INPUT -s 2.2.2.2 -j ACCEPT", "-D INPUT -s 2.2.2.2 -j ACCEPT", "-D INPUT 1", "-R INPUT 1 -s 4.4.4.4 -j DROP",
        "-I INPUT -s 5.5.5.5", "-I INPUT 2 -s 6.6.6.6 -c 7 8", "-I INPUT 5 -s 7.7.7.7 -j DROP", "-C INPUT -s 6.6.6.6",
        "-A OUTPUT -s 1.1.1.1 -c 5 5", "-Z OUTPUT", "-A FORWARD -c 1 1", "-A FORWARD -c 2 2", "-Z FORWARD 1",
        "-A INPUT -p tcp --dport 80 -j REJECT", "-D INPUT -p tcp -m tcp --dport 80 -j REJECT --reject-with icmp-port-unreachable",
    ],
    "words": [
        "-A INPUT -p tcp --dport=80", "-A INPUT -p udp --sport 53 -j ACCEPT", "-A INPUT -p udp -m udp --dport 1:5",
        "-A INPUT -j ACCEPT -p icmp --icmp-type 8", "-A INPUT -p tcp --syn", "-A INPUT -p tcp ! --syn -j DROP",
        "-A INPUT -p tcp --destination-port 5 --source-port 6:", "-A INPUT -m tcp -m tcp -p tcp", "--append INPUT -s 44.4.4.4",
        "--app INPUT -s 44.4.4.5", "-AINPUT -s 45.4.4.4", "--append=INPUT -s 46.4.4.4", "-A INPUT -w -s 47.1.1.1",
        "-A INPUT -p tcp -m tcp --dport 5 -m tcp --sport 6", "-4 -A INPUT -s 48.1.1.1",
    ],
    "matches": [
        "-A INPUT -m comment --comment plain", "-A INPUT -m comment --comment 'two words'",
        "-A INPUT -m comment --comment 'quote \" back \\ slash'", "-A INPUT -m mark --mark 5", "-A INPUT -m mark ! --mark 5/0xff",
        "-A INPUT -m conntrack --ctstate NEW,ESTABLISHED", "-A INPUT -m state --state RELATED -j ACCEPT",
        "-A INPUT -m limit --limit 5/min", "-A INPUT -m limit --limit 3/s --limit-burst 9 -j ACCEPT",
        "-A INPUT -p tcp -m multiport --dports 21,80,1000:2000", "-A INPUT -m length --length 100:200", "-A INPUT -m ttl --ttl-lt 5",
        "-A INPUT -m mac --mac-source 00:11:22:33:44:55", "-A INPUT -m addrtype --dst-type LOCAL",
        "-A INPUT -m connmark --mark 1/2", "-A INPUT -p icmp -m icmp --icmp-type 3/1",
    ],
    "cluster": [
        "-A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 5",
        "-A INPUT -m cluster ! --cluster-local-node 2 --cluster-total-nodes 2 --cluster-hash-seed 0xdeadbeef -j DROP",
        "-A INPUT -m cluster --cluster-total-nodes 32 --cluster-local-node 32 --cluster-hash-seed 0xffffffff",
        "-A INPUT -m cluster --cluster-total-nodes 1 --cluster-local-node 1 --cluster-hash-seed 0",
        "-A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-nodemask 0x0f --cluster-hash-seed 5",
        "-A INPUT -m cluster ! --cluster-local-nodemask 3 --cluster-tot 4 --cluster-hash-seed 017",
        "-t mangle -A PREROUTING -m cluster --cluster-total-nodes=6 --cluster-local-nodemask=32 --cluster-hash-seed=5",
        "-D INPUT -m cluster --cluster-total-nodes 2 --cluster-local-nodemask 1 --cluster-hash-seed 5",
    ],
    "accounting objects": [
        "-A INPUT -m nfacct --nfacct-name web", "-A INPUT -m nfacct --nfacct-name=web -j ACCEPT", "-A FORWARD -m nfacct --nfacct-n web",
        "-A FORWARD -m nfacct --nfacct-name 0123456789012345678901234567890", "-A FORWARD -m nfacct --nfacct-name 'two words' -j DROP",
        "-A FORWARD -m nfacct --nfacct-name 01234567890123456789012345678901xyz", "-A FORWARD -m nfacct --nfacct-name 'q\"x\\y'",
        "-A FORWARD -m nfacct --nfacct-name \"it's\"", "-A FORWARD -m nfacct --nfacct-name web -m nfacct --nfacct-name web",
        "-A FORWARD -p tcp -m nfacct --nfacct-name web --dport 80", "-t raw -A PREROUTING -m nfacct --nfacct-name web",
        "-t mangle -A POSTROUTING -m nfacct --nfacct-name web -j MARK --set-mark 1", "-t nat -A PREROUTING -m nfacct --nfacct-name web",
        "-t security -A OUTPUT -m nfacct --nfacct-name web", "-C FORWARD -m nfacct --nfacct-name web",
        "-D FORWARD -m nfacct --nfacct-name web", "-R INPUT 1 -m nfacct --nfacct-name 'two words'",
    ],
    "extension targets": [
        "-A INPUT -j REJECT", "-A INPUT -p tcp -j REJECT --reject-with tcp-reset", "-A INPUT -j REJECT --reject-with icmp-host-prohibited",
        "-A INPUT -j LOG", "-A INPUT -j LOG --log-prefix 'a b: ' --log-level 7", "-t mangle -A FORWARD -j MARK --set-mark 1",
        "-t mangle -A FORWARD -j MARK --set-xmark 0x1/0xf", "-t mangle -A FORWARD -j CONNMARK --save-mark",
        "-t mangle -A PREROUTING -j TTL --ttl-set 5", "-t mangle -A PREROUTING -j TOS --set-tos 0x10",
        "-t raw -A PREROUTING -j NOTRACK", "-t raw -A PREROUTING -j CT --notrack", "-t nat -A POSTROUTING -o eth0 -j MASQUERADE",
        "-t nat -A POSTROUTING -j SNAT --to-source 1.2.3.4", "-t nat -A PREROUTING -p tcp --dport 80 -j DNAT --to-destination 1.2.3.4:8080",
        "-t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 3128", "-t security -A INPUT -j ACCEPT",
    ],
}

SETUP = ["-N foo", "-N full", "-N used", "-A full -s 1.1.1.1", "-A INPUT -j used", "-A INPUT -s 9.9.9.9 -j DROP"]

# One command each, refused; on top of SETUP.
ILLEGAL = [
    "-A INPUT -j FOO", "-A INPUT -g FOO", "-A INPUT -g ACCEPT", "-A INPUT -j OUTPUT", "-N INPUT", "-N foo", "-N ACCEPT", "-N LOG",
    "-N aaaaaaaaaabbbbbbbbbbccccccccc", "-N -x", "-N '!x'", "-N ''", "-N 'a b'", "-A INPUT -j aaaaaaaaaabbbbbbbbbbccccccccc",
    "-A INPUT -j ''", "-X nope", "-X INPUT", "-X full", "-X used", "-X", "-F nope", "-Z nope", "-A NOPE -j DROP", "-A full -j full -g x",
    "-D foo 1", "-D foo -j DROP", "-C foo -j DROP", "-D NOPE 1", "-P foo DROP", "-P INPUT foo", "-P INPUT RETURN", "-P NOPE DROP",
    "-P INPUT", "-I foo 5 -j DROP", "-I foo 0 -j DROP", "-R foo 5 -j DROP", "-R foo -j DROP", "-R INPUT 1 -s 1.1.1.1,2.2.2.2",
    "-E foo INPUT", "-E foo full", "-E nope x", "-E INPUT x", "-E foo", "-A INPUT -s 1.2.3.4/33", "-A INPUT -s 1.2.3.4.5",
    "-A INPUT -s 1.2.3.256", "-A INPUT -s 1.2.3.4/255.255.255", "-A INPUT -s ''", "-A INPUT -s 1.1.1.1,", "-A INPUT -s 1.1.1.1/",
    "-A INPUT ! -s 10.1.2.3/8,1.1.1.1", "-A INPUT -s ! 1.1.1.1", "-A INPUT -i eth0 -o eth1", "-A OUTPUT -i eth0",
    "-A INPUT -i abcdefghijklmnop", "-A INPUT -i ''", "-A INPUT ! -p all", "-A INPUT -p 300", "-A INPUT -p foo", "-A INPUT -p ''",
    "-A INPUT ! -p tcp --dport 80", "-A INPUT --dport 80", "-A INPUT -p tcp --dport", "-A INPUT -p", "-A INPUT -c 5",
    "-A INPUT -c a b", "-A INPUT -c 1 b", "-A INPUT -c 1 2 -c 3 4", "-A INPUT -m foo", "-A INPUT --x", "-A INPUT -x", "-A INPUT -n",
    "-A INPUT -Q", "-A INPUT bad", "-A INPUT -", "-A INPUT ! ! -s 1.1.1.1", "-A INPUT ! -j DROP", "-A INPUT ! -m tcp",
    "-A INPUT -j DROP -j ACCEPT", "-A INPUT -j DROP -g foo", "-A INPUT -s 1.1.1.1 -s 2.2.2.2", "-A INPUT -p tcp -p udp",
    "-A INPUT -i a -i b", "-A INPUT -m tcp", "-A INPUT -p udp -m tcp --dport 5", "-A INPUT -A OUTPUT", "-D INPUT 1 2", "-D INPUT 999",
    "-D INPUT 1 -j DROP", "-D INPUT x", "-D INPUT 0", "-A", "-A INPUT INPUT", "-N foo2 bar", "-N foo2 -j DROP", "-j DROP", "-F INPUT 1",
    "-F INPUT -s 1.1.1.1", "-A INPUT -- foo", "-A INPUT -s 1.1.1.1 !", "-A INPUT --s 1.2.3.4", "-A foo -j foo -A", "-A used -j used",
    "-A used -j INPUT", "-A INPUT -p tcp --dport 70000", "-A INPUT -p tcp --dport 5 --dport 6", "-A INPUT -p tcp --syn=5",
    "-t nat -A POSTROUTING -j DROP", "-t nat -P POSTROUTING DROP", "-t nat -A PREROUTING -j MASQUERADE",
    "-t mangle -A PREROUTING -j REJECT", "-A INPUT -j REJECT --reject-with tcp-reset", "-A INPUT -j MARK", "-A INPUT -j NOTRACK",
    "-A INPUT -m mac --mac-source 1", "-A OUTPUT -m mac --mac-source 00:11:22:33:44:55", "-A INPUT -m comment",
    "-A INPUT -m limit --limit 0/s", "-A INPUT -m conntrack --ctstate FOO",
    "-A INPUT -m cluster", "-A INPUT -m cluster --cluster-total-nodes 2", "-A INPUT -m cluster --cluster-hash-seed 5",
    "-A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 1", "-A INPUT -m cluster --cluster-local-node 1 --cluster-hash-seed 5",
    "-A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 0 --cluster-hash-seed 5",
    "-A INPUT -m cluster --cluster-total-nodes 2 --cluster-local-node 3 --cluster-hash-seed 5",
    "-A INPUT -m cluster --cluster-total-nodes 33 --cluster-local-node 3 --cluster-hash-seed 5",
    "-A INPUT -m cluster --cluster-total-nodes 0 --cluster-local-node 1 --cluster-hash-seed 5",
    "-A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-nodemask 16 --cluster-hash-seed 5",
    "-A INPUT -m cluster --cluster-total-nodes 32 --cluster-local-nodemask 33 --cluster-hash-seed 5",
    "-A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-nodemask 1 --cluster-local-node 1 --cluster-hash-seed 5",
    "-A INPUT -m cluster ! --cluster-total-nodes 4 --cluster-local-node 1 --cluster-hash-seed 5",
    "-A INPUT -m cluster --cluster-total-nodes 4 --cluster-local-node 1 --cluster-hash-seed 0x100000000",
    "-A INPUT -m cluster --cluster-total-nodes 4 --cluster-total-nodes 4 --cluster-local-node 1 --cluster-hash-seed 0",
    "-A INPUT -m nfacct", "-A INPUT -m nfacct --nfacct-name", "-A INPUT -m nfacct --nfacct-name nope", "-A INPUT -m nfacct --nfacct-name ''",
    "-A INPUT -m nfacct ! --nfacct-name web", "-A INPUT -m nfacct --nfacct-name web --nfacct-name web", "-C foo -m nfacct --nfacct-name web",
    "-A INPUT --nfacct-name web", "-A INPUT -m nfacct --nfacct-name WEB", "-A INPUT -m nfacct --nfacct-name 'web '",
    "-A INPUT -m nfacct --nfacct-name 012345678901234567890123456789", "-I foo -m nfacct --nfacct-name web -m nfacct --nfacct-name nope",
    "-D INPUT -m nfacct --nfacct-name nope", "-C INPUT -m nfacct --nfacct-name nope",
]

# iptables-save texts, -n as in the name; the outcome is compared whether legal or not.
RESTORE = {
    "plain": "*filter\n:INPUT DROP [5:6]\n:foo - [0:0]\n[7:8] -A INPUT -s 1.1.1.1 -j foo\n-A foo -j RETURN\nCOMMIT\n",
    "comments": "# a\n\n*filter\n# b\n:INPUT ACCEPT [0:0]\nCOMMIT\n# c\n",
    "two tables": "*filter\n-A INPUT -s 1.1.1.1\nCOMMIT\n*nat\n-A POSTROUTING -j MASQUERADE\nCOMMIT\n",
    "commands": "*filter\n-N x\n-P FORWARD DROP\n-A x -j DROP\n-I x -j ACCEPT\n-D x 1\n-F x\n-X x\nCOMMIT\n",
    "quotes": '*filter\n-A INPUT -m comment --comment "a \\"b\\" \\\\ c"\n-A INPUT -m comment --comment \'x\'\nCOMMIT\n',
    "no COMMIT": "*filter\n-A INPUT -s 1.1.1.1\n",
    "bad option": "*filter\n-A INPUT -s 1.1.1.1\n-A INPUT --foo\nCOMMIT\n",
    "no chain": "*filter\n-A INPUT -s 1.1.1.1\n-A NOPE -j DROP\nCOMMIT\n",
    "no target": "*filter\n-A INPUT -j NOPE\nCOMMIT\n",
    "junk": "*filter\nfoo bar\nCOMMIT\n",
    "no table": ":INPUT ACCEPT\n",
    "unknown table": "*foo\nCOMMIT\n",
    "chain twice": "*filter\n:foo - [0:0]\n:foo - [0:0]\nCOMMIT\n",
    "bad policy": "*filter\n:INPUT FOO [0:0]\nCOMMIT\n",
    "policy of a user chain": "*filter\n:foo DROP [0:0]\nCOMMIT\n",
    "no policy": "*filter\n:INPUT\nCOMMIT\n",
    "bad policy counters": "*filter\n:INPUT ACCEPT [x:y]\nCOMMIT\n",
    "bad counters": "*filter\n[1:x] -A INPUT -j DROP\nCOMMIT\n",
    "open bracket": "*filter\n[1:2 -A INPUT -j DROP\nCOMMIT\n",
    "loop": "*filter\n:foo - [0:0]\n-A foo -j foo\n-A INPUT -j foo\nCOMMIT\n",
    "other table": "*filter\n-A INPUT -t nat -j DROP\nCOMMIT\n",
    "table inside": "*filter\n*nat\nCOMMIT\n",
    "blanks": "*filter\n  -A   INPUT \t -s 5.5.5.5  \nCOMMIT\n",
    "wrong hook": "*nat\n-A PREROUTING -j MASQUERADE\nCOMMIT\n",
    "deleted": "*filter\n-A INPUT -s 9.9.9.9\n-D INPUT 5\nCOMMIT\n",
    "accounting objects": "*filter\n-A INPUT -m nfacct --nfacct-name  web\n-A INPUT -m nfacct --nfacct-name \"two words\"\nCOMMIT\n",
    "no accounting object": "*filter\n-A INPUT -m nfacct --nfacct-name web\n-A INPUT -m nfacct --nfacct-name nope\nCOMMIT\n",
    "forward jump": "*filter\n-A INPUT -j foo\n:foo - [0:0]\nCOMMIT\n",
}


def run(argv, stdin=""):
    return subprocess.run(argv, input=stdin, capture_output=True, text=True, timeout=120, check=False)


def sections(text):
    """Split at the lines that begin with '## '. Return {title: body}."""
    parts = re.split(r"^## (.*)\n", text, flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def kernel(commands, restore="", restore_options=""):
    """Run commands in a new namespace. Return (status of the first that failed or 0, its stderr, listings)."""
    script = ["set -u", 'fail() { echo "## status $1" ; exit 0; }'] + ["nfacct add " + shlex.quote(name) for name in OBJECTS]
    if restore:
        script.append(f"iptables-legacy-restore {restore_options} || fail $?")
    script += [f"iptables-legacy {c} || fail $?" for c in commands]
    script.append('echo "## save"; iptables-legacy-save %s | grep -v "^#"' % ("-c" if "-c" in restore_options else ""))
    script.append("for t in raw mangle nat filter security; do grep -qx $t /proc/net/ip_tables_names || continue")
    script += [f'echo "## $t {listing}"; iptables-legacy -t $t {listing}' for listing in LISTINGS]
    script.append("done")
    done = run(["unshare", "-n", "sh", "-c", "\n".join(script)], restore)
    got = sections(done.stdout)
    failed = [int(k.split()[1]) for k in got if k.startswith("status ")]
    return (failed[0] if failed else 0), done.stderr, got


def bare(message):
    """An error without the program's name, its hint and where it happened."""
    lines = [line for line in message.splitlines() if line.strip() and not line.startswith(("Try `", "Error occurred", "Perhaps"))]
    text = " ".join(line.strip() for line in lines)
    return re.sub(r"^(iptables|iptables-restore)( v\S+ \(legacy\))?: ", "", text).strip()



def tapgate(tool, commands, restore="", options=()):
    objects = [word for name in OBJECTS for word in ("-a", name)]
    done = run([tool, *options, *objects, "--", *commands], restore)
    first = done.stderr.splitlines()[0] if done.stderr else ""
    return done.returncode, re.sub(r"^\d+: ", "", first), sections(done.stdout)


@pytest.mark.parametrize("name", LEGAL)
def test_listings_agree(tool, name):
    status, message, want = kernel(LEGAL[name])
    assert status == 0, message
    got_status, got_message, got = tapgate(tool, LEGAL[name])
    assert got_status == 0, got_message
    assert list(got) == list(want)
    for title in want:
        assert got[title].splitlines() == want[title].splitlines(), title


@pytest.mark.parametrize("command", ILLEGAL)
def test_errors_agree(tool, command):
    status, message, _ = kernel(SETUP + [command])
    got_status, got_message, _ = tapgate(tool, SETUP + [command])
    assert (got_status, got_message) == (status, bare(message))


@pytest.mark.parametrize("counters", ["", "-c"])
@pytest.mark.parametrize("name", RESTORE)
def test_restore_agrees(tool, name, counters):
    status, message, want = kernel([], RESTORE[name], counters)
    got_status, got_message, got = tapgate(tool, [], RESTORE[name], [counters] if counters else [])
    assert got_status == status, (got_message, message)
    if status == 2:
        assert got_message == bare(message)
    if status == 0:
        assert got == want
