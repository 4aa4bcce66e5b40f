"""The recorded rows of the unit tests, given to iptables-legacy again; and that each match, target and type of set has rows and a
scenario.

    tests/unit/tables/*_rows.inc, tests/unit/nat/test_options.c -> blocks as of test_rules_generated
                           |-- iptables-legacy-restore -n; -S, -L -n -v -x --line-numbers, iptables-save
                           '-- build/tests/tools/rules -k

A new extension needs: a row in tests/functional/rule_grammar.py, legal and illegal rows in one of the lists below, and a scenario
in tests/functional/scenarios or a test in tests/packet whose rules name it; or a line in WITHOUT_ORACLE or NEVER_LEGAL.
"""

import ast
import collections
import functools
import pathlib
import re
import shlex

import pytest

import rule_grammar
import test_rules_differential
import test_rules_generated
from test_rules_generated import pytestmark  # noqa: F401

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What iptables(8) 1.8.11 knows and this router has.
MATCHES = """addrtype ah bpf cgroup cluster comment connbytes connlabel connlimit connmark conntrack cpu dccp devgroup dscp ecn esp hashlimit
helper icmp ipcomp iprange ipvs length limit mac mark multiport nfacct osf owner physdev pkttype policy quota rateest realm recent rpfilter
sctp set socket state statistic string tcp tcpmss time tos ttl u32 udp""".split()
TARGETS = """AUDIT CHECKSUM CLASSIFY CLUSTERIP CONNMARK CONNSECMARK CT DNAT DSCP ECN HMARK IDLETIMER LED LOG MARK MASQUERADE NETMAP NFLOG
NFQUEUE NOTRACK RATEEST REDIRECT REJECT SECMARK SET SNAT SYNPROXY TCPMSS TCPOPTSTRIP TEE TOS TPROXY TRACE TTL""".split()
SETS = """hash:ip hash:net hash:ip,port hash:net,iface hash:ip,port,ip hash:ip,port,net hash:mac bitmap:ip bitmap:port list:set""".split()

# Rows beside the recorded ones: (table, chain, rule) that iptables takes, and that it refuses.
MORE_LEGAL = [("filter", "INPUT", rule) for rule in (
    "-m cluster --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 5", "-m cluster --cluster-total-nodes 32 "
    "--cluster-local-nodemask 3 --cluster-hash-seed 0xffffffff", "-m cluster --cluster-total-nodes 4 ! --cluster-local-node 4 --cluster-hash-seed 0",
    "-m cluster --cluster-total-nodes=3 ! --cluster-local-nodemask=0x7 --cluster-hash-seed=1 -j DROP",
    "-m connmark --mark 0", "-m connmark ! --mark 0xff/0xf0", "-m helper --helper ftp", "-m helper ! --helper ftp-21", "-m helper --helper ''")] + [
        ("raw", "PREROUTING", "-j TRACE"), ("raw", "OUTPUT", "-p tcp -j TRACE")]
MORE_ILLEGAL = [("filter", "INPUT", rule) for rule in (
    "-m cluster", "-m cluster --cluster-total-nodes 0 --cluster-local-node 1 --cluster-hash-seed 5", "-m cluster --cluster-total-nodes 33 "
    "--cluster-local-node 1 --cluster-hash-seed 5", "-m cluster --cluster-total-nodes 2 --cluster-local-node 3 --cluster-hash-seed 5",
    "-m cluster --cluster-total-nodes 2 --cluster-local-node 1", "-m cluster --cluster-local-node 1 --cluster-hash-seed 5",
    "-m cluster --cluster-total-nodes 2 --cluster-hash-seed 5", "-m cluster --cluster-total-nodes 2 --cluster-local-node 1 "
    "--cluster-local-nodemask 1 --cluster-hash-seed 5", "-m cluster ! --cluster-total-nodes 2 --cluster-local-node 1 --cluster-hash-seed 5",
    "-m cluster --cluster-total-nodes 2 --cluster-local-nodemask 4 --cluster-hash-seed 5", "-m cluster --cluster-total-nodes x",
    "-m cluster --cluster-total-nodes 1 --cluster-local-node 2", "-m cluster --cluster-local-node 2 --cluster-local-nodemask 2",
    "-m connmark", "-m connmark --mark x", "-m connmark --mark 1/2/3", "-m connmark --mark 1 --mark 2", "-m helper", "-m helper --helper",
    "-m helper --helper a --helper b", "-j NOTRACK", "-j TRACE", "-j NOTRACK --foo", "-j TRACE --foo")]

# Rows that nobody here can be asked about, with how they are tested instead.
WITHOUT_ORACLE = {
    "ipvs": "the kernel of the tests has no load balancer: rows from the sources, verdicts in tests/unit/tables/test_match_socket.c",
    "LED": "the kernel of the tests has no lights: rows from the sources of iptables; the packet goes on, test_target_packets.c",
    "hash:mac": "the kernel of the tests lacks the type: tests/unit/tables/test_set.c",
}
# No rule with these is taken by a Linux 6.18 like that of the tests, so no packet meets one.
NEVER_LEGAL = {
    "CLUSTERIP": "gone from Linux since 6.3",
    "SECMARK": "asks for a security module",
}
# Rows that depend on what is there: sets, labels, other rules.
NOT_HERE = re.compile(r"-m set |-j SET |-m ipvs|-j LED|-m nfacct|-m rateest|-j RATEEST|-j IDLETIMER|localhost|--help|nosuch|example")


