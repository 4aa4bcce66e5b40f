"""The rows of the trackers' unit tests, played on the kernel: what they expect is what Linux does."""

import collections

import pytest
from tracker_rows import agrees, can_play, play, read_rows

PROGRAMS = ("test_tcp", "test_tcp_matrix", "test_tcp_window", "test_protocols", "test_sctp", "test_flows")
LONGEST = 2.5          # seconds of a row that are played; longer ones are left to the unit test's virtual clock


@pytest.mark.parametrize("program", PROGRAMS)
def test_rows_are_what_linux_does(program):
    """Every row that the kernel can play has the outcome that the unit test expects."""
    rows = [row for row in read_rows(program) if can_play(row) and row.steps[-1].at <= LONGEST]
    assert rows
    by_sysctl = collections.defaultdict(list)
    for row in rows:
        by_sysctl[row.sysctl].append(row)
    wrong = []
    for group in by_sysctl.values():
        outcome = play(group)
        for index, row in enumerate(group):
            for n, step in enumerate(row.steps):
                if not agrees(step.want, *outcome[index, n]):
                    wrong.append("%s, step %d (%s): Linux: '%s', the row: '%s'"
                                 % (row.name, n, step.line, outcome[index, n][0], step.want))
                    break
    assert not wrong, "\n".join(wrong)


def test_a_wrong_row_is_found():
    """The comparison can fail: a row that expects something else, in its state and in its seconds."""
    assert agrees("NEW SYN_SENT 120", "NEW SYN_SENT 119")
    assert not agrees("NEW SYN_SENT 120", "NEW SYN_RECV 119")
    assert not agrees("NEW SYN_SENT 120", "NEW SYN_SENT 60")
    assert not agrees("ESTABLISHED ESTABLISHED 300 assured", "ESTABLISHED ESTABLISHED 299")
    assert not agrees("INVALID", "NEW SYN_SENT 119")
