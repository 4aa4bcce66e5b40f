"""Runs the test suites and closes with one line: N passed, N failed.

usage: run.py [SUITE...]      suites: layers unit asan packet fuzz functional; default: all

Each suite is a list of jobs; a job is a command whose output tells how many tests passed and failed.  A job that ends
with a bad status without naming a failed test counts as one failure.  The output of a job is shown only if it failed.
"""

import concurrent.futures
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PYTHON = "/usr/bin/python3"
FUZZ_ROUNDS = "20000"
FUZZ_ROUNDS_OF = {"conntrack": "3000", "engine": "3000", "live": "3000"}  # a whole engine for each input
JOB_LIMIT_S = 1200
SANITIZE = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", UBSAN_OPTIONS="print_stacktrace=1")


def without_make(environment):
    """An environment without what a calling make put there: its job server is not ours."""
    return {name: value for name, value in environment.items() if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}


class Job:
    """One command and how to count its tests: 'tap', 'pytest' or 'status'."""

    def __init__(self, name, command, count="status", env=None):
        self.name, self.command, self.count, self.env = name, command, count, env

    def run(self):
        """Run it. Return (passed, failed, output, seconds)."""
        start = time.monotonic()
        env = dict(without_make(self.env or os.environ), CMOCKA_MESSAGE_OUTPUT="TAP")
        try:
            done = subprocess.run(self.command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, timeout=JOB_LIMIT_S, check=False)
            output, status = done.stdout.decode(errors="replace"), done.returncode
        except subprocess.TimeoutExpired as late:
            output, status = (late.stdout or b"").decode(errors="replace") + "\ntook too long", 1
        passed, failed = COUNT[self.count](output, status)
        if status and not failed:
            failed = 1
        return passed, failed, output, time.monotonic() - start


def count_tap(output, _status):
    """cmocka's TAP lines."""
    return (len(re.findall(r"^ok ", output, re.M)), len(re.findall(r"^not ok ", output, re.M)))


def count_pytest(output, _status):
    """pytest's closing line."""
    def number(word):
        found = re.findall(r"(\d+) %s" % word, output.splitlines()[-1] if output.splitlines() else "")
        return int(found[-1]) if found else 0
    return number("passed"), number("failed") + number("errors?")


def count_status(_output, status):
    """One test: its exit status."""
    return (0, 1) if status else (1, 0)


COUNT = {"tap": count_tap, "pytest": count_pytest, "status": count_status}


def build(*targets, sanitize=False):
    """make targets in the plain or the sanitizer build. Exits if that fails."""
    folder = "build/asan" if sanitize else "build"
    command = ["make", "-s", "-j%d" % (os.cpu_count() or 1), "BUILD=" + folder]
    done = subprocess.run(command + (["SAN=1"] if sanitize else []) + [t.replace("@", folder) for t in targets],
                          cwd=ROOT, env=without_make(os.environ), check=False)
    if done.returncode:
        print("build failed\n0 passed, 1 failed")
        sys.exit(1)
    return folder


def unit_jobs(sanitize=False):
    """One job per unit test program."""
    folder = build("unit", sanitize=sanitize)
    sources = sorted(ROOT.glob("tests/unit/*/test_*.c"))
    mark = "asan " if sanitize else ""
    return [Job("%sunit %s" % (mark, s.relative_to(ROOT / "tests/unit").with_suffix("")),
                ["%s/%s" % (folder, s.relative_to(ROOT).with_suffix(""))], "tap", SANITIZE) for s in sources]


def packet_jobs(sanitize=False):
    """The text packet tests, one job per file."""
    folder = build("@/tests/packet/play", sanitize=sanitize)
    return [Job("packet %s" % path.stem, [folder + "/tests/packet/play", str(path.relative_to(ROOT))], "tap", SANITIZE)
            for path in sorted(ROOT.glob("tests/packet/*.txt"))]


def fuzz_jobs():
    """Every fuzz target over its corpus and a number of seeded mutations, with sanitizers."""
    folder = build("fuzz-smoke", sanitize=True)
    jobs = []
    for source in sorted(ROOT.glob("tests/fuzz/fuzz_*.c")):
        name = source.stem[len("fuzz_"):]
        jobs.append(Job("fuzz " + name, ["%s/tests/fuzz/%s" % (folder, source.stem),
                                         FUZZ_ROUNDS_OF.get(name, FUZZ_ROUNDS),
                                         "tests/fuzz/corpus/" + name], "status", SANITIZE))
    return jobs


def functional_jobs():
    """Real traffic: every functional test file is one job."""
    build("all", "unit")
    return [Job("functional " + path.stem[len("test_"):],
                [PYTHON, "-m", "pytest", "-q", "--tb=short", "-p", "no:cacheprovider", str(path.relative_to(ROOT))],
                "pytest") for path in sorted(ROOT.glob("tests/functional/test_*.py"))]


SUITES = {
    "layers": lambda: [Job("layers", [PYTHON, "tests/layers.py"])],
    "unit": unit_jobs,
    "asan": lambda: unit_jobs(True) + packet_jobs(True),
    "packet": packet_jobs,
    "fuzz": fuzz_jobs,
    "functional": functional_jobs,
}


def main():
    """Run the suites named, two jobs at a time. Exit status 1 if anything failed."""
    names = sys.argv[1:] or ["layers", "unit", "asan", "fuzz", "functional"]
    unknown = [name for name in names if name not in SUITES]
    if unknown:
        print("unknown suite %s; there are: %s" % (", ".join(unknown), " ".join(SUITES)))
        return 2
    passed = failed = 0
    for name in names:
        with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
            jobs = SUITES[name]()
            for job, result in zip(jobs, pool.map(Job.run, jobs)):
                good, bad, output, seconds = result
                print("%-4s %-44s %4d passed, %d failed  %5.1f s" % ("FAIL" if bad else "ok", job.name, good, bad,
                                                                    seconds), flush=True)
                if bad:
                    print(output)
                passed += good
                failed += bad
    print("%d passed, %d failed" % (passed, failed))
    return failed > 0


if __name__ == "__main__":
    sys.exit(main())
