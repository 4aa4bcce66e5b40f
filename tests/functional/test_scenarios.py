"""Every scenario on the kernel and on Tapgate: the records must agree.

Scenarios live in scenarios/; testnet/run-scenario plays single ones by hand.
"""

import pytest

from testnet.compare import difference
from testnet.scenario import load_all
from testnet.tapgate_lab import binary

SCENARIOS = load_all()


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_same_as_the_kernel(name):
    """What was seen with Tapgate is what was seen with Linux."""
    try:
        binary()
    except RuntimeError as error:       # nothing to compare with is a failure, not a skip
        pytest.fail(str(error), pytrace=False)
    oracle = SCENARIOS[name].play("kernel")
    ours, trace = SCENARIOS[name].try_play("tapgate")
    if trace:
        pytest.fail("on Tapgate:\n" + trace, pytrace=False)
    diff = difference(oracle, ours, ("kernel", "tapgate"))
    if diff:
        pytest.fail("Tapgate differs from the kernel:\n" + diff, pytrace=False)
