"""Benchmark: one table of ratios. Tapgate against the bare TAP reflector and the kernel's router, in the same run.

usage: bench.py [--rounds N] [--seconds S] [--rules N] [P1 P2 P4 P5 P6 P7 ...]

P1  TCP, 1 and 4 streams, bits per second      P2  18-byte UDP, packets delivered per second
P7  ping, mean round trip                       P4  the core alone: nanoseconds and instructions a packet
P5  the table of connections at 1,000 to 3,200,000; what a dump of a million costs the traffic (scale.py)
P6  50,000 rules: loaded live, beside iptables-legacy-restore; and how long the router sees to no packet for it
Every round measures all routers one after the other, the order turning, so that drift of the machine hits all alike;
a ratio is the median of the rounds' ratios.  Absolute figures mean nothing elsewhere.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import time

from routers import ROOT, SERVER, Kernel, Reflector, Tapgate, rules_text
from scale import print_scale

BUILD = ROOT / "build/tests/bench"
SPEC = {  # workload: (text, unit, target of tapgate / reflector)
    "P1-1": ("TCP 1 stream", "Gb/s", ">= 0.90"),
    "P1-4": ("TCP 4 streams", "Gb/s", ">= 0.90"),
    "P2": ("UDP 18 bytes", "kpps", ">= 0.80"),
    "P7": ("ping mean", "us", "<= 1.3"),
}


def wait_port(router, port):
    """Wait until a TCP server listens in the server's namespace."""
    for _ in range(200):
        if ":%d " % port in router.run(router.server, "ss", "-ltn"):
            return
        time.sleep(0.02)
    raise RuntimeError("nothing listens on port %d" % port)


def tcp(router, streams, seconds):
    """iperf3 from client to server: Gb/s received."""
    server = router.popen(router.server, "iperf3", "-s", "-1")
    wait_port(router, 5201)
    out = router.run(router.client, "iperf3", "-J", "-c", SERVER, "-t", str(seconds), "-O", "0.5", "-P", str(streams))
    server.communicate(timeout=20)
    return json.loads(out)["end"]["sum_received"]["bits_per_second"] / 1e9


def udp(router, seconds):
    """Small datagrams as fast as one thread sends them: thousands delivered per second."""
    sink = router.popen(router.server, str(BUILD / "sink"), "9000")
    sink.stdout.readline()
    router.run(router.client, str(BUILD / "blast"), SERVER, "9000", "18", str(seconds))
    out, _ = sink.communicate(timeout=30)
    return float(re.search(r"pps (\d+)", out).group(1)) / 1e3


def ping(router, _seconds):
    """Mean round trip of 500 pings, microseconds."""
    out = router.run(router.client, "ping", "-q", "-c", "500", "-i", "0.002", SERVER)
    return float(re.search(r"= [\d.]+/([\d.]+)/", out).group(1)) * 1e3


MEASURE = {
    "P1-1": lambda router, seconds: tcp(router, 1, seconds),
    "P1-4": lambda router, seconds: tcp(router, 4, seconds),
    "P2": udp,
    "P7": ping,
}


def one_router(kind, rules, seconds, workloads):
    """All workloads through one router: {workload: figure}."""
    with kind(rules) as router:
        router.run(router.client, "ping", "-q", "-c", "3", "-i", "0.05", SERVER)
        return {name: MEASURE[name](router, seconds) for name in workloads}


def measure(arguments, workloads):
    """{workload: {router: [figure of each round]}}."""
    kinds = [Reflector, Tapgate, Kernel]
    figures = {name: {kind.name: [] for kind in kinds} for name in workloads}
    for number in range(arguments.rounds):
        for kind in kinds[number % 3:] + kinds[:number % 3]:
            got = one_router(kind, rules_text(arguments.rules), arguments.seconds, workloads)
            for name, value in got.items():
                figures[name][kind.name].append(value)
            print("round %d %-9s %s" % (number + 1, kind.name, "  ".join("%s %.2f" % item for item in got.items())),
                  file=sys.stderr, flush=True)
    return figures


def ratio(figures, other):
    """Median of Tapgate / other, round by round."""
    return statistics.median(a / b for a, b in zip(figures["tapgate"], figures[other]))


def print_traffic(figures, rules):
    """The table of ratios, as Markdown."""
    print("conntrack + MASQUERADE + %d rules in FORWARD, all walked by every packet\n" % rules)
    print("| # | workload | Tapgate / reflector | target | Tapgate / kernel | Tapgate | reflector | kernel |")
    print("|---|---|---|---|---|---|---|---|")
    for name, by_router in figures.items():
        text, unit, target = SPEC[name]
        middle = {router: statistics.median(values) for router, values in by_router.items()}
        print("| %s | %s | %.2f | %s | %.2f | %.1f %s | %.1f | %.1f |" % (
            name, text, ratio(by_router, "reflector"), target, ratio(by_router, "kernel"), middle["tapgate"], unit,
            middle["reflector"], middle["kernel"]))


