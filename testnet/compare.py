"""Compares the records of two runs; `~N` numbers may differ by a tolerance."""

import difflib
import re

APPROXIMATE = re.compile(r"~(\d+)")
DEFAULT_TOLERANCE = 3


def align(left, right, tolerance):
    """Lines of `right` with each ~N that is near enough written as in `left`."""
    aligned = list(right)
    for index, (one, other) in enumerate(zip(left, right)):
        if one == other or APPROXIMATE.sub("~", one) != APPROXIMATE.sub("~", other):
            continue
        numbers = zip(APPROXIMATE.findall(one), APPROXIMATE.findall(other))
        if all(abs(int(a) - int(b)) <= tolerance for a, b in numbers):
            aligned[index] = one
    return aligned


def difference(left, right, names, tolerance=DEFAULT_TOLERANCE):
    """Unified diff of two records; empty string where they agree.

    @left, @right: [(name, [line])] in the order of recording.
    @names: what to call the two runs.
    """
    flat_left = ["%s | %s" % (name, line) for name, lines in left for line in lines]
    flat_right = ["%s | %s" % (name, line) for name, lines in right for line in lines]
    flat_right = align(flat_left, flat_right, tolerance)
    return "\n".join(difflib.unified_diff(flat_left, flat_right, *names, n=2, lineterm=""))
