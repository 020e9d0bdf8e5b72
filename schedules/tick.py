"""The tick: record what is due as firings and queue their runs. Any number of processes may tick at once."""

import logging
from collections.abc import Iterator
from datetime import timedelta

from schedules.due import Due
from schedules.models import Schedule
from schedules.situation import Situation
from schedules.transitions import defer

CHUNK = 200  # schedules read at once
SET_ASIDE = timedelta(minutes=1)  # what could not be ticked is tried again after this

log = logging.getLogger("stagent.tick")


def tick(situation: Situation) -> int:
    """Deal with every due schedule once; return how many firings were recorded. An error stops no other."""
    recorded = 0
    for schedule in _due(situation):
        try:
            recorded += Due(schedule, situation).settle()
        except Exception:
            log.exception("Schedule %s (%s) could not be ticked.", schedule.pk, schedule.name)
            defer(schedule, situation.now + SET_ASIDE)  # or the loop would try nothing else, all the time
    return recorded


def _due(situation: Situation) -> Iterator[Schedule]:
    """Yield the due schedules, the longest due first, each as it is when its turn comes near."""
    due = Schedule.objects.due(situation.now).order_by("next_fire_at", "pk")
    ids = list(due.values_list("pk", flat=True))
    for start in range(0, len(ids), CHUNK):
        yield from due.filter(pk__in=ids[start : start + CHUNK])
