"""Detects trouble from the database and opens or closes notices. Idempotent.

Schedulers detect blocked providers, missed instants, failed threads and different zone data. Only the web
process can detect that no scheduler is running. `streaks` opens the notice of a self-pause; here it is
closed.
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
    """The detectors of one scheduler, with their interval."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")

    def detect(self, now: datetime) -> None:
        """Open, update and close the notices that a scheduler can detect."""
        if time.monotonic() - self._looked_at >= LOOK_EVERY_SEC:
            detect(now)
            self._looked_at = time.monotonic()


def detect(now: datetime) -> None:
    """Open, update and close what a scheduler can notice."""
    known = {notice.cause: notice for notice in Notice.objects.open()}
    _detect_blocked_providers(known, now)
    _detect_missed_instants(known, now)
    _close_self_pauses(known, now)
    _detect_zone_data(known, now)
    _detect_failed_processes(known, now)
    _close_old(known, now)
    if NO_SCHEDULER in known and processes.complete(now):
        notices.close(NO_SCHEDULER, now)


def detect_missing_scheduler(now: datetime, since: datetime, seen: datetime | None = None) -> bool:
    """Open a notice if no scheduler or worker executes runs; return whether one does.

    `since` is when one was first expected, `seen` when the caller last found one: a process that exits in
    order deletes its row, so the row cannot tell.
    """
    if processes.complete(now):
        notices.close(NO_SCHEDULER, now)
        return True
    absent, means = processes.missing_kind(now)
    last = max(filter(None, (absent.aggregate(seen=Max("seen_at"))["seen"], seen)), default=None)
    if now - max(last or since, since) < SILENT_FOR:
        return False
    text = f"The last heartbeat was at {_clock(last)}." if last else "None was seen lately."
    if not Notice.objects.open().filter(cause=NO_SCHEDULER).exists():
        notices.open_notice(NO_SCHEDULER, Notice.Kind.NO_SCHEDULER, f"{means} {text}", now)
    return False


def _detect_blocked_providers(known: Open, now: datetime) -> None:
    tripped = {BREAKER + one.name: one for one in Provider.objects.filter(opened_at__isnull=False)}
    for cause, provider in tripped.items():
        if cause not in known or known[cause].count != provider.trips:
            why = f"{provider.open_reason.replace('_', ' ')}. {provider.open_detail}".strip()
            text = f"The breaker of {provider.name} is open: {why}"
            notices.open_notice(cause, Notice.Kind.BREAKER, text, now, count=max(1, provider.trips))
    for cause in known:
        if cause.startswith(BREAKER) and cause not in tripped:
            notices.close(cause, now)


def _detect_missed_instants(known: Open, now: datetime) -> None:
    """Add the instants that were skipped since the last notice to the open one."""
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


def _detect_failed_processes(known: Open, now: datetime) -> None:
    """Open a notice for failed threads and tasks; close it an hour after the last failure."""
    found = {f"{PROCESS}{trouble.process.role}:{trouble.part}": trouble for trouble in troubles(now)}
    for cause, trouble in found.items():
        if cause not in known or known[cause].text != str(trouble):
            notices.open_notice(cause, Notice.Kind.PROCESS, str(trouble), now, count=max(1, trouble.restarts))
    for cause in known:
        if cause.startswith(PROCESS) and cause not in found:
            notices.close(cause, now)


def _close_self_pauses(known: Open, now: datetime) -> None:
    """Close the notice once all schedules are resumed or deleted, or after a day without further ones."""
    for cause, notice in known.items():
        if cause.startswith(notices.SELF_PAUSE):
            reason = cause.removeprefix(notices.SELF_PAUSE)
            rest = Schedule.objects.paused_themselves().filter(last_failure_reason=reason)
            if notice.last_at < now - RECENT or not rest.exists():
                notices.close(cause, now)


def _detect_zone_data(known: Open, now: datetime) -> None:
    """Open a notice if schedulers use different time-zone data: instants depend on which one records them."""
    there = [one for one in Scheduler.objects.running(now) if one.zone_data]
    if len({one.zone_data.split()[0] for one in there}) > 1:
        named = ", ".join(sorted({f"{one.host} {one.zone_data}" for one in there}))
        text = f"Schedulers use different time-zone data: {named}. Update the older one."
        notices.open_notice(ZONE_DATA, Notice.Kind.ZONE_DATA, text, now)
    elif ZONE_DATA in known:
        notices.close(ZONE_DATA, now)


def _close_old(known: Open, now: datetime) -> None:
    """Close notices of single events a day after the last one."""
    for cause, notice in known.items():
        once = cause == notices.CORRECTED or cause.startswith(notices.ONE_SHOT)
        if once and notice.last_at < now - RECENT:
            notices.close(cause, now)


def _clock(moment: datetime) -> str:
    local = timezone.localtime(moment, timezone.get_default_timezone())
    return f"{local:%Y-%m-%d %H:%M %Z}"
