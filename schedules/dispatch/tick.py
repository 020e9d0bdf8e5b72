"""The tick: records what is due as firings and queues their runs. Any number of processes may tick at
once.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from itertools import batched

from schedules.capacity.conditions import StartConditions
from schedules.capacity.lateness import Delays
from schedules.models import Schedule
from schedules.states import OverlapPolicy
from schedules.transitions import defer
from schedules.transitions.schedules.fire import fire_group
from stagent.lib.processes.outage import UNAVAILABLE, IsolatedSteps, Outages

TOGETHER = 25  # settled in one transaction: many, but nobody else who writes is kept waiting for long
SET_ASIDE = timedelta(minutes=1)  # what could not be ticked is tried again after this

log = logging.getLogger(__name__)
_outages = Outages(log)


def tick(situation: StartConditions, delays: Delays | None = None) -> int:
    """Fire every due schedule once; return how many firings were recorded. An error stops no other schedule.

    It is logged once. Raises the first error of an unavailable database after the others were tried. `delays`
    is what the caller knows about late instants.
    """
    steps, delays = IsolatedSteps(_outages), delays or Delays()
    groups: list[tuple[int, ...]] = list(_due(situation.now))
    recorded = sum(
        steps.run("The tick", partial(_together, steps, ids, situation, delays), 0) for ids in groups
    )
    steps.raise_first_error()
    return recorded


def _together(steps: IsolatedSteps, ids: tuple[int, ...], situation: StartConditions, delays: Delays) -> int:
    """Fire some schedules in one transaction; if one of them fails, each in its own."""
    try:
        return fire_group(ids, situation, delays)
    except UNAVAILABLE:
        raise  # no schedule is at fault: the loop says so once, and tries again
    except Exception as error:  # noqa: BLE001 - of one of them; which, is found out one by one
        log.debug("%d schedules are ticked one by one: %s", len(ids), error)
    return sum(
        steps.run(f"The tick of schedule {one}", partial(_alone, one, situation, delays), 0) for one in ids
    )


def _due(now: datetime) -> Iterator[tuple[int, ...]]:
    """Yield the due schedules, longest due first, in groups for one transaction.

    One that cancels its earlier runs also locks those, in an order of its own, so it gets its own
    transaction.
    """
    due = Schedule.objects.due(now).order_by("next_fire_at", "pk").values_list("pk", "overlap_policy")
    peaceful: list[int] = []
    cancelling: list[int] = []
    for schedule_id, policy in due:
        (cancelling if policy == OverlapPolicy.CANCEL_RUNNING else peaceful).append(schedule_id)
    yield from batched(peaceful, TOGETHER)
    yield from batched(cancelling, 1)


def _alone(schedule_id: int, situation: StartConditions, delays: Delays) -> int:
    """Fire one schedule; on an error defer it, so that it does not block the loop."""
    try:
        return fire_group((schedule_id,), situation, delays)
    except UNAVAILABLE:
        raise
    except Exception:
        for schedule in Schedule.objects.due(situation.now).filter(pk=schedule_id):
            defer(schedule, situation.now + SET_ASIDE)
        raise
