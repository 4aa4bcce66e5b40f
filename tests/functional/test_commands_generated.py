"""Random command lines and restore texts, right and wrong, given one after the other to iptables-legacy in a namespace and to a
running router: the same exit status, the same standard output, the same standard error, the same rules afterwards.

    iptables-legacy[-restore|-save], own namespace  --.
                                                       >-- after each session of SESSION lines: -S, -L -n --line-numbers, save
    iptables[-restore|-save] -> tapgate -> router   --'

LINES=N and SEED=N in the environment choose how many and which. What differs between 1.8.9 and 1.8.11, and what
docs/semantics.md names, is left out by what the generator writes, or excused below.
"""

import os
import random
import re

import rule_grammar
from test_iptables_live import TABLES, links, pytestmark, sides  # noqa: F401  (fixtures)
from test_rules_generated import EXCUSES

LINES = int(os.environ.get("LINES", "400"))
SEED = int(os.environ.get("SEED", "1"))
SESSION = 40
CHAINS = {"filter": ["INPUT", "FORWARD", "OUTPUT"], "nat": ["PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"],
          "mangle": ["PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"], "raw": ["PREROUTING", "OUTPUT"]}
OWN = ["a", "b", "long-chain.name_28-character", "LOG", "MARK", "nope"]
# Rules that come again, so that -C, -D and -R find them.
FEW = ["-s 1.1.1.1 -j ACCEPT", "-s 1.1.1.1,2.2.2.2 -j ACCEPT", "-s 1.1.1.1,2.2.2.2 -d 3.3.3.3,4.4.4.0/24", "-p tcp --dport 80 -j DROP",
       "-p tcp -m tcp --dport 80 -j DROP", "-j a", "-g b", "-j LOG", "-j LOG --log-prefix 'x y'", "-j MARK --set-mark 1", "! -s 10.0.0.0/8 -j RETURN",
       "-m limit --limit 5/sec -j a", "-p icmp -j REJECT", "-i eth0 -o eth1", "-m comment --comment 'a b' -j b", "-s 1.1.1.1", "",
       "-j ACCEPT", "-i a/b", "-m physdev --physdev-in 'a b'", "-m iprange --src-range 2.2.2.2-1.1.1.1", "-m time --localtz",
       "-j NFLOG --nflog-range 5", "-j nope", "-m nope", "-p nope", "-j MASQUERADE", "-j DNAT --to-destination 1.2.3.4",
       "-m statistic --mode nth --every 3 --packet 0", "-m recent --set --name r", "-j REJECT --reject-with tcp-reset", "-m mac", "-p 300"]
RESET = "".join("*%s\n%sCOMMIT\n" % (t, "".join(":%s ACCEPT [0:0]\n" % c for c in chains)) for t, chains in CHAINS.items())