def core_time(what, packets, rules):
    """Nanoseconds a packet of the core alone, best of three."""
    runs = [subprocess.run([str(BUILD / "core"), what, str(packets), str(rules)], capture_output=True, text=True,
                           check=True).stdout for _ in range(3)]
    return min(float(re.search(r"ns ([\d.]+)", out).group(1)) for out in runs)


def core_instructions(what, rules):
    """Instructions a packet, by callgrind, as the difference of two runs: set-up cancels out."""
    def total(packets):
        out = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(BUILD / "core"), what,
                              str(packets), str(rules)], capture_output=True, text=True, check=True).stderr
        return int(re.search(r"Collected : (\d+)", out).group(1))
    few, many = 2000, 12000
    return (total(many) - total(few)) / (many - few)


def print_core():
    """P4: the core alone."""
    print("\nP4, the core alone (no I/O), conntrack + MASQUERADE:\n")
    print("| packets of | rules | ns a packet | instructions a packet | target |")
    print("|---|---|---|---|---|")
    for what, rules, target in (("established", 0, ""), ("established", 100, "<= 150 ns"), ("new", 100, "<= 1000 ns")):
        print("| %s | %d | %.0f | %.0f | %s |" % (
            "an established flow" if what == "established" else "a new connection each", rules,
            core_time(what, 2000000 if what == "established" else 500000, rules), core_instructions(what, rules), target))


RULES = 50000


def many_rules(tag):
    """A filter table of RULES rules in a chain of its own; @tag tells rulesets apart."""
    lines = ["-A big -s 10.%d.%d.0/24 -p tcp -m tcp --dport %d -j ACCEPT" % (n >> 8, n & 255, tag) for n in range(RULES)]
    return "\n".join(["*filter", ":INPUT ACCEPT [0:0]", ":FORWARD ACCEPT [0:0]", ":OUTPUT ACCEPT [0:0]", ":big - [0:0]",
                      "-A FORWARD -j big"] + lines + ["COMMIT", ""])


def load_times(kind, rounds):
    """Seconds of iptables-restore with other rules each time, over rules that are there."""
    times = []
    with kind(rules_text(0)) as router:
        for number in range(rounds + 1):
            text, begun = many_rules(number + 1), time.monotonic()
            router.restore(text)
            times.append(time.monotonic() - begun)
    return times[1:]


def print_rules(rounds):
    """How long rules take to load, and the longest turn in which no packet passes."""
    times = {kind.name: statistics.median(load_times(kind, rounds)) for kind in (Tapgate, Kernel)}
    runs = [subprocess.run([str(BUILD / "load"), str(RULES)], capture_output=True, text=True, check=True).stdout
            for _ in range(3)]
    print("\n%d rules over as many others, through the control socket: %.0f ms (iptables-legacy-restore: %.0f ms)\n"
          % (RULES, times["tapgate"] * 1e3, times["kernel"] * 1e3))
    print("| in pieces, between which packets pass | ms in all | longest piece, ms | target |")
    print("|---|---|---|---|")
    figures = [re.findall(r"^(\S+) +ms +([\d.]+) longest +([\d.]+)", out, re.M) for out in runs]
    for rows in zip(*figures):
        print("| %s | %.1f | %.2f | <= 2 |" % (LOADS[rows[0][0]], min(float(row[1]) for row in rows),
                                               min(float(row[2]) for row in rows)))


LOADS = {
    "fresh": "restore over no rules", "other": "restore over other rules", "same": "restore over the same rules",
    "append": "`iptables -A`", "delete": "`iptables -D`", "zero": "`iptables -Z`", "list": "`iptables -nvL`",
    "rules": "`iptables -S`", "flush": "`iptables -F`",
}


def main():
    """Measure what was asked for, print Markdown tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--rules", type=int, default=100)
    parser.add_argument("workload", nargs="*", help="P1 P2 P4 P5 P6 P7; default: all")
    arguments = parser.parse_args()
    wanted = arguments.workload or ["P1", "P2", "P4", "P5", "P6", "P7"]
    workloads = [name for name in MEASURE if name.split("-")[0] in wanted or name in wanted]
    if workloads:
        print_traffic(measure(arguments, workloads), arguments.rules)
    if "P4" in wanted:
        print_core()
    if "P5" in wanted:
        print_scale(arguments.rounds, arguments.seconds)
    if "P6" in wanted:
        print_rules(arguments.rounds)


if __name__ == "__main__":
    main()
