"""Checks that each schedule's next instant follows from its recurrence, and corrects it.

A wrong clock, a restored backup or newer zone data leave wrong next instants that nothing else corrects.
Other moments in an impossible future are corrected at the same time.
"""

import logging
import time
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from schedules.dispatch import clock_skew_repair
from schedules.models import Schedule, Setting
from schedules.monitoring import notices
from schedules.states import ScheduleStatus
from schedules.transitions.schedules.next_instant import corrected, inconsistent
from stagent.lib import clock, wakeup, zone_data

EVERY_SEC = 1800.0  # where nothing gives cause for it
SLICE_SEC = 0.03  # of a pass: runs wait for it
TOGETHER = 100
MOST_NAMED = 5
JUMP = timedelta(seconds=5)
STALL = timedelta(minutes=15)
ZONE_DATA = "zone_data"  # the setting that keeps the version

LOOK_SEC = 5.0  # for somebody who asks
MOST_FURTHEST = 200

log = logging.getLogger(__name__)


class Found(NamedTuple):
    """Schedules with a wrong next instant, and the number of unchecked ones."""

    wrong: list[Schedule]
    unseen: int


class NextCheck:
    """Checks all schedules in slices: at start, after a clock jump, and every half hour."""

    def __init__(self) -> None:
        self._after: int | None = 0  # the last one looked at; None when all are
        self._ended_at = time.monotonic()
        self._seen: datetime | None = None
        self._gap = 0.0  # between the clock and the monotonic one
        self._why = ""
        self._zone_data_is_known = self._moments_are_checked = False

    @property
    def busy(self) -> bool:
        """Return whether the next pass has more to check."""
        return self._after is not None

    def begin(self, why: str) -> None:
        """Start again; `why` is logged with each correction."""
        self._after, self._why = 0, why
        self._moments_are_checked = False

    def step(self, now: datetime) -> int:
        """Check some schedules; return how many were corrected."""
        self._notice_jump(now)
        self._notice_zone_data()
        if not self.busy and abs(time.monotonic() - self._ended_at) >= EVERY_SEC:
            self.begin("")
        if not self._moments_are_checked:
            clock_skew_repair.correct_stored_moments(now)
            self._moments_are_checked = True
        until, corrected = time.monotonic() + SLICE_SEC, 0
        while self._after is not None and time.monotonic() < until:
            rows = list(_living(now).filter(pk__gt=self._after).order_by("pk")[:TOGETHER])
            corrected += correct(rows, self._why)
            self._after = rows[-1].pk if len(rows) == TOGETHER else None
            self._ended_at = time.monotonic()
        return corrected

    def _notice_zone_data(self) -> None:
        """Report, with the corrections, that the zone data changed since the instants were computed."""
        if self._zone_data_is_known:
            return
        here = zone_data.choose_zone_data().version
        before = Setting.objects.filter(key=ZONE_DATA).values_list("value", flat=True).first()
        if before != here:
            Setting.objects.update_or_create(key=ZONE_DATA, defaults={"value": here})
            self.begin(f"the time-zone data changed from {before} to {here}" if before else "")
        self._zone_data_is_known = True

    def _notice_jump(self, now: datetime) -> None:
        """Start again if the wall clock jumped by more than a pass and a sleep take."""
        before, self._seen = self._seen, now
        gap, self._gap = self._gap, now.timestamp() - time.monotonic()
        stepped = abs(self._gap - gap) > JUMP.total_seconds()
        if before and (stepped or not before - JUMP <= now <= before + STALL):
            self.begin(f"the clock went from {before:%Y-%m-%d %H:%M:%S} to {now:%Y-%m-%d %H:%M:%S} UTC")


def correct(schedules: list[Schedule], why: str = "") -> int:
    """Correct those of these schedules that are wrong; notify, and return how many."""
    wrong = inconsistent(schedules, clock.now())
    corrections = [line for schedule in wrong if (line := _correct(schedule.pk))]
    if corrections:
        now = clock.now()
        named = ", ".join(corrections[:MOST_NAMED]) + (
            f" and {len(corrections) - MOST_NAMED} more" if corrections[MOST_NAMED:] else ""
        )
        cause = f" Likely cause: {why}." if why else ""
        text = f"The next firing did not follow from the rhythm and was corrected: {named}.{cause}"
        log.warning("%s", text)
        notices.notify_corrected(text, len(corrections), now)
        wakeup.notify()
    return len(corrections)


def _correct(schedule_id: int) -> str:
    """Recompute the next instant under a lock; return what changed."""
    skip = connection.features.has_select_for_update_skip_locked
    with transaction.atomic():
        locked = Schedule.objects.select_for_update(skip_locked=skip, of=("self",)).filter(pk=schedule_id)
        schedule, now = locked.first(), clock.now()
        columns = corrected(schedule, now) if schedule else {}
        if schedule is None or not columns:
            return ""
        Schedule.objects.filter(pk=schedule_id).update(**columns)
        if schedule.at is not None:
            notices.close_missed_one_shot(schedule_id, now)
    was, now_is = _local(schedule.next_fire_at), _local(columns["next_fire_at"])
    return f"“{schedule.name}” (schedule {schedule_id}) from {was} to {now_is}"


def _local(moment: datetime | None) -> str:
    if moment is None:
        return "none"
    return f"{timezone.localtime(moment, timezone.get_default_timezone()):%Y-%m-%d %H:%M %Z}"


def _living(now: datetime) -> QuerySet[Schedule]:
    """Return the schedules that may have a future instant."""
    completed = Q(status=ScheduleStatus.COMPLETED) & (Q(at__gt=now) | Q(ends_at__gt=now))
    return Schedule.objects.filter(Q(status=ScheduleStatus.ACTIVE) | completed)


def find_inconsistent(seconds: float = LOOK_SEC) -> Found:
    """Return the schedules with a wrong next instant, for the doctor.

    Those that fire last come first, because a fast clock leaves them there; then all others within the time.
    """
    until, after = time.monotonic() + seconds, 0
    wrong = {one.pk: one for one in furthest_inconsistent(MOST_FURTHEST)}
    living = _living(clock.now())
    while rows := list(living.filter(pk__gt=after).order_by("pk")[:TOGETHER]):
        wrong |= {one.pk: one for one in inconsistent(rows, clock.now())}
        after = rows[-1].pk
        if time.monotonic() > until:
            break
    return Found(list(wrong.values()), living.filter(pk__gt=after).count())


def furthest_inconsistent(most: int) -> list[Schedule]:
    """Return the wrong ones among the schedules that fire last: a fast clock leaves them there."""
    last = list(Schedule.objects.active().order_by("-next_fire_at")[:most])
    return inconsistent(last, clock.now())