class Lines:
    """Makes lines. Each is a row as of test_iptables_live."""

    def __init__(self, rng):
        self.rng = rng
        self.matches, self.targets, _ = rule_grammar.known()

    def chain(self, table):
        return self.rng.choice(CHAINS[table] * 2 + OWN + [""] * (self.rng.random() < 0.02))

    def rule(self):
        """What stands behind the chain."""
        if self.rng.random() < 0.75:
            return self.rng.choice(FEW)
        while True:
            line = rule_grammar.Rule(self.rng, self.matches, self.targets).line()[2]
            words = line.split(" ", 2)
            if not re.search(r" -c |--hel?p?\b|--hel?p?=| -m (bpf|cgroup) |-j IDLETIMER| --queue-b| \+ |nosuch", line + " ") and len(words) > 2:
                return words[2]

    def number(self):
        return self.rng.choice(["1", "1", "1", "2", "2", "3", "0", "99", "x", "-1", "1x", " 1"] + [""] * 2)

    def change(self, table):
        """A command that changes rules, without -t."""
        rng, chain = self.rng, self.chain(table)
        command = rng.choice("A" * 8 + "I" * 4 + "R" * 4 + "D" * 6 + "C" * 4 + "N" * 4 + "X" * 3 + "FF" + "EEE" + "PP" + "ZZ")
        long = {"A": "--append", "I": "--insert", "R": "--replace", "D": "--delete", "C": "--check", "N": "--new-chain",
                "X": "--delete-chain", "F": "--flush", "E": "--rename-chain", "P": "--policy", "Z": "--zero"}[command]
        word = rng.choice(["-" + command] * 4 + [long, long[:rng.randint(5, len(long))]])
        if command in "NX":
            chain = rng.choice(OWN + OWN + [chain] + [""] * (command == "X"))
        quoted = f"'{self.number()}'" if rng.random() < 0.05 else self.number()
        rest = {"A": self.rule(), "C": self.rule(), "I": rng.choice(["", quoted]) + " " + self.rule(), "R": quoted + " " + self.rule(),
                "D": rng.choice([quoted, self.rule(), self.rule()]), "E": rng.choice(OWN + [""]), "Z": rng.choice(["", "", "1", "x"]),
                "P": rng.choice(["ACCEPT", "DROP", "DROP", "RETURN", "REJECT", ""])}.get(command, "")
        return f"{word} {chain} {rest}"

    def listing(self, table):
        rng = self.rng
        how = rng.choice(["-L -n", "-L -n --line-numbers", "-S", "-S", "-nL", "--list -n", "--list-rules", "-n -x -L"])
        return f"{how} {rng.choice(['', self.chain(table)])} {rng.choice(['', '', '', '1', '2', 'x'])}"

    def tool(self):
        """One run of iptables."""
        rng = self.rng
        table = rng.choice(["filter"] * 4 + list(CHAINS))
        named = "" if table == "filter" and rng.random() < 0.7 else rng.choice(["-t " + table, "-t " + table, "--table " + table])
        body = self.listing(table) if rng.random() < 0.2 else self.change(table)
        extra = rng.choice([""] * 12 + ["-4", "-w", "-w 1", "-6", "-n", "--line-numbers", "-v", "-t nope", "extra", "!"])
        parts = [named, body, extra]
        if rng.random() < 0.2:
            parts.reverse()
        return " ".join(p for p in parts if p)

    def restore(self):
        """A restore text, now and then with mistakes, also several."""
        rng, text = self.rng, []
        for table in rng.sample(list(CHAINS), rng.choice([1, 1, 2])):
            text.append("*" + table)
            for _ in range(rng.randint(0, 2)):
                text.append(":%s %s" % (self.chain(table), rng.choice(["- [0:0]", "- [0:0]", "ACCEPT [0:0]", "DROP [0:0]", "-", "FOO [0:0]"])))
            for _ in range(rng.randint(0, 4)):
                text.append(self.change(table).replace("'", '"') if rng.random() < 0.93 else rng.choice(
                    ["junk", "-A", "# a comment", "", "*nat", "-t nat -A OUTPUT", "-L", "[1:2 -A INPUT", "-A INPUT -w", "-6 -A INPUT", ": -"]))
            text += ["COMMIT"] if rng.random() < 0.95 else []
        return (rng.choice(["restore", "restore -n", "restore -n", "restore -n", "restore -t", "restore -n -v", "restore -T nat"]),
                "\n".join(text) + "\n")

    def one(self):
        return self.restore() if self.rng.random() < 0.2 else self.tool()


def comparable(answer):
    """An answer without what is named in docs/semantics.md: the help, the words of the resolver, a file that is not there."""
    status, out, err = answer
    if "Usage: iptables" in out:
        out = "help"
    return status, out, re.sub(r"^mktime: .*\n|^Warning: cannot open .*connlabel.conf.*\n|(?<=getaddrinfo: ).*", "", err, flags=re.M)


def excused(row, want, got):
    """Whether it is one of the differences of test_rules_generated: as there, with status and message."""
    text = f"{row} => message => {want[2]} => {got[0]}: {got[2].splitlines()[0] if got[2] else ''}"
    return any(re.search(pattern, text) for pattern, _, _ in EXCUSES if pattern.startswith(("=> (2", "=> host", "(rule would")))


def test_generated_commands_agree(sides):
    kernel, router = sides
    make, wrong, statuses = Lines(random.Random(SEED)), [], {}
    for at in range(LINES):
        if at % SESSION == 0:
            for side in sides:
                assert side.line(("restore", RESET))[0] == 0
        row = make.one()
        want, got = comparable(kernel.line(row)), comparable(router.line(row))
        statuses[want[0]] = statuses.get(want[0], 0) + 1
        if want != got and not excused(row, want, got):
            wrong.append(f"{row}\n  kernel {want}\n  router {got}")
        if at % SESSION == SESSION - 1 or at == LINES - 1:
            for table in TABLES:
                for how in (f"-t {table} -S", f"-t {table} -L -n --line-numbers", f"save -t {table}"):
                    want, got = comparable(kernel.line(how)), comparable(router.line(how))
                    if want != got:
                        wrong.append(f"after line {at}: {how}\n  kernel {want}\n  router {got}")
    print(f"{LINES} lines, by exit status: {statuses}")
    assert not wrong, "%d of %d lines differ\n%s" % (len(wrong), LINES, "\n".join(wrong))
    assert all(statuses.get(s, 0) > LINES // 20 for s in (0, 1, 2)), statuses
