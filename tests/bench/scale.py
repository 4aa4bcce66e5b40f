"""P5: the table of connections at some sizes, and what a dump of a million costs the traffic.

Rates, memory and the longest turns come from tests/bench/conntrack (the core alone, processor time). The dump is one through
a router with traffic: delivered datagrams while it runs, against the same without it, in turn.
"""

import contextlib
import os
import re
import signal
import statistics
import subprocess
import time

from routers import ROOT, SERVER, Tapgate, rules_text
from testnet.tapgate_lab import binary

BUILD = ROOT / os.environ.get("BUILD", "build")
SIZES = (1000, 100000, 3200000)
FLOWS = 1000000


class Filled(Tapgate):
    """A router with room for the flows, which live long enough."""

    mounted = True
    sysctls = ("net.netfilter.nf_conntrack_max = %d" % (2 * FLOWS), "net.netfilter.nf_conntrack_udp_timeout = 1200")


def table(count, kind):
    """What tests/bench/conntrack says: {name: [figures]}."""
    out = subprocess.run([str(BUILD / "tests/bench/conntrack"), str(count), kind], capture_output=True, text=True,
                         check=True).stdout
    return {line.split()[0]: [float(word) for word in re.findall(r"[\d.]+", line)] for line in out.splitlines()}


def best(count, kind, runs):
    """Of several runs the lowest of each figure: others on the machine only add."""
    all_runs = [table(count, kind) for _ in range(runs)]
    return {name: [min(figures) for figures in zip(*(run[name] for run in all_runs))] for name in all_runs[0]}


def print_rates():
    """Rates by size, ratios to the smallest, memory, holds."""
    print("\nP5, the table of connections (the core alone, processor time; `translated` with MASQUERADE):\n")
    print("| connections | new | packet of any | / at 1 000 | look-up by itself | expired | dumped | bytes each | resident MB |"
          " longest turn: expiry | resize |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for kind in ("plain", "nat"):
        small = None
        for count in SIZES:
            got = best(count, kind, 1 if count > FLOWS else 2)
            small = small or got
            print("| %s%s | %.0f ns | %.0f ns | %.2f | %.0f ns | %.0f ns | %.0f ns | %.0f | %.0f | %.0f us | %.0f us |" % (
                "{:,}".format(count).replace(",", " "), " translated" if kind == "nat" else "", got["insert"][0],
                got["packet"][0], got["packet"][0] / small["packet"][0], got["lookup"][0], got["expire"][0], got["dump"][0],
                got["memory"][1] / count, got["memory"][0] / 1e6, got["expire"][1], got["resize"][1]), flush=True)


def fill(router):
    """FLOWS connections through the router, or nearly so many: on a busy machine the device drops some datagrams."""
    for _ in range(6):
        router.run(router.client, str(BUILD / "tests/bench/fill"), SERVER, str(FLOWS), limit=120)
        count = int(router.process.command("conntrack", "-C")[1])
        if count >= 0.98 * FLOWS:
            return count
    raise RuntimeError("the router did not get %d connections" % FLOWS)


def delivered(router, seconds):
    """Small datagrams as fast as one thread sends them, per second that arrived."""
    sink = router.popen(router.server, str(BUILD / "tests/bench/sink"), "9000")
    sink.stdout.readline()
    router.run(router.client, str(BUILD / "tests/bench/blast"), SERVER, "9000", "18", str(seconds))
    out, _ = sink.communicate(timeout=30)
    return float(re.search(r"pps (\d+)", out).group(1))


@contextlib.contextmanager
def dumping(router, command):
    """While this lasts the table is dumped again and again."""
    child = router.popen(None, "/bin/sh", "-c", "while :; do %s > /dev/null; done" % command, start_new_session=True)
    try:
        yield
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()


def print_dump(rounds, seconds):
    """Traffic while a million connections are dumped, against traffic alone."""
    with Filled(rules_text(100)) as router:
        count = fill(router)
        ways = {"conntrack -L": "%s -S %s conntrack -L 2>&1" % (binary(), router.process.socket),
                "cat net/nf_conntrack": "cat %s/net/nf_conntrack" % router.proc}
        print("\nA dump of %d connections while traffic flows (UDP, 18 bytes):\n" % count)
        print("| dump | traffic with / without it | target | one dump by itself |\n|---|---|---|---|")
        for name, command in ways.items():
            begin = time.monotonic()
            size = int(subprocess.run(["/bin/sh", "-c", command + " | wc -c"], capture_output=True, text=True, check=True).stdout)
            alone = time.monotonic() - begin
            if size < count * 80:
                raise RuntimeError("%s gave %d bytes" % (name, size))
            ratios = []
            for _ in range(rounds):
                without = delivered(router, seconds)
                with dumping(router, command):
                    ratios.append(delivered(router, seconds) / without)
            print("| %s | %.2f | >= 0.90 | %.1f s, %.0f MB |" % (name, statistics.median(ratios), alone, size / 1e6),
                  flush=True)


def print_scale(rounds, seconds):
    """All of P5."""
    print_rates()
    print_dump(rounds, seconds)
