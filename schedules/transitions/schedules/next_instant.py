"""The columns with the next firing: how they follow from the recurrence, and how they are advanced.

What a fast clock wrote is ignored: a moment in the future proves nothing about what is recorded.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from schedules.models import Firing, Schedule
from schedules.models.schedule import ScheduleQuerySet
from schedules.states import ScheduleStatus
from schedules.timing.active_hours import active_again
from schedules.timing.recurrence import Instant, jittered
from schedules.transitions import prepared_sql

SKEW = timedelta(seconds=5)  # clocks of hosts that work together differ by less
MICROSECOND = timedelta(microseconds=1)
MOST_BEHIND = timedelta(hours=1)  # a clock is not believed to be, before a schedule was made, by more
LOOKED_UP = 500  # instants, in one query
LONGEST_DEFERRAL = timedelta(hours=25)  # chat defers for a day at most, whatever is set

NO_NEXT: dict[str, Any] = {
    "next_nominal_at": None,
    "next_fire_at": None,
    "next_dst_shifted": False,
    "deferred_until": None,
}


def next_columns(schedule: Schedule, instant: Instant | None) -> dict[str, Any]:
    """Return the columns of the next firing, with jitter."""
    if instant is None:
        return NO_NEXT
    return {
        "next_nominal_at": instant.at,
        "next_fire_at": fire_at(schedule, instant.at),
        "next_dst_shifted": instant.dst_shifted,
        "deferred_until": None,
    }


def fire_at(schedule: Schedule, nominal: datetime) -> datetime:
    """Return when an instant fires: with its jitter, and a one-shot not in quiet hours."""
    moment = nominal
    if schedule.jitter_sec:
        following = schedule.recurrence.next_after(nominal)
        no_later_than = following.at if following else None
        moment = jittered(schedule.pk, nominal, schedule.jitter_sec, no_later_than)
    return active_again(schedule, moment) if schedule.at else moment


def next_from(schedule: Schedule, now: datetime) -> Instant | None:
    """Return the first unrecorded instant after now; of a one-shot its moment, even if it is past.

    A caller that waited for a lock, or has a slow clock, may pass an old `now`.
    """
    if schedule.at is not None:
        return _one_shot(schedule, now)
    known = schedule.recorded_until
    after = max(now, known) if known and known <= now + SKEW else now
    return first_open(schedule, max(after, made_at(schedule, now)))


def next_recorded_from(schedule: Schedule, now: datetime) -> Instant | None:
    """Return the first unrecorded instant, which may be due; used when the stored one is wrong."""
    if schedule.at is not None:
        return _one_shot(schedule, now)
    known = schedule.recorded_until
    if known is None or known > now + SKEW:
        known = _before_uncredible(schedule, now) or _newest_recorded(schedule, now) or now
    return first_open(schedule, max(known, made_at(schedule, now)))


def made_at(schedule: Schedule, now: datetime) -> datetime:
    """Return when a schedule was created: no earlier instant fires, even on a slow clock.

    If a fast clock created it in the far future, that is ignored.
    """
    made = schedule.created_at
    return made if made is not None and made <= now + MOST_BEHIND else datetime.min.replace(tzinfo=UTC)


def first_open(schedule: Schedule, after: datetime) -> Instant | None:
    """Return the first instant after a moment that has not fired; a fast clock fired some early."""
    if not _fired_ahead(schedule, after).exists():
        return schedule.recurrence.next_after(after)
    instants: Iterator[Instant] = schedule.recurrence.all_after(after)
    for some in batched(instants, LOOKED_UP):
        fired = set(
            _fired_ahead(schedule, after)
            .filter(nominal_at__lte=some[-1].at)
            .values_list("nominal_at", flat=True)
        )
        for instant in some:
            if instant.at not in fired:
                return instant
        after = some[-1].at
    return None


def _fired_ahead(schedule: Schedule, after: datetime) -> Any:
    fired = Firing.objects.of_recurrence().filter(schedule=schedule, nominal_at__gt=after)
    return fired.filter(fired_at__isnull=False)


def _before_uncredible(schedule: Schedule, now: datetime) -> datetime | None:
    """Return a moment before the first due instant that only a fast clock has recorded."""
    rows = Firing.objects.of_recurrence().filter(schedule=schedule, nominal_at__lte=now, fired_at=None)
    wrong = rows.filter(recorded_at__gt=now + SKEW).order_by("nominal_at").first()
    return wrong.nominal_at - MICROSECOND if wrong else None


def _newest_recorded(schedule: Schedule, now: datetime) -> datetime | None:
    """Return the last instant of the newest credible firing."""
    rows = Firing.objects.of_recurrence().filter(schedule=schedule, nominal_at__lte=now)
    for row in rows.order_by("-nominal_at")[:LOOKED_UP]:
        if is_credible(row, now):
            return min(row.last_nominal_at or row.nominal_at, now)
    return None


def _one_shot(schedule: Schedule, now: datetime) -> Instant | None:
    assert schedule.at is not None
    if schedule.status == ScheduleStatus.COMPLETED and schedule.at <= now:
        return None
    rows = Firing.objects.of_recurrence().filter(schedule=schedule, nominal_at=schedule.at)
    if any(is_credible(row, now) for row in rows):
        return None
    return schedule.recurrence.next_after(schedule.at - MICROSECOND)


def is_credible(row: Firing, now: datetime) -> bool:
    """Return whether a firing is credible: it had a run, or no fast clock wrote it."""
    return row.fired_at is not None or row.recorded_at is None or row.recorded_at <= now + SKEW


def advance(
    schedule: Schedule, following: Instant | None, *, fired: int, now: datetime, was_ahead: bool = False
) -> bool:
    """Advance a schedule past its due instant: compare-and-set on `next_fire_at`, so one process fires it.

    Without a following instant, or at its firing limit, it is completed. `was_ahead`: what a fast clock
    recorded is reverted.
    """
    count = schedule.firing_count + fired
    until = min(now, following.at - MICROSECOND) if following else now
    if schedule.recorded_until is not None and not was_ahead:
        until = max(until, schedule.recorded_until)  # a clock that is behind takes nothing back
    if fired and schedule.at is None and schedule.max_firings and count >= schedule.max_firings:
        following = None
    changed = prepared_sql.MOVE_ON(
        schedule_id=schedule.pk,
        fire_at_as_read=schedule.next_fire_at,
        updated_at_as_read=schedule.updated_at,
        status=ScheduleStatus.ACTIVE if following else ScheduleStatus.COMPLETED,
        firing_count=count,
        last_fired_at=now if fired else schedule.last_fired_at,
        recorded_until=until,
        **next_columns(schedule, following),
    )
    return changed == 1


def _as_read(schedule: Schedule) -> ScheduleQuerySet:
    """Match the schedule only if it was neither ticked nor edited since it was read."""
    return Schedule.objects.active().filter(
        pk=schedule.pk, next_fire_at=schedule.next_fire_at, updated_at=schedule.updated_at
    )


def defer(schedule: Schedule, until: datetime) -> bool:
    """Defer a due schedule; its nominal instant is kept."""
    mine = _as_read(schedule)
    return mine.update(deferred_until=until) == 1


# Is what is stored explained by the rhythm?


def corrected(schedule: Schedule, now: datetime) -> dict[str, Any]:
    """Return the columns that make the next instant follow from the recurrence again; empty if it does."""
    if is_consistent(schedule, now):
        return {}
    paused = schedule.status == ScheduleStatus.PAUSED
    over = paused or schedule.firings_left == 0
    following = None if over else next_recorded_from(schedule, now)
    status = ScheduleStatus.ACTIVE if following else ScheduleStatus.COMPLETED
    return next_columns(schedule, following) | {"status": schedule.status if paused else status}


def is_consistent(schedule: Schedule, now: datetime) -> bool:
    """Return whether the stored next instant follows from the recurrence. Read the row before the clock."""
    if schedule.status == ScheduleStatus.PAUSED:
        return schedule.next_nominal_at is None
    if schedule.status == ScheduleStatus.COMPLETED:
        return schedule.firings_left == 0 or next_from(schedule, now + SKEW) is None
    nominal = schedule.next_nominal_at
    if nominal is None or _is_deferred_too_long(schedule, now):
        return False
    known = schedule.recorded_until if schedule.at is None else None
    known = known if known and known <= now + SKEW else None
    if nominal <= now + SKEW:
        # It is due, whatever the rhythm says today, unless a clock that was behind has set it back.
        return known is None or known < nominal
    if schedule.next_fire_at != fire_at(schedule, nominal):
        return False
    if known and _follows(schedule, schedule.recurrence.next_after(known)):
        return True  # without a query: so it is for nearly all
    return _follows(schedule, next_from(schedule, now + SKEW)) and (
        known is None or _follows(schedule, first_open(schedule, known))
    )


def _follows(schedule: Schedule, instant: Instant | None) -> bool:
    return instant is not None and instant.at == schedule.next_nominal_at


def _is_deferred_too_long(schedule: Schedule, now: datetime) -> bool:
    """Return whether it is deferred longer than chat or an error ever defers: a clock was wrong."""
    return schedule.deferred_until is not None and schedule.deferred_until > now + LONGEST_DEFERRAL


def inconsistent(schedules: Iterable[Schedule], now: datetime) -> list[Schedule]:
    """Return the schedules whose next instant does not follow from their recurrence."""
    found = []
    for schedule in schedules:
        try:
            if not is_consistent(schedule, now):
                found.append(schedule)
        except (
            ValueError
        ):  # an unknown zone or an expression that is refused today: the tick and doctor say so
            continue
    return found
