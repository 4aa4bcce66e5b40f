"""Random rules, legal and nearly so, given to iptables-legacy-restore in a namespace of its own and to Tapgate: the same are
taken, the same messages refuse the others, and what was taken is printed alike.

    rule_grammar.Rule -> blocks of *TABLE, a comment rule that says its number, the rule, COMMIT
                           |-- iptables-legacy-restore -n, again behind each refused one; -S, -L -n -v -x, iptables-save
                           '-- build/tests/tools/rules -k

RULES=N and SEED=N in the environment choose how many and which. Run as a program, it prints the differences by kind.
"""

import ctypes
import itertools
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import rule_grammar  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = os.environ.get("BUILD", "build")
TOOL = os.environ.get("RULES_TOOL", str(ROOT / BUILD / "tests/tools/rules"))
RULES = int(os.environ.get("RULES", "20000"))
SEED = int(os.environ.get("SEED", "1"))
BATCH = 100
TABLES = ["raw", "mangle", "nat", "filter", "security"]
LISTINGS = ["-S", "-L -n -v -x --line-numbers"]

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("iptables-legacy"),
                                reason="needs root and iptables-legacy")

# (regular expression, reason): a difference, written as in difference(), that is meant. Each must be met.
EXCUSES = [
    (r"rule would never match protocol$", "1.8.11: --ctproto 0 is refused"),
    (r"but for NUL => ", "docs/semantics.md: -m bpf ends in a NUL byte in -L"),
    (r"=> [^=]*\brange \d+-\d+ is negative\.$", "1.8.11: a negative range is refused"),
    (r"=> (save|-S) => .*! --(sport|dport|ahspi|espspi|ipcompspi) 0:\d+", "1.8.11: a negated full range is kept"),
    (r"=> (save|-S) => .*! -[io] \+ ", "1.8.11: ! -i + is kept"),
    (r"=> (save|-S) => .* --ct\w+(src|dst) [\d.]+/255\.0\.255\.0", "1.8.11: a mask without a length is printed"),
    (r"=> message => getaddrinfo: .* => getaddrinfo: ", "no name server in the namespace: the resolver's own words"),
    (r"(multiport|dscp|DSCP|statistic|TTL|time|tos|CLUSTERIP|TPROXY|connlabel|HMARK) .*=> (message|status) => ",
     "two mistakes in one rule, or text behind a value: another one of them is told first"),
    (r"CT .*--timeout=? ?nosuch.*=> (save|-S) => ", "iptables 1.8.9 cuts the name of a --timeout that is not there"),
    (r"=> 2: Invalid MAC address|neither a valid network mask", "iptables 1.8.9 reads a short MAC address, mask or length of a mask"),
    (r"--path[ =].*=> status => 1: line \d+ failed => 0: $", "docs/semantics.md: any cgroup --path is taken"),
]


