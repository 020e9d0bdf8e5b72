"""The tick: record what is due as firings and queue their runs. Any number of processes may tick at once."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import batched

from schedules.lateness import Delays
from schedules.models import Schedule
from schedules.settling import settle
from schedules.situation import Situation
from schedules.states import OverlapPolicy
from schedules.transitions import defer
from stagent.lib.outage import AWAY

TOGETHER = 25  # settled in one transaction: many, but nobody else who writes is kept waiting for long
SET_ASIDE = timedelta(minutes=1)  # what could not be ticked is tried again after this

log = logging.getLogger("stagent.tick")


def tick(situation: Situation, delays: Delays | None = None) -> int:
    """Deal with every due schedule once; return how many firings were recorded. An error stops no other.

    `delays` is what the caller knows about why instants could be late.
    """
    recorded, delays = 0, delays or Delays()
    for ids in _due(situation.now):
        try:
            recorded += settle(ids, situation, delays)
        except AWAY:
            raise  # no schedule is at fault: the loop says so once, and tries again
        except Exception as error:  # noqa: BLE001 - of one of them; which, is found out one by one
            log.info("%d schedules are ticked one by one: %s", len(ids), error)
            recorded += sum(_alone(schedule_id, situation, delays) for schedule_id in ids)
    return recorded


def _due(now: datetime) -> Iterator[tuple[int, ...]]:
    """Yield the due schedules, the longest due first, in groups that may share a transaction.

    One that cancels its earlier runs locks those too, in an order of its own: it shares with nobody.
    """
    due = Schedule.objects.due(now).order_by("next_fire_at", "pk").values_list("pk", "overlap_policy")
    peaceful: list[int] = []
    cancelling: list[int] = []
    for schedule_id, policy in due:
        (cancelling if policy == OverlapPolicy.CANCEL_RUNNING else peaceful).append(schedule_id)
    yield from batched(peaceful, TOGETHER)
    yield from batched(cancelling, 1)


def _alone(schedule_id: int, situation: Situation, delays: Delays) -> int:
    """Settle one schedule; set it aside if it raises, or the loop would try nothing else all the time."""
    try:
        return settle((schedule_id,), situation, delays)
    except AWAY:
        raise
    except Exception:
        log.exception("Schedule %s could not be ticked.", schedule_id)
        for schedule in Schedule.objects.due(situation.now).filter(pk=schedule_id):
            defer(schedule, situation.now + SET_ASIDE)
        return 0
