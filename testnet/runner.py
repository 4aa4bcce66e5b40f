"""The command line: testnet/run-scenario [OPTIONS] NAME...

Plays scenarios on the kernel and on Tapgate and prints a diff where the records
differ.  A NAME is that of a scenario, of a file, or any part of a name; none
means all.  --self-check plays the kernel twice: proof that a scenario records
nothing that changes by itself.
"""

import argparse
import sys
import time

from .compare import difference
from .scenario import load_all


def _show(records):
    """Print the records of one run."""
    for name, lines in records:
        for line in lines:
            print("    %s | %s" % (name, line))


def _play(item, kinds, verbose):
    """Play one scenario on each of `kinds`: True if all is well; prints its report."""
    began = time.monotonic()
    runs = [item.try_play(kind) for kind in kinds]
    spent = time.monotonic() - began
    diff = difference(runs[0][0], runs[1][0], kinds) if len(runs) == 2 else ""
    good = not diff and not any(trace for _records, trace in runs)
    print("%-4s %s (%.1f s)" % ("ok" if good else "FAIL", item.name, spent), flush=True)
    for kind, (records, trace) in zip(kinds, runs):
        if trace:
            print("  on %s:\n%s" % (kind, trace))
        if verbose or (len(kinds) == 1 and not trace):
            print("  %s:" % kind)
            _show(records)
    if diff:
        print(diff)
    return good


def select(everything, names):
    """Scenarios whose name is, begins with FILE., or contains one of `names`."""
    if not names:
        return list(everything.values())
    chosen = [item for key, item in everything.items()
              if any(name == key or name in key for name in names)]
    if not chosen:
        sys.exit("no scenario matches %s; --list shows all" % " ".join(names))
    return chosen


def main(argv=None):
    """Entry point; returns the exit status."""
    parser = argparse.ArgumentParser(prog="run-scenario", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--kernel-only", action="store_true", help="play on the kernel, show the records")
    how.add_argument("--tapgate-only", action="store_true", help="play on Tapgate, show the records")
    how.add_argument("--self-check", action="store_true", help="kernel against kernel")
    parser.add_argument("--list", action="store_true", help="names of all scenarios")
    parser.add_argument("-v", "--verbose", action="store_true", help="show the records always")
    parser.add_argument("names", nargs="*", metavar="NAME")
    args = parser.parse_args(argv)
    chosen = select(load_all(), args.names)
    if args.list:
        for item in chosen:
            print("%-45s %s" % (item.name, (item.function.__doc__ or "").strip().splitlines()[0]))
        return 0
    kinds = ["kernel", "tapgate"]
    if args.kernel_only:
        kinds = ["kernel"]
    elif args.tapgate_only:
        kinds = ["tapgate"]
    elif args.self_check:
        kinds = ["kernel", "kernel"]
    began = time.monotonic()
    failed = [item.name for item in chosen if not _play(item, kinds, args.verbose)]
    print("%d passed, %d failed in %.0f s" % (len(chosen) - len(failed), len(failed),
                                              time.monotonic() - began))
    for name in failed:
        print("  failed: " + name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