def run(argv, stdin=""):
    done = subprocess.run(argv, input=stdin.encode(), capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def block(number, table, line):
    """A text of four lines for iptables-restore."""
    return f"*{table}\n-A {line.split()[1]} -m comment --comment mark_{number}_\n{line}\nCOMMIT\n"


def bare(message):
    """An error without the program's name, its hint and where it happened."""
    lines = [line for line in message.splitlines() if line.strip() and not line.startswith(
        ("Try `", "Error occurred", "Perhaps", "Warning: ", "xt_iprange: "))]
    lines = [re.sub(r"^warn: --nflog-range .* instead", "", line) for line in lines]
    joined = re.split(r"(?=iptables-restore v\S+ \(legacy\): )", " ".join(line.strip() for line in lines))[-1]
    return re.sub(r"^(ip6?tables|iptables-restore)( v\S+ \(legacy\))?: ", "", joined).strip()


def printed(text):
    """{number: lines} of one listing, by the comment rules in it."""
    found, at = {}, None
    for line in text.splitlines():
        mark = re.search(r"\bmark_(\d+)_", line)
        if mark:
            at = int(mark.group(1))
        elif not line or line.startswith(("Chain ", ":", "*", "COMMIT", "#", "-P ", "num ")):
            at = None
        elif at is not None:
            found.setdefault(at, []).append(re.sub(r"^\d+ +", "", line))
    return found


def last_mark():
    """The number of the last rule that the kernel has."""
    return max((int(m) for m in re.findall(r"\bmark_(\d+)_", run(["iptables-legacy-save"])[1])), default=-1)


def kernel_outcomes(rules):
    """What iptables-legacy-restore says of each rule: (status, message). What it took is in the kernel afterwards."""
    blocks = [block(i, table, plain) for i, (table, _, plain) in enumerate(rules)]
    out = []
    run(["iptables-legacy-restore"], "".join(f"*{t}\nCOMMIT\n" for t in TABLES))
    while len(out) < len(blocks):
        status, _, message = run(["iptables-legacy-restore", "-n"], "".join(blocks[len(out):]))
        if status == 0 and last_mark() == len(blocks) - 1:
            return out + [(0, "")] * (len(blocks) - len(out))
        where = re.search(r"line:? (\d+)", message)
        if where and status > 0:
            good = (int(where.group(1)) - 1) // 4
        else:
            good = max(last_mark() + 1 - len(out), 0)
        out += [(0, "")] * good + [(status, bare(message) if status else "it stops reading")]
    return out


def kernel(rules):
    """(outcomes, {listing: {number: lines}})"""
    out = kernel_outcomes(rules)
    texts = {"save": printed(run(["iptables-legacy-save"])[1])}
    for listing in LISTINGS:
        texts[listing] = {}
        for table in TABLES:
            texts[listing].update(printed(run(["iptables-legacy", "-t", table, *listing.split()])[1]))
    return out, texts


def tapgate(rules):
    """The same of Tapgate."""
    objects = [word for name in rule_grammar.OBJECTS for word in ("-a", name)]
    status, text, message = run([TOOL, "-k", *objects], "".join(block(i, table, line) for i, (table, line, _) in enumerate(rules)))
    results, _, rest = text.partition("## save\n")
    assert status == 0, f"{TOOL}: {status} {message}"
    out = [(int(c), m.strip()) for c, m in re.findall(r"^(\d+): (.*)$", results, re.M)]
    assert len(out) == len(rules), results
    parts = re.split(r"^## (.*)\n", "## save\n" + rest, flags=re.M)
    texts = {"save": {}, **{listing: {} for listing in LISTINGS}}
    for title, body in zip(parts[1::2], parts[2::2]):
        texts.setdefault(title if title == "save" else title.split(" ", 1)[1], {}).update(printed(body))
    return out, texts


def difference(rule, what, theirs, ours):
    return {"rule": f"-t {rule[0]} {rule[1]}", "what": what, "kernel": theirs, "tapgate": ours}


def compare(rules):
    """The differences of one batch, and how many of its rules are legal."""
    (want, want_text), (got, got_text) = kernel(rules), tapgate(rules)
    found = []
    for i, rule in enumerate(rules):
        if want[i][0] != got[i][0]:
            found.append(difference(rule, "status", f"{want[i][0]}: {want[i][1]}", f"{got[i][0]}: {got[i][1]}"))
        elif want[i][0] > 1 and want[i][1] != got[i][1]:
            found.append(difference(rule, "message", want[i][1], got[i][1]))
        elif want[i][0] == 0:
            for listing in ["save", *LISTINGS]:
                theirs, ours = (t[listing].get(i, []) for t in (want_text, got_text))
                if theirs != ours:
                    listing += " but for NUL" * ([line.replace("\0", "") for line in theirs] == ours)
                    found.append(difference(rule, listing, " ¶ ".join(theirs), " ¶ ".join(ours)))
                    break
    return found, sum(w[0] == 0 for w in want)


def own_namespace():
    """Begins a process of the pool: a network namespace and an xtables lock of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.unshare(0x40000000) == 0, "unshare"
    for name in rule_grammar.OBJECTS:
        subprocess.run(["nfacct", "add", name], check=True)
    os.environ["XTABLES_LOCKFILE"] = os.path.join(tempfile.gettempdir(), f"rules-generated-{os.getpid()}.lock")


def generate(count, seed):
    matches, targets, missing = rule_grammar.known()
    assert not missing, f"no row in rule_grammar.py: {missing}"
    rng = random.Random(seed)
    rules = [rule_grammar.Rule(rng, matches, targets).line() for _ in range(count)]
    rng = random.Random(seed)
    return rules + [rule_grammar.Rule(rng, rule_grammar.LATER, targets).line() for _ in range(count // 40)]


def play(count, seed):
    """(differences, legal)"""
    rules = generate(count, seed)
    batches = [rules[i:i + BATCH] for i in range(0, len(rules), BATCH)]
    with multiprocessing.get_context("fork").Pool(2, own_namespace) as pool:
        done = pool.map(compare, batches, chunksize=1)
    for lock in pathlib.Path(tempfile.gettempdir()).glob("rules-generated-*.lock"):
        lock.unlink(missing_ok=True)
    return list(itertools.chain.from_iterable(d for d, _ in done)), sum(n for _, n in done)


def as_text(diff):
    return f"{diff['rule']} => {diff['what']} => {diff['kernel']} => {diff['tapgate']}"


def excused(differences):
    """(what is left, {reason: times})"""
    used = {reason: 0 for _, reason in EXCUSES}
    left = []
    for diff in differences:
        for pattern, reason in EXCUSES:
            if re.search(pattern, as_text(diff)):
                used[reason] += 1
                break
        else:
            left.append(diff)
    return left, used


def kind(diff):
    """What differences of one cause have in common, roughly."""
    def general(text):
        return re.sub(r"\d+", "N", re.sub(r"[\"'`«][^\"']*[\"']", "Q", text))
    if diff["what"] in ("status", "message"):
        return diff["what"], general(diff["kernel"])[:70], general(diff["tapgate"])[:70]
    names = re.findall(r"-[mj] (\w+)", diff["rule"])
    return diff["what"], " ".join(sorted(set(names))), ""


def report(differences):
    """The differences by kind, a short example of each."""
    groups = {}
    for diff in differences:
        groups.setdefault(kind(diff), []).append(diff)
    lines = []
    for diffs in sorted(groups.values(), key=len, reverse=True):
        d = min(diffs, key=lambda d: len(d["rule"]))
        lines += [f"{len(diffs):5} {d['what']}: {d['rule']}", f"      kernel:  {d['kernel']}", f"      tapgate: {d['tapgate']}"]
    return "\n".join(lines)


def test_generated_rules_agree():
    assert os.access(TOOL, os.X_OK), f"make test-tools: {TOOL} is missing"
    differences, legal = play(RULES, SEED)
    left, used = excused(differences)
    print(f"{RULES} rules, {legal} legal")
    for reason, times in used.items():
        print(f"{times:6}  {reason}")
    assert not left, report(left)
    if RULES >= 20000:
        assert all(used.values()), "excuses that nothing needs"


if __name__ == "__main__":
    begun = time.time()
    everything, legal_count = play(RULES, SEED)
    rest, uses = excused(everything)
    print(report(rest))
    print("\n".join(f"{n:6}  {reason}" for reason, n in uses.items()))
    print(f"{RULES} rules, {legal_count} legal, {len(rest)} differences not excused, {time.time() - begun:.1f} s")
