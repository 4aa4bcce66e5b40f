"""Random packet sequences through the kernel and through Tapgate, compared after every packet.

usage (as root): python3 -m tests.differential [options]

Prints each difference with its sequence, shrunk, and how to play it again; ends with one line of figures.
Exit status 1 if there was one.
"""

import argparse
import os
import pathlib
import random
import sys
import time

from . import play, sides
from .groups import CT, GROUPS, KINDS
from .hosts import Hosts

ROOT = pathlib.Path(__file__).resolve().parents[2]
BATCH = 500       # sequences that wait together
TOLD_MAX = 20     # differences that are shrunk and told in full


def make(group, seed, number):
    """The sequence of that number, the same for ever as long as the generators are."""
    rng = random.Random("%d %s %d" % (seed, group.name, number))
    kind = rng.choices(list(group.kinds), list(group.kinds.values()))[0]
    return play.Sequence(kind, number, patient(KINDS[kind](rng, Hosts(rng, number), group.pauses)))


def patient(steps):
    """The steps with pauses of five seconds in all at most."""
    left, kept = 5.0, []
    for step in steps:
        if step.pause <= left:
            kept.append(step)
            left -= step.pause
    return kept


def numbers_of(total):
    """{group: range of its sequence numbers}"""
    shares, begin, ranges = sum(g.share for g in GROUPS), 0, {}
    for group in GROUPS:
        count = max(round(total * group.share / shares), 1)
        ranges[group.name] = range(begin, begin + count)
        begin += count
    return ranges


def tell(group, seed, found):
    """Prints one difference."""
    s = found.sequence
    print("%s sequence %d (%s), group %s: python3 -m tests.differential --seed %d --group %s --only %d" % (
        "different:", s.number, s.kind, group.name, seed, group.name, s.number))
    for n, step in enumerate(s.steps[:found.at + 1], 1):
        print("  %2d %s" % (n, step))
    print("  " + str(found), flush=True)


def play_group(lab, group, seed, numbers, shrink):
    """Plays the sequences of a group. Return: (how many differ, how many of them did not when played again)."""
    lab.set_up(group)
    before, suspects, numbers = lab.kernel.counters(), {}, list(numbers)
    for at in range(0, len(numbers), BATCH):
        found = lab.play([make(group, seed, n) for n in numbers[at:at + BATCH]])
        suspects.update((difference.sequence.number, difference) for difference in found)
    wrong = [] if suspects else lab.compare_counters(before) + lab.compare_tables()
    differences, gone = 0, 0
    for number in suspects if not wrong else numbers:
        found = lab.replay(group, make(group, seed, number))
        if found:
            differences += 1
            if differences <= TOLD_MAX:
                tell(group, seed, lab.shrink(group, found) if shrink else found)
        elif not wrong:
            gone += 1
            print("not repeated: sequence %d, group %s: %s" % (number, group.name, suspects[number]), flush=True)
    if wrong and not differences:
        for what in wrong:
            print("different: group %s: %s\n    kernel:  %s\n    tapgate: %s" % (group.name, *what), flush=True)
        differences = len(wrong)
    return differences, gone


def arguments():
    parser = argparse.ArgumentParser(prog="tests.differential", description=__doc__.splitlines()[0])
    parser.add_argument("--sequences", type=int, default=int(os.environ.get("SEQUENCES", "600")), help="how many (SEQUENCES; 600)")
    parser.add_argument("--seed", type=int, default=int(os.environ.get("SEED", "1")), help="which (SEED; 1)")
    parser.add_argument("--group", choices=[g.name for g in GROUPS], help="only this group's")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="only this sequence, with --group")
    parser.add_argument("--show", action="store_true", help="print the steps and what came of each")
    parser.add_argument("--no-shrink", action="store_true", help="tell sequences as they are")
    parser.add_argument("--program", default=str(ROOT / os.environ.get("BUILD", "build") / "tests/tools/core_server"),
                        help="the Tapgate side")
    return parser.parse_args()


def show(lab, group, sequence):
    """Plays a sequence step by step; prints both sides' connections and why a packet is INVALID."""
    lab.set_up(group)
    lab.tapgate.sysctl(CT + "log_invalid", 255)
    for n, step in enumerate(sequence.steps, 1):
        found = lab.play([sequence._replace(steps=[step])])
        print("%2d %s" % (n, step))
        for e in lab.kernel.entries(0):
            print("        kernel  %s" % (e,))
        for e in lab.tapgate.entries(time.monotonic_ns()):
            print("        tapgate %s" % (e,))
        print(lab.tapgate.logged() + "".join("   %s\n" % d for d in found), end="", flush=True)


def main():
    args, begun = arguments(), time.monotonic()
    if not os.access(args.program, os.X_OK):
        print("tests.differential: %s is missing: make test-tools" % args.program)
        return 2
    sides.own_namespace()
    lab = play.Lab(sides.Kernel(), sides.Tapgate(args.program))
    ranges, differences, gone, count = numbers_of(args.sequences), 0, 0, 0
    for group in GROUPS:
        if args.group not in (None, group.name):
            continue
        numbers = ranges[group.name] if args.only is None else [args.only]
        if args.show and args.only is not None:
            show(lab, group, make(group, args.seed, args.only))
            continue
        found, vanished = play_group(lab, group, args.seed, numbers, not args.no_shrink)
        differences, gone, count = differences + found, gone + vanished, count + len(numbers)
    lab.kernel.close()
    lab.tapgate.close()
    print("%d sequences, %d packets, seed %d: %d differences, %d not repeated, %.1f s" % (
        count, lab.packets, args.seed, differences, gone, time.monotonic() - begun))
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
