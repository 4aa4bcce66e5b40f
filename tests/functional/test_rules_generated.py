"""Random rules, legal and nearly so, given to iptables-legacy-restore in a namespace of its own and to Tapgate: the same are
taken, the same messages refuse the others, and what was taken is printed alike.

    rule_grammar.Rule -> blocks of *TABLE, lines that append, insert, replace, check or delete the rule beside a comment rule
                         that says its number, COMMIT
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

# How a block gives its rule to the table; {m}: the comment rule, {r}: what follows the chain, {c}: its chain, {u}: a chain of its own.
PLACES = {
    "append": (30, ["-A {c} {m}", "-A {c} {r}"]),
    "insert": (4, ["-I {c} {r}", "-I {c} {m}"]),
    "insert by number": (4, ["-I {c} {m}", "-I {c} 2 {r}"]),
    "replace": (5, [":{u} - [0:0]", "-A {u} {m}", "-A {u} -j RETURN", "-R {u} 2 {r}"]),
    "check": (3, ["-A {c} {m}", "-A {c} {r}", "-C {c} {r}"]),
    "delete": (4, ["-A {c} {m}", "-A {c} {r}", "-D {c} {r}"]),
    "delete by number": (2, [":{u} - [0:0]", "-A {u} {r}", "-I {u} {m}", "-D {u} 2"]),
    "chain of a user": (5, [":{u} - [0:0]", "-A {u} {m}", "-A {u} {r}", "-A {c} {m}", "-A {c} -j {u}"]),
}
STOPS = (2, "-h and -V print and have no place among rules")  # where iptables-restore prints its help and reads no further
LINES = 7  # of a block; the rest are comments

# (regular expression, reason, a rule that needs it): a difference, written as in difference(), that is meant.
EXCUSES = [
    (r"(rule would never|condition would always) match protocol$", "1.8.11: --ctproto 0 is refused",
     "-m conntrack --ctproto 0"),
    (r"but for NUL => ", "docs/semantics.md: -m bpf ends in a NUL byte in -L", '-m bpf --bytecode "1,6 0 0 1"'),
    (r"=> (2: )?[^=]*Port range \d+-\d+ is negative\.$", "1.8.11: a negative range of ports is refused",
     "-p udp -m udp --dport 4:3"),
    (r'=> (2: )?[^=]* near "[^"]*", or out of range \([1-9]\d*-\d+\)\.$',
     "1.8.11: the first number of a range is the least for the second", "-m length --length 4:3"),
    (r"--queue-b\w*[ =]\w*: .*=> ((save|-S|-L .*|status) => .*65534|status => 1: line \d failed => 0: $)",
     "1.8.11: --queue-balance without an end", "-j NFQUEUE --queue-balance :"),
    (r"=> (save|-S) => .*! --(sport|dport|ahspi|espspi|ipcompspi) 0:\d+", "1.8.11: a negated full range is kept",
     '-p udp -m udp "!" --sport :'),
    (r"=> (save|-S) => .*! -[io] \+( |$)", "1.8.11: ! -i + is kept", '"!" -i +'),
    (r"=> (save|-S) => .* --(ct\w+(src|dst)|tunnel-(src|dst)) [\d.]+/(?!8 |16 |24 )\d+\.",
     "1.8.11: a mask without a length is printed", "-m conntrack --ctorigsrc 1.2.3.4/33"),
    (r"--icmp-type 255/\d+ .*=> (save|-S|-L .*) => ", "1.8.11: --icmp-type 255/N is not any", "-p icmp -m icmp --icmp-type 255/3"),
    (r"=> (2: )?host/network `--\w+=.*' not found => (host/network|0: )", "1.8.11: the value of --source=NAME alone is told",
     "--source=nosuch:"),
    (r"=> status => -8: +=> 2: burst cannot be smaller than 0b$", "iptables divides by 0 and dies",
     "-m hashlimit --hashlimit-above 5gb/s --hashlimit-name overflow --hashlimit-burst 1"),
    (r"=> message => getaddrinfo: .* => getaddrinfo: ", "no name server in the namespace: the resolver's own words",
     "-m conntrack --ctorigsrc nosuch.invalid"),
    (r"-m cgroup .*--pa(t|th)?[ =].*=> status => 1: line \d+ failed => 0: $", "docs/semantics.md: any cgroup --path is taken",
     "-m cgroup --path a/b"),
]


def run(argv, stdin=""):
    done = subprocess.run(argv, input=stdin.encode(), capture_output=True, timeout=120, check=False)
    return done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")


def block(number, rule, line):
    """A text of LINES lines for iptables-restore. @line: "-A CHAIN ...", as rule_grammar made it."""
    _, chain, *words = line.split(" ", 2)
    lines = [text.format(c=chain, m=f"-m comment --comment mark_{number}_", r="".join(words), u=f"user{number}")
             for text in PLACES[rule[3]][1]]
    lines += ["#"] * (LINES - 2 - len(lines))
    return "\n".join([f"*{rule[0]}", *lines, "COMMIT\n"])


def bare(message):
    """An error without the program's name, its hint and where it happened."""
    lines = [re.sub(r"^warn: --nflog-range .* instead", "", line) for line in message.splitlines()]
    lines = [line for line in lines if line.strip() and not line.startswith(
        ("Try `", "Error occurred", "Perhaps", "Warning: ", "WARNING: ", "xt_iprange: "))]
    joined = re.split(r"(?=iptables-restore v\S+ \(legacy\): )", " ".join(line.strip() for line in lines))[-1]
    joined = re.sub(r"^(ip6?tables|iptables-restore)( v\S+ \(legacy\))?: ", "", joined)
    return re.sub(r"^line (\d+) failed", lambda m: f"line {(int(m.group(1)) - 1) % LINES + 1} failed", joined).strip()


