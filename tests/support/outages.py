"""Each test begins without an outage: what one test has told would keep the next from telling it."""

import pytest

from schedules.dispatch import reaper, tick
from stagent.lib.processes.outage import DATABASE


@pytest.fixture(autouse=True)
def no_outage() -> None:
    DATABASE._reset()
    for outages in (reaper._outages, tick._outages):
        outages._known.clear()
