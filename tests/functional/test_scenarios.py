"""Every scenario on the kernel and on Tapgate: the records must agree.

Scenarios live in scenarios/; testnet/run-scenario plays single ones by hand.
"""

import pytest

from testnet.compare import difference
from testnet.scenario import load_all
from testnet.tapgate_lab import binary

SCENARIOS = load_all()


@pytest.fixture(autouse=True, scope="module")
def built():
    """Without the program there is nothing to compare: that is a failure, not a skip."""
    try:
        binary()
    except RuntimeError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_same_as_the_kernel(name):
    """What was seen with Tapgate is what was seen with Linux."""
    oracle = SCENARIOS[name].play("kernel")
    ours, trace = SCENARIOS[name].try_play("tapgate")
    if trace:
        pytest.fail("on Tapgate:\n" + trace, pytrace=False)
    diff = difference(oracle, ours, ("kernel", "tapgate"))
    if diff:
        pytest.fail("Tapgate differs from the kernel:\n" + diff, pytrace=False)