def literals(text):
    """The C strings of a row's rule, joined."""
    return "".join(ast.literal_eval(s) for s in re.findall(r'"(?:[^"\\]|\\.)*"', text))


@functools.cache
def rows():
    """(table, chain, rule) of all recorded rows."""
    found = []
    for path in sorted((ROOT / "tests/unit/tables").glob("*_rows.inc")):
        for table, chain, rule in re.findall(r'\{\s*TABLE_(\w+),\s*"(\w+)",\s*((?:"(?:[^"\\]|\\.)*"\s*)+),', path.read_text()):
            found.append((table.lower(), chain, literals(rule)))
    for rule in re.findall(r'\{\s*((?:"-A (?:[^"\\]|\\.)*"\s*)+),', (ROOT / "tests/unit/nat/test_options.c").read_text()):
        _, chain, *rest = literals(rule).split(" ", 2)
        found.append(("nat", chain, "".join(rest)))
    return found + MORE_LEGAL + MORE_ILLEGAL


def as_restore(rule):
    """A rule as a shell splits it, as iptables-restore reads it; None if it cannot."""
    try:
        return " ".join(rule_grammar.quote(w) for w in shlex.split(rule))
    except ValueError:
        return None


@functools.cache
def played():
    """(differences, {rule: whether it is legal})"""
    lines = []
    for table, chain, rule in rows():
        text = as_restore(rule)
        if text is not None and not NOT_HERE.search(rule):
            lines.append((table, f"-A {chain} {text}", f"-A {chain} {text}", "append"))
    return test_rules_generated.play_lines(lines), lines


def named(text, kind, name):
    """Whether rule text uses a match, target or type of set."""
    if kind == "set":
        return re.search(rf"\b{re.escape(name)}(?![\w:,])", text) is not None
    implied = rf"|-p {name}\b" if kind == "match" and name in ("tcp", "udp", "icmp", "sctp", "dccp", "ah", "esp", "ipcomp") else ""
    return re.search(rf"{'-m' if kind == 'match' else '-j'} {name}\b{implied}", text) is not None


@pytest.mark.usefixtures("tool")
def test_rows_agree():
    """What was recorded is still what iptables-legacy says."""
    differences, lines = played()
    left, _ = test_rules_generated.excused(differences[0])
    print(f"{len(lines)} rows, {differences[1]} legal")
    assert len(lines) > 2000
    assert not left, test_rules_generated.report(left)


def everything():
    return [("match", n) for n in MATCHES] + [("target", n) for n in TARGETS] + [("set", n) for n in SETS]


def test_every_extension_is_listed():
    """extensions.def, the NAT targets and the types of sets, against the lists above."""
    listed = re.findall(r"^(MATCH|TARGET)\((\w+)\)", (ROOT / "tables/extensions.def").read_text(), re.M)
    assert sorted(n for k, n in listed if k == "MATCH") == sorted(MATCHES)
    assert sorted([n for k, n in listed if k == "TARGET"] + rule_grammar.NAT_TARGETS) == sorted(TARGETS)
    types = set(re.findall(r'\.name = "((?:hash|bitmap|list):[\w,]+)"', "".join(p.read_text() for p in (ROOT / "tables").glob("set_*.c"))))
    assert types == set(SETS)


@pytest.mark.parametrize("kind,name", everything(), ids=lambda v: v)
def test_has_rows(kind, name):
    """Legal and illegal texts."""
    if kind == "set":
        recorded = (ROOT / "tests/functional/ipset_commands.txt").read_text() + (ROOT / "tests/unit/tables/test_set.c").read_text()
        assert named(recorded, kind, name)
        return
    recorded = "\n".join(path.read_text() for path in (ROOT / "tests/unit/tables").glob("*_rows.inc"))
    recorded += (ROOT / "tests/unit/nat/test_options.c").read_text()
    uses = [row for row in re.findall(r"\{ TABLE_.*?\},\n|\{ \"-A .*?\},\n", recorded, re.S) if named(row, kind, name)]
    legal = [row for row in uses if ".error" not in row]
    illegal = [row for row in uses if ".error" in row]
    legal += [row for rows_of in test_rules_differential.LEGAL.values() for row in rows_of] + [rule for _, _, rule in MORE_LEGAL]
    illegal += test_rules_differential.ILLEGAL + [rule for _, _, rule in MORE_ILLEGAL]
    counts = collections.Counter(legal=sum(named(row, kind, name) for row in legal), illegal=sum(named(row, kind, name) for row in illegal))
    if name in NEVER_LEGAL:
        assert counts["illegal"] >= 3, (NEVER_LEGAL[name], counts)
    else:
        assert counts["legal"] >= 2 and counts["illegal"] >= 2, counts


@pytest.mark.parametrize("kind,name", everything(), ids=lambda v: v)
def test_has_a_scenario(kind, name):
    """Rules with packets, played on the kernel and on Tapgate, or in virtual time."""
    texts = [p.read_text() for p in [*(ROOT / "tests/functional/scenarios").glob("*.py"), *(ROOT / "tests/packet").glob("*.txt")]]
    has = any(named(text, kind, name) for text in texts)
    if name in WITHOUT_ORACLE or name in NEVER_LEGAL:
        assert not has, f"{name} has a scenario: take it out of the list"
    else:
        assert has, f"no scenario and no packet test has a rule with {name}"
