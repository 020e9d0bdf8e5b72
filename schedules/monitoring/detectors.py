"""Looks at the states of things and notices trouble. What it finds is found again: looking twice is harmless.

A scheduler looks at breakers and missed instants. That no scheduler is there, only the web can notice. That a
schedule paused itself is told by `streaks` as it happens; here it is only seen that it is over.
"""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db.models import Max, Sum
from django.utils import timezone

from agents.models import Provider
from schedules.capacity import processes
from schedules.models import Firing, Notice, Schedule, Scheduler
from schedules.models.firing import reaching
from schedules.monitoring import notices
from schedules.monitoring.process_reports import troubles
from schedules.states import Outcome

PROCESS = "process:"  # and the role of the process and the name of the part
LOOK_EVERY_SEC = 10.0
RECENT = timedelta(hours=24)  # instants missed longer ago are history, and so is a notice with none since
SILENT_FOR = timedelta(seconds=75)  # a restart is quicker
MISSED, NO_SCHEDULER, BREAKER, ZONE_DATA = "missed", "no_scheduler", "breaker:", "zone_data"

type Open = Mapping[str, Notice]


class Detectors:
    """The look of a scheduler, at its own pace."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")

    def detect(self, now: datetime) -> None:
        if time.monotonic() - self._looked_at >= LOOK_EVERY_SEC:
            detect(now)
            self._looked_at = time.monotonic()


def detect(now: datetime) -> None:
    """Open, update and close what a scheduler can notice."""
    known = {notice.cause: notice for notice in Notice.objects.open()}
    _look_at_breakers(known, now)
    _look_at_missed(known, now)
    _look_at_self_pauses(known, now)
    _look_at_zone_data(known, now)
    _look_at_processes(known, now)
    _close_what_is_old(known, now)
    if NO_SCHEDULER in known and processes.complete(now):
        notices.close(NO_SCHEDULER, now)


def detect_missing_scheduler(now: datetime, since: datetime, seen: datetime | None = None) -> bool:
    """Notice that no scheduler or worker executes runs; tell whether one does.

    `since` is from when on one was to be expected, `seen` when the caller last found one: who leaves in
    order takes its row along, and would seem to have been away for as long as anybody remembers.
    """
    if processes.complete(now):
        notices.close(NO_SCHEDULER, now)
        return True
    absent, means = processes.missing_kind(now)
    last = max(filter(None, (absent.aggregate(seen=Max("seen_at"))["seen"], seen)), default=None)
    if now - max(last or since, since) < SILENT_FOR:
        return False
    told = f"The last sign of life was at {_clock(last)}." if last else "None has been seen lately."
    if not Notice.objects.open().filter(cause=NO_SCHEDULER).exists():
        notices.open_notice(NO_SCHEDULER, Notice.Kind.NO_SCHEDULER, f"{means} {told}", now)
    return False


def _look_at_breakers(known: Open, now: datetime) -> None:
    tripped = {BREAKER + one.name: one for one in Provider.objects.filter(opened_at__isnull=False)}
    for cause, provider in tripped.items():
        if cause not in known or known[cause].count != provider.trips:
            why = f"{provider.open_reason.replace('_', ' ')}. {provider.open_detail}".strip()
            text = f"The breaker of {provider.name} is open: {why}"
            notices.open_notice(cause, Notice.Kind.BREAKER, text, now, count=max(1, provider.trips))
    for cause in known:
        if cause.startswith(BREAKER) and cause not in tripped:
            notices.close(cause, now)


def _look_at_missed(known: Open, now: datetime) -> None:
    """Count the instants that were skipped since the last notice, into the one that is open."""
    notice = known.get(MISSED)
    last = notice or Notice.objects.filter(cause=MISSED).order_by("-pk").first()
    skipped = Firing.objects.filter(
        reaching(now - RECENT), outcome=Outcome.SKIPPED_MISFIRE, pk__gt=last.until_id if last else 0
    )
    found = skipped.aggregate(number=Sum("count"), newest=Max("pk"))
    if found["newest"] is None:
        if notice and notice.last_at < now - RECENT:
            notices.close(MISSED, now)
        return
    number = found["number"] + (notice.count if notice else 0)
    newest = Firing.objects.get(pk=found["newest"])
    due = _clock(newest.last_nominal_at or newest.nominal_at)
    were = "instant was" if number == 1 else "instants were"
    latest = f"“{newest.schedule_name}”, due {due}. {newest.reason}".strip()
    text = f"{number} {were} skipped as too late. The last one: {latest}"
    notices.open_notice(MISSED, Notice.Kind.MISSED, text, now, count=number, until_id=newest.pk)


def _look_at_processes(known: Open, now: datetime) -> None:
    """Tell of threads and tasks that failed; an hour after the last failure it is history."""
    found = {f"{PROCESS}{trouble.process.role}:{trouble.part}": trouble for trouble in troubles(now)}
    for cause, trouble in found.items():
        if cause not in known or known[cause].text != str(trouble):
            notices.open_notice(cause, Notice.Kind.PROCESS, str(trouble), now, count=max(1, trouble.restarts))
    for cause in known:
        if cause.startswith(PROCESS) and cause not in found:
            notices.close(cause, now)


def _look_at_self_pauses(known: Open, now: datetime) -> None:
    """Close what is told of schedules once all are resumed or gone, or after a day without further ones."""
    for cause, notice in known.items():
        if cause.startswith(notices.SELF_PAUSE):
            reason = cause.removeprefix(notices.SELF_PAUSE)
            rest = Schedule.objects.paused_themselves().filter(last_failure_reason=reason)
            if notice.last_at < now - RECENT or not rest.exists():
                notices.close(cause, now)


def _look_at_zone_data(known: Open, now: datetime) -> None:
    """Tell that schedulers use different time-zone data: instants depend on who records them."""
    there = [one for one in Scheduler.objects.running(now) if one.zone_data]
    if len({one.zone_data.split()[0] for one in there}) > 1:
        named = ", ".join(sorted({f"{one.host} {one.zone_data}" for one in there}))
        told = f"Schedulers use different time-zone data: {named}. Update the older one."
        notices.open_notice(ZONE_DATA, Notice.Kind.ZONE_DATA, told, now)
    elif ZONE_DATA in known:
        notices.close(ZONE_DATA, now)


def _close_what_is_old(known: Open, now: datetime) -> None:
    """Close what happened once, a day after it was told last."""
    for cause, notice in known.items():
        once = cause == notices.CORRECTED or cause.startswith(notices.ONE_SHOT)
        if once and notice.last_at < now - RECENT:
            notices.close(cause, now)


def _clock(moment: datetime) -> str:
    local = timezone.localtime(moment, timezone.get_default_timezone())
    return f"{local:%Y-%m-%d %H:%M %Z}"