def printed(text):
    """{number: lines} of one listing, by the comment rules in it."""
    found, at = {}, None
    for line in text.splitlines():
        mark = re.search(r"\bmark_(\d+)_", line)
        if mark:
            at = int(mark.group(1))
        elif not line or line.startswith(("Chain ", ":", "*", "COMMIT", "#", "-P ", "-N ", "num ")):
            at = None
        elif at is not None:
            found.setdefault(at, []).append(re.sub(r"^\d+ +", "", line))
    return found


def last_mark():
    """The number of the last rule that the kernel has."""
    return max((int(m) for m in re.findall(r"\bmark_(\d+)_", run(["iptables-legacy-save"])[1])), default=-1)


def kernel_outcomes(rules):
    """What iptables-legacy-restore says of each rule: (status, message). What it took is in the kernel afterwards."""
    blocks = [block(i, rule, rule[2]) for i, rule in enumerate(rules)]
    out = []
    run(["iptables-legacy-restore"], "".join(f"*{t}\nCOMMIT\n" for t in TABLES))
    while len(out) < len(blocks):
        status, _, message = run(["iptables-legacy-restore", "-n"], "".join(blocks[len(out):]))
        if status == 0 and last_mark() == len(blocks) - 1:
            return out + [(0, "")] * (len(blocks) - len(out))
        where = re.search(r"line:? (\d+)", message)
        if where and status > 0:
            good = (int(where.group(1)) - 1) // LINES
        else:
            good = max(last_mark() + 1 - len(out), 0)
        out += [(0, "")] * good + [(status, bare(message)) if status else STOPS]
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
    status, text, message = run([TOOL, "-k", *objects], "".join(block(i, rule, rule[1]) for i, rule in enumerate(rules)))
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
    return {"rule": f"-t {rule[0]} {rule[1]} ({rule[3]})", "what": what, "kernel": theirs, "tapgate": ours}


def compare(rules):
    """The differences of one batch, and how many of its rules are legal."""
    (want, want_text), (got, got_text) = kernel(rules), tapgate(rules)
    found = []
    for i, rule in enumerate(rules):
        if want[i][0] != got[i][0]:
            found.append(difference(rule, "status", f"{want[i][0]}: {want[i][1]}", f"{got[i][0]}: {got[i][1]}"))
        elif want[i][0] > 0 and want[i][1] != got[i][1]:
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
    places = [name for name, (weight, _) in PLACES.items() for _ in range(weight)]
    excused_ones = [("filter", f"-A INPUT {rule}", f"-A INPUT {rule}", "append") for _, _, rule in EXCUSES]
    return [(*rule_grammar.Rule(rng, matches, targets).line(), rng.choice(places)) for _ in range(count)] + excused_ones


def play_lines(rules):
    """Rules as of generate(). Return (differences, legal)."""
    batches = [rules[i:i + BATCH] for i in range(0, len(rules), BATCH)]
    with multiprocessing.get_context("fork").Pool(2, own_namespace) as pool:
        done = pool.map(compare, batches, chunksize=1)
    for lock in pathlib.Path(tempfile.gettempdir()).glob("rules-generated-*.lock"):
        lock.unlink(missing_ok=True)
    return list(itertools.chain.from_iterable(d for d, _ in done)), sum(n for _, n in done)


def play(count, seed):
    """(differences, legal)"""
    return play_lines(generate(count, seed))


def as_text(diff):
    return f"{diff['rule']} => {diff['what']} => {diff['kernel']} => {diff['tapgate']}"


def excused(differences):
    """(what is left, {reason: times})"""
    used = {reason: 0 for _, reason, _ in EXCUSES}
    left = []
    for diff in differences:
        for pattern, reason, _ in EXCUSES:
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


@pytest.mark.usefixtures("tool")
def test_generated_rules_agree():
    differences, legal = play(RULES, SEED)
    left, used = excused(differences)
    print(f"{RULES} rules, {legal} legal")
    for reason, times in used.items():
        print(f"{times:6}  {reason}")
    assert not left, report(left)
    assert all(used.values()), "excuses that nothing needs"


if __name__ == "__main__":
    begun = time.time()
    everything, legal_count = play(RULES, SEED)
    rest, uses = excused(everything)
    print(report(rest))
    print("\n".join(f"{n:6}  {reason}" for reason, n in uses.items()))
    print(f"{RULES} rules, {legal_count} legal, {len(rest)} differences not excused, {time.time() - begun:.1f} s")
