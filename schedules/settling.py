"""Due schedules dealt with in one transaction: locked, decided about, moved on, and all of it written down.

All or nothing: what raises for one of them undoes the others, and the tick tries them one by one.
"""

import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from itertools import chain

from django.db import connection, transaction

from schedules.due import Due
from schedules.models import Firing, Run, Schedule
from schedules.situation import Situation
from schedules.states import OverlapPolicy
from schedules.transitions import defer, enqueue_all, move_on, request_cancel, withdraw
from stagent.lib import bell

log = logging.getLogger("stagent.loop")

DEFERRED = "Schedule %s (%s) is deferred for chat: %d replies are streaming. It fires by %s at the latest."


def settle(ids: Collection[int], situation: Situation) -> int:
    """Settle those of these schedules that are due; return how many firings were recorded."""
    with transaction.atomic():
        return settle_as_read(_lock(ids, situation), situation)


def settle_as_read(schedules: Sequence[Schedule], situation: Situation) -> int:
    """Settle due schedules, each only if it is still as it was read. Belongs into a transaction."""
    earlier = _unfinished(schedules, stopped=situation.conf.stopped)
    dues = [Due(schedule, situation, earlier[schedule.pk]) for schedule in schedules]
    return _write([due for due in dues if _settle(due)])


def _lock(ids: Collection[int], situation: Situation) -> list[Schedule]:
    """Lock what is due, the longest due first.

    What another process is just ticking, editing or ending a run of is passed over, and is due again at once:
    so no two processes can wait for each other, in whatever order each takes several.
    """
    skip = connection.features.has_select_for_update_skip_locked
    due = Schedule.objects.due(situation.now).filter(pk__in=ids).order_by("next_fire_at", "pk")
    return list(due.select_for_update(skip_locked=skip, no_key=True))


def _unfinished(schedules: Iterable[Schedule], *, stopped: bool) -> dict[int, list[Run]]:
    """Return the runs that may stand in the way of new ones, by schedule."""
    careful = [each.pk for each in schedules if stopped or each.overlap_policy != OverlapPolicy.ALLOW]
    found = defaultdict(list)
    for run in Run.objects.unfinished().filter(schedule__in=careful).only("schedule", "status"):
        found[run.schedule_id or 0].append(run)
    return found


def _settle(due: Due) -> bool:
    """Step back for chat, or decide and move past every due instant; tell whether there is more to write."""
    if until := due.steps_back_until():
        if due.schedule.deferred_until is None:  # a line when it begins, none for each time it goes on
            latest = due.due_at + due.situation.conf.chat_max_delay
            log.info(DEFERRED, due.schedule.pk, due.schedule.name, due.situation.live_streams, latest)
        defer(due.schedule, until)
        return False
    due.decide()
    return move_on(due.schedule, due.plan.next, fired=len(due.runs), now=due.now)


def _write(dues: Sequence[Due]) -> int:
    """Write the firings and queue the runs; clear the way for those that want it."""
    if not dues:
        return 0
    firings = Firing.objects.bulk_create(chain.from_iterable(due.firings for due in dues))
    runs = list(chain.from_iterable(due.runs for due in dues))
    for run in runs:
        run.firing = run.firing  # which has its id only now
    for due in dues:
        _clear_the_way(due)
    enqueue_all(runs)
    bell.ring()
    return len(firings)


def _clear_the_way(due: Due) -> None:
    reason = "A newer instant of its schedule came due."
    for run in due.in_the_way:
        withdraw(run.pk, now=due.now, reason=reason) or request_cancel(run.pk, reason=reason, now=due.now)
