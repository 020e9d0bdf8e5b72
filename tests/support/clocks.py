"""The tests and their database are on one machine and so have one clock: none asks the other what time it is.

Asked every half a minute, it would be one query more in whichever test is counting them just then.
"""

from stagent.lib import clock


def pytest_configure() -> None:
    """Take the clocks as compared, for good; `tests/stagent/lib/test_clock.py` compares its own."""
    clock._offset.sampled_at = float("inf")
